/* actors/turn.c -- one turn, read top to bottom: take the user's message in, ask the model, run tools, ask again, end.
 * Each wait is on the mailbox, so an abort always gets through. */
#include <stdio.h>
#include <stdlib.h>

#include "actors/turn_internal.h"
#include "actors/turn_tools.h"
#include "base/clock.h"
#include "base/log.h"
#include "msgs/chat_json.h"
#include "msgs/chat_pack.h"

#define TOO_LONG "The turn took longer than its time limit (agents.defaults.timeoutSeconds)."
#define SILENT_REPLY "NO_REPLY" /* the whole reply: nothing is to be said (agent-runtime 10) */

static bool stopping(const struct turn *t)
{
    return strcmp(t->cancelled, "stopping") == 0;
}

/* Messages that are no answer: an abort of this turn counts, a stop of the thread ends the turn like a drain. */
static void note(struct turn *t, const struct msg *in)
{
    if (in->kind == MSG_turn_cancel && in->turn_cancel.turn == t->run->turn)
        str_copy(t->cancelled, sizeof t->cancelled, in->turn_cancel.reason);
    if (in->kind == MSG_actor_stop) {
        t->s->stop = true;
        str_copy(t->cancelled, sizeof t->cancelled, STR("stopping"));
    }
    if (in->kind == MSG_turn_hint && in->turn_hint.turn == t->run->turn) t->steered = true;
    if (in->kind == MSG_session_forget && str_is(in->session_forget.session_key, t->s->key)) t->s->forget = true;
}

/* Receive until the answer to `corr` comes. `firm` waits on through an abort, for what must not be left half done. */
static int await(struct turn *t, uint64_t corr, int64_t deadline_ms, bool firm, struct msg *in)
{
    for (;;) {
        int rc = mailbox_recv(t->s->mailbox, clock_left_ms(deadline_ms), in);
        if (rc == GW_EBADMSG) continue;
        if (rc) return rc;
        if (t->begin_corr && in->corr == t->begin_corr && in->kind == MSG_error) {
            turn_fail(t, FAILURE_server, "The message could not be stored; see the gateway's log.");
            rc = (int)in->error.code;
            msg_clear(in);
            return rc;
        }
        if (in->corr == corr && in->kind != MSG_turn_cancel && in->kind != MSG_actor_stop) return 0;
        note(t, in);
        msg_clear(in);
        if (t->cancelled[0] && !firm) return GW_EABORTED;
    }
}

int turn_ask_store(struct turn *t, struct msg *q, struct msg *answer)
{
    q->corr = mailbox_corr(t->s->mailbox);
    q->trace = t->trace;
    *answer = (struct msg){ 0 };
    int rc = mailbox_send(t->s->mailbox, "store", q);
    if (rc == 0) rc = await(t, q->corr, clock_mono_ms() + SESSION_STORE_MS, true, answer);
    if (rc || answer->kind != MSG_error) return rc;
    rc = (int)answer->error.code;
    buf_clear(&t->error);
    buf_printf(&t->error, "The conversation could not be stored: %.*s", STR_ARG(answer->error.text));
    msg_clear(answer);
    return rc;
}

int turn_await(struct turn *t, uint64_t corr, int timeout_ms, struct msg *in)
{
    int64_t until = timeout_ms < 0 ? -1 : clock_mono_ms() + timeout_ms;
    bool own = t->deadline_ms >= 0 && (until < 0 || t->deadline_ms < until);
    int rc = await(t, corr, own ? t->deadline_ms : until, false, in);
    if (rc == GW_ETIMEOUT && own) turn_fail(t, FAILURE_timeout, TOO_LONG);
    return rc;
}

int turn_ask(struct turn *t, const char *to, struct msg *q, int timeout_ms, struct msg *answer)
{
    q->corr = mailbox_corr(t->s->mailbox);
    q->trace = t->trace;
    *answer = (struct msg){ 0 };
    int rc = mailbox_send(t->s->mailbox, to, q);
    if (rc == 0) rc = turn_await(t, q->corr, timeout_ms, answer);
    if (rc || answer->kind != MSG_error) return rc;
    rc = (int)answer->error.code;
    msg_clear(answer);
    return rc;
}

int turn_pause(struct turn *t)
{
    struct msg m = { .kind = MSG_turn_pause, .trace = t->trace };
    m.turn_pause.turn = t->run->turn;
    return mailbox_send(t->s->mailbox, "router", &m);
}

int turn_resume(struct turn *t)
{
    struct msg m = { .kind = MSG_turn_resume }, answer;
    m.turn_resume.turn = t->run->turn;
    int rc = turn_ask(t, "router", &m, -1, &answer);
    if (rc == 0) msg_clear(&answer);
    return rc;
}

