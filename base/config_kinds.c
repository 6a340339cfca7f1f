/* Every value against its rule of base/config.def: kinds, ranges, words, unknown names. */
#include <math.h>
#include <stdio.h>

#include "base/config_internal.h"
#include "base/err.h"

static void check(struct builder *b, const struct json5_node *node, const struct config_rule *rule);

static void wrong(struct builder *b, const struct json5_node *node, const char *expected)
{
    bool quotes = node->kind == JSON5_NUMBER || node->kind == JSON5_BOOL;
    bool text = strncmp(expected, "a string", 8) == 0;
    const char *article = node->kind == JSON5_NULL ? "" : node->kind == JSON5_ARRAY || node->kind == JSON5_OBJECT ? "an " : "a ";
    config_report(b, CONFIG_ERROR, node, buf_cstr(&b->path), "expected %s, got %s%s%s", expected, article, json5_kind_name(node->kind),
                  text && quotes ? "; put it in quotes" : "");
}

/* A string without NUL bytes: the rest of the program uses settings as C strings. */
static bool is_text(struct builder *b, const struct json5_node *node, const char *expected)
{
    if (node->kind != JSON5_STRING) {
        wrong(b, node, expected);
        return false;
    }
    if (memchr(node->string.p, '\0', node->string.n)) {
        config_report(b, CONFIG_ERROR, node, buf_cstr(&b->path), "holds a NUL character");
        return false;
    }
    return true;
}

static void check_int(struct builder *b, const struct json5_node *node, const struct config_setting *s)
{
    int64_t n;
    char range[80];
    snprintf(range, sizeof range, "a whole number from %.0f to %.0f", s->lo, s->hi);
    if (node->kind != JSON5_NUMBER) {
        wrong(b, node, range);
    } else if (!json5_to_int(node, &n) || (double)n < s->lo || (double)n > s->hi) {
        config_report(b, CONFIG_ERROR, node, buf_cstr(&b->path), "expected %s, got %.17g", range, node->number);
    }
}

static void check_number(struct builder *b, const struct json5_node *node, const struct config_setting *s)
{
    if (node->kind != JSON5_NUMBER) {
        wrong(b, node, "a number");
    } else if (!(node->number >= s->lo && node->number <= s->hi)) {
        config_report(b, CONFIG_ERROR, node, buf_cstr(&b->path), "expected a number from %g to %g, got %.17g", s->lo, s->hi, node->number);
    }
}

static void check_words(struct builder *b, const struct json5_node *node, const struct config_setting *s)
{
    struct buf words = { 0 };
    struct str rest = str_of(s->words), got = node->string;
    if (s->kind == CONFIG_SWITCH && node->kind == JSON5_BOOL) return;
    if (s->kind == CONFIG_SWITCH && node->kind == JSON5_STRING && !rest.n) return; /* any text or a boolean */
    if (s->kind == CONFIG_SWITCH) buf_text(&words, "true, false, ");
    while (rest.n) {
        buf_add(&words, str_split(&rest, '|'));
        if (rest.n) buf_text(&words, ", ");
    }
    if (node->kind != JSON5_STRING) {
        buf_clear(&words);
        wrong(b, node, s->kind == CONFIG_SWITCH ? "a boolean or a string" : "a string");
    } else if (!config_word_known(s->words, got)) {
        got = str_utf8_prefix(got, 40);
        config_report(b, CONFIG_ERROR, node, buf_cstr(&b->path), "expected one of %s%s%.*s%s", buf_cstr(&words),
                      node->from_env ? "" : "; got \"", STR_ARG(node->from_env ? STR("") : got), node->from_env ? "" : "\"");
    }
    buf_free(&words);
}

static void check_list(struct builder *b, const struct json5_node *node, bool numbers)
{
    size_t i = 0, start = b->path.n;
    if (node->kind != JSON5_ARRAY) {
        wrong(b, node, numbers ? "a list of strings or numbers" : "a list of strings");
        return;
    }
    for (const struct json5_node *item = node->first; item; item = item->next, i++) {
        int64_t n;
        config_path_index(&b->path, i);
        if (!numbers || item->kind != JSON5_NUMBER) {
            is_text(b, item, "a string");
        } else if (!json5_to_int(item, &n)) {
            config_report(b, CONFIG_ERROR, item, buf_cstr(&b->path), "this number is too large to be exact; put it in quotes");
        }
        b->path.n = start;
    }
}

