/* bench/bench_bus.c -- the bus alone: a question and its answer through the router, and how fast it forwards when busy.
 *
 * Prints "name value" lines, which the driver takes over: bus_round_trip_us (median of idle round trips: four hops),
 * bus_forward_per_s (envelopes a second from four senders to one receiver), bus_actor_bytes (memory of an idle actor). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "bus/hub.h"

enum { ROUND_TRIPS = 20000, SENDERS = 4, FORWARDS = 250000 /* each */, WINDOW = 2000 /* unanswered at most */, IDLE_ACTORS = 2000 };

static int route(hub_t *hub, void *arg)
{
    (void)arg;
    struct msg in;
    for (;;) {
        int rc = hub_recv(hub, -1, &in);
        if (rc == GW_ECLOSED) return 0;
        if (rc == 0) msg_clear(&in);
    }
}

static int echo_step(void *self, const struct msg *in, const struct post *post)
{
    (void)self;
    struct msg pong = { .kind = MSG_store_pong, .corr = in->corr };
    return in->corr ? post->send(post->ctx, in->from, &pong) : 0;
}

static int echo(mailbox_t *mb, void *arg)
{
    return serve(mb, arg, echo_step);
}

/* Sends FORWARDS notes; every WINDOW-th asks for an answer, so that the receiver's queue never overflows. */
static int sender(mailbox_t *mb, void *arg)
{
    (void)arg;
    for (int i = 0; i < FORWARDS; i++) {
        struct msg note = { .kind = MSG_store_ping }, answer;
        if (i % WINDOW == WINDOW - 1) {
            if (mailbox_ask(mb, "sink", &note, 10000, &answer) == 0) msg_clear(&answer);
        } else {
            mailbox_send(mb, "sink", &note);
        }
    }
    return 0;
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static long resident_kib(void)
{
    char line[256];
    long kib = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "VmRSS: %ld", &kib) == 1) break;
    if (f) fclose(f);
    return kib;
}

static double round_trip_us(mailbox_t *mb)
{
    static int64_t took[ROUND_TRIPS];
    for (int i = 0; i < ROUND_TRIPS; i++) {
        struct msg q = { .kind = MSG_store_ping }, a;
        int64_t from = clock_mono_us();
        if (mailbox_ask(mb, "sink", &q, 10000, &a) == 0) msg_clear(&a);
        took[i] = clock_mono_us() - from;
    }
    qsort(took, ROUND_TRIPS, sizeof *took, by_value);
    int64_t median = took[ROUND_TRIPS / 2];
    return (double)median;
}

static double forward_per_s(bus_t *bus)
{
    actor_t *actors[SENDERS];
    char name[32];
    int64_t from = clock_mono_us();
    for (int i = 0; i < SENDERS; i++) {
        snprintf(name, sizeof name, "sender.%d", i);
        if (actor_spawn(bus, name, 0, sender, NULL, &actors[i]) != 0) exit(1);
    }
    for (int i = 0; i < SENDERS; i++) actor_join(&actors[i]);
    return (double)SENDERS * FORWARDS * 1e6 / (double)(clock_mono_us() - from);
}

static double bytes_per_actor(bus_t *bus, mailbox_t *mb)
{
    static actor_t *actors[IDLE_ACTORS];
    char name[32];
    long before = resident_kib();
    for (int i = 0; i < IDLE_ACTORS; i++) {
        snprintf(name, sizeof name, "idle.%d", i);
        if (actor_spawn(bus, name, 0, echo, NULL, &actors[i]) != 0) exit(1);
    }
    for (int i = 0; i < IDLE_ACTORS; i++) { /* each one answers: all of them are there */
        struct msg q = { .kind = MSG_store_ping }, a;
        snprintf(name, sizeof name, "idle.%d", i);
        while (mailbox_ask(mb, name, &q, 10000, &a) == GW_ENOPEER) {
        }
        msg_clear(&a);
    }
    double bytes = (double)(resident_kib() - before) * 1024 / IDLE_ACTORS;
    struct msg stop = { .kind = MSG_actor_stop };
    for (int i = 0; i < IDLE_ACTORS; i++) {
        snprintf(name, sizeof name, "idle.%d", i);
        mailbox_send(mb, name, &stop);
        actor_join(&actors[i]);
    }
    return bytes;
}

int main(void)
{
    bus_t *bus;
    actor_t *router, *sink;
    mailbox_t *mb;
    if (bus_create(&bus) != 0 || hub_spawn(bus, route, NULL, &router) != 0) return 1;
    if (actor_spawn(bus, "sink", 0, echo, NULL, &sink) != 0 || mailbox_open(bus, "bench", 0, &mb) != 0) return 1;
    printf("bus_round_trip_us %.1f\n", round_trip_us(mb));
    printf("bus_forward_per_s %.0f\n", forward_per_s(bus));
    printf("bus_actor_bytes %.0f\n", bytes_per_actor(bus, mb));
    mailbox_close(&mb);
    bus_shutdown(bus);
    actor_join(&sink);
    actor_join(&router);
    bus_destroy(&bus);
    return 0;
}
