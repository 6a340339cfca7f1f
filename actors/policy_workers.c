/* Workers: the threads that sessions borrow. */
#include <stdlib.h>

#include "actors/policy_internal.h"
#include "base/err.h"

static const bool allowed[WORKER_STATES][WORKER_STATES] = {
    [WORKER_UNUSED] = { [WORKER_STARTING] = true },
    [WORKER_STARTING] = { [WORKER_FREE] = true, [WORKER_UNUSED] = true },
    [WORKER_FREE] = { [WORKER_BUSY] = true, [WORKER_STOPPING] = true, [WORKER_UNUSED] = true },
    [WORKER_IDLE] = { [WORKER_FREE] = true, [WORKER_BUSY] = true, [WORKER_UNUSED] = true },
    [WORKER_BUSY] = { [WORKER_IDLE] = true, [WORKER_UNUSED] = true },
    [WORKER_STOPPING] = { [WORKER_UNUSED] = true },
};

static void set_state(policy_t *p, struct worker *w, enum worker_state state)
{
    struct list *const lists[WORKER_STATES] = { [WORKER_UNUSED] = &p->unused, [WORKER_FREE] = &p->free, [WORKER_IDLE] = &p->idle };
    bool may = allowed[w->state][state];
    assert(may);
    (void)may; /* for builds without assert */
    p->live += (w->state == WORKER_UNUSED) - (state == WORKER_UNUSED);
    policy_list_remove(&w->in_list);
    w->state = state;
    w->since_ms = p->now_ms;
    if (lists[state]) policy_list_push_front(lists[state], &w->in_list);
}

static struct policy_action *act(policy_t *p, enum policy_action_kind kind, const struct worker *w)
{
    struct policy_action *a = policy_act(p, kind);
    a->worker = w->index;
    return a;
}

static struct worker *find(const policy_t *p, int index)
{
    if (index < 0 || index >= p->worker_count) return NULL;
    return p->workers[index]->state == WORKER_UNUSED ? NULL : p->workers[index];
}

/* A worker object with the next index, UNUSED; NULL: p->err is set. */
static struct worker *make(policy_t *p)
{
    if (p->worker_count == p->worker_cap) {
        int cap = p->worker_cap ? p->worker_cap * 2 : 64;
        struct worker **grown = realloc(p->workers, (size_t)cap * sizeof(struct worker *));
        if (grown) {
            p->workers = grown;
            p->worker_cap = cap;
        }
    }
    struct worker *w = p->worker_count < p->worker_cap ? calloc(1, sizeof *w) : NULL;
    if (!w) {
        p->err = GW_ENOMEM;
        return NULL;
    }
    w->index = p->worker_count;
    p->workers[p->worker_count++] = w;
    policy_list_push(&p->unused, &w->in_list);
    return w;
}

static void unbind(policy_t *p, struct worker *w)
{
    struct session *s = w->session;
    w->session = NULL;
    s->worker = NULL;
    policy_session_release(p, s);
}

static void park(policy_t *p, struct worker *w)
{
    unbind(p, w);
    set_state(p, w, WORKER_FREE);
    act(p, POLICY_DO_PARK, w);
}

/* The idle or free worker that has been so longest. */
static struct worker *oldest(const struct list *list)
{
    return HOLDER(list->last, struct worker, in_list);
}

struct worker *policy_worker_for(policy_t *p, struct session *s)
{
    if (s->worker) return s->worker;
    if (p->free.count) return HOLDER(p->free.first, struct worker, in_list);
    if (p->live < p->limits.workers_max) return p->unused.count ? HOLDER(p->unused.first, struct worker, in_list) : make(p);
    if (!p->idle.count) return NULL;
    struct worker *w = oldest(&p->idle);
    park(p, w);
    return w;
}

static void run(policy_t *p, struct worker *w, struct turn *t)
{
    struct session *s = t->session;
    bool fresh = s->worker != w;
    s->worker = w;
    w->session = s;
    w->turn = t;
    set_state(p, w, WORKER_BUSY);
    policy_turn_set(p, t, POLICY_TURN_RUNNING);
    struct policy_action *a = act(p, POLICY_DO_RUN, w);
    a->turn = t->id;
    a->fresh = fresh;
    a->session = s->key;
    policy_steer_hint(p, s);
}

void policy_worker_run(policy_t *p, struct worker *w, struct turn *t)
{
    if (w->state != WORKER_UNUSED) {
        run(p, w, t);
        return;
    }
    w->turn = t;
    set_state(p, w, WORKER_STARTING);
    policy_turn_set(p, t, POLICY_TURN_STARTING);
    act(p, POLICY_DO_START, w)->turn = t->id;
}

void policy_worker_idle(policy_t *p, struct worker *w)
{
    w->turn = NULL;
    set_state(p, w, WORKER_IDLE);
}

int policy_on_worker_ready(policy_t *p, const struct policy_event *e)
{
    struct worker *w = find(p, e->worker);
    if (!w) return GW_ENOENT;
    if (w->state != WORKER_STARTING) return GW_EINVAL;
    struct turn *t = w->turn;
    w->turn = NULL;
    set_state(p, w, WORKER_FREE);
    if (t->aborted)
        policy_turn_end(p, t, POLICY_ABORTED, t->aborted);
    else
        run(p, w, t);
    return 0;
}

int policy_on_worker_failed(policy_t *p, const struct policy_event *e)
{
    struct worker *w = find(p, e->worker);
    if (!w) return GW_ENOENT;
    struct turn *t = w->turn; /* keeps its session while the worker lets go of it */
    w->turn = NULL;
    if (w->session) unbind(p, w);
    set_state(p, w, WORKER_UNUSED);
    if (t) policy_turn_end(p, t, POLICY_FAILED, REASON_WORKER_FAILED);
    return 0;
}

int policy_on_worker_gone(policy_t *p, const struct policy_event *e)
{
    struct worker *w = find(p, e->worker);
    if (!w) return GW_ENOENT;
    if (w->state != WORKER_STOPPING) return GW_EINVAL;
    set_state(p, w, WORKER_UNUSED);
    return 0;
}

void policy_workers_warm(policy_t *p)
{
    while (p->idle.count > p->limits.warm_max) park(p, oldest(&p->idle));
}

void policy_workers_tick(policy_t *p)
{
    while (p->idle.count && oldest(&p->idle)->since_ms + p->limits.park_after_ms <= p->now_ms) park(p, oldest(&p->idle));
    while (p->free.count > p->limits.spare_workers_max && oldest(&p->free)->since_ms + p->limits.spare_after_ms <= p->now_ms) {
        struct worker *w = oldest(&p->free);
        set_state(p, w, WORKER_STOPPING);
        act(p, POLICY_DO_STOP_WORKER, w);
    }
}
