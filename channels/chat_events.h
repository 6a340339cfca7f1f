/** channels/chat_events.h -- payloads of the `chat` and `agent` events of a run, and of answers that tell about runs.
 *
 *  In:     a run's id, session and text     Out: JSON
 *  Thread: any
 *  Source: reference gateway-protocol 6.3 and 6.4, frames chat-*.json */
#ifndef CHANNELS_CHAT_EVENTS_H
#define CHANNELS_CHAT_EVENTS_H

#include "base/buf.h"

struct chat_run { /* what each event of a run repeats */
    struct str run_id;
    struct str session_key;
    int64_t seq; /* of the event, in its run */
    int64_t now_ms;
};

/** `state` delta, final or aborted. @param text  the whole so far; in a final or aborted event empty: no message
 *  @param stop_reason  aborted: "rpc", "stop" or "timeout"; else NULL */
void chat_event_write(struct buf *out, const struct chat_run *run, const char *state, struct str text, const char *stop_reason);
void chat_event_write_error(struct buf *out, const struct chat_run *run, struct str message);

/** A final message that no model wrote: a note, the answer to a command. */
void chat_event_write_injected(struct buf *out, const struct chat_run *run, struct str text);

void agent_event_write_start(struct buf *out, const struct chat_run *run, int64_t started_ms);
void agent_event_write_end(struct buf *out, const struct chat_run *run, bool aborted);
void agent_event_write_error(struct buf *out, const struct chat_run *run, struct str message);
/** @param text  the whole so far  @param delta  its end that is new */
/** A tool call of the run. @param args  the call's JSON, when it begins; `phase` is "start", "update" or "result", which alone can be an
 * error */
struct chat_tool_event {
    const char *phase;
    struct str name, call, args;
    bool failed;
};
void agent_event_write_tool(struct buf *out, const struct chat_run *run, const struct chat_tool_event *tool);

void agent_event_write_text(struct buf *out, const struct chat_run *run, struct str text, struct str delta);

/** {"runId":…,"status":…} with `summary` when there is one. */
void chat_status_write(struct buf *out, struct str run_id, const char *status, struct str summary);

/** Text as it is shown: without white space at its end. */
struct str chat_text_shown(struct str text);

/** True when a whole reply is the token that says nothing (agent-runtime 10). */
bool chat_text_silent(struct str text);

/** True for a message that stops a session's runs: `/stop`, or one of a few words alone (reference 6.2). */
bool chat_text_stops(struct str text);

/** True for a message that begins a session anew: `trigger` ("/new") alone, or before a first message.
 *  @param rest  receives that message, borrowed; empty: none */
bool chat_text_resets(struct str text, struct str trigger, struct str *rest);

/** Take control characters but tab, line feed and carriage return out of a message; `into` receives it.
 *  @return 0; GW_EINVAL when there is a NUL; GW_ENOMEM, GW_ELIMIT */
int chat_text_clean(struct str text, struct buf *into);

#endif
