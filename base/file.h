/** base/file.h -- reads small files, with a bound.
 *
 *  Thread: any */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/buf.h"

/** Append a regular file's bytes to `out`.
 *  @param max   most bytes; nothing is appended when the file is larger
 *  @return 0; GW_ENOENT; GW_EDENIED (no permission); GW_ELIMIT (larger, or out's own bound); GW_ENOMEM; GW_EIO for
 *          anything else, and for what is not a regular file */
int file_read(const char *path, size_t max, struct buf *out);

/** The same for a file of any size, of which at most the first `head` and the last `tail` bytes are appended.
 *  @param left_out  bytes between them that were not; 0: the whole file is there */
int file_read_ends(const char *path, size_t head, size_t tail, struct buf *out, uint64_t *left_out);

#endif
