/* From a message to a turn: who may, what for, what has to be fetched first; in order for each channel (reference discord 4.2 to 4.5). */
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/base64.h"
#include "base/json_read.h"
#include "base/log.h"
#include "base/utf8.h"
#include "channels/channel_words.h"
#include "channels/chat_commands.h"
#include "channels/discord.h"
#include "channels/routing.h"

enum inbound_stage {
    STAGE_PLACE, /* where is it? */
    STAGE_HOLD,  /* is there more to come? */
    STAGE_JUDGE, /* may it be answered? */
    STAGE_FETCH, /* what belongs to it */
};

struct discord_inbound {
    struct discord_inbound *prev, *next;
    json_t *message; /* owned */
    char channel[DISCORD_ID_SIZE];
    char thread[DISCORD_ID_SIZE]; /* that was made for the answer; empty: none */
    enum inbound_stage stage;
    int needs; /* answers that are awaited */
    bool asked_place, mentioned;
    int64_t hold_ms; /* until then it waits for more of the same person, monotonic; 0: it does not wait */
    int joined;      /* messages that it is made of besides the first */
    struct channel_image images[CHANNEL_FILES_MAX];
    size_t image_count;
    struct buf files, starter, words[CHANNEL_FILES_MAX]; /* words: what images borrow from */
};

static void free_inbound(struct discord_account *a, struct discord_inbound *in)
{
    discord_rest_forget(a->rest, in);
    DL_DELETE(a->inbound, in);
    a->inbound_count--;
    json_decref(in->message);
    buf_free(&in->files);
    buf_free(&in->starter);
    for (size_t i = 0; i < CHANNEL_FILES_MAX; i++) buf_free(&in->words[i]);
    free(in);
}

void discord_inbound_free(struct discord_account *a)
{
    struct discord_inbound *in, *safe;
    struct discord_history *h, *next;
    DL_FOREACH_SAFE(a->inbound, in, safe)
    {
        free_inbound(a, in);
    }
    HASH_ITER(hh, a->histories, h, next)
    {
        discord_history_clear(a, h->channel);
    }
}

/* --- places ------------------------------------------------------------------------------------------------------------- */

static bool is_thread(int type)
{
    return type == 10 || type == 11 || type == 12;
}

bool discord_place(struct discord_account *a, const json_t *message, const struct channel_now *now, struct discord_where *where)
{
    struct str id = json_str(message, "channel_id");
    const struct discord_chan *c = discord_chan_find(a, id), *parent;
    int64_t type = json_int(message, "channel_type", c ? c->type : -1);
    *where = (struct discord_where){ .guild = json_str(message, "guild_id"), .channel = id };
    where->direct = where->guild.n == 0 && type != 3;
    where->group = where->guild.n == 0 && type == 3;
    if (!c) return where->guild.n == 0;
    where->channel_name = str_of(c->name);
    where->topic = str_of(c->topic);
    where->thread = is_thread(c->type);
    if (where->thread) where->parent = str_of(c->parent);
    parent = where->thread ? discord_chan_find(a, where->parent) : NULL;
    if (parent) where->parent_name = str_of(parent->name);
    if (parent && !where->topic.n) where->topic = str_of(parent->topic);
    where->guild_name = discord_guild_name(a, where->guild);
    return where->guild.n == 0 || c->until_ms == 0 || now->mono_ms < c->until_ms;
}

/* --- direct messages ----------------------------------------------------------------------------------------------------- */

