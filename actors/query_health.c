/* health and status: the query actor's half, which is the whole payload. The gateway hands in what only it knows: for `status`
 * the queued system events, as the parameter `queuedSystemEvents`. */
#include <stdio.h>
#include <stdlib.h>

#include "actors/heartbeat.h"
#include "actors/query_answers.h"
#include "actors/query_util.h"
#include "actors/session.h"
#include "base/clock.h"
#include "store/session_heads.h"

/* --- heartbeats -------------------------------------------------------------------------------------------------- */

static void add_every(struct buf *out, const struct heartbeat_settings *h)
{
    buf_json_pair_bool(out, "enabled", h->enabled);
    buf_json_pair_str(out, "every", h->every);
    query_pair_ms(out, "everyMs", h->every_ms);
}

/* --- sessions ---------------------------------------------------------------------------------------------------- */

struct heads {
    struct arena arena;
    struct session_head *rows; /* in the arena; agents by name, newest first */
    size_t count, room;
    int64_t total; /* sessions of all agents */
};

static int keep(void *ctx, const struct session_head *row)
{
    struct heads *h = ctx;
    if (h->count == h->room) {
        size_t room = h->room ? 2 * h->room : 32;
        struct session_head *grown = realloc(h->rows, room * sizeof *grown);
        if (!grown) return GW_ENOMEM;
        h->rows = grown;
        h->room = room;
    }
    if (h->count == 0 || !str_eq(h->rows[h->count - 1].agent, row->agent)) h->total += row->of_agent;
    struct session_head *kept = &h->rows[h->count++];
    *kept = *row;
    kept->key = arena_str(&h->arena, row->key);
    kept->uuid = arena_str(&h->arena, row->uuid);
    kept->agent = arena_str(&h->arena, row->agent);
    kept->model = arena_str(&h->arena, row->model);
    kept->thinking = arena_str(&h->arena, row->thinking);
    return h->arena.err;
}

static void heads_free(struct heads *h)
{
    free(h->rows);
    arena_free(&h->arena);
}

/* The first row of an agent, or NULL; *n of them follow each other. */
static const struct session_head *of_agent(const struct heads *h, struct str agent, size_t *n)
{
    size_t first = 0;
    while (first < h->count && !str_eq(h->rows[first].agent, agent)) first++;
    for (*n = 0; first + *n < h->count && str_eq(h->rows[first + *n].agent, agent);) (*n)++;
    return *n ? &h->rows[first] : NULL;
}

/* {path, count, recent:[{key, updatedAt, age}]} */
static void add_sessions(const struct rpc_call *call, const struct heads *h, struct str agent)
{
    struct buf *out = call->out;
    size_t n;
    const struct session_head *rows = of_agent(h, agent, &n);
    buf_json_key(out, "sessions");
    buf_char(out, '{');
    buf_json_pair_str(out, "path", str_of(store_path(call->store)));
    buf_json_pair_int(out, "count", n ? rows->of_agent : 0);
    buf_json_key(out, "recent");
    buf_char(out, '[');
    for (size_t i = 0; i < n; i++) {
        buf_json_comma(out);
        buf_char(out, '{');
        buf_json_pair_str(out, "key", rows[i].key);
        buf_json_pair_int(out, "updatedAt", rows[i].updated_ms);
        buf_json_pair_int(out, "age", call->now_ms - rows[i].updated_ms);
        buf_char(out, '}');
    }
    buf_text(out, "]}");
}

/* --- health ------------------------------------------------------------------------------------------------------ */

static void add_agent_health(const struct rpc_call *call, const struct heads *heads, const struct config_agent *agent)
{
    struct buf *out = call->out;
    const struct json5_node *name = json5_member(agent->node, STR("name"));
    struct heartbeat_settings h;
    heartbeat_settings(call->config, agent, &h);
    buf_json_comma(out);
    buf_char(out, '{');
    buf_json_pair_str(out, "agentId", agent->id);
    if (name && name->kind == JSON5_STRING) buf_json_pair_str(out, "name", name->string);
    buf_json_pair_bool(out, "isDefault", agent->is_default);
    buf_json_key(out, "heartbeat");
    buf_char(out, '{');
    add_every(out, &h);
    buf_json_pair_str(out, "prompt", h.prompt);
    buf_json_pair_str(out, "target", h.target);
    buf_json_pair_int(out, "ackMaxChars", h.ack_max_chars);
    buf_char(out, '}');
    add_sessions(call, heads, agent->id);
    buf_char(out, '}');
}

