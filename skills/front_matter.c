#include "skills/front_matter.h"

#include <stdio.h>
#include <yaml.h>

#include "base/buf.h"
#include "base/err.h"

struct reader {
    struct arena *arena;
    struct front_matter_error *error;
    yaml_document_t *document;
    unsigned line_offset; /* lines of the file before the document's first */
};

static int fail(struct reader *r, int code, size_t line, const char *what, const char *detail)
{
    r->error->line = r->line_offset + (unsigned)line + 1;
    snprintf(r->error->text, sizeof r->error->text, "%s%s%s", what, detail ? ": " : "", detail ? detail : "");
    return code;
}

/* The value of a key, or NULL. */
static yaml_node_t *value_of(struct reader *r, const yaml_node_t *map, const char *key)
{
    if (!map || map->type != YAML_MAPPING_NODE) return NULL;
    for (yaml_node_pair_t *pair = map->data.mapping.pairs.start; pair < map->data.mapping.pairs.top; pair++) {
        const yaml_node_t *k = yaml_document_get_node(r->document, pair->key);
        if (k && k->type == YAML_SCALAR_NODE && str_is((struct str){ (char *)k->data.scalar.value, k->data.scalar.length }, key))
            return yaml_document_get_node(r->document, pair->value);
    }
    return NULL;
}

static struct str scalar(const yaml_node_t *node)
{
    struct str s = { (const char *)node->data.scalar.value, node->data.scalar.length };
    bool plain = node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    return plain && (str_is(s, "~") || str_is(s, "null")) ? (struct str){ NULL, 0 } : s;
}

static int copy(struct reader *r, struct str s, struct str *out)
{
    *out = (struct str){ NULL, 0 };
    if (s.n == 0) return 0;
    *out = arena_str(r->arena, s);
    return r->arena->err;
}

static int get_text(struct reader *r, const yaml_node_t *map, const char *key, struct str *out)
{
    const yaml_node_t *node = value_of(r, map, key);
    if (!node) return 0;
    if (node->type != YAML_SCALAR_NODE) return fail(r, GW_EPARSE, node->start_mark.line, "must be text", key);
    return copy(r, str_trim(scalar(node)), out);
}

static int get_bool(struct reader *r, const yaml_node_t *map, const char *key, bool *out)
{
    const yaml_node_t *node = value_of(r, map, key);
    if (!node) return 0;
    struct str s = node->type == YAML_SCALAR_NODE ? scalar(node) : STR("?");
    if (str_ieq(s, STR("true")) || str_ieq(s, STR("yes")) || str_ieq(s, STR("on")))
        *out = true;
    else if (str_ieq(s, STR("false")) || str_ieq(s, STR("no")) || str_ieq(s, STR("off")))
        *out = false;
    else if (s.n > 0)
        return fail(r, GW_EPARSE, node->start_mark.line, "must be true or false", key);
    return 0;
}

/* A list of texts; one text alone counts as a list of one. */
static int get_list(struct reader *r, const yaml_node_t *map, const char *key, struct skill_list *out)
{
    const yaml_node_t *node = value_of(r, map, key);
    if (!node || (node->type == YAML_SCALAR_NODE && scalar(node).n == 0)) return 0;
    bool list = node->type == YAML_SEQUENCE_NODE;
    if (node->type == YAML_MAPPING_NODE) return fail(r, GW_EPARSE, node->start_mark.line, "must be a list of texts", key);
    size_t n = list ? (size_t)(node->data.sequence.items.top - node->data.sequence.items.start) : 1;
    if (n > SKILLS_LIST_MAX) return fail(r, GW_ELIMIT, node->start_mark.line, "has more entries than SKILLS_LIST_MAX (64)", key);
    out->items = arena_alloc(r->arena, n, sizeof *out->items);
    if (!out->items) return r->arena->err;
    for (size_t i = 0; i < n; i++) {
        const yaml_node_t *item = list ? yaml_document_get_node(r->document, node->data.sequence.items.start[i]) : node;
        if (!item || item->type != YAML_SCALAR_NODE) return fail(r, GW_EPARSE, node->start_mark.line, "must be a list of texts", key);
        int rc = copy(r, scalar(item), &out->items[out->count++]);
        if (rc != 0) return rc;
    }
    return 0;
}

