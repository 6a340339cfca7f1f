#include "actors/turn_loops.h"

#include <stdio.h>

#include "base/log.h"

/* FNV-1a, 64 bits: tells calls apart; whoever forges a collision is refused earlier, no more. */
static uint64_t hash(uint64_t h, struct str s)
{
    for (size_t i = 0; i < s.n; i++) h = (h ^ (unsigned char)s.p[i]) * 1099511628211u;
    return (h ^ 0xff) * 1099511628211u; /* ends a part */
}

static uint64_t hash_call(const struct chat_part *part)
{
    return hash(hash(14695981039346656037u, part->name), part->text);
}

static int setting(const struct turn *t, const char *name)
{
    char path[96];
    snprintf(path, sizeof path, "tools.loopDetection.%s", name);
    return (int)config_int(t->s->config, path);
}

static bool detects(const struct turn *t, const char *name)
{
    char path[96];
    snprintf(path, sizeof path, "tools.loopDetection.detectors.%s", name);
    return config_bool(t->s->config, path);
}

static const struct turn_past *past(const struct turn *t, int back)
{
    return &t->past[(t->past_count - 1 - back) % TURN_PAST_MAX];
}

/* Calls like this one whose results were all alike, counted back from the newest. */
static int repeats(const struct turn *t, uint64_t call)
{
    int kept = t->past_count < TURN_PAST_MAX ? t->past_count : TURN_PAST_MAX, history = setting(t, "historySize"), found = 0;
    uint64_t result = 0;
    for (int i = 0; i < kept && i < history; i++) {
        const struct turn_past *p = past(t, i);
        if (p->call != call) continue;
        if (found && p->result != result) break;
        result = p->result;
        found++;
    }
    return found;
}

/* Which of OpenClaw's detectors this repeat is a matter of. */
static bool counts(const struct turn *t, const struct chat_part *part, uint64_t call)
{
    if (!config_bool(t->s->config, "tools.loopDetection.enabled")) return false;
    if (str_is(part->name, "process")) return detects(t, "knownPollNoProgress");
    bool in_turn = t->past_count >= 2 && past(t, 0)->call != call && past(t, 1)->call == call;
    return detects(t, in_turn ? "pingPong" : "genericRepeat");
}

int turn_loops_check(struct turn *t, const struct chat_part *part, struct tool_call *call)
{
    uint64_t h = hash_call(part);
    int n = counts(t, part, h) ? repeats(t, h) : 0;
    if (n && n + t->refused >= setting(t, "globalCircuitBreakerThreshold")) {
        turn_fail(t, FAILURE_server,
                  "The agent repeated the same tool call without getting anywhere and was stopped "
                  "(tools.loopDetection.globalCircuitBreakerThreshold).");
        log_event(LOG_WARN, "tool_loop_stopped", LOG_T("session", t->s->key), LOG_S("tool", str_utf8_prefix(part->name, 64)));
        return GW_ELIMIT;
    }
    if (n == 0 || n < setting(t, "criticalThreshold")) return 0;
    t->refused++;
    return tool_fail(call, "Refused: this call was made %d times with the same result. Do something else, or say what keeps you.", n);
}

void turn_loops_note(struct turn *t, const struct chat_part *part, struct buf *result)
{
    uint64_t call = hash_call(part), before = hash(0, buf_str(result));
    t->past[t->past_count % TURN_PAST_MAX] = (struct turn_past){ call, before };
    t->past_count++;
    int n = counts(t, part, call) ? repeats(t, call) : 0;
    if (n >= setting(t, "warningThreshold"))
        buf_printf(result, "\n\n[openclaw] This call gave the same result %d times. It will be refused when it goes on like this.", n);
}
