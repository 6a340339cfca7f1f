/** base/config_problems.h -- what is wrong with a configuration, all of it, with places.
 *
 *  Owns:   the texts of its list. No secret is ever in one.
 *  Thread: one at a time */
#ifndef BASE_CONFIG_PROBLEMS_H
#define BASE_CONFIG_PROBLEMS_H

#include <stdarg.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"

enum {
    CONFIG_PROBLEMS_MAX = 200,     /* problems kept; the rest are counted */
    CONFIG_PROBLEM_TEXT_MAX = 600, /* bytes of one message */
    CONFIG_PROBLEM_PATH_MAX = 400, /* bytes of its path and of its file name; what is longer is cut */
};

enum config_severity { CONFIG_ERROR, CONFIG_WARNING };

struct config_problem {
    enum config_severity severity;
    struct str path;    /* "agents.list[2].model.primary"; empty: the whole file */
    struct str file;    /* empty: not about a file */
    uint32_t line;      /* from 1; 0: no line */
    uint32_t column;    /* from 1; 0: none */
    struct str message; /* what is wrong and what to do */
};

/** Zero-initialise; free with config_problems_free(). */
struct config_problems {
    struct config_problem *items;
    size_t count;    /* kept */
    size_t errors;   /* of all, kept or not */
    size_t warnings; /* of all, kept or not */
    struct arena arena;
};

void config_problems_free(struct config_problems *p);

/** Add one; its strings are copied. Beyond CONFIG_PROBLEMS_MAX it is only counted. */
void config_problems_add(struct config_problems *p, const struct config_problem *problem);

/** Append one line each, `file:line:column: error: path: message`, errors first, then a count of those not kept. */
void config_problems_text(const struct config_problems *p, struct buf *out);
void config_problems_print(const struct config_problems *p, FILE *to);

#endif
