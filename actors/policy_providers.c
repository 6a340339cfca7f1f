/* Providers: consecutive errors and the cooldowns that follow from them. */
#include "actors/policy_internal.h"
#include "base/err.h"

enum { MINUTE_MS = 60 * 1000, HOUR_MS = 60 * MINUTE_MS, DAY_MS = 24 * HOUR_MS };

int policy_provider_add(policy_t *policy, struct str name, int *index)
{
    int at = 0;
    *index = -1;
    while (at < policy->provider_count && !policy->providers[at].removed) at++;
    if (at == POLICY_PROVIDERS_MAX) return GW_EFULL;
    struct provider fresh = { .up = true };
    int rc = str_copy(fresh.name, sizeof fresh.name, name);
    if (rc != 0) return rc;
    policy->providers[at] = fresh;
    if (at == policy->provider_count) policy->provider_count++;
    *index = at;
    return 0;
}

static bool is_candidate(const policy_t *p, int provider)
{
    for (const struct request *r = p->requests; r; r = r->hh.next)
        for (int i = 0; i < r->count; i++)
            if (r->tried[i].provider == provider) return true;
    return false;
}

int policy_provider_remove(policy_t *policy, int index)
{
    if (index < 0 || index >= policy->provider_count || policy->providers[index].removed) return GW_ENOENT;
    if (is_candidate(policy, index)) return GW_EBUSY;
    policy->providers[index] = (struct provider){ .removed = true };
    return 0;
}

/* 1 m, 5 m, 25 m, 1 h; billing 5 h doubling to 24 h: OpenClaw's own (reference/agent-runtime.md). */
static int64_t length(enum cooldown_kind kind, int errors)
{
    static const int64_t shorts[] = { MINUTE_MS, 5 * MINUTE_MS, 25 * MINUTE_MS, HOUR_MS };
    static const int64_t longs[] = { 5 * HOUR_MS, 10 * HOUR_MS, 20 * HOUR_MS, DAY_MS };
    int level = errors < 4 ? errors - 1 : 3;
    return kind == COOLDOWN_LONG ? longs[level] : shorts[level];
}

static void forget_old(policy_t *p, struct provider *v)
{
    if (v->errors && p->now_ms - v->error_ms >= DAY_MS && v->until_ms <= p->now_ms) {
        v->errors = 0;
        v->until_ms = 0;
    }
}

bool policy_provider_halfopen(const policy_t *p, int provider)
{
    const struct provider *v = &p->providers[provider];
    return v->until_ms != 0 && v->until_ms <= p->now_ms;
}

bool policy_provider_usable(policy_t *p, int provider, const struct request *r)
{
    struct provider *v = &p->providers[provider];
    forget_old(p, v);
    if (v->until_ms == 0) return true;
    return v->until_ms <= p->now_ms && (!v->probe || v->probe == r);
}

static void announce(policy_t *p, int provider)
{
    const struct provider *v = &p->providers[provider];
    struct policy_action *a = policy_act(p, POLICY_DO_COOLDOWN);
    a->provider = provider;
    a->until_ms = v->until_ms;
    a->errors = v->errors;
    a->failure = v->errors ? v->failure : FAILURE_none;
}

void policy_provider_note(policy_t *p, int provider, enum failure failure, int64_t retry_after_ms, uint64_t tried_step)
{
    struct provider *v = &p->providers[provider];
    enum cooldown_kind kind = failure_cooldown(failure);
    if (kind == COOLDOWN_NONE) return;
    forget_old(p, v);
    bool same = v->errors && failure_cooldown(v->failure) == kind;
    /* Requests that were under way when the first of them failed tell of the same trouble: one error, not many. */
    bool same_trouble = same && tried_step < v->noted_step;
    int64_t wait_ms = retry_after_ms > DAY_MS ? DAY_MS : retry_after_ms;
    if (!same_trouble) {
        v->errors = same ? v->errors + 1 : 1;
        v->error_ms = p->now_ms;
        v->noted_step = p->steps;
        if (wait_ms < length(kind, v->errors)) wait_ms = length(kind, v->errors);
    }
    bool longer = wait_ms >= 0 && p->now_ms + wait_ms > v->until_ms;
    if (longer) v->until_ms = p->now_ms + wait_ms;
    if (longer || !same) v->failure = failure;
    if (longer || !same_trouble) announce(p, provider);
}

void policy_provider_worked(policy_t *p, int provider)
{
    struct provider *v = &p->providers[provider];
    if (!v->errors && !v->until_ms) return;
    v->errors = 0;
    v->until_ms = 0;
    announce(p, provider);
}

int policy_on_cooldown_loaded(policy_t *p, const struct policy_event *e)
{
    if (e->provider < 0 || e->provider >= p->provider_count) return GW_ENOENT;
    if (e->until_ms <= 0 || e->errors <= 0 || failure_cooldown(e->failure) == COOLDOWN_NONE) return GW_EINVAL;
    struct provider *v = &p->providers[e->provider];
    int64_t latest_ms = p->now_ms + DAY_MS; /* no cooldown is longer: a clock that was wrong must not lock one out */
    v->until_ms = e->until_ms < latest_ms ? e->until_ms : latest_ms;
    v->errors = e->errors;
    v->failure = e->failure;
    v->error_ms = v->until_ms < p->now_ms ? v->until_ms : p->now_ms;
    return 0;
}
