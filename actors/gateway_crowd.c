#include "actors/gateway_crowd.h"

#include <stdlib.h>
#include <utlist.h>

#include "base/log.h"

enum { TOLD_FIRST = 64 };

struct told {
    struct gateway_frame *frame;
    bool drop_if_slow;
};

/* Events are numbered; `heard` of a client is the number of the next one for it. Of those that hear later, the ones in `level`
 * have heard all, the ones in `behind` have not, who has missed the most first. */
struct gateway_crowd {
    struct gateway *gw;
    struct gateway_client *prompt; /* who spoke last first */
    size_t prompt_count, later_count;
    struct gateway_client *level, *behind;
    struct told *told; /* a ring of `cap`, a power of two, with the events first..end-1 */
    uint32_t cap;
    uint64_t first, end;
    size_t bytes;
    struct buf piece; /* the events piece_from..piece_end-1 as they go over the wire */
    uint64_t piece_from, piece_end;
    lws_sorted_usec_list_t walk;
    bool walking;
    lws_usec_t walk_since, stirred; /* the walk gives way from then on; when something last happened */
};

int gateway_crowd_create(struct gateway *gw)
{
    gw->crowd = calloc(1, sizeof *gw->crowd);
    if (!gw->crowd) return GW_ENOMEM;
    gw->crowd->gw = gw;
    return 0;
}

static struct told *at(struct gateway_crowd *crowd, uint64_t number)
{
    return &crowd->told[number & (crowd->cap - 1)];
}

/* Forget what everyone has heard. */
static void forget(struct gateway_crowd *crowd)
{
    uint64_t least = crowd->behind ? crowd->behind->heard : crowd->end;
    for (; crowd->first < least; crowd->first++) {
        struct gateway_frame *f = at(crowd, crowd->first)->frame;
        crowd->bytes -= gateway_frame_cost(f);
        gateway_frame_drop(f);
    }
    if (crowd->first < crowd->end || crowd->cap <= TOLD_FIRST) return;
    free(crowd->told);
    crowd->told = NULL;
    crowd->cap = 0;
    buf_free(&crowd->piece);
    crowd->piece_from = crowd->piece_end = 0;
}

void gateway_crowd_rest(struct gateway *gw)
{
    if (gw->crowd) lws_sul_cancel(&gw->crowd->walk);
}

/* Clients are gone by now. */
void gateway_crowd_destroy(struct gateway *gw)
{
    struct gateway_crowd *crowd = gw->crowd;
    if (!crowd) return;
    crowd->behind = NULL;
    forget(crowd);
    free(crowd->told);
    buf_free(&crowd->piece);
    free(crowd);
    gw->crowd = NULL;
}

/* --- who is where ----------------------------------------------------------------------------------------------- */

static void take_out(struct gateway_crowd *crowd, struct gateway_client *cl)
{
    if (cl->place == CROWD_PROMPT) {
        DL_DELETE2(crowd->prompt, cl, crowd_prev, crowd_next);
        crowd->prompt_count--;
    } else if (cl->heard == crowd->end) {
        DL_DELETE2(crowd->level, cl, crowd_prev, crowd_next);
        crowd->later_count--;
    } else {
        DL_DELETE2(crowd->behind, cl, crowd_prev, crowd_next);
        crowd->later_count--;
    }
    cl->place = CROWD_OUTSIDE;
}

/* Among those that have heard all. */
static void put_level(struct gateway_crowd *crowd, struct gateway_client *cl)
{
    cl->place = CROWD_LATER;
    cl->heard = crowd->end;
    DL_APPEND2(crowd->level, cl, crowd_prev, crowd_next);
    crowd->later_count++;
}

static void put_prompt(struct gateway_crowd *crowd, struct gateway_client *cl, bool first)
{
    cl->place = CROWD_PROMPT;
    if (first)
        DL_PREPEND2(crowd->prompt, cl, crowd_prev, crowd_next);
    else
        DL_APPEND2(crowd->prompt, cl, crowd_prev, crowd_next);
    crowd->prompt_count++;
}

void gateway_crowd_join(struct gateway_client *cl)
{
    struct gateway_crowd *crowd = cl->gw->crowd;
    if (cl->place != CROWD_OUTSIDE) return;
    if (crowd->prompt_count < crowd->gw->bounds.prompt)
        put_prompt(crowd, cl, false);
    else
        put_level(crowd, cl);
}

void gateway_crowd_leave(struct gateway_client *cl)
{
    struct gateway_crowd *crowd = cl->gw->crowd;
    if (cl->place == CROWD_OUTSIDE) return;
    take_out(crowd, cl);
    forget(crowd);
}

void gateway_crowd_spoke(struct gateway_client *cl)
{
    struct gateway_crowd *crowd = cl->gw->crowd;
    crowd->stirred = lws_now_usecs();
    if (cl->place == CROWD_OUTSIDE || crowd->prompt == cl) return;
    gateway_crowd_catch_up(cl);
    if (cl->place == CROWD_OUTSIDE) return;
    take_out(crowd, cl);
    if (crowd->prompt_count == crowd->gw->bounds.prompt) {
        struct gateway_client *last = crowd->prompt->crowd_prev;
        take_out(crowd, last);
        put_level(crowd, last);
    }
    put_prompt(crowd, cl, true);
}

/* --- those that hear later -------------------------------------------------------------------------------------- */

void gateway_crowd_catch_up(struct gateway_client *cl)
{
    struct gateway_crowd *crowd = cl->gw->crowd;
    if (cl->place != CROWD_LATER || cl->heard == crowd->end) return;
    uint64_t from = cl->heard;
    take_out(crowd, cl);
    put_level(crowd, cl);
    for (; from < crowd->end && cl->place == CROWD_LATER; from++) { /* it may be closed on the way, as too slow */
        struct told *t = at(crowd, from);
        gateway_client_push(cl, t->frame, t->drop_if_slow);
    }
    forget(crowd);
}

