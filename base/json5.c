#include "base/json5.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/json5_text.h"

/* A hand-written descent, one function per rule of the grammar. Places are found by walking from the last one
 * asked for, so finding all of them is linear in the text. */
struct reader {
    struct arena *arena;
    const char *start, *p, *end;
    struct json5_place mark; /* the place of mark_at */
    const char *mark_at;
    struct buf scratch; /* an escaped string or a number while it is read */
    int depth;
    struct json5_error *error;
};

static struct json5_place place(struct reader *r, const char *at)
{
    if (at < r->mark_at) {
        r->mark_at = r->start;
        r->mark.line = r->mark.column = 1;
    }
    for (; r->mark_at < at; r->mark_at++) {
        char c = *r->mark_at;
        bool pair = c == '\r' && r->mark_at + 1 < r->end && r->mark_at[1] == '\n';
        if (c == '\n' || (c == '\r' && !pair)) {
            r->mark.line++;
            r->mark.column = 1;
        } else if (((unsigned char)c & 0xC0) != 0x80) {
            r->mark.column++;
        }
    }
    return r->mark;
}

static int fail(struct reader *r, int code, const char *at, const char *format, ...) __attribute__((format(printf, 4, 5)));
static int fail(struct reader *r, int code, const char *at, const char *format, ...)
{
    va_list args;
    r->error->code = code;
    r->error->place = place(r, at);
    va_start(args, format);
    vsnprintf(r->error->text, sizeof r->error->text, format, args);
    va_end(args);
    return code;
}

static int no_memory(struct reader *r)
{
    bool limit = r->arena->err == GW_ELIMIT;
    return fail(r, limit ? GW_ELIMIT : GW_ENOMEM, r->p,
                limit ? "too many values: they would fill more than their share of memory" : "out of memory");
}

static int unexpected(struct reader *r, const char *expected)
{
    char found[JSON5_SHOWN_MAX];
    json5_show(r->p, r->end, found);
    return fail(r, GW_EPARSE, r->p, "found %s, expected %s", found, expected);
}

/* The code point at p and its length; 0 and length 0 at the end (a NUL byte has length 1). */
static uint32_t peek(const struct reader *r, size_t *length)
{
    *length = 0;
    return r->p < r->end ? json5_decode(r->p, r->end, length) : 0;
}

static bool eat(struct reader *r, char c)
{
    if (r->p >= r->end || *r->p != c) return false;
    r->p++;
    return true;
}

/* ---- white space and comments ---- */

static int skip_comment(struct reader *r)
{
    const char *start = r->p++;
    size_t length;
    if (eat(r, '/')) {
        for (uint32_t c = peek(r, &length); length && !json5_is_line_end(c); c = peek(r, &length)) r->p += length;
        return 0;
    }
    if (!eat(r, '*')) return unexpected(r, "'/' or '*' after '/', to start a comment");
    const char *close = memmem(r->p, (size_t)(r->end - r->p), "*/", 2);
    if (!close) return fail(r, GW_EPARSE, start, "this comment is never closed, expected '*/'");
    r->p = close + 2;
    return 0;
}

static int skip_space(struct reader *r)
{
    size_t length;
    for (;;) {
        uint32_t c = peek(r, &length);
        if (length && json5_is_space(c)) {
            r->p += length;
        } else if (length && c == '/') {
            int rc = skip_comment(r);
            if (rc) return rc;
        } else {
            return 0;
        }
    }
}

/* ---- strings and names ---- */

static int hex_digits(struct reader *r, int n, uint32_t *out)
{
    *out = 0;
    for (int i = 0; i < n; i++, r->p++) {
        int digit = r->p < r->end ? json5_hex_digit(*r->p) : -1;
        if (digit < 0) return unexpected(r, n == 2 ? "two hexadecimal digits after \\x" : "four hexadecimal digits after \\u");
        *out = *out << 4 | (uint32_t)digit;
    }
    return 0;
}

