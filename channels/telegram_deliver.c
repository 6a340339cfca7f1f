/* Answers out: a part after the other in each chat, tried again until they arrive; typing while an agent works. */
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/err.h"
#include "base/json_read.h"
#include "base/log.h"
#include "channels/telegram.h"

void telegram_place(json_t *body, const char *place)
{
    int64_t chat, topic;
    struct str rest = str_of(place), id = str_split(&rest, ':');
    if (str_to_int(id, &chat) == 0)
        json_object_set_new(body, "chat_id", json_integer(chat));
    else
        json_object_set_new(body, "chat_id", json_stringn(id.p, id.n)); /* @name of a channel */
    if (str_starts(rest, STR("topic:")) && str_to_int((struct str){ rest.p + 6, rest.n - 6 }, &topic) == 0)
        json_object_set_new(body, "message_thread_id", json_integer(topic));
}

static void free_out(struct channel_state *s, struct telegram_out *o)
{
    struct telegram_call *call;
    HASH_FIND(hh, s->calls, &o->tag, sizeof o->tag, call);
    if (call) call->subject = NULL;
    DL_DELETE(s->outs, o);
    split_parts_free(&o->parts);
    buf_free(&o->ids);
    free(o);
}

void telegram_outs_free(struct channel_state *s)
{
    while (s->outs) free_out(s, s->outs);
}

static void finish(struct channel_state *s, struct telegram_out *o, enum channel_delivered how, struct str why)
{
    struct buf said = { 0 };
    if (how == CHANNEL_FAILED) {
        log_event(LOG_ERROR, "telegram_delivery_failed", LOG_T("chat", o->place), LOG_S("reason", why));
        snprintf(s->error, sizeof s->error, "an answer for chat %s was not taken: %.*s", o->place, (int)(why.n > 150 ? 150 : why.n),
                 why.p ? why.p : "");
    }
    buf_printf(&said, "{\"ok\":true,\"channelId\":\"%s\",\"messageIds\":[%.*s]}", o->place, STR_ARG(buf_str(&o->ids)));
    if (o->id) s->host.delivered(s->host.ctx, o->id, how, (int64_t)o->sent, why);
    if (o->order) s->host.ordered(s->host.ctx, o->order, how == CHANNEL_DELIVERED, how == CHANNEL_DELIVERED ? buf_str(&said) : why);
    buf_free(&said);
    free_out(s, o);
    telegram_changed(s);
}

static void send_part(struct channel_state *s, struct telegram_out *o, const struct channel_now *now)
{
    const struct buf *part = &o->parts.list[o->sent];
    json_t *body = json_pack("{s:s%}", "text", part->p ? part->p : "", part->n);
    if (body) telegram_place(body, o->place);
    if (body && o->reply_to && o->sent == 0)
        json_object_set_new(body, "reply_parameters",
                            json_pack("{s:I, s:b}", "message_id", (json_int_t)o->reply_to, "allow_sending_without_reply", 1));
    if (body && !config_bool(s->config, "channels.telegram.linkPreview"))
        json_object_set_new(body, "link_preview_options", json_pack("{s:b}", "is_disabled", 1));
    struct telegram_call *call = telegram_call(s, "sendMessage", body, TELEGRAM_FOR_TEXT, TELEGRAM_CALL_MS);
    if (call) call->subject = o;
    o->tag = call ? call->tag : 0;
    o->tries++;
    if (!call) o->due_ms = now->mono_ms + TELEGRAM_BACKOFF_MS;
}

static bool is_first(const struct channel_state *s, const struct telegram_out *o)
{
    const struct telegram_out *other;
    DL_FOREACH(s->outs, other)
    {
        if (other == o) return true;
        if (strcmp(other->place, o->place) == 0) return false; /* in each chat one after the other */
    }
    return false;
}

