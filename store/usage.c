#include "store/usage.h"

#include "store/sql.h"

int usage_add(store_t *store, const struct usage_key *key, const struct chat_usage *used)
{
    const struct chat_usage counts = sql_bounded(*used);
    int rc = sql_check(store, key->agent, 0, STORE_NAME_MAX, "agent id");
    if (rc == 0) rc = sql_check(store, key->provider, 0, STORE_NAME_MAX, "provider");
    if (rc == 0) rc = sql_check(store, key->model, 0, STORE_NAME_MAX, "model");
    if (rc != 0) return rc;
    struct query q = query_open(store, SQL_usage_add,
                                "INSERT INTO usage VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET turns = turns + 1, "
                                "input_tokens = input_tokens + excluded.input_tokens, output_tokens = output_tokens + "
                                "excluded.output_tokens, cache_read = cache_read + excluded.cache_read, "
                                "cache_write = cache_write + excluded.cache_write");
    query_int(&q, key->now_ms / USAGE_DAY_MS);
    query_text(&q, key->agent);
    query_text(&q, key->provider);
    query_text(&q, key->model);
    query_int(&q, counts.input);
    query_int(&q, counts.output);
    query_int(&q, counts.cache_read);
    query_int(&q, counts.cache_write);
    return query_run(&q);
}

static void read_row(const struct query *q, struct usage_row *row)
{
    row->day = query_get_int(q, 0);
    row->agent = query_get_text(q, 1);
    row->provider = query_get_text(q, 2);
    row->model = query_get_text(q, 3);
    row->turns = query_get_int(q, 4);
    row->used.input = query_get_int(q, 5);
    row->used.output = query_get_int(q, 6);
    row->used.cache_read = query_get_int(q, 7);
    row->used.cache_write = query_get_int(q, 8);
}

static struct query open_by_day(store_t *store)
{
    return query_open(store, SQL_usage_by_day,
                      "SELECT day, agent, provider, model, turns, input_tokens, output_tokens, cache_read, cache_write FROM usage "
                      "WHERE day BETWEEN ? AND ? ORDER BY day, agent, provider, model LIMIT ? OFFSET ?");
}

static struct query open_sum(store_t *store)
{
    return query_open(store, SQL_usage_sum,
                      "SELECT -1, agent, provider, model, sum(turns), sum(input_tokens), sum(output_tokens), sum(cache_read), "
                      "sum(cache_write) FROM usage WHERE day BETWEEN ? AND ? GROUP BY agent, provider, model "
                      "ORDER BY agent, provider, model LIMIT ? OFFSET ?");
}

int usage_sum(store_t *store, int64_t first_day, int64_t last_day, bool by_day, int64_t after, usage_row_fn *fn, void *ctx)
{
    struct usage_row row;
    int rc;
    struct query q = by_day ? open_by_day(store) : open_sum(store);
    query_int(&q, first_day);
    query_int(&q, last_day);
    query_int(&q, STORE_LIST_MAX);
    query_int(&q, after);
    while ((rc = query_row(&q)) == 1) {
        read_row(&q, &row);
        if ((rc = fn(ctx, &row)) != 0) break;
    }
    return query_close(&q, rc);
}

int usage_prune(store_t *store, int64_t day)
{
    struct query q = query_open(store, SQL_usage_prune, "DELETE FROM usage WHERE day < ?");
    query_int(&q, day);
    return query_run(&q);
}
