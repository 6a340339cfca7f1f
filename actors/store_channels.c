#include "actors/store_channels.h"

#include <jansson.h>
#include <stdio.h>

#include "actors/heartbeat.h"
#include "base/clock.h"
#include "base/json_read.h"
#include "base/log.h"
#include "msgs/chat_json.h"
#include "store/deliveries.h"
#include "store/kv.h"
#include "store/routes.h"
#include "store/spawns.h"

enum { TASK_SHOWN = 120 /* bytes of what a sub-agent was to do, in a line to people */ };

static void key_of(const struct msg_channel_keep *k, struct buf *out)
{
    buf_printf(out, "channel:%.*s:%.*s", STR_ARG(k->channel), STR_ARG(k->key));
}

int store_route_options(store_t *store, struct str session_key, struct str route, bool last, struct str skills, struct buf *options)
{
    struct buf own = { 0 };
    int rc = route.n == 0 && last ? routes_get(store, session_key, &own) : 0;
    if (own.n) route = buf_str(&own);
    if (route.n) buf_json_pair_str(options, "route", route);
    if (skills.n) buf_json_pair_str(options, "skills", skills);
    buf_free(&own);
    return rc;
}

/* A heartbeat is no use of the place that it speaks up in. */
int store_route_accepted(store_t *store, int64_t session, struct str route, int64_t now_ms)
{
    bool used = route.n && str_find(route, STR("\"" HEARTBEAT_ROUTE_MEMBER "\":")) < 0;
    return used ? routes_set(store, session, route, now_ms) : 0;
}

static void note_due(struct store_due *due, struct str channel)
{
    for (size_t i = 0; i < due->count; i++)
        if (str_is(channel, due->channels[i])) return;
    if (due->count < STORE_DUE_MAX) str_copy(due->channels[due->count++], sizeof due->channels[0], channel);
}

static int add(store_t *store, struct store_due *due, struct delivery_new *d)
{
    json_t *where = d->target.n ? json_loadb(d->target.p, d->target.n, 0, NULL) : NULL;
    struct str silent = str_trim(d->payload);
    int64_t id;
    int rc = 0;
    d->channel = json_str(where, "channel");
    d->payload = str_utf8_prefix(d->payload, STORE_PAYLOAD_MAX);
    if (d->channel.n && d->channel.n <= 32 && silent.n && !str_is(silent, "NO_REPLY")) {
        rc = deliveries_add(store, d, &id);
        if (rc == GW_EEXIST) rc = 0; /* its end is told twice */
        if (rc == 0) note_due(due, d->channel);
    }
    json_decref(where);
    return rc;
}

int store_deliver(store_t *store, struct store_due *due, struct str route, struct str text, struct str nonce, int64_t now_ms)
{
    struct delivery_new d = { .target = route, .payload = text, .nonce = nonce, .now_ms = now_ms };
    return add(store, due, &d);
}

/* What of an answer is for the place where it goes; of a heartbeat what it found, and no failure. */
static struct str said_by(const struct msg_store_finish *q, const json_t *where, struct str text)
{
    int64_t ack_max_chars = json_int(where, HEARTBEAT_ROUTE_MEMBER, -1);
    struct str rest = { 0 };
    if (ack_max_chars < 0) return text;
    bool says = q->outcome == OUTCOME_DONE && heartbeat_read_answer(text, ack_max_chars, &rest) == HEARTBEAT_SAYS;
    return says ? rest : STR("");
}

/* What a turn's failure is told as. When it was to pass a sub-agent's result on, that is what did not get through. */
static int write_failure(store_t *store, const struct msg_store_finish *q, struct buf *text)
{
    struct buf task = { 0 };
    struct str why = q->error.n ? q->error : STR("The turn failed.");
    int rc = spawns_announced(store, q->turn, &task);
    struct str shown = str_utf8_prefix(buf_str(&task), TASK_SHOWN);
    if (task.n)
        buf_printf(text, "⚠️ The result of the sub-agent task \"%.*s\" could not be passed on: %.*s", STR_ARG(shown), STR_ARG(why));
    else
        buf_printf(text, "⚠️ %.*s", STR_ARG(why));
    buf_free(&task);
    return rc ? rc : text->err;
}

int store_route_ended(store_t *store, struct store_due *due, const struct msg_store_finish *q, int64_t now_ms)
{
    struct buf options = { 0 }, text = { 0 };
    if (!q->routed || (q->outcome != OUTCOME_DONE && q->outcome != OUTCOME_FAILED)) return 0;
    int rc = 0;
    if (q->outcome == OUTCOME_FAILED)
        rc = write_failure(store, q, &text);
    else
        chat_json_text(q->json, &text);
    if (rc == 0) rc = text.err ? text.err : routes_turn_options(store, q->turn, &options);
    json_t *given = rc == 0 && options.n ? json_loadb(options.p, options.n, 0, NULL) : NULL;
    struct str route = json_str(given, "route");
    json_t *where = route.n ? json_loadb(route.p, route.n, 0, NULL) : NULL;
    char nonce[32];
    snprintf(nonce, sizeof nonce, "t%lld", (long long)q->turn);
    struct delivery_new d = {
        .turn = q->turn, .target = route, .payload = said_by(q, where, buf_str(&text)), .nonce = str_of(nonce), .now_ms = now_ms
    };
    if (rc == 0) rc = add(store, due, &d);
    json_decref(where);
    json_decref(given);
    buf_free(&options);
    buf_free(&text);
    return rc;
}

