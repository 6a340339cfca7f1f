#include "store/messages.h"

#include "store/transcript.h"

#define COLUMNS "seq, kind, turn, created_ms, tokens, kept_seq, role, json"

static void read_row(const struct query *q, struct message_row *row)
{
    row->seq = query_get_int(q, 0);
    row->kind = query_get_int(q, 1) == MESSAGE_COMPACTION ? MESSAGE_COMPACTION : MESSAGE_CHAT;
    row->turn = query_get_int(q, 2);
    row->created_ms = query_get_int(q, 3);
    row->tokens = query_get_int(q, 4);
    row->kept_seq = query_get_int(q, 5);
    row->role = query_get_text(q, 6);
    row->json = query_get_text(q, 7);
}

static int walk(struct query *q, message_row_fn *fn, void *ctx)
{
    struct message_row row;
    int rc;
    while ((rc = query_row(q)) == 1) {
        read_row(q, &row);
        if ((rc = fn(ctx, &row)) != 0) break;
    }
    return query_close(q, rc);
}

int transcript_insert(store_t *store, const struct message_new *m, enum message_kind kind, int64_t seq, int64_t kept_seq)
{
    int rc = sql_check(store, m->json, 1, STORE_MESSAGE_MAX, "message");
    if (rc == 0) rc = sql_check(store, m->role, 1, STORE_NAME_MAX, "role");
    if (rc != 0) return rc;
    struct query q = query_open(store, SQL_message_insert,
                                "INSERT INTO messages (session, seq, kind, turn, created_ms, tokens, kept_seq, bytes, role, json) "
                                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    query_int(&q, m->session);
    query_int(&q, seq);
    query_int(&q, kind);
    query_int(&q, m->turn);
    query_int(&q, m->now_ms);
    query_int(&q, m->tokens);
    query_int(&q, kept_seq);
    query_int(&q, (int64_t)m->json.n);
    query_text(&q, m->role);
    query_text(&q, m->json);
    return query_run(&q);
}

/* The number of a session's newest entry. */
static int tail(store_t *store, int64_t session, int64_t *last_seq)
{
    struct query q = query_open(store, SQL_session_tail, "SELECT last_seq FROM session_counters WHERE session = ?");
    query_int(&q, session);
    int rc = query_run_int(&q, last_seq);
    return rc == GW_ENOENT ? sql_refuse(store, rc, "store: no session %lld", (long long)session) : rc;
}

int messages_append(store_t *store, const struct message_new *message, int64_t *seq)
{
    int64_t last = 0;
    if (seq) *seq = 0;
    int rc = sql_work_begin(store);
    if (rc != 0) return rc;
    rc = tail(store, message->session, &last);
    if (rc == 0) rc = transcript_insert(store, message, MESSAGE_CHAT, last + 1, 0);
    if (rc == 0) rc = transcript_grow(store, message->session, last + 1, message->now_ms);
    rc = sql_work_end(store, rc);
    if (rc == 0 && seq) *seq = last + 1;
    return rc;
}

static int mark_compaction(store_t *store, const struct message_new *summary, int64_t seq, int64_t kept_seq)
{
    struct query q = query_open(store, SQL_session_compact,
                                "UPDATE session_counters SET last_seq = ?1, compaction_seq = ?1, kept_seq = ?2, updated_ms = ?3, "
                                "compactions = compactions + 1 WHERE session = ?4");
    query_int(&q, seq);
    query_int(&q, kept_seq);
    query_int(&q, summary->now_ms);
    query_int(&q, summary->session);
    return query_run_one(&q);
}

int messages_compact(store_t *store, const struct message_new *summary, int64_t kept_seq, int64_t *seq)
{
    int64_t last = 0;
    if (seq) *seq = 0;
    int rc = sql_work_begin(store);
    if (rc != 0) return rc;
    rc = tail(store, summary->session, &last);
    if (rc == 0 && (kept_seq < 1 || kept_seq > last + 1))
        rc = sql_refuse(store, GW_EINVAL, "store: first kept entry %lld is not in 1..%lld", (long long)kept_seq, (long long)last + 1);
    if (rc == 0) rc = transcript_insert(store, summary, MESSAGE_COMPACTION, last + 1, kept_seq);
    if (rc == 0) rc = mark_compaction(store, summary, last + 1, kept_seq);
    rc = sql_work_end(store, rc);
    if (rc == 0 && seq) *seq = last + 1;
    return rc;
}

int messages_get(store_t *store, int64_t session, int64_t seq, message_row_fn *fn, void *ctx)
{
    struct message_row row;
    struct query q = query_open(store, SQL_message_get, "SELECT " COLUMNS " FROM messages WHERE session = ? AND seq = ?");
    query_int(&q, session);
    query_int(&q, seq);
    int rc = query_row(&q);
    if (rc == 0) rc = sql_refuse(store, GW_ENOENT, "store: no entry %lld in session %lld", (long long)seq, (long long)session);
    if (rc == 1) {
        read_row(&q, &row);
        rc = fn(ctx, &row);
    }
    return query_close(&q, rc);
}

int messages_list(store_t *store, int64_t session, int64_t after_seq, int limit, message_row_fn *fn, void *ctx)
{
    int rc = sql_check_limit(store, limit);
    if (rc != 0) return rc;
    struct query q =
        query_open(store, SQL_message_list, "SELECT " COLUMNS " FROM messages WHERE session = ? AND seq > ? ORDER BY seq LIMIT ?");
    query_int(&q, session);
    query_int(&q, after_seq);
    query_int(&q, limit);
    return walk(&q, fn, ctx);
}

#define COLUMNS_BOUNDED "seq, kind, turn, created_ms, tokens, kept_seq, role, iif(bytes > ?, '', json)"

int messages_newest(store_t *store, const struct message_page *page, message_row_fn *fn, void *ctx)
{
    int rc = sql_check_limit(store, page->limit);
    if (rc != 0) return rc;
    struct query q =
        query_open(store, SQL_message_newest,
                   "SELECT " COLUMNS_BOUNDED " FROM messages WHERE session = ? AND seq < ? AND seq >= ? ORDER BY seq DESC LIMIT ?");
    query_int(&q, page->bytes_max);
    query_int(&q, page->session);
    query_int(&q, page->before_seq ? page->before_seq : INT64_MAX);
    query_int(&q, page->from_seq);
    query_int(&q, page->limit);
    return walk(&q, fn, ctx);
}

int messages_first_user(store_t *store, int64_t session, int64_t bytes_max, message_row_fn *fn, void *ctx)
{
    struct query q = query_open(store, SQL_message_first,
                                "SELECT " COLUMNS " FROM messages WHERE id IN (SELECT id FROM messages WHERE session = ? ORDER BY seq "
                                "LIMIT ?) AND kind = 0 AND role = 'user' AND bytes <= ? ORDER BY seq LIMIT 1");
    query_int(&q, session);
    query_int(&q, MESSAGES_LOOKED_AT);
    query_int(&q, bytes_max);
    return walk(&q, fn, ctx);
}

struct history {
    int64_t session;
    int64_t compaction_seq; /* 0: none */
    int64_t kept_seq;
    int64_t last_seq;
    int64_t start_seq; /* after the limits */
    struct history_info info;
    message_row_fn *fn;
    void *ctx;
};

static int find_history(store_t *store, struct str key, struct history *h)
{
    struct query q =
        query_open(store, SQL_history_session,
                   "SELECT id, compaction_seq, kept_seq, last_seq FROM sessions JOIN session_counters ON session = id WHERE key = ?");
    query_text(&q, key);
    int rc = query_row(&q);
    if (rc == 1) {
        h->session = query_get_int(&q, 0);
        h->compaction_seq = query_get_int(&q, 1);
        h->kept_seq = query_get_int(&q, 2);
        h->last_seq = query_get_int(&q, 3);
        rc = 0;
    } else if (rc == 0) {
        rc = sql_refuse(store, GW_ENOENT, "store: no session with this key");
    }
    return query_close(&q, rc);
}

/* Walk back from the newest entry until a limit is reached; the JSON itself is not read. */
static int find_start(store_t *store, const struct history_limits *limits, struct history *h)
{
    int64_t rows = 0, bytes = 0;
    int rc;
    h->start_seq = h->kept_seq;
    if (limits->rows <= 0 && limits->bytes <= 0) return 0;
    struct query q = query_open(store, SQL_history_start,
                                "SELECT seq, bytes FROM messages WHERE session = ? AND seq >= ? AND kind = 0 ORDER BY seq DESC");
    query_int(&q, h->session);
    query_int(&q, h->kept_seq);
    while ((rc = query_row(&q)) == 1) {
        rows++;
        bytes += query_get_int(&q, 1);
        bool over = (limits->rows > 0 && rows > limits->rows) || (limits->bytes > 0 && bytes > limits->bytes && rows > 1);
        if (over) {
            h->start_seq = query_get_int(&q, 0) + 1;
            h->info.left_out = h->start_seq - h->kept_seq;
            rc = 0;
            break;
        }
    }
    return query_close(&q, rc);
}

static int count_and_pass(void *ctx, const struct message_row *row)
{
    struct history *h = ctx;
    h->info.rows++;
    h->info.bytes += (int64_t)row->json.n;
    return h->fn(h->ctx, row);
}

int messages_history(store_t *store, struct str session_key, const struct history_limits *limits, message_row_fn *fn, void *ctx,
                     struct history_info *info)
{
    static const struct history_limits unlimited;
    struct history h = { .fn = fn, .ctx = ctx };
    if (info) *info = (struct history_info){ 0 };
    int rc = find_history(store, session_key, &h);
    if (rc == 0) rc = find_start(store, limits ? limits : &unlimited, &h);
    if (rc == 0 && h.compaction_seq > 0) rc = messages_get(store, h.session, h.compaction_seq, count_and_pass, &h);
    if (rc != 0) return rc;
    struct query q =
        query_open(store, SQL_history_rows, "SELECT " COLUMNS " FROM messages WHERE session = ? AND seq >= ? AND kind = 0 ORDER BY seq");
    query_int(&q, h.session);
    query_int(&q, h.start_seq);
    rc = walk(&q, count_and_pass, &h);
    h.info.session = h.session;
    h.info.last_seq = h.last_seq;
    if (rc == 0 && info) *info = h.info;
    return rc;
}

int messages_count(store_t *store, int64_t session, int64_t *count)
{
    *count = 0;
    if (session != 0) return tail(store, session, count);
    struct query q = query_open(store, SQL_message_count, "SELECT count(*) FROM messages");
    return query_run_int(&q, count);
}
