#include "base/json5_text.h"

#include <stdio.h>

#include "base/utf8.h"

/* Code points above U+007F that start a name, and those that only follow in one: the classes
 * ID_Start and ID_Continue as the npm package json5 2.2.3 has them (tests/node/json5/unicode.mjs). */
static const struct utf8_range starts[] = {
#define START(lo, hi) { lo, hi },
#define PART(lo, hi)
#include "base/json5_names.def"
#undef START
#undef PART
};
static const struct utf8_range parts[] = {
#define START(lo, hi)
#define PART(lo, hi) { lo, hi },
#include "base/json5_names.def"
#undef START
#undef PART
};

uint32_t json5_decode(const char *p, const char *end, size_t *length)
{
    const unsigned char *b = (const unsigned char *)p;
    size_t n = b[0] < 0x80 ? 1 : b[0] < 0xE0 ? 2 : b[0] < 0xF0 ? 3 : 4;
    if (n > (size_t)(end - p)) n = 1; /* not well-formed; the caller has checked, so only for safety */
    *length = n;
    switch (n) {
    case 2: return (b[0] & 0x1Fu) << 6 | (b[1] & 0x3Fu);
    case 3: return (b[0] & 0x0Fu) << 12 | (b[1] & 0x3Fu) << 6 | (b[2] & 0x3Fu);
    case 4: return (b[0] & 0x07u) << 18 | (b[1] & 0x3Fu) << 12 | (b[2] & 0x3Fu) << 6 | (b[3] & 0x3Fu);
    default: return b[0];
    }
}

void json5_encode(struct buf *out, uint32_t c)
{
    char b[4];
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    if (n == 1) {
        b[0] = (char)c;
    } else {
        for (size_t i = n - 1; i > 0; i--, c >>= 6) b[i] = (char)(0x80 | (c & 0x3F));
        b[0] = (char)((0xF00 >> n & 0xFF) | c);
    }
    buf_add(out, (struct str){ b, n });
}

bool json5_is_line_end(uint32_t c)
{
    return c == '\n' || c == '\r' || c == 0x2028 || c == 0x2029;
}

bool json5_is_space(uint32_t c)
{
    if (c < 0x80) return c == ' ' || (c >= '\t' && c <= '\r');
    return c == 0xA0 || c == 0xFEFF || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
           c == 0x205F || c == 0x3000;
}

bool json5_is_name_start(uint32_t c)
{
    if (c < 0x80) return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '$' || c == '_';
    return utf8_within(starts, sizeof starts / sizeof *starts, c);
}

bool json5_is_name_part(uint32_t c)
{
    if (c >= '0' && c <= '9') return true;
    return json5_is_name_start(c) || c == 0x200C || c == 0x200D || (c >= 0x80 && utf8_within(parts, sizeof parts / sizeof *parts, c));
}

int json5_hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

void json5_show(const char *p, const char *end, char out[static JSON5_SHOWN_MAX])
{
    size_t length;
    if (p >= end) {
        snprintf(out, JSON5_SHOWN_MAX, "the end of the text");
        return;
    }
    uint32_t c = json5_decode(p, end, &length);
    if (c == '\n' || c == '\r') {
        snprintf(out, JSON5_SHOWN_MAX, "the end of the line");
    } else if (c > ' ' && c < 0x7F) {
        snprintf(out, JSON5_SHOWN_MAX, "'%c'", (char)c);
    } else {
        snprintf(out, JSON5_SHOWN_MAX, "U+%04X", (unsigned)c);
    }
}
