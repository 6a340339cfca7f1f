/* The HTTP front over real sockets, with a router that follows a script (gateway_rig.h). */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/config_shared.h"
#include "base/err.h"
#include "bus/gateway_rig.h"

static bool holds(const struct buf *b, const char *text)
{
    return str_find(buf_str(b), str_of(text)) >= 0;
}

static void expect_get(struct gateway_rig *rig, const char *method, const char *path, int status, const char *body)
{
    struct http_reply r = gateway_rig_get(rig, method, path);
    cr_assert_eq(r.status, status);
    cr_assert(holds(&r.body, body), "%s %s: %.*s", method, path, STR_ARG(buf_str(&r.body)));
    http_reply_free(&r);
}

static void expect_chat(struct gateway_rig *rig, const char *text, const char *extra, int status, const char *body)
{
    struct http_reply r = gateway_rig_chat(rig, text, extra, NULL);
    cr_assert(r.status == status, "%s: %d, not %d", text, r.status, status);
    cr_assert(holds(&r.body, body), "%s: %.*s", text, STR_ARG(buf_str(&r.body)));
    http_reply_free(&r);
}

/* --- probes and routes ------------------------------------------------------------------------------------------ */

Test(gateway, answers_probes, .timeout = 30)
{
    struct gateway_rig rig;
    gateway_rig_start(&rig, NULL);
    expect_get(&rig, "GET", "/health", 200, "{\"ok\":true,\"status\":\"live\"}");
    expect_get(&rig, "GET", "/healthz", 200, "{\"ok\":true}");
    expect_get(&rig, "GET", "/readyz", 200, "{\"ready\":true,\"reasons\":[]}");
    gateway_rig_stop(&rig);
}

Test(gateway, is_not_ready_with_a_wrong_config_or_without_a_store, .timeout = 30)
{
    struct gateway_rig rig;
    gateway_rig_start(&rig, &(struct gateway_rig_options){ .note = "the last good one is in use", .no_store = true });
    expect_get(&rig, "GET", "/readyz", 503, "\"ready\":false");
    expect_get(&rig, "GET", "/readyz", 503, "the last good one is in use");
    expect_get(&rig, "GET", "/readyz", 503, "no answer from a part");
    expect_get(&rig, "GET", "/healthz", 200, "true");
    gateway_rig_stop(&rig);
}

Test(gateway, answers_head_without_a_body, .timeout = 30)
{
    struct gateway_rig rig;
    http_conn_t *c;
    struct http_reply r = { 0 };
    gateway_rig_start(&rig, NULL);
    cr_assert(http_open(rig.port, &c) == 0 && http_send_bytes(c, STR("HEAD /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"), RIG_MS) == 0);
    cr_assert(http_read_head(c, RIG_MS, &r) == 0 && r.status == 200);
    cr_assert(str_is(http_reply_header(&r, "Content-Length"), "27"));
    http_reply_free(&r);
    http_close(&c);
    gateway_rig_stop(&rig);
}

Test(gateway, refuses_unknown_paths_and_methods, .timeout = 30)
{
    struct gateway_rig rig;
    gateway_rig_start(&rig, &(struct gateway_rig_options){ .config = "{gateway:{controlUi:{enabled:false}}}" });
    expect_get(&rig, "GET", "/nope", 404, "not_found_error");
    struct http_reply r = gateway_rig_get(&rig, "GET", "/v1/chat/completions");
    cr_assert(r.status == 405 && str_is(http_reply_header(&r, "Allow"), "POST"));
    http_reply_free(&r);
    r = gateway_rig_get(&rig, "DELETE", "/health");
    cr_assert(r.status == 405 && str_is(http_reply_header(&r, "Allow"), "GET, HEAD"));
    http_reply_free(&r);
    gateway_rig_stop(&rig);
}

Test(gateway, has_no_chat_completions_when_they_are_off, .timeout = 30)
{
    struct gateway_rig rig;
    gateway_rig_start(&rig, &(struct gateway_rig_options){ .config = "{gateway:{http:{endpoints:{chatCompletions:{enabled:false}}}}}" });
    expect_chat(&rig, "say hi", NULL, 404, "not_found_error");
    gateway_rig_stop(&rig);
}

