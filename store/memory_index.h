/** store/memory_index.h -- full text search over an agent's notes: an index in memory, made for a search and thrown away.
 *
 *  In:     files as texts, a question in words     Out: the best passages through a callback
 *  Owns:   an in-memory SQLite database (FTS5)     Thread: the one that opened it
 *
 *  Notes are few and short; making the index anew costs less than keeping it true. */
#ifndef STORE_MEMORY_INDEX_H
#define STORE_MEMORY_INDEX_H

#include "base/str.h"

typedef struct memory_index memory_index_t;

enum { MEMORY_PASSAGE_LINES = 20, MEMORY_RESULTS_MAX = 50 };

int memory_index_open(memory_index_t **out); /* 0, GW_ENOMEM, GW_EIO */
void memory_index_close(memory_index_t **index_p);

/** Add a file, in passages of MEMORY_PASSAGE_LINES lines. @return 0, GW_EIO */
int memory_index_add(memory_index_t *index, struct str path, struct str text);

struct memory_hit {
    struct str path, text;
    int64_t from_line, to_line; /* counted from 1 */
    double score;               /* above 0; higher is better */
};
typedef int memory_hit_fn(void *ctx, const struct memory_hit *hit);

/** The passages that hold the words, the best first; when none holds all of them, those that hold some.
 *  @param limit  1..MEMORY_RESULTS_MAX  @return 0, GW_ELIMIT, GW_ENOMEM, GW_EIO, or what fn returned */
int memory_index_search(memory_index_t *index, struct str words, int limit, memory_hit_fn *fn, void *ctx);

#endif
