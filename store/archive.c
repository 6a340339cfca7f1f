#include "store/archive.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json_read.h"
#include "store/messages.h"
#include "store/session_life.h"
#include "store/sql.h"

enum { FLUSH_BYTES = 64 * 1024, NAME_MAX_BYTES = 256 };

struct writer {
    store_t *store;
    int fd;
    struct buf lines;
    int64_t last_seq; /* of the entry before; 0: none */
    int64_t rows;
};

static int failed(store_t *store, const char *verb, const char *path)
{
    return sql_refuse(store, GW_EIO, "cannot %s %s: %s; check its disk and that its folder is writable for this user", verb, path,
                      strerror(errno));
}

/* --- lines -------------------------------------------------------------------------------------------------------- */

static int flush(struct writer *w)
{
    size_t done = 0;
    if (w->lines.err) return w->lines.err;
    while (done < w->lines.n) {
        ssize_t n = write(w->fd, w->lines.p + done, w->lines.n - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return failed(w->store, "write", "the archived transcript");
        done += (size_t)n;
    }
    buf_clear(&w->lines);
    return 0;
}

static void write_time(struct buf *out, int64_t ms)
{
    char iso[CLOCK_ISO_SIZE];
    clock_iso(ms, iso);
    buf_json_pair_str(out, "timestamp", str_of(iso));
}

static void write_id(struct buf *out, const char *key, int64_t seq)
{
    buf_json_key(out, key);
    if (seq > 0) {
        buf_printf(out, "\"%08llx\"", (unsigned long long)seq);
    } else {
        buf_text(out, "null");
    }
}

/* The text of a summary, which is stored as a message of the user. */
static void write_summary(struct buf *out, const struct message_row *row)
{
    json_t *message = json_loadb(row->json.p ? row->json.p : "", row->json.n, JSON_ALLOW_NUL, NULL);
    const json_t *part = json_array_get(json_object_get(message, "content"), 0);
    const json_t *text = json_object_get(part, "text");
    buf_json_pair_str(out, "summary", json_text(text));
    json_decref(message);
}

static int write_entry(void *ctx, const struct message_row *row)
{
    struct writer *w = ctx;
    struct buf *out = &w->lines;
    bool compaction = row->kind == MESSAGE_COMPACTION;
    buf_text(out, compaction ? "{\"type\":\"compaction\"" : "{\"type\":\"message\"");
    write_id(out, "id", row->seq);
    write_id(out, "parentId", w->last_seq);
    write_time(out, row->created_ms);
    if (compaction) {
        write_summary(out, row);
        write_id(out, "firstKeptEntryId", row->kept_seq);
        buf_text(out, ",\"tokensBefore\":0,\"details\":{\"readFiles\":[],\"modifiedFiles\":[]},\"fromHook\":false");
    } else {
        buf_json_key(out, "message");
        buf_add(out, row->json);
    }
    buf_text(out, "}\n");
    w->last_seq = row->seq;
    w->rows++;
    return out->n >= FLUSH_BYTES ? flush(w) : out->err;
}

static int write_all(struct writer *w, const struct archive_wish *wish)
{
    int64_t before, after = 0;
    int rc = 0;
    buf_text(&w->lines, "{\"type\":\"session\",\"version\":3");
    buf_json_pair_str(&w->lines, "id", wish->uuid);
    write_time(&w->lines, wish->created_ms);
    buf_json_pair_str(&w->lines, "cwd", wish->workspace);
    buf_text(&w->lines, "}\n");
    do {
        before = w->rows;
        rc = messages_list(w->store, wish->session, after, STORE_LIST_MAX, write_entry, w);
        after = w->last_seq;
    } while (rc == 0 && w->rows - before == STORE_LIST_MAX);
    return rc ? rc : flush(w);
}

/* --- names -------------------------------------------------------------------------------------------------------- */

static void add_name(struct buf *out, struct str name)
{
    for (size_t i = 0; i < name.n && i < NAME_MAX_BYTES; i++) {
        char c = name.p[i];
        bool good =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || (c == '.' && i > 0);
        buf_char(out, good ? c : '_');
    }
}

/* <state>/agents/<agent>/sessions, each made 0700 when missing. */
static int make_folder(store_t *store, const struct archive_wish *wish, struct buf *path)
{
    static const char *const after[] = { "/agents", "/", "/sessions" };
    buf_add(path, wish->state_dir);
    for (int i = 0; i < 3; i++) {
        buf_text(path, after[i]);
        if (i == 1) add_name(path, wish->agent.n ? wish->agent : STR("main"));
        if (path->err) return path->err;
        if (mkdir(buf_cstr(path), 0700) != 0 && errno != EEXIST) return failed(store, "create", buf_cstr(path));
    }
    return 0;
}

static void add_suffix(const struct archive_wish *wish, struct buf *path)
{
    static const char *const kinds[] = { ".reset.", ".deleted.", ".bak." };
    char iso[CLOCK_ISO_SIZE];
    buf_text(path, ".jsonl");
    if (wish->kind == ARCHIVE_PLAIN) return;
    clock_iso(wish->now_ms, iso);
    for (char *c = iso; *c; c++)
        if (*c == ':') *c = '-';
    buf_text(path, kinds[wish->kind]);
    buf_text(path, iso);
}

/* The time behind ".jsonl.<kind>." sorts as text; what carries none is no archive. */
static const char *archived_at(const char *name)
{
    const char *mark = strstr(name, ".jsonl.");
    const char *time = mark ? strchr(mark + 7, '.') : NULL;
    return time ? time + 1 : NULL;
}

/* Remove the oldest archives of a folder until one more fits. What cannot be removed stays: it costs space only. */
static void make_room(const char *folder)
{
    for (int removed = 0; removed < ARCHIVES_MAX; removed++) {
        char oldest[NAME_MAX_BYTES * 2] = "";
        int count = 0;
        DIR *dir = opendir(folder);
        if (!dir) return;
        for (const struct dirent *e = readdir(dir); e; e = readdir(dir)) {
            const char *at = archived_at(e->d_name);
            if (!at) continue;
            count++;
            if (!oldest[0] || strcmp(at, archived_at(oldest)) < 0) str_copy(oldest, sizeof oldest, str_of(e->d_name));
        }
        int rc = count >= ARCHIVES_MAX && oldest[0] ? unlinkat(dirfd(dir), oldest, 0) : -1;
        closedir(dir);
        if (rc != 0) return;
    }
}

/* --- the file ------------------------------------------------------------------------------------------------------ */

static int sync_folder(store_t *store, const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return failed(store, "open", folder);
    int rc = fsync(fd) == 0 ? 0 : failed(store, "sync", folder);
    close(fd);
    return rc;
}

/* Written beside its name and renamed, so that a file of that name is always whole. */
static int write_file(store_t *store, const struct archive_wish *wish, const char *path)
{
    struct writer w = { .store = store };
    struct buf temporary = { 0 };
    buf_printf(&temporary, "%s.part", path);
    const char *name = buf_cstr(&temporary);
    int rc = temporary.err;
    w.fd = rc ? -1 : open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (rc == 0 && w.fd < 0) rc = failed(store, "create", name);
    if (rc == 0) rc = write_all(&w, wish);
    if (rc == 0 && fsync(w.fd) != 0) rc = failed(store, "sync", name);
    if (w.fd >= 0 && close(w.fd) != 0 && rc == 0) rc = failed(store, "close", name);
    if (rc == 0 && rename(name, path) != 0) rc = failed(store, "rename", name);
    if (rc && w.fd >= 0) unlink(name);
    buf_free(&w.lines);
    buf_free(&temporary);
    return rc;
}

int archive_write(store_t *store, const struct archive_wish *wish, char path[ARCHIVE_PATH_MAX])
{
    int64_t any = 0;
    struct buf name = { .max = ARCHIVE_PATH_MAX - 16 };
    char folder[ARCHIVE_PATH_MAX] = "";
    path[0] = '\0';
    int rc = session_entries(store, wish->session, &any);
    if (rc != 0 || any == 0) return rc;
    rc = make_folder(store, wish, &name);
    if (rc == 0) rc = str_copy(folder, sizeof folder, buf_str(&name));
    if (rc == 0) make_room(folder);
    buf_char(&name, '/');
    add_name(&name, wish->uuid);
    add_suffix(wish, &name);
    if (rc == 0) rc = name.err;
    if (rc == 0) rc = str_copy(path, ARCHIVE_PATH_MAX, buf_str(&name));
    if (rc == 0) rc = write_file(store, wish, path);
    if (rc == 0) rc = sync_folder(store, folder);
    if (rc != 0) path[0] = '\0';
    buf_free(&name);
    return rc;
}
