#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>

#include "bus/hub.h"
#include "tests/support/rig.h"

/* Answers router.ping with router.pong, like the router itself. */
static int echo_step(void *self, const struct msg *in, const struct post *post)
{
    (void)self;
    struct msg out = { .kind = MSG_router_pong, .corr = in->corr };
    if (in->kind != MSG_router_ping) return GW_EINVAL;
    out.router_pong.json = STR("{\"echo\":true}");
    return post->send(post->ctx, in->from, &out);
}

static int echo_actor(mailbox_t *mb, void *arg)
{
    return serve(mb, arg, echo_step);
}

/* Never answers, until it is told to stop. */
static int deaf_actor(mailbox_t *mb, void *arg)
{
    (void)arg;
    struct msg m;
    for (bool stop = false; !stop; msg_clear(&m)) {
        if (mailbox_recv(mb, -1, &m) != 0) return 0;
        stop = m.kind == MSG_actor_stop;
    }
    return 0;
}

Test(bus, carries_a_question_and_its_answer, .timeout = 20)
{
    rig_t *rig = rig_start();
    rig_spawn(rig, "echo", echo_actor, NULL);
    struct msg a = rig_ask(rig, "echo", (struct msg){ .kind = MSG_router_ping });
    cr_assert(a.kind == MSG_router_pong && str_is(a.router_pong.json, "{\"echo\":true}"));
    cr_assert_str_eq(a.from, "echo");
    msg_clear(&a);
    rig_stop(&rig);
}

Test(bus, tells_the_sender_of_an_absent_actor, .timeout = 20)
{
    rig_t *rig = rig_start();
    struct msg a, q = { .kind = MSG_router_ping };
    cr_assert(mailbox_ask(rig_mailbox(rig), "nobody", &q, RIG_WAIT_MS, &a) == GW_ENOPEER);
    cr_assert(bus_counts(rig_bus(rig)).dead_letters == 1);
    rig_stop(&rig);
}

Test(bus, an_unexpected_kind_is_answered_with_an_error, .timeout = 20)
{
    rig_t *rig = rig_start();
    rig_spawn(rig, "echo", echo_actor, NULL);
    struct msg a, q = { .kind = MSG_store_ping };
    cr_assert(mailbox_ask(rig_mailbox(rig), "echo", &q, RIG_WAIT_MS, &a) == GW_EINVAL);
    rig_stop(&rig);
}

Test(bus, refuses_a_second_mailbox_of_one_name, .timeout = 20)
{
    rig_t *rig = rig_start();
    mailbox_t *second;
    cr_assert(mailbox_open(rig_bus(rig), "test", 0, &second) == GW_EEXIST && second == NULL);
    cr_assert(mailbox_open(rig_bus(rig), "", 0, &second) == GW_EINVAL);
    cr_assert(mailbox_open(rig_bus(rig), HUB_NAME, 0, &second) == GW_EINVAL);
    rig_stop(&rig);
}

Test(bus, a_name_is_free_again_after_closing, .timeout = 20)
{
    rig_t *rig = rig_start();
    for (int i = 0; i < 100; i++) {
        mailbox_t *mb;
        cr_assert(mailbox_open(rig_bus(rig), "again", 0, &mb) == 0);
        struct msg a, q = { .kind = MSG_router_ping };
        cr_assert(mailbox_ask(mb, "router", &q, RIG_WAIT_MS, &a) == 0);
        msg_clear(&a);
        mailbox_close(&mb);
    }
    rig_stop(&rig);
}

Test(bus, a_question_times_out, .timeout = 20)
{
    rig_t *rig = rig_start();
    rig_spawn(rig, "deaf", deaf_actor, NULL);
    struct msg a, q = { .kind = MSG_router_ping };
    cr_assert(mailbox_ask(rig_mailbox(rig), "deaf", &q, 20, &a) == GW_ETIMEOUT);
    rig_stop(&rig);
}

