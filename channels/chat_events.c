#include "channels/chat_events.h"

#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define SILENT "NO_REPLY"

static void begin_chat(struct buf *out, const struct chat_run *run, const char *state)
{
    buf_char(out, '{');
    buf_json_pair_str(out, "runId", run->run_id);
    buf_json_pair_str(out, "sessionKey", run->session_key);
    buf_json_pair_int(out, "seq", run->seq);
    buf_json_pair_str(out, "state", str_of(state));
}

static void begin_message(struct buf *out, struct str text, int64_t now_ms)
{
    buf_json_key(out, "message");
    buf_text(out, "{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":");
    buf_json_str(out, text);
    buf_printf(out, "}],\"timestamp\":%lld", (long long)now_ms);
}

void chat_event_write(struct buf *out, const struct chat_run *run, const char *state, struct str text, const char *stop_reason)
{
    begin_chat(out, run, state);
    if (stop_reason) buf_json_pair_str(out, "stopReason", str_of(stop_reason));
    if (text.n) {
        begin_message(out, text, run->now_ms);
        buf_char(out, '}');
    }
    buf_char(out, '}');
}

void chat_event_write_error(struct buf *out, const struct chat_run *run, struct str message)
{
    begin_chat(out, run, "error");
    buf_json_pair_str(out, "errorMessage", message);
    buf_char(out, '}');
}

void chat_event_write_injected(struct buf *out, const struct chat_run *run, struct str text)
{
    begin_chat(out, run, "final");
    begin_message(out, text, run->now_ms);
    buf_text(out, ",\"stopReason\":\"stop\",\"usage\":{\"input\":0,\"output\":0,\"cacheRead\":0,\"cacheWrite\":0,\"totalTokens\":0,"
                  "\"cost\":{\"input\":0,\"output\":0,\"cacheRead\":0,\"cacheWrite\":0,\"total\":0}},"
                  "\"api\":\"openai-responses\",\"provider\":\"openclaw\",\"model\":\"gateway-injected\"}}");
}

static void begin_agent(struct buf *out, const struct chat_run *run, const char *stream)
{
    buf_char(out, '{');
    buf_json_pair_str(out, "runId", run->run_id);
    buf_json_pair_str(out, "stream", str_of(stream));
    buf_json_key(out, "data");
    buf_char(out, '{');
}

static void end_agent(struct buf *out, const struct chat_run *run)
{
    buf_char(out, '}');
    buf_json_pair_str(out, "sessionKey", run->session_key);
    buf_json_pair_int(out, "seq", run->seq);
    buf_json_pair_int(out, "ts", run->now_ms);
    buf_char(out, '}');
}

void agent_event_write_start(struct buf *out, const struct chat_run *run, int64_t started_ms)
{
    begin_agent(out, run, "lifecycle");
    buf_json_pair_str(out, "phase", STR("start"));
    buf_json_pair_int(out, "startedAt", started_ms);
    end_agent(out, run);
}

void agent_event_write_end(struct buf *out, const struct chat_run *run, bool aborted)
{
    begin_agent(out, run, "lifecycle");
    buf_json_pair_str(out, "phase", STR("end"));
    buf_json_pair_int(out, "endedAt", run->now_ms);
    if (aborted) buf_json_pair_bool(out, "aborted", true);
    end_agent(out, run);
}

void agent_event_write_error(struct buf *out, const struct chat_run *run, struct str message)
{
    begin_agent(out, run, "lifecycle");
    buf_json_pair_str(out, "phase", STR("error"));
    buf_json_pair_str(out, "error", message);
    buf_json_pair_int(out, "endedAt", run->now_ms);
    end_agent(out, run);
}

/* What a model sent as arguments may be no JSON object: clients then get an empty one. */
static void write_args(struct str args, struct buf *out)
{
    json_t *read = json_loadb(args.p ? args.p : "", args.n, 0, NULL);
    char *text = json_is_object(read) ? json_dumps(read, JSON_COMPACT) : NULL;
    buf_json_key(out, "args");
    buf_text(out, text ? text : "{}");
    free(text);
    json_decref(read);
}

void agent_event_write_tool(struct buf *out, const struct chat_run *run, const struct chat_tool_event *tool)
{
    begin_agent(out, run, "tool");
    buf_json_pair_str(out, "phase", str_of(tool->phase));
    buf_json_pair_str(out, "name", tool->name);
    buf_json_pair_str(out, "toolCallId", tool->call);
    if (strcmp(tool->phase, "start") == 0) write_args(tool->args, out);
    if (strcmp(tool->phase, "result") == 0) buf_json_pair_bool(out, "isError", tool->failed);
    end_agent(out, run);
}

void agent_event_write_text(struct buf *out, const struct chat_run *run, struct str text, struct str delta)
{
    begin_agent(out, run, "assistant");
    buf_json_pair_str(out, "text", text);
    buf_json_pair_str(out, "delta", delta);
    end_agent(out, run);
}

void chat_status_write(struct buf *out, struct str run_id, const char *status, struct str summary)
{
    buf_char(out, '{');
    buf_json_pair_str(out, "runId", run_id);
    buf_json_pair_str(out, "status", str_of(status));
    if (summary.n) buf_json_pair_str(out, "summary", summary);
    buf_char(out, '}');
}

struct str chat_text_shown(struct str text)
{
    while (text.n && isspace((unsigned char)text.p[text.n - 1])) text.n--;
    return text;
}

bool chat_text_silent(struct str text)
{
    return str_is(str_trim(text), SILENT);
}

bool chat_text_stops(struct str text)
{
    static const char *const words[] = { "/stop", "stop", "esc", "abort", "wait", "exit", "interrupt" };
    struct str word = str_trim(text);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_ieq(word, str_of(words[i]))) return true;
    return false;
}

bool chat_text_resets(struct str text, struct str trigger, struct str *rest)
{
    text = str_trim(text);
    if (trigger.n == 0 || text.n < trigger.n || !str_ieq((struct str){ text.p, trigger.n }, trigger)) return false;
    *rest = (struct str){ text.p + trigger.n, text.n - trigger.n };
    if (rest->n && !strchr(" \t\r\n", rest->p[0])) return false;
    *rest = str_trim(*rest);
    return true;
}

int chat_text_clean(struct str text, struct buf *into)
{
    if (text.n && memchr(text.p, '\0', text.n)) return GW_EINVAL;
    size_t from = 0;
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if ((c >= 0x20 && c != 0x7f) || c == '\t' || c == '\n' || c == '\r') continue;
        buf_add(into, (struct str){ text.p + from, i - from });
        from = i + 1;
    }
    buf_add(into, (struct str){ text.p + from, text.n - from });
    return into->err;
}
