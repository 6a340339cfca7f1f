/** base/config_json_schema.h -- base/config.def as JSON Schema, with hints for a form.
 *
 *  In:     nothing but the settings
 *  Out:    the answer to config.schema
 *  Owns:   nothing
 *  Thread: any
 *  Source: reference gateway-protocol 7, frame rpc-config.schema; json-schema.org draft-07 */
#ifndef BASE_CONFIG_JSON_SCHEMA_H
#define BASE_CONFIG_JSON_SCHEMA_H

#include "base/config.h"

#define CONFIG_COMPATIBLE "2026.2.17" /* the OpenClaw whose settings these are */

/** Append {schema, uiHints, version, generatedAt}. Hints are named by base/config.def's paths (`*` any name, `[]` any element).
 *  Unknown names are allowed, as they are in a file.
 *  @param now_ms  wall clock  @return 0, GW_ENOMEM, GW_ELIMIT */
int config_json_schema(int64_t now_ms, struct buf *out);

#endif
