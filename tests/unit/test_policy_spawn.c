/* The spawn tree: limits, slots, fairness between requesters, cascading stops. */
#include "support/policy_rig.h"

static const struct str allowed[] = { STR("alpha") };

/* Asks for a child of `turn`. @return the handle, or 0 when it was refused */
static int64_t spawn(int64_t turn, const char *child, const char *target)
{
    cr_assert(step((struct policy_event){ .kind = POLICY_SPAWN,
                                          .turn = turn,
                                          .session = str_of(child),
                                          .target = str_of(target),
                                          .target_known = true,
                                          .allow = allowed,
                                          .allow_count = 1 }) == 0);
    return none(POLICY_DO_SPAWN_OK) ? 0 : one(POLICY_DO_SPAWN_OK)->spawn;
}

static struct policy_event child_of(int64_t handle, int64_t turn, const char *session)
{
    struct policy_event e = turn_of(turn, session);
    e.agent = STR("alpha");
    e.lane = LANE_SUBAGENT;
    e.spawn = handle;
    return e;
}

static void use_depth(int depth)
{
    struct policy_limits limits = policy_limits_default();
    limits.spawn_depth_max = depth;
    rig_start_with(&limits);
}

Test(policy_spawn, refuses_one_level_too_deep, .init = rig_start, .fini = rig_stop)
{
    run(turn_of(1, "main"));
    int64_t handle = spawn(1, "child", "alpha");
    cr_assert(handle && one(POLICY_DO_SPAWN_OK)->depth == 1);
    run(child_of(handle, 2, "child"));
    cr_assert(!spawn(2, "grandchild", "alpha"));
    const struct policy_action *a = one(POLICY_DO_SPAWN_REFUSED);
    cr_assert(a->reason == REASON_SPAWN_DEPTH && a->current == 1 && a->max == 1);
}

Test(policy_spawn, counts_reserved_waiting_and_running_children_alike, .init = rig_start, .fini = rig_stop)
{
    struct policy_limits limits = policy_limits_default();
    limits.children_max = 3;
    limits.lane_cap[LANE_SUBAGENT] = 1;
    rig_start_with(&limits);
    run(turn_of(1, "main"));
    int64_t runs = spawn(1, "a", "alpha"), waits = spawn(1, "b", "alpha"), reserved = spawn(1, "c", "alpha");
    cr_assert(runs && waits && reserved);
    run(child_of(runs, 2, "a"));
    accept(child_of(waits, 3, "b"));
    cr_assert(!spawn(1, "d", "alpha"));
    const struct policy_action *a = one(POLICY_DO_SPAWN_REFUSED);
    cr_assert(a->reason == REASON_SPAWN_CHILDREN && a->current == 3 && a->max == 3);
    cr_assert(step((struct policy_event){ .kind = POLICY_CHILD_ENDED, .spawn = reserved }) == 0);
    cr_assert(spawn(1, "d", "alpha"), "a slot that was given back is free");
    done(2);
    cr_assert(spawn(1, "e", "alpha"), "and that of a child that ended");
    cr_assert(!spawn(1, "f", "alpha"));
}

Test(policy_spawn, checks_the_allowlist_then_whether_the_agent_exists, .init = rig_start, .fini = rig_stop)
{
    run(turn_of(1, "main"));
    cr_assert(!spawn(1, "a", "beta") && one(POLICY_DO_SPAWN_REFUSED)->reason == REASON_SPAWN_DENIED);
    cr_assert(spawn(1, "b", "main"), "itself is always allowed");
    struct policy_event any = { .kind = POLICY_SPAWN, .turn = 1, .session = STR("c"), .target = STR("ghost"), .allow_any = true };
    cr_assert(step(any) == 0);
    cr_assert(one(POLICY_DO_SPAWN_REFUSED)->reason == REASON_SPAWN_UNKNOWN);
    any.target_known = true;
    cr_assert(step(any) == 0);
    cr_assert(one(POLICY_DO_SPAWN_OK)->depth == 1);
    cr_assert(step(any) == 0);
    cr_assert(one(POLICY_DO_SPAWN_REFUSED)->reason == REASON_SPAWN_EXISTS);
}

