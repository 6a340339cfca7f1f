/* Turns, queues, lanes, workers, stops: one rule a test. The rules together: tests/sim/sim_policy.c. */
#include <stdio.h>

#include "support/policy_rig.h"

Test(policy, acknowledges_only_what_is_durable, .init = rig_start, .fini = rig_stop)
{
    cr_assert(step(turn_of(1, "s")) == 0);
    cr_assert(one(POLICY_DO_STORE)->turn == 1 && actions() == 1);
    cr_assert(policy_turn_state(policy, 1) == POLICY_TURN_PENDING);
    cr_assert(step((struct policy_event){ .kind = POLICY_STORED, .turn = 1, .ok = true }) == 0);
    cr_assert(nth(POLICY_DO_ACK, 0)->turn == 1 && one(POLICY_DO_START)->turn == 1);
    cr_assert(policy_turn_state(policy, 1) == POLICY_TURN_STARTING);
}

Test(policy, ends_what_could_not_be_stored_and_forgets_its_key, .init = rig_start, .fini = rig_stop)
{
    struct policy_event e = turn_of(1, "s");
    e.idempotency = STR("k");
    cr_assert(step(e) == 0);
    cr_assert(step((struct policy_event){ .kind = POLICY_STORED, .turn = 1, .ok = false }) == 0);
    cr_assert(one(POLICY_DO_END)->outcome == POLICY_FAILED && one(POLICY_DO_END)->reason == REASON_STORE_FAILED);
    e.turn = 2;
    cr_assert(step(e) == 0);
    cr_assert(one(POLICY_DO_STORE)->turn == 2);
}

Test(policy, runs_one_turn_a_session_in_order_of_submission, .init = rig_start, .fini = rig_stop)
{
    cr_assert(step(turn_of(1, "s")) == 0 && step(turn_of(2, "s")) == 0);
    cr_assert(step((struct policy_event){ .kind = POLICY_STORED, .turn = 2, .ok = true }) == 0);
    cr_assert(none(POLICY_DO_START), "turn 1 came first, though the store was slower with it");
    cr_assert(step((struct policy_event){ .kind = POLICY_STORED, .turn = 1, .ok = true }) == 0);
    cr_assert(one(POLICY_DO_START)->turn == 1);
    cr_assert(step((struct policy_event){ .kind = POLICY_WORKER_READY, .worker = one(POLICY_DO_START)->worker }) == 0);
    cr_assert(one(POLICY_DO_RUN)->fresh);
    done(1);
    cr_assert(one(POLICY_DO_RUN)->turn == 2 && !one(POLICY_DO_RUN)->fresh);
}

Test(policy, keeps_a_lane_at_its_cap, .init = rig_start, .fini = rig_stop)
{
    char key[16];
    for (int i = 1; i <= 5; i++) {
        snprintf(key, sizeof key, "s%d", i);
        accept(turn_of(i, key));
        cr_assert(none(POLICY_DO_START) == (i == 5), "four at once, the fifth waits");
    }
    cr_assert(policy_lane_info(policy, LANE_MAIN).used == 4 && policy_lane_info(policy, LANE_MAIN).waiting == 1);
    struct policy_event cron = turn_of(6, "c");
    cron.lane = LANE_CRON;
    accept(cron);
    cr_assert(one(POLICY_DO_START)->turn == 6, "another lane has its own cap");
    cr_assert(step((struct policy_event){ .kind = POLICY_WORKER_READY, .worker = 0 }) == 0);
    done(1);
    cr_assert(one(POLICY_DO_START)->turn == 5, "on a worker of its own: the one of turn 1 stays warm for its session");
}

Test(policy, a_shrunken_cap_takes_no_permit_away, .init = rig_start, .fini = rig_stop)
{
    run(turn_of(1, "a"));
    run(turn_of(2, "b"));
    struct policy_limits limits = policy_limits_default();
    limits.lane_cap[LANE_MAIN] = 1;
    cr_assert(step((struct policy_event){ .kind = POLICY_CONFIG, .limits = &limits }) == 0 && actions() == 0);
    accept(turn_of(3, "c"));
    done(1);
    cr_assert(none(POLICY_DO_START) && policy_lane_info(policy, LANE_MAIN).used == 1, "still at the new cap");
    done(2);
    cr_assert(one(POLICY_DO_START)->turn == 3);
}

static void fill_queue(enum policy_drop drop)
{
    struct policy_limits limits = policy_limits_default();
    limits.queue_drop = drop;
    rig_start_with(&limits);
    run(turn_of(1, "s"));
    for (int i = 2; i <= 21; i++) {
        struct policy_event e = turn_of(i, "s");
        e.bounded = true;
        accept(e);
    }
    struct policy_event e = turn_of(22, "s");
    e.bounded = true;
    cr_assert(step(e) == 0);
}

