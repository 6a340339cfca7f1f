/* gateway_sessions.c -- sessions.reset, sessions.delete, sessions.compact, chat.inject: methods that change a transcript.
 *
 * First nothing may run in the session: the router ends its turns and says when it is quiet. Then the store changes it, and the
 * session's thread forgets what it has in memory. The bus keeps order: what the thread reads next, it reads after the change. */
#include "actors/gateway_sessions.h"

#include <stdlib.h>

#include "actors/gateway_methods.h"
#include "base/clock.h"
#include "base/json_read.h"

enum {
    QUIET_WAIT_MS = 15000, /* for the end of what runs (reference gateway-protocol 6.6) */
    QUIET_LATE_MS = 2000,  /* and that much more for the router to say so */
};

static void refuse(struct gateway_request *rq, const char *code, struct str text)
{
    gateway_respond_error(rq, code, text, (struct str){ 0 });
}

static struct session_key_rules rules_of(const struct gateway *gw)
{
    const config_t *config = gw->options->config;
    return (struct session_key_rules){ config_agent_default(config)->id, config_str(config, "session.mainKey") };
}

void gateway_session_forget(struct gateway *gw, struct str key)
{
    struct msg m = { .kind = MSG_session_forget };
    m.session_forget.session_key = key;
    mailbox_send(gw->mailbox, "router", &m);
}

static void still_active(struct gateway_request *rq)
{
    const struct gateway_pause *p = rq->state;
    struct buf text = { 0 };
    buf_printf(&text, "Session %s is still active; try again in a moment.", p->key);
    refuse(rq, "UNAVAILABLE", buf_str(&text));
    buf_free(&text);
}

static void on_quiet(struct gateway_request *rq, const struct msg *in)
{
    const struct gateway_pause *p = rq->state;
    if (in->kind == MSG_error) return refuse(rq, "UNAVAILABLE", in->error.text.n ? in->error.text : STR("the gateway is overloaded"));
    if (in->kind != MSG_session_quiet || !in->session_quiet.quiet) return still_active(rq);
    struct gateway *gw = rq->gw;
    json_t *params = json_loads(p->params, JSON_ALLOW_NUL, NULL);
    char key[SESSION_KEY_BYTES + 1];
    str_copy(key, sizeof key, str_of(p->key)); /* asking may free the request */
    gateway_request_until(rq, 0, NULL);
    if (p->then)
        gateway_request_call(rq, "store", p->method, params, p->then);
    else
        gateway_request_forward(rq, "store", p->method, params);
    gateway_session_forget(gw, str_of(key));
    json_decref(params);
}

void gateway_session_change(struct gateway_request *rq)
{
    const struct gateway_pause *p = rq->state;
    struct msg m = { .kind = MSG_session_quiesce };
    m.session_quiesce.session_key = str_of(p->key);
    m.session_quiesce.timeout_ms = QUIET_WAIT_MS;
    if (gateway_request_ask(rq, "router", &m, on_quiet) == 0)
        gateway_request_until(rq, clock_mono_ms() + QUIET_WAIT_MS + QUIET_LATE_MS, still_active);
}

/* The method itself: what the client sent goes to the store as it is. */
static void pause_and_forward(struct gateway_request *rq, struct str key, const json_t *params)
{
    char *text = json_dumps(params, JSON_COMPACT);
    size_t n = text ? strlen(text) + 1 : 0;
    struct gateway_pause *p = text ? calloc(1, sizeof *p + n) : NULL;
    if (p) {
        memcpy(p + 1, text, n);
        *p = (struct gateway_pause){ .method = rq->method, .params = (const char *)(p + 1) };
        str_copy(p->key, sizeof p->key, key); /* a canonical key fits */
    }
    free(text);
    if (!p) return refuse(rq, "UNAVAILABLE", STR("out of memory"));
    rq->state = p;
    gateway_session_change(rq);
}

/* The main session stays, and so does what runs in it. */
static bool is_home(struct gateway_request *rq, const struct session_key_rules *rules, struct str key)
{
    struct buf home = { 0 }, text = { 0 };
    session_key_main(rules, rules->default_agent, &home);
    bool yes = rq->method == RPC_sessions_delete && str_eq(key, buf_str(&home));
    buf_printf(&text, "Cannot delete the main session (%s).", buf_cstr(&home));
    if (yes) refuse(rq, "INVALID_REQUEST", buf_str(&text));
    buf_free(&home);
    buf_free(&text);
    return yes;
}

