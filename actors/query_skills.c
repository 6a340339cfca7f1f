#include "actors/query_answers.h"

#include <stdlib.h>

#include "actors/agent_skills.h"
#include "actors/query_config.h"
#include "actors/query_util.h"
#include "base/config_edit.h"
#include "base/config_redact.h"

enum { BINS_MAX = 4096 }; /* names in skills.bins */

static const char *source_name(enum skill_source source)
{
    static const char *const names[] = { "openclaw-extra", "openclaw-bundled", "openclaw-managed", "openclaw-workspace" };
    return names[source];
}

/* --- what is needed, what is missing ---------------------------------------------------------------------------- */

struct needs {
    struct buf *out;
    const struct skills_options *options;
    const struct skill *skill;
    bool missing_only;
};

static void add_list(const struct needs *n, const char *key, enum skill_need need, const struct skill_list *list)
{
    buf_json_key(n->out, key);
    buf_char(n->out, '[');
    for (size_t i = 0; i < list->count; i++) {
        if (n->missing_only && skills_has(n->options, n->skill, need, list->items[i])) continue;
        buf_json_comma(n->out);
        buf_json_str(n->out, list->items[i]);
    }
    buf_char(n->out, ']');
}

static bool has_any(const struct needs *n, enum skill_need need, const struct skill_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (skills_has(n->options, n->skill, need, list->items[i])) return true;
    return list->count == 0;
}

/* One of several is enough: all are missing or none. */
static const struct skill_list *unless_any(const struct needs *n, enum skill_need need, const struct skill_list *list)
{
    static const struct skill_list none = { NULL, 0 };
    return n->missing_only && has_any(n, need, list) ? &none : list;
}

static void add_needs(const struct needs *n, const char *key)
{
    static const struct skill_requires nothing = { .bins = { NULL, 0 } };
    const struct skill_requires *r = &n->skill->requires;
    const struct skill_requires *rest = n->missing_only && n->skill->always ? &nothing : r; /* it needs nothing but its os */
    buf_json_key(n->out, key);
    buf_char(n->out, '{');
    add_list(n, "bins", SKILL_BIN, &rest->bins);
    add_list(n, "anyBins", SKILL_BIN, unless_any(n, SKILL_BIN, &rest->any_bins));
    add_list(n, "env", SKILL_ENV, &rest->env);
    add_list(n, "config", SKILL_CONFIG, &rest->config);
    add_list(n, "os", SKILL_OS, unless_any(n, SKILL_OS, &r->os));
    buf_char(n->out, '}');
}

static void add_checks(const struct needs *n)
{
    const struct skill_list *paths = &n->skill->requires.config;
    buf_json_key(n->out, "configChecks");
    buf_char(n->out, '[');
    for (size_t i = 0; i < paths->count; i++) {
        buf_json_comma(n->out);
        buf_char(n->out, '{');
        buf_json_pair_str(n->out, "path", paths->items[i]);
        buf_json_pair_bool(n->out, "satisfied", skills_has(n->options, n->skill, SKILL_CONFIG, paths->items[i]));
        buf_char(n->out, '}');
    }
    buf_char(n->out, ']');
}

/* Only what would help on this system. */
static void add_install(const struct needs *n)
{
    const struct skill *s = n->skill;
    bool here = has_any(n, SKILL_OS, &s->requires.os);
    buf_json_key(n->out, "install");
    buf_char(n->out, '[');
    for (size_t i = 0; here && i < s->install_count; i++) {
        const struct skill_install *way = &s->install[i];
        if (!has_any(n, SKILL_OS, &way->os)) continue;
        buf_json_comma(n->out);
        buf_char(n->out, '{');
        buf_json_pair_str(n->out, "id", way->id);
        buf_json_pair_str(n->out, "kind", way->kind);
        buf_json_pair_str(n->out, "label", way->label);
        query_pair_list(n->out, "bins", way->bins.items, way->bins.count);
        buf_char(n->out, '}');
    }
    buf_char(n->out, ']');
}

/* --- skills.status ---------------------------------------------------------------------------------------------- */

