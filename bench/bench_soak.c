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
    SETTLE_MS = 500, /* what ends a little later is not kept */
    RELOAD_MS = 10000,
    LOOK_MS = 1,
    SESSION_BASE = 1,
    VIEW_ROUNDS = 3,
};

struct soak {
    struct rig rig;
    ws_t *page; /* a client that is there all the time, as a page in a browser is */
    double early_kib;
    int turns;
};

static ws_t *come_in(const struct rig *r)
{
    struct ws_connect c = { .token = BENCH_TOKEN };
    struct ws_device device;
    ws_t *ws = NULL;
    int rc = ws_device_create(&device);
    if (rc == 0) rc = ws_open(r->port, "/", NULL, &ws);
    if (rc) rig_die("no WebSocket connection", rc);
    c.device = &device;
    json_t *hello = ws_hello(ws, &c);
    if (!json_is_true(json_object_get(hello, "ok"))) rig_die("no hello-ok", GW_EDENIED);
    json_decref(hello);
    ws_device_free(&device);
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
    rig_open(&s->rig, NULL);
    write_config(&s->rig, 0);
    rig_start_ready(&s->rig, s->rig.config);
    s->page = come_in(&s->rig);
}

static void end(struct soak *s)
{
    ws_close(&s->page);
    rig_close(&s->rig);
}

/* Note the memory after a tenth of `total`, and report it after the last. @param done  how many are over */
static void weigh(struct soak *s, const char *figure, int done, int total, const char *what)
{
    char note[160];
    if (done != total / TENTH && done != total) return;
    pause_ms(SETTLE_MS);
    hear(s);
    double kib = rig_memory_kib(&s->rig, "Rss:");
    if (done != total) {
        s->early_kib = kib;
        return;
    }
    snprintf(note, sizeof note, "%.1f MiB after %d %s, %.1f MiB after %d", kib / 1024, total, what, s->early_kib / 1024, total / TENTH);
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

static void soak_reloads(const char *figure, const char *what, bool turns)
{
    struct soak s;
    begin(&s);
    for (int i = 1; i <= RELOADS; i++) {
        reload(&s, i);
        if (turns) take_turns(&s, 1, 1, SESSION_BASE + i); /* so many at most stay in memory, and before the first tenth is over */
        hear(&s);
        weigh(&s, figure, i, RELOADS, what);
    }
    end(&s);
}

void bench_soak_reloads(void)
{
    soak_reloads("soak_reloads_rss_ratio", "reloads", false);
    soak_reloads("soak_reloads_turns_rss_ratio", "reloads, a new session's turn after each", true);
}

/* ---- reconnects ---- */

/* A page that comes back: a device each time, as its token is another one; it looks around and is gone. */
void bench_soak_reconnects(void)
{
    struct soak s;
    begin(&s);
    int descriptors = rig_descriptors(&s.rig);
    for (int i = 1; i <= RECONNECTS; i++) {
        ws_t *ws = come_in(&s.rig);
        json_decref(ws_call(ws, "sessions.list", "{}"));
        json_decref(ws_call(ws, "chat.history", "{\"sessionKey\":\"main\"}"));
        ws_close(&ws);
        hear(&s);
        weigh(&s, "soak_reconnects_rss_ratio", i, RECONNECTS, "reconnects");
    }
    report_figure("soak_reconnects_fds", rig_descriptors(&s.rig) - descriptors, "descriptors more than before");
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
    struct soak s = { 0 };
    char note[160];
    int refused = 0;
    rig_open(&s.rig, NULL);
    rig_start_ready(&s.rig, bench_options.config);
    pause_ms(SETTLE_MS);
    double alone = rig_memory_kib(&s.rig, "Rss:");
    s.page = come_in(&s.rig);
    pause_ms(SETTLE_MS);
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
    pause_ms(SETTLE_MS);
    snprintf(note, sizeof note, "the same after all views, %d times; %d calls refused", VIEW_ROUNDS, refused);
    report_figure("page_rss_mib", rig_memory_kib(&s.rig, "Rss:") / 1024, note);
    end(&s);
}

/* ---- turns ---- */

void bench_soak_turns(void)
{
    struct soak s;
    begin(&s);
    for (int i = 1; i <= ROUNDS; i++) {
        take_turns(&s, 32, ROUND_TURNS, SESSION_BASE); /* the same 500 sessions or so */
        weigh(&s, "soak_turns_rss_ratio", i * ROUND_TURNS, ROUNDS * ROUND_TURNS, "turns");
    }
    end(&s);
}
