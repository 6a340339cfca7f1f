/** cli/json_print.h -- JSON as people read it: two spaces a level, as OpenClaw's --json prints it.
 *
 *  Thread: any */
#ifndef CLI_JSON_PRINT_H
#define CLI_JSON_PRINT_H

#include <jansson.h>

#include "base/buf.h"
#include "base/json_read.h"

/** Append a value, without a line end. Members keep their order, numbers are as short as they can be. NULL prints null.
 *  Control characters inside strings are escaped, so nothing in it steers a terminal. */
void json_print(struct buf *out, const json_t *value);

/** Print it on standard output, with a line end. */
void json_show(const json_t *value);

#endif
