/* Which programs a command starts, and which of them are allowed. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/exec_allow.h"

static char D[] = "/tmp/exec_allow_XXXXXX";
static char bin[64];
static struct exec_scan S;

static void make(const char *name, mode_t mode)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", D, name);
    int fd = open(path, O_CREAT | O_WRONLY, mode);
    cr_assert_geq(fd, 0);
    close(fd);
}

static void begin(void)
{
    cr_assert(mkdtemp(D));
    snprintf(bin, sizeof bin, "%s/bin", D);
    cr_assert_eq(mkdir(bin, 0700), 0);
    make("bin/good", 0755);
    make("bin/other", 0755);
    make("bin/notes", 0644);
    make("local", 0755);
    make("file", 0644);
}

static void end(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", D);
    cr_expect_eq(system(command), 0);
}

TestSuite(exec_allow, .init = begin, .fini = end);

static const struct exec_scan *scan(const char *command)
{
    char path[160];
    snprintf(path, sizeof path, "relative:%s:/usr/bin:/bin", bin);
    const struct exec_where where = { D, str_of(path), "/home/u" };
    exec_scan(str_of(command), &where, &S);
    return &S;
}

static bool is(size_t i, const char *below)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", D, below);
    return strcmp(S.programs[i].path, path) == 0;
}

Test(exec_allow, every_program_of_a_command_is_found)
{
    scan("good a 'b c' | other \"x y\" && ./local; good\\ x || go\"od\"");
    cr_assert_null(S.problem, "%s", S.problem);
    cr_assert_eq(S.count, 5);
    cr_expect(is(0, "bin/good") && is(1, "bin/other") && is(2, "local") && is(4, "bin/good"));
    cr_expect_str_eq(S.programs[3].path, "", "`good x` is a name with a blank");
    scan("good;");
    cr_expect(!S.problem && S.count == 1);
    scan("notes; nowhere; ./file; eval x; cd /");
    cr_expect_null(S.problem);
    for (size_t i = 0; i < 5; i++) cr_expect_str_eq(S.programs[i].path, "", "%zu: no program", i);
}

Test(exec_allow, what_could_start_something_unseen_is_not_understood)
{
    static const char *const COMMANDS[] = {
        "good $(other)",
        "good `other`",
        "good \"$(other)\"",
        "good \"`other`\"",
        "good ${X:-other}",
        "good $'x'",
        "good $((1))",
        "(good)",
        "good & other",
        "good &",
        "good > file",
        "good < file",
        "good 2>&1",
        "good |& other",
        "good <(other)",
        "good\nother",
        "good \\\nother",
        "X=1 good",
        "$X good",
        "go* x",
        "~/good",
        "{ good; }",
        "good ;; good",
        "good 'x",
        "good \"x",
        "| good",
        "good && | other",
        "! good",
        "",
        "&& good",
        "good $[1]",
    };
    for (size_t i = 0; i < sizeof COMMANDS / sizeof *COMMANDS; i++) cr_expect_not_null(scan(COMMANDS[i])->problem, "%s", COMMANDS[i]);
    char many[512];
    size_t n = 0;
    for (int i = 0; i <= EXEC_PROGRAMS_MAX; i++) n += (size_t)snprintf(many + n, sizeof many - n, "good;");
    cr_expect_str_eq(scan(many)->problem, "it starts too many programs");
    static char word[EXEC_WORD_MAX + 16];
    memset(word, 'x', sizeof word - 1);
    cr_expect_str_eq(scan(word)->problem, "a word is too long");
    cr_expect_str_eq((exec_scan((struct str){ "a\0b", 3 }, &(struct exec_where){ D, STR(""), NULL }, &S), S.problem), "it holds a NUL");
}

Test(exec_allow, quotes_and_variables_in_arguments_do_no_harm)
{
    scan("good '$(other)' '`x`' \"\\$(x)\" $HOME \"a > b\" 'a;b|c&d'");
    cr_expect_null(S.problem, "%s", S.problem);
    cr_expect_eq(S.count, 1);
}

Test(exec_allow, patterns)
{
    static const struct {
        const char *pattern, *path;
        bool matches;
    } CASES[] = {
        { "/usr/bin/git", "/usr/bin/git", true },
        { "/usr/bin/git", "/usr/bin/gitk", false },
        { "/usr/bin/*", "/usr/bin/git", true },
        { "/usr/*", "/usr/bin/git", false },
        { "/usr/**", "/usr/bin/git", true },
        { "**/git", "/usr/bin/git", true },
        { "/usr/bin/g?t", "/usr/bin/git", true },
        { "/usr?bin/git", "/usr/bin/git", false },
        { "git", "/usr/bin/git", false },
        { "*", "/usr/bin/git", false },
        { "~/bin/*", "/home/u/bin/x", true },
        { "~/bin/*", "/home/u/bin/x/y", false },
        { "/a/**/z", "/a/b/c/z", true },
        { "/a/**/*.sh", "/a/b/c/x.sh", true },
        { "/a/**/*.sh", "/a/b/c/x.py", false },
        { "/a/*b*c", "/a/xbxbxc", true },
        { "/a/*b*c", "/a/xbx/xc", false },
        { "/A/b", "/a/b", false },
        { "/a/**", "/b/c", false },
        { "/**/x/*/y", "/x/x/q/x/r/y", true },
        { "/a/", "/a/", true },
        { "/usr/bin/git*", "/usr/bin/git", true },
        { "", "/usr/bin/git", false },
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        cr_expect_eq(exec_pattern_matches(str_of(CASES[i].pattern), CASES[i].path, "/home/u"), CASES[i].matches, "%s on %s",
                     CASES[i].pattern, CASES[i].path);
    cr_expect_not(exec_pattern_matches(STR("~/x"), "/x", NULL));
    char hard[1002], path[2003];
    memset(path, 'a', sizeof path);
    path[0] = '/';
    path[2001] = 'b';
    path[2002] = '\0';
    for (int i = 0; i < 1000; i++) hard[1 + i] = i % 2 ? 'a' : '*';
    hard[0] = '/';
    hard[1001] = '\0';
    cr_expect_not(exec_pattern_matches(str_of(hard), path, NULL), "and it does not take for ever");
}

static bool safe(const char *command)
{
    static const struct str NAMES[] = { { "head", 4 }, { "tr", 2 }, { "good", 4 } };
    scan(command);
    return !S.problem && exec_is_safe(&S.programs[0], NAMES, 3);
}

Test(exec_allow, safe_programs_see_only_what_they_are_given)
{
    cr_expect(safe("head -n 5"));
    cr_expect(safe("tr a-z A-Z"));
    cr_expect_not(safe("head file"), "a file that is there");
    cr_expect_not(safe("head /etc/passwd"));
    cr_expect_not(safe("head ../x"));
    cr_expect_not(safe("head --lines=/x"));
    cr_expect_not(safe("head $X"));
    cr_expect_not(safe("head f*"));
    cr_expect_not(safe("/usr/bin/head -n 5"), "named with a path");
    cr_expect_not(safe("good"), "not a system's folder");
    cr_expect_not(safe("sort"), "not in the list");
}
