/* Model requests: which candidate is tried, and what a failure means. */
#include "actors/policy_internal.h"
#include "base/err.h"

static struct request *find(const policy_t *p, int64_t id)
{
    struct request *r;
    HASH_FIND(hh, p->requests, &id, sizeof id, r);
    return r;
}

static struct policy_action *act(policy_t *p, enum policy_action_kind kind, const struct request *r)
{
    struct policy_action *a = policy_act(p, kind);
    a->request = r->id;
    a->turn = r->turn->id;
    return a;
}

static struct provider *provider_of(policy_t *p, const struct request *r)
{
    return &p->providers[r->tried[r->current].provider];
}

/* Lets the current candidate's provider go. */
static void leave(policy_t *p, struct request *r)
{
    if (r->current < 0) return;
    struct provider *v = provider_of(p, r);
    if (v->probe == r) v->probe = NULL;
    policy_list_remove(&r->in_provider);
    policy_retry_remove(p, r);
}

/* The request is over: no longer known, but its memory stays for this step's actions. */
static void bury(policy_t *p, struct request *r)
{
    leave(p, r);
    r->turn->request = NULL;
    HASH_DEL(p->requests, r);
    r->dead = p->dead;
    p->dead = r;
}

void policy_requests_bury(policy_t *p)
{
    for (struct request *r = p->dead, *next; r; r = next) {
        next = r->dead;
        policy_free(p, r);
    }
    p->dead = NULL;
}

static void try(policy_t *p, struct request *r, int candidate)
{
    int provider = r->tried[candidate].provider;
    r->tried[candidate] = (struct policy_tried){ .provider = provider, .fate = POLICY_TRIED };
    r->current = candidate;
    r->attempt++;
    r->tried_step = p->steps;
    struct provider *v = provider_of(p, r);
    policy_list_push(&v->open, &r->in_provider);
    if (policy_provider_halfopen(p, provider) && !v->probe) v->probe = r;
    struct policy_action *a = act(p, POLICY_DO_TRY, r);
    a->candidate = candidate;
    a->provider = provider;
    a->attempt = r->attempt;
}

/* The first candidate not tried yet that does not cool down, or -1. Notes at the others why they are passed over;
 * of those that cool down *soonest becomes the one that does so shortest, or -1. */
static int choose(policy_t *p, struct request *r, int *soonest)
{
    *soonest = -1;
    for (int i = 0; i < r->count; i++) {
        struct policy_tried *c = &r->tried[i];
        if (c->fate == POLICY_TRIED || c->fate == POLICY_SKIPPED_UNKNOWN || c->fate == POLICY_SKIPPED_DUPLICATE) continue;
        const struct provider *v = &p->providers[c->provider];
        *c = (struct policy_tried){ .provider = c->provider, .fate = POLICY_SKIPPED_DOWN, .failure = FAILURE_network };
        if (!v->up) continue;
        if (policy_provider_usable(p, c->provider, r)) {
            c->fate = POLICY_NOT_TRIED;
            c->failure = FAILURE_none;
            return i;
        }
        c->fate = POLICY_SKIPPED_COOLING;
        c->failure = v->failure;
        c->until_ms = v->until_ms;
        if (*soonest < 0 || c->until_ms < r->tried[*soonest].until_ms) *soonest = i;
    }
    return -1;
}

static void fail(policy_t *p, struct request *r)
{
    struct policy_action *a = act(p, POLICY_DO_MODEL_FAILED, r);
    a->failure = r->current >= 0 ? r->tried[r->current].failure : FAILURE_no_provider;
    for (int i = 0; r->current < 0 && i < r->count; i++)
        if (r->tried[i].fate == POLICY_SKIPPED_DOWN) a->failure = FAILURE_network;
    a->visible = r->visible;
    a->tried = r->tried;
    a->tried_count = r->count;
    bury(p, r);
}

static void switch_to(policy_t *p, struct request *r, int candidate)
{
    if (r->current >= 0) {
        struct policy_action *a = act(p, POLICY_DO_SWITCH, r);
        a->from = r->current;
        a->candidate = candidate;
        a->failure = r->tried[r->current].failure;
    }
    try(p, r, candidate);
}

/* On to the next candidate, or to the end of them. */
static void advance(policy_t *p, struct request *r)
{
    int soonest, next = choose(p, r, &soonest);
    if (next < 0 && soonest >= 0 && !r->forced) {
        r->forced = true;
        next = soonest;
    }
    if (next < 0)
        fail(p, r);
    else
        switch_to(p, r, next);
}

static bool worth_a_retry(const policy_t *p, const struct request *r, enum failure failure, int64_t retry_after_ms)
{
    bool passing = failure == FAILURE_rate_limit || failure == FAILURE_overloaded || failure == FAILURE_server;
    return passing && !r->retried && !r->visible && retry_after_ms >= 0 && retry_after_ms <= p->limits.retry_after_max_ms;
}

static void failed(policy_t *p, struct request *r, enum failure failure, int64_t retry_after_ms)
{
    struct policy_tried *c = &r->tried[r->current];
    c->failure = failure;
    if (worth_a_retry(p, r, failure, retry_after_ms)) {
        r->retried = true;
        r->due_ms = p->now_ms + retry_after_ms;
        policy_retry_add(p, r);
        struct policy_action *a = act(p, POLICY_DO_RETRY_LATER, r);
        a->candidate = r->current;
        a->provider = c->provider;
        a->failure = failure;
        a->until_ms = r->due_ms;
        return;
    }
    policy_provider_note(p, c->provider, failure, retry_after_ms, r->tried_step);
    leave(p, r);
    if (failure_falls_back(failure) && !r->visible)
        advance(p, r);
    else
        fail(p, r);
}

