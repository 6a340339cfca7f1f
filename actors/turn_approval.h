/** actors/turn_approval.h -- whether a command of a turn may run: by the rules, or because a person says so.
 *
 *  In:     tools.exec.security and ask (of the agent, or of all), the same in exec-approvals.json, the call's own; the stricter wins
 *  Out:    yes, or the call's answer; exec.approve to the gateway; `allow always` is written through exec.approvals.set
 *  Owns:   nothing beyond the call
 *  Thread: the session's. While a person is asked, the turn holds no permit
 *  Source: reference gateway-protocol 7 (exec.approvals.*, exec.approval.*); OpenClaw's docs, "Exec approvals" */
#ifndef ACTORS_TURN_APPROVAL_H
#define ACTORS_TURN_APPROVAL_H

#include "actors/turn_tools.h"

/** @param folder       where the command starts, absolute
 *  @param environment  what it gets: NAME=value, a NUL after each
 *  @param allowed      receives whether it may run; when not, the call has its answer
 *  @return 0; GW_EABORTED, GW_ECLOSED, GW_ENOMEM, GW_ETIMEOUT of the turn: it ends */
int turn_approve_command(struct turn *t, struct tool_call *call, const char *folder, struct str environment, bool *allowed);

#endif
