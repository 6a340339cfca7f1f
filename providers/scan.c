#include "providers/scan.h"

static struct str after(struct str s, size_t n)
{
    return (struct str){ s.p + n, s.n - n };
}

/* The length of the string that s begins with, quotes included; 0 when it does not end. */
static size_t string_length(struct str s)
{
    for (size_t i = 1; i < s.n; i++) {
        if (s.p[i] == '\\')
            i++;
        else if (s.p[i] == '"')
            return i + 1;
    }
    return 0;
}

/* The length of the value that s begins with; 0 when it does not end. Brackets are counted, not matched. */
static size_t value_length(struct str s)
{
    size_t depth = 0;
    for (size_t i = 0; i < s.n; i++) {
        switch (s.p[i]) {
        case '"': {
            size_t n = string_length(after(s, i));
            if (n == 0) return 0;
            i += n - 1;
            break;
        }
        case '{':
        case '[': depth++; break;
        case '}':
        case ']':
            if (depth == 0) return i;
            depth--;
            break;
        case ',':
            if (depth == 0) return i;
            continue;
        default: continue;
        }
        if (depth == 0) return i + 1;
    }
    return 0;
}

struct scan scan_object(struct str text)
{
    text = str_trim(text);
    if (text.n == 0 || text.p[0] != '{') return (struct scan){ .bad = true };
    return (struct scan){ .rest = after(text, 1) };
}

static bool bad(struct scan *s)
{
    s->bad = true;
    return false;
}

bool scan_next(struct scan *s, struct str *key, struct str *value)
{
    if (s->bad) return false;
    struct str rest = str_trim(s->rest);
    if (rest.n == 1 && rest.p[0] == '}') return false;
    if (s->begun) {
        if (rest.n == 0 || rest.p[0] != ',') return bad(s);
        rest = str_trim(after(rest, 1));
    }
    s->begun = true;
    size_t n = rest.n > 0 && rest.p[0] == '"' ? string_length(rest) : 0;
    if (n == 0) return bad(s);
    *key = (struct str){ rest.p + 1, n - 2 };
    if (memchr(rest.p, '\\', n)) return bad(s);
    rest = str_trim(after(rest, n));
    if (rest.n == 0 || rest.p[0] != ':') return bad(s);
    rest = str_trim(after(rest, 1));
    n = value_length(rest);
    if (n == 0) return bad(s);
    *value = str_trim((struct str){ rest.p, n });
    s->rest = after(rest, n);
    return true;
}

struct str scan_only(struct str array)
{
    const struct str none = { NULL, 0 };
    if (array.n < 2 || array.p[0] != '[' || array.p[array.n - 1] != ']') return none;
    struct str inner = str_trim((struct str){ array.p + 1, array.n - 2 });
    return inner.n > 0 && value_length(inner) == inner.n ? inner : none;
}

bool scan_text(struct str value, struct str *text)
{
    if (value.n < 2 || value.p[0] != '"' || value.p[value.n - 1] != '"') return false;
    *text = (struct str){ value.p + 1, value.n - 2 };
    for (size_t i = 0; i < text->n; i++)
        if (text->p[i] == '\\' || text->p[i] == '"' || (unsigned char)text->p[i] < 0x20) return false;
    return str_utf8_valid(*text);
}
