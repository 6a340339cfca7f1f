#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "skills/front_matter.h"
#include "skills/skills.h"

static char root[64];
static skills_t *skills;
static struct skills_folder folders[2];
static struct skills_options options;

static void start(void)
{
    static char a[80], b[80];
    snprintf(root, sizeof root, "/tmp/test_skills.XXXXXX");
    cr_assert_not_null(mkdtemp(root));
    snprintf(a, sizeof a, "%s/bundled", root);
    snprintf(b, sizeof b, "%s/workspace", root);
    cr_assert(mkdir(a, 0700) == 0 && mkdir(b, 0700) == 0);
    folders[0] = (struct skills_folder){ SKILL_BUNDLED, a };
    folders[1] = (struct skills_folder){ SKILL_WORKSPACE, b };
    options = (struct skills_options){ .folders = folders, .folder_count = 2 };
}

static void finish(void)
{
    char command[128];
    skills_destroy(&skills);
    snprintf(command, sizeof command, "rm -rf %s", root);
    cr_assert_eq(system(command), 0);
}

TestSuite(skills, .init = start, .fini = finish);

static void write_file(const char *path, struct str text)
{
    FILE *f = fopen(path, "wb");
    cr_assert_not_null(f);
    cr_assert_eq(fwrite(text.p, 1, text.n, f), text.n);
    fclose(f);
}

/* folder/name/SKILL.md */
static void put(int folder, const char *name, struct str text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folders[folder].path, name);
    cr_assert_eq(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/%s/SKILL.md", folders[folder].path, name);
    write_file(path, text);
}

static size_t load(void)
{
    size_t n;
    cr_assert_eq(skills_load(&options, &skills), 0);
    (void)skills_list(skills, &n);
    return n;
}

static const struct skill *at(size_t i)
{
    size_t n;
    const struct skill *list = skills_list(skills, &n);
    cr_assert(i < n);
    return &list[i];
}

static bool complains(const char *text)
{
    return str_find(skills_problems(skills), str_of(text)) >= 0;
}

Test(skills, reads_all_fields_of_the_front_matter)
{
    put(0, "weather",
        STR("---\nname: weather-now\ndescription: \"Get weather: now\"\nuser-invocable: false\ndisable-model-invocation: true\nmetadata:\n"
            "  {\n    \"openclaw\": { \"emoji\": \"\xE2\x98\x94\", \"always\": true, \"os\": [\"linux\"],\n"
            "      \"requires\": { \"bins\": [\"curl\"], \"anyBins\": [\"a\", \"b\"], \"env\": [\"KEY\"], \"config\": [\"x.y\"] }, "
            "\"new\": 1 }\n  }\n---\n"
            "# Weather\n"));
    cr_assert_eq(load(), 1);
    const struct skill *s = at(0);
    cr_assert(str_is(s->name, "weather-now") && str_is(s->description, "Get weather: now") && str_is(s->emoji, "\xE2\x98\x94"));
    cr_assert(s->always && !s->user_invocable && !s->model_invocable && s->eligible && s->source == SKILL_BUNDLED);
    cr_assert(s->requires.bins.count == 1 && str_is(s->requires.bins.items[0], "curl"));
    cr_assert(s->requires.any_bins.count == 2 && s->requires.env.count == 1 && s->requires.config.count == 1 && s->requires.os.count == 1);
    cr_assert(str_ends(s->path, STR("/bundled/weather/SKILL.md")) && str_ends(s->dir, STR("/bundled/weather")));
    cr_assert_eq(skills_problems(skills).n, 0);
}

Test(skills, metadata_may_be_text_that_holds_json)
{
    put(0, "a",
        STR("---\r\nname: a\r\ndescription: d\r\nmetadata: '{\"openclaw\":{\"emoji\":\"x\",\"requires\":{\"bins\":\"sh\"}}}'\r\n---\r\n"));
    cr_assert_eq(load(), 1);
    cr_assert(str_is(at(0)->emoji, "x") && at(0)->requires.bins.count == 1 && at(0)->eligible);
}

Test(skills, takes_folder_name_and_first_paragraph_when_fields_are_missing)
{
    put(0, "plain", STR("# Title\n\nHow to do\nthings.\n\nMore.\n"));
    put(0, "titled", STR("---\nhomepage: x\n---\n\n## T\nBody text\n"));
    cr_assert_eq(load(), 2);
    cr_assert(str_is(at(0)->name, "plain") && str_is(at(0)->description, "How to do things."));
    cr_assert(str_is(at(1)->name, "titled") && str_is(at(1)->description, "Body text"));
    cr_assert(at(0)->user_invocable && at(0)->model_invocable && at(0)->eligible);
}

