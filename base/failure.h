/** base/failure.h -- the classes of a failed model request (base/failure.def).
 *
 *  A class decides the route: whether the next candidate is tried and how long the provider's key cools down. */
#ifndef BASE_FAILURE_H
#define BASE_FAILURE_H

#include <stdbool.h>

#include "base/str.h"

enum failure {
    FAILURE_none = 0,
#define FAILURE(name, failover, cooldown, doc) FAILURE_##name,
#include "base/failure.def"
#undef FAILURE
    FAILURE_COUNT
};

enum cooldown_kind { COOLDOWN_NONE, COOLDOWN_SHORT, COOLDOWN_LONG };

/** The wire and log name ("rate_limit"); "none" for 0 and for values out of range. Static. Any thread. */
const char *failure_name(enum failure f);

/** The class of a name; FAILURE_none when unknown. */
enum failure failure_of_name(struct str name);

bool failure_falls_back(enum failure f);
enum cooldown_kind failure_cooldown(enum failure f);

#endif
