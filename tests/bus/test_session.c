/* A session's actor alone: the test is its router and its reader, and a little actor its store. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "actors/session.h"
#include "base/failure.h"
#include "bus/hub.h"
#include "msgs/chat_pack.h"

#define KEY "agent:main:main"

enum { WAIT_MS = 10000 };

/* Answers as the store would, and lets the test see what it was told: the same message, to the router. */
static int store_step(void *self, const struct msg *in, const struct post *post)
{
    (void)self;
    struct msg m = { .kind = MSG_store_begun, .corr = in->corr };
    m.store_begun.json = in->kind == MSG_store_begin ? in->store_begin.json : (struct str){ 0 };
    if (in->kind == MSG_store_append) m = (struct msg){ .kind = MSG_store_appended, .corr = in->corr };
    bool answered = in->kind == MSG_store_append || (in->kind == MSG_store_begin && in->store_begin.load_bytes);
    if (answered) post->send(post->ctx, in->from, &m);
    return post->send(post->ctx, HUB_NAME, in);
}

static int store(mailbox_t *mb, void *arg)
{
    return serve(mb, arg, store_step);
}

struct stage {
    bus_t *bus;
    hub_t *hub;
    actor_t *session, *store;
    uint64_t asked; /* corr of the model.request in hand */
    int64_t turn;
};

static struct msg next(struct stage *s, enum msg_kind kind)
{
    for (;;) {
        struct msg m;
        int rc = hub_recv(s->hub, WAIT_MS, &m);
        cr_assert(rc == 0, "no %s: %s", msg_kind_name(kind), err_name(rc));
        if (m.kind == kind) return m;
        msg_clear(&m);
    }
}

static void await(struct stage *s, enum msg_kind kind)
{
    struct msg m = next(s, kind);
    msg_clear(&m);
}

static struct stage begin(void)
{
    struct stage s = { 0 };
    struct env env = { 0 };
    struct config_problems problems = { 0 };
    struct session_options *options = calloc(1, sizeof *options);
    cr_assert(options && bus_create(&s.bus) == 0 && hub_open(s.bus, &s.hub) == 0);
    cr_assert(config_parse(STR("{}"), "test", &env, &options->config, &problems) == 0);
    config_problems_free(&problems);
    cr_assert(actor_spawn(s.bus, "store", 0, store, NULL, &s.store) == 0);
    await(&s, MSG_actor_hello);
    cr_assert(actor_spawn(s.bus, "session.0", 0, session_actor, options, &s.session) == 0);
    await(&s, MSG_actor_hello);
    return s;
}

static void end(struct stage *s)
{
    const struct msg stop = { .kind = MSG_actor_stop };
    cr_assert(hub_send(s->hub, "session.0", &stop, NULL) == 0 && hub_send(s->hub, "store", &stop, NULL) == 0);
    await(s, MSG_actor_ended);
    await(s, MSG_actor_ended);
    actor_join(&s->session);
    actor_join(&s->store);
    hub_close(&s->hub);
    bus_destroy(&s->bus);
}

/* Run a turn up to its first model.request. */
static void run(struct stage *s, bool created)
{
    struct chat_part part = { .kind = CHAT_TEXT, .text = STR("hello") };
    struct chat_message message = { .role = CHAT_USER, .parts = &part, .part_count = 1 };
    struct buf packed = { 0 };
    cr_assert(chat_pack_message(&packed, &message) == 0);
    struct msg m = { .kind = MSG_turn_run, .corr = 77 };
    m.turn_run = (struct msg_turn_run){ .turn = ++s->turn,
                                        .run_id = STR("run"),
                                        .session_key = STR(KEY),
                                        .agent = STR("main"),
                                        .channel = STR("http"),
                                        .reply = STR(HUB_NAME),
                                        .stream = 1,
                                        .created = created,
                                        .message = buf_str(&packed) };
    cr_assert(hub_send(s->hub, "session.0", &m, NULL) == 0);
    buf_free(&packed);
}

