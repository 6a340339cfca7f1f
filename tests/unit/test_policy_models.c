/* Model requests: order of candidates, one short retry, cooldowns, probes. Source: DESIGN sections 5 and 8.1. */
#include <stdio.h>

#include "support/policy_rig.h"

enum { OPENROUTER, GOOGLE, ANTHROPIC };
static const int64_t minute_ms = 60000, hour_ms = 3600000;
static int64_t last_request, last_turn;

static void start(void)
{
    static const char *const names[] = { "openrouter", "google", "anthropic" };
    struct policy_limits limits = policy_limits_default();
    limits.lane_cap[LANE_MAIN] = 100;
    rig_start_with(&limits);
    last_request = last_turn = 0;
    for (int i = 0; i < 3; i++) {
        int index;
        cr_assert(policy_provider_add(policy, str_of(names[i]), &index) == 0 && index == i);
    }
}

/* A new turn asks the providers given, in order. @return its request */
static int64_t ask(const int *providers, size_t n)
{
    struct policy_candidate c[POLICY_CANDIDATES_MAX + 1] = { 0 };
    char key[24];
    for (size_t i = 0; i < n; i++) c[i] = (struct policy_candidate){ providers[i], i };
    snprintf(key, sizeof key, "s%d", (int)++last_turn);
    run(turn_of(last_turn, key));
    cr_assert(step((struct policy_event){
                  .kind = POLICY_MODEL_REQUEST, .turn = last_turn, .request = ++last_request, .candidates = c, .candidate_count = n }) ==
              0);
    return last_request;
}
#define ASK(...) ask((const int[]){ __VA_ARGS__ }, sizeof((const int[]){ __VA_ARGS__ }) / sizeof(int))

static void fail(int64_t request, enum failure failure, int64_t retry_after_ms)
{
    cr_assert(step((struct policy_event){
                  .kind = POLICY_MODEL_FAILED, .request = request, .failure = failure, .retry_after_ms = retry_after_ms }) == 0);
}

static void answer(int64_t request)
{
    cr_assert(step((struct policy_event){ .kind = POLICY_MODEL_OK, .request = request }) == 0);
}

Test(policy_models, every_class_takes_its_route, .init = start, .fini = rig_stop)
{
    for (int f = 1; f < FAILURE_COUNT; f++) {
        start();
        int64_t r = ASK(OPENROUTER, GOOGLE);
        cr_assert(one(POLICY_DO_TRY)->candidate == 0 && one(POLICY_DO_TRY)->attempt == 1);
        fail(r, (enum failure)f, -1);
        bool cools = failure_cooldown((enum failure)f) != COOLDOWN_NONE;
        cr_assert(none(POLICY_DO_COOLDOWN) == !cools);
        if (failure_falls_back((enum failure)f)) {
            cr_assert(one(POLICY_DO_SWITCH)->from == 0 && one(POLICY_DO_SWITCH)->failure == (enum failure)f);
            cr_assert(one(POLICY_DO_TRY)->provider == GOOGLE && one(POLICY_DO_TRY)->attempt == 2);
        } else {
            cr_assert(one(POLICY_DO_MODEL_FAILED)->failure == (enum failure)f && none(POLICY_DO_TRY));
            cr_assert(one(POLICY_DO_MODEL_FAILED)->tried[1].fate == POLICY_NOT_TRIED);
        }
    }
}

Test(policy_models, names_each_candidate_when_all_fail, .init = start, .fini = rig_stop)
{
    int64_t r = ASK(OPENROUTER, -1, GOOGLE, 7);
    fail(r, FAILURE_rate_limit, -1);
    cr_assert(one(POLICY_DO_TRY)->candidate == 2);
    fail(r, FAILURE_auth, -1);
    const struct policy_action *a = one(POLICY_DO_MODEL_FAILED);
    cr_assert(a->tried_count == 4 && a->failure == FAILURE_auth);
    cr_assert(a->tried[0].fate == POLICY_TRIED && a->tried[0].failure == FAILURE_rate_limit);
    cr_assert(a->tried[1].fate == POLICY_SKIPPED_UNKNOWN && a->tried[1].failure == FAILURE_no_provider);
    cr_assert(a->tried[2].failure == FAILURE_auth && a->tried[3].fate == POLICY_SKIPPED_UNKNOWN);
    cr_assert(step((struct policy_event){ .kind = POLICY_MODEL_OK, .request = r }) == GW_ENOENT, "it has ended");
}

