/** store/sql.h -- inside store/ only: the open store, and one query from text to result.
 *
 *  A query is opened with its SQL, its values are bound in order, it is run, it is closed:
 *
 *      struct query q = query_open(store, SQL_kv_delete, "DELETE FROM kv WHERE key = ?");
 *      query_text(&q, key);
 *      return query_run(&q);
 *
 *  The first failure (of preparing, binding or running) stays in q.rc and the steps after it do nothing. */
#ifndef STORE_SQL_H
#define STORE_SQL_H

#include <sqlite3.h>

#include "base/chat.h"
#include "store/store.h"

/* A slot for each prepared statement; it is prepared at its first use and kept. */
enum sql {
    SQL_begin,
    SQL_commit,
    SQL_rollback,
    SQL_session_find,
    SQL_session_insert,
    SQL_session_counters,
    SQL_session_touch,
    SQL_session_get,
    SQL_session_list,
    SQL_session_change,
    SQL_session_count,
    SQL_session_label,
    SQL_session_wishes,
    SQL_session_busy,
    SQL_session_restart,
    SQL_session_restart_counters,
    SQL_session_cut_counters,
    SQL_session_delete,
    SQL_session_delete_counters,
    SQL_session_forget_keys,
    SQL_session_delete_turns,
    SQL_session_old_runs,
    SQL_session_heads,
    SQL_session_tail,
    SQL_session_grow,
    SQL_session_compact,
    SQL_session_end_turn,
    SQL_message_insert,
    SQL_message_get,
    SQL_message_list,
    SQL_message_count,
    SQL_message_newest,
    SQL_message_first,
    SQL_message_rows,
    SQL_message_nth,
    SQL_message_delete,
    SQL_message_by_day,
    SQL_message_tools,
    SQL_message_turns,
    SQL_history_session,
    SQL_history_start,
    SQL_history_rows,
    SQL_turn_insert,
    SQL_turn_by_id,
    SQL_turn_by_key,
    SQL_turn_input_insert,
    SQL_turn_input_delete,
    SQL_turn_state,
    SQL_turn_begin,
    SQL_turn_end,
    SQL_turn_get,
    SQL_turn_pending,
    SQL_turn_max,
    SQL_turn_oldest,
    SQL_turn_forget_key,
    SQL_turn_delete,
    SQL_delivery_insert,
    SQL_delivery_by_nonce,
    SQL_delivery_due,
    SQL_delivery_next,
    SQL_delivery_get,
    SQL_delivery_claim,
    SQL_delivery_mark,
    SQL_delivery_fail,
    SQL_delivery_recover,
    SQL_delivery_prune,
    SQL_delivery_parts,
    SQL_delivery_counts,
    SQL_route_set,
    SQL_route_get,
    SQL_turn_options,
    SQL_kv_each,
    SQL_spawn_insert,
    SQL_spawn_end,
    SQL_spawn_tell,
    SQL_spawn_told,
    SQL_spawn_announced,
    SQL_spawn_continue,
    SQL_spawn_superseded,
    SQL_spawn_delete,
    SQL_spawn_untold,
    SQL_spawn_of,
    SQL_spawn_of_turn,
    SQL_spawn_due,
    SQL_usage_add,
    SQL_usage_sum,
    SQL_usage_by_day,
    SQL_usage_prune,
    SQL_cooldown_save,
    SQL_cooldown_load,
    SQL_cooldown_delete,
    SQL_device_save,
    SQL_device_delete,
    SQL_device_list,
    SQL_cron_job_save,
    SQL_cron_job_remove,
    SQL_cron_jobs,
    SQL_cron_run_find,
    SQL_cron_run_begin,
    SQL_cron_run_end,
    SQL_cron_runs_trim,
    SQL_cron_runs_open,
    SQL_cron_runs_list,
    SQL_cron_runs_prune,
    SQL_route_session,
    SQL_flashcard_last,
    SQL_flashcard_log,
    SQL_flashcard_save,
    SQL_flashcards,
    SQL_flashcard_days,
    SQL_kv_put,
    SQL_kv_get,
    SQL_kv_delete,
    SQL_COUNT,
};

