/* Which gateway a command talks to, and who gets which secret. */
#include <criterion/criterion.h>

#include "base/err.h"
#include "cli/gateway_target.h"

static config_t *cfg;
static struct gateway_target target;
static struct buf why;

static void end(void)
{
    config_unref(&cfg);
    buf_free(&why);
}

static int find(const char *config, const char *const *pairs, const struct gateway_flags *flags)
{
    static const struct gateway_flags none;
    struct config_problems problems = { 0 };
    struct env env = env_list(pairs);
    end();
    cr_assert_eq(config_parse(str_of(config), "t.json", &env, &cfg, &problems), 0);
    config_problems_free(&problems);
    return gateway_target_find(cfg, &env, flags ? flags : &none, &target, &why);
}

static const char *const NOTHING[] = { NULL };

Test(gateway_target, is_this_hosts_gateway, .fini = end)
{
    static const char *const env[] = { "OPENCLAW_GATEWAY_PORT", "21000", "OPENCLAW_GATEWAY_TOKEN", "from-env", NULL };
    struct buf text = { 0 };
    cr_assert_eq(find("{}", NOTHING, NULL), 0);
    cr_assert_str_eq(target.text, "ws://127.0.0.1:18789");
    cr_assert_eq(target.token.n, 0);
    cr_assert_eq(find("{gateway: {port: 5}}", env, NULL), 0);
    cr_assert_str_eq(target.text, "ws://127.0.0.1:21000");
    cr_assert(str_is(target.token, "from-env"));
    gateway_target_describe(&target, &text);
    cr_assert_str_eq(buf_cstr(&text), "Gateway target: ws://127.0.0.1:21000\nSource: local loopback\nConfig: t.json\nBind: loopback\n");
    buf_free(&text);
}

Test(gateway_target, sends_the_secret_of_the_configured_mode, .fini = end)
{
    cr_assert_eq(find("{gateway: {auth: {mode: 'password', password: 'secret-word', token: 'secret-token'}}}", NOTHING, NULL), 0);
    cr_assert(str_is(target.password, "secret-word") && target.token.n == 0);
    cr_assert_eq(find("{gateway: {auth: {mode: 'token', password: 'secret-word', token: 'secret-token'}}}", NOTHING, NULL), 0);
    cr_assert(str_is(target.token, "secret-token") && target.password.n == 0);
}

Test(gateway_target, connects_to_loopback_where_it_listens_everywhere, .fini = end)
{
    cr_assert_eq(find("{gateway: {bind: 'lan', auth: {token: 'secret-token'}}}", NOTHING, NULL), 0);
    cr_assert_str_eq(target.text, "ws://127.0.0.1:18789");
    cr_assert_str_eq(target.bind, "lan");
    cr_assert_eq(find("{gateway: {bind: 'custom', customBindHost: '10.1.2.3', auth: {token: 'secret-token'}}}", NOTHING, NULL), 0);
    cr_assert_str_eq(target.text, "ws://10.1.2.3:18789");
}

Test(gateway_target, pins_the_gateways_own_certificate, .fini = end)
{
    cr_assert_eq(find("{gateway: {tls: {enabled: true, certPath: '/c.pem', keyPath: '/k.pem'}}}", NOTHING, NULL), 0);
    cr_assert_str_eq(target.text, "wss://127.0.0.1:18789");
    cr_assert_str_eq(target.trust.pem, "/c.pem");
}

Test(gateway_target, gives_the_configured_secret_to_no_other_host, .fini = end)
{
    const char *config = "{gateway: {auth: {mode: 'token', token: 'secret-token'}}}";
    const struct gateway_flags away = { .url = "wss://gw.example.com" },
                               with = { .url = "wss://gw.example.com:444/x", .token = "typed-token" },
                               here = { .url = "ws://127.0.0.1:7000" };
    static const char *const env[] = { "OPENCLAW_GATEWAY_TOKEN", "from-env", NULL };
    cr_assert_eq(find(config, NOTHING, &away), GW_EDENIED);
    cr_assert(str_starts(buf_str(&why), STR("gateway url override requires explicit credentials\n")));
    cr_assert_eq(target.token.n, 0);
    cr_assert_eq(find(config, env, &away), 0);
    cr_assert(str_is(target.token, "from-env"));
    cr_assert_eq(find(config, NOTHING, &with), 0);
    cr_assert(str_is(target.token, "typed-token"));
    cr_assert_str_eq(target.text, "wss://gw.example.com:444");
    cr_assert_null(target.bind);
    cr_assert_eq(find(config, NOTHING, &here), 0);
    cr_assert(str_is(target.token, "secret-token"));
}

Test(gateway_target, follows_remote_mode, .fini = end)
{
    static const char *const env[] = { "OPENCLAW_GATEWAY_URL", "ws://127.0.0.2:9", NULL };
    const char *config = "{gateway: {mode: 'remote', auth: {token: 'secret-token'}, remote: {url: 'wss://far.example', token: 'far-token', "
                         "tlsFingerprint: 'ab:cd'}}}";
    cr_assert_eq(find(config, NOTHING, NULL), 0);
    cr_assert_str_eq(target.text, "wss://far.example:443");
    cr_assert_str_eq(target.source, "config gateway.remote.url");
    cr_assert(str_is(target.token, "far-token"));
    cr_assert_str_eq(target.trust.fingerprint, "ab:cd");
    cr_assert_eq(find(config, env, NULL), 0);
    cr_assert_str_eq(target.text, "ws://127.0.0.2:9");
    cr_assert_eq(find("{gateway: {mode: 'remote'}}", NOTHING, NULL), 0);
    cr_assert_str_eq(target.source, "missing gateway.remote.url (fallback local)");
}

Test(gateway_target, reads_addresses)
{
    struct ws_url url;
    cr_assert(ws_url_parse(STR("ws://localhost"), &url) == 0 && !url.tls && url.port == 80 && strcmp(url.path, "/") == 0);
    cr_assert(ws_url_is_local(&url));
    cr_assert(ws_url_parse(STR("https://h.example/base?x=1#frag"), &url) == 0 && url.tls && url.port == 443);
    cr_assert_str_eq(url.path, "/base?x=1");
    cr_assert(!ws_url_is_local(&url));
    cr_assert(ws_url_parse(STR("ws://[::1]:7/"), &url) == 0 && url.port == 7 && strcmp(url.host, "::1") == 0 && ws_url_is_local(&url));
    static const char *const bad[] = { "",         "localhost:1",    "ftp://h",   "ws://",           "ws://h:0",   "ws://h:70000",
                                       "ws://h:x", "ws://h\r\nX: y", "ws://a b/", "ws://h/\r\nX: y", "ws://[::1]x" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) cr_expect(ws_url_parse(str_of(bad[i]), &url) != 0, "%s", bad[i]);
}
