/* The file tools: what they answer, and what they refuse to touch. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "support/tempdir.h"
#include "tools/tool.h"

struct desk {
    char dir[TEMPDIR_MAX], workspace[TEMPDIR_MAX + 16], outside[TEMPDIR_MAX + 16];
    config_t *config;
    struct tool_place place;
    struct buf result;
    bool failed;
};

static void put(const char *folder, const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    cr_assert(f);
    fputs(text, f);
    fclose(f);
}

static bool holds(const char *folder, const char *name, const char *text)
{
    char path[512], bytes[512] = "";
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "r");
    if (!f) return false;
    size_t n = fread(bytes, 1, sizeof bytes - 1, f);
    fclose(f);
    bytes[n] = '\0';
    return strcmp(bytes, text) == 0;
}

static void open_desk_with(struct desk *d, const char *config)
{
    memset(d, 0, sizeof *d);
    tempdir_make(d->dir);
    snprintf(d->workspace, sizeof d->workspace, "%s/ws", d->dir);
    snprintf(d->outside, sizeof d->outside, "%s/outside", d->dir);
    cr_assert(mkdir(d->workspace, 0700) == 0 && mkdir(d->outside, 0700) == 0);
    put(d->outside, "secret.txt", "secret");
    const char *const pairs[] = { "HOME", d->dir, NULL };
    const struct env env = env_list(pairs);
    struct config_problems problems = { 0 };
    cr_assert_eq(config_parse(str_of(config), "t.json", &env, &d->config, &problems), 0);
    config_problems_free(&problems);
    d->place = (struct tool_place){ .config = d->config, .agent = config_agent_default(d->config), .workspace = d->workspace };
}

static void open_desk(struct desk *d)
{
    open_desk_with(d, "{}");
}

static void close_desk(struct desk *d)
{
    buf_free(&d->result);
    config_unref(&d->config);
    tempdir_remove(d->dir);
}

/* Call a tool. @return its text */
static const char *call(struct desk *d, const char *name, const char *args)
{
    const struct tool *tool = tool_at(tool_find(str_of(name)));
    struct tool_call c = { .place = &d->place, .name = str_of(name), .result = &d->result };
    json_t *read;
    buf_clear(&d->result);
    d->failed = tool_read_args(tool, str_of(args), &read, &d->result) != 0;
    if (d->failed) return buf_cstr(&d->result);
    c.args = read;
    cr_assert_eq(tool->run(&c), 0);
    d->failed = c.failed;
    json_decref(read);
    return buf_cstr(&d->result);
}

static const char *__attribute__((format(printf, 3, 4))) callf(struct desk *d, const char *name, const char *format, ...)
{
    char args[1024];
    va_list list;
    va_start(list, format);
    vsnprintf(args, sizeof args, format, list);
    va_end(list);
    return call(d, name, args);
}

Test(tool_files, writes_reads_and_edits)
{
    struct desk d;
    open_desk(&d);
    cr_expect_str_eq(call(&d, "write", "{\"path\":\"t.txt\",\"content\":\"hello\\nworld\\n\"}"), "Successfully wrote 12 bytes to t.txt");
    cr_expect_str_eq(call(&d, "read", "{\"path\":\"t.txt\"}"), "hello\nworld\n");
    cr_expect_str_eq(call(&d, "edit", "{\"file_path\":\"t.txt\",\"old_string\":\"world\",\"new_string\":\"there\"}"),
                     "Successfully replaced text in t.txt.");
    cr_expect(holds(d.workspace, "t.txt", "hello\nthere\n"));
    cr_expect(strstr(call(&d, "edit", "{\"path\":\"t.txt\",\"oldText\":\"zzz\",\"newText\":\"x\"}"),
                     "Could not find the exact text in t.txt. The old text must match exactly including all whitespace and newlines."));
    cr_expect(d.failed);
    cr_expect(strstr(call(&d, "edit", "{\"path\":\"t.txt\",\"oldText\":\"e\",\"newText\":\"x\"}"), "Found 3 occurrences"));
    cr_expect(holds(d.workspace, "t.txt", "hello\nthere\n"), "a refused edit changes nothing");
    call(&d, "write", "{\"path\":\"a/b/c.txt\",\"content\":\"deep\"}");
    cr_expect(holds(d.workspace, "a/b/c.txt", "deep"));
    cr_expect_str_eq(callf(&d, "read", "{\"path\":\"%s/a/b/c.txt\"}", d.workspace), "deep", "absolute, but inside");
    cr_expect(strstr(call(&d, "read", "{\"path\":\"nope.txt\"}"), "ENOENT: no such file or directory"));
    cr_expect(strstr(call(&d, "read", "{}"), "must have required property 'path'"));
    close_desk(&d);
}

