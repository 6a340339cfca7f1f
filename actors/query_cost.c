/* query_cost.c -- usage.cost, usage.status, sessions.usage.timeseries, sessions.usage.logs. */
#include <stdlib.h>

#include "actors/message_view.h"
#include "actors/query_sessions.h"
#include "actors/query_tables.h"
#include "actors/query_usage.h"
#include "actors/session_list.h"
#include "actors/usage_sums.h"
#include "base/utf8.h"
#include "store/usage.h"

enum {
    LOG_ROWS_DEFAULT = 200,
    LOG_ROWS_MAX = 1000,
    LOG_CHARS = 2000, /* of one message */
};

/* --- usage.cost ---------------------------------------------------------------------------------------------------- */

struct costs {
    const config_t *config;
    struct usage_totals totals, of_day;
    int64_t day; /* in hand; -1: none yet */
    int64_t rows;
    struct buf *out;
};

static void end_day(struct costs *c)
{
    char date[USAGE_DATE_SIZE];
    if (c->day < 0) return;
    usage_date(c->day, date);
    buf_json_comma(c->out);
    buf_char(c->out, '{');
    buf_json_pair_str(c->out, "date", str_of(date));
    usage_totals_write(&c->of_day, c->out);
    buf_char(c->out, '}');
    usage_totals_merge(&c->totals, &c->of_day);
    c->of_day = (struct usage_totals){ 0 };
}

static int add_cost(void *ctx, const struct usage_row *row)
{
    struct costs *c = ctx;
    if (row->day != c->day) end_day(c);
    c->day = row->day;
    c->rows++;
    usage_totals_add(&c->of_day, c->config, row->provider, row->model, &row->used);
    return c->out->err;
}

static int usage_cost(struct rpc_call *call)
{
    struct usage_days days = usage_days_asked(call);
    struct costs c = { .config = call->config, .day = -1, .out = call->out };
    int64_t before;
    int rc;
    buf_char(call->out, '{');
    buf_json_pair_int(call->out, "updatedAt", call->now_ms);
    buf_json_pair_int(call->out, "days", days.last >= days.first ? days.last - days.first + 2 : 0); /* OpenClaw counts one more */
    buf_json_key(call->out, "daily");
    buf_char(call->out, '[');
    do {
        before = c.rows;
        rc = usage_sum(call->store, days.first, days.last, true, before, add_cost, &c);
    } while (rc == 0 && c.rows - before == STORE_LIST_MAX);
    end_day(&c);
    buf_text(call->out, "],\"totals\":{");
    usage_totals_write(&c.totals, call->out);
    buf_text(call->out, "}}");
    return rc;
}

/* No provider is asked for its quota. */
static int usage_status(struct rpc_call *call)
{
    buf_char(call->out, '{');
    buf_json_pair_int(call->out, "updatedAt", call->now_ms);
    buf_text(call->out, ",\"providers\":[]}");
    return 0;
}

/* --- sessions.usage.timeseries -------------------------------------------------------------------------------------- */

struct point {
    int64_t timestamp;
    struct usage_totals used;
};

/* At most QUERY_USAGE_POINTS; when they are full, each two become one and each later turn counts for as many more. */
struct curve {
    const config_t *config;
    struct point points[QUERY_USAGE_POINTS];
    size_t count;
    size_t each, in_last; /* turns in a point, and in the last one so far */
};

static void halve(struct curve *c)
{
    for (size_t i = 0; i < c->count / 2; i++) {
        struct point p = c->points[2 * i + 1];
        usage_totals_merge(&p.used, &c->points[2 * i].used);
        c->points[i] = p;
    }
    c->count /= 2;
    c->each *= 2;
    c->in_last = c->each;
}

static int add_point(void *ctx, const struct session_turn_row *row)
{
    struct curve *c = ctx;
    struct str model = row->model_answered;
    struct str provider = str_split(&model, '/');
    if (row->used.input == 0 && row->used.output == 0) return 0;
    bool begin = c->count == 0 || c->in_last == c->each;
    if (begin && c->count == QUERY_USAGE_POINTS) halve(c);
    if (begin) {
        c->points[c->count++] = (struct point){ 0 };
        c->in_last = 0;
    }
    struct point *p = &c->points[c->count - 1];
    p->timestamp = row->ended_ms;
    usage_totals_add(&p->used, c->config, provider, model, &row->used);
    c->in_last++;
    return 0;
}

