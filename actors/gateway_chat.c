/* actors/gateway_chat.c -- POST /v1/chat/completions: one turn per request, answered whole or streamed. */
#include <stdio.h>
#include <stdlib.h>

#include "actors/gateway_internal.h"
#include "actors/gateway_runs.h"
#include "base/clock.h"
#include "base/failure.h"
#include "base/log.h"
#include "base/random.h"
#include "channels/openai_http.h"
#include "msgs/chat_pack.h"

#define JSON_TYPE "application/json; charset=utf-8"

enum {
    EXTRA_MAX = 1024,      /* bytes of header lines made here */
    ID_PREFIX = 9,         /* "chatcmpl_" */
    IDEMPOTENCY_MAX = 256, /* these three as turn.submit has them */
    MODEL_REF_MAX = 256,
    THINKING_MAX = 16,
};

struct gateway_chat {
    char id[ID_PREFIX + RANDOM_UUID_SIZE];
    char agent[OPENAI_AGENT_MAX + 1];
    char session_key[OPENAI_SESSION_KEY_MAX + 1];
    char *model;             /* echoed; owned */
    int64_t created_s;       /* wall clock */
    int64_t started_ms;      /* monotonic */
    int64_t wrote_ms;        /* when something was last streamed */
    size_t text_sent;        /* bytes of the answer that were streamed */
    struct gateway_run *run; /* so that WebSocket clients hear of it; NULL: nobody was there */
    bool stream, include_usage;
    bool role_sent;
    bool lost; /* a delta is missing: the rest comes with turn.done */
};

void gateway_chat_free(struct gateway_conn *c)
{
    if (!c->chat) return;
    if (c->chat->run) gateway_run_lost(c->chat->run);
    free(c->chat->model);
    free(c->chat);
    c->chat = NULL;
}

static struct openai_reply reply_of(const struct gateway_chat *chat)
{
    return (struct openai_reply){ str_of(chat->id), str_of(chat->model), chat->created_s };
}

/* --- the request ------------------------------------------------------------------------------------------------ */

static void refuse(struct gateway_conn *c, const struct openai_error *why)
{
    gateway_answer_error(c, why->status, str_of(why->message), why->type, NULL, why->param, NULL);
}

static void refuse_agent(struct gateway_conn *c, const char *agent)
{
    const config_t *cfg = c->gw->options->config;
    struct buf text = { .max = 8192 };
    buf_printf(&text, "Unknown agent id \"%s\". Known: ", agent);
    for (size_t i = 0; i < config_agent_count(cfg); i++) {
        if (i) buf_text(&text, ", ");
        buf_add(&text, config_agent_at(cfg, i)->id);
    }
    buf_char(&text, '.');
    gateway_answer_error(c, 404, buf_str(&text), "not_found_error", "unknown_agent", NULL, NULL);
    buf_free(&text);
}

static int pack_message(const struct openai_chat *request, struct buf *out)
{
    struct chat_part parts[OPENAI_IMAGES_MAX + 1];
    struct chat_message message = { .role = CHAT_USER, .parts = parts, .timestamp_ms = clock_wall_ms() };
    if (request->message.n) parts[message.part_count++] = (struct chat_part){ .kind = CHAT_TEXT, .text = buf_str(&request->message) };
    for (size_t i = 0; i < request->image_count; i++)
        parts[message.part_count++] =
            (struct chat_part){ .kind = CHAT_IMAGE, .text = request->images[i].data, .name = request->images[i].media_type };
    return chat_pack_message(out, &message);
}

