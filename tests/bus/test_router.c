/* What the router tells of turns and sessions, and does to whole sessions: through the real system, with the demo provider. */
#include <jansson.h>

#include "base/failure.h"
#include "system_rig.h"

#define KEY "agent:main:main"

static void send(struct bench *b, const struct msg *m)
{
    cr_assert(mailbox_send(system_mailbox(b->system), "router", m) == 0);
}

static void abort_session(struct bench *b, const char *key)
{
    const struct msg m = { .kind = MSG_turn_abort, .turn_abort = { .session_key = str_of(key), .reason = STR("user") } };
    send(b, &m);
}

static void quiesce(struct bench *b, const char *key, int64_t timeout_ms, uint64_t corr)
{
    const struct msg m = { .kind = MSG_session_quiesce,
                           .corr = corr,
                           .session_quiesce = { .session_key = str_of(key), .timeout_ms = timeout_ms } };
    send(b, &m);
}

static void forget(struct bench *b, const char *key)
{
    const struct msg m = { .kind = MSG_session_forget, .session_forget = { .session_key = str_of(key) } };
    send(b, &m);
}

/* Until the turn with this corr has begun to speak. */
static void await_delta(struct bench *b, uint64_t corr)
{
    for (;;) {
        struct msg m = await_kind(b, MSG_turn_delta);
        bool it = m.corr == corr;
        msg_clear(&m);
        if (it) return;
    }
}

static void expect(struct bench *b, enum msg_kind kind, uint64_t corr)
{
    struct msg m = next(b);
    cr_assert(m.kind == kind && m.corr == corr, "%s of %d, expected %s", msg_kind_name(m.kind), (int)m.corr, msg_kind_name(kind));
    msg_clear(&m);
}

static void expect_aborted(struct bench *b, uint64_t corr)
{
    struct msg m = await_done(b, corr);
    cr_assert(m.turn_done.outcome == OUTCOME_ABORTED && m.turn_done.stop == CHAT_STOP_ABORTED);
    msg_clear(&m);
}

/* The router's answer about itself; messages of turns that come first are passed over. */
static json_t *status(struct bench *b, int64_t what)
{
    struct msg m = { .kind = MSG_router_status, .corr = 999, .router_status = { .what = what } };
    send(b, &m);
    m = await_kind(b, MSG_router_told);
    cr_assert(m.corr == 999);
    json_t *told = json_loadb(m.router_told.json.p, m.router_told.json.n, 0, NULL);
    cr_assert(told, "%.*s", STR_ARG(m.router_told.json));
    msg_clear(&m);
    return told;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static int64_t int_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    cr_assert(json_is_integer(value), "%s", key);
    return json_integer_value(value);
}

Test(router, says_when_a_turn_that_waited_starts, .timeout = 30)
{
    struct bench b = boot("{}", NULL);
    submit(&b, KEY, "/demo slow 1000 20", "", 1);
    await_delta(&b, 1);
    submit(&b, KEY, "hello", "key", 2);
    submit(&b, KEY, "hello", "key", 3); /* a repeat: hears the same */
    struct msg m;
    for (m = next(&b); m.kind == MSG_turn_delta && m.corr == 1; m = next(&b)) msg_clear(&m);
    cr_assert(m.kind == MSG_turn_accepted, "it is not started while it waits");
    msg_clear(&m);
    m = await_kind(&b, MSG_turn_accepted);
    msg_clear(&m);
    const struct msg abort = { .kind = MSG_turn_abort, .turn_abort = { .turn = 1, .reason = STR("user") } };
    send(&b, &abort);
    m = await_done(&b, 1);
    msg_clear(&m);
    expect(&b, MSG_turn_started, 2);
    expect(&b, MSG_turn_started, 3);
    expect(&b, MSG_turn_delta, 2);
    m = await_done(&b, 3);
    msg_clear(&m);
    halt(&b, true);
}

