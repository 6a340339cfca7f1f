#include "base/timezone_instant.h"

enum { REACH_S = 24 * 3600 }; /* no change is larger, and no two are so near: see the header */

int timezone_instant_offset(const timezone_t *zone, int64_t unix_s)
{
    struct timezone_local t;
    timezone_local(zone, unix_s, &t);
    return t.offset_s;
}

int64_t timezone_instant_change(const timezone_t *zone, int64_t from_s, int64_t to_s)
{
    int before = timezone_instant_offset(zone, from_s);
    while (to_s - from_s > 1) {
        int64_t middle = from_s + (to_s - from_s) / 2;
        if (timezone_instant_offset(zone, middle) == before)
            from_s = middle;
        else
            to_s = middle;
    }
    return to_s;
}

/* With the larger offset clocks are ahead, so a local time comes earlier by it. Both offsets hold: the time comes twice.
 * Neither: it is in the gap, and the change lies between the two instants that are not to be. */
static void find_near_change(const timezone_t *zone, int64_t local_s, int before, int after, struct timezone_instants *out)
{
    int ahead = before > after ? before : after, behind = before > after ? after : before;
    int64_t early = local_s - ahead, late = local_s - behind;
    bool early_shows = timezone_instant_offset(zone, early) == ahead, late_shows = timezone_instant_offset(zone, late) == behind;
    if (early_shows) out->unix_s[out->count++] = early;
    if (late_shows) out->unix_s[out->count++] = late;
    if (out->count == 1) return;
    out->change_s = timezone_instant_change(zone, early, late);
    out->resume_s = out->change_s + ahead;
}

void timezone_instant_find(const timezone_t *zone, int64_t local_s, struct timezone_instants *out)
{
    *out = (struct timezone_instants){ 0 };
    int64_t guess = local_s - timezone_instant_offset(zone, local_s);
    int before = timezone_instant_offset(zone, guess - REACH_S);
    int after = timezone_instant_offset(zone, guess + REACH_S);
    if (before != after) {
        find_near_change(zone, local_s, before, after, out);
        return;
    }
    out->count = 1;
    out->unix_s[0] = local_s - before;
}
