#include "bus/bus.h"

#include <stdlib.h>
#include <uthash.h>

#include "base/clock.h"
#include "base/log.h"
#include "bus/frames.h"

struct bus_name {
    UT_hash_handle hh;
    _Atomic uint64_t taken, sent; /* written by its mailbox's thread alone */
    char name[MSG_NAME_MAX + 1];
};

struct mailbox {
    bus_t *bus;
    struct bus_name *claimed;
    void *socket;
    uint64_t last_corr;
    int wait_ms;        /* the socket's present receive timeout */
    struct buf scratch; /* the body being encoded */
    struct msg *stash;  /* ring of BUS_STASH_MAX, allocated at the first use */
    size_t stash_first, stash_count;
    char name[MSG_NAME_MAX + 1];
};

int bus_create(bus_t **out)
{
    *out = NULL;
    bus_t *bus = calloc(1, sizeof *bus);
    if (!bus) return GW_ENOMEM;
    bus->context = zmq_ctx_new();
    if (!bus->context) {
        free(bus);
        return GW_ESYS;
    }
    zmq_ctx_set(bus->context, ZMQ_MAX_SOCKETS, BUS_MAILBOXES_MAX + 1);
    zmq_ctx_set(bus->context, ZMQ_IO_THREADS, 0); /* inproc needs none */
    pthread_mutex_init(&bus->lock, NULL);
    *out = bus;
    return 0;
}

void bus_shutdown(bus_t *bus)
{
    zmq_ctx_shutdown(bus->context);
}

void bus_destroy(bus_t **bus_p)
{
    bus_t *bus = *bus_p;
    if (!bus) return;
    while (zmq_ctx_term(bus->context) != 0 && zmq_errno() == EINTR) {
    }
    pthread_mutex_destroy(&bus->lock);
    free(bus);
    *bus_p = NULL;
}

struct bus_counts bus_counts(bus_t *bus)
{
    return (struct bus_counts){
        .forwarded = atomic_load(&bus->forwarded),
        .dead_letters = atomic_load(&bus->dead_letters),
        .malformed = atomic_load(&bus->malformed),
        .mailboxes = atomic_load(&bus->mailboxes),
    };
}

int bus_mailbox_counts(bus_t *bus, const char *name, struct mailbox_counts *out)
{
    struct bus_name *entry = NULL;
    *out = (struct mailbox_counts){ 0 };
    pthread_mutex_lock(&bus->lock);
    HASH_FIND_STR(bus->names, name, entry);
    if (entry) {
        out->taken = atomic_load_explicit(&entry->taken, memory_order_relaxed);
        out->sent = atomic_load_explicit(&entry->sent, memory_order_relaxed);
    }
    pthread_mutex_unlock(&bus->lock);
    return entry ? 0 : GW_ENOENT;
}

/* Only the mailbox's own thread writes its counters, so they need no locked instruction. */
static void count(_Atomic uint64_t *counter, int64_t by)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + (uint64_t)by, memory_order_relaxed);
}

/* libzmq ignores a second peer of one name without an error, so names are checked here. */
static int claim(bus_t *bus, const char *name, struct bus_name **out)
{
    struct bus_name *entry = NULL;
    int rc = 0;
    pthread_mutex_lock(&bus->lock);
    HASH_FIND_STR(bus->names, name, entry);
    if (entry) {
        rc = GW_EEXIST;
    } else if (atomic_load(&bus->mailboxes) >= BUS_MAILBOXES_MAX) {
        rc = GW_EFULL;
    } else if ((entry = calloc(1, sizeof *entry)) == NULL) {
        rc = GW_ENOMEM;
    } else {
        str_copy(entry->name, sizeof entry->name, str_of(name));
        HASH_ADD_STR(bus->names, name, entry);
        atomic_fetch_add(&bus->mailboxes, 1);
        *out = entry;
    }
    pthread_mutex_unlock(&bus->lock);
    return rc;
}

static void unclaim(bus_t *bus, const char *name)
{
    struct bus_name *entry = NULL;
    pthread_mutex_lock(&bus->lock);
    HASH_FIND_STR(bus->names, name, entry);
    if (entry) {
        HASH_DEL(bus->names, entry);
        free(entry);
        atomic_fetch_sub(&bus->mailboxes, 1);
    }
    pthread_mutex_unlock(&bus->lock);
}

