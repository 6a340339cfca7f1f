/* Declarations of tools, the check of what models send, and who is offered what. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "actors/announce.h"
#include "actors/policy_access.h"
#include "base/err.h"
#include "store/turns.h"
#include "tools/tool_policy.h"

/* --- declarations ------------------------------------------------------------------------------------------------- */

Test(tools, every_schema_is_valid_and_names_what_must_be_there)
{
    for (int i = 0; i < TOOL_COUNT; i++) {
        const struct tool *tool = tool_at((enum tool_id)i);
        struct arena arena = { 0 };
        struct str text = tool_schema(tool, &arena);
        json_t *schema = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
        cr_assert(schema, "%s: %.*s", tool->name, STR_ARG(text));
        const json_t *properties = json_object_get(schema, "properties"), *required = json_object_get(schema, "required");
        size_t params = 0, must = 0;
        for (const struct tool_param *p = tool->params; p->name; p++, params++) {
            cr_expect(json_object_get(properties, p->name), "%s.%s", tool->name, p->name);
            if (!p->must) continue;
            cr_expect_str_eq(json_string_value(json_array_get(required, must++)), p->name);
        }
        cr_expect_eq(json_object_size(properties), params);
        cr_expect_eq(json_array_size(required), must);
        cr_expect_eq((int)tool_find(str_of(tool->name)), i);
        cr_expect(strlen(tool->summary) > 5 && strlen(tool->description) > 10);
        json_decref(schema);
        arena_free(&arena);
    }
    cr_expect_eq(tool_find(STR("nosuch")), TOOL_COUNT);
}

static int read_args(const char *tool, const char *text, json_t **args, struct buf *why)
{
    buf_clear(why);
    return tool_read_args(tool_at(tool_find(str_of(tool))), str_of(text), args, why);
}

Test(tools, wrong_arguments_are_told_as_models_know_it)
{
    struct buf why = { 0 };
    json_t *args;
    cr_expect_eq(read_args("sessions_spawn", "{\"label\":\"x\"}", &args, &why), GW_EINVAL);
    cr_expect_str_eq(buf_cstr(&why), "Validation failed for tool \"sessions_spawn\":\n  - task: must have required property 'task'\n\n"
                                     "Received arguments:\n{\n  \"label\": \"x\"\n}");
    cr_expect_null(args);
    static const char *const WRONG[][3] = {
        { "sessions_spawn", "{\"task\":5}", "task: must be string" },
        { "sessions_spawn", "{\"task\":\"\"}", "task: must NOT have fewer than 1 bytes" },
        { "sessions_spawn", "{\"task\":\"x\",\"cleanup\":\"maybe\"}", "cleanup: must be one of delete, keep" },
        { "sessions_list", "{\"limit\":0}", "limit: must be >= 1" },
        { "sessions_list", "{\"limit\":5000}", "limit: must be <= 1000" },
        { "sessions_list", "{\"kinds\":\"main\"}", "kinds: must be array of strings" },
        { "sessions_history", "{\"sessionKey\":\"x\",\"includeTools\":\"perhaps\"}", "includeTools: must be boolean" },
        { "read", "[]", "root: must be object" },
        { "read", "{\"path\"", "root: must be object" },
    };
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
        cr_expect_eq(read_args(WRONG[i][0], WRONG[i][1], &args, &why), GW_EINVAL);
        cr_expect(strstr(buf_cstr(&why), WRONG[i][2]), "%s: %s", WRONG[i][1], buf_cstr(&why));
    }
    buf_free(&why);
}

Test(tools, what_models_often_get_wrong_is_taken_for_what_it_says)
{
    struct buf why = { 0 };
    json_t *args;
    cr_assert_eq(read_args("sessions_history", "{\"sessionKey\":\"k\",\"limit\":\"3\",\"includeTools\":\"true\"}", &args, &why), 0);
    cr_expect_eq(json_integer_value(json_object_get(args, "limit")), 3);
    cr_expect(json_is_true(json_object_get(args, "includeTools")));
    json_decref(args);
    cr_assert_eq(read_args("sessions_list", "{\"limit\":3.0,\"kinds\":null}", &args, &why), 0);
    cr_expect_eq(json_integer_value(json_object_get(args, "limit")), 3);
    cr_expect_null(json_object_get(args, "kinds"));
    json_decref(args);
    cr_assert_eq(read_args("agents_list", "", &args, &why), 0, "no arguments are none");
    json_decref(args);
    cr_assert_eq(read_args("read", "{\"file_path\":\"x\"}", &args, &why), 0);
    cr_expect_str_eq(json_string_value(json_object_get(args, "path")), "x");
    json_decref(args);
    buf_free(&why);
}

/* --- who is offered what ------------------------------------------------------------------------------------------ */

