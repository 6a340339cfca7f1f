/* actors/gateway_run_requests.c -- chat.send and agent: from a request to a turn, and its answers. */
#include <stdlib.h>
#include <utlist.h>

#include "actors/gateway_commands.h"
#include "actors/gateway_methods.h"
#include "actors/gateway_misc.h"
#include "actors/gateway_runs_internal.h"
#include "base/chat.h"
#include "base/clock.h"
#include "base/json_read.h"
#include "base/random.h"
#include "channels/chat_attachments.h"
#include "channels/chat_events.h"
#include "channels/session_key.h"
#include "msgs/chat_pack.h"

static void answer_status(struct gateway_request *rq, const char *run_id, const char *status)
{
    struct buf payload = { 0 };
    chat_status_write(&payload, str_of(run_id), status, (struct str){ 0 });
    gateway_respond(rq, buf_str(&payload));
    buf_free(&payload);
}

/* --- answers ---------------------------------------------------------------------------------------------------- */

static void let_go(struct gateway_run *run)
{
    if (run->rq) run->rq->run = NULL;
    run->rq = NULL;
    run->wait = RUN_NOTHING;
}

static void on_gone(struct gateway_request *rq)
{
    if (rq->run) let_go(rq->run);
}

static void answer_accepted(struct gateway_run *run)
{
    struct gateway_request *rq = run->rq;
    struct buf payload = { 0 };
    if (run->kind == RUN_CHAT) {
        let_go(run);
        answer_status(rq, run->run_id, "started");
        return;
    }
    buf_char(&payload, '{');
    buf_json_pair_str(&payload, "runId", str_of(run->run_id));
    buf_json_pair_str(&payload, "status", STR("accepted"));
    buf_json_pair_int(&payload, "acceptedAt", clock_wall_ms());
    buf_char(&payload, '}');
    run->wait = RUN_END;
    gateway_respond_first(rq, buf_str(&payload));
    buf_free(&payload);
}

void gateway_run_accepted(struct gateway_run *run, int64_t state)
{
    run->accepted = true;
    if (!run->rq || run->wait != RUN_ACCEPTANCE) return;
    if (state == 0) {
        answer_accepted(run);
    } else if (state == 2) {
        run->wait = RUN_END; /* how it ended comes at once */
        run->repeated = true;
    } else if (run->kind == RUN_CHAT) {
        struct gateway_request *rq = run->rq;
        let_go(run);
        answer_status(rq, run->run_id, "in_flight");
    } else {
        answer_accepted(run);
    }
}

void gateway_run_refused(struct gateway_run *run, struct str reason, struct str text)
{
    struct gateway_request *rq = run->rq;
    bool wrong = str_is(reason, "unknown_agent") || str_is(reason, "too_long") || str_is(reason, "send_denied");
    if (!rq || run->wait != RUN_ACCEPTANCE) gateway_run_tell_error(run, text);
    gateway_run_keep(run, "error", text);
    if (rq) let_go(run);
    if (rq) gateway_respond_error(rq, wrong ? "INVALID_REQUEST" : "UNAVAILABLE", text, (struct str){ 0 });
    gateway_run_free(run);
}

static void answer_failed(struct gateway_request *rq, const char *run_id, struct str why)
{
    struct buf payload = { 0 }, text = { 0 };
    buf_printf(&text, "Error: %.*s", STR_ARG(why));
    chat_status_write(&payload, str_of(run_id), "error", buf_str(&text));
    gateway_respond_failed(rq, buf_str(&payload), "UNAVAILABLE", buf_str(&text));
    buf_free(&payload);
    buf_free(&text);
}

void gateway_run_answer_end(struct gateway_run *run, const struct msg_turn_done *d)
{
    struct gateway_request *rq = run->rq;
    if (!rq) return;
    let_go(run);
    if (d->outcome == OUTCOME_FAILED || d->outcome == OUTCOME_DROPPED) {
        answer_failed(rq, run->run_id, d->error.n ? d->error : STR("the turn failed"));
    } else if (run->kind == RUN_CHAT) {
        answer_status(rq, run->run_id, "ok");
    } else {
        gateway_run_answer_result(rq, run, d);
    }
}

/* --- a request becomes a turn ----------------------------------------------------------------------------------- */

struct order { /* what both methods want of a turn */
    enum run_kind kind;
    struct str run_id, session_key, sent_key, text, thinking, model, system, channel;
    struct chat_part images[CHAT_ATTACHMENTS_MAX];
    size_t image_count;
    int64_t lane, timeout_ms; /* timeout: -1 the agent's own */
    bool compact;             /* it is that command: a turn, for it asks a model */
    const json_t *provenance; /* of the message, or NULL */
};

