/** actors/turn_loops.h -- notices that a turn repeats a call without getting anywhere, warns the model, refuses the call, ends the turn.
 *
 *  In:     each tool call and its result     Out: a line for the model, a refusal, the end of the turn
 *  Owns:   nothing: the history is in struct turn
 *  Thread: the session's
 *  Source: OpenClaw's tools.loopDetection; there off by default, here on (DESIGN 9)
 *
 *  A repeat is a call with the same name, arguments and result as an earlier one among the last `historySize`, wherever it stands there:
 *  that covers the same call again and again, polling without news, and two calls in turn. */
#ifndef ACTORS_TURN_LOOPS_H
#define ACTORS_TURN_LOOPS_H

#include "actors/turn_internal.h"
#include "tools/tool.h"

/** Before a call. At the critical threshold it is refused: call->failed and its result say so.
 *  @return 0; GW_ELIMIT at the circuit breaker's: the turn ends, and what it tells is set */
int turn_loops_check(struct turn *t, const struct chat_part *part, struct tool_call *call);

/** After a call: remember it, and warn the model below the result when it repeats itself. */
void turn_loops_note(struct turn *t, const struct chat_part *part, struct buf *result);

#endif
