/* From files to one tree: reading, $include, duplicate names, ${VARIABLES}. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "base/config_internal.h"
#include "base/err.h"
#include "base/file.h"

/* The files that are being read, innermost first: what includes what. */
struct chain {
    const char *path; /* canonical */
    const struct chain *up;
    int depth;
    uint32_t file;
};

static void resolve(struct builder *b, struct json5_node *node, const struct chain *in, int depth);

/* Why file_read() failed, for people. */
static const char *reason(int rc)
{
    switch (rc) {
    case GW_ENOENT: return "no such file";
    case GW_EDENIED: return "permission denied";
    case GW_ELIMIT: return "larger than 1 MiB";
    default: return "not a file that can be read";
    }
}

/* ---- one text ---- */

static void report_duplicates(struct builder *b, const struct json5_node *node)
{
    size_t i = 0, start = b->path.n;
    for (const struct json5_node *child = node->first; child; child = child->next, i++) {
        if (child->key.p) {
            config_path_name(&b->path, child->key);
        } else {
            config_path_index(&b->path, i);
        }
        if (child->duplicate_of) {
            struct json5_node at = { .place = child->key_place };
            config_report(b, CONFIG_ERROR, &at, buf_cstr(&b->path), "set twice, first in line %u; keep one",
                          (unsigned)child->duplicate_of->key_place.line);
        }
        report_duplicates(b, child);
        b->path.n = start;
    }
}

/* Give the file its number. @return false when CONFIG_FILES_MAX are known */
static bool number_file(struct builder *b, const char *name, uint32_t *file)
{
    config_t *cfg = b->cfg;
    if (cfg->file_count == CONFIG_FILES_MAX) return false;
    if (!cfg->files && !(cfg->files = config_new(b, CONFIG_FILES_MAX, sizeof *cfg->files))) return false;
    *file = (uint32_t)cfg->file_count;
    cfg->files[cfg->file_count++] = config_copy(b, str_of(name));
    return true;
}

static struct json5_node *parse(struct builder *b, struct str text, const struct chain *in, int depth)
{
    struct json5_node *root;
    struct json5_error error;
    int rc = json5_parse(&b->cfg->arena, text, in->file, &root, &error);
    if (rc == GW_ENOMEM) b->err = rc;
    if (rc) {
        struct json5_node at = { .place = error.place };
        config_report(b, CONFIG_ERROR, &at, "", "%s", error.text);
        return NULL;
    }
    report_duplicates(b, root);
    resolve(b, root, in, depth);
    return root;
}

/* ---- $include ---- */

/* The path of `name` seen from the file `from`; absolute ones stay. */
static struct str beside(struct builder *b, const char *from, struct str name)
{
    const char *slash = strrchr(from, '/');
    if (!slash || (name.n && name.p[0] == '/')) return config_copy(b, name);
    return config_format(b, "%.*s%.*s", (int)(slash + 1 - from), from, STR_ARG(name));
}

/* The path of the $include that is being followed. */
static const char *include_path(struct builder *b)
{
    return config_format(b, "%s%s$include", buf_cstr(&b->path), b->path.n ? "." : "").p;
}

static struct json5_node *load(struct builder *b, const struct json5_node *at, const char *path, const struct chain *in, int depth)
{
    char canonical[PATH_MAX];
    struct buf text = { 0 };
    struct json5_node *root = NULL;
    struct chain here = { canonical, in, in->depth + 1, 0 };
    const char *spot = include_path(b);
    int rc = realpath(path, canonical) ? file_read(canonical, JSON5_TEXT_MAX, &text) : errno == ENOENT ? GW_ENOENT : GW_EIO;
    for (const struct chain *up = in; rc == 0 && up; up = up->up) {
        if (strcmp(up->path, canonical) != 0) continue;
        config_report(b, CONFIG_ERROR, at, spot, "%s includes itself", canonical);
        rc = GW_ECONFIG;
    }
    if (rc == GW_ENOMEM) {
        b->err = rc;
    } else if (rc != 0 && rc != GW_ECONFIG) {
        config_report(b, CONFIG_ERROR, at, spot, "cannot read %s: %s", path, reason(rc));
    } else if (rc == 0 && here.depth > CONFIG_INCLUDE_DEPTH_MAX) {
        config_report(b, CONFIG_ERROR, at, spot, "more than %d files include each other", CONFIG_INCLUDE_DEPTH_MAX);
    } else if (rc == 0 && !number_file(b, path, &here.file)) {
        config_report(b, CONFIG_ERROR, at, spot, "more than %d files", CONFIG_FILES_MAX);
    } else if (rc == 0) {
        root = parse(b, buf_str(&text), &here, depth);
    }
    buf_free(&text);
    return root;
}

