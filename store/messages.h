/** store/messages.h -- the transcripts: append-only entries, numbered 1, 2, 3 ... in each session.
 *
 *  In:     entries as JSON text        Out: rows through a callback, oldest first
 *  Owns:   table messages; last_seq, compaction_seq and kept_seq of table sessions
 *  Thread: the store's owner
 *
 *  The JSON is the caller's (msgs/chat_json.h) and is not looked into.
 *  A callback must not call the store. A value other than 0 ends the walk and is returned. */
#ifndef STORE_MESSAGES_H
#define STORE_MESSAGES_H

#include "store/store.h"

enum message_kind { MESSAGE_CHAT = 0, MESSAGE_COMPACTION = 1 }; /* values are stored: never renumber */

struct message_new {
    int64_t session; /* session_row.id */
    int64_t turn;    /* 0: outside a turn */
    struct str role; /* "user", "assistant", "toolResult"; 1..STORE_NAME_MAX */
    struct str json; /* 1..STORE_MESSAGE_MAX */
    int64_t tokens;  /* estimate for the prompt; 0: unknown */
    int64_t now_ms;
};

struct message_row {
    int64_t seq;
    enum message_kind kind;
    int64_t turn;
    int64_t created_ms;
    int64_t tokens;
    int64_t kept_seq; /* MESSAGE_COMPACTION: the first entry that was kept beside the summary */
    struct str role;
    struct str json;
};
typedef int message_row_fn(void *ctx, const struct message_row *row);

/** Append one entry. @param seq  its number; may be NULL
 *  @return 0, GW_ENOENT (session), GW_EINVAL (empty), GW_ELIMIT, GW_EIO */
int messages_append(store_t *store, const struct message_new *message, int64_t *seq);

/** Append a summary that stands for every entry before `kept_seq`; the entries stay stored.
 *  @param kept_seq  first entry still shown to the model, 1..last_seq + 1 (none kept)
 *  @return as messages_append; GW_EINVAL for a kept_seq out of range */
int messages_compact(store_t *store, const struct message_new *summary, int64_t kept_seq, int64_t *seq);

/** One entry. @return 0, GW_ENOENT, GW_EIO, or what fn returned */
int messages_get(store_t *store, int64_t session, int64_t seq, message_row_fn *fn, void *ctx);

/** Any stretch of a transcript, compactions included, in order. @param after_seq  0: from the start
 *  @param limit  1..STORE_LIST_MAX  @return 0, GW_ELIMIT, GW_EIO, or what fn returned */
int messages_list(store_t *store, int64_t session, int64_t after_seq, int limit, message_row_fn *fn, void *ctx);

struct message_page {
    int64_t session;
    int64_t before_seq; /* only entries before this one; 0: from the newest */
    int64_t from_seq;   /* and from this one on */
    int limit;          /* 1..STORE_LIST_MAX */
    int64_t bytes_max;  /* the JSON of a longer entry is not read: it is "" in its row */
};
/** The newest entries, compactions included, newest first. @return 0, GW_ELIMIT, GW_EIO, or what fn returned */
int messages_newest(store_t *store, const struct message_page *page, message_row_fn *fn, void *ctx);

/** The first message of the user that has at most bytes_max bytes, among the first MESSAGES_LOOKED_AT entries.
 *  @return 0 (also when there is none), GW_EIO, or what fn returned */
int messages_first_user(store_t *store, int64_t session, int64_t bytes_max, message_row_fn *fn, void *ctx);
enum { MESSAGES_LOOKED_AT = 20 };

struct history_limits {
    int64_t rows;  /* newest entries at most, the summary not counted; 0: all */
    int64_t bytes; /* of JSON at most, the summary not counted, but always the newest entry; 0: all */
};
struct history_info {
    int64_t session;  /* number of the session */
    int64_t rows;     /* handed to the callback, the summary included */
    int64_t bytes;    /* of their JSON */
    int64_t left_out; /* entries that a limit kept back: the oldest ones, earlier summaries among them */
    int64_t last_seq;
};
/** What the model is to see: the newest summary, then the entries it kept and all that came later, in order.
 *  @param limits, info  may be NULL  @return 0, GW_ENOENT (no such session), GW_EIO, or what fn returned */
int messages_history(store_t *store, struct str session_key, const struct history_limits *limits, message_row_fn *fn, void *ctx,
                     struct history_info *info);

/** The number of the newest entry of one session (GW_ENOENT when there is none such), or how many entries there are in all, with
 *  session 0. @return 0, GW_EIO */
int messages_count(store_t *store, int64_t session, int64_t *count);

#endif
