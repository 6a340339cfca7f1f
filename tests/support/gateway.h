/** tests/support/gateway.h -- the real gateway and its fake providers, started for one test.
 *
 *  Owns:   a temporary state directory, the gateway's process and the two fakes' processes
 *  Thread: the one that started it
 *  Paths of the programs come from the build (GW_OPENCLAW, GW_FAKE_OPENAI, GW_FAKE_GEMINI). */
#ifndef TESTS_SUPPORT_GATEWAY_H
#define TESTS_SUPPORT_GATEWAY_H

#include <jansson.h>

#include "support/http_client.h"
#include "support/proc.h"

#define KIT_TOKEN "gateway-token-of-the-tests"
#define KIT_OPENROUTER_KEY "sk-or-test-key"
#define KIT_GEMINI_KEY "AIza-test-key"
#define KIT_OPENROUTER_MODEL "openrouter/stepfun/step-3.5-flash:free"
#define KIT_GEMINI_MODEL "google/gemini-2.5-pro"

enum {
    KIT_START_MS = 20000, /* until /readyz: sanitizers are slow, and the machine is shared */
    KIT_TURN_MS = 30000,  /* for one turn */
};

/** A fake provider: tests/fakes/fake_provider.h tells what it understands. */
struct fake {
    proc_t *proc;
    int port;
};

int fake_start(const char *program, const char *key, struct fake *out); /* 0 or GW_E* */
void fake_stop(struct fake *f);

/** Send control JSON (printf style). @return the HTTP status; 400 means that the behaviours are wrong */
int fake_control(const struct fake *f, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** The statistics; the caller json_decref()s. NULL when the fake does not answer. */
json_t *fake_stats(const struct fake *f);

/** One number of the statistics; -1 when there is none. */
int64_t fake_count(const struct fake *f, const char *name);

/** Wait until a number of the statistics is at least `least`. @return 0 or GW_ETIMEOUT */
int fake_wait(const struct fake *f, const char *name, int64_t least, int timeout_ms);

struct kit_options {
    const char *config_path;    /* NULL: config_text, or the homelab config */
    const char *config_text;    /* written to the state directory's parent */
    const char *openrouter_url; /* NULL: the fake's; "%d" in it becomes the fake's port */
    const char *const *env;     /* further NAME=value, ends with NULL */
    bool no_start;              /* the fakes and folders only */
};

struct kit {
    char dir[64];     /* temporary, removed by kit_stop */
    char state[96];   /* OPENCLAW_STATE_DIR */
    char config[256]; /* OPENCLAW_CONFIG_PATH */
    int port;         /* the gateway's; another one after each start */
    proc_t *gateway;
    struct fake openrouter, gemini;
    struct kit_options options;
};

/** Start the fakes and the gateway, and wait until /readyz is content. Fails the test with the gateway's output when that does not come. */
void kit_start(struct kit *k, const struct kit_options *options);

/** Start the gateway again with the same state directory (after it has ended). */
void kit_restart(struct kit *k);

/** Stop everything and remove the folders. Fails the test when the gateway ended by a signal or with a sanitizer's report. */
void kit_stop(struct kit *k);

/** A chat completion for `user` (NULL: none); agent NULL: the default one. Extra is further JSON members, beginning with a comma.
 *  @return the JSON text, owned by the caller (free) */
char *kit_chat_body(const char *agent, const char *user, const char *text, const char *extra);

/** Ask and wait for the answer. @return http_call's code */
int kit_chat(const struct kit *k, const char *user, const char *text, struct http_reply *out);

/** The reply's text: choices[0].message.content; "" when there is none. The caller frees. */
char *kit_content(const struct http_reply *r);

/** error.message of a reply; "" when there is none. The caller frees. */
char *kit_error(const struct http_reply *r);

/** The last message of the newest request that the first provider was sent, as JSON text; "" when there is none. The caller frees. */
char *kit_told(const struct kit *k);

/** First column of the first row of a query on the state database, as a number; -1 when there is no row, no table or no file. */
int64_t kit_sql(const struct kit *k, const char *sql);

#endif
