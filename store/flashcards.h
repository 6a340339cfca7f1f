/** store/flashcards.h -- what an agent knows about its learner's flashcards.
 *
 *  In:     looks at cards          Out: rows and sums through a callback
 *  Owns:   tables flashcards, flashcard_reviews      Thread: the store's owner
 *
 *  A callback must not call the store. A value other than 0 ends the walk and is returned. */
#ifndef STORE_FLASHCARDS_H
#define STORE_FLASHCARDS_H

#include "store/store.h"

struct flashcard_row {
    struct str agent, card, deck; /* each 1..STORE_NAME_MAX */
    int64_t state;
    double stability, difficulty;
    int64_t due_ms, last_ms, scheduled_days, reps, lapses;
};
typedef int flashcard_fn(void *ctx, const struct flashcard_row *row);

/** Write a card and the look at it.
 *  @param before_ms     last_ms of the row that this was worked out from; 0: there was none
 *  @param state_before  the card's state then
 *  @return 0; GW_EEXIST: somebody has looked at it meanwhile, nothing was written; GW_EINVAL, GW_ELIMIT, GW_EIO */
int flashcards_review(store_t *store, const struct flashcard_row *row, int64_t before_ms, int64_t rating, int64_t state_before);
/** All cards of an agent that were looked at. */
int flashcards_each(store_t *store, struct str agent, flashcard_fn *fn, void *ctx);

struct flashcard_day {
    int64_t day;             /* since 1970, in local time */
    int64_t reviews, fresh;  /* of them first looks */
    int64_t known, recalled; /* of cards that were known, and those recalled */
};
typedef int flashcard_day_fn(void *ctx, const struct flashcard_day *day);
/** Days with looks since a time, the newest first. @param offset_s  of local time, east of UTC */
int flashcards_days(store_t *store, struct str agent, int64_t since_ms, int64_t offset_s, flashcard_day_fn *fn, void *ctx);

#endif
