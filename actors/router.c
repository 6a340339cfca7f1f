#include "actors/router.h"

#include <stdlib.h>
#include <utlist.h>

#include "actors/router_internal.h"
#include "base/clock.h"
#include "base/log.h"

int64_t router_wall(const struct router *r, int64_t mono_ms)
{
    return r->wall_base_ms + (mono_ms - r->mono_base_ms);
}

int64_t router_now(const struct router *r)
{
    return router_wall(r, clock_mono_ms());
}

int router_send(struct router *r, const char *to, const struct msg *m, const payload_t *payload)
{
    int rc = hub_send(r->hub, to, m, payload);
    if (rc && rc != GW_ECLOSED)
        log_event(LOG_WARN, "message_not_delivered", LOG_T("to", to), LOG_T("kind", msg_kind_name(m->kind)), LOG_T("code", err_name(rc)));
    return rc;
}

/* --- the policy ------------------------------------------------------------------------------------------------- */

void router_later(struct router *r, struct policy_event event)
{
    struct followup *f = calloc(1, sizeof *f);
    if (!f) abort(); /* an event that is lost would leak a permit; what was accepted is in the store */
    f->event = event;
    DL_APPEND(r->followups, f);
}

static void carry_out(struct router *r, const struct policy_action *a)
{
    switch (a->kind) {
    case POLICY_DO_START:
    case POLICY_DO_PARK:
    case POLICY_DO_STOP_WORKER: router_do_worker(r, a); break;
    case POLICY_DO_TRY:
    case POLICY_DO_SWITCH:
    case POLICY_DO_RETRY_LATER:
    case POLICY_DO_MODEL_FAILED:
    case POLICY_DO_MODEL_CANCEL:
    case POLICY_DO_MODEL_REFUSED:
    case POLICY_DO_COOLDOWN: router_do_model(r, a); break;
    case POLICY_DO_SPAWN_OK:
    case POLICY_DO_SPAWN_REFUSED: router_spawn_decided(r, a); break;
    case POLICY_DO_DRAINED: r->phase_deadline_ms = clock_mono_ms(); break;
    default: router_do_turn(r, a);
    }
}

static void step_once(struct router *r, const struct policy_event *event)
{
    size_t count;
    int rc = policy_step(r->policy, event, router_now(r));
    if (rc == GW_ENOMEM) abort(); /* unusable from here on; what was accepted is in the store */
    if (rc == GW_EINVAL) log_event(LOG_ERROR, "policy_event_refused", LOG_I("kind", event->kind), LOG_I("turn", event->turn));
    if (rc) return;
    const struct policy_action *actions = policy_actions(r->policy, &count);
    for (size_t i = 0; i < count; i++) carry_out(r, &actions[i]);
}

void router_step(struct router *r, const struct policy_event *event)
{
    step_once(r, event);
    while (r->followups) {
        struct followup *f = r->followups;
        DL_DELETE(r->followups, f);
        step_once(r, &f->event);
        free(f);
    }
}

/* --- start and stop --------------------------------------------------------------------------------------------- */

/* Whoever started the system may open its mailbox a moment after this; then its hello brings us here again. */
void router_tell_fault(struct router *r)
{
    struct msg m = { .kind = MSG_system_failed };
    if (r->fault_code == 0 || r->main_told) return;
    m.system_failed.code = r->fault_code;
    m.system_failed.text = str_utf8_prefix(buf_str(&r->fault), 1024);
    r->main_told = hub_send(r->hub, ROUTER_MAIN, &m, NULL) == 0;
}

void router_fail(struct router *r, int code, const char *text)
{
    log_event(LOG_ERROR, "system_failed", LOG_T("code", err_name(code)), LOG_T("reason", text));
    if (r->fault_code == 0) {
        r->fault_code = code;
        buf_text(&r->fault, text);
    }
    router_tell_fault(r);
    if (r->phase == PHASE_STOPPING) return;
    r->phase = PHASE_STOPPING;
    r->phase_deadline_ms = clock_mono_ms() + ROUTER_STOP_MS;
}

/* Everything that was asked for runs: say so, once. */
static void check_ready(struct router *r)
{
    if (r->phase != PHASE_STARTING || !r->recovered) return;
    for (size_t i = 0; i < r->child_count; i++)
        if (!r->children[i].ready) return;
    router_start_gateway(r);
    if (r->phase != PHASE_STARTING || (r->options->gateway && r->port == 0)) return;
    r->phase = PHASE_RUNNING;
    struct msg m = { .kind = MSG_system_ready };
    m.system_ready.port = r->port;
    if (!r->main_told) router_send(r, ROUTER_MAIN, &m, NULL);
    r->main_told = true;
    log_event(LOG_INFO, "system_started", LOG_I("port", r->port), LOG_I("turns_recovered", (int64_t)HASH_COUNT(r->turns)));
}

