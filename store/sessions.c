#include "store/sessions.h"

#include "store/transcript.h"

#define COLUMNS                                                                                                                            \
    "id, key, uuid, agent, parent, channel, label, provider, model, thinking, depth, created_ms, updated_ms, last_seq, compaction_seq, "   \
    "compactions, input_tokens, output_tokens, cache_read, cache_write, context_tokens, settings, last_state"

#define TABLES "sessions JOIN session_counters ON session = id"
#define CRON_RUN "key GLOB 'agent:*:cron:*:run:*'" /* as session_key_is_cron_run() */

static void read_row(const struct query *q, struct session_row *row)
{
    int i = 0;
    row->id = query_get_int(q, i++);
    row->key = query_get_text(q, i++);
    row->uuid = query_get_text(q, i++);
    row->agent = query_get_text(q, i++);
    row->parent = query_get_text(q, i++);
    row->channel = query_get_text(q, i++);
    row->label = query_get_text(q, i++);
    row->provider = query_get_text(q, i++);
    row->model = query_get_text(q, i++);
    row->thinking = query_get_text(q, i++);
    row->depth = query_get_int(q, i++);
    row->created_ms = query_get_int(q, i++);
    row->updated_ms = query_get_int(q, i++);
    row->last_seq = query_get_int(q, i++);
    row->compaction_seq = query_get_int(q, i++);
    row->compactions = query_get_int(q, i++);
    row->used.input = query_get_int(q, i++);
    row->used.output = query_get_int(q, i++);
    row->used.cache_read = query_get_int(q, i++);
    row->used.cache_write = query_get_int(q, i++);
    row->context_tokens = query_get_int(q, i++);
    row->settings = query_get_text(q, i++);
    row->last_state = query_get_int(q, i++);
}

static int check(store_t *store, const struct session_new *s)
{
    int rc = sql_check(store, s->key, 1, STORE_NAME_MAX, "session key");
    if (rc == 0) rc = sql_check(store, s->uuid, 1, STORE_NAME_MAX, "session id");
    if (rc == 0) rc = sql_check(store, s->agent, 1, STORE_NAME_MAX, "agent id");
    if (rc == 0) rc = sql_check(store, s->parent, 0, STORE_NAME_MAX, "parent session key");
    if (rc == 0) rc = sql_check(store, s->channel, 0, STORE_NAME_MAX, "channel");
    if (rc == 0) rc = sql_check(store, s->label, 0, STORE_NAME_MAX, "label");
    return rc;
}

