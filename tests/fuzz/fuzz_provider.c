/* Any bytes as the answer of any dialect, cut as the input says: the outcome is the same as that of the whole, is
 * well-formed, and as a history it gives a request body that is JSON in every dialect. */
#include <jansson.h>
#include <stdlib.h>

#include "providers/provider.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const apis[] = { "openai-completions", "google-generative-ai", "anthropic-messages", "demo" };
static const int statuses[] = { 200, 200, 200, 400, 429, 500, 0, 301 };
static const struct provider_endpoint endpoint = { .id = { "x", 1 }, .base_url = { "http://x", 8 }, .api_key = { "sk-0123456789", 13 } };

static void check(bool holds)
{
    if (!holds) abort();
}

static void hear(void *ctx, enum chat_part_kind kind, struct str text)
{
    size_t *heard = ctx;
    check(kind == CHAT_TEXT || kind == CHAT_THINKING);
    check(text.n > 0 && str_utf8_valid(text));
    *heard += text.n;
}

static void check_outcome(const struct model_outcome *o, size_t heard)
{
    size_t said = 0;
    check(o->ok == (o->failure.class == FAILURE_none));
    check(o->failure.text.n <= PROVIDER_ERROR_TEXT_MAX && str_utf8_valid(o->failure.text));
    check(str_find(o->failure.text, endpoint.api_key) < 0);
    for (size_t i = 0; i < o->message.part_count; i++) {
        const struct chat_part *p = &o->message.parts[i];
        if (p->kind != CHAT_TOOL_CALL) said += p->text.n;
        if (p->kind != CHAT_TOOL_CALL) continue;
        json_t *arguments = json_loadb(p->text.p, p->text.n, 0, NULL);
        check(o->ok && p->id.n > 0 && json_is_object(arguments));
        json_decref(arguments);
        for (size_t k = 0; k < i; k++) check(!str_eq(o->message.parts[k].id, p->id));
    }
    check(said == heard);
}

static void write(struct buf *b, const struct model_outcome *o)
{
    buf_printf(b, "%d %d %d %d %d\n", o->failure.class, o->message.stop, o->visible, (int)o->message.usage.input,
               (int)o->message.usage.output);
    buf_add(b, o->failure.text);
    for (size_t i = 0; i < o->message.part_count; i++) {
        const struct chat_part *p = &o->message.parts[i];
        buf_printf(b, "\n%d\n", p->kind);
        buf_add(b, p->text);
        buf_add(b, p->name);
        buf_add(b, p->id);
        buf_add(b, p->signature);
    }
}

/* What came back goes out again, to the same provider and to another one. */
static void send_back(const struct chat_message *message)
{
    struct chat_message history[2] = { *message, { .role = CHAT_USER } };
    struct model_request q = { .provider = message->provider, .model = message->model, .messages = history, .message_count = 2 };
    for (size_t i = 0; i < 6; i++) {
        struct http_request r = { 0 };
        if (i >= 3) q.provider = (struct str){ "other", 5 };
        if (provider_find(str_of(apis[i % 3]))->request(&endpoint, &q, &r) != 0) abort();
        json_t *body = json_loadb(r.body.p, r.body.n, 0, NULL);
        check(json_is_object(body));
        json_decref(body);
        http_request_free(&r);
    }
}

static void run(const struct provider *dialect, int status, enum failure transport, struct str bytes, size_t step, struct buf *out)
{
    size_t heard = 0;
    struct model_sink sink = { hear, &heard };
    struct model_request q = { .provider = { "x", 1 }, .model = { "m", 1 } };
    model_stream_t *s;
    check(model_stream_create(dialect, &endpoint, &q, &sink, &s) == 0);
    if (status) model_stream_head(s, status, (struct str){ NULL, 0 }, (struct str){ NULL, 0 }, 0);
    while (bytes.n > 0) {
        size_t n = step && step < bytes.n ? step : bytes.n;
        if (model_stream_feed(s, (struct str){ bytes.p, n }) != 0) break;
        bytes = (struct str){ bytes.p + n, bytes.n - n };
    }
    const struct model_outcome *o = model_stream_finish(s, transport, (struct str){ "why", 3 });
    check_outcome(o, heard);
    write(out, o);
    send_back(&o->message);
    model_stream_destroy(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole = { 0 }, cut = { 0 };
    if (size < 3) return 0;
    const struct provider *dialect = provider_find(str_of(apis[data[0] % 4]));
    int status = statuses[(data[0] >> 2) % 8];
    enum failure transport = data[1] % FAILURE_COUNT;
    struct str bytes = { (const char *)data + 3, size - 3 };
    run(dialect, status, transport, bytes, 0, &whole);
    run(dialect, status, transport, bytes, 1 + data[2], &cut);
    check(str_eq(buf_str(&whole), buf_str(&cut)));
    buf_free(&whole);
    buf_free(&cut);
    return 0;
}
