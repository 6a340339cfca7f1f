/** store/cooldowns.h -- which provider keys rest, and until when, across restarts.
 *
 *  Owns: table cooldowns               Thread: the store's owner */
#ifndef STORE_COOLDOWNS_H
#define STORE_COOLDOWNS_H

#include "store/store.h"

struct cooldown_row {
    struct str provider; /* 1..STORE_NAME_MAX */
    struct str failure;  /* class of the last failure (base/failure.def), by name */
    int64_t until_ms;    /* it rests until then */
    int64_t errors;      /* failures in a row */
    int64_t noted_ms;
};
typedef int cooldown_row_fn(void *ctx, const struct cooldown_row *row);

/** Write one, over the earlier one. @return 0, GW_EINVAL, GW_ELIMIT, GW_EIO */
int cooldowns_save(store_t *store, const struct cooldown_row *cooldown);
/** All of them, by provider, at most STORE_LIST_MAX. @return 0, GW_EIO, or what fn returned */
int cooldowns_load(store_t *store, cooldown_row_fn *fn, void *ctx);
/** Forget one; harmless when there is none. @return 0, GW_EIO */
int cooldowns_delete(store_t *store, struct str provider);

#endif
