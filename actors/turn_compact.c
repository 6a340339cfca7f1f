/* actors/turn_compact.c -- when a prompt did not fit, or somebody wants it: summarise the older messages with the same model, keep the
 * recent ones. */
#include "actors/history.h"
#include "actors/turn_internal.h"
#include "base/clock.h"
#include "base/log.h"
#include "channels/chat_commands.h"
#include "msgs/chat_json.h"
#include "msgs/chat_pack.h"

#define COMMAND STR("/compact")

/* Repair copies messages but borrows their strings: that is how one is found again. */
static bool is_source_of(const struct chat_message *stored, const struct chat_message *repaired)
{
    if (stored->role != repaired->role || repaired->part_count == 0) return false;
    for (size_t i = 0; i < stored->part_count; i++)
        if (stored->parts[i].text.p && stored->parts[i].text.p == repaired->parts[0].text.p) return true;
    return false;
}

/* How many of the newest stored messages the repaired history keeps from `split` on. */
static size_t stored_kept(const struct session *s, const struct history *h, size_t split)
{
    if (split >= h->count) return 0;
    for (size_t i = s->count; i > 0; i--)
        if (is_source_of(&s->messages[i - 1], &h->messages[split])) return s->count - (i - 1);
    return 0;
}

static void add_text(struct str packed, struct buf *out)
{
    struct arena arena = { 0 };
    struct chat_message message;
    if (chat_unpack_message(packed, &arena, &message) == 0)
        for (size_t i = 0; i < message.part_count; i++)
            if (message.parts[i].kind == CHAT_TEXT) buf_add(out, message.parts[i].text);
    arena_free(&arena);
}

static int summarise(struct turn *t, const struct history *h, size_t split, struct str focus, struct buf *summary)
{
    struct buf system = { 0 }, user = { 0 };
    struct msg reply = { 0 };
    int rc = history_compaction_prompt(h->messages, split, focus, (size_t)turn_window(t) * 2, &system, &user);
    struct chat_part part = { .kind = CHAT_TEXT, .text = buf_str(&user) };
    struct chat_message message = { .role = CHAT_USER, .parts = &part, .part_count = 1 };
    struct chat_request request = { .system = buf_str(&system), .messages = &message, .message_count = 1 };
    payload_t *prompt = rc ? NULL : turn_pack(&request);
    if (rc == 0 && !prompt) rc = GW_ENOMEM;
    if (rc == 0) rc = turn_ask_model(t, prompt, true, &reply);
    if (rc == 0) {
        struct buf text = { 0 };
        add_text(reply.model_reply.message, &text);
        if (text.n == 0) rc = GW_EIO;
        if (rc == 0) history_compaction_text(buf_str(&text), summary);
        buf_free(&text);
        msg_clear(&reply);
    }
    payload_free(&prompt);
    buf_free(&system);
    buf_free(&user);
    return rc;
}

/* What is before `split` becomes a summary, on record. The session is to be loaded anew then. */
static int replace(struct turn *t, const struct history *h, size_t split, struct str focus, size_t *summary_bytes)
{
    struct session *s = t->s;
    struct buf summary = { .max = 1024 * 1024 };
    struct msg q = { .kind = MSG_store_compact }, answer = { 0 };
    int rc = summarise(t, h, split, focus, &summary);
    if (rc == 0) {
        q.store_compact.session_key = str_of(s->key);
        q.store_compact.turn = t->run->turn;
        q.store_compact.keep = (int64_t)stored_kept(s, h, split);
        q.store_compact.summary = buf_str(&summary);
        rc = turn_ask_store(t, &q, &answer);
        msg_clear(&answer);
    }
    log_event(LOG_INFO, "session_compacted", LOG_T("session", s->key), LOG_I("code", rc), LOG_I("kept", q.store_compact.keep));
    *summary_bytes = summary.n;
    buf_free(&summary);
    if (rc) return rc;
    t->compactions++;
    s->loaded = false;
    return 0;
}

/* The prompt did not fit: replace the older messages by a summary, and go on with the rest. */
int turn_compact(struct turn *t)
{
    struct session *s = t->s;
    struct arena arena = { 0 };
    struct history history;
    struct buf before = { 0 };
    size_t bytes;
    buf_add(&before, buf_str(&t->error)); /* shown when nothing can be compacted */
    int rc = history_repair(s->messages, s->count, &arena, &history);
    size_t split = rc ? 0 : history_compaction_split(history.messages, history.count, HISTORY_KEEP_TOKENS);
    if (rc == 0 && split == 0) rc = GW_ELIMIT;
    if (rc == 0) rc = replace(t, &history, split, STR(""), &bytes);
    arena_free(&arena);
    if (rc && rc != GW_EABORTED) {
        buf_clear(&t->error);
        buf_add(&t->error, buf_str(&before));
        t->failure = FAILURE_context_overflow;
    }
    buf_free(&before);
    return rc ? rc : turn_begin(t); /* repeats nothing: it loads what is kept */
}

/* --- because somebody said so ----------------------------------------------------------------------------------------- */

/* What stands behind the command; borrows from the arena. */
static struct str focus_of(const struct turn *t, struct arena *arena)
{
    struct chat_message m;
    if (chat_unpack_message(t->run->message, arena, &m) != 0 || m.part_count == 0) return STR("");
    struct str text = str_trim(m.parts[0].text);
    if (text.n <= COMMAND.n) return STR("");
    text = str_trim((struct str){ text.p + COMMAND.n, text.n - COMMAND.n });
    return str_starts(text, STR(":")) ? str_trim((struct str){ text.p + 1, text.n - 1 }) : text;
}

static size_t bytes_of(const struct chat_message *messages, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < messages[i].part_count; k++) bytes += messages[i].parts[k].text.n;
    return bytes;
}

/* Of the last prompt and answer, as the provider told it. */
static int64_t context_of(const struct history *h)
{
    for (size_t i = h->count; i > 0; i--)
        if (h->messages[i - 1].usage.input) return h->messages[i - 1].usage.input + h->messages[i - 1].usage.output;
    return (int64_t)(bytes_of(h->messages, h->count) / BYTES_PER_TOKEN);
}

int turn_compact_on_demand(struct turn *t, struct buf *last)
{
    struct session *s = t->s;
    struct arena arena = { 0 };
    struct history h;
    size_t summary = 0;
    int rc = history_repair(s->messages, s->count, &arena, &h);
    size_t split = rc || h.count == 0 ? 0 : h.count - 1; /* the command itself stays */
    bool worth = split >= 2;
    int64_t before = rc ? 0 : context_of(&h), after = before;
    if (rc == 0 && worth) {
        after -= (int64_t)(bytes_of(h.messages, split) / BYTES_PER_TOKEN);
        rc = replace(t, &h, split, focus_of(t, &arena), &summary);
        after = (after > 0 ? after : 0) + (int64_t)(summary / BYTES_PER_TOKEN);
    }
    if (rc == 0) chat_command_compacted(worth, before, after, turn_window(t), &t->text);
    struct chat_part part = { .kind = CHAT_TEXT, .text = buf_str(&t->text) };
    const struct chat_message m = { .role = CHAT_ASSISTANT,
                                    .parts = &part,
                                    .part_count = 1,
                                    .timestamp_ms = clock_wall_ms(),
                                    .provider = STR("openclaw"),
                                    .model = STR("gateway-injected"),
                                    .stop = CHAT_STOP_END };
    t->stop = CHAT_STOP_END;
    if (rc == 0) rc = chat_json_write(last, &m);
    arena_free(&arena);
    return rc;
}
