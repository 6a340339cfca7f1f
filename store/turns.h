/** store/turns.h -- the durable inbox: every accepted turn until its end, and how it ended.
 *
 *  In:     accept, begin, finish       Out: rows through a callback
 *  Owns:   table turns; through the other tables' functions also the session, its messages and its usage
 *  Thread: the store's owner
 *
 *  A turn goes accepted -> running -> done | failed | aborted | dropped, or from accepted straight to an end.
 *  All three steps may be repeated after a crash: what is already stored is told, not stored again.
 *  A callback must not call the store. A value other than 0 ends the walk and is returned. */
#ifndef STORE_TURNS_H
#define STORE_TURNS_H

#include "base/chat.h"
#include "store/sessions.h"

enum turn_state { /* values are stored: never renumber; the first two are read off turn_starts */
                  TURN_ACCEPTED = 0,
                  TURN_RUNNING = 1,
                  TURN_DONE = 2,
                  TURN_FAILED = 3,
                  TURN_ABORTED = 4,
                  TURN_DROPPED = 5
};
const char *turn_state_name(enum turn_state state); /* "accepted", ...; static. Any thread */

struct turn_new {
    int64_t id;                 /* the router's turn number, > 0, unique for ever (turns_max_id) */
    struct session_new session; /* made when there is none with this key; now_ms is the time of acceptance */
    struct str run_id;          /* 1..STORE_NAME_MAX */
    struct str lane;            /* "main", "subagent", "cron" */
    struct str scope;           /* idempotency keys are unique within one scope; may be "" */
    struct str idempotency_key; /* "" for none */
    struct str reply_to;        /* reply address of the caller; may be "" */
    struct str input;           /* what was said, bytes of the caller's own format; cleared when the turn ends */
    struct str extra;           /* attachments, extra prompt; likewise */
    struct str options;         /* JSON: model, thinking, timeout; likewise */
};

struct turn_row {
    int64_t id;
    enum turn_state state;
    int64_t session;        /* session_row.id */
    struct str session_key; /* and of that row: */
    struct str agent;
    struct str channel;
    struct str run_id;
    struct str lane;
    struct str scope;
    struct str idempotency_key; /* "" when there was none or it has been forgotten */
    struct str reply_to;
    struct str input; /* "" once ended */
    struct str extra;
    struct str options;
    int64_t created_ms;
    int64_t started_ms;        /* 0: not yet */
    int64_t ended_ms;          /* 0: not yet */
    int64_t user_seq;          /* the user's message in the transcript; 0: not yet */
    int64_t answer_seq;        /* the final message in the transcript; 0: none */
    struct str model_asked;    /* "provider/model" */
    struct str model_answered; /* likewise */
    struct str reason;         /* why another model answered, or why it ended */
    struct str error;
    struct chat_usage used;
    struct str set_provider; /* what a user set for the session; "" for nothing */
    struct str set_model;
    struct str set_thinking;
    struct str parent; /* session key of who spawned its session; "" for nobody */
    int64_t depth;     /* of its session in the spawn tree */
};
typedef int turn_row_fn(void *ctx, const struct turn_row *row);

struct turn_accepted {
    int64_t id;            /* of the turn that holds the idempotency key: the new one or the earlier one */
    enum turn_state state; /* its state */
    int64_t session;       /* its session_row.id */
    bool session_created;
};
/** Record a turn as accepted, making its session when missing.
 *  @param out  filled for 0 and GW_EEXIST; may be NULL
 *  @return 0; GW_EEXIST a turn with this idempotency key in this scope, or with this id, is stored already;
 *          GW_EINVAL, GW_ELIMIT, GW_EIO */
int turns_accept(store_t *store, const struct turn_new *turn, struct turn_accepted *out);

struct turn_begun {
    int64_t session;
    int64_t user_seq; /* of the user's message */
    int64_t last_seq; /* of the newest entry */
    bool again;       /* it had begun before: nothing was appended */
    bool continued;   /* entries follow the user's message */
};
/** Mark a turn as running and append the user's message, exactly once however often this is called.
 *  @param user_json  1..STORE_MESSAGE_MAX bytes  @param out  may be NULL
 *  @return 0, GW_ENOENT, GW_EEXIST (it has ended), GW_EINVAL, GW_ELIMIT, GW_EIO */
int turns_begin(store_t *store, int64_t id, struct str user_json, int64_t now_ms, struct turn_begun *out);

struct turn_end {
    int64_t id;
    enum turn_state state;     /* TURN_DONE or later */
    struct str message;        /* JSON of the final message, appended as role "assistant"; "" for none */
    struct str agent;          /* whose usage it is */
    struct str provider;       /* who answered ("openrouter"); "" when no model did: then no usage is counted */
    struct str model;          /* with which model */
    struct str model_asked;    /* "provider/model" */
    struct str model_answered; /* likewise */
    struct str reason;         /* cut at STORE_TEXT_MAX, as is error */
    struct str error;
    struct chat_usage used;
    int64_t context_tokens; /* size of the prompt and answer at the end; 0: leave what the session had */
    int64_t now_ms;
};
struct turn_ended {
    enum turn_state state; /* as stored: of the first end when it had ended before */
    int64_t session;
    int64_t answer_seq; /* 0: no final message */
    bool again;         /* it had ended before: nothing was changed */
};
/** End a turn: final message, outcome, usage and the session's counters in one step; input, extra and options are cleared.
 *  @param out  may be NULL  @return 0 (also when it had ended: out->again), GW_ENOENT, GW_EINVAL, GW_ELIMIT, GW_EIO */
int turns_finish(store_t *store, const struct turn_end *end, struct turn_ended *out);

/** @return 0, GW_ENOENT, GW_EIO, or what fn returned */
int turns_get(store_t *store, int64_t id, turn_row_fn *fn, void *ctx);
/** Turns accepted or running, by id. @param after_id  0: from the first  @param limit  1..STORE_LIST_MAX
 *  @return 0, GW_ELIMIT, GW_EIO, or what fn returned */
int turns_pending(store_t *store, int64_t after_id, int limit, turn_row_fn *fn, void *ctx);
/** The greatest id ever given (turns_prune leaves it); 0: none. @return 0, GW_EIO */
int turns_max_id(store_t *store, int64_t *id);

struct turn_prune {
    int64_t keys_before_ms; /* forget idempotency keys of turns that ended earlier */
    int64_t rows_before_ms; /* delete turns that ended earlier, except the newest of all; transcripts stay */
    int limit;              /* rows looked at for each, 1..STORE_LIST_MAX: the work of one call is bounded */
};
struct turn_pruned {
    int64_t keys;
    int64_t rows;
    bool more; /* call again: there may be more to do */
};
/** @return 0, GW_ELIMIT, GW_EIO */
int turns_prune(store_t *store, const struct turn_prune *prune, struct turn_pruned *out);

#endif
