/** actors/attempt.h -- one attempt of a model request, as every host of a provider keeps it.
 *
 *  In:     model.try                Out: model.delta to the session, model.reply or model.failed to the router
 *  Owns:   the attempt's copies of names, its model stream, pieces not yet sent
 *  Thread: its host's */
#ifndef ACTORS_ATTEMPT_H
#define ACTORS_ATTEMPT_H

#include "base/arena.h"
#include "bus/bus.h"
#include "providers/provider.h"

struct attempt {
    mailbox_t *mailbox;   /* the host's; borrowed */
    int64_t request;      /* the router's number */
    uint64_t corr, trace; /* of model.try */
    uint64_t session_corr;
    int64_t first_ms; /* when the first piece came, monotonic; 0: none yet */
    bool live;        /* the session wants pieces; else only the whole counts, and nothing is visible before */
    char session[MSG_NAME_MAX + 1];
    model_stream_t *stream; /* owned */
    struct buf piece;       /* text that arrived and was not sent on yet; pieces of one read go out as one message */
    enum chat_part_kind piece_kind;
};

/** Start reading a reply. @param try_msg a model.try @param a zeroed; end with attempt_close()
 *  @return 0 or GW_ENOMEM */
int attempt_open(struct attempt *a, mailbox_t *mailbox, const struct msg *try_msg, const struct provider *dialect,
                 const struct provider_endpoint *endpoint, const struct model_request *request);
void attempt_close(struct attempt *a); /* safe on a zeroed one */

/** Send what has been gathered in `piece`. Call after each read. */
void attempt_flush(struct attempt *a);

/** The end: tell the router the outcome. @param transport, text as for model_stream_finish() */
void attempt_finish(struct attempt *a, enum failure transport, struct str text);

/** Tell the router that an attempt could not even start. */
void attempt_refuse(mailbox_t *mailbox, const struct msg *try_msg, enum failure failure, const char *text);

/** Read a model.try into a request. Strings borrow from the message, arrays live in the arena.
 *  @return 0, GW_EBADMSG, GW_ELIMIT, GW_ENOMEM */
int attempt_request(const struct msg *try_msg, struct str provider, struct arena *arena, struct model_request *out);

#endif
