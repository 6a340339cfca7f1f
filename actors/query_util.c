#include "actors/query_util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int append(const char *bytes, size_t n, void *out)
{
    buf_add(out, (struct str){ bytes, n });
    return ((struct buf *)out)->err;
}

void query_json(struct buf *out, const json_t *value)
{
    if (!value || json_dump_callback(value, append, out, JSON_COMPACT | JSON_ENCODE_ANY) != 0) buf_text(out, "null");
}

void query_pair_null(struct buf *out, const char *key)
{
    buf_json_key(out, key);
    buf_text(out, "null");
}

void query_pair_ms(struct buf *out, const char *key, int64_t ms)
{
    if (ms < 0)
        query_pair_null(out, key);
    else
        buf_json_pair_int(out, key, ms);
}

void query_pair_list(struct buf *out, const char *key, const struct str *items, size_t count)
{
    buf_json_key(out, key);
    buf_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        buf_json_comma(out);
        buf_json_str(out, items[i]);
    }
    buf_char(out, ']');
}

const struct config_agent *query_agent(const struct rpc_call *call, struct str id)
{
    return id.n ? config_agent_find(call->config, id) : config_agent_default(call->config);
}

static int code(int error)
{
    return error == EACCES || error == EPERM || error == EROFS ? GW_EDENIED : GW_EIO;
}

/* The folder of `path` and those above it. */
static void make_folders(const char *path)
{
    char part[PATH_MAX];
    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        if (str_copy(part, sizeof part, (struct str){ path, (size_t)(slash - path) }) != 0) return;
        mkdir(part, 0700);
    }
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

int query_write_file(const char *path, struct str text, mode_t mode, int *error)
{
    char fresh[PATH_MAX];
    int n = snprintf(fresh, sizeof fresh, "%s.new", path);
    *error = ENAMETOOLONG;
    if (n < 0 || (size_t)n >= sizeof fresh) return GW_ELIMIT;
    make_folders(path);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
    *error = errno;
    if (fd < 0) return code(*error);
    bool whole = write_all(fd, text) && fsync(fd) == 0;
    *error = errno;
    close(fd);
    if (whole && rename(fresh, path) == 0) {
        *error = 0;
        return 0;
    }
    if (whole) *error = errno;
    unlink(fresh);
    return code(*error);
}
