/* What ships beside the program: skills, decks, who the agents are. Read with the program's own readers. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/json_read.h"
#include "skills/front_matter.h"
#include "tools/decks.h"

#define SKILLS SOURCE_DIR "/skills"
#define WORKSPACES SOURCE_DIR "/agents/workspaces"

enum { SKILL_COUNT = 14, AGENT_COUNT = 9, SKILL_BYTES = 8 * 1024, AGENT_BYTES = 2 * 1024, DECK_CARDS_MIN = 60, COMMANDS_MAX = 200 };

static const char *const CONFIGS[] = { SOURCE_DIR "/k8s/configmap/openclaw.json", TEST_DATA_DIR "/homelab/openclaw.json" };

static struct buf read_text(const char *path)
{
    struct buf text = { 0 };
    cr_assert_eq(file_read(path, 1 << 20, &text), 0, "%s", path);
    return text;
}

/* --- commands ----------------------------------------------------------------------------------------------------------- */

static struct buf image_commands;

static bool in_image(struct str name)
{
    for (struct str rest = buf_str(&image_commands); rest.n;)
        if (str_eq(str_trim(str_split(&rest, '\n')), name)) return true;
    return false;
}

static bool is_word_of_shell(struct str word)
{
    static const char *const WORDS[] = { "do",   "done", "while", "if", "then", "else", "fi", "for",
                                         "read", "[",    "!",     "||", "exit", "cd",   "{",  "}" };
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++)
        if (str_is(word, WORDS[i])) return true;
    return word.n == 0;
}

/* Programs and their words stand before the first blank of each piece between | && ; $( -- quoted text is none. */
static void unquote(struct str line, struct buf *out)
{
    char quote = 0;
    for (size_t i = 0; i < line.n; i++) {
        char c = line.p[i];
        if (quote ? c == quote : (c == '"' || c == '\'')) {
            quote = quote ? 0 : c;
            buf_char(out, '_');
        } else if (!quote && c == '#' && i > 0 && line.p[i - 1] == ' ') {
            return;
        } else if (!quote && (c == '|' || c == ';' || c == '&')) {
            buf_char(out, '\n');
        } else if (!quote) {
            buf_char(out, c);
        }
    }
}

/* Append the first command of a line that the image has not, and a blank; lines that say `# optional` may name what they like. */
static void check_line(struct str line, struct buf *missing)
{
    struct buf plain = { 0 };
    if (str_find(line, STR("# optional")) >= 0) return;
    unquote(line, &plain);
    for (struct str rest = buf_str(&plain); rest.n;) {
        struct str piece = str_trim(str_split(&rest, '\n')), word = str_split(&piece, ' ');
        while (is_word_of_shell(word) && piece.n) word = str_split(&piece, ' ');
        if (is_word_of_shell(word) || memchr(word.p, '=', word.n) || word.p[0] == '_' || word.p[0] == '.' || word.p[0] == '-') continue;
        if (!in_image(word)) buf_printf(missing, "%.*s ", STR_ARG(word));
    }
    buf_free(&plain);
}

static void check_commands(struct str text, struct buf *missing)
{
    bool shell = false;
    while (text.n) {
        struct str line = str_split(&text, '\n'), bare = str_trim(line);
        if (str_starts(bare, STR("```")))
            shell = !shell && str_is(bare, "```sh");
        else if (shell)
            check_line(bare, missing);
    }
}

static void expect_missing(const char *text, const char *names)
{
    struct buf missing = { 0 };
    check_commands(str_of(text), &missing);
    cr_expect_str_eq(buf_cstr(&missing), names, "%s", text);
    buf_free(&missing);
}

Test(content, commands_that_the_image_lacks_are_noticed)
{
    image_commands = read_text(SOURCE_DIR "/scripts/image-commands.txt");
    expect_missing("```sh\nkubectl get pods | jq -r '.items[] | x'\n```\nnmap 1.2.3.4\n", "");
    expect_missing("```sh\nkubectl get pods | yq .\nnmap HOST && git status; rsync a b\n```", "yq nmap rsync ");
    expect_missing("```sh optional\ntrivy image X\n```\n```sh\ntrivy fs .  # optional: trivy\n```", "");
    expect_missing("```sh\nA=1 B=2\nwhile read -r x; do kustomize build; done\n```", "kustomize ");
    buf_free(&image_commands);
}

/* --- skills -------------------------------------------------------------------------------------------------------------- */

static void check_skill(const struct skill *s)
{
    struct buf text = read_text(s->path.p), missing = { 0 };
    char folder[SKILLS_NAME_MAX + 1], expected[512];
    str_copy(folder, sizeof folder, s->name);
    snprintf(expected, sizeof expected, SKILLS "/%s/SKILL.md", folder);
    cr_expect(str_is(s->path, expected), "%s is named %s", s->path.p, folder);
    cr_expect(s->description.n >= 60 && s->description.n <= 400, "%s: its description has %zu bytes", folder, s->description.n);
    cr_expect(str_find(s->description, STR("Use ")) > 0, "%s: its description does not say when to use it", folder);
    cr_expect(s->emoji.n > 0, "%s has no emoji", folder);
    cr_expect(text.n >= 1500 && text.n <= SKILL_BYTES, "%s has %zu bytes", folder, text.n);
    cr_expect(str_utf8_valid(buf_str(&text)) && !memchr(text.p, '\t', text.n) && !memchr(text.p, '\r', text.n), "%s", folder);
    check_commands(buf_str(&text), &missing);
    cr_expect(missing.n == 0, "%s names commands that are not in the image: %s", folder, buf_cstr(&missing));
    for (size_t i = 0; i < s->requires.bins.count; i++)
        cr_expect(in_image(s->requires.bins.items[i]), "%s requires %.*s", folder, STR_ARG(s->requires.bins.items[i]));
    buf_free(&text);
    buf_free(&missing);
}