static void add_skill(struct buf *out, const struct agent_skills *of, const struct skill *s)
{
    struct needs n = { .out = out, .options = &of->options, .skill = s };
    bool disabled = agent_skills_disabled(of->config, s), blocked = agent_skills_blocked(of->config, s);
    buf_json_comma(out);
    buf_char(out, '{');
    buf_json_pair_str(out, "name", s->name);
    buf_json_pair_str(out, "description", s->description);
    buf_json_pair_str(out, "source", str_of(source_name(s->source)));
    buf_json_pair_bool(out, "bundled", s->source == SKILL_BUNDLED);
    buf_json_pair_str(out, "filePath", s->path);
    buf_json_pair_str(out, "baseDir", s->dir);
    buf_json_pair_str(out, "skillKey", s->key);
    if (s->primary_env.n) buf_json_pair_str(out, "primaryEnv", s->primary_env);
    if (s->emoji.n) buf_json_pair_str(out, "emoji", s->emoji);
    if (s->homepage.n) buf_json_pair_str(out, "homepage", s->homepage);
    buf_json_pair_bool(out, "always", s->always);
    if (!s->user_invocable) buf_json_pair_bool(out, "userInvocable", false);
    buf_json_pair_bool(out, "disabled", disabled);
    buf_json_pair_bool(out, "blockedByAllowlist", blocked);
    buf_json_pair_bool(out, "eligible", s->eligible && !disabled && !blocked);
    add_needs(&n, "requirements");
    n.missing_only = true;
    add_needs(&n, "missing");
    add_checks(&n);
    add_install(&n);
    buf_char(out, '}');
}

/* All skills of an agent's folders. @return 0 or GW_E*; free *of and destroy *skills in any case */
static int load(const struct rpc_call *call, const struct config_agent *agent, struct agent_skills **of, skills_t **skills)
{
    *skills = NULL;
    *of = malloc(sizeof **of);
    if (!*of) return GW_ENOMEM;
    agent_skills_init(*of, call->config, agent, true);
    return skills_load(&(*of)->options, skills);
}

static int skills_status(struct rpc_call *call)
{
    struct str id = str_trim(rpc_str(call, "agentId"));
    const struct config_agent *agent = query_agent(call, id);
    struct agent_skills *of;
    skills_t *skills;
    size_t count;
    if (!agent) return rpc_fail(call, "INVALID_REQUEST", "unknown agent id \"%.*s\"", STR_ARG(id));
    int rc = load(call, agent, &of, &skills);
    if (rc == 0) {
        const struct skill *list = skills_list(skills, &count);
        buf_char(call->out, '{');
        buf_json_pair_str(call->out, "workspaceDir", agent->workspace);
        buf_json_pair_str(call->out, "managedSkillsDir", str_of(of->managed));
        buf_json_key(call->out, "skills");
        buf_char(call->out, '[');
        for (size_t i = 0; i < count; i++) add_skill(call->out, of, &list[i]);
        buf_text(call->out, "]}");
    }
    skills_destroy(&skills);
    free(of);
    return rc;
}

/* --- skills.bins: for nodes, which look whether they have them --------------------------------------------------- */

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int keep_bins(char **bins, size_t *count, const struct skill_list *list)
{
    for (size_t i = 0; i < list->count && *count < BINS_MAX; i++) {
        bins[*count] = str_dup(list->items[i]);
        if (!bins[*count]) return GW_ENOMEM;
        (*count)++;
    }
    return 0;
}

static int collect_bins(const struct rpc_call *call, char **bins, size_t *count)
{
    int rc = 0;
    for (size_t a = 0; rc == 0 && a < config_agent_count(call->config); a++) {
        struct agent_skills *of;
        skills_t *skills;
        size_t n;
        rc = load(call, config_agent_at(call->config, a), &of, &skills);
        const struct skill *list = skills_list(skills, &n);
        for (size_t i = 0; rc == 0 && i < n; i++) {
            rc = keep_bins(bins, count, &list[i].requires.bins);
            if (rc == 0) rc = keep_bins(bins, count, &list[i].requires.any_bins);
            for (size_t w = 0; rc == 0 && w < list[i].install_count; w++) rc = keep_bins(bins, count, &list[i].install[w].bins);
        }
        skills_destroy(&skills);
        free(of);
    }
    return rc;
}

static int skills_bins(struct rpc_call *call)
{
    size_t count = 0;
    char **bins = calloc(BINS_MAX, sizeof *bins);
    int rc = bins ? collect_bins(call, bins, &count) : GW_ENOMEM;
    if (rc == 0) {
        qsort(bins, count, sizeof *bins, compare_text);
        buf_text(call->out, "{\"bins\":[");
        for (size_t i = 0; i < count; i++) {
            if (i > 0 && strcmp(bins[i], bins[i - 1]) == 0) continue;
            buf_json_comma(call->out);
            buf_json_str(call->out, str_of(bins[i]));
        }
        buf_text(call->out, "]}");
    }
    for (size_t i = 0; i < count; i++) free(bins[i]);
    free(bins);
    return rc;
}

/* --- skills.install: nothing is installed here --------------------------------------------------------------------------------------- */

