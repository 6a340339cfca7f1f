/** cli/backup.h -- the state directory as one file, and back.
 *
 *  In:     a state directory, the path of an archive      Out: the archive (gzipped tar) or the directory; a report as JSON
 *  Owns:   nothing beyond a call; it starts `tar`
 *  Thread: the main one
 *  Source: docs/operations.md, docs/adr/0017-backup.md
 *
 *  An archive has the store as of one commit, manifest.json with its sum, and what else the state directory holds, but for logs, locks and
 *  older backups. */
#ifndef CLI_BACKUP_H
#define CLI_BACKUP_H

#include <jansson.h>

#include "base/buf.h"

/** Write an archive while a gateway may be running, and read it back. @param path  must not be there; NULL:
 * <state>/backups/openclaw-<time>.tar.gz, where all but the newest `keep` are deleted
 *  @param out  {path, bytes, entries, database{bytes, sha256}, removed[]}; the caller's
 *  @return 0 or GW_E*, with the reason in `why` and nothing left behind */
int backup_create(const char *state, const char *path, int keep, json_t **out, struct buf *why);

/** Put an archive's state in the place of what is there, which is kept in <state>/before-restore-<time>. No gateway may be running.
 *  @param force  also when there is a store already
 *  @param out    {path, state, entries, before}; the caller's  @return 0 or GW_E*, with the reason in `why` and the state as it was */
int backup_restore(const char *state, const char *path, bool force, json_t **out, struct buf *why);

#endif
