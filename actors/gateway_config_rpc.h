/** actors/gateway_config_rpc.h -- config.set, config.patch, config.apply: the query actor writes, the reload actor reads at once.
 *
 *  Thread: the gateway's
 *  Source: reference gateway-protocol 7 */
#ifndef ACTORS_GATEWAY_CONFIG_RPC_H
#define ACTORS_GATEWAY_CONFIG_RPC_H

#include "actors/gateway_rpc.h"

extern const struct gateway_rpc_handler gateway_config_handlers[];

#endif
