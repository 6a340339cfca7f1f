#include "actors/gateway_config_rpc.h"

#include <jansson.h>
#include <stdlib.h>

#include "actors/rpc_call.h"

/* Before the client hears that its change is written, the reload actor knows of it: no watch has to see it first. */
static void on_written(struct gateway_request *rq, const struct msg *in)
{
    const struct msg reload = { .kind = MSG_config_reload }; /* corr 0: nothing is answered */
    if (in->kind != MSG_rpc_result) {
        gateway_respond_error(rq, "UNAVAILABLE", in->kind == MSG_error ? in->error.text : STR("no answer"), (struct str){ 0 });
    } else if (in->rpc_result.code.n) {
        char code[65];
        str_copy(code, sizeof code, in->rpc_result.code); /* at most 64 by declaration: it fits */
        gateway_respond_error(rq, code, in->rpc_result.text, in->rpc_result.details);
    } else {
        mailbox_send(rq->gw->mailbox, "reload", &reload);
        gateway_respond(rq, in->rpc_result.payload);
    }
}

static void write_config(struct gateway_request *rq, const json_t *params)
{
    struct msg m = { .kind = MSG_rpc_call };
    char *text = json_dumps(params, JSON_COMPACT);
    if (!text) {
        gateway_refuse(rq, "UNAVAILABLE", "out of memory");
        return;
    }
    m.rpc_call.method = rq->method;
    m.rpc_call.flags = RPC_CALL_ADMIN; /* these methods need it */
    m.rpc_call.params = str_of(text);
    gateway_request_ask(rq, "query", &m, on_written); /* a failure is answered there */
    free(text);
}

const struct gateway_rpc_handler gateway_config_handlers[] = {
    { RPC_config_set, write_config },    { RPC_config_patch, write_config },
    { RPC_config_apply, write_config },  { RPC_agents_create, write_config },
    { RPC_agents_update, write_config }, { RPC_agents_delete, write_config },
    { RPC_skills_update, write_config }, { RPC_none, NULL },
};