Test(policy_models, tries_no_candidate_twice, .init = start, .fini = rig_stop)
{
    struct policy_candidate same[] = { { OPENROUTER, 5 }, { OPENROUTER, 5 }, { OPENROUTER, 6 } };
    run(turn_of(1, "s"));
    cr_assert(step((struct policy_event){
                  .kind = POLICY_MODEL_REQUEST, .turn = 1, .request = 1, .candidates = same, .candidate_count = 3 }) == 0);
    fail(1, FAILURE_unknown_model, -1);
    cr_assert(one(POLICY_DO_TRY)->candidate == 2);
    fail(1, FAILURE_unknown_model, -1);
    cr_assert(one(POLICY_DO_MODEL_FAILED)->tried[1].fate == POLICY_SKIPPED_DUPLICATE);
}

Test(policy_models, bounds_candidates, .init = start, .fini = rig_stop)
{
    int providers[POLICY_CANDIDATES_MAX + 1] = { 0 };
    ask(providers, POLICY_CANDIDATES_MAX);
    cr_assert(one(POLICY_DO_TRY)->candidate == 0);
    ask(providers, POLICY_CANDIDATES_MAX + 1);
    cr_assert(one(POLICY_DO_MODEL_REFUSED)->reason == REASON_CANDIDATES_MANY);
    ask(providers, 0);
    cr_assert(one(POLICY_DO_MODEL_FAILED)->failure == FAILURE_no_provider);
}

Test(policy_models, allows_one_open_request_per_turn, .init = start, .fini = rig_stop)
{
    ASK(OPENROUTER);
    cr_assert(step((struct policy_event){ .kind = POLICY_MODEL_REQUEST, .turn = 1, .request = 9 }) == 0);
    cr_assert(one(POLICY_DO_MODEL_REFUSED)->reason == REASON_REQUEST_OPEN);
    cr_assert(step((struct policy_event){ .kind = POLICY_MODEL_REQUEST, .turn = 77, .request = 9 }) == 0);
    cr_assert(one(POLICY_DO_MODEL_REFUSED)->reason == REASON_NOT_RUNNING);
}

Test(policy_models, waits_once_for_a_short_retry_after, .init = start, .fini = rig_stop)
{
    int64_t r = ASK(OPENROUTER, GOOGLE);
    fail(r, FAILURE_rate_limit, 5000);
    cr_assert(one(POLICY_DO_RETRY_LATER)->until_ms == now_ms + 5000 && none(POLICY_DO_COOLDOWN));
    cr_assert(policy_next_due(policy) == now_ms + 5000);
    tick(4999);
    cr_assert(none(POLICY_DO_TRY));
    tick(1);
    cr_assert(one(POLICY_DO_TRY)->candidate == 0 && one(POLICY_DO_TRY)->attempt == 2);
    fail(r, FAILURE_rate_limit, 5000);
    cr_assert(one(POLICY_DO_COOLDOWN)->provider == OPENROUTER && one(POLICY_DO_TRY)->candidate == 1, "not a second time");
    start();
    r = ASK(OPENROUTER, GOOGLE);
    fail(r, FAILURE_rate_limit, 5001);
    cr_assert(none(POLICY_DO_RETRY_LATER) && one(POLICY_DO_TRY)->candidate == 1, "one past the limit is not waited for");
}

Test(policy_models, a_retry_moves_on_when_its_provider_began_to_cool_down, .init = start, .fini = rig_stop)
{
    int64_t r = ASK(OPENROUTER, GOOGLE), other = ASK(OPENROUTER, GOOGLE);
    fail(r, FAILURE_overloaded, 100);
    fail(other, FAILURE_auth, -1);
    tick(100);
    cr_assert(one(POLICY_DO_SWITCH)->request == r && one(POLICY_DO_TRY)->candidate == 1);
}