static int connect_socket(mailbox_t *mb, int queue)
{
    int zero = 0, timeout = BUS_SEND_TIMEOUT_MS;
    int hwm = queue ? queue : BUS_QUEUE_DEFAULT;
    mb->socket = zmq_socket(mb->bus->context, ZMQ_DEALER);
    if (!mb->socket) return frames_err();
    zmq_setsockopt(mb->socket, ZMQ_ROUTING_ID, mb->name, strlen(mb->name));
    zmq_setsockopt(mb->socket, ZMQ_LINGER, &zero, sizeof zero);
    zmq_setsockopt(mb->socket, ZMQ_SNDTIMEO, &timeout, sizeof timeout);
    zmq_setsockopt(mb->socket, ZMQ_SNDHWM, &hwm, sizeof hwm);
    zmq_setsockopt(mb->socket, ZMQ_RCVHWM, &hwm, sizeof hwm);
    return zmq_connect(mb->socket, BUS_ENDPOINT) == 0 ? 0 : frames_err();
}

void mailbox_close(mailbox_t **mb_p)
{
    mailbox_t *mb = *mb_p;
    if (!mb) return;
    for (; mb->stash_count; mb->stash_count--) {
        msg_clear(&mb->stash[mb->stash_first]);
        mb->stash_first = (mb->stash_first + 1) % BUS_STASH_MAX;
    }
    free(mb->stash);
    if (mb->socket) zmq_close(mb->socket);
    buf_free(&mb->scratch);
    if (mb->bus) unclaim(mb->bus, mb->name);
    free(mb);
    *mb_p = NULL;
}

const char *mailbox_name(const mailbox_t *mb)
{
    return mb->name;
}

uint64_t mailbox_corr(mailbox_t *mb)
{
    return ++mb->last_corr;
}

int mailbox_send_payload(mailbox_t *mb, const char *to, const struct msg *m, const payload_t *payload)
{
    if (!mb->socket) return GW_ECLOSED;
    buf_clear(&mb->scratch);
    struct msg checked = *m;
    if (payload) msg_set_payload(&checked, payload_bytes(payload));
    int rc = msg_encode(&checked, &mb->scratch);
    if (rc) return rc;
    rc = frames_send_name(mb->socket, to, 0);
    if (rc == 0) rc = frames_send_message(mb->socket, m, payload, &mb->scratch, 0);
    if (rc == 0) count(&mb->claimed->sent, 1);
    return rc;
}

int mailbox_send(mailbox_t *mb, const char *to, const struct msg *m)
{
    return mailbox_send_payload(mb, to, m, NULL);
}

/* Straight from the socket: [from][body][payload]. libzmq itself waits, which costs fewer system calls than a poll. */
static int receive(mailbox_t *mb, int timeout_ms, struct msg *out)
{
    if (!mb->socket) return GW_ECLOSED;
    zmq_msg_t from;
    zmq_msg_init(&from);
    int rc = frames_recv_first(mb->socket, &mb->wait_ms, timeout_ms, &from);
    if (rc) {
        zmq_msg_close(&from);
        return rc;
    }
    count(&mb->claimed->taken, 1);
    rc = frames_recv_message(mb->socket, zmq_msg_more(&from), out);
    if (rc == 0) rc = str_copy(out->from, sizeof out->from, (struct str){ zmq_msg_data(&from), zmq_msg_size(&from) });
    zmq_msg_close(&from);
    if (rc && rc != GW_ECLOSED) {
        msg_clear(out);
        atomic_fetch_add(&mb->bus->malformed, 1);
        log_event(LOG_WARN, "message_malformed", LOG_T("mailbox", mb->name), LOG_T("code", err_name(rc)));
        return GW_EBADMSG;
    }
    return rc;
}

int mailbox_recv(mailbox_t *mb, int timeout_ms, struct msg *out)
{
    *out = (struct msg){ 0 };
    if (mb->stash_count) {
        *out = mb->stash[mb->stash_first];
        mb->stash_first = (mb->stash_first + 1) % BUS_STASH_MAX;
        mb->stash_count--;
        count(&mb->claimed->taken, 1);
        return 0;
    }
    return receive(mb, timeout_ms, out);
}

