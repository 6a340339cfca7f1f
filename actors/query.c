#include "actors/query.h"

#include <stdlib.h>

#include "actors/query_answers.h"
#include "actors/query_config.h"
#include "actors/query_tables.h"
#include "actors/rpc_serve.h"
#include "base/log.h"

/* Who answers what: each table ends with RPC_none (actors/query_tables.h, actors/query_answers.h). */
static const struct rpc_handler *const tables[] = {
    query_session_handlers,
    query_history_handlers,
    query_usage_handlers,
    query_cost_handlers,
    query_subagent_handlers,
    query_agents_handlers,
    query_agent_files_handlers,
    query_agent_edit_handlers,
    query_models_handlers,
    query_skills_handlers,
    query_channels_handlers,
    query_health_handlers,
    query_approvals_handlers,
    query_logs_handlers,
    query_cron_handlers,
    query_voice_handlers,
    query_config_handlers,
    query_metrics_handlers,
    NULL,
};

struct asked {
    mailbox_t *mailbox;
    config_t *config;
    char *state_dir;
    store_t *store;   /* NULL: closed */
    json_t *channels; /* by id: what channel.status told; owned */
};

static int open_store(struct asked *a)
{
    struct buf why = { 0 };
    if (a->store && store_reader_stale(a->store)) store_close(&a->store);
    if (a->store) return 0;
    int rc = store_open_reader(str_of(a->state_dir), QUERY_BUSY_WAIT_MS, &a->store, &why);
    if (rc) log_event(LOG_ERROR, "store_not_readable", LOG_T("code", err_name(rc)), LOG_S("reason", buf_str(&why)));
    buf_free(&why);
    return rc;
}

static struct msg refusal(const struct msg *in, const char *text)
{
    struct msg m = { .kind = MSG_rpc_result, .corr = in->corr, .trace = in->trace };
    m.rpc_result.code = STR("UNAVAILABLE");
    m.rpc_result.text = str_of(text);
    return m;
}

/* Who changes a setting and asks again is not told the old one; config.changed comes in a moment. */
static void take_written(struct asked *a, struct rpc_served *served)
{
    config_unref(&a->config);
    a->config = served->written;
    served->written = NULL;
}

static void answer(struct asked *a, const struct msg *in)
{
    struct rpc_served served = { 0 };
    int rc = open_store(a);
    if (rc == 0) rc = store_begin(a->store);
    if (rc) {
        served.m = refusal(in, "the store cannot be read; the gateway's log has the reason");
    } else {
        rc = rpc_serve(tables, a->config, a->store, a->channels, NULL, in, &served);
        store_rollback(a->store); /* nothing was written */
        if (served.written) take_written(a, &served);
    }
    if (rc) store_close(&a->store); /* the next call begins anew */
    rc = mailbox_send_payload(a->mailbox, in->from, &served.m, served.payload);
    if (rc) log_event(LOG_WARN, "answer_not_sent", LOG_T("to", in->from), LOG_T("code", err_name(rc)));
    rpc_served_free(&served);
}

/* How a chat network is, as it told last. */
static void note_channel(struct asked *a, const struct msg_channel_status *s)
{
    json_t *accounts = json_loadb(s->json.p, s->json.n, 0, NULL);
    if (!a->channels) a->channels = json_object();
    if (accounts) json_object_setn_new(a->channels, s->channel.p, s->channel.n, accounts);
}

static int run(struct asked *a)
{
    struct msg in;
    for (;;) {
        int rc = mailbox_recv(a->mailbox, a->store ? QUERY_IDLE_MS : -1, &in);
        if (rc == GW_ETIMEOUT) store_close(&a->store);
        if (rc == GW_ETIMEOUT || rc == GW_EBADMSG) continue;
        if (rc) return rc == GW_ECLOSED ? 0 : rc;
        bool stop = in.kind == MSG_actor_stop;
        struct msg no = msg_error(&in, GW_EINVAL);
        switch (in.kind) {
        case MSG_rpc_call: answer(a, &in); break;
        case MSG_channel_status: note_channel(a, &in.channel_status); break;
        case MSG_config_changed: rpc_take_config(&a->config); break;
        case MSG_actor_stop:
        case MSG_error: break; /* an answer that found nobody */
        default: mailbox_send(a->mailbox, in.from, &no);
        }
        msg_clear(&in);
        if (stop) return 0;
    }
}

int query_actor(mailbox_t *mb, void *arg)
{
    struct query_options *options = arg;
    struct asked a = { .mailbox = mb, .config = options->config, .state_dir = options->state_dir };
    int rc = run(&a);
    store_close(&a.store);
    json_decref(a.channels);
    config_unref(&a.config);
    free(a.state_dir);
    free(options);
    return rc;
}
