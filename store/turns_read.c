/* Reading turns back, and forgetting old ones. The steps of a turn are in turns.c. */
#include "store/sql.h"
#include "store/turns.h"

#define COLUMNS                                                                                                                            \
    "t.id, ifnull(e.state, b.turn IS NOT NULL), t.session, s.key, s.agent, s.channel, t.run_id, t.lane, t.scope, t.idempotency_key, "      \
    "t.reply_to, i.input, i.extra, i.options, t.created_ms, b.started_ms, e.ended_ms, b.user_seq, e.answer_seq, e.model_asked, "           \
    "e.model_answered, e.reason, e.error, e.input_tokens, e.output_tokens, e.cache_read, e.cache_write, s.provider, s.model, s.thinking, " \
    "s.parent, s.depth"
#define PARTS " JOIN sessions s ON s.id = t.session LEFT JOIN turn_starts b ON b.turn = t.id LEFT JOIN turn_ends e ON e.turn = t.id "

static void read_row(const struct query *q, struct turn_row *row)
{
    int i = 0;
    row->id = query_get_int(q, i++);
    row->state = (enum turn_state)query_get_int(q, i++);
    row->session = query_get_int(q, i++);
    row->session_key = query_get_text(q, i++);
    row->agent = query_get_text(q, i++);
    row->channel = query_get_text(q, i++);
    row->run_id = query_get_text(q, i++);
    row->lane = query_get_text(q, i++);
    row->scope = query_get_text(q, i++);
    row->idempotency_key = query_get_text(q, i++);
    row->reply_to = query_get_text(q, i++);
    row->input = query_get_text(q, i++);
    row->extra = query_get_text(q, i++);
    row->options = query_get_text(q, i++);
    row->created_ms = query_get_int(q, i++);
    row->started_ms = query_get_int(q, i++);
    row->ended_ms = query_get_int(q, i++);
    row->user_seq = query_get_int(q, i++);
    row->answer_seq = query_get_int(q, i++);
    row->model_asked = query_get_text(q, i++);
    row->model_answered = query_get_text(q, i++);
    row->reason = query_get_text(q, i++);
    row->error = query_get_text(q, i++);
    row->used.input = query_get_int(q, i++);
    row->used.output = query_get_int(q, i++);
    row->used.cache_read = query_get_int(q, i++);
    row->used.cache_write = query_get_int(q, i++);
    row->set_provider = query_get_text(q, i++);
    row->set_model = query_get_text(q, i++);
    row->set_thinking = query_get_text(q, i++);
    row->parent = query_get_text(q, i++);
    row->depth = query_get_int(q, i++);
}

int turns_get(store_t *store, int64_t id, turn_row_fn *fn, void *ctx)
{
    struct turn_row row;
    struct query q =
        query_open(store, SQL_turn_get, "SELECT " COLUMNS " FROM turns t" PARTS "LEFT JOIN turn_inputs i ON i.turn = t.id WHERE t.id = ?");
    query_int(&q, id);
    int rc = query_row(&q);
    if (rc == 0) rc = sql_refuse(store, GW_ENOENT, "store: no turn %lld", (long long)id);
    if (rc == 1) {
        read_row(&q, &row);
        rc = fn(ctx, &row);
    }
    return query_close(&q, rc);
}

int turns_pending(store_t *store, int64_t after_id, int limit, turn_row_fn *fn, void *ctx)
{
    struct turn_row row;
    int rc = sql_check_limit(store, limit);
    if (rc != 0) return rc;
    /* CROSS JOIN fixes the order: from the few rows of turn_inputs to the many of turns. */
    struct query q = query_open(store, SQL_turn_pending,
                                "SELECT " COLUMNS " FROM turn_inputs i CROSS JOIN turns t ON t.id = i.turn" PARTS
                                "WHERE i.turn > ? ORDER BY i.turn LIMIT ?");
    query_int(&q, after_id);
    query_int(&q, limit);
    while ((rc = query_row(&q)) == 1) {
        read_row(&q, &row);
        if ((rc = fn(ctx, &row)) != 0) break;
    }
    return query_close(&q, rc);
}

