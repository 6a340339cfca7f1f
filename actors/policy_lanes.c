/* Lanes: who gets the next permit. */
#include "actors/policy_internal.h"

/* In the sub-agent lane each requester is a group of its own, so that its children cannot starve another's. */
static struct group *group_of(policy_t *p, struct session *s, enum policy_lane lane)
{
    if (lane != LANE_SUBAGENT) return &p->lanes[lane].all;
    return s->parent ? &s->parent->group : &s->group;
}

void policy_lane_ready(policy_t *p, struct session *s)
{
    if (s->in_ready.list) return;
    enum policy_lane lane = HOLDER(s->waiting.first, struct turn, in_waiting)->lane;
    struct group *g = group_of(p, s, lane);
    policy_list_push(&g->ready, &s->in_ready);
    if (!g->in_ring.list) policy_list_push(&p->lanes[lane].ring, &g->in_ring);
}

void policy_lane_unready(struct session *s)
{
    if (!s->in_ready.list) return;
    struct group *g = HOLDER(s->in_ready.list, struct group, ready);
    policy_list_remove(&s->in_ready);
    if (!g->ready.count) policy_list_remove(&g->in_ring);
}

/* Gives the lane's next ready session a permit. @return false when there is none, or no worker for it */
static bool grant(policy_t *p, struct lane *lane)
{
    struct group *g = FIRST(&lane->ring, struct group, in_ring);
    if (!g) return false;
    struct session *s = HOLDER(g->ready.first, struct session, in_ready);
    struct worker *w = policy_worker_for(p, s);
    if (!w) return false;
    struct turn *t = HOLDER(s->waiting.first, struct turn, in_waiting);
    policy_turn_unqueue(p, t);
    if (g->in_ring.list) { /* to the back of the ring: the other groups come first */
        policy_list_remove(&g->in_ring);
        policy_list_push(&lane->ring, &g->in_ring);
    }
    s->active = t;
    s->pauses = 0;
    s->quiet_ms = 0;
    policy_collect(p, t, false);
    policy_worker_run(p, w, t);
    return true;
}

static void resume(policy_t *p, struct lane *lane)
{
    struct turn *t = HOLDER(lane->resume.first, struct turn, in_resume);
    policy_list_remove(&t->in_resume);
    policy_turn_set(p, t, POLICY_TURN_RUNNING);
    struct policy_action *a = policy_act(p, POLICY_DO_RESUME);
    a->turn = t->id;
    a->worker = t->session->worker->index;
}

void policy_schedule(policy_t *p)
{
    bool starts = !p->stopping || (p->limits.drain_all && !p->drained);
    for (int i = 0; i < LANE_COUNT; i++) {
        struct lane *lane = &p->lanes[i];
        while (lane->used < p->limits.lane_cap[i]) {
            if (lane->resume.count)
                resume(p, lane);
            else if (!starts || !grant(p, lane))
                break;
        }
    }
}