static void ask_pairing(struct discord_account *a, const struct discord_inbound *in, const struct channel_now *now)
{
    char code[DM_PAIRING_CODE_SIZE];
    struct buf text = { 0 }, name = { 0 }, kept = { 0 };
    const json_t *author = json_object_get(in->message, "author");
    struct str id = json_str(author, "id");
    discord_sender_name(author, NULL, &name);
    if (dm_pairing_ask(a->d->pairing, id, buf_str(&name), now->wall_ms, discord_random(a->d), code) == DM_PAIRING_NEW) {
        dm_pairing_write(a->d->pairing, &kept);
        a->d->host.keep(a->d->host.ctx, STR("pairing"), buf_str(&kept));
        buf_printf(&text,
                   "OpenClaw: access not configured.\n\nYour Discord user id: %.*s\n\nPairing code: %s\n\nAsk the bot owner to approve "
                   "with:\nopenclaw pairing approve discord %s",
                   STR_ARG(id), code, code);
        discord_say(a, in->channel, NULL, buf_str(&text), now);
        log_event(LOG_INFO, "discord_pairing_requested", LOG_S("user", id));
    }
    buf_free(&text);
    buf_free(&name);
    buf_free(&kept);
}

/* @return whether it goes on to an agent */
static bool judge_direct(struct discord_account *a, const struct discord_inbound *in, const struct channel_now *now)
{
    struct str policy = discord_text(a, "dmPolicy");
    const json_t *author = json_object_get(in->message, "author");
    if (!discord_flag(a, "dm.enabled", true)) return false;
    if (!policy.n) policy = discord_text(a, "dm.policy");
    if (str_is(policy, "disabled")) return false;
    if (discord_let_in(a, author) || str_is(policy, "open")) return true;
    if (policy.n == 0 || str_is(policy, "pairing")) ask_pairing(a, in, now);
    return false;
}

/* --- servers -------------------------------------------------------------------------------------------------------------- */

static const char *const system_types[] = { [6] = "pinned a message",    [7] = "joined",
                                            [8] = "boosted the server",  [9] = "boosted the server",
                                            [10] = "boosted the server", [11] = "boosted the server",
                                            [18] = "created a thread",   [46] = "ended a poll" };

enum { ROLES_MAX = 100 }; /* of one person that bindings are compared with */

struct origin {
    struct routing_from from;
    struct str roles[ROLES_MAX];
};

static struct str agent_of(struct discord_account *a, const struct discord_inbound *in, const struct discord_where *w, struct origin *o)
{
    const json_t *member = json_object_get(in->message, "member"), *item;
    size_t i, n = 0;
    json_array_foreach(json_object_get(member, "roles"), i, item) if (n < ROLES_MAX) o->roles[n++] = json_text(item);
    o->from = (struct routing_from){ .channel = "discord",
                                     .account = str_of(a->id),
                                     .default_account = a->is_default,
                                     .kind = w->direct  ? "direct"
                                             : w->group ? "group"
                                                        : "channel",
                                     .peer = w->direct ? json_str(json_object_get(in->message, "author"), "id") : w->channel,
                                     .parent = w->parent,
                                     .guild = w->guild,
                                     .roles = o->roles,
                                     .role_count = n };
    return routing_agent(a->d->config, &o->from);
}

static void tell_system(struct discord_account *a, const struct discord_inbound *in, const struct discord_where *w, int64_t type)
{
    struct origin origin;
    struct buf key = { 0 }, text = { 0 };
    struct str agent = agent_of(a, in, w, &origin), guild = w->guild_name.n ? w->guild_name : w->guild;
    routing_session_key(a->d->config, agent, &origin.from, &key);
    buf_text(&text, "Discord system: ");
    discord_sender_name(json_object_get(in->message, "author"), json_object_get(in->message, "member"), &text);
    buf_printf(&text, " %s in %.*s #%.*s", system_types[type], STR_ARG(guild), STR_ARG(w->channel_name.n ? w->channel_name : w->channel));
    if (!key.err && !text.err) a->d->host.event(a->d->host.ctx, buf_str(&key), buf_str(&text));
    buf_free(&key);
    buf_free(&text);
}

static bool may_command(struct discord_account *a, const json_t *message, const struct discord_rules *rules)
{
    return discord_may_command(a, rules, json_str(message, "guild_id").n == 0, json_object_get(message, "author"),
                               json_object_get(message, "member"));
}

