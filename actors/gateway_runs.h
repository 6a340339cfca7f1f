/** actors/gateway_runs.h -- runs of WebSocket clients: chat.send, chat.abort, agent, agent.wait, and the events of every run.
 *
 *  In:     turn.accepted, turn.started, turn.refused, turn.delta, turn.done
 *  Out:    turn.submit, turn.abort; `agent` and `chat` events to all clients
 *  Owns:   the runs that have not ended, and a word about the last GATEWAY_RUNS_KEPT that have
 *  Thread: the gateway's
 *  Source: reference gateway-protocol 6.2 to 6.5
 *
 *  A run belongs to nobody: when the client that sent it leaves, it goes on, and whoever is there hears its events. Its text is
 *  told whole each time, at most once in GATEWAY_DELTA_MS, the first at once and the last words before its end. */
#ifndef ACTORS_GATEWAY_RUNS_H
#define ACTORS_GATEWAY_RUNS_H

#include "actors/gateway_internal.h"

struct gateway_run; /* gateway_runs_internal.h */

int gateway_runs_create(struct gateway *gw); /* @return 0 or GW_ENOMEM */
void gateway_runs_rest(struct gateway *gw);  /* before the loop is taken down: their timers go */
void gateway_runs_destroy(struct gateway *gw);

/** A message about a run. @return whether it was */
bool gateway_runs_message(struct gateway *gw, const struct msg *in);

/** Follow a turn that came over HTTP, so that WebSocket clients hear of it, too; only when there are any.
 *  @return NULL when there are none, or memory is out. The run is freed by gateway_run_end() */
struct gateway_run *gateway_run_follow(struct gateway *gw, struct str run_id, struct str session_key);
void gateway_run_delta(struct gateway_run *run, const struct msg_turn_delta *d);
void gateway_run_end(struct gateway_run *run, const struct msg_turn_done *d);
/** It will not be heard of any more; as when its client left. */
void gateway_run_lost(struct gateway_run *run);

#endif
