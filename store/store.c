#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>

#include "store/files.h"
#include "store/migrate.h"
#include "store/sql.h"

enum {
    BUSY_TIMEOUT_MS = 2000,
    ROW_BYTES_MAX = 3 * STORE_INPUT_MAX + 65536, /* SQLite's own bound on a row */
};

/* cache_size: negative means KiB; measured in docs/store.md. A group that outgrows it spills into the -wal file. */
#define PRAGMAS                                                                                                                            \
    "PRAGMA cache_size = -384; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = ON;"                                \
    "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON"

/* After each commit SQLite tells how long the -wal file is. Replaces wal_autocheckpoint, so that the owner can checkpoint
 * earlier, when idle. */
static int on_commit(void *arg, sqlite3 *db, const char *schema, int pages)
{
    store_t *store = arg;
    store->wal_pages = pages;
    if (pages < STORE_WAL_PAGES_MAX) return SQLITE_OK;
    /* A failure here must not turn a durable commit into an error: it is met again, and told, by the next checkpoint. */
    sqlite3_wal_checkpoint_v2(db, schema, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    return SQLITE_OK;
}

static int set_max_pages(store_t *store, int64_t pages)
{
    char sql[64];
    if (pages <= 0) return 0;
    snprintf(sql, sizeof sql, "PRAGMA max_page_count = %lld", (long long)pages); /* a pragma takes no bound values */
    return sql_run_text(store, sql);
}

static int configure(store_t *store, const struct store_options *options)
{
    sqlite3_extended_result_codes(store->db, 1);
    sqlite3_busy_timeout(store->db, options->busy_timeout_ms > 0 ? options->busy_timeout_ms : BUSY_TIMEOUT_MS);
    sqlite3_limit(store->db, SQLITE_LIMIT_LENGTH, ROW_BYTES_MAX);
    sqlite3_limit(store->db, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    int rc = sql_run_text(store, PRAGMAS);
    if (rc == 0) rc = migrate_inspect(store);
    if (rc == 0) rc = sql_run_text(store, "PRAGMA journal_mode = WAL");
    if (rc == 0) rc = sql_run_text(store, options->full_sync ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
    if (rc == 0) rc = migrate_run(store);
    if (rc == 0) rc = set_max_pages(store, options->max_pages);
    sqlite3_wal_hook(store->db, on_commit, store);
    return rc;
}

/* The lines of an integrity pragma other than "ok". */
static int run_check(store_t *store, const char *pragma, struct buf *report)
{
    struct query q = { .store = store };
    int problems = 0, step;
    q.rc = sql_fail(store, sqlite3_prepare_v2(store->db, pragma, -1, &q.statement, NULL));
    while ((step = query_row(&q)) == 1) {
        struct str line = query_get_text(&q, 0);
        if (str_is(line, "ok")) continue;
        problems++;
        buf_printf(report, "%.*s. ", STR_ARG(str_utf8_prefix(line, STORE_TEXT_MAX)));
    }
    sqlite3_finalize(q.statement);
    if (step < 0) return step;
    return problems == 0 ? 0 : sql_refuse(store, GW_ECORRUPT, "%s: %d problems found", store->path, problems);
}

/* Cheap on every open: the newest row of each table can be read; a small or suspected file is read whole. */
static int probe(store_t *store, struct buf *report)
{
    static const char *const newest[] = {
        "SELECT length(key) + length(uuid) FROM sessions ORDER BY id DESC LIMIT 1",
        "SELECT bytes + length(role) FROM messages ORDER BY id DESC LIMIT 1",
        "SELECT length(run_id) FROM turns ORDER BY id DESC LIMIT 1",
        "SELECT last_seq FROM session_counters ORDER BY session DESC LIMIT 1",
        "SELECT user_seq FROM turn_starts ORDER BY turn DESC LIMIT 1",
        "SELECT length(error) FROM turn_ends ORDER BY turn DESC LIMIT 1",
        "SELECT length(input) FROM turn_inputs ORDER BY turn DESC LIMIT 1",
        "SELECT length(payload) FROM deliveries ORDER BY id DESC LIMIT 1",
        "SELECT day FROM usage ORDER BY day DESC LIMIT 1",
        "SELECT until_ms FROM cooldowns LIMIT 1",
        "SELECT length(value) FROM kv LIMIT 1",
    };
    int64_t ignored;
    int rc = 0;
    for (size_t i = 0; i < sizeof newest / sizeof *newest && rc == 0; i++) {
        rc = sql_read_int(store, newest[i], &ignored);
        if (rc == GW_EIO && sqlite3_errcode(store->db) == SQLITE_ERROR) rc = GW_ECORRUPT; /* no such table, no such column */
    }
    if (rc != 0) return rc;
    bool suspect = files_is_suspect(store);
    if (suspect) {
        rc = run_check(store, "PRAGMA integrity_check(10)", report);
    } else if (files_size(store) <= STORE_QUICK_CHECK_BYTES) {
        rc = run_check(store, "PRAGMA quick_check(1)", report);
    }
    if (rc == 0 && suspect) files_cleared(store);
    return rc;
}

static void disconnect(store_t *store)
{
    for (int i = 0; i < SQL_COUNT; i++) {
        sqlite3_finalize(store->statements[i]);
        store->statements[i] = NULL;
    }
    sqlite3_close(store->db);
    store->db = NULL;
}

static int connect_to(store_t *store, const struct store_options *options, struct buf *report)
{
    int rc = files_secure(store);
    if (rc != 0) return rc;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;
    int code = sqlite3_open_v2(store->path, &store->db, flags, NULL);
    if (!store->db) return GW_ENOMEM;
    rc = sql_fail(store, code);
    if (rc == 0) rc = configure(store, options);
    if (rc == 0) rc = probe(store, report);
    return rc;
}

/* Open; when what is there is damaged, set it aside and open a fresh one. */
static int open_or_replace(store_t *store, const struct store_options *options, struct buf *report)
{
    int rc;
    if (files_orphaned(store)) {
        rc = sql_refuse(store, GW_ECORRUPT, "%s is missing while its -wal file is there", store->path);
    } else {
        rc = connect_to(store, options, report);
    }
    if (rc != GW_ECORRUPT) return rc;
    if (store->db) sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL); /* leave it as it was found */
    disconnect(store);
    buf_printf(report, "The store was damaged (%s). ", store->error);
    rc = files_set_aside(store, options->now_ms, report);
    if (rc != 0) return rc;
    files_cleared(store);
    store->schema_version = 0;
    return connect_to(store, options, report);
}

int store_open(struct str dir, const struct store_options *options, store_t **out, struct buf *report)
{
    static const struct store_options defaults;
    *out = NULL;
    store_t *store = calloc(1, sizeof *store);
    if (!store) return GW_ENOMEM;
    store->lock_fd = -1;
    int rc = files_prepare(store, dir);
    if (rc == 0) rc = files_lock(store);
    if (rc == 0) rc = open_or_replace(store, options ? options : &defaults, report);
    if (rc != 0) goto fail;
    store->error[0] = '\0';
    *out = store;
    return 0;
fail:
    buf_text(report, store->error);
    store_close(&store);
    return rc;
}

void store_close(store_t **store_p)
{
    store_t *store = *store_p;
    if (!store) return;
    disconnect(store); /* rolls back, and as the last user of the file checkpoints */
    files_unlock(store);
    free(store);
    *store_p = NULL;
}

int store_begin(store_t *store)
{
    if (store->in_group) return sql_refuse(store, GW_EINVAL, "store: a group is open already");
    struct query q = query_open(store, SQL_begin, store->read_only ? "BEGIN" : "BEGIN IMMEDIATE");
    int rc = query_run(&q);
    store->in_group = rc == 0;
    return rc;
}

int store_commit(store_t *store)
{
    if (!store->in_group) return sql_refuse(store, GW_EINVAL, "store: no group is open");
    struct query q = query_open(store, SQL_commit, "COMMIT");
    int rc = query_run(&q);
    if (rc == 0) {
        store->in_group = false;
    } else {
        char error[sizeof store->error]; /* rolling back must not hide why */
        memcpy(error, store->error, sizeof error);
        store_rollback(store);
        memcpy(store->error, error, sizeof error);
    }
    return rc;
}

int store_rollback(store_t *store)
{
    if (!store->in_group) return sql_refuse(store, GW_EINVAL, "store: no group is open");
    store->in_group = false;
    store->spoiled = 0;
    if (sqlite3_get_autocommit(store->db)) return 0; /* SQLite did it itself when it met the failure */
    struct query q = query_open(store, SQL_rollback, "ROLLBACK");
    return query_run(&q);
}

int store_checkpoint(store_t *store, bool truncate)
{
    if (store->in_group) return sql_refuse(store, GW_EINVAL, "store: a checkpoint inside a group");
    int pages = 0, moved = 0;
    int mode = truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
    int rc = sql_fail(store, sqlite3_wal_checkpoint_v2(store->db, NULL, mode, &pages, &moved));
    if (rc == 0) store->wal_pages = pages - moved;
    return rc;
}

int store_wal_pages(const store_t *store)
{
    return store->wal_pages;
}

int store_check(store_t *store, struct buf *report)
{
    return run_check(store, "PRAGMA integrity_check(100)", report);
}

const char *store_error(const store_t *store)
{
    return store->error;
}

const char *store_path(const store_t *store)
{
    return store->path;
}

int store_schema_version(const store_t *store)
{
    return store->schema_version;
}
