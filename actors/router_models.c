/* actors/router_models.c -- model requests between their session, the policy and the providers. */
#include <stdio.h>
#include <stdlib.h>

#include "actors/router_internal.h"
#include "base/clock.h"
#include "base/log.h"

static struct request_entry *find(struct router *r, int64_t request)
{
    struct request_entry *e;
    HASH_FIND(hh, r->requests, &request, sizeof request, e);
    return e;
}

static void free_entry(struct router *r, struct request_entry *e)
{
    HASH_DEL(r->requests, e);
    for (size_t i = 0; i < e->count; i++) buf_free(&e->candidates[i].text);
    payload_free(&e->prompt);
    free(e);
}

void router_free_requests(struct router *r)
{
    struct request_entry *e, *safe;
    HASH_ITER(hh, r->requests, e, safe)
    {
        free_entry(r, e);
    }
}

/* --- in --------------------------------------------------------------------------------------------------------- */

/* Which provider a ref names, and whether it can be asked at all. */
static void resolve(struct router *r, struct candidate_entry *c)
{
    struct model_ref ref;
    c->provider = -1;
    c->why_not = "is not a model reference (provider/model)";
    if (model_ref_parse(str_of(c->ref), &ref) != 0) return;
    c->model = ref.model;
    const struct config_provider *p = config_provider_find(r->config, ref.provider);
    c->why_not = "no such provider is configured";
    if (!p) return;
    c->why_not = "no API key is set for it";
    if (p->key_env && p->api_key.n == 0) return;
    c->why_not = "its provider is not running";
    for (size_t i = 0; i < r->child_count; i++)
        if (r->children[i].kind == CHILD_PROVIDER && !r->children[i].retiring && str_eq(r->children[i].provider_id, ref.provider))
            c->provider = r->children[i].provider;
}

static uint64_t hash(struct str s)
{
    uint64_t h = 1469598103934665603u; /* FNV-1a, 64 bits */
    for (size_t i = 0; i < s.n; i++) h = (h ^ (unsigned char)s.p[i]) * 1099511628211u;
    return h;
}

static size_t count_lines(struct str list)
{
    size_t lines = 0;
    while (list.p && lines < POLICY_CANDIDATES_MAX) lines += str_split(&list, '\n').n > 0;
    return lines;
}

/* Room for as many candidates as the list has, at most POLICY_CANDIDATES_MAX. NULL: memory is out */
static struct request_entry *new_entry(struct router *r, struct str list)
{
    size_t lines = count_lines(list);
    struct request_entry *e = calloc(1, sizeof *e + lines * sizeof e->candidates[0]);
    if (!e) return NULL;
    while (list.p && e->count < lines) {
        struct str line = str_split(&list, '\n');
        if (line.n == 0) continue;
        struct candidate_entry *c = &e->candidates[e->count++];
        str_copy(c->ref, sizeof c->ref, line); /* one that is too long becomes empty, which is no reference */
        resolve(r, c);
    }
    return e;
}

static struct child *host_of(struct router *r, int provider)
{
    for (size_t i = 0; i < r->child_count; i++)
        if (r->children[i].kind == CHILD_PROVIDER && r->children[i].provider == provider) return &r->children[i];
    return NULL;
}

static void ask_policy(struct router *r, const struct request_entry *e)
{
    struct policy_candidate candidates[POLICY_CANDIDATES_MAX];
    for (size_t i = 0; i < e->count; i++)
        candidates[i] = (struct policy_candidate){ e->candidates[i].provider, hash(e->candidates[i].model) };
    const struct policy_event event = { .kind = POLICY_MODEL_REQUEST,
                                        .day = router_day(),
                                        .request = e->request,
                                        .turn = e->turn,
                                        .candidates = candidates,
                                        .candidate_count = e->count };
    router_step(r, &event);
}

/* Whether a thread that a new configuration began has not said hello yet: a matter of moments, and no reason to fail. */
static bool names_one_that_starts(struct router *r, const struct request_entry *e)
{
    for (size_t i = 0; i < e->count; i++) {
        const struct child *c = host_of(r, e->candidates[i].provider);
        if (c && c->actor && !c->ready) return true;
    }
    return false;
}

void router_release_requests(struct router *r)
{
    struct request_entry *e = r->requests;
    while (e) {
        bool go = e->held && !names_one_that_starts(r, e);
        if (!go) {
            e = e->hh.next;
            continue;
        }
        e->held = false;
        for (size_t i = 0; i < e->count; i++) resolve(r, &e->candidates[i]); /* the configuration may be another one */
        ask_policy(r, e);
        e = r->requests; /* the step may have ended any of them */
    }
}