static bool is_command(struct discord_account *a, struct str content)
{
    struct chat_command command;
    struct buf text = { 0 };
    discord_strip_mentions(content, &text);
    bool is = chat_command_read(a->d->config, buf_str(&text), &command);
    buf_free(&text);
    return is;
}

static bool nobody_mentioned(const json_t *message)
{
    return json_array_size(json_object_get(message, "mentions")) == 0 && json_array_size(json_object_get(message, "mention_roles")) == 0 &&
           !json_is_true(json_object_get(message, "mention_everyone"));
}

/* In threads that the bot opened itself nobody needs to mention it. */
static bool own_thread(struct discord_account *a, const struct discord_where *w, const struct discord_rules *rules)
{
    const struct discord_chan *c = w->thread && rules->auto_thread ? discord_chan_find(a, w->channel) : NULL;
    return c && a->user[0] && strcmp(c->owner, a->user) == 0;
}

static bool judge_guild(struct discord_account *a, struct discord_inbound *in, const struct discord_where *w, const struct channel_now *now)
{
    struct discord_rules rules;
    struct origin origin;
    const json_t *author = json_object_get(in->message, "author");
    int64_t type = json_int(in->message, "type", 0);
    discord_access(a, w, &rules);
    if (!rules.allowed) return false;
    if (type > 0 && type < (int64_t)(sizeof system_types / sizeof *system_types) && system_types[type]) {
        tell_system(a, in, w, type);
        return false;
    }
    if (type != 0 && type != 19) return false;
    struct buf text = { 0 };
    discord_message_text(in->message, &text);
    bool empty = text.n == 0;
    buf_free(&text);
    if (empty) return false;
    in->mentioned = discord_mentioned(a, in->message, agent_of(a, in, w, &origin));
    bool heard = in->mentioned || !rules.require_mention || own_thread(a, w, &rules);
    if (!heard && nobody_mentioned(in->message) && is_command(a, json_str(in->message, "content")))
        heard = may_command(a, in->message, &rules);
    if (!heard) {
        discord_history_note(a, in->message, in->channel, now);
        return false;
    }
    return discord_access_person(rules.users, rules.roles, author, json_object_get(in->message, "member"));
}

static bool judge(struct discord_account *a, struct discord_inbound *in, const struct discord_where *w, const struct channel_now *now)
{
    if (w->direct) return judge_direct(a, in, now);
    if (!w->group) return judge_guild(a, in, w, now);
    const struct json5_node *groups = discord_setting(a, "dm.groupChannels");
    bool listed = !groups || groups->count == 0;
    for (const struct json5_node *g = groups ? groups->first : NULL; g && !listed; g = g->next)
        listed = g->kind == JSON5_STRING && (str_is(g->string, "*") || str_eq(g->string, w->channel));
    return listed && discord_flag(a, "dm.groupEnabled", false);
}

/* --- what belongs to it ---------------------------------------------------------------------------------------------------- */

static bool is_text_file(struct str type, struct str name)
{
    static const char *const ends[] = { ".txt", ".md", ".log", ".json", ".yaml", ".yml", ".csv", ".toml",
                                        ".ini", ".sh", ".py",  ".c",    ".h",    ".js",  ".ts" };
    if (str_starts(type, STR("text/")) || str_starts(type, STR("application/json"))) return true;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (str_ends(name, str_of(ends[i]))) return true;
    return false;
}

