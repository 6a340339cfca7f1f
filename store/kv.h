/** store/kv.h -- single values by name, for what deserves no table.
 *
 *  Owns: table kv                      Thread: the store's owner */
#ifndef STORE_KV_H
#define STORE_KV_H

#include "store/store.h"

/** @param key  1..STORE_NAME_MAX bytes  @param value  any bytes, up to STORE_VALUE_MAX
 *  @return 0, GW_EINVAL, GW_ELIMIT, GW_EIO */
int kv_put(store_t *store, struct str key, struct str value);
/** @param value  appended  @return 0, GW_ENOENT, GW_ENOMEM or GW_ELIMIT (value's bound), GW_EIO */
int kv_get(store_t *store, struct str key, struct buf *value);
/** Harmless when there is none. @return 0, GW_EIO */
int kv_delete(store_t *store, struct str key);

typedef int kv_fn(void *ctx, struct str key, struct str value);
/** Those whose key begins with `prefix`, in order. The callback must not call the store. @return 0, GW_EIO, or what fn returned */
int kv_each(store_t *store, struct str prefix, kv_fn *fn, void *ctx);

#endif
