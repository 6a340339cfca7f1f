/* actors/turn_tool_subagents.c -- subagents: what a session started, listed, killed, and told to do something else.
 * Source: reference agent-runtime 5.3, frames tool-subagents-*. */
#include <stdio.h>
#include <string.h>

#include "actors/turn_rpc.h"
#include "actors/turn_spawn.h"
#include "actors/turn_tools.h"
#include "base/json_read.h"
#include "channels/session_key.h"

enum { RECENT_MINUTES = 30, LISTED_MAX = 500, LABELS_MAX = 100 };

static int fail(struct tool_call *call, const char *action, struct str target, const char *error)
{
    json_t *value = json_pack("{s:s,s:s}", "status", "error", "action", action);
    call->failed = true;
    if (target.n) json_object_set_new(value, "target", json_stringn(target.p, target.n));
    json_object_set_new(value, "error", json_string(error));
    return tool_answer_json(call, value);
}

static struct str name_of(const json_t *child)
{
    struct str label = json_str(child, "label");
    return label.n ? label : str_utf8_prefix(json_str(child, "task"), 80);
}

/* --- list --------------------------------------------------------------------------------------------------------- */

static void add_line(const json_t *child, int index, struct buf *text)
{
    struct str model = json_str(child, "model");
    if (model.n) str_split(&model, '/');
    if (model.n == 0) model = STR("no model yet");
    buf_printf(text, "\n%d. %.*s (%.*s, ", index, STR_ARG(name_of(child)), STR_ARG(model));
    announce_write_runtime(json_int(child, "runtimeMs", 0), text);
    buf_printf(text, ") %.*s", STR_ARG(json_str(child, "status")));
    if (json_str(child, "label").n) buf_printf(text, " - %.*s", STR_ARG(str_utf8_prefix(json_str(child, "task"), 120)));
}

static json_t *row_of(const json_t *child, int index)
{
    static const char *const FIELDS[] = { "runId",     "sessionKey", "label",     "task",    "status",
                                          "runtimeMs", "model",      "startedAt", "endedAt", NULL };
    json_t *row = json_pack("{s:i}", "index", index);
    struct buf runtime = { 0 };
    for (int i = 0; FIELDS[i]; i++)
        if (json_object_get(child, FIELDS[i])) json_object_set(row, FIELDS[i], json_object_get(child, FIELDS[i]));
    announce_write_runtime(json_int(child, "runtimeMs", 0), &runtime);
    json_object_set_new(row, "runtime", json_string(buf_cstr(&runtime)));
    buf_free(&runtime);
    return row;
}

static int list(struct turn *t, struct tool_call *call, const json_t *children)
{
    int64_t minutes = tool_whole(call, "recentMinutes", RECENT_MINUTES), since = call->place->now_ms - minutes * 60000;
    json_t *active = json_array(), *recent = json_array(), *child;
    struct buf text = { 0 }, past = { 0 };
    size_t i;
    json_array_foreach(children, i, child)
    {
        bool runs = json_flag(child, "active");
        if (!runs && json_int(child, "endedAt", 0) < since) continue;
        add_line(child, (int)i + 1, runs ? &text : &past);
        json_array_append_new(runs ? active : recent, row_of(child, (int)i + 1));
    }
    struct buf whole = { 0 };
    buf_printf(&whole, "active subagents:%s", text.n ? buf_cstr(&text) : "\n(none)");
    buf_printf(&whole, "\n\nrecent (last %lldm):%s", (long long)minutes, past.n ? buf_cstr(&past) : "\n(none)");
    json_t *value = json_pack("{s:s,s:s,s:s,s:s,s:b,s:i,s:o,s:o,s:s}", "status", "ok", "action", "list", "requesterSessionKey", t->s->key,
                              "callerSessionKey", t->s->key, "callerIsSubagent", t->run->depth > 0, "total", (int)json_array_size(children),
                              "active", active, "recent", recent, "text", buf_cstr(&whole));
    buf_free(&text);
    buf_free(&past);
    buf_free(&whole);
    return tool_answer_json(call, value);
}

/* --- whom a target means ------------------------------------------------------------------------------------------ */

static bool means(const json_t *child, int index, struct str target)
{
    int64_t number;
    if (str_is(target, "last")) return json_flag(child, "active");
    if (str_to_int(target, &number) == 0) return number == index;
    return str_eq(json_str(child, "label"), target) || str_eq(json_str(child, "sessionKey"), target) ||
           (target.n >= 4 && str_starts(json_str(child, "runId"), target));
}

/* The first that is meant, one that runs before one that has ended: a label may have been used before. @return NULL: none */
static const json_t *find(const json_t *children, struct str target)
{
    const json_t *child, *found = NULL;
    size_t i;
    json_array_foreach(children, i, child)
    {
        if (!means(child, (int)i + 1, target)) continue;
        if (json_flag(child, "active")) return child;
        if (!found) found = child;
    }
    return found;
}

static int unknown(struct tool_call *call, const char *action, struct str target)
{
    char error[600];
    snprintf(error, sizeof error, "Unknown subagent target: %.*s", STR_ARG(target));
    return fail(call, action, target, error);
}

static int finished(struct tool_call *call, const char *action, struct str target, const json_t *child)
{
    struct str name = name_of(child);
    struct buf text = { 0 };
    buf_printf(&text, "%.*s is already finished.", STR_ARG(name));
    int rc = tool_answer_json(call, json_pack("{s:s,s:s,s:s%,s:O,s:O,s:s}", "status", "done", "action", action, "target", target.p,
                                              target.n, "runId", json_object_get(child, "runId"), "sessionKey",
                                              json_object_get(child, "sessionKey"), "text", buf_cstr(&text)));
    buf_free(&text);
    return rc;
}