/* Put `from` into `into`: objects member by member, lists one after the other, else `from` wins (OpenClaw's rule). */
static void merge(struct builder *b, struct json5_node *into, struct json5_node *from)
{
    struct json5_node **tail = &into->first;
    if (into->kind != from->kind || (into->kind != JSON5_OBJECT && into->kind != JSON5_ARRAY)) {
        struct json5_node kept = *into;
        *into = *from;
        into->next = kept.next;
        into->key = kept.key;
        into->key_place = kept.key_place;
        return;
    }
    while (*tail) tail = &(*tail)->next;
    struct json5_node *next;
    size_t added = 0;
    for (struct json5_node *child = from->first; child; child = next) {
        next = child->next;
        child->next = NULL;
        /* json5_member() sees only the members that were there before: count and index are brought up to date at the end. */
        struct json5_node *same = into->kind == JSON5_OBJECT ? (struct json5_node *)json5_member(into, child->key) : NULL;
        if (same) {
            merge(b, same, child);
        } else {
            *tail = child;
            tail = &child->next;
            added++;
        }
    }
    into->count += added;
    if (into->kind == JSON5_OBJECT && json5_object_close(&b->cfg->arena, into)) b->err = b->cfg->arena.err;
}

static void include_one(struct builder *b, struct json5_node **sum, const struct json5_node *name, const struct chain *in, int depth)
{
    if (name->kind != JSON5_STRING || name->string.n == 0 || strlen(name->string.p) != name->string.n) {
        config_report(b, CONFIG_ERROR, name, include_path(b), "expected the name of a file");
        return;
    }
    struct str path = beside(b, in->path, name->string);
    struct json5_node *loaded = path.p ? load(b, name, path.p, in, depth) : NULL;
    if (loaded && *sum) {
        merge(b, *sum, loaded);
    } else if (loaded) {
        *sum = loaded;
    }
}

/* Unlink a member. */
static void drop(struct builder *b, struct json5_node *object, const struct json5_node *member)
{
    for (struct json5_node **link = &object->first; *link; link = &(*link)->next) {
        if (*link != member) continue;
        *link = member->next;
        break;
    }
    if (json5_object_close(&b->cfg->arena, object)) b->err = b->cfg->arena.err;
}

/* Replace an object that has $include by what the files hold, its own members winning. */
static void include(struct builder *b, struct json5_node *object, const struct json5_node *names, const struct chain *in, int depth)
{
    struct json5_node *sum = NULL, rest;
    if (names->kind == JSON5_ARRAY) {
        for (const struct json5_node *name = names->first; name; name = name->next) include_one(b, &sum, name, in, depth);
    } else {
        include_one(b, &sum, names, in, depth);
    }
    drop(b, object, names);
    if (!sum) return;
    rest = *object;
    if (rest.count && sum->kind != JSON5_OBJECT) {
        config_report(b, CONFIG_ERROR, names, buf_cstr(&b->path),
                      "what $include names is no object, so no other names can stand beside it");
        return;
    }
    if (rest.count) merge(b, sum, &rest);
    sum->next = object->next;
    sum->key = object->key;
    sum->key_place = object->key_place;
    *object = *sum;
}

static void resolve(struct builder *b, struct json5_node *node, const struct chain *in, int depth)
{
    size_t i = 0, start = b->path.n;
    if (depth >= JSON5_DEPTH_MAX && (node->kind == JSON5_OBJECT || node->kind == JSON5_ARRAY)) {
        config_report(b, CONFIG_ERROR, node, buf_cstr(&b->path), "nested deeper than %d levels", JSON5_DEPTH_MAX);
        return;
    }
    const struct json5_node *names = json5_member(node, STR("$include"));
    for (struct json5_node *child = node->first; child; child = child->next, i++) {
        if (child == names) continue;
        if (child->key.p) {
            config_path_name(&b->path, child->key);
        } else {
            config_path_index(&b->path, i);
        }
        resolve(b, child, in, depth + 1);
        b->path.n = start;
    }
    if (names) include(b, node, names, in, depth);
}

