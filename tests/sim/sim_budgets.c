/* The oracle for budgets: what was spent, and who is refused for it. */
#include "tests/sim/sim.h"

/* splitmix64 (Steele, Lea, Flood 2014): any seed is good, neighbours are unrelated. */
uint64_t sim_random(struct sim *s)
{
    uint64_t z = s->random += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

void sim_budgets_limits(struct sim *s, struct policy_limits *limits)
{
    for (int i = 0; i < SCOPE_COUNT; i++) {
        uint64_t roll = sim_random(s);
        limits->budget[i] =
            (struct policy_spent){ roll % 5 ? 0 : (int64_t)(roll >> 8 & 31) * 50, roll % 7 ? 0 : (int64_t)(roll >> 16 & 31) * 50 };
    }
}

static void add(struct policy_spent *to, const struct policy_spent *more)
{
    to->tokens += more->tokens;
    to->micros += more->micros;
}

static void turn_to(struct sim *s, int64_t day)
{
    if (day <= s->spent_day) return;
    s->spent_day = day;
    s->of_day = (struct policy_spent){ 0 };
    for (int i = 0; i < AGENTS; i++) s->of_agent[i] = (struct policy_spent){ 0 };
}

void sim_budgets_event(struct sim *s, const struct policy_event *e)
{
    struct sim_turn *t = sim_turn_find(s, e->turn);
    for (int i = 0; i < SESSIONS; i++)
        if (s->sessions[i].used && !sim_session_exists(s, i)) s->sessions[i].spent = (struct policy_spent){ 0 };
    if (e->kind == POLICY_STORED && e->ok && t) {
        struct policy_spent *own = &s->sessions[t->session].spent;
        if (e->spent.tokens > own->tokens) own->tokens = e->spent.tokens;
    }
    if (e->kind != POLICY_SPENT && e->kind != POLICY_SPENT_LOADED && e->kind != POLICY_MODEL_REQUEST) return;
    bool refused = e->kind == POLICY_MODEL_REQUEST && (!t || t->state != POLICY_TURN_RUNNING || t->aborted || t->request);
    if (!refused) turn_to(s, e->day);
    if (e->kind == POLICY_MODEL_REQUEST) return;
    add(&s->of_day, &e->spent);
    add(&s->of_agent[e->kind == POLICY_SPENT ? s->sessions[t->session].agent : e->agent.p[1] - '0'], &e->spent);
    if (e->kind == POLICY_SPENT_LOADED) return;
    add(&t->spent, &e->spent);
    for (int i = t->session; i >= 0; i = s->sessions[i].parent) add(&s->sessions[i].spent, &e->spent);
}

static bool used_up(const struct sim *s, enum policy_scope scope, const struct policy_spent *spent)
{
    const struct policy_spent *budget = &s->limits.budget[scope];
    return (budget->tokens && spent->tokens >= budget->tokens) || (budget->micros && spent->micros >= budget->micros);
}

/* The first budget that a request of this turn may not draw on. @return NULL: there is none */
static const struct policy_spent *broken(const struct sim *s, const struct sim_turn *t, enum policy_scope *scope)
{
    *scope = SCOPE_TURN;
    if (used_up(s, *scope, &t->spent)) return &t->spent;
    *scope = SCOPE_SESSION;
    for (int i = t->session; i >= 0; i = s->sessions[i].parent)
        if (used_up(s, *scope, &s->sessions[i].spent)) return &s->sessions[i].spent;
    *scope = SCOPE_AGENT;
    if (used_up(s, *scope, &s->of_agent[s->sessions[t->session].agent])) return &s->of_agent[s->sessions[t->session].agent];
    *scope = SCOPE_DAY;
    return used_up(s, *scope, &s->of_day) ? &s->of_day : NULL;
}

bool sim_budgets_refuse(const struct sim *s, const struct sim_turn *t)
{
    enum policy_scope scope;
    return broken(s, t, &scope) != NULL;
}

void sim_budgets_check(struct sim *s, const struct policy_action *a)
{
    enum policy_scope scope;
    const struct sim_turn *t = sim_turn_find(s, a->turn);
    const struct policy_spent *spent = t ? broken(s, t, &scope) : NULL;
    RULE(s, spent && a->scope == scope && a->spent.tokens == spent->tokens && a->spent.micros == spent->micros,
         "turn %ld is refused for another budget", (long)a->turn);
    RULE(s, (a->budget.tokens == 0) != (a->budget.micros == 0), "turn %ld: which part is used up?", (long)a->turn);
}
