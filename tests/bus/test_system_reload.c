/* A new configuration in a whole system: limits, agents and providers change, running turns do not notice. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>

#include "actors/system.h"
#include "msgs/chat_pack.h"
#include "support/tempdir.h"

enum { WAIT_MS = 10000 };

static char dir[TEMPDIR_MAX];

static const char *variable(void *ctx, const char *name)
{
    (void)ctx;
    return strcmp(name, "HOME") == 0 || strcmp(name, "OPENCLAW_STATE_DIR") == 0 ? dir : NULL;
}

struct bench {
    system_t *system;
    config_t *config;
    char path[TEMPDIR_MAX + 32];
};

/* Written beside and renamed, so that nobody reads half of it. */
static void put(const struct bench *b, const char *text)
{
    char fresh[TEMPDIR_MAX + 48];
    snprintf(fresh, sizeof fresh, "%s/fresh", dir);
    FILE *f = fopen(fresh, "w");
    cr_assert(f && fputs(text, f) >= 0 && fclose(f) == 0 && rename(fresh, b->path) == 0);
}

/* Watching is off: only what a test asks for is read. */
#define QUIET "gateway: {reload: {mode: 'off'}}"

static struct bench boot(const char *text)
{
    struct bench b = { 0 };
    struct env env = { variable, NULL };
    struct config_problems problems = { 0 };
    struct buf why = { 0 };
    int port;
    tempdir_make(dir);
    snprintf(b.path, sizeof b.path, "%s/openclaw.json", dir);
    put(&b, text);
    cr_assert(config_load(b.path, &env, &b.config, &problems) == 0);
    config_problems_free(&problems);
    const struct system_options options = {
        .config = b.config, .state_dir = dir, .bind_host = "127.0.0.1", .config_path = b.path, .env = env
    };
    int rc = system_start(&options, &b.system, &port, &why);
    cr_assert(rc == 0, "%s: %s", err_name(rc), buf_cstr(&why));
    buf_free(&why);
    return b;
}

static void halt(struct bench *b)
{
    system_destroy(&b->system);
    config_unref(&b->config);
    tempdir_remove(dir);
}

/* @return the code of config.reloaded; the router has taken the new one by then */
static int reload(struct bench *b, const char *text)
{
    const struct msg q = { .kind = MSG_config_reload };
    struct msg a;
    put(b, text);
    int rc = mailbox_ask(system_mailbox(b->system), "reload", &q, WAIT_MS, &a);
    cr_assert(rc == 0, "%s", err_name(rc));
    int code = (int)a.config_reloaded.code;
    msg_clear(&a);
    return code;
}

static json_t *status(struct bench *b)
{
    const struct msg q = { .kind = MSG_router_ping };
    struct msg a;
    cr_assert(mailbox_ask(system_mailbox(b->system), "router", &q, WAIT_MS, &a) == 0);
    json_t *root = json_loadb(a.router_pong.json.p, a.router_pong.json.n, 0, NULL);
    msg_clear(&a);
    cr_assert(root != NULL);
    return root;
}

static int cap(struct bench *b, const char *lane)
{
    json_t *root = status(b);
    int n = (int)json_integer_value(json_object_get(json_object_get(json_object_get(root, "lanes"), lane), "cap"));
    json_decref(root);
    return n;
}

static void submit(struct bench *b, const char *agent, const char *key, const char *text, uint64_t corr)
{
    struct chat_part part = { .kind = CHAT_TEXT, .text = str_of(text) };
    struct chat_message message = { .role = CHAT_USER, .parts = &part, .part_count = 1 };
    struct buf packed = { 0 };
    cr_assert(chat_pack_message(&packed, &message) == 0);
    struct msg m = { .kind = MSG_turn_submit, .corr = corr, .trace = corr };
    m.turn_submit = (struct msg_turn_submit){ .run_id = STR("run"),
                                              .session_key = str_of(key),
                                              .agent = str_of(agent),
                                              .channel = STR("http"),
                                              .stream = 1,
                                              .message = buf_str(&packed) };
    cr_assert(mailbox_send(system_mailbox(b->system), "router", &m) == 0);
    buf_free(&packed);
}

/* The next message of a kind; others are passed over. */
static struct msg await(struct bench *b, enum msg_kind kind)
{
    for (;;) {
        struct msg m;
        int rc = mailbox_recv(system_mailbox(b->system), WAIT_MS, &m);
        cr_assert(rc == 0, "waiting for %s: %s", msg_kind_name(kind), err_name(rc));
        if (m.kind == kind) return m;
        msg_clear(&m);
    }
}

/* Run a turn to its end. @param error  a part of what it says when it is to fail; NULL: it is done */
static void run_turn(struct bench *b, const char *agent, const char *key, const char *error)
{
    submit(b, agent, key, "hello", 9);
    struct msg m = await(b, MSG_turn_done);
    cr_assert(m.turn_done.outcome == (error ? OUTCOME_FAILED : OUTCOME_DONE), "%.*s", STR_ARG(m.turn_done.error));
    if (error) cr_assert(str_find(m.turn_done.error, str_of(error)) >= 0, "%.*s", STR_ARG(m.turn_done.error));
    cr_assert(str_find(m.turn_done.error, STR("not running")) < 0, "%.*s", STR_ARG(m.turn_done.error)); /* it was waited for */
    msg_clear(&m);
}

