#include <stdio.h>

#include "cli/cli.h"

static const struct command {
    const char *name, *synopsis, *about;
    int (*run)(int argc, char **argv);
} COMMANDS[] = {
#define COMMAND(name, synopsis, about) { #name, synopsis, about, cmd_##name },
#include "cli/commands.def"
#undef COMMAND
};

enum { COMMAND_COUNT = sizeof COMMANDS / sizeof COMMANDS[0] };

static void print_help(FILE *to)
{
    fprintf(to, "openclaw %s -- an AI agent gateway, a drop-in for OpenClaw %s\n\nUsage:\n", GW_VERSION, CLI_COMPATIBLE);
    for (size_t i = 0; i < COMMAND_COUNT; i++) fprintf(to, "  openclaw %-46s %s\n", COMMANDS[i].synopsis, COMMANDS[i].about);
    fprintf(to, "\n`openclaw <command> --help` tells its options.\n");
}

static int unknown(struct str name)
{
    const char *nearest = NULL;
    size_t best = 4; /* changes; more is no resemblance */
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        size_t d = str_distance(name, str_of(COMMANDS[i].name));
        if (d >= best) continue;
        best = d;
        nearest = COMMANDS[i].name;
    }
    fprintf(stderr, "unknown command: %.*s", STR_ARG(name));
    if (nearest) fprintf(stderr, " (did you mean %s?)", nearest);
    fprintf(stderr, "\nTry `openclaw --help`.\n");
    return CLI_USAGE;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return CLI_USAGE;
    }
    struct str name = str_of(argv[1]);
    if (str_is(name, "--help") || str_is(name, "-h") || str_is(name, "help")) {
        print_help(stdout);
        return CLI_OK;
    }
    if (str_is(name, "--version") || str_is(name, "-V")) return cmd_version(0, NULL);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (str_is(name, COMMANDS[i].name)) return COMMANDS[i].run(argc - 2, argv + 2);
    return unknown(name);
}
