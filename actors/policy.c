/* The entry: one event in, the actions of all that follows from it out. */
#include <stdlib.h>

#include "actors/policy_internal.h"
#include "base/err.h"

void policy_list_push(struct list *list, struct node *node)
{
    *node = (struct node){ .prev = list->last, .list = list };
    *(list->last ? &list->last->next : &list->first) = node;
    list->last = node;
    list->count++;
}

void policy_list_push_front(struct list *list, struct node *node)
{
    *node = (struct node){ .next = list->first, .list = list };
    *(list->first ? &list->first->prev : &list->last) = node;
    list->first = node;
    list->count++;
}

void policy_list_insert(struct list *list, struct node *after, struct node *node)
{
    if (!after || !after->next) {
        (after ? policy_list_push : policy_list_push_front)(list, node);
        return;
    }
    *node = (struct node){ .prev = after, .next = after->next, .list = list };
    after->next->prev = node;
    after->next = node;
    list->count++;
}

void policy_list_remove(struct node *node)
{
    struct list *list = node->list;
    if (!list) return;
    *(node->prev ? &node->prev->next : &list->first) = node->next;
    *(node->next ? &node->next->prev : &list->last) = node->prev;
    list->count--;
    *node = (struct node){ 0 };
}

void *policy_alloc(policy_t *p, size_t bytes)
{
    size_t *object = calloc(1, bytes);
    if (!object) {
        p->err = GW_ENOMEM;
        return NULL;
    }
    *object = bytes;
    p->live_bytes += bytes;
    return object;
}

void policy_free(policy_t *p, void *object)
{
    p->live_bytes -= *(size_t *)object;
    free(object);
}

bool policy_indexed(policy_t *p, const UT_hash_handle *hh)
{
    if (hh->tbl) return true;
    p->err = GW_ENOMEM;
    return false;
}

struct policy_action *policy_act(policy_t *p, enum policy_action_kind kind)
{
    if (p->action_count == p->action_cap) {
        size_t cap = p->action_cap * 2;
        struct policy_action *grown = realloc(p->actions, cap * sizeof *grown);
        if (grown) {
            p->actions = grown;
            p->action_cap = cap;
        } else {
            p->err = GW_ENOMEM;
            p->action_count--; /* lost, as the whole policy now is */
        }
    }
    struct policy_action *a = &p->actions[p->action_count++];
    *a = (struct policy_action){ .kind = kind };
    return a;
}

