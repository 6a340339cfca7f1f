/** cli/report.h -- lines that several commands print: channels, sessions, models.
 *
 *  Thread: the main one */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "base/config.h"
#include "cli/json_print.h"
#include "cli/text.h"

/** A line for each channel of a `health` payload: "Discord: failed (unknown) - fetch failed". */
void report_health_channels(const json_t *health);

/** The lines of a `channels.status` payload: "- Discord default: enabled, configured, stopped, ...". */
void report_channel_accounts(const json_t *status);

/** Append a label for a channel without a gateway to ask: "discord" becomes "Discord". */
void report_channel_label(struct buf *out, struct str id);

/** Append the age of a wall-clock time; "-" for 0. */
void report_age(struct buf *out, int64_t then_ms, int64_t now_ms);

/** Append tokens as OpenClaw does: 950 is "0.9k", 128000 is "128k". */
void report_tokens(struct buf *out, int64_t tokens);

/** Append the flags of a session row: "think:low system id:...". */
void report_session_flags(struct buf *out, const json_t *session);

/** Append "0.2k/128k (0%)". */
void report_session_tokens(struct buf *out, const json_t *session);

/** Print each of the strings with a bullet under a heading; nothing when there is none. */
void report_list(const char *heading, const json_t *strings);

#endif
