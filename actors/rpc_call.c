#include "actors/rpc_call.h"

#include "base/json_read.h"

int rpc_fail(struct rpc_call *call, const char *code, const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    call->code = code;
    buf_clear(&call->message);
    buf_add(&call->message, str_utf8_prefix(str_of(text), sizeof text));
    return GW_EINVAL;
}

int rpc_call_run(const struct rpc_handler *const *tables, struct rpc_call *call)
{
    for (; *tables; tables++)
        for (const struct rpc_handler *h = *tables; h->method != RPC_none; h++)
            if (h->method == call->method) return h->run(call);
    return rpc_fail(call, "UNAVAILABLE", "%s is not served here", rpc_method(call->method)->name);
}

static const json_t *param(const struct rpc_call *call, const char *name)
{
    return json_object_get(call->params, name);
}

struct str rpc_str(const struct rpc_call *call, const char *name)
{
    return json_text(param(call, name));
}

int64_t rpc_int(const struct rpc_call *call, const char *name, int64_t otherwise)
{
    const json_t *v = param(call, name);
    return json_is_integer(v) ? json_integer_value(v) : otherwise;
}

bool rpc_bool(const struct rpc_call *call, const char *name, bool otherwise)
{
    const json_t *v = param(call, name);
    return json_is_boolean(v) ? json_is_true(v) : otherwise;
}
