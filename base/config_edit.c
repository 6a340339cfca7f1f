#include "base/config_edit.h"

#include <stdio.h>

#include "base/config_edit_text.h"
#include "base/config_internal.h"
#include "base/err.h"

struct editor {
    struct arena arena;
    struct json5_node *root; /* of the text */
    char *why;               /* CONFIG_EDIT_WHY_MAX bytes */
    int rc;
};

static int fail(struct editor *e, int rc, const char *text)
{
    snprintf(e->why, CONFIG_EDIT_WHY_MAX, "%s", text);
    return e->rc = rc;
}

static struct json5_node *parse(struct editor *e, struct str text, bool object)
{
    struct json5_node *root = NULL;
    struct json5_error error;
    int rc = json5_parse(&e->arena, text, 0, &root, &error);
    if (rc) {
        snprintf(e->why, CONFIG_EDIT_WHY_MAX, "%s at %u:%u", error.text, (unsigned)error.place.line, (unsigned)error.place.column);
        e->rc = rc;
        return NULL;
    }
    if (object && root->kind != JSON5_OBJECT) {
        fail(e, GW_EINVAL, "expected an object");
        return NULL;
    }
    return root;
}

static void *new (struct editor *e, size_t size)
{
    void *p = arena_alloc(&e->arena, 1, size);
    if (!p && e->rc == 0) fail(e, e->arena.err, "out of memory");
    return p;
}

static struct config_change *add(struct editor *e, struct config_change ***tail, enum config_change_kind kind, struct str key, size_t index)
{
    struct config_change *c = new (e, sizeof *c);
    if (!c) return NULL;
    c->kind = kind;
    c->key = key;
    c->index = index;
    **tail = c;
    *tail = &c->next;
    return c;
}

/* ---- merge patch ---- */

/* A value that is new: its own nulls mean nothing there (RFC 7396, section 2). */
static struct json5_node *without_nulls(struct editor *e, const struct json5_node *value)
{
    struct json5_node *copy = new (e, sizeof *copy), **tail;
    if (!copy) return NULL;
    *copy = *value;
    copy->next = NULL;
    if (value->kind != JSON5_OBJECT) return copy;
    copy->first = NULL;
    tail = &copy->first;
    for (const struct json5_node *m = value->first; m && e->rc == 0; m = m->next) {
        if (m->kind == JSON5_NULL || json5_member(value, m->key) != m) continue;
        *tail = without_nulls(e, m);
        if (*tail) tail = &(*tail)->next;
    }
    if (e->rc == 0 && json5_object_close(&e->arena, copy)) fail(e, GW_ENOMEM, "out of memory");
    return copy;
}

static struct str id_of(const struct json5_node *element)
{
    return config_text_of(json5_member(element, STR("id")));
}

static bool all_have_ids(const struct json5_node *list)
{
    if (list->kind != JSON5_ARRAY || list->count == 0) return false;
    for (const struct json5_node *c = list->first; c; c = c->next)
        if (id_of(c).n == 0) return false;
    return true;
}

static struct config_change *merge(struct editor *e, const struct json5_node *base, const struct json5_node *patch);

static struct config_change *merge_lists(struct editor *e, const struct json5_node *base, const struct json5_node *patch)
{
    struct config_change *first = NULL, **tail = &first;
    size_t added = base->count;
    for (const struct json5_node *p = patch->first; p && e->rc == 0; p = p->next) {
        size_t i = 0;
        const struct json5_node *b = base->first;
        while (b && !str_eq(id_of(b), id_of(p))) b = b->next, i++;
        struct config_change *c = add(e, &tail, b ? CONFIG_CHANGE_INSIDE : CONFIG_CHANGE_PUT, STR(""), b ? i : added++);
        if (c && b) c->first = merge(e, b, p);
        if (c && !b) c->value = without_nulls(e, p);
    }
    return first;
}

static struct config_change *merge(struct editor *e, const struct json5_node *base, const struct json5_node *patch)
{
    struct config_change *first = NULL, **tail = &first;
    for (const struct json5_node *p = patch->first; p && e->rc == 0; p = p->next) {
        const struct json5_node *b = json5_member(base, p->key);
        bool lists = b && all_have_ids(b) && all_have_ids(p);
        struct config_change *c = NULL;
        if (json5_member(patch, p->key) != p) continue; /* said again further down */
        if (p->kind == JSON5_NULL) {
            if (b) add(e, &tail, CONFIG_CHANGE_REMOVE, p->key, 0);
        } else if (lists || (b && b->kind == JSON5_OBJECT && p->kind == JSON5_OBJECT)) {
            c = add(e, &tail, CONFIG_CHANGE_INSIDE, p->key, 0);
            if (c) c->first = lists ? merge_lists(e, b, p) : merge(e, b, p);
        } else {
            c = add(e, &tail, CONFIG_CHANGE_PUT, p->key, 0);
            if (c) c->value = without_nulls(e, p);
        }
    }
    return first;
}

