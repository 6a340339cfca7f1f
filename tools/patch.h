/** tools/patch.h -- patches as models write them: several files, each made, deleted, changed or renamed.
 *
 *  In:     a patch's text; a file's content          Out: what is to be done, file by file; a file's new content
 *  Owns:   nothing: all is borrowed from the text, or in the arena
 *  Thread: any; touches no file
 *  Source: the apply_patch format of OpenAI's Codex (`*** Begin Patch` ... `*** End Patch`), which OpenClaw takes
 *
 *  A hunk is found by its lines, not by numbers: as they are, else without blanks at their ends, else without those in front, too.
 *  Each is looked for behind the one before it; a text after `@@` is a line to look behind. */
#ifndef TOOLS_PATCH_H
#define TOOLS_PATCH_H

#include "base/arena.h"
#include "base/buf.h"

enum {
    PATCH_BYTES_MAX = 2 * 1024 * 1024,
    PATCH_FILES_MAX = 64,
    PATCH_HUNKS_MAX = 1024, /* of one file */
};

enum patch_kind { PATCH_ADD, PATCH_DELETE, PATCH_UPDATE };

struct patch_hunk {
    struct str behind; /* a line to look behind; empty: none */
    struct str lines;  /* each with its ' ', '+' or '-' in front */
    bool at_end;       /* its lines are the file's last */
};

struct patch_file {
    enum patch_kind kind;
    struct str path;
    struct str move_to; /* UPDATE: its new path; empty: it stays */
    struct str added;   /* ADD: its lines, each with '+' in front */
    struct patch_hunk *hunks;
    size_t hunk_count;
};

/** Read a patch. @param files  receives `count` of them, in the arena
 *  @return 0; GW_EINVAL: `why` says what is wrong at which line; GW_ENOMEM */
int patch_parse(struct str text, struct arena *arena, struct patch_file **files, size_t *count, struct buf *why);

/** The content of a file that is made. */
void patch_added(const struct patch_file *file, struct buf *out);

/** The content of a file after its hunks. @return 0; GW_EINVAL: `why` names the hunk and the line that is not there; GW_ENOMEM */
int patch_apply(const struct patch_file *file, struct str before, struct arena *arena, struct buf *out, struct buf *why);

#endif
