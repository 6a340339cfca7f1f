/* store_patch.c -- sessions.patch: what a user sets for a session. Everything is checked before anything is written. */
#include "actors/query_tables.h"
#include "actors/session_list.h"
#include "actors/session_settings.h"
#include "actors/session_view.h"
#include "actors/store_sessions.h"
#include "base/utf8.h"

enum { WORD_SIZE = 32, REF_SIZE = STORE_NAME_MAX + 1 };

/* What becomes of a session: the change's strings borrow from here. */
struct patch {
    struct rpc_call *call;
    struct str key;                /* canonical */
    const struct session_row *row; /* as it is; NULL: there is none yet */
    struct session_change change;
    int64_t depth;
    char thinking[WORD_SIZE], provider[REF_SIZE], model[REF_SIZE];
    json_t *settings; /* owned */
    struct buf settings_text;
};

/* @return whether the client sent it; *value is empty for null */
static bool sent(const struct patch *p, const char *name, struct str *value)
{
    const json_t *v = json_object_get(p->call->params, name);
    *value = rpc_str(p->call, name);
    return v != NULL;
}

static bool is_null(const struct patch *p, const char *name)
{
    return json_is_null(json_object_get(p->call->params, name));
}

static int refuse(const struct patch *p, const char *text)
{
    return rpc_fail(p->call, "INVALID_REQUEST", "%s", text);
}

/* --- one setting after another, in OpenClaw's order ----------------------------------------------------------------- */

static int patch_spawned_by(struct patch *p)
{
    struct str value, before = p->row ? p->row->parent : (struct str){ 0 };
    if (!sent(p, "spawnedBy", &value)) return 0;
    value = str_trim(value);
    if (is_null(p, "spawnedBy")) return before.n ? refuse(p, "spawnedBy cannot be cleared once set") : 0;
    if (value.n == 0) return refuse(p, "invalid spawnedBy: empty");
    if (!session_key_is_subagent(p->key)) return refuse(p, "spawnedBy is only supported for subagent:* sessions");
    if (before.n && !str_eq(before, value)) return refuse(p, "spawnedBy cannot be changed once set");
    if (value.n > STORE_NAME_MAX) return refuse(p, "invalid spawnedBy: too long");
    p->change.parent = value;
    return 0;
}

static int patch_spawn_depth(struct patch *p)
{
    struct str ignored;
    int64_t before = p->row ? p->row->depth : 0;
    if (!sent(p, "spawnDepth", &ignored)) return 0;
    if (is_null(p, "spawnDepth")) return before ? refuse(p, "spawnDepth cannot be cleared once set") : 0;
    p->depth = rpc_int(p->call, "spawnDepth", -1);
    if (!session_key_is_subagent(p->key)) return refuse(p, "spawnDepth is only supported for subagent:* sessions");
    if (p->depth < 0) return refuse(p, "invalid spawnDepth (use an integer >= 0)");
    if (before && before != p->depth) return refuse(p, "spawnDepth cannot be changed once set");
    p->change.depth = &p->depth;
    return 0;
}

static int patch_label(struct patch *p)
{
    struct str label;
    bool taken = false;
    if (!sent(p, "label", &label)) return 0;
    label = str_trim(label);
    if (!is_null(p, "label") && label.n == 0) return refuse(p, "invalid label: empty");
    if (utf8_count(label) > SESSION_LABEL_CHARS)
        return rpc_fail(p->call, "INVALID_REQUEST", "invalid label: too long (max %d)", SESSION_LABEL_CHARS);
    int rc = label.n ? sessions_label_taken(p->call->store, label, p->key, &taken) : 0;
    if (rc) return rc;
    if (taken) return rpc_fail(p->call, "INVALID_REQUEST", "label already in use: %.*s", STR_ARG(label));
    p->change.label = label.n ? label : STR("");
    return 0;
}

