/* The oracle for model requests: candidates, retries, cooldowns, probes. */
#include "tests/sim/sim.h"

static const int64_t minute_ms = 60000, hour_ms = 3600000, day_ms = 86400000;

struct sim_request *sim_request_find(struct sim *s, int64_t id)
{
    for (int i = 0; i < REQUESTS; i++)
        if (id && s->requests[i].id == id) return &s->requests[i];
    return NULL;
}

static void forget_old(struct sim *s, struct sim_provider *v)
{
    if (v->errors && s->now_ms - v->error_ms >= day_ms && v->until_ms <= s->now_ms) v->errors = 0, v->until_ms = 0;
}

static bool usable(struct sim *s, int provider, int64_t request)
{
    struct sim_provider *v = &s->providers[provider];
    forget_old(s, v);
    if (v->until_ms == 0) return true;
    if (v->until_ms > s->now_ms) return false;
    return v->probe == 0 || v->probe == request;
}

static int64_t cooldown_ms(enum failure f, int errors)
{
    int64_t ms = failure_cooldown(f) == COOLDOWN_LONG ? 5 * hour_ms : minute_ms;
    for (int i = 1; i < errors; i++) ms *= failure_cooldown(f) == COOLDOWN_LONG ? 2 : 5;
    int64_t most = failure_cooldown(f) == COOLDOWN_LONG ? day_ms : hour_ms;
    return ms > most || errors > 6 ? most : ms;
}

static void announce(struct sim *s, int provider)
{
    const struct sim_provider *v = &s->providers[provider];
    RULE(s, s->cooldown_count < COOLDOWNS, "the simulator's table of cooldowns is full");
    s->cooldowns[s->cooldown_count++] = (struct sim_cooldown){ provider, v->errors, v->until_ms, v->errors ? v->failure : FAILURE_none };
}

static void note(struct sim *s, const struct sim_request *r, enum failure f, int64_t retry_after_ms)
{
    int provider = r->provider[r->current];
    struct sim_provider *v = &s->providers[provider];
    if (failure_cooldown(f) == COOLDOWN_NONE) return;
    forget_old(s, v);
    bool same_kind = v->errors > 0 && failure_cooldown(v->failure) == failure_cooldown(f);
    bool known_trouble = same_kind && r->tried_seq < v->noted_seq;
    int64_t until_ms = retry_after_ms < 0 ? 0 : s->now_ms + (retry_after_ms > day_ms ? day_ms : retry_after_ms);
    if (!known_trouble) {
        v->errors = same_kind ? v->errors + 1 : 1;
        v->error_ms = s->now_ms;
        v->noted_seq = ++s->seq;
        int64_t step_ms = s->now_ms + cooldown_ms(f, v->errors);
        if (step_ms > until_ms) until_ms = step_ms;
    }
    bool longer = until_ms > v->until_ms;
    if (longer) v->until_ms = until_ms;
    if (longer || !same_kind) v->failure = f;
    if (longer || !known_trouble) announce(s, provider);
}

static void release(struct sim *s, const struct sim_request *r)
{
    for (int i = 0; i < PROVIDERS; i++)
        if (s->providers[i].probe == r->id) s->providers[i].probe = 0;
}

/* Whether candidate i may still be tried at all. */
static bool open_candidate(const struct sim *s, const struct sim_request *r, int i)
{
    if (r->tried[i] || r->provider[i] < 0 || r->provider[i] >= PROVIDERS || !s->providers[r->provider[i]].up) return false;
    for (int j = 0; j < i; j++)
        if (r->provider[j] == r->provider[i] && r->model[j] == r->model[i]) return false;
    return true;
}

/* The candidate the rules name: the first usable one, else once the soonest of those that cool down, else -1. */
static int rightful(struct sim *s, const struct sim_request *r, bool *cooling)
{
    int soonest = -1;
    *cooling = false;
    for (int i = 0; i < r->count; i++)
        if (open_candidate(s, r, i) && usable(s, r->provider[i], r->id)) return i;
    for (int i = 0; i < r->count && !r->forced; i++)
        if (open_candidate(s, r, i) && (soonest < 0 || s->providers[r->provider[i]].until_ms < s->providers[r->provider[soonest]].until_ms))
            soonest = i;
    *cooling = soonest >= 0;
    return soonest;
}

static bool retries(const struct sim *s, const struct sim_request *r, const struct policy_event *e)
{
    bool passing = e->failure == FAILURE_rate_limit || e->failure == FAILURE_overloaded || e->failure == FAILURE_server;
    return passing && !r->retried && !r->visible && e->retry_after_ms >= 0 && e->retry_after_ms <= s->limits.retry_after_max_ms;
}

static void failed(struct sim *s, struct sim_request *r, enum failure f, int64_t retry_after_ms)
{
    r->failure[r->current] = f;
    r->waits = false;
    r->must_move = true;
    note(s, r, f, retry_after_ms);
}

