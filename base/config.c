#include "base/config.h"

#include <stdlib.h>

#include "base/config_internal.h"
#include "base/err.h"

enum { PATH_TEXT_MAX = 4096 }; /* bytes of a file name */

/* ---- what all steps use ---- */

void config_report(struct builder *b, enum config_severity severity, const struct json5_node *node, const char *path, const char *format,
                   ...)
{
    struct config_problem problem = { .severity = severity, .path = str_of(path) };
    struct buf text = { 0 };
    char line[CONFIG_PROBLEM_TEXT_MAX];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    buf_add(&text, (struct str){ line, n < 0 ? 0 : (size_t)n < sizeof line ? (size_t)n : sizeof line - 1 });
    problem.message = str_utf8_prefix(buf_str(&text), CONFIG_PROBLEM_TEXT_MAX - 1);
    if (b->cfg->file_count) problem.file = b->cfg->files[0];
    if (node && node->place.file < b->cfg->file_count) {
        problem.file = b->cfg->files[node->place.file];
        problem.line = node->place.line;
        problem.column = node->place.column;
    }
    config_problems_add(b->problems, &problem);
    buf_free(&text);
}

void *config_new(struct builder *b, size_t count, size_t size)
{
    void *p = arena_alloc(&b->cfg->arena, count, size);
    if (!p) b->err = b->cfg->arena.err;
    return p;
}

struct str config_copy(struct builder *b, struct str text)
{
    struct str copy = arena_str(&b->cfg->arena, text);
    if (!copy.p) b->err = b->cfg->arena.err;
    return copy.p ? copy : STR("");
}

struct str config_format(struct builder *b, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    if (n < 0) {
        b->err = GW_ENOMEM;
        return STR("");
    }
    struct str copy = config_copy(b, (struct str){ text, (size_t)n });
    free(text);
    return copy;
}

struct str config_expand_home(struct builder *b, struct str path)
{
    bool home = str_is(path, "~") || str_starts(path, STR("~/"));
    if (!home || !b->cfg->home.n) return path;
    return config_format(b, "%s%.*s", b->cfg->home.p, (int)path.n - 1, path.p + 1);
}

void config_strings(struct builder *b, const struct json5_node *list, const struct str **out, size_t *count)
{
    *out = NULL;
    *count = 0;
    if (!list || list->kind != JSON5_ARRAY || !list->count) return;
    struct str *texts = config_new(b, list->count, sizeof *texts);
    if (!texts) return;
    for (const struct json5_node *item = list->first; item; item = item->next)
        if (item->kind == JSON5_STRING) texts[(*count)++] = item->string;
    *out = texts;
}

struct str config_env(const struct builder *b, const char *name)
{
    struct str text = env_get(b->env, name);
    if (text.n || !b->cfg->root) return text;
    const struct json5_node *own = json5_member(b->cfg->root, STR("env"));
    text = config_text_of(json5_member(json5_member(own, STR("vars")), str_of(name)));
    if (!text.n) text = config_text_of(json5_member(own, str_of(name)));
    return str_find(text, STR("${")) >= 0 ? STR("") : text; /* not put in yet: a variable made of itself is not set */
}

/* ---- places ---- */

static int join(const struct env *env, struct str path, const char *more, char *out, size_t cap)
{
    struct str home = env_get(env, "HOME");
    bool tilde = path.n && path.p[0] == '~' && (path.n == 1 || path.p[1] == '/');
    struct buf text = { .max = cap };
    if (tilde) {
        buf_add(&text, home);
        path = (struct str){ path.p + 1, path.n - 1 };
    }
    buf_add(&text, path);
    buf_text(&text, more);
    int rc = text.err ? text.err : str_copy(out, cap, buf_str(&text));
    if (rc && cap) out[0] = '\0';
    buf_free(&text);
    return rc;
}

int config_state_dir(const struct env *env, char *out, size_t cap)
{
    struct str set = str_trim(env_get(env, "OPENCLAW_STATE_DIR"));
    while (set.n > 1 && set.p[set.n - 1] == '/') set.n--;
    return set.n ? join(env, set, "", out, cap) : join(env, STR("~"), "/.openclaw", out, cap);
}

int config_path(const struct env *env, char *out, size_t cap)
{
    struct str set = str_trim(env_get(env, "OPENCLAW_CONFIG_PATH"));
    if (set.n) return join(env, set, "", out, cap);
    char state[PATH_TEXT_MAX];
    int rc = config_state_dir(env, state, sizeof state);
    if (rc) return rc;
    return join(env, str_of(state), "/openclaw.json", out, cap);
}

/* ---- making one ---- */

