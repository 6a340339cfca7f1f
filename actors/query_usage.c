/* query_usage.c -- sessions.usage: what each session used within some days, and the sums. */
#include <stdio.h>
#include <stdlib.h>

#include "actors/query_tables.h"
#include "actors/query_usage.h"
#include "actors/session_list.h"
#include "actors/session_view.h"
#include "actors/usage_sums.h"

struct usage_days usage_days_asked(const struct rpc_call *call)
{
    int64_t today = call->now_ms / QUERY_DAY_MS, first = usage_day_of(rpc_str(call, "startDate")),
            last = usage_day_of(rpc_str(call, "endDate"));
    int64_t days = rpc_int(call, "days", QUERY_USAGE_DAYS);
    if (first >= 0 && last >= 0) return (struct usage_days){ first, last };
    if (days < 1) days = 1;
    return (struct usage_days){ days > today ? 0 : today - days + 1, today };
}

/* --- reading: each row counts for its session and for all ----------------------------------------------------------- */

struct reading {
    const config_t *config;
    struct usage_sums *one, *all;
};

static int on_turn(void *ctx, const struct session_turn_row *row)
{
    const struct reading *r = ctx;
    usage_sums_turn(r->one, r->config, row);
    usage_sums_turn(r->all, r->config, row);
    return 0;
}

static int on_day(void *ctx, const struct session_day_row *row)
{
    const struct reading *r = ctx;
    usage_sums_day(r->one, row);
    usage_sums_day(r->all, row);
    return 0;
}

static int on_tool(void *ctx, const struct session_tool_row *row)
{
    const struct reading *r = ctx;
    usage_sums_tool(r->one, row->name, row->calls);
    usage_sums_tool(r->all, row->name, row->calls);
    return 0;
}