Test(tool_files, a_long_file_comes_in_pieces)
{
    struct desk d;
    open_desk(&d);
    put(d.workspace, "five", "1\n2\n3\n4\n5\n");
    cr_expect_str_eq(call(&d, "read", "{\"path\":\"five\",\"limit\":2}"), "1\n2\n\n\n[3 more lines in file. Use offset=3 to continue.]");
    cr_expect_str_eq(call(&d, "read", "{\"path\":\"five\",\"offset\":\"4\"}"), "4\n5\n");
    cr_expect(strstr(call(&d, "read", "{\"path\":\"five\",\"offset\":9}"), "beyond end of file"));
    put(d.workspace, "empty", "");
    cr_expect_str_eq(call(&d, "read", "{\"path\":\"empty\"}"), "");
    char *line = malloc(90 * 1024);
    memset(line, 'x', 90 * 1024 - 1);
    line[90 * 1024 - 1] = '\0';
    put(d.workspace, "wide", line);
    cr_expect(strstr(call(&d, "read", "{\"path\":\"wide\"}"), "[Line 1 is 92159 bytes long"));
    cr_expect_lt(d.result.n, 60 * 1024);
    free(line);
    close_desk(&d);
}

Test(tool_files, nothing_outside_is_read_or_written)
{
    struct desk d;
    char path[512], other[512];
    open_desk(&d);
    snprintf(path, sizeof path, "%s/secret.txt", d.outside);
    snprintf(other, sizeof other, "%s/link", d.workspace);
    cr_assert_eq(symlink(path, other), 0);
    snprintf(other, sizeof other, "%s/dir", d.workspace);
    cr_assert_eq(symlink(d.outside, other), 0);
    snprintf(other, sizeof other, "%s/dangling", d.workspace);
    snprintf(path, sizeof path, "%s/new.txt", d.outside);
    cr_assert_eq(symlink(path, other), 0);
    snprintf(other, sizeof other, "%s/fifo", d.workspace);
    cr_assert_eq(mkfifo(other, 0600), 0);
    snprintf(other, sizeof other, "%s/self", d.workspace);
    cr_assert_eq(symlink("/proc/self/environ", other), 0);
    mkdir((snprintf(other, sizeof other, "%s/folder", d.workspace), other), 0700);
    static const char *const NAMES[] = { "../outside/secret.txt",
                                         "a/../../outside/secret.txt",
                                         "/etc/passwd",
                                         "/proc/self/environ",
                                         "/dev/zero",
                                         "link",
                                         "dir/secret.txt",
                                         "dangling",
                                         "fifo",
                                         "self",
                                         "folder",
                                         "..",
                                         "/" };
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        const char *text = callf(&d, "read", "{\"path\":\"%s\"}", NAMES[i]);
        cr_expect(d.failed && !strstr(text, "secret\""), "read %s: %s", NAMES[i], text);
        text = callf(&d, "write", "{\"path\":\"%s\",\"content\":\"x\"}", NAMES[i]);
        cr_expect(d.failed, "write %s: %s", NAMES[i], text);
    }
    callf(&d, "read", "{\"path\":\"%s/secret.txt\"}", d.outside);
    cr_expect(d.failed);
    cr_expect(holds(d.outside, "secret.txt", "secret"));
    cr_expect(!holds(d.outside, "new.txt", "x"));
    close_desk(&d);
}

