/* logs.tail: the end of the gateway's log file, line by line (base/log_file.h). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/query_answers.h"
#include "actors/query_util.h"
#include "base/log_file.h"

static int64_t within(int64_t n, int64_t lo, int64_t hi)
{
    return n < lo ? lo : n > hi ? hi : n;
}

static bool is_day_file(const char *name)
{
    static const char form[] = "openclaw-0000-00-00.log";
    size_t i = 0;
    for (; form[i]; i++)
        if (form[i] == '0' ? name[i] < '0' || name[i] > '9' : name[i] != form[i]) return false;
    return name[i] == '\0';
}

/* The newest day's file: names sort like dates. Without one, the name that today's would have. */
static void find_day(const struct rpc_call *call, const char *folder, char out[LOG_FILE_PATH_MAX])
{
    char newest[NAME_MAX + 1], now[CLOCK_ISO_SIZE];
    const struct dirent *entry;
    DIR *dir = opendir(folder);
    clock_iso(call->now_ms, now);
    snprintf(newest, sizeof newest, "openclaw-%.*s.log", LOG_FILE_DAY, now);
    bool found = false;
    while (dir && (entry = readdir(dir))) {
        if (!is_day_file(entry->d_name) || (found && strcmp(entry->d_name, newest) < 0)) continue;
        snprintf(newest, sizeof newest, "%s", entry->d_name);
        found = true;
    }
    if (dir) closedir(dir);
    snprintf(out, LOG_FILE_PATH_MAX, "%.*s/%.*s", LOG_FILE_PATH_MAX - NAME_MAX - 2, folder, NAME_MAX, newest);
}

struct tail {
    char path[LOG_FILE_PATH_MAX];
    int64_t size, start;
    bool truncated, reset;
    struct buf text; /* from start on; whole lines */
};

/* Where to begin: at the cursor, unless the file is another by now or more came than is asked for. */
static void choose_start(struct tail *t, int64_t cursor, int64_t bytes)
{
    int64_t last = t->size > bytes ? t->size - bytes : 0;
    if (cursor >= 0 && cursor <= t->size && t->size - cursor <= bytes) {
        t->start = cursor;
        return;
    }
    t->start = last;
    t->reset = cursor >= 0;
    t->truncated = last > 0;
}

static int read_from(struct tail *t, int fd)
{
    int64_t from = t->start > 0 ? t->start - 1 : 0; /* with the byte before: is the first line a whole one? */
    size_t n = (size_t)(t->size - from), done = 0;
    char *at = n ? buf_reserve(&t->text, n) : NULL;
    if (n && !at) return t->text.err;
    while (done < n) {
        ssize_t got = pread(fd, at + done, n - done, (off_t)(from + (int64_t)done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return GW_EIO;
        if (got == 0) break;
        done += (size_t)got;
    }
    t->text.n += done;
    return 0;
}

/* Only whole lines: what is before the first line's end belongs to the line before, what is behind the last one's is still written. */
static void cut_to_lines(struct tail *t)
{
    struct str s = buf_str(&t->text);
    size_t skip = 0;
    const char *end = s.n ? memrchr(s.p, '\n', s.n) : NULL;
    size_t whole = end ? (size_t)(end - s.p) + 1 : 0;
    if (t->start > 0 && s.n > 0) {
        const char *first = memchr(s.p, '\n', s.n);
        skip = first ? (size_t)(first - s.p) + 1 : s.n;
    }
    t->size -= (int64_t)(s.n - whole);
    t->text.n = whole;
    buf_drop(&t->text, skip < whole ? skip : whole);
}

static int read_tail(struct rpc_call *call, struct tail *t)
{
    struct stat st;
    int fd = open(t->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    int64_t cursor = rpc_int(call, "cursor", -1);
    if (fd < 0 && errno == ENOENT) {
        t->reset = cursor > 0;
        return 0; /* nothing was logged yet */
    }
    if (fd < 0) return rpc_fail(call, "UNAVAILABLE", "log read failed: %s: %s", t->path, strerror(errno));
    int rc = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? 0 : GW_EIO;
    if (rc == 0) {
        t->size = (int64_t)st.st_size;
        choose_start(t, cursor, within(rpc_int(call, "maxBytes", QUERY_LOG_BYTES), 1, QUERY_LOG_BYTES_MAX));
        rc = read_from(t, fd);
    }
    close(fd);
    if (rc == 0) cut_to_lines(t);
    return rc == GW_EIO ? rpc_fail(call, "UNAVAILABLE", "log read failed: %s", t->path) : rc;
}

/* The last `limit` lines. */
static void add_lines(struct buf *out, struct str text, int64_t limit)
{
    int64_t count = 0;
    for (size_t i = 0; i < text.n; i++) count += text.p[i] == '\n';
    for (int64_t line = 0; line < count; line++) {
        struct str one = str_split(&text, '\n');
        if (line < count - limit) continue;
        buf_json_comma(out);
        buf_json_str(out, one);
    }
}

static int logs_tail(struct rpc_call *call)
{
    struct log_place place;
    struct tail t = { .size = 0 };
    struct buf *out = call->out;
    int rc = log_place_find(config_str(call->config, "logging.file"), config_state(call->config), getenv("HOME"), &place);
    if (rc != 0) return rc;
    if (place.by_day)
        find_day(call, place.path, t.path);
    else
        memcpy(t.path, place.path, sizeof t.path);
    rc = read_tail(call, &t);
    if (rc == 0) {
        buf_char(out, '{');
        buf_json_pair_str(out, "file", str_of(t.path));
        buf_json_pair_int(out, "cursor", t.size);
        buf_json_pair_int(out, "size", t.size);
        buf_json_key(out, "lines");
        buf_char(out, '[');
        add_lines(out, buf_str(&t.text), within(rpc_int(call, "limit", QUERY_LOG_LINES), 1, QUERY_LOG_LINES_MAX));
        buf_char(out, ']');
        buf_json_pair_bool(out, "truncated", t.truncated);
        buf_json_pair_bool(out, "reset", t.reset);
        buf_char(out, '}');
    }
    buf_free(&t.text);
    return rc;
}

const struct rpc_handler query_logs_handlers[] = {
    { RPC_logs_tail, logs_tail },
    { RPC_none, NULL },
};
