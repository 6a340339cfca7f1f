#include "base/json5_json.h"

#include <math.h>

static json_t *number(const struct json5_node *node)
{
    int64_t whole;
    if (json5_to_int(node, &whole)) return json_integer(whole);
    return isfinite(node->number) ? json_real(node->number) : json_null();
}

json_t *json5_json(const struct json5_node *node)
{
    if (!node) return json_null();
    switch (node->kind) {
    case JSON5_BOOL: return json_boolean(node->boolean);
    case JSON5_NUMBER: return number(node);
    case JSON5_STRING: return json_stringn(node->string.p, node->string.n);
    case JSON5_NULL: return json_null();
    default: break;
    }
    json_t *whole = node->kind == JSON5_ARRAY ? json_array() : json_object();
    for (const struct json5_node *child = node->first; whole && child; child = child->next) {
        json_t *part = json5_json(child);
        int rc =
            node->kind == JSON5_ARRAY ? json_array_append_new(whole, part) : json_object_setn_new(whole, child->key.p, child->key.n, part);
        if (rc) {
            json_decref(whole);
            return NULL;
        }
    }
    return whole;
}
