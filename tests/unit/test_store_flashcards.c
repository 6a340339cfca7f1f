/* Flashcards as the store keeps them: one look at a time, sums by local day. */
#include "store/flashcards.h"
#include "store_fixture.h"

TestSuite(store_flashcards, .init = fixture_setup, .fini = fixture_teardown, .timeout = 20);

#define DAY INT64_C(86400000)

static struct flashcard_row row(const char *card, int64_t last_ms)
{
    return (struct flashcard_row){ .agent = STR("tutor"),
                                   .card = str_of(card),
                                   .deck = STR("a1"),
                                   .state = 2,
                                   .stability = 3.25,
                                   .difficulty = 5.5,
                                   .due_ms = last_ms + DAY,
                                   .last_ms = last_ms,
                                   .scheduled_days = 1,
                                   .reps = 1 };
}

static int write_card(void *ctx, const struct flashcard_row *r)
{
    buf_printf(ctx, "%.*s:%.2f:%lld ", STR_ARG(r->card), r->stability, (long long)r->reps);
    return 0;
}

static int write_day(void *ctx, const struct flashcard_day *d)
{
    buf_printf(ctx, "%lld:%lld/%lld/%lld/%lld ", (long long)(d->day - 100), (long long)d->reviews, (long long)d->fresh, (long long)d->known,
               (long long)d->recalled);
    return 0;
}

Test(store_flashcards, who_looks_second_looks_again)
{
    store_t *store = fixture_open(NULL, 0, NULL);
    struct buf text = { 0 };
    struct flashcard_row a = row("a", 1000), later = row("a", 5000);
    cr_expect_eq(flashcards_review(store, &a, 0, 3, 0), 0);
    cr_expect_eq(flashcards_review(store, &later, 0, 3, 0), GW_EEXIST, "worked out from what it was before");
    later.reps = 2;
    cr_expect_eq(flashcards_review(store, &later, 1000, 1, 2), 0);
    cr_assert_eq(flashcards_each(store, STR("tutor"), write_card, &text), 0);
    cr_expect_str_eq(buf_cstr(&text), "a:3.25:2 ");
    buf_clear(&text);
    cr_assert_eq(flashcards_each(store, STR("other"), write_card, &text), 0);
    cr_expect_eq(text.n, 0, "another agent's are its own");
    buf_free(&text);
    store_close(&store);
}

Test(store_flashcards, days_are_those_of_the_learner)
{
    store_t *store = fixture_open(NULL, 0, NULL);
    struct buf text = { 0 };
    int64_t evening = 100 * DAY + 20 * 3600000; /* 20:00 UTC is the next day, 03:00, in Ho Chi Minh City */
    struct flashcard_row a = row("a", evening), b = row("b", 99 * DAY), again = row("a", evening + DAY),
                         failed = row("b", evening + DAY + 1000);
    cr_assert(flashcards_review(store, &a, 0, 3, 0) == 0 && flashcards_review(store, &b, 0, 4, 0) == 0);
    cr_assert(flashcards_review(store, &again, evening, 3, 2) == 0 && flashcards_review(store, &failed, 99 * DAY, 1, 2) == 0);
    cr_assert_eq(flashcards_days(store, STR("tutor"), 0, 7 * 3600, write_day, &text), 0);
    cr_expect_str_eq(buf_cstr(&text), "2:2/0/2/1 1:1/1/0/0 -1:1/1/0/0 ");
    buf_clear(&text);
    cr_assert_eq(flashcards_days(store, STR("tutor"), 100 * DAY, 0, write_day, &text), 0);
    cr_expect_str_eq(buf_cstr(&text), "1:2/0/2/1 0:1/1/0/0 ");
    buf_free(&text);
    store_close(&store);
}
