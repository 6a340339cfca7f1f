/* actors/router_budgets.c -- what models are paid, for the policy's budgets; and what is said when one is used up. */
#include <stdio.h>

#include "actors/router_internal.h"
#include "actors/usage_sums.h"
#include "base/clock.h"
#include "store/usage.h"

/* As in budgets.*. */
static const char *const NAMES[SCOPE_COUNT] = { "turn", "session", "agent", "day" };

static struct policy_spent spent_of(const struct router *r, struct str provider, struct str model, const struct chat_usage *used)
{
    struct usage_totals totals = { 0 };
    usage_totals_add(&totals, r->config, provider, model, used);
    return (struct policy_spent){ .tokens = used->input + used->output, .micros = (int64_t)(usage_totals_cost(&totals) * 1e6) };
}

int64_t router_day(void)
{
    return clock_wall_ms() / USAGE_DAY_MS;
}

void router_on_paid(struct router *r, int64_t turn, const char *ref, int64_t input_tokens, int64_t output_tokens)
{
    struct model_ref model;
    const struct chat_usage used = { .input = input_tokens, .output = output_tokens };
    if (model_ref_parse(str_of(ref), &model) != 0) return;
    const struct policy_event event = {
        .kind = POLICY_SPENT, .turn = turn, .day = router_day(), .spent = spent_of(r, model.provider, model.model, &used)
    };
    r->metrics.paid_micros += event.spent.micros;
    router_step(r, &event);
}

void router_on_spent(struct router *r, const struct msg_store_spent *s)
{
    const struct chat_usage used = {
        .input = s->input_tokens, .output = s->output_tokens, .cache_read = s->cache_read_tokens, .cache_write = s->cache_write_tokens
    };
    const struct policy_event event = {
        .kind = POLICY_SPENT_LOADED, .agent = s->agent, .day = s->day, .spent = spent_of(r, s->provider, s->model, &used)
    };
    router_step(r, &event);
}

static double dollars(const config_t *config, const char *path)
{
    const struct json5_node *node = config_get(config, str_of(path));
    return node && node->kind == JSON5_NUMBER && node->number > 0 ? node->number : 0;
}

void router_read_budgets(const config_t *config, struct policy_limits *limits)
{
    for (int i = 0; i < SCOPE_COUNT; i++) {
        char path[64];
        snprintf(path, sizeof path, "budgets.%s.tokens", NAMES[i]);
        limits->budget[i].tokens = config_int(config, path);
        if (i == SCOPE_SESSION) continue; /* what an earlier process paid for a session is known in tokens alone */
        snprintf(path, sizeof path, "budgets.%s.usd", NAMES[i]);
        limits->budget[i].micros = (int64_t)(dollars(config, path) * 1e6);
    }
}

void router_write_budget(const struct policy_action *a, struct buf *out)
{
    static const char *const WHOSE[SCOPE_COUNT] = { "This turn", "This session, with its sub-agents,", "This agent", "The gateway" };
    bool daily = a->scope == SCOPE_AGENT || a->scope == SCOPE_DAY;
    buf_printf(out, "%s has used up its budget%s: ", WHOSE[a->scope], daily ? " of the day" : "");
    if (a->budget.tokens)
        buf_printf(out, "%lld of %lld tokens (budgets.%s.tokens).", (long long)a->spent.tokens, (long long)a->budget.tokens,
                   NAMES[a->scope]);
    else
        buf_printf(out, "$%.2f of $%.2f (budgets.%s.usd).", (double)a->spent.micros / 1e6, (double)a->budget.micros / 1e6, NAMES[a->scope]);
    if (daily) buf_text(out, " The next day begins at 00:00 UTC.");
    if (a->scope == SCOPE_SESSION) buf_text(out, " /new begins another one.");
}