/* @return 0 or GW_E*; on 0 the turn is on its way */
static int submit(struct gateway_conn *c, const struct openai_chat *request)
{
    struct gateway_chat *chat = c->chat;
    struct buf packed = { 0 };
    char key[IDEMPOTENCY_MAX + 1], model[MODEL_REF_MAX + 1], thinking[THINKING_MAX + 1];
    struct msg m = { .kind = MSG_turn_submit, .trace = random_u64() };
    int rc = pack_message(request, &packed);
    m.turn_submit = (struct msg_turn_submit){
        .run_id = str_of(chat->id),
        .session_key = str_of(chat->session_key),
        .agent = str_of(chat->agent),
        .idempotency_key = gateway_header(c, "idempotency-key:", key, sizeof key),
        .channel = STR("http"),
        .model = gateway_header(c, "x-openclaw-model:", model, sizeof model),
        .thinking = gateway_header(c, "x-openclaw-thinking:", thinking, sizeof thinking),
        .system = buf_str(&request->system_text),
        .stream = chat->stream,
        .message = buf_str(&packed),
    };
    if (rc == 0) rc = gateway_ask(c, "router", &m);
    buf_free(&packed);
    return rc;
}

static int read_route(struct gateway_conn *c, const struct openai_chat *request, const char *uuid, struct openai_error *why)
{
    char agent[128], key[OPENAI_SESSION_KEY_MAX + 64];
    const config_t *cfg = c->gw->options->config;
    struct openai_headers headers = { gateway_header(c, "x-openclaw-agent-id:", agent, sizeof agent),
                                      gateway_header(c, "x-openclaw-session-key:", key, sizeof key) };
    if (headers.agent_id.n == 0) headers.agent_id = gateway_header(c, "x-openclaw-agent:", agent, sizeof agent);
    return openai_chat_route(request, &headers, config_agent_default(cfg)->id, uuid, c->chat->agent, c->chat->session_key, why);
}

static struct gateway_chat *new_chat(const struct openai_chat *request, const char *uuid)
{
    struct gateway_chat *chat = calloc(1, sizeof *chat);
    if (!chat) return NULL;
    chat->model = str_dup(request->model.n ? request->model : STR("openclaw"));
    snprintf(chat->id, sizeof chat->id, "chatcmpl_%s", uuid);
    chat->created_s = clock_wall_ms() / 1000;
    chat->started_ms = chat->wrote_ms = clock_mono_ms();
    chat->stream = request->stream;
    chat->include_usage = request->include_usage;
    return chat;
}

static void start(struct gateway_conn *c, const struct openai_chat *request)
{
    char uuid[RANDOM_UUID_SIZE];
    struct openai_error why = { 0 };
    random_uuid(uuid);
    c->chat = new_chat(request, uuid);
    if (!c->chat || !c->chat->model) {
        gateway_kill(c);
    } else if (read_route(c, request, uuid, &why) != 0) {
        refuse(c, &why);
    } else if (!config_agent_find(c->gw->options->config, str_of(c->chat->agent))) {
        refuse_agent(c, c->chat->agent);
    } else if (submit(c, request) != 0) {
        gateway_answer_error(c, 503, STR("The gateway is overloaded; try again later."), "api_error", "overloaded", NULL,
                             "Retry-After: 1\r\n");
    } else {
        c->chat->run = gateway_run_follow(c->gw, str_of(c->chat->id), str_of(c->chat->session_key));
        if (c->chat->stream) gateway_start_tick(c->gw);
    }
}

void gateway_chat_run(struct gateway_conn *c)
{
    struct openai_chat request = { 0 };
    struct openai_error why = { 0 };
    int rc = openai_chat_parse(buf_str(&c->body), &request, &why);
    if (rc == GW_ENOMEM)
        gateway_kill(c);
    else if (rc)
        refuse(c, &why);
    else
        start(c, &request);
    openai_chat_free(&request);
    buf_free(&c->body);
}

/* --- streaming -------------------------------------------------------------------------------------------------- */

/* @param model  who answers; empty: not known yet, the header is left out */
static void write_headers(const struct gateway_chat *chat, struct str model, char extra[EXTRA_MAX])
{
    int n = snprintf(extra, EXTRA_MAX, "x-openclaw-run-id: %s\r\nx-openclaw-session-key: %s\r\n", chat->id, chat->session_key);
    if (model.n) snprintf(extra + n, EXTRA_MAX - (size_t)n, "x-openclaw-model: %.*s\r\n", STR_ARG(model));
}

