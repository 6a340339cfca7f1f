/* Servers and channels as the gateway tells of them, and as GET /channels/{id} does for those it did not (reference discord 2). */
#include <stdlib.h>

#include "base/json_read.h"
#include "channels/discord.h"

enum { KNOWN_MS = 5 * 60 * 1000, UNKNOWN_MS = 30 * 1000 };

static void free_chan(struct discord_account *a, struct discord_chan *c)
{
    HASH_DEL(a->chans, c);
    free(c->name);
    free(c->topic);
    free(c);
}

static void free_guild(struct discord_account *a, struct discord_guild *g)
{
    HASH_DEL(a->guilds, g);
    free(g->name);
    free(g);
}

void discord_world_free(struct discord_account *a)
{
    struct discord_chan *c, *next_c;
    struct discord_guild *g, *next_g;
    HASH_ITER(hh, a->chans, c, next_c)
    {
        free_chan(a, c);
    }
    HASH_ITER(hh, a->guilds, g, next_g)
    {
        free_guild(a, g);
    }
}

struct discord_chan *discord_chan_find(struct discord_account *a, struct str id)
{
    struct discord_chan *c;
    char key[DISCORD_ID_SIZE];
    if (!discord_id_copy(key, id)) return NULL;
    HASH_FIND_STR(a->chans, key, c);
    return c;
}

/* Those that were asked for can be asked for again. */
static void forget_asked(struct discord_account *a)
{
    struct discord_chan *c, *next;
    HASH_ITER(hh, a->chans, c, next)
    {
        if (c->until_ms) free_chan(a, c);
    }
}

static struct discord_chan *ensure(struct discord_account *a, struct str id)
{
    struct discord_chan *c = discord_chan_find(a, id);
    if (c) return c;
    if (HASH_COUNT(a->chans) >= DISCORD_CHANNELS_MAX) forget_asked(a);
    c = HASH_COUNT(a->chans) < DISCORD_CHANNELS_MAX ? calloc(1, sizeof *c) : NULL;
    if (!c || !discord_id_copy(c->id, id)) {
        free(c);
        return NULL;
    }
    HASH_ADD_STR(a->chans, id, c);
    return c;
}

static void set_text(char **to, const json_t *value)
{
    if (!value) return; /* a part of a channel leaves the rest as it is */
    free(*to);
    *to = json_is_string(value) ? str_dup(json_text(value)) : NULL;
}

static struct discord_chan *take_chan(struct discord_account *a, const json_t *data, struct str guild)
{
    struct discord_chan *c = ensure(a, json_str(data, "id"));
    if (!c) return NULL;
    struct str own = json_str(data, "guild_id");
    c->type = (int)json_int(data, "type", c->type);
    if (own.n || guild.n) discord_id_copy(c->guild, own.n ? own : guild);
    if (json_object_get(data, "parent_id")) discord_id_copy(c->parent, json_str(data, "parent_id"));
    if (json_object_get(data, "owner_id")) discord_id_copy(c->owner, json_str(data, "owner_id"));
    set_text(&c->name, json_object_get(data, "name"));
    set_text(&c->topic, json_object_get(data, "topic"));
    c->until_ms = 0;
    return c;
}

void discord_chan_told(struct discord_account *a, const char *id, const json_t *data, const struct channel_now *now)
{
    struct discord_chan *c = data ? take_chan(a, data, (struct str){ 0 }) : ensure(a, str_of(id));
    if (!c) return;
    c->until_ms = now->mono_ms + (data ? KNOWN_MS : UNKNOWN_MS);
}

static void take_guild(struct discord_account *a, const json_t *data)
{
    struct str id = json_str(data, "id");
    struct discord_guild *g;
    char key[DISCORD_ID_SIZE];
    size_t i;
    json_t *item;
    if (!discord_id_copy(key, id)) return;
    HASH_FIND_STR(a->guilds, key, g);
    if (!g) {
        if (!(g = calloc(1, sizeof *g))) return;
        memcpy(g->id, key, sizeof key);
        HASH_ADD_STR(a->guilds, id, g);
    }
    set_text(&g->name, json_object_get(data, "name"));
    json_array_foreach(json_object_get(data, "roles"), i, item)
    {
        bool own = a->user[0] && str_is(json_str(json_object_get(item, "tags"), "bot_id"), a->user);
        if (own) discord_id_copy(g->role, json_str(item, "id"));
    }
    json_array_foreach(json_object_get(data, "channels"), i, item) take_chan(a, item, id);
    json_array_foreach(json_object_get(data, "threads"), i, item) take_chan(a, item, id);
}

static void remove_guild(struct discord_account *a, const json_t *data)
{
    char key[DISCORD_ID_SIZE];
    struct discord_guild *g;
    struct discord_chan *c, *next;
    if (json_is_true(json_object_get(data, "unavailable"))) return; /* an outage */
    if (!discord_id_copy(key, json_str(data, "id"))) return;
    HASH_FIND_STR(a->guilds, key, g);
    if (g) free_guild(a, g);
    HASH_ITER(hh, a->chans, c, next)
    {
        if (strcmp(c->guild, key) == 0) free_chan(a, c);
    }
}

void discord_world_event(struct discord_account *a, struct str type, const json_t *data)
{
    size_t i;
    json_t *item;
    if (str_is(type, "GUILD_CREATE") || str_is(type, "GUILD_UPDATE")) {
        take_guild(a, data);
    } else if (str_is(type, "GUILD_DELETE")) {
        remove_guild(a, data);
    } else if (str_is(type, "CHANNEL_CREATE") || str_is(type, "CHANNEL_UPDATE") || str_is(type, "THREAD_CREATE") ||
               str_is(type, "THREAD_UPDATE")) {
        take_chan(a, data, (struct str){ 0 });
    } else if (str_is(type, "CHANNEL_DELETE") || str_is(type, "THREAD_DELETE")) {
        struct discord_chan *c = discord_chan_find(a, json_str(data, "id"));
        if (c) free_chan(a, c);
    } else if (str_is(type, "THREAD_LIST_SYNC")) {
        json_array_foreach(json_object_get(data, "threads"), i, item) take_chan(a, item, json_str(data, "guild_id"));
    }
}

const struct discord_guild *discord_guild_find(struct discord_account *a, struct str id)
{
    char key[DISCORD_ID_SIZE];
    struct discord_guild *g = NULL;
    if (discord_id_copy(key, id)) HASH_FIND_STR(a->guilds, key, g);
    return g;
}

struct str discord_guild_name(struct discord_account *a, struct str id)
{
    const struct discord_guild *g = discord_guild_find(a, id);
    return g ? str_of(g->name) : (struct str){ 0 };
}
