/* A strict fake of an OpenAI-style chat completions server as OpenRouter runs it.
 * Sources: openrouter.ai/docs (API reference, streaming, errors; 2026-11), platform.openai.com/docs/api-reference/chat. */
#include <stdio.h>
#include <stdlib.h>

#include "fakes/fake_openai_check.h"
#include "fakes/fake_play.h"

static const char PROVIDER_NAME[] = "StepFun";
enum { CREATED = 1760000000 }; /* seconds; fixed, so that recorded answers compare */

/* ---- chunks ---- */

static void open_chunk(struct buf *b, const struct fake_ask *ask)
{
    buf_printf(b, "{\"id\":\"gen-%d-%lld\",\"provider\":\"%s\"", CREATED, (long long)ask->number, PROVIDER_NAME);
    buf_json_pair_str(b, "model", str_of(ask->model));
    buf_printf(b, ",\"object\":\"chat.completion.chunk\",\"created\":%d", CREATED);
}

static void send_chunk(struct play *p, struct buf *b)
{
    buf_char(b, '}');
    play_event(p, buf_str(b));
    buf_free(b);
}

/* One delta; `field` and `value` add to role and content. */
static void send_delta(struct play *p, const struct fake_ask *ask, struct str content, const char *field, struct str value)
{
    struct buf b = { 0 };
    open_chunk(&b, ask);
    buf_text(&b, ",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\"");
    buf_json_pair_str(&b, "content", content);
    if (field) {
        buf_json_key(&b, field);
        buf_add(&b, value);
    }
    buf_text(&b, "},\"finish_reason\":null,\"native_finish_reason\":null,\"logprobs\":null}]");
    send_chunk(p, &b);
}

static void text(struct play *p, const struct fake_ask *ask, struct str piece)
{
    send_delta(p, ask, piece, NULL, STR(""));
}

static void reasoning(struct play *p, const struct fake_ask *ask, struct str piece)
{
    struct buf b = { 0 };
    buf_json_str(&b, piece);
    buf_text(&b, ",\"reasoning_details\":[{\"type\":\"reasoning.text\"");
    buf_json_pair_str(&b, "text", piece);
    buf_text(&b, ",\"format\":\"unknown\",\"index\":0}]");
    send_delta(p, ask, STR(""), "reasoning", buf_str(&b));
    buf_free(&b);
}

static void call_part(struct play *p, const struct fake_ask *ask, size_t index, const struct fake_call *c, bool first, struct str arguments)
{
    struct buf b = { 0 };
    buf_printf(&b, "[{\"index\":%zu", index);
    if (first) {
        buf_json_pair_str(&b, "id", str_of(c->id));
        buf_json_pair_str(&b, "type", STR("function"));
    }
    buf_text(&b, ",\"function\":{");
    if (first) buf_json_pair_str(&b, "name", str_of(c->name));
    buf_json_pair_str(&b, "arguments", arguments);
    buf_text(&b, "}}]");
    send_delta(p, ask, STR(""), "tool_calls", buf_str(&b));
    buf_free(&b);
}

static void call(struct play *p, const struct fake_ask *ask, size_t index, const struct fake_call *c)
{
    struct str whole = str_of(c->arguments), head = str_utf8_prefix(whole, whole.n / 2);
    call_part(p, ask, index, c, true, STR(""));
    call_part(p, ask, index, c, false, head);
    call_part(p, ask, index, c, false, (struct str){ whole.p + head.n, whole.n - head.n });
}

static void add_usage(struct buf *b, const struct fake_usage *u)
{
    buf_printf(b,
               ",\"usage\":{\"prompt_tokens\":%lld,\"completion_tokens\":%lld,\"total_tokens\":%lld,\"cost\":0,"
               "\"prompt_tokens_details\":{\"cached_tokens\":%lld},\"completion_tokens_details\":{\"reasoning_tokens\":%lld}}",
               (long long)u->input, (long long)u->output, (long long)u->input + (long long)u->output, (long long)u->cached,
               (long long)u->reasoning);
}

