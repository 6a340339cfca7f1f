/* FSRS-5 beside the reference: every review of 150 random lives of cards, as ts-fsrs 4.7.1 schedules them (tests/node/fsrs). */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>

#include "tools/fsrs.h"

static double number(const json_t *review, size_t i)
{
    return json_number_value(json_array_get(review, i));
}

Test(fsrs, agrees_with_the_reference)
{
    json_t *lives = json_load_file(TEST_DATA_DIR "/fsrs/vectors.json", 0, NULL), *life, *review;
    size_t i, r, compared = 0;
    cr_assert_eq(json_array_size(lives), 150);
    json_array_foreach(lives, i, life)
    {
        struct fsrs_card card = { 0 };
        json_array_foreach(life, r, review)
        {
            fsrs_review(&card, (enum fsrs_rating)number(review, 1), (int64_t)number(review, 0), &card);
            bool same = card.due_ms == (int64_t)number(review, 2) &&
                        fabs(card.stability - number(review, 3)) <= 1e-8 * number(review, 3) + 1e-9 &&
                        fabs(card.difficulty - number(review, 4)) < 2e-8 && card.state == (enum fsrs_state)number(review, 5) &&
                        card.reps == (int64_t)number(review, 6) && card.lapses == (int64_t)number(review, 7) &&
                        card.scheduled_days == (int64_t)number(review, 8);
            cr_assert(same, "life %zu, review %zu: stability %.10f, reference %.10f; difficulty %.10f, %.10f; days %lld, %g", i, r,
                      card.stability, number(review, 3), card.difficulty, number(review, 4), (long long)card.scheduled_days,
                      number(review, 8));
            card.stability = number(review, 3); /* the last digit is not to add up */
            card.difficulty = number(review, 4);
            compared++;
        }
    }
    cr_expect_eq(compared, 1500);
    json_decref(lives);
}

Test(fsrs, nine_out_of_ten_are_known_when_they_are_due)
{
    struct fsrs_card card = { 0 };
    int64_t now_ms = INT64_C(1795348800000);
    fsrs_review(&card, FSRS_EASY, now_ms, &card);
    for (int i = 0; i < 6; i++) {
        cr_expect_float_eq(fsrs_recall(&card, card.due_ms), 0.9, 0.01);
        now_ms = card.due_ms;
        fsrs_review(&card, FSRS_GOOD, now_ms, &card);
    }
    cr_expect_gt(card.scheduled_days, 365);
    cr_expect_eq(fsrs_recall(&(struct fsrs_card){ 0 }, now_ms), 0);
}
