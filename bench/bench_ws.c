/* bench/bench_ws.c -- the WebSocket front: 10,000 idle clients, 1,000 that connect and drop a second, one that does not read. */
#include "bench/bench_ws.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "bench/load.h"
#include "bench/load_ws.h"
#include "bench/report.h"
#include "bench/rig.h"
#include "support/ws_client.h"

enum {
    CROWD = 10000,
    CROWD_MS = 120000,
    CROWD_ROUNDS = 6, /* each with the same number of turns alone and among the crowd */
    LOOK_MS = 1000,   /* for things to come to rest */
    SIP_MS = 3,       /* the crowd reads so often, some dozens at a time: it shares the processors with what is measured */
    WARM_TURNS = 200,
    GAP_MS = 50, /* between two turns */
    TURN_MS = 10000,
    CHURN = 20000,
    CHURN_WARM = 4000,
    CHURN_RATE = 1200,
    SETTLE_MS = 20000,
    STALL_WAIT_MS = 30000,
    STALL_TURNS_MAX = 4000,
};

/* ---- a client that chats ---- */

struct talker {
    ws_t *ws;
    struct ws_device device;
    int turns;
    struct buf text;
};

static void talker_open(struct talker *t, const struct rig *r)
{
    const struct ws_connect c = { .token = BENCH_TOKEN, .device = &t->device };
    *t = (struct talker){ 0 };
    int rc = ws_device_create(&t->device);
    if (rc == 0) rc = ws_open(r->port, "/", NULL, &t->ws);
    if (rc) rig_die("no WebSocket connection", rc);
    json_t *hello = ws_hello(t->ws, &c);
    if (!json_is_true(json_object_get(hello, "ok"))) rig_die("no hello-ok", GW_EDENIED);
    json_decref(hello);
}

static void talker_close(struct talker *t)
{
    ws_close(&t->ws);
    ws_device_free(&t->device);
    buf_free(&t->text);
}

static bool says(const struct buf *text, const char *what)
{
    return str_find(buf_str(text), str_of(what)) >= 0;
}

/* chat.send, and everything up to the `final` event. @return µs, 0 when it did not end well */
static int64_t turn(struct talker *t)
{
    char run[32], id[48];
    int64_t begin = now_us(), end = begin / 1000 + TURN_MS;
    snprintf(run, sizeof run, "run-%08d", ++t->turns);
    snprintf(id, sizeof id, "\"runId\":\"%s\"", run);
    if (ws_request(t->ws, run, "chat.send",
                   "{\"sessionKey\":\"bench-%d-%d\",\"message\":\"message %08d of a bench\",\"idempotencyKey\":\"%s\"}", (int)getpid(),
                   t->turns / LOAD_TURNS_PER_SESSION, t->turns, run) != 0)
        return 0;
    for (;;) {
        if (ws_read(t->ws, (int)(end - now_ms()), &t->text) != 0) return 0;
        if (!says(&t->text, "\"event\":\"chat\"") || !says(&t->text, id)) continue;
        if (says(&t->text, "\"state\":\"final\"")) return now_us() - begin;
        if (says(&t->text, "\"state\":\"error\"")) return 0;
    }
}

static void note(struct load_result *out, int64_t us)
{
    if (out->ok % 1024 == 0) out->us = realloc(out->us, (out->ok + 1024) * sizeof *out->us);
    if (!out->us) rig_die("latencies", GW_ENOMEM);
    if (us > 0)
        out->us[out->ok++] = (uint32_t)us;
    else
        out->failed++;
}

static void run_turns(struct talker *t, int n, struct load_result *out)
{
    for (int i = 0; i < n && out->failed == 0; i++) {
        note(out, turn(t));
        pause_ms(GAP_MS);
    }
}

static double p_ms(struct load_result *r, double percent)
{
    load_sort(r);
    return load_percentile(r, percent) / 1000;
}

/* ---- a crowd that only listens ---- */

struct crowd {
    pid_t pid;
    int from; /* "in lost µs\n" when all are in; end of file when it has ended */
};

static _Noreturn void be_crowd(int port, int n, int to)
{
    ws_crowd_t *crowd;
    int64_t begin = now_us();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int rc = ws_crowd_create(port, BENCH_TOKEN, n, &crowd);
    if (rc == 0) rc = ws_crowd_grow(crowd, n, CROWD_MS);
    struct ws_crowd_count c = ws_crowd_count(crowd);
    if (rc) fprintf(stderr, "bench: the crowd is not whole: %s; %s\n", err_text(rc), c.why);
    dprintf(to, "%d %d %lld\n", c.in, c.lost, (long long)(now_us() - begin));
    if (sched_setscheduler(0, SCHED_IDLE, &(struct sched_param){ 0 }) != 0) fprintf(stderr, "bench: the crowd cannot be idle\n");
    for (;;) {
        pause_ms(SIP_MS);
        ws_crowd_sip(crowd);
    }
}

