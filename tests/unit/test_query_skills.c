#include "skills/skills.h"
#include "tests/support/query_rig.h"

TestSuite(query_skills, .init = rig_setup, .fini = rig_end, .timeout = 20);

static const char *status(const char *params)
{
    return rig_ask(query_skills_handlers, RPC_skills_status, params);
}

static void write_skill(const char *path, const char *metadata)
{
    char text[2048];
    snprintf(text, sizeof text, "---\nname: %s\ndescription: d\nhomepage: https://x.test/\nmetadata:\n  openclaw:\n%s---\nBody\n",
             path + strlen("skills/"), metadata);
    char file[256];
    snprintf(file, sizeof file, "%s/SKILL.md", path);
    rig_write(file, text);
}

Test(query_skills, a_skill_has_openclaws_fields_in_their_order)
{
    write_skill("skills/op", "    emoji: x\n    requires: {bins: [no-such-program-here]}\n    install:\n"
                             "      - {id: brew, kind: brew, formula: op, bins: [no-such-program-here], label: Install op}\n");
    rig_same_shape(
        status(NULL),
        "{\"workspaceDir\":\"/data/ws\",\"managedSkillsDir\":\"/data/skills\",\"skills\":[{\"name\":\"1password\",\"description\":\"…\","
        "\"source\":\"openclaw-bundled\",\"bundled\":true,\"filePath\":\"/opt\",\"baseDir\":\"/opt\",\"skillKey\":\"1password\","
        "\"emoji\":\"x\",\"homepage\":\"https://x/\",\"always\":false,\"disabled\":false,\"blockedByAllowlist\":false,\"eligible\":false,"
        "\"requirements\":{\"bins\":[\"op\"],\"anyBins\":[],\"env\":[],\"config\":[],\"os\":[]},"
        "\"missing\":{\"bins\":[\"op\"],\"anyBins\":[],\"env\":[],\"config\":[],\"os\":[]},\"configChecks\":[],"
        "\"install\":[{\"id\":\"brew\",\"kind\":\"brew\",\"label\":\"Install\",\"bins\":[\"op\"]}]}]}");
    cr_assert(strstr(status(NULL), "\"source\":\"openclaw-managed\",\"bundled\":false"));
}

Test(query_skills, every_requirement_is_looked_at_for_real)
{
    setenv("SKILL_TEST_SET", "1", 1);
    rig_config("{browser:{enabled:true}}", NULL);
    write_skill(
        "skills/all",
        "    requires:\n      bins: [sh, no-such-1]\n      anyBins: [no-such-2, sh]\n      env: [SKILL_TEST_SET, SKILL_TEST_UNSET]\n"
        "      config: [browser.enabled, channels.nope]\n");
    const char *got = status(NULL);
    cr_assert(strstr(got, "\"missing\":{\"bins\":[\"no-such-1\"],\"anyBins\":[],\"env\":[\"SKILL_TEST_UNSET\"],\"config\":[\"channels."
                          "nope\"],\"os\":[]}"),
              "%s", got);
    cr_assert(
        strstr(got,
               "\"configChecks\":[{\"path\":\"browser.enabled\",\"satisfied\":true},{\"path\":\"channels.nope\",\"satisfied\":false}]"),
        "%s", got);
    cr_assert(strstr(got, "\"eligible\":false"));
}

Test(query_skills, one_of_several_programs_is_enough_and_none_means_all_are_missing)
{
    write_skill("skills/any", "    requires: {anyBins: [no-such-1, no-such-2]}\n");
    cr_assert(strstr(status(NULL), "\"missing\":{\"bins\":[],\"anyBins\":[\"no-such-1\",\"no-such-2\"]"), "%s", status(NULL));
}

Test(query_skills, what_runs_elsewhere_is_not_installable_here)
{
    write_skill("skills/notes", "    os: [darwin]\n    install:\n      - {id: brew, kind: brew, formula: memo, bins: [memo]}\n");
    const char *got = status(NULL);
    cr_assert(strstr(got, "\"os\":[\"darwin\"]},\"configChecks\":[],\"install\":[]}"), "%s", got);
}

