#include "base/str.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <strings.h>

#include "base/err.h"

bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool str_ieq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || strncasecmp(a.p, b.p, a.n) == 0);
}

bool str_is(struct str a, const char *text)
{
    return str_eq(a, str_of(text));
}

bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && str_eq((struct str){ s.p, prefix.n }, prefix);
}

bool str_ends(struct str s, struct str suffix)
{
    return s.n >= suffix.n && str_eq((struct str){ s.p + (s.n - suffix.n), suffix.n }, suffix);
}

static bool blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str str_trim(struct str s)
{
    while (s.n > 0 && blank(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && blank(s.p[s.n - 1])) s.n--;
    return s;
}

struct str str_split(struct str *rest, char sep)
{
    struct str head = *rest;
    const char *at = rest->n ? memchr(rest->p, sep, rest->n) : NULL;
    if (!at) {
        *rest = (struct str){ NULL, 0 };
        return head;
    }
    head.n = (size_t)(at - rest->p);
    *rest = (struct str){ at + 1, rest->n - head.n - 1 };
    return head;
}

ptrdiff_t str_find(struct str s, struct str needle)
{
    if (needle.n == 0) return 0;
    if (s.n < needle.n) return -1;
    const char *at = memmem(s.p, s.n, needle.p, needle.n);
    return at ? at - s.p : -1;
}

char *str_dup(struct str s)
{
    char *copy = malloc(s.n + 1);
    if (!copy) return NULL;
    if (s.n) memcpy(copy, s.p, s.n);
    copy[s.n] = '\0';
    return copy;
}

int str_copy(char *dst, size_t cap, struct str s)
{
    if (s.n >= cap) {
        if (cap) dst[0] = '\0';
        return GW_ELIMIT;
    }
    if (s.n) memcpy(dst, s.p, s.n);
    dst[s.n] = '\0';
    return 0;
}

int str_to_int(struct str s, int64_t *out)
{
    bool negative = s.n > 0 && s.p[0] == '-';
    int64_t value = 0;
    *out = 0;
    if (s.n == (negative ? 1u : 0u)) return GW_EPARSE;
    for (size_t i = negative; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') return GW_EPARSE;
        int digit = s.p[i] - '0';
        if (__builtin_mul_overflow(value, 10, &value)) return GW_ELIMIT;
        if (__builtin_add_overflow(value, negative ? -digit : digit, &value)) return GW_ELIMIT;
    }
    *out = value;
    return 0;
}

/* Length of the well-formed sequence at p (n bytes left), or 0: RFC 3629, section 4. */
static size_t utf8_sequence(const unsigned char *p, size_t n)
{
    if (p[0] < 0x80) return 1;
    size_t len = p[0] >= 0xC2 && p[0] <= 0xDF ? 2 : p[0] >= 0xE0 && p[0] <= 0xEF ? 3 : p[0] >= 0xF0 && p[0] <= 0xF4 ? 4 : 0;
    if (len == 0 || n < len) return 0;
    unsigned char lo = p[0] == 0xE0 ? 0xA0 : p[0] == 0xF0 ? 0x90 : 0x80;
    unsigned char hi = p[0] == 0xED ? 0x9F : p[0] == 0xF4 ? 0x8F : 0xBF;
    if (p[1] < lo || p[1] > hi) return 0;
    for (size_t i = 2; i < len; i++)
        if ((p[i] & 0xC0) != 0x80) return 0;
    return len;
}

size_t str_utf8_first(struct str s)
{
    return s.n > 0 ? utf8_sequence((const unsigned char *)s.p, s.n) : 0;
}

bool str_utf8_valid(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    for (size_t i = 0; i < s.n;) {
        size_t len = utf8_sequence(p + i, s.n - i);
        if (len == 0) return false;
        i += len;
    }
    return true;
}

struct str str_utf8_prefix(struct str s, size_t max)
{
    if (s.n <= max) return s;
    s.n = max;
    while (s.n > 0 && ((unsigned char)s.p[s.n] & 0xC0) == 0x80) s.n--;
    return s;
}

struct str str_utf8_suffix(struct str s, size_t max)
{
    if (s.n <= max) return s;
    size_t from = s.n - max;
    while (from < s.n && ((unsigned char)s.p[from] & 0xC0) == 0x80) from++;
    return (struct str){ s.p + from, s.n - from };
}

bool str_secret_eq(struct str a, struct str b)
{
    if (a.n != b.n) return false;
    return a.n == 0 || CRYPTO_memcmp(a.p, b.p, a.n) == 0;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static bool alike(char a, char b)
{
    return (a | 0x20) == (b | 0x20);
}

size_t str_distance(struct str a, struct str b)
{
    size_t rows[3][STR_DISTANCE_MAX + 1];
    size_t *last = rows[0], *row = rows[1], *older = rows[2];
    if (a.n > STR_DISTANCE_MAX || b.n > STR_DISTANCE_MAX) return SIZE_MAX;
    for (size_t j = 0; j <= b.n; j++) last[j] = older[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t change = last[j - 1] + !alike(a.p[i - 1], b.p[j - 1]);
            row[j] = least(change, least(last[j], row[j - 1]) + 1);
            bool swapped = i > 1 && j > 1 && alike(a.p[i - 1], b.p[j - 2]) && alike(a.p[i - 2], b.p[j - 1]);
            if (swapped) row[j] = least(row[j], older[j - 2] + 1);
        }
        size_t *spare = older;
        older = last;
        last = row;
        row = spare;
    }
    return last[b.n];
}
