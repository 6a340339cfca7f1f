/* The state as one file while the gateway works, and back: what was said is known again; what is broken is refused. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json_read.h"
#include "support/gateway.h"

enum { RUN_MS = 60000, BACKUPS = 4, ENTRIES_MAX = 4096 /* of cli/backup.c */ };

static struct kit K;
static char *output;

/* @return the exit code; what it printed is in `output` */
static int run_in(const char *state, const char *const *args)
{
    char where[320], config[320], home[128];
    const char *env[] = { where, config, home, NULL }, *argv[8] = { GW_OPENCLAW };
    int status = 0;
    proc_t *p;
    snprintf(where, sizeof where, "OPENCLAW_STATE_DIR=%s", state);
    snprintf(config, sizeof config, "OPENCLAW_CONFIG_PATH=%s", K.config);
    snprintf(home, sizeof home, "HOME=%s", K.dir);
    for (size_t i = 0; i < 6 && args[i]; i++) argv[i + 1] = args[i];
    cr_assert(proc_start(argv, env, &p) == 0 && proc_wait(p, RUN_MS, &status) == 0);
    free(output);
    output = proc_output(p);
    proc_stop(&p);
    cr_assert(WIFEXITED(status), "%s ended by signal %d: %s", args[0], WTERMSIG(status), output);
    return WEXITSTATUS(status);
}

#define RUN(state, ...) run_in(state, (const char *const[]){ __VA_ARGS__, NULL })

static void say(const char *text)
{
    struct http_reply r = { 0 };
    cr_assert_eq(kit_chat(&K, "u", text, &r), 0);
    cr_expect_eq(r.status, 200);
    http_reply_free(&r);
}

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[512];
    mkdir(folder, 0700);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    cr_assert(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

/* What is there is `text`. */
static void expect_file(const char *folder, const char *name, const char *text)
{
    char path[512], got[256] = "";
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "r");
    cr_assert(f, "%s is not there", path);
    cr_expect(fgets(got, sizeof got, f) && strcmp(got, text) == 0, "%s: %s", path, got);
    fclose(f);
}

static void start(void)
{
    static const struct kit_options options = {
        .config_text = "{ agents: { list: [{ id: 'main', default: true }], defaults: { model: { primary: '" KIT_OPENROUTER_MODEL "' } } } }"
    };
    char workspace[128];
    kit_start(&K, &options);
    fake_control(&K.openrouter, "{\"default\":{\"echo\":true}}");
    snprintf(workspace, sizeof workspace, "%s/workspace", K.state);
    write_file(workspace, "MEMORY.md", "the first version");
    say("my name is Ada");
}

static void end(void)
{
    free(output);
    output = NULL;
    kit_stop(&K);
}

/* Turns go on while it is written. */
static void backup_in_the_middle(const char *path)
{
    pid_t child = fork();
    cr_assert(child >= 0);
    if (child == 0) {
        for (int i = 0; i < 40; i++) {
            struct http_reply r = { 0 };
            if (kit_chat(&K, "other", "meanwhile", &r) != 0) _exit(1);
            http_reply_free(&r);
        }
        _exit(0);
    }
    cr_expect_eq(RUN(K.state, "backup", path), 0, "%s", output);
    int status = 1;
    waitpid(child, &status, 0);
    cr_expect_eq(status, 0, "turns went on");
}

Test(e2e_backup, a_backup_of_a_running_gateway_brings_everything_back, .timeout = 300)
{
    char path[128], workspace[128];
    struct stat st;
    start();
    snprintf(path, sizeof path, "%s/b.tar.gz", K.dir);
    snprintf(workspace, sizeof workspace, "%s/workspace", K.state);
    backup_in_the_middle(path);
    cr_expect(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600, "it is its owner's alone");
    cr_expect_eq(RUN(K.state, "backup", path), 1);
    cr_expect(strstr(output, "is there already"), "%s", output);
    say("forget me");
    write_file(workspace, "MEMORY.md", "a later version");
    cr_expect_eq(RUN(K.state, "restore", path, "--force"), 1);
    cr_expect(strstr(output, "is held by process"), "not below a running gateway: %s", output);
    cr_assert_eq(proc_stop(&K.gateway), 0);
    cr_expect_eq(RUN(K.state, "restore", path), 1);
    cr_expect(strstr(output, "--force replaces it"), "%s", output);
    cr_expect_eq(RUN(K.state, "restore", path, "--force"), 0, "%s", output);
    cr_expect(strstr(output, "What was there before is in"), "%s", output);
    expect_file(workspace, "MEMORY.md", "the first version");
    kit_restart(&K);
    cr_expect_eq(kit_sql(&K, "SELECT count(*) FROM messages WHERE json LIKE '%my name is Ada%'") > 0, 1);
    cr_expect_eq(kit_sql(&K, "SELECT count(*) FROM messages WHERE json LIKE '%forget me%'"), 0);
    say("what is my name?");
    char *body = NULL;
    json_t *stats = fake_stats(&K.openrouter), *bodies = json_object_get(stats, "bodies");
    body = json_dumps(json_array_get(bodies, json_array_size(bodies) - 1), 0);
    cr_expect(strstr(body, "my name is Ada") && !strstr(body, "forget me"), "%s", body);
    free(body);
    json_decref(stats);
    end();
}

