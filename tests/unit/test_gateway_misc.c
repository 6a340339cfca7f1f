/* The handlers of gateway_misc.c, gateway_approvals.c and gateway_absent.c alone: what they ask of the gateway is written down here. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "actors/gateway_client.h"
#include "actors/gateway_events.h"
#include "actors/gateway_heartbeat.h"
#include "actors/gateway_misc.h"
#include "base/clock.h"

static struct gateway front;
static struct gateway_client client;
static struct buf told; /* one line for each thing that the gateway was asked to do */

/* --- the gateway ------------------------------------------------------------------------------------------------------ */

static void end_request(struct gateway_request *rq)
{
    free(rq->state);
    free(rq);
}

void gateway_respond(struct gateway_request *rq, struct str payload)
{
    buf_printf(&told, "ok %.*s\n", STR_ARG(payload));
    end_request(rq);
}

void gateway_respond_first(struct gateway_request *rq, struct str payload)
{
    (void)rq;
    buf_printf(&told, "first %.*s\n", STR_ARG(payload));
}

void gateway_respond_error(struct gateway_request *rq, const char *code, struct str message, struct str details)
{
    buf_printf(&told, "%s %.*s%s%.*s\n", code, STR_ARG(message), details.n ? " " : "", STR_ARG(details));
    end_request(rq);
}

void gateway_request_lasts(struct gateway_request *rq)
{
    rq->lasting = true;
}

void gateway_request_until(struct gateway_request *rq, int64_t deadline_ms, void (*on_late)(struct gateway_request *rq))
{
    rq->deadline_ms = deadline_ms;
    rq->on_late = on_late;
}

int gateway_request_call(struct gateway_request *rq, const char *to, enum rpc_id method, const json_t *params, gateway_answer_fn *fn)
{
    char *text = json_dumps(params, JSON_COMPACT);
    buf_printf(&told, "ask %s %s %s\n", to, rpc_method(method)->name, text);
    free(text);
    rq->on_answer = fn;
    return 0;
}

void gateway_request_forward(struct gateway_request *rq, const char *to, enum rpc_id method, const json_t *params)
{
    gateway_request_call(rq, to, method, params, NULL);
    end_request(rq);
}

void gateway_broadcast(struct gateway *gw, enum gateway_audience audience, const char *event, struct str payload, bool drop_if_slow)
{
    (void)gw;
    (void)drop_if_slow;
    buf_printf(&told, "event %s%s %.*s\n", event, audience == GATEWAY_APPROVERS ? " (approvers)" : "", STR_ARG(payload));
}

bool gateway_channel_send(struct gateway_request *rq, const json_t *params)
{
    (void)rq;
    (void)params;
    return false; /* no network runs here */
}

void gateway_heartbeat_wake(struct gateway *gw)
{
    (void)gw;
    buf_text(&told, "wake\n");
}

void gateway_events_told(struct gateway *gw, const json_t *fields)
{
    (void)gw;
    const char *host = json_string_value(json_object_get(fields, "host"));
    buf_printf(&told, "presence %s\n", host ? host : "-");
}

/* --- asking it ---------------------------------------------------------------------------------------------------------- */

static void make(void)
{
    static struct gateway_options options;
    const struct env env = env_list((const char *const[]){ NULL });
    struct config_problems problems = { 0 };
    cr_assert(config_parse(STR("{}"), "test", &env, &options.config, &problems) == 0);
    config_problems_free(&problems);
    front = (struct gateway){ .options = &options };
    client = (struct gateway_client){ .gw = &front };
    cr_assert(gateway_misc_create(&front) == 0);
}

static void end(void)
{
    gateway_misc_destroy(&front);
    config_unref(&front.options->config);
    buf_free(&told);
}

TestSuite(gateway_misc, .init = make, .fini = end, .timeout = 10);

static gateway_rpc_fn *find(enum rpc_id method)
{
    static const struct gateway_rpc_handler *const tables[] = { gateway_misc_handlers, gateway_approval_handlers, gateway_absent_handlers };
    for (size_t t = 0; t < 3; t++)
        for (const struct gateway_rpc_handler *h = tables[t]; h->method != RPC_none; h++)
            if (h->method == method) return h->run;
    return NULL;
}