static void begin_stream(struct gateway_conn *c, struct str model)
{
    char extra[EXTRA_MAX];
    if (c->streaming) return;
    write_headers(c->chat, model, extra);
    gateway_stream_begin(c, extra);
}

static void stream(struct gateway_conn *c, struct buf *events)
{
    gateway_stream_add(c, buf_str(events));
    c->chat->wrote_ms = clock_mono_ms();
    buf_free(events);
}

static void stream_text(struct gateway_conn *c, struct str text)
{
    struct openai_reply reply = reply_of(c->chat);
    struct buf events = { 0 };
    begin_stream(c, (struct str){ 0 });
    if (!c->chat->role_sent) openai_write_role_event(&events, &reply);
    c->chat->role_sent = true;
    if (text.n) openai_write_text_event(&events, &reply, text);
    c->chat->text_sent += text.n;
    stream(c, &events);
}

static void check_slow(struct gateway_conn *c)
{
    if (gateway_unsent(c) <= GATEWAY_OUT_MAX) return;
    log_event(LOG_WARN, "slow_client", LOG_T("address", c->peer.address), LOG_I("unsent", (int64_t)gateway_unsent(c)));
    gateway_kill(c);
    c->chat->lost = true;
}

static void on_delta(struct gateway_conn *c, const struct msg_turn_delta *d)
{
    struct gateway_chat *chat = c->chat;
    if (chat->run) gateway_run_delta(chat->run, d);
    if (!chat->stream || chat->lost || d->text.n == 0) return;
    if ((uint64_t)d->offset != chat->text_sent) {
        chat->lost = true;
        return;
    }
    stream_text(c, d->text);
    check_slow(c);
}

void gateway_chat_tick(struct gateway_conn *c, int64_t now_ms)
{
    struct gateway_chat *chat = c->chat;
    const struct gateway_times *t = &c->gw->times;
    if (!chat->stream || now_ms - chat->wrote_ms < (c->streaming ? t->keepalive_ms : t->quiet_ms)) return;
    begin_stream(c, (struct str){ 0 });
    gateway_stream_add(c, STR(": keep-alive\n\n"));
    chat->wrote_ms = now_ms;
}

/* --- the end ---------------------------------------------------------------------------------------------------- */

static const char *finish_of(int64_t stop)
{
    return stop == CHAT_STOP_LENGTH ? "length" : stop == CHAT_STOP_FILTER ? "content_filter" : "stop";
}

static void end_stream(struct gateway_conn *c, const struct msg_turn_done *d, struct openai_usage usage)
{
    struct gateway_chat *chat = c->chat;
    struct openai_reply reply = reply_of(chat);
    struct buf events = { 0 };
    struct str rest = { 0 };
    if (d->text.n > chat->text_sent) rest = (struct str){ d->text.p + chat->text_sent, d->text.n - chat->text_sent };
    begin_stream(c, d->model);
    if (rest.n || !chat->role_sent) stream_text(c, rest);
    openai_write_finish_event(&events, &reply, finish_of(d->stop));
    if (chat->include_usage) openai_write_usage_event(&events, &reply, usage);
    openai_write_done_event(&events);
    stream(c, &events);
    gateway_stream_end(c);
}

/* The turn failed or was stopped: a status while none was sent, else an event. */
static void fail(struct gateway_conn *c, int status, struct str message, const char *type, const char *code, const char *extra)
{
    struct buf events = { 0 };
    if (!c->streaming) {
        gateway_answer_error(c, status, message, type, code, NULL, extra);
        return;
    }
    buf_text(&events, "data: ");
    openai_write_error(&events, message, type, code, NULL);
    buf_text(&events, "\n\n");
    openai_write_done_event(&events);
    stream(c, &events);
    gateway_stream_end(c);
}

