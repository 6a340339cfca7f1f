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
#include "bench/load.h"
#include "bench/report.h"
#include "support/http_client.h"
#include "support/proc.h"

#define TOKEN "bench-token"

enum {
    STARTS = 20,
    HELPS = 50,
    IDLE_MS = 1000,
    HEALTH_MS = 20000,
    BLOCKS = 4, /* a run of several clients alternates between mock and gateway, so that both see the same machine */
    PAIRS_MAX = 20000,
    SESSIONS = 10000,
    IN_FLIGHT = 1000,
    STEADY_LOOKS = 3,
    BUS_MS = 60000,
};

static struct {
    const char *openclaw, *mock, *bus, *config, *out, *only;
    int seconds;
} options = { .config = BENCH_CONFIG, .out = "bench/out", .seconds = 4 };

/* One gateway with its folder, and the mock it asks. */
struct rig {
    char dir[64], config[96];
    proc_t *gateway, *mock;
    int port, mock_port;
};

/* Everything that a limit would hide is opened up: what is measured is the machinery. */
static const char LOAD_CONFIG[] =
    "{ agents: { defaults: { model: 'openrouter/mock/model', maxConcurrent: 2000, workspace: '%s/workspace' } } }\n";

static void die(const char *what, int code)
{
    fprintf(stderr, "bench: %s: %s\n", what, err_text(code));
    exit(1);
}

static void start_mock(struct rig *r, const char *flag)
{
    char line[32];
    const char *argv[] = { options.mock, "--port", "0", flag, NULL };
    int rc = proc_start(argv, NULL, &r->mock);
    if (rc == 0) rc = proc_wait_line(r->mock, "port ", HEALTH_MS, line, sizeof line);
    if (rc != 0) die("the mock provider does not start", rc);
    r->mock_port = atoi(line);
}

static bool well(int port, const char *path)
{
    struct http_reply r = { 0 };
    struct http_call call = { .path = path };
    bool ok = http_call(port, &call, 1000, &r) == 0 && r.status == 200;
    http_reply_free(&r);
    return ok;
}

/* Start the gateway and wait for /health. @return µs that took */
static int64_t start_gateway(struct rig *r, const char *config)
{
    char text[4][160], port[16];
    snprintf(text[0], sizeof text[0], "OPENCLAW_CONFIG_PATH=%s", config);
    snprintf(text[1], sizeof text[1], "OPENCLAW_STATE_DIR=%s/state", r->dir);
    snprintf(text[2], sizeof text[2], "OPENROUTER_BASE_URL=http://127.0.0.1:%d/api/v1", r->mock_port);
    snprintf(text[3], sizeof text[3], "HOME=%s", r->dir);
    const char *env[] = { text[0], text[1], text[2], text[3], "OPENROUTER_API_KEY=bench", "GEMINI_API_KEY=bench", "OPENCLAW_GATEWAY_TOKEN",
                          NULL };
    r->port = free_port();
    snprintf(port, sizeof port, "%d", r->port);
    const char *argv[] = {
        options.openclaw, "gateway", "--port", port, "--bind", "loopback", "--token", TOKEN, "--allow-unconfigured", NULL
    };
    int64_t begin = now_us();
    int rc = proc_start(argv, env, &r->gateway);
    if (rc != 0) die(options.openclaw, rc);
    while (!well(r->port, "/health")) {
        if (!proc_alive(r->gateway) || now_us() - begin > HEALTH_MS * 1000) {
            char *said = proc_output(r->gateway);
            fprintf(stderr, "bench: the gateway gave no /health; it said:\n%s\n", said ? said : "");
            exit(1);
        }
        usleep(100);
    }
    return now_us() - begin;
}

/* Start a gateway for load: /health comes a little before turns are taken. */
static void start_ready(struct rig *r)
{
    start_gateway(r, r->config);
    int64_t begin = now_us();
    while (!well(r->port, "/readyz")) {
        if (!proc_alive(r->gateway) || now_us() - begin > HEALTH_MS * 1000) die("the gateway does not get ready", GW_ETIMEOUT);
        usleep(100);
    }
}

static void open_rig(struct rig *r, const char *mock_flag)
{
    *r = (struct rig){ 0 };
    snprintf(r->dir, sizeof r->dir, "/tmp/openclaw-bench-XXXXXX");
    if (!mkdtemp(r->dir)) die("no temporary folder", GW_ESYS);
    snprintf(r->config, sizeof r->config, "%s/openclaw.json", r->dir);
    FILE *f = fopen(r->config, "w");
    if (!f || fprintf(f, LOAD_CONFIG, r->dir) < 0 || fclose(f) != 0) die(r->config, GW_EIO);
    start_mock(r, mock_flag);
}

static void close_rig(struct rig *r)
{
    const char *argv[] = { "/bin/rm", "-rf", r->dir, NULL };
    proc_t *rm;
    proc_stop(&r->gateway);
    proc_stop(&r->mock);
    if (proc_start(argv, NULL, &rm) == 0) {
        proc_wait(rm, 10000, NULL);
        proc_stop(&rm);
    }
}

/* A field of smaps_rollup ("Rss:", "Pss:") in KiB; -1 when it is not there. */
static double memory_kib(const proc_t *p, const char *field)
{
    char path[64], line[256];
    long value = -1;
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)proc_pid(p));
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, field, strlen(field)) == 0) value = strtol(line + strlen(field), NULL, 10);
    if (f) fclose(f);
    return (double)value;
}

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
    open_rig(&r, NULL);
    for (int i = 0; i < STARTS; i++) {
        us[i] = start_gateway(&r, options.config);
        if (i + 1 < STARTS) proc_stop(&r.gateway);
    }
    pause_ms(IDLE_MS);
    report_figure("start_to_health_ms", sorted_ms(us, STARTS, 50), "median of 20, homelab config, fork to GET /health 200");
    report_figure("idle_rss_mib", memory_kib(r.gateway, "Rss:") / 1024, "smaps_rollup, homelab config, nine agents, after 1 s");
    report_figure("idle_pss_mib", memory_kib(r.gateway, "Pss:") / 1024, "as above; falls when other processes map the same libraries");
    close_rig(&r);
}

