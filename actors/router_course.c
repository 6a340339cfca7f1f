#include "actors/router_course.h"

#include <stdlib.h>

void course_begin(struct course *c, int64_t now_ms)
{
    *c = (struct course){
        .accepted_ms = now_ms, .stored_ms = -1, .granted_ms = -1, .prompt_ms = -1, .first_ms = -1, .model_done_ms = -1, .finished_ms = -1
    };
}

void course_free(struct course *c)
{
    free(c->tries);
    free(c->parent);
    c->tries = NULL;
    c->parent = NULL;
    c->try_count = 0;
}

void course_stored(struct course *c, int64_t now_ms)
{
    c->stored_ms = now_ms - c->accepted_ms;
}

void course_granted(struct course *c, int64_t now_ms, int depth, struct str parent)
{
    c->granted_ms = now_ms - c->accepted_ms;
    c->depth = depth;
    if (parent.n && !c->parent) c->parent = str_dup(parent);
}

void course_asked(struct course *c, int64_t now_ms)
{
    int64_t at = now_ms - c->accepted_ms;
    if (c->prompt_ms < 0) c->prompt_ms = at;
    if (c->replied) c->tools_ms += at - c->model_done_ms;
    c->replied = false;
    c->steps++;
}

static bool is_open(const struct course *c)
{
    return c->try_count > 0 && c->tries[c->try_count - 1].ended_ms < 0;
}

/* The place of one more attempt; NULL: memory is out. */
static struct course_try *new_try(struct course *c)
{
    if (c->try_count == COURSE_TRIES_MAX) {
        c->tries_replaced++;
        return &c->tries[c->try_count - 1];
    }
    if ((c->try_count & (c->try_count - 1)) == 0) { /* 0, 1, 2, 4, 8: full */
        size_t room = c->try_count ? 2 * c->try_count : 1;
        struct course_try *grown = realloc(c->tries, room * sizeof *grown);
        if (!grown) return NULL;
        c->tries = grown;
    }
    return &c->tries[c->try_count++];
}

void course_try_begun(struct course *c, int64_t now_ms, const char *ref)
{
    course_try_ended(c, now_ms, FAILURE_none);
    struct course_try *t = new_try(c);
    if (!t) return;
    *t = (struct course_try){ .started_ms = now_ms - c->accepted_ms, .first_ms = -1, .ended_ms = -1 };
    str_copy(t->ref, sizeof t->ref, str_of(ref));
}

void course_try_ended(struct course *c, int64_t now_ms, enum failure failure)
{
    if (!is_open(c)) return;
    struct course_try *t = &c->tries[c->try_count - 1];
    t->ended_ms = now_ms - c->accepted_ms;
    t->failure = failure;
    c->model_done_ms = t->ended_ms;
}

static void note_first(struct course *c, int64_t first_ms)
{
    int64_t at = first_ms - c->accepted_ms;
    if (first_ms > 0 && at >= 0 && (c->first_ms < 0 || at < c->first_ms)) c->first_ms = at;
}

void course_replied(struct course *c, int64_t now_ms, int64_t first_ms, int64_t input_tokens, int64_t output_tokens)
{
    note_first(c, first_ms ? first_ms : now_ms);
    if (is_open(c) && first_ms > 0) c->tries[c->try_count - 1].first_ms = first_ms - c->accepted_ms;
    course_try_ended(c, now_ms, FAILURE_none);
    c->model_done_ms = now_ms - c->accepted_ms;
    c->replied = true;
    c->input_tokens += input_tokens;
    c->output_tokens += output_tokens;
}

void course_finished(struct course *c, int64_t now_ms, const struct msg_turn_done *done)
{
    note_first(c, done->first_delta_ms);
    course_try_ended(c, now_ms, done->outcome == OUTCOME_ABORTED ? FAILURE_aborted : FAILURE_none);
    c->finished_ms = now_ms - c->accepted_ms;
    if (done->input_tokens || done->output_tokens) {
        c->input_tokens = done->input_tokens;
        c->output_tokens = done->output_tokens;
    }
}

const char *course_outcome(enum turn_outcome outcome)
{
    static const char *const names[] = {
        [OUTCOME_DONE] = "done", [OUTCOME_FAILED] = "failed", [OUTCOME_ABORTED] = "aborted", [OUTCOME_DROPPED] = "dropped"
    };
    return names[outcome];
}

const struct course_try *course_last_try(const struct course *c)
{
    return c->try_count ? &c->tries[c->try_count - 1] : NULL;
}

static void past_free(struct past_turn *p)
{
    course_free(&p->course);
    free(p->run_id);
    free(p->session_key);
    free(p->agent);
    free(p->channel);
    free(p->model);
    *p = (struct past_turn){ 0 };
}

struct past_turn *course_recent_add(struct course_recent *recent)
{
    struct past_turn *p = &recent->turns[recent->count++ % COURSE_RECENT_MAX];
    past_free(p);
    return p;
}

const struct past_turn *course_recent_at(const struct course_recent *recent, size_t n)
{
    size_t kept = recent->count < COURSE_RECENT_MAX ? recent->count : COURSE_RECENT_MAX;
    return n < kept ? &recent->turns[(recent->count - 1 - n) % COURSE_RECENT_MAX] : NULL;
}

void course_recent_free(struct course_recent *recent)
{
    for (size_t i = 0; i < COURSE_RECENT_MAX; i++) past_free(&recent->turns[i]);
}
