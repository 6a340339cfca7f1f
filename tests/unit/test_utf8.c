#include <criterion/criterion.h>

#include "base/utf8.h"

#define EURO "\xE2\x82\xAC"
#define CRAB "\xF0\x9F\xA6\x80"

Test(utf8, counts_characters_not_bytes)
{
    cr_assert_eq(utf8_count(STR("")), 0);
    cr_assert_eq(utf8_count(STR("abc")), 3);
    cr_assert_eq(utf8_count(STR("a" EURO CRAB)), 3);
}

Test(utf8, takes_characters_from_either_end)
{
    struct str s = STR("a" EURO "b" CRAB);
    cr_assert(str_is(utf8_first(s, 0), ""));
    cr_assert(str_is(utf8_first(s, 1), "a"));
    cr_assert(str_is(utf8_first(s, 2), "a" EURO));
    cr_assert(str_is(utf8_first(s, 4), "a" EURO "b" CRAB));
    cr_assert(str_is(utf8_first(s, 99), "a" EURO "b" CRAB));
    cr_assert(str_is(utf8_last(s, 0), ""));
    cr_assert(str_is(utf8_last(s, 1), CRAB));
    cr_assert(str_is(utf8_last(s, 3), EURO "b" CRAB));
    cr_assert(str_is(utf8_last(s, 4), "a" EURO "b" CRAB));
    cr_assert(str_is(utf8_last(s, 99), "a" EURO "b" CRAB));
}

static bool becomes(struct str s, const char *expected)
{
    struct buf b = { 0 };
    utf8_add_valid(&b, s);
    bool same = str_is(buf_str(&b), expected);
    buf_free(&b);
    return same;
}

Test(utf8, replaces_malformed_bytes_and_nothing_else)
{
    cr_assert(becomes(STR("plain " EURO), "plain " EURO));
    cr_assert(becomes(STR("a\xFF" EURO "\xC3"), "a\xEF\xBF\xBD" EURO "\xEF\xBF\xBD"));
    cr_assert(becomes(STR("\xE2\x82"), "\xEF\xBF\xBD\xEF\xBF\xBD"));
    cr_assert(becomes(STR(""), ""));
}