static void await_request(struct stage *s)
{
    struct msg m = next(s, MSG_model_request);
    s->asked = m.corr;
    msg_clear(&m);
}

static void say(struct stage *s, const char *text)
{
    struct msg m = { .kind = MSG_model_delta, .corr = s->asked };
    m.model_delta.kind = CHAT_TEXT;
    m.model_delta.text = str_of(text);
    cr_assert(hub_send(s->hub, "session.0", &m, NULL) == 0);
}

static void switch_model(struct stage *s)
{
    struct msg m = { .kind = MSG_model_switched, .corr = s->asked };
    m.model_switched = (struct msg_model_switched){ .from = STR("demo/one"), .to = STR("demo/two"), .failure = FAILURE_network };
    cr_assert(hub_send(s->hub, "session.0", &m, NULL) == 0);
}

static void cancel(struct stage *s)
{
    struct msg m = { .kind = MSG_turn_cancel };
    m.turn_cancel.turn = s->turn;
    m.turn_cancel.reason = STR("user");
    cr_assert(hub_send(s->hub, "session.0", &m, NULL) == 0);
}

static void forget(struct stage *s, const char *key)
{
    struct msg m = { .kind = MSG_session_forget };
    m.session_forget.session_key = str_of(key);
    cr_assert(hub_send(s->hub, "session.0", &m, NULL) == 0);
}

/* A whole reply; with a call its turn goes on. */
static void reply(struct stage *s, const char *text, bool call)
{
    struct chat_part parts[] = { { .kind = CHAT_TEXT, .text = str_of(text) },
                                 { .kind = CHAT_TOOL_CALL, .text = STR("{}"), .name = STR("nosuchtool"), .id = STR("call1") } };
    struct chat_message message = { .role = CHAT_ASSISTANT, .parts = parts, .part_count = call ? 2 : 1, .stop = CHAT_STOP_END };
    struct buf packed = { 0 };
    struct msg m = { .kind = MSG_model_reply, .corr = s->asked };
    cr_assert(chat_pack_message(&packed, &message) == 0);
    m.model_reply.model = STR("demo/two");
    m.model_reply.message = buf_str(&packed);
    cr_assert(hub_send(s->hub, "session.0", &m, NULL) == 0);
    buf_free(&packed);
}

static void expect_delta(struct stage *s, int64_t offset, const char *text)
{
    struct msg m = next(s, MSG_turn_delta);
    cr_assert(m.corr == 77 && m.turn_delta.offset == offset, "offset %d", (int)m.turn_delta.offset);
    cr_assert(str_is(m.turn_delta.text, text), "%.*s", STR_ARG(m.turn_delta.text));
    msg_clear(&m);
}

/* How the turn ended: told to the reader, and what is added to the transcript for it ("" : nothing). */
static void expect_end(struct stage *s, enum turn_outcome outcome, enum chat_stop stop, const char *text, const char *recorded)
{
    struct msg finish = { 0 }, done = { 0 };
    while (finish.kind == MSG_none || done.kind == MSG_none) { /* of two mailboxes, in either order */
        struct msg m;
        cr_assert(hub_recv(s->hub, WAIT_MS, &m) == 0);
        struct msg *into = m.kind == MSG_store_finish ? &finish : m.kind == MSG_turn_done ? &done : NULL;
        if (into)
            *into = m;
        else
            msg_clear(&m);
    }
    cr_assert(done.turn_done.outcome == (int64_t)outcome && done.turn_done.stop == (int64_t)stop, "outcome %d, stop %d",
              (int)done.turn_done.outcome, (int)done.turn_done.stop);
    cr_assert(str_is(done.turn_done.text, text), "%.*s", STR_ARG(done.turn_done.text));
    cr_assert(done.turn_done.first_delta_ms > 0);
    struct buf quoted = { 0 };
    if (recorded[0]) buf_json_str(&quoted, str_of(recorded));
    cr_assert(recorded[0] ? str_find(finish.store_finish.json, buf_str(&quoted)) >= 0 : finish.store_finish.json.n == 0, "%.*s",
              STR_ARG(finish.store_finish.json));
    buf_free(&quoted);
    msg_clear(&finish);
    msg_clear(&done);
}

