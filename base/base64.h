/** base/base64.h -- base64 (RFC 4648, section 4): whether text is that.
 *
 *  Thread: any */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/str.h"

/** True for a text of the alphabet's characters with at most two '=' behind them. The empty text is none. */
bool base64_valid(struct str text);

/** Bytes that a valid text stands for. */
size_t base64_size(struct str text);

#endif
