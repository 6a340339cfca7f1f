/* Answers: cut into messages, each with its own nonce, one after the other in a channel (reference discord 3, 4.7). */
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/err.h"
#include "base/json_read.h"
#include "base/log.h"
#include "base/utf8.h"
#include "channels/discord.h"
#include "channels/split.h"
#include "channels/tables.h"

enum {
    NONCE_MAX = 25,
    INTERACTION_MS = 14 * 60 * 1000, /* a token of an interaction is good for 15 min */
    FORUM = 15,                      /* types of channels */
    MEDIA = 16,
    POST_NAME_MAX = 100,
};

struct discord_out {
    struct discord_out *prev, *next;
    struct discord_account *account;
    int64_t id;     /* of the outbox; 0: nobody asks */
    uint64_t order; /* of a tool that waits; 0: none */
    char channel[DISCORD_ID_SIZE], reply_to[DISCORD_ID_SIZE], user[DISCORD_ID_SIZE];
    char *interaction; /* owned: "<application>/<token>", when it answers a slash command */
    char nonce[NONCE_MAX + 1];
    bool reply_all;
    bool on_way; /* a call of it is under way */
    struct split_parts parts;
    size_t sent;
    char *file_name; /* owned; with the first part */
    char *buttons;   /* owned, JSON; with the last part; NULL: none */
    char *forum;     /* owned: the name of the post that the first part begins; NULL: it goes into a channel or thread */
    struct buf file;
    struct buf ids; /* of what was sent, JSON array without its end */
};

static void free_out(struct discord_out *o)
{
    DL_DELETE(o->account->outs, o);
    split_parts_free(&o->parts);
    free(o->interaction);
    free(o->file_name);
    free(o->buttons);
    free(o->forum);
    buf_free(&o->file);
    buf_free(&o->ids);
    free(o);
}

void discord_outs_free(struct discord_account *a)
{
    struct discord_out *o, *safe;
    DL_FOREACH_SAFE(a->outs, o, safe)
    {
        free_out(o);
    }
}

static void tell(struct channel_state *d, int64_t id, uint64_t order, enum channel_delivered how, int64_t parts, struct str text)
{
    if (id) d->host.delivered(d->host.ctx, id, how, parts, text);
    if (order && how != CHANNEL_PARTLY) d->host.ordered(d->host.ctx, order, how == CHANNEL_DELIVERED, text);
}

static void finish(struct discord_out *o, enum channel_delivered how, struct str text)
{
    struct buf said = { 0 };
    if (how == CHANNEL_DELIVERED) {
        buf_printf(&said, "{\"ok\":true,\"channelId\":\"%s\",\"messageIds\":[%.*s]}", o->channel, STR_ARG(buf_str(&o->ids)));
        text = buf_str(&said);
    } else {
        log_event(LOG_ERROR, "discord_delivery_failed", LOG_T("account", o->account->id), LOG_T("channel", o->channel),
                  LOG_S("reason", text));
        snprintf(o->account->error, sizeof o->account->error, "an answer for channel %s was not taken: %.*s", o->channel,
                 (int)(text.n > 150 ? 150 : text.n), text.p ? text.p : "");
    }
    tell(o->account->d, o->id, o->order, how, (int64_t)o->sent, text);
    discord_changed(o->account);
    buf_free(&said);
    free_out(o);
}

void discord_why(const struct channel_response *answer, struct buf *out)
{
    json_t *said = answer->status ? discord_json(answer->body) : NULL;
    struct str message = json_str(said, "message");
    int64_t code = json_int(said, "code", 0);
    if (answer->status == 0)
        buf_text(out, answer->error ? answer->error : "no answer");
    else if (message.n)
        buf_printf(out, "%.*s (HTTP %d, code %lld)", STR_ARG(message), answer->status, (long long)code);
    else
        buf_printf(out, "HTTP %d", answer->status);
    json_decref(said);
}

