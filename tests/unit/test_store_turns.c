#include "store/usage.h"
#include "store_fixture.h"

TestSuite(store_turns, .init = fixture_setup, .fini = fixture_teardown, .timeout = 20);

struct seen { /* what a turn callback saw */
    int count;
    int64_t ids[8];
    struct buf text;
    struct turn_row row; /* the last one; its strings are gone */
};

static int see(void *ctx, const struct turn_row *row)
{
    struct seen *s = ctx;
    s->ids[s->count++ % 8] = row->id;
    s->row = *row;
    buf_printf(&s->text, "%lld %s %.*s input=%zu extra=%zu key=%.*s; ", (long long)row->id, turn_state_name(row->state),
               STR_ARG(row->session_key), row->input.n, row->extra.n, STR_ARG(row->idempotency_key));
    return 0;
}

Test(store_turns, are_accepted_begun_and_finished)
{
    struct seen seen = { 0 };
    struct turn_accepted accepted;
    struct turn_begun begun;
    struct turn_ended ended;
    store_t *store = fixture_open(NULL, 0, NULL);
    const struct turn_new turn = fixture_turn(5, "agent:main:main", "key-1");
    const struct turn_end end = fixture_end(5, TURN_DONE);
    cr_assert(turns_accept(store, &turn, &accepted) == 0);
    cr_assert(accepted.id == 5 && accepted.state == TURN_ACCEPTED && accepted.session_created);
    cr_assert(turns_begin(store, 5, STR("{\"u\":1}"), NOW, &begun) == 0);
    cr_assert(begun.session == accepted.session && begun.user_seq == 1 && begun.last_seq == 1 && !begun.again && !begun.continued);
    cr_assert(turns_get(store, 5, see, &seen) == 0);
    cr_assert(turns_finish(store, &end, &ended) == 0);
    cr_assert(ended.state == TURN_DONE && ended.answer_seq == 2 && !ended.again);
    cr_assert(turns_get(store, 5, see, &seen) == 0);
    cr_assert_str_eq(buf_cstr(&seen.text), "5 running agent:main:main input=5 extra=6 key=key-1; "
                                           "5 done agent:main:main input=0 extra=0 key=key-1; ");
    cr_assert(seen.row.user_seq == 1 && seen.row.answer_seq == 2 && seen.row.used.input == 100 && seen.row.used.cache_write == 4);
    cr_assert(seen.row.created_ms == NOW && seen.row.started_ms == NOW && seen.row.ended_ms == NOW + 1000);
    cr_assert(turns_get(store, 6, see, &seen) == GW_ENOENT);
    store_close(&store);
    buf_free(&seen.text);
}

Test(store_turns, of_one_idempotency_key_are_one)
{
    struct turn_accepted found;
    int64_t n;
    store_t *store = fixture_open(NULL, 0, NULL);
    struct turn_new turn = fixture_turn(1, "agent:main:main", "key-1");
    cr_assert(turns_accept(store, &turn, NULL) == 0);
    cr_assert(turns_begin(store, 1, STR("{}"), NOW, NULL) == 0);
    turn.id = 2;
    cr_assert(turns_accept(store, &turn, &found) == GW_EEXIST);
    cr_assert(found.id == 1 && found.state == TURN_RUNNING && !found.session_created);
    turn.session.key = STR("agent:main:other");
    cr_assert(turns_accept(store, &turn, &found) == GW_EEXIST && found.id == 1);
    cr_assert(sessions_count(store, &n) == 0 && n == 1);
    turn.scope = STR("discord"); /* another scope is another key */
    cr_assert(turns_accept(store, &turn, &found) == 0 && found.id == 2);
    turn.id = 3;
    turn.idempotency_key = STR("");
    cr_assert(turns_accept(store, &turn, NULL) == 0);
    turn.id = 4;
    cr_assert(turns_accept(store, &turn, NULL) == 0);
    turn.id = 4; /* the number itself */
    cr_assert(turns_accept(store, &turn, &found) == GW_EEXIST && found.id == 4);
    cr_assert(turns_max_id(store, &n) == 0 && n == 4);
    store_close(&store);
}