/* What stands for a label that is missing: "Install gh (brew)". */
static int default_label(struct reader *r, const yaml_node_t *entry, struct skill_install *out)
{
    static const char *const keys[] = { "formula", "package", "module", "url" };
    struct str what = { NULL, 0 };
    struct buf text = { .max = 1024 };
    int rc = 0;
    for (size_t i = 0; rc == 0 && !what.n && i < sizeof keys / sizeof *keys; i++) rc = get_text(r, entry, keys[i], &what);
    if (rc != 0) return rc;
    buf_printf(&text, "Install %.*s (%.*s)", STR_ARG(str_utf8_prefix(what, 512)), STR_ARG(str_utf8_prefix(out->kind, 64)));
    out->label = arena_str(r->arena, buf_str(&text));
    buf_free(&text);
    return r->arena->err;
}

static int read_install_entry(struct reader *r, const yaml_node_t *entry, size_t place, struct skill_install *out)
{
    char id[32];
    int rc = get_text(r, entry, "kind", &out->kind);
    if (rc == 0) rc = get_text(r, entry, "id", &out->id);
    if (rc == 0) rc = get_text(r, entry, "label", &out->label);
    if (rc == 0) rc = get_list(r, entry, "bins", &out->bins);
    if (rc == 0) rc = get_list(r, entry, "os", &out->os);
    if (rc == 0 && !out->label.n) rc = default_label(r, entry, out);
    if (rc != 0 || out->id.n) return rc;
    snprintf(id, sizeof id, "%.*s-%zu", STR_ARG(str_utf8_prefix(out->kind, 8)), place);
    return copy(r, str_of(id), &out->id);
}

static int read_install(struct reader *r, const yaml_node_t *own, struct front_matter *out)
{
    const yaml_node_t *node = value_of(r, own, "install");
    if (!node || node->type != YAML_SEQUENCE_NODE) return 0;
    size_t n = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    if (n > SKILLS_INSTALL_MAX) n = SKILLS_INSTALL_MAX; /* only told to people: no reason to refuse the skill */
    out->install = arena_alloc(r->arena, n, sizeof *out->install);
    if (!out->install) return n ? r->arena->err : 0;
    for (size_t i = 0; i < n; i++) {
        const yaml_node_t *entry = yaml_document_get_node(r->document, node->data.sequence.items.start[i]);
        out->install[i] = (struct skill_install){ 0 };
        if (!entry || entry->type != YAML_MAPPING_NODE)
            return fail(r, GW_EPARSE, node->start_mark.line, "must be a list of objects", "install");
        int rc = read_install_entry(r, entry, i, &out->install[out->install_count++]);
        if (rc != 0) return rc;
    }
    return 0;
}

static int read_openclaw(struct reader *r, const yaml_node_t *metadata, struct front_matter *out)
{
    const yaml_node_t *own = value_of(r, metadata, "openclaw");
    const yaml_node_t *requires = value_of(r, own, "requires");
    int rc = get_bool(r, own, "always", &out->always);
    if (rc == 0) rc = get_text(r, own, "emoji", &out->emoji);
    if (rc == 0 && !out->homepage.n) rc = get_text(r, own, "homepage", &out->homepage);
    if (rc == 0) rc = get_text(r, own, "skillKey", &out->key);
    if (rc == 0) rc = get_text(r, own, "primaryEnv", &out->primary_env);
    if (rc == 0) rc = read_install(r, own, out);
    if (rc == 0) rc = get_list(r, own, "os", &out->requires.os);
    if (rc == 0) rc = get_list(r, requires, "bins", &out->requires.bins);
    if (rc == 0) rc = get_list(r, requires, "anyBins", &out->requires.any_bins);
    if (rc == 0) rc = get_list(r, requires, "env", &out->requires.env);
    if (rc == 0) rc = get_list(r, requires, "config", &out->requires.config);
    return rc;
}

typedef int read_fn(struct reader *r, const yaml_node_t *root, struct front_matter *out);

