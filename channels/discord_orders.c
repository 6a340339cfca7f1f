/* Orders of tools and clients: send, react, read, probe, and who may write directly. */
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/json_read.h"
#include "base/log.h"
#include "base/utf8.h"
#include "channels/discord.h"

static void fail(struct channel_state *d, uint64_t tag, const char *text)
{
    d->host.ordered(d->host.ctx, tag, false, str_of(text));
}

/* "channel:1" or "1" of `name`. */
static bool id_of(const json_t *params, const char *name, char out[DISCORD_ID_SIZE])
{
    struct str s = json_str(params, name);
    if (str_starts(s, STR("discord:"))) s = (struct str){ s.p + 8, s.n - 8 };
    if (str_starts(s, STR("channel:"))) s = (struct str){ s.p + 8, s.n - 8 };
    return discord_id_copy(out, s);
}

/* --- pairing -------------------------------------------------------------------------------------------------------------- */

static void list_pairing(struct channel_state *d, uint64_t tag, const struct channel_now *now)
{
    struct buf out = { 0 };
    dm_pairing_list(d->pairing, now->wall_ms, &out);
    d->host.ordered(d->host.ctx, tag, !out.err, buf_str(&out));
    buf_free(&out);
}

static void approve(struct channel_state *d, uint64_t tag, const json_t *params, const struct channel_now *now)
{
    char id[DM_PAIRING_ID_MAX + 1], nonce[24];
    struct buf out = { 0 }, kept = { 0 }, route = { 0 };
    struct str code = json_str(params, "code");
    int rc = dm_pairing_approve(d->pairing, code, now->wall_ms, id);
    if (rc) {
        buf_printf(&out, rc == GW_ENOENT ? "No pending pairing request found for code: %.*s" : "code %.*s could not be approved",
                   STR_ARG(code));
        d->host.ordered(d->host.ctx, tag, false, buf_str(&out));
        buf_free(&out);
        return;
    }
    dm_pairing_write(d->pairing, &kept);
    d->host.keep(d->host.ctx, STR("pairing"), buf_str(&kept));
    log_event(LOG_INFO, "discord_pairing_approved", LOG_T("user", id));
    if (json_flag(params, "notify")) {
        snprintf(nonce, sizeof nonce, "p%016llx", (unsigned long long)discord_random(d));
        buf_printf(&route, "{\"to\":\"user:%s\"}", id);
        const struct channel_delivery say = { .route = buf_str(&route),
                                              .text = STR("✅ OpenClaw access approved. Send a message to start chatting."),
                                              .nonce = str_of(nonce) };
        discord_deliver(d, &say, 0, now);
    }
    buf_printf(&out, "{\"ok\":true,\"id\":\"%s\"}", id);
    d->host.ordered(d->host.ctx, tag, true, buf_str(&out));
    buf_free(&out);
    buf_free(&kept);
    buf_free(&route);
}

/* --- calls for somebody ------------------------------------------------------------------------------------------------------ */

static void go(struct discord_account *a, struct discord_call *call, uint64_t tag, const struct channel_now *now)
{
    if (call) {
        call->about = tag;
        call->tries_max = 4;
    }
    if (discord_go(a, call, now) != 0) fail(a->d, tag, "too many calls wait for Discord");
}

static void react(struct discord_account *a, const json_t *params, uint64_t tag, const struct channel_now *now)
{
    char channel[DISCORD_ID_SIZE], message[DISCORD_ID_SIZE];
    struct buf emoji = { 0 };
    bool removes = json_flag(params, "remove");
    discord_emoji_path(json_str(params, "emoji"), &emoji);
    if (!id_of(params, "to", channel) || !id_of(params, "messageId", message) || !emoji.n)
        fail(a->d, tag, "react needs a channel (channel:<id>), a messageId and an emoji");
    else
        go(a,
           discord_call(removes ? "DELETE" : "PUT", DISCORD_FOR_ORDER, "/channels/%s/messages/%s/reactions/%.*s/@me", channel, message,
                        STR_ARG(buf_str(&emoji))),
           tag, now);
    buf_free(&emoji);
}

/* Its new text, and no buttons unless it gets some. */
static void edit(struct discord_account *a, const json_t *params, bool deletes, uint64_t tag, const struct channel_now *now)
{
    char channel[DISCORD_ID_SIZE], message[DISCORD_ID_SIZE];
    struct str text = utf8_first(json_str(params, "message"), DISCORD_TEXT_MAX);
    if (!id_of(params, "to", channel) || !id_of(params, "messageId", message) || (!deletes && str_trim(text).n == 0)) {
        fail(a->d, tag, "edit needs a channel (channel:<id>), a messageId and a message; delete the first two");
        return;
    }
    struct discord_call *call = discord_call(deletes ? "DELETE" : "PATCH", DISCORD_FOR_ORDER, "/channels/%s/messages/%s", channel, message);
    if (call && !deletes) {
        json_t *body = json_pack("{s:s%, s:[], s:{s:[s]}}", "content", text.p, text.n, "components", "allowed_mentions", "parse", "users");
        char *buttons = json_dumps(json_object_get(params, "buttons"), JSON_COMPACT);
        if (buttons) discord_add_buttons(body, str_of(buttons));
        free(buttons);
        discord_body(call, body);
    }
    go(a, call, tag, now);
}