static int patch_thinking(struct patch *p)
{
    struct str value;
    if (!sent(p, "thinkingLevel", &value)) return 0;
    p->change.thinking = STR("");
    if (is_null(p, "thinkingLevel")) return 0;
    if (!session_setting_word(&session_setting_thinking, value, p->thinking, sizeof p->thinking))
        return refuse(p, session_setting_thinking.complaint);
    p->change.thinking = str_of(p->thinking);
    return 0;
}

static int set_word(struct patch *p, const char *name, struct str word)
{
    int failed = word.n ? json_object_set_new(p->settings, name, json_stringn(word.p, word.n)) : json_object_del(p->settings, name);
    return word.n && failed ? GW_ENOMEM : 0; /* what was not there needs no deleting */
}

static int patch_word(struct patch *p, const struct session_setting *s)
{
    struct str value;
    char word[WORD_SIZE];
    if (!sent(p, s->name, &value)) return 0;
    if (is_null(p, s->name)) return set_word(p, s->name, (struct str){ 0 });
    if (!session_setting_word(s, value, word, sizeof word)) return refuse(p, s->complaint);
    bool clear = s->off_clears && strcmp(word, "off") == 0;
    return set_word(p, s->name, str_of(clear ? NULL : word));
}

static int patch_exec_node(struct patch *p)
{
    struct str value;
    if (!sent(p, "execNode", &value)) return 0;
    value = str_trim(value);
    if (!is_null(p, "execNode") && value.n == 0) return refuse(p, "invalid execNode: empty");
    if (value.n > STORE_NAME_MAX || !str_utf8_valid(value)) return refuse(p, "invalid execNode: too long");
    return set_word(p, "execNode", value);
}

/* The models that agents.defaults.models names are the only ones allowed, when it names any; those of the agent's own chain are
 * allowed, too. */
static bool allowed(const struct patch *p, const struct config_agent *agent, const struct model_ref *ref)
{
    const struct json5_node *list = config_get(p->call->config, STR("agents.defaults.models"));
    if (!list || list->kind != JSON5_OBJECT || list->count == 0) return true;
    for (size_t i = 0; i < agent->model_count; i++)
        if (str_eq(agent->models[i].text, ref->text)) return true;
    return json5_member(list, ref->text) != NULL;
}

static int patch_model(struct patch *p)
{
    struct str value;
    struct model_ref ref;
    struct session_key parts;
    struct buf whole = { 0 };
    if (!sent(p, "model", &value)) return 0;
    p->change.provider = p->change.model = STR("");
    value = str_trim(value);
    if (is_null(p, "model")) return 0;
    if (value.n == 0) return refuse(p, "invalid model: empty");
    const config_t *config = p->call->config;
    const struct config_agent *agent = session_key_parse(p->key, &parts) == 0 ? config_agent_find(config, parts.agent) : NULL;
    if (!agent) agent = config_agent_default(config);
    int rc = config_model_resolve(config, value, &ref);
    if (rc) { /* a bare name is a model of the agent's provider */
        buf_printf(&whole, "%.*s/%.*s", STR_ARG(agent->models[0].provider), STR_ARG(value));
        rc = model_ref_parse(buf_str(&whole), &ref);
    }
    if (rc || ref.text.n > 256 || str_copy(p->provider, sizeof p->provider, ref.provider) ||
        str_copy(p->model, sizeof p->model, ref.model)) {
        rc = rpc_fail(p->call, "INVALID_REQUEST", "invalid model: %.*s", STR_ARG(str_utf8_prefix(value, 256)));
    } else if (!allowed(p, agent, &ref)) {
        rc = rpc_fail(p->call, "INVALID_REQUEST", "model not allowed: %.*s", STR_ARG(ref.text));
    } else if (!str_eq(ref.text, agent->models[0].text)) { /* the agent's own model is no override */
        p->change.provider = str_of(p->provider);
        p->change.model = str_of(p->model);
    }
    buf_free(&whole);
    return rc;
}

