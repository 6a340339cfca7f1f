/** base/utf8.h -- text counted in characters (Unicode code points), and text made valid.
 *
 *  Limits that users set in characters are counted here; byte bounds use str_utf8_prefix().
 *  Thread: any */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/buf.h"

/** Characters in s: bytes that do not continue a sequence. Exact for well-formed UTF-8. */
size_t utf8_count(struct str s);

/** The first / last `count` characters of well-formed s. Borrows s. */
struct str utf8_first(struct str s, size_t count);
struct str utf8_last(struct str s, size_t count);

/** Append s to `out` with each malformed byte replaced by U+FFFD. */
void utf8_add_valid(struct buf *out, struct str s);

/** A table of characters: ranges in rising order. */
struct utf8_range {
    uint32_t first, last;
};
bool utf8_within(const struct utf8_range *ranges, size_t count, uint32_t c);

#endif
