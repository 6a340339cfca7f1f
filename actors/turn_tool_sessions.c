/* actors/turn_tool_sessions.c -- sessions_list, sessions_history, session_status: what an agent may know of conversations.
 * Source: reference agent-runtime 4, frames tool-sessions_list-*, tool-sessions_history-*, tool-session_status-*. */
#include <stdio.h>
#include <string.h>

#include "actors/turn_access.h"
#include "actors/turn_rpc.h"
#include "actors/turn_tools.h"
#include "base/clock.h"
#include "base/json_read.h"
#include "base/timezone.h"
#include "base/version.h"
#include "channels/chat_commands.h"

enum {
    LIST_DEFAULT = 50,     /* sessions in a list */
    LIST_READ_MAX = 1000,  /* sessions looked at: those that may not be seen do not count */
    HISTORY_DEFAULT = 50,  /* messages */
    LIST_MESSAGES_MAX = 20 /* messages of each session in a list */
};

/* --- sessions_list ------------------------------------------------------------------------------------------------ */

static const char *kind_of(const struct turn *t, struct str key)
{
    struct str main_key = config_str(t->s->config, "session.mainKey"), rest = key;
    str_split(&rest, ':');
    str_split(&rest, ':');
    if (str_eq(rest, main_key.n ? main_key : STR("main"))) return "main";
    struct str first = str_split(&rest, ':'), second = str_split(&rest, ':');
    if (str_is(first, "cron")) return "cron";
    if (str_is(first, "hook")) return "hook";
    if (str_is(first, "node")) return "node";
    return str_is(second, "group") || str_is(second, "channel") ? "group" : "other";
}

static bool wanted(const json_t *kinds, const char *kind)
{
    size_t i;
    json_t *one;
    if (json_array_size(kinds) == 0) return true;
    json_array_foreach(kinds, i, one) if (strcmp(json_string_value(one), kind) == 0) return true;
    return false;
}

static void copy(json_t *to, const json_t *from, const char *key)
{
    json_t *value = json_object_get(from, key);
    if (value) json_object_set(to, key, value);
}

/* A row of sessions.list with the fields, and in the order, that models know. */
static json_t *row_of(const json_t *from, const char *kind)
{
    static const char *const later[] = { "updatedAt",     "sessionId",  "model",          "contextTokens", "totalTokens",
                                         "thinkingLevel", "systemSent", "abortedLastRun", "lastChannel",   NULL };
    json_t *row = json_object(), *channel = json_object_get(from, "channel");
    copy(row, from, "key");
    json_object_set_new(row, "kind", json_string(kind));
    if (!channel) channel = json_object_get(from, "lastChannel");
    json_object_set_new(row, "channel", channel ? json_incref(channel) : json_string("unknown"));
    copy(row, from, "label");
    copy(row, from, "deliveryContext");
    for (int i = 0; later[i]; i++) copy(row, from, later[i]);
    json_object_set_new(row, "transcriptPath", json_null()); /* transcripts are rows of the store */
    return row;
}

/* The newest messages of a session, for sessions_list with messageLimit. */
static int add_messages(struct turn *t, json_t *row, int64_t limit)
{
    struct buf why = { 0 };
    json_t *said;
    int rc = turn_rpc(t, "query", RPC_chat_history,
                      json_pack("{s:O,s:I}", "sessionKey", json_object_get(row, "key"), "limit", (json_int_t)limit), &said, &why);
    if (rc == 0) json_object_set(row, "messages", json_object_get(said, "messages"));
    json_decref(said);
    buf_free(&why);
    return rc == GW_EINVAL ? 0 : rc;
}

static int pick(const struct turn_access *access, const struct tool_call *call, const json_t *rows, json_t *out)
{
    int64_t limit = tool_whole(call, "limit", LIST_DEFAULT), messages = tool_whole(call, "messageLimit", 0);
    size_t i;
    json_t *from;
    int rc = 0;
    json_array_foreach(rows, i, from)
    {
        struct str key = json_str(from, "key");
        const char *kind = kind_of(access->t, key);
        if ((int64_t)json_array_size(out) == limit) break;
        if (!wanted(json_object_get(call->args, "kinds"), kind) || turn_access_check(access, key)) continue;
        json_t *row = row_of(from, kind);
        json_array_append_new(out, row);
        if (messages) rc = add_messages(access->t, row, messages);
        if (rc) break;
    }
    return rc;
}

int turn_tool_sessions_list(struct turn *t, struct tool_call *call)
{
    struct buf why = { 0 };
    json_t *said = NULL, *list = json_array(), *params = json_pack("{s:i}", "limit", LIST_READ_MAX);
    int64_t minutes = tool_whole(call, "activeMinutes", 0);
    if (minutes) json_object_set_new(params, "activeMinutes", json_integer(minutes));
    struct turn_access access;
    int rc = turn_access_open(t, &access);
    if (rc == 0) rc = turn_rpc(t, "query", RPC_sessions_list, json_incref(params), &said, &why);
    if (rc == 0) rc = pick(&access, call, json_object_get(said, "sessions"), list);
    if (rc == 0) rc = tool_answer_json(call, json_pack("{s:i,s:O}", "count", (int)json_array_size(list), "sessions", list));
    if (rc == GW_EINVAL) rc = tool_fail(call, "%s", buf_cstr(&why));
    turn_access_close(&access);
    json_decref(params);
    json_decref(said);
    json_decref(list);
    buf_free(&why);
    return rc;
}

