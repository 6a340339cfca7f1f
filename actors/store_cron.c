#include "actors/store_cron.h"

#include "base/clock.h"
#include "base/log.h"
#include "channels/session_key.h"
#include "msgs/chat_json.h"
#include "store/cron_rows.h"
#include "store/deliveries.h"
#include "store/messages.h"
#include "store/routes.h"
#include "store/session_life.h"

enum { PRUNE_SESSIONS = 500 /* a minute: more than one a second, so that no job fills the disk */ };
#define RUNS_KEPT_MS INT64_C(7776000000) /* 90 days: of jobs that are gone, too */

struct asked {
    mailbox_t *mailbox;
    const struct msg *question;
};

static int send_with(const struct asked *a, struct msg *m, struct str json)
{
    char *copy = str_dup(json);
    payload_t *payload = copy ? payload_take(copy, json.n) : NULL;
    if (!payload) return GW_ENOMEM;
    m->corr = a->question->corr;
    int rc = mailbox_send_payload(a->mailbox, a->question->from, m, payload);
    payload_free(&payload);
    return rc;
}

static int send_job(void *ctx, const struct cron_job_row *row)
{
    struct msg m = { .kind = MSG_cron_job };
    m.cron_job = (struct msg_cron_job){ .id = row->id, .configured = row->configured, .state = row->state };
    return send_with(ctx, &m, row->json);
}

static int send_run(void *ctx, const struct cron_run_row *row)
{
    struct msg m = { .kind = MSG_cron_run };
    m.cron_run = (struct msg_cron_run){ .job = row->job, .run = row->kind, .slot_ms = row->slot_ms };
    return send_with(ctx, &m, row->json);
}

static int load(store_t *store, mailbox_t *mailbox, const struct msg *in, struct msg *answer)
{
    struct asked a = { mailbox, in };
    int rc = cron_jobs_each(store, send_job, &a);
    if (rc == 0) rc = cron_runs_open(store, send_run, &a);
    answer->kind = MSG_cron_loaded;
    return rc;
}

static int append(store_t *store, struct str key, struct str text, int64_t now_ms)
{
    struct chat_part part = { .kind = CHAT_TEXT, .text = text };
    const struct chat_message said = { .role = CHAT_ASSISTANT, .parts = &part, .part_count = 1, .timestamp_ms = now_ms };
    struct message_new message = { .role = STR("assistant"), .now_ms = now_ms };
    struct buf json = { 0 };
    bool busy = true;
    int rc = sessions_find(store, key, &message.session);
    if (rc == 0) rc = session_busy(store, message.session, &busy);
    if (rc == 0 && busy) rc = GW_EBUSY;
    if (rc == 0) rc = chat_json_write(&json, &said);
    message.json = buf_str(&json);
    if (rc == 0) rc = messages_append(store, &message, NULL);
    buf_free(&json);
    return rc;
}

/* What is posted somewhere on an agent's behalf stands in the conversation there, too: so who answers it is understood. Not while a
 * turn of it runs: between a call and its result it would be in the way. */
static int mirror(store_t *store, mailbox_t *mailbox, const struct msg_cron_record *q, int64_t now_ms)
{
    struct buf key = { 0 };
    struct msg forget = { .kind = MSG_session_forget };
    int rc = routes_session(store, q->route, &key);
    if (rc == 0 && key.n) rc = append(store, buf_str(&key), q->text, now_ms);
    forget.session_forget.session_key = buf_str(&key);
    if (rc == 0 && key.n) mailbox_send(mailbox, "router", &forget);
    buf_free(&key);
    return rc == GW_EBUSY ? 0 : rc;
}

static int deliver(store_t *store, mailbox_t *mailbox, struct store_due *due, const struct msg_cron_record *q, int64_t now_ms)
{
    int rc = store_deliver(store, due, q->route, q->text, q->nonce, now_ms);
    return rc ? rc : mirror(store, mailbox, q, now_ms);
}

static int record(store_t *store, mailbox_t *mailbox, struct store_due *due, const struct msg_cron_record *q)
{
    int64_t now_ms = clock_wall_ms();
    const struct cron_run_row run = { q->job, (enum cron_run_kind)q->run, q->slot_ms, q->entry };
    const struct cron_job_row job = { q->job, q->configured != 0, q->definition, q->state };
    int rc = q->phase == 1 ? cron_run_begin(store, &run, now_ms) : 0; /* first: it may refuse */
    if (rc == 0 && q->phase == 2) rc = cron_run_end(store, &run, now_ms);
    if (rc == 0 && q->keep == 1) rc = cron_job_save(store, &job);
    if (rc == 0 && q->keep == 2) rc = cron_job_remove(store, q->job);
    if (rc == 0 && q->route.n && q->text.n) rc = deliver(store, mailbox, due, q, now_ms);
    return rc;
}

int store_cron(store_t *store, mailbox_t *mailbox, struct store_due *due, const struct msg *in, struct msg *answer, struct buf *text)
{
    int rc;
    *answer = (struct msg){ .corr = in->corr, .trace = in->trace };
    switch (in->kind) {
    case MSG_cron_load: return load(store, mailbox, in, answer);
    case MSG_route_ask:
        buf_free(text);
        rc = routes_get(store, in->route_ask.session_key, text);
        answer->kind = MSG_route_told;
        answer->route_told.route = buf_str(text);
        return rc;
    default:
        rc = record(store, mailbox, due, &in->cron_record);
        answer->kind = MSG_cron_recorded;
        answer->cron_recorded.code = rc;
        return rc == GW_EEXIST ? 0 : rc;
    }
}

/* --- what is old --------------------------------------------------------------------------------------------------------- */

struct old {
    int64_t before_ms;
    int64_t ids[PRUNE_SESSIONS];
    int count;
};

static int keep_id(void *ctx, int64_t session)
{
    struct old *o = ctx;
    o->ids[o->count++] = session;
    return 0;
}

void store_cron_prune(store_t *store, const config_t *config, int64_t now_ms)
{
    int64_t kept_ms = config ? config_duration(config, "cron.sessionRetention", 'h') : -1;
    struct old o = { .before_ms = now_ms - kept_ms };
    int rc = store_begin(store);
    if (rc == 0) rc = cron_runs_prune(store, now_ms - RUNS_KEPT_MS);
    if (rc == 0 && kept_ms >= 0) rc = session_old_runs(store, o.before_ms, PRUNE_SESSIONS, keep_id, &o);
    for (int i = 0; i < o.count && rc == 0; i++) rc = session_delete(store, o.ids[i]);
    if (rc == 0)
        rc = store_commit(store);
    else
        store_rollback(store);
    if (rc) log_event(LOG_ERROR, "cron_not_pruned", LOG_T("code", err_name(rc)), LOG_T("reason", store_error(store)));
    if (o.count) log_event(LOG_INFO, "cron_sessions_removed", LOG_I("count", o.count));
}

void store_cron_session_id(struct str session_key, size_t size, char *out)
{
    ptrdiff_t run = session_key_is_cron_run(session_key) ? str_find(session_key, STR(":run:")) : -1;
    struct str id = { session_key.p + run + 5, run < 0 ? 0 : session_key.n - (size_t)run - 5 };
    if (id.n && id.n < size) str_copy(out, size, id);
}
