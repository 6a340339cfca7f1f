#include "tools/patch.h"

#include <string.h>

#include "base/err.h"

/* --- reading ------------------------------------------------------------------------------------------------------ */

struct reader {
    struct str rest;
    size_t number; /* of the line that was read last, from 1 */
    struct arena *arena;
    struct buf *why;
};

static struct str without_cr(struct str line)
{
    return line.n && line.p[line.n - 1] == '\r' ? (struct str){ line.p, line.n - 1 } : line;
}

static struct str peek(const struct reader *r)
{
    struct str rest = r->rest;
    return without_cr(str_split(&rest, '\n'));
}

static struct str take(struct reader *r)
{
    r->number++;
    return without_cr(str_split(&r->rest, '\n'));
}

static int bad(struct reader *r, const char *what, struct str line)
{
    buf_printf(r->why, "Line %zu of the patch: %s", r->number, what);
    if (line.n) buf_printf(r->why, ": %.*s", STR_ARG(str_utf8_prefix(line, 200)));
    return GW_EINVAL;
}

/* `*** Add File: a/b` with name "*** Add File:". @return whether the line is one of that kind */
static bool is_header(struct str line, const char *name, struct str *value)
{
    line = str_trim(line);
    if (!str_starts(line, str_of(name))) return false;
    *value = str_trim((struct str){ line.p + strlen(name), line.n - strlen(name) });
    return true;
}

/* Models indent markers at times; but ` *** x` is a line of context unless it is one of those that there are. */
static bool is_marker(struct str line)
{
    static const char *const known[] = { "*** Add File:", "*** Delete File:", "*** Update File:", "*** End of File", "*** End Patch" };
    if (str_starts(line, STR("*** "))) return true;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (str_starts(str_trim(line), str_of(known[i]))) return true;
    return false;
}

/* The lines up to the next marker, each beginning with one of `marks`; an empty one stands for an empty line of context. */
static int read_lines(struct reader *r, const char *marks, struct str *out)
{
    const char *from = r->rest.p;
    bool blank = strchr(marks, ' ') != NULL;
    while (r->rest.n) {
        struct str line = peek(r);
        if (is_marker(line) || (blank && str_starts(line, STR("@@")))) break;
        take(r);
        if (line.n ? !strchr(marks, line.p[0]) : !blank)
            return bad(r, blank ? "a line of a hunk begins with ' ', '+' or '-'" : "a line of a new file begins with '+'", line);
    }
    *out = (struct str){ from, from ? (size_t)((r->rest.p ? r->rest.p : from) - from) : 0 };
    return 0;
}

static int read_hunk(struct reader *r, struct patch_hunk *hunk, bool first)
{
    struct str line = peek(r);
    *hunk = (struct patch_hunk){ 0 };
    if (str_starts(line, STR("@@"))) {
        take(r);
        hunk->behind = (struct str){ line.p + 2, line.n - 2 };
        if (str_starts(hunk->behind, STR(" "))) hunk->behind = (struct str){ hunk->behind.p + 1, hunk->behind.n - 1 };
        if (str_ends(str_trim(hunk->behind), STR("@@"))) hunk->behind = STR(""); /* numbers, as diff writes them, are not looked at */
    } else if (!first) {
        return bad(r, "a hunk begins with @@", line);
    }
    int rc = read_lines(r, " +-", &hunk->lines);
    if (rc == 0 && hunk->lines.n == 0) return bad(r, "a hunk has no lines", (struct str){ 0 });
    if (rc == 0 && str_is(str_trim(peek(r)), "*** End of File")) {
        take(r);
        hunk->at_end = true;
    }
    return rc;
}

static int read_hunks(struct reader *r, struct patch_file *file)
{
    size_t room = 0;
    int rc = 0;
    if (is_header(peek(r), "*** Move to:", &file->move_to)) take(r);
    while (rc == 0 && r->rest.n && !is_marker(peek(r))) {
        if (file->hunk_count == PATCH_HUNKS_MAX) return bad(r, "PATCH_HUNKS_MAX (1024) hunks for one file are the most", (struct str){ 0 });
        if (file->hunk_count == room) {
            struct patch_hunk *grown = arena_alloc(r->arena, room = room ? 2 * room : 4, sizeof *grown);
            if (!grown) return GW_ENOMEM;
            if (file->hunk_count) memcpy(grown, file->hunks, file->hunk_count * sizeof *grown);
            file->hunks = grown;
        }
        rc = read_hunk(r, &file->hunks[file->hunk_count], file->hunk_count == 0);
        if (rc == 0) file->hunk_count++;
    }
    if (rc == 0 && file->hunk_count == 0 && file->move_to.n == 0) return bad(r, "nothing is to be changed in", file->path);
    return rc;
}

