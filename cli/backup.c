#include "cli/backup.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <openssl/evp.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/hex.h"
#include "base/json_read.h"
#include "base/version.h"
#include "cli/folder.h"
#include "store/snapshot.h"

#define DATABASE "openclaw.sqlite"
#define MANIFEST "manifest.json"
#define BACKUPS "backups"
#define ENTRIES "entries" /* what tar is to take, one name after the other, each with its NUL */

enum { FORMAT = 1, ENTRIES_MAX = 4096, ARGUMENTS = 20, SUM_SIZE = 65, STAMP_SIZE = 20, SAME_SECOND_MAX = 20 };

/* --- what both share ---------------------------------------------------------------------------------------------------- */

static int fail(struct buf *why, int rc, const char *what, const char *path)
{
    if (rc && why->n == 0) buf_printf(why, "%s %s: %s", what, path, rc == GW_ESYS ? strerror(errno) : err_text(rc));
    return rc;
}

static void stamp_now(char out[STAMP_SIZE])
{
    time_t now = (time_t)(clock_wall_ms() / 1000);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(out, STAMP_SIZE, "%Y%m%dT%H%M%SZ", &utc);
}

/* @return 0; GW_ENOENT there is no tar; GW_EIO it failed, and said why */
static int run_tar(const char *const *arguments, struct buf *why)
{
    char *argv[ARGUMENTS] = { (char *)"tar", (char *)"--force-local" }; /* a colon in a name is no host's */
    size_t n = 2;
    pid_t pid;
    int status = 0;
    for (; *arguments && n < ARGUMENTS - 1; arguments++) argv[n++] = (char *)*arguments;
    int rc = posix_spawnp(&pid, "tar", NULL, NULL, argv, environ);
    if (rc) {
        buf_printf(why, "tar cannot be started (%s); install it", strerror(rc));
        return GW_ENOENT;
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 1) return 0; /* a file changed while it was read: workspaces live */
    buf_printf(why, "tar failed (%d)", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    return GW_EIO;
}

static int sum_of(const char *path, char out[SUM_SIZE], int64_t *bytes)
{
    unsigned char chunk[65536], digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    FILE *f = fopen(path, "rbe");
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = f && ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL);
    *bytes = 0;
    for (size_t n; good && (n = fread(chunk, 1, sizeof chunk, f)) > 0; *bytes += (int64_t)n) good = EVP_DigestUpdate(ctx, chunk, n);
    good = good && !ferror(f) && EVP_DigestFinal_ex(ctx, digest, &size);
    EVP_MD_CTX_free(ctx);
    if (f) fclose(f);
    if (good) hex_write(digest, size, out);
    return good ? 0 : GW_EIO;
}

/* What stays out of an archive, and what a restore leaves alone. */
static bool is_own_business(const char *name)
{
    static const char *const NAMES[] = { "logs",          BACKUPS,         "openclaw.lock", DATABASE,
                                         DATABASE "-wal", DATABASE "-shm", MANIFEST,        "lost+found" };
    static const char *const STARTS[] = { ".backup-", ".restore-", "before-restore-", DATABASE ".damaged-", DATABASE ".suspect" };
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (strcmp(name, NAMES[i]) == 0) return true;
    for (size_t i = 0; i < sizeof STARTS / sizeof *STARTS; i++)
        if (str_starts(str_of(name), str_of(STARTS[i]))) return true;
    return false;
}

/* --- out ------------------------------------------------------------------------------------------------------------------- */

static int write_manifest(const char *staging, json_t **out, struct buf *why)
{
    char path[PATH_MAX], sum[SUM_SIZE];
    int64_t bytes;
    folder_join(staging, DATABASE, path);
    int rc = fail(why, sum_of(path, sum, &bytes), "cannot read", path);
    if (rc) return rc;
    *out = json_pack("{s:i, s:s, s:I, s:{s:s, s:I, s:s}}", "format", FORMAT, "version", GW_VERSION, "createdAtMs",
                     (json_int_t)clock_wall_ms(), "database", "file", DATABASE, "bytes", (json_int_t)bytes, "sha256", sum);
    folder_join(staging, MANIFEST, path);
    rc = *out && json_dump_file(*out, path, JSON_INDENT(2)) == 0 ? 0 : GW_ESYS;
    return fail(why, rc, "cannot write", path);
}

static int write_entries(const char *path, const struct folder_names *names, size_t *count)
{
    FILE *f = fopen(path, "we");
    bool good = f != NULL;
    for (size_t i = 0; i < names->count && good; i++) {
        if (is_own_business(names->list[i])) continue;
        good = fwrite(names->list[i], strlen(names->list[i]) + 1, 1, f) == 1;
        ++*count;
    }
    if (f && fclose(f) != 0) good = false;
    return good ? 0 : GW_ESYS;
}

