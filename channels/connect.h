/** channels/connect.h -- the judgement of a `connect`: who is let in, as what; or which words and close code refuse it.
 *
 *  In:     the checked parameters of `connect`, facts of its connection and of the configuration, the table of devices
 *  Out:    a verdict; the table is changed by it (a request, a pairing, a token) and its rows are then to be stored
 *  Owns:   nothing but what connect_verdict_free() frees
 *  Thread: the table's; reads no clock
 *  Source: reference gateway-protocol 2.2 to 2.7; the differences are in docs/pairing.md */
#ifndef CHANNELS_CONNECT_H
#define CHANNELS_CONNECT_H

#include "base/config.h"
#include "channels/devices.h"

enum {
    CONNECT_PROTOCOL = 3,          /* the version that is served */
    CONNECT_SKEW_MS = 600000,      /* how far a device's clock may be off, either way */
    CONNECT_REASON_MAX = 120,      /* bytes of a close reason (RFC 6455 allows 123) */
    CONNECT_MESSAGE_SIZE = 256,    /* bytes of a refusal's message, NUL included */
    CONNECT_DETAILS_SIZE = 160,    /* bytes of its details, NUL included */
    CONNECT_HOST_MAX = 255,        /* bytes of a Host or Origin that is looked at; longer ones are refused */
    CONNECT_BOOTSTRAP_MIN = 16,    /* bytes of a one-time token; shorter ones are not taken */
    CONNECT_CLOSE_PROTOCOL = 1002, /* close codes */
    CONNECT_CLOSE_POLICY = 1008,
};

/* --- what was sent (connect.c) ---------------------------------------------------------------------------------------- */

struct connect_params { /* strings borrow from the JSON; empty: not sent */
    int64_t min_protocol, max_protocol;
    struct str client_id, client_mode, client_version, platform, display_name, device_family, model_identifier, instance_id;
    struct str role; /* "operator" when not sent */
    struct scopes scopes;
    char scopes_sent[SCOPES_SIZE]; /* joined by ',' with repeats, as they were signed */
    bool tool_events;              /* caps has "tool-events" */
    struct str token, password, locale, user_agent;
    bool has_device;
    struct str device_id, public_key, signature, nonce;
    int64_t signed_at_ms;
};

/** Read the parameters after rpc_check_connect() has passed them.
 *  @param why  appended on failure: "invalid connect params: at /scopes/0: must match pattern ..."
 *  @return 0; GW_EINVAL for scopes that are no names; GW_ELIMIT for too many */
int connect_read(const json_t *params, struct connect_params *out, struct buf *why);

/** True for what runs in a browser: the Control UI and web chat. Their Origin is checked. */
bool connect_is_browser(const struct connect_params *p);

/* --- where it comes from (connect_origin.c) --------------------------------------------------------------------------- */

/** True for 127.0.0.0/8, ::1 and ::ffff:127.0.0.0/104. */
bool connect_address_is_loopback(struct str address);

/** True when the Host header names this machine: localhost, a loopback address, or a name in .ts.net. A page that pointed its own
 *  name at 127.0.0.1 (DNS rebinding) is not it, as the browser sends that name. */
bool connect_host_is_local(struct str host);

struct connect_place {
    struct str address; /* the client's: of the TCP peer, or what a trusted proxy says */
    struct str host;    /* Host header */
    bool forwarded;     /* X-Forwarded-For, X-Real-IP or X-Forwarded-Host is there */
    bool peer_trusted;  /* the TCP peer is in gateway.trustedProxies */
};

/** Local or remote (reference 2.5). */
bool connect_is_local(const struct connect_place *place);

/** True when a page of `origin` may connect: listed, of the same host and port as the Host header, or both on loopback. */
bool connect_origin_allowed(struct str origin, struct str host, const struct str *allowed, size_t count);

/** True when a request with this Host may be served where no secret protects: it names this machine, is an address (which cannot
 *  be rebound), or the host of a listed origin. For the HTTP front. */
bool connect_host_allowed(struct str host, const struct str *allowed, size_t count);

/* --- the verdict (connect_judge.c) -------------------------------------------------------------------------------------- */

struct connect_facts {    /* borrowed for the call */
    bool local;           /* connect_is_local() */
    struct str address;   /* the client's, for the bound of requests */
    struct str remote_ip; /* the same as operators see it; empty for local clients and loopback addresses */
    struct str origin, host;
    struct str nonce; /* of the connect.challenge */
    int64_t now_ms;   /* wall clock */
    bool locked;      /* too many failures of this address: no secret is looked at */
    bool vouched;     /* mode trusted-proxy: a trusted proxy has named the user */
    enum config_auth mode;
    struct str token, password; /* the shared secrets */
    struct str bootstrap;       /* one-time token; empty: none */
    const struct str *allowed_origins;
    size_t allowed_origin_count;
    bool allow_insecure_auth, disable_device_auth; /* gateway.controlUi.* */
};

/* How a client has shown that it may. */
enum connect_proof {
    CONNECT_PROOF_NONE,
    CONNECT_PROOF_OPEN,
    CONNECT_PROOF_SECRET,
    CONNECT_PROOF_PROXY,
    CONNECT_PROOF_DEVICE,
    CONNECT_PROOF_BOOTSTRAP
};
const char *connect_proof_name(enum connect_proof proof); /* for the log */

/* What the count of failed logins of the address is told. */
enum connect_count { CONNECT_COUNT_NOTHING, CONNECT_COUNT_FAILURE, CONNECT_COUNT_SUCCESS };

struct connect_verdict {
    bool accepted;
    enum connect_count count;
    enum connect_proof proof;

    /* refused */
    const char *code; /* static */
    char message[CONNECT_MESSAGE_SIZE];
    char details[CONNECT_DETAILS_SIZE]; /* JSON; empty: none */
    int close_code;
    char close_reason[CONNECT_REASON_MAX + 1];

    /* accepted */
    enum device_role role;
    struct scopes scopes;           /* what the connection may */
    char device_id[DEVICE_ID_SIZE]; /* proven; empty: no device. Set in refusals, too, once it is proven */
    bool has_grant;                 /* hello-ok.auth */
    struct device_grant grant;

    /* either */
    enum { CONNECT_NO_EVENT, CONNECT_REQUESTED, CONNECT_RESOLVED } event; /* to those who may pair */
    struct buf event_payload;                                             /* JSON */
    char request_id[RANDOM_UUID_SIZE];                                    /* of it, or of the request that waits */
};

/** Judge. `out` needs no preparation; free it in every case. */
void connect_judge(const struct connect_params *p, const struct connect_facts *f, devices_t *devices, struct connect_verdict *out);
/** What was decided could not be made durable: refuse with UNAVAILABLE instead. @param rc  GW_E* */
void connect_verdict_fail(struct connect_verdict *v, int rc);
void connect_verdict_free(struct connect_verdict *v);

#endif
