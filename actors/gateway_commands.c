#include "actors/gateway_commands.h"

#include <stdlib.h>

#include "actors/gateway_misc.h"
#include "actors/gateway_runs_internal.h"
#include "actors/gateway_sessions.h"
#include "actors/rpc_call.h"
#include "base/json_read.h"
#include "base/version.h"
#include "channels/chat_events.h"

struct command {                 /* rq->state */
    struct gateway_pause pause;  /* of /new and /reset; its key is the session's */
    struct gateway_run *run;     /* owned until the turn has it; NULL then */
    json_t *params;              /* the request's; owned */
    char *text;                  /* the message; owned */
    struct chat_command command; /* borrows from it */
    json_t *session;             /* the last answer of sessions.patch; owned */
    json_t *known;               /* the answer of models.list or agents.files.list; owned */
    struct buf refusal;          /* the store's */
    char *reset;                 /* parameters of sessions.reset; owned */
    bool patched;
};

static void on_end(struct gateway_request *rq)
{
    struct command *c = rq->state;
    if (c->run) gateway_run_free(c->run);
    json_decref(c->params);
    json_decref(c->session);
    json_decref(c->known);
    free(c->text);
    free(c->reset);
    buf_free(&c->refusal);
}

static void refuse(struct gateway_request *rq, const char *code, struct str text)
{
    gateway_respond_error(rq, code, text, (struct str){ 0 });
}

/* The answer of the store or the query actor. @return NULL: it is an error, and the request is answered with it */
static json_t *payload_of(struct gateway_request *rq, const struct msg *in)
{
    const struct msg_rpc_result *r = &in->rpc_result;
    json_t *said = NULL;
    if (in->kind != MSG_rpc_result)
        refuse(rq, "UNAVAILABLE", in->kind == MSG_error ? in->error.text : STR("no answer from a part of the gateway"));
    else if (r->code.n)
        refuse(rq, str_is(r->code, "INVALID_REQUEST") ? "INVALID_REQUEST" : "UNAVAILABLE", r->text);
    else if (!(said = json_loadb(r->payload.p, r->payload.n, 0, NULL)))
        refuse(rq, "UNAVAILABLE", STR("out of memory"));
    return said;
}

static void answer_status(struct gateway_request *rq, struct str run_id, const char *status)
{
    struct buf payload = { 0 };
    chat_status_write(&payload, run_id, status, (struct str){ 0 });
    gateway_respond(rq, buf_str(&payload));
    buf_free(&payload);
}

/* --- what the answer is made of ----------------------------------------------------------------------------------- */

static size_t waiting(const struct gateway *gw, const char *session_key)
{
    const struct gateway_run *run, *safe;
    size_t n = 0;
    HASH_ITER(by_id, gw->runs->by_id, run, safe)
    {
        n += run->corr && !run->started && strcmp(run->session_key, session_key) == 0;
    }
    return n;
}

static struct chat_facts facts_of(const struct gateway_request *rq)
{
    const struct command *c = rq->state;
    return (struct chat_facts){ .config = rq->gw->options->config,
                                .session_key = str_of(c->pause.key),
                                .client_id = str_of(rq->client->who.client_id),
                                .version = version_shown(),
                                .release = GW_VERSION,
                                .waiting = waiting(rq->gw, c->pause.key),
                                .entry = json_object_get(c->session, "entry"),
                                .resolved = json_object_get(c->session, "resolved"),
                                .models = json_object_get(c->known, "models"),
                                .files = json_object_get(c->known, "files"),
                                .subagents = json_object_get(c->known, "subagents"),
                                .skills = json_object_get(c->known, "skills"),
                                .settings = c->command.id == CHAT_COMMAND_config ? c->known : NULL,
                                .owner = rq->client->who.admin,
                                .refusal = buf_str(&c->refusal),
                                .patched = c->patched };
}

/* `members` of sessions.patch for the session; taken. */
static void patch(struct gateway_request *rq, json_t *members, gateway_answer_fn *then)
{
    const struct command *c = rq->state;
    json_object_set_new(members, "key", json_string(c->pause.key));
    gateway_request_call(rq, "store", RPC_sessions_patch, members, then);
    json_decref(members);
}