/* --- one part ------------------------------------------------------------------------------------------------------------ */

static json_t *body_of(const struct discord_out *o)
{
    const struct buf *part = &o->parts.list[o->sent];
    char nonce[NONCE_MAX + 1];
    json_t *body = json_pack("{s:s%, s:{s:[s], s:b}}", "content", part->p ? part->p : "", part->n, "allowed_mentions", "parse", "users",
                             "replied_user", 1);
    if (body && o->buttons && o->sent + 1 == o->parts.count) discord_add_buttons(body, str_of(o->buttons));
    if (!body || o->interaction) return body;
    if (o->forum) return json_pack("{s:s, s:o}", "name", o->forum, "message", body); /* of a new post: knows no nonce */
    snprintf(nonce, sizeof nonce, "%.20s-%zu", o->nonce, o->sent);
    json_object_set_new(body, "nonce", json_string(nonce));
    json_object_set_new(body, "enforce_nonce", json_true());
    if (o->reply_to[0] && (o->sent == 0 || o->reply_all))
        json_object_set_new(body, "message_reference",
                            json_pack("{s:s, s:s, s:b}", "message_id", o->reply_to, "channel_id", o->channel, "fail_if_not_exists", 0));
    return body;
}

/* RFC 7578: the JSON, then the file. */
static void write_multipart(struct discord_call *call, json_t *body, const struct discord_out *o)
{
    json_object_set_new(o->forum ? json_object_get(body, "message") : body, "attachments",
                        json_pack("[{s:i, s:s}]", "id", 0, "filename", o->file_name));
    char *text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    snprintf(call->boundary, sizeof call->boundary, "openclaw%016llx", (unsigned long long)discord_random(o->account->d));
    call->type = "multipart/form-data";
    buf_printf(&call->body, "--%s\r\nContent-Disposition: form-data; name=\"payload_json\"\r\nContent-Type: application/json\r\n\r\n",
               call->boundary);
    if (text) buf_text(&call->body, text);
    buf_printf(&call->body, "\r\n--%s\r\nContent-Disposition: form-data; name=\"files[0]\"; filename=\"", call->boundary);
    for (const char *c = o->file_name; *c; c++) buf_char(&call->body, *c == '"' || *c == '\r' || *c == '\n' ? '_' : *c);
    buf_text(&call->body, "\"\r\nContent-Type: application/octet-stream\r\n\r\n");
    buf_add(&call->body, buf_str(&o->file));
    buf_printf(&call->body, "\r\n--%s--\r\n", call->boundary);
    free(text);
}

static struct discord_call *call_for(const struct discord_out *o)
{
    if (o->forum) return discord_call("POST", DISCORD_FOR_PART, "/channels/%s/threads", o->channel);
    if (!o->interaction) return discord_call("POST", DISCORD_FOR_PART, "/channels/%s/messages", o->channel);
    if (o->sent == 0) return discord_call("PATCH", DISCORD_FOR_PART, "/webhooks/%s/messages/@original", o->interaction);
    return discord_call("POST", DISCORD_FOR_PART, "/webhooks/%s", o->interaction);
}

/* @return false: it could not be sent, and is over */
static bool send_part(struct discord_out *o, const struct channel_now *now)
{
    struct discord_call *call = call_for(o);
    json_t *body = call ? body_of(o) : NULL;
    if (!body) {
        discord_call_free(call);
        finish(o, CHANNEL_FAILED, str_of(err_text(GW_ENOMEM)));
        return false;
    }
    if (o->file_name && o->sent == 0)
        write_multipart(call, body, o);
    else
        discord_body(call, body);
    call->subject = o;
    call->own_token = o->interaction != NULL;
    call->patience_ms = o->interaction ? INTERACTION_MS : DISCORD_PATIENCE_MS;
    snprintf(call->lane, sizeof call->lane, "%s", o->interaction ? "interaction" : o->channel);
    o->on_way = discord_go(o->account, call, now) == 0;
    if (o->on_way) return true;
    finish(o, CHANNEL_FAILED, STR("too many messages wait for Discord (DISCORD_CALLS_MAX)"));
    return false;
}

