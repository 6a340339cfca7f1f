/* What is said: who may, who answers, in which conversation, and what the agent is told. */
#include <stdio.h>
#include <stdlib.h>

#include "base/json_read.h"
#include "base/log.h"
#include "channels/channel_words.h"
#include "channels/routing.h"
#include "channels/telegram.h"

struct said {
    const json_t *message, *from, *chat;
    struct str text, name, username;
    char from_id[24], chat_id[24], place[TELEGRAM_PLACE_SIZE];
    bool direct, mentioned;
    const struct json5_node *group; /* its settings; NULL: none of its own */
};

static bool is_on(const struct json5_node *object, const char *name, bool otherwise)
{
    const struct json5_node *value = json5_member(object, str_of(name));
    return value && value->kind == JSON5_BOOL ? value->boolean : otherwise;
}

static struct str text_setting(const struct channel_state *s, const char *name, const char *otherwise)
{
    const struct json5_node *value = telegram_setting(s, name);
    return value && value->kind == JSON5_STRING ? value->string : str_of(otherwise);
}

static void number(char out[24], const json_t *object, const char *name)
{
    snprintf(out, 24, "%lld", (long long)json_int(object, name, 0));
}

/* --- mentions ---------------------------------------------------------------------------------------------------------------- */

/* The byte at which so many UTF-16 units have passed: Telegram counts in those. */
static size_t byte_of(struct str text, int64_t units)
{
    size_t i = 0;
    for (int64_t seen = 0; i < text.n && seen < units;) {
        unsigned char c = (unsigned char)text.p[i];
        size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
        seen += n == 4 ? 2 : 1;
        i += n;
    }
    return i < text.n ? i : text.n;
}

static struct str piece(struct str text, const json_t *entity)
{
    size_t from = byte_of(text, json_int(entity, "offset", 0));
    struct str rest = { text.p + from, text.n - from };
    rest.n = byte_of(rest, json_int(entity, "length", 0));
    return rest;
}

static bool names_bot(const struct channel_state *s, struct str word)
{
    ptrdiff_t at = str_find(word, STR("@"));
    return at >= 0 && s->username[0] && str_ieq((struct str){ word.p + at + 1, word.n - (size_t)at - 1 }, str_of(s->username));
}

static bool is_mentioned(const struct channel_state *s, const struct said *m)
{
    const json_t *entities = json_object_get(m->message, json_object_get(m->message, "text") ? "entities" : "caption_entities"), *entity;
    char id[24];
    size_t i;
    json_array_foreach(entities, i, entity)
    {
        struct str type = json_str(entity, "type");
        number(id, json_object_get(entity, "user"), "id");
        if (str_is(type, "text_mention") && strcmp(id, s->id) == 0) return true;
        if ((str_is(type, "mention") || str_is(type, "bot_command")) && names_bot(s, piece(m->text, entity))) return true;
    }
    number(id, json_object_get(json_object_get(m->message, "reply_to_message"), "from"), "id");
    return strcmp(id, s->id) == 0; /* a reply to the bot */
}

/* "/status@claw now" is "/status now" */
static void write_command(const struct channel_state *s, struct str text, struct buf *out)
{
    struct str rest = text, word = str_split(&rest, ' ');
    ptrdiff_t at = str_find(word, STR("@"));
    if (text.n && text.p[0] == '/' && at > 0 && names_bot(s, word)) {
        buf_add(out, (struct str){ word.p, (size_t)at });
        if (rest.p) buf_printf(out, " %.*s", STR_ARG(rest));
    } else {
        buf_add(out, text);
    }
}

/* --- who may ------------------------------------------------------------------------------------------------------------------- */

static void offer_pairing(struct channel_state *s, const struct said *m, const struct channel_now *now)
{
    char code[DM_PAIRING_CODE_SIZE];
    struct buf text = { 0 }, kept = { 0 };
    enum dm_pairing_asked asked = dm_pairing_ask(s->pairing, str_of(m->from_id), m->name, now->wall_ms, s->host.random(s->host.ctx), code);
    if (asked == DM_PAIRING_NEW) {
        buf_printf(
            &text,
            "OpenClaw: access not configured.\n\nYour Telegram user id: %s\n\nPairing code: %s\n\nAsk the bot owner to approve with:\n"
            "openclaw pairing approve telegram %s",
            m->from_id, code, code);
        telegram_say(s, m->place, 0, buf_str(&text), now);
        dm_pairing_write(s->pairing, &kept);
        s->host.keep(s->host.ctx, STR("pairing"), buf_str(&kept));
        log_event(LOG_INFO, "telegram_pairing_asked", LOG_T("user", m->from_id));
    }
    buf_free(&text);
    buf_free(&kept);
}

