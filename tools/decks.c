#include "tools/decks.h"

#include <openssl/sha.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"

struct reader {
    struct str deck, section;
    struct arena *arena;
    struct deck_cards *out;
    struct buf front, back; /* of the card in hand */
    enum { NOWHERE, IN_FRONT, IN_BACK, IN_CLOZE } where;
};

static void name_card(struct deck_card *card)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    struct buf text = { 0 };
    buf_add(&text, card->deck);
    buf_char(&text, '\0');
    buf_add(&text, card->front);
    SHA256((const unsigned char *)buf_cstr(&text), text.n, digest);
    for (int i = 0; i < 8; i++) snprintf(card->id + 2 * i, 3, "%02x", digest[i]);
    buf_free(&text);
}

static int grow(struct reader *r)
{
    struct deck_cards *c = r->out;
    if (c->count >= DECK_CARDS_MAX) return GW_ELIMIT;
    if (c->count < c->cap) return 0;
    size_t cap = c->cap ? 2 * c->cap : 128;
    struct deck_card *list = arena_alloc(r->arena, cap, sizeof *list);
    if (!list) return GW_ENOMEM;
    if (c->count) memcpy(list, c->list, c->count * sizeof *list);
    c->list = list;
    c->cap = cap;
    return 0;
}

static int add(struct reader *r, struct str front, struct str back)
{
    front = str_trim(front);
    back = str_trim(back);
    if (!front.n || !back.n) return 0;
    int rc = grow(r);
    if (rc) return rc;
    struct deck_card *card = &r->out->list[r->out->count];
    *card = (struct deck_card){
        .deck = r->deck, .section = r->section, .front = arena_str(r->arena, front), .back = arena_str(r->arena, back)
    };
    if (!card->front.p || !card->back.p) return GW_ENOMEM;
    name_card(card);
    r->out->count++;
    return 0;
}

/* --- gaps ---------------------------------------------------------------------------------------------------------------- */

struct gap {
    struct str answer, hint;
    int number;
};

/* The text between the braces. */
static void read_gap(struct str inner, int otherwise, struct gap *out)
{
    *out = (struct gap){ .answer = inner, .number = otherwise };
    if (inner.n > 4 && (inner.p[0] == 'c' || inner.p[0] == 'C') && inner.p[1] >= '1' && inner.p[1] <= '9' && inner.p[2] == ':' &&
        inner.p[3] == ':') {
        out->number = inner.p[1] - '0';
        out->answer = (struct str){ inner.p + 4, inner.n - 4 };
    }
    ptrdiff_t at = str_find(out->answer, STR("::"));
    if (at < 0) return;
    out->hint = (struct str){ out->answer.p + at + 2, out->answer.n - (size_t)at - 2 };
    out->answer.n = (size_t)at;
}

/* The sentence with the gap of this number open and the others filled in; 0: none is open. @return how many are open */
static int write_gaps(struct str text, int number, struct buf *out)
{
    int seen = 0, open = 0;
    for (;;) {
        ptrdiff_t from = str_find(text, STR("{{"));
        struct str rest = text;
        if (from >= 0) rest = (struct str){ text.p + from + 2, text.n - (size_t)from - 2 };
        ptrdiff_t to = from < 0 ? -1 : str_find(rest, STR("}}"));
        struct gap gap;
        if (to < 0) {
            buf_add(out, text);
            return open;
        }
        buf_add(out, (struct str){ text.p, (size_t)from });
        read_gap((struct str){ rest.p, (size_t)to }, ++seen, &gap);
        if (gap.number == number) {
            open++;
            if (gap.hint.n)
                buf_printf(out, "[%.*s]", STR_ARG(gap.hint));
            else
                buf_text(out, "[...]");
        } else {
            buf_add(out, gap.answer);
        }
        text = (struct str){ rest.p + to + 2, rest.n - (size_t)to - 2 };
    }
}

static int add_gaps(struct reader *r)
{
    struct buf whole = { 0 };
    int rc = 0;
    write_gaps(buf_str(&r->front), 0, &whole);
    for (int number = 1; number <= DECK_GAPS_MAX && rc == 0; number++) {
        struct buf front = { 0 };
        if (write_gaps(buf_str(&r->front), number, &front) > 0) rc = add(r, buf_str(&front), buf_str(&whole));
        buf_free(&front);
    }
    buf_free(&whole);
    return rc;
}

/* --- lines ---------------------------------------------------------------------------------------------------------------- */

static int end_card(struct reader *r)
{
    int rc = 0;
    if (r->where == IN_BACK) rc = add(r, buf_str(&r->front), buf_str(&r->back));
    if (r->where == IN_CLOZE) rc = add_gaps(r);
    buf_clear(&r->front);
    buf_clear(&r->back);
    r->where = NOWHERE;
    return rc;
}

static struct str after(struct str line, size_t n)
{
    return str_trim((struct str){ line.p + n, line.n - n });
}

static int read_line(struct reader *r, struct str line)
{
    int rc = 0;
    struct buf *part = r->where == IN_BACK ? &r->back : &r->front;
    if (str_starts(line, STR("Q:"))) {
        rc = end_card(r);
        r->where = IN_FRONT;
        buf_add(&r->front, after(line, 2));
    } else if (str_starts(line, STR("A:")) && r->where == IN_FRONT) {
        r->where = IN_BACK;
        buf_add(&r->back, after(line, 2));
    } else if (str_starts(line, STR("Cloze:"))) {
        rc = end_card(r);
        r->where = IN_CLOZE;
        buf_add(&r->front, after(line, 6));
    } else if (line.n == 0 || line.p[0] == '#') {
        rc = end_card(r);
        if (str_starts(line, STR("## "))) r->section = arena_str(r->arena, after(line, 3));
    } else if (r->where != NOWHERE) {
        buf_char(part, '\n');
        buf_add(part, line);
    }
    return rc;
}

int deck_read(struct str deck, struct str text, struct arena *arena, struct deck_cards *out)
{
    struct reader r = { .deck = deck, .section = STR(""), .arena = arena, .out = out };
    int rc = 0;
    while (text.n && rc == 0) rc = read_line(&r, str_trim(str_split(&text, '\n')));
    if (rc == 0) rc = end_card(&r);
    if (rc == 0) rc = r.front.err ? r.front.err : r.back.err;
    buf_free(&r.front);
    buf_free(&r.back);
    return rc;
}
