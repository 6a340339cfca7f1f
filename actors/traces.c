#include "actors/traces.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "actors/curl_api.h"
#include "base/clock.h"
#include "base/json5.h"
#include "base/log.h"
#include "base/random.h"
#include "base/version.h"

#define PATH "/v1/traces"

struct noted { /* a turn and its trace */
    int64_t turn;
    uint64_t trace;
};

struct traces {
    mailbox_t *mailbox;
    const config_t *config;
    char *url;
    uint64_t salt; /* of this process, so that its ids are no other's */
    uint64_t last_part;
    double share; /* of the traces that are sent */
    struct noted noted[TRACES_TURNS_MAX];
    size_t noted_count; /* ever put in */
    struct buf spans, body;
    size_t count, sending; /* spans in each */
    int64_t lost;
    int64_t due_ms, interval_ms; /* due_ms: monotonic */
    int tries;
    bool failing; /* told in the log already */
    struct curl_api curl;
    CURLM *multi;
    CURL *easy; /* NULL: no post is under way */
    struct curl_slist *headers;
};

bool traces_wanted(const config_t *config)
{
    return config_bool(config, "diagnostics.otel.enabled") && config_bool(config, "diagnostics.otel.traces") &&
           !str_is(config_str(config, "diagnostics.otel.protocol"), "grpc");
}

/* --- spans ------------------------------------------------------------------------------------------------------ */

static void begin_attribute(struct buf *out, const char *key)
{
    if (out->n) buf_char(out, ',');
    buf_char(out, '{');
    buf_json_pair_str(out, "key", str_of(key));
    buf_json_key(out, "value");
    buf_char(out, '{');
}

void trace_text(struct buf *attributes, const char *key, struct str value)
{
    if (value.n == 0) return;
    begin_attribute(attributes, key);
    buf_json_pair_str(attributes, "stringValue", value);
    buf_text(attributes, "}}");
}

void trace_int(struct buf *attributes, const char *key, int64_t value)
{
    begin_attribute(attributes, key);
    buf_printf(attributes, "\"intValue\":\"%" PRId64 "\"}}", value); /* 64 bits are strings in protobuf's JSON */
}

void trace_step(mailbox_t *mailbox, const struct trace_step *step)
{
    struct msg m = { .kind = MSG_trace_span, .trace = step->trace };
    struct buf attributes = { 0 };
    trace_text(&attributes, step->key, step->value);
    m.trace_span = (struct msg_trace_span){ .turn = step->turn,
                                            .name = str_of(step->name),
                                            .begin_ms = step->began_ms,
                                            .end_ms = clock_wall_ms(),
                                            .error = step->failed ? STR("failed") : STR(""),
                                            .attributes = buf_str(&attributes) };
    if (attributes.err == 0) mailbox_send(mailbox, TRACES_NAME, &m);
    buf_free(&attributes);
}

/* Spreads neighbouring numbers over all 64 bits. Source: SplitMix64 (Steele, Lea, Flood 2014). Never 0, which is no id. */
static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    x ^= x >> 31;
    return x ? x : 1;
}

static uint64_t span_of_turn(const struct traces *t, int64_t turn)
{
    return mix(t->salt ^ (uint64_t)turn);
}

static uint64_t trace_of(struct traces *t, int64_t turn, uint64_t told)
{
    size_t n = t->noted_count < TRACES_TURNS_MAX ? t->noted_count : TRACES_TURNS_MAX;
    for (size_t i = 1; i <= n; i++) {
        const struct noted *p = &t->noted[(t->noted_count - i) % TRACES_TURNS_MAX];
        if (p->turn == turn) return p->trace;
    }
    if (told) t->noted[t->noted_count++ % TRACES_TURNS_MAX] = (struct noted){ turn, told };
    return told ? told : mix((uint64_t)turn);
}

static void write_span(struct traces *t, const struct msg_trace_span *s, uint64_t trace)
{
    struct buf *out = &t->spans;
    uint64_t id = s->own ? span_of_turn(t, s->turn) : mix(~t->salt + ++t->last_part);
    int64_t parent = s->own ? s->cause : s->turn;
    if (t->count) buf_char(out, ',');
    buf_printf(out, "{\"traceId\":\"%016" PRIx64 "%016" PRIx64 "\",\"spanId\":\"%016" PRIx64 "\"", t->salt, trace, id);
    if (parent) buf_printf(out, ",\"parentSpanId\":\"%016" PRIx64 "\"", span_of_turn(t, parent));
    buf_json_pair_str(out, "name", s->name);
    buf_json_pair_int(out, "kind", s->own && !s->cause ? 2 : 1); /* SERVER, INTERNAL */
    buf_printf(out, ",\"startTimeUnixNano\":\"%" PRId64 "000000\",\"endTimeUnixNano\":\"%" PRId64 "000000\"", s->begin_ms,
               s->end_ms < s->begin_ms ? s->begin_ms : s->end_ms);
    buf_printf(out, ",\"attributes\":[%.*s]", STR_ARG(s->attributes));
    if (s->error.n) {
        buf_text(out, ",\"status\":{\"code\":2");
        buf_json_pair_str(out, "message", s->error);
        buf_char(out, '}');
    }
    buf_char(out, '}');
    t->count++;
}

