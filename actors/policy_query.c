/* What the policy can be asked: it changes nothing. */
#include "actors/policy_internal.h"
#include "base/err.h"

const char *policy_lane_name(enum policy_lane lane)
{
    static const char *const names[LANE_COUNT] = { [LANE_MAIN] = "main", [LANE_SUBAGENT] = "subagent", [LANE_CRON] = "cron" };
    return names[lane];
}

const char *policy_reason_name(enum policy_reason reason)
{
    static const char *const names[REASON_COUNT] = {
        [REASON_NONE] = "none",
        [REASON_STOPPING] = "stopping",
        [REASON_QUEUE_FULL] = "queue_full",
        [REASON_LANE_FULL] = "lane_full",
        [REASON_TOO_LONG] = "too_long",
        [REASON_SPAWN_GONE] = "spawn_gone",
        [REASON_SPAWN_DEPTH] = "spawn_depth",
        [REASON_SPAWN_CHILDREN] = "spawn_children",
        [REASON_SPAWN_DENIED] = "spawn_denied",
        [REASON_SPAWN_UNKNOWN] = "spawn_unknown",
        [REASON_SPAWN_EXISTS] = "spawn_exists",
        [REASON_NOT_RUNNING] = "not_running",
        [REASON_REQUEST_OPEN] = "request_open",
        [REASON_CANDIDATES_MANY] = "candidates_many",
        [REASON_BUDGET] = "budget",
        [REASON_USER] = "user",
        [REASON_CLIENT_GONE] = "client_gone",
        [REASON_TIMEOUT] = "timeout",
        [REASON_INTERRUPTED] = "interrupted",
        [REASON_KILLED] = "killed",
        [REASON_STORE_FAILED] = "store_failed",
        [REASON_WORKER_FAILED] = "worker_failed",
    };
    return names[(unsigned)reason < REASON_COUNT ? reason : REASON_NONE];
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < 0 || b < a ? b : a;
}

int64_t policy_next_due(const policy_t *policy)
{
    const struct policy_limits *l = &policy->limits;
    int64_t due = -1;
    if (policy->retry_count) due = sooner(due, policy->retries[0]->due_ms);
    if (policy->held.count) due = sooner(due, HOLDER(policy->held.first, struct session, in_held)->quiet_ms);
    if (policy->ended.count) due = sooner(due, HOLDER(policy->ended.first, struct keep, in_ended)->ended_ms + l->idempotent_ms);
    if (policy->idle.count) due = sooner(due, HOLDER(policy->idle.last, struct worker, in_list)->since_ms + l->park_after_ms);
    if (policy->free.count > l->spare_workers_max)
        due = sooner(due, HOLDER(policy->free.last, struct worker, in_list)->since_ms + l->spare_after_ms);
    return due;
}

enum policy_turn_state policy_turn_state(const policy_t *policy, int64_t turn)
{
    const struct turn *t = policy_turn_find(policy, turn);
    return t ? t->state : POLICY_TURN_UNKNOWN;
}

struct policy_lane_info policy_lane_info(const policy_t *policy, enum policy_lane lane)
{
    if ((unsigned)lane >= LANE_COUNT) return (struct policy_lane_info){ 0 };
    const struct lane *l = &policy->lanes[lane];
    return (struct policy_lane_info){ .used = l->used, .cap = policy->limits.lane_cap[lane], .waiting = l->waiting };
}

struct policy_session_info policy_session_info(const policy_t *policy, struct str session)
{
    const struct session *s = policy_session_find(policy, session);
    if (!s) return (struct policy_session_info){ .worker = -1 };
    return (struct policy_session_info){
        .known = true,
        .turn = s->active ? s->active->id : 0,
        .waiting = s->waiting.count,
        .worker = s->worker ? s->worker->index : -1,
        .depth = s->depth,
        .children = s->spawns.count,
    };
}

bool policy_session_busy(const policy_t *policy, struct str session)
{
    const struct session *root = policy_session_find(policy, session), *s = root;
    while (s) { /* the tree below it, each before its children */
        if (s->active || s->waiting.count || s->spawns.count) return true;
        if (s->children.first) {
            s = HOLDER(s->children.first, struct session, in_children);
            continue;
        }
        while (s != root && !s->in_children.next) s = s->parent;
        s = s == root ? NULL : HOLDER(s->in_children.next, struct session, in_children);
    }
    return false;
}

struct policy_turn_info policy_turn_info(const policy_t *policy, int64_t turn)
{
    const struct turn *t = policy_turn_find(policy, turn);
    if (!t) return (struct policy_turn_info){ 0 };
    const struct session *s = t->session; /* NULL: it was dropped */
    return (struct policy_turn_info){ .state = t->state,
                                      .stopping = (t->lead ? t->lead->aborted : t->aborted) != REASON_NONE,
                                      .of_turn = t->lead ? t->lead->id : 0,
                                      .depth = s ? s->depth : 0,
                                      .parent = s && s->parent ? s->parent->key : (struct str){ 0 } };
}

struct policy_worker_info policy_worker_info(const policy_t *policy, int worker)
{
    if (worker < 0 || worker >= policy->worker_count) return (struct policy_worker_info){ 0 };
    const struct worker *w = policy->workers[worker];
    if (w->state == WORKER_UNUSED) return (struct policy_worker_info){ 0 };
    return (struct policy_worker_info){ .known = true,
                                        .turn = w->turn ? w->turn->id : 0,
                                        .session = w->session ? w->session->key : (struct str){ 0 } };
}

int policy_provider_info(const policy_t *policy, int provider, struct policy_provider_info *out)
{
    *out = (struct policy_provider_info){ 0 };
    if (provider < 0 || provider >= policy->provider_count) return GW_ENOENT;
    const struct provider *v = &policy->providers[provider];
    *out = (struct policy_provider_info){
        .name = str_of(v->name),
        .up = v->up,
        .probing = v->probe != NULL,
        .until_ms = v->until_ms > policy->now_ms ? v->until_ms : 0,
        .errors = v->errors,
        .failure = v->errors ? v->failure : FAILURE_none,
        .open = v->open.count,
    };
    return 0;
}

struct policy_counts policy_counts(const policy_t *policy)
{
    return (struct policy_counts){
        .sessions = (int)HASH_COUNT(policy->sessions),
        .turns = (int)HASH_COUNT(policy->turns),
        .requests = (int)HASH_COUNT(policy->requests),
        .spawns = (int)HASH_COUNT(policy->spawns),
        .keys = (int)HASH_COUNT(policy->keeps),
        .workers = policy->live,
        .workers_free = policy->free.count,
        .workers_idle = policy->idle.count,
        .stopping = policy->stopping,
    };
}

size_t policy_memory(const policy_t *policy)
{
    return policy->live_bytes;
}
