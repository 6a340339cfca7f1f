/** tests/fuzz/front.h -- the gateway as it is, with libwebsockets under it, turned by the calling thread: for fuzz targets.
 *
 *  The bus is real; router, query actor and store are scripts (front_others.c) that answer at once. Clients are socket pairs
 *  whose other end goes the way of accepted connections. Nothing ever waits: poll() is replaced in these programs, so that it
 *  is known when the gateway's loop would sleep; the clock of timers can be put forward. A loop that keeps turning without work, an answer
 * that breaks its protocol, a client or a request that is left when all sockets are closed: each ends the program.
 *
 *  Owns:   one gateway at a time, FRONT_CLIENTS_MAX clients; bus and configurations for as long as the process lives
 *  Thread: one; while the first gateway is opened a second one lends its hand to the bus */
#ifndef TESTS_FUZZ_FRONT_H
#define TESTS_FUZZ_FRONT_H

#include "actors/gateway_internal.h"
#include "bus/hub.h"

enum {
    FRONT_CLIENTS_MAX = 4,
    FRONT_KINDS = 8,
    FRONT_SEND_MAX = 160 * 1024, /* bytes sent in one go */
};

#define FRONT_TOKEN "shared-secret" /* of the configurations that ask for one */

enum front_kind { /* bits: how the gateway is configured */
                  FRONT_WITH_TOKEN = 1,
                  FRONT_WITH_BASE = 2, /* basePath /desk; a small bound for bodies */
                  FRONT_WITH_PROXIES =
                      4, /* 127.0.0.1 is a trusted proxy; one more agent and allowed origin; few clients, runs and unsent bytes */
};

void front_open(unsigned kind);
/** Close every client and look whether anything is left, then close the gateway. @param at_once  the other way around */
void front_close(bool at_once);

/** Each takes a client by number, 0 .. FRONT_CLIENTS_MAX - 1; one that is not connected is connected by the first two. */
void front_connect(size_t i, const char *address);
void front_send(size_t i, struct str bytes); /* what the gateway does not take before it would sleep is lost */
void front_half_close(size_t i);
void front_drop(size_t i);
void front_read(size_t i, bool on); /* off: the client does not read */
bool front_is_connected(size_t i);

bool front_round(void);              /* one round of the gateway's loop, and of the scripts. @return false when it would have slept */
void front_rounds(void);             /* until it would sleep */
void front_late(void);               /* every deadline is over */
void front_tell(enum msg_kind kind); /* the router tells the gateway: system.drain, actor.stop */

/* front_others.c: the scripts. Each takes what its mailbox holds. @return true when there was something */
bool front_router(hub_t *hub);
bool front_actor(mailbox_t *mb);
void front_forget_turns(void);

#endif
