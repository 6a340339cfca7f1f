#include "base/config_json_schema.h"

#include <ctype.h>

#include "base/clock.h"
#include "base/config_internal.h"
#include "base/err.h"

enum { CHAIN_MAX = 32 }; /* rules inside each other */

/* Forms of clients take an object apart only when it says what its members may be. */
#define ANY_OBJECT "\"type\":\"object\",\"propertyNames\":{\"type\":\"string\"},\"additionalProperties\":{}"

/* The rules that are being written, outermost first: what repeats one of them is not written again. */
struct chain {
    const struct config_rule *rules[CHAIN_MAX];
    size_t n;
};

static void write_rule(const struct config_rule *rule, struct chain *chain, struct buf *out);

/* ---- values ---- */

static void write_words(const char *words, struct buf *out)
{
    struct str rest = str_of(words);
    buf_text(out, "\"type\":\"string\",\"enum\":[");
    while (rest.n) {
        buf_json_comma(out);
        buf_json_str(out, str_split(&rest, '|'));
    }
    buf_char(out, ']');
}

static void write_range(const struct config_setting *s, const char *type, struct buf *out)
{
    buf_printf(out, "\"type\":\"%s\",\"minimum\":", type);
    json5_print_number(out, s->lo);
    buf_text(out, ",\"maximum\":");
    json5_print_number(out, s->hi);
}

static void write_switch(const struct config_setting *s, struct buf *out)
{
    buf_text(out, "\"anyOf\":[{\"type\":\"boolean\"},{");
    if (s->words && s->words[0])
        write_words(s->words, out);
    else
        buf_text(out, "\"type\":\"string\"");
    buf_text(out, "}]");
}

/* The members of a schema for a value, without its braces. */
static void write_value(const struct config_setting *s, struct buf *out)
{
    switch (s->kind) {
    case CONFIG_BOOL: buf_text(out, "\"type\":\"boolean\""); break;
    case CONFIG_INT: write_range(s, "integer", out); break;
    case CONFIG_NUMBER: write_range(s, "number", out); break;
    case CONFIG_STRING:
    case CONFIG_SECRET:
    case CONFIG_ZONE: buf_text(out, "\"type\":\"string\""); break;
    case CONFIG_ENUM: write_words(s->words, out); break;
    case CONFIG_SWITCH: write_switch(s, out); break;
    case CONFIG_STRINGS: buf_text(out, "\"type\":\"array\",\"items\":{\"type\":\"string\"}"); break;
    case CONFIG_IDS: buf_text(out, "\"type\":\"array\",\"items\":{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"integer\"}]}"); break;
    case CONFIG_DURATION: buf_text(out, "\"anyOf\":[{\"type\":\"string\"},{\"type\":\"number\"},{\"type\":\"boolean\"}]"); break;
    case CONFIG_SIZE: buf_text(out, "\"anyOf\":[{\"type\":\"string\"},{\"type\":\"integer\"}]"); break;
    case CONFIG_MODEL:
        buf_text(out, "\"anyOf\":[{\"type\":\"string\"},{\"type\":\"object\",\"properties\":{\"primary\":{\"type\":\"string\"},"
                      "\"fallbacks\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}}}]");
        break;
    case CONFIG_OBJECT: buf_text(out, ANY_OBJECT); break;
    case CONFIG_OBJECTS: buf_text(out, "\"type\":\"array\",\"items\":{" ANY_OBJECT "}"); break;
    case CONFIG_GROUP:
    case CONFIG_ANY: break;
    }
    if (!s->def) return;
    buf_json_key(out, "default");
    buf_text(out, s->def);
}

/* ---- objects and lists ---- */

static bool is_open(const struct chain *chain, const struct config_rule *rule)
{
    for (size_t i = 0; i < chain->n; i++)
        if (chain->rules[i] == rule) return true;
    return false;
}

/* A name is written where it stands first: a rule's own members win over those of `same`. */
static bool is_first(const struct config_rule *rule, const struct config_rule *child)
{
    return config_schema_child(rule, child->name) == child;
}

static void write_members(const struct config_rule *rule, struct chain *chain, struct buf *out)
{
    const struct config_rule *any = config_schema_child(rule, STR("*"));
    bool named = false;
    buf_text(out, "\"type\":\"object\"");
    for (const struct config_rule *r = rule; r; r = r->same) {
        for (const struct config_rule *c = r->first; c; c = c->next) {
            if (str_is(c->name, "*") || str_is(c->name, "[]") || !is_first(rule, c)) continue;
            buf_text(out, named ? "," : ",\"properties\":{");
            named = true;
            buf_json_str(out, c->name);
            buf_char(out, ':');
            write_rule(c, chain, out);
        }
    }
    if (named) buf_char(out, '}');
    if (any && !named) buf_text(out, ",\"propertyNames\":{\"type\":\"string\"}");
    buf_json_key(out, "additionalProperties");
    if (any)
        write_rule(any, chain, out);
    else
        buf_text(out, "false");
}

