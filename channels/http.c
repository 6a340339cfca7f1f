/* channels/http.c -- results of jobs posted to an address: JSON as it was given, to {"channel":"http","to":"https://..."}. Out only.
 *
 * In:     texts to deliver
 * Out:    a POST each; what may not have arrived is tried again, with more time between
 * Owns:   what waits to be sent
 * Source: reference gateway-protocol 7 (delivery.mode webhook, cron.webhookToken) */
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/err.h"
#include "base/json_read.h"
#include "base/log.h"
#include "channels/channel.h"
#include "channels/channel_words.h"

enum {
    CALL_MS = 10000,     /* for one try */
    ANSWER_BYTES = 4096, /* of an answer that nobody reads */
    TRIES_MAX = 12,      /* some three hours */
    PAUSE_MS = 2000,     /* after the first try, doubled with each */
    PAUSE_MAX_MS = 3600000,
};

struct post {
    struct post *prev, *next;
    int64_t id;          /* of the delivery; 0: an order's */
    uint64_t order, tag; /* tag: of the call in progress; 0: it waits */
    char *url;           /* owned */
    struct buf body;
    int tries;
    int64_t due_ms;
};

struct channel_state {
    struct channel_host host;
    struct post *posts;
    struct buf headers; /* as a request has them */
    uint64_t tag;
    int64_t outbound_ms;
    char error[256];
};

/* Nobody has it for himself: the cron actor has it started when a job wants it. */
static bool wanted(const config_t *config, const struct env *env)
{
    (void)config;
    (void)env;
    return false;
}

static void free_post(channel_state_t *s, struct post *p)
{
    DL_DELETE(s->posts, p);
    free(p->url);
    buf_free(&p->body);
    free(p);
}

static void write_headers(channel_state_t *s, const config_t *config)
{
    struct str token = config_str(config, "cron.webhookToken");
    buf_clear(&s->headers);
    buf_text(&s->headers, "Content-Type: application/json");
    buf_char(&s->headers, '\0');
    buf_text(&s->headers, "User-Agent: openclaw/" GW_VERSION);
    buf_char(&s->headers, '\0');
    if (token.n) {
        buf_printf(&s->headers, "Authorization: Bearer %.*s", STR_ARG(token));
        buf_char(&s->headers, '\0');
    }
}

static int create(const struct channel_options *options, const struct channel_host *host, channel_state_t **out)
{
    channel_state_t *s = calloc(1, sizeof *s);
    *out = s;
    if (!s) return GW_ENOMEM;
    s->host = *host;
    write_headers(s, options->config);
    return 0;
}

static void destroy(channel_state_t **state_p)
{
    channel_state_t *s = *state_p;
    if (!s) return;
    while (s->posts) free_post(s, s->posts);
    buf_free(&s->headers);
    free(s);
    *state_p = NULL;
}

static void take_config(channel_state_t *s, const config_t *config, const struct channel_now *now)
{
    (void)now;
    write_headers(s, config);
}

/* What may be logged of an address: the rest may hold a secret. */
static struct str host_of(const char *url)
{
    struct str rest = str_of(url ? url : "");
    ptrdiff_t at = str_find(rest, STR("://"));
    if (at >= 0) rest = (struct str){ rest.p + at + 3, rest.n - (size_t)at - 3 };
    struct str host = str_split(&rest, '/');
    host = str_split(&host, '?');
    at = str_find(host, STR("@"));
    return at < 0 ? host : (struct str){ host.p + at + 1, host.n - (size_t)at - 1 };
}

static void finish(channel_state_t *s, struct post *p, bool arrived, struct str why)
{
    if (!arrived) {
        log_event(LOG_ERROR, "http_delivery_failed", LOG_S("host", host_of(p->url)), LOG_S("reason", why));
        snprintf(s->error, sizeof s->error, "%.*s", (int)(why.n > 200 ? 200 : why.n), why.p ? why.p : "");
    }
    if (p->id) s->host.delivered(s->host.ctx, p->id, arrived ? CHANNEL_DELIVERED : CHANNEL_FAILED, arrived, why);
    if (p->order) s->host.ordered(s->host.ctx, p->order, arrived, arrived ? STR("{\"ok\":true}") : why);
    s->host.changed(s->host.ctx);
    free_post(s, p);
}

