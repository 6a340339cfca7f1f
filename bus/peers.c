#include "bus/peers.h"

#include <stdlib.h>

#include "base/clock.h"
#include "bus/frames.h"

struct peer *peers_find(struct peers *peers, const char *name)
{
    struct peer *p;
    HASH_FIND_STR(peers->table, name, p);
    return p;
}

static void sweep(struct peers *peers, bus_t *bus)
{
    struct peer *p, *safe;
    struct mailbox_counts counts;
    HASH_ITER(hh, peers->table, p, safe)
    {
        if (bus_mailbox_counts(bus, p->name, &counts) == 0) continue;
        HASH_DEL(peers->table, p);
        free(p);
    }
}

void peers_hello(struct peers *peers, bus_t *bus, const char *name)
{
    struct peer *p = peers_find(peers, name);
    if (!p) {
        if (HASH_COUNT(peers->table) >= 2 * atomic_load(&bus->mailboxes) + PEERS_SPARE) sweep(peers, bus);
        p = calloc(1, sizeof *p);
        if (!p) return;
        str_copy(p->name, sizeof p->name, str_of(name));
        HASH_ADD_STR(peers->table, name, p);
    }
    p->delivered = 0;
    p->rate = (struct rate){ .at_ms = clock_mono_ms() };
}

void peers_delivered(struct peers *peers, const char *name)
{
    struct peer *p = peers_find(peers, name);
    if (p) p->delivered++;
}

void peers_free(struct peers *peers)
{
    struct peer *p, *safe;
    HASH_ITER(hh, peers->table, p, safe)
    {
        HASH_DEL(peers->table, p);
        free(p);
    }
}

double rate_of(struct rate *rate, uint64_t count, int64_t now_ms)
{
    int64_t passed = now_ms - rate->at_ms;
    if (passed < PEERS_RATE_MS) return rate->per_second;
    rate->per_second = (double)(count - rate->count) * 1000 / (double)passed;
    rate->count = count;
    rate->at_ms = now_ms;
    return rate->per_second;
}
