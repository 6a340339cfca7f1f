#include "msgs/chat_json.h"

#include <stdio.h>

#include <jansson.h>

#include "base/err.h"

static const char *const role_names[] = { "user", "assistant", "toolResult" };
static const char *const stop_names[] = { "", "stop", "toolUse", "length", "filter", "error", "aborted" };

/* --- writing ------------------------------------------------------------------------------------------------ */

static bool is_object(struct str text)
{
    json_t *json = json_loadb(text.p ? text.p : "", text.n, JSON_ALLOW_NUL, NULL);
    bool object = json_is_object(json);
    json_decref(json);
    return object;
}

/* Arguments as they are, on one line: a line break in valid JSON stands between tokens only. What is no JSON object
 * (a reply that was cut) goes to partialJson, where OpenClaw keeps it too. */
static void write_arguments(struct buf *out, struct str text)
{
    buf_json_key(out, "arguments");
    if (!is_object(text)) {
        buf_text(out, "{}");
        if (text.n > 0) buf_json_pair_str(out, "partialJson", text);
        return;
    }
    size_t from = out->n;
    buf_add(out, text);
    for (size_t i = from; i < out->n; i++)
        if (out->p[i] == '\n' || out->p[i] == '\r') out->p[i] = ' ';
}

static void write_optional(struct buf *out, const char *key, struct str value)
{
    if (value.n > 0) buf_json_pair_str(out, key, value);
}

static void write_part(struct buf *out, const struct chat_part *p)
{
    buf_json_comma(out);
    buf_char(out, '{');
    switch (p->kind) {
    case CHAT_TEXT:
        buf_json_pair_str(out, "type", STR("text"));
        buf_json_pair_str(out, "text", p->text);
        write_optional(out, "textSignature", p->signature);
        break;
    case CHAT_THINKING:
        buf_json_pair_str(out, "type", STR("thinking"));
        buf_json_pair_str(out, "thinking", p->text);
        write_optional(out, "thinkingSignature", p->signature);
        break;
    case CHAT_IMAGE:
        buf_json_pair_str(out, "type", STR("image"));
        buf_json_pair_str(out, "data", p->text);
        buf_json_pair_str(out, "mimeType", p->name);
        break;
    case CHAT_TOOL_CALL:
        buf_json_pair_str(out, "type", STR("toolCall"));
        buf_json_pair_str(out, "id", p->id);
        buf_json_pair_str(out, "name", p->name);
        write_arguments(out, p->text);
        write_optional(out, "thoughtSignature", p->signature);
        break;
    }
    buf_char(out, '}');
}

/* OpenClaw's `input` leaves out what came from or went to a cache; ours is the whole prompt. */
static void write_usage(struct buf *out, const struct chat_usage *u, bool estimated)
{
    int64_t fresh = u->input - u->cache_read - u->cache_write;
    buf_json_key(out, "usage");
    buf_char(out, '{');
    buf_json_pair_int(out, "input", fresh > 0 ? fresh : 0);
    buf_json_pair_int(out, "output", u->output);
    buf_json_pair_int(out, "cacheRead", u->cache_read);
    buf_json_pair_int(out, "cacheWrite", u->cache_write);
    buf_json_pair_int(out, "totalTokens", u->input + u->output);
    if (estimated) buf_json_pair_bool(out, "estimated", true);
    buf_char(out, '}');
}

static void write_assistant(struct buf *out, const struct chat_message *m)
{
    write_optional(out, "provider", m->provider);
    write_optional(out, "model", m->model);
    if (m->usage.input || m->usage.output) write_usage(out, &m->usage, m->estimated);
    if (m->stop != CHAT_STOP_NONE) buf_json_pair_str(out, "stopReason", str_of(stop_names[m->stop]));
    write_optional(out, "errorMessage", m->error);
}

int chat_json_write(struct buf *out, const struct chat_message *m)
{
    buf_char(out, '{');
    buf_json_pair_str(out, "role", str_of(role_names[m->role]));
    if (m->role == CHAT_TOOL_RESULT) {
        buf_json_pair_str(out, "toolCallId", m->tool_call_id);
        buf_json_pair_str(out, "toolName", m->tool_name);
    }
    buf_json_key(out, "content");
    buf_char(out, '[');
    for (size_t i = 0; i < m->part_count; i++) write_part(out, &m->parts[i]);
    buf_char(out, ']');
    if (m->role == CHAT_ASSISTANT) write_assistant(out, m);
    if (m->role == CHAT_TOOL_RESULT) buf_json_pair_bool(out, "isError", m->is_error);
    if (m->timestamp_ms != 0) buf_json_pair_int(out, "timestamp", m->timestamp_ms);
    if (m->provenance.n) {
        buf_json_key(out, "provenance");
        buf_add(out, m->provenance);
    }
    buf_char(out, '}');
    return out->err;
}

