/** store/migrate.h -- inside store/ only: bring an open file to the newest schema. */
#ifndef STORE_MIGRATE_H
#define STORE_MIGRATE_H

#include "store/sql.h"

/** Refuse a file of a newer version or of another program, before anything is written to it.
 *  @return 0, GW_ECONFIG, GW_ECORRUPT, GW_EIO */
int migrate_inspect(store_t *store);
/** Apply the migrations it lacks, each in its own transaction, and set store->schema_version.
 *  @return 0, GW_EIO, GW_ECORRUPT */
int migrate_run(store_t *store);
/** True when the file that migrate_inspect looked at has the newest schema. */
bool migrate_complete(const store_t *store);

#endif
