#include "base/config_audit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/config_internal.h"
#include "base/config_view.h"
#include "base/err.h"
#include "base/log.h"

enum { ARGUMENTS_MAX = 16 * 1024 }; /* bytes of the command line that are told */

/* A word after which a secret stands. */
static bool before_secret(struct str word)
{
    return str_is(word, "--token") || str_is(word, "--password");
}

static bool is_secret(struct str word)
{
    return str_starts(word, STR("--token=")) || str_starts(word, STR("--password="));
}

static void write_arguments(struct buf *out)
{
    char text[ARGUMENTS_MAX];
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text) : 0;
    if (fd >= 0) close(fd);
    struct str rest = { text, n > 0 ? (size_t)n : 0 };
    bool hide = false;
    buf_char(out, '[');
    while (rest.n) {
        struct str word = str_split(&rest, '\0');
        buf_json_comma(out);
        buf_json_str(out, hide ? STR("***") : is_secret(word) ? str_split(&word, '=') : word);
        hide = before_secret(word);
    }
    buf_char(out, ']');
}

/* What the line says of a text: whether it has `meta`, and gateway.mode. */
struct facts {
    bool meta;
    char mode[32]; /* "": none */
};

static struct facts facts_of(struct str text)
{
    struct facts f = { 0 };
    struct arena arena = { 0 };
    struct json5_node *root;
    struct json5_error error;
    if (text.n && json5_parse(&arena, text, 0, &root, &error) == 0) {
        f.meta = json5_member(root, STR("meta")) != NULL;
        str_copy(f.mode, sizeof f.mode, config_text_of(config_at(root, STR("gateway.mode"))));
    }
    arena_free(&arena);
    return f;
}

static void pair_or_null(struct buf *out, const char *key, const char *text)
{
    buf_json_key(out, key);
    if (text && text[0])
        buf_json_str(out, str_of(text));
    else
        buf_text(out, "null");
}

static void write_process(struct buf *out)
{
    char cwd[PATH_MAX];
    buf_json_pair_int(out, "pid", getpid());
    buf_json_pair_int(out, "ppid", getppid());
    pair_or_null(out, "cwd", getcwd(cwd, sizeof cwd));
    buf_json_key(out, "argv");
    write_arguments(out);
    buf_text(out, ",\"execArgv\":[],\"watchMode\":false,\"watchSession\":null,\"watchCommand\":null");
}

static void write_line(const struct config_write *w, struct buf *out)
{
    char ts[CLOCK_ISO_SIZE], hash[CONFIG_HASH_SIZE];
    struct facts before = facts_of(w->before), after = facts_of(w->after);
    clock_iso(w->now_ms, ts);
    buf_char(out, '{');
    buf_json_pair_str(out, "ts", str_of(ts));
    buf_text(out, ",\"source\":\"config-io\",\"event\":\"config.write\"");
    buf_json_pair_str(out, "configPath", str_of(w->path));
    write_process(out);
    buf_json_pair_bool(out, "existsBefore", w->existed);
    config_hash(w->before, hash);
    pair_or_null(out, "previousHash", w->existed ? hash : NULL);
    config_hash(w->after, hash);
    buf_json_pair_str(out, "nextHash", str_of(hash));
    buf_json_key(out, "previousBytes");
    if (w->existed)
        buf_int(out, (int64_t)w->before.n);
    else
        buf_text(out, "null");
    buf_json_pair_int(out, "nextBytes", (int64_t)w->after.n);
    buf_text(out, ",\"changedPathCount\":null");
    buf_json_pair_bool(out, "hasMetaBefore", before.meta);
    buf_json_pair_bool(out, "hasMetaAfter", after.meta);
    pair_or_null(out, "gatewayModeBefore", before.mode);
    pair_or_null(out, "gatewayModeAfter", after.mode);
    buf_text(out, ",\"suspicious\":[],\"result\":\"rename\"}\n");
}

static int append(const char *path, struct str line)
{
    struct stat st;
    char full[PATH_MAX + 8];
    if (stat(path, &st) == 0 && st.st_size + (off_t)line.n > CONFIG_AUDIT_MAX) {
        snprintf(full, sizeof full, "%s.1", path);
        rename(path, full);
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return -1;
    bool whole = write(fd, line.p, line.n) == (ssize_t)line.n;
    return close(fd) == 0 && whole ? 0 : -1;
}

void config_audit(const struct config_write *w)
{
    char folder[PATH_MAX], path[PATH_MAX];
    struct buf line = { 0 };
    int n = snprintf(folder, sizeof folder, "%s/logs", w->state_dir);
    int m = snprintf(path, sizeof path, "%s/logs/config-audit.jsonl", w->state_dir);
    mkdir(w->state_dir, 0700);
    if (n > 0 && (size_t)n < sizeof folder) mkdir(folder, 0700);
    write_line(w, &line);
    if (m < 0 || (size_t)m >= sizeof path || line.err || append(path, buf_str(&line)) != 0)
        log_event(LOG_WARN, "config_audit_not_written", LOG_T("file", path), LOG_T("error", strerror(errno)));
    buf_free(&line);
}
