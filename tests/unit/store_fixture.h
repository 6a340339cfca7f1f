/* What the store's tests share: a fresh state directory, and short ways to record a turn. */
#ifndef TESTS_UNIT_STORE_FIXTURE_H
#define TESTS_UNIT_STORE_FIXTURE_H

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/messages.h"
#include "store/turns.h"

#define NOW INT64_C(1767225600000) /* 2026-01-01T00:00:00Z */

static inline int fixture_remove(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

static char fixture_dir[64];

static inline void fixture_setup(void)
{
    strcpy(fixture_dir, "/tmp/openclaw-store-XXXXXX");
    cr_assert_not_null(mkdtemp(fixture_dir));
}

static inline void fixture_teardown(void)
{
    nftw(fixture_dir, fixture_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* Open it, expecting `want`; the report goes to `said` when that is not NULL. */
static inline store_t *fixture_open(const struct store_options *options, int want, struct buf *said)
{
    struct buf report = { 0 };
    store_t *store;
    int rc = store_open(str_of(fixture_dir), options, &store, said ? said : &report);
    cr_assert(rc == want, "store_open: %s: %s", err_name(rc), buf_cstr(said ? said : &report));
    cr_assert((store != NULL) == (rc == 0));
    buf_free(&report);
    return store;
}

static inline const char *fixture_path(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", fixture_dir, name);
    return path;
}

static inline struct turn_new fixture_turn(int64_t id, const char *session, const char *key)
{
    return (struct turn_new){ .id = id,
                              .session = { .key = str_of(session), .uuid = STR("uuid-1"), .agent = STR("main"), .now_ms = NOW },
                              .run_id = STR("run-1"),
                              .lane = STR("main"),
                              .scope = STR("chat"),
                              .idempotency_key = str_of(key),
                              .reply_to = STR("gateway#1"),
                              .input = STR("hello"),
                              .extra = STR("ex\0tra"),
                              .options = STR("{}") };
}

static inline int fixture_accept(store_t *store, int64_t id, const char *session)
{
    const struct turn_new turn = fixture_turn(id, session, "");
    return turns_accept(store, &turn, NULL);
}

static inline struct turn_end fixture_end(int64_t id, enum turn_state state)
{
    return (struct turn_end){ .id = id,
                              .state = state,
                              .message = STR("{\"role\":\"assistant\"}"),
                              .agent = STR("main"),
                              .provider = STR("demo"),
                              .model = STR("echo"),
                              .model_asked = STR("demo/echo"),
                              .model_answered = STR("demo/echo"),
                              .used = { 100, 20, 3, 4 },
                              .context_tokens = 120,
                              .now_ms = NOW + 1000 };
}

static inline int fixture_append(store_t *store, int64_t session, const char *json)
{
    const struct message_new m = { .session = session, .role = STR("user"), .json = str_of(json), .now_ms = NOW };
    return messages_append(store, &m, NULL);
}

/* A row callback: the entries as "seq:json " one after the other. */
static inline int fixture_write(void *ctx, const struct message_row *row)
{
    buf_printf(ctx, "%lld:%.*s ", (long long)row->seq, STR_ARG(row->json));
    return 0;
}

#endif
