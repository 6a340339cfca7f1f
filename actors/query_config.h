/** actors/query_config.h -- the config.* methods: what the file says, what it may say, and changes to it.
 *
 *  In:     struct rpc_call of config.get, config.schema, config.validate, config.set, config.patch, config.apply
 *  Out:    the result; the file, with backups and an audit line (base/config_write.h)
 *  Owns:   nothing; each call reads the file anew
 *  Thread: the query actor's, so that one change is done before the next begins
 *  Source: reference gateway-protocol 7, frames rpc-config.* */
#ifndef ACTORS_QUERY_CONFIG_H
#define ACTORS_QUERY_CONFIG_H

#include "actors/rpc_call.h"

extern const struct rpc_handler query_config_handlers[];

/* A change of the file by a method that is not config.*: no hash guards it, as it names what it changes. */
struct query_config_edit {
    struct rpc_call *call;
    /** Append the file's new text. @param now  the file as it is, or what is in force when there is none
     *  @return 0, what rpc_fail() returned, or GW_E* with its reason in `why` (CONFIG_EDIT_WHY_MAX bytes) */
    int (*change)(struct query_config_edit *edit, struct str text, const config_t *now, struct buf *out, char *why);
    /** See what comes of it before it is written: append the result, or refuse. @return 0, or what rpc_fail() returned */
    int (*accept)(struct query_config_edit *edit, const config_t *now, const config_t *then);
};

/** @return as a handler; after a failure the file is as it was */
int query_config_edit(struct query_config_edit *edit);

#endif