Test(bus, an_abort_ends_a_wait_and_stays_to_be_received, .timeout = 20)
{
    rig_t *rig = rig_start();
    rig_spawn(rig, "deaf", deaf_actor, NULL);
    mailbox_t *other;
    cr_assert(mailbox_open(rig_bus(rig), "other", 0, &other) == 0);
    struct msg a, q = { .kind = MSG_router_ping };
    struct msg cancel = { .kind = MSG_turn_cancel, .turn_cancel = { .turn = 1, .reason = STR("user") } };
    cr_assert(mailbox_send(other, "test", &cancel) == 0);
    cr_assert(mailbox_ask(rig_mailbox(rig), "deaf", &q, RIG_WAIT_MS, &a) == GW_EABORTED);
    cr_assert(mailbox_ask(rig_mailbox(rig), "deaf", &q, RIG_WAIT_MS, &a) == GW_EABORTED, "until it has been received");
    struct msg got = rig_next(rig);
    cr_assert(got.kind == MSG_turn_cancel && got.turn_cancel.turn == 1);
    msg_clear(&got);
    mailbox_close(&other);
    rig_stop(&rig);
}

Test(bus, sets_other_messages_aside_in_order_while_it_asks, .timeout = 20)
{
    rig_t *rig = rig_start();
    mailbox_t *mb = rig_mailbox(rig), *other;
    rig_spawn(rig, "echo", echo_actor, NULL);
    cr_assert(mailbox_open(rig_bus(rig), "other", 0, &other) == 0);
    for (int i = 1; i <= 3; i++) {
        struct msg note = { .kind = MSG_store_finished, .store_finished = { .turn = i } };
        cr_assert(mailbox_send(other, "test", &note) == 0);
    }
    struct msg a = rig_ask(rig, "echo", (struct msg){ .kind = MSG_router_ping });
    msg_clear(&a);
    for (int i = 1; i <= 3; i++) {
        struct msg got;
        cr_assert(mailbox_recv(mb, RIG_WAIT_MS, &got) == 0 && got.store_finished.turn == i);
        msg_clear(&got);
    }
    mailbox_close(&other);
    rig_stop(&rig);
}

/* A mailbox that is not read fills up; its senders hear of it, and the router goes on. */
Test(bus, a_full_mailbox_is_visible_and_stops_nobody, .timeout = 60)
{
    rig_t *rig = rig_start();
    mailbox_t *full;
    cr_assert(mailbox_open(rig_bus(rig), "full", 16, &full) == 0);
    uint64_t lost = 0, sent = 0;
    for (; lost == 0 && sent < 2 * (HUB_QUEUE + 16); sent++) {
        struct msg note = { .kind = MSG_store_ping };
        cr_assert(mailbox_send(rig_mailbox(rig), "full", &note) == 0);
        if (sent % 512 == 0) {
            struct msg a = rig_ask(rig, "router", (struct msg){ .kind = MSG_router_ping });
            msg_clear(&a);
        }
        lost = bus_counts(rig_bus(rig)).dead_letters;
    }
    cr_assert(lost > 0 && sent >= HUB_QUEUE, "lost %d of %d", (int)lost, (int)sent);
    struct msg a, q = { .kind = MSG_store_ping };
    cr_assert(mailbox_ask(rig_mailbox(rig), "full", &q, RIG_WAIT_MS, &a) == GW_EFULL);
    mailbox_close(&full);
    rig_stop(&rig);
}

Test(bus, a_kept_payload_is_passed_on_without_a_copy, .timeout = 20)
{
    rig_t *rig = rig_start();
    mailbox_t *mb = rig_mailbox(rig);
    char *bytes = malloc(100000);
    memset(bytes, 'p', 100000);
    payload_t *payload = payload_take(bytes, 100000), *kept = NULL;
    for (int hop = 0; hop < 3; hop++) {
        struct msg m = { .kind = MSG_store_append, .store_append = { .session_key = STR("agent:main:main") } }, got;
        cr_assert(mailbox_send_payload(mb, "test", &m, kept ? kept : payload) == 0);
        cr_assert(mailbox_recv(mb, RIG_WAIT_MS, &got) == 0);
        cr_assert(got.store_append.json.n == 100000);
        cr_assert(got.store_append.json.p == bytes, "copied on hop %d", hop);
        payload_free(&kept);
        kept = payload_keep(&got);
        msg_clear(&got);
    }
    payload_free(&kept);
    payload_free(&payload);
    rig_stop(&rig);
}

