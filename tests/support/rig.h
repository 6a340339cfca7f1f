/** tests/support/rig.h -- a bus, a bare router and the test's own mailbox.
 *
 *  The rig's router forwards, answers router.ping with router.pong `{}` and remembers nothing.
 *  Every wait has a deadline (RIG_WAIT_MS) and fails the test when it passes. */
#ifndef TESTS_SUPPORT_RIG_H
#define TESTS_SUPPORT_RIG_H

#include "bus/bus.h"

enum { RIG_WAIT_MS = 5000 };

typedef struct rig rig_t;

rig_t *rig_start(void);
void rig_stop(rig_t **rig_p); /* stops and joins what was spawned */
bus_t *rig_bus(rig_t *rig);
mailbox_t *rig_mailbox(rig_t *rig); /* named "test" */

/** Start an actor and wait until messages reach it. It is told to stop by rig_stop(). */
void rig_spawn(rig_t *rig, const char *name, actor_fn *fn, void *arg);

/** Ask and wait for the answer; fails the test on an error. The caller clears it. */
struct msg rig_ask(rig_t *rig, const char *to, struct msg question);

/** The next message to the test's mailbox; fails the test when none comes. The caller clears it. */
struct msg rig_next(rig_t *rig);

#endif
