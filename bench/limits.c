/* bench/limits.c -- drives thousands of sub-agents against a running gateway and watches its limits from outside.
 *
 *  usage: limits --openclaw FILE [--out FOLDER] [--small | --large]
 *
 *  Each round has a cap, a number of sub-agents and of parents that spawn them (by HTTP, each a session of its own). What runs is counted
 *  by the provider (limits_provider.c) and, a second time, read off the gateway's store afterwards. Exit 1: a limit was exceeded. */
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "bench/limits.h"
#include "bench/rig.h"
#include "support/http_client.h"

enum { TURN_MS = 120000, SETTLE_MS = 600000, CHILDREN = 3 };

struct round {
    const char *name;
    int cap, children, parents, hold_ms, depth; /* depth 1: sub-agents spawn no others */
    bool fails;
};

static struct rig R;
static struct {
    pthread_mutex_t lock;
    const struct round *round;
    int64_t wanted; /* sub-agents still to be asked for */
} W = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void write_config(const struct round *r, int port)
{
    FILE *f = fopen(R.config, "w");
    int written =
        f ? fprintf(f,
                    "{\"gateway\":{\"http\":{\"endpoints\":{\"chatCompletions\":{\"enabled\":true}}}},"
                    "\"models\":{\"providers\":{\"mock\":{\"baseUrl\":\"http://127.0.0.1:%d/"
                    "v1\",\"apiKey\":\"k\",\"api\":\"openai-completions\","
                    "\"models\":[{\"id\":\"m\",\"name\":\"m\",\"contextWindow\":20000000}]}}},"
                    "\"agents\":{\"list\":[{\"id\":\"main\",\"default\":true,\"workspace\":\"%s/"
                    "ws\"}],\"defaults\":{\"model\":{\"primary\":\"mock/"
                    "m\"},\"maxConcurrent\":256,"
                    "\"skipBootstrap\":true,\"subagents\":{\"maxConcurrent\":%d,\"maxChildrenPerAgent\":%d,\"maxSpawnDepth\":%d}}}}",
                    port, R.dir, r->cap, CHILDREN, r->depth > 1 ? 2 : 1)
          : -1;
    if (!f || written < 0 || fclose(f) != 0) rig_die(R.config, GW_EIO);
}

/* One parent: asks for three sub-agents, waits until its turn is answered, asks again, while some are wanted. */
static void *parent(void *arg)
{
    int number = (int)(intptr_t)arg;
    const struct round *r = W.round;
    char body[512];
    for (int turn = 0;; turn++) { /* every third turn is a new session's: what is measured is no long conversation */
        pthread_mutex_lock(&W.lock);
        bool more = limits_counts().accepted < r->children;
        pthread_mutex_unlock(&W.lock);
        if (!more) return NULL;
        struct http_reply reply = { 0 };
        snprintf(body, sizeof body,
                 "{\"model\":\"openclaw:main\",\"user\":\"parent-%d-%d\",\"messages\":[{\"role\":\"user\",\"content\":\"SPAWN %d HOLD %d "
                 "DEPTH %d PARENT %d %s\"}]}",
                 number, turn / 3, CHILDREN, r->hold_ms, r->depth - 1, number, r->fails ? "FAIL" : "");
        const struct http_call call = { .path = "/v1/chat/completions", .token = BENCH_TOKEN, .body = str_of(body) };
        int rc = http_call(R.port, &call, TURN_MS, &reply);
        if (rc != 0 || reply.status != 200) fprintf(stderr, "limits: parent %d: %s, status %d\n", number, err_text(rc), reply.status);
        http_reply_free(&reply);
        if (rc != 0) return NULL;
    }
}

static double query(const char *sql)
{
    char path[256];
    sqlite3 *db;
    sqlite3_stmt *s;
    double value = -1;
    snprintf(path, sizeof path, "%s/state/openclaw.sqlite", R.dir);
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK && sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK) {
        if (sqlite3_step(s) == SQLITE_ROW) value = sqlite3_column_double(s, 0);
        sqlite3_finalize(s);
    }
    sqlite3_close(db);
    return value;
}