void telegram_outs_tick(struct channel_state *s, const struct channel_now *now)
{
    struct telegram_out *o, *next;
    if (s->phase != TELEGRAM_POLLING) return; /* answers wait for a valid token */
    DL_FOREACH_SAFE(s->outs, o, next)
    {
        if (o->tag == 0 && o->due_ms <= now->mono_ms && is_first(s, o)) send_part(s, o, now);
    }
}

int64_t telegram_outs_next(const struct channel_state *s)
{
    const struct telegram_out *o;
    int64_t due_ms = INT64_MAX;
    if (s->phase != TELEGRAM_POLLING) return due_ms;
    DL_FOREACH(s->outs, o)
    {
        if (o->tag == 0 && o->due_ms < due_ms && is_first(s, o)) due_ms = o->due_ms;
    }
    return due_ms;
}

/* In words, without the address: it holds the token. */
static void write_why(const struct channel_response *answer, const json_t *said, struct buf *out)
{
    struct str description = json_str(said, "description");
    if (!answer->status)
        buf_text(out, answer->error ? answer->error : "no answer");
    else if (description.n)
        buf_printf(out, "%.*s (HTTP %d)", STR_ARG(description), answer->status);
    else
        buf_printf(out, "HTTP %d", answer->status);
}

static void again(struct telegram_out *o, const json_t *said, const struct channel_now *now)
{
    int64_t wait_ms = json_int(json_object_get(said, "parameters"), "retry_after", 0) * 1000;
    int64_t own_ms = (int64_t)TELEGRAM_BACKOFF_MS << (o->tries < 7 ? o->tries - 1 : 6);
    if (own_ms > TELEGRAM_BACKOFF_MAX_MS) own_ms = TELEGRAM_BACKOFF_MAX_MS;
    if (wait_ms > 3600000) wait_ms = 3600000;
    o->due_ms = now->mono_ms + (wait_ms > 0 ? wait_ms : own_ms);
}

void telegram_sent(struct channel_state *s, struct telegram_out *o, const struct channel_response *answer, const struct channel_now *now)
{
    json_t *said = answer->body.n ? json_loadb(answer->body.p, answer->body.n, 0, NULL) : NULL;
    struct buf why = { 0 };
    bool worth = answer->status == 0 || answer->status == 429 || answer->status >= 500;
    bool token = answer->status == 401; /* it waits for another one: telegram.c stops the bot */
    o->tag = 0;
    write_why(answer, said, &why);
    if (answer->status == 200 && json_flag(said, "ok")) {
        if (o->ids.n) buf_char(&o->ids, ',');
        buf_printf(&o->ids, "\"%lld\"", (long long)json_int(json_object_get(said, "result"), "message_id", 0));
        s->outbound_ms = now->wall_ms;
        o->tries = 0;
        if (++o->sent < o->parts.count && o->id) s->host.delivered(s->host.ctx, o->id, CHANNEL_PARTLY, (int64_t)o->sent, (struct str){ 0 });
        if (o->sent >= o->parts.count) finish(s, o, CHANNEL_DELIVERED, (struct str){ 0 });
    } else if (token || (worth && now->mono_ms < o->until_ms)) {
        again(o, said, now);
    } else {
        finish(s, o, CHANNEL_FAILED, buf_str(&why));
    }
    buf_free(&why);
    json_decref(said);
    telegram_outs_tick(s, now);
}

/* "chat:-100123:topic:4", "user:42", "@name", or the id alone */
static bool read_place(struct str to, char place[static TELEGRAM_PLACE_SIZE])
{
    static const char *const heads[] = { "chat:", "user:", "channel:", "telegram:" };
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        if (str_starts(to, str_of(heads[i]))) to = (struct str){ to.p + strlen(heads[i]), to.n - strlen(heads[i]) };
    for (size_t i = 0; i < to.n; i++) {
        char c = to.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-_@:", c);
        if (!plain) return false;
    }
    return to.n > 0 && str_copy(place, TELEGRAM_PLACE_SIZE, to) == 0;
}

