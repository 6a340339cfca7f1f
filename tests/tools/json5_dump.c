/* Reads JSON5 texts from stdin, each as "<bytes>\n" followed by that many bytes, and prints one line per text: the value
 * as JSON (infinities as 1e999, NaN as {"$nan":true}), or "error line:column: why". For tests/node/json5/compare.mjs. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json5.h"

static void dump(struct buf *out, const struct json5_node *node);

static void dump_number(struct buf *out, double number)
{
    if (isnan(number)) {
        buf_text(out, "{\"$nan\":true}");
    } else if (isinf(number)) {
        buf_text(out, number < 0 ? "-1e999" : "1e999");
    } else {
        json5_print_number(out, number);
    }
}

static void dump_children(struct buf *out, const struct json5_node *node)
{
    buf_char(out, node->kind == JSON5_OBJECT ? '{' : '[');
    for (const struct json5_node *child = node->first; child; child = child->next) {
        buf_json_comma(out);
        if (child->key.p) {
            buf_json_str(out, child->key);
            buf_char(out, ':');
        }
        dump(out, child);
    }
    buf_char(out, node->kind == JSON5_OBJECT ? '}' : ']');
}

static void dump(struct buf *out, const struct json5_node *node)
{
    switch (node->kind) {
    case JSON5_NULL: buf_text(out, "null"); break;
    case JSON5_BOOL: buf_text(out, node->boolean ? "true" : "false"); break;
    case JSON5_NUMBER: dump_number(out, node->number); break;
    case JSON5_STRING: buf_json_str(out, node->string); break;
    case JSON5_ARRAY:
    case JSON5_OBJECT: dump_children(out, node); break;
    }
}

int main(void)
{
    size_t n;
    while (scanf("%zu", &n) == 1 && n <= 4 * JSON5_TEXT_MAX && getchar() == '\n') {
        struct arena arena = { 0 };
        struct buf out = { 0 };
        struct json5_node *root;
        struct json5_error error;
        char *text = malloc(n + 1);
        if (!text || fread(text, 1, n, stdin) != n) return 1;
        if (json5_parse(&arena, (struct str){ text, n }, 0, &root, &error)) {
            buf_printf(&out, "error %u:%u: %s", (unsigned)error.place.line, (unsigned)error.place.column, error.text);
        } else {
            dump(&out, root);
        }
        puts(buf_cstr(&out));
        buf_free(&out);
        arena_free(&arena);
        free(text);
    }
    return 0;
}