static bool let_in(const struct channel_state *s, const struct said *m)
{
    return telegram_list_has(telegram_setting(s, "allowFrom"), str_of(m->from_id), m->username) ||
           dm_pairing_allowed(s->pairing, str_of(m->from_id));
}

static bool may_write(struct channel_state *s, const struct said *m, const struct channel_now *now)
{
    struct str policy = text_setting(s, "dmPolicy", "pairing");
    if (str_is(policy, "disabled")) return false;
    if (str_is(policy, "open") || let_in(s, m)) return true;
    if (str_is(policy, "pairing")) offer_pairing(s, m, now);
    return false;
}

static const struct json5_node *group_of(const struct channel_state *s, const struct said *m)
{
    const struct json5_node *groups = telegram_setting(s, "groups"), *own = json5_member(groups, str_of(m->chat_id));
    return own ? own : json5_member(groups, STR("*"));
}

static bool may_speak(const struct channel_state *s, const struct said *m)
{
    const struct json5_node *groups = telegram_setting(s, "groups"), *own = json5_member(m->group, STR("groupPolicy"));
    const struct json5_node *people = json5_member(m->group, STR("allowFrom"));
    struct str policy = own && own->kind == JSON5_STRING ? own->string : text_setting(s, "groupPolicy", "allowlist");
    bool listed = groups && groups->count > 0;
    if (str_is(policy, "disabled") || !is_on(m->group, "enabled", true) || (listed && !m->group)) return false;
    if (str_is(policy, "open")) return true;
    if (!people) people = telegram_setting(s, "groupAllowFrom");
    if (!people && listed) return true; /* the group is what is allowed */
    return telegram_list_has(people ? people : telegram_setting(s, "allowFrom"), str_of(m->from_id), m->username);
}

/* --- to the agent ---------------------------------------------------------------------------------------------------------------- */

static void write_text(const struct said *m, struct buf *out)
{
    const json_t *reply = json_object_get(m->message, "reply_to_message");
    json_t *info = json_object(), *sender = json_object();
    char id[24];
    number(id, m->message, "message_id");
    channel_member_set(info, "message_id", str_of(id));
    channel_member_set(info, "sender", str_of(m->from_id));
    if (!m->direct) {
        channel_member_set(info, "group_subject", json_str(m->chat, "title"));
        channel_member_set(info, "conversation_label", str_of(m->place));
        json_object_set_new(info, "was_mentioned", json_boolean(m->mentioned));
    }
    channel_member_set(sender, "name", m->name);
    channel_member_set(sender, "username", m->username);
    channel_block_write(out, "Conversation info (untrusted metadata):", info);
    channel_block_write(out, "Sender (untrusted metadata):", sender);
    if (json_is_object(reply)) {
        json_t *o = json_object();
        struct str body = json_str(reply, "text");
        channel_member_set(o, "sender_label", json_str(json_object_get(reply, "from"), "first_name"));
        channel_member_set(o, "body", body.n ? body : json_str(reply, "caption"));
        channel_block_write(out, "Replied message (untrusted, for context):", o);
    }
    buf_add(out, m->text);
}

static void write_route(const struct said *m, struct buf *out)
{
    buf_char(out, '{');
    buf_json_pair_str(out, "channel", STR("telegram"));
    buf_json_pair_str(out, "account", STR("default"));
    buf_json_key(out, "to");
    buf_printf(out, "\"chat:%s\"", m->place);
    buf_json_key(out, "replyTo");
    buf_printf(out, "\"%lld\"", (long long)json_int(m->message, "message_id", 0));
    buf_json_pair_str(out, "sender", str_of(m->from_id));
    buf_char(out, '}');
}

