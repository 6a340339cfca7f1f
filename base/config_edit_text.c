#include "base/config_edit_text.h"

#include "base/config_internal.h"

enum { INDENT = 2 }; /* spaces a level, for what is new */

struct writer {
    struct str text;
    struct buf *out;
};

static void copy(struct writer *w, size_t from, size_t to)
{
    buf_add(w->out, (struct str){ w->text.p + from, to - from });
}

/* Behind the comment at `at`, which starts with '/'; with its line end when `line` says so. */
static size_t skip_comment(struct str text, size_t at, size_t end)
{
    bool block = at + 1 < end && text.p[at + 1] == '*';
    for (at += 2; at < end; at++) {
        if (block && text.p[at] == '*' && at + 1 < end && text.p[at + 1] == '/') return at + 2;
        if (!block && (text.p[at] == '\n' || text.p[at] == '\r')) return at;
    }
    return end;
}

/* The first `wanted` between values, comments passed over; `end` when there is none. */
static size_t find(struct str text, size_t at, size_t end, char wanted)
{
    while (at < end && text.p[at] != wanted) at = text.p[at] == '/' ? skip_comment(text, at, end) : at + 1;
    return at < end ? at : end;
}

static size_t start_of(const struct json5_node *child)
{
    return child->key.p ? child->key_from : child->from;
}

static const struct config_change *change_of(const struct config_change *changes, const struct json5_node *child, size_t i)
{
    for (const struct config_change *c = changes; c; c = c->next)
        if (child->key.p ? str_eq(c->key, child->key) : c->index == i) return c;
    return NULL;
}

/* The white space that the line of `at` starts with. */
static struct str indent_of(struct str text, size_t at)
{
    size_t line = at;
    while (line > 0 && text.p[line - 1] != '\n') line--;
    size_t n = 0;
    while (line + n < at && (text.p[line + n] == ' ' || text.p[line + n] == '\t')) n++;
    return (struct str){ text.p + line, n };
}

static void put_value(struct writer *w, const struct json5_node *value, bool lines, size_t columns)
{
    struct config_printer p = { .out = w->out, .indent = lines ? INDENT : 0, .level = (int)(columns / INDENT) };
    config_print_node(&p, value, NULL, STR(""));
}

static void write_node(struct writer *w, const struct json5_node *node, const struct config_change *changes);

static void write_child(struct writer *w, const struct json5_node *child, const struct config_change *change)
{
    size_t start = start_of(child);
    copy(w, start, child->from);
    if (!change)
        copy(w, child->from, child->to);
    else if (change->kind == CONFIG_CHANGE_INSIDE)
        write_node(w, child, change->first);
    else
        put_value(w, change->value, true, indent_of(w->text, start).n);
}

/* How the children of an object or list stand. */
struct layout {
    bool lines;        /* each on a line of its own */
    struct str indent; /* of those lines */
    size_t columns;
    bool had_comma; /* behind the last one */
    size_t kept;
};

static struct layout layout_of(const struct writer *w, const struct json5_node *node)
{
    struct layout l = { 0 };
    const struct json5_node *first = node->first;
    if (first) {
        l.lines = memchr(w->text.p + node->from, '\n', start_of(first) - node->from) != NULL;
        l.indent = indent_of(w->text, start_of(first));
        l.columns = l.indent.n;
    } else {
        l.lines = true;
        l.columns = indent_of(w->text, node->from).n + INDENT;
    }
    return l;
}

static void new_line(struct writer *w, const struct layout *l, size_t columns)
{
    buf_char(w->out, '\n');
    if (l->indent.n && columns == l->columns) {
        buf_add(w->out, l->indent);
        return;
    }
    for (size_t i = 0; i < columns; i++) buf_char(w->out, ' ');
}

/* What is already there, as it stands, without what goes. @return where the text behind the last child begins */
static size_t write_old(struct writer *w, const struct json5_node *node, const struct config_change *changes, struct layout *l)
{
    size_t at = node->from + 1, end = node->to - 1, i = 0;
    for (const struct json5_node *c = node->first; c; c = c->next, i++) {
        const struct config_change *change = change_of(changes, c, i);
        size_t limit = c->next ? start_of(c->next) : end, comma = find(w->text, c->to, limit, ',');
        l->had_comma = comma < limit;
        if (!change || change->kind != CONFIG_CHANGE_REMOVE) {
            if (l->kept++) buf_char(w->out, ',');
            copy(w, at, start_of(c));
            write_child(w, c, change);
            if (l->had_comma) copy(w, c->to, comma);
        }
        at = l->had_comma ? comma + 1 : c->to;
    }
    return at;
}

static bool is_new(const struct json5_node *node, const struct config_change *change)
{
    if (change->kind != CONFIG_CHANGE_PUT) return false;
    return node->kind == JSON5_OBJECT ? !json5_member(node, change->key) : change->index >= node->count;
}

static void write_new(struct writer *w, const struct json5_node *node, const struct config_change *change, const struct layout *l)
{
    if (l->lines)
        new_line(w, l, l->columns);
    else
        buf_char(w->out, ' ');
    if (node->kind == JSON5_OBJECT) {
        buf_json_str(w->out, change->key);
        buf_text(w->out, ": ");
    }
    put_value(w, change->value, l->lines, l->columns);
}

static void write_node(struct writer *w, const struct json5_node *node, const struct config_change *changes)
{
    struct layout l = layout_of(w, node);
    size_t end = node->to - 1, added = 0;
    buf_char(w->out, w->text.p[node->from]);
    size_t at = write_old(w, node, changes, &l);
    size_t line = find(w->text, at, end, '\n'); /* a comment behind the last child stays on its line */
    for (const struct config_change *c = changes; c; c = c->next) {
        if (!is_new(node, c)) continue;
        if (l.kept++) buf_char(w->out, ',');
        if (added++ == 0 && l.lines) {
            copy(w, at, line);
            at = line;
        }
        write_new(w, node, c, &l);
    }
    if (l.kept && l.had_comma) buf_char(w->out, ',');
    if (added && !node->first && find(w->text, at, end, '\n') == end) new_line(w, &l, l.columns - INDENT);
    copy(w, at, end);
    buf_char(w->out, w->text.p[end]);
}

void config_change_write(struct str text, const struct json5_node *root, const struct config_change *changes, struct buf *out)
{
    struct writer w = { text, out };
    copy(&w, 0, root->from);
    write_node(&w, root, changes);
    copy(&w, root->to, text.n);
}
