/* sessions.usage, its curve and its log, usage.cost and usage.status over a real store. */
#include "session_fixture.h"

#include "actors/query_usage.h"
#include "actors/usage_sums.h"

TestSuite(query_usage, .init = fixture_setup, .fini = fixture_teardown, .timeout = 60);

#define PRICED                                                                                                                             \
    "{models: {providers: {demo: {api: 'demo', models: [{id: 'echo', name: 'e', cost: {input: 1000000, output: 2000000, cacheRead: "       \
    "0, cacheWrite: 0}}]}}}}"

Test(query_usage, days_are_read_and_written_in_utc)
{
    char date[USAGE_DATE_SIZE];
    usage_date(NOW / QUERY_DAY_MS, date);
    cr_assert_str_eq(date, "2026-01-01");
    cr_assert_eq(usage_day_of(STR("2026-01-01")), NOW / QUERY_DAY_MS);
    cr_assert_eq(usage_day_of(STR("2024-02-29")), usage_day_of(STR("2024-03-01")) - 1);
    static const char *const wrong[] = { "", "2026-02-30", "2026-1-1", "2026-01-01x", "x026-01-01", "1969-12-31" };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) cr_assert_eq(usage_day_of(str_of(wrong[i])), -1, "%s", wrong[i]);
}

Test(query_usage, what_a_session_used_has_the_fields_of_a_recorded_answer)
{
    struct desk d = desk_open("{}");
    desk_turn(&d, "agent:main:main", "a", "b", NOW);
    desk_append(&d, "agent:main:main", "toolResult", "{\"role\":\"toolResult\",\"toolName\":\"exec\",\"content\":[]}", NOW);
    json_t *r = desk_call(&d, RPC_sessions_usage, "{\"startDate\":\"2026-01-01\",\"endDate\":\"2026-01-01\"}");
    cr_assert_str_eq(desk_names(r), "updatedAt startDate endDate sessions totals aggregates ");
    cr_assert_str_eq(desk_names(desk_at(r, "totals")), "input output cacheRead cacheWrite totalTokens totalCost inputCost outputCost "
                                                       "cacheReadCost cacheWriteCost missingCostEntries ");
    cr_assert_str_eq(desk_names(desk_at(r, "aggregates")),
                     "messages tools byModel byProvider byAgent byChannel latency dailyLatency modelDaily daily ");
    cr_assert_str_eq(desk_names(desk_at(r, "sessions.0")), "key sessionId updatedAt agentId channel chatType modelProvider model usage ");
    cr_assert_str_eq(desk_names(desk_at(r, "sessions.0.usage")),
                     "sessionId sessionFile firstActivity lastActivity durationMs activityDates dailyBreakdown dailyMessageCounts "
                     "dailyLatency dailyModelUsage messageCounts toolUsage modelUsage latency input output cacheRead cacheWrite "
                     "totalTokens totalCost inputCost outputCost cacheReadCost cacheWriteCost missingCostEntries ");
    cr_assert_str_eq(desk_names(desk_at(r, "sessions.0.usage.latency")), "count avgMs p95Ms minMs maxMs ");
    cr_assert_str_eq(desk_names(desk_at(r, "aggregates.latency")), "count avgMs minMs maxMs p95Ms ");
    cr_assert_str_eq(desk_names(desk_at(r, "aggregates.daily.0")), "date tokens cost messages toolCalls errors ");
    cr_assert_str_eq(desk_names(desk_at(r, "aggregates.modelDaily.0")), "date provider model tokens cost count ");
    cr_assert_eq(desk_int(r, "totals.input"), 93, "what came from a cache is no input of OpenClaw's");
    cr_assert_eq(desk_int(r, "totals.totalTokens"), 120);
    cr_assert_eq(desk_int(r, "totals.missingCostEntries"), 1, "the demo has no price");
    cr_assert_eq(desk_int(r, "sessions.0.usage.messageCounts.total"), 2);
    cr_assert_eq(desk_int(r, "sessions.0.usage.latency.p95Ms"), 1000);
    cr_assert_str_eq(desk_text(r, "aggregates.tools.tools.0.name"), "exec");
    cr_assert_str_eq(desk_text(r, "aggregates.byAgent.0.agentId"), "main");
    cr_assert_str_eq(desk_text(r, "aggregates.byChannel.0.channel"), "webchat");
    cr_assert_str_eq(desk_text(r, "sessions.0.usage.activityDates.0"), "2026-01-01");
    json_decref(r);
    desk_close(&d);
}