/* The first of a channel's answers; NULL: there is none, or one is on its way. */
static struct discord_out *first_of(const struct discord_account *a, const char *channel)
{
    struct discord_out *o, *first = NULL;
    DL_FOREACH(a->outs, o)
    {
        if (o->interaction || strcmp(o->channel, channel) != 0) continue;
        if (o->on_way) return NULL;
        if (!first) first = o;
    }
    return first;
}

/* One answer after the other goes into a channel. */
static void advance(struct discord_account *a, const char *channel, const struct channel_now *now)
{
    struct discord_out *o;
    while ((o = first_of(a, channel)) && !send_part(o, now)) {
    }
}

/* A part was not taken. What only has to wait for another token, or for the channel instead of a command that is over, goes on. @return
 * whether it does */
static bool goes_on(struct discord_out *o, int status, const struct channel_now *now)
{
    if (o->interaction && o->channel[0] && (status == 401 || status == 404)) { /* its token is over: 15 min have passed */
        free(o->interaction);
        o->interaction = NULL;
        advance(o->account, o->channel, now);
        return true;
    }
    if (o->interaction || status != 401 || o->order) return false;
    return send_part(o, now); /* and is held back until there is a token that is valid */
}

/* A post begins a thread, which its further parts go to. */
static void note_sent(struct discord_out *o, const struct channel_response *answer)
{
    json_t *said = discord_json(answer->body);
    struct str id = json_str(said, "id");
    if (o->forum) {
        discord_id_copy(o->channel, id);
        if (json_str(json_object_get(said, "message"), "id").n) id = json_str(json_object_get(said, "message"), "id");
        free(o->forum);
        o->forum = NULL;
    }
    if (o->ids.n) buf_char(&o->ids, ',');
    buf_json_str(&o->ids, id);
    json_decref(said);
}

void discord_part_sent(struct discord_account *a, struct discord_call *call, const struct channel_response *answer,
                       const struct channel_now *now)
{
    struct discord_out *o = call->subject;
    char channel[DISCORD_ID_SIZE];
    bool taken = answer->status >= 200 && answer->status < 300;
    memcpy(channel, o->channel, sizeof channel);
    o->on_way = false;
    if (!taken && goes_on(o, answer->status, now)) return;
    if (!taken) {
        struct buf why = { 0 };
        discord_why(answer, &why);
        finish(o, CHANNEL_FAILED, buf_str(&why));
        buf_free(&why);
        advance(a, channel, now);
        return;
    }
    bool posted = o->forum != NULL;
    note_sent(o, answer);
    a->outbound_ms = now->wall_ms;
    o->sent++;
    if (o->sent < o->parts.count) {
        tell(a->d, o->id, 0, CHANNEL_PARTLY, (int64_t)o->sent, (struct str){ 0 });
        if (send_part(o, now) && !posted) return;
    } else {
        finish(o, CHANNEL_DELIVERED, (struct str){ 0 });
    }
    advance(a, channel, now);
}

/* --- from a text to parts -------------------------------------------------------------------------------------------------- */

/* "[[reply_to_current]]" and "[[reply_to:id]]" are taken out; they say what is replied to. */
static void take_tags(struct str text, struct discord_out *o, bool *current, struct buf *out)
{
    while (text.n) {
        ptrdiff_t at = str_find(text, STR("[[reply_to"));
        struct str rest = { text.p + (at < 0 ? 0 : at), at < 0 ? 0 : text.n - (size_t)at };
        ptrdiff_t end = at < 0 ? -1 : str_find(rest, STR("]]"));
        if (end < 0) break;
        struct str id = { rest.p + 10, (size_t)end - 10 };
        buf_add(out, (struct str){ text.p, (size_t)at });
        if (str_starts(id, STR(":"))) discord_id_copy(o->reply_to, str_trim((struct str){ id.p + 1, id.n - 1 }));
        *current = true;
        text = (struct str){ rest.p + end + 2, rest.n - (size_t)end - 2 };
    }
    buf_add(out, text);
}