#define WAITS "(SELECT b.started_ms - t.created_ms AS w FROM turns t JOIN turn_starts b ON b.turn = t.id WHERE t.lane = 'subagent')"

static double wait_percentile(int percent)
{
    char sql[512];
    snprintf(sql, sizeof sql, "SELECT w FROM " WAITS " ORDER BY w LIMIT 1 OFFSET (SELECT count(*) * %d / 100 FROM " WAITS ")", percent);
    return query(sql);
}

/* Until all that was accepted has ended and been told. */
static void settle(void)
{
    for (int64_t begin = now_us(); now_us() - begin < SETTLE_MS * 1000LL;) {
        if (query("SELECT (SELECT count(*) FROM turn_inputs) + (SELECT count(*) FROM spawns WHERE state < 3)") == 0) return;
        usleep(50000);
    }
    fprintf(stderr, "limits: not everything has ended\n");
}

/* --- the picture -------------------------------------------------------------------------------------------------- */

static void plot(const struct round *r)
{
    static struct limits_sample samples[LIMITS_SAMPLES_MAX];
    char path[256];
    int n = limits_samples(samples), most = r->cap;
    snprintf(path, sizeof path, "%s/limits-%s.svg", bench_options.out, r->name);
    FILE *f = fopen(path, "w");
    if (!f || n < 2) return;
    double end = (double)samples[n - 1].us, top = most * 1.15 + 1;
    fprintf(f,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 800 260\" font-family=\"sans-serif\" font-size=\"12\">\n"
            "<rect width=\"800\" height=\"260\" fill=\"#fff\"/><text x=\"50\" y=\"18\">%d sub-agents from %d parents through a cap of %d: "
            "active over time</text>\n"
            "<line x1=\"50\" y1=\"220\" x2=\"780\" y2=\"220\" stroke=\"#999\"/><line x1=\"50\" y1=\"30\" x2=\"50\" y2=\"220\" "
            "stroke=\"#999\"/>\n",
            r->children, r->parents, r->cap);
    double cap_y = 220 - 190 * most / top;
    fprintf(f,
            "<line x1=\"50\" y1=\"%.1f\" x2=\"780\" y2=\"%.1f\" stroke=\"#c33\" stroke-dasharray=\"6 4\"/><text x=\"8\" y=\"%.1f\" "
            "fill=\"#c33\">cap %d</text>\n"
            "<polyline fill=\"none\" stroke=\"#26c\" points=\"",
            cap_y, cap_y, cap_y + 4, most);
    for (int i = 0; i < n; i++) fprintf(f, "%.1f,%.1f ", 50 + 730 * (double)samples[i].us / end, 220 - 190 * samples[i].active / top);
    fprintf(f, "\"/>\n<text x=\"50\" y=\"240\">0 s</text><text x=\"740\" y=\"240\">%.1f s</text>\n</svg>\n", end / 1e6);
    fclose(f);
}

/* --- a round ------------------------------------------------------------------------------------------------------ */

static void open_rig(const struct round *r, int provider_port)
{
    R = (struct rig){ 0 };
    snprintf(R.dir, sizeof R.dir, "/tmp/openclaw-limits-XXXXXX");
    if (!mkdtemp(R.dir)) rig_die("no temporary folder", GW_ESYS);
    snprintf(R.config, sizeof R.config, "%s/openclaw.json", R.dir);
    R.mock_port = provider_port;
    write_config(r, provider_port);
    rig_start_ready(&R, R.config);
}

static double fairness(const struct round *r, const struct limits_counts *c)
{
    int64_t least = INT64_MAX, most = 0;
    for (int i = 0; i < r->parents; i++) {
        if (c->of_parent[i] < least) least = c->of_parent[i];
        if (c->of_parent[i] > most) most = c->of_parent[i];
    }
    return most ? (double)least / (double)most : 0;
}