static int read_session(const struct rpc_call *call, const struct session_view *view, struct usage_days days, struct usage_sums *one,
                        struct usage_sums *all)
{
    static const struct str none = { "", 0 };
    struct reading r = { call->config, one, all };
    const struct session_span span = { view->row->id, days.first * QUERY_DAY_MS, (days.last + 1) * QUERY_DAY_MS - 1 };
    int rc = session_days(call->store, &span, on_day, &r);
    if (rc == 0 && one->first_ms) rc = session_turns(call->store, &span, on_turn, &r);
    if (rc == 0 && one->counts.tool_results) rc = session_tools(call->store, &span, on_tool, &r);
    if (rc || one->first_ms == 0) return rc;
    struct usage_group *agent = usage_group(all, &all->agents, 0, view->agent, none);
    struct usage_group *channel = view->channel.n ? usage_group(all, &all->channels, 0, view->channel, none) : NULL;
    if (agent) usage_totals_merge(&agent->totals, &one->totals);
    if (channel) usage_totals_merge(&channel->totals, &one->totals);
    return one->memory.err ? one->memory.err : all->memory.err;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

static void pair_date(struct buf *out, const char *key, int64_t day)
{
    char date[USAGE_DATE_SIZE];
    usage_date(day, date);
    buf_json_pair_str(out, key, str_of(date));
}

static void open_list(struct buf *out, const char *key)
{
    buf_json_key(out, key);
    buf_char(out, '[');
}

static void open_item(struct buf *out)
{
    buf_json_comma(out);
    buf_char(out, '{');
}

static int earlier(const void *a, const void *b)
{
    const struct usage_group *x = a, *y = b;
    return (x->day > y->day) - (x->day < y->day);
}

static int more_tokens(const void *a, const void *b)
{
    const struct usage_group *x = a, *y = b;
    if (x->totals.tokens != y->totals.tokens) return x->totals.tokens < y->totals.tokens ? 1 : -1;
    return (x->count < y->count) - (x->count > y->count);
}

static void sort(struct usage_groups *groups, int (*order)(const void *, const void *))
{
    if (groups->count > 1) qsort(groups->at, groups->count, sizeof *groups->at, order);
}

static void write_tools(struct usage_sums *sums, struct buf *out)
{
    int64_t calls = 0;
    sort(&sums->tools, more_tokens);
    for (size_t i = 0; i < sums->tools.count; i++) calls += sums->tools.at[i].count;
    buf_char(out, '{');
    buf_json_pair_int(out, "totalCalls", calls);
    buf_json_pair_int(out, "uniqueTools", (int64_t)sums->tools.count);
    open_list(out, "tools");
    for (size_t i = 0; i < sums->tools.count; i++) {
        open_item(out);
        buf_json_pair_str(out, "name", sums->tools.at[i].name);
        buf_json_pair_int(out, "count", sums->tools.at[i].count);
        buf_char(out, '}');
    }
    buf_text(out, "]}");
}

/* Totals by name: {<name>, <second>?, count?, totals}. */
static void write_totals(struct usage_groups *groups, const char *list, const char *name, const char *second, bool counted, struct buf *out)
{
    sort(groups, more_tokens);
    open_list(out, list);
    for (size_t i = 0; i < groups->count; i++) {
        const struct usage_group *g = &groups->at[i];
        open_item(out);
        buf_json_pair_str(out, name, g->name);
        if (second) buf_json_pair_str(out, second, g->model);
        if (counted) buf_json_pair_int(out, "count", g->count);
        buf_json_key(out, "totals");
        buf_char(out, '{');
        usage_totals_write(&g->totals, out);
        buf_text(out, "}}");
    }
    buf_char(out, ']');
}

static void write_model_days(struct usage_groups *groups, const char *list, struct buf *out)
{
    sort(groups, earlier);
    open_list(out, list);
    for (size_t i = 0; i < groups->count; i++) {
        const struct usage_group *g = &groups->at[i];
        open_item(out);
        pair_date(out, "date", g->day);
        buf_json_pair_str(out, "provider", g->name);
        buf_json_pair_str(out, "model", g->model);
        buf_json_pair_int(out, "tokens", g->totals.tokens);
        usage_money(out, "cost", usage_totals_cost(&g->totals));
        buf_json_pair_int(out, "count", g->count);
        buf_char(out, '}');
    }
    buf_char(out, ']');
}

static void write_daily_times(struct usage_sums *sums, bool p95_first, struct buf *out)
{
    open_list(out, "dailyLatency");
    for (size_t i = 0; i < sums->days.count; i++) {
        struct buf item = { 0 };
        buf_char(&item, '{');
        pair_date(&item, "date", sums->days.at[i].day);
        if (usage_times_write(sums, sums->days.at[i].day, p95_first, &item)) {
            buf_json_comma(out);
            buf_add(out, buf_str(&item));
            buf_char(out, '}');
        }
        buf_free(&item);
    }
    buf_char(out, ']');
}

static void write_times(struct usage_sums *sums, bool p95_first, struct buf *out)
{
    if (sums->time_count == 0) return;
    buf_json_key(out, "latency");
    buf_char(out, '{');
    usage_times_write(sums, -1, p95_first, out);
    buf_char(out, '}');
}

static void write_session_days(const struct usage_sums *sums, struct buf *out)
{
    open_list(out, "activityDates");
    for (size_t i = 0; i < sums->days.count; i++) {
        char date[USAGE_DATE_SIZE];
        usage_date(sums->days.at[i].day, date);
        buf_json_comma(out);
        buf_json_str(out, str_of(date));
    }
    buf_char(out, ']');
    open_list(out, "dailyBreakdown");
    for (size_t i = 0; i < sums->days.count; i++) {
        open_item(out);
        pair_date(out, "date", sums->days.at[i].day);
        buf_json_pair_int(out, "tokens", sums->days.at[i].totals.tokens);
        usage_money(out, "cost", usage_totals_cost(&sums->days.at[i].totals));
        buf_char(out, '}');
    }
    buf_char(out, ']');
    open_list(out, "dailyMessageCounts");
    for (size_t i = 0; i < sums->days.count; i++) {
        open_item(out);
        pair_date(out, "date", sums->days.at[i].day);
        usage_counts_write(&sums->days.at[i].counts, out);
        buf_char(out, '}');
    }
    buf_char(out, ']');
}

static void write_usage(const struct rpc_call *call, const struct session_view *view, struct usage_sums *sums)
{
    struct buf *out = call->out;
    sort(&sums->days, earlier);
    buf_json_key(out, "usage");
    buf_char(out, '{');
    buf_json_pair_str(out, "sessionId", view->row->uuid);
    buf_json_pair_str(out, "sessionFile", str_of(store_path(call->store)));
    buf_json_pair_int(out, "firstActivity", sums->first_ms);
    buf_json_pair_int(out, "lastActivity", sums->last_ms);
    buf_json_pair_int(out, "durationMs", sums->last_ms - sums->first_ms);
    write_session_days(sums, out);
    write_daily_times(sums, true, out);
    write_model_days(&sums->model_days, "dailyModelUsage", out);
    buf_json_key(out, "messageCounts");
    buf_char(out, '{');
    usage_counts_write(&sums->counts, out);
    buf_char(out, '}');
    buf_json_key(out, "toolUsage");
    write_tools(sums, out);
    write_totals(&sums->models, "modelUsage", "provider", "model", true, out);
    write_times(sums, true, out);
    usage_totals_write(&sums->totals, out);
    buf_char(out, '}');
}

static void write_session(const struct rpc_call *call, const struct session_view *view, struct usage_sums *sums)
{
    struct buf *out = call->out;
    open_item(out);
    buf_json_pair_str(out, "key", view->row->key);
    if (view->row->label.n) buf_json_pair_str(out, "label", view->row->label);
    buf_json_pair_str(out, "sessionId", view->row->uuid);
    buf_json_pair_int(out, "updatedAt", view->row->updated_ms);
    buf_json_pair_str(out, "agentId", view->agent);
    if (view->channel.n) buf_json_pair_str(out, "channel", view->channel);
    if (view->channel.n && !view->group) buf_json_pair_str(out, "chatType", STR("direct"));
    if (view->row->provider.n) buf_json_pair_str(out, "providerOverride", view->row->provider);
    if (view->row->model.n) buf_json_pair_str(out, "modelOverride", view->row->model);
    buf_json_pair_str(out, "modelProvider", view->model.provider);
    buf_json_pair_str(out, "model", view->model.model);
    write_usage(call, view, sums);
    if (rpc_bool(call, "includeContextWeight", false)) buf_text(out, ",\"contextWeight\":null");
    buf_char(out, '}');
}

static void write_aggregates(struct usage_sums *all, struct buf *out)
{
    sort(&all->days, earlier);
    buf_text(out, ",\"totals\":{");
    usage_totals_write(&all->totals, out);
    buf_text(out, "},\"aggregates\":{\"messages\":{");
    usage_counts_write(&all->counts, out);
    buf_text(out, "},\"tools\":");
    write_tools(all, out);
    write_totals(&all->models, "byModel", "provider", "model", true, out);
    write_totals(&all->providers, "byProvider", "provider", NULL, true, out);
    write_totals(&all->agents, "byAgent", "agentId", NULL, false, out);
    write_totals(&all->channels, "byChannel", "channel", NULL, false, out);
    write_times(all, false, out);
    write_daily_times(all, false, out);
    write_model_days(&all->model_days, "modelDaily", out);
    open_list(out, "daily");
    for (size_t i = 0; i < all->days.count; i++) {
        const struct usage_group *g = &all->days.at[i];
        open_item(out);
        pair_date(out, "date", g->day);
        buf_json_pair_int(out, "tokens", g->totals.tokens);
        usage_money(out, "cost", usage_totals_cost(&g->totals));
        buf_json_pair_int(out, "messages", g->counts.user + g->counts.assistant);
        buf_json_pair_int(out, "toolCalls", g->counts.tool_results);
        buf_json_pair_int(out, "errors", g->counts.errors);
        buf_char(out, '}');
    }
    buf_text(out, "]}");
}

/* --- the method --------------------------------------------------------------------------------------------------- */

static int write_sessions(const struct rpc_call *call, const struct session_list *list, struct usage_days days, struct usage_sums *all)
{
    int64_t left = rpc_int(call, "limit", QUERY_USAGE_SESSIONS);
    int rc = 0;
    for (size_t i = 0; i < list->count && left > 0 && rc == 0; i++) {
        struct session_view view;
        struct usage_sums one = { 0 };
        session_view_open(&view, call->config, list->rows[i]);
        rc = read_session(call, &view, days, &one, all);
        if (rc == 0 && one.first_ms) { /* nothing was said within these days: not a session of theirs */
            write_session(call, &view, &one);
            left--;
        }
        usage_sums_free(&one);
        session_view_close(&view);
    }
    return rc;
}

static int sessions_usage(struct rpc_call *call)
{
    struct session_list list;
    struct usage_sums all = { 0 };
    struct usage_days days = usage_days_asked(call);
    struct str key = rpc_str(call, "key");
    const struct session_wish wish = { .since_ms = days.first * QUERY_DAY_MS, .global = true, .unknown = true, .limit = SESSION_LIST_ROWS };
    int rc = key.n ? session_list_one(call->config, call->store, key, &list) : session_list_read(call->config, call->store, &wish, &list);
    buf_char(call->out, '{');
    buf_json_pair_int(call->out, "updatedAt", call->now_ms);
    pair_date(call->out, "startDate", days.first);
    pair_date(call->out, "endDate", days.last);
    open_list(call->out, "sessions");
    if (rc == 0) rc = write_sessions(call, &list, days, &all);
    buf_char(call->out, ']');
    write_aggregates(&all, call->out);
    buf_char(call->out, '}');
    usage_sums_free(&all);
    session_list_free(&list);
    return rc;
}

const struct rpc_handler query_usage_handlers[] = {
    { RPC_sessions_usage, sessions_usage },
    { RPC_none, NULL },
};
