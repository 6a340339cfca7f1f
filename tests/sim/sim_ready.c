/* The oracle for who may run next: what waits first in a session, when it is ready, and what is held until it is quiet. */
#include "tests/sim/sim.h"

struct sim_turn *sim_active_of(struct sim *s, int session)
{
    for (int i = 0; i < s->turn_count; i++)
        if (s->turns[i].session == session && sim_is_active(&s->turns[i])) return &s->turns[i];
    return NULL;
}

struct sim_turn *sim_head_of(struct sim *s, int session)
{
    for (int i = 0; i < s->turn_count; i++)
        if (s->turns[i].session == session && sim_is_waiting(&s->turns[i])) return &s->turns[i];
    return NULL;
}

/* Ready sessions: lane order is the order in which they became ready, groups of the sub-agent lane take turns. */

static int ready_in_group(const struct sim *s, int group)
{
    int n = 0;
    for (int i = 0; i < SESSIONS; i++)
        n += s->sessions[i].ready_seq && s->sessions[i].ready_lane == LANE_SUBAGENT && s->sessions[i].ready_group == group;
    return n;
}

void sim_unready(struct sim *s, int session)
{
    struct sim_session *it = &s->sessions[session];
    it->held = false;
    if (!it->ready_seq) return;
    it->ready_seq = 0;
    if (it->ready_lane == LANE_SUBAGENT && !ready_in_group(s, it->ready_group)) s->sessions[it->ready_group].ring_seq = 0;
}

void sim_make_ready(struct sim *s, int session)
{
    struct sim_session *it = &s->sessions[session];
    const struct sim_turn *head = sim_head_of(s, session);
    if (it->ready_seq || it->held || !head || head->state != POLICY_TURN_QUEUED || sim_active_of(s, session)) return;
    if (head->collect && it->quiet_ms > s->now_ms && !s->stopping) {
        it->held = true;
        it->held_seq = ++s->seq;
        return;
    }
    it->ready_lane = head->lane;
    it->ready_group = it->parent >= 0 ? it->parent : session;
    int ahead = 0;
    for (int i = 0; i < SESSIONS; i++) ahead += s->sessions[i].ready_seq && s->sessions[i].ready_lane == head->lane;
    if (head->lane == LANE_SUBAGENT) ahead = (ready_in_group(s, it->ready_group) + 1) * SESSIONS;
    it->passed = 0;
    it->passed_max = ahead;
    it->ready_seq = ++s->seq;
    if (head->lane == LANE_SUBAGENT && !s->sessions[it->ready_group].ring_seq) s->sessions[it->ready_group].ring_seq = ++s->seq;
}

/* It was queued. What runs, or is held, before it shall wait for more. */
void sim_pause(struct sim *s, const struct sim_turn *t, int64_t pause_ms)
{
    struct sim_session *it = &s->sessions[t->session];
    bool behind = sim_active_of(s, t->session) || it->held;
    if (!behind && sim_head_of(s, t->session) == t) it->quiet_ms = 0;
    if (!behind || !t->collect || it->pauses == POLICY_PAUSES_MAX) return;
    it->pauses++;
    it->quiet_ms = s->now_ms + pause_ms;
    it->held = false;
}

/* Sessions whose pause is over become ready, in the order in which it ended. */
void sim_quiet(struct sim *s)
{
    for (;;) {
        int next = -1;
        for (int i = 0; i < SESSIONS; i++) {
            const struct sim_session *it = &s->sessions[i], *best = next < 0 ? NULL : &s->sessions[next];
            if (!it->used || !it->held || (it->quiet_ms > s->now_ms && !s->stopping)) continue;
            if (!best || it->quiet_ms < best->quiet_ms || (it->quiet_ms == best->quiet_ms && it->held_seq < best->held_seq)) next = i;
        }
        if (next < 0) return;
        s->sessions[next].held = false;
        s->sessions[next].quiet_ms = 0;
        sim_make_ready(s, next);
    }
}