/* @return whether every limit held */
static bool run_round(const struct round *r, int provider_port)
{
    static pthread_t threads[LIMITS_PARENTS_MAX];
    open_rig(r, provider_port);
    double before = rig_memory_kib(&R, "Rss:");
    limits_reset();
    W.round = r;
    int64_t begin = now_us();
    for (int i = 0; i < r->parents; i++) pthread_create(&threads[i], NULL, parent, (void *)(intptr_t)i);
    for (int i = 0; i < r->parents; i++) pthread_join(threads[i], NULL);
    double busy = rig_memory_kib(&R, "Rss:");
    settle();
    int64_t took = now_us() - begin;
    struct limits_counts c = limits_counts();
    double seen = query("SELECT max(n) FROM (SELECT sum(d) OVER (ORDER BY at, d) AS n FROM (SELECT b.started_ms AS at, 1 AS d FROM turns t "
                        "JOIN turn_starts b ON b.turn "
                        "= t.id WHERE t.lane = 'subagent' UNION ALL SELECT e.ended_ms, -1 FROM turns t JOIN turn_ends e ON e.turn = t.id "
                        "JOIN turn_starts b ON b.turn = t.id WHERE t.lane = 'subagent'))");
    double children = query("SELECT max(n) FROM (SELECT count(*) AS n FROM spawns WHERE state = 0 GROUP BY parent)");
    double ideal = (double)c.accepted * r->hold_ms * 1000 / r->cap;
    bool held = c.most <= r->cap && seen <= r->cap;
    printf("%-8s cap %3d  spawned %6lld  refused %6lld  failed %5lld  most at once %3d (store %3.0f)  %6.1f s  overhead %6.1f us  queue "
           "wait p50 %6.0f p99 %6.0f ms  fairness %.2f  RSS %.1f -> %.1f MiB  untold %.0f  %s\n",
           r->name, r->cap, (long long)c.accepted, (long long)c.refused, (long long)c.failed, c.most, seen, (double)took / 1e6,
           ((double)took - ideal) / (double)(c.accepted ? c.accepted : 1), wait_percentile(50), wait_percentile(99), fairness(r, &c),
           before / 1024, busy / 1024, query("SELECT count(*) FROM spawns WHERE state NOT IN (3, 5)"), held ? "held" : "EXCEEDED");
    (void)children;
    plot(r);
    rig_close(&R);
    return held;
}

/* --- one busy session and another's first token ------------------------------------------------------------------- */

enum { ROUNDS = 6, PROBES = 100 /* in each */, BIG_MESSAGES = 10, BIG_BYTES = 1024 * 1024 };

/* What the turns of one kind took. */
struct probes {
    const char *user;
    int count;
    int64_t took[ROUNDS * PROBES];
};

