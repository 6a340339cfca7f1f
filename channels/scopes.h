/** channels/scopes.h -- a short list of names (scopes, roles), each once, in order.
 *
 *  A name has 1..SCOPE_MAX printable ASCII characters without space, ',' and '|': in the text that a device signs, these two
 *  separate names and fields, and a name that held one could be read as two.
 *
 *  Owns:   nothing; copied by value       Thread: any
 *  Source: reference gateway-protocol 2.3 (the signed text), 5.2 */
#ifndef CHANNELS_SCOPES_H
#define CHANNELS_SCOPES_H

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"

enum {
    SCOPES_SIZE = 256, /* bytes of all names with a comma between, NUL included: the protocol's own need 77 */
    SCOPE_MAX = 64,    /* bytes of one */
};

struct scopes {
    char text[SCOPES_SIZE]; /* joined by ','; zero is the empty list */
};

/** Add a name unless it is there. @return 0; GW_EINVAL for what is no name; GW_ELIMIT when it does not fit */
int scopes_add(struct scopes *list, struct str name);
/** Add all of `more`. @return 0 or GW_ELIMIT: then nothing was added */
int scopes_merge(struct scopes *list, const struct scopes *more);
bool scopes_has(const struct scopes *list, struct str name);
/** True when every name of `want` is in `have`; the empty list is always covered. */
bool scopes_cover(const struct scopes *have, const struct scopes *want);
/** The next name: start with `*rest` = scopes_text(list). Borrowed from the list. @return empty: no more */
struct str scopes_next(struct str *rest);
struct str scopes_text(const struct scopes *list); /* joined by ','; borrowed */

/** Append as a JSON array. */
void scopes_write(const struct scopes *list, struct buf *out);
/** Read an array of strings; NULL stands for []. @return 0, GW_EINVAL, GW_ELIMIT */
int scopes_read(const json_t *array, struct scopes *out);

#endif
