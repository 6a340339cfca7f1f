/** actors/gateway_commands.h -- messages that are commands (channels/chat_commands.def): done here instead of becoming a turn.
 *
 *  Out:    rpc.call to the store (sessions.patch, sessions.reset, chat.inject) and the query actor (models.list, agents.files.list);
 *          session.quiesce, session.forget; `chat` finals
 *  Thread: the gateway's
 *  Source: reference gateway-protocol 6.2, 6.3, agent-runtime 8; frames slash-cmd-*
 *
 *  The answer is put into the transcript as chat.inject does it and told as the final of the run, right after `started`. `/new` and
 *  `/reset` reset the session as sessions.reset does; what is written behind them, or a greeting, is then the run's turn. A command
 *  is its client's: when that leaves before `started`, what is left of the command is left undone. */
#ifndef ACTORS_GATEWAY_COMMANDS_H
#define ACTORS_GATEWAY_COMMANDS_H

#include "actors/gateway_rpc.h"
#include "channels/chat_commands.h"

/** Do a command. rq->run is its run, which is taken over.
 *  @param params  the request's; kept  @param text  the message that `command` was read from; copied */
void gateway_command_start(struct gateway_request *rq, const json_t *params, struct str text, const struct chat_command *command);

#endif
