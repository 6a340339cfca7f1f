/* cli/cmd_completion.c -- `openclaw completion`: prints a script, installs nothing. */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/completion.h"

int cmd_completion(int argc, char **argv)
{
    const char *shell = NULL;
    const struct cli_option options[] = { { "--shell", "NAME", "the shell, as the argument", &shell, NULL }, { 0 } };
    const struct cli_usage usage = { "openclaw completion bash|zsh|fish",
                                     "Prints a shell's completion script: eval \"$(openclaw completion bash)\".", options };
    struct buf script = { 0 };
    int rc = cli_begin(&usage, &argc, argv, 1);
    if (rc >= 0) return rc;
    if (argc) shell = argv[0];
    if (!shell || completion_write(str_of(shell), &script) != 0) {
        fprintf(stderr, "Usage: %s\n", usage.synopsis);
        return CLI_USAGE;
    }
    fwrite(script.p, 1, script.n, stdout);
    buf_free(&script);
    return CLI_OK;
}
