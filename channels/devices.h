/** channels/devices.h -- which devices may connect: the paired ones with their tokens, and those that ask to be.
 *
 *  In:     what a connect says of its device, an operator's decisions, stored rows      Out: answers, rows to store
 *  Owns:   the table, in memory                    Thread: one
 *  Source: reference gateway-protocol 2.7 and 5; docs/pairing.md
 *
 *  Tokens. A device has one token for each role. What is kept of it is its SHA-256, so a copy of the store lets nobody in. The
 *  price: after a restart the table cannot repeat a token to a client that comes with the shared secret instead of its token.
 *  Then it issues another one, and the one before stays good beside it, because a second tab of the same browser may still hold
 *  it: a role has up to DEVICE_TOKENS_MAX valid texts, the newest first, and one more pushes out the oldest. As long as the
 *  process runs it remembers the newest text (in memory alone), so a client that connects a thousand times gets the same token
 *  each time, as OpenClaw does it, and nothing is written. Approving, rotating, revoking, or another set of scopes ends all
 *  texts of the role at once.
 *
 *  Requests. A request lives DEVICE_REQUEST_MS. At a bound the newcomer is refused and no older request gives way: a flood
 *  cannot push out what an operator is looking at. One address has at most DEVICE_REQUESTS_OF_ADDRESS, so it cannot take all.
 *
 *  Rows. Every change marks its row; devices_take_change() hands the marked rows out to be stored. */
#ifndef CHANNELS_DEVICES_H
#define CHANNELS_DEVICES_H

#include "base/random.h"
#include "channels/device_key.h"
#include "channels/scopes.h"

enum {
    DEVICES_PAIRED_MAX = 1000,      /* paired devices; one more replaces the longest unseen one that was approved silently, or is refused */
    DEVICES_REQUESTS_MAX = 64,      /* requests that wait */
    DEVICE_REQUESTS_OF_ADDRESS = 8, /* ... of one address (of one /64 for IPv6) */
    DEVICE_REQUEST_MS = 300000,     /* a request is forgotten after this */
    DEVICE_TOKENS_MAX = 4,          /* token texts of a role that are valid beside each other */
    DEVICES_SPENT_MAX = 64,         /* one-time tokens ever used; then no further one is taken */
    DEVICE_SEEN_SAVE_MS = 60000,    /* when a device was last seen is stored at most this often */
    DEVICE_NAME_SIZE = 200,         /* bytes of displayName, NUL included; longer ones are cut */
    DEVICE_WORD_SIZE = 64,          /* bytes of platform, client id and mode, NUL included; longer ones are cut */
    DEVICE_ADDRESS_SIZE = 46,       /* bytes of an address, NUL included */
    DEVICE_ROW_MAX = 65536,         /* bytes of a stored row */
    DEVICE_ROW_ID_SIZE = 129,       /* bytes of a row's id, NUL included */
};

enum device_role { DEVICE_NODE, DEVICE_OPERATOR, DEVICE_ROLES }; /* in the order in which tokens are listed */

/** The role of a name; DEVICE_ROLES when it is none. */
enum device_role device_role_of(struct str name);
const char *device_role_name(enum device_role role);

/* The kinds of row, as they travel in device.save. */
enum device_row { DEVICE_ROW_PAIRED, DEVICE_ROW_REQUEST, DEVICE_ROW_SPENT, DEVICE_ROWS };

/* What a connect says of its device; proven by its signature. Borrowed. */
struct device_claim {
    struct str device_id, public_key; /* hex; base64url of the raw key */
    struct str display_name, platform, client_id, client_mode;
    enum device_role role;
    const struct scopes *scopes; /* asked for */
    struct str remote_ip;        /* shown to operators; empty for local clients */
    struct str address;          /* what the bound of requests counts by */
};

struct device_grant {
    char token[RANDOM_TOKEN_SIZE];
    struct scopes scopes; /* of the token */
    int64_t issued_at_ms;
};

typedef struct devices devices_t;

int devices_create(devices_t **out); /* 0 or GW_ENOMEM */
void devices_destroy(devices_t **devices_p);

/* --- connecting --------------------------------------------------------------------------------------------------- */

enum device_need { DEVICE_NEED_NOTHING, DEVICE_NEED_PAIRING, DEVICE_NEED_ROLE, DEVICE_NEED_SCOPES };

/** What keeps a device from connecting as it asks to. */
enum device_need devices_need(const devices_t *devices, const struct device_claim *claim);

/** True when `token` is one of the device's for the role, and its scopes hold all that is asked for. Constant time per text. */
bool devices_token_valid(const devices_t *devices, const struct device_claim *claim, struct str token);