Test(store_turns, append_the_users_message_once_however_often_they_begin)
{
    struct turn_begun begun;
    int64_t n;
    store_t *store = fixture_open(NULL, 0, NULL);
    cr_assert(fixture_accept(store, 1, "agent:main:main") == 0);
    cr_assert(turns_begin(store, 1, STR("{}"), NOW, &begun) == 0 && !begun.again);
    cr_assert(turns_begin(store, 1, STR("{}"), NOW, &begun) == 0 && begun.again && !begun.continued && begun.last_seq == 1);
    cr_assert(fixture_append(store, begun.session, "{\"tool\":1}") == 0);
    store_close(&store);
    store = fixture_open(NULL, 0, NULL);
    cr_assert(turns_begin(store, 1, STR("{}"), NOW, &begun) == 0 && begun.again && begun.continued);
    cr_assert(begun.user_seq == 1 && begun.last_seq == 2);
    cr_assert(messages_count(store, begun.session, &n) == 0 && n == 2);
    store_close(&store);
}

Test(store_turns, end_once)
{
    struct turn_ended ended;
    int64_t n;
    store_t *store = fixture_open(NULL, 0, NULL);
    struct turn_end end = fixture_end(1, TURN_DONE);
    cr_assert(turns_finish(store, &end, &ended) == GW_ENOENT);
    cr_assert(fixture_accept(store, 1, "agent:main:main") == 0);
    end.state = TURN_RUNNING;
    cr_assert(turns_finish(store, &end, &ended) == GW_EINVAL);
    end.state = TURN_DROPPED; /* straight from accepted */
    cr_assert(turns_finish(store, &end, &ended) == 0 && !ended.again && ended.answer_seq == 1);
    end.state = TURN_DONE;
    cr_assert(turns_finish(store, &end, &ended) == 0 && ended.again && ended.state == TURN_DROPPED && ended.answer_seq == 1);
    cr_assert(turns_begin(store, 1, STR("{}"), NOW, NULL) == GW_EEXIST);
    cr_assert(messages_count(store, 0, &n) == 0 && n == 1);
    store_close(&store);
}

Test(store_turns, that_have_not_ended_are_pending_in_order)
{
    struct seen seen = { 0 };
    store_t *store = fixture_open(NULL, 0, NULL);
    for (int64_t id = 5; id >= 1; id--) cr_assert(fixture_accept(store, id, "agent:main:main") == 0);
    cr_assert(turns_begin(store, 2, STR("{}"), NOW, NULL) == 0);
    const struct turn_end end = fixture_end(3, TURN_ABORTED);
    cr_assert(turns_finish(store, &end, NULL) == 0);
    cr_assert(turns_pending(store, 0, 3, see, &seen) == 0);
    cr_assert(seen.count == 3 && seen.ids[0] == 1 && seen.ids[1] == 2 && seen.ids[2] == 4);
    cr_assert(turns_pending(store, 4, 3, see, &seen) == 0 && seen.count == 4 && seen.ids[3] == 5);
    cr_assert(turns_pending(store, 0, STORE_LIST_MAX, see, &seen) == 0);
    cr_assert(turns_pending(store, 0, STORE_LIST_MAX + 1, see, &seen) == GW_ELIMIT);
    cr_assert(turns_pending(store, 0, 0, see, &seen) == GW_ELIMIT);
    store_close(&store);
    buf_free(&seen.text);
}

static int see_session(void *ctx, const struct session_row *row)
{
    *(struct session_row *)ctx = *row;
    return 0;
}

static int see_usage(void *ctx, const struct usage_row *row)
{
    buf_printf(ctx, "%lld %.*s/%.*s turns=%lld in=%lld out=%lld; ", (long long)row->day, STR_ARG(row->provider), STR_ARG(row->model),
               (long long)row->turns, (long long)row->used.input, (long long)row->used.output);
    return 0;
}

