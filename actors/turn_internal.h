/** actors/turn_internal.h -- what the files of a turn share; not for others.
 *
 *  turn.c reads top to bottom; turn_collect.c reads the user's message, turn_prompt.c builds what the model is asked, turn_compact.c
 *  makes room when it did not fit. */
#ifndef ACTORS_TURN_INTERNAL_H
#define ACTORS_TURN_INTERNAL_H

#include "actors/session.h"
#include "base/failure.h"
#include "tools/tool_policy.h"

enum { TURN_PAST_MAX = 64 }; /* tool calls that loop detection looks back at */

/* A tool call that was made, as hashes. */
struct turn_past {
    uint64_t call, result;
};

enum turn_tool_phase { TURN_TOOL_START, TURN_TOOL_UPDATE, TURN_TOOL_RESULT };

enum { BYTES_PER_TOKEN = 4 }; /* of text, on the average */

struct turn {
    struct session *s;
    const struct msg_turn_run *run; /* borrowed from the turn.run in hand */
    uint64_t corr, trace;
    uint64_t begin_corr; /* of a store.begin whose answer is not awaited; it answers only when it fails */
    int64_t deadline_ms; /* monotonic; -1: none */
    struct buf text;     /* what the user is to read, all steps */
    size_t sent;         /* bytes of it sent as turn.delta */
    size_t step_from;    /* where the running request's text begins in it, the separator before it included */
    int64_t first_ms;    /* when the first text came, monotonic; 0: none has */
    struct buf candidates;
    struct buf error;
    enum failure failure; /* of the last attempt */
    char cancelled[65];   /* reason; "" while nobody has */
    char model[257];      /* the ref that answered last */
    struct chat_usage usage;
    size_t prompt_bytes;    /* of the last request, packed */
    int64_t context_tokens; /* prompt and answer of the last request */
    enum chat_stop stop;
    int compactions;
    tool_set tools; /* what models are offered */
    int calls;      /* of tools, so far */
    int refused;    /* of them, for repeating themselves */
    int past_count; /* ever noted; the newest are in past */
    struct turn_past past[TURN_PAST_MAX];
    bool step_has_text; /* the running request has given text */
    bool steered;       /* a message waits that may join this turn */
};

/* turn.c */
void turn_fail(struct turn *t, enum failure failure, const char *text); /* what end() will tell */

/** Ask the store and wait, through aborts: its answers follow the commit. On an error t->error says what failed.
 *  @return 0, then the caller clears *answer; a code */
int turn_ask_store(struct turn *t, struct msg *q, struct msg *answer);

/** Ask another actor and wait; an abort of the turn ends that at once.
 *  @param timeout_ms  -1: as long as the turn may last  @return 0, then the caller clears *answer; GW_EABORTED, GW_ETIMEOUT (also when the
 *  turn's own time is over: t->error is set then), GW_ECLOSED, the code of an `error` answer */
int turn_ask(struct turn *t, const char *to, struct msg *q, int timeout_ms, struct msg *answer);

/** Wait for the message with this corr, as turn_ask() does for its answer. Any kind; turn.accepted, turn.done, turn.refused, error too. */
int turn_await(struct turn *t, uint64_t corr, int timeout_ms, struct msg *in);

/** Give the permit back while the turn waits for another session, and take it again: until turn_resume() returns 0 others run.
 *  @return 0; GW_EABORTED, GW_ECLOSED, GW_ETIMEOUT when the turn's time is over meanwhile */
int turn_pause(struct turn *t);
int turn_resume(struct turn *t);

/** Record a message of the turn, durably. @param collected  the turns whose messages it is, a number a line; they are done with it */
int turn_append(struct turn *t, const struct chat_message *message, struct str collected);

/** Ask for one reply. Deltas go on to the user unless `quiet`. @return 0 with a model.reply in *reply, or a code */
int turn_ask_model(struct turn *t, const payload_t *prompt, bool quiet, struct msg *reply);

/** Record that the turn runs, with the user's message once, and have the conversation in memory. May be repeated. */
int turn_begin(struct turn *t);

/* turn_prompt.c */
int64_t turn_window(const struct turn *t);                /* the model's context window, tokens */
void turn_list_candidates(struct turn *t);                /* fills t->candidates */
payload_t *turn_pack(const struct chat_request *request); /* NULL: memory is out or it is too large */
int turn_build_prompt(struct turn *t, payload_t **out);   /* the conversation as one packed request */

/* turn_collect.c */
/** The user's message as it enters the transcript, of one or of several that were collected.
 *  @param text  holds what the message borrows besides the arena  @return 0, GW_EBADMSG, GW_ELIMIT, GW_ENOMEM */
int turn_user_message(struct turn *t, struct arena *arena, struct buf *text, struct chat_message *out);
void turn_list_collected(const struct turn *t, struct buf *out); /* the other turns whose messages are in it, a number a line */

/** What waits to steer this turn. @param in  receives turn.taken, without a message when nothing waits (any more); the caller clears it
 *  @return 0 or as turn_ask() */
int turn_take_steering(struct turn *t, struct msg *in);

/** Record what turn_take_steering() has got, as the user's next message. */
int turn_append_steering(struct turn *t, const struct msg_turn_taken *taken);

/* turn_skill.c */
/** When a message asks for a skill of the agent's by name: what the model is told instead. @return whether it does */
bool turn_skill_command(struct session *s, struct str text, struct buf *out);

/* turn_compact.c */
int turn_compact(struct turn *t); /* replace the older messages by a summary, on record; 0: ask again */
/** The message is `/compact [focus]`: all before it becomes a summary. @param last  the turn's answer, which says so */
int turn_compact_on_demand(struct turn *t, struct buf *last);

#endif
