/* Idempotency keys: remembered while their turn lives, and a bounded while and number afterwards. */
#include "actors/policy_internal.h"

void policy_key_forget(policy_t *p, struct keep *k)
{
    policy_list_remove(&k->in_ended);
    HASH_DEL(p->keeps, k);
    policy_free(p, k);
}

static struct keep *oldest(const policy_t *p)
{
    return HOLDER(p->ended.first, struct keep, in_ended);
}

void policy_keys_expire(policy_t *p)
{
    while (p->ended.count > p->limits.idempotent_max) policy_key_forget(p, oldest(p));
    while (p->ended.count && p->now_ms - oldest(p)->ended_ms >= p->limits.idempotent_ms) policy_key_forget(p, oldest(p));
}

struct keep *policy_key_find(policy_t *p, struct str key)
{
    struct keep *k;
    policy_keys_expire(p);
    HASH_FIND(hh, p->keeps, key.p, key.n, k);
    return k;
}

struct keep *policy_key_add(policy_t *p, struct str key, int64_t turn)
{
    struct keep *k = policy_alloc(p, sizeof *k + key.n);
    if (!k) return NULL;
    k->turn = turn;
    k->n = key.n;
    memcpy(k->key, key.p, key.n);
    HASH_ADD(hh, p->keeps, key, k->n, k);
    return policy_indexed(p, &k->hh) ? k : NULL;
}

void policy_key_ended(policy_t *p, struct keep *k, enum policy_outcome outcome)
{
    k->ended = true;
    k->outcome = outcome;
    k->ended_ms = p->now_ms;
    policy_list_push(&p->ended, &k->in_ended);
    while (p->ended.count > p->limits.idempotent_max) policy_key_forget(p, oldest(p));
}