enum { STORE_ERROR_MAX = STORE_DIR_MAX + 1024, STORE_PATH_MAX = STORE_DIR_MAX + 64 };

struct store {
    sqlite3 *db;
    int lock_fd;    /* -1: not locked */
    bool read_only; /* store_open_reader */
    bool in_group;
    bool own_group; /* opened by sql_work_begin for one call */
    int works;      /* depth of sql_work_begin: only the outermost decides */
    int spoiled;    /* not 0: a call of this group failed half way; nothing more is taken until the rollback */
    int wal_pages;
    int schema_version;
    int64_t keys_forgotten_to;         /* turns up to this id have no idempotency key any more (turns_prune) */
    uint64_t file_device, file_number; /* a reader's file, see store_reader_stale */
    char dir[STORE_DIR_MAX + 1];
    char path[STORE_PATH_MAX];
    char error[STORE_ERROR_MAX];
    sqlite3_stmt *statements[SQL_COUNT];
};

struct query {
    store_t *store;
    sqlite3_stmt *statement;
    int next; /* number of the value bound last */
    int rc;   /* first failure */
};

struct query query_open(store_t *store, enum sql slot, const char *sql);
void query_int(struct query *q, int64_t value);
void query_real(struct query *q, double value);
void query_text(struct query *q, struct str text);         /* borrowed until the query is closed, as is a blob */
void query_text_or_null(struct query *q, struct str text); /* NULL when empty */
void query_blob(struct query *q, struct str bytes);

/** Go to the next row. @return 1 a row, 0 no more, negative GW_E* */
int query_row(struct query *q);
int64_t query_get_int(const struct query *q, int column);
double query_get_real(const struct query *q, int column);
struct str query_get_text(const struct query *q, int column); /* or a blob; borrowed until the next row; "" for NULL */
/** Release the statement. @return rc, or the query's own failure when rc is 0 */
int query_close(struct query *q, int rc);

/** To the end and close, for queries without rows. @return 0, GW_E* */
int query_run(struct query *q);
/** The same; GW_ENOENT when no row was changed. */
int query_run_one(struct query *q);
/** The first column of the only row, then close. @return 0, GW_ENOENT (no row), GW_E* */
int query_run_int(struct query *q, int64_t *value);

/** Remember what failed. `code` is SQLite's. @return the GW_E* for it; 0 for SQLITE_OK */
int sql_fail(store_t *store, int code);
/** Remember a refusal of our own. @return rc */
int sql_refuse(store_t *store, int rc, const char *format, ...) __attribute__((format(printf, 3, 4)));

/** Check a value at the door. @param what  for the error  @return 0, GW_EINVAL (shorter than min), GW_ELIMIT */
int sql_check(store_t *store, struct str value, size_t min, size_t max, const char *what);
/** Counts as they may be stored: each 0..STORE_TOKENS_MAX. */
struct chat_usage sql_bounded(struct chat_usage used);
/** Check the page size a caller asked for: 1..STORE_LIST_MAX. @return 0, GW_ELIMIT */
int sql_check_limit(store_t *store, int limit);
/** Around several writes that stand or fall together; everything that can be refused is refused before the first.
 *  Alone they are a transaction of their own. In a group a failure of the machine (no disk, no memory, damage) spoils the
 *  group: a savepoint for each call would keep it, and cost a quarter more for what is rolled back anyway.
 *  @param rc  how it went  @return 0, or the failure: rc, or that of committing */
int sql_work_begin(store_t *store);
int sql_work_end(store_t *store, int rc);
/** Run SQL text that has no values and whose rows do not matter. @return 0, GW_E* */
int sql_run_text(store_t *store, const char *sql);
/** First column of the first row as a number. @return 0, GW_E* */
int sql_read_int(store_t *store, const char *sql, int64_t *value);

#endif
