/** tools/exec_allow.h -- which programs a shell command would start, and whether each of them is allowed.
 *
 *  In:     a command, the folder it starts in, its PATH; patterns of programs that are allowed
 *  Out:    the programs with their paths; what stands in the way
 *  Owns:   nothing beyond a call
 *  Thread: any; looks at files, changes none
 *  Source: OpenClaw's exec approvals (docs, "Exec approvals"; reference gateway-protocol 7, state-exec-approvals.json)
 *
 *  A command is judged only when all of it is understood: programs with their arguments, quoted or not, joined by `|`, `&&`, `||`, `;`.
 *  Whatever could start something that is not seen (substitutions, subshells, background, redirections, assignments in front, several
 *  lines, patterns as the program's name) makes it one that is not understood, and nothing of it is allowed. Words that only the shell
 *  knows (`cd`, `eval`, `if`) name no program and are not allowed either. */
#ifndef TOOLS_EXEC_ALLOW_H
#define TOOLS_EXEC_ALLOW_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum {
    EXEC_PROGRAMS_MAX = 32,  /* in one command; more are not understood */
    EXEC_WORD_MAX = 4096,    /* bytes of a word that is looked at */
    EXEC_PATTERN_MAX = 1024, /* bytes of a pattern; a longer one matches nothing */
};

struct exec_program {
    char path[PATH_MAX]; /* where it was found; empty: it was not */
    char name[256];      /* the word in the command, cut */
    bool from_path;      /* found through PATH, not named with a path */
    bool plain;          /* its arguments are no paths, and name no file that is there */
};

struct exec_scan {
    const char *problem; /* why it is not understood; NULL: it is */
    size_t count;
    struct exec_program programs[EXEC_PROGRAMS_MAX];
};

struct exec_where {
    const char *folder; /* absolute */
    struct str path;    /* the command's PATH */
    const char *home;   /* for `~` in patterns; NULL: none */
};

/** Find a command's programs. */
void exec_scan(struct str command, const struct exec_where *where, struct exec_scan *out);

/** Whether a pattern names a program's path: `*` and `?` within a folder, `**` across folders, `~` in front. A pattern without a slash
 *  matches nothing: anybody can give a program a name. */
bool exec_pattern_matches(struct str pattern, const char *path, const char *home);

/** Whether it is one of the named programs that only read what they are given: by its bare name, out of a system folder, with plain
 *  arguments. @param names  n of them */
bool exec_is_safe(const struct exec_program *program, const struct str *names, size_t n);

#endif
