#include "cli/json_print.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json_read.h"

enum { DEPTH_MAX = 2048 }; /* jansson's own bound when it reads */

/* jansson takes const away from nobody, but its iterators want it gone. */
static json_t *loose(const json_t *value)
{
    union {
        const json_t *in;
        json_t *out;
    } u = { .in = value };
    return u.out;
}

static void line(struct buf *out, int depth)
{
    buf_char(out, '\n');
    for (int i = 0; i < depth; i++) buf_text(out, "  ");
}

static void print_real(struct buf *out, double value)
{
    char text[40];
    if (value == floor(value) && fabs(value) < 1e15) {
        buf_int(out, (int64_t)value);
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    buf_text(out, text);
}

static void print_value(struct buf *out, const json_t *value, int depth);

static void print_object(struct buf *out, const json_t *value, int depth)
{
    const char *key;
    json_t *member;
    bool first = true;
    buf_char(out, '{');
    json_object_foreach(loose(value), key, member)
    {
        if (!first) buf_char(out, ',');
        first = false;
        line(out, depth + 1);
        buf_json_str(out, str_of(key));
        buf_text(out, ": ");
        print_value(out, member, depth + 1);
    }
    if (!first) line(out, depth);
    buf_char(out, '}');
}

static void print_array(struct buf *out, const json_t *value, int depth)
{
    size_t i;
    json_t *item;
    buf_char(out, '[');
    json_array_foreach(loose(value), i, item)
    {
        if (i) buf_char(out, ',');
        line(out, depth + 1);
        print_value(out, item, depth + 1);
    }
    if (json_array_size(value)) line(out, depth);
    buf_char(out, ']');
}

static void print_value(struct buf *out, const json_t *value, int depth)
{
    if (!value || depth > DEPTH_MAX) {
        buf_text(out, "null");
        return;
    }
    switch (json_typeof(value)) {
    case JSON_OBJECT: print_object(out, value, depth); break;
    case JSON_ARRAY: print_array(out, value, depth); break;
    case JSON_STRING: buf_json_str(out, json_text(value)); break;
    case JSON_INTEGER: buf_int(out, json_integer_value(value)); break;
    case JSON_REAL: print_real(out, json_real_value(value)); break;
    case JSON_TRUE: buf_text(out, "true"); break;
    case JSON_FALSE: buf_text(out, "false"); break;
    case JSON_NULL: buf_text(out, "null"); break;
    }
}

void json_print(struct buf *out, const json_t *value)
{
    print_value(out, value, 0);
}

void json_show(const json_t *value)
{
    struct buf out = { 0 };
    json_print(&out, value);
    buf_char(&out, '\n');
    if (out.err)
        fprintf(stderr, "the answer is too large to be printed\n");
    else
        fwrite(out.p, 1, out.n, stdout);
    buf_free(&out);
}
