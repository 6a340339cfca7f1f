#include <criterion/criterion.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/str.h"

Test(random, makes_version_4_uuids)
{
    char a[RANDOM_UUID_SIZE], b[RANDOM_UUID_SIZE];
    random_uuid(a);
    random_uuid(b);
    cr_assert_eq(strlen(a), 36);
    cr_assert(a[14] == '4' && strchr("89ab", a[19]) && a[8] == '-' && a[23] == '-');
    cr_assert_str_neq(a, b);
}

Test(random, makes_tokens_of_43_url_safe_characters)
{
    char token[RANDOM_TOKEN_SIZE];
    for (int i = 0; i < 100; i++) {
        random_token(token);
        cr_assert_eq(strlen(token), 43);
        cr_assert_eq(strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), 43);
    }
}

Test(clock, writes_iso_times_in_utc)
{
    char text[CLOCK_ISO_SIZE];
    clock_iso(1795353530123, text);
    cr_assert_str_eq(text, "2026-11-22T13:18:50.123Z");
    clock_iso(0, text);
    cr_assert_str_eq(text, "1970-01-01T00:00:00.000Z");
}

Test(clock, counts_down_to_a_deadline_and_no_further)
{
    int64_t now = clock_mono_ms();
    cr_assert(clock_left_ms(-1) == -1);
    cr_assert(clock_left_ms(now - 5) == 0);
    int left = clock_left_ms(now + 60000);
    cr_assert(left > 0 && left <= 60000);
}
