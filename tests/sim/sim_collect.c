/* The oracle for turns that are collected into another: which, when, and how they end. */
#include "tests/sim/sim.h"

static bool takes_slot(const struct sim *s, int64_t turn)
{
    for (int i = 0; i < SLOTS; i++)
        if (s->slots[i].handle && s->slots[i].turn == turn) return true;
    return false;
}

/* The turn that waits first in a session, or (lead is not 0) right behind that one and those it has collected; NULL: none. */
static struct sim_turn *next_of(struct sim *s, int session, int64_t lead)
{
    for (int i = 0; i < s->turn_count; i++) {
        struct sim_turn *t = &s->turns[i];
        if (t->session == session && t->id != lead && (t->state == POLICY_TURN_PENDING || t->state == POLICY_TURN_QUEUED)) return t;
    }
    return NULL;
}

static bool may_join(struct sim *s, const struct sim_turn *lead, const struct sim_turn *t)
{
    int count = 1;
    int64_t bytes = lead->bytes + t->bytes;
    for (int i = 0; i < s->turn_count; i++) {
        if (s->turns[i].lead != lead->id) continue;
        count++;
        bytes += s->turns[i].bytes;
    }
    return lead->collect && t->collect == lead->collect && t->lane == lead->lane && t->state == POLICY_TURN_QUEUED && !t->aborted &&
           !takes_slot(s, lead->id) && !takes_slot(s, t->id) && count < POLICY_COLLECT_MAX && bytes <= POLICY_COLLECT_BYTES_MAX;
}

void sim_collect_check(struct sim *s, struct sim_turn *t, int64_t into)
{
    struct sim_turn *lead = sim_turn_find(s, into);
    RULE(s, lead && lead->session == t->session && lead->state == POLICY_TURN_QUEUED && next_of(s, t->session, 0) == lead,
         "turn %ld is collected into one that does not start", (long)t->id);
    RULE(s, next_of(s, lead->session, lead->id) == t && may_join(s, lead, t), "turn %ld must not be collected", (long)t->id);
    t->state = POLICY_TURN_COLLECTED;
    t->lead = into;
}

/* A turn that starts has taken along all it could. */
void sim_collect_joined(struct sim *s, const struct sim_turn *lead)
{
    const struct sim_turn *t = next_of(s, lead->session, lead->id);
    RULE(s, !t || !may_join(s, lead, t), "turn %ld could have been collected", (long)t->id);
}

/* A part ends with its whole, right before it. */
void sim_collect_part_ends(struct sim *s, const struct sim_turn *t, const struct policy_action *a)
{
    struct sim_turn *lead = sim_turn_find(s, t->lead);
    RULE(s, lead && a->of_turn == t->lead && sim_is_active(lead), "turn %ld ends without its whole", (long)t->id);
    RULE(s, !lead->parts_ended || lead->parts_outcome == a->outcome, "turn %ld: wrong outcome of a part", (long)t->id);
    lead->parts_ended = true;
    lead->parts_outcome = a->outcome;
}

void sim_collect_parts_ended(struct sim *s, const struct sim_turn *t, enum policy_outcome outcome)
{
    RULE(s, !t->parts_ended || t->parts_outcome == outcome, "turn %ld ends unlike its parts", (long)t->id);
    for (int i = 0; i < s->turn_count; i++) RULE(s, s->turns[i].lead != t->id, "turn %ld ends before its parts", (long)t->id);
}
