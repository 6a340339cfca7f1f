/* Messages on a channel that are commands: the words and their meaning are channels/chat_commands.h's; here the store and the query
 * actor are asked for what an answer needs. What is not authorised is told so; /stop does not wait for anything. */
#include <stdlib.h>

#include "actors/channel_internal.h"
#include "actors/rpc_call.h"
#include "base/json_read.h"
#include "base/version.h"
#include "channels/approvals.h"
#include "channels/chat_commands.h"
#include "channels/rpc.h"

enum stage { ASKED_SESSION, ASKED_MORE, ASKED_CHANGE, ASKED_QUIET, ASKED_RESET, ASKED_DECISION, ASKED_CONFIG };

enum { QUIET_MS = 15000 };

struct channel_command {
    enum stage stage;
    char *key, *agent, *typed, *route, *once, *sender, *system, *skills; /* of the message; owned */
    uint64_t tag;
    struct chat_command command; /* borrows from typed */
    json_t *session, *known;
    struct buf refusal;
    bool patched;
};

void channel_command_free(struct channel_command *c)
{
    char *const texts[] = { c->key, c->agent, c->typed, c->route, c->once, c->sender, c->system, c->skills };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) free(texts[i]);
    json_decref(c->session);
    json_decref(c->known);
    buf_free(&c->refusal);
    free(c);
}

static void end(struct host *h, struct channel_command *c, struct str text)
{
    const struct channel_now now = channel_now();
    if (text.n) channel_say(h, str_of(c->route), text);
    if (h->channel->turn) h->channel->turn(h->state, c->tag, CHANNEL_TURN_ENDED, (struct str){ 0 }, &now);
    channel_command_free(c);
}

static void ask(struct host *h, struct channel_command *c, enum stage stage, const char *to, struct msg *m)
{
    c->stage = stage;
    m->corr = mailbox_corr(h->mailbox);
    if (mailbox_send(h->mailbox, to, m) != 0 || !channel_wait(h, m->corr, c->tag, c))
        end(h, c, STR("⚠️ The gateway is overloaded; try again later."));
}

/* `params` is taken over. */
static void call(struct host *h, struct channel_command *c, enum stage stage, const char *to, enum rpc_id method, json_t *params)
{
    char *text = params ? json_dumps(params, JSON_COMPACT) : NULL;
    struct msg m = { .kind = MSG_rpc_call };
    m.rpc_call.method = method;
    m.rpc_call.flags = RPC_CALL_ADMIN; /* who may give which command is asked before */
    m.rpc_call.params = text ? str_of(text) : STR("{}");
    ask(h, c, stage, to, &m);
    free(text);
    json_decref(params);
}

static struct chat_facts facts_of(const struct host *h, const struct channel_command *c)
{
    return (struct chat_facts){ .config = h->options->config,
                                .session_key = str_of(c->key),
                                .client_id = str_of(c->sender),
                                .version = version_shown(),
                                .release = GW_VERSION,
                                .entry = json_object_get(c->session, "entry"),
                                .resolved = json_object_get(c->session, "resolved"),
                                .models = json_object_get(c->known, "models"),
                                .files = json_object_get(c->known, "files"),
                                .subagents = json_object_get(c->known, "subagents"),
                                .skills = json_object_get(c->known, "skills"),
                                .settings = c->command.id == CHAT_COMMAND_config ? c->known : NULL,
                                .owner = chat_is_owner(h->options->config, str_of(h->channel->id), str_of(c->sender)),
                                .refusal = buf_str(&c->refusal),
                                .patched = c->patched };
}

static void abort_turns(struct host *h, struct str session_key, struct str reason)
{
    struct msg m = { .kind = MSG_turn_abort };
    m.turn_abort.session_key = session_key;
    m.turn_abort.reason = reason;
    mailbox_send(h->mailbox, "router", &m);
}

/* As the tool of that name does: its requester hears that it was killed. */
static void kill_child(void *ctx, struct str session_key)
{
    abort_turns(ctx, session_key, STR("killed"));
}

