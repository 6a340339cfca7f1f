/* A deck of flashcards as somebody wrote it: each card has two sides, and nothing on them that is not in the file, but for gaps. */
#include <stdbool.h>
#include <string.h>

#include "tools/decks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void insist(bool claim)
{
    if (!claim) __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = { 0 };
    struct deck_cards cards = { 0 };
    if (size > 65536) return 0;
    deck_read(STR("d"), (struct str){ (const char *)data, size }, &arena, &cards);
    insist(cards.count <= DECK_CARDS_MAX);
    for (size_t i = 0; i < cards.count; i++) {
        const struct deck_card *c = &cards.list[i];
        insist(c->front.n > 0 && c->back.n > 0 && strlen(c->id) == CARD_ID_SIZE - 1);
        insist(c->back.n <= size && c->front.n <= 6 * size + 6 && c->section.n <= size);
    }
    arena_free(&arena);
    return 0;
}