static const struct skill *find(const skills_t *skills, struct str name)
{
    size_t count;
    const struct skill *list = skills_list(skills, &count);
    for (size_t i = 0; i < count; i++)
        if (str_eq(list[i].name, name)) return &list[i];
    return NULL;
}

static int refuse_install(struct rpc_call *call, const struct skill *skill, struct str name, struct str id)
{
    if (!skill) return rpc_fail(call, "UNAVAILABLE", "Skill not found: %.*s", STR_ARG(name));
    for (size_t i = 0; i < skill->install_count; i++)
        if (str_eq(skill->install[i].id, id))
            return rpc_fail(call, "UNAVAILABLE",
                            "This gateway runs no installers. Put what %.*s needs into its PATH: \"%.*s\" would have been the way.",
                            STR_ARG(name), STR_ARG(skill->install[i].label));
    return rpc_fail(call, "UNAVAILABLE", "Installer not found: %.*s", STR_ARG(id));
}

static int skills_install(struct rpc_call *call)
{
    struct agent_skills *of;
    skills_t *skills;
    struct str name = rpc_str(call, "name");
    int rc = load(call, config_agent_default(call->config), &of, &skills);
    if (rc == 0) rc = refuse_install(call, find(skills, name), name, rpc_str(call, "installId"));
    skills_destroy(&skills);
    free(of);
    return rc;
}

/* --- skills.update: skills.entries.<key> of the configuration file ----------------------------------------------- */

/* An empty text removes a variable or key. */
static json_t *or_null(const json_t *text)
{
    return json_string_length(text) ? json_incref((json_t *)text) : json_null();
}

static int change_entry(struct query_config_edit *edit, struct str text, const config_t *now, struct buf *out, char *why)
{
    const json_t *params = edit->call->params, *env = json_object_get(params, "env"), *v;
    json_t *entry = json_object(), *vars = json_object();
    const char *name;
    (void)now;
    if (json_object_get(params, "enabled")) json_object_set(entry, "enabled", json_object_get(params, "enabled"));
    if (json_object_get(params, "apiKey")) json_object_set_new(entry, "apiKey", or_null(json_object_get(params, "apiKey")));
    json_object_foreach((json_t *)env, name, v) json_object_set_new(vars, name, or_null(v));
    if (env) json_object_set(entry, "env", vars);
    json_t *patch = json_pack("{s:{s:{s:o}}}", "skills", "entries", json_string_value(json_object_get(params, "skillKey")), entry);
    char *written = patch ? json_dumps(patch, JSON_COMPACT) : NULL;
    int rc = written ? config_edit_patch(text, str_of(written), out, why) : GW_ENOMEM;
    free(written);
    json_decref(patch);
    json_decref(vars);
    return rc;
}

static void add_hidden(struct buf *out, const struct json5_node *node)
{
    if (node && node->kind == JSON5_STRING && node->string.n) buf_json_pair_str(out, "apiKey", STR(CONFIG_REDACTED));
}

/* The entry as it is now; what is secret in it is not shown. */
static int answer_entry(struct query_config_edit *edit, const config_t *now, const config_t *then)
{
    struct str key = rpc_str(edit->call, "skillKey");
    const struct json5_node *entry = json5_member(config_get(then, STR("skills.entries")), key);
    const struct json5_node *enabled = json5_member(entry, STR("enabled")), *env = json5_member(entry, STR("env"));
    struct buf *out = edit->call->out;
    (void)now;
    buf_text(out, "{\"ok\":true");
    buf_json_pair_str(out, "skillKey", key);
    buf_json_key(out, "config");
    buf_char(out, '{');
    if (enabled && enabled->kind == JSON5_BOOL) buf_json_pair_bool(out, "enabled", enabled->boolean);
    add_hidden(out, json5_member(entry, STR("apiKey")));
    if (env && env->kind == JSON5_OBJECT) {
        buf_json_key(out, "env");
        buf_char(out, '{');
        for (const struct json5_node *v = env->first; v; v = v->next) {
            buf_json_comma(out);
            buf_json_str(out, v->key);
            buf_text(out, ":\"" CONFIG_REDACTED "\"");
        }
        buf_char(out, '}');
    }
    buf_text(out, "}}");
    return 0;
}

static int skills_update(struct rpc_call *call)
{
    struct query_config_edit edit = { .call = call, .change = change_entry, .accept = answer_entry };
    return query_config_edit(&edit);
}

const struct rpc_handler query_skills_handlers[] = {
    { RPC_skills_status, skills_status },
    { RPC_skills_bins, skills_bins },
    { RPC_skills_install, skills_install },
    { RPC_skills_update, skills_update },
    { RPC_none, NULL },
};
