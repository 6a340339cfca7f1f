/* actors/turn_tool_send.c -- sessions_send: a message of one session to another, with or without waiting for the answer.
 * Source: reference agent-runtime 5.4, frames tool-sessions_send-*, tool-sessions-send*. */
#include "actors/policy.h"
#include "actors/relay.h"
#include "actors/session_view.h"
#include "actors/turn_access.h"
#include "actors/turn_rpc.h"
#include "actors/turn_tools.h"
#include "base/clock.h"
#include "base/json_read.h"
#include "base/random.h"
#include "msgs/chat_pack.h"

enum { SEND_TIMEOUT_S = 30, SEND_ACCEPT_MS = 60000 };

struct sending {
    char run_id[RANDOM_UUID_SIZE];
    char target[SESSION_KEY_MAX + 1];
    struct str agent; /* of the target */
    struct str text;
};

static enum policy_lane lane_of(const char *key)
{
    return session_key_is_subagent(str_of(key)) ? LANE_SUBAGENT : LANE_MAIN;
}

static int answer(struct tool_call *call, const struct sending *s, const char *status, struct str reply)
{
    json_t *value = json_pack("{s:s,s:s}", "runId", s->run_id, "status", status);
    if (reply.p) json_object_set_new(value, "reply", json_stringn(reply.p, reply.n));
    json_object_set_new(value, "sessionKey", json_string(s->target));
    json_object_set_new(value, "delivery", json_pack("{s:s,s:s}", "status", "pending", "mode", "announce"));
    return tool_answer_json(call, value);
}

static int refuse(struct tool_call *call, const struct sending *s, struct str error)
{
    call->failed = true;
    return tool_answer_json(call,
                            json_pack("{s:s,s:s,s:s%}", "runId", s->run_id, "status", "error", "error", error.p ? error.p : "", error.n));
}

/* By key, or by label among an agent's sessions. @return 0; GW_EINVAL: `why` says what is wrong; a code */
static int find_target(struct turn *t, const struct tool_call *call, struct sending *s, struct buf *why)
{
    struct str key = tool_text(call, "sessionKey", NULL), label = tool_text(call, "label", NULL), agent = tool_text(call, "agentId", NULL);
    json_t *said, *params;
    if (key.n == 0 && label.n == 0) {
        buf_text(why, "Either sessionKey or label is required");
        return GW_EINVAL;
    }
    if (key.n) return turn_access_named(t, key, s->target, why);
    params = json_pack("{s:s%}", "label", label.p, label.n);
    if (agent.n) json_object_set_new(params, "agentId", json_stringn(agent.p, agent.n));
    int rc = turn_rpc(t, "query", RPC_sessions_resolve, params, &said, why);
    if (rc == 0) rc = turn_access_named(t, json_str(said, "key"), s->target, why);
    json_decref(said);
    return rc;
}

static int submit(struct turn *t, const struct sending *s, uint64_t *corr)
{
    struct chat_part part = { .kind = CHAT_TEXT, .text = s->text };
    struct chat_message message = { .role = CHAT_USER, .parts = &part, .part_count = 1 };
    struct str channel = t->run->channel.n ? t->run->channel : STR("internal");
    struct buf packed = { 0 }, system = { 0 }, from = { 0 };
    struct msg m = { .kind = MSG_turn_submit, .corr = mailbox_corr(t->s->mailbox), .trace = t->trace };
    *corr = m.corr;
    relay_write_context(str_of(t->s->key), str_of(s->target), channel, &system);
    relay_write_provenance(str_of(t->s->key), channel, &from);
    message.provenance = buf_str(&from);
    int rc = from.err ? from.err : chat_pack_message(&packed, &message);
    m.turn_submit = (struct msg_turn_submit){ .run_id = str_of(s->run_id),
                                              .session_key = str_of(s->target),
                                              .agent = s->agent,
                                              .lane = lane_of(s->target),
                                              .idempotency_key = str_of(s->run_id),
                                              .bounded = 1,
                                              .channel = STR("internal"),
                                              .system = buf_str(&system),
                                              .ack = 1,
                                              .policy = 1,
                                              .message = buf_str(&packed) };
    if (rc == 0) rc = mailbox_send(t->s->mailbox, "router", &m);
    buf_free(&packed);
    buf_free(&system);
    buf_free(&from);
    return rc;
}

