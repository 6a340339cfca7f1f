#include "base/config_problems.h"

#include <stdlib.h>

void config_problems_free(struct config_problems *p)
{
    arena_free(&p->arena);
    free(p->items);
    *p = (struct config_problems){ 0 };
}

void config_problems_add(struct config_problems *p, const struct config_problem *problem)
{
    if (problem->severity == CONFIG_ERROR) {
        p->errors++;
    } else {
        p->warnings++;
    }
    if (p->count == CONFIG_PROBLEMS_MAX) return;
    if (!p->items) p->items = calloc(CONFIG_PROBLEMS_MAX, sizeof *p->items);
    if (!p->items) return; /* counted all the same: an error is never lost, only its words */
    struct config_problem *kept = &p->items[p->count++];
    *kept = *problem;
    kept->path = arena_str(&p->arena, str_utf8_prefix(problem->path, CONFIG_PROBLEM_PATH_MAX));
    kept->file = arena_str(&p->arena, str_utf8_prefix(problem->file, CONFIG_PROBLEM_PATH_MAX));
    kept->message = arena_str(&p->arena, str_utf8_prefix(problem->message, CONFIG_PROBLEM_TEXT_MAX));
}

static void line(const struct config_problem *problem, struct buf *out)
{
    if (problem->file.n) {
        buf_add(out, problem->file);
        if (problem->line) buf_printf(out, ":%u", (unsigned)problem->line);
        if (problem->line && problem->column) buf_printf(out, ":%u", (unsigned)problem->column);
        buf_text(out, ": ");
    }
    buf_text(out, problem->severity == CONFIG_ERROR ? "error: " : "warning: ");
    if (problem->path.n) {
        buf_add(out, problem->path);
        buf_text(out, ": ");
    }
    buf_add(out, problem->message);
    buf_char(out, '\n');
}

void config_problems_text(const struct config_problems *p, struct buf *out)
{
    for (int severity = CONFIG_ERROR; severity <= CONFIG_WARNING; severity++)
        for (size_t i = 0; i < p->count; i++)
            if ((int)p->items[i].severity == severity) line(&p->items[i], out);
    size_t more = p->errors + p->warnings - p->count;
    if (more) buf_printf(out, "and %zu more problems (the first %d are shown)\n", more, (int)CONFIG_PROBLEMS_MAX);
}

void config_problems_print(const struct config_problems *p, FILE *to)
{
    struct buf text = { 0 };
    config_problems_text(p, &text);
    fputs(buf_cstr(&text), to);
    buf_free(&text);
}