struct json5_node *config_source_text(struct builder *b, const char *name, struct str text)
{
    char canonical[PATH_MAX];
    struct chain here = { realpath(name, canonical) ? canonical : name, NULL, 0, 0 };
    return number_file(b, name, &here.file) ? parse(b, text, &here, 0) : NULL;
}

struct json5_node *config_source_file(struct builder *b, const char *path)
{
    struct buf text = { 0 };
    struct json5_node *root = NULL;
    int rc = file_read(path, JSON5_TEXT_MAX, &text);
    if (rc == 0) {
        root = config_source_text(b, path, buf_str(&text));
    } else {
        struct config_problem problem = { .severity = CONFIG_ERROR, .file = str_of(path), .message = str_of(reason(rc)) };
        b->err = rc;
        config_problems_add(b->problems, &problem);
    }
    buf_free(&text);
    return root;
}

/* ---- variables ---- */

/* The length of NAME in text that goes on with "NAME}", or 0: upper-case letters, digits and '_', not first a digit. */
static size_t variable(struct str text)
{
    size_t n = 0;
    while (n < text.n && ((text.p[n] >= 'A' && text.p[n] <= 'Z') || text.p[n] == '_' || (n > 0 && text.p[n] >= '0' && text.p[n] <= '9')))
        n++;
    return n < text.n && text.p[n] == '}' ? n : 0;
}

static void put_variable(struct builder *b, const struct json5_node *node, struct str name, struct buf *out)
{
    char *copy = str_dup(name);
    struct str value = copy ? config_env(b, copy) : (struct str){ NULL, 0 };
    if (!copy) b->err = GW_ENOMEM;
    if (!value.n) {
        config_report(b, CONFIG_ERROR, node, buf_cstr(&b->path),
                      "the environment variable %.*s is not set (write $${%.*s} for the text itself)", STR_ARG(name), STR_ARG(name));
    } else if (b->substituted + value.n > CONFIG_SUBSTITUTED_MAX) {
        config_report(b, CONFIG_ERROR, node, buf_cstr(&b->path), "environment variables add more than %d bytes", CONFIG_SUBSTITUTED_MAX);
    } else if (!str_utf8_valid(value)) {
        config_report(b, CONFIG_ERROR, node, buf_cstr(&b->path), "the environment variable %.*s is not UTF-8", STR_ARG(name));
    } else {
        b->substituted += value.n;
        buf_add(out, value);
    }
    free(copy);
}

/* What is put in is not looked at again, so no value can name another variable. */
static void substitute(struct builder *b, struct json5_node *node)
{
    struct buf out = { 0 };
    struct str rest = node->string;
    bool changed = false;
    for (const char *at; rest.n && (at = memchr(rest.p, '$', rest.n));) {
        struct str tail = { at, rest.n - (size_t)(at - rest.p) };
        bool escaped = str_starts(tail, STR("$${"));
        size_t skip = escaped ? 3 : 2;
        size_t n = escaped || str_starts(tail, STR("${")) ? variable((struct str){ tail.p + skip, tail.n - skip }) : 0;
        size_t taken = n ? skip + n + 1 : 1;
        buf_add(&out, (struct str){ rest.p, (size_t)(at - rest.p) });
        if (!n) {
            buf_char(&out, '$');
        } else if (escaped) {
            buf_add(&out, (struct str){ at + 1, taken - 1 });
        } else {
            put_variable(b, node, (struct str){ at + skip, n }, &out);
            node->from_env = true;
            node->secret = node->secret || config_name_is_secret((struct str){ at + skip, n });
        }
        changed = changed || n;
        rest = (struct str){ at + taken, tail.n - taken };
    }
    if (changed) {
        buf_add(&out, rest);
        node->string = config_copy(b, buf_str(&out));
    }
    if (out.err) b->err = out.err;
    buf_free(&out);
}

void config_source_substitute(struct builder *b, struct json5_node *node)
{
    size_t i = 0, start = b->path.n;
    if (node->kind == JSON5_STRING) substitute(b, node);
    for (struct json5_node *child = node->first; child; child = child->next, i++) {
        if (child->key.p) {
            config_path_name(&b->path, child->key);
        } else {
            config_path_index(&b->path, i);
        }
        config_source_substitute(b, child);
        b->path.n = start;
    }
}