static void fetch_files(struct discord_account *a, struct discord_inbound *in, const struct channel_now *now)
{
    const json_t *list = json_object_get(in->message, "attachments"), *item;
    const struct json5_node *max = discord_setting(a, "mediaMaxMb");
    double most = (max && max->kind == JSON5_NUMBER ? max->number : 8) * 1024 * 1024;
    size_t i;
    json_array_foreach(list, i, item)
    {
        struct str type = json_str(item, "content_type"), url = json_str(item, "url");
        int64_t size = json_int(item, "size", 0);
        bool image = str_starts(type, STR("image/")), text = is_text_file(type, json_str(item, "filename"));
        if (i >= CHANNEL_FILES_MAX || (!image && !text) || url.n == 0 || url.n >= DISCORD_PATH_MAX) continue;
        if ((double)size > most || size > CHANNEL_FILE_MAX || (text && size > 16 * DISCORD_TEXT_FILE_MAX)) continue;
        struct discord_call *call = discord_call("GET", DISCORD_FOR_FILE, "%.*s", STR_ARG(url));
        if (!call) return;
        call->foreign = true;
        call->tries_max = 3;
        call->subject = in;
        call->about = i;
        call->body_max = text ? DISCORD_TEXT_FILE_MAX : CHANNEL_FILE_MAX;
        in->needs += discord_go(a, call, now) == 0;
    }
}

static void fetch_starter(struct discord_account *a, struct discord_inbound *in, const struct discord_where *w,
                          const struct channel_now *now)
{
    struct discord_call *call =
        discord_call("GET", DISCORD_FOR_FILE, "/channels/%.*s/messages/%.*s", STR_ARG(w->parent), STR_ARG(w->channel));
    if (!call) return;
    call->subject = in;
    call->about = CHANNEL_FILES_MAX; /* behind the files */
    call->tries_max = 2;
    in->needs += discord_go(a, call, now) == 0;
}

static void make_thread(struct discord_account *a, struct discord_inbound *in, const struct channel_now *now)
{
    struct buf name = { 0 };
    struct discord_call *call =
        discord_call("POST", DISCORD_FOR_FILE, "/channels/%s/messages/%.*s/threads", in->channel, STR_ARG(json_str(in->message, "id")));
    discord_strip_mentions(json_str(in->message, "content"), &name);
    struct str title = utf8_first(buf_str(&name), 80);
    if (title.n == 0) title = STR("Thread");
    if (call) {
        discord_body(call, json_pack("{s:s%, s:i}", "name", title.p, title.n, "auto_archive_duration", 60));
        call->subject = in;
        call->about = CHANNEL_FILES_MAX + 1;
        call->tries_max = 3;
        in->needs += discord_go(a, call, now) == 0;
    }
    buf_free(&name);
}

static void take_file(struct discord_inbound *in, size_t index, const struct channel_response *answer)
{
    const json_t *item = json_array_get(json_object_get(in->message, "attachments"), index);
    struct str type = json_str(item, "content_type");
    type = str_trim(str_split(&type, ';'));
    if (!str_starts(type, STR("image/"))) {
        struct buf *f = &in->files;
        if (f->n) buf_text(f, "\n\n");
        buf_printf(f, "<file name=\"%.*s\" mime=\"%.*s\">\n", STR_ARG(json_str(item, "filename")), STR_ARG(type));
        utf8_add_valid(f, str_utf8_prefix(answer->body, DISCORD_TEXT_FILE_MAX));
        buf_text(f, "\n</file>");
        return;
    }
    struct buf *words = &in->words[in->image_count];
    base64_write(answer->body, words);
    if (!words->err) in->images[in->image_count++] = (struct channel_image){ type, buf_str(words) };
}

void discord_inbound_file(struct discord_account *a, const struct discord_call *call, const struct channel_response *answer,
                          const struct channel_now *now)
{
    struct discord_inbound *in = call->subject;
    bool good = answer->status >= 200 && answer->status < 300;
    json_t *said = good && call->about >= CHANNEL_FILES_MAX ? discord_json(answer->body) : NULL;
    if (good && call->about < CHANNEL_FILES_MAX)
        take_file(in, call->about, answer);
    else if (said && call->about == CHANNEL_FILES_MAX)
        discord_message_text(said, &in->starter);
    else if (said)
        discord_id_copy(in->thread, json_str(said, "id"));
    json_decref(said);
    in->needs--;
    discord_inbound_advance(a, now);
}

