#include "channels/discord.h"
#include "channels/channel_words.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json_read.h"
#include "base/log.h"
#include "base/version.h"

#define API_DEFAULT "https://discord.com/api/v10"
#define USER_AGENT "DiscordBot (https://github.com/openclaw/openclaw, " GW_VERSION ")"

enum { CALL_MS = 20000, ANSWER_MAX = 4 << 20 };

/* --- settings ---------------------------------------------------------------------------------------------------------- */

const struct json5_node *discord_setting(const struct discord_account *a, const char *name)
{
    const struct json5_node *top = config_get(a->d->config, STR("channels.discord"));
    const struct json5_node *own = json5_member(json5_member(top, STR("accounts")), str_of(a->id)), *both[] = { own, top };
    for (size_t i = 0; i < 2; i++) {
        const struct json5_node *n = both[i];
        for (struct str rest = str_of(name); n && rest.n;) n = json5_member(n, str_split(&rest, '.'));
        if (n && n->kind != JSON5_NULL) return n;
    }
    return NULL;
}

struct str discord_text(const struct discord_account *a, const char *name)
{
    const struct json5_node *n = discord_setting(a, name);
    return n && n->kind == JSON5_STRING ? n->string : (struct str){ 0 };
}

bool discord_flag(const struct discord_account *a, const char *name, bool otherwise)
{
    const struct json5_node *n = discord_setting(a, name);
    return n && n->kind == JSON5_BOOL ? n->boolean : otherwise;
}

int64_t discord_number(const struct discord_account *a, const char *name)
{
    char path[128];
    int64_t value;
    const struct json5_node *n = discord_setting(a, name);
    if (n && json5_to_int(n, &value)) return value;
    snprintf(path, sizeof path, "channels.discord.%s", name);
    return config_int(a->d->config, path);
}

uint64_t discord_random(struct channel_state *d)
{
    return d->host.random(d->host.ctx);
}

bool discord_id_copy(char out[DISCORD_ID_SIZE], struct str id)
{
    out[0] = '\0';
    if (id.n == 0 || id.n >= DISCORD_ID_SIZE) return false;
    for (size_t i = 0; i < id.n; i++)
        if (id.p[i] < '0' || id.p[i] > '9') return false;
    return str_copy(out, DISCORD_ID_SIZE, id) == 0;
}

void discord_changed(struct discord_account *a)
{
    a->d->host.changed(a->d->host.ctx);
}

/* --- calls --------------------------------------------------------------------------------------------------------------- */

struct discord_call *discord_call(const char *method, enum discord_purpose purpose, const char *path, ...)
{
    struct discord_call *call = calloc(1, sizeof *call);
    va_list args;
    if (!call) return NULL;
    call->method = method;
    call->purpose = purpose;
    call->timeout_ms = CALL_MS;
    va_start(args, path);
    int n = vsnprintf(call->path, sizeof call->path, path, args);
    va_end(args);
    if (n > 0 && (size_t)n < sizeof call->path) return call;
    discord_call_free(call);
    return NULL;
}

void discord_body(struct discord_call *call, json_t *body)
{
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    if (text) buf_text(&call->body, text);
    call->type = "application/json";
    free(text);
    json_decref(body);
}

int discord_go(struct discord_account *a, struct discord_call *call, const struct channel_now *now)
{
    return call ? discord_rest_add(a->rest, call, now->mono_ms) : GW_ENOMEM;
}

static void add_header(struct buf *out, const char *name, struct str value)
{
    buf_printf(out, "%s: %.*s", name, STR_ARG(value));
    buf_char(out, '\0');
}

