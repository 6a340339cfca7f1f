/* bench/bench.c -- measures the real gateway against the mock provider; called by `./dev bench`.
 *
 *  usage: bench --openclaw FILE --mock FILE [--bus FILE] [--config FILE] [--out FOLDER] [--seconds N] [--only PART]
 *  In:     the release binary, the mock provider, bench_bus, the homelab config
 *  Out:    FOLDER/<figure>.json and a table; exit 0 when it measured, also when budgets are missed */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "bench/bench_soak.h"
#include "bench/bench_ws.h"
#include "bench/load.h"
#include "bench/report.h"
#include "bench/rig.h"
#include "support/http_client.h"

enum {
    STARTS = 20,
    HELPS = 50,
    BLOCKS = 4, /* a run of several clients alternates between mock and gateway, so that both see the same machine */
    PAIRS_MAX = 20000,
    SESSIONS = 10000,
    IN_FLIGHT = 1000,
    STEADY_LOOKS = 3,
    BUS_MS = 60000,
};

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static double sorted_ms(int64_t *us, size_t n, double percent)
{
    if (n == 0) return 0;
    qsort(us, n, sizeof *us, by_value);
    size_t i = (size_t)((double)n * percent / 100.0);
    return (double)us[i < n ? i : n - 1] / 1000.0;
}

/* ---- start, idle, help, size ---- */

static void measure_start(void)
{
    struct rig r;
    int64_t us[STARTS];
    rig_open(&r, NULL);
    for (int i = 0; i < STARTS; i++) {
        us[i] = rig_start_gateway(&r, bench_options.config);
        if (i + 1 < STARTS) proc_stop(&r.gateway);
    }
    pause_ms(RIG_IDLE_MS);
    report_figure("start_to_health_ms", sorted_ms(us, STARTS, 50), "median of 20, homelab config, fork to GET /health 200");
    report_figure("idle_rss_mib", rig_memory_kib(&r, "Rss:") / 1024, "smaps_rollup, homelab config, nine agents, after 11 s without work");
    report_figure("idle_pss_mib", rig_memory_kib(&r, "Pss:") / 1024, "as above; falls when other processes map the same libraries");
    rig_close(&r);
}

static void measure_help(void)
{
    int64_t us[HELPS];
    posix_spawn_file_actions_t quiet;
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    for (int i = 0; i < HELPS; i++) {
        const char *argv[] = { bench_options.openclaw, "--help", NULL };
        int64_t begin = now_us();
        pid_t pid;
        int status = -1;
        if (posix_spawn(&pid, argv[0], &quiet, NULL, (char *const *)(uintptr_t)argv, environ) == 0) waitpid(pid, &status, 0);
        us[i] = now_us() - begin;
        if (status != 0) {
            report_missing("help_ms", "openclaw --help does not exit 0");
            posix_spawn_file_actions_destroy(&quiet);
            return;
        }
    }
    posix_spawn_file_actions_destroy(&quiet);
    report_figure("help_ms", sorted_ms(us, HELPS, 50), "median of 50, fork to exit");
}

static void measure_size(void)
{
    char path[] = "/tmp/openclaw-stripped-XXXXXX";
    int fd = mkstemp(path), status = -1;
    struct stat st = { 0 };
    const char *argv[] = { "/usr/bin/strip", "-o", path, bench_options.openclaw, NULL };
    proc_t *p;
    if (fd >= 0) close(fd);
    if (proc_start(argv, NULL, &p) == 0) {
        proc_wait(p, 10000, &status);
        proc_stop(&p);
    }
    if (status == 0 && stat(path, &st) == 0)
        report_figure("stripped_binary_kb", (double)st.st_size / 1000, "after strip");
    else
        report_missing("stripped_binary_kb", "strip does not run");
    unlink(path);
}

/* ---- turns ---- */

static int next_session = 1;

