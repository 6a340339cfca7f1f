/* store_sessions.c -- methods that change a session's transcript: reset, delete, compact, inject. The gateway has seen to it that
 * nothing runs in the session; whether a turn came in between is looked up here, in the same transaction. */
#include "actors/store_sessions.h"

#include "actors/query_tables.h"
#include "actors/session_list.h"
#include "actors/session_view.h"
#include "base/random.h"
#include "store/archive.h"
#include "store/messages.h"
#include "store/session_life.h"

enum { COMPACT_LINES_DEFAULT = 400 };

int store_session_key(struct rpc_call *call, const char *name, struct buf *out)
{
    const struct session_key_rules rules = session_view_rules(call->config);
    struct str key = rpc_str(call, name);
    int rc = session_key_canonical(&rules, key, out);
    if (rc == GW_EINVAL || rc == GW_ELIMIT)
        return rpc_fail(call, "INVALID_REQUEST", "invalid session key: %.*s", STR_ARG(str_utf8_prefix(key, 256)));
    return rc;
}

int store_session_ensure(const struct rpc_call *call, struct str key, int64_t *id)
{
    char uuid[RANDOM_UUID_SIZE];
    struct session_key parts;
    random_uuid(uuid);
    struct session_new s = { .key = key, .uuid = str_of(uuid), .now_ms = call->now_ms };
    s.agent = session_key_parse(key, &parts) == 0 ? parts.agent : config_agent_default(call->config)->id;
    return sessions_ensure(call->store, &s, id, NULL);
}

/* The session of parameter `name` and its canonical key. */
struct target {
    struct buf key;
    struct session_list list;
    const struct session_row *row; /* NULL: there is none */
};

static int find(struct rpc_call *call, const char *name, struct target *t)
{
    *t = (struct target){ 0 };
    int rc = store_session_key(call, name, &t->key);
    if (rc == 0) rc = session_list_one(call->config, call->store, buf_str(&t->key), &t->list);
    if (rc == 0 && t->list.count) t->row = t->list.rows[0];
    return rc;
}

static void let_go(struct target *t)
{
    session_list_free(&t->list);
    buf_free(&t->key);
}

static int check_idle(struct rpc_call *call, const struct target *t)
{
    bool busy = false;
    int rc = t->row ? session_busy(call->store, t->row->id, &busy) : 0;
    if (rc == 0 && busy)
        rc = rpc_fail(call, "UNAVAILABLE", "Session %.*s is still active; try again in a moment.", STR_ARG(buf_str(&t->key)));
    return rc;
}

static int archive(const struct rpc_call *call, const struct session_row *row, enum archive_kind kind, char path[ARCHIVE_PATH_MAX])
{
    struct session_view view;
    session_view_open(&view, call->config, row);
    const struct config_agent *agent = config_agent_find(call->config, view.agent);
    const struct archive_wish wish = { .state_dir = config_state(call->config),
                                       .agent = view.agent,
                                       .uuid = row->uuid,
                                       .workspace = agent ? agent->workspace : (struct str){ 0 },
                                       .session = row->id,
                                       .created_ms = row->created_ms,
                                       .kind = kind,
                                       .now_ms = call->now_ms };
    int rc = archive_write(call->store, &wish, path);
    session_view_close(&view);
    return rc;
}

/* --- sessions.reset ------------------------------------------------------------------------------------------------- */

/* Rights and places of execution are given anew; how a session talks stays. */
static int keep_settings(const struct rpc_call *call, const struct session_row *row)
{
    static const char *const kept[] = { "verboseLevel", "reasoningLevel", "responseUsage", "sendPolicy" };
    struct session_view view;
    struct buf text = { 0 };
    session_view_open(&view, call->config, row);
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        struct str value = session_view_setting(&view, kept[i]);
        if (value.n == 0) continue;
        if (text.n == 0) buf_char(&text, '{');
        buf_json_pair_str(&text, kept[i], value);
    }
    if (text.n) buf_char(&text, '}');
    const struct session_change change = { .settings = text.n ? buf_str(&text) : STR(""), .now_ms = call->now_ms };
    int rc = text.err ? text.err : sessions_change(call->store, row->key, &change);
    buf_free(&text);
    session_view_close(&view);
    return rc;
}

static int restart(const struct rpc_call *call, const struct session_row *row)
{
    char uuid[RANDOM_UUID_SIZE], path[ARCHIVE_PATH_MAX];
    int64_t entries = 0;
    random_uuid(uuid);
    int rc = session_entries(call->store, row->id, &entries);
    if (rc == 0 && entries) rc = archive(call, row, ARCHIVE_RESET, path); /* of nothing there is nothing to keep */
    if (rc == 0) rc = session_restart(call->store, row->id, str_of(uuid), call->now_ms);
    return rc ? rc : keep_settings(call, row);
}

static int write_reset(struct rpc_call *call, struct str key, bool fresh)
{
    struct session_list list;
    struct session_view view;
    int rc = session_list_one(call->config, call->store, key, &list);
    if (rc == 0 && list.count == 0) rc = GW_ENOENT;
    if (rc == 0) {
        session_view_open(&view, call->config, list.rows[0]);
        buf_text(call->out, "{\"ok\":true");
        buf_json_pair_str(call->out, "key", key);
        buf_json_key(call->out, "entry");
        session_view_reset_entry(&view, !fresh, call->out);
        buf_char(call->out, '}');
        session_view_close(&view);
    }
    session_list_free(&list);
    return rc;
}

static int sessions_reset(struct rpc_call *call)
{
    struct target t;
    int64_t id;
    int rc = find(call, "key", &t);
    if (rc == 0) rc = check_idle(call, &t);
    if (rc == 0) rc = t.row ? restart(call, t.row) : store_session_ensure(call, buf_str(&t.key), &id);
    if (rc == 0) rc = write_reset(call, buf_str(&t.key), t.row == NULL);
    let_go(&t);
    return rc;
}

