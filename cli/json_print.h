/** cli/json_print.h -- JSON as people read it: two spaces a level, as OpenClaw's --json prints it.
 *
 *  Thread: any */
#ifndef CLI_JSON_PRINT_H
#define CLI_JSON_PRINT_H

#include <jansson.h>

#include "base/buf.h"

/** Append a value, without a line end. Members keep their order, numbers are as short as they can be. NULL prints null.
 *  Control characters inside strings are escaped, so nothing in it steers a terminal. */
void json_print(struct buf *out, const json_t *value);

/** Print it on standard output, with a line end. */
void json_show(const json_t *value);

/* Reading values that may be missing or of another kind. */
struct str json_str(const json_t *object, const char *key);                     /* "" when it is no string */
int64_t json_int(const json_t *object, const char *key, int64_t otherwise);     /* also of a real */
bool json_flag(const json_t *object, const char *key);                          /* false unless it is true */
const json_t *json_at(const json_t *object, const char *key, const char *then); /* object[key][then] */

#endif