Test(policy, refuses_one_waiting_turn_too_many, .init = rig_start, .fini = rig_stop)
{
    fill_queue(POLICY_DROP_NEW);
    const struct policy_action *a = one(POLICY_DO_REFUSE);
    cr_assert(a->turn == 22 && a->reason == REASON_QUEUE_FULL && a->current == 20 && a->max == 20);
    cr_assert(policy_turn_state(policy, 22) == POLICY_TURN_UNKNOWN);
    cr_assert(step(turn_of(23, "s")) == 0);
    cr_assert(one(POLICY_DO_STORE)->turn == 23, "whoever holds a connection is not bounded by the queue");
}

Test(policy, drops_the_oldest_waiting_turn_for_a_new_one, .init = rig_start, .fini = rig_stop)
{
    fill_queue(POLICY_DROP_OLD);
    cr_assert(one(POLICY_DO_DROP)->turn == 2 && one(POLICY_DO_DROP)->of_turn == 22 && one(POLICY_DO_STORE)->turn == 22);
    done(1);
    cr_assert(one(POLICY_DO_RUN)->turn == 3);
}

Test(policy, drops_a_turn_the_store_still_has, .init = rig_start, .fini = rig_stop)
{
    struct policy_limits limits = policy_limits_default();
    limits.queue_cap = 1;
    rig_start_with(&limits);
    struct policy_event e = turn_of(1, "s");
    e.bounded = true;
    cr_assert(step(e) == 0);
    e.turn = 2;
    cr_assert(step(e) == 0);
    cr_assert(one(POLICY_DO_DROP)->turn == 1);
    cr_assert(step((struct policy_event){ .kind = POLICY_STORED, .turn = 1, .ok = true }) == 0 && actions() == 0);
    cr_assert(policy_turn_state(policy, 1) == POLICY_TURN_UNKNOWN);
}

Test(policy, refuses_one_turn_too_many_in_a_lane, .init = rig_start, .fini = rig_stop)
{
    struct policy_limits limits = policy_limits_default();
    limits.lane_waiting_max = 2;
    rig_start_with(&limits);
    cr_assert(step(turn_of(1, "a")) == 0 && step(turn_of(2, "b")) == 0);
    cr_assert(one(POLICY_DO_STORE)->turn == 2);
    cr_assert(step(turn_of(3, "c")) == 0);
    cr_assert(one(POLICY_DO_REFUSE)->reason == REASON_LANE_FULL && one(POLICY_DO_REFUSE)->max == 2);
}

Test(policy, bounds_the_keys_it_keeps, .init = rig_start, .fini = rig_stop)
{
    static char long_key[POLICY_KEY_MAX + 1];
    memset(long_key, 'k', sizeof long_key);
    struct policy_event e = turn_of(1, "s");
    e.session = (struct str){ long_key, POLICY_KEY_MAX };
    cr_assert(step(e) == 0);
    cr_assert(one(POLICY_DO_STORE)->turn == 1);
    e.turn = 2;
    e.session.n++;
    cr_assert(step(e) == 0);
    cr_assert(one(POLICY_DO_REFUSE)->reason == REASON_TOO_LONG && one(POLICY_DO_REFUSE)->max == POLICY_KEY_MAX);
    cr_assert(step(turn_of(3, "")) == 0);
    cr_assert(one(POLICY_DO_REFUSE)->reason == REASON_TOO_LONG);
}

Test(policy, tells_a_repeat_of_its_first, .init = rig_start, .fini = rig_stop)
{
    struct policy_event e = turn_of(1, "s");
    e.idempotency = STR("k");
    run(e);
    e.turn = 2;
    cr_assert(step(e) == 0);
    cr_assert(one(POLICY_DO_DUPLICATE)->of_turn == 1 && one(POLICY_DO_DUPLICATE)->in_flight);
    done(1);
    now_ms += 299999;
    e.turn = 3;
    cr_assert(step(e) == 0);
    cr_assert(one(POLICY_DO_DUPLICATE)->of_turn == 1 && !one(POLICY_DO_DUPLICATE)->in_flight);
    now_ms += 1;
    e.turn = 4;
    cr_assert(step(e) == 0);
    cr_assert(one(POLICY_DO_STORE)->turn == 4, "five minutes after its end a key is new again");
}

