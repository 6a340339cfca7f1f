/* Years of jobs by the clock, in a world that goes wrong: crashes before and after each write, downtimes, clocks that are set forward
 * and back, a store that refuses, runs that fail or take too long.
 *
 *   sim_cron [--years N] [--first S] [--seeds N] [-v]
 *
 * After it, each time that the schedule has must have been run once or reported as passed over, and what was begun has been worked
 * on once and has an end. It exits 1 at the first broken rule and prints the seed, the policy, the job and the time. */
#include <stdio.h>
#include <stdlib.h>

#include "actors/cron_core.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json_read.h"
#include "base/log.h"

enum { JOBS = 9, WORK_MAX = 64 };
#define DAY_MS INT64_C(86400000)
#define START_MS INT64_C(1798761600000) /* 2027-01-01 */

struct kept_run {
    UT_hash_handle hh, by_run;
    char key[96]; /* job, kind, slot */
    int job;
    int kind;
    int64_t slot_ms;
    char run[RANDOM_UUID_SIZE];
    int worked, ended;
};

struct stretch {
    int64_t from_ms, to_ms;
};

struct kept_job { /* as the store has it */
    char id[CRON_ID_SIZE];
    char *json, *state;
    struct stretch *skipped;
    size_t skipped_count;
    int open; /* runs without an end */
};

struct work { /* durable turns */
    char run[RANDOM_UUID_SIZE];
    int64_t until_ms; /* true time */
    bool ok, stopped, done;
};

struct world {
    uint64_t seed;
    bool verbose;
    int64_t true_ms, offset_ms; /* the wall clock shows true + offset */
    int64_t highest_ms;         /* that the wall clock ever showed while the gateway ran */
    bool stepped_back;
    enum cron_missed missed;
    struct kept_job jobs[JOBS];
    size_t job_count;
    struct kept_run *runs, *by_run;
    struct work work[WORK_MAX];
    bool dead;                 /* the process ends at once */
    int64_t refusing_until_ms; /* true time */
    cron_t *cron;
    uint64_t fired, skipped, crashes, steps, repeats;
};

static uint64_t roll(struct world *w)
{
    w->seed ^= w->seed << 13;
    w->seed ^= w->seed >> 7;
    w->seed ^= w->seed << 17;
    return w->seed;
}

static int64_t below(struct world *w, int64_t n)
{
    return (int64_t)(roll(w) % (uint64_t)n);
}

static struct cron_now now_of(const struct world *w)
{
    return (struct cron_now){ .wall_ms = w->true_ms + w->offset_ms, .mono_ms = w->true_ms - START_MS + 1000 };
}

static void broken(const struct world *w, const char *rule, const char *job, int64_t slot_ms)
{
    char iso[CLOCK_ISO_SIZE];
    clock_iso(slot_ms, iso);
    fprintf(stderr, "sim_cron: %s: job %s, %s (policy %d)\n", rule, job, iso, (int)w->missed);
    exit(1);
}

/* --- the store ----------------------------------------------------------------------------------------------------------- */

static int job_index(struct world *w, const char *id)
{
    for (size_t i = 0; i < w->job_count; i++)
        if (strcmp(w->jobs[i].id, id) == 0) return (int)i;
    snprintf(w->jobs[w->job_count].id, CRON_ID_SIZE, "%s", id);
    return (int)w->job_count++;
}

static void key_of(int job, int kind, int64_t slot_ms, char out[static 96])
{
    snprintf(out, 96, "%d/%d/%lld", job, kind, (long long)slot_ms);
}

static void note_skip(struct world *w, struct kept_job *job, const struct cron_record *r)
{
    json_t *entry = json_loadb(r->entry.p, r->entry.n, 0, NULL);
    job->skipped = realloc(job->skipped, (job->skipped_count + 1) * sizeof *job->skipped);
    job->skipped[job->skipped_count++] = (struct stretch){ json_int(entry, "skippedFromMs", -1), json_int(entry, "skippedToMs", -1) };
    w->skipped += (uint64_t)json_int(entry, "skippedCount", 0);
    json_decref(entry);
}

