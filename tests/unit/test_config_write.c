/* The configuration file is replaced whole, with backups and an audit line; what is read-only stays as it is. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/config_view.h"
#include "base/config_write.h"
#include "base/err.h"
#include "base/file.h"
#include "support/tempdir.h"

struct place {
    char dir[TEMPDIR_MAX];
    char path[TEMPDIR_MAX + 64];
    char state[TEMPDIR_MAX + 64];
};

static struct place place(bool own_state)
{
    struct place p;
    tempdir_make(p.dir);
    snprintf(p.path, sizeof p.path, "%s/openclaw.json", p.dir);
    snprintf(p.state, sizeof p.state, "%s%s", p.dir, own_state ? "/state" : "");
    return p;
}

static void put(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    cr_assert(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static int write_text(const struct place *p, const char *before, const char *after, struct buf *why)
{
    const struct config_write w = { .path = p->path,
                                    .state_dir = p->state,
                                    .before = str_of(before),
                                    .existed = before != NULL,
                                    .after = str_of(after),
                                    .now_ms = 1795355095267 };
    return config_write(&w, why);
}

static void expect(const char *path, const char *text)
{
    struct buf got = { 0 };
    int rc = file_read(path, 4096, &got);
    cr_assert(rc == 0 && str_is(buf_str(&got), text), "%s: %s \"%s\"", path, err_name(rc), buf_cstr(&got));
    buf_free(&got);
}

static void expect_beside(const char *dir, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    expect(path, text);
}

Test(config_write, replaces_the_file_for_its_owner_alone)
{
    struct place p = place(false);
    struct buf why = { 0 };
    struct stat st;
    put(p.path, "{a:1}");
    cr_assert(write_text(&p, "{a:1}", "{a:2}", &why) == 0, "%s", buf_cstr(&why));
    expect(p.path, "{a:2}");
    cr_assert(stat(p.path, &st) == 0 && (st.st_mode & 0777) == 0600);
    expect_beside(p.dir, "openclaw.json.bak", "{a:1}");
    tempdir_remove(p.dir);
}

Test(config_write, keeps_five_backups_and_not_one_more)
{
    struct place p = place(false);
    struct buf why = { 0 };
    char before[16] = "0", after[16], path[256];
    put(p.path, before);
    for (int i = 1; i <= 6; i++) {
        snprintf(after, sizeof after, "%d", i);
        cr_assert(write_text(&p, before, after, &why) == 0);
        str_copy(before, sizeof before, str_of(after));
    }
    expect(p.path, "6");
    expect_beside(p.dir, "openclaw.json.bak", "5");
    expect_beside(p.dir, "openclaw.json.bak.1", "4");
    expect_beside(p.dir, "openclaw.json.bak.4", "1");
    snprintf(path, sizeof path, "%s.bak.5", p.path);
    cr_assert(access(path, F_OK) != 0);
    tempdir_remove(p.dir);
}

Test(config_write, a_file_elsewhere_has_its_backups_in_the_state_directory)
{
    struct place p = place(true);
    struct buf why = { 0 };
    char path[256];
    put(p.path, "{a:1}");
    cr_assert(write_text(&p, "{a:1}", "{a:2}", &why) == 0, "%s", buf_cstr(&why));
    expect_beside(p.state, "openclaw.json.bak", "{a:1}");
    snprintf(path, sizeof path, "%s.bak", p.path);
    cr_assert(access(path, F_OK) != 0);
    tempdir_remove(p.dir);
}

Test(config_write, a_link_stays_and_what_it_points_to_is_written)
{
    struct place p = place(false);
    struct buf why = { 0 };
    struct stat st;
    char real[256];
    snprintf(real, sizeof real, "%s/dotfiles.json", p.dir);
    put(real, "{a:1}");
    cr_assert(symlink(real, p.path) == 0);
    cr_assert(write_text(&p, "{a:1}", "{a:2}", &why) == 0);
    cr_assert(lstat(p.path, &st) == 0 && S_ISLNK(st.st_mode));
    expect(real, "{a:2}");
    tempdir_remove(p.dir);
}

static void expect_refused(const struct place *p, const char *before)
{
    struct buf why = { 0 };
    cr_assert(write_text(p, before, "{a:2}", &why) == GW_EDENIED, "%s", buf_cstr(&why));
    cr_assert(str_find(buf_str(&why), str_of(p->path)) >= 0 && str_find(buf_str(&why), STR("is read-only")) >= 0, "%s", buf_cstr(&why));
    cr_assert(str_find(buf_str(&why), STR("Edit it where it comes from")) >= 0);
    expect(p->path, before);
    buf_free(&why);
}

Test(config_write, a_read_only_file_stays_as_it_is_also_for_root)
{
    struct place p = place(true);
    put(p.path, "{a:1}");
    cr_assert(chmod(p.path, 0444) == 0);
    expect_refused(&p, "{a:1}");
    cr_assert(access(p.state, F_OK) != 0, "nothing was written anywhere");
    tempdir_remove(p.dir);
}

Test(config_write, a_file_in_a_read_only_folder_stays_as_it_is)
{
    struct place p = place(true);
    put(p.path, "{a:1}");
    cr_assert(chmod(p.dir, 0555) == 0);
    expect_refused(&p, "{a:1}");
    cr_assert(chmod(p.dir, 0755) == 0);
    tempdir_remove(p.dir);
}

Test(config_write, a_file_of_a_configmap_counts_as_read_only)
{
    struct place p = place(true);
    char version[256], link[256], file[512];
    snprintf(version, sizeof version, "%s/..2026_11_22", p.dir);
    snprintf(link, sizeof link, "%s/..data", p.dir);
    snprintf(file, sizeof file, "%s/openclaw.json", version);
    cr_assert(mkdir(version, 0755) == 0 && symlink("..2026_11_22", link) == 0 && symlink("..data/openclaw.json", p.path) == 0);
    put(file, "{a:1}");
    expect_refused(&p, "{a:1}");
    tempdir_remove(p.dir);
}

Test(config_write, writes_an_audit_line_without_a_secret)
{
    struct place p = place(true);
    struct buf why = { 0 }, log = { 0 };
    char path[256], hash[CONFIG_HASH_SIZE];
    put(p.path, "{gateway:{mode:'local'},hooks:{token:'hush'}}");
    cr_assert(write_text(&p, "{gateway:{mode:'local'},hooks:{token:'hush'}}", "{meta:{}}", &why) == 0);
    snprintf(path, sizeof path, "%s/logs/config-audit.jsonl", p.state);
    cr_assert(file_read(path, 65536, &log) == 0);
    cr_assert(str_find(buf_str(&log), STR("hush")) < 0);
    json_t *line = json_loadb(log.p, log.n, 0, NULL);
    static const char *const names[] = { "ts",
                                         "source",
                                         "event",
                                         "configPath",
                                         "pid",
                                         "ppid",
                                         "cwd",
                                         "argv",
                                         "execArgv",
                                         "watchMode",
                                         "watchSession",
                                         "watchCommand",
                                         "existsBefore",
                                         "previousHash",
                                         "nextHash",
                                         "previousBytes",
                                         "nextBytes",
                                         "changedPathCount",
                                         "hasMetaBefore",
                                         "hasMetaAfter",
                                         "gatewayModeBefore",
                                         "gatewayModeAfter",
                                         "suspicious",
                                         "result" };
    const char *name;
    json_t *value;
    size_t i = 0;
    json_object_foreach(line, name, value) cr_assert(i < 24 && strcmp(name, names[i++]) == 0, "%s", name);
    cr_assert(i == 24);
    config_hash(STR("{meta:{}}"), hash);
    cr_assert_str_eq(json_string_value(json_object_get(line, "nextHash")), hash);
    cr_assert_str_eq(json_string_value(json_object_get(line, "ts")), "2026-11-22T13:44:55.267Z");
    cr_assert_str_eq(json_string_value(json_object_get(line, "gatewayModeBefore")), "local");
    cr_assert(json_is_null(json_object_get(line, "gatewayModeAfter")) && json_is_true(json_object_get(line, "hasMetaAfter")));
    json_decref(line);
    buf_free(&log);
    tempdir_remove(p.dir);
}
