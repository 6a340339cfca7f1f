/* Strangers: codes, their time, how many, and that approval outlives a restart. */
#include <criterion/criterion.h>

#include "base/err.h"
#include "channels/dm_pairing.h"

#define NOW INT64_C(1795353845000)

static dm_pairing_t *p;

static void open_pairing(void)
{
    cr_assert(dm_pairing_create(&p) == 0);
}

static void close_pairing(void)
{
    dm_pairing_destroy(&p);
}

TestSuite(dm_pairing, .init = open_pairing, .fini = close_pairing);

Test(dm_pairing, asks_once_and_lets_in_who_is_approved)
{
    char code[DM_PAIRING_CODE_SIZE], again[DM_PAIRING_CODE_SIZE], id[DM_PAIRING_ID_MAX + 1];
    cr_assert(dm_pairing_ask(p, STR("42"), STR("bob"), NOW, 0x123456789abcdef, code) == DM_PAIRING_NEW);
    cr_expect(strlen(code) == 8 && strspn(code, "ABCDEFGHJKLMNPQRSTUVWXYZ23456789") == 8);
    cr_expect(dm_pairing_ask(p, STR("42"), STR("bob"), NOW + 1, 7, again) == DM_PAIRING_KNOWN);
    cr_expect_str_eq(code, again);
    cr_expect_not(dm_pairing_allowed(p, STR("42")));
    cr_expect(dm_pairing_approve(p, STR("AAAAAAAA"), NOW, id) == GW_ENOENT);
    for (char *c = code; *c; c++)
        if (*c >= 'A') *c = (char)(*c + 32);
    cr_assert(dm_pairing_approve(p, str_of(code), NOW + 2, id) == 0, "letter case does not matter");
    cr_expect_str_eq(id, "42");
    cr_expect(dm_pairing_allowed(p, STR("42")));
    cr_expect(dm_pairing_approve(p, str_of(code), NOW + 3, id) == GW_ENOENT, "a code is good once");
}

Test(dm_pairing, at_most_three_wait_and_an_hour_is_over)
{
    char code[DM_PAIRING_CODE_SIZE], id[DM_PAIRING_ID_MAX + 1];
    static const char *const who[] = { "1", "2", "3" };
    for (size_t i = 0; i < 3; i++) cr_assert(dm_pairing_ask(p, str_of(who[i]), STR("x"), NOW, 1000 + i, code) == DM_PAIRING_NEW);
    cr_expect(dm_pairing_ask(p, STR("4"), STR("x"), NOW, 5, code) == DM_PAIRING_FULL);
    cr_expect(dm_pairing_ask(p, STR("3"), STR("x"), NOW, 5, code) == DM_PAIRING_KNOWN);
    cr_expect(dm_pairing_approve(p, str_of(code), NOW + DM_PAIRING_LIFE_MS, id) == GW_ENOENT, "too late");
    cr_expect(dm_pairing_ask(p, STR("4"), STR("x"), NOW + DM_PAIRING_LIFE_MS, 5, code) == DM_PAIRING_NEW);
}

Test(dm_pairing, what_was_kept_is_known_again)
{
    char code[DM_PAIRING_CODE_SIZE], again[DM_PAIRING_CODE_SIZE], id[DM_PAIRING_ID_MAX + 1];
    struct buf kept = { 0 };
    dm_pairing_t *other;
    dm_pairing_ask(p, STR("1"), STR("a\"b"), NOW, 1, code);
    cr_assert(dm_pairing_approve(p, str_of(code), NOW, id) == 0);
    dm_pairing_ask(p, STR("2"), STR("b"), NOW, 77, code);
    dm_pairing_write(p, &kept);
    cr_assert(dm_pairing_create(&other) == 0);
    dm_pairing_load(other, STR("[1,2"));
    dm_pairing_load(other, buf_str(&kept));
    cr_expect(dm_pairing_allowed(other, STR("1")));
    cr_expect(dm_pairing_ask(other, STR("2"), STR("b"), NOW + 5, 3, again) == DM_PAIRING_KNOWN);
    cr_expect_str_eq(code, again);
    dm_pairing_destroy(&other);
    buf_free(&kept);
}
