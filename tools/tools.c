/* tools/tools.c -- the table of tools, and the one way to read and to check what a model sends. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "tools/tool.h"

#define TOOL_RUN_LOCAL(id) tool_##id
#define TOOL_RUN_TURN(id) NULL

/* --- tables of parameters */

#define NEED_MUST true
#define NEED_MAY false
#define TOOL(id, name, group, home, summary, description) static const struct tool_param params_##id[] = {
#define PARAM(name, kind, need, lo, hi, doc) { #name, TOOL_##kind, NEED_##need, lo, hi, NULL },
#define CHOICE(name, need, doc, ...) { #name, TOOL_CHOICE, NEED_##need, 0, 0, (const char *const[]){ __VA_ARGS__, NULL } },
#define FIRST PARAM
#define FIRST_CHOICE CHOICE
#define END                                                                                                                                \
    {                                                                                                                                      \
        NULL, TOOL_ANY, false, 0, 0, NULL                                                                                                  \
    }                                                                                                                                      \
    }                                                                                                                                      \
    ;
#include "tools/tools.def"
#include "tools/tools_undef.h"

/* --- the first half of each schema */

#define KIND_TEXT(lo, hi) "\"type\":\"string\""
#define KIND_WHOLE(lo, hi) "\"type\":\"integer\",\"minimum\":" #lo ",\"maximum\":" #hi
#define KIND_FLAG(lo, hi) "\"type\":\"boolean\""
#define KIND_TEXTS(lo, hi) "\"type\":\"array\",\"items\":{\"type\":\"string\"}"
#define KIND_FREE(lo, hi) "\"type\":\"object\",\"additionalProperties\":true"
#define KIND_ANY(lo, hi) "\"title\":\"any\""
#define PROPERTY(name, kind, lo, hi, doc) "\"" #name "\":{" KIND_##kind(lo, hi) ",\"description\":" #doc "}"
#define WORDS(name, doc, ...) "\"" #name "\":{\"type\":\"string\",\"enum\":[" #__VA_ARGS__ "],\"description\":" #doc "}"
#define TOOL(id, name, group, home, summary, description) static const char properties_##id[] = "{\"type\":\"object\",\"properties\":{"
#define FIRST(name, kind, need, lo, hi, doc) PROPERTY(name, kind, lo, hi, doc)
#define PARAM(name, kind, need, lo, hi, doc) "," PROPERTY(name, kind, lo, hi, doc)
#define FIRST_CHOICE(name, need, doc, ...) WORDS(name, doc, __VA_ARGS__)
#define CHOICE(name, need, doc, ...) "," WORDS(name, doc, __VA_ARGS__)
#define END ;
#include "tools/tools.def"
#include "tools/tools_undef.h"

/* --- and the rest: which must be there */

#define FIRST_MUST(name) "\"" #name "\""
#define FIRST_MAY(name)
#define NEXT_MUST(name) ",\"" #name "\""
#define NEXT_MAY(name)
#define TOOL(id, name, group, home, summary, description) static const char required_##id[] = "},\"required\":["
#define FIRST(name, kind, need, lo, hi, doc) FIRST_##need(name)
#define PARAM(name, kind, need, lo, hi, doc) NEXT_##need(name)
#define FIRST_CHOICE(name, need, doc, ...) FIRST_##need(name)
#define CHOICE(name, need, doc, ...) NEXT_##need(name)
#define END "]}";
#include "tools/tools.def"
#include "tools/tools_undef.h"

