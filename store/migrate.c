#include "store/migrate.h"

/* Marks a file as ours (PRAGMA application_id): "OClw". */
#define APPLICATION_ID 1329818743
#define STAMP "PRAGMA application_id = 1329818743"

static const struct migration {
    int number;
    const char *name;
    const char *sql;
    const char *stamp;
} migrations[] = {
#define MIGRATION(number, name, sql, stamp) { number, name, sql, stamp },
#include "store/migrations.def"
#undef MIGRATION
};
enum { NEWEST = sizeof migrations / sizeof *migrations };

int migrate_inspect(store_t *store)
{
    int64_t version = 0, application = 0, tables = 0;
    int rc = sql_read_int(store, "PRAGMA user_version", &version);
    if (rc == 0) rc = sql_read_int(store, "PRAGMA application_id", &application);
    if (rc == 0) rc = sql_read_int(store, "SELECT count(*) FROM sqlite_schema", &tables);
    if (rc != 0) return rc;
    if (application != APPLICATION_ID && (application != 0 || version != 0 || tables != 0))
        return sql_refuse(store, GW_ECONFIG, "%s is a database of another program; move it away, it was not touched", store->path);
    if (version > NEWEST)
        return sql_refuse(store, GW_ECONFIG,
                          "%s has schema version %lld, this program knows up to %d; run the newer openclaw that wrote it, "
                          "the file was not touched",
                          store->path, (long long)version, NEWEST);
    store->schema_version = (int)version;
    return 0;
}

static int apply(store_t *store, const struct migration *m)
{
    int rc = sql_run_text(store, "BEGIN IMMEDIATE");
    if (rc != 0) return rc;
    if (rc == 0) rc = sql_run_text(store, m->sql);
    if (rc == 0) rc = sql_run_text(store, m->stamp);
    if (rc == 0) rc = sql_run_text(store, STAMP);
    if (rc == 0) rc = sql_run_text(store, "COMMIT");
    if (rc == 0) {
        store->schema_version = m->number;
        return 0;
    }
    sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL); /* the failure that counts is in store->error */
    return rc;
}

bool migrate_complete(const store_t *store)
{
    return store->schema_version == NEWEST;
}

int migrate_run(store_t *store)
{
    int rc = 0;
    for (int i = store->schema_version; i < NEWEST && rc == 0; i++) rc = apply(store, &migrations[i]);
    return rc;
}