static int read_file(struct reader *r, struct patch_file *file)
{
    struct str line = take(r);
    *file = (struct patch_file){ 0 };
    if (is_header(line, "*** Add File:", &file->path))
        file->kind = PATCH_ADD;
    else if (is_header(line, "*** Delete File:", &file->path))
        file->kind = PATCH_DELETE;
    else if (is_header(line, "*** Update File:", &file->path))
        file->kind = PATCH_UPDATE;
    else
        return bad(r, "this is no `*** Add File: `, `*** Update File: `, `*** Delete File: ` or `*** End Patch`", line);
    if (file->path.n == 0) return bad(r, "a path is missing", (struct str){ 0 });
    if (file->kind == PATCH_ADD) return read_lines(r, "+", &file->added);
    return file->kind == PATCH_UPDATE ? read_hunks(r, file) : 0;
}

int patch_parse(struct str text, struct arena *arena, struct patch_file **files, size_t *count, struct buf *why)
{
    struct reader r = { .rest = str_trim(text), .arena = arena, .why = why };
    *count = 0;
    *files = arena_alloc(arena, PATCH_FILES_MAX, sizeof **files);
    if (!*files) return GW_ENOMEM;
    if (text.n > PATCH_BYTES_MAX) {
        buf_text(why, "The patch is longer than PATCH_BYTES_MAX (2 MiB).");
        return GW_EINVAL;
    }
    struct str line = take(&r);
    if (!str_is(str_trim(line), "*** Begin Patch")) return bad(&r, "a patch begins with `*** Begin Patch`", line);
    for (;;) {
        while (r.rest.n && str_trim(peek(&r)).n == 0) take(&r);
        if (r.rest.n == 0) return bad(&r, "a patch ends with `*** End Patch`", (struct str){ 0 });
        if (str_is(str_trim(peek(&r)), "*** End Patch")) break;
        if (*count == PATCH_FILES_MAX) return bad(&r, "PATCH_FILES_MAX (64) files are the most", (struct str){ 0 });
        int rc = read_file(&r, &(*files)[*count]);
        if (rc) return rc;
        ++*count;
    }
    return *count ? 0 : bad(&r, "the patch names no file", (struct str){ 0 });
}

void patch_added(const struct patch_file *file, struct buf *out)
{
    for (struct str rest = file->added; rest.n;) {
        struct str line = without_cr(str_split(&rest, '\n'));
        if (line.n) buf_add(out, (struct str){ line.p + 1, line.n - 1 });
        buf_char(out, '\n');
    }
}

/* --- applying ----------------------------------------------------------------------------------------------------- */

enum { LOOKS_MAX = 50000000 }; /* lines of a file that are compared, all hunks together: some patches could make that long */

struct lines {
    struct str *at;
    size_t n;
    size_t looks; /* that are left */
};

static int split(struct str text, struct arena *arena, struct lines *out)
{
    size_t n = text.n && text.p[text.n - 1] != '\n';
    for (size_t i = 0; i < text.n; i++) n += text.p[i] == '\n';
    *out = (struct lines){ arena_alloc(arena, n, sizeof *out->at), 0, LOOKS_MAX };
    if (n && !out->at) return GW_ENOMEM;
    while (text.n) out->at[out->n++] = str_split(&text, '\n');
    return 0;
}

static struct str end_trimmed(struct str s)
{
    while (s.n && memchr(" \t\r", s.p[s.n - 1], 3)) s.n--;
    return s;
}

enum { AS_IT_IS, WITHOUT_END, WITHOUT_BLANKS, WAYS };

static bool same(struct str a, struct str b, int way)
{
    if (way == AS_IT_IS) return str_eq(without_cr(a), without_cr(b));
    return way == WITHOUT_END ? str_eq(end_trimmed(a), end_trimmed(b)) : str_eq(str_trim(a), str_trim(b));
}