Test(system_reload, limits_change_at_once, .timeout = 30)
{
    struct bench b = boot("{" QUIET ", agents: {defaults: {maxConcurrent: 2}}}");
    cr_assert(cap(&b, "main") == 2);
    cr_assert(reload(&b, "{" QUIET ", agents: {defaults: {maxConcurrent: 7, subagents: {maxConcurrent: 3}}}}") == 0);
    cr_assert(cap(&b, "main") == 7 && cap(&b, "subagent") == 3);
    halt(&b);
}

Test(system_reload, a_turn_that_waited_for_a_permit_runs_when_the_cap_is_raised, .timeout = 60)
{
    struct bench b = boot("{" QUIET ", agents: {defaults: {maxConcurrent: 1}}}");
    submit(&b, "main", "agent:main:slow", "/demo slow 1000 50", 1);
    struct msg m = await(&b, MSG_turn_delta);
    msg_clear(&m);
    submit(&b, "main", "agent:main:next", "hello", 2);
    cr_assert(reload(&b, "{" QUIET ", agents: {defaults: {maxConcurrent: 2}}}") == 0);
    m = await(&b, MSG_turn_done);
    cr_assert(m.corr == 2 && m.turn_done.outcome == OUTCOME_DONE);
    msg_clear(&m);
    halt(&b);
}

Test(system_reload, errors_keep_what_was_in_force, .timeout = 30)
{
    struct bench b = boot("{" QUIET ", agents: {defaults: {maxConcurrent: 2}}}");
    cr_assert(reload(&b, "{agents: {defaults: {maxConcurrent: 'many'}}}") == GW_ECONFIG);
    cr_assert(cap(&b, "main") == 2);
    run_turn(&b, "main", "agent:main:main", NULL);
    halt(&b);
}

Test(system_reload, agents_come_and_go, .timeout = 30)
{
    struct bench b = boot("{" QUIET ", agents: {list: [{id: 'old'}]}}");
    run_turn(&b, "old", "agent:old:main", NULL);
    cr_assert(reload(&b, "{" QUIET ", agents: {list: [{id: 'fresh'}]}}") == 0);
    run_turn(&b, "fresh", "agent:fresh:main", NULL);
    submit(&b, "old", "agent:old:main", "hello", 3);
    struct msg m = await(&b, MSG_turn_refused);
    cr_assert(str_is(m.turn_refused.reason, "unknown_agent"));
    msg_clear(&m);
    halt(&b);
}

/* Port 9 of this machine: nobody listens, so an attempt fails at once and names its provider. */
#define WITH_MODEL(provider, model)                                                                                                        \
    "{" QUIET ", models: {providers: {" provider ": {baseUrl: 'http://127.0.0.1:9', apiKey: 'k'}}},"                                       \
    " agents: {defaults: {model: {primary: '" model "', fallbacks: []}}}}"

Test(system_reload, providers_are_started_and_ended_with_the_configuration, .timeout = 60)
{
    struct bench b = boot("{" QUIET "}");
    run_turn(&b, "main", "agent:main:main", NULL); /* demo */
    cr_assert(reload(&b, WITH_MODEL("one", "one/m")) == 0);
    run_turn(&b, "main", "agent:main:main", "one/m");
    cr_assert(reload(&b, WITH_MODEL("two", "two/m")) == 0);
    run_turn(&b, "main", "agent:main:main", "two/m");
    cr_assert(reload(&b, "{" QUIET "}") == 0);
    run_turn(&b, "main", "agent:main:main", NULL);
    halt(&b);
}

Test(system_reload, a_running_turn_ends_well_though_its_provider_is_taken_away, .timeout = 60)
{
    struct bench b = boot("{" QUIET "}");
    submit(&b, "main", "agent:main:main", "/demo slow 20 20", 1);
    struct msg m = await(&b, MSG_turn_delta);
    msg_clear(&m);
    cr_assert(reload(&b, WITH_MODEL("one", "one/m")) == 0);
    m = await(&b, MSG_turn_done);
    cr_assert(m.turn_done.outcome == OUTCOME_DONE && str_starts(m.turn_done.model, STR("demo/")), "%.*s", STR_ARG(m.turn_done.error));
    msg_clear(&m);
    run_turn(&b, "main", "agent:main:other", "one/m");
    halt(&b);
}

Test(system_reload, a_hundred_reloads_end_with_as_many_actors_as_they_began, .timeout = 120)
{
    struct bench b = boot("{" QUIET "}");
    char text[512];
    for (int i = 0; i < 100; i++) { /* more provider names than the policy has places for */
        snprintf(text, sizeof text,
                 "{" QUIET
                 ", models: {providers: {p%d: {baseUrl: 'http://127.0.0.1:9', apiKey: 'k'}}}, agents: {defaults: {model: 'p%d/m'}}}",
                 i, i);
        cr_assert(reload(&b, text) == 0);
    }
    run_turn(&b, "main", "agent:main:main", "p99/m");
    cr_assert(reload(&b, "{" QUIET "}") == 0);
    run_turn(&b, "main", "agent:main:main", NULL);
    halt(&b);
}
