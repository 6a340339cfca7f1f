#include "actors/attempt.h"

#include "base/clock.h"
#include "base/log.h"
#include "msgs/chat_pack.h"

enum { PIECE_MAX = 256 * 1024 }; /* bytes of one model.delta; more is sent as several */

static void on_delta(void *ctx, enum chat_part_kind kind, struct str text)
{
    struct attempt *a = ctx;
    if (a->first_ms == 0) a->first_ms = clock_mono_ms();
    if (!a->live) return;
    if (a->piece.n && (a->piece_kind != kind || a->piece.n + text.n > PIECE_MAX)) attempt_flush(a);
    a->piece_kind = kind;
    buf_add(&a->piece, text);
}

int attempt_open(struct attempt *a, mailbox_t *mailbox, const struct msg *try_msg, const struct provider *dialect,
                 const struct provider_endpoint *endpoint, const struct model_request *request)
{
    const struct msg_model_try *q = &try_msg->model_try;
    const struct model_sink sink = { on_delta, a };
    *a = (struct attempt){ .mailbox = mailbox,
                           .request = q->request,
                           .corr = try_msg->corr,
                           .trace = try_msg->trace,
                           .session_corr = (uint64_t)q->session_corr,
                           .live = q->stream != 0 };
    str_copy(a->session, sizeof a->session, q->session); /* 1..63 by declaration: it fits */
    return model_stream_create(dialect, endpoint, request, &sink, &a->stream);
}

void attempt_close(struct attempt *a)
{
    model_stream_destroy(&a->stream);
    buf_free(&a->piece);
}

void attempt_flush(struct attempt *a)
{
    if (a->piece.n == 0) return;
    struct msg m = { .kind = MSG_model_delta, .corr = a->session_corr, .trace = a->trace };
    struct str rest = buf_str(&a->piece);
    while (rest.n) {
        struct str part = str_utf8_prefix(rest, PIECE_MAX);
        if (part.n == 0) part = (struct str){ rest.p, rest.n < PIECE_MAX ? rest.n : PIECE_MAX };
        m.model_delta.kind = a->piece_kind;
        m.model_delta.text = part;
        mailbox_send(a->mailbox, a->session, &m);
        rest = (struct str){ rest.p + part.n, rest.n - part.n };
    }
    buf_clear(&a->piece);
}

static void send_failure(mailbox_t *mailbox, struct msg *m, const struct model_failure *f, bool visible)
{
    m->kind = MSG_model_failed;
    m->model_failed.failure = f->class ? f->class : FAILURE_server;
    m->model_failed.http_status = f->http_status;
    m->model_failed.retry_after_ms = f->retry_after_ms > INT32_MAX ? INT32_MAX : f->retry_after_ms;
    m->model_failed.visible = visible;
    m->model_failed.text = str_utf8_prefix(f->text, 8192);
    mailbox_send(mailbox, "router", m);
}

void attempt_finish(struct attempt *a, enum failure transport, struct str text)
{
    const struct model_outcome *outcome = model_stream_finish(a->stream, transport, text);
    struct msg m = { .corr = a->corr, .trace = a->trace };
    attempt_flush(a);
    if (!outcome->ok) {
        m.model_failed.request = a->request;
        send_failure(a->mailbox, &m, &outcome->failure, outcome->visible && a->live);
        return;
    }
    struct buf packed = { 0 };
    size_t n = 0;
    int rc = chat_pack_message(&packed, &outcome->message);
    char *bytes = rc ? NULL : buf_take(&packed, &n);
    payload_t *payload = bytes ? payload_take(bytes, n) : NULL;
    m.kind = MSG_model_reply;
    m.model_reply.request = a->request;
    m.model_reply.first_ms = a->first_ms;
    m.model_reply.input_tokens = outcome->message.usage.input;
    m.model_reply.output_tokens = outcome->message.usage.output;
    if (payload) rc = mailbox_send_payload(a->mailbox, "router", &m, payload);
    if (!payload || rc == GW_EBADMSG) {
        const struct model_failure f = { .class = FAILURE_server, .retry_after_ms = -1, .text = STR("the reply could not be passed on") };
        m = (struct msg){ .corr = a->corr, .trace = a->trace };
        m.model_failed.request = a->request;
        send_failure(a->mailbox, &m, &f, outcome->visible && a->live);
    }
    payload_free(&payload);
    buf_free(&packed);
}

void attempt_refuse(mailbox_t *mailbox, const struct msg *try_msg, enum failure failure, const char *text)
{
    const struct model_failure f = { .class = failure, .retry_after_ms = -1, .text = str_of(text) };
    struct msg m = { .corr = try_msg->corr, .trace = try_msg->trace };
    m.model_failed.request = try_msg->model_try.request;
    send_failure(mailbox, &m, &f, false);
}

int attempt_request(const struct msg *try_msg, struct str provider, struct arena *arena, struct model_request *out)
{
    struct chat_request chat;
    *out = (struct model_request){ 0 };
    int rc = chat_unpack_request(try_msg->model_try.prompt, arena, &chat);
    if (rc) return rc;
    *out = (struct model_request){
        .provider = provider,
        .model = try_msg->model_try.model,
        .system = chat.system,
        .messages = chat.messages,
        .message_count = chat.message_count,
        .tools = chat.tools,
        .tool_count = chat.tool_count,
        .max_tokens = chat.max_tokens,
        .thinking = chat.thinking,
        .images = true,
    };
    return 0;
}