static int health(struct rpc_call *call)
{
    struct buf *out = call->out;
    struct heads heads = { .rows = NULL };
    struct buf rest = { 0 };
    const struct config_agent *main = config_agent_default(call->config);
    int64_t started = clock_mono_ms();
    int rc = session_heads(call->store, QUERY_HEALTH_RECENT, keep, &heads);
    if (rc == 0) {
        struct heartbeat_settings h;
        heartbeat_settings(call->config, main, &h);
        query_channels_health(call, rpc_bool(call, "probe", false), &rest);
        buf_text(out, "{\"ok\":true");
        buf_json_pair_int(out, "ts", call->now_ms);
        buf_json_pair_int(out, "durationMs", clock_mono_ms() - started);
        buf_char(out, ',');
        buf_add(out, buf_str(&rest));
        buf_json_pair_int(out, "heartbeatSeconds", h.every_ms > 0 ? h.every_ms / 1000 : 0);
        buf_json_pair_str(out, "defaultAgentId", main->id);
        buf_json_key(out, "agents");
        buf_char(out, '[');
        for (size_t i = 0; i < config_agent_count(call->config); i++) add_agent_health(call, &heads, config_agent_at(call->config, i));
        buf_char(out, ']');
        add_sessions(call, &heads, main->id);
        buf_char(out, '}');
    }
    buf_free(&rest);
    heads_free(&heads);
    return rc;
}

/* --- status ------------------------------------------------------------------------------------------------------ */

static int64_t window_of(const config_t *config, const struct config_agent *agent)
{
    const struct config_provider *p = config_provider_find(config, agent->models[0].provider);
    const struct config_model *m = p ? config_provider_model(p, agent->models[0].model) : NULL;
    if (agent->context_tokens) return agent->context_tokens;
    return m && m->context_window ? m->context_window : SESSION_WINDOW_TOKENS;
}

static void add_tokens(struct buf *out, const struct session_head *s, int64_t window)
{
    int64_t total = s->context_tokens, left = window - total;
    buf_json_pair_int(out, "inputTokens", s->input_tokens);
    buf_json_pair_int(out, "outputTokens", s->output_tokens);
    query_pair_ms(out, "totalTokens", total ? total : -1);
    buf_json_pair_bool(out, "totalTokensFresh", total > 0);
    query_pair_ms(out, "remainingTokens", !total ? -1 : left > 0 ? left : 0);
    query_pair_ms(out, "percentUsed", total && window ? 100 * total / window : -1);
}

static void add_flags(struct buf *out, const struct session_head *s)
{
    struct buf text = { 0 };
    buf_json_key(out, "flags");
    buf_char(out, '[');
    if (s->thinking.n) {
        buf_printf(&text, "think:%.*s", STR_ARG(s->thinking));
        buf_json_str(out, buf_str(&text));
    }
    buf_clear(&text);
    buf_printf(&text, "id:%.*s", STR_ARG(s->uuid));
    buf_json_comma(out);
    buf_json_str(out, buf_str(&text));
    buf_char(out, ']');
    buf_free(&text);
}

static void add_session(const struct rpc_call *call, const struct session_head *s)
{
    struct buf *out = call->out;
    const struct config_agent *agent = config_agent_find(call->config, s->agent);
    if (!agent) agent = config_agent_default(call->config);
    int64_t window = window_of(call->config, agent);
    bool group = str_find(s->key, STR(":group:")) >= 0 || str_find(s->key, STR(":channel:")) >= 0;
    buf_json_comma(out);
    buf_char(out, '{');
    buf_json_pair_str(out, "agentId", s->agent);
    buf_json_pair_str(out, "key", s->key);
    buf_json_pair_str(out, "kind", group ? STR("group") : STR("direct"));
    buf_json_pair_str(out, "sessionId", s->uuid);
    buf_json_pair_int(out, "updatedAt", s->updated_ms);
    buf_json_pair_int(out, "age", call->now_ms - s->updated_ms);
    if (s->thinking.n) buf_json_pair_str(out, "thinkingLevel", s->thinking);
    add_tokens(out, s, window);
    buf_json_pair_str(out, "model", s->model.n ? s->model : agent->models[0].model);
    buf_json_pair_int(out, "contextTokens", window);
    add_flags(out, s);
    buf_char(out, '}');
}

