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

static bool may_join(struct sim *s, const struct sim_turn *lead, const struct sim_turn *t, bool steers)
{
    int count = 1;
    int64_t bytes = lead->bytes + t->bytes;
    for (int i = 0; i < s->turn_count; i++) {
        if (s->turns[i].lead != lead->id) continue;
        count++;
        bytes += s->turns[i].bytes;
    }
    return lead->collect && t->collect == lead->collect && t->lane == lead->lane && t->state == POLICY_TURN_QUEUED && !t->aborted &&
           (t->steer || !steers) && !takes_slot(s, lead->id) && !takes_slot(s, t->id) && count < POLICY_COLLECT_MAX &&
           bytes <= POLICY_COLLECT_BYTES_MAX;
}

/* The turn that runs has said that it can take something in. */
static bool asked(const struct sim *s, const struct sim_turn *lead)
{
    return s->event->kind == POLICY_STEER && s->event->turn == lead->id && lead->state == POLICY_TURN_RUNNING && !lead->aborted;
}

void sim_collect_check(struct sim *s, struct sim_turn *t, int64_t into)
{
    struct sim_turn *lead = sim_turn_find(s, into);
    bool steers = lead && asked(s, lead);
    RULE(s, lead && lead->session == t->session && (steers || (lead->state == POLICY_TURN_QUEUED && next_of(s, t->session, 0) == lead)),
         "turn %ld is collected into one that does not start", (long)t->id);
    RULE(s, next_of(s, lead->session, lead->id) == t && may_join(s, lead, t, steers), "turn %ld must not be collected", (long)t->id);
    t->state = POLICY_TURN_COLLECTED;
    t->lead = into;
}

/* A turn that starts, or that asks, has taken along all it could. */
void sim_collect_joined(struct sim *s, const struct sim_turn *lead, bool steers)
{
    const struct sim_turn *t = next_of(s, lead->session, lead->id);
    RULE(s, !t || !may_join(s, lead, t, steers), "turn %ld could have been collected", (long)t->id);
}

/* The turn of a session that runs, when what waits first may join it; NULL: it may not. */
struct sim_turn *sim_collect_steered(struct sim *s, int session)
{
    const struct sim_turn *t = next_of(s, session, 0);
    for (int i = 0; i < s->turn_count; i++) {
        struct sim_turn *lead = &s->turns[i];
        bool runs = lead->state == POLICY_TURN_RUNNING || lead->state == POLICY_TURN_WAITING || lead->state == POLICY_TURN_RESUMING;
        if (lead->session == session && runs && !lead->aborted && t && may_join(s, lead, t, true)) return lead;
    }
    return NULL;
}

/* What its session's queue mode makes of it. That it steers shows once it is acknowledged. */
void sim_collect_queue_as(struct sim *s, struct sim_turn *t, const struct policy_event *e)
{
    t->steer = e->steer;
    if (e->alone) t->collect = 0;
    for (int i = 0; i < s->turn_count && e->interrupts; i++) {
        struct sim_turn *active = &s->turns[i];
        if (active->session == t->session && sim_is_active(active) && active->bounded) sim_turn_doom(active, REASON_INTERRUPTED);
    }
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
