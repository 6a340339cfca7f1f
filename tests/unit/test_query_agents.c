#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/query_rig.h"

TestSuite(query_agents, .init = rig_setup, .fini = rig_end, .timeout = 20);

static const char team[] =
    "{agents:{defaults:{model:'demo/a',models:{'demo/b':{alias:'bee'}}},list:["
    "{id:'main',name:'Main',workspace:'${DIR}/ws',identity:{name:'Mainy',emoji:'🦞'}},"
    "{id:'alpha',name:'Alpha',model:{primary:'bee',fallbacks:['demo/c']},skills:['gh'],subagents:{allowAgents:['main']}}]}}";

static const char *list(void)
{
    return rig_ask(query_agents_handlers, RPC_agents_list, NULL);
}

Test(query_agents, the_list_has_openclaws_fields_first_then_the_resolved_chain)
{
    rig_config(team, NULL);
    const char *got = list();
    const char *want =
        "{\"defaultId\":\"main\",\"mainKey\":\"main\",\"scope\":\"per-sender\",\"agents\":[{\"id\":\"main\",\"name\":\"Main\","
        "\"identity\":{\"name\":\"Mainy\",\"emoji\":\"🦞\"},\"workspace\":";
    cr_assert(strncmp(got, want, strlen(want)) == 0, "%s", got);
    cr_assert(strstr(got, "{\"id\":\"alpha\",\"name\":\"Alpha\",\"workspace\":"), "no identity that nobody configured: %s", got);
    cr_assert(strstr(got, "\"model\":{\"primary\":\"demo/b\",\"fallbacks\":[\"demo/c\"]},\"skills\":[\"gh\"],"
                          "\"subagents\":{\"allowAgents\":[\"main\"],\"model\":{\"primary\":\"demo/b\",\"fallbacks\":[\"demo/c\"]}}"),
              "%s", got);
}

Test(query_agents, without_a_configuration_there_is_main)
{
    cr_assert(strstr(list(), "\"agents\":[{\"id\":\"main\",\"workspace\":"), "%s", list());
}

static const char *identity(const char *params)
{
    return rig_ask(query_agents_handlers, RPC_agent_identity_get, params);
}

Test(query_agents, identity_is_the_configured_one_or_the_default)
{
    rig_config(team, NULL);
    cr_assert_str_eq(identity("{\"sessionKey\":\"main\"}"),
                     "{\"agentId\":\"main\",\"name\":\"Mainy\",\"avatar\":\"🦞\",\"emoji\":\"🦞\"}");
    cr_assert_str_eq(identity("{\"agentId\":\"alpha\"}"), "{\"agentId\":\"alpha\",\"name\":\"Assistant\",\"avatar\":\"A\"}");
    cr_assert_str_eq(identity("{\"agentId\":\"zz\"}"), "{\"agentId\":\"zz\",\"name\":\"Assistant\",\"avatar\":\"A\"}");
    cr_assert_str_eq(identity("{\"sessionKey\":\"agent:alpha:main\"}"), "{\"agentId\":\"alpha\",\"name\":\"Assistant\",\"avatar\":\"A\"}");
}

Test(query_agents, identity_may_stand_in_the_workspace)
{
    rig_config("{}", NULL);
    rig_write("workspace/IDENTITY.md",
              "# IDENTITY.md\n\n- **Name:** Vera\n- **Creature:** an owl\n- **Emoji:** 🦉\n- **Avatar:** _(a path)_\n");
    cr_assert_str_eq(identity(NULL), "{\"agentId\":\"main\",\"name\":\"Vera\",\"avatar\":\"🦉\",\"emoji\":\"🦉\"}");
}

Test(query_agents, identity_refuses_keys_that_name_nobody_or_another)
{
    cr_assert_str_eq(rig_refused(query_agents_handlers, RPC_agent_identity_get, "{\"sessionKey\":\"agent:\"}"),
                     "INVALID_REQUEST invalid agent.identity.get params: malformed session key \"agent:\"");
    cr_assert_str_eq(rig_refused(query_agents_handlers, RPC_agent_identity_get, "{\"agentId\":\"x\",\"sessionKey\":\"agent:y:main\"}"),
                     "INVALID_REQUEST invalid agent.identity.get params: agent \"x\" does not match session key agent \"y\"");
}

/* --- changes ---------------------------------------------------------------------------------------------------------- */

static const char *refused(enum rpc_id method, const char *params)
{
    return rig_refused(query_agent_edit_handlers, method, params);
}

static const char *change(enum rpc_id method, const char *params)
{
    return rig_ask(query_agent_edit_handlers, method, params);
}

static const char *file(void)
{
    static char text[4096];
    rig_read("openclaw.json", text, sizeof text);
    return text;
}

static const char two[] =
    "{ // ours\n  agents: { list: [\n    { id: 'main' }, // the first\n    { id: 'tmp-one', workspace: '/w' },\n  ] },\n"
    "  bindings: [{agentId:'tmp-one',match:{channel:'discord'}}, {agentId:'main',match:{channel:'telegram'}}],\n}\n";