static void finish(struct play *p, const struct fake_ask *ask, const char *reason, const struct fake_usage *usage)
{
    struct buf b = { 0 };
    open_chunk(&b, ask);
    buf_printf(&b,
               ",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":\"%s\","
               "\"native_finish_reason\":\"%s\",\"logprobs\":null}]",
               reason, reason);
    send_chunk(p, &b);
    open_chunk(&b, ask);
    buf_text(&b, ",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null,"
                 "\"native_finish_reason\":null,\"logprobs\":null}]");
    add_usage(&b, usage);
    send_chunk(p, &b);
    play_event(p, STR("[DONE]"));
}

static void error_event(struct play *p, const struct fake_ask *ask, const char *message)
{
    struct buf b = { 0 };
    open_chunk(&b, ask);
    buf_text(&b, ",\"error\":{\"code\":502");
    buf_json_pair_str(&b, "message", str_of(message));
    buf_text(&b, "},\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":\"error\","
                 "\"native_finish_reason\":\"error\",\"logprobs\":null}]");
    send_chunk(p, &b);
}

/* ---- whole bodies ---- */

static void whole(const struct fake_ask *ask, const struct fake_answer *a, struct buf *b)
{
    buf_printf(b, "{\"id\":\"gen-%d-%lld\",\"provider\":\"%s\"", CREATED, (long long)ask->number, PROVIDER_NAME);
    buf_json_pair_str(b, "model", str_of(ask->model));
    buf_printf(b, ",\"object\":\"chat.completion\",\"created\":%d,\"choices\":[{\"logprobs\":null,\"finish_reason\":\"%s\"", CREATED,
               a->finish);
    buf_printf(b, ",\"native_finish_reason\":\"%s\",\"index\":0,\"message\":{\"role\":\"assistant\"", a->finish);
    buf_json_pair_str(b, "content", a->text);
    buf_text(b, ",\"refusal\":null,\"reasoning\":");
    if (a->reasoning.n > 0)
        buf_json_str(b, a->reasoning);
    else
        buf_text(b, "null");
    for (size_t i = 0; i < a->call_count; i++) {
        buf_text(b, i == 0 ? ",\"tool_calls\":[" : ",");
        buf_printf(b, "{\"index\":%zu", i);
        buf_json_pair_str(b, "id", str_of(a->calls[i].id));
        buf_text(b, ",\"type\":\"function\",\"function\":{");
        buf_json_pair_str(b, "name", str_of(a->calls[i].name));
        buf_json_pair_str(b, "arguments", str_of(a->calls[i].arguments));
        buf_text(b, i + 1 == a->call_count ? "}}]" : "}}");
    }
    buf_text(b, "}}]");
    add_usage(b, &a->usage);
    buf_char(b, '}');
}

static const char *usual_message(int status)
{
    switch (status) {
    case 401: return "No auth credentials found";
    case 402: return "Insufficient credits. Add more using https://openrouter.ai/settings/credits";
    case 403: return "Your chosen model requires moderation and your input was flagged";
    case 404: return "No endpoints found for this model.";
    case 408: return "Request timed out";
    case 429: return "Rate limit exceeded: free-models-per-min.";
    case 502: return "Provider returned error";
    case 503: return "No instances available";
    default: return "Something went wrong";
    }
}

static void error_body(int status, bool quota, const char *message, struct buf *b)
{
    if (quota) { /* OpenAI's own shape */
        buf_text(b, "{\"error\":{\"message\":\"You exceeded your current quota, please check your plan and billing details.\","
                    "\"type\":\"insufficient_quota\",\"param\":null,\"code\":\"insufficient_quota\"}}");
        return;
    }
    buf_text(b, "{\"error\":{");
    buf_json_pair_str(b, "message", str_of(message ? message : usual_message(status)));
    buf_json_pair_int(b, "code", status);
    buf_printf(b, ",\"metadata\":{\"provider_name\":\"%s\"}},\"user_id\":\"user_fake\"}", PROVIDER_NAME);
}

int main(int argc, char **argv)
{
    static const struct fake_dialect openai = {
        .name = "fake_openai",
        .opening = "OPENROUTER PROCESSING",
        .check = fake_openai_check,
        .text = text,
        .reasoning = reasoning,
        .call = call,
        .finish = finish,
        .error_event = error_event,
        .whole = whole,
        .error_body = error_body,
    };
    return fake_main(argc, argv, &openai);
}
