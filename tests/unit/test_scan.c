#include <criterion/criterion.h>

#include "base/buf.h"
#include "providers/scan.h"

static const struct row {
    const char *text;
    const char *walk; /* what was seen; '!' at the end: bad */
} rows[] = {
    { "{}", "" },
    { " { \"a\" : 1 , \"b\":[1,{\"c\":\"]}\"}] ,\"d\":\"x\\\"y\"} ", "a=1;b=[1,{\"c\":\"]}\"}];d=\"x\\\"y\";" },
    { "{\"a\":null}", "a=null;" },
    { "{\"a\":1}x", "a=1;!" },
    { "{\"a\":1", "!" },
    { "{\"a\":1,}", "a=1;!" },
    { "{\"a\" 1}", "!" },
    { "{\"a\\n\":1}", "!" }, /* a key with an escape */
    { "{\"a\":\"x}", "!" },
    { "{\"a\":}", "!" },
    { "{,\"a\":1}", "!" },
    { "[]", "!" },
    { "", "!" },
};

Test(scan, walks_objects_and_calls_the_rest_bad)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct scan s = scan_object(str_of(rows[i].text));
        struct str key, value;
        struct buf b = { 0 };
        while (scan_next(&s, &key, &value)) buf_printf(&b, "%.*s=%.*s;", STR_ARG(key), STR_ARG(value));
        if (s.bad) buf_char(&b, '!');
        cr_expect(str_is(buf_str(&b), rows[i].walk), "%s: %s", rows[i].text, buf_cstr(&b));
        buf_free(&b);
    }
}

Test(scan, reads_every_prefix_of_an_object_as_bad)
{
    const struct str whole = STR("{\"choices\":[{\"delta\":{\"content\":\"hi\"}}],\"n\":12}");
    for (size_t n = 0; n < whole.n; n++) {
        struct scan s = scan_object((struct str){ whole.p, n });
        struct str key, value;
        while (scan_next(&s, &key, &value)) continue;
        cr_assert(s.bad, "%zu", n);
    }
}

Test(scan, finds_the_only_element)
{
    cr_assert(str_is(scan_only(STR("[ {\"a\":[1,2]} ]")), "{\"a\":[1,2]}"));
    cr_assert(scan_only(STR("[]")).n == 0 && scan_only(STR("[1,2]")).n == 0 && scan_only(STR("{}")).n == 0 && scan_only(STR("[")).n == 0);
}

Test(scan, takes_plain_texts_only)
{
    struct str text;
    cr_assert(scan_text(STR("\"grün\""), &text) && str_is(text, "grün"));
    static const char *const others[] = { "\"a\\n\"", "\"a\x01\"", "\"\xFF\"", "12", "\"", "\"a", "\"a\"b\"" };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) cr_expect(!scan_text(str_of(others[i]), &text), "%s", others[i]);
}
