/* actors/turn_compact.c -- when a prompt did not fit: summarise the older messages with the same model, keep the recent ones. */
#include "actors/history.h"
#include "actors/turn_internal.h"
#include "base/log.h"
#include "msgs/chat_pack.h"

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

static int summarise(struct turn *t, const struct history *h, size_t split, struct buf *summary)
{
    struct buf system = { 0 }, user = { 0 };
    struct msg reply = { 0 };
    int rc = history_compaction_prompt(h->messages, split, STR(""), (size_t)turn_window(t) * 2, &system, &user);
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

/* The prompt did not fit: replace the older messages by a summary, on record, and go on with the rest. */
int turn_compact(struct turn *t)
{
    struct session *s = t->s;
    struct arena arena = { 0 };
    struct history history;
    struct buf summary = { .max = 1024 * 1024 }, before = { 0 };
    struct msg q = { .kind = MSG_store_compact }, answer = { 0 };
    buf_add(&before, buf_str(&t->error)); /* shown when nothing can be compacted */
    int rc = history_repair(s->messages, s->count, &arena, &history);
    size_t split = rc ? 0 : history_compaction_split(history.messages, history.count, HISTORY_KEEP_TOKENS);
    if (rc == 0 && split == 0) rc = GW_ELIMIT;
    if (rc == 0) rc = summarise(t, &history, split, &summary);
    if (rc == 0) {
        q.store_compact.session_key = str_of(s->key);
        q.store_compact.turn = t->run->turn;
        q.store_compact.keep = (int64_t)stored_kept(s, &history, split);
        q.store_compact.summary = buf_str(&summary);
        rc = turn_ask_store(t, &q, &answer);
        msg_clear(&answer);
    }
    arena_free(&arena);
    buf_free(&summary);
    log_event(LOG_INFO, "session_compacted", LOG_T("session", s->key), LOG_I("code", rc), LOG_I("kept", q.store_compact.keep));
    if (rc && rc != GW_EABORTED) {
        buf_clear(&t->error);
        buf_add(&t->error, buf_str(&before));
        t->failure = FAILURE_context_overflow;
    }
    buf_free(&before);
    if (rc) return rc;
    t->compactions++;
    s->loaded = false;
    return turn_begin(t); /* repeats nothing: it loads what is kept */
}