/* `responsePrefix`; "auto": the name of the agent that answers. */
static void add_prefix(const struct discord_account *a, struct str agent_id, struct buf *out)
{
    struct str prefix = discord_text(a, "responsePrefix");
    if (!prefix.n) prefix = config_str(a->d->config, "messages.responsePrefix");
    const struct config_agent *agent = str_is(prefix, "auto") ? config_agent_find(a->d->config, agent_id) : NULL;
    if (agent && agent->identity_name.n)
        buf_printf(out, "[%.*s] ", STR_ARG(agent->identity_name));
    else if (prefix.n && !str_is(prefix, "auto"))
        buf_printf(out, "%.*s ", STR_ARG(prefix));
}

static void make_parts(struct discord_out *o, const struct discord_account *a, struct str agent, struct str text)
{
    struct buf plain = { 0 }, tabled = { 0 };
    struct str mode = discord_text(a, "replyToMode");
    bool tagged = false;
    add_prefix(a, agent, &plain);
    take_tags(text, o, &tagged, &plain);
    if (!tagged && (mode.n == 0 || str_is(mode, "off"))) o->reply_to[0] = '\0';
    o->reply_all = str_is(mode, "all");
    tables_to_code(buf_str(&plain), &tabled);
    const struct split_limits limits = { .units = (size_t)discord_number(a, "textChunkLimit"),
                                         .lines = (size_t)discord_number(a, "maxLinesPerMessage"),
                                         .paragraphs = str_is(discord_text(a, "chunkMode"), "newline") };
    split_into(buf_str(&tabled), &limits, &o->parts);
    buf_free(&plain);
    buf_free(&tabled);
}

/* "channel:1", "user:2", "<@2>". @return false: it says neither */
static bool read_target(struct discord_out *o, struct str to)
{
    to = str_trim(to);
    if (str_starts(to, STR("discord:"))) to = (struct str){ to.p + 8, to.n - 8 };
    if (str_starts(to, STR("channel:"))) return discord_id_copy(o->channel, (struct str){ to.p + 8, to.n - 8 });
    if (str_starts(to, STR("user:"))) return discord_id_copy(o->user, (struct str){ to.p + 5, to.n - 5 });
    if (str_starts(to, STR("<@")) && str_ends(to, STR(">"))) {
        struct str id = { to.p + 2, to.n - 3 };
        if (id.n && id.p[0] == '!') id = (struct str){ id.p + 1, id.n - 1 };
        return discord_id_copy(o->user, id);
    }
    return false;
}

/* A person is written to in a channel of the two, which Discord names. */
static void ask_dm(struct discord_out *o, const struct channel_now *now)
{
    struct discord_call *call = discord_call("POST", DISCORD_FOR_DM, "/users/@me/channels");
    if (call) {
        discord_body(call, json_pack("{s:s}", "recipient_id", o->user));
        call->subject = o;
        call->patience_ms = DISCORD_PATIENCE_MS;
        snprintf(call->lane, sizeof call->lane, "user:%s", o->user);
    }
    if (discord_go(o->account, call, now) != 0) finish(o, CHANNEL_FAILED, STR("too many calls wait for Discord"));
}

void discord_out_dm(struct discord_account *a, struct discord_call *call, const struct channel_response *answer,
                    const struct channel_now *now)
{
    struct discord_out *o = call->subject;
    json_t *said = answer->status == 200 ? discord_json(answer->body) : NULL;
    if (answer->status == 401 && !o->order) {
        ask_dm(o, now); /* likewise */
    } else if (discord_id_copy(o->channel, json_str(said, "id"))) {
        advance(a, o->channel, now);
    } else {
        struct buf why = { 0 };
        discord_why(answer, &why);
        finish(o, CHANNEL_FAILED, buf_str(&why));
        buf_free(&why);
    }
    json_decref(said);
}