/* --- the answer --------------------------------------------------------------------------------------------------- */

static void finish(struct gateway_request *rq, const json_t *message)
{
    struct command *c = rq->state;
    struct gateway_run *run = c->run;
    struct gateway *gw = rq->gw;
    c->run = NULL; /* the request ends first */
    answer_status(rq, str_of(run->run_id), "started");
    gateway_tell_injected(gw, str_of(run->run_id), str_of(run->sent_key), 1, message);
    gateway_run_keep(run, "ok", (struct str){ 0 });
    gateway_run_free(run);
}

static void on_written(struct gateway_request *rq, const struct msg *in)
{
    json_t *said = payload_of(rq, in);
    if (said) finish(rq, json_object_get(said, "message"));
    json_decref(said);
}

static void say(struct gateway_request *rq, struct str text)
{
    struct gateway *gw = rq->gw;
    const struct command *c = rq->state;
    if (text.n == 0) return finish(rq, NULL);
    char key[SESSION_KEY_BYTES + 1];
    memcpy(key, c->pause.key, sizeof key); /* asking may free the request */
    json_t *params = json_pack("{s:s, s:s%}", "sessionKey", key, "message", text.p, text.n);
    int rc = params ? gateway_request_call(rq, "store", RPC_chat_inject, params, on_written) : GW_ENOMEM;
    if (!params) refuse(rq, "UNAVAILABLE", STR("out of memory"));
    if (rc == 0) gateway_session_forget(gw, str_of(key));
    json_decref(params);
}

/* `/approve <id> <decision>`: as exec.approval.resolve. @return false: it is not written so */
static bool approve(struct gateway_request *rq, struct buf *out)
{
    const struct command *c = rq->state;
    const struct gateway_identity *who = &rq->client->who;
    struct str id, decision, by = str_of(who->display_name ? who->display_name : who->client_id);
    if (!chat_command_approval(c->command.args, &id, &decision)) return false;
    if (!who->approvals && !who->admin) {
        buf_text(out, "❌ Failed to submit approval: missing scope: operator.approvals");
    } else if (gateway_approval_decide(rq->gw, id, approval_decision_parse(decision), by) != 0) {
        buf_text(out, "❌ Failed to submit approval: unknown approval id");
    } else {
        gateway_approval_tell(rq->gw, id, by);
        buf_printf(out, "✅ Exec approval %.*s submitted for %.*s.", STR_ARG(decision), STR_ARG(id));
    }
    return true;
}

/* As the tool of that name does: its requester hears that it was killed. */
static void kill_child(void *ctx, struct str session_key)
{
    const struct gateway_request *rq = ctx;
    struct msg m = { .kind = MSG_turn_abort };
    m.turn_abort.session_key = session_key;
    m.turn_abort.reason = STR("killed");
    mailbox_send(rq->gw->mailbox, "router", &m);
}

static void reply(struct gateway_request *rq)
{
    const struct command *c = rq->state;
    const struct chat_facts facts = facts_of(rq);
    struct buf text = { 0 };
    chat_command_kills(&c->command, &facts, kill_child, rq);
    if (c->command.id != CHAT_COMMAND_approve || !approve(rq, &text)) chat_command_reply(&c->command, &facts, &text);
    if (chat_command_reloads(&c->command, &facts)) {
        const struct msg reload = { .kind = MSG_config_reload }; /* corr 0: nothing is answered */
        mailbox_send(rq->gw->mailbox, "reload", &reload);
    }
    if (text.err)
        refuse(rq, "UNAVAILABLE", STR("out of memory"));
    else
        say(rq, buf_str(&text));
    buf_free(&text);
}

/* --- what it changes ---------------------------------------------------------------------------------------------- */

/* @return whether it was done, or refused for what it asked; else the request is answered */
static bool take_patched(struct gateway_request *rq, const struct msg *in)
{
    struct command *c = rq->state;
    if (in->kind == MSG_rpc_result && str_is(in->rpc_result.code, "INVALID_REQUEST")) {
        buf_add(&c->refusal, in->rpc_result.text);
        return true;
    }
    json_t *said = payload_of(rq, in);
    if (!said) return false;
    json_decref(c->session);
    c->session = said;
    c->patched = true;
    return true;
}