void turn_fail(struct turn *t, enum failure failure, const char *text)
{
    t->failure = failure;
    buf_clear(&t->error);
    buf_text(&t->error, text);
}

/* --- the user's message ----------------------------------------------------------------------------------------- */

static int write_user_json(struct turn *t, struct buf *json)
{
    struct arena arena = { 0 };
    struct chat_message message;
    struct buf text = { 0 };
    int rc = turn_user_message(t, &arena, &text, &message);
    if (rc == 0) rc = chat_json_write(json, &message);
    buf_free(&text);
    arena_free(&arena);
    return rc;
}

static int take_history(struct session *s, struct str lines)
{
    session_forget(s);
    while (lines.n) {
        struct str line = str_split(&lines, '\n');
        int rc = line.n ? session_add(s, line) : 0;
        if (rc == GW_EPARSE || rc == GW_ENOENT) {
            log_event(LOG_WARN, "transcript_line_skipped", LOG_T("session", s->key), LOG_T("code", err_name(rc)));
            continue;
        }
        if (rc) return rc;
    }
    s->loaded = true;
    return 0;
}

/* Nothing is to be loaded: the store's mailbox keeps the order, so there is nothing to wait for. */
static int begin_at_once(struct turn *t, struct msg *q)
{
    struct session *s = t->s;
    q->corr = t->begin_corr = mailbox_corr(s->mailbox);
    q->trace = t->trace;
    s->loaded = true;
    int rc = mailbox_send(s->mailbox, "store", q);
    return rc ? rc : session_add(s, q->store_begin.json);
}

static int begin_and_load(struct turn *t, struct msg *q)
{
    struct msg answer;
    int64_t bytes = 6 * turn_window(t);
    q->store_begin.load_bytes = bytes < SESSION_LOAD_MAX ? bytes : SESSION_LOAD_MAX;
    int rc = turn_ask_store(t, q, &answer);
    if (rc) return rc;
    rc = take_history(t->s, answer.store_begun.json);
    msg_clear(&answer);
    return rc;
}

int turn_begin(struct turn *t)
{
    struct buf json = { 0 }, collected = { 0 };
    struct msg q = { .kind = MSG_store_begin };
    int rc = write_user_json(t, &json);
    turn_list_collected(t, &collected);
    q.store_begin.collected = buf_str(&collected);
    q.store_begin.turn = t->run->turn;
    q.store_begin.session_key = str_of(t->s->key);
    q.store_begin.json = buf_str(&json);
    bool known = t->s->loaded || (t->run->created && t->compactions == 0);
    if (rc == 0) rc = known ? begin_at_once(t, &q) : begin_and_load(t, &q);
    buf_free(&json);
    buf_free(&collected);
    if (rc && t->error.n == 0) turn_fail(t, FAILURE_server, "The conversation could not be loaded.");
    return rc;
}

/* --- the model -------------------------------------------------------------------------------------------------- */

/* A reply that so far could still become the silent token is held back. White space around it does not count. */
static bool could_be_silent(struct str text)
{
    return str_starts(STR(SILENT_REPLY), str_trim(text));
}

static void send_text(struct turn *t)
{
    if (!t->run->stream || t->run->reply.n == 0 || t->sent == t->text.n || could_be_silent(buf_str(&t->text))) return;
    struct msg m = { .kind = MSG_turn_delta, .corr = t->corr, .trace = t->trace };
    char reply[MSG_NAME_MAX + 1];
    str_copy(reply, sizeof reply, t->run->reply);
    m.turn_delta.offset = (int64_t)t->sent;
    m.turn_delta.text = (struct str){ t->text.p + t->sent, t->text.n - t->sent };
    mailbox_send(t->s->mailbox, reply, &m);
    t->sent = t->text.n;
}

static void on_delta(struct turn *t, const struct msg_model_delta *delta)
{
    if (delta->kind != CHAT_TEXT || delta->text.n == 0) return;
    if (t->first_ms == 0) t->first_ms = clock_mono_ms();
    if (!t->step_has_text && t->text.n) buf_text(&t->text, "\n\n"); /* text of an earlier step */
    t->step_has_text = true;
    buf_add(&t->text, delta->text);
    send_text(t);
}

/* The next candidate begins anew. What nobody has seen of the former one's text is dropped, so that the offsets of turn.delta
 * go on from what was shown; once a part was shown there is no way back, and another model's text must not follow it. */