static int start_relay(struct turn *t, const struct sending *s)
{
    struct msg m = { .kind = MSG_relay_start, .trace = t->trace };
    m.relay_start = (struct msg_relay_start){ .run_id = str_of(s->run_id),
                                              .asker = str_of(t->s->key),
                                              .asker_agent = t->s->agent->id,
                                              .target = str_of(s->target),
                                              .target_agent = s->agent,
                                              .lane = lane_of(s->target),
                                              .asker_lane = lane_of(t->s->key),
                                              .turns = config_limits(t->s->config)->ping_pong_turns,
                                              .message = s->text };
    return mailbox_send(t->s->mailbox, "relay", &m);
}

/* What comes before the end is of no interest here. */
static int await_end(struct turn *t, uint64_t corr, int64_t until_ms, struct msg *in)
{
    int rc;
    for (;;) {
        rc = turn_await(t, corr, clock_left_ms(until_ms), in);
        if (rc || in->kind == MSG_turn_done || in->kind == MSG_turn_refused || in->kind == MSG_error) return rc;
        msg_clear(in);
    }
}

/* The turn's own end, as long as the model wants to wait for it. Meanwhile this turn holds no permit: two sessions that ask each other at
 * the cap cannot block. */
static int wait_for_reply(struct turn *t, struct tool_call *call, const struct sending *s, uint64_t corr, int timeout_s)
{
    struct msg in = { 0 };
    int rc = turn_pause(t), resumed;
    if (rc == 0) rc = await_end(t, corr, clock_mono_ms() + (int64_t)timeout_s * 1000, &in);
    resumed = rc == GW_EABORTED || rc == GW_ECLOSED ? rc : turn_resume(t);
    if (resumed) rc = resumed;
    if (rc == GW_ETIMEOUT) return answer(call, s, "timeout", (struct str){ 0 });
    if (rc) return rc;
    const struct msg_turn_done *d = &in.turn_done;
    if (in.kind != MSG_turn_done)
        rc = refuse(call, s, STR("the turn was refused"));
    else if (d->outcome == OUTCOME_DONE)
        rc = answer(call, s, "ok", d->text.p ? d->text : STR(""));
    else
        rc = refuse(call, s, d->error.n ? d->error : STR("the other session's turn was stopped"));
    msg_clear(&in);
    return rc;
}

static int deliver(struct turn *t, struct tool_call *call, const struct sending *s)
{
    int64_t timeout_s = tool_whole(call, "timeoutSeconds", SEND_TIMEOUT_S);
    uint64_t corr;
    struct msg in;
    int rc = submit(t, s, &corr);
    if (rc == 0) rc = turn_await(t, corr, SEND_ACCEPT_MS, &in);
    if (rc) return rc;
    if (in.kind != MSG_turn_accepted) {
        rc = refuse(call, s, in.kind == MSG_turn_refused ? in.turn_refused.text : STR("the gateway could not pass the message on"));
        msg_clear(&in);
        return rc;
    }
    msg_clear(&in);
    rc = start_relay(t, s);
    if (rc) return rc;
    return timeout_s ? wait_for_reply(t, call, s, corr, (int)timeout_s) : answer(call, s, "accepted", (struct str){ 0 });
}

int turn_tool_sessions_send(struct turn *t, struct tool_call *call)
{
    struct sending s = { .text = tool_text(call, "message", NULL) };
    struct session_key parts;
    struct buf why = { 0 };
    random_uuid(s.run_id);
    int rc = find_target(t, call, &s, &why);
    if (rc == 0 && (session_key_parse(str_of(s.target), &parts) || !config_agent_find(t->s->config, parts.agent))) {
        buf_text(&why, "That session belongs to no configured agent.");
        rc = GW_EINVAL;
    }
    if (rc == 0 && strcmp(s.target, t->s->key) == 0) {
        buf_text(&why, "That is this very session: answer, instead of sending to yourself.");
        rc = GW_EINVAL;
    }
    if (rc == 0) {
        s.agent = parts.agent;
        rc = deliver(t, call, &s);
    } else if (rc == GW_EINVAL) {
        rc = refuse(call, &s, buf_str(&why));
    }
    buf_free(&why);
    return rc;
}
