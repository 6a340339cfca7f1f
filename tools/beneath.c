#include "tools/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "base/random.h"

enum { FOLDER_MODE = 0755, FILE_MODE = 0644 };

/* Where a path is looked for: a folder that is the bound, and the way from there. */
struct way {
    int root; /* descriptor of the bound; -1: none */
    char rest[PATH_MAX];
};

static int code(int error)
{
    return error == ENOENT || error == ENOTDIR                                     ? GW_ENOENT
           : error == EACCES || error == EPERM || error == EXDEV || error == ELOOP ? GW_EDENIED
                                                                                   : GW_EIO;
}

/* As Node.js tells failures, which models have seen often; what the bound refuses in our own words. */
static int fail(struct buf *why, int error, const char *what, struct str path)
{
    static const struct {
        int error;
        const char *name, *text;
    } KNOWN[] = { { ENOENT, "ENOENT", "no such file or directory" },
                  { EACCES, "EACCES", "permission denied" },
                  { EISDIR, "EISDIR", "illegal operation on a directory" },
                  { ENOTDIR, "ENOTDIR", "not a directory" },
                  { ENOSPC, "ENOSPC", "no space left on device" },
                  { EROFS, "EROFS", "read-only file system" },
                  { EPERM, "EPERM", "operation not permitted" },
                  { ENAMETOOLONG, "ENAMETOOLONG", "name too long" } };
    path = str_utf8_prefix(path, 500);
    if (error == EXDEV || error == ELOOP) {
        buf_printf(why,
                   "%.*s leads out of the workspace; only files inside it can be used (tools.fs.workspaceOnly, for patches "
                   "tools.exec.applyPatch.workspaceOnly)",
                   STR_ARG(path));
        return GW_EDENIED;
    }
    if (error == ENOSYS) {
        buf_text(why, "this kernel has no openat2 (Linux 5.6), without which files cannot be opened safely");
        return GW_EDENIED;
    }
    for (size_t i = 0; i < sizeof KNOWN / sizeof *KNOWN; i++) {
        if (KNOWN[i].error != error) continue;
        buf_printf(why, "%s: %s, %s '%.*s'", KNOWN[i].name, KNOWN[i].text, what, STR_ARG(path));
        return code(error);
    }
    buf_printf(why, "%s: %s '%.*s'", strerror(error), what, STR_ARG(path));
    return code(error);
}

static int open_beneath(int root, const char *rest, int flags, mode_t mode)
{
    struct open_how how = { .flags = (uint64_t)(flags | O_CLOEXEC), .mode = mode, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
    return (int)syscall(SYS_openat2, root, rest[0] ? rest : ".", &how, sizeof how);
}

/* --- which bound ---------------------------------------------------------------------------------------------------- */

/* `path` below `folder`: the rest of the way. */
static bool below(const char *folder, struct str path, struct str *rest)
{
    struct str f = str_of(folder);
    while (f.n > 1 && f.p[f.n - 1] == '/') f.n--;
    if (f.n == 0 || !str_starts(path, f) || (path.n > f.n && path.p[f.n] != '/')) return false;
    *rest = (struct str){ path.p + f.n, path.n - f.n };
    while (rest->n && rest->p[0] == '/') *rest = (struct str){ rest->p + 1, rest->n - 1 };
    return true;
}

static bool is_forbidden(const struct tool_place *place, struct str path)
{
    static const char *const SYSTEM[] = { "/proc", "/sys", "/dev" };
    struct str rest;
    for (size_t i = 0; i < sizeof SYSTEM / sizeof *SYSTEM; i++)
        if (below(SYSTEM[i], path, &rest)) return true;
    return below(config_state(place->config).p, path, &rest) && !below(place->workspace, path, &rest);
}

/* The folders of skills, which may be read. */
static bool below_skills(const struct tool_place *place, struct str path, char *folder, struct str *rest)
{
    for (size_t i = 0; i < place->readable_count; i++) {
        if (!below(place->readable[i].p, path, rest)) continue;
        return str_copy(folder, PATH_MAX, place->readable[i]) == 0;
    }
    return false;
}

static int find_way(const struct tool_place *place, struct str path, bool reads, struct way *way, struct buf *why)
{
    char folder[PATH_MAX];
    struct str rest = path;
    bool confined =
        config_bool(place->config, "tools.fs.workspaceOnly") || (place->confined_by && config_bool(place->config, place->confined_by));
    way->root = -1;
    if (path.n == 0 || memchr(path.p, '\0', path.n)) {
        buf_text(why, "path is empty or holds a NUL");
        return GW_EINVAL;
    }
    if (str_copy(folder, sizeof folder, str_of(place->workspace)) != 0) return fail(why, ENAMETOOLONG, "open", path);
    if (path.p[0] == '/' && !below(place->workspace, path, &rest) && !(reads && below_skills(place, path, folder, &rest))) {
        if (confined) return fail(why, EXDEV, "open", path);
        if (is_forbidden(place, path)) {
            buf_printf(why, "%.*s may not be used", STR_ARG(str_utf8_prefix(path, 500)));
            return GW_EDENIED;
        }
        str_copy(folder, sizeof folder, STR("/"));
        rest = (struct str){ path.p + 1, path.n - 1 };
    }
    if (str_copy(way->rest, sizeof way->rest, rest) != 0) return fail(why, ENAMETOOLONG, "open", path);
    way->root = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return way->root < 0 ? fail(why, errno, "open", path) : 0;
}

/* Links may lead from a permitted path into a forbidden place when the bound is the whole system: what was opened is looked at again. */
static int check_opened(const struct tool_place *place, int fd, struct str path, bool reads, struct buf *why)
{
    char link[64], real[PATH_MAX], folder[PATH_MAX];
    struct str opened = { real, 0 }, rest;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, real, sizeof real - 1);
    if (n < 0) return fail(why, errno, "open", path);
    opened.n = (size_t)n;
    if (!is_forbidden(place, opened) || (reads && below_skills(place, opened, folder, &rest))) return 0;
    buf_printf(why, "%.*s may not be used", STR_ARG(str_utf8_prefix(path, 500)));
    return GW_EDENIED;
}

