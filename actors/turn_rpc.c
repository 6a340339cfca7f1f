#include "actors/turn_rpc.h"

#include <stdlib.h>

#include "actors/rpc_call.h"

static int take(const struct msg_rpc_result *r, json_t **result, struct buf *why)
{
    if (r->code.n) {
        buf_add(why, r->text);
        return GW_EINVAL;
    }
    *result = json_loadb(r->payload.p, r->payload.n, JSON_DECODE_ANY, NULL);
    return *result ? 0 : GW_ENOMEM;
}

int turn_rpc(struct turn *t, const char *to, enum rpc_id method, json_t *params, json_t **result, struct buf *why)
{
    struct msg q = { .kind = MSG_rpc_call }, answer;
    char *text = params ? json_dumps(params, JSON_COMPACT) : NULL;
    json_decref(params);
    *result = NULL;
    if (!text) return GW_ENOMEM;
    q.rpc_call = (struct msg_rpc_call){ .method = method, .flags = RPC_CALL_ADMIN, .params = str_of(text) };
    int rc = turn_ask(t, to, &q, TURN_RPC_MS, &answer);
    free(text);
    bool ends = rc == GW_EABORTED || rc == GW_ECLOSED || rc == GW_ENOMEM || t->error.n;
    if (rc && !ends) {
        buf_printf(why, "the gateway could not look it up (%s)", err_name(rc));
        return GW_EINVAL;
    }
    if (rc) return rc;
    rc = answer.kind == MSG_rpc_result ? take(&answer.rpc_result, result, why) : GW_EBADMSG;
    msg_clear(&answer);
    return rc;
}
