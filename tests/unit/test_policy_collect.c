/* Turns that wait in one session and run as one: which are joined, and how they end. */
#include "support/policy_rig.h"

static struct policy_event joinable(int64_t turn, const char *session, uint64_t collect, int64_t bytes)
{
    struct policy_event e = turn_of(turn, session);
    e.bounded = true;
    e.collect = collect;
    e.bytes = bytes;
    return e;
}

/* Turn 1 runs; `count` turns from 2 on wait behind it. */
static void start(int count, int64_t bytes)
{
    struct policy_limits limits = policy_limits_default();
    limits.queue_cap = 1000;
    rig_start_with(&limits);
    run(joinable(1, "s", 7, 10));
    for (int i = 0; i < count; i++) accept(joinable(2 + i, "s", 7, bytes));
}

/* It comes to turn 1's session, in the mode collect. */
static void submit_paused(int64_t turn, int64_t pause_ms)
{
    const struct policy_event e = joinable(turn, "s", 7, 10);
    cr_assert(step(e) == 0);
    cr_assert(step((struct policy_event){ .kind = POLICY_STORED, .turn = turn, .ok = true, .pause_ms = pause_ms }) == 0);
}

static void no_start(void)
{
    start(0, 0);
}

static int count_of(enum policy_action_kind kind)
{
    int n = 0;
    while (nth(kind, n)) n++;
    return n;
}

Test(policy_collect, what_waits_runs_as_one_and_ends_as_one, .init = no_start, .fini = rig_stop)
{
    start(3, 10);
    done(1);
    cr_assert(count_of(POLICY_DO_COLLECT) == 2 && one(POLICY_DO_RUN)->turn == 2);
    cr_assert(nth(POLICY_DO_COLLECT, 0)->turn == 3 && nth(POLICY_DO_COLLECT, 1)->turn == 4);
    cr_assert(nth(POLICY_DO_COLLECT, 0)->of_turn == 2 && nth(POLICY_DO_COLLECT, 1)->of_turn == 2);
    cr_assert(policy_turn_state(policy, 3) == POLICY_TURN_COLLECTED && policy_turn_info(policy, 4).of_turn == 2);
    cr_assert(policy_lane_info(policy, LANE_MAIN).used == 1 && policy_lane_info(policy, LANE_MAIN).waiting == 0);
    cr_assert(step((struct policy_event){ .kind = POLICY_TURN_DONE, .turn = 2, .outcome = POLICY_FAILED }) == 0);
    cr_assert(count_of(POLICY_DO_END) == 3);
    cr_assert(nth(POLICY_DO_END, 0)->turn == 3 && nth(POLICY_DO_END, 0)->of_turn == 2);
    cr_assert(nth(POLICY_DO_END, 1)->turn == 4 && nth(POLICY_DO_END, 1)->outcome == POLICY_FAILED);
    cr_assert(nth(POLICY_DO_END, 2)->turn == 2 && nth(POLICY_DO_END, 2)->of_turn == 0, "the whole comes last");
    cr_assert(policy_counts(policy).turns == 0);
}

Test(policy_collect, one_that_waits_alone_runs_alone, .init = no_start, .fini = rig_stop)
{
    start(1, 10);
    done(1);
    cr_assert(none(POLICY_DO_COLLECT) && one(POLICY_DO_RUN)->turn == 2);
}

Test(policy_collect, another_kind_between_them_keeps_the_order, .init = no_start, .fini = rig_stop)
{
    accept(joinable(2, "s", 7, 10));
    accept(joinable(3, "s", 8, 10)); /* of another channel, say */
    accept(joinable(4, "s", 7, 10));
    accept(joinable(5, "s", 0, 10)); /* one that must run alone */
    accept(joinable(6, "s", 0, 10));
    for (int64_t turn = 1; turn < 6; turn++) {
        done(turn);
        cr_assert(none(POLICY_DO_COLLECT) && one(POLICY_DO_RUN)->turn == turn + 1);
    }
}

Test(policy_collect, one_that_the_store_has_not_taken_yet_is_not_joined, .init = no_start, .fini = rig_stop)
{
    accept(joinable(2, "s", 7, 10));
    cr_assert(step(joinable(3, "s", 7, 10)) == 0);
    accept(joinable(4, "s", 7, 10));
    done(1);
    cr_assert(none(POLICY_DO_COLLECT), "3 is not durable, 4 must not overtake it");
}

Test(policy_collect, joins_64_turns_and_not_one_more, .init = no_start, .fini = rig_stop)
{
    start(POLICY_COLLECT_MAX + 1, 10);
    done(1);
    cr_assert(count_of(POLICY_DO_COLLECT) == 63);
    cr_assert(policy_turn_state(policy, 66) == POLICY_TURN_QUEUED, "the 65th waits for the next");
    cr_assert(step((struct policy_event){ .kind = POLICY_TURN_DONE, .turn = 2 }) == 0);
    cr_assert(one(POLICY_DO_RUN)->turn == 66 && none(POLICY_DO_COLLECT));
}

Test(policy_collect, joins_messages_up_to_a_size_and_not_a_byte_more, .init = no_start, .fini = rig_stop)
{
    start(2, POLICY_COLLECT_BYTES_MAX / 2);
    done(1);
    cr_assert(count_of(POLICY_DO_COLLECT) == 1, "8 MiB together");
    start(2, POLICY_COLLECT_BYTES_MAX / 2 + 1);
    done(1);
    cr_assert(none(POLICY_DO_COLLECT));
}

