/** actors/usage_sums.h -- tokens, cost, messages and times added up: of one session, or of all that an answer names.
 *
 *  In:     turns, days and tools of sessions (store/session_usage.h), prices of the configuration
 *  Out:    JSON in the field order of OpenClaw
 *  Owns:   its sums, until usage_sums_free()     Thread: one at a time
 *  Source: reference gateway-protocol 6.6, frames/rpc-sessions.usage-ok-1.json
 *
 *  OpenClaw's `input` leaves out what came from or went to a cache; the store's is the whole prompt. Prices are those of
 *  models.providers.*.models[].cost, for a million tokens; a turn of a model without one counts as `missingCostEntries`. */
#ifndef ACTORS_USAGE_SUMS_H
#define ACTORS_USAGE_SUMS_H

#include "base/arena.h"
#include "base/chat.h"
#include "base/config.h"
#include "store/session_usage.h"

enum {
    USAGE_GROUPS_MAX = 4096,  /* days, models, tools ... of one sum; what comes later is left out of the lists, not of the totals */
    USAGE_TIMES_MAX = 100000, /* durations of turns of one sum */
    USAGE_DATE_SIZE = 16,     /* bytes of "2026-11-22" and its NUL, with room for any day number */
};

struct usage_totals {
    int64_t input, output, cache_read, cache_write, tokens;
    double input_cost, output_cost, read_cost, write_cost;
    int64_t missing;
};
void usage_totals_add(struct usage_totals *to, const config_t *config, struct str provider, struct str model,
                      const struct chat_usage *used);
void usage_totals_merge(struct usage_totals *to, const struct usage_totals *more);
double usage_totals_cost(const struct usage_totals *totals);
/** Append the fields, without braces: all, or the counts of tokens alone. */
void usage_totals_write(const struct usage_totals *totals, struct buf *out);
void usage_tokens_write(const struct usage_totals *totals, struct buf *out);
void usage_money(struct buf *out, const char *key, double value); /* one member: US dollars */

struct usage_counts { /* entries of transcripts */
    int64_t user, assistant, tool_results, errors;
};
/** Append {total, user, assistant, toolCalls, toolResults, errors}, without braces. Each result had its call. */
void usage_counts_write(const struct usage_counts *counts, struct buf *out);

struct usage_group { /* of a model, a provider, an agent, a channel, a tool, a day, or a model's day */
    int64_t day;
    struct str name; /* provider, agent, channel, tool */
    struct str model;
    int64_t count;
    struct usage_totals totals;
    struct usage_counts counts;
};
struct usage_groups {
    struct usage_group *at; /* in the sum's memory */
    size_t count, capacity;
};

struct usage_time {
    int64_t day, ms;
};

struct usage_sums {
    struct arena memory;
    struct usage_totals totals;
    struct usage_counts counts;
    struct usage_groups days, models, providers, model_days, tools, agents, channels;
    struct usage_time *times; /* owned */
    size_t time_count, time_capacity;
    int64_t first_ms, last_ms; /* of entries; 0: none */
};

void usage_sums_free(struct usage_sums *sums);
void usage_sums_turn(struct usage_sums *sums, const config_t *config, const struct session_turn_row *turn);
void usage_sums_day(struct usage_sums *sums, const struct session_day_row *row);
void usage_sums_tool(struct usage_sums *sums, struct str name, int64_t calls);

/** Find or make a group. @return NULL when there are too many, or memory is out */
struct usage_group *usage_group(struct usage_sums *sums, struct usage_groups *groups, int64_t day, struct str name, struct str model);

/** Append the durations of all turns, or of one day's: {count, avgMs, ...}, without braces. Nothing without any.
 *  @param day  -1 for all  @param p95_first  the order of a session's answer, not of the aggregates'
 *  @return how many there are */
size_t usage_times_write(struct usage_sums *sums, int64_t day, bool p95_first, struct buf *out);

void usage_date(int64_t day, char out[USAGE_DATE_SIZE]); /* "2026-11-22" */
/** @return the day of a date, or -1 */
int64_t usage_day_of(struct str date);

#endif
