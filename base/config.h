/** base/config.h -- the gateway's configuration: OpenClaw's openclaw.json, read, checked, resolved.
 *
 *  In:     a file or text, a lookup of environment variables
 *  Out:    an immutable config_t, or the list of all problems
 *  Owns:   one arena per config_t: every pointer handed out below lives as long as a reference is held
 *  Thread: any. A config_t never changes, so threads share it by pointer; its reference count is atomic,
 *          the one exception to "no atomics outside bus/", because the last holder can be any thread.
 *  Source: OpenClaw 2026.2.17 (reference: gateway-protocol 2.4 and 9, agent-runtime 5-7, discord 4.8)
 *
 *  Every struct str here is NUL-terminated: `.p` serves as a C string; empty means not set. */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include <stdio.h>

#include "base/config_problems.h"
#include "base/env.h"
#include "base/json5.h"

enum {
    CONFIG_AGENTS_MAX = 1000,      /* entries of agents.list */
    CONFIG_PROVIDERS_MAX = 200,    /* entries of models.providers */
    CONFIG_ALIASES_MAX = 1000,     /* entries of agents.defaults.models */
    CONFIG_MODELS_MAX = 32,        /* candidates of one agent */
    CONFIG_INCLUDE_DEPTH_MAX = 10, /* files that include each other (OpenClaw's limit) */
    CONFIG_FILES_MAX = 100,        /* files of one configuration */
    CONFIG_PORT_DEFAULT = 18789,
    CONFIG_MEMORY_MAX = 80 * 1024 * 1024, /* bytes of its values: those of one full file fit, those of two do not */
};

typedef struct config config_t;

/* ---- making one ---- */

/** Read, substitute, check and resolve the file at `path`.
 *  @param env  borrowed for the call; also gives HOME, state directory, keys and base URLs
 *  @param problems  zero-initialised by the caller, freed with config_problems_free(); filled also on success (warnings)
 *  @return 0 and *out with one reference; GW_ENOENT (no such file), GW_EDENIED, GW_EIO, GW_ECONFIG (problems say why), GW_ENOMEM; *out is
 * then NULL */
int config_load(const char *path, const struct env *env, config_t **out, struct config_problems *problems);

/** The same from text. @param name  stands for the file in problems; $include is relative to its folder */
int config_parse(struct str text, const char *name, const struct env *env, config_t **out, struct config_problems *problems);

/** The same for a look at a text that may be wrong: *out is given whenever the text is an object, also when problems->errors
 *  counts some. Such a config_t is to be shown and never to be used.
 *  @return 0, GW_ECONFIG (no object at all), GW_ENOMEM */
int config_inspect(struct str text, const char *name, const struct env *env, config_t **out, struct config_problems *problems);

/** The configuration without a file: all defaults, one agent `main`. */
int config_default(const struct env *env, config_t **out, struct config_problems *problems);

config_t *config_ref(config_t *cfg); /* one more reference; returns cfg */
void config_unref(config_t **cfg_p); /* gives one back and leaves NULL */

/** OPENCLAW_STATE_DIR, else $HOME/.openclaw. A leading "~" is $HOME. @return 0, or GW_ELIMIT when it is over cap bytes */
int config_state_dir(const struct env *env, char *out, size_t cap);

/** OPENCLAW_CONFIG_PATH, else <state dir>/openclaw.json. @return 0 or GW_ELIMIT */
int config_path(const struct env *env, char *out, size_t cap);

struct str config_file(const config_t *cfg);  /* the file's path or name; empty for config_default() */
struct str config_state(const config_t *cfg); /* the state directory */

/** Every file it was made of: the configuration itself first, then what was included. Empty beyond the last. */
size_t config_file_count(const config_t *cfg);
struct str config_file_at(const config_t *cfg, size_t i);

/* ---- any setting by path ---- */

/** The node at a path like `agents.list[2].model.primary` (`agents.list.2` works too); a name that holds a dot, a bracket,
 *  a quote or white space is written `["a.b"]`. The empty path is the root. @return NULL when nothing is set there */
const struct json5_node *config_get(const config_t *cfg, struct str path);

/** The value set at `path`, else the default of base/config.def, else 0, false, "". For paths that config.def lists. */
int64_t config_int(const config_t *cfg, const char *path);
bool config_bool(const config_t *cfg, const char *path);
struct str config_str(const config_t *cfg, const char *path);

/** A duration setting in milliseconds; a bare number counts in `unit` ('l' ms, 's', 'm', 'h', 'd').
 *  @return -1 when it is false (never) or has neither value nor default */