/* --- for a channel ------------------------------------------------------------------------------------------------------- */

struct kept {
    mailbox_t *mailbox;
    const struct msg *question;
    size_t skip; /* bytes of the prefix */
};

static int send_with(mailbox_t *mailbox, const struct msg *question, struct msg *m, struct str bytes)
{
    char *copy = bytes.n ? str_dup(bytes) : NULL;
    payload_t *payload = copy ? payload_take(copy, bytes.n) : NULL;
    if (bytes.n && !payload) return GW_ENOMEM;
    m->corr = question->corr;
    int rc = mailbox_send_payload(mailbox, question->from, m, payload);
    payload_free(&payload);
    return rc;
}

static int send_kept(void *ctx, struct str key, struct str value)
{
    struct kept *k = ctx;
    struct msg m = { .kind = MSG_channel_kept };
    m.channel_kept.key = (struct str){ key.p + k->skip, key.n - k->skip };
    return send_with(k->mailbox, k->question, &m, value);
}

static int load(store_t *store, mailbox_t *mailbox, const struct msg *in, struct msg *answer)
{
    struct buf prefix = { 0 };
    struct str channel = in->channel_load.channel;
    buf_printf(&prefix, "channel:%.*s:", STR_ARG(channel));
    struct kept k = { mailbox, in, prefix.n };
    int rc = prefix.err ? prefix.err : kv_each(store, buf_str(&prefix), send_kept, &k);
    if (rc == 0) rc = deliveries_recover(store, channel, clock_wall_ms(), NULL);
    *answer = (struct msg){ .kind = MSG_channel_loaded, .corr = in->corr };
    buf_free(&prefix);
    return rc;
}

static int keep(store_t *store, const struct msg *in)
{
    struct buf key = { 0 };
    key_of(&in->channel_keep, &key);
    struct str json = in->channel_keep.json;
    int rc = key.err ? key.err : json.n ? kv_put(store, buf_str(&key), json) : kv_delete(store, buf_str(&key));
    buf_free(&key);
    return rc;
}

struct fetched {
    mailbox_t *mailbox;
    const struct msg *question;
    int64_t ids[256];
    size_t count;
};

static int send_item(void *ctx, const struct delivery_row *row)
{
    struct fetched *f = ctx;
    struct msg m = { .kind = MSG_delivery_item };
    m.delivery_item =
        (struct msg_delivery_item){ .id = row->id, .turn = row->turn, .parts = row->parts, .route = row->target, .nonce = row->nonce };
    int rc = send_with(f->mailbox, f->question, &m, row->payload);
    if (rc == GW_EBADMSG) log_event(LOG_ERROR, "delivery_unreadable", LOG_I("delivery", row->id));
    if (rc == 0 && f->count < 256) f->ids[f->count++] = row->id;
    return rc == GW_EBADMSG ? 0 : rc;
}

static int delivery_fetch(store_t *store, mailbox_t *mailbox, const struct msg *in)
{
    struct fetched f = { .mailbox = mailbox, .question = in };
    int64_t now_ms = clock_wall_ms();
    int rc = deliveries_due(store, in->delivery_fetch.channel, now_ms, (int)in->delivery_fetch.limit, send_item, &f);
    for (size_t i = 0; i < f.count && rc == 0; i++) rc = deliveries_claim(store, f.ids[i], now_ms);
    return rc;
}

static int delivery_done(store_t *store, const struct msg *in)
{
    const struct msg_delivery_done *d = &in->delivery_done;
    int64_t now_ms = clock_wall_ms();
    int rc = deliveries_set_parts(store, d->id, d->parts, now_ms);
    if (rc == 0 && d->how == 0) rc = deliveries_mark(store, d->id, now_ms);
    if (rc == 0 && d->how == 2) rc = deliveries_fail(store, d->id, -1, d->text, now_ms);
    return rc == GW_ENOENT ? 0 : rc;
}

int store_channel(store_t *store, mailbox_t *mailbox, const struct msg *in, struct msg *answer)
{
    switch (in->kind) {
    case MSG_channel_load: return load(store, mailbox, in, answer);
    case MSG_channel_keep: return keep(store, in);
    case MSG_delivery_fetch: return delivery_fetch(store, mailbox, in);
    default: return delivery_done(store, in);
    }
}

void store_tell_due(mailbox_t *mailbox, struct store_due *due)
{
    for (size_t i = 0; i < due->count; i++) {
        char name[48];
        const struct msg m = { .kind = MSG_channel_due };
        snprintf(name, sizeof name, "channel.%s", due->channels[i]);
        mailbox_send(mailbox, name, &m);
    }
    due->count = 0;
}

int store_channels_start(store_t *store)
{
    return deliveries_recover(store, STR(""), clock_wall_ms(), NULL);
}

void store_channels_prune(store_t *store, int64_t before_ms)
{
    int64_t count;
    deliveries_prune(store, before_ms, STORE_LIST_MAX, &count);
}
