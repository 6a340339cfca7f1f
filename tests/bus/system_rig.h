/** tests/bus/system_rig.h -- a whole system in the test's process, without HTTP, and short ways to use it. For one test file each.
 *
 *  The test's mailbox is the system's `main`: it submits turns and hears what becomes of them. Every wait has a deadline. */
#ifndef TESTS_BUS_SYSTEM_RIG_H
#define TESTS_BUS_SYSTEM_RIG_H

#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

#include "actors/system.h"
#include "msgs/chat_pack.h"
#include "store/messages.h"
#include "tests/support/tempdir.h"

enum { WAIT_MS = 10000 };

static inline const char *no_variable(void *ctx, const char *name)
{
    (void)ctx;
    return strcmp(name, "HOME") == 0 ? "/nonexistent" : NULL;
}

struct bench { /* a running system and where its state is */
    system_t *system;
    config_t *config;
    char dir[TEMPDIR_MAX];
};

static inline struct bench boot(const char *config_text, const char *dir)
{
    struct bench b = { 0 };
    struct env env = { no_variable, NULL };
    struct config_problems problems = { 0 };
    struct buf why = { 0 };
    int port;
    if (dir)
        str_copy(b.dir, sizeof b.dir, str_of(dir));
    else
        tempdir_make(b.dir);
    cr_assert(config_parse(str_of(config_text), "test", &env, &b.config, &problems) == 0);
    config_problems_free(&problems);
    const struct system_options options = { .config = b.config, .state_dir = b.dir, .bind_host = "127.0.0.1" };
    int rc = system_start(&options, &b.system, &port, &why);
    cr_assert(rc == 0, "%s: %s", err_name(rc), buf_cstr(&why));
    buf_free(&why);
    return b;
}

static inline void halt(struct bench *b, bool remove)
{
    system_destroy(&b->system);
    config_unref(&b->config);
    if (remove) tempdir_remove(b->dir);
}

/* Submit with `ack` and deltas; bounded: it counts against messages.queue.cap. */
static inline void submit_as(struct bench *b, const char *key, const char *text, const char *idempotency, uint64_t corr, bool bounded)
{
    struct chat_part part = { .kind = CHAT_TEXT, .text = str_of(text) };
    struct chat_message message = { .role = CHAT_USER, .parts = &part, .part_count = 1 };
    struct buf packed = { 0 };
    cr_assert(chat_pack_message(&packed, &message) == 0);
    struct msg m = { .kind = MSG_turn_submit, .corr = corr, .trace = corr };
    m.turn_submit = (struct msg_turn_submit){ .run_id = STR("run"),
                                              .session_key = str_of(key),
                                              .agent = STR("main"),
                                              .lane = 0,
                                              .idempotency_key = str_of(idempotency),
                                              .channel = STR("http"),
                                              .bounded = bounded,
                                              .stream = 1,
                                              .ack = 1,
                                              .message = buf_str(&packed) };
    cr_assert(mailbox_send(system_mailbox(b->system), "router", &m) == 0);
    buf_free(&packed);
}

static inline struct msg next(struct bench *b)
{
    struct msg m;
    int rc = mailbox_recv(system_mailbox(b->system), WAIT_MS, &m);
    cr_assert(rc == 0, "%s", err_name(rc));
    return m;
}

static inline void submit(struct bench *b, const char *key, const char *text, const char *idempotency, uint64_t corr)
{
    submit_as(b, key, text, idempotency, corr, false);
}

/* The next message of this kind; those before it are passed over. */
static inline struct msg await_kind(struct bench *b, enum msg_kind kind)
{
    for (;;) {
        struct msg m = next(b);
        if (m.kind == kind) return m;
        msg_clear(&m);
    }
}

/* The end of the turn with this corr; deltas and other turns' messages are passed over. */
static inline struct msg await_done(struct bench *b, uint64_t corr)
{
    for (;;) {
        struct msg m = next(b);
        cr_assert(m.kind != MSG_turn_refused, "%.*s", STR_ARG(m.turn_refused.text));
        if (m.kind == MSG_turn_done && m.corr == corr) return m;
        msg_clear(&m);
    }
}

static inline int count_text(void *ctx, const struct message_row *row)
{
    int *users = ctx;
    users[str_is(row->role, "user") ? 0 : str_is(row->role, "assistant") ? 1 : 2]++;
    return 0;
}

/* Messages of a session by role: user, assistant, tool results. */
static inline void count_messages(const char *dir, const char *key, int counts[3])
{
    struct buf report = { 0 };
    store_t *store;
    memset(counts, 0, 3 * sizeof *counts);
    cr_assert(store_open(str_of(dir), NULL, &store, &report) == 0, "%s", buf_cstr(&report));
    cr_assert(messages_history(store, str_of(key), NULL, count_text, counts, NULL) == 0);
    store_close(&store);
    buf_free(&report);
}

#endif
