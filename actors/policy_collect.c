/* Collecting: what waits in a session and may be joined runs as one turn, the first of them, and ends with it. */
#include "actors/policy_internal.h"
#include "base/err.h"

static bool may_join(const struct turn *lead, const struct turn *t, bool steers)
{
    return lead->collect && !lead->spawn && t->state == POLICY_TURN_QUEUED && t->collect == lead->collect && t->lane == lead->lane &&
           !t->spawn && (t->steer || !steers) && lead->collected.count + 1 < POLICY_COLLECT_MAX &&
           lead->message_bytes + t->message_bytes <= POLICY_COLLECT_BYTES_MAX;
}

void policy_collect(policy_t *p, struct turn *lead, bool steers)
{
    for (;;) {
        struct turn *t = FIRST(&lead->session->waiting, struct turn, in_waiting);
        if (!t || !may_join(lead, t, steers)) return;
        lead->message_bytes += t->message_bytes;
        policy_turn_unqueue(p, t);
        policy_turn_set(p, t, POLICY_TURN_COLLECTED);
        t->lead = lead;
        policy_list_push(&lead->collected, &t->in_collected);
        struct policy_action *a = policy_act(p, POLICY_DO_COLLECT);
        a->turn = t->id;
        a->of_turn = lead->id;
    }
}

/* What starts has no thread to be told yet; it is told when it runs. */
void policy_steer_hint(policy_t *p, const struct session *s)
{
    struct turn *lead = s->active, *t = FIRST(&s->waiting, struct turn, in_waiting);
    if (!lead || !t || lead->state == POLICY_TURN_STARTING || lead->aborted || !may_join(lead, t, true)) return;
    struct policy_action *a = policy_act(p, POLICY_DO_STEER);
    a->turn = lead->id;
    a->worker = s->worker->index;
}

int policy_on_steer(policy_t *p, const struct policy_event *e)
{
    struct turn *lead = policy_turn_find(p, e->turn);
    if (!lead) return GW_ENOENT;
    if (lead->state != POLICY_TURN_RUNNING) return GW_EINVAL;
    if (lead->aborted) return 0; /* it asked before it knew */
    policy_collect(p, lead, true);
    policy_session_settle(p, lead->session);
    return 0;
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