static void send_call(struct discord_account *a, const struct discord_call *call)
{
    struct buf url = { 0 }, headers = { 0 }, value = { 0 };
    if (!call->foreign) buf_text(&url, a->d->base);
    buf_text(&url, call->path);
    add_header(&headers, "User-Agent", STR(USER_AGENT));
    if (!call->foreign && !call->own_token) {
        buf_printf(&value, "Bot %s", a->token);
        add_header(&headers, "Authorization", buf_str(&value));
        buf_clear(&value);
    }
    if (call->type) {
        buf_text(&value, call->type);
        if (call->boundary[0]) buf_printf(&value, "; boundary=%s", call->boundary);
        add_header(&headers, "Content-Type", buf_str(&value));
    }
    const struct channel_request request = { .tag = call->tag << 8 | a->index,
                                             .method = call->method,
                                             .url = buf_str(&url),
                                             .headers = buf_str(&headers),
                                             .body = buf_str(&call->body),
                                             .timeout_ms = call->timeout_ms,
                                             .body_max = call->body_max ? call->body_max : ANSWER_MAX };
    a->d->host.request(a->d->host.ctx, &request);
    buf_free(&url);
    buf_free(&headers);
    buf_free(&value);
}

void discord_pump(struct discord_account *a, const struct channel_now *now)
{
    const struct discord_call *call;
    if (discord_stopped(a)) return; /* with a token that is not valid nothing is tried: what waits, waits for another */
    while (a->rest && (call = discord_rest_next(a->rest, now->mono_ms))) send_call(a, call);
}

bool discord_stopped(const struct discord_account *a)
{
    return a->phase == DISCORD_OFF || a->phase == DISCORD_FATAL;
}

static void channel_told(struct discord_account *a, const struct discord_call *call, const struct channel_response *answer,
                         const struct channel_now *now)
{
    json_t *said = answer->status == 200 ? discord_json(answer->body) : NULL;
    discord_chan_told(a, call->ref, said, now);
    json_decref(said);
    discord_inbound_placed(a, call->ref, now);
}

static void dispatch(struct discord_account *a, struct discord_call *call, const struct channel_response *answer,
                     const struct channel_now *now)
{
    if (answer->status == 401 && !call->own_token && !call->foreign && !discord_stopped(a) && call->purpose != DISCORD_FOR_GATEWAY)
        discord_gateway_stop(a, now, DISCORD_FATAL,
                             "Discord refuses the bot token (401): set a valid one in channels.discord.token or DISCORD_BOT_TOKEN");
    switch (call->purpose) {
    case DISCORD_FOR_GATEWAY: discord_gateway_told(a, answer, now); break;
    case DISCORD_FOR_COMMANDS: discord_commands_told(a, answer); break;
    case DISCORD_FOR_CHANNEL: channel_told(a, call, answer, now); break;
    case DISCORD_FOR_PART: discord_part_sent(a, call, answer, now); break;
    case DISCORD_FOR_DM: discord_out_dm(a, call, answer, now); break;
    case DISCORD_FOR_FILE: discord_inbound_file(a, call, answer, now); break;
    case DISCORD_FOR_REACTED: discord_reacted(a, call, answer, now); break;
    case DISCORD_FOR_ORDER:
    case DISCORD_FOR_PROBE: discord_ordered(a, call, answer, now); break;
    default: break;
    }
}

static void answered(channel_state_t *d, const struct channel_response *response, const struct channel_now *now)
{
    size_t index = response->tag & 0xff;
    struct discord_account *a = index < d->count ? d->accounts[index] : NULL;
    struct channel_response answer = *response;
    if (!a || !a->rest) return;
    answer.tag = response->tag >> 8;
    struct discord_call *call = discord_rest_answered(a->rest, &answer, now->mono_ms, discord_random(d));
    if (call) dispatch(a, call, &answer, now);
    discord_call_free(call);
    discord_pump(a, now);
}

/* --- accounts -------------------------------------------------------------------------------------------------------------- */

/* The plugin's switch; without it, on. */
static bool is_on(const config_t *config)
{
    return discord_is(config_get(config, STR("plugins.entries.discord")), "enabled", true);
}

