/** store/usage.h -- tokens per day, agent, provider and model.
 *
 *  In:     the usage of a turn         Out: sums through a callback
 *  Owns:   table usage                 Thread: the store's owner
 *
 *  Days are UTC, counted from 1970-01-01 (ms / USAGE_DAY_MS). */
#ifndef STORE_USAGE_H
#define STORE_USAGE_H

#include "base/chat.h"
#include "store/store.h"

#define USAGE_DAY_MS INT64_C(86400000)

struct usage_key {
    struct str agent;
    struct str provider;
    struct str model;
    int64_t now_ms; /* decides the day */
};
struct usage_row {
    int64_t day; /* -1 when days were added up */
    struct str agent;
    struct str provider;
    struct str model;
    int64_t turns;
    struct chat_usage used;
};
typedef int usage_row_fn(void *ctx, const struct usage_row *row);

/** Count one turn. turns_finish() does this. @return 0, GW_ELIMIT, GW_EIO */
int usage_add(store_t *store, const struct usage_key *key, const struct chat_usage *used);

/** Sums of the days first_day..last_day, each agent, provider and model apart, in that order; at most STORE_LIST_MAX rows.
 *  @param by_day  also each day apart, days in order  @param after  rows to pass over
 *  @return 0, GW_EIO, or what fn returned */
int usage_sum(store_t *store, int64_t first_day, int64_t last_day, bool by_day, int64_t after, usage_row_fn *fn, void *ctx);

/** Delete the days before `day`. @return 0, GW_EIO */
int usage_prune(store_t *store, int64_t day);

#endif
