#include "store/counts.h"

#include "store/deliveries.h"
#include "store/sql.h"

int store_count(store_t *store, struct store_counts *out)
{
    int rc = sql_read_int(store, "SELECT count(*) FROM sessions", &out->sessions);
    return rc ? rc : sql_read_int(store, "SELECT count(*) FROM devices", &out->devices);
}

int store_count_outbox(store_t *store, store_outbox_fn *fn, void *ctx)
{
    static const char *const STATES[] = { "pending", "sending", "delivered", "failed" }; /* by enum delivery_state */
    int rc;
    struct query q = query_open(store, SQL_delivery_counts, "SELECT channel, state, count(*) FROM deliveries GROUP BY channel, state");
    while ((rc = query_row(&q)) == 1) {
        int64_t state = query_get_int(&q, 1);
        if (state >= 0 && state < 4) fn(ctx, query_get_text(&q, 0), STATES[state], query_get_int(&q, 2));
    }
    return query_close(&q, rc);
}
