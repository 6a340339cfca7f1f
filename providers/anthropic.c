/* The dialect of Anthropic's Messages API.
 * Source: docs.claude.com /en/api/messages, /messages-streaming, /errors, /extended-thinking, /prompt-caching (2026-02). */
#include <stdlib.h>

#include "base/err.h"
#include "providers/classify.h"
#include "providers/reply.h"
#include "providers/wire.h"

enum {
    MAX_TOKENS_DEFAULT = 8192, /* the API requires one */
    BUDGET_MIN = 1024,         /* tokens of thinking, by the API */
};

#define REDACTED "redacted:" /* before the data of a redacted thinking block, in a signature */
#define CACHE_MARK ",\"cache_control\":{\"type\":\"ephemeral\"}"

/* ---- the request ---- */

/* Roles alternate: blocks of the same role in a row go into one message. */
struct writer {
    struct buf *b;
    const char *role;  /* of the open message, NULL: none yet */
    size_t cache_from; /* offset of the newest user block that can carry a cache mark; its closing brace is at cache_at */
    size_t cache_at;
};

static void open_block(struct writer *w, const char *role)
{
    wire_open_part(w->b, &w->role, role, "content", "{\"type\":\"text\",\"text\":\"(earlier messages left out)\"}");
}

/* Close a user's block and remember where a cache mark would go. */
static void close_user_block(struct writer *w)
{
    w->cache_at = w->b->n;
    buf_char(w->b, '}');
}

/* Text of nothing but white space is refused. */
static bool empty(struct str text)
{
    return str_trim(text).n == 0;
}

static void write_image_source(struct buf *b, const struct chat_part *part)
{
    buf_text(b, "{\"type\":\"image\",\"source\":{\"type\":\"base64\"");
    buf_json_pair_str(b, "media_type", part->name);
    buf_json_pair_str(b, "data", part->text);
    buf_char(b, '}');
}

static void write_text_open(struct buf *b, struct str text)
{
    buf_text(b, "{\"type\":\"text\"");
    buf_json_pair_str(b, "text", text);
}

static void write_user(struct writer *w, const struct model_request *q, const struct chat_message *m)
{
    for (size_t i = 0; i < m->part_count; i++) {
        const struct chat_part *part = &m->parts[i];
        if (empty(part->text) || (part->kind != CHAT_TEXT && part->kind != CHAT_IMAGE)) continue;
        open_block(w, "user");
        if (part->kind == CHAT_IMAGE && q->images)
            write_image_source(w->b, part);
        else
            write_text_open(w->b, part->kind == CHAT_TEXT ? part->text : wire_image_note());
        close_user_block(w);
    }
}

static void write_result(struct writer *w, const struct model_request *q, const struct chat_message *m)
{
    struct buf *b = w->b;
    open_block(w, "user");
    buf_text(b, "{\"type\":\"tool_result\",\"tool_use_id\":");
    wire_call_id(b, m->tool_call_id);
    buf_text(b, ",\"content\":[");
    for (size_t i = 0; i < m->part_count; i++) {
        const struct chat_part *part = &m->parts[i];
        if (empty(part->text) || (part->kind != CHAT_TEXT && part->kind != CHAT_IMAGE)) continue;
        buf_json_comma(b);
        if (part->kind == CHAT_IMAGE && q->images)
            write_image_source(b, part);
        else
            write_text_open(b, part->kind == CHAT_TEXT ? part->text : wire_image_note());
        buf_char(b, '}');
    }
    buf_char(b, ']');
    if (m->is_error) buf_json_pair_bool(b, "is_error", true);
    close_user_block(w);
}

