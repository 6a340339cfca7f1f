/* bench/bench_soak.c -- what stays behind: 1,000 reloads, 1,000 reconnects, 100,000 turns; memory against its level after a tenth. */
#include "bench/bench_soak.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "bench/load.h"
#include "bench/report.h"
#include "bench/rig.h"
#include "support/ws_client.h"

enum {
    RELOADS = 1000,
    RECONNECTS = 1000,
    ROUNDS = 10,
    ROUND_TURNS = 10000,
    TENTH = 10,
    RELOAD_MS = 10000,
    LOOK_MS = 1,
    VIEW_ROUNDS = 3,
};

struct soak {
    struct rig rig;
    struct ws_device device;
    ws_t *page; /* a client that is there all the time, as a page in a browser is */
    double early_kib;
    int early_descriptors;
};

static ws_t *come_in(const struct soak *s)
{
    const struct ws_connect c = { .token = BENCH_TOKEN, .device = &s->device };
    ws_t *ws = NULL;
    int rc = ws_open(s->rig.port, "/", NULL, &ws);
    if (rc) rig_die("no WebSocket connection", rc);
    json_t *hello = ws_hello(ws, &c);
    if (!json_is_true(json_object_get(hello, "ok"))) rig_die("no hello-ok", GW_EDENIED);
    json_decref(hello);
    return ws;
}

/* What the page was told meanwhile. */
static void hear(struct soak *s)
{
    struct buf text = { 0 };
    while (ws_read(s->page, 0, &text) == 0) buf_clear(&text);
    buf_free(&text);
}

/* A configuration that differs from the one before in one number. */
static void write_config(const struct rig *r, int n)
{
    char fresh[128];
    snprintf(fresh, sizeof fresh, "%s.new", r->config);
    FILE *f = fopen(fresh, "w");
    if (!f) rig_die(fresh, GW_EIO);
    fprintf(f,
            "{ gateway: { reload: { debounceMs: 0 } },\n"
            "  agents: { defaults: { model: 'openrouter/mock/model', maxConcurrent: %d, workspace: '%s/workspace' } } }\n",
            100 + n, r->dir);
    if (fclose(f) != 0 || rename(fresh, r->config) != 0) rig_die(r->config, GW_EIO);
}

static void begin(struct soak *s)
{
    *s = (struct soak){ 0 };
    int rc = ws_device_create(&s->device);
    if (rc) rig_die("no device", rc);
    rig_open(&s->rig, NULL);
}

static void start(struct soak *s)
{
    begin(s);
    write_config(&s->rig, 0);
    rig_start_ready(&s->rig, s->rig.config);
    s->page = come_in(s);
}

static void end(struct soak *s)
{
    ws_close(&s->page);
    ws_device_free(&s->device);
    rig_close(&s->rig);
}

/* Heap and stacks of the idle gateway: code that ran is no growth. */
static double level_kib(struct soak *s)
{
    pause_ms(RIG_IDLE_MS);
    hear(s);
    return rig_memory_kib(&s->rig, "Anonymous:");
}

/* Note the memory after a tenth of `total`, and report it after the last. @param done  how many are over */
static void weigh(struct soak *s, const char *figure, int done, int total, const char *what)
{
    char note[160];
    if (done != total / TENTH && done != total) return;
    double kib = level_kib(s);
    if (done != total) {
        s->early_kib = kib;
        s->early_descriptors = rig_descriptors(&s->rig);
        return;
    }
    snprintf(note, sizeof note, "%.2f MiB after %d %s, %.2f MiB after %d; heap and stacks, not code", kib / 1024, total, what,
             s->early_kib / 1024, total / TENTH);
    report_figure(figure, kib / s->early_kib, note);
}

/* ---- reloads ---- */

/* The gateway's log says which configuration the router has taken; the first is generation 1. */
static void reload(struct soak *s, int n)
{
    char line[64];
    int64_t patience = now_ms() + RELOAD_MS;
    snprintf(line, sizeof line, "config_taken generation=%d ", n + 1);
    write_config(&s->rig, n);
    for (bool taken = false; !taken;) {
        char *said = proc_output(s->rig.gateway);
        taken = said && strstr(said, line);
        free(said);
        if (now_ms() > patience) rig_die("a configuration is not taken", GW_ETIMEOUT);
        if (!taken) pause_ms(LOOK_MS);
    }
}

/* @param clients  at once, one turn each */
static void take_turns(struct soak *s, int clients, int requests, int session)
{
    struct load_result out;
    struct load l = { .port = s->rig.port,
                      .token = BENCH_TOKEN,
                      .clients = clients,
                      .duration_ms = 600000,
                      .requests = (size_t)requests,
                      .session_base = session };
    int rc = load_run(&l, &out);
    if (rc || out.failed > 0) rig_die(out.why[0] ? out.why : "turns", rc ? rc : GW_EIO);
    load_free(&out);
}

