/* The devices of the gateway against a real store; this file stands in for the transport (gateway_client.c, gateway_rpc.c). */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "actors/gateway_devices.h"
#include "actors/store.h"
#include "base/clock.h"
#include "tests/support/rig.h"
#include "tests/support/signer.h"
#include "tests/support/tempdir.h"

#define NONCE "3f0f4f5e-0000-4000-8000-000000000001"
#define BOOTSTRAP "one-time-token-0123456789"

/* --- the transport's part ----------------------------------------------------------------------------------------------- */

struct gateway_client { /* an operator */
    const char *scopes;
};

static struct buf journal; /* what the transport was told, a line each */
static struct buf answer;  /* the newest answer */
static struct gateway_request *asking;

static void end_request(struct gateway_request *rq)
{
    if (asking == rq) asking = NULL;
    free(rq->state);
    free(rq);
}

static void note_answer(const char *what, struct str text)
{
    buf_printf(&journal, "%s\n", what);
    buf_clear(&answer);
    buf_add(&answer, text);
}

void gateway_respond(struct gateway_request *rq, struct str payload)
{
    note_answer("answered", payload);
    end_request(rq);
}

void gateway_respond_error(struct gateway_request *rq, const char *code, struct str message, struct str details)
{
    struct buf text = { 0 };
    (void)details;
    buf_printf(&text, "%s %.*s", code, STR_ARG(message));
    note_answer("refused", buf_str(&text));
    buf_free(&text);
    end_request(rq);
}

void gateway_request_until(struct gateway_request *rq, int64_t deadline_ms, void (*on_late)(struct gateway_request *rq))
{
    rq->deadline_ms = deadline_ms;
    rq->on_late = on_late;
}

int gateway_request_ask(struct gateway_request *rq, const char *to, struct msg *m, gateway_answer_fn *fn)
{
    rq->corr = m->corr = mailbox_corr(rq->gw->mailbox);
    rq->on_answer = fn;
    asking = rq;
    return mailbox_send(rq->gw->mailbox, to, m);
}

void gateway_broadcast(struct gateway *gw, enum gateway_audience audience, const char *event, struct str payload, bool drop_if_slow)
{
    (void)gw;
    cr_assert(audience == GATEWAY_PAIRERS && !drop_if_slow);
    json_t *json = json_loadb(payload.p, payload.n, 0, NULL);
    const char *decision = json_string_value(json_object_get(json, "decision"));
    buf_printf(&journal, "event %s %s\n", event, decision ? decision : "-");
    json_decref(json);
}

void gateway_client_close_device(struct gateway *gw, const char *device_id, const char *role, const char *reason)
{
    (void)gw;
    buf_printf(&journal, "close %.4s %s: %s\n", device_id, role ? role : "any", reason);
}

void gateway_client_devices_ready(struct gateway *gw)
{
    (void)gw;
    buf_text(&journal, "ready\n");
}

bool gateway_client_may(const struct gateway_client *client, struct str scope)
{
    return strstr(client->scopes, "operator.admin") || str_find(str_of(client->scopes), scope) >= 0;
}

const char *gateway_client_name(const struct gateway_client *client)
{
    (void)client;
    return "test";
}

/* --- a gateway and a store ------------------------------------------------------------------------------------------------ */

static char dir[TEMPDIR_MAX];
static rig_t *rig;
static struct gateway gw;
static struct gateway_options options;
static struct config_gateway settings;
static config_t *config;
static struct gateway_client boss = { "operator.admin" }, helper = { "operator.pairing,operator.read" };
static struct signer device;

static void start_store(void)
{
    struct store_actor_options *store = calloc(1, sizeof *store);
    struct buf report = { 0 };
    cr_assert(store_open(str_of(dir), NULL, &store->store, &report) == 0, "%s", buf_cstr(&report));
    buf_free(&report);
    rig_spawn(rig, "store", store_actor, store);
}

/* One message from the bus, on its way through the gateway. */
static void pump(void)
{
    struct msg in = rig_next(rig);
    if (!gateway_devices_message(&gw, &in) && asking && in.corr == asking->corr) asking->on_answer(asking, &in);
    msg_clear(&in);
}

static void start_gateway(void)
{
    rig = rig_start();
    start_store();
    gw = (struct gateway){ .mailbox = rig_mailbox(rig), .options = &options, .cfg = &settings };
    cr_assert(gateway_devices_create(&gw) == 0);
    cr_assert_not(gateway_devices_ready(&gw));
    while (!gateway_devices_ready(&gw)) pump();
    cr_assert_str_eq(buf_cstr(&journal), "ready\n");
    buf_clear(&journal);
}

