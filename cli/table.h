/** cli/table.h -- a table in boxes, as OpenClaw's commands print it: cells wrap, columns share the width there is.
 *
 *  In:     columns, then cells row by row       Out: lines, each ending in LF
 *  Owns:   table_t: copies of the cells, cleaned (text_clean)
 *  Thread: any */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include "cli/text.h"

enum { TABLE_COLUMNS_MAX = 12, TABLE_CELLS_MAX = 200000 };

struct table_column {
    const char *title;
    int min;   /* columns on the terminal, borders not counted, one space on each side included; 0: the title's */
    bool flex; /* takes what is left over, and gives first when there is too little */
};

typedef struct table table_t;

/** @param columns  borrowed; 1..TABLE_COLUMNS_MAX
 *  @return 0 or GW_ENOMEM */
int table_create(const struct table_column *columns, size_t count, table_t **out);
void table_destroy(table_t **table_p);

/** The next cell. Over TABLE_CELLS_MAX or out of memory the rest is left out; table_print() says so. */
void table_add(table_t *t, enum style style, struct str text);
void table_addf(table_t *t, enum style style, const char *format, ...) __attribute__((format(printf, 3, 4)));

size_t table_rows(const table_t *t);

/** Append the table. @param width  columns it may take */
void table_print(const table_t *t, int width, bool colour, struct buf *out);

/** Print it on standard output in the width and colours that fit, under a title (NULL: none). */
void table_show(const table_t *t, const char *title);

#endif