/* --- reading ---------------------------------------------------------------------------------------------------- */

int beneath_open(const struct tool_place *place, struct str path, int *fd, struct stat *st, struct buf *why)
{
    struct way way = { 0 };
    *fd = -1;
    int rc = find_way(place, path, true, &way, why);
    if (rc) return rc;
    int got = open_beneath(way.root, way.rest, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (got < 0) rc = fail(why, errno, "open", path);
    close(way.root);
    if (rc == 0) rc = check_opened(place, got, path, true, why);
    if (rc == 0 && fstat(got, st) != 0) rc = fail(why, errno, "stat", path);
    if (rc == 0 && !S_ISREG(st->st_mode)) {
        if (S_ISDIR(st->st_mode))
            fail(why, EISDIR, "read", path);
        else
            buf_printf(why, "%.*s is no regular file", STR_ARG(str_utf8_prefix(path, 500)));
        rc = GW_EINVAL;
    }
    if (rc && got >= 0) close(got);
    if (rc == 0) *fd = got;
    return rc;
}

int beneath_read(const struct tool_place *place, struct str path, struct buf *out, struct buf *why)
{
    struct stat st;
    int fd, rc = beneath_open(place, path, &fd, &st, why);
    if (rc) return rc;
    if (st.st_size > BENEATH_FILE_MAX) {
        buf_printf(why, "%.*s is larger than %d bytes", STR_ARG(str_utf8_prefix(path, 500)), (int)BENEATH_FILE_MAX);
        rc = GW_ELIMIT;
    }
    while (rc == 0 && out->n <= BENEATH_FILE_MAX) {
        char *to = buf_reserve(out, 64 * 1024);
        ssize_t n = to ? read(fd, to, 64 * 1024) : -1;
        if (n > 0) out->n += (size_t)n;
        if (n == 0) break;
        if (n < 0 && (!to || errno != EINTR)) rc = to ? fail(why, errno, "read", path) : GW_ENOMEM;
    }
    close(fd);
    return rc;
}

bool beneath_exists(const struct tool_place *place, struct str path)
{
    struct way way = { 0 };
    struct buf ignored = { 0 };
    bool there = false;
    if (find_way(place, path, true, &way, &ignored) == 0) {
        int fd = open_beneath(way.root, way.rest, O_PATH | O_NOFOLLOW, 0);
        there = fd >= 0;
        if (fd >= 0) close(fd);
        close(way.root);
    }
    buf_free(&ignored);
    return there;
}

/* --- writing ---------------------------------------------------------------------------------------------------- */

/* Follow a link to where it leads, so that the link stays and its target is replaced; the target is inside, or this fails. */
static int follow(const struct way *way, char *rest)
{
    char link[64], root[PATH_MAX], real[PATH_MAX];
    struct str tail;
    str_copy(rest, PATH_MAX, str_of(way->rest));
    int fd = open_beneath(way->root, way->rest, O_PATH, 0);
    if (fd < 0) return errno == ENOENT ? 0 : errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, real, sizeof real - 1);
    close(fd);
    snprintf(link, sizeof link, "/proc/self/fd/%d", way->root);
    ssize_t m = readlink(link, root, sizeof root - 1);
    if (n < 0 || m < 0) return EIO;
    root[m] = '\0';
    if (!below(root[1] ? root : "", (struct str){ real, (size_t)n }, &tail)) tail = (struct str){ real + 1, (size_t)n - 1 };
    return str_copy(rest, PATH_MAX, tail) == 0 ? 0 : ENAMETOOLONG;
}

