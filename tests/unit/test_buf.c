#include <criterion/criterion.h>

#include "base/buf.h"
#include "base/err.h"

Test(buf, holds_its_bound_and_refuses_one_byte_more)
{
    struct buf b = { .max = 4 };
    buf_text(&b, "abcd");
    cr_assert(b.err == 0 && b.n == 4);
    buf_char(&b, 'e');
    cr_assert(b.err == GW_ELIMIT && b.n == 4);
    buf_free(&b);
}

Test(buf, writes_json_that_is_always_valid)
{
    struct buf b = { 0 };
    buf_char(&b, '{');
    buf_json_pair_str(&b, "a", STR("q\"\\\n\x01\xFFz"));
    buf_json_pair_int(&b, "n", INT64_MIN);
    buf_json_pair_bool(&b, "t", true);
    buf_char(&b, '}');
    cr_assert_str_eq(buf_cstr(&b), "{\"a\":\"q\\\"\\\\\\n\\u0001\xEF\xBF\xBDz\",\"n\":-9223372036854775808,\"t\":true}");
    buf_free(&b);
}

Test(buf, gives_its_memory_away_once)
{
    struct buf b = { 0 };
    size_t n;
    buf_printf(&b, "%s-%d", "x", 7);
    char *p = buf_take(&b, &n);
    cr_assert_str_eq(p, "x-7");
    cr_assert(n == 3 && b.p == NULL && b.n == 0);
    free(p);
}

Test(buf, drops_from_the_front)
{
    struct buf b = { 0 };
    buf_text(&b, "hello");
    buf_drop(&b, 3);
    cr_assert(str_is(buf_str(&b), "lo"));
    buf_drop(&b, 9);
    cr_assert(b.n == 0);
    buf_free(&b);
}

Test(buf, writes_an_empty_string_that_has_no_pointer)
{
    struct buf b = { 0 };
    buf_json_str(&b, (struct str){ NULL, 0 });
    cr_assert_str_eq(buf_cstr(&b), "\"\"");
    buf_free(&b);
}
