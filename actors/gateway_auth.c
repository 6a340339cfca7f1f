#include "actors/gateway_auth.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <uthash.h>

#include "actors/gateway_limits.h"
#include "base/err.h"

struct offender {
    char address[GATEWAY_ADDRESS_SIZE];
    int64_t first_ms;        /* when the window began */
    int64_t locked_until_ms; /* 0: not locked */
    int64_t failures;        /* in the window */
    UT_hash_handle hh;       /* uthash keeps insertion order: the first is the least recent */
};

struct gateway_auth {
    const struct config_gateway *cfg;
    struct str token, password; /* empty: not accepted */
    struct offender *offenders;
};

int gateway_auth_create(const struct config_gateway *cfg, struct str token, gateway_auth_t **out)
{
    gateway_auth_t *auth = *out = calloc(1, sizeof *auth);
    if (!auth) return GW_ENOMEM;
    gateway_auth_take(auth, cfg, token);
    return 0;
}

void gateway_auth_take(gateway_auth_t *auth, const struct config_gateway *cfg, struct str token)
{
    auth->cfg = cfg;
    auth->token = auth->password = (struct str){ 0 };
    if (token.n)
        auth->token = token;
    else if (cfg->auth == CONFIG_AUTH_TOKEN)
        auth->token = cfg->token;
    else if (cfg->auth == CONFIG_AUTH_PASSWORD)
        auth->password = cfg->password;
}

static void forget(gateway_auth_t *auth, struct offender *o)
{
    HASH_DEL(auth->offenders, o);
    free(o);
}

void gateway_auth_destroy(gateway_auth_t **auth_p)
{
    struct offender *o, *safe;
    if (!*auth_p) return;
    HASH_ITER(hh, (*auth_p)->offenders, o, safe)
    {
        forget(*auth_p, o);
    }
    free(*auth_p);
    *auth_p = NULL;
}

bool gateway_is_loopback(const char *address)
{
    struct str a = str_of(address);
    return str_starts(a, STR("127.")) || str_is(a, "::1") || str_starts(a, STR("::ffff:127."));
}

static struct offender *find(gateway_auth_t *auth, const char *address)
{
    struct offender *o;
    HASH_FIND_STR(auth->offenders, address, o);
    return o;
}

/* The entry of `address`, now the most recent one. NULL when memory is out: then this failure is not counted. */
static struct offender *touch(gateway_auth_t *auth, const char *address)
{
    struct offender *o = find(auth, address);
    if (o)
        HASH_DEL(auth->offenders, o);
    else if (HASH_COUNT(auth->offenders) >= GATEWAY_AUTH_ADDRESSES_MAX)
        forget(auth, auth->offenders);
    if (!o) o = calloc(1, sizeof *o);
    if (!o) return NULL;
    str_copy(o->address, sizeof o->address, str_of(address));
    HASH_ADD_STR(auth->offenders, address, o);
    return o;
}

static void count_failure(gateway_auth_t *auth, const char *address, int64_t now_ms)
{
    struct offender *o = touch(auth, address);
    if (!o) return;
    if (o->failures == 0 || now_ms - o->first_ms >= auth->cfg->rate_window_ms) {
        o->failures = 0;
        o->first_ms = now_ms;
    }
    if (++o->failures >= auth->cfg->rate_max_attempts) o->locked_until_ms = now_ms + auth->cfg->rate_lockout_ms;
}

static bool is_right(const gateway_auth_t *auth, struct str secret)
{
    bool token = auth->token.n && str_secret_eq(secret, auth->token);
    bool password = auth->password.n && str_secret_eq(secret, auth->password);
    return token || password;
}

/* The secret of "Bearer <secret>"; empty when there is none. */
static struct str bearer(struct str authorization)
{
    struct str rest = str_trim(authorization), scheme = str_split(&rest, ' ');
    return str_ieq(scheme, STR("bearer")) ? str_trim(rest) : (struct str){ 0 };
}

static bool is_counted(const gateway_auth_t *auth, const struct gateway_peer *peer)
{
    bool local = peer->loopback && !peer->forwarded;
    return auth->cfg->rate_max_attempts > 0 && !(local && auth->cfg->rate_exempt_loopback);
}