static int insert(store_t *store, const struct session_new *s, int64_t *id)
{
    struct query q = query_open(store, SQL_session_insert,
                                "INSERT INTO sessions (key, uuid, agent, parent, channel, label, depth, created_ms) "
                                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    query_text(&q, s->key);
    query_text(&q, s->uuid);
    query_text(&q, s->agent);
    query_text(&q, s->parent);
    query_text(&q, s->channel);
    query_text(&q, s->label);
    query_int(&q, s->depth);
    query_int(&q, s->now_ms);
    int rc = query_run(&q);
    if (rc != 0) return rc;
    *id = sqlite3_last_insert_rowid(store->db);
    struct query counters = query_open(store, SQL_session_counters, "INSERT INTO session_counters (session, updated_ms) VALUES (?, ?)");
    query_int(&counters, *id);
    query_int(&counters, s->now_ms);
    return query_run(&counters);
}

int sessions_find(store_t *store, struct str key, int64_t *id)
{
    struct query q = query_open(store, SQL_session_find, "SELECT id FROM sessions WHERE key = ?");
    query_text(&q, key);
    int rc = query_run_int(&q, id);
    return rc == GW_ENOENT ? sql_refuse(store, rc, "store: no session with this key") : rc;
}

int sessions_ensure(store_t *store, const struct session_new *session, int64_t *id, bool *created)
{
    *id = 0;
    if (created) *created = false;
    int rc = check(store, session);
    if (rc == 0) rc = sessions_find(store, session->key, id);
    if (rc != GW_ENOENT) return rc;
    rc = sql_work_begin(store);
    if (rc == 0) rc = sql_work_end(store, insert(store, session, id));
    if (created) *created = rc == 0;
    return rc;
}

int sessions_get(store_t *store, struct str key, session_row_fn *fn, void *ctx)
{
    struct session_row row;
    struct query q = query_open(store, SQL_session_get, "SELECT " COLUMNS " FROM " TABLES " WHERE key = ?");
    query_text(&q, key);
    int rc = query_row(&q);
    if (rc == 0) rc = sql_refuse(store, GW_ENOENT, "store: no session with this key");
    if (rc == 1) {
        read_row(&q, &row);
        rc = fn(ctx, &row);
    }
    return query_close(&q, rc);
}

int sessions_wishes(store_t *store, struct str key, session_row_fn *fn, void *ctx)
{
    struct query q =
        query_open(store, SQL_session_wishes,
                   "SELECT provider, model, thinking, settings, parent, depth, input_tokens, output_tokens FROM " TABLES " WHERE key = ?");
    query_text(&q, key);
    int rc = query_row(&q);
    if (rc == 0) rc = sql_refuse(store, GW_ENOENT, "store: no session with this key");
    if (rc == 1) {
        const struct session_row row = { .provider = query_get_text(&q, 0),
                                         .model = query_get_text(&q, 1),
                                         .thinking = query_get_text(&q, 2),
                                         .settings = query_get_text(&q, 3),
                                         .parent = query_get_text(&q, 4),
                                         .depth = query_get_int(&q, 5),
                                         .used = { .input = query_get_int(&q, 6), .output = query_get_int(&q, 7) } };
        rc = fn(ctx, &row);
    }
    return query_close(&q, rc);
}

int sessions_list(store_t *store, const struct session_page *page, session_row_fn *fn, void *ctx)
{
    struct session_row row;
    int rc = sql_check_limit(store, page->limit);
    if (rc != 0) return rc;
    /* Without an index on updated_ms: every turn would pay for it, and 10,000 sessions are sorted in some milliseconds. */
    struct query q = query_open(store, SQL_session_list,
                                "SELECT " COLUMNS " FROM " TABLES " WHERE (?1 = '' OR agent = ?1) AND updated_ms > ?2 "
                                "AND (?3 = 0 OR (updated_ms, id) < (?3, ?4)) AND (?6 = '' OR label = ?6) AND (?7 = '' OR parent = ?7) "
                                "AND NOT (?8 AND " CRON_RUN ") ORDER BY updated_ms DESC, id DESC LIMIT ?5");
    query_text(&q, page->agent);
    query_int(&q, page->updated_after_ms);
    query_int(&q, page->before_ms);
    query_int(&q, page->before_id);
    query_int(&q, page->limit);
    query_text(&q, page->label);
    query_text(&q, page->parent);
    query_int(&q, page->listed);
    while ((rc = query_row(&q)) == 1) {
        read_row(&q, &row);
        if ((rc = fn(ctx, &row)) != 0) break;
    }
    return query_close(&q, rc);
}

/* NULL leaves a column as it is. */
static void bind_change(struct query *q, struct str value)
{
    if (value.p) {
        query_text(q, value);
    } else {
        query_text_or_null(q, value);
    }
}

static int apply_change(store_t *store, struct str key, const struct session_change *change)
{
    struct query q = query_open(store, SQL_session_change,
                                "UPDATE sessions SET label = ifnull(?, label), provider = ifnull(?, provider), model = ifnull(?, model), "
                                "thinking = ifnull(?, thinking), settings = ifnull(?, settings), parent = ifnull(?, parent), "
                                "depth = ifnull(?, depth) WHERE key = ?");
    bind_change(&q, change->label);
    bind_change(&q, change->provider);
    bind_change(&q, change->model);
    bind_change(&q, change->thinking);
    bind_change(&q, change->settings);
    bind_change(&q, change->parent);
    if (change->depth) {
        query_int(&q, *change->depth);
    } else {
        query_text_or_null(&q, (struct str){ 0 });
    }
    query_text(&q, key);
    int rc = query_run_one(&q);
    if (rc != 0) return rc;
    struct query touch = query_open(store, SQL_session_touch,
                                    "UPDATE session_counters SET updated_ms = ? WHERE session = (SELECT id FROM sessions WHERE key = ?)");
    query_int(&touch, change->now_ms);
    query_text(&touch, key);
    return query_run_one(&touch);
}

int sessions_change(store_t *store, struct str key, const struct session_change *change)
{
    int rc = sql_check(store, change->label, 0, STORE_NAME_MAX, "label");
    if (rc == 0) rc = sql_check(store, change->provider, 0, STORE_NAME_MAX, "provider");
    if (rc == 0) rc = sql_check(store, change->model, 0, STORE_NAME_MAX, "model");
    if (rc == 0) rc = sql_check(store, change->thinking, 0, STORE_NAME_MAX, "thinking level");
    if (rc == 0) rc = sql_check(store, change->settings, 0, STORE_TEXT_MAX, "settings");
    if (rc == 0) rc = sql_check(store, change->parent, 0, STORE_NAME_MAX, "parent session key");
    if (rc != 0) return rc;
    rc = sql_work_begin(store);
    if (rc == 0) rc = sql_work_end(store, apply_change(store, key, change));
    return rc;
}

int sessions_count(store_t *store, int64_t *count)
{
    struct query q = query_open(store, SQL_session_count, "SELECT count(*) FROM sessions");
    return query_run_int(&q, count);
}

int sessions_label_taken(store_t *store, struct str label, struct str key, bool *taken)
{
    int64_t count;
    struct query q = query_open(store, SQL_session_label, "SELECT count(*) FROM sessions WHERE label = ? AND key <> ?");
    query_text(&q, label);
    query_text(&q, key);
    int rc = query_run_int(&q, &count);
    *taken = count > 0;
    return rc;
}

int transcript_grow(store_t *store, int64_t session, int64_t last_seq, int64_t now_ms)
{
    struct query q = query_open(store, SQL_session_grow, "UPDATE session_counters SET last_seq = ?, updated_ms = ? WHERE session = ?");
    query_int(&q, last_seq);
    query_int(&q, now_ms);
    query_int(&q, session);
    return query_run_one(&q);
}

int transcript_end_turn(store_t *store, int64_t session, const struct session_end_turn *end)
{
    struct query q = query_open(
        store, SQL_session_end_turn,
        "UPDATE session_counters SET last_seq = ?, updated_ms = ?, input_tokens = input_tokens + ?, output_tokens = output_tokens + ?, "
        "cache_read = cache_read + ?, cache_write = cache_write + ?, context_tokens = ifnull(nullif(?, 0), context_tokens), "
        "last_state = ? WHERE session = ?");
    query_int(&q, end->last_seq);
    query_int(&q, end->now_ms);
    query_int(&q, end->used.input);
    query_int(&q, end->used.output);
    query_int(&q, end->used.cache_read);
    query_int(&q, end->used.cache_write);
    query_int(&q, end->context_tokens);
    query_int(&q, end->state);
    query_int(&q, session);
    return query_run_one(&q);
}
