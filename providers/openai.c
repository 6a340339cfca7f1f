/* The dialect of OpenAI's chat completions and of everything that speaks it: OpenRouter, Ollama, vLLM, LM Studio, …
 * Source: reference/agent-runtime.md section 1; platform.openai.com/docs/api-reference/chat; openrouter.ai/docs (2026-02). */
#include "providers/openai.h"

#include <stdlib.h>

#include "base/err.h"
#include "providers/classify.h"
#include "providers/reply.h"
#include "providers/scan.h"
#include "providers/wire.h"

/* ---- the request ---- */

static void write_text_part(struct buf *b, struct str text)
{
    buf_json_comma(b);
    buf_text(b, "{\"type\":\"text\",\"text\":");
    buf_json_str(b, text);
    buf_char(b, '}');
}

static void write_image_part(struct buf *b, const struct chat_part *part)
{
    buf_json_comma(b);
    buf_text(b, "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:");
    wire_clean(b, part->name);
    buf_text(b, ";base64,");
    wire_clean(b, part->text);
    buf_text(b, "\"}}");
}

static bool has_kind(const struct chat_message *m, enum chat_part_kind kind)
{
    for (size_t i = 0; i < m->part_count; i++)
        if (m->parts[i].kind == kind && (m->parts[i].text.n > 0 || kind == CHAT_TOOL_CALL)) return true;
    return false;
}

static void open_message(struct buf *b, const char *role)
{
    buf_json_comma(b);
    buf_char(b, '{');
    buf_json_pair_str(b, "role", str_of(role));
}

static void write_user(struct buf *b, const struct model_request *q, const struct chat_message *m)
{
    if (!has_kind(m, CHAT_TEXT) && !has_kind(m, CHAT_IMAGE)) return;
    open_message(b, "user");
    buf_json_key(b, "content");
    buf_char(b, '[');
    for (size_t i = 0; i < m->part_count; i++) {
        const struct chat_part *part = &m->parts[i];
        if (part->text.n == 0) continue;
        if (part->kind == CHAT_TEXT) write_text_part(b, part->text);
        if (part->kind == CHAT_IMAGE && q->images) write_image_part(b, part);
        if (part->kind == CHAT_IMAGE && !q->images) write_text_part(b, wire_image_note());
    }
    buf_text(b, "]}");
}

/* All text parts as one JSON string; null when there is none, which goes with tool calls. */
static void write_joined(struct buf *b, const struct chat_message *m)
{
    size_t n = 0;
    const struct chat_part *only = NULL;
    for (size_t i = 0; i < m->part_count; i++) {
        if (m->parts[i].kind != CHAT_TEXT || m->parts[i].text.n == 0) continue;
        only = &m->parts[i];
        n++;
    }
    if (n == 0) {
        buf_text(b, "null");
    } else if (n == 1) {
        buf_json_str(b, only->text);
    } else {
        struct buf joined = { 0 };
        for (size_t i = 0; i < m->part_count; i++)
            if (m->parts[i].kind == CHAT_TEXT) buf_add(&joined, m->parts[i].text);
        buf_json_str(b, buf_str(&joined));
        if (joined.err && !b->err) b->err = joined.err;
        buf_free(&joined);
    }
}

static void write_calls(struct buf *b, const struct chat_message *m)
{
    if (!has_kind(m, CHAT_TOOL_CALL)) return;
    buf_json_key(b, "tool_calls");
    buf_char(b, '[');
    for (size_t i = 0; i < m->part_count; i++) {
        const struct chat_part *part = &m->parts[i];
        if (part->kind != CHAT_TOOL_CALL) continue;
        buf_json_comma(b);
        buf_text(b, "{\"id\":");
        wire_call_id(b, part->id);
        buf_text(b, ",\"type\":\"function\",\"function\":{");
        buf_json_pair_str(b, "name", part->name);
        buf_json_pair_str(b, "arguments", part->text.n > 0 ? part->text : STR("{}"));
        buf_text(b, "}}");
    }
    buf_char(b, ']');
}

/* A thinking part's signature is either the name of the field it came in, which some servers want back in a tool loop,
 * or the sealed reasoning_details of OpenRouter. Only for the provider and model that wrote them. */
static void write_thinking(struct buf *b, const struct model_request *q, const struct chat_message *m)
{
    static const char *const fields[] = { "reasoning_content", "reasoning", "reasoning_text" };
    if (!wire_own(q, m)) return;
    for (size_t i = 0; i < m->part_count; i++) {
        const struct chat_part *part = &m->parts[i];
        if (part->kind != CHAT_THINKING || part->signature.n == 0) continue;
        if (part->signature.p[0] == '[') {
            if (!wire_is_list(part->signature)) return;
            buf_json_key(b, "reasoning_details");
            buf_add(b, part->signature);
            return;
        }
        for (size_t k = 0; k < sizeof fields / sizeof *fields; k++) {
            if (!str_is(part->signature, fields[k]) || part->text.n == 0) continue;
            buf_json_pair_str(b, fields[k], part->text);
            return;
        }
    }
}

