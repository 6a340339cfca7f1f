/* Slash commands: registered when they have changed, acknowledged at once, and answered as if they had been typed
 * (reference discord 3.2). */
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/json_read.h"
#include "base/log.h"
#include "channels/chat_commands.h"
#include "channels/discord.h"
#include "channels/routing.h"

enum { EPHEMERAL = 64 };

static const struct {
    const char *name, *line;
    bool words; /* takes some */
} commands[] = {
#define NAMED_NOTHING false
#define NAMED_WORD true
#define NAMED_ANY true
#define COMMAND(id, name, aliases, group, takes, needs, line) { name, line, NAMED_##takes },
#include "channels/chat_commands.def"
#undef COMMAND
};

static bool wanted(const struct discord_account *a)
{
    const struct json5_node *native = discord_setting(a, "commands.native");
    if (!native) native = config_get(a->d->config, STR("commands.native"));
    return !(native && native->kind == JSON5_BOOL && !native->boolean);
}

static char *write_commands(const struct discord_account *a)
{
    json_t *list = json_array();
    size_t n = wanted(a) ? sizeof commands / sizeof *commands : 0;
    for (size_t i = 0; i < n && i < DISCORD_COMMANDS_MAX; i++) {
        json_t *c = json_pack("{s:s, s:s, s:i}", "name", commands[i].name, "description", commands[i].line, "type", 1);
        if (commands[i].words)
            json_object_set_new(c, "options",
                                json_pack("[{s:s, s:s, s:i, s:b}]", "name", "args", "description", "What stands behind the command", "type",
                                          3, "required", 0));
        json_array_append_new(list, c);
    }
    char *text = json_dumps(list, JSON_COMPACT);
    json_decref(list);
    return text;
}

static void hash_of(const char *text, char out[17])
{
    snprintf(out, 17, "%016llx", (unsigned long long)hash_fnv(str_of(text), 0));
}

void discord_commands_register(struct discord_account *a, const struct channel_now *now)
{
    char *text = a->application[0] ? write_commands(a) : NULL, hash[17];
    if (!text) return;
    hash_of(text, hash);
    if (strcmp(hash, a->commands_hash) != 0) {
        struct discord_call *call = discord_call("PUT", DISCORD_FOR_COMMANDS, "/applications/%s/commands", a->application);
        if (call) {
            buf_text(&call->body, text);
            call->type = "application/json";
            call->tries_max = 5;
            discord_rest_forget_purpose(a->rest, DISCORD_FOR_COMMANDS);
        }
        memcpy(a->commands_hash, hash, sizeof hash);
        discord_go(a, call, now);
    }
    free(text);
}

void discord_commands_told(struct discord_account *a, const struct channel_response *answer)
{
    struct buf key = { 0 }, hash = { 0 };
    if (answer->status == 200) {
        buf_printf(&key, "commands:%s", a->id);
        buf_printf(&hash, "\"%s\"", a->commands_hash);
        a->d->host.keep(a->d->host.ctx, buf_str(&key), buf_str(&hash));
    } else {
        discord_why(answer, &hash);
        log_event(LOG_WARN, "discord_commands_not_registered", LOG_T("account", a->id), LOG_S("reason", buf_str(&hash)));
        a->commands_hash[0] = '\0';
    }
    buf_free(&key);
    buf_free(&hash);
}

/* --- interactions --------------------------------------------------------------------------------------------------------- */

/* Within 3 s of its arrival: straight from here, and past all limits. */
void discord_acknowledge(struct discord_account *a, const json_t *data, json_t *body, const struct channel_now *now)
{
    struct discord_call *call = discord_call("POST", DISCORD_FOR_NOTHING, "/interactions/%.*s/%.*s/callback", STR_ARG(json_str(data, "id")),
                                             STR_ARG(json_str(data, "token")));
    if (!call) {
        json_decref(body);
        return;
    }
    discord_body(call, body);
    call->exempt = call->own_token = true;
    call->tries_max = 2;
    call->timeout_ms = 2500;
    discord_go(a, call, now);
    discord_pump(a, now);
}

static void write_route(const struct discord_account *a, const json_t *data, struct buf *out)
{
    buf_printf(out, "{\"channel\":\"discord\",\"account\":\"%s\",\"to\":\"channel:%.*s\",\"interaction\":\"%s/%.*s\"}", a->id,
               STR_ARG(json_str(data, "channel_id")), a->application, STR_ARG(json_str(data, "token")));
}

static void answer_text(struct discord_account *a, const json_t *data, struct str text, const struct channel_now *now)
{
    struct buf route = { 0 };
    write_route(a, data, &route);
    const struct channel_delivery d = { .route = buf_str(&route), .text = text, .nonce = STR("i") };
    discord_deliver(a->d, &d, 0, now);
    buf_free(&route);
}

static void run_command(struct discord_account *a, const json_t *data, const json_t *user, const struct discord_where *w)
{
    struct buf text = { 0 }, key = { 0 }, route = { 0 }, once = { 0 };
    const json_t *what = json_object_get(data, "data"), *option;
    size_t i;
    const struct routing_from from = { .channel = "discord",
                                       .account = str_of(a->id),
                                       .default_account = a->is_default,
                                       .kind = w->direct ? "direct" : "channel",
                                       .peer = w->direct ? json_str(user, "id") : w->channel,
                                       .parent = w->parent,
                                       .guild = w->guild };
    struct str agent = routing_agent(a->d->config, &from);
    buf_printf(&text, "/%.*s", STR_ARG(json_str(what, "name")));
    json_array_foreach(json_object_get(what, "options"), i, option) buf_printf(&text, " %.*s", STR_ARG(json_str(option, "value")));
    routing_session_key(a->d->config, agent, &from, &key);
    write_route(a, data, &route);
    buf_printf(&once, "discord:%s:%.*s", a->id, STR_ARG(json_str(data, "id")));
    const struct channel_message m = { .session_key = buf_str(&key),
                                       .agent = agent,
                                       .text = buf_str(&text),
                                       .command = buf_str(&text),
                                       .may_command = true,
                                       .route = buf_str(&route),
                                       .key = buf_str(&once),
                                       .sender = json_str(user, "id") };
    if (!text.err && !key.err && !route.err) a->d->host.message(a->d->host.ctx, &m);
    buf_free(&text);
    buf_free(&key);
    buf_free(&route);
    buf_free(&once);
}

void discord_interaction(struct discord_account *a, const json_t *data, const struct channel_now *now)
{
    struct discord_where where;
    struct discord_rules rules;
    const json_t *user = json_object_get(json_object_get(data, "member"), "user");
    int64_t type = json_int(data, "type", 0);
    if (!json_is_object(user)) user = json_object_get(data, "user");
    if (type == 4) discord_acknowledge(a, data, json_pack("{s:i, s:{s:[]}}", "type", 8, "data", "choices"), now);
    if (type == 3 && !discord_pressed(a, data, user, now)) discord_acknowledge(a, data, json_pack("{s:i}", "type", 6), now);
    if (type != 2) return;
    discord_acknowledge(a, data, json_pack("{s:i, s:{s:i}}", "type", 5, "data", "flags", EPHEMERAL), now);
    discord_place(a, data, now, &where);
    discord_access(a, &where, &rules);
    if (discord_may_command(a, &rules, where.direct, user, json_object_get(data, "member")))
        run_command(a, data, user, &where);
    else
        answer_text(a, data, STR("You are not authorized to use this command."), now);
}
