/* The three steps of a turn. Reading and pruning are in turns_read.c. */
#include "store/turns.h"

#include "store/transcript.h"
#include "store/usage.h"

const char *turn_state_name(enum turn_state state)
{
    static const char *const names[] = { "accepted", "running", "done", "failed", "aborted", "dropped" };
    return (unsigned)state < sizeof names / sizeof *names ? names[state] : "unknown";
}

static int check_new(store_t *store, const struct turn_new *t)
{
    if (t->id <= 0) return sql_refuse(store, GW_EINVAL, "store: turn number %lld is not above 0", (long long)t->id);
    int rc = sql_check(store, t->run_id, 1, STORE_NAME_MAX, "run id");
    if (rc == 0) rc = sql_check(store, t->lane, 0, STORE_NAME_MAX, "lane");
    if (rc == 0) rc = sql_check(store, t->scope, 0, STORE_NAME_MAX, "idempotency scope");
    if (rc == 0) rc = sql_check(store, t->idempotency_key, 0, STORE_NAME_MAX, "idempotency key");
    if (rc == 0) rc = sql_check(store, t->reply_to, 0, STORE_NAME_MAX, "reply address");
    if (rc == 0) rc = sql_check(store, t->input, 0, STORE_INPUT_MAX, "input");
    if (rc == 0) rc = sql_check(store, t->extra, 0, STORE_INPUT_MAX, "extra input");
    if (rc == 0) rc = sql_check(store, t->options, 0, STORE_INPUT_MAX, "options");
    return rc;
}

