#include "actors/gateway_poll.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/err.h"

/* poll's bits and epoll's are the same on Linux. */
_Static_assert(POLLIN == EPOLLIN && POLLOUT == EPOLLOUT && POLLERR == EPOLLERR && POLLHUP == EPOLLHUP, "bits");

enum { PIECE = 256 /* entries that are compared at once */ };

struct place {   /* of a descriptor */
    uint32_t at; /* in the array */
    short events;
    bool in; /* the epoll set */
};

struct poller {
    int epoll;
    struct pollfd *known; /* the array as the set has it; revents is 0 throughout */
    size_t known_n, known_cap;
    struct place *places; /* by descriptor */
    size_t place_count;
};

static _Thread_local struct poller *poller; /* of this thread; NULL: the kernel's poll does */
static _Thread_local int found;             /* by this thread's last wait for more than one */

int gateway_poll_begin(void)
{
    struct poller *p = calloc(1, sizeof *p);
    if (!p) return GW_ENOMEM;
    p->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (p->epoll < 0) {
        free(p);
        return GW_ESYS;
    }
    poller = p;
    return 0;
}

void gateway_poll_end(void)
{
    struct poller *p = poller;
    if (!p) return;
    poller = NULL;
    close(p->epoll);
    free(p->known);
    free(p->places);
    free(p);
}

void gateway_poll_new(int fd)
{
    struct poller *p = poller;
    if (!p || fd < 0 || (size_t)fd >= p->place_count) return;
    struct place *place = &p->places[fd];
    place->in = false; /* the kernel forgot it when it was closed */
    if (place->at < p->known_n && p->known[place->at].fd == fd) p->known[place->at].fd = -1;
}

/* --- the set follows the array ---------------------------------------------------------------------------------- */

static bool make_room(struct poller *p, nfds_t n)
{
    if (n <= p->known_cap) return true;
    size_t cap = p->known_cap ? p->known_cap : 1024;
    while (cap < n) cap *= 2;
    struct pollfd *known = realloc(p->known, cap * sizeof *known);
    if (!known) return false;
    p->known = known;
    p->known_cap = cap;
    return true;
}

static struct place *place_of(struct poller *p, int fd)
{
    size_t count = p->place_count ? p->place_count : 1024;
    if ((size_t)fd < p->place_count) return &p->places[fd];
    while (count <= (size_t)fd) count *= 2;
    struct place *places = realloc(p->places, count * sizeof *places);
    if (!places) return NULL;
    memset(places + p->place_count, 0, (count - p->place_count) * sizeof *places);
    p->places = places;
    p->place_count = count;
    return &p->places[fd];
}

static bool tell_kernel(struct poller *p, int fd, short events, bool in)
{
    struct epoll_event e = { .events = (uint32_t)events, .data.fd = fd };
    if (epoll_ctl(p->epoll, in ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &e) == 0) return true;
    if (errno != ENOENT && errno != EEXIST) return false;
    return epoll_ctl(p->epoll, in ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &e) == 0;
}

/* One entry is not as it was. @return false: it cannot be waited for here */
static bool follow_one(struct poller *p, struct pollfd *f, size_t at)
{
    f->revents = 0;
    if (f->fd >= 0) {
        struct place *place = place_of(p, f->fd);
        if (!place) return false;
        if ((!place->in || place->events != f->events) && !tell_kernel(p, f->fd, f->events, place->in)) return false;
        *place = (struct place){ .at = (uint32_t)at, .events = f->events, .in = true };
    }
    p->known[at] = *f;
    return true;
}

static bool follow(struct poller *p, struct pollfd *fds, size_t n)
{
    if (!make_room(p, n)) return false;
    if (p->known_n > n) p->known_n = n;
    for (size_t from = 0; from < n; from += PIECE) {
        size_t to = from + PIECE < n ? from + PIECE : n;
        if (to <= p->known_n && memcmp(fds + from, p->known + from, (to - from) * sizeof *fds) == 0) continue;
        for (size_t i = from; i < to; i++) {
            if (i < p->known_n && memcmp(&fds[i], &p->known[i], sizeof *fds) == 0) continue;
            if (!follow_one(p, &fds[i], i)) return false;
            if (i >= p->known_n) p->known_n = i + 1;
        }
    }
    return true;
}

/* --- waiting ---------------------------------------------------------------------------------------------------- */

static int kernels_poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
    struct timespec t = { timeout_ms / 1000, (long)(timeout_ms % 1000) * 1000000 };
    return ppoll(fds, n, timeout_ms < 0 ? NULL : &t, NULL);
}

static int take(struct poller *p, struct pollfd *fds, size_t n, const struct epoll_event *e)
{
    const struct place *place = (size_t)e->data.fd < p->place_count ? &p->places[e->data.fd] : NULL;
    if (!place || place->at >= n || fds[place->at].fd != e->data.fd) return 0; /* closed, and another process still has it */
    fds[place->at].revents = (short)e->events;
    return 1;
}

static int wait_for(struct poller *p, struct pollfd *fds, nfds_t n, int timeout_ms)
{
    struct epoll_event ready[GATEWAY_POLL_READY];
    int count = 0;
    if (!p || n <= GATEWAY_POLL_FEW) return kernels_poll(fds, n, timeout_ms);
    if (!follow(p, fds, n)) {
        p->known_n = 0;
        return kernels_poll(fds, n, timeout_ms);
    }
    int got = epoll_wait(p->epoll, ready, GATEWAY_POLL_READY, timeout_ms);
    for (int i = 0; i < got; i++) count += take(p, fds, n, &ready[i]);
    return got < 0 ? got : count;
}

int gateway_poll(struct pollfd *fds, nfds_t n, int timeout_ms) __asm__("poll");

int gateway_poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
    int got = wait_for(poller, fds, n, timeout_ms);
    if (n > 1) found = got;
    return got;
}

int gateway_poll_found(void)
{
    return found;
}
