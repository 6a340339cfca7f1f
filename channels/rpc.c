#include "channels/rpc.h"

#define METHOD(id, name, scope, place, shown, doc) [RPC_##id] = { name, RPC_SCOPE_##scope, RPC_PLACE_##place, shown, doc },
#define OWN(text)
#define PARAM(name, need, type, doc)
#define END
static const struct rpc_method METHODS[RPC_COUNT] = {
#include "channels/rpc.def"
};
#undef METHOD
#undef OWN
#undef PARAM
#undef END

const struct rpc_method *rpc_method(enum rpc_id id)
{
    return &METHODS[id];
}

enum rpc_id rpc_find(struct str name)
{
    for (int id = 1; id < RPC_COUNT; id++)
        if (str_is(name, METHODS[id].name)) return (enum rpc_id)id;
    return RPC_none;
}
