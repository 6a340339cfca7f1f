/** channels/hooks.h -- HTTP hooks: what a call from outside means, by the rules of `hooks` in the configuration.
 *
 *  In:     the path below hooks.path, the body      Out: what is to be done, or the refusal
 *  Owns:   what it hands out, until hook_free()     Thread: any
 *  Source: reference gateway-protocol 8 (hooks), agent-runtime 2 (what the agent is told), captured frames http-hooks-* */
#ifndef CHANNELS_HOOKS_H
#define CHANNELS_HOOKS_H

#include "base/buf.h"
#include "base/config.h"

enum {
    HOOK_NAME_MAX = 128, /* bytes of a path below hooks.path */
    HOOK_DEPTH_MAX = 16, /* steps of a {{path}} into the body */
};

enum hook_kind { HOOK_UNKNOWN, HOOK_WAKE, HOOK_AGENT };

struct hook {
    enum hook_kind kind;
    bool now;               /* wake: at once, not with the next heartbeat */
    bool deliver;           /* agent: its answer goes somewhere */
    bool trusted;           /* its text is not marked as foreign */
    struct buf text;        /* wake: the line; agent: what it is told, without the frame of hook_message() */
    struct buf name;        /* of the task, for people */
    struct buf agent;       /* id */
    struct buf session_key; /* canonical */
    struct buf channel, to; /* where the answer goes; channel empty: where the agent's main session was last spoken to */
    struct buf model, thinking;
};

/** hooks.enabled, and a token to check. */
bool hooks_on(const config_t *config);

/** The part of `path` below hooks.path; p NULL: it is no hook. "" and "/": hooks.path itself. */
struct str hooks_below(const config_t *config, struct str path);

/** @param given  the token that came; constant time */
bool hooks_token_ok(const config_t *config, struct str given);

/** What a POST to hooks.path/<name> with this body means.
 *  @param id    of the run that it may become
 *  @param why   appended: the refusal, as OpenClaw words it
 *  @return 0, kind HOOK_UNKNOWN when nothing has this name; GW_EINVAL, GW_ENOMEM; hook_free() in any case */
int hook_read(const config_t *config, struct str name, struct str body, const char *id, struct hook *out, struct buf *why);
void hook_free(struct hook *h);

/** Append what the agent is told.
 *  @param received  ISO 8601  @param time  the line `Current time: ...`, without its end */
void hook_message(const struct hook *h, const char *id, const char *received, struct str time, struct buf *out);

#endif