Test(policy_models, cools_down_longer_with_each_consecutive_error, .init = start, .fini = rig_stop)
{
    const int64_t lengths[] = { minute_ms, 5 * minute_ms, 25 * minute_ms, hour_ms, hour_ms };
    for (int i = 0; i < 5; i++) {
        int64_t r = ASK(OPENROUTER);
        fail(r, FAILURE_server, -1);
        cr_assert(one(POLICY_DO_COOLDOWN)->until_ms == now_ms + lengths[i] && one(POLICY_DO_COOLDOWN)->errors == i + 1);
        now_ms += lengths[i];
    }
    answer(ASK(OPENROUTER));
    cr_assert(one(POLICY_DO_COOLDOWN)->until_ms == 0 && one(POLICY_DO_COOLDOWN)->errors == 0, "an answer resets it");
    fail(ASK(OPENROUTER), FAILURE_server, -1);
    cr_assert(one(POLICY_DO_COOLDOWN)->until_ms == now_ms + minute_ms);
    now_ms += 24 * hour_ms;
    fail(ASK(OPENROUTER), FAILURE_server, -1);
    cr_assert(one(POLICY_DO_COOLDOWN)->errors == 1, "a day without an error is forgotten");
}

Test(policy_models, billing_cools_down_from_five_hours_to_a_day, .init = start, .fini = rig_stop)
{
    const int64_t hours[] = { 5, 10, 20, 24, 24 };
    for (int i = 0; i < 4; i++) {
        fail(ASK(OPENROUTER), FAILURE_billing, -1);
        cr_assert(one(POLICY_DO_COOLDOWN)->until_ms == now_ms + hours[i] * hour_ms);
        if (hours[i] < 24) now_ms += hours[i] * hour_ms;
    }
}

Test(policy_models, a_longer_retry_after_wins, .init = start, .fini = rig_stop)
{
    fail(ASK(OPENROUTER), FAILURE_rate_limit, 10 * minute_ms);
    cr_assert(one(POLICY_DO_COOLDOWN)->until_ms == now_ms + 10 * minute_ms);
    fail(ASK(GOOGLE), FAILURE_rate_limit, 30000);
    cr_assert(one(POLICY_DO_COOLDOWN)->until_ms == now_ms + minute_ms);
    fail(ASK(ANTHROPIC), FAILURE_rate_limit, 1000 * hour_ms);
    cr_assert(one(POLICY_DO_COOLDOWN)->until_ms == now_ms + 24 * hour_ms, "but not beyond a day");
}

Test(policy_models, requests_that_fail_together_count_as_one_error, .init = start, .fini = rig_stop)
{
    int64_t a = ASK(OPENROUTER), b = ASK(OPENROUTER);
    fail(a, FAILURE_rate_limit, -1);
    fail(b, FAILURE_rate_limit, -1);
    cr_assert(none(POLICY_DO_COOLDOWN));
    struct policy_provider_info info;
    cr_assert(policy_provider_info(policy, OPENROUTER, &info) == 0 && info.errors == 1);
}

Test(policy_models, passes_over_what_cools_down_and_takes_the_soonest_when_all_do, .init = start, .fini = rig_stop)
{
    fail(ASK(OPENROUTER), FAILURE_billing, -1);
    ASK(OPENROUTER, GOOGLE);
    cr_assert(one(POLICY_DO_TRY)->candidate == 1 && none(POLICY_DO_SWITCH));
    fail(last_request, FAILURE_server, -1);
    int64_t r = ASK(OPENROUTER, GOOGLE, ANTHROPIC);
    fail(r, FAILURE_server, -1);
    cr_assert(one(POLICY_DO_TRY)->candidate == 1, "Google's minute ends before OpenRouter's five hours");
    fail(r, FAILURE_server, -1);
    const struct policy_action *a = one(POLICY_DO_MODEL_FAILED);
    cr_assert(a->tried[0].fate == POLICY_SKIPPED_COOLING && a->tried[0].failure == FAILURE_billing && a->tried[0].until_ms > now_ms);
}