/* Run a method. @return the request; freed by now when it was answered */
static struct gateway_request *start(enum rpc_id method, const char *params)
{
    struct gateway_request *rq = calloc(1, sizeof *rq);
    json_t *root = json_loads(params, 0, NULL);
    cr_assert(rq && root && find(method), "%s", params);
    buf_clear(&told);
    *rq = (struct gateway_request){ .gw = &front, .client = &client, .method = method };
    find(method)(rq, root);
    json_decref(root);
    return rq;
}

/* What a method made the gateway do. */
static const char *run(enum rpc_id method, const char *params)
{
    start(method, params);
    return buf_cstr(&told);
}

/* --- system events ------------------------------------------------------------------------------------------------------ */

Test(gateway_misc, an_event_waits_for_the_main_session_and_is_taken_once)
{
    struct buf out = { 0 };
    cr_assert_str_eq(run(RPC_system_event, "{\"text\":\" heldout event \"}"), "presence -\nok {\"ok\":true}\n");
    cr_assert_str_eq(run(RPC_wake, "{\"mode\":\"now\",\"text\":\"wake\\nup\"}"), "wake\nok {\"ok\":true}\n");
    cr_assert_str_eq(run(RPC_status, "{\"queuedSystemEvents\":[\"forged\"]}"),
                     "ask query status {\"queuedSystemEvents\":[\"heldout event\",\"wake up\"]}\n");
    cr_assert_eq(gateway_misc_take_events(&front, &out), 2);
    const char *text = buf_cstr(&out);
    cr_assert(strncmp(text, "System: [20", 11) == 0 && strstr(text, " UTC] heldout event\nSystem: [") && strstr(text, " UTC] wake up\n"),
              "%s", text);
    cr_assert_eq(text[strlen("System: [2026-11-22")], ' ');
    cr_assert_eq(gateway_misc_take_events(&front, &out), 0);
    cr_assert_str_eq(run(RPC_status, "{}"), "ask query status {\"queuedSystemEvents\":[]}\n");
    buf_free(&out);
}

Test(gateway_misc, who_only_tells_where_it_is_changes_presence_alone)
{
    cr_assert_str_eq(run(RPC_system_event, "{\"text\":\"Node: test · mode x\",\"host\":\"hosty\"}"), "presence hosty\nok {\"ok\":true}\n");
    cr_assert_eq(front.misc->events.count, 0);
    cr_assert_str_eq(run(RPC_system_event, "{\"text\":\"  \"}"), "INVALID_REQUEST text required\n");
}

Test(gateway_misc, of_too_many_events_the_oldest_goes)
{
    char params[64];
    struct buf out = { 0 };
    for (int i = 0; i <= SYSTEM_EVENTS_MAX; i++) {
        snprintf(params, sizeof params, "{\"mode\":\"now\",\"text\":\"n%d\"}", i);
        run(RPC_wake, params);
        run(RPC_wake, params); /* a repeat is no news */
    }
    gateway_misc_write_events(&front, &out);
    cr_assert(strncmp(buf_cstr(&out), "[\"n1\",\"n2\",", 11) == 0 && strstr(buf_cstr(&out), "\"n20\"]"), "%s", buf_cstr(&out));
    cr_assert_eq(front.misc->events.count, SYSTEM_EVENTS_MAX);
    buf_free(&out);
}

Test(gateway_misc, a_long_event_is_cut)
{
    struct buf params = { 0 };
    buf_text(&params, "{\"mode\":\"now\",\"text\":\"");
    for (int i = 0; i <= SYSTEM_EVENT_BYTES; i++) buf_char(&params, 'x');
    buf_text(&params, "\"}");
    run(RPC_wake, buf_cstr(&params));
    cr_assert_eq(strlen(front.misc->events.list[0].text), SYSTEM_EVENT_BYTES);
    buf_free(&params);
}

