/* actors/turn_tool_flashcards.c -- flashcards: decks of Markdown, scheduled by FSRS-5, kept in the store for each agent.
 * Source: the customer's tutors (Again/Hard/Good/Easy, 90 % recall); docs/flashcards.md */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>

#include "actors/turn_tools.h"
#include "base/json_read.h"
#include "base/timezone.h"
#include "tools/beneath.h"
#include "tools/decks.h"
#include "tools/fsrs.h"
#include "tools/markdown_files.h"

enum { DUE = 5, NEW_A_DAY = 20, FILES_MAX = 64, WEAK_MAX = 5, WEAK_REPS = 3, TRIES = 3 };
#define DAY_MS INT64_C(86400000)
#define YEAR_MS (366 * DAY_MS)
#define MONTH_DAYS 30

struct card {
    UT_hash_handle hh;
    const struct deck_card *text;
    struct fsrs_card fsrs;
};

struct shelf { /* the agent's cards, and what is known about them */
    struct arena memory;
    struct deck_cards texts;
    struct card *cards; /* in the arena; as many as texts */
    struct card *by_id;
    json_t *days; /* owned */
    int64_t now_ms, offset_s, today;
};

/* --- decks -------------------------------------------------------------------------------------------------------------------- */

static int read_deck(struct shelf *s, const struct tool_place *place, const char *path, const char *file)
{
    struct buf text = { 0 }, why = { 0 };
    struct str name = arena_str(&s->memory, (struct str){ file, strlen(file) - 3 });
    int rc = beneath_read(place, str_of(path), &text, &why);
    if (rc == 0 && text.n <= DECK_BYTES_MAX && str_utf8_valid(buf_str(&text))) rc = deck_read(name, buf_str(&text), &s->memory, &s->texts);
    buf_free(&text);
    buf_free(&why);
    return rc == GW_ENOMEM ? rc : 0; /* a file that cannot be read hides no other */
}

static int read_folder(struct shelf *s, const struct tool_place *place, const char *folder)
{
    char path[PATH_MAX], *names[FILES_MAX];
    size_t count = markdown_files_list(folder, names, FILES_MAX);
    int rc = 0;
    for (size_t i = 0; i < count; i++) {
        int n = snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        if (rc == 0 && n > 0 && (size_t)n < sizeof path) rc = read_deck(s, place, path, names[i]);
        free(names[i]);
    }
    return rc;
}

static int read_decks(struct shelf *s, const struct tool_place *place)
{
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s/decks", place->workspace);
    int rc = read_folder(s, place, folder);
    for (size_t i = 0; i < place->readable_count && rc == 0; i++) {
        int n = snprintf(folder, sizeof folder, "%.*s/decks", STR_ARG(place->readable[i]));
        if (n > 0 && (size_t)n < sizeof folder) rc = read_folder(s, place, folder);
    }
    if (rc == 0) s->cards = arena_alloc(&s->memory, s->texts.count + 1, sizeof *s->cards);
    if (rc == 0 && !s->cards) rc = GW_ENOMEM;
    for (size_t i = 0; i < s->texts.count && rc == 0; i++) {
        struct card *card = &s->cards[i], *other;
        card->text = &s->texts.list[i];
        HASH_FIND_STR(s->by_id, card->text->id, other);
        if (!other) HASH_ADD_KEYPTR(hh, s->by_id, card->text->id, CARD_ID_SIZE - 1, card); /* the same card twice counts once */
    }
    return rc;
}

/* --- what is known --------------------------------------------------------------------------------------------------------------- */

static int64_t whole(const json_t *list, size_t i)
{
    return (int64_t)json_number_value(json_array_get(list, i));
}

