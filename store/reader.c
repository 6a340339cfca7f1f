/* reader.c -- a second connection that only reads, and savepoints. */
#include <stdlib.h>
#include <sys/stat.h>

#include "store/files.h"
#include "store/migrate.h"
#include "store/sql.h"

#define PRAGMAS                                                                                                                            \
    "PRAGMA cache_size = -384; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY; PRAGMA query_only = ON;"                                  \
    "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON"

static bool identify(const store_t *store, uint64_t *device, uint64_t *number)
{
    struct stat st;
    if (stat(store->path, &st) != 0) return false;
    *device = (uint64_t)st.st_dev;
    *number = (uint64_t)st.st_ino;
    return true;
}

static int connect_to(store_t *store, int busy_timeout_ms)
{
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;
    if (!identify(store, &store->file_device, &store->file_number))
        return sql_refuse(store, GW_EIO, "%s is not there; the gateway makes it when it starts", store->path);
    int code = sqlite3_open_v2(store->path, &store->db, flags, NULL);
    if (!store->db) return GW_ENOMEM;
    int rc = sql_fail(store, code);
    sqlite3_busy_timeout(store->db, busy_timeout_ms);
    if (rc == 0) rc = sql_run_text(store, PRAGMAS);
    if (rc == 0) rc = migrate_inspect(store);
    if (rc == 0 && !migrate_complete(store))
        rc = sql_refuse(store, GW_ECONFIG, "%s has an older schema; the gateway renews it when it starts", store->path);
    return rc;
}

int store_open_reader(struct str dir, int busy_timeout_ms, store_t **out, struct buf *report)
{
    *out = NULL;
    store_t *store = calloc(1, sizeof *store);
    if (!store) return GW_ENOMEM;
    store->lock_fd = -1;
    store->read_only = true;
    int rc = files_locate(store, dir);
    if (rc == 0) rc = connect_to(store, busy_timeout_ms);
    if (rc != 0) {
        buf_text(report, store->error);
        store_close(&store);
        return rc;
    }
    store->error[0] = '\0';
    *out = store;
    return 0;
}

bool store_reader_stale(const store_t *reader)
{
    uint64_t device, number;
    return !identify(reader, &device, &number) || device != reader->file_device || number != reader->file_number;
}

int store_try_begin(store_t *store)
{
    return sql_run_text(store, "SAVEPOINT try");
}

int store_try_end(store_t *store, int rc)
{
    if (rc == 0) return sql_run_text(store, "RELEASE try");
    char error[sizeof store->error]; /* undoing must not hide why */
    memcpy(error, store->error, sizeof error);
    int undone = sql_run_text(store, "ROLLBACK TO try; RELEASE try");
    if (undone) return undone;
    memcpy(store->error, error, sizeof error);
    return rc;
}