static void write_assistant(struct buf *b, const struct model_request *q, const struct chat_message *m)
{
    if (!has_kind(m, CHAT_TEXT) && !has_kind(m, CHAT_TOOL_CALL)) return;
    open_message(b, "assistant");
    buf_json_key(b, "content");
    write_joined(b, m);
    write_thinking(b, q, m);
    write_calls(b, m);
    buf_char(b, '}');
}

static void write_result(struct buf *b, const struct model_request *q, const struct chat_message *m)
{
    bool images = has_kind(m, CHAT_IMAGE);
    open_message(b, "tool");
    buf_json_key(b, "content");
    if (has_kind(m, CHAT_TEXT))
        write_joined(b, m);
    else
        buf_json_str(b, !images ? STR("(no output)") : q->images ? STR("(see the image)") : wire_image_note());
    buf_json_key(b, "tool_call_id");
    wire_call_id(b, m->tool_call_id);
    buf_char(b, '}');
}

/* A tool message takes text only: the images of a run of results [from, to) follow it as a user's. */
static void write_result_images(struct buf *b, const struct model_request *q, size_t from, size_t to)
{
    bool open = false;
    for (size_t i = from; i < to && q->images; i++) {
        for (size_t k = 0; k < q->messages[i].part_count; k++) {
            const struct chat_part *part = &q->messages[i].parts[k];
            if (part->kind != CHAT_IMAGE || part->text.n == 0) continue;
            if (!open) {
                open_message(b, "user");
                buf_text(b, ",\"content\":[");
                write_text_part(b, STR("Images from the tool results:"));
                open = true;
            }
            write_image_part(b, part);
        }
    }
    if (open) buf_text(b, "]}");
}

static void write_messages(struct buf *b, const struct model_request *q)
{
    buf_json_key(b, "messages");
    buf_char(b, '[');
    if (q->system.n > 0) {
        open_message(b, "system");
        buf_json_pair_str(b, "content", q->system);
        buf_char(b, '}');
    }
    for (size_t i = 0, results = 0; i < q->message_count; i++) {
        const struct chat_message *m = &q->messages[i];
        if (m->role == CHAT_USER) write_user(b, q, m);
        if (m->role == CHAT_ASSISTANT) write_assistant(b, q, m);
        if (m->role != CHAT_TOOL_RESULT) continue;
        write_result(b, q, m);
        results++;
        if (i + 1 < q->message_count && q->messages[i + 1].role == CHAT_TOOL_RESULT) continue;
        write_result_images(b, q, i + 1 - results, i + 1);
        results = 0;
    }
    buf_char(b, ']');
}

static void write_tools(struct buf *b, const struct model_request *q)
{
    if (q->tool_count == 0) return;
    buf_json_key(b, "tools");
    buf_char(b, '[');
    for (size_t i = 0; i < q->tool_count; i++) {
        buf_json_comma(b);
        buf_text(b, "{\"type\":\"function\",\"function\":{");
        wire_tool(b, &q->tools[i], "parameters");
        buf_text(b, ",\"strict\":false}}");
    }
    buf_char(b, ']');
}

static int request(const struct provider_endpoint *endpoint, const struct model_request *q, struct http_request *out)
{
    struct buf *b = &out->body;
    bool openai = str_is(endpoint->id, "openai"); /* others refuse fields they do not know */
    if (q->model.n == 0 || endpoint->base_url.n == 0) return GW_EINVAL;
    buf_add(&out->url, endpoint->base_url);
    buf_text(&out->url, "/chat/completions");
    if (endpoint->api_key.n > 0) {
        struct buf bearer = { 0 };
        buf_text(&bearer, "Bearer ");
        buf_add(&bearer, endpoint->api_key);
        wire_header(out, endpoint, "Authorization", buf_str(&bearer));
        buf_free(&bearer);
    }
    wire_headers(out, endpoint);
    buf_char(b, '{');
    buf_json_pair_str(b, "model", q->model);
    buf_text(b, ",\"stream\":true,\"stream_options\":{\"include_usage\":true}");
    if (openai) buf_json_pair_bool(b, "store", false);
    if (q->max_tokens > 0) buf_json_pair_int(b, openai ? "max_completion_tokens" : "max_tokens", q->max_tokens);
    if (wire_thinks(q)) buf_json_pair_str(b, "reasoning_effort", q->thinking);
    write_messages(b, q);
    write_tools(b, q);
    buf_char(b, '}');
    return wire_finish(out);
}

/* ---- the reply ---- */

static int64_t either(int64_t a, int64_t b)
{
    return a > 0 ? a : b;
}

