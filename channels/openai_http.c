#include "base/json_read.h"
#include "channels/openai_internal.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/err.h"

#define HISTORY_MARK "[Chat messages since your last reply - for context]"
#define CURRENT_MARK "[Current message - respond to this]"
#define MISSING_MESSAGE "Missing user message in `messages`."

enum { SENDER_MAX = 80 }; /* bytes of "Tool:<name>" */

/* A message that takes part in the conversation: not a system one, not empty. */
struct entry {
    const char *role; /* "user", "assistant", "tool" */
    char sender[SENDER_MAX];
    struct buf text;
    const json_t *content;
};

struct entries {
    struct entry *items;
    size_t count;
};

void openai_chat_free(struct openai_chat *chat)
{
    json_decref(chat->root);
    buf_free(&chat->system_text);
    buf_free(&chat->message);
    *chat = (struct openai_chat){ 0 };
}

int openai_refuse(struct openai_error *why, int code, const char *param, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why->message, sizeof why->message, format, args);
    va_end(args);
    why->status = 400;
    why->type = "invalid_request_error";
    snprintf(why->param, sizeof why->param, "%s", param);
    return code;
}

static const char *kind_of(const json_t *value)
{
    static const char *const names[] = { "an object", "an array", "a string", "a number", "a number", "true", "false", "null" };
    return value ? names[json_typeof(value)] : "nothing";
}

static int parse_json(struct str body, json_t **out, struct openai_error *why)
{
    json_error_t error;
    *out = json_loadb(body.p ? body.p : "", body.n, 0, &error);
    if (!*out && json_error_code(&error) == json_error_out_of_memory) return GW_ENOMEM;
    if (!*out)
        return openai_refuse(why, GW_EPARSE, "", "The body is not valid JSON at line %d column %d (byte %d): %.200s", error.line,
                             error.column, error.position, error.text);
    if (json_is_object(*out)) return 0;
    return openai_refuse(why, GW_EINVAL, "", "The body must be a JSON object, not %s.", kind_of(*out));
}

/* An optional string field of at most `max` bytes without control characters. */
static int optional_text(const json_t *object, const char *name, size_t max, struct str *out, struct openai_error *why)
{
    const json_t *value = json_object_get(object, name);
    *out = (struct str){ 0 };
    if (!value || json_is_null(value)) return 0;
    if (!json_is_string(value)) return openai_refuse(why, GW_EINVAL, name, "`%s` must be a string, not %s.", name, kind_of(value));
    *out = json_text(value);
    if (out->n > max) return openai_refuse(why, GW_ELIMIT, name, "`%s` is longer than %zu bytes.", name, max);
    for (size_t i = 0; i < out->n; i++)
        if ((unsigned char)out->p[i] < 0x20) return openai_refuse(why, GW_EINVAL, name, "`%s` must not hold control characters.", name);
    return 0;
}

static int optional_bool(const json_t *object, const char *name, bool *out, struct openai_error *why)
{
    const json_t *value = json_object_get(object, name);
    *out = json_is_true(value);
    if (!value || json_is_null(value) || json_is_boolean(value)) return 0;
    return openai_refuse(why, GW_EINVAL, name, "`%s` must be true or false, not %s.", name, kind_of(value));
}

static int read_options(struct openai_chat *chat, struct openai_error *why)
{
    const json_t *options = json_object_get(chat->root, "stream_options");
    int rc = optional_text(chat->root, "model", OPENAI_MODEL_MAX, &chat->model, why);
    if (rc == 0) rc = optional_text(chat->root, "user", OPENAI_USER_MAX, &chat->user, why);
    if (rc == 0) rc = optional_bool(chat->root, "stream", &chat->stream, why);
    if (rc || !options || json_is_null(options)) return rc;
    if (!json_is_object(options))
        return openai_refuse(why, GW_EINVAL, "stream_options", "`stream_options` must be an object, not %s.", kind_of(options));
    return optional_bool(options, "include_usage", &chat->include_usage, why);
}

