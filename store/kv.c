#include "store/kv.h"

#include "store/sql.h"

int kv_put(store_t *store, struct str key, struct str value)
{
    int rc = sql_check(store, key, 1, STORE_NAME_MAX, "key");
    if (rc == 0) rc = sql_check(store, value, 0, STORE_VALUE_MAX, "value");
    if (rc != 0) return rc;
    struct query q = query_open(store, SQL_kv_put, "INSERT OR REPLACE INTO kv (key, value) VALUES (?, ?)");
    query_text(&q, key);
    query_blob(&q, value);
    return query_run(&q);
}

int kv_get(store_t *store, struct str key, struct buf *value)
{
    struct query q = query_open(store, SQL_kv_get, "SELECT value FROM kv WHERE key = ?");
    query_text(&q, key);
    int rc = query_row(&q);
    if (rc == 0) rc = sql_refuse(store, GW_ENOENT, "store: no value with this key");
    if (rc == 1) {
        buf_add(value, query_get_text(&q, 0));
        rc = value->err;
    }
    return query_close(&q, rc);
}

int kv_delete(store_t *store, struct str key)
{
    struct query q = query_open(store, SQL_kv_delete, "DELETE FROM kv WHERE key = ?");
    query_text(&q, key);
    return query_run(&q);
}

int kv_each(store_t *store, struct str prefix, kv_fn *fn, void *ctx)
{
    int rc;
    struct query q = query_open(store, SQL_kv_each, "SELECT key, value FROM kv WHERE substr(key, 1, length(?1)) = ?1 ORDER BY key");
    query_text(&q, prefix);
    while ((rc = query_row(&q)) == 1)
        if ((rc = fn(ctx, query_get_text(&q, 0), query_get_text(&q, 1))) != 0) break;
    return query_close(&q, rc);
}