void router_on_model_request(struct router *r, const struct msg *in)
{
    struct request_entry *e = new_entry(r, in->model_request.candidates);
    if (!e) {
        struct msg no = msg_error(in, GW_ENOMEM);
        router_send(r, in->from, &no, NULL);
        return;
    }
    e->request = ++r->last_request;
    e->turn = in->model_request.turn;
    e->corr = in->corr;
    e->trace = in->trace;
    e->deadline_ms = in->model_request.timeout_ms ? clock_mono_ms() + in->model_request.timeout_ms : -1;
    e->stream = in->model_request.stream != 0;
    e->prompt = payload_keep(in);
    str_copy(e->session, sizeof e->session, str_of(in->from));
    HASH_ADD(hh, r->requests, request, sizeof e->request, e);
    struct turn_entry *turn = router_turn(r, e->turn);
    if (turn) course_asked(&turn->course, clock_mono_ms());
    e->held = names_one_that_starts(r, e);
    if (!e->held) ask_policy(r, e);
}

static void try_ended(struct router *r, const struct request_entry *e, enum failure failure)
{
    struct turn_entry *turn = router_turn(r, e->turn);
    if (turn) course_try_ended(&turn->course, clock_mono_ms(), failure);
}

void router_on_model_reply(struct router *r, const struct msg *in)
{
    struct request_entry *e = find(r, in->model_reply.request);
    if (!e) return; /* cancelled meanwhile */
    struct msg m = { .kind = MSG_model_reply, .corr = e->corr, .trace = e->trace };
    payload_t *message = payload_keep(in);
    m.model_reply.model = str_of(e->candidates[e->trying].ref);
    router_send(r, e->session, &m, message);
    payload_free(&message);
    router_on_paid(r, e->turn, e->candidates[e->trying].ref, in->model_reply.input_tokens, in->model_reply.output_tokens);
    struct turn_entry *turn = router_turn(r, e->turn);
    if (turn)
        course_replied(&turn->course, clock_mono_ms(), in->model_reply.first_ms, in->model_reply.input_tokens,
                       in->model_reply.output_tokens);
    const struct policy_event event = { .kind = POLICY_MODEL_OK, .request = e->request, .attempt = (int)in->corr };
    free_entry(r, e);
    router_step(r, &event);
}

void router_on_model_failed(struct router *r, const struct msg *in)
{
    const struct msg_model_failed *f = &in->model_failed;
    struct request_entry *e = find(r, f->request);
    if (!e) return;
    struct candidate_entry *c = &e->candidates[e->trying];
    buf_clear(&c->text);
    buf_add(&c->text, f->text);
    e->http_status = (int)f->http_status;
    try_ended(r, e, (enum failure)f->failure);
    log_event(LOG_WARN, "model_attempt_failed", LOG_I("turn", e->turn), LOG_T("model", c->ref),
              LOG_T("class", failure_name((enum failure)f->failure)), LOG_I("status", f->http_status), LOG_S("text", f->text));
    const struct policy_event event = { .kind = POLICY_MODEL_FAILED,
                                        .request = e->request,
                                        .attempt = (int)in->corr,
                                        .failure = (enum failure)f->failure,
                                        .retry_after_ms = f->retry_after_ms,
                                        .visible = f->visible != 0 };
    router_step(r, &event);
}

/* --- out -------------------------------------------------------------------------------------------------------- */

/* A candidate that never answers must leave time for those after it. 0: the last one, or no limit. */
static int64_t share_of_time(const struct request_entry *e, int candidate)
{
    size_t after = e->count - (size_t)candidate - 1;
    int left = clock_left_ms(e->deadline_ms);
    return after == 0 || left < 0 ? 0 : left / (int)(after + 1) + 1;
}

/* corr carries the policy's number of the attempt, so that a late answer of an earlier one is known as such. */
static void try_candidate(struct router *r, struct request_entry *e, const struct policy_action *a)
{
    struct child *host = host_of(r, a->provider);
    struct msg m = { .kind = MSG_model_try, .corr = (uint64_t)a->attempt, .trace = e->trace };
    e->trying = a->candidate;
    m.model_try.request = e->request;
    m.model_try.model = e->candidates[a->candidate].model;
    m.model_try.session = str_of(e->session);
    m.model_try.session_corr = (int64_t)e->corr;
    m.model_try.first_byte_ms = share_of_time(e, a->candidate);
    m.model_try.stream = e->stream;
    struct turn_entry *turn = router_turn(r, e->turn);
    if (turn) course_try_begun(&turn->course, clock_mono_ms(), e->candidates[a->candidate].ref);
    int rc = host ? router_send(r, host->name, &m, e->prompt) : GW_ENOPEER;
    if (rc == 0) return;
    buf_clear(&e->candidates[a->candidate].text);
    buf_text(&e->candidates[a->candidate].text, rc == GW_EFULL ? "its queue is full" : "it is not running");
    router_later(r, (struct policy_event){ .kind = POLICY_MODEL_FAILED,
                                           .request = e->request,
                                           .attempt = a->attempt,
                                           .failure = rc == GW_EFULL ? FAILURE_overloaded : FAILURE_network,
                                           .retry_after_ms = -1 });
}