static int finish(struct editor *e, struct str text, const struct config_change *changes, struct buf *out)
{
    if (e->rc == 0) config_change_write(text, e->root, changes, out);
    if (e->rc == 0 && out->err) fail(e, out->err, "the new text would be too large");
    arena_free(&e->arena);
    return e->rc;
}

int config_edit_patch(struct str text, struct str patch, struct buf *out, char why[CONFIG_EDIT_WHY_MAX])
{
    struct editor e = { .arena.max = CONFIG_MEMORY_MAX };
    const struct json5_node *p = NULL;
    struct config_change *changes = NULL;
    e.why = why;
    e.root = parse(&e, text, true);
    if (e.root) p = parse(&e, patch, true);
    if (p) changes = merge(&e, e.root, p);
    return finish(&e, text, changes, out);
}

/* ---- one path ---- */

static bool index_of(struct str part, size_t *out)
{
    int64_t n;
    *out = 0;
    if (!part.n || part.p[0] < '0' || part.p[0] > '9' || str_to_int(part, &n)) return false;
    *out = (size_t)n;
    return true;
}

/* The child that a part of a path names. *index: of a list's element, the end included. */
static const struct json5_node *child_of(struct editor *e, const struct json5_node *node, struct str part, size_t *index)
{
    *index = 0;
    if (node->kind == JSON5_OBJECT) return json5_member(node, part);
    if (node->kind != JSON5_ARRAY)
        fail(e, GW_EINVAL, "the path leads through a value that is neither object nor list");
    else if (!index_of(part, index) || *index > node->count)
        fail(e, GW_EINVAL, "the path names an element that the list does not have");
    return e->rc ? NULL : json5_element(node, *index);
}

/* `value` inside the objects that the rest of the path names. */
static const struct json5_node *wrap(struct editor *e, struct str rest, const struct json5_node *value)
{
    struct str part;
    if (!rest.n) return value;
    if (!config_path_next(&rest, &part)) {
        fail(e, GW_EINVAL, "the path is malformed");
        return NULL;
    }
    const struct json5_node *inner = wrap(e, rest, value);
    struct json5_node *object = new (e, sizeof *object), *member = new (e, sizeof *member);
    if (!inner || !object || !member) return NULL;
    *member = *inner;
    member->next = NULL;
    member->key = part;
    object->kind = JSON5_OBJECT;
    object->first = member;
    object->count = 1;
    return object;
}

/* The chain of changes along a path. @param value  NULL: remove what is there */
static struct config_change *along(struct editor *e, struct str path, const struct json5_node *value)
{
    struct config_change *first = NULL, **at = &first;
    const struct json5_node *node = e->root;
    struct str part;
    if (!path.n) fail(e, GW_EINVAL, "the path is empty");
    while (e->rc == 0 && path.n) {
        size_t index;
        if (!config_path_next(&path, &part)) fail(e, GW_EINVAL, "the path is malformed");
        const struct json5_node *child = e->rc ? NULL : child_of(e, node, part, &index);
        if (e->rc == 0 && !child && !value) fail(e, GW_ENOENT, "nothing is set there");
        if (e->rc) break;
        bool last = !path.n, there = child != NULL;
        enum config_change_kind kind = there && !last ? CONFIG_CHANGE_INSIDE : value ? CONFIG_CHANGE_PUT : CONFIG_CHANGE_REMOVE;
        struct config_change *c = add(e, &at, kind, part, index);
        if (!c) break;
        if (kind == CONFIG_CHANGE_PUT) c->value = wrap(e, path, value);
        if (kind != CONFIG_CHANGE_INSIDE) break;
        at = &c->first;
        node = child;
    }
    return first;
}

int config_edit_set(struct str text, struct str path, struct str value, struct buf *out, char why[CONFIG_EDIT_WHY_MAX])
{
    struct editor e = { .arena.max = CONFIG_MEMORY_MAX };
    struct config_change *changes = NULL;
    e.why = why;
    const struct json5_node *v = parse(&e, value, false);
    if (v) e.root = parse(&e, text, true);
    if (e.root) changes = along(&e, path, v);
    return finish(&e, text, changes, out);
}

int config_edit_unset(struct str text, struct str path, struct buf *out, char why[CONFIG_EDIT_WHY_MAX])
{
    struct editor e = { .arena.max = CONFIG_MEMORY_MAX };
    struct config_change *changes = NULL;
    e.why = why;
    e.root = parse(&e, text, true);
    if (e.root) changes = along(&e, path, NULL);
    return finish(&e, text, changes, out);
}
