#include "base/config_view.h"

#include <stdio.h>

#include "base/config_internal.h"
#include "base/config_redact.h"
#include "base/err.h"
#include "base/hex.h"

void config_hash(struct str text, char out[CONFIG_HASH_SIZE])
{
    hex_sha256(text, out);
}

/* ---- problems ---- */

static void issue(struct str path, struct str message, uint32_t line, bool lines, struct buf *out)
{
    buf_json_comma(out);
    buf_char(out, '{');
    buf_json_pair_str(out, "path", path);
    buf_json_pair_str(out, "message", message);
    if (lines) buf_json_pair_int(out, "line", line);
    buf_char(out, '}');
}

static void issues_in(const struct config_problems *problems, enum config_severity severity, bool lines, struct buf *out)
{
    for (size_t i = 0; i < problems->count; i++) {
        const struct config_problem *p = &problems->items[i];
        if (p->severity == severity) issue(p->path, p->message, p->line, lines, out);
    }
}

void config_view_issues(const struct config_problems *problems, enum config_severity severity, bool lines, struct buf *out)
{
    buf_char(out, '[');
    issues_in(problems, severity, lines, out);
    buf_char(out, ']');
}

int config_view_validate(struct str text, const char *path, const struct env *env, struct buf *out)
{
    struct config_problems problems = { 0 };
    config_t *cfg = NULL;
    int rc = config_parse(text, path, env, &cfg, &problems);
    config_unref(&cfg);
    if (rc == 0 || rc == GW_ECONFIG) {
        buf_char(out, '{');
        buf_json_pair_bool(out, "valid", rc == 0);
        buf_json_key(out, "issues");
        config_view_issues(&problems, CONFIG_ERROR, true, out);
        buf_json_key(out, "warnings");
        config_view_issues(&problems, CONFIG_WARNING, true, out);
        buf_char(out, '}');
        rc = out->err;
    }
    config_problems_free(&problems);
    return rc;
}

/* ---- values ---- */

/* Defaults that OpenClaw fills in, and its clients show. */
static const char *const filled_in[] = {
    "commands.native",
    "commands.nativeSkills",
    "messages.ackReactionScope",
    "agents.defaults.maxConcurrent",
    "agents.defaults.subagents.maxConcurrent",
};

static struct json5_node *copy_tree(struct arena *arena, const struct json5_node *node)
{
    struct json5_node *copy = arena_alloc(arena, 1, sizeof *copy);
    if (!copy) return NULL;
    *copy = *node;
    copy->next = NULL;
    copy->index = NULL;
    struct json5_node **tail = &copy->first;
    copy->first = NULL;
    for (const struct json5_node *c = node->first; c; c = c->next) {
        *tail = copy_tree(arena, c);
        if (!*tail) return NULL;
        tail = &(*tail)->next;
    }
    return copy;
}

/* The member `key` of an object, made when it is absent. NULL: it is no object, or memory is out */
static struct json5_node *member_of(struct arena *arena, struct json5_node *object, struct str key)
{
    if (object->kind != JSON5_OBJECT) return NULL;
    struct json5_node **tail = &object->first;
    for (; *tail; tail = &(*tail)->next)
        if (str_eq((*tail)->key, key)) return *tail;
    struct json5_node *m = arena_alloc(arena, 1, sizeof *m);
    if (!m) return NULL;
    m->key = key;
    m->kind = JSON5_NULL;
    object->count++;
    return *tail = m;
}

static void fill_in(struct arena *arena, struct json5_node *root, const struct config_rule *rules, const char *path)
{
    const struct config_rule *rule = config_schema_find(rules, str_of(path));
    struct str rest = str_of(path), part;
    struct json5_node *node = root, *value = NULL;
    struct json5_error error;
    if (!rule || !rule->setting || !rule->setting->def || config_at(root, rest)) return;
    if (json5_parse(arena, str_of(rule->setting->def), 0, &value, &error)) return;
    while (node && rest.n && config_path_next(&rest, &part)) {
        node = member_of(arena, node, part);
        if (node && rest.n && node->kind == JSON5_NULL) node->kind = JSON5_OBJECT;
    }
    if (!node || node->kind != JSON5_NULL) return;
    value->key = node->key;
    value->next = node->next;
    *node = *value;
}

