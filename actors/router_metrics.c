#include "actors/router_metrics.h"

#include <string.h>

#define OTHER STR("other")

static struct metrics_channel *channel_of(struct router_metrics *m, struct str name)
{
    for (size_t i = 0; i < METRICS_CHANNELS; i++) {
        struct metrics_channel *c = &m->channels[i];
        bool last = i == METRICS_CHANNELS - 1;
        if (c->name[0] && !last && !str_is(name, c->name)) continue;
        if (!c->name[0]) str_copy(c->name, sizeof c->name, last || name.n >= METRICS_NAME ? OTHER : name);
        return c;
    }
    return NULL;
}

static void count(struct metrics_count *list, size_t room, struct str name, struct str end)
{
    for (size_t i = 0; i < room; i++) {
        struct metrics_count *c = &list[i];
        bool last = i == room - 1;
        if (c->name[0] && !last && !(str_is(name, c->name) && str_is(end, c->end))) continue;
        if (!c->name[0]) {
            str_copy(c->name, sizeof c->name, last || name.n >= METRICS_NAME ? OTHER : name);
            str_copy(c->end, sizeof c->end, last || end.n >= METRICS_NAME ? OTHER : end);
        }
        c->count++;
        return;
    }
}

void metrics_turn_ended(struct router_metrics *m, const struct past_turn *turn)
{
    const struct course *c = &turn->course;
    struct metrics_channel *channel = channel_of(m, turn->channel && turn->channel[0] ? str_of(turn->channel) : OTHER);
    m->ended++;
    if (channel && turn->outcome < 4) channel->outcomes[turn->outcome]++;
    prometheus_observe(&m->message_ms, c->finished_ms);
    if (c->granted_ms >= 0) {
        prometheus_observe(&m->run_ms, c->finished_ms - c->granted_ms);
        if (turn->lane >= 0 && turn->lane < LANE_COUNT) prometheus_observe(&m->wait_ms[turn->lane], c->granted_ms);
    }
    if (c->first_ms >= 0 && c->prompt_ms >= 0) prometheus_observe(&m->first_byte_ms, c->first_ms - c->prompt_ms);
    m->input_tokens += c->input_tokens > 0 ? (uint64_t)c->input_tokens : 0;
    m->output_tokens += c->output_tokens > 0 ? (uint64_t)c->output_tokens : 0;
    for (size_t i = 0; i < c->try_count; i++) {
        struct str ref = str_of(c->tries[i].ref), provider = str_split(&ref, '/');
        count(m->attempts, METRICS_ATTEMPTS, provider, str_of(c->tries[i].failure ? failure_name(c->tries[i].failure) : "ok"));
    }
}

void metrics_refused(struct router_metrics *m, struct str reason)
{
    count(m->refusals, METRICS_REFUSALS, reason, STR("-"));
}

static void write_turns(const struct router_metrics *m, size_t in_hand, struct buf *out)
{
    prometheus_family(out, "openclaw_message_queued_total", "counter", "Messages taken since the start.");
    prometheus_int(out, "openclaw_message_queued_total", NULL, 0, (int64_t)(m->ended + in_hand));
    prometheus_family(out, "openclaw_message_processed_total", "counter", "Turns that ended, by channel and outcome.");
    for (size_t i = 0; i < METRICS_CHANNELS && m->channels[i].name[0]; i++)
        for (size_t k = 0; k < 4; k++) {
            const struct prometheus_label labels[] = { { "channel", str_of(m->channels[i].name) },
                                                       { "outcome", str_of(course_outcome((enum turn_outcome)k)) } };
            if (m->channels[i].outcomes[k])
                prometheus_int(out, "openclaw_message_processed_total", labels, 2, (int64_t)m->channels[i].outcomes[k]);
        }
    prometheus_family(out, "openclaw_message_refused_total", "counter", "Messages that were not taken, by reason.");
    for (size_t i = 0; i < METRICS_REFUSALS && m->refusals[i].name[0]; i++) {
        const struct prometheus_label reason = { "reason", str_of(m->refusals[i].name) };
        prometheus_int(out, "openclaw_message_refused_total", &reason, 1, (int64_t)m->refusals[i].count);
    }
}

static void write_times(const struct router_metrics *m, struct buf *out)
{
    prometheus_family(out, "openclaw_message_duration_ms", "histogram", "From a message's acceptance to its turn's end.");
    prometheus_histogram(out, "openclaw_message_duration_ms", NULL, 0, &m->message_ms);
    prometheus_family(out, "openclaw_run_duration_ms", "histogram", "From a turn's permit to its end.");
    prometheus_histogram(out, "openclaw_run_duration_ms", NULL, 0, &m->run_ms);
    prometheus_family(out, "openclaw_queue_wait_ms", "histogram", "How long turns waited for their permit, by lane.");
    for (size_t i = 0; i < LANE_COUNT; i++) {
        const struct prometheus_label lane = { "lane", str_of(policy_lane_name((enum policy_lane)i)) };
        prometheus_histogram(out, "openclaw_queue_wait_ms", &lane, 1, &m->wait_ms[i]);
    }
    prometheus_family(out, "openclaw_model_first_byte_ms", "histogram", "From a turn's first request to a model to its first text.");
    prometheus_histogram(out, "openclaw_model_first_byte_ms", NULL, 0, &m->first_byte_ms);
}

void metrics_write(const struct router_metrics *m, size_t in_hand, struct buf *out)
{
    const struct prometheus_label input = { "type", STR("input") }, output = { "type", STR("output") };
    write_turns(m, in_hand, out);
    write_times(m, out);
    prometheus_family(out, "openclaw_tokens_total", "counter", "Tokens of turns that ended.");
    prometheus_int(out, "openclaw_tokens_total", &input, 1, (int64_t)m->input_tokens);
    prometheus_int(out, "openclaw_tokens_total", &output, 1, (int64_t)m->output_tokens);
    prometheus_family(out, "openclaw_cost_usd_total", "counter", "US dollars paid to models, by the prices of the configuration.");
    prometheus_real(out, "openclaw_cost_usd_total", NULL, 0, (double)m->paid_micros / 1e6);
    prometheus_family(out, "openclaw_model_attempts_total", "counter", "Requests to model providers, by how they ended.");
    for (size_t i = 0; i < METRICS_ATTEMPTS && m->attempts[i].name[0]; i++) {
        const struct prometheus_label labels[] = { { "provider", str_of(m->attempts[i].name) }, { "result", str_of(m->attempts[i].end) } };
        prometheus_int(out, "openclaw_model_attempts_total", labels, 2, (int64_t)m->attempts[i].count);
    }
}
