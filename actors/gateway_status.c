/* actors/gateway_status.c -- methods about the gateway itself: presence, health, status, what runs, how the bus goes. */
#include "actors/gateway_events.h"
#include "actors/gateway_methods.h"

static void system_presence(struct gateway_request *rq, const json_t *params)
{
    struct buf payload = { 0 };
    (void)params;
    gateway_events_write_presence(rq->gw, &payload);
    gateway_respond(rq, buf_str(&payload));
    buf_free(&payload);
}

/* The query actor's answer is the health object of now: kept, and told to everyone. */
static void on_health(struct gateway_request *rq, const struct msg *in)
{
    struct gateway *gw = rq->gw;
    if (in->kind != MSG_rpc_result || in->rpc_result.code.n) {
        gateway_respond_error(rq, "UNAVAILABLE", in->kind == MSG_rpc_result ? in->rpc_result.text : STR("health could not be looked at"),
                              (struct str){ 0 });
        return;
    }
    gateway_events_keep_health(gw, in->rpc_result.payload);
    gateway_respond(rq, in->rpc_result.payload);
    gateway_broadcast(gw, GATEWAY_ALL, "health", gateway_events_health(gw, GATEWAY_HEALTH_MS), true);
}

static void health(struct gateway_request *rq, const json_t *params)
{
    struct gateway *gw = rq->gw;
    struct str kept = gateway_events_health(gw, GATEWAY_HEALTH_MS);
    if (kept.n == 0 || json_is_true(json_object_get(params, "probe"))) {
        gateway_request_call(rq, "query", RPC_health, params, on_health);
        return;
    }
    gateway_respond(rq, kept);
    gateway_events_want(gw, true, false);
}

static void on_told(struct gateway_request *rq, const struct msg *in)
{
    if (in->kind == MSG_router_told)
        gateway_respond(rq, in->router_told.json);
    else
        gateway_refuse(rq, "UNAVAILABLE", "the router did not answer");
}

static void ask_router(struct gateway_request *rq, int what)
{
    struct msg m = { .kind = MSG_router_status };
    m.router_status.what = what;
    gateway_request_ask(rq, "router", &m, on_told);
}

static void runs_list(struct gateway_request *rq, const json_t *params)
{
    (void)params;
    ask_router(rq, 0);
}

static void bus_status(struct gateway_request *rq, const json_t *params)
{
    (void)params;
    ask_router(rq, 1);
}

const struct gateway_rpc_handler gateway_status_handlers[] = {
    { RPC_system_presence, system_presence }, { RPC_health, health }, { RPC_runs_list, runs_list },
    { RPC_bus_status, bus_status },           { RPC_none, NULL },
};