Test(policy_models, one_request_probes_when_a_cooldown_ends, .init = start, .fini = rig_stop)
{
    fail(ASK(OPENROUTER), FAILURE_server, -1);
    now_ms += minute_ms;
    int64_t probe = ASK(OPENROUTER, GOOGLE);
    cr_assert(one(POLICY_DO_TRY)->provider == OPENROUTER);
    ASK(OPENROUTER, GOOGLE);
    cr_assert(one(POLICY_DO_TRY)->provider == GOOGLE, "until the probe has ended");
    answer(probe);
    ASK(OPENROUTER, GOOGLE);
    cr_assert(one(POLICY_DO_TRY)->provider == OPENROUTER);
}

Test(policy_models, a_cancelled_probe_lets_the_next_one_try, .init = start, .fini = rig_stop)
{
    fail(ASK(OPENROUTER), FAILURE_server, -1);
    now_ms += minute_ms;
    ASK(OPENROUTER, GOOGLE);
    cr_assert(step((struct policy_event){ .kind = POLICY_MODEL_ABORTED, .request = last_request }) == 0);
    cr_assert(one(POLICY_DO_MODEL_CANCEL)->provider == OPENROUTER);
    ASK(OPENROUTER, GOOGLE);
    cr_assert(one(POLICY_DO_TRY)->provider == OPENROUTER);
}

Test(policy_models, does_not_fail_over_once_the_user_saw_text, .init = start, .fini = rig_stop)
{
    int64_t r = ASK(OPENROUTER, GOOGLE);
    cr_assert(step((struct policy_event){ .kind = POLICY_MODEL_VISIBLE, .request = r, .attempt = 1 }) == 0);
    fail(r, FAILURE_network, -1);
    cr_assert(one(POLICY_DO_MODEL_FAILED)->visible && none(POLICY_DO_TRY) && one(POLICY_DO_COOLDOWN)->provider == OPENROUTER);
    r = ASK(GOOGLE, ANTHROPIC);
    cr_assert(step((struct policy_event){
                  .kind = POLICY_MODEL_FAILED, .request = r, .failure = FAILURE_server, .retry_after_ms = 10, .visible = true }) == 0);
    cr_assert(one(POLICY_DO_MODEL_FAILED)->request == r && none(POLICY_DO_RETRY_LATER));
}

Test(policy_models, an_answer_of_an_earlier_try_changes_nothing, .init = start, .fini = rig_stop)
{
    int64_t r = ASK(OPENROUTER, GOOGLE);
    fail(r, FAILURE_timeout, -1);
    cr_assert(step((struct policy_event){ .kind = POLICY_MODEL_OK, .request = r, .attempt = 1 }) == GW_ENOENT && actions() == 0);
    cr_assert(step((struct policy_event){ .kind = POLICY_MODEL_OK, .request = r, .attempt = 2 }) == 0);
}

Test(policy_models, a_dead_provider_fails_its_requests_and_is_passed_over, .init = start, .fini = rig_stop)
{
    int64_t r = ASK(OPENROUTER, GOOGLE), visible = ASK(OPENROUTER, GOOGLE);
    cr_assert(step((struct policy_event){ .kind = POLICY_MODEL_VISIBLE, .request = visible }) == 0);
    cr_assert(step((struct policy_event){ .kind = POLICY_PROVIDER_DOWN, .provider = OPENROUTER }) == 0);
    cr_assert(one(POLICY_DO_TRY)->request == r && one(POLICY_DO_TRY)->provider == GOOGLE);
    cr_assert(one(POLICY_DO_MODEL_FAILED)->request == visible && one(POLICY_DO_MODEL_FAILED)->failure == FAILURE_network);
    ASK(OPENROUTER);
    cr_assert(one(POLICY_DO_MODEL_FAILED)->tried[0].fate == POLICY_SKIPPED_DOWN);
    cr_assert(step((struct policy_event){ .kind = POLICY_PROVIDER_UP, .provider = OPENROUTER }) == 0);
    ASK(OPENROUTER);
    cr_assert(one(POLICY_DO_TRY)->provider == OPENROUTER);
}