/* --- sessions.delete ------------------------------------------------------------------------------------------------ */

static int sessions_delete(struct rpc_call *call)
{
    struct target t;
    struct buf home = { 0 };
    char path[ARCHIVE_PATH_MAX] = "";
    const struct session_key_rules rules = session_view_rules(call->config);
    bool keep = !rpc_bool(call, "deleteTranscript", true);
    int rc = find(call, "key", &t);
    session_key_main(&rules, rules.default_agent, &home);
    if (rc == 0 && str_eq(buf_str(&t.key), buf_str(&home)))
        rc = rpc_fail(call, "INVALID_REQUEST", "Cannot delete the main session (%s).", buf_cstr(&home));
    if (rc == 0) rc = check_idle(call, &t);
    if (rc == 0 && t.row) rc = archive(call, t.row, keep ? ARCHIVE_PLAIN : ARCHIVE_DELETED, path);
    if (rc == 0 && t.row) rc = session_delete(call->store, t.row->id);
    buf_text(call->out, "{\"ok\":true");
    buf_json_pair_str(call->out, "key", buf_str(&t.key));
    buf_json_pair_bool(call->out, "deleted", t.row != NULL);
    buf_text(call->out, ",\"archived\":[");
    if (path[0] && !keep) buf_json_str(call->out, str_of(path));
    buf_text(call->out, "]}");
    buf_free(&home);
    let_go(&t);
    return rc;
}

/* --- sessions.compact ----------------------------------------------------------------------------------------------- */

static int cut(struct rpc_call *call, const struct session_row *row, int64_t keep)
{
    char path[ARCHIVE_PATH_MAX] = "";
    int64_t entries = 0;
    int rc = session_entries(call->store, row->id, &entries);
    bool shorter = entries > keep;
    if (rc == 0 && shorter) rc = archive(call, row, ARCHIVE_CUT, path);
    if (rc == 0 && shorter) rc = session_cut(call->store, row->id, keep, call->now_ms);
    buf_json_pair_bool(call->out, "compacted", shorter);
    if (entries == 0) buf_json_pair_str(call->out, "reason", STR("no transcript"));
    if (path[0]) buf_json_pair_str(call->out, "archived", str_of(path));
    if (entries) buf_json_pair_int(call->out, "kept", shorter ? keep : entries);
    return rc;
}

static int sessions_compact(struct rpc_call *call)
{
    struct target t;
    int64_t keep = rpc_int(call, "maxLines", COMPACT_LINES_DEFAULT);
    int rc = find(call, "key", &t);
    if (rc == 0) rc = check_idle(call, &t);
    buf_text(call->out, "{\"ok\":true");
    buf_json_pair_str(call->out, "key", buf_str(&t.key));
    if (rc == 0 && t.row) rc = cut(call, t.row, keep < 1 ? 1 : keep);
    if (!t.row) buf_text(call->out, ",\"compacted\":false,\"reason\":\"no sessionId\"");
    buf_char(call->out, '}');
    let_go(&t);
    return rc;
}

/* --- chat.inject ---------------------------------------------------------------------------------------------------- */

#define NO_USAGE                                                                                                                           \
    "{\"input\":0,\"output\":0,\"cacheRead\":0,\"cacheWrite\":0,\"totalTokens\":0,"                                                        \
    "\"cost\":{\"input\":0,\"output\":0,\"cacheRead\":0,\"cacheWrite\":0,\"total\":0}}"

static void write_injected(const struct rpc_call *call, struct buf *json)
{
    struct buf text = { 0 };
    struct str label = str_trim(rpc_str(call, "label"));
    if (label.n) buf_printf(&text, "[%.*s]\n\n", STR_ARG(label));
    buf_add(&text, rpc_str(call, "message"));
    buf_text(json, "{\"role\":\"assistant\",\"content\":[{\"type\":\"text\"");
    buf_json_pair_str(json, "text", buf_str(&text));
    buf_text(json, "}]");
    buf_json_pair_int(json, "timestamp", call->now_ms);
    buf_text(json, ",\"stopReason\":\"stop\",\"usage\":" NO_USAGE
                   ",\"api\":\"openai-responses\",\"provider\":\"openclaw\",\"model\":\"gateway-injected\"}");
    if (text.err && !json->err) json->err = text.err;
    buf_free(&text);
}

/* The gateway takes `message` for its event and answers the rest. */
static int chat_inject(struct rpc_call *call)
{
    struct target t;
    struct buf json = { 0 };
    int64_t seq = 0;
    int rc = find(call, "sessionKey", &t);
    if (rc == 0 && !t.row) rc = rpc_fail(call, "INVALID_REQUEST", "session not found");
    if (rc == 0) write_injected(call, &json);
    if (rc == 0) rc = json.err;
    if (rc == 0) {
        const struct message_new message = {
            .session = t.row->id, .role = STR("assistant"), .json = buf_str(&json), .now_ms = call->now_ms
        };
        rc = messages_append(call->store, &message, &seq);
    }
    buf_printf(call->out, "{\"ok\":true,\"messageId\":\"%08llx\",\"message\":", (unsigned long long)seq);
    buf_add(call->out, buf_str(&json));
    buf_char(call->out, '}');
    buf_free(&json);
    let_go(&t);
    return rc;
}

const struct rpc_handler store_session_handlers[] = {
    { RPC_sessions_reset, sessions_reset },
    { RPC_sessions_delete, sessions_delete },
    { RPC_sessions_compact, sessions_compact },
    { RPC_chat_inject, chat_inject },
    { RPC_none, NULL },
};
