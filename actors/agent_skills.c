#include "actors/agent_skills.h"

#include <stdio.h>
#include <stdlib.h>

static const struct json5_node *entry(const config_t *config, const struct skill *skill)
{
    return json5_member(config_get(config, STR("skills.entries")), skill->key);
}

bool agent_skills_disabled(const config_t *config, const struct skill *skill)
{
    const struct json5_node *enabled = json5_member(entry(config, skill), STR("enabled"));
    return enabled && enabled->kind == JSON5_BOOL && !enabled->boolean;
}

bool agent_skills_blocked(const config_t *config, const struct skill *skill)
{
    const struct json5_node *allow = config_get(config, STR("skills.allowBundled"));
    if (skill->source != SKILL_BUNDLED || !allow || allow->kind != JSON5_ARRAY) return false;
    for (const struct json5_node *name = allow->first; name; name = name->next)
        if (name->kind == JSON5_STRING && str_eq(name->string, skill->key)) return false;
    return true;
}

static bool wanted(void *ctx, const struct skill *skill)
{
    const struct agent_skills *of = ctx;
    return !agent_skills_disabled(of->config, skill) && !agent_skills_blocked(of->config, skill);
}

static bool config_set(void *ctx, struct str path)
{
    const struct json5_node *node = config_get(((const struct agent_skills *)ctx)->config, path);
    if (!node) return false;
    switch (node->kind) {
    case JSON5_NULL: return false;
    case JSON5_BOOL: return node->boolean;
    case JSON5_NUMBER: return node->number != 0;
    case JSON5_STRING: return str_trim(node->string).n > 0;
    case JSON5_ARRAY:
    case JSON5_OBJECT: return true;
    }
    return false;
}

static bool has_text(const struct json5_node *node)
{
    return node && node->kind == JSON5_STRING && node->string.n > 0;
}

static bool env_set(void *ctx, const struct skill *skill, struct str name)
{
    const struct json5_node *e = entry(((const struct agent_skills *)ctx)->config, skill);
    if (has_text(json5_member(json5_member(e, STR("env")), name))) return true;
    return skill->primary_env.n && str_eq(skill->primary_env, name) && has_text(json5_member(e, STR("apiKey")));
}

void agent_skills_init(struct agent_skills *out, const config_t *config, const struct config_agent *agent, bool all)
{
    const struct json5_node *extra = config_get(config, STR("skills.load.extraDirs"));
    size_t count = 0;
    out->config = config;
    const char *bundled = getenv("OPENCLAW_BUNDLED_SKILLS_DIR");
    for (const struct json5_node *dir = extra ? extra->first : NULL; dir && count < SKILLS_SOURCES_MAX - 3; dir = dir->next)
        if (has_text(dir)) out->folders[count++] = (struct skills_folder){ SKILL_EXTRA, dir->string.p };
    if (bundled && bundled[0]) out->folders[count++] = (struct skills_folder){ SKILL_BUNDLED, bundled };
    snprintf(out->managed, sizeof out->managed, "%.*s/skills", STR_ARG(config_state(config)));
    snprintf(out->workspace, sizeof out->workspace, "%.*s/skills", STR_ARG(agent->workspace));
    out->folders[count++] = (struct skills_folder){ SKILL_MANAGED, out->managed };
    out->folders[count++] = (struct skills_folder){ SKILL_WORKSPACE, out->workspace };
    out->options = (struct skills_options){
        .folders = out->folders,
        .folder_count = count,
        .limited = !all && agent->skills_listed,
        .allow = agent->skills,
        .allow_count = agent->skill_count,
        .config_set = config_set,
        .env_set = env_set,
        .wanted = all ? NULL : wanted,
        .ctx = out,
    };
}