static void put(struct channel_state *s, struct telegram_out *o, struct str text, int64_t parts_sent, const struct channel_now *now)
{
    const struct json5_node *limit = telegram_setting(s, "textChunkLimit"), *mode = telegram_setting(s, "chunkMode");
    int64_t units = 4000;
    if (limit) json5_to_int(limit, &units);
    const struct split_limits limits = { .units = units > 0 && units < TELEGRAM_TEXT_MAX ? (size_t)units : TELEGRAM_TEXT_MAX,
                                         .paragraphs = mode && mode->kind == JSON5_STRING && str_is(mode->string, "newline") };
    split_into(text, &limits, &o->parts);
    o->sent = (size_t)parts_sent;
    o->due_ms = now->mono_ms;
    o->until_ms = now->mono_ms + TELEGRAM_TRIES_MS;
}

void telegram_deliver(channel_state_t *s, const struct channel_delivery *d, uint64_t order, const struct channel_now *now)
{
    struct telegram_out *o = calloc(1, sizeof *o);
    json_t *route = json_loadb(d->route.p ? d->route.p : "", d->route.n, 0, NULL);
    const struct json5_node *mode = telegram_setting(s, "replyToMode");
    bool replies = mode && mode->kind == JSON5_STRING && !str_is(mode->string, "off");
    if (!o) {
        json_decref(route);
        return;
    }
    DL_APPEND(s->outs, o);
    o->id = d->id;
    o->order = order;
    if (replies) str_to_int(json_str(route, "replyTo"), &o->reply_to);
    put(s, o, d->text, d->parts_sent, now);
    if (!read_place(json_str(route, "to"), o->place))
        finish(s, o, CHANNEL_FAILED, STR("no such place: expected chat:<id>, chat:<id>:topic:<id> or user:<id>"));
    else if (d->file_bytes.n)
        finish(s, o, CHANNEL_FAILED, STR("files are not sent to Telegram yet"));
    else if (o->sent >= o->parts.count)
        finish(s, o, CHANNEL_DELIVERED, (struct str){ 0 });
    json_decref(route);
    telegram_outs_tick(s, now);
}

void telegram_say(struct channel_state *s, const char *place, int64_t reply_to, struct str text, const struct channel_now *now)
{
    struct telegram_out *o = calloc(1, sizeof *o);
    if (!o) return;
    DL_APPEND(s->outs, o);
    snprintf(o->place, sizeof o->place, "%s", place);
    o->reply_to = reply_to;
    put(s, o, text, 0, now);
    telegram_outs_tick(s, now);
}

/* --- while an agent works ----------------------------------------------------------------------------------------------------- */

static void type(struct channel_state *s, struct telegram_turn *t, const struct channel_now *now)
{
    json_t *body = json_pack("{s:s}", "action", "typing");
    if (body) telegram_place(body, t->place);
    telegram_call(s, "sendChatAction", body, TELEGRAM_FOR_NOTHING, TELEGRAM_CALL_MS);
    t->type_ms = now->mono_ms + TELEGRAM_TYPING_MS;
}

void telegram_turn_news(channel_state_t *s, uint64_t tag, enum channel_turn_news news, struct str text, const struct channel_now *now)
{
    struct telegram_turn *t;
    HASH_FIND(hh, s->turns, &tag, sizeof tag, t);
    if (!t) return;
    t->taken = true;
    if (news == CHANNEL_TURN_STARTED) {
        t->typing = !str_is(config_str(s->config, "session.typingMode"), "never");
        if (t->typing) type(s, t, now);
        return;
    }
    if (news == CHANNEL_TURN_TAKEN) return;
    if (news == CHANNEL_TURN_REFUSED && text.n) telegram_say(s, t->place, t->message, text, now);
    HASH_DEL(s->turns, t);
    free(t);
}
