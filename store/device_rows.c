#include "store/device_rows.h"

#include "store/sql.h"

int device_rows_save(store_t *store, const struct device_row_stored *row)
{
    int rc = sql_check(store, row->id, 1, STORE_NAME_MAX, "device or request id");
    if (rc == 0) rc = sql_check(store, row->json, 1, STORE_DEVICE_MAX, "device");
    if (rc != 0) return rc;
    struct query q = query_open(store, SQL_device_save, "INSERT OR REPLACE INTO devices (kind, id, json) VALUES (?, ?, ?)");
    query_int(&q, row->kind);
    query_text(&q, row->id);
    query_text(&q, row->json);
    return query_run(&q);
}

int device_rows_delete(store_t *store, int64_t kind, struct str id)
{
    struct query q = query_open(store, SQL_device_delete, "DELETE FROM devices WHERE kind = ? AND id = ?");
    query_int(&q, kind);
    query_text(&q, id);
    return query_run(&q);
}

int device_rows_list(store_t *store, int64_t kind, struct str id, int limit, device_row_fn *fn, void *ctx)
{
    int rc = sql_check_limit(store, limit);
    if (rc != 0) return rc;
    struct query q =
        query_open(store, SQL_device_list, "SELECT kind, id, json FROM devices WHERE (kind, id) > (?, ?) ORDER BY kind, id LIMIT ?");
    query_int(&q, kind);
    query_text(&q, id);
    query_int(&q, limit);
    while ((rc = query_row(&q)) == 1) {
        const struct device_row_stored row = { query_get_int(&q, 0), query_get_text(&q, 1), query_get_text(&q, 2) };
        if ((rc = fn(ctx, &row)) != 0) break;
    }
    return query_close(&q, rc);
}