/* The folder of `rest`, made when it is missing; *name is the last part. @return a descriptor, or -errno */
static int open_folder(int root, char *rest, bool make, const char **name)
{
    char *slash = strrchr(rest, '/');
    *name = slash ? slash + 1 : rest;
    if (!(*name)[0] || strcmp(*name, ".") == 0 || strcmp(*name, "..") == 0) return -EISDIR;
    if (!slash) {
        int here = open_beneath(root, ".", O_PATH | O_DIRECTORY, 0);
        return here < 0 ? -errno : here;
    }
    *slash = '\0';
    int fd = open_beneath(root, rest, O_PATH | O_DIRECTORY, 0);
    if (fd >= 0 || errno != ENOENT || !make) return fd < 0 ? -errno : fd;
    const char *own;
    int above = open_folder(root, rest, true, &own);
    if (above < 0) return above;
    if (mkdirat(above, own, FOLDER_MODE) != 0 && errno != EEXIST)
        fd = -errno;
    else
        fd = openat(above, own, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd == -1) fd = -errno;
    close(above);
    return fd;
}

static bool write_all(int fd, struct str text)
{
    while (text.n > 0) {
        ssize_t done = write(fd, text.p, text.n);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return false;
        text = (struct str){ text.p + done, text.n - (size_t)done };
    }
    return true;
}

/* @return 0 or an errno */
static int replace(int folder, const char *name, struct str content, mode_t mode)
{
    char fresh[64];
    snprintf(fresh, sizeof fresh, ".openclaw-%016llx", (unsigned long long)random_u64());
    int fd = openat(folder, fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode), error = 0;
    if (fd < 0) return errno;
    if (!write_all(fd, content) || fchmod(fd, mode) != 0) error = errno;
    if (close(fd) != 0 && error == 0) error = errno;
    if (error == 0 && renameat(folder, fresh, folder, name) != 0) error = errno;
    if (error) unlinkat(folder, fresh, 0);
    return error;
}

/* What stands there now may be replaced: nothing, or a regular file with one name. */
static int check_target(int folder, const char *name, struct str path, mode_t *mode, bool *is_new, struct buf *why)
{
    struct stat st;
    *mode = FILE_MODE;
    *is_new = fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0;
    if (*is_new) return errno == ENOENT ? 0 : fail(why, errno, "stat", path);
    *mode = st.st_mode & 0777;
    if (S_ISREG(st.st_mode) && st.st_nlink == 1) return 0;
    path = str_utf8_prefix(path, 500);
    if (S_ISREG(st.st_mode))
        buf_printf(why, "%.*s has several names (hard links): it may be a file outside of the workspace, and is not changed",
                   STR_ARG(path));
    else if (S_ISDIR(st.st_mode))
        return fail(why, EISDIR, "open", path);
    else
        buf_printf(why, "%.*s is no regular file", STR_ARG(path));
    return GW_EINVAL;
}

struct target {
    int folder;
    const char *name; /* in rest */
    char rest[PATH_MAX];
    mode_t mode;
    bool is_new;
};

static int open_target(const struct tool_place *place, struct str path, bool make, struct target *t, struct buf *why)
{
    struct way way = { 0 };
    int rc = find_way(place, path, false, &way, why);
    if (rc) return rc;
    int error = follow(&way, t->rest);
    t->folder = error ? -error : open_folder(way.root, t->rest, make, &t->name);
    close(way.root);
    if (t->folder < 0) return fail(why, -t->folder, "open", path);
    rc = check_opened(place, t->folder, path, false, why);
    if (rc == 0) rc = check_target(t->folder, t->name, path, &t->mode, &t->is_new, why);
    if (rc) close(t->folder);
    return rc;
}

int beneath_write(const struct tool_place *place, struct str path, struct str content, mode_t mode, struct buf *why)
{
    struct target t;
    int rc = open_target(place, path, true, &t, why);
    if (rc) return rc;
    int error = replace(t.folder, t.name, content, t.is_new && mode ? mode : t.mode);
    close(t.folder);
    return error ? fail(why, error, "write", path) : 0;
}

int beneath_remove(const struct tool_place *place, struct str path, struct buf *why)
{
    struct target t;
    int rc = open_target(place, path, false, &t, why);
    if (rc) return rc;
    if (unlinkat(t.folder, t.name, 0) != 0) rc = fail(why, errno, "unlink", path);
    close(t.folder);
    return rc;
}
