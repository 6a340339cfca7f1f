/* query_sessions.c -- what sessions there are: sessions.list, sessions.preview, sessions.resolve. */
#include "actors/query_sessions.h"

#include <stdlib.h>

#include "actors/message_view.h"
#include "actors/query_tables.h"
#include "actors/session_list.h"
#include "actors/session_view.h"
#include "base/clock.h"
#include "base/json_read.h"
#include "base/utf8.h"

/* --- sessions.list ------------------------------------------------------------------------------------------------ */

/* One line of words, cut at the last space when that is not far from the end. */
static void add_title(struct str text, struct buf *out)
{
    struct buf line = { 0 };
    bool gap = false;
    for (size_t i = 0; i < text.n && line.n <= 4 * QUERY_TITLE_CHARS; i++) {
        char c = text.p[i];
        bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
        if (!space && gap && line.n) buf_char(&line, ' ');
        if (!space) buf_char(&line, c);
        gap = space;
    }
    struct str whole = str_utf8_prefix(buf_str(&line), line.n);
    struct str cut = utf8_first(whole, QUERY_TITLE_CHARS - 1);
    if (utf8_count(whole) <= QUERY_TITLE_CHARS) {
        buf_add(out, whole);
    } else {
        size_t end = cut.n;
        for (size_t i = cut.n; i-- > 0;)
            if (cut.p[i] == ' ' && utf8_count((struct str){ cut.p, i }) > QUERY_TITLE_CHARS * 6 / 10) {
                end = i;
                break;
            }
        buf_add(out, (struct str){ cut.p, end });
        buf_text(out, "…");
    }
    buf_free(&line);
}

static int title_of_message(void *ctx, const struct message_row *row)
{
    struct message_words words;
    if (message_words_read(row, 0, &words) == 0) add_title(message_said(buf_str(&words.text)), ctx);
    message_words_free(&words);
    return 0;
}

/* The session's name, else how it began, else the start of its id with its day. */
static int write_title(const struct rpc_call *call, const struct session_view *view)
{
    struct buf title = { 0 };
    int rc = 0;
    session_view_name(view, &title);
    if (title.n == 0) rc = messages_first_user(call->store, view->row->id, QUERY_LOOK_BYTES, title_of_message, &title);
    if (title.n == 0) {
        char iso[CLOCK_ISO_SIZE];
        clock_iso(view->row->updated_ms, iso);
        buf_printf(&title, "%.*s (%.10s)", STR_ARG(str_utf8_prefix(view->row->uuid, 8)), iso);
    }
    buf_json_pair_str(call->out, "derivedTitle", buf_str(&title));
    buf_free(&title);
    return rc;
}

struct last_words {
    struct buf *out;
    bool done;
};

static int last_text(void *ctx, const struct message_row *row)
{
    struct last_words *last = ctx;
    struct message_words words;
    bool said = str_is(row->role, "user") || str_is(row->role, "assistant");
    if (last->done || !said || row->kind != MESSAGE_CHAT) return 0;
    if (message_words_read(row, 0, &words) == 0 && words.text.n) {
        struct str text = str_is(row->role, "user") ? message_said(buf_str(&words.text)) : str_trim(buf_str(&words.text));
        buf_json_pair_str(last->out, "lastMessagePreview", utf8_first(text, QUERY_PREVIEW_CHARS));
        last->done = true;
    }
    message_words_free(&words);
    return 0;
}

static int write_last(const struct rpc_call *call, const struct session_view *view)
{
    struct last_words last = { .out = call->out };
    const struct message_page page = { .session = view->row->id, .limit = QUERY_LAST_ROWS, .bytes_max = QUERY_LOOK_BYTES };
    return messages_newest(call->store, &page, last_text, &last);
}

static void write_defaults(const struct rpc_call *call)
{
    int64_t window;
    struct model_ref model = session_view_default_model(call->config, config_agent_default(call->config)->id, &window);
    buf_json_key(call->out, "defaults");
    buf_char(call->out, '{');
    buf_json_pair_str(call->out, "modelProvider", model.provider);
    buf_json_pair_str(call->out, "model", model.model);
    buf_json_pair_int(call->out, "contextTokens", window);
    buf_char(call->out, '}');
}

static int write_rows(const struct rpc_call *call, const struct session_list *list)
{
    bool titles = rpc_bool(call, "includeDerivedTitles", false), last = rpc_bool(call, "includeLastMessage", false);
    int rc = 0;
    for (size_t i = 0; i < list->count && rc == 0; i++) {
        struct session_view view;
        buf_json_comma(call->out);
        session_view_open(&view, call->config, list->rows[i]);
        session_view_row(&view, call->out);
        if (titles && i < QUERY_TITLES_MAX) rc = write_title(call, &view);
        if (last && rc == 0 && i < QUERY_TITLES_MAX) rc = write_last(call, &view);
        buf_char(call->out, '}');
        session_view_close(&view);
    }
    return rc;
}