Test(gateway, lists_the_agents_as_models, .timeout = 30)
{
    struct gateway_rig rig;
    gateway_rig_start(&rig, &(struct gateway_rig_options){ .config = "{agents:{list:[{id:'alpha'},{id:'beta'}]}}" });
    expect_get(&rig, "GET", "/v1/models", 200, "\"openclaw\"");
    expect_get(&rig, "GET", "/v1/models", 200, "\"openclaw:beta\"");
    gateway_rig_stop(&rig);
}

/* --- chat completions ------------------------------------------------------------------------------------------- */

Test(gateway, answers_a_chat_completion, .timeout = 30)
{
    struct gateway_rig rig;
    gateway_rig_start(&rig, NULL);
    struct http_reply r = gateway_rig_chat(&rig, "say good day", ",\"user\":\"u1\"", NULL);
    cr_assert_eq(r.status, 200);
    cr_assert(holds(&r.body, "\"content\":\"good day\"") && holds(&r.body, "\"finish_reason\":\"stop\""));
    cr_assert(holds(&r.body, "\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":3,\"total_tokens\":10}"));
    cr_assert(str_is(http_reply_header(&r, "x-openclaw-model"), "fake/model"));
    cr_assert(str_is(http_reply_header(&r, "x-openclaw-session-key"), "agent:main:openai-user:u1"));
    cr_assert(str_starts(http_reply_header(&r, "x-openclaw-run-id"), STR("chatcmpl_")));
    http_reply_free(&r);
    expect_chat(&rig, "stop LENGTH", NULL, 200, "\"finish_reason\":\"length\"");
    expect_chat(&rig, "stop FILTER", NULL, 200, "\"finish_reason\":\"content_filter\"");
    expect_chat(&rig, "say ", NULL, 200, "No response from OpenClaw.");
    gateway_rig_stop(&rig);
}

Test(gateway, hands_the_turn_over_as_asked, .timeout = 30)
{
    struct gateway_rig rig;
    gateway_rig_start(&rig, &(struct gateway_rig_options){ .config = "{agents:{list:[{id:'alpha'},{id:'beta'}]}}" });
    struct http_reply r = gateway_rig_chat(&rig, "say x", ",\"stream\":true",
                                           "x-openclaw-session-key: agent:beta:k1\r\nIdempotency-Key: once\r\n"
                                           "x-openclaw-model: demo/echo\r\nx-openclaw-thinking: high\r\n");
    struct msg m = gateway_rig_next(&rig, MSG_turn_submit);
    const struct msg_turn_submit *s = &m.turn_submit;
    cr_assert(str_is(s->agent, "beta") && str_is(s->session_key, "agent:beta:k1") && str_is(s->channel, "http"));
    cr_assert(str_is(s->idempotency_key, "once") && s->stream == 1 && s->lane == 0 && s->bounded == 0);
    cr_assert(str_is(s->model, "demo/echo") && str_is(s->thinking, "high"));
    msg_clear(&m);
    http_reply_free(&r);
    gateway_rig_stop(&rig);
}

Test(gateway, tells_each_failure_by_status, .timeout = 30)
{
    struct gateway_rig rig;
    gateway_rig_start(&rig, NULL);
    expect_chat(&rig, "fail rate_limit", NULL, 502, "\"message\":\"both failed\",\"type\":\"api_error\",\"code\":\"rate_limit\"");
    expect_chat(&rig, "fail timeout", NULL, 504, "timeout");
    expect_chat(&rig, "fail context_overflow", NULL, 400, "invalid_request_error");
    expect_chat(&rig, "fail bad_request", ",\"stream\":true", 400, "invalid_request_error");
    expect_chat(&rig, "refuse lane_full", NULL, 429, "rate_limit_error");
    expect_chat(&rig, "refuse stopping", NULL, 503, "stopping");
    expect_chat(&rig, "refuse unknown_agent", NULL, 404, "not_found_error");
    expect_chat(&rig, "repeat 1", NULL, 200, "first");
    expect_chat(&rig, "repeat 2", NULL, 200, "first");
    struct http_reply r = gateway_rig_chat(&rig, "refuse queue_full", NULL, NULL);
    cr_assert(r.status == 429 && str_is(http_reply_header(&r, "Retry-After"), "3"));
    http_reply_free(&r);
    gateway_rig_stop(&rig);
}

