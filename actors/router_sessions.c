/* actors/router_sessions.c -- what others ask of whole sessions: stop, stop and say when it is quiet, read the transcript again. */
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "actors/router_internal.h"
#include "base/clock.h"

static enum policy_reason reason_of(struct str name)
{
    return str_is(name, "client_gone") ? REASON_CLIENT_GONE
           : str_is(name, "timeout")   ? REASON_TIMEOUT
           : str_is(name, "stopping")  ? REASON_STOPPING
           : str_is(name, "killed")    ? REASON_KILLED
                                       : REASON_USER;
}

/* The sender's own turn with this run id; 0: none. Rare enough to look through all of them. */
static int64_t by_run_id(struct router *r, const struct msg *in)
{
    struct turn_entry *e, *safe;
    if (in->turn_abort.run_id.n == 0) return 0;
    HASH_ITER(hh, r->turns, e, safe)
    {
        if (strcmp(e->reply, in->from) == 0 && str_eq(router_said(&e->said).run_id, in->turn_abort.run_id)) return e->turn;
    }
    return 0;
}

void router_on_abort(struct router *r, const struct msg *in)
{
    const struct msg_turn_abort *a = &in->turn_abort;
    int64_t turn = a->turn ? a->turn : by_run_id(r, in);
    if (turn == 0 && a->run_id.n) return; /* it has ended */
    const struct policy_event event = {
        .kind = POLICY_ABORT, .turn = turn, .session = a->session_key, .reason = reason_of(a->reason), .cascade = true
    };
    router_step(r, &event);
}

/* --- quiet ------------------------------------------------------------------------------------------------------ */

struct quiesce { /* who waits for a session to be quiet */
    struct quiesce *prev, *next;
    char reply[MSG_NAME_MAX + 1];
    uint64_t corr, trace;
    int64_t deadline_ms; /* monotonic */
    uint64_t ping;       /* corr of the store.ping that is out; 0: none. Its answer follows the commit of every end */
    size_t key_bytes;
    char key[];
};

static void say_quiet(struct router *r, const char *to, uint64_t corr, uint64_t trace, bool quiet)
{
    struct msg m = { .kind = MSG_session_quiet, .corr = corr, .trace = trace };
    m.session_quiet.quiet = quiet;
    router_send(r, to, &m, NULL);
}

static void conclude(struct router *r, struct quiesce *q, bool quiet)
{
    say_quiet(r, q->reply, q->corr, q->trace, quiet);
    DL_DELETE(r->quiesces, q);
    r->quiesce_count--;
    free(q);
}

static struct str key_of(const struct quiesce *q)
{
    return (struct str){ q->key, q->key_bytes };
}

static void refuse(struct router *r, const struct msg *in, int code, const char *text)
{
    struct msg no = msg_error(in, code);
    no.error.text = str_of(text);
    router_send(r, in->from, &no, NULL);
}

void router_on_quiesce(struct router *r, const struct msg *in)
{
    const struct str key = in->session_quiesce.session_key;
    const struct policy_event stop = { .kind = POLICY_ABORT, .session = key, .reason = REASON_USER, .cascade = true };
    if (!policy_session_busy(r->policy, key)) {
        say_quiet(r, in->from, in->corr, in->trace, true);
        return;
    }
    if (r->quiesce_count == ROUTER_QUIESCES_MAX) {
        refuse(r, in, GW_EFULL, "too many session.quiesce wait (ROUTER_QUIESCES_MAX)");
        return;
    }
    struct quiesce *q = calloc(1, sizeof *q + key.n);
    if (!q) {
        refuse(r, in, GW_ENOMEM, err_text(GW_ENOMEM));
        return;
    }
    q->corr = in->corr;
    q->trace = in->trace;
    q->deadline_ms = clock_mono_ms() + in->session_quiesce.timeout_ms;
    q->key_bytes = key.n;
    memcpy(q->key, key.p, key.n);
    str_copy(q->reply, sizeof q->reply, str_of(in->from));
    DL_APPEND(r->quiesces, q);
    r->quiesce_count++;
    router_step(r, &stop);
}

/* Nothing runs any more; the store is asked for a sign that what it was told before, the ends, is durable. */
static void ask_store(struct router *r, struct quiesce *q)
{
    const struct child *store = router_child(r, "store");
    struct msg m = { .kind = MSG_store_ping };
    if (!store || !store->ready) return;
    m.corr = ++r->last_ping;
    if (router_send(r, "store", &m, NULL) == 0) q->ping = m.corr;
}

void router_check_quiesces(struct router *r)
{
    struct quiesce *q, *safe;
    DL_FOREACH_SAFE(r->quiesces, q, safe)
    {
        if (q->deadline_ms <= clock_mono_ms()) {
            conclude(r, q, false);
        } else if (q->ping == 0 && !policy_session_busy(r->policy, key_of(q))) {
            ask_store(r, q);
        }
    }
}

void router_on_pong(struct router *r, const struct msg *in)
{
    struct quiesce *q, *safe;
    DL_FOREACH_SAFE(r->quiesces, q, safe)
    {
        if (q->ping != in->corr) continue;
        q->ping = 0;
        if (!policy_session_busy(r->policy, key_of(q))) conclude(r, q, true); /* else somebody has submitted since */
    }
}

void router_quiesces_store_died(struct router *r)
{
    struct quiesce *q;
    DL_FOREACH(r->quiesces, q)
    {
        q->ping = 0;
    }
}

int64_t router_quiesce_next(const struct router *r)
{
    const struct quiesce *q;
    int64_t next = -1;
    DL_FOREACH(r->quiesces, q)
    {
        if (next < 0 || q->deadline_ms < next) next = q->deadline_ms;
    }
    return next;
}

void router_free_quiesces(struct router *r)
{
    struct quiesce *q, *safe;
    DL_FOREACH_SAFE(r->quiesces, q, safe)
    {
        DL_DELETE(r->quiesces, q);
        free(q);
    }
    r->quiesce_count = 0;
}

/* --- forgetting ------------------------------------------------------------------------------------------------- */

/* The session's thread forgets what it has in memory; turns that have not begun must not take their session for new. */
void router_on_forget(struct router *r, const struct msg *in)
{
    const struct str key = in->session_forget.session_key;
    struct policy_session_info info = policy_session_info(r->policy, key);
    struct turn_entry *e, *safe;
    HASH_ITER(hh, r->turns, e, safe)
    {
        if (str_eq(router_said(&e->said).session_key, key)) e->created = false;
    }
    if (info.worker < 0) return;
    char name[MSG_NAME_MAX + 1];
    struct msg m = { .kind = MSG_session_forget, .trace = in->trace }; /* no corr: during a turn it must not look like an answer */
    m.session_forget.session_key = key;
    router_worker_name(info.worker, name);
    router_send(r, name, &m, NULL);
}