/* The digits after \u; a high surrogate takes the escape of its low one with it. */
static int unicode_escape(struct reader *r, uint32_t *c)
{
    const char *at = r->p - 2;
    int rc = hex_digits(r, 4, c);
    if (rc || *c < 0xD800 || *c > 0xDFFF) return rc;
    uint32_t low = 0;
    if (*c <= 0xDBFF && r->end - r->p >= 2 && r->p[0] == '\\' && r->p[1] == 'u') {
        r->p += 2;
        rc = hex_digits(r, 4, &low);
        if (rc) return rc;
    }
    if (low < 0xDC00 || low > 0xDFFF) return fail(r, GW_EPARSE, at, "half of a surrogate pair; write both, as in \\uD83D\\uDE00");
    *c = 0x10000 + ((*c - 0xD800) << 10) + (low - 0xDC00);
    return 0;
}

/* A backslash was read: append what it and the following characters stand for. */
static int string_escape(struct reader *r)
{
    static const char from[] = "bfnrtv", to[] = "\b\f\n\r\t\v";
    size_t length;
    uint32_t c = peek(r, &length);
    const char *simple = c && c < 0x80 ? strchr(from, (int)c) : NULL;
    int rc = 0;
    if (!length || (c >= '1' && c <= '9')) return unexpected(r, "an escape after '\\'");
    r->p += length;
    if (simple) {
        c = (uint32_t)to[simple - from];
    } else if (c == '0') {
        if (r->p < r->end && *r->p >= '0' && *r->p <= '9') return unexpected(r, "no digit after \\0");
        c = 0;
    } else if (c == 'x') {
        rc = hex_digits(r, 2, &c);
    } else if (c == 'u') {
        rc = unicode_escape(r, &c);
    } else if (json5_is_line_end(c)) {
        if (c == '\r') eat(r, '\n');
        return 0;
    }
    if (rc == 0) json5_encode(&r->scratch, c);
    return rc;
}

static int keep(struct reader *r, struct str text, struct str *out)
{
    *out = arena_str(r->arena, text);
    return out->p && !r->scratch.err ? 0 : no_memory(r);
}

static int read_string(struct reader *r, struct str *out)
{
    const char *open = r->p++, *from = r->p;
    buf_clear(&r->scratch);
    for (;; r->p++) {
        if (r->p >= r->end) return fail(r, GW_EPARSE, open, "this string is never closed, expected %c", *open);
        if (*r->p == *open) break;
        if (*r->p == '\n' || *r->p == '\r') return unexpected(r, "the closing quote; a line break in a string is written \\n");
        if (*r->p != '\\') continue;
        buf_add(&r->scratch, (struct str){ from, (size_t)(r->p - from) });
        r->p++;
        int rc = string_escape(r);
        if (rc) return rc;
        from = r->p--;
    }
    struct str tail = { from, (size_t)(r->p++ - from) };
    if (from == open + 1) return keep(r, tail, out);
    buf_add(&r->scratch, tail);
    return keep(r, buf_str(&r->scratch), out);
}

static int read_name(struct reader *r, struct str *out)
{
    const char *start = r->p;
    size_t length;
    buf_clear(&r->scratch);
    for (uint32_t c = peek(r, &length); length; c = peek(r, &length)) {
        bool first = r->p == start, escaped = c == '\\';
        const char *at = r->p;
        if (escaped) {
            r->p++;
            if (!eat(r, 'u')) return unexpected(r, "'u' after '\\' in a name");
            int rc = hex_digits(r, 4, &c);
            if (rc) return rc;
        }
        if (!(first ? json5_is_name_start(c) : json5_is_name_part(c))) {
            if (escaped) return fail(r, GW_EPARSE, at, "U+%04X cannot stand in a name without quotes", (unsigned)c);
            break;
        }
        if (!escaped) r->p += length;
        json5_encode(&r->scratch, c);
    }
    if (r->p == start) return unexpected(r, "a name, a quoted name or '}'");
    return keep(r, buf_str(&r->scratch), out);
}

