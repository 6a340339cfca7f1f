/** base/str.h -- borrowed strings: a pointer and a length, never owned, not NUL-terminated.
 *
 *  A `struct str` is valid as long as the memory it was taken from; each function that
 *  hands one out says whose that is. Bytes are UTF-8 unless a comment says otherwise. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *p; /* n bytes; may be NULL when n is 0 */
    size_t n;
};

/* A string literal as a struct str. */
#define STR(literal) ((struct str){ (literal), sizeof(literal) - 1 })
/* For printf: printf("%.*s", STR_ARG(s)). */
#define STR_ARG(s) (int)(s).n, (s).p ? (s).p : ""

/** A NUL-terminated string as a struct str; NULL gives the empty string. Borrows `text`. */
static inline struct str str_of(const char *text)
{
    return (struct str){ text, text ? strlen(text) : 0 };
}

bool str_eq(struct str a, struct str b);
bool str_ieq(struct str a, struct str b); /* ASCII case ignored */
bool str_is(struct str a, const char *text);
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
struct str str_trim(struct str s); /* without leading and trailing ASCII white space; borrows s */

/** Cut `*rest` at the first `sep`: returns the part before it, leaves the part after it in `*rest`.
 *  Without a `sep` the whole is returned and `*rest` is empty with p == NULL. */
struct str str_split(struct str *rest, char sep);

/** Offset of `needle` in `s`, or -1. An empty needle is found at 0. */
ptrdiff_t str_find(struct str s, struct str needle);

/** A NUL-terminated copy, owned by the caller (free). @return NULL when memory is out. */
char *str_dup(struct str s);

/** Copy into a fixed buffer of `cap` bytes, NUL-terminated.
 *  @return 0, or GW_ELIMIT (dst then holds "") when s and its NUL do not fit. */
int str_copy(char *dst, size_t cap, struct str s);

/** Parse a whole decimal number, optional leading '-'. @return 0, GW_EPARSE, GW_ELIMIT on overflow. */
int str_to_int(struct str s, int64_t *out);

/** True when s is well-formed UTF-8 (RFC 3629: no overlong forms, surrogates or > U+10FFFF). */
bool str_utf8_valid(struct str s);

/** Length of the well-formed UTF-8 sequence that s begins with; 0 when there is none. */
size_t str_utf8_first(struct str s);

/** The longest prefix of s of at most `max` bytes that does not end inside a UTF-8 sequence. Borrows s. */
struct str str_utf8_prefix(struct str s, size_t max);

/** The longest end of s of at most `max` bytes that does not begin inside a UTF-8 sequence. Borrows s. */
struct str str_utf8_suffix(struct str s, size_t max);

/** How unlike two names are: insertions, deletions, changes and swaps of neighbours that turn a into b, ASCII case
 *  ignored (Damerau-Levenshtein, restricted). @return SIZE_MAX when one is longer than STR_DISTANCE_MAX bytes */
size_t str_distance(struct str a, struct str b);
enum { STR_DISTANCE_MAX = 64 };

/** Compare two secrets in time that depends on their lengths only. */
bool str_secret_eq(struct str a, struct str b);

#endif
