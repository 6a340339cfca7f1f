#include "store/spawns.h"

#include "store/sql.h"

int spawns_add(store_t *store, const struct spawn_new *s)
{
    int rc = sql_check(store, s->child, 1, STORE_NAME_MAX, "session key");
    if (rc == 0) rc = sql_check(store, s->parent, 1, STORE_NAME_MAX, "session key");
    if (rc == 0) rc = sql_check(store, s->run_id, 1, STORE_NAME_MAX, "run id");
    if (rc == 0) rc = sql_check(store, s->label, 0, STORE_NAME_MAX, "label");
    if (rc) return rc;
    struct query q = query_open(store, SQL_spawn_insert,
                                "INSERT INTO spawns (child, parent, turn, run_id, depth, label, task, cleanup, state, created_ms) "
                                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?)");
    query_text(&q, s->child);
    query_text(&q, s->parent);
    query_int(&q, s->turn);
    query_text(&q, s->run_id);
    query_int(&q, s->depth);
    query_text(&q, s->label);
    query_text(&q, str_utf8_prefix(s->task, STORE_TEXT_MAX));
    query_int(&q, s->cleanup);
    query_int(&q, s->now_ms);
    return query_run(&q);
}

static int changed(struct query *q, bool *known)
{
    int rc = query_run_one(q);
    *known = rc == 0;
    return rc == GW_ENOENT ? 0 : rc;
}

int spawns_end(store_t *store, int64_t turn, bool silent, int64_t archive_ms, int64_t now_ms, bool *known)
{
    struct query q =
        query_open(store, SQL_spawn_end, "UPDATE spawns SET state = ?, ended_ms = ?, archive_ms = ? WHERE turn = ? AND state = 0");
    query_int(&q, silent ? SPAWN_SILENT : SPAWN_ENDED);
    query_int(&q, now_ms);
    query_int(&q, archive_ms);
    query_int(&q, turn);
    return changed(&q, known);
}

int spawns_tell(store_t *store, struct str child, int64_t announce)
{
    struct query q = query_open(store, SQL_spawn_tell, "UPDATE spawns SET state = 2, announce = ? WHERE child = ? AND state = 1");
    query_int(&q, announce);
    query_text(&q, child);
    return query_run_one(&q);
}

int spawns_told(store_t *store, int64_t announce, bool taken, bool *known)
{
    struct query q = query_open(store, SQL_spawn_told, "UPDATE spawns SET state = ? WHERE announce = ? AND state = 2");
    query_int(&q, taken ? SPAWN_TAKEN : SPAWN_UNDELIVERABLE);
    query_int(&q, announce);
    return changed(&q, known);
}

int spawns_announced(store_t *store, int64_t announce, struct buf *task)
{
    struct query q = query_open(store, SQL_spawn_announced, "SELECT coalesce(nullif(label, ''), task) FROM spawns WHERE announce = ?");
    query_int(&q, announce);
    int rc = query_row(&q);
    if (rc == 1) {
        buf_add(task, query_get_text(&q, 0));
        rc = task->err;
    }
    return query_close(&q, rc);
}

int spawns_continue(store_t *store, struct str child, int64_t turn, struct str run_id)
{
    struct query q = query_open(store, SQL_spawn_continue, "UPDATE spawns SET turn = ?, run_id = ? WHERE child = ? AND state = 0");
    query_int(&q, turn);
    query_text(&q, run_id);
    query_text(&q, child);
    return query_run_one(&q);
}

int spawns_superseded(store_t *store, int64_t *turn)
{
    struct query q = query_open(store, SQL_spawn_superseded,
                                "SELECT turn FROM turn_inputs i WHERE instr(options, '\"spawned\":true') > 0 AND "
                                "NOT EXISTS (SELECT 1 FROM spawns p WHERE p.turn = i.turn) LIMIT 1");
    return query_run_int(&q, turn);
}

