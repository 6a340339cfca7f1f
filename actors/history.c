#include "actors/history.h"

#include <assert.h>
#include <stdio.h>

#include "actors/heartbeat.h"
#include "base/err.h"

enum { NONE = -1 };

/* A tool call of the input, and the result that was found for it. */
struct call {
    size_t message; /* index of the assistant message that holds it */
    struct str id;
    const struct chat_message *result; /* NULL: none came */
};

/* Ids seen so far; open addressing, never more than half full. */
struct slot {
    struct str id;
    ptrdiff_t call; /* first call with this id in the latest message that has it; NONE: id is taken, nothing more */
    bool used;
};

struct table {
    struct slot *slots;
    size_t mask;
};

struct repair {
    struct arena *arena;
    struct call *calls; /* in order of the conversation */
    size_t call_count;
    struct table ids;   /* of calls in the input */
    struct table taken; /* of calls in the output */
    uint64_t renamed;
    struct history out;
};

static int table_create(struct arena *arena, size_t entries, struct table *out)
{
    size_t size = 16;
    while (size < 2 * entries) size *= 2;
    out->slots = arena_alloc(arena, size, sizeof *out->slots);
    out->mask = size - 1;
    return out->slots ? 0 : arena->err;
}

/* The slot of an id, or the free one where it belongs. */
static struct slot *table_find(const struct table *t, struct str id)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (size_t i = 0; i < id.n; i++) hash = (hash ^ (unsigned char)id.p[i]) * 1099511628211u;
    size_t at = (size_t)(hash ^ hash >> 32) & t->mask;
    while (t->slots[at].used && !str_eq(t->slots[at].id, id)) at = (at + 1) & t->mask;
    return &t->slots[at];
}

/* Something that a provider takes: an empty text is refused by some, a call without a name by all. */
static bool part_counts(const struct chat_part *p)
{
    if (p->kind == CHAT_TOOL_CALL) return p->name.n > 0;
    return p->text.n > 0 || (p->kind != CHAT_IMAGE && p->signature.n > 0);
}

static bool is_call(const struct chat_part *p)
{
    return p->kind == CHAT_TOOL_CALL && part_counts(p);
}

static void note_call(struct repair *r, size_t message, const struct chat_part *part)
{
    struct slot *slot = table_find(&r->ids, part->id);
    bool same_message = slot->used && r->calls[slot->call].message == message;
    if (!same_message) *slot = (struct slot){ part->id, (ptrdiff_t)r->call_count, true };
    r->calls[r->call_count++] = (struct call){ message, part->id, NULL };
}

/* Give a result to the first call with its id, in the latest message that has one, that has none yet. A second result
 * for a call, or one without a call, finds no taker and is dropped with that. */
static void note_result(struct repair *r, const struct chat_message *result)
{
    const struct slot *slot = table_find(&r->ids, result->tool_call_id);
    if (!slot->used) return;
    size_t message = r->calls[slot->call].message;
    for (size_t i = (size_t)slot->call; i < r->call_count && r->calls[i].message == message; i++) {
        if (r->calls[i].result || !str_eq(r->calls[i].id, result->tool_call_id)) continue;
        r->calls[i].result = result;
        return;
    }
}

/* An id that no call of the output has: the given one when it is free, else one of ours. */
static struct str unique_id(struct repair *r, struct str id)
{
    char text[40];
    struct slot *slot = table_find(&r->taken, id);
    bool free_id = id.n > 0 && !slot->used;
    while (!free_id) {
        int n = snprintf(text, sizeof text, "call_renamed_%llu", (unsigned long long)++r->renamed);
        struct str renamed = { text, (size_t)n };
        slot = table_find(&r->taken, renamed);
        if (slot->used || table_find(&r->ids, renamed)->used) continue;
        id = arena_str(r->arena, renamed);
        free_id = true;
    }
    *slot = (struct slot){ id, NONE, true };
    return id;
}

static int interrupted(struct repair *r, struct chat_message *out)
{
    struct chat_part *part = arena_alloc(r->arena, 1, sizeof *part);
    if (!part) return r->arena->err;
    *part = (struct chat_part){ .kind = CHAT_TEXT, .text = STR(HISTORY_INTERRUPTED) };
    *out = (struct chat_message){ .role = CHAT_TOOL_RESULT, .parts = part, .part_count = 1, .is_error = true };
    return 0;
}