static int pack(const struct order *o, struct buf *out)
{
    char *provenance = o->provenance ? json_dumps(o->provenance, JSON_COMPACT) : NULL;
    struct chat_part parts[CHAT_ATTACHMENTS_MAX + 1];
    struct chat_message message = { .role = CHAT_USER, .parts = parts, .timestamp_ms = clock_wall_ms() };
    if (o->text.n) parts[message.part_count++] = (struct chat_part){ .kind = CHAT_TEXT, .text = o->text };
    for (size_t i = 0; i < o->image_count; i++) parts[message.part_count++] = o->images[i];
    if (provenance) message.provenance = str_of(provenance);
    int rc = chat_pack_message(out, &message);
    free(provenance);
    return rc;
}

static void on_limit(lws_sorted_usec_list_t *sul)
{
    gateway_run_abort(lws_container_of(sul, struct gateway_run, limit), "timeout");
}

static int submit(struct gateway_run *run, const struct order *o, struct str agent)
{
    struct gateway *gw = run->gw;
    struct buf packed = { 0 }, key = { 0 };
    struct msg m = { .kind = MSG_turn_submit, .corr = mailbox_corr(gw->mailbox), .trace = random_u64() };
    int rc = pack(o, &packed);
    buf_text(&key, o->kind == RUN_CHAT ? "chat:" : "agent:");
    buf_add(&key, o->run_id);
    m.turn_submit = (struct msg_turn_submit){ .run_id = o->run_id,
                                              .session_key = o->session_key,
                                              .agent = agent,
                                              .lane = o->lane,
                                              .idempotency_key = buf_str(&key),
                                              .bounded = o->kind == RUN_CHAT,
                                              .channel = o->channel,
                                              .thinking = o->thinking,
                                              .model = o->model,
                                              .compact = o->compact,
                                              .system = o->system,
                                              .stream = 1,
                                              .ack = 1,
                                              .policy = 1,
                                              .message = buf_str(&packed) };
    if (run->rq) gateway_run_spoke(run->rq->client, o->session_key);
    run->corr = m.corr;
    HASH_ADD(hh, gw->runs->by_corr, corr, sizeof run->corr, run);
    if (rc == 0) rc = mailbox_send(gw->mailbox, "router", &m);
    buf_free(&packed);
    buf_free(&key);
    return rc;
}

static void rules_of(const struct gateway *gw, struct session_key_rules *rules)
{
    const config_t *cfg = gw->options->config;
    *rules = (struct session_key_rules){ config_agent_default(cfg)->id, config_str(cfg, "session.mainKey") };
}

/* System events that waited for the main session go before the next message there (agent-runtime 2). */
static void add_events(struct gateway *gw, struct order *o, struct buf *text)
{
    struct session_key_rules rules;
    struct buf main = { 0 };
    rules_of(gw, &rules);
    session_key_main(&rules, rules.default_agent, &main);
    if (str_eq(o->session_key, buf_str(&main)) && gateway_misc_take_events(gw, text) > 0) {
        buf_char(text, '\n');
        buf_add(text, o->text);
        o->text = buf_str(text);
    }
    buf_free(&main);
}

/* @return NULL: the request is refused and freed */
static struct gateway_run *new_run(struct gateway_request *rq, const struct order *o)
{
    struct gateway *gw = rq->gw;
    struct gateway_run *run = NULL;
    if (HASH_CNT(by_id, gw->runs->by_id) >= gw->bounds.runs)
        gateway_refuse(rq, "UNAVAILABLE", "too many runs are in progress; try again when some have ended");
    else if (!(run = gateway_run_create(gw, o->kind, o->run_id, o->session_key, o->sent_key)))
        gateway_refuse(rq, "UNAVAILABLE", "out of memory");
    return run;
}

static void begin(struct gateway_request *rq, struct order *o)
{
    struct gateway *gw = rq->gw;
    struct session_key parts = { 0 };
    struct gateway_run *run = rq->run ? rq->run : new_run(rq, o); /* that of a command is there already */
    if (!run) return;
    session_key_parse(o->session_key, &parts);
    run->rq = rq;
    run->wait = RUN_ACCEPTANCE;
    rq->run = run;
    rq->on_gone = on_gone;
    struct buf text = { 0 };
    if (!o->compact) add_events(gw, o, &text); /* they wait for what is answered */
    int rc = submit(run, o, parts.agent);
    buf_free(&text);
    if (rc) {
        let_go(run);
        gateway_run_free(run);
        return gateway_refuse(rq, rc == GW_EBADMSG ? "INVALID_REQUEST" : "UNAVAILABLE",
                              rc == GW_EBADMSG ? "the message or one of its names is too long"
                                               : "the gateway is overloaded; try again later");
    }
    if (o->timeout_ms > 0) lws_sul_schedule(gw->lws, 0, &run->limit, on_limit, o->timeout_ms * LWS_US_PER_MS);
}

