/** cli/completion.h -- completion scripts for shells, from the table of commands.
 *
 *  Commands and subcommands stand in the script; options are asked for when they are wanted (`openclaw ... --help`), so
 *  they are always those of the program that is there.
 *  Thread: any */
#ifndef CLI_COMPLETION_H
#define CLI_COMPLETION_H

#include "base/buf.h"

/** Append the script for "bash", "zsh" or "fish". @return 0, or GW_EINVAL for another shell */
int completion_write(struct str shell, struct buf *out);

#endif