static void write_rule(const struct config_rule *rule, struct chain *chain, struct buf *out)
{
    const struct config_rule *element = config_schema_child(rule, STR("[]"));
    bool group = rule->first || rule->same;
    buf_char(out, '{');
    bool again = chain->n == CHAIN_MAX || is_open(chain, rule);
    if (!group && rule->setting) {
        write_value(rule->setting, out);
    } else if (again) {
        buf_text(out, "\"type\":\"object\"");
    } else {
        chain->rules[chain->n++] = rule;
        if (element) {
            buf_text(out, "\"type\":\"array\",\"items\":");
            write_rule(element, chain, out);
        } else {
            write_members(rule, chain, out);
        }
        chain->n--;
    }
    buf_char(out, '}');
}

/* ---- hints ---- */

static const struct {
    const char *name, *label;
    int order;
} groups[] = {
    { "wizard", "Wizard", 20 },
    { "update", "Update", 25 },
    { "diagnostics", "Diagnostics", 27 },
    { "gateway", "Gateway", 30 },
    { "nodeHost", "Node Host", 35 },
    { "agents", "Agents", 40 },
    { "tools", "Tools", 50 },
    { "bindings", "Bindings", 55 },
    { "audio", "Audio", 60 },
    { "models", "Models", 70 },
    { "messages", "Messages", 80 },
    { "commands", "Commands", 85 },
    { "session", "Session", 90 },
    { "cron", "Cron", 100 },
    { "hooks", "Hooks", 110 },
    { "ui", "UI", 120 },
    { "browser", "Browser", 130 },
    { "talk", "Talk", 140 },
    { "channels", "Channels", 150 },
    { "skills", "Skills", 200 },
    { "plugins", "Plugins", 205 },
    { "discovery", "Discovery", 210 },
    { "logging", "Logging", 900 },
};

/* Objects that a hint for any name would else be taken for. */
static const char *const named[][3] = {
    { "channels.discord", "Discord", "the Discord bot" },
    { "channels.telegram", "Telegram", "accepted, not served" },
    { "channels.defaults", "Defaults", "for channels that set none" },
    { "channels.modelByChannel", "Model By Channel", "models by channel id" },
};

/* "models.providers.*.apiKey" -> "Api Key" */
static void write_label(struct str path, struct buf *out)
{
    struct buf label = { 0 };
    size_t start = path.n;
    while (start > 0 && path.p[start - 1] != '.') start--;
    for (size_t i = start; i < path.n && path.p[i] != '['; i++) {
        char c = path.p[i];
        bool first = i == start, capital = c >= 'A' && c <= 'Z';
        bool after_small = !first && path.p[i - 1] >= 'a' && path.p[i - 1] <= 'z';
        if (capital && after_small) buf_char(&label, ' ');
        buf_char(&label, first ? (char)toupper((unsigned char)c) : c);
    }
    if (!str_is(buf_str(&label), "*")) buf_json_pair_str(out, "label", buf_str(&label)); /* there the name itself is the label */
    buf_free(&label);
}

static void write_groups(struct buf *out)
{
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        buf_json_key(out, groups[i].name);
        buf_char(out, '{');
        buf_json_pair_str(out, "label", str_of(groups[i].label));
        buf_json_pair_str(out, "group", str_of(groups[i].label));
        buf_json_pair_int(out, "order", groups[i].order);
        buf_char(out, '}');
    }
}

static void write_named(struct buf *out)
{
    for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
        buf_json_key(out, named[i][0]);
        buf_char(out, '{');
        buf_json_pair_str(out, "label", str_of(named[i][1]));
        buf_json_pair_str(out, "help", str_of(named[i][2]));
        buf_char(out, '}');
    }
}

static bool is_group(const char *path)
{
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        if (strcmp(groups[i].name, path) == 0) return true;
    return false;
}

static void write_hint(const struct config_setting *s, struct buf *out)
{
    struct str path = str_of(s->path), last = path;
    for (size_t i = 0; i < path.n; i++)
        if (path.p[i] == '.') last = (struct str){ path.p + i + 1, path.n - i - 1 };
    bool text = s->kind == CONFIG_STRING || s->kind == CONFIG_SECRET;
    buf_json_key(out, s->path);
    buf_char(out, '{');
    write_label(path, out);
    buf_json_pair_str(out, "help", str_of(s->doc));
    if (s->kind == CONFIG_SECRET || (text && config_name_is_secret(last))) buf_json_pair_bool(out, "sensitive", true);
    buf_char(out, '}');
}

int config_json_schema(int64_t now_ms, struct buf *out)
{
    struct arena arena = { 0 };
    struct chain chain = { .n = 0 };
    char now[CLOCK_ISO_SIZE];
    size_t count;
    const struct config_setting *settings = config_settings(&count);
    const struct config_rule *root = config_schema_build(&arena);
    if (!root) return GW_ENOMEM;
    buf_text(out, "{\"schema\":{\"$schema\":\"http://json-schema.org/draft-07/schema#\",");
    chain.rules[chain.n++] = root;
    write_members(root, &chain, out);
    buf_text(out, ",\"title\":\"OpenClawConfig\"},\"uiHints\":{");
    write_groups(out);
    write_named(out);
    for (size_t i = 0; i < count; i++)
        if (!is_group(settings[i].path)) write_hint(&settings[i], out);
    buf_text(out, "}");
    buf_json_pair_str(out, "version", STR(CONFIG_COMPATIBLE));
    clock_iso(now_ms, now);
    buf_json_pair_str(out, "generatedAt", str_of(now));
    buf_char(out, '}');
    arena_free(&arena);
    return out->err;
}
