/* actors/router_config.c -- a new configuration while everything runs: limits, providers, who else is to take it. */
#include <stdlib.h>
#include <utlist.h>

#include "actors/reload.h"
#include "actors/router_internal.h"
#include "base/config_shared.h"
#include "base/log.h"

static enum policy_drop drop_of(enum config_drop drop)
{
    return drop == CONFIG_DROP_NEW ? POLICY_DROP_NEW : drop == CONFIG_DROP_OLD ? POLICY_DROP_OLD : POLICY_DROP_SUMMARIZE;
}

struct policy_limits router_limits(const config_t *config)
{
    const struct config_limits *c = config_limits(config);
    struct policy_limits limits = policy_limits_default();
    limits.lane_cap[LANE_MAIN] = (int)c->main_concurrent;
    limits.lane_cap[LANE_SUBAGENT] = (int)c->subagent_concurrent;
    limits.lane_cap[LANE_CRON] = (int)c->cron_concurrent;
    limits.queue_cap = (int)c->queue_cap;
    limits.queue_drop = drop_of(c->queue_drop);
    limits.spawn_depth_max = (int)c->max_spawn_depth;
    limits.children_max = (int)c->max_children;
    router_read_budgets(config, &limits);
    return limits;
}

void router_config_begin(struct router *r)
{
    config_shared_set(r->config);
    config_shared_set_restart(STR(""));
    if (r->options->config_note) config_shared_set_note(str_of(r->options->config_note));
    config_t *mine = config_shared_get(&r->config_generation);
    config_unref(&mine);
    r->booted = config_ref(r->config);
}

int router_start_reload(struct router *r, struct child *c, struct buf *why)
{
    (void)why;
    struct reload_options *options = calloc(1, sizeof *options);
    if (!options) return GW_ENOMEM;
    options->env = r->options->env;
    options->verbose = r->options->verbose;
    options->path = str_dup(str_of(r->options->config_path));
    options->state_dir = str_dup(str_of(r->options->state_dir));
    int rc = options->path && options->state_dir ? actor_spawn(r->bus, c->name, 0, reload_actor, options, &c->actor) : GW_ENOMEM;
    if (rc) reload_options_free(options);
    return rc;
}

/* --- what only a restart changes -------------------------------------------------------------------------------- */

static bool same_at(const config_t *a, const config_t *b, const char *path)
{
    struct buf x = { 0 }, y = { 0 };
    config_print(a, str_of(path), 0, &x); /* not set: nothing is printed */
    config_print(b, str_of(path), 0, &y);
    bool same = str_eq(buf_str(&x), buf_str(&y));
    buf_free(&x);
    buf_free(&y);
    return same;
}

static void tell_restart(const struct router *r)
{
    static const char *const fixed[] = { "gateway.port", "gateway.bind",           "gateway.customBindHost",
                                         "gateway.tls",  "gateway.store.fullSync", "diagnostics.otel" };
    struct buf paths = { 0 };
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        if (same_at(r->booted, r->config, fixed[i])) continue;
        if (paths.n) buf_char(&paths, '\n');
        buf_text(&paths, fixed[i]);
        log_event(LOG_WARN, "setting_needs_restart", LOG_T("setting", fixed[i]));
    }
    config_shared_set_restart(buf_str(&paths));
    buf_free(&paths);
}

/* --- providers -------------------------------------------------------------------------------------------------- */

static bool is_used(const config_t *config, struct str id)
{
    for (size_t i = 0; i < config_provider_count(config); i++)
        if (str_eq(config_provider_at(config, i)->id, id)) return true;
    return false;
}

static void set_retiring(struct router *r, struct child *c, bool retiring)
{
    if (c->retiring == retiring || c->told_to_end) return;
    c->retiring = retiring;
    r->retiring += retiring ? 1 : -1;
}

static bool same_header(const struct config_header *a, const struct config_header *b)
{
    return str_eq(a->name, b->name) && str_eq(a->value, b->value);
}

/* Whether requests reach the same place with the same credentials. */
static bool same_access(const struct config_provider *a, const struct config_provider *b)
{
    if (!str_eq(a->base_url, b->base_url) || !str_eq(a->api_key, b->api_key) || a->header_count != b->header_count) return false;
    for (size_t i = 0; i < a->header_count; i++)
        if (!same_header(&a->headers[i], &b->headers[i])) return false;
    return true;
}

/* Another key or address: what the old one was refused for says nothing about it. Under way, a request will tell itself. */
static void forget_cooldown(struct router *r, struct child *c)
{
    struct policy_provider_info info;
    struct msg m = { .kind = MSG_store_cooldown };
    struct buf id = { 0 };
    if (policy_provider_info(r->policy, c->provider, &info) || info.errors == 0) return;
    buf_add(&id, c->provider_id);
    if (id.err == 0 && policy_provider_remove(r->policy, c->provider) == 0) {
        policy_provider_add(r->policy, buf_str(&id), &c->provider); /* a place is free: it fits */
        policy_provider_info(r->policy, c->provider, &info);
        c->provider_id = info.name;
        m.store_cooldown.provider = str_utf8_prefix(buf_str(&id), 64);
        router_send(r, "store", &m, NULL);
        const struct policy_event down = { .kind = POLICY_PROVIDER_DOWN, .provider = c->provider };
        if (!c->ready) router_step(r, &down);
    }
    buf_free(&id);
}