static int archive(const char *state, const char *staging, const char *to, size_t *count, struct buf *why)
{
    char list[PATH_MAX];
    struct folder_names names;
    folder_join(staging, ENTRIES, list);
    int rc = fail(why, folder_list(state, ENTRIES_MAX, &names), "cannot list", state);
    if (rc) return rc;
    rc = fail(why, write_entries(list, &names, count), "cannot write", list);
    folder_names_free(&names);
    const char *const argv[] = { "--create",     "--gzip", "--file", to,   "--exclude", ".openclaw/tmp", "-C",
                                 staging,        MANIFEST, DATABASE, "-C", state,       "--null",        "--verbatim-files-from",
                                 "--files-from", list,     NULL };
    return rc ? rc : run_tar(argv, why);
}

/* Take the store out of the finished archive again, and read it. */
static int prove(const char *staging, const char *path, const json_t *manifest, struct buf *why)
{
    char again[PATH_MAX], file[PATH_MAX], sum[SUM_SIZE];
    int64_t bytes;
    folder_join(staging, "again", again);
    folder_join(again, DATABASE, file);
    if (mkdir(again, 0700) != 0) return fail(why, GW_ESYS, "cannot make", again);
    const char *const argv[] = { "--extract", "--gzip", "--file", path, "-C", again, DATABASE, NULL };
    int rc = run_tar(argv, why);
    if (rc == 0) rc = fail(why, sum_of(file, sum, &bytes), "cannot read", file);
    if (rc == 0 && !str_is(json_str(json_object_get(manifest, "database"), "sha256"), sum)) rc = GW_ECORRUPT;
    if (rc == 0) rc = store_verify(file, why);
    return fail(why, rc, "what was written cannot be read back from", path);
}

/* Names hold their time: the newest is the last. */
static json_t *remove_old(const char *folder, int keep)
{
    struct folder_names names;
    json_t *removed = json_array();
    if (folder_list(folder, ENTRIES_MAX, &names) != 0) return removed;
    for (size_t i = names.count, seen = 0; i-- > 0;) {
        char path[PATH_MAX];
        struct str name = str_of(names.list[i]);
        if (!str_starts(name, STR("openclaw-")) || !str_ends(name, STR(".tar.gz")) || ++seen <= (size_t)keep) continue;
        folder_join(folder, names.list[i], path);
        if (unlink(path) == 0) json_array_append_new(removed, json_string(names.list[i]));
    }
    folder_names_free(&names);
    return removed;
}

static int choose_path(const char *state, char folder[PATH_MAX], char path[PATH_MAX], struct buf *why)
{
    char stamp[STAMP_SIZE], name[64];
    stamp_now(stamp);
    snprintf(name, sizeof name, "openclaw-%s.tar.gz", stamp);
    folder_join(state, BACKUPS, folder);
    folder_join(folder, name, path);
    return mkdir(folder, 0700) == 0 || errno == EEXIST ? 0 : fail(why, GW_ESYS, "cannot make", folder);
}

static int create_in(const char *state, const char *staging, const char *path, json_t **manifest, size_t *entries, struct buf *why)
{
    char copy[PATH_MAX], part[PATH_MAX + 8];
    folder_join(staging, DATABASE, copy);
    snprintf(part, sizeof part, "%s.part", path);
    int rc = store_snapshot(str_of(state), copy, why);
    if (rc == 0) rc = write_manifest(staging, manifest, why);
    if (rc == 0) rc = archive(state, staging, part, entries, why);
    if (rc == 0) rc = prove(staging, part, *manifest, why);
    if (rc == 0 && link(part, path) != 0) rc = fail(why, GW_ESYS, "cannot make", path); /* unlike rename() it replaces nothing */
    unlink(part);
    return rc;
}

int backup_create(const char *state, const char *path, int keep, json_t **out, struct buf *why)
{
    char staging[PATH_MAX], folder[PATH_MAX] = "", own[PATH_MAX];
    struct stat st;
    json_t *manifest = NULL;
    size_t entries = 0;
    *out = NULL;
    int rc = path ? 0 : choose_path(state, folder, own, why);
    if (!path) path = own;
    if (rc == 0 && lstat(path, &st) == 0) {
        buf_printf(why, "%s is there already", path);
        rc = GW_EEXIST;
    }
    if (rc) return rc;
    folder_join(state, ".backup-XXXXXX", staging);
    mode_t mask = umask(077);
    if (!mkdtemp(staging)) rc = fail(why, GW_ESYS, "cannot write to", state);
    if (rc == 0) {
        rc = create_in(state, staging, path, &manifest, &entries, why);
        folder_remove(staging);
    }
    umask(mask);
    if (rc == 0 && stat(path, &st) == 0)
        *out = json_pack("{s:s, s:I, s:I, s:O, s:o}", "path", path, "bytes", (json_int_t)st.st_size, "entries", (json_int_t)entries,
                         "database", json_object_get(manifest, "database"), "removed", folder[0] ? remove_old(folder, keep) : json_array());
    json_decref(manifest);
    return rc;
}

/* --- and back ---------------------------------------------------------------------------------------------------------------- */

