/* The bot: who it is, long polling, orders, status. */
#include "channels/telegram.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/json_read.h"
#include "base/log.h"
#include "channels/channel_words.h"

const struct json5_node *telegram_setting(const struct channel_state *s, const char *name)
{
    return json5_member(config_get(s->config, STR("channels.telegram")), str_of(name));
}

bool telegram_list_has(const struct json5_node *list, struct str id, struct str username)
{
    static const char *const heads[] = { "telegram:", "tg:", "@" };
    for (const struct json5_node *n = list ? list->first : NULL; n; n = n->next) {
        char digits[32] = "";
        int64_t whole;
        if (n->kind == JSON5_NUMBER && json5_to_int(n, &whole)) snprintf(digits, sizeof digits, "%lld", (long long)whole);
        struct str entry = n->kind == JSON5_STRING ? n->string : str_of(digits);
        for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
            if (str_starts(entry, str_of(heads[i]))) entry = (struct str){ entry.p + strlen(heads[i]), entry.n - strlen(heads[i]) };
        if (entry.n && (str_is(entry, "*") || str_eq(entry, id) || (username.n && str_ieq(entry, username)))) return true;
    }
    return false;
}

void telegram_changed(struct channel_state *s)
{
    s->host.changed(s->host.ctx);
}

/* --- calls -------------------------------------------------------------------------------------------------------------------- */

struct telegram_call *telegram_call(struct channel_state *s, const char *method, json_t *body, enum telegram_purpose purpose,
                                    int64_t timeout_ms)
{
    static const char headers[] = "Content-Type: application/json\0User-Agent: openclaw/" GW_VERSION;
    struct telegram_call *call = calloc(1, sizeof *call);
    struct buf url = { 0 };
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    json_decref(body);
    buf_printf(&url, "%s/bot%s/%s", s->base, s->token ? s->token : "", method);
    if (!call || !text || url.err || !s->token) {
        free(call);
        call = NULL;
    } else {
        call->tag = ++s->last_tag;
        call->purpose = purpose;
        HASH_ADD(hh, s->calls, tag, sizeof call->tag, call);
        const struct channel_request request = { .tag = call->tag,
                                                 .method = "POST",
                                                 .url = buf_str(&url),
                                                 .headers = { headers, sizeof headers },
                                                 .body = str_of(text),
                                                 .timeout_ms = timeout_ms,
                                                 .body_max = 8 * 1024 * 1024 };
        s->host.request(s->host.ctx, &request);
    }
    free(text);
    buf_free(&url);
    return call;
}

static void fail(struct channel_state *s, const char *why, const json_t *said, int status)
{
    struct str description = json_str(said, "description");
    if (description.n)
        snprintf(s->error, sizeof s->error, "%s: %.*s (HTTP %d)", why, (int)(description.n > 150 ? 150 : description.n), description.p,
                 status);
    else
        snprintf(s->error, sizeof s->error, "%s", why);
    log_event(LOG_WARN, "telegram_failed", LOG_T("reason", s->error));
    telegram_changed(s);
}

static void back_off(struct channel_state *s, const json_t *said, const struct channel_now *now)
{
    int64_t asked_ms = json_int(json_object_get(said, "parameters"), "retry_after", 0) * 1000;
    int64_t own_ms = (int64_t)TELEGRAM_BACKOFF_MS << (s->failures < 6 ? s->failures : 6);
    int64_t jitter_ms = (int64_t)(s->host.random(s->host.ctx) % TELEGRAM_BACKOFF_MS);
    if (own_ms > TELEGRAM_BACKOFF_MAX_MS) own_ms = TELEGRAM_BACKOFF_MAX_MS;
    s->failures++;
    s->next_poll_ms = now->mono_ms + (asked_ms > own_ms ? asked_ms : own_ms) + jitter_ms;
}

static void stop_bot(struct channel_state *s, const json_t *said, int status, const struct channel_now *now)
{
    s->phase = TELEGRAM_FATAL;
    s->stopped_ms = now->wall_ms;
    fail(s, "Telegram does not know this token: see TELEGRAM_BOT_TOKEN or channels.telegram.botToken", said, status);
}

