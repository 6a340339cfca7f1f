#include "store/flashcards.h"

#include "store/sql.h"

static int last_look(store_t *store, const struct flashcard_row *row, int64_t *last_ms)
{
    struct query q = query_open(store, SQL_flashcard_last, "SELECT coalesce(max(last_ms), 0) FROM flashcards WHERE agent = ? AND card = ?");
    query_text(&q, row->agent);
    query_text(&q, row->card);
    return query_run_int(&q, last_ms);
}

static int log_look(store_t *store, const struct flashcard_row *row, int64_t rating, int64_t state_before)
{
    struct query q =
        query_open(store, SQL_flashcard_log, "INSERT INTO flashcard_reviews (agent, card, at_ms, rating, state) VALUES (?, ?, ?, ?, ?)");
    query_text(&q, row->agent);
    query_text(&q, row->card);
    query_int(&q, row->last_ms);
    query_int(&q, rating);
    query_int(&q, state_before);
    return query_run(&q);
}

int flashcards_review(store_t *store, const struct flashcard_row *row, int64_t before_ms, int64_t rating, int64_t state_before)
{
    int64_t last_ms = 0;
    int rc = sql_check(store, row->agent, 1, STORE_NAME_MAX, "agent id");
    if (rc == 0) rc = sql_check(store, row->card, 1, STORE_NAME_MAX, "card id");
    if (rc == 0) rc = sql_check(store, row->deck, 1, STORE_NAME_MAX, "deck");
    if (rc == 0) rc = last_look(store, row, &last_ms);
    if (rc == 0 && last_ms != before_ms) rc = GW_EEXIST;
    if (rc) return rc;
    struct query q = query_open(store, SQL_flashcard_save,
                                "INSERT OR REPLACE INTO flashcards (agent, card, deck, state, stability, difficulty, due_ms, last_ms, "
                                "scheduled_days, reps, lapses) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    query_text(&q, row->agent);
    query_text(&q, row->card);
    query_text(&q, row->deck);
    query_int(&q, row->state);
    query_real(&q, row->stability);
    query_real(&q, row->difficulty);
    query_int(&q, row->due_ms);
    query_int(&q, row->last_ms);
    query_int(&q, row->scheduled_days);
    query_int(&q, row->reps);
    query_int(&q, row->lapses);
    rc = query_run(&q);
    return rc ? rc : log_look(store, row, rating, state_before);
}

int flashcards_each(store_t *store, struct str agent, flashcard_fn *fn, void *ctx)
{
    struct query q = query_open(store, SQL_flashcards,
                                "SELECT card, deck, state, stability, difficulty, due_ms, last_ms, scheduled_days, reps, lapses "
                                "FROM flashcards WHERE agent = ? ORDER BY card");
    int rc;
    query_text(&q, agent);
    while ((rc = query_row(&q)) == 1) {
        const struct flashcard_row row = { .agent = agent,
                                           .card = query_get_text(&q, 0),
                                           .deck = query_get_text(&q, 1),
                                           .state = query_get_int(&q, 2),
                                           .stability = query_get_real(&q, 3),
                                           .difficulty = query_get_real(&q, 4),
                                           .due_ms = query_get_int(&q, 5),
                                           .last_ms = query_get_int(&q, 6),
                                           .scheduled_days = query_get_int(&q, 7),
                                           .reps = query_get_int(&q, 8),
                                           .lapses = query_get_int(&q, 9) };
        if ((rc = fn(ctx, &row)) != 0) break;
    }
    return query_close(&q, rc);
}

int flashcards_days(store_t *store, struct str agent, int64_t since_ms, int64_t offset_s, flashcard_day_fn *fn, void *ctx)
{
    struct query q =
        query_open(store, SQL_flashcard_days,
                   "SELECT (at_ms / 1000 + ?) / 86400 AS day, count(*), sum(state = 0), sum(state = 2), sum(state = 2 AND rating > 1) "
                   "FROM flashcard_reviews WHERE agent = ? AND at_ms >= ? GROUP BY day ORDER BY day DESC");
    int rc;
    query_int(&q, offset_s);
    query_text(&q, agent);
    query_int(&q, since_ms);
    while ((rc = query_row(&q)) == 1) {
        const struct flashcard_day day = { query_get_int(&q, 0), query_get_int(&q, 1), query_get_int(&q, 2), query_get_int(&q, 3),
                                           query_get_int(&q, 4) };
        if ((rc = fn(ctx, &day)) != 0) break;
    }
    return query_close(&q, rc);
}