static int sessions_list_method(struct rpc_call *call)
{
    struct session_list list;
    int64_t minutes = rpc_int(call, "activeMinutes", 0);
    const struct session_wish wish = { .agent = rpc_str(call, "agentId"),
                                       .label = str_trim(rpc_str(call, "label")),
                                       .parent = rpc_str(call, "spawnedBy"),
                                       .search = str_trim(rpc_str(call, "search")),
                                       .since_ms = minutes > 0 && minutes < call->now_ms / 60000 ? call->now_ms - minutes * 60000 : 0,
                                       .global = rpc_bool(call, "includeGlobal", false),
                                       .unknown = rpc_bool(call, "includeUnknown", false),
                                       .limit = rpc_int(call, "limit", SESSION_LIST_ROWS) };
    int rc = session_list_read(call->config, call->store, &wish, &list);
    buf_char(call->out, '{');
    buf_json_pair_int(call->out, "ts", call->now_ms);
    buf_json_pair_str(call->out, "path", str_of(store_path(call->store)));
    buf_json_pair_int(call->out, "count", (int64_t)list.count);
    write_defaults(call);
    buf_json_key(call->out, "sessions");
    buf_char(call->out, '[');
    if (rc == 0) rc = write_rows(call, &list);
    buf_text(call->out, "]}");
    session_list_free(&list);
    return rc;
}

/* --- sessions.preview --------------------------------------------------------------------------------------------- */

struct previews {
    struct buf *items[QUERY_PREVIEW_ITEMS]; /* JSON, newest first */
    size_t count, wanted;
    size_t chars;
};

static const char *preview_role(const struct message_words *words)
{
    if (words->tool) return "tool";
    return str_is(words->role, "user") ? "user" : str_is(words->role, "assistant") ? "assistant" : "other";
}

static void preview_text(const struct message_words *words, struct buf *out)
{
    struct str text = str_trim(buf_str(&words->text));
    if (text.n && str_is(words->role, "user")) text = message_said(text);
    buf_add(out, text);
    if (out->n == 0 && words->calls) {
        buf_printf(out, "call %.*s", STR_ARG(buf_str(&words->tools)));
        if (words->calls > 2) buf_printf(out, " +%lld", (long long)words->calls - 2);
    }
    if (out->n == 0 && words->images) buf_text(out, "[image]");
}

static int add_preview(void *ctx, const struct message_row *row)
{
    struct previews *p = ctx;
    struct message_words words;
    struct buf text = { 0 }, cut = { 0 };
    if (p->count == p->wanted || row->kind != MESSAGE_CHAT) return 0;
    if (message_words_read(row, 2, &words) == 0) preview_text(&words, &text);
    message_cut(buf_str(&text), p->chars, "...", &cut);
    struct buf *item = cut.n ? calloc(1, sizeof *item) : NULL;
    if (item) {
        buf_char(item, '{');
        buf_json_pair_str(item, "role", str_of(preview_role(&words)));
        buf_json_pair_str(item, "text", buf_str(&cut));
        buf_char(item, '}');
        p->items[p->count++] = item;
    }
    message_words_free(&words);
    buf_free(&text);
    buf_free(&cut);
    return 0;
}

static void write_items(struct previews *p, struct buf *out)
{
    buf_json_key(out, "items");
    buf_char(out, '[');
    for (size_t i = p->count; i-- > 0;) {
        buf_json_comma(out);
        buf_add(out, buf_str(p->items[i]));
        buf_free(p->items[i]);
        free(p->items[i]);
    }
    buf_char(out, ']');
}

static int write_preview(const struct rpc_call *call, struct str key, int64_t limit, int64_t chars)
{
    struct session_list list;
    struct previews p = { .wanted = limit < QUERY_PREVIEW_ITEMS ? (size_t)limit : QUERY_PREVIEW_ITEMS };
    p.chars = chars < QUERY_PREVIEW_CHARS ? (size_t)chars : QUERY_PREVIEW_CHARS;
    int rc = session_list_one(call->config, call->store, key, &list);
    bool known = rc == 0 && list.count == 1;
    const struct message_page page = { .session = known ? list.rows[0]->id : 0,
                                       .limit = (int)p.wanted + QUERY_LAST_ROWS,
                                       .bytes_max = QUERY_LOOK_BYTES };
    if (known) rc = messages_newest(call->store, &page, add_preview, &p);
    buf_json_comma(call->out);
    buf_char(call->out, '{');
    buf_json_pair_str(call->out, "key", key);
    buf_json_pair_str(call->out, "status", str_of(rc ? "error" : !known ? "missing" : p.count ? "ok" : "empty"));
    write_items(&p, call->out);
    buf_char(call->out, '}');
    session_list_free(&list);
    return rc;
}