/* Into a forum goes nothing but posts, named by their first line (reference 4.7). Discord takes no nonce with one: a lost answer to the
 * call can double it. */
static void name_post(struct discord_out *o, struct str text)
{
    const struct discord_chan *c = o->channel[0] && !o->interaction ? discord_chan_find(o->account, str_of(o->channel)) : NULL;
    if (!c || (c->type != FORUM && c->type != MEDIA)) return;
    text = str_trim(text);
    struct str line = str_trim(str_split(&text, '\n'));
    while (line.n && (line.p[0] == '#' || line.p[0] == '*' || line.p[0] == ' ')) line = (struct str){ line.p + 1, line.n - 1 };
    line = utf8_first(line, POST_NAME_MAX);
    o->forum = str_dup(line.n ? line : STR("Post"));
}

static bool says_nothing(struct str text)
{
    text = str_trim(text);
    return str_is(text, "NO_REPLY");
}

void discord_deliver(struct channel_state *d, const struct channel_delivery *delivery, uint64_t order, const struct channel_now *now)
{
    json_t *route = discord_json(delivery->route);
    struct discord_account *a = discord_account_find(d, json_str(route, "account"));
    struct str interaction = json_str(route, "interaction");
    struct discord_out *o = a && a->rest ? calloc(1, sizeof *o) : NULL;
    const char *wrong = a ? "Discord is not connected for this account" : "there is no such Discord account";
    if (o) {
        o->account = a;
        o->id = delivery->id;
        o->order = order;
        DL_APPEND(a->outs, o);
        str_copy(o->nonce, sizeof o->nonce, delivery->nonce);
        discord_id_copy(o->reply_to, json_str(route, "replyTo"));
        if (interaction.n) o->interaction = str_dup(interaction);
        bool known = read_target(o, json_str(route, "to"));
        wrong = known || o->interaction ? NULL : "a Discord target is written channel:<id> or user:<id>";
        if (!says_nothing(delivery->text)) make_parts(o, a, json_str(route, "agent"), delivery->text);
        name_post(o, delivery->text);
        if (delivery->buttons.n) o->buttons = str_dup(delivery->buttons);
        if (delivery->file_bytes.n) {
            o->file_name = str_dup(delivery->file_name);
            buf_add(&o->file, delivery->file_bytes);
            if (o->parts.count == 0) o->parts.count = 1;
        }
        o->sent = (size_t)delivery->parts_sent;
    }
    if (!o)
        tell(d, delivery->id, order, CHANNEL_FAILED, delivery->parts_sent, str_of(wrong));
    else if (wrong)
        finish(o, CHANNEL_FAILED, str_of(wrong));
    else if (o->sent >= o->parts.count)
        finish(o, CHANNEL_DELIVERED, (struct str){ 0 });
    else if (o->user[0])
        ask_dm(o, now);
    else if (o->interaction)
        send_part(o, now);
    else
        advance(a, o->channel, now);
    json_decref(route);
    if (a && a->rest) discord_pump(a, now);
}

void discord_say(struct discord_account *a, const char *channel, const char *reply_to, struct str text, const struct channel_now *now)
{
    char nonce[NONCE_MAX];
    struct buf route = { 0 };
    snprintf(nonce, sizeof nonce, "s%016llx", (unsigned long long)discord_random(a->d));
    buf_printf(&route, "{\"account\":\"%s\",\"to\":\"channel:%s\"", a->id, channel);
    if (reply_to && reply_to[0]) buf_printf(&route, ",\"replyTo\":\"%s\"", reply_to);
    buf_char(&route, '}');
    const struct channel_delivery d = { .route = buf_str(&route), .text = text, .nonce = str_of(nonce) };
    discord_deliver(a->d, &d, 0, now);
    buf_free(&route);
}
