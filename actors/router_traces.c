/* actors/router_traces.c -- what the traces actor hears from the router: how long a turn waited, when it starts; itself and its calls of
 * models, when it has ended. Tools and deliveries are told by those who carry them out. */
#include "actors/router_internal.h"
#include "actors/traces.h"

/* A turn, while it is in hand or after. */
struct traced {
    int64_t turn;
    uint64_t trace;
    const struct course *course;
};

static void send_span(struct router *r, const struct traced *t, struct msg_trace_span span, const struct buf *attributes)
{
    struct msg m = { .kind = MSG_trace_span, .trace = t->trace };
    span.turn = t->turn;
    span.begin_ms = router_wall(r, t->course->accepted_ms + span.begin_ms);
    span.end_ms = router_wall(r, t->course->accepted_ms + span.end_ms);
    if (attributes && attributes->err == 0 && attributes->n <= TRACES_ATTRIBUTES_MAX) span.attributes = buf_str(attributes);
    m.trace_span = span;
    hub_send(r->hub, TRACES_NAME, &m, NULL); /* a full mailbox: the collector does not keep up, and this is lost */
}

/* From one of its times to another; -1: has not happened. */
static void part(struct router *r, const struct traced *t, const char *name, int64_t from_ms, int64_t to_ms)
{
    if (from_ms < 0 || to_ms < 0) return;
    send_span(r, t, (struct msg_trace_span){ .name = str_of(name), .begin_ms = from_ms, .end_ms = to_ms }, NULL);
}

static void attempt(struct router *r, const struct traced *of, const struct course_try *t)
{
    struct buf attributes = { 0 };
    struct str model = str_of(t->ref), provider = str_split(&model, '/');
    trace_text(&attributes, "openclaw.provider", provider);
    trace_text(&attributes, "openclaw.model", model);
    if (t->first_ms >= 0) trace_int(&attributes, "openclaw.firstByteMs", t->first_ms - t->started_ms);
    send_span(r, of,
              (struct msg_trace_span){ .name = STR("openclaw.model.usage"),
                                       .begin_ms = t->started_ms,
                                       .end_ms = t->ended_ms < 0 ? of->course->finished_ms : t->ended_ms,
                                       .error = str_of(t->failure ? failure_name(t->failure) : "") },
              &attributes);
    buf_free(&attributes);
}

static void whole(struct router *r, const struct traced *t, const struct past_turn *p, int64_t cause)
{
    const struct course *c = &p->course;
    struct buf attributes = { 0 };
    trace_text(&attributes, "openclaw.channel", str_utf8_prefix(str_of(p->channel), 64));
    trace_text(&attributes, "openclaw.sessionKey", str_of(p->session_key));
    trace_text(&attributes, "openclaw.agent", str_of(p->agent));
    trace_text(&attributes, "openclaw.runId", str_of(p->run_id));
    trace_text(&attributes, "openclaw.lane", str_of(policy_lane_name((enum policy_lane)p->lane)));
    trace_text(&attributes, "openclaw.model", str_of(p->model));
    trace_text(&attributes, "openclaw.outcome", str_of(course_outcome(p->outcome)));
    trace_int(&attributes, "openclaw.depth", c->depth);
    trace_int(&attributes, "openclaw.tokens.input", c->input_tokens);
    trace_int(&attributes, "openclaw.tokens.output", c->output_tokens);
    send_span(r, t,
              (struct msg_trace_span){ .own = 1,
                                       .cause = cause,
                                       .name = STR("openclaw.message.processed"),
                                       .end_ms = c->finished_ms,
                                       .error = str_of(p->outcome == OUTCOME_DONE ? "" : course_outcome(p->outcome)) },
              &attributes);
    buf_free(&attributes);
}

/* Already now, so that its trace is known to whoever delivers its answer, however early. */
void router_trace_start(struct router *r, const struct turn_entry *e)
{
    const struct traced t = { e->turn, e->said.trace, &e->course };
    if (!r->traced) return;
    part(r, &t, "openclaw.store.accept", 0, e->course.stored_ms);
    part(r, &t, "openclaw.lane.wait", e->course.stored_ms, e->course.granted_ms);
}

void router_trace_turn(struct router *r, const struct past_turn *p, int64_t cause)
{
    const struct course *c = &p->course;
    const struct traced t = { p->turn, p->trace, c };
    if (!r->traced) return;
    whole(r, &t, p, cause);
    if (c->granted_ms < 0) part(r, &t, "openclaw.store.accept", 0, c->stored_ms); /* it never started */
    for (size_t i = 0; i < c->try_count; i++) attempt(r, &t, &c->tries[i]);
}

/* The turn of the session that sent this; 0: it came from elsewhere. */
int64_t router_cause(const struct router *r, const struct msg *in)
{
    int worker = router_worker_of(in->from);
    return worker < 0 ? 0 : policy_worker_info(r->policy, worker).turn;
}

/* A result is told in the trace of what led to it, while its turn is remembered. */
void router_trace_announce(const struct router *r, struct turn_entry *e)
{
    const struct past_turn *p;
    for (size_t i = 0; (p = course_recent_at(&r->recent, i)) != NULL; i++) {
        if (!str_eq(str_of(p->session_key), e->said.store_announce.child)) continue;
        e->said.trace = p->trace;
        e->cause = p->turn;
        return;
    }
}
