#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"

static int code(int error)
{
    if (error == ENOENT || error == ENOTDIR) return GW_ENOENT;
    return error == EACCES || error == EPERM ? GW_EDENIED : GW_EIO;
}

static int open_regular(const char *path, int *fd, uint64_t *size)
{
    struct stat st;
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK); /* a FIFO must not make us wait */
    if (*fd < 0) return code(errno);
    int rc = fstat(*fd, &st) != 0 || !S_ISREG(st.st_mode) ? GW_EIO : 0;
    if (rc != 0) close(*fd);
    *size = rc == 0 ? (uint64_t)st.st_size : 0;
    return rc;
}

/* Exactly n bytes, or fewer when the file became shorter meanwhile. */
static int read_at(int fd, uint64_t offset, size_t n, struct buf *out)
{
    char *at = n > 0 ? buf_reserve(out, n) : NULL;
    if (n > 0 && !at) return out->err;
    size_t done = 0;
    while (done < n) {
        ssize_t got = pread(fd, at + done, n - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return code(errno);
        if (got == 0) break;
        done += (size_t)got;
    }
    out->n += done;
    return 0;
}

int file_read(const char *path, size_t max, struct buf *out)
{
    int fd;
    uint64_t size;
    int rc = open_regular(path, &fd, &size);
    if (rc != 0) return rc;
    rc = size > max ? GW_ELIMIT : read_at(fd, 0, (size_t)size, out);
    close(fd);
    return rc;
}

int file_read_ends(const char *path, size_t head, size_t tail, struct buf *out, uint64_t *left_out)
{
    int fd;
    uint64_t size;
    *left_out = 0;
    int rc = open_regular(path, &fd, &size);
    if (rc != 0) return rc;
    if (size <= (uint64_t)head + tail) {
        rc = read_at(fd, 0, (size_t)size, out);
    } else {
        *left_out = size - head - tail;
        rc = read_at(fd, 0, head, out);
        if (rc == 0) rc = read_at(fd, size - tail, tail, out);
    }
    close(fd);
    return rc;
}
