/* Opening, damage, groups and full disks. */
#include <dirent.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "store/kv.h"
#include "store_fixture.h"

TestSuite(store, .init = fixture_setup, .fini = fixture_teardown, .timeout = 20);

static void write_file(const char *name, const char *bytes, size_t n)
{
    int fd = open(fixture_path(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    cr_assert(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
    close(fd);
}

/* Databases set aside; their -wal and -shm go with them. */
static int count_aside(void)
{
    static const char prefix[] = "openclaw.sqlite.damaged-";
    int n = 0;
    DIR *dir = opendir(fixture_dir);
    for (struct dirent *e; (e = readdir(dir)) != NULL;)
        n += strncmp(e->d_name, prefix, strlen(prefix)) == 0 && !strstr(e->d_name, "-wal") && !strstr(e->d_name, "-shm");
    closedir(dir);
    return n;
}

static void change_outside(const char *sql)
{
    sqlite3 *db;
    cr_assert(sqlite3_open(fixture_path("openclaw.sqlite"), &db) == SQLITE_OK);
    cr_assert(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(db));
    sqlite3_close(db);
}

Test(store, makes_its_directory_and_files_for_the_owner_alone)
{
    char deep[128];
    struct stat st;
    struct buf report = { 0 };
    store_t *store;
    snprintf(deep, sizeof deep, "%s/a/b/", fixture_dir);
    cr_assert(store_open(str_of(deep), NULL, &store, &report) == 0);
    cr_assert(kv_put(store, STR("k"), STR("v")) == 0);
    cr_assert(stat(fixture_path("a/b"), &st) == 0 && (st.st_mode & 0777) == 0700);
    static const char *const files[] = { "a/b/openclaw.sqlite", "a/b/openclaw.sqlite-wal", "a/b/openclaw.sqlite-shm", "a/b/openclaw.lock" };
    for (size_t i = 0; i < 4; i++) cr_assert(stat(fixture_path(files[i]), &st) == 0 && (st.st_mode & 0777) == 0600, "%s", files[i]);
    cr_assert(report.n == 0 && store_schema_version(store) > 0);
    store_close(&store);
    cr_assert(store == NULL);
    store_close(&store);
}

Test(store, narrows_the_mode_of_a_file_that_others_could_read)
{
    struct stat st;
    store_t *store = fixture_open(NULL, 0, NULL);
    store_close(&store);
    cr_assert(chmod(fixture_path("openclaw.sqlite"), 0644) == 0);
    store = fixture_open(NULL, 0, NULL);
    cr_assert(stat(fixture_path("openclaw.sqlite"), &st) == 0 && (st.st_mode & 0777) == 0600);
    store_close(&store);
}

Test(store, refuses_a_second_process_and_names_the_first)
{
    char pid[32];
    struct buf said = { 0 };
    store_t *store = fixture_open(NULL, 0, NULL);
    fixture_open(NULL, GW_EBUSY, &said);
    snprintf(pid, sizeof pid, "process %ld;", (long)getpid());
    cr_assert(str_find(buf_str(&said), str_of(pid)) >= 0, "%s", buf_cstr(&said));
    store_close(&store);
    store = fixture_open(NULL, 0, NULL);
    store_close(&store);
    buf_free(&said);
}

Test(store, keeps_what_was_written)
{
    struct buf value = { 0 };
    store_t *store = fixture_open(NULL, 0, NULL);
    cr_assert(kv_put(store, STR("k"), STR("a\0b")) == 0);
    store_close(&store);
    store = fixture_open(&(struct store_options){ .full_sync = true }, 0, NULL);
    cr_assert(kv_get(store, STR("k"), &value) == 0);
    cr_assert(str_eq(buf_str(&value), STR("a\0b")));
    buf_free(&value);
    cr_assert(kv_delete(store, STR("k")) == 0 && kv_delete(store, STR("k")) == 0);
    cr_assert(kv_get(store, STR("k"), &value) == GW_ENOENT);
    store_close(&store);
    buf_free(&value);
}

static void expect_set_aside(int files)
{
    struct buf said = { 0 };
    store_t *store = fixture_open(&(struct store_options){ .now_ms = NOW }, 0, &said);
    cr_assert(str_find(buf_str(&said), STR("openclaw.sqlite.damaged-20260101T000000Z")) >= 0, "%s", buf_cstr(&said));
    cr_assert(count_aside() == files, "%d files set aside", count_aside());
    cr_assert(kv_put(store, STR("k"), STR("v")) == 0);
    store_close(&store);
    buf_free(&said);
}

Test(store, sets_aside_what_is_not_a_database_and_starts_afresh)
{
    write_file("openclaw.sqlite", "this is not a database, not at all", 34);
    expect_set_aside(1);
    char text[16] = "";
    int fd = open(fixture_path("openclaw.sqlite.damaged-20260101T000000Z"), O_RDONLY);
    cr_assert(read(fd, text, 4) == 4 && strcmp(text, "this") == 0);
    close(fd);
    write_file("openclaw.sqlite", "again, in the same second", 25);
    expect_set_aside(2);
}

Test(store, sets_aside_a_truncated_file)
{
    store_t *store = fixture_open(NULL, 0, NULL);
    store_close(&store);
    cr_assert(truncate(fixture_path("openclaw.sqlite"), 3 * 4096 + 100) == 0);
    expect_set_aside(1);
}

Test(store, sets_aside_a_file_with_a_damaged_page)
{
    store_t *store = fixture_open(NULL, 0, NULL);
    for (int i = 0; i < 50; i++) cr_assert(fixture_accept(store, i + 1, "agent:main:main") == 0);
    store_close(&store);
    int fd = open(fixture_path("openclaw.sqlite"), O_RDWR);
    char noise[2000];
    memset(noise, 0xA5, sizeof noise);
    for (off_t page = 1; page < 8; page++) cr_assert(pwrite(fd, noise, sizeof noise, page * 4096) == (ssize_t)sizeof noise);
    close(fd);
    expect_set_aside(1);
}

Test(store, sets_aside_a_file_that_lacks_a_table)
{
    store_t *store = fixture_open(NULL, 0, NULL);
    store_close(&store);
    change_outside("DROP TABLE kv");
    expect_set_aside(1);
}

Test(store, sets_aside_a_wal_that_has_lost_its_database)
{
    struct buf said = { 0 };
    write_file("openclaw.sqlite-wal", "some frames", 11);
    store_t *store = fixture_open(&(struct store_options){ .now_ms = NOW }, 0, &said);
    cr_assert(access(fixture_path("openclaw.sqlite.damaged-20260101T000000Z-wal"), F_OK) == 0, "%s", buf_cstr(&said));
    store_close(&store);
    buf_free(&said);
}

Test(store, reads_a_suspected_file_whole_and_keeps_it_when_it_is_sound)
{
    struct buf said = { 0 };
    store_t *store = fixture_open(NULL, 0, NULL);
    cr_assert(kv_put(store, STR("k"), STR("v")) == 0);
    store_close(&store);
    write_file("openclaw.sqlite.suspect", "", 0);
    store = fixture_open(NULL, 0, &said);
    cr_assert(said.n == 0 && access(fixture_path("openclaw.sqlite.suspect"), F_OK) != 0);
    cr_assert(kv_get(store, STR("k"), &said) == 0);
    cr_assert(store_check(store, &said) == 0);
    store_close(&store);
    buf_free(&said);
}

Test(store, leaves_a_newer_file_as_it_is)
{
    struct buf said = { 0 };
    char restore[64];
    store_t *store = fixture_open(NULL, 0, NULL);
    snprintf(restore, sizeof restore, "PRAGMA user_version = %d", store_schema_version(store));
    store_close(&store);
    change_outside("PRAGMA user_version = 999");
    fixture_open(NULL, GW_ECONFIG, &said);
    cr_assert(str_find(buf_str(&said), STR("schema version 999")) >= 0, "%s", buf_cstr(&said));
    cr_assert(count_aside() == 0);
    change_outside(restore); /* it could still be opened by what knows it */
    store = fixture_open(NULL, 0, NULL);
    store_close(&store);
    buf_free(&said);
}

Test(store, leaves_the_database_of_another_program_as_it_is)
{
    struct buf said = { 0 };
    change_outside("CREATE TABLE recipes (name TEXT)");
    fixture_open(NULL, GW_ECONFIG, &said);
    cr_assert(str_find(buf_str(&said), STR("another program")) >= 0);
    change_outside("INSERT INTO recipes VALUES ('soup')");
    buf_free(&said);
}

Test(store, commits_a_group_whole_or_not_at_all)
{
    struct buf value = { 0 };
    store_t *store = fixture_open(NULL, 0, NULL);
    cr_assert(store_commit(store) == GW_EINVAL && store_rollback(store) == GW_EINVAL);
    cr_assert(store_begin(store) == 0);
    cr_assert(store_begin(store) == GW_EINVAL);
    cr_assert(store_checkpoint(store, false) == GW_EINVAL);
    cr_assert(kv_put(store, STR("a"), STR("1")) == 0);
    cr_assert(store_rollback(store) == 0);
    cr_assert(kv_get(store, STR("a"), &value) == GW_ENOENT);
    cr_assert(store_begin(store) == 0 && kv_put(store, STR("a"), STR("2")) == 0 && store_commit(store) == 0);
    cr_assert(store_wal_pages(store) > 0 && store_checkpoint(store, true) == 0 && store_wal_pages(store) == 0);
    cr_assert(store_begin(store) == 0 && kv_put(store, STR("b"), STR("3")) == 0);
    store_close(&store); /* rolls back */
    store = fixture_open(NULL, 0, NULL);
    cr_assert(kv_get(store, STR("a"), &value) == 0 && kv_get(store, STR("b"), &value) == GW_ENOENT);
    store_close(&store);
    buf_free(&value);
}

Test(store, keeps_a_group_when_a_call_in_it_is_refused)
{
    int64_t n;
    store_t *store = fixture_open(NULL, 0, NULL);
    cr_assert(store_begin(store) == 0);
    cr_assert(fixture_accept(store, 1, "agent:main:one") == 0);
    cr_assert(fixture_accept(store, 1, "agent:main:two") == GW_EEXIST); /* and its session is not made */
    cr_assert(fixture_accept(store, 0, "agent:main:three") == GW_EINVAL);
    cr_assert(turns_begin(store, 7, STR("{}"), NOW, NULL) == GW_ENOENT);
    cr_assert(turns_begin(store, 1, STR(""), NOW, NULL) == GW_EINVAL);
    cr_assert(turns_begin(store, 1, STR("{}"), NOW, NULL) == 0);
    cr_assert(store_commit(store) == 0, "%s", store_error(store));
    cr_assert(sessions_count(store, &n) == 0 && n == 1);
    cr_assert(messages_count(store, 0, &n) == 0 && n == 1);
    store_close(&store);
}

Test(store, survives_a_full_disk)
{
    enum { SIZE = 200000 };
    char *big = calloc(1, SIZE);
    struct buf value = { 0 };
    int64_t n;
    store_t *store = fixture_open(&(struct store_options){ .max_pages = 60 }, 0, NULL);
    struct turn_new turn = fixture_turn(2, "agent:main:main", "");
    turn.input = (struct str){ big, SIZE };
    cr_assert(turns_accept(store, &turn, NULL) == GW_EIO); /* alone */
    cr_assert(str_find(str_of(store_error(store)), STR("free space")) >= 0, "%s", store_error(store));
    cr_assert(str_find(str_of(store_error(store)), str_of(fixture_dir)) == 0);
    cr_assert(fixture_accept(store, 1, "agent:main:main") == 0);
    cr_assert(store_begin(store) == 0); /* in a group: it is spoiled, and says so until it is rolled back */
    cr_assert(kv_put(store, STR("a"), STR("1")) == 0);
    cr_assert(turns_accept(store, &turn, NULL) == GW_EIO);
    cr_assert(kv_put(store, STR("b"), STR("1")) == GW_EIO && fixture_accept(store, 3, "agent:main:main") == GW_EIO);
    cr_assert(store_commit(store) == GW_EIO);
    cr_assert(str_find(str_of(store_error(store)), STR("free space")) >= 0, "%s", store_error(store));
    cr_assert(kv_get(store, STR("a"), &value) == GW_ENOENT);
    cr_assert(store_begin(store) == 0 && fixture_accept(store, 3, "agent:main:main") == 0 && store_commit(store) == 0);
    cr_assert(turns_max_id(store, &n) == 0 && n == 3);
    cr_assert(store_check(store, &value) == 0 && value.n == 0);
    store_close(&store);
    free(big);
    buf_free(&value);
}

Test(store, tells_why_a_directory_cannot_be_used)
{
    struct buf said = { 0 };
    store_t *store;
    write_file("file", "", 0);
    cr_assert(store_open(str_of(fixture_path("file")), NULL, &store, &said) == GW_EIO && store == NULL);
    cr_assert(str_find(buf_str(&said), str_of(fixture_path("file"))) >= 0, "%s", buf_cstr(&said));
    cr_assert(store_open(STR(""), NULL, &store, &said) == GW_EINVAL);
    buf_free(&said);
}

Test(store, refuses_a_path_one_byte_too_long)
{
    char path[STORE_DIR_MAX + 2];
    struct buf said = { 0 };
    store_t *store;
    memset(path, '/', sizeof path);
    path[STORE_DIR_MAX] = 'x';
    cr_assert(store_open((struct str){ path, STORE_DIR_MAX + 1 }, NULL, &store, &said) == GW_ELIMIT);
    buf_free(&said);
}

Test(store, checkpoints_by_itself_before_the_wal_grows_without_bound)
{
    struct stat st;
    enum { SIZE = 1000000 };
    char *big = calloc(1, SIZE);
    store_t *store = fixture_open(NULL, 0, NULL);
    for (int i = 0; i < 40; i++) cr_assert(kv_put(store, STR("k"), (struct str){ big, SIZE }) == 0);
    cr_assert(stat(fixture_path("openclaw.sqlite-wal"), &st) == 0);
    cr_assert(st.st_size < (STORE_WAL_PAGES_MAX + 600) * 4200, "%lld bytes", (long long)st.st_size);
    store_close(&store);
    free(big);
}

Test(store, stays_small_in_memory)
{
    store_t *store = fixture_open(NULL, 0, NULL);
    for (int i = 1; i <= 3000; i++) {
        const struct turn_end end = fixture_end(i, TURN_DONE);
        if (i % 30 == 1) cr_assert(store_begin(store) == 0);
        cr_assert(fixture_accept(store, i, i % 2 ? "agent:main:one" : "agent:main:two") == 0);
        cr_assert(turns_begin(store, i, STR("{\"role\":\"user\"}"), NOW, NULL) == 0);
        cr_assert(turns_finish(store, &end, NULL) == 0);
        if (i % 30 == 0) cr_assert(store_commit(store) == 0);
    }
    cr_assert(sqlite3_memory_used() <= 600 * 1024, "%lld bytes", sqlite3_memory_used());
    store_close(&store);
}