static int on_switched(struct turn *t, const struct msg_model_switched *switched)
{
    if (t->sent > t->step_from) {
        t->failure = (enum failure)switched->failure;
        buf_clear(&t->error);
        buf_printf(&t->error, "%.*s failed after a part of its answer was shown (%s).", STR_ARG(switched->from), failure_name(t->failure));
        return GW_EIO;
    }
    t->text.n = t->step_from;
    t->step_has_text = false;
    return 0;
}

static int on_failed(struct turn *t, const struct msg_model_failed *failed)
{
    t->failure = (enum failure)failed->failure;
    buf_clear(&t->error);
    buf_add(&t->error, failed->text);
    return GW_EIO;
}

int turn_ask_model(struct turn *t, const payload_t *prompt, bool quiet, struct msg *reply)
{
    struct msg q = { .kind = MSG_model_request, .corr = mailbox_corr(t->s->mailbox), .trace = t->trace };
    q.model_request.turn = t->run->turn;
    q.model_request.candidates = buf_str(&t->candidates);
    q.model_request.stream = t->run->stream && !quiet;
    int left = clock_left_ms(t->deadline_ms);
    q.model_request.timeout_ms = left < 0 ? 0 : left + 1;
    t->step_has_text = false;
    t->step_from = t->text.n;
    int rc = mailbox_send_payload(t->s->mailbox, "router", &q, prompt);
    while (rc == 0) {
        rc = await(t, q.corr, t->deadline_ms, false, reply);
        if (rc == GW_ETIMEOUT) turn_fail(t, FAILURE_timeout, TOO_LONG);
        if (rc) break;
        if (reply->kind == MSG_model_reply) return 0;
        if (reply->kind == MSG_model_delta && !quiet) on_delta(t, &reply->model_delta);
        if (reply->kind == MSG_model_switched && !quiet) rc = on_switched(t, &reply->model_switched);
        if (reply->kind == MSG_model_failed) rc = on_failed(t, &reply->model_failed);
        if (reply->kind == MSG_error) {
            rc = (int)reply->error.code;
            turn_fail(t, FAILURE_server, "The gateway could not pass the request on.");
        }
        msg_clear(reply);
    }
    return rc;
}

/* --- steps ------------------------------------------------------------------------------------------------------ */

int turn_append(struct turn *t, const struct chat_message *message, struct str collected)
{
    struct buf json = { 0 };
    struct msg q = { .kind = MSG_store_append }, answer;
    int rc = chat_json_write(&json, message);
    q.store_append.session_key = str_of(t->s->key);
    q.store_append.turn = t->run->turn;
    q.store_append.collected = collected;
    q.store_append.json = buf_str(&json);
    if (rc == 0) rc = turn_ask_store(t, &q, &answer);
    if (rc == 0) {
        msg_clear(&answer);
        rc = session_add(t->s, buf_str(&json));
    }
    buf_free(&json);
    return rc;
}

/* A provider that does not tell what it used is not free: budgets and the size of the context go by a guess, marked as one. */
static void estimate_usage(const struct turn *t, struct chat_message *m)
{
    size_t bytes = 0;
    if (m->usage.input || m->usage.output) return;
    for (size_t i = 0; i < m->part_count; i++) bytes += m->parts[i].text.n + m->parts[i].name.n;
    m->usage.input = (int64_t)(t->prompt_bytes / BYTES_PER_TOKEN) + 1;
    m->usage.output = (int64_t)(bytes / BYTES_PER_TOKEN) + 1;
    m->estimated = true;
}

static void count_usage(struct turn *t, const struct chat_message *m)
{
    t->usage.input += m->usage.input;
    t->usage.output += m->usage.output;
    t->usage.cache_read += m->usage.cache_read;
    t->usage.cache_write += m->usage.cache_write;
    t->context_tokens = m->usage.input + m->usage.output;
    t->stop = m->stop;
}

/* A reply without deltas (a provider that does not stream) still has its text. */
static void catch_up_text(struct turn *t, const struct chat_message *m)
{
    if (t->step_has_text) return;
    struct msg_model_delta delta = { .kind = CHAT_TEXT };
    for (size_t i = 0; i < m->part_count; i++) {
        if (m->parts[i].kind != CHAT_TEXT) continue;
        delta.text = m->parts[i].text;
        on_delta(t, &delta);
    }
}

/* The calls of a reply, one after the other. Once a message waits that is to steer the turn, the rest of them are left. */
static int run_tools(struct turn *t, const struct chat_message *m)
{
    int rc = 0;
    for (size_t i = 0; i < m->part_count && rc == 0; i++) {
        if (m->parts[i].kind != CHAT_TOOL_CALL) continue;
        if (t->cancelled[0]) return GW_EABORTED;
        rc = t->steered ? turn_skip_tool(t, &m->parts[i]) : turn_run_tool(t, &m->parts[i]);
    }
    return rc;
}

