#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/prompt.h"
#include "base/err.h"
#include "base/utf8.h"

static char dir[64];
static struct buf out;
static struct prompt_input in;
static skills_t *skills;

static const struct prompt_tool all_tools[] = {
    { STR("zeta"), STR("Last") },
    { STR("message"), STR("Send messages") },
    { STR("session_status"), STR("Status card") },
    { STR("alpha"), STR("First other") },
    { STR("memory_search"), STR("Search") },
    { STR("process"), STR("Manage commands") },
    { STR("sessions_spawn"), STR("Spawn") },
    { STR("sessions_send"), STR("Send") },
    { STR("subagents"), STR("Steer") },
    { STR("gateway"), STR("Restart") },
    { STR("read"), STR("Read files") },
    { STR("exec"), { NULL, 0 } },
};
enum { ALL_TOOLS = sizeof all_tools / sizeof *all_tools };

static void put(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    cr_assert_not_null(f);
    fputs(text, f);
    fclose(f);
}

static void start(void)
{
    snprintf(dir, sizeof dir, "/tmp/test_prompt.XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
    out = (struct buf){ 0 };
    in = (struct prompt_input){ .agent_id = STR("main"),
                                .agent_name = STR("Main"),
                                .workspace = dir,
                                .model = STR("openrouter/a:free"),
                                .default_model = STR("google/b"),
                                .timezone = STR("Asia/Ho_Chi_Minh"),
                                .host = STR("pod"),
                                .os = STR("Linux 6.1 (x64)"),
                                .channel = STR("webchat"),
                                .tools = all_tools,
                                .tool_count = ALL_TOOLS };
}

static void finish(void)
{
    char command[128];
    buf_free(&out);
    skills_destroy(&skills);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    cr_assert_eq(system(command), 0);
}

TestSuite(prompt, .init = start, .fini = finish);

static const char *build(void)
{
    buf_clear(&out);
    cr_assert_eq(prompt_build(&in, &out), 0);
    return buf_cstr(&out);
}

static bool says(const char *text)
{
    return str_find(buf_str(&out), str_of(text)) >= 0;
}

/* The lines that start with "#", joined by "|". */
static const char *headings(void)
{
    static char text[2048];
    struct str rest = buf_str(&out);
    size_t n = 0;
    while (rest.p) {
        struct str line = str_split(&rest, '\n');
        if (line.n && line.p[0] == '#') n += (size_t)snprintf(text + n, sizeof text - n, "%s%.*s", n ? "|" : "", STR_ARG(line));
    }
    return text;
}

static void load_skills(void)
{
    char path[128];
    struct skills_folder folder = { SKILL_WORKSPACE, path };
    struct skills_options options = { .folders = &folder, .folder_count = 1 };
    static const char *const texts[][2] = {
        { "weather", "---\nname: weather\ndescription: Rain & <sun>\n---\n" },
        { "hidden", "---\nname: hidden\ndisable-model-invocation: true\n---\n" },
        { "unmet", "---\nname: unmet\nmetadata: {openclaw: {requires: {bins: [no-such-bin-here]}}}\n---\n" },
    };
    snprintf(path, sizeof path, "%s/skills", dir);
    cr_assert_eq(mkdir(path, 0700), 0);
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/skills/%s", dir, texts[i][0]);
        cr_assert_eq(mkdir(path, 0700), 0);
        snprintf(path, sizeof path, "skills/%s/SKILL.md", texts[i][0]);
        put(path, texts[i][1]);
    }
    snprintf(path, sizeof path, "%s/skills", dir);
    cr_assert_eq(skills_load(&options, &skills), 0);
    in.skills = skills;
}

Test(prompt, full_mode_has_its_sections_in_order)
{
    struct prompt_alias alias = { STR("fast"), STR("google/b") };
    load_skills();
    in.aliases = &alias;
    in.alias_count = 1;
    in.docs = STR("https://docs.example/");
    in.owners = STR("+491234");
    in.heartbeat = STR("Read HEARTBEAT.md");
    in.extra_system = STR("\nBe kind.\n");
    put("AGENTS.md", "agents");
    build();
    char path[1024];
    snprintf(path, sizeof path,
             "## Tooling|## Tool Call Style|## Safety|## OpenClaw CLI Quick Reference|## Skills (mandatory)|## Memory Recall|"
             "## OpenClaw Self-Update|## Model Aliases|## Workspace|## Documentation|## User Identity|## Current Date & Time|"
             "## Workspace Files (injected)|## Reply Tags|## Messaging|### message tool|## Group Chat Context|# Project Context|"
             "## %s/AGENTS.md|## %s/SOUL.md|## %s/TOOLS.md|## %s/IDENTITY.md|## %s/USER.md|## %s/HEARTBEAT.md|## Silent Replies|"
             "## Heartbeats|## Runtime",
             dir, dir, dir, dir, dir, dir);
    cr_assert_str_eq(headings(), path);
    cr_assert(!says("\n\n"), "no empty line between sections");
    cr_assert(says("Time zone: Asia/Ho_Chi_Minh\n"));
}