static bool is_known(const struct channel_state *d, struct str id)
{
    for (size_t i = 0; i < d->count; i++)
        if (str_is(id, d->accounts[i]->id)) return true;
    return false;
}

struct discord_account *discord_account_find(struct channel_state *d, struct str id)
{
    for (size_t i = 0; i < d->count; i++)
        if (id.n ? str_is(id, d->accounts[i]->id) : d->accounts[i]->is_default) return d->accounts[i];
    return id.n == 0 && d->count ? d->accounts[0] : NULL;
}

static void free_account(struct discord_account *a)
{
    discord_inbound_free(a);
    discord_outs_free(a);
    discord_turns_free(a);
    discord_presses_free(a);
    discord_world_free(a);
    discord_rest_destroy(&a->rest);
    discord_inflate_destroy(&a->inflater);
    free(a->token);
    free(a->gateway_url);
    free(a->resume_url);
    free(a->session);
    free(a->username);
    free(a);
}

static struct str default_id(const config_t *config)
{
    struct str named = config_str(config, "channels.discord.defaultAccount");
    return named.n ? named : STR("default");
}

/* The accounts of the configuration: those under `accounts`, and the channel's own when nothing is there or it has a token. */
static bool is_listed(const struct channel_state *d, struct str id)
{
    const struct json5_node *top = config_get(d->config, STR("channels.discord")), *list = json5_member(top, STR("accounts"));
    bool own = !list || list->count == 0 || json5_member(top, STR("token")) || env_get(&d->env, "DISCORD_BOT_TOKEN").n;
    return json5_member(list, id) || (own && str_eq(id, default_id(d->config)));
}

static void read_account(struct discord_account *a)
{
    struct str token = str_trim(discord_text(a, "token"));
    a->is_default = str_is(default_id(a->d->config), a->id);
    if (!token.n && a->is_default) token = str_trim(env_get(&a->d->env, "DISCORD_BOT_TOKEN"));
    if (str_starts(token, STR("Bot "))) token = (struct str){ token.p + 4, token.n - 4 };
    free(a->token);
    a->token = token.n ? str_dup(token) : NULL;
    if (a->token) log_secret_add(token);
    a->enabled = is_listed(a->d, str_of(a->id)) && is_on(a->d->config) && discord_flag(a, "enabled", true);
}

static int add_account(struct channel_state *d, struct str id)
{
    if (is_known(d, id) || !is_listed(d, id)) return 0;
    if (d->count == CHANNEL_ACCOUNTS_MAX) {
        log_event(LOG_WARN, "discord_account_left_out", LOG_S("account", id), LOG_T("reason", "too many (CHANNEL_ACCOUNTS_MAX)"));
        return 0;
    }
    struct discord_account *a = calloc(1, sizeof *a);
    int rc = a ? discord_rest_create(&a->rest) : GW_ENOMEM;
    if (rc == 0) rc = str_copy(a->id, sizeof a->id, id);
    if (rc) {
        if (a) discord_rest_destroy(&a->rest);
        free(a);
        return rc;
    }
    a->d = d;
    a->index = d->count;
    a->seq = -1;
    d->accounts[d->count++] = a;
    read_account(a);
    return 0;
}

/* Those that are not there yet. */
static int add_accounts(struct channel_state *d)
{
    const struct json5_node *list = config_get(d->config, STR("channels.discord.accounts"));
    int rc = add_account(d, default_id(d->config));
    for (const struct json5_node *n = list ? list->first : NULL; n && rc == 0; n = n->next) rc = add_account(d, n->key);
    return rc;
}

static bool wanted(const config_t *config, const struct env *env)
{
    const struct json5_node *top = config_get(config, STR("channels.discord"));
    bool token = env_get(env, "DISCORD_BOT_TOKEN").n || json5_member(top, STR("token")) || json5_member(top, STR("accounts"));
    bool asked = top || discord_is(config_get(config, STR("plugins.entries.discord")), "enabled", false);
    return token && asked && is_on(config) && discord_is(top, "enabled", true);
}