static void take_card(struct shelf *s, const json_t *row)
{
    struct card *card;
    const char *id = json_string_value(json_array_get(row, 0));
    if (id) HASH_FIND_STR(s->by_id, id, card);
    if (!id || !card) return; /* it is in no deck any more */
    card->fsrs = (struct fsrs_card){ .state = (enum fsrs_state)whole(row, 1),
                                     .stability = json_number_value(json_array_get(row, 2)),
                                     .difficulty = json_number_value(json_array_get(row, 3)),
                                     .due_ms = whole(row, 4),
                                     .last_ms = whole(row, 5),
                                     .scheduled_days = whole(row, 6),
                                     .reps = whole(row, 7),
                                     .lapses = whole(row, 8) };
}

static int take_known(struct shelf *s, struct str json)
{
    json_t *said = json_loadb(json.p, json.n, 0, NULL), *row;
    size_t i;
    if (!said) return GW_EBADMSG;
    json_array_foreach(json_object_get(said, "cards"), i, row) take_card(s, row);
    json_decref(s->days);
    s->days = json_incref(json_object_get(said, "days"));
    json_decref(said);
    return 0;
}

static int load_known(struct turn *t, struct tool_call *call, struct shelf *s)
{
    struct msg q = { .kind = MSG_cards_load }, answer;
    q.cards_load = (struct msg_cards_load){ .agent = call->place->agent->id, .since_ms = s->now_ms - YEAR_MS, .offset_s = s->offset_s };
    int rc = turn_ask_store(t, &q, &answer);
    if (rc) return rc;
    rc = answer.kind == MSG_cards_loaded ? take_known(s, answer.cards_loaded.json) : GW_EBADMSG;
    msg_clear(&answer);
    return rc;
}

static void close_shelf(struct shelf *s)
{
    HASH_CLEAR(hh, s->by_id);
    json_decref(s->days);
    arena_free(&s->memory);
}

static int open_shelf(struct turn *t, struct tool_call *call, struct shelf *s)
{
    timezone_t *zone = NULL;
    struct timezone_local local;
    *s = (struct shelf){ .now_ms = call->place->now_ms };
    timezone_load(NULL, call->place->agent->time_zone, &zone); /* unknown: UTC */
    timezone_local(zone, s->now_ms / 1000, &local);
    timezone_destroy(&zone);
    s->offset_s = local.offset_s;
    s->today = (s->now_ms / 1000 + s->offset_s) / 86400;
    int rc = read_decks(s, call->place);
    return rc ? rc : load_known(t, call, s);
}

/* --- looking ---------------------------------------------------------------------------------------------------------------------- */

static bool is_wanted(const struct tool_call *call, const struct card *card)
{
    struct str deck = tool_text(call, "deck", NULL);
    return deck.n == 0 || str_eq(deck, card->text->deck);
}

static bool is_due(const struct shelf *s, const struct card *card)
{
    bool by_day = card->fsrs.state == FSRS_REVIEW; /* days count as days: what is due this evening is due this morning */
    int64_t due_day = (card->fsrs.due_ms / 1000 + s->offset_s) / 86400;
    return card->fsrs.state != FSRS_NEW && (by_day ? due_day <= s->today : card->fsrs.due_ms <= s->now_ms);
}

static int64_t of_today(const struct shelf *s, size_t column)
{
    const json_t *newest = json_array_get(s->days, 0);
    return newest && whole(newest, 0) == s->today ? whole(newest, column) : 0;
}

static int decks(struct tool_call *call, struct shelf *s)
{
    json_t *list = json_array(), *deck = NULL;
    struct str last = { 0 };
    for (size_t i = 0; i < s->texts.count; i++) { /* cards of a deck stand together */
        const struct card *card = &s->cards[i];
        if (!deck || !str_eq(last, card->text->deck)) {
            last = card->text->deck;
            deck = json_pack("{s:s%, s:i, s:i, s:i}", "deck", last.p, last.n, "cards", 0, "new", 0, "due", 0);
            json_array_append_new(list, deck);
        }
        const char *count = card->fsrs.state == FSRS_NEW ? "new" : is_due(s, card) ? "due" : NULL;
        json_object_set_new(deck, "cards", json_integer(json_int(deck, "cards", 0) + 1));
        if (count) json_object_set_new(deck, count, json_integer(json_int(deck, count, 0) + 1));
    }
    return tool_answer_json(call, json_pack("{s:o}", "decks", list));
}

