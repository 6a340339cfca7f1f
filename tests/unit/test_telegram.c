/* Telegram's translator without sockets: a recorded host, a clock of the test's own. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/json_read.h"
#include "channels/telegram.h"
#include "support/config_fixture.h"

enum { NOTES_MAX = 400 };
#define ME "{\"ok\":true,\"result\":{\"id\":5,\"is_bot\":true,\"username\":\"claw_bot\"}}"
#define EMPTY "{\"ok\":true,\"result\":[]}"

static struct {
    channel_state_t *state;
    struct channel_now now;
    uint64_t tags[NOTES_MAX]; /* calls without an answer, oldest first */
    char calls[NOTES_MAX][160];
    size_t count;
    struct buf log; /* what came out since the last look */
    uint64_t turns[NOTES_MAX];
    size_t turn_count;
    char said[2048];
} t;

static void on_request(void *ctx, const struct channel_request *r)
{
    (void)ctx;
    ptrdiff_t slash = 0;
    for (size_t i = 0; i < r->url.n; i++)
        if (r->url.p[i] == '/') slash = (ptrdiff_t)i;
    cr_assert_lt(t.count, NOTES_MAX);
    t.tags[t.count] = r->tag;
    snprintf(t.calls[t.count++], sizeof t.calls[0], "%.*s %.*s", (int)(r->url.n - (size_t)slash - 1), r->url.p + slash + 1,
             (int)(r->body.n < 100 ? r->body.n : 100), r->body.p);
}

static void on_message(void *ctx, const struct channel_message *m)
{
    (void)ctx;
    t.turns[t.turn_count++] = m->tag;
    str_copy(t.said, sizeof t.said, str_utf8_prefix(m->text, sizeof t.said - 1));
    buf_printf(&t.log, "message[%.*s|%.*s|%.*s|%s] ", STR_ARG(m->key), STR_ARG(m->session_key), STR_ARG(m->command),
               m->may_command ? "may" : "no");
}

static void on_delivered(void *ctx, int64_t id, enum channel_delivered how, int64_t parts, struct str text)
{
    (void)ctx;
    (void)text;
    buf_printf(&t.log, "delivered[%lld %d %lld] ", (long long)id, (int)how, (long long)parts);
}

static void on_ordered(void *ctx, uint64_t tag, bool ok, struct str json)
{
    (void)ctx;
    buf_printf(&t.log, "ordered[%llu %d %.*s] ", (unsigned long long)tag, ok, STR_ARG(json));
}

