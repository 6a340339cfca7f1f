#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/err.h"
#include "providers/sse.h"

static void note(void *ctx, struct str event, struct str data)
{
    buf_printf(ctx, "[%.*s|%.*s]", STR_ARG(event), STR_ARG(data));
}

static const char stream[] = "\xEF\xBB\xBF: a comment\n"
                             "data: one\n\n"
                             "event: ping\n\n"
                             "event:named\r\ndata:  two\r\ndata: lines\r\nid: 7\r\nretry: 10\r\n\r\n"
                             "data\rdata:\r\r"
                             ":\n\n"
                             "data: {\"a\":1}\n\nevent: kept\ndata: last";
static const char expected[] = "[|one][named| two\nlines][|\n][|{\"a\":1}][kept|last]";

static void run(const char *bytes, size_t n, size_t first, size_t rest, struct buf *out)
{
    struct sse s = { .max = 64 };
    for (size_t at = 0, take = first; at < n; at += take, take = rest) {
        if (take == 0 || take > n - at) take = n - at;
        cr_assert(sse_feed(&s, (struct str){ bytes + at, take }, note, out) == 0);
    }
    cr_assert(sse_finish(&s, note, out) == 0);
    sse_free(&s);
}

Test(sse, gives_the_same_events_wherever_the_bytes_are_cut)
{
    size_t n = sizeof stream - 1;
    for (size_t cut = 1; cut <= n; cut++) {
        for (size_t rest = 0; rest < 3; rest++) {
            struct buf out = { 0 };
            run(stream, n, cut, rest, &out);
            cr_assert_str_eq(buf_cstr(&out), expected);
            buf_free(&out);
        }
    }
}

static int feed_event(size_t line, size_t lines, struct buf *out)
{
    struct sse s = { .max = 64 };
    char text[128];
    int rc = 0;
    memset(text, 'x', sizeof text);
    for (size_t i = 0; i < lines && rc == 0; i++) {
        rc = sse_feed(&s, STR("data: "), note, out);
        if (rc == 0) rc = sse_feed(&s, (struct str){ text, line - 6 }, note, out);
        if (rc == 0) rc = sse_feed(&s, STR("\n"), note, out);
    }
    if (rc == 0) rc = sse_feed(&s, STR("\n"), note, out);
    sse_free(&s);
    return rc;
}

Test(sse, holds_a_line_at_its_bound_and_refuses_one_byte_more)
{
    struct buf out = { 0 };
    cr_assert(feed_event(64, 1, &out) == 0);
    cr_assert(out.n == 58 + 3);
    cr_assert(feed_event(65, 1, &out) == GW_ELIMIT);
    buf_free(&out);
}

Test(sse, holds_an_event_at_its_bound_and_refuses_one_byte_more)
{
    struct buf out = { 0 };
    cr_assert(feed_event(6 + 31, 2, &out) == 0); /* 31 + LF + 31, and room for one more LF */
    cr_assert(feed_event(6 + 32, 2, &out) == GW_ELIMIT);
    buf_free(&out);
}

Test(sse, refuses_an_endless_line_before_it_ends)
{
    struct sse s = { .max = 64 };
    struct buf out = { 0 };
    int rc = 0;
    size_t fed = 0;
    for (; fed < 1000 && rc == 0; fed++) rc = sse_feed(&s, STR("x"), note, &out);
    cr_assert(rc == GW_ELIMIT && fed == 65);
    sse_free(&s);
    buf_free(&out);
}