Test(skills, a_later_source_wins_and_the_list_is_sorted)
{
    put(0, "b", STR("---\nname: b\ndescription: old\n---\n"));
    put(0, "c", STR("---\nname: c\ndescription: only here\n---\n"));
    put(1, "zz", STR("---\nname: b\ndescription: new\n---\n"));
    put(1, "a", STR("x"));
    cr_assert_eq(load(), 3);
    cr_assert(str_is(at(0)->name, "a") && str_is(at(1)->name, "b") && str_is(at(2)->name, "c"));
    cr_assert(str_is(at(1)->description, "new") && at(1)->source == SKILL_WORKSPACE);
}

Test(skills, an_empty_allowlist_means_none_and_no_allowlist_all)
{
    struct str allow[] = { STR("b"), STR("unknown") };
    put(0, "a", STR("x"));
    put(0, "b", STR("x"));
    cr_assert_eq(load(), 2);
    skills_destroy(&skills);
    options.limited = true;
    cr_assert_eq(load(), 0);
    skills_destroy(&skills);
    options.allow = allow;
    options.allow_count = 2;
    cr_assert_eq(load(), 1);
    cr_assert(str_is(at(0)->name, "b"));
}

Test(skills, reports_malformed_ones_with_file_and_line_and_goes_on)
{
    put(0, "bad1", STR("---\nname: x\ndescription: [1\n---\nbody"));
    put(0, "bad2", STR("---\nname: x\ndescription: never closed\n"));
    put(0, "bad3", STR("---\nname: ok\nuser-invocable:\n  - 1\n---\n"));
    put(0, "bad4", STR("---\nname: \"a\\nb\"\n---\n"));
    put(0, "good", STR("x"));
    cr_assert_eq(load(), 1);
    cr_assert(complains("bad1/SKILL.md:4: not valid YAML"));
    cr_assert(complains("bad2/SKILL.md:1: front matter has no closing --- line"));
    cr_assert(complains("bad3/SKILL.md:4: must be true or false: user-invocable"));
    cr_assert(complains("bad4/SKILL.md:1: the name"));
}

Test(skills, refuses_links_that_leave_the_folder_but_not_those_inside)
{
    char from[256], to[256];
    put(0, "real", STR("inside"));
    snprintf(from, sizeof from, "%s/outside", root);
    cr_assert_eq(mkdir(from, 0700), 0);
    snprintf(from, sizeof from, "%s/outside/SKILL.md", root);
    write_file(from, STR("secret"));
    snprintf(from, sizeof from, "%s/outside", root);
    snprintf(to, sizeof to, "%s/link", folders[0].path);
    cr_assert_eq(symlink(from, to), 0);
    snprintf(to, sizeof to, "%s/alias", folders[0].path);
    cr_assert_eq(symlink("real", to), 0);
    cr_assert_eq(load(), 2);
    cr_assert(str_is(at(0)->name, "alias") && str_is(at(1)->name, "real"));
    cr_assert(complains("link/SKILL.md: is a link that leaves its skills folder"));
}