Test(gateway, refuses_an_unknown_agent_before_anything_is_stored, .timeout = 30)
{
    struct gateway_rig rig;
    struct msg m;
    gateway_rig_start(&rig, NULL);
    struct http_reply r = gateway_rig_chat(&rig, "say x", NULL, "x-openclaw-agent-id: zzz\r\n");
    cr_assert(r.status == 404 && holds(&r.body, "Unknown agent id \\\"zzz\\\". Known: main."));
    http_reply_free(&r);
    r = gateway_rig_chat(&rig, "say x", NULL, "x-openclaw-session-key: nonsense\r\n");
    cr_assert(r.status == 400);
    http_reply_free(&r);
    cr_assert(mailbox_recv(rig.mailbox, 0, &m) == GW_ETIMEOUT);
    gateway_rig_stop(&rig);
}

/* --- streams ---------------------------------------------------------------------------------------------------- */

static http_conn_t *open_stream(struct gateway_rig *rig, const char *text, struct http_reply *head)
{
    http_conn_t *c;
    struct buf body = { 0 };
    buf_printf(&body, "{\"model\":\"openclaw\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}]}", text);
    struct http_call call = { .path = "/v1/chat/completions", .body = buf_str(&body) };
    cr_assert(http_open(rig->port, &c) == 0 && http_send(c, &call, RIG_MS) == 0);
    if (head) cr_assert(http_read_head(c, RIG_MS, head) == 0);
    buf_free(&body);
    return c;
}

static void expect_event(http_conn_t *c, const char *text)
{
    struct buf data = { 0 };
    int rc = http_read_event(c, RIG_MS, &data);
    cr_assert(rc == 0 && holds(&data, text), "wanted %s, got %s: %.*s", text, err_name(rc), STR_ARG(buf_str(&data)));
    buf_free(&data);
}

Test(gateway, streams_an_answer, .timeout = 30)
{
    struct gateway_rig rig;
    struct http_reply head = { 0 };
    gateway_rig_start(&rig, NULL);
    http_conn_t *c = open_stream(&rig, "parts 3", &head);
    cr_assert(head.status == 200 && str_is(http_reply_header(&head, "Content-Type"), "text/event-stream; charset=utf-8"));
    expect_event(c, "\"delta\":{\"role\":\"assistant\"}");
    for (int i = 0; i < 3; i++) expect_event(c, "\"delta\":{\"content\":\"0123456789\"},\"finish_reason\":null");
    expect_event(c, "\"finish_reason\":\"stop\"");
    expect_event(c, "[DONE]");
    http_reply_free(&head);
    http_close(&c);
    gateway_rig_stop(&rig);
}

Test(gateway, sends_what_a_lost_delta_left_out, .timeout = 30)
{
    struct gateway_rig rig;
    struct http_reply head = { 0 };
    gateway_rig_start(&rig, NULL);
    http_conn_t *c = open_stream(&rig, "gap", &head);
    expect_event(c, "assistant");
    expect_event(c, "\"content\":\"one \"");
    expect_event(c, "\"content\":\"two three\"");
    expect_event(c, "stop");
    http_reply_free(&head);
    http_close(&c);
    gateway_rig_stop(&rig);
}

Test(gateway, tells_a_late_failure_as_an_event, .timeout = 30)
{
    struct gateway_rig rig;
    struct http_reply head = { 0 };
    gateway_rig_start(&rig, NULL);
    http_conn_t *c = open_stream(&rig, "latefail", &head);
    expect_event(c, "assistant");
    expect_event(c, "begun");
    expect_event(c, "{\"error\":{\"message\":\"both failed\"");
    expect_event(c, "[DONE]");
    http_reply_free(&head);
    http_close(&c);
    gateway_rig_stop(&rig);
}

