#include <criterion/criterion.h>
#include <stdio.h>

#include "actors/gateway_auth.h"
#include "actors/gateway_limits.h"

static struct config_gateway cfg;
static gateway_auth_t *auth;
static int64_t wait_ms;

static void begin(void)
{
    cfg = (struct config_gateway){ .auth = CONFIG_AUTH_TOKEN,
                                   .token = STR("secret"),
                                   .rate_max_attempts = 3,
                                   .rate_window_ms = 1000,
                                   .rate_lockout_ms = 5000,
                                   .rate_exempt_loopback = true };
    cr_assert(gateway_auth_create(&cfg, (struct str){ 0 }, &auth) == 0);
}

static void end(void)
{
    gateway_auth_destroy(&auth);
}

static enum gateway_verdict check(const char *address, const char *header, int64_t now_ms)
{
    struct gateway_peer peer = { .loopback = gateway_is_loopback(address) };
    str_copy(peer.address, sizeof peer.address, str_of(address));
    return gateway_auth_check(auth, &peer, str_of(header), now_ms, &wait_ms);
}

Test(gateway_auth, takes_the_right_secret_only, .init = begin, .fini = end)
{
    cr_assert_eq(check("192.0.2.1", "Bearer secret", 0), GATEWAY_ALLOWED);
    cr_assert_eq(check("192.0.2.1", "bearer   secret ", 0), GATEWAY_ALLOWED);
    cr_assert_eq(check("192.0.2.1", "secret", 0), GATEWAY_DENIED);
    cr_assert_eq(check("192.0.2.1", "Basic secret", 0), GATEWAY_DENIED);
    cr_assert_eq(check("192.0.2.1", "", 0), GATEWAY_DENIED);
    cr_assert_eq(check("127.0.0.1", "", 0), GATEWAY_DENIED);
}

Test(gateway_auth, locks_an_address_out_after_its_last_try, .init = begin, .fini = end)
{
    for (int i = 0; i < 3; i++) cr_assert_eq(check("192.0.2.1", "Bearer no", i), GATEWAY_DENIED);
    cr_assert_eq(check("192.0.2.1", "Bearer secret", 3), GATEWAY_LOCKED);
    cr_assert_eq(wait_ms, 4999);
    cr_assert_eq(check("192.0.2.2", "Bearer secret", 3), GATEWAY_ALLOWED);
    cr_assert_eq(check("192.0.2.1", "Bearer secret", 5002), GATEWAY_ALLOWED);
}

Test(gateway_auth, forgets_failures_after_the_window_and_after_success, .init = begin, .fini = end)
{
    check("192.0.2.1", "Bearer no", 0), check("192.0.2.1", "Bearer no", 1);
    cr_assert_eq(check("192.0.2.1", "Bearer secret", 2), GATEWAY_ALLOWED);
    check("192.0.2.1", "Bearer no", 3), check("192.0.2.1", "Bearer no", 4);
    cr_assert_eq(check("192.0.2.1", "Bearer no", 2000), GATEWAY_DENIED);
    cr_assert_eq(check("192.0.2.1", "Bearer secret", 2001), GATEWAY_ALLOWED);
}

Test(gateway_auth, does_not_count_missing_secrets_nor_this_machine, .init = begin, .fini = end)
{
    for (int i = 0; i < 10; i++) check("192.0.2.1", "", i), check("127.0.0.1", "Bearer no", i);
    cr_assert_eq(check("192.0.2.1", "Bearer secret", 11), GATEWAY_ALLOWED);
    cr_assert_eq(check("127.0.0.1", "Bearer secret", 11), GATEWAY_ALLOWED);
}

Test(gateway_auth, remembers_a_bounded_number_of_addresses, .init = begin, .fini = end)
{
    char address[32];
    for (int i = 0; i < 3; i++) check("192.0.2.1", "Bearer no", i);
    for (int i = 0; i < GATEWAY_AUTH_ADDRESSES_MAX - 1; i++) {
        snprintf(address, sizeof address, "10.0.%d.%d", i / 256, i % 256);
        check(address, "Bearer no", 5);
    }
    cr_assert_eq(check("192.0.2.1", "Bearer secret", 6), GATEWAY_LOCKED);
    check("10.9.9.9", "Bearer no", 7); /* one too many: the least recent is forgotten */
    cr_assert_eq(check("192.0.2.1", "Bearer secret", 8), GATEWAY_ALLOWED);
}

Test(gateway_auth, without_a_secret_trusts_this_machine_unless_forwarded)
{
    struct gateway_peer peer = { .address = "127.0.0.1", .loopback = true };
    cfg = (struct config_gateway){ .auth = CONFIG_AUTH_TOKEN };
    cr_assert(gateway_auth_create(&cfg, (struct str){ 0 }, &auth) == 0);
    cr_assert_eq(gateway_auth_check(auth, &peer, STR(""), 0, &wait_ms), GATEWAY_ALLOWED);
    peer.forwarded = true;
    cr_assert_eq(gateway_auth_check(auth, &peer, STR(""), 0, &wait_ms), GATEWAY_DENIED);
    cr_assert_eq(check("192.0.2.1", "Bearer ", 0), GATEWAY_DENIED);
    gateway_auth_destroy(&auth);
}

Test(gateway_auth, takes_a_password_or_the_token_of_the_command_line)
{
    cfg = (struct config_gateway){ .auth = CONFIG_AUTH_PASSWORD, .password = STR("pass"), .token = STR("not this") };
    cr_assert(gateway_auth_create(&cfg, (struct str){ 0 }, &auth) == 0);
    cr_assert_eq(check("192.0.2.1", "Bearer pass", 0), GATEWAY_ALLOWED);
    cr_assert_eq(check("192.0.2.1", "Bearer not this", 0), GATEWAY_DENIED);
    gateway_auth_destroy(&auth);
    cr_assert(gateway_auth_create(&cfg, STR("typed"), &auth) == 0);
    cr_assert_eq(check("192.0.2.1", "Bearer typed", 0), GATEWAY_ALLOWED);
    cr_assert_eq(check("192.0.2.1", "Bearer pass", 0), GATEWAY_DENIED);
    gateway_auth_destroy(&auth);
}

static void expect_client(const char *peer_address, const char *hops, const char *client)
{
    static const struct str trusted[] = { STR("10.0.0.0/8"), STR("192.168.1.7"), STR("fd00::/8") };
    const struct config_gateway c = { .trusted_proxies = trusted, .trusted_proxy_count = 3 };
    struct gateway_peer peer = { 0 };
    str_copy(peer.address, sizeof peer.address, str_of(peer_address));
    gateway_peer_unmask(&c, &peer, str_of(hops));
    cr_assert_str_eq(peer.address, client);
}

Test(gateway_auth, believes_forwarded_addresses_of_trusted_proxies_only)
{
    expect_client("203.0.113.5", "198.51.100.1", "203.0.113.5");
    expect_client("10.1.2.3", "198.51.100.1", "198.51.100.1");
    expect_client("10.1.2.3", "1.1.1.1, 198.51.100.1, 10.9.9.9", "198.51.100.1");
    expect_client("::ffff:10.1.2.3", "198.51.100.1", "198.51.100.1");
    expect_client("fd00::1", "2001:db8::7", "2001:db8::7");
    expect_client("192.168.1.8", "198.51.100.1", "192.168.1.8");
    expect_client("10.1.2.3", "nonsense", "10.1.2.3");
    expect_client("10.1.2.3", "", "10.1.2.3");
}