static int apply(struct world *w, const struct cron_record *r)
{
    char key[96];
    int index = job_index(w, r->job->id);
    struct kept_job *job = &w->jobs[index];
    struct kept_run *run;
    key_of(index, (int)r->kind, r->slot_ms, key);
    HASH_FIND_STR(w->runs, key, run);
    if (r->phase == CRON_BEGINS) {
        if (run) {
            w->repeats++;
            return GW_EEXIST;
        }
        run = calloc(1, sizeof *run);
        memcpy(run->key, key, sizeof key);
        run->job = index;
        run->kind = (int)r->kind;
        run->slot_ms = r->slot_ms;
        json_t *entry = json_loadb(r->entry.p, r->entry.n, 0, NULL);
        snprintf(run->run, sizeof run->run, "%s", json_string_value(json_object_get(entry, "run")));
        json_decref(entry);
        HASH_ADD_STR(w->runs, key, run);
        HASH_ADD(by_run, w->by_run, run, strlen(run->run), run);
        w->fired++;
        if (job->open++) broken(w, "begun while another run of it goes on", job->id, r->slot_ms);
    } else if (r->phase == CRON_ENDED && r->kind == CRON_RUN_SKIPPED) {
        note_skip(w, job, r);
    } else if (r->phase == CRON_ENDED) {
        if (!run) broken(w, "an end without a beginning", job->id, r->slot_ms);
        run->ended++;
        job->open--;
    }
    if (r->keep == CRON_KEEP_JOB) {
        struct buf state = { 0 };
        cron_state_write(r->job, false, &state);
        free(job->json);
        free(job->state);
        job->json = json_dumps(r->job->json, JSON_COMPACT);
        job->state = str_dup(buf_str(&state));
        buf_free(&state);
    }
    return 0;
}

static int record(void *ctx, const struct cron_record *r)
{
    struct world *w = ctx;
    if (w->dead) return GW_ECLOSED;
    if (w->true_ms < w->refusing_until_ms) return GW_EIO;
    int64_t fate = below(w, 400);
    w->dead = fate < 2;
    if (fate == 0) return GW_ECLOSED; /* died before it was written */
    int rc = apply(w, r);
    return w->dead ? GW_ECLOSED : rc; /* or after */
}

/* --- the work -------------------------------------------------------------------------------------------------------------- */

static struct work *work_of(struct world *w, const char *run)
{
    for (size_t i = 0; i < WORK_MAX; i++)
        if (strcmp(w->work[i].run, run) == 0) return &w->work[i];
    return NULL;
}

static struct kept_run *run_of(struct world *w, const char *id)
{
    struct kept_run *run;
    HASH_FIND(by_run, w->by_run, id, strlen(id), run);
    return run;
}

/* Turns whose run has its end are not asked for any more. */
static void forget_work(struct world *w)
{
    for (size_t i = 0; i < WORK_MAX; i++) {
        const struct kept_run *run = w->work[i].run[0] && w->work[i].done ? run_of(w, w->work[i].run) : NULL;
        if (run && run->ended) w->work[i].run[0] = '\0';
    }
}

static void begin(void *ctx, const struct cron_job *job)
{
    struct world *w = ctx;
    if (w->dead) return;
    struct work *k = work_of(w, job->run->id);
    if (k) { /* the same idempotency key: it is only told how it ended, in a moment */
        if (k->done) k->until_ms = w->true_ms + 50;
        k->done = false;
        return;
    }
    forget_work(w);
    for (size_t i = 0; i < WORK_MAX && !k; i++)
        if (!w->work[i].run[0]) k = &w->work[i];
    struct kept_run *run = run_of(w, job->run->id);
    if (!run) broken(w, "work without a record", job->id, job->run->slot_ms);
    run->worked++;
    if (!k) broken(w, "too much work at once", job->id, job->run->slot_ms);
    *k = (struct work){ .until_ms = w->true_ms + 500 + below(w, below(w, 20) ? 90000 : 2400000), .ok = below(w, 12) > 0 };
    memcpy(k->run, job->run->id, sizeof k->run);
    const struct cron_now now = now_of(w);
    cron_started(w->cron, str_of(k->run), &now);
}

