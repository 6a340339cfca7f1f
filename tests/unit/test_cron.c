/* Jobs by the clock without a clock: what a job may be, and what the core does when. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "actors/cron_core.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json_read.h"

#define NOON INT64_C(1795348800000) /* 2026-11-22T12:00:00Z */
enum { MINUTE = 60000 };

/* --- times and schedules ------------------------------------------------------------------------------------------------------ */

Test(cron, reads_iso_times)
{
    static const struct {
        const char *text, *meant; /* NULL: none */
    } cases[] = {
        { "2026-11-22T15:19:30.407Z", "2026-11-22T15:19:30.407Z" },
        { "2026-11-22T15:19Z", "2026-11-22T15:19:00.000Z" },
        { "2026-11-22T15:19:30", "2026-11-22T15:19:30.000Z" },
        { "2026-11-22 15:19", "2026-11-22T15:19:00.000Z" },
        { "2026-11-22", "2026-11-22T00:00:00.000Z" },
        { "2026-11-22T07:00:00+07:00", "2026-11-22T00:00:00.000Z" },
        { "2026-11-22T07:00:00-0330", "2026-11-22T10:30:00.000Z" },
        { "1795360770407", "2026-11-22T15:19:30.407Z" },
        { "zzz", NULL },
        { "", NULL },
        { "2026-13-01", NULL },
        { "2026-04-31", NULL },
        { "2026-11-22T24:00", NULL },
        { "2026-11-22T15", NULL },
        { "2026-11-22T15:19:30.407Zulu", NULL },
        { "tomorrow", NULL },
        { "-1", NULL },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t ms = 0;
        char iso[CLOCK_ISO_SIZE] = "";
        bool good = cron_time_read(str_of(cases[i].text), &ms);
        cr_expect_eq(good, cases[i].meant != NULL, "\"%s\"", cases[i].text);
        if (good) clock_iso(ms, iso);
        if (cases[i].meant) cr_expect_str_eq(iso, cases[i].meant);
    }
}

static struct cron_job *make(const char *json, enum cron_origin origin, const char *refusal)
{
    struct cron_job *job = NULL;
    struct buf why = { 0 };
    const char *code;
    json_t *spec = json_loads(json, 0, NULL);
    cr_assert(spec, "%s", json);
    int rc = cron_job_create(spec, origin, "j1", NOON, &job, &why, &code);
    if (refusal)
        cr_expect(rc == GW_EINVAL && str_find(buf_str(&why), str_of(refusal)) >= 0, "%s: %s", json, buf_cstr(&why));
    else
        cr_expect_eq(rc, 0, "%s: %s", json, buf_cstr(&why));
    json_decref(spec);
    buf_free(&why);
    return job;
}

#define TURN ",\"sessionTarget\":\"isolated\",\"payload\":{\"kind\":\"agentTurn\",\"message\":\"go\"}}"
#define EVENT ",\"sessionTarget\":\"main\",\"payload\":{\"kind\":\"systemEvent\",\"text\":\"go\"}}"
#define HOURLY "{\"schedule\":{\"kind\":\"cron\",\"expr\":\"0 * * * *\"}"

Test(cron, a_job_is_what_openclaw_makes_of_it)
{
    struct buf text = { 0 };
    struct cron_job *job = make("{\"name\":\"n\",\"schedule\":{\"kind\":\"every\",\"everyMs\":3600000}" TURN, CRON_ADDED, NULL);
    cron_job_write(job, &text);
    cr_expect_str_eq(buf_cstr(&text),
                     "{\"id\":\"j1\",\"name\":\"n\",\"enabled\":true,\"createdAtMs\":1795348800000,\"updatedAtMs\":1795348800000,"
                     "\"schedule\":{\"kind\":\"every\",\"everyMs\":3600000,\"anchorMs\":1795348800000},\"sessionTarget\":\"isolated\","
                     "\"wakeMode\":\"now\",\"payload\":{\"kind\":\"agentTurn\",\"message\":\"go\"},"
                     "\"delivery\":{\"mode\":\"announce\",\"channel\":\"last\"},\"state\":{\"nextRunAtMs\":1795352400000}}");
    buf_free(&text);
    cron_job_destroy(&job);
    job = make("{\"name\":\"n\",\"schedule\":{\"kind\":\"at\",\"at\":\"2026-11-22T12:30:00Z\"}" EVENT, CRON_ADDED, NULL);
    cr_expect(job->delete_after && job->state.next_ms == NOON + 30 * MINUTE && !json_object_get(job->json, "delivery"));
    cron_job_destroy(&job);
    job = make("{\"schedule\":{\"kind\":\"every\",\"everyMs\":1000},\"sessionTarget\":\"isolated\",\"payload\":{\"kind\":\"agentTurn\","
               "\"message\":\"go\","
               "\"deliver\":true,\"channel\":\"discord\",\"to\":\"channel:1\"}}",
               CRON_ADDED, NULL);
    cr_expect(str_is(json_str(cron_job_delivery(job), "to"), "channel:1"), "the older form");
    cron_job_destroy(&job);
}