/* The reply goes on record: as the turn's last, in *last, when it calls no tool and no message waits that is to steer the turn. */
static int record_reply(struct turn *t, const struct chat_message *m, size_t calls, struct buf *last, bool *over)
{
    struct msg taken = { 0 };
    int rc = calls ? turn_append(t, m, STR("")) : 0;
    if (rc == 0 && calls) rc = run_tools(t, m);
    if (rc == 0 && t->steered) rc = turn_take_steering(t, &taken);
    bool steers = rc == 0 && taken.turn_taken.message.n > 0;
    *over = !calls && !steers;
    if (rc == 0 && *over) rc = chat_json_write(last, m);
    if (rc == 0 && steers && !calls) rc = turn_append(t, m, STR(""));
    if (rc == 0 && steers) rc = turn_append_steering(t, &taken.turn_taken);
    msg_clear(&taken);
    return rc;
}

/* Take a whole reply in. *last receives its JSON when it ends the turn; a reply with calls is recorded and its tools run. */
static int take_reply(struct turn *t, const struct msg *in, struct buf *last, bool *over)
{
    struct arena arena = { 0 };
    struct chat_message m;
    int rc = chat_unpack_message(in->model_reply.message, &arena, &m);
    if (rc == 0) {
        size_t calls = 0;
        str_copy(t->model, sizeof t->model, in->model_reply.model);
        if (m.timestamp_ms == 0) m.timestamp_ms = clock_wall_ms();
        estimate_usage(t, &m);
        count_usage(t, &m);
        catch_up_text(t, &m);
        for (size_t i = 0; i < m.part_count; i++) calls += m.parts[i].kind == CHAT_TOOL_CALL;
        rc = record_reply(t, &m, calls, last, over);
    }
    if (rc && rc != GW_EABORTED && t->error.n == 0) turn_fail(t, FAILURE_server, "The reply could not be taken in.");
    arena_free(&arena);
    return rc;
}

static int step(struct turn *t, struct buf *last, bool *over)
{
    payload_t *prompt;
    struct msg reply = { 0 };
    int rc = turn_build_prompt(t, &prompt);
    t->prompt_bytes = rc ? 0 : payload_bytes(prompt).n;
    if (rc == 0) rc = turn_ask_model(t, prompt, false, &reply);
    payload_free(&prompt);
    if (rc == GW_EIO && t->failure == FAILURE_context_overflow && t->compactions < SESSION_COMPACTIONS_MAX) return turn_compact(t);
    if (rc) return rc;
    rc = take_reply(t, &reply, last, over);
    msg_clear(&reply);
    return rc;
}

/* --- the end ---------------------------------------------------------------------------------------------------- */

/* What the user may have read: nothing when the whole is the silent token, or was cut off while it could still become that. */
static struct str shown_text(const struct turn *t, enum turn_outcome outcome)
{
    struct str text = buf_str(&t->text);
    bool silent = outcome == OUTCOME_DONE ? str_is(str_trim(text), SILENT_REPLY) : could_be_silent(text);
    return silent ? STR("") : text;
}

static struct str asked_model(const struct turn *t)
{
    return t->run->model.n ? t->run->model : t->s->agent->models[0].text;
}

/* What the last request said before a failure or an abort stays in the transcript, marked; earlier replies are there already.
 * A failure without a word leaves its reason there, for people: no model reads it (history.c). */
static void write_partial(struct turn *t, bool aborted, struct buf *json)
{
    struct str text = shown_text(t, aborted ? OUTCOME_ABORTED : OUTCOME_FAILED);
    bool said = t->step_has_text && text.n > t->step_from;
    text = said ? str_trim((struct str){ text.p + t->step_from, text.n - t->step_from }) : STR("");
    if (text.n == 0 && aborted) return;
    struct chat_part part = { .kind = CHAT_TEXT, .text = text };
    struct chat_message m = { .role = CHAT_ASSISTANT,
                              .parts = &part,
                              .part_count = text.n > 0,
                              .timestamp_ms = clock_wall_ms(),
                              .stop = aborted ? CHAT_STOP_ABORTED : CHAT_STOP_ERROR,
                              .error = buf_str(&t->error) };
    struct str model = t->model[0] ? str_of(t->model) : asked_model(t);
    m.provider = str_split(&model, '/');
    m.model = model;
    chat_json_write(json, &m);
}