static const struct tool TOOLS[] = {
#define TOOL(id, name, group, home, summary, description)                                                                                  \
    [TOOL_##id] = { name, TOOL_GROUP_##group, summary, description, properties_##id, required_##id, params_##id, TOOL_RUN_##home(id) },
#define FIRST(name, kind, need, lo, hi, doc)
#define PARAM(name, kind, need, lo, hi, doc)
#define FIRST_CHOICE(name, need, doc, ...)
#define CHOICE(name, need, doc, ...)
#define END
#include "tools/tools.def"
#include "tools/tools_undef.h"
};

const struct tool *tool_at(enum tool_id id)
{
    return &TOOLS[id];
}

enum tool_id tool_find(struct str name)
{
    for (int i = 0; i < TOOL_COUNT; i++)
        if (str_is(name, TOOLS[i].name)) return (enum tool_id)i;
    return TOOL_COUNT;
}

const char *tool_group_name(enum tool_group group)
{
    static const char *const NAMES[] = {
#define X(name) #name,
        TOOL_GROUPS(X)
#undef X
    };
    return NAMES[group];
}

struct str tool_schema(const struct tool *tool, struct arena *arena)
{
    size_t first = strlen(tool->properties), rest = strlen(tool->required);
    char *p = arena_alloc(arena, first + rest + 1, 1);
    if (!p) return (struct str){ 0 };
    memcpy(p, tool->properties, first);
    memcpy(p + first, tool->required, rest);
    return (struct str){ p, first + rest };
}

/* --- the check -------------------------------------------------------------------------------------------------- */

static bool is_word(const char *const *words, struct str word)
{
    for (; *words; words++)
        if (str_is(word, *words)) return true;
    return false;
}

static const char *type_name(enum tool_param_kind kind)
{
    static const char *const NAMES[] = {
        [TOOL_TEXT] = "string", [TOOL_WHOLE] = "integer", [TOOL_FLAG] = "boolean", [TOOL_TEXTS] = "array of strings",
        [TOOL_FREE] = "object", [TOOL_ANY] = "any",       [TOOL_CHOICE] = "string"
    };
    return NAMES[kind];
}

static struct str text_of(const json_t *value)
{
    return json_is_string(value) ? (struct str){ json_string_value(value), json_string_length(value) } : (struct str){ 0 };
}

/* Text beside a number's place, and such: what models often get wrong is taken for what it says. */
static json_t *bend(const struct tool_param *p, json_t *value)
{
    struct str text = text_of(value);
    int64_t whole;
    if (p->kind == TOOL_WHOLE && text.n && str_to_int(text, &whole) == 0) return json_integer(whole);
    if (p->kind == TOOL_WHOLE && json_is_real(value)) {
        double real = json_real_value(value);
        if (real >= -9e15 && real <= 9e15 && (double)(int64_t)real == real) return json_integer((int64_t)real);
    }
    if (p->kind == TOOL_FLAG && (str_is(text, "true") || str_is(text, "false"))) return json_boolean(str_is(text, "true"));
    return NULL;
}

static bool all_texts(const json_t *list)
{
    size_t i;
    json_t *item;
    if (!json_is_array(list)) return false;
    json_array_foreach(list, i, item) if (!json_is_string(item)) return false;
    return true;
}

static bool has_kind(enum tool_param_kind kind, const json_t *value)
{
    switch (kind) {
    case TOOL_TEXT:
    case TOOL_CHOICE: return json_is_string(value);
    case TOOL_WHOLE: return json_is_integer(value);
    case TOOL_FLAG: return json_is_boolean(value);
    case TOOL_TEXTS: return all_texts(value);
    case TOOL_FREE: return json_is_object(value);
    case TOOL_ANY: break;
    }
    return true;
}

static void complain_words(const char *const *words, struct buf *why)
{
    buf_text(why, "must be one of ");
    for (int i = 0; words[i]; i++) buf_printf(why, "%s%s", i ? ", " : "", words[i]);
}

/* What is wrong with a value that is there. */
static void complain(const struct tool_param *p, const json_t *value, struct buf *why)
{
    size_t n = p->kind == TOOL_TEXTS ? json_array_size(value) : text_of(value).n;
    if (!has_kind(p->kind, value)) {
        buf_printf(why, "must be %s", type_name(p->kind));
    } else if (p->kind == TOOL_CHOICE) {
        if (!is_word(p->words, text_of(value))) complain_words(p->words, why);
    } else if (p->kind == TOOL_WHOLE) {
        if (json_integer_value(value) < p->lo) buf_printf(why, "must be >= %lld", (long long)p->lo);
        if (json_integer_value(value) > p->hi) buf_printf(why, "must be <= %lld", (long long)p->hi);
    } else if (p->kind == TOOL_TEXT || p->kind == TOOL_TEXTS) {
        const char *of = p->kind == TOOL_TEXT ? "bytes" : "items";
        if (n < (size_t)p->lo) buf_printf(why, "must NOT have fewer than %lld %s", (long long)p->lo, of);
        if (n > (size_t)p->hi) buf_printf(why, "must NOT have more than %lld %s", (long long)p->hi, of);
    }
}

/* Names that models know from other programs. */
static void rename_args(json_t *args)
{
    static const char *const NAMES[][2] = { { "file_path", "path" }, { "old_string", "oldText" }, { "new_string", "newText" } };
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        json_t *value = json_object_get(args, NAMES[i][0]);
        if (!value || json_object_get(args, NAMES[i][1])) continue;
        json_object_set(args, NAMES[i][1], value);
        json_object_del(args, NAMES[i][0]);
    }
}