int mailbox_fd(mailbox_t *mb)
{
    int fd = -1;
    size_t n = sizeof fd;
    zmq_getsockopt(mb->socket, ZMQ_FD, &fd, &n);
    return fd;
}

static int set_aside(mailbox_t *mb, struct msg *m)
{
    if (!mb->stash) mb->stash = calloc(BUS_STASH_MAX, sizeof *mb->stash);
    if (mb->stash && mb->stash_count < BUS_STASH_MAX) {
        mb->stash[(mb->stash_first + mb->stash_count++) % BUS_STASH_MAX] = *m;
        count(&mb->claimed->taken, -1);
        return 0;
    }
    struct msg no = msg_error(m, GW_EFULL);
    if (m->kind != MSG_error && m->corr) mailbox_send(mb, m->from, &no);
    log_event(LOG_WARN, "message_refused", LOG_T("mailbox", mb->name), LOG_T("kind", msg_kind_name(m->kind)),
              LOG_T("reason", "set-aside queue full"));
    msg_clear(m);
    return GW_EFULL;
}

/* Say hello and wait for the welcome: only then does the hub surely deliver to this name. What comes before is kept. */
static int introduce(mailbox_t *mb)
{
    struct msg hello = { .kind = MSG_actor_hello, .corr = mailbox_corr(mb) };
    int64_t deadline = clock_mono_ms() + BUS_READY_TIMEOUT_MS;
    int rc = mailbox_send(mb, "router", &hello);
    while (rc == 0) {
        struct msg in;
        rc = receive(mb, clock_left_ms(deadline), &in);
        if (rc) break;
        if (in.kind == MSG_actor_welcome) {
            msg_clear(&in);
            /* The hub counts from here on, too: the welcome is the first. What was kept before it is taken later. */
            atomic_store_explicit(&mb->claimed->taken, 1 - (uint64_t)mb->stash_count, memory_order_relaxed);
            break;
        }
        set_aside(mb, &in);
    }
    return rc;
}

int mailbox_open(bus_t *bus, const char *name, int queue, mailbox_t **out)
{
    *out = NULL;
    size_t n = strlen(name);
    if (n == 0 || n > MSG_NAME_MAX || strcmp(name, "router") == 0) return GW_EINVAL;
    mailbox_t *mb = calloc(1, sizeof *mb);
    if (!mb) return GW_ENOMEM;
    mb->bus = bus;
    mb->wait_ms = -1; /* libzmq's default */
    memcpy(mb->name, name, n);
    int rc = claim(bus, name, &mb->claimed);
    if (rc) {
        free(mb);
        return rc;
    }
    rc = connect_socket(mb, queue);
    if (rc == 0) rc = introduce(mb);
    if (rc) {
        mailbox_close(&mb);
        return rc;
    }
    *out = mb;
    return 0;
}

static bool ends_wait(enum msg_kind kind)
{
    return kind == MSG_turn_cancel || kind == MSG_actor_stop;
}

/* An abort that was set aside before this question still counts. */
mailbox_t *mailbox_closed(void)
{
    return calloc(1, sizeof(mailbox_t));
}

static bool stash_ends_wait(const mailbox_t *mb)
{
    for (size_t i = 0; i < mb->stash_count; i++)
        if (ends_wait(mb->stash[(mb->stash_first + i) % BUS_STASH_MAX].kind)) return true;
    return false;
}

int mailbox_ask(mailbox_t *mb, const char *to, const struct msg *q, int timeout_ms, struct msg *answer)
{
    *answer = (struct msg){ 0 };
    if (stash_ends_wait(mb)) return GW_EABORTED;
    struct msg question = *q;
    question.corr = mailbox_corr(mb);
    int64_t deadline = timeout_ms < 0 ? -1 : clock_mono_ms() + timeout_ms;
    int rc = mailbox_send(mb, to, &question);
    while (rc == 0) {
        rc = receive(mb, clock_left_ms(deadline), answer);
        if (rc == GW_EBADMSG) {
            rc = 0;
            continue;
        }
        if (rc) break;
        if (answer->corr == question.corr) {
            if (answer->kind != MSG_error) return 0;
            rc = (int)answer->error.code;
            msg_clear(answer);
            break;
        }
        bool ends = ends_wait(answer->kind);
        set_aside(mb, answer);
        *answer = (struct msg){ 0 };
        if (ends) rc = GW_EABORTED;
    }
    return rc;
}