static tool_set offered(const char *config, const char *model, const char *channel, int depth)
{
    const char *const pairs[] = { "HOME", "/tmp", NULL };
    const struct env env = env_list(pairs);
    struct config_problems problems = { 0 };
    config_t *cfg;
    cr_assert_eq(config_parse(str_of(config), "t.json", &env, &cfg, &problems), 0, "%s", config);
    struct tool_asker asker = {
        .config = cfg, .agent = config_agent_default(cfg), .channel = str_of(channel), .depth = depth, .depth_max = 2
    };
    cr_assert_eq(model_ref_parse(str_of(model), &asker.model), 0);
    tool_set set = tool_policy(&asker);
    config_unref(&cfg);
    config_problems_free(&problems);
    return set;
}

static bool has(tool_set set, const char *name)
{
    return tool_in(set, tool_find(str_of(name)));
}

#define M "openrouter/x"

Test(tool_policy, profiles_lists_and_groups_decide_and_deny_wins)
{
    tool_set all = offered("{}", M, "webchat", 0);
    cr_expect(has(all, "read") && has(all, "sessions_spawn") && has(all, "session_status"));
    tool_set set = offered("{ tools: { profile: 'minimal' } }", M, "webchat", 0);
    cr_expect(has(set, "session_status") && !has(set, "read"));
    set = offered("{ tools: { profile: 'minimal', alsoAllow: ['group:fs'] } }", M, "webchat", 0);
    cr_expect(has(set, "session_status") && has(set, "read") && !has(set, "sessions_list"));
    set = offered("{ tools: { allow: ['read', 'sessions_*'] } }", M, "webchat", 0);
    cr_expect(has(set, "read") && has(set, "sessions_list") && !has(set, "write"));
    set = offered("{ tools: { allow: ['*'], deny: ['group:fs'] } }", M, "webchat", 0);
    cr_expect(!has(set, "read") && has(set, "sessions_list"));
    set = offered("{ tools: { allow: ['read'], deny: ['read'] } }", M, "webchat", 0);
    cr_expect_eq(set, 0);
    set = offered(
        "{ tools: { profile: 'coding' }, agents: { list: [{ id: 'a', tools: { profile: 'messaging', deny: ['sessions_send'] } }] } }", M,
        "webchat", 0);
    cr_expect(has(set, "sessions_list") && !has(set, "read") && !has(set, "sessions_send"),
              "the agent's profile stands for the common one");
}

Test(tool_policy, settings_take_tools_away)
{
    tool_set set = offered("{ tools: { exec: { security: 'deny' } } }", M, "webchat", 0);
    cr_expect(!has(set, "exec") && !has(set, "process") && has(set, "read"));
    set = offered("{ agents: { list: [{ id: 'a', tools: { exec: { security: 'deny' } } }] } }", M, "webchat", 0);
    cr_expect(!has(set, "exec"), "of one agent");
    set = offered("{ tools: { exec: { security: 'deny' } }, agents: { list: [{ id: 'a', tools: { exec: { security: 'allowlist' } } }] } }",
                  M, "webchat", 0);
    cr_expect(has(set, "exec"));
    cr_expect(!has(set, "apply_patch"));
    set = offered("{ tools: { exec: { applyPatch: { enabled: true } } } }", M, "webchat", 0);
    cr_expect(has(set, "apply_patch"));
    cr_expect(has(set, "gateway") && !has(offered("{}", M, "webchat", 1), "gateway"), "sub-agents change no configuration");
    cr_expect(!has(offered("{ tools: { web: { fetch: { enabled: false } } } }", M, "webchat", 0), "web_fetch"));
}

Test(tool_policy, providers_models_channels_and_depth_narrow)
{
    static const char CONFIG[] = "{ tools: { byProvider: { google: { deny: ['write'] }, 'google/g': { allow: ['read'] } } },"
                                 "channels: { discord: { tools: { deny: ['sessions_*'] } } } }";
    tool_set set = offered(CONFIG, M, "webchat", 0);
    cr_expect(has(set, "write") && has(set, "sessions_list"));
    set = offered(CONFIG, "google/other", "webchat", 0);
    cr_expect(!has(set, "write") && has(set, "read"));
    set = offered(CONFIG, "google/g", "webchat", 0);
    cr_expect(has(set, "read") && !has(set, "sessions_list"));
    set = offered(CONFIG, M, "discord", 0);
    cr_expect(!has(set, "sessions_list") && has(set, "write"));
    set = offered("{}", M, "webchat", 1);
    cr_expect(has(set, "sessions_spawn") && has(set, "sessions_list") && has(set, "subagents"));
    cr_expect(!has(set, "agents_list") && !has(set, "session_status") && !has(set, "sessions_send"));
    set = offered("{}", M, "webchat", 2);
    cr_expect(!has(set, "sessions_spawn") && !has(set, "sessions_list") && !has(set, "sessions_history") && has(set, "subagents") &&
              has(set, "read"));
    set = offered("{ tools: { subagents: { tools: { alsoAllow: ['session_status'], deny: ['write'] } } } }", M, "webchat", 1);
    cr_expect(has(set, "session_status") && !has(set, "write"));
}