static void provider_down(struct sim *s, int provider)
{
    int64_t done = 0;
    s->providers[provider].up = false;
    for (;;) { /* in the order in which they came to it */
        struct sim_request *next = NULL;
        for (int i = 0; i < REQUESTS; i++) {
            struct sim_request *r = &s->requests[i];
            if (!r->id || r->provider[r->current] != provider || r->tried_seq <= done) continue;
            if (!next || r->tried_seq < next->tried_seq) next = r;
        }
        if (!next) return;
        done = next->tried_seq;
        failed(s, next, FAILURE_network, -1);
        release(s, next);
    }
}

static void request_opens(struct sim *s, const struct policy_event *e)
{
    int at = 0;
    while (at < REQUESTS && s->requests[at].id) at++;
    RULE(s, at < REQUESTS, "the simulator's table of requests is full");
    struct sim_request *r = &s->requests[at];
    *r = (struct sim_request){ .id = e->request, .turn = e->turn, .count = (int)e->candidate_count, .current = -1, .must_move = true };
    for (int i = 0; i < r->count; i++) {
        r->provider[i] = e->candidates[i].provider;
        r->model[i] = e->candidates[i].model;
    }
}

void sim_models_event(struct sim *s, const struct policy_event *e)
{
    struct sim_request *r = sim_request_find(s, e->request);
    struct sim_turn *t;
    s->cooldown_count = s->cooldown_seen = 0;
    switch ((int)e->kind) {
    case POLICY_MODEL_REQUEST:
        t = sim_turn_find(s, e->turn);
        s->wants = true;
        s->want = POLICY_DO_MODEL_REFUSED;
        s->want_reason = !t || t->state != POLICY_TURN_RUNNING || t->aborted ? REASON_NOT_RUNNING
                         : t->request || r                                   ? REASON_REQUEST_OPEN
                         : e->candidate_count > POLICY_CANDIDATES_MAX        ? REASON_CANDIDATES_MANY
                         : sim_budgets_refuse(s, t)                          ? REASON_BUDGET
                                                                             : REASON_NONE;
        if (s->want_reason) break;
        s->wants = false;
        t->request = e->request;
        request_opens(s, e);
        break;
    case POLICY_MODEL_VISIBLE: r->visible = true; break;
    case POLICY_MODEL_OK:
        if (s->providers[r->provider[r->current]].errors) {
            s->providers[r->provider[r->current]].errors = 0;
            s->providers[r->provider[r->current]].until_ms = 0;
            announce(s, r->provider[r->current]);
        }
        release(s, r);
        sim_turn_find(s, r->turn)->request = 0;
        r->id = 0;
        break;
    case POLICY_MODEL_FAILED:
        r->visible |= e->visible;
        r->failure[r->current] = e->failure;
        if (retries(s, r, e)) {
            s->wants = true;
            s->want = POLICY_DO_RETRY_LATER;
            break;
        }
        failed(s, r, e->failure, e->retry_after_ms);
        release(s, r);
        break;
    case POLICY_PROVIDER_DOWN: provider_down(s, e->provider); break;
    case POLICY_PROVIDER_UP: s->providers[e->provider].up = true; break;
    case POLICY_COOLDOWN_LOADED: {
        struct sim_provider *v = &s->providers[e->provider];
        v->until_ms = e->until_ms < s->now_ms + day_ms ? e->until_ms : s->now_ms + day_ms;
        v->errors = e->errors;
        v->failure = e->failure;
        v->error_ms = v->until_ms < s->now_ms ? v->until_ms : s->now_ms;
        break;
    }
    default: break;
    }
}

static void check_try(struct sim *s, struct sim_request *r, const struct policy_action *a)
{
    bool cooling = false, same_again = r->waits && !r->must_move;
    int c = a->candidate;
    RULE(s, c >= 0 && c < r->count && a->provider == r->provider[c], "request %ld: no such candidate", (long)r->id);
    RULE(s, a->provider >= 0 && s->providers[a->provider].up, "request %ld: its provider is down", (long)r->id);
    RULE(s, a->attempt == r->attempt + 1, "request %ld: attempt %d after %d", (long)r->id, a->attempt, r->attempt);
    if (same_again) {
        RULE(s, s->event->kind == POLICY_TICK && r->due_ms <= s->now_ms, "request %ld retried too early", (long)r->id);
        release(s, r);
        bool hindered = !usable(s, r->provider[r->current], r->id);
        int other = hindered ? rightful(s, r, &cooling) : -1;
        RULE(s, c == (other >= 0 && !cooling ? other : r->current), "request %ld: the retry took candidate %d", (long)r->id, c);
    } else {
        RULE(s, r->must_move, "request %ld was tried without a reason", (long)r->id);
        RULE(s, !r->tried[c], "request %ld: candidate %d twice", (long)r->id, c);
        int right = rightful(s, r, &cooling);
        RULE(s, c == right, "request %ld: candidate %d tried, the rules name %d", (long)r->id, c, right);
        if (cooling) r->forced = true;
    }
    struct sim_provider *v = &s->providers[a->provider];
    if (v->until_ms && v->until_ms <= s->now_ms && !v->probe) v->probe = r->id;
    r->tried[c] = true;
    r->failure[c] = FAILURE_none;
    r->current = c;
    r->attempt++;
    r->waits = r->must_move = false;
    r->tried_seq = ++s->seq;
}

