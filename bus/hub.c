#include "bus/hub.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "bus/frames.h"
#include "bus/peers.h"

enum {
    FORWARD_BURST = 256,       /* messages passed on before the owner gets a look at its timers */
    LETTER_LOG_EVERY_MS = 100, /* a flood of dead letters must not become a flood of lines */
};

struct hub {
    bus_t *bus;
    void *socket;
    struct buf scratch;
    int wait_ms;              /* the socket's present receive timeout */
    int64_t letter_logged_ms; /* when a dead letter was last logged, and how many were not since */
    int64_t letters_unlogged;
    struct peers peers;
    struct rate forwarding;
    uint64_t taken, sent; /* by the owner */
    struct rate own;
};

int hub_open(bus_t *bus, hub_t **out)
{
    *out = NULL;
    if (atomic_exchange(&bus->hub_open, true)) return GW_EEXIST;
    int zero = 0, one = 1, hwm = HUB_QUEUE, rc = GW_ENOMEM;
    hub_t *hub = calloc(1, sizeof *hub);
    if (!hub) goto fail;
    hub->bus = bus;
    hub->wait_ms = -1; /* libzmq's default */
    hub->forwarding.at_ms = hub->own.at_ms = clock_mono_ms();
    hub->socket = zmq_socket(bus->context, ZMQ_ROUTER);
    rc = hub->socket ? 0 : frames_err();
    if (rc) goto fail;
    zmq_setsockopt(hub->socket, ZMQ_LINGER, &zero, sizeof zero);
    zmq_setsockopt(hub->socket, ZMQ_ROUTER_MANDATORY, &one, sizeof one);
    /* A closed mailbox's name may come back before its last frames are read; bus.c keeps open names unique. */
    zmq_setsockopt(hub->socket, ZMQ_ROUTER_HANDOVER, &one, sizeof one);
    zmq_setsockopt(hub->socket, ZMQ_SNDHWM, &hwm, sizeof hwm);
    zmq_setsockopt(hub->socket, ZMQ_RCVHWM, &hwm, sizeof hwm);
    rc = zmq_bind(hub->socket, BUS_ENDPOINT) == 0 ? 0 : frames_err();
    if (rc) goto fail;
    *out = hub;
    return 0;
fail:
    if (hub) hub_close(&hub);
    atomic_store(&bus->hub_open, false);
    return rc;
}

void hub_close(hub_t **hub_p)
{
    hub_t *hub = *hub_p;
    if (!hub) return;
    if (hub->socket) zmq_close(hub->socket);
    buf_free(&hub->scratch);
    peers_free(&hub->peers);
    atomic_store(&hub->bus->hub_open, false);
    free(hub);
    *hub_p = NULL;
}

int hub_send(hub_t *hub, const char *to, const struct msg *m, const payload_t *payload)
{
    buf_clear(&hub->scratch);
    struct msg checked = *m;
    if (payload) msg_set_payload(&checked, payload_bytes(payload));
    int rc = msg_encode(&checked, &hub->scratch);
    if (rc) return rc;
    rc = frames_send_name(hub->socket, to, ZMQ_DONTWAIT);
    if (rc == 0) rc = frames_send_name(hub->socket, HUB_NAME, ZMQ_DONTWAIT);
    if (rc == 0) rc = frames_send_message(hub->socket, m, payload, &hub->scratch, ZMQ_DONTWAIT);
    if (rc == 0) {
        hub->sent++;
        peers_delivered(&hub->peers, to);
    }
    return rc;
}

int hub_traffic(hub_t *hub, const char *name, struct hub_traffic *out)
{
    struct mailbox_counts counts;
    int64_t now = clock_mono_ms();
    if (strcmp(name, HUB_NAME) == 0) {
        *out = (struct hub_traffic){ .received = hub->taken, .sent = hub->sent };
        out->per_second = rate_of(&hub->own, hub->taken + hub->sent, now);
        return 0;
    }
    *out = (struct hub_traffic){ 0 };
    struct peer *p = peers_find(&hub->peers, name);
    if (!p || bus_mailbox_counts(hub->bus, name, &counts) != 0) return GW_ENOENT;
    int64_t queued = (int64_t)(p->delivered - counts.taken); /* below 0: the name was taken again and has not said hello */
    out->received = (int64_t)counts.taken < 0 ? 0 : counts.taken;
    out->sent = counts.sent;
    out->queued = queued > 0 ? (uint64_t)queued : 0;
    out->per_second = rate_of(&p->rate, p->delivered + counts.sent, now);
    return 0;
}

size_t hub_peer_count(const hub_t *hub)
{
    return HASH_COUNT(hub->peers.table);
}

double hub_forward_rate(hub_t *hub)
{
    return rate_of(&hub->forwarding, atomic_load_explicit(&hub->bus->forwarded, memory_order_relaxed), clock_mono_ms());
}

