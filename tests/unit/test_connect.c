#include <criterion/criterion.h>

#include "channels/connect.h"
#include "tests/support/signer.h"

#define NOW INT64_C(1795353954000)
#define NONCE "3f0f4f5e-0000-4000-8000-000000000001"
#define BOOTSTRAP "one-time-token-0123456789"

static devices_t *devices;
static struct connect_facts facts;
static struct connect_verdict verdict;
static struct signer device;

static void begin(void)
{
    cr_assert(devices_create(&devices) == 0);
    device = signer_make(1);
    facts = (struct connect_facts){ .local = true,
                                    .address = STR("127.0.0.1"),
                                    .host = STR("127.0.0.1:18789"),
                                    .nonce = STR(NONCE),
                                    .now_ms = NOW,
                                    .mode = CONFIG_AUTH_TOKEN,
                                    .token = STR("shared"),
                                    .password = STR("pass") };
}

static void end(void)
{
    connect_verdict_free(&verdict);
    devices_destroy(&devices);
}

TestSuite(connect, .init = begin, .fini = end);

static void come_from(const char *address)
{
    facts.local = false;
    facts.address = facts.remote_ip = str_of(address);
    facts.host = STR("gw.example.com");
}

/* Connect; what is not set of `c` is as signer_connect() has it. */
static bool try(const struct signer *who, struct signer_connect c)
{
    struct buf text = { 0 }, why = { 0 };
    struct connect_params p;
    if (!c.signed_at_ms) c.signed_at_ms = NOW;
    if (who && !c.nonce) c.nonce = NONCE;
    signer_connect(who, &c, &text);
    json_t *params = json_loadb(text.p, text.n, 0, NULL);
    cr_assert(connect_read(params, &p, &why) == 0, "%s", buf_cstr(&why));
    connect_verdict_free(&verdict);
    connect_judge(&p, &facts, devices, &verdict);
    cr_assert(verdict.accepted == (verdict.close_code == 0));
    json_decref(params);
    buf_free(&text);
    buf_free(&why);
    return verdict.accepted;
}

static bool refused(const struct signer *who, struct signer_connect c, const char *message)
{
    bool accepted = try(who, c);
    cr_expect_str_eq(verdict.message, message);
    return !accepted;
}

/* --- local and remote ------------------------------------------------------------------------------------------------ */

