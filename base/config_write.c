#include "base/config_write.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/config_audit.h"
#include "base/err.h"
#include "base/log.h"

/* Where the file really is, and the folder it is in. */
struct target {
    char file[PATH_MAX];
    char folder[PATH_MAX];
};

static int find_target(const char *path, struct target *t)
{
    char copy[PATH_MAX];
    if (!realpath(path, t->file) && str_copy(t->file, sizeof t->file, str_of(path))) return GW_EIO; /* not there yet */
    if (str_copy(copy, sizeof copy, str_of(t->file))) return GW_EIO;
    return str_copy(t->folder, sizeof t->folder, str_of(dirname(copy)));
}

static int read_only(const char *path, const char *reason, struct buf *why)
{
    buf_printf(why,
               "the configuration file %s is read-only (%s): nothing was changed. Edit it where it comes from (a ConfigMap, a mounted "
               "file, a package); the gateway takes the new one by itself",
               path, reason);
    return GW_EDENIED;
}

/* The mode counts for root, too: whoever took the right to write away meant it. */
static bool may_write(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0) return errno == ENOENT;
    return (st.st_mode & 0222) != 0 && access(path, W_OK) == 0;
}

static int check(const char *path, const struct target *t, struct buf *why)
{
    struct stat st;
    if (strstr(t->file, "/..")) return read_only(path, "a Kubernetes volume keeps it", why);
    if (stat(t->folder, &st) != 0) {
        buf_printf(why, "there is no folder %s for the configuration file", t->folder);
        return GW_EIO;
    }
    if (!may_write(t->folder)) return read_only(path, "nothing may be written into its folder", why);
    return may_write(t->file) ? 0 : read_only(path, "its mode forbids writing", why);
}

int config_writable(const char *path, struct buf *why)
{
    struct target t;
    int rc = find_target(path, &t);
    return rc ? rc : check(path, &t, why);
}

/* ---- backups ---- */

static void backup_name(const char *base, int i, char out[PATH_MAX + 16])
{
    if (i == 0)
        snprintf(out, PATH_MAX + 16, "%s.bak", base);
    else
        snprintf(out, PATH_MAX + 16, "%s.bak.%d", base, i);
}

static int write_whole(const char *path, struct str text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return -1;
    size_t done = 0;
    while (done < text.n) {
        ssize_t n = write(fd, text.p + done, text.n - done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        done += (size_t)n;
    }
    bool whole = done == text.n && fsync(fd) == 0;
    if (close(fd) == 0 && whole) return 0;
    int error = errno;
    unlink(path);
    errno = error;
    return -1;
}

/* A backup that fails stops nothing: the new text was wanted. */
static void keep_backup(const struct config_write *w, const struct target *t)
{
    char base[PATH_MAX], copy[PATH_MAX], from[PATH_MAX + 16], to[PATH_MAX + 16], state[PATH_MAX];
    bool inside = realpath(w->state_dir, state) && strcmp(state, t->folder) == 0;
    str_copy(copy, sizeof copy, str_of(t->file));
    int n = inside ? snprintf(base, sizeof base, "%s", t->file) : snprintf(base, sizeof base, "%s/%s", w->state_dir, basename(copy));
    if (n < 0 || (size_t)n >= sizeof base) return;
    mkdir(w->state_dir, 0700);
    for (int i = CONFIG_BACKUPS - 1; i > 0; i--) {
        backup_name(base, i - 1, from);
        backup_name(base, i, to);
        rename(from, to); /* most are not there */
    }
    backup_name(base, 0, to);
    unlink(to);
    if (write_whole(to, w->before) != 0) log_event(LOG_WARN, "config_backup_not_kept", LOG_T("file", to), LOG_T("error", strerror(errno)));
}

/* ---- writing ---- */

static void sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    fsync(fd);
    close(fd);
}

static int replace(const struct config_write *w, const struct target *t, struct buf *why)
{
    char fresh[PATH_MAX + 32];
    snprintf(fresh, sizeof fresh, "%s.%ld.tmp", t->file, (long)getpid());
    unlink(fresh); /* of a process that was killed and had our number */
    int rc = write_whole(fresh, w->after);
    if (rc == 0 && w->existed) keep_backup(w, t);
    if (rc == 0) rc = rename(fresh, t->file);
    if (rc == 0) {
        sync_folder(t->folder);
        return 0;
    }
    int error = errno;
    unlink(fresh);
    if (error == EROFS || error == EACCES || error == EPERM) return read_only(w->path, strerror(error), why);
    buf_printf(why, "the configuration file %s could not be written: %s; nothing was changed", w->path, strerror(error));
    return GW_EIO;
}

int config_write(const struct config_write *w, struct buf *why)
{
    struct target t;
    int rc = find_target(w->path, &t);
    if (rc) {
        buf_printf(why, "the path of the configuration file is too long: %s", w->path);
        return rc;
    }
    rc = check(w->path, &t, why);
    if (rc == 0) rc = replace(w, &t, why);
    if (rc) {
        log_event(LOG_WARN, "config_not_written", LOG_T("file", w->path), LOG_S("reason", buf_str(why)));
        return rc;
    }
    log_event(LOG_INFO, "config_written", LOG_T("file", w->path), LOG_I("bytes", (int64_t)w->after.n));
    config_audit(w);
    return 0;
}