Test(policy_spawn, frees_reservations_with_the_turn_that_made_them, .init = rig_start, .fini = rig_stop)
{
    run(turn_of(1, "main"));
    int64_t handle = spawn(1, "a", "alpha");
    done(1);
    cr_assert(policy_counts(policy).spawns == 0);
    cr_assert(step(child_of(handle, 2, "a")) == 0);
    cr_assert(one(POLICY_DO_REFUSE)->reason == REASON_SPAWN_GONE);
}

Test(policy_spawn, a_stop_reaches_every_descendant, .init = rig_start, .fini = rig_stop)
{
    use_depth(3);
    run(turn_of(1, "main"));
    int64_t a = spawn(1, "a", "alpha");
    run(child_of(a, 2, "a"));
    int64_t b = spawn(2, "b", "alpha");
    run(child_of(b, 3, "b"));
    int64_t c = spawn(3, "c", "alpha"), reserved = spawn(3, "d", "alpha");
    cr_assert(step(child_of(c, 4, "c")) == 0);
    done(2); /* the middle of the tree has ended, what it spawned has not */
    cr_assert(step((struct policy_event){ .kind = POLICY_ABORT, .session = STR("main"), .reason = REASON_USER, .cascade = true }) == 0);
    cr_assert(nth(POLICY_DO_CANCEL, 0)->turn == 1 && nth(POLICY_DO_CANCEL, 1)->turn == 3);
    cr_assert(step(child_of(reserved, 5, "d")) == 0);
    cr_assert(one(POLICY_DO_REFUSE)->reason == REASON_SPAWN_GONE);
    cr_assert(step((struct policy_event){ .kind = POLICY_STORED, .turn = 4, .ok = true }) == 0);
    cr_assert(one(POLICY_DO_END)->outcome == POLICY_ABORTED);
    cr_assert(!spawn(3, "e", "alpha") && one(POLICY_DO_SPAWN_REFUSED)->reason == REASON_NOT_RUNNING, "what is stopped spawns no more");
}

Test(policy_spawn, a_stop_of_one_turn_spares_what_another_spawned, .init = rig_start, .fini = rig_stop)
{
    run(turn_of(1, "main"));
    run(child_of(spawn(1, "a", "alpha"), 2, "a"));
    done(1);
    run(turn_of(3, "main"));
    run(child_of(spawn(3, "b", "alpha"), 4, "b"));
    cr_assert(step((struct policy_event){ .kind = POLICY_ABORT, .turn = 3, .reason = REASON_CLIENT_GONE, .cascade = true }) == 0);
    cr_assert(nth(POLICY_DO_CANCEL, 0)->turn == 3 && nth(POLICY_DO_CANCEL, 1)->turn == 4 && nth(POLICY_DO_CANCEL, 2) == NULL);
}

Test(policy_spawn, requesters_take_turns_in_the_sub_agent_lane, .init = rig_start, .fini = rig_stop)
{
    struct policy_limits limits = policy_limits_default();
    limits.lane_cap[LANE_SUBAGENT] = 1;
    rig_start_with(&limits);
    run(turn_of(1, "p"));
    run(turn_of(2, "q"));
    run(child_of(spawn(1, "p1", "alpha"), 11, "p1"));
    accept(child_of(spawn(1, "p2", "alpha"), 12, "p2"));
    accept(child_of(spawn(1, "p3", "alpha"), 13, "p3"));
    accept(child_of(spawn(2, "q1", "alpha"), 21, "q1"));
    const int64_t order[] = { 11, 12, 21, 13 };
    for (int i = 0; i < 3; i++) {
        done(order[i]);
        const struct policy_action *start = nth(POLICY_DO_START, 0);
        cr_assert((start ? start : one(POLICY_DO_RUN))->turn == order[i + 1]);
        if (start) cr_assert(step((struct policy_event){ .kind = POLICY_WORKER_READY, .worker = start->worker }) == 0);
    }
}