Test(gateway_misc, events_stay_when_there_is_no_room_for_them)
{
    struct buf out = { .max = 8 };
    run(RPC_wake, "{\"mode\":\"now\",\"text\":\"a\"}");
    cr_assert(gateway_misc_take_events(&front, &out) == 0 && front.misc->events.count == 1);
    buf_free(&out);
}

/* --- heartbeats, voice -------------------------------------------------------------------------------------------------- */

Test(gateway_misc, heartbeats_are_switched_and_the_last_one_is_told)
{
    cr_assert_str_eq(run(RPC_last_heartbeat, "{}"), "ok null\n");
    gateway_misc_keep_heartbeat(&front, STR("{\"ts\":1}"));
    gateway_misc_keep_heartbeat(&front, STR("{\"ts\":2}"));
    cr_assert_str_eq(run(RPC_last_heartbeat, "{}"), "ok {\"ts\":2}\n");
    cr_assert(front.misc->heartbeats);
    cr_assert_str_eq(run(RPC_set_heartbeats, "{\"enabled\":false}"), "ok {\"ok\":true,\"enabled\":false}\n");
    cr_assert(!front.misc->heartbeats);
    cr_assert_str_eq(run(RPC_set_heartbeats, "{\"enabled\":true}"), "ok {\"ok\":true,\"enabled\":true}\n");
    cr_assert_str_eq(run(RPC_set_heartbeats, "{}"), "INVALID_REQUEST invalid set-heartbeats params: enabled (boolean) required\n");
}

Test(gateway_misc, wake_words_are_told_to_all_once_they_are_written)
{
    struct msg done = { .kind = MSG_rpc_result }, failed = { .kind = MSG_rpc_result }, lost = { .kind = MSG_error };
    done.rpc_result.payload = STR("{\"triggers\":[\"hey\"]}");
    failed.rpc_result.code = STR("UNAVAILABLE");
    failed.rpc_result.text = STR("read-only");
    struct gateway_request *rq = start(RPC_voicewake_set, "{\"triggers\":[\"hey\"]}");
    cr_assert_str_eq(buf_cstr(&told), "ask query voicewake.set {\"triggers\":[\"hey\"]}\n");
    buf_clear(&told);
    rq->on_answer(rq, &done);
    cr_assert_str_eq(buf_cstr(&told), "event voicewake.changed {\"triggers\":[\"hey\"]}\nok {\"triggers\":[\"hey\"]}\n");
    rq = start(RPC_voicewake_set, "{\"triggers\":[]}");
    buf_clear(&told);
    rq->on_answer(rq, &failed);
    cr_assert_str_eq(buf_cstr(&told), "UNAVAILABLE read-only\n");
    rq = start(RPC_voicewake_set, "{\"triggers\":[]}");
    buf_clear(&told);
    rq->on_answer(rq, &lost);
    cr_assert(strncmp(buf_cstr(&told), "UNAVAILABLE ", 12) == 0);
}

/* --- exec approvals ----------------------------------------------------------------------------------------------------- */

static bool has(const char *part)
{
    return strstr(buf_cstr(&told), part) != NULL;
}

