/* Who waits for a session to be quiet, at the bound: the router's part alone, on a hub that the test runs itself. */
#include <criterion/criterion.h>

#include "actors/router_internal.h"

#define KEY "agent:main:main"

enum { WAIT_MS = 10000 };

/* Lets the test see what it is told: the same message, back to the router. */
static int mirror_step(void *self, const struct msg *in, const struct post *post)
{
    (void)self;
    return post->send(post->ctx, HUB_NAME, in);
}

static int mirror(mailbox_t *mb, void *arg)
{
    return serve(mb, arg, mirror_step);
}

struct stage {
    struct router r;
    actor_t *asker;
};

static int64_t policy_event_at;

static void policy_does(struct stage *s, struct policy_event event)
{
    cr_assert(policy_step(s->r.policy, &event, ++policy_event_at) == 0);
}

/* A router whose only turn runs and will not end by itself. */
static void begin(struct stage *s)
{
    const struct policy_limits limits = policy_limits_default();
    struct msg hello;
    *s = (struct stage){ .r = { .phase = PHASE_RUNNING, .phase_deadline_ms = -1 } };
    cr_assert(bus_create(&s->r.bus) == 0 && hub_open(s->r.bus, &s->r.hub) == 0 && policy_create(&limits, &s->r.policy) == 0);
    cr_assert(actor_spawn(s->r.bus, "asker", 0, mirror, NULL, &s->asker) == 0);
    cr_assert(hub_recv(s->r.hub, WAIT_MS, &hello) == 0);
    msg_clear(&hello);
    policy_does(s, (struct policy_event){ .kind = POLICY_SUBMIT, .turn = 1, .session = STR(KEY), .agent = STR("main") });
    policy_does(s, (struct policy_event){ .kind = POLICY_STORED, .turn = 1, .ok = true });
    policy_does(s, (struct policy_event){ .kind = POLICY_WORKER_READY, .worker = 0 });
}

static void end(struct stage *s)
{
    router_free_quiesces(&s->r);
    policy_destroy(&s->r.policy);
    bus_shutdown(s->r.bus);
    actor_join(&s->asker);
    hub_close(&s->r.hub);
    bus_destroy(&s->r.bus);
}

static void quiesce(struct stage *s, int64_t timeout_ms, uint64_t corr)
{
    struct msg in = { .kind = MSG_session_quiesce, .corr = corr, .from = "asker" };
    in.session_quiesce.session_key = STR(KEY);
    in.session_quiesce.timeout_ms = timeout_ms;
    router_on_quiesce(&s->r, &in);
}

/* What the asker was told. */
static struct msg told(struct stage *s)
{
    struct msg m;
    int rc = hub_recv(s->r.hub, WAIT_MS, &m);
    cr_assert(rc == 0, "%s", err_name(rc));
    return m;
}

Test(router_sessions, refuses_one_waiter_for_quiet_too_many_by_name, .timeout = 20)
{
    struct stage s;
    begin(&s);
    for (uint64_t i = 1; i <= ROUTER_QUIESCES_MAX; i++) quiesce(&s, 60000, i);
    cr_assert(s.r.quiesce_count == 64);
    quiesce(&s, 60000, 65);
    cr_assert(s.r.quiesce_count == 64);
    struct msg m = told(&s);
    cr_assert(m.kind == MSG_error && m.corr == 65 && m.error.code == GW_EFULL);
    cr_assert(str_find(m.error.text, STR("ROUTER_QUIESCES_MAX")) > 0);
    msg_clear(&m);
    end(&s);
}

Test(router_sessions, a_waiter_whose_time_is_over_makes_room, .timeout = 20)
{
    struct stage s;
    begin(&s);
    quiesce(&s, 60000, 1);
    quiesce(&s, 1, 2);
    cr_assert(router_quiesce_next(&s.r) >= 0);
    while (s.r.quiesce_count == 2) router_check_quiesces(&s.r);
    struct msg m = told(&s);
    cr_assert(m.kind == MSG_session_quiet && m.corr == 2 && m.session_quiet.quiet == 0);
    msg_clear(&m);
    end(&s);
}

Test(router_sessions, is_quiet_only_once_the_store_has_confirmed, .timeout = 20)
{
    struct stage s;
    struct child store = { .kind = CHILD_STORE, .name = "store", .restart_ms = -1 };
    begin(&s);
    s.r.children = &store;
    s.r.child_count = 1;
    quiesce(&s, 60000, 1);
    policy_does(&s, (struct policy_event){ .kind = POLICY_TURN_DONE, .turn = 1, .outcome = POLICY_ABORTED });
    router_check_quiesces(&s.r);
    cr_assert(s.r.quiesce_count == 1 && s.r.last_ping == 0, "nothing runs any more, but the store is away");
    cr_assert(actor_spawn(s.r.bus, "store", 0, mirror, NULL, &store.actor) == 0);
    struct msg m = told(&s);
    cr_assert(m.kind == MSG_actor_hello);
    msg_clear(&m);
    store.ready = true;
    router_check_quiesces(&s.r);
    router_check_quiesces(&s.r); /* asks once */
    m = told(&s);
    cr_assert(m.kind == MSG_store_ping && m.corr == 1 && s.r.last_ping == 1 && s.r.quiesce_count == 1);
    m.kind = MSG_store_pong;
    router_on_pong(&s.r, &m);
    msg_clear(&m);
    m = told(&s);
    cr_assert(m.kind == MSG_session_quiet && m.session_quiet.quiet == 1 && s.r.quiesce_count == 0);
    msg_clear(&m);
    bus_shutdown(s.r.bus);
    actor_join(&store.actor);
    end(&s);
}