/* A thinking block goes back only as it came: with its signature, to the provider that made it. */
static void write_thinking_block(struct writer *w, const struct chat_part *part)
{
    struct str signature = part->signature;
    if (signature.n == 0) return;
    open_block(w, "assistant");
    if (str_starts(signature, STR(REDACTED))) {
        size_t n = sizeof REDACTED - 1;
        buf_text(w->b, "{\"type\":\"redacted_thinking\"");
        buf_json_pair_str(w->b, "data", (struct str){ signature.p + n, signature.n - n });
    } else {
        buf_text(w->b, "{\"type\":\"thinking\"");
        buf_json_pair_str(w->b, "thinking", part->text);
        buf_json_pair_str(w->b, "signature", signature);
    }
    buf_char(w->b, '}');
}

static void write_assistant(struct writer *w, const struct model_request *q, const struct chat_message *m, bool thinks)
{
    for (size_t i = 0; i < m->part_count; i++) {
        const struct chat_part *part = &m->parts[i];
        if (part->kind == CHAT_THINKING && thinks && wire_own(q, m)) write_thinking_block(w, part);
        if (part->kind == CHAT_TEXT && !empty(part->text)) {
            open_block(w, "assistant");
            write_text_open(w->b, part->text);
            buf_char(w->b, '}');
        }
        if (part->kind != CHAT_TOOL_CALL) continue;
        open_block(w, "assistant");
        buf_text(w->b, "{\"type\":\"tool_use\",\"id\":");
        wire_call_id(w->b, part->id);
        buf_json_pair_str(w->b, "name", part->name);
        buf_json_key(w->b, "input");
        wire_arguments(w->b, part->text);
        buf_char(w->b, '}');
    }
}

static void write_messages(struct buf *b, const struct model_request *q, bool thinks)
{
    struct writer w = { .b = b };
    buf_json_key(b, "messages");
    buf_char(b, '[');
    for (size_t i = 0; i < q->message_count; i++) {
        const struct chat_message *m = &q->messages[i];
        if (m->role == CHAT_USER) write_user(&w, q, m);
        if (m->role == CHAT_TOOL_RESULT) write_result(&w, q, m);
        if (m->role == CHAT_ASSISTANT) write_assistant(&w, q, m, thinks);
    }
    buf_text(b, w.role ? "]}]" : "]");
    if (w.cache_at == 0 || b->err) return;
    size_t n = sizeof CACHE_MARK - 1; /* into the last block of the user, before its closing brace */
    if (!buf_reserve(b, n)) return;
    memmove(b->p + w.cache_at + n, b->p + w.cache_at, b->n - w.cache_at);
    memcpy(b->p + w.cache_at, CACHE_MARK, n);
    b->n += n;
}

static void write_tools(struct buf *b, const struct model_request *q)
{
    if (q->tool_count == 0) return;
    buf_json_key(b, "tools");
    buf_char(b, '[');
    for (size_t i = 0; i < q->tool_count; i++) {
        buf_json_comma(b);
        buf_char(b, '{');
        wire_tool(b, &q->tools[i], "input_schema");
        buf_char(b, '}');
    }
    buf_char(b, ']');
}

/* Models up to 4.5 take a budget of tokens; later ones decide themselves and take an effort. */
static bool takes_budget(struct str model)
{
    static const char *const marks[] = { "claude-3", "claude-2", "-4-0", "-4-1", "-4-5", "claude-opus-4-2025", "claude-sonnet-4-2025" };
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (str_find(model, str_of(marks[i])) >= 0) return true;
    return false;
}

/* With a budget the API wants the tool loop that is under way to begin with a thinking block. When another model began
 * it there is none, and thinking stays off until the next turn. */
static bool loop_without_thinking(const struct model_request *q)
{
    bool call = false, thought = false;
    for (size_t i = q->message_count; i > 0 && q->messages[i - 1].role != CHAT_USER; i--) {
        const struct chat_message *m = &q->messages[i - 1];
        if (m->role != CHAT_ASSISTANT) continue;
        thought = false;
        for (size_t k = 0; k < m->part_count; k++) {
            call = call || m->parts[k].kind == CHAT_TOOL_CALL;
            thought = thought || (m->parts[k].kind == CHAT_THINKING && m->parts[k].signature.n > 0 && wire_own(q, m));
        }
        if (call && !thought) return true;
    }
    return false;
}

