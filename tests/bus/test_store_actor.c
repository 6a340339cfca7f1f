#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "actors/store.h"
#include "base/clock.h"
#include "store/deliveries.h"
#include "tests/support/rig.h"
#include "tests/support/tempdir.h"

#define USER_JSON "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"}],\"timestamp\":1}"

static config_t *fixed_config(void)
{
    const struct env none = { 0 };
    struct config_problems problems = { 0 };
    config_t *config;
    cr_assert(config_default(&none, &config, &problems) == 0);
    config_problems_free(&problems);
    return config;
}

/* @param config  a reference that the actor gives back; NULL: what is asked of it needs none */
static rig_t *start_with(const char *dir, int64_t max_pages, config_t *config)
{
    const struct store_options open = { .now_ms = 1, .max_pages = max_pages };
    struct store_actor_options *options = calloc(1, sizeof *options);
    struct buf report = { 0 };
    cr_assert(store_open(str_of(dir), &open, &options->store, &report) == 0, "%s", buf_cstr(&report));
    buf_free(&report);
    options->config = config;
    rig_t *rig = rig_start();
    rig_spawn(rig, "store", store_actor, options);
    return rig;
}

static rig_t *start(const char *dir, int64_t max_pages)
{
    return start_with(dir, max_pages, NULL);
}

static struct msg accept(int64_t turn, const char *key, const char *idempotency)
{
    struct msg m = { .kind = MSG_store_accept };
    m.store_accept = (struct msg_store_accept){ .turn = turn,
                                                .run_id = STR("run"),
                                                .session_key = str_of(key),
                                                .agent = STR("main"),
                                                .idempotency_key = str_of(idempotency),
                                                .message = STR("packed") };
    return m;
}

static struct msg begin(int64_t turn, int64_t load)
{
    struct msg m = { .kind = MSG_store_begin };
    m.store_begin =
        (struct msg_store_begin){ .turn = turn, .session_key = STR("agent:main:main"), .load_bytes = load, .json = STR(USER_JSON) };
    return m;
}

Test(store_actor, a_repeated_key_is_told_with_the_first_turn, .timeout = 20)
{
    char dir[TEMPDIR_MAX];
    tempdir_make(dir);
    rig_t *rig = start(dir, 0);
    struct msg a = rig_ask(rig, "store", accept(1, "agent:main:main", "k"));
    cr_assert(a.store_accepted.code == 0 && a.store_accepted.turn == 1);
    msg_clear(&a);
    a = rig_ask(rig, "store", accept(2, "agent:main:main", "k"));
    cr_assert(a.store_accepted.code == GW_EEXIST && a.store_accepted.existing == 1 && !a.store_accepted.existing_ended);
    msg_clear(&a);
    rig_stop(&rig);
    tempdir_remove(dir);
}

Test(store_actor, a_turn_that_begins_again_appends_nothing_and_loads_the_same, .timeout = 20)
{
    char dir[TEMPDIR_MAX];
    tempdir_make(dir);
    rig_t *rig = start(dir, 0);
    struct msg a = rig_ask(rig, "store", accept(1, "agent:main:main", ""));
    msg_clear(&a);
    for (int again = 0; again <= 1; again++) {
        a = rig_ask(rig, "store", begin(1, 1000000));
        cr_assert(a.kind == MSG_store_begun && a.store_begun.repeated == again);
        cr_assert(str_is(a.store_begun.json, USER_JSON "\n"));
        msg_clear(&a);
    }
    rig_stop(&rig);
    tempdir_remove(dir);
}

Test(store_actor, tells_what_is_unfinished_and_nothing_else, .timeout = 20)
{
    char dir[TEMPDIR_MAX];
    tempdir_make(dir);
    rig_t *rig = start(dir, 0);
    for (int64_t turn = 1; turn <= 3; turn++) {
        struct msg a = rig_ask(rig, "store", accept(turn, "agent:main:main", ""));
        msg_clear(&a);
    }
    struct msg finish = { .kind = MSG_store_finish, .store_finish = { .turn = 2, .outcome = OUTCOME_FAILED } };
    cr_assert(mailbox_send(rig_mailbox(rig), "store", &finish) == 0); /* its answer is the router's */
    struct msg a, ask = { .kind = MSG_store_recover, .corr = 99 };
    cr_assert(mailbox_send(rig_mailbox(rig), "store", &ask) == 0);
    int64_t seen[2] = { 0 };
    for (int i = 0; i < 2; i++) {
        a = rig_next(rig);
        cr_assert(a.kind == MSG_store_pending && str_is(a.store_pending.message, "packed"));
        seen[i] = a.store_pending.turn;
        msg_clear(&a);
    }
    cr_assert(seen[0] == 1 && seen[1] == 3);
    a = rig_next(rig);
    cr_assert(a.kind == MSG_store_recovered && a.store_recovered.last_turn == 3);
    msg_clear(&a);
    rig_stop(&rig);
    tempdir_remove(dir);
}

