/* Sessions: the table by key, and the tree of who spawned whom. */
#include "actors/policy_internal.h"

struct session *policy_session_find(const policy_t *p, struct str key)
{
    struct session *s;
    HASH_FIND(hh, p->sessions, key.p, key.n, s);
    return s;
}

struct session *policy_session_get(policy_t *p, struct str key, struct str agent)
{
    struct session *s = policy_session_find(p, key);
    if (s && (s->agent.n || agent.n == 0)) return s;
    /* The agent stands behind the key; room for one that is not known yet is kept, so that the object never moves. */
    if (!s) {
        s = policy_alloc(p, sizeof *s + key.n + (agent.n ? agent.n : POLICY_KEY_MAX));
        if (!s) return NULL;
        memcpy(s->text, key.p, key.n);
        s->key = (struct str){ s->text, key.n };
        HASH_ADD_KEYPTR(hh, p->sessions, s->key.p, s->key.n, s);
        if (!policy_indexed(p, &s->hh)) return NULL;
    }
    if (agent.n) memcpy(s->text + s->key.n, agent.p, agent.n);
    s->agent = (struct str){ s->text + s->key.n, agent.n };
    return s;
}

void policy_session_attach(struct session *s, struct session *parent)
{
    s->parent = parent;
    if (s->depth < parent->depth + 1) s->depth = parent->depth + 1;
    policy_list_push(&parent->children, &s->in_children);
}

/* Behind those that are due before it. Pauses are nearly always the same, so that this is the last place. */
static void hold(policy_t *p, struct session *s)
{
    struct node *before = p->held.last;
    while (before && HOLDER(before, struct session, in_held)->quiet_ms > s->quiet_ms) before = before->prev;
    policy_list_insert(&p->held, before, &s->in_held);
}

void policy_session_settle(policy_t *p, struct session *s)
{
    const struct turn *head = FIRST(&s->waiting, struct turn, in_waiting);
    if (s->active || s->in_held.list || !head || head->state != POLICY_TURN_QUEUED) return;
    if (!s->in_ready.list && head->collect && s->quiet_ms > p->now_ms && !p->stopping)
        hold(p, s);
    else
        policy_lane_ready(p, s);
}

void policy_session_pause(policy_t *p, struct session *s, const struct turn *t, int64_t pause_ms)
{
    if (!s->active && !s->in_held.list && s->waiting.first == &t->in_waiting) s->quiet_ms = 0; /* of what has been answered */
    if (!t->collect || (!s->active && !s->in_held.list) || s->pauses >= POLICY_PAUSES_MAX) return;
    s->pauses++;
    s->quiet_ms = p->now_ms + pause_ms;
    policy_list_remove(&s->in_held); /* the caller settles it: its place is another one now */
}

void policy_sessions_quiet(policy_t *p)
{
    while (p->held.count) {
        struct session *s = HOLDER(p->held.first, struct session, in_held);
        if (s->quiet_ms > p->now_ms && !p->stopping) return;
        policy_list_remove(&s->in_held);
        policy_lane_ready(p, s);
    }
}

void policy_session_release(policy_t *p, struct session *s)
{
    while (s && !s->active && !s->waiting.count && !s->pins && !s->spawns.count && !s->children.count) {
        struct session *parent = s->parent;
        policy_list_remove(&s->in_children);
        s->parent = NULL;
        s->spawner = 0;
        if (!s->worker) {
            HASH_DEL(p->sessions, s);
            policy_free(p, s);
        }
        s = parent;
    }
}