/* --- to the agent ------------------------------------------------------------------------------------------------------------ */

static void write_route(const struct discord_account *a, const struct discord_inbound *in, struct str agent, struct buf *out)
{
    buf_char(out, '{');
    buf_json_pair_str(out, "channel", STR("discord"));
    buf_json_pair_str(out, "account", str_of(a->id));
    buf_json_pair_str(out, "agent", agent);
    buf_json_key(out, "to");
    buf_printf(out, "\"channel:%s\"", in->thread[0] ? in->thread : in->channel);
    if (!in->thread[0]) buf_json_pair_str(out, "replyTo", json_str(in->message, "id"));
    buf_json_pair_str(out, "sender", json_str(json_object_get(in->message, "author"), "id"));
    buf_char(out, '}');
}

/* The emoji that says that it was seen; empty: none. */
static struct str ack_of(struct discord_account *a, const struct discord_inbound *in, const struct discord_where *w,
                         const struct discord_rules *rules, struct str agent_id)
{
    struct str scope = config_str(a->d->config, "messages.ackReactionScope");
    const struct json5_node *own = discord_setting(a, "ackReaction");
    const struct config_agent *agent = config_agent_find(a->d->config, agent_id);
    bool wanted = str_is(scope, "all") || (str_is(scope, "direct") && w->direct) || (str_is(scope, "group-all") && !w->direct) ||
                  (str_is(scope, "group-mentions") && !w->direct && rules->require_mention && in->mentioned);
    if (!wanted) return (struct str){ 0 };
    if (!own) own = config_get(a->d->config, STR("messages.ackReaction"));
    if (own && own->kind == JSON5_STRING) return own->string;
    return agent && agent->identity_emoji.n ? agent->identity_emoji : STR("\xf0\x9f\x91\x80");
}

static struct str model_of(const struct discord_account *a, const struct discord_where *w)
{
    const struct json5_node *by = json5_member(config_get(a->d->config, STR("channels.modelByChannel")), STR("discord"));
    const struct json5_node *m = json5_member(by, w->channel);
    struct model_ref ref;
    if (!m && w->parent.n) m = json5_member(by, w->parent);
    return m && m->kind == JSON5_STRING && config_model_resolve(a->d->config, m->string, &ref) == 0 ? ref.text : (struct str){ 0 };
}

