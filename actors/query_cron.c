/* cron.*: no job is kept or run by this gateway yet, and that is what is answered. Every id is unknown, so these errors are
 * OpenClaw's for an unknown one. */
#include "actors/query_answers.h"
#include "actors/query_util.h"

static int cron_list(struct rpc_call *call)
{
    buf_text(call->out, "{\"jobs\":[]}");
    return 0;
}

static int cron_status(struct rpc_call *call)
{
    buf_text(call->out, "{\"enabled\":false");
    buf_json_pair_str(call->out, "storePath", str_of(store_path(call->store)));
    buf_text(call->out, ",\"jobs\":0,\"nextWakeAtMs\":null}");
    return 0;
}

static int cron_runs(struct rpc_call *call)
{
    buf_text(call->out, "{\"entries\":[]}");
    return 0;
}

static int cron_add(struct rpc_call *call)
{
    return rpc_fail(call, "UNAVAILABLE", "This gateway keeps no cron jobs yet: \"%.*s\" was not added.", STR_ARG(rpc_str(call, "name")));
}

static struct str id_of(const struct rpc_call *call)
{
    struct str id = rpc_str(call, "id");
    return id.n ? id : rpc_str(call, "jobId");
}

static int unknown(struct rpc_call *call, const char *method)
{
    struct str id = id_of(call);
    if (!id.n) return rpc_fail(call, "INVALID_REQUEST", "invalid %s params: missing id", method);
    return rpc_fail(call, "UNAVAILABLE", "Error: unknown cron job id: %.*s", STR_ARG(id));
}

static int cron_update(struct rpc_call *call)
{
    return unknown(call, "cron.update");
}

static int cron_run(struct rpc_call *call)
{
    return unknown(call, "cron.run");
}

static int cron_remove(struct rpc_call *call)
{
    if (!id_of(call).n) return unknown(call, "cron.remove");
    buf_text(call->out, "{\"ok\":true,\"removed\":false}");
    return 0;
}

const struct rpc_handler query_cron_handlers[] = {
    { RPC_cron_list, cron_list },     { RPC_cron_status, cron_status }, { RPC_cron_add, cron_add },   { RPC_cron_update, cron_update },
    { RPC_cron_remove, cron_remove }, { RPC_cron_run, cron_run },       { RPC_cron_runs, cron_runs }, { RPC_none, NULL },
};
