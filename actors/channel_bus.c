/* A channel on the bus: messages become turns, answers come from the outbox, orders go to the translator. */
#include <stdio.h>
#include <stdlib.h>

#include "actors/channel_internal.h"
#include "actors/traces.h"
#include "base/base64.h"
#include "base/chat.h"
#include "base/clock.h"
#include "base/config_shared.h"
#include "base/err.h"
#include "base/json_read.h"
#include "base/log.h"
#include "base/random.h"
#include "msgs/chat_pack.h"

/* --- lines for the next turn --------------------------------------------------------------------------------------------- */

static void free_lines(struct host *h, struct channel_lines *l)
{
    system_events_free(&l->events);
    HASH_DEL(h->lines, l);
    free(l->key);
    free(l);
}

void channel_note_line(struct host *h, struct str session_key, struct str text)
{
    struct channel_lines *l;
    HASH_FIND(hh, h->lines, session_key.p, session_key.n, l);
    if (!l) {
        if (HASH_COUNT(h->lines) >= CHANNEL_EVENT_SESSIONS_MAX) free_lines(h, h->lines); /* the oldest */
        l = calloc(1, sizeof *l);
        if (!l || !(l->key = str_dup(session_key))) {
            free(l);
            return;
        }
        HASH_ADD_KEYPTR(hh, h->lines, l->key, session_key.n, l);
    }
    system_events_add(&l->events, text, clock_wall_ms());
}

static void take_lines(struct host *h, struct str session_key, struct buf *out)
{
    struct channel_lines *l;
    HASH_FIND(hh, h->lines, session_key.p, session_key.n, l);
    if (!l) return;
    if (system_events_take(&l->events, out) > 0) buf_char(out, '\n');
    free_lines(h, l);
}

/* --- turns ------------------------------------------------------------------------------------------------------------------ */

struct channel_waits *channel_wait(struct host *h, uint64_t corr, uint64_t tag, struct channel_command *command)
{
    struct channel_waits *w = HASH_COUNT(h->waits) < CHANNEL_WAITS_MAX ? calloc(1, sizeof *w) : NULL;
    if (!w) return NULL;
    w->corr = corr;
    w->tag = tag;
    w->command = command;
    HASH_ADD(hh, h->waits, corr, sizeof w->corr, w);
    return w;
}

static int pack(const struct channel_message *m, struct str text, struct buf *out)
{
    struct chat_part parts[CHANNEL_FILES_MAX + 1] = { { .kind = CHAT_TEXT, .text = text } };
    struct chat_message message = { .role = CHAT_USER, .parts = parts, .part_count = 1, .timestamp_ms = clock_wall_ms() };
    for (size_t i = 0; i < m->image_count && i < CHANNEL_FILES_MAX; i++)
        parts[message.part_count++] = (struct chat_part){ .kind = CHAT_IMAGE, .text = m->images[i].base64, .name = m->images[i].type };
    return chat_pack_message(out, &message);
}

static void news(struct host *h, uint64_t tag, enum channel_turn_news what, struct str text)
{
    const struct channel_now now = channel_now();
    if (h->channel->turn) h->channel->turn(h->state, tag, what, text, &now);
}

void channel_submit(struct host *h, const struct channel_message *m, struct str text, bool compact)
{
    struct buf all = { 0 }, packed = { 0 };
    struct msg q = { .kind = MSG_turn_submit, .corr = mailbox_corr(h->mailbox), .trace = random_u64() };
    if (!compact) take_lines(h, m->session_key, &all); /* they wait for what is answered */
    buf_add(&all, text);
    int rc = all.err ? all.err : pack(m, buf_str(&all), &packed);
    q.turn_submit = (struct msg_turn_submit){ .run_id = m->key,
                                              .session_key = m->session_key,
                                              .agent = m->agent,
                                              .idempotency_key = m->key,
                                              .bounded = 1,
                                              .channel = str_of(h->channel->id),
                                              .model = m->model,
                                              .system = m->system,
                                              .route = m->route,
                                              .skills = m->skills,
                                              .compact = compact,
                                              .ack = 1,
                                              .policy = 1,
                                              .message = buf_str(&packed) };
    if (rc == 0) rc = channel_wait(h, q.corr, m->tag, NULL) ? mailbox_send(h->mailbox, "router", &q) : GW_ENOMEM;
    if (rc) news(h, m->tag, CHANNEL_TURN_REFUSED, STR("⚠️ The gateway could not take this message; please send it again."));
    buf_free(&all);
    buf_free(&packed);
}

void channel_on_message(struct host *h, const struct channel_message *m)
{
    if (!channel_command_take(h, m)) channel_submit(h, m, m->text, false);
}