static int budget_of(struct str level)
{
    if (str_is(level, "minimal")) return BUDGET_MIN;
    if (str_is(level, "medium")) return 8192;
    return str_is(level, "high") ? 16384 : 2048;
}

/* The members max_tokens, thinking and output_config. */
static void write_limits(struct buf *b, const struct model_request *q, bool thinks)
{
    int64_t max = q->max_tokens > 0 ? q->max_tokens : MAX_TOKENS_DEFAULT;
    int64_t budget = budget_of(q->thinking);
    if (!thinks || !takes_budget(q->model)) {
        buf_json_pair_int(b, "max_tokens", max);
        if (!thinks) return;
        buf_text(b, ",\"thinking\":{\"type\":\"adaptive\"}");
        buf_json_key(b, "output_config");
        buf_char(b, '{');
        buf_json_pair_str(b, "effort", str_is(q->thinking, "minimal") ? STR("low") : q->thinking);
        buf_char(b, '}');
        return;
    }
    if (q->max_tokens <= 0) max += budget; /* the budget counts towards max_tokens */
    if (budget >= max) budget = max / 2;   /* and must be smaller */
    buf_json_pair_int(b, "max_tokens", max);
    if (budget < BUDGET_MIN) return;
    buf_text(b, ",\"thinking\":{\"type\":\"enabled\"");
    buf_json_pair_int(b, "budget_tokens", budget);
    buf_char(b, '}');
}

static int request(const struct provider_endpoint *endpoint, const struct model_request *q, struct http_request *out)
{
    struct buf *b = &out->body;
    bool thinks = wire_thinks(q) && !(takes_budget(q->model) && loop_without_thinking(q));
    if (q->model.n == 0 || endpoint->base_url.n == 0) return GW_EINVAL;
    buf_add(&out->url, endpoint->base_url);
    buf_text(&out->url, str_ends(endpoint->base_url, STR("/v1")) ? "/messages" : "/v1/messages");
    if (endpoint->api_key.n > 0) wire_header(out, endpoint, "x-api-key", endpoint->api_key);
    wire_header(out, endpoint, "anthropic-version", STR("2023-06-01"));
    wire_headers(out, endpoint);
    buf_char(b, '{');
    buf_json_pair_str(b, "model", q->model);
    buf_json_pair_bool(b, "stream", true);
    write_limits(b, q, thinks);
    if (!empty(q->system)) {
        buf_json_key(b, "system");
        buf_char(b, '[');
        write_text_open(b, q->system);
        buf_text(b, CACHE_MARK "}]");
    }
    write_messages(b, q, thinks);
    write_tools(b, q);
    buf_char(b, '}');
    return wire_finish(out);
}

/* ---- the reply ---- */

/* Counts are given at the start and again, larger, at the end; a later one that is absent changes nothing. */
static void read_usage(struct reply *r, const json_t *usage)
{
    if (!json_is_object(usage)) return;
    int64_t fresh = r->usage.input - r->usage.cache_read - r->usage.cache_write;
    if (json_object_get(usage, "input_tokens")) fresh = wire_int(usage, "input_tokens");
    if (json_object_get(usage, "output_tokens")) r->usage.output = wire_int(usage, "output_tokens");
    if (json_object_get(usage, "cache_read_input_tokens")) r->usage.cache_read = wire_int(usage, "cache_read_input_tokens");
    if (json_object_get(usage, "cache_creation_input_tokens")) r->usage.cache_write = wire_int(usage, "cache_creation_input_tokens");
    r->usage.input = fresh + r->usage.cache_read + r->usage.cache_write;
}

static void read_stop(struct reply *r, struct str reason)
{
    if (reason.n == 0) return;
    r->stop = CHAT_STOP_END;
    if (str_is(reason, "max_tokens") || str_is(reason, "model_context_window_exceeded")) r->stop = CHAT_STOP_LENGTH;
    if (str_is(reason, "tool_use")) r->stop = CHAT_STOP_TOOL_USE;
    if (!str_is(reason, "refusal")) return;
    r->stop = CHAT_STOP_FILTER;
    r->stop_text = STR("refusal");
}

