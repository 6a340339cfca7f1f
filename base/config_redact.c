#include "base/config_redact.h"

#include "base/config_internal.h"
#include "base/err.h"

/* Writes a text anew, some of its values replaced. Values come in the order of the text. */
struct rewriter {
    struct str text;
    size_t done; /* bytes of it that are written or replaced */
    struct buf *out;
};

static void replace(struct rewriter *w, const struct json5_node *node, struct str by)
{
    buf_add(w->out, (struct str){ w->text.p + w->done, node->from - w->done });
    buf_add(w->out, by);
    w->done = node->to;
}

static void finish(struct rewriter *w)
{
    buf_add(w->out, (struct str){ w->text.p + w->done, w->text.n - w->done });
}

static const struct config_rule *rule_of(const struct config_rule *rule, const struct json5_node *child)
{
    return config_schema_child(rule, child->key.p ? child->key : STR("[]"));
}

/* ---- hiding ---- */

static void hide(struct rewriter *w, const struct json5_node *node, const struct config_rule *rule, struct str name)
{
    if (config_is_hidden(node, rule, name)) replace(w, node, STR("\"" CONFIG_REDACTED "\""));
    for (const struct json5_node *c = node->first; c; c = c->next) hide(w, c, rule_of(rule, c), c->key.p ? c->key : name);
}

int config_redact_text(struct str text, struct buf *out)
{
    struct arena arena = { .max = CONFIG_MEMORY_MAX };
    struct json5_node *root;
    struct json5_error error;
    struct rewriter w = { .text = text, .out = out };
    const struct config_rule *rules = config_schema_build(&arena);
    int rc = rules ? json5_parse(&arena, text, 0, &root, &error) : GW_ENOMEM;
    if (rc == 0) {
        hide(&w, root, rules, STR(""));
        finish(&w);
    }
    arena_free(&arena);
    return rc ? rc : out->err;
}

/* ---- putting back ---- */

struct restorer {
    struct rewriter w;
    struct str disk;
    struct buf path; /* where the walk is */
    struct buf *why;
    int rc;
};

/* The element of `list` that `element`, the i-th of `of`, was made from. */
static const struct json5_node *same_element(const struct json5_node *list, const struct json5_node *of, const struct json5_node *element,
                                             size_t i)
{
    const struct json5_node *id = json5_member(element, STR("id"));
    if (!list || list->kind != JSON5_ARRAY) return NULL;
    if (!id || id->kind != JSON5_STRING) return list->count == of->count ? json5_element(list, i) : NULL;
    for (const struct json5_node *e = list->first; e; e = e->next)
        if (str_eq(config_text_of(json5_member(e, STR("id"))), id->string)) return e;
    return NULL;
}

static const struct json5_node *counterpart(const struct json5_node *parent, const struct json5_node *of, const struct json5_node *child,
                                            size_t i)
{
    return child->key.p ? json5_member(parent, child->key) : same_element(parent, of, child, i);
}

static void refuse(struct restorer *r, const struct config_rule *rule)
{
    struct str key = rule && rule->setting ? str_of(rule->setting->path) : buf_str(&r->path);
    if (r->rc) return;
    buf_printf(r->why, "Sentinel value \"" CONFIG_REDACTED "\" in key %.*s is not valid as real data", STR_ARG(key));
    r->rc = GW_EINVAL;
}

static struct str literal(const struct restorer *r, const struct json5_node *node)
{
    return (struct str){ r->disk.p + node->from, node->to - node->from };
}

static void restore_text(struct restorer *r, const struct json5_node *node, const struct json5_node *disk,
                         const struct json5_node *resolved, const struct config_rule *rule)
{
    bool hidden = str_is(node->string, CONFIG_REDACTED);
    bool known = disk && disk->kind == JSON5_STRING;
    bool variable = known && resolved && resolved->from_env && str_eq(resolved->string, node->string);
    if ((hidden && known && !str_is(disk->string, CONFIG_REDACTED)) || variable) {
        replace(&r->w, node, literal(r, disk));
    } else if (hidden && resolved && resolved->kind == JSON5_STRING && !resolved->from_env) { /* of an included file */
        struct buf text = { 0 };
        buf_json_str(&text, resolved->string);
        replace(&r->w, node, buf_str(&text));
        if (text.err) r->rc = text.err;
        buf_free(&text);
    } else if (hidden) {
        refuse(r, rule);
    }
}

static void restore(struct restorer *r, const struct json5_node *node, const struct json5_node *disk, const struct json5_node *resolved,
                    const struct config_rule *rule)
{
    size_t i = 0, start = r->path.n;
    if (node->kind == JSON5_STRING) restore_text(r, node, disk, resolved, rule);
    for (const struct json5_node *c = node->first; c && r->rc == 0; c = c->next, i++) {
        if (c->key.p)
            config_path_name(&r->path, c->key);
        else
            config_path_index(&r->path, i);
        restore(r, c, counterpart(disk, node, c, i), counterpart(resolved, node, c, i), rule_of(rule, c));
        r->path.n = start;
    }
}

int config_redact_restore(struct str fresh, struct str disk, const config_t *resolved, struct buf *out, struct buf *why)
{
    struct arena arena = { .max = CONFIG_MEMORY_MAX };
    struct json5_node *root, *old = NULL;
    struct json5_error error;
    struct restorer r = { .w = { .text = fresh, .out = out }, .disk = disk, .why = why };
    const struct config_rule *rules = config_schema_build(&arena);
    int rc = rules ? json5_parse(&arena, fresh, 0, &root, &error) : GW_ENOMEM;
    if (rc == 0 && disk.n && json5_parse(&arena, disk, 0, &old, &error)) old = NULL; /* broken: nothing to take from it */
    if (rc == 0) {
        restore(&r, root, old, resolved ? resolved->root : NULL, rules);
        finish(&r.w);
        rc = r.rc ? r.rc : r.path.err;
    }
    buf_free(&r.path);
    arena_free(&arena);
    return rc ? rc : out->err;
}
