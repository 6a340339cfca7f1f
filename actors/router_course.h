/** actors/router_course.h -- how a turn went, step by step, as its messages pass the router: for people who look at it.
 *
 *  Nothing is decided by it, and what cannot be noted for want of memory is left out.
 *
 *  Owns:   what it notes of each turn, and the last COURSE_RECENT_MAX turns that ended
 *  Thread: the router's */
#ifndef ACTORS_ROUTER_COURSE_H
#define ACTORS_ROUTER_COURSE_H

#include "base/failure.h"
#include "base/str.h"
#include "msgs/msgs.h"

enum {
    COURSE_REF_MAX = 256,   /* bytes of a model ref */
    COURSE_TRIES_MAX = 16,  /* attempts noted of one turn; further ones replace the last and are counted */
    COURSE_RECENT_MAX = 32, /* ended turns that are remembered */
};

/* One attempt at a model. Times as in struct course; -1: not yet, or not known. */
struct course_try {
    char ref[COURSE_REF_MAX + 1];
    int64_t started_ms, first_ms, ended_ms;
    enum failure failure;
};

/* All but accepted_ms are milliseconds since acceptance; -1: has not happened. */
struct course {
    int64_t accepted_ms; /* monotonic */
    int64_t stored_ms;
    int64_t granted_ms;    /* has its permit, and its thread */
    int64_t prompt_ms;     /* first model.request */
    int64_t first_ms;      /* first text or thought of a model */
    int64_t model_done_ms; /* last reply or failure */
    int64_t finished_ms;
    int64_t tools_ms; /* between replies and the requests that followed them */
    int64_t input_tokens, output_tokens;
    int steps; /* model requests */
    int depth; /* in the spawn tree */
    bool replied;
    size_t try_count, tries_replaced;
    struct course_try *tries; /* owned */
    char *parent;             /* owned; key of the session that spawned this one; NULL: none */
};

/* A turn that has ended. */
struct past_turn {
    struct course course;
    int64_t turn;
    uint64_t trace;
    int lane;
    enum turn_outcome outcome;
    char *run_id, *session_key, *agent, *channel, *model; /* owned; may be NULL */
};

struct course_recent {
    struct past_turn turns[COURSE_RECENT_MAX]; /* a ring */
    size_t count;                              /* ever put in */
};

void course_begin(struct course *c, int64_t now_ms);
void course_free(struct course *c);

void course_stored(struct course *c, int64_t now_ms);
/** @param parent  empty: none */
void course_granted(struct course *c, int64_t now_ms, int depth, struct str parent);
void course_asked(struct course *c, int64_t now_ms); /* a model.request has come */
void course_try_begun(struct course *c, int64_t now_ms, const char *ref);
/** Ends the attempt in hand; nothing happens when there is none. */
void course_try_ended(struct course *c, int64_t now_ms, enum failure failure);
/** A reply has come. @param first_ms  monotonic; 0: not known */
void course_replied(struct course *c, int64_t now_ms, int64_t first_ms, int64_t input_tokens, int64_t output_tokens);
/** The session's turn.done or the router's own end. */
void course_finished(struct course *c, int64_t now_ms, const struct msg_turn_done *done);

/** The newest attempt, or NULL. */
const struct course_try *course_last_try(const struct course *c);

/** "done", "failed", "aborted", "dropped". Static. */
const char *course_outcome(enum turn_outcome outcome);

/** Room for one more ended turn: the oldest makes it. The caller moves a course and copies of strings in. */
struct past_turn *course_recent_add(struct course_recent *recent);
/** The nth newest, 0, 1, ...; NULL: there are fewer. */
const struct past_turn *course_recent_at(const struct course_recent *recent, size_t n);
void course_recent_free(struct course_recent *recent);

#endif
