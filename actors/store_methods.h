/** actors/store_methods.h -- methods of clients that write: rpc.call in the store's actor, inside its transaction. */
#ifndef ACTORS_STORE_METHODS_H
#define ACTORS_STORE_METHODS_H

#include "actors/rpc_serve.h"

/** Carry out an rpc.call inside the open group. What a refused call had written is undone.
 *  @return as rpc_serve() */
int store_method(const config_t *config, store_t *store, const struct msg *in, struct rpc_served *out);

#endif
