/** channels/session_key.h -- the names of conversations: what a client may call one, and what it is called here.
 *
 *  In:     the key that a client sent, the default agent, the configured main key
 *  Out:    `agent:<agentId>:<rest>`, the only form that the store and the router see
 *  Owns:   nothing                     Thread: any
 *  Source: reference gateway-protocol 6.1 */
#ifndef CHANNELS_SESSION_KEY_H
#define CHANNELS_SESSION_KEY_H

#include "base/buf.h"
#include "base/err.h"

enum { SESSION_KEY_BYTES = 512 }; /* bytes of a session key, as on the bus */

struct session_key_rules {
    struct str default_agent; /* whose a key without `agent:` is */
    struct str main_key;      /* session.mainKey; empty: "main" */
};

struct session_key { /* an `agent:<agentId>:<rest>` in its parts, all borrowed */
    struct str agent;
    struct str rest; /* "main", "subagent:<uuid>", "discord:channel:<id>" ... */
};

/** Append the key that `key` stands for. Ends are trimmed. "main", the main key and their `agent:<id>:` forms are the main
 *  session of the agent; a key without `agent:` is the default agent's; "global" and "unknown" stay what they are.
 *  @return 0; GW_EINVAL empty, or `agent:` without an agent or a rest; GW_ELIMIT the result is over SESSION_KEY_BYTES; the
 *          buffer's error */
int session_key_canonical(const struct session_key_rules *rules, struct str key, struct buf *out);

/** Append the key of an agent's main session. */
void session_key_main(const struct session_key_rules *rules, struct str agent, struct buf *out);

/** @return 0, or GW_EINVAL when it is not `agent:<agentId>:<rest>` with both parts */
int session_key_parse(struct str key, struct session_key *out);

bool session_key_is_main(const struct session_key_rules *rules, struct str canonical); /* of any agent */
bool session_key_is_subagent(struct str canonical);                                    /* agent:<id>:subagent:... */
bool session_key_is_cron_run(struct str canonical);                                    /* agent:<id>:cron:<job>:run:<id> */

#endif