static struct load load_of(const struct rig *r, bool gateway, bool stream, int clients, int ms)
{
    return (struct load){ .port = gateway ? r->port : r->mock_port,
                          .token = gateway ? BENCH_TOKEN : NULL,
                          .stream = stream,
                          .clients = clients,
                          .duration_ms = ms,
                          .session_base = next_session };
}

static void run(const struct load *l, struct load_result *out)
{
    int rc = load_run(l, out);
    if (rc != 0) rig_die("the load generator fails", rc);
    next_session += out->sessions;
    if (out->failed > 0)
        fprintf(stderr, "bench: %zu of %zu requests failed; the first: %s\n", out->failed, out->failed + out->ok, out->why);
}

static void append(struct load_result *all, const struct load_result *part)
{
    uint32_t *us = realloc(all->us, (all->ok + part->ok + 1) * sizeof *us);
    if (!us) rig_die("latencies", GW_ENOMEM);
    if (part->ok > 0) memcpy(us + all->ok, part->us, part->ok * sizeof *us);
    all->us = us;
    all->ok += part->ok;
    all->failed += part->failed;
    all->elapsed_us += part->elapsed_us;
}

static void report_turns(const char *prefix, int clients, const struct load_result *g, double p50, double p99, double direct_p50)
{
    char name[64], note[160];
    snprintf(name, sizeof name, "%sturns_per_second_%d", prefix, clients);
    snprintf(note, sizeof note, "turn p50 %.2f ms, p99 %.2f ms; the mock alone p50 %.2f ms; %zu failed", load_percentile(g, 50) / 1000,
             load_percentile(g, 99) / 1000, direct_p50, g->failed);
    report_figure(name, g->elapsed_us > 0 ? (double)g->ok * 1e6 / (double)g->elapsed_us : 0, note);
    snprintf(name, sizeof name, "%sadded_p50_ms_%d", prefix, clients);
    report_figure(name, p50,
                  clients == 1 ? "each turn minus the mock's own answer just before it" : "percentile with minus without the gateway");
    snprintf(name, sizeof name, "%sadded_p99_ms_%d", prefix, clients);
    report_figure(name, p99, "as above");
}

/* One client: a request straight to the mock, then a turn, and again; the difference of each pair. */
static void measure_one_client(struct rig *r, bool stream)
{
    static int64_t added[PAIRS_MAX];
    struct load_result g = { 0 }, d = { 0 };
    size_t n = 0;
    int64_t end = now_us() + (int64_t)bench_options.seconds * 1000000;
    while (now_us() < end && n + 20 <= PAIRS_MAX) {
        struct load_result direct, turn;
        struct load to_mock = load_of(r, false, stream, 1, 10000), to_gateway = load_of(r, true, stream, 1, 10000);
        to_mock.requests = to_gateway.requests = 20; /* a session's worth on one connection, then the other's */
        run(&to_mock, &direct);
        run(&to_gateway, &turn);
        for (size_t i = 1; i < direct.ok && i < turn.ok; i++)
            added[n++] = (int64_t)turn.us[i] - (int64_t)direct.us[i]; /* the first connects */
        append(&g, &turn);
        append(&d, &direct);
        load_free(&direct);
        load_free(&turn);
    }
    double p50 = sorted_ms(added, n, 50), p99 = sorted_ms(added, n, 99);
    load_sort(&g);
    load_sort(&d);
    report_turns(stream ? "sse_" : "", 1, &g, p50, p99, load_percentile(&d, 50) / 1000);
    load_free(&g);
    load_free(&d);
}

