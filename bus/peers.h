/** bus/peers.h -- how much the hub has delivered to each mailbox; part of hub.c, not for other folders.
 *
 *  A mailbox counts what it takes and sends (struct bus_name in bus.c, relaxed atomics that only its thread writes); the hub
 *  counts what it delivers. The difference waits in the mailbox: libzmq does not tell the length of its queues.
 *
 *  Bound:  twice the open mailboxes and PEERS_SPARE; those whose mailbox is closed are swept out when that is reached
 *  Thread: the hub's */
#ifndef BUS_PEERS_H
#define BUS_PEERS_H

#include <uthash.h>

#include "bus/bus.h"

enum { PEERS_SPARE = 64, PEERS_RATE_MS = 1000 /* a rate is measured over at least so long */ };

/* A count's pace. */
struct rate {
    uint64_t count; /* at at_ms, when it was last measured */
    int64_t at_ms;
    double per_second; /* in the measure before that */
};

struct peer {
    UT_hash_handle hh;
    uint64_t delivered; /* since its mailbox's hello */
    struct rate rate;
    char name[MSG_NAME_MAX + 1];
};

struct peers {
    struct peer *table;
};

/** A mailbox says hello: its count begins. Nothing is counted for it when memory is out. */
void peers_hello(struct peers *peers, bus_t *bus, const char *name);
/** A message was delivered to it. */
void peers_delivered(struct peers *peers, const char *name);
struct peer *peers_find(struct peers *peers, const char *name); /* NULL: not known */
void peers_free(struct peers *peers);

/** Measure again when the last measure is PEERS_RATE_MS old. @return per second, over the time since the measure before */
double rate_of(struct rate *rate, uint64_t count, int64_t now_ms);

#endif