static void crowd_start(struct crowd *c, int port, int n, struct ws_churn_result *came)
{
    int ends[2];
    char line[96] = "";
    long long us = 0;
    *came = (struct ws_churn_result){ 0 };
    if (pipe(ends) != 0 || (c->pid = fork()) < 0) rig_die("no crowd", GW_ESYS);
    if (c->pid == 0) be_crowd(port, n, ends[1]);
    close(ends[1]);
    c->from = ends[0];
    ssize_t got = read(c->from, line, sizeof line - 1);
    if (got <= 0 || sscanf(line, "%d %d %lld", &came->done, &came->failed, &us) != 3) rig_die("the crowd ended", GW_ECLOSED);
    came->elapsed_us = us;
}

static void crowd_stop(struct crowd *c)
{
    kill(c->pid, SIGKILL);
    waitpid(c->pid, NULL, 0);
    close(c->from);
}

/* Wait until the gateway has no more descriptors than `least`, or patience ends. @return how many it has */
static int settle(const struct rig *r, int least)
{
    int64_t end = now_ms() + SETTLE_MS;
    while (rig_descriptors(r) > least && now_ms() < end) pause_ms(50);
    return rig_descriptors(r);
}

static void report_crowd(struct rig *r, double before_kib, int64_t cpu_us, const struct ws_churn_result *came)
{
    char text[160];
    double after = rig_memory_kib(r, "Rss:");
    snprintf(text, sizeof text, "%d clients said hello, none with a device; %.1f MiB without them", came->done, before_kib / 1024);
    report_figure("ws_idle_10000_rss_mib", after / 1024, text);
    report_figure("ws_idle_client_kib", came->done > 0 ? (after - before_kib) / came->done : 0, "what each of them adds");
    report_figure("ws_connects_per_second", came->elapsed_us > 0 ? came->done * 1e6 / (double)came->elapsed_us : 0,
                  "upgrade, challenge, connect, hello-ok; 256 at a time");
    report_figure("ws_connect_cpu_us", came->done > 0 ? (double)cpu_us / came->done : 0, "processor time of the gateway for each");
}

static void report_turns(struct load_result *alone, struct load_result *among)
{
    char text[160];
    snprintf(text, sizeof text, "chat.send to final, every %d ms; %zu turns in %d rounds, %zu failed", GAP_MS, alone->ok, CROWD_ROUNDS,
             alone->failed);
    report_figure("ws_turn_p50_ms", p_ms(alone, 50), text);
    report_figure("ws_turn_p99_ms", p_ms(alone, 99), "as above");
    snprintf(text, sizeof text, "the same among %d idle clients, who hear each event; %zu turns, %zu failed", CROWD, among->ok,
             among->failed);
    report_figure("ws_turn_p50_ms_10000", p_ms(among, 50), text);
    report_figure("ws_turn_p99_ms_10000", p_ms(among, 99), "as above");
    if (alone->ok == 0 || among->ok == 0) return;
    report_figure("ws_turn_p50_ratio", p_ms(among, 50) / p_ms(alone, 50), "with and without the 10,000");
    report_figure("ws_turn_p99_ratio", p_ms(among, 99) / p_ms(alone, 99), "as above");
}

/* Turns alone and turns among the crowd take turns, so that an hour in which the machine is slow counts for both. */
static void measure_rounds(struct rig *r, struct talker *t, struct load_result *alone, struct load_result *among)
{
    int turns = bench_options.seconds * 1000 / GAP_MS;
    double cpu_ms = 0;
    for (int round = 0; round < CROWD_ROUNDS; round++) {
        struct crowd crowd;
        struct ws_churn_result came;
        run_turns(t, turns, alone);
        double before = rig_memory_kib(r, "Rss:");
        int descriptors = rig_descriptors(r);
        int64_t cpu = rig_cpu_us(r);
        crowd_start(&crowd, r->port, CROWD, &came);
        cpu = rig_cpu_us(r) - cpu;
        pause_ms(2 * LOOK_MS);
        if (round == 0) report_crowd(r, before, cpu, &came);
        cpu = rig_cpu_us(r);
        run_turns(t, turns, among);
        cpu_ms += (double)(rig_cpu_us(r) - cpu) / 1000;
        if (round == 0) report_figure("ws_idle_10000_after_turns_rss_mib", rig_memory_kib(r, "Rss:") / 1024, "the same after its turns");
        crowd_stop(&crowd);
        settle(r, descriptors);
    }
    report_figure("ws_turn_cpu_ms_10000", cpu_ms / (CROWD_ROUNDS * turns),
                  "processor time of the gateway for each turn, and its events to all");
}

