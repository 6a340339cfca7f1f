#include "base/buf.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"

void buf_free(struct buf *b)
{
    free(b->p);
    *b = (struct buf){ .max = b->max };
}

void buf_clear(struct buf *b)
{
    b->n = 0;
    b->err = 0;
}

/* buf_reserve() for when there is no room, or no more than the bound allows. */
static char *grow(struct buf *b, size_t n)
{
    size_t max = b->max ? b->max : BUF_MAX_DEFAULT;
    if (b->err) return NULL;
    if (n > max || b->n > max - n) {
        b->err = GW_ELIMIT;
        return NULL;
    }
    if (!b->p || b->n + n > b->cap) {
        size_t cap = b->cap ? b->cap : 64;
        while (cap < b->n + n) cap += cap / 2;
        char *grown = realloc(b->p, cap);
        if (!grown) {
            b->err = GW_ENOMEM;
            return NULL;
        }
        b->p = grown;
        b->cap = cap;
    }
    return b->p + b->n;
}

/* Inlined below: a turn appends some thousand times, and nearly always there is room. */
static inline char *room(struct buf *b, size_t n)
{
    size_t max = b->max ? b->max : BUF_MAX_DEFAULT;
    if (b->err == 0 && b->p && n <= b->cap - b->n && b->n + n <= max) return b->p + b->n;
    return grow(b, n);
}

char *buf_reserve(struct buf *b, size_t n)
{
    return room(b, n);
}

void buf_add(struct buf *b, struct str s)
{
    if (s.n == 0) return;
    char *at = room(b, s.n);
    if (!at) return;
    memcpy(at, s.p, s.n);
    b->n += s.n;
}

void buf_text(struct buf *b, const char *text)
{
    buf_add(b, str_of(text));
}

void buf_char(struct buf *b, char c)
{
    char *at = room(b, 1);
    if (!at) return;
    *at = c;
    b->n++;
}

void buf_int(struct buf *b, int64_t value)
{
    char digits[24];
    size_t at = sizeof digits;
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[--at] = (char)('0' + left % 10);
        left /= 10;
    } while (left);
    if (value < 0) digits[--at] = '-';
    buf_add(b, (struct str){ digits + at, sizeof digits - at });
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0) return;
    char *at = buf_reserve(b, (size_t)n + 1);
    if (!at) return;
    va_start(args, format);
    vsnprintf(at, (size_t)n + 1, format, args);
    va_end(args);
    b->n += (size_t)n;
}

void buf_drop(struct buf *b, size_t n)
{
    if (n >= b->n) {
        b->n = 0;
        return;
    }
    memmove(b->p, b->p + n, b->n - n);
    b->n -= n;
}

const char *buf_cstr(struct buf *b)
{
    char *at = buf_reserve(b, 1);
    if (!at) return "";
    *at = '\0';
    return b->p;
}

char *buf_take(struct buf *b, size_t *n)
{
    if (b->err) {
        *n = 0;
        return NULL;
    }
    buf_cstr(b);
    char *p = b->p;
    *n = b->n;
    *b = (struct buf){ .max = b->max };
    return p;
}

/* A bit in each byte of `word` that is below 0x20, '"', '\\', DEL or not ASCII, and maybe in those above the first of them:
 * the lowest bit tells the first. A byte less than n borrows into its top bit; XOR makes the byte looked for 0. */
static uint64_t not_plain(uint64_t word)
{
    const uint64_t ones = 0x0101010101010101, tops = 0x8080808080808080;
    uint64_t quote = word ^ (ones * '"'), slash = word ^ (ones * '\\'), del = word ^ (ones * 0x7F);
    uint64_t low = (word - ones * 0x20) | (quote - ones) | (slash - ones) | (del - ones);
    return (low | word) & tops;
}

/* How many bytes at the start of s stand for themselves in a JSON string, ASCII only. */
static size_t plain_run(struct str s)
{
    size_t i = 0;
    for (; s.n - i >= 8; i += 8) {
        uint64_t word, found;
        memcpy(&word, s.p + i, 8);
        found = not_plain(le64toh(word));
        if (found) return i + (size_t)__builtin_ctzll(found) / 8;
    }
    for (; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 0x20 || c == '"' || c == '\\' || c >= 0x7F) break;
    }
    return i;
}

static void escape(struct buf *b, unsigned char c)
{
    switch (c) {
    case '"': buf_text(b, "\\\""); break;
    case '\\': buf_text(b, "\\\\"); break;
    case '\n': buf_text(b, "\\n"); break;
    case '\r': buf_text(b, "\\r"); break;
    case '\t': buf_text(b, "\\t"); break;
    case '\b': buf_text(b, "\\b"); break;
    case '\f': buf_text(b, "\\f"); break;
    default: buf_printf(b, "\\u%04x", c);
    }
}

/* buf_json_str() for a string of which only the first `plain` bytes stand for themselves. */
static void add_escaped(struct buf *b, struct str s, size_t plain)
{
    size_t done = 0; /* bytes of s that are written */
    buf_char(b, '"');
    for (size_t i = plain; i < s.n;) {
        struct str rest = { s.p + i, s.n - i };
        unsigned char c = (unsigned char)s.p[i];
        size_t len = c < 0x80 ? plain_run(rest) : str_utf8_first(rest);
        if (len > 0) {
            i += len;
            continue;
        }
        buf_add(b, (struct str){ s.p + done, i - done });
        if (c < 0x80)
            escape(b, c);
        else
            buf_text(b, "\xEF\xBF\xBD");
        done = ++i;
    }
    buf_add(b, (struct str){ s.p + done, s.n - done });
    buf_char(b, '"');
}

void buf_json_str(struct buf *b, struct str s)
{
    if (s.n == 0) s = STR(""); /* p may be NULL, which takes no offset */
    size_t plain = plain_run(s);
    if (plain < s.n) {
        add_escaped(b, s, plain);
        return;
    }
    char *at = room(b, s.n + 2);
    if (!at) return;
    at[0] = '"';
    memcpy(at + 1, s.p, s.n);
    at[s.n + 1] = '"';
    b->n += s.n + 2;
}

void buf_json_comma(struct buf *b)
{
    if (b->n == 0) return;
    char last = b->p[b->n - 1];
    if (last != '{' && last != '[') buf_char(b, ',');
}

void buf_json_key(struct buf *b, const char *key)
{
    buf_json_comma(b);
    buf_json_str(b, str_of(key));
    buf_char(b, ':');
}

void buf_json_pair_str(struct buf *b, const char *key, struct str value)
{
    buf_json_key(b, key);
    buf_json_str(b, value);
}

void buf_json_pair_int(struct buf *b, const char *key, int64_t value)
{
    buf_json_key(b, key);
    buf_int(b, value);
}

void buf_json_pair_bool(struct buf *b, const char *key, bool value)
{
    buf_json_key(b, key);
    buf_text(b, value ? "true" : "false");
}
