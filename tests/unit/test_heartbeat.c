/* Heartbeats: when they come, what asks for nothing, what an answer means. */
#include <criterion/criterion.h>

#include "actors/heartbeat.h"
#include "base/buf.h"

/* 2026-11-22T13:24:05Z, a Sunday */
#define NOON INT64_C(1795353845000)
#define HOUR INT64_C(3600000)

static bool active(const char *from, const char *until, const char *zone, int64_t at)
{
    const struct heartbeat_settings s = { .from = str_of(from), .until = str_of(until), .zone = str_of(zone) };
    return heartbeat_is_active(&s, STR("Asia/Ho_Chi_Minh"), at);
}

Test(heartbeat, active_hours_are_those_of_their_zone)
{
    cr_expect(active("", "", "user", NOON), "without hours always");
    cr_expect(active("13:00", "14:00", "UTC", NOON));
    cr_expect_not(active("14:00", "24:00", "UTC", NOON));
    cr_expect(active("20:00", "21:00", "user", NOON), "20:24 there");
    cr_expect_not(active("20:00", "21:00", "Europe/Berlin", NOON), "14:24 there");
    cr_expect(active("22:00", "06:00", "UTC", NOON + 10 * HOUR), "over midnight");
    cr_expect(active("22:00", "06:00", "UTC", NOON + 16 * HOUR));
    cr_expect_not(active("22:00", "06:00", "UTC", NOON));
    cr_expect(active("25:00", "xx", "UTC", NOON), "what is no time does not count");
}

Test(heartbeat, a_list_that_asks_for_nothing_is_empty)
{
    static const char *const EMPTY[] = {
        "", "\n \n", "# HEARTBEAT.md\n\n# Add tasks below\n", "- [ ]\n* \n-\n", "<!-- a\nb -->\n## x\n", "<!-- x -->"
    };
    static const char *const FULL[] = { "- look at the disk", "x", "# a\n- [ ] do it\n", "<!-- x -->\ntext", "1. mail" };
    for (size_t i = 0; i < sizeof EMPTY / sizeof *EMPTY; i++) cr_expect(heartbeat_list_is_empty(str_of(EMPTY[i])), "%s", EMPTY[i]);
    for (size_t i = 0; i < sizeof FULL / sizeof *FULL; i++) cr_expect_not(heartbeat_list_is_empty(str_of(FULL[i])), "%s", FULL[i]);
}

static enum heartbeat_answer answer(const char *text, const char *rest)
{
    struct str told;
    enum heartbeat_answer a = heartbeat_read_answer(str_of(text), 20, &told);
    if (rest) cr_expect(str_is(told, rest), "%s: %.*s", text, STR_ARG(told));
    return a;
}

Test(heartbeat, an_answer_is_nothing_an_ok_or_news)
{
    cr_expect_eq(answer("  ", NULL), HEARTBEAT_OK_EMPTY);
    cr_expect_eq(answer("NO_REPLY", NULL), HEARTBEAT_OK_EMPTY);
    cr_expect_eq(answer("HEARTBEAT_OK", ""), HEARTBEAT_OK_TOKEN);
    cr_expect_eq(answer(" **HEARTBEAT_OK**.", ""), HEARTBEAT_OK_TOKEN);
    cr_expect_eq(answer("All well. HEARTBEAT_OK", "All well"), HEARTBEAT_OK_TOKEN);
    cr_expect_eq(answer("HEARTBEAT_OK The disk is full, look at it now", "The disk is full, look at it now"), HEARTBEAT_SAYS);
    cr_expect_eq(answer("I say HEARTBEAT_OK in the middle", "I say HEARTBEAT_OK in the middle"), HEARTBEAT_SAYS);
}

Test(heartbeat, the_time_is_told_as_models_know_it)
{
    struct buf out = { 0 };
    heartbeat_write_time(STR(""), NOON, &out);
    cr_expect_str_eq(buf_cstr(&out), "Current time: Sunday, November 22nd, 2026 — 1:24 PM (UTC)");
    buf_clear(&out);
    heartbeat_write_time(STR("Asia/Ho_Chi_Minh"), NOON - 11 * 24 * HOUR + 4 * HOUR, &out);
    cr_expect_str_eq(buf_cstr(&out), "Current time: Thursday, November 12th, 2026 — 12:24 AM (Asia/Ho_Chi_Minh)");
    buf_free(&out);
}
