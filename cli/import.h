/** cli/import.h -- takes over what OpenClaw 2026.2 left in its state directory.
 *
 *  In:     that directory (read only, unless it is also ours), a store that nobody else has open
 *  Out:    rows in the store; a report as JSON
 *  Owns:   nothing beyond a call
 *  Thread: the main one
 *  Source: reference gateway-protocol 9, frames state-*; tests/data/openclaw-state was written by OpenClaw 2026.2.17
 *
 *  What is there already is left as it is, so that a second import takes only what is new. Each thing is taken whole, in one commit, or
 *  skipped with the reason. */
#ifndef CLI_IMPORT_H
#define CLI_IMPORT_H

#include <jansson.h>

#include "store/store.h"

struct import {
    const char *from;  /* OpenClaw's directory */
    const char *state; /* ours */
    store_t *store;
    bool dry;                /* only look */
    json_t *taken, *skipped; /* {devices, sessions, messages, jobs, people, approvals}: numbers; [{what, why}] */
};

/** Take all of it. @return the report {from, dryRun, taken, skipped}; the caller's; NULL: no memory */
json_t *import_run(struct import *in);

/* inside it */
void import_count(struct import *in, const char *what, int64_t more);
void import_skip(struct import *in, const char *why, const char *format, ...) __attribute__((format(printf, 3, 4)));
/** Read a JSON file below the directory. @return NULL: it is not there, or is broken, which is told */
json_t *import_read(struct import *in, const char *name);
/** import_sessions.c: sessions and transcripts of all agents */
void import_sessions(struct import *in);

#endif