/* --- polling -------------------------------------------------------------------------------------------------------------------- */

static void ask_who(struct channel_state *s, const struct channel_now *now)
{
    s->phase = TELEGRAM_ASKING;
    s->polling = telegram_call(s, "getMe", json_object(), TELEGRAM_FOR_ME, TELEGRAM_CALL_MS) != NULL;
    if (!s->polling) s->next_poll_ms = now->mono_ms + TELEGRAM_PAUSE_MS;
}

static bool all_taken(const struct channel_state *s)
{
    for (const struct telegram_turn *t = s->turns; t; t = t->hh.next)
        if (!t->taken) return false;
    return true;
}

/* Nobody said that these are on record: they are asked for again. Their key makes a repeat harmless. */
static void give_back(struct channel_state *s)
{
    for (struct telegram_turn *t = s->turns, *following; t; t = following) {
        following = t->hh.next;
        if (t->taken) continue;
        if (t->update < s->offset) s->offset = t->update;
        HASH_DEL(s->turns, t);
        free(t);
    }
}

/* A poll confirms all updates before its offset, and Telegram forgets them: only what the gateway has on record. */
static void poll(struct channel_state *s, const struct channel_now *now)
{
    give_back(s);
    json_t *body = json_pack("{s:i, s:[s]}", "timeout", TELEGRAM_POLL_S, "allowed_updates", "message");
    if (body && s->offset) json_object_set_new(body, "offset", json_integer(s->offset));
    s->polled_ms = now->mono_ms;
    s->polling = telegram_call(s, "getUpdates", body, TELEGRAM_FOR_UPDATES, (TELEGRAM_POLL_S + 15) * 1000) != NULL;
    if (!s->polling) s->next_poll_ms = now->mono_ms + TELEGRAM_PAUSE_MS;
}

static void register_commands(struct channel_state *s)
{
    static const struct {
        const char *name, *line;
    } commands[] = {
#define COMMAND(id, name, aliases, group, takes, needs, line) { name, line },
#include "channels/chat_commands.def"
#undef COMMAND
    };
    const struct json5_node *native = config_get(s->config, STR("channels.telegram.commands.native"));
    json_t *list = json_array();
    if (s->commands_told || (native && native->kind == JSON5_BOOL && !native->boolean)) {
        json_decref(list);
        return;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strchr(commands[i].name, '-')) continue; /* Telegram takes letters, digits, underscores */
        json_array_append_new(list, json_pack("{s:s, s:s}", "command", commands[i].name, "description", commands[i].line));
    }
    s->commands_told = true;
    telegram_call(s, "setMyCommands", json_pack("{s:o}", "commands", list), TELEGRAM_FOR_COMMANDS, TELEGRAM_CALL_MS);
}

static void on_me(struct channel_state *s, int status, const json_t *said, const struct channel_now *now)
{
    const json_t *me = json_object_get(said, "result");
    s->polling = false;
    if (status == 200 && json_flag(said, "ok")) {
        char id[24];
        snprintf(id, sizeof id, "%lld", (long long)json_int(me, "id", 0));
        if (strcmp(id, s->id) != 0) s->offset = 0; /* another bot's messages are counted anew */
        memcpy(s->id, id, sizeof s->id);
        str_copy(s->username, sizeof s->username, json_str(me, "username"));
        s->phase = TELEGRAM_POLLING;
        s->failures = 0;
        s->error[0] = '\0';
        s->event_ms = now->wall_ms;
        log_event(LOG_INFO, "telegram_connected", LOG_T("bot", s->username));
        register_commands(s);
        poll(s, now);
        telegram_outs_tick(s, now);
    } else if (status == 401 || status == 404) {
        stop_bot(s, said, status, now);
    } else {
        fail(s, "Telegram cannot be reached", said, status);
        back_off(s, said, now);
    }
    telegram_changed(s);
}

