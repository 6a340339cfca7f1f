/** actors/query_util.h -- what handlers of the query actor share: JSON pieces, and files written whole or not at all.
 *
 *  Thread: any */
#ifndef ACTORS_QUERY_UTIL_H
#define ACTORS_QUERY_UTIL_H

#include <sys/types.h>

#include "actors/rpc_call.h"

/** Append a value as compact JSON, members in their order. */
void query_json(struct buf *out, const json_t *value);

/** Append `"key":null`, `"key":` number or null below 0, `"key":["a","b"]`, with a comma as buf_json_key() does. */
void query_pair_null(struct buf *out, const char *key);
void query_pair_ms(struct buf *out, const char *key, int64_t ms);
void query_pair_list(struct buf *out, const char *key, const struct str *items, size_t count);

/** The agent of this id, or the default one for an empty id. @return NULL: nobody configured it */
const struct config_agent *query_agent(const struct rpc_call *call, struct str id);

/** Replace a file by `text`: written beside it, flushed to disk, renamed over it. Its folder is made when missing (0700).
 *  @param error  errno of what failed, else 0  @return 0, GW_EDENIED (no permission, read-only), GW_ELIMIT (path), GW_EIO */
int query_write_file(const char *path, struct str text, mode_t mode, int *error);

#endif
