#include <criterion/criterion.h>

#include "base/arena.h"
#include "base/err.h"

Test(arena, gives_zeroed_aligned_memory_that_does_not_move)
{
    struct arena a = { 0 };
    unsigned char *first = arena_alloc(&a, 1, 24);
    cr_assert(first && (uintptr_t)first % ARENA_ALIGN == 0);
    for (int i = 0; i < 24; i++) cr_assert(first[i] == 0);
    memset(first, 'x', 24);
    for (int i = 0; i < 1000; i++) {
        unsigned char *p = arena_alloc(&a, 3, 33);
        cr_assert(p && (uintptr_t)p % ARENA_ALIGN == 0 && p[98] == 0);
        memset(p, i, 99);
    }
    cr_assert(first[0] == 'x' && first[23] == 'x');
    arena_free(&a);
    cr_assert(a.block == NULL && a.used == 0);
}

Test(arena, serves_requests_larger_than_a_block)
{
    struct arena a = { 0 };
    unsigned char *p = arena_alloc(&a, 1, ARENA_BLOCK_MAX + 5);
    cr_assert_not_null(p);
    p[ARENA_BLOCK_MAX + 4] = 1;
    cr_assert_not_null(arena_alloc(&a, 1, 1));
    arena_free(&a);
}

Test(arena, stops_at_its_bound_and_remembers)
{
    struct arena a = { .max = 160 };
    cr_assert_not_null(arena_alloc(&a, 9, 16));
    cr_assert_not_null(arena_alloc(&a, 1, 16));
    cr_assert_eq(a.used, 160);
    cr_assert_null(arena_alloc(&a, 1, 1));
    cr_assert_eq(a.err, GW_ELIMIT);
    cr_assert_null(arena_alloc(&a, 1, 0));
    arena_free(&a);
    cr_assert(a.max == 160 && a.err == 0);
    cr_assert_not_null(arena_alloc(&a, 1, 1));
    arena_free(&a);
}

Test(arena, refuses_products_that_overflow)
{
    struct arena a = { 0 };
    cr_assert_null(arena_alloc(&a, SIZE_MAX / 2, 3));
    cr_assert_eq(a.err, GW_ELIMIT);
    arena_free(&a);
}

Test(arena, copies_strings_with_their_nul)
{
    struct arena a = { 0 };
    struct str s = arena_str(&a, STR("hello"));
    cr_assert(str_is(s, "hello") && s.p[5] == '\0');
    s = arena_str(&a, (struct str){ NULL, 0 });
    cr_assert(s.n == 0 && s.p && s.p[0] == '\0');
    arena_free(&a);
}