static void stop(void *ctx, const struct cron_job *job)
{
    struct world *w = ctx;
    struct work *k = w->dead ? NULL : work_of(w, job->run->id);
    if (k) {
        k->until_ms = w->true_ms;
        k->stopped = true;
    }
}

static void finish_work(struct world *w)
{
    const struct cron_now now = now_of(w);
    for (size_t i = 0; i < WORK_MAX && !w->dead; i++) {
        struct work *k = &w->work[i];
        if (!k->run[0] || k->done || k->until_ms > w->true_ms) continue;
        const struct cron_end end = { .ok = k->ok && !k->stopped, .text = STR("done"), .error = k->ok ? STR("") : STR("it failed") };
        k->done = true;
        cron_ended(w->cron, str_of(k->run), &end, &now); /* not written: it will ask again */
    }
}

static void tell(void *ctx, struct str json)
{
    const struct world *w = ctx;
    if (w->verbose && !w->dead) printf("%.*s\n", STR_ARG(json));
}

static void last_route(void *ctx, const struct cron_job *job, struct buf *out)
{
    (void)ctx;
    (void)job;
    buf_text(out, "{\"channel\":\"discord\",\"to\":\"channel:1\"}");
}

static void uuid(void *ctx, char out[RANDOM_UUID_SIZE])
{
    struct world *w = ctx;
    uint64_t a = roll(w), b = roll(w);
    snprintf(out, RANDOM_UUID_SIZE, "%08x-%04x-%04x-%04x-%012llx", (unsigned)(a >> 32), (unsigned)(a >> 16 & 0xffff),
             (unsigned)(a & 0xffff), (unsigned)(b >> 48), (unsigned long long)(b & 0xffffffffffffu));
}

/* --- the process ------------------------------------------------------------------------------------------------------------- */

static const char *const specs[] = {
    "{\"id\":\"german-morning\",\"name\":\"g\",\"schedule\":{\"kind\":\"cron\",\"expr\":\"0 7 * * *\",\"tz\":\"Asia/Ho_Chi_Minh\"}",
    "{\"id\":\"weekly\",\"name\":\"w\",\"schedule\":{\"kind\":\"cron\",\"expr\":\"0 9 * * SUN\",\"tz\":\"Asia/Ho_Chi_Minh\"}",
    "{\"id\":\"berlin-skipped\",\"name\":\"b\",\"schedule\":{\"kind\":\"cron\",\"expr\":\"30 2 * * *\",\"tz\":\"Europe/Berlin\"}",
    "{\"id\":\"berlin-quarter\",\"name\":\"q\",\"schedule\":{\"kind\":\"cron\",\"expr\":\"*/15 * * * *\",\"tz\":\"Europe/Berlin\"}",
    "{\"id\":\"york\",\"name\":\"y\",\"schedule\":{\"kind\":\"cron\",\"expr\":\"30 1,2 * * *\",\"tz\":\"America/New_York\"}",
    "{\"id\":\"hourly\",\"name\":\"h\",\"schedule\":{\"kind\":\"cron\",\"expr\":\"0 * * * *\",\"staggerMs\":300000}",
    "{\"id\":\"every-17m\",\"name\":\"e\",\"schedule\":{\"kind\":\"every\",\"everyMs\":1020000,\"anchorMs\":1798761600000}",
    "{\"id\":\"month-end\",\"name\":\"m\",\"schedule\":{\"kind\":\"cron\",\"expr\":\"0 0 L * *\",\"tz\":\"America/New_York\"}",
    "{\"id\":\"leap\",\"name\":\"l\",\"schedule\":{\"kind\":\"cron\",\"expr\":\"15 12 29 2 *\"}",
};