void channel_say(struct host *h, struct str route, struct str text)
{
    char nonce[24];
    const struct channel_now now = channel_now();
    snprintf(nonce, sizeof nonce, "c%016llx", (unsigned long long)random_u64());
    const struct channel_delivery d = { .route = route, .text = text, .nonce = str_of(nonce) };
    h->channel->deliver(h->state, &d, &now);
}

static void tell_decided(struct host *h, uint64_t tag, bool ok)
{
    const struct channel_now now = channel_now();
    if (h->channel->decided) h->channel->decided(h->state, tag, ok, &now);
}

void channel_decide(struct host *h, uint64_t tag, struct str id, struct str decision, struct str by)
{
    struct msg m = { .kind = MSG_approval_decide, .corr = mailbox_corr(h->mailbox) };
    m.approval_decide = (struct msg_approval_decide){ .id = id, .decision = decision, .by = str_utf8_prefix(by, 256) };
    int rc = channel_wait(h, m.corr, tag, NULL) ? mailbox_send(h->mailbox, "gateway", &m) : GW_EFULL;
    if (rc) tell_decided(h, tag, false);
}

static void refused(struct host *h, uint64_t tag, struct str reason, struct str why)
{
    struct buf text = { 0 };
    if (!str_is(reason, "send_denied")) buf_printf(&text, "⚠️ %.*s", STR_ARG(why));
    news(h, tag, CHANNEL_TURN_REFUSED, buf_str(&text));
    buf_free(&text);
}

/* @return false: nobody waits for it */
static bool on_answer(struct host *h, struct msg *in)
{
    struct channel_waits *w;
    HASH_FIND(hh, h->waits, &in->corr, sizeof in->corr, w);
    if (!w || in->corr == 0) return false;
    uint64_t tag = w->tag;
    struct channel_command *command = w->command;
    bool over = in->kind != MSG_turn_accepted && in->kind != MSG_turn_started;
    if (over) {
        HASH_DEL(h->waits, w);
        free(w);
    }
    if (command) {
        channel_command_told(h, command, in);
        return true;
    }
    switch (in->kind) {
    case MSG_turn_accepted: news(h, tag, CHANNEL_TURN_TAKEN, (struct str){ 0 }); break;
    case MSG_turn_started: news(h, tag, CHANNEL_TURN_STARTED, (struct str){ 0 }); break;
    case MSG_turn_done: news(h, tag, CHANNEL_TURN_ENDED, (struct str){ 0 }); break;
    case MSG_approval_decided: tell_decided(h, tag, in->approval_decided.ok); break;
    case MSG_turn_refused: refused(h, tag, in->turn_refused.reason, in->turn_refused.text); break;
    case MSG_error: refused(h, tag, STR("error"), in->error.text); break;
    default: break;
    }
    return true;
}

/* --- the outbox ---------------------------------------------------------------------------------------------------------------- */

void channel_fetch_due(struct host *h)
{
    struct msg q = { .kind = MSG_delivery_fetch };
    if (!h->due || !h->loaded || HASH_COUNT(h->parcels) + CHANNEL_FETCH_MAX > CHANNEL_DELIVERIES_MAX) return;
    q.delivery_fetch.channel = str_of(h->channel->id);
    q.delivery_fetch.limit = CHANNEL_FETCH_MAX;
    if (mailbox_send(h->mailbox, "store", &q) == 0) h->due = false;
}

void channel_parcel_over(struct host *h, int64_t id)
{
    struct channel_parcel *p;
    HASH_FIND(hh, h->parcels, &id, sizeof id, p);
    if (!p) return;
    HASH_DEL(h->parcels, p);
    free(p);
}

void channel_trace_parcel(struct host *h, int64_t id, bool failed)
{
    struct channel_parcel *p;
    HASH_FIND(hh, h->parcels, &id, sizeof id, p);
    if (!p || !h->options->traced || !p->turn) return;
    const struct trace_step step = { .turn = p->turn,
                                     .name = "openclaw.delivery",
                                     .key = "openclaw.channel",
                                     .value = str_of(h->channel->id),
                                     .began_ms = p->began_ms,
                                     .failed = failed };
    trace_step(h->mailbox, &step);
}

/* One that is in hand already is told again when the store was started anew: it is on its way. */
static bool take_parcel(struct host *h, int64_t id, int64_t turn)
{
    struct channel_parcel *p;
    HASH_FIND(hh, h->parcels, &id, sizeof id, p);
    if (p || !(p = calloc(1, sizeof *p))) return false;
    p->id = id;
    p->turn = turn;
    p->began_ms = clock_wall_ms();
    HASH_ADD(hh, h->parcels, id, sizeof p->id, p);
    return true;
}