static int insert_turn(store_t *store, const struct turn_new *t, int64_t session)
{
    struct query q = query_open(store, SQL_turn_insert,
                                "INSERT INTO turns (id, session, created_ms, run_id, lane, scope, idempotency_key, reply_to) "
                                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    query_int(&q, t->id);
    query_int(&q, session);
    query_int(&q, t->session.now_ms);
    query_text(&q, t->run_id);
    query_text(&q, t->lane);
    query_text(&q, t->scope);
    query_text_or_null(&q, t->idempotency_key);
    query_text(&q, t->reply_to);
    return query_run(&q);
}

static int insert_input(store_t *store, const struct turn_new *t)
{
    struct query q = query_open(store, SQL_turn_input_insert, "INSERT INTO turn_inputs (turn, input, extra, options) VALUES (?, ?, ?, ?)");
    query_int(&q, t->id);
    query_blob(&q, t->input);
    query_blob(&q, t->extra);
    query_text(&q, t->options);
    return query_run(&q);
}

/* A turn with no end is running when it has a start. */
#define STATE "ifnull(e.state, b.turn IS NOT NULL)"
#define TABLES "turns t LEFT JOIN turn_starts b ON b.turn = t.id LEFT JOIN turn_ends e ON e.turn = t.id"

/* id, state and session from the only row of q. */
static int read_existing(struct query *q, struct turn_accepted *out)
{
    int rc = query_row(q);
    if (rc == 1) {
        out->id = query_get_int(q, 0);
        out->state = (enum turn_state)query_get_int(q, 1);
        out->session = query_get_int(q, 2);
        rc = 0;
    } else if (rc == 0) {
        rc = GW_ENOENT;
    }
    return query_close(q, rc);
}

/* The stored turn that stands in the way of t: the one with its idempotency key, else the one with its number. */
static int find_existing(store_t *store, const struct turn_new *t, struct turn_accepted *out)
{
    int rc = GW_ENOENT;
    if (t->idempotency_key.n > 0) {
        struct query q =
            query_open(store, SQL_turn_by_key, "SELECT id, " STATE ", session FROM " TABLES " WHERE scope = ? AND idempotency_key = ?");
        query_text(&q, t->scope);
        query_text(&q, t->idempotency_key);
        rc = read_existing(&q, out);
    }
    if (rc != GW_ENOENT) return rc;
    struct query q = query_open(store, SQL_turn_by_id, "SELECT id, " STATE ", session FROM " TABLES " WHERE id = ?");
    query_int(&q, t->id);
    return read_existing(&q, out);
}

/* Everything that can be refused is refused before the first write. */
static int accept(store_t *store, const struct turn_new *t, struct turn_accepted *out)
{
    int rc = sessions_find(store, t->session.key, &out->session);
    if (rc == GW_ENOENT) {
        rc = find_existing(store, t, out);
        if (rc != GW_ENOENT) return rc == 0 ? GW_EEXIST : rc;
        out->id = t->id;
        rc = sessions_ensure(store, &t->session, &out->session, &out->session_created);
    }
    if (rc == 0) rc = insert_turn(store, t, out->session);
    if (rc == GW_EEXIST) { /* refused by an index, so nothing was written */
        rc = find_existing(store, t, out);
        return rc == 0 ? GW_EEXIST : rc;
    }
    if (rc == 0) rc = insert_input(store, t);
    return rc;
}

int turns_accept(store_t *store, const struct turn_new *turn, struct turn_accepted *out)
{
    struct turn_accepted accepted = { .id = turn->id };
    if (out) *out = (struct turn_accepted){ 0 };
    int rc = check_new(store, turn);
    if (rc == 0) rc = sql_work_begin(store);
    if (rc != 0) return rc;
    rc = sql_work_end(store, accept(store, turn, &accepted));
    if (rc == GW_EEXIST) sql_refuse(store, rc, "store: the request was accepted before, as turn %lld", (long long)accepted.id);
    if (out && (rc == 0 || rc == GW_EEXIST)) *out = accepted;
    return rc;
}

struct progress { /* what begin and finish need to know, from one look-up */
    enum turn_state state;
    int64_t session;
    int64_t user_seq;
    int64_t answer_seq;
    int64_t last_seq; /* of the session */
};

static int find_progress(store_t *store, int64_t id, struct progress *p)
{
    struct query q = query_open(store, SQL_turn_state,
                                "SELECT " STATE ", t.session, b.user_seq, e.answer_seq, c.last_seq FROM " TABLES
                                " JOIN session_counters c ON c.session = t.session WHERE t.id = ?");
    query_int(&q, id);
    int rc = query_row(&q);
    if (rc == 1) {
        p->state = (enum turn_state)query_get_int(&q, 0);
        p->session = query_get_int(&q, 1);
        p->user_seq = query_get_int(&q, 2);
        p->answer_seq = query_get_int(&q, 3);
        p->last_seq = query_get_int(&q, 4);
        rc = 0;
    } else if (rc == 0) {
        rc = sql_refuse(store, GW_ENOENT, "store: no turn %lld", (long long)id);
    }
    return query_close(&q, rc);
}

static int mark_running(store_t *store, int64_t id, int64_t user_seq, int64_t now_ms)
{
    struct query q = query_open(store, SQL_turn_begin, "INSERT INTO turn_starts (user_seq, started_ms, turn) VALUES (?, ?, ?)");
    query_int(&q, user_seq);
    query_int(&q, now_ms);
    query_int(&q, id);
    return query_run_one(&q);
}

int turns_begin(store_t *store, int64_t id, struct str user_json, int64_t now_ms, struct turn_begun *out)
{
    struct progress p = { 0 };
    if (out) *out = (struct turn_begun){ 0 };
    int rc = find_progress(store, id, &p);
    if (rc != 0) return rc;
    if (p.state >= TURN_DONE)
        return sql_refuse(store, GW_EEXIST, "store: turn %lld has ended (%s)", (long long)id, turn_state_name(p.state));
    bool again = p.user_seq > 0;
    if (!again) {
        const struct message_new user = { .session = p.session, .turn = id, .role = STR("user"), .json = user_json, .now_ms = now_ms };
        p.user_seq = ++p.last_seq;
        rc = sql_work_begin(store);
        if (rc != 0) return rc;
        rc = transcript_insert(store, &user, MESSAGE_CHAT, p.user_seq, 0);
        if (rc == 0) rc = transcript_grow(store, p.session, p.last_seq, now_ms);
        if (rc == 0) rc = mark_running(store, id, p.user_seq, now_ms);
        rc = sql_work_end(store, rc);
    }
    if (rc == 0 && out) *out = (struct turn_begun){ p.session, p.user_seq, p.last_seq, again, p.last_seq > p.user_seq };
    return rc;
}

static int check_end(store_t *store, const struct turn_end *end)
{
    if (end->state < TURN_DONE || end->state > TURN_DROPPED)
        return sql_refuse(store, GW_EINVAL, "store: turn %lld cannot end as %s", (long long)end->id, turn_state_name(end->state));
    int rc = sql_check(store, end->message, 0, STORE_MESSAGE_MAX, "message");
    if (rc == 0) rc = sql_check(store, end->provider, 0, STORE_NAME_MAX, "provider");
    if (rc == 0) rc = sql_check(store, end->agent, 0, STORE_NAME_MAX, "agent id");
    if (rc == 0) rc = sql_check(store, end->model, 0, STORE_NAME_MAX, "model");
    if (rc == 0) rc = sql_check(store, end->model_asked, 0, STORE_NAME_MAX, "model asked for");
    if (rc == 0) rc = sql_check(store, end->model_answered, 0, STORE_NAME_MAX, "model that answered");
    return rc;
}

static int mark_ended(store_t *store, const struct turn_end *end, int64_t answer_seq)
{
    const struct chat_usage used = sql_bounded(end->used);
    struct query q = query_open(store, SQL_turn_end,
                                "INSERT INTO turn_ends (state, answer_seq, ended_ms, model_asked, model_answered, reason, error, "
                                "input_tokens, output_tokens, cache_read, cache_write, turn) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    query_int(&q, end->state);
    query_int(&q, answer_seq);
    query_int(&q, end->now_ms);
    query_text(&q, end->model_asked);
    query_text(&q, end->model_answered);
    query_text(&q, str_utf8_prefix(end->reason, STORE_TEXT_MAX));
    query_text(&q, str_utf8_prefix(end->error, STORE_TEXT_MAX));
    query_int(&q, used.input);
    query_int(&q, used.output);
    query_int(&q, used.cache_read);
    query_int(&q, used.cache_write);
    query_int(&q, end->id);
    return query_run_one(&q);
}

static int clear_input(store_t *store, int64_t id)
{
    struct query q = query_open(store, SQL_turn_input_delete, "DELETE FROM turn_inputs WHERE turn = ?");
    query_int(&q, id);
    return query_run(&q);
}

/* Inside a step: everything that the end of a turn changes. */
static int end_turn(store_t *store, const struct turn_end *end, struct progress *p)
{
    int rc = 0;
    if (end->message.n > 0) {
        const struct message_new answer = {
            .session = p->session, .turn = end->id, .role = STR("assistant"), .json = end->message, .now_ms = end->now_ms
        };
        p->answer_seq = ++p->last_seq;
        rc = transcript_insert(store, &answer, MESSAGE_CHAT, p->answer_seq, 0);
    }
    const struct session_end_turn session = { p->last_seq, sql_bounded(end->used), end->context_tokens, end->state, end->now_ms };
    if (rc == 0) rc = transcript_end_turn(store, p->session, &session);
    if (rc == 0) rc = mark_ended(store, end, p->answer_seq);
    if (rc == 0) rc = clear_input(store, end->id);
    if (rc == 0 && end->provider.n > 0) {
        const struct usage_key key = { end->agent, end->provider, end->model, end->now_ms };
        rc = usage_add(store, &key, &end->used);
    }
    return rc;
}

int turns_finish(store_t *store, const struct turn_end *end, struct turn_ended *out)
{
    struct progress p = { 0 };
    if (out) *out = (struct turn_ended){ 0 };
    int rc = check_end(store, end);
    if (rc == 0) rc = find_progress(store, end->id, &p);
    if (rc != 0) return rc;
    bool again = p.state >= TURN_DONE;
    if (!again) {
        rc = sql_work_begin(store);
        if (rc != 0) return rc;
        rc = sql_work_end(store, end_turn(store, end, &p));
        p.state = end->state;
    }
    if (rc == 0 && out) *out = (struct turn_ended){ p.state, p.session, p.answer_seq, again };
    return rc;
}
