/* agents.create, update, delete: changes of agents.list in the configuration file. The folders of an agent are left as they are. */
#include <stdio.h>
#include <stdlib.h>

#include "actors/query_answers.h"
#include "actors/query_config.h"
#include "base/config_edit.h"

enum { SLUG_MAX = 64 };

struct agent_edit {
    struct query_config_edit base; /* first */
    struct str id;
    bool create;
    int removed_bindings;
};

/* "Tmp One" becomes "tmp-one". */
static struct str slug(struct str name, char out[SLUG_MAX + 1])
{
    size_t n = 0;
    for (size_t i = 0; i < name.n && n < SLUG_MAX; i++) {
        char c = name.p[i];
        if (c >= 'A' && c <= 'Z') c = (char)(c + 'a' - 'A');
        bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
        if (!good) c = '-';
        if (n == 0 && (c == '-' || c == '_')) continue;
        if (!good && out[n - 1] == '-') continue;
        out[n++] = c;
    }
    while (n > 0 && out[n - 1] == '-') n--;
    out[n] = '\0';
    return n ? (struct str){ out, n } : STR("main");
}

/* What the file holds counts, which a reload may not have taken up yet. */
static int check_there(const struct agent_edit *e, const config_t *now)
{
    bool there = config_agent_find(now, e->id) != NULL;
    if (there == !e->create) return 0;
    return rpc_fail(e->base.call, "INVALID_REQUEST", "agent \"%.*s\" %s", STR_ARG(e->id), there ? "already exists" : "not found");
}

/* --- create and update: a patch of one entry ------------------------------------------------------------------------ */

static void give(json_t *entry, const char *key, struct str value)
{
    if (value.n) json_object_set_new(entry, key, json_stringn(value.p, value.n));
}

/* What the parameters say of the agent. */
static json_t *entry_of(const struct agent_edit *e)
{
    const struct rpc_call *call = e->base.call;
    json_t *entry = json_object(), *identity = json_object();
    give(entry, "id", e->id);
    give(entry, "name", str_trim(rpc_str(call, "name")));
    give(entry, "workspace", str_trim(rpc_str(call, "workspace")));
    give(entry, "model", str_trim(rpc_str(call, "model")));
    give(identity, "emoji", str_trim(rpc_str(call, "emoji")));
    give(identity, "avatar", str_trim(rpc_str(call, "avatar")));
    if (json_object_size(identity)) json_object_set(entry, "identity", identity);
    json_decref(identity);
    return entry;
}

static int patch_list(struct query_config_edit *edit, struct str text, const config_t *now, struct buf *out, char *why)
{
    const struct agent_edit *e = (const struct agent_edit *)edit;
    int rc = check_there(e, now);
    if (rc != 0) return rc;
    json_t *list = json_array();
    const struct json5_node *had = config_get(now, STR("agents.list"));
    struct str implied = config_agent_default(now)->id;
    /* A list takes the place of the agent that is there without one: it has to be named, too. */
    if ((!had || !had->count) && !str_eq(implied, e->id)) json_array_append_new(list, json_pack("{s:s}", "id", implied.p));
    json_array_append_new(list, entry_of(e));
    json_t *patch = json_pack("{s:{s:o}}", "agents", "list", list);
    char *written = patch ? json_dumps(patch, JSON_COMPACT) : NULL;
    rc = written ? config_edit_patch(text, str_of(written), out, why) : GW_ENOMEM;
    free(written);
    json_decref(patch);
    return rc;
}

/* The list may come from an included file: what is written here then hides it. @param more  agents that are to be added */
static int check_count(const struct agent_edit *e, const config_t *now, const config_t *then, size_t more)
{
    if (config_agent_count(then) == config_agent_count(now) + more) return 0;
    return rpc_fail(e->base.call, "UNAVAILABLE", "agents.list does not stand in %.*s itself: change it where it is included from",
                    STR_ARG(config_file(e->base.call->config)));
}

static int answer_create(struct query_config_edit *edit, const config_t *now, const config_t *then)
{
    const struct agent_edit *e = (const struct agent_edit *)edit;
    struct buf *out = edit->call->out;
    int rc = check_count(e, now, then, 1);
    if (rc != 0) return rc;
    buf_text(out, "{\"ok\":true");
    buf_json_pair_str(out, "agentId", e->id);
    buf_json_pair_str(out, "name", str_trim(rpc_str(edit->call, "name")));
    buf_json_pair_str(out, "workspace", config_agent_find(then, e->id)->workspace);
    buf_char(out, '}');
    return 0;
}

