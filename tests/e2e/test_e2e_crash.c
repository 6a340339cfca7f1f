/* Killed, stopped, left: what a turn comes to when one of the three ends goes away. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/err.h"
#include "support/gateway.h"

static const char SLOW[] = "{\"next\":[{\"text\":\"one two three four five six seven eight nine ten\",\"deltas\":10,\"delay_ms\":100}]}";
static const char STUCK[] = "{\"next\":[{\"text\":\"one two\",\"deltas\":2,\"hang\":1}]}";

/* A streamed turn of which the first text has come. */
static http_conn_t *begin_stream(const struct kit *k, const char *user, const char *text)
{
    http_conn_t *c;
    struct http_reply r = { 0 };
    struct buf data = { 0 };
    char *body = kit_chat_body(NULL, user, text, ",\"stream\":true");
    struct http_call call = { .path = "/v1/chat/completions", .token = KIT_TOKEN, .body = str_of(body) };
    cr_assert_eq(http_open(k->port, &c), 0);
    cr_assert_eq(http_send(c, &call, KIT_TURN_MS), 0);
    cr_assert_eq(http_read_head(c, KIT_TURN_MS, &r), 0);
    cr_assert_eq(r.status, 200);
    do cr_assert_eq(http_read_event(c, KIT_TURN_MS, &data), 0);
    while (str_find(buf_str(&data), STR("one")) < 0);
    buf_free(&data);
    http_reply_free(&r);
    free(body);
    return c;
}

static void wait_sql(const struct kit *k, const char *sql, int64_t wanted)
{
    int64_t deadline = now_ms() + KIT_TURN_MS, seen;
    while ((seen = kit_sql(k, sql)) != wanted && now_ms() < deadline) pause_ms(5);
    cr_expect(seen == wanted, "%s: %lld, not %lld", sql, (long long)seen, (long long)wanted);
}

Test(e2e_crash, a_killed_turn_completes_once_after_the_restart, .timeout = 120)
{
    struct kit k;
    struct http_reply r = { 0 };
    kit_start(&k, NULL);
    fake_control(&k.openrouter, SLOW);
    http_conn_t *c = begin_stream(&k, "u", "do it");
    cr_assert_eq(proc_signal(k.gateway, SIGKILL), 0);
    cr_assert_eq(proc_wait(k.gateway, 5000, NULL), 0);
    cr_expect(http_closed_by_peer(c, 5000), "the stream outlived its server");
    http_close(&c);
    kit_restart(&k);
    wait_sql(&k, "SELECT count(*) FROM messages WHERE role = 'assistant'", 1);
    wait_sql(&k, "SELECT count(*) FROM turn_inputs", 0);
    cr_expect_eq(kit_sql(&k, "SELECT count(*) FROM turn_ends WHERE state = 2"), 1); /* TURN_DONE */
    cr_expect_eq(kit_sql(&k, "SELECT count(*) FROM messages WHERE role = 'user'"), 1);
    cr_assert_eq(kit_chat(&k, "u", "and now?", &r), 0); /* the session goes on */
    cr_expect_eq(r.status, 200);
    cr_expect_eq(kit_sql(&k, "SELECT count(*) FROM messages WHERE role = 'user'"), 2);
    cr_expect_eq(kit_sql(&k, "SELECT count(*) FROM messages WHERE role = 'assistant'"), 2);
    cr_expect_eq(fake_count(&k.openrouter, "violations"), 0);
    http_reply_free(&r);
    kit_stop(&k);
}

Test(e2e_crash, a_client_that_leaves_aborts_its_run, .timeout = 60)
{
    struct kit k;
    kit_start(&k, NULL);
    fake_control(&k.openrouter, STUCK);
    http_conn_t *c = begin_stream(&k, "u", "do it");
    http_reset(&c);
    cr_expect_eq(fake_wait(&k.openrouter, "cut", 1, 5000), 0, "the provider's request was not ended");
    wait_sql(&k, "SELECT count(*) FROM turn_ends WHERE state = 4", 1); /* TURN_ABORTED */
    cr_expect_eq(kit_sql(&k, "SELECT count(*) FROM turn_inputs"), 0);
    cr_expect_eq(fake_count(&k.openrouter, "active"), 0);
    kit_stop(&k);
}

Test(e2e_crash, a_client_that_leaves_before_any_answer_aborts_too, .timeout = 60)
{
    struct kit k;
    http_conn_t *c;
    kit_start(&k, NULL);
    fake_control(&k.openrouter, "{\"next\":[{\"hang\":\"start\"}]}");
    char *body = kit_chat_body(NULL, "u", "do it", NULL);
    struct http_call call = { .path = "/v1/chat/completions", .token = KIT_TOKEN, .body = str_of(body) };
    cr_assert_eq(http_open(k.port, &c), 0);
    cr_assert_eq(http_send(c, &call, 5000), 0);
    cr_assert_eq(fake_wait(&k.openrouter, "active", 1, KIT_TURN_MS), 0);
    http_close(&c);
    cr_expect_eq(fake_wait(&k.openrouter, "cut", 1, 5000), 0, "the provider's request was not ended");
    cr_expect_eq(fake_count(&k.gemini, "requests"), 0);
    wait_sql(&k, "SELECT count(*) FROM turn_ends WHERE state = 4", 1); /* TURN_ABORTED */
    free(body);
    kit_stop(&k);
}

Test(e2e_crash, sigterm_lets_a_running_turn_finish, .timeout = 60)
{
    struct kit k;
    struct buf data = { 0 };
    bool done = false;
    int status, rc;
    kit_start(&k, NULL);
    fake_control(&k.openrouter, SLOW);
    http_conn_t *c = begin_stream(&k, "u", "do it");
    cr_assert_eq(proc_signal(k.gateway, SIGTERM), 0);
    while ((rc = http_read_event(c, KIT_TURN_MS, &data)) == 0) done = str_is(buf_str(&data), "[DONE]");
    cr_expect(rc == GW_ENOENT && done, "the stream ended with %s", err_name(rc));
    cr_assert_eq(proc_wait(k.gateway, KIT_TURN_MS, &status), 0);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "wait status %d", status);
    cr_expect_eq(kit_sql(&k, "SELECT count(*) FROM messages WHERE role = 'assistant'"), 1);
    buf_free(&data);
    http_close(&c);
    kit_stop(&k);
}

Test(e2e_crash, a_second_sigterm_stops_at_once_and_loses_nothing, .timeout = 120)
{
    struct kit k;
    kit_start(&k, NULL);
    fake_control(&k.openrouter, STUCK);
    http_conn_t *c = begin_stream(&k, "u", "do it");
    cr_assert_eq(proc_signal(k.gateway, SIGTERM), 0);
    cr_expect_eq(proc_wait(k.gateway, 300, NULL), GW_ETIMEOUT, "it did not wait for the running turn");
    cr_assert_eq(proc_signal(k.gateway, SIGTERM), 0);
    cr_assert_eq(proc_wait(k.gateway, 5000, NULL), 0, "the second SIGTERM did not stop it");
    http_close(&c);
    kit_restart(&k);
    wait_sql(&k, "SELECT count(*) FROM messages WHERE role = 'assistant'", 1);
    cr_expect_eq(kit_sql(&k, "SELECT count(*) FROM messages WHERE role = 'user'"), 1);
    kit_stop(&k);
}