static void on_patched(struct gateway_request *rq, const struct msg *in)
{
    if (take_patched(rq, in)) reply(rq);
}

static void on_configured(struct gateway_request *rq, const struct msg *in)
{
    struct command *c = rq->state;
    bool answered = in->kind == MSG_rpc_result;
    c->patched = answered && in->rpc_result.code.n == 0;
    if (!c->patched) buf_add(&c->refusal, answered ? in->rpc_result.text : STR("no answer from a part of the gateway"));
    reply(rq);
}

/* Parameters of config.patch; taken. */
static void change_config(struct gateway_request *rq, json_t *params)
{
    struct msg m = { .kind = MSG_rpc_call };
    char *text = json_dumps(params, JSON_COMPACT);
    json_decref(params);
    if (!text) return refuse(rq, "UNAVAILABLE", STR("out of memory"));
    m.rpc_call.method = RPC_config_patch;
    m.rpc_call.flags = RPC_CALL_ADMIN; /* only an administrator comes here */
    m.rpc_call.params = str_of(text);
    gateway_request_ask(rq, "query", &m, on_configured);
    free(text);
}

static void change_settings(struct gateway_request *rq)
{
    const struct command *c = rq->state;
    const struct chat_facts facts = facts_of(rq);
    json_t *members = json_object();
    if (chat_command_config(&c->command, &facts, members)) return change_config(rq, members);
    if (chat_command_patch(&c->command, &facts, members)) return patch(rq, members, on_patched);
    json_decref(members);
    reply(rq);
}

/* --- /new and /reset ---------------------------------------------------------------------------------------------- */

/* The run's turn: what was written, or a greeting. */
static void begin_turn(struct gateway_request *rq)
{
    struct command *c = rq->state;
    struct str text = c->command.args.n ? c->command.args : chat_command_greeting();
    json_t *params = c->params;
    rq->run = c->run;
    rq->run->repeated = false;
    c->run = NULL;
    c->params = NULL;
    gateway_run_begin(rq, params, text);
    json_decref(params);
}

static void on_reset(struct gateway_request *rq, const struct msg *in)
{
    json_t *said = payload_of(rq, in);
    if (said) begin_turn(rq);
    json_decref(said);
}

static void reset(struct gateway_request *rq)
{
    struct command *c = rq->state;
    json_t *params = json_pack("{s:s, s:s}", "key", c->pause.key, "reason", c->command.id == CHAT_COMMAND_new ? "new" : "reset");
    c->reset = params ? json_dumps(params, JSON_COMPACT) : NULL;
    json_decref(params);
    if (!c->reset) return refuse(rq, "UNAVAILABLE", STR("out of memory"));
    c->pause.method = RPC_sessions_reset;
    c->pause.params = c->reset;
    c->pause.then = on_reset;
    gateway_session_change(rq);
}

static void on_model_set(struct gateway_request *rq, const struct msg *in)
{
    struct command *c = rq->state;
    if (!take_patched(rq, in)) return;
    if (c->patched) chat_word(&c->command.args); /* else the word is part of the text */
    reset(rq);
}

/* `/new <model> text`. */
static void set_model(struct gateway_request *rq)
{
    const struct command *c = rq->state;
    const struct chat_facts facts = facts_of(rq);
    struct str rest = c->command.args;
    struct buf ref = { .max = 512 };
    json_t *members = json_object();
    bool usable = chat_command_model(&facts, chat_word(&rest), &ref) && ref.err == 0;
    if (usable && json_object_set_new(members, "model", json_stringn(ref.p, ref.n)) == 0) {
        patch(rq, members, on_model_set);
    } else {
        json_decref(members);
        reset(rq);
    }
    buf_free(&ref);
}

/* --- from the message on ------------------------------------------------------------------------------------------ */