/** Ask an operator. A device that asks again for the role gets the request it has, unchanged: what an operator looks at does not
 *  grow behind his back.
 *  @param fresh  whether it is new
 *  @return 0; GW_EFULL at DEVICES_REQUESTS_MAX; GW_ELIMIT at DEVICE_REQUESTS_OF_ADDRESS; GW_ENOMEM */
int devices_request(devices_t *devices, const struct device_claim *claim, int64_t now_ms, char request_id[RANDOM_UUID_SIZE], bool *fresh);

/** Pair at once, without an operator; a request of the device for this role is settled by it.
 *  @param request_id  the settled one's, or a new one
 *  @return as devices_approve(), and GW_ENOMEM */
int devices_approve_silently(devices_t *devices, const struct device_claim *claim, int64_t now_ms, char request_id[RANDOM_UUID_SIZE]);

/** A paired device has connected: note what it now calls itself, and give it its token.
 *  @param token  the one it came with, valid; empty: it came otherwise
 *  @return 0; GW_ENOENT when the device is not paired */
int devices_connected(devices_t *devices, const struct device_claim *claim, struct str token, int64_t now_ms, struct device_grant *out);

/** Use up a one-time token. @return 0; GW_EEXIST when devices_is_spent() */
int devices_spend(devices_t *devices, struct str token, struct str device_id, int64_t now_ms);
/** True when it was used before, and for every token at DEVICES_SPENT_MAX: none is forgotten, so none is armed again. */
bool devices_is_spent(const devices_t *devices, struct str token);

/* --- an operator's decisions ---------------------------------------------------------------------------------------- */

/** What a request asks for, so that it can be compared with what the operator has. @return 0 or GW_ENOENT */
int devices_request_scopes(devices_t *devices, struct str request_id, int64_t now_ms, struct scopes *out);

/** Pair the device: its roles and scopes grow by the request's; it has a new token for the role asked for.
 *  @return 0; GW_ENOENT; GW_EFULL at DEVICES_PAIRED_MAX; GW_ELIMIT when the scopes together do not fit. The request then stays */
int devices_approve(devices_t *devices, struct str request_id, int64_t now_ms, char device_id[DEVICE_ID_SIZE]);
/** @return 0 or GW_ENOENT */
int devices_reject(devices_t *devices, struct str request_id, int64_t now_ms, char device_id[DEVICE_ID_SIZE]);
/** Forget a paired device, its tokens and its requests. @return 0 or GW_ENOENT */
int devices_remove(devices_t *devices, struct str device_id);
/** The scopes of a token. @return 0 or GW_ENOENT */
int devices_token_scopes(const devices_t *devices, struct str device_id, struct str role, struct scopes *out);
/** A new token; the old texts are dead. @param scopes  NULL: as before; else they replace the token's and the device's
 *  @return 0 or GW_ENOENT */
int devices_rotate(devices_t *devices, struct str device_id, struct str role, const struct scopes *scopes, int64_t now_ms,
                   struct device_grant *out);
/** The token's texts are dead; the device can get a new one with the shared secret. @return 0 or GW_ENOENT */
int devices_revoke(devices_t *devices, struct str device_id, struct str role, int64_t now_ms);

/** Forget requests that are too old. */
void devices_expire(devices_t *devices, int64_t now_ms);
size_t devices_paired_count(const devices_t *devices);
size_t devices_request_count(const devices_t *devices);

/* --- JSON (channels/devices_json.c) ----------------------------------------------------------------------------------- */

/** The result of device.pair.list. */
void devices_write_list(devices_t *devices, int64_t now_ms, struct buf *out);
/** A paired device as device.pair.approve shows it. @return 0 or GW_ENOENT: nothing is written */
int devices_write_paired(const devices_t *devices, struct str device_id, struct buf *out);
/** A request: the payload of device.pair.requested. @return 0 or GW_ENOENT */
int devices_write_request(const devices_t *devices, struct str request_id, struct buf *out);
/** The payload of device.pair.resolved. */
void devices_write_resolved(struct str request_id, struct str device_id, bool approved, int64_t now_ms, struct buf *out);

/* --- rows to store ------------------------------------------------------------------------------------------------------ */

struct device_change {
    enum device_row kind;
    char id[DEVICE_ROW_ID_SIZE];
    bool urgent; /* a decision hangs on it; else only when a device was last seen */
};

/** Take the next changed row. @param json  emptied, then the row; empty: it is gone
 *  @return false when there is none */
bool devices_take_change(devices_t *devices, struct device_change *out, struct buf *json);
/** Storing it failed: it is a changed row again. */
void devices_change_failed(devices_t *devices, const struct device_change *change);
/** Take in a stored row, over one of the same id. @return 0; GW_EPARSE; GW_EFULL; GW_ENOMEM */
int devices_load_row(devices_t *devices, enum device_row kind, struct str id, struct str json);

#endif
