#include "store/session_life.h"

#include "store/sql.h"

int session_busy(store_t *store, int64_t session, bool *busy)
{
    int64_t count;
    /* CROSS JOIN fixes the order: from the few rows of turn_inputs to the many of turns. */
    struct query q =
        query_open(store, SQL_session_busy, "SELECT count(*) FROM turn_inputs i CROSS JOIN turns t ON t.id = i.turn WHERE t.session = ?");
    query_int(&q, session);
    int rc = query_run_int(&q, &count);
    *busy = count > 0;
    return rc;
}

/* The turns whose messages are here have ended. All but the newest of the store go: that one keeps its number from being given
 * again, and only loses its key, so that no repeat is answered from a transcript that is gone. */
#define TURNS_HERE "(SELECT turn FROM messages WHERE session = ?)"

static int forget_turns(store_t *store, int64_t session)
{
    struct query keys = query_open(store, SQL_session_forget_keys, "UPDATE turns SET idempotency_key = NULL WHERE id IN " TURNS_HERE);
    query_int(&keys, session);
    int rc = query_run(&keys);
    if (rc != 0) return rc;
    struct query rows =
        query_open(store, SQL_session_delete_turns, "DELETE FROM turns WHERE id IN " TURNS_HERE " AND id < (SELECT max(id) FROM turns)");
    query_int(&rows, session);
    return query_run(&rows);
}

static int delete_messages(store_t *store, int64_t session, int64_t before_seq)
{
    struct query q = query_open(store, SQL_message_delete, "DELETE FROM messages WHERE session = ? AND seq < ?");
    query_int(&q, session);
    query_int(&q, before_seq);
    return query_run(&q);
}

static int empty(store_t *store, int64_t session)
{
    int rc = forget_turns(store, session);
    return rc ? rc : delete_messages(store, session, INT64_MAX);
}

static int restart(store_t *store, int64_t session, struct str uuid, int64_t now_ms)
{
    int rc = empty(store, session);
    if (rc != 0) return rc;
    struct query q = query_open(store, SQL_session_restart, "UPDATE sessions SET uuid = ? WHERE id = ?");
    query_text(&q, uuid);
    query_int(&q, session);
    rc = query_run_one(&q);
    if (rc != 0) return rc;
    struct query counters = query_open(store, SQL_session_restart_counters,
                                       "UPDATE session_counters SET updated_ms = ?, last_seq = 0, compaction_seq = 0, kept_seq = 1, "
                                       "compactions = 0, input_tokens = 0, output_tokens = 0, cache_read = 0, cache_write = 0, "
                                       "context_tokens = 0, last_state = 0 WHERE session = ?");
    query_int(&counters, now_ms);
    query_int(&counters, session);
    return query_run_one(&counters);
}

int session_restart(store_t *store, int64_t session, struct str uuid, int64_t now_ms)
{
    int rc = sql_check(store, uuid, 1, STORE_NAME_MAX, "session id");
    if (rc == 0) rc = sql_work_begin(store);
    return rc ? rc : sql_work_end(store, restart(store, session, uuid, now_ms));
}

static int delete (store_t *store, int64_t session)
{
    int rc = empty(store, session);
    if (rc != 0) return rc;
    struct query counters = query_open(store, SQL_session_delete_counters, "DELETE FROM session_counters WHERE session = ?");
    query_int(&counters, session);
    rc = query_run_one(&counters);
    if (rc != 0) return rc;
    struct query q = query_open(store, SQL_session_delete, "DELETE FROM sessions WHERE id = ?");
    query_int(&q, session);
    return query_run_one(&q);
}

int session_delete(store_t *store, int64_t session)
{
    int rc = sql_work_begin(store);
    return rc ? rc : sql_work_end(store, delete (store, session));
}

int session_entries(store_t *store, int64_t session, int64_t *count)
{
    struct query q = query_open(store, SQL_message_rows, "SELECT count(*) FROM messages WHERE session = ?");
    query_int(&q, session);
    return query_run_int(&q, count);
}

/* What a summary stood for is gone with it; what it kept stays. */
static int cut(store_t *store, int64_t session, int64_t first_seq, int64_t now_ms)
{
    int rc = delete_messages(store, session, first_seq);
    if (rc != 0) return rc;
    struct query q = query_open(store, SQL_session_cut_counters,
                                "UPDATE session_counters SET kept_seq = max(kept_seq, ?1), updated_ms = ?2, "
                                "context_tokens = 0, compaction_seq = iif(compaction_seq < ?1, 0, compaction_seq) WHERE session = ?3");
    query_int(&q, first_seq);
    query_int(&q, now_ms);
    query_int(&q, session);
    return query_run_one(&q);
}

int session_cut(store_t *store, int64_t session, int64_t keep, int64_t now_ms)
{
    int64_t first = 0;
    if (keep < 1) return sql_refuse(store, GW_EINVAL, "store: a cut keeps at least one entry");
    struct query q = query_open(store, SQL_message_nth, "SELECT seq FROM messages WHERE session = ? ORDER BY seq DESC LIMIT 1 OFFSET ?");
    query_int(&q, session);
    query_int(&q, keep - 1);
    int rc = query_run_int(&q, &first);
    if (rc == GW_ENOENT) return sql_refuse(store, rc, "store: no session %lld with that many entries", (long long)session);
    if (rc == 0) rc = sql_work_begin(store);
    return rc ? rc : sql_work_end(store, cut(store, session, first, now_ms));
}

int session_old_runs(store_t *store, int64_t before_ms, int limit, session_id_fn *fn, void *ctx)
{
    struct query q = query_open(store, SQL_session_old_runs,
                                "SELECT s.id FROM sessions s JOIN session_counters c ON c.session = s.id "
                                "WHERE s.key GLOB 'agent:*:cron:*:run:*' AND c.updated_ms < ? AND NOT EXISTS "
                                "(SELECT 1 FROM turn_inputs i JOIN turns t ON t.id = i.turn WHERE t.session = s.id) ORDER BY s.id LIMIT ?");
    int rc;
    query_int(&q, before_ms);
    query_int(&q, limit);
    while ((rc = query_row(&q)) == 1)
        if ((rc = fn(ctx, query_get_int(&q, 0))) != 0) break;
    return query_close(&q, rc);
}
