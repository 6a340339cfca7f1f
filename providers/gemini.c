/* The dialect of Google's Gemini API, streamGenerateContent.
 * Source: ai.google.dev/api/generate-content, /gemini-api/docs/function-calling, /thinking, /thought-signatures (2026-02). */
#include <ctype.h>
#include <stdlib.h>

#include "base/err.h"
#include "providers/classify.h"
#include "providers/gemini_schema.h"
#include "providers/reply.h"
#include "providers/wire.h"

/* What Google documents for function calls that another model made: Gemini 3 refuses those without a signature. */
#define NO_SIGNATURE "skip_thought_signature_validator"

/* ---- the request ---- */

/* Contents alternate strictly: parts of the same role in a row go into one content. */
struct writer {
    struct buf *b;
    const char *role; /* of the open content, NULL: none yet */
};

static void open_part(struct writer *w, const char *role)
{
    wire_open_part(w->b, &w->role, role, "parts", "{\"text\":\"(earlier messages left out)\"}");
}

static void write_text(struct writer *w, const char *role, struct str text)
{
    open_part(w, role);
    buf_char(w->b, '{');
    buf_json_pair_str(w->b, "text", text);
    buf_char(w->b, '}');
}

static void write_image(struct writer *w, const struct model_request *q, const struct chat_part *part)
{
    if (part->text.n == 0) return;
    if (!q->images) {
        write_text(w, "user", wire_image_note());
        return;
    }
    open_part(w, "user");
    buf_text(w->b, "{\"inlineData\":{");
    buf_json_pair_str(w->b, "mimeType", part->name);
    buf_json_pair_str(w->b, "data", part->text);
    buf_text(w->b, "}}");
}

/* Ids of our own making ("call_…") mean nothing to Gemini; its own go back to it. */
static bool id_returns(const struct model_request *q, const struct chat_message *owner, struct str id)
{
    return wire_own(q, owner) && id.n > 0 && !str_starts(id, STR("call_"));
}

static void write_call(struct writer *w, const struct model_request *q, const struct chat_message *m, const struct chat_part *part,
                       struct str signature)
{
    struct buf *b = w->b;
    open_part(w, "model");
    buf_text(b, "{\"functionCall\":{");
    if (id_returns(q, m, part->id)) buf_json_pair_str(b, "id", part->id);
    buf_json_pair_str(b, "name", part->name);
    buf_json_key(b, "args");
    wire_arguments(b, part->text);
    buf_char(b, '}');
    if (signature.n > 0) buf_json_pair_str(b, "thoughtSignature", signature);
    buf_char(b, '}');
}

static void write_signed_text(struct writer *w, const struct chat_part *part, struct str signature)
{
    bool thought = part->kind == CHAT_THINKING;
    if (signature.n == 0 && (thought || part->text.n == 0)) return; /* thoughts of others stay theirs */
    open_part(w, "model");
    buf_char(w->b, '{');
    buf_json_pair_str(w->b, "text", part->text);
    if (thought) buf_json_pair_bool(w->b, "thought", true);
    if (signature.n > 0) buf_json_pair_str(w->b, "thoughtSignature", signature);
    buf_char(w->b, '}');
}

/* Versions 1 and 2 ask for no signature; the names of later ones are not known in advance. */
static bool wants_signatures(struct str model)
{
    static const char *const without[] = { "gemini-1", "gemini-2", "gemma", "models/gemini-1", "models/gemini-2", "models/gemma" };
    for (size_t i = 0; i < sizeof without / sizeof *without; i++)
        if (str_starts(model, str_of(without[i]))) return false;
    return true;
}

static bool has_signed_call(const struct chat_message *m)
{
    for (size_t i = 0; i < m->part_count; i++)
        if (m->parts[i].kind == CHAT_TOOL_CALL && m->parts[i].signature.n > 0) return true;
    return false;
}