/* xhigh was asked for, or the model was changed under it: only some models take it. */
static int check_xhigh(const struct patch *p)
{
    struct session_row row = p->row ? *p->row : (struct session_row){ .key = p->key };
    struct session_view view;
    if (!str_is(p->change.thinking, "xhigh")) return 0;
    if (p->change.model.p) {
        row.provider = p->change.provider;
        row.model = p->change.model;
    }
    session_view_open(&view, p->call->config, &row);
    bool takes = session_takes_xhigh(view.model.provider, view.model.model);
    session_view_close(&view);
    return takes ? 0 : refuse(p, "thinkingLevel \"xhigh\" is only supported for " SESSION_XHIGH_MODELS);
}

/* execNode stands before the model, the last two words after it. */
static int patch_all(struct patch *p)
{
    const struct session_setting *s = session_settings;
    int rc = patch_spawned_by(p);
    if (rc == 0) rc = patch_spawn_depth(p);
    if (rc == 0) rc = patch_label(p);
    if (rc == 0) rc = patch_thinking(p);
    for (; rc == 0 && s->name && strcmp(s->name, "sendPolicy") != 0; s++) rc = patch_word(p, s);
    if (rc == 0) rc = patch_exec_node(p);
    if (rc == 0) rc = patch_model(p);
    if (rc == 0) rc = check_xhigh(p);
    for (; rc == 0 && s->name; s++) rc = patch_word(p, s);
    return rc;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

static int add_bytes(const char *bytes, size_t n, void *buf)
{
    buf_add(buf, (struct str){ bytes, n });
    return 0;
}

static int write_change(struct patch *p)
{
    int64_t id;
    if (json_object_size(p->settings)) json_dump_callback(p->settings, add_bytes, &p->settings_text, JSON_COMPACT);
    if (p->settings_text.err) return p->settings_text.err;
    p->change.settings = p->settings_text.n ? buf_str(&p->settings_text) : STR("");
    p->change.now_ms = p->call->now_ms;
    int rc = store_session_ensure(p->call, p->key, &id);
    return rc ? rc : sessions_change(p->call->store, p->key, &p->change);
}

static int write_answer(struct rpc_call *call, struct str key)
{
    struct session_list list;
    struct session_view view;
    struct buf *out = call->out;
    int rc = session_list_one(call->config, call->store, key, &list);
    if (rc == 0 && list.count == 0) rc = GW_ENOENT;
    if (rc == 0) {
        session_view_open(&view, call->config, list.rows[0]);
        buf_text(out, "{\"ok\":true");
        buf_json_pair_str(out, "path", str_of(store_path(call->store)));
        buf_json_pair_str(out, "key", key);
        buf_json_key(out, "entry");
        session_view_entry(&view, out);
        buf_text(out, ",\"resolved\":{");
        buf_json_pair_str(out, "modelProvider", view.model.provider);
        buf_json_pair_str(out, "model", view.model.model);
        buf_text(out, "}}");
        session_view_close(&view);
    }
    session_list_free(&list);
    return rc;
}

static int patch(struct rpc_call *call, struct str key, const struct session_row *row)
{
    struct patch p = { .call = call, .key = key, .row = row, .settings_text = { .max = STORE_TEXT_MAX } };
    if (row && row->settings.n) p.settings = json_loadb(row->settings.p, row->settings.n, 0, NULL);
    if (!json_is_object(p.settings)) {
        json_decref(p.settings);
        p.settings = json_object();
    }
    int rc = p.settings ? patch_all(&p) : GW_ENOMEM;
    if (rc == 0) rc = write_change(&p);
    json_decref(p.settings);
    buf_free(&p.settings_text);
    return rc ? rc : write_answer(call, key);
}

static int sessions_patch(struct rpc_call *call)
{
    struct session_list list = { 0 };
    struct buf key = { 0 };
    int rc = store_session_key(call, "key", &key);
    if (rc == 0) rc = session_list_one(call->config, call->store, buf_str(&key), &list);
    if (rc == 0) rc = patch(call, buf_str(&key), list.count ? list.rows[0] : NULL);
    session_list_free(&list);
    buf_free(&key);
    return rc;
}

const struct rpc_handler store_patch_handlers[] = {
    { RPC_sessions_patch, sessions_patch },
    { RPC_none, NULL },
};