/* What is most likely forgotten comes first. */
static int by_urgency(const void *a, const void *b)
{
    const struct card *x = *(struct card *const *)a, *y = *(struct card *const *)b;
    if (x->fsrs.due_ms != y->fsrs.due_ms) return x->fsrs.due_ms < y->fsrs.due_ms ? -1 : 1;
    return strcmp(x->text->id, y->text->id);
}

static void show(json_t *list, const struct card *card)
{
    static const char *const states[] = { "new", "learning", "review", "relearning" };
    const struct deck_card *d = card->text;
    json_array_append_new(list, json_pack("{s:s, s:s%, s:s%, s:s%, s:s%, s:s}", "card", d->id, "deck", d->deck.p, d->deck.n, "section",
                                          d->section.p, d->section.n, "front", d->front.p, d->front.n, "back", d->back.p, d->back.n,
                                          "state", states[card->fsrs.state]));
}

static int due(struct tool_call *call, struct shelf *s)
{
    int64_t limit = tool_whole(call, "limit", DUE), fresh = tool_whole(call, "newPerDay", NEW_A_DAY) - of_today(s, 2);
    struct card **waiting = arena_alloc(&s->memory, s->texts.count + 1, sizeof *waiting);
    size_t repeats = 0, unseen = 0;
    json_t *list = json_array();
    if (!waiting || !list) return GW_ENOMEM;
    for (size_t i = 0; i < s->texts.count; i++) {
        if (!is_wanted(call, &s->cards[i])) continue;
        if (is_due(s, &s->cards[i])) waiting[repeats++] = &s->cards[i];
        unseen += s->cards[i].fsrs.state == FSRS_NEW;
    }
    qsort(waiting, repeats, sizeof *waiting, by_urgency);
    for (size_t i = 0; i < repeats && (int64_t)json_array_size(list) < limit; i++) show(list, waiting[i]);
    fresh = fresh < 0 ? 0 : fresh;
    int64_t offered = fresh < (int64_t)unseen ? fresh : (int64_t)unseen;
    for (size_t i = 0; i < s->texts.count && fresh > 0 && (int64_t)json_array_size(list) < limit; i++) {
        if (!is_wanted(call, &s->cards[i]) || s->cards[i].fsrs.state != FSRS_NEW) continue;
        show(list, &s->cards[i]);
        fresh--;
    }
    return tool_answer_json(call, json_pack("{s:o, s:I, s:I, s:I}", "cards", list, "toRepeat", (json_int_t)repeats, "newToday",
                                            (json_int_t)offered, "reviewedToday", (json_int_t)of_today(s, 1)));
}

/* --- rating ----------------------------------------------------------------------------------------------------------------------- */

static enum fsrs_rating rating_of(struct str word)
{
    if (str_is(word, "again")) return FSRS_AGAIN;
    if (str_is(word, "hard")) return FSRS_HARD;
    return str_is(word, "easy") ? FSRS_EASY : FSRS_GOOD;
}

static int write_review(struct turn *t, struct tool_call *call, const struct card *card, enum fsrs_rating rating,
                        const struct fsrs_card *next)
{
    struct msg q = { .kind = MSG_cards_review }, answer;
    struct buf json = { 0 };
    buf_printf(&json, "[\"%s\",%d,%.8f,%.8f,%lld,%lld,%lld,%lld,%lld]", card->text->id, (int)next->state, next->stability, next->difficulty,
               (long long)next->due_ms, (long long)next->last_ms, (long long)next->scheduled_days, (long long)next->reps,
               (long long)next->lapses);
    q.cards_review = (struct msg_cards_review){ .agent = call->place->agent->id,
                                                .card = str_of(card->text->id),
                                                .deck = str_utf8_prefix(card->text->deck, 256),
                                                .before_ms = card->fsrs.last_ms,
                                                .rating = rating,
                                                .state_before = card->fsrs.state,
                                                .json = buf_str(&json) };
    int rc = json.err ? json.err : turn_ask_store(t, &q, &answer);
    if (rc == 0) {
        rc = answer.kind == MSG_cards_reviewed ? (int)answer.cards_reviewed.code : GW_EBADMSG;
        msg_clear(&answer);
    }
    buf_free(&json);
    return rc;
}