Test(prompt, minimal_mode_leaves_out_what_a_sub_agent_does_not_need)
{
    load_skills();
    in.mode = PROMPT_MINIMAL;
    in.heartbeat = STR("x");
    in.docs = STR("x");
    in.owners = STR("x");
    in.depth = 1;
    in.depth_max = 2;
    put("AGENTS.md", "agents");
    put("SOUL.md", "soul");
    put("MEMORY.md", "memory");
    build();
    char expected[1024];
    snprintf(expected, sizeof expected,
             "## Tooling|## Tool Call Style|## Safety|## OpenClaw CLI Quick Reference|## Workspace|## Current Date & Time|"
             "## Workspace Files (injected)|## Subagent Context|# Project Context|## %s/AGENTS.md|## %s/TOOLS.md|## Runtime",
             dir, dir);
    cr_assert_str_eq(headings(), expected);
    cr_assert(says("(depth 1/2)") && says("You may start sub-agents") && !says("SOUL.md sets"));
    in.depth = 2;
    build();
    cr_assert(says("You cannot start sub-agents."));
}

Test(prompt, lists_tools_in_the_fixed_order_then_by_name)
{
    build();
    cr_assert(says("\n- read: Read files\n- exec\n- process: Manage commands\n- message: Send messages\n- gateway: Restart\n"
                   "- sessions_send: Send\n- subagents: Steer\n- session_status: Status card\n- alpha: First other\n"
                   "- memory_search: Search\n- sessions_spawn: Spawn\n- zeta: Last\n"));
}

Test(prompt, says_nothing_of_tools_that_are_not_there)
{
    load_skills();
    in.tool_count = 0;
    build();
    static const char *const absent[] = { "Tool Call Style", "with `read`",   "Memory Recall",  "Self-Update", "message tool",
                                          "session_status",  "sessions_send", "sessions_spawn", "process(",    "subagents(" };
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++) cr_assert(!says(absent[i]), "%s", absent[i]);
    cr_assert(says("No tools are available here"));
}

Test(prompt, lists_eligible_skills_for_the_model)
{
    load_skills();
    build();
    char expected[512];
    snprintf(expected, sizeof expected,
             "<available_skills>\n  <skill>\n    <name>weather</name>\n    <description>Rain &amp; &lt;sun&gt;</description>\n"
             "    <location>%s/skills/weather/SKILL.md</location>\n  </skill>\n</available_skills>\n",
             dir);
    cr_assert(says(expected));
}

Test(prompt, ends_with_the_runtime_line)
{
    build();
    char expected[512];
    snprintf(
        expected, sizeof expected,
        "\n## Runtime\nRuntime: agent=main | host=pod | repo=%s | os=Linux 6.1 (x64) | model=openrouter/a:free | default_model=google/b"
        " | channel=webchat | capabilities=none | thinking=off\n"
        "Reasoning: off (hidden unless on/stream). Toggle /reasoning; /status shows Reasoning when enabled.",
        dir);
    cr_assert(str_ends(buf_str(&out), str_of(expected)), "%s", buf_cstr(&out) + out.n - 400);
}

Test(prompt, tells_missing_files_but_not_those_that_need_not_be)
{
    char expected[256];
    build();
    snprintf(expected, sizeof expected, "## %s/AGENTS.md\n[MISSING] Expected at: %s/AGENTS.md\n", dir, dir);
    cr_assert(says(expected));
    cr_assert(!says("/BOOTSTRAP.md") && !says("/MEMORY.md") && !says("/memory.md"));
    put("BOOTSTRAP.md", "hello world");
    put("MEMORY.md", "M1");
    put("memory.md", "m2");
    put("SOUL.md", "soul");
    build();
    cr_assert(says("/BOOTSTRAP.md\nhello world\n") && says("/MEMORY.md\nM1\n") && says("/memory.md\nm2\n") &&
              says("SOUL.md sets your persona"));
}

static char *repeat(const char *text, size_t times)
{
    struct buf b = { 0 };
    size_t n;
    for (size_t i = 0; i < times; i++) buf_text(&b, text);
    return buf_take(&b, &n);
}

Test(prompt, keeps_a_file_at_its_limit_and_cuts_one_past_it)
{
    char expected[512];
    in.file_chars = 100;
    char *at = repeat("\xE2\x82\xAC", 100), *past = repeat("\xE2\x82\xAC", 101), *head = repeat("\xE2\x82\xAC", 70),
         *tail = repeat("\xE2\x82\xAC", 20);
    put("AGENTS.md", at);
    build();
    cr_assert(says(at) && !says("truncated"));
    put("AGENTS.md", past);
    build();
    snprintf(expected, sizeof expected, "/AGENTS.md\n%s\n[...truncated, read AGENTS.md for full content...]\n%s\n##", head, tail);
    cr_assert(says(expected));
    free(at);
    free(past);
    free(head);
    free(tail);
}