Test(gateway, keeps_a_silent_stream_alive, .timeout = 30)
{
    struct gateway_rig rig;
    struct http_reply head = { 0 };
    struct buf data = { 0 };
    gateway_rig_start(&rig, &(struct gateway_rig_options){ .times = { .quiet_ms = 100, .keepalive_ms = 100 } });
    http_conn_t *c = open_stream(&rig, "hold", &head);
    cr_assert_eq(head.status, 200);
    cr_assert(http_read_event(c, 1500, &data) == GW_ETIMEOUT && http_comments(c) >= 2);
    buf_free(&data);
    http_reply_free(&head);
    http_close(&c);
    gateway_rig_stop(&rig);
}

Test(gateway, closes_a_client_that_does_not_read, .timeout = 60)
{
    struct gateway_rig rig;
    gateway_rig_start(&rig, NULL);
    http_conn_t *c = open_stream(&rig, "delta 83886080", NULL);
    struct msg m = gateway_rig_next(&rig, MSG_turn_abort);
    cr_assert(str_is(m.turn_abort.reason, "client_gone"));
    msg_clear(&m);
    http_close(&c);
    expect_get(&rig, "GET", "/health", 200, "live");
    gateway_rig_stop(&rig);
}

/* --- clients that leave or misbehave ---------------------------------------------------------------------------- */

Test(gateway, aborts_the_turn_of_a_client_that_left, .timeout = 30)
{
    struct gateway_rig rig;
    gateway_rig_start(&rig, NULL);
    http_conn_t *c = open_stream(&rig, "hold", NULL);
    for (int reset = 0; reset <= 1; reset++) {
        struct msg submit = gateway_rig_next(&rig, MSG_turn_submit);
        if (reset)
            http_reset(&c);
        else
            http_close(&c);
        struct msg gone = gateway_rig_next(&rig, MSG_turn_abort);
        cr_assert(str_eq(gone.turn_abort.run_id, submit.turn_submit.run_id) && str_is(gone.turn_abort.reason, "client_gone"));
        msg_clear(&submit);
        msg_clear(&gone);
        if (!reset) c = open_stream(&rig, "hold", NULL);
    }
    gateway_rig_stop(&rig);
}

static void expect_raw(struct gateway_rig *rig, struct str bytes, int status)
{
    http_conn_t *c;
    struct http_reply r = { 0 };
    cr_assert(http_open(rig->port, &c) == 0 && http_send_bytes(c, bytes, RIG_MS) == 0);
    int rc = http_read_head(c, RIG_MS, &r);
    cr_assert(rc == 0 && r.status == status, "%.*s: %s, %d", STR_ARG(bytes), err_name(rc), r.status);
    http_reply_free(&r);
    http_close(&c);
}

#define POST "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\n"

Test(gateway, refuses_bad_bodies, .timeout = 30)
{
    struct gateway_rig rig;
    gateway_rig_start(&rig, &(struct gateway_rig_options){ .times = { .body_ms = 300 } });
    expect_raw(&rig, STR(POST "Content-Length: 1\r\n\r\n{"), 400);
    expect_raw(&rig, STR(POST "Content-Length: 0\r\n\r\n"), 400);
    expect_raw(&rig, STR(POST "\r\n"), 411);
    expect_raw(&rig, STR(POST "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"), 411);
    expect_raw(&rig, STR(POST "Content-Length: 20971521\r\n\r\n"), 413);
    expect_raw(&rig, STR(POST "Content-Length: 99999999999999999999\r\n\r\n"), 400);
    expect_raw(&rig, STR(POST "Content-Length: 10\r\n\r\n{"), 408);
    expect_get(&rig, "GET", "/health", 200, "live");
    gateway_rig_stop(&rig);
}

Test(gateway, takes_a_body_at_its_limit_and_refuses_one_byte_more, .timeout = 60)
{
    struct gateway_rig rig;
    struct buf body = { 0 };
    gateway_rig_start(&rig, NULL);
    buf_text(&body, "{\"messages\":[{\"role\":\"user\",\"content\":\"say ");
    memset(buf_reserve(&body, GATEWAY_BODY_MAX + 1 - body.n), 'x', GATEWAY_BODY_MAX + 1 - body.n);
    body.n = GATEWAY_BODY_MAX;
    memcpy(body.p + body.n - 4, "\"}]}", 4);
    for (size_t more = 0; more < 2; more++) {
        struct http_reply r = { 0 };
        struct http_call call = { .path = "/v1/chat/completions", .body = { body.p, body.n + more } };
        int rc = http_call(rig.port, &call, RIG_MS * 2, &r);
        cr_assert(rc == 0 && r.status == (more ? 413 : 200), "%s %d", err_name(rc), r.status);
        http_reply_free(&r);
    }
    buf_free(&body);
    gateway_rig_stop(&rig);
}