static void write_span(int64_t ms, char out[static 32])
{
    if (ms < 3600000)
        snprintf(out, 32, "%lld minutes", (long long)((ms + 30000) / 60000));
    else
        snprintf(out, 32, "%lld days", (long long)((ms + DAY_MS / 2) / DAY_MS));
}

static int review(struct turn *t, struct tool_call *call, struct shelf *s)
{
    char next_in[32];
    struct str id = tool_text(call, "card", NULL), word = tool_text(call, "rating", NULL);
    struct card *card = NULL;
    struct fsrs_card next;
    int rc = GW_EEXIST;
    if (!id.n || !word.n) return tool_fail(call, "card and rating are required: due tells the cards, the learner how well it went.");
    HASH_FIND(hh, s->by_id, id.p, id.n, card);
    if (!card) return tool_fail(call, "There is no card \"%.*s\" in the decks: due tells which there are.", STR_ARG(id));
    for (int i = 0; i < TRIES && rc == GW_EEXIST; i++) { /* another conversation may have looked at it meanwhile */
        if (i > 0 && (rc = load_known(t, call, s)) != 0) return rc;
        int64_t now_ms = s->now_ms > card->fsrs.last_ms ? s->now_ms : card->fsrs.last_ms + 1;
        fsrs_review(&card->fsrs, rating_of(word), now_ms, &next);
        rc = write_review(t, call, card, rating_of(word), &next);
    }
    if (rc == GW_EEXIST) return tool_fail(call, "Others rate this card at the same time. Nothing was recorded; try again.");
    if (rc) return rc;
    write_span(next.due_ms - next.last_ms, next_in);
    return tool_answer_json(call, json_pack("{s:b, s:s, s:s%, s:s, s:I, s:I}", "ok", 1, "card", card->text->id, "back", card->text->back.p,
                                            card->text->back.n, "nextIn", next_in, "reps", (json_int_t)next.reps, "lapses",
                                            (json_int_t)next.lapses));
}

/* --- progress ------------------------------------------------------------------------------------------------------------------------ */

/* Days in a row with a review, today or yesterday the last. */
static int64_t streak(const struct shelf *s)
{
    int64_t expected = s->today, count = 0;
    const json_t *day;
    size_t i;
    json_array_foreach(s->days, i, day)
    {
        if (i == 0 && whole(day, 0) == s->today - 1) expected--; /* today may still come */
        if (whole(day, 0) != expected) break;
        expected--;
        count++;
    }
    return count;
}

static json_t *retention(const struct shelf *s)
{
    int64_t known = 0, recalled = 0;
    const json_t *day;
    size_t i;
    json_array_foreach(s->days, i, day)
    {
        if (whole(day, 0) <= s->today - MONTH_DAYS) break;
        known += whole(day, 3);
        recalled += whole(day, 4);
    }
    return known ? json_integer((json_int_t)((100 * recalled + known / 2) / known)) : json_null();
}

struct area {
    struct str deck, section;
    int64_t reps, lapses;
    double difficulty;
    int64_t cards;
};

static int by_weakness(const void *a, const void *b)
{
    const struct area *x = a, *y = b;
    double p = (double)x->lapses / (double)(x->reps + 1) + x->difficulty / (double)x->cards / 20,
           q = (double)y->lapses / (double)(y->reps + 1) + y->difficulty / (double)y->cards / 20;
    return p > q ? -1 : p < q;
}