static void stop_gateway(void)
{
    gateway_devices_destroy(&gw);
    rig_stop(&rig);
}

static void restart(void)
{
    stop_gateway();
    buf_clear(&journal);
    start_gateway();
}

static void begin(void)
{
    const struct env env = env_list((const char *const[]){ "HOME", "/nonexistent", NULL });
    struct config_problems problems = { 0 };
    cr_assert(config_default(&env, &config, &problems) == 0);
    config_problems_free(&problems);
    options = (struct gateway_options){ .config = config };
    settings = (struct config_gateway){ .auth = CONFIG_AUTH_TOKEN, .token = STR("shared") };
    setenv("OPENCLAW_BOOTSTRAP_TOKEN", BOOTSTRAP, 1);
    device = signer_make(1);
    tempdir_make(dir);
    start_gateway();
}

static void end(void)
{
    stop_gateway();
    config_unref(&config);
    tempdir_remove(dir);
    buf_free(&journal);
    buf_free(&answer);
}

TestSuite(gateway_devices, .init = begin, .fini = end, .timeout = 20);

static struct connect_verdict verdict;
static bool durable;

static void on_durable(void *ctx)
{
    *(bool *)ctx = true;
}

/* Start a connect. @return whether it is to be answered at once */
static bool start_connect(const struct signer *who, bool local, struct signer_connect c)
{
    struct buf text = { 0 }, why = { 0 };
    struct connect_params p;
    struct connect_facts f;
    c.signed_at_ms = clock_wall_ms();
    c.nonce = NONCE;
    signer_connect(who, &c, &text);
    json_t *params = json_loadb(text.p, text.n, 0, NULL);
    cr_assert(connect_read(params, &p, &why) == 0);
    gateway_devices_facts(&gw, &f);
    f.local = local;
    f.address = f.remote_ip = STR("192.0.2.1");
    f.nonce = STR(NONCE);
    durable = false;
    connect_verdict_free(&verdict);
    bool now = gateway_devices_connect(&gw, &p, &f, &verdict, on_durable, &durable);
    json_decref(params);
    buf_free(&text);
    buf_free(&why);
    return now;
}

/* Connect, and wait until it can be answered. */
static bool try(const struct signer *who, bool local, struct signer_connect c)
{
    durable = start_connect(who, local, c);
    while (!durable) pump();
    return verdict.accepted;
}

static bool try_plain(bool local)
{
    return try(&device, local, (struct signer_connect){ .token = "shared" });
}

static struct gateway_request *begin_call(struct gateway_client *client, enum rpc_id method, const char *params)
{
    struct gateway_request *rq = calloc(1, sizeof *rq);
    *rq = (struct gateway_request){ .gw = &gw, .client = client, .method = method };
    json_t *json = json_loads(params, 0, NULL);
    cr_assert_not_null(json);
    const struct gateway_rpc_handler *h = gateway_device_handlers;
    while (h->method != method) h++;
    h->run(rq, json);
    json_decref(json);
    return asking;
}

/* Call a method and wait for its answer. */
static const char *call(struct gateway_client *client, enum rpc_id method, const char *params)
{
    buf_clear(&answer);
    begin_call(client, method, params);
    while (asking) pump();
    return buf_cstr(&answer);
}

static const char *about(const char *key, const char *value, const char *more)
{
    static char text[512];
    snprintf(text, sizeof text, "{\"%s\":\"%s\"%s}", key, value, more);
    return text;
}

/* --- tests ------------------------------------------------------------------------------------------------------------------ */

Test(gateway_devices, a_local_device_is_paired_before_it_is_answered_and_known_after_a_restart)
{
    cr_assert_not(start_connect(&device, true, (struct signer_connect){ .token = "shared" }));
    cr_assert_str_eq(buf_cstr(&journal), ""); /* not durable: nobody is told */
    while (!durable) pump();
    cr_assert(verdict.accepted && verdict.has_grant);
    cr_assert_str_eq(buf_cstr(&journal), "event device.pair.resolved approved\n");
    struct device_grant grant = verdict.grant;
    cr_assert(start_connect(&device, true, (struct signer_connect){ .token = "shared" })); /* nothing new: at once */
    restart();
    cr_assert(try(&device, false, (struct signer_connect){ .token = grant.token }));
    cr_assert_str_eq(verdict.grant.token, grant.token);
}

