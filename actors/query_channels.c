/* Chat networks: what the configuration says of them, and what those that run told of themselves. */
#include "actors/query_answers.h"

#include <stdio.h>
#include <stdlib.h>

#include "actors/query_util.h"
#include "base/json_read.h"

#define NOT_SERVED "%s is not connected by this gateway"

/* Source of labels and images: reference gateway-protocol 7, captured frames. */
static const struct kind {
    const char *id, *label, *detail, *image, *token, *token_env;
} kinds[] = {
    { "discord", "Discord", "Discord Bot", "bubble.left.and.bubble.right", "token", "DISCORD_BOT_TOKEN" },
    { "telegram", "Telegram", "Telegram Bot", "paperplane", "botToken", "TELEGRAM_BOT_TOKEN" },
};
enum { KINDS = sizeof kinds / sizeof *kinds };

struct account {
    struct str id, name;
    bool enabled, configured;
    const char *token_source; /* "config", "env", "none" */
};

struct channel {
    const struct kind *kind;
    struct account accounts[QUERY_ACCOUNTS_MAX];
    size_t count; /* at least 1 */
};

/* --- from the configuration -------------------------------------------------------------------------------------- */

static bool has_text(const struct json5_node *node)
{
    return node && node->kind == JSON5_STRING && str_trim(node->string).n > 0;
}

static bool is_off(const struct json5_node *object)
{
    const struct json5_node *enabled = json5_member(object, STR("enabled"));
    return enabled && enabled->kind == JSON5_BOOL && !enabled->boolean;
}

static bool env_has(const char *name)
{
    const char *value = getenv(name);
    return value && value[0];
}

static struct account read_account(const struct kind *k, const struct json5_node *section, struct str id, const struct json5_node *own)
{
    struct account a = { .id = id, .token_source = "none" };
    const struct json5_node *name = json5_member(own ? own : section, STR("name"));
    bool is_default = str_is(id, "default");
    if (has_text(name)) a.name = name->string;
    a.enabled = !is_off(section) && !is_off(own);
    if (has_text(json5_member(own, str_of(k->token))))
        a.token_source = "config";
    else if (is_default && has_text(json5_member(section, str_of(k->token))))
        a.token_source = "config";
    else if (is_default && env_has(k->token_env))
        a.token_source = "env";
    a.configured = strcmp(a.token_source, "none") != 0;
    return a;
}

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct account *)a)->id.p, ((const struct account *)b)->id.p);
}

/* The accounts that are named; the default one too when it has a token, or when none is named. */
static void read_accounts(const struct kind *k, const struct json5_node *section, struct channel *out)
{
    const struct json5_node *named = json5_member(section, STR("accounts"));
    bool seen = false;
    out->kind = k;
    out->count = 0;
    for (const struct json5_node *a = named && named->kind == JSON5_OBJECT ? named->first : NULL; a; a = a->next) {
        if (out->count == QUERY_ACCOUNTS_MAX - 1) break;
        seen = seen || str_is(a->key, "default");
        out->accounts[out->count++] = read_account(k, section, a->key, a);
    }
    struct account main = read_account(k, section, STR("default"), NULL);
    if (!seen && (out->count == 0 || main.configured)) out->accounts[out->count++] = main;
    qsort(out->accounts, out->count, sizeof out->accounts[0], by_id);
}

/* Channels that the configuration or the environment brings in. @return false: nobody speaks of it */
static bool read_channel(const config_t *config, const struct kind *k, struct channel *out)
{
    char path[64];
    snprintf(path, sizeof path, "channels.%s", k->id);
    const struct json5_node *section = config_get(config, str_of(path));
    snprintf(path, sizeof path, "plugins.entries.%s.enabled", k->id);
    const struct json5_node *plugin = config_get(config, str_of(path));
    bool wanted = plugin && plugin->kind == JSON5_BOOL && plugin->boolean;
    if (!section && !wanted && !env_has(k->token_env)) return false;
    read_accounts(k, section, out);
    return true;
}

static const struct account *default_account(const struct channel *c)
{
    for (size_t i = 0; i < c->count; i++)
        if (str_is(c->accounts[i].id, "default")) return &c->accounts[i];
    return &c->accounts[0];
}

/* --- pieces of answers ------------------------------------------------------------------------------------------- */

/* What the network itself told of an account; NULL: it does not run. */
static const json_t *live_of(const struct rpc_call *call, const struct kind *k, const struct account *a)
{
    size_t i;
    const json_t *item;
    json_array_foreach(json_object_get(call->channels, k->id), i, item) if (str_eq(json_str(item, "accountId"), a->id)) return item;
    return NULL;
}

