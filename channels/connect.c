#include "channels/connect.h"

#include "base/json_read.h"

static int64_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

/* The scopes joined as they were sent. Each is a name by now, so no comma of theirs can be taken for one between them. */
static int join(const json_t *array, char out[SCOPES_SIZE])
{
    size_t n = 0;
    out[0] = '\0';
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *v = json_array_get(array, i);
        struct str name = json_text(v);
        if (n + (n > 0) + name.n >= SCOPES_SIZE) return GW_ELIMIT;
        if (n) out[n++] = ',';
        str_copy(out + n, SCOPES_SIZE - n, name);
        n += name.n;
    }
    return 0;
}

static int read_scopes(const json_t *array, struct connect_params *out, struct buf *why)
{
    int rc = scopes_read(array, &out->scopes);
    if (rc == 0) rc = join(array, out->scopes_sent);
    if (rc == GW_EINVAL) buf_text(why, "invalid connect params: at /scopes: must be names of printable characters without ',' and '|'");
    if (rc == GW_ELIMIT)
        buf_printf(why, "invalid connect params: at /scopes: must NOT have more than %d characters in all, %d in one", SCOPES_SIZE - 1,
                   SCOPE_MAX);
    return rc;
}

static void read_device(const json_t *device, struct connect_params *out)
{
    out->has_device = json_is_object(device);
    out->device_id = json_str(device, "id");
    out->public_key = json_str(device, "publicKey");
    out->signature = json_str(device, "signature");
    out->nonce = str_trim(json_str(device, "nonce"));
    out->signed_at_ms = number(device, "signedAt");
}

int connect_read(const json_t *params, struct connect_params *out, struct buf *why)
{
    const json_t *client = json_object_get(params, "client"), *auth = json_object_get(params, "auth"),
                 *caps = json_object_get(params, "caps");
    *out = (struct connect_params){
        .min_protocol = number(params, "minProtocol"),
        .max_protocol = number(params, "maxProtocol"),
        .client_id = json_str(client, "id"),
        .client_mode = json_str(client, "mode"),
        .client_version = json_str(client, "version"),
        .platform = json_str(client, "platform"),
        .display_name = json_str(client, "displayName"),
        .device_family = json_str(client, "deviceFamily"),
        .model_identifier = json_str(client, "modelIdentifier"),
        .instance_id = json_str(client, "instanceId"),
        .role = json_object_get(params, "role") ? json_str(params, "role") : STR("operator"),
        .token = json_str(auth, "token"),
        .password = json_str(auth, "password"),
        .locale = json_str(params, "locale"),
        .user_agent = json_str(params, "userAgent"),
    };
    for (size_t i = 0; i < json_array_size(caps); i++)
        if (json_is_string(json_array_get(caps, i)) && strcmp(json_string_value(json_array_get(caps, i)), "tool-events") == 0)
            out->tool_events = true;
    read_device(json_object_get(params, "device"), out);
    return read_scopes(json_object_get(params, "scopes"), out, why);
}

bool connect_is_browser(const struct connect_params *p)
{
    return str_is(p->client_id, "openclaw-control-ui") || str_is(p->client_id, "webchat-ui") || str_is(p->client_mode, "webchat");
}