/* --- whose sessions ----------------------------------------------------------------------------------------------- */

static bool may(enum access_visibility visibility, bool enabled, const char *allow, const char *target, const char *agent, bool descendant)
{
    const struct str one = str_of(allow);
    const struct access_rules rules = { .visibility = visibility, .agent_to_agent = enabled, .allow = &one, .allow_count = 1 };
    const struct access_pair pair = { .asker = STR("agent:a:main"),
                                      .target = str_of(target),
                                      .asker_agent = STR("a"),
                                      .target_agent = str_of(agent),
                                      .descendant = descendant };
    return policy_access(&rules, &pair) == NULL;
}

Test(policy_access, each_level_sees_what_it_says)
{
    cr_expect(may(ACCESS_SELF, false, "", "agent:a:main", "a", false));
    cr_expect(!may(ACCESS_SELF, true, "*", "agent:a:subagent:1", "a", true));
    cr_expect(may(ACCESS_TREE, false, "", "agent:b:subagent:1", "b", true));
    cr_expect(!may(ACCESS_TREE, true, "*", "agent:a:other", "a", false));
    cr_expect(may(ACCESS_AGENT, false, "", "agent:a:other", "a", false));
    cr_expect(!may(ACCESS_AGENT, true, "*", "agent:b:main", "b", false));
    cr_expect(!may(ACCESS_ALL, false, "*", "agent:b:main", "b", false));
    cr_expect(!may(ACCESS_ALL, true, "b", "agent:b:main", "b", false), "both sides must be named");
    cr_expect(may(ACCESS_ALL, true, "*", "agent:b:main", "b", false));
}

/* --- announcements ------------------------------------------------------------------------------------------------ */

Test(announce, the_template_is_to_the_letter)
{
    struct buf out = { 0 };
    struct spawn_row row = { .uuid = STR("u-1"),
                             .label = STR("lab1"),
                             .task = STR("task"),
                             .started_ms = 1000,
                             .ended_ms = 8000,
                             .turn_state = TURN_DONE,
                             .input_tokens = 140,
                             .output_tokens = 20,
                             .total_tokens = 160 };
    announce_write(&row, STR(" found it \n"), &out);
    static const char START[] =
        "[System Message] [sessionId: u-1] A subagent task \"lab1\" just completed successfully.\n\nResult:\nfound it\n\n"
        "Stats: runtime 7s • tokens 160 (in 140 / out 20)\n\n";
    cr_expect(strncmp(buf_cstr(&out), START, sizeof START - 1) == 0, "%s", buf_cstr(&out));
    static const struct {
        int state;
        const char *reason, *error, *expected;
    } ENDS[] = { { TURN_FAILED, "timeout", "slow", "just timed out." },
                 { TURN_FAILED, "server", "HTTP 500", "just failed: HTTP 500." },
                 { TURN_ABORTED, "killed", "", "just was killed." },
                 { TURN_DROPPED, "", "", "just finished with unknown status." } };
    for (size_t i = 0; i < sizeof ENDS / sizeof *ENDS; i++) {
        row.label = (struct str){ 0 };
        row.turn_state = ENDS[i].state;
        row.reason = str_of(ENDS[i].reason);
        row.error = str_of(ENDS[i].error);
        row.total_tokens = 5200;
        buf_clear(&out);
        announce_write(&row, STR(""), &out);
        cr_expect(strstr(buf_cstr(&out), ENDS[i].expected) && strstr(buf_cstr(&out), "\"task\"") && strstr(buf_cstr(&out), "(no output)"));
        cr_expect(strstr(buf_cstr(&out), " • prompt/cache 5.2k\n"));
    }
    cr_expect(announce_is_silent(STR(" NO_REPLY\n")) && announce_is_silent(STR("ANNOUNCE_SKIP")) &&
              !announce_is_silent(STR("NO_REPLY, but")));
    static const struct {
        int64_t ms;
        const char *text;
    } TIMES[] = { { -1, "n/a" }, { 400, "0s" }, { 59000, "59s" }, { 185000, "3m5s" }, { 7800000, "2h10m" } };
    for (size_t i = 0; i < sizeof TIMES / sizeof *TIMES; i++) {
        buf_clear(&out);
        announce_write_runtime(TIMES[i].ms, &out);
        cr_expect_str_eq(buf_cstr(&out), TIMES[i].text);
    }
    buf_free(&out);
}
