/** msgs/prescan.h -- checks MessagePack bytes from outside before msgpack-c sees them.
 *
 *  msgpack-c allocates what a header claims: five bytes can ask for gigabytes (msgpack-c issue 1013).
 *  After this check every announced size is backed by bytes that are there, and nesting is bounded.
 *
 *  In:     bytes                     Out:    0 or GW_EBADMSG
 *  Owns:   nothing; allocates nothing
 *  Thread: any
 *  Source: https://github.com/msgpack/msgpack/blob/master/spec.md, "Formats" */
#ifndef MSGS_PRESCAN_H
#define MSGS_PRESCAN_H

#include "base/str.h"

enum { MSGS_PRESCAN_DEPTH_MAX = 32 }; /* most nesting that a caller may allow */

/** Check that `bytes` hold exactly one complete object.
 *  @param depth_max  most arrays and maps inside each other, 0..MSGS_PRESCAN_DEPTH_MAX; 0 allows scalars only
 *  @return 0; GW_EBADMSG when bytes are missing or left over, an announced array, map, string, binary or
 *          extension does not fit the bytes left, nesting is deeper, or the unused byte 0xc1 appears;
 *          GW_EINVAL when depth_max is above MSGS_PRESCAN_DEPTH_MAX */
int msgs_prescan(struct str bytes, unsigned depth_max);

#endif
