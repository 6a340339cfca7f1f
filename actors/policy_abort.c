/* Stops: of a turn, of a session, and of all they spawned. */
#include "actors/policy_internal.h"
#include "base/err.h"

/* What waits ends now; what runs is told to, and ends by its TURN_DONE; the store's answer ends what the store has. */
static void stop(policy_t *p, struct turn *t, enum policy_reason reason)
{
    if (t->aborted) return;
    if (t->state == POLICY_TURN_QUEUED) {
        policy_turn_end(p, t, POLICY_ABORTED, reason);
        return;
    }
    t->aborted = reason;
    if (t->state == POLICY_TURN_PENDING || t->state == POLICY_TURN_STARTING) return;
    if (t->state == POLICY_TURN_RESUMING) {
        policy_list_remove(&t->in_resume);
        policy_turn_set(p, t, POLICY_TURN_WAITING);
    }
    if (t->request) policy_request_cancel(p, t->request, reason);
    struct policy_action *a = policy_act(p, POLICY_DO_CANCEL);
    a->turn = t->id;
    a->worker = t->session->worker->index;
    a->reason = reason;
}

/* Results of sub-agents and the like are not a person's: they are heard to their end. */
void policy_interrupt(policy_t *p, const struct session *s)
{
    if (s->active && s->active->bounded) stop(p, s->active, REASON_INTERRUPTED);
}

static void stop_session(policy_t *p, struct session *s, enum policy_reason reason)
{
    if (s->active) stop(p, s->active, reason);
    for (struct node *at = s->waiting.first, *next; at; at = next) {
        next = at->next;
        stop(p, HOLDER(at, struct turn, in_waiting), reason);
    }
}

/* The sessions of one stop, as a list; pinned, because ending turns takes sessions out of the tree. */
struct doomed {
    struct session *first, **end;
};

static void doom(struct doomed *list, struct session *s)
{
    s->pins++;
    s->doomed = NULL;
    *list->end = s;
    list->end = &s->doomed;
}

/* Adds the children of s: all, or those that one of its turns spawned. One of an unknown turn is among them: a stop
 * must reach every descendant. */
static void doom_children(struct doomed *list, const struct session *s, int64_t spawner)
{
    for (struct node *at = s->children.first; at; at = at->next) {
        struct session *child = HOLDER(at, struct session, in_children);
        if (spawner == 0 || child->spawner == 0 || child->spawner == spawner) doom(list, child);
    }
}

int policy_on_abort(policy_t *p, const struct policy_event *e)
{
    struct turn *t = e->turn ? policy_turn_find(p, e->turn) : NULL;
    if (t && t->lead) t = t->lead; /* a part cannot be taken out of what runs */
    struct session *s = t ? t->session : policy_session_find(p, e->session);
    if ((e->turn && !t) || !s) return GW_ENOENT;
    if (e->reason == REASON_NONE || (unsigned)e->reason >= REASON_COUNT) return GW_EINVAL;
    struct doomed list = { .end = &list.first };
    doom(&list, s);
    if (e->cascade) {
        doom_children(&list, s, t ? t->id : 0);
        for (const struct session *at = s->doomed; at; at = at->doomed) doom_children(&list, at, 0);
        policy_spawn_unreserve(p, s, t ? t->id : 0);
        for (struct session *at = s->doomed; at; at = at->doomed) policy_spawn_unreserve(p, at, 0);
    }
    if (t)
        stop(p, t, e->reason);
    else
        stop_session(p, s, e->reason);
    for (struct session *at = s->doomed; at; at = at->doomed) stop_session(p, at, e->reason == REASON_KILLED ? REASON_USER : e->reason);
    for (struct session *at = s, *next; at; at = next) {
        next = at->doomed;
        at->pins--;
        policy_session_release(p, at);
    }
    return 0;
}