static void on_keep(void *ctx, struct str key, struct str json)
{
    (void)ctx;
    (void)json;
    buf_printf(&t.log, "keep[%.*s] ", STR_ARG(key));
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

static void begin(const char *telegram)
{
    static char text[2048];
    snprintf(text, sizeof text, "{ channels: { telegram: { enabled: true, botToken: '5:t', %s } } }", telegram);
    parse(text);
    const struct channel_host host = { .request = on_request,
                                       .message = on_message,
                                       .delivered = on_delivered,
                                       .ordered = on_ordered,
                                       .keep = on_keep,
                                       .changed = on_changed,
                                       .random = on_random };
    static const char *const nothing[] = { NULL };
    const struct channel_options options = { cfg, env_list(nothing) };
    memset(&t, 0, sizeof t);
    t.now = (struct channel_now){ 1000, INT64_C(1795348800000) };
    cr_assert_eq(channel_telegram.create(&options, &host, &t.state), 0);
    channel_telegram.start(t.state, &t.now);
}

static void end(void)
{
    channel_telegram.destroy(&t.state);
    buf_free(&t.log);
    config_end();
}

/* The oldest call that begins so is answered. */
static void answer(const char *call, int status, const char *body)
{
    size_t i = 0;
    while (i < t.count && strncmp(t.calls[i], call, strlen(call)) != 0) i++;
    cr_assert_lt(i, t.count, "no call %s; the oldest is %s", call, t.count ? t.calls[0] : "(none)");
    const struct channel_response r = { .tag = t.tags[i], .status = status, .body = str_of(body), .error = "no answer" };
    t.count--;
    memmove(t.tags + i, t.tags + i + 1, (t.count - i) * sizeof t.tags[0]);
    memmove(t.calls + i, t.calls + i + 1, (t.count - i) * sizeof t.calls[0]);
    channel_telegram.answered(t.state, &r, &t.now);
}

static void pass(int64_t ms)
{
    t.now.mono_ms += ms;
    t.now.wall_ms += ms;
    if (t.now.mono_ms >= channel_telegram.next(t.state)) channel_telegram.tick(t.state, &t.now);
}

static void did(const char *expected)
{
    cr_expect_str_eq(buf_cstr(&t.log), expected);
    buf_clear(&t.log);
}

static void connect_bot(void)
{
    answer("getMe", 200, ME);
    answer("setMyCommands", 200, "{\"ok\":true,\"result\":true}");
    cr_assert_eq(t.count, 1, "it polls");
}

#define DM(update, from, text)                                                                                                             \
    "{\"update_id\":" update ",\"message\":{\"message_id\":1,\"from\":{\"id\":" from                                                       \
    ",\"is_bot\":false,\"first_name\":\"A\",\"username\":\"al\"},\"chat\":{\"id\":" from ",\"type\":\"private\"},\"text\":\"" text "\"}}"
#define GROUP(update, from, text, more)                                                                                                    \
    "{\"update_id\":" update ",\"message\":{\"message_id\":1,\"from\":{\"id\":" from                                                       \
    ",\"is_bot\":false,\"first_name\":\"A\"},\"chat\":{\"id\":-9,\"type\":\"group\",\"title\":\"G\"},\"text\":\"" text "\"" more "}}"
#define UPDATES(list) "{\"ok\":true,\"result\":[" list "]}"

static void hear(const char *updates)
{
    answer("getUpdates", 200, updates);
}

static void news(size_t turn, enum channel_turn_news what)
{
    channel_telegram.turn(t.state, t.turns[turn], what, (struct str){ 0 }, &t.now);
}

/* --- polling --------------------------------------------------------------------------------------------------------------- */

Test(telegram, confirms_what_is_on_record_and_nothing_else, .fini = end)
{
    begin("dmPolicy: 'open', allowFrom: ['*']");
    connect_bot();
    hear(UPDATES(DM("70", "7", "one") "," DM("71", "7", "two")));
    did("message[telegram:5:70|agent:main:main|one|may] message[telegram:5:71|agent:main:main|two|may] ");
    pass(5000);
    cr_expect_eq(t.count, 0, "nobody has said that they are on record");
    news(0, CHANNEL_TURN_TAKEN);
    pass(1);
    cr_expect_eq(t.count, 0);
    news(1, CHANNEL_TURN_TAKEN);
    pass(1);
    answer("getUpdates {\"timeout\":30,\"allowed_updates\":[\"message\"],\"offset\":72}", 200, EMPTY);
}

Test(telegram, what_nobody_took_is_asked_for_again, .fini = end)
{
    begin("dmPolicy: 'open', allowFrom: ['*']");
    connect_bot();
    hear(UPDATES(DM("70", "7", "one") "," DM("71", "7", "two")));
    news(0, CHANNEL_TURN_TAKEN);
    pass(TELEGRAM_TAKEN_MS - 1);
    cr_expect_eq(t.count, 0);
    pass(1);
    answer("getUpdates {\"timeout\":30,\"allowed_updates\":[\"message\"],\"offset\":71}", 200, UPDATES(DM("71", "7", "two")));
    cr_expect(strstr(buf_cstr(&t.log), "telegram:5:71|agent:main:main|two|may] message[telegram:5:71"), "with the same key: %s",
              buf_cstr(&t.log));
}

Test(telegram, a_server_that_does_not_wait_is_not_asked_at_once, .fini = end)
{
    begin("dmPolicy: 'open', allowFrom: ['*']");
    connect_bot();
    hear(EMPTY);
    pass(TELEGRAM_PAUSE_MS - 1);
    cr_expect_eq(t.count, 0);
    pass(1);
    cr_expect_eq(t.count, 1);
    t.now.mono_ms += 30000; /* this time it waits */
    hear(EMPTY);
    pass(0);
    cr_expect_eq(t.count, 1);
}

Test(telegram, backs_off_and_stops_for_a_token_that_is_none, .fini = end)
{
    begin("dmPolicy: 'open', allowFrom: ['*']");
    connect_bot();
    answer("getUpdates", 502, "");
    pass(TELEGRAM_BACKOFF_MS - 1);
    cr_expect_eq(t.count, 0);
    pass(1);
    answer("getUpdates", 429, "{\"ok\":false,\"error_code\":429,\"description\":\"Too Many Requests\",\"parameters\":{\"retry_after\":9}}");
    pass(8999);
    cr_expect_eq(t.count, 0);
    pass(1);
    answer("getUpdates", 401, "{\"ok\":false,\"error_code\":401,\"description\":\"Unauthorized\"}");
    pass(3600000);
    cr_expect_eq(t.count, 0, "a token is not mended by trying");
    struct buf status = { 0 };
    channel_telegram.status(t.state, &t.now, &status);
    cr_expect(strstr(buf_cstr(&status), "does not know this token") && strstr(buf_cstr(&status), "\"running\":false") &&
              !strstr(buf_cstr(&status), "5:t"));
    buf_free(&status);
}

/* --- who may --------------------------------------------------------------------------------------------------------------- */

Test(telegram, strangers_get_one_code, .fini = end)
{
    begin("allowFrom: ['@AL2', 8]");
    connect_bot();
    hear(UPDATES(DM("1", "7", "hi") "," DM("2", "7", "hi again") "," DM("3", "8", "let in")));
    did("keep[pairing] message[telegram:5:3|agent:main:main|let in|may] ");
    cr_assert_eq(t.count, 1);
    answer("sendMessage {\"text\":\"OpenClaw: access not configured.\\n\\nYour Telegram user id: 7", 200,
           "{\"ok\":true,\"result\":{\"message_id\":9}}");
}

Test(telegram, groups_by_policy_and_mention, .fini = end)
{
    static const struct {
        const char *settings, *update;
        bool taken;
    } cases[] = {
        { "groups: { '-9': {} }", GROUP("1", "7", "hello", ""), false },
        { "groups: { '-9': {} }", GROUP("1", "7", "x @claw_bot", ",\"entities\":[{\"type\":\"mention\",\"offset\":2,\"length\":9}]"),
          true },
        { "groups: { '-9': {} }", GROUP("1", "7", "x @claw_bots", ",\"entities\":[{\"type\":\"mention\",\"offset\":2,\"length\":10}]"),
          false },
        { "groups: { '-9': {} }", GROUP("1", "7", "x @claw_bot", ""), false }, /* Telegram says what is a mention */
        { "groups: { '-9': {} }", GROUP("1", "7", "ok", ",\"reply_to_message\":{\"from\":{\"id\":5},\"text\":\"q\"}"), true },
        { "groups: { '-9': {} }", GROUP("1", "7", "ok", ",\"reply_to_message\":{\"from\":{\"id\":6},\"text\":\"q\"}"), false },
        { "groups: { '-9': {} }",
          GROUP("1", "7", "Claw", ",\"entities\":[{\"type\":\"text_mention\",\"offset\":0,\"length\":4,\"user\":{\"id\":5}}]"), true },
        { "groups: { '-9': { requireMention: false } }", GROUP("1", "7", "hello", ""), true },
        { "groups: { '*': { requireMention: false } }", GROUP("1", "7", "hello", ""), true },
        { "groups: { '-9': { requireMention: false, enabled: false } }", GROUP("1", "7", "hello", ""), false },
        { "groups: { '-8': { requireMention: false } }", GROUP("1", "7", "hello", ""), false },
        { "groups: { '-9': { requireMention: false, allowFrom: [8] } }", GROUP("1", "7", "hello", ""), false },
        { "groups: { '-9': { requireMention: false, allowFrom: ['tg:7'] } }", GROUP("1", "7", "hello", ""), true },
        { "groupAllowFrom: [7], groups: { '-9': { requireMention: false } }", GROUP("1", "8", "hello", ""), false },
        { "groupPolicy: 'disabled', groups: { '-9': { requireMention: false } }", GROUP("1", "7", "hello", ""), false },
        { "groupPolicy: 'open'", GROUP("1", "7", "/x@claw_bot", ",\"entities\":[{\"type\":\"bot_command\",\"offset\":0,\"length\":11}]"),
          true },
        { "allowFrom: [8]", GROUP("1", "7", "x @claw_bot", ",\"entities\":[{\"type\":\"mention\",\"offset\":2,\"length\":9}]"), false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char updates[1024];
        begin(cases[i].settings);
        connect_bot();
        snprintf(updates, sizeof updates, UPDATES("%s"), cases[i].update);
        hear(updates);
        cr_expect_eq(t.turn_count, cases[i].taken ? 1 : 0, "%s: %s", cases[i].settings, cases[i].update);
        if (i + 1 < sizeof cases / sizeof *cases) end();
    }
}

Test(telegram, a_topic_is_a_conversation_and_bots_are_not_heard, .fini = end)
{
    begin("groupPolicy: 'open', groups: { '*': { requireMention: false } }, allowFrom: [7]");
    connect_bot();
    hear(UPDATES(GROUP(
        "1", "7", "/status@claw_bot now",
        ",\"is_topic_message\":true,\"message_thread_id\":4") ",{\"update_id\":2,\"message\":{\"message_id\":1,\"from\":{\"id\":3,\"is_"
                                                              "bot\":true},"
                                                              "\"chat\":{\"id\":-9,\"type\":\"group\"},\"text\":\"beep\"}},{\"update_id\":"
                                                              "3},{\"update_id\":4,\"message\":{\"message_id\":1,\"from\":{\"id\":7},"
                                                              "\"chat\":{\"id\":-9,\"type\":\"channel\"},\"text\":\"x\"}}"));
    did("message[telegram:5:1|agent:main:telegram:group:-9:topic:4|/status now|may] ");
    cr_expect(strstr(t.said, "\"group_subject\": \"G\"") && strstr(t.said, "/status@claw_bot now"));
}

/* --- answers --------------------------------------------------------------------------------------------------------------- */

#define SENT "{\"ok\":true,\"result\":{\"message_id\":77}}"

static void deliver(int64_t id, const char *to, const char *text, int64_t parts_sent)
{
    char route[128];
    snprintf(route, sizeof route, "{\"to\":\"%s\",\"replyTo\":\"12\"}", to);
    const struct channel_delivery d = {
        .id = id, .route = str_of(route), .text = str_of(text), .nonce = STR("n"), .parts_sent = parts_sent
    };
    channel_telegram.deliver(t.state, &d, &t.now);
}

Test(telegram, in_each_chat_one_after_the_other, .fini = end)
{
    begin("replyToMode: 'first'");
    connect_bot();
    hear(EMPTY);
    deliver(1, "chat:-9:topic:4", "first", 0);
    deliver(2, "chat:-9:topic:4", "second", 0);
    deliver(3, "user:7", "other", 0);
    cr_assert_eq(t.count, 2);
    answer("sendMessage {\"text\":\"first\",\"chat_id\":-9,\"message_thread_id\":4,\"reply_parameters\":{\"message_id\":12", 200, SENT);
    answer("sendMessage {\"text\":\"other\",\"chat_id\":7", 200, SENT);
    answer("sendMessage {\"text\":\"second\"", 200, SENT);
    did("delivered[1 0 1] delivered[3 0 1] delivered[2 0 1] ");
}

Test(telegram, tries_again_what_may_not_have_arrived, .fini = end)
{
    begin("");
    connect_bot();
    hear(EMPTY);
    deliver(1, "7", "x", 0);
    answer("sendMessage", 429, "{\"ok\":false,\"parameters\":{\"retry_after\":3}}");
    pass(2999);
    cr_expect_eq(t.count, 1, "the poll alone");
    pass(1);
    answer("sendMessage", 0, "");
    did("");
    pass(60000);
    answer("sendMessage", 400, "{\"ok\":false,\"description\":\"Bad Request: chat not found\"}");
    did("delivered[1 2 0] ");
    deliver(2, "not a place", "x", 0);
    did("delivered[2 2 0] ");
}

Test(telegram, pieces_are_within_the_limit_and_those_sent_are_not_sent_again, .fini = end)
{
    static char text[9001];
    begin("textChunkLimit: 4096");
    connect_bot();
    hear(EMPTY);
    for (int i = 0; i < 9000; i++) text[i] = i % 10 == 9 ? ' ' : 'a';
    deliver(1, "7", text, 2);
    answer("sendMessage", 200, SENT);
    did("delivered[1 0 3] ");
    deliver(2, "7", text, 3);
    did("delivered[2 0 3] "); /* all of it had been sent */
}

Test(telegram, typing_while_it_works_and_not_after, .fini = end)
{
    begin("dmPolicy: 'open', allowFrom: ['*']");
    connect_bot();
    hear(UPDATES(DM("1", "7", "hi")));
    news(0, CHANNEL_TURN_TAKEN);
    news(0, CHANNEL_TURN_STARTED);
    answer("sendChatAction {\"action\":\"typing\",\"chat_id\":7}", 200, "{\"ok\":true}");
    pass(TELEGRAM_TYPING_MS);
    cr_assert_geq(t.count, 1);
    size_t calls = t.count;
    news(0, CHANNEL_TURN_ENDED);
    pass(TELEGRAM_TYPING_MS * 3);
    cr_expect_eq(t.count, calls);
}