static void add_live(struct buf *out, const json_t *live, const char *key)
{
    char *text = json_dumps(json_object_get(live, key), JSON_COMPACT | JSON_ENCODE_ANY);
    buf_json_key(out, key);
    buf_text(out, text ? text : "null");
    free(text);
}

static void add_state(struct buf *out, const struct account *a, const json_t *live)
{
    buf_json_pair_bool(out, "configured", a->configured);
    buf_json_pair_str(out, "tokenSource", str_of(a->token_source));
    buf_json_pair_bool(out, "running", json_flag(live, "running"));
    add_live(out, live, "lastStartAt");
    add_live(out, live, "lastStopAt");
    add_live(out, live, "lastError");
}

/* Only what is configured and switched on is probed. @return true when it was */
static bool add_probe(const struct rpc_call *call, const struct kind *k, const struct account *a, bool probe)
{
    struct buf *out = call->out;
    const json_t *probed = json_object_get(json_object_get(call->params, "probed"), k->id);
    char why[128];
    if (!probe || !a->configured || !a->enabled) return false;
    if (probed) {
        char *text = json_dumps(probed, JSON_COMPACT);
        buf_json_key(out, "probe");
        buf_text(out, text ? text : "null");
        free(text);
        return true;
    }
    snprintf(why, sizeof why, NOT_SERVED, k->label);
    buf_json_key(out, "probe");
    buf_text(out, "{\"ok\":false,\"status\":null");
    buf_json_pair_str(out, "error", str_of(why));
    buf_text(out, ",\"elapsedMs\":0}");
    return true;
}

static void add_account(const struct rpc_call *call, const struct kind *k, const struct account *a, bool probe)
{
    struct buf *out = call->out;
    buf_json_comma(out);
    buf_char(out, '{');
    buf_json_pair_str(out, "accountId", a->id);
    if (a->name.n) buf_json_pair_str(out, "name", a->name);
    buf_json_pair_bool(out, "enabled", a->enabled);
    const json_t *live = live_of(call, k, a);
    add_state(out, a, live);
    static const char *const more[] = { "connected", "state", "lastEventAt", "latencyMs", "resumes", "identifies", "reconnects", "bot" };
    for (size_t i = 0; i < sizeof more / sizeof *more; i++)
        if (json_object_get(live, more[i])) add_live(out, live, more[i]);
    bool probed = add_probe(call, k, a, probe);
    if (probed) buf_text(out, ",\"audit\":{\"ok\":false,\"checkedChannels\":0,\"unresolvedChannels\":0,\"channels\":[],\"elapsedMs\":0}");
    add_live(out, live, "lastInboundAt");
    add_live(out, live, "lastOutboundAt");
    if (probed) buf_json_pair_int(out, "lastProbeAt", call->now_ms);
    buf_char(out, '}');
}

/* --- channels.status --------------------------------------------------------------------------------------------- */

struct channels {
    struct channel list[KINDS];
    size_t count;
};

static struct channels *read_channels(const struct rpc_call *call)
{
    struct channels *all = malloc(sizeof *all);
    if (!all) return NULL;
    all->count = 0;
    for (size_t i = 0; i < KINDS; i++)
        if (read_channel(call->config, &kinds[i], &all->list[all->count])) all->count++;
    return all;
}

static void add_order(struct buf *out, const struct channels *all)
{
    buf_json_key(out, "channelOrder");
    buf_char(out, '[');
    for (size_t i = 0; i < all->count; i++) {
        buf_json_comma(out);
        buf_json_str(out, str_of(all->list[i].kind->id));
    }
    buf_char(out, ']');
}

/* `"key":{"discord":"..."}` with the text that stands `offset` bytes into its kind. */
static void add_texts(struct buf *out, const char *key, const struct channels *all, size_t offset)
{
    buf_json_key(out, key);
    buf_char(out, '{');
    for (size_t i = 0; i < all->count; i++) {
        const char *text;
        memcpy(&text, (const char *)all->list[i].kind + offset, sizeof text);
        buf_json_pair_str(out, all->list[i].kind->id, str_of(text));
    }
    buf_char(out, '}');
}

static void add_meta(struct buf *out, const struct channels *all)
{
    buf_json_key(out, "channelMeta");
    buf_char(out, '[');
    for (size_t i = 0; i < all->count; i++) {
        const struct kind *k = all->list[i].kind;
        buf_json_comma(out);
        buf_char(out, '{');
        buf_json_pair_str(out, "id", str_of(k->id));
        buf_json_pair_str(out, "label", str_of(k->label));
        buf_json_pair_str(out, "detailLabel", str_of(k->detail));
        buf_json_pair_str(out, "systemImage", str_of(k->image));
        buf_char(out, '}');
    }
    buf_char(out, ']');
}

