/* actors/turn_tool_memory.c -- memory_search, memory_get: an agent's notes, MEMORY.md and memory/, read and searched.
 * Source: reference agent-runtime 4, frames tool-memory_*. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/turn_tools.h"
#include "store/memory_index.h"
#include "tools/beneath.h"
#include "tools/markdown_files.h"

enum { NOTES_MAX = 500 /* files of memory/ that are searched */, NOTES_BYTES = 16 * 1024 * 1024, RESULTS = 6, SNIPPET = 700 };

/* --- search ------------------------------------------------------------------------------------------------------- */

static int add_note(memory_index_t *index, const struct tool_place *place, const char *path, size_t *bytes)
{
    struct buf text = { 0 }, why = { 0 };
    int rc = *bytes >= NOTES_BYTES ? GW_ELIMIT : beneath_read(place, str_of(path), &text, &why);
    if (rc == 0 && str_utf8_valid(buf_str(&text))) rc = memory_index_add(index, str_of(path), buf_str(&text));
    *bytes += text.n;
    buf_free(&text);
    buf_free(&why);
    return rc == GW_ENOMEM ? rc : 0; /* a note that cannot be read is no reason to find nothing */
}

/* The notes of memory/, by name. */
static int add_folder(memory_index_t *index, const struct tool_place *place, size_t *bytes)
{
    char path[PATH_MAX], *names[NOTES_MAX];
    int rc = 0;
    snprintf(path, sizeof path, "%s/memory", place->workspace);
    size_t count = markdown_files_list(path, names, NOTES_MAX);
    for (size_t i = 0; i < count; i++) {
        snprintf(path, sizeof path, "memory/%s", names[i]);
        if (rc == 0) rc = add_note(index, place, path, bytes);
        free(names[i]);
    }
    return rc;
}

struct found {
    json_t *list;
    double least;
};

static int take_hit(void *ctx, const struct memory_hit *hit)
{
    struct found *f = ctx;
    double score = hit->score / (1 + hit->score); /* 0..1, as models know it */
    struct str text = str_utf8_prefix(hit->text, SNIPPET);
    char citation[PATH_MAX + 64];
    if (score < f->least) return 0;
    snprintf(citation, sizeof citation, "%.*s#L%lld-L%lld", STR_ARG(str_utf8_prefix(hit->path, PATH_MAX - 1)), (long long)hit->from_line,
             (long long)hit->to_line);
    json_array_append_new(f->list, json_pack("{s:s%,s:I,s:I,s:f,s:s%,s:s,s:s}", "path", hit->path.p, hit->path.n, "startLine",
                                             (json_int_t)hit->from_line, "endLine", (json_int_t)hit->to_line, "score", score, "snippet",
                                             text.p, text.n, "source", "memory", "citation", citation));
    return 0;
}

int turn_tool_memory_search(struct turn *t, struct tool_call *call)
{
    memory_index_t *index;
    struct found found = { .list = json_array(), .least = json_number_value(json_object_get(call->args, "minScore")) };
    size_t bytes = 0;
    (void)t;
    int rc = memory_index_open(&index);
    if (rc == 0) rc = add_note(index, call->place, "MEMORY.md", &bytes);
    if (rc == 0) rc = add_note(index, call->place, "memory.md", &bytes);
    if (rc == 0) rc = add_folder(index, call->place, &bytes);
    if (rc == 0)
        rc = memory_index_search(index, tool_text(call, "query", NULL), (int)tool_whole(call, "maxResults", RESULTS), take_hit, &found);
    memory_index_close(&index);
    if (rc) {
        json_decref(found.list);
        return rc == GW_ENOMEM ? rc : tool_fail(call, "The notes could not be searched (%s).", err_text(rc));
    }
    return tool_answer_json(
        call, json_pack("{s:o,s:s,s:s,s:s}", "results", found.list, "provider", "none", "citations", "auto", "mode", "fts-only"));
}

/* --- get ---------------------------------------------------------------------------------------------------------- */

static bool is_note(struct str path)
{
    return str_is(path, "MEMORY.md") || str_is(path, "memory.md") || (str_starts(path, STR("memory/")) && str_find(path, STR("..")) < 0);
}

int turn_tool_memory_get(struct turn *t, struct tool_call *call)
{
    struct str path = str_trim(tool_text(call, "path", NULL));
    int64_t from = tool_whole(call, "from", 1), lines = tool_whole(call, "lines", INT64_MAX);
    struct buf text = { 0 }, why = { 0 };
    (void)t;
    int rc = GW_EDENIED;
    if (is_note(path))
        rc = beneath_read(call->place, path, &text, &why);
    else
        buf_text(&why, "only MEMORY.md, memory.md and memory/ are notes; use read for other files");
    struct str rest = buf_str(&text);
    for (int64_t i = 1; i < from && rest.n; i++) str_split(&rest, '\n');
    struct str start = rest;
    for (int64_t i = 0; i < lines && rest.n; i++) str_split(&rest, '\n');
    struct str shown = { start.p ? start.p : "", start.n - rest.n };
    json_t *value = json_pack("{s:s%,s:s%}", "path", path.p, path.n, "text", rc ? "" : shown.p, rc ? (size_t)0 : shown.n);
    if (rc && value) {
        call->failed = true;
        json_object_set_new(value, "disabled", json_true());
        json_object_set_new(value, "error", json_string(buf_cstr(&why)));
    }
    buf_free(&why);
    rc = value ? tool_answer_json(call, value) : tool_fail(call, "The note is not in UTF-8.");
    buf_free(&text);
    return rc;
}
