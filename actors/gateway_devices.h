#ifndef X_GD
#define X_GD
#include "actors/gateway_internal.h"
#include "channels/devices.h"
devices_t *gateway_devices(struct gateway *gw);
struct str gateway_devices_bootstrap(struct gateway *gw);
#endif
