/** channels/approvals.h -- commands that wait for somebody to allow or deny them.
 *
 *  In:     requests, decisions, the time      Out: what is told about each, as JSON
 *  Owns:   at most APPROVALS_MAX requests, in memory; those who wait are its caller's
 *  Thread: any, one at a time
 *  Source: reference gateway-protocol 4 and 7 (exec.approval.*), captured frames
 *
 *  A request is pending until it is decided or its time is over. Both are remembered for APPROVALS_KEPT_MS, so that who asks a
 *  little later still hears it; then its id is unknown again. */
#ifndef CHANNELS_APPROVALS_H
#define CHANNELS_APPROVALS_H

#include "base/buf.h"
#include "base/err.h"

enum {
    APPROVALS_MAX = 256,            /* requests, remembered ones among them; one more is refused */
    APPROVALS_ID_MAX = 128,         /* bytes of an id */
    APPROVALS_TEXT_MAX = 64 * 1024, /* bytes of all texts of a request */
    APPROVALS_TIMEOUT_MS = 120000,  /* when nothing else is asked for */
    APPROVALS_TIMEOUT_MAX_MS = 24 * 3600 * 1000,
    APPROVALS_KEPT_MS = 15000,
};

typedef struct approvals approvals_t;

enum approval_decision { APPROVAL_NONE, APPROVAL_ALLOW_ONCE, APPROVAL_ALLOW_ALWAYS, APPROVAL_DENY };

struct approval_request { /* p == NULL: not given, told as null */
    struct str id;        /* empty: it gets one */
    struct str command, cwd, host, security, ask, agent_id, resolved_path, session_key;
    int64_t timeout_ms; /* 0: APPROVALS_TIMEOUT_MS */
};

struct approval {
    char id[APPROVALS_ID_MAX + 1];
    int64_t created_ms, expires_ms; /* wall clock */
    bool settled;                   /* decided, or its time is over (then decision is APPROVAL_NONE) */
    enum approval_decision decision;
};

/** @return 0 or GW_ENOMEM */
int approvals_create(approvals_t **out);
void approvals_destroy(approvals_t **approvals_p);

/** Take a request. @param out  borrowed until it is forgotten
 *  @return 0; GW_EEXIST its id is known; GW_EFULL; GW_ELIMIT (an id or texts too long); GW_ENOMEM */
int approvals_add(approvals_t *approvals, const struct approval_request *request, int64_t now_ms, const struct approval **out);

/** The request, as it stands now. @return NULL when it is unknown, or no longer */
const struct approval *approvals_find(approvals_t *approvals, struct str id, int64_t now_ms);

/** Decide a pending one. @return 0; GW_ENOENT it is unknown, decided or too late */
int approvals_decide(approvals_t *approvals, struct str id, enum approval_decision decision, int64_t now_ms);

/** "allow-once", "allow-always", "deny". @return APPROVAL_NONE for another word */
enum approval_decision approval_decision_parse(struct str text);

/* What is told: */
void approval_write_accepted(const struct approval *a, struct buf *out); /* {status, id, createdAtMs, expiresAtMs} */
void approval_write_decision(const struct approval *a, struct buf *out); /* {id, decision or null, createdAtMs, expiresAtMs} */
/** Payload of exec.approval.requested. @param a  of this table */
void approval_write_requested(const struct approval *a, struct buf *out);
/** Payload of exec.approval.resolved. @param by  who decided, for people */
void approval_write_resolved(const struct approval *a, struct str by, int64_t now_ms, struct buf *out);

#endif