static void reply(struct host *h, struct channel_command *c)
{
    const struct chat_facts facts = facts_of(h, c);
    struct buf text = { 0 };
    chat_command_kills(&c->command, &facts, kill_child, h);
    chat_command_reply(&c->command, &facts, &text);
    if (chat_command_reloads(&c->command, &facts)) {
        const struct msg reload = { .kind = MSG_config_reload }; /* corr 0: nothing is answered */
        mailbox_send(h->mailbox, "reload", &reload);
    }
    end(h, c, buf_str(&text));
    buf_free(&text);
}

static bool starts_anew(const struct channel_command *c)
{
    return c->command.id == CHAT_COMMAND_new || c->command.id == CHAT_COMMAND_reset;
}

/* `/approve <id> <decision>`. @return false: it is not that, or not written so */
static bool decide(struct host *h, struct channel_command *c)
{
    struct str id, decision;
    struct buf by = { 0 };
    struct msg m = { .kind = MSG_approval_decide };
    if (c->command.id != CHAT_COMMAND_approve || !chat_command_approval(c->command.args, &id, &decision)) return false;
    if (id.n > APPROVALS_ID_MAX) id.n = APPROVALS_ID_MAX; /* then nobody knows it */
    buf_printf(&by, "%s:%s", h->channel->id, c->sender);
    m.approval_decide = (struct msg_approval_decide){ .id = id, .decision = decision, .by = str_utf8_prefix(buf_str(&by), 256) };
    ask(h, c, ASKED_DECISION, "gateway", &m);
    buf_free(&by);
    return true;
}

static void decided(struct host *h, struct channel_command *c, const struct msg *in)
{
    struct str id = { 0 }, decision = { 0 };
    struct buf text = { 0 };
    chat_command_approval(c->command.args, &id, &decision);
    if (in->kind == MSG_approval_decided && in->approval_decided.ok)
        buf_printf(&text, "✅ Exec approval %.*s submitted for %.*s.", STR_ARG(decision), STR_ARG(id));
    else
        buf_text(&text, "❌ Failed to submit approval: unknown approval id");
    end(h, c, buf_str(&text));
    buf_free(&text);
}

static void go_on(struct host *h, struct channel_command *c)
{
    if (decide(h, c)) return;
    const struct chat_facts facts = facts_of(h, c);
    struct msg quiet = { .kind = MSG_session_quiesce };
    if (starts_anew(c)) {
        quiet.session_quiesce.session_key = str_of(c->key);
        quiet.session_quiesce.timeout_ms = QUIET_MS;
        ask(h, c, ASKED_QUIET, "router", &quiet);
        return;
    }
    json_t *members = json_object();
    if (chat_command_config(&c->command, &facts, members)) {
        call(h, c, ASKED_CONFIG, "query", RPC_config_patch, members);
        return;
    }
    if (!chat_command_patch(&c->command, &facts, members)) {
        json_decref(members);
        reply(h, c);
        return;
    }
    json_object_set_new(members, "key", json_string(c->key));
    call(h, c, ASKED_CHANGE, "store", RPC_sessions_patch, members);
}

static void ask_more(struct host *h, struct channel_command *c)
{
    switch (chat_command_needs(h->options->config, c->command.id)) {
    case CHAT_NEEDS_MODELS: call(h, c, ASKED_MORE, "query", RPC_models_list, NULL); break;
    case CHAT_NEEDS_FILES: call(h, c, ASKED_MORE, "query", RPC_agents_files_list, json_pack("{s:s}", "agentId", c->agent)); break;
    case CHAT_NEEDS_SKILLS: call(h, c, ASKED_MORE, "query", RPC_skills_status, json_pack("{s:s}", "agentId", c->agent)); break;
    case CHAT_NEEDS_CONFIG: call(h, c, ASKED_MORE, "query", RPC_config_get, NULL); break;
    case CHAT_NEEDS_SUBAGENTS: call(h, c, ASKED_MORE, "query", RPC_subagents_list, json_pack("{s:s}", "sessionKey", c->key)); break;
    default: go_on(h, c); break;
    }
}

