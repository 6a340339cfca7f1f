#include "store/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *const companions[] = { "", "-wal", "-shm", "-journal" };
enum { COMPANIONS = sizeof companions / sizeof *companions, NAMES_TRIED = 100 };

static int system_failure(store_t *store, const char *verb, const char *path)
{
    return sql_refuse(store, GW_EIO, "cannot %s %s: %s; check that the state directory exists and is writable for this user", verb, path,
                      strerror(errno));
}

/* `name` in the state directory; both were measured by files_prepare. */
static const char *inside(const store_t *store, const char *name, char path[STORE_PATH_MAX])
{
    snprintf(path, STORE_PATH_MAX, "%s/%s", store->dir, name);
    return path;
}

static const char *companion(const store_t *store, int i, char path[STORE_PATH_MAX + 16])
{
    snprintf(path, STORE_PATH_MAX + 16, "%s%s", store->path, companions[i]);
    return path;
}

static int make_directories(store_t *store)
{
    struct stat st;
    for (char *slash = store->dir + 1;; slash++) {
        slash += strcspn(slash, "/");
        bool last = *slash == '\0';
        *slash = '\0';
        if (mkdir(store->dir, 0700) != 0) {
            int why = errno;
            bool there = stat(store->dir, &st) == 0;
            errno = there ? ENOTDIR : why;
            if (!there || !S_ISDIR(st.st_mode)) return system_failure(store, "create", store->dir);
        }
        if (last) return 0;
        *slash = '/';
    }
}

int files_locate(store_t *store, struct str dir)
{
    while (dir.n > 1 && dir.p[dir.n - 1] == '/') dir.n--;
    int rc = sql_check(store, dir, 1, STORE_DIR_MAX, "path of the state directory");
    if (rc != 0) return rc;
    str_copy(store->dir, sizeof store->dir, dir);
    inside(store, FILES_DATABASE, store->path);
    return 0;
}

int files_prepare(store_t *store, struct str dir)
{
    int rc = files_locate(store, dir);
    return rc ? rc : make_directories(store);
}

int files_lock(store_t *store)
{
    char path[STORE_PATH_MAX], pid[32];
    inside(store, FILES_LOCK, path);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return system_failure(store, "open", path);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int why = errno;
        ssize_t n = read(fd, pid, sizeof pid - 1);
        pid[n > 0 ? n : 0] = '\0';
        pid[strcspn(pid, "\n")] = '\0';
        close(fd);
        errno = why;
        if (why != EWOULDBLOCK) return system_failure(store, "lock", path);
        return sql_refuse(store, GW_EBUSY, "%s is held by process %s; stop that one, or give this one its own OPENCLAW_STATE_DIR", path,
                          pid[0] ? pid : "(unknown)");
    }
    int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)n, 0) != n) {
        int rc = system_failure(store, "write", path);
        close(fd);
        return rc;
    }
    store->lock_fd = fd;
    return 0;
}

void files_unlock(store_t *store)
{
    if (store->lock_fd < 0) return;
    /* The file stays: removing it would let two processes lock two files of one name. */
    if (ftruncate(store->lock_fd, 0) != 0) errno = 0;
    close(store->lock_fd);
    store->lock_fd = -1;
}

int files_secure(store_t *store)
{
    char path[STORE_PATH_MAX + 16];
    int fd = open(store->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600); /* SQLite gives -wal and -shm the same mode */
    if (fd < 0) return system_failure(store, "open", store->path);
    close(fd);
    for (int i = 0; i < COMPANIONS; i++) {
        struct stat st;
        if (stat(companion(store, i, path), &st) != 0 || (st.st_mode & 077) == 0 || st.st_uid != geteuid()) continue;
        if (chmod(path, 0600) != 0) return system_failure(store, "protect", path);
    }
    return 0;
}

int64_t files_size(store_t *store)
{
    struct stat st;
    return stat(store->path, &st) == 0 ? st.st_size : 0;
}

bool files_orphaned(store_t *store)
{
    struct stat st;
    char path[STORE_PATH_MAX + 16];
    return files_size(store) == 0 && stat(companion(store, 1, path), &st) == 0 && st.st_size > 0;
}

/* A free name for the damaged file. */
static int choose_name(store_t *store, int64_t now_ms, char name[STORE_PATH_MAX + 64])
{
    char when[32], taken[STORE_PATH_MAX + 80];
    time_t seconds = now_ms / 1000;
    struct tm utc;
    gmtime_r(&seconds, &utc);
    strftime(when, sizeof when, "%Y%m%dT%H%M%SZ", &utc);
    for (int i = 1; i <= NAMES_TRIED; i++) {
        int n = snprintf(name, STORE_PATH_MAX + 64, "%s.damaged-%s", store->path, when);
        if (i > 1) snprintf(name + n, (size_t)(STORE_PATH_MAX + 64 - n), "-%d", i);
        bool free_name = true;
        for (int k = 0; k < COMPANIONS && free_name; k++) {
            snprintf(taken, sizeof taken, "%s%s", name, companions[k]);
            free_name = access(taken, F_OK) != 0 && errno == ENOENT;
        }
        if (free_name) return 0;
    }
    return sql_refuse(store, GW_EIO, "%s is damaged and there are %d set aside already; remove some of %s.damaged-*", store->path,
                      NAMES_TRIED, store->path);
}

int files_set_aside(store_t *store, int64_t now_ms, struct buf *report)
{
    char from[STORE_PATH_MAX + 16], name[STORE_PATH_MAX + 64], to[STORE_PATH_MAX + 80];
    int rc = choose_name(store, now_ms, name);
    for (int i = 0; i < COMPANIONS && rc == 0; i++) {
        snprintf(to, sizeof to, "%s%s", name, companions[i]);
        if (rename(companion(store, i, from), to) != 0 && errno != ENOENT) rc = system_failure(store, "rename", from);
    }
    if (rc != 0) return rc;
    buf_printf(report, "The file was renamed to %s and a fresh one started; nothing was deleted. ", name);
    return 0;
}

void files_suspect(store_t *store)
{
    char path[STORE_PATH_MAX];
    int fd = open(inside(store, FILES_SUSPECT, path), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0) close(fd);
}

bool files_is_suspect(store_t *store)
{
    char path[STORE_PATH_MAX];
    return access(inside(store, FILES_SUSPECT, path), F_OK) == 0;
}

void files_cleared(store_t *store)
{
    char path[STORE_PATH_MAX];
    unlink(inside(store, FILES_SUSPECT, path));
}
