#include "tools/fsrs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define DAY_MS INT64_C(86400000)
#define MINUTE_MS INT64_C(60000)
#define STABILITY_MIN 0.01
#define STABILITY_MAX 36500.0
#define DECAY (-0.5)
#define FACTOR (19.0 / 81.0)

enum { INTERVAL_MAX = 36500 }; /* days */

/* The weights of FSRS-5, found by its authors over the reviews of many people. */
static const double w[] = { 0.40255, 1.18385, 3.173, 15.69105, 7.1949, 0.5345, 1.4604, 0.0046,  1.54575, 0.1192,
                            1.01925, 1.9395,  0.11,  0.29605,  2.2698, 0.2315, 2.9898, 0.51655, 0.6621 };

/* Eight decimals, as the reference keeps them. */
static double fixed(double x)
{
    char text[64];
    snprintf(text, sizeof text, "%.8f", x);
    return strtod(text, NULL);
}

static double between(double x, double lo, double hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}

static double initial_stability(enum fsrs_rating rating)
{
    return fmax(w[rating - 1], 0.1);
}

static double initial_difficulty(enum fsrs_rating rating)
{
    return between(fixed(w[4] - exp(((double)rating - 1) * w[5]) + 1), 1, 10);
}

static double next_difficulty(double difficulty, enum fsrs_rating rating)
{
    double change = -w[6] * ((double)rating - 3);
    double damped = difficulty + fixed(change * (10 - difficulty) / 9);
    double back = fixed(w[7] * initial_difficulty(FSRS_EASY) + (1 - w[7]) * damped); /* a little towards that of an easy one */
    return between(fixed(back), 1, 10);
}

static double recall_at(double days, double stability)
{
    return fixed(pow(1 + FACTOR * days / stability, DECAY));
}

static double after_recall(double difficulty, double stability, double recall, enum fsrs_rating rating)
{
    double hard = rating == FSRS_HARD ? w[15] : 1, easy = rating == FSRS_EASY ? w[16] : 1;
    double grown = exp(w[8]) * (11 - difficulty) * pow(stability, -w[9]) * (exp((1 - recall) * w[10]) - 1) * hard * easy;
    return fixed(between(stability * (1 + grown), STABILITY_MIN, STABILITY_MAX));
}

static double after_lapse(double difficulty, double stability, double recall)
{
    double left = w[11] * pow(difficulty, -w[12]) * (pow(stability + 1, w[13]) - 1) * exp((1 - recall) * w[14]);
    double most = fixed(between(left, STABILITY_MIN, STABILITY_MAX));
    return between(fixed(stability / exp(w[17] * w[18])), STABILITY_MIN, most);
}

static double after_minutes(double stability, enum fsrs_rating rating)
{
    return fixed(between(stability * exp(w[17] * ((double)rating - 3 + w[18])), STABILITY_MIN, STABILITY_MAX));
}

/* For a chance of 90 % that is the stability itself. */
static int64_t interval(double stability)
{
    double days = floor(stability + 0.5);
    return (int64_t)between(days, 1, INTERVAL_MAX);
}

static int64_t day_of(int64_t ms)
{
    return (ms >= 0 ? ms : ms - DAY_MS + 1) / DAY_MS; /* UTC, as the reference counts */
}

static void in_minutes(struct fsrs_card *card, enum fsrs_state state, int minutes, int64_t now_ms)
{
    card->state = state;
    card->scheduled_days = 0;
    card->due_ms = now_ms + minutes * MINUTE_MS;
}

static void in_days(struct fsrs_card *card, int64_t days, int64_t now_ms)
{
    card->state = FSRS_REVIEW;
    card->scheduled_days = days;
    card->due_ms = now_ms + days * DAY_MS;
}

static void review_new(struct fsrs_card *card, enum fsrs_rating rating, int64_t now_ms)
{
    static const int minutes[] = { [FSRS_AGAIN] = 1, [FSRS_HARD] = 5, [FSRS_GOOD] = 10 };
    card->difficulty = initial_difficulty(rating);
    card->stability = initial_stability(rating);
    if (rating == FSRS_EASY)
        in_days(card, interval(card->stability), now_ms);
    else
        in_minutes(card, FSRS_LEARNING, minutes[rating], now_ms);
}

static void review_learning(struct fsrs_card *card, enum fsrs_rating rating, int64_t now_ms)
{
    double before = card->stability;
    card->difficulty = next_difficulty(card->difficulty, rating);
    card->stability = after_minutes(before, rating);
    int64_t days = interval(card->stability);
    if (rating == FSRS_EASY) { /* later than a good one would be */
        int64_t good = interval(after_minutes(before, FSRS_GOOD));
        days = days > good ? days : good + 1;
    }
    if (rating >= FSRS_GOOD)
        in_days(card, days, now_ms);
    else
        in_minutes(card, card->state, rating == FSRS_AGAIN ? 5 : 10, now_ms);
}

static void review_known(struct fsrs_card *card, enum fsrs_rating rating, int64_t elapsed_days, int64_t now_ms)
{
    double d = card->difficulty, s = card->stability, recall = recall_at((double)elapsed_days, s);
    card->difficulty = next_difficulty(d, rating);
    if (rating == FSRS_AGAIN) {
        card->stability = after_lapse(d, s, recall);
        card->lapses++;
        in_minutes(card, FSRS_RELEARNING, 5, now_ms);
        return;
    }
    card->stability = after_recall(d, s, recall, rating);
    int64_t hard = interval(after_recall(d, s, recall, FSRS_HARD)), good = interval(after_recall(d, s, recall, FSRS_GOOD));
    int64_t easy = interval(after_recall(d, s, recall, FSRS_EASY));
    hard = hard < good ? hard : good;
    good = good > hard + 1 ? good : hard + 1;
    easy = easy > good + 1 ? easy : good + 1;
    in_days(card, rating == FSRS_HARD ? hard : rating == FSRS_GOOD ? good : easy, now_ms);
}

void fsrs_review(const struct fsrs_card *card, enum fsrs_rating rating, int64_t now_ms, struct fsrs_card *out)
{
    int64_t elapsed_days = card->last_ms ? day_of(now_ms) - day_of(card->last_ms) : 0;
    *out = *card;
    switch (card->state) {
    case FSRS_NEW: review_new(out, rating, now_ms); break;
    case FSRS_REVIEW: review_known(out, rating, elapsed_days > 0 ? elapsed_days : 0, now_ms); break;
    default: review_learning(out, rating, now_ms);
    }
    out->reps++;
    out->last_ms = now_ms;
}

double fsrs_recall(const struct fsrs_card *card, int64_t now_ms)
{
    if (card->state == FSRS_NEW || card->stability <= 0) return 0;
    int64_t days = day_of(now_ms) - day_of(card->last_ms);
    return recall_at(days > 0 ? (double)days : 0, card->stability);
}
