/* The Control UI's files over HTTP: what is found where, and the headers that guard it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/stat.h>
#include <zlib.h>

#include "bus/gateway_rig.h"
#include "support/http_client.h"
#include "support/tempdir.h"

static struct http_reply get(struct gateway_rig *rig, const char *method, const char *path, const char *headers)
{
    struct http_reply r = { 0 };
    const struct http_call call = { .method = method, .path = path, .token = NULL, .headers = headers };
    cr_assert_eq(http_call(rig->port, &call, 5000, &r), 0, "%s", path);
    return r;
}

static void expect(struct gateway_rig *rig, const char *method, const char *path, int status, const char *type)
{
    struct http_reply r = get(rig, method, path, NULL);
    cr_expect_eq(r.status, status, "%s: %d", path, r.status);
    cr_expect(str_starts(http_reply_header(&r, "Content-Type"), str_of(type)), "%s: %.*s", path,
              STR_ARG(http_reply_header(&r, "Content-Type")));
    http_reply_free(&r);
}

Test(gateway_static, every_path_that_is_no_file_is_the_page, .timeout = 30)
{
    struct gateway_rig rig;
    gateway_rig_start(&rig, NULL);
    expect(&rig, "GET", "/", 200, "text/html");
    expect(&rig, "GET", "/sessions", 200, "text/html");
    expect(&rig, "GET", "/assets/nope.js", 200, "text/html");
    expect(&rig, "HEAD", "/", 200, "text/html");
    expect(&rig, "GET", "/ui", 404, "text/plain");
    expect(&rig, "GET", "/ui/x", 404, "text/plain");
    expect(&rig, "POST", "/", 405, "text/plain");
    expect(&rig, "GET", "/v1/nope", 404, "application/json");
    gateway_rig_stop(&rig);
}

Test(gateway_static, the_page_is_guarded_and_can_be_kept, .timeout = 30)
{
    struct gateway_rig rig;
    char again[256];
    gateway_rig_start(&rig, NULL);
    struct http_reply r = get(&rig, "GET", "/", NULL);
    struct str policy = http_reply_header(&r, "Content-Security-Policy"), tag = http_reply_header(&r, "ETag");
    cr_expect(str_find(policy, STR("script-src 'self';")) > 0 && str_find(policy, STR("frame-ancestors 'none'")) > 0);
    cr_expect(str_is(http_reply_header(&r, "X-Frame-Options"), "DENY"));
    cr_expect(str_is(http_reply_header(&r, "X-Content-Type-Options"), "nosniff"));
    cr_expect(str_is(http_reply_header(&r, "Referrer-Policy"), "no-referrer"));
    cr_expect(str_is(http_reply_header(&r, "Cache-Control"), "no-cache"));
    cr_expect(str_find(buf_str(&r.body), STR("<!doctype html>")) >= 0 || str_find(buf_str(&r.body), STR("<!DOCTYPE html>")) >= 0);
    cr_assert(tag.n > 2);
    snprintf(again, sizeof again, "If-None-Match: %.*s\r\n", STR_ARG(tag));
    http_reply_free(&r);
    r = get(&rig, "GET", "/", again);
    cr_expect_eq(r.status, 304);
    http_reply_free(&r);
    gateway_rig_stop(&rig);
}

Test(gateway_static, compressed_and_plain_are_the_same, .timeout = 30)
{
    struct gateway_rig rig;
    unsigned char out[65536];
    gateway_rig_start(&rig, NULL);
    struct http_reply plain = get(&rig, "GET", "/index.html", NULL), packed = get(&rig, "GET", "/index.html", "Accept-Encoding: gzip\r\n");
    cr_assert(str_is(http_reply_header(&packed, "Content-Encoding"), "gzip"));
    z_stream z = {
        .next_in = (unsigned char *)packed.body.p, .avail_in = (unsigned)packed.body.n, .next_out = out, .avail_out = sizeof out
    };
    cr_assert_eq(inflateInit2(&z, 16 + MAX_WBITS), Z_OK);
    cr_assert_eq(inflate(&z, Z_FINISH), Z_STREAM_END);
    cr_expect(str_eq(buf_str(&plain.body), (struct str){ (char *)out, z.total_out }));
    inflateEnd(&z);
    http_reply_free(&plain);
    http_reply_free(&packed);
    gateway_rig_stop(&rig);
}

Test(gateway_static, under_a_base_path_nothing_else_is_served, .timeout = 30)
{
    struct gateway_rig rig;
    gateway_rig_start(&rig, &(struct gateway_rig_options){ .config = "{gateway:{controlUi:{basePath:'/openclaw'}}}" });
    struct http_reply r = get(&rig, "GET", "/openclaw", NULL);
    cr_expect_eq(r.status, 302);
    cr_expect(str_is(http_reply_header(&r, "Location"), "/openclaw/"));
    http_reply_free(&r);
    expect(&rig, "GET", "/openclaw/", 200, "text/html");
    expect(&rig, "GET", "/openclaw/chat", 200, "text/html");
    expect(&rig, "GET", "/openclawx", 404, "text/plain");
    expect(&rig, "GET", "/", 404, "text/plain");
    r = get(&rig, "GET", "/openclaw/__openclaw/control-ui-config.json", NULL);
    cr_expect_eq(r.status, 200);
    cr_expect(str_find(buf_str(&r.body), STR("\"basePath\":\"/openclaw\"")) >= 0, "%s", buf_cstr(&r.body));
    http_reply_free(&r);
    gateway_rig_stop(&rig);
}

static void write_file(const char *dir, const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    cr_assert(f);
    fputs(text, f);
    fclose(f);
}

Test(gateway_static, another_build_is_served_from_its_folder_and_nothing_above_it, .timeout = 30)
{
    struct gateway_rig rig;
    char dir[64], root[128], config[256];
    tempdir_make(dir);
    snprintf(root, sizeof root, "%s/page", dir);
    cr_assert_eq(mkdir(root, 0700), 0);
    write_file(dir, "secret.txt", "secret");
    write_file(root, "index.html", "<!doctype html>other");
    write_file(root, "app.js", "1");
    snprintf(config, sizeof config, "{gateway:{controlUi:{root:'%s'}}}", root);
    gateway_rig_start(&rig, &(struct gateway_rig_options){ .config = config });
    expect(&rig, "GET", "/app.js", 200, "application/javascript");
    static const char *const paths[] = { "/", "/chat", "/../secret.txt", "/%2e%2e/secret.txt", "/a/../../secret.txt", "/.hidden" };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct http_reply r = get(&rig, "GET", paths[i], NULL);
        cr_expect(str_find(buf_str(&r.body), STR("secret")) < 0, "%s", paths[i]);
        http_reply_free(&r);
    }
    gateway_rig_stop(&rig);
    tempdir_remove(dir);
}