Test(session, a_switch_drops_text_that_nobody_saw, .timeout = 20)
{
    struct stage s = begin();
    run(&s, true);
    await_request(&s);
    say(&s, "NO_"); /* held back: it could become the silent token */
    switch_model(&s);
    say(&s, "Hello");
    expect_delta(&s, 0, "Hello");
    reply(&s, "Hello", false);
    expect_end(&s, OUTCOME_DONE, CHAT_STOP_END, "Hello", "Hello");
    end(&s);
}

Test(session, a_switch_after_text_was_shown_fails_the_turn_instead_of_mixing_two_answers, .timeout = 20)
{
    struct stage s = begin();
    run(&s, true);
    await_request(&s);
    say(&s, "Half an");
    expect_delta(&s, 0, "Half an");
    switch_model(&s);
    expect_end(&s, OUTCOME_FAILED, CHAT_STOP_ERROR, "Half an", "Half an");
    end(&s);
}

Test(session, offsets_go_on_over_a_tool_step_and_a_switch, .timeout = 20)
{
    struct stage s = begin();
    run(&s, true);
    await_request(&s);
    say(&s, "One");
    expect_delta(&s, 0, "One");
    reply(&s, "One", true);
    await_request(&s);
    switch_model(&s);
    say(&s, "Two");
    expect_delta(&s, 3, "\n\nTwo");
    reply(&s, "Two", false);
    expect_end(&s, OUTCOME_DONE, CHAT_STOP_END, "One\n\nTwo", "Two");
    end(&s);
}

Test(session, an_abort_tells_all_that_was_said_and_records_the_part_of_the_last_request, .timeout = 20)
{
    struct stage s = begin();
    run(&s, true);
    await_request(&s);
    reply(&s, "One", true);
    expect_delta(&s, 0, "One");
    await_request(&s);
    say(&s, "Two and");
    expect_delta(&s, 3, "\n\nTwo and");
    cancel(&s);
    expect_end(&s, OUTCOME_ABORTED, CHAT_STOP_ABORTED, "One\n\nTwo and", "Two and");
    end(&s);
}

Test(session, an_abort_does_not_show_what_could_have_become_the_silent_token, .timeout = 20)
{
    struct stage s = begin();
    run(&s, true);
    await_request(&s);
    say(&s, "NO_RE");
    cancel(&s);
    expect_end(&s, OUTCOME_ABORTED, CHAT_STOP_ABORTED, "", "");
    end(&s);
}

/* Whether the turn loads the transcript; then it has asked its model. */
static bool loads(struct stage *s)
{
    bool begun = false, load = false;
    for (s->asked = 0; !begun || !s->asked;) { /* of two mailboxes, in either order */
        struct msg m;
        cr_assert(hub_recv(s->hub, WAIT_MS, &m) == 0);
        if (m.kind == MSG_model_request) s->asked = m.corr;
        if (m.kind == MSG_store_begin) load = m.store_begin.load_bytes > 0;
        begun = begun || m.kind == MSG_store_begin;
        msg_clear(&m);
    }
    return load;
}

static void finish_turn(struct stage *s)
{
    reply(s, "yes", false);
    await(s, MSG_turn_done);
}

Test(session, forgets_between_turns_what_it_has_in_memory, .timeout = 20)
{
    struct stage s = begin();
    run(&s, true);
    cr_assert(!loads(&s), "a new session has nothing to load");
    finish_turn(&s);
    forget(&s, "agent:main:other"); /* not this thread's any more */
    run(&s, false);
    cr_assert(!loads(&s), "it knows its conversation");
    finish_turn(&s);
    forget(&s, KEY);
    run(&s, false);
    cr_assert(loads(&s));
    finish_turn(&s);
    end(&s);
}

