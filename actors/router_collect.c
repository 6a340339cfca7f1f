/* actors/router_collect.c -- messages that waited in a session and are answered together (messages.queue.mode collect). */
#include <stdlib.h>
#include <utlist.h>

#include "actors/router_internal.h"
#include "base/chat.h"
#include "msgs/chat_pack.h"

enum { DROPPED_BYTES = 140 /* shown of a message that made room */, DROPPED_LINES_BYTES = 6000 };

/* What `table` of the configuration has for a channel; NULL: nothing. */
static const struct json5_node *of_channel(const struct router *r, const char *table, struct str channel)
{
    struct buf path = { 0 };
    if (!channel.n) return NULL;
    buf_text(&path, table);
    buf_text(&path, "[\"");
    buf_add(&path, channel);
    buf_text(&path, "\"]");
    const struct json5_node *own = config_get(r->config, buf_str(&path));
    buf_free(&path);
    return own;
}

/* The mode for a channel: its own, else the general one. */
static struct str mode_of(const struct router *r, struct str channel)
{
    const struct json5_node *own = of_channel(r, "messages.queue.byChannel", channel);
    return own && own->string.n ? own->string : config_str(r->config, "messages.queue.mode");
}

static int64_t pause_of(const struct router *r, struct str channel)
{
    int64_t ms;
    const struct json5_node *own = of_channel(r, "messages.queue.debounceMsByChannel", channel);
    return own && json5_to_int(own, &ms) ? ms : config_int(r->config, "messages.queue.debounceMs");
}

static uint64_t add_hash(uint64_t h, struct str s)
{
    for (size_t i = 0; i < s.n; i++) h = (h ^ (unsigned char)s.p[i]) * 1099511628211u; /* FNV-1a, 64 bits */
    return (h ^ 0xffu) * 1099511628211u;                                               /* no byte of UTF-8: "a","b" is not "ab","" */
}

uint64_t router_collect_class(const struct said *s)
{
    if (!s->bounded || s->compact) return 0;
    uint64_t h = add_hash(1469598103934665603u, s->channel);
    h = add_hash(h, s->model);
    h = add_hash(h, s->thinking);
    h = add_hash(h, s->system);
    return h ? h : 1;
}

void router_queue_as(const struct router *r, const struct said *s, struct str own, struct policy_event *stored)
{
    struct str mode = own.n ? own : mode_of(r, s->channel);
    if (!s->bounded) return;
    stored->steer = str_starts(mode, STR("steer")) || str_is(mode, "queue");
    stored->interrupts = str_is(mode, "interrupt");
    stored->alone = str_is(mode, "followup");
    if (!stored->interrupts) stored->pause_ms = pause_of(r, s->channel);
}

void router_collect(struct router *r, struct turn_entry *e, int64_t into)
{
    struct turn_entry *lead = router_turn(r, into);
    if (lead) LL_APPEND2(lead->collected, e, next_collected);
}

static void add_line(struct buf *lines, const struct turn_entry *e)
{
    if (lines->n) buf_char(lines, '\n');
    buf_printf(lines, "%lld %zu", (long long)e->turn, payload_bytes(e->message).n);
}

payload_t *router_collect_message(const struct turn_entry *lead, bool with_lead, struct buf *lines)
{
    const struct turn_entry *e;
    struct buf all = { .max = 2 * POLICY_COLLECT_BYTES_MAX };
    size_t n = 0;
    if (with_lead) {
        add_line(lines, lead);
        buf_add(&all, payload_bytes(lead->message));
    }
    LL_FOREACH2(lead->collected, e, next_collected)
    {
        add_line(lines, e);
        buf_add(&all, payload_bytes(e->message));
    }
    char *bytes = buf_take(&all, &n);
    payload_t *payload = bytes ? payload_take(bytes, n) : NULL;
    buf_free(&all);
    if (!payload || lines->err) abort(); /* out of memory: what was accepted is in the store */
    return payload;
}

/* --- those that made room ------------------------------------------------------------------------------------------ */

/* How a message begins, in one line. */
static void add_beginning(const struct turn_entry *e, struct buf *out)
{
    struct arena arena = { 0 };
    struct chat_message m;
    if (chat_unpack_message(payload_bytes(e->message), &arena, &m) == 0 && m.part_count && m.parts[0].kind == CHAT_TEXT) {
        struct str text = str_trim(m.parts[0].text), shown = str_utf8_prefix(text, DROPPED_BYTES);
        buf_text(out, "- ");
        for (size_t i = 0; i < shown.n; i++) buf_char(out, (unsigned char)shown.p[i] < ' ' ? ' ' : shown.p[i]);
        buf_text(out, shown.n < text.n ? "…\n" : "\n");
    }
    arena_free(&arena);
}

void router_pass_dropped(struct router *r, struct turn_entry *e, int64_t by)
{
    struct turn_entry *heir = router_turn(r, by);
    if (!heir || !str_is(config_str(r->config, "messages.queue.drop"), "summarize")) return;
    add_beginning(e, &e->dropped_lines);
    heir->dropped_count += e->dropped_count + 1;
    if (heir->dropped_lines.n + e->dropped_lines.n <= DROPPED_LINES_BYTES) buf_add(&heir->dropped_lines, buf_str(&e->dropped_lines));
}

void router_write_overflow(const struct turn_entry *lead, bool with_lead, struct buf *out)
{
    const struct turn_entry *e;
    struct buf lines = { .max = DROPPED_LINES_BYTES };
    int count = with_lead ? lead->dropped_count : 0;
    if (with_lead) buf_add(&lines, buf_str(&lead->dropped_lines));
    LL_FOREACH2(lead->collected, e, next_collected)
    {
        count += e->dropped_count;
        buf_add(&lines, buf_str(&e->dropped_lines)); /* what is too much is left out */
    }
    if (count) buf_printf(out, "[Queue overflow] Dropped %d message%s due to cap.", count, count == 1 ? "" : "s");
    if (count && lines.n) buf_printf(out, "\nSummary:\n%.*s", STR_ARG(str_trim(buf_str(&lines))));
    buf_free(&lines);
}

void router_collect_end(struct router *r, struct turn_entry *e, const struct policy_action *a)
{
    struct msg_turn_done *d = &e->done.turn_done;
    const struct turn_entry *lead = router_turn(r, a->of_turn);
    d->collected_into = a->of_turn;
    if (a->outcome == POLICY_OK) {
        d->failure = FAILURE_none;
        d->stop = CHAT_STOP_END;
        d->error = STR("");
    }
    if (!lead || lead->done.kind == MSG_none) return;
    d->failure = lead->done.turn_done.failure;
    d->error = lead->done.turn_done.error; /* borrowed: the one it is part of ends next */
    d->model = lead->done.turn_done.model;
}
