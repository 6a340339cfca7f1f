/* Jobs by the clock as the store keeps them: a time is begun once, the run log is bounded. */
#include "store/cron_rows.h"
#include "store/session_life.h"
#include "store_fixture.h"

TestSuite(store_cron, .init = fixture_setup, .fini = fixture_teardown, .timeout = 60);

static int write_job(void *ctx, const struct cron_job_row *row)
{
    buf_printf(ctx, "%.*s:%d:%.*s:%.*s ", STR_ARG(row->id), row->configured, STR_ARG(row->json), STR_ARG(row->state));
    return 0;
}

static int write_run(void *ctx, const struct cron_run_row *row)
{
    buf_printf(ctx, "%.*s/%d@%lld=%.*s ", STR_ARG(row->job), (int)row->kind, (long long)row->slot_ms, STR_ARG(row->json));
    return 0;
}

static void expect(int rc, struct buf *text, const char *expected)
{
    cr_expect_eq(rc, 0);
    cr_expect_str_eq(buf_cstr(text), expected);
    buf_free(text);
}

Test(store_cron, jobs_are_written_over_and_deleted)
{
    store_t *store = fixture_open(NULL, 0, NULL);
    struct buf text = { 0 };
    const struct cron_job_row a = { STR("a"), true, STR("{}"), STR("{\"n\":1}") }, b = { STR("b"), false, STR("{}"), STR("{}") };
    const struct cron_job_row again = { STR("a"), true, STR("{\"x\":1}"), STR("{\"n\":2}") },
                              empty = { STR(""), false, STR("{}"), STR("{}") };
    cr_assert(cron_job_save(store, &b) == 0 && cron_job_save(store, &a) == 0 && cron_job_save(store, &again) == 0);
    cr_expect_eq(cron_job_save(store, &empty), GW_EINVAL);
    expect(cron_jobs_each(store, write_job, &text), &text, "a:1:{\"x\":1}:{\"n\":2} b:0:{}:{} ");
    cr_assert(cron_job_remove(store, STR("b")) == 0 && cron_job_remove(store, STR("nope")) == 0);
    expect(cron_jobs_each(store, write_job, &text), &text, "a:1:{\"x\":1}:{\"n\":2} ");
    store_close(&store);
}

Test(store_cron, a_time_is_begun_once_for_each_kind)
{
    store_t *store = fixture_open(NULL, 0, NULL);
    struct buf text = { 0 };
    struct cron_run_row run = { STR("a"), CRON_RUN_SLOT, 1000, STR("{}") }, other = { STR("a"), CRON_RUN_FORCED, 1000, STR("{}") };
    cr_expect_eq(cron_run_begin(store, &run, NOW), 0);
    cr_expect_eq(cron_run_begin(store, &run, NOW), GW_EEXIST);
    cr_expect_eq(cron_run_begin(store, &other, NOW), 0, "asked for by hand at that very moment");
    expect(cron_runs_open(store, write_run, &text), &text, "a/0@1000={} a/1@1000={} ");
    run.json = STR("{\"status\":\"ok\"}");
    cr_expect_eq(cron_run_end(store, &run, NOW), 0);
    cr_expect_eq(cron_run_end(store, &run, NOW), 0, "told twice");
    cr_expect_eq(cron_run_begin(store, &run, NOW), GW_EEXIST);
    expect(cron_runs_open(store, write_run, &text), &text, "a/1@1000={} ");
    expect(cron_runs_list(store, STR("a"), 10, write_run, &text), &text, "a/0@1000={\"status\":\"ok\"} ");
    store_close(&store);
}

Test(store_cron, the_newest_runs_are_kept)
{
    store_t *store = fixture_open(NULL, 0, NULL);
    struct buf text = { 0 };
    cr_assert_eq(store_begin(store), 0);
    for (int i = 1; i <= STORE_CRON_RUNS_KEPT + 5; i++) {
        const struct cron_run_row run = { STR("a"), CRON_RUN_SLOT, i, STR("{}") };
        cr_assert_eq(cron_run_end(store, &run, NOW + i), 0);
    }
    cr_assert_eq(store_commit(store), 0);
    expect(cron_runs_list(store, STR("a"), 2, write_run, &text), &text, "a/0@2004={} a/0@2005={} ");
    cr_assert_eq(cron_runs_list(store, STR("a"), 5000, write_run, &text), 0);
    cr_expect(str_starts(buf_str(&text), STR("a/0@6={} ")), "the first five made room");
    buf_free(&text);
    cr_assert_eq(cron_runs_prune(store, NOW + STORE_CRON_RUNS_KEPT + 5), 0);
    expect(cron_runs_list(store, STR("a"), 5000, write_run, &text), &text, "a/0@2005={} ");
    store_close(&store);
}

static int note_session(void *ctx, int64_t session)
{
    buf_printf(ctx, "%lld ", (long long)session);
    return 0;
}

/* A turn of a session, ended or not. @return the session's number */
static int64_t turn_of(store_t *store, int64_t turn, const char *key, bool ends)
{
    struct turn_new t = fixture_turn(turn, key, "");
    struct turn_accepted accepted;
    cr_assert_eq(turns_accept(store, &t, &accepted), 0);
    const struct turn_end end = { .id = turn, .state = TURN_DONE, .now_ms = NOW };
    if (ends) cr_assert_eq(turns_finish(store, &end, NULL), 0);
    return accepted.session;
}

Test(store_cron, only_old_sessions_of_single_runs_go)
{
    store_t *store = fixture_open(NULL, 0, NULL);
    struct buf text = { 0 };
    char expected[64];
    int64_t a = turn_of(store, 1, "agent:a:cron:j:run:1", true), b = turn_of(store, 2, "agent:a:cron:j:run:2", true);
    turn_of(store, 3, "agent:a:cron:j:run:3", false); /* it runs still */
    turn_of(store, 4, "agent:a:main", true);
    turn_of(store, 5, "agent:a:cron:j", true);
    cr_assert_eq(session_old_runs(store, NOW, 10, note_session, &text), 0);
    cr_expect_str_eq(buf_cstr(&text), "", "none is older than that");
    cr_assert_eq(session_old_runs(store, NOW + 1000, 10, note_session, &text), 0);
    snprintf(expected, sizeof expected, "%lld %lld ", (long long)a, (long long)b);
    cr_expect_str_eq(buf_cstr(&text), expected);
    buf_clear(&text);
    cr_assert_eq(session_old_runs(store, NOW + 1000, 1, note_session, &text), 0);
    snprintf(expected, sizeof expected, "%lld ", (long long)a);
    cr_expect_str_eq(buf_cstr(&text), expected, "no more than asked for");
    buf_free(&text);
    store_close(&store);
}