static void take(struct traces *t, const struct msg *in)
{
    const struct msg_trace_span *s = &in->trace_span;
    uint64_t trace = trace_of(t, s->turn, in->trace);
    if ((double)mix(trace) >= t->share * 0x1p64) return;
    if (t->count == TRACES_SPANS_MAX) {
        t->lost++;
        return;
    }
    if (t->count == 0) t->due_ms = clock_mono_ms() + t->interval_ms;
    write_span(t, s, trace);
    if (t->spans.err == 0) return;
    t->lost += (int64_t)t->count; /* memory is out */
    buf_free(&t->spans);
    t->count = 0;
}

/* --- posts ------------------------------------------------------------------------------------------------------ */

static void write_body(struct traces *t)
{
    struct buf *out = &t->body;
    struct buf resource = { 0 };
    trace_text(&resource, "service.name", config_str(t->config, "diagnostics.otel.serviceName"));
    trace_text(&resource, "service.version", str_of(version_shown()));
    buf_clear(out);
    buf_printf(out,
               "{\"resourceSpans\":[{\"resource\":{\"attributes\":[%.*s]},\"scopeSpans\":[{\"scope\":{\"name\":\"openclaw\"},\"spans\":[",
               STR_ARG(buf_str(&resource)));
    buf_add(out, buf_str(&t->spans));
    buf_text(out, "]}]}]}");
    buf_free(&resource);
    t->sending = t->count;
    t->tries = 0;
    buf_free(&t->spans);
    t->count = 0;
}

// NOLINTNEXTLINE(readability-non-const-parameter): the type is libcurl's
static size_t ignore_body(char *bytes, size_t size, size_t count, void *ctx)
{
    (void)bytes;
    (void)ctx;
    return size * count;
}

static bool add_header(struct traces *t, const char *line)
{
    struct curl_slist *longer = t->curl.slist_append(t->headers, line);
    if (longer) t->headers = longer;
    return longer != NULL;
}

static bool write_headers(struct traces *t)
{
    const struct json5_node *own = config_get(t->config, STR("diagnostics.otel.headers"));
    bool ok = add_header(t, "Content-Type: application/json") && add_header(t, "Expect:");
    for (const struct json5_node *h = own && own->kind == JSON5_OBJECT ? own->first : NULL; h && ok; h = h->next) {
        struct buf line = { 0 };
        buf_printf(&line, "%.*s: %.*s", STR_ARG(h->key), STR_ARG(h->string));
        const char *text = buf_cstr(&line);
        ok = !text || strpbrk(text, "\r\n") || add_header(t, text); /* what would be two headers is left out */
        buf_free(&line);
    }
    return ok;
}

static bool open_library(struct traces *t, struct buf *why)
{
    if (t->multi) return true;
    if (!t->curl.library && curl_api_open(&t->curl, CURL_API_FILE, why) != 0) return false;
    t->multi = t->curl.multi_init();
    return t->multi && write_headers(t);
}

static bool set_options(struct traces *t)
{
    bool ok = true;
#define SET(option, value) ok = ok && t->curl.easy_setopt(t->easy, option, value) == CURLE_OK
    SET(CURLOPT_URL, t->url);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_USERAGENT, "openclaw/" GW_VERSION);
    SET(CURLOPT_HTTPHEADER, t->headers);
    SET(CURLOPT_POST, 1L);
    SET(CURLOPT_POSTFIELDS, t->body.p);
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->body.n);
    SET(CURLOPT_TIMEOUT_MS, (long)TRACES_POST_MS);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_WRITEFUNCTION, ignore_body);
#undef SET
    return ok;
}

static void end_post(struct traces *t)
{
    if (!t->easy) return;
    t->curl.multi_remove_handle(t->multi, t->easy);
    t->curl.easy_cleanup(t->easy);
    t->easy = NULL;
}

static void tell_lost(struct traces *t)
{
    if (t->lost) log_event(LOG_WARN, "traces_lost", LOG_I("spans", t->lost));
    t->lost = 0;
}

/* The spans in hand are not to be sent again, or not now. */
static void give_up(struct traces *t, const char *why, bool for_good)
{
    if (!t->failing) log_event(LOG_WARN, "traces_not_sent", LOG_I("spans", (int64_t)t->sending), LOG_T("reason", why));
    t->failing = true;
    t->due_ms = clock_mono_ms() + t->interval_ms;
    if (!for_good && t->tries < TRACES_TRIES_MAX) return;
    t->lost += (int64_t)t->sending;
    t->sending = 0;
}

static void post(struct traces *t)
{
    struct buf why = { 0 };
    if (t->sending == 0) write_body(t);
    t->tries++;
    bool ok = t->body.err == 0 && open_library(t, &why) && (t->easy = t->curl.easy_init()) != NULL && set_options(t) &&
              t->curl.multi_add_handle(t->multi, t->easy) == CURLM_OK;
    if (!ok) {
        end_post(t);
        give_up(t, why.n ? buf_cstr(&why) : err_text(GW_ENOMEM), false);
    }
    buf_free(&why);
}

