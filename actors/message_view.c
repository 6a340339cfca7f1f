#include "actors/message_view.h"

#include "base/json_read.h"
#include "base/utf8.h"

#define CUT_MARK "\n...(truncated)..."

static int add_bytes(const char *bytes, size_t n, void *buf)
{
    buf_add(buf, (struct str){ bytes, n });
    return 0;
}

static void dump(struct buf *out, const json_t *v)
{
    json_dump_callback(v, add_bytes, out, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
}

/* --- history ------------------------------------------------------------------------------------------------------ */

static void write_cut(struct buf *out, struct str text)
{
    struct str first = utf8_first(text, MESSAGE_TEXT_MAX);
    struct buf whole = { 0 };
    if (first.n == text.n) {
        buf_json_str(out, text);
        return;
    }
    buf_add(&whole, first);
    buf_text(&whole, CUT_MARK);
    buf_json_str(out, buf_str(&whole));
    buf_free(&whole);
}

static bool is_cut(const char *key)
{
    return strcmp(key, "text") == 0 || strcmp(key, "thinking") == 0 || strcmp(key, "partialJson") == 0;
}

static bool is_proof(const char *key)
{
    return strcmp(key, "thinkingSignature") == 0 || strcmp(key, "textSignature") == 0 || strcmp(key, "thoughtSignature") == 0;
}

static void write_part(struct buf *out, json_t *part)
{
    const char *key;
    json_t *v;
    bool image = json_is_string(json_object_get(part, "data")) && str_is(json_str(part, "type"), "image");
    if (!json_is_object(part)) {
        dump(out, part);
        return;
    }
    buf_char(out, '{');
    json_object_foreach(part, key, v)
    {
        if (is_proof(key) || (image && strcmp(key, "data") == 0)) continue;
        buf_json_key(out, key);
        if (json_is_string(v) && is_cut(key)) {
            write_cut(out, json_text(v));
        } else {
            dump(out, v);
        }
    }
    if (image) {
        buf_json_pair_bool(out, "omitted", true);
        buf_json_pair_int(out, "bytes", (int64_t)json_string_length(json_object_get(part, "data")));
    }
    buf_char(out, '}');
}

static void write_content(struct buf *out, const json_t *content)
{
    size_t i;
    json_t *part;
    if (json_is_string(content)) {
        write_cut(out, json_text(content));
        return;
    }
    buf_char(out, '[');
    json_array_foreach(content, i, part)
    {
        buf_json_comma(out);
        write_part(out, part);
    }
    buf_char(out, ']');
}

/* Stored messages do not say by which API their provider was asked; the configuration does. */
static void write_api(struct buf *out, const config_t *config, const json_t *message)
{
    struct str provider = json_str(message, "provider");
    if (json_object_get(message, "api") || provider.n == 0) return;
    const struct config_provider *p = config_provider_find(config, provider);
    if (p && p->api.n) buf_json_pair_str(out, "api", p->api);
}

/* Known fields come first, in OpenClaw's order; then whatever else a message has. */
static const char *const order[] = { "role",  "toolCallId", "toolName",   "content",   "api",          "provider",
                                     "model", "isError",    "stopReason", "timestamp", "errorMessage", NULL };
static const char *const left_out[] = { "details", "usage", "cost", NULL };

static bool among(const char *const *names, const char *name)
{
    for (; *names; names++)
        if (strcmp(*names, name) == 0) return true;
    return false;
}

static void write_field(struct buf *out, const char *key, const json_t *v)
{
    buf_json_key(out, key);
    if (strcmp(key, "content") == 0) {
        write_content(out, v);
    } else if (json_is_string(v) && is_cut(key)) {
        write_cut(out, json_text(v));
    } else {
        dump(out, v);
    }
}

static void write_message(struct buf *out, const config_t *config, json_t *message)
{
    const char *key;
    json_t *v;
    buf_char(out, '{');
    for (size_t i = 0; order[i]; i++) {
        const json_t *known = json_object_get(message, order[i]);
        if (strcmp(order[i], "api") == 0) write_api(out, config, message);
        if (known) write_field(out, order[i], known);
    }
    json_object_foreach(message, key, v)
    {
        if (!among(order, key) && !among(left_out, key)) write_field(out, key, v);
    }
    buf_char(out, '}');
}

static void write_omitted(struct buf *out, const struct message_row *row)
{
    buf_char(out, '{');
    buf_json_pair_str(out, "role", row->role.n ? row->role : STR("assistant"));
    buf_json_pair_int(out, "timestamp", row->created_ms);
    buf_text(out, ",\"content\":[{\"type\":\"text\",\"text\":\"[chat.history omitted: message too large]\"}],"
                  "\"__openclaw\":{\"truncated\":true,\"reason\":\"oversized\"}}");
}

static void write_compaction(struct buf *out, const struct message_row *row)
{
    buf_text(out, "{\"role\":\"system\",\"content\":[{\"type\":\"text\",\"text\":\"Compaction\"}]");
    buf_json_pair_int(out, "timestamp", row->created_ms);
    buf_printf(out, ",\"__openclaw\":{\"kind\":\"compaction\",\"id\":\"%08llx\"}}", (unsigned long long)row->seq);
}

void message_view_history(const config_t *config, const struct message_row *row, struct buf *out)
{
    size_t from = out->n;
    if (row->kind == MESSAGE_COMPACTION) {
        write_compaction(out, row);
        return;
    }
    json_t *message = row->json.n ? json_loadb(row->json.p, row->json.n, JSON_ALLOW_NUL, NULL) : NULL;
    if (json_is_object(message)) write_message(out, config, message);
    json_decref(message);
    if (out->err || (out->n > from && out->n - from <= MESSAGE_SHOWN_MAX)) return;
    out->n = from;
    write_omitted(out, row);
}

/* --- words -------------------------------------------------------------------------------------------------------- */

static void add_line(struct buf *out, struct str text)
{
    if (str_trim(text).n == 0) return;
    if (out->n) buf_char(out, '\n');
    buf_add(out, text);
}

static void read_part(const json_t *part, int64_t names_max, struct message_words *out)
{
    struct str type = json_str(part, "type");
    if (str_is(type, "text")) add_line(&out->text, json_str(part, "text"));
    if (str_is(type, "image")) out->images++;
    if (!str_is(type, "toolCall")) return;
    out->tool = true;
    if (out->calls++ >= names_max) return;
    if (out->tools.n) buf_text(&out->tools, ", ");
    buf_add(&out->tools, json_str(part, "name"));
}

static int64_t tokens(const json_t *usage, const char *name)
{
    int64_t n = json_integer_value(json_object_get(usage, name));
    return n < 0 ? 0 : n > INT32_MAX ? INT32_MAX : n;
}

static void read_usage(const json_t *message, struct message_words *out)
{
    const json_t *usage = json_object_get(message, "usage");
    struct str provider = json_str(message, "provider"), model = json_str(message, "model");
    if (provider.n && model.n) buf_printf(&out->model, "%.*s/%.*s", STR_ARG(provider), STR_ARG(model));
    if (!json_is_object(usage)) return;
    out->counted = true;
    out->used.output = tokens(usage, "output");
    out->used.cache_read = tokens(usage, "cacheRead");
    out->used.cache_write = tokens(usage, "cacheWrite");
    out->used.input = tokens(usage, "input") + out->used.cache_read + out->used.cache_write;
}

int message_words_read(const struct message_row *row, int64_t names_max, struct message_words *out)
{
    size_t i;
    json_t *part;
    *out = (struct message_words){ .role = row->role, .timestamp = row->created_ms };
    json_t *message = json_loadb(row->json.p ? row->json.p : "", row->json.n, JSON_ALLOW_NUL, NULL);
    const json_t *content = json_object_get(message, "content");
    bool object = json_is_object(message);
    if (json_is_string(content)) add_line(&out->text, json_text(content));
    json_array_foreach(content, i, part) read_part(part, names_max, out);
    if (json_is_integer(json_object_get(message, "timestamp"))) out->timestamp = json_integer_value(json_object_get(message, "timestamp"));
    read_usage(message, out);
    out->tool = out->tool || str_is(row->role, "toolResult");
    json_decref(message);
    return object ? out->text.err : GW_EPARSE;
}

void message_words_free(struct message_words *words)
{
    buf_free(&words->text);
    buf_free(&words->tools);
    buf_free(&words->model);
}

struct str message_said(struct str text)
{
    text = str_trim(text);
    if (str_starts(text, STR("Conversation info (untrusted metadata):"))) {
        ptrdiff_t open = str_find(text, STR("```"));
        struct str rest = open < 0 ? (struct str){ NULL, 0 } : (struct str){ text.p + open + 3, text.n - (size_t)open - 3 };
        ptrdiff_t close = open < 0 ? -1 : str_find(rest, STR("```"));
        if (close >= 0) text = str_trim((struct str){ rest.p + close + 3, rest.n - (size_t)close - 3 });
    }
    if (text.n && text.p[0] == '[') { /* [Sun 2026-11-22 13:10 UTC] */
        struct str rest = text;
        struct str stamp = str_split(&rest, ']');
        if (rest.p && stamp.n >= 20 && stamp.n <= 40 && stamp.p[4] == ' ' && stamp.p[9] == '-') text = str_trim(rest);
    }
    return text;
}

void message_cut(struct str text, size_t max, const char *mark, struct buf *out)
{
    size_t marked = utf8_count(str_of(mark));
    bool whole = utf8_first(text, max).n == text.n;
    if (whole) {
        buf_add(out, text);
        return;
    }
    buf_add(out, utf8_first(text, max > marked ? max - marked : 0));
    buf_text(out, mark);
}
