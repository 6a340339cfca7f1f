/* cron.runs: what became of a job's times. The other methods of cron.* are the cron actor's (actors/cron_rpc.c). */
#include "actors/query_answers.h"
#include "actors/query_util.h"
#include "store/cron_rows.h"

enum { RUNS_DEFAULT = 200 };

static int write_run(void *ctx, const struct cron_run_row *row)
{
    struct buf *out = ctx;
    buf_json_comma(out);
    buf_add(out, row->json);
    return out->err;
}

static int cron_runs(struct rpc_call *call)
{
    struct str id = rpc_str(call, "id");
    if (!id.n) id = rpc_str(call, "jobId");
    buf_text(call->out, "{\"entries\":[");
    int rc = cron_runs_list(call->store, id, rpc_int(call, "limit", RUNS_DEFAULT), write_run, call->out);
    buf_text(call->out, "]}");
    return rc;
}

const struct rpc_handler query_cron_handlers[] = {
    { RPC_cron_runs, cron_runs },
    { RPC_none, NULL },
};