/* What is no command is a turn. `agent` knows only those that begin a session anew. */
static void take(struct gateway_request *rq, const json_t *params, struct order *o)
{
    struct chat_command command;
    bool known = chat_command_read(rq->gw->options->config, o->text, &command);
    if (o->kind == RUN_AGENT) known = command.id == CHAT_COMMAND_new || command.id == CHAT_COMMAND_reset;
    o->compact = known && command.id == CHAT_COMMAND_compact;
    if (!known || o->compact) return begin(rq, o);
    rq->run = new_run(rq, o);
    if (rq->run) gateway_command_start(rq, params, o->text, &command);
}

/* --- chat.send -------------------------------------------------------------------------------------- */

/* The session that a client means. @return false: it is refused */
bool gateway_run_session(struct gateway_request *rq, struct str sent, struct buf *canonical)
{
    struct session_key_rules rules;
    rules_of(rq->gw, &rules);
    int rc = session_key_canonical(&rules, sent, canonical);
    if (rc == 0) return true;
    gateway_refuse(rq, "INVALID_REQUEST", rc == GW_ELIMIT ? "the session key is too long" : "malformed session key");
    return false;
}

/* A repeat of a key whose run is still here is answered without asking anyone. */
static bool is_repeat(struct gateway_request *rq, const struct order *o)
{
    struct gateway_run *run = gateway_run_find(rq->gw, o->run_id);
    if (!run) return false;
    answer_status(rq, run->run_id, "in_flight");
    return true;
}

static bool known_agent(struct gateway_request *rq, struct str session_key, const char *prefix)
{
    struct session_key parts = { 0 };
    struct buf text = { .max = 512 };
    if (session_key_parse(session_key, &parts) == 0 && config_agent_find(rq->gw->options->config, parts.agent)) return true;
    buf_printf(&text, "%sunknown agent id \"%.*s\"", prefix, STR_ARG(str_utf8_prefix(parts.agent, 200)));
    gateway_respond_error(rq, "INVALID_REQUEST", buf_str(&text), (struct str){ 0 });
    buf_free(&text);
    return false;
}

/* The message and its images; refused when they are none. @param clean  takes the text */
static bool read_message(struct gateway_request *rq, const json_t *params, struct order *o, struct buf *clean)
{
    struct buf why = { .max = 512 };
    bool ok = false;
    if (chat_text_clean(json_str(params, "message"), clean) == GW_EINVAL)
        gateway_refuse(rq, "INVALID_REQUEST", "message must not contain null bytes");
    else if (chat_attachments_read(json_object_get(params, "attachments"), o->images, &o->image_count, &why) != 0)
        gateway_respond_error(rq, "INVALID_REQUEST", buf_str(&why), (struct str){ 0 });
    else
        ok = true;
    buf_free(&why);
    o->text = buf_str(clean);
    return ok;
}

static void send_message(struct gateway_request *rq, const json_t *params, struct order *o)
{
    if (str_trim(o->text).n == 0 && o->image_count == 0)
        gateway_refuse(rq, "INVALID_REQUEST", "message or attachment required");
    else if (chat_text_stops(o->text))
        gateway_abort_session(rq, o->session_key, "stop");
    else if (!is_repeat(rq, o) && known_agent(rq, o->session_key, ""))
        take(rq, params, o);
}

static struct order chat_order(const json_t *params)
{
    const json_t *timeout = json_object_get(params, "timeoutMs");
    return (struct order){ .kind = RUN_CHAT,
                           .run_id = json_str(params, "idempotencyKey"),
                           .sent_key = json_str(params, "sessionKey"),
                           .thinking = json_str(params, "thinking"),
                           .channel = STR("webchat"),
                           .timeout_ms = json_is_integer(timeout) ? json_integer_value(timeout) : -1 };
}

