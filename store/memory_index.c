#include "store/memory_index.h"

#include <ctype.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"

struct memory_index {
    sqlite3 *db;
    sqlite3_stmt *insert, *search;
};

int memory_index_open(memory_index_t **out)
{
    memory_index_t *x = *out = calloc(1, sizeof *x);
    if (!x) return GW_ENOMEM;
    bool ok =
        sqlite3_open_v2(":memory:", &x->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK &&
        sqlite3_exec(x->db,
                     "CREATE VIRTUAL TABLE notes USING fts5(text, path UNINDEXED, first UNINDEXED, last UNINDEXED, tokenize = 'porter "
                     "unicode61 remove_diacritics 2')",
                     NULL, NULL, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(x->db, "INSERT INTO notes (text, path, first, last) VALUES (?, ?, ?, ?)", -1, &x->insert, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(x->db, "SELECT text, path, first, last, -bm25(notes) FROM notes WHERE notes MATCH ? ORDER BY rank LIMIT ?", -1,
                           &x->search, NULL) == SQLITE_OK;
    if (!ok) memory_index_close(out);
    return ok ? 0 : GW_EIO;
}

void memory_index_close(memory_index_t **index_p)
{
    memory_index_t *x = *index_p;
    *index_p = NULL;
    if (!x) return;
    sqlite3_finalize(x->insert);
    sqlite3_finalize(x->search);
    sqlite3_close(x->db);
    free(x);
}

static int add_passage(memory_index_t *x, struct str path, struct str text, int64_t first, int64_t last)
{
    sqlite3_bind_text(x->insert, 1, text.p, (int)text.n, SQLITE_STATIC);
    sqlite3_bind_text(x->insert, 2, path.p, (int)path.n, SQLITE_STATIC);
    sqlite3_bind_int64(x->insert, 3, first);
    sqlite3_bind_int64(x->insert, 4, last);
    int rc = sqlite3_step(x->insert);
    sqlite3_reset(x->insert);
    return rc == SQLITE_DONE ? 0 : GW_EIO;
}

int memory_index_add(memory_index_t *x, struct str path, struct str text)
{
    int64_t line = 1;
    int rc = 0;
    while (text.n && rc == 0) {
        struct str rest = text;
        int64_t n = 0;
        while (rest.n && n < MEMORY_PASSAGE_LINES) {
            str_split(&rest, '\n');
            n++;
        }
        struct str passage = { text.p, text.n - rest.n };
        if (str_trim(passage).n) rc = add_passage(x, path, str_trim(passage), line, line + n - 1);
        line += n;
        text = rest;
    }
    return rc;
}

/* The words as FTS5 takes them, each in quotes, so that none is an operator. */
static void write_match(struct str words, const char *between, struct buf *out)
{
    while (words.n) {
        size_t n = 0, from = 0;
        while (from < words.n && !isalnum((unsigned char)words.p[from]) && (unsigned char)words.p[from] < 0x80) from++;
        while (from + n < words.n && (isalnum((unsigned char)words.p[from + n]) || (unsigned char)words.p[from + n] >= 0x80)) n++;
        if (n) buf_printf(out, "%s\"%.*s\"", out->n ? between : "", (int)n, words.p + from);
        words = (struct str){ words.p + from + n, words.n - from - n };
    }
}

static struct str text_at(sqlite3_stmt *s, int column)
{
    const char *text = (const char *)sqlite3_column_text(s, column);
    return (struct str){ text ? text : "", (size_t)sqlite3_column_bytes(s, column) };
}

/* @return how many were found, or a code */
static int search(memory_index_t *x, struct str match, int limit, memory_hit_fn *fn, void *ctx)
{
    int found = 0, rc, code = 0;
    sqlite3_bind_text(x->search, 1, match.p, (int)match.n, SQLITE_STATIC);
    sqlite3_bind_int(x->search, 2, limit);
    while (code == 0 && (rc = sqlite3_step(x->search)) == SQLITE_ROW) {
        const struct memory_hit hit = { .text = text_at(x->search, 0),
                                        .path = text_at(x->search, 1),
                                        .from_line = sqlite3_column_int64(x->search, 2),
                                        .to_line = sqlite3_column_int64(x->search, 3),
                                        .score = sqlite3_column_double(x->search, 4) };
        found++;
        code = fn(ctx, &hit);
    }
    sqlite3_reset(x->search);
    if (code == 0 && rc != SQLITE_DONE) code = GW_EIO;
    return code ? code : found;
}

int memory_index_search(memory_index_t *x, struct str words, int limit, memory_hit_fn *fn, void *ctx)
{
    struct buf all = { 0 }, any = { 0 };
    if (limit < 1 || limit > MEMORY_RESULTS_MAX || words.n > 4096) return GW_ELIMIT;
    write_match(words, " AND ", &all);
    write_match(words, " OR ", &any);
    int rc = all.err ? all.err : any.err;
    int found = rc || all.n == 0 ? rc : search(x, buf_str(&all), limit, fn, ctx);
    if (found == 0 && any.n) found = search(x, buf_str(&any), limit, fn, ctx);
    buf_free(&all);
    buf_free(&any);
    return found > 0 ? 0 : found;
}
