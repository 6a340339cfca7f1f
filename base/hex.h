/** base/hex.h -- bytes as hexadecimal digits.
 *
 *  Thread: any */
#ifndef BASE_HEX_H
#define BASE_HEX_H

#include "base/str.h"

enum { HEX_SHA256_SIZE = 65 }; /* a SHA-256, NUL included */

/** Lower-case hex, two digits a byte. @param out  2 * n + 1 bytes */
void hex_write(const unsigned char *bytes, size_t n, char *out);

/** The SHA-256 of a text, written so. */
void hex_sha256(struct str text, char out[HEX_SHA256_SIZE]);

#endif
