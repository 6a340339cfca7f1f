/** actors/gateway_heartbeat.h -- agents that look after things by themselves, every so often.
 *
 *  In:     the clock, `wake`, set-heartbeats; agents.files.get and turns, as their answers come
 *  Out:    turn.submit for the agent's main session; events `heartbeat`
 *  Owns:   one timer, and a beat for each agent that has one
 *  Thread: the gateway's
 *  Source: reference agent-runtime 2 and 10, event-heartbeat
 *
 *  A beat reads HEARTBEAT.md first: without one, or when it asks for nothing, no model is called, unless somebody woke the agent.
 *  One at a time of an agent; what comes due meanwhile is left out. What it finds goes to heartbeat.target: the turn carries the
 *  route, so that the text is in the outbox in the same commit that ends the turn. */
#ifndef ACTORS_GATEWAY_HEARTBEAT_H
#define ACTORS_GATEWAY_HEARTBEAT_H

#include "actors/gateway_internal.h"

int gateway_heartbeat_create(struct gateway *gw); /* @return 0 or GW_ENOMEM */
void gateway_heartbeat_rest(struct gateway *gw);  /* before the loop is taken down: its timer goes */
void gateway_heartbeat_destroy(struct gateway *gw);

/** The configuration has changed: agents, intervals. Beats that go on keep their time when their interval is the same. */
void gateway_heartbeat_take_config(struct gateway *gw);

/** The default agent is to look now, whatever its interval; it sees the system events that wait. */
void gateway_heartbeat_wake(struct gateway *gw);

/** An answer to one of its questions. @return whether it was */
bool gateway_heartbeat_message(struct gateway *gw, const struct msg *in);

#endif
