#include <criterion/criterion.h>

#include "base/err.h"
#include "msgs/prescan.h"

static int scan(const char *bytes, size_t n)
{
    return msgs_prescan((struct str){ bytes, n }, 16);
}
#define SCAN(literal) scan((literal), sizeof(literal) - 1)

Test(prescan, accepts_each_scalar_format)
{
    cr_assert_eq(SCAN("\x00"), 0);
    cr_assert_eq(SCAN("\x7f"), 0);
    cr_assert_eq(SCAN("\xff"), 0);
    cr_assert_eq(SCAN("\xc0"), 0);
    cr_assert_eq(SCAN("\xc2"), 0);
    cr_assert_eq(SCAN("\xc3"), 0);
    cr_assert_eq(SCAN("\xa2hi"), 0);
    cr_assert_eq(SCAN("\xd9\x02hi"), 0);
    cr_assert_eq(SCAN("\xda\x00\x02hi"), 0);
    cr_assert_eq(SCAN("\xdb\x00\x00\x00\x02hi"), 0);
    cr_assert_eq(SCAN("\xc4\x01x"), 0);
    cr_assert_eq(SCAN("\xc5\x00\x01x"), 0);
    cr_assert_eq(SCAN("\xc6\x00\x00\x00\x01x"), 0);
    cr_assert_eq(SCAN("\xc7\x01tx"), 0);
    cr_assert_eq(SCAN("\xc8\x00\x01tx"), 0);
    cr_assert_eq(SCAN("\xc9\x00\x00\x00\x01tx"), 0);
    cr_assert_eq(SCAN("\xca"
                      "4444"),
                 0);
    cr_assert_eq(SCAN("\xcb"
                      "88888888"),
                 0);
    cr_assert_eq(SCAN("\xcc"
                      "1"),
                 0);
    cr_assert_eq(SCAN("\xcd"
                      "22"),
                 0);
    cr_assert_eq(SCAN("\xce"
                      "4444"),
                 0);
    cr_assert_eq(SCAN("\xcf"
                      "88888888"),
                 0);
    cr_assert_eq(SCAN("\xd0"
                      "1"),
                 0);
    cr_assert_eq(SCAN("\xd3"
                      "88888888"),
                 0);
    cr_assert_eq(SCAN("\xd4"
                      "t1"),
                 0);
    cr_assert_eq(SCAN("\xd8"
                      "t0123456789abcdef"),
                 0);
}

Test(prescan, accepts_arrays_and_maps_of_each_width)
{
    cr_assert_eq(SCAN("\x90"), 0);
    cr_assert_eq(SCAN("\x80"), 0);
    cr_assert_eq(SCAN("\x93\x01\x02\x03"), 0);
    cr_assert_eq(SCAN("\x82\xa1"
                      "a\x90\xa1"
                      "b\x80"),
                 0);
    cr_assert_eq(SCAN("\xdc\x00\x02\x01\x02"), 0);
    cr_assert_eq(SCAN("\xdd\x00\x00\x00\x01\xc0"), 0);
    cr_assert_eq(SCAN("\xde\x00\x01\x01\x02"), 0);
    cr_assert_eq(SCAN("\xdf\x00\x00\x00\x01\x01\x02"), 0);
}

Test(prescan, refuses_sizes_that_the_bytes_do_not_back)
{
    cr_assert_eq(SCAN("\xdd\xff\xff\xff\xff"), GW_EBADMSG);
    cr_assert_eq(SCAN("\xdf\xff\xff\xff\xff"), GW_EBADMSG);
    cr_assert_eq(SCAN("\xdb\xff\xff\xff\xffx"), GW_EBADMSG);
    cr_assert_eq(SCAN("\xc6\x00\x00\x00\x02x"), GW_EBADMSG);
    cr_assert_eq(SCAN("\xc7\x01t"), GW_EBADMSG);
    cr_assert_eq(SCAN("\xa2h"), GW_EBADMSG);
    cr_assert_eq(SCAN("\x92\x01"), GW_EBADMSG);
    cr_assert_eq(SCAN("\x81\x01"), GW_EBADMSG);
    cr_assert_eq(SCAN("\xcf"
                      "8888888"),
                 GW_EBADMSG);
    cr_assert_eq(SCAN("\xda\x00"), GW_EBADMSG);
}

Test(prescan, refuses_nothing_at_all_leftovers_and_the_unused_byte)
{
    cr_assert_eq(SCAN(""), GW_EBADMSG);
    cr_assert_eq(SCAN("\x01\x02"), GW_EBADMSG);
    cr_assert_eq(SCAN("\xc1"), GW_EBADMSG);
    cr_assert_eq(SCAN("\x91\xc1"), GW_EBADMSG);
}

Test(prescan, allows_nesting_up_to_the_depth_given_and_not_one_more)
{
    char deep[MSGS_PRESCAN_DEPTH_MAX + 2];
    memset(deep, '\x91', sizeof deep);
    deep[15] = '\x90';
    cr_assert_eq(msgs_prescan((struct str){ deep, 16 }, 16), 0);
    deep[15] = '\x91';
    deep[16] = '\x90';
    cr_assert_eq(msgs_prescan((struct str){ deep, 17 }, 16), GW_EBADMSG);
    cr_assert_eq(msgs_prescan(STR("\x90"), 0), GW_EBADMSG);
    cr_assert_eq(msgs_prescan(STR("\x05"), 0), 0);
    cr_assert_eq(msgs_prescan(STR("\x05"), MSGS_PRESCAN_DEPTH_MAX + 1), GW_EINVAL);
}