static void hand_over(struct discord_account *a, struct discord_inbound *in, struct discord_where *w, const struct channel_now *now)
{
    struct discord_rules rules;
    struct origin origin;
    struct buf key = { 0 }, text = { 0 }, said = { 0 }, system = { 0 }, command = { 0 }, skills = { 0 }, route = { 0 }, once = { 0 };
    struct discord_history *history = NULL;
    int64_t limit = discord_history_limit(a);
    discord_access(a, w, &rules);
    if (in->thread[0]) {
        w->parent = w->channel;
        w->parent_name = w->channel_name;
        w->channel = str_of(in->thread);
        w->thread = true;
    }
    struct str agent = agent_of(a, in, w, &origin);
    routing_session_key(a->d->config, agent, &origin.from, &key);
    HASH_FIND_STR(a->histories, in->channel, history);
    discord_message_text(in->message, &said);
    discord_strip_mentions(json_str(in->message, "content"), &command);
    const struct discord_prompt prompt = { .account = a,
                                           .message = in->message,
                                           .where = w,
                                           .rules = &rules,
                                           .mentioned = in->mentioned,
                                           .history = history,
                                           .history_from = history && (int64_t)history->count > limit ? history->count - (size_t)limit : 0,
                                           .starter = buf_str(&in->starter),
                                           .text = buf_str(&said),
                                           .files = buf_str(&in->files) };
    discord_prompt_user(&prompt, &text);
    discord_prompt_system(&prompt, &system);
    channel_skills_write(rules.skills, &skills);
    write_route(a, in, agent, &route);
    buf_printf(&once, "discord:%s:%.*s", a->id, STR_ARG(json_str(in->message, "id")));
    struct channel_message m = { .session_key = buf_str(&key),
                                 .agent = agent,
                                 .text = buf_str(&text),
                                 .command = buf_str(&command),
                                 .may_command = may_command(a, in->message, &rules),
                                 .system = buf_str(&system),
                                 .skills = buf_str(&skills),
                                 .model = model_of(a, w),
                                 .route = buf_str(&route),
                                 .key = buf_str(&once),
                                 .sender = json_str(json_object_get(in->message, "author"), "id"),
                                 .images = in->images,
                                 .image_count = in->image_count };
    m.tag = discord_turn_begin(a, in->channel, in->thread, json_str(in->message, "id"), ack_of(a, in, w, &rules, agent), now);
    a->inbound_ms = now->wall_ms;
    if (!text.err && !key.err && !route.err) a->d->host.message(a->d->host.ctx, &m);
    discord_history_clear(a, in->channel);
    buf_free(&key);
    buf_free(&text);
    buf_free(&said);
    buf_free(&system);
    buf_free(&command);
    buf_free(&skills);
    buf_free(&route);
    buf_free(&once);
}

/* @return false: it cannot be asked for now; what is known has to do */
static bool ask_place(struct discord_account *a, struct discord_inbound *in, const struct channel_now *now)
{
    struct discord_call *call = discord_call("GET", DISCORD_FOR_CHANNEL, "/channels/%s", in->channel);
    in->asked_place = true;
    if (call) {
        memcpy(call->ref, in->channel, sizeof in->channel);
        call->tries_max = 3;
    }
    return discord_go(a, call, now) == 0;
}

/* @return whether it is done with */
static bool advance(struct discord_account *a, struct discord_inbound *in, const struct channel_now *now)
{
    struct discord_where where;
    bool placed = discord_place(a, in->message, now, &where);
    if (in->stage == STAGE_PLACE && !placed && (in->asked_place || ask_place(a, in, now))) return false;
    if (in->stage == STAGE_PLACE) in->stage = STAGE_HOLD;
    if (in->stage == STAGE_HOLD && now->mono_ms < in->hold_ms) return false;
    if (in->stage == STAGE_HOLD) in->stage = STAGE_JUDGE;
    if (in->stage == STAGE_JUDGE) {
        struct discord_rules rules;
        if (!judge(a, in, &where, now)) return true;
        discord_access(a, &where, &rules);
        in->stage = STAGE_FETCH;
        fetch_files(a, in, now);
        if (where.thread && rules.thread_starter && where.parent.n) fetch_starter(a, in, &where, now);
        if (rules.auto_thread && !where.thread && where.guild.n) make_thread(a, in, now);
    }
    if (in->needs > 0) return false;
    hand_over(a, in, &where, now);
    return true;
}

void discord_inbound_advance(struct discord_account *a, const struct channel_now *now)
{
    struct discord_inbound *in, *safe, *before;
    DL_FOREACH_SAFE(a->inbound, in, safe)
    {
        for (before = a->inbound; before != in && strcmp(before->channel, in->channel) != 0; before = before->next) {
        }
        if (before == in && advance(a, in, now)) free_inbound(a, in);
    }
}

/* Whatever came of it: nobody waits for it any longer. */
void discord_inbound_placed(struct discord_account *a, const char *channel, const struct channel_now *now)
{
    struct discord_inbound *in;
    DL_FOREACH(a->inbound, in)
    {
        if (in->stage == STAGE_PLACE && strcmp(in->channel, channel) == 0) in->stage = STAGE_HOLD;
    }
    discord_inbound_advance(a, now);
}

