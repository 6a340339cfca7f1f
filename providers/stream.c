#include <stdlib.h>

#include "base/err.h"
#include "providers/classify.h"
#include "providers/reply.h"
#include "providers/sse.h"
#include "providers/wire.h"

enum {
    SECRET_MIN = 4,  /* shorter values are no secrets, and hiding them would maim texts */
    SECRETS_MAX = 8, /* the key and configured headers */
};

/* What the body of a good answer turned out to be; its first byte that is not white space decides. */
enum body_kind { BODY_UNKNOWN, BODY_EVENTS, BODY_JSON, BODY_PAGE };

struct model_stream {
    const struct provider *dialect;
    struct reply reply;
    struct sse sse;
    struct buf body; /* an error body, or a good one that is JSON */
    enum body_kind kind;
    int http_status;
    int64_t retry_after_ms;
    bool started;
    bool sniffed; /* kind is settled */
    bool finished;
    char *provider;
    char *model;
    char *secrets[SECRETS_MAX];
    size_t secret_count;
    struct buf text; /* of the failure, for people */
    struct model_outcome outcome;
};

static int add_secret(model_stream_t *s, struct str value)
{
    value = str_trim(value);
    if (value.n < SECRET_MIN || s->secret_count == SECRETS_MAX) return 0;
    char *copy = str_dup(value);
    if (!copy) return GW_ENOMEM;
    s->secrets[s->secret_count++] = copy;
    return 0;
}

static bool secret_name(struct str name)
{
    static const char *const ends[] = { "authorization", "key", "token", "secret", "cookie" };
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        size_t n = strlen(ends[i]);
        if (name.n >= n && str_ieq((struct str){ name.p + name.n - n, n }, str_of(ends[i]))) return true;
    }
    return false;
}

static int note_secrets(model_stream_t *s, const struct provider_endpoint *endpoint)
{
    int rc = add_secret(s, endpoint->api_key);
    for (size_t i = 0; i < endpoint->header_count && rc == 0; i++) {
        struct str value = str_trim(endpoint->headers[i].value);
        if (!secret_name(endpoint->headers[i].name)) continue;
        const char *space = value.n ? memrchr(value.p, ' ', value.n) : NULL; /* "Bearer x": x is the secret */
        if (space) value = (struct str){ space + 1, value.n - (size_t)(space + 1 - value.p) };
        rc = add_secret(s, value);
    }
    return rc;
}

int model_stream_create(const struct provider *provider, const struct provider_endpoint *endpoint, const struct model_request *request,
                        const struct model_sink *sink, model_stream_t **out)
{
    *out = NULL;
    model_stream_t *s = calloc(1, sizeof *s);
    if (!s) return GW_ENOMEM;
    s->dialect = provider;
    s->retry_after_ms = -1;
    s->sse.max = PROVIDER_EVENT_MAX;
    s->body.max = PROVIDER_EVENT_MAX;
    s->provider = str_dup(request->provider);
    s->model = str_dup(request->model);
    if (!s->provider || !s->model) goto fail;
    if (reply_init(&s->reply, request, sink) != 0 || note_secrets(s, endpoint) != 0) goto fail;
    *out = s;
    return 0;
fail:
    model_stream_destroy(&s);
    return GW_ENOMEM;
}

void model_stream_destroy(model_stream_t **stream_p)
{
    model_stream_t *s = *stream_p;
    *stream_p = NULL;
    if (!s) return;
    reply_free(&s->reply);
    sse_free(&s->sse);
    buf_free(&s->body);
    buf_free(&s->text);
    free(s->provider);
    free(s->model);
    for (size_t i = 0; i < s->secret_count; i++) {
        explicit_bzero(s->secrets[i], strlen(s->secrets[i]));
        free(s->secrets[i]);
    }
    free(s);
}

void model_stream_head(model_stream_t *s, int http_status, struct str content_type, struct str retry_after, int64_t now_ms)
{
    struct str rest = content_type;
    struct str media = str_trim(str_split(&rest, ';'));
    s->http_status = http_status;
    s->retry_after_ms = classify_retry_after(retry_after, now_ms);
    if (str_ieq(media, STR("application/json"))) s->kind = BODY_JSON;
    if (str_ieq(media, STR("text/html"))) s->kind = BODY_PAGE;
}

static bool good(const model_stream_t *s)
{
    return s->http_status >= 200 && s->http_status < 300;
}

static void on_event(void *ctx, struct str event, struct str data)
{
    model_stream_t *s = ctx;
    if (s->reply.done || reply_failed(&s->reply)) return;
    s->dialect->event(&s->reply, event, data);
}

/* An event stream never begins with these; a server that says text/event-stream may still send its error as JSON, and
 * one that says application/json may stream. */
static enum body_kind sniff(enum body_kind announced, char first)
{
    if (announced == BODY_PAGE || first == '<') return BODY_PAGE;
    return first == '{' || first == '[' ? BODY_JSON : BODY_EVENTS;
}

static void too_large(model_stream_t *s)
{
    char text[64];
    int n = snprintf(text, sizeof text, "reply too large: more than %d bytes", PROVIDER_EVENT_MAX);
    reply_fail(&s->reply, FAILURE_too_large, (struct str){ text, (size_t)n });
}

static void keep_error_body(model_stream_t *s, struct str bytes)
{
    size_t room = PROVIDER_ERROR_BODY_MAX - s->body.n;
    buf_add(&s->body, (struct str){ bytes.p, bytes.n < room ? bytes.n : room });
}

