/** base/json5_json.h -- a JSON5 tree as JSON values, for what reads both a configuration and clients' requests.
 *  Owns: nothing      Thread: any */
#ifndef BASE_JSON5_JSON_H
#define BASE_JSON5_JSON_H

#include <jansson.h>

#include "base/json5.h"

/** Whole numbers become integers; infinities and NaN, which JSON does not have, null. @param node  NULL: null
 *  @return owned by the caller; NULL: memory is out */
json_t *json5_json(const struct json5_node *node);

#endif
