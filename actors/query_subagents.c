/* query_subagents.c -- subagents.list: who was spawned by a session, and what became of each. */
#include "actors/query_tables.h"
#include "actors/session_view.h"
#include "store/spawns.h"
#include "store/turns.h"

/* OpenClaw's words for how a run stands. */
static const char *status_of(const struct spawn_row *row)
{
    switch (row->turn_state) {
    case TURN_ACCEPTED: return "queued";
    case TURN_RUNNING: return "running";
    case TURN_DONE: return "done";
    case TURN_ABORTED: return "killed";
    default: return str_is(row->reason, "timeout") ? "timeout" : "failed";
    }
}

static int write_row(void *ctx, const struct spawn_row *row)
{
    const struct rpc_call *call = ctx;
    int64_t end_ms = row->ended_ms ? row->ended_ms : call->now_ms;
    buf_json_comma(call->out);
    buf_char(call->out, '{');
    buf_json_pair_str(call->out, "runId", row->run_id);
    buf_json_pair_str(call->out, "sessionKey", row->child);
    buf_json_pair_str(call->out, "label", row->label);
    buf_json_pair_str(call->out, "task", row->task);
    buf_json_pair_str(call->out, "status", str_of(status_of(row)));
    buf_json_pair_bool(call->out, "active", row->state == SPAWN_RUNNING);
    buf_json_pair_int(call->out, "depth", row->depth);
    buf_json_pair_str(call->out, "model", row->model);
    buf_json_pair_int(call->out, "startedAt", row->started_ms);
    buf_json_pair_int(call->out, "createdAt", row->created_ms);
    if (row->ended_ms) buf_json_pair_int(call->out, "endedAt", row->ended_ms);
    buf_json_pair_int(call->out, "runtimeMs", row->started_ms && end_ms > row->started_ms ? end_ms - row->started_ms : 0);
    buf_json_pair_int(call->out, "totalTokens", row->input_tokens + row->output_tokens);
    buf_char(call->out, '}');
    return call->out->err;
}

static int subagents_list(struct rpc_call *call)
{
    const struct session_key_rules rules = session_view_rules(call->config);
    struct buf key = { 0 };
    int rc = session_key_canonical(&rules, rpc_str(call, "sessionKey"), &key);
    if (rc) rc = rpc_fail(call, "INVALID_REQUEST", "invalid sessionKey");
    buf_text(call->out, "{\"subagents\":[");
    if (rc == 0) rc = spawns_of(call->store, buf_str(&key), (int)rpc_int(call, "limit", 100), write_row, call);
    buf_text(call->out, "]}");
    buf_free(&key);
    return rc;
}

const struct rpc_handler query_subagent_handlers[] = {
    { RPC_subagents_list, subagents_list },
    { RPC_none, NULL },
};
