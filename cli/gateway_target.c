#include "cli/gateway_target.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "base/err.h"

/* Where the gateway of this host listens, as an address to connect to. */
static void local_host(const struct config_gateway *g, char out[WS_HOST_MAX])
{
    unsigned char bytes[16];
    str_copy(out, WS_HOST_MAX, STR("127.0.0.1"));
    if (g->bind != CONFIG_BIND_CUSTOM || str_is(g->bind_host, "0.0.0.0") || str_is(g->bind_host, "::")) return;
    if (str_copy(out, WS_HOST_MAX, g->bind_host) == 0 && (inet_pton(AF_INET, out, bytes) == 1 || inet_pton(AF_INET6, out, bytes) == 1))
        return;
    str_copy(out, WS_HOST_MAX, STR("127.0.0.1"));
}

static void find_local(const struct config_gateway *g, struct gateway_target *out)
{
    local_host(g, out->url.host);
    out->url.port = g->port;
    out->url.tls = g->tls;
    out->url.path[0] = '/';
    out->trust.pem = g->tls ? g->tls_cert.p : NULL;
    out->source = ws_url_is_local(&out->url) ? "local loopback" : "local gateway.customBindHost";
    out->bind = config_bind_name(g->bind);
    if (g->auth == CONFIG_AUTH_TOKEN) out->token = g->token;
    if (g->auth == CONFIG_AUTH_PASSWORD) out->password = g->password;
}

/* A host that was named for this call gets what was named with it, and this machine also what is configured. */
static int find_named(const config_t *cfg, const struct env *env, struct gateway_target *out, struct buf *why)
{
    const struct config_gateway *g = config_gateway(cfg);
    if (ws_url_is_local(&out->url)) {
        if (g->auth == CONFIG_AUTH_TOKEN) out->token = g->token;
        if (g->auth == CONFIG_AUTH_PASSWORD) out->password = g->password;
        out->trust.pem = out->url.tls && g->tls ? g->tls_cert.p : NULL;
        return 0;
    }
    out->token = env_get(env, "OPENCLAW_GATEWAY_TOKEN");
    out->password = env_get(env, "OPENCLAW_GATEWAY_PASSWORD");
    if (out->token.n || out->password.n) return 0;
    buf_printf(why,
               "gateway url override requires explicit credentials\nFix: pass --token or --password (or set OPENCLAW_GATEWAY_TOKEN).\n"
               "Config: %.*s",
               STR_ARG(out->config));
    return GW_EDENIED;
}

static void find_remote(const config_t *cfg, const struct env *env, struct gateway_target *out)
{
    out->source = "config gateway.remote.url";
    out->token = config_str(cfg, "gateway.remote.token");
    out->password = config_str(cfg, "gateway.remote.password");
    out->trust.fingerprint = config_str(cfg, "gateway.remote.tlsFingerprint").p;
    if (!out->token.n && !out->password.n) out->token = env_get(env, "OPENCLAW_GATEWAY_TOKEN");
    if (!out->token.n && !out->password.n) out->password = env_get(env, "OPENCLAW_GATEWAY_PASSWORD");
}

static void name(struct gateway_target *t)
{
    bool v6 = strchr(t->url.host, ':') != NULL;
    snprintf(t->text, sizeof t->text, "%s://%s%s%s:%d", t->url.tls ? "wss" : "ws", v6 ? "[" : "", t->url.host, v6 ? "]" : "", t->url.port);
}

int gateway_target_find(const config_t *cfg, const struct env *env, const struct gateway_flags *flags, struct gateway_target *out,
                        struct buf *why)
{
    bool remote_mode = str_is(config_str(cfg, "gateway.mode"), "remote");
    struct str named = str_of(flags->url), remote = remote_mode ? config_str(cfg, "gateway.remote.url") : (struct str){ 0 };
    int rc = 0;
    *out = (struct gateway_target){ .source = "cli --url", .config = config_file(cfg) };
    if (!named.n) {
        named = env_get(env, "OPENCLAW_GATEWAY_URL");
        out->source = "env OPENCLAW_GATEWAY_URL";
    }
    struct str url = named.n ? named : remote;
    if (url.n && ws_url_parse(url, &out->url) != 0) {
        buf_printf(why, "not the address of a gateway: %.*s (ws://host:port or wss://host:port)", STR_ARG(url));
        return GW_EINVAL;
    }
    if (!url.n) find_local(config_gateway(cfg), out);
    if (url.n && !named.n) find_remote(cfg, env, out);
    if (remote_mode && !url.n) out->source = "missing gateway.remote.url (fallback local)";
    bool explicit = flags->token || flags->password;
    if (named.n) {
        struct buf ignored = { 0 };
        rc = find_named(cfg, env, out, explicit ? &ignored : why);
        if (explicit) rc = 0;
        buf_free(&ignored);
    }
    if (explicit) {
        out->token = str_of(flags->token);
        out->password = str_of(flags->password);
    }
    name(out);
    return rc;
}

void gateway_target_describe(const struct gateway_target *target, struct buf *out)
{
    buf_printf(out, "Gateway target: %s\nSource: %s\nConfig: %.*s\n", target->text, target->source, STR_ARG(target->config));
    if (target->bind) buf_printf(out, "Bind: %s\n", target->bind);
}