int model_stream_feed(model_stream_t *s, struct str bytes)
{
    if (bytes.n == 0) return 0;
    s->started = true;
    if (!good(s)) {
        keep_error_body(s, bytes);
        return 0;
    }
    if (s->reply.done) return 0;
    if (reply_failed(&s->reply)) return s->reply.failure.class == FAILURE_too_large ? GW_ELIMIT : 0;
    if (!s->sniffed) {
        struct str rest = bytes;
        while (rest.n > 0 && strchr(" \t\r\n", rest.p[0]) && rest.p[0] != '\0') rest = (struct str){ rest.p + 1, rest.n - 1 };
        if (rest.n == 0) return 0;
        s->kind = sniff(s->kind, rest.p[0]);
        s->sniffed = true;
        bytes = rest;
    }
    int rc = 0;
    if (s->kind == BODY_EVENTS) rc = sse_feed(&s->sse, bytes, on_event, s);
    if (s->kind == BODY_JSON) buf_add(&s->body, bytes);
    if (rc == GW_ELIMIT || s->body.err == GW_ELIMIT) too_large(s);
    if (rc == GW_ENOMEM || s->body.err == GW_ENOMEM) return GW_ENOMEM;
    return s->reply.failure.class == FAILURE_too_large ? GW_ELIMIT : 0;
}

bool model_stream_complete(const model_stream_t *s)
{
    return s->reply.done || reply_failed(&s->reply);
}

bool model_stream_started(const model_stream_t *s)
{
    return s->started;
}

/* An event that no blank line ended counts when it is whole: a cut one is the connection's fault, not the model's. */
static void on_last_event(void *ctx, struct str event, struct str data)
{
    json_t *whole = wire_parse(data);
    if (whole || str_is(data, "[DONE]")) on_event(ctx, event, data);
    json_decref(whole);
}

static void read_body(model_stream_t *s)
{
    struct reply *r = &s->reply;
    s->dialect->event(r, STR(""), buf_str(&s->body));
    r->done = true;
    if (r->part_count == 0 && r->stop == CHAT_STOP_NONE) reply_fail(r, FAILURE_server, STR("the answer is JSON, but not a model's reply"));
}

/* What was still to come when the connection ended well. */
static void drain(model_stream_t *s)
{
    if (s->reply.done || reply_failed(&s->reply)) return;
    switch (s->kind) {
    case BODY_EVENTS: sse_finish(&s->sse, on_last_event, s); break;
    case BODY_JSON: read_body(s); break;
    case BODY_PAGE: reply_fail(&s->reply, FAILURE_server, STR("the answer is a web page, not a model's reply: check the base URL")); break;
    case BODY_UNKNOWN: break;
    }
}

/* Why the reply is none, when it is none. */
static void judge(model_stream_t *s, enum failure transport, struct str transport_text)
{
    struct reply *r = &s->reply;
    if (s->http_status != 0 && !good(s) && transport != FAILURE_aborted) {
        s->dialect->failure(s->http_status, buf_str(&s->body), &r->failure, &r->failure_text);
        return;
    }
    if (transport == FAILURE_none) drain(s);
    if (r->done || r->stop != CHAT_STOP_NONE) return;
    if (transport != FAILURE_none) {
        reply_fail(r, transport, transport_text);
        return;
    }
    reply_fail(r, FAILURE_network,
               s->started ? STR("the connection ended before the reply was complete") : STR("the provider sent no reply"));
}

static void redact(struct buf *text, const char *secret)
{
    struct str hidden = STR("***"), key = str_of(secret), rest = buf_str(text);
    struct buf clean = { 0 };
    for (ptrdiff_t at; (at = str_find(rest, key)) >= 0; rest = (struct str){ rest.p + at + key.n, rest.n - (size_t)at - key.n }) {
        buf_add(&clean, (struct str){ rest.p, (size_t)at });
        buf_add(&clean, hidden);
    }
    buf_add(&clean, rest);
    if (clean.err) buf_clear(&clean);
    buf_free(text);
    *text = clean;
}

static void write_failure(model_stream_t *s)
{
    struct model_failure *f = &s->outcome.failure;
    *f = s->reply.failure;
    f->http_status = s->http_status;
    if (s->retry_after_ms >= 0) f->retry_after_ms = s->retry_after_ms;
    for (size_t i = 0; i < s->secret_count; i++) redact(&s->reply.failure_text, s->secrets[i]);
    wire_clean(&s->text, str_trim(buf_str(&s->reply.failure_text)));
    f->text = str_utf8_prefix(buf_str(&s->text), PROVIDER_ERROR_TEXT_MAX);
}

const struct model_outcome *model_stream_finish(model_stream_t *s, enum failure transport, struct str transport_text)
{
    struct model_outcome *o = &s->outcome;
    if (s->finished) return o;
    s->finished = true;
    judge(s, transport, transport_text);
    if (reply_message(&s->reply, &o->message) != 0) reply_fail(&s->reply, FAILURE_server, STR("out of memory while reading the reply"));
    o->ok = !reply_failed(&s->reply);
    o->visible = s->reply.visible;
    o->message.provider = str_of(s->provider);
    o->message.model = str_of(s->model);
    o->failure.retry_after_ms = -1;
    o->failure.http_status = s->http_status;
    if (o->ok) return o;
    write_failure(s);
    o->message.stop = o->failure.class == FAILURE_aborted ? CHAT_STOP_ABORTED : CHAT_STOP_ERROR;
    o->message.error = o->failure.text;
    return o;
}
