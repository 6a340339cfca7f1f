#include "base/buf.h"

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

char *buf_reserve(struct buf *b, size_t n)
{
    size_t max = b->max ? b->max : BUF_MAX_DEFAULT;
    if (b->err) return NULL;
    if (n > max || b->n > max - n) {
        b->err = GW_ELIMIT;
        return NULL;
    }
    if (b->n + n > b->cap) {
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

void buf_add(struct buf *b, struct str s)
{
    if (s.n == 0) return;
    char *at = buf_reserve(b, s.n);
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
    buf_add(b, (struct str){ &c, 1 });
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

/* Length of the UTF-8 sequence at s.p[i], or 0 when it is malformed. */
static size_t sequence_at(struct str s, size_t i)
{
    for (size_t len = 1; len <= 4 && i + len <= s.n; len++)
        if (str_utf8_valid((struct str){ s.p + i, len })) return len;
    return 0;
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

void buf_json_str(struct buf *b, struct str s)
{
    size_t plain = 0;          /* start of the run not yet written */
    if (s.n == 0) s = STR(""); /* p may be NULL, which takes no offset */
    buf_char(b, '"');
    for (size_t i = 0; i < s.n;) {
        unsigned char c = (unsigned char)s.p[i];
        size_t len = c < 0x80 ? 1 : sequence_at(s, i);
        if (len > 0 && c >= 0x20 && c != '"' && c != '\\' && c != 0x7F) {
            i += len;
            continue;
        }
        buf_add(b, (struct str){ s.p + plain, i - plain });
        if (len == 0)
            buf_text(b, "\xEF\xBF\xBD");
        else
            escape(b, c);
        plain = ++i;
    }
    if (s.n > plain) buf_add(b, (struct str){ s.p + plain, s.n - plain }); /* an empty s may have no pointer */
    buf_char(b, '"');
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