static void on_drain(struct router *r, const struct msg *in)
{
    struct msg drain = { .kind = MSG_system_drain };
    const struct policy_event stop = { .kind = POLICY_STOP_ACCEPTING };
    if (r->phase == PHASE_STOPPING) return;
    r->phase_deadline_ms = clock_mono_ms() + in->system_drain.budget_ms;
    if (r->phase == PHASE_DRAINING) return;
    log_event(LOG_INFO, "drain_started", LOG_I("budget_ms", in->system_drain.budget_ms));
    r->phase = PHASE_DRAINING;
    drain.system_drain.budget_ms = in->system_drain.budget_ms;
    if (r->options->gateway) router_send(r, "gateway", &drain, NULL);
    router_step(r, &stop);
}

static void check_deadline(struct router *r)
{
    if (r->phase_deadline_ms < 0 || clock_mono_ms() < r->phase_deadline_ms) return;
    if (r->phase == PHASE_DRAINING) {
        bool idle = policy_counts(r->policy).turns == 0;
        r->phase = PHASE_STOPPING;
        r->phase_deadline_ms = clock_mono_ms() + ROUTER_STOP_MS;
        if (!idle) router_abort_all(r);
    } else if (r->phase == PHASE_STOPPING) {
        log_event(LOG_WARN, "actors_did_not_end");
        bus_shutdown(r->bus); /* ends their waits; the caller's mailbox with them */
        r->over = true;
    }
}

/* --- answers about itself --------------------------------------------------------------------------------------- */

static void write_reasons(const struct router *r, struct buf *json)
{
    static const char *const phases[] = { "starting", NULL, "draining", "stopping" };
    buf_json_key(json, "reasons");
    buf_char(json, '[');
    if (phases[r->phase]) buf_json_str(json, str_of(phases[r->phase]));
    for (size_t i = 0; i < r->child_count; i++) {
        const struct child *c = &r->children[i];
        if (c->ready || r->phase != PHASE_RUNNING) continue;
        buf_json_comma(json);
        buf_printf(json, "\"%s %s\"", c->name, c->given_up ? "has failed too often and is not started again" : "is being started again");
    }
    buf_char(json, ']');
}

static void on_ping(struct router *r, const struct msg *in)
{
    struct policy_counts counts = policy_counts(r->policy);
    struct bus_counts bus = bus_counts(r->bus);
    struct msg m = { .kind = MSG_router_pong, .corr = in->corr, .trace = in->trace };
    struct buf json = { 0 };
    bool ready = r->phase == PHASE_RUNNING;
    for (size_t i = 0; i < r->child_count; i++) ready = ready && r->children[i].ready;
    buf_char(&json, '{');
    buf_json_pair_bool(&json, "ready", ready);
    write_reasons(r, &json);
    router_write_lanes(r, &json);
    buf_json_pair_int(&json, "turns", counts.turns);
    buf_json_pair_int(&json, "requests", counts.requests);
    buf_json_pair_int(&json, "sessions", counts.sessions);
    buf_json_pair_int(&json, "workers", counts.workers);
    buf_json_pair_int(&json, "forwarded", (int64_t)bus.forwarded);
    buf_json_pair_int(&json, "deadLetters", (int64_t)bus.dead_letters);
    buf_char(&json, '}');
    m.router_pong.json = buf_str(&json);
    router_send(r, in->from, &m, NULL);
    buf_free(&json);
}

static void on_recovered(struct router *r, const struct msg *in)
{
    if (in->store_recovered.last_turn > r->last_turn) r->last_turn = in->store_recovered.last_turn;
    if (in->store_recovered.notice.n) log_event(LOG_WARN, "store_notice", LOG_S("notice", in->store_recovered.notice));
    r->recovered = true;
}

/* --- the loop --------------------------------------------------------------------------------------------------- */

