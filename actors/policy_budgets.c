/* Budgets: what models have been paid, and who may ask them no more. A request is refused once a budget is used up; what runs at that
 * moment goes on, so that each turn that runs at once may go above it by one answer. */
#include <stdlib.h>
#include <string.h>

#include "actors/policy_internal.h"
#include "base/err.h"

static void add(struct policy_spent *to, const struct policy_spent *more)
{
    to->tokens += more->tokens;
    to->micros += more->micros;
}

void policy_budgets_forget(policy_t *p)
{
    struct account *a, *safe;
    HASH_ITER(hh, p->accounts, a, safe)
    {
        HASH_DEL(p->accounts, a);
        free(a);
    }
}

static void turn_to(policy_t *p, int64_t day)
{
    if (day <= p->day) return;
    p->day = day;
    p->of_day = (struct policy_spent){ 0 };
    policy_budgets_forget(p);
}

static struct account *find(const policy_t *p, struct str agent)
{
    struct account *a;
    HASH_FIND(hh, p->accounts, agent.p, agent.n, a);
    return a;
}

/* One for each agent that spends: they stay, unlike turns, until the day is over. @return NULL: p->err is set */
static struct account *account(policy_t *p, struct str agent)
{
    struct account *a = find(p, agent);
    if (a) return a;
    a = calloc(1, sizeof *a + agent.n);
    if (!a) {
        p->err = GW_ENOMEM;
        return NULL;
    }
    memcpy(a->text, agent.p, agent.n);
    a->agent = (struct str){ a->text, agent.n };
    HASH_ADD_KEYPTR(hh, p->accounts, a->agent.p, a->agent.n, a);
    return policy_indexed(p, &a->hh) ? a : NULL;
}

static bool is_sum(const struct policy_spent *s)
{
    return s->tokens >= 0 && s->micros >= 0;
}

int policy_on_spent(policy_t *p, const struct policy_event *e)
{
    struct turn *t = policy_turn_find(p, e->turn);
    if (!t || !t->session) return GW_ENOENT;
    if (!is_sum(&e->spent)) return GW_EINVAL;
    turn_to(p, e->day);
    add(&t->spent, &e->spent);
    for (struct session *s = t->session; s; s = s->parent) add(&s->spent, &e->spent);
    add(&p->of_day, &e->spent);
    struct account *a = account(p, t->session->agent);
    if (!a) return p->err;
    add(&a->spent, &e->spent);
    return 0;
}

int policy_on_spent_loaded(policy_t *p, const struct policy_event *e)
{
    if (!is_sum(&e->spent) || e->agent.n == 0 || e->agent.n > POLICY_KEY_MAX) return GW_EINVAL;
    turn_to(p, e->day);
    struct account *a = account(p, e->agent);
    if (!a) return p->err;
    add(&a->spent, &e->spent);
    add(&p->of_day, &e->spent);
    return 0;
}

static bool refuse(policy_t *p, const struct policy_event *e, enum policy_scope scope, const struct policy_spent *spent)
{
    const struct policy_spent *budget = &p->limits.budget[scope];
    bool tokens = budget->tokens > 0 && spent->tokens >= budget->tokens, money = budget->micros > 0 && spent->micros >= budget->micros;
    if (!tokens && !money) return false;
    struct policy_action *a = policy_act(p, POLICY_DO_MODEL_REFUSED);
    a->request = e->request;
    a->turn = e->turn;
    a->reason = REASON_BUDGET;
    a->scope = scope;
    a->spent = *spent;
    a->budget = (struct policy_spent){ 0 };
    if (tokens)
        a->budget.tokens = budget->tokens;
    else
        a->budget.micros = budget->micros;
    return true;
}

bool policy_budget_refuses(policy_t *p, const struct turn *t, const struct policy_event *e)
{
    turn_to(p, e->day);
    const struct account *a = find(p, t->session->agent);
    if (refuse(p, e, SCOPE_TURN, &t->spent)) return true;
    for (const struct session *s = t->session; s; s = s->parent)
        if (refuse(p, e, SCOPE_SESSION, &s->spent)) return true;
    return (a && refuse(p, e, SCOPE_AGENT, &a->spent)) || refuse(p, e, SCOPE_DAY, &p->of_day);
}