static void add_states(const struct rpc_call *call, const struct channels *all, bool probe)
{
    struct buf *out = call->out;
    buf_json_key(out, "channels");
    buf_char(out, '{');
    for (size_t i = 0; i < all->count; i++) {
        const struct account *a = default_account(&all->list[i]);
        buf_json_key(out, all->list[i].kind->id);
        buf_char(out, '{');
        add_state(out, a, live_of(call, all->list[i].kind, a));
        query_pair_ms(out, "lastProbeAt", add_probe(call, all->list[i].kind, a, probe) ? call->now_ms : -1);
        buf_char(out, '}');
    }
    buf_text(out, "},\"channelAccounts\":{");
    for (size_t i = 0; i < all->count; i++) {
        buf_json_key(out, all->list[i].kind->id);
        buf_char(out, '[');
        for (size_t n = 0; n < all->list[i].count; n++) add_account(call, all->list[i].kind, &all->list[i].accounts[n], probe);
        buf_char(out, ']');
    }
    buf_text(out, "},\"channelDefaultAccountId\":{");
    for (size_t i = 0; i < all->count; i++) buf_json_pair_str(out, all->list[i].kind->id, default_account(&all->list[i])->id);
    buf_char(out, '}');
}

static int channels_status(struct rpc_call *call)
{
    struct channels *all = read_channels(call);
    if (!all) return GW_ENOMEM;
    buf_char(call->out, '{');
    buf_json_pair_int(call->out, "ts", call->now_ms);
    add_order(call->out, all);
    add_texts(call->out, "channelLabels", all, offsetof(struct kind, label));
    add_texts(call->out, "channelDetailLabels", all, offsetof(struct kind, detail));
    add_texts(call->out, "channelSystemImages", all, offsetof(struct kind, image));
    add_meta(call->out, all);
    add_states(call, all, rpc_bool(call, "probe", false));
    buf_char(call->out, '}');
    free(all);
    return 0;
}

/* --- for health and status --------------------------------------------------------------------------------------- */

static void add_health(const struct rpc_call *call, const struct kind *k, const struct account *a, bool probe)
{
    struct buf *out = call->out;
    add_state(out, a, live_of(call, k, a));
    query_pair_ms(out, "lastProbeAt", add_probe(call, k, a, probe) ? call->now_ms : -1);
    buf_json_pair_str(out, "accountId", a->id);
}

void query_channels_health(const struct rpc_call *call, bool probe, struct buf *out)
{
    struct channels *all = read_channels(call);
    struct rpc_call to = *call;
    to.out = out;
    if (!all) {
        buf_text(out, "\"channels\":{},\"channelOrder\":[],\"channelLabels\":{}");
        return;
    }
    buf_text(out, "\"channels\":{");
    for (size_t i = 0; i < all->count; i++) {
        const struct channel *c = &all->list[i];
        buf_json_key(out, c->kind->id);
        buf_char(out, '{');
        add_health(&to, c->kind, default_account(c), probe);
        buf_json_key(out, "accounts");
        buf_char(out, '{');
        for (size_t n = 0; n < c->count; n++) {
            if (n > 0) buf_char(out, ',');
            buf_json_str(out, c->accounts[n].id);
            buf_text(out, ":{");
            add_health(&to, c->kind, &c->accounts[n], probe);
            buf_char(out, '}');
        }
        buf_text(out, "}}");
    }
    buf_char(out, '}');
    add_order(out, all);
    add_texts(out, "channelLabels", all, offsetof(struct kind, label));
    free(all);
}

static void add_line(struct buf *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add_line(struct buf *out, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    buf_json_comma(out);
    buf_json_str(out, str_of(text));
}

/* "Discord: configured", then a line for each account that is. */
static void summarize(struct buf *out, const struct channel *c)
{
    bool enabled = false, configured = false;
    for (size_t i = 0; i < c->count; i++) {
        enabled = enabled || c->accounts[i].enabled;
        configured = configured || c->accounts[i].configured;
    }
    add_line(out, "%s: %s", c->kind->label, !enabled ? "disabled" : configured ? "configured" : "not configured");
    for (size_t i = 0; i < c->count; i++) {
        const struct account *a = &c->accounts[i];
        if (!a->configured) continue;
        add_line(out, "  - %.*s%s%.*s%s (%stoken:%s)", STR_ARG(a->id), a->name.n ? " (" : "", STR_ARG(a->name), a->name.n ? ")" : "",
                 a->enabled ? "" : "disabled, ", a->token_source);
    }
}

void query_channels_summary(const struct rpc_call *call, struct buf *out)
{
    struct channels *all = read_channels(call);
    for (size_t i = 0; all && i < all->count; i++) summarize(out, &all->list[i]);
    free(all);
}

const struct rpc_handler query_channels_handlers[] = {
    { RPC_channels_status, channels_status },
    { RPC_none, NULL },
};
