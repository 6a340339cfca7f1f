/** actors/store_devices.h -- the store's answers to the gateway's questions about devices, inside the group in hand.
 *
 *  In:     device.save, device.load        Out: device.saved, device.row, device.loaded
 *  Thread: the store's */
#ifndef ACTORS_STORE_DEVICES_H
#define ACTORS_STORE_DEVICES_H

#include "bus/bus.h"
#include "store/store.h"

/** device.save. @param out  the answer, to be sent after the commit  @return 0 or the store's GW_E* */
int store_device_save(store_t *store, const struct msg *in, struct msg *out);

/** device.load: the rows are sent at once, device.loaded after the commit. Sent twice when the group had to be repeated.
 *  @return as store_device_save(), or mailbox_send()'s */
int store_device_load(store_t *store, mailbox_t *mailbox, const struct msg *in, struct msg *out);

#endif
