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

/* RFC 8259 section 7, a byte at a time. */
static void plainly(struct buf *b, struct str s)
{
    buf_char(b, '"');
    for (size_t i = 0; i < s.n;) {
        static const char named[] = "\"\"\\\\\nn\rr\tt\bb\ff";
        unsigned char c = (unsigned char)s.p[i];
        size_t len = str_utf8_first((struct str){ s.p + i, s.n - i });
        const char *name = NULL;
        for (const char *at = named; *at; at += 2)
            if ((unsigned char)at[0] == c) name = at + 1;
        if (len == 0)
            buf_text(b, "\xEF\xBF\xBD");
        else if (name)
            buf_printf(b, "\\%c", *name);
        else if (c < 0x20 || c == 0x7F)
            buf_printf(b, "\\u%04x", c);
        else
            buf_add(b, (struct str){ s.p + i, len });
        i += len > 0 ? len : 1;
    }
    buf_char(b, '"');
}

Test(buf, writes_every_byte_at_every_place_of_a_json_string)
{
    char text[24];
    for (size_t n = 1; n <= sizeof text; n++)
        for (size_t at = 0; at < n; at++)
            for (int c = 0; c < 256; c++) {
                struct buf is = { 0 }, wanted = { 0 };
                memset(text, 'a', n);
                text[at] = (char)c;
                text[n - 1 - at] ^= (char)(c & 1); /* another one after or before it */
                buf_json_str(&is, (struct str){ text, n });
                plainly(&wanted, (struct str){ text, n });
                cr_assert(str_eq(buf_str(&is), buf_str(&wanted)));
                buf_free(&is);
                buf_free(&wanted);
            }
}

Test(buf, writes_utf8_as_it_is_and_what_is_cut_off_as_a_replacement)
{
    struct buf b = { 0 };
    buf_json_str(&b, STR("gr\xC3\xBC\xC3\x9F \"\xF0\x9F\xA6\x9E\" \xE2\x82"));
    cr_assert_str_eq(buf_cstr(&b), "\"gr\xC3\xBC\xC3\x9F \\\"\xF0\x9F\xA6\x9E\\\" \xEF\xBF\xBD\xEF\xBF\xBD\"");
    buf_free(&b);
}

Test(buf, puts_a_json_string_in_whole_or_not_at_all)
{
    struct buf b = { .max = 6 };
    buf_json_str(&b, STR("abcd"));
    cr_assert(b.err == 0 && b.n == 6);
    buf_clear(&b);
    buf_json_str(&b, STR("abcde"));
    cr_assert(b.err == GW_ELIMIT && b.n == 0);
    buf_free(&b);
}
