#include "base/arena.h"

#include <stdlib.h>

#include "base/err.h"

struct arena_block {
    struct arena_block *next;
    size_t used; /* bytes of data */
    size_t cap;
    _Alignas(ARENA_ALIGN) unsigned char data[];
};

static struct arena_block *grow(struct arena *a, size_t need)
{
    size_t cap = a->block ? a->block->cap : ARENA_BLOCK_MIN / 2;
    cap = cap < ARENA_BLOCK_MAX / 2 ? cap * 2 : ARENA_BLOCK_MAX;
    if (cap < need) cap = need;
    struct arena_block *block = calloc(1, sizeof *block + cap);
    if (!block) return NULL;
    block->cap = cap;
    block->next = a->block;
    a->block = block;
    return block;
}

void *arena_alloc(struct arena *a, size_t count, size_t size)
{
    size_t max = a->max ? a->max : ARENA_MAX_DEFAULT;
    size_t n;
    if (a->err) return NULL;
    if (__builtin_mul_overflow(count, size, &n) || n > max || a->used > max - n) {
        a->err = GW_ELIMIT;
        return NULL;
    }
    n = n ? (n + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1) : ARENA_ALIGN;
    struct arena_block *block = a->block;
    if (!block || block->cap - block->used < n) block = grow(a, n);
    if (!block) {
        a->err = GW_ENOMEM;
        return NULL;
    }
    void *at = block->data + block->used;
    block->used += n;
    a->used += n;
    return at;
}

struct str arena_str(struct arena *a, struct str s)
{
    char *copy = arena_alloc(a, s.n + 1, 1);
    if (!copy) return (struct str){ NULL, 0 };
    if (s.n) memcpy(copy, s.p, s.n);
    return (struct str){ copy, s.n };
}

void arena_free(struct arena *a)
{
    while (a->block) {
        struct arena_block *next = a->block->next;
        free(a->block);
        a->block = next;
    }
    *a = (struct arena){ .max = a->max };
}