static void handle(struct router *r, struct msg *in)
{
    switch (in->kind) {
    case MSG_turn_submit: router_on_submit(r, in); break;
    case MSG_session_spawn: router_on_spawn(r, in); break;
    case MSG_store_announce: router_on_announce(r, in); break;
    case MSG_turn_take: router_on_take(r, in); break;
    case MSG_turn_pause: router_on_pause(r, in); break;
    case MSG_turn_resume: router_on_resume(r, in); break;
    case MSG_turn_abort: router_on_abort(r, in); break;
    case MSG_turn_done: router_on_turn_done(r, in); break;
    case MSG_model_request: router_on_model_request(r, in); break;
    case MSG_model_reply: router_on_model_reply(r, in); break;
    case MSG_model_failed: router_on_model_failed(r, in); break;
    case MSG_store_accepted: router_on_accepted(r, in); break;
    case MSG_store_answered: router_on_answered(r, in); break;
    case MSG_store_pending: router_on_pending(r, in); break;
    case MSG_store_recovered: on_recovered(r, in); break;
    case MSG_store_spent: router_on_spent(r, &in->store_spent); break;
    case MSG_store_cooldown: {
        struct policy_event event = { .kind = POLICY_COOLDOWN_LOADED,
                                      .until_ms = in->store_cooldown.until_ms,
                                      .errors = (int)in->store_cooldown.errors,
                                      .failure = (enum failure)in->store_cooldown.failure };
        for (size_t i = 0; i < r->child_count; i++)
            if (r->children[i].kind == CHILD_PROVIDER && str_eq(r->children[i].provider_id, in->store_cooldown.provider)) {
                event.provider = r->children[i].provider;
                router_step(r, &event);
            }
        break;
    }
    case MSG_store_finished: router_on_finished(r, in); break;
    case MSG_actor_hello: router_on_hello(r, in); break;
    case MSG_actor_ended: router_on_ended(r, in); break;
    case MSG_gateway_listening: r->port = (int)in->gateway_listening.port; break;
    case MSG_system_drain: on_drain(r, in); break;
    case MSG_config_changed: router_on_config_changed(r); break;
    case MSG_channel_want: router_on_channel_want(r, in); break;
    case MSG_router_ping: on_ping(r, in); break;
    case MSG_router_status: router_on_status(r, in); break;
    case MSG_session_quiesce: router_on_quiesce(r, in); break;
    case MSG_session_forget: router_on_forget(r, in); break;
    case MSG_store_pong: router_on_pong(r, in); break;
    case MSG_error:
        log_event(LOG_WARN, "error_received", LOG_T("from", in->from), LOG_I("code", in->error.code), LOG_S("text", in->error.text));
        break;
    default: log_event(LOG_WARN, "message_unexpected", LOG_T("from", in->from), LOG_T("kind", msg_kind_name(in->kind)));
    }
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < 0 ? b : b < 0 || a < b ? a : b;
}

/* Milliseconds until something is due; -1: nothing is. */
static int wait_ms(const struct router *r)
{
    int64_t due = policy_next_due(r->policy); /* in the policy's clock */
    if (due >= 0) due = due - r->wall_base_ms + r->mono_base_ms;
    due = sooner(due, router_restart_next(r));
    due = sooner(due, router_quiesce_next(r));
    due = sooner(due, r->phase_deadline_ms);
    return clock_left_ms(due);
}

static void loop(struct router *r)
{
    static const struct policy_event tick = { .kind = POLICY_TICK };
    struct msg in;
    while (!r->over) {
        int rc = hub_recv(r->hub, wait_ms(r), &in);
        if (rc == GW_ECLOSED) return; /* shut down: the actors see it, too */
        if (rc == 0) handle(r, &in);
        msg_clear(&in);
        int64_t due = policy_next_due(r->policy);
        if (due >= 0 && due <= router_now(r)) router_step(r, &tick);
        router_restart_due(r);
        router_check_quiesces(r);
        router_config_settle(r);
        check_ready(r);
        check_deadline(r);
        if (r->phase == PHASE_STOPPING && (r->fault_code == 0 || r->main_told)) router_stop_children(r);
    }
}

static void say_stopped(struct router *r)
{
    struct msg m = { .kind = MSG_system_stopped };
    hub_send(r->hub, ROUTER_MAIN, &m, NULL);
}

static void close_router(struct router *r)
{
    router_join_all(r);
    router_free_turns(r);
    router_free_requests(r);
    router_free_quiesces(r);
    course_recent_free(&r->recent);
    policy_destroy(&r->policy);
    buf_free(&r->fault);
    free(r->workers);
    config_unref(&r->booted);
    config_unref(&r->options->config);
    free(r->options->state_dir);
    free(r->options->token);
    free(r->options->config_note);
    free(r->options->config_path);
    free(r->options);
}

int router_run(hub_t *hub, void *arg)
{
    struct router r = { .options = arg, .hub = hub, .phase_deadline_ms = -1 };
    r.bus = r.options->bus;
    r.config = r.options->config;
    r.wall_base_ms = clock_wall_ms();
    r.mono_base_ms = clock_mono_ms();
    router_config_begin(&r);
    struct policy_limits limits = router_limits(r.config);
    int rc = policy_create(&limits, &r.policy);
    if (rc == 0) rc = router_start_children(&r);
    if (rc == 0) loop(&r);
    if (rc == 0) say_stopped(&r);
    close_router(&r);
    return rc;
}
