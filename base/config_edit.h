/** base/config_edit.h -- changes to the text of a configuration that leave the rest of it, comments included, as it is.
 *
 *  In:     JSON5 text and what is to change
 *  Out:    the new text
 *  Owns:   nothing
 *  Thread: any
 *  Source: RFC 7396 (JSON merge patch), with OpenClaw's rule for lists (reference gateway-protocol 7) */
#ifndef BASE_CONFIG_EDIT_H
#define BASE_CONFIG_EDIT_H

#include "base/buf.h"

enum { CONFIG_EDIT_WHY_MAX = 256 }; /* bytes of an explanation, with its NUL */

/** Append `text` with a merge patch applied: null removes a member, objects are merged, everything else replaces. A list whose
 *  elements all are objects with an `id` is merged into one of the same kind: by id, new ones at the end.
 *  @param patch  an object, JSON5
 *  @param why    what is wrong with either text
 *  @return 0, GW_EPARSE, GW_EINVAL (one of them is no object), GW_ELIMIT, GW_ENOMEM */
int config_edit_patch(struct str text, struct str patch, struct buf *out, char why[CONFIG_EDIT_WHY_MAX]);

/** Append `text` with the value at `path` set; objects on the way are made, a list grows by one at its end.
 *  @param value  one JSON5 value
 *  @return as above; GW_EINVAL also for a path that is malformed or leads through a text or number */
int config_edit_set(struct str text, struct str path, struct str value, struct buf *out, char why[CONFIG_EDIT_WHY_MAX]);

/** Append `text` without the member or element at `path`. @return as above; GW_ENOENT when nothing is there */
int config_edit_unset(struct str text, struct str path, struct buf *out, char why[CONFIG_EDIT_WHY_MAX]);

#endif