/* --- sessions_history --------------------------------------------------------------------------------------------- */

static int refuse(struct tool_call *call, const char *error)
{
    call->failed = true;
    return tool_answer_json(call, json_pack("{s:s,s:s}", "status", "error", "error", error));
}

static bool keeps(const json_t *message, bool tools)
{
    return tools || !str_is(json_str(message, "role"), "toolResult");
}

int turn_tool_sessions_history(struct turn *t, struct tool_call *call)
{
    char key[SESSION_KEY_MAX + 1];
    struct buf why = { 0 };
    json_t *said = NULL, *list = json_array(), *message;
    size_t i;
    int rc = turn_access_named(t, tool_text(call, "sessionKey", NULL), key, &why);
    if (rc == 0) {
        json_t *params = json_pack("{s:s,s:I}", "sessionKey", key, "limit", (json_int_t)tool_whole(call, "limit", HISTORY_DEFAULT));
        rc = turn_rpc(t, "query", RPC_chat_history, params, &said, &why);
    }
    json_array_foreach(json_object_get(said, "messages"), i, message) if (keeps(message, tool_flag(call, "includeTools")))
        json_array_append(list, message);
    if (rc == 0) rc = tool_answer_json(call, json_pack("{s:s,s:O}", "sessionKey", key, "messages", list));
    if (rc == GW_EINVAL) rc = refuse(call, buf_cstr(&why));
    json_decref(said);
    json_decref(list);
    buf_free(&why);
    return rc;
}

/* --- session_status ----------------------------------------------------------------------------------------------- */

static const char *ordinal(int day)
{
    if (day >= 11 && day <= 13) return "th";
    return day % 10 == 1 ? "st" : day % 10 == 2 ? "nd" : day % 10 == 3 ? "rd" : "th";
}

/* "🕒 Time: Sunday, November 22nd, 2026 — 1:23 PM (UTC)", in the user's zone. */
static void add_time(const struct turn *t, struct buf *out)
{
    static const char *const DAYS[] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" };
    static const char *const MONTHS[] = { "January", "February", "March",     "April",   "May",      "June",
                                          "July",    "August",   "September", "October", "November", "December" };
    struct str name = t->s->agent->time_zone;
    timezone_t *zone = NULL;
    struct timezone_local now;
    if (name.n) timezone_load(NULL, name, &zone);
    timezone_local(zone, clock_wall_ms() / 1000, &now);
    buf_printf(out, "🕒 Time: %s, %s %d%s, %d — %d:%02d %s (%s)\n", DAYS[now.weekday], MONTHS[now.month - 1], now.day, ordinal(now.day),
               now.year, now.hour % 12 ? now.hour % 12 : 12, now.minute, now.hour < 12 ? "AM" : "PM", zone && name.n ? name.p : "UTC");
    timezone_destroy(&zone);
}

/* The card of /status with the time below its first line. */
static void add_card(const struct turn *t, struct str key, const json_t *said, struct buf *out)
{
    const struct chat_command status = { .id = CHAT_COMMAND_status };
    const struct chat_facts facts = { .config = t->s->config,
                                      .session_key = key,
                                      .version = version_shown(),
                                      .release = GW_VERSION,
                                      .entry = json_object_get(said, "entry"),
                                      .resolved = json_object_get(said, "resolved") };
    struct buf card = { 0 };
    chat_command_reply(&status, &facts, &card);
    struct str rest = buf_str(&card);
    buf_add(out, str_split(&rest, '\n'));
    buf_char(out, '\n');
    add_time(t, out);
    buf_add(out, rest);
    buf_free(&card);
}

int turn_tool_session_status(struct turn *t, struct tool_call *call)
{
    struct str asked = tool_text(call, "sessionKey", NULL), model = tool_text(call, "model", NULL);
    char key[SESSION_KEY_MAX + 1];
    struct buf why = { 0 };
    json_t *said = NULL;
    int rc = turn_access_named(t, asked.n ? asked : str_of(t->s->key), key, &why);
    if (rc == 0) {
        json_t *params = json_pack("{s:s}", "key", key);
        bool reset = str_is(model, "default");
        if (model.n) json_object_set_new(params, "model", reset ? json_null() : json_stringn(model.p, model.n));
        rc = turn_rpc(t, "store", RPC_sessions_patch, params, &said, &why);
    }
    if (rc == 0) add_card(t, str_of(key), said, call->result);
    if (rc == GW_EINVAL) rc = refuse(call, buf_cstr(&why));
    json_decref(said);
    buf_free(&why);
    return rc;
}
