#include "store/sql.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/files.h"

/* What a SQLite code means to a caller, and what a person can do about it. */
static int meaning(int code, const char **advice)
{
    *advice = "";
    switch (code & 0xff) {
    case SQLITE_FULL: *advice = "; free space on its disk (or raise its size limit), then try again"; return GW_EIO;
    case SQLITE_IOERR: *advice = "; check its disk and mount, then restart"; return GW_EIO;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN: *advice = "; make the file and its directory writable for this user"; return GW_EIO;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: *advice = "; restart: a damaged file is then set aside and a fresh one started"; return GW_ECORRUPT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: *advice = "; close the other program that has the file open"; return GW_EBUSY;
    case SQLITE_NOMEM: return GW_ENOMEM;
    case SQLITE_TOOBIG: return GW_ELIMIT;
    case SQLITE_CONSTRAINT:
        if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY) return GW_EEXIST;
        return code == SQLITE_CONSTRAINT_FOREIGNKEY ? GW_ENOENT : GW_EINVAL;
    default: return GW_EIO;
    }
}

int sql_fail(store_t *store, int code)
{
    const char *advice;
    if ((code & 0xff) == SQLITE_OK || (code & 0xff) == SQLITE_ROW || (code & 0xff) == SQLITE_DONE) return 0;
    int rc = meaning(code, &advice);
    int system = sqlite3_system_errno(store->db);
    bool name_it = system != 0 && (code & 0xff) != SQLITE_FULL && rc == GW_EIO;
    snprintf(store->error, sizeof store->error, "%s: %s%s%s%s", store->path, sqlite3_errmsg(store->db), name_it ? ": " : "",
             name_it ? strerror(system) : "", advice);
    if (rc == GW_ECORRUPT) files_suspect(store);
    return rc;
}

int sql_refuse(store_t *store, int rc, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(store->error, sizeof store->error, format, args);
    va_end(args);
    return rc;
}

int sql_check(store_t *store, struct str value, size_t min, size_t max, const char *what)
{
    if (value.n < min) return sql_refuse(store, GW_EINVAL, "store: %s is empty", what);
    if (value.n > max) return sql_refuse(store, GW_ELIMIT, "store: %s has %zu bytes, at most %zu are kept", what, value.n, max);
    return 0;
}

static int64_t bounded(int64_t tokens)
{
    return tokens < 0 ? 0 : tokens > STORE_TOKENS_MAX ? STORE_TOKENS_MAX : tokens;
}

struct chat_usage sql_bounded(struct chat_usage used)
{
    return (struct chat_usage){ bounded(used.input), bounded(used.output), bounded(used.cache_read), bounded(used.cache_write) };
}

int sql_check_limit(store_t *store, int limit)
{
    if (limit >= 1 && limit <= STORE_LIST_MAX) return 0;
    return sql_refuse(store, GW_ELIMIT, "store: a list of %d rows was asked for, STORE_LIST_MAX is %d", limit, STORE_LIST_MAX);
}

struct query query_open(store_t *store, enum sql slot, const char *sql)
{
    struct query q = { .store = store };
    sqlite3_stmt **cached = &store->statements[slot];
    /* Some failures make SQLite end the transaction: what follows would then be committed piece by piece. */
    bool lost = store->in_group && sqlite3_get_autocommit(store->db);
    if ((lost || store->spoiled) && slot != SQL_rollback) {
        q.rc = store->spoiled ? store->spoiled : GW_EIO; /* store->error still has the cause */
        return q;
    }
    if (!*cached) q.rc = sql_fail(store, sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, cached, NULL));
    q.statement = *cached;
    return q;
}

void query_int(struct query *q, int64_t value)
{
    if (q->rc == 0) q->rc = sql_fail(q->store, sqlite3_bind_int64(q->statement, ++q->next, value));
}

void query_real(struct query *q, double value)
{
    if (q->rc == 0) q->rc = sql_fail(q->store, sqlite3_bind_double(q->statement, ++q->next, value));
}