static void write_model(struct writer *w, const struct model_request *q, const struct chat_message *m, bool current)
{
    bool own = wire_own(q, m);
    bool stand_in = current && wants_signatures(q->model) && !(own && has_signed_call(m));
    for (size_t i = 0; i < m->part_count; i++) {
        const struct chat_part *part = &m->parts[i];
        struct str signature = own ? part->signature : (struct str){ NULL, 0 };
        if (part->kind == CHAT_IMAGE) continue;
        if (part->kind != CHAT_TOOL_CALL) {
            write_signed_text(w, part, signature);
            continue;
        }
        write_call(w, q, m, part, stand_in ? STR(NO_SIGNATURE) : signature);
        stand_in = false; /* of parallel calls only the first has one */
    }
}

static void write_result(struct writer *w, const struct model_request *q, size_t i)
{
    const struct chat_message *m = &q->messages[i], *owner;
    const struct chat_part *call = wire_call_of(q, i, &owner);
    struct str name = wire_result_name(q, i);
    struct buf text = { 0 };
    for (size_t k = 0; k < m->part_count; k++) {
        if (m->parts[k].kind != CHAT_TEXT) continue;
        if (text.n > 0) buf_char(&text, '\n');
        buf_add(&text, m->parts[k].text);
    }
    open_part(w, "user");
    buf_text(w->b, "{\"functionResponse\":{");
    if (call && id_returns(q, owner, call->id)) buf_json_pair_str(w->b, "id", call->id);
    buf_json_pair_str(w->b, "name", name.n > 0 ? name : STR("unknown"));
    buf_json_key(w->b, "response");
    buf_char(w->b, '{');
    buf_json_pair_str(w->b, m->is_error ? "error" : "output", buf_str(&text));
    buf_text(w->b, "}}}");
    if (text.err && !w->b->err) w->b->err = text.err;
    buf_free(&text);
}

/* A run of results: all responses first, then their images. @return the index after it */
static size_t write_results(struct writer *w, const struct model_request *q, size_t from)
{
    size_t to = from;
    for (; to < q->message_count && q->messages[to].role == CHAT_TOOL_RESULT; to++) write_result(w, q, to);
    for (size_t i = from; i < to; i++)
        for (size_t k = 0; k < q->messages[i].part_count; k++)
            if (q->messages[i].parts[k].kind == CHAT_IMAGE) write_image(w, q, &q->messages[i].parts[k]);
    return to;
}

/* The index after the last message of the user: from there on it is the current turn. */
static size_t turn_start(const struct model_request *q)
{
    size_t i = q->message_count;
    while (i > 0 && q->messages[i - 1].role != CHAT_USER) i--;
    return i;
}

static void write_contents(struct buf *b, const struct model_request *q)
{
    struct writer w = { .b = b };
    size_t current = turn_start(q);
    buf_json_key(b, "contents");
    buf_char(b, '[');
    for (size_t i = 0; i < q->message_count;) {
        const struct chat_message *m = &q->messages[i];
        if (m->role == CHAT_TOOL_RESULT) {
            i = write_results(&w, q, i);
            continue;
        }
        if (m->role == CHAT_ASSISTANT) write_model(&w, q, m, i >= current);
        for (size_t k = 0; k < m->part_count && m->role == CHAT_USER; k++) {
            if (m->parts[k].kind == CHAT_TEXT && m->parts[k].text.n > 0) write_text(&w, "user", m->parts[k].text);
            if (m->parts[k].kind == CHAT_IMAGE) write_image(&w, q, &m->parts[k]);
        }
        i++;
    }
    buf_text(b, w.role ? "]}]" : "]");
}

