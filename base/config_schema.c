#include "base/config_schema.h"

#include <strings.h>

#include "base/err.h"

static const struct config_setting settings[] = {
#define SETTING(path, kind, lo, hi, words, def, doc) { path, CONFIG_##kind, lo, hi, words, def, doc, NULL },
#define SAME(path, as, doc) { path, CONFIG_GROUP, 0, 0, NULL, NULL, doc, as },
#include "base/config.def"
#undef SETTING
#undef SAME
};

enum { PATH_PARTS_MAX = 12 };

const struct config_setting *config_settings(size_t *count)
{
    *count = sizeof settings / sizeof *settings;
    return settings;
}

/* The next part of a pattern or path: a name, or "[]" for any bracket. */
static struct str next_part(struct str *rest)
{
    struct str part = *rest;
    if (rest->p[0] == '[') {
        struct str inside = *rest;
        str_split(&inside, ']');
        *rest = inside;
        part = STR("[]");
    } else {
        for (part.n = 0; part.n < rest->n && rest->p[part.n] != '.' && rest->p[part.n] != '['; part.n++) continue;
        *rest = (struct str){ rest->p + part.n, rest->n - part.n };
    }
    if (rest->n && rest->p[0] == '.') *rest = (struct str){ rest->p + 1, rest->n - 1 };
    return part;
}

static struct config_rule *add(struct arena *arena, struct config_rule *parent, struct str name)
{
    struct config_rule *rule = arena_alloc(arena, 1, sizeof *rule);
    if (!rule) return NULL;
    rule->name = name;
    if (parent->last) {
        parent->last->next = rule;
    } else {
        parent->first = rule;
    }
    parent->last = rule;
    return rule;
}

/* Lines of one object stand together, so a part is either that of the line before or new. */
struct config_rule *config_schema_build(struct arena *arena)
{
    struct config_rule *at[PATH_PARTS_MAX] = { arena_alloc(arena, 1, sizeof **at) };
    size_t before = 0;
    if (!at[0]) return NULL;
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        struct str rest = str_of(settings[i].path);
        size_t depth = 0;
        bool shared = true;
        while (rest.n) {
            struct str part = next_part(&rest);
            shared = shared && depth < before && str_eq(at[depth + 1]->name, part);
            if (!shared && !(at[depth + 1] = add(arena, at[depth], part))) return NULL;
            depth++;
        }
        at[depth]->setting = &settings[i];
        at[depth]->kind = settings[i].kind;
        struct str def = str_of(settings[i].def);
        bool quoted = def.n > 1 && def.p[0] == '"'; /* defaults have no escapes */
        at[depth]->text = arena_str(arena, quoted ? (struct str){ def.p + 1, def.n - 2 } : STR(""));
        if (!at[depth]->text.p) return NULL;
        before = depth;
    }
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        if (!settings[i].same) continue;
        struct config_rule *rule = (struct config_rule *)config_schema_find(at[0], str_of(settings[i].path));
        rule->same = config_schema_find(at[0], str_of(settings[i].same));
    }
    return at[0];
}

static const struct config_rule *named(const struct config_rule *rule, struct str name)
{
    for (; rule; rule = rule->same)
        for (const struct config_rule *child = rule->first; child; child = child->next)
            if (str_eq(child->name, name)) return child;
    return NULL;
}

const struct config_rule *config_schema_child(const struct config_rule *rule, struct str name)
{
    const struct config_rule *child = named(rule, name);
    return child || str_is(name, "[]") ? child : named(rule, STR("*"));
}

const struct config_rule *config_schema_find(const struct config_rule *root, struct str path)
{
    const struct config_rule *rule = root;
    while (rule && path.n) rule = config_schema_child(rule, next_part(&path));
    return rule;
}

/* ---- the nearest name ---- */

struct str config_schema_nearest(const struct config_rule *rule, struct str name)
{
    struct str best = { NULL, 0 };
    size_t best_distance = name.n / 2 + 2; /* further away is no resemblance */
    for (; rule; rule = rule->same) {
        for (const struct config_rule *child = rule->first; child; child = child->next) {
            size_t d = str_is(child->name, "*") ? SIZE_MAX : str_distance(name, child->name);
            if (d >= best_distance || d >= child->name.n) continue;
            best_distance = d;
            best = child->name;
        }
    }
    return best;
}

/* ---- texts ---- */

bool config_word_known(const char *words, struct str text)
{
    struct str rest = str_of(words);
    while (rest.n) {
        struct str word = str_split(&rest, '|');
        if (word.n && str_eq(word, text)) return true;
    }
    return false;
}

static int64_t unit_ms(struct str unit)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 } };
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (str_is(unit, units[i].name)) return units[i].ms;
    return 0;
}

/* Digits at the start of *rest. @return 0, GW_EPARSE when there is none, GW_ELIMIT */
static int leading_number(struct str *rest, int64_t *out)
{
    size_t n = 0;
    while (n < rest->n && rest->p[n] >= '0' && rest->p[n] <= '9') n++;
    struct str digits = { rest->p, n };
    *rest = (struct str){ rest->p + n, rest->n - n };
    return n ? str_to_int(digits, out) : GW_EPARSE;
}

int config_duration_parse(struct str text, char unit, int64_t *ms)
{
    struct str rest = str_trim(text), usual = { &unit, 1 };
    *ms = 0;
    if (!rest.n) return GW_EPARSE;
    if (unit == 'l') usual = STR("ms");
    while (rest.n) {
        int64_t count, part;
        int rc = leading_number(&rest, &count);
        if (rc) return rc;
        struct str name = { rest.p, 0 };
        while (name.n < rest.n && (rest.p[name.n] < '0' || rest.p[name.n] > '9')) name.n++;
        rest = (struct str){ rest.p + name.n, rest.n - name.n };
        int64_t each = unit_ms(name.n ? name : usual);
        if (!each) return GW_EPARSE;
        if (__builtin_mul_overflow(count, each, &part) || __builtin_add_overflow(*ms, part, ms)) return GW_ELIMIT;
    }
    return 0;
}

int config_size_parse(struct str text, int64_t *bytes)
{
    static const char *const units[] = { "b", "kb", "mb", "gb", "tb" };
    struct str rest = str_trim(text);
    int64_t each = 1;
    *bytes = 0;
    int rc = leading_number(&rest, bytes);
    if (rc) return rc;
    for (size_t i = 0; rest.n && i < sizeof units / sizeof *units; i++, each *= 1024)
        if (str_ieq(rest, str_of(units[i]))) return __builtin_mul_overflow(*bytes, each, bytes) ? GW_ELIMIT : 0;
    return rest.n ? GW_EPARSE : 0;
}

static bool has(struct str name, const char *part)
{
    size_t n = strlen(part);
    for (size_t i = 0; i + n <= name.n; i++)
        if (strncasecmp(name.p + i, part, n) == 0) return true;
    return false;
}

bool config_name_is_secret(struct str name)
{
    bool token = name.n >= 5 && strncasecmp(name.p + name.n - 5, "token", 5) == 0;
    return token || has(name, "password") || has(name, "secret") || has(name, "apikey") || has(name, "api_key") || has(name, "api-key") ||
           str_ieq(name, STR("authorization"));
}
