/** base/buf.h -- a growable byte buffer with a bound, and JSON text written into it.
 *
 *  Appending to a buffer that is over its bound or out of memory changes nothing and is
 *  remembered: write freely, then look at `err` once. Zero-initialise; free with buf_free(). */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>

#include "base/str.h"

struct buf {
    char *p; /* owned; n bytes used of cap; not NUL-terminated (see buf_cstr) */
    size_t n;
    size_t cap;
    size_t max; /* most bytes it may hold; 0: BUF_MAX_DEFAULT */
    int err;    /* first failure: 0, GW_ENOMEM, GW_ELIMIT */
};

enum { BUF_MAX_DEFAULT = 64 * 1024 * 1024 }; /* bytes */

void buf_free(struct buf *b);  /* frees, and zeroes all but max */
void buf_clear(struct buf *b); /* empties, keeps the memory, forgets the error */
void buf_add(struct buf *b, struct str s);
void buf_text(struct buf *b, const char *text);
void buf_char(struct buf *b, char c);
void buf_int(struct buf *b, int64_t value); /* decimal */
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Make room for n more bytes and return where they go; the caller writes there and adds to b->n.
 *  @return NULL when that is over the bound or memory is out (b->err says which). */
char *buf_reserve(struct buf *b, size_t n);

/** Remove the first n bytes (n <= b->n). */
void buf_drop(struct buf *b, size_t n);

/** The content as a borrowed string, valid until the next change. */
static inline struct str buf_str(const struct buf *b)
{
    return (struct str){ b->p, b->n };
}

/** The content NUL-terminated; borrowed until the next change. @return "" when empty or failed. */
const char *buf_cstr(struct buf *b);

/** Hand the memory to the caller (free), leaving an empty buffer. @return NULL when b->err is set. */
char *buf_take(struct buf *b, size_t *n);

/** Append s as a JSON string with its quotes (RFC 8259 section 7). Control characters are
 *  escaped; bytes that are not UTF-8 become U+FFFD, so the result is always valid JSON. */
void buf_json_str(struct buf *b, struct str s);

/** Append `"key":` , with a comma before it unless the last byte is '{' or '['. */
void buf_json_key(struct buf *b, const char *key);
void buf_json_pair_str(struct buf *b, const char *key, struct str value);
void buf_json_pair_int(struct buf *b, const char *key, int64_t value);
void buf_json_pair_bool(struct buf *b, const char *key, bool value);

/** Append a comma unless the last byte is '{' or '[' or the buffer is empty: before an array element. */
void buf_json_comma(struct buf *b);

#endif