Test(query_skills, the_configuration_switches_skills_off_and_gives_them_variables)
{
    write_skill("skills/keyed", "    primaryEnv: SKILL_TEST_KEY\n    requires: {env: [SKILL_TEST_KEY, SKILL_TEST_MORE]}\n");
    cr_assert(strstr(status(NULL), "\"eligible\":false"));
    rig_config("{skills:{entries:{keyed:{apiKey:'secret-value',env:{SKILL_TEST_MORE:'x'}}}}}", NULL);
    const char *got = status(NULL);
    cr_assert(strstr(got, "\"primaryEnv\":\"SKILL_TEST_KEY\"") && strstr(got, "\"eligible\":true") && !strstr(got, "secret-value"), "%s",
              got);
    rig_config("{skills:{entries:{keyed:{enabled:false,apiKey:'secret-value',env:{SKILL_TEST_MORE:'x'}}}}}", NULL);
    got = status(NULL);
    cr_assert(strstr(got, "\"disabled\":true") && strstr(got, "\"eligible\":false"), "%s", got);
}

Test(query_skills, so_many_ways_to_install_are_told_and_no_more)
{
    struct buf metadata = { 0 };
    for (int count = SKILLS_INSTALL_MAX; count <= SKILLS_INSTALL_MAX + 1; count++) {
        buf_clear(&metadata);
        buf_text(&metadata, "    install:\n");
        for (int i = 0; i < count; i++) buf_text(&metadata, "      - {kind: go, module: m}\n");
        write_skill("skills/many", buf_cstr(&metadata));
        json_t *root = json_loads(status(NULL), 0, NULL);
        json_t *skill = json_array_get(json_object_get(root, "skills"), 0);
        cr_assert_eq(json_array_size(json_object_get(skill, "install")), SKILLS_INSTALL_MAX);
        json_decref(root);
    }
    buf_free(&metadata);
}

Test(query_skills, an_agent_that_nobody_configured_has_none)
{
    cr_assert_str_eq(rig_refused(query_skills_handlers, RPC_skills_status, "{\"agentId\":\"zz\"}"),
                     "INVALID_REQUEST unknown agent id \"zz\"");
}

Test(query_skills, bins_are_those_of_all_skills_once)
{
    write_skill("skills/a", "    requires: {bins: [git, curl], anyBins: [vi]}\n");
    write_skill("skills/b", "    requires: {bins: [curl]}\n    install:\n      - {kind: node, package: zx, bins: [zx]}\n");
    cr_assert_str_eq(rig_ask(query_skills_handlers, RPC_skills_bins, NULL), "{\"bins\":[\"curl\",\"git\",\"vi\",\"zx\"]}");
}

Test(query_skills, nothing_is_installed_and_that_is_said)
{
    write_skill("skills/weather", "    install:\n      - {kind: brew, formula: wttr}\n");
    cr_assert_str_eq(rig_refused(query_skills_handlers, RPC_skills_install, "{\"name\":\"weather\",\"installId\":\"zz\"}"),
                     "UNAVAILABLE Installer not found: zz");
    cr_assert_str_eq(rig_refused(query_skills_handlers, RPC_skills_install, "{\"name\":\"nope\",\"installId\":\"zz\"}"),
                     "UNAVAILABLE Skill not found: nope");
    const char *said = rig_refused(query_skills_handlers, RPC_skills_install, "{\"name\":\"weather\",\"installId\":\"brew-0\"}");
    cr_assert(strstr(said, "runs no installers") && strstr(said, "Install wttr (brew)"), "%s", said);
}

static const char *update(const char *params)
{
    return rig_ask(query_skills_handlers, RPC_skills_update, params);
}

Test(query_skills, a_skills_settings_are_written_and_never_shown)
{
    char file[1024];
    rig_config_file("{ /* ours */ }\n");
    cr_assert_str_eq(update("{\"skillKey\":\"weather\",\"enabled\":true}"),
                     "{\"ok\":true,\"skillKey\":\"weather\",\"config\":{\"enabled\":true}}");
    cr_assert_str_eq(update("{\"skillKey\":\"weather\",\"apiKey\":\"sk-123456\",\"env\":{\"A\":\"b\"}}"),
                     "{\"ok\":true,\"skillKey\":\"weather\",\"config\":{\"enabled\":true,\"apiKey\":\"__OPENCLAW_REDACTED__\","
                     "\"env\":{\"A\":\"__OPENCLAW_REDACTED__\"}}}");
    rig_read("openclaw.json", file, sizeof file);
    cr_assert(strstr(file, "sk-123456") && strstr(file, "/* ours */"), "%s", file);
    cr_assert_str_eq(update("{\"skillKey\":\"weather\",\"enabled\":false,\"apiKey\":\"\",\"env\":{\"A\":\"\"}}"),
                     "{\"ok\":true,\"skillKey\":\"weather\",\"config\":{\"enabled\":false,\"env\":{}}}");
    rig_read("openclaw.json", file, sizeof file);
    cr_assert(!strstr(file, "sk-123456"), "%s", file);
}
