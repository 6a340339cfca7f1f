/** providers/demo.h -- the provider that is no model: scripted answers for newcomers, tests and benches.
 *
 *  In:     struct model_request: its last message decides (commands: docs/demo.md)
 *  Out:    a list of steps that the host plays, each after its delay, into a model stream
 *  Owns:   the script's storage
 *  Thread: any; pure, the same request gives the same script
 *
 *  The host makes a stream with provider_find("demo"), waits step->delay_ms before each step, gives it to demo_feed(),
 *  and calls model_stream_finish(stream, FAILURE_none, …) after the last. */
#ifndef PROVIDERS_DEMO_H
#define PROVIDERS_DEMO_H

#include "providers/provider.h"

enum {
    DEMO_STEPS_MAX = 16384,
    DEMO_WORDS_MAX = 10000,           /* /demo slow */
    DEMO_DELAY_MAX_MS = 60 * 1000,    /* of one step */
    DEMO_TEXT_MAX = 20 * 1024 * 1024, /* bytes of /demo text: beyond PROVIDER_REPLY_MAX, so that the bound can be tried */
    DEMO_CHUNK = 4096,                /* bytes of text in one step */
};

enum demo_kind { DEMO_TEXT, DEMO_THINKING, DEMO_TOOL_CALL, DEMO_FAIL, DEMO_END };

struct demo_step {
    int64_t delay_ms; /* to wait before this step */
    enum demo_kind kind;
    struct str text;        /* text, thinking; tool call: arguments; fail: what it says */
    struct str name;        /* tool call: the tool */
    int http_status;        /* fail */
    int64_t retry_after_ms; /* fail; -1: not said */
};

/* Zero-initialise; free with demo_script_free(). Steps borrow from storage. */
struct demo_script {
    struct demo_step *steps;
    size_t count;
    struct chat_usage usage; /* bytes / 4: made up, but the same each time */
    struct buf storage;
};

/** @return 0 or GW_ENOMEM; *out is empty on failure */
int demo_script(const struct model_request *request, struct demo_script *out);
void demo_script_free(struct demo_script *script);

/** Play one step into a stream of provider_find("demo"). Returns as model_stream_feed(). */
int demo_feed(model_stream_t *stream, const struct demo_script *script, const struct demo_step *step);

#endif
