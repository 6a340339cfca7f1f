/** store/counts.h -- how much there is, for those who watch. Thread: that of the store given */
#ifndef STORE_COUNTS_H
#define STORE_COUNTS_H

#include "store/store.h"

struct store_counts {
    int64_t sessions, devices;
};

/** @return 0 or GW_EIO, GW_ECORRUPT */
int store_count(store_t *store, struct store_counts *out);

/** @param state  "pending", "sending", "delivered", "failed" */
typedef void store_outbox_fn(void *ctx, struct str channel, const char *state, int64_t count);
int store_count_outbox(store_t *store, store_outbox_fn *fn, void *ctx);

#endif
