/** bus/frames.h -- what bus.c, mailbox.c and hub.c share; not for other folders. */
#ifndef BUS_FRAMES_H
#define BUS_FRAMES_H

#include <pthread.h>
#include <stdatomic.h>
#include <zmq.h>

#include "bus/bus.h"

#define BUS_ENDPOINT "inproc://bus"

struct bus {
    void *context;
    pthread_mutex_t lock;   /* over names and mailboxes */
    struct bus_name *names; /* names in use */
    atomic_bool hub_open;
    _Atomic uint64_t forwarded, dead_letters, malformed, mailboxes;
};

/* What a mailbox has counted since its welcome: `taken` leaves out what waits in its set-aside queue. */
struct mailbox_counts {
    uint64_t taken, sent;
};

/** Of the open mailbox of this name. Any thread. @return 0, or GW_ENOENT */
int bus_mailbox_counts(bus_t *bus, const char *name, struct mailbox_counts *out);

struct payload {
    zmq_msg_t frame;
};

/** The code for a failed libzmq call, from errno. */
int frames_err(void);

/** Send body and payload after the address frames. `flags` is ZMQ_DONTWAIT or 0. @return 0 or a code */
int frames_send_message(void *socket, const struct msg *m, const payload_t *payload, struct buf *scratch, int flags);

/** Receive the first frame of a message, waiting up to timeout_ms (-1: for ever, 0: not at all).
 *  @param set_ms  the socket's receive timeout as it is, kept up to date here; -1 on a new socket
 *  @return 0, GW_ETIMEOUT, GW_ECLOSED, GW_ESYS */
int frames_recv_first(void *socket, int *set_ms, int timeout_ms, zmq_msg_t *frame);

/** Receive the frames after the addresses and decode them into *out; drops surplus frames.
 *  @param more  whether a frame follows  @return 0, GW_EBADMSG, or a code of the socket */
int frames_recv_message(void *socket, bool more, struct msg *out);

/** Send one frame holding a NUL-terminated name. */
int frames_send_name(void *socket, const char *name, int flags);

/** Mark bytes that enter or leave libzmq, which ThreadSanitizer cannot see into. */
void frames_mark_sent(zmq_msg_t *frame);
void frames_mark_received(zmq_msg_t *frame);

/** Receive and drop what is left of a message. */
void frames_skip(void *socket, bool more);

#endif
