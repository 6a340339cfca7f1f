/* Calls at Discord's pace: lanes, buckets, limits, what is tried again. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "channels/discord_rest.h"

static discord_rest_t *rest;

static void open_rest(void)
{
    cr_assert(discord_rest_create(&rest) == 0);
}

static void close_rest(void)
{
    discord_rest_destroy(&rest);
}

TestSuite(discord_rest, .init = open_rest, .fini = close_rest);

static void post_at(const char *channel, uint64_t about, int64_t now_ms)
{
    struct discord_call *c = calloc(1, sizeof *c);
    c->method = "POST";
    c->about = about;
    c->patience_ms = 60000;
    snprintf(c->path, sizeof c->path, "/channels/%s/messages", channel);
    snprintf(c->lane, sizeof c->lane, "%s", channel);
    cr_assert(discord_rest_add(rest, c, now_ms) == 0);
}

static void post(const char *channel, uint64_t about)
{
    post_at(channel, about, 0);
}

/* The number of the call that may go; 0: none. */
static uint64_t next(int64_t now_ms, uint64_t *tag)
{
    const struct discord_call *c = discord_rest_next(rest, now_ms);
    if (c && tag) *tag = c->tag;
    return c ? c->about : 0;
}

/* @return whether the call is over */
static bool answer(uint64_t tag, int status, const char *headers, const char *body, int64_t now_ms)
{
    const struct channel_response r = { .tag = tag, .status = status, .headers = str_of(headers), .body = str_of(body) };
    struct discord_call *c = discord_rest_answered(rest, &r, now_ms, 0);
    discord_call_free(c);
    return c != NULL;
}

#define LEFT(n) "X-RateLimit-Bucket: abc\r\nX-RateLimit-Remaining: " #n "\r\nX-RateLimit-Reset-After: 5.000\r\n"

Test(discord_rest, one_channel_keeps_its_order_and_others_do_not_wait)
{
    uint64_t first, second;
    post("100000000000000001", 1);
    post("100000000000000001", 2);
    post("100000000000000002", 3);
    cr_assert(next(0, &first) == 1);
    cr_assert(next(0, &second) == 3);
    cr_assert(next(0, NULL) == 0);
    cr_assert(answer(first, 200, LEFT(4), "{}", 10));
    cr_assert(next(10, NULL) == 2);
}

Test(discord_rest, an_empty_bucket_is_waited_for)
{
    uint64_t tag;
    post("100000000000000001", 1);
    post("100000000000000001", 2);
    cr_assert(next(0, &tag) == 1);
    cr_assert(answer(tag, 200, LEFT(0), "{}", 100));
    cr_assert(next(100, NULL) == 0);
    cr_expect(discord_rest_due(rest) >= 5100 && discord_rest_due(rest) <= 5102);
    cr_assert(next(5102, NULL) == 2);
}

Test(discord_rest, a_429_waits_as_the_body_says_and_is_sent_again_before_those_behind_it)
{
    uint64_t tag;
    post("100000000000000001", 1);
    post("100000000000000001", 2);
    cr_assert(next(0, &tag) == 1);
    cr_assert_not(answer(tag, 429, "Retry-After: 3\r\n", "{\"retry_after\":0.25,\"global\":false}", 0));
    cr_assert(next(200, NULL) == 0);
    cr_assert(next(252, NULL) == 1);
}

Test(discord_rest, a_global_limit_stops_everything_but_answers_to_interactions)
{
    uint64_t tag;
    post("100000000000000001", 1);
    cr_assert(next(0, &tag) == 1);
    cr_assert_not(answer(tag, 429, "", "{\"retry_after\":2,\"global\":true}", 0));
    post("100000000000000002", 2);
    cr_assert(next(1000, NULL) == 0);
    struct discord_call *c = calloc(1, sizeof *c);
    c->method = "POST";
    c->about = 9;
    c->exempt = true;
    snprintf(c->path, sizeof c->path, "/interactions/1/x/callback");
    cr_assert(discord_rest_add(rest, c, 1000) == 0);
    cr_assert(next(1000, NULL) == 9);
    cr_assert(next(2002, NULL) == 1);
}