static int begin(struct builder *b, const struct env *env, struct config_problems *problems)
{
    char state[PATH_TEXT_MAX];
    *b = (struct builder){ .env = env, .problems = problems };
    b->cfg = calloc(1, sizeof *b->cfg);
    if (!b->cfg) return GW_ENOMEM;
    atomic_init(&b->cfg->refs, 1);
    b->cfg->arena.max = CONFIG_MEMORY_MAX;
    b->cfg->rules = config_schema_build(&b->cfg->arena);
    if (!b->cfg->rules) b->err = GW_ENOMEM;
    b->cfg->home = config_copy(b, env_get(env, "HOME"));
    if (config_state_dir(env, state, sizeof state))
        config_report(b, CONFIG_ERROR, NULL, "", "OPENCLAW_STATE_DIR is longer than %d bytes", PATH_TEXT_MAX);
    b->cfg->state_dir = config_copy(b, str_of(state));
    return b->err;
}

/* Variables, kinds, then everything that is made of the values. Later steps take wrong kinds as absent. */
static void complete(struct builder *b, struct json5_node *root)
{
    b->cfg->root = root;
    if (root->kind != JSON5_OBJECT) {
        config_report(b, CONFIG_ERROR, root, "", "the configuration must be an object: { ... }");
        return;
    }
    config_source_substitute(b, root);
    config_check_kinds(b);
    config_resolve_providers(b);
    config_resolve_agents(b);
    config_resolve_bindings(b);
    config_check_cron(b);
    config_check_hooks(b);
    config_resolve_gateway(b);
    config_resolve_limits(b);
    config_check_rest(b);
    config_collect_secrets(b);
}

static int end(struct builder *b, int rc, config_t **out)
{
    if (rc == 0) rc = b->err;
    if (rc == 0 && b->path.err) rc = b->path.err;
    if (rc == GW_ELIMIT && b->cfg && !b->problems->errors)
        config_report(b, CONFIG_ERROR, NULL, "", "too large: its values would fill more than %d MiB", CONFIG_MEMORY_MAX / 1024 / 1024);
    if (rc == GW_ELIMIT) rc = GW_ECONFIG;
    if (rc == 0 && b->problems->errors) rc = GW_ECONFIG;
    buf_free(&b->path);
    if (rc) {
        config_unref(&b->cfg);
    } else {
        *out = b->cfg;
    }
    return rc;
}

int config_load(const char *path, const struct env *env, config_t **out, struct config_problems *problems)
{
    struct builder b;
    *out = NULL;
    int rc = begin(&b, env, problems);
    struct json5_node *root = rc ? NULL : config_source_file(&b, path);
    if (root) complete(&b, root);
    return end(&b, rc, out);
}

int config_parse(struct str text, const char *name, const struct env *env, config_t **out, struct config_problems *problems)
{
    struct builder b;
    *out = NULL;
    int rc = begin(&b, env, problems);
    struct json5_node *root = rc ? NULL : config_source_text(&b, name, text);
    if (root) complete(&b, root);
    return end(&b, rc, out);
}

int config_inspect(struct str text, const char *name, const struct env *env, config_t **out, struct config_problems *problems)
{
    struct builder b;
    *out = NULL;
    int rc = begin(&b, env, problems);
    struct json5_node *root = rc ? NULL : config_source_text(&b, name, text);
    if (root) complete(&b, root);
    if (rc == 0) rc = b.err;
    if (rc || !root || root->kind != JSON5_OBJECT) return end(&b, rc ? rc : GW_ECONFIG, out);
    buf_free(&b.path);
    *out = b.cfg;
    return 0;
}

int config_default(const struct env *env, config_t **out, struct config_problems *problems)
{
    struct builder b;
    *out = NULL;
    int rc = begin(&b, env, problems);
    struct json5_node *root = rc ? NULL : config_new(&b, 1, sizeof *root);
    if (root) {
        root->kind = JSON5_OBJECT;
        complete(&b, root);
    }
    return end(&b, rc, out);
}

config_t *config_ref(config_t *cfg)
{
    atomic_fetch_add_explicit(&cfg->refs, 1, memory_order_relaxed);
    return cfg;
}

void config_unref(config_t **cfg_p)
{
    config_t *cfg = *cfg_p;
    *cfg_p = NULL;
    if (!cfg || atomic_fetch_sub_explicit(&cfg->refs, 1, memory_order_acq_rel) > 1) return;
    arena_free(&cfg->arena);
    free(cfg);
}

struct str config_file(const config_t *cfg)
{
    return cfg->file_count ? cfg->files[0] : STR("");
}

size_t config_file_count(const config_t *cfg)
{
    return cfg->file_count;
}

struct str config_file_at(const config_t *cfg, size_t i)
{
    return i < cfg->file_count ? cfg->files[i] : STR("");
}

struct str config_state(const config_t *cfg)
{
    return cfg->state_dir;
}
