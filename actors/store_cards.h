/** actors/store_cards.h -- flashcards, inside the store's actor. In: cards.load, cards.review. Thread: the store's */
#ifndef ACTORS_STORE_CARDS_H
#define ACTORS_STORE_CARDS_H

#include "bus/bus.h"
#include "store/store.h"

int store_cards(store_t *store, const struct msg *in, struct msg *answer, payload_t **payload);

#endif
