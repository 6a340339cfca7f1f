/* channels/webhook.c -- Discord webhooks by name: DISCORD_WEBHOOK_DEUTSCH is `webhook:deutsch`. Out only; whoever sends never sees the URL.
 *
 * In:     texts to deliver; the URLs from the environment
 * Out:    calls, each message of a text after the other
 * Owns:   what waits to be sent
 * Source: reference discord 3 (execute webhook); the customer's deployment (names of the variables) */
#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/err.h"
#include "base/json_read.h"
#include "base/log.h"
#include "channels/channel.h"
#include "channels/channel_words.h"
#include "channels/discord_rest.h"
#include "channels/split.h"
#include "channels/tables.h"

enum { UNITS = 2000, LINES = 17, CALL_MS = 20000, TARGET_SIZE = 40 /* bytes of a name */ };

struct post { /* a text on its way */
    struct post *prev, *next;
    int64_t id;
    uint64_t order;
    char target[TARGET_SIZE];
    struct split_parts parts;
    size_t sent;
    struct buf ids;
};

struct channel_state {
    struct env env;
    struct channel_host host;
    discord_rest_t *rest;
    struct post *posts;
    int64_t outbound_ms;
    char error[256];
};

/* The URL of a target; empty: there is none of that name. */
static struct str url_of(const struct env *env, const char *target)
{
    char name[64];
    int n = snprintf(name, sizeof name, "DISCORD_WEBHOOK_%s", target);
    for (char *c = name; *c; c++) *c = isalnum((unsigned char)*c) ? (char)toupper((unsigned char)*c) : '_';
    return n > 0 && (size_t)n < sizeof name ? str_trim(env_get(env, name)) : (struct str){ 0 };
}

/* "/webhooks/id/token" of it, by which Discord's limits go. Empty, at its end: it is none. */
static struct str path_of(struct str url)
{
    ptrdiff_t at = str_find(url, STR("/webhooks/"));
    struct str rest = { url.p + (at < 0 ? (ptrdiff_t)url.n : at), at < 0 ? 0 : url.n - (size_t)at };
    return str_split(&rest, '?');
}

static const char *const names[] = { "deutsch", "english", "daily", "alerts" };

static bool wanted(const config_t *config, const struct env *env)
{
    (void)config;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (url_of(env, names[i]).n) return true;
    return false;
}

static void free_post(channel_state_t *s, struct post *p)
{
    DL_DELETE(s->posts, p);
    split_parts_free(&p->parts);
    buf_free(&p->ids);
    free(p);
}

static void destroy(channel_state_t **state_p)
{
    channel_state_t *s = *state_p;
    if (!s) return;
    while (s->posts) free_post(s, s->posts);
    discord_rest_destroy(&s->rest);
    free(s);
    *state_p = NULL;
}

static int create(const struct channel_options *options, const struct channel_host *host, channel_state_t **out)
{
    channel_state_t *s = calloc(1, sizeof *s);
    *out = s;
    if (!s) return GW_ENOMEM;
    s->env = options->env;
    s->host = *host;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) log_secret_add(url_of(&s->env, names[i]));
    int rc = discord_rest_create(&s->rest);
    if (rc) destroy(out);
    return rc;
}

/* --- sending ----------------------------------------------------------------------------------------------------------- */

static void pump(channel_state_t *s, const struct channel_now *now)
{
    const struct discord_call *call;
    while ((call = discord_rest_next(s->rest, now->mono_ms))) {
        struct post *p = call->subject;
        struct str whole = url_of(&s->env, p ? p->target : "");
        struct buf url = { 0 };
        buf_add(&url, (struct str){ whole.p, (size_t)(path_of(whole).p - whole.p) });
        buf_text(&url, call->path);
        static const char headers[] =
            "Content-Type: application/json\0User-Agent: DiscordBot (https://github.com/openclaw/openclaw, " GW_VERSION ")";
        const struct channel_request request = { .tag = call->tag,
                                                 .method = "POST",
                                                 .url = buf_str(&url),
                                                 .headers = { headers, sizeof headers },
                                                 .body = buf_str(&call->body),
                                                 .timeout_ms = CALL_MS,
                                                 .body_max = 1 << 20 };
        s->host.request(s->host.ctx, &request);
        buf_free(&url);
    }
}

static void finish(channel_state_t *s, struct post *p, enum channel_delivered how, struct str why)
{
    struct buf said = { 0 };
    buf_printf(&said, "{\"ok\":true,\"channelId\":\"webhook:%s\",\"messageIds\":[%.*s]}", p->target, STR_ARG(buf_str(&p->ids)));
    if (how == CHANNEL_FAILED) {
        log_event(LOG_ERROR, "webhook_delivery_failed", LOG_T("target", p->target), LOG_S("reason", why));
        snprintf(s->error, sizeof s->error, "webhook:%s: %.*s", p->target, (int)(why.n > 200 ? 200 : why.n), why.p ? why.p : "");
    }
    if (p->id) s->host.delivered(s->host.ctx, p->id, how, (int64_t)p->sent, why);
    if (p->order) s->host.ordered(s->host.ctx, p->order, how == CHANNEL_DELIVERED, how == CHANNEL_DELIVERED ? buf_str(&said) : why);
    s->host.changed(s->host.ctx);
    buf_free(&said);
    free_post(s, p);
}

