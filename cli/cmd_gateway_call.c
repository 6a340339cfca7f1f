/* cli/cmd_gateway_call.c -- `openclaw gateway call|health|probe|status`: the running gateway, from outside. */
#include <stdio.h>

#include "base/clock.h"
#include "cli/remote.h"
#include "cli/report.h"

enum { PROBE_MS = 3000 };

/* --- call --------------------------------------------------------------------------------------------------------- */

static int tell_failed(const struct remote *r)
{
    struct buf text = { 0 };
    rpc_client_error_describe(&r->error, &r->target, &text);
    bool has_prefix = str_starts(buf_str(&text), STR("Error: "));
    fprintf(stderr, "Gateway call failed: %s%s", has_prefix ? "" : "Error: ", buf_cstr(&text));
    buf_free(&text);
    return CLI_FAILED;
}

/* @param params  taken over. With --expect-final the second answer is waited for, where the first says "accepted". */
static int call(struct remote *r, const char *method, json_t *params, bool final, bool as_json)
{
    json_t *payload = NULL;
    if (remote_connect(r, "cli") == 0)
        payload = remote_try(r, method, params);
    else
        json_decref(params);
    if (payload && final && str_is(json_str(payload, "status"), "accepted")) {
        json_decref(payload);
        rpc_client_more(r->client, r->timeout_ms, &payload, &r->error);
    }
    if (!payload) return tell_failed(r);
    if (!as_json) text_say(stdout, "Gateway call: %s", method);
    json_show(payload);
    json_decref(payload);
    return CLI_OK;
}

int cmd_gateway_call(int argc, char **argv)
{
    struct remote_flags flags = { 0 };
    const char *params_text = "{}";
    bool final = false;
    const struct cli_option options[] = { { "--params", "JSON", "its parameters (default: {})", &params_text, NULL },
                                          { "--expect-final", NULL, "wait for the last answer (agent)", NULL, &final },
                                          REMOTE_OPTIONS(flags),
                                          { 0 } };
    const struct cli_usage usage = { "openclaw gateway call METHOD [options]",
                                     "Calls a method of the running gateway and prints the answer.", options };
    struct remote r;
    json_error_t wrong;
    int rc = cli_begin(&usage, &argc, argv, 1);
    if (rc >= 0) return rc;
    if (argc == 0) {
        fprintf(stderr, "Usage: %s\n", usage.synopsis);
        return CLI_USAGE;
    }
    json_t *params = json_loads(params_text, JSON_DECODE_ANY, &wrong);
    if (!params) {
        fprintf(stderr, "Gateway call failed: --params is no JSON: %s\n", wrong.text);
        return CLI_FAILED;
    }
    rc = remote_prepare(&r, &flags);
    if (rc == CLI_OK)
        rc = call(&r, argv[0], params, final, flags.json);
    else
        json_decref(params);
    remote_close(&r);
    return rc;
}

/* --- health ------------------------------------------------------------------------------------------------------- */

int cmd_gateway_health(int argc, char **argv)
{
    struct remote_flags flags = { 0 };
    const struct cli_option options[] = { REMOTE_OPTIONS(flags), { 0 } };
    const struct cli_usage usage = { "openclaw gateway health [options]", "Whether the gateway is well, and how fast it answers.",
                                     options };
    struct remote r;
    int rc = cli_begin(&usage, &argc, argv, 0);
    if (rc >= 0) return rc;
    rc = remote_open(&r, &flags);
    if (rc == CLI_OK) {
        int64_t start_ms = clock_mono_ms();
        json_t *payload = remote_call(&r, "health", NULL);
        int64_t took_ms = clock_mono_ms() - start_ms;
        if (payload && flags.json) json_show(payload);
        if (payload && !flags.json) {
            printf("Gateway Health\n%s (%lldms)\n", json_is_false(json_object_get(payload, "ok")) ? "FAILED" : "OK", (long long)took_ms);
            report_health_channels(payload);
        }
        rc = payload ? CLI_OK : CLI_FAILED;
        json_decref(payload);
    }
    remote_close(&r);
    return rc;
}

/* --- probe -------------------------------------------------------------------------------------------------------- */

static void show_self(const json_t *presence)
{
    for (size_t i = 0; i < json_array_size(presence); i++) {
        const json_t *p = json_array_get(presence, i);
        struct str ip = json_str(p, "ip");
        if (!str_is(json_str(p, "reason"), "self")) continue;
        text_say(stdout, "  Gateway: %.*s%s%.*s%s \xc2\xb7 %.*s \xc2\xb7 app %.*s", STR_ARG(json_str(p, "host")), ip.n ? " (" : "",
                 STR_ARG(ip), ip.n ? ")" : "", STR_ARG(json_str(p, "platform")), STR_ARG(json_str(p, "version")));
        return;
    }
}