static void read_usage(struct reply *r, const json_t *usage)
{
    if (!json_is_object(usage)) return;
    const json_t *details = json_object_get(usage, "prompt_tokens_details");
    r->usage.input = wire_int(usage, "prompt_tokens");
    r->usage.output = wire_int(usage, "completion_tokens");
    r->usage.cache_read = either(wire_int(details, "cached_tokens"), wire_int(usage, "prompt_cache_hit_tokens"));
    r->usage.cache_write = wire_int(details, "cache_write_tokens");
}

static void read_finish(struct reply *r, struct str reason)
{
    if (reason.n == 0) return;
    if (str_is(reason, "length") || str_is(reason, "max_tokens")) {
        r->stop = CHAT_STOP_LENGTH;
    } else if (str_is(reason, "tool_calls") || str_is(reason, "function_call")) {
        r->stop = CHAT_STOP_TOOL_USE;
    } else if (str_is(reason, "content_filter")) {
        r->stop = CHAT_STOP_FILTER;
        r->stop_text = STR("content_filter");
    } else if (str_is(reason, "error")) {
        reply_fail(r, FAILURE_server, STR("the provider ended the reply with an error"));
    } else {
        r->stop = CHAT_STOP_END;
    }
}

/* The call that a fragment belongs to. Its index says so, but some servers give 0 to all of several whole calls, each with
 * its own id and name, and some give no index: then the id, else the newest call. */
static struct reply_part *call_of(struct reply *r, const json_t *fragment, struct str id, struct str name)
{
    const json_t *index = json_object_get(fragment, "index");
    struct reply_part *part = NULL;
    int64_t key = r->next_key;
    if (json_is_integer(index)) {
        key = json_integer_value(index);
        part = reply_find(r, CHAT_TOOL_CALL, key);
    } else if (r->next_key > 0) {
        part = reply_find(r, CHAT_TOOL_CALL, r->next_key - 1);
    }
    bool whole = part && id.n > 0 && part->id.n > 0 && name.n > 0;
    bool other = whole && (!str_eq(buf_str(&part->id), id) || !str_eq(buf_str(&part->name), name));
    if (part && !other && !(name.n > 0 && id.n == 0 && !json_is_integer(index))) return part;
    part = reply_add(r, CHAT_TOOL_CALL, key);
    if (part && key >= r->next_key && key < INT64_MAX) r->next_key = key + 1;
    return part;
}

static void read_call(struct reply *r, const json_t *fragment)
{
    const json_t *function = json_object_get(fragment, "function");
    const json_t *arguments = json_object_get(function, "arguments");
    struct str id = json_str(fragment, "id"), name = json_str(function, "name");
    if (!json_is_object(fragment)) return;
    struct reply_part *part = call_of(r, fragment, id, name);
    if (!part) return;
    if (part->id.n == 0) reply_append(r, &part->id, id);
    if (part->name.n == 0) reply_append(r, &part->name, name);
    if (json_is_object(arguments)) { /* some servers send the object itself */
        char *dump = json_dumps(arguments, JSON_COMPACT);
        reply_append(r, &part->text, str_of(dump));
        free(dump);
        return;
    }
    reply_append(r, &part->text, json_text(arguments));
}

static void read_calls(struct reply *r, const json_t *delta)
{
    size_t i;
    json_t *fragment;
    json_array_foreach(json_object_get(delta, "tool_calls"), i, fragment) read_call(r, fragment);
    const json_t *old = json_object_get(delta, "function_call");
    if (!json_is_object(old)) return;
    json_t *wrapped = json_pack("{s:i, s:O}", "index", 0, "function", old);
    read_call(r, wrapped);
    json_decref(wrapped);
}

/* Text is a string, or a list of parts of which some think. */
static void read_content(struct reply *r, const json_t *content)
{
    size_t i;
    json_t *part;
    reply_delta(r, CHAT_TEXT, 0, json_text(content));
    json_array_foreach(content, i, part)
    {
        size_t k;
        json_t *thought;
        reply_delta(r, CHAT_TEXT, 0, json_str(part, "text"));
        json_array_foreach(json_object_get(part, "thinking"), k, thought) reply_delta(r, CHAT_THINKING, 0, json_str(thought, "text"));
    }
}

/* Sealed reasoning is kept as the signature, a JSON list: it goes back as it came. */
static void keep_sealed(struct reply *r, const json_t *item)
{
    struct reply_part *part = reply_open(r, CHAT_THINKING, 0);
    char *dump = json_dumps(item, JSON_COMPACT);
    if (part && dump) {
        bool first = part->signature.n == 0 || part->signature.p[0] != '[';
        if (first)
            buf_clear(&part->signature);
        else
            part->signature.p[part->signature.n - 1] = ','; /* was the closing bracket */
        if (first) reply_append(r, &part->signature, STR("["));
        reply_append(r, &part->signature, str_of(dump));
        reply_append(r, &part->signature, STR("]"));
    }
    free(dump);
}

