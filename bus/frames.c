#include "bus/frames.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FRAMES_TSAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define FRAMES_TSAN 1
#endif

#ifdef FRAMES_TSAN
void __tsan_acquire(void *address);
void __tsan_release(void *address);
/* Small frames live inside zmq_msg_t and change address on the way; they meet at one common mark. */
static char common_mark;
static void *mark_of(zmq_msg_t *frame)
{
    return zmq_msg_size(frame) > 64 ? zmq_msg_data(frame) : &common_mark;
}
void frames_mark_sent(zmq_msg_t *frame)
{
    __tsan_release(mark_of(frame));
}
void frames_mark_received(zmq_msg_t *frame)
{
    __tsan_acquire(mark_of(frame));
}
#else
void frames_mark_sent(zmq_msg_t *frame)
{
    (void)frame;
}
void frames_mark_received(zmq_msg_t *frame)
{
    (void)frame;
}
#endif

/* What the strings of a received message borrow from. */
struct held {
    zmq_msg_t body;
    zmq_msg_t payload;
};

int frames_err(void)
{
    switch (zmq_errno()) {
    case EAGAIN: return GW_EFULL;
    case EHOSTUNREACH: return GW_ENOPEER;
    case ETERM:
    case ENOTSOCK: return GW_ECLOSED;
    case ENOMEM: return GW_ENOMEM;
    default: return GW_ESYS;
    }
}

/* zmq_msg_send takes the frame on success and leaves it with the caller on failure. */
static int send_frame(void *socket, zmq_msg_t *frame, int flags)
{
    frames_mark_sent(frame);
    while (zmq_msg_send(frame, socket, flags) < 0) {
        if (zmq_errno() == EINTR) continue;
        int rc = frames_err();
        zmq_msg_close(frame);
        return rc;
    }
    return 0;
}

static int send_copy(void *socket, struct str bytes, int flags)
{
    zmq_msg_t frame;
    if (zmq_msg_init_size(&frame, bytes.n) != 0) return GW_ENOMEM;
    if (bytes.n) memcpy(zmq_msg_data(&frame), bytes.p, bytes.n);
    return send_frame(socket, &frame, flags);
}

int frames_send_name(void *socket, const char *name, int flags)
{
    return send_copy(socket, str_of(name), flags | ZMQ_SNDMORE);
}

int frames_send_message(void *socket, const struct msg *m, const payload_t *payload, struct buf *scratch, int flags)
{
    struct str raw = payload ? (struct str){ NULL, 0 } : msg_payload(m);
    bool two = payload || raw.n;
    int rc = send_copy(socket, buf_str(scratch), flags | (two ? ZMQ_SNDMORE : 0));
    if (rc || !two) return rc;
    if (!payload) return send_copy(socket, raw, flags);
    zmq_msg_t shared;
    zmq_msg_init(&shared);
    zmq_msg_copy(&shared, (zmq_msg_t *)&payload->frame); /* counts a reference; libzmq's API lacks const */
    return send_frame(socket, &shared, flags);
}

void frames_skip(void *socket, bool more)
{
    while (more) {
        zmq_msg_t frame;
        zmq_msg_init(&frame);
        if (zmq_msg_recv(&frame, socket, 0) < 0) return;
        more = zmq_msg_more(&frame);
        zmq_msg_close(&frame);
    }
}

static void release(void *memory)
{
    struct held *held = memory;
    zmq_msg_close(&held->body);
    zmq_msg_close(&held->payload);
    free(held);
}

static struct str bytes_of(zmq_msg_t *frame)
{
    return (struct str){ zmq_msg_data(frame), zmq_msg_size(frame) };
}

int frames_recv_first(void *socket, int *set_ms, int timeout_ms, zmq_msg_t *frame)
{
    int64_t deadline = timeout_ms < 0 ? -1 : clock_mono_ms() + timeout_ms;
    int flags = ZMQ_DONTWAIT; /* first without waiting: no timeout to set when something is there */
    while (zmq_msg_recv(frame, socket, flags) < 0) {
        int error = zmq_errno();
        if (error != EAGAIN && error != EINTR) return frames_err();
        int left = clock_left_ms(deadline);
        if (left == 0 && error == EAGAIN) return GW_ETIMEOUT;
        if (left != *set_ms) {
            zmq_setsockopt(socket, ZMQ_RCVTIMEO, &left, sizeof left);
            *set_ms = left;
        }
        flags = 0;
    }
    frames_mark_received(frame);
    return 0;
}

int frames_recv_message(void *socket, bool more, struct msg *out)
{
    *out = (struct msg){ 0 };
    if (!more) return GW_EBADMSG;
    struct held *held = malloc(sizeof *held);
    if (!held) {
        frames_skip(socket, more);
        return GW_ENOMEM;
    }
    zmq_msg_init(&held->body);
    zmq_msg_init(&held->payload);
    int rc = 0;
    if (zmq_msg_recv(&held->body, socket, 0) < 0) rc = frames_err();
    if (rc == 0 && zmq_msg_more(&held->body) && zmq_msg_recv(&held->payload, socket, 0) < 0) rc = frames_err();
    if (rc == 0) {
        frames_mark_received(&held->body);
        frames_mark_received(&held->payload);
        frames_skip(socket, zmq_msg_more(&held->payload));
        rc = msg_decode(bytes_of(&held->body), bytes_of(&held->payload), out);
    }
    if (rc) {
        release(held);
        return rc;
    }
    out->held = held;
    out->release = release;
    return 0;
}

payload_t *payload_keep(const struct msg *m)
{
    const struct held *held = m->held;
    if (!held) return NULL;
    payload_t *p = malloc(sizeof *p);
    if (!p) return NULL;
    zmq_msg_init(&p->frame);
    zmq_msg_copy(&p->frame, (zmq_msg_t *)&held->payload);
    return p;
}

static void free_bytes(void *bytes, void *hint)
{
    (void)hint;
    free(bytes);
}

payload_t *payload_take(char *bytes, size_t n)
{
    payload_t *p = malloc(sizeof *p);
    if (p && zmq_msg_init_data(&p->frame, bytes, n, free_bytes, NULL) == 0) return p;
    free(p);
    free(bytes);
    return NULL;
}

payload_t *payload_share(const payload_t *p)
{
    if (!p) return NULL;
    payload_t *other = malloc(sizeof *other);
    if (!other) return NULL;
    zmq_msg_init(&other->frame);
    zmq_msg_copy(&other->frame, (zmq_msg_t *)&p->frame);
    return other;
}

struct str payload_bytes(const payload_t *p)
{
    return p ? bytes_of((zmq_msg_t *)&p->frame) : (struct str){ NULL, 0 };
}

void payload_free(payload_t **p_p)
{
    if (!*p_p) return;
    zmq_msg_close(&(*p_p)->frame);
    free(*p_p);
    *p_p = NULL;
}
