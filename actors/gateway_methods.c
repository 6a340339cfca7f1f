#include "actors/gateway_methods.h"

static const struct gateway_rpc_handler *const TABLES[] = {
    gateway_status_handlers,
    gateway_run_handlers,
    gateway_session_handlers,
};

gateway_rpc_fn *gateway_method_find(enum rpc_id method)
{
    for (size_t i = 0; i < sizeof TABLES / sizeof *TABLES; i++)
        for (const struct gateway_rpc_handler *h = TABLES[i]; h->method != RPC_none; h++)
            if (h->method == method) return h->run;
    return NULL;
}