/* --- several at once ----------------------------------------------------------------------------------------------------------- */

static int64_t debounce_ms(const struct discord_account *a)
{
    int64_t own;
    const struct json5_node *n = config_get(a->d->config, STR("messages.inbound.byChannel.discord"));
    return n && json5_to_int(n, &own) ? own : config_int(a->d->config, "messages.inbound.debounceMs");
}

static bool stands_alone(struct discord_account *a, const json_t *message)
{
    return json_array_size(json_object_get(message, "attachments")) > 0 || is_command(a, json_str(message, "content"));
}

/* The last one in its channel, while it waits. */
static struct discord_inbound *held(const struct discord_account *a, const struct discord_inbound *fresh)
{
    struct discord_inbound *in, *last = NULL;
    DL_FOREACH(a->inbound, in)
    {
        if (in != fresh && strcmp(in->channel, fresh->channel) == 0) last = in;
    }
    return last && last->stage <= STAGE_HOLD && last->hold_ms ? last : NULL;
}

/* Messages that one person writes one after the other become one (messages.inbound). @return whether it became part of another */
static bool join(struct discord_account *a, struct discord_inbound *in, const struct channel_now *now)
{
    int64_t wait_ms = debounce_ms(a);
    struct discord_inbound *before = wait_ms > 0 ? held(a, in) : NULL;
    bool alone = wait_ms > 0 && stands_alone(a, in->message);
    bool joins = before && !alone && before->joined < DISCORD_JOINED_MAX && discord_messages_join(before->message, in->message);
    if (wait_ms > 0 && !alone) in->hold_ms = now->mono_ms + wait_ms;
    if (!before) return false;
    before->hold_ms = joins ? in->hold_ms : now->mono_ms; /* whoever else writes ends the wait */
    if (!joins) return false;
    before->joined++;
    json_decref(before->message);
    before->message = json_incref(in->message);
    free_inbound(a, in);
    return true;
}

int64_t discord_inbound_next(const struct discord_account *a)
{
    int64_t due = INT64_MAX;
    const struct discord_inbound *in;
    DL_FOREACH(a->inbound, in)
    {
        if (in->stage == STAGE_HOLD && in->hold_ms && in->hold_ms < due) due = in->hold_ms;
    }
    return due;
}

void discord_inbound_tick(struct discord_account *a, const struct channel_now *now)
{
    if (now->mono_ms >= discord_inbound_next(a)) discord_inbound_advance(a, now);
}

void discord_message_created(struct discord_account *a, const json_t *message, const struct channel_now *now)
{
    const json_t *author = json_object_get(message, "author");
    struct str id = json_str(message, "id"), who = json_str(author, "id");
    char channel[DISCORD_ID_SIZE], key[DISCORD_ID_SIZE];
    if (!discord_id_copy(key, id) || !discord_id_copy(channel, json_str(message, "channel_id")) || !who.n) return;
    if (a->user[0] && str_is(who, a->user)) return;
    bool bot = json_is_true(json_object_get(author, "bot")) || json_str(message, "webhook_id").n > 0;
    if (bot && !discord_flag(a, "allowBots", false)) return;
    if (discord_seen(a->d, a->index, id, now->mono_ms)) return;
    struct discord_inbound *in = a->inbound_count < DISCORD_INBOUND_MAX ? calloc(1, sizeof *in) : NULL;
    if (!in) {
        log_event(LOG_ERROR, "discord_message_dropped", LOG_S("message", id), LOG_T("reason", "too many wait (DISCORD_INBOUND_MAX)"));
        return;
    }
    in->message = json_deep_copy(message);
    memcpy(in->channel, channel, sizeof channel);
    DL_APPEND(a->inbound, in);
    a->inbound_count++;
    if (!in->message)
        free_inbound(a, in);
    else if (!join(a, in, now))
        discord_inbound_advance(a, now);
}
