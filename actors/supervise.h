/** actors/supervise.h -- when an actor that died is started again.
 *
 *  In:     deaths of one named actor (provider.*, channel.*, store, gateway), with their time
 *  Out:    how long to wait before the restart, or that it is given up
 *  Owns:   nothing; the caller keeps one struct supervise per actor
 *  Thread: any; pure
 *  Source: DESIGN section 1 (supervision is the router's); Erlang's restart intensity, in small */
#ifndef ACTORS_SUPERVISE_H
#define ACTORS_SUPERVISE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    SUPERVISE_RESTARTS_MAX = 5, /* in SUPERVISE_WINDOW_MS; one death more is given up on */
    SUPERVISE_WINDOW_MS = 60000,
    SUPERVISE_DELAY_FIRST_MS = 100, /* doubled at each death ... */
    SUPERVISE_DELAY_MAX_MS = 30000, /* ... up to this */
    SUPERVISE_HEALTHY_MS = 60000,   /* alive for so long: the next delay is the first again */
};

/* The memory of one actor; zero: it never died. */
struct supervise {
    int64_t deaths_ms[SUPERVISE_RESTARTS_MAX]; /* the last ones that led to a restart, as a ring */
    int count;                                 /* of them in the ring */
    int at;                                    /* where the next goes */
    int64_t restarted_ms;                      /* when the last restart was due */
    int64_t delay_ms;                          /* before the last restart */
    bool given_up;                             /* stays so until the struct is zeroed */
};

/** Note that the actor died.
 *  @param now_ms    any clock that does not run backwards
 *  @param delay_ms  how long to wait before starting it again; 0 when it is given up
 *  @return true: restart it; false: it died too often, give it up */
bool supervise_died(struct supervise *actor, int64_t now_ms, int64_t *delay_ms);

#endif
