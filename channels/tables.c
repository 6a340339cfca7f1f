#include "channels/tables.h"

#include "base/utf8.h"

enum { COLUMNS_MAX = 32 };

static struct str line_of(struct str *rest)
{
    return str_split(rest, '\n');
}

/* The cells of a row; `\|` is no border. @return how many */
static size_t cells_of(struct str row, struct str cells[COLUMNS_MAX])
{
    size_t n = 0, from = 0;
    row = str_trim(row);
    if (row.n && row.p[0] == '|') row = (struct str){ row.p + 1, row.n - 1 };
    if (row.n && row.p[row.n - 1] == '|' && (row.n < 2 || row.p[row.n - 2] != '\\')) row.n--;
    for (size_t i = 0; i <= row.n && n < COLUMNS_MAX; i++) {
        bool border = i == row.n || (row.p[i] == '|' && (i == 0 || row.p[i - 1] != '\\'));
        if (!border) continue;
        cells[n++] = str_trim((struct str){ row.p + from, i - from });
        from = i + 1;
    }
    return n;
}

static bool is_row(struct str line)
{
    struct str t = str_trim(line);
    return t.n > 1 && memchr(t.p, '|', t.n);
}

/* "| --- | :-: |" */
static bool is_rule(struct str line)
{
    struct str cells[COLUMNS_MAX];
    if (!is_row(line) && str_find(line, STR("---")) < 0) return false;
    size_t n = cells_of(line, cells);
    for (size_t i = 0; i < n; i++) {
        struct str c = cells[i];
        if (c.n && c.p[0] == ':') c = (struct str){ c.p + 1, c.n - 1 };
        if (c.n && c.p[c.n - 1] == ':') c.n--;
        if (c.n == 0) return false;
        for (size_t k = 0; k < c.n; k++)
            if (c.p[k] != '-') return false;
    }
    return n > 0;
}

static void write_row(struct str row, const size_t *widths, size_t columns, struct buf *out)
{
    struct str cells[COLUMNS_MAX];
    size_t n = cells_of(row, cells);
    buf_char(out, '|');
    for (size_t i = 0; i < columns; i++) {
        struct str c = i < n ? cells[i] : (struct str){ 0 };
        buf_printf(out, " %.*s%*s |", STR_ARG(c), (int)(widths[i] - utf8_count(c)), "");
    }
    buf_char(out, '\n');
}

static void write_table(struct str head, struct str *rest, struct buf *out)
{
    size_t widths[COLUMNS_MAX] = { 0 }, columns = 0;
    struct str cells[COLUMNS_MAX], look = *rest, body = look;
    struct str row = head;
    line_of(&look); /* the rule */
    body = look;
    for (bool any = true; any;) {
        size_t n = cells_of(row, cells);
        if (n > columns) columns = n;
        for (size_t i = 0; i < n; i++)
            if (utf8_count(cells[i]) > widths[i]) widths[i] = utf8_count(cells[i]);
        struct str next = look, line = line_of(&next);
        any = look.n > 0 && is_row(line);
        row = line;
        if (any) look = next;
    }
    buf_text(out, "```\n");
    write_row(head, widths, columns, out);
    buf_char(out, '|');
    for (size_t i = 0; i < columns; i++) {
        buf_char(out, ' ');
        for (size_t k = 0; k < widths[i]; k++) buf_char(out, '-');
        buf_text(out, " |");
    }
    buf_char(out, '\n');
    while (body.p && (!look.p || body.p < look.p) && body.n > look.n) write_row(line_of(&body), widths, columns, out);
    buf_text(out, "```\n");
    *rest = look;
}

void tables_to_code(struct str text, struct buf *out)
{
    bool fenced = false;
    while (text.n) {
        struct str line = line_of(&text), trimmed = str_trim(line), look = text;
        if (str_starts(trimmed, STR("```")) || str_starts(trimmed, STR("~~~"))) fenced = !fenced;
        if (!fenced && is_row(line) && is_rule(line_of(&look))) {
            write_table(line, &text, out);
            continue;
        }
        buf_add(out, line);
        if (text.p) buf_char(out, '\n');
    }
}
