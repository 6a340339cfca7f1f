/* actors/gateway_metrics.c -- GET /metrics: what the router counts, what the store holds, and the process itself (docs/metrics.md). */
#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "actors/gateway_internal.h"
#include "base/clock.h"
#include "base/json_read.h"
#include "base/prometheus.h"
#include "base/version.h"
#include "channels/rpc.h"

static int64_t resident_bytes(void)
{
    long long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f && fscanf(f, "%*s %lld", &pages) != 1) pages = 0;
    if (f) fclose(f);
    return pages * sysconf(_SC_PAGESIZE);
}

static int64_t open_files(void)
{
    int64_t n = -3; /* ".", "..", and the folder's own */
    DIR *dir = opendir("/proc/self/fd");
    if (!dir) return 0;
    while (readdir(dir)) n++;
    closedir(dir);
    return n;
}

static double cpu_seconds(void)
{
    struct timespec used;
    return clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) == 0 ? (double)used.tv_sec + (double)used.tv_nsec / 1e9 : 0;
}

static void write_process(struct buf *out)
{
    struct rlimit files;
    prometheus_family(out, "process_resident_memory_bytes", "gauge", "Resident memory.");
    prometheus_int(out, "process_resident_memory_bytes", NULL, 0, resident_bytes());
    prometheus_family(out, "process_cpu_seconds_total", "counter", "Processor time.");
    prometheus_real(out, "process_cpu_seconds_total", NULL, 0, cpu_seconds());
    prometheus_family(out, "process_open_fds", "gauge", "Open descriptors.");
    prometheus_int(out, "process_open_fds", NULL, 0, open_files());
    if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
    prometheus_family(out, "process_max_fds", "gauge", "Descriptors it may have.");
    prometheus_int(out, "process_max_fds", NULL, 0, (int64_t)files.rlim_cur);
}

static void write_gateway(const struct gateway *gw, bool whole, struct buf *out)
{
    const struct prometheus_label build[] = { { "version", STR(GW_VERSION) }, { "compatible", str_of(version_shown()) } };
    prometheus_family(out, "openclaw_build_info", "gauge", "Always 1; which program this is.");
    prometheus_int(out, "openclaw_build_info", build, 2, 1);
    prometheus_family(out, "openclaw_websocket_clients", "gauge", "Clients of the WebSocket protocol.");
    prometheus_int(out, "openclaw_websocket_clients", NULL, 0, (int64_t)gw->client_count);
    prometheus_family(out, "openclaw_draining", "gauge", "1 while the gateway is stopping.");
    prometheus_int(out, "openclaw_draining", NULL, 0, gw->draining);
    prometheus_family(out, "openclaw_scrape_complete", "gauge", "0: a part of the gateway did not answer, and its figures are missing.");
    prometheus_int(out, "openclaw_scrape_complete", NULL, 0, whole);
}

static void finish(struct gateway_conn *c, bool whole)
{
    struct buf text = { 0 };
    write_gateway(c->gw, whole, &text);
    write_process(&text);
    buf_add(&text, buf_str(&c->reasons));
    if (text.err)
        gateway_answer(c, 503, "text/plain; charset=utf-8", STR("out of memory\n"), NULL);
    else
        gateway_answer(c, 200, PROMETHEUS_TYPE, buf_str(&text), NULL);
    buf_free(&text);
}

void gateway_metrics_run(struct gateway_conn *c)
{
    struct msg router = { .kind = MSG_router_status }, store = { .kind = MSG_rpc_call };
    router.router_status.what = 2;
    store.rpc_call = (struct msg_rpc_call){ .method = RPC_metrics_store, .flags = 1, .params = STR("{}") };
    c->probes_left = (gateway_ask(c, "router", &router) == 0) + (gateway_ask(c, "query", &store) == 0);
    c->deadline_ms = clock_mono_ms() + c->gw->times.probe_ms;
    gateway_start_tick(c->gw);
    if (c->probes_left == 0) finish(c, false);
}

void gateway_metrics_told(struct gateway_conn *c, const struct msg *in)
{
    if (in->kind == MSG_router_told) buf_add(&c->reasons, in->router_told.json);
    if (in->kind == MSG_rpc_result && in->rpc_result.code.n == 0) {
        json_t *said = json_loadb(in->rpc_result.payload.p, in->rpc_result.payload.n, 0, NULL);
        buf_add(&c->reasons, json_str(said, "text"));
        json_decref(said);
    }
    if (--c->probes_left <= 0) finish(c, str_find(buf_str(&c->reasons), STR("openclaw_bus_forwarded_total")) >= 0);
}

void gateway_metrics_late(struct gateway_conn *c)
{
    finish(c, false);
}
