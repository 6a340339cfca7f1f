#include "providers/demo.h"

#include <assert.h>
#include <stdlib.h>

#include "base/err.h"
#include "providers/classify.h"
#include "providers/openai.h"
#include "providers/wire.h"

enum {
    SLOW_WORDS = 20, /* defaults of /demo slow */
    SLOW_MS = 100,
    WORD_MAX = 16,    /* bytes of "word 10000 " */
    ECHO_MAX = 16384, /* bytes of a message or result that are said back */
    BYTES_PER_TOKEN = 4,
};

static const char *const help = "[demo] No model is configured; this is a script. Commands: /demo slow [words] [ms], "
                                "/demo fail <status> [retry-after seconds], /demo tool <name> <json>, /demo text <bytes>, /demo think.";

/* Room for all steps and texts at once: what is put into storage stays where it is, so steps can borrow it. */
static int begin(struct demo_script *s, size_t steps, size_t bytes)
{
    s->steps = calloc(steps + 1, sizeof *s->steps); /* and the end */
    return s->steps && buf_reserve(&s->storage, bytes + 1) ? 0 : GW_ENOMEM;
}

static struct str put(struct demo_script *s, struct str text)
{
    size_t at = s->storage.n;
    assert(s->storage.cap - at >= text.n);
    buf_add(&s->storage, text);
    return (struct str){ s->storage.p + at, text.n };
}

static struct demo_step *add(struct demo_script *s, enum demo_kind kind, struct str text)
{
    struct demo_step *step = &s->steps[s->count++];
    *step = (struct demo_step){ .kind = kind, .text = text, .retry_after_ms = -1 };
    if (kind != DEMO_FAIL) s->usage.output += (int64_t)text.n;
    return step;
}

/* One word of a command, or the default when it is missing or out of range. */
static int64_t number(struct str *args, int64_t fallback, int64_t max)
{
    int64_t value;
    struct str word = str_split(args, ' ');
    return str_to_int(word, &value) == 0 && value >= 0 && value <= max ? value : fallback;
}

static int say(struct demo_script *s, const char *before, struct str text)
{
    text = str_utf8_prefix(text, ECHO_MAX);
    size_t n = strlen(before);
    if (begin(s, 2, n + text.n) != 0) return GW_ENOMEM;
    struct str whole = put(s, str_of(before));
    put(s, text);
    whole.n += text.n;
    struct str head = str_utf8_prefix(whole, n < 7 ? whole.n : 7); /* two pieces, so that a stream is seen to stream */
    if (head.n > 0) add(s, DEMO_TEXT, head);
    if (head.n < whole.n) add(s, DEMO_TEXT, (struct str){ whole.p + head.n, whole.n - head.n });
    return 0;
}

static int slow(struct demo_script *s, struct str args)
{
    int64_t words = number(&args, SLOW_WORDS, DEMO_WORDS_MAX), ms = number(&args, SLOW_MS, DEMO_DELAY_MAX_MS);
    if (begin(s, (size_t)words, (size_t)words * WORD_MAX) != 0) return GW_ENOMEM;
    for (int64_t i = 1; i <= words; i++) {
        char word[WORD_MAX + 1];
        int n = snprintf(word, sizeof word, i < words ? "word %d " : "word %d", (int)i);
        add(s, DEMO_TEXT, put(s, (struct str){ word, (size_t)n }))->delay_ms = ms;
    }
    return 0;
}

static int fail_with(struct demo_script *s, struct str args)
{
    int64_t status = number(&args, 500, 599), wait = number(&args, -1, CLASSIFY_RETRY_MAX_S);
    if (begin(s, 1, 64) != 0) return GW_ENOMEM;
    struct demo_step *step = add(s, DEMO_FAIL, put(s, STR("the demo provider was told to fail")));
    step->http_status = status >= 300 ? (int)status : 500;
    step->retry_after_ms = wait >= 0 ? wait * 1000 : -1;
    return 0;
}

static int tool(struct demo_script *s, struct str args)
{
    struct str name = str_split(&args, ' '), json = str_trim(args);
    if (name.n == 0) return say(s, help, STR(""));
    if (begin(s, 1, name.n + json.n) != 0) return GW_ENOMEM;
    struct str kept = put(s, name);
    add(s, DEMO_TOOL_CALL, put(s, json))->name = kept;
    return 0;
}

static int fill(struct demo_script *s, struct str args)
{
    static const char line[] = "The quick brown fox jumps over the lazy dog, says the demo.\n";
    size_t left = (size_t)number(&args, 1000, DEMO_TEXT_MAX);
    if (begin(s, left / DEMO_CHUNK + 1, DEMO_CHUNK) != 0) return GW_ENOMEM;
    struct str block = put(s, STR(""));
    while (block.n < DEMO_CHUNK) {
        size_t room = DEMO_CHUNK - block.n, n = room < sizeof line - 1 ? room : sizeof line - 1;
        put(s, (struct str){ line, n });
        block.n += n;
    }
    for (; left > 0; left -= left < DEMO_CHUNK ? left : DEMO_CHUNK)
        add(s, DEMO_TEXT, (struct str){ block.p, left < DEMO_CHUNK ? left : DEMO_CHUNK });
    return 0;
}

static int think(struct demo_script *s)
{
    if (begin(s, 2, 128) != 0) return GW_ENOMEM;
    add(s, DEMO_THINKING, put(s, STR("The demo pretends to think.")));
    add(s, DEMO_TEXT, put(s, STR("[demo] That was a thought, and this is the answer.")));
    return 0;
}

