/** base/hash.h -- a quick hash, for what only has to differ when its input does: no defence against who wants it to collide.
 *  Thread: any     Source: FNV-1a, 64 bits (Fowler, Noll, Vo; draft-eastlake-fnv) */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/str.h"

static inline uint64_t hash_fnv(struct str s, uint64_t seed)
{
    uint64_t h = 0xcbf29ce484222325u ^ seed;
    for (size_t i = 0; i < s.n; i++) h = (h ^ (unsigned char)s.p[i]) * 0x100000001b3u;
    return h;
}

#endif