static void write_tools(struct buf *b, const struct model_request *q)
{
    if (q->tool_count == 0) return;
    buf_json_key(b, "tools");
    buf_text(b, "[{\"functionDeclarations\":[");
    for (size_t i = 0; i < q->tool_count; i++) {
        json_t *schema = wire_parse(q->tools[i].parameters), *clean = gemini_schema_clean(schema);
        buf_json_comma(b);
        buf_char(b, '{');
        buf_json_pair_str(b, "name", q->tools[i].name);
        buf_json_pair_str(b, "description", q->tools[i].description);
        if (json_object_size(json_object_get(clean, "properties")) > 0) { /* an object without properties is refused */
            char *text = json_dumps(clean, JSON_COMPACT);
            buf_json_key(b, "parameters");
            buf_text(b, text ? text : "{}");
            free(text);
        }
        buf_char(b, '}');
        json_decref(schema);
        json_decref(clean);
    }
    buf_text(b, "]}]");
}

/* Gemini 2.5 has a budget in tokens, later ones a level, of which the pro models know low and high. */
static void write_thinking(struct buf *b, const struct model_request *q)
{
    static const struct level {
        const char *name;
        int budget;
        const char *pro;
    } levels[] = { { "minimal", 512, "low" }, { "low", 2048, "low" }, { "medium", 8192, "high" }, { "high", 24576, "high" } };
    const struct level *level = &levels[1];
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        if (str_is(q->thinking, levels[i].name)) level = &levels[i];
    buf_json_key(b, "thinkingConfig");
    buf_text(b, "{\"includeThoughts\":true");
    if (!wants_signatures(q->model))
        buf_json_pair_int(b, "thinkingBudget", level->budget);
    else
        buf_json_pair_str(b, "thinkingLevel", str_of(str_find(q->model, STR("-pro")) >= 0 ? level->pro : level->name));
    buf_char(b, '}');
}

static void write_config(struct buf *b, const struct model_request *q)
{
    if (q->max_tokens <= 0 && !wire_thinks(q)) return;
    buf_json_key(b, "generationConfig");
    buf_char(b, '{');
    if (q->max_tokens > 0) buf_json_pair_int(b, "maxOutputTokens", q->max_tokens);
    if (wire_thinks(q)) write_thinking(b, q);
    buf_char(b, '}');
}

/* A model name becomes part of the path: what is special there is escaped (RFC 3986, section 2.3). */
static void write_path(struct buf *b, struct str model)
{
    for (size_t i = 0; i < model.n; i++) {
        unsigned char c = (unsigned char)model.p[i];
        if (isalnum(c) || (c && strchr("-._~/:@", c)))
            buf_char(b, (char)c);
        else
            buf_printf(b, "%%%02X", c);
    }
}

static int request(const struct provider_endpoint *endpoint, const struct model_request *q, struct http_request *out)
{
    struct buf *b = &out->body;
    struct str model = q->model;
    if (model.n == 0 || endpoint->base_url.n == 0) return GW_EINVAL;
    if (str_starts(model, STR("models/"))) model = (struct str){ model.p + 7, model.n - 7 };
    buf_add(&out->url, endpoint->base_url);
    buf_text(&out->url, "/models/");
    write_path(&out->url, model);
    buf_text(&out->url, ":streamGenerateContent?alt=sse");
    if (endpoint->api_key.n > 0) wire_header(out, endpoint, "x-goog-api-key", endpoint->api_key);
    wire_headers(out, endpoint);
    buf_char(b, '{');
    if (q->system.n > 0) {
        buf_text(b, "\"system_instruction\":{\"parts\":[{");
        buf_json_pair_str(b, "text", q->system);
        buf_text(b, "}]}");
    }
    write_contents(b, q);
    write_tools(b, q);
    write_config(b, q);
    buf_char(b, '}');
    return wire_finish(out);
}

/* ---- the reply ---- */

static void read_call(struct reply *r, const json_t *call, struct str signature)
{
    struct reply_part *part = reply_add(r, CHAT_TOOL_CALL, 0);
    char *args = json_dumps(json_object_get(call, "args"), JSON_COMPACT);
    if (part) {
        reply_append(r, &part->name, json_str(call, "name"));
        reply_append(r, &part->id, json_str(call, "id"));
        reply_append(r, &part->text, str_of(args));
        reply_append(r, &part->signature, signature);
    }
    free(args);
    r->next_key++; /* text after a call is a part of its own */
}