Test(store_turns, count_their_usage_with_the_session_and_the_day)
{
    struct session_row session;
    struct buf text = { 0 };
    int64_t day = NOW / USAGE_DAY_MS;
    store_t *store = fixture_open(NULL, 0, NULL);
    for (int64_t id = 1; id <= 3; id++) {
        struct turn_end end = fixture_end(id, TURN_DONE);
        if (id == 2) end.now_ms += USAGE_DAY_MS;
        if (id == 3) end.used = (struct chat_usage){ INT64_MAX, -5, 0, 0 }; /* a provider may say anything */
        cr_assert(fixture_accept(store, id, "agent:main:main") == 0 && turns_finish(store, &end, NULL) == 0);
    }
    cr_assert(usage_sum(store, day, day, true, 0, see_usage, &text) == 0);
    cr_assert(usage_sum(store, day, day + 1, false, 0, see_usage, &text) == 0);
    cr_assert(usage_sum(store, day, day + 1, false, 1, see_usage, &text) == 0);
    cr_assert_str_eq(buf_cstr(&text), "20454 demo/echo turns=2 in=1000000000100 out=20; -1 demo/echo turns=3 in=1000000000200 out=40; ");
    cr_assert(sessions_get(store, STR("agent:main:main"), see_session, &session) == 0);
    cr_assert(session.used.output == 40 && session.used.cache_read == 6 && session.context_tokens == 120 && session.last_seq == 3);
    cr_assert(usage_prune(store, day + 1) == 0);
    buf_clear(&text);
    cr_assert(usage_sum(store, 0, day + 1, true, 0, see_usage, &text) == 0);
    cr_assert_str_eq(buf_cstr(&text), "20455 demo/echo turns=1 in=100 out=20; ");
    store_close(&store);
    buf_free(&text);
}

Test(store_turns, are_forgotten_when_old)
{
    struct turn_pruned pruned;
    struct turn_new turn;
    int64_t n;
    store_t *store = fixture_open(NULL, 0, NULL);
    for (int64_t id = 1; id <= 5; id++) {
        char key[8];
        snprintf(key, sizeof key, "k%lld", (long long)id);
        turn = fixture_turn(id, "agent:main:main", key);
        struct turn_end end = fixture_end(id, TURN_DONE);
        end.now_ms = NOW + id;
        cr_assert(turns_accept(store, &turn, NULL) == 0);
        if (id != 4) cr_assert(turns_finish(store, &end, NULL) == 0);
    }
    cr_assert(turns_prune(store, &(struct turn_prune){ NOW + 3, NOW + 2, 2 }, &pruned) == 0);
    cr_assert(pruned.keys == 2 && pruned.rows == 1 && pruned.more);
    turn = fixture_turn(6, "agent:main:main", "k2");
    cr_assert(turns_accept(store, &turn, NULL) == 0); /* forgotten, so new */
    turn = fixture_turn(7, "agent:main:main", "k3");
    cr_assert(turns_accept(store, &turn, NULL) == GW_EEXIST); /* not yet */
    const struct turn_end end = fixture_end(6, TURN_DONE);
    cr_assert(turns_finish(store, &end, NULL) == 0);
    cr_assert(turns_prune(store, &(struct turn_prune){ INT64_MAX, INT64_MAX, STORE_LIST_MAX }, &pruned) == 0);
    cr_assert(pruned.rows == 3 && !pruned.more); /* 2, 3, 5: 4 is pending, 6 is the newest */
    cr_assert(turns_max_id(store, &n) == 0 && n == 6);
    cr_assert(turns_prune(store, &(struct turn_prune){ 0, 0, STORE_LIST_MAX + 1 }, &pruned) == GW_ELIMIT);
    store_close(&store);
}

Test(store_turns, hold_their_bounds)
{
    static char long_text[STORE_TEXT_MAX + 10];
    struct seen seen = { 0 };
    store_t *store = fixture_open(NULL, 0, NULL);
    struct turn_new turn = fixture_turn(1, "agent:main:main", "");
    memset(long_text, 'x', sizeof long_text);
    turn.run_id = (struct str){ long_text, STORE_NAME_MAX + 1 };
    cr_assert(turns_accept(store, &turn, NULL) == GW_ELIMIT);
    cr_assert_str_eq(store_error(store), "store: run id has 513 bytes, at most 512 are kept");
    turn.run_id.n--;
    cr_assert(turns_accept(store, &turn, NULL) == 0);
    turn.id = 2;
    turn.input = (struct str){ "", (size_t)STORE_INPUT_MAX + 1 };
    cr_assert(turns_accept(store, &turn, NULL) == GW_ELIMIT);
    struct turn_end end = fixture_end(1, TURN_FAILED);
    end.error = (struct str){ long_text, sizeof long_text };
    cr_assert(turns_finish(store, &end, NULL) == 0);
    cr_assert(turns_get(store, 1, see, &seen) == 0 && seen.row.error.n == STORE_TEXT_MAX);
    store_close(&store);
    buf_free(&seen.text);
}
