/* A strict fake of Google's Gemini API (generateContent, streamGenerateContent with alt=sse).
 * Source: ai.google.dev/api/generate-content, ai.google.dev/gemini-api/docs/troubleshooting (2026-11). */
#include <stdio.h>
#include <stdlib.h>

#include "fakes/fake_gemini_check.h"
#include "fakes/fake_play.h"

static const char *finish_name(const char *reason)
{
    if (strcmp(reason, "stop") == 0 || strcmp(reason, "tool_calls") == 0) return "STOP";
    if (strcmp(reason, "length") == 0) return "MAX_TOKENS";
    if (strcmp(reason, "content_filter") == 0) return "SAFETY";
    return reason;
}

static void add_usage(struct buf *b, const struct fake_usage *u)
{
    buf_printf(b, ",\"usageMetadata\":{\"promptTokenCount\":%lld", (long long)u->input);
    if (u->output > 0) buf_printf(b, ",\"candidatesTokenCount\":%lld", (long long)u->output - (long long)u->reasoning);
    if (u->cached > 0) buf_printf(b, ",\"cachedContentTokenCount\":%lld", (long long)u->cached);
    if (u->reasoning > 0) buf_printf(b, ",\"thoughtsTokenCount\":%lld", (long long)u->reasoning);
    buf_printf(b, ",\"totalTokenCount\":%lld,\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCount\":%lld}]}",
               (long long)u->input + (long long)u->output, (long long)u->input);
}

static void close_answer(struct buf *b, const struct fake_ask *ask, const struct fake_usage *usage)
{
    add_usage(b, usage);
    buf_json_pair_str(b, "modelVersion", str_of(ask->model));
    buf_printf(b, ",\"responseId\":\"fake-%lld\"}", (long long)ask->number);
}

/* One event with the given part and, at the end, the reason why it ended. */
static void send_part(struct play *p, const struct fake_ask *ask, struct str part, const char *reason, const struct fake_usage *usage)
{
    static const struct fake_usage so_far = { .input = 1 };
    struct buf b = { 0 };
    buf_text(&b, "{\"candidates\":[{\"content\":{\"parts\":[");
    buf_add(&b, part);
    buf_text(&b, "],\"role\":\"model\"}");
    if (reason) buf_printf(&b, ",\"finishReason\":\"%s\"", finish_name(reason));
    buf_text(&b, ",\"index\":0}]");
    close_answer(&b, ask, usage ? usage : &so_far);
    play_event(p, buf_str(&b));
    buf_free(&b);
}

static void add_text_part(struct buf *b, struct str piece, bool thought)
{
    buf_text(b, "{");
    buf_json_pair_str(b, "text", piece);
    if (thought) buf_json_pair_bool(b, "thought", true);
    buf_char(b, '}');
}

static void add_call_part(struct buf *b, const struct fake_call *c, bool first)
{
    buf_text(b, "{\"functionCall\":{");
    buf_json_pair_str(b, "name", str_of(c->name));
    buf_json_key(b, "args");
    buf_text(b, c->arguments);
    buf_char(b, '}');
    if (first) buf_json_pair_str(b, "thoughtSignature", STR(FAKE_GEMINI_SIGNATURE)); /* of parallel calls only the first has one */
    buf_char(b, '}');
}

static void text(struct play *p, const struct fake_ask *ask, struct str piece)
{
    struct buf b = { 0 };
    add_text_part(&b, piece, false);
    send_part(p, ask, buf_str(&b), NULL, NULL);
    buf_free(&b);
}

static void reasoning(struct play *p, const struct fake_ask *ask, struct str piece)
{
    struct buf b = { 0 };
    add_text_part(&b, piece, true);
    send_part(p, ask, buf_str(&b), NULL, NULL);
    buf_free(&b);
}

static void call(struct play *p, const struct fake_ask *ask, size_t index, const struct fake_call *c)
{
    struct buf b = { 0 };
    add_call_part(&b, c, index == 0);
    send_part(p, ask, buf_str(&b), NULL, NULL);
    buf_free(&b);
}

static void finish(struct play *p, const struct fake_ask *ask, const char *reason, const struct fake_usage *usage)
{
    send_part(p, ask, STR("{\"text\":\"\"}"), reason, usage);
}

static const char *status_name(int status)
{
    switch (status) {
    case 400: return "INVALID_ARGUMENT";
    case 401: return "UNAUTHENTICATED";
    case 403: return "PERMISSION_DENIED";
    case 404: return "NOT_FOUND";
    case 429: return "RESOURCE_EXHAUSTED";
    case 503: return "UNAVAILABLE";
    case 504: return "DEADLINE_EXCEEDED";
    default: return "INTERNAL";
    }
}

static const char *usual_message(int status)
{
    switch (status) {
    case 400: return "Request contains an invalid argument.";
    case 403: return "Method doesn't allow unregistered callers (callers without established identity).";
    case 429: return "You exceeded your current quota, please check your plan and billing details.";
    case 503: return "The model is overloaded. Please try again later.";
    default: return "An internal error has occurred. Please retry.";
    }
}

static void error_body(int status, bool quota, const char *message, struct buf *b)
{
    if (quota) {
        buf_text(b, "{\n  \"error\": {\n    \"code\": 400,\n    \"message\": \"Gemini API free tier is not available in your country. "
                    "Please enable billing on your project in Google AI Studio.\",\n    \"status\": \"FAILED_PRECONDITION\"\n  }\n}\n");
        return;
    }
    buf_printf(b, "{\n  \"error\": {\n    \"code\": %d,\n    \"message\": ", status);
    buf_json_str(b, str_of(message ? message : usual_message(status)));
    buf_printf(b, ",\n    \"status\": \"%s\"", status_name(status));
    if (status == 429)
        buf_text(b, ",\n    \"details\": [ { \"@type\": \"type.googleapis.com/google.rpc.RetryInfo\", \"retryDelay\": \"17s\" } ]");
    buf_text(b, "\n  }\n}\n");
}

static void error_event(struct play *p, const struct fake_ask *ask, const char *message)
{
    (void)ask;
    struct buf b = { 0 };
    buf_text(&b, "{\"error\":{\"code\":503");
    buf_json_pair_str(&b, "message", str_of(message));
    buf_text(&b, ",\"status\":\"UNAVAILABLE\"}}");
    play_event(p, buf_str(&b));
    buf_free(&b);
}

static void whole(const struct fake_ask *ask, const struct fake_answer *a, struct buf *b)
{
    buf_text(b, "{\"candidates\":[{\"content\":{\"parts\":[");
    if (a->reasoning.n > 0) add_text_part(b, a->reasoning, true);
    if (a->text.n > 0 || a->call_count == 0) {
        buf_json_comma(b);
        add_text_part(b, a->text, false);
    }
    for (size_t i = 0; i < a->call_count; i++) {
        buf_json_comma(b);
        add_call_part(b, &a->calls[i], i == 0);
    }
    buf_printf(b, "],\"role\":\"model\"},\"finishReason\":\"%s\",\"index\":0}]", finish_name(a->finish));
    close_answer(b, ask, &a->usage);
}

int main(int argc, char **argv)
{
    static const struct fake_dialect gemini = {
        .name = "fake_gemini",
        .crlf = true,
        .check = fake_gemini_check,
        .text = text,
        .reasoning = reasoning,
        .call = call,
        .finish = finish,
        .error_event = error_event,
        .whole = whole,
        .error_body = error_body,
    };
    return fake_main(argc, argv, &gemini);
}
