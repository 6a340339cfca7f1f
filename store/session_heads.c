#include "store/session_heads.h"

#include "store/sql.h"

int session_heads(store_t *store, int per_agent, session_head_fn *fn, void *ctx)
{
    int rc = sql_check_limit(store, per_agent);
    if (rc != 0) return rc;
    struct query q =
        query_open(store, SQL_session_heads,
                   "SELECT key, uuid, agent, model, thinking, updated_ms, input_tokens, output_tokens, context_tokens, of_agent FROM "
                   "(SELECT *, row_number() OVER (PARTITION BY agent ORDER BY updated_ms DESC, id DESC) AS place, "
                   "count(*) OVER (PARTITION BY agent) AS of_agent FROM sessions JOIN session_counters ON session = id) "
                   "WHERE place <= ? ORDER BY agent, place");
    query_int(&q, per_agent);
    while ((rc = query_row(&q)) == 1) {
        const struct session_head row = {
            .key = query_get_text(&q, 0),
            .uuid = query_get_text(&q, 1),
            .agent = query_get_text(&q, 2),
            .model = query_get_text(&q, 3),
            .thinking = query_get_text(&q, 4),
            .updated_ms = query_get_int(&q, 5),
            .input_tokens = query_get_int(&q, 6),
            .output_tokens = query_get_int(&q, 7),
            .context_tokens = query_get_int(&q, 8),
            .of_agent = query_get_int(&q, 9),
        };
        if ((rc = fn(ctx, &row)) != 0) break;
    }
    return query_close(&q, rc);
}
