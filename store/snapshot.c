#include "store/snapshot.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/files.h"
#include "store/migrate.h"

enum { BUSY_MS = 5000 };

static int tell(store_t **store, int rc, struct buf *report)
{
    if (rc && *store) buf_text(report, (*store)->error);
    store_close(store);
    return rc;
}

int store_snapshot(struct str dir, const char *to, struct buf *report)
{
    store_t *store;
    sqlite3_stmt *statement = NULL;
    int rc = store_open_reader(dir, BUSY_MS, &store, report);
    if (rc) return rc;
    rc = sql_run_text(store, "PRAGMA query_only = OFF"); /* it would refuse to write the copy; the file itself is open for reading alone */
    if (rc == 0) rc = sql_fail(store, sqlite3_prepare_v2(store->db, "VACUUM INTO ?", -1, &statement, NULL));
    if (rc == 0) rc = sql_fail(store, sqlite3_bind_text(statement, 1, to, -1, SQLITE_STATIC));
    mode_t before = umask(077);
    if (rc == 0 && sqlite3_step(statement) != SQLITE_DONE) rc = sql_fail(store, sqlite3_extended_errcode(store->db));
    umask(before);
    sqlite3_finalize(statement);
    return tell(&store, rc, report);
}

int store_verify(const char *path, struct buf *report)
{
    store_t *store = calloc(1, sizeof *store);
    if (!store) return GW_ENOMEM;
    store->lock_fd = -1;
    store->read_only = true;
    str_copy(store->path, sizeof store->path, str_of(path));
    int code = sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    int rc = store->db ? sql_fail(store, code) : GW_ENOMEM;
    if (rc == 0) rc = sql_run_text(store, "PRAGMA query_only = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON");
    if (rc == 0) rc = migrate_inspect(store);
    if (rc == 0) rc = store_check(store, report);
    return tell(&store, rc, report);
}

int store_hold(struct str dir, int *fd, struct buf *report)
{
    store_t *store = calloc(1, sizeof *store);
    *fd = -1;
    if (!store) return GW_ENOMEM;
    store->lock_fd = -1;
    int rc = files_prepare(store, dir);
    if (rc == 0) rc = files_lock(store);
    if (rc == 0) *fd = store->lock_fd;
    store->lock_fd = -1;
    return tell(&store, rc, report);
}
