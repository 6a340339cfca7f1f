/* actors/gateway_run_result.c -- how a run of `agent` ended: its second answer (reference gateway-protocol 6.5). */
#include <stdlib.h>

#include "actors/gateway_runs_internal.h"
#include "base/chat.h"
#include "base/clock.h"
#include "channels/chat_events.h"

/* The answer but for the session's id, which only the store knows: rq->state. */
struct result {
    size_t gap; /* where the id goes */
    size_t n;   /* bytes of the answer */
    char key[]; /* stands for an id that nobody tells; NUL; the answer */
};

/* @return where in `out` the session's id is missing */
static size_t write_result(const struct gateway_run *run, const struct msg_turn_done *d, struct buf *out)
{
    struct str model = d->model, provider = str_split(&model, '/');
    bool silent = chat_text_silent(d->text) || str_trim(d->text).n == 0;
    chat_status_write(out, str_of(run->run_id), "ok", STR("completed"));
    out->n--; /* the closing brace: `result` follows */
    buf_text(out, ",\"result\":{\"payloads\":[");
    if (!silent) {
        buf_text(out, "{\"text\":");
        buf_json_str(out, str_trim(d->text));
        buf_text(out, ",\"mediaUrl\":null}");
    }
    buf_printf(out, "],\"meta\":{\"durationMs\":%lld,\"agentMeta\":{\"sessionId\":", (long long)(clock_wall_ms() - run->submitted_ms));
    size_t gap = out->n;
    buf_json_pair_str(out, "provider", provider);
    buf_json_pair_str(out, "model", model);
    buf_printf(out, ",\"usage\":{\"input\":%lld,\"output\":%lld,\"total\":%lld}},\"aborted\":%s}}}", (long long)d->input_tokens,
               (long long)d->output_tokens, (long long)d->input_tokens + (long long)d->output_tokens,
               d->outcome == OUTCOME_ABORTED ? "true" : "false");
    return gap;
}

static void answer(struct gateway_request *rq, struct str id)
{
    const struct result *r = rq->state;
    const char *json = r->key + strlen(r->key) + 1;
    struct buf payload = { 0 };
    buf_add(&payload, (struct str){ json, r->gap });
    buf_json_str(&payload, id.n ? id : str_of(r->key));
    buf_add(&payload, (struct str){ json + r->gap, r->n - r->gap });
    gateway_respond(rq, buf_str(&payload));
    buf_free(&payload);
}

static void on_session(struct gateway_request *rq, const struct msg *in)
{
    bool told = in->kind == MSG_rpc_result && in->rpc_result.code.n == 0;
    json_t *said = told ? json_loadb(in->rpc_result.payload.p, in->rpc_result.payload.n, 0, NULL) : NULL;
    const json_t *id = json_object_get(said, "sessionId");
    answer(rq, json_is_string(id) ? str_of(json_string_value(id)) : (struct str){ 0 });
    json_decref(said);
}

static void ask(struct gateway_request *rq)
{
    const struct result *r = rq->state;
    json_t *params = json_pack("{s:s, s:i}", "sessionKey", r->key, "limit", 1);
    char *text = params ? json_dumps(params, JSON_COMPACT) : NULL;
    struct msg m = { .kind = MSG_rpc_call };
    m.rpc_call.method = RPC_chat_history;
    m.rpc_call.params = str_of(text ? text : "");
    if (!text || gateway_request_try(rq, "query", &m, on_session) != 0) answer(rq, (struct str){ 0 });
    free(text);
    json_decref(params);
}

void gateway_run_answer_result(struct gateway_request *rq, const struct gateway_run *run, const struct msg_turn_done *d)
{
    struct buf json = { 0 };
    size_t gap = write_result(run, d, &json), key = strlen(run->session_key) + 1;
    struct result *r = json.err ? NULL : calloc(1, sizeof *r + key + json.n);
    if (r) {
        r->gap = gap;
        r->n = json.n;
        memcpy(r->key, run->session_key, key);
        memcpy(r->key + key, json.p, json.n);
        if (rq->on_end) rq->on_end(rq); /* a command's state is let go of: the answer takes its place */
        rq->on_end = NULL;
        free(rq->state);
        rq->state = r;
        ask(rq);
    } else {
        gateway_respond_error(rq, "UNAVAILABLE", STR("out of memory"), (struct str){ 0 });
    }
    buf_free(&json);
}