Test(cron, refuses_in_openclaws_words)
{
    make("{\"schedule\":{\"kind\":\"at\",\"at\":\"zzz\"}" EVENT, CRON_ADDED, "Invalid schedule.at: expected ISO-8601 timestamp (got zzz)");
    make("{\"schedule\":{\"kind\":\"at\",\"at\":\"2026-11-22T11:30:00Z\"}" EVENT, CRON_ADDED,
         "schedule.at is in the past: 2026-11-22T11:30:00.000Z (30 minutes ago). Current time: 2026-11-22T12:00:00.000Z");
    make("{\"schedule\":{\"kind\":\"cron\",\"expr\":\"0 9 * * *\",\"tz\":\"Moon/Base\"}" EVENT, CRON_ADDED,
         "Invalid time zone specified: Moon/Base");
    make("{\"schedule\":{\"kind\":\"every\",\"everyMs\":1000},\"sessionTarget\":\"main\",\"payload\":{\"kind\":\"agentTurn\",\"message\":"
         "\"x\"}}",
         CRON_ADDED, "Error: main cron jobs require payload.kind=\"systemEvent\"");
    make("{\"schedule\":{\"kind\":\"every\",\"everyMs\":1000},\"sessionTarget\":\"isolated\",\"payload\":{\"kind\":\"systemEvent\","
         "\"text\":\"x\"}}",
         CRON_ADDED, "Error: isolated cron jobs require payload.kind=\"agentTurn\"");
    make("{\"schedule\":{\"kind\":\"every\",\"everyMs\":1000},\"sessionTarget\":\"isolated\",\"payload\":{\"kind\":\"agentTurn\","
         "\"message\":\"x\"},"
         "\"delivery\":{\"mode\":\"webhook\",\"to\":\"ftp://x\"}}",
         CRON_ADDED, "valid http(s) URL");
    make("{\"schedule\":{\"kind\":\"every\",\"everyMs\":1000},\"sessionTarget\":\"main\",\"payload\":{\"kind\":\"systemEvent\",\"text\":\" "
         " \"}}",
         CRON_ADDED, "is empty");
    struct cron_job *job = make("{\"schedule\":{\"kind\":\"at\",\"at\":\"2026-11-22T11:30:00Z\"}" EVENT, CRON_CONFIGURED, NULL);
    cr_expect_eq(job->state.next_ms, -1, "an old time in the configuration is no error, and not made up for");
    cron_job_destroy(&job);
}

Test(cron, ids_are_names)
{
    cr_expect(cron_id_ok(STR("german-morning_2.0")) && cron_id_ok(STR("a")));
    cr_expect(!cron_id_ok(STR("")) && !cron_id_ok(STR("a:b")) && !cron_id_ok(STR("a b")) && !cron_id_ok(STR("ä")));
}

/* --- the core ------------------------------------------------------------------------------------------------------------------- */

struct stage { /* what the core did */
    cron_t *cron;
    struct cron_now now;
    struct buf log; /* a word for each call */
    int fail;       /* what record() answers */
    char run[RANDOM_UUID_SIZE];
    int runs;
};

