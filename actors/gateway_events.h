/** actors/gateway_events.h -- what every client hears: numbered events, presence, health, tick, shutdown.
 *
 *  Thread: the gateway's
 *  Source: reference gateway-protocol 4. Presence and health are told at most once in GATEWAY_TELL_MS and a little more for
 *          each client, so that a thousand that come and go do not make a million frames */
#ifndef ACTORS_GATEWAY_EVENTS_H
#define ACTORS_GATEWAY_EVENTS_H

#include <jansson.h>

#include "actors/gateway_client.h"

int gateway_events_create(struct gateway *gw); /* @return 0 or GW_ENOMEM */
void gateway_events_destroy(struct gateway *gw);

/** A client is about to be greeted: it enters the presence list, unless its mode is `cli`. */
void gateway_events_joining(struct gateway_client *cl);
/** It was greeted: health is looked at, the tick runs. */
void gateway_events_joined(struct gateway_client *cl);
/** It left, and was in the presence list. */
void gateway_events_left(struct gateway_client *cl);

/** A client told something of itself (`system-event`). */
void gateway_events_told(struct gateway *gw, const json_t *fields);

/** Tell health or presence to all as soon as the pause since the last time is over. */
void gateway_events_want(struct gateway *gw, bool health, bool presence);

/** An answer to what was asked here. @return whether it was */
bool gateway_events_message(struct gateway *gw, const struct msg *in);

/** An event for one client, without a number. */
void gateway_tell(struct gateway_client *cl, const char *event, struct str payload);

void gateway_events_write_presence(struct gateway *gw, struct buf *out); /* a JSON array */
void gateway_events_write_version(const struct gateway *gw, struct buf *out);
void gateway_events_keep_health(struct gateway *gw, struct str json);
/** The kept health object; empty when it is older, or there is none. Borrowed until the next one. */
struct str gateway_events_health(const struct gateway *gw, int64_t max_age_ms);
void gateway_events_ask_health(struct gateway *gw); /* once; every client is told the answer */
const char *gateway_events_host(const struct gateway *gw);

/** Tell everyone and close every connection with 1012. @param restart_expected_ms  0: it stops */
void gateway_events_shutdown(struct gateway *gw, const char *reason, int64_t restart_expected_ms);

#endif