Test(bus, the_descriptor_fires_for_a_message, .timeout = 20)
{
    rig_t *rig = rig_start();
    mailbox_t *mb = rig_mailbox(rig);
    struct msg m = { .kind = MSG_store_ping }, got;
    cr_assert(mailbox_recv(mb, 0, &got) == GW_ETIMEOUT);
    cr_assert(mailbox_send(mb, "test", &m) == 0);
    struct pollfd p = { .fd = mailbox_fd(mb), .events = POLLIN };
    int rc = GW_ETIMEOUT;
    while ((rc = mailbox_recv(mb, 0, &got)) == GW_ETIMEOUT) cr_assert(poll(&p, 1, RIG_WAIT_MS) == 1);
    cr_assert(rc == 0 && got.kind == MSG_store_ping);
    msg_clear(&got);
    rig_stop(&rig);
}

static int waiting_actor(mailbox_t *mb, void *arg)
{
    struct msg m;
    *(int *)arg = mailbox_recv(mb, -1, &m);
    msg_clear(&m);
    return 0;
}

Test(bus, shutdown_ends_every_wait, .timeout = 20)
{
    rig_t *rig = rig_start();
    actor_t *waiting;
    int seen = 0;
    cr_assert(actor_spawn(rig_bus(rig), "waiting", 0, waiting_actor, &seen, &waiting) == 0);
    struct msg a = rig_ask(rig, "router", (struct msg){ .kind = MSG_router_ping });
    msg_clear(&a);
    bus_shutdown(rig_bus(rig));
    actor_join(&waiting);
    struct msg m;
    cr_assert(mailbox_recv(rig_mailbox(rig), -1, &m) == GW_ECLOSED);
    rig_stop(&rig);
}

/* While an actor waits for an answer, BUS_STASH_MAX other messages are kept for it; who sends one more is told. */
Test(bus, sets_aside_so_many_and_refuses_one_more, .timeout = 30)
{
    rig_t *rig = rig_start();
    mailbox_t *other;
    rig_spawn(rig, "deaf", deaf_actor, NULL);
    cr_assert(mailbox_open(rig_bus(rig), "other", 0, &other) == 0);
    for (uint64_t i = 1; i <= BUS_STASH_MAX + 1; i++) {
        struct msg note = { .kind = MSG_store_ping, .corr = 1000000 + i };
        cr_assert(mailbox_send(other, "test", &note) == 0);
    }
    struct msg a, q = { .kind = MSG_router_ping }, no;
    cr_assert(mailbox_ask(rig_mailbox(rig), "deaf", &q, 1000, &a) == GW_ETIMEOUT);
    cr_assert(mailbox_recv(other, RIG_WAIT_MS, &no) == 0);
    cr_assert(no.kind == MSG_error && no.error.code == GW_EFULL && no.corr == 1000000 + BUS_STASH_MAX + 1);
    msg_clear(&no);
    for (uint64_t i = 1; i <= BUS_STASH_MAX; i++) {
        cr_assert(mailbox_recv(rig_mailbox(rig), 0, &a) == 0 && a.corr == 1000000 + i);
        msg_clear(&a);
    }
    cr_assert(mailbox_recv(rig_mailbox(rig), 0, &a) == GW_ETIMEOUT);
    mailbox_close(&other);
    rig_stop(&rig);
}

/* Counts against the rig's hub, which another thread runs: the test has one of its own. */
struct own_hub {
    bus_t *bus;
    hub_t *hub;
    actor_t *actor;
};

static struct own_hub own_hub_start(actor_fn *fn)
{
    struct own_hub h = { 0 };
    struct msg hello;
    cr_assert(bus_create(&h.bus) == 0 && hub_open(h.bus, &h.hub) == 0);
    cr_assert(actor_spawn(h.bus, "peer", 0, fn, NULL, &h.actor) == 0);
    cr_assert(hub_recv(h.hub, RIG_WAIT_MS, &hello) == 0 && hello.kind == MSG_actor_hello);
    msg_clear(&hello);
    return h;
}

static void own_hub_stop(struct own_hub *h)
{
    bus_shutdown(h->bus);
    actor_join(&h->actor);
    hub_close(&h->hub);
    bus_destroy(&h->bus);
}

