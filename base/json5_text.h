/** base/json5_text.h -- characters of JSON5 text: decoding, classes, and words for them. Part of the reader (base/json5.c). */
#ifndef BASE_JSON5_TEXT_H
#define BASE_JSON5_TEXT_H

#include "base/buf.h"

/** The code point at p (well-formed UTF-8, p < end) and its length in bytes. */
uint32_t json5_decode(const char *p, const char *end, size_t *length);

/** Append a code point as UTF-8; it must be no surrogate. */
void json5_encode(struct buf *out, uint32_t c);

bool json5_is_space(uint32_t c);      /* white space and line ends between tokens */
bool json5_is_line_end(uint32_t c);   /* \n \r U+2028 U+2029 */
bool json5_is_name_start(uint32_t c); /* may start an unquoted name */
bool json5_is_name_part(uint32_t c);  /* may follow in one */
int json5_hex_digit(char c);          /* 0..15, or -1 */

enum { JSON5_SHOWN_MAX = 24 }; /* bytes, with the NUL */

/** What stands at p, for an error: `'x'`, `U+00A0`, `the end of the text`. */
void json5_show(const char *p, const char *end, char out[static JSON5_SHOWN_MAX]);

#endif
