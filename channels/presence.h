/** channels/presence.h -- who is here: the gateway itself, and the clients that came in the last minutes.
 *
 *  In:     arrivals and departures     Out: the list as JSON, newest first
 *  Owns:   at most PRESENCE_MAX entries; the oldest makes room
 *  Thread: any, one at a time
 *  Source: reference gateway-protocol 4, "Presence entry" */
#ifndef CHANNELS_PRESENCE_H
#define CHANNELS_PRESENCE_H

#include <jansson.h>

#include "base/buf.h"

enum {
    PRESENCE_MAX = 200,              /* entries */
    PRESENCE_TTL_MS = 5 * 60 * 1000, /* an entry that was not touched for so long is gone */
    PRESENCE_KEY_MAX = 128,          /* bytes of a key; longer ones are cut */
};

typedef struct presence presence_t;

struct presence_entry { /* empty strings are left out of the list */
    struct str key;     /* device id, else instance id, else connection id; compared in lower case */
    struct str host, ip, version, platform, device_family, model_identifier, mode, reason, device_id, instance_id;
    struct str role;   /* joins those that the entry has */
    struct str scopes; /* a JSON array of strings; joins those that the entry has */
    struct str text;   /* empty: "Node: <host> · mode <mode>" */
    int64_t now_ms;
};

/** @return 0 or GW_ENOMEM */
int presence_create(presence_t **out);
void presence_destroy(presence_t **presence_p);

/** Add an entry, or renew the one with its key. @return 0 or GW_ENOMEM, then nothing changed */
int presence_touch(presence_t *presence, const struct presence_entry *entry);

/** A client that tells of itself (`system-event`): its fields, as far as they are known here, over those of its entry.
 *  @param fields  an object; instanceId, deviceId or host is the key; without any nothing happens */
void presence_tell(presence_t *presence, const json_t *fields, int64_t now_ms);

/** Append the JSON array: `self` (an object, the gateway's own entry) first, then the others, newest first. */
void presence_write(presence_t *presence, struct str self, int64_t now_ms, struct buf *out);

#endif