Test(session, told_to_forget_during_a_turn_it_does_so_after_it, .timeout = 20)
{
    struct stage s = begin();
    run(&s, true);
    cr_assert(!loads(&s));
    forget(&s, KEY);
    reply(&s, "One", true); /* the turn in hand goes on with what it has */
    await_request(&s);
    reply(&s, "Two", false);
    expect_end(&s, OUTCOME_DONE, CHAT_STOP_END, "One\n\nTwo", "Two");
    run(&s, false);
    cr_assert(loads(&s));
    finish_turn(&s);
    run(&s, false);
    cr_assert(!loads(&s), "once");
    finish_turn(&s);
    end(&s);
}

/* Runs turns 1, 2, 3 as one; `lines` as in turn.run, NULL: as they are. */
static void run_collected(struct stage *s, const char *lines)
{
    struct chat_part parts[] = { { .kind = CHAT_TEXT, .text = STR("look") },
                                 { .kind = CHAT_IMAGE, .text = STR("aW1hZ2U="), .name = STR("image/png") } };
    struct chat_message messages[] = { { .role = CHAT_USER, .parts = parts, .part_count = 1 },
                                       { .role = CHAT_USER, .parts = parts, .part_count = 2 },
                                       { .role = CHAT_USER, .parts = parts + 1, .part_count = 1 } };
    struct buf packed = { 0 }, own = { 0 };
    for (int i = 0; i < 3; i++) {
        size_t before = packed.n;
        cr_assert(chat_pack_message(&packed, &messages[i]) == 0);
        buf_printf(&own, "%s%d %zu", i ? "\n" : "", i + 1, packed.n - before);
    }
    struct msg m = { .kind = MSG_turn_run, .corr = 77 };
    m.turn_run = (struct msg_turn_run){ .turn = ++s->turn,
                                        .run_id = STR("run"),
                                        .session_key = STR(KEY),
                                        .agent = STR("main"),
                                        .channel = STR("http"),
                                        .reply = STR(HUB_NAME),
                                        .created = 1,
                                        .collected = lines ? str_of(lines) : buf_str(&own),
                                        .message = buf_str(&packed) };
    cr_assert(hub_send(s->hub, "session.0", &m, NULL) == 0);
    buf_free(&packed);
    buf_free(&own);
}

Test(session, messages_that_waited_become_one_with_their_images_behind, .timeout = 20)
{
    struct stage s = begin();
    run_collected(&s, NULL);
    struct msg m = next(&s, MSG_store_begin);
    cr_assert(m.store_begin.turn == 1 && str_is(m.store_begin.collected, "2\n3"), "%.*s", STR_ARG(m.store_begin.collected));
    cr_assert(
        str_find(m.store_begin.json, STR("\"[Queued messages while agent was busy]\\n\\n---\\nQueued #1\\nlook\\n\\n---\\nQueued #2\\nlook"
                                         "\\n\\n---\\nQueued #3\\n\"")) > 0,
        "%.*s", STR_ARG(m.store_begin.json));
    struct str json = m.store_begin.json;
    int images = 0;
    for (ptrdiff_t at; (at = str_find(json, STR("aW1hZ2U="))) >= 0; images++)
        json = (struct str){ json.p + at + 1, json.n - (size_t)at - 1 };
    cr_assert(images == 2);
    msg_clear(&m);
    cancel(&s);
    await(&s, MSG_turn_done);
    end(&s);
}

Test(session, a_list_of_messages_that_does_not_fit_them_fails_the_turn, .timeout = 20)
{
    static const char *const lists[] = { "1 999999", "1 1\n2 1", "1", "1 x", "1 -5", "nonsense\n\n\n", "1 0" };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct stage s = begin();
        run_collected(&s, lists[i]);
        struct msg m = next(&s, MSG_turn_done);
        cr_assert(m.turn_done.outcome == OUTCOME_FAILED && m.turn_done.error.n > 0, "%s", lists[i]);
        msg_clear(&m);
        end(&s);
    }
}