/* The events from `from` on as bytes for the wire, made once for all that have heard as much: all of them, or as many as may
 * be handed to a socket at once. `piece_end` is the first that is not in it, `from` when there is none. */
static const struct buf *piece_from(struct gateway_crowd *crowd, uint64_t from)
{
    if (crowd->piece_from == from && crowd->piece_end == crowd->end) return &crowd->piece;
    buf_clear(&crowd->piece);
    crowd->piece_from = crowd->piece_end = from;
    for (uint64_t i = from; i < crowd->end; i++) {
        const struct gateway_frame *f = at(crowd, i)->frame;
        if (crowd->piece.n + gateway_frame_cost(f) > GATEWAY_WRITE_MAX) break;
        gateway_frame_write(f, &crowd->piece);
        crowd->piece_end = i + 1;
    }
    if (crowd->piece.err) crowd->piece_end = from;
    return &crowd->piece;
}

/* What is too much for that, or does not fit into its socket, waits in its own queue. */
static void bring_up(struct gateway_crowd *crowd, struct gateway_client *cl)
{
    while (cl->heard < crowd->end) {
        const struct buf *piece = piece_from(crowd, cl->heard);
        if (crowd->piece_end == cl->heard || !gateway_client_write(cl, buf_str(piece))) {
            gateway_crowd_catch_up(cl);
            return;
        }
        cl->heard = crowd->piece_end;
    }
    DL_DELETE2(crowd->behind, cl, crowd_prev, crowd_next);
    DL_APPEND2(crowd->level, cl, crowd_prev, crowd_next);
}

/* While a turn is under way, whose steps follow each other within a millisecond, its own clients come first. When there is
 * always one, the walk gives way half of the time. */
static bool should_wait(struct gateway_crowd *crowd)
{
    const lws_usec_t patience = GATEWAY_WALK_PATIENCE_MS * LWS_US_PER_MS;
    lws_usec_t now = lws_now_usecs();
    if (now - crowd->walk_since >= 2 * patience) crowd->walk_since = now;
    return now - crowd->stirred < GATEWAY_WALK_QUIET_MS * LWS_US_PER_MS && now - crowd->walk_since < patience;
}

static void on_walk(lws_sorted_usec_list_t *sul)
{
    struct gateway_crowd *crowd = lws_container_of(sul, struct gateway_crowd, walk);
    if (should_wait(crowd)) {
        lws_sul_schedule(crowd->gw->lws, 0, &crowd->walk, on_walk, GATEWAY_WALK_QUIET_MS * LWS_US_PER_MS);
        return;
    }
    lws_usec_t begin = lws_now_usecs();
    for (int i = 0; i < GATEWAY_WALK_CLIENTS && crowd->behind; i++) bring_up(crowd, crowd->behind);
    forget(crowd);
    crowd->walking = crowd->behind != NULL;
    lws_usec_t rest = (lws_now_usecs() - begin) * GATEWAY_WALK_REST + LWS_US_PER_MS; /* whole ones are slept, the last is spun through */
    if (crowd->walking) lws_sul_schedule(crowd->gw->lws, 0, &crowd->walk, on_walk, rest - rest % LWS_US_PER_MS);
}

/* --- telling ---------------------------------------------------------------------------------------------------- */

static bool grow(struct gateway_crowd *crowd)
{
    uint32_t cap = crowd->cap ? crowd->cap * 2 : TOLD_FIRST;
    struct told *told = calloc(cap, sizeof *told);
    if (!told) return false;
    for (uint64_t i = crowd->first; i < crowd->end; i++) told[i & (cap - 1)] = *at(crowd, i);
    free(crowd->told);
    crowd->told = told;
    crowd->cap = cap;
    return true;
}

static bool is_full(const struct gateway_crowd *crowd, size_t cost)
{
    return crowd->end - crowd->first >= crowd->gw->bounds.told || crowd->bytes + cost > GATEWAY_TOLD_BYTES_MAX;
}

static void note(struct gateway_crowd *crowd, struct gateway_frame *f, bool drop_if_slow)
{
    size_t cost = gateway_frame_cost(f);
    if (drop_if_slow && is_full(crowd, cost)) return;
    while (crowd->behind && is_full(crowd, cost)) {
        bring_up(crowd, crowd->behind);
        forget(crowd);
    }
    if (crowd->end - crowd->first == crowd->cap && !grow(crowd)) {
        log_event(LOG_ERROR, "event_lost", LOG_I("clients", (int64_t)crowd->later_count), LOG_I("bytes", (int64_t)cost));
        return;
    }
    *at(crowd, crowd->end) = (struct told){ gateway_frame_keep(f), drop_if_slow };
    crowd->end++;
    crowd->bytes += cost;
    DL_CONCAT2(crowd->behind, crowd->level, crowd_prev, crowd_next);
    crowd->level = NULL;
    if (crowd->walking) return;
    crowd->walking = true;
    crowd->walk_since = crowd->stirred;
    lws_sul_schedule(crowd->gw->lws, 0, &crowd->walk, on_walk, (lws_usec_t)GATEWAY_WALK_MS * LWS_US_PER_MS);
}

void gateway_crowd_tell(struct gateway *gw, struct gateway_frame *f, bool drop_if_slow)
{
    struct gateway_client *cl, *safe;
    gw->crowd->stirred = lws_now_usecs();
    DL_FOREACH_SAFE2(gw->crowd->prompt, cl, safe, crowd_next)
    {
        gateway_client_push(cl, f, drop_if_slow);
    }
    if (gw->crowd->later_count) note(gw->crowd, f, drop_if_slow);
}