static struct msg save_device(int64_t kind, const char *id, struct str json)
{
    struct msg m = { .kind = MSG_device_save };
    m.device_save = (struct msg_device_save){ .kind = kind, .id = str_of(id), .json = json };
    return m;
}

Test(store_actor, keeps_rows_of_devices_and_sends_all_of_them, .timeout = 20)
{
    enum { ROWS = STORE_LIST_MAX + 1 }; /* more than a page */
    char dir[TEMPDIR_MAX], id[16];
    struct msg load = { .kind = MSG_device_load, .corr = 7 }, a;
    int rows = 0;
    tempdir_make(dir);
    rig_t *rig = start(dir, 0);
    for (int i = 0; i <= ROWS; i++) {
        snprintf(id, sizeof id, "d%04d", i);
        a = rig_ask(rig, "store", save_device(i % 3, id, STR("{}")));
        cr_assert(a.kind == MSG_device_saved);
        msg_clear(&a);
    }
    a = rig_ask(rig, "store", save_device(0, "d0000", (struct str){ 0 })); /* one is forgotten */
    msg_clear(&a);
    cr_assert(mailbox_send(rig_mailbox(rig), "store", &load) == 0);
    for (a = rig_next(rig); a.kind == MSG_device_row; a = rig_next(rig)) {
        cr_assert(a.corr == 7 && str_is(a.device_row.json, "{}") && !str_is(a.device_row.id, "d0000"));
        rows++;
        msg_clear(&a);
    }
    cr_assert(a.kind == MSG_device_loaded && a.corr == 7 && rows == ROWS);
    msg_clear(&a);
    rig_stop(&rig);
    tempdir_remove(dir);
}

Test(store_actor, turns_that_are_part_of_another_are_over_when_that_begins, .timeout = 20)
{
    char dir[TEMPDIR_MAX];
    tempdir_make(dir);
    rig_t *rig = start(dir, 0);
    for (int64_t turn = 1; turn <= 3; turn++) {
        struct msg a = rig_ask(rig, "store", accept(turn, "agent:main:main", ""));
        msg_clear(&a);
    }
    struct msg joined = begin(1, 1000000);
    joined.store_begin.collected = STR("2\n3\n4"); /* 4 is not known (any more) */
    struct msg a = rig_ask(rig, "store", joined), ask = { .kind = MSG_store_recover, .corr = 99 };
    cr_assert(a.kind == MSG_store_begun && str_is(a.store_begun.json, USER_JSON "\n"));
    msg_clear(&a);
    cr_assert(mailbox_send(rig_mailbox(rig), "store", &ask) == 0);
    a = rig_next(rig);
    cr_assert(a.kind == MSG_store_pending && a.store_pending.turn == 1);
    msg_clear(&a);
    a = rig_next(rig);
    cr_assert(a.kind == MSG_store_recovered);
    msg_clear(&a);
    rig_stop(&rig);
    tempdir_remove(dir);
}

/* The first run of a sub-agent, or one in its place. */
static struct msg accept_child(int64_t turn, bool steers)
{
    struct msg m = accept(turn, "agent:main:subagent:1", "");
    m.store_accept.parent = STR("agent:main:main");
    m.store_accept.depth = 1;
    m.store_accept.task = STR("task");
    m.store_accept.steers = steers;
    return m;
}