static json_t *configured(void)
{
    json_t *jobs = json_array();
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        struct buf text = { 0 };
        buf_printf(&text, "%s,\"sessionTarget\":\"isolated\",\"payload\":{\"kind\":\"agentTurn\",\"message\":\"go\"}}", specs[i]);
        json_array_append_new(jobs, json_loadb(text.p, text.n, 0, NULL));
        buf_free(&text);
    }
    return jobs;
}

/* A new process over what the store has. */
static void start(struct world *w)
{
    const struct cron_ports ports = { w, record, begin, stop, tell, last_route, uuid };
    const struct cron_rules rules = { .enabled = true, .missed = w->missed, .missed_max = 5 };
    struct cron_now now = now_of(w);
    cron_destroy(&w->cron);
    w->dead = false;
    if (cron_create(&ports, &rules, &w->cron) != 0) exit(2);
    for (size_t i = 0; i < w->job_count; i++) {
        const struct kept_job *job = &w->jobs[i];
        const struct cron_job_row row = { str_of(job->id), true, str_of(job->json), str_of(job->state) };
        if (job->json) cron_load_job(w->cron, &row, now.wall_ms);
    }
    struct kept_run *run, *safe;
    HASH_ITER(hh, w->runs, run, safe)
    {
        struct buf json = { 0 };
        if (run->ended) continue; /* in the order in which they began */
        buf_printf(&json, "{\"run\":\"%s\",\"beganMs\":%lld}", run->run, (long long)run->slot_ms);
        const struct cron_run_row row = { str_of(w->jobs[run->job].id), (enum cron_run_kind)run->kind, run->slot_ms, buf_str(&json) };
        cron_load_run(w->cron, &row);
        buf_free(&json);
    }
    json_t *jobs = configured();
    cron_configure(w->cron, jobs, &now);
    cron_start(w->cron, &now);
    json_decref(jobs);
}

/* Now and then something happens. */
static void chaos(struct world *w)
{
    switch (below(w, 6)) {
    case 0:
    case 1: /* a downtime: minutes, sometimes days */
        w->true_ms += below(w, 8) ? below(w, 3600000) : below(w, 3 * DAY_MS);
        w->dead = true;
        w->crashes++;
        break;
    case 2: w->offset_ms += below(w, 3 * 3600000); break;
    case 3:
        w->offset_ms -= below(w, 3 * 3600000);
        w->stepped_back = true;
        break;
    case 4: w->refusing_until_ms = w->true_ms + below(w, 600000); break;
    default: /* a clock that is years ahead for a minute */
        if (below(w, 40) == 0 && !w->dead) {
            const struct cron_now ahead = { now_of(w).wall_ms + 3 * DAY_MS, now_of(w).mono_ms };
            if (ahead.wall_ms > w->highest_ms) w->highest_ms = ahead.wall_ms;
            cron_tick(w->cron, &ahead);
            w->stepped_back = true;
        }
    }
}

static void live(struct world *w, int64_t years)
{
    int64_t end_ms = START_MS + years * 365 * DAY_MS, next_chaos_ms = w->true_ms + below(w, DAY_MS);
    start(w);
    while (w->true_ms < end_ms || w->dead) {
        while (w->dead) {
            w->true_ms += 1000 + below(w, 20000);
            w->crashes++;
            start(w);
        }
        struct cron_now now = now_of(w);
        if (now.wall_ms > w->highest_ms) w->highest_ms = now.wall_ms;
        int64_t wait_ms = cron_tick(w->cron, &now), until_ms = w->true_ms + (wait_ms < 0 ? 60000 : wait_ms);
        finish_work(w);
        w->steps++;
        for (size_t i = 0; i < WORK_MAX; i++)
            if (w->work[i].run[0] && !w->work[i].done && w->work[i].until_ms < until_ms) until_ms = w->work[i].until_ms;
        w->true_ms = until_ms > w->true_ms ? until_ms : w->true_ms + (wait_ms == 0 ? 0 : 1);
        if (w->true_ms < next_chaos_ms || w->dead) continue;
        chaos(w);
        next_chaos_ms = w->true_ms + below(w, 2 * DAY_MS);
    }
}

/* --- the rules ------------------------------------------------------------------------------------------------------------------ */

