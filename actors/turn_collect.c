/* actors/turn_collect.c -- the user's message of a turn: one, or several that waited and are answered together; and those that come while
 * it runs and join it. */
#include "actors/policy.h"
#include "actors/prompt.h"
#include "actors/turn_internal.h"
#include "base/clock.h"
#include "msgs/chat_pack.h"

#define COLLECTED_TITLE "[Queued messages while agent was busy]" /* agent-runtime 7 */

/* People's texts carry the time they were said at; what comes over the OpenAI API is sent as it is (agent-runtime 2). */
static void add_text(const struct turn *t, struct str text, const timezone_t *zone, int64_t said_ms, struct buf *out)
{
    struct buf asked = { 0 };
    if (str_is(t->run->channel, "http") || t->run->route.n)
        buf_add(out, text);
    else
        prompt_user_text(turn_skill_command(t->s, text, &asked) ? buf_str(&asked) : text, zone, said_ms, out);
    buf_free(&asked);
}

/* One message: its first text is stamped, the rest stays. */
static int read_one(struct turn *t, struct str bytes, struct str overflow, const timezone_t *zone, struct arena *arena, struct buf *text,
                    struct chat_message *out)
{
    int rc = chat_unpack_message(bytes, arena, out);
    if (rc) return rc;
    if (out->timestamp_ms == 0) out->timestamp_ms = clock_wall_ms();
    if (overflow.n) buf_printf(text, "%.*s\n\n", STR_ARG(overflow));
    if (out->part_count == 0 || out->parts[0].kind != CHAT_TEXT) return 0;
    add_text(t, out->parts[0].text, zone, out->timestamp_ms, text);
    out->parts[0].text = buf_str(text);
    return text->err;
}

/* The next of them off `lines` ("turn bytes") and `bytes`. @return 0, GW_EBADMSG when the two do not fit together, or as unpacking */
static int next_message(struct str *lines, struct str *bytes, struct arena *arena, struct chat_message *out)
{
    struct str line = str_split(lines, '\n');
    int64_t turn, n;
    int rc = str_to_int(str_split(&line, ' '), &turn);
    if (rc == 0) rc = str_to_int(line, &n);
    if (rc || n <= 0 || (uint64_t)n > bytes->n) return GW_EBADMSG;
    rc = chat_unpack_message((struct str){ bytes->p, (size_t)n }, arena, out);
    *bytes = (struct str){ bytes->p + n, bytes->n - (size_t)n };
    return rc;
}

/* Its block of the text; what is no text (images) is put behind. */
static int join(struct turn *t, const timezone_t *zone, const struct chat_message *m, int number, struct buf *text, struct chat_part *parts,
                size_t *count)
{
    struct buf own = { 0 };
    int64_t said_ms = m->timestamp_ms ? m->timestamp_ms : clock_wall_ms();
    for (size_t i = 0; i < m->part_count; i++) {
        if (m->parts[i].kind != CHAT_TEXT) {
            parts[(*count)++] = m->parts[i];
            continue;
        }
        if (own.n) buf_char(&own, '\n');
        buf_add(&own, m->parts[i].text);
    }
    buf_printf(text, "\n\n---\nQueued #%d\n", number);
    add_text(t, buf_str(&own), zone, said_ms, text);
    int rc = own.err ? own.err : text->err;
    buf_free(&own);
    return rc;
}

static int read_all(struct turn *t, struct str lines, struct str bytes, struct str overflow, const timezone_t *zone, struct arena *arena,
                    struct buf *text, struct chat_message *out)
{
    struct chat_message messages[POLICY_COLLECT_MAX];
    size_t n = 0, parts = 1, count = 1;
    int rc = 0;
    for (; rc == 0 && lines.n && n < POLICY_COLLECT_MAX; n++) {
        rc = next_message(&lines, &bytes, arena, &messages[n]);
        parts += rc ? 0 : messages[n].part_count;
    }
    if (rc) return rc;
    if (lines.n || bytes.n) return GW_EBADMSG;
    *out = (struct chat_message){ .role = CHAT_USER, .parts = arena_alloc(arena, parts, sizeof *out->parts) };
    if (!out->parts) return GW_ENOMEM;
    buf_text(text, COLLECTED_TITLE);
    if (overflow.n) buf_printf(text, "\n\n%.*s", STR_ARG(overflow));
    for (size_t i = 0; i < n && rc == 0; i++) rc = join(t, zone, &messages[i], (int)i + 1, text, out->parts, &count);
    out->parts[0] = (struct chat_part){ .kind = CHAT_TEXT, .text = buf_str(text) };
    out->part_count = count;
    out->timestamp_ms = clock_wall_ms();
    return rc;
}

static int read_message(struct turn *t, struct str lines, struct str bytes, struct str overflow, struct arena *arena, struct buf *text,
                        struct chat_message *out)
{
    timezone_t *zone = NULL;
    if (!str_is(t->run->channel, "http")) timezone_load(NULL, t->s->agent->time_zone, &zone);
    bool several = memchr(lines.p ? lines.p : "", '\n', lines.n) != NULL;
    int rc = several ? read_all(t, lines, bytes, overflow, zone, arena, text, out) : read_one(t, bytes, overflow, zone, arena, text, out);
    timezone_destroy(&zone);
    return rc;
}

int turn_user_message(struct turn *t, struct arena *arena, struct buf *text, struct chat_message *out)
{
    return read_message(t, t->run->collected, t->run->message, t->run->overflow, arena, text, out);
}

static void list(struct str lines, struct buf *out)
{
    while (lines.n) {
        struct str line = str_split(&lines, '\n');
        if (out->n) buf_char(out, '\n');
        buf_add(out, str_split(&line, ' '));
    }
}

void turn_list_collected(const struct turn *t, struct buf *out)
{
    struct str lines = t->run->collected;
    str_split(&lines, '\n'); /* the turn itself */
    list(lines, out);
}

/* --- while it runs ------------------------------------------------------------------------------------------------ */

int turn_take_steering(struct turn *t, struct msg *in)
{
    struct msg q = { .kind = MSG_turn_take };
    q.turn_take.turn = t->run->turn;
    t->steered = false;
    return turn_ask(t, "router", &q, -1, in);
}

int turn_append_steering(struct turn *t, const struct msg_turn_taken *taken)
{
    struct arena arena = { 0 };
    struct buf text = { 0 }, turns = { 0 };
    struct chat_message m;
    int rc = read_message(t, taken->collected, taken->message, taken->overflow, &arena, &text, &m);
    list(taken->collected, &turns);
    if (rc == 0) rc = turns.err ? turns.err : turn_append(t, &m, buf_str(&turns));
    buf_free(&turns);
    buf_free(&text);
    arena_free(&arena);
    return rc;
}