/* A block as it begins, or whole in a body that was not streamed. */
static void read_block(struct reply *r, int64_t index, const json_t *block)
{
    struct str type = json_str(block, "type");
    const json_t *input = json_object_get(block, "input");
    struct reply_part *part = NULL;
    if (str_is(type, "text")) reply_delta(r, CHAT_TEXT, index, json_str(block, "text"));
    if (str_is(type, "thinking")) {
        reply_delta(r, CHAT_THINKING, index, json_str(block, "thinking"));
        if (json_str(block, "signature").n > 0) part = reply_open(r, CHAT_THINKING, index);
        if (part) reply_append(r, &part->signature, json_str(block, "signature"));
    }
    if (str_is(type, "redacted_thinking") && (part = reply_add(r, CHAT_THINKING, index))) {
        reply_append(r, &part->signature, STR(REDACTED));
        reply_append(r, &part->signature, json_str(block, "data"));
    }
    if (str_is(type, "tool_use") && (part = reply_add(r, CHAT_TOOL_CALL, index))) {
        reply_append(r, &part->id, json_str(block, "id"));
        reply_append(r, &part->name, json_str(block, "name"));
        char *dump = json_object_size(input) > 0 ? json_dumps(input, JSON_COMPACT) : NULL; /* {} when it is to come in pieces */
        reply_append(r, &part->text, str_of(dump));
        free(dump);
    }
}

static void read_delta(struct reply *r, int64_t index, const json_t *delta)
{
    struct str type = json_str(delta, "type");
    struct reply_part *part = NULL;
    if (str_is(type, "text_delta")) reply_delta(r, CHAT_TEXT, index, json_str(delta, "text"));
    if (str_is(type, "thinking_delta")) reply_delta(r, CHAT_THINKING, index, json_str(delta, "thinking"));
    if (str_is(type, "signature_delta") && (part = reply_open(r, CHAT_THINKING, index)))
        reply_append(r, &part->signature, json_str(delta, "signature"));
    if (str_is(type, "input_json_delta") && (part = reply_find(r, CHAT_TOOL_CALL, index)))
        reply_append(r, &part->text, json_str(delta, "partial_json"));
}

static void read_message(struct reply *r, const json_t *message)
{
    size_t i;
    json_t *block;
    json_array_foreach(json_object_get(message, "content"), i, block) read_block(r, (int64_t)i, block);
    read_usage(r, json_object_get(message, "usage"));
    read_stop(r, json_str(message, "stop_reason"));
}

static void read_event(struct reply *r, const json_t *root)
{
    struct str type = json_str(root, "type");
    int64_t index = wire_int(root, "index");
    if (str_is(type, "message")) read_message(r, root);
    if (str_is(type, "message_start")) read_message(r, json_object_get(root, "message"));
    if (str_is(type, "content_block_start")) read_block(r, index, json_object_get(root, "content_block"));
    if (str_is(type, "content_block_delta")) read_delta(r, index, json_object_get(root, "delta"));
    if (str_is(type, "message_delta")) {
        read_stop(r, json_str(json_object_get(root, "delta"), "stop_reason"));
        read_usage(r, json_object_get(root, "usage"));
    }
    if (str_is(type, "message_stop")) r->done = true;
}

static void event(struct reply *r, struct str name, struct str data)
{
    json_t *root = wire_parse(data);
    const json_t *error = json_object_get(root, "error");
    if (!json_is_object(root))
        reply_fail(r, FAILURE_server, STR("the provider sent an event that is not JSON"));
    else if (str_is(name, "error") || (error && !json_is_null(error)))
        reply_fail_json(r, root);
    else
        read_event(r, root);
    json_decref(root);
}

const struct provider provider_anthropic = {
    .api = "anthropic-messages",
    .request = request,
    .event = event,
    .failure = classify_failure,
};
