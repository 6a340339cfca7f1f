#include "actors/announce.h"

#include "store/turns.h"

bool announce_is_silent(struct str answer)
{
    answer = str_trim(answer);
    return str_is(answer, "ANNOUNCE_SKIP") || str_is(answer, "NO_REPLY");
}

void announce_write_runtime(int64_t ms, struct buf *out)
{
    long long s = (long long)(ms + 500) / 1000;
    if (ms < 0)
        buf_text(out, "n/a");
    else if (s < 60)
        buf_printf(out, "%llds", s);
    else if (s < 3600)
        buf_printf(out, "%lldm%llds", s / 60, s % 60);
    else
        buf_printf(out, "%lldh%lldm", s / 3600, s / 60 % 60);
}

/* 950, 1.2k, 3.4m */
static void write_count(int64_t n, struct buf *out)
{
    if (n < 1000)
        buf_int(out, n);
    else if (n < 1000000)
        buf_printf(out, "%.1fk", (double)n / 1000);
    else
        buf_printf(out, "%.1fm", (double)n / 1000000);
}

static void write_status(const struct spawn_row *row, struct buf *out)
{
    switch (row->turn_state) {
    case TURN_DONE: buf_text(out, "completed successfully"); break;
    case TURN_ABORTED: buf_text(out, "was killed"); break;
    case TURN_FAILED:
        if (str_is(row->reason, "timeout"))
            buf_text(out, "timed out");
        else
            buf_printf(out, "failed: %.*s", STR_ARG(row->error.n ? row->error : STR("unknown error")));
        break;
    default: buf_text(out, "finished with unknown status");
    }
}

static void write_stats(const struct spawn_row *row, struct buf *out)
{
    int64_t spoken = row->input_tokens + row->output_tokens;
    buf_text(out, "Stats: runtime ");
    announce_write_runtime(row->started_ms && row->ended_ms >= row->started_ms ? row->ended_ms - row->started_ms : -1, out);
    buf_text(out, " • tokens ");
    write_count(spoken, out);
    buf_text(out, " (in ");
    write_count(row->input_tokens, out);
    buf_text(out, " / out ");
    write_count(row->output_tokens, out);
    buf_char(out, ')');
    if (row->total_tokens <= spoken) return;
    buf_text(out, " • prompt/cache ");
    write_count(row->total_tokens, out);
}

void announce_write(const struct spawn_row *row, struct str findings, struct buf *out)
{
    findings = str_trim(findings);
    buf_printf(out, "[System Message] [sessionId: %.*s] A subagent task \"%.*s\" just ", STR_ARG(row->uuid),
               STR_ARG(row->label.n ? row->label : row->task));
    write_status(row, out);
    buf_text(out, ".\n\nResult:\n");
    buf_add(out, findings.n ? findings : STR("(no output)"));
    buf_text(out, "\n\n");
    write_stats(row, out);
    buf_text(out,
             row->parent_depth > 0
                 ? "\n\nYou are a subagent yourself. Work this result into your own task, and answer with what your requester should know "
                   "now. When it changes nothing, answer exactly NO_REPLY."
                 : "\n\nTell the user what this means for them, in your own voice and as briefly as it allows. Do not repeat this "
                   "message, and keep session ids, statistics and other internals to yourself. When the user knows it already, answer "
                   "exactly NO_REPLY.");
}

/* --- the start ------------------------------------------------------------------------------------------------------ */

void announce_write_task(const struct announce_child *c, struct buf *out)
{
    buf_printf(out,
               "[Subagent Context] You are running as a subagent (depth %lld/%lld). Results auto-announce to your requester; do not "
               "busy-poll for status.\n\n[Subagent Task]: %.*s",
               (long long)c->depth, (long long)c->depth_max, STR_ARG(c->task));
}

void announce_write_system(const struct announce_child *c, struct buf *out)
{
    buf_printf(out,
               "# Subagent Context\n"
               "You are a subagent: another session started you for one task.\n"
               "## Your Role\n"
               "- Your task: %.*s\n"
               "- Finish it; that is what you are for. You are not the agent that people talk to.\n"
               "## Rules\n"
               "1. Stay with the task. What is not part of it, leave alone.\n"
               "2. Your last answer is reported to your requester by itself. Do not send it anywhere.\n"
               "3. Start no timers, heartbeats or work of your own accord.\n"
               "4. When you cannot go on, say what is missing and stop.\n"
               "## Output Format\n"
               "Answer with what you found or did, and what your requester has to know to go on. No preamble.\n"
               "## What You DON'T Do\n"
               "- No talk with users, no messages to channels unless the task says so.\n"
               "- No pretending: what you did not do or check, you say so.\n"
               "## Sub-Agent Spawning\n%s\n"
               "## Session Context\n",
               STR_ARG(c->task),
               c->depth < c->depth_max ? "You may start subagents of your own with sessions_spawn. Their results come to you as messages."
                                       : "You are a leaf: you cannot start subagents.");
    if (c->label.n) buf_printf(out, "- Label: %.*s\n", STR_ARG(c->label));
    buf_printf(out, "- Requester session: %.*s\n", STR_ARG(c->requester));
    if (c->channel.n) buf_printf(out, "- Requester channel: %.*s\n", STR_ARG(c->channel));
    buf_printf(out, "- Your session: %.*s", STR_ARG(c->key));
}
