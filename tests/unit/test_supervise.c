#include <criterion/criterion.h>

#include "actors/supervise.h"

Test(supervise, doubles_the_delay_up_to_its_bound)
{
    struct supervise actor = { 0 };
    int64_t delay_ms, now_ms = 5000, expected_ms = 100;
    for (int i = 0; i < 12; i++) {
        cr_assert(supervise_died(&actor, now_ms, &delay_ms));
        cr_assert(delay_ms == expected_ms, "%d: %d", i, (int)delay_ms);
        now_ms += delay_ms + 13000; /* too short a life to be called healthy, too rare a death to be given up */
        expected_ms = expected_ms * 2 > SUPERVISE_DELAY_MAX_MS ? SUPERVISE_DELAY_MAX_MS : expected_ms * 2;
    }
    cr_assert(delay_ms == SUPERVISE_DELAY_MAX_MS);
}

Test(supervise, starts_over_after_a_healthy_minute)
{
    struct supervise actor = { 0 };
    int64_t delay_ms;
    cr_assert(supervise_died(&actor, 0, &delay_ms) && delay_ms == 100);
    cr_assert(supervise_died(&actor, 100 + SUPERVISE_HEALTHY_MS - 1, &delay_ms) && delay_ms == 200);
    cr_assert(supervise_died(&actor, 60099 + 200 + SUPERVISE_HEALTHY_MS, &delay_ms) && delay_ms == 100);
}

Test(supervise, gives_up_at_the_sixth_death_in_a_minute)
{
    struct supervise actor = { 0 };
    int64_t delay_ms;
    for (int i = 0; i < SUPERVISE_RESTARTS_MAX; i++) cr_assert(supervise_died(&actor, 1000 * i, &delay_ms));
    struct supervise later = actor;
    cr_assert(!supervise_died(&actor, SUPERVISE_WINDOW_MS - 1, &delay_ms) && delay_ms == 0);
    cr_assert(!supervise_died(&actor, 10 * SUPERVISE_WINDOW_MS, &delay_ms), "given up is given up");
    cr_assert(supervise_died(&later, SUPERVISE_WINDOW_MS, &delay_ms), "the first death is a minute ago");
}
