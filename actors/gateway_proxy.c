/* actors/gateway_proxy.c -- gateway.auth.mode trusted-proxy: a proxy that is trusted names the user in a header. */
#include <ctype.h>

#include "actors/gateway_internal.h"

enum { NAME_MAX_BYTES = 128, USER_MAX = 256 /* bytes of a header's name; of a user's */ };

/* The value of a header whose name comes from the configuration. Empty: absent, or too long. */
static struct str value_of(struct gateway_conn *c, struct str header, char *into, size_t cap)
{
    char name[NAME_MAX_BYTES + 2];
    if (header.n == 0 || header.n > NAME_MAX_BYTES) return (struct str){ 0 };
    for (size_t i = 0; i < header.n; i++) name[i] = (char)tolower((unsigned char)header.p[i]);
    name[header.n] = ':';
    name[header.n + 1] = '\0';
    return gateway_header(c, name, into, cap);
}

bool gateway_proxy_vouches(struct gateway_conn *c, const struct gateway_peer *peer)
{
    const struct config_gateway *cfg = c->gw->cfg;
    char user[USER_MAX + 1], other[USER_MAX + 1];
    if (cfg->auth != CONFIG_AUTH_TRUSTED_PROXY || c->gw->options->token || !peer->trusted) return false;
    struct str name = value_of(c, cfg->proxy_user_header, user, sizeof user);
    if (name.n == 0) return false;
    for (size_t i = 0; i < cfg->proxy_required_count; i++)
        if (value_of(c, cfg->proxy_required[i], other, sizeof other).n == 0) return false;
    for (size_t i = 0; i < cfg->proxy_user_count; i++)
        if (str_eq(name, cfg->proxy_users[i])) return true;
    return cfg->proxy_user_count == 0;
}