static void name_of(zmq_msg_t *frame, char out[MSG_NAME_MAX + 1])
{
    str_copy(out, MSG_NAME_MAX + 1, (struct str){ zmq_msg_data(frame), zmq_msg_size(frame) });
}

/* Count and log a message that cannot be delivered, and tell its sender when that one waits for an answer. */
static void dead_letter(hub_t *hub, const char *from, const char *to, zmq_msg_t *body, int code)
{
    struct msg head;
    atomic_fetch_add(&hub->bus->dead_letters, 1);
    if (msg_peek((struct str){ zmq_msg_data(body), zmq_msg_size(body) }, &head) != 0) return;
    int64_t now = clock_mono_ms();
    if (now - hub->letter_logged_ms >= LETTER_LOG_EVERY_MS) {
        log_event(LOG_WARN, "dead_letter", LOG_T("from", from), LOG_T("to", to), LOG_T("kind", msg_kind_name(head.kind)),
                  LOG_T("code", err_name(code)), LOG_I("unlogged", hub->letters_unlogged));
        hub->letter_logged_ms = now;
        hub->letters_unlogged = 0;
    } else {
        hub->letters_unlogged++;
    }
    if (head.kind == MSG_error || head.corr == 0) return;
    struct msg no = msg_error(&head, code);
    hub_send(hub, from, &no, NULL);
}

/* Pass one message on: [to][from][rest...], frame by frame, nothing copied or decoded. `frame` is the body. */
static void forward(hub_t *hub, zmq_msg_t *from, zmq_msg_t *to)
{
    char from_name[MSG_NAME_MAX + 1], to_name[MSG_NAME_MAX + 1];
    zmq_msg_t body;
    name_of(from, from_name);
    name_of(to, to_name);
    zmq_msg_init(&body);
    if (!zmq_msg_more(to) || zmq_msg_recv(&body, hub->socket, 0) < 0) {
        zmq_msg_close(&body);
        return;
    }
    bool more = zmq_msg_more(&body);
    int rc = 0;
    if (zmq_msg_send(to, hub->socket, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0) rc = frames_err();
    if (rc) {
        frames_skip(hub->socket, more);
        dead_letter(hub, from_name, to_name, &body, rc);
        zmq_msg_close(&body);
        return;
    }
    zmq_msg_send(from, hub->socket, ZMQ_SNDMORE | ZMQ_DONTWAIT);
    zmq_msg_send(&body, hub->socket, (more ? ZMQ_SNDMORE : 0) | ZMQ_DONTWAIT);
    while (more) {
        zmq_msg_t next;
        zmq_msg_init(&next);
        if (zmq_msg_recv(&next, hub->socket, 0) < 0) break;
        more = zmq_msg_more(&next);
        zmq_msg_send(&next, hub->socket, (more ? ZMQ_SNDMORE : 0) | ZMQ_DONTWAIT);
    }
    atomic_fetch_add_explicit(&hub->bus->forwarded, 1, memory_order_relaxed);
    peers_delivered(&hub->peers, to_name);
}

static void welcome(hub_t *hub, const struct msg *hello)
{
    struct msg answer = { .kind = MSG_actor_welcome, .corr = hello->corr };
    peers_hello(&hub->peers, hub->bus, hello->from);
    hub_send(hub, hello->from, &answer, NULL);
}

/* One message off the socket. @return 0 with *out set when it is for the owner; GW_EBADMSG when it was not */
static int take(hub_t *hub, zmq_msg_t *from, struct msg *out)
{
    zmq_msg_t to;
    zmq_msg_init(&to);
    if (!zmq_msg_more(from) || zmq_msg_recv(&to, hub->socket, 0) < 0) {
        zmq_msg_close(&to);
        return GW_EBADMSG;
    }
    int rc = GW_EBADMSG;
    if (str_is((struct str){ zmq_msg_data(&to), zmq_msg_size(&to) }, HUB_NAME)) {
        rc = frames_recv_message(hub->socket, zmq_msg_more(&to), out);
        if (rc == 0) name_of(from, out->from);
        hub->taken++;
        if (rc) atomic_fetch_add(&hub->bus->malformed, 1);
        if (rc == 0 && out->kind == MSG_actor_hello) welcome(hub, out);
    } else {
        forward(hub, from, &to);
    }
    zmq_msg_close(&to);
    return rc;
}

int hub_recv(hub_t *hub, int timeout_ms, struct msg *out)
{
    *out = (struct msg){ 0 };
    int64_t deadline = timeout_ms < 0 ? -1 : clock_mono_ms() + timeout_ms;
    for (int burst = 0; burst < FORWARD_BURST; burst++) {
        zmq_msg_t from;
        zmq_msg_init(&from);
        int rc = frames_recv_first(hub->socket, &hub->wait_ms, clock_left_ms(deadline), &from);
        if (rc == 0) rc = take(hub, &from, out);
        zmq_msg_close(&from);
        if (rc != GW_EBADMSG) return rc; /* else it was not for the owner */
    }
    return GW_ETIMEOUT;
}
