#include <stdio.h>

#include "cli/cli.h"

static const struct cli_option NO_OPTIONS[] = { { 0 } };

int cmd_version(int argc, char **argv)
{
    static const struct cli_usage usage = { "openclaw version", "Prints the release of OpenClaw that this gateway stands in for.",
                                            NO_OPTIONS };
    int rc = cli_parse(&usage, &argc, argv);
    if (rc) return rc < 0 ? CLI_OK : rc;
    if (argc) return cli_unexpected(&usage, argv[0]);
    printf("%s\n", CLI_COMPATIBLE);
    return CLI_OK;
}
