/** store/files.h -- inside store/ only: the directory, the lock file, and setting a damaged file aside. */
#ifndef STORE_FILES_H
#define STORE_FILES_H

#include "store/sql.h"

#define FILES_DATABASE "openclaw.sqlite"
#define FILES_LOCK "openclaw.lock"
#define FILES_SUSPECT "openclaw.sqlite.suspect" /* asks the next open for a full check */

/** Fill store->dir and store->path. @return 0, GW_ELIMIT, GW_EINVAL */
int files_locate(store_t *store, struct str dir);
/** The same, and make the directory, 0700, with its parents. @return 0, GW_ELIMIT, GW_EIO */
int files_prepare(store_t *store, struct str dir);
/** Take the lock file; the kernel drops it when the process ends. @return 0, GW_EBUSY, GW_EIO */
int files_lock(store_t *store);
void files_unlock(store_t *store);
/** Create the database file when missing and make it and its companions 0600. @return 0, GW_EIO */
int files_secure(store_t *store);
/** True when a -wal file with content has lost its database: setting it aside was interrupted. */
bool files_orphaned(store_t *store);
/** Rename the database and its companions. @param report  appended: where they are now  @return 0, GW_EIO */
int files_set_aside(store_t *store, int64_t now_ms, struct buf *report);

/** Damage was met: leave a mark for the next open. */
void files_suspect(store_t *store);
bool files_is_suspect(store_t *store);
void files_cleared(store_t *store);
/** Bytes of the database file, 0 when it is missing. */
int64_t files_size(store_t *store);

#endif