Test(tool_files, a_hard_link_is_not_written_through)
{
    struct desk d;
    char path[512], other[512];
    open_desk(&d);
    snprintf(path, sizeof path, "%s/secret.txt", d.outside);
    snprintf(other, sizeof other, "%s/hard", d.workspace);
    cr_assert_eq(link(path, other), 0);
    cr_expect(strstr(call(&d, "write", "{\"path\":\"hard\",\"content\":\"x\"}"), "hard links") && d.failed);
    cr_expect(strstr(call(&d, "edit", "{\"path\":\"hard\",\"oldText\":\"secret\",\"newText\":\"x\"}"), "hard links") && d.failed);
    cr_expect(holds(d.outside, "secret.txt", "secret"));
    close_desk(&d);
}

Test(tool_files, a_link_inside_is_followed_and_stays)
{
    struct desk d;
    char other[512];
    struct stat st;
    open_desk(&d);
    put(d.workspace, "AGENTS.md", "one");
    snprintf(other, sizeof other, "%s/CLAUDE.md", d.workspace);
    cr_assert_eq(symlink("AGENTS.md", other), 0);
    cr_expect_str_eq(call(&d, "read", "{\"path\":\"CLAUDE.md\"}"), "one");
    call(&d, "write", "{\"path\":\"CLAUDE.md\",\"content\":\"two\"}");
    cr_expect(!d.failed && holds(d.workspace, "AGENTS.md", "two"));
    cr_expect(lstat(other, &st) == 0 && S_ISLNK(st.st_mode));
    chmod((snprintf(other, sizeof other, "%s/AGENTS.md", d.workspace), other), 0640);
    call(&d, "write", "{\"path\":\"AGENTS.md\",\"content\":\"three\"}");
    cr_expect(stat(other, &st) == 0 && (st.st_mode & 0777) == 0640, "the mode stays");
    close_desk(&d);
}

Test(tool_files, when_allowed_absolute_paths_work_but_not_into_the_system_or_the_state)
{
    struct desk d;
    char path[512], link_to[512];
    open_desk_with(&d, "{ tools: { fs: { workspaceOnly: false } } }");
    callf(&d, "read", "{\"path\":\"%s/secret.txt\"}", d.outside);
    cr_expect(!d.failed);
    static const char *const NO[] = { "/proc/self/environ", "/proc/1/environ", "/dev/zero", "/sys/kernel/notes" };
    for (size_t i = 0; i < sizeof NO / sizeof *NO; i++) {
        callf(&d, "read", "{\"path\":\"%s\"}", NO[i]);
        cr_expect(d.failed, "%s", NO[i]);
    }
    snprintf(path, sizeof path, "%.*s/openclaw.db", STR_ARG(config_state(d.config)));
    callf(&d, "read", "{\"path\":\"%s\"}", path);
    cr_expect(d.failed && strstr(buf_cstr(&d.result), "may not be used"));
    snprintf(link_to, sizeof link_to, "%s/environ", d.outside);
    cr_assert_eq(symlink("/proc/self/environ", link_to), 0);
    callf(&d, "read", "{\"path\":\"%s/environ\"}", d.outside);
    cr_expect(d.failed, "not through a link either");
    close_desk(&d);
}

struct race {
    const char *workspace, *outside;
    atomic_bool stop;
};

/* A folder that is now one of the workspace, now a link to one outside. */
static void *swap_folder(void *arg)
{
    struct race *r = arg;
    char real[512], swapped[512], link_path[512];
    snprintf(real, sizeof real, "%s/swap", r->workspace);
    snprintf(swapped, sizeof swapped, "%s/swap.real", r->workspace);
    snprintf(link_path, sizeof link_path, "%s/swap.link", r->workspace);
    if (symlink(r->outside, link_path) != 0) return NULL;
    while (!atomic_load(&r->stop)) {
        rename(real, swapped);
        rename(link_path, real);
        rename(real, link_path);
        rename(swapped, real);
    }
    return NULL;
}

