/** providers/gemini_schema.h -- a JSON schema cut down to what Gemini's function declarations take.
 *
 *  Gemini reads an OpenAPI subset and refuses the whole request for one field it does not know.
 *  In:     a schema        Out: a new tree
 *  Owns:   nothing         Thread: any
 *  Source: ai.google.dev/api/caching#Schema (2026-02) */
#ifndef PROVIDERS_GEMINI_SCHEMA_H
#define PROVIDERS_GEMINI_SCHEMA_H

#include <jansson.h>

enum {
    GEMINI_SCHEMA_DEPTH = 32,   /* nesting; below it everything is a string */
    GEMINI_SCHEMA_NODES = 4096, /* schemas within one; beyond it too */
};

/** @return a new reference; NULL when memory is out. const becomes enum, oneOf anyOf, a null variant `nullable`; local
 *  $refs are followed; required names only what exists. */
json_t *gemini_schema_clean(const json_t *schema);

#endif