static int64_t turn_us(int port, const char *user, const char *text, size_t padding)
{
    struct buf body = { 0 };
    struct http_reply reply = { 0 };
    buf_printf(&body, "{\"model\":\"openclaw:main\",\"user\":\"%s\",\"messages\":[{\"role\":\"user\",\"content\":\"%s ", user, text);
    for (size_t i = 0; i < padding; i += 64) buf_text(&body, "xxxxxxx xxxxxxx xxxxxxx xxxxxxx xxxxxxx xxxxxxx xxxxxxx xxxxxxx ");
    buf_text(&body, "\"}]}");
    const struct http_call call = { .path = "/v1/chat/completions", .token = BENCH_TOKEN, .body = buf_str(&body) };
    int64_t begin = now_us();
    int rc = http_call(port, &call, TURN_MS, &reply);
    int64_t took = now_us() - begin;
    if (rc != 0 || reply.status != 200) fprintf(stderr, "limits: %s: %s, status %d\n", user, err_text(rc), reply.status);
    http_reply_free(&reply);
    buf_free(&body);
    return took;
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static double p99_ms(struct probes *p)
{
    qsort(p->took, (size_t)p->count, sizeof *p->took, by_value);
    return (double)p->took[p->count * 99 / 100] / 1000;
}

static void probe(int port, struct probes *p)
{
    for (int i = 0; i < PROBES; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s-%d", p->user, p->count / 20); /* conversations stay short */
        p->took[p->count++] = turn_us(port, name, "PLAIN", 0);
    }
}

static void *sleeper(void *arg)
{
    turn_us(*(const int *)arg, "sleeper", "SLEEP", 0);
    return NULL;
}

struct asker {
    int port;
    const char *user;
    volatile bool stops;
    pthread_t thread;
};

static void *ask_on(void *arg)
{
    struct asker *a = arg;
    while (!a->stops) turn_us(a->port, a->user, "PLAIN", 0);
    return NULL;
}

/* Probes while another session is asked without pause. */
static void probe_beside(int port, const char *user, struct probes *p)
{
    struct asker a = { .port = port, .user = user };
    pthread_create(&a.thread, NULL, ask_on, &a);
    probe(port, p);
    a.stops = true;
    pthread_join(a.thread, NULL);
}

/* One session runs `sleep 30`; one is asked again and again, first a short one, then one with 10 MB of transcript, all of it in its
 * prompt. The turns beside them and those of a second gateway, which has nothing else to do, take turns: what else the machine does meets
 * all of them. The short one tells what two cores make of two clients. */
static void measure_busy(int provider_port)
{
    static const struct round plain = { "busy", 4, 0, 0, 0, 1, false };
    static struct probes idle = { .user = "idle" }, command = { .user = "command" }, beside = { .user = "beside" },
                         both = { .user = "both" };
    pthread_t asleep;
    open_rig(&plain, provider_port);
    struct rig alone = R;
    open_rig(&plain, provider_port);
    int port = R.port;
    for (int i = 0; i < BIG_MESSAGES; i++) turn_us(port, "big", "PLAIN", BIG_BYTES);
    pthread_create(&asleep, NULL, sleeper, &port);
    for (int i = 0; i < ROUNDS; i++) {
        probe(alone.port, &idle);
        probe(port, &command);
        probe_beside(port, "short", &beside);
        probe_beside(port, "big", &both);
    }
    double a = p99_ms(&idle), b = p99_ms(&command), c = p99_ms(&beside), d = p99_ms(&both);
    printf("busy     another session's turn, p99: idle %.2f ms, beside `sleep 30` %.2f ms (%.2f); beside a session that is asked without "
           "pause, a short one %.2f ms (%.2f), one with 10 MB in its prompt %.2f ms (%.2f)\n",
           a, b, b / a, c, c / a, d, d / a);
    rig_close(&R); /* ends the command, too */
    rig_close(&alone);
    pthread_join(asleep, NULL);
}

int main(int argc, char **argv)
{
    static const struct round SMALL[] = { { "small", 4, 300, 8, 5, 1, false }, { "nested", 4, 150, 4, 5, 2, true } };
    static const struct round LARGE[] = { { "cap4", 4, 10000, 32, 0, 1, false },
                                          { "cap64", 64, 10000, 64, 0, 1, false },
                                          { "hold64", 64, 2000, 64, 50, 1, true },
                                          { "nested", 16, 2000, 32, 5, 2, true } };
    bool large = false, held = true;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--large") == 0)
            large = true;
        else if (strcmp(argv[i], "--small") == 0)
            large = false;
        else if (i + 1 < argc && strcmp(argv[i], "--openclaw") == 0)
            bench_options.openclaw = argv[++i];
        else if (i + 1 < argc && strcmp(argv[i], "--out") == 0)
            bench_options.out = argv[++i];
        else
            bench_options.openclaw = NULL, i = argc;
    }
    if (!bench_options.openclaw) {
        fprintf(stderr, "usage: limits --openclaw FILE [--out FOLDER] [--small | --large]\n");
        return 2;
    }
    mkdir(bench_options.out, 0755);
    setvbuf(stdout, NULL, _IOLBF, 0);
    int port = limits_provider_start();
    if (port < 0) rig_die("the provider does not start", GW_ESYS);
    const struct round *rounds = large ? LARGE : SMALL;
    size_t n = large ? sizeof LARGE / sizeof *LARGE : sizeof SMALL / sizeof *SMALL;
    for (size_t i = 0; i < n; i++) held &= run_round(&rounds[i], port);
    measure_busy(port);
    return held ? 0 : 1;
}
