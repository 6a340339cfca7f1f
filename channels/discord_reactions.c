/* Reactions become a line for the next turn of their conversation; none runs for them (reference discord 4.6). */
#include <stdio.h>

#include "base/json_read.h"
#include "channels/discord.h"
#include "channels/routing.h"

static void tell(struct discord_account *a, const json_t *data, const struct discord_where *w, struct str author, const char *verb,
                 struct str message_id)
{
    struct buf key = { 0 }, text = { 0 }, guild = { 0 }, channel = { 0 };
    const json_t *user = json_object_get(json_object_get(data, "member"), "user"), *emoji = json_object_get(data, "emoji");
    const struct routing_from from = { .channel = "discord",
                                       .account = str_of(a->id),
                                       .default_account = a->is_default,
                                       .kind = "channel",
                                       .peer = w->channel,
                                       .parent = w->parent,
                                       .guild = w->guild };
    struct str agent = routing_agent(a->d->config, &from), name = json_str(user, "username");
    routing_session_key(a->d->config, agent, &from, &key);
    discord_slug(w->guild_name, &guild);
    discord_slug(w->channel_name, &channel);
    buf_printf(&text, "Discord reaction %s: %.*s by %.*s on %.*s #%.*s msg %.*s", verb, STR_ARG(json_str(emoji, "name")),
               STR_ARG(name.n ? name : json_str(data, "user_id")), STR_ARG(guild.n ? buf_str(&guild) : w->guild),
               STR_ARG(channel.n ? buf_str(&channel) : w->channel), STR_ARG(message_id));
    if (author.n) buf_printf(&text, " from %.*s", STR_ARG(author));
    if (!key.err && !text.err) a->d->host.event(a->d->host.ctx, buf_str(&key), buf_str(&text));
    buf_free(&key);
    buf_free(&text);
    buf_free(&guild);
    buf_free(&channel);
}

static struct str mode_of(const struct discord_rules *rules)
{
    const struct json5_node *mode = json5_member(rules->guild, STR("reactionNotifications"));
    return mode && mode->kind == JSON5_STRING ? mode->string : STR("own");
}

void discord_reaction(struct discord_account *a, const json_t *data, bool added, const struct channel_now *now)
{
    struct discord_where where;
    struct discord_rules rules;
    struct str who = json_str(data, "user_id"), author = json_str(data, "message_author_id"), id = json_str(data, "message_id");
    const json_t *user = json_object_get(json_object_get(data, "member"), "user");
    if (!a->user[0] || str_is(who, a->user) || json_is_true(json_object_get(user, "bot")) || !json_str(data, "guild_id").n) return;
    discord_place(a, data, now, &where);
    discord_access(a, &where, &rules);
    struct str mode = mode_of(&rules);
    if (!rules.allowed || str_is(mode, "off")) return;
    if (str_is(mode, "allowlist") && !discord_list_has(json5_member(rules.guild, STR("users")), user)) return;
    if (str_is(mode, "own") && author.n && !str_is(author, a->user)) return;
    if (author.n) {
        tell(a, data, &where, str_is(author, a->user) ? str_of(a->username) : author, added ? "added" : "removed", id);
        return;
    }
    struct discord_call *call =
        discord_call("GET", DISCORD_FOR_REACTED, "/channels/%.*s/messages/%.*s", STR_ARG(where.channel), STR_ARG(id));
    if (call) {
        call->note = json_dumps(data, JSON_COMPACT);
        call->about = added;
        call->tries_max = 2;
    }
    discord_go(a, call, now);
}

void discord_reacted(struct discord_account *a, const struct discord_call *call, const struct channel_response *answer,
                     const struct channel_now *now)
{
    json_t *data = call->note ? discord_json(str_of(call->note)) : NULL, *said = answer->status == 200 ? discord_json(answer->body) : NULL;
    const json_t *author = json_object_get(said, "author");
    struct discord_where where;
    struct discord_rules rules;
    discord_place(a, data, now, &where);
    discord_access(a, &where, &rules);
    bool own = str_is(json_str(author, "id"), a->user);
    if (said && rules.allowed && (own || !str_is(mode_of(&rules), "own")))
        tell(a, data, &where, json_str(author, "username"), call->about ? "added" : "removed", json_str(data, "message_id"));
    json_decref(said);
    json_decref(data);
}
