/** tests/support/query_rig.h -- one call of a handler of the query actor, by hand: a configuration, a store, a folder. */
#ifndef TESTS_SUPPORT_QUERY_RIG_H
#define TESTS_SUPPORT_QUERY_RIG_H

#include <criterion/criterion.h>

#include "actors/query_answers.h"
#include "tests/support/tempdir.h"

#define RIG_NOW INT64_C(1795354566000) /* 2026-11-22T13:36:06Z */

extern char rig_dir[TEMPDIR_MAX]; /* state directory, HOME, and ${DIR} in configurations */
extern store_t *rig_store;        /* in it; opened by rig_setup() */

void rig_setup(void); /* .init */
void rig_end(void);   /* .fini */

/** Configure from JSON5; it must be good. @param more  further variables "NAME", "value", ..., NULL; may be NULL */
void rig_config(const char *text, const char *const *more);

/** The same, and it is what openclaw.json of the state directory holds. */
void rig_config_file(const char *text);

/** Run a handler that must succeed with valid JSON. @param params  JSON; NULL: {}  @return its result; borrowed until the next call */
const char *rig_ask(const struct rpc_handler *table, enum rpc_id method, const char *params);
/** Likewise without operator.admin. */
const char *rig_ask_plain(const struct rpc_handler *table, enum rpc_id method, const char *params);
/** Run a handler that must refuse. @return "CODE message" */
const char *rig_refused(const struct rpc_handler *table, enum rpc_id method, const char *params);

/** A path in rig_dir; borrowed until four calls later. */
const char *rig_path(const char *name);
void rig_write(const char *name, const char *text); /* folders are made */
void rig_read(const char *name, char *out, size_t cap);

/** Assert that `got` has the members of `frame` in their order, and values of their kinds; of arrays the first elements are compared. */
void rig_same_shape(const char *got, const char *frame);

#endif
