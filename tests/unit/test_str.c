#include <criterion/criterion.h>

#include "base/err.h"
#include "base/failure.h"
#include "base/str.h"

Test(str, splits_until_nothing_is_left)
{
    struct str rest = STR("a,b,,c");
    cr_assert(str_is(str_split(&rest, ','), "a"));
    cr_assert(str_is(str_split(&rest, ','), "b"));
    cr_assert(str_is(str_split(&rest, ','), ""));
    cr_assert(str_is(str_split(&rest, ','), "c"));
    cr_assert(rest.p == NULL && rest.n == 0);
}

Test(str, parses_integers_and_refuses_overflow)
{
    int64_t v;
    cr_assert(str_to_int(STR("-42"), &v) == 0 && v == -42);
    cr_assert(str_to_int(STR("9223372036854775807"), &v) == 0 && v == INT64_MAX);
    cr_assert(str_to_int(STR("-9223372036854775808"), &v) == 0 && v == INT64_MIN);
    cr_assert(str_to_int(STR("9223372036854775808"), &v) == GW_ELIMIT);
    cr_assert(str_to_int(STR(""), &v) == GW_EPARSE);
    cr_assert(str_to_int(STR("-"), &v) == GW_EPARSE);
    cr_assert(str_to_int(STR("1x"), &v) == GW_EPARSE);
}

Test(str, knows_well_formed_utf8)
{
    cr_assert(str_utf8_valid(STR("plain, \xC3\xA9, \xE2\x82\xAC, \xF0\x9F\xA6\x9E")));
    cr_assert(!str_utf8_valid(STR("\xC0\xAF")), "overlong");
    cr_assert(!str_utf8_valid(STR("\xED\xA0\x80")), "surrogate");
    cr_assert(!str_utf8_valid(STR("\xF4\x90\x80\x80")), "above U+10FFFF");
    cr_assert(!str_utf8_valid(STR("\xE2\x82")), "cut short");
}

Test(str, cuts_between_code_points_only)
{
    struct str euro = STR("a\xE2\x82\xAC");
    cr_assert(str_utf8_prefix(euro, 3).n == 1);
    cr_assert(str_utf8_prefix(euro, 4).n == 4);
}

Test(str, copies_only_what_fits)
{
    char out[4];
    cr_assert(str_copy(out, sizeof out, STR("abc")) == 0);
    cr_assert_str_eq(out, "abc");
    cr_assert(str_copy(out, sizeof out, STR("abcd")) == GW_ELIMIT);
    cr_assert_str_eq(out, "");
}

Test(str, finds_trims_and_compares)
{
    cr_assert(str_find(STR("hello"), STR("llo")) == 2);
    cr_assert(str_find(STR("hello"), STR("x")) == -1);
    cr_assert(str_is(str_trim(STR(" \t x \r\n")), "x"));
    cr_assert(str_ieq(STR("Bearer"), STR("bearer")));
    cr_assert(str_ends(STR("a.json"), STR(".json")) && !str_ends(STR("n"), STR("json")));
    cr_assert(str_secret_eq(STR("token"), STR("token")) && !str_secret_eq(STR("token"), STR("tokem")));
}

Test(failure, has_a_name_and_a_route_for_each_class)
{
    for (int f = 1; f < FAILURE_COUNT; f++) cr_assert(failure_of_name(str_of(failure_name((enum failure)f))) == (enum failure)f);
    cr_assert(failure_falls_back(FAILURE_rate_limit) && !failure_falls_back(FAILURE_bad_request));
    cr_assert(failure_cooldown(FAILURE_billing) == COOLDOWN_LONG);
}

Test(err, names_and_texts_are_unique_to_their_code)
{
    cr_assert_str_eq(err_name(GW_EFULL), "GW_EFULL");
    cr_assert_str_eq(err_text(-9999), "unknown error");
}

Test(str, tells_how_unlike_two_names_are)
{
    cr_assert_eq(str_distance(STR("gateway"), STR("gateway")), 0);
    cr_assert_eq(str_distance(STR("GATEWAY"), STR("gatewya")), 1);
    cr_assert_eq(str_distance(STR(""), STR("abc")), 3);
    char longer[STR_DISTANCE_MAX + 1];
    memset(longer, 'a', sizeof longer);
    cr_assert_eq(str_distance((struct str){ longer, STR_DISTANCE_MAX }, STR("a")), STR_DISTANCE_MAX - 1);
    cr_assert_eq(str_distance((struct str){ longer, sizeof longer }, STR("a")), SIZE_MAX);
}
