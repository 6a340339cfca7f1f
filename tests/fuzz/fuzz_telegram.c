/* What Telegram may answer to a bot: a line is an answer to the oldest call, three digits of status and its body; "!" a text to deliver. */
#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "channels/channel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CALLS_MAX = 64 };

static struct {
    uint64_t tags[CALLS_MAX]; /* unanswered calls, oldest first */
    size_t count;
    channel_state_t *state;
    struct channel_now now;
} f;

static void on_request(void *ctx, const struct channel_request *r)
{
    (void)ctx;
    assert(r->url.n > 0 && r->body.n > 0);
    if (f.count < CALLS_MAX) f.tags[f.count++] = r->tag;
}

static void on_message(void *ctx, const struct channel_message *m)
{
    (void)ctx;
    assert(m->session_key.n > 0 && m->agent.n > 0 && m->text.n > 0 && m->key.n > 0 && m->route.n > 0);
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

static void on_keep(void *ctx, struct str key, struct str json)
{
    (void)ctx;
    assert(key.n > 0 && json.n > 0);
}

static void on_changed(void *ctx)
{
    (void)ctx;
}

static uint64_t on_random(void *ctx)
{
    (void)ctx;
    return 4;
}

static void answer(struct str line)
{
    int64_t status = 0;
    if (f.count == 0 || line.n < 3 || str_to_int((struct str){ line.p, 3 }, &status) != 0) return;
    const struct channel_response r = { .tag = f.tags[0], .status = (int)status, .body = { line.p + 3, line.n - 3 }, .error = "none" };
    memmove(f.tags, f.tags + 1, --f.count * sizeof f.tags[0]);
    channel_telegram.answered(f.state, &r, &f.now);
}

static void live(struct str input)
{
    struct buf status = { 0 };
    channel_telegram.start(f.state, &f.now);
    for (int64_t id = 1; input.n; id++) {
        struct str line = str_split(&input, '\n');
        const struct channel_delivery d = { .id = id, .route = STR("{\"to\":\"chat:7\"}"), .text = line, .nonce = STR("n") };
        f.now.mono_ms += 1000;
        if (line.n && line.p[0] == '!')
            channel_telegram.deliver(f.state, &d, &f.now);
        else
            answer(line);
        if (f.now.mono_ms >= channel_telegram.next(f.state)) channel_telegram.tick(f.state, &f.now);
    }
    channel_telegram.status(f.state, &f.now, &status);
    assert(status.n > 2 && !status.err);
    buf_free(&status);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char text[] = "{ channels: { telegram: { enabled: true, botToken: '1:t', dmPolicy: 'pairing', allowFrom: [7], groups: { "
                               "'*': {} }, groupPolicy: 'open' } } }";
    static const char *const nothing[] = { NULL };
    static struct config_problems problems;
    static config_t *config;
    const struct env env = env_list(nothing);
    const struct channel_host host = { .request = on_request,
                                       .message = on_message,
                                       .delivered = on_delivered,
                                       .ordered = on_ordered,
                                       .keep = on_keep,
                                       .changed = on_changed,
                                       .random = on_random };
    if (!config && config_parse(STR(text), "fuzz", &env, &config, &problems) != 0) abort();
    const struct channel_options options = { config, env };
    f.count = 0;
    f.now = (struct channel_now){ 1000, 1795348800000 };
    if (channel_telegram.create(&options, &host, &f.state) != 0) abort();
    live((struct str){ (const char *)data, size });
    channel_telegram.destroy(&f.state);
    return 0;
}