static int newest_first(const void *a, const void *b)
{
    const struct session_head *x = *(const struct session_head *const *)a, *y = *(const struct session_head *const *)b;
    return (y->updated_ms > x->updated_ms) - (y->updated_ms < x->updated_ms);
}

/* The newest of all agents. */
static int add_recent(const struct rpc_call *call, const struct heads *h)
{
    const struct session_head **sorted = malloc((h->count + 1) * sizeof(struct session_head *));
    if (!sorted) return GW_ENOMEM;
    for (size_t i = 0; i < h->count; i++) sorted[i] = &h->rows[i];
    qsort(sorted, h->count, sizeof(struct session_head *), newest_first);
    for (size_t i = 0; i < h->count && i < QUERY_STATUS_RECENT; i++) add_session(call, sorted[i]);
    free(sorted);
    return 0;
}

static void add_by_agent(const struct rpc_call *call, const struct heads *h, bool admin)
{
    struct buf *out = call->out;
    for (size_t i = 0; i < config_agent_count(call->config); i++) {
        size_t n;
        const struct config_agent *agent = config_agent_at(call->config, i);
        const struct session_head *rows = of_agent(h, agent->id, &n);
        buf_json_comma(out);
        buf_char(out, '{');
        buf_json_pair_str(out, "agentId", agent->id);
        buf_json_pair_str(out, "path", admin ? str_of(store_path(call->store)) : STR("[redacted]"));
        buf_json_pair_int(out, "count", n ? rows->of_agent : 0);
        buf_json_key(out, "recent");
        buf_char(out, '[');
        for (size_t r = 0; admin && r < n; r++) add_session(call, &rows[r]);
        buf_text(out, "]}");
    }
}

/* Who is no admin is told numbers only (reference gateway-protocol 7). */
static int add_status_sessions(const struct rpc_call *call, const struct heads *h)
{
    struct buf *out = call->out;
    bool admin = (call->flags & RPC_CALL_ADMIN) != 0;
    const struct config_agent *main = config_agent_default(call->config);
    buf_text(out, ",\"sessions\":{\"paths\":[");
    if (admin) buf_json_str(out, str_of(store_path(call->store)));
    buf_char(out, ']');
    buf_json_pair_int(out, "count", h->total);
    buf_json_key(out, "defaults");
    buf_char(out, '{');
    if (admin) {
        buf_json_pair_str(out, "model", main->models[0].model);
        buf_json_pair_int(out, "contextTokens", window_of(call->config, main));
    } else {
        buf_text(out, "\"model\":null,\"contextTokens\":null");
    }
    buf_text(out, "},\"recent\":[");
    int rc = admin ? add_recent(call, h) : 0;
    buf_text(out, "],\"byAgent\":[");
    add_by_agent(call, h, admin);
    buf_text(out, "]}");
    return rc;
}

static int status(struct rpc_call *call)
{
    struct buf *out = call->out;
    struct heads heads = { .rows = NULL };
    const json_t *events = json_object_get(call->params, "queuedSystemEvents");
    int rc = session_heads(call->store, QUERY_STATUS_RECENT, keep, &heads);
    if (rc == 0) {
        buf_text(out, "{\"heartbeat\":{");
        buf_json_pair_str(out, "defaultAgentId", config_agent_default(call->config)->id);
        buf_json_key(out, "agents");
        buf_char(out, '[');
        for (size_t i = 0; i < config_agent_count(call->config); i++) {
            const struct config_agent *agent = config_agent_at(call->config, i);
            struct heartbeat_settings h;
            heartbeat_settings(call->config, agent, &h);
            buf_json_comma(out);
            buf_char(out, '{');
            buf_json_pair_str(out, "agentId", agent->id);
            add_every(out, &h);
            buf_char(out, '}');
        }
        buf_text(out, "]},\"channelSummary\":[");
        query_channels_summary(call, out);
        buf_text(out, "],\"queuedSystemEvents\":");
        if (json_is_array(events))
            query_json(out, events);
        else
            buf_text(out, "[]");
        rc = add_status_sessions(call, &heads);
        buf_char(out, '}');
    }
    heads_free(&heads);
    return rc;
}

const struct rpc_handler query_health_handlers[] = {
    { RPC_health, health },
    { RPC_status, status },
    { RPC_none, NULL },
};
