/* actors/gateway_routes.c -- the table of paths, and the short endpoints. */
#include <jansson.h>
#include <stdlib.h>

#include "actors/gateway_hooks.h"
#include "actors/gateway_internal.h"
#include "base/clock.h"
#include "base/json_read.h"
#include "channels/openai_http.h"

#define JSON_TYPE "application/json; charset=utf-8"

static void health(struct gateway_conn *c)
{
    gateway_answer(c, 200, JSON_TYPE, STR("{\"ok\":true,\"status\":\"live\"}"), NULL);
}

static void models(struct gateway_conn *c)
{
    const config_t *cfg = c->gw->options->config;
    size_t n = config_agent_count(cfg);
    struct str *ids = calloc(n, sizeof *ids);
    struct buf body = { 0 };
    for (size_t i = 0; ids && i < n; i++) ids[i] = config_agent_at(cfg, i)->id;
    openai_write_models(&body, ids, ids ? n : 0, clock_wall_ms() / 1000);
    gateway_answer(c, 200, JSON_TYPE, buf_str(&body), NULL);
    buf_free(&body);
    free(ids);
}

/* --- probes: /healthz asks whether the router turns, /readyz the store as well --------------------------------- */

static void add_reason(struct gateway_conn *c, struct str reason)
{
    buf_json_comma(&c->reasons);
    buf_json_str(&c->reasons, reason);
}

static bool is_readyz(const struct gateway_conn *c)
{
    return strcmp(c->route->path, "/readyz") == 0;
}

static void conclude(struct gateway_conn *c)
{
    struct buf body = { 0 };
    bool well = c->reasons.n == 0;
    buf_char(&body, '{');
    buf_json_pair_bool(&body, is_readyz(c) ? "ready" : "ok", well);
    if (is_readyz(c) || !well) {
        buf_json_key(&body, "reasons");
        buf_char(&body, '[');
        buf_add(&body, buf_str(&c->reasons));
        buf_char(&body, ']');
    }
    buf_char(&body, '}');
    gateway_answer(c, well ? 200 : 503, JSON_TYPE, buf_str(&body), NULL);
    buf_free(&body);
}

static void probe(struct gateway_conn *c, const char *to, enum msg_kind kind)
{
    struct msg ping = { .kind = kind };
    if (gateway_ask(c, to, &ping) == 0)
        c->probes_left++;
    else
        add_reason(c, STR("the gateway's mailbox is full"));
}

static void start_probe(struct gateway_conn *c)
{
    c->probes_left = 0;
    probe(c, "router", MSG_router_ping);
    if (is_readyz(c)) probe(c, "store", MSG_store_ping);
    c->deadline_ms = clock_mono_ms() + c->gw->times.probe_ms;
    gateway_start_tick(c->gw);
    if (c->probes_left == 0) conclude(c);
}

static void readyz(struct gateway_conn *c)
{
    if (c->gw->options->config_note) add_reason(c, str_of(c->gw->options->config_note));
    if (c->gw->draining) add_reason(c, STR("draining"));
    start_probe(c);
}

static void read_pong(struct gateway_conn *c, struct str json)
{
    json_t *root = json_loadb(json.p, json.n, 0, NULL), *reason;
    size_t i;
    json_array_foreach(json_object_get(root, "reasons"), i, reason)
    {
        if (json_is_string(reason)) add_reason(c, json_text(reason));
    }
    if (!json_is_true(json_object_get(root, "ready")) && c->reasons.n == 0) add_reason(c, STR("the router is not ready"));
    json_decref(root);
}

void gateway_probe_answer(struct gateway_conn *c, const struct msg *in)
{
    if (in->kind == MSG_router_pong && is_readyz(c)) read_pong(c, in->router_pong.json);
    if (in->kind == MSG_error) {
        struct buf text = { 0 };
        buf_printf(&text, "no answer from a part of the gateway: %.*s", STR_ARG(in->error.text));
        add_reason(c, buf_str(&text));
        buf_free(&text);
    }
    if (--c->probes_left <= 0) conclude(c);
}

void gateway_probe_late(struct gateway_conn *c)
{
    struct buf text = { 0 };
    buf_printf(&text, "%s did not answer within %lld ms", is_readyz(c) ? "router or store" : "the router",
               (long long)c->gw->times.probe_ms);
    add_reason(c, buf_str(&text));
    buf_free(&text);
    conclude(c);
}

/* --- the table -------------------------------------------------------------------------------------------------- */

static bool chat_enabled(const struct config_gateway *cfg)
{
    return cfg->chat_completions;
}

static size_t chat_body_max(const config_t *config)
{
    const struct config_gateway *cfg = config_gateway(config);
    return cfg->chat_body_max < GATEWAY_BODY_MAX ? (size_t)cfg->chat_body_max : GATEWAY_BODY_MAX;
}

static const struct gateway_route ROUTES[] = {
    { .path = "/health", .method = GATEWAY_GET, .while_draining = true, .run = health },
    { .path = "/healthz", .method = GATEWAY_GET, .while_draining = true, .run = start_probe },
    { .path = "/readyz", .method = GATEWAY_GET, .while_draining = true, .run = readyz },
    { .path = "/metrics",
      .method = GATEWAY_GET,
      .needs_auth = true,
      .while_draining = true,
      .run = gateway_metrics_run,
      .told = gateway_metrics_told,
      .late = gateway_metrics_late },
    { .path = "/v1/models", .method = GATEWAY_GET, .needs_auth = true, .run = models },
    { .path = "/v1/chat/completions",
      .method = GATEWAY_POST,
      .needs_auth = true,
      .body_max = chat_body_max,
      .run = gateway_chat_run,
      .enabled = chat_enabled },
};

const struct gateway_route *gateway_route_find(const config_t *config, struct str path)
{
    const struct config_gateway *cfg = config_gateway(config);
    for (size_t i = 0; i < sizeof ROUTES / sizeof ROUTES[0]; i++)
        if (str_is(path, ROUTES[i].path) && (!ROUTES[i].enabled || ROUTES[i].enabled(cfg))) return &ROUTES[i];
    return gateway_hook_route(config, path);
}