Test(query_usage, only_the_asked_days_and_sessions_count)
{
    struct desk d = desk_open("{}");
    desk_turn(&d, "agent:main:a", "a", "b", NOW - QUERY_DAY_MS);
    desk_turn(&d, "agent:main:a", "a", "b", NOW);
    desk_turn(&d, "agent:main:b", "a", "b", NOW + 2000);
    json_t *r = desk_call(&d, RPC_sessions_usage, "{\"startDate\":\"2025-12-31\",\"endDate\":\"2025-12-31\"}");
    cr_assert_eq(json_array_size(desk_at(r, "sessions")), 1);
    cr_assert_eq(desk_int(r, "totals.totalTokens"), 120);
    json_decref(r);
    r = desk_call(&d, RPC_sessions_usage, "{\"limit\":1}");
    cr_assert_eq(json_array_size(desk_at(r, "sessions")), 1);
    cr_assert_str_eq(desk_text(r, "sessions.0.key"), "agent:main:b");
    cr_assert_str_eq(desk_text(r, "startDate"), "2025-12-03");
    json_decref(r);
    r = desk_call(&d, RPC_sessions_usage, "{\"key\":\"a\",\"includeContextWeight\":true}");
    cr_assert_eq(desk_int(r, "totals.totalTokens"), 240);
    cr_assert(json_is_null(desk_at(r, "sessions.0.contextWeight")));
    json_decref(r);
    r = desk_call(&d, RPC_sessions_usage, "{\"key\":\"nope\"}");
    cr_assert_eq(json_array_size(desk_at(r, "sessions")), 0);
    json_decref(r);
    desk_close(&d);
}

Test(query_usage, a_price_gives_a_cost)
{
    struct desk d = desk_open(PRICED);
    desk_turn(&d, "agent:main:main", "a", "b", NOW);
    json_t *r = desk_call(&d, RPC_usage_cost, "{}");
    cr_assert_str_eq(desk_names(r), "updatedAt days daily totals ");
    cr_assert_eq(desk_int(r, "days"), 31);
    cr_assert_str_eq(desk_text(r, "daily.0.date"), "2026-01-01");
    cr_assert_eq(json_number_value(desk_at(r, "totals.inputCost")), 93.0);
    cr_assert_eq(json_number_value(desk_at(r, "totals.outputCost")), 40.0);
    cr_assert_eq(json_number_value(desk_at(r, "totals.totalCost")), 133.0);
    cr_assert_eq(desk_int(r, "totals.missingCostEntries"), 0);
    json_decref(r);
    desk_close(&d);
}

Test(query_usage, the_cost_of_days_without_use_is_empty)
{
    struct desk d = desk_open("{}");
    json_t *r = desk_call(&d, RPC_usage_cost, "{\"startDate\":\"2026-01-01\",\"endDate\":\"2026-01-01\"}");
    cr_assert_eq(desk_int(r, "days"), 2);
    cr_assert_eq(json_array_size(desk_at(r, "daily")), 0);
    json_decref(r);
    r = desk_call(&d, RPC_usage_status, "{}");
    cr_assert_str_eq(desk_names(r), "updatedAt providers ");
    json_decref(r);
    desk_close(&d);
}

Test(query_usage, a_curve_adds_up_and_has_a_bound)
{
    struct desk d = desk_open("{}");
    cr_assert(store_begin(d.store) == 0);
    for (int i = 0; i < QUERY_USAGE_POINTS; i++) desk_turn(&d, "agent:main:main", "a", "b", NOW + i * 2000);
    cr_assert(store_commit(d.store) == 0);
    json_t *r = desk_call(&d, RPC_sessions_usage_timeseries, "{\"key\":\"main\"}");
    cr_assert_str_eq(desk_names(r), "sessionId points ");
    cr_assert_str_eq(desk_names(desk_at(r, "points.0")),
                     "timestamp input output cacheRead cacheWrite totalTokens cost cumulativeTokens cumulativeCost ");
    cr_assert_eq(json_array_size(desk_at(r, "points")), QUERY_USAGE_POINTS);
    cr_assert_eq(desk_int(r, "points.1.cumulativeTokens"), 240);
    json_decref(r);
    desk_turn(&d, "agent:main:main", "a", "b", NOW + QUERY_USAGE_POINTS * 2000);
    r = desk_call(&d, RPC_sessions_usage_timeseries, "{\"key\":\"main\"}");
    size_t n = json_array_size(desk_at(r, "points"));
    cr_assert_eq(n, QUERY_USAGE_POINTS / 2 + 1);
    const json_t *last = json_array_get(desk_at(r, "points"), n - 1);
    cr_assert_eq(desk_int(last, "cumulativeTokens"), 120 * (QUERY_USAGE_POINTS + 1));
    json_decref(r);
    desk_refused(&d, RPC_sessions_usage_timeseries, "{\"key\":\"agent:main:x\"}",
                 "INVALID_REQUEST: No transcript found for session: agent:main:x");
    desk_close(&d);
}

Test(query_usage, the_log_has_the_last_messages_with_their_tokens)
{
    struct desk d = desk_open("{}");
    desk_turn(&d, "agent:main:main", "what?", "that", NOW);
    json_t *r = desk_call(&d, RPC_sessions_usage_logs, "{\"key\":\"main\"}");
    cr_assert_str_eq(desk_names(desk_at(r, "logs.0")), "timestamp role content ");
    cr_assert_str_eq(desk_names(desk_at(r, "logs.1")), "timestamp role content tokens cost ");
    cr_assert_eq(desk_int(r, "logs.1.tokens"), 120);
    cr_assert_str_eq(desk_text(r, "logs.1.content"), "that");
    json_decref(r);
    r = desk_call(&d, RPC_sessions_usage_logs, "{\"key\":\"nope\"}");
    cr_assert_eq(json_array_size(desk_at(r, "logs")), 0);
    json_decref(r);
    desk_close(&d);
}
