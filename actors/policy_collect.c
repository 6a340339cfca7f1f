/* Collecting: what waits in a session and may be joined runs as one turn, the first of them, and ends with it. */
#include "actors/policy_internal.h"

static bool may_join(const struct turn *lead, const struct turn *t, int count, int64_t bytes)
{
    return t->state == POLICY_TURN_QUEUED && t->collect == lead->collect && t->lane == lead->lane && !t->spawn &&
           count < POLICY_COLLECT_MAX && bytes + t->message_bytes <= POLICY_COLLECT_BYTES_MAX;
}

void policy_collect(policy_t *p, struct turn *lead)
{
    int64_t bytes = lead->message_bytes;
    if (!lead->collect || lead->spawn) return;
    for (;;) {
        struct turn *t = FIRST(&lead->session->waiting, struct turn, in_waiting);
        if (!t || !may_join(lead, t, lead->collected.count + 1, bytes)) return;
        bytes += t->message_bytes;
        policy_turn_unqueue(p, t);
        policy_turn_set(p, t, POLICY_TURN_COLLECTED);
        t->lead = lead;
        policy_list_push(&lead->collected, &t->in_collected);
        struct policy_action *a = policy_act(p, POLICY_DO_COLLECT);
        a->turn = t->id;
        a->of_turn = lead->id;
    }
}

void policy_collected_end(policy_t *p, struct turn *lead, enum policy_outcome outcome, enum policy_reason reason)
{
    while (lead->collected.count) {
        struct turn *t = HOLDER(lead->collected.first, struct turn, in_collected);
        policy_list_remove(&t->in_collected);
        if (t->keep) policy_key_ended(p, t->keep, outcome);
        struct policy_action *a = policy_act(p, POLICY_DO_END);
        a->turn = t->id;
        a->of_turn = lead->id;
        a->outcome = outcome;
        a->reason = reason;
        policy_turn_forget(p, t);
    }
}