/* --- reading: everything is copied into the arena, which remembers a failure ------------------------------------ */

static struct str text_of(const json_t *value, struct arena *arena)
{
    if (!json_is_string(value) || json_string_length(value) == 0) return (struct str){ NULL, 0 };
    return arena_str(arena, (struct str){ json_string_value(value), json_string_length(value) });
}

static struct str field(const json_t *object, const char *key, struct arena *arena)
{
    return text_of(json_object_get(object, key), arena);
}

static int add_bytes(const char *bytes, size_t n, void *buf)
{
    buf_add(buf, (struct str){ bytes, n });
    return 0;
}

/* Compact text of `value`. Fifteen digits give back what people and models write (0.1); where that is not the same
 * number, seventeen are. */
static struct str dump(const json_t *value, struct arena *arena)
{
    struct buf b = { .max = CHAT_JSON_MAX };
    json_dump_callback(value, add_bytes, &b, JSON_COMPACT | JSON_REAL_PRECISION(15));
    json_t *again = json_loadb(b.p ? b.p : "", b.n, JSON_ALLOW_NUL, NULL);
    if (!json_equal(value, again)) {
        buf_clear(&b);
        json_dump_callback(value, add_bytes, &b, JSON_COMPACT | JSON_REAL_PRECISION(17));
    }
    json_decref(again);
    struct str text = arena_str(arena, buf_str(&b));
    if (b.err != 0 && arena->err == 0) arena->err = b.err;
    buf_free(&b);
    return text;
}

static struct str arguments_of(const json_t *part, struct arena *arena)
{
    const json_t *arguments = json_object_get(part, "arguments");
    const json_t *partial = json_object_get(part, "partialJson");
    if (json_is_string(arguments)) return text_of(arguments, arena);
    if (json_is_string(partial) && json_object_size(arguments) == 0) return text_of(partial, arena);
    return json_is_object(arguments) ? dump(arguments, arena) : STR("{}");
}

/* @return false for a part that is not known */
static bool read_part(const json_t *json, struct arena *arena, struct chat_part *out)
{
    const char *type = json_string_value(json_object_get(json, "type"));
    if (!type) return false;
    if (strcmp(type, "text") == 0) {
        *out =
            (struct chat_part){ .kind = CHAT_TEXT, .text = field(json, "text", arena), .signature = field(json, "textSignature", arena) };
    } else if (strcmp(type, "thinking") == 0) {
        *out = (struct chat_part){ .kind = CHAT_THINKING,
                                   .text = field(json, "thinking", arena),
                                   .signature = field(json, "thinkingSignature", arena) };
    } else if (strcmp(type, "image") == 0) {
        *out = (struct chat_part){ .kind = CHAT_IMAGE, .text = field(json, "data", arena), .name = field(json, "mimeType", arena) };
    } else if (strcmp(type, "toolCall") == 0) {
        *out = (struct chat_part){ .kind = CHAT_TOOL_CALL,
                                   .text = arguments_of(json, arena),
                                   .name = field(json, "name", arena),
                                   .id = field(json, "id", arena),
                                   .signature = field(json, "thoughtSignature", arena) };
    } else {
        return false;
    }
    return true;
}

static int read_content(const json_t *content, struct arena *arena, struct chat_message *out)
{
    size_t n = json_is_string(content) ? 1 : json_array_size(content);
    if (n > CHAT_JSON_PARTS_MAX) return GW_ELIMIT;
    out->parts = arena_alloc(arena, n, sizeof *out->parts);
    if (!out->parts) return arena->err;
    if (json_is_string(content)) {
        out->parts[0] = (struct chat_part){ .kind = CHAT_TEXT, .text = text_of(content, arena) };
        out->part_count = 1;
        return arena->err;
    }
    for (size_t i = 0; i < n; i++)
        if (read_part(json_array_get(content, i), arena, &out->parts[out->part_count])) out->part_count++;
    return arena->err;
}

static int64_t number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    double real = json_number_value(value);
    if (json_is_integer(value)) return json_integer_value(value);
    return real > -9e15 && real < 9e15 ? (int64_t)real : 0;
}

static int64_t token_count(const json_t *usage, const char *key)
{
    int64_t n = number(usage, key);
    return n < 0 ? 0 : n > INT32_MAX ? INT32_MAX : n; /* so that sums cannot overflow */
}