int64_t config_duration(const config_t *cfg, const char *path, char unit);

/** Append the value at `path` as JSON, secrets as "***". @param indent  spaces per level, 0: one line
 *  @return 0, GW_ENOENT when neither a value nor a default is there, or the buffer's error */
int config_print(const config_t *cfg, struct str path, int indent, struct buf *out);

/** All secret values in use, for redaction: from the file and from the environment. At least 4 bytes each: hiding
 *  shorter ones would mangle other words. */
size_t config_secret_count(const config_t *cfg);
struct str config_secret_at(const config_t *cfg, size_t i);

/* ---- agents ---- */

/** A model reference: `openrouter/stepfun/step-3.5-flash:free` is provider `openrouter`, model `stepfun/step-3.5-flash:free`. */
struct model_ref {
    struct str text;     /* the whole */
    struct str provider; /* up to the first '/'; lower case expected; not NUL-terminated */
    struct str model;    /* the rest */
};

/** Cut a reference; all three borrow `text`. @return 0, or GW_EINVAL when provider or model is empty */
int model_ref_parse(struct str text, struct model_ref *out);

/** The reference behind an alias of agents.defaults.models, or of a plain reference. Borrows from cfg or from `text`.
 *  @return 0, or GW_EINVAL when it is neither */
int config_model_resolve(const config_t *cfg, struct str text, struct model_ref *out);

struct config_agent {
    struct str id;   /* [a-z0-9][a-z0-9_-]{0,63} */
    struct str name; /* the id when not set */
    bool is_default;
    struct str workspace;           /* absolute unless the file says otherwise */
    const struct model_ref *models; /* the resolved chain: primary, then fallbacks; at least one */
    size_t model_count;
    const struct model_ref
        *subagent_models; /* for its runs as a sub-agent: subagents.model, the defaults' one, else the chain (DESIGN 9) */
    size_t subagent_model_count;
    bool skills_listed; /* false: all skills; true: only these, maybe none */
    const struct str *skills;
    size_t skill_count;
    bool allow_any;          /* subagents.allowAgents holds "*" */
    const struct str *allow; /* subagents.allowAgents without "*" */
    size_t allow_count;
    struct str identity_name; /* identity.*: empty when not set */
    struct str identity_emoji;
    struct str identity_theme;
    struct str thinking;  /* off, minimal, low, medium, high, xhigh; empty: not set */
    struct str time_zone; /* agents.defaults.userTimezone; empty: the host's */
    int64_t timeout_seconds;
    int64_t context_tokens;        /* 0: the model's */
    const struct json5_node *node; /* its entry of agents.list; NULL for the implied `main` */
};

size_t config_agent_count(const config_t *cfg); /* at least 1 */
const struct config_agent *config_agent_at(const config_t *cfg, size_t i);
const struct config_agent *config_agent_find(const config_t *cfg, struct str id); /* NULL: nobody configured it */
const struct config_agent *config_agent_default(const config_t *cfg);

/** True when `agent` may spawn a sub-agent that runs as `target`: itself always, others by allowAgents. */
bool config_agent_may_spawn(const struct config_agent *agent, struct str target);

struct config_binding {
    struct str agent_id;
    struct str channel;    /* "discord" */
    struct str account_id; /* empty: the default account; "*": any */
    struct str guild_id;
    struct str team_id;
    struct str peer_kind; /* direct, channel, group; "dm" is read as direct */
    struct str peer_id;
    const struct str *roles;
    size_t role_count;
};
size_t config_binding_count(const config_t *cfg);
const struct config_binding *config_binding_at(const config_t *cfg, size_t i);

/* ---- model providers ---- */

struct config_header {
    struct str name;
    struct str value;
};

struct config_model {
    struct str id; /* as the provider names it */
    struct str name;
    struct str api; /* empty: the provider's */
    bool reasoning;
    bool images;            /* input holds "image" */
    int64_t context_window; /* tokens; 0: unknown */
    int64_t max_tokens;     /* tokens of one reply; 0: the provider's default */
};

struct config_provider {
    struct str id;
    struct str api;      /* "openai-completions", "google-generative-ai", "anthropic-messages", "demo", or as configured */
    struct str base_url; /* without a trailing '/'; empty for demo */
    struct str api_key;  /* secret; may be empty */
    const char *key_env; /* the variable that would give a built-in's key; NULL when it needs none or is not built in */
    bool built_in;
    const struct config_header *headers;
    size_t header_count;
    const struct config_model *models;
    size_t model_count;
    int64_t connect_ms;    /* timeouts.*: until the connection stands, */
    int64_t first_byte_ms; /* until the first byte of an answer, */
    int64_t silence_ms;    /* longest pause inside an answer, */
    int64_t total_ms;      /* a whole answer */
};