/* Takes one message at a time: the next when it is pinged. */
static int slow_actor(mailbox_t *mb, void *arg)
{
    (void)arg;
    struct msg m, pong = { .kind = MSG_store_pong };
    for (;;) {
        if (mailbox_recv(mb, -1, &m) != 0) return 0;
        struct msg question = { .kind = MSG_store_ping };
        pong.corr = m.corr;
        msg_clear(&m);
        mailbox_send(mb, HUB_NAME, &pong);
        if (mailbox_ask(mb, HUB_NAME, &question, -1, &m) != 0) return 0; /* sets aside what comes meanwhile */
        msg_clear(&m);
    }
}

Test(bus, tells_how_much_waits_in_a_mailbox, .timeout = 20)
{
    struct own_hub h = own_hub_start(slow_actor);
    struct hub_traffic t;
    const struct msg note = { .kind = MSG_store_ping, .corr = 1000000 };
    cr_assert(hub_traffic(h.hub, "nobody", &t) == GW_ENOENT && t.received == 0);
    for (int i = 0; i < 10; i++) cr_assert(hub_send(h.hub, "peer", &note, NULL) == 0);
    for (uint64_t left = 9;; left--) {
        struct msg m;
        cr_assert(hub_recv(h.hub, RIG_WAIT_MS, &m) == 0 && m.kind == MSG_store_pong);
        msg_clear(&m);
        cr_assert(hub_recv(h.hub, RIG_WAIT_MS, &m) == 0 && m.kind == MSG_store_ping);
        struct msg answer = { .kind = MSG_store_pong, .corr = m.corr };
        msg_clear(&m);
        cr_assert(hub_traffic(h.hub, "peer", &t) == 0);
        cr_assert(t.queued == left || t.queued + 1 == left, "one may be on its way aside: %d, expected %d", (int)t.queued, (int)left);
        if (left == 0) break;
        cr_assert(hub_send(h.hub, "peer", &answer, NULL) == 0);
    }
    cr_assert(t.received == 1 + 10 + 9, "welcome, notes, answers: %d", (int)t.received);
    cr_assert(t.sent >= 19, "the last one is counted when it is on its way");
    own_hub_stop(&h);
}

Test(bus, counts_what_its_owner_sends_and_takes, .timeout = 20)
{
    struct own_hub h = own_hub_start(echo_actor);
    struct hub_traffic before, after;
    struct msg q = { .kind = MSG_router_ping, .corr = 1 }, a;
    cr_assert(hub_traffic(h.hub, HUB_NAME, &before) == 0 && before.received == 1 && before.sent == 1, "hello and welcome");
    cr_assert(hub_send(h.hub, "peer", &q, NULL) == 0 && hub_recv(h.hub, RIG_WAIT_MS, &a) == 0);
    msg_clear(&a);
    cr_assert(hub_traffic(h.hub, HUB_NAME, &after) == 0 && after.received == 2 && after.sent == 2 && after.queued == 0);
    cr_assert(hub_forward_rate(h.hub) == 0, "nothing was forwarded");
    own_hub_stop(&h);
}

static int brief_actor(mailbox_t *mb, void *arg)
{
    (void)mb, (void)arg;
    return 0;
}

/* Names that come and go must not pile up: 64 more than twice the open ones are kept. */
Test(bus, forgets_mailboxes_that_are_gone, .timeout = 60)
{
    struct own_hub h = own_hub_start(echo_actor);
    struct hub_traffic t;
    for (int i = 0; i < 300; i++) {
        char name[32];
        actor_t *actor;
        struct msg m;
        snprintf(name, sizeof name, "brief.%d", i);
        cr_assert(actor_spawn(h.bus, name, 0, brief_actor, NULL, &actor) == 0);
        for (bool ended = false; !ended; msg_clear(&m)) {
            cr_assert(hub_recv(h.hub, RIG_WAIT_MS, &m) == 0);
            ended = m.kind == MSG_actor_ended;
        }
        actor_join(&actor);
        cr_assert(hub_traffic(h.hub, name, &t) == GW_ENOENT, "its mailbox is closed");
        cr_assert(hub_peer_count(h.hub) <= 70, "%d", (int)hub_peer_count(h.hub));
    }
    cr_assert(hub_traffic(h.hub, "peer", &t) == 0 && t.received == 1);
    own_hub_stop(&h);
}
