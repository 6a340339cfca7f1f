#include "store/session_usage.h"

#include "store/sql.h"

static void bind(struct query *q, const struct session_span *span)
{
    query_int(q, span->session);
    query_int(q, span->from_ms);
    query_int(q, span->to_ms);
}

int session_turns(store_t *store, const struct session_span *span, session_turn_fn *fn, void *ctx)
{
    int rc;
    /* From the session's messages to its turns: turns have no index on their session. */
    struct query q = query_open(store, SQL_message_turns,
                                "SELECT b.started_ms, e.ended_ms, e.state, e.model_asked, e.model_answered, e.input_tokens, "
                                "e.output_tokens, e.cache_read, e.cache_write FROM messages m CROSS JOIN turn_starts b ON b.turn = m.turn "
                                "AND b.user_seq = m.seq CROSS JOIN turn_ends e ON e.turn = m.turn "
                                "WHERE m.session = ? AND m.created_ms BETWEEN ? AND ? ORDER BY m.seq");
    bind(&q, span);
    while ((rc = query_row(&q)) == 1) {
        const struct session_turn_row row = { .started_ms = query_get_int(&q, 0),
                                              .ended_ms = query_get_int(&q, 1),
                                              .state = query_get_int(&q, 2),
                                              .model_asked = query_get_text(&q, 3),
                                              .model_answered = query_get_text(&q, 4),
                                              .used = { query_get_int(&q, 5), query_get_int(&q, 6), query_get_int(&q, 7),
                                                        query_get_int(&q, 8) } };
        if ((rc = fn(ctx, &row)) != 0) break;
    }
    return query_close(&q, rc);
}

int session_days(store_t *store, const struct session_span *span, session_day_fn *fn, void *ctx)
{
    int rc;
    struct query q = query_open(store, SQL_message_by_day,
                                "SELECT created_ms / 86400000 AS day, role, count(*), min(created_ms), max(created_ms) FROM messages "
                                "WHERE session = ? AND created_ms BETWEEN ? AND ? AND kind = 0 GROUP BY day, role ORDER BY day, role");
    bind(&q, span);
    while ((rc = query_row(&q)) == 1) {
        const struct session_day_row row = { .day = query_get_int(&q, 0),
                                             .role = query_get_text(&q, 1),
                                             .entries = query_get_int(&q, 2),
                                             .first_ms = query_get_int(&q, 3),
                                             .last_ms = query_get_int(&q, 4) };
        if ((rc = fn(ctx, &row)) != 0) break;
    }
    return query_close(&q, rc);
}

int session_tools(store_t *store, const struct session_span *span, session_tool_fn *fn, void *ctx)
{
    int rc;
    struct query q =
        query_open(store, SQL_message_tools,
                   "SELECT ifnull(iif(json_valid(json), json_extract(json, '$.toolName'), NULL), '') AS name, count(*) AS calls "
                   "FROM messages WHERE session = ? AND created_ms BETWEEN ? AND ? AND role = 'toolResult' "
                   "GROUP BY name ORDER BY calls DESC, name");
    bind(&q, span);
    while ((rc = query_row(&q)) == 1) {
        const struct session_tool_row row = { query_get_text(&q, 0), query_get_int(&q, 1) };
        if ((rc = fn(ctx, &row)) != 0) break;
    }
    return query_close(&q, rc);
}