Test(policy_collect, a_stop_of_a_part_stops_the_whole, .init = no_start, .fini = rig_stop)
{
    start(2, 10);
    done(1);
    cr_assert(step((struct policy_event){ .kind = POLICY_ABORT, .turn = 3, .reason = REASON_USER, .cascade = true }) == 0);
    cr_assert(one(POLICY_DO_CANCEL)->turn == 2 && policy_turn_info(policy, 3).stopping);
    cr_assert(step((struct policy_event){ .kind = POLICY_TURN_DONE, .turn = 2, .outcome = POLICY_ABORTED }) == 0);
    cr_assert(count_of(POLICY_DO_END) == 2 && nth(POLICY_DO_END, 0)->reason == REASON_USER);
}

Test(policy_collect, a_repeat_of_a_parts_key_is_in_flight_until_the_whole_ends, .init = no_start, .fini = rig_stop)
{
    accept(joinable(2, "s", 7, 10));
    struct policy_event keyed = joinable(3, "s", 7, 10), repeat = joinable(4, "s", 7, 10);
    keyed.idempotency = repeat.idempotency = STR("k");
    accept(keyed);
    done(1);
    cr_assert(one(POLICY_DO_COLLECT)->turn == 3);
    cr_assert(step(repeat) == 0);
    cr_assert(one(POLICY_DO_DUPLICATE)->of_turn == 3 && one(POLICY_DO_DUPLICATE)->in_flight);
    cr_assert(step((struct policy_event){ .kind = POLICY_TURN_DONE, .turn = 2 }) == 0);
    repeat.turn = 5;
    cr_assert(step(repeat) == 0);
    cr_assert(one(POLICY_DO_DUPLICATE)->of_turn == 3 && !one(POLICY_DO_DUPLICATE)->in_flight);
}

Test(policy_collect, a_part_neither_asks_nor_ends_by_itself, .init = no_start, .fini = rig_stop)
{
    start(2, 10);
    done(1);
    cr_assert(step((struct policy_event){ .kind = POLICY_TURN_DONE, .turn = 3 }) == GW_EINVAL);
    cr_assert(step((struct policy_event){ .kind = POLICY_STORED, .turn = 3, .ok = true }) == GW_EINVAL);
    cr_assert(step((struct policy_event){ .kind = POLICY_MODEL_REQUEST, .turn = 3, .request = 1 }) == 0);
    cr_assert(one(POLICY_DO_MODEL_REFUSED)->reason == REASON_NOT_RUNNING);
    struct policy_event negative = joinable(9, "s", 7, -1);
    cr_assert(step(negative) == GW_EINVAL);
}

/* Turn 2 came behind turn 1, with a pause of a second. */
static void start_paused(void)
{
    start(0, 0);
    submit_paused(2, 1000);
}

Test(policy_collect, what_came_during_a_run_waits_for_more, .init = no_start, .fini = rig_stop)
{
    start_paused();
    now_ms += 600;
    submit_paused(3, 1000);
    done(1);
    cr_assert(none(POLICY_DO_RUN) && policy_next_due(policy) == now_ms + 1000);
    now_ms += 900;
    submit_paused(4, 1000);
    tick(999);
    cr_assert(none(POLICY_DO_RUN), "the third message began the pause anew");
    tick(1);
    cr_assert(one(POLICY_DO_RUN)->turn == 2 && count_of(POLICY_DO_COLLECT) == 2);
}

Test(policy_collect, a_session_that_runs_nothing_starts_at_once, .init = no_start, .fini = rig_stop)
{
    start_paused();
    now_ms += 1000;
    done(1);
    cr_assert(one(POLICY_DO_RUN)->turn == 2, "it was quiet for long enough before the end");
    done(2);
    submit_paused(3, 1000);
    cr_assert(one(POLICY_DO_RUN)->turn == 3);
}

Test(policy_collect, a_pause_ends_with_the_last_of_its_messages, .init = no_start, .fini = rig_stop)
{
    start_paused();
    done(1);
    cr_assert(step((struct policy_event){ .kind = POLICY_ABORT, .turn = 2, .reason = REASON_USER }) == 0);
    submit_paused(3, 1000);
    cr_assert(one(POLICY_DO_RUN)->turn == 3);
}

Test(policy_collect, messages_cannot_put_off_an_answer_for_ever, .init = no_start, .fini = rig_stop)
{
    start(0, 0);
    for (int i = 0; i < POLICY_PAUSES_MAX - 1; i++) submit_paused(2 + i, 1000);
    done(1);
    now_ms += 500;
    submit_paused(1 + POLICY_PAUSES_MAX, 1000);
    cr_assert(policy_next_due(policy) == now_ms + 1000, "the last that may put it off");
    now_ms += 999;
    submit_paused(2 + POLICY_PAUSES_MAX, 1000);
    tick(1);
    cr_assert(one(POLICY_DO_RUN)->turn == 2 && count_of(POLICY_DO_COLLECT) == POLICY_PAUSES_MAX);
}

Test(policy_collect, a_pause_is_no_time_that_was, .init = no_start, .fini = rig_stop)
{
    start(0, 0);
    cr_assert(step(joinable(2, "s", 7, 10)) == 0);
    cr_assert(step((struct policy_event){ .kind = POLICY_STORED, .turn = 2, .ok = true, .pause_ms = -1 }) == GW_EINVAL);
    cr_assert(policy_turn_state(policy, 2) == POLICY_TURN_PENDING, "nothing has changed");
}

Test(policy_collect, who_stops_does_not_wait_for_more, .init = no_start, .fini = rig_stop)
{
    struct policy_limits limits = policy_limits_default();
    start_paused();
    limits.drain_all = true;
    cr_assert(step((struct policy_event){ .kind = POLICY_CONFIG, .limits = &limits }) == 0);
    done(1);
    cr_assert(step((struct policy_event){ .kind = POLICY_STOP_ACCEPTING }) == 0);
    cr_assert(one(POLICY_DO_RUN)->turn == 2);
}
