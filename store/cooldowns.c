#include "store/cooldowns.h"

#include "store/sql.h"

int cooldowns_save(store_t *store, const struct cooldown_row *c)
{
    int rc = sql_check(store, c->provider, 1, STORE_NAME_MAX, "provider");
    if (rc == 0) rc = sql_check(store, c->failure, 0, STORE_NAME_MAX, "failure class");
    if (rc != 0) return rc;
    struct query q = query_open(store, SQL_cooldown_save,
                                "INSERT OR REPLACE INTO cooldowns (provider, failure, until_ms, errors, noted_ms) VALUES (?, ?, ?, ?, ?)");
    query_text(&q, c->provider);
    query_text(&q, c->failure);
    query_int(&q, c->until_ms);
    query_int(&q, c->errors);
    query_int(&q, c->noted_ms);
    return query_run(&q);
}

int cooldowns_load(store_t *store, cooldown_row_fn *fn, void *ctx)
{
    int rc;
    struct query q = query_open(store, SQL_cooldown_load,
                                "SELECT provider, failure, until_ms, errors, noted_ms FROM cooldowns ORDER BY provider LIMIT ?");
    query_int(&q, STORE_LIST_MAX);
    while ((rc = query_row(&q)) == 1) {
        const struct cooldown_row row = {
            .provider = query_get_text(&q, 0),
            .failure = query_get_text(&q, 1),
            .until_ms = query_get_int(&q, 2),
            .errors = query_get_int(&q, 3),
            .noted_ms = query_get_int(&q, 4),
        };
        if ((rc = fn(ctx, &row)) != 0) break;
    }
    return query_close(&q, rc);
}

int cooldowns_delete(store_t *store, struct str provider)
{
    struct query q = query_open(store, SQL_cooldown_delete, "DELETE FROM cooldowns WHERE provider = ?");
    query_text(&q, provider);
    return query_run(&q);
}
