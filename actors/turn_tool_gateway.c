/* actors/turn_tool_gateway.c -- gateway: an agent reads and changes the configuration, as an operator's client does.
 * Source: reference agent-runtime 4. OpenClaw lets every main agent write; here the owner says so first (commands.config). */
#include <stdlib.h>

#include "actors/turn_rpc.h"
#include "actors/turn_tools.h"
#include "base/json_read.h"

static int told(struct tool_call *call, int rc, json_t *result, struct buf *why)
{
    if (rc == GW_EINVAL)
        rc = tool_fail(call, "%s", buf_cstr(why));
    else if (rc == 0)
        rc = tool_answer_json(call, json_pack("{s:b,s:O}", "ok", 1, "result", result));
    json_decref(result);
    buf_free(why);
    return rc;
}

static int ask(struct turn *t, struct tool_call *call, enum rpc_id method, json_t *params)
{
    struct buf why = { 0 };
    json_t *result;
    int rc = turn_rpc(t, "query", method, params, &result, &why);
    return told(call, rc, result, &why);
}

/* The hash of the file as it is, for a model that did not name one: what it read a moment ago may be cut off by now. */
static int find_hash(struct turn *t, struct tool_call *call, char hash[129])
{
    struct buf why = { 0 };
    json_t *said;
    int rc = turn_rpc(t, "query", RPC_config_get, json_object(), &said, &why);
    if (rc == 0) str_copy(hash, 129, json_str(said, "hash"));
    if (rc == GW_EINVAL) tool_fail(call, "%s", buf_cstr(&why));
    json_decref(said);
    buf_free(&why);
    return rc;
}

static int change(struct turn *t, struct tool_call *call, enum rpc_id method)
{
    char hash[129] = "";
    const struct msg reload = { .kind = MSG_config_reload };
    struct str raw = tool_text(call, "raw", NULL), base = tool_text(call, "baseHash", NULL);
    if (!config_bool(call->place->config, "commands.config"))
        return tool_fail(call, "Agents may not change the configuration. Set commands.config=true to let them.");
    if (raw.n == 0) return tool_fail(call, "raw is required: the JSON5 text that is to be written.");
    int rc = base.n ? str_copy(hash, sizeof hash, base) : find_hash(t, call, hash);
    if (rc) return rc == GW_EINVAL ? 0 : rc;
    json_t *params = json_pack("{s:s%}", "raw", raw.p, raw.n);
    if (params && hash[0]) json_object_set_new(params, "baseHash", json_string(hash));
    rc = ask(t, call, method, params);
    if (rc == 0 && !call->failed) mailbox_send(t->s->mailbox, "reload", &reload);
    return rc;
}

int turn_tool_gateway(struct turn *t, struct tool_call *call)
{
    struct str action = tool_text(call, "action", NULL);
    if (str_is(action, "config.get")) return ask(t, call, RPC_config_get, json_object());
    if (str_is(action, "config.schema")) return ask(t, call, RPC_config_schema, json_object());
    if (str_is(action, "config.patch")) return change(t, call, RPC_config_patch);
    if (str_is(action, "config.apply")) return change(t, call, RPC_config_apply);
    if (str_is(action, "restart"))
        return tool_fail(call, "There is nothing to restart: a change of the configuration is in force at once, but for the port and TLS.");
    return tool_fail(call, "This gateway does not update itself: a new version comes with its image or package.");
}
