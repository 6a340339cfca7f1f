#include "actors/rpc_serve.h"

#include "base/clock.h"
#include "base/config_shared.h"
#include "base/failure.h"
#include "base/log.h"

static bool machine_failed(int rc)
{
    return rc == GW_EIO || rc == GW_ENOMEM || rc == GW_ECORRUPT;
}

static void say_result(struct rpc_served *out, struct buf *json)
{
    size_t n = 0;
    char *bytes = buf_take(json, &n);
    out->payload = bytes ? payload_take(bytes, n) : NULL;
}

/* What the handler refused, or the code of what failed under it. */
static void say_failure(struct rpc_served *out, const struct rpc_call *call, int rc)
{
    struct str text = str_utf8_prefix(call->code ? buf_str(&call->message) : str_of(err_text(rc)), RPC_TEXT_MAX);
    struct str details = call->code && call->details.n <= RPC_DETAILS_MAX ? buf_str(&call->details) : (struct str){ NULL, 0 };
    buf_add(&out->words, text);
    buf_add(&out->words, details);
    bool whole = out->words.err == 0;
    out->m.rpc_result.code = str_of(call->code ? call->code : "UNAVAILABLE");
    if (whole && text.n) out->m.rpc_result.text = (struct str){ out->words.p, text.n };
    if (whole && details.n) out->m.rpc_result.details = (struct str){ out->words.p + text.n, details.n };
}

int rpc_serve(const struct rpc_handler *const *tables, const config_t *config, store_t *store, const json_t *channels, void *owner,
              const struct msg *in, struct rpc_served *out)
{
    struct buf json = { .max = RPC_RESULT_MAX };
    json_t *params = json_loadb(in->rpc_call.params.p, in->rpc_call.params.n, JSON_ALLOW_NUL, NULL);
    struct rpc_call call = { .method = (enum rpc_id)in->rpc_call.method,
                             .config = config,
                             .store = store,
                             .params = params,
                             .channels = channels,
                             .owner = owner,
                             .flags = (int)in->rpc_call.flags,
                             .now_ms = clock_wall_ms(),
                             .out = &json };
    int rc = GW_EINVAL;
    *out = (struct rpc_served){ .m = { .kind = MSG_rpc_result, .corr = in->corr, .trace = in->trace } };
    if (call.method <= RPC_none || call.method >= RPC_COUNT || !json_is_object(params)) {
        rpc_fail(&call, "INVALID_REQUEST", "params: not a JSON object, or no such method");
    } else {
        rc = rpc_call_run(tables, &call);
        if (rc == 0) rc = json.err;
        if (rc == 0) say_result(out, &json);
        if (rc == 0 && !out->payload) rc = GW_ENOMEM;
    }
    if (rc) say_failure(out, &call, rc);
    if (rc && !call.code)
        log_event(LOG_ERROR, "method_failed", LOG_T("method", rpc_method(call.method)->name), LOG_T("code", err_name(rc)),
                  LOG_T("reason", store ? store_error(store) : ""));
    out->written = call.written;
    json_decref(params);
    buf_free(&json);
    buf_free(&call.message);
    buf_free(&call.details);
    return !call.code && machine_failed(rc) ? rc : 0;
}

void rpc_served_free(struct rpc_served *served)
{
    payload_free(&served->payload);
    buf_free(&served->words);
    config_unref(&served->written);
}

/* Until something publishes a new configuration the one from the start stays in force. */
void rpc_take_config(config_t **held_p)
{
    config_t *fresh = config_shared_get(NULL), *before = *held_p;
    if (!fresh) return;
    *held_p = fresh;
    config_unref(&before);
}