static int record(void *ctx, const struct cron_record *r)
{
    struct stage *s = ctx;
    static const char *const phases[] = { "keep", "begin", "end" };
    if (s->fail) return s->fail;
    buf_printf(&s->log, "%s%s@%lld%s ", phases[r->phase],
               r->kind == CRON_RUN_SKIPPED  ? "-skipped"
               : r->kind == CRON_RUN_FORCED ? "-forced"
                                            : "",
               (long long)(r->slot_ms ? (r->slot_ms - NOON) / MINUTE : 0), r->keep == CRON_KEEP_GONE ? "-gone" : "");
    if (r->route.n) buf_printf(&s->log, "[%.*s|%.*s] ", STR_ARG(r->route), STR_ARG(r->text));
    return 0;
}

static void begin(void *ctx, const struct cron_job *job)
{
    struct stage *s = ctx;
    buf_text(&s->log, "work ");
    memcpy(s->run, job->run->id, sizeof s->run);
}

static void stop(void *ctx, const struct cron_job *job)
{
    struct stage *s = ctx;
    (void)job;
    buf_text(&s->log, "stop ");
}

static void tell(void *ctx, struct str json)
{
    struct stage *s = ctx;
    json_t *said = json_loadb(json.p, json.n, 0, NULL);
    cr_expect(said, "%.*s", STR_ARG(json));
    buf_printf(&s->log, "<%.*s> ", STR_ARG(json_str(said, "action")));
    json_decref(said);
}

static void last_route(void *ctx, const struct cron_job *job, struct buf *out)
{
    (void)ctx;
    (void)job;
    buf_text(out, "{\"channel\":\"discord\",\"account\":\"\",\"to\":\"channel:7\",\"replyTo\":\"9\"}");
}

static void uuid(void *ctx, char out[RANDOM_UUID_SIZE])
{
    struct stage *s = ctx;
    snprintf(out, RANDOM_UUID_SIZE, "00000000-0000-0000-0000-%012d", ++s->runs);
}

static struct stage S;

static void open_stage(enum cron_missed missed)
{
    const struct cron_ports ports = { &S, record, begin, stop, tell, last_route, uuid };
    const struct cron_rules rules = { .enabled = true, .missed = missed, .missed_max = 2 };
    S = (struct stage){ .now = { NOON, 1000000 } };
    cr_assert_eq(cron_create(&ports, &rules, &S.cron), 0);
}

static void close_stage(void)
{
    cron_destroy(&S.cron);
    buf_free(&S.log);
}

static struct cron_job *add(const char *json)
{
    struct buf why = { 0 };
    const char *code;
    struct cron_job *job;
    json_t *spec = json_loads(json, 0, NULL);
    cr_assert(spec, "%s", json);
    cr_assert_eq(cron_add(S.cron, spec, &S.now, &job, &why, &code), 0, "%s", buf_cstr(&why));
    json_decref(spec);
    buf_free(&why);
    return job;
}

static void pass(int64_t minutes)
{
    S.now.wall_ms += minutes * MINUTE;
    S.now.mono_ms += minutes * MINUTE;
    while (cron_tick(S.cron, &S.now) == 0) {
    }
}

static void end(bool ok, const char *text)
{
    const struct cron_end e = { .ok = ok, .text = str_of(text), .error = STR("broken"), .silent = text[0] == '\0' };
    cron_ended(S.cron, str_of(S.run), &e, &S.now);
}

static void did(const char *expected)
{
    cr_expect_str_eq(buf_cstr(&S.log), expected);
    buf_clear(&S.log);
}

Test(cron, a_time_is_written_down_before_and_after_its_work)
{
    open_stage(CRON_MISSED_ONCE);
    add(HOURLY TURN);
    did("keep@0 <added> ");
    pass(59);
    did("");
    pass(1);
    did("begin@60 <started> work ");
    end(true, "done");
    did("end@60 [{\"channel\":\"discord\",\"account\":\"\",\"to\":\"channel:7\"}|done] <finished> ");
    pass(30);
    did("");
    pass(30);
    did("begin@120 <started> work ");
    end(true, "");
    did("end@120 <finished> ");
    close_stage();
}

