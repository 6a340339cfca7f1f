/** actors/store_cron.h -- jobs by the clock, inside the store's actor.
 *
 *  In:     cron.load, cron.record, route.ask
 *  Out:    cron.job, cron.run to the asker; the answers
 *  Owns:   nothing      Thread: the store's */
#ifndef ACTORS_STORE_CRON_H
#define ACTORS_STORE_CRON_H

#include "actors/store_channels.h"
#include "base/config.h"

/** @param due   receives the channel of a delivery
 *  @param text  keeps what strings of the answer borrow from */
int store_cron(store_t *store, mailbox_t *mailbox, struct store_due *due, const struct msg *in, struct msg *answer, struct buf *text);

/** Delete the sessions of runs that nobody has touched for cron.sessionRetention, some hundred at a time, and runs older than a quarter. */
void store_cron_prune(store_t *store, const config_t *config, int64_t now_ms);

/** The session id of a run's own session is the end of its key, as in OpenClaw. @param out  unchanged when it is none */
void store_cron_session_id(struct str session_key, size_t size, char *out);

#endif
