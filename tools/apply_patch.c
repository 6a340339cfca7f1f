/* tools/apply_patch.c -- apply_patch: several files changed as one. All of it is worked out before the first file is touched; what was
 * written is put back when a later file cannot be. Source: agent-runtime 4; the format: tools/patch.h */
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "tools/beneath.h"
#include "tools/patch.h"

#define NOT_BACK "could not be put back as it was"

enum { BYTES_MAX = 64 * 1024 * 1024 /* of all files of a patch, before and after */ };

struct work {
    const struct patch_file *file;
    struct buf before, after; /* of a file that is there; that will be there */
    struct stat is;           /* UPDATE, DELETE: the file, whatever names it has */
};

static struct str target(const struct patch_file *f)
{
    return f->move_to.n ? f->move_to : f->path;
}

/* A path that is named twice would be changed on top of what is not written yet. */
static bool named_before(const struct patch_file *files, size_t i, struct str *path)
{
    for (size_t k = 0; k < i; k++) {
        const struct str own[] = { files[i].path, target(&files[i]) }, other[] = { files[k].path, target(&files[k]) };
        for (size_t n = 0; n < 4; n++) {
            if (!str_eq(own[n / 2], other[n % 2])) continue;
            *path = own[n / 2];
            return true;
        }
    }
    return false;
}

/* The same file by another name: `a` and `./a`, or through a link. */
static bool planned_before(const struct work *all, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (all[i].is.st_ino && all[i].is.st_ino == all[k].is.st_ino && all[i].is.st_dev == all[k].is.st_dev) return true;
    return false;
}

static int plan(const struct tool_place *place, struct work *w, struct arena *arena, struct buf *why)
{
    const struct patch_file *f = w->file;
    struct str to = target(f);
    bool is_new = f->kind == PATCH_ADD || f->move_to.n;
    if (is_new && beneath_exists(place, to)) {
        buf_printf(why, "%.*s is there already; change it with `*** Update File: `", STR_ARG(to));
        return GW_EINVAL;
    }
    if (f->kind == PATCH_ADD) {
        patch_added(f, &w->after);
        return w->after.err;
    }
    int fd, rc = beneath_open(place, f->path, &fd, &w->is, why);
    if (rc) return rc;
    close(fd);
    rc = beneath_read(place, f->path, &w->before, why);
    return rc || f->kind == PATCH_DELETE ? rc : patch_apply(f, buf_str(&w->before), arena, &w->after, why);
}

/* @return 0, or what stands in the way; then nothing of this file is changed */
static int carry_out(const struct tool_place *place, const struct work *w, struct buf *why)
{
    const struct patch_file *f = w->file;
    if (f->kind == PATCH_DELETE) return beneath_remove(place, f->path, why);
    int rc = beneath_write(place, target(f), buf_str(&w->after), w->is.st_mode & 0777, why);
    if (rc || f->move_to.n == 0) return rc;
    rc = beneath_remove(place, f->path, why);
    if (rc) beneath_remove(place, f->move_to, why);
    return rc;
}

static void take_back(const struct tool_place *place, const struct work *w, struct buf *why)
{
    const struct patch_file *f = w->file;
    int rc = f->kind == PATCH_ADD ? 0 : beneath_write(place, f->path, buf_str(&w->before), w->is.st_mode & 0777, why);
    if (rc == 0 && (f->kind == PATCH_ADD || f->move_to.n)) rc = beneath_remove(place, target(f), why);
    if (rc) buf_printf(why, "; %.*s " NOT_BACK, STR_ARG(f->path));
}

static int write_all(const struct tool_place *place, const struct work *all, size_t count, struct buf *why)
{
    for (size_t i = 0; i < count; i++) {
        int rc = carry_out(place, &all[i], why);
        if (rc == 0) continue;
        while (i--) take_back(place, &all[i], why);
        return rc;
    }
    return 0;
}

static void tell(const struct work *all, size_t count, struct buf *out)
{
    static const char LETTERS[] = { [PATCH_ADD] = 'A', [PATCH_DELETE] = 'D', [PATCH_UPDATE] = 'M' };
    buf_text(out, "Success. Updated the following files:");
    for (size_t i = 0; i < count; i++) {
        const struct patch_file *f = all[i].file;
        buf_printf(out, "\n%c %.*s", LETTERS[f->kind], STR_ARG(f->path));
        if (f->move_to.n) buf_printf(out, " -> %.*s", STR_ARG(f->move_to));
    }
}

static int apply(struct tool_call *call, struct work *all, struct arena *arena, struct buf *why)
{
    struct patch_file *files;
    struct str twice;
    size_t count, bytes = 0;
    struct tool_place place = *call->place;
    place.confined_by = "tools.exec.applyPatch.workspaceOnly";
    int rc = patch_parse(tool_text(call, "input", NULL), arena, &files, &count, why);
    for (size_t i = 0; i < count && rc == 0; i++) {
        all[i].file = &files[i];
        if (named_before(files, i, &twice)) {
            buf_printf(why, "%.*s is named twice; put all its hunks under one `*** Update File: `", STR_ARG(twice));
            return GW_EINVAL;
        }
        rc = plan(&place, &all[i], arena, why);
        if (rc == 0 && planned_before(all, i)) {
            buf_printf(why, "%.*s is named twice, by different paths; put all its hunks under one `*** Update File: `",
                       STR_ARG(files[i].path));
            return GW_EINVAL;
        }
        bytes += all[i].before.n + all[i].after.n;
        if (rc == 0 && bytes > BYTES_MAX) {
            buf_text(why, "The files of the patch are larger than 64 MiB together");
            rc = GW_ELIMIT;
        }
    }
    if (rc == 0) rc = write_all(&place, all, count, why);
    if (rc == 0) tell(all, count, call->result);
    return rc;
}

int tool_apply_patch(struct tool_call *call)
{
    struct arena arena = { 0 };
    struct buf why = { 0 };
    struct work *all = calloc(PATCH_FILES_MAX, sizeof *all);
    int rc = all ? apply(call, all, &arena, &why) : GW_ENOMEM;
    bool partly = str_find(buf_str(&why), STR(NOT_BACK)) >= 0;
    if (rc && rc != GW_ENOMEM) rc = tool_fail(call, "%s.%s", why.n ? buf_cstr(&why) : err_text(rc), partly ? "" : " Nothing was changed.");
    for (size_t i = 0; all && i < PATCH_FILES_MAX; i++) {
        buf_free(&all[i].before);
        buf_free(&all[i].after);
    }
    free(all);
    buf_free(&why);
    arena_free(&arena);
    return rc;
}