Test(prompt, a_huge_file_shows_its_two_ends)
{
    in.file_chars = 10;
    char *middle = repeat("\xF0\x9F\xA6\x80", 5000);
    struct buf b = { 0 };
    buf_printf(&b, "beginning %s the end!", middle);
    put("AGENTS.md", buf_cstr(&b));
    build();
    cr_assert(says("/AGENTS.md\nbeginni\n[...truncated, read AGENTS.md for full content...]\nd!\n"));
    free(middle);
    buf_free(&b);
}

Test(prompt, keeps_to_the_limit_of_all_files)
{
    char *text = repeat("x", 100);
    in.total_chars = 250;
    put("AGENTS.md", text);
    put("SOUL.md", text);
    put("TOOLS.md", text);
    put("IDENTITY.md", "id");
    build();
    cr_assert(says("[...left out: the limit of all workspace files is reached, read TOOLS.md when needed...]"));
    cr_assert(says("/IDENTITY.md\nid\n"), "what still fits is shown");
    in.total_chars = 302;
    build();
    cr_assert(!says("left out") && !says("truncated"));
    in.total_chars = 290;
    build();
    cr_assert(says("read TOOLS.md for full content"));
    free(text);
}

Test(prompt, makes_valid_text_of_any_file)
{
    put("AGENTS.md", "a\xFF"
                     "b\xC3");
    build();
    cr_assert(says("a\xEF\xBF\xBD"
                   "b\xEF\xBF\xBD\n") &&
              str_utf8_valid(buf_str(&out)));
    char path[128];
    snprintf(path, sizeof path, "%s/SOUL.md", dir);
    cr_assert_eq(mkdir(path, 0700), 0);
    build();
    cr_assert(says("/SOUL.md\n[UNREADABLE] "));
}

Test(prompt, costs_few_characters_of_its_own)
{
    in.heartbeat = STR("Read HEARTBEAT.md if it exists and follow it. If nothing needs attention, reply HEARTBEAT_OK.");
    in.docs = STR("https://docs.example/");
    in.extra_system = STR("x");
    build();
    struct str files = buf_str(&out);
    ptrdiff_t from = str_find(files, STR("# Project Context")), to = str_find(files, STR("## Silent Replies"));
    size_t own = utf8_count(files) - (size_t)(to - from);
    cr_assert(own <= 4000, "%zu characters", own);
}

Test(prompt, reports_a_full_buffer)
{
    struct buf small = { .max = 500 };
    cr_assert_eq(prompt_build(&in, &small), GW_ELIMIT);
    buf_free(&small);
}

static const char *stamped(const char *text, const timezone_t *zone)
{
    buf_clear(&out);
    prompt_user_text(str_of(text), zone, 1795353055123, &out);
    return buf_cstr(&out);
}

Test(prompt, stamps_what_people_say_in_their_zone)
{
    timezone_t *zone;
    cr_assert_str_eq(stamped("hi", NULL), "[Sun 2026-11-22 13:10 UTC] hi");
    cr_assert_eq(timezone_load(NULL, STR("Asia/Ho_Chi_Minh"), &zone), 0);
    cr_assert_str_eq(stamped("hi", zone), "[Sun 2026-11-22 20:10 GMT+7] hi");
    timezone_destroy(&zone);
    cr_assert_eq(timezone_load(NULL, STR("America/New_York"), &zone), 0);
    cr_assert_str_eq(stamped("hi", zone), "[Sun 2026-11-22 08:10 EST] hi");
    timezone_destroy(&zone);
    cr_assert_eq(timezone_load(NULL, STR("America/Caracas"), &zone), 0);
    cr_assert_str_eq(stamped("[not a stamp] hi", zone), "[Sun 2026-11-22 09:10 GMT-4] [not a stamp] hi");
    timezone_destroy(&zone);
    cr_assert_eq(timezone_load(NULL, STR("Asia/Kabul"), &zone), 0);
    cr_assert_str_eq(stamped("hi", zone), "[Sun 2026-11-22 17:40 GMT+4:30] hi");
    timezone_destroy(&zone);
}

Test(prompt, does_not_stamp_twice_nor_what_tells_the_time)
{
    static const char *const kept[] = { "[Sun 2026-11-22 13:10 UTC] hi", "[Discord #general 2026-11-22 13:10] hi", "", "  \n",
                                        "[cron:1 x] do\nCurrent time: Sunday, November 22nd" };
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) cr_assert_str_eq(stamped(kept[i], NULL), kept[i]);
    cr_assert_str_eq(stamped("[x] on 2026-11-22 13:10", NULL), "[Sun 2026-11-22 13:10 UTC] [x] on 2026-11-22 13:10");
}