static void check_amount(struct builder *b, const struct json5_node *node, enum config_kind kind)
{
    int64_t value;
    bool duration = kind == CONFIG_DURATION;
    const char *expected =
        duration ? "a string like \"30s\", \"5m\", \"1h\" or \"2d\", or a number" : "a string like \"512kb\" or \"2mb\", or a number";
    if (node->kind == JSON5_NUMBER && node->number >= 0 && node->number <= 1e15) return;
    if (duration && node->kind == JSON5_BOOL && !node->boolean) return;
    if (!is_text(b, node, expected)) return;
    int rc = duration ? config_duration_parse(node->string, 's', &value) : config_size_parse(node->string, &value);
    if (rc) config_report(b, CONFIG_ERROR, node, buf_cstr(&b->path), "expected %s", expected);
}

/* Whether a reference resolves is checked with the agents (config_agents.c). */
static void check_model(struct builder *b, const struct json5_node *node)
{
    size_t start = b->path.n;
    if (node->kind == JSON5_STRING) {
        is_text(b, node, "a string");
        return;
    }
    if (node->kind != JSON5_OBJECT) {
        wrong(b, node, "a model: a string or an object {primary, fallbacks}");
        return;
    }
    for (const struct json5_node *member = node->first; member; member = member->next) {
        config_path_name(&b->path, member->key);
        if (str_is(member->key, "primary")) {
            is_text(b, member, "a string");
        } else if (str_is(member->key, "fallbacks")) {
            check_list(b, member, false);
        } else {
            config_report(b, CONFIG_WARNING, member, buf_cstr(&b->path), "unknown setting, ignored; known here: primary, fallbacks");
        }
        b->path.n = start;
    }
}

static void check_members(struct builder *b, const struct json5_node *node, const struct config_rule *rule)
{
    size_t start = b->path.n;
    for (const struct json5_node *member = node->first; member; member = member->next) {
        const struct config_rule *child = config_schema_child(rule, member->key);
        config_path_name(&b->path, member->key);
        if (child) {
            check(b, member, child);
        } else {
            struct str near = config_schema_nearest(rule, member->key);
            struct json5_node at = { .place = member->key_place };
            config_report(b, CONFIG_WARNING, &at, buf_cstr(&b->path), "unknown setting, ignored%s%.*s%s", near.n ? "; did you mean \"" : "",
                          STR_ARG(near), near.n ? "\"?" : "");
        }
        b->path.n = start;
    }
}

static void check_group(struct builder *b, const struct json5_node *node, const struct config_rule *rule)
{
    const struct config_rule *element = config_schema_child(rule, STR("[]"));
    size_t i = 0, start = b->path.n;
    if (!element && node->kind == JSON5_OBJECT) {
        check_members(b, node, rule);
    } else if (!element) {
        wrong(b, node, "an object");
    } else if (node->kind != JSON5_ARRAY) {
        wrong(b, node, "a list");
    } else {
        for (const struct json5_node *item = node->first; item; item = item->next, i++) {
            config_path_index(&b->path, i);
            check(b, item, element);
            b->path.n = start;
        }
    }
}

static void check(struct builder *b, const struct json5_node *node, const struct config_rule *rule)
{
    switch (rule->kind) {
    case CONFIG_ANY:
    case CONFIG_OBJECT:
    case CONFIG_OBJECTS: break;
    case CONFIG_GROUP: check_group(b, node, rule); break;
    case CONFIG_BOOL:
        if (node->kind != JSON5_BOOL) wrong(b, node, "true or false");
        break;
    case CONFIG_INT: check_int(b, node, rule->setting); break;
    case CONFIG_NUMBER: check_number(b, node, rule->setting); break;
    case CONFIG_STRING:
    case CONFIG_SECRET:
    case CONFIG_ZONE: is_text(b, node, "a string"); break;
    case CONFIG_ENUM:
    case CONFIG_SWITCH: check_words(b, node, rule->setting); break;
    case CONFIG_STRINGS: check_list(b, node, false); break;
    case CONFIG_IDS: check_list(b, node, true); break;
    case CONFIG_DURATION:
    case CONFIG_SIZE: check_amount(b, node, rule->kind); break;
    case CONFIG_MODEL: check_model(b, node); break;
    }
}

void config_check_kinds(struct builder *b)
{
    check(b, b->cfg->root, b->cfg->rules);
}