void query_text(struct query *q, struct str text)
{
    if (q->rc != 0) return;
    const char *p = text.p ? text.p : ""; /* a NULL pointer would bind NULL */
    q->rc = sql_fail(q->store, sqlite3_bind_text64(q->statement, ++q->next, p, text.n, SQLITE_STATIC, SQLITE_UTF8));
}

void query_text_or_null(struct query *q, struct str text)
{
    if (text.n > 0) {
        query_text(q, text);
    } else if (q->rc == 0) {
        q->rc = sql_fail(q->store, sqlite3_bind_null(q->statement, ++q->next));
    }
}

void query_blob(struct query *q, struct str bytes)
{
    if (q->rc != 0) return;
    const char *p = bytes.p ? bytes.p : "";
    q->rc = sql_fail(q->store, sqlite3_bind_blob64(q->statement, ++q->next, p, bytes.n, SQLITE_STATIC));
}

int query_row(struct query *q)
{
    if (q->rc != 0) return q->rc;
    int code = sqlite3_step(q->statement);
    if (code == SQLITE_ROW) return 1;
    q->rc = sql_fail(q->store, code);
    return q->rc;
}

int64_t query_get_int(const struct query *q, int column)
{
    return sqlite3_column_int64(q->statement, column);
}

double query_get_real(const struct query *q, int column)
{
    return sqlite3_column_double(q->statement, column);
}

struct str query_get_text(const struct query *q, int column)
{
    const void *p = sqlite3_column_blob(q->statement, column);
    return (struct str){ p, p ? (size_t)sqlite3_column_bytes(q->statement, column) : 0 };
}

int query_close(struct query *q, int rc)
{
    if (q->statement) {
        sqlite3_reset(q->statement); /* repeats the code of the last step, which q->rc has */
        sqlite3_clear_bindings(q->statement);
        q->statement = NULL;
    }
    return rc != 0 ? rc : q->rc;
}

int query_run(struct query *q)
{
    query_row(q);
    return query_close(q, 0);
}

int query_run_one(struct query *q)
{
    int rc = query_run(q);
    if (rc != 0) return rc;
    return sqlite3_changes(q->store->db) > 0 ? 0 : sql_refuse(q->store, GW_ENOENT, "store: no such row");
}

int query_run_int(struct query *q, int64_t *value)
{
    *value = 0;
    int rc = query_row(q);
    if (rc == 1) *value = query_get_int(q, 0);
    return query_close(q, rc == 1 ? 0 : rc == 0 ? GW_ENOENT : rc);
}

static bool refusal(int rc)
{
    return rc == GW_EINVAL || rc == GW_ENOENT || rc == GW_EEXIST || rc == GW_ELIMIT;
}

int sql_work_begin(store_t *store)
{
    if (store->works == 0 && !store->in_group) {
        int rc = store_begin(store);
        if (rc != 0) return rc;
        store->own_group = true;
    }
    if (store->spoiled) return store->spoiled;
    store->works++;
    return 0;
}

int sql_work_end(store_t *store, int rc)
{
    store->works--;
    if (store->works > 0) return rc;
    if (!store->own_group) {
        if (rc != 0 && !refusal(rc)) store->spoiled = rc;
        return rc;
    }
    store->own_group = false;
    if (rc == 0) return store_commit(store);
    char error[sizeof store->error]; /* rolling back must not hide why */
    memcpy(error, store->error, sizeof error);
    store_rollback(store);
    memcpy(store->error, error, sizeof error);
    return rc;
}

int sql_run_text(store_t *store, const char *sql)
{
    return sql_fail(store, sqlite3_exec(store->db, sql, NULL, NULL, NULL));
}

int sql_read_int(store_t *store, const char *sql, int64_t *value)
{
    struct query q = { .store = store };
    *value = 0;
    q.rc = sql_fail(store, sqlite3_prepare_v2(store->db, sql, -1, &q.statement, NULL));
    if (query_row(&q) == 1) *value = query_get_int(&q, 0);
    sqlite3_finalize(q.statement);
    return q.rc;
}