int spawns_remove(store_t *store, struct str child)
{
    struct query q = query_open(store, SQL_spawn_delete, "DELETE FROM spawns WHERE child = ?");
    query_text(&q, child);
    return query_run(&q);
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

#define ROWS                                                                                                                               \
    "SELECT p.child, p.parent, p.run_id, p.label, p.task, ifnull(s.uuid, ''), ifnull(s.agent, ''), ifnull(r.channel, ''), "                \
    "ifnull(r.agent, ''), ifnull(r.parent, ''), p.turn, p.depth, ifnull(r.depth, 0), p.announce, p.created_ms, p.ended_ms, "               \
    "ifnull(b.started_ms, 0), p.cleanup, p.state, ifnull(e.state, b.turn IS NOT NULL), ifnull(e.reason, ''), ifnull(e.error, ''), "        \
    "ifnull(nullif(e.model_answered, ''), ifnull(e.model_asked, '')), ifnull(c.input_tokens, 0), ifnull(c.output_tokens, 0), "             \
    "ifnull(c.context_tokens, 0), ifnull(s.id, 0), ifnull(e.answer_seq, 0) FROM spawns p LEFT JOIN sessions s ON s.key = p.child "         \
    "LEFT JOIN session_counters c ON c.session = s.id LEFT JOIN sessions r ON r.key = p.parent "                                           \
    "LEFT JOIN turn_starts b ON b.turn = p.turn LEFT JOIN turn_ends e ON e.turn = p.turn "

static void read_row(const struct query *q, struct spawn_row *row)
{
    int i = 0;
    row->child = query_get_text(q, i++);
    row->parent = query_get_text(q, i++);
    row->run_id = query_get_text(q, i++);
    row->label = query_get_text(q, i++);
    row->task = query_get_text(q, i++);
    row->uuid = query_get_text(q, i++);
    row->agent = query_get_text(q, i++);
    row->channel = query_get_text(q, i++);
    row->parent_agent = query_get_text(q, i++);
    row->parent_parent = query_get_text(q, i++);
    row->turn = query_get_int(q, i++);
    row->depth = query_get_int(q, i++);
    row->parent_depth = query_get_int(q, i++);
    row->announce = query_get_int(q, i++);
    row->created_ms = query_get_int(q, i++);
    row->ended_ms = query_get_int(q, i++);
    row->started_ms = query_get_int(q, i++);
    row->cleanup = query_get_int(q, i++) != 0;
    row->state = (enum spawn_state)query_get_int(q, i++);
    row->turn_state = query_get_int(q, i++);
    row->reason = query_get_text(q, i++);
    row->error = query_get_text(q, i++);
    row->model = query_get_text(q, i++);
    row->input_tokens = query_get_int(q, i++);
    row->output_tokens = query_get_int(q, i++);
    row->total_tokens = query_get_int(q, i++);
    row->session = query_get_int(q, i++);
    row->answer_seq = query_get_int(q, i++);
}

static int walk(struct query *q, spawn_row_fn *fn, void *ctx)
{
    struct spawn_row row;
    int rc;
    while ((rc = query_row(q)) == 1) {
        read_row(q, &row);
        if ((rc = fn(ctx, &row)) != 0) break;
    }
    return query_close(q, rc);
}

int spawns_untold(store_t *store, int limit, spawn_row_fn *fn, void *ctx)
{
    int rc = sql_check_limit(store, limit);
    if (rc) return rc;
    struct query q = query_open(store, SQL_spawn_untold, ROWS "WHERE p.state = 1 ORDER BY p.ended_ms LIMIT ?");
    query_int(&q, limit);
    return walk(&q, fn, ctx);
}

int spawns_of(store_t *store, struct str parent, int limit, spawn_row_fn *fn, void *ctx)
{
    int rc = sql_check_limit(store, limit);
    if (rc) return rc;
    struct query q = query_open(store, SQL_spawn_of, ROWS "WHERE p.parent = ? ORDER BY p.created_ms DESC, p.child LIMIT ?");
    query_text(&q, parent);
    query_int(&q, limit);
    return walk(&q, fn, ctx);
}

int spawns_of_turn(store_t *store, int64_t turn, spawn_row_fn *fn, void *ctx)
{
    struct spawn_row row;
    struct query q = query_open(store, SQL_spawn_of_turn, ROWS "WHERE p.turn = ?");
    query_int(&q, turn);
    int rc = query_row(&q);
    if (rc == 1) {
        read_row(&q, &row);
        rc = fn(ctx, &row);
    } else if (rc == 0) {
        rc = GW_ENOENT;
    }
    return query_close(&q, rc);
}

int spawns_due(store_t *store, int64_t now_ms, int limit, spawn_row_fn *fn, void *ctx)
{
    int rc = sql_check_limit(store, limit);
    if (rc) return rc;
    struct query q = query_open(store, SQL_spawn_due,
                                ROWS "WHERE p.state >= 3 AND p.archive_ms > 0 AND p.archive_ms <= ? AND NOT EXISTS (SELECT 1 FROM spawns "
                                     "own WHERE own.parent = p.child AND own.state < 3) ORDER BY p.archive_ms LIMIT ?");
    query_int(&q, now_ms);
    query_int(&q, limit);
    return walk(&q, fn, ctx);
}
