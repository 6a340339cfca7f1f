#include "actors/session_view.h"

#include "actors/session.h"
#include "base/json_read.h"
#include "store/turns.h"

struct session_key_rules session_view_rules(const config_t *config)
{
    return (struct session_key_rules){ .default_agent = config_agent_default(config)->id,
                                       .main_key = config_str(config, "session.mainKey") };
}

/* --- what is read off a row --------------------------------------------------------------------------------------- */

static int64_t window_of(const config_t *config, const struct config_agent *agent, const struct model_ref *ref)
{
    if (agent->context_tokens) return agent->context_tokens;
    const struct config_provider *p = config_provider_find(config, ref->provider);
    const struct config_model *m = p ? config_provider_model(p, ref->model) : NULL;
    return m && m->context_window ? m->context_window : SESSION_WINDOW_TOKENS;
}

static const struct config_agent *agent_of(const config_t *config, struct str id)
{
    const struct config_agent *agent = config_agent_find(config, id);
    return agent ? agent : config_agent_default(config);
}

struct model_ref session_view_default_model(const config_t *config, struct str agent_id, int64_t *context_tokens)
{
    const struct config_agent *agent = agent_of(config, agent_id);
    if (context_tokens) *context_tokens = window_of(config, agent, &agent->models[0]);
    return agent->models[0];
}

/* agent:<id>:<channel>:group:<id> or ...:channel:<id>. */
static void read_group(struct session_view *view)
{
    struct session_key parts;
    if (session_key_parse(view->row->key, &parts) != 0) return;
    struct str rest = parts.rest;
    struct str channel = str_split(&rest, ':'), kind = str_split(&rest, ':');
    if ((!str_is(kind, "group") && !str_is(kind, "channel")) || rest.n == 0) return;
    view->group = true;
    view->channel = channel;
    view->group_id = rest;
}

void session_view_open(struct session_view *view, const config_t *config, const struct session_row *row)
{
    struct session_key parts;
    *view = (struct session_view){ .row = row, .channel = row->channel };
    view->agent = session_key_parse(row->key, &parts) == 0 ? parts.agent : row->agent;
    view->model = session_view_default_model(config, view->agent, NULL);
    if (row->provider.n && row->model.n) view->model = (struct model_ref){ .provider = row->provider, .model = row->model };
    view->context_tokens = window_of(config, agent_of(config, view->agent), &view->model);
    if (row->settings.n) view->settings = json_loadb(row->settings.p, row->settings.n, 0, NULL);
    read_group(view);
}

void session_view_close(struct session_view *view)
{
    json_decref(view->settings);
    view->settings = NULL;
}

struct str session_view_setting(const struct session_view *view, const char *name)
{
    return json_str(view->settings, name);
}

const char *session_view_kind(const struct session_view *view)
{
    struct str key = view->row->key;
    return str_is(key, "global") ? "global" : str_is(key, "unknown") ? "unknown" : view->group ? "group" : "direct";
}

/* Letters of other scripts stay; ASCII is lower case, what is no letter or digit becomes one '-'. */
static void add_group_name(struct str id, struct buf *out)
{
    bool dash = false;
    for (size_t i = 0; i < id.n; i++) {
        char c = id.p[i];
        if (c >= 'A' && c <= 'Z') c = (char)(c - 'A' + 'a');
        bool keep = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c < 0 || c == '@' || c == '.' || c == '_' || c == '+';
        if (keep || !dash) buf_char(out, keep ? c : '-');
        dash = !keep;
    }
}

void session_view_name(const struct session_view *view, struct buf *out)
{
    if (!view->group) {
        buf_add(out, view->row->label);
        return;
    }
    buf_add(out, view->channel);
    buf_text(out, ":g-");
    add_group_name(view->group_id, out);
}

/* --- JSON --------------------------------------------------------------------------------------------------------- */

static void pair(struct buf *out, const char *key, struct str value)
{
    if (value.n) buf_json_pair_str(out, key, value);
}

static void setting(const struct session_view *view, struct buf *out, const char *name)
{
    pair(out, name, session_view_setting(view, name));
}

static void settings(const struct session_view *view, struct buf *out, const char *const *names)
{
    for (; *names; names++) setting(view, out, *names);
}

/* The sums are the session's; how full the window is, is known after a turn, and when nothing was said yet. */
static void counters(const struct session_view *view, struct buf *out)
{
    const struct session_row *row = view->row;
    bool fresh = row->context_tokens > 0 || row->last_seq == 0;
    buf_json_pair_int(out, "inputTokens", row->used.input);
    buf_json_pair_int(out, "outputTokens", row->used.output);
    if (fresh) buf_json_pair_int(out, "totalTokens", row->context_tokens);
    buf_json_pair_bool(out, "totalTokensFresh", fresh);
}

