/* channels/chat_commands_internal.h -- what the files that write answers share.
 *
 * chat_commands.c (which message is one; the lists), chat_settings.c (settings of a session), chat_models.c (models),
 * chat_config.c (the configuration), chat_status.c (what there is to tell). */
#ifndef CHANNELS_CHAT_COMMANDS_INTERNAL_H
#define CHANNELS_CHAT_COMMANDS_INTERNAL_H

#include "base/json_read.h"
#include "channels/chat_commands.h"

typedef void chat_reply_fn(const struct chat_command *command, const struct chat_facts *facts, struct buf *out);

const struct config_agent *chat_agent(const struct chat_facts *facts);

/* chat_settings.c */
bool chat_settings_patch(const struct chat_command *command, const struct chat_facts *facts, json_t *patch);
chat_reply_fn chat_reply_think, chat_reply_verbose, chat_reply_reasoning, chat_reply_usage, chat_reply_exec, chat_reply_send,
    chat_reply_activation, chat_reply_queue;

/* chat_models.c */
bool chat_models_patch(const struct chat_command *command, const struct chat_facts *facts, json_t *patch);
chat_reply_fn chat_reply_model, chat_reply_models;

/* chat_config.c */
chat_reply_fn chat_reply_config, chat_reply_restart;

/* chat_subagents.c */
chat_reply_fn chat_reply_subagents, chat_reply_kill, chat_reply_steer;

/* chat_status.c */
chat_reply_fn chat_reply_status, chat_reply_whoami, chat_reply_context;
struct str chat_thinking(const struct chat_facts *facts); /* the level in force */
struct str chat_queue_mode(const struct chat_facts *facts);

#endif
