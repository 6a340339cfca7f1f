/** tests/bus/gateway_rig.h -- the gateway actor with a router that follows the user's words.
 *
 *  What the fake router does with a turn is the first word of its message:
 *    say TEXT         accepted, one delta, done with TEXT
 *    parts N          accepted, N deltas of 10 bytes, done
 *    gap              accepted, a delta is left out, done with the whole
 *    stop LENGTH|FILTER  done with that stop reason
 *    fail CLASS       accepted, done as failed with that class and the text "both failed"
 *    latefail         accepted, a delta, then failed
 *    refuse REASON    turn.refused
 *    repeat STATE     accepted with that state, done
 *    big BYTES        done with that many bytes
 *    hold             accepted, then nothing
 *    mute             nothing at all
 *    delta BYTES      accepted, then deltas of 64 KiB up to that many bytes, no end
 *  turn.abort and turn.submit are told to the test's mailbox. */
#ifndef TESTS_BUS_GATEWAY_RIG_H
#define TESTS_BUS_GATEWAY_RIG_H

#include "actors/gateway.h"
#include "support/http_client.h"

enum { RIG_MS = 8000 };

struct gateway_rig {
    bus_t *bus;
    actor_t *router, *gateway, *store;
    mailbox_t *mailbox; /* "test" */
    int port;
};

struct gateway_rig_options {
    const char *config; /* NULL: {} */
    const char *token;  /* NULL: none */
    const char *note;   /* config_note */
    struct gateway_times times;
    struct gateway_bounds bounds;
    bool no_store;
};

void gateway_rig_start(struct gateway_rig *rig, const struct gateway_rig_options *options);
void gateway_rig_stop(struct gateway_rig *rig);

/** Send the gateway a message without fields (system.drain, actor.stop). */
void gateway_rig_tell(struct gateway_rig *rig, enum msg_kind kind);

/** The next message of `kind` to the test's mailbox, others are dropped; fails the test when none comes. Clear it. */
struct msg gateway_rig_next(struct gateway_rig *rig, enum msg_kind kind);

/** POST a chat completion whose last message is `text`. @param extra  JSON members after messages, starting with a comma */
struct http_reply gateway_rig_chat(struct gateway_rig *rig, const char *text, const char *extra, const char *headers);
struct http_reply gateway_rig_get(struct gateway_rig *rig, const char *method, const char *path);

#endif
