#include "store_fixture.h"

TestSuite(store_messages, .init = fixture_setup, .fini = fixture_teardown, .timeout = 20);

#define KEY STR("agent:main:main")

static int64_t make_session(store_t *store)
{
    const struct session_new s = { .key = KEY, .uuid = STR("u"), .agent = STR("main"), .now_ms = NOW };
    int64_t id;
    cr_assert(sessions_ensure(store, &s, &id, NULL) == 0);
    return id;
}

static void fill(store_t *store, int64_t session, int count)
{
    char json[16];
    for (int i = 1; i <= count; i++) {
        snprintf(json, sizeof json, "%04d", i);
        cr_assert(fixture_append(store, session, json) == 0);
    }
}

static void expect_history(store_t *store, int64_t rows, int64_t bytes, const char *want, int64_t left_out)
{
    struct buf text = { 0 };
    struct history_info info;
    cr_assert(messages_history(store, KEY, &(struct history_limits){ rows, bytes }, fixture_write, &text, &info) == 0);
    cr_assert_str_eq(buf_cstr(&text), want);
    cr_assert(info.left_out == left_out, "%lld left out", (long long)info.left_out);
    buf_free(&text);
}

Test(store_messages, are_numbered_in_their_session_and_read_in_order)
{
    struct buf text = { 0 };
    int64_t n;
    store_t *store = fixture_open(NULL, 0, NULL);
    int64_t session = make_session(store);
    fill(store, session, 4);
    expect_history(store, 0, 0, "1:0001 2:0002 3:0003 4:0004 ", 0);
    cr_assert(messages_list(store, session, 1, 2, fixture_write, &text) == 0);
    cr_assert(messages_get(store, session, 4, fixture_write, &text) == 0);
    cr_assert_str_eq(buf_cstr(&text), "2:0002 3:0003 4:0004 ");
    cr_assert(messages_get(store, session, 5, fixture_write, &text) == GW_ENOENT);
    cr_assert(messages_count(store, session, &n) == 0 && n == 4);
    cr_assert(messages_count(store, 99, &n) == GW_ENOENT);
    cr_assert(fixture_append(store, 99, "{}") == GW_ENOENT);
    cr_assert(fixture_append(store, session, "") == GW_EINVAL);
    cr_assert(messages_history(store, STR("nobody"), NULL, fixture_write, &text, NULL) == GW_ENOENT);
    store_close(&store);
    buf_free(&text);
}

Test(store_messages, of_a_history_are_the_newest_within_its_limits)
{
    store_t *store = fixture_open(NULL, 0, NULL);
    fill(store, make_session(store), 4);
    expect_history(store, 4, 0, "1:0001 2:0002 3:0003 4:0004 ", 0);
    expect_history(store, 3, 0, "2:0002 3:0003 4:0004 ", 1);
    expect_history(store, 0, 16, "1:0001 2:0002 3:0003 4:0004 ", 0);
    expect_history(store, 0, 15, "2:0002 3:0003 4:0004 ", 1);
    expect_history(store, 0, 1, "4:0004 ", 3); /* always the newest */
    store_close(&store);
}

Test(store_messages, before_a_compaction_give_way_to_its_summary)
{
    int64_t seq;
    store_t *store = fixture_open(NULL, 0, NULL);
    int64_t session = make_session(store);
    fill(store, session, 4);
    struct message_new summary = { .session = session, .role = STR("user"), .json = STR("sum"), .now_ms = NOW };
    cr_assert(messages_compact(store, &summary, 0, &seq) == GW_EINVAL && messages_compact(store, &summary, 6, &seq) == GW_EINVAL);
    cr_assert(messages_compact(store, &summary, 3, &seq) == 0 && seq == 5);
    expect_history(store, 0, 0, "5:sum 3:0003 4:0004 ", 0);
    fill(store, session, 1);
    expect_history(store, 0, 0, "5:sum 3:0003 4:0004 6:0001 ", 0);
    expect_history(store, 2, 0, "5:sum 4:0004 6:0001 ", 1);
    summary.json = STR("sum2");
    cr_assert(messages_compact(store, &summary, 4, &seq) == 0); /* keeps across the earlier summary */
    expect_history(store, 0, 0, "7:sum2 4:0004 6:0001 ", 0);
    cr_assert(messages_compact(store, &summary, 8, &seq) == 0); /* keeps nothing */
    expect_history(store, 0, 0, "8:sum2 ", 0);
    store_close(&store);
}

static int stop_at_two(void *ctx, const struct message_row *row)
{
    (*(int *)ctx)++;
    return row->seq == 2 ? 42 : 0;
}

Test(store_messages, stop_when_the_callback_says_so)
{
    int calls = 0;
    store_t *store = fixture_open(NULL, 0, NULL);
    fill(store, make_session(store), 4);
    cr_assert(messages_history(store, KEY, NULL, stop_at_two, &calls, NULL) == 42 && calls == 2);
    store_close(&store);
}

Test(store_messages, keep_a_megabyte_and_every_byte)
{
    enum { SIZE = 1000000 };
    char *json = malloc(SIZE);
    struct buf text = { 0 };
    store_t *store = fixture_open(NULL, 0, NULL);
    memset(json, 'j', SIZE);
    const struct message_new m = { .session = make_session(store), .role = STR("user"), .json = { json, SIZE }, .now_ms = NOW };
    struct message_new over = m;
    over.json.n = (size_t)STORE_MESSAGE_MAX + 1; /* refused before it is read */
    cr_assert(messages_append(store, &over, NULL) == GW_ELIMIT);
    cr_assert(messages_append(store, &m, NULL) == 0);
    cr_assert(messages_history(store, KEY, NULL, fixture_write, &text, NULL) == 0 && text.n == SIZE + 3);
    store_close(&store);
    free(json);
    buf_free(&text);
}