static void take_updates(struct channel_state *s, const json_t *list, const struct channel_now *now)
{
    size_t i;
    const json_t *update;
    json_array_foreach(list, i, update)
    {
        int64_t id = json_int(update, "update_id", 0);
        if (id + 1 > s->offset) s->offset = id + 1;
        telegram_on_update(s, update, now);
    }
    if (json_array_size(list) > 0) {
        s->event_ms = now->wall_ms;
        s->batch_ms = now->mono_ms;
    } else if (now->mono_ms - s->polled_ms < TELEGRAM_PAUSE_MS) {
        s->next_poll_ms = now->mono_ms + TELEGRAM_PAUSE_MS; /* it does not wait as it was asked to */
    }
}

static void on_updates(struct channel_state *s, int status, const json_t *said, const struct channel_now *now)
{
    s->polling = false;
    if (s->phase != TELEGRAM_POLLING) return; /* switched off, or another bot now: nothing was confirmed */
    if (status == 200 && json_flag(said, "ok")) {
        if (s->failures) telegram_changed(s);
        s->failures = 0;
        s->error[0] = '\0';
        take_updates(s, json_object_get(said, "result"), now);
    } else if (status == 401 || status == 404) {
        stop_bot(s, said, status, now);
    } else {
        fail(s,
             status == 409 ? "another program reads this bot's messages, or a webhook is set (deleteWebhook)"
                           : "Telegram cannot be reached",
             said, status);
        back_off(s, said, now);
    }
}

/* --- the table --------------------------------------------------------------------------------------------------------------------- */

static bool switched_on(const config_t *config)
{
    const struct json5_node *top = config_get(config, STR("channels.telegram")), *enabled = json5_member(top, STR("enabled"));
    const struct json5_node *plugin = config_get(config, STR("plugins.entries.telegram.enabled"));
    if (plugin && plugin->kind == JSON5_BOOL && !plugin->boolean) return false;
    return (top || (plugin && plugin->kind == JSON5_BOOL)) && !(enabled && enabled->kind == JSON5_BOOL && !enabled->boolean);
}

static struct str token_of(const config_t *config, const struct env *env)
{
    struct str own = str_trim(config_str(config, "channels.telegram.botToken"));
    return own.n ? own : str_trim(env_get(env, "TELEGRAM_BOT_TOKEN"));
}

static bool wanted(const config_t *config, const struct env *env)
{
    return switched_on(config) && token_of(config, env).n > 0;
}

static void destroy(channel_state_t **state_p)
{
    channel_state_t *s = *state_p;
    struct telegram_call *call, *next_call;
    struct telegram_turn *turn, *next_turn;
    if (!s) return;
    telegram_outs_free(s);
    HASH_ITER(hh, s->calls, call, next_call)
    {
        HASH_DEL(s->calls, call);
        free(call);
    }
    HASH_ITER(hh, s->turns, turn, next_turn)
    {
        HASH_DEL(s->turns, turn);
        free(turn);
    }
    dm_pairing_destroy(&s->pairing);
    free(s->base);
    free(s->token);
    free(s);
    *state_p = NULL;
}

static void take_token(struct channel_state *s)
{
    struct str token = token_of(s->config, &s->env);
    free(s->token);
    s->token = token.n ? str_dup(token) : NULL;
    if (token.n) log_secret_add(token);
}

static int create(const struct channel_options *options, const struct channel_host *host, channel_state_t **out)
{
    channel_state_t *s = calloc(1, sizeof *s);
    *out = s;
    if (!s) return GW_ENOMEM;
    struct str base = str_trim(env_get(&options->env, "TELEGRAM_API_BASE"));
    if (!base.n) base = STR("https://api.telegram.org");
    while (base.n > 1 && base.p[base.n - 1] == '/') base.n--;
    s->config = options->config;
    s->env = options->env;
    s->host = *host;
    s->base = str_dup(base);
    take_token(s);
    int rc = s->base ? dm_pairing_create(&s->pairing) : GW_ENOMEM;
    if (rc) destroy(out);
    return rc;
}

static void load(channel_state_t *s, struct str key, struct str json)
{
    if (str_is(key, "pairing")) dm_pairing_load(s->pairing, json);
}

static void start(channel_state_t *s, const struct channel_now *now)
{
    s->started_ms = now->wall_ms;
    if (switched_on(s->config) && s->token) ask_who(s, now);
    telegram_changed(s);
}