static int sessions_preview(struct rpc_call *call)
{
    const json_t *keys = json_object_get(call->params, "keys");
    int64_t limit = rpc_int(call, "limit", 12), chars = rpc_int(call, "maxChars", 240);
    int rc = 0;
    buf_char(call->out, '{');
    buf_json_pair_int(call->out, "ts", call->now_ms);
    buf_json_key(call->out, "previews");
    buf_char(call->out, '[');
    for (size_t i = 0; i < json_array_size(keys) && i < QUERY_PREVIEW_KEYS && rc == 0; i++) {
        const json_t *key = json_array_get(keys, i);
        if (json_is_string(key) && json_string_length(key))
            rc = write_preview(call, json_text(key), limit < 1 ? 1 : limit, chars < 20 ? 20 : chars);
    }
    buf_text(call->out, "]}");
    return rc;
}

/* --- sessions.resolve --------------------------------------------------------------------------------------------- */

static int write_resolved(struct rpc_call *call, struct str key)
{
    buf_text(call->out, "{\"ok\":true");
    buf_json_pair_str(call->out, "key", key);
    buf_char(call->out, '}');
    return 0;
}

static int none_or_many(struct rpc_call *call, const struct session_list *list, const char *what, struct str value)
{
    struct buf keys = { 0 };
    if (list->count == 0) return rpc_fail(call, "INVALID_REQUEST", "No session found%s: %.*s", what, STR_ARG(value));
    for (size_t i = 0; i < list->count; i++) buf_printf(&keys, "%s%.*s", i ? ", " : "", STR_ARG(list->rows[i]->key));
    int rc = rpc_fail(call, "INVALID_REQUEST", "Multiple sessions found%s: %.*s (%s)", what, STR_ARG(value), buf_cstr(&keys));
    buf_free(&keys);
    return rc;
}

static int resolve_listed(struct rpc_call *call, struct str id, struct str label)
{
    struct session_list list;
    const struct session_wish wish = { .agent = rpc_str(call, "agentId"),
                                       .label = label,
                                       .parent = rpc_str(call, "spawnedBy"),
                                       .search = id,
                                       .global = rpc_bool(call, "includeGlobal", false),
                                       .unknown = rpc_bool(call, "includeUnknown", false),
                                       .limit = 8 };
    int rc = session_list_read(call->config, call->store, &wish, &list);
    size_t kept = 0;
    for (size_t i = 0; i < list.count; i++) /* the search also finds parts of ids */
        if (id.n == 0 || str_eq(list.rows[i]->uuid, id) || str_eq(list.rows[i]->key, id)) list.rows[kept++] = list.rows[i];
    list.count = kept;
    if (rc == 0 && kept == 1) rc = write_resolved(call, list.rows[0]->key);
    if (rc == 0 && kept != 1) rc = none_or_many(call, &list, id.n == 0 ? " with label" : kept ? " for sessionId" : "", id.n ? id : label);
    session_list_free(&list);
    return rc;
}

static int sessions_resolve(struct rpc_call *call)
{
    struct str key = str_trim(rpc_str(call, "key")), id = str_trim(rpc_str(call, "sessionId")), label = str_trim(rpc_str(call, "label"));
    int given = (key.n > 0) + (id.n > 0) + (label.n > 0);
    struct session_list list;
    if (given > 1) return rpc_fail(call, "INVALID_REQUEST", "Provide either key, sessionId, or label (not multiple)");
    if (given == 0) return rpc_fail(call, "INVALID_REQUEST", "Either key, sessionId, or label is required");
    if (key.n == 0) return resolve_listed(call, id, label);
    int rc = session_list_one(call->config, call->store, key, &list);
    if (rc == 0) rc = list.count ? write_resolved(call, list.rows[0]->key) : none_or_many(call, &list, "", key);
    session_list_free(&list);
    return rc;
}

const struct rpc_handler query_session_handlers[] = {
    { RPC_sessions_list, sessions_list_method },
    { RPC_sessions_preview, sessions_preview },
    { RPC_sessions_resolve, sessions_resolve },
    { RPC_none, NULL },
};