Test(store_actor, a_run_that_was_replaced_before_a_crash_is_not_taken_up, .timeout = 20)
{
    char dir[TEMPDIR_MAX];
    tempdir_make(dir);
    rig_t *rig = start(dir, 0);
    struct msg ask = { .kind = MSG_store_recover, .corr = 99 }, a = rig_ask(rig, "store", accept_child(1, true));
    cr_assert(a.store_accepted.code == GW_ENOENT, "there is nothing to replace");
    msg_clear(&a);
    a = rig_ask(rig, "store", accept_child(1, false));
    cr_assert(a.store_accepted.code == 0 && a.store_accepted.created);
    msg_clear(&a);
    a = rig_ask(rig, "store", accept_child(2, true));
    cr_assert(a.store_accepted.code == 0 && !a.store_accepted.created);
    cr_assert(a.store_accepted.depth == 1 && str_is(a.store_accepted.parent, "agent:main:main"), "the store knows where it stands");
    msg_clear(&a);
    cr_assert(mailbox_send(rig_mailbox(rig), "store", &ask) == 0);
    a = rig_next(rig);
    cr_assert(a.kind == MSG_store_pending && a.store_pending.turn == 2 && a.store_pending.spawned && a.store_pending.depth == 1);
    msg_clear(&a);
    a = rig_next(rig);
    cr_assert(a.kind == MSG_store_recovered);
    msg_clear(&a);
    rig_stop(&rig);
    tempdir_remove(dir);
}

/* One question of a group fills the disk: it alone is refused, its neighbours are stored. */
Test(store_actor, a_full_disk_refuses_only_what_does_not_fit, .timeout = 30)
{
    enum { BIG = 4 * 1024 * 1024, NEIGHBOURS = 20 };
    char dir[TEMPDIR_MAX];
    tempdir_make(dir);
    rig_t *rig = start(dir, 200); /* pages of 4 KiB */
    char *big = malloc(BIG);
    memset(big, 'x', BIG);
    for (int64_t turn = 1; turn <= NEIGHBOURS; turn++) {
        struct msg m = accept(turn, "agent:main:main", "");
        if (turn == NEIGHBOURS / 2) m.store_accept.message = (struct str){ big, BIG };
        m.corr = (uint64_t)turn;
        cr_assert(mailbox_send(rig_mailbox(rig), "store", &m) == 0);
    }
    for (int i = 0; i < NEIGHBOURS; i++) {
        struct msg a = rig_next(rig);
        cr_assert(a.kind == MSG_store_accepted);
        cr_assert(a.store_accepted.code == (a.store_accepted.turn == NEIGHBOURS / 2 ? GW_EIO : 0), "turn %d: %d",
                  (int)a.store_accepted.turn, (int)a.store_accepted.code);
        msg_clear(&a);
    }
    free(big);
    rig_stop(&rig);
    tempdir_remove(dir);
}

/* --- the outbox ------------------------------------------------------------------------------------------------------------- */

#define ROUTE "{\"channel\":\"discord\",\"to\":\"channel:1\"}"

