/* Discord's translator without sockets: a recorded host, a clock of the test's own. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/err.h"
#include "base/json_read.h"
#include "channels/discord.h"
#include "support/config_fixture.h"

#define READY                                                                                                                              \
    "{\"op\":0,\"s\":1,\"t\":\"READY\",\"d\":{\"session_id\":\"S\",\"resume_gateway_url\":\"ws://resume/"                                  \
    "\",\"user\":{\"id\":\"900000000000000001\","                                                                                          \
    "\"username\":\"claw\"},\"application\":{\"id\":\"900000000000000002\"}}}"
#define HELLO "{\"op\":10,\"d\":{\"heartbeat_interval\":40000}}"
#define GUILD                                                                                                                              \
    "{\"op\":0,\"s\":2,\"t\":\"GUILD_CREATE\",\"d\":{\"id\":\"700000000000000001\",\"name\":\"G\",\"channels\":[{\"id\":"                  \
    "\"100000000000000001\","                                                                                                              \
    "\"type\":0,\"name\":\"c\"}]}}"

enum { NOTES_MAX = 6000 };

struct note {
    uint64_t tag;
    char text[200]; /* "GET /gateway/bot", "connect ws://...", "send {...}", "close 4000", "message ...", "delivered ...", "ordered ..." */
};

static struct {
    channel_state_t *state;
    struct channel_now now;
    struct note notes[NOTES_MAX];
    size_t count, seen;
    char said[4096]; /* text of the last message for an agent */
} t;

