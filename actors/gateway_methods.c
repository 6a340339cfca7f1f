#include "actors/gateway_methods.h"

#include "actors/gateway_config_rpc.h"
#include "actors/gateway_devices.h"
#include "actors/gateway_misc.h"

static const struct gateway_rpc_handler *const TABLES[] = {
    gateway_status_handlers, gateway_run_handlers,      gateway_session_handlers, gateway_config_handlers,  gateway_device_handlers,
    gateway_misc_handlers,   gateway_approval_handlers, gateway_absent_handlers,  gateway_channel_handlers,
};

gateway_rpc_fn *gateway_method_find(enum rpc_id method)
{
    for (size_t i = 0; i < sizeof TABLES / sizeof *TABLES; i++)
        for (const struct gateway_rpc_handler *h = TABLES[i]; h->method != RPC_none; h++)
            if (h->method == method) return h->run;
    return NULL;
}