void bench_ws_idle(void)
{
    struct rig r;
    struct talker t;
    struct load_result warm = { 0 }, alone = { 0 }, among = { 0 };
    rig_open(&r, NULL);
    rig_start_ready(&r, r.config);
    talker_open(&t, &r);
    run_turns(&t, WARM_TURNS, &warm);
    measure_rounds(&r, &t, &alone, &among);
    report_turns(&alone, &among);
    load_free(&warm);
    load_free(&alone);
    load_free(&among);
    talker_close(&t);
    rig_close(&r);
}

/* ---- clients that come and go ---- */

void bench_ws_churn(void)
{
    struct rig r;
    struct ws_churn_result out;
    char text[160];
    rig_open(&r, NULL);
    rig_start_ready(&r, r.config);
    struct ws_churn c = { .port = r.port, .token = BENCH_TOKEN, .total = CHURN_WARM, .per_second = CHURN_RATE };
    int rc = ws_churn_run(&c, &out);
    pause_ms(LOOK_MS);
    int descriptors = rig_descriptors(&r); /* the first of them brought in what is opened when it is wanted */
    double before = rig_memory_kib(&r, "Rss:");
    c.total = CHURN;
    if (rc == 0) rc = ws_churn_run(&c, &out);
    if (rc) rig_die("no churn", rc);
    int after = settle(&r, descriptors);
    snprintf(text, sizeof text, "connects and drops, half before hello, some by reset; %d failed%s%s", out.failed, out.why[0] ? ": " : "",
             out.why);
    report_figure("ws_churn_per_second", out.done * 1e6 / (double)out.elapsed_us, text);
    report_figure("ws_after_churn_fds", after - descriptors, "descriptors more than before");
    report_figure("ws_after_churn_rss_mib", (rig_memory_kib(&r, "Rss:") - before) / 1024, "MiB more than after the first 4,000");
    rig_close(&r);
}

/* ---- a client that stops reading ---- */

/* How much waited for the client when it was closed, from the gateway's log; -1: it was not. */
static double closed_at_mib(struct rig *r)
{
    char *said = proc_output(r->gateway), *line = said ? strstr(said, "reason=\"slow consumer\"") : NULL;
    char *unsent = line ? strstr(line, "unsent=") : NULL;
    double mib = unsent ? strtod(unsent + 7, NULL) / (1024 * 1024) : -1;
    free(said);
    return mib;
}

/* Something whose answer is long. */
static void ask_much(struct talker *t)
{
    ws_request(t->ws, "much", "config.schema", "{}");
}

void bench_ws_slow(void)
{
    struct rig r;
    struct talker t, sleeper;
    struct load_result warm = { 0 }, before = { 0 }, during = { 0 };
    char text[160];
    int asked = 0;
    rig_open(&r, NULL);
    rig_start_ready(&r, r.config);
    talker_open(&t, &r);
    talker_open(&sleeper, &r);
    run_turns(&t, WARM_TURNS, &warm);
    for (int i = 0; i < bench_options.seconds * 50; i++) {
        ask_much(&sleeper);
        note(&before, turn(&t));
        json_decref(ws_response(sleeper.ws, "much", TURN_MS));
    }
    while (asked < STALL_TURNS_MAX && (asked % 16 || closed_at_mib(&r) < 0)) { /* the same, not read */
        ask_much(&sleeper);
        asked++;
        note(&during, turn(&t));
    }
    for (int waited = 0; closed_at_mib(&r) < 0 && waited < STALL_WAIT_MS; waited += 100)
        pause_ms(100); /* nothing is read of it any more: it ends by time */
    double mib = closed_at_mib(&r);
    snprintf(text, sizeof text, "MiB that waited for a client that did not read when it was closed, after %d answers", asked);
    if (mib >= 0)
        report_figure("ws_slow_client_closed_at_mib", mib, text);
    else
        report_missing("ws_slow_client_closed_at_mib", "it was not closed");
    report_figure("ws_beside_slow_p99_ms", p_ms(&during, 99), "another client's turns meanwhile");
    report_figure("ws_beside_slow_p99_ratio", p_ms(&during, 99) / p_ms(&before, 99), "to those while it read");
    load_free(&warm);
    load_free(&before);
    load_free(&during);
    talker_close(&t);
    talker_close(&sleeper);
    rig_close(&r);
}
