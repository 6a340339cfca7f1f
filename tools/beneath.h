/** tools/beneath.h -- files of a workspace, and no others: the kernel resolves each path and refuses what leads outside.
 *
 *  In:     a path as a model gave it, relative or absolute     Out: open descriptors, files replaced in one step
 *  Owns:   nothing: descriptors are the caller's to close
 *  Thread: any
 *  Source: openat2(2), RESOLVE_BENEATH and RESOLVE_NO_MAGICLINKS (Linux 5.6)
 *
 *  Symbolic links are followed while they stay inside. With tools.fs.workspaceOnly false absolute paths may lead anywhere but into
 *  /proc, /sys, /dev and the gateway's state directory. Skills may be read wherever they are: the prompt names their files. */
#ifndef TOOLS_BENEATH_H
#define TOOLS_BENEATH_H

#include <sys/stat.h>

#include "tools/tool.h"

enum { BENEATH_FILE_MAX = 16 * 1024 * 1024 }; /* bytes of a file that is read or written as a whole */

/** Open a regular file for reading.
 *  @param fd   receives the descriptor; -1 on failure   @param st  its state
 *  @param why  on failure: what is wrong, in words      @return 0 or GW_EDENIED, GW_ENOENT, GW_EINVAL (no regular file), GW_EIO */
int beneath_open(const struct tool_place *place, struct str path, int *fd, struct stat *st, struct buf *why);

/** Append a whole file. @return as beneath_open(); GW_ELIMIT above BENEATH_FILE_MAX */
int beneath_read(const struct tool_place *place, struct str path, struct buf *out, struct buf *why);

/** Replace or make a file in one step; folders on the way are made. The mode of an existing file is kept. Refused for what is no regular
 *  file and for files with several names: a hard link may lead to a file outside.
 *  @param mode  of a file that is new; 0: the usual one  @return as beneath_open() */
int beneath_write(const struct tool_place *place, struct str path, struct str content, mode_t mode, struct buf *why);

/** Remove a file. @return as beneath_open() */
int beneath_remove(const struct tool_place *place, struct str path, struct buf *why);

/** Whether something has this name. */
bool beneath_exists(const struct tool_place *place, struct str path);

#endif
