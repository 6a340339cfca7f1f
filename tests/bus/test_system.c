/* The whole spine in one process, without HTTP: bus, router, store, session and the demo provider. */
#include "system_rig.h"

Test(system, answers_a_turn_and_streams_it, .timeout = 30)
{
    struct bench b = boot("{}", NULL);
    submit(&b, "agent:main:main", "hello there", "", 7);
    struct msg m = next(&b);
    cr_assert(m.kind == MSG_turn_accepted && m.corr == 7 && m.turn_accepted.turn == 1);
    msg_clear(&m);
    m = next(&b);
    cr_assert(m.kind == MSG_turn_started && m.corr == 7 && m.turn_started.turn == 1, "before any turn.delta");
    msg_clear(&m);
    struct buf streamed = { 0 };
    for (m = next(&b); m.kind == MSG_turn_delta; msg_clear(&m), m = next(&b)) {
        cr_assert(m.turn_delta.offset == (int64_t)streamed.n);
        buf_add(&streamed, m.turn_delta.text);
    }
    cr_assert(m.kind == MSG_turn_done && m.turn_done.outcome == OUTCOME_DONE, "%.*s", STR_ARG(m.turn_done.error));
    cr_assert(str_eq(buf_str(&streamed), m.turn_done.text));
    cr_assert(str_find(m.turn_done.text, STR("hello there")) >= 0);
    cr_assert(str_starts(m.turn_done.model, STR("demo/")));
    cr_assert(m.turn_done.input_tokens > 0 && m.turn_done.output_tokens > 0);
    msg_clear(&m);
    buf_free(&streamed);
    halt(&b, false);
    int counts[3];
    count_messages(b.dir, "agent:main:main", counts);
    cr_assert(counts[0] == 1 && counts[1] == 1 && counts[2] == 0);
    tempdir_remove(b.dir);
}

Test(system, runs_the_turns_of_a_session_in_order, .timeout = 60)
{
    struct bench b = boot("{}", NULL);
    for (uint64_t i = 1; i <= 15; i++) {
        char text[32];
        snprintf(text, sizeof text, "message %d", (int)i);
        submit(&b, "agent:main:main", text, "", i);
    }
    uint64_t last = 0;
    while (last < 15) {
        struct msg m = next(&b);
        if (m.kind == MSG_turn_done) {
            cr_assert(m.corr == last + 1 && m.turn_done.outcome == OUTCOME_DONE);
            last = m.corr;
        }
        msg_clear(&m);
    }
    halt(&b, true);
}

Test(system, runs_many_sessions_through_a_cap, .timeout = 60)
{
    struct bench b = boot("{agents: {defaults: {maxConcurrent: 4}}}", NULL);
    for (uint64_t i = 1; i <= 200; i++) {
        char key[64];
        snprintf(key, sizeof key, "agent:main:s%d", (int)i);
        submit(&b, key, "hi", "", i);
    }
    int done = 0;
    while (done < 200) {
        struct msg m = next(&b);
        cr_assert(m.kind != MSG_turn_refused);
        if (m.kind == MSG_turn_done) done += m.turn_done.outcome == OUTCOME_DONE;
        msg_clear(&m);
    }
    halt(&b, true);
}

Test(system, a_repeat_of_an_idempotency_key_gets_the_first_answer, .timeout = 30)
{
    struct bench b = boot("{}", NULL);
    submit(&b, "agent:main:main", "/demo slow 5 20", "key-1", 1);
    submit(&b, "agent:main:main", "/demo slow 5 20", "key-1", 2);
    struct msg first = await_done(&b, 1), second = await_done(&b, 2);
    cr_assert(first.turn_done.turn == second.turn_done.turn);
    cr_assert(str_eq(first.turn_done.text, second.turn_done.text) && first.turn_done.text.n > 0);
    msg_clear(&first);
    msg_clear(&second);
    halt(&b, false);
    int counts[3];
    count_messages(b.dir, "agent:main:main", counts);
    cr_assert(counts[0] == 1);
    tempdir_remove(b.dir);
}