Test(cron, a_store_that_refuses_is_asked_again)
{
    open_stage(CRON_MISSED_ONCE);
    add(HOURLY TURN);
    did("keep@0 <added> ");
    S.fail = GW_EIO;
    S.now.wall_ms += 60 * MINUTE;
    S.now.mono_ms += 60 * MINUTE;
    cr_expect_eq(cron_tick(S.cron, &S.now), CRON_RETRY_MS);
    did("");
    S.fail = 0;
    cr_expect_eq(cron_tick(S.cron, &S.now), CRON_RETRY_MS);
    S.now.mono_ms += CRON_RETRY_MS;
    cron_tick(S.cron, &S.now);
    did("begin@60 <started> work ");
    S.fail = GW_EIO;
    end(true, "x");
    did("");
    S.fail = 0;
    S.now.mono_ms += CRON_RETRY_MS;
    cron_tick(S.cron, &S.now);
    did("work "); /* and is told the end again */
    end(true, "");
    did("end@60 <finished> ");
    close_stage();
}

Test(cron, a_time_that_was_begun_before_is_passed_by)
{
    open_stage(CRON_MISSED_ONCE);
    struct cron_job *job = add(HOURLY TURN);
    S.fail = GW_EEXIST;
    S.now.wall_ms += 60 * MINUTE;
    cr_expect_eq(cron_tick(S.cron, &S.now), 0);
    cr_expect(!job->run && job->state.next_ms == NOON + 120 * MINUTE);
    close_stage();
}

Test(cron, what_a_downtime_missed_goes_by_the_policy)
{
    static const struct {
        enum cron_missed missed;
        const char *first, *second;
    } cases[] = {
        { CRON_MISSED_ONCE, "end-skipped@240 begin@300 <started> work ", "" },
        { CRON_MISSED_SKIP, "end-skipped@300 ", "" },
        { CRON_MISSED_ALL, "end-skipped@180 begin@240 <started> work ", "begin@300 <started> work " },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        open_stage(cases[i].missed);
        add(HOURLY TURN);
        buf_clear(&S.log);
        pass(5 * 60 + 10);
        did(cases[i].first);
        if (cases[i].missed == CRON_MISSED_SKIP) {
            close_stage();
            continue;
        }
        end(true, "");
        buf_clear(&S.log);
        pass(1);
        did(cases[i].second);
        close_stage();
    }
}

Test(cron, a_long_run_and_errors_pass_times_over_and_say_so)
{
    open_stage(CRON_MISSED_ONCE);
    struct cron_job *job = add("{\"schedule\":{\"kind\":\"every\",\"everyMs\":60000}" TURN);
    buf_clear(&S.log);
    pass(1);
    did("begin@1 <started> work ");
    pass(3);
    did("");
    end(true, "");
    did("end-skipped@4 end@1 <finished> ");
    cr_expect_eq(job->state.next_ms, NOON + 5 * MINUTE);
    pass(1);
    did("begin@5 <started> work ");
    end(false, "");
    did("end@5 <finished> "); /* 30 s are not a minute */
    pass(1);
    end(false, "");
    did("begin@6 <started> work end-skipped@7 end@6 <finished> ");
    pass(2);
    end(false, "");
    did("begin@8 <started> work end-skipped@13 end@8 <finished> "); /* 5 minutes */
    cr_expect(job->state.errors == 3 && str_is(STR("error"), job->state.last_status) && strcmp(job->state.last_error, "broken") == 0);
    close_stage();
}

Test(cron, what_happens_once_is_gone_or_off_afterwards)
{
    open_stage(CRON_MISSED_ONCE);
    add("{\"schedule\":{\"kind\":\"at\",\"at\":\"2026-11-22T12:10:00Z\"}" EVENT);
    buf_clear(&S.log);
    pass(10);
    end(true, "told");
    did("begin@10 <started> work end@10-gone <finished> <removed> ");
    struct cron_job *job = add("{\"schedule\":{\"kind\":\"at\",\"at\":\"2026-11-22T12:20:00Z\"}" EVENT);
    buf_clear(&S.log);
    pass(10);
    end(false, "");
    did("begin@20 <started> work end@20 <finished> ");
    cr_expect(!job->enabled && job->state.next_ms == -1);
    close_stage();
}

