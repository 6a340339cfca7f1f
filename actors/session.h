/** actors/session.h -- a session: one conversation, run one turn at a time, on a thread that can become another session.
 *
 *  In:     turn.run, turn.cancel, session.park, session.forget; during a turn model.delta, model.switched, model.reply, model.failed
 *  Out:    store.begin, store.append, store.compact, store.finish; model.request; turn.delta, turn.done
 *  Owns:   the conversation in memory, the agent's skills list
 *  Thread: its own, named session.<n>; bound to whatever session its last turn.run named
 *  Source: DESIGN sections 1 and 2; reference agent-runtime */
#ifndef ACTORS_SESSION_H
#define ACTORS_SESSION_H

#include "base/arena.h"
#include "base/chat.h"
#include "base/config.h"
#include "bus/bus.h"
#include "skills/skills.h"

enum {
    SESSION_KEY_MAX = 512,               /* bytes */
    SESSION_STEPS_MAX = 100,             /* model requests in one turn, tool steps included */
    SESSION_COMPACTIONS_MAX = 2,         /* compactions in one turn */
    SESSION_WINDOW_TOKENS = 200000,      /* context window when neither agent nor model says */
    SESSION_RESERVE_TOKENS = 20000,      /* of the window, kept for the reply (agent-runtime 9) */
    SESSION_LOAD_MAX = 16 * 1024 * 1024, /* bytes of history loaded at most */
    SESSION_SKILLS_MS = 10000,           /* a skills list is read again after this long */
    SESSION_STORE_MS = 60000,            /* how long the store may take to answer */
};

struct session_options {
    config_t *config; /* a reference is given to the actor */
};

/* What a session thread holds between messages. */
struct session {
    mailbox_t *mailbox;
    config_t *config; /* of the turn in hand; between turns NULL where config_shared has one */
    int64_t config_generation;
    char key[SESSION_KEY_MAX + 1]; /* "" when parked */
    const struct config_agent *agent;
    bool loaded;                   /* messages are those of the store */
    struct arena memory;           /* what messages borrow from */
    struct chat_message *messages; /* in a block of its own */
    size_t count, capacity;
    skills_t *skills; /* of skills_agent */
    const struct config_agent *skills_agent;
    int64_t skills_read_ms;
    bool stop;   /* actor.stop came */
    bool forget; /* session.forget came during a turn: after it */
};

actor_fn session_actor; /* arg: struct session_options *, allocated; freed by the actor */

/** Forget the conversation, keep the thread and the skills. */
void session_forget(struct session *s);

/** Append a message given as transcript JSON. @return 0, GW_EPARSE, GW_ENOENT (no chat message), GW_ELIMIT, GW_ENOMEM */
int session_add(struct session *s, struct str json);

/** The agent's skills, read again when they are old. NULL when none can be read. */
const skills_t *session_skills(struct session *s);

/** actors/turn.c: run one turn from its turn.run to its turn.done. */
void turn_run(struct session *s, struct msg *in);

#endif