static void record_end(struct turn *t, enum turn_outcome outcome, struct buf *last)
{
    struct msg q = { .kind = MSG_store_finish, .trace = t->trace };
    struct str asked = asked_model(t);
    bool switched = t->model[0] && !str_is(asked, t->model);
    q.store_finish = (struct msg_store_finish){
        .turn = t->run->turn,
        .session_key = str_of(t->s->key),
        .outcome = outcome,
        .routed = t->run->route.n > 0,
        .agent = t->s->agent->id,
        .model_asked = str_utf8_prefix(asked, 256),
        .model_answered = str_of(t->model),
        .reason = outcome == OUTCOME_ABORTED              ? str_of(t->cancelled)
                  : outcome == OUTCOME_FAILED || switched ? str_of(failure_name(t->failure))
                                                          : STR(""),
        .error = str_utf8_prefix(buf_str(&t->error), 8192),
        .input_tokens = t->usage.input,
        .output_tokens = t->usage.output,
        .cache_read_tokens = t->usage.cache_read,
        .cache_write_tokens = t->usage.cache_write,
        .context_tokens = t->context_tokens,
        .json = buf_str(last),
    };
    int rc = mailbox_send(t->s->mailbox, "store", &q);
    if (rc == 0 && last->n && t->s->loaded) rc = session_add(t->s, buf_str(last));
    if (rc) session_forget(t->s);
}

static void tell_end(struct turn *t, enum turn_outcome outcome, bool recorded)
{
    struct msg m = { .kind = MSG_turn_done, .corr = t->corr, .trace = t->trace };
    m.turn_done = (struct msg_turn_done){
        .turn = t->run->turn,
        .outcome = outcome,
        .model = str_of(t->model),
        .failure = t->failure,
        .error = str_utf8_prefix(buf_str(&t->error), 8192),
        .input_tokens = t->usage.input,
        .output_tokens = t->usage.output,
        .stop = outcome == OUTCOME_ABORTED  ? CHAT_STOP_ABORTED
                : outcome == OUTCOME_FAILED ? CHAT_STOP_ERROR
                                            : t->stop,
        .recorded = recorded,
        .first_delta_ms = t->first_ms,
        .text = shown_text(t, outcome),
    };
    mailbox_send(t->s->mailbox, "router", &m);
}

static void end(struct turn *t, int rc, struct buf *last)
{
    enum turn_outcome outcome = rc == 0 ? OUTCOME_DONE : rc == GW_EABORTED ? OUTCOME_ABORTED : OUTCOME_FAILED;
    if (outcome == OUTCOME_FAILED && t->error.n == 0) turn_fail(t, FAILURE_server, err_text(rc));
    if (outcome != OUTCOME_DONE) write_partial(t, outcome == OUTCOME_ABORTED, last);
    /* A turn cut off by the gateway's own stop is not over: it stays running on record and is taken up at the next start. */
    bool over = !(outcome == OUTCOME_ABORTED && stopping(t)) && rc != GW_ECLOSED;
    if (over) {
        record_end(t, outcome, last);
    } else {
        session_forget(t->s);
    }
    tell_end(t, outcome, over);
    log_event(LOG_INFO, "turn_ended", LOG_I("turn", t->run->turn), LOG_T("session", t->s->key), LOG_I("outcome", outcome),
              LOG_T("model", t->model),
              LOG_T("reason", outcome == OUTCOME_DONE ? ""
                              : t->cancelled[0]       ? t->cancelled
                                                      : failure_name(t->failure)));
}

void turn_run(struct session *s, struct msg *in)
{
    const struct msg_turn_run *run = &in->turn_run;
    struct turn t = { .s = s, .run = run, .corr = in->corr, .trace = in->trace, .deadline_ms = -1 };
    struct buf last = { 0 };
    bool over = run->compact;
    if (run->timeout_ms) t.deadline_ms = clock_mono_ms() + run->timeout_ms;
    turn_list_candidates(&t);
    turn_offer_tools(&t);
    int rc = turn_begin(&t);
    if (rc == 0 && run->compact) rc = turn_compact_on_demand(&t, &last);
    for (int steps = 0; rc == 0 && !over; steps++) {
        if (t.cancelled[0]) rc = GW_EABORTED;
        if (rc == 0 && steps == SESSION_STEPS_MAX) {
            turn_fail(&t, FAILURE_server, "The turn took too many steps (SESSION_STEPS_MAX).");
            rc = GW_ELIMIT;
        }
        if (rc == 0) rc = step(&t, &last, &over);
    }
    end(&t, rc, &last);
    if (s->forget) session_forget(s);
    s->forget = false;
    buf_free(&last);
    buf_free(&t.text);
    buf_free(&t.candidates);
    buf_free(&t.error);
}