Test(discord_rest, servers_that_fail_are_tried_again_until_patience_ends)
{
    uint64_t tag;
    int64_t now = 0, tries = 0;
    post("100000000000000001", 1);
    for (;;) {
        if (next(now, &tag) == 1) {
            tries++;
            if (answer(tag, tries % 2 ? 502 : 0, "", "<html>", now)) break;
        }
        now += 100;
        cr_assert(now < 200000);
    }
    cr_expect(tries >= 6 && tries <= 12, "%d tries", (int)tries);
    cr_expect(discord_rest_count(rest) == 0);
}

Test(discord_rest, what_is_wrong_is_not_repeated)
{
    uint64_t tag;
    post("100000000000000001", 1);
    cr_assert(next(0, &tag) == 1);
    cr_assert(answer(tag, 403, "", "{\"code\":50001}", 1));
}

Test(discord_rest, no_second_has_more_than_fifty_calls)
{
    char channel[32];
    int sent = 0;
    for (int i = 0; i < 200; i++) {
        snprintf(channel, sizeof channel, "1000000000000%05d", i);
        post(channel, (uint64_t)i + 1);
    }
    for (int64_t now = 0; now < 1000; now += 10)
        while (next(now, NULL)) sent++;
    cr_expect(sent == DISCORD_GLOBAL_MAX, "%d", sent);
}

Test(discord_rest, routes_keep_what_limits_count_for)
{
    struct buf out = { 0 };
    discord_route("PUT", STR("/channels/100000000000000001/messages/200000000000000002/reactions/%F0/@me"), &out);
    cr_expect(str_is(buf_str(&out), "PUT /channels/100000000000000001/messages/*/reactions/*/@me"), "%.*s", STR_ARG(buf_str(&out)));
    buf_clear(&out);
    discord_route("POST", STR("/webhooks/100000000000000001/tok?wait=true"), &out);
    cr_expect(str_is(buf_str(&out), "POST /webhooks/100000000000000001/tok"));
    buf_free(&out);
}

Test(discord_rest, so_many_calls_wait_and_no_more)
{
    for (int i = 0; i < DISCORD_CALLS_MAX; i++) post("100000000000000001", 1);
    struct discord_call *c = calloc(1, sizeof *c);
    c->method = "GET";
    snprintf(c->path, sizeof c->path, "/users/@me");
    cr_assert(discord_rest_add(rest, c, 0) == GW_EFULL);
    cr_expect(discord_rest_count(rest) == DISCORD_CALLS_MAX);
}

Test(discord_rest, near_the_ban_for_invalid_requests_it_falls_silent)
{
    uint64_t tag;
    int64_t now = 0;
    for (int i = 0; i < DISCORD_INVALID_MAX; i++, now += 23) {
        post("100000000000000001", 1);
        cr_assert(next(now, &tag) == 1, "call %d", i);
        cr_assert(answer(tag, 403, "", "{}", now));
    }
    post("100000000000000001", 2);
    cr_expect(next(now, NULL) == 0, "one more is not sent");
    cr_expect(next(700000, NULL) == 2, "until the ten minutes are over");
}

Test(discord_rest, a_shared_limit_is_nobodys_fault)
{
    uint64_t tag;
    int64_t now = 0;
    for (int i = 0; i < DISCORD_INVALID_MAX + 1; i++, now += 50) {
        post_at("100000000000000001", 1, now);
        cr_assert(next(now, &tag) == 1, "call %d", i);
        cr_assert_not(answer(tag, 429, "X-RateLimit-Scope: shared\r\n", "{\"retry_after\":0.01}", now));
        now += 50;
        cr_assert(next(now, &tag) == 1);
        cr_assert(answer(tag, 204, "", "", now));
    }
}
