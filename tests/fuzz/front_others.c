/* tests/fuzz/front_others.c -- what stands in for router, query actor and store.
 *
 * A turn goes as its text says: "mute" nothing is answered, "refuse REASON", "hold" it is accepted and goes on until it is
 * aborted, "say TEXT" a delta and the end, "parts N", "big N", "gap", "fail CLASS", "stop LENGTH", "repeat STATE"; anything
 * else is answered with itself. A method whose params hold "!mute" is not answered, with "!refuse" it is refused. */
#include <stdlib.h>

#include "base/failure.h"
#include "msgs/chat_pack.h"
#include "tests/fuzz/front.h"

enum { HELD_MAX = 16, PARTS_MAX = 64, BIG_MAX = 64 * 1024 /* bytes: more than the sockets hold */ };

struct held {
    uint64_t corr;
    int64_t turn;
    char run_id[129];
};

static struct {
    struct held list[HELD_MAX];
    size_t count;
    int64_t turns;
} turns;

struct script {
    hub_t *hub;
    const struct msg *in;
    int64_t offset;
};

void front_forget_turns(void)
{
    turns.count = 0;
    turns.turns = 0;
}

/* --- the router ----------------------------------------------------------------------------------------------------- */

static void answer(struct script *s, struct msg m)
{
    m.corr = s->in->corr;
    hub_send(s->hub, s->in->from, &m, NULL);
}

static void accept_turn(struct script *s, int64_t state)
{
    struct msg m = { .kind = MSG_turn_accepted }, started = { .kind = MSG_turn_started };
    m.turn_accepted.turn = started.turn_started.turn = turns.turns;
    m.turn_accepted.state = state;
    answer(s, m);
    if (s->in->turn_submit.ack && state == 0) answer(s, started);
}

static void delta(struct script *s, struct str text)
{
    struct msg m = { .kind = MSG_turn_delta };
    m.turn_delta.offset = s->offset;
    m.turn_delta.text = text;
    s->offset += (int64_t)text.n;
    answer(s, m);
}

static void done(struct script *s, struct str text, int64_t outcome, struct str rest)
{
    struct msg m = { .kind = MSG_turn_done };
    m.turn_done.turn = turns.turns;
    m.turn_done.model = STR("script/model");
    m.turn_done.outcome = outcome;
    m.turn_done.stop = str_is(rest, "LENGTH") ? CHAT_STOP_LENGTH : CHAT_STOP_END;
    m.turn_done.text = text;
    if (outcome == OUTCOME_FAILED) m.turn_done.failure = failure_of_name(rest);
    if (outcome == OUTCOME_FAILED) m.turn_done.error = STR("as the script says");
    answer(s, m);
}

static void refuse(struct script *s, struct str reason)
{
    struct msg m = { .kind = MSG_turn_refused };
    m.turn_refused.reason = reason.n && reason.n <= 64 ? reason : STR("queue_full");
    m.turn_refused.text = STR("refused by the script");
    m.turn_refused.retry_after_ms = 2500;
    answer(s, m);
}

static void hold(const struct msg *in)
{
    struct held *h = &turns.list[turns.count % HELD_MAX];
    turns.count++;
    *h = (struct held){ .corr = in->corr, .turn = turns.turns };
    str_copy(h->run_id, sizeof h->run_id, in->turn_submit.run_id);
}

static void say_long(struct script *s, int64_t n, bool parts)
{
    struct buf all = { .max = BIG_MAX };
    if (!parts) {
        char *into = n > 0 && n <= BIG_MAX ? buf_reserve(&all, (size_t)n) : NULL;
        if (into) memset(into, 'b', (size_t)n);
        if (into) all.n = (size_t)n;
    }
    for (int64_t i = 0; parts && i < n && i < PARTS_MAX; i++) {
        delta(s, STR("0123456789"));
        buf_text(&all, "0123456789");
    }
    done(s, buf_str(&all), OUTCOME_DONE, (struct str){ 0 });
    buf_free(&all);
}