Test(gateway_misc, who_asks_hears_the_decision_of_another)
{
    client.who.client_id = (char *)(uintptr_t) "openclaw-control-ui";
    struct gateway_request *rq = start(RPC_exec_approval_request, "{\"id\":\"ap1\",\"command\":\"ls\",\"cwd\":null,\"timeoutMs\":8000}");
    cr_assert(has("event exec.approval.requested (approvers) {\"id\":\"ap1\",\"request\":{\"command\":\"ls\",\"cwd\":null,") && !has("ok "),
              "%s", buf_cstr(&told));
    cr_assert(rq->lasting && rq->deadline_ms > clock_mono_ms() && rq->on_gone);
    cr_assert_str_eq(run(RPC_exec_approval_request, "{\"id\":\"ap1\",\"command\":\"x\"}"), "INVALID_REQUEST approval id already pending\n");
    cr_assert_str_eq(run(RPC_exec_approval_resolve, "{\"id\":\"ap1\",\"decision\":\"maybe\"}"), "INVALID_REQUEST invalid decision\n");
    cr_assert_str_eq(run(RPC_exec_approval_resolve, "{\"id\":\"zz\",\"decision\":\"deny\"}"), "INVALID_REQUEST unknown approval id\n");
    start(RPC_exec_approval_wait_decision, "{\"id\":\"ap1\"}");
    cr_assert_str_eq(buf_cstr(&told), "");
    run(RPC_exec_approval_resolve, "{\"id\":\"ap1\",\"decision\":\"allow-once\"}");
    cr_assert(has("event exec.approval.resolved (approvers) "
                  "{\"id\":\"ap1\",\"decision\":\"allow-once\",\"resolvedBy\":\"openclaw-control-ui\",\"ts\":"));
    cr_assert(has("ok {\"id\":\"ap1\",\"decision\":\"allow-once\",\"createdAtMs\":") && has("\nok {\"ok\":true}\n"), "%s", buf_cstr(&told));
    const char *second = strstr(buf_cstr(&told), "\"createdAtMs\"");
    cr_assert(second && strstr(second + 1, "\"decision\":\"allow-once\",\"createdAtMs\""), "both who waited: %s", buf_cstr(&told));
    cr_assert_null(front.misc->waiters);
    cr_assert_str_eq(run(RPC_exec_approval_resolve, "{\"id\":\"ap1\",\"decision\":\"deny\"}"), "INVALID_REQUEST unknown approval id\n");
    run(RPC_exec_approval_wait_decision, "{\"id\":\"ap1\"}");
    cr_assert(has("ok {\"id\":\"ap1\",\"decision\":\"allow-once\""), "who asks later still hears it: %s", buf_cstr(&told));
}

Test(gateway_misc, in_two_phases_the_request_is_first_accepted)
{
    struct gateway_request *rq = start(RPC_exec_approval_request, "{\"id\":\"ap2\",\"command\":\"ls\",\"twoPhase\":true}");
    cr_assert(has("first {\"status\":\"accepted\",\"id\":\"ap2\",\"createdAtMs\":") && !has("ok "), "%s", buf_cstr(&told));
    client.who.display_name = (char *)(uintptr_t) "Ann";
    run(RPC_exec_approval_resolve, "{\"id\":\"ap2\",\"decision\":\"deny\"}");
    cr_assert(has("\"resolvedBy\":\"Ann\"") && has("ok {\"id\":\"ap2\",\"decision\":\"deny\""), "%s", buf_cstr(&told));
    (void)rq;
}

Test(gateway_misc, when_time_is_over_the_decision_is_null)
{
    struct gateway_request *rq = start(RPC_exec_approval_request, "{\"id\":\"ap3\",\"command\":\"ls\",\"timeoutMs\":60000}");
    buf_clear(&told);
    rq->on_late(rq); /* a clock that runs fast: it waits on */
    cr_assert(told.n == 0 && rq->deadline_ms > clock_mono_ms());
    const struct approval_request gone = { .id = STR("old"), .command = STR("x"), .timeout_ms = 1 };
    const struct approval *a;
    int64_t long_ago = clock_wall_ms() - 5000;
    cr_assert(approvals_add(front.misc->approvals, &gone, long_ago, &a) == 0);
    run(RPC_exec_approval_wait_decision, "{\"id\":\"old\"}");
    cr_assert(has("ok {\"id\":\"old\",\"decision\":null,\"createdAtMs\":"), "%s", buf_cstr(&told));
    rq->on_gone(rq);
    end_request(rq);
}

Test(gateway_misc, who_leaves_is_not_told_and_the_request_stays)
{
    struct gateway_request *rq = start(RPC_exec_approval_request, "{\"id\":\"ap4\",\"command\":\"ls\"}");
    rq->on_gone(rq);
    end_request(rq);
    cr_assert_null(front.misc->waiters);
    run(RPC_exec_approval_resolve, "{\"id\":\"ap4\",\"decision\":\"deny\"}");
    cr_assert(has("ok {\"ok\":true}\n") && !has("ok {\"id\""), "%s", buf_cstr(&told));
}

