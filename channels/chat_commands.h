/** channels/chat_commands.h -- messages that are commands: which they are, what they change, what is answered.
 *
 *  In:     a message; for its answer the session's entry and what else chat_command_needs() names
 *  Out:    members for sessions.patch, and the text of the answer
 *  Owns:   nothing                     Thread: any
 *  Source: reference agent-runtime 8, frames slash-cmd-*.json
 *
 *  A message that begins with a slash and is none of chat_commands.def is one for the model. `/new` and `/reset` are answered by
 *  the model, too: what they mean is the gateway's to do. */
#ifndef CHANNELS_CHAT_COMMANDS_H
#define CHANNELS_CHAT_COMMANDS_H

#include <jansson.h>

#include "base/buf.h"
#include "base/config.h"

enum chat_command_id {
    CHAT_COMMAND_none,
#define COMMAND(id, name, aliases, group, takes, needs, line) CHAT_COMMAND_##id,
#include "channels/chat_commands.def"
#undef COMMAND
    CHAT_COMMAND_COUNT
};

enum chat_command_need { CHAT_NEEDS_NONE, CHAT_NEEDS_MODELS, CHAT_NEEDS_FILES, CHAT_NEEDS_SUBAGENTS, CHAT_NEEDS_CONFIG, CHAT_NEEDS_SKILLS };

enum { CHAT_REPLY_MAX = 32 * 1024 }; /* bytes of an answer; the rest of a list is counted, not shown */

struct chat_command {
    enum chat_command_id id;
    struct str args; /* what stands behind the name, trimmed; borrowed from the message */
};

/** @return whether the message is a command; else `out` is CHAT_COMMAND_none */
bool chat_command_parse(struct str message, struct chat_command *out);

/** The same with the words of session.resetTriggers for `/new`, when they are set. */
bool chat_command_read(const config_t *config, struct str message, struct chat_command *out);

/** What is said to somebody who may not give a command. */
#define CHAT_NOT_AUTHORIZED "You are not authorized to use this command."

/** What has to be asked for before those below; nothing of a command that is switched off. */
enum chat_command_need chat_command_needs(const config_t *config, enum chat_command_id id);

/** Whether somebody of a channel, who may give commands there, is an owner: commands.ownerAllowFrom (`id`, `channel:id`, `*`) has
 *  him, or names nobody. */
bool chat_is_owner(const config_t *config, struct str channel, struct str sender);

struct chat_facts {
    const config_t *config;
    struct str session_key;         /* canonical */
    struct str client_id;           /* who asks */
    const char *version, *release;  /* that it stands in for, and its own */
    size_t waiting;                 /* messages that wait in the session */
    const json_t *entry, *resolved; /* of sessions.patch; NULL: not known */
    const json_t *models;           /* an array, or NULL */
    const json_t *files;            /* an array, or NULL */
    const json_t *subagents;        /* of subagents.list, or NULL */
    const json_t *skills;           /* of skills.status, or NULL */
    const json_t *settings;         /* the answer of config.get, or NULL */
    bool owner;                     /* who asks may change the configuration */
    struct str refusal;             /* the store's, of what chat_command_patch() asked for; empty: it is done */
    bool patched;                   /* it was asked for and done: `entry` is the new one */
};

/** What a command changes of its session. @param patch  members are added
 *  @return whether there is anything to change */
bool chat_command_patch(const struct chat_command *command, const struct chat_facts *facts, json_t *patch);

/** What a command changes of the configuration. @param params  of config.patch: members are added
 *  @return whether there is anything to change, by somebody who may */
bool chat_command_config(const struct chat_command *command, const struct chat_facts *facts, json_t *params);

/** Whether the configuration has to be read again when the answer is given. */
bool chat_command_reloads(const struct chat_command *command, const struct chat_facts *facts);

/** Append the answer. Nothing is appended when there is none to give. */
void chat_command_reply(const struct chat_command *command, const struct chat_facts *facts, struct buf *out);

/** The answer to `/compact`, which a turn gives: it asks a model. @param compacted  false: there was nothing to sum up
 *  @param before  tokens of the context then  @param after  now  @param window  the most */
void chat_command_compacted(bool compacted, int64_t before, int64_t after, int64_t window, struct buf *out);

/** The running sub-agents that a command ends: `fn` gets the session key of each, before its answer is written. */
typedef void chat_kill_fn(void *ctx, struct str session_key);
void chat_command_kills(const struct chat_command *command, const struct chat_facts *facts, chat_kill_fn *fn, void *ctx);

/** The model that a word means: a reference, an alias, or the name of one that is listed.
 *  @param ref  appended: provider/model  @return whether it may be used, as far as can be seen here */
bool chat_command_model(const struct chat_facts *facts, struct str word, struct buf *ref);

/** True when a word may mean a model: then models.list is worth asking (`/new <model> text`). */
bool chat_command_model_like(const config_t *config, struct str word);

/** What a model is told after a bare `/new` or `/reset`. */
struct str chat_command_greeting(void);

struct str chat_word(struct str *rest); /* the next word; `rest` loses it */

/** The decision and the id of `/approve <id> <decision>` in either order. @return false: it is told how to write it */
bool chat_command_approval(struct str args, struct str *id, struct str *decision);

#endif