/** A configured or built-in provider (openrouter, google, anthropic, openai, ollama, demo); NULL when it is neither. */
const struct config_provider *config_provider_find(const config_t *cfg, struct str id);

/** The providers in use: configured ones and those that a model chain names. */
size_t config_provider_count(const config_t *cfg);
const struct config_provider *config_provider_at(const config_t *cfg, size_t i);

/** What config says about one model of a provider; NULL when it says nothing. */
const struct config_model *config_provider_model(const struct config_provider *provider, struct str model);

/* ---- gateway and limits ---- */

enum config_auth { CONFIG_AUTH_NONE, CONFIG_AUTH_TOKEN, CONFIG_AUTH_PASSWORD, CONFIG_AUTH_TRUSTED_PROXY };
enum config_bind { CONFIG_BIND_LOOPBACK, CONFIG_BIND_LAN, CONFIG_BIND_TAILNET, CONFIG_BIND_AUTO, CONFIG_BIND_CUSTOM };

struct config_gateway {
    uint16_t port; /* OPENCLAW_GATEWAY_PORT, else gateway.port, else 18789 (OpenClaw's order) */
    enum config_bind bind;
    struct str bind_host; /* the address for CONFIG_BIND_CUSTOM */
    enum config_auth auth;
    struct str token;      /* secret; config wins over OPENCLAW_GATEWAY_TOKEN */
    struct str password;   /* secret; config wins over OPENCLAW_GATEWAY_PASSWORD */
    bool chat_completions; /* POST /v1/chat/completions */
    int64_t chat_body_max; /* bytes of its requests */
    bool responses;        /* POST /v1/responses */
    bool control_ui;
    struct str control_ui_base; /* "" or "/openclaw": no trailing '/' */
    const struct str *allowed_origins;
    size_t allowed_origin_count;
    const struct str *trusted_proxies; /* addresses and CIDR ranges, as text */
    size_t trusted_proxy_count;
    struct str proxy_user_header;     /* auth trusted-proxy: the header in which the proxy names the user */
    const struct str *proxy_required; /* headers that must be there too */
    size_t proxy_required_count;
    const struct str *proxy_users; /* who may enter; none listed: everyone */
    size_t proxy_user_count;
    int64_t rate_max_attempts; /* failed logins of one address ... */
    int64_t rate_window_ms;    /* ... within this time ... */
    int64_t rate_lockout_ms;   /* ... lock it out for this long */
    bool rate_exempt_loopback;
    bool tls;
    struct str tls_cert; /* PEM files */
    struct str tls_key;
};
const struct config_gateway *config_gateway(const config_t *cfg);

/** The names of gateway.bind and gateway.auth.mode. @return 0 or GW_EINVAL; for command line flags */
int config_bind_parse(struct str text, enum config_bind *out);
int config_auth_parse(struct str text, enum config_auth *out);
const char *config_bind_name(enum config_bind bind);
const char *config_auth_name(enum config_auth auth);

enum config_queue { CONFIG_QUEUE_COLLECT, CONFIG_QUEUE_FOLLOWUP, CONFIG_QUEUE_STEER, CONFIG_QUEUE_STEER_BACKLOG, CONFIG_QUEUE_INTERRUPT };
enum config_drop { CONFIG_DROP_SUMMARIZE, CONFIG_DROP_OLD, CONFIG_DROP_NEW };

struct config_limits {
    int64_t main_concurrent;          /* lane `main`: agents.defaults.maxConcurrent */
    int64_t subagent_concurrent;      /* lane `subagent` */
    int64_t cron_concurrent;          /* lane `cron` */
    int64_t max_spawn_depth;          /* 1..5 */
    int64_t max_children;             /* per agent session, 1..20 */
    int64_t archive_after_minutes;    /* 0: never */
    int64_t subagent_timeout_seconds; /* 0: none */
    int64_t turn_timeout_seconds;
    enum config_queue queue_mode;
    int64_t queue_debounce_ms;
    int64_t queue_cap;
    enum config_drop queue_drop;
    int64_t ping_pong_turns; /* session.agentToAgent.maxPingPongTurns */
    bool agent_to_agent;
    const struct str *agent_to_agent_allow; /* ids or "*" */
    size_t agent_to_agent_allow_count;
    int64_t bootstrap_max_chars;
    int64_t bootstrap_total_max_chars;
};
const struct config_limits *config_limits(const config_t *cfg);

#endif