static uint64_t begin_turn(struct channel_state *s, const struct said *m, int64_t update)
{
    struct telegram_turn *t = calloc(1, sizeof *t);
    if (!t) return 0;
    t->tag = ++s->last_tag;
    t->message = json_int(m->message, "message_id", 0);
    t->update = update;
    memcpy(t->place, m->place, sizeof t->place);
    HASH_ADD(hh, s->turns, tag, sizeof t->tag, t);
    return t->tag;
}

static void hand_over(struct channel_state *s, const struct said *m, int64_t update)
{
    const struct routing_from from = { .channel = "telegram",
                                       .account = STR("default"),
                                       .default_account = true,
                                       .kind = m->direct ? "direct" : "group",
                                       .peer = m->direct ? str_of(m->from_id) : str_of(m->place),
                                       .parent = !m->direct && strcmp(m->place, m->chat_id) != 0 ? str_of(m->chat_id) : (struct str){ 0 } };
    struct str agent = routing_agent(s->config, &from);
    struct buf key = { 0 }, text = { 0 }, command = { 0 }, route = { 0 }, skills = { 0 };
    const struct json5_node *prompt = json5_member(m->group, STR("systemPrompt"));
    char once[64];
    snprintf(once, sizeof once, "telegram:%s:%lld", s->id, (long long)update);
    routing_session_key(s->config, agent, &from, &key);
    write_text(m, &text);
    write_command(s, m->text, &command);
    write_route(m, &route);
    channel_skills_write(json5_member(m->group, STR("skills")), &skills);
    const struct channel_message out = { .tag = begin_turn(s, m, update),
                                         .session_key = buf_str(&key),
                                         .agent = agent,
                                         .text = buf_str(&text),
                                         .command = buf_str(&command),
                                         .may_command = m->direct ? let_in(s, m) || str_is(text_setting(s, "dmPolicy", "pairing"), "open")
                                                                  : telegram_list_has(telegram_setting(s, "allowFrom"), str_of(m->from_id),
                                                                                      m->username),
                                         .system = prompt && prompt->kind == JSON5_STRING ? prompt->string : (struct str){ 0 },
                                         .skills = buf_str(&skills),
                                         .route = buf_str(&route),
                                         .key = str_of(once),
                                         .sender = str_of(m->from_id) };
    if (out.tag && !key.err && !text.err && !command.err && !route.err) s->host.message(s->host.ctx, &out);
    buf_free(&key);
    buf_free(&text);
    buf_free(&command);
    buf_free(&route);
    buf_free(&skills);
}

void telegram_on_update(struct channel_state *s, const json_t *update, const struct channel_now *now)
{
    struct said m = { .message = json_object_get(update, "message") };
    m.from = json_object_get(m.message, "from");
    m.chat = json_object_get(m.message, "chat");
    m.text = json_str(m.message, "text");
    if (!m.text.n) m.text = json_str(m.message, "caption");
    m.text = str_trim(m.text);
    m.name = json_str(m.from, "first_name");
    m.username = json_str(m.from, "username");
    number(m.from_id, m.from, "id");
    number(m.chat_id, m.chat, "id");
    memcpy(m.place, m.chat_id, sizeof m.chat_id);
    int64_t topic = json_flag(m.message, "is_topic_message") ? json_int(m.message, "message_thread_id", 0) : 0;
    if (topic > 0) snprintf(m.place, sizeof m.place, "%s:topic:%lld", m.chat_id, (long long)topic);
    struct str type = json_str(m.chat, "type");
    m.direct = str_is(type, "private");
    bool group = str_is(type, "group") || str_is(type, "supergroup");
    if (!m.text.n || !m.from || json_flag(m.from, "is_bot") || (!m.direct && !group)) return;
    s->inbound_ms = now->wall_ms;
    if (m.direct) {
        if (may_write(s, &m, now)) hand_over(s, &m, json_int(update, "update_id", 0));
        return;
    }
    m.group = group_of(s, &m);
    m.mentioned = is_mentioned(s, &m);
    if (!may_speak(s, &m) || (is_on(m.group, "requireMention", true) && !m.mentioned)) return;
    hand_over(s, &m, json_int(update, "update_id", 0));
}