Test(gateway, takes_bodies_up_to_the_configured_limit, .timeout = 30)
{
    struct gateway_rig rig;
    gateway_rig_start(&rig, &(struct gateway_rig_options){ .config = "{gateway:{http:{endpoints:{chatCompletions:{maxBodyBytes:100}}}}}" });
    expect_raw(&rig, STR(POST "Content-Length: 101\r\n\r\n"), 413);
    expect_chat(&rig, "say hi", NULL, 200, "hi");
    gateway_rig_stop(&rig);
}

Test(gateway, closes_connections_without_a_request, .timeout = 30)
{
    struct gateway_rig rig;
    http_conn_t *silent = NULL, *slow = NULL;
    gateway_rig_start(&rig, &(struct gateway_rig_options){ .times = { .header_ms = 1000 } });
    cr_assert(http_open(rig.port, &silent) == 0 && http_open(rig.port, &slow) == 0);
    http_send_bytes(slow, STR("GET /hea"), RIG_MS);
    cr_assert(http_closed_by_peer(silent, RIG_MS) && http_closed_by_peer(slow, RIG_MS));
    http_close(&silent);
    http_close(&slow);
    gateway_rig_stop(&rig);
}

Test(gateway, closes_a_request_with_too_many_headers, .timeout = 30)
{
    struct gateway_rig rig;
    http_conn_t *c;
    struct buf bytes = { 0 };
    gateway_rig_start(&rig, NULL);
    buf_text(&bytes, "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Big: ");
    memset(buf_reserve(&bytes, 2 * GATEWAY_HEADER_MAX), 'a', 2 * GATEWAY_HEADER_MAX);
    bytes.n += 2 * GATEWAY_HEADER_MAX;
    buf_text(&bytes, "\r\n\r\n");
    cr_assert(http_open(rig.port, &c) == 0);
    http_send_bytes(c, buf_str(&bytes), RIG_MS);
    cr_assert(http_closed_by_peer(c, RIG_MS));
    http_close(&c);
    buf_free(&bytes);
    expect_get(&rig, "GET", "/health", 200, "live");
    gateway_rig_stop(&rig);
}

/* libwebsockets 4.1.6 takes a request apart wrongly that it has read ahead: docs/adr/0008-http-front.md */
Test(gateway, answers_the_first_of_pipelined_requests_and_closes, .timeout = 30)
{
    struct gateway_rig rig;
    struct http_reply r = { 0 };
    struct msg m;
    static const char *const first[] = { "say x", "no json\n", "big 30000" };
    gateway_rig_start(&rig, NULL);
    for (size_t i = 0; i < 3; i++) {
        http_conn_t *c;
        char body[96], bytes[512];
        int n = snprintf(body, sizeof body, "{\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}]}", first[i]);
        int all = snprintf(bytes, sizeof bytes, POST "Content-Length: %d\r\n\r\n%s" POST "Content-Length: %d\r\n\r\n%s", n, body, n, body);
        cr_assert(http_open(rig.port, &c) == 0 && http_send_bytes(c, (struct str){ bytes, (size_t)all }, RIG_MS) == 0);
        cr_assert(http_read_head(c, RIG_MS, &r) == 0 && r.status == (i == 1 ? 400 : 200) && http_read_body(c, RIG_MS, &r) == 0);
        cr_assert(http_closed_by_peer(c, RIG_MS));
        http_reply_free(&r);
        http_close(&c);
        if (i != 1) m = gateway_rig_next(&rig, MSG_turn_submit);
        if (i != 1) msg_clear(&m);
        cr_assert(mailbox_recv(rig.mailbox, 0, &m) == GW_ETIMEOUT);
    }
    gateway_rig_stop(&rig);
}

