#include "actors/store.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "actors/policy.h"
#include "actors/store_cards.h"
#include "actors/store_channels.h"
#include "actors/store_cron.h"
#include "actors/store_devices.h"
#include "actors/store_methods.h"
#include "actors/store_spawns.h"
#include "actors/store_wishes.h"
#include "base/clock.h"
#include "base/failure.h"
#include "base/json_read.h"
#include "base/log.h"
#include "base/random.h"
#include "msgs/chat_json.h"
#include "store/cooldowns.h"
#include "store/messages.h"
#include "store/spawns.h"
#include "store/turns.h"
#include "store/usage.h"

/* What is told once the group is committed. `about` keeps the strings of the question alive until then. */
struct answer {
    struct msg about;
    struct msg m;
    payload_t *payload;
    struct buf text; /* what strings of m borrow from, where it is not `about` */
    char queue[16];  /* likewise */
};

struct keeper {
    mailbox_t *mailbox;
    store_t *store;
    config_t *config;
    char *notice;
    struct answer group[STORE_GROUP_MAX];
    size_t count;
    int64_t next_prune_ms, next_sweep_ms;
    int64_t tell[STORE_GROUP_MAX]; /* turns of children that have ended: their requesters are told after the commit */
    size_t tell_count;
    struct store_due due; /* channels with something to send, likewise */
};

static struct msg answer_of(const struct msg *in, enum msg_kind kind)
{
    return (struct msg){ .kind = kind, .corr = in->corr, .trace = in->trace };
}

static int accept_turn(struct keeper *k, const struct msg *in, struct answer *a)
{
    const struct msg_store_accept *q = &in->store_accept;
    char uuid[65];
    struct buf options = { 0 };
    struct turn_accepted accepted = { 0 };
    random_uuid(uuid);
    store_cron_session_id(q->session_key, sizeof uuid, uuid);
    buf_char(&options, '{');
    buf_json_pair_str(&options, "model", q->model);
    buf_json_pair_str(&options, "thinking", q->thinking);
    if (q->timeout_s) buf_json_pair_int(&options, "timeout", q->timeout_s);
    if (q->task.n) buf_json_pair_bool(&options, "spawned", true);
    if (q->compact) buf_json_pair_bool(&options, "compact", true);
    int rc = store_route_options(k->store, q->session_key, q->route, q->announces.n && q->depth == 0, q->skills, &options);
    buf_char(&options, '}');
    struct turn_new turn = {
        .id = q->turn,
        .session = { .key = q->session_key,
                     .uuid = str_of(uuid),
                     .agent = q->agent,
                     .parent = q->parent,
                     .channel = q->channel,
                     .label = q->label,
                     .depth = q->depth,
                     .now_ms = clock_wall_ms() },
        .run_id = q->run_id,
        .lane = str_of(policy_lane_name((enum policy_lane)q->lane)),
        .idempotency_key = q->idempotency_key,
        .input = q->message,
        .extra = q->system,
        .options = buf_str(&options),
    };
    struct session_wishes wishes = { 0 };
    if (rc == 0 && q->policy) rc = store_wishes_read(k->store, q->session_key, &wishes);
    if (rc == 0 && wishes.deny) rc = GW_EDENIED;
    if (rc == 0 && q->steers) rc = spawns_continue(k->store, q->session_key, q->turn, q->run_id); /* first: it may refuse */
    if (rc == 0) rc = options.err ? options.err : turns_accept(k->store, &turn, &accepted);
    if (rc == 0) rc = store_spawn_accepted(k->store, q);
    if (rc == 0) rc = store_route_accepted(k->store, accepted.session, q->route, turn.session.now_ms);
    buf_free(&options);
    if (rc == 0 && !accepted.session_created && !q->policy) rc = store_wishes_read(k->store, q->session_key, &wishes);
    buf_free(&a->text);
    a->text = wishes.words;
    str_copy(a->queue, sizeof a->queue, str_of(wishes.queue));
    a->m = answer_of(in, MSG_store_accepted);
    a->m.store_accepted.model = wishes.model;
    a->m.store_accepted.thinking = wishes.thinking;
    a->m.store_accepted.queue = str_of(a->queue);
    a->m.store_accepted.parent = wishes.parent;
    a->m.store_accepted.depth = wishes.depth;
    a->m.store_accepted.spent_tokens = wishes.spent_tokens;
    a->m.store_accepted.turn = q->turn;
    a->m.store_accepted.code = rc;
    a->m.store_accepted.created = rc == 0 && accepted.session_created;
    if (rc == GW_EEXIST) {
        a->m.store_accepted.existing = accepted.id;
        a->m.store_accepted.existing_ended = accepted.state >= TURN_DONE;
    }
    return 0; /* the code travels in the answer */
}