static bool starts_anew(const struct command *c)
{
    return c->command.id == CHAT_COMMAND_new || c->command.id == CHAT_COMMAND_reset;
}

static void go_on(struct gateway_request *rq)
{
    const struct command *c = rq->state;
    if (!starts_anew(c))
        change_settings(rq);
    else if (c->known)
        set_model(rq);
    else
        reset(rq);
}

static void on_known(struct gateway_request *rq, const struct msg *in)
{
    struct command *c = rq->state;
    json_t *known = payload_of(rq, in);
    if (!known) return; /* and `c` is freed */
    c->known = known;
    go_on(rq);
}

/* Something of the session's agent. */
static void ask_of_agent(struct gateway_request *rq, enum rpc_id method)
{
    const struct command *c = rq->state;
    struct session_key parts = { 0 };
    session_key_parse(str_of(c->pause.key), &parts);
    json_t *params = json_pack("{s:s%}", "agentId", parts.agent.p ? parts.agent.p : "", parts.agent.n);
    gateway_request_call(rq, "query", method, params, on_known);
    json_decref(params);
}

static void ask_subagents(struct gateway_request *rq)
{
    const struct command *c = rq->state;
    json_t *params = json_pack("{s:s}", "sessionKey", c->pause.key);
    gateway_request_call(rq, "query", RPC_subagents_list, params, on_known);
    json_decref(params);
}

/* Nothing is said in a session that may not send; only `/send` can change that. */
static bool denied(const struct command *c)
{
    const char *policy = json_string_value(json_at(c->session, "entry", "sendPolicy"));
    return policy && strcmp(policy, "deny") == 0 && c->command.id != CHAT_COMMAND_send;
}

static void on_session(struct gateway_request *rq, const struct msg *in)
{
    struct command *c = rq->state;
    json_t *session = payload_of(rq, in);
    if (!session) return; /* and `c` is freed */
    c->session = session;
    if (denied(c)) return refuse(rq, "INVALID_REQUEST", STR("send blocked by session policy"));
    struct str rest = c->command.args;
    enum chat_command_need need = chat_command_needs(rq->gw->options->config, c->command.id);
    if (starts_anew(c) && chat_command_model_like(rq->gw->options->config, chat_word(&rest))) need = CHAT_NEEDS_MODELS;
    switch (need) {
    case CHAT_NEEDS_MODELS: gateway_request_call(rq, "query", RPC_models_list, NULL, on_known); break;
    case CHAT_NEEDS_FILES: ask_of_agent(rq, RPC_agents_files_list); break;
    case CHAT_NEEDS_SKILLS: ask_of_agent(rq, RPC_skills_status); break;
    case CHAT_NEEDS_CONFIG: gateway_request_call(rq, "query", RPC_config_get, NULL, on_known); break;
    case CHAT_NEEDS_SUBAGENTS: ask_subagents(rq); break;
    default: go_on(rq); break;
    }
}

/* The session is there after this, as after any message. */
static void ask_session(struct gateway_request *rq)
{
    patch(rq, json_object(), on_session);
}

void gateway_command_start(struct gateway_request *rq, const json_t *params, struct str text, const struct chat_command *command)
{
    struct gateway_run *run = rq->run;
    struct command *c = calloc(1, sizeof *c);
    rq->run = NULL;
    if (!c || !(c->text = str_dup(text))) {
        free(c);
        gateway_run_free(run);
        return refuse(rq, "UNAVAILABLE", STR("out of memory"));
    }
    c->command.id = command->id;
    c->command.args = (struct str){ c->text + (command->args.p ? command->args.p - text.p : 0), command->args.n };
    c->run = run;
    c->params = json_deep_copy(params);
    run->repeated = true; /* nothing of it can be stopped, until it is a turn */
    str_copy(c->pause.key, sizeof c->pause.key, str_of(run->session_key));
    rq->state = c;
    rq->on_end = on_end;
    if (!gateway_run_ended(rq->gw, str_of(run->run_id)))
        ask_session(rq);
    else if (starts_anew(c))
        begin_turn(rq); /* which is known, and not run again */
    else
        answer_status(rq, str_of(run->run_id), "ok");
}