Test(query_agents, changes_that_mean_nothing_are_refused)
{
    rig_config_file(two);
    cr_assert_str_eq(refused(RPC_agents_create, "{\"name\":\"Tmp  One!\",\"workspace\":\"/x\"}"),
                     "INVALID_REQUEST agent \"tmp-one\" already exists");
    cr_assert_str_eq(refused(RPC_agents_create, "{\"name\":\"main\",\"workspace\":\"/x\"}"), "INVALID_REQUEST \"main\" is reserved");
    cr_assert_str_eq(refused(RPC_agents_update, "{\"agentId\":\"zz\",\"name\":\"q\"}"), "INVALID_REQUEST agent \"zz\" not found");
    cr_assert_str_eq(refused(RPC_agents_delete, "{\"agentId\":\"zz\"}"), "INVALID_REQUEST agent \"zz\" not found");
    cr_assert_str_eq(refused(RPC_agents_delete, "{\"agentId\":\"main\"}"), "INVALID_REQUEST \"main\" cannot be deleted");
    cr_assert_str_eq(file(), two);
}

Test(query_agents, a_new_agent_is_written_beside_the_others)
{
    rig_config_file(two);
    cr_assert_str_eq(change(RPC_agents_create, "{\"name\":\"Tmp Two\",\"workspace\":\"/data/ws-tmp\",\"emoji\":\"x\"}"),
                     "{\"ok\":true,\"agentId\":\"tmp-two\",\"name\":\"Tmp Two\",\"workspace\":\"/data/ws-tmp\"}");
    rig_config(file(), NULL);
    cr_assert(strstr(file(), "// the first") && strstr(file(), "// ours"), "comments stay: %s", file());
    cr_assert(strstr(list(), "{\"id\":\"tmp-two\",\"name\":\"Tmp Two\",\"identity\":{\"emoji\":\"x\"},\"workspace\":\"/data/ws-tmp\""),
              "%s", list());
}

Test(query_agents, the_first_agent_of_a_file_does_not_take_the_place_of_main)
{
    rig_config_file("{}\n");
    change(RPC_agents_create, "{\"name\":\"new\",\"workspace\":\"/n\"}");
    rig_config(file(), NULL);
    cr_assert(strstr(list(), "{\"defaultId\":\"main\"") && strstr(list(), "{\"id\":\"new\",\"name\":\"new\""), "%s", list());
}

Test(query_agents, without_a_file_one_is_written)
{
    rig_config("{}", NULL);
    change(RPC_agents_create, "{\"name\":\"new\",\"workspace\":\"/n\"}");
    rig_config(file(), NULL);
    cr_assert(strstr(list(), "\"id\":\"new\""), "%s", list());
}

Test(query_agents, an_update_changes_what_it_names)
{
    rig_config_file(two);
    cr_assert_str_eq(change(RPC_agents_update, "{\"agentId\":\"tmp-one\",\"name\":\"Tmp Two\",\"model\":\"demo/m2\"}"),
                     "{\"ok\":true,\"agentId\":\"tmp-one\"}");
    rig_config(file(), NULL);
    cr_assert(strstr(list(), "{\"id\":\"tmp-one\",\"name\":\"Tmp Two\",\"workspace\":\"/w\",\"model\":{\"primary\":\"demo/m2\""), "%s",
              list());
}

Test(query_agents, an_update_that_breaks_the_configuration_is_not_written)
{
    rig_config_file(two);
    cr_assert_str_eq(refused(RPC_agents_update, "{\"agentId\":\"tmp-one\",\"model\":\"nonsense\"}"), "INVALID_REQUEST invalid config");
    cr_assert_str_eq(file(), two);
}

Test(query_agents, who_is_deleted_leaves_with_its_bindings)
{
    rig_config_file(two);
    cr_assert_str_eq(change(RPC_agents_delete, "{\"agentId\":\"tmp-one\",\"deleteFiles\":true}"),
                     "{\"ok\":true,\"agentId\":\"tmp-one\",\"removedBindings\":1}");
    rig_config(file(), NULL);
    cr_assert(!strstr(file(), "tmp-one") && strstr(file(), "telegram"), "%s", file());
}

Test(query_agents, a_list_that_is_included_is_not_hidden_by_a_change)
{
    rig_write("agents.json", "{list:[{id:'main'},{id:'two'}]}");
    rig_config_file("{agents:{$include:'./agents.json'}}\n");
    const char *said = refused(RPC_agents_delete, "{\"agentId\":\"two\"}");
    cr_assert(strncmp(said, "UNAVAILABLE ", 12) == 0 && strstr(said, "openclaw.json"), "%s", said);
    cr_assert_str_eq(file(), "{agents:{$include:'./agents.json'}}\n");
}

/* --- files ---------------------------------------------------------------------------------------------------------- */

static const char *files(enum rpc_id method, const char *params)
{
    return rig_ask(query_agent_files_handlers, method, params);
}

