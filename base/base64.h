/** base/base64.h -- base64 and base64url (RFC 4648, sections 4 and 5).
 *
 *  Thread: any */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/buf.h"

/** True for a text of base64's characters with at most two '=' behind them. The empty text is none. */
bool base64_valid(struct str text);

/** Bytes that a valid text stands for. */
size_t base64_size(struct str text);

/** Decode base64url or base64, padded or not; white space is skipped.
 *  @return 0 and *n bytes in out; GW_EPARSE; GW_ELIMIT when there are more than cap bytes */
int base64_read(struct str text, unsigned char *out, size_t cap, size_t *n);

/** Encode as base64url without padding. @param out  4 bytes for each 3 begun, and a NUL */
void base64url_write(const unsigned char *bytes, size_t n, char *out);

/** Append as base64 with its padding. */
void base64_write(struct str bytes, struct buf *out);

#endif
