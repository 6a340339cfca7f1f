#include "cli/table.h"

#include <stdlib.h>

#include "base/err.h"

struct cell {
    size_t at, n; /* within `text` */
    enum style style;
};

struct table {
    const struct table_column *columns;
    size_t column_count;
    struct cell *cells;
    size_t cell_count, cell_cap;
    struct buf text;
    bool cut;
};

int table_create(const struct table_column *columns, size_t count, table_t **out)
{
    *out = calloc(1, sizeof **out);
    if (!*out) return GW_ENOMEM;
    (*out)->columns = columns;
    (*out)->column_count = count < TABLE_COLUMNS_MAX ? count : TABLE_COLUMNS_MAX;
    return 0;
}

void table_destroy(table_t **table_p)
{
    if (!*table_p) return;
    buf_free(&(*table_p)->text);
    free((*table_p)->cells);
    free(*table_p);
    *table_p = NULL;
}

static bool grow(table_t *t)
{
    size_t cap = t->cell_cap ? 2 * t->cell_cap : 64;
    struct cell *cells = t->cell_count < TABLE_CELLS_MAX ? realloc(t->cells, cap * sizeof *cells) : NULL;
    if (!cells) return false;
    t->cells = cells;
    t->cell_cap = cap;
    return true;
}

void table_add(table_t *t, enum style style, struct str text)
{
    size_t at = t->text.n;
    if (t->cut || (t->cell_count == t->cell_cap && !grow(t))) {
        t->cut = true;
        return;
    }
    text_clean(&t->text, text);
    if (t->text.err) {
        t->cut = true;
        return;
    }
    t->cells[t->cell_count++] = (struct cell){ .at = at, .n = t->text.n - at, .style = style };
}

void table_addf(table_t *t, enum style style, const char *format, ...)
{
    struct buf text = { 0 };
    char line[1024];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (n > 0) buf_add(&text, str_utf8_prefix(str_of(line), sizeof line - 1));
    table_add(t, style, buf_str(&text));
    buf_free(&text);
}

size_t table_rows(const table_t *t)
{
    return t->column_count ? t->cell_count / t->column_count : 0;
}

static struct str cell_text(const table_t *t, const struct cell *c)
{
    return (struct str){ t->text.p ? t->text.p + c->at : "", c->n };
}

/* --- how wide ---------------------------------------------------------------------------------------------------- */

/* Take `over` columns away from those of one kind, one each in turn, down to `least`. @return what is still too much */
static int shrink(const table_t *t, bool flex, const int *least, int *widths, int over)
{
    for (bool progress = true; over > 0 && progress;) {
        progress = false;
        for (size_t i = 0; i < t->column_count && over > 0; i++) {
            if (t->columns[i].flex != flex || widths[i] <= least[i]) continue;
            widths[i]--;
            over--;
            progress = true;
        }
    }
    return over;
}

static void measure(const table_t *t, int width, int *widths)
{
    int titles[TABLE_COLUMNS_MAX] = { 0 }, least[TABLE_COLUMNS_MAX] = { 0 }, total = (int)t->column_count + 1;
    size_t flexible = 0;
    for (size_t i = 0; i < t->column_count; i++) {
        size_t most = text_width(str_of(t->columns[i].title));
        titles[i] = (int)most + 2;
        least[i] = t->columns[i].min > titles[i] ? t->columns[i].min : titles[i];
        for (size_t c = i; c < t->cell_count; c += t->column_count) {
            size_t w = text_width(cell_text(t, &t->cells[c]));
            if (w > most) most = w;
        }
        widths[i] = most + 2 > (size_t)least[i] ? (int)most + 2 : least[i];
        total += widths[i];
        flexible += t->columns[i].flex;
    }
    int over = total - width;
    over = shrink(t, true, least, widths, over);
    over = shrink(t, true, titles, widths, over);
    over = shrink(t, false, least, widths, over);
    over = shrink(t, false, titles, widths, over);
    for (size_t i = 0; over < 0 && flexible; i = (i + 1) % t->column_count) {
        if (!t->columns[i].flex) continue;
        widths[i]++;
        over++;
    }
}