void policy_request_retry(policy_t *p, struct request *r)
{
    int provider = r->tried[r->current].provider, soonest, other = -1;
    leave(p, r);
    if (!policy_provider_usable(p, provider, r)) other = choose(p, r, &soonest); /* it began to cool down meanwhile */
    if (other >= 0)
        switch_to(p, r, other);
    else
        try(p, r, r->current);
}

static void refuse(policy_t *p, const struct policy_event *e, enum policy_reason reason)
{
    struct policy_action *a = policy_act(p, POLICY_DO_MODEL_REFUSED);
    a->request = e->request;
    a->turn = e->turn;
    a->reason = reason;
}

static void set_candidates(const policy_t *p, struct request *r, const struct policy_candidate *from)
{
    for (int i = 0; i < r->count; i++) {
        struct policy_tried *c = &r->tried[i];
        c->provider = from[i].provider;
        if (c->provider < 0 || c->provider >= p->provider_count) {
            c->fate = POLICY_SKIPPED_UNKNOWN;
            c->failure = FAILURE_no_provider;
        }
        for (int j = 0; j < i && c->fate == POLICY_NOT_TRIED; j++)
            if (from[j].provider == from[i].provider && from[j].model == from[i].model) c->fate = POLICY_SKIPPED_DUPLICATE;
    }
}

int policy_on_model_request(policy_t *p, const struct policy_event *e)
{
    struct turn *t = policy_turn_find(p, e->turn);
    enum policy_reason reason = REASON_NONE;
    if (e->request <= 0) return GW_EINVAL;
    if (!t || t->state != POLICY_TURN_RUNNING || t->aborted)
        reason = REASON_NOT_RUNNING;
    else if (t->request || find(p, e->request))
        reason = REASON_REQUEST_OPEN;
    else if (e->candidate_count > POLICY_CANDIDATES_MAX)
        reason = REASON_CANDIDATES_MANY;
    if (reason) {
        refuse(p, e, reason);
        return 0;
    }
    if (policy_budget_refuses(p, t, e)) return 0;
    struct request *r = policy_alloc(p, sizeof *r + e->candidate_count * sizeof r->tried[0]);
    if (!r) return p->err;
    r->id = e->request;
    r->turn = t;
    r->current = -1;
    r->heap_at = NOT_IN_HEAP;
    r->count = (int)e->candidate_count;
    set_candidates(p, r, e->candidates);
    HASH_ADD(hh, p->requests, id, sizeof r->id, r);
    if (!policy_indexed(p, &r->hh)) return p->err;
    t->request = r;
    advance(p, r);
    return 0;
}

/* The request an answer is for; NULL when it is over, or the answer is of an earlier try or came during a retry's wait. */
static struct request *answered(const policy_t *p, const struct policy_event *e)
{
    struct request *r = find(p, e->request);
    if (!r || r->heap_at != NOT_IN_HEAP) return NULL;
    return e->attempt == 0 || e->attempt == r->attempt ? r : NULL;
}

int policy_on_model_visible(policy_t *p, const struct policy_event *e)
{
    struct request *r = answered(p, e);
    if (!r) return GW_ENOENT;
    r->visible = true;
    return 0;
}

int policy_on_model_ok(policy_t *p, const struct policy_event *e)
{
    struct request *r = answered(p, e);
    if (!r) return GW_ENOENT;
    policy_provider_worked(p, r->tried[r->current].provider);
    bury(p, r);
    return 0;
}

int policy_on_model_failed(policy_t *p, const struct policy_event *e)
{
    struct request *r = answered(p, e);
    if (!r) return GW_ENOENT;
    if (e->failure <= FAILURE_none || e->failure >= FAILURE_COUNT) return GW_EINVAL;
    r->visible |= e->visible;
    failed(p, r, e->failure, e->retry_after_ms);
    return 0;
}

void policy_request_cancel(policy_t *p, struct request *r, enum policy_reason reason)
{
    struct policy_action *a = act(p, POLICY_DO_MODEL_CANCEL, r);
    a->provider = r->tried[r->current].provider;
    a->attempt = r->attempt;
    a->reason = reason;
    bury(p, r);
}

int policy_on_model_aborted(policy_t *p, const struct policy_event *e)
{
    struct request *r = find(p, e->request);
    if (!r) return GW_ENOENT;
    policy_request_cancel(p, r, REASON_NONE);
    return 0;
}

int policy_on_provider_down(policy_t *p, const struct policy_event *e)
{
    if (e->provider < 0 || e->provider >= p->provider_count) return GW_ENOENT;
    struct provider *v = &p->providers[e->provider];
    v->up = false;
    while (v->open.count && !p->err) failed(p, HOLDER(v->open.first, struct request, in_provider), FAILURE_network, -1);
    return 0;
}

int policy_on_provider_up(policy_t *p, const struct policy_event *e)
{
    if (e->provider < 0 || e->provider >= p->provider_count) return GW_ENOENT;
    p->providers[e->provider].up = true;
    return 0;
}