static void read_usage(const json_t *usage, struct chat_usage *out)
{
    out->cache_read = token_count(usage, "cacheRead");
    out->cache_write = token_count(usage, "cacheWrite");
    out->input = token_count(usage, "input") + out->cache_read + out->cache_write;
    out->output = token_count(usage, "output");
}

static int name_index(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; name && i < count; i++)
        if (strcmp(names[i], name) == 0) return (int)i;
    return -1;
}

static int read_message(const json_t *json, struct arena *arena, struct chat_message *out)
{
    int role = name_index(role_names, 3, json_string_value(json_object_get(json, "role")));
    *out = (struct chat_message){ 0 };
    if (role < 0) return GW_ENOENT;
    out->role = (enum chat_role)role;
    out->timestamp_ms = number(json, "timestamp");
    if (role == CHAT_TOOL_RESULT) {
        out->tool_call_id = field(json, "toolCallId", arena);
        out->tool_name = field(json, "toolName", arena);
        out->is_error = json_is_true(json_object_get(json, "isError"));
    } else if (role == CHAT_ASSISTANT) {
        int stop = name_index(stop_names, sizeof stop_names / sizeof *stop_names, json_string_value(json_object_get(json, "stopReason")));
        out->provider = field(json, "provider", arena);
        out->model = field(json, "model", arena);
        out->stop = stop < 0 ? CHAT_STOP_NONE : (enum chat_stop)stop;
        out->error = field(json, "errorMessage", arena);
        read_usage(json_object_get(json, "usage"), &out->usage);
        out->estimated = json_is_true(json_object_get(json_object_get(json, "usage"), "estimated"));
    }
    const json_t *provenance = json_object_get(json, "provenance");
    if (role == CHAT_USER && json_is_object(provenance)) out->provenance = dump(provenance, arena);
    int rc = read_content(json_object_get(json, "content"), arena, out);
    if (rc != 0) *out = (struct chat_message){ 0 };
    return rc;
}

static int load(struct str text, json_t **out)
{
    *out = NULL;
    if (text.n > CHAT_JSON_MAX) return GW_ELIMIT;
    *out = json_loadb(text.p ? text.p : "", text.n, JSON_ALLOW_NUL, NULL);
    return *out ? 0 : GW_EPARSE;
}

int chat_json_read(struct str json, struct arena *arena, struct chat_message *out)
{
    json_t *root;
    *out = (struct chat_message){ 0 };
    int rc = load(json, &root);
    if (rc == 0) rc = json_is_object(root) ? read_message(root, arena, out) : GW_EPARSE;
    json_decref(root);
    return rc;
}

static int read_all(const json_t *array, struct arena *arena, struct chat_message **messages, size_t *count)
{
    size_t n = json_array_size(array), kept = 0;
    int rc = 0;
    if (!json_is_array(array)) return GW_EPARSE;
    if (n > CHAT_JSON_MESSAGES_MAX) return GW_ELIMIT;
    struct chat_message *list = arena_alloc(arena, n, sizeof *list);
    if (!list) return arena->err;
    for (size_t i = 0; i < n; i++) {
        rc = read_message(json_array_get(array, i), arena, &list[kept]);
        if (rc == 0) kept++;
        if (rc != 0 && rc != GW_ENOENT) return rc;
    }
    *messages = list;
    *count = kept;
    return 0;
}

int chat_json_read_array(struct str json, struct arena *arena, struct chat_message **messages, size_t *count)
{
    json_t *root;
    *messages = NULL;
    *count = 0;
    int rc = load(json, &root);
    if (rc == 0) rc = read_all(root, arena, messages, count);
    json_decref(root);
    return rc;
}

void chat_json_text(struct str json, struct buf *out)
{
    struct arena arena = { 0 };
    struct chat_message m;
    if (json.n && chat_json_read(json, &arena, &m) == 0)
        for (size_t i = 0; i < m.part_count; i++)
            if (m.parts[i].kind == CHAT_TEXT) buf_add(out, m.parts[i].text);
    arena_free(&arena);
}

/* The writer above puts it first. */
struct str chat_json_role(struct str json)
{
    static const struct str roles[] = { { "user", 4 }, { "assistant", 9 }, { "toolResult", 10 } };
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        char start[32];
        int n = snprintf(start, sizeof start, "{\"role\":\"%.*s\"", STR_ARG(roles[i]));
        if (str_starts(json, (struct str){ start, (size_t)n })) return roles[i];
    }
    return (struct str){ NULL, 0 };
}
