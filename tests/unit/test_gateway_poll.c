/* The program's own poll: it says what the kernel's says, whatever happens to the array between two calls. */
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "actors/gateway_poll.h"

enum { PAIRS = 200, ROUNDS = 400 };

static int ours[PAIRS], theirs[PAIRS];
static struct pollfd fds[PAIRS], kernels[PAIRS];
static nfds_t count;
static unsigned seed = 1;

static unsigned any(unsigned below)
{
    seed = seed * 1103515245 + 12345;
    return (seed >> 8) % below;
}

static void pair(int i)
{
    int both[2];
    cr_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, both) == 0);
    ours[i] = both[0];
    theirs[i] = both[1];
    gateway_poll_new(both[0]);
}

static void add(int i)
{
    fds[count++] = (struct pollfd){ .fd = ours[i], .events = POLLIN };
}

/* As libwebsockets does: the last entry takes the place of one that goes. */
static void take_away(nfds_t at)
{
    fds[at] = fds[--count];
}

static void open_all(void)
{
    cr_assert(gateway_poll_begin() == 0);
    count = 0;
    for (int i = 0; i < PAIRS; i++) {
        pair(i);
        add(i);
    }
}

static void close_all(void)
{
    for (int i = 0; i < PAIRS; i++) {
        close(ours[i]);
        close(theirs[i]);
    }
    gateway_poll_end();
}

/* The same as the kernel's for as many as are told of in one round; none that the kernel does not tell of. */
static void compare(void)
{
    memcpy(kernels, fds, sizeof fds);
    const struct timespec now = { 0, 0 };
    int theirs_n = ppoll(kernels, count, &now, NULL), n = poll(fds, count, 0);
    cr_assert(n == theirs_n, "%d, the kernel %d", n, theirs_n);
    for (nfds_t i = 0; i < count; i++)
        cr_assert(fds[i].revents == kernels[i].revents, "entry %d: %x, the kernel %x", (int)i, fds[i].revents, kernels[i].revents);
}

static void change_something(void)
{
    unsigned i = any(PAIRS), at = any((unsigned)count);
    char byte = 'x';
    switch (any(6)) {
    case 0: cr_assert(send(theirs[i], &byte, 1, MSG_NOSIGNAL) == 1 || errno == EPIPE); break;
    case 1: fds[at].events ^= POLLIN; break;
    case 2: fds[at].events ^= POLLOUT; break;
    case 3: shutdown(theirs[i], SHUT_WR); break;
    case 4: fds[at].revents = 0; break;
    default: break;
    }
}

/* A socket is closed, and another one gets its number. */
static void replace(void)
{
    nfds_t at = any((unsigned)count);
    for (int i = 0; i < PAIRS; i++) {
        if (ours[i] != fds[at].fd) continue;
        take_away(at);
        close(ours[i]);
        close(theirs[i]);
        pair(i);
        add(i);
        return;
    }
}

Test(gateway_poll, says_what_the_kernels_says, .timeout = 60)
{
    open_all();
    for (int round = 0; round < ROUNDS; round++) {
        change_something();
        if (any(3) == 0) replace();
        compare();
    }
    close_all();
}

Test(gateway_poll, short_arrays_in_between_change_nothing, .timeout = 60)
{
    open_all();
    compare();
    nfds_t all = count;
    count = GATEWAY_POLL_FEW;
    cr_assert(send(theirs[0], "x", 1, MSG_NOSIGNAL) == 1 && send(theirs[PAIRS - 1], "x", 1, MSG_NOSIGNAL) == 1);
    compare();
    replace();
    compare();
    count = all;
    compare();
    close_all();
}

Test(gateway_poll, waits_as_long_as_it_is_told_to, .timeout = 60)
{
    struct timespec from, to;
    open_all();
    clock_gettime(CLOCK_MONOTONIC, &from);
    cr_assert(poll(fds, count, 50) == 0);
    clock_gettime(CLOCK_MONOTONIC, &to);
    cr_assert((to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000 >= 49);
    cr_assert(send(theirs[7], "x", 1, MSG_NOSIGNAL) == 1);
    cr_assert(poll(fds, count, -1) == 1 && fds[7].revents == POLLIN);
    close_all();
}

Test(gateway_poll, more_than_a_round_tells_come_in_the_next, .timeout = 60)
{
    enum { MANY = GATEWAY_POLL_READY + 44 };
    static struct pollfd many[MANY];
    bool told[MANY] = { false };
    int both[MANY][2], left = MANY;
    cr_assert(gateway_poll_begin() == 0);
    for (int i = 0; i < MANY; i++) {
        cr_assert(socketpair(AF_UNIX, SOCK_STREAM, 0, both[i]) == 0 && send(both[i][1], "x", 1, 0) == 1);
        many[i] = (struct pollfd){ .fd = both[i][0], .events = POLLIN };
    }
    for (int round = 0; round < 4 && left > 0; round++) {
        int n = poll(many, MANY, 0);
        cr_assert(n > 0 && n <= GATEWAY_POLL_READY);
        for (int i = 0; i < MANY; i++) {
            if (!many[i].revents || told[i]) continue;
            told[i] = true;
            left--;
        }
    }
    cr_assert(left == 0, "%d were never told of", left);
    for (int i = 0; i < MANY; i++) {
        close(both[i][0]);
        close(both[i][1]);
    }
    gateway_poll_end();
}

Test(gateway_poll, another_threads_arrays_are_the_kernels, .timeout = 60)
{
    open_all();
    gateway_poll_end(); /* as in a thread that never began */
    cr_assert(send(theirs[3], "x", 1, MSG_NOSIGNAL) == 1);
    compare();
    close_all();
}
