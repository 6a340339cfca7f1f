#include "providers/gemini_schema.h"

#include "providers/wire.h"

struct context {
    const json_t *root;
    int depth;
    int nodes; /* a $ref to itself must not multiply without end */
};

static json_t *clean(struct context *c, const json_t *schema);

static void copy(json_t *to, const json_t *from, const char *key)
{
    json_t *value = json_object_get(from, key);
    if (value) json_object_set(to, key, value);
}

/* "#/$defs/name": the part of the root that it names, or NULL. */
static const json_t *resolve(const json_t *root, struct str ref)
{
    if (!str_starts(ref, STR("#/"))) return NULL;
    struct str path = { ref.p + 2, ref.n - 2 };
    while (path.p && root) {
        struct str step = str_split(&path, '/');
        root = json_object_getn(root, step.p, step.n);
    }
    return root;
}

/* The one type a schema names; *nullable when null is among several. */
static struct str type_of(const json_t *schema, bool *nullable)
{
    const json_t *type = json_object_get(schema, "type");
    struct str first = json_text(type);
    size_t i;
    json_t *item;
    json_array_foreach(type, i, item)
    {
        if (str_is(json_text(item), "null"))
            *nullable = true;
        else if (first.n == 0)
            first = json_text(item);
    }
    if (first.n > 0) return first;
    if (json_object_get(schema, "properties")) return STR("object");
    if (json_object_get(schema, "items")) return STR("array");
    return STR("string");
}

/* Gemini knows enums of strings only. */
static void take_enum(json_t *out, const json_t *schema)
{
    const json_t *values = json_object_get(schema, "enum"), *constant = json_object_get(schema, "const");
    json_t *kept = json_array(), *value;
    size_t i;
    if (json_is_string(constant)) json_array_append(kept, (json_t *)constant);
    json_array_foreach(values, i, value) if (json_is_string(value)) json_array_append(kept, value);
    if (json_array_size(kept) > 0) json_object_set(out, "enum", kept);
    json_decref(kept);
}

static void take_format(json_t *out, const json_t *schema, const char *const *known)
{
    struct str format = json_str(schema, "format");
    for (; *known; known++)
        if (str_is(format, *known)) copy(out, schema, "format");
}

static void take_object(struct context *c, json_t *out, const json_t *schema)
{
    json_t *properties = json_object(), *required = json_array(), *value;
    const char *key;
    size_t i;
    json_object_foreach((json_t *)json_object_get(schema, "properties"), key, value) json_object_set_new(properties, key, clean(c, value));
    json_array_foreach(json_object_get(schema, "required"), i, value)
    {
        struct str name = json_text(value);
        if (name.p && json_object_getn(properties, name.p, name.n)) json_array_append(required, value);
    }
    if (json_object_size(properties) > 0) json_object_set(out, "properties", properties);
    if (json_array_size(required) > 0) json_object_set(out, "required", required);
    json_decref(properties);
    json_decref(required);
}

static void take_array(struct context *c, json_t *out, const json_t *schema)
{
    const json_t *items = json_object_get(schema, "items");
    if (json_is_array(items)) items = json_array_get(items, 0);
    json_object_set_new(out, "items", clean(c, items));
    copy(out, schema, "minItems");
    copy(out, schema, "maxItems");
}

static void take_type(struct context *c, json_t *out, const json_t *schema)
{
    static const char *const numbers[] = { "int32", "int64", "float", "double", NULL }, *const strings[] = { "enum", "date-time", NULL };
    bool nullable = false;
    struct str type = type_of(schema, &nullable);
    json_object_set_new(out, "type", json_stringn(type.p, type.n));
    if (nullable) json_object_set_new(out, "nullable", json_true());
    if (str_is(type, "object")) take_object(c, out, schema);
    if (str_is(type, "array")) take_array(c, out, schema);
    if (str_is(type, "string")) {
        take_enum(out, schema);
        take_format(out, schema, strings);
    }
    if (str_is(type, "number") || str_is(type, "integer")) {
        take_format(out, schema, numbers);
        copy(out, schema, "minimum");
        copy(out, schema, "maximum");
    }
}

static bool is_null(const json_t *schema)
{
    return str_is(json_str(schema, "type"), "null");
}

static bool is_word(const json_t *schema)
{
    return json_is_string(json_object_get(schema, "const"));
}

/* Variants: one is itself, constants make an enum, others an anyOf, beside which Gemini takes no type. */
static void take_variants(struct context *c, json_t *out, const json_t *variants)
{
    json_t *kept = json_array(), *words = json_array(), *variant;
    size_t i, n = 0;
    json_array_foreach(variants, i, variant)
    {
        if (is_null(variant)) {
            json_object_set_new(out, "nullable", json_true());
            continue;
        }
        n++;
        if (is_word(variant)) json_array_append(words, json_object_get(variant, "const"));
        json_array_append_new(kept, clean(c, variant));
    }
    if (n > 0 && json_array_size(words) == n) {
        json_object_set_new(out, "type", json_string("string"));
        json_object_set(out, "enum", words);
    } else if (n == 1) {
        json_object_update_missing(out, json_array_get(kept, 0));
    } else if (n > 1) {
        json_object_set(out, "anyOf", kept);
    }
    json_decref(kept);
    json_decref(words);
}

/* All of allOf in one object; properties are joined. */
static json_t *merged(const json_t *schema)
{
    json_t *all = json_copy((json_t *)schema), *properties = json_object(), *part;
    size_t i;
    json_object_update(properties, json_object_get(schema, "properties"));
    json_array_foreach(json_object_get(schema, "allOf"), i, part)
    {
        json_object_update_missing(properties, json_object_get(part, "properties"));
        json_object_update_missing(all, part);
    }
    if (json_object_size(properties) > 0) json_object_set(all, "properties", properties);
    json_decref(properties);
    json_object_del(all, "allOf");
    return all;
}

static json_t *clean(struct context *c, const json_t *schema)
{
    const json_t *target = resolve(c->root, json_str(schema, "$ref"));
    if (!json_is_object(schema) || c->depth >= GEMINI_SCHEMA_DEPTH || c->nodes++ >= GEMINI_SCHEMA_NODES)
        return json_pack("{s:s}", "type", "string");
    json_t *out = json_object(), *all = merged(target ? target : schema);
    const json_t *variants = json_object_get(all, "anyOf");
    if (!json_is_array(variants)) variants = json_object_get(all, "oneOf");
    c->depth++;
    copy(out, schema, "description");
    if (!json_object_get(schema, "description")) copy(out, all, "description");
    if (json_is_true(json_object_get(all, "nullable"))) json_object_set_new(out, "nullable", json_true());
    if (json_array_size(variants) > 0 && !json_object_get(all, "properties")) take_variants(c, out, variants);
    if (!json_object_get(out, "type") && !json_object_get(out, "anyOf")) take_type(c, out, all);
    c->depth--;
    json_decref(all);
    return out;
}

json_t *gemini_schema_clean(const json_t *schema)
{
    struct context c = { .root = schema };
    return clean(&c, schema);
}