/* Parse `yaml` and let `read` take what it wants. Aliases share nodes, so nothing unfolds; each reader goes to a fixed depth. */
static int with_document(struct reader *r, struct str yaml, read_fn *read, struct front_matter *out)
{
    yaml_parser_t parser;
    yaml_document_t document;
    if (!yaml_parser_initialize(&parser)) return GW_ENOMEM;
    yaml_parser_set_input_string(&parser, (const unsigned char *)(yaml.p ? yaml.p : ""), yaml.n);
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    int rc = 0;
    if (!yaml_parser_load(&parser, &document)) {
        rc = parser.error == YAML_MEMORY_ERROR ? GW_ENOMEM : fail(r, GW_EPARSE, parser.problem_mark.line, "not valid YAML", parser.problem);
    } else {
        yaml_document_t *outer = r->document;
        r->document = &document;
        const yaml_node_t *root = yaml_document_get_root_node(&document);
        if (root) rc = read(r, root, out);
        r->document = outer;
        yaml_document_delete(&document);
    }
    yaml_parser_delete(&parser);
    return rc;
}

static int read_metadata(struct reader *r, const yaml_node_t *root, struct front_matter *out)
{
    const yaml_node_t *metadata = value_of(r, root, "metadata");
    if (!metadata || metadata->type != YAML_SCALAR_NODE) return read_openclaw(r, metadata, out);
    unsigned offset = r->line_offset;
    r->line_offset += (unsigned)metadata->start_mark.line;
    int rc = with_document(r, scalar(metadata), read_openclaw, out);
    r->line_offset = offset;
    return rc;
}

static int read_root(struct reader *r, const yaml_node_t *root, struct front_matter *out)
{
    bool disabled = false;
    if (root->type != YAML_MAPPING_NODE) return fail(r, GW_EPARSE, root->start_mark.line, "front matter must be keys and values", NULL);
    int rc = get_text(r, root, "name", &out->name);
    if (rc == 0) rc = get_text(r, root, "homepage", &out->homepage);
    if (rc == 0) rc = get_text(r, root, "description", &out->description);
    if (rc == 0) rc = get_bool(r, root, "user-invocable", &out->user_invocable);
    if (rc == 0) rc = get_bool(r, root, "disable-model-invocation", &disabled);
    out->model_invocable = !disabled;
    return rc == 0 ? read_metadata(r, root, out) : rc;
}

static bool is_fence(struct str line)
{
    return str_starts(line, STR("---")) && str_trim((struct str){ line.p + 3, line.n - 3 }).n == 0;
}

/* Split text at its fences. @return true when there is front matter; *closed tells whether it ends. */
static bool split(struct str text, struct str *yaml, struct str *body, bool *closed)
{
    struct str rest = text;
    *closed = false;
    if (str_starts(rest, STR("\xEF\xBB\xBF"))) rest = (struct str){ rest.p + 3, rest.n - 3 };
    *body = rest;
    if (!is_fence(str_split(&rest, '\n'))) return false;
    const char *start = rest.p;
    while (rest.p) {
        struct str line = str_split(&rest, '\n');
        if (!is_fence(line)) continue;
        *yaml = (struct str){ start, (size_t)(line.p - start) };
        *body = rest;
        *closed = true;
        break;
    }
    return true;
}

int front_matter_parse(struct str text, struct arena *arena, struct front_matter *out, struct front_matter_error *error)
{
    struct reader r = { .arena = arena, .error = error, .line_offset = 1 };
    struct front_matter found = { .user_invocable = true, .model_invocable = true };
    struct str yaml = { NULL, 0 };
    bool closed;
    int rc = 0;
    *error = (struct front_matter_error){ 0 };
    if (split(text, &yaml, &found.body, &closed)) {
        r.line_offset = 0;
        if (!closed) rc = fail(&r, GW_EPARSE, 0, "front matter has no closing --- line", NULL);
        if (yaml.n > SKILLS_FRONT_MAX) rc = fail(&r, GW_ELIMIT, 0, "front matter is larger than SKILLS_FRONT_MAX (16384 bytes)", NULL);
        r.line_offset = 1;
        if (rc == 0) rc = with_document(&r, yaml, read_root, &found);
    }
    *out = rc == 0 ? found : (struct front_matter){ 0 };
    return rc;
}