Test(router, an_abort_by_session_ends_what_runs_and_what_waits_there_alone, .timeout = 30)
{
    struct bench b = boot("{}", NULL);
    submit(&b, KEY, "/demo slow 1000 20", "", 1);
    submit(&b, KEY, "second", "", 2);
    submit_as(&b, KEY, "third", "", 3, true);
    submit(&b, "agent:main:other", "/demo slow 1000 20", "", 4);
    await_delta(&b, 4);
    abort_session(&b, KEY);
    for (int ended = 0; ended < 3; ended++) {
        struct msg m = await_kind(&b, MSG_turn_done);
        cr_assert(m.corr >= 1 && m.corr <= 3 && m.turn_done.outcome == OUTCOME_ABORTED, "turn %d", (int)m.corr);
        msg_clear(&m);
    }
    await_delta(&b, 4);
    abort_session(&b, "agent:main:other");
    expect_aborted(&b, 4);
    halt(&b, false);
    struct bench again = boot("{}", b.dir); /* none of them is taken up again */
    json_t *told = status(&again, 0);
    cr_assert(json_array_size(json_object_get(told, "runs")) == 0);
    json_decref(told);
    halt(&again, true);
}

Test(router, a_session_where_nothing_runs_is_quiet_at_once, .timeout = 30)
{
    struct bench b = boot("{}", NULL);
    quiesce(&b, KEY, 60000, 1);
    struct msg m = next(&b);
    cr_assert(m.kind == MSG_session_quiet && m.corr == 1 && m.session_quiet.quiet == 1);
    msg_clear(&m);
    halt(&b, true);
}

Test(router, a_session_is_quiet_when_all_its_ends_are_told, .timeout = 30)
{
    struct bench b = boot("{}", NULL);
    submit(&b, KEY, "/demo slow 1000 20", "", 1);
    submit(&b, KEY, "second", "", 2);
    await_delta(&b, 1);
    quiesce(&b, KEY, 60000, 3);
    quiesce(&b, KEY, 60000, 4);
    int ends = 0;
    for (int quiet = 0; quiet < 2;) {
        struct msg m = next(&b);
        ends += m.kind == MSG_turn_done && m.turn_done.outcome == OUTCOME_ABORTED;
        if (m.kind == MSG_session_quiet) cr_assert(ends == 2 && m.session_quiet.quiet == 1 && m.corr == 3 + (uint64_t)quiet++);
        msg_clear(&m);
    }
    halt(&b, false);
    int counts[3];
    count_messages(b.dir, KEY, counts);
    cr_assert(counts[0] == 1 && counts[1] == 1, "the partial answer is kept, the second message never ran");
    tempdir_remove(b.dir);
}

/* The store is gone for 100 ms: no end can become durable before the time is over. */
Test(router, a_session_that_is_not_quiet_in_time_is_told_as_such, .timeout = 30)
{
    struct bench b = boot("{}", NULL);
    const struct msg stop = { .kind = MSG_actor_stop };
    submit(&b, KEY, "/demo slow 1000 20", "", 1);
    await_delta(&b, 1);
    cr_assert(mailbox_send(system_mailbox(b.system), "store", &stop) == 0);
    quiesce(&b, KEY, 20, 2);
    struct msg m = await_kind(&b, MSG_session_quiet);
    cr_assert(m.corr == 2 && m.session_quiet.quiet == 0);
    msg_clear(&m);
    quiesce(&b, KEY, 60000, 3);
    m = await_kind(&b, MSG_session_quiet);
    cr_assert(m.corr == 3 && m.session_quiet.quiet == 1);
    msg_clear(&m);
    halt(&b, true);
}

enum { INJECTED = 40000 /* bytes */ };

