/* Many at once: caps hold, everyone is answered, each session in order. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/gateway.h"

enum { SESSIONS = 20, PER_SESSION = 10, REQUESTS = SESSIONS * PER_SESSION, CAP = 4 };

/* Pairs of turns of one session where the later one's message stands before the earlier one's. */
static const char OUT_OF_ORDER[] =
    "SELECT count(*) FROM turns a JOIN turns b ON b.session = a.session AND b.id > a.id "
    "JOIN turn_starts sa ON sa.turn = a.id JOIN turn_starts sb ON sb.turn = b.id WHERE sa.user_seq >= sb.user_seq";

static http_conn_t *send_chat(const struct kit *k, const char *user, const char *text)
{
    http_conn_t *c;
    char *body = kit_chat_body(NULL, user, text, NULL);
    struct http_call call = { .path = "/v1/chat/completions", .token = KIT_TOKEN, .body = str_of(body) };
    cr_assert_eq(http_open(k->port, &c), 0);
    cr_assert_eq(http_send(c, &call, KIT_TURN_MS), 0);
    free(body);
    return c;
}

static void expect_reply(http_conn_t **c, const char *text)
{
    struct http_reply r = { 0 };
    cr_assert_eq(http_read_head(*c, KIT_TURN_MS, &r), 0);
    cr_assert_eq(http_read_body(*c, KIT_TURN_MS, &r), 0);
    char *content = kit_content(&r);
    cr_expect(r.status == 200 && strcmp(content, text) == 0, "%s got %d: %s", text, r.status, buf_cstr(&r.body));
    free(content);
    http_reply_free(&r);
    http_close(c);
}

Test(e2e_load, two_hundred_at_once_never_pass_the_cap, .timeout = 120)
{
    static http_conn_t *c[REQUESTS];
    struct kit k;
    char user[32], text[64];
    kit_start(&k, NULL); /* the homelab config leaves maxConcurrent at its default, 4 */
    fake_control(&k.openrouter, "{\"default\":{\"echo\":true,\"deltas\":2,\"delay_ms\":2}}");
    for (int i = 0; i < REQUESTS; i++) {
        snprintf(user, sizeof user, "s%d", i % SESSIONS);
        snprintf(text, sizeof text, "s%d message %d", i % SESSIONS, i / SESSIONS);
        c[i] = send_chat(&k, user, text);
    }
    for (int i = 0; i < REQUESTS; i++) {
        snprintf(text, sizeof text, "s%d message %d", i % SESSIONS, i / SESSIONS);
        expect_reply(&c[i], text);
    }
    cr_expect_eq(fake_count(&k.openrouter, "requests"), REQUESTS);
    cr_expect(fake_count(&k.openrouter, "max_active") <= CAP, "%lld at once", (long long)fake_count(&k.openrouter, "max_active"));
    cr_expect(fake_count(&k.openrouter, "max_active") >= 2, "never two at once");
    cr_expect_eq(fake_count(&k.openrouter, "violations"), 0);
    cr_expect_eq(kit_sql(&k, "SELECT count(*) FROM messages WHERE role = 'assistant'"), REQUESTS);
    cr_expect_eq(kit_sql(&k, "SELECT count(*) FROM turn_ends WHERE state = 2"), REQUESTS); /* TURN_DONE */
    cr_expect_eq(kit_sql(&k, OUT_OF_ORDER), 0);
    kit_stop(&k);
}

Test(e2e_load, a_session_answers_in_order_of_arrival, .timeout = 60)
{
    enum { WAITING = 8 };
    struct kit k;
    http_conn_t *c[WAITING];
    char text[32];
    kit_start(&k, NULL);
    fake_control(&k.openrouter, "{\"next\":[{\"echo\":true,\"first_ms\":1000}]}");
    for (int i = 0; i < WAITING; i++) { /* each is durable before the next is sent: the order is certain */
        snprintf(text, sizeof text, "message %d", i);
        c[i] = send_chat(&k, "one", text);
        int64_t deadline = now_ms() + KIT_TURN_MS;
        while (kit_sql(&k, "SELECT count(*) FROM turns") < i + 1 && now_ms() < deadline) pause_ms(1);
    }
    for (int i = 0; i < WAITING; i++) {
        snprintf(text, sizeof text, "message %d", i);
        expect_reply(&c[i], text);
    }
    json_t *stats = fake_stats(&k.openrouter), *users = json_object_get(stats, "users");
    cr_expect_eq(json_array_size(users), WAITING);
    for (size_t i = 0; i < json_array_size(users); i++) {
        snprintf(text, sizeof text, "message %zu", i);
        cr_expect_str_eq(json_string_value(json_array_get(users, i)), text);
    }
    json_decref(stats);
    kit_stop(&k);
}

/* MODEL_IN_FLIGHT_MAX (actors/model.h): a provider is asked 512 things at once; what comes on top waits its turn and is answered. */
Test(e2e_load, a_provider_is_asked_so_much_at_once_and_no_more, .timeout = 180)
{
    enum { AT_ONCE = 512, MORE = 20 };
    static const char config[] = "{ agents: { defaults: { maxConcurrent: 1000, model: '" KIT_OPENROUTER_MODEL "' } } }\n";
    static http_conn_t *c[AT_ONCE + MORE];
    struct kit k;
    struct kit_options o = { .config_text = config };
    char user[32];
    kit_start(&k, &o);
    fake_control(&k.openrouter, "{\"default\":{\"echo\":true,\"first_ms\":3000}}");
    for (int i = 0; i < AT_ONCE + MORE; i++) {
        snprintf(user, sizeof user, "u%d", i);
        c[i] = send_chat(&k, user, user);
    }
    for (int i = 0; i < AT_ONCE + MORE; i++) {
        snprintf(user, sizeof user, "u%d", i);
        expect_reply(&c[i], user);
    }
    cr_expect(fake_count(&k.openrouter, "max_active") <= AT_ONCE, "%lld at once", (long long)fake_count(&k.openrouter, "max_active"));
    cr_expect(fake_count(&k.openrouter, "max_active") > AT_ONCE / 2, "%lld at once", (long long)fake_count(&k.openrouter, "max_active"));
    cr_expect_eq(fake_count(&k.openrouter, "requests"), AT_ONCE + MORE);
    kit_stop(&k);
}
