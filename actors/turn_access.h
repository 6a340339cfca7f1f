/** actors/turn_access.h -- which sessions the tools of a turn may see: the rules of policy_access, with what they need to know looked up.
 *
 *  Owns:   the descendants' keys, until turn_access_close()
 *  Thread: the session's */
#ifndef ACTORS_TURN_ACCESS_H
#define ACTORS_TURN_ACCESS_H

#include "actors/policy_access.h"
#include "actors/turn_internal.h"
#include "tools/tool.h"

struct turn_access {
    struct turn *t;
    struct access_rules rules;
    struct buf kin; /* keys of what this session spawned, and of what those did, a line each */
};

/** Look up what the rules need. @return 0; GW_EABORTED, GW_ETIMEOUT, GW_ECLOSED, GW_ENOMEM. Close it in every case. */
int turn_access_open(struct turn *t, struct turn_access *access);
void turn_access_close(struct turn_access *access);

/** @param key  canonical  @return NULL: allowed; else why not, static */
const char *turn_access_check(const struct turn_access *access, struct str key);

/** The session that a model means by a key, a session id or nothing but a name, when it may be seen.
 *  @param key  SESSION_KEY_MAX + 1 bytes; receives the canonical key
 *  @return 0; GW_EINVAL: `why` says what is wrong; a code as above */
int turn_access_named(struct turn *t, struct str name, char *key, struct buf *why);

#endif