/* ---- numbers and words ---- */

static size_t skip_digits(struct reader *r)
{
    const char *from = r->p;
    while (r->p < r->end && *r->p >= '0' && *r->p <= '9') r->p++;
    return (size_t)(r->p - from);
}

static int scan_decimal(struct reader *r)
{
    bool zero = r->p < r->end && *r->p == '0';
    size_t digits = zero ? 1 : skip_digits(r);
    r->p += zero;
    if (eat(r, '.')) digits += skip_digits(r);
    if (digits == 0) return unexpected(r, "a digit");
    if (r->p < r->end && (*r->p == 'e' || *r->p == 'E')) {
        r->p++;
        if (!eat(r, '+')) eat(r, '-');
        if (skip_digits(r) == 0) return unexpected(r, "a digit of the exponent");
    }
    return 0;
}

static int scan_hexadecimal(struct reader *r)
{
    r->p += 2;
    const char *from = r->p;
    while (r->p < r->end && json5_hex_digit(*r->p) >= 0) r->p++;
    return r->p > from ? 0 : unexpected(r, "a hexadecimal digit");
}

static int read_word(struct reader *r, const char *word)
{
    for (; *word; word++) {
        char expected[] = { '\'', *word, '\'', '\0' };
        if (!eat(r, *word)) return unexpected(r, expected);
    }
    return 0;
}

static int read_number(struct reader *r, double *out)
{
    bool negative = eat(r, '-');
    if (!negative) eat(r, '+');
    const char *from = r->p;
    int rc;
    if (r->p < r->end && *r->p == 'I') {
        rc = read_word(r, "Infinity");
        *out = __builtin_inf();
    } else if (r->p < r->end && *r->p == 'N') {
        rc = read_word(r, "NaN");
        *out = __builtin_nan("");
    } else {
        bool hex = r->end - r->p > 1 && r->p[0] == '0' && (r->p[1] | 0x20) == 'x';
        rc = hex ? scan_hexadecimal(r) : scan_decimal(r);
        if (rc) return rc;
        buf_clear(&r->scratch);
        buf_add(&r->scratch, (struct str){ from, (size_t)(r->p - from) });
        *out = strtod(buf_cstr(&r->scratch), NULL); /* the program never leaves the C locale */
        if (r->scratch.err) return no_memory(r);
    }
    if (negative) *out = -*out;
    return rc;
}

/* ---- values ---- */

static int read_value(struct reader *r, struct json5_node *node);

static struct json5_node *append(struct reader *r, struct json5_node *parent, struct json5_node ***tail)
{
    struct json5_node *child = arena_alloc(r->arena, 1, sizeof *child);
    if (!child) return NULL;
    **tail = child;
    *tail = &child->next;
    parent->count++;
    return child;
}

static int read_member(struct reader *r, struct json5_node *member)
{
    member->key_place = place(r, r->p);
    member->key_from = (uint32_t)(r->p - r->start);
    bool quoted = *r->p == '"' || *r->p == '\'';
    int rc = quoted ? read_string(r, &member->key) : read_name(r, &member->key);
    if (rc == 0) rc = skip_space(r);
    if (rc) return rc;
    if (!eat(r, ':')) return unexpected(r, "':' after the name");
    return read_value(r, member);
}

/* Members or elements up to `close`; the opening character has been read. */
static int read_children(struct reader *r, struct json5_node *parent, char close)
{
    struct json5_node **tail = &parent->first;
    uint32_t line = parent->place.line;
    for (;;) {
        int rc = skip_space(r);
        if (rc) return rc;
        if (eat(r, close)) return 0;
        if (r->p >= r->end)
            return fail(r, GW_EPARSE, r->p, "the text ends inside the %s of line %u, expected '%c'", close == '}' ? "object" : "array",
                        (unsigned)line, close);
        struct json5_node *child = append(r, parent, &tail);
        if (!child) return no_memory(r);
        rc = close == '}' ? read_member(r, child) : read_value(r, child);
        if (rc == 0) rc = skip_space(r);
        if (rc) return rc;
        if (eat(r, ',')) continue;
        if (r->p < r->end && *r->p != close) return unexpected(r, close == '}' ? "',' or '}'" : "',' or ']'");
    }
}

