#include "base/utf8.h"

static bool starts_character(char c)
{
    return ((unsigned char)c & 0xC0) != 0x80;
}

size_t utf8_count(struct str s)
{
    size_t count = 0;
    for (size_t i = 0; i < s.n; i++) count += starts_character(s.p[i]);
    return count;
}

struct str utf8_first(struct str s, size_t count)
{
    size_t at = 0;
    if (count >= s.n) return s;
    for (;;) { /* at: the byte after `count` characters */
        while (at < s.n && !starts_character(s.p[at])) at++;
        if (at >= s.n || count == 0) break;
        count--;
        at++;
    }
    return (struct str){ s.p, at };
}

struct str utf8_last(struct str s, size_t count)
{
    size_t at = s.n;
    if (count >= s.n) return s;
    while (at > 0 && count > 0) {
        at--;
        if (starts_character(s.p[at])) count--;
    }
    return (struct str){ s.p + at, s.n - at };
}

void utf8_add_valid(struct buf *out, struct str s)
{
    size_t plain = 0; /* start of the run not yet written */
    if (str_utf8_valid(s)) {
        buf_add(out, s);
        return;
    }
    for (size_t i = 0; i < s.n;) {
        size_t len = 1;
        while (len <= 4 && (i + len > s.n || !str_utf8_valid((struct str){ s.p + i, len }))) len++;
        if (len <= 4) {
            i += len;
            continue;
        }
        buf_add(out, (struct str){ s.p + plain, i - plain });
        buf_text(out, "\xEF\xBF\xBD");
        plain = ++i;
    }
    buf_add(out, (struct str){ s.p + plain, s.n - plain });
}

bool utf8_within(const struct utf8_range *ranges, size_t count, uint32_t c)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (c > ranges[middle].last)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && c >= ranges[low].first;
}
