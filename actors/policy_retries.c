/* Requests that wait for a short Retry-After: a binary heap, the earliest first. */
#include <stdlib.h>

#include "actors/policy_internal.h"
#include "base/err.h"

static void put(policy_t *p, int at, struct request *r)
{
    p->retries[at] = r;
    r->heap_at = at;
}

/* Moves r from the hole at `at` to where it belongs. */
static void settle(policy_t *p, int at, struct request *r)
{
    while (at > 0 && p->retries[(at - 1) / 2]->due_ms > r->due_ms) {
        put(p, at, p->retries[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    for (int child; (child = 2 * at + 1) < p->retry_count; at = child) {
        if (child + 1 < p->retry_count && p->retries[child + 1]->due_ms < p->retries[child]->due_ms) child++;
        if (p->retries[child]->due_ms >= r->due_ms) break;
        put(p, at, p->retries[child]);
    }
    put(p, at, r);
}

void policy_retry_add(policy_t *p, struct request *r)
{
    if (p->retry_count == p->retry_cap) {
        int cap = p->retry_cap ? p->retry_cap * 2 : 16;
        struct request **grown = realloc(p->retries, (size_t)cap * sizeof(struct request *));
        if (!grown) {
            p->err = GW_ENOMEM;
            return;
        }
        p->retries = grown;
        p->retry_cap = cap;
    }
    p->retry_count++;
    settle(p, p->retry_count - 1, r);
}

void policy_retry_remove(policy_t *p, struct request *r)
{
    int at = r->heap_at;
    if (at == NOT_IN_HEAP) return;
    struct request *last = p->retries[--p->retry_count];
    if (last != r) settle(p, at, last);
    r->heap_at = NOT_IN_HEAP;
}