static void on_failed(struct gateway_conn *c, const struct msg_turn_done *d, const char *extra)
{
    enum failure failure = (enum failure)d->failure;
    const char *code = failure_name(failure);
    struct str text = d->error.n ? d->error : STR("The turn failed.");
    if (failure == FAILURE_context_overflow || failure == FAILURE_bad_request)
        fail(c, 400, text, "invalid_request_error", code, extra);
    else if (failure == FAILURE_budget)
        fail(c, 429, text, "insufficient_quota", code, extra);
    else
        fail(c, failure == FAILURE_timeout ? 504 : 502, text, "api_error", code, extra);
}

static void on_done(struct gateway_conn *c, const struct msg_turn_done *d)
{
    char extra[EXTRA_MAX];
    struct openai_usage usage = { d->input_tokens, d->output_tokens };
    struct openai_reply reply = reply_of(c->chat);
    struct buf body = { 0 };
    if (c->chat->run) gateway_run_end(c->chat->run, d);
    c->chat->run = NULL;
    write_headers(c->chat, d->model, extra);
    if (d->outcome == OUTCOME_FAILED) {
        on_failed(c, d, extra);
    } else if (d->outcome != OUTCOME_DONE) {
        fail(c, 503, d->error.n ? d->error : STR("The turn was stopped."), "api_error",
             d->outcome == OUTCOME_DROPPED ? "dropped" : "aborted", extra);
    } else if (c->chat->stream) {
        end_stream(c, d, usage);
    } else {
        openai_write_completion(&body, &reply, d->text, finish_of(d->stop), usage);
        gateway_answer(c, 200, JSON_TYPE, buf_str(&body), extra);
        buf_free(&body);
    }
}

static void on_refused(struct gateway_conn *c, const struct msg_turn_refused *r)
{
    char retry[64], code[65];
    bool full = str_is(r->reason, "queue_full") || str_is(r->reason, "lane_full");
    struct str text = r->text.n ? r->text : STR("The turn was refused.");
    snprintf(retry, sizeof retry, "Retry-After: %lld\r\n", (long long)(r->retry_after_ms + 999) / 1000);
    str_copy(code, sizeof code, r->reason);
    const char *extra = r->retry_after_ms > 0 ? retry : NULL;
    if (full)
        fail(c, 429, text, "rate_limit_error", code, extra ? extra : "Retry-After: 1\r\n");
    else if (str_is(r->reason, "unknown_agent"))
        fail(c, 404, text, "not_found_error", code, NULL);
    else if (str_is(r->reason, "too_long"))
        fail(c, 400, text, "invalid_request_error", code, NULL);
    else
        fail(c, 503, text, "api_error", code, extra);
}

void gateway_chat_message(struct gateway_conn *c, const struct msg *in)
{
    switch (in->kind) {
    case MSG_turn_refused: on_refused(c, &in->turn_refused); break;
    case MSG_turn_delta: on_delta(c, &in->turn_delta); break;
    case MSG_turn_done: on_done(c, &in->turn_done); break;
    case MSG_error:
        fail(c, 503, STR("The gateway is overloaded; try again later."), "api_error", "overloaded", "Retry-After: 1\r\n");
        break;
    default: break;
    }
}

void gateway_chat_stopping(struct gateway_conn *c)
{
    fail(c, 503, STR("The gateway is stopping; the turn is taken up again when it starts."), "api_error", "stopping", NULL);
}

/* --- clients that leave ----------------------------------------------------------------------------------------- */

/* A repeat of an idempotency key has no turn of its own, so this does not end the first one. */
void gateway_chat_gone(struct gateway_conn *c)
{
    struct msg m = { .kind = MSG_turn_abort };
    if (c->gw->stopping) return; /* what was accepted goes on after a restart */
    m.turn_abort.run_id = str_of(c->chat->id);
    m.turn_abort.reason = STR("client_gone");
    mailbox_send(c->gw->mailbox, "router", &m);
}
