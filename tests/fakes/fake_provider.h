/** tests/fakes/fake_provider.h -- what the fake model providers share: the program, its scripting, its statistics.
 *
 *  Each dialect (fake_openai.c, fake_gemini.c) is one program: `fake_x --port 0 --key K` prints `port N`.
 *
 *  POST /__control {"next":[B...], "models":{"name":B}, "when":{"words":B}, "default":B, "clear":true} sets how requests are
 *  answered: the first of `next`, else the model's own, else the first of `when` whose words stand in the last message (OpenAI's
 *  dialect), else the default (an echo). "clear" forgets all of it and the statistics first.
 *  GET /__stats: requests, active, max_active, completed, cut (the client left early), violations, tls_hellos, reasons[],
 *  users[] (the last user text of each request, in order of arrival) and bodies[] ({head, target, body}).
 *
 *  A behaviour B is an object; what it does not name takes its default:
 *    text, echo (the last user text), huge (that many bytes), reasoning, tool_calls [{id, name, arguments{}}]
 *    deltas (pieces of the text), delay_ms (before each), first_ms (before anything), comments + comment_ms (keep-alive lines)
 *    finish ("stop", "length", ...), usage {input, output, cached, reasoning}, crlf
 *    status + body (text or JSON) + headers {name: value}; quota (a 400 that means no credit); message (of an error)
 *    json_error (a 200 whose body is an error), error_after (n deltas, then an error event)
 *    reset "start"|"headers"|n, hang "start"|"headers"|n, truncate n (n: after that many deltas); garbage (no HTTP at all)
 *    times (use it so often; -1: for ever) */
#ifndef TESTS_FAKES_FAKE_PROVIDER_H
#define TESTS_FAKES_FAKE_PROVIDER_H

#include <jansson.h>

#include "fakes/fake_http.h"

struct fake_ask {
    bool stream;
    char model[200];
    char *user; /* the last user text; owned by the program */
    int64_t number;
};

struct fake_usage {
    int64_t input, output, cached, reasoning; /* tokens */
};

struct fake_call {
    const char *id, *name;
    const char *arguments; /* the text of a JSON object */
};

struct fake_answer { /* of a request that was not streamed */
    struct str text, reasoning;
    const struct fake_call *calls;
    size_t call_count;
    const char *finish;
    struct fake_usage usage;
};

struct play; /* one answer being prepared: fake_play.h */

struct fake_dialect {
    const char *name;
    bool crlf;           /* SSE lines end in CRLF */
    const char *opening; /* comment sent before the first event, or NULL */
    /** Is this a request that the real server would take? Fills `ask` (ask->user with malloc).
     *  @return 200, or the status to refuse it with, and why in `reason` */
    int (*check)(const struct fake_request *r, const char *key, struct fake_ask *ask, struct buf *reason);
    void (*text)(struct play *p, const struct fake_ask *ask, struct str piece);
    void (*reasoning)(struct play *p, const struct fake_ask *ask, struct str piece);
    void (*call)(struct play *p, const struct fake_ask *ask, size_t index, const struct fake_call *call);
    void (*finish)(struct play *p, const struct fake_ask *ask, const char *reason, const struct fake_usage *usage);
    void (*error_event)(struct play *p, const struct fake_ask *ask, const char *message);
    void (*whole)(const struct fake_ask *ask, const struct fake_answer *answer, struct buf *body);
    void (*error_body)(int status, bool quota, const char *message, struct buf *body);
};

int fake_main(int argc, char **argv, const struct fake_dialect *dialect);

/** A UTF-8 prefix-safe printf into `reason` that returns `status`: `return fake_refuse(reason, 400, "...", ...)`. */
int fake_refuse(struct buf *reason, int status, const char *format, ...) __attribute__((format(printf, 3, 4)));

/** True when `word` is one of `list`, which ends with NULL. */
bool fake_in_list(const char *word, const char *const *list);

/** A string member of an object; NULL when absent or of another type. Borrowed. */
const char *fake_text_at(const json_t *object, const char *key);

#endif
