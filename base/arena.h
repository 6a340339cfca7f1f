/** base/arena.h -- memory for many small things that are freed together.
 *
 *  A bump allocator over a chain of blocks, with a bound. Pointers stay valid until arena_free().
 *  As with struct buf, the first failure is remembered in `err`: check it once, or each NULL.
 *
 *  Owns:   its blocks             Thread: one at a time */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/str.h"

struct arena_block;

/* Zero-initialise, set max if wanted; free with arena_free(). */
struct arena {
    struct arena_block *block; /* newest first; owned */
    size_t used;               /* bytes handed out, rounded up to ARENA_ALIGN */
    size_t max;                /* most of them; 0: ARENA_MAX_DEFAULT */
    int err;                   /* first failure: 0, GW_ENOMEM, GW_ELIMIT */
};

enum {
    ARENA_ALIGN = 16,                     /* bytes; enough for every type used here */
    ARENA_BLOCK_MIN = 1024,               /* bytes; blocks double up to ARENA_BLOCK_MAX */
    ARENA_BLOCK_MAX = 1024 * 1024,        /* bytes; a larger request gets a block of its own */
    ARENA_MAX_DEFAULT = 64 * 1024 * 1024, /* bytes */
};

/** `count` things of `size` bytes, zeroed, aligned to ARENA_ALIGN; borrowed until arena_free().
 *  @return a pointer, never NULL for 0 bytes; NULL when the bound is passed or memory is out (a->err says which) */
void *arena_alloc(struct arena *a, size_t count, size_t size);

/** A copy of s that lives as long as the arena, NUL-terminated. @return the empty string when it fails */
struct str arena_str(struct arena *a, struct str s);

/** Free everything, and zero all but max. */
void arena_free(struct arena *a);

#endif