static void soak_reloads(void)
{
    struct soak s;
    start(&s);
    for (int i = 1; i <= RELOADS; i++) {
        reload(&s, i);
        hear(&s);
        weigh(&s, "soak_reloads_ratio", i, RELOADS, "reloads");
    }
    end(&s);
}

/* Each in a session of its own: as many as are kept have long been there. @return the level after the last, in KiB */
static double level_after_turns(bool reloads)
{
    struct soak s;
    start(&s);
    for (int i = 1; i <= RELOADS; i++) {
        if (reloads) reload(&s, i);
        take_turns(&s, 1, 1, i);
        hear(&s);
    }
    double kib = level_kib(&s);
    end(&s);
    return kib;
}

void bench_soak_reloads(void)
{
    char note[160];
    soak_reloads();
    double without = level_after_turns(false), with = level_after_turns(true);
    snprintf(note, sizeof note, "%.2f MiB after %d new sessions' turns, a reload before each; %.2f MiB without reloads", with / 1024,
             RELOADS, without / 1024);
    report_figure("soak_reloads_turns_ratio", with / without, note);
}

/* ---- reconnects ---- */

/* A page that comes back, looks around and is gone, beside one that stays. */
void bench_soak_reconnects(void)
{
    struct soak s;
    start(&s);
    for (int i = 1; i <= RECONNECTS; i++) {
        ws_t *ws = come_in(&s);
        json_decref(ws_call(ws, "sessions.list", "{}"));
        json_decref(ws_call(ws, "chat.history", "{\"sessionKey\":\"main\"}"));
        ws_close(&ws);
        hear(&s);
        weigh(&s, "soak_reconnects_ratio", i, RECONNECTS, "reconnects");
    }
    report_figure("soak_reconnects_fds", rig_descriptors(&s.rig) - s.early_descriptors, "descriptors more than after 100");
    end(&s);
}

/* ---- a page ---- */

/* What the views of the Control UI ask for. */
static const char *const VIEWS[][2] = {
    { "sessions.list", "{}" },   { "chat.history", "{\"sessionKey\":\"main\"}" },
    { "agents.list", "{}" },     { "models.list", "{}" },
    { "runs.list", "{}" },       { "status", "{}" },
    { "health", "{}" },          { "system-presence", "{}" },
    { "channels.status", "{}" }, { "device.pair.list", "{}" },
    { "cron.status", "{}" },     { "cron.list", "{}" },
    { "skills.status", "{}" },   { "config.get", "{}" },
    { "config.schema", "{}" },   { "logs.tail", "{\"limit\":1000}" },
    { "usage.cost", "{}" },      { "bus.status", "{}" },
};

void bench_page(void)
{
    struct soak s;
    char note[160];
    int refused = 0;
    begin(&s);
    rig_start_ready(&s.rig, bench_options.config);
    pause_ms(RIG_IDLE_MS);
    double alone = rig_memory_kib(&s.rig, "Rss:");
    s.page = come_in(&s);
    pause_ms(RIG_IDLE_MS);
    snprintf(note, sizeof note, "homelab config, nine agents, one client that has said hello; %.2f MiB without it", alone / 1024);
    report_figure("idle_client_rss_mib", rig_memory_kib(&s.rig, "Rss:") / 1024, note);
    for (int round = 0; round < VIEW_ROUNDS; round++)
        for (size_t i = 0; i < sizeof VIEWS / sizeof *VIEWS; i++) {
            json_t *answer = ws_call(s.page, VIEWS[i][0], "%s", VIEWS[i][1]);
            bool ok = json_is_true(json_object_get(answer, "ok"));
            refused += !ok;
            if (!ok) fprintf(stderr, "bench: %s is refused\n", VIEWS[i][0]);
            json_decref(answer);
        }
    snprintf(note, sizeof note, "the same just after all views, %d times; %d calls refused", VIEW_ROUNDS, refused);
    report_figure("page_rss_mib", rig_memory_kib(&s.rig, "Rss:") / 1024, note);
    pause_ms(RIG_IDLE_MS);
    report_figure("page_idle_rss_mib", rig_memory_kib(&s.rig, "Rss:") / 1024, "and a little later, with the page still open");
    end(&s);
}

/* ---- turns ---- */

void bench_soak_turns(void)
{
    struct soak s;
    start(&s);
    for (int i = 1; i <= ROUNDS; i++) {
        take_turns(&s, 32, ROUND_TURNS, i * ROUND_TURNS);
        weigh(&s, "soak_turns_ratio", i * ROUND_TURNS, ROUNDS * ROUND_TURNS, "turns");
    }
    end(&s);
}
