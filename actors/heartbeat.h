/** actors/heartbeat.h -- what a heartbeat is: its settings, when it may come, what its answer means.
 *
 *  In:     configuration, the time, texts      Out: judgements
 *  Owns:   nothing; what is handed out borrows from the configuration
 *  Thread: any
 *  Source: reference agent-runtime 10, gateway-protocol 4 (event heartbeat) and 6 (health) */
#ifndef ACTORS_HEARTBEAT_H
#define ACTORS_HEARTBEAT_H

#include "base/config.h"

#define HEARTBEAT_TOKEN "HEARTBEAT_OK"
/* Of a route: the turn is a heartbeat, and only what it has to say is delivered. Its value is ackMaxChars. */
#define HEARTBEAT_ROUTE_MEMBER "heartbeat"

struct heartbeat_settings {
    bool enabled;
    struct str every;               /* as written; "disabled" */
    int64_t every_ms;               /* -1: none */
    struct str prompt;              /* what the agent is asked */
    struct str target, to, account; /* where what it says goes: last, none, or a channel and who there */
    struct str model, session;
    int64_t ack_max_chars; /* an OK with so many further characters is nothing to tell */
    struct str from, until, zone;
};

/** An agent's own heartbeat, else the defaults', which are the default agent's alone. */
void heartbeat_settings(const config_t *config, const struct config_agent *agent, struct heartbeat_settings *out);

/** Whether `now_ms` (wall clock) is within its active hours; without them it always is. @param agent_zone  for timezone "user" */
bool heartbeat_is_active(const struct heartbeat_settings *settings, struct str agent_zone, int64_t now_ms);

/** Whether a HEARTBEAT.md asks for nothing: blank lines, headings, comments, empty list items. */
bool heartbeat_list_is_empty(struct str text);

enum heartbeat_answer { HEARTBEAT_OK_EMPTY, HEARTBEAT_OK_TOKEN, HEARTBEAT_SAYS };

/** What an answer means. @param rest  what is to be told, without the token; borrowed */
enum heartbeat_answer heartbeat_read_answer(struct str text, int64_t ack_max_chars, struct str *rest);

/** `Current time: Sunday, November 22nd, 2026 — 1:24 PM (UTC)`. @param zone  its name; empty: UTC */
void heartbeat_write_time(struct str zone, int64_t now_ms, struct buf *out);

#endif