static int command(struct demo_script *s, struct str args)
{
    struct str verb = str_split(&args, ' ');
    if (str_is(verb, "slow")) return slow(s, args);
    if (str_is(verb, "fail")) return fail_with(s, args);
    if (str_is(verb, "tool")) return tool(s, args);
    if (str_is(verb, "text")) return fill(s, args);
    if (str_is(verb, "think")) return think(s);
    return say(s, help, STR(""));
}

static struct str last_text(const struct chat_message *m)
{
    for (size_t i = m->part_count; i-- > 0;)
        if (m->parts[i].kind == CHAT_TEXT && m->parts[i].text.n > 0) return m->parts[i].text;
    return (struct str){ NULL, 0 };
}

/* What the person typed: without the block of metadata and the time stamp that the gateway puts in front
 * (reference: agent-runtime 2). */
static struct str typed(struct str text)
{
    ptrdiff_t fence = str_find(text, STR("\n```\n\n"));
    if (str_starts(text, STR("Conversation info")) && fence >= 0) text = (struct str){ text.p + fence + 6, text.n - (size_t)fence - 6 };
    ptrdiff_t stamp = str_find(text, STR("] "));
    if (str_starts(text, STR("[")) && stamp >= 0 && stamp < 64) text = (struct str){ text.p + stamp + 2, text.n - (size_t)stamp - 2 };
    return str_trim(text);
}

static int write_script(const struct model_request *request, struct demo_script *s)
{
    const struct chat_message *last = request->message_count ? &request->messages[request->message_count - 1] : NULL;
    if (last && last->role == CHAT_TOOL_RESULT) return say(s, "[demo] The tool said: ", last_text(last));
    struct str text = last && last->role == CHAT_USER ? typed(last_text(last)) : STR("");
    if (str_is(text, "/demo")) return say(s, help, STR(""));
    if (str_starts(text, STR("/demo "))) return command(s, str_trim((struct str){ text.p + 6, text.n - 6 }));
    return say(s, "[demo] No model is configured. You said: ", text);
}

int demo_script(const struct model_request *request, struct demo_script *out)
{
    *out = (struct demo_script){ 0 };
    out->usage.input = (int64_t)request->system.n;
    for (size_t i = 0; i < request->message_count; i++)
        for (size_t k = 0; k < request->messages[i].part_count; k++) out->usage.input += (int64_t)request->messages[i].parts[k].text.n;
    int rc = write_script(request, out);
    if (rc != 0) {
        demo_script_free(out);
        return rc;
    }
    out->usage.input /= BYTES_PER_TOKEN;
    out->usage.output /= BYTES_PER_TOKEN;
    add(out, DEMO_END, STR(""));
    return 0;
}

void demo_script_free(struct demo_script *script)
{
    free(script->steps);
    buf_free(&script->storage);
    *script = (struct demo_script){ 0 };
}

/* The steps travel as chunks of the chat completions dialect, so that a demo turn takes the path of a real one. */
static void write_chunk(struct buf *b, const struct demo_script *script, const struct demo_step *step)
{
    buf_text(b, "data: {\"choices\":[{\"index\":0,\"delta\":{");
    switch (step->kind) {
    case DEMO_TEXT: buf_json_pair_str(b, "content", step->text); break;
    case DEMO_THINKING: buf_json_pair_str(b, "reasoning", step->text); break;
    case DEMO_TOOL_CALL:
        buf_text(b, "\"tool_calls\":[{\"index\":0,\"function\":{");
        buf_json_pair_str(b, "name", step->name);
        buf_json_pair_str(b, "arguments", step->text);
        buf_text(b, "}}]");
        break;
    case DEMO_FAIL:
    case DEMO_END: break;
    }
    buf_text(b, "}");
    if (step->kind != DEMO_END) {
        buf_text(b, "}]}\n\n");
        return;
    }
    buf_text(b, ",\"finish_reason\":\"stop\"}],\"usage\":{");
    buf_json_pair_int(b, "prompt_tokens", script->usage.input);
    buf_json_pair_int(b, "completion_tokens", script->usage.output);
    buf_text(b, "}}\n\ndata: [DONE]\n\n");
}

static int feed_failure(model_stream_t *stream, const struct demo_step *step, struct buf *b)
{
    if (step->retry_after_ms >= 0) buf_int(b, (step->retry_after_ms + 999) / 1000);
    model_stream_head(stream, step->http_status, STR("application/json"), buf_str(b), 0);
    buf_clear(b);
    buf_text(b, "{\"error\":{");
    buf_json_pair_str(b, "message", step->text);
    buf_text(b, "}}");
    return b->err ? b->err : model_stream_feed(stream, buf_str(b));
}

int demo_feed(model_stream_t *stream, const struct demo_script *script, const struct demo_step *step)
{
    struct buf b = { 0 };
    int rc;
    if (step->kind == DEMO_FAIL) {
        rc = feed_failure(stream, step, &b);
    } else if (step->kind == DEMO_END && script->count > 1 && script->steps[script->count - 2].kind == DEMO_FAIL) {
        rc = 0; /* the failure was the answer */
    } else {
        model_stream_head(stream, 200, STR("text/event-stream"), STR(""), 0);
        write_chunk(&b, script, step);
        rc = b.err ? b.err : model_stream_feed(stream, buf_str(&b));
    }
    buf_free(&b);
    return rc;
}

static int no_request(const struct provider_endpoint *endpoint, const struct model_request *request, struct http_request *out)
{
    (void)endpoint;
    (void)request;
    (void)out;
    return GW_EINVAL; /* nothing is sent: the host plays demo_script() */
}

const struct provider provider_demo = {
    .api = "demo",
    .request = no_request,
    .event = openai_event,
    .failure = classify_failure,
};
