#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "actors/store.h"
#include "tests/support/rig.h"
#include "tests/support/tempdir.h"

#define USER_JSON "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"}],\"timestamp\":1}"

static rig_t *start(const char *dir, int64_t max_pages)
{
    const struct store_options open = { .now_ms = 1, .max_pages = max_pages };
    struct store_actor_options *options = calloc(1, sizeof *options);
    struct buf report = { 0 };
    cr_assert(store_open(str_of(dir), &open, &options->store, &report) == 0, "%s", buf_cstr(&report));
    buf_free(&report);
    rig_t *rig = rig_start();
    rig_spawn(rig, "store", store_actor, options);
    return rig;
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