Test(policy, remembers_as_many_ended_keys_as_it_may, .init = rig_start, .fini = rig_stop)
{
    struct policy_limits limits = policy_limits_default();
    limits.idempotent_max = 2;
    rig_start_with(&limits);
    const struct str keys[] = { STR("a"), STR("b"), STR("c") };
    for (int i = 0; i < 3; i++) {
        struct policy_event e = turn_of(i + 1, "s");
        e.idempotency = keys[i];
        run(e);
        done(i + 1);
    }
    cr_assert(policy_counts(policy).keys == 2);
    struct policy_event e = turn_of(4, "s");
    e.idempotency = keys[1];
    cr_assert(step(e) == 0);
    cr_assert(one(POLICY_DO_DUPLICATE)->of_turn == 2);
    e.idempotency = keys[0];
    cr_assert(step(e) == 0);
    cr_assert(one(POLICY_DO_STORE)->turn == 4);
}

Test(policy, takes_up_recovered_turns_without_bound_or_acknowledgement, .init = rig_start, .fini = rig_stop)
{
    struct policy_limits limits = policy_limits_default();
    limits.lane_waiting_max = 0;
    rig_start_with(&limits);
    struct policy_event e = turn_of(1, "s");
    e.kind = POLICY_RECOVER;
    cr_assert(step(e) == 0);
    cr_assert(one(POLICY_DO_START)->turn == 1 && none(POLICY_DO_ACK) && none(POLICY_DO_STORE));
}

Test(policy, ends_a_stopped_turn_once_at_every_state, .init = rig_start, .fini = rig_stop)
{
    const struct policy_event stop = { .kind = POLICY_ABORT, .session = STR("s"), .reason = REASON_USER };
    accept(turn_of(1, "s"));
    accept(turn_of(2, "s"));
    cr_assert(step(turn_of(3, "s")) == 0);
    cr_assert(step(stop) == 0);
    cr_assert(one(POLICY_DO_END)->turn == 2 && one(POLICY_DO_END)->outcome == POLICY_ABORTED, "the one that waits ends at once");
    cr_assert(step(stop) == 0 && actions() == 0, "a second stop changes nothing");
    cr_assert(step((struct policy_event){ .kind = POLICY_STORED, .turn = 3, .ok = true }) == 0);
    cr_assert(one(POLICY_DO_END)->turn == 3 && none(POLICY_DO_ACK));
    cr_assert(step((struct policy_event){ .kind = POLICY_WORKER_READY, .worker = 0 }) == 0);
    cr_assert(one(POLICY_DO_END)->turn == 1 && none(POLICY_DO_RUN));
    run(turn_of(4, "s"));
    cr_assert(step(stop) == 0);
    cr_assert(one(POLICY_DO_CANCEL)->turn == 4 && none(POLICY_DO_END));
    cr_assert(step(stop) == 0 && actions() == 0);
    cr_assert(step((struct policy_event){ .kind = POLICY_TURN_DONE, .turn = 4, .outcome = POLICY_ABORTED }) == 0);
    cr_assert(one(POLICY_DO_END)->reason == REASON_USER);
    cr_assert(step((struct policy_event){ .kind = POLICY_TURN_DONE, .turn = 4 }) == GW_ENOENT && actions() == 0);
}

Test(policy, gives_a_waiting_turns_permit_to_others, .init = rig_start, .fini = rig_stop)
{
    struct policy_limits limits = policy_limits_default();
    limits.lane_cap[LANE_MAIN] = 1;
    rig_start_with(&limits);
    run(turn_of(1, "a"));
    accept(turn_of(2, "b"));
    accept(turn_of(3, "c"));
    cr_assert(step((struct policy_event){ .kind = POLICY_WAIT_BEGIN, .turn = 1 }) == 0);
    cr_assert(one(POLICY_DO_START)->turn == 2);
    cr_assert(step((struct policy_event){ .kind = POLICY_WORKER_READY, .worker = 1 }) == 0);
    cr_assert(step((struct policy_event){ .kind = POLICY_WAIT_END, .turn = 1 }) == 0 && actions() == 0);
    done(2);
    cr_assert(one(POLICY_DO_RESUME)->turn == 1 && none(POLICY_DO_RUN), "before turn 3, which never ran");
}

Test(policy, a_failed_worker_ends_its_turn_and_the_session_goes_on_elsewhere, .init = rig_start, .fini = rig_stop)
{
    run(turn_of(1, "s"));
    accept(turn_of(2, "s"));
    cr_assert(step((struct policy_event){ .kind = POLICY_WORKER_FAILED, .worker = 0 }) == 0);
    cr_assert(one(POLICY_DO_END)->turn == 1 && one(POLICY_DO_END)->outcome == POLICY_FAILED);
    cr_assert(one(POLICY_DO_END)->reason == REASON_WORKER_FAILED && one(POLICY_DO_START)->turn == 2);
}

