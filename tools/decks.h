/** tools/decks.h -- flashcards out of Markdown.
 *
 *      # Title                       the file's, for people
 *      ## Articles                   section: what its cards are about, for weak areas
 *      Q: the table                  a card: front ...
 *      A: der Tisch                  ... and back, both to the next Q:, A:, Cloze:, heading or blank line
 *      Cloze: Ich {{bin}} müde.      a card for each gap; {{c1::bin}} {{c1::to be::hint}}: gaps of one number make one card
 *
 *  In:     a file's text      Out: cards; their strings are in the caller's arena
 *  Owns:   nothing            Thread: any */
#ifndef TOOLS_DECKS_H
#define TOOLS_DECKS_H

#include "base/arena.h"
#include "base/str.h"

enum {
    DECK_CARDS_MAX = 5000,        /* of all decks of an agent */
    DECK_BYTES_MAX = 1024 * 1024, /* of one file */
    DECK_GAPS_MAX = 9,            /* of one sentence */
    CARD_ID_SIZE = 17,
};

struct deck_card {
    char id[CARD_ID_SIZE]; /* of deck and front: a mended back keeps its history */
    struct str deck, section, front, back;
};

struct deck_cards {         /* zero is valid */
    struct deck_card *list; /* in the arena */
    size_t count, cap;
};

/** Append the cards of a file. @param deck  its name, in the arena or static
 *  @return 0; GW_ELIMIT DECK_CARDS_MAX are there; GW_ENOMEM */
int deck_read(struct str deck, struct str text, struct arena *arena, struct deck_cards *out);

#endif