Test(connect, local_is_as_the_table_of_the_reference_says)
{
    static const struct {
        struct connect_place place;
        bool local;
    } rows[] = {
        { { STR("127.0.0.1"), STR("127.0.0.1"), false, false }, true },
        { { STR("127.0.0.1"), STR("127.0.0.1:18789"), false, false }, true },
        { { STR("::1"), STR("[::1]:18789"), false, false }, true },
        { { STR("::ffff:127.0.0.1"), STR("LOCALHOST:18789"), false, false }, true },
        { { STR("127.0.0.1"), STR("box.tail1234.ts.net"), false, false }, true },
        { { STR("127.0.0.1"), STR("gw.example.com"), false, false }, false },
        { { STR("127.0.0.1"), STR("127.0.0.1"), true, false }, false },      /* forwarded by somebody unknown */
        { { STR("127.0.0.1"), STR("localhost"), true, true }, true },        /* a trusted proxy speaks for 127.0.0.1 */
        { { STR("203.0.113.9"), STR("localhost"), true, true }, false },     /* ... or for a client far away */
        { { STR("127.0.0.1"), STR("gw.example.com"), false, true }, false }, /* a trusted proxy says nothing */
        { { STR("192.0.2.1"), STR("127.0.0.1"), false, false }, false },     /* whatever Host it writes */
        { { STR("127.0.0.1"), STR(""), false, false }, false },
        { { STR("127.0.0.1"), STR("127.0.0.1.evil.example"), false, false }, false },
        { { STR("127.0.0.1"), STR("localhost.evil.example:80"), false, false }, false },
        { { STR("127.0.0.1"), STR("evil.example/.ts.net"), false, false }, false },
        { { STR("127.0.0.1"), STR("localhost:x"), false, false }, false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) cr_expect_eq(connect_is_local(&rows[i].place), rows[i].local, "row %zu", i);
}

Test(connect, origins_are_allowed_when_listed_or_of_the_host_or_both_on_loopback)
{
    static const struct str allowed[] = { { "https://UI.example.com/", 23 }, { "http://other.example:8080", 25 } };
    static const struct {
        const char *origin, *host;
        bool fits;
    } rows[] = {
        { "https://ui.example.com", "gw.example.com", true },
        { "HTTPS://UI.EXAMPLE.COM:443", "gw.example.com", true },
        { "http://ui.example.com", "gw.example.com", false },
        { "http://other.example:8080", "gw.example.com", true },
        { "http://other.example", "gw.example.com", false },
        { "https://gw.example.com", "gw.example.com", true },
        { "https://gw.example.com", "GW.example.com:443", true },
        { "http://gw.example.com:18789", "gw.example.com:18789", true },
        { "http://gw.example.com:1", "gw.example.com:18789", false },
        { "http://localhost:5173", "127.0.0.1:18789", true },
        { "http://[::1]:1", "localhost:18789", true },
        { "http://localhost:5173", "gw.example.com", false },
        { "https://gw.example.com.evil.example", "gw.example.com", false },
        { "https://gw.example.com@evil.example", "gw.example.com", false },
        { "https://gw.example.com/x", "gw.example.com", false },
        { "null", "gw.example.com", false },
        { "", "gw.example.com", false },
        { "gw.example.com", "gw.example.com", false },
        { "://gw.example.com", "gw.example.com", false },
        { "https://", "", false },
        { "http://[::1", "localhost", false },
        { "http://[::1]x", "localhost", false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_expect_eq(connect_origin_allowed(str_of(rows[i].origin), str_of(rows[i].host), allowed, 2), rows[i].fits, "%s at %s",
                     rows[i].origin, rows[i].host);
}

Test(connect, looks_at_a_host_of_its_bound_and_not_at_a_longer_one)
{
    char host[CONNECT_HOST_MAX + 2];
    memset(host, 'a', sizeof host);
    memcpy(host + CONNECT_HOST_MAX - 7, ".ts.net", 7);
    cr_assert(connect_host_is_local((struct str){ host, CONNECT_HOST_MAX }));
    memcpy(host + CONNECT_HOST_MAX - 6, ".ts.net", 7);
    cr_assert_not(connect_host_is_local((struct str){ host, CONNECT_HOST_MAX + 1 }));
}

Test(connect, a_host_that_can_be_rebound_is_allowed_only_when_listed)
{
    static const struct str allowed[] = { { "https://ui.example.com", 22 } };
    cr_expect(connect_host_allowed(STR("localhost:1"), NULL, 0) && connect_host_allowed(STR("192.0.2.1:18789"), NULL, 0));
    cr_expect(connect_host_allowed(STR("[2001:db8::1]:18789"), NULL, 0) && connect_host_allowed(STR("ui.example.com:8443"), allowed, 1));
    cr_expect_not(connect_host_allowed(STR("evil.example"), allowed, 1));
    cr_expect_not(connect_host_allowed(STR(""), allowed, 1));
}

/* --- parameters ------------------------------------------------------------------------------------------------------- */

static int read_text(const char *text, struct buf *why)
{
    struct connect_params p;
    json_t *params = json_loads(text, 0, NULL);
    int rc = connect_read(params, &p, why);
    json_decref(params);
    return rc;
}

Test(connect, scopes_that_could_be_read_as_two_are_refused)
{
    struct buf why = { 0 };
    cr_assert(read_text("{\"scopes\":[\"operator.read,operator.admin\"]}", &why) == GW_EINVAL);
    cr_assert(str_starts(buf_str(&why), STR("invalid connect params: at /scopes: ")));
    cr_assert(read_text("{\"scopes\":[\"a|b\"]}", &why) == GW_EINVAL);
    cr_assert(read_text("{\"scopes\":[\"a\",\"a\",\"b\"]}", &why) == 0);
    cr_assert(read_text("{}", &why) == 0);
    buf_free(&why);
}

Test(connect, scopes_are_signed_as_sent_and_kept_once)
{
    cr_assert(try(&device, (struct signer_connect){ .token = "shared", .scopes = "operator.read,operator.read,operator.write" }));
    cr_assert_str_eq(verdict.scopes.text, "operator.read,operator.write");
    cr_assert_str_eq(verdict.grant.scopes.text, "operator.read,operator.write");
}

Test(connect, repeated_scopes_count_toward_the_bound)
{
    struct buf text = { 0 }, why = { 0 };
    buf_text(&text, "{\"scopes\":[\"a\"");
    for (int i = 0; i < SCOPES_SIZE / 2 - 1; i++) buf_text(&text, ",\"a\"");
    size_t fits = text.n;
    buf_text(&text, "]}");
    cr_assert(read_text(buf_cstr(&text), &why) == 0);
    text.n = fits;
    buf_text(&text, ",\"a\"]}");
    cr_assert(read_text(buf_cstr(&text), &why) == GW_ELIMIT);
    buf_free(&text);
    buf_free(&why);
}

/* --- words ------------------------------------------------------------------------------------------------------------ */

Test(connect, hints_fit_the_client)
{
    static const struct {
        const char *id, *mode, *token, *password;
    } rows[] = {
        { "cli", "probe", "set gateway.remote.token to match gateway.auth.token",
          "set gateway.remote.password to match gateway.auth.password" },
        { "test", "webchat", "open the dashboard URL and paste the token in Control UI settings",
          "enter the password in Control UI settings" },
        { "gateway-client", "backend", "provide gateway auth token", "provide gateway auth password" },
    };
    char expected[CONNECT_MESSAGE_SIZE];
    facts.origin = STR("http://localhost:1");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct signer_connect c = { .client_id = rows[i].id, .client_mode = rows[i].mode, .token = "no" };
        facts.mode = CONFIG_AUTH_TOKEN;
        snprintf(expected, sizeof expected, "unauthorized: gateway token mismatch (%s)", rows[i].token);
        cr_assert(refused(NULL, c, expected));
        facts.mode = CONFIG_AUTH_PASSWORD;
        snprintf(expected, sizeof expected, "unauthorized: gateway password missing (%s)", rows[i].password);
        cr_assert(refused(NULL, c, expected));
        c.token = NULL, c.password = "no";
        snprintf(expected, sizeof expected, "unauthorized: gateway password mismatch (%s)", rows[i].password);
        cr_assert(refused(NULL, c, expected));
        facts.mode = CONFIG_AUTH_TOKEN;
        snprintf(expected, sizeof expected, "unauthorized: gateway token missing (%s)", rows[i].token);
        cr_assert(refused(NULL, c, expected));
    }
    facts.token = STR("");
    cr_assert(refused(NULL, (struct signer_connect){ .token = "x" },
                      "unauthorized: gateway token not configured on gateway (set gateway.auth.token)"));
}

Test(connect, a_locked_address_is_refused_with_the_right_secret_and_with_its_token)
{
    struct signer_connect c = { .token = "shared" };
    cr_assert(try(&device, c) && verdict.count == CONNECT_COUNT_SUCCESS);
    struct device_grant grant = verdict.grant;
    facts.locked = true;
    cr_assert(refused(&device, c, "unauthorized: too many failed authentication attempts (retry later)"));
    c.token = grant.token;
    cr_assert(refused(&device, c, "unauthorized: too many failed authentication attempts (retry later)"));
    cr_assert_eq(verdict.count, CONNECT_COUNT_NOTHING);
}

Test(connect, wrong_secrets_are_counted_and_missing_ones_are_not)
{
    try(NULL, (struct signer_connect){ .token = "no" });
    cr_assert_eq(verdict.count, CONNECT_COUNT_FAILURE);
    try(&device, (struct signer_connect){ .token = "no" });
    cr_assert_eq(verdict.count, CONNECT_COUNT_FAILURE);
    try(&device, (struct signer_connect){ .token = NULL });
    cr_assert_eq(verdict.count, CONNECT_COUNT_NOTHING);
    try(NULL, (struct signer_connect){ .token = NULL });
    cr_assert_eq(verdict.count, CONNECT_COUNT_NOTHING);
}

/* --- who gets what ------------------------------------------------------------------------------------------------------ */

Test(connect, the_secret_without_a_device_gives_no_scopes)
{
    cr_assert(try(NULL, (struct signer_connect){ .token = "shared", .scopes = "operator.admin" }));
    cr_assert(verdict.scopes.text[0] == '\0' && !verdict.has_grant && verdict.device_id[0] == '\0');
}

Test(connect, passwords_work_with_and_without_a_device)
{
    facts.mode = CONFIG_AUTH_PASSWORD;
    cr_assert(try(NULL, (struct signer_connect){ .password = "pass" }));
    cr_assert(try(&device, (struct signer_connect){ .password = "pass" }) && verdict.has_grant);
    cr_assert_not(try(&device, (struct signer_connect){ .password = "shared" }));
    cr_assert_not(try(NULL, (struct signer_connect){ .token = "pass" }));
}

Test(connect, a_proxy_vouches_only_in_its_own_mode)
{
    facts.vouched = true;
    cr_assert_not(try(&device, (struct signer_connect){ .token = NULL }));
    facts.mode = CONFIG_AUTH_TRUSTED_PROXY;
    cr_assert(try(&device, (struct signer_connect){ .token = NULL }) && verdict.proof == CONNECT_PROOF_PROXY);
    facts.vouched = false;
    cr_assert(refused(NULL, (struct signer_connect){ .token = "shared" }, "unauthorized"));
}

Test(connect, a_device_token_stands_for_the_secret)
{
    cr_assert(try(&device, (struct signer_connect){ .token = "shared" }) && verdict.event == CONNECT_RESOLVED);
    struct device_grant grant = verdict.grant;
    come_from("192.0.2.1");
    cr_assert(try(&device, (struct signer_connect){ .token = grant.token }) && verdict.proof == CONNECT_PROOF_DEVICE);
    cr_assert_str_eq(verdict.grant.token, grant.token);
    cr_assert_eq(verdict.event, CONNECT_NO_EVENT);
    cr_assert(refused(&device, (struct signer_connect){ .token = grant.token, .scopes = "operator.admin" },
                      "unauthorized: device token mismatch (rotate/reissue device token)"));
    struct signer thief = signer_make(2);
    cr_assert_not(try(&thief, (struct signer_connect){ .token = grant.token }));
    cr_assert_not(try(NULL, (struct signer_connect){ .token = grant.token }));
}

Test(connect, a_remote_device_waits_for_approval_and_is_told_the_command)
{
    char expected[CONNECT_DETAILS_SIZE], id[DEVICE_ID_SIZE];
    come_from("192.0.2.1");
    cr_assert(refused(&device, (struct signer_connect){ .token = "shared", .display_name = "Phone" }, "pairing required"));
    snprintf(expected, sizeof expected, "{\"requestId\":\"%s\",\"command\":\"openclaw devices approve %s\"}", verdict.request_id,
             verdict.request_id);
    cr_assert_str_eq(verdict.details, expected);
    cr_assert(str_find(buf_str(&verdict.event_payload), STR("\"remoteIp\":\"192.0.2.1\",\"silent\":false")) > 0);
    cr_assert(devices_approve(devices, str_of(verdict.request_id), NOW, id) == 0);
    cr_assert(try(&device, (struct signer_connect){ .token = "shared" }) && verdict.has_grant);
    cr_assert_str_eq(verdict.device_id, device.id);
    /* more scopes: it asks once more */
    cr_assert(refused(&device, (struct signer_connect){ .token = "shared", .scopes = "operator.admin" }, "pairing required"));
    cr_assert_eq(verdict.event, CONNECT_REQUESTED);
    cr_assert(refused(&device, (struct signer_connect){ .token = "shared", .scopes = "operator.admin" }, "pairing required"));
    cr_assert_eq(verdict.event, CONNECT_NO_EVENT);
}

Test(connect, one_request_too_many_is_refused_in_words)
{
    come_from("192.0.2.1");
    for (unsigned i = 0; i < DEVICE_REQUESTS_OF_ADDRESS; i++) {
        struct signer one = signer_make(100 + i);
        cr_assert(refused(&one, (struct signer_connect){ .token = "shared" }, "pairing required"));
    }
    struct signer surplus = signer_make(200);
    cr_assert(
        refused(&surplus, (struct signer_connect){ .token = "shared" },
                "pairing required: 8 requests wait already from this address; an operator must settle some, or try again in 5 minutes"));
    cr_assert_str_eq(verdict.code, "NOT_PAIRED");
    cr_assert(verdict.details[0] == '\0' && strlen(verdict.close_reason) <= CONNECT_REASON_MAX);
}

Test(connect, a_clock_may_be_off_by_its_bound_and_no_more)
{
    struct signer_connect c = { .token = "shared", .signed_at_ms = NOW - CONNECT_SKEW_MS };
    cr_assert(try(&device, c));
    c.signed_at_ms--;
    cr_assert(refused(&device, c, "device signature expired"));
    c.signed_at_ms = NOW + CONNECT_SKEW_MS;
    cr_assert(try(&device, c));
    c.signed_at_ms++;
    cr_assert(refused(&device, c, "device signature expired"));
    c.signed_at_ms = INT64_MIN;
    cr_assert(refused(&device, c, "device signature expired"));
}

Test(connect, the_control_ui_can_be_let_in_without_a_device)
{
    struct signer_connect c = {
        .client_id = "openclaw-control-ui", .client_mode = "webchat", .token = "shared", .scopes = "operator.admin"
    };
    facts.origin = STR("https://gw.example.com");
    come_from("192.0.2.1");
    cr_assert(refused(NULL, c, "control ui requires HTTPS or localhost (secure context)"));
    facts.allow_insecure_auth = true;
    cr_assert(try(NULL, c));
    cr_assert_str_eq(verdict.scopes.text, "operator.admin");
    cr_assert(try(&device, c) && !verdict.has_grant); /* verified, but not paired */
    cr_assert_str_eq(verdict.device_id, device.id);
    c.nonce = "another";
    cr_assert(refused(&device, c, "device nonce mismatch"));
    facts.disable_device_auth = true;
    cr_assert(try(&device, c) && verdict.device_id[0] == '\0');
    c.token = "no";
    cr_assert(
        refused(&device, c, "unauthorized: gateway token mismatch (open the dashboard URL and paste the token in Control UI settings)"));
    c.token = NULL;
    cr_assert(refused(NULL, c, "device identity required"));
}

/* --- no secret configured ----------------------------------------------------------------------------------------------- */

Test(connect, without_a_secret_this_machine_may_and_others_may_not)
{
    facts.mode = CONFIG_AUTH_NONE;
    cr_assert(try(NULL, (struct signer_connect){ .scopes = "operator.admin" }) && verdict.proof == CONNECT_PROOF_OPEN);
    cr_assert_str_eq(verdict.scopes.text, "operator.admin");
    cr_assert(try(&device, (struct signer_connect){ .token = "an old token of another gateway" }) && verdict.has_grant);
    cr_assert_eq(verdict.count, CONNECT_COUNT_NOTHING);
    struct device_grant grant = verdict.grant;
    come_from("192.0.2.1");
    cr_assert(refused(&device, (struct signer_connect){ .token = NULL }, "unauthorized"));
    cr_assert(refused(NULL, (struct signer_connect){ .token = "x" }, "unauthorized"));
    cr_assert(refused(NULL, (struct signer_connect){ .token = NULL }, "device identity required"));
    cr_assert(try(&device, (struct signer_connect){ .token = grant.token })); /* a device that was paired keeps its token */
}

Test(connect, without_a_secret_pages_of_other_sites_may_not_whatever_they_claim_to_be)
{
    facts.mode = CONFIG_AUTH_NONE;
    facts.origin = STR("https://evil.example");
    const char *words = "origin not allowed (open the Control UI from the gateway host or allow it in gateway.controlUi.allowedOrigins)";
    cr_assert(refused(NULL, (struct signer_connect){ .client_id = "cli" }, words));
    cr_assert(refused(&device, (struct signer_connect){ .client_id = "cli" }, words));
    facts.origin = STR("http://127.0.0.1:18789");
    cr_assert(try(NULL, (struct signer_connect){ .client_id = "openclaw-control-ui", .client_mode = "webchat" }));
}

/* --- the one-time token --------------------------------------------------------------------------------------------------- */

Test(connect, a_one_time_token_approves_one_device_once)
{
    struct signer second = signer_make(2);
    facts.bootstrap = STR(BOOTSTRAP);
    come_from("192.0.2.1");
    cr_assert_not(try(NULL, (struct signer_connect){ .token = BOOTSTRAP })); /* it pairs a device; without one it is no secret */
    cr_assert(try(&device, (struct signer_connect){ .token = BOOTSTRAP, .scopes = "operator.admin" }));
    cr_assert(verdict.proof == CONNECT_PROOF_BOOTSTRAP && verdict.has_grant && verdict.event == CONNECT_RESOLVED);
    struct device_grant grant = verdict.grant;
    cr_assert(refused(&second, (struct signer_connect){ .token = BOOTSTRAP },
                      "unauthorized: device token mismatch (rotate/reissue device token)"));
    cr_assert_not(try(&device, (struct signer_connect){ .token = BOOTSTRAP }));
    cr_assert(try(&device, (struct signer_connect){ .token = grant.token, .scopes = "operator.admin" }));
    cr_assert(devices_is_spent(devices, STR(BOOTSTRAP)));
}

Test(connect, a_one_time_token_of_its_least_length_is_taken_and_no_shorter_one)
{
    facts.bootstrap = (struct str){ BOOTSTRAP, CONNECT_BOOTSTRAP_MIN - 1 };
    come_from("192.0.2.1");
    cr_assert_not(try(&device, (struct signer_connect){ .token = "one-time-token-" }));
    facts.bootstrap = (struct str){ BOOTSTRAP, CONNECT_BOOTSTRAP_MIN };
    cr_assert(try(&device, (struct signer_connect){ .token = "one-time-token-0" }));
}

Test(connect, a_one_time_token_is_not_spent_on_a_device_that_proves_nothing)
{
    facts.bootstrap = STR(BOOTSTRAP);
    come_from("192.0.2.1");
    cr_assert_not(try(&device, (struct signer_connect){ .token = BOOTSTRAP, .nonce = "another" }));
    cr_assert_not(devices_is_spent(devices, STR(BOOTSTRAP)));
    facts.locked = true;
    cr_assert_not(try(&device, (struct signer_connect){ .token = BOOTSTRAP }));
    cr_assert_not(devices_is_spent(devices, STR(BOOTSTRAP)));
}