Test(system, a_repeat_after_the_end_and_after_a_restart_gets_the_first_answer, .timeout = 30)
{
    struct bench b = boot("{}", NULL);
    submit(&b, "agent:main:main", "what was it?", "key-1", 1);
    struct msg first = await_done(&b, 1), second;
    submit(&b, "agent:main:main", "what was it?", "key-1", 2);
    second = await_done(&b, 2);
    cr_assert(str_eq(first.turn_done.text, second.turn_done.text) && first.turn_done.text.n > 0);
    cr_assert(str_eq(first.turn_done.model, second.turn_done.model));
    msg_clear(&second);
    halt(&b, false);
    struct bench again = boot("{}", b.dir);
    submit(&again, "agent:main:main", "what was it?", "key-1", 3);
    second = await_done(&again, 3);
    cr_assert(str_eq(first.turn_done.text, second.turn_done.text));
    msg_clear(&first);
    msg_clear(&second);
    halt(&again, false);
    int counts[3];
    count_messages(b.dir, "agent:main:main", counts);
    cr_assert(counts[0] == 1 && counts[1] == 1);
    tempdir_remove(b.dir);
}

Test(system, an_abort_ends_a_running_turn_at_once_and_keeps_what_was_said, .timeout = 30)
{
    struct bench b = boot("{}", NULL);
    submit(&b, "agent:main:main", "/demo slow 1000 50", "", 1);
    struct msg m = next(&b);
    int64_t turn = m.turn_accepted.turn;
    msg_clear(&m);
    for (m = next(&b); m.kind != MSG_turn_delta; m = next(&b)) msg_clear(&m);
    msg_clear(&m);
    struct msg abort = { .kind = MSG_turn_abort, .turn_abort = { .turn = turn, .reason = STR("user") } };
    cr_assert(mailbox_send(system_mailbox(b.system), "router", &abort) == 0);
    m = await_done(&b, 1);
    cr_assert(m.turn_done.outcome == OUTCOME_ABORTED && m.turn_done.text.n > 0);
    msg_clear(&m);
    halt(&b, false);
    int counts[3];
    count_messages(b.dir, "agent:main:main", counts);
    cr_assert(counts[0] == 1 && counts[1] == 1);
    tempdir_remove(b.dir);
}

Test(system, a_failure_names_each_candidate_and_its_reason, .timeout = 30)
{
    struct bench b = boot("{agents: {defaults: {model: {primary: 'demo/one', fallbacks: ['nosuch/two', 'openrouter/three']}}}}", NULL);
    submit(&b, "agent:main:main", "/demo fail 401", "", 1);
    struct msg m = await_done(&b, 1);
    cr_assert(m.turn_done.outcome == OUTCOME_FAILED);
    cr_assert(str_starts(m.turn_done.error, STR("All models failed (3): demo/one: ")), "%.*s", STR_ARG(m.turn_done.error));
    cr_assert(str_find(m.turn_done.error, STR("(auth)")) > 0);
    cr_assert(str_find(m.turn_done.error, STR("nosuch/two: no such provider is configured")) > 0);
    cr_assert(str_find(m.turn_done.error, STR("openrouter/three: no API key is set for it")) > 0);
    msg_clear(&m);
    halt(&b, true);
}

Test(system, a_tool_that_does_not_exist_is_told_and_the_turn_goes_on, .timeout = 30)
{
    struct bench b = boot("{}", NULL);
    submit(&b, "agent:main:main", "/demo tool nosuchtool {\"a\":1}", "", 1);
    struct msg m = await_done(&b, 1);
    cr_assert(m.turn_done.outcome == OUTCOME_DONE, "%.*s", STR_ARG(m.turn_done.error));
    cr_assert(str_find(m.turn_done.text, STR("Tool nosuchtool not found")) >= 0, "%.*s", STR_ARG(m.turn_done.text));
    msg_clear(&m);
    halt(&b, false);
    int counts[3];
    count_messages(b.dir, "agent:main:main", counts);
    cr_assert(counts[0] == 1 && counts[1] == 2 && counts[2] == 1);
    tempdir_remove(b.dir);
}