Test(gateway, keeps_a_connection_for_the_next_request, .timeout = 30)
{
    struct gateway_rig rig;
    http_conn_t *c;
    gateway_rig_start(&rig, NULL);
    cr_assert(http_open(rig.port, &c) == 0);
    for (int i = 0; i < 20; i++) {
        struct http_reply r = { 0 };
        struct http_call call = { .path = "/v1/chat/completions",
                                  .body = i % 2 ? STR("{\"messages\":[{\"role\":\"user\",\"content\":\"say x\"}]}")
                                                : STR("{\"messages\":[{\"role\":\"user\",\"content\":\"big 3000000\"}]}") };
        cr_assert(http_send(c, &call, RIG_MS) == 0 && http_read_head(c, RIG_MS, &r) == 0 && http_read_body(c, RIG_MS, &r) == 0);
        cr_assert_eq(r.status, 200);
        http_reply_free(&r);
    }
    http_close(&c);
    gateway_rig_stop(&rig);
}

Test(gateway, sends_large_answers_whole, .timeout = 30)
{
    struct gateway_rig rig;
    gateway_rig_start(&rig, NULL);
    struct http_reply r = gateway_rig_chat(&rig, "big 9000000", NULL, NULL);
    cr_assert(r.status == 200 && r.body.n > 9000000);
    http_reply_free(&r);
    gateway_rig_stop(&rig);
}

/* --- who may ---------------------------------------------------------------------------------------------------- */

Test(gateway, wants_its_token, .timeout = 30)
{
    struct gateway_rig rig;
    gateway_rig_start(&rig, &(struct gateway_rig_options){ .token = "right-token-of-this-test" });
    expect_chat(&rig, "say x", NULL, 401, "{\"error\":{\"message\":\"Unauthorized\",\"type\":\"unauthorized\"}}");
    struct http_reply r = gateway_rig_chat(&rig, "say x", NULL, "Authorization: Bearer wrong\r\n");
    cr_assert_eq(r.status, 401);
    http_reply_free(&r);
    r = gateway_rig_chat(&rig, "say x", NULL, "Authorization: Bearer right-token-of-this-test\r\n");
    cr_assert_eq(r.status, 200);
    http_reply_free(&r);
    expect_get(&rig, "GET", "/health", 200, "live");
    gateway_rig_stop(&rig);
}

Test(gateway, without_a_token_serves_this_machine_only, .timeout = 30)
{
    struct gateway_rig rig;
    gateway_rig_start(&rig, NULL);
    expect_chat(&rig, "say x", NULL, 200, "\"x\"");
    struct http_reply r = gateway_rig_chat(&rig, "say x", NULL, "X-Forwarded-For: 203.0.113.9\r\n");
    cr_assert_eq(r.status, 401);
    http_reply_free(&r);
    gateway_rig_stop(&rig);
}

/* --- the end ---------------------------------------------------------------------------------------------------- */

Test(gateway, drains, .timeout = 30)
{
    struct gateway_rig rig;
    struct http_reply r = { 0 };
    http_conn_t *idle, *late;
    gateway_rig_start(&rig, NULL);
    http_conn_t *busy = open_stream(&rig, "hold", NULL);
    struct msg m = gateway_rig_next(&rig, MSG_turn_submit);
    msg_clear(&m);
    cr_assert(http_open(rig.port, &idle) == 0);
    expect_get(&rig, "GET", "/health", 200, "live");
    gateway_rig_tell(&rig, MSG_system_drain);
    cr_assert(http_closed_by_peer(idle, RIG_MS));
    while (http_open(rig.port, &late) == 0) http_close(&late); /* until the listening socket is closed */
    gateway_rig_tell(&rig, MSG_actor_stop);
    cr_assert(http_read_head(busy, RIG_MS, &r) == 0 && r.status == 503);
    http_reply_free(&r);
    http_close(&idle);
    http_close(&busy);
    gateway_rig_stop(&rig);
}

static void put_in_force(const char *text)
{
    struct config_problems problems = { 0 };
    struct env env = { 0 };
    config_t *cfg = NULL;
    cr_assert(config_parse(str_of(text), "test", &env, &cfg, &problems) == 0);
    config_shared_set(cfg);
    config_unref(&cfg);
    config_problems_free(&problems);
}