static void read_part(struct reply *r, const json_t *part)
{
    const json_t *call = json_object_get(part, "functionCall");
    struct str text = json_str(part, "text"), signature = json_str(part, "thoughtSignature");
    if (json_is_object(call)) {
        read_call(r, call, signature);
        return;
    }
    enum chat_part_kind kind = json_is_true(json_object_get(part, "thought")) ? CHAT_THINKING : CHAT_TEXT;
    if (r->part_count > 0 && r->parts[r->part_count - 1].kind != kind) r->next_key++;
    reply_delta(r, kind, r->next_key, text);
    if (signature.n == 0) return;
    struct reply_part *signed_part = reply_open(r, kind, r->next_key);
    if (signed_part) reply_append(r, &signed_part->signature, signature);
    r->next_key++; /* a signed part is whole */
}

static void read_usage(struct reply *r, const json_t *usage)
{
    if (!json_is_object(usage)) return;
    r->usage.input = wire_int(usage, "promptTokenCount") + wire_int(usage, "toolUsePromptTokenCount");
    r->usage.output = wire_int(usage, "candidatesTokenCount") + wire_int(usage, "thoughtsTokenCount");
    r->usage.cache_read = wire_int(usage, "cachedContentTokenCount");
}

static void fail_with(struct reply *r, enum failure class, const char *text, struct str reason)
{
    struct buf b = { 0 };
    buf_text(&b, text);
    buf_add(&b, reason);
    reply_fail(r, class, buf_str(&b));
    buf_free(&b);
}

static void read_finish(struct reply *r, struct str reason)
{
    static const char *const filters[] = {
        "SAFETY",          "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION"
    };
    static const char *const faults[] = { "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS",
                                          "MISSING_THOUGHT_SIGNATURE", "MALFORMED_RESPONSE" };
    if (reason.n == 0 || str_is(reason, "FINISH_REASON_UNSPECIFIED")) return;
    r->stop = str_is(reason, "MAX_TOKENS") ? CHAT_STOP_LENGTH : CHAT_STOP_END;
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        if (!str_is(reason, filters[i])) continue;
        r->stop = CHAT_STOP_FILTER;
        r->stop_text = str_of(filters[i]);
    }
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        if (str_is(reason, faults[i])) fail_with(r, FAILURE_server, "the model's reply was not usable: ", reason);
}

static void read_chunk(struct reply *r, const json_t *root)
{
    const json_t *error = json_object_get(root, "error"), *candidate = json_array_get(json_object_get(root, "candidates"), 0);
    struct str block = json_str(json_object_get(root, "promptFeedback"), "blockReason");
    size_t i;
    json_t *part;
    if (error && !json_is_null(error)) {
        reply_fail_json(r, root);
        return;
    }
    json_array_foreach(json_object_get(json_object_get(candidate, "content"), "parts"), i, part) read_part(r, part);
    read_usage(r, json_object_get(root, "usageMetadata"));
    if (block.n > 0) fail_with(r, FAILURE_bad_request, "the provider refused the prompt: ", block);
    read_finish(r, json_str(candidate, "finishReason"));
}

static void event(struct reply *r, struct str name, struct str data)
{
    size_t i;
    json_t *root = wire_parse(data), *chunk;
    (void)name;
    if (json_is_array(root)) { /* the whole stream in one body, when a proxy drops alt=sse */
        json_array_foreach(root, i, chunk) read_chunk(r, chunk);
    } else if (json_is_object(root)) {
        read_chunk(r, root);
    } else {
        reply_fail(r, FAILURE_server, STR("the provider sent an event that is not JSON"));
    }
    json_decref(root);
}

const struct provider provider_gemini = {
    .api = "google-generative-ai",
    .request = request,
    .event = event,
    .failure = classify_failure,
};