static void destroy(channel_state_t **state_p)
{
    struct channel_state *d = *state_p;
    struct discord_seen *s, *next;
    if (!d) return;
    for (size_t i = 0; i < d->count; i++) free_account(d->accounts[i]);
    HASH_ITER(hh, d->seen, s, next)
    {
        HASH_DEL(d->seen, s);
        free(s);
    }
    dm_pairing_destroy(&d->pairing);
    free(d->base);
    free(d);
    *state_p = NULL;
}

static int create(const struct channel_options *options, const struct channel_host *host, channel_state_t **out)
{
    struct channel_state *d = calloc(1, sizeof *d);
    struct str base;
    *out = NULL;
    if (!d) return GW_ENOMEM;
    d->config = options->config;
    d->env = options->env;
    d->host = *host;
    base = str_trim(env_get(&d->env, "DISCORD_API_BASE"));
    while (base.n && base.p[base.n - 1] == '/') base.n--;
    d->base = str_dup(base.n ? base : STR(API_DEFAULT));
    int rc = d->base ? dm_pairing_create(&d->pairing) : GW_ENOMEM;
    if (rc == 0) rc = add_accounts(d);
    if (rc)
        destroy(&d);
    else
        *out = d;
    return rc;
}

static void load(channel_state_t *d, struct str key, struct str json)
{
    if (str_is(key, "pairing")) dm_pairing_load(d->pairing, json);
    if (!str_starts(key, STR("commands:"))) return;
    struct discord_account *a = discord_account_find(d, (struct str){ key.p + 9, key.n - 9 });
    if (a && json.n > 2) str_copy(a->commands_hash, sizeof a->commands_hash, (struct str){ json.p + 1, json.n - 2 });
}

static void start_account(struct discord_account *a, const struct channel_now *now)
{
    if (a->token && a->enabled)
        discord_gateway_start(a, now);
    else
        discord_gateway_stop(a, now, DISCORD_OFF, a->enabled ? "no token: set channels.discord.token or DISCORD_BOT_TOKEN" : "disabled");
    discord_pump(a, now);
}

static void start(channel_state_t *d, const struct channel_now *now)
{
    d->started = true;
    for (size_t i = 0; i < d->count; i++) start_account(d->accounts[i], now);
    d->host.changed(d->host.ctx);
}

/* An account whose token or switch has changed connects anew, as does a new one; one that stopped for good is tried again. */
static void take_config(channel_state_t *d, const config_t *config, const struct channel_now *now)
{
    d->config = config;
    add_accounts(d);
    for (size_t i = 0; i < d->count; i++) {
        struct discord_account *a = d->accounts[i];
        char *before = a->token ? str_dup(str_of(a->token)) : NULL;
        bool was_enabled = a->enabled;
        read_account(a);
        bool same = was_enabled == a->enabled && str_eq(str_of(before), str_of(a->token));
        free(before);
        bool fresh = a->phase == DISCORD_OFF && a->enabled && a->token;
        if (same && !fresh && a->phase != DISCORD_FATAL) continue;
        if (a->phase != DISCORD_OFF && a->phase != DISCORD_FATAL) discord_gateway_stop(a, now, DISCORD_OFF, NULL);
        start_account(a, now);
    }
    d->host.changed(d->host.ctx);
}

/* --- events ------------------------------------------------------------------------------------------------------------------ */

static void opened(channel_state_t *d, size_t account, const struct channel_now *now)
{
    if (account < d->count) discord_gateway_opened(d->accounts[account], now);
}

static void received(channel_state_t *d, size_t account, struct str bytes, bool binary, const struct channel_now *now)
{
    if (account >= d->count) return;
    discord_gateway_received(d->accounts[account], bytes, binary, now);
    discord_pump(d->accounts[account], now);
}

