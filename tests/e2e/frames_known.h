/** tests/e2e/frames_known.h -- where the gateway's frames honestly differ from the recorded ones, and why.
 *
 *  Included by test_e2e_frames.c alone. An entry that is played and no longer differs fails the test. */
#ifndef TESTS_E2E_FRAMES_KNOWN_H
#define TESTS_E2E_FRAMES_KNOWN_H

#include "support/frames.h"

#define CHANNEL "no channel is connected yet: nothing is probed, and its token comes from the configuration"
#define ENDS "an aborted run has an end among its `agent` events, too"
#define FAILURE "sent when all candidates failed, with each one's reason"
#define HEALTH "probes get an answer that is not the page"
#define NODES "this gateway takes no nodes: none is known"
#define TOOLS "the recorded session had used tools, ours has not"
#define PARTIAL "what a command has written so far is not told while it runs"
#define META "a gist of the command in words, from a list of OpenClaw's own; clients show the command instead"
#define SKILLS "no skill is part of the program"
#define SPEECH "there is no speech output"
#define SURFACES "the recorded session was used by a heartbeat, a channel or cron"

static struct known KNOWN[] = {
    { .frame = "connect-ok-control-ui", .path = "payload.canvasHostUrl", .reason = "there is no canvas" },
    { .frame = "connect-ok-control-ui", .path = "payload.policy.maxBufferedBytes", .reason = "16 MiB are kept for a client" },
    { .frame = "connect-ok-control-ui", .path = "payload.snapshot.health.channels.discord*", .reason = CHANNEL },
    { .frame = "event-health", .path = "payload.channels.discord*", .reason = CHANNEL },
    { .frame = "rpc-health*", .path = "payload.channels.discord*", .reason = CHANNEL },
    { .frame = "rpc-status", .path = "payload.sessions.paths", .reason = "all sessions are in one database" },
    { .frame = "rpc-channels.status-probe", .path = "payload.channels.discord.probe", .reason = CHANNEL },
    { .frame = "rpc-channels.status-probe", .path = "payload.channelAccounts.discord[]", .reason = CHANNEL },
    { .frame = "rpc-send-error-2", .path = "error.message", .reason = CHANNEL },
    { .frame = "rpc-config.schema",
      .path = "payload.schema.properties.meta.properties.lastTouchedAt.type",
      .reason = "a number is taken, too" },
    { .frame = "rpc-skills.install-error-1", .path = "payload", .reason = "an error has no payload beside it" },
    { .frame = "rpc-config.schema", .path = "payload.schema.required", .reason = "no part of the file has to be there" },
    { .frame = "rpc-cron.add-error-2", .path = "error.message", .reason = "it tells the time at which it was asked" },
    { .frame = "rpc-cron.runs-ok-1", .path = "payload.entries[].sessionKey", .reason = "made of the ids of this run" },
    { .frame = "event-cron-finished", .path = "payload.sessionKey", .reason = "made of the ids of this run" },
    { .frame = "rpc-last-heartbeat-ok-1", .path = "payload", .reason = "a job for the main session is a turn of its own, no heartbeat" },
    { .frame = "rpc-skills.status", .path = "payload.skills[].source", .reason = SKILLS },
    { .frame = "rpc-skills.status", .path = "payload.skills[].bundled", .reason = SKILLS },
    { .frame = "rpc-node.list-ok-*", .path = "payload.nodes", .reason = NODES },
    { .frame = "rpc-node.*-ok-1", .path = "", .reason = NODES },
    { .frame = "chat-send-exec", .path = "payload.data.meta", .reason = META },
    { .frame = "chat-send-exec", .path = "order", .reason = PARTIAL },
    { .frame = "chat-abort", .path = "order", .reason = ENDS },
    { .frame = "chat-stop-cmd", .path = "order", .reason = ENDS },
    { .frame = "chat-unknown-agent", .path = "", .reason = "an agent that nobody configured is refused" },
    { .frame = "chat-failover", .path = "order", .reason = "the next candidate answers, and no error is told before" },
    { .frame = "chat-failall", .path = "payload.data.error", .reason = FAILURE },
    { .frame = "chat-failall", .path = "payload.errorMessage", .reason = FAILURE },
    { .frame = "chat-failall-history", .path = "payload.messages[]", .reason = "a failed turn leaves no message of its own" },
    { .frame = "agent-rpc", .path = "payload.result.meta.agentMeta.lastCallUsage", .reason = "usage is counted by turn" },
    { .frame = "agent-rpc", .path = "payload.result.meta.agentMeta.promptTokens", .reason = "usage is counted by turn" },
    { .frame = "agent-rpc", .path = "payload.result.meta.systemPromptReport", .reason = "no report is made of the prompt" },
    { .frame = "http-get-health*", .path = "headers", .reason = HEALTH },
    { .frame = "rpc-tts.status", .path = "payload.edgeEnabled", .reason = SPEECH },
    { .frame = "rpc-tts.providers", .path = "payload", .reason = SPEECH },
    { .frame = "rpc-device.pair.remove", .path = "error.message", .reason = "there is this method here" },
    { .frame = "rpc-browser.request-ok-1", .path = "", .reason = "there is no browser control, and OpenClaw's error for that" },
    { .frame = "rpc-wizard.*-ok-1", .path = "", .reason = "there is no guided set-up" },
    { .frame = "rpc-sessions.list-ok-*", .path = "payload.sessions[].displayName", .reason = SURFACES },
    { .frame = "rpc-sessions.list-ok-*", .path = "payload.sessions[].channel", .reason = SURFACES },
    { .frame = "rpc-sessions.list-ok-1", .path = "payload.sessions[].label", .reason = SURFACES },
    { .frame = "rpc-sessions.list-ok-1", .path = "payload.sessions[].thinkingLevel", .reason = SURFACES },
    { .frame = "rpc-sessions.list-ok-1", .path = "payload.sessions[].origin", .reason = SURFACES },
    { .frame = "rpc-sessions.list-ok-1", .path = "payload.sessions[].deliveryContext.to", .reason = SURFACES },
    { .frame = "rpc-sessions.list-ok-1", .path = "payload.sessions[].lastTo", .reason = SURFACES },
    { .frame = "rpc-sessions.usage-ok-1", .path = "payload.sessions[].channel", .reason = SURFACES },
    { .frame = "rpc-sessions.usage-ok-1", .path = "payload.sessions[].origin", .reason = SURFACES },
    { .frame = "rpc-sessions.usage-ok-1", .path = "payload.sessions[].usage.toolUsage", .reason = TOOLS },
    { .frame = "rpc-sessions.patch-ok-*", .path = "payload.entry.skillsSnapshot", .reason = "a session keeps no copy of the skills" },
    { .frame = "rpc-sessions.reset-ok-1", .path = "payload.entry.skillsSnapshot", .reason = "a session keeps no copy of the skills" },
    { .frame = "rpc-chat.history-ok-1", .path = "payload.messages[].isError", .reason = TOOLS },
};

enum { KNOWN_COUNT = sizeof KNOWN / sizeof *KNOWN };

#endif