static void print_tree(const struct json5_node *root, const struct config_rule *rules, struct buf *out)
{
    struct config_printer p = { .out = out, .mask = CONFIG_REDACTED };
    config_print_node(&p, root, rules, STR(""));
}

int config_view_values(const config_t *cfg, struct buf *out)
{
    struct arena arena = { .max = CONFIG_MEMORY_MAX };
    struct json5_node *root = copy_tree(&arena, cfg->root);
    for (size_t i = 0; root && i < sizeof filled_in / sizeof *filled_in; i++) fill_in(&arena, root, cfg->rules, filled_in[i]);
    if (root) print_tree(root, cfg->rules, out);
    int rc = root ? out->err : arena.err;
    arena_free(&arena);
    return rc;
}

/* ---- config.get ---- */

/* The text as written: nothing included, no variables put in. */
static void print_parsed(struct str text, struct buf *out)
{
    struct arena arena = { .max = CONFIG_MEMORY_MAX };
    struct json5_node *root;
    struct json5_error error;
    const struct config_rule *rules = config_schema_build(&arena);
    if (rules && json5_parse(&arena, text, 0, &root, &error) == 0 && root->kind == JSON5_OBJECT)
        print_tree(root, rules, out);
    else
        buf_text(out, "{}");
    arena_free(&arena);
}

static void print_raw(const struct config_view *view, struct buf *out)
{
    struct buf shown = { 0 };
    if (view->exists && config_redact_text(view->text, &shown) == 0)
        buf_json_str(out, buf_str(&shown));
    else
        buf_text(out, "null");
    buf_free(&shown);
}

/* What is right with the file and yet is not in force. */
static void add_pending(const struct config_view *view, struct buf *out)
{
    struct str rest = view->restart;
    while (rest.n) {
        struct str path = str_split(&rest, '\n');
        if (path.n) issue(path, STR("its new value is used after a restart of the gateway"), 0, false, out);
    }
    if (view->note.n) issue(STR(""), view->note, 0, false, out);
}

static void write_rest(const struct config_view *view, const config_t *cfg, const struct config_problems *problems, struct buf *out)
{
    char hash[CONFIG_HASH_SIZE];
    config_hash(view->text, hash);
    buf_json_pair_str(out, "hash", str_of(hash));
    buf_json_key(out, "issues");
    config_view_issues(problems, CONFIG_ERROR, false, out);
    buf_json_key(out, "warnings");
    buf_char(out, '[');
    issues_in(problems, CONFIG_WARNING, false, out);
    if (cfg) add_pending(view, out);
    buf_text(out, "],\"legacyIssues\":[]}");
}

int config_view_get(const struct config_view *view, struct buf *out)
{
    struct config_problems problems = { 0 };
    config_t *cfg = NULL;
    int rc = view->exists ? config_inspect(view->text, view->path, view->env, &cfg, &problems) : config_default(view->env, &cfg, &problems);
    if (rc == 0 || rc == GW_ECONFIG) {
        buf_char(out, '{');
        buf_json_pair_str(out, "path", str_of(view->path));
        buf_json_pair_bool(out, "exists", view->exists);
        buf_json_key(out, "raw");
        print_raw(view, out);
        buf_json_key(out, "parsed");
        print_parsed(view->text, out);
        buf_json_key(out, "resolved");
        if (cfg)
            print_tree(cfg->root, cfg->rules, out);
        else
            buf_text(out, "{}");
        buf_json_pair_bool(out, "valid", problems.errors == 0);
        buf_json_key(out, "config");
        rc = 0;
        if (cfg)
            rc = config_view_values(cfg, out);
        else
            buf_text(out, "{}");
        write_rest(view, cfg, &problems, out);
        if (rc == 0) rc = out->err;
    }
    config_unref(&cfg);
    config_problems_free(&problems);
    return rc;
}