/* The gateway has taken it when it answers what follows: its mailbox keeps the order. */
static void tell_changed(struct gateway_rig *rig)
{
    struct msg m = { .kind = MSG_config_changed };
    m.config_changed.generation = 1;
    cr_assert(mailbox_send(rig->mailbox, "gateway", &m) == 0);
    expect_get(rig, "GET", "/healthz", 200, "true"); /* asks the router and so comes back through the mailbox */
}

Test(gateway, takes_agents_secrets_and_the_note_of_a_new_configuration, .timeout = 30)
{
    struct gateway_rig rig;
    gateway_rig_start(&rig, &(struct gateway_rig_options){ .config = "{gateway: {auth: {mode: 'token', token: 'one-secret'}}}" });
    struct http_reply r = gateway_rig_chat(&rig, "say hi", NULL, "Authorization: Bearer one-secret\r\n");
    cr_assert_eq(r.status, 200);
    http_reply_free(&r);
    put_in_force("{agents: {list: [{id: 'fresh'}]}, gateway: {auth: {mode: 'token', token: 'two-secret'}}}");
    tell_changed(&rig);
    r = gateway_rig_chat(&rig, "say hi", NULL, "Authorization: Bearer one-secret\r\n");
    cr_assert_eq(r.status, 401);
    http_reply_free(&r);
    r = gateway_rig_chat(&rig, "say hi", NULL, "Authorization: Bearer two-secret\r\nx-openclaw-agent-id: fresh\r\n");
    cr_assert_eq(r.status, 200);
    http_reply_free(&r);
    expect_get(&rig, "GET", "/readyz", 200, "true");
    config_shared_set_note(STR("has errors since yesterday"));
    tell_changed(&rig);
    expect_get(&rig, "GET", "/readyz", 503, "has errors since yesterday");
    put_in_force("{}");
    tell_changed(&rig);
    expect_get(&rig, "GET", "/readyz", 200, "true");
    gateway_rig_stop(&rig);
}

Test(gateway, a_page_that_took_a_name_for_this_machine_is_not_from_here, .timeout = 30)
{
    struct gateway_rig rig;
    struct http_reply r = { 0 };
    gateway_rig_start(&rig, NULL); /* no secret is configured */
    static const struct {
        const char *host;
        int status;
    } hosts[] = { { "Host: localhost:1\r\n", 200 }, { "Host: 127.0.0.1\r\n", 200 }, { "Host: rebound.example.com\r\n", 401 } };
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        const struct http_call call = { .path = "/v1/models", .headers = hosts[i].host };
        cr_assert_eq(http_call(rig.port, &call, 5000, &r), 0);
        cr_expect_eq(r.status, hosts[i].status, "%s%d", hosts[i].host, r.status);
        http_reply_free(&r);
    }
    gateway_rig_stop(&rig);
}

Test(gateway, a_trusted_proxy_names_the_user, .timeout = 30)
{
    struct gateway_rig rig;
    struct http_reply r = { 0 };
    gateway_rig_start(
        &rig, &(struct gateway_rig_options){ .config = "{gateway:{trustedProxies:['127.0.0.1'],auth:{mode:'trusted-proxy',trustedProxy:{"
                                                       "userHeader:'X-User',requiredHeaders:['X-Proof'],allowUsers:['ann']}}}}" });
    static const struct {
        const char *headers;
        int status;
    } asks[] = { { "X-Forwarded-For: 203.0.113.9\r\nX-User: ann\r\nX-Proof: 1\r\n", 200 },
                 { "X-Forwarded-For: 203.0.113.9\r\nX-User: bob\r\nX-Proof: 1\r\n", 401 },
                 { "X-Forwarded-For: 203.0.113.9\r\nX-User: ann\r\n", 401 },
                 { "X-Forwarded-For: 203.0.113.9\r\nX-Proof: 1\r\n", 401 } };
    for (size_t i = 0; i < sizeof asks / sizeof *asks; i++) {
        const struct http_call call = { .path = "/v1/models", .headers = asks[i].headers };
        cr_assert_eq(http_call(rig.port, &call, 5000, &r), 0);
        cr_expect_eq(r.status, asks[i].status, "%s%d", asks[i].headers, r.status);
        http_reply_free(&r);
    }
    gateway_rig_stop(&rig);
}
