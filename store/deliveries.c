#include "store/deliveries.h"

#include "store/sql.h"

#define COLUMNS "id, state, turn, session, attempts, next_ms, parts, created_ms, channel, target, payload, nonce, last_error"

static void read_row(const struct query *q, struct delivery_row *row)
{
    int i = 0;
    row->id = query_get_int(q, i++);
    row->state = (enum delivery_state)query_get_int(q, i++);
    row->turn = query_get_int(q, i++);
    row->session = query_get_int(q, i++);
    row->attempts = query_get_int(q, i++);
    row->next_ms = query_get_int(q, i++);
    row->parts = query_get_int(q, i++);
    row->created_ms = query_get_int(q, i++);
    row->channel = query_get_text(q, i++);
    row->target = query_get_text(q, i++);
    row->payload = query_get_text(q, i++);
    row->nonce = query_get_text(q, i++);
    row->last_error = query_get_text(q, i++);
}

static int check(store_t *store, const struct delivery_new *d)
{
    int rc = sql_check(store, d->channel, 1, STORE_NAME_MAX, "channel");
    if (rc == 0) rc = sql_check(store, d->target, 0, STORE_ROUTE_MAX, "delivery target");
    if (rc == 0) rc = sql_check(store, d->payload, 1, STORE_PAYLOAD_MAX, "delivery payload");
    if (rc == 0) rc = sql_check(store, d->nonce, 1, STORE_NAME_MAX, "nonce");
    return rc;
}

static int find_nonce(store_t *store, struct str nonce, int64_t *id)
{
    struct query q = query_open(store, SQL_delivery_by_nonce, "SELECT id FROM deliveries WHERE nonce = ?");
    query_text(&q, nonce);
    return query_run_int(&q, id);
}

int deliveries_add(store_t *store, const struct delivery_new *delivery, int64_t *id)
{
    *id = 0;
    int rc = check(store, delivery);
    if (rc != 0) return rc;
    struct query q = query_open(store, SQL_delivery_insert,
                                "INSERT INTO deliveries (state, turn, session, next_ms, created_ms, updated_ms, channel, target, nonce, "
                                "payload) VALUES (0, ?, ?, ?3, ?3, ?3, ?, ?, ?, ?)");
    query_int(&q, delivery->turn);
    query_int(&q, delivery->session);
    query_int(&q, delivery->now_ms);
    query_text(&q, delivery->channel);
    query_text(&q, delivery->target);
    query_text(&q, delivery->nonce);
    query_blob(&q, delivery->payload);
    rc = query_run(&q);
    if (rc == 0) *id = sqlite3_last_insert_rowid(store->db);
    if (rc != GW_EEXIST) return rc;
    int found = find_nonce(store, delivery->nonce, id);
    return found == 0 ? rc : found;
}

int deliveries_due(store_t *store, struct str channel, int64_t now_ms, int limit, delivery_row_fn *fn, void *ctx)
{
    struct delivery_row row;
    int rc = sql_check_limit(store, limit);
    if (rc != 0) return rc;
    struct query q = query_open(store, SQL_delivery_due,
                                "SELECT " COLUMNS " FROM deliveries WHERE state = 0 AND channel = ? AND next_ms <= ? "
                                "ORDER BY id LIMIT ?");
    query_text(&q, channel);
    query_int(&q, now_ms);
    query_int(&q, limit);
    while ((rc = query_row(&q)) == 1) {
        read_row(&q, &row);
        if ((rc = fn(ctx, &row)) != 0) break;
    }
    return query_close(&q, rc);
}

int deliveries_next_ms(store_t *store, struct str channel, int64_t *next_ms)
{
    struct query q =
        query_open(store, SQL_delivery_next, "SELECT ifnull(min(next_ms), -1) FROM deliveries WHERE state = 0 AND channel = ?");
    query_text(&q, channel);
    return query_run_int(&q, next_ms);
}

int deliveries_get(store_t *store, int64_t id, delivery_row_fn *fn, void *ctx)
{
    struct delivery_row row;
    struct query q = query_open(store, SQL_delivery_get, "SELECT " COLUMNS " FROM deliveries WHERE id = ?");
    query_int(&q, id);
    int rc = query_row(&q);
    if (rc == 0) rc = sql_refuse(store, GW_ENOENT, "store: no delivery %lld", (long long)id);
    if (rc == 1) {
        read_row(&q, &row);
        rc = fn(ctx, &row);
    }
    return query_close(&q, rc);
}

int deliveries_claim(store_t *store, int64_t id, int64_t now_ms)
{
    struct query q = query_open(store, SQL_delivery_claim,
                                "UPDATE deliveries SET state = 1, attempts = attempts + 1, updated_ms = ? WHERE id = ? AND state = 0");
    query_int(&q, now_ms);
    query_int(&q, id);
    return query_run_one(&q);
}

int deliveries_mark(store_t *store, int64_t id, int64_t now_ms)
{
    struct query q = query_open(store, SQL_delivery_mark, "UPDATE deliveries SET state = 2, payload = x'', updated_ms = ? WHERE id = ?");
    query_int(&q, now_ms);
    query_int(&q, id);
    return query_run_one(&q);
}

int deliveries_fail(store_t *store, int64_t id, int64_t next_ms, struct str error, int64_t now_ms)
{
    struct query q = query_open(store, SQL_delivery_fail,
                                "UPDATE deliveries SET state = CASE WHEN ?1 < 0 THEN 3 ELSE 0 END, next_ms = max(?1, 0), last_error = ?2, "
                                "updated_ms = ?3 WHERE id = ?4 AND state < 2");
    query_int(&q, next_ms);
    query_text(&q, str_utf8_prefix(error, STORE_TEXT_MAX));
    query_int(&q, now_ms);
    query_int(&q, id);
    return query_run_one(&q);
}

int deliveries_recover(store_t *store, struct str channel, int64_t now_ms, int64_t *count)
{
    if (count) *count = 0;
    struct query q = query_open(store, SQL_delivery_recover,
                                "UPDATE deliveries SET state = 0, updated_ms = ?1 WHERE state = 1 AND (?2 = '' OR channel = ?2)");
    query_int(&q, now_ms);
    query_text(&q, channel);
    int rc = query_run(&q);
    if (rc == 0 && count) *count = sqlite3_changes64(store->db);
    return rc;
}

int deliveries_set_parts(store_t *store, int64_t id, int64_t parts, int64_t now_ms)
{
    struct query q = query_open(store, SQL_delivery_parts, "UPDATE deliveries SET parts = ?, updated_ms = ? WHERE id = ?");
    query_int(&q, parts);
    query_int(&q, now_ms);
    query_int(&q, id);
    return query_run_one(&q);
}

int deliveries_prune(store_t *store, int64_t before_ms, int limit, int64_t *count)
{
    *count = 0;
    int rc = sql_check_limit(store, limit);
    if (rc != 0) return rc;
    struct query q = query_open(store, SQL_delivery_prune,
                                "DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries ORDER BY id LIMIT ?) "
                                "AND state >= 2 AND updated_ms < ?");
    query_int(&q, limit);
    query_int(&q, before_ms);
    rc = query_run(&q);
    if (rc == 0) *count = sqlite3_changes64(store->db);
    return rc;
}
