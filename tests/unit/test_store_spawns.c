/* Sub-agents as the store keeps them: from acceptance to the announcement and the end of their session. */
#include "store/spawns.h"
#include "store_fixture.h"

TestSuite(store_spawns, .init = fixture_setup, .fini = fixture_teardown, .timeout = 20);

#define CHILD "agent:a:subagent:1"

/* A child of `parent` with its turn, as the actor writes them: in one group. */
static void spawn(store_t *store, int64_t turn, const char *child, const char *parent)
{
    struct turn_new t = fixture_turn(turn, child, "");
    t.options = STR("{\"spawned\":true}");
    const struct spawn_new s = { .child = str_of(child),
                                 .parent = str_of(parent),
                                 .turn = turn,
                                 .run_id = STR("run-1"),
                                 .depth = 1,
                                 .label = STR("label"),
                                 .task = STR("task"),
                                 .now_ms = NOW + turn };
    cr_assert(store_begin(store) == 0);
    cr_assert(turns_accept(store, &t, NULL) == 0 && spawns_add(store, &s) == 0);
    cr_assert(store_commit(store) == 0);
}

static int write_row(void *ctx, const struct spawn_row *row)
{
    buf_printf(ctx, "%.*s:%d:%lld ", STR_ARG(row->child), (int)row->state, (long long)row->turn);
    return 0;
}

/* "child:state:turn" of all that `parent` spawned, the newest first. */
static void expect_rows(store_t *store, const char *parent, const char *rows)
{
    struct buf text = { 0 };
    cr_assert(spawns_of(store, str_of(parent), 10, write_row, &text) == 0);
    cr_expect_str_eq(buf_cstr(&text), rows);
    buf_free(&text);
}

static void expect_due(store_t *store, int64_t now_ms, const char *rows)
{
    struct buf text = { 0 };
    cr_assert(spawns_due(store, now_ms, 10, write_row, &text) == 0);
    cr_expect_str_eq(buf_cstr(&text), rows);
    buf_free(&text);
}

static void end(store_t *store, int64_t turn, bool silent, int64_t archive_ms)
{
    const struct turn_end e = fixture_end(turn, TURN_DONE);
    bool known;
    cr_assert(turns_finish(store, &e, NULL) == 0);
    cr_assert(spawns_end(store, turn, silent, archive_ms, NOW, &known) == 0 && known);
}

Test(store_spawns, a_result_goes_from_ended_to_told_to_taken_once)
{
    bool known;
    struct buf text = { 0 };
    store_t *store = fixture_open(NULL, 0, NULL);
    spawn(store, 1, CHILD, "p");
    expect_rows(store, "p", CHILD ":0:1 ");
    cr_expect(spawns_tell(store, STR(CHILD), 2) == GW_ENOENT, "it has not ended");
    end(store, 1, false, 0);
    expect_rows(store, "p", CHILD ":1:1 ");
    cr_assert(spawns_end(store, 1, false, 0, NOW, &known) == 0 && !known, "only once");
    cr_assert(spawns_untold(store, 10, write_row, &text) == 0);
    cr_expect_str_eq(buf_cstr(&text), CHILD ":1:1 ");
    cr_assert(spawns_tell(store, STR(CHILD), 2) == 0);
    cr_expect(spawns_tell(store, STR(CHILD), 3) == GW_ENOENT, "by one turn only");
    buf_clear(&text);
    cr_assert(spawns_untold(store, 10, write_row, &text) == 0 && text.n == 0);
    cr_assert(spawns_told(store, 3, true, &known) == 0 && !known);
    cr_assert(spawns_told(store, 2, true, &known) == 0 && known);
    expect_rows(store, "p", CHILD ":3:1 ");
    cr_assert(spawns_told(store, 2, false, &known) == 0 && !known, "it stays taken");
    store_close(&store);
    buf_free(&text);
}

Test(store_spawns, what_failed_is_undeliverable_and_what_is_silent_is_not_told)
{
    bool known;
    struct buf text = { 0 };
    store_t *store = fixture_open(NULL, 0, NULL);
    spawn(store, 1, CHILD, "p");
    spawn(store, 2, "other", "p");
    end(store, 1, false, 0);
    end(store, 2, true, 0);
    cr_assert(spawns_tell(store, STR(CHILD), 3) == 0);
    cr_assert(spawns_told(store, 3, false, &known) == 0 && known);
    expect_rows(store, "p", "other:5:2 " CHILD ":4:1 ");
    cr_assert(spawns_untold(store, 10, write_row, &text) == 0 && text.n == 0);
    store_close(&store);
    buf_free(&text);
}