/* --- lines ------------------------------------------------------------------------------------------------------ */

static bool breaks_after(char c)
{
    return strchr(" /-_.", c) != NULL && c != '\0';
}

/* Cut the next line off `rest`: at most `width` columns, broken after a space or one of "/-_." where there is one. */
static struct str next_line(struct str *rest, size_t width)
{
    size_t used = 0, at = 0, good = 0, bytes;
    while (at < rest->n) {
        size_t step = text_step((struct str){ rest->p + at, rest->n - at }, &bytes);
        bool space = rest->p[at] == ' ';
        if (used + step > width && !space) break;
        at += bytes;
        used += step;
        if (breaks_after(rest->p[at - 1])) good = at;
        if (used > width) break;
    }
    if (at == 0 && rest->n) { /* one character is wider than the column */
        text_step(*rest, &bytes);
        at = bytes;
    }
    if (at < rest->n && good) at = good;
    struct str line = str_trim((struct str){ rest->p, at });
    *rest = (struct str){ rest->p + at, rest->n - at };
    while (rest->n && rest->p[0] == ' ') *rest = (struct str){ rest->p + 1, rest->n - 1 };
    return line;
}

static void rule(const table_t *t, const int *widths, const char *left, const char *middle, const char *right, struct buf *out)
{
    buf_text(out, left);
    for (size_t i = 0; i < t->column_count; i++) {
        if (i) buf_text(out, middle);
        for (int k = 0; k < widths[i]; k++) buf_text(out, "─");
    }
    buf_text(out, right);
    buf_char(out, '\n');
}

struct row_cell {
    struct str rest;
    enum style style;
};

static void print_row(const table_t *t, const int *widths, bool colour, struct row_cell *cells, struct buf *out)
{
    bool more = true;
    while (more) {
        more = false;
        buf_text(out, "│");
        for (size_t i = 0; i < t->column_count; i++) {
            struct str line = next_line(&cells[i].rest, (size_t)widths[i] - 2);
            buf_char(out, ' ');
            text_style(out, colour && line.n, cells[i].style, line);
            for (size_t k = text_width(line); k + 1 < (size_t)widths[i]; k++) buf_char(out, ' ');
            buf_text(out, "│");
            more = more || cells[i].rest.n;
        }
        buf_char(out, '\n');
    }
}

void table_print(const table_t *t, int width, bool colour, struct buf *out)
{
    int widths[TABLE_COLUMNS_MAX] = { 0 };
    struct row_cell cells[TABLE_COLUMNS_MAX];
    measure(t, width, widths);
    rule(t, widths, "┌", "┬", "┐", out);
    for (size_t i = 0; i < t->column_count; i++) cells[i] = (struct row_cell){ str_of(t->columns[i].title), STYLE_BOLD };
    print_row(t, widths, colour, cells, out);
    rule(t, widths, "├", "┼", "┤", out);
    for (size_t row = 0; row < table_rows(t); row++) {
        for (size_t i = 0; i < t->column_count; i++) {
            const struct cell *c = &t->cells[row * t->column_count + i];
            cells[i] = (struct row_cell){ cell_text(t, c), c->style };
        }
        print_row(t, widths, colour, cells, out);
    }
    rule(t, widths, "└", "┴", "┘", out);
    if (t->cut) buf_text(out, "(more rows than can be shown)\n");
}

void table_show(const table_t *t, const char *title)
{
    struct buf out = { 0 };
    bool colour = text_colour(stdout);
    if (title) {
        text_style(&out, colour, STYLE_BOLD, str_of(title));
        buf_char(&out, '\n');
    }
    table_print(t, text_columns(stdout), colour, &out);
    fwrite(out.p ? out.p : "", 1, out.n, stdout);
    buf_free(&out);
}