Test(cron, a_run_that_takes_too_long_is_stopped)
{
    open_stage(CRON_MISSED_ONCE);
    struct cron_job *job =
        add(HOURLY ",\"sessionTarget\":\"isolated\",\"payload\":{\"kind\":\"agentTurn\",\"message\":\"go\",\"timeoutSeconds\":120}}");
    buf_clear(&S.log);
    pass(60);
    pass(10); /* it waits for its lane: that is not its time */
    did("begin@60 <started> work ");
    cron_started(S.cron, str_of(S.run), &S.now);
    pass(1);
    did("");
    pass(1);
    did("stop ");
    end(true, "after all");
    cr_expect_str_eq(job->state.last_error, "cron: job execution timed out");
    close_stage();
}

Test(cron, asked_for_by_hand)
{
    enum cron_ran how;
    open_stage(CRON_MISSED_ONCE);
    struct cron_job *job = add(HOURLY TURN);
    buf_clear(&S.log);
    cr_expect_eq(cron_force(S.cron, STR("nope"), false, &S.now, &how), GW_ENOENT);
    cr_expect(cron_force(S.cron, str_of(job->id), true, &S.now, &how) == 0 && how == CRON_NOT_DUE);
    cr_expect(cron_force(S.cron, str_of(job->id), false, &S.now, &how) == 0 && how == CRON_RUNS);
    cr_expect(cron_force(S.cron, str_of(job->id), false, &S.now, &how) == 0 && how == CRON_ALREADY_RUNS);
    end(true, "");
    did("begin-forced@0 <started> work end-forced@0 <finished> ");
    cr_expect_eq(job->state.next_ms, NOON + 60 * MINUTE);
    close_stage();
}

static void configure(const char *jobs)
{
    json_t *list = json_loads(jobs, 0, NULL);
    cr_assert(list, "%s", jobs);
    cron_configure(S.cron, list, &S.now);
    json_decref(list);
}

Test(cron, the_configurations_jobs_come_change_and_go)
{
    struct buf why = { 0 };
    const char *code;
    struct cron_job *out;
    bool removed;
    open_stage(CRON_MISSED_ONCE);
    configure(
        "[{\"id\":\"a\",\"schedule\":{\"kind\":\"cron\",\"expr\":\"0 * * * *\"},\"payload\":{\"kind\":\"agentTurn\",\"message\":\"go\"}}]");
    did("keep@0 <added> ");
    configure(
        "[{\"id\":\"a\",\"schedule\":{\"kind\":\"cron\",\"expr\":\"0 * * * *\"},\"payload\":{\"kind\":\"agentTurn\",\"message\":\"go\"}}]");
    did("");
    json_t *patch = json_loads("{\"enabled\":false}", 0, NULL);
    cr_expect_eq(cron_update(S.cron, STR("a"), patch, &S.now, &out, &why, &code), GW_EDENIED);
    cr_expect_eq(cron_remove(S.cron, STR("a"), &removed, &why), GW_EDENIED);
    pass(60);
    did("begin@60 <started> work ");
    configure("[{\"id\":\"a\",\"schedule\":{\"kind\":\"cron\",\"expr\":\"30 * * * "
              "*\"},\"payload\":{\"kind\":\"agentTurn\",\"message\":\"go\"}}]");
    did("keep@0 <updated> ");
    end(true, "");
    did("end@60 <finished> ");
    pass(30);
    did("begin@90 <started> work ");
    configure("[]");
    did(""); /* its run ends first */
    end(true, "");
    did("end@90-gone <finished> <removed> ");
    cr_expect(!cron_find(S.cron, STR("a")));
    json_decref(patch);
    buf_free(&why);
    close_stage();
}