Test(gateway_devices, a_remote_one_waits_for_an_operator)
{
    cr_assert_not(try_plain(false));
    cr_assert_str_eq(verdict.message, "pairing required");
    cr_assert_str_eq(buf_cstr(&journal), "event device.pair.requested -\n");
    restart(); /* the request is still there */
    cr_assert_not(try_plain(false));
    cr_assert_str_eq(buf_cstr(&journal), "");
    const char *said = call(&boss, RPC_device_pair_approve, about("requestId", verdict.request_id, ""));
    char expected[256];
    snprintf(expected, sizeof expected, "{\"requestId\":\"%s\",\"device\":{\"deviceId\":\"%s\",", verdict.request_id, device.id);
    cr_assert(str_starts(str_of(said), str_of(expected)), "%s", said);
    cr_assert_str_eq(buf_cstr(&journal), "event device.pair.resolved approved\nanswered\n");
    restart();
    cr_assert(try_plain(false));
    said = call(&boss, RPC_device_pair_list, "{}");
    cr_assert(str_starts(str_of(said), STR("{\"pending\":[],\"paired\":[{\"deviceId\":\"")), "%s", said);
}

Test(gateway_devices, a_rejected_one_stays_out)
{
    char expected[256];
    try_plain(false);
    snprintf(expected, sizeof expected, "{\"requestId\":\"%s\",\"deviceId\":\"%s\"}", verdict.request_id, device.id);
    cr_assert_str_eq(call(&boss, RPC_device_pair_reject, about("requestId", verdict.request_id, "")), expected);
    cr_assert_str_eq(buf_cstr(&journal), "event device.pair.requested -\nevent device.pair.resolved rejected\nanswered\n");
    restart();
    cr_assert_str_eq(call(&boss, RPC_device_pair_list, "{}"), "{\"pending\":[],\"paired\":[]}");
}

Test(gateway_devices, what_is_unknown_is_said_in_the_words_of_the_reference)
{
    cr_assert_str_eq(call(&boss, RPC_device_pair_approve, "{\"requestId\":\"zz\"}"), "INVALID_REQUEST unknown requestId");
    cr_assert_str_eq(call(&boss, RPC_device_pair_reject, "{\"requestId\":\"none\"}"), "INVALID_REQUEST unknown requestId");
    cr_assert_str_eq(call(&boss, RPC_device_token_revoke, "{\"deviceId\":\"nope\",\"role\":\"operator\"}"),
                     "INVALID_REQUEST unknown deviceId/role");
    cr_assert_str_eq(call(&boss, RPC_device_token_rotate, "{\"deviceId\":\"nope\",\"role\":\"operator\"}"),
                     "INVALID_REQUEST unknown deviceId/role");
    cr_assert_str_eq(call(&boss, RPC_device_pair_remove, "{\"deviceId\":\"nope\"}"), "INVALID_REQUEST unknown deviceId");
}

Test(gateway_devices, nobody_gives_scopes_that_he_does_not_have)
{
    try(&device, false, (struct signer_connect){ .token = "shared", .scopes = "operator.read,operator.admin" });
    cr_assert_str_eq(call(&helper, RPC_device_pair_approve, about("requestId", verdict.request_id, "")),
                     "INVALID_REQUEST missing scope: operator.admin");
    cr_assert_str_eq(buf_cstr(&journal), "event device.pair.requested -\nrefused\n");
    call(&boss, RPC_device_pair_approve, about("requestId", verdict.request_id, ""));
    cr_assert_str_eq(call(&helper, RPC_device_token_rotate, about("deviceId", device.id, ",\"role\":\"operator\"")),
                     "INVALID_REQUEST missing scope: operator.admin");
    cr_assert_str_eq(
        call(&helper, RPC_device_token_rotate, about("deviceId", device.id, ",\"role\":\"operator\",\"scopes\":[\"operator.write\"]")),
        "INVALID_REQUEST missing scope: operator.write");
    cr_assert(str_starts(str_of(call(&helper, RPC_device_token_rotate,
                                     about("deviceId", device.id, ",\"role\":\"operator\",\"scopes\":[\"operator.read\"]"))),
                         STR("{\"deviceId\":")));
}

Test(gateway_devices, rotating_answers_with_the_token_and_then_ends_the_connections)
{
    try_plain(true);
    struct device_grant old = verdict.grant;
    buf_clear(&journal);
    json_t *json = json_loads(call(&boss, RPC_device_token_rotate, about("deviceId", device.id, ",\"role\":\"operator\"")), 0, NULL);
    char expected[256];
    snprintf(expected, sizeof expected, "answered\nclose %.4s operator: device token rotated\n", device.id);
    cr_assert_str_eq(buf_cstr(&journal), expected);
    char *token = strdup(json_string_value(json_object_get(json, "token")));
    cr_assert(json_integer_value(json_object_get(json, "rotatedAtMs")) > 0);
    json_decref(json);
    cr_assert_not(try(&device, true, (struct signer_connect){ .token = old.token }));
    restart();
    cr_assert(try(&device, true, (struct signer_connect){ .token = token }));
    free(token);
}

