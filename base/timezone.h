/** base/timezone.h -- wall time in a named time zone, without touching TZ or the C library's own state.
 *
 *  Other threads may read the clock meanwhile: localtime() with setenv("TZ") could not promise that.
 *
 *  In:     a zone's name, and the file of that name in the system's zone database
 *  Out:    year .. second, weekday, offset and abbreviation of an instant
 *  Owns:   the file's bytes, in timezone_t; immutable, so any number of threads may read it
 *  Thread: any
 *  Source: RFC 8536 (TZif), POSIX.1-2017 8.3 "TZ" with RFC 8536's wider hours */
#ifndef BASE_TIMEZONE_H
#define BASE_TIMEZONE_H

#include "base/str.h"

enum {
    TIMEZONE_NAME_MAX = 63,         /* bytes of a zone's name */
    TIMEZONE_FILE_MAX = 64 * 1024,  /* bytes of a zone's file; the largest of tzdata 2025b has 3.5 KiB */
    TIMEZONE_ABBREVIATION_MAX = 15, /* bytes; longer ones are cut */
};

#define TIMEZONE_DIR "/usr/share/zoneinfo"

typedef struct timezone_file timezone_t; /* NULL is a valid zone everywhere below: UTC */

struct timezone_local {
    int year;    /* 0..9999: instants outside are taken as the nearest inside */
    int month;   /* 1..12 */
    int day;     /* 1..31 */
    int weekday; /* 0 is Sunday */
    int hour;
    int minute;
    int second;
    int offset_s; /* east of UTC, seconds */
    bool dst;
    char abbreviation[TIMEZONE_ABBREVIATION_MAX + 1]; /* "CEST", "UTC", or "+07" where a zone has no letters */
};

/** Read the zone `name` ("Europe/Berlin") of the database in `dir` (NULL: TIMEZONE_DIR).
 *  @return 0, where *out is NULL for "UTC", which needs no file, or owned by the caller (timezone_destroy);
 *          GW_EINVAL for a name that cannot be one (characters, "..", longer than TIMEZONE_NAME_MAX), GW_ENOENT,
 *          GW_EIO, GW_EDENIED, GW_ENOMEM, GW_ELIMIT for a file above TIMEZONE_FILE_MAX, GW_EPARSE for one that is not TZif 2 or later.
 *          On failure *out is NULL: going on with it means UTC. */
int timezone_load(const char *dir, struct str name, timezone_t **out);

/** The same from the bytes of a TZif file, which are copied. @return 0, GW_EPARSE, GW_ELIMIT, GW_ENOMEM */
int timezone_parse(struct str bytes, timezone_t **out);

void timezone_destroy(timezone_t **zone_p);

/** What clocks in `zone` show at `unix_s` (seconds since 1970-01-01 UTC). */
void timezone_local(const timezone_t *zone, int64_t unix_s, struct timezone_local *out);

/** The name of the machine's own zone: TZ of the environment, else what /etc/localtime links to, else "UTC".
 *  @param name  at least TIMEZONE_NAME_MAX + 1 bytes; NUL-terminated */
void timezone_host(char *name);

#endif
