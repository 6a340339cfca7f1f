/* The page inside the binary: what is found, and that what is found is whole. */
#include "channels/ui_files.h"

#include <criterion/criterion.h>

static const char *const paths[] = { "index.html", "assets/app.js", "assets/app.css", "assets/icon.svg" };
enum { PATHS = sizeof paths / sizeof paths[0], TOTAL_MAX = 90 * 1024 };

Test(ui_files, each_file_of_the_page_is_there)
{
    for (size_t i = 0; i < PATHS; i++) {
        const struct ui_file *file = ui_file_find(str_of(paths[i]));
        cr_assert_not_null(file, "%s", paths[i]);
        cr_assert_str_eq(file->path, paths[i]);
    }
}

Test(ui_files, nothing_else_is_found)
{
    cr_assert_null(ui_file_find(STR("")));
    cr_assert_null(ui_file_find(STR("/index.html")));
    cr_assert_null(ui_file_find(STR("index.htm")));
    cr_assert_null(ui_file_find(STR("index.html/")));
    cr_assert_null(ui_file_find(STR("../index.html")));
    cr_assert_null(ui_file_find((struct str){ NULL, 0 }));
}

Test(ui_files, each_is_one_gzip_member_of_the_size_it_tells)
{
    for (size_t i = 0; i < PATHS; i++) {
        const struct ui_file *file = ui_file_find(str_of(paths[i]));
        cr_assert_not_null(file);
        const unsigned char *end = file->gz + file->gz_n; /* RFC 1952: magic, deflate, no time; ISIZE at the end */
        cr_assert_gt(file->gz_n, 18u);
        cr_assert_eq(memcmp(file->gz, "\x1f\x8b\x08\0\0\0\0\0", 8), 0, "%s", paths[i]);
        size_t plain_n = end[-4] | (size_t)end[-3] << 8 | (size_t)end[-2] << 16 | (size_t)end[-1] << 24;
        cr_assert_eq(plain_n, file->plain_n, "%s", paths[i]);
    }
}

Test(ui_files, etags_are_quoted_and_differ)
{
    for (size_t i = 0; i < PATHS; i++) {
        const struct ui_file *file = ui_file_find(str_of(paths[i]));
        cr_assert_not_null(file);
        size_t n = strlen(file->etag);
        cr_assert_eq(n, 22u);
        cr_assert_eq(file->etag[0], '"');
        cr_assert_eq(file->etag[n - 1], '"');
        for (size_t k = 0; k < i; k++) cr_assert_str_neq(file->etag, ui_file_find(str_of(paths[k]))->etag);
    }
}

Test(ui_files, types_are_what_browsers_insist_on)
{
    cr_assert_str_eq(ui_file_find(STR("index.html"))->type, "text/html; charset=utf-8");
    cr_assert_str_eq(ui_file_find(STR("assets/app.js"))->type, "text/javascript; charset=utf-8");
    cr_assert_str_eq(ui_file_find(STR("assets/app.css"))->type, "text/css; charset=utf-8");
    cr_assert_str_eq(ui_file_find(STR("assets/icon.svg"))->type, "image/svg+xml");
}

Test(ui_files, the_page_stays_small)
{
    size_t total = 0;

    for (size_t i = 0; i < PATHS; i++) total += ui_file_find(str_of(paths[i]))->gz_n;
    cr_assert_lt(total, (size_t)TOTAL_MAX);
}