/* The text parts of a message's content, one a line. */
static int read_text(const json_t *content, size_t index, struct buf *out, struct openai_error *why)
{
    char where[64];
    size_t i;
    json_t *part;
    snprintf(where, sizeof where, "messages[%zu].content", index);
    if (!content || json_is_null(content)) return 0;
    if (json_is_string(content)) {
        buf_add(out, json_text(content));
        return out->err;
    }
    if (!json_is_array(content))
        return openai_refuse(why, GW_EINVAL, where, "`%s` must be a string or an array of parts, not %s.", where, kind_of(content));
    json_array_foreach(content, i, part)
    {
        const json_t *type = json_object_get(part, "type"), *text = json_object_get(part, "text");
        if (!json_is_string(type))
            return openai_refuse(why, GW_EINVAL, where, "`%s[%zu]` must be an object with a string `type`.", where, i);
        if (!str_is(json_text(type), "text") && !str_is(json_text(type), "input_text")) continue;
        if (!json_is_string(text))
            return openai_refuse(why, GW_EINVAL, where, "`%s[%zu].text` must be a string, not %s.", where, i, kind_of(text));
        if (out->n) buf_char(out, '\n');
        buf_add(out, json_text(text));
    }
    return out->err;
}

static bool is_image(const json_t *part)
{
    struct str type = json_text(json_object_get(part, "type"));
    return str_is(type, "image_url") || str_is(type, "input_image");
}

static bool has_image(const json_t *content)
{
    size_t i;
    json_t *part;
    if (!json_is_array(content)) return false;
    json_array_foreach(content, i, part) if (is_image(part)) return true;
    return false;
}

/* A data: URL (RFC 2397) with base64; anything else would make the gateway fetch what a client names. */
static int read_image(const json_t *part, const char *where, struct openai_chat *chat, struct openai_error *why)
{
    const json_t *url = json_object_get(part, "image_url");
    if (json_is_object(url)) url = json_object_get(url, "url");
    if (!json_is_string(url)) return openai_refuse(why, GW_EINVAL, where, "An image in `%s` needs a string `image_url.url`.", where);
    struct str rest = json_text(url);
    if (!str_starts(rest, STR("data:")))
        return openai_refuse(why, GW_EINVAL, where,
                             "Images in `%s` must be data: URLs (data:image/png;base64,...); other addresses are not fetched.", where);
    rest = (struct str){ rest.p + 5, rest.n - 5 };
    struct str media = str_split(&rest, ';');
    if (!str_starts(media, STR("image/")) || media.n > OPENAI_AGENT_MAX || !str_starts(rest, STR("base64,")))
        return openai_refuse(why, GW_EINVAL, where, "An image in `%s` must look like data:image/png;base64,....", where);
    rest = (struct str){ rest.p + 7, rest.n - 7 };
    if (!base64_valid(rest)) return openai_refuse(why, GW_EINVAL, where, "An image in `%s` is not valid base64.", where);
    if (chat->image_count == OPENAI_IMAGES_MAX)
        return openai_refuse(why, GW_ELIMIT, where, "`%s` holds more than %d images.", where, OPENAI_IMAGES_MAX);
    chat->images[chat->image_count++] = (struct openai_image){ media, rest };
    return 0;
}

static int read_images(const json_t *content, struct openai_chat *chat, struct openai_error *why)
{
    size_t i;
    json_t *part;
    if (!json_is_array(content)) return 0;
    json_array_foreach(content, i, part)
    {
        int rc = is_image(part) ? read_image(part, "messages[].content", chat, why) : 0;
        if (rc) return rc;
    }
    return 0;
}

static void name_sender(const json_t *message, struct entry *e)
{
    struct str name = str_trim(json_text(json_object_get(message, "name")));
    if (str_is(str_of(e->role), "assistant"))
        str_copy(e->sender, sizeof e->sender, STR("Assistant"));
    else if (str_is(str_of(e->role), "user"))
        str_copy(e->sender, sizeof e->sender, STR("User"));
    else if (name.n)
        snprintf(e->sender, sizeof e->sender, "Tool:%.*s", STR_ARG(str_utf8_prefix(name, SENDER_MAX - 8)));
    else
        str_copy(e->sender, sizeof e->sender, STR("Tool"));
}

static const char *plain_role(struct str role)
{
    if (str_is(role, "user") || str_is(role, "assistant") || str_is(role, "tool")) return role.p;
    return str_is(role, "function") ? "tool" : NULL;
}

/* Without white space at both ends, in place. */
static void trim(struct buf *b)
{
    struct str s = str_trim(buf_str(b));
    if (b->p) memmove(b->p, s.p, s.n);
    b->n = s.n;
}