static void delivery(const struct session_view *view, struct buf *out)
{
    if (view->channel.n == 0) return;
    buf_json_key(out, "deliveryContext");
    buf_char(out, '{');
    buf_json_pair_str(out, "channel", view->channel);
    buf_char(out, '}');
    buf_json_pair_str(out, "lastChannel", view->channel);
}

static void origin(const struct session_view *view, struct buf *out)
{
    if (view->channel.n == 0 || view->group) return;
    buf_json_pair_str(out, "chatType", STR("direct"));
    buf_json_key(out, "origin");
    buf_char(out, '{');
    buf_json_pair_str(out, "provider", view->channel);
    buf_json_pair_str(out, "surface", view->channel);
    buf_json_pair_str(out, "chatType", STR("direct"));
    buf_char(out, '}');
}

static bool aborted(const struct session_view *view)
{
    return view->row->last_state == TURN_ABORTED;
}

void session_view_row(const struct session_view *view, struct buf *out)
{
    static const char *const levels[] = { "verboseLevel", "reasoningLevel", "elevatedLevel", "sendPolicy", NULL };
    const struct session_row *row = view->row;
    struct buf name = { 0 };
    session_view_name(view, &name);
    buf_char(out, '{');
    buf_json_pair_str(out, "key", row->key);
    buf_json_pair_str(out, "kind", str_of(session_view_kind(view)));
    pair(out, "label", row->label);
    pair(out, "displayName", buf_str(&name));
    if (view->group) buf_json_pair_str(out, "channel", view->channel);
    origin(view, out);
    buf_json_pair_int(out, "updatedAt", row->updated_ms);
    buf_json_pair_str(out, "sessionId", row->uuid);
    buf_json_pair_bool(out, "systemSent", row->last_seq > 0);
    buf_json_pair_bool(out, "abortedLastRun", aborted(view));
    pair(out, "thinkingLevel", row->thinking);
    settings(view, out, levels);
    counters(view, out);
    setting(view, out, "responseUsage");
    buf_json_pair_str(out, "modelProvider", view->model.provider);
    buf_json_pair_str(out, "model", view->model.model);
    buf_json_pair_int(out, "contextTokens", view->context_tokens);
    delivery(view, out);
    buf_free(&name);
}

void session_view_entry(const struct session_view *view, struct buf *out)
{
    static const char *const levels[] = { "verboseLevel", "reasoningLevel", "responseUsage", "elevatedLevel",   "execHost",  "execSecurity",
                                          "execAsk",      "execNode",       "sendPolicy",    "groupActivation", "queueMode", NULL };
    const struct session_row *row = view->row;
    buf_char(out, '{');
    buf_json_pair_str(out, "sessionId", row->uuid);
    buf_json_pair_int(out, "updatedAt", row->updated_ms);
    buf_json_pair_bool(out, "systemSent", row->last_seq > 0);
    delivery(view, out);
    pair(out, "channel", view->channel);
    buf_json_pair_str(out, "modelProvider", view->model.provider);
    buf_json_pair_str(out, "model", view->model.model);
    buf_json_pair_int(out, "contextTokens", view->context_tokens);
    buf_json_pair_bool(out, "abortedLastRun", aborted(view));
    counters(view, out);
    pair(out, "spawnedBy", row->parent);
    if (row->depth) buf_json_pair_int(out, "spawnDepth", row->depth);
    pair(out, "label", row->label);
    pair(out, "thinkingLevel", row->thinking);
    settings(view, out, levels);
    if (row->compactions) buf_json_pair_int(out, "compactionCount", row->compactions);
    pair(out, "providerOverride", row->provider);
    pair(out, "modelOverride", row->model);
    buf_char(out, '}');
}

void session_view_reset_entry(const struct session_view *view, bool known, struct buf *out)
{
    static const char *const levels[] = { "verboseLevel", "reasoningLevel", "responseUsage", NULL };
    const struct session_row *row = view->row;
    buf_char(out, '{');
    buf_json_pair_str(out, "sessionId", row->uuid);
    buf_json_pair_int(out, "updatedAt", row->updated_ms);
    buf_json_pair_bool(out, "systemSent", false);
    buf_json_pair_bool(out, "abortedLastRun", false);
    pair(out, "thinkingLevel", row->thinking);
    settings(view, out, levels);
    if (known) buf_json_pair_str(out, "model", view->model.model);
    if (known) buf_json_pair_int(out, "contextTokens", view->context_tokens);
    setting(view, out, "sendPolicy");
    pair(out, "label", row->label);
    pair(out, "lastChannel", view->channel);
    counters(view, out);
    buf_char(out, '}');
}