/* Something is written into a transcript behind its session's back. */
static void inject(struct bench *b, const char *key)
{
    char *filler = malloc(INJECTED);
    struct buf json = { 0 };
    memset(filler, 'x', INJECTED);
    buf_text(&json, "{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":");
    buf_json_str(&json, (struct str){ filler, INJECTED });
    buf_text(&json, "}],\"stopReason\":\"stop\"}");
    struct msg q = { .kind = MSG_store_append }, answer;
    q.store_append.session_key = str_of(key);
    q.store_append.json = buf_str(&json);
    int rc = mailbox_ask(system_mailbox(b->system), "store", &q, WAIT_MS, &answer);
    cr_assert(rc == 0 && answer.kind == MSG_store_appended, "%s", err_name(rc));
    msg_clear(&answer);
    buf_free(&json);
    free(filler);
}

/* What the model was given: the demo provider counts a token for four bytes of it. */
static int64_t tokens_of(struct bench *b, uint64_t corr)
{
    struct msg m = await_done(b, corr);
    cr_assert(m.turn_done.outcome == OUTCOME_DONE, "%.*s", STR_ARG(m.turn_done.error));
    int64_t tokens = m.turn_done.input_tokens;
    msg_clear(&m);
    return tokens;
}

Test(router, a_session_that_was_told_to_forget_reads_its_transcript_again, .timeout = 30)
{
    struct bench b = boot("{}", NULL);
    submit(&b, KEY, "first", "", 1);
    int64_t first = tokens_of(&b, 1);
    inject(&b, KEY);
    submit(&b, KEY, "second", "", 2);
    cr_assert(tokens_of(&b, 2) < first + INJECTED / 8, "what its thread has in memory is enough for it");
    forget(&b, KEY);
    submit(&b, KEY, "third", "", 3);
    cr_assert(tokens_of(&b, 3) > first + INJECTED / 5);
    halt(&b, true);
}

/* Its turn was accepted as the first of a new session, whose history need not be loaded; then there was one. */
Test(router, a_new_session_that_was_told_to_forget_is_not_taken_for_new, .timeout = 30)
{
    struct bench b = boot("{agents: {defaults: {maxConcurrent: 1}}}", NULL);
    submit(&b, KEY, "/demo slow 1000 20", "", 1);
    await_delta(&b, 1);
    submit(&b, "agent:main:new", "first", "", 2);
    struct msg m = await_kind(&b, MSG_turn_accepted);
    cr_assert(m.corr == 2);
    msg_clear(&m);
    inject(&b, "agent:main:new");
    forget(&b, "agent:main:new");
    abort_session(&b, KEY);
    cr_assert(tokens_of(&b, 2) > INJECTED / 5);
    halt(&b, true);
}

/* The dropped one is usually still at the store then: it must not be taken up at the next start, nor hold up a drain. */
Test(router, a_turn_that_made_room_is_over_for_good, .timeout = 30)
{
    struct bench b = boot("{messages: {queue: {cap: 1, drop: 'old'}}}", NULL);
    submit(&b, KEY, "/demo slow 1000 20", "", 1);
    await_delta(&b, 1);
    for (uint64_t i = 2; i <= 11; i++) submit_as(&b, KEY, "hurry", "", i, true);
    for (uint64_t i = 2; i <= 10; i++) {
        struct msg m = await_done(&b, i);
        cr_assert(m.turn_done.outcome == OUTCOME_DROPPED && m.turn_done.error.n > 0);
        msg_clear(&m);
    }
    abort_session(&b, KEY);
    for (int left = 2; left > 0; left--) {
        struct msg m = await_kind(&b, MSG_turn_done);
        msg_clear(&m);
    }
    cr_assert(system_drain(b.system, 3600000) == 0);
    struct msg m = await_kind(&b, MSG_system_stopped);
    msg_clear(&m);
    halt(&b, false);
    struct bench again = boot("{}", b.dir);
    json_t *told = status(&again, 0);
    cr_assert(json_array_size(json_object_get(told, "runs")) == 0, "%d are taken up", (int)json_array_size(json_object_get(told, "runs")));
    json_decref(told);
    halt(&again, true);
}

/* Turn 1 speaks; 2, 3 and 4 wait behind it, on record. */
static struct bench queue_three(const char *config)
{
    struct bench b = boot(config, NULL);
    submit(&b, KEY, "/demo slow 1000 20", "", 1);
    await_delta(&b, 1);
    submit_as(&b, KEY, "second", "", 2, true);
    submit_as(&b, KEY, "third", "key", 3, true);
    submit_as(&b, KEY, "fourth", "", 4, true);
    for (int accepted = 0; accepted < 3; accepted++) {
        struct msg m = await_kind(&b, MSG_turn_accepted);
        msg_clear(&m);
    }
    return b;
}

static void abort_turn(struct bench *b, int64_t turn)
{
    const struct msg m = { .kind = MSG_turn_abort, .turn_abort = { .turn = turn, .reason = STR("user") } };
    send(b, &m);
}

Test(router, messages_that_waited_are_answered_together, .timeout = 30)
{
    struct bench b = queue_three("{}");
    abort_turn(&b, 1);
    expect_aborted(&b, 1);
    for (uint64_t i = 2; i <= 4; i++) expect(&b, MSG_turn_started, i);
    for (uint64_t i = 3; i <= 4; i++) {
        struct msg m = await_done(&b, i);
        cr_assert(m.turn_done.outcome == OUTCOME_DONE && m.turn_done.collected_into == 2 && m.turn_done.text.n == 0);
        cr_assert(m.turn_done.failure == FAILURE_none && m.turn_done.error.n == 0 && str_is(m.turn_done.model, "demo/echo"));
        msg_clear(&m);
    }
    struct msg m = await_done(&b, 2);
    cr_assert(m.turn_done.outcome == OUTCOME_DONE && m.turn_done.collected_into == 0);
    cr_assert(str_find(m.turn_done.text, STR("[Queued messages while agent was busy]\n\n---\nQueued #1\nsecond\n\n---\nQueued #2\nthird\n\n"
                                             "---\nQueued #3\nfourth")) > 0,
              "%.*s", STR_ARG(m.turn_done.text));
    msg_clear(&m);
    submit(&b, KEY, "third", "key", 5); /* a repeat of a part */
    m = await_done(&b, 5);
    cr_assert(m.turn_done.outcome == OUTCOME_DONE && m.turn_done.turn == 3);
    msg_clear(&m);
    halt(&b, false);
    int counts[3];
    count_messages(b.dir, KEY, counts);
    cr_assert(counts[0] == 2 && counts[1] == 2, "one question, one answer: %d, %d", counts[0], counts[1]);
    struct bench again = boot("{}", b.dir);
    json_t *told = status(&again, 0);
    cr_assert(json_array_size(json_object_get(told, "runs")) == 0);
    json_decref(told);
    halt(&again, true);
}

Test(router, messages_that_waited_are_answered_one_by_one_when_the_mode_says_so, .timeout = 30)
{
    static const char *const configs[] = { "{messages: {queue: {mode: 'followup'}}}",
                                           "{messages: {queue: {byChannel: {http: 'followup'}}}}" };
    for (size_t i = 0; i < 2; i++) {
        struct bench b = queue_three(configs[i]);
        abort_turn(&b, 1);
        for (uint64_t corr = 2; corr <= 4; corr++) {
            struct msg m = await_done(&b, corr);
            cr_assert(m.turn_done.collected_into == 0 && m.turn_done.text.n > 0);
            msg_clear(&m);
        }
        halt(&b, true);
    }
}

/* The turn that speaks takes in what came meanwhile before it ends, and answers that, too. */
Test(router, a_message_steers_the_turn_in_hand, .timeout = 30)
{
    struct bench b = boot("{messages: {queue: {mode: 'steer'}}}", NULL);
    submit_as(&b, KEY, "/demo slow 300 10", "", 1, true);
    await_delta(&b, 1);
    submit_as(&b, KEY, "second", "", 2, true);
    submit_as(&b, KEY, "third", "", 3, true);
    for (uint64_t i = 2; i <= 3; i++) {
        struct msg m = await_done(&b, i);
        cr_assert(m.turn_done.outcome == OUTCOME_DONE && m.turn_done.collected_into == 1 && m.turn_done.text.n == 0);
        msg_clear(&m);
    }
    struct msg m = await_done(&b, 1);
    cr_assert(m.turn_done.outcome == OUTCOME_DONE && m.turn_done.collected_into == 0);
    cr_assert(str_find(m.turn_done.text, STR("second")) > 0 && str_find(m.turn_done.text, STR("third")) > 0, "%.*s",
              STR_ARG(m.turn_done.text));
    msg_clear(&m);
    halt(&b, false);
    int counts[3];
    count_messages(b.dir, KEY, counts);
    cr_assert(counts[0] == counts[1] && (counts[0] == 2 || counts[0] == 3), "each question is answered: %d, %d", counts[0], counts[1]);
    struct bench again = boot("{}", b.dir);
    json_t *told = status(&again, 0);
    cr_assert(json_array_size(json_object_get(told, "runs")) == 0, "nothing runs again");
    json_decref(told);
    halt(&again, true);
}

/* What made room is told of to the model that answers what took its place. */
Test(router, messages_beyond_the_cap_are_summed_up, .timeout = 30)
{
    struct bench b = boot("{messages: {queue: {cap: 2}}}", NULL);
    submit(&b, KEY, "/demo slow 400 10", "", 1);
    await_delta(&b, 1);
    submit_as(&b, KEY, "second\nof two lines", "", 2, true);
    submit_as(&b, KEY, "third", "", 3, true);
    submit_as(&b, KEY, "fourth", "", 4, true);
    submit_as(&b, KEY, "fifth", "", 5, true);
    for (uint64_t i = 2; i <= 3; i++) {
        struct msg m = await_done(&b, i);
        cr_assert(m.turn_done.outcome != OUTCOME_DONE && m.turn_done.text.n == 0);
        msg_clear(&m);
    }
    struct msg m = await_done(&b, 4);
    cr_assert(str_find(m.turn_done.text, STR("Dropped 2 messages due to cap.\nSummary:\n- second of two lines\n- third\n\n---\n"
                                             "Queued #1\nfourth")) > 0,
              "%.*s", STR_ARG(m.turn_done.text));
    msg_clear(&m);
    halt(&b, true);
}

Test(router, a_message_interrupts_the_turn_in_hand, .timeout = 30)
{
    struct bench b = boot("{messages: {queue: {mode: 'interrupt'}}}", NULL);
    submit_as(&b, KEY, "/demo slow 5000 50", "", 1, true);
    await_delta(&b, 1);
    submit_as(&b, KEY, "second", "", 2, true);
    struct msg m = await_done(&b, 1);
    cr_assert(m.turn_done.outcome == OUTCOME_ABORTED);
    msg_clear(&m);
    m = await_done(&b, 2);
    cr_assert(m.turn_done.outcome == OUTCOME_DONE && str_find(m.turn_done.text, STR("second")) >= 0);
    msg_clear(&m);
    submit(&b, KEY, "/demo slow 400 10", "", 3); /* nobody's message of that kind: it is heard to its end */
    await_delta(&b, 3);
    submit_as(&b, KEY, "fourth", "", 4, true);
    m = await_done(&b, 3);
    cr_assert(m.turn_done.outcome == OUTCOME_DONE);
    msg_clear(&m);
    m = await_done(&b, 4);
    msg_clear(&m);
    halt(&b, true);
}

Test(router, a_stop_of_a_message_that_still_waits_leaves_the_others_alone, .timeout = 30)
{
    struct bench b = boot("{agents: {defaults: {maxConcurrent: 1}}}", NULL);
    submit(&b, "agent:main:other", "/demo slow 1000 20", "", 1); /* has the only permit */
    await_delta(&b, 1);
    submit_as(&b, KEY, "second", "", 2, true);
    submit_as(&b, KEY, "third", "", 3, true);
    for (int accepted = 0; accepted < 2; accepted++) {
        struct msg m = await_kind(&b, MSG_turn_accepted);
        msg_clear(&m);
    }
    abort_turn(&b, 3); /* it waits still: it alone ends */
    expect_aborted(&b, 3);
    abort_turn(&b, 1);
    struct msg m = await_done(&b, 2);
    cr_assert(m.turn_done.outcome == OUTCOME_DONE && str_find(m.turn_done.text, STR("Queued")) < 0);
    msg_clear(&m);
    halt(&b, true);
}

Test(router, tells_what_runs_what_waits_and_what_has_ended, .timeout = 30)
{
    struct bench b = boot("{agents: {defaults: {maxConcurrent: 3}}}", NULL);
    submit(&b, "agent:main:before", "hello", "", 1);
    struct msg m = await_done(&b, 1);
    msg_clear(&m);
    submit(&b, KEY, "/demo slow 1000 20", "", 2);
    submit(&b, KEY, "second", "", 3);
    await_delta(&b, 2);
    json_t *told = status(&b, 0);
    const json_t *runs = json_object_get(told, "runs"), *recent = json_object_get(told, "recent");
    const json_t *lane = json_object_get(json_object_get(told, "lanes"), "main");
    cr_assert(int_of(told, "ts") > 0 && int_of(lane, "used") == 1 && int_of(lane, "cap") == 3 && int_of(lane, "waiting") == 1);
    cr_assert(int_of(json_object_get(told, "limits"), "maxConcurrent") == 3);
    cr_assert(int_of(json_object_get(json_object_get(told, "limits"), "subagents"), "maxSpawnDepth") == 1);
    cr_assert(json_array_size(runs) == 2 && !json_object_get(told, "more"));
    const json_t *first = json_array_get(runs, 0), *second = json_array_get(runs, 1);
    cr_assert(int_of(first, "turn") == 2 && strcmp(text_of(first, "state"), "running") == 0);
    cr_assert(strcmp(text_of(first, "sessionKey"), KEY) == 0 && strcmp(text_of(first, "agentId"), "main") == 0);
    cr_assert(strcmp(text_of(first, "lane"), "main") == 0 && int_of(first, "depth") == 0 && strcmp(text_of(first, "runId"), "run") == 0);
    cr_assert(strcmp(text_of(first, "provider"), "demo") == 0 && strcmp(text_of(first, "model"), "echo") == 0);
    cr_assert(int_of(first, "step") == 1 && int_of(first, "startedAtMs") >= int_of(first, "acceptedAtMs"));
    cr_assert(strcmp(text_of(second, "state"), "queued") == 0 && !json_object_get(second, "startedAtMs"));
    cr_assert(int_of(second, "elapsedMs") == 0 && int_of(second, "inputTokens") == 0);
    const json_t *past = json_array_get(recent, 0);
    cr_assert(json_array_size(recent) == 1 && int_of(past, "turn") == 1 && strcmp(text_of(past, "outcome"), "done") == 0);
    cr_assert(int_of(past, "inputTokens") > 0 && int_of(past, "outputTokens") > 0 && int_of(past, "endedAtMs") > 0);
    json_decref(told);
    halt(&b, true);
}

Test(router, lists_a_bounded_number_of_runs_and_says_how_many_more_there_are, .timeout = 60)
{
    struct bench b = boot("{}", NULL);
    submit(&b, KEY, "/demo slow 10000 20", "", 1);
    await_delta(&b, 1);
    for (uint64_t i = 2; i <= 503; i++) submit(&b, KEY, "waits", "", i);
    json_t *told = status(&b, 0);
    cr_assert(json_array_size(json_object_get(told, "runs")) == 500 && int_of(told, "more") == 3);
    json_decref(told);
    halt(&b, true);
}

Test(router, remembers_the_last_32_turns, .timeout = 60)
{
    struct bench b = boot("{}", NULL);
    for (uint64_t i = 1; i <= 33; i++) submit(&b, KEY, "hello", "", i);
    struct msg m = await_done(&b, 33);
    msg_clear(&m);
    json_t *told = status(&b, 0);
    const json_t *recent = json_object_get(told, "recent");
    cr_assert(json_array_size(recent) == 32);
    cr_assert(int_of(json_array_get(recent, 0), "turn") == 33 && int_of(json_array_get(recent, 31), "turn") == 2);
    json_decref(told);
    halt(&b, true);
}

static const json_t *actor_named(const json_t *told, const char *name)
{
    size_t i;
    const json_t *actor;
    json_array_foreach(json_object_get(told, "actors"), i, actor)
    {
        if (strcmp(text_of(actor, "name"), name) == 0) return actor;
    }
    cr_assert_fail("no actor %s", name);
    return NULL;
}

Test(router, tells_how_the_bus_goes_and_how_a_turn_went, .timeout = 30)
{
    struct bench b = boot("{agents: {defaults: {model: {primary: 'demo/one', fallbacks: ['demo/two']}}}}", NULL);
    submit(&b, KEY, "/demo tool nosuchtool {}", "", 1); /* two requests, a tool between them */
    struct msg m = await_done(&b, 1);
    msg_clear(&m);
    json_t *told = status(&b, 1);
    cr_assert(int_of(told, "forwarded") > 0 && int_of(told, "mailboxes") >= 4 && int_of(told, "deadLetters") == 0);
    cr_assert(json_is_number(json_object_get(told, "forwardedPerSecond")) && int_of(told, "uptimeMs") >= 0);
    const json_t *store = actor_named(told, "store"), *session = actor_named(told, "session.0");
    cr_assert(strcmp(text_of(store, "kind"), "store") == 0 && strcmp(text_of(store, "state"), "running") == 0);
    cr_assert(int_of(store, "received") > 0 && int_of(store, "sent") > 0 && int_of(store, "restarts") == 0);
    cr_assert(int_of(store, "queued") == 0, "it has answered all");
    cr_assert(strcmp(text_of(session, "state"), "idle") == 0 && strcmp(text_of(session, "sessionKey"), KEY) == 0);
    cr_assert(!json_object_get(actor_named(told, "router"), "queued"), "which is not known of it");
    const json_t *provider = json_array_get(json_object_get(told, "providers"), 0);
    cr_assert(text_of(provider, "id")[0] && int_of(provider, "inFlight") == 0);
    const json_t *turn = json_array_get(json_object_get(told, "turns"), 0), *tries = json_object_get(turn, "candidates");
    cr_assert(int_of(turn, "turn") == 1 && int_of(turn, "storedMs") >= 0);
    cr_assert(int_of(turn, "grantedMs") >= int_of(turn, "storedMs") && int_of(turn, "promptMs") >= int_of(turn, "grantedMs"));
    cr_assert(int_of(turn, "firstByteMs") >= int_of(turn, "promptMs") && int_of(turn, "modelDoneMs") >= int_of(turn, "firstByteMs"));
    cr_assert(int_of(turn, "finishedMs") >= int_of(turn, "modelDoneMs") && int_of(turn, "toolsMs") >= 0);
    cr_assert(json_array_size(tries) == 2 && strcmp(text_of(json_array_get(tries, 1), "ref"), "demo/one") == 0);
    cr_assert(int_of(json_array_get(tries, 0), "endedMs") <= int_of(json_array_get(tries, 1), "startedMs"));
    json_decref(told);
    halt(&b, true);
}

Test(router, tells_of_failures_and_restarts, .timeout = 30)
{
    struct bench b = boot("{agents: {defaults: {model: {primary: 'demo/one', fallbacks: ['demo/two']}}}}", NULL);
    const struct msg stop = { .kind = MSG_actor_stop };
    submit(&b, KEY, "/demo fail 401", "", 1);
    struct msg m = await_done(&b, 1);
    msg_clear(&m);
    json_t *told = status(&b, 1);
    const json_t *turn = json_array_get(json_object_get(told, "turns"), 0);
    cr_assert(strcmp(text_of(json_array_get(json_object_get(turn, "candidates"), 0), "failure"), "auth") == 0);
    size_t i;
    const json_t *provider;
    json_array_foreach(json_object_get(told, "providers"), i, provider)
    {
        if (strcmp(text_of(provider, "id"), "demo") != 0) continue;
        cr_assert(strcmp(text_of(provider, "lastFailure"), "auth") == 0 && int_of(provider, "errors") >= 1);
        cr_assert(int_of(provider, "coolingUntilMs") > int_of(told, "ts"));
    }
    json_decref(told);
    cr_assert(mailbox_send(system_mailbox(b.system), "provider.demo", &stop) == 0);
    for (bool back = false; !back;) {
        told = status(&b, 1);
        const json_t *actor = actor_named(told, "provider.demo");
        back = int_of(actor, "restarts") == 1 && strcmp(text_of(actor, "state"), "running") == 0;
        json_decref(told);
    }
    halt(&b, true);
}
