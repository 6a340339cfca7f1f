/* What a terminal is given: widths, times, colours, and nothing that steers it. */
#include <criterion/criterion.h>

#include "cli/json_print.h"
#include "cli/text.h"

#define CRAB "\xF0\x9F\xA6\x80"
#define HAN "\xE6\xBC\xA2"

static const char *ago(int64_t age_ms, char out[32])
{
    struct buf b = { 0 };
    text_ago(&b, age_ms);
    str_copy(out, 32, buf_str(&b));
    buf_free(&b);
    return out;
}

static const char *span(int64_t ms, char out[32])
{
    struct buf b = { 0 };
    text_span(&b, ms);
    str_copy(out, 32, buf_str(&b));
    buf_free(&b);
    return out;
}

Test(cli_text, tells_ages_as_openclaw_does)
{
    char out[32];
    cr_expect_str_eq(ago(-5, out), "just now");
    cr_expect_str_eq(ago(29499, out), "just now");
    cr_expect_str_eq(ago(97183, out), "2m ago");  /* reference: frames/cli-health.json */
    cr_expect_str_eq(ago(156327, out), "3m ago"); /* frames/cli-sessions.json */
    cr_expect_str_eq(ago(59 * 60000 + 29000, out), "59m ago");
    cr_expect_str_eq(ago(60 * 60000, out), "1h ago");
    cr_expect_str_eq(ago((int64_t)47 * 3600000, out), "47h ago");
    cr_expect_str_eq(ago((int64_t)48 * 3600000, out), "2d ago");
    cr_expect_str_eq(ago((int64_t)400 * 86400000, out), "400d ago");
}

Test(cli_text, tells_spans)
{
    char out[32];
    cr_expect_str_eq(span(59999, out), "<1m");
    cr_expect_str_eq(span(60000, out), "1m");
    cr_expect_str_eq(span(3599000, out), "60m"); /* frames/cli-cron-list2.json */
    cr_expect_str_eq(span(7199000, out), "2h");
    cr_expect_str_eq(span((int64_t)36 * 3600000, out), "2d");
}

Test(cli_text, colours_only_a_terminal_that_wants_it)
{
    static const char *const none[] = { NULL }, *const no[] = { "NO_COLOR", "1", NULL }, *const empty[] = { "NO_COLOR", "", NULL },
                             *const dumb[] = { "TERM", "dumb", NULL };
    struct env env = env_list(none);
    cr_expect(text_colour_wanted(true, &env));
    cr_expect(!text_colour_wanted(false, &env));
    env = env_list(no);
    cr_expect(!text_colour_wanted(true, &env));
    env = env_list(empty);
    cr_expect(text_colour_wanted(true, &env)); /* no-color.org: when not empty */
    env = env_list(dumb);
    cr_expect(!text_colour_wanted(true, &env));
}

Test(cli_text, styles_only_when_told_to)
{
    struct buf b = { 0 };
    text_style(&b, false, STYLE_RED, STR("x"));
    text_style(&b, true, STYLE_PLAIN, STR("y"));
    text_style(&b, true, STYLE_RED, STR("z"));
    cr_assert_str_eq(buf_cstr(&b), "xy\033[31mz\033[0m");
    buf_free(&b);
}

Test(cli_text, counts_columns_not_characters)
{
    cr_expect_eq(text_width(STR("")), 0);
    cr_expect_eq(text_width(STR("abc")), 3);
    cr_expect_eq(text_width(STR(CRAB)), 2);
    cr_expect_eq(text_width(STR(HAN HAN)), 4);
    cr_expect_eq(text_width(STR("e\xCC\x81")), 1);                /* e with a combining accent */
    cr_expect_eq(text_width(STR("\xE2\x8F\xB0")), 2);             /* alarm clock */
    cr_expect_eq(text_width(STR("\xE2\x98\x81")), 1);             /* cloud, as text */
    cr_expect_eq(text_width(STR("\xE2\x98\x81\xEF\xB8\x8F")), 2); /* and as an emoji */
    cr_expect_eq(text_width(STR("\xE2\x94\x82")), 1);             /* a border */
}

static void cleans(struct str in, const char *expected)
{
    struct buf b = { 0 };
    text_clean(&b, in);
    cr_expect_str_eq(buf_cstr(&b), expected);
    buf_free(&b);
}

Test(cli_text, takes_out_what_steers_a_terminal)
{
    static const char turned[] = {
        'a', '\xE2', '\x80', '\xAE', 'b', '\xE2', '\x81', '\xA6', 'c'
    }; /* no literal: editors would turn it, too */
    cleans(STR("plain " HAN CRAB), "plain " HAN CRAB);
    cleans(STR("\033]0;title\007\033[2J"), " ]0;title  [2J");
    cleans(STR("a\nb\tc\rd"), "a b c d");
    cleans(STR("a\xC2\x9B"
               "31m"),
           "a 31m");                                        /* CSI in one character */
    cleans((struct str){ turned, sizeof turned }, "a b c"); /* writing turned around */
    cleans(STR("a\xFFz"), "a\xEF\xBF\xBDz");
}

Test(cli_text, keeps_line_ends_of_longer_texts)
{
    struct buf b = { 0 };
    text_clean_lines(&b, STR("one\033[1m\ntwo\n"));
    cr_assert_str_eq(buf_cstr(&b), "one [1m\ntwo\n");
    buf_free(&b);
}

Test(cli_text, pads_and_fits_to_columns)
{
    struct buf b = { 0 };
    text_pad(&b, STR(CRAB "x"), 5);
    buf_char(&b, '|');
    text_fit(&b, STR("abcdef"), 6);
    buf_char(&b, '|');
    text_fit(&b, STR("abcdefg"), 6);
    buf_char(&b, '|');
    text_fit(&b, STR(HAN HAN HAN HAN), 6);
    cr_assert_str_eq(buf_cstr(&b), CRAB "x  |abcdef|abc...|" HAN "...");
    buf_free(&b);
}

static void prints(const char *in, const char *expected)
{
    struct buf b = { 0 };
    json_t *value = json_loads(in, JSON_DECODE_ANY, NULL);
    json_print(&b, value);
    cr_expect_str_eq(buf_cstr(&b), expected);
    json_decref(value);
    buf_free(&b);
}

Test(cli_text, prints_json_as_it_came_with_two_spaces)
{
    prints("{\"b\":1,\"a\":[true,null,{}],\"c\":[]}", "{\n  \"b\": 1,\n  \"a\": [\n    true,\n    null,\n    {}\n  ],\n  \"c\": []\n}");
    prints("\"caf\xC3\xA9 \\u001b/\"", "\"caf\xC3\xA9 \\u001b/\"");
    prints("0.1", "0.1");
    prints("1.5e-7", "1.5e-07");
    prints("3.0", "3");
    prints("9007199254740993", "9007199254740993");
    prints("0.30000000000000004", "0.30000000000000004");
}