/* Destroyed without a drain, as a crash would: the turn is on record and is answered after the next start. */
Test(system, an_unfinished_turn_is_taken_up_at_the_next_start, .timeout = 30)
{
    struct bench b = boot("{}", NULL);
    submit(&b, "agent:main:main", "/demo slow 20 50", "", 1);
    struct msg m = next(&b);
    msg_clear(&m);
    for (m = next(&b); m.kind != MSG_turn_delta; m = next(&b)) msg_clear(&m);
    msg_clear(&m);
    halt(&b, false);
    struct bench again = boot("{}", b.dir);
    submit(&again, "agent:main:main", "and now this", "", 2); /* waits behind the one taken up */
    m = await_done(&again, 2);
    cr_assert(m.turn_done.outcome == OUTCOME_DONE && m.turn_done.turn == 2);
    msg_clear(&m);
    halt(&again, false);
    int counts[3];
    count_messages(b.dir, "agent:main:main", counts);
    cr_assert(counts[0] == 2 && counts[1] == 2, "users %d, assistants %d", counts[0], counts[1]);
    tempdir_remove(b.dir);
}

Test(system, drains_and_refuses_new_turns_meanwhile, .timeout = 30)
{
    struct bench b = boot("{}", NULL);
    submit(&b, "agent:main:main", "/demo slow 10 30", "", 1);
    struct msg m = next(&b);
    msg_clear(&m);
    cr_assert(system_drain(b.system, 10000) == 0);
    submit(&b, "agent:main:other", "too late", "", 2);
    bool refused = false, done = false, stopped = false;
    while (!stopped) {
        m = next(&b);
        refused = refused || (m.kind == MSG_turn_refused && m.corr == 2 && str_is(m.turn_refused.reason, "stopping"));
        done = done || (m.kind == MSG_turn_done && m.corr == 1 && m.turn_done.outcome == OUTCOME_DONE);
        stopped = m.kind == MSG_system_stopped;
        msg_clear(&m);
    }
    cr_assert(refused && done);
    halt(&b, true);
}

Test(system, a_second_process_is_kept_off_the_state_directory, .timeout = 30)
{
    struct bench b = boot("{}", NULL);
    const struct system_options options = { .config = b.config, .state_dir = b.dir, .bind_host = "127.0.0.1" };
    struct buf why = { 0 };
    system_t *second;
    int port;
    int rc = system_start(&options, &second, &port, &why);
    cr_assert(rc == GW_EBUSY, "%s: %s", err_name(rc), buf_cstr(&why));
    cr_assert(str_find(buf_str(&why), STR("openclaw.lock is held by process")) >= 0, "%s", buf_cstr(&why));
    buf_free(&why);
    halt(&b, true);
}

static void tell_stop(struct bench *b, const char *name)
{
    const struct msg stop = { .kind = MSG_actor_stop };
    cr_assert(mailbox_send(system_mailbox(b->system), name, &stop) == 0);
}

/* Submit until a turn is done: refused or failed while the actor is being started again. */
static void await_well(struct bench *b, uint64_t corr)
{
    for (;; corr++) {
        submit(b, "agent:main:after", "are you back?", "", corr);
        struct msg m = next(b);
        while (m.kind != MSG_turn_refused && m.kind != MSG_turn_done) {
            msg_clear(&m);
            m = next(b);
        }
        bool well = m.kind == MSG_turn_done && m.turn_done.outcome == OUTCOME_DONE;
        msg_clear(&m);
        if (well) return;
    }
}

Test(system, a_provider_that_ends_fails_its_turn_with_a_reason_and_is_started_again, .timeout = 30)
{
    struct bench b = boot("{}", NULL);
    submit(&b, "agent:main:main", "/demo slow 1000 50", "", 1);
    struct msg m = next(&b);
    for (; m.kind != MSG_turn_delta; m = next(&b)) msg_clear(&m);
    msg_clear(&m);
    tell_stop(&b, "provider.demo");
    m = await_done(&b, 1);
    cr_assert(m.turn_done.outcome == OUTCOME_FAILED);
    cr_assert(str_find(m.turn_done.error, STR("demo/echo")) >= 0, "%.*s", STR_ARG(m.turn_done.error));
    msg_clear(&m);
    await_well(&b, 2);
    halt(&b, true);
}

Test(system, a_store_that_ends_is_started_again, .timeout = 30)
{
    struct bench b = boot("{}", NULL);
    tell_stop(&b, "store");
    await_well(&b, 1);
    halt(&b, true);
}
