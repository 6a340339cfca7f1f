/** cli/remote.h -- what every command needs that asks the gateway: flags, configuration, connection, the words when it fails.
 *
 *  Owns:   struct remote: the configuration and the connection
 *  Thread: the main one */
#ifndef CLI_REMOTE_H
#define CLI_REMOTE_H

#include "cli/cli.h"
#include "cli/configuration.h"
#include "cli/json_print.h"
#include "cli/rpc_client.h"

struct remote_flags {
    struct gateway_flags gateway;
    const char *timeout_text;
    bool json;
};

/* Entries of a command's table of options. */
#define REMOTE_OPTIONS(flags) { "--json", NULL, "print the answer as JSON", NULL, &(flags).json }, REMOTE_PLAIN_OPTIONS(flags)
#define REMOTE_PLAIN_OPTIONS(flags)                                                                                                        \
    { "--url", "URL", "the gateway (default: OPENCLAW_GATEWAY_URL, else this host's)", &(flags).gateway.url, NULL },                       \
        { "--token", "TOKEN", "its token (default: the configured one)", &(flags).gateway.token, NULL },                                   \
        { "--password", "TEXT", "its password (default: the configured one)", &(flags).gateway.password, NULL },                           \
    {                                                                                                                                      \
        "--timeout", "MS", "give up after this time (default: 10000)", &(flags).timeout_text, NULL                                         \
    }

struct remote {
    struct configuration configuration;
    struct gateway_target target;
    rpc_client_t *client; /* NULL: not connected */
    int timeout_ms;
    struct rpc_client_error error; /* of the last call that failed */
};

/** Read the configuration and find the gateway, without connecting. What is wrong is told on stderr.
 *  @return CLI_OK or the exit code; remote_close() in any case */
int remote_prepare(struct remote *r, const struct remote_flags *flags);

/** Connect as `mode` ("cli", "probe"). Tells nothing. @return 0, or GW_E* with r->error */
int remote_connect(struct remote *r, const char *mode);

/** Prepare and connect; failures are told. @return CLI_OK or the exit code; remote_close() in any case */
int remote_open(struct remote *r, const struct remote_flags *flags);
void remote_close(struct remote *r);

/** Call a method. @param params  taken over; NULL: {}
 *  @return the payload, which the caller json_decref()s; NULL on failure, which is told */
json_t *remote_call(struct remote *r, const char *method, json_t *params);

/** The same without a word: @return NULL with r->error */
json_t *remote_try(struct remote *r, const char *method, json_t *params);

/** Tell r->error on stderr. @return CLI_FAILED */
int remote_tell(const struct remote *r);

/** Connect, call, disconnect: what most commands do. @param payload  the caller json_decref()s; NULL on failure
 *  @return CLI_OK or the exit code, told */
int remote_ask(const struct remote_flags *flags, const char *method, json_t *params, json_t **payload);

/** The same, and print the payload. */
int remote_show(const struct remote_flags *flags, const char *method, json_t *params);

#endif
