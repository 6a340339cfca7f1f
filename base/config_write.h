/** base/config_write.h -- writes the configuration file: whole or not at all, with backups and a line in the audit log.
 *
 *  In:     a new text
 *  Out:    the file (mode 0600), up to CONFIG_BACKUPS older ones (.bak, .bak.1 ...), <state>/logs/config-audit.jsonl
 *  Owns:   nothing
 *  Thread: one writer at a time in a process; another process is seen by the hash of what it wrote
 *  Source: reference gateway-protocol 9, frame state-config-audit-line; DESIGN 8.10
 *
 *  Backups stand beside a file in the state directory; those of a file elsewhere go into the state directory. A link is
 *  followed: what it points to is written. A file that a Kubernetes volume keeps (its path leads through `..data`) counts as
 *  read-only: what is written there is lost with the next version. */
#ifndef BASE_CONFIG_WRITE_H
#define BASE_CONFIG_WRITE_H

#include "base/buf.h"

enum {
    CONFIG_BACKUPS = 5,                 /* older files kept */
    CONFIG_AUDIT_MAX = 4 * 1024 * 1024, /* bytes of the audit log; then it starts anew, the old one is kept as .1 */
};

struct config_write {
    const char *path; /* of the configuration file */
    const char *state_dir;
    struct str before; /* what the file holds */
    bool existed;
    struct str after;
    int64_t now_ms; /* wall clock, for the audit log */
};

/** Replace the file. What the log says never holds a secret of either text.
 *  @param why  appended on failure: which file, why not, and what to do instead
 *  @return 0; GW_EDENIED (read-only: nothing was changed); GW_EIO; GW_ENOMEM */
int config_write(const struct config_write *w, struct buf *why);

/** Why a file could not be written by config_write(): appended to `why`. @return 0 when it could; GW_EDENIED, GW_EIO */
int config_writable(const char *path, struct buf *why);

#endif
