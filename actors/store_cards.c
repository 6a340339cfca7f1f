#include "actors/store_cards.h"

#include <jansson.h>

#include "store/flashcards.h"

static int write_card(void *ctx, const struct flashcard_row *r)
{
    struct buf *out = ctx;
    buf_json_comma(out);
    buf_char(out, '[');
    buf_json_str(out, r->card);
    buf_printf(out, ",%lld,%.8f,%.8f,%lld,%lld,%lld,%lld,%lld]", (long long)r->state, r->stability, r->difficulty, (long long)r->due_ms,
               (long long)r->last_ms, (long long)r->scheduled_days, (long long)r->reps, (long long)r->lapses);
    return out->err;
}

static int write_day(void *ctx, const struct flashcard_day *d)
{
    struct buf *out = ctx;
    buf_json_comma(out);
    buf_printf(out, "[%lld,%lld,%lld,%lld,%lld]", (long long)d->day, (long long)d->reviews, (long long)d->fresh, (long long)d->known,
               (long long)d->recalled);
    return out->err;
}

static int load(store_t *store, const struct msg_cards_load *q, payload_t **payload)
{
    struct buf json = { .max = 32 * 1024 * 1024 };
    size_t n = 0;
    buf_text(&json, "{\"cards\":[");
    int rc = flashcards_each(store, q->agent, write_card, &json);
    buf_text(&json, "],\"days\":[");
    if (rc == 0) rc = flashcards_days(store, q->agent, q->since_ms, q->offset_s, write_day, &json);
    buf_text(&json, "]}");
    if (rc == 0) rc = json.err;
    char *bytes = rc == 0 ? buf_take(&json, &n) : NULL;
    *payload = bytes ? payload_take(bytes, n) : NULL;
    buf_free(&json);
    return rc == 0 && !*payload ? GW_ENOMEM : rc;
}

static int64_t whole(const json_t *list, size_t i)
{
    return (int64_t)json_number_value(json_array_get(list, i));
}

static int review(store_t *store, const struct msg_cards_review *q)
{
    json_t *list = json_loadb(q->json.p, q->json.n, 0, NULL);
    const struct flashcard_row row = { .agent = q->agent,
                                       .card = q->card,
                                       .deck = q->deck,
                                       .state = whole(list, 1),
                                       .stability = json_number_value(json_array_get(list, 2)),
                                       .difficulty = json_number_value(json_array_get(list, 3)),
                                       .due_ms = whole(list, 4),
                                       .last_ms = whole(list, 5),
                                       .scheduled_days = whole(list, 6),
                                       .reps = whole(list, 7),
                                       .lapses = whole(list, 8) };
    int rc = json_array_size(list) == 9 ? flashcards_review(store, &row, q->before_ms, q->rating, q->state_before) : GW_EBADMSG;
    json_decref(list);
    return rc;
}

int store_cards(store_t *store, const struct msg *in, struct msg *answer, payload_t **payload)
{
    *answer = (struct msg){ .corr = in->corr, .trace = in->trace };
    if (in->kind == MSG_cards_load) {
        answer->kind = MSG_cards_loaded;
        return load(store, &in->cards_load, payload);
    }
    answer->kind = MSG_cards_reviewed;
    int rc = review(store, &in->cards_review);
    answer->cards_reviewed.code = rc;
    return rc == GW_EEXIST ? 0 : rc;
}
