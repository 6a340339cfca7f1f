#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "actors/prompt_parts.h"
#include "base/err.h"
#include "base/file.h"
#include "base/utf8.h"

enum { TOTAL_LEFT_MIN = 64 }; /* characters; with less than that left a file is only named */

struct file {
    const char *name;
    bool minimal;  /* also for sub-agents and cron */
    bool expected; /* its absence is told */
};

/* reference agent-runtime 3, "Bootstrap files". BOOTSTRAP.md is for new workspaces alone: normally it is not there. */
static const struct file files[] = {
    { "AGENTS.md", true, true },      { "SOUL.md", false, true },    { "TOOLS.md", true, true },
    { "IDENTITY.md", false, true },   { "USER.md", false, true },    { "HEARTBEAT.md", false, true },
    { "BOOTSTRAP.md", false, false }, { "MEMORY.md", false, false }, { "memory.md", false, false },
};
enum { FILES = sizeof files / sizeof *files };

static size_t limit(int64_t configured, size_t fallback)
{
    if (configured <= 0) return fallback;
    return configured > PROMPT_CHARS_MAX ? PROMPT_CHARS_MAX : (size_t)configured;
}

/* Append at most `max` characters: of a longer text the first 70 % and the last 20 %. @return characters appended */
static size_t add_content(struct buf *out, struct str text, const char *name, size_t max)
{
    size_t count = text.n <= max ? text.n : utf8_count(text); /* a character has a byte at least */
    if (count <= max) {
        buf_add(out, text);
        return text.n <= max ? utf8_count(text) : count;
    }
    buf_add(out, utf8_first(text, max * 7 / 10));
    buf_printf(out, "\n[...truncated, read %s for full content...]\n", name);
    buf_add(out, utf8_last(text, max * 2 / 10));
    return max;
}

struct injection {
    const struct prompt_input *in;
    struct buf *out;
    struct buf raw, clean; /* reused for each file */
    size_t file_chars;
    size_t left;     /* characters of the total */
    struct buf path; /* of the file in hand: on the heap, as session threads have small stacks */
};

/* The path of a file of the workspace, valid until the next one; "" (no file) when memory is out. */
static const char *path_of(struct injection *j, const char *name)
{
    buf_clear(&j->path);
    buf_printf(&j->path, "%s/%s", j->in->workspace, name);
    return buf_cstr(&j->path);
}

/* The file's text into j->clean. Of a large file only the ends are read: a character has four bytes at most. */
static int read_text(struct injection *j, const char *path, size_t max)
{
    uint64_t left_out;
    buf_clear(&j->raw);
    buf_clear(&j->clean);
    int rc = file_read_ends(path, 4 * max, 4 * max, &j->raw, &left_out);
    if (rc != 0) return rc;
    utf8_add_valid(&j->clean, buf_str(&j->raw));
    return j->clean.err;
}

static void add_file(struct injection *j, const struct file *f)
{
    struct buf *out = j->out;
    size_t max = j->file_chars < j->left ? j->file_chars : j->left;
    const char *path = path_of(j, f->name);
    int rc = read_text(j, path, j->file_chars);
    if (rc == GW_ENOENT && !f->expected) return;
    buf_printf(out, "## %s\n", path);
    if (rc == GW_ENOENT) {
        buf_printf(out, "[MISSING] Expected at: %s\n", path);
    } else if (rc != 0) {
        buf_printf(out, "[UNREADABLE] %s\n", err_text(rc));
    } else if (j->left < TOTAL_LEFT_MIN && utf8_count(str_trim(buf_str(&j->clean))) > max) {
        buf_printf(out, "[...left out: the limit of all workspace files is reached, read %s when needed...]\n", f->name);
    } else {
        j->left -= add_content(out, str_trim(buf_str(&j->clean)), f->name, max);
        buf_char(out, '\n');
    }
}

/* On a file system that ignores case both names of the memory are one file. */
static bool same_file(struct injection *j, const char *a, const char *b)
{
    struct stat x, y;
    if (stat(path_of(j, a), &x) != 0 || stat(path_of(j, b), &y) != 0) return false;
    return x.st_ino == y.st_ino && x.st_dev == y.st_dev;
}

static bool exists(struct injection *j, const char *name)
{
    struct stat st;
    return stat(path_of(j, name), &st) == 0;
}

void prompt_add_files(const struct prompt_input *in, struct buf *out)
{
    struct injection j = { .in = in, .out = out };
    bool minimal = in->mode == PROMPT_MINIMAL;
    if (!in->workspace) return;
    j.file_chars = limit(in->file_chars, PROMPT_FILE_CHARS);
    j.left = limit(in->total_chars, PROMPT_TOTAL_CHARS);
    buf_text(out, "# Project Context\nThese files of your workspace are loaded for you:\n");
    if (!minimal && exists(&j, "SOUL.md"))
        buf_text(out, "SOUL.md sets your persona and tone: take them on, unless something of higher priority says otherwise.\n");
    for (size_t i = 0; i < FILES; i++) {
        if (minimal && !files[i].minimal) continue;
        if (i == FILES - 1 && same_file(&j, "MEMORY.md", "memory.md")) continue;
        add_file(&j, &files[i]);
    }
    buf_free(&j.raw);
    buf_free(&j.clean);
    buf_free(&j.path);
}