static void measure_clients(struct rig *r, bool stream, int clients)
{
    struct load_result g = { 0 }, d = { 0 };
    int ms = bench_options.seconds * 1000 / BLOCKS;
    for (int i = 0; i < BLOCKS; i++) {
        struct load_result part;
        struct load to_mock = load_of(r, false, stream, clients, ms / 4), to_gateway = load_of(r, true, stream, clients, ms);
        run(&to_mock, &part);
        append(&d, &part);
        load_free(&part);
        run(&to_gateway, &part);
        append(&g, &part);
        load_free(&part);
    }
    load_sort(&g);
    load_sort(&d);
    double p50 = (load_percentile(&g, 50) - load_percentile(&d, 50)) / 1000,
           p99 = (load_percentile(&g, 99) - load_percentile(&d, 99)) / 1000;
    report_turns(stream ? "sse_" : "", clients, &g, p50, p99, load_percentile(&d, 50) / 1000);
    load_free(&g);
    load_free(&d);
}

static void measure_turns(void)
{
    static const int clients[] = { 8, 32, 128 };
    for (int stream = 0; stream < 2; stream++) {
        struct rig r;
        rig_open(&r, NULL);
        rig_start_ready(&r, r.config);
        measure_one_client(&r, stream);
        for (size_t i = 0; i < sizeof clients / sizeof *clients; i++) measure_clients(&r, stream, clients[i]);
        rig_close(&r);
    }
}

/* ---- memory ---- */

static void measure_sessions(void)
{
    struct rig r;
    struct load_result warm, all;
    char note[160];
    rig_open(&r, NULL);
    rig_start_ready(&r, r.config);
    struct load l = load_of(&r, true, false, 32, 2000);
    l.requests = 500; /* what the first turns bring in once is not a session's cost */
    run(&l, &warm);
    pause_ms(RIG_IDLE_MS);
    double before = rig_memory_kib(&r, "Rss:");
    l = load_of(&r, true, false, 32, 10000);
    l.requests = SESSIONS;
    l.turns_per_session = 1;
    run(&l, &all);
    pause_ms(RIG_IDLE_MS);
    double after = rig_memory_kib(&r, "Rss:");
    snprintf(note, sizeof note, "(%.1f - %.1f MiB) / %d sessions of one turn", after / 1024, before / 1024, all.sessions);
    if (all.sessions > 0)
        report_figure("rss_per_session_kib", (after - before) / all.sessions, note);
    else
        report_missing("rss_per_session_kib", all.why);
    load_free(&warm);
    load_free(&all);
    rig_close(&r);
}

struct flight {
    struct rig *rig;
    double rss_kib;
    long held;  /* requests that wait at the mock, when last asked */
    int steady; /* times in a row that it was the same */
    bool released;
};

static long ask_mock(const struct rig *rig, const char *path)
{
    struct http_reply r = { 0 };
    struct http_call call = { .path = path };
    if (http_call(rig->mock_port, &call, 5000, &r) != 0) rig_die("the mock does not answer", GW_EIO);
    long n = strtol(r.body.p ? r.body.p : "", NULL, 10);
    http_reply_free(&r);
    return n;
}

/* Called while nothing moves at the clients. When nothing moves at the mock either, every turn is in flight: look at the
 * memory, then let them all land. */
static void all_in_flight(void *ctx)
{
    struct flight *f = ctx;
    if (f->released) return;
    long held = ask_mock(f->rig, "/held");
    f->steady = held > 0 && held == f->held ? f->steady + 1 : 0;
    f->held = held;
    if (f->steady < STEADY_LOOKS) return;
    f->rss_kib = rig_memory_kib(f->rig, "Rss:");
    f->released = true;
    ask_mock(f->rig, "/release");
}

static void measure_in_flight(void)
{
    struct rig r;
    struct load_result all;
    char note[160];
    rig_open(&r, "--hold");
    rig_start_ready(&r, r.config);
    struct flight f = { .rig = &r };
    struct load l = load_of(&r, true, false, IN_FLIGHT, 10000);
    l.requests = IN_FLIGHT;
    l.turns_per_session = 1;
    l.waiting = all_in_flight;
    l.ctx = &f;
    run(&l, &all);
    snprintf(note, sizeof note, "1,000 turns begun, none answered yet; %ld at the provider, the others queued before it", f.held);
    if (f.released)
        report_figure("in_flight_1000_rss_mib", f.rss_kib / 1024, note);
    else
        report_missing("in_flight_1000_rss_mib", all.failed > 0 ? all.why : "the turns were not held");
    report_figure("in_flight_1000_failed", (double)(IN_FLIGHT - (long)all.ok), all.failed > 0 ? all.why : "all answered after the release");
    load_free(&all);
    rig_close(&r);
}