/* --- kill --------------------------------------------------------------------------------------------------------- */

/* Ends its run, and whatever it started; the slot is free when its turn has ended. */
static int kill_one(struct turn *t, const json_t *child)
{
    struct msg m = { .kind = MSG_turn_abort, .trace = t->trace };
    m.turn_abort.session_key = json_str(child, "sessionKey");
    m.turn_abort.reason = STR("killed");
    return mailbox_send(t->s->mailbox, "router", &m);
}

static int killed_answer(struct tool_call *call, struct str target, int killed, json_t *labels)
{
    char text[64];
    snprintf(text, sizeof text, "killed %d subagent%s.", killed, killed == 1 ? "" : "s");
    return tool_answer_json(call, json_pack("{s:s,s:s,s:s%,s:i,s:o,s:s}", "status", "ok", "action", "kill", "target", target.p, target.n,
                                            "killed", killed, "labels", labels, "text", text));
}

static int kill_all(struct turn *t, struct tool_call *call, const json_t *children)
{
    json_t *labels = json_array();
    const json_t *child;
    size_t i;
    int killed = 0, rc = 0;
    json_array_foreach(children, i, child)
    {
        if (rc || !json_flag(child, "active")) continue;
        struct str name = name_of(child);
        rc = kill_one(t, child);
        if (killed++ < LABELS_MAX) json_array_append_new(labels, json_stringn(name.p, name.n));
    }
    if (rc == 0) return killed_answer(call, STR("all"), killed, labels);
    json_decref(labels);
    return rc;
}

static int kill_them(struct turn *t, struct tool_call *call, const json_t *children, struct str target)
{
    if (str_is(target, "all")) return kill_all(t, call, children);
    const json_t *child = find(children, target);
    if (!child) return unknown(call, "kill", target);
    if (!json_flag(child, "active")) return finished(call, "kill", target, child);
    struct str name = name_of(child);
    int rc = kill_one(t, child);
    return rc ? rc : killed_answer(call, target, 1, json_pack("[s%]", name.p, name.n));
}

/* --- steer -------------------------------------------------------------------------------------------------------- */

static int steered(struct tool_call *call, struct str target, const struct turn_spawn *s, struct str name)
{
    struct buf text = { 0 };
    buf_printf(&text, "steered %.*s.", STR_ARG(name));
    int rc = tool_answer_json(call, json_pack("{s:s,s:s,s:s%,s:s,s:s,s:s,s:s%,s:s}", "status", "accepted", "action", "steer", "target",
                                              target.p, target.n, "runId", s->run_id, "sessionKey", s->key, "mode", "restart", "label",
                                              name.p, name.n, "text", buf_cstr(&text)));
    buf_free(&text);
    return rc;
}

/* Its run ends, and another one begins in its session, which is what is told of later. */
static int steer(struct turn *t, struct tool_call *call, const json_t *children, struct str target)
{
    const json_t *child = find(children, target);
    struct session_key parts;
    struct msg answer = { 0 };
    if (!child) return unknown(call, "steer", target);
    if (!json_flag(child, "active")) return finished(call, "steer", target, child);
    struct turn_spawn s = { .child = { .task = json_str(child, "task"),
                                       .label = json_str(child, "label"),
                                       .key = json_str(child, "sessionKey"),
                                       .requester = str_of(t->s->key),
                                       .channel = t->run->channel,
                                       .depth = json_int(child, "depth", 1),
                                       .depth_max = config_limits(t->s->config)->max_spawn_depth },
                            .message = str_trim(tool_text(call, "message", NULL)),
                            .steers = true };
    str_copy(s.key, sizeof s.key, s.child.key);
    if (session_key_parse(str_of(s.key), &parts)) return unknown(call, "steer", target);
    s.agent = parts.agent;
    random_uuid(s.run_id);
    int rc = turn_spawn_ask(t, &s, &answer);
    if (rc) return rc;
    struct str reason = answer.session_spawned.reason;
    if (reason.n == 0)
        rc = steered(call, target, &s, name_of(child));
    else if (str_is(reason, "not_running"))
        rc = finished(call, "steer", target, child);
    else
        rc = fail(call, "steer", target, "the message could not be passed on; try again later");
    msg_clear(&answer);
    return rc;
}

/* What has to be there for this action. @return NULL: all is */
static const char *missing(const struct tool_call *call, struct str action, struct str target)
{
    if (str_is(action, "kill") && target.n == 0) return "kill needs a target";
    if (!str_is(action, "steer")) return NULL;
    return target.n == 0 ? "steer needs a target" : str_trim(tool_text(call, "message", NULL)).n == 0 ? "steer needs a message" : NULL;
}

int turn_tool_subagents(struct turn *t, struct tool_call *call)
{
    struct str action = tool_text(call, "action", NULL), target = str_trim(tool_text(call, "target", NULL));
    const char *lacks = missing(call, action, target);
    struct buf why = { 0 };
    json_t *said;
    if (lacks) return fail(call, action.p, target, lacks);
    int rc = turn_rpc(t, "query", RPC_subagents_list, json_pack("{s:s,s:i}", "sessionKey", t->s->key, "limit", LISTED_MAX), &said, &why);
    const json_t *children = json_object_get(said, "subagents");
    if (rc == GW_EINVAL)
        rc = fail(call, "list", target, buf_cstr(&why));
    else if (rc == 0 && str_is(action, "kill"))
        rc = kill_them(t, call, children, target);
    else if (rc == 0 && str_is(action, "steer"))
        rc = steer(t, call, children, target);
    else if (rc == 0)
        rc = list(t, call, children);
    json_decref(said);
    buf_free(&why);
    return rc;
}
