/** channels/rpc_schema.h -- how parameters are declared and checked; for the files of rpc only.
 *
 *  Types are constant tables that rpc.c makes out of rpc.def and rpc_shapes.def. Errors read and come in the order of Ajv 8 with
 *  allErrors, which OpenClaw runs over the same schemas: reference gateway-protocol 1, "Validation message grammar".
 *  Thread: any */
#ifndef CHANNELS_RPC_SCHEMA_H
#define CHANNELS_RPC_SCHEMA_H

#include "channels/rpc.h"

#define RPC_WHOLE_MAX 9007199254740991 /* 2^53 - 1: the largest whole number that JavaScript holds exactly */

enum {
    RPC_ERRORS_MAX = 64, /* different errors that are told; then "and more" */
    RPC_NAME_SHOWN = 100 /* bytes of a name that a client chose which an error repeats */
};

enum rpc_kind {
    RPC_TEXT,    /* string of lo..hi code points */
    RPC_WHOLE,   /* whole number lo..hi; hi is at most RPC_WHOLE_MAX whatever it says */
    RPC_FLAG,    /* true or false */
    RPC_NULL,    /* null */
    RPC_ANY,     /* any value */
    RPC_DAY,     /* "YYYY-MM-DD"; the digits, not the calendar */
    RPC_EXACTLY, /* the number lo */
    RPC_ONE_OF,  /* one of words; in JSON schema: anyOf of constants */
    RPC_AMONG,   /* one of words; in JSON schema: enum */
    RPC_LIST,    /* array of lo..hi items of of[0] */
    RPC_MAP,     /* object of any names, values of of[0] */
    RPC_OBJECT,  /* object of a shape */
    RPC_EITHER,  /* any of of[] */
};

struct rpc_type {
    enum rpc_kind kind;
    int64_t lo, hi; /* INT64_MAX: no end */
    union {
        const char *const *words;         /* ONE_OF, AMONG; NULL ends it */
        const struct rpc_type *const *of; /* LIST, MAP, EITHER; NULL ends it */
        const struct rpc_shape *shape;    /* OBJECT */
    };
};

enum rpc_need {
    RPC_MUST,
    RPC_MAY,
    RPC_FIRST, /* either all of FIRST or all of SECOND are there */
    RPC_SECOND,
    RPC_LOOSE, /* nobody is refused for it */
    RPC_OWN,   /* no property: its name is what is told for any error, and other names pass; "" refuses nothing */
};

struct rpc_property {
    const char *name; /* NULL ends a list */
    enum rpc_need need;
    const struct rpc_type *type;
};

struct rpc_shape { /* what it means is in rpc_docs.c, which no program but the one that makes docs/rpc.md takes in */
    const char *name;
    const struct rpc_property *properties;
};

enum rpc_shape_id {
#define SHAPE(id, doc) RPC_SHAPE_##id,
#define PARAM(name, need, type, doc)
#define END
#include "channels/rpc_shapes.def"
#undef SHAPE
#undef PARAM
#undef END
    RPC_SHAPE_COUNT
};

/** Static. */
const struct rpc_shape *rpc_shape(enum rpc_shape_id id);

/** What a method takes; static. */
const struct rpc_shape *rpc_params(enum rpc_id id);

/** The text of its OWN line. @return NULL without one */
const char *rpc_own_text(const struct rpc_shape *shape);

/** Check a value. @param value  NULL is {}
 *  @param errors  appended on failure: the errors, joined by "; "; NULL: nobody wants to know
 *  @return whether the value fits */
bool rpc_shape_fits(const struct rpc_shape *shape, const json_t *value, struct buf *errors);

#endif
