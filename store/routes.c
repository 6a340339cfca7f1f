#include "store/routes.h"

#include "store/sql.h"

int routes_set(store_t *store, int64_t session, struct str route, int64_t now_ms)
{
    int rc = sql_check(store, route, 1, STORE_ROUTE_MAX, "route");
    if (rc != 0) return rc;
    struct query q = query_open(store, SQL_route_set,
                                "INSERT INTO session_routes (session, route, updated_ms) VALUES (?, ?, ?) "
                                "ON CONFLICT (session) DO UPDATE SET route = excluded.route, updated_ms = excluded.updated_ms "
                                "WHERE route <> excluded.route");
    query_int(&q, session);
    query_text(&q, route);
    query_int(&q, now_ms);
    return query_run(&q);
}

static int read_text(struct query *q, struct buf *out)
{
    int rc = query_row(q);
    if (rc == 1) {
        buf_add(out, query_get_text(q, 0));
        rc = out->err;
    }
    return query_close(q, rc);
}

int routes_get(store_t *store, struct str session_key, struct buf *route)
{
    struct query q =
        query_open(store, SQL_route_get, "SELECT r.route FROM sessions s JOIN session_routes r ON r.session = s.id WHERE s.key = ?");
    query_text(&q, session_key);
    return read_text(&q, route);
}

int routes_turn_options(store_t *store, int64_t turn, struct buf *options)
{
    struct query q = query_open(store, SQL_turn_options, "SELECT options FROM turn_inputs WHERE turn = ?");
    query_int(&q, turn);
    return read_text(&q, options);
}

int routes_session(store_t *store, struct str route, struct buf *key)
{
    struct query q = query_open(store, SQL_route_session,
                                "SELECT s.key FROM session_routes r JOIN sessions s ON s.id = r.session "
                                "WHERE json_extract(r.route, '$.channel') = json_extract(?1, '$.channel') "
                                "AND json_extract(r.route, '$.to') = json_extract(?1, '$.to') ORDER BY r.updated_ms DESC LIMIT 1");
    query_text(&q, route);
    return read_text(&q, key);
}