static void measure_help(void)
{
    int64_t us[HELPS];
    posix_spawn_file_actions_t quiet;
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    for (int i = 0; i < HELPS; i++) {
        const char *argv[] = { options.openclaw, "--help", NULL };
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
    const char *argv[] = { "/usr/bin/strip", "-o", path, options.openclaw, NULL };
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
                          .token = gateway ? TOKEN : NULL,
                          .stream = stream,
                          .clients = clients,
                          .duration_ms = ms,
                          .session_base = next_session };
}

static void run(const struct load *l, struct load_result *out)
{
    int rc = load_run(l, out);
    if (rc != 0) die("the load generator fails", rc);
    next_session += out->sessions;
    if (out->failed > 0)
        fprintf(stderr, "bench: %zu of %zu requests failed; the first: %s\n", out->failed, out->failed + out->ok, out->why);
}

static void append(struct load_result *all, const struct load_result *part)
{
    uint32_t *us = realloc(all->us, (all->ok + part->ok + 1) * sizeof *us);
    if (!us) die("latencies", GW_ENOMEM);
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
    int64_t end = now_us() + (int64_t)options.seconds * 1000000;
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
    int ms = options.seconds * 1000 / BLOCKS;
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
        open_rig(&r, NULL);
        start_ready(&r);
        measure_one_client(&r, stream);
        for (size_t i = 0; i < sizeof clients / sizeof *clients; i++) measure_clients(&r, stream, clients[i]);
        close_rig(&r);
    }
}

/* ---- memory ---- */

static void measure_sessions(void)
{
    struct rig r;
    struct load_result warm, all;
    char note[160];
    open_rig(&r, NULL);
    start_ready(&r);
    struct load l = load_of(&r, true, false, 32, 2000);
    l.requests = 500; /* what the first turns bring in once is not a session's cost */
    run(&l, &warm);
    double before = memory_kib(r.gateway, "Rss:");
    l = load_of(&r, true, false, 32, 10000);
    l.requests = SESSIONS;
    l.turns_per_session = 1;
    run(&l, &all);
    pause_ms(IDLE_MS);
    double after = memory_kib(r.gateway, "Rss:");
    snprintf(note, sizeof note, "(%.1f - %.1f MiB) / %d sessions of one turn", after / 1024, before / 1024, all.sessions);
    if (all.sessions > 0)
        report_figure("rss_per_session_kib", (after - before) / all.sessions, note);
    else
        report_missing("rss_per_session_kib", all.why);
    load_free(&warm);
    load_free(&all);
    close_rig(&r);
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
    if (http_call(rig->mock_port, &call, 5000, &r) != 0) die("the mock does not answer", GW_EIO);
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
    f->rss_kib = memory_kib(f->rig->gateway, "Rss:");
    f->released = true;
    ask_mock(f->rig, "/release");
}

static void measure_in_flight(void)
{
    struct rig r;
    struct load_result all;
    char note[160];
    open_rig(&r, "--hold");
    start_ready(&r);
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
    close_rig(&r);
}

/* ---- the bus alone ---- */

/* bench_bus prints "name value" lines: each becomes a figure. */
static void measure_bus(void)
{
    const char *argv[] = { options.bus, NULL };
    proc_t *p;
    if (!options.bus) {
        report_missing("bus_round_trip_us", "no --bus program");
        return;
    }
    int rc = proc_start(argv, NULL, &p);
    if (rc != 0) die(options.bus, rc);
    if (proc_wait(p, BUS_MS, NULL) != 0) fprintf(stderr, "bench: %s takes longer than a minute\n", options.bus);
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
} PARTS[] = { { "start", measure_start },       { "help", measure_help },        { "size", measure_size }, { "turns", measure_turns },
              { "sessions", measure_sessions }, { "flight", measure_in_flight }, { "bus", measure_bus } };

static int usage(void)
{
    fprintf(stderr, "usage: bench --openclaw FILE --mock FILE [--bus FILE] [--config FILE] [--out FOLDER] [--seconds 1..10] [--only "
                    "start|help|size|turns|sessions|flight|bus]\n");
    return 2;
}

int main(int argc, char **argv)
{
    struct {
        const char *name, **value;
    } flags[] = { { "--openclaw", &options.openclaw }, { "--mock", &options.mock }, { "--bus", &options.bus },
                  { "--config", &options.config },     { "--out", &options.out },   { "--only", &options.only } };
    for (int i = 1; i < argc; i += 2) {
        bool known = false;
        if (i + 1 == argc) return usage();
        for (size_t j = 0; j < sizeof flags / sizeof *flags; j++)
            if (strcmp(argv[i], flags[j].name) == 0) known = (*flags[j].value = argv[i + 1]) != NULL;
        if (strcmp(argv[i], "--seconds") == 0) known = (options.seconds = atoi(argv[i + 1])) > 0;
        if (!known) return usage();
    }
    if (!options.openclaw || !options.mock || options.seconds > 10) return usage();
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (report_open(options.out) != 0) die(options.out, GW_ESYS);
    for (size_t i = 0; i < sizeof PARTS / sizeof *PARTS; i++)
        if (!options.only || strcmp(options.only, PARTS[i].name) == 0) PARTS[i].measure();
    report_print();
    return 0;
}