static int read_message(const json_t *message, size_t index, struct openai_chat *chat, struct entries *list, struct openai_error *why)
{
    char where[64];
    struct entry e = { 0 };
    const json_t *role = json_object_get(message, "role");
    e.content = json_object_get(message, "content");
    snprintf(where, sizeof where, "messages[%zu]", index);
    if (!json_is_object(message)) return openai_refuse(why, GW_EINVAL, where, "`%s` must be an object, not %s.", where, kind_of(message));
    if (!json_is_string(role)) return openai_refuse(why, GW_EINVAL, where, "`%s.role` must be a string, not %s.", where, kind_of(role));
    int rc = read_text(e.content, index, &e.text, why);
    if (rc) goto drop;
    trim(&e.text);
    if (e.text.n == 0 && !has_image(e.content)) goto drop;
    if (str_is(json_text(role), "system") || str_is(json_text(role), "developer")) {
        if (chat->system_text.n) buf_text(&chat->system_text, "\n\n");
        buf_add(&chat->system_text, buf_str(&e.text));
        if (chat->system_text.err)
            rc = openai_refuse(why, GW_ELIMIT, where, "System messages are longer than %d bytes.", OPENAI_SYSTEM_MAX);
        goto drop;
    }
    e.role = plain_role(json_text(role));
    if (!e.role) goto drop;
    name_sender(message, &e);
    list->items[list->count++] = e;
    return 0;
drop:
    buf_free(&e.text);
    return rc;
}

static size_t current_of(const struct entries *list)
{
    for (size_t i = list->count; i-- > 0;)
        if (strcmp(list->items[i].role, "assistant") != 0) return i;
    return list->count - 1;
}

static void add_line(struct buf *out, const struct entry *e)
{
    buf_text(out, e->sender);
    buf_text(out, ": ");
    buf_add(out, e->text.n ? buf_str(&e->text) : STR("[image]"));
    buf_char(out, '\n');
}

/* The last user or tool message is the current one; what came before is told as history (reference agent-runtime 1). */
static int fold(const struct entries *list, struct openai_chat *chat, struct openai_error *why)
{
    if (list->count == 0) return openai_refuse(why, GW_EINVAL, "messages", MISSING_MESSAGE);
    size_t current = current_of(list);
    const struct entry *now = &list->items[current];
    struct buf *out = &chat->message;
    if (current == 0) {
        buf_add(out, buf_str(&now->text));
    } else {
        buf_text(out, HISTORY_MARK "\n");
        for (size_t i = 0; i < current; i++) add_line(out, &list->items[i]);
        buf_text(out, "\n" CURRENT_MARK "\n");
        add_line(out, now);
        out->n -= out->err ? 0 : 1; /* no line feed at the end */
    }
    return out->err ? out->err : read_images(now->content, chat, why);
}

static int read_messages(struct openai_chat *chat, struct openai_error *why)
{
    const json_t *messages = json_object_get(chat->root, "messages");
    struct entries list = { 0 };
    size_t n = json_array_size(messages);
    if (!messages) return openai_refuse(why, GW_EINVAL, "messages", MISSING_MESSAGE);
    if (!json_is_array(messages))
        return openai_refuse(why, GW_EINVAL, "messages", "`messages` must be an array, not %s.", kind_of(messages));
    if (n > OPENAI_MESSAGES_MAX)
        return openai_refuse(why, GW_ELIMIT, "messages", "`messages` holds %zu messages; at most %d are taken.", n, OPENAI_MESSAGES_MAX);
    list.items = calloc(n + 1, sizeof *list.items);
    if (!list.items) return GW_ENOMEM;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++) rc = read_message(json_array_get(messages, i), i, chat, &list, why);
    if (rc == 0) rc = fold(&list, chat, why);
    for (size_t i = 0; i < list.count; i++) buf_free(&list.items[i].text);
    free(list.items);
    return rc;
}

int openai_chat_parse(struct str body, struct openai_chat *out, struct openai_error *why)
{
    *out = (struct openai_chat){ .system_text.max = OPENAI_SYSTEM_MAX };
    *why = (struct openai_error){ 0 };
    int rc = parse_json(body, &out->root, why);
    if (rc == 0) rc = read_options(out, why);
    if (rc == 0) rc = read_messages(out, why);
    if (rc) openai_chat_free(out);
    return rc;
}