static void posted(struct traces *t, CURLcode code)
{
    long status = 0;
    char why[64];
    t->curl.easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    end_post(t);
    if (code == CURLE_OK && status >= 200 && status < 300) {
        if (t->failing) log_event(LOG_INFO, "traces_sent_again");
        t->failing = false;
        t->sending = 0;
        tell_lost(t);
        return;
    }
    bool again = code != CURLE_OK || status == 429 || status == 502 || status == 503 || status == 504; /* OTLP: retryable */
    snprintf(why, sizeof why, "the collector answered %ld", status);
    give_up(t, code == CURLE_OK ? why : t->curl.easy_strerror(code), !again);
}

static void collect(struct traces *t)
{
    CURLMsg *m;
    int left, running;
    t->curl.multi_perform(t->multi, &running);
    while (t->easy && (m = t->curl.multi_info_read(t->multi, &left)) != NULL) {
        if (m->msg == CURLMSG_DONE) posted(t, m->data.result);
    }
}

/* --- the loop --------------------------------------------------------------------------------------------------- */

/* Until the next post may begin. 0: now; -1: there is nothing to send */
static int wait_ms(const struct traces *t)
{
    if (t->count == 0 && t->sending == 0) return -1;
    if (t->count >= TRACES_BATCH && !t->failing) return 0;
    int64_t left = t->due_ms - clock_mono_ms();
    return left > 0 ? (int)left : 0;
}

static int receive_all(struct traces *t, int wait, bool *stop)
{
    struct msg in;
    for (;; wait = 0) {
        int rc = mailbox_recv(t->mailbox, wait, &in);
        if (rc == GW_EBADMSG) continue;
        if (rc) return rc == GW_ETIMEOUT ? 0 : rc;
        if (in.kind == MSG_trace_span) take(t, &in);
        if (in.kind == MSG_actor_stop) *stop = true;
        msg_clear(&in);
    }
}

static int run(struct traces *t)
{
    struct curl_waitfd wait = { .fd = mailbox_fd(t->mailbox), .events = CURL_WAIT_POLLIN };
    bool stop = false;
    while (!stop) {
        int rc = receive_all(t, t->easy ? 0 : wait_ms(t), &stop);
        if (rc) return rc == GW_ECLOSED ? 0 : rc;
        if (t->easy) collect(t);
        if (!t->easy && wait_ms(t) == 0) post(t);
        rc = receive_all(t, 0, &stop); /* sending may have eaten the descriptor's edge */
        if (rc) return rc == GW_ECLOSED ? 0 : rc;
        if (!stop && t->easy) t->curl.multi_poll(t->multi, &wait, 1, 1000, NULL);
    }
    return 0;
}

/* What is left goes out, if the collector takes it soon. */
static void say_goodbye(struct traces *t)
{
    int64_t until_ms = clock_mono_ms() + TRACES_GOODBYE_MS;
    while (clock_mono_ms() < until_ms) {
        if (!t->easy && t->count == 0 && (t->sending == 0 || t->failing)) return;
        if (!t->easy) post(t);
        if (!t->easy) return;
        collect(t);
        if (t->easy) t->curl.multi_poll(t->multi, NULL, 0, 100, NULL);
    }
}

static char *make_url(const struct traces_options *options)
{
    struct buf url = { 0 };
    size_t n;
    struct str base = config_str(options->config, "diagnostics.otel.endpoint");
    if (base.n == 0) base = env_get(&options->env, "OTEL_EXPORTER_OTLP_ENDPOINT");
    if (base.n == 0) base = STR("http://localhost:4318");
    while (base.n && base.p[base.n - 1] == '/') base.n--;
    buf_add(&url, base);
    if (str_find(base, STR("/v1/")) < 0) buf_text(&url, PATH);
    buf_char(&url, '\0');
    return buf_take(&url, &n);
}

static double share_of(const config_t *config)
{
    const struct json5_node *rate = config_get(config, STR("diagnostics.otel.sampleRate"));
    return rate && rate->kind == JSON5_NUMBER ? rate->number : 1;
}

int traces_actor(mailbox_t *mb, void *arg)
{
    struct traces_options *options = arg;
    struct traces *t = calloc(1, sizeof *t);
    int rc = t ? 0 : GW_ENOMEM;
    log_set_actor(TRACES_NAME);
    if (t) {
        t->mailbox = mb;
        t->config = options->config;
        t->salt = random_u64();
        t->share = share_of(options->config);
        t->interval_ms = config_int(options->config, "diagnostics.otel.flushIntervalMs");
        t->url = make_url(options);
        rc = t->url ? run(t) : GW_ENOMEM;
        if (rc == 0) say_goodbye(t);
        t->lost += (int64_t)(t->count + t->sending);
        tell_lost(t);
        end_post(t);
        if (t->headers) t->curl.slist_free_all(t->headers);
        if (t->multi) t->curl.multi_cleanup(t->multi);
        curl_api_close(&t->curl);
        buf_free(&t->spans);
        buf_free(&t->body);
        free(t->url);
        free(t);
    }
    config_unref(&options->config);
    free(options);
    return rc;
}