Test(policy_spawn, a_recovered_child_takes_its_slot_and_place_again, .init = rig_start, .fini = rig_stop)
{
    struct policy_limits limits = policy_limits_default();
    limits.children_max = 1;
    rig_start_with(&limits);
    struct policy_event child = child_of(1, 2, "a");
    child.kind = POLICY_RECOVER;
    child.requester = STR("main");
    child.depth = 1;
    cr_assert(step(child) == 0);
    cr_assert(policy_session_info(policy, STR("a")).depth == 1 && policy_session_info(policy, STR("main")).children == 1);
    run(turn_of(1, "main"));
    cr_assert(!spawn(1, "b", "alpha") && one(POLICY_DO_SPAWN_REFUSED)->reason == REASON_SPAWN_CHILDREN);
    cr_assert(step((struct policy_event){ .kind = POLICY_ABORT, .turn = 1, .reason = REASON_USER, .cascade = true }) == 0);
    cr_assert(policy_turn_state(policy, 2) == POLICY_TURN_STARTING);
    cr_assert(step((struct policy_event){ .kind = POLICY_WORKER_READY, .worker = 0 }) == 0);
    cr_assert(one(POLICY_DO_END)->turn == 2 && policy_session_info(policy, STR("main")).children == 0);
}

Test(policy_spawn, an_announcement_keeps_the_childs_depth, .init = rig_start, .fini = rig_stop)
{
    run(turn_of(1, "main"));
    run(child_of(spawn(1, "a", "alpha"), 2, "a"));
    done(2);
    tick(300000); /* parked and forgotten */
    struct policy_event again = child_of(0, 3, "a");
    again.requester = STR("main");
    again.depth = 1;
    run(again);
    cr_assert(!spawn(3, "b", "alpha") && one(POLICY_DO_SPAWN_REFUSED)->reason == REASON_SPAWN_DEPTH);
}

Test(policy_spawn, a_session_is_busy_while_it_or_a_descendant_has_work, .init = rig_start, .fini = rig_stop)
{
    use_depth(2);
    cr_assert(!policy_session_busy(policy, STR("main")), "not known");
    run(turn_of(1, "main"));
    int64_t first = spawn(1, "a", "alpha"), second = spawn(1, "b", "alpha");
    run(child_of(first, 2, "a"));
    run(child_of(second, 3, "b"));
    int64_t below = spawn(3, "c", "alpha");
    run(child_of(below, 4, "c"));
    done(1);
    done(2);
    done(3);
    cr_assert(policy_session_busy(policy, STR("main")) && policy_session_busy(policy, STR("b")), "a grandchild runs");
    cr_assert(!policy_session_busy(policy, STR("a")), "its sister does not count");
    struct policy_event stop = { .kind = POLICY_ABORT, .session = STR("main"), .reason = REASON_USER, .cascade = true };
    cr_assert(step(stop) == 0 && one(POLICY_DO_CANCEL)->turn == 4);
    cr_assert(policy_session_busy(policy, STR("main")), "it was told, and has not ended");
    cr_assert(policy_turn_info(policy, 4).stopping);
    cr_assert(step((struct policy_event){ .kind = POLICY_TURN_DONE, .turn = 4, .outcome = POLICY_ABORTED }) == 0);
    cr_assert(!policy_session_busy(policy, STR("main")));
}

Test(policy_spawn, tells_where_a_turn_stands_and_what_its_worker_does, .init = rig_start, .fini = rig_stop)
{
    run(turn_of(1, "main"));
    int64_t handle = spawn(1, "child", "alpha");
    run(child_of(handle, 2, "child"));
    struct policy_turn_info turn = policy_turn_info(policy, 2);
    cr_assert(turn.state == POLICY_TURN_RUNNING && turn.depth == 1 && str_is(turn.parent, "main") && !turn.stopping);
    cr_assert(policy_turn_info(policy, 1).parent.n == 0 && policy_turn_info(policy, 1).depth == 0);
    int index = policy_session_info(policy, STR("child")).worker;
    struct policy_worker_info worker = policy_worker_info(policy, index);
    cr_assert(worker.known && worker.turn == 2 && str_is(worker.session, "child"));
    done(2);
    cr_assert(policy_turn_info(policy, 2).state == POLICY_TURN_UNKNOWN);
    worker = policy_worker_info(policy, index);
    cr_assert(worker.known && worker.turn == 0 && str_is(worker.session, "child"), "idle, still bound");
    cr_assert(!policy_worker_info(policy, -1).known && !policy_worker_info(policy, 99).known);
}

