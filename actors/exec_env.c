#include "actors/exec_env.h"

#include <stdlib.h>
#include <string.h>

#include "base/env.h"

#define SERVICE_ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount" /* Kubernetes mounts it there */

static bool ends_with(struct str s, const char *end)
{
    size_t n = strlen(end);
    return s.n >= n && memcmp(s.p + s.n - n, end, n) == 0;
}

bool exec_env_forbidden(struct str name)
{
    static const char *const STARTS[] = { "LD_", "OPENCLAW_", "DYLD_", "GIT_CONFIG", "BASH_FUNC_" };
    static const char *const ENDS[] = { "_API_KEY", "_TOKEN", "_SECRET", "_PASSWORD", "_KEY", "_CREDENTIALS" };
    static const char *const NAMES[] = { "BASH_ENV",     "ENV",           "IFS",      "SHELLOPTS", "PS4",
                                         "NODE_OPTIONS", "PYTHONSTARTUP", "PERL5OPT", "RUBYOPT" };
    for (size_t i = 0; i < sizeof STARTS / sizeof *STARTS; i++)
        if (str_starts(name, str_of(STARTS[i]))) return true;
    for (size_t i = 0; i < sizeof ENDS / sizeof *ENDS; i++)
        if (ends_with(name, ENDS[i])) return true;
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (str_is(name, NAMES[i])) return true;
    return false;
}

static bool is_name(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_', digit = c >= '0' && c <= '9';
        if (!letter && !(digit && i > 0)) return false;
    }
    return name.n > 0 && name.n <= 256;
}

static bool holds_secret(const config_t *config, struct str value)
{
    for (size_t i = 0; i < config_secret_count(config); i++)
        if (str_find(value, config_secret_at(config, i)) >= 0) return true;
    return false;
}

static void put(struct buf *out, struct str name, struct str value)
{
    if (memchr(value.p ? value.p : "", '\0', value.n)) return;
    buf_add(out, name);
    buf_char(out, '=');
    buf_add(out, value);
    buf_char(out, '\0');
}

/* @return whether it was put */
static bool put_checked(const config_t *config, struct buf *out, struct str name, struct str value)
{
    if (!is_name(name) || holds_secret(config, value)) return false;
    put(out, name, value);
    return true;
}

static void put_own(struct buf *out, const char *name, const char *otherwise)
{
    const char *value = getenv(name);
    if (value || otherwise) put(out, str_of(name), str_of(value ? value : otherwise));
}

static void put_path(const config_t *config, struct buf *out)
{
    struct buf path = { 0 };
    const char *own = getenv("PATH");
    const struct json5_node *list = config_get(config, STR("tools.exec.pathPrepend"));
    for (const struct json5_node *dir = list ? list->first : NULL; dir; dir = dir->next)
        if (dir->kind == JSON5_STRING) buf_printf(&path, "%.*s:", STR_ARG(dir->string));
    buf_text(&path, own && own[0] ? own : "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    put(out, STR("PATH"), buf_str(&path));
    buf_free(&path);
}

/* tools.exec.env: a list of names that are passed on, or an object of names and values. The names given there are the owner's will, but
 * the gateway's own secrets stay where they are. */
static void put_configured(const config_t *config, const struct json5_node *rules, struct buf *out)
{
    const struct json5_node *exec = rules && rules->kind == JSON5_OBJECT ? json5_member(rules, STR("exec")) : NULL;
    const struct json5_node *env = exec && exec->kind == JSON5_OBJECT ? json5_member(exec, STR("env")) : NULL;
    if (!env || (env->kind != JSON5_ARRAY && env->kind != JSON5_OBJECT)) return;
    for (const struct json5_node *one = env->first; one; one = one->next) {
        if (one->kind != JSON5_STRING) continue;
        const char *value = env->kind == JSON5_ARRAY ? getenv(one->string.p) : one->string.p;
        if (value) put_checked(config, out, env->kind == JSON5_ARRAY ? one->string : one->key, str_of(value));
    }
}

static void put_git(const struct config_agent *agent, struct buf *out)
{
    static const char *const ROLES[] = { "AUTHOR", "COMMITTER" };
    for (size_t i = 0; i < 2; i++) {
        buf_printf(out, "GIT_%s_NAME=%.*s[bot]", ROLES[i], STR_ARG(agent->id));
        buf_char(out, '\0');
        buf_printf(out, "GIT_%s_EMAIL=%.*s@openclaw.homelab", ROLES[i], STR_ARG(agent->id));
        buf_char(out, '\0');
    }
    put(out, STR("GIT_TERMINAL_PROMPT"), STR("0"));
}

static void put_owners(const config_t *config, const struct config_agent *agent, struct buf *out)
{
    put_configured(config, config_get(config, STR("tools")), out);
    put_configured(config, agent->node ? json5_member(agent->node, STR("tools")) : NULL, out);
}

int exec_env_readable(const config_t *config, const struct config_agent *agent, struct buf *out)
{
    struct buf given = { 0 };
    put_owners(config, agent, &given);
    for (struct str rest = buf_str(&given); rest.n;) {
        struct str value = str_split(&rest, '\0'), name = str_split(&value, '=');
        if (str_is(name, "KUBERNETES_SERVICE_HOST")) buf_add(out, (struct str){ SERVICE_ACCOUNT, sizeof SERVICE_ACCOUNT });
        while (str_is(name, "KUBECONFIG") && value.n) {
            struct str path = str_split(&value, ':');
            buf_add(out, path);
            if (path.n) buf_char(out, '\0');
        }
    }
    int rc = given.err ? given.err : out->err;
    buf_free(&given);
    return rc;
}

int exec_env_build(const config_t *config, const struct config_agent *agent, const json_t *extra, struct buf *out, struct buf *refused)
{
    const char *name;
    json_t *value;
    put_path(config, out);
    put(out, STR("HOME"), agent->workspace);
    put(out, STR("PWD"), agent->workspace);
    put_own(out, "LANG", "C.UTF-8");
    put_own(out, "LC_ALL", NULL);
    put_own(out, "TERM", "dumb");
    buf_printf(out, "TMPDIR=%.*s/.openclaw/tmp", STR_ARG(agent->workspace)); /* an agent's own */
    buf_char(out, '\0');
    put_own(out, "USER", NULL);
    put(out, STR("SHELL"), STR("/bin/sh"));
    put(out, STR("OPENCLAW_SHELL"), STR("exec"));
    if (agent->time_zone.n) put(out, STR("TZ"), agent->time_zone);
    put_git(agent, out);
    put_owners(config, agent, out);
    json_object_foreach((json_t *)extra, name, value)
    {
        struct str text = json_is_string(value) ? str_of(json_string_value(value)) : STR("");
        bool put_it = json_is_string(value) && !exec_env_forbidden(str_of(name)) && put_checked(config, out, str_of(name), text);
        if (!put_it && refused) buf_printf(refused, "%s%s", refused->n ? " " : "", name);
    }
    return out->err;
}
