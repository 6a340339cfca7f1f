/* While an agent works on a message: typing, and the reaction that says that it was seen (reference discord 4.6). */
#include <stdio.h>
#include <stdlib.h>

#include "base/json_read.h"
#include "channels/discord.h"

static struct discord_turn *find(struct channel_state *d, uint64_t tag, struct discord_account **whose)
{
    struct discord_turn *t = NULL;
    for (size_t i = 0; i < d->count && !t; i++) {
        *whose = d->accounts[i];
        HASH_FIND(hh, d->accounts[i]->turns, &tag, sizeof tag, t);
    }
    return t;
}

void discord_emoji_path(struct str emoji, struct buf *out)
{
    struct str custom = emoji;
    if (custom.n > 2 && custom.p[0] == '<') { /* <:name:id> or <a:name:id> */
        custom = (struct str){ custom.p + (custom.p[1] == 'a' ? 3 : 2), custom.n - (custom.p[1] == 'a' ? 4 : 3) };
        emoji = custom;
    }
    for (size_t i = 0; i < emoji.n; i++) {
        unsigned char c = (unsigned char)emoji.p[i];
        bool selector =
            c == 0xef && i + 2 < emoji.n && (unsigned char)emoji.p[i + 1] == 0xb8 && ((unsigned char)emoji.p[i + 2] & 0xfe) == 0x8e;
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' || c == '-';
        if (selector)
            i += 2;
        else if (plain)
            buf_char(out, (char)c);
        else
            buf_printf(out, "%%%02X", c);
    }
}

static void react(struct discord_account *a, const struct discord_turn *t, const char *method, const struct channel_now *now)
{
    struct discord_call *call =
        discord_call(method, DISCORD_FOR_NOTHING, "/channels/%s/messages/%s/reactions/%s/@me", t->channel, t->message, t->ack);
    if (call) call->tries_max = 3;
    discord_go(a, call, now);
}

uint64_t discord_turn_begin(struct discord_account *a, const char *channel, const char *thread, struct str message, struct str ack,
                            const struct channel_now *now)
{
    struct discord_turn *t = calloc(1, sizeof *t);
    struct buf emoji = { .max = sizeof t->ack - 1 };
    if (!t) return 0;
    t->tag = ++a->d->last_tag;
    snprintf(t->channel, sizeof t->channel, "%s", channel);
    snprintf(t->types_in, sizeof t->types_in, "%s", thread[0] ? thread : channel);
    discord_id_copy(t->message, message);
    discord_emoji_path(ack, &emoji);
    str_copy(t->ack, sizeof t->ack, buf_str(&emoji));
    buf_free(&emoji);
    HASH_ADD(hh, a->turns, tag, sizeof t->tag, t);
    if (t->ack[0]) react(a, t, "PUT", now);
    return t->tag;
}

/* Discord shows it for 10 s or until the next message. In its channel's lane, so that none comes after the answer. */
static void type(struct discord_account *a, struct discord_turn *t, const struct channel_now *now)
{
    struct discord_call *call = discord_call("POST", DISCORD_FOR_NOTHING, "/channels/%s/typing", t->types_in);
    int64_t every = config_int(a->d->config, "session.typingIntervalSeconds");
    t->type_ms = now->mono_ms + (every > 0 ? every : 6) * 1000;
    if (call) {
        call->cheap = true;
        call->subject = t;
        snprintf(call->lane, sizeof call->lane, "%s", t->types_in);
    }
    discord_go(a, call, now);
}

static void end(struct discord_account *a, struct discord_turn *t, const struct channel_now *now)
{
    discord_rest_forget(a->rest, t);
    if (t->ack[0] && config_bool(a->d->config, "messages.removeAckAfterReply")) react(a, t, "DELETE", now);
    HASH_DEL(a->turns, t);
    free(t);
}

void discord_turn_news(struct channel_state *d, uint64_t tag, enum channel_turn_news news, struct str text, const struct channel_now *now)
{
    struct discord_account *a = NULL;
    struct discord_turn *t = find(d, tag, &a);
    if (!t || news == CHANNEL_TURN_TAKEN) return;
    if (news == CHANNEL_TURN_STARTED) {
        struct str mode = config_str(d->config, "session.typingMode");
        t->typing = !str_is(mode, "never");
        if (t->typing) type(a, t, now);
        discord_pump(a, now);
        return;
    }
    if (news == CHANNEL_TURN_REFUSED && text.n) discord_say(a, t->types_in, t->message, text, now);
    end(a, t, now);
    discord_pump(a, now);
}

void discord_turns_tick(struct discord_account *a, const struct channel_now *now)
{
    struct discord_turn *t, *next;
    HASH_ITER(hh, a->turns, t, next)
    {
        if (t->typing && now->mono_ms >= t->type_ms) type(a, t, now);
    }
}

int64_t discord_turns_next(const struct discord_account *a)
{
    int64_t due = INT64_MAX;
    for (const struct discord_turn *t = a->turns; t; t = t->hh.next)
        if (t->typing && t->type_ms < due) due = t->type_ms;
    return due;
}

void discord_turns_free(struct discord_account *a)
{
    struct discord_turn *t, *next;
    HASH_ITER(hh, a->turns, t, next)
    {
        HASH_DEL(a->turns, t);
        free(t);
    }
}
