/* The completion scripts: they hold every command, and bash takes its own. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/err.h"
#include "cli/completion.h"

static const char *const NAMES[] = {
#define COMMAND(name, synopsis, about) #name,
#define GROUP(name, synopsis, about) #name,
#define SUBCOMMAND(command, name, synopsis, about) #name,
#define WORD(command, word)
#include "cli/commands.def"
#undef COMMAND
#undef GROUP
#undef SUBCOMMAND
#undef WORD
};

static const char *const ABOUTS[] = {
#define COMMAND(name, synopsis, about) about,
#define GROUP(name, synopsis, about) about,
#define SUBCOMMAND(command, name, synopsis, about) about,
#define WORD(command, word)
#include "cli/commands.def"
#undef COMMAND
#undef GROUP
#undef SUBCOMMAND
#undef WORD
};

Test(completion, names_every_command_in_every_shell)
{
    static const char *const shells[] = { "bash", "zsh", "fish" };
    for (size_t s = 0; s < 3; s++) {
        struct buf script = { 0 };
        cr_assert_eq(completion_write(str_of(shells[s]), &script), 0);
        for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++)
            cr_expect(str_find(buf_str(&script), str_of(NAMES[i])) >= 0, "%s: no %s", shells[s], NAMES[i]);
        buf_free(&script);
    }
}

Test(completion, knows_three_shells)
{
    struct buf script = { 0 };
    cr_assert_eq(completion_write(STR("tcsh"), &script), GW_EINVAL);
    cr_assert_eq(script.n, 0);
}

/* Descriptions stand in double quotes for fish. */
Test(completion, descriptions_hold_nothing_that_a_shell_would_read)
{
    for (size_t i = 0; i < sizeof ABOUTS / sizeof ABOUTS[0]; i++) cr_expect(!strpbrk(ABOUTS[i], "\"$\\`:"), "%s", ABOUTS[i]);
}

/* What bash offers for a line whose last word is being completed. @return owned */
static char *offers(const char *line)
{
    char path[] = "/tmp/openclaw-completion-XXXXXX", command[512], *out = calloc(1, 4096);
    struct buf script = { 0 };
    int fd = mkstemp(path);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
    cr_assert(out && f && completion_write(STR("bash"), &script) == 0);
    buf_printf(&script, "COMP_WORDS=(%s)\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_openclaw\necho \"${COMPREPLY[*]}\"\n", line);
    fwrite(script.p, 1, script.n, f);
    fclose(f);
    snprintf(command, sizeof command, "bash -u %s", path);
    FILE *p = popen(command, "r");
    cr_assert(p);
    size_t n = fread(out, 1, 4095, p);
    cr_assert(pclose(p) == 0, "bash does not take it");
    if (n && out[n - 1] == '\n') out[n - 1] = '\0';
    remove(path);
    buf_free(&script);
    return out;
}

static void offers_exactly(const char *line, const char *expected)
{
    char *got = offers(line);
    cr_expect_str_eq(got, expected);
    free(got);
}

Test(completion, works_in_bash, .timeout = 60)
{
    offers_exactly("openclaw dev", "devices");
    offers_exactly("openclaw devices re", "reject remove revoke");
    offers_exactly("openclaw completion ''", "bash fish zsh");
    offers_exactly("openclaw gateway r", "run");
    offers_exactly("openclaw nothing x", "");
}