Test(skills, missing_folders_and_folders_without_a_file_are_no_problem)
{
    char path[128];
    folders[0].path = "/nowhere/skills";
    snprintf(path, sizeof path, "%s/empty", folders[1].path);
    cr_assert_eq(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/README.md", folders[1].path);
    write_file(path, STR("x"));
    cr_assert_eq(load(), 0);
    cr_assert_eq(skills_problems(skills).n, 0);
}

Test(skills, says_which_requirement_is_not_met)
{
    put(0, "a", STR("---\nname: a\nmetadata: {openclaw: {requires: {bins: [sh, no-such-bin-here]}}}\n---\n"));
    put(0, "b", STR("---\nname: b\nmetadata: {openclaw: {requires: {anyBins: [no-such-bin-here, sh]}}}\n---\n"));
    put(0, "c", STR("---\nname: c\nmetadata: {openclaw: {requires: {env: [NO_SUCH_VARIABLE_HERE]}}}\n---\n"));
    put(0, "d", STR("---\nname: d\nmetadata: {openclaw: {os: [darwin], always: true}}\n---\n"));
    put(0, "e", STR("---\nname: e\nmetadata: {openclaw: {requires: {config: [browser.enabled]}}}\n---\n"));
    put(0, "f", STR("---\nname: f\nmetadata: {openclaw: {requires: {bins: [../sh]}}}\n---\n"));
    cr_assert_eq(load(), 6);
    cr_assert(!at(0)->eligible && str_is(at(0)->missing, "bin no-such-bin-here"));
    cr_assert(at(1)->eligible);
    cr_assert(str_is(at(2)->missing, "env NO_SUCH_VARIABLE_HERE"));
    cr_assert(str_is(at(3)->missing, "os darwin"));
    cr_assert(str_is(at(4)->missing, "config browser.enabled"));
    cr_assert(!at(5)->eligible);
}

Test(skills, keeps_the_bounds_of_file_front_matter_and_name)
{
    struct buf b = { 0 };
    char name[SKILLS_NAME_MAX * 2 + 1] = "";
    for (size_t i = 0; i < SKILLS_FILE_MAX; i++) buf_char(&b, 'x');
    put(0, "file-at", buf_str(&b));
    buf_char(&b, 'x');
    put(0, "file-past", buf_str(&b));
    for (int past = 0; past < 2; past++) {
        buf_clear(&b);
        buf_text(&b, "---\nd: ");
        while (b.n < 4 + SKILLS_FRONT_MAX - 1 + (size_t)past) buf_char(&b, 'x');
        buf_text(&b, "\n---\n");
        put(0, past ? "front-past" : "front-at", buf_str(&b));
    }
    for (int i = 0; i < SKILLS_NAME_MAX; i++) memcpy(name + 2 * i, "\xC3\xA9", 3);
    for (int past = 0; past < 2; past++) {
        buf_clear(&b);
        buf_printf(&b, "---\nname: %s%s\n---\n", name, past ? "x" : "");
        put(0, past ? "name-past" : "name-at", buf_str(&b));
    }
    cr_assert_eq(load(), 3);
    cr_assert(str_is(at(0)->name, "file-at") && str_is(at(1)->name, "front-at") && str_is(at(2)->name, name));
    cr_assert(complains("file-past/SKILL.md: is larger than SKILLS_FILE_MAX"));
    cr_assert(complains("front-past/SKILL.md:1: front matter is larger than SKILLS_FRONT_MAX"));
    cr_assert(complains("name-past/SKILL.md:1: the name is longer than SKILLS_NAME_MAX"));
    cr_assert_eq(at(0)->description.n, SKILLS_DESCRIPTION_MAX);
    buf_free(&b);
}

Test(skills, takes_as_many_as_allowed_and_reports_the_next)
{
    char name[16];
    for (int i = 0; i < SKILLS_MAX; i++) {
        snprintf(name, sizeof name, "s%04d", i);
        put(0, name, STR("x"));
    }
    cr_assert_eq(load(), SKILLS_MAX);
    cr_assert_eq(skills_problems(skills).n, 0);
    skills_destroy(&skills);
    put(1, "one-more", STR("x"));
    put(1, "s0000", STR("replaced")); /* a replacement needs no room */
    cr_assert_eq(load(), SKILLS_MAX);
    cr_assert(complains("one-more/SKILL.md: left out: there are already SKILLS_MAX"));
    cr_assert(str_is(at(0)->description, "replaced"));
}

Test(skills, no_skills_is_a_list_too)
{
    size_t n = 7;
    cr_assert(skills_list(NULL, &n) == NULL && n == 0 && skills_problems(NULL).n == 0);
    options.folder_count = SKILLS_SOURCES_MAX + 1;
    cr_assert_eq(skills_load(&options, &skills), GW_EINVAL);
    cr_assert_null(skills);
}

Test(front_matter, bounds_its_lists)
{
    struct arena arena = { 0 };
    struct front_matter out;
    struct front_matter_error error;
    for (int past = 0; past < 2; past++) {
        struct buf b = { 0 };
        buf_text(&b, "---\nmetadata: {openclaw: {requires: {bins: [");
        for (int i = 0; i < SKILLS_LIST_MAX + past; i++) buf_text(&b, "x,");
        buf_text(&b, "]}}}\n---\nbody");
        cr_assert_eq(front_matter_parse(buf_str(&b), &arena, &out, &error), past ? GW_ELIMIT : 0);
        if (!past) cr_assert(out.requires.bins.count == SKILLS_LIST_MAX && str_is(out.body, "body"));
        buf_free(&b);
    }
    cr_assert_eq(error.line, 2);
    arena_free(&arena);
}

Test(front_matter, survives_self_reference_and_depth)
{
    struct arena arena = { 0 };
    struct front_matter out;
    struct front_matter_error error;
    struct buf b = { 0 };
    (void)front_matter_parse(STR("---\n&a metadata: &b {openclaw: *b, x: [*b]}\n---\n"), &arena, &out, &error);
    buf_text(&b, "---\na: ");
    for (int i = 0; i < 16000; i++) buf_char(&b, '[');
    buf_text(&b, "\n---\n");
    cr_assert_eq(front_matter_parse(buf_str(&b), &arena, &out, &error), GW_EPARSE);
    buf_free(&b);
    arena_free(&arena);
}
