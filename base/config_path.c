/* Paths to settings: writing them, walking along them, and the values behind them. */
#include "base/config_internal.h"
#include "base/err.h"

static bool bare(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        if (c <= ' ' || c == 0x7F || strchr(".[]\"\\", (int)c)) return false;
    }
    return name.n > 0;
}

void config_path_name(struct buf *path, struct str name)
{
    if (bare(name)) {
        if (path->n) buf_char(path, '.');
        buf_add(path, name);
    } else {
        buf_char(path, '[');
        buf_json_str(path, name);
        buf_char(path, ']');
    }
}

void config_path_index(struct buf *path, size_t i)
{
    buf_printf(path, "[%zu]", i);
}

static bool digits(struct str s, int64_t *out)
{
    return s.n && s.p[0] >= '0' && s.p[0] <= '9' && str_to_int(s, out) == 0;
}

/* The next part of a path, cut off *rest: a name or the digits of an index. @return false when the path is malformed */
bool config_path_next(struct str *rest, struct str *part)
{
    bool bracket = rest->p[0] == '[';
    size_t n = 0;
    if (bracket && rest->n > 1 && rest->p[1] == '"') {
        for (n = 2; n < rest->n && rest->p[n] != '"'; n++) continue;
        *part = (struct str){ rest->p + 2, n < rest->n ? n - 2 : 0 };
        n += 1;
    } else if (bracket) {
        for (n = 1; n < rest->n && rest->p[n] != ']'; n++) continue;
        *part = (struct str){ rest->p + 1, n - 1 };
    } else {
        while (n < rest->n && rest->p[n] != '.' && rest->p[n] != '[') n++;
        *part = (struct str){ rest->p, n };
    }
    if (bracket && (n >= rest->n || rest->p[n] != ']')) return false;
    n += bracket;
    if (n < rest->n && rest->p[n] == '.') {
        n++;
    } else if (n < rest->n && rest->p[n] != '[') {
        return false;
    }
    *rest = (struct str){ rest->p + n, rest->n - n };
    return bracket || part->n > 0;
}

static const struct json5_node *child(const struct json5_node *node, struct str part)
{
    int64_t i;
    if (!node) return NULL;
    if (node->kind == JSON5_ARRAY) return digits(part, &i) ? json5_element(node, (size_t)i) : NULL;
    return json5_member(node, part);
}

const struct json5_node *config_at(const struct json5_node *node, struct str path)
{
    while (node && path.n) {
        struct str part;
        if (!config_path_next(&path, &part)) return NULL;
        node = child(node, part);
    }
    return node;
}

/* Node and rule along a path; either may be NULL. */
static void walk(const config_t *cfg, struct str path, const struct json5_node **node, const struct config_rule **rule, struct str *last)
{
    *node = cfg->root;
    *rule = cfg->rules;
    *last = STR("");
    while (path.n && (*node || *rule)) {
        if (!config_path_next(&path, last)) {
            *node = NULL;
            *rule = NULL;
            return;
        }
        bool list = *rule && (*node ? (*node)->kind == JSON5_ARRAY : config_schema_child(*rule, STR("[]")) != NULL);
        *node = child(*node, *last);
        *rule = config_schema_child(*rule, list ? STR("[]") : *last);
    }
}

const struct json5_node *config_get(const config_t *cfg, struct str path)
{
    return config_at(cfg->root, path);
}

struct str config_text_of(const struct json5_node *node)
{
    return node && node->kind == JSON5_STRING ? node->string : (struct str){ "", 0 };
}

/* The value at a path, and the rule for it; either may be NULL. */
static const struct json5_node *value(const config_t *cfg, const char *path, const struct config_rule **rule)
{
    const struct json5_node *node;
    struct str last;
    walk(cfg, str_of(path), &node, rule, &last);
    return node;
}

int64_t config_int(const config_t *cfg, const char *path)
{
    const struct config_rule *rule;
    int64_t n = 0;
    const struct json5_node *node = value(cfg, path, &rule);
    if (node) {
        json5_to_int(node, &n);
    } else if (rule && rule->setting) {
        str_to_int(str_of(rule->setting->def), &n);
    }
    return n;
}

bool config_bool(const config_t *cfg, const char *path)
{
    const struct config_rule *rule;
    const struct json5_node *node = value(cfg, path, &rule);
    if (node) return node->kind == JSON5_BOOL && node->boolean;
    return rule && rule->setting && str_is(str_of(rule->setting->def), "true");
}

struct str config_str(const config_t *cfg, const char *path)
{
    const struct config_rule *rule;
    const struct json5_node *node = value(cfg, path, &rule);
    if (node) return config_text_of(node);
    return rule && rule->text.p ? rule->text : STR("");
}

int64_t config_duration(const config_t *cfg, const char *path, char unit)
{
    const struct config_rule *rule;
    int64_t ms = -1, each;
    const struct json5_node *node = value(cfg, path, &rule);
    if (node && node->kind == JSON5_NUMBER && config_duration_parse(STR("1"), unit, &each) == 0) {
        double product = node->number * (double)each;
        return product >= 0 && product <= 9e15 ? (int64_t)product : -1;
    }
    return config_duration_parse(config_str(cfg, path), unit, &ms) ? -1 : ms;
}