Test(tool_files, a_folder_swapped_for_a_link_meanwhile_leads_nowhere, .timeout = 60)
{
    struct desk d;
    struct race race;
    pthread_t thread;
    char path[512];
    open_desk(&d);
    snprintf(path, sizeof path, "%s/swap", d.workspace);
    cr_assert_eq(mkdir(path, 0700), 0);
    put(path, "secret.txt", "harmless");
    race = (struct race){ .workspace = d.workspace, .outside = d.outside };
    atomic_init(&race.stop, false);
    cr_assert_eq(pthread_create(&thread, NULL, swap_folder, &race), 0);
    for (int i = 0; i < 3000; i++) {
        const char *text = call(&d, "read", "{\"path\":\"swap/secret.txt\"}");
        cr_expect(d.failed || strcmp(text, "harmless") == 0 || strcmp(text, "mine") == 0, "%s", text);
        call(&d, "write", "{\"path\":\"swap/secret.txt\",\"content\":\"mine\"}");
    }
    atomic_store(&race.stop, true);
    pthread_join(thread, NULL);
    cr_expect(holds(d.outside, "secret.txt", "secret"));
    close_desk(&d);
}

#define PATCH(body) "{\"input\":\"*** Begin Patch\\n" body "*** End Patch\"}"

Test(tool_files, a_patch_changes_all_of_its_files_or_none)
{
    struct desk d;
    open_desk(&d);
    put(d.workspace, "a", "1\n2\n");
    put(d.workspace, "old", "x\n");
    put(d.workspace, "gone", "y\n");
    cr_expect_str_eq(call(&d, "apply_patch",
                          PATCH("*** Update File: a\\n@@\\n 1\\n-2\\n+two\\n*** Add File: new/b\\n+b\\n*** Update File: old\\n*** Move to: "
                                "dir/moved\\n*** Delete File: gone\\n")),
                     "Success. Updated the following files:\nM a\nA new/b\nM old -> dir/moved\nD gone");
    cr_expect(holds(d.workspace, "a", "1\ntwo\n") && holds(d.workspace, "new/b", "b\n") && holds(d.workspace, "dir/moved", "x\n"));
    cr_expect(!holds(d.workspace, "old", "x\n") && !holds(d.workspace, "gone", "y\n"));
    cr_expect(strstr(call(&d, "apply_patch", PATCH("*** Update File: a\\n@@\\n-1\\n+one\\n*** Update File: new/b\\n@@\\n-zzz\\n+x\\n")),
                     "new/b, hunk 1: these lines are not there"));
    cr_expect(d.failed && holds(d.workspace, "a", "1\ntwo\n"), "nothing was changed");
    cr_expect(strstr(call(&d, "apply_patch", PATCH("*** Add File: a\\n+x\\n")), "a is there already"));
    cr_expect(strstr(call(&d, "apply_patch", PATCH("*** Delete File: a\\n*** Update File: a\\n@@\\n-1\\n+x\\n")), "a is named twice"));
    cr_expect(strstr(call(&d, "apply_patch", PATCH("*** Update File: a\\n@@\\n-1\\n+x\\n*** Update File: ./a\\n@@\\n-two\\n+y\\n")),
                     "is named twice"));
    cr_expect(strstr(call(&d, "apply_patch", PATCH("*** Delete File: nope\\n")), "ENOENT"));
    cr_expect(holds(d.workspace, "a", "1\ntwo\n"));
    close_desk(&d);
}

static mode_t mode_of(const char *folder, const char *name)
{
    char path[512];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return stat(path, &st) == 0 ? st.st_mode & 0777 : 0;
}

