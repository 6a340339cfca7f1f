#include "actors/store_methods.h"

#include "actors/query_tables.h"

/* Who answers what: each table ends with RPC_none (actors/query_tables.h). */
static const struct rpc_handler *const tables[] = {
    store_session_handlers,
    store_patch_handlers,
    NULL,
};

int store_method(const config_t *config, store_t *store, const struct msg *in, struct rpc_served *out)
{
    int rc = store_try_begin(store);
    if (rc) return rc;
    rc = rpc_serve(tables, config, store, NULL, NULL, in, out);
    int end = store_try_end(store, rc ? rc : out->m.rpc_result.code.n ? GW_EINVAL : 0);
    if (rc) return rc;
    return end == GW_EINVAL ? 0 : end; /* a refusal is an answer */
}
