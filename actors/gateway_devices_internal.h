/* actors/gateway_devices_internal.h -- between gateway_devices.c and gateway_devices_rpc.c. */
#ifndef ACTORS_GATEWAY_DEVICES_INTERNAL_H
#define ACTORS_GATEWAY_DEVICES_INTERNAL_H

#include "actors/gateway_devices.h"

/* What follows once a decision is durable, or its storing has failed. */
struct gateway_decision {
    const char *event;  /* static; NULL: none */
    struct buf payload; /* its JSON */
    bool close;         /* the device's connections end */
    char device_id[DEVICE_ID_SIZE];
    char role[DEVICE_WORD_SIZE]; /* empty: of any role */
    const char *reason;          /* static */
};

/** Store what has changed, then carry out the decision, then answer `rq` with `answer`. Takes the decision's payload and the
 *  answer's memory. */
void gateway_devices_decide(struct gateway_request *rq, struct gateway_decision *decision, struct buf *answer);

#endif