static void update_provider(struct router *r, struct child *c, const config_t *before)
{
    const struct config_provider *now = config_provider_find(r->config, c->provider_id);
    const struct config_provider *then = config_provider_find(before, c->provider_id);
    bool keep = now && is_used(r->config, c->provider_id) && str_is(now->api, "demo") == c->demo;
    set_retiring(r, c, !keep);
    if (keep && then && !same_access(now, then)) forget_cooldown(r, c);
}

/* No request has it as a candidate. Pointers into the list of children are void from here on. */
static void drop(struct router *r, struct child *c)
{
    policy_provider_remove(r->policy, c->provider);
    r->retiring -= c->retiring;
    r->child_count--;
    memmove(c, c + 1, (r->child_count - (size_t)(c - r->children)) * sizeof *c);
}

static void start_provider(struct router *r, const struct config_provider *provider)
{
    struct buf why = { 0 };
    size_t count = r->child_count;
    int rc = router_provider_add(r, provider);
    struct child *c = r->child_count > count ? &r->children[count] : NULL;
    if (rc == 0 && c) {
        const struct policy_event down = { .kind = POLICY_PROVIDER_DOWN, .provider = c->provider };
        router_step(r, &down); /* until it has said hello */
        rc = router_child_start(r, c, &why);
        if (rc) drop(r, c);
    }
    if (rc) log_event(LOG_ERROR, "provider_not_started", LOG_S("provider", provider->id), LOG_T("code", err_name(rc)));
    buf_free(&why);
}

static bool has_child(const struct router *r, struct str id)
{
    for (size_t i = 0; i < r->child_count; i++)
        if (r->children[i].kind == CHILD_PROVIDER && str_eq(r->children[i].provider_id, id)) return true;
    return false;
}

static void start_channels(struct router *r)
{
    size_t before = r->child_count;
    struct buf why = { 0 };
    int rc = router_add_channels(r);
    for (size_t i = before; i < r->child_count && rc == 0; i++) rc = router_child_start(r, &r->children[i], &why);
    if (rc) log_event(LOG_ERROR, "channel_not_started", LOG_T("code", err_name(rc)), LOG_S("reason", buf_str(&why)));
    buf_free(&why);
}

static void start_missing(struct router *r)
{
    if (r->options->gateway) start_channels(r);
    for (size_t i = 0; i < config_provider_count(r->config); i++) {
        const struct config_provider *p = config_provider_at(r->config, i);
        if (!has_child(r, p->id)) start_provider(r, p);
    }
}

static bool is_candidate(const struct router *r, int provider)
{
    for (const struct request_entry *e = r->requests; e; e = e->hh.next)
        for (size_t i = 0; i < e->count; i++)
            if (e->candidates[i].provider == provider) return true;
    return false;
}

void router_config_settle(struct router *r)
{
    static const struct msg stop = { .kind = MSG_actor_stop };
    if (r->retiring == 0 || r->phase == PHASE_STOPPING) return;
    for (size_t i = r->child_count; i > 0; i--) {
        struct child *c = &r->children[i - 1];
        if (!c->retiring || c->told_to_end || is_candidate(r, c->provider)) continue;
        if (c->actor && !c->ready) continue; /* it does not hear yet */
        if (!c->actor) {
            router_child_retired(r, c); /* it had died before */
            return;                     /* the list has moved */
        }
        c->told_to_end = router_send(r, c->name, &stop, NULL) == 0;
    }
}

void router_child_retired(struct router *r, struct child *c)
{
    log_event(LOG_INFO, "provider_ended", LOG_T("name", c->name));
    drop(r, c);
    start_missing(r); /* it may be wanted again */
}

/* --- taking it -------------------------------------------------------------------------------------------------- */

static void tell_children(struct router *r)
{
    struct msg m = { .kind = MSG_config_changed };
    m.config_changed.generation = r->config_generation;
    for (size_t i = 0; i < r->child_count; i++) {
        const struct child *c = &r->children[i];
        bool takes = c->kind != CHILD_RELOAD && c->kind != CHILD_WEB && c->kind != CHILD_TRACES && !(c->kind == CHILD_PROVIDER && c->demo);
        if (takes && c->ready && !c->retiring) router_send(r, c->name, &m, NULL);
    }
}

/* Sessions look themselves, before each turn: what runs is not disturbed. */
void router_on_config_changed(struct router *r)
{
    config_t *before = config_ref(r->config);
    if (r->phase == PHASE_STOPPING || !config_shared_take(&r->options->config, &r->config_generation)) {
        config_unref(&before);
        return;
    }
    r->config = r->options->config;
    const struct policy_limits limits = router_limits(r->config);
    const struct policy_event event = { .kind = POLICY_CONFIG, .limits = &limits };
    tell_restart(r);
    router_step(r, &event);
    for (size_t i = 0; i < r->child_count; i++)
        if (r->children[i].kind == CHILD_PROVIDER) update_provider(r, &r->children[i], before);
    config_unref(&before);
    start_missing(r);
    tell_children(r);
    log_event(LOG_INFO, "config_taken", LOG_I("generation", r->config_generation), LOG_I("providers_ending", r->retiring));
}
