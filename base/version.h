/** base/version.h -- what this program calls itself.
 *
 *  Thread: any */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#include <stdlib.h>

/** The release of OpenClaw that this gateway stands in for. */
#define VERSION_COMPATIBLE "2026.2.17"

/** What clients are told as the server's version: OPENCLAW_VERSION, else VERSION_COMPATIBLE. Static. */
static inline const char *version_shown(void)
{
    const char *given = getenv("OPENCLAW_VERSION");
    return given && given[0] ? given : VERSION_COMPATIBLE;
}

#endif
