/** store/snapshot.h -- copies of the store beside the one that is in use, and whether a file is a store that can be used.
 *
 *  In:     paths      Out: GW_E*, sentences for people
 *  Owns:   nothing; store_hold() gives a descriptor to its caller
 *  Thread: any; not the store's own connection
 *  Source: SQLite, VACUUM INTO (https://www.sqlite.org/lang_vacuum.html) and flock(2) */
#ifndef STORE_SNAPSHOT_H
#define STORE_SNAPSHOT_H

#include "base/buf.h"
#include "base/str.h"

/** Write the store as the last commit left it into a new file (0600), while its owner goes on.
 *  @param to  must not be there  @return 0, GW_EIO, GW_ECORRUPT, GW_ENOMEM, GW_ECONFIG; `report` has why */
int store_snapshot(struct str dir, const char *to, struct buf *report);

/** Read all of a file: is it a store, not newer than this program, and whole?
 *  @return 0, GW_ECONFIG (another program's, or a newer one's), GW_ECORRUPT, GW_EIO, GW_ENOMEM; `report` has why */
int store_verify(const char *path, struct buf *report);

/** Keep gateways from opening the store of this directory until the descriptor is closed.
 *  @return 0; GW_EBUSY one has it (report names it); GW_EIO, GW_ELIMIT, GW_ENOMEM */
int store_hold(struct str dir, int *fd, struct buf *report);

#endif