static int check_archive(const char *staging, struct buf *why)
{
    char path[PATH_MAX], sum[SUM_SIZE] = "";
    int64_t bytes;
    folder_join(staging, MANIFEST, path);
    json_t *manifest = json_load_file(path, 0, NULL);
    const json_t *database = json_object_get(manifest, "database");
    int rc = 0;
    if (json_int(manifest, "format", 0) != FORMAT) {
        buf_printf(why, "it is no backup of openclaw, or one of a newer version (%s)", MANIFEST);
        rc = GW_ECONFIG;
    }
    folder_join(staging, DATABASE, path);
    if (rc == 0) rc = fail(why, sum_of(path, sum, &bytes), "the archive has no", DATABASE);
    if (rc == 0 && !str_is(json_str(database, "sha256"), sum)) {
        buf_printf(why, "%s in it is not what was backed up: its sum is another", DATABASE);
        rc = GW_ECORRUPT;
    }
    if (rc == 0) rc = store_verify(path, why);
    json_decref(manifest);
    return rc;
}

/* Move entries of one folder into another. @return 0, or GW_ESYS with `moved` of them there */
static int move_all(const char *from, const char *to, bool store_too, size_t *moved, struct buf *why)
{
    struct folder_names names;
    int rc = fail(why, folder_list(from, ENTRIES_MAX, &names), "cannot list", from);
    if (rc) return rc;
    for (size_t i = 0; i < names.count && rc == 0; i++) {
        char old[PATH_MAX], new[PATH_MAX];
        bool store = str_starts(str_of(names.list[i]), STR(DATABASE));
        if (store ? !store_too : is_own_business(names.list[i])) continue;
        folder_join(from, names.list[i], old);
        folder_join(to, names.list[i], new);
        if (rename(old, new) != 0) rc = fail(why, GW_ESYS, "cannot move", old);
        *moved += rc == 0;
    }
    folder_names_free(&names);
    return rc;
}

static int exchange(const char *state, const char *staging, json_t **out, const char *path, struct buf *why)
{
    char before[PATH_MAX], stamp[STAMP_SIZE], name[64], back[PATH_MAX];
    size_t set_aside = 0, moved = 0, undone = 0;
    stamp_now(stamp);
    folder_join(staging, MANIFEST, back);
    unlink(back);
    for (int i = 1, made = -1; made != 0; i++) { /* one of the same second has the name */
        snprintf(name, sizeof name, i > 1 ? "before-restore-%s-%d" : "before-restore-%s", stamp, i);
        folder_join(state, name, before);
        made = mkdir(before, 0700);
        if (made != 0 && (errno != EEXIST || i == SAME_SECOND_MAX)) return fail(why, GW_ESYS, "cannot make", before);
    }
    int rc = move_all(state, before, true, &set_aside, why);
    if (rc == 0) rc = move_all(staging, state, true, &moved, why);
    if (rc) { /* as it was */
        struct buf again = { 0 };
        folder_join(staging, "undone", back);
        if (moved && mkdir(back, 0700) == 0) move_all(state, back, true, &undone, &again); /* all of what was there is set aside then */
        move_all(before, state, true, &undone, &again);
        if (again.n) buf_printf(why, "; putting it back failed too (%s): the old state is in %s", buf_cstr(&again), before);
        buf_free(&again);
    }
    if (set_aside == 0 || rc) rmdir(before);
    if (rc == 0)
        *out = json_pack("{s:s, s:s, s:I, s:s?}", "path", path, "state", state, "entries", (json_int_t)moved, "before",
                         set_aside ? before : NULL);
    return rc;
}

static int restore_held(const char *state, const char *path, bool force, json_t **out, struct buf *why)
{
    char staging[PATH_MAX], there[PATH_MAX];
    struct stat st;
    folder_join(state, DATABASE, there);
    if (!force && stat(there, &st) == 0) {
        buf_printf(why, "%s holds a state already; --force replaces it and keeps it beside", state);
        return GW_EEXIST;
    }
    folder_join(state, ".restore-XXXXXX", staging);
    if (!mkdtemp(staging)) return fail(why, GW_ESYS, "cannot write to", state);
    const char *const argv[] = { "--extract", "--gzip", "--no-same-owner", "--file", path, "-C", staging, NULL };
    int rc = run_tar(argv, why);
    if (rc == 0) rc = check_archive(staging, why);
    if (rc == 0) rc = exchange(state, staging, out, path, why);
    folder_remove(staging);
    return rc;
}

int backup_restore(const char *state, const char *path, bool force, json_t **out, struct buf *why)
{
    struct stat st;
    int lock;
    *out = NULL;
    if (stat(path, &st) != 0) return fail(why, GW_ESYS, "cannot read", path);
    int rc = store_hold(str_of(state), &lock, why);
    if (rc) return rc;
    mode_t mask = umask(077);
    rc = restore_held(state, path, force, out, why);
    umask(mask);
    close(lock);
    return rc;
}