static void closed(channel_state_t *d, size_t account, int code, struct str reason, const struct channel_now *now)
{
    if (account >= d->count) return;
    discord_gateway_closed(d->accounts[account], code, reason, now);
    discord_pump(d->accounts[account], now);
}

static int64_t next(channel_state_t *d)
{
    int64_t due = INT64_MAX;
    for (size_t i = 0; i < d->count; i++) {
        struct discord_account *a = d->accounts[i];
        const int64_t times[] = { discord_gateway_next(a), discord_turns_next(a), discord_inbound_next(a), discord_rest_due(a->rest) };
        for (size_t k = 0; k < 4; k++)
            if (times[k] < due) due = times[k];
    }
    return due;
}

static void tick(channel_state_t *d, const struct channel_now *now)
{
    for (size_t i = 0; i < d->count; i++) {
        struct discord_account *a = d->accounts[i];
        if (d->started) discord_gateway_tick(a, now);
        discord_turns_tick(a, now);
        discord_inbound_tick(a, now);
        discord_pump(a, now);
    }
}

static void deliver(channel_state_t *d, const struct channel_delivery *delivery, const struct channel_now *now)
{
    discord_deliver(d, delivery, 0, now);
}

static void stop(channel_state_t *d, const struct channel_now *now)
{
    for (size_t i = 0; i < d->count; i++)
        if (d->accounts[i]->phase != DISCORD_OFF) discord_gateway_stop(d->accounts[i], now, DISCORD_OFF, "the gateway stops");
}

/* --- status -------------------------------------------------------------------------------------------------------------------- */

static const char *state_of(const struct discord_account *a, const struct channel_now *now)
{
    switch (a->phase) {
    case DISCORD_OFF:
    case DISCORD_FATAL: return "stopped";
    case DISCORD_READY: return a->beat_waits && now->mono_ms - a->beat_sent_ms > 10000 ? "deaf" : "connected";
    default: return a->event_ms ? "deaf" : "connecting";
    }
}

static void status(channel_state_t *d, const struct channel_now *now, struct buf *out)
{
    buf_char(out, '[');
    for (size_t i = 0; i < d->count; i++) {
        const struct discord_account *a = d->accounts[i];
        bool tried = a->error[0] && !a->event_ms; /* it never got through: not running, as OpenClaw tells it between its tries */
        bool runs = a->phase != DISCORD_OFF && a->phase != DISCORD_FATAL && !tried;
        const struct channel_account_status common = { .id = a->id,
                                                       .state = state_of(a, now),
                                                       .running = runs,
                                                       .connected = a->phase == DISCORD_READY,
                                                       .started_ms = a->started_ms,
                                                       .stopped_ms = a->stopped_ms,
                                                       .inbound_ms = a->inbound_ms,
                                                       .outbound_ms = a->outbound_ms,
                                                       .event_ms = a->event_ms,
                                                       .error = a->error,
                                                       .bot_id = a->user,
                                                       .bot_name = a->username };
        buf_json_comma(out);
        channel_status_write(&common, out);
        buf_json_pair_int(out, "latencyMs", a->latency_ms);
        buf_json_pair_int(out, "resumes", a->resumes);
        buf_json_pair_int(out, "identifies", a->identifies);
        buf_json_pair_int(out, "reconnects", a->reconnects);
        buf_char(out, '}');
    }
    buf_char(out, ']');
}

const struct channel channel_discord = {
    .id = "discord",
    .label = "Discord",
    .wanted = wanted,
    .create = create,
    .destroy = destroy,
    .load = load,
    .start = start,
    .take_config = take_config,
    .opened = opened,
    .received = received,
    .closed = closed,
    .answered = answered,
    .next = next,
    .tick = tick,
    .turn = discord_turn_news,
    .decided = discord_decided,
    .deliver = deliver,
    .order = discord_order,
    .status = status,
    .stop = stop,
};
