/** tools/fsrs.h -- FSRS-5: when a card is to be seen again, so that it is still known with a chance of 90 %.
 *
 *  In:     what is known about a card, how well it was recalled, the time      Out: the same about it afterwards
 *  Owns:   nothing      Thread: any
 *  Source: "A Stochastic Shortest Path Algorithm for Optimizing Spaced Repetition Scheduling" and its successor FSRS-5; the numbers and the
 *          short steps of a new card are those of ts-fsrs 4.7.1, with which tests/unit/test_fsrs.c compares every result */
#ifndef TOOLS_FSRS_H
#define TOOLS_FSRS_H

#include <stdint.h>

enum fsrs_rating { FSRS_AGAIN = 1, FSRS_HARD, FSRS_GOOD, FSRS_EASY };
enum fsrs_state { FSRS_NEW, FSRS_LEARNING, FSRS_REVIEW, FSRS_RELEARNING }; /* stored: never renumber */

struct fsrs_card { /* zero is valid: new */
    enum fsrs_state state;
    double stability;  /* days until the chance to recall it is 90 % */
    double difficulty; /* 1..10 */
    int64_t due_ms;    /* wall clock */
    int64_t last_ms;   /* when it was seen last; 0: never */
    int64_t scheduled_days;
    int64_t reps, lapses;
};

/** @param out  may be `card` */
void fsrs_review(const struct fsrs_card *card, enum fsrs_rating rating, int64_t now_ms, struct fsrs_card *out);

/** The chance that it is recalled now, 0..1; 0 for a new one. */
double fsrs_recall(const struct fsrs_card *card, int64_t now_ms);

#endif