static void note(uint64_t tag, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void note(uint64_t tag, const char *format, ...)
{
    va_list args;
    cr_assert(t.count < NOTES_MAX);
    t.notes[t.count].tag = tag;
    va_start(args, format);
    vsnprintf(t.notes[t.count++].text, sizeof t.notes[0].text, format, args);
    va_end(args);
}

static void on_connect(void *ctx, size_t account, struct str url)
{
    (void)ctx;
    note(account, "connect %.*s", STR_ARG(url));
}

static void on_send(void *ctx, size_t account, struct str text)
{
    (void)ctx;
    note(account, "send %.*s", STR_ARG(text));
}

static void on_close(void *ctx, size_t account, int code)
{
    (void)ctx;
    note(account, "close %d", code);
}

static void on_request(void *ctx, const struct channel_request *r)
{
    (void)ctx;
    note(r->tag, "%s %.*s", r->method, STR_ARG(r->url));
}

static void on_message(void *ctx, const struct channel_message *m)
{
    (void)ctx;
    str_copy(t.said, sizeof t.said, str_utf8_prefix(m->text, sizeof t.said - 1));
    note(m->tag, "message %.*s", STR_ARG(m->key));
}

static void on_event(void *ctx, struct str key, struct str text)
{
    (void)ctx;
    note(0, "event %.*s %.*s", STR_ARG(key), STR_ARG(text));
}

static void on_delivered(void *ctx, int64_t id, enum channel_delivered how, int64_t parts, struct str text)
{
    (void)ctx;
    note((uint64_t)id, "delivered %d %lld %.*s", (int)how, (long long)parts, STR_ARG(text));
}

static void on_ordered(void *ctx, uint64_t tag, bool ok, struct str json)
{
    (void)ctx;
    note(tag, "ordered %d %.*s", ok, STR_ARG(json));
}

static void on_decide(void *ctx, uint64_t tag, struct str id, struct str decision, struct str by)
{
    (void)ctx;
    note(tag, "decide %.*s %.*s %.*s", STR_ARG(id), STR_ARG(decision), STR_ARG(by));
}

static void on_keep(void *ctx, struct str key, struct str json)
{
    (void)ctx;
    (void)json;
    note(0, "keep %.*s", STR_ARG(key));
}

static void on_changed(void *ctx)
{
    (void)ctx;
}

static uint64_t on_random(void *ctx)
{
    (void)ctx;
    return 0;
}

/* --- acting ----------------------------------------------------------------------------------------------------------------- */

/* The next note that begins so; those before it are passed over. */
static struct note *next(const char *begin)
{
    for (; t.seen < t.count; t.seen++)
        if (strncmp(t.notes[t.seen].text, begin, strlen(begin)) == 0) return &t.notes[t.seen++];
    return NULL;
}

#define EXPECT(begin)                                                                                                                      \
    cr_assert(next(begin), "there is no <%s>; the last of %zu notes is <%s>", begin, t.count, t.count ? t.notes[t.count - 1].text : "")
#define EXPECT_NO(begin) cr_assert(!next(begin), "there is a <%s>", begin)

static void tick(int64_t ms)
{
    t.now.mono_ms += ms;
    t.now.wall_ms += ms;
    channel_discord.tick(t.state, &t.now);
}

static void receive(const char *json)
{
    channel_discord.received(t.state, 0, str_of(json), false, &t.now);
}

static void answer(uint64_t tag, int status, const char *body)
{
    const struct channel_response r = {
        .tag = tag, .status = status, .headers = STR(""), .body = str_of(body), .error = status ? NULL : "reset"
    };
    channel_discord.answered(t.state, &r, &t.now);
}

static void answer_next(const char *begin, int status, const char *body)
{
    const struct note *n = next(begin);
    cr_assert(n, "there is no <%s>", begin);
    answer(n->tag, status, body);
}

#define GATEWAY_SAYS(left) "{\"url\":\"ws://gateway\",\"session_start_limit\":{\"remaining\":" #left ",\"reset_after\":60000}}"

static void start(const char *config)
{
    static const char *const pairs[] = { "DISCORD_BOT_TOKEN", "a-token-of-tests", "DISCORD_API_BASE", "http://api/", NULL };
    static const struct channel_host host = { .connect = on_connect,
                                              .send = on_send,
                                              .close = on_close,
                                              .request = on_request,
                                              .message = on_message,
                                              .event = on_event,
                                              .delivered = on_delivered,
                                              .ordered = on_ordered,
                                              .decide = on_decide,
                                              .keep = on_keep,
                                              .changed = on_changed,
                                              .random = on_random };
    parse(config);
    const struct channel_options options = { .config = cfg, .env = env_list(pairs) };
    t.now = (struct channel_now){ 1000000, INT64_C(1795353845000) };
    t.count = t.seen = 0;
    cr_assert(channel_discord.create(&options, &host, &t.state) == 0);
    channel_discord.start(t.state, &t.now);
}

static void connect_as(const char *first)
{
    channel_discord.opened(t.state, 0, &t.now);
    receive(HELLO);
    EXPECT(first);
}

static void be_ready(const char *config)
{
    start(config);
    answer_next("GET http://api/gateway/bot", 200, GATEWAY_SAYS(1000));
    EXPECT("connect ws://gateway/?v=10&encoding=json&compress=zlib-stream");
    connect_as("send {\"op\":2");
    receive(READY);
    answer_next("PUT http://api/applications/900000000000000002/commands", 200, "[]");
    receive(GUILD);
}

static void end(void)
{
    channel_discord.destroy(&t.state);
    config_end();
}

TestSuite(discord, .fini = end);

#define OPEN "{channels:{discord:{groupPolicy:'open',guilds:{'*':{requireMention:false}}}}}"

static void say(const char *id, const char *channel, const char *text)
{
    struct buf json = { 0 };
    buf_printf(&json,
               "{\"op\":0,\"s\":3,\"t\":\"MESSAGE_CREATE\",\"d\":{\"id\":\"%s\",\"channel_id\":\"%s\",\"guild_id\":\"700000000000000001\","
               "\"author\":{\"id\":\"500000000000000001\",\"username\":\"alice\"},\"content\":\"%s\",\"mentions\":[],\"type\":0}}",
               id, channel, text);
    receive(buf_cstr(&json));
    buf_free(&json);
}

/* --- the connection ---------------------------------------------------------------------------------------------------------- */

Test(discord, nothing_is_sent_before_hello_and_the_first_heartbeat_is_jittered)
{
    start(OPEN);
    answer_next("GET", 200, GATEWAY_SAYS(1000));
    EXPECT("connect");
    channel_discord.opened(t.state, 0, &t.now);
    EXPECT_NO("send");
    receive(HELLO);
    EXPECT("send {\"op\":2");
    receive(READY);
    tick(0); /* the random share of the interval is 0 here */
    EXPECT("send {\"op\":1,\"d\":1}");
    receive("{\"op\":11}");
    tick(39999);
    EXPECT_NO("send {\"op\":1");
    tick(1);
    EXPECT("send {\"op\":1");
    receive("{\"op\":1}"); /* the server asks: at once */
    EXPECT("send {\"op\":1");
}

Test(discord, a_heartbeat_without_an_answer_ends_the_connection_and_the_session_goes_on)
{
    be_ready(OPEN);
    tick(0);
    EXPECT("send {\"op\":1");
    tick(40000);
    EXPECT("close 4000");
    tick(2000);
    EXPECT("connect ws://resume/?v=10");
    connect_as("send {\"op\":6");
    tick(0); /* the new connection's first heartbeat waits for nothing of the old one */
    EXPECT_NO("close");
}

Test(discord, after_three_failed_resumes_it_identifies)
{
    be_ready(OPEN);
    for (int i = 0; i < 3; i++) {
        channel_discord.closed(t.state, 0, 1006, STR("gone"), &t.now);
        tick(40000);
        EXPECT("connect ws://resume/");
    }
    channel_discord.closed(t.state, 0, 1006, STR("gone"), &t.now);
    tick(40000);
    EXPECT("connect ws://gateway/");
    connect_as("send {\"op\":2");
}

Test(discord, close_codes_lead_where_the_reference_says)
{
    static const struct {
        int code;
        const char *then; /* NULL: nowhere, for good */
    } rows[] = { { 1000, "connect ws://resume/" },
                 { 4000, "connect ws://resume/" },
                 { 4003, "connect ws://gateway/" },
                 { 4005, "connect ws://resume/" },
                 { 4007, "connect ws://gateway/" },
                 { 4008, "connect ws://resume/" },
                 { 4009, "connect ws://gateway/" },
                 { 4004, NULL },
                 { 4010, NULL },
                 { 4011, NULL },
                 { 4012, NULL },
                 { 4013, NULL },
                 { 4014, NULL } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        be_ready(OPEN);
        tick(6000);
        channel_discord.closed(t.state, 0, rows[i].code, STR(""), &t.now);
        tick(60000);
        if (rows[i].then)
            cr_assert(next(rows[i].then), "%d: not %s", rows[i].code, rows[i].then);
        else
            cr_assert(!next("connect") && channel_discord.next(t.state) == INT64_MAX, "%d is fatal", rows[i].code);
        end();
    }
    be_ready(OPEN); /* for .fini */
}

Test(discord, attempts_are_further_and_further_apart_and_never_a_storm)
{
    int64_t began, last = 0;
    start(OPEN);
    began = t.now.mono_ms;
    for (int i = 0; i < 12; i++) {
        answer_next("GET", 500, "<html>");
        for (int64_t from = t.now.mono_ms; t.seen == t.count;) {
            tick(100);
            last = t.now.mono_ms - from;
        }
    }
    cr_expect(last >= 14000 && last <= 31000, "the pause is %lld ms", (long long)last);
    cr_expect(t.now.mono_ms - began > 60000);
}

Test(discord, the_daily_limit_of_starts_is_waited_out)
{
    start(OPEN);
    answer_next("GET", 200, GATEWAY_SAYS(0));
    tick(59000);
    EXPECT_NO("connect");
    tick(3000);
    answer_next("GET", 200, GATEWAY_SAYS(5)); /* asked again */
    EXPECT("connect");
}

Test(discord, what_is_not_json_or_too_large_when_inflated_ends_the_connection_alone)
{
    be_ready(OPEN);
    receive("{\"op\":0,\"t\":\"X\",\"d\":\"\\ud800\"}");
    receive("[[[");
    EXPECT_NO("close");
    size_t n = DISCORD_PAYLOAD_MAX + 70000;
    unsigned char *zeros = calloc(1, n), *packed = malloc(n);
    z_stream z = { .next_in = zeros, .avail_in = (uInt)n, .next_out = packed, .avail_out = (uInt)n };
    cr_assert(deflateInit(&z, 9) == Z_OK && deflate(&z, Z_SYNC_FLUSH) == Z_OK);
    channel_discord.received(t.state, 0, (struct str){ (char *)packed, n - z.avail_out }, true, &t.now);
    EXPECT("close 4000");
    tick(2000);
    EXPECT("connect ws://resume/");
    deflateEnd(&z);
    free(zeros);
    free(packed);
}

/* --- messages ----------------------------------------------------------------------------------------------------------------- */

Test(discord, a_message_told_twice_is_one)
{
    be_ready(OPEN);
    say("200000000000000001", "100000000000000001", "hi");
    EXPECT("message discord:default:200000000000000001");
    say("200000000000000001", "100000000000000001", "hi");
    EXPECT_NO("message");
}

Test(discord, a_channel_that_nobody_told_of_is_asked_for_once_and_its_messages_keep_their_order)
{
    be_ready(OPEN);
    say("200000000000000001", "100000000000000009", "one");
    say("200000000000000002", "100000000000000009", "two");
    answer_next("GET http://api/channels/100000000000000009", 403, "{\"code\":50001}");
    EXPECT("message discord:default:200000000000000001");
    EXPECT("message discord:default:200000000000000002");
    say("200000000000000003", "100000000000000009", "three");
    EXPECT("message");
    tick(31000); /* what is not known is asked for again after 30 s */
    say("200000000000000004", "100000000000000009", "four");
    EXPECT("GET http://api/channels/100000000000000009");
}

Test(discord, so_many_messages_wait_and_no_more)
{
    char id[32];
    be_ready(OPEN);
    for (int i = 0; i <= DISCORD_INBOUND_MAX; i++) {
        snprintf(id, sizeof id, "3000000000000%05d", i);
        say(id, "100000000000000009", "x");
    }
    answer_next("GET http://api/channels/100000000000000009", 200,
                "{\"id\":\"100000000000000009\",\"type\":0,\"guild_id\":\"700000000000000001\"}");
    int heard = 0;
    while (next("message")) heard++;
    cr_expect(heard == DISCORD_INBOUND_MAX, "%d", heard);
}

Test(discord, so_much_that_nobody_answered_is_shown_and_no_more)
{
    char id[32], text[32];
    be_ready("{channels:{discord:{groupPolicy:'open',historyLimit:1000,guilds:{'*':{}}}}}");
    for (int i = 0; i <= DISCORD_HISTORY_MAX; i++) {
        snprintf(id, sizeof id, "3000000000000%05d", i);
        snprintf(text, sizeof text, "line %d.", i);
        say(id, "100000000000000001", text);
    }
    EXPECT_NO("message");
    struct buf json = { 0 };
    buf_text(&json,
             "{\"op\":0,\"s\":9,\"t\":\"MESSAGE_CREATE\",\"d\":{\"id\":\"400000000000000001\",\"channel_id\":\"100000000000000001\","
             "\"guild_id\":\"700000000000000001\",\"author\":{\"id\":\"500000000000000001\",\"username\":\"alice\"},\"content\":\"now\","
             "\"mentions\":[{\"id\":\"900000000000000001\"}],\"type\":0}}");
    receive(buf_cstr(&json));
    buf_free(&json);
    EXPECT("message");
    cr_expect(!strstr(t.said, "line 0.") && strstr(t.said, "line 1."), "the oldest made room: %.300s", t.said);
}

Test(discord, so_many_messages_become_one_and_no_more)
{
    char id[32], text[32];
    be_ready("{messages:{inbound:{debounceMs:1000}},channels:{discord:{groupPolicy:'open',guilds:{'*':{requireMention:false}}}}}");
    for (int i = 0; i <= DISCORD_JOINED_MAX + 1; i++) {
        snprintf(id, sizeof id, "3000000000000%05d", i);
        snprintf(text, sizeof text, "piece %d.", i);
        say(id, "100000000000000001", text);
    }
    EXPECT("message");
    cr_expect(strstr(t.said, "piece 0.") && strstr(t.said, "piece 20.") && !strstr(t.said, "piece 21."), "%.400s", t.said);
    EXPECT_NO("message");
    tick(1000);
    EXPECT("message");
    cr_expect(strstr(t.said, "piece 21.") && !strstr(t.said, "piece 20."), "%.400s", t.said);
}

/* --- buttons ------------------------------------------------------------------------------------------------------------------ */

#define ASKING                                                                                                                             \
    "{channels:{discord:{groupPolicy:'open',guilds:{'*':{requireMention:false}},execApprovals:{enabled:true,"                              \
    "approvers:['500000000000000001']}}}}"

static void press(int number)
{
    struct buf json = { 0 };
    buf_printf(&json,
               "{\"op\":0,\"s\":3,\"t\":\"INTERACTION_CREATE\",\"d\":{\"id\":\"%d\",\"token\":\"tok%d\",\"type\":3,\"channel_id\":"
               "\"100000000000000001\",\"user\":{\"id\":\"500000000000000001\",\"username\":\"alice\"},\"data\":{\"custom_id\":"
               "\"approval:deny:a%d\"}}}",
               600000 + number, number, number);
    receive(buf_cstr(&json));
    buf_free(&json);
}

Test(discord, of_so_many_presses_the_end_is_awaited_and_each_counts)
{
    uint64_t first = 0;
    be_ready(ASKING);
    for (int i = 0; i <= 64; i++) { /* PRESSES_MAX and one more */
        press(i);
        const struct note *n = next("decide a");
        cr_assert(n, "press %d", i);
        cr_expect((n->tag != 0) == (i < 64), "press %d has %llu", i, (unsigned long long)n->tag);
        if (i == 0) first = n->tag;
    }
    channel_discord.decided(t.state, first, true, &t.now);
    press(65);
    const struct note *n = next("decide a65 deny discord:alice");
    cr_expect(n && n->tag != 0, "there is room again");
}

Test(discord, a_row_has_five_buttons_with_ids_of_a_hundred_characters)
{
    char id[102] = "";
    json_t *body = json_object(), *list = json_array();
    memset(id, 'i', 101);
    json_array_append_new(list, json_pack("{s:s, s:s}", "id", id, "label", "too long"));
    id[100] = '\0';
    for (int i = 0; i < 6; i++) json_array_append_new(list, json_pack("{s:s, s:s}", "id", id, "label", "x"));
    char *text = json_dumps(list, 0);
    discord_add_buttons(body, str_of(text));
    const json_t *row = json_object_get(json_array_get(json_object_get(body, "components"), 0), "components");
    cr_expect_eq(json_array_size(row), 5, "%zu", json_array_size(row));
    cr_expect_str_eq(json_string_value(json_object_get(json_array_get(row, 0), "label")), "x");
    free(text);
    json_decref(list);
    json_decref(body);
}

/* --- answers ------------------------------------------------------------------------------------------------------------------ */

static void deliver(int64_t id, const char *route, const char *text, int64_t sent)
{
    char nonce[24];
    snprintf(nonce, sizeof nonce, "t%lld", (long long)id);
    const struct channel_delivery d = {
        .id = id, .route = str_of(route), .text = str_of(text), .nonce = str_of(nonce), .parts_sent = sent
    };
    channel_discord.deliver(t.state, &d, &t.now);
}

#define TO_C "{\"account\":\"default\",\"to\":\"channel:100000000000000001\"}"
#define POST_C "POST http://api/channels/100000000000000001/messages"

Test(discord, parts_that_were_sent_before_a_crash_are_not_sent_again)
{
    be_ready("{channels:{discord:{textChunkLimit:20}}}");
    deliver(1, TO_C, "aaaa bbbb cccc dddd eeee ffff", 1);
    answer_next(POST_C, 200, "{\"id\":\"1\"}");
    EXPECT("delivered 0 2");
    EXPECT_NO(POST_C);
}

Test(discord, what_is_forbidden_is_reported_and_those_behind_it_go_on)
{
    be_ready(OPEN);
    deliver(1, TO_C, "one", 0);
    deliver(2, TO_C, "two", 0);
    answer_next(POST_C, 403, "{\"code\":50013,\"message\":\"Missing Permissions\"}");
    EXPECT("delivered 2 0 Missing Permissions (HTTP 403, code 50013)");
    answer_next(POST_C, 200, "{\"id\":\"2\"}");
    EXPECT("delivered 0 1");
}

Test(discord, an_answer_waits_for_a_token_that_is_valid)
{
    static const char *const pairs[] = { "DISCORD_API_BASE", "http://api", NULL };
    struct config_problems none = { 0 };
    const struct env env = env_list(pairs);
    config_t *fresh;
    be_ready(OPEN);
    deliver(1, TO_C, "keep me", 0);
    deliver(2, TO_C, "me too", 0);
    answer_next(POST_C, 401, "{\"code\":0,\"message\":\"401: Unauthorized\"}");
    EXPECT("close 1000");
    tick(600000);
    EXPECT_NO("POST"); /* nothing is tried with it */
    cr_assert(config_parse(STR("{channels:{discord:{token:'another-token',groupPolicy:'open'}}}"), "t", &env, &fresh, &none) == 0);
    channel_discord.take_config(t.state, fresh, &t.now);
    answer_next(POST_C, 200, "{\"id\":\"1\"}");
    EXPECT("delivered 0 1");
    answer_next(POST_C, 200, "{\"id\":\"2\"}");
    EXPECT("delivered 0 1");
    channel_discord.take_config(t.state, cfg, &t.now);
    config_unref(&fresh);
    config_problems_free(&none);
}

Test(discord, a_command_whose_time_is_over_is_answered_in_its_channel_and_stops_no_account)
{
    be_ready(OPEN);
    deliver(1, "{\"account\":\"default\",\"to\":\"channel:100000000000000001\",\"interaction\":\"900000000000000002/tok\"}", "late", 0);
    answer_next("PATCH http://api/webhooks/900000000000000002/tok/messages/@original", 401, "{\"code\":50027}");
    answer_next(POST_C, 200, "{\"id\":\"1\"}");
    EXPECT("delivered 0 1");
    EXPECT_NO("close");
}

Test(discord, one_answer_after_the_other_goes_into_a_channel_also_when_a_command_comes_between)
{
    be_ready(OPEN);
    deliver(1, "{\"account\":\"default\",\"to\":\"channel:100000000000000001\",\"interaction\":\"900000000000000002/tok\"}", "late", 0);
    deliver(2, TO_C, "plain", 0);
    struct note *patch = next("PATCH"), *post = next(POST_C);
    cr_assert(patch && post);
    answer(patch->tag, 404, "{\"code\":10062}");
    EXPECT_NO("POST"); /* the plain one is on its way */
    answer(post->tag, 200, "{\"id\":\"2\"}");
    answer_next(POST_C, 200, "{\"id\":\"1\"}");
    EXPECT("delivered 0 1");
    EXPECT_NO("POST");
}

Test(discord, orders_of_a_stopped_account_are_answered_at_once)
{
    const struct channel_order send = {
        .tag = 7, .action = STR("send"), .params = STR("{}"), .send = { .route = STR(TO_C), .text = STR("x"), .nonce = STR("n") }
    };
    const struct channel_order probe = { .tag = 8, .action = STR("probe"), .params = STR("{}") };
    start(OPEN);
    answer_next("GET", 401, "{}");
    channel_discord.order(t.state, &send, &t.now);
    EXPECT("ordered 0 Discord refuses the bot token");
    channel_discord.order(t.state, &probe, &t.now);
    EXPECT("ordered 0 Discord refuses the bot token");
}

Test(discord, nobody_is_named_by_an_answer_but_people)
{
    be_ready(OPEN);
    deliver(1, TO_C, "NO_REPLY", 0);
    EXPECT("delivered 0 0");
    deliver(2, "{\"account\":\"nobody\",\"to\":\"channel:1\"}", "x", 0);
    EXPECT("delivered 2 0 there is no such Discord account");
    deliver(3, "{\"account\":\"default\",\"to\":\"12345\"}", "x", 0);
    EXPECT("delivered 2 0 a Discord target is written channel:<id> or user:<id>");
}
