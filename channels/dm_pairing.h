/** channels/dm_pairing.h -- strangers who write directly: codes that the owner approves, and who has been let in.
 *
 *  In:     ids of people, codes, the time, what was kept
 *  Out:    codes; JSON to keep: {"version":1,"requests":[{id,code,createdAt,lastSeenAt,meta}],"allowFrom":[...]}
 *  Owns:   requests and the list of those let in
 *  Thread: one at a time
 *  Source: reference discord 4.3 */
#ifndef CHANNELS_DM_PAIRING_H
#define CHANNELS_DM_PAIRING_H

#include "base/buf.h"

enum {
    DM_PAIRING_CODE_SIZE = 9,            /* 8 characters and a NUL */
    DM_PAIRING_PENDING_MAX = 3,          /* requests at once */
    DM_PAIRING_LIFE_MS = 60 * 60 * 1000, /* of a code */
    DM_PAIRING_ALLOWED_MAX = 10000,      /* people let in */
    DM_PAIRING_ID_MAX = 64,              /* bytes */
};

typedef struct dm_pairing dm_pairing_t;

int dm_pairing_create(dm_pairing_t **out); /* 0 or GW_ENOMEM */
void dm_pairing_destroy(dm_pairing_t **p_p);

/** Read what was kept; what is not understood is left out. */
void dm_pairing_load(dm_pairing_t *p, struct str json);
/** Append all of it. */
void dm_pairing_write(const dm_pairing_t *p, struct buf *out);
/** Append {"requests":[...]}: those that wait and are not over. */
void dm_pairing_list(dm_pairing_t *p, int64_t now_ms, struct buf *out);

bool dm_pairing_allowed(const dm_pairing_t *p, struct str id);

enum dm_pairing_asked { DM_PAIRING_NEW, DM_PAIRING_KNOWN, DM_PAIRING_FULL };
/** Somebody who is not let in wrote. @param random  for a new code  @param code  receives it, also of a known request */
enum dm_pairing_asked dm_pairing_ask(dm_pairing_t *p, struct str id, struct str name, int64_t now_ms, uint64_t random,
                                     char code[DM_PAIRING_CODE_SIZE]);

/** Let the one in whose code it is (letter case ignored). @param id  receives who that is
 *  @return 0; GW_ENOENT nobody's, or over; GW_ELIMIT as many as there can be are let in; GW_ENOMEM */
int dm_pairing_approve(dm_pairing_t *p, struct str code, int64_t now_ms, char id[DM_PAIRING_ID_MAX + 1]);

#endif