/* The session is new: what was written behind the command is its first message, or a greeting. */
static void begin(struct host *h, struct channel_command *c)
{
    struct msg forget = { .kind = MSG_session_forget };
    forget.session_forget.session_key = str_of(c->key);
    mailbox_send(h->mailbox, "router", &forget);
    struct str text = c->command.args.n ? c->command.args : chat_command_greeting();
    const struct channel_message m = { .tag = c->tag,
                                       .session_key = str_of(c->key),
                                       .agent = str_of(c->agent),
                                       .system = str_of(c->system),
                                       .skills = str_of(c->skills),
                                       .route = str_of(c->route),
                                       .key = str_of(c->once),
                                       .sender = str_of(c->sender) };
    channel_submit(h, &m, text, false);
    channel_command_free(c);
}

void channel_command_told(struct host *h, struct channel_command *c, struct msg *in)
{
    const struct msg_rpc_result *r = &in->rpc_result;
    bool answer = in->kind == MSG_rpc_result, refused = answer && r->code.n;
    json_t *said = answer && !refused ? json_loadb(r->payload.p ? r->payload.p : "", r->payload.n, 0, NULL) : NULL;
    if (c->stage == ASKED_DECISION) {
        decided(h, c, in);
    } else if (c->stage == ASKED_QUIET && in->kind == MSG_session_quiet && in->session_quiet.quiet) {
        call(h, c, ASKED_RESET, "store", RPC_sessions_reset,
             json_pack("{s:s, s:s}", "key", c->key, "reason", c->command.id == CHAT_COMMAND_new ? "new" : "reset"));
    } else if (c->stage == ASKED_CONFIG) {
        c->patched = said != NULL;
        if (!said) buf_add(&c->refusal, refused ? r->text : STR("no answer from a part of the gateway"));
        reply(h, c);
    } else if (c->stage == ASKED_CHANGE && refused && str_is(r->code, "INVALID_REQUEST")) {
        buf_add(&c->refusal, r->text);
        reply(h, c);
    } else if (!said) {
        struct buf text = { 0 };
        buf_printf(&text, "⚠️ %.*s", STR_ARG(refused ? r->text : STR("That could not be done now; try again later.")));
        end(h, c, buf_str(&text));
        buf_free(&text);
    } else if (c->stage == ASKED_SESSION || c->stage == ASKED_CHANGE) {
        bool changed = c->stage == ASKED_CHANGE;
        json_decref(c->session);
        c->session = json_incref(said);
        c->patched = changed;
        if (changed)
            reply(h, c);
        else
            ask_more(h, c);
    } else if (c->stage == ASKED_MORE) {
        c->known = json_incref(said);
        go_on(h, c);
    } else {
        begin(h, c);
    }
    json_decref(said);
}

static struct channel_command *make(const struct channel_message *m, const struct chat_command *command)
{
    struct channel_command *c = calloc(1, sizeof *c);
    if (!c) return NULL;
    c->tag = m->tag;
    c->key = str_dup(m->session_key);
    c->agent = str_dup(m->agent);
    c->typed = str_dup(m->command);
    c->route = str_dup(m->route);
    c->once = str_dup(m->key);
    c->sender = str_dup(m->sender);
    c->system = str_dup(m->system);
    c->skills = str_dup(m->skills);
    c->command = *command;
    if (!c->key || !c->agent || !c->typed || !c->route || !c->once || !c->sender) {
        channel_command_free(c);
        return NULL;
    }
    if (command->args.p) c->command.args.p = c->typed + (command->args.p - m->command.p);
    return c;
}

bool channel_command_take(struct host *h, const struct channel_message *m)
{
    struct chat_command command;
    if (!chat_command_read(h->options->config, m->command, &command)) return false;
    struct channel_command *c = make(m, &command);
    if (!c) return false;
    if (!m->may_command) {
        end(h, c, STR(CHAT_NOT_AUTHORIZED));
    } else if (command.id == CHAT_COMMAND_compact) { /* a turn: it asks a model */
        channel_submit(h, m, m->command, true);
        channel_command_free(c);
    } else if (command.id == CHAT_COMMAND_stop) {
        abort_turns(h, m->session_key, STR("user"));
        end(h, c, STR("⚙️ Agent was aborted."));
    } else {
        call(h, c, ASKED_SESSION, "store", RPC_sessions_patch, json_pack("{s:s}", "key", c->key));
    }
    return true;
}