/* ---- printing ---- */

bool config_is_secret(const struct config_rule *rule, struct str name)
{
    return (rule && rule->kind == CONFIG_SECRET) || config_name_is_secret(name);
}

bool config_is_reference(struct str text)
{
    size_t n = 0;
    if (!str_starts(text, STR("${")) || text.p[text.n - 1] != '}') return false;
    for (size_t i = 2; i + 1 < text.n; i++, n++)
        if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", text.p[i])) return false;
    return n > 0;
}

bool config_is_hidden(const struct json5_node *node, const struct config_rule *rule, struct str name)
{
    if (node->kind != JSON5_STRING || node->string.n == 0) return false;
    if (node->secret) return true;
    return config_is_secret(rule, name) && (node->from_env || !config_is_reference(node->string));
}

static void new_line(struct config_printer *p)
{
    if (!p->indent) return;
    buf_char(p->out, '\n');
    for (int i = 0; i < p->level * p->indent; i++) buf_char(p->out, ' ');
}

static void print_children(struct config_printer *p, const struct json5_node *node, const struct config_rule *rule, struct str name)
{
    bool object = node->kind == JSON5_OBJECT;
    buf_char(p->out, object ? '{' : '[');
    p->level++;
    for (const struct json5_node *c = node->first; c; c = c->next) {
        if (c != node->first) buf_char(p->out, ',');
        new_line(p);
        if (object) {
            buf_json_str(p->out, c->key);
            buf_text(p->out, p->indent ? ": " : ":");
        }
        config_print_node(p, c, config_schema_child(rule, object ? c->key : STR("[]")), object ? c->key : name);
    }
    p->level--;
    if (node->first) new_line(p);
    buf_char(p->out, object ? '}' : ']');
}

void config_print_node(struct config_printer *p, const struct json5_node *node, const struct config_rule *rule, struct str name)
{
    switch (node->kind) {
    case JSON5_NULL: buf_text(p->out, "null"); break;
    case JSON5_BOOL: buf_text(p->out, node->boolean ? "true" : "false"); break;
    case JSON5_NUMBER: json5_print_number(p->out, node->number); break;
    case JSON5_STRING: buf_json_str(p->out, p->mask && config_is_hidden(node, rule, name) ? str_of(p->mask) : node->string); break;
    case JSON5_ARRAY:
    case JSON5_OBJECT: print_children(p, node, rule, name); break;
    }
}

int config_print(const config_t *cfg, struct str path, int indent, struct buf *out)
{
    struct config_printer p = { .out = out, .indent = indent, .mask = "***" };
    const struct json5_node *node;
    const struct config_rule *rule;
    struct str last;
    walk(cfg, path, &node, &rule, &last);
    if (node) {
        config_print_node(&p, node, rule, last);
    } else if (rule && rule->setting && rule->setting->def) {
        buf_text(out, rule->setting->def);
    } else {
        return GW_ENOENT;
    }
    return out->err;
}

/* ---- secrets ---- */

static void collect(struct builder *b, const struct json5_node *node, const struct config_rule *rule, struct str name, bool count)
{
    config_t *cfg = b->cfg;
    if (node->kind == JSON5_STRING && node->string.n >= CONFIG_SECRET_MIN && config_is_secret(rule, name)) {
        if (!count) cfg->secrets[cfg->secret_count] = node->string;
        cfg->secret_count++;
    }
    for (const struct json5_node *c = node->first; c; c = c->next) {
        bool object = node->kind == JSON5_OBJECT;
        collect(b, c, config_schema_child(rule, object ? c->key : STR("[]")), object ? c->key : name, count);
    }
}

static const char *const secret_variables[] = {
    "OPENCLAW_GATEWAY_TOKEN", "OPENCLAW_GATEWAY_PASSWORD", "OPENROUTER_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY", "ANTHROPIC_API_KEY",
    "OPENAI_API_KEY",         "DISCORD_BOT_TOKEN",         "TELEGRAM_BOT_TOKEN", "BRAVE_API_KEY",  "GITHUB_TOKEN",   "CURSOR_API_KEY",
};
enum { SECRET_VARIABLES = sizeof secret_variables / sizeof *secret_variables };

void config_collect_secrets(struct builder *b)
{
    config_t *cfg = b->cfg;
    collect(b, cfg->root, cfg->rules, STR(""), true);
    cfg->secrets = config_new(b, cfg->secret_count + SECRET_VARIABLES, sizeof *cfg->secrets);
    cfg->secret_count = 0;
    if (!cfg->secrets) return;
    collect(b, cfg->root, cfg->rules, STR(""), false);
    for (size_t i = 0; i < SECRET_VARIABLES; i++) {
        struct str text = config_env(b, secret_variables[i]);
        if (text.n < CONFIG_SECRET_MIN) continue;
        cfg->secrets[cfg->secret_count++] = config_copy(b, text);
    }
}

size_t config_secret_count(const config_t *cfg)
{
    return cfg->secret_count;
}

struct str config_secret_at(const config_t *cfg, size_t i)
{
    return i < cfg->secret_count ? cfg->secrets[i] : STR("");
}