static void send(channel_state_t *s, struct post *p)
{
    const struct channel_request request = { .tag = p->tag = ++s->tag,
                                             .method = "POST",
                                             .url = str_of(p->url),
                                             .headers = buf_str(&s->headers),
                                             .body = buf_str(&p->body),
                                             .timeout_ms = CALL_MS,
                                             .body_max = ANSWER_BYTES };
    p->tries++;
    s->host.request(s->host.ctx, &request);
}

static void tick(channel_state_t *s, const struct channel_now *now)
{
    struct post *p;
    DL_FOREACH(s->posts, p)
    {
        if (!p->tag && p->due_ms <= now->mono_ms) send(s, p);
    }
}

static int64_t next(channel_state_t *s)
{
    const struct post *p;
    int64_t due_ms = INT64_MAX;
    DL_FOREACH(s->posts, p)
    {
        if (!p->tag && p->due_ms < due_ms) due_ms = p->due_ms;
    }
    return due_ms;
}

static bool worth_another(int status)
{
    return status == 0 || status == 408 || status == 429 || status >= 500;
}

static void answered(channel_state_t *s, const struct channel_response *answer, const struct channel_now *now)
{
    char why[128];
    struct post *p;
    DL_SEARCH_SCALAR(s->posts, p, tag, answer->tag);
    if (!p) return;
    p->tag = 0;
    snprintf(why, sizeof why, "HTTP %d", answer->status);
    if (answer->status >= 200 && answer->status < 300) {
        s->outbound_ms = now->wall_ms;
        finish(s, p, true, (struct str){ 0 });
    } else if (worth_another(answer->status) && p->tries < TRIES_MAX) {
        int64_t pause_ms = (int64_t)PAUSE_MS << (p->tries - 1);
        p->due_ms = now->mono_ms + (pause_ms < PAUSE_MAX_MS ? pause_ms : PAUSE_MAX_MS);
    } else {
        finish(s, p, false, answer->status ? str_of(why) : str_of(answer->error));
    }
}

static void take(channel_state_t *s, const struct channel_delivery *d, uint64_t order, const struct channel_now *now)
{
    struct post *p = calloc(1, sizeof *p);
    json_t *route = json_loadb(d->route.p ? d->route.p : "", d->route.n, 0, NULL);
    struct str to = json_str(route, "to");
    if (p) {
        DL_APPEND(s->posts, p);
        p->id = d->id;
        p->order = order;
        p->url = str_dup(to);
        p->due_ms = now->mono_ms;
        buf_add(&p->body, d->text);
        if (!p->url || p->body.err)
            finish(s, p, false, str_of(err_text(GW_ENOMEM)));
        else if (!str_starts(to, STR("http://")) && !str_starts(to, STR("https://")))
            finish(s, p, false, STR("not an http(s) address"));
    }
    json_decref(route);
    tick(s, now);
}

static void deliver(channel_state_t *s, const struct channel_delivery *delivery, const struct channel_now *now)
{
    take(s, delivery, 0, now);
}

static void order(channel_state_t *s, const struct channel_order *o, const struct channel_now *now)
{
    (void)now;
    s->host.ordered(s->host.ctx, o->tag, false, STR("only results of jobs are posted"));
}

static void status(channel_state_t *s, const struct channel_now *now, struct buf *out)
{
    const struct channel_account_status common = {
        .id = "default", .state = "connected", .running = true, .connected = true, .outbound_ms = s->outbound_ms, .error = s->error
    };
    (void)now;
    buf_char(out, '[');
    channel_status_write(&common, out);
    buf_text(out, "}]");
}

const struct channel channel_http = {
    .id = "http",
    .label = "HTTP",
    .wanted = wanted,
    .create = create,
    .destroy = destroy,
    .take_config = take_config,
    .answered = answered,
    .next = next,
    .tick = tick,
    .deliver = deliver,
    .order = order,
    .status = status,
};