static int read_container(struct reader *r, struct json5_node *node)
{
    bool object = *r->p == '{';
    node->kind = object ? JSON5_OBJECT : JSON5_ARRAY;
    if (r->depth == JSON5_DEPTH_MAX) return fail(r, GW_ELIMIT, r->p, "nested deeper than %d levels", JSON5_DEPTH_MAX);
    r->depth++;
    r->p++;
    int rc = read_children(r, node, object ? '}' : ']');
    r->depth--;
    if (rc == 0 && object && json5_object_close(r->arena, node)) rc = no_memory(r);
    return rc;
}

/* The value at p. */
static int read_here(struct reader *r, struct json5_node *node)
{
    switch (r->p < r->end ? *r->p : '\0') {
    case '{':
    case '[': return read_container(r, node);
    case '"':
    case '\'': node->kind = JSON5_STRING; return read_string(r, &node->string);
    case 'n': node->kind = JSON5_NULL; return read_word(r, "null");
    case 't':
        node->kind = JSON5_BOOL;
        node->boolean = true;
        return read_word(r, "true");
    case 'f': node->kind = JSON5_BOOL; return read_word(r, "false");
    case '+':
    case '-':
    case '.':
    case 'I':
    case 'N':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9': node->kind = JSON5_NUMBER; return read_number(r, &node->number);
    default: return unexpected(r, "a value: {, [, a quoted string, a number, true, false or null");
    }
}

static int read_value(struct reader *r, struct json5_node *node)
{
    int rc = skip_space(r);
    if (rc) return rc;
    node->place = place(r, r->p);
    node->from = (uint32_t)(r->p - r->start);
    rc = read_here(r, node);
    node->to = (uint32_t)(r->p - r->start);
    return rc;
}

static int check_text(struct reader *r)
{
    struct str text = { r->start, (size_t)(r->end - r->start) };
    if (text.n > JSON5_TEXT_MAX) return fail(r, GW_ELIMIT, r->start, "larger than %d bytes", JSON5_TEXT_MAX);
    if (text.n == 0 || str_utf8_valid(text)) return 0;
    const char *at = r->start; /* the longest valid prefix, a line at a time and then a byte at a time */
    for (const char *line; (line = memchr(at, '\n', (size_t)(r->end - at))); at = line + 1)
        if (!str_utf8_valid((struct str){ at, (size_t)(line - at) })) break;
    for (size_t n = 1; at + n <= r->end && n <= 4;) {
        if (str_utf8_valid((struct str){ at, n })) {
            at += n;
            n = 1;
        } else {
            n++;
        }
    }
    return fail(r, GW_EPARSE, at, "byte 0x%02X is not UTF-8; save the file as UTF-8", (unsigned char)*at);
}

int json5_parse(struct arena *arena, struct str text, uint32_t file, struct json5_node **out, struct json5_error *error)
{
    struct reader r = { .arena = arena, .start = text.p, .p = text.p, .error = error };
    r.end = text.p ? text.p + text.n : text.p;
    r.mark_at = r.start;
    r.mark = (struct json5_place){ 1, 1, file };
    r.scratch.max = JSON5_TEXT_MAX + 1;
    *out = NULL;
    *error = (struct json5_error){ 0 };
    struct json5_node *root = NULL;
    int rc = check_text(&r);
    if (rc == 0 && !(root = arena_alloc(arena, 1, sizeof *root))) rc = no_memory(&r);
    if (rc == 0 && root) rc = read_value(&r, root);
    if (rc == 0) rc = skip_space(&r);
    if (rc == 0 && r.p < r.end) rc = unexpected(&r, "nothing after the value");
    buf_free(&r.scratch);
    if (rc == 0) *out = root;
    return rc;
}