Test(policy_models, the_end_of_a_turn_or_its_stop_closes_the_request, .init = start, .fini = rig_stop)
{
    ASK(OPENROUTER);
    done(last_turn);
    cr_assert(one(POLICY_DO_MODEL_CANCEL)->request == last_request);
    ASK(OPENROUTER);
    cr_assert(step((struct policy_event){ .kind = POLICY_ABORT, .turn = last_turn, .reason = REASON_TIMEOUT }) == 0);
    cr_assert(one(POLICY_DO_MODEL_CANCEL)->reason == REASON_TIMEOUT && one(POLICY_DO_CANCEL)->turn == last_turn);
    cr_assert(policy_counts(policy).requests == 0);
    ASK(OPENROUTER);
    fail(last_request, FAILURE_rate_limit, 100);
    done(last_turn);
    tick(1000);
    cr_assert(none(POLICY_DO_TRY), "a retry does not outlive its turn");
}

Test(policy_models, keeps_a_cooldown_over_a_restart, .init = start, .fini = rig_stop)
{
    const struct policy_event loaded = {
        .kind = POLICY_COOLDOWN_LOADED, .provider = OPENROUTER, .until_ms = now_ms + minute_ms, .errors = 2, .failure = FAILURE_rate_limit
    };
    cr_assert(step(loaded) == 0);
    ASK(OPENROUTER, GOOGLE);
    cr_assert(one(POLICY_DO_TRY)->provider == GOOGLE);
    now_ms += minute_ms;
    fail(ASK(OPENROUTER), FAILURE_rate_limit, -1);
    cr_assert(one(POLICY_DO_COOLDOWN)->errors == 3 && one(POLICY_DO_COOLDOWN)->until_ms == now_ms + 25 * minute_ms);
}

Test(policy_models, refuses_one_provider_too_many_and_a_name_too_long, .init = start, .fini = rig_stop)
{
    int index;
    for (int i = 3; i < POLICY_PROVIDERS_MAX; i++) cr_assert(policy_provider_add(policy, STR("p"), &index) == 0 && index == i);
    cr_assert(policy_provider_add(policy, STR("p"), &index) == GW_EFULL && index == -1);
    start();
    const char *name = "0123456789012345678901234567890123456789012345678901234567890123";
    cr_assert(policy_provider_add(policy, (struct str){ name, 64 }, &index) == GW_ELIMIT);
    cr_assert(policy_provider_add(policy, (struct str){ name, 63 }, &index) == 0);
}

Test(policy_models, a_removed_provider_gives_its_place_and_forgets_its_cooldown, .init = start, .fini = rig_stop)
{
    struct policy_provider_info info;
    int index;
    int64_t request = ASK(OPENROUTER, GOOGLE);
    cr_assert(policy_provider_remove(policy, OPENROUTER) == GW_EBUSY && policy_provider_remove(policy, GOOGLE) == GW_EBUSY);
    fail(request, FAILURE_rate_limit, -1);
    cr_assert(step((struct policy_event){ .kind = POLICY_MODEL_OK, .request = request }) == 0);
    cr_assert(policy_provider_info(policy, OPENROUTER, &info) == 0 && info.errors == 1);
    cr_assert_eq(policy_provider_remove(policy, OPENROUTER), 0);
    cr_assert_eq(policy_provider_remove(policy, OPENROUTER), GW_ENOENT);
    cr_assert(policy_provider_remove(policy, -1) == GW_ENOENT && policy_provider_remove(policy, 99) == GW_ENOENT);
    cr_assert(policy_provider_add(policy, STR("another"), &index) == 0 && index == OPENROUTER);
    cr_assert(policy_provider_info(policy, index, &info) == 0 && info.errors == 0 && info.up && str_is(info.name, "another"));
}
