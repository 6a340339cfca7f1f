/** bus/bus.h -- mailboxes and actor threads: the only door to libzmq and pthreads.
 *
 *  A mailbox is a ZeroMQ DEALER connected to the router's ROUTER socket (bus/hub.h). An actor sends
 *  `[to][body][payload]` and receives `[from][body][payload]`; the hub writes `from`, so nobody can forge it.
 *  The payload frame, the message's raw field, is reference-counted: forwarding and keeping never copy it.
 *
 *  Thread: a bus_t may be held by any thread; a mailbox_t is used by the thread that opened it, only. */
#ifndef BUS_BUS_H
#define BUS_BUS_H

#include "msgs/msgs.h"

enum {
    BUS_MAILBOXES_MAX = 16384,    /* open mailboxes in one process */
    BUS_QUEUE_DEFAULT = 1024,     /* messages a mailbox holds before its sender sees GW_EFULL */
    BUS_SEND_TIMEOUT_MS = 1000,   /* how long mailbox_send waits for room towards the router */
    BUS_READY_TIMEOUT_MS = 5000,  /* how long mailbox_open waits for the router's welcome */
    BUS_STASH_MAX = 256,          /* messages set aside while mailbox_ask waits */
    BUS_STACK_BYTES = 512 * 1024, /* of an actor's thread; only touched pages count as memory */
};

typedef struct bus bus_t;         /* the process's bus */
typedef struct mailbox mailbox_t; /* one DEALER */
typedef struct actor actor_t;     /* a running thread; owned by whoever spawned it */
typedef struct payload payload_t; /* a reference to a payload's bytes */

/** Create the bus. @return 0, GW_ENOMEM, GW_ESYS */
int bus_create(bus_t **out);

/** From now on every mailbox and hub call of this bus gives GW_ECLOSED, waiting ones included. Any thread. */
void bus_shutdown(bus_t *bus);

/** Last of all: waits until every mailbox and the hub are closed. */
void bus_destroy(bus_t **bus_p);

/** Open a mailbox and wait until the hub delivers to it.
 *  @param name   1..MSG_NAME_MAX bytes, unique among open mailboxes; given out by the router alone
 *  @param queue  messages it holds; 0: BUS_QUEUE_DEFAULT
 *  @return 0; GW_EEXIST for a name in use; GW_EFULL at BUS_MAILBOXES_MAX; GW_EINVAL for a bad name;
 *          GW_ETIMEOUT when no hub answers; GW_ECLOSED; GW_ESYS */
int mailbox_open(bus_t *bus, const char *name, int queue, mailbox_t **out);
/** One that was never opened: every call on it gives GW_ECLOSED. NULL: memory is out */
mailbox_t *mailbox_closed(void);
void mailbox_close(mailbox_t **mb_p); /* safe on NULL; what it sent before is still delivered */
const char *mailbox_name(const mailbox_t *mb);

/** Queue `m` for actor `to`. `m` stays the caller's; its strings and payload are copied once.
 *  Failing to deliver comes later, as an `error` message with the same corr (never for corr 0).
 *  @return 0; GW_EBADMSG for a field out of range; GW_EFULL after BUS_SEND_TIMEOUT_MS; GW_ECLOSED */
int mailbox_send(mailbox_t *mb, const char *to, const struct msg *m);

/** The same, with a payload that is already counted: nothing is copied. `m`'s own raw field is ignored.
 *  The reference stays the caller's. */
int mailbox_send_payload(mailbox_t *mb, const char *to, const struct msg *m, const payload_t *payload);

/** Wait up to timeout_ms (-1: for ever). On 0 the caller owns *out: msg_clear(out).
 *  Messages set aside by mailbox_ask come first.
 *  @return 0, GW_ETIMEOUT, GW_EBADMSG (logged; *out is empty), GW_ECLOSED */
int mailbox_recv(mailbox_t *mb, int timeout_ms, struct msg *out);

/** A descriptor for foreign loops. It is edge-triggered: when it fires, after every send and before the
 *  first wait, receive with timeout 0 until GW_ETIMEOUT. */
int mailbox_fd(mailbox_t *mb);

/** For straight-line actors: send `q` with a fresh corr and wait for its answer. Other messages are set aside
 *  (BUS_STASH_MAX, then answered with GW_EFULL). A turn.cancel or actor.stop that arrives ends the wait, and
 *  stays to be received.
 *  @return 0, then the caller owns *answer; GW_ETIMEOUT, GW_EABORTED, GW_ECLOSED, GW_EBADMSG, or the code of an
 *          `error` answer */
int mailbox_ask(mailbox_t *mb, const char *to, const struct msg *q, int timeout_ms, struct msg *answer);

/** A corr that this mailbox has not used. Never 0. */
uint64_t mailbox_corr(mailbox_t *mb);

/** Keep the payload of a received message beyond msg_clear(). @return NULL when it has none or memory is out */
payload_t *payload_keep(const struct msg *m);

/** Take over `bytes`, allocated with malloc. @return NULL when memory is out (bytes is then freed) */
payload_t *payload_take(char *bytes, size_t n);
payload_t *payload_share(const payload_t *p); /* another reference to the same bytes */
struct str payload_bytes(const payload_t *p); /* borrowed; empty for NULL */
void payload_free(payload_t **p_p);           /* safe on NULL */

struct post { /* where a step sends: a mailbox in production, a recorder in tests */
    int (*send)(void *ctx, const char *to, const struct msg *m);
    void *ctx;
};

/** One step: message in, any number out. A returned GW_E* becomes an `error` answer to `in`. */
typedef int step_fn(void *self, const struct msg *in, const struct post *post);

/** The receive loop: until actor.stop or shutdown. @return 0, or what mailbox_recv could not recover from */
int serve(mailbox_t *mb, void *self, step_fn *step);

typedef int actor_fn(mailbox_t *mb, void *arg); /* a thread's body; owns arg; returns 0 or GW_E* */

/** Start a thread with a mailbox of this name; the hub's owner hears actor.hello when it is ready and actor.ended
 *  when `fn` has returned.
 *  @param queue as for mailbox_open
 *  @return 0; GW_ESYS when no thread can be made (arg stays the caller's) */
int actor_spawn(bus_t *bus, const char *name, int queue, actor_fn *fn, void *arg, actor_t **out);

/** Wait for the thread's end and free it. Whoever spawns, joins; the router only after actor.ended. */
void actor_join(actor_t **actor_p);

/** Counters of the whole bus, for /metrics. Any thread. */
struct bus_counts {
    uint64_t forwarded;    /* messages the hub passed on */
    uint64_t dead_letters; /* messages for a full or absent mailbox */
    uint64_t malformed;    /* messages that could not be read */
    uint64_t mailboxes;    /* open now */
};
struct bus_counts bus_counts(bus_t *bus);

#endif