static void take_config(channel_state_t *s, const config_t *config, const struct channel_now *now)
{
    char *before = s->token ? str_dup(str_of(s->token)) : NULL;
    s->config = config;
    take_token(s);
    bool same = before && s->token && strcmp(before, s->token) == 0;
    bool on = switched_on(config) && s->token;
    free(before);
    if (!on) {
        s->phase = TELEGRAM_OFF;
        s->stopped_ms = now->wall_ms;
    } else if (s->phase == TELEGRAM_OFF || !same) {
        s->phase = TELEGRAM_ASKING;
        if (!s->polling) ask_who(s, now);
    }
    telegram_changed(s);
}

static void tell_probe(struct channel_state *s, uint64_t order, const struct channel_response *answer, const json_t *said)
{
    const json_t *me = json_object_get(said, "result");
    json_t *out = json_pack("{s:b, s:i}", "ok", answer->status == 200, "status", answer->status);
    if (me)
        json_object_set_new(out, "bot",
                            json_pack("{s:O*, s:O*}", "id", json_object_get(me, "id"), "username", json_object_get(me, "username")));
    if (answer->status != 200) json_object_set_new(out, "error", json_string(answer->error ? answer->error : "not taken"));
    char *text = json_dumps(out, JSON_COMPACT);
    s->host.ordered(s->host.ctx, order, text != NULL, text ? str_of(text) : STR("{}"));
    free(text);
    json_decref(out);
}

static void answered(channel_state_t *s, const struct channel_response *answer, const struct channel_now *now)
{
    struct telegram_call *call;
    json_t *said = answer->body.n ? json_loadb(answer->body.p, answer->body.n, 0, NULL) : NULL;
    HASH_FIND(hh, s->calls, &answer->tag, sizeof answer->tag, call);
    if (call) {
        HASH_DEL(s->calls, call);
        switch (call->purpose) {
        case TELEGRAM_FOR_ME: on_me(s, answer->status, said, now); break;
        case TELEGRAM_FOR_UPDATES: on_updates(s, answer->status, said, now); break;
        case TELEGRAM_FOR_PROBE: tell_probe(s, call->order, answer, said); break;
        case TELEGRAM_FOR_TEXT:
            if (call->subject) telegram_sent(s, call->subject, answer, now);
            break;
        default: break; /* typing, commands: not worth a second try */
        }
    }
    free(call);
    json_decref(said);
}

static int64_t next(channel_state_t *s)
{
    int64_t due_ms = telegram_outs_next(s);
    if (s->phase == TELEGRAM_OFF || s->phase == TELEGRAM_FATAL) return due_ms;
    for (const struct telegram_turn *t = s->turns; t; t = t->hh.next)
        if (t->typing && t->type_ms < due_ms) due_ms = t->type_ms;
    if (s->polling) return due_ms;
    int64_t taken_ms = all_taken(s) ? 0 : s->batch_ms + TELEGRAM_TAKEN_MS;
    int64_t poll_ms = taken_ms > s->next_poll_ms ? taken_ms : s->next_poll_ms;
    return poll_ms < due_ms ? poll_ms : due_ms;
}

static void tick(channel_state_t *s, const struct channel_now *now)
{
    telegram_outs_tick(s, now);
    if (s->phase == TELEGRAM_OFF || s->phase == TELEGRAM_FATAL) return;
    for (struct telegram_turn *t = s->turns, *following; t; t = following) {
        following = t->hh.next;
        if (t->typing && t->type_ms <= now->mono_ms) telegram_turn_news(s, t->tag, CHANNEL_TURN_STARTED, (struct str){ 0 }, now);
    }
    bool may_poll = !s->polling && now->mono_ms >= s->next_poll_ms && (all_taken(s) || now->mono_ms >= s->batch_ms + TELEGRAM_TAKEN_MS);
    if (may_poll && s->phase == TELEGRAM_ASKING) ask_who(s, now);
    if (may_poll && s->phase == TELEGRAM_POLLING) poll(s, now);
}

/* --- orders --------------------------------------------------------------------------------------------------------------------------- */

