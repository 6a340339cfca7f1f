/* query_summary.c -- the sessions' part of health and status. */
#include "actors/query_sessions.h"
#include "actors/session_list.h"
#include "actors/session_view.h"

static int read_recent(const struct rpc_call *call, struct str agent, int64_t limit, struct session_list *out)
{
    const struct session_wish wish = { .agent = agent, .global = agent.n == 0, .unknown = agent.n == 0, .limit = limit };
    return session_list_read(call->config, call->store, &wish, out);
}

int query_sessions_summary(const struct rpc_call *call, struct str agent, struct buf *out)
{
    struct session_list list = { 0 };
    int64_t count = 0;
    int rc = sessions_count_listed(call->store, agent, &count);
    if (rc == 0) rc = read_recent(call, agent, QUERY_RECENT_HEALTH, &list);
    buf_char(out, '{');
    buf_json_pair_str(out, "path", str_of(store_path(call->store)));
    buf_json_pair_int(out, "count", count);
    buf_json_key(out, "recent");
    buf_char(out, '[');
    for (size_t i = 0; i < list.count; i++) {
        const struct session_row *row = list.rows[i];
        buf_json_comma(out);
        buf_char(out, '{');
        buf_json_pair_str(out, "key", row->key);
        buf_json_pair_int(out, "updatedAt", row->updated_ms);
        buf_json_pair_int(out, "age", call->now_ms > row->updated_ms ? call->now_ms - row->updated_ms : 0);
        buf_char(out, '}');
    }
    buf_text(out, "]}");
    session_list_free(&list);
    return rc ? rc : out->err;
}

static int write_recent(const struct rpc_call *call, struct str agent, bool admin, struct buf *out)
{
    struct session_list list = { 0 };
    int rc = admin ? read_recent(call, agent, QUERY_RECENT_STATUS, &list) : 0;
    buf_json_key(out, "recent");
    buf_char(out, '[');
    for (size_t i = 0; i < list.count; i++) {
        struct session_view view;
        buf_json_comma(out);
        session_view_open(&view, call->config, list.rows[i]);
        session_view_status_row(&view, call->now_ms, out);
        session_view_close(&view);
    }
    buf_char(out, ']');
    session_list_free(&list);
    return rc;
}

static int write_agent(const struct rpc_call *call, struct str agent, bool admin, struct buf *out)
{
    int64_t count = 0;
    int rc = sessions_count_listed(call->store, agent, &count);
    buf_json_comma(out);
    buf_char(out, '{');
    buf_json_pair_str(out, "agentId", agent);
    buf_json_pair_str(out, "path", admin ? str_of(store_path(call->store)) : STR("[redacted]"));
    buf_json_pair_int(out, "count", count);
    if (rc == 0) rc = write_recent(call, agent, admin, out);
    buf_char(out, '}');
    return rc;
}

static void write_defaults(const struct rpc_call *call, bool admin, struct buf *out)
{
    int64_t window;
    struct model_ref model = session_view_default_model(call->config, config_agent_default(call->config)->id, &window);
    buf_json_key(out, "defaults");
    if (!admin) {
        buf_text(out, "{\"model\":null,\"contextTokens\":null}");
        return;
    }
    buf_char(out, '{');
    buf_json_pair_str(out, "model", model.model);
    buf_json_pair_int(out, "contextTokens", window);
    buf_char(out, '}');
}

int query_sessions_status(const struct rpc_call *call, struct buf *out)
{
    bool admin = call->flags & RPC_CALL_ADMIN;
    int64_t count = 0;
    int rc = sessions_count_listed(call->store, STR(""), &count);
    buf_char(out, '{');
    buf_json_key(out, "paths");
    buf_char(out, '[');
    if (admin) buf_json_str(out, str_of(store_path(call->store)));
    buf_char(out, ']');
    buf_json_pair_int(out, "count", count);
    write_defaults(call, admin, out);
    if (rc == 0) rc = write_recent(call, STR(""), admin, out);
    buf_json_key(out, "byAgent");
    buf_char(out, '[');
    for (size_t i = 0; i < config_agent_count(call->config) && rc == 0; i++)
        rc = write_agent(call, config_agent_at(call->config, i)->id, admin, out);
    buf_text(out, "]}");
    return rc ? rc : out->err;
}
