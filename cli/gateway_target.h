/** cli/gateway_target.h -- which gateway a command talks to, and with which secret.
 *
 *  In:     flags, environment, configuration    Out: an address, a secret, and the words about both
 *  Owns:   nothing: secrets and paths are borrowed from the configuration, the environment or the command line
 *  Thread: any
 *  Source: reference gateway-protocol 2.4 and 10 */
#ifndef CLI_GATEWAY_TARGET_H
#define CLI_GATEWAY_TARGET_H

#include "base/config.h"
#include "cli/ws_client.h"

struct gateway_flags {
    const char *url, *token, *password; /* --url, --token, --password; NULL: not given */
};

struct gateway_target {
    struct ws_url url;
    char text[WS_HOST_MAX + 32]; /* "ws://127.0.0.1:18789", for people */
    struct ws_trust trust;
    struct str token, password; /* secrets; empty: none */
    const char *source;         /* "local loopback", "cli --url", ... */
    const char *bind;           /* "loopback", ...; NULL: another host's affair */
    struct str config;          /* path of the configuration file */
};

/** --url, else OPENCLAW_GATEWAY_URL, else gateway.remote.url in remote mode, else this host's gateway on its configured port.
 *  The configured secret is sent to no other host than the configured ones.
 *  @param why  appended on failure
 *  @return 0; GW_EINVAL (not an address); GW_EDENIED: another host was named, and no secret for it */
int gateway_target_find(const config_t *cfg, const struct env *env, const struct gateway_flags *flags, struct gateway_target *out,
                        struct buf *why);

/** Append the lines "Gateway target: ...", "Source: ...", "Config: ...", "Bind: ...". */
void gateway_target_describe(const struct gateway_target *target, struct buf *out);

#endif
