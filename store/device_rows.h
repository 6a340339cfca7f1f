/** store/device_rows.h -- who may connect, across restarts: rows of JSON that the gateway alone reads.
 *
 *  Owns: table devices                 Thread: the store's owner */
#ifndef STORE_DEVICE_ROWS_H
#define STORE_DEVICE_ROWS_H

#include "store/store.h"

enum { STORE_DEVICE_MAX = 65536 }; /* bytes of a row's JSON */

struct device_row_stored {
    int64_t kind;    /* 0 a paired device, 1 a pairing request, 2 a spent one-time token */
    struct str id;   /* 1..STORE_NAME_MAX */
    struct str json; /* 1..STORE_DEVICE_MAX */
};
typedef int device_row_fn(void *ctx, const struct device_row_stored *row);

/** Write one, over the earlier one. @return 0, GW_EINVAL, GW_ELIMIT, GW_EIO */
int device_rows_save(store_t *store, const struct device_row_stored *row);
/** Forget one; harmless when there is none. @return 0, GW_EIO */
int device_rows_delete(store_t *store, int64_t kind, struct str id);
/** Those after (kind, id), in that order; start with -1 and "". @param limit  1..STORE_LIST_MAX
 *  @return 0, GW_ELIMIT, GW_EIO, or what fn returned */
int device_rows_list(store_t *store, int64_t kind, struct str id, int limit, device_row_fn *fn, void *ctx);

#endif