struct lines {
    struct buf text;
    int64_t first_seq;
};

static int add_line(void *ctx, const struct message_row *row)
{
    struct lines *l = ctx;
    if (l->first_seq == 0) l->first_seq = row->seq;
    buf_add(&l->text, row->json);
    buf_char(&l->text, '\n');
    return l->text.err;
}

/* Turns whose messages went into another's: they are over with its beginning, so that a restart runs none of them again. */
static int end_collected(struct keeper *k, struct str lines)
{
    int rc = 0;
    while (rc == 0 && lines.n) {
        struct turn_end end = { .state = TURN_DONE, .reason = STR("collected"), .now_ms = clock_wall_ms() };
        rc = str_to_int(str_split(&lines, '\n'), &end.id);
        if (rc == 0) rc = turns_finish(k->store, &end, NULL);
        if (rc == GW_ENOENT) rc = 0; /* its session was removed: nothing to run again either */
    }
    return rc;
}

static int begin_turn(struct keeper *k, const struct msg *in, struct answer *a)
{
    const struct msg_store_begin *q = &in->store_begin;
    struct turn_begun begun = { 0 };
    int rc = turns_begin(k->store, q->turn, q->json, clock_wall_ms(), &begun);
    if (rc == 0) rc = end_collected(k, q->collected);
    if (rc) return rc;
    if (q->load_bytes == 0) return 0; /* nothing to tell */
    a->m = answer_of(in, MSG_store_begun);
    a->m.store_begun.repeated = begun.again;
    struct lines lines = { .text = { .max = 2 * (size_t)q->load_bytes + STORE_MESSAGE_MAX } };
    const struct history_limits limits = { .bytes = q->load_bytes };
    rc = messages_history(k->store, q->session_key, &limits, add_line, &lines, NULL);
    size_t n = 0;
    char *bytes = rc ? NULL : buf_take(&lines.text, &n);
    if (rc == 0 && !bytes) rc = lines.text.err ? lines.text.err : GW_ENOMEM;
    buf_free(&lines.text);
    if (rc) return rc;
    a->m.store_begun.first_seq = lines.first_seq;
    a->payload = payload_take(bytes, n);
    return a->payload ? 0 : GW_ENOMEM;
}

static int append(struct keeper *k, const struct msg *in, struct answer *a)
{
    const struct msg_store_append *q = &in->store_append;
    struct message_new message = { .turn = q->turn, .role = chat_json_role(q->json), .json = q->json, .now_ms = clock_wall_ms() };
    a->m = answer_of(in, MSG_store_appended);
    int rc = sessions_find(k->store, q->session_key, &message.session);
    if (rc == 0) rc = messages_append(k->store, &message, &a->m.store_appended.seq);
    return rc ? rc : end_collected(k, q->collected);
}

struct place {
    int64_t session;
    int64_t last_seq;
};

static int note_place(void *ctx, const struct session_row *row)
{
    *(struct place *)ctx = (struct place){ row->id, row->last_seq };
    return 0;
}

