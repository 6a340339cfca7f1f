#include "actors/cron.h"

#include <stdlib.h>

#include "actors/cron_actor.h"
#include "base/clock.h"
#include "base/json5_json.h"
#include "base/log.h"

enum { STOPPED_MS = 1000 /* before the first load: look for a stop */ };

struct cron_now cron_clock_now(void)
{
    return (struct cron_now){ clock_wall_ms(), clock_mono_ms() };
}

/* --- ports of the core ------------------------------------------------------------------------------------------------------- */

static int record(void *ctx, const struct cron_record *r)
{
    struct clockwork *w = ctx;
    struct msg q = { .kind = MSG_cron_record }, answer;
    struct buf state = { 0 };
    char *definition = r->keep == CRON_KEEP_JOB ? json_dumps(r->job->json, JSON_COMPACT) : NULL;
    cron_state_write(r->job, false, &state);
    q.cron_record = (struct msg_cron_record){ .job = str_of(r->job->id),
                                              .keep = r->keep,
                                              .configured = r->job->configured,
                                              .definition = definition ? str_of(definition) : STR(""),
                                              .state = buf_str(&state),
                                              .phase = r->phase,
                                              .run = r->kind,
                                              .slot_ms = r->slot_ms,
                                              .entry = r->entry,
                                              .route = r->route,
                                              .nonce = r->nonce };
    if (r->route.n) q.cron_record.text = str_utf8_prefix(r->text, STORE_PAYLOAD_MAX);
    int rc = state.err || (r->keep == CRON_KEEP_JOB && !definition) ? GW_ENOMEM : 0;
    if (rc == 0) rc = mailbox_ask(w->mailbox, "store", &q, CRON_STORE_MS, &answer);
    if (rc == GW_ECLOSED || rc == GW_EABORTED) w->closed = true;
    if (rc == GW_ETIMEOUT) w->lost = w->closed = true; /* written or not: what the store has is read again by the next actor */
    if (rc == 0) {
        rc = answer.kind == MSG_cron_recorded ? (int)answer.cron_recorded.code : GW_EBADMSG;
        msg_clear(&answer);
    }
    free(definition);
    buf_free(&state);
    return rc;
}

static void tell(void *ctx, struct str json)
{
    struct clockwork *w = ctx;
    struct msg m = { .kind = MSG_client_event };
    m.client_event = (struct msg_client_event){ .event = STR("cron"), .json = json };
    mailbox_send(w->mailbox, "gateway", &m);
}

static void uuid(void *ctx, char out[RANDOM_UUID_SIZE])
{
    (void)ctx;
    random_uuid(out);
}

/* --- configuration -------------------------------------------------------------------------------------------------------------- */

static struct cron_rules rules_of(const config_t *config)
{
    struct str missed = config_str(config, "cron.missed");
    return (struct cron_rules){ .enabled = config_bool(config, "cron.enabled"),
                                .missed = str_is(missed, "skip")  ? CRON_MISSED_SKIP
                                          : str_is(missed, "all") ? CRON_MISSED_ALL
                                                                  : CRON_MISSED_ONCE,
                                .missed_max = config_int(config, "cron.missedMax") };
}

static void configure(struct clockwork *w)
{
    const struct cron_rules rules = rules_of(w->config);
    const struct json5_node *node = config_get(w->config, STR("cron.jobs"));
    json_t *jobs = node ? json5_json(node) : json_array();
    const struct cron_now now = cron_clock_now();
    cron_set_rules(w->cron, &rules);
    if (json_is_array(jobs)) cron_configure(w->cron, jobs, &now);
    json_decref(jobs);
}

void cron_want_channel(const struct clockwork *w)
{
    struct msg m = { .kind = MSG_channel_want };
    m.channel_want.channel = STR("http");
    if (cron_posts(w->cron)) mailbox_send(w->mailbox, "router", &m);
}

/* --- the start --------------------------------------------------------------------------------------------------------------------- */

static void ask_for_all(struct clockwork *w)
{
    const struct msg m = { .kind = MSG_cron_load, .corr = mailbox_corr(w->mailbox) };
    mailbox_send(w->mailbox, "store", &m);
}

static void on_loaded(struct clockwork *w)
{
    const struct cron_now now = cron_clock_now();
    w->loaded = true;
    configure(w);
    cron_start(w->cron, &now);
    cron_want_channel(w);
}

static void load_job(struct clockwork *w, const struct msg_cron_job *j)
{
    const struct cron_job_row row = { j->id, j->configured != 0, j->json, j->state };
    cron_load_job(w->cron, &row, clock_wall_ms());
}

static void load_run(struct clockwork *w, const struct msg_cron_run *r)
{
    const struct cron_run_row row = { r->job, (enum cron_run_kind)r->run, r->slot_ms, r->json };
    cron_load_run(w->cron, &row);
}

/* --- the loop ----------------------------------------------------------------------------------------------------------------------- */

static void receive(struct clockwork *w, const struct msg *in)
{
    switch (in->kind) {
    case MSG_cron_job: load_job(w, &in->cron_job); break;
    case MSG_cron_run: load_run(w, &in->cron_run); break;
    case MSG_cron_loaded: on_loaded(w); break;
    case MSG_rpc_call: cron_rpc(w, in); break;
    case MSG_config_changed:
        rpc_take_config(&w->config);
        if (w->loaded) configure(w);
        cron_want_channel(w);
        break;
    default:
        if (!cron_turn_message(w, in) && in->kind == MSG_error && !w->loaded) ask_for_all(w); /* the store was not there */
    }
}

static int run(struct clockwork *w)
{
    struct msg in;
    ask_for_all(w);
    while (!w->closed) {
        const struct cron_now now = cron_clock_now();
        int64_t wait_ms = w->loaded ? cron_tick(w->cron, &now) : STOPPED_MS;
        if (w->closed) break;
        int rc = mailbox_recv(w->mailbox, wait_ms < 0 ? -1 : wait_ms > INT32_MAX ? INT32_MAX : (int)wait_ms, &in);
        if (rc == GW_ETIMEOUT || rc == GW_EBADMSG) continue;
        if (rc) return rc == GW_ECLOSED ? 0 : rc;
        bool stop = in.kind == MSG_actor_stop;
        if (!stop) receive(w, &in);
        msg_clear(&in);
        if (stop) return 0;
    }
    return w->lost ? GW_ETIMEOUT : 0;
}

int cron_actor(mailbox_t *mb, void *arg)
{
    struct cron_actor_options *options = arg;
    struct clockwork *w = calloc(1, sizeof *w);
    int rc = GW_ENOMEM;
    if (w) {
        const struct cron_ports ports = { w, record, cron_turn_begin, cron_turn_stop, tell, cron_turn_route, uuid };
        const struct cron_rules rules = rules_of(options->config);
        w->mailbox = mb;
        w->config = config_ref(options->config);
        w->state_dir = options->state_dir;
        rc = cron_create(&ports, &rules, &w->cron);
        if (rc == 0) rc = run(w);
        cron_turns_free(w);
        cron_destroy(&w->cron);
        config_unref(&w->config);
    }
    free(w);
    config_unref(&options->config);
    free(options->state_dir);
    free(options);
    return rc;
}