static void check_failed(struct sim *s, struct sim_request *r, const struct policy_action *a)
{
    bool cooling, goes_on = r->current < 0 || (failure_falls_back(r->failure[r->current]) && !r->visible);
    RULE(s, r->must_move, "request %ld failed without a reason", (long)r->id);
    RULE(s, !goes_on || rightful(s, r, &cooling) < 0, "request %ld gave up with a candidate left", (long)r->id);
    RULE(s, a->tried_count == r->count, "request %ld: %d reasons for %d candidates", (long)r->id, a->tried_count, r->count);
    for (int i = 0; i < r->count; i++) {
        RULE(s, (a->tried[i].fate == POLICY_TRIED) == r->tried[i], "request %ld: wrong fate of %d", (long)r->id, i);
        RULE(s, !r->tried[i] || a->tried[i].failure == r->failure[i], "request %ld: wrong class of %d", (long)r->id, i);
        if (a->tried[i].fate == POLICY_SKIPPED_COOLING)
            RULE(s, a->tried[i].until_ms > 0 && a->tried[i].failure, "request %ld: cooling without a reason", (long)r->id);
    }
    release(s, r);
    sim_turn_find(s, r->turn)->request = 0;
    r->id = 0;
}

static void check_cooldown(struct sim *s, const struct policy_action *a)
{
    RULE(s, s->cooldown_seen < s->cooldown_count, "a cooldown nobody caused");
    const struct sim_cooldown *c = &s->cooldowns[s->cooldown_seen++];
    RULE(s, a->provider == c->provider && a->errors == c->errors && a->until_ms == c->until_ms && a->failure == c->failure,
         "cooldown of %d: until %ld, errors %d, %s; expected %d: %ld, %d, %s", a->provider, (long)a->until_ms, a->errors,
         failure_name(a->failure), c->provider, (long)c->until_ms, c->errors, failure_name(c->failure));
}

void sim_models_action(struct sim *s, const struct policy_action *a)
{
    if (a->kind == POLICY_DO_COOLDOWN) check_cooldown(s, a);
    if (a->kind < POLICY_DO_TRY || a->kind > POLICY_DO_MODEL_CANCEL) return;
    struct sim_request *r = sim_request_find(s, a->request);
    RULE(s, r, "request %ld is not open (any more)", (long)a->request);
    RULE(s, r->turn == a->turn, "request %ld belongs to another turn", (long)a->request);
    switch ((int)a->kind) {
    case POLICY_DO_TRY: check_try(s, r, a); break;
    case POLICY_DO_SWITCH:
        RULE(s, a->from == r->current && a->candidate != r->current, "request %ld: a switch from %d", (long)r->id, a->from);
        RULE(s, a->failure == r->failure[r->current], "request %ld: a switch with another class", (long)r->id);
        RULE(s, failure_falls_back(a->failure) && !r->visible, "request %ld must not fail over", (long)r->id);
        break;
    case POLICY_DO_RETRY_LATER:
        RULE(s, a->candidate == r->current && a->until_ms == s->now_ms + s->event->retry_after_ms, "wrong retry");
        r->retried = r->waits = true;
        r->due_ms = a->until_ms;
        break;
    case POLICY_DO_MODEL_FAILED: check_failed(s, r, a); break;
    case POLICY_DO_MODEL_CANCEL:
        release(s, r);
        sim_turn_find(s, r->turn)->request = 0;
        r->id = 0;
        break;
    default: break;
    }
}

void sim_models_settled(struct sim *s)
{
    RULE(s, s->cooldown_seen == s->cooldown_count, "a cooldown was not announced");
    int64_t due = policy_next_due(s->policy);
    for (int i = 0; i < REQUESTS; i++) {
        const struct sim_request *r = &s->requests[i];
        if (!r->id) continue;
        RULE(s, !r->must_move, "request %ld is stuck", (long)r->id);
        RULE(s, s->event->kind != POLICY_TICK || !r->waits || r->due_ms > s->now_ms, "request %ld: retry forgotten", (long)r->id);
        RULE(s, !r->waits || (due >= 0 && due <= r->due_ms), "request %ld: next_due is after its retry", (long)r->id);
    }
    for (int i = 0; i < PROVIDERS; i++) {
        struct policy_provider_info info;
        int open = 0;
        for (int j = 0; j < REQUESTS; j++) open += s->requests[j].id && s->requests[j].provider[s->requests[j].current] == i;
        RULE(s, policy_provider_info(s->policy, i, &info) == 0 && info.open == open, "provider %d: %d open, %d expected", i, info.open,
             open);
        RULE(s, info.probing == (s->providers[i].probe != 0), "provider %d: probing %d", i, info.probing);
    }
}