static void write_curve(const struct curve *c, struct buf *out)
{
    struct usage_totals sum = { 0 };
    buf_json_key(out, "points");
    buf_char(out, '[');
    for (size_t i = 0; i < c->count; i++) {
        const struct usage_totals *used = &c->points[i].used;
        usage_totals_merge(&sum, used);
        buf_json_comma(out);
        buf_char(out, '{');
        buf_json_pair_int(out, "timestamp", c->points[i].timestamp);
        usage_tokens_write(used, out);
        usage_money(out, "cost", usage_totals_cost(used));
        buf_json_pair_int(out, "cumulativeTokens", sum.tokens);
        usage_money(out, "cumulativeCost", usage_totals_cost(&sum));
        buf_char(out, '}');
    }
    buf_char(out, ']');
}

static int timeseries(struct rpc_call *call)
{
    struct session_list list;
    struct str key = rpc_str(call, "key");
    struct curve *c = calloc(1, sizeof *c);
    if (!c) return GW_ENOMEM;
    c->config = call->config;
    c->each = 1;
    int rc = session_list_one(call->config, call->store, key, &list);
    bool any = rc == 0 && list.count == 1 && list.rows[0]->last_seq > 0;
    if (rc == 0 && !any) rc = rpc_fail(call, "INVALID_REQUEST", "No transcript found for session: %.*s", STR_ARG(key));
    if (any) {
        const struct session_span span = { list.rows[0]->id, 0, INT64_MAX };
        rc = session_turns(call->store, &span, add_point, c);
        buf_char(call->out, '{');
        buf_json_pair_str(call->out, "sessionId", list.rows[0]->uuid);
        write_curve(c, call->out);
        buf_char(call->out, '}');
    }
    session_list_free(&list);
    free(c);
    return rc;
}

/* --- sessions.usage.logs -------------------------------------------------------------------------------------------- */

struct logs { /* newest first; each item's end in `text` */
    const config_t *config;
    struct buf text;
    size_t ends[LOG_ROWS_MAX];
    size_t count;
};

static void write_use(struct logs *l, const struct message_words *words)
{
    struct usage_totals used = { 0 };
    struct str model = buf_str(&words->model);
    struct str provider = str_split(&model, '/');
    usage_totals_add(&used, l->config, provider, model, &words->used);
    buf_json_pair_int(&l->text, "tokens", used.tokens);
    usage_money(&l->text, "cost", usage_totals_cost(&used));
}

static int add_log(void *ctx, const struct message_row *row)
{
    struct logs *l = ctx;
    struct message_words words;
    struct buf cut = { 0 };
    if (row->kind != MESSAGE_CHAT || l->count == LOG_ROWS_MAX) return 0;
    int rc = message_words_read(row, MESSAGE_NAMES_MAX, &words);
    if (words.text.n == 0 && words.tools.n) buf_printf(&words.text, "[Tool: %.*s]", STR_ARG(buf_str(&words.tools)));
    if (rc == 0 && words.text.n) {
        struct str text = buf_str(&words.text);
        message_cut(text, LOG_CHARS, "…", &cut);
        buf_char(&l->text, '{');
        buf_json_pair_int(&l->text, "timestamp", words.timestamp);
        buf_json_pair_str(&l->text, "role", row->role);
        buf_json_pair_str(&l->text, "content", buf_str(&cut));
        if (words.counted) write_use(l, &words);
        buf_char(&l->text, '}');
        l->ends[l->count++] = l->text.n;
    }
    message_words_free(&words);
    buf_free(&cut);
    return l->text.err;
}

static int usage_logs(struct rpc_call *call)
{
    struct session_list list;
    int64_t limit = rpc_int(call, "limit", LOG_ROWS_DEFAULT);
    struct logs *l = calloc(1, sizeof *l);
    if (!l) return GW_ENOMEM;
    l->config = call->config;
    int rc = session_list_one(call->config, call->store, rpc_str(call, "key"), &list);
    const struct message_page page = { .session = list.count ? list.rows[0]->id : 0,
                                       .limit = (int)(limit < 1              ? 1
                                                      : limit > LOG_ROWS_MAX ? LOG_ROWS_MAX
                                                                             : limit),
                                       .bytes_max = QUERY_LOOK_BYTES };
    if (rc == 0 && list.count) rc = messages_newest(call->store, &page, add_log, l);
    buf_text(call->out, "{\"logs\":[");
    for (size_t i = l->count; i-- > 0;) {
        size_t from = i ? l->ends[i - 1] : 0;
        buf_json_comma(call->out);
        buf_add(call->out, (struct str){ l->text.p + from, l->ends[i] - from });
    }
    buf_text(call->out, "]}");
    session_list_free(&list);
    buf_free(&l->text);
    free(l);
    return rc;
}

const struct rpc_handler query_cost_handlers[] = {
    { RPC_usage_cost, usage_cost },
    { RPC_usage_status, usage_status },
    { RPC_sessions_usage_timeseries, timeseries },
    { RPC_sessions_usage_logs, usage_logs },
    { RPC_none, NULL },
};
