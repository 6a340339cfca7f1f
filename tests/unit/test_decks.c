/* Flashcards out of Markdown. */
#include <criterion/criterion.h>

#include "base/buf.h"
#include "base/err.h"
#include "tools/decks.h"

static struct arena memory;
static struct deck_cards cards;

static void read_text(const char *text)
{
    cards = (struct deck_cards){ 0 };
    cr_assert_eq(deck_read(STR("d"), str_of(text), &memory, &cards), 0);
}

static void end(void)
{
    arena_free(&memory);
}

static void expect(size_t i, const char *section, const char *front, const char *back)
{
    cr_assert_lt(i, cards.count);
    const struct deck_card *c = &cards.list[i];
    cr_expect(str_is(c->section, section) && str_is(c->front, front) && str_is(c->back, back), "%zu: %.*s | %.*s | %.*s", i,
              STR_ARG(c->section), STR_ARG(c->front), STR_ARG(c->back));
    cr_expect_eq(strlen(c->id), CARD_ID_SIZE - 1);
}

Test(decks, questions_and_answers_under_their_headings, .fini = end)
{
    read_text("# German A1\nWords of the first weeks.\n\n## Articles\nQ: the table\nA: der Tisch\nQ: the lamp\nand its plural\nA: die "
              "Lampe,\ndie Lampen\n\n"
              "## Verbs\r\nQ: to go\r\nA: gehen\r\n\nQ: without an answer\n\nA: without a question\n");
    cr_expect_eq(cards.count, 3);
    expect(0, "Articles", "the table", "der Tisch");
    expect(1, "Articles", "the lamp\nand its plural", "die Lampe,\ndie Lampen");
    expect(2, "Verbs", "to go", "gehen");
}

Test(decks, each_gap_is_a_card, .fini = end)
{
    read_text("Cloze: Ich {{bin}} aus {{Hanoi}}.\nCloze: {{c1::Der}} Tisch {{c2::steht::to stand}}, {{c1::der}} Stuhl nicht.\nCloze: no "
              "gap\nCloze: {{open\n");
    cr_expect_eq(cards.count, 4);
    expect(0, "", "Ich [...] aus Hanoi.", "Ich bin aus Hanoi.");
    expect(1, "", "Ich bin aus [...].", "Ich bin aus Hanoi.");
    expect(2, "", "[...] Tisch steht, [...] Stuhl nicht.", "Der Tisch steht, der Stuhl nicht.");
    expect(3, "", "Der Tisch [to stand], der Stuhl nicht.", "Der Tisch steht, der Stuhl nicht.");
}

Test(decks, a_mended_back_keeps_the_card_and_its_history, .fini = end)
{
    char id[CARD_ID_SIZE];
    read_text("Q: the table\nA: das Tisch\n");
    memcpy(id, cards.list[0].id, sizeof id);
    read_text("Q: the table\nA: der Tisch\n");
    cr_expect_str_eq(cards.list[0].id, id);
    read_text("Q: the tables\nA: die Tische\n");
    cr_expect_str_neq(cards.list[0].id, id);
}

Test(decks, a_sentence_has_nine_gaps_at_most, .fini = end)
{
    struct buf text = { 0 };
    buf_text(&text, "Cloze:");
    for (int i = 0; i < DECK_GAPS_MAX; i++) buf_printf(&text, " {{g%d}}", i);
    read_text(buf_cstr(&text));
    cr_expect_eq(cards.count, DECK_GAPS_MAX);
    buf_text(&text, " {{more}}");
    read_text(buf_cstr(&text));
    cr_expect_eq(cards.count, DECK_GAPS_MAX, "the tenth is filled in");
    expect(0, "", "[...] g1 g2 g3 g4 g5 g6 g7 g8 more", "g0 g1 g2 g3 g4 g5 g6 g7 g8 more");
    buf_free(&text);
}

Test(decks, there_is_a_bound, .fini = end)
{
    struct buf text = { 0 };
    for (int i = 0; i <= DECK_CARDS_MAX; i++) buf_printf(&text, "Q: q%d\nA: a\n", i);
    cards = (struct deck_cards){ 0 };
    cr_expect_eq(deck_read(STR("d"), buf_str(&text), &memory, &cards), GW_ELIMIT);
    cr_expect_eq(cards.count, DECK_CARDS_MAX);
    buf_free(&text);
}