Test(gateway_devices, a_revoked_token_is_refused_at_once_and_after_a_restart)
{
    try_plain(true);
    struct device_grant old = verdict.grant;
    buf_clear(&journal);
    const char *said = call(&boss, RPC_device_token_revoke, about("deviceId", device.id, ",\"role\":\"operator\""));
    cr_assert(str_find(str_of(said), STR(",\"role\":\"operator\",\"revokedAtMs\":")) > 0, "%s", said);
    cr_assert(str_find(buf_str(&journal), STR("answered\nclose ")) == 0);
    cr_assert_not(try(&device, true, (struct signer_connect){ .token = old.token }));
    restart();
    cr_assert_not(try(&device, true, (struct signer_connect){ .token = old.token }));
    cr_assert(try_plain(true));
}

Test(gateway_devices, a_removed_device_is_unknown_and_its_connections_end)
{
    char expected[256];
    try_plain(true);
    buf_clear(&journal);
    snprintf(expected, sizeof expected, "{\"deviceId\":\"%s\"}", device.id);
    cr_assert_str_eq(call(&boss, RPC_device_pair_remove, about("deviceId", device.id, "")), expected);
    snprintf(expected, sizeof expected, "answered\nclose %.4s any: device removed\n", device.id);
    cr_assert_str_eq(buf_cstr(&journal), expected);
    restart();
    cr_assert_not(try_plain(false));
}

Test(gateway_devices, a_decision_stands_when_who_made_it_has_left)
{
    try_plain(true);
    buf_clear(&journal);
    struct gateway_request *rq = begin_call(&boss, RPC_device_token_revoke, about("deviceId", device.id, ",\"role\":\"operator\""));
    cr_assert_not_null(rq);
    end_request(rq); /* its client is gone */
    pump();
    gateway_devices_tick(&gw);
    char expected[256];
    snprintf(expected, sizeof expected, "close %.4s operator: device token revoked\n", device.id);
    cr_assert_str_eq(buf_cstr(&journal), expected);
}

Test(gateway_devices, a_client_that_leaves_is_not_called_and_its_request_is_still_told)
{
    cr_assert_not(start_connect(&device, false, (struct signer_connect){ .token = "shared" }));
    gateway_devices_forget(&gw, &durable);
    connect_verdict_free(&verdict);
    pump();
    cr_assert_not(durable);
    cr_assert_str_eq(buf_cstr(&journal), "event device.pair.requested -\n");
}

Test(gateway_devices, a_one_time_token_stays_spent_after_a_restart)
{
    struct signer other = signer_make(2);
    cr_assert(try(&device, false, (struct signer_connect){ .token = BOOTSTRAP }));
    cr_assert(verdict.proof == CONNECT_PROOF_BOOTSTRAP);
    cr_assert_str_eq(buf_cstr(&journal), "event device.pair.resolved approved\n");
    struct device_grant grant = verdict.grant;
    restart();
    cr_assert_not(try(&other, false, (struct signer_connect){ .token = BOOTSTRAP }));
    cr_assert(try(&device, false, (struct signer_connect){ .token = grant.token }));
}

Test(gateway_devices, what_cannot_be_stored_is_not_promised_and_is_tried_again)
{
    stop_gateway();
    buf_clear(&journal);
    rig = rig_start(); /* without a store */
    gw = (struct gateway){ .mailbox = rig_mailbox(rig), .options = &options, .cfg = &settings };
    cr_assert(gateway_devices_create(&gw) == 0);
    pump(); /* no store: not loaded */
    cr_assert_not(gateway_devices_ready(&gw));
    cr_assert_not(try_plain(true));
    cr_assert_str_eq(verdict.code, "UNAVAILABLE");
    cr_assert(verdict.grant.token[0] == '\0' && verdict.close_code == CONNECT_CLOSE_POLICY);
    cr_assert_str_eq(call(&boss, RPC_device_pair_list, "{}"), "UNAVAILABLE the devices are not loaded yet; try again");
    start_store();
    while (!gateway_devices_ready(&gw)) { /* the tick asks again, a second after the first try */
        gateway_devices_tick(&gw);
        struct msg in;
        if (mailbox_recv(rig_mailbox(rig), 50, &in) != 0) continue;
        gateway_devices_message(&gw, &in);
        msg_clear(&in);
    }
    gateway_devices_tick(&gw); /* stores what was left over */
    pump();
    restart();
    cr_assert(str_find(str_of(call(&boss, RPC_device_pair_list, "{}")), str_of(device.id)) > 0);
}