static void read_details(struct reply *r, const json_t *details, bool text_known)
{
    size_t i;
    json_t *item;
    json_array_foreach(details, i, item)
    {
        if (str_is(json_str(item, "type"), "reasoning.encrypted")) {
            keep_sealed(r, item);
        } else if (!text_known) {
            struct str text = json_str(item, "text");
            reply_delta(r, CHAT_THINKING, 0, text.n > 0 ? text : json_str(item, "summary"));
        }
    }
}

/* The name of the field goes into the signature: some servers want the text back in it. */
static void read_thinking(struct reply *r, const json_t *delta)
{
    static const char *const fields[] = { "reasoning_content", "reasoning", "reasoning_text" };
    bool known = false;
    for (size_t i = 0; i < sizeof fields / sizeof *fields && !known; i++) {
        struct str text = json_str(delta, fields[i]);
        if (text.n == 0) continue;
        known = true;
        reply_delta(r, CHAT_THINKING, 0, text);
        struct reply_part *part = reply_find(r, CHAT_THINKING, 0);
        if (part && part->signature.n == 0) reply_append(r, &part->signature, str_of(fields[i]));
    }
    read_details(r, json_object_get(delta, "reasoning_details"), known);
}

static void read_choice(struct reply *r, const json_t *choice)
{
    const json_t *delta = json_object_get(choice, "delta");
    if (!json_is_object(delta)) delta = json_object_get(choice, "message");
    read_thinking(r, delta);
    read_content(r, json_object_get(delta, "content"));
    reply_delta(r, CHAT_TEXT, 0, json_str(delta, "refusal"));
    read_calls(r, delta);
    read_usage(r, json_object_get(choice, "usage"));
    const json_t *error = json_object_get(choice, "error");
    if (json_is_object(error)) reply_fail_json(r, choice);
    read_finish(r, json_str(choice, "finish_reason"));
}

static bool empty(struct str value)
{
    return str_is(value, "null") || str_is(value, "\"\"") || str_is(value, "[]");
}

/* The delta of a chunk that has nothing but text, or more that is null. Only then true, and *text the text. */
static bool quick_delta(struct str delta, struct str *text)
{
    struct scan s = scan_object(delta);
    struct str key, value;
    while (scan_next(&s, &key, &value)) {
        if (str_is(key, "content")) {
            if (!scan_text(value, text)) return false;
        } else if (!str_is(key, "role") && !empty(value)) {
            return false;
        }
    }
    return !s.bad;
}

static bool quick_choice(struct str choice, struct str *text)
{
    struct scan s = scan_object(choice);
    struct str key, value;
    while (scan_next(&s, &key, &value)) {
        bool known = str_is(key, "delta") ? quick_delta(value, text) : str_is(key, "index") && str_is(value, "0");
        if (!known && !str_is(key, "logprobs") && !empty(value)) return false;
    }
    return !s.bad;
}

/* Most events are a few bytes of text in a large wrapper: those are read without building a tree. */
static bool quick_event(struct reply *r, struct str data)
{
    static const char *const telling[] = { "error", "usage", "code", "message" };
    struct scan s = scan_object(data);
    struct str key, value, text = { NULL, 0 };
    while (scan_next(&s, &key, &value)) {
        if (str_is(key, "choices") && !quick_choice(scan_only(value), &text)) return false;
        for (size_t i = 0; i < sizeof telling / sizeof *telling; i++)
            if (str_is(key, telling[i]) && !empty(value)) return false;
    }
    if (s.bad || text.n == 0) return false;
    reply_delta(r, CHAT_TEXT, 0, text);
    return true;
}

void openai_event(struct reply *reply, struct str event, struct str data)
{
    size_t i;
    json_t *choice;
    if (str_is(str_trim(data), "[DONE]")) {
        reply->done = true;
        return;
    }
    if (event.n == 0 && quick_event(reply, data)) return;
    json_t *root = wire_parse(data);
    const json_t *error = json_object_get(root, "error");
    bool says_error = (error && !json_is_null(error)) || str_is(event, "error") || str_is(json_str(root, "object"), "error");
    if (!root) {
        reply_fail(reply, FAILURE_server, STR("the provider sent an event that is not JSON"));
    } else if (!json_is_object(root) || says_error) {
        reply_fail_json(reply, root);
    } else {
        json_array_foreach(json_object_get(root, "choices"), i, choice)
        {
            if (wire_int(choice, "index") == 0) read_choice(reply, choice);
        }
        read_usage(reply, json_object_get(root, "usage"));
    }
    json_decref(root);
}

const struct provider provider_openai = {
    .api = "openai-completions",
    .request = request,
    .event = openai_event,
    .failure = classify_failure,
};