static json_t *weak_areas(const struct tool_call *call, struct shelf *s)
{
    struct area *areas = arena_alloc(&s->memory, s->texts.count + 1, sizeof *areas);
    size_t count = 0, i, k;
    json_t *list = json_array();
    for (i = 0; areas && i < s->texts.count; i++) {
        const struct card *card = &s->cards[i];
        if (!is_wanted(call, card) || card->fsrs.reps == 0) continue;
        for (k = count; k-- > 0;)
            if (str_eq(areas[k].deck, card->text->deck) && str_eq(areas[k].section, card->text->section)) break;
        if (k == SIZE_MAX) areas[k = count++] = (struct area){ .deck = card->text->deck, .section = card->text->section };
        areas[k].reps += card->fsrs.reps;
        areas[k].lapses += card->fsrs.lapses;
        areas[k].difficulty += card->fsrs.difficulty;
        areas[k].cards++;
    }
    if (areas) qsort(areas, count, sizeof *areas, by_weakness);
    for (i = 0; i < count && json_array_size(list) < WEAK_MAX; i++)
        if (areas[i].reps >= WEAK_REPS)
            json_array_append_new(list, json_pack("{s:s%, s:s%, s:I, s:I, s:f}", "deck", areas[i].deck.p, areas[i].deck.n, "section",
                                                  areas[i].section.p, areas[i].section.n, "reviews", (json_int_t)areas[i].reps, "lapses",
                                                  (json_int_t)areas[i].lapses, "difficulty",
                                                  (double)(int)(10 * areas[i].difficulty / (double)areas[i].cards) / 10));
    return list;
}

static int stats(struct tool_call *call, struct shelf *s)
{
    int64_t counts[4] = { 0 }, total = 0, overdue = 0;
    double recall = 0;
    for (size_t i = 0; i < s->texts.count; i++) {
        const struct card *card = &s->cards[i];
        if (!is_wanted(call, card)) continue;
        total++;
        counts[card->fsrs.state]++;
        overdue += is_due(s, card);
        recall += fsrs_recall(&card->fsrs, s->now_ms);
    }
    int64_t seen = total - counts[FSRS_NEW], learning = counts[FSRS_LEARNING] + counts[FSRS_RELEARNING];
    return tool_answer_json(call,
                            json_pack("{s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:I, s:I, s:I, s:o}", "cards", (json_int_t)total, "new",
                                      (json_int_t)counts[FSRS_NEW], "learning", (json_int_t)learning, "known",
                                      (json_int_t)counts[FSRS_REVIEW], "due", (json_int_t)overdue, "recallNowPercent",
                                      seen ? json_integer((json_int_t)(100 * recall / (double)seen + 0.5)) : json_null(),
                                      "recalled30DaysPercent", retention(s), "reviewedToday", (json_int_t)of_today(s, 1), "newToday",
                                      (json_int_t)of_today(s, 2), "streakDays", (json_int_t)streak(s), "weakAreas", weak_areas(call, s)));
}

int turn_tool_flashcards(struct turn *t, struct tool_call *call)
{
    struct shelf s;
    struct str action = tool_text(call, "action", NULL);
    int rc = open_shelf(t, call, &s);
    if (rc == 0 && s.texts.count == 0)
        rc = tool_fail(call, "There are no decks: put Markdown files with lines \"Q:\", \"A:\" and \"Cloze:\" into %s/decks.",
                       call->place->workspace);
    else if (rc == 0 && str_is(action, "decks"))
        rc = decks(call, &s);
    else if (rc == 0 && str_is(action, "due"))
        rc = due(call, &s);
    else if (rc == 0 && str_is(action, "review"))
        rc = review(t, call, &s);
    else if (rc == 0)
        rc = stats(call, &s);
    close_shelf(&s);
    return rc;
}
