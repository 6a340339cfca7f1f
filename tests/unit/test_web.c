/* What web_fetch keeps away from, and what it makes of a page. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <sys/socket.h>

#include "actors/web.h"
#include "base/buf.h"
#include "tools/html_text.h"

static bool is_private(const char *text)
{
    struct sockaddr_in four = { .sin_family = AF_INET };
    struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
    if (inet_pton(AF_INET, text, &four.sin_addr) == 1) return web_address_is_private((const struct sockaddr *)&four);
    cr_assert_eq(inet_pton(AF_INET6, text, &six.sin6_addr), 1, "%s", text);
    return web_address_is_private((const struct sockaddr *)&six);
}

Test(web, addresses_of_the_inside_are_known)
{
    static const char *const INSIDE[] = { "127.0.0.1",
                                          "127.255.1.2",
                                          "0.0.0.0",
                                          "10.1.2.3",
                                          "172.16.0.1",
                                          "172.31.255.255",
                                          "192.168.1.1",
                                          "169.254.169.254",
                                          "100.64.0.1",
                                          "100.127.255.255",
                                          "192.0.0.1",
                                          "198.18.0.1",
                                          "224.0.0.1",
                                          "255.255.255.255",
                                          "::",
                                          "::1",
                                          "::ffff:127.0.0.1",
                                          "::ffff:10.0.0.1",
                                          "::127.0.0.1",
                                          "fe80::1",
                                          "fc00::1",
                                          "fd12::1",
                                          "ff02::1",
                                          "64:ff9b::7f00:1",
                                          "64:ff9b:1::1",
                                          "2002:7f00:1::",
                                          "2002:c0a8:101::",
                                          "2001:db8::1",
                                          "2001::1" };
    static const char *const OUTSIDE[] = { "8.8.8.8",         "1.1.1.1",          "172.15.0.1",     "172.32.0.1",
                                           "100.63.0.1",      "100.128.0.1",      "192.167.0.1",    "169.253.0.1",
                                           "2606:4700::1111", "64:ff9b::808:808", "2002:808:808::", "::ffff:8.8.8.8" };
    for (size_t i = 0; i < sizeof INSIDE / sizeof *INSIDE; i++) cr_expect(is_private(INSIDE[i]), "%s", INSIDE[i]);
    for (size_t i = 0; i < sizeof OUTSIDE / sizeof *OUTSIDE; i++) cr_expect(!is_private(OUTSIDE[i]), "%s", OUTSIDE[i]);
}

Test(html_text, a_page_becomes_markdown_or_text)
{
    static const char PAGE[] =
        "<html><head><title> A  page </title><style>x{}</style></head><body><nav>menu</nav><h2>Head</h2><p>One <b>two</b>\n three."
        "<p>See <a href='/x?a=1&amp;b=2'>this</a><script>evil()</script><ul><li>a<li>b</ul><pre>code\n  here</pre></body>";
    struct buf title = { 0 }, out = { 0 };
    cr_assert_eq(html_text(str_of(PAGE), true, &title, &out), 0);
    cr_expect_str_eq(buf_cstr(&title), "A page");
    cr_expect_str_eq(buf_cstr(&out), "## Head\n\nOne two three.\n\nSee [this](/x?a=1&b=2)\n\n- a\n- b\n\n```\ncode\n  here\n```");
    buf_clear(&out);
    buf_clear(&title);
    cr_assert_eq(html_text(str_of(PAGE), false, &title, &out), 0);
    cr_expect_str_eq(buf_cstr(&out), "Head\n\nOne two three.\n\nSee this\n\na\nb\n\ncode\n  here");
    buf_free(&title);
    buf_free(&out);
}

Test(html_text, a_page_that_is_deep_or_broken_does_no_harm)
{
    struct buf page = { 0 }, title = { 0 }, out = { 0 };
    for (int i = 0; i < 50000; i++) buf_text(&page, "<div><span>");
    buf_text(&page, "deep");
    html_text(buf_str(&page), true, &title, &out);
    buf_clear(&out);
    html_text(STR("<<<a href=\"x\xff\xfe&#0;&#xFFFFFFFF;<p"), true, &title, &out);
    buf_clear(&out);
    html_text(STR(""), true, &title, &out);
    buf_free(&page);
    buf_free(&title);
    buf_free(&out);
}
