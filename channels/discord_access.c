/* Who may speak, and whether that is meant for the bot (reference discord 4.2). */
#include <ctype.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json_read.h"
#include "channels/discord.h"

void discord_slug(struct str name, struct buf *out)
{
    bool gap = false;
    size_t start = out->n;
    name = str_trim(name);
    while (name.n && name.p[0] == '#') name = (struct str){ name.p + 1, name.n - 1 };
    for (size_t i = 0; i < name.n; i++) {
        char c = (char)tolower((unsigned char)name.p[i]);
        bool keeps = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (keeps && gap && out->n > start) buf_char(out, '-');
        if (keeps) buf_char(out, c);
        gap = !keeps;
    }
}

static bool same_slug(struct str a, struct str b)
{
    struct buf x = { 0 }, y = { 0 };
    discord_slug(a, &x);
    discord_slug(b, &y);
    bool same = x.n > 0 && str_eq(buf_str(&x), buf_str(&y));
    buf_free(&x);
    buf_free(&y);
    return same;
}

/* --- places ---------------------------------------------------------------------------------------------------------- */

static const struct json5_node *find_guild(const struct json5_node *guilds, const struct discord_where *w)
{
    const struct json5_node *g = json5_member(guilds, w->guild);
    if (g) return g;
    for (g = guilds ? guilds->first : NULL; g; g = g->next) {
        const struct json5_node *slug = json5_member(g, STR("slug"));
        if (same_slug(g->key, w->guild_name) || (slug && slug->kind == JSON5_STRING && same_slug(slug->string, w->guild_name))) return g;
    }
    return json5_member(guilds, STR("*"));
}

static const struct json5_node *find_by(const struct json5_node *channels, struct str id, struct str name)
{
    const struct json5_node *c = id.n ? json5_member(channels, id) : NULL;
    if (c || name.n == 0) return c;
    for (c = channels->first; c; c = c->next)
        if (same_slug(c->key, name)) return c;
    return NULL;
}

/* A thread's name never counts, its id does; then its channel's. */
static const struct json5_node *find_channel(const struct json5_node *channels, const struct discord_where *w)
{
    const struct json5_node *c = find_by(channels, w->channel, w->thread ? STR("") : w->channel_name);
    if (!c && w->thread) c = find_by(channels, w->parent, w->parent_name);
    return c ? c : json5_member(channels, STR("*"));
}

bool discord_is(const struct json5_node *object, const char *name, bool otherwise)
{
    const struct json5_node *n = json5_member(object, str_of(name));
    return n && n->kind == JSON5_BOOL ? n->boolean : otherwise;
}

static bool filled(const struct json5_node *n)
{
    return n && n->count > 0;
}

static const struct json5_node *first_of(const struct json5_node *a, const struct json5_node *b, const char *name)
{
    const struct json5_node *n = json5_member(a, str_of(name));
    return n ? n : json5_member(b, str_of(name));
}

void discord_access(const struct discord_account *a, const struct discord_where *where, struct discord_rules *out)
{
    const struct json5_node *guilds = discord_setting(a, "guilds");
    struct str policy = discord_text(a, "groupPolicy");
    *out = (struct discord_rules){ .require_mention = true, .thread_starter = true };
    if (!policy.n) policy = config_str(a->d->config, "channels.defaults.groupPolicy");
    if (!policy.n) policy = STR("allowlist");
    const struct json5_node *g = out->guild = find_guild(guilds, where);
    const struct json5_node *channels = json5_member(g, STR("channels"));
    const struct json5_node *c = out->channel = filled(channels) ? find_channel(channels, where) : NULL;
    bool listed = !filled(channels) || (c && discord_is(c, "enabled", true) && discord_is(c, "allow", true));
    out->allowed = listed && !(filled(guilds) && !g) && !str_is(policy, "disabled") && (str_is(policy, "open") || g);
    const struct json5_node *prompt = json5_member(c, STR("systemPrompt"));
    if (prompt && prompt->kind == JSON5_STRING) out->system_prompt = prompt->string;
    out->require_mention = discord_is(c, "requireMention", discord_is(g, "requireMention", true));
    out->auto_thread = discord_is(c, "autoThread", false);
    out->thread_starter = discord_is(c, "includeThreadStarter", true);
    bool own = filled(json5_member(c, STR("users"))) || filled(json5_member(c, STR("roles")));
    out->users = json5_member(own ? c : g, STR("users"));
    out->roles = json5_member(own ? c : g, STR("roles"));
    out->skills = first_of(c, NULL, "skills");
}

/* --- people ---------------------------------------------------------------------------------------------------------- */

static struct str bare(struct str entry)
{
    static const char *const heads[] = { "user:", "discord:", "<@!", "<@" };
    entry = str_trim(entry);
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        struct str head = str_of(heads[i]);
        if (str_starts(entry, head)) entry = (struct str){ entry.p + head.n, entry.n - head.n };
    }
    if (entry.n && entry.p[entry.n - 1] == '>') entry.n--;
    return entry;
}

static struct str text_of(const struct json5_node *n, char number[32])
{
    int64_t value;
    if (n->kind == JSON5_STRING) return n->string;
    if (!json5_to_int(n, &value)) return (struct str){ 0 };
    return (struct str){ number, (size_t)snprintf(number, 32, "%lld", (long long)value) };
}

