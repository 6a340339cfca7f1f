/* What Discord may say to a connected bot: a line is a payload of the gateway, "<" a piece of its compressed stream, three digits an answer
 * to the oldest call with that status and the rest as its body, "!" a text to deliver. */
#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "channels/channel.h"

enum { CALLS_MAX = 64 };

static struct {
    uint64_t tags[CALLS_MAX]; /* unanswered calls, oldest first */
    size_t count;
    channel_state_t *state;
    struct channel_now now;
} f;

static void on_account_text(void *ctx, size_t account, struct str text)
{
    (void)ctx;
    assert(account < CHANNEL_ACCOUNTS_MAX && text.n > 0);
}

static void on_close(void *ctx, size_t account, int code)
{
    (void)ctx;
    assert(account < CHANNEL_ACCOUNTS_MAX && code >= 1000 && code < 5000);
}

static void on_request(void *ctx, const struct channel_request *r)
{
    (void)ctx;
    assert(r->url.n > 0 && str_utf8_valid(r->body));
    if (f.count < CALLS_MAX) f.tags[f.count++] = r->tag;
}

static void on_message(void *ctx, const struct channel_message *m)
{
    (void)ctx;
    assert(m->session_key.n > 0 && m->route.n > 0 && str_utf8_valid(m->text) && str_utf8_valid(m->system));
}

static void on_event(void *ctx, struct str key, struct str text)
{
    (void)ctx;
    assert(key.n > 0 && text.n > 0);
}

static void on_delivered(void *ctx, int64_t id, enum channel_delivered how, int64_t parts, struct str text)
{
    (void)ctx;
    (void)how;
    (void)text;
    assert(id > 0 && parts >= 0);
}

static void on_ordered(void *ctx, uint64_t tag, bool ok, struct str json)
{
    (void)ctx;
    (void)tag;
    (void)ok;
    (void)json;
}

static void on_decide(void *ctx, uint64_t tag, struct str id, struct str decision, struct str by)
{
    (void)ctx, (void)tag, (void)id, (void)decision, (void)by;
}

static void on_keep(void *ctx, struct str key, struct str json)
{
    (void)ctx;
    (void)json;
    assert(key.n > 0);
}

static void on_changed(void *ctx)
{
    (void)ctx;
}

static uint64_t on_random(void *ctx)
{
    (void)ctx;
    return 7;
}

static void answer(int status, struct str body)
{
    if (f.count == 0) return;
    const struct channel_response r = { .tag = f.tags[0], .status = status, .body = body, .error = status ? NULL : "none" };
    memmove(f.tags, f.tags + 1, --f.count * sizeof f.tags[0]);
    channel_discord.answered(f.state, &r, &f.now);
}

static void receive(struct str line)
{
    channel_discord.received(f.state, 0, line, false, &f.now);
}

static void play(struct str line, int64_t n)
{
    struct str rest = { line.p + 1, line.n - 1 };
    f.now.mono_ms += 250;
    f.now.wall_ms += 250;
    if (line.p[0] == '<') {
        channel_discord.received(f.state, 0, rest, true, &f.now);
    } else if (line.p[0] == '!') {
        const struct channel_delivery d = {
            .id = n, .route = STR("{\"to\":\"channel:100000000000000001\"}"), .text = rest, .nonce = STR("n")
        };
        if (str_utf8_valid(rest)) channel_discord.deliver(f.state, &d, &f.now);
    } else if (line.n >= 3 && isdigit((unsigned char)line.p[0]) && isdigit((unsigned char)line.p[1]) && isdigit((unsigned char)line.p[2])) {
        answer((line.p[0] - '0') * 100 + (line.p[1] - '0') * 10 + line.p[2] - '0', (struct str){ line.p + 3, line.n - 3 });
    } else {
        receive(line);
    }
    channel_discord.tick(f.state, &f.now);
}

static int read_config(const struct env *env, config_t **out)
{
    struct config_problems problems = { 0 };
    int rc = config_parse(STR("{messages:{inbound:{debounceMs:100}},channels:{discord:{groupPolicy:'open',execApprovals:{approvers:['*']},"
                              "guilds:{'*':{requireMention:false}}}}}"),
                          "t", env, out, &problems);
    config_problems_free(&problems);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const pairs[] = { "DISCORD_BOT_TOKEN", "a-token-of-tests", NULL };
    static const struct channel_host host = { .connect = on_account_text,
                                              .send = on_account_text,
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
    const struct env env = env_list(pairs);
    static config_t *config; /* read once: that is not what is tried here */
    struct buf out = { 0 };
    struct str rest = { (const char *)data, size };
    int rc = config ? 0 : read_config(&env, &config);
    assert(rc == 0);
    const struct channel_options options = { .config = config, .env = env };
    f.count = 0;
    f.state = NULL;
    f.now = (struct channel_now){ 1000000, INT64_C(1795353845000) };
    rc = channel_discord.create(&options, &host, &f.state);
    assert(rc == 0);
    channel_discord.start(f.state, &f.now);
    answer(200, STR("{\"url\":\"ws://g\"}"));
    channel_discord.opened(f.state, 0, &f.now);
    receive(STR("{\"op\":10,\"d\":{\"heartbeat_interval\":40000}}"));
    receive(STR("{\"op\":0,\"s\":1,\"t\":\"READY\",\"d\":{\"session_id\":\"S\",\"resume_gateway_url\":\"ws://"
                "r\",\"user\":{\"id\":\"900000000000000001\"},"
                "\"application\":{\"id\":\"900000000000000002\"}}}"));
    for (int64_t n = 1; rest.n && n < 200; n++) {
        struct str line = str_split(&rest, '\n');
        if (line.n) play(line, n);
    }
    channel_discord.status(f.state, &f.now, &out);
    channel_discord.stop(f.state, &f.now);
    channel_discord.destroy(&f.state);
    buf_free(&out);
    return 0;
}