static int answer_update(struct query_config_edit *edit, const config_t *now, const config_t *then)
{
    const struct agent_edit *e = (const struct agent_edit *)edit;
    int rc = check_count(e, now, then, 0);
    if (rc != 0) return rc;
    buf_text(edit->call->out, "{\"ok\":true");
    buf_json_pair_str(edit->call->out, "agentId", e->id);
    buf_char(edit->call->out, '}');
    return 0;
}

static int agents_create(struct rpc_call *call)
{
    char text[SLUG_MAX + 1];
    struct agent_edit e = { .base = { .call = call, .change = patch_list, .accept = answer_create }, .create = true };
    e.id = slug(str_trim(rpc_str(call, "name")), text);
    if (str_is(e.id, "main")) return rpc_fail(call, "INVALID_REQUEST", "\"main\" is reserved");
    return query_config_edit(&e.base);
}

static int agents_update(struct rpc_call *call)
{
    struct agent_edit e = { .base = { .call = call, .change = patch_list, .accept = answer_update },
                            .id = str_trim(rpc_str(call, "agentId")) };
    return query_config_edit(&e.base);
}

/* --- delete: its entry and its bindings ----------------------------------------------------------------------------- */

/* Remove the elements of the list at `path` whose `key` is the agent's id, last one first. @return how many, or GW_E* */
static int remove_of(const struct agent_edit *e, const config_t *now, const char *path, const char *key, struct buf *text, char *why)
{
    const struct json5_node *list = config_get(now, str_of(path));
    char at[96];
    int removed = 0, rc = 0;
    for (size_t i = list && list->kind == JSON5_ARRAY ? list->count : 0; rc == 0 && i-- > 0;) {
        const struct json5_node *id = json5_member(json5_element(list, i), str_of(key));
        struct buf shorter = { 0 };
        if (!id || id->kind != JSON5_STRING || !str_eq(id->string, e->id)) continue;
        snprintf(at, sizeof at, "%s[%zu]", path, i);
        rc = config_edit_unset(buf_str(text), str_of(at), &shorter, why);
        buf_free(text);
        *text = shorter;
        removed++;
    }
    return rc ? rc : removed;
}

static int remove_agent(struct query_config_edit *edit, struct str text, const config_t *now, struct buf *out, char *why)
{
    struct agent_edit *e = (struct agent_edit *)edit;
    int rc = check_there(e, now);
    if (rc != 0) return rc;
    buf_add(out, text);
    rc = remove_of(e, now, "bindings", "agentId", out, why);
    e->removed_bindings = rc > 0 ? rc : 0;
    if (rc >= 0) rc = remove_of(e, now, "agents.list", "id", out, why);
    return rc < 0 ? rc : 0;
}

static int answer_delete(struct query_config_edit *edit, const config_t *now, const config_t *then)
{
    const struct agent_edit *e = (const struct agent_edit *)edit;
    (void)now;
    if (config_agent_find(then, e->id))
        return rpc_fail(edit->call, "UNAVAILABLE", "agent \"%.*s\" is still there: it comes from an included file", STR_ARG(e->id));
    buf_text(edit->call->out, "{\"ok\":true");
    buf_json_pair_str(edit->call->out, "agentId", e->id);
    buf_json_pair_int(edit->call->out, "removedBindings", e->removed_bindings);
    buf_char(edit->call->out, '}');
    return 0;
}

static int agents_delete(struct rpc_call *call)
{
    struct agent_edit e = { .base = { .call = call, .change = remove_agent, .accept = answer_delete },
                            .id = str_trim(rpc_str(call, "agentId")) };
    if (str_is(e.id, "main")) return rpc_fail(call, "INVALID_REQUEST", "\"main\" cannot be deleted");
    return query_config_edit(&e.base);
}

const struct rpc_handler query_agent_edit_handlers[] = {
    { RPC_agents_create, agents_create },
    { RPC_agents_update, agents_update },
    { RPC_agents_delete, agents_delete },
    { RPC_none, NULL },
};
