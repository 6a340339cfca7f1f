/* actors/turn_tool_spawn.c -- sessions_spawn: a sub-agent is asked for; whether it may be is the policy's to say.
 * Source: reference agent-runtime 5.1, frames tool-spawn*, tool-forbidden, tool-children, tool-depth, tool-badthink. */
#include <stdio.h>

#include "actors/turn_spawn.h"
#include "actors/turn_tools.h"
#include "msgs/chat_pack.h"

enum { SPAWN_ANSWER_MS = 60000, TASK_KEPT = 4096 /* bytes of the task in the row; the child's message has all of it */ };

static int end(struct tool_call *call, const char *status, struct str error)
{
    call->failed = true;
    return tool_answer_json(call, json_pack("{s:s,s:s%}", "status", status, "error", error.p ? error.p : "", error.n));
}

static int endf(struct tool_call *call, const char *status, const char *format, ...) __attribute__((format(printf, 3, 4)));
static int endf(struct tool_call *call, const char *status, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return end(call, status, str_utf8_prefix(str_of(text), sizeof text));
}

static int refuse_agent(struct tool_call *call, const struct config_agent *agent)
{
    struct buf text = { 0 };
    buf_text(&text, "agentId is not allowed for sessions_spawn (allowed: ");
    for (size_t i = 0; i < agent->allow_count; i++) buf_printf(&text, "%s%.*s", i ? ", " : "", STR_ARG(agent->allow[i]));
    if (agent->allow_count == 0) buf_text(&text, agent->allow_any ? "any" : "none");
    buf_char(&text, ')');
    int rc = end(call, "forbidden", buf_str(&text));
    buf_free(&text);
    return rc;
}

static int refuse(struct turn *t, struct tool_call *call, const struct msg_session_spawned *no, struct str agent)
{
    long long current = (long long)no->current, max = (long long)no->max;
    if (str_is(no->reason, "spawn_depth"))
        return endf(call, "forbidden", "sessions_spawn is not allowed at this depth (current depth: %lld, max: %lld)", current, max);
    if (str_is(no->reason, "spawn_children"))
        return endf(call, "forbidden", "sessions_spawn has reached max active children for this session (%lld/%lld)", current, max);
    if (str_is(no->reason, "spawn_denied")) return refuse_agent(call, t->s->agent);
    if (str_is(no->reason, "spawn_unknown")) return endf(call, "forbidden", "Unknown agent id \"%.*s\"", STR_ARG(agent));
    return endf(call, "error", "The sub-agent could not be started (%.*s); try again later.", STR_ARG(no->reason));
}

static bool is_level(struct str level)
{
    static const char *const LEVELS[] = { "off", "minimal", "low", "medium", "high" };
    for (size_t i = 0; i < sizeof LEVELS / sizeof *LEVELS; i++)
        if (str_is(level, LEVELS[i])) return true;
    return level.n == 0;
}

static int pack(struct str text, struct buf *out)
{
    struct chat_part part = { .kind = CHAT_TEXT, .text = text };
    const struct chat_message message = { .role = CHAT_USER, .parts = &part, .part_count = 1, .timestamp_ms = 0 };
    return chat_pack_message(out, &message);
}

int turn_spawn_ask(struct turn *t, const struct turn_spawn *s, struct msg *answer)
{
    struct buf text = { 0 }, system = { 0 }, packed = { 0 };
    struct msg q = { .kind = MSG_session_spawn, .trace = t->trace };
    if (s->steers)
        buf_add(&text, s->message);
    else
        announce_write_task(&s->child, &text);
    announce_write_system(&s->child, &system);
    int rc = text.err ? text.err : pack(buf_str(&text), &packed);
    q.session_spawn = (struct msg_session_spawn){ .turn = t->run->turn,
                                                  .run_id = str_of(s->run_id),
                                                  .session_key = str_of(s->key),
                                                  .agent = s->agent,
                                                  .channel = t->run->channel,
                                                  .model = s->model,
                                                  .thinking = s->thinking,
                                                  .system = buf_str(&system),
                                                  .label = s->child.label,
                                                  .task = str_utf8_prefix(s->child.task, TASK_KEPT),
                                                  .cleanup = s->cleanup,
                                                  .timeout_s = s->timeout_s,
                                                  .parent = str_of(t->s->key),
                                                  .steers = s->steers,
                                                  .message = buf_str(&packed) };
    if (rc == 0) rc = turn_ask(t, "router", &q, SPAWN_ANSWER_MS, answer);
    buf_free(&text);
    buf_free(&system);
    buf_free(&packed);
    return rc;
}

static int accepted(struct tool_call *call, const struct turn_spawn *s)
{
    return tool_answer_json(call,
                            json_pack("{s:s,s:s,s:s,s:s,s:b}", "status", "accepted", "childSessionKey", s->key, "runId", s->run_id, "note",
                                      "auto-announces on completion, do not poll/sleep. The response will be sent back as a user "
                                      "message.",
                                      "modelApplied", 1));
}

/* The model as a reference; an alias of the configuration counts. @return whether it is one */
static bool read_model(const struct turn *t, struct str given, struct str *out)
{
    struct model_ref ref;
    if (given.n == 0) return true;
    if (config_model_resolve(t->s->config, given, &ref) != 0) return false;
    *out = ref.text;
    return true;
}

int turn_tool_sessions_spawn(struct turn *t, struct tool_call *call)
{
    struct str agent = str_trim(tool_text(call, "agentId", NULL)), thinking = str_trim(tool_text(call, "thinking", NULL));
    const struct config_limits *limits = config_limits(t->s->config);
    int64_t timeout_s = tool_whole(call, "runTimeoutSeconds", tool_whole(call, "timeoutSeconds", limits->subagent_timeout_seconds));
    struct turn_spawn s = {
        .child = { .task = str_trim(tool_text(call, "task", NULL)),
                   .label = str_trim(tool_text(call, "label", NULL)),
                   .requester = str_of(t->s->key),
                   .channel = t->run->channel,
                   .depth = t->run->depth + 1,
                   .depth_max = limits->max_spawn_depth },
        .agent = agent.n ? agent : t->s->agent->id,
        .thinking = thinking,
        .timeout_s = timeout_s,
        .cleanup = str_is(tool_text(call, "cleanup", NULL), "delete"),
    };
    char uuid[RANDOM_UUID_SIZE];
    struct msg answer = { 0 };
    if (!is_level(thinking))
        return endf(call, "error", "Invalid thinking level \"%.*s\". Use one of: off, minimal, low, medium, high.", STR_ARG(thinking));
    if (s.child.task.n == 0) return end(call, "error", STR("task is empty"));
    if (!read_model(t, str_trim(tool_text(call, "model", NULL)), &s.model))
        return end(call, "error", STR("model is neither provider/model nor a configured alias"));
    random_uuid(uuid);
    random_uuid(s.run_id);
    snprintf(s.key, sizeof s.key, "agent:%.*s:subagent:%s", STR_ARG(s.agent), uuid);
    s.child.key = str_of(s.key);
    int rc = turn_spawn_ask(t, &s, &answer);
    if (rc) return rc;
    rc = answer.session_spawned.reason.n ? refuse(t, call, &answer.session_spawned, s.agent) : accepted(call, &s);
    msg_clear(&answer);
    return rc;
}