static void change_transcript(struct gateway_request *rq, const json_t *params)
{
    const struct session_key_rules rules = rules_of(rq->gw);
    struct buf key = { 0 }, text = { 0 };
    struct str sent = json_str(params, "key");
    int rc = session_key_canonical(&rules, sent, &key);
    if (rc) {
        buf_printf(&text, "invalid session key: %.*s", STR_ARG(str_utf8_prefix(sent, 256)));
        refuse(rq, "INVALID_REQUEST", buf_str(&text));
    } else if (!is_home(rq, &rules, buf_str(&key))) {
        pause_and_forward(rq, buf_str(&key), params);
    }
    buf_free(&key);
    buf_free(&text);
}

/* --- chat.inject -------------------------------------------------------------------------------------------------- */

struct injection { /* rq->state */
    size_t key_bytes;
    char key[]; /* as the client sent it, which is what it listens for */
};

void gateway_tell_injected(struct gateway *gw, struct str run_id, struct str sent_key, int64_t seq, const json_t *message)
{
    struct buf event = { 0 };
    char *json = message && gateway_has_clients(gw) ? json_dumps(message, JSON_COMPACT) : NULL;
    buf_char(&event, '{');
    buf_json_pair_str(&event, "runId", run_id);
    buf_json_pair_str(&event, "sessionKey", sent_key);
    buf_json_pair_int(&event, "seq", seq);
    buf_json_pair_str(&event, "state", STR("final"));
    if (json) buf_json_key(&event, "message");
    if (json) buf_text(&event, json);
    buf_char(&event, '}');
    if (event.err == 0) gateway_broadcast(gw, GATEWAY_ALL, "chat", buf_str(&event), false);
    buf_free(&event);
    free(json);
}

static void tell_injected(struct gateway_request *rq, struct str id, const json_t *message)
{
    const struct injection *i = rq->state;
    struct buf run_id = { 0 };
    buf_printf(&run_id, "inject-%.*s", STR_ARG(id));
    gateway_tell_injected(rq->gw, buf_str(&run_id), (struct str){ i->key, i->key_bytes }, 0, message);
    buf_free(&run_id);
}

static void on_injected(struct gateway_request *rq, const struct msg *in)
{
    const struct msg_rpc_result *r = &in->rpc_result;
    struct buf payload = { 0 };
    if (in->kind != MSG_rpc_result) return refuse(rq, "UNAVAILABLE", STR("the store did not answer"));
    if (r->code.n) return refuse(rq, str_is(r->code, "INVALID_REQUEST") ? "INVALID_REQUEST" : "UNAVAILABLE", r->text);
    json_t *said = json_loadb(r->payload.p, r->payload.n, 0, NULL);
    tell_injected(rq, json_str(said, "messageId"), json_object_get(said, "message"));
    buf_text(&payload, "{\"ok\":true");
    buf_json_pair_str(&payload, "messageId", json_str(said, "messageId"));
    buf_char(&payload, '}');
    gateway_respond(rq, buf_str(&payload));
    buf_free(&payload);
    json_decref(said);
}

static void chat_inject(struct gateway_request *rq, const json_t *params)
{
    const struct session_key_rules rules = rules_of(rq->gw);
    struct gateway *gw = rq->gw;
    struct str sent = json_str(params, "sessionKey");
    struct buf key = { 0 };
    struct injection *i = calloc(1, sizeof *i + sent.n);
    if (!i) return refuse(rq, "UNAVAILABLE", STR("out of memory"));
    if (sent.n) memcpy(i->key, sent.p, sent.n);
    i->key_bytes = sent.n;
    rq->state = i;
    if (session_key_canonical(&rules, sent, &key) != 0) {
        refuse(rq, "INVALID_REQUEST", STR("session not found"));
    } else if (gateway_request_call(rq, "store", RPC_chat_inject, params, on_injected) == 0) {
        gateway_session_forget(gw, buf_str(&key)); /* a running turn takes the message in when it has ended */
    }
    buf_free(&key);
}

const struct gateway_rpc_handler gateway_session_handlers[] = {
    { RPC_sessions_reset, change_transcript },
    { RPC_sessions_delete, change_transcript },
    { RPC_sessions_compact, change_transcript },
    { RPC_chat_inject, chat_inject },
    { RPC_none, NULL },
};
