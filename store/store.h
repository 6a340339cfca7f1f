/** store/store.h -- the SQLite file that remembers: open and close, groups of writes, damage.
 *
 *  In:     calls of one owner; what the tables hold is under store/{sessions,messages,turns,...}.h
 *  Out:    GW_E* codes; store_error() has the words: what failed, in which file, what to do
 *  Owns:   <dir>/openclaw.sqlite with its -wal and -shm, <dir>/openclaw.lock, the prepared statements
 *  Thread: the one that opened it; nothing here is locked
 *  Source: docs/store.md (schema, what is durable when, recovery), docs/adr/0002-sqlite.md
 *
 *  No function reads a clock: times come from the caller, wall clock in ms since 1970 UTC.
 *  Strings handed in are borrowed for the call; strings in rows are borrowed until the callback returns. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum {                                       /* bytes, unless said otherwise; one more gives GW_ELIMIT and an error that names the bound */
       STORE_DIR_MAX = 3800,                 /* path of the state directory */
       STORE_NAME_MAX = 512,                 /* a session key, id, model, label, nonce or other short text */
       STORE_ROUTE_MAX = 2048,               /* where an answer goes, JSON */
       STORE_TEXT_MAX = 4096,                /* an error or reason; longer ones are cut, never refused */
       STORE_INPUT_MAX = 32 * 1024 * 1024,   /* a turn's input, extra or options */
       STORE_MESSAGE_MAX = 32 * 1024 * 1024, /* JSON of one transcript entry */
       STORE_PAYLOAD_MAX = 4 * 1024 * 1024,  /* a delivery's payload */
       STORE_VALUE_MAX = 1024 * 1024,        /* a kv value */
       STORE_LIST_MAX = 1000,                /* rows of one page of any list */
       STORE_WAL_PAGES_MAX = 4000,           /* 4 KiB pages in the -wal file at which a commit checkpoints by itself */
       STORE_QUICK_CHECK_BYTES = 256 * 1024, /* a file up to this size is checked page by page on every open */
};

#define STORE_TOKENS_MAX INT64_C(1000000000000) /* token counts from outside are cut to 0..this, so that sums cannot overflow */

typedef struct store store_t;

struct store_options {
    bool full_sync;      /* synchronous=FULL: a commit survives power loss, not only a crash of the process */
    int64_t now_ms;      /* names a file that is set aside */
    int busy_timeout_ms; /* wait for a foreign reader's lock; 0: 2000 */
    int64_t max_pages;   /* most 4 KiB pages the file may have; 0: no limit but the disk's */
};

/** Open or create the store.
 *  The directory is made (0700) when missing, its files are 0600. A file that is not a database or is damaged is
 *  renamed to openclaw.sqlite.damaged-<UTC time>, with its -wal and -shm, and a fresh one is started.
 *  @param dir      state directory
 *  @param options  copied; may be NULL
 *  @param out      destroy with store_close()
 *  @param report   appended: sentences for people about what was found or why it failed; nothing when all is well
 *  @return 0; GW_EBUSY another process has it (report names its pid); GW_ECONFIG the file is of a newer version or
 *          another program's, and is left as it is; GW_EIO; GW_ENOMEM; GW_ELIMIT (dir) */
int store_open(struct str dir, const struct store_options *options, store_t **out, struct buf *report);

/** Open what a writer keeps, only to read it, beside that writer and in another thread: no lock file, nothing is created or
 *  changed. Each call sees the last commit; a group (store_begin, store_commit) sees one state throughout.
 *  @param busy_timeout_ms  wait for a foreign lock
 *  @return 0; GW_EIO there is no store yet, or it cannot be read; GW_ECONFIG another version's file; GW_ECORRUPT; GW_ENOMEM */
int store_open_reader(struct str dir, int busy_timeout_ms, store_t **out, struct buf *report);
/** True when the file at its path is no longer the one a reader has open: it was set aside. Close it and open another. */
bool store_reader_stale(const store_t *reader);

/** Undo one call's part of a group: what came after store_try_begin is kept when `rc` is 0, else it is as if it never was.
 *  Not nested. @return rc, or why that failed */
int store_try_begin(store_t *store);
int store_try_end(store_t *store, int rc);

/** Roll an open group back, checkpoint, close, release the lock. Safe on NULL. */
void store_close(store_t **store_p);

/** A group: everything between begin and commit becomes durable at once. Without a group each call commits itself.
 *  A call that is refused (GW_EINVAL, GW_ENOENT, GW_EEXIST, GW_ELIMIT) leaves nothing of itself behind and the rest of the
 *  group as it was. A call that the machine fails (GW_EIO, GW_ENOMEM, GW_ECORRUPT) may spoil the group: the calls after it
 *  and commit then fail with the same words. After store_rollback the store is usable; each call can be tried again alone.
 *  @return 0; GW_EINVAL begin inside a group, commit or rollback outside; GW_EIO, GW_ENOMEM, GW_ECORRUPT.
 *          When commit fails, nothing of the group is stored, the group is over and the store is usable again. */
int store_begin(store_t *store);
int store_commit(store_t *store);
int store_rollback(store_t *store);

/** Move the -wal file's pages into the database; outside a group. Costs an fsync, so do it when idle.
 *  @param truncate  also shrink the -wal file to nothing
 *  @return 0, GW_EBUSY (a foreign reader; harmless), GW_EIO, GW_EINVAL inside a group */
int store_checkpoint(store_t *store, bool truncate);
int store_wal_pages(const store_t *store); /* pages in the -wal file after the last commit */

/** Read every page (PRAGMA integrity_check). @param report  appended: what is wrong, at most 100 lines
 *  @return 0, GW_ECORRUPT, GW_EIO */
int store_check(store_t *store, struct buf *report);

/** What the last failed call met, for people: what, where, what to do. "" when none failed. Until the next failure. */
const char *store_error(const store_t *store);
const char *store_path(const store_t *store);   /* of the database file */
int store_schema_version(const store_t *store); /* number of the last migration applied */

#endif