Test(cron, a_patch_changes_what_it_names)
{
    struct buf why = { 0 };
    const char *code;
    struct cron_job *out, *job;
    open_stage(CRON_MISSED_ONCE);
    job = add("{\"name\":\"n\",\"schedule\":{\"kind\":\"cron\",\"expr\":\"0 * * * *\"}" TURN);
    char id[CRON_ID_SIZE];
    memcpy(id, job->id, sizeof id);
    json_t *patch =
        json_loads("{\"enabled\":false,\"payload\":{\"kind\":\"agentTurn\",\"model\":\"a/b\"},\"delivery\":{\"mode\":\"none\"}}", 0, NULL);
    cr_assert_eq(cron_update(S.cron, str_of(id), patch, &S.now, &out, &why, &code), 0);
    cr_expect(!out->enabled && str_is(cron_job_text(out), "go") && !cron_job_delivery(out));
    cr_expect(str_is(json_str(json_object_get(out->json, "payload"), "model"), "a/b"));
    pass(120);
    json_t *on = json_loads("{\"enabled\":true}", 0, NULL);
    cr_assert_eq(cron_update(S.cron, str_of(id), on, &S.now, &out, &why, &code), 0);
    cr_expect_eq(out->state.next_ms, NOON + 180 * MINUTE, "nothing is made up for of the time that it was off");
    json_t *bad = json_loads("{\"schedule\":{\"kind\":\"cron\",\"expr\":\"x\"}}", 0, NULL);
    cr_expect_eq(cron_update(S.cron, str_of(id), bad, &S.now, &out, &why, &code), GW_EINVAL);
    cr_expect(cron_find(S.cron, str_of(id))->state.next_ms == NOON + 180 * MINUTE, "bad input changes nothing");
    json_decref(patch);
    json_decref(on);
    json_decref(bad);
    buf_free(&why);
    close_stage();
}

Test(cron, there_is_a_bound_to_jobs)
{
    struct buf why = { 0 };
    const char *code;
    struct cron_job *job;
    open_stage(CRON_MISSED_ONCE);
    for (int i = 0; i < CRON_JOBS_MAX; i++) add(HOURLY TURN);
    json_t *spec = json_loads(HOURLY TURN, 0, NULL);
    cr_expect_eq(cron_add(S.cron, spec, &S.now, &job, &why, &code), GW_EFULL);
    json_decref(spec);
    buf_free(&why);
    close_stage();
}

Test(cron, texts_have_a_bound)
{
    struct buf spec = { 0 };
    for (int over = 0; over < 2; over++) {
        buf_clear(&spec);
        buf_text(&spec, "{\"schedule\":{\"kind\":\"every\",\"everyMs\":1000},\"sessionTarget\":\"isolated\",\"payload\":{\"kind\":"
                        "\"agentTurn\",\"message\":\"");
        for (int i = 0; i < CRON_TEXT_MAX + over; i++) buf_char(&spec, 'x');
        buf_text(&spec, "\"}}");
        struct cron_job *job = make(buf_cstr(&spec), CRON_ADDED, over ? "is longer than 65536 bytes" : NULL);
        cron_job_destroy(&job);
    }
    buf_free(&spec);
}

Test(cron, a_long_downtime_is_reported_in_steps)
{
    open_stage(CRON_MISSED_ONCE);
    struct cron_job *job = add("{\"schedule\":{\"kind\":\"every\",\"everyMs\":1000}" TURN);
    buf_clear(&S.log);
    S.now.wall_ms += (int64_t)CRON_WALK_MAX * 1000;
    cron_tick(S.cron, &S.now); /* just what is looked at in one step: the last of them runs */
    cr_expect(job->run && job->run->slot_ms == S.now.wall_ms && str_find(buf_str(&S.log), STR("end-skipped")) == 0, "%s", buf_cstr(&S.log));
    end(true, "");
    buf_clear(&S.log);
    S.now.wall_ms += (int64_t)(CRON_WALK_MAX + 2) * 1000;
    cron_tick(S.cron, &S.now);
    cr_expect(!job->run && str_starts(buf_str(&S.log), STR("end-skipped")), "one more is too much for a step: %s", buf_cstr(&S.log));
    cron_tick(S.cron, &S.now);
    cr_expect(job->run && job->run->slot_ms == S.now.wall_ms, "and then it goes on");
    close_stage();
}

Test(cron, a_clock_that_was_years_ahead_leaves_no_job_waiting)
{
    open_stage(CRON_MISSED_SKIP);
    struct cron_job *job = add(HOURLY TURN);
    struct cron_now ahead = { S.now.wall_ms + INT64_C(94608000000), S.now.mono_ms + 1000 };
    while (cron_tick(S.cron, &ahead) == 0) {
    }
    cr_expect_gt(job->state.next_ms, ahead.wall_ms);
    S.now.mono_ms += 2000;
    S.now.wall_ms += 2000;
    cron_tick(S.cron, &S.now);
    cr_expect_eq(job->state.next_ms, NOON + 60 * MINUTE);
    close_stage();
}
