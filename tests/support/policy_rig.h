/** tests/support/policy_rig.h -- short ways to feed a policy and to look at what it answered. For one test file each. */
#ifndef SUPPORT_POLICY_RIG_H
#define SUPPORT_POLICY_RIG_H

#include <criterion/criterion.h>

#include "actors/policy.h"
#include "base/err.h"

static policy_t *policy;
static int64_t now_ms;

static inline void rig_stop(void)
{
    policy_destroy(&policy);
    cr_assert(policy == NULL);
}

static inline void rig_start_with(const struct policy_limits *limits)
{
    policy_destroy(&policy);
    now_ms = 1000000;
    cr_assert(policy_create(limits, &policy) == 0);
}

static inline void rig_start(void)
{
    struct policy_limits limits = policy_limits_default();
    rig_start_with(&limits);
}

static inline int step(struct policy_event event)
{
    return policy_step(policy, &event, now_ms);
}

/* The nth (0, 1, ...) action of a kind in the last step; NULL when there are fewer. */
static inline const struct policy_action *nth(enum policy_action_kind kind, int n)
{
    size_t count;
    const struct policy_action *actions = policy_actions(policy, &count);
    for (size_t i = 0; i < count; i++)
        if (actions[i].kind == kind && n-- == 0) return &actions[i];
    return NULL;
}

/* The one action of a kind; the test fails when there is none or a second. */
static inline const struct policy_action *one(enum policy_action_kind kind)
{
    const struct policy_action *action = nth(kind, 0);
    cr_assert(action != NULL, "no action of kind %d", (int)kind);
    cr_assert(nth(kind, 1) == NULL, "a second action of kind %d", (int)kind);
    return action;
}

static inline bool none(enum policy_action_kind kind)
{
    return nth(kind, 0) == NULL;
}

static inline size_t actions(void)
{
    size_t count;
    policy_actions(policy, &count);
    return count;
}

static inline struct policy_event turn_of(int64_t turn, const char *session)
{
    return (struct policy_event){ .kind = POLICY_SUBMIT, .turn = turn, .session = str_of(session), .agent = STR("main") };
}

/* Submits and stores a turn; what then starts stays to be looked at. */
static inline void accept(struct policy_event event)
{
    cr_assert(step(event) == 0);
    cr_assert(one(POLICY_DO_STORE)->turn == event.turn);
    cr_assert(step((struct policy_event){ .kind = POLICY_STORED, .turn = event.turn, .ok = true }) == 0);
    cr_assert(one(POLICY_DO_ACK)->turn == event.turn);
}

/* Submits, stores and runs a turn; its worker is started when it needs one. */
static inline void run(struct policy_event event)
{
    accept(event);
    const struct policy_action *start = nth(POLICY_DO_START, 0);
    if (start) cr_assert(step((struct policy_event){ .kind = POLICY_WORKER_READY, .worker = start->worker }) == 0);
    cr_assert(one(POLICY_DO_RUN)->turn == event.turn);
}

static inline void done(int64_t turn)
{
    cr_assert(step((struct policy_event){ .kind = POLICY_TURN_DONE, .turn = turn }) == 0);
    cr_assert(nth(POLICY_DO_END, 0)->turn == turn);
}

static inline void tick(int64_t after_ms)
{
    now_ms += after_ms;
    cr_assert(step((struct policy_event){ .kind = POLICY_TICK }) == 0);
}

#endif