static int note_row(void *ctx, const struct spawn_row *row)
{
    buf_printf(ctx, "%.*s %.*s %.*s %.*s %lld %lld", STR_ARG(row->uuid), STR_ARG(row->parent_agent), STR_ARG(row->label),
               STR_ARG(row->task), (long long)row->turn_state, (long long)row->input_tokens + (long long)row->output_tokens);
    return 7;
}

Test(store_spawns, a_row_knows_its_sessions_and_how_the_run_stands)
{
    struct buf text = { 0 };
    store_t *store = fixture_open(NULL, 0, NULL);
    cr_assert(fixture_accept(store, 9, "p") == 0);
    spawn(store, 10, CHILD, "p");
    cr_assert(spawns_of_turn(store, 10, note_row, &text) == 7, "what the callback says comes back");
    cr_expect_str_eq(buf_cstr(&text), "uuid-1 main label task 0 0");
    cr_expect(spawns_of_turn(store, 9, note_row, &text) == GW_ENOENT);
    store_close(&store);
    buf_free(&text);
}

Test(store_spawns, a_run_that_goes_on_as_another_turn_leaves_the_first_behind)
{
    bool known;
    int64_t turn;
    store_t *store = fixture_open(NULL, 0, NULL);
    spawn(store, 1, CHILD, "p");
    cr_expect(spawns_superseded(store, &turn) == GW_ENOENT);
    cr_assert(spawns_continue(store, STR(CHILD), 2, STR("run-2")) == 0);
    cr_assert(spawns_continue(store, STR(CHILD), 2, STR("run-2")) == 0, "a repeat is harmless");
    cr_assert(spawns_superseded(store, &turn) == 0 && turn == 1);
    cr_assert(spawns_end(store, 1, false, 0, NOW, &known) == 0 && !known, "its end is nobody's result");
    const struct turn_end e = fixture_end(1, TURN_ABORTED);
    cr_assert(turns_finish(store, &e, NULL) == 0);
    cr_expect(spawns_superseded(store, &turn) == GW_ENOENT);
    cr_assert(spawns_end(store, 2, false, 0, NOW, &known) == 0 && known);
    cr_expect(spawns_continue(store, STR(CHILD), 3, STR("run-3")) == GW_ENOENT, "it has ended");
    expect_rows(store, "p", CHILD ":1:2 ");
    store_close(&store);
}

Test(store_spawns, a_child_is_due_at_its_time_and_not_before_its_own_children_are_told_of)
{
    bool known;
    store_t *store = fixture_open(NULL, 0, NULL);
    spawn(store, 1, CHILD, "p");
    spawn(store, 2, "grandchild", CHILD);
    spawn(store, 3, "kept", "p");
    end(store, 1, true, NOW + 5);
    end(store, 3, true, 0);
    expect_due(store, NOW + 5, "");
    end(store, 2, false, NOW + 1);
    expect_due(store, NOW + 5, "");
    cr_assert(spawns_tell(store, STR("grandchild"), 4) == 0 && spawns_told(store, 4, true, &known) == 0);
    expect_due(store, NOW + 4, "grandchild:3:2 ");
    expect_due(store, NOW + 5, "grandchild:3:2 " CHILD ":5:1 ");
    cr_assert(spawns_remove(store, STR("grandchild")) == 0 && spawns_remove(store, STR("grandchild")) == 0);
    expect_due(store, NOW + 5, CHILD ":5:1 ");
    store_close(&store);
}

Test(store_spawns, a_spawn_whose_group_is_rolled_back_was_never_there)
{
    store_t *store = fixture_open(NULL, 0, NULL);
    const struct turn_new t = fixture_turn(1, CHILD, "");
    const struct spawn_new s = { .child = STR(CHILD), .parent = STR("p"), .turn = 1, .run_id = STR("r"), .task = STR("t") };
    cr_assert(store_begin(store) == 0 && turns_accept(store, &t, NULL) == 0 && spawns_add(store, &s) == 0);
    store_rollback(store);
    expect_rows(store, "p", "");
    spawn(store, 1, CHILD, "p");
    cr_expect(spawns_add(store, &s) == GW_EEXIST, "one session is spawned once");
    store_close(&store);
}

Test(store_spawns, checks_its_values)
{
    store_t *store = fixture_open(NULL, 0, NULL);
    const struct spawn_new none = { .parent = STR("p"), .turn = 1, .run_id = STR("r"), .task = STR("t") };
    cr_expect(spawns_add(store, &none) == GW_EINVAL);
    cr_expect(spawns_of(store, STR("p"), STORE_LIST_MAX + 1, write_row, NULL) == GW_ELIMIT);
    cr_expect(spawns_untold(store, 0, write_row, NULL) == GW_ELIMIT);
    store_close(&store);
}