int turns_max_id(store_t *store, int64_t *id)
{
    struct query q = query_open(store, SQL_turn_max, "SELECT ifnull(max(id), 0) FROM turns");
    return query_run_int(&q, id);
}

static int forget_key(store_t *store, int64_t id)
{
    struct query q =
        query_open(store, SQL_turn_forget_key, "UPDATE turns SET idempotency_key = NULL WHERE id = ? AND idempotency_key IS NOT NULL");
    query_int(&q, id);
    return query_run(&q);
}

static int delete_turn(store_t *store, int64_t id)
{
    struct query q = query_open(store, SQL_turn_delete, "DELETE FROM turns WHERE id = ?");
    query_int(&q, id);
    return query_run(&q);
}

struct old_turns {
    int count;
    int64_t ids[STORE_LIST_MAX];
    bool old[STORE_LIST_MAX];
};

/* The first `limit` turns after an id, and which of them ended before a time. */
static int find_oldest(store_t *store, int64_t after_id, int64_t before_ms, int limit, struct old_turns *found)
{
    int rc;
    found->count = 0;
    struct query q =
        query_open(store, SQL_turn_oldest,
                   "SELECT id, ifnull(ended_ms < ?, 0) FROM turns LEFT JOIN turn_ends ON turn = id WHERE id > ? ORDER BY id LIMIT ?");
    query_int(&q, before_ms);
    query_int(&q, after_id);
    query_int(&q, limit);
    while ((rc = query_row(&q)) == 1) {
        found->ids[found->count] = query_get_int(&q, 0);
        found->old[found->count++] = query_get_int(&q, 1) != 0;
    }
    return query_close(&q, rc);
}

/* Go on from where the last call stopped, up to the first turn that still needs its key. */
static int forget_keys(store_t *store, const struct turn_prune *prune, struct old_turns *found, int64_t *to, struct turn_pruned *out)
{
    int rc = find_oldest(store, *to, prune->keys_before_ms, prune->limit, found);
    int i = 0;
    for (; i < found->count && rc == 0 && found->old[i]; i++) {
        rc = forget_key(store, found->ids[i]);
        out->keys += rc == 0 && sqlite3_changes(store->db) > 0;
        *to = found->ids[i];
    }
    if (i == prune->limit) out->more = true;
    return rc;
}

static int delete_rows(store_t *store, const struct turn_prune *prune, struct old_turns *found, struct turn_pruned *out)
{
    int rc = find_oldest(store, 0, prune->rows_before_ms, prune->limit, found);
    int64_t newest = 0, deleted = 0;
    if (rc == 0) rc = turns_max_id(store, &newest);
    for (int i = 0; i < found->count && rc == 0; i++) {
        if (!found->old[i] || found->ids[i] == newest) continue; /* the newest keeps its number from being given again */
        rc = delete_turn(store, found->ids[i]);
        deleted++;
    }
    out->rows = deleted;
    if (deleted > 0 && found->count == prune->limit) out->more = true;
    return rc;
}

int turns_prune(store_t *store, const struct turn_prune *prune, struct turn_pruned *out)
{
    struct old_turns found;
    int64_t to = store->keys_forgotten_to;
    *out = (struct turn_pruned){ 0 };
    int rc = sql_check_limit(store, prune->limit);
    if (rc == 0) rc = sql_work_begin(store);
    if (rc != 0) return rc;
    rc = forget_keys(store, prune, &found, &to, out);
    if (rc == 0) rc = delete_rows(store, prune, &found, out);
    rc = sql_work_end(store, rc);
    if (rc == 0) {
        store->keys_forgotten_to = to;
    } else {
        *out = (struct turn_pruned){ 0 };
    }
    return rc;
}
