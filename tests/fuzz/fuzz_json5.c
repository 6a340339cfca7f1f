/* Any bytes: the JSON5 reader gives a tree or an error with a place; a tree printed as JSON reads back as a tree. */
#include <stdlib.h>

#include "base/json5.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void print(struct buf *out, const struct json5_node *node)
{
    switch (node->kind) {
    case JSON5_NULL: buf_text(out, "null"); break;
    case JSON5_BOOL: buf_text(out, node->boolean ? "true" : "false"); break;
    case JSON5_NUMBER: json5_print_number(out, node->number); break;
    case JSON5_STRING: buf_json_str(out, node->string); break;
    case JSON5_ARRAY:
    case JSON5_OBJECT:
        buf_char(out, node->kind == JSON5_ARRAY ? '[' : '{');
        for (const struct json5_node *c = node->first; c; c = c->next) {
            buf_json_comma(out);
            if (c->key.p) buf_json_str(out, c->key);
            if (c->key.p) buf_char(out, ':');
            print(out, c);
        }
        buf_char(out, node->kind == JSON5_ARRAY ? ']' : '}');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = { 0 };
    struct buf out = { 0 };
    struct json5_node *root, *again;
    struct json5_error error;
    if (json5_parse(&arena, (struct str){ (const char *)data, size }, 0, &root, &error)) {
        if (error.code >= 0 || !error.text[0] || error.place.line == 0 || error.place.column == 0) abort();
    } else {
        print(&out, root);
        bool fits = out.n <= JSON5_TEXT_MAX; /* escapes may make it longer */
        if (fits && json5_parse(&arena, buf_str(&out), 0, &again, &error) && !arena.err) abort();
    }
    buf_free(&out);
    arena_free(&arena);
    return 0;
}