/* ---- the bus alone ---- */

/* bench_bus prints "name value" lines: each becomes a figure. */
static void measure_bus(void)
{
    const char *argv[] = { bench_options.bus, NULL };
    proc_t *p;
    if (!bench_options.bus) {
        report_missing("bus_round_trip_us", "no --bus program");
        return;
    }
    int rc = proc_start(argv, NULL, &p);
    if (rc != 0) rig_die(bench_options.bus, rc);
    if (proc_wait(p, BUS_MS, NULL) != 0) fprintf(stderr, "bench: %s takes longer than a minute\n", bench_options.bus);
    char *said = proc_output(p);
    for (char *rest = said, *line; said && (line = strsep(&rest, "\n")) != NULL;) {
        char *value = strchr(line, ' '), *end = value;
        double number = value ? strtod(value, &end) : 0;
        if (!value || end == value || *end != '\0') continue;
        *value = '\0';
        report_figure(line, number, "bench_bus");
    }
    free(said);
    proc_stop(&p);
}

static const struct part {
    const char *name;
    void (*measure)(void);
} PARTS[] = { { "start", measure_start },
              { "help", measure_help },
              { "size", measure_size },
              { "turns", measure_turns },
              { "sessions", measure_sessions },
              { "flight", measure_in_flight },
              { "bus", measure_bus },
              { "ws_slow", bench_ws_slow },
              { "ws_churn", bench_ws_churn },
              { "ws_idle", bench_ws_idle },
              { "page", bench_page },
              { "soak_reloads", bench_soak_reloads },
              { "soak_reconnects", bench_soak_reconnects },
              { "soak_turns", bench_soak_turns } };

static int usage(void)
{
    fprintf(stderr, "usage: bench --openclaw FILE --mock FILE [--bus FILE] [--config FILE] [--out FOLDER] [--seconds 1..10] [--only "
                    "start|help|size|turns|sessions|flight|bus|ws|ws_slow|ws_churn|ws_idle|page|\n"
                    "        soak|soak_reloads|soak_reconnects|soak_turns]\n");
    return 2;
}

int main(int argc, char **argv)
{
    struct {
        const char *name, **value;
    } flags[] = { { "--openclaw", &bench_options.openclaw }, { "--mock", &bench_options.mock }, { "--bus", &bench_options.bus },
                  { "--config", &bench_options.config },     { "--out", &bench_options.out },   { "--only", &bench_options.only } };
    for (int i = 1; i < argc; i += 2) {
        bool known = false;
        if (i + 1 == argc) return usage();
        for (size_t j = 0; j < sizeof flags / sizeof *flags; j++)
            if (strcmp(argv[i], flags[j].name) == 0) known = (*flags[j].value = argv[i + 1]) != NULL;
        if (strcmp(argv[i], "--seconds") == 0) known = (bench_options.seconds = atoi(argv[i + 1])) > 0;
        if (!known) return usage();
    }
    if (!bench_options.openclaw || !bench_options.mock || bench_options.seconds > 10) return usage();
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (report_open(bench_options.out) != 0) rig_die(bench_options.out, GW_ESYS);
    for (size_t i = 0; i < sizeof PARTS / sizeof *PARTS; i++)
        if (!bench_options.only || strncmp(PARTS[i].name, bench_options.only, strlen(bench_options.only)) == 0) PARTS[i].measure();
    report_print();
    return 0;
}
