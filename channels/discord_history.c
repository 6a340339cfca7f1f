/* What is remembered of messages: which were told before, and what nobody answered (reference discord 4.2, 4.5). */
#include <stdio.h>
#include <stdlib.h>

#include "base/json_read.h"
#include "channels/discord.h"

/* --- repeats ----------------------------------------------------------------------------------------------------------- */

/* A resumed connection tells again what it told. @return whether it is known */
bool discord_seen(struct channel_state *d, size_t account, struct str id, int64_t now_ms)
{
    struct discord_seen *s, *next;
    char key[DISCORD_ID_SIZE + 2];
    snprintf(key, sizeof key, "%zu/%.*s", account % 10, (int)(id.n < DISCORD_ID_SIZE ? id.n : DISCORD_ID_SIZE - 1), id.p ? id.p : "");
    HASH_FIND_STR(d->seen, key, s);
    if (s) return true;
    HASH_ITER(hh, d->seen, s, next)
    {
        if (HASH_COUNT(d->seen) < DISCORD_SEEN_MAX && now_ms - s->at_ms < DISCORD_SEEN_MS) break;
        HASH_DEL(d->seen, s);
        free(s);
    }
    if (!(s = calloc(1, sizeof *s))) return false;
    memcpy(s->key, key, sizeof key);
    s->at_ms = now_ms;
    HASH_ADD_STR(d->seen, key, s);
    return false;
}

/* --- what nobody answered ----------------------------------------------------------------------------------------------- */

void discord_history_clear(struct discord_account *a, const char *channel)
{
    struct discord_history *h;
    HASH_FIND_STR(a->histories, channel, h);
    if (!h) return;
    for (size_t i = 0; i < h->count; i++) {
        free(h->said[i].sender);
        free(h->said[i].body);
    }
    HASH_DEL(a->histories, h);
    free(h);
}

int64_t discord_history_limit(const struct discord_account *a)
{
    const struct json5_node *own = discord_setting(a, "historyLimit");
    int64_t limit = config_int(a->d->config, "messages.groupChat.historyLimit");
    if (own) json5_to_int(own, &limit);
    return limit > DISCORD_HISTORY_MAX ? DISCORD_HISTORY_MAX : limit;
}

void discord_history_note(struct discord_account *a, const json_t *message, const char *channel, const struct channel_now *now)
{
    struct discord_history *h;
    struct buf name = { 0 }, body = { 0 };
    if (discord_history_limit(a) <= 0) return;
    HASH_FIND_STR(a->histories, channel, h);
    if (!h) {
        if (HASH_COUNT(a->histories) >= DISCORD_HISTORIES_MAX) discord_history_clear(a, a->histories->channel);
        if (!(h = calloc(1, sizeof *h))) return;
        snprintf(h->channel, sizeof h->channel, "%s", channel);
        HASH_ADD_STR(a->histories, channel, h);
    }
    if (h->count == DISCORD_HISTORY_MAX) {
        free(h->said[0].sender);
        free(h->said[0].body);
        memmove(&h->said[0], &h->said[1], (DISCORD_HISTORY_MAX - 1) * sizeof h->said[0]);
        h->count--;
    }
    discord_sender_name(json_object_get(message, "author"), json_object_get(message, "member"), &name);
    discord_message_text(message, &body);
    struct discord_said *s = &h->said[h->count];
    s->sender = str_dup(buf_str(&name));
    s->body = str_dup(str_utf8_prefix(buf_str(&body), DISCORD_HISTORY_BYTES));
    s->at_ms = now->wall_ms;
    if (s->sender && s->body) h->count++;
    buf_free(&name);
    buf_free(&body);
}

bool discord_messages_join(const json_t *first, json_t *next)
{
    struct str who = json_str(json_object_get(first, "author"), "id"), text = json_str(first, "content"), more = json_str(next, "content");
    struct buf both = { 0 };
    const json_t *one;
    size_t i;
    if (!str_eq(who, json_str(json_object_get(next, "author"), "id"))) return false;
    buf_printf(&both, "%.*s\n%.*s", STR_ARG(text), STR_ARG(more));
    static const char *const mentions[] = { "mentions", "mention_roles" };
    for (size_t k = 0; k < sizeof mentions / sizeof *mentions; k++) {
        json_t *list = json_object_get(next, mentions[k]);
        json_array_foreach(json_object_get(first, mentions[k]), i, one) json_array_append(list, (json_t *)one);
    }
    if (!json_object_get(next, "referenced_message") && json_object_get(first, "referenced_message"))
        json_object_set(next, "referenced_message", json_object_get(first, "referenced_message"));
    int rc = both.err ? -1 : json_object_set_new(next, "content", json_stringn(both.p, both.n));
    buf_free(&both);
    return rc == 0;
}