Test(gateway_misc, an_id_that_nobody_asked_for_is_unknown)
{
    cr_assert_str_eq(run(RPC_exec_approval_wait_decision, "{\"id\":\"zz\"}"), "INVALID_REQUEST approval expired or not found\n");
}

/* --- what is not here ----------------------------------------------------------------------------------------------------- */

Test(gateway_misc, there_are_no_nodes)
{
    run(RPC_node_list, "{}");
    cr_assert(strncmp(buf_cstr(&told), "ok {\"ts\":1", 10) == 0 && has(",\"nodes\":[]}\n"), "%s", buf_cstr(&told));
    cr_assert_str_eq(run(RPC_node_pair_list, "{}"), "ok {\"pending\":[],\"paired\":[]}\n");
    cr_assert_str_eq(run(RPC_node_pair_verify, "{\"nodeId\":\"n\",\"token\":\"bad\"}"), "ok {\"ok\":false}\n");
    cr_assert_str_eq(run(RPC_node_pair_approve, "{\"requestId\":\"x\"}"), "INVALID_REQUEST unknown requestId\n");
    cr_assert_str_eq(run(RPC_node_invoke, "{\"nodeId\":\"none\",\"command\":\"x\"}"),
                     "UNAVAILABLE node not connected {\"code\":\"NOT_CONNECTED\"}\n");
    cr_assert_str_eq(run(RPC_exec_approvals_node_get, "{\"nodeId\":\"n\"}"),
                     "UNAVAILABLE node not connected {\"code\":\"NOT_CONNECTED\"}\n");
    cr_assert_str_eq(run(RPC_node_describe, "{\"nodeId\":\"n\"}"), "INVALID_REQUEST unknown nodeId\n");
}

Test(gateway_misc, messages_go_nowhere_and_that_is_said)
{
    cr_assert_str_eq(run(RPC_send, "{\"to\":\"x\",\"message\":\"hi\"}"), "INVALID_REQUEST unsupported channel: whatsapp\n");
    cr_assert_str_eq(run(RPC_send, "{\"to\":\"x\",\"channel\":\"zz\"}"), "INVALID_REQUEST unsupported channel: zz\n");
    cr_assert_str_eq(run(RPC_send, "{\"to\":\"x\",\"channel\":\"Discord\"}"),
                     "UNAVAILABLE This gateway does not connect to Discord yet: nothing was sent.\n");
    cr_assert_str_eq(run(RPC_poll, "{}"), "INVALID_REQUEST unsupported poll channel: whatsapp\n");
    cr_assert_str_eq(run(RPC_channels_logout, "{\"channel\":\"discord\"}"), "INVALID_REQUEST channel discord does not support logout\n");
    cr_assert_str_eq(run(RPC_channels_logout, "{\"channel\":\"zz\"}"), "INVALID_REQUEST invalid channels.logout channel\n");
}

Test(gateway_misc, the_rest_is_refused_in_openclaws_words_where_it_has_them)
{
    cr_assert_str_eq(run(RPC_web_login_start, "{}"), "INVALID_REQUEST web login provider is not available\n");
    cr_assert_str_eq(run(RPC_talk_mode, "{\"enabled\":true}"), "UNAVAILABLE talk disabled: no connected iOS/Android nodes\n");
    cr_assert_str_eq(run(RPC_wizard_status, "{\"sessionId\":\"x\"}"), "INVALID_REQUEST wizard not found\n");
    cr_assert_str_eq(run(RPC_browser_request, "{\"method\":\"GET\",\"path\":\"/\"}"), "UNAVAILABLE browser control is disabled\n");
    run(RPC_wizard_start, "{\"mode\":\"local\"}");
    cr_assert(has("ok {\"sessionId\":\"") && has("\",\"done\":true,\"status\":\"error\",\"error\":\""), "%s", buf_cstr(&told));
    run(RPC_update_run, "{}");
    cr_assert(strncmp(buf_cstr(&told), "UNAVAILABLE This gateway does not update itself", 47) == 0);
}