static void chat_send(struct gateway_request *rq, const json_t *params)
{
    struct buf canonical = { 0 }, clean = { 0 };
    struct order o = chat_order(params);
    if (gateway_run_session(rq, o.sent_key, &canonical)) {
        o.session_key = buf_str(&canonical);
        if (read_message(rq, params, &o, &clean)) send_message(rq, params, &o);
    }
    buf_free(&canonical);
    buf_free(&clean);
}

/* --- agent ------------------------------------------------------------------------------------------------------ */

__attribute__((format(printf, 2, 3))) static void refuse_agent(struct gateway_request *rq, const char *format, ...)
{
    char text[1024];
    struct buf message = { .max = 2048 };
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    buf_text(&message, "invalid agent params: ");
    buf_text(&message, text);
    gateway_respond_error(rq, "INVALID_REQUEST", buf_str(&message), (struct str){ 0 });
    buf_free(&message);
}

/* Which session an `agent` call is for. @return false: refused */
static bool agent_session(struct gateway_request *rq, const json_t *params, struct buf *canonical)
{
    struct str agent = json_str(params, "agentId"), key = json_str(params, "sessionKey");
    struct session_key_rules rules;
    struct session_key parts;
    rules_of(rq->gw, &rules);
    if (agent.n && !config_agent_find(rq->gw->options->config, agent)) {
        refuse_agent(rq, "unknown agent id \"%.*s\"", STR_ARG(agent));
        return false;
    }
    if (key.n == 0) {
        session_key_main(&rules, agent.n ? agent : rules.default_agent, canonical);
        return true;
    }
    if (session_key_canonical(&rules, key, canonical) != 0) {
        refuse_agent(rq, "malformed session key \"%.*s\"", STR_ARG(key));
        return false;
    }
    if (agent.n && session_key_parse(buf_str(canonical), &parts) == 0 && !str_eq(parts.agent, agent)) {
        refuse_agent(rq, "agent \"%.*s\" does not match session key agent \"%.*s\"", STR_ARG(agent), STR_ARG(parts.agent));
        return false;
    }
    return true;
}

static bool known_channel(struct str channel)
{
    static const char *const names[] = { "last", "webchat", "discord", "telegram", "whatsapp", "slack", "signal", "imessage", "none" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_is(channel, names[i])) return true;
    return false;
}

static int64_t lane_of(struct str name)
{
    return str_is(name, "subagent") ? 1 : str_is(name, "cron") ? 2 : 0; /* enum policy_lane */
}

static struct order agent_order(const json_t *params)
{
    const json_t *timeout = json_object_get(params, "timeout");
    struct str channel = json_str(params, "channel");
    return (struct order){ .kind = RUN_AGENT,
                           .run_id = json_str(params, "idempotencyKey"),
                           .thinking = json_str(params, "thinking"),
                           .model = json_str(params, "model"),
                           .system = json_str(params, "extraSystemPrompt"),
                           .provenance = json_object_get(params, "inputProvenance"),
                           .channel = channel.n ? channel : STR("webchat"),
                           .lane = lane_of(json_str(params, "lane")),
                           .timeout_ms = json_is_integer(timeout) ? json_integer_value(timeout) * 1000 : -1 };
}

static void agent(struct gateway_request *rq, const json_t *params)
{
    struct buf canonical = { 0 }, clean = { 0 };
    struct order o = agent_order(params);
    if (!known_channel(o.channel)) {
        refuse_agent(rq, "unknown channel: %.*s", STR_ARG(o.channel));
    } else if (agent_session(rq, params, &canonical)) {
        o.session_key = buf_str(&canonical);
        bool ok = read_message(rq, params, &o, &clean);
        if (ok && !is_repeat(rq, &o) && known_agent(rq, o.session_key, "invalid agent params: ")) take(rq, params, &o);
    }
    buf_free(&canonical);
    buf_free(&clean);
}

/* --- after a command ---------------------------------------------------------------------------------------------- */

void gateway_run_begin(struct gateway_request *rq, const json_t *params, struct str text)
{
    struct order o = rq->run->kind == RUN_AGENT ? agent_order(params) : chat_order(params);
    struct buf why = { .max = 512 };
    o.session_key = str_of(rq->run->session_key);
    o.text = text;
    chat_attachments_read(json_object_get(params, "attachments"), o.images, &o.image_count, &why); /* they were good before */
    begin(rq, &o);
    buf_free(&why);
}

const struct gateway_rpc_handler gateway_run_handlers[] = {
    { RPC_chat_send, chat_send }, { RPC_chat_abort, gateway_chat_abort }, { RPC_agent, agent }, { RPC_agent_wait, gateway_agent_wait },
    { RPC_none, NULL },
};
