#include "bench/rig.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "support/http_client.h"

enum { HEALTH_MS = 20000 };

struct bench_options bench_options = { .config = BENCH_CONFIG, .out = "bench/out", .seconds = 4 };

/* Everything that a limit would hide is opened up: what is measured is the machinery. */
static const char LOAD_CONFIG[] =
    "{ agents: { defaults: { model: 'openrouter/mock/model', maxConcurrent: 2000, workspace: '%s/workspace' } } }\n";

void rig_die(const char *what, int code)
{
    fprintf(stderr, "bench: %s: %s\n", what, err_text(code));
    exit(1);
}

static void start_mock(struct rig *r, const char *flag)
{
    char line[32];
    const char *argv[] = { bench_options.mock, "--port", "0", flag, NULL };
    int rc = proc_start(argv, NULL, &r->mock);
    if (rc == 0) rc = proc_wait_line(r->mock, "port ", HEALTH_MS, line, sizeof line);
    if (rc != 0) rig_die("the mock provider does not start", rc);
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

int64_t rig_start_gateway(struct rig *r, const char *config)
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
    const char *argv[] = { bench_options.openclaw, "gateway", "--port", port, "--bind", "loopback", "--token", BENCH_TOKEN,
                           "--allow-unconfigured", NULL };
    int64_t begin = now_us();
    int rc = proc_start(argv, env, &r->gateway);
    if (rc != 0) rig_die(bench_options.openclaw, rc);
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

void rig_start_ready(struct rig *r, const char *config)
{
    rig_start_gateway(r, config);
    int64_t begin = now_us();
    while (!well(r->port, "/readyz")) {
        if (!proc_alive(r->gateway) || now_us() - begin > HEALTH_MS * 1000) rig_die("the gateway does not get ready", GW_ETIMEOUT);
        usleep(100);
    }
}

void rig_open(struct rig *r, const char *mock_flag)
{
    *r = (struct rig){ 0 };
    snprintf(r->dir, sizeof r->dir, "/tmp/openclaw-bench-XXXXXX");
    if (!mkdtemp(r->dir)) rig_die("no temporary folder", GW_ESYS);
    snprintf(r->config, sizeof r->config, "%s/openclaw.json", r->dir);
    FILE *f = fopen(r->config, "w");
    if (!f || fprintf(f, LOAD_CONFIG, r->dir) < 0 || fclose(f) != 0) rig_die(r->config, GW_EIO);
    start_mock(r, mock_flag);
}

void rig_close(struct rig *r)
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

double rig_memory_kib(const struct rig *r, const char *field)
{
    char path[64], line[256];
    long value = -1;
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)proc_pid(r->gateway));
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, field, strlen(field)) == 0) value = strtol(line + strlen(field), NULL, 10);
    if (f) fclose(f);
    return (double)value;
}

int64_t rig_cpu_us(const struct rig *r)
{
    char path[64], text[1024] = "";
    unsigned long user = 0, kernel = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)proc_pid(r->gateway));
    FILE *f = fopen(path, "r");
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
    if (f) fclose(f);
    text[n] = '\0';
    const char *rest = strrchr(text, ')'); /* the name may hold anything */
    if (!rest || sscanf(rest, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel) != 2) return 0;
    return (int64_t)(user + kernel) * 1000000 / sysconf(_SC_CLK_TCK);
}

int rig_descriptors(const struct rig *r)
{
    char path[64];
    int n = 0;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)proc_pid(r->gateway));
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;) n += e->d_name[0] != '.';
    if (dir) closedir(dir);
    return n;
}
