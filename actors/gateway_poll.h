/** actors/gateway_poll.h -- waiting for ten thousand sockets at the price of those that have something to say.
 *
 *  libwebsockets 4.1.6 waits with poll(2) over all its sockets, and as Debian builds it no other way is open to us
 *  (docs/adr/0012-poll.md). At 10,000 clients each round costs 1.1 ms, and a chat turn has ten. So this program has a function
 *  named `poll`, which libwebsockets' call finds before the C library's. For a thread that asked for it, and an array that is
 *  long, it keeps the sockets in an epoll set and brings that up to date with what has changed in the array: 2.5 µs a round. Every
 *  other call of every thread goes on to the kernel as it is.
 *
 *  Owns:   per thread an epoll set and a copy of the array
 *  Thread: any; nothing is shared between two */
#ifndef ACTORS_GATEWAY_POLL_H
#define ACTORS_GATEWAY_POLL_H

enum {
    GATEWAY_POLL_FEW = 64,    /* shorter arrays are the kernel's */
    GATEWAY_POLL_READY = 256, /* sockets told of in one round; the others' turn comes in the next */
};

/** From now on this thread's long arrays are waited for with epoll. @return 0, GW_ENOMEM, GW_ESYS; then nothing has changed */
int gateway_poll_begin(void);
void gateway_poll_end(void);

/** A new socket has got this number: what is known of an older one with the same number is wrong. */
void gateway_poll_new(int fd);

/** @return how many sockets this thread's last wait for more than one of them found ready; below 0: it failed */
int gateway_poll_found(void);

#endif