Test(query_agents, files_are_listed_in_order_there_or_not)
{
    char want[1024];
    rig_config(team, NULL);
    rig_write("ws/USER.md", "hi");
    const char *got = files(RPC_agents_files_list, "{\"agentId\":\"main\"}");
    rig_same_shape(
        got, "{\"agentId\":\"main\",\"workspace\":\"/data/ws\",\"files\":[{\"name\":\"AGENTS.md\",\"path\":\"/x\",\"missing\":true}]}");
    snprintf(want, sizeof want,
             "{\"name\":\"USER.md\",\"path\":\"%s\",\"missing\":false,\"size\":2,\"updatedAtMs\":", rig_path("ws/USER.md"));
    cr_assert(strstr(got, want), "%s", got);
    static const char *const names[] = { "AGENTS.md", "SOUL.md",      "TOOLS.md",     "IDENTITY.md",
                                         "USER.md",   "HEARTBEAT.md", "BOOTSTRAP.md", "MEMORY.md" };
    const char *at = got;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        cr_assert((at = strstr(at, names[i])), "%s is missing or too early: %s", names[i], got);
}

Test(query_agents, the_other_name_of_memory_counts)
{
    rig_config(team, NULL);
    rig_write("ws/memory.md", "old days");
    cr_assert(strstr(files(RPC_agents_files_list, "{\"agentId\":\"main\"}"), "\"name\":\"memory.md\""));
}

Test(query_agents, a_file_that_was_set_is_got_again)
{
    rig_config(team, NULL);
    const char *set = files(RPC_agents_files_set, "{\"agentId\":\"main\",\"name\":\"USER.md\",\"content\":\"h\\ni\"}");
    rig_same_shape(set,
                   "{\"ok\":true,\"agentId\":\"a\",\"workspace\":\"/w\",\"file\":{\"name\":\"USER.md\",\"path\":\"/p\",\"missing\":false,"
                   "\"size\":2,\"updatedAtMs\":1795354566986,\"content\":\"hi\"}}");
    const char *got = files(RPC_agents_files_get, "{\"agentId\":\"main\",\"name\":\"USER.md\"}");
    cr_assert(strstr(got, "\"missing\":false,\"size\":3,") && strstr(got, "\"content\":\"h\\ni\"}}"), "%s", got);
    const char *none = files(RPC_agents_files_get, "{\"agentId\":\"main\",\"name\":\"SOUL.md\"}");
    rig_same_shape(none, "{\"agentId\":\"a\",\"workspace\":\"/w\",\"file\":{\"name\":\"SOUL.md\",\"path\":\"/p\",\"missing\":true}}");
}

static const char *refused_file(enum rpc_id method, const char *params)
{
    return rig_refused(query_agent_files_handlers, method, params);
}

Test(query_agents, other_files_and_other_agents_are_refused)
{
    rig_config(team, NULL);
    cr_assert_str_eq(refused_file(RPC_agents_files_set, "{\"agentId\":\"main\",\"name\":\"evil.sh\",\"content\":\"hi\"}"),
                     "INVALID_REQUEST unsupported file \"evil.sh\"");
    cr_assert_str_eq(refused_file(RPC_agents_files_get, "{\"agentId\":\"main\",\"name\":\"../openclaw.json\"}"),
                     "INVALID_REQUEST unsupported file \"../openclaw.json\"");
    cr_assert_str_eq(refused_file(RPC_agents_files_get, "{\"agentId\":\"zz\",\"name\":\"USER.md\"}"), "INVALID_REQUEST unknown agent id");
    cr_assert_str_eq(refused_file(RPC_agents_files_list, "{\"agentId\":\"zz\"}"), "INVALID_REQUEST unknown agent id");
}

Test(query_agents, a_link_is_not_replaced_by_a_file)
{
    struct stat st;
    rig_config(team, NULL);
    rig_write("mounted/USER.md", "theirs");
    rig_write("ws/other", "");
    cr_assert(symlink(rig_path("mounted/USER.md"), rig_path("ws/USER.md")) == 0);
    cr_assert(strstr(files(RPC_agents_files_get, "{\"agentId\":\"main\",\"name\":\"USER.md\"}"), "\"content\":\"theirs\""));
    const char *said = refused_file(RPC_agents_files_set, "{\"agentId\":\"main\",\"name\":\"USER.md\",\"content\":\"mine\"}");
    cr_assert(strncmp(said, "UNAVAILABLE ", 12) == 0 && strstr(said, "is a link"), "%s", said);
    cr_assert(lstat(rig_path("ws/USER.md"), &st) == 0 && S_ISLNK(st.st_mode));
}

Test(query_agents, a_file_may_have_its_bound_and_not_a_byte_more)
{
    rig_config(team, NULL);
    struct buf params = { 0 };
    for (int more = 0; more < 2; more++) {
        buf_clear(&params);
        buf_text(&params, "{\"agentId\":\"main\",\"name\":\"USER.md\",\"content\":\"");
        for (int i = 0; i < QUERY_AGENT_FILE_MAX + more; i++) buf_char(&params, 'x');
        buf_text(&params, "\"}");
        if (more)
            cr_assert(strstr(refused_file(RPC_agents_files_set, buf_cstr(&params)), "QUERY_AGENT_FILE_MAX (1048576 bytes)"));
        else
            files(RPC_agents_files_set, buf_cstr(&params));
    }
    buf_free(&params);
}
