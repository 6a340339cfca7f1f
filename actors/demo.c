#include "providers/demo.h"

#include <stdlib.h>
#include <utlist.h>

#include "actors/attempt.h"
#include "actors/model.h"
#include "base/arena.h"
#include "base/clock.h"

/* One script being played. */
struct play {
    struct play *prev, *next;
    struct attempt attempt;
    struct demo_script script;
    size_t at;      /* the step to play next */
    int64_t due_ms; /* monotonic */
};

struct stage {
    mailbox_t *mailbox;
    struct play *plays;
    size_t count;
};

static void play_free(struct stage *s, struct play *p)
{
    DL_DELETE(s->plays, p);
    s->count--;
    attempt_close(&p->attempt);
    demo_script_free(&p->script);
    free(p);
}

/* Play every step that is due. @return false when the script is over and freed */
static bool advance(struct stage *s, struct play *p, int64_t now)
{
    while (p->at < p->script.count && p->due_ms <= now) {
        int rc = demo_feed(p->attempt.stream, &p->script, &p->script.steps[p->at++]);
        if (rc || model_stream_complete(p->attempt.stream)) p->at = p->script.count;
        if (p->at < p->script.count) p->due_ms += p->script.steps[p->at].delay_ms;
    }
    attempt_flush(&p->attempt);
    if (p->at < p->script.count) return true;
    attempt_finish(&p->attempt, FAILURE_none, STR(""));
    play_free(s, p);
    return false;
}

static void start(struct stage *s, const struct msg *in)
{
    static const struct provider_endpoint endpoint = { .id = { "demo", 4 } };
    struct arena arena = { 0 };
    struct model_request request;
    if (s->count >= MODEL_WAITING_MAX) {
        attempt_refuse(s->mailbox, in, FAILURE_overloaded, "too many demo requests at once (MODEL_WAITING_MAX)");
        return;
    }
    struct play *p = calloc(1, sizeof *p);
    int rc = p ? attempt_request(in, STR("demo"), &arena, &request) : GW_ENOMEM;
    if (rc == 0) rc = attempt_open(&p->attempt, s->mailbox, in, provider_find(STR("demo")), &endpoint, &request);
    if (rc == 0) rc = demo_script(&request, &p->script);
    arena_free(&arena);
    if (rc) {
        attempt_refuse(s->mailbox, in, FAILURE_server, err_text(rc));
        if (p) attempt_close(&p->attempt);
        free(p);
        return;
    }
    DL_APPEND(s->plays, p);
    s->count++;
    int64_t now = clock_mono_ms();
    p->due_ms = now + (p->script.count ? p->script.steps[0].delay_ms : 0);
    advance(s, p, now);
}

static void cancel(struct stage *s, int64_t request)
{
    struct play *p, *safe;
    DL_FOREACH_SAFE(s->plays, p, safe)
    {
        if (p->attempt.request == request) play_free(s, p);
    }
}

/* Milliseconds until a step is due; -1: none. */
static int play_due(struct stage *s)
{
    int64_t now = clock_mono_ms(), soonest = -1;
    struct play *p, *safe;
    DL_FOREACH_SAFE(s->plays, p, safe)
    {
        if (p->due_ms <= now && !advance(s, p, now)) continue;
        if (soonest < 0 || p->due_ms < soonest) soonest = p->due_ms;
    }
    return clock_left_ms(soonest);
}

int demo_actor(mailbox_t *mb, void *arg)
{
    struct model_options *options = arg;
    struct stage stage = { .mailbox = mb };
    struct msg in;
    int rc = 0;
    for (bool stop = false; !stop && rc == 0;) {
        rc = mailbox_recv(mb, play_due(&stage), &in);
        if (rc == GW_ETIMEOUT || rc == GW_EBADMSG) rc = 0;
        if (in.kind == MSG_model_try) start(&stage, &in);
        if (in.kind == MSG_model_cancel) cancel(&stage, in.model_cancel.request);
        stop = in.kind == MSG_actor_stop;
        msg_clear(&in);
    }
    while (stage.plays) play_free(&stage, stage.plays);
    config_unref(&options->config);
    free(options);
    return rc == GW_ECLOSED ? 0 : rc;
}