static int compact(struct keeper *k, const struct msg *in, struct answer *a)
{
    const struct msg_store_compact *q = &in->store_compact;
    struct place place = { 0 };
    int rc = sessions_get(k->store, q->session_key, note_place, &place);
    if (rc) return rc;
    int64_t kept = place.last_seq + 1 - q->keep;
    struct buf json = { 0 };
    buf_text(&json, "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":");
    buf_json_str(&json, q->summary);
    buf_printf(&json, "}],\"timestamp\":%lld}", (long long)clock_wall_ms());
    struct message_new summary = {
        .session = place.session, .turn = q->turn, .role = STR("user"), .json = buf_str(&json), .now_ms = clock_wall_ms()
    };
    a->m = answer_of(in, MSG_store_appended);
    rc = json.err ? json.err : messages_compact(k->store, &summary, kept < 1 ? 1 : kept, &a->m.store_appended.seq);
    buf_free(&json);
    return rc;
}

static int finish(struct keeper *k, const struct msg *in, struct answer *a)
{
    static const enum turn_state states[] = { TURN_DONE, TURN_FAILED, TURN_ABORTED, TURN_DROPPED }; /* by enum turn_outcome */
    const struct msg_store_finish *q = &in->store_finish;
    struct str model = q->model_answered;
    struct str provider = str_split(&model, '/');
    struct turn_end end = {
        .id = q->turn,
        .state = states[q->outcome],
        .message = q->json,
        .agent = q->agent,
        .provider = provider,
        .model = model,
        .model_asked = q->model_asked,
        .model_answered = q->model_answered,
        .reason = q->reason,
        .error = q->error,
        .used = { q->input_tokens, q->output_tokens, q->cache_read_tokens, q->cache_write_tokens },
        .context_tokens = q->context_tokens,
        .now_ms = clock_wall_ms(),
    };
    a->m = answer_of(in, MSG_store_finished);
    a->m.store_finished.turn = q->turn;
    int rc = store_route_ended(k->store, &k->due, q, clock_wall_ms());
    if (rc == 0) rc = turns_finish(k->store, &end, NULL);
    bool tell = false;
    if (rc == 0) rc = store_spawn_ended(k->store, k->config, &end, &tell);
    if (tell && k->tell_count < STORE_GROUP_MAX) k->tell[k->tell_count++] = end.id;
    return rc;
}

/* What a repeat of an idempotency key is answered with: the row, then the text of the message it points to. */
struct ended {
    struct msg_store_answered *out;
    struct buf *words; /* what out's strings borrow from */
    int64_t session, answer_seq;
};

static int note_ended(void *ctx, const struct turn_row *row)
{
    static const int outcomes[] = { OUTCOME_FAILED, OUTCOME_FAILED, OUTCOME_DONE, OUTCOME_FAILED, OUTCOME_ABORTED, OUTCOME_DROPPED };
    struct ended *e = ctx;
    struct str model = str_utf8_prefix(row->model_answered, 256), error = str_utf8_prefix(row->error, 8192);
    buf_add(e->words, model);
    buf_add(e->words, error);
    if (e->words->err) return e->words->err;
    *e->out = (struct msg_store_answered){ .turn = row->id,
                                           .outcome = outcomes[row->state],
                                           .model = { e->words->p, model.n },
                                           .error = error.n ? (struct str){ e->words->p + model.n, error.n } : STR(""),
                                           .input_tokens = row->used.input,
                                           .output_tokens = row->used.output };
    e->session = row->session;
    e->answer_seq = row->answer_seq;
    return 0;
}

static int add_words(void *ctx, const struct message_row *row)
{
    struct buf *text = ctx;
    chat_json_text(row->json, text);
    return text->err;
}

static int tell_answer(struct keeper *k, const struct msg *in, struct answer *a)
{
    struct buf text = { 0 };
    a->m = answer_of(in, MSG_store_answered);
    buf_clear(&a->text);
    struct ended e = { .out = &a->m.store_answered, .words = &a->text };
    int rc = turns_get(k->store, in->store_answer.turn, note_ended, &e);
    if (rc == 0 && e.answer_seq) rc = messages_get(k->store, e.session, e.answer_seq, add_words, &text);
    if (rc == GW_ENOENT && e.answer_seq) rc = 0; /* its transcript was cut short since */
    size_t n = 0;
    char *bytes = rc == 0 && text.n ? buf_take(&text, &n) : NULL;
    buf_free(&text);
    if (bytes) a->payload = payload_take(bytes, n);
    return rc;
}

static int keep_cooldown(struct keeper *k, const struct msg_store_cooldown *q)
{
    struct cooldown_row row = { .provider = q->provider,
                                .failure = str_of(failure_name((enum failure)q->failure)),
                                .until_ms = q->until_ms,
                                .errors = q->errors,
                                .noted_ms = clock_wall_ms() };
    return q->until_ms ? cooldowns_save(k->store, &row) : cooldowns_delete(k->store, q->provider);
}

struct pending {
    struct keeper *keeper;
    const struct msg *question;
    int64_t last_id;
    int64_t day; /* today */
    int rows;
};

static int lane_of(struct str name)
{
    for (int lane = 0; lane < LANE_COUNT; lane++)
        if (str_is(name, policy_lane_name((enum policy_lane)lane))) return lane;
    return 0;
}

/* What the turn was given, else what a user set for its session. */
static struct str given(const json_t *options, const char *name, struct str otherwise)
{
    struct str value = str_of(json_string_value(json_object_get(options, name)));
    return value.n ? value : otherwise;
}

static int send_pending(void *ctx, const struct turn_row *row)
{
    struct pending *p = ctx;
    json_error_t ignored;
    json_t *options = json_loadb(row->options.p ? row->options.p : "", row->options.n, 0, &ignored);
    struct buf set = { 0 };
    if (row->set_provider.n) buf_printf(&set, "%.*s/%.*s", STR_ARG(row->set_provider), STR_ARG(row->set_model));
    struct msg m = answer_of(p->question, MSG_store_pending);
    m.store_pending = (struct msg_store_pending){
        .turn = row->id,
        .run_id = row->run_id,
        .session_key = row->session_key,
        .agent = row->agent,
        .lane = lane_of(row->lane),
        .idempotency_key = row->idempotency_key,
        .channel = row->channel,
        .model = given(options, "model", buf_str(&set)),
        .thinking = given(options, "thinking", row->set_thinking),
        .system = row->extra,
        .route = given(options, "route", STR("")),
        .skills = given(options, "skills", STR("")),
        .compact = json_flag(options, "compact"),
        .parent = row->parent,
        .depth = row->depth,
        .spawned = json_flag(options, "spawned"),
        .timeout_s = json_int(options, "timeout", 0),
        .message = row->input,
    };
    p->last_id = row->id;
    p->rows++;
    int rc = mailbox_send(p->keeper->mailbox, p->question->from, &m);
    if (rc == GW_EBADMSG) log_event(LOG_ERROR, "turn_unreadable", LOG_I("turn", row->id));
    json_decref(options);
    buf_free(&set);
    return rc == GW_EBADMSG ? 0 : rc;
}

static int send_cooldown(void *ctx, const struct cooldown_row *row)
{
    struct pending *p = ctx;
    struct msg m = answer_of(p->question, MSG_store_cooldown);
    m.store_cooldown = (struct msg_store_cooldown){
        .provider = row->provider, .until_ms = row->until_ms, .errors = row->errors, .failure = failure_of_name(row->failure)
    };
    return mailbox_send(p->keeper->mailbox, p->question->from, &m);
}

static int send_spent(void *ctx, const struct usage_row *row)
{
    struct pending *p = ctx;
    struct msg m = answer_of(p->question, MSG_store_spent);
    m.store_spent = (struct msg_store_spent){ .agent = row->agent,
                                              .provider = row->provider,
                                              .model = row->model,
                                              .day = p->day,
                                              .input_tokens = row->used.input,
                                              .output_tokens = row->used.output,
                                              .cache_read_tokens = row->used.cache_read,
                                              .cache_write_tokens = row->used.cache_write };
    return mailbox_send(p->keeper->mailbox, p->question->from, &m);
}

static int recover(struct keeper *k, const struct msg *in, struct answer *a)
{
    struct pending p = { .keeper = k, .question = in };
    int rc = store_spawns_end_steered(k->store, clock_wall_ms());
    if (rc) return rc;
    do {
        p.rows = 0;
        rc = turns_pending(k->store, p.last_id, STORE_LIST_MAX, send_pending, &p);
    } while (rc == 0 && p.rows == STORE_LIST_MAX);
    if (rc == 0) rc = cooldowns_load(k->store, send_cooldown, &p);
    p.day = clock_wall_ms() / USAGE_DAY_MS;
    if (rc == 0) rc = usage_sum(k->store, p.day, p.day, false, 0, send_spent, &p);
    k->next_sweep_ms = 0; /* who was not told before the end of the last process is now */
    a->m = answer_of(in, MSG_store_recovered);
    a->m.store_recovered.notice = str_of(k->notice);
    return rc ? rc : turns_max_id(k->store, &a->m.store_recovered.last_turn);
}

static int call_method(struct keeper *k, const struct msg *in, struct answer *a)
{
    struct rpc_served served = { 0 };
    int rc = store_method(k->config, k->store, in, &served);
    buf_free(&a->text);
    a->m = served.m;
    a->payload = served.payload;
    a->text = served.words;
    return rc;
}

static int handle(struct keeper *k, const struct msg *in, struct answer *a)
{
    switch (in->kind) {
    case MSG_store_accept: return accept_turn(k, in, a);
    case MSG_store_begin: return begin_turn(k, in, a);
    case MSG_store_append: return append(k, in, a);
    case MSG_store_compact: return compact(k, in, a);
    case MSG_store_finish: return finish(k, in, a);
    case MSG_store_answer: return tell_answer(k, in, a);
    case MSG_store_cooldown: return keep_cooldown(k, &in->store_cooldown);
    case MSG_store_recover: return recover(k, in, a);
    case MSG_rpc_call: return call_method(k, in, a);
    case MSG_config_changed: rpc_take_config(&k->config); return 0;
    case MSG_device_save: return store_device_save(k->store, in, &a->m);
    case MSG_device_load: return store_device_load(k->store, k->mailbox, in, &a->m);
    case MSG_cards_load:
    case MSG_cards_review: return store_cards(k->store, in, &a->m, &a->payload);
    case MSG_cron_load:
    case MSG_cron_record:
    case MSG_route_ask: return store_cron(k->store, k->mailbox, &k->due, in, &a->m, &a->text);
    case MSG_channel_load:
    case MSG_channel_keep:
    case MSG_delivery_fetch:
    case MSG_delivery_done: return store_channel(k->store, k->mailbox, in, &a->m);
    case MSG_store_ping: a->m = answer_of(in, MSG_store_pong); return 0;
    default: return GW_EINVAL;
    }
}

/* Replace an answer by its failure. store.accepted carries its code itself. */
static void refuse(struct keeper *k, struct answer *a, int code)
{
    struct str text = str_utf8_prefix(str_of(store_error(k->store)), 1024);
    log_event(LOG_ERROR, "store_operation_failed", LOG_T("kind", msg_kind_name(a->about.kind)), LOG_T("code", err_name(code)),
              LOG_T("reason", store_error(k->store)));
    payload_free(&a->payload);
    if (a->about.kind == MSG_store_accept) {
        a->m = answer_of(&a->about, MSG_store_accepted);
        a->m.store_accepted.turn = a->about.store_accept.turn;
        a->m.store_accepted.code = code;
        return;
    }
    buf_clear(&a->text);
    buf_add(&a->text, text.n ? text : str_of(err_text(code)));
    if (a->about.kind == MSG_store_finish) {
        a->m = answer_of(&a->about, MSG_store_finished);
        a->m.store_finished = (struct msg_store_finished){ .turn = a->about.store_finish.turn, .code = code, .text = buf_str(&a->text) };
        return;
    }
    a->m = msg_error(&a->about, code);
    a->m.error.text = buf_str(&a->text);
}

/* Failures of the machine, not of the question: the whole group is lost with them. */
static bool spoils_group(int rc)
{
    return rc == GW_EIO || rc == GW_ENOMEM || rc == GW_ECORRUPT;
}

static int carry_out(struct keeper *k, struct answer *a)
{
    payload_free(&a->payload);
    a->m = (struct msg){ 0 };
    int rc = handle(k, &a->about, a);
    if (spoils_group(rc)) return rc;
    if (rc) refuse(k, a, rc);
    return 0;
}

/* After a failed group: each question alone, so that only those are refused that fail themselves. */
static void redo_alone(struct keeper *k)
{
    for (size_t i = 0; i < k->count; i++) {
        struct answer *a = &k->group[i];
        int rc = store_begin(k->store);
        if (rc == 0) {
            rc = carry_out(k, a);
            int end = rc ? store_rollback(k->store) : store_commit(k->store);
            if (rc == 0) rc = end;
        }
        if (rc) refuse(k, a, rc);
    }
}

static void send_answers(struct keeper *k)
{
    for (size_t i = 0; i < k->count; i++) {
        struct answer *a = &k->group[i];
        bool finished = a->m.kind == MSG_store_finished; /* the router waits for it, whoever asked */
        if (finished || (a->m.kind != MSG_none && a->about.corr))
            mailbox_send_payload(k->mailbox, finished ? "router" : a->about.from, &a->m, a->payload);
        payload_free(&a->payload);
        buf_free(&a->text);
        msg_clear(&a->about);
    }
    k->count = 0;
}

static void sweep(struct keeper *k)
{
    int64_t now = clock_wall_ms();
    store_spawns_tell(k->store, k->config, k->mailbox);
    store_spawns_sweep(k->store, k->mailbox, now);
    k->next_sweep_ms = now + STORE_SWEEP_MS;
}

static void prune(struct keeper *k, int64_t now)
{
    const struct turn_prune what = { .keys_before_ms = now - STORE_KEY_KEPT_MS, .rows_before_ms = 0, .limit = STORE_LIST_MAX };
    struct turn_pruned pruned;
    turns_prune(k->store, &what, &pruned);
    store_channels_prune(k->store, now - STORE_SENT_KEPT_MS);
    store_cron_prune(k->store, k->config, now);
    k->next_prune_ms = now + STORE_PRUNE_MS;
}

static void idle(struct keeper *k)
{
    int64_t now = clock_wall_ms();
    if (now >= k->next_sweep_ms) sweep(k);
    if (store_wal_pages(k->store) > 0) store_checkpoint(k->store, false);
    if (now >= k->next_prune_ms) prune(k, now);
}

/* Everything that waits becomes one transaction. `first` is received already. @return whether to stop */
static bool run_group(struct keeper *k, struct msg *first)
{
    struct msg in = *first;
    bool stop = false;
    int rc = store_begin(k->store), more = 0;
    while (more == 0) {
        stop = in.kind == MSG_actor_stop;
        if (stop) msg_clear(&in);
        if (stop) break;
        struct answer *a = &k->group[k->count++];
        *a = (struct answer){ .about = in };
        if (rc == 0) rc = carry_out(k, a);
        more = k->count < STORE_GROUP_MAX ? mailbox_recv(k->mailbox, 0, &in) : GW_ETIMEOUT;
    }
    if (rc) store_rollback(k->store);
    if (rc == 0) rc = store_commit(k->store);
    if (rc) redo_alone(k);
    send_answers(k);
    for (size_t i = 0; i < k->tell_count; i++) store_spawn_tell(k->store, k->config, k->mailbox, k->tell[i]);
    k->tell_count = 0;
    store_tell_due(k->mailbox, &k->due);
    int64_t now = clock_wall_ms();
    if (now >= k->next_sweep_ms) sweep(k);
    if (now >= k->next_prune_ms + STORE_PRUNE_MS) prune(k, now); /* it is never idle */
    return stop;
}

static int run(struct keeper *k)
{
    struct msg in;
    for (;;) {
        bool dirty = store_wal_pages(k->store) > 0;
        int rc = mailbox_recv(k->mailbox, dirty ? STORE_IDLE_MS : STORE_PRUNE_MS, &in);
        if (rc == GW_ETIMEOUT) idle(k);
        if (rc == GW_ETIMEOUT || rc == GW_EBADMSG) continue;
        if (rc) return rc == GW_ECLOSED ? 0 : rc;
        if (run_group(k, &in)) return 0;
    }
}

int store_actor(mailbox_t *mb, void *arg)
{
    struct store_actor_options *options = arg;
    struct keeper *k = calloc(1, sizeof *k);
    int rc = GW_ENOMEM;
    if (k) {
        k->mailbox = mb;
        k->store = options->store;
        k->config = options->config;
        k->notice = options->notice;
        k->next_prune_ms = clock_wall_ms();
        rc = store_channels_start(k->store);
        if (rc == 0) rc = run(k);
    }
    if (k) options->config = k->config;
    free(k);
    store_close(&options->store);
    config_unref(&options->config);
    free(options->notice);
    free(options);
    return rc;
}