static int check(const struct tool *tool, json_t *args, struct buf *why)
{
    struct buf wrong = { 0 }, one = { 0 };
    int count = 0;
    for (const struct tool_param *p = tool->params; p->name; p++) {
        json_t *value = json_object_get(args, p->name), *bent = value ? bend(p, value) : NULL;
        if (bent) {
            json_object_set_new(args, p->name, bent);
            value = bent;
        }
        buf_clear(&one);
        if (json_is_null(value) && !p->must)
            json_object_del(args, p->name); /* null where nothing is meant */
        else if (value)
            complain(p, value, &one);
        else if (p->must)
            buf_printf(&one, "must have required property '%s'", p->name);
        if (one.n && count++ < TOOL_ERRORS_MAX) buf_printf(&wrong, "  - %s: %.*s\n", p->name, STR_ARG(buf_str(&one)));
    }
    if (count) buf_printf(why, "Validation failed for tool \"%s\":\n%.*s\nReceived arguments:\n", tool->name, STR_ARG(buf_str(&wrong)));
    buf_free(&wrong);
    buf_free(&one);
    return count ? GW_EINVAL : 0;
}

int tool_read_args(const struct tool *tool, struct str text, json_t **args, struct buf *why)
{
    json_error_t error;
    *args = NULL;
    if (text.n > TOOL_ARGUMENTS_MAX) {
        buf_printf(why, "The arguments of \"%s\" are %zu bytes long; at most %d are taken.", tool->name, text.n, (int)TOOL_ARGUMENTS_MAX);
        return GW_EINVAL;
    }
    json_t *read = str_trim(text).n ? json_loadb(text.p, text.n, 0, &error) : json_object();
    if (!json_is_object(read)) {
        buf_printf(why, "Validation failed for tool \"%s\":\n  - root: must be object\n\nReceived arguments:\n%.*s", tool->name,
                   STR_ARG(str_utf8_prefix(text, 2000)));
        json_decref(read);
        return GW_EINVAL;
    }
    if (tool->group == TOOL_GROUP_fs) rename_args(read);
    int rc = check(tool, read, why);
    char *shown = rc ? json_dumps(read, JSON_INDENT(2)) : NULL;
    if (shown) buf_add(why, str_utf8_prefix(str_of(shown), 2000));
    free(shown);
    if (rc)
        json_decref(read);
    else
        *args = read;
    return rc;
}

/* --- for tools -------------------------------------------------------------------------------------------------- */

struct str tool_text(const struct tool_call *call, const char *name, const char *alias)
{
    struct str text = text_of(json_object_get(call->args, name));
    return text.p || !alias ? text : text_of(json_object_get(call->args, alias));
}

int64_t tool_whole(const struct tool_call *call, const char *name, int64_t fallback)
{
    const json_t *value = json_object_get(call->args, name);
    return json_is_integer(value) ? json_integer_value(value) : fallback;
}

bool tool_flag(const struct tool_call *call, const char *name)
{
    return json_is_true(json_object_get(call->args, name));
}

int tool_fail(struct tool_call *call, const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    call->failed = true;
    buf_clear(call->result);
    buf_text(call->result, "{\n  \"status\": \"error\",\n  \"tool\": ");
    buf_json_str(call->result, call->name);
    buf_text(call->result, ",\n  \"error\": ");
    buf_json_str(call->result, str_of(text));
    buf_text(call->result, "\n}");
    return 0;
}

int tool_answer_json(struct tool_call *call, json_t *value)
{
    char *text = value ? json_dumps(value, JSON_INDENT(2)) : NULL;
    json_decref(value);
    if (!text) return GW_ENOMEM;
    buf_text(call->result, text);
    free(text);
    return 0;
}