static int probe(struct remote *r, bool as_json)
{
    json_t *presence = NULL;
    struct buf why = { 0 };
    int rc = remote_connect(r, "probe");
    int connect_ms = rc == 0 ? rpc_client_connect_ms(r->client) : 0;
    if (rc == 0) presence = remote_try(r, "system-presence", NULL);
    bool ok = presence != NULL;
    rpc_client_error_describe(&r->error, &r->target, &why);
    struct str rest = buf_str(&why), first = str_split(&rest, '\n');
    if (as_json) {
        json_t *out =
            json_pack("{s:b, s:s, s:b, s:o, s:o, s:o}", "ok", ok, "url", r->target.text, "reachable", rc == 0, "connectLatencyMs",
                      rc == 0 ? json_integer(connect_ms) : json_null(), "error", first.n ? json_stringn(first.p, first.n) : json_null(),
                      "presence", presence ? json_incref(presence) : json_null());
        json_show(out);
        json_decref(out);
    } else {
        printf("Gateway Status\nReachable: %s\nProbe budget: %dms\n\nTargets\n", rc == 0 ? "yes" : "no", r->timeout_ms);
        text_say(stdout, "%c%s %s", r->target.source[0] - (r->target.source[0] >= 'a' && r->target.source[0] <= 'z' ? 32 : 0),
                 r->target.source + 1, r->target.text);
        if (rc == 0)
            printf("  Connect: ok (%dms) \xc2\xb7 RPC: %s\n", connect_ms, ok ? "ok" : "failed");
        else
            text_say(stdout, "  Connect: failed - %.*s", STR_ARG(first));
        if (ok) show_self(presence);
    }
    json_decref(presence);
    buf_free(&why);
    return rc == 0 ? CLI_OK : CLI_FAILED;
}

int cmd_gateway_probe(int argc, char **argv)
{
    struct remote_flags flags = { 0 };
    const struct cli_option options[] = { REMOTE_OPTIONS(flags), { 0 } };
    const struct cli_usage usage = { "openclaw gateway probe [options]", "Tries to reach the gateway and log in.", options };
    char patience[16];
    struct remote r;
    int rc = cli_begin(&usage, &argc, argv, 0);
    if (rc >= 0) return rc;
    snprintf(patience, sizeof patience, "%d", PROBE_MS);
    if (!flags.timeout_text) flags.timeout_text = patience;
    rc = remote_prepare(&r, &flags);
    if (rc == CLI_OK) rc = probe(&r, flags.json);
    remote_close(&r);
    return rc;
}

/* --- status ------------------------------------------------------------------------------------------------------- */

static const char *probe_note(const struct config_gateway *g)
{
    switch (g->bind) {
    case CONFIG_BIND_LAN: return "Listens on every address of this host; clients of the network can connect.";
    case CONFIG_BIND_TAILNET: return "Listens on this host's tailnet address.";
    case CONFIG_BIND_CUSTOM: return "Listens on gateway.customBindHost.";
    case CONFIG_BIND_LOOPBACK:
    case CONFIG_BIND_AUTO: break;
    }
    return "Loopback-only gateway; only local clients can connect.";
}

static void show_status(struct remote *r, const char *host, bool ok)
{
    const struct config_gateway *g = config_gateway(r->configuration.config);
    printf("Service: none (run it in the foreground or under your supervisor)\n\n");
    text_say(stdout, "Config (cli): %s%s", r->configuration.path, r->configuration.file_found ? "" : " (not there; defaults)");
    printf("\n");
    text_say(stdout, "Gateway: bind=%s (%s), port=%d (env/config)", config_bind_name(g->bind), host, g->port);
    text_say(stdout, "Probe target: %s", r->target.text);
    text_say(stdout, "Dashboard: %s://127.0.0.1:%d%.*s/", g->tls ? "https" : "http", g->port, STR_ARG(g->control_ui_base));
    text_say(stdout, "Probe note: %s", probe_note(g));
    printf("\nRPC probe: %s\n", ok ? "ok" : "failed");
    if (!ok) {
        struct buf why = { 0 };
        rpc_client_error_describe(&r->error, &r->target, &why);
        for (struct str rest = buf_str(&why); rest.n;) {
            struct str line = str_split(&rest, '\n');
            text_say(stdout, "  %.*s", STR_ARG(line));
        }
        buf_free(&why);
    }
    printf("\nTroubles: run openclaw status\n");
}

static void show_status_json(const struct remote *r, const char *host, bool ok)
{
    const struct config_gateway *g = config_gateway(r->configuration.config);
    json_t *out =
        json_pack("{s:n, s:{s:{s:s, s:b, s:b}}, s:{s:s, s:s, s:i, s:s, s:s, s:s}, s:{s:b, s:s, s:o}, s:[]}", "service", "config", "cli",
                  "path", r->configuration.path, "exists", r->configuration.file_found, "valid", r->configuration.note.n == 0, "gateway",
                  "bindMode", config_bind_name(g->bind), "bindHost", host, "port", g->port, "portSource", "env/config", "probeUrl",
                  r->target.text, "probeNote", probe_note(g), "rpc", "ok", ok, "url", r->target.text, "error",
                  ok ? json_null() : json_stringn(r->error.text.p ? r->error.text.p : "", r->error.text.n), "extraServices");
    json_show(out);
    json_decref(out);
}

int cmd_gateway_status(int argc, char **argv)
{
    struct remote_flags flags = { 0 };
    const struct cli_option options[] = { REMOTE_OPTIONS(flags), { 0 } };
    const struct cli_usage usage = { "openclaw gateway status [options]", "Where the gateway is, and whether it answers.", options };
    struct remote r;
    int rc = cli_begin(&usage, &argc, argv, 0);
    if (rc >= 0) return rc;
    rc = remote_prepare(&r, &flags);
    if (rc == CLI_OK) {
        char host[64] = "";
        configuration_bind(r.configuration.config, NULL, host);
        bool ok = remote_connect(&r, "probe") == 0;
        if (flags.json)
            show_status_json(&r, host, ok);
        else
            show_status(&r, host, ok);
    }
    remote_close(&r);
    return rc;
}