bool discord_list_has(const struct json5_node *list, const json_t *author)
{
    struct str id = json_str(author, "id"), username = json_str(author, "username"), name = json_str(author, "global_name");
    for (const struct json5_node *n = list ? list->first : NULL; n; n = n->next) {
        char number[32];
        struct str entry = text_of(n, number), wanted = bare(entry);
        if (str_is(entry, "*") || (wanted.n && str_eq(wanted, id))) return true;
        if (same_slug(wanted, username) || same_slug(wanted, name)) return true;
    }
    return false;
}

static bool has_role(const struct json5_node *roles, const json_t *member)
{
    const json_t *own = json_object_get(member, "roles");
    for (const struct json5_node *n = roles ? roles->first : NULL; n; n = n->next) {
        char number[32];
        size_t i;
        const json_t *item;
        struct str entry = text_of(n, number);
        if (str_starts(entry, STR("role:"))) entry = (struct str){ entry.p + 5, entry.n - 5 };
        json_array_foreach(own, i, item) if (str_eq(json_text(item), entry)) return true;
    }
    return false;
}

bool discord_access_person(const struct json5_node *users, const struct json5_node *roles, const json_t *author, const json_t *member)
{
    if (!filled(users) && !filled(roles)) return true;
    return discord_list_has(users, author) || has_role(roles, member);
}

bool discord_let_in(const struct discord_account *a, const json_t *author)
{
    const struct json5_node *own = discord_setting(a, "allowFrom");
    if (!own) own = discord_setting(a, "dm.allowFrom");
    return discord_list_has(own, author) || dm_pairing_allowed(a->d->pairing, json_str(author, "id"));
}

bool discord_may_command(const struct discord_account *a, const struct discord_rules *rules, bool direct, const json_t *author,
                         const json_t *member)
{
    if (direct) return discord_let_in(a, author);
    if (discord_list_has(discord_setting(a, "allowFrom"), author)) return true;
    return rules->allowed && (filled(rules->users) || filled(rules->roles)) &&
           discord_access_person(rules->users, rules->roles, author, member);
}

/* --- mentions ---------------------------------------------------------------------------------------------------------- */

static bool matches(const char *pattern, const char *text)
{
    regex_t regex;
    if (regcomp(&regex, pattern, REG_EXTENDED | REG_ICASE | REG_NOSUB) != 0) return false; /* not one that POSIX knows */
    bool found = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    return found;
}

/* \b@?name\b, with the name taken as it is */
static bool names(struct str name, const char *text)
{
    struct buf pattern = { .max = 1024 };
    buf_text(&pattern, "(^|[^[:alnum:]_])@?");
    for (size_t i = 0; i < name.n; i++) {
        if (strchr("\\^$.|?*+()[]{}", name.p[i])) buf_char(&pattern, '\\');
        buf_char(&pattern, name.p[i]);
    }
    buf_text(&pattern, "($|[^[:alnum:]_])");
    bool found = !pattern.err && name.n > 0 && matches(buf_cstr(&pattern), text);
    buf_free(&pattern);
    return found;
}

static const struct json5_node *patterns_of(const config_t *config, const struct config_agent *agent)
{
    const struct json5_node *own =
        agent && agent->node ? json5_member(json5_member(agent->node, STR("groupChat")), STR("mentionPatterns")) : NULL;
    return own ? own : config_get(config, STR("messages.groupChat.mentionPatterns"));
}

static bool mentioned_by_text(const struct discord_account *a, struct str content, struct str agent_id)
{
    const struct config_agent *agent = config_agent_find(a->d->config, agent_id);
    const struct json5_node *patterns = patterns_of(a->d->config, agent);
    char *text = str_dup(content);
    bool found = false;
    if (!text) return false;
    if (patterns) {
        for (const struct json5_node *p = patterns->first; p && !found; p = p->next)
            found = p->kind == JSON5_STRING && p->string.n && matches(p->string.p, text);
    } else if (agent) {
        found = names(agent->identity_name, text);
        if (!found && agent->identity_emoji.n) found = str_find(content, agent->identity_emoji) >= 0;
    }
    free(text);
    return found;
}

bool discord_mentioned(struct discord_account *a, const json_t *message, struct str agent)
{
    size_t i;
    const json_t *item, *replied = json_object_get(message, "referenced_message");
    const struct discord_guild *guild = discord_guild_find(a, json_str(message, "guild_id"));
    if (a->user[0]) {
        json_array_foreach(json_object_get(message, "mentions"), i, item) if (str_is(json_str(item, "id"), a->user)) return true;
        if (str_is(json_str(json_object_get(replied, "author"), "id"), a->user)) return true;
    }
    if (guild && guild->role[0]) {
        json_array_foreach(json_object_get(message, "mention_roles"), i, item) if (str_is(json_text(item), guild->role)) return true;
    }
    return mentioned_by_text(a, json_str(message, "content"), agent);
}

void discord_strip_mentions(struct str text, struct buf *out)
{
    bool gap = false;
    size_t start = out->n;
    for (size_t i = 0; i < text.n; i++) {
        size_t k = i + 2;
        if (text.p[i] == '<' && i + 1 < text.n && text.p[i + 1] == '@') {
            if (k < text.n && (text.p[k] == '!' || text.p[k] == '&')) k++;
            while (k < text.n && isdigit((unsigned char)text.p[k])) k++;
            if (k < text.n && text.p[k] == '>') {
                i = k;
                gap = true;
                continue;
            }
        }
        if (isspace((unsigned char)text.p[i])) {
            gap = true;
            continue;
        }
        if (gap && out->n > start) buf_char(out, ' ');
        gap = false;
        buf_char(out, text.p[i]);
    }
}
