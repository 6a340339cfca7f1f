/* Child slots: taken before the child exists, freed when its turn has ended in whatever way. */
#include "actors/policy_internal.h"
#include "base/err.h"

struct spawn *policy_spawn_find(const policy_t *p, int64_t id)
{
    struct spawn *spawn;
    HASH_FIND(hh, p->spawns, &id, sizeof id, spawn);
    return spawn;
}

struct spawn *policy_spawn_add(policy_t *p, struct session *parent, struct session *child, int64_t spawner)
{
    struct spawn *spawn = policy_alloc(p, sizeof *spawn);
    if (!spawn) return NULL;
    spawn->id = ++p->last_spawn;
    spawn->parent = parent;
    spawn->child = child;
    spawn->spawner = spawner;
    HASH_ADD(hh, p->spawns, id, sizeof spawn->id, spawn);
    if (!policy_indexed(p, &spawn->hh)) return NULL;
    policy_list_push(&parent->spawns, &spawn->in_parent);
    child->pins++;
    return spawn;
}

void policy_spawn_free(policy_t *p, struct spawn *spawn)
{
    struct session *parent = spawn->parent, *child = spawn->child;
    parent->pins++; /* the child's going must not take it along */
    policy_list_remove(&spawn->in_parent);
    HASH_DEL(p->spawns, spawn);
    policy_free(p, spawn);
    child->pins--;
    policy_session_release(p, child);
    parent->pins--;
    policy_session_release(p, parent);
}

void policy_spawn_unreserve(policy_t *p, struct session *s, int64_t turn)
{
    s->pins++;
    for (struct node *at = s->spawns.first, *next; at; at = next) {
        struct spawn *spawn = HOLDER(at, struct spawn, in_parent);
        next = at->next;
        if (!spawn->turn && (turn == 0 || spawn->spawner == turn)) policy_spawn_free(p, spawn);
    }
    s->pins--;
}

static bool is_allowed(const struct policy_event *e, const struct session *requester)
{
    if (e->allow_any || str_eq(e->target, requester->agent)) return true;
    for (size_t i = 0; i < e->allow_count; i++)
        if (str_eq(e->allow[i], e->target)) return true;
    return false;
}

/* Why this spawn may not be, in the order in which OpenClaw checks; a bound sets current and max. */
static enum policy_reason check(const policy_t *p, const struct policy_event *e, const struct turn *t, struct policy_action *a)
{
    if (!t || t->state != POLICY_TURN_RUNNING || t->aborted) return REASON_NOT_RUNNING;
    if (p->stopping) return REASON_STOPPING;
    if (e->session.n == 0 || e->session.n > POLICY_KEY_MAX || e->target.n == 0 || e->target.n > POLICY_KEY_MAX) return REASON_TOO_LONG;
    const struct session *s = t->session;
    if (s->depth >= p->limits.spawn_depth_max) {
        a->current = s->depth;
        a->max = p->limits.spawn_depth_max;
        return REASON_SPAWN_DEPTH;
    }
    if (s->spawns.count >= p->limits.children_max) {
        a->current = s->spawns.count;
        a->max = p->limits.children_max;
        return REASON_SPAWN_CHILDREN;
    }
    if (!is_allowed(e, s)) return REASON_SPAWN_DENIED;
    if (!e->target_known) return REASON_SPAWN_UNKNOWN;
    return policy_session_find(p, e->session) ? REASON_SPAWN_EXISTS : REASON_NONE;
}

int policy_on_spawn(policy_t *p, const struct policy_event *e)
{
    struct turn *t = policy_turn_find(p, e->turn);
    if (e->turn <= 0 || e->allow_count > POLICY_ALLOW_MAX) return GW_EINVAL;
    struct policy_action *a = policy_act(p, POLICY_DO_SPAWN_REFUSED);
    a->turn = e->turn;
    a->reason = check(p, e, t, a);
    if (a->reason) return 0;
    struct session *child = policy_session_get(p, e->session, e->target);
    if (!child) return p->err;
    policy_session_attach(child, t->session);
    child->spawner = t->id;
    struct spawn *spawn = policy_spawn_add(p, t->session, child, t->id);
    if (!spawn) return p->err;
    a->kind = POLICY_DO_SPAWN_OK;
    a->spawn = spawn->id;
    a->depth = child->depth;
    return 0;
}

int policy_on_child_ended(policy_t *p, const struct policy_event *e)
{
    struct spawn *spawn = policy_spawn_find(p, e->spawn);
    if (!spawn) return GW_ENOENT;
    if (spawn->turn) return GW_EINVAL; /* the end of that turn frees it */
    policy_spawn_free(p, spawn);
    return 0;
}