static void answer_turn(rig_t *rig, int64_t turn, const char *route, const char *announces, int outcome, const char *text)
{
    struct buf json = { 0 };
    struct msg m = accept(turn, "agent:main:discord:channel:1", "");
    m.store_accept.route = str_of(route);
    m.store_accept.announces = str_of(announces);
    struct msg a = rig_ask(rig, "store", m);
    cr_assert(a.store_accepted.code == 0);
    msg_clear(&a);
    buf_text(&json, "{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":");
    buf_json_str(&json, str_of(text));
    buf_text(&json, "}],\"timestamp\":1}");
    struct msg f = { .kind = MSG_store_finish };
    f.store_finish =
        (struct msg_store_finish){ .turn = turn, .outcome = outcome, .routed = 1, .json = buf_str(&json), .error = STR("it broke") };
    cr_assert(mailbox_send(rig_mailbox(rig), "store", &f) == 0);
    cr_assert(mailbox_send(rig_mailbox(rig), "store", &f) == 0); /* told twice, as after a crash */
    buf_free(&json);
}

static void next_is(rig_t *rig, const char *text, int64_t parts)
{
    struct msg q = { .kind = MSG_delivery_fetch };
    q.delivery_fetch.channel = STR("discord");
    q.delivery_fetch.limit = 1;
    struct msg a = rig_ask(rig, "store", q);
    cr_assert(a.kind == MSG_delivery_item);
    cr_expect(str_is(a.delivery_item.text, text), "<%.*s>, not <%s>", STR_ARG(a.delivery_item.text), text);
    cr_expect(str_is(a.delivery_item.route, ROUTE));
    cr_expect(a.delivery_item.parts == parts);
    msg_clear(&a);
}

/* A sub-agent of that conversation has run and ended. */
static void spawn_child(rig_t *rig, int64_t turn)
{
    struct msg m = accept(turn, "agent:x:subagent:1", ""), f = { .kind = MSG_store_finish };
    m.store_accept.parent = STR("agent:main:discord:channel:1");
    m.store_accept.depth = 1;
    m.store_accept.task = STR("look");
    struct msg a = rig_ask(rig, "store", m);
    cr_assert(a.store_accepted.code == 0);
    msg_clear(&a);
    f.store_finish = (struct msg_store_finish){ .turn = turn, .outcome = OUTCOME_DONE };
    cr_assert(mailbox_send(rig_mailbox(rig), "store", &f) == 0);
}

Test(store_actor, answers_with_a_route_are_in_the_outbox_once_and_in_order, .timeout = 20)
{
    char dir[TEMPDIR_MAX];
    tempdir_make(dir);
    rig_t *rig = start_with(dir, 0, fixed_config());
    answer_turn(rig, 1, ROUTE, "", OUTCOME_DONE, "first");
    answer_turn(rig, 2, ROUTE, "", OUTCOME_DONE, " NO_REPLY ");
    answer_turn(rig, 3, ROUTE, "", OUTCOME_ABORTED, "half");
    answer_turn(rig, 4, ROUTE, "", OUTCOME_FAILED, "");
    spawn_child(rig, 8);
    answer_turn(rig, 5, "", "agent:x:subagent:1", OUTCOME_DONE, "of a child"); /* to where the session was last spoken to */
    answer_turn(rig, 6, "", "", OUTCOME_DONE, "nowhere to go");
    answer_turn(rig, 7, ROUTE, "", OUTCOME_DONE, "last");
    next_is(rig, "first", 0);
    next_is(rig, "\xe2\x9a\xa0\xef\xb8\x8f it broke", 0);
    next_is(rig, "of a child", 0);
    next_is(rig, "last", 0);
    rig_stop(&rig);
    tempdir_remove(dir);
}

Test(store_actor, what_was_being_sent_is_sent_again_after_a_start_from_where_it_came, .timeout = 20)
{
    char dir[TEMPDIR_MAX];
    tempdir_make(dir);
    rig_t *rig = start(dir, 0);
    answer_turn(rig, 1, ROUTE, "", OUTCOME_DONE, "long");
    answer_turn(rig, 2, ROUTE, "", OUTCOME_DONE, "behind");
    next_is(rig, "long", 0);
    struct msg partly = { .kind = MSG_delivery_done };
    partly.delivery_done = (struct msg_delivery_done){ .id = 1, .how = 1, .parts = 2 };
    cr_assert(mailbox_send(rig_mailbox(rig), "store", &partly) == 0);
    next_is(rig, "behind", 0);
    rig_stop(&rig);
    rig = start(dir, 0);
    next_is(rig, "long", 2);
    next_is(rig, "behind", 0);
    rig_stop(&rig);
    tempdir_remove(dir);
}

static int found(void *ctx, const struct delivery_row *row)
{
    *(bool *)ctx = row->id > 0;
    return 0;
}

Test(store_actor, deliveries_that_arrived_are_forgotten_in_the_end, .timeout = 30)
{
    char dir[TEMPDIR_MAX];
    store_t *store;
    struct buf report = { 0 };
    int64_t id;
    const struct store_options open = { .now_ms = 1 };
    const struct delivery_new d = { .channel = STR("discord"), .target = STR(ROUTE), .payload = STR("x"), .nonce = STR("n"), .now_ms = 1 };
    tempdir_make(dir);
    cr_assert(store_open(str_of(dir), &open, &store, &report) == 0);
    cr_assert(deliveries_add(store, &d, &id) == 0 && deliveries_mark(store, id, 2) == 0);
    store_close(&store);
    rig_t *rig = start(dir, 0);
    for (bool there = true; there;) { /* it looks when it has had nothing to do for STORE_IDLE_MS after a write */
        answer_turn(rig, clock_mono_ms(), "", "", OUTCOME_DONE, "a write");
        struct msg late;
        cr_assert(mailbox_recv(rig_mailbox(rig), STORE_IDLE_MS + 500, &late) == GW_ETIMEOUT || late.kind == MSG_store_finished);
        msg_clear(&late);
        rig_stop(&rig);
        there = false;
        cr_assert(store_open(str_of(dir), &open, &store, &report) == 0);
        deliveries_get(store, id, found, &there);
        store_close(&store);
        rig = start(dir, 0);
    }
    rig_stop(&rig);
    buf_free(&report);
    tempdir_remove(dir);
}