static int between(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

static int64_t positive(int64_t ms)
{
    return ms > 0 ? ms : 0;
}

struct policy_limits policy_limits_default(void)
{
    return (struct policy_limits){
        .lane_cap = { [LANE_MAIN] = 4, [LANE_SUBAGENT] = 8, [LANE_CRON] = 1 },
        .lane_waiting_max = 10000,
        .queue_cap = 20,
        .queue_drop = POLICY_DROP_SUMMARIZE,
        .workers_max = 4096 + 8,
        .warm_max = 64,
        .park_after_ms = 300000,
        .spare_workers_max = 8,
        .spare_after_ms = 60000,
        .idempotent_max = 1000,
        .idempotent_ms = 300000,
        .retry_after_max_ms = 5000,
        .spawn_depth_max = 1,
        .children_max = 5,
    };
}

static void set_limits(policy_t *p, const struct policy_limits *limits)
{
    struct policy_limits l = *limits;
    for (int i = 0; i < LANE_COUNT; i++) l.lane_cap[i] = between(l.lane_cap[i], 0, POLICY_WORKERS_MAX);
    l.lane_waiting_max = between(l.lane_waiting_max, 0, INT32_MAX);
    l.queue_cap = between(l.queue_cap, 0, INT32_MAX);
    l.workers_max = between(l.workers_max, 1, POLICY_WORKERS_MAX);
    l.warm_max = between(l.warm_max, 0, POLICY_WORKERS_MAX);
    l.spare_workers_max = between(l.spare_workers_max, 0, POLICY_WORKERS_MAX);
    l.idempotent_max = between(l.idempotent_max, 0, INT32_MAX);
    l.spawn_depth_max = between(l.spawn_depth_max, 0, INT32_MAX);
    l.children_max = between(l.children_max, 0, POLICY_CHILDREN_MAX);
    l.park_after_ms = positive(l.park_after_ms);
    l.spare_after_ms = positive(l.spare_after_ms);
    l.idempotent_ms = positive(l.idempotent_ms);
    l.retry_after_max_ms = positive(l.retry_after_max_ms);
    p->limits = l;
}

int policy_create(const struct policy_limits *limits, policy_t **out)
{
    enum { ACTIONS_FIRST = 64 };
    *out = NULL;
    policy_t *p = calloc(1, sizeof *p);
    if (!p) return GW_ENOMEM;
    p->actions = calloc(ACTIONS_FIRST, sizeof *p->actions);
    if (!p->actions) {
        free(p);
        return GW_ENOMEM;
    }
    p->action_cap = ACTIONS_FIRST;
    set_limits(p, limits);
    *out = p;
    return 0;
}

/* Frees the items of a table that has been cleared: they are still chained, by handles `at` bytes into each. */
static void free_chain(policy_t *p, void *item, size_t at)
{
    for (void *next; item; item = next) {
        next = ((UT_hash_handle *)(void *)((char *)item + at))->next;
        policy_free(p, item);
    }
}

static void free_tables(policy_t *p)
{
    struct turn *turns = p->turns;
    struct session *sessions = p->sessions;
    struct request *requests = p->requests;
    struct spawn *spawns = p->spawns;
    struct keep *keeps = p->keeps;
    HASH_CLEAR(hh, p->turns);
    HASH_CLEAR(hh, p->sessions);
    HASH_CLEAR(hh, p->requests);
    HASH_CLEAR(hh, p->spawns);
    HASH_CLEAR(hh, p->keeps);
    free_chain(p, turns, offsetof(struct turn, hh));
    free_chain(p, sessions, offsetof(struct session, hh));
    free_chain(p, requests, offsetof(struct request, hh));
    free_chain(p, spawns, offsetof(struct spawn, hh));
    free_chain(p, keeps, offsetof(struct keep, hh));
}

void policy_destroy(policy_t **policy_p)
{
    policy_t *p = *policy_p;
    *policy_p = NULL;
    if (!p) return;
    policy_requests_bury(p);
    policy_budgets_forget(p);
    free_tables(p);
    for (int i = 0; i < p->worker_count; i++) free(p->workers[i]);
    free(p->workers);
    free(p->retries);
    free(p->actions);
    free(p);
}

static int on_stop_accepting(policy_t *p, const struct policy_event *e)
{
    (void)e;
    p->stopping = true;
    policy_sessions_quiet(p); /* nothing comes any more */
    return 0;
}

static int on_config(policy_t *p, const struct policy_event *e)
{
    if (!e->limits) return GW_EINVAL;
    set_limits(p, e->limits);
    return 0;
}

static int on_tick(policy_t *p, const struct policy_event *e)
{
    (void)e;
    while (p->retry_count && p->retries[0]->due_ms <= p->now_ms) policy_request_retry(p, p->retries[0]);
    policy_sessions_quiet(p);
    policy_keys_expire(p);
    policy_workers_tick(p);
    return 0;
}

static int (*const handlers[POLICY_EVENT_COUNT])(policy_t *, const struct policy_event *) = {
    [POLICY_SUBMIT] = policy_on_submit,
    [POLICY_STORED] = policy_on_stored,
    [POLICY_RECOVER] = policy_on_recover,
    [POLICY_TURN_DONE] = policy_on_turn_done,
    [POLICY_ABORT] = policy_on_abort,
    [POLICY_WAIT_BEGIN] = policy_on_wait_begin,
    [POLICY_WAIT_END] = policy_on_wait_end,
    [POLICY_STEER] = policy_on_steer,
    [POLICY_WORKER_READY] = policy_on_worker_ready,
    [POLICY_WORKER_FAILED] = policy_on_worker_failed,
    [POLICY_WORKER_GONE] = policy_on_worker_gone,
    [POLICY_SPENT] = policy_on_spent,
    [POLICY_SPENT_LOADED] = policy_on_spent_loaded,
    [POLICY_MODEL_REQUEST] = policy_on_model_request,
    [POLICY_MODEL_VISIBLE] = policy_on_model_visible,
    [POLICY_MODEL_OK] = policy_on_model_ok,
    [POLICY_MODEL_FAILED] = policy_on_model_failed,
    [POLICY_MODEL_ABORTED] = policy_on_model_aborted,
    [POLICY_COOLDOWN_LOADED] = policy_on_cooldown_loaded,
    [POLICY_PROVIDER_DOWN] = policy_on_provider_down,
    [POLICY_PROVIDER_UP] = policy_on_provider_up,
    [POLICY_SPAWN] = policy_on_spawn,
    [POLICY_CHILD_ENDED] = policy_on_child_ended,
    [POLICY_STOP_ACCEPTING] = on_stop_accepting,
    [POLICY_CONFIG] = on_config,
    [POLICY_TICK] = on_tick,
};

static void say_drained(policy_t *p)
{
    bool waits = false;
    if (!p->stopping || p->drained || p->active || p->pending) return;
    for (int i = 0; i < LANE_COUNT; i++) waits |= p->lanes[i].waiting > 0;
    if (waits && p->limits.drain_all) return;
    p->drained = true;
    policy_act(p, POLICY_DO_DRAINED);
}

int policy_step(policy_t *policy, const struct policy_event *event, int64_t now_ms)
{
    policy->action_count = 0;
    if (policy->err) return policy->err;
    if ((unsigned)event->kind >= POLICY_EVENT_COUNT) return GW_EINVAL;
    policy_requests_bury(policy);
    if (now_ms > policy->now_ms) policy->now_ms = now_ms;
    policy->steps++;
    int rc = handlers[event->kind](policy, event);
    if (policy->err) return policy->err;
    if (rc != 0) return rc;
    policy_schedule(policy);
    policy_workers_warm(policy);
    say_drained(policy);
    return policy->err;
}

const struct policy_action *policy_actions(const policy_t *policy, size_t *count)
{
    *count = policy->action_count;
    return policy->actions;
}