Test(policy, binds_the_worker_used_last_and_rebinds_when_there_are_no_more, .init = rig_start, .fini = rig_stop)
{
    struct policy_limits limits = policy_limits_default();
    limits.workers_max = 2;
    rig_start_with(&limits);
    run(turn_of(1, "a"));
    run(turn_of(2, "b"));
    done(1);
    done(2);
    run(turn_of(3, "c"));
    cr_assert(one(POLICY_DO_PARK)->worker == 0, "session a was idle longest");
    cr_assert(one(POLICY_DO_RUN)->worker == 0 && one(POLICY_DO_RUN)->fresh);
    accept(turn_of(4, "b"));
    cr_assert(one(POLICY_DO_RUN)->worker == 1 && !one(POLICY_DO_RUN)->fresh, "its own");
    accept(turn_of(5, "d"));
    cr_assert(none(POLICY_DO_START) && none(POLICY_DO_RUN), "both workers are busy");
    done(3);
    cr_assert(one(POLICY_DO_RUN)->turn == 5);
}

Test(policy, parks_idle_sessions_and_stops_spare_workers, .init = rig_start, .fini = rig_stop)
{
    struct policy_limits limits = policy_limits_default();
    limits.warm_max = 1;
    limits.spare_workers_max = 1;
    rig_start_with(&limits);
    run(turn_of(1, "a"));
    run(turn_of(2, "b"));
    done(1);
    cr_assert(none(POLICY_DO_PARK), "one may stay warm");
    done(2);
    cr_assert(one(POLICY_DO_PARK)->worker == 0, "not two");
    cr_assert(policy_next_due(policy) == now_ms + 300000);
    tick(299999);
    cr_assert(none(POLICY_DO_PARK));
    tick(1);
    cr_assert(one(POLICY_DO_PARK)->worker == 1 && one(POLICY_DO_STOP_WORKER)->worker == 0);
    cr_assert(policy_counts(policy).workers == 2, "until its thread is gone");
    cr_assert(step((struct policy_event){ .kind = POLICY_WORKER_GONE, .worker = 0 }) == 0);
    cr_assert(policy_counts(policy).workers == 1 && policy_counts(policy).sessions == 0 && policy_memory(policy) == 0);
    cr_assert(policy_next_due(policy) == -1);
}

Test(policy, drains_what_runs_and_leaves_what_waits_to_the_store, .init = rig_start, .fini = rig_stop)
{
    run(turn_of(1, "s"));
    accept(turn_of(2, "s"));
    cr_assert(step((struct policy_event){ .kind = POLICY_STOP_ACCEPTING }) == 0 && actions() == 0);
    cr_assert(step(turn_of(3, "t")) == 0);
    cr_assert(one(POLICY_DO_REFUSE)->reason == REASON_STOPPING);
    done(1);
    cr_assert(none(POLICY_DO_RUN) && nth(POLICY_DO_DRAINED, 0) != NULL);
    tick(1);
    cr_assert(none(POLICY_DO_DRAINED), "said once");
}

Test(policy, drains_everything_when_told_to, .init = rig_start, .fini = rig_stop)
{
    struct policy_limits limits = policy_limits_default();
    limits.drain_all = true;
    rig_start_with(&limits);
    run(turn_of(1, "s"));
    accept(turn_of(2, "s"));
    cr_assert(step((struct policy_event){ .kind = POLICY_STOP_ACCEPTING }) == 0);
    done(1);
    cr_assert(one(POLICY_DO_RUN)->turn == 2 && none(POLICY_DO_DRAINED));
    done(2);
    cr_assert(nth(POLICY_DO_DRAINED, 0) != NULL);
}

Test(policy, refuses_senseless_events_without_a_trace, .init = rig_start, .fini = rig_stop)
{
    const struct policy_limits defaults = policy_limits_default();
    cr_assert(step((struct policy_event){ .kind = POLICY_SUBMIT }) == GW_EINVAL);
    cr_assert(step((struct policy_event){ .kind = POLICY_STORED, .turn = 1 }) == GW_ENOENT);
    cr_assert(step((struct policy_event){ .kind = POLICY_CONFIG }) == GW_EINVAL);
    cr_assert(step((struct policy_event){ .kind = POLICY_CONFIG, .limits = &defaults }) == 0);
    cr_assert(step((struct policy_event){ .kind = POLICY_EVENT_COUNT }) == GW_EINVAL);
    cr_assert(step((struct policy_event){ .kind = POLICY_WORKER_READY, .worker = 3 }) == GW_ENOENT);
    run(turn_of(1, "s"));
    cr_assert(step(turn_of(1, "s")) == GW_EINVAL, "the id is in use");
    cr_assert(step((struct policy_event){ .kind = POLICY_WAIT_END, .turn = 1 }) == GW_EINVAL && actions() == 0);
    cr_assert(step((struct policy_event){ .kind = POLICY_ABORT, .turn = 1 }) == GW_EINVAL, "a stop needs its reason");
}
