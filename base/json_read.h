/** base/json_read.h -- values out of JSON that may be missing or of another kind.
 *
 *  What is handed out is borrowed from the value it was taken from.
 *  Thread: any */
#ifndef BASE_JSON_READ_H
#define BASE_JSON_READ_H

#include <jansson.h>

#include "base/str.h"

struct str json_text(const json_t *value);                                      /* empty, p NULL, when it is no string */
struct str json_str(const json_t *object, const char *key);                     /* the same of object[key] */
int64_t json_int(const json_t *object, const char *key, int64_t otherwise);     /* also of a real */
bool json_flag(const json_t *object, const char *key);                          /* false unless it is true */
const json_t *json_at(const json_t *object, const char *key, const char *then); /* object[key][then] */

#endif