static bool fits(struct lines *file, size_t at, const struct lines *old, int way)
{
    for (size_t i = 0; i < old->n; i++) {
        if (file->looks == 0 || !same(file->at[at + i], old->at[i], way)) return false;
        file->looks--;
    }
    return true;
}

/* Where the lines `old` are, from `from` on. @return false: nowhere */
static bool find(struct lines *file, size_t from, const struct lines *old, bool at_end, size_t *at)
{
    if (old->n > file->n) return false;
    size_t last = file->n - old->n;
    for (int way = AS_IT_IS; way < WAYS; way++) {
        if (at_end && last >= from && fits(file, last, old, way)) return *at = last, true;
        for (size_t i = from; i <= last && file->looks; i++)
            if (fits(file, i, old, way)) return *at = i, true;
    }
    return false;
}

struct change {
    struct lines *file;
    size_t done; /* lines of it that are in `out`, or left out of it */
    const char *eol;
    struct buf *out;
};

static void put(struct change *c, struct str line, const char *eol)
{
    buf_add(c->out, line);
    buf_text(c->out, eol);
}

static void keep_until(struct change *c, size_t end)
{
    for (; c->done < end; c->done++) put(c, c->file->at[c->done], "\n");
}

/* What a hunk takes away and what it looks for: its lines but the added ones. */
static int old_lines(const struct patch_hunk *hunk, struct arena *arena, struct lines *out)
{
    struct lines all;
    int rc = split(hunk->lines, arena, &all);
    if (rc) return rc;
    *out = (struct lines){ arena_alloc(arena, all.n, sizeof *out->at), 0, 0 };
    if (all.n && !out->at) return GW_ENOMEM;
    for (size_t i = 0; i < all.n; i++) {
        struct str line = without_cr(all.at[i]);
        if (line.n && line.p[0] == '+') continue;
        out->at[out->n++] = line.n ? (struct str){ line.p + 1, line.n - 1 } : line;
    }
    return 0;
}

/* Context stays as the file has it. */
static void replace(struct change *c, const struct patch_hunk *hunk, size_t at)
{
    keep_until(c, at);
    for (struct str rest = hunk->lines; rest.n;) {
        struct str line = without_cr(str_split(&rest, '\n'));
        char mark = line.n ? line.p[0] : ' ';
        if (mark == '+')
            put(c, (struct str){ line.p + 1, line.n - 1 }, c->eol);
        else if (mark == '-')
            c->done++;
        else
            keep_until(c, c->done + 1);
    }
}

static int miss(const struct patch_file *file, size_t hunk, const char *what, struct str line, struct buf *why)
{
    buf_printf(why, "%.*s, hunk %zu: %s: %.*s", STR_ARG(file->path), hunk + 1, what, STR_ARG(str_utf8_prefix(line, 300)));
    return GW_EINVAL;
}

static int apply_hunk(struct change *c, const struct patch_file *file, size_t i, struct arena *arena, struct buf *why)
{
    const struct patch_hunk *hunk = &file->hunks[i];
    struct lines old, behind = { (struct str *)&hunk->behind, hunk->behind.n > 0, 0 };
    size_t from = c->done, at;
    int rc = old_lines(hunk, arena, &old);
    if (rc) return rc;
    if (behind.n) {
        if (!find(c->file, from, &behind, false, &at)) return miss(file, i, "this line, which @@ names, is not there", hunk->behind, why);
        from = at + 1;
    }
    if (old.n == 0)
        at = behind.n ? from : c->file->n; /* lines are added, with nothing around them */
    else if (!find(c->file, from, &old, hunk->at_end, &at))
        return miss(file, i, "these lines are not there (or not behind the hunk before), beginning with", old.at[0], why);
    replace(c, hunk, at);
    return 0;
}

int patch_apply(const struct patch_file *file, struct str before, struct arena *arena, struct buf *out, struct buf *why)
{
    struct lines lines;
    int rc = split(before, arena, &lines);
    bool dos = rc == 0 && lines.n && lines.at[0].n && lines.at[0].p[lines.at[0].n - 1] == '\r';
    struct change c = { .file = &lines, .eol = dos ? "\r\n" : "\n", .out = out };
    for (size_t i = 0; i < file->hunk_count && rc == 0; i++) rc = apply_hunk(&c, file, i, arena, why);
    if (rc) return rc;
    keep_until(&c, lines.n);
    return out->err;
}