static bool reported(const struct kept_job *job, int64_t slot_ms)
{
    for (size_t i = job->skipped_count; i-- > 0;)
        if (slot_ms >= job->skipped[i].from_ms && slot_ms <= job->skipped[i].to_ms) return true;
    return false;
}

static void judge_job(struct world *w, int index, int64_t from_ms)
{
    const struct kept_job *job = &w->jobs[index];
    struct cron_schedule schedule;
    struct buf why = { 0 };
    json_t *spec = json_loads(job->json, 0, NULL);
    if (cron_schedule_read(json_object_get(spec, "schedule"), str_of(job->id), 0, &schedule, &why) != 0)
        broken(w, "unreadable", job->id, 0);
    struct cron_state state;
    cron_state_read(&state, str_of(job->state));
    int64_t now_ms = w->true_ms + w->offset_ms;
    if (state.next_ms >= 0 && state.next_ms < now_ms - DAY_MS) broken(w, "stands still", job->id, state.next_ms);
    for (int64_t slot = cron_schedule_next(&schedule, from_ms); slot >= 0 && slot <= w->highest_ms - 2 * 3600000;
         slot = cron_schedule_next(&schedule, slot)) {
        char key[96];
        struct kept_run *run;
        key_of(index, CRON_RUN_SLOT, slot, key);
        HASH_FIND_STR(w->runs, key, run);
        bool told = reported(job, slot), waits = state.next_ms >= 0 && slot >= state.next_ms;
        if (!run && !told && !waits) broken(w, "neither run nor reported", job->id, slot);
        if (run && told && !w->stepped_back) broken(w, "run and reported as not run", job->id, slot);
    }
    cron_schedule_free(&schedule);
    json_decref(spec);
    buf_free(&why);
}

static void judge(struct world *w)
{
    struct kept_run *run, *safe;
    for (size_t i = 0; i < w->job_count; i++) judge_job(w, (int)i, START_MS);
    HASH_ITER(hh, w->runs, run, safe)
    {
        if (run->ended > 1) broken(w, "ended twice", w->jobs[run->job].id, run->slot_ms);
        if (run->worked > 1) broken(w, "worked on twice", w->jobs[run->job].id, run->slot_ms);
    }
}

static void forget(struct world *w)
{
    struct kept_run *run, *safe;
    cron_destroy(&w->cron);
    HASH_ITER(hh, w->runs, run, safe)
    {
        HASH_DELETE(by_run, w->by_run, run);
        HASH_DEL(w->runs, run);
        free(run);
    }
    for (size_t i = 0; i < w->job_count; i++) {
        free(w->jobs[i].json);
        free(w->jobs[i].state);
        free(w->jobs[i].skipped);
    }
}

int main(int argc, char **argv)
{
    int64_t years = 3, first = 1, seeds = 3;
    bool verbose = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-v") == 0) verbose = true;
        if (i + 1 < argc && strcmp(argv[i], "--years") == 0) years = atoll(argv[i + 1]);
        if (i + 1 < argc && strcmp(argv[i], "--first") == 0) first = atoll(argv[i + 1]);
        if (i + 1 < argc && strcmp(argv[i], "--seeds") == 0) seeds = atoll(argv[i + 1]);
    }
    log_set_level(LOG_OFF);
    for (int64_t seed = first; seed < first + seeds; seed++) {
        static struct world w;
        w = (struct world){ .seed = (uint64_t)seed * 0x9e3779b97f4a7c15u + 1, .true_ms = START_MS, .missed = (enum cron_missed)(seed % 3) };
        w.verbose = verbose;
        live(&w, years);
        judge(&w);
        printf("sim_cron: seed %lld, policy %d: %llu runs, %llu times reported as passed over, %llu repeats refused, %llu restarts, %llu "
               "steps\n",
               (long long)seed, (int)w.missed, (unsigned long long)w.fired, (unsigned long long)w.skipped, (unsigned long long)w.repeats,
               (unsigned long long)w.crashes, (unsigned long long)w.steps);
        forget(&w);
    }
    return 0;
}