static void play(struct script *s, struct str text)
{
    int64_t n = 0;
    struct str rest = text, word = str_split(&rest, ' ');
    str_to_int(rest, &n);
    if (str_is(word, "mute")) return;
    if (str_is(word, "refuse")) {
        refuse(s, rest);
        return;
    }
    bool repeat = str_is(word, "repeat");
    if (s->in->turn_submit.ack || repeat) accept_turn(s, repeat ? n & 1 : 0);
    if (str_is(word, "say"))
        delta(s, rest), done(s, rest, OUTCOME_DONE, rest);
    else if (str_is(word, "parts") || str_is(word, "big"))
        say_long(s, n, str_is(word, "parts"));
    else if (str_is(word, "gap"))
        delta(s, STR("one ")), s->offset += 4, delta(s, STR("three")), done(s, STR("one two three"), OUTCOME_DONE, rest);
    else if (str_is(word, "fail"))
        delta(s, STR("begun")), done(s, (struct str){ 0 }, OUTCOME_FAILED, rest);
    else if (str_is(word, "drop"))
        done(s, (struct str){ 0 }, OUTCOME_DROPPED, rest);
    else if (str_is(word, "hold"))
        hold(s->in);
    else
        done(s, text, OUTCOME_DONE, rest);
}

static void on_submit(hub_t *hub, const struct msg *in)
{
    struct script s = { hub, in, 0 };
    struct arena arena = { 0 };
    struct chat_message message;
    if (chat_unpack_message(in->turn_submit.message, &arena, &message) != 0) abort();
    turns.turns++;
    play(&s, message.part_count && message.parts[0].kind == CHAT_TEXT ? message.parts[0].text : STR(""));
    arena_free(&arena);
}

/* Turns that are held end. */
static void on_abort(hub_t *hub, const struct msg *in)
{
    struct msg m = { .kind = MSG_turn_done };
    size_t kept = turns.count < HELD_MAX ? turns.count : HELD_MAX;
    for (size_t i = 0; i < kept; i++) {
        struct held *h = &turns.list[i];
        if (!h->corr || (in->turn_abort.run_id.n && !str_is(in->turn_abort.run_id, h->run_id))) continue;
        m.corr = h->corr;
        m.turn_done.turn = h->turn;
        m.turn_done.outcome = OUTCOME_ABORTED;
        m.turn_done.text = STR("partly");
        hub_send(hub, in->from, &m, NULL);
        h->corr = 0;
    }
}

static void route(hub_t *hub, const struct msg *in)
{
    struct script s = { hub, in, 0 };
    struct msg pong = { .kind = MSG_router_pong }, told = { .kind = MSG_router_told }, quiet = { .kind = MSG_session_quiet };
    pong.router_pong.json = STR("{\"ready\":true,\"reasons\":[]}");
    told.router_told.json = STR("{}");
    quiet.session_quiet.quiet = 1;
    switch (in->kind) {
    case MSG_router_ping: answer(&s, pong); break;
    case MSG_router_status: answer(&s, told); break;
    case MSG_session_quiesce: answer(&s, quiet); break;
    case MSG_turn_submit: on_submit(hub, in); break;
    case MSG_turn_abort: on_abort(hub, in); break;
    default: break;
    }
}

bool front_router(hub_t *hub)
{
    struct msg in;
    bool any = false;
    while (hub_recv(hub, 0, &in) == 0) {
        route(hub, &in);
        msg_clear(&in);
        any = true;
    }
    return any;
}

/* --- query actor and store -------------------------------------------------------------------------------------------- */

static void on_call(mailbox_t *mb, const struct msg *in)
{
    struct msg m = { .kind = MSG_rpc_result, .corr = in->corr };
    struct str params = in->rpc_call.params;
    if (str_find(params, STR("!mute")) >= 0) return;
    if (str_find(params, STR("!refuse")) >= 0) {
        m.rpc_result.code = STR("INVALID_REQUEST");
        m.rpc_result.text = STR("refused by the script");
    } else {
        m.rpc_result.payload = STR("{\"ok\":true,\"messageId\":\"m1\",\"message\":{\"role\":\"assistant\"}}");
    }
    mailbox_send(mb, in->from, &m);
}

static void serve_one(mailbox_t *mb, const struct msg *in)
{
    struct msg saved = { .kind = MSG_device_saved, .corr = in->corr }, loaded = { .kind = MSG_device_loaded, .corr = in->corr };
    struct msg pong = { .kind = MSG_store_pong, .corr = in->corr };
    switch (in->kind) {
    case MSG_rpc_call: on_call(mb, in); break;
    case MSG_store_ping: mailbox_send(mb, in->from, &pong); break;
    case MSG_device_load: mailbox_send(mb, in->from, &loaded); break;
    case MSG_device_save: mailbox_send(mb, in->from, &saved); break;
    default: break;
    }
}

bool front_actor(mailbox_t *mb)
{
    struct msg in;
    bool any = false;
    while (mailbox_recv(mb, 0, &in) == 0) {
        serve_one(mb, &in);
        msg_clear(&in);
        any = true;
    }
    return any;
}
