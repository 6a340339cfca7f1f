#include "providers/wire.h"

#include <ctype.h>

#include "base/err.h"
#include "base/hash.h"

enum { PARSE_FLAGS = JSON_DECODE_ANY };

static json_t *load(struct str text, size_t flags)
{
    json_error_t ignored;
    return text.n ? json_loadb(text.p, text.n, flags, &ignored) : NULL;
}

/* The value of \uXXXX at s.p[i], or -1. */
static long escape_at(struct str s, size_t i)
{
    long value = 0;
    if (i + 6 > s.n || s.p[i] != '\\' || s.p[i + 1] != 'u') return -1;
    for (size_t k = i + 2; k < i + 6; k++) {
        int c = tolower((unsigned char)s.p[k]);
        if (!isxdigit(c)) return -1;
        value = value * 16 + (c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return value;
}

static size_t sequence_at(struct str s, size_t i)
{
    for (size_t len = 1; len <= 4 && i + len <= s.n; len++)
        if (str_utf8_valid((struct str){ s.p + i, len })) return len;
    return 0;
}

/* One unit of JSON text at s.p[i], mended, into b. @return its length in s */
static size_t mend_unit(struct buf *b, struct str s, size_t i)
{
    long high = escape_at(s, i);
    if (high >= 0) {
        long low = escape_at(s, i + 6);
        bool pair = high >= 0xD800 && high <= 0xDBFF && low >= 0xDC00 && low <= 0xDFFF;
        bool bad = high == 0 || (high >= 0xD800 && high <= 0xDFFF && !pair);
        size_t len = pair ? 12 : 6;
        buf_add(b, bad ? STR("\\ufffd") : (struct str){ s.p + i, len });
        return len;
    }
    size_t len = s.p[i] == '\\' && i + 1 < s.n && (unsigned char)s.p[i + 1] < 0x80 ? 2 : sequence_at(s, i);
    buf_add(b, len ? (struct str){ s.p + i, len } : STR("\xEF\xBF\xBD"));
    return len ? len : 1;
}

json_t *wire_parse(struct str text)
{
    json_t *root = load(text, PARSE_FLAGS);
    if (root) return root;
    struct buf mended = { 0 };
    for (size_t i = 0; i < text.n;) i += mend_unit(&mended, text, i);
    if (!mended.err) root = load(buf_str(&mended), PARSE_FLAGS | JSON_DECODE_INT_AS_REAL);
    buf_free(&mended);
    return root;
}

int64_t wire_int(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (json_is_integer(value)) return json_integer_value(value) > 0 ? json_integer_value(value) : 0;
    double real = json_is_real(value) ? json_real_value(value) : 0;
    return real > 0 && real < 9e15 ? (int64_t)real : 0;
}

static bool plain(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '\r' || s.p[i] == '\n' || s.p[i] == '\0') return false;
    return true;
}

static void add_header(struct buf *b, struct str name, struct str value)
{
    if ((!plain(name) || !plain(value) || name.n == 0) && b->err == 0) b->err = GW_EINVAL;
    buf_add(b, name);
    buf_text(b, ": ");
    buf_add(b, value);
    buf_char(b, '\0');
}

void wire_header(struct http_request *r, const struct provider_endpoint *endpoint, const char *name, struct str value)
{
    for (size_t i = 0; i < endpoint->header_count; i++)
        if (str_ieq(endpoint->headers[i].name, str_of(name))) return;
    add_header(&r->headers, str_of(name), value);
}

void wire_headers(struct http_request *r, const struct provider_endpoint *endpoint)
{
    wire_header(r, endpoint, "Content-Type", STR("application/json"));
    wire_header(r, endpoint, "Accept", STR("text/event-stream, application/json"));
    for (size_t i = 0; i < endpoint->header_count; i++) add_header(&r->headers, endpoint->headers[i].name, endpoint->headers[i].value);
}

int wire_finish(struct http_request *r)
{
    int rc = r->url.err ? r->url.err : r->headers.err ? r->headers.err : r->body.err;
    if (rc != 0) http_request_free(r);
    return rc;
}

static bool id_ok(struct str id)
{
    if (id.n == 0 || id.n > WIRE_CALL_ID_MAX) return false;
    for (size_t i = 0; i < id.n; i++)
        if (!isalnum((unsigned char)id.p[i]) && id.p[i] != '_' && id.p[i] != '-') return false;
    return true;
}

void wire_call_id(struct buf *b, struct str id)
{
    if (id_ok(id))
        buf_json_str(b, id);
    else
        buf_printf(b, "\"call_%016llx%016llx\"", (unsigned long long)hash_fnv(id, 0), (unsigned long long)hash_fnv(id, 1));
}

bool wire_is_object(struct str text)
{
    json_t *value = load(text, 0);
    bool is = json_is_object(value);
    json_decref(value);
    return is;
}

bool wire_is_list(struct str text)
{
    json_t *value = load(text, 0);
    bool is = json_is_array(value);
    json_decref(value);
    return is;
}

/* A schema of the gateway's own tools begins like this and was written by the compiler (tools/tools.c): it goes out as it is, for every
 * request has all of them. Any other is looked at first. */
static bool is_schema(struct str text)
{
    return str_starts(text, STR("{\"type\":\"object\",\"properties\":{")) || wire_is_object(text);
}

void wire_tool(struct buf *b, const struct chat_tool *tool, const char *schema_key)
{
    buf_json_pair_str(b, "name", tool->name);
    buf_json_pair_str(b, "description", tool->description);
    buf_json_key(b, schema_key);
    buf_add(b, is_schema(tool->parameters) ? tool->parameters : STR("{\"type\":\"object\",\"properties\":{}}"));
}

static void open_message(struct buf *b, const char *role, const char *parts)
{
    buf_json_comma(b);
    buf_char(b, '{');
    buf_json_pair_str(b, "role", str_of(role));
    buf_json_key(b, parts);
    buf_char(b, '[');
}

void wire_open_part(struct buf *b, const char **open, const char *role, const char *parts, const char *note)
{
    if (*open && strcmp(*open, role) == 0) {
        buf_json_comma(b);
        return;
    }
    if (!*open && strcmp(role, "user") != 0) {
        open_message(b, "user", parts);
        buf_text(b, note);
        buf_text(b, "]}");
    }
    if (*open) buf_text(b, "]}");
    open_message(b, role, parts);
    *open = role;
}

void wire_arguments(struct buf *b, struct str text)
{
    text = str_trim(text);
    if (text.n == 0) {
        buf_text(b, "{}");
        return;
    }
    if (wire_is_object(text)) {
        buf_add(b, text);
    } else {
        buf_char(b, '{');
        buf_json_pair_str(b, "invalid_json", text);
        buf_char(b, '}');
    }
}

void wire_clean(struct buf *b, struct str text)
{
    for (size_t i = 0; i < text.n;) {
        unsigned char c = (unsigned char)text.p[i];
        size_t len = sequence_at(text, i);
        if (len == 0)
            buf_text(b, "\xEF\xBF\xBD");
        else if (c < 0x20 || c == 0x7F)
            buf_char(b, ' ');
        else
            buf_add(b, (struct str){ text.p + i, len });
        i += len ? len : 1;
    }
}

bool wire_thinks(const struct model_request *request)
{
    return request->reasoning && request->thinking.n > 0 && !str_is(request->thinking, "off");
}

bool wire_own(const struct model_request *request, const struct chat_message *message)
{
    if (message->provider.n == 0 || !str_eq(message->provider, request->provider)) return false;
    return message->model.n == 0 || str_eq(message->model, request->model);
}

struct str wire_image_note(void)
{
    return STR("[image left out: this model takes no images]");
}

const struct chat_part *wire_call_of(const struct model_request *request, size_t i, const struct chat_message **owner)
{
    struct str id = request->messages[i].tool_call_id;
    while (i-- > 0) {
        const struct chat_message *m = &request->messages[i];
        if (m->role != CHAT_ASSISTANT) continue;
        for (size_t k = 0; k < m->part_count; k++) {
            if (m->parts[k].kind != CHAT_TOOL_CALL || !str_eq(m->parts[k].id, id)) continue;
            *owner = m;
            return &m->parts[k];
        }
    }
    return NULL;
}

struct str wire_result_name(const struct model_request *request, size_t i)
{
    const struct chat_message *owner;
    if (request->messages[i].tool_name.n > 0) return request->messages[i].tool_name;
    const struct chat_part *call = wire_call_of(request, i, &owner);
    return call ? call->name : (struct str){ NULL, 0 };
}
