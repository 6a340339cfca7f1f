/** cli/cli.h -- what the commands share: exit codes, options, help.
 *
 *  Thread: the main one */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/str.h"

/* Exit codes (docs/cli.md); 69 and 78 as in sysexits.h. */
enum cli_exit { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_UNAVAILABLE = 69, CLI_CONFIG = 78 };

/** What `openclaw --version` tells: the release of OpenClaw that this gateway stands in for, and its own version. */
#define CLI_COMPATIBLE "2026.2.17"

struct cli_option {
    const char *name;  /* "--port" */
    const char *value; /* what the value is, for help ("PORT"); NULL: the option takes none */
    const char *doc;
    const char **text; /* where the value goes; for an option without value: */
    bool *flag;
};

struct cli_usage {
    const char *synopsis;             /* "openclaw gateway [run] [options]" */
    const char *about;                /* a sentence or two */
    const struct cli_option *options; /* ends with a NULL name */
};

/** Read options ("--name value", "--name=value", "--" ends them). Others are kept in order at argv[0..].
 *  @param argc  in: arguments after the command's name; out: how many others there are
 *  @return CLI_OK; CLI_USAGE (said on stderr); -1 when --help was asked for and printed */
int cli_parse(const struct cli_usage *usage, int *argc, char **argv);

/** Say that an argument is not known, with the usage. @return CLI_USAGE */
int cli_unexpected(const struct cli_usage *usage, const char *argument);

/** Read the options, when the command takes `arguments` at most beside them; else say so.
 *  @return -1: go on; else the exit code, with all said that is to be said */
int cli_begin(const struct cli_usage *usage, int *argc, char **argv, int arguments);

/** @return 0 and *out, or CLI_USAGE (said on stderr) when `text` is no number between lo and hi */
int cli_number(const char *option, const char *text, long lo, long hi, long *out);

/* A command gets its own arguments, without its name, and returns an exit code. */
#define COMMAND(name, synopsis, about) int cmd_##name(int argc, char **argv);
#define GROUP(name, synopsis, about)
#define SUBCOMMAND(command, name, synopsis, about) int cmd_##command##_##name(int argc, char **argv);
#define WORD(command, word)
#include "cli/commands.def"
#undef COMMAND
#undef GROUP
#undef SUBCOMMAND
#undef WORD

#endif
