/** store/transcript.h -- inside store/ only: what turns.c needs of sessions.c and messages.c, without a second look-up. */
#ifndef STORE_TRANSCRIPT_H
#define STORE_TRANSCRIPT_H

#include "store/messages.h"
#include "store/sessions.h"
#include "store/sql.h"

/** Insert one entry with a number the caller knows to be the next; the session's row is the caller's to update. */
int transcript_insert(store_t *store, const struct message_new *message, enum message_kind kind, int64_t seq, int64_t kept_seq);
/** Set a session's newest entry and the time it was touched. */
int transcript_grow(store_t *store, int64_t session, int64_t last_seq, int64_t now_ms);

struct session_end_turn {
    int64_t last_seq;
    struct chat_usage used; /* added */
    int64_t context_tokens; /* 0: as it was */
    int64_t state;          /* enum turn_state */
    int64_t now_ms;
};
/** The session's share of the end of a turn, in one statement. */
int transcript_end_turn(store_t *store, int64_t session, const struct session_end_turn *end);

#endif
