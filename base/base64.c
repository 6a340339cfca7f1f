#include "base/base64.h"

#include <ctype.h>

#include "base/err.h"

static struct str unpadded(struct str text)
{
    for (int i = 0; i < 2 && text.n && text.p[text.n - 1] == '='; i++) text.n--;
    return text;
}

bool base64_valid(struct str text)
{
    struct str s = unpadded(text);
    if (s.n == 0 || s.n % 4 == 1) return false;
    for (size_t i = 0; i < s.n; i++)
        if (!isalnum((unsigned char)s.p[i]) && s.p[i] != '+' && s.p[i] != '/') return false;
    return true;
}

size_t base64_size(struct str text)
{
    return unpadded(text).n * 3 / 4;
}

/* The value of a digit of either alphabet (RFC 4648, sections 4 and 5); -1: none. */
static int digit(char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '-' || c == '+' ? 62 : c == '_' || c == '/' ? 63 : -1;
}

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int base64_read(struct str text, unsigned char *out, size_t cap, size_t *n)
{
    unsigned bits = 0, have = 0;
    size_t digits = 0, padding = 0;
    *n = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (blank(c)) continue;
        if (c == '=' && ++padding <= 2) continue;
        int value = digit(c);
        if (value < 0 || padding) return GW_EPARSE;
        digits++;
        bits = (bits << 6 | (unsigned)value) & 0xffff;
        have += 6;
        if (have < 8) continue;
        have -= 8;
        if (*n == cap) return GW_ELIMIT;
        out[(*n)++] = (unsigned char)(bits >> have);
    }
    bool whole = padding == 0 || (digits + padding) % 4 == 0;
    return digits % 4 == 1 || !whole ? GW_EPARSE : 0;
}

static char *write_digits(const unsigned char *bytes, size_t n, const char *digits, char *out)
{
    for (size_t i = 0; i < n; i += 3) {
        unsigned v = (unsigned)bytes[i] << 16 | (i + 1 < n ? (unsigned)bytes[i + 1] << 8 : 0) | (i + 2 < n ? bytes[i + 2] : 0u);
        size_t chars = n - i >= 3 ? 4 : n - i + 1;
        for (size_t k = 0; k < chars; k++) *out++ = digits[v >> (18 - 6 * k) & 63];
    }
    return out;
}

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

void base64url_write(const unsigned char *bytes, size_t n, char *out)
{
    *write_digits(bytes, n, LETTERS "-_", out) = '\0';
}

void base64_write(struct str bytes, struct buf *out)
{
    size_t size = (bytes.n + 2) / 3 * 4;
    char *room = bytes.n ? buf_reserve(out, size) : NULL;
    if (!room) return;
    char *end = write_digits((const unsigned char *)bytes.p, bytes.n, LETTERS "+/", room);
    while (end < room + size) *end++ = '=';
    out->n += size;
}