static void send_part(channel_state_t *s, struct post *p, const struct channel_now *now)
{
    struct str url = url_of(&s->env, p->target);
    struct discord_call *call = calloc(1, sizeof *call);
    const struct buf *part = &p->parts.list[p->sent];
    json_t *body = json_pack("{s:s%, s:{s:[]}}", "content", part->p, part->n, "allowed_mentions", "parse");
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    json_decref(body);
    if (call && text) {
        struct str path = path_of(url);
        snprintf(call->path, sizeof call->path, "%.*s?wait=true", STR_ARG(path));
        buf_text(&call->body, text);
        call->method = "POST";
        call->own_token = true;
        call->subject = p;
        call->patience_ms = DISCORD_PATIENCE_MS;
        snprintf(call->lane, sizeof call->lane, "%s", p->target);
        int rc = discord_rest_add(s->rest, call, now->mono_ms);
        if (rc) finish(s, p, CHANNEL_FAILED, str_of(err_text(rc)));
    } else {
        discord_call_free(call);
        finish(s, p, CHANNEL_FAILED, str_of(err_text(GW_ENOMEM)));
    }
    free(text);
}

/* The first of a target goes; those behind it follow. */
static void send_next(channel_state_t *s, const char *target, const struct channel_now *now)
{
    struct post *p;
    DL_FOREACH(s->posts, p)
    {
        if (strcmp(p->target, target) != 0) continue;
        send_part(s, p, now);
        return;
    }
}

static void answered(channel_state_t *s, const struct channel_response *answer, const struct channel_now *now)
{
    struct discord_call *call = discord_rest_answered(s->rest, answer, now->mono_ms, s->host.random(s->host.ctx));
    struct post *p = call ? call->subject : NULL;
    bool good = answer->status >= 200 && answer->status < 300;
    char target[TARGET_SIZE] = "", why[64];
    if (p) memcpy(target, p->target, sizeof target);
    if (p && good) {
        json_t *said = json_loadb(answer->body.p ? answer->body.p : "", answer->body.n, 0, NULL);
        if (p->ids.n) buf_char(&p->ids, ',');
        buf_json_str(&p->ids, json_str(said, "id"));
        json_decref(said);
        s->outbound_ms = now->wall_ms;
        p->sent++;
        if (p->sent < p->parts.count && p->id) s->host.delivered(s->host.ctx, p->id, CHANNEL_PARTLY, (int64_t)p->sent, (struct str){ 0 });
        if (p->sent == p->parts.count) finish(s, p, CHANNEL_DELIVERED, (struct str){ 0 });
    } else if (p) {
        snprintf(why, sizeof why, "Discord answered HTTP %d", answer->status);
        finish(s, p, CHANNEL_FAILED, answer->status ? str_of(why) : str_of(answer->error));
    }
    discord_call_free(call);
    if (target[0]) send_next(s, target, now);
    pump(s, now);
}

static void take(channel_state_t *s, const struct channel_delivery *d, uint64_t order, const struct channel_now *now)
{
    static const struct split_limits limits = { .units = UNITS, .lines = LINES };
    struct post *p = calloc(1, sizeof *p), *other;
    json_t *route = json_loadb(d->route.p ? d->route.p : "", d->route.n, 0, NULL);
    struct str to = json_str(route, "to");
    struct buf text = { 0 };
    if (str_starts(to, STR("webhook:"))) to = (struct str){ to.p + 8, to.n - 8 };
    if (p) {
        DL_APPEND(s->posts, p);
        p->id = d->id;
        p->order = order;
        str_copy(p->target, sizeof p->target, to);
        tables_to_code(d->text, &text);
        split_into(buf_str(&text), &limits, &p->parts);
        p->sent = (size_t)d->parts_sent;
        struct str url = url_of(&s->env, p->target);
        DL_FOREACH(s->posts, other)
        {
            if (strcmp(other->target, p->target) == 0) break;
        }
        if (d->file_bytes.n)
            finish(s, p, CHANNEL_FAILED, STR("a webhook takes no files here"));
        else if (!p->target[0] || path_of(url).n == 0)
            finish(
                s, p, CHANNEL_FAILED,
                STR("there is no webhook of that name: the variable DISCORD_WEBHOOK_<NAME> holds its address, .../webhooks/<id>/<token>"));
        else if (p->sent >= p->parts.count)
            finish(s, p, CHANNEL_DELIVERED, (struct str){ 0 });
        else if (other == p)
            send_part(s, p, now);
    }
    json_decref(route);
    buf_free(&text);
    pump(s, now);
}

static void deliver(channel_state_t *s, const struct channel_delivery *delivery, const struct channel_now *now)
{
    take(s, delivery, 0, now);
}

static void order(channel_state_t *s, const struct channel_order *o, const struct channel_now *now)
{
    if (str_is(o->action, "send"))
        take(s, &o->send, o->tag, now);
    else
        s->host.ordered(s->host.ctx, o->tag, false, STR("a webhook can only send"));
}

/* --- the rest: a webhook hears nothing ------------------------------------------------------------------------------------ */

static void start(channel_state_t *s, const struct channel_now *now)
{
    (void)now;
    s->host.changed(s->host.ctx);
}

static int64_t next(channel_state_t *s)
{
    return discord_rest_due(s->rest);
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

const struct channel channel_webhook = {
    .id = "webhook",
    .label = "Webhooks",
    .wanted = wanted,
    .create = create,
    .destroy = destroy,
    .start = start,
    .answered = answered,
    .next = next,
    .tick = pump,
    .deliver = deliver,
    .order = order,
    .status = status,
};
