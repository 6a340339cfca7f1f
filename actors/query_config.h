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

#endif
