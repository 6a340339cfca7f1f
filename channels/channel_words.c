#include "channels/channel_words.h"

#include <stdlib.h>

#include "base/json_read.h"

static void write_time(struct buf *out, const char *key, int64_t wall_ms)
{
    buf_json_key(out, key);
    if (wall_ms)
        buf_int(out, wall_ms);
    else
        buf_text(out, "null");
}

void channel_status_write(const struct channel_account_status *s, struct buf *out)
{
    buf_char(out, '{');
    buf_json_pair_str(out, "accountId", str_of(s->id));
    buf_json_pair_str(out, "state", str_of(s->state));
    buf_json_pair_bool(out, "running", s->running);
    buf_json_pair_bool(out, "connected", s->connected);
    write_time(out, "lastStartAt", s->started_ms);
    write_time(out, "lastStopAt", s->running ? 0 : s->stopped_ms);
    buf_json_key(out, "lastError");
    if (s->error && s->error[0])
        buf_json_str(out, str_of(s->error));
    else
        buf_text(out, "null");
    write_time(out, "lastInboundAt", s->inbound_ms);
    write_time(out, "lastOutboundAt", s->outbound_ms);
    write_time(out, "lastEventAt", s->event_ms);
    if (!s->bot_name || !s->bot_name[0]) return;
    buf_json_key(out, "bot");
    buf_char(out, '{');
    buf_json_pair_str(out, "id", str_of(s->bot_id));
    buf_json_pair_str(out, "username", str_of(s->bot_name));
    buf_char(out, '}');
}

void channel_block_write(struct buf *out, const char *heading, json_t *value)
{
    char *text = value ? json_dumps(value, JSON_INDENT(2)) : NULL;
    if (text) buf_printf(out, "%s\n```json\n%s\n```\n\n", heading, text);
    free(text);
    json_decref(value);
}

void channel_member_set(json_t *object, const char *name, struct str value)
{
    if (value.n) json_object_set_new(object, name, json_stringn(value.p, value.n));
}

void channel_skills_write(const struct json5_node *skills, struct buf *out)
{
    for (const struct json5_node *s = skills ? skills->first : NULL; s; s = s->next)
        if (s->kind == JSON5_STRING) buf_printf(out, out->n ? "\n%.*s" : "%.*s", STR_ARG(s->string));
    if (skills && out->n == 0) buf_char(out, '-');
}

static void write_named(struct str channel, struct str account, struct str to, struct buf *out)
{
    buf_char(out, '{');
    buf_json_pair_str(out, "channel", channel);
    buf_json_pair_str(out, "account", account);
    buf_json_pair_str(out, "to", to);
    buf_char(out, '}');
}

static void write_last(json_t *last, struct str to, struct buf *out)
{
    json_object_del(last, "replyTo"); /* it answers no message */
    json_object_del(last, "sender");
    json_object_del(last, "interaction");
    channel_member_set(last, "to", to);
    char *text = json_dumps(last, JSON_COMPACT);
    if (text) buf_text(out, text);
    free(text);
}

bool channel_route_find(struct str channel, struct str account, struct str to, struct str last, struct buf *out)
{
    size_t before = out->n;
    if (channel.n && to.n) {
        write_named(channel, account, to, out);
    } else {
        json_t *known = last.n ? json_loadb(last.p, last.n, 0, NULL) : NULL;
        if (known && (!channel.n || str_eq(channel, json_str(known, "channel")))) write_last(known, to, out);
        json_decref(known);
    }
    return out->n > before;
}
