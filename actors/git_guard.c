#include "actors/git_guard.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "actors/query_util.h"
#include "base/file.h"

enum { HOOK_MAX = 8192, CONFIG_PAIRS_MAX = 32 };

/* Each begins with the agent's id; @ID@ would be another thing to replace. */
static const char PRE_COMMIT[] =
    "branch=$(git symbolic-ref --quiet --short HEAD) || exit 0\n"
    "case $branch in\n"
    "\"$agent\"/*/[0-9]*-*) exit 0 ;;\n"
    "esac\n"
    "echo \"openclaw: commits of $agent belong on a branch named $agent/<type>/<issue>-<slug>, not on $branch.\" >&2\n"
    "echo \"openclaw: fix: git switch -c $agent/fix/<issue>-<slug>, then commit again.\" >&2\n"
    "exit 1\n";

static const char COMMIT_MSG[] = "subject=$(sed -e '/^#/d' -e '/^[[:space:]]*$/d' \"$1\" | sed -n 1p)\n"
                                 "case $subject in\n"
                                 "*\" [$agent]\") exit 0 ;;\n"
                                 "esac\n"
                                 "echo \"openclaw: the subject of a commit of $agent ends in ' [$agent]'; this one is: $subject\" >&2\n"
                                 "echo \"openclaw: fix: git commit -m '<subject> [$agent]'\" >&2\n"
                                 "exit 1\n";

static const char PRE_PUSH[] =
    "zero=0000000000000000000000000000000000000000\n"
    "refuse() { echo \"openclaw: $1\" >&2; echo \"openclaw: fix: $2\" >&2; exit 1; }\n"
    "while read -r local_ref local_sha remote_ref remote_sha; do\n"
    "case $remote_ref in\n"
    "refs/heads/main | refs/heads/master) refuse \"nobody pushes to ${remote_ref#refs/heads/}.\" \"push your branch "
    "$agent/<type>/<issue>-<slug> and open a pull request\" ;;\n"
    "refs/tags/*) [ \"$agent\" = homelab-admin ] || refuse \"only homelab-admin pushes tags and releases.\" \"ask homelab-admin to tag\"; "
    "continue ;;\n"
    "refs/heads/\"$agent\"/*/[0-9]*-*) ;;\n"
    "*) refuse \"$agent pushes branches named $agent/<type>/<issue>-<slug>, not ${remote_ref#refs/heads/}.\" \"git branch -m "
    "$agent/fix/<issue>-<slug>\" ;;\n"
    "esac\n"
    "[ \"$local_sha\" = $zero ] && refuse \"deleting a remote branch is not allowed.\" \"leave it to the merge of its pull request\"\n"
    "if [ \"$remote_sha\" != $zero ]; then\n"
    "git cat-file -e \"$remote_sha\" 2>/dev/null && git merge-base --is-ancestor \"$remote_sha\" \"$local_sha\" || refuse \"this would "
    "overwrite what is on the remote branch (a forced push).\" \"git pull --rebase=false, then push without --force\"\n"
    "fi\n"
    "if git rev-parse --quiet --verify origin/main >/dev/null; then\n"
    "git merge-base --is-ancestor origin/main \"$local_sha\" || refuse \"the branch does not hold origin/main.\" \"git fetch origin && git "
    "merge origin/main\"\n"
    "fi\n"
    "done\n"
    "exit 0\n";

bool git_guard_binds(const struct config_agent *agent)
{
    for (size_t i = 0; i < agent->skill_count; i++)
        if (str_is(agent->skills[i], "gitops")) return true;
    return false;
}

static int write_hook(const char *folder, const char *name, struct str agent, const char *body)
{
    char path[PATH_MAX];
    struct buf text = { 0 }, there = { 0 };
    int error, rc = 0, n = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (n < 0 || (size_t)n >= sizeof path) return GW_ELIMIT;
    buf_printf(&text, "#!/bin/sh\n# written by the gateway at each change of its rules\nagent='%.*s'\n%s", STR_ARG(agent), body);
    if (file_read(path, HOOK_MAX, &there) != 0 || !str_eq(buf_str(&there), buf_str(&text)))
        rc = query_write_file(path, buf_str(&text), 0700, &error);
    buf_free(&text);
    buf_free(&there);
    return rc;
}

int git_guard_prepare(const config_t *config, const struct config_agent *agent, char *folder)
{
    int n = snprintf(folder, PATH_MAX, "%.*s/githooks/%.*s", STR_ARG(config_state(config)), STR_ARG(agent->id));
    if (n < 0 || n >= PATH_MAX) return GW_ELIMIT;
    int rc = write_hook(folder, "pre-commit", agent->id, PRE_COMMIT);
    if (rc == 0) rc = write_hook(folder, "commit-msg", agent->id, COMMIT_MSG);
    return rc ? rc : write_hook(folder, "pre-push", agent->id, PRE_PUSH);
}

static void put_pair(struct buf *out, int i, const char *key, const char *value)
{
    buf_printf(out, "GIT_CONFIG_KEY_%d=%s", i, key);
    buf_char(out, '\0');
    buf_printf(out, "GIT_CONFIG_VALUE_%d=%s", i, value);
    buf_char(out, '\0');
}

void git_guard_environment(const char *folder, struct buf *out)
{
    char name[64];
    const char *count = getenv("GIT_CONFIG_COUNT");
    int64_t given = 0;
    int n = 0;
    if (count && str_to_int(str_of(count), &given) != 0) given = 0;
    for (int i = 0; i < given && n < CONFIG_PAIRS_MAX; i++) {
        snprintf(name, sizeof name, "GIT_CONFIG_KEY_%d", i);
        const char *key = getenv(name);
        snprintf(name, sizeof name, "GIT_CONFIG_VALUE_%d", i);
        const char *value = getenv(name);
        if (key && value) put_pair(out, n++, key, value);
    }
    if (folder) put_pair(out, n++, "core.hooksPath", folder);
    if (n == 0) return;
    buf_printf(out, "GIT_CONFIG_COUNT=%d", n);
    buf_char(out, '\0');
}

const char *git_guard_bypass(struct str command)
{
    static const char *const WORDS[] = { "--no-verify", "core.hooksPath", "core.hookspath", "GIT_CONFIG",
                                         "GIT_DIR=",    "hooksPath",      "commit-tree",    "update-ref" };
    if (str_find(command, STR("git")) < 0) return NULL;
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++)
        if (str_find(command, str_of(WORDS[i])) >= 0) return WORDS[i];
    return str_find(command, STR("commit -n")) >= 0 || str_find(command, STR("commit -an")) >= 0 ? "commit -n" : NULL;
}