/* Give a file a second name: it is readable, yet not to be written through. */
static void lock_by_link(const char *folder, const char *name)
{
    char path[512], other[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    snprintf(other, sizeof other, "%s/%s.other", folder, name);
    cr_assert_eq(link(path, other), 0);
}

Test(tool_files, a_patch_keeps_the_modes_of_what_it_moves_and_takes_back)
{
    char path[512];
    struct desk d;
    open_desk(&d);
    put(d.workspace, "run.sh", "1\n");
    snprintf(path, sizeof path, "%s/run.sh", d.workspace);
    cr_assert_eq(chmod(path, 0750), 0);
    call(&d, "apply_patch", PATCH("*** Update File: run.sh\\n*** Move to: bin/run.sh\\n@@\\n-1\\n+2\\n"));
    cr_expect(!d.failed && holds(d.workspace, "bin/run.sh", "2\n"));
    cr_expect_eq(mode_of(d.workspace, "bin/run.sh"), 0750, "%o", mode_of(d.workspace, "bin/run.sh"));
    put(d.workspace, "z", "1\n");
    lock_by_link(d.workspace, "z"); /* which makes the second half fail */
    call(&d, "apply_patch", PATCH("*** Delete File: bin/run.sh\\n*** Update File: z\\n@@\\n-1\\n+2\\n"));
    cr_expect(d.failed && holds(d.workspace, "bin/run.sh", "2\n"));
    cr_expect_eq(mode_of(d.workspace, "bin/run.sh"), 0750, "%o", mode_of(d.workspace, "bin/run.sh"));
    close_desk(&d);
}

#define OUTSIDE PATCH("*** Update File: %s/secret.txt\\n@@\\n-secret\\n+open\\n")

Test(tool_files, a_patch_stays_inside_unless_its_own_setting_lets_it_out_too)
{
    struct desk d;
    open_desk_with(&d, "{ tools: { fs: { workspaceOnly: false } } }");
    callf(&d, "apply_patch", OUTSIDE, d.outside);
    cr_expect(d.failed && strstr(buf_cstr(&d.result), "tools.exec.applyPatch.workspaceOnly"), "%s", buf_cstr(&d.result));
    cr_expect(holds(d.outside, "secret.txt", "secret"));
    close_desk(&d);
    open_desk_with(&d, "{ tools: { exec: { applyPatch: { workspaceOnly: false } } } }");
    callf(&d, "apply_patch", OUTSIDE, d.outside);
    cr_expect(d.failed && holds(d.outside, "secret.txt", "secret"));
    close_desk(&d);
    open_desk_with(&d, "{ tools: { fs: { workspaceOnly: false }, exec: { applyPatch: { workspaceOnly: false } } } }");
    callf(&d, "apply_patch", OUTSIDE, d.outside);
    cr_expect(!d.failed, "%s", buf_cstr(&d.result));
    close_desk(&d);
}

Test(tool_files, a_patch_that_cannot_be_written_to_its_end_is_taken_back)
{
    struct desk d;
    open_desk(&d);
    put(d.workspace, "a", "1\n");
    put(d.workspace, "z", "1\n");
    lock_by_link(d.workspace, "z");
    const char *text =
        call(&d, "apply_patch", PATCH("*** Update File: a\\n@@\\n-1\\n+2\\n*** Add File: n\\n+n\\n*** Update File: z\\n@@\\n-1\\n+2\\n"));
    cr_expect(d.failed && strstr(text, "Nothing was changed."), "%s", text);
    cr_expect(holds(d.workspace, "a", "1\n") && holds(d.workspace, "z", "1\n") && !holds(d.workspace, "n", "n\n"));
    close_desk(&d);
}

Test(tool_files, a_patch_does_not_leave_the_workspace)
{
    char path[512];
    struct desk d;
    open_desk(&d);
    put(d.workspace, "in", "secret");
    snprintf(path, sizeof path, "%s/link", d.workspace);
    cr_assert_eq(symlink(d.outside, path), 0);
    static const char *const PATHS[] = { "../outside/secret.txt", "link/secret.txt", "/etc/hostname", "/proc/self/environ" };
    for (size_t i = 0; i < sizeof PATHS / sizeof *PATHS; i++) {
        callf(&d, "apply_patch", PATCH("*** Update File: %s\\n@@\\n-secret\\n+open\\n"), PATHS[i]);
        cr_expect(d.failed, "%s: %s", PATHS[i], buf_cstr(&d.result));
        callf(&d, "apply_patch", PATCH("*** Delete File: %s\\n"), PATHS[i]);
        cr_expect(d.failed, "%s: %s", PATHS[i], buf_cstr(&d.result));
        callf(&d, "apply_patch", PATCH("*** Update File: in\\n*** Move to: %s.new\\n"), PATHS[i]);
        cr_expect(d.failed, "%s: %s", PATHS[i], buf_cstr(&d.result));
    }
    callf(&d, "apply_patch", PATCH("*** Add File: link/new\\n+x\\n"));
    cr_expect(d.failed);
    cr_expect(holds(d.outside, "secret.txt", "secret") && !holds(d.outside, "new", "x\n") && holds(d.workspace, "in", "secret"));
    close_desk(&d);
}