static skills_t *load_skills(void)
{
    static const struct skills_folder folder = { SKILL_EXTRA, SKILLS };
    const struct skills_options options = { .folders = &folder, .folder_count = 1 };
    skills_t *skills;
    cr_assert_eq(skills_load(&options, &skills), 0);
    return skills;
}

Test(content, every_skill_is_well_formed_and_names_what_the_image_has)
{
    size_t count;
    skills_t *skills = load_skills();
    const struct skill *list = skills_list(skills, &count);
    image_commands = read_text(SOURCE_DIR "/scripts/image-commands.txt");
    cr_expect(skills_problems(skills).n == 0, "%.*s", STR_ARG(skills_problems(skills)));
    cr_expect_eq(count, SKILL_COUNT);
    for (size_t i = 0; i < count; i++) check_skill(&list[i]);
    buf_free(&image_commands);
    skills_destroy(&skills);
}

/* --- what configurations name ---------------------------------------------------------------------------------------------- */

static bool has_skill(const skills_t *skills, struct str name)
{
    size_t count;
    const struct skill *list = skills_list(skills, &count);
    for (size_t i = 0; i < count; i++)
        if (str_eq(list[i].name, name)) return true;
    return false;
}

static size_t check_names(const skills_t *skills, json_t *value, const char *path)
{
    const char *key;
    json_t *child;
    size_t i, n = 0;
    if (json_is_array(value)) json_array_foreach(value, i, child) n += check_names(skills, child, path);
    json_object_foreach(value, key, child)
    {
        bool names = strcmp(key, "skills") == 0 && json_is_array(child);
        for (i = 0; names && i < json_array_size(child); i++, n++)
            cr_expect(has_skill(skills, json_text(json_array_get(child, i))), "%s names a skill that is not there: %s", path,
                      json_string_value(json_array_get(child, i)));
        if (!names) n += check_names(skills, child, path);
    }
    return n;
}

/* Who an agent is says which skills it has, and is lean. */
static void check_agent(const json_t *agent)
{
    char path[512];
    size_t i;
    json_t *skill;
    snprintf(path, sizeof path, WORKSPACES "/%s/AGENTS.md", json_string_value(json_object_get(agent, "id")));
    struct buf text = read_text(path);
    cr_expect(text.n > 300 && text.n <= AGENT_BYTES && text.p[0] == '#', "%s: %zu bytes", path, text.n);
    json_array_foreach(json_object_get(agent, "skills"), i, skill)
        cr_expect(str_find(buf_str(&text), json_text(skill)) >= 0, "%s does not mention its skill %s", path, json_string_value(skill));
    buf_free(&text);
}

Test(content, every_skill_that_a_configuration_names_is_there_and_every_agent_says_who_it_is)
{
    skills_t *skills = load_skills();
    for (size_t i = 0; i < 2; i++) {
        json_t *config = json_load_file(CONFIGS[i], 0, NULL), *agents = json_object_get(json_object_get(config, "agents"), "list");
        cr_assert_eq(json_array_size(agents), AGENT_COUNT, "%s", CONFIGS[i]);
        cr_expect_gt(check_names(skills, config, CONFIGS[i]), 40);
        for (size_t a = 0; a < AGENT_COUNT; a++) check_agent(json_array_get(agents, a));
        json_decref(config);
    }
    skills_destroy(&skills);
}

/* --- decks ------------------------------------------------------------------------------------------------------------------- */

static size_t count_starts(struct str text, const char *start)
{
    size_t n = 0;
    while (text.n) n += str_starts(str_split(&text, '\n'), str_of(start));
    return n;
}

static void check_deck(const char *path)
{
    struct buf text = read_text(path);
    struct arena memory = { 0 };
    struct deck_cards cards = { 0 };
    size_t sections = 0;
    cr_assert_eq(deck_read(STR("d"), buf_str(&text), &memory, &cards), 0, "%s", path);
    cr_expect(cards.count >= DECK_CARDS_MIN, "%s has %zu cards", path, cards.count);
    cr_expect_eq(cards.count, count_starts(buf_str(&text), "Q: ") + count_starts(buf_str(&text), "Cloze: "), "%s", path);
    for (size_t i = 0; i < cards.count; i++) {
        const struct deck_card *c = &cards.list[i];
        cr_expect(c->section.n && c->back.n && c->back.n < 300 && !memchr(c->back.p, '{', c->back.n), "%s: %.*s", path, STR_ARG(c->front));
        sections += i == 0 || !str_eq(c->section, cards.list[i - 1].section);
        for (size_t k = 0; k < i; k++) cr_expect(strcmp(c->id, cards.list[k].id) != 0, "%s has two of: %.*s", path, STR_ARG(c->front));
    }
    cr_expect(sections >= 5 && sections == count_starts(buf_str(&text), "## "), "%s has %zu sections", path, sections);
    arena_free(&memory);
    buf_free(&text);
}

Test(content, decks_have_sixty_cards_or_more_none_twice)
{
    static const char *const DECKS[] = { "deutsch-tutor/decks/german-a1", "deutsch-tutor/decks/german-a2", "deutsch-tutor/decks/german-b1",
                                         "english-tutor/decks/ielts" };
    char path[512];
    for (size_t i = 0; i < sizeof DECKS / sizeof *DECKS; i++) {
        snprintf(path, sizeof path, SKILLS "/%s.md", DECKS[i]);
        check_deck(path);
    }
}
