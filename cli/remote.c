#include "cli/remote.h"

#include <stdio.h>

#include "base/err.h"
#include "base/log.h"

enum { TIMEOUT_MIN_MS = 1, TIMEOUT_MAX_MS = 24 * 3600 * 1000 };

int remote_prepare(struct remote *r, const struct remote_flags *flags)
{
    long timeout_ms = GATEWAY_TIMEOUT_MS;
    struct buf why = { 0 };
    *r = (struct remote){ 0 };
    int rc = flags->timeout_text ? cli_number("--timeout", flags->timeout_text, TIMEOUT_MIN_MS, TIMEOUT_MAX_MS, &timeout_ms) : CLI_OK;
    if (rc) return rc;
    r->timeout_ms = (int)timeout_ms;
    rc = configuration_load(&r->configuration, true);
    if (rc) return rc;
    log_set_level(LOG_ERROR); /* what a command has to say it says itself */
    if (gateway_target_find(r->configuration.config, &r->configuration.env, &flags->gateway, &r->target, &why) != 0) {
        fprintf(stderr, "%s\n", buf_cstr(&why));
        rc = CLI_FAILED;
    }
    if (!r->target.config.n) r->target.config = str_of(r->configuration.path); /* not written yet: where it would be */
    buf_free(&why);
    return rc;
}

int remote_connect(struct remote *r, const char *mode)
{
    rpc_client_close(&r->client);
    rpc_client_error_free(&r->error);
    return rpc_client_open(&r->target, mode, r->configuration.state, r->timeout_ms, &r->client, &r->error);
}

int remote_open(struct remote *r, const struct remote_flags *flags)
{
    int rc = remote_prepare(r, flags);
    if (rc) return rc;
    return remote_connect(r, "cli") == 0 ? CLI_OK : remote_tell(r);
}

void remote_close(struct remote *r)
{
    rpc_client_close(&r->client);
    rpc_client_error_free(&r->error);
    configuration_free(&r->configuration);
}

json_t *remote_try(struct remote *r, const char *method, json_t *params)
{
    json_t *payload = NULL;
    rpc_client_error_free(&r->error);
    return rpc_client_call(r->client, method, params, r->timeout_ms, &payload, &r->error) == 0 ? payload : NULL;
}

json_t *remote_call(struct remote *r, const char *method, json_t *params)
{
    json_t *payload = remote_try(r, method, params);
    if (!payload) remote_tell(r);
    return payload;
}

int remote_tell(const struct remote *r)
{
    struct buf text = { 0 };
    rpc_client_error_describe(&r->error, &r->target, &text);
    fputs(buf_cstr(&text), stderr);
    buf_free(&text);
    return CLI_FAILED;
}

int remote_ask(const struct remote_flags *flags, const char *method, json_t *params, json_t **payload)
{
    struct remote r;
    *payload = NULL;
    int rc = remote_open(&r, flags);
    if (rc == CLI_OK)
        *payload = remote_call(&r, method, params);
    else
        json_decref(params);
    remote_close(&r);
    return rc ? rc : *payload ? CLI_OK : CLI_FAILED;
}

int remote_show(const struct remote_flags *flags, const char *method, json_t *params)
{
    json_t *payload;
    int rc = remote_ask(flags, method, params, &payload);
    if (rc == CLI_OK) json_show(payload);
    json_decref(payload);
    return rc;
}
