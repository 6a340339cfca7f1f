#include <criterion/criterion.h>
#include <stdlib.h>

#include "actors/query.h"
#include "actors/store.h"
#include "channels/rpc.h"
#include "tests/support/rig.h"
#include "tests/support/tempdir.h"

static const char *no_variable(void *ctx, const char *name)
{
    (void)ctx;
    return strcmp(name, "HOME") == 0 ? "/nonexistent" : NULL;
}

static config_t *config(void)
{
    struct env env = { no_variable, NULL };
    struct config_problems problems = { 0 };
    config_t *cfg;
    cr_assert(config_default(&env, &cfg, &problems) == 0);
    config_problems_free(&problems);
    return cfg;
}

static config_t *config_at(const char *path)
{
    struct env env = { no_variable, NULL };
    struct config_problems problems = { 0 };
    config_t *cfg;
    cr_assert(config_parse(STR("{}"), path, &env, &cfg, &problems) == 0);
    config_problems_free(&problems);
    return cfg;
}

static void spawn_store(rig_t *rig, const char *dir)
{
    struct store_actor_options *options = calloc(1, sizeof *options);
    struct buf report = { 0 };
    cr_assert(store_open(str_of(dir), NULL, &options->store, &report) == 0, "%s", buf_cstr(&report));
    options->config = config();
    buf_free(&report);
    rig_spawn(rig, "store", store_actor, options);
}

static void spawn_query(rig_t *rig, const char *dir)
{
    char path[TEMPDIR_MAX + 32];
    struct query_options *options = calloc(1, sizeof *options);
    snprintf(path, sizeof path, "%s/openclaw.json", dir);
    options->config = config_at(path);
    options->state_dir = str_dup(str_of(dir));
    rig_spawn(rig, "query", query_actor, options);
}

static struct msg call(enum rpc_id method, const char *params)
{
    struct msg m = { .kind = MSG_rpc_call };
    m.rpc_call = (struct msg_rpc_call){ .method = method, .params = str_of(params) };
    return m;
}

static void expect_refusal(rig_t *rig, const char *to, struct msg question, const char *code, const char *text)
{
    struct msg a = rig_ask(rig, to, question);
    cr_assert(a.kind == MSG_rpc_result && str_is(a.rpc_result.code, code), "%.*s", STR_ARG(a.rpc_result.code));
    cr_assert(str_is(a.rpc_result.text, text), "%.*s", STR_ARG(a.rpc_result.text));
    msg_clear(&a);
}

Test(query_actor, without_a_store_a_question_is_refused_and_the_next_one_tries_again, .timeout = 20)
{
    char dir[TEMPDIR_MAX];
    tempdir_make(dir);
    rig_t *rig = rig_start();
    spawn_query(rig, dir);
    for (int i = 0; i < 2; i++)
        expect_refusal(rig, "query", call(RPC_usage_status, "{}"), "UNAVAILABLE",
                       "the store cannot be read; the gateway's log has the reason");
    rig_stop(&rig);
    tempdir_remove(dir);
}

Test(query_actor, both_places_say_what_they_do_not_serve, .timeout = 20)
{
    char dir[TEMPDIR_MAX];
    tempdir_make(dir);
    rig_t *rig = rig_start();
    spawn_store(rig, dir);
    spawn_query(rig, dir);
    expect_refusal(rig, "query", call(RPC_poll, "{}"), "UNAVAILABLE", "poll is not served here");
    expect_refusal(rig, "store", call(RPC_poll, "{}"), "UNAVAILABLE", "poll is not served here");
    expect_refusal(rig, "query", call(RPC_poll, "[]"), "INVALID_REQUEST", "params: not a JSON object, or no such method");
    expect_refusal(rig, "store", call(RPC_COUNT, "{}"), "INVALID_REQUEST", "params: not a JSON object, or no such method");
    rig_stop(&rig);
    tempdir_remove(dir);
}

Test(query_actor, what_is_no_question_is_an_error, .timeout = 20)
{
    char dir[TEMPDIR_MAX];
    tempdir_make(dir);
    rig_t *rig = rig_start();
    spawn_query(rig, dir);
    struct msg a, ping = { .kind = MSG_store_ping, .corr = 9 };
    cr_assert(mailbox_send(rig_mailbox(rig), "query", &ping) == 0);
    a = rig_next(rig);
    cr_assert(a.kind == MSG_error && a.corr == 9 && a.error.code == GW_EINVAL);
    msg_clear(&a);
    rig_stop(&rig);
    tempdir_remove(dir);
}

Test(query_actor, what_the_store_has_answered_can_be_read_at_once, .timeout = 20)
{
    char dir[TEMPDIR_MAX];
    tempdir_make(dir);
    rig_t *rig = rig_start();
    spawn_store(rig, dir);
    spawn_query(rig, dir);
    for (int i = 0; i < 20; i++) {
        char params[64], want[64];
        snprintf(params, sizeof params, "{\"key\":\"s%d\",\"label\":\"l%d\"}", i, i);
        snprintf(want, sizeof want, "\"count\":%d,", i + 1);
        struct msg a = rig_ask(rig, "store", call(RPC_sessions_patch, params));
        cr_assert(a.kind == MSG_rpc_result && a.rpc_result.code.n == 0, "%.*s", STR_ARG(a.rpc_result.text));
        msg_clear(&a);
        expect_refusal(rig, "store", call(RPC_sessions_patch, "{\"key\":\"other\",\"label\":\"l0\"}"), "INVALID_REQUEST",
                       "label already in use: l0");
        a = rig_ask(rig, "query", call(RPC_sessions_list, "{}"));
        cr_assert(str_find(a.rpc_result.payload, str_of(want)) > 0, "%s", want);
        msg_clear(&a);
    }
    rig_stop(&rig);
    tempdir_remove(dir);
}

Test(query_actor, what_is_written_to_the_configuration_can_be_read_at_once, .timeout = 20)
{
    char dir[TEMPDIR_MAX];
    tempdir_make(dir);
    rig_t *rig = rig_start();
    spawn_store(rig, dir);
    spawn_query(rig, dir);
    struct msg a = rig_ask(rig, "query", call(RPC_agents_create, "{\"name\":\"Nils\",\"workspace\":\"/nowhere/nils\"}"));
    cr_assert(a.kind == MSG_rpc_result && a.rpc_result.code.n == 0, "%.*s", STR_ARG(a.rpc_result.text));
    msg_clear(&a);
    a = rig_ask(rig, "query", call(RPC_agents_list, "{}"));
    cr_assert(str_find(a.rpc_result.payload, STR("\"id\":\"nils\"")) > 0, "%.*s", STR_ARG(a.rpc_result.payload));
    msg_clear(&a);
    rig_stop(&rig);
    tempdir_remove(dir);
}
