/* cli/main.c -- finds the command that the arguments name. */
#include <stdio.h>

#include "cli/cli.h"

static const struct command {
    const char *group; /* NULL: stands alone, or is a group itself */
    const char *name, *synopsis, *about;
    int (*run)(int argc, char **argv); /* NULL: a group, which does nothing without a subcommand */
} COMMANDS[] = {
#define COMMAND(name, synopsis, about) { NULL, #name, synopsis, about, cmd_##name },
#define GROUP(name, synopsis, about) { NULL, #name, synopsis, about, NULL },
#define SUBCOMMAND(command, name, synopsis, about) { #command, #name, synopsis, about, cmd_##command##_##name },
#define WORD(command, word)
#include "cli/commands.def"
#undef COMMAND
#undef GROUP
#undef SUBCOMMAND
#undef WORD
};

enum { COMMAND_COUNT = sizeof COMMANDS / sizeof COMMANDS[0] };

static bool in_group(const struct command *c, const char *group)
{
    return group ? c->group && strcmp(c->group, group) == 0 : !c->group;
}

static void print_commands(const char *group, FILE *to)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (in_group(&COMMANDS[i], group)) fprintf(to, "  openclaw %-46s %s\n", COMMANDS[i].synopsis, COMMANDS[i].about);
}

static void print_help(FILE *to)
{
    fprintf(to, "openclaw %s -- an AI agent gateway, a drop-in for OpenClaw %s\n\nUsage:\n", GW_VERSION, CLI_COMPATIBLE);
    print_commands(NULL, to);
    fprintf(to, "\n`openclaw <command> --help` tells its options.\n");
}

static const struct command *find(const char *group, struct str name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (in_group(&COMMANDS[i], group) && str_is(name, COMMANDS[i].name)) return &COMMANDS[i];
    return NULL;
}

static int unknown(const char *group, struct str name)
{
    const char *nearest = NULL;
    size_t best = 4; /* changes; more is no resemblance */
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        size_t d = in_group(&COMMANDS[i], group) ? str_distance(name, str_of(COMMANDS[i].name)) : best;
        if (d >= best) continue;
        best = d;
        nearest = COMMANDS[i].name;
    }
    fprintf(stderr, "unknown command: %s%s%.*s", group ? group : "", group ? " " : "", STR_ARG(name));
    if (nearest) fprintf(stderr, " (did you mean %s?)", nearest);
    fprintf(stderr, "\nTry `openclaw %s%s--help`.\n", group ? group : "", group ? " " : "");
    return CLI_USAGE;
}

static void print_subcommands(const char *command)
{
    bool any = false;
    for (size_t i = 0; i < COMMAND_COUNT; i++) any = any || in_group(&COMMANDS[i], command);
    if (!any) return;
    printf("\nBeside it:\n");
    print_commands(command, stdout);
}

static bool is_help(struct str a)
{
    return str_is(a, "--help") || str_is(a, "-h") || str_is(a, "help");
}

static int run_group(const struct command *group, int argc, char **argv)
{
    bool help = argc > 0 && is_help(str_of(argv[0]));
    if (argc > 0 && !help) return unknown(group->name, str_of(argv[0]));
    FILE *to = help ? stdout : stderr;
    fprintf(to, "Usage: openclaw %s <command>\n\n", group->name);
    print_commands(group->name, to);
    return help ? CLI_OK : CLI_USAGE;
}

static int run(const struct command *command, int argc, char **argv)
{
    const struct command *sub = argc > 0 ? find(command->name, str_of(argv[0])) : NULL;
    if (sub) return sub->run(argc - 1, argv + 1);
    if (!command->run) return run_group(command, argc, argv);
    bool help = argc > 0 && is_help(str_of(argv[0]));
    int rc = command->run(argc, argv);
    if (help) print_subcommands(command->name);
    return rc;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return CLI_USAGE;
    }
    struct str name = str_of(argv[1]);
    if (is_help(name)) {
        print_help(stdout);
        return CLI_OK;
    }
    if (str_is(name, "--version") || str_is(name, "-V")) return cmd_version(0, NULL);
    const struct command *command = find(NULL, name);
    return command ? run(command, argc - 2, argv + 2) : unknown(NULL, name);
}