/* Overwrite some bytes in the middle of a file. */
static void spoil(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDWR);
    cr_assert(fd >= 0 && fstat(fd, &st) == 0 && pwrite(fd, "spoilt!!", 8, st.st_size / 2) == 8 && close(fd) == 0);
}

Test(e2e_backup, what_is_broken_or_no_backup_is_refused_and_changes_nothing, .timeout = 120)
{
    char path[128], fresh[128], other[128];
    start();
    snprintf(path, sizeof path, "%s/b.tar.gz", K.dir);
    snprintf(other, sizeof other, "%s/other.tar.gz", K.dir);
    snprintf(fresh, sizeof fresh, "%s/fresh", K.dir);
    cr_expect_eq(RUN(K.state, "backup", path), 0, "%s", output);
    spoil(path);
    cr_expect_eq(RUN(fresh, "restore", path), 1, "%s", output);
    write_file(K.dir, "manifest.json", "{\"format\":1}");
    char command[512];
    snprintf(command, sizeof command, "tar -C %s -czf %s manifest.json", K.dir, other);
    cr_assert_eq(system(command), 0);
    cr_expect_eq(RUN(fresh, "restore", other), 1);
    cr_expect(strstr(output, "openclaw.sqlite"), "%s", output);
    cr_expect_eq(RUN(fresh, "restore", "/nowhere.tar.gz"), 1);
    cr_expect(strstr(output, "/nowhere.tar.gz"), "%s", output);
    snprintf(command, sizeof command, "test -z \"$(ls -A %s | grep -v openclaw.lock)\"", fresh);
    cr_expect_eq(system(command), 0, "nothing of it is left in the new place");
    end();
}

Test(e2e_backup, strange_names_are_names, .timeout = 120)
{
    char path[128], fresh[128];
    start();
    snprintf(path, sizeof path, "%s/12:30.tar.gz", K.dir); /* tar takes what is before a colon for a host */
    snprintf(fresh, sizeof fresh, "%s/fresh", K.dir);
    write_file(K.state, "--checkpoint-action=exec=false", "one");
    write_file(K.state, "two\nlines", "two");
    cr_expect_eq(RUN(K.state, "backup", path), 0, "%s", output);
    cr_expect_eq(RUN(fresh, "restore", path), 0, "%s", output);
    expect_file(fresh, "--checkpoint-action=exec=false", "one");
    expect_file(fresh, "two\nlines", "two");
    end();
}

/* Names in the state; `backup` adds one while it works. */
static int entries(void)
{
    int count = 0;
    DIR *dir = opendir(K.state);
    while (dir && readdir(dir)) count++;
    if (dir) closedir(dir);
    return count - 2;
}

Test(e2e_backup, a_state_with_too_many_entries_is_refused, .timeout = 120)
{
    char name[32], path[128];
    start();
    for (int i = entries(); i < ENTRIES_MAX - 1; i++) {
        snprintf(name, sizeof name, "more-%d", i);
        write_file(K.state, name, "x");
    }
    snprintf(path, sizeof path, "%s/full.tar.gz", K.dir);
    cr_expect_eq(RUN(K.state, "backup", path), 0, "%s", output);
    write_file(K.state, "one-more", "x");
    snprintf(path, sizeof path, "%s/over.tar.gz", K.dir);
    cr_expect_eq(RUN(K.state, "backup", path), 1);
    cr_expect(strstr(output, "cannot list"), "%s", output);
    cr_expect_neq(access(path, F_OK), 0);
    end();
}

Test(e2e_backup, only_the_newest_backups_are_kept, .timeout = 120)
{
    char command[256];
    start();
    for (int i = 0; i < BACKUPS; i++) {
        cr_expect_eq(RUN(K.state, "backup", "--keep", "2", "--json"), 0, "%s", output);
        sleep(1); /* their names are times */
    }
    json_t *said = json_loads(output, 0, NULL);
    cr_expect_eq(json_array_size(json_object_get(said, "removed")), 1);
    json_decref(said);
    snprintf(command, sizeof command, "test $(ls %s/backups | wc -l) = 2", K.state);
    cr_expect_eq(system(command), 0);
    end();
}
