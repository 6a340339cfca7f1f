/** tests/support/desk.h -- a gateway with a team of agents that may spawn each other, and a person who talks to them over WebSocket.
 *
 *  Owns:   what struct kit owns, one connection and its device
 *  Thread: the one that opened it */
#ifndef TESTS_SUPPORT_DESK_H
#define TESTS_SUPPORT_DESK_H

#include "support/gateway.h"
#include "support/ws_client.h"

struct desk {
    struct kit k;
    struct ws_device device;
    ws_t *ws;
};

/* A tool call of the model's, as JSON for the fake provider. */
#define DESK_SPAWN(id, agent, task, label)                                                                                                 \
    "{\"id\":\"" id "\",\"name\":\"sessions_spawn\",\"arguments\":{\"agentId\":\"" agent "\",\"task\":\"" task "\",\"label\":\"" label     \
    "\"}}"

/** The customer's shape: homelab-admin (the default) may start devops-sre and qa-tester, devops-sre may start qa-tester, which starts
 *  nobody; depth 2, three children each, `at_once` sub-agents at a time. */
void desk_open(struct desk *d, int at_once);
void desk_close(struct desk *d); /* fails the test when the provider saw a request that the real one would refuse */

/** Connect again: after kit_restart(). */
void desk_connect(struct desk *d);
/** kill -9, and wait until it is gone. The connection is closed. */
void desk_kill(struct desk *d);

/** chat.send, which must be taken. */
void desk_say(struct desk *d, const char *session, const char *run, const char *text);
/** Wait for a final answer in a session whose key and text hold these words. @return whether it came within KIT_TURN_MS */
bool desk_heard(struct desk *d, const char *session, const char *words);
/** Wait until a query on the state database gives this number. @return whether it did within KIT_TURN_MS */
bool desk_wait(const struct desk *d, int64_t wanted, const char *sql, ...) __attribute__((format(printf, 3, 4)));
int64_t desk_count(const struct desk *d, const char *sql, ...) __attribute__((format(printf, 2, 3)));
/** How many results of tools have these words. */
int64_t desk_results(const struct desk *d, const char *words);

#endif
