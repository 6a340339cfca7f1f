/** actors/cron_actor.h -- what the files of actors/cron.h share. Thread: the cron actor's */
#ifndef ACTORS_CRON_ACTOR_H
#define ACTORS_CRON_ACTOR_H

#include <uthash.h>

#include "actors/cron.h"
#include "actors/cron_core.h"
#include "actors/rpc_serve.h"

enum { CRON_WAITERS_MAX = 256 }; /* calls of cron.run that wait for an end */

struct cron_sent { /* a run under way */
    UT_hash_handle hh;
    uint64_t corr; /* of its turn, or of its system.event */
    char run[RANDOM_UUID_SIZE];
    char job[CRON_ID_SIZE];
    bool event; /* no turn of its own: the gateway has the text */
};

struct cron_waiter { /* a cron.run that is answered at the end of the run */
    char run[RANDOM_UUID_SIZE];
    char from[MSG_NAME_MAX + 1];
    uint64_t corr, trace;
};

struct clockwork {
    mailbox_t *mailbox;
    config_t *config;
    char *state_dir;
    cron_t *cron;
    struct cron_sent *sent; /* owned */
    struct cron_waiter waiters[CRON_WAITERS_MAX];
    size_t waiter_count;
    bool loaded;
    bool closed; /* the end: nothing is done any more */
    bool lost;   /* and another actor takes over: the store did not answer */
};

struct cron_now cron_clock_now(void);
void cron_want_channel(const struct clockwork *w); /* for jobs that post their results */

/* cron_turns.c */
void cron_turn_begin(void *ctx, const struct cron_job *job); /* ports */
void cron_turn_stop(void *ctx, const struct cron_job *job);
void cron_turn_route(void *ctx, const struct cron_job *job, struct buf *out);
/** @return whether it was about a turn or event of a run */
bool cron_turn_message(struct clockwork *w, const struct msg *in);
void cron_turns_free(struct clockwork *w);

/* cron_rpc.c */
void cron_rpc(struct clockwork *w, const struct msg *in);
void cron_answer_waiters(struct clockwork *w, const char *run); /* it has ended */

#endif