static void read_messages(struct discord_account *a, const json_t *params, uint64_t tag, const struct channel_now *now)
{
    char channel[DISCORD_ID_SIZE];
    int64_t limit = json_int(params, "limit", 20);
    if (!id_of(params, "to", channel)) {
        fail(a->d, tag, "read needs a channel: channel:<id>");
        return;
    }
    struct discord_call *call = discord_call("GET", DISCORD_FOR_ORDER, "/channels/%s/messages?limit=%d", channel,
                                             limit < 1     ? 1
                                             : limit > 100 ? 100
                                                           : (int)limit);
    if (call) snprintf(call->ref, sizeof call->ref, "read");
    go(a, call, tag, now);
}

static void probe(struct discord_account *a, uint64_t tag, const struct channel_now *now)
{
    struct discord_call *call = discord_call("GET", DISCORD_FOR_PROBE, "/users/@me");
    if (call) {
        call->about = tag;
        call->tries_max = 1;
        call->timeout_ms = 8000;
        snprintf(call->ref, sizeof call->ref, "%lld", (long long)now->mono_ms);
    }
    if (discord_go(a, call, now) != 0) fail(a->d, tag, "too many calls wait for Discord");
}

void discord_order(struct channel_state *d, const struct channel_order *order, const struct channel_now *now)
{
    json_t *params = discord_json(order->params);
    struct discord_account *a = discord_account_find(d, json_str(params, "accountId"));
    if (str_is(order->action, "pairing.list"))
        list_pairing(d, order->tag, now);
    else if (str_is(order->action, "pairing.approve"))
        approve(d, order->tag, params, now);
    else if (!a)
        fail(d, order->tag, "there is no such Discord account");
    else if (discord_stopped(a))
        fail(d, order->tag, a->error[0] ? a->error : "Discord is not connected for this account");
    else if (str_is(order->action, "send"))
        discord_deliver(d, &order->send, order->tag, now);
    else if (str_is(order->action, "react"))
        react(a, params, order->tag, now);
    else if (str_is(order->action, "edit") || str_is(order->action, "delete"))
        edit(a, params, str_is(order->action, "delete"), order->tag, now);
    else if (str_is(order->action, "read"))
        read_messages(a, params, order->tag, now);
    else if (str_is(order->action, "probe"))
        probe(a, order->tag, now);
    else
        fail(d, order->tag, "Discord does not know this action; it knows send, edit, delete, react and read");
    if (a) discord_pump(a, now);
    json_decref(params);
}

/* --- what came of them -------------------------------------------------------------------------------------------------------- */

static void write_messages(const struct channel_response *answer, struct buf *out)
{
    json_t *list = discord_json(answer->body), *item;
    size_t i;
    buf_text(out, "{\"ok\":true,\"messages\":[");
    json_array_foreach(list, i, item)
    {
        const json_t *author = json_object_get(item, "author");
        struct buf name = { 0 };
        discord_sender_name(author, NULL, &name);
        buf_json_comma(out);
        buf_char(out, '{');
        buf_json_pair_str(out, "id", json_str(item, "id"));
        buf_json_pair_str(out, "author", buf_str(&name));
        buf_json_pair_str(out, "authorId", json_str(author, "id"));
        buf_json_pair_str(out, "timestamp", json_str(item, "timestamp"));
        buf_json_pair_str(out, "content", json_str(item, "content"));
        buf_char(out, '}');
        buf_free(&name);
    }
    buf_text(out, "]}");
    json_decref(list);
}

static void write_probe(const struct discord_call *call, const struct channel_response *answer, const struct channel_now *now,
                        struct buf *out)
{
    int64_t began_ms = 0;
    struct buf why = { 0 };
    bool good = answer->status == 200;
    json_t *said = good ? discord_json(answer->body) : NULL;
    str_to_int(str_of(call->ref), &began_ms);
    if (!good) discord_why(answer, &why);
    buf_char(out, '{');
    buf_json_pair_bool(out, "ok", good);
    buf_json_key(out, "status");
    if (answer->status)
        buf_int(out, answer->status);
    else
        buf_text(out, "null");
    buf_json_key(out, "error");
    if (good)
        buf_text(out, "null");
    else
        buf_json_str(out, buf_str(&why));
    buf_json_pair_int(out, "elapsedMs", now->mono_ms - began_ms);
    if (said) {
        buf_json_key(out, "bot");
        buf_char(out, '{');
        buf_json_pair_str(out, "id", json_str(said, "id"));
        buf_json_pair_str(out, "username", json_str(said, "username"));
        buf_char(out, '}');
    }
    buf_char(out, '}');
    json_decref(said);
    buf_free(&why);
}

void discord_ordered(struct discord_account *a, const struct discord_call *call, const struct channel_response *answer,
                     const struct channel_now *now)
{
    struct buf out = { 0 };
    bool good = answer->status >= 200 && answer->status < 300;
    if (call->purpose == DISCORD_FOR_PROBE)
        write_probe(call, answer, now, &out);
    else if (!good)
        discord_why(answer, &out);
    else if (strcmp(call->ref, "read") == 0)
        write_messages(answer, &out);
    else
        buf_text(&out, "{\"ok\":true}");
    a->d->host.ordered(a->d->host.ctx, call->about, good || call->purpose == DISCORD_FOR_PROBE, buf_str(&out));
    buf_free(&out);
}