/* The results of one assistant message, in the order of its calls. `call` is its first. */
static int emit_results(struct repair *r, const struct chat_message *assistant, const struct call *call)
{
    for (size_t i = 0; i < assistant->part_count; i++) {
        const struct chat_part *part = &assistant->parts[i];
        if (part->kind != CHAT_TOOL_CALL) continue;
        struct chat_message *out = &r->out.messages[r->out.count++];
        int rc = 0;
        if (call->result)
            *out = *call->result;
        else
            rc = interrupted(r, out);
        if (rc != 0) return rc;
        out->tool_call_id = part->id;
        if (out->tool_name.n == 0) out->tool_name = part->name;
        call++;
    }
    return 0;
}

/* Copy a message without the parts that do not count, its calls under unique ids. @return false when nothing is left */
static bool emit(struct repair *r, const struct chat_message *m)
{
    size_t kept = 0, calls = 0, thoughts = 0;
    struct chat_message *out = &r->out.messages[r->out.count];
    for (size_t i = 0; i < m->part_count; i++) {
        kept += part_counts(&m->parts[i]);
        calls += is_call(&m->parts[i]);
        thoughts += m->parts[i].kind == CHAT_THINKING && part_counts(&m->parts[i]);
    }
    if (kept == thoughts) return false;
    *out = *m;
    r->out.count++;
    if (kept == m->part_count && calls == 0) return true; /* as it is: parts stay borrowed */
    out->parts = arena_alloc(r->arena, kept, sizeof *out->parts);
    out->part_count = 0;
    for (size_t i = 0; out->parts && i < m->part_count; i++) {
        if (!part_counts(&m->parts[i])) continue;
        struct chat_part *part = &out->parts[out->part_count++];
        *part = m->parts[i];
        if (part->kind == CHAT_TOOL_CALL) part->id = unique_id(r, part->id);
    }
    return true;
}

static int prepare(struct repair *r, const struct chat_message *messages, size_t count)
{
    size_t calls = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; messages[i].role == CHAT_ASSISTANT && k < messages[i].part_count; k++) calls += is_call(&messages[i].parts[k]);
    r->calls = arena_alloc(r->arena, calls, sizeof *r->calls);
    r->out.messages = arena_alloc(r->arena, count + calls, sizeof *r->out.messages);
    if (!r->calls || !r->out.messages) return r->arena->err;
    int rc = table_create(r->arena, calls, &r->ids);
    return rc != 0 ? rc : table_create(r->arena, calls, &r->taken);
}

static void match(struct repair *r, const struct chat_message *messages, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct chat_message *m = &messages[i];
        if (m->role == CHAT_TOOL_RESULT) note_result(r, m);
        for (size_t k = 0; m->role == CHAT_ASSISTANT && k < m->part_count; k++)
            if (is_call(&m->parts[k])) note_call(r, i, &m->parts[k]);
    }
}

/* The only text of a message; empty when it has something else. */
static struct str only_text(const struct chat_message *m)
{
    return m->part_count == 1 && m->parts[0].kind == CHAT_TEXT ? m->parts[0].text : STR("");
}

/* A heartbeat without a finding: 48 of them a day are nothing to read again. */
static bool is_idle_beat(const struct chat_message *messages, size_t count, size_t i)
{
    struct str rest;
    if (i + 1 >= count || messages[i].role != CHAT_USER || messages[i + 1].role != CHAT_ASSISTANT) return false;
    if (heartbeat_read_answer(only_text(&messages[i + 1]), 0, &rest) != HEARTBEAT_OK_TOKEN) return false; /* first: questions may be long */
    return str_find(only_text(&messages[i]), STR("Current time: ")) >= 0;
}

int history_repair(const struct chat_message *messages, size_t count, struct arena *arena, struct history *out)
{
    struct repair r = { .arena = arena };
    size_t next = 0; /* first call not yet passed */
    *out = (struct history){ 0 };
    int rc = prepare(&r, messages, count);
    if (rc != 0) return rc;
    assert(r.ids.slots && r.taken.slots);
    match(&r, messages, count);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        if (is_idle_beat(messages, count, i)) {
            i++;
            continue;
        }
        if (messages[i].role == CHAT_TOOL_RESULT || !emit(&r, &messages[i])) continue;
        if (messages[i].role != CHAT_ASSISTANT) continue;
        rc = arena->err ? arena->err : emit_results(&r, &r.out.messages[r.out.count - 1], r.calls + next);
        while (next < r.call_count && r.calls[next].message == i) next++;
    }
    if (rc == 0) rc = arena->err;
    if (rc == 0) *out = r.out;
    return rc;
}
