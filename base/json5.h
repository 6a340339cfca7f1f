/** base/json5.h -- reads JSON5 text into an immutable tree whose nodes know their line and column.
 *
 *  In:     bytes
 *  Out:    a tree in the caller's arena, or the first error with its place
 *  Owns:   nothing: nodes and strings live as long as the arena
 *  Thread: any; a finished tree may be read by many
 *  Source: spec.json5.org (1.0.0) and the behaviour of the npm package json5 2.2.3; docs/adr/0001-json5-reader.md says why our own
 *
 *  Differences from that package, all on the side of refusing: bytes that are not UTF-8, escapes that make
 *  a lone surrogate, text over JSON5_TEXT_MAX and nesting over JSON5_DEPTH_MAX are errors. */
#ifndef BASE_JSON5_H
#define BASE_JSON5_H

#include "base/arena.h"
#include "base/buf.h"

enum {
    JSON5_TEXT_MAX = 1024 * 1024, /* bytes of one text */
    JSON5_DEPTH_MAX = 64,         /* objects and arrays inside each other */
    JSON5_ERROR_MAX = 200,        /* bytes of an error text, with its NUL */
};

enum json5_kind { JSON5_NULL, JSON5_BOOL, JSON5_NUMBER, JSON5_STRING, JSON5_ARRAY, JSON5_OBJECT };

struct json5_place {
    uint32_t line;   /* from 1; 0: not from a text */
    uint32_t column; /* from 1, in characters */
    uint32_t file;   /* which text, as given to json5_parse */
};

struct json5_node {
    enum json5_kind kind;
    bool boolean;                          /* JSON5_BOOL */
    bool from_env;                         /* JSON5_STRING: holds text of an environment variable (set by config_source) */
    bool secret;                           /* JSON5_STRING: of one whose name says that it is secret (likewise) */
    double number;                         /* JSON5_NUMBER; may be infinite or NaN */
    struct str string;                     /* JSON5_STRING: UTF-8, may hold NUL bytes, NUL-terminated */
    struct str key;                        /* the name of a member; p is NULL for a root and for array elements */
    struct json5_place place;              /* where the value starts */
    struct json5_place key_place;          /* member: where its name starts */
    uint32_t from, to;                     /* the bytes of the value in its text */
    uint32_t key_from;                     /* member: where its name starts there, in bytes */
    struct json5_node *first, *next;       /* first child; next sibling */
    size_t count;                          /* JSON5_ARRAY, JSON5_OBJECT: children */
    struct json5_node **index;             /* JSON5_OBJECT with JSON5_INDEX_MIN members or more: sorted by key */
    const struct json5_node *duplicate_of; /* member: an earlier one of the same object with the same name */
};

enum { JSON5_INDEX_MIN = 12 }; /* members: from here on a sorted index beats a linear search */

struct json5_error {
    int code; /* GW_EPARSE, GW_ELIMIT, GW_ENOMEM */
    struct json5_place place;
    char text[JSON5_ERROR_MAX]; /* what was found and what was expected, for people */
};

/** Read one value.
 *  Duplicate names are kept and marked (duplicate_of), so that a caller can report all of them.
 *  @param file  goes into every place
 *  @param out  the root, NULL on failure
 *  @return 0, GW_EPARSE, GW_ELIMIT, GW_ENOMEM; on failure *error says where and why */
int json5_parse(struct arena *arena, struct str text, uint32_t file, struct json5_node **out, struct json5_error *error);

/** The member `key`, the last one where it is duplicate (as JSON parsers take it); NULL when absent or `object` is no object or NULL. */
const struct json5_node *json5_member(const struct json5_node *object, struct str key);

/** Element i; NULL when out of range or `array` is no array or NULL. O(i). */
const struct json5_node *json5_element(const struct json5_node *array, size_t i);

/** Recount children, rebuild the index and mark duplicates after `first`/`next` were set by hand. @return 0, GW_ENOMEM */
int json5_object_close(struct arena *arena, struct json5_node *object);

/** True for a finite whole number that an int64_t and a double both hold exactly (|n| <= 2^53). */
bool json5_to_int(const struct json5_node *node, int64_t *out);

/** "null", "boolean", "number", "string", "array", "object". Static. */
const char *json5_kind_name(enum json5_kind kind);

/** Append a number so that reading it back gives the same double; NaN and infinities, which JSON lacks, as null. */
void json5_print_number(struct buf *out, double number);

#endif