int64_t gateway_auth_locked_ms(gateway_auth_t *auth, const struct gateway_peer *peer, int64_t now_ms)
{
    struct offender *o = is_counted(auth, peer) ? find(auth, peer->address) : NULL;
    if (!o || !o->locked_until_ms) return 0;
    if (o->locked_until_ms > now_ms) return o->locked_until_ms - now_ms;
    forget(auth, o); /* it starts anew */
    return 0;
}

void gateway_auth_failed(gateway_auth_t *auth, const struct gateway_peer *peer, int64_t now_ms)
{
    if (is_counted(auth, peer)) count_failure(auth, peer->address, now_ms);
}

void gateway_auth_succeeded(gateway_auth_t *auth, const struct gateway_peer *peer)
{
    struct offender *o = find(auth, peer->address);
    if (o) forget(auth, o);
}

enum gateway_verdict gateway_auth_check(gateway_auth_t *auth, const struct gateway_peer *peer, struct str authorization, int64_t now_ms,
                                        int64_t *retry_after_ms)
{
    bool local = peer->loopback && !peer->forwarded;
    struct str secret = bearer(authorization);
    *retry_after_ms = 0;
    if (!auth->token.n && !auth->password.n) return local ? GATEWAY_ALLOWED : GATEWAY_DENIED;
    *retry_after_ms = gateway_auth_locked_ms(auth, peer, now_ms);
    if (*retry_after_ms) return GATEWAY_LOCKED;
    if (is_right(auth, secret)) {
        gateway_auth_succeeded(auth, peer);
        return GATEWAY_ALLOWED;
    }
    if (secret.n) gateway_auth_failed(auth, peer, now_ms);
    return GATEWAY_DENIED;
}

/* --- behind a proxy --------------------------------------------------------------------------------------------- */

/* An address as 16 bytes, IPv4 mapped into IPv6 (RFC 4291, section 2.5.5.2). */
static bool read_address(struct str text, unsigned char out[16])
{
    static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
    char copy[GATEWAY_ADDRESS_SIZE];
    if (str_copy(copy, sizeof copy, text) != 0) return false;
    if (inet_pton(AF_INET6, copy, out) == 1) return true;
    memcpy(out, mapped, sizeof mapped);
    return inet_pton(AF_INET, copy, out + 12) == 1;
}

static bool same_prefix(const unsigned char *a, const unsigned char *b, int64_t bits)
{
    size_t whole = (size_t)(bits / 8);
    unsigned char mask = (unsigned char)(0xff00 >> (bits % 8));
    if (memcmp(a, b, whole) != 0) return false;
    return bits % 8 == 0 || (a[whole] & mask) == (b[whole] & mask);
}

/* @param range  an address, or one with a prefix length: "10.0.0.0/8" */
static bool in_range(const unsigned char address[16], struct str range)
{
    unsigned char base[16];
    int64_t bits = 128;
    struct str host = str_split(&range, '/');
    bool v4 = str_find(host, STR(":")) < 0;
    if (!read_address(host, base)) return false;
    if (range.p && (str_to_int(range, &bits) != 0 || bits < 0 || bits > (v4 ? 32 : 128))) return false;
    if (range.p && v4) bits += 96;
    return same_prefix(address, base, bits);
}

static bool is_trusted(const struct config_gateway *cfg, struct str address)
{
    unsigned char bytes[16];
    if (!read_address(address, bytes)) return false;
    for (size_t i = 0; i < cfg->trusted_proxy_count; i++)
        if (in_range(bytes, cfg->trusted_proxies[i])) return true;
    return false;
}

void gateway_peer_unmask(const struct config_gateway *cfg, struct gateway_peer *peer, struct str forwarded_for)
{
    peer->trusted = is_trusted(cfg, str_of(peer->address));
    if (!peer->trusted) return;
    while (forwarded_for.n) {
        size_t start = forwarded_for.n;
        while (start > 0 && forwarded_for.p[start - 1] != ',') start--;
        struct str hop = str_trim((struct str){ forwarded_for.p + start, forwarded_for.n - start });
        unsigned char bytes[16];
        if (!read_address(hop, bytes)) return; /* not an address: stay with the proxy's */
        str_copy(peer->address, sizeof peer->address, hop);
        if (!is_trusted(cfg, hop)) return;
        forwarded_for.n = start > 0 ? start - 1 : 0;
    }
}