static void approve(struct channel_state *s, uint64_t tag, const json_t *params, const struct channel_now *now)
{
    char id[DM_PAIRING_ID_MAX + 1];
    struct buf out = { 0 }, kept = { 0 };
    struct str code = json_str(params, "code");
    int rc = dm_pairing_approve(s->pairing, code, now->wall_ms, id);
    if (rc) {
        buf_printf(&out, rc == GW_ENOENT ? "No pending pairing request found for code: %.*s" : "code %.*s could not be approved",
                   STR_ARG(code));
    } else {
        dm_pairing_write(s->pairing, &kept);
        s->host.keep(s->host.ctx, STR("pairing"), buf_str(&kept));
        log_event(LOG_INFO, "telegram_pairing_approved", LOG_T("user", id));
        if (json_flag(params, "notify")) telegram_say(s, id, 0, STR("✅ OpenClaw access approved. Send a message to start chatting."), now);
        buf_printf(&out, "{\"ok\":true,\"id\":\"%s\"}", id);
    }
    s->host.ordered(s->host.ctx, tag, rc == 0, buf_str(&out));
    buf_free(&out);
    buf_free(&kept);
}

static void order(channel_state_t *s, const struct channel_order *o, const struct channel_now *now)
{
    json_t *params = json_loadb(o->params.p, o->params.n, 0, NULL);
    struct buf out = { 0 };
    if (str_is(o->action, "pairing.list")) {
        dm_pairing_list(s->pairing, now->wall_ms, &out);
        s->host.ordered(s->host.ctx, o->tag, !out.err, buf_str(&out));
    } else if (str_is(o->action, "pairing.approve")) {
        approve(s, o->tag, params, now);
    } else if (s->phase == TELEGRAM_OFF || s->phase == TELEGRAM_FATAL) {
        s->host.ordered(s->host.ctx, o->tag, false, s->error[0] ? str_of(s->error) : STR("Telegram is not connected"));
    } else if (str_is(o->action, "send")) {
        telegram_deliver(s, &o->send, o->tag, now);
    } else if (str_is(o->action, "probe")) {
        struct telegram_call *call = telegram_call(s, "getMe", json_object(), TELEGRAM_FOR_PROBE, TELEGRAM_CALL_MS);
        if (call)
            call->order = o->tag;
        else
            s->host.ordered(s->host.ctx, o->tag, false, STR("out of memory"));
    } else {
        s->host.ordered(s->host.ctx, o->tag, false, STR("Telegram knows send alone here"));
    }
    buf_free(&out);
    json_decref(params);
}

static void deliver(channel_state_t *s, const struct channel_delivery *delivery, const struct channel_now *now)
{
    telegram_deliver(s, delivery, 0, now);
}

static void status(channel_state_t *s, const struct channel_now *now, struct buf *out)
{
    static const char *const states[] = { "stopped", "connecting", "connected", "stopped" };
    bool runs = s->phase == TELEGRAM_POLLING || s->phase == TELEGRAM_ASKING;
    bool polls = s->phase == TELEGRAM_POLLING && !s->failures;
    const struct channel_account_status common = { .id = "default",
                                                   .state = s->phase == TELEGRAM_POLLING && !polls ? "connecting" : states[s->phase],
                                                   .running = runs,
                                                   .connected = polls,
                                                   .started_ms = s->started_ms,
                                                   .stopped_ms = s->stopped_ms,
                                                   .inbound_ms = s->inbound_ms,
                                                   .outbound_ms = s->outbound_ms,
                                                   .event_ms = s->event_ms,
                                                   .error = s->error,
                                                   .bot_id = s->id,
                                                   .bot_name = s->username };
    (void)now;
    buf_char(out, '[');
    channel_status_write(&common, out);
    buf_text(out, "}]");
}

const struct channel channel_telegram = {
    .id = "telegram",
    .label = "Telegram",
    .wanted = wanted,
    .create = create,
    .destroy = destroy,
    .load = load,
    .start = start,
    .take_config = take_config,
    .answered = answered,
    .next = next,
    .tick = tick,
    .turn = telegram_turn_news,
    .deliver = deliver,
    .order = order,
    .status = status,
};