static void tell_switch(struct router *r, const struct request_entry *e, const struct policy_action *a)
{
    struct msg m = { .kind = MSG_model_switched, .corr = e->corr, .trace = e->trace };
    m.model_switched.from = str_of(a->from >= 0 ? e->candidates[a->from].ref : "");
    m.model_switched.to = str_of(e->candidates[a->candidate].ref);
    m.model_switched.failure = a->failure;
    router_send(r, e->session, &m, NULL);
    log_event(LOG_INFO, "model_switched", LOG_I("turn", e->turn), LOG_S("from", m.model_switched.from), LOG_S("to", m.model_switched.to),
              LOG_T("class", failure_name(a->failure)));
}

static void describe(struct router *r, const struct candidate_entry *c, const struct policy_tried *t, struct buf *out)
{
    buf_printf(out, "%s: ", c->ref);
    switch (t->fate) {
    case POLICY_TRIED:
        buf_add(out, c->text.n ? buf_str(&c->text) : STR("failed"));
        buf_printf(out, " (%s)", failure_name(t->failure));
        break;
    case POLICY_SKIPPED_COOLING: {
        int64_t left = (t->until_ms - router_now(r) + 999) / 1000;
        buf_printf(out, "cooling down for %lld s more (%s)", (long long)(left > 0 ? left : 0), failure_name(t->failure));
        break;
    }
    case POLICY_SKIPPED_DOWN: buf_text(out, "its provider is not running"); break;
    case POLICY_SKIPPED_UNKNOWN: buf_text(out, c->why_not); break;
    case POLICY_SKIPPED_DUPLICATE: buf_text(out, "named twice"); break;
    default: buf_text(out, "not tried");
    }
}

/* Each candidate with its reason, in one line (reference agent-runtime 6). */
static void summarise(struct router *r, const struct request_entry *e, const struct policy_action *a, struct buf *out)
{
    buf_printf(out, "All models failed (%d): ", a->tried_count);
    for (int i = 0; i < a->tried_count && (size_t)i < e->count; i++) {
        if (i) buf_text(out, " | ");
        describe(r, &e->candidates[i], &a->tried[i], out);
    }
}

static void tell_failed(struct router *r, struct request_entry *e, enum failure failure, struct str text, bool visible)
{
    struct msg m = { .kind = MSG_model_failed, .corr = e->corr, .trace = e->trace };
    m.model_failed.failure = failure ? failure : FAILURE_no_provider;
    m.model_failed.http_status = e->http_status;
    m.model_failed.retry_after_ms = -1;
    m.model_failed.visible = visible;
    m.model_failed.text = str_utf8_prefix(text, 8192);
    router_send(r, e->session, &m, NULL);
    free_entry(r, e);
}

static void cancel(struct router *r, struct request_entry *e, const struct policy_action *a)
{
    struct child *host = host_of(r, a->provider);
    struct msg m = { .kind = MSG_model_cancel };
    m.model_cancel.request = e->request;
    if (host && a->attempt > 0) router_send(r, host->name, &m, NULL);
    free_entry(r, e);
}

static void keep_cooldown(struct router *r, const struct policy_action *a)
{
    struct policy_provider_info info;
    struct msg m = { .kind = MSG_store_cooldown };
    if (policy_provider_info(r->policy, a->provider, &info) != 0) return;
    m.store_cooldown = (struct msg_store_cooldown){
        .provider = str_utf8_prefix(info.name, 64), .until_ms = a->until_ms, .errors = a->errors, .failure = a->failure
    };
    router_send(r, "store", &m, NULL);
}

void router_do_model(struct router *r, const struct policy_action *a)
{
    struct request_entry *e = find(r, a->request);
    struct buf text = { 0 };
    if (a->kind == POLICY_DO_COOLDOWN) keep_cooldown(r, a);
    if (!e) return;
    switch (a->kind) {
    case POLICY_DO_TRY: try_candidate(r, e, a); break;
    case POLICY_DO_SWITCH:
        try_ended(r, e, a->failure); /* unless the provider told so itself */
        tell_switch(r, e, a);
        break;
    case POLICY_DO_MODEL_FAILED:
        try_ended(r, e, a->failure);
        summarise(r, e, a, &text);
        tell_failed(r, e, a->failure, buf_str(&text), a->visible);
        break;
    case POLICY_DO_MODEL_CANCEL: cancel(r, e, a); break;
    case POLICY_DO_MODEL_REFUSED:
        if (a->reason == REASON_BUDGET)
            router_write_budget(a, &text);
        else
            buf_printf(&text, "the model request was refused: %s", policy_reason_name(a->reason));
        tell_failed(r, e, a->reason == REASON_BUDGET ? FAILURE_budget : FAILURE_server, buf_str(&text), false);
        break;
    default: break; /* DO_RETRY_LATER: the policy's own timer brings DO_TRY */
    }
    buf_free(&text);
}