static void on_item(struct host *h, const struct msg *in)
{
    const struct msg_delivery_item *i = &in->delivery_item;
    const struct channel_now now = channel_now();
    const struct channel_delivery d = { .id = i->id, .route = i->route, .text = i->text, .nonce = i->nonce, .parts_sent = i->parts };
    h->due = true; /* there may be more than were asked for */
    if (take_parcel(h, i->id, i->turn)) h->channel->deliver(h->state, &d, &now);
}

/* --- orders -------------------------------------------------------------------------------------------------------------------- */

/* The bytes of `file`, {name, data in base64}, of a send. @return false: it is too large, or no base64 */
static bool read_file(const json_t *file, struct buf *out)
{
    struct str data = json_str(file, "data");
    size_t n = 0;
    out->max = CHANNEL_FILE_MAX;
    if (!file) return true;
    unsigned char *room = (unsigned char *)buf_reserve(out, data.n / 4 * 3 + 3);
    if (!room || base64_read(data, room, data.n / 4 * 3 + 3, &n) != 0) return false;
    out->n += n;
    return true;
}

static void refuse_order(struct host *h, const struct msg *in, const char *why)
{
    struct msg m = { .kind = MSG_channel_ordered, .corr = in->corr };
    m.channel_ordered.json = str_of(why);
    mailbox_send(h->mailbox, in->from, &m);
}

static void order(struct host *h, const struct msg *in)
{
    const struct msg_channel_order *o = &in->channel_order;
    const struct channel_now now = channel_now();
    struct channel_asked *a = HASH_COUNT(h->asked) < CHANNEL_WAITS_MAX ? calloc(1, sizeof *a) : NULL;
    json_t *params = json_loadb(o->params.p, o->params.n, 0, NULL);
    const json_t *file = json_object_get(params, "file");
    char *buttons = json_dumps(json_object_get(params, "buttons"), JSON_COMPACT); /* NULL: there are none */
    struct buf bytes = { 0 };
    if (!a) {
        refuse_order(h, in, "too many orders wait for this channel (CHANNEL_WAITS_MAX)");
    } else if (!read_file(file, &bytes)) {
        refuse_order(h, in, "the file is too large for a channel (CHANNEL_FILE_MAX)");
        free(a);
    } else {
        a->tag = ++h->last_tag;
        a->corr = in->corr;
        str_copy(a->from, sizeof a->from, str_of(in->from));
        HASH_ADD(hh, h->asked, tag, sizeof a->tag, a);
        const struct channel_order given = {
            .tag = a->tag,
            .action = o->action,
            .params = o->params,
            .send = { .route = o->route,
                      .text = json_str(params, "message"),
                      .nonce = o->nonce,
                      .file_name = json_str(file, "name"),
                      .file_bytes = buf_str(&bytes),
                      .buttons = str_of(buttons) },
        };
        h->channel->order(h->state, &given, &now);
    }
    free(buttons);
    json_decref(params);
    buf_free(&bytes);
}

static void take_config(struct host *h)
{
    config_t *fresh = config_shared_get(NULL);
    const struct channel_now now = channel_now();
    if (!fresh) return;
    if (h->channel->take_config) h->channel->take_config(h->state, fresh, &now);
    config_unref(&h->options->config);
    h->options->config = fresh;
}

static void loaded(struct host *h)
{
    const struct channel_now now = channel_now();
    if (h->loaded) return;
    h->loaded = h->due = true;
    h->load_ms = INT64_MAX;
    if (h->channel->start) h->channel->start(h->state, &now);
}

void channel_on_bus(struct host *h, struct msg *in)
{
    switch (in->kind) {
    case MSG_channel_kept:
        if (h->channel->load) h->channel->load(h->state, in->channel_kept.key, in->channel_kept.json);
        break;
    case MSG_channel_loaded: loaded(h); break;
    case MSG_channel_due: h->due = true; break;
    case MSG_delivery_item: on_item(h, in); break;
    case MSG_channel_order: order(h, in); break;
    case MSG_config_changed: take_config(h); break;
    case MSG_actor_stop: h->stopping = true; break;
    default: on_answer(h, in); break;
    }
}

void channel_bus_free(struct host *h)
{
    struct channel_waits *w, *next_w;
    struct channel_asked *a, *next_a;
    struct channel_lines *l, *next_l;
    while (h->parcels) channel_parcel_over(h, h->parcels->id);
    HASH_ITER(hh, h->waits, w, next_w)
    {
        HASH_DEL(h->waits, w);
        if (w->command) channel_command_free(w->command);
        free(w);
    }
    HASH_ITER(hh, h->asked, a, next_a)
    {
        HASH_DEL(h->asked, a);
        free(a);
    }
    HASH_ITER(hh, h->lines, l, next_l)
    {
        free_lines(h, l);
    }
}