static struct policy_event instead_of(int64_t old, int64_t turn, const char *session)
{
    struct policy_event e = child_of(0, turn, session);
    e.replaces = old;
    return e;
}

Test(policy_spawn, a_turn_that_replaces_another_takes_its_slot_and_stops_what_it_spawned, .init = rig_start, .fini = rig_stop)
{
    struct policy_limits limits = policy_limits_default();
    limits.children_max = 1;
    limits.spawn_depth_max = 2;
    rig_start_with(&limits);
    run(turn_of(1, "main"));
    run(child_of(spawn(1, "a", "alpha"), 2, "a"));
    run(child_of(spawn(2, "b", "alpha"), 3, "b"));
    accept(instead_of(2, 4, "a"));
    cr_assert(nth(POLICY_DO_CANCEL, 0)->turn == 2 && nth(POLICY_DO_CANCEL, 1)->turn == 3);
    cr_assert(step((struct policy_event){ .kind = POLICY_TURN_DONE, .turn = 2, .outcome = POLICY_ABORTED }) == 0);
    cr_assert(one(POLICY_DO_END)->turn == 2 && one(POLICY_DO_RUN)->turn == 4);
    cr_assert(!spawn(1, "c", "alpha") && one(POLICY_DO_SPAWN_REFUSED)->reason == REASON_SPAWN_CHILDREN, "the slot is held on");
    done(4);
    cr_assert(spawn(1, "c", "alpha"), "and free with the end of the new one");
}

Test(policy_spawn, only_a_turn_of_its_session_that_goes_on_is_replaced, .init = rig_start, .fini = rig_stop)
{
    run(turn_of(1, "main"));
    run(child_of(spawn(1, "a", "alpha"), 2, "a"));
    cr_assert(step(instead_of(1, 3, "a")) == 0 && one(POLICY_DO_REFUSE)->reason == REASON_NOT_RUNNING, "another session's");
    cr_assert(step(instead_of(99, 3, "a")) == 0 && one(POLICY_DO_REFUSE)->reason == REASON_NOT_RUNNING, "none");
    cr_assert(step((struct policy_event){ .kind = POLICY_ABORT, .turn = 2, .reason = REASON_KILLED }) == 0);
    cr_assert(step(instead_of(2, 3, "a")) == 0 && one(POLICY_DO_REFUSE)->reason == REASON_NOT_RUNNING, "one that is being stopped");
}

Test(policy_spawn, one_that_could_not_be_stored_replaces_nothing, .init = rig_start, .fini = rig_stop)
{
    run(turn_of(1, "main"));
    run(child_of(spawn(1, "a", "alpha"), 2, "a"));
    cr_assert(step(instead_of(2, 3, "a")) == 0);
    cr_assert(step((struct policy_event){ .kind = POLICY_STORED, .turn = 3 }) == 0);
    cr_assert(one(POLICY_DO_END)->turn == 3 && none(POLICY_DO_CANCEL));
    cr_assert(policy_counts(policy).spawns == 1);
}

Test(policy_spawn, the_store_tells_how_deep_a_session_is_that_somebody_writes_to, .init = rig_start, .fini = rig_stop)
{
    cr_assert(step(turn_of(1, "leaf")) == 0); /* nothing of it is in memory */
    const struct policy_event stored = { .kind = POLICY_STORED, .turn = 1, .ok = true, .requester = STR("main"), .depth = 1 };
    cr_assert(step(stored) == 0);
    cr_assert(step((struct policy_event){ .kind = POLICY_WORKER_READY, .worker = nth(POLICY_DO_START, 0)->worker }) == 0);
    cr_assert(policy_turn_info(policy, 1).depth == 1 && str_is(policy_turn_info(policy, 1).parent, "main"));
    cr_assert(!spawn(1, "child", "alpha") && one(POLICY_DO_SPAWN_REFUSED)->reason == REASON_SPAWN_DEPTH);
}
