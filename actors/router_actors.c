/* actors/router_actors.c -- starting, supervising and ending the actors. */
#include <stdio.h>
#include <stdlib.h>

#include "actors/channel.h"
#include "actors/cron.h"
#include "actors/exec.h"
#include "actors/gateway.h"
#include "actors/model.h"
#include "actors/query.h"
#include "actors/relay.h"
#include "actors/router_internal.h"
#include "actors/session.h"
#include "actors/store.h"
#include "actors/traces.h"
#include "actors/web.h"
#include "base/clock.h"
#include "base/log.h"
#include "channels/channel.h"

enum { AWAIT_HEALTH_MS = 200 };

void router_worker_name(int worker, char out[MSG_NAME_MAX + 1])
{
    snprintf(out, MSG_NAME_MAX + 1, "session.%d", worker);
}

int router_worker_of(const char *name)
{
    int64_t index;
    struct str s = str_of(name);
    if (!str_starts(s, STR("session."))) return -1;
    return str_to_int((struct str){ s.p + 8, s.n - 8 }, &index) == 0 && index >= 0 && index < POLICY_WORKERS_MAX ? (int)index : -1;
}

static void child_died(struct router *r, struct child *c, int code);

struct child *router_child(struct router *r, const char *name)
{
    for (size_t i = 0; i < r->child_count; i++)
        if (strcmp(r->children[i].name, name) == 0) return &r->children[i];
    return NULL;
}

/* --- starting --------------------------------------------------------------------------------------------------- */

static int start_store(struct router *r, struct child *c, struct buf *why)
{
    const struct store_options open = { .now_ms = clock_wall_ms(), .full_sync = config_bool(r->config, "gateway.store.fullSync") };
    struct store_actor_options *options = calloc(1, sizeof *options);
    if (!options) return GW_ENOMEM;
    int rc = store_open(str_of(r->options->state_dir), &open, &options->store, why);
    options->config = config_ref(r->config);
    if (rc == 0 && why->n) options->notice = str_dup(str_utf8_prefix(buf_str(why), 1024));
    if (rc == 0) rc = actor_spawn(r->bus, c->name, STORE_QUEUE, store_actor, options, &c->actor);
    if (rc == 0) return 0;
    store_close(&options->store);
    config_unref(&options->config);
    free(options->notice);
    free(options);
    return rc;
}

static int start_provider(struct router *r, struct child *c)
{
    struct model_options *options = calloc(1, sizeof *options);
    const struct config_provider *provider = config_provider_find(r->config, c->provider_id);
    if (!options || !provider) {
        free(options);
        return provider ? GW_ENOMEM : GW_ENOENT;
    }
    options->config = config_ref(r->config);
    str_copy(options->provider, sizeof options->provider, c->provider_id); /* the mailbox name holds it: it fits */
    c->demo = str_is(provider->api, "demo");
    int rc = actor_spawn(r->bus, c->name, MODEL_QUEUE, c->demo ? demo_actor : model_actor, options, &c->actor);
    if (rc) {
        config_unref(&options->config);
        free(options);
    }
    return rc;
}

static int start_query(struct router *r, struct child *c)
{
    struct query_options *options = calloc(1, sizeof *options);
    if (!options) return GW_ENOMEM;
    options->config = config_ref(r->config);
    options->state_dir = str_dup(str_of(r->options->state_dir));
    int rc = options->state_dir ? actor_spawn(r->bus, c->name, QUERY_QUEUE, query_actor, options, &c->actor) : GW_ENOMEM;
    if (rc) {
        config_unref(&options->config);
        free(options->state_dir);
        free(options);
    }
    return rc;
}

static int start_exec(struct router *r, struct child *c)
{
    struct exec_options *options = calloc(1, sizeof *options);
    if (!options) return GW_ENOMEM;
    options->config = config_ref(r->config);
    int rc = actor_spawn(r->bus, c->name, EXEC_QUEUE, exec_actor, options, &c->actor);
    if (rc) {
        config_unref(&options->config);
        free(options);
    }
    return rc;
}

static int start_traces(struct router *r, struct child *c)
{
    struct traces_options *options = calloc(1, sizeof *options);
    if (!options) return GW_ENOMEM;
    options->config = config_ref(r->booted); /* what has changed since waits for a restart */
    options->env = r->options->env;
    int rc = actor_spawn(r->bus, c->name, TRACES_QUEUE, traces_actor, options, &c->actor);
    if (rc) {
        config_unref(&options->config);
        free(options);
    }
    return rc;
}

static int start_channel(struct router *r, struct child *c)
{
    struct channel_actor_options *options = calloc(1, sizeof *options);
    struct str name = str_of(c->name), id = { name.p + 8, name.n - 8 }; /* behind "channel." */
    if (!options) return GW_ENOMEM;
    options->config = config_ref(r->config);
    options->env = r->options->env;
    options->traced = r->traced;
    str_copy(options->id, sizeof options->id, id);
    int rc = actor_spawn(r->bus, c->name, CHANNEL_QUEUE, channel_actor, options, &c->actor);
    if (rc) {
        config_unref(&options->config);
        free(options);
    }
    return rc;
}

static int start_cron(struct router *r, struct child *c)
{
    struct cron_actor_options *options = calloc(1, sizeof *options);
    if (!options) return GW_ENOMEM;
    options->config = config_ref(r->config);
    options->state_dir = str_dup(str_of(r->options->state_dir));
    int rc = options->state_dir ? actor_spawn(r->bus, c->name, CRON_QUEUE, cron_actor, options, &c->actor) : GW_ENOMEM;
    if (rc) {
        config_unref(&options->config);
        free(options->state_dir);
        free(options);
    }
    return rc;
}

static int start_gateway(struct router *r, struct child *c)
{
    struct gateway_options *options = calloc(1, sizeof *options);
    if (!options) return GW_ENOMEM;
    options->config = config_ref(r->config);
    options->await_health_ms = AWAIT_HEALTH_MS;
    options->port = r->port ? r->port : r->options->port;
    str_copy(options->bind_host, sizeof options->bind_host, str_of(r->options->bind_host));
    if (r->options->token) options->token = str_dup(str_of(r->options->token));
    if (r->options->config_note) options->config_note = str_dup(str_of(r->options->config_note));
    int rc = actor_spawn(r->bus, c->name, STORE_QUEUE, gateway_actor, options, &c->actor);
    if (rc) {
        config_unref(&options->config);
        free(options->token);
        free(options->config_note);
        free(options);
    }
    return rc;
}

int router_child_start(struct router *r, struct child *c, struct buf *why)
{
    c->ready = false;
    switch (c->kind) {
    case CHILD_STORE: return start_store(r, c, why);
    case CHILD_PROVIDER: return start_provider(r, c);
    case CHILD_QUERY: return start_query(r, c);
    case CHILD_RELOAD: return router_start_reload(r, c, why);
    case CHILD_WEB: return actor_spawn(r->bus, c->name, WEB_QUEUE, web_actor, NULL, &c->actor);
    case CHILD_EXEC: return start_exec(r, c);
    case CHILD_CHANNEL: return start_channel(r, c);
    case CHILD_CRON: return start_cron(r, c);
    case CHILD_TRACES: return start_traces(r, c);
    case CHILD_RELAY: return actor_spawn(r->bus, c->name, RELAY_QUEUE, relay_actor, NULL, &c->actor);
    default: return start_gateway(r, c);
    }
}

struct child *router_child_add(struct router *r, enum child_kind kind, const char *name)
{
    struct child *grown = realloc(r->children, (r->child_count + 1) * sizeof *grown);
    if (!grown) return NULL;
    r->children = grown;
    struct child *c = &r->children[r->child_count++];
    *c = (struct child){ .kind = kind, .restart_ms = -1 };
    str_copy(c->name, sizeof c->name, str_of(name));
    return c;
}

int router_provider_add(struct router *r, const struct config_provider *provider)
{
    char name[MSG_NAME_MAX + 1];
    int n = snprintf(name, sizeof name, "provider.%.*s", STR_ARG(provider->id));
    if (n < 0 || (size_t)n >= sizeof name) {
        log_event(LOG_ERROR, "provider_not_started", LOG_S("provider", provider->id), LOG_T("reason", "its id is too long"));
        return 0;
    }
    int index, rc = policy_provider_add(r->policy, provider->id, &index);
    struct child *c = rc ? NULL : router_child_add(r, CHILD_PROVIDER, name);
    if (!c) return rc ? rc : GW_ENOMEM;
    struct policy_provider_info info;
    policy_provider_info(r->policy, index, &info);
    c->provider = index;
    c->provider_id = info.name;
    return 0;
}

/* Somebody has something for a channel that the configuration does not ask for by itself. */
void router_on_channel_want(struct router *r, const struct msg *in)
{
    char name[MSG_NAME_MAX + 1];
    struct str id = in->channel_want.channel;
    struct buf why = { 0 };
    snprintf(name, sizeof name, "channel.%.*s", STR_ARG(id));
    if (r->phase == PHASE_STOPPING || !channel_find(id) || router_child(r, name)) return;
    struct child *c = router_child_add(r, CHILD_CHANNEL, name);
    if (c && router_child_start(r, c, &why) != 0) child_died(r, c, GW_ESYS);
    buf_free(&why);
}

/* The networks that the configuration wants. */
int router_add_channels(struct router *r)
{
    for (const struct channel *const *c = channels_all(); *c; c++) {
        char name[MSG_NAME_MAX + 1];
        snprintf(name, sizeof name, "channel.%s", (*c)->id);
        if (router_child(r, name) || !(*c)->wanted(r->config, &r->options->env)) continue;
        if (!router_child_add(r, CHILD_CHANNEL, name)) return GW_ENOMEM;
    }
    return 0;
}

/* Start the store, the providers, the query actor and the relay; the gateway follows once they run and the store has told what was
 * left unfinished. */
int router_start_children(struct router *r)
{
    size_t providers = config_provider_count(r->config);
    struct buf why = { 0 };
    struct child *store = router_child_add(r, CHILD_STORE, "store");
    int rc = store ? router_child_start(r, store, &why) : GW_ENOMEM;
    for (size_t i = 0; i < providers && rc == 0; i++) rc = router_provider_add(r, config_provider_at(r->config, i));
    if (rc == 0 && !router_child_add(r, CHILD_QUERY, "query")) rc = GW_ENOMEM;
    if (rc == 0 && !router_child_add(r, CHILD_RELAY, "relay")) rc = GW_ENOMEM;
    if (rc == 0 && !router_child_add(r, CHILD_EXEC, "exec")) rc = GW_ENOMEM;
    if (rc == 0 && !router_child_add(r, CHILD_WEB, "web")) rc = GW_ENOMEM;
    r->traced = traces_wanted(r->config);
    if (rc == 0 && r->traced && !router_child_add(r, CHILD_TRACES, TRACES_NAME)) rc = GW_ENOMEM;
    if (rc == 0 && r->options->gateway && !router_child_add(r, CHILD_CRON, "cron")) rc = GW_ENOMEM;
    if (rc == 0 && r->options->gateway) rc = router_add_channels(r);
    if (rc == 0 && r->options->config_path && !router_child_add(r, CHILD_RELOAD, "reload")) rc = GW_ENOMEM;
    for (size_t i = 1; i < r->child_count && rc == 0; i++) rc = router_child_start(r, &r->children[i], &why);
    if (rc) router_fail(r, rc, why.n ? buf_cstr(&why) : err_text(rc));
    buf_free(&why);
    return 0; /* a failure is told to main by the loop's orderly stop */
}

static void provider_event(struct router *r, const struct child *c, enum policy_event_kind kind)
{
    const struct policy_event event = { .kind = kind, .provider = c->provider };
    if (c->kind == CHILD_PROVIDER) router_step(r, &event);
}

static bool all_ready(const struct router *r)
{
    for (size_t i = 0; i < r->child_count; i++)
        if (!r->children[i].ready && r->children[i].kind != CHILD_CHANNEL) return false; /* the outbox waits for those */
    return true;
}

void router_on_hello(struct router *r, const struct msg *in)
{
    int worker = router_worker_of(in->from);
    if (worker >= 0) {
        const struct policy_event event = { .kind = POLICY_WORKER_READY, .worker = worker };
        router_step(r, &event);
        return;
    }
    if (str_is(str_of(in->from), ROUTER_MAIN)) router_tell_fault(r);
    struct child *c = router_child(r, in->from);
    if (!c) return;
    c->ready = true;
    provider_event(r, c, POLICY_PROVIDER_UP);
    router_release_requests(r);
    if (c->kind == CHILD_STORE && r->recovered) router_store_back(r);
    if (r->recovered || !all_ready(r)) return; /* an unfinished turn runs at once: whom it asks must be there */
    struct msg recover = { .kind = MSG_store_recover, .corr = 1 };
    router_send(r, "store", &recover, NULL);
}

/* Last, when everything behind it runs: who reaches the gateway is served. */
void router_start_gateway(struct router *r)
{
    struct buf none = { 0 };
    if (!r->options->gateway || router_child(r, "gateway")) return;
    struct child *c = router_child_add(r, CHILD_GATEWAY, "gateway");
    int rc = c ? router_child_start(r, c, &none) : GW_ENOMEM;
    if (rc) router_fail(r, rc, "the gateway's thread could not be started");
}

/* --- supervision ------------------------------------------------------------------------------------------------ */

static void worker_ended(struct router *r, int worker, int code)
{
    if ((size_t)worker >= r->worker_slots || !r->workers[worker]) return;
    actor_join(&r->workers[worker]);
    if (code) log_event(LOG_ERROR, "actor_died", LOG_I("worker", worker), LOG_T("code", err_name(code)));
    if (r->phase == PHASE_STOPPING) return; /* all of them end, and nothing runs any more */
    const struct policy_event event = { .kind = code ? POLICY_WORKER_FAILED : POLICY_WORKER_GONE, .worker = worker };
    router_step(r, &event);
}

static void child_died(struct router *r, struct child *c, int code)
{
    int64_t delay;
    provider_event(r, c, POLICY_PROVIDER_DOWN);
    if (r->phase == PHASE_STARTING && c->kind != CHILD_CHANNEL) {
        router_fail(r, code ? code : GW_ESYS,
                    c->kind == CHILD_GATEWAY ? "the gateway could not listen; see the log for its reason" : c->name);
        return;
    }
    if (supervise_died(&c->supervise, clock_mono_ms(), &delay)) {
        c->restart_ms = clock_mono_ms() + delay;
        log_event(LOG_ERROR, "actor_died", LOG_T("name", c->name), LOG_T("code", err_name(code)), LOG_I("restart_in_ms", delay));
        return;
    }
    c->given_up = true;
    log_event(LOG_ERROR, "actor_given_up", LOG_T("name", c->name), LOG_T("code", err_name(code)));
    bool needed = c->kind == CHILD_STORE || c->kind == CHILD_GATEWAY; /* nothing works without it */
    if (needed) router_fail(r, code ? code : GW_ESYS, c->name);
}

void router_on_ended(struct router *r, const struct msg *in)
{
    int worker = router_worker_of(in->from);
    int code = (int)in->actor_ended.code;
    if (worker >= 0) {
        worker_ended(r, worker, code);
        return;
    }
    struct child *c = router_child(r, in->from);
    if (!c) return;
    actor_join(&c->actor);
    c->ready = false;
    if (c->retiring && r->phase != PHASE_STOPPING) {
        router_child_retired(r, c);
        router_release_requests(r);
        return;
    }
    if (c->kind == CHILD_STORE) {
        router_store_died(r);
        router_quiesces_store_died(r);
    }
    if (r->phase == PHASE_STOPPING) return;
    child_died(r, c, code);
    router_release_requests(r);
}

void router_restart_due(struct router *r)
{
    int64_t now = clock_mono_ms();
    for (size_t i = 0; i < r->child_count; i++) {
        struct child *c = &r->children[i];
        if (c->restart_ms < 0 || c->restart_ms > now || r->phase == PHASE_STOPPING) continue;
        struct buf why = { 0 };
        c->restart_ms = -1;
        c->restarts++;
        int rc = router_child_start(r, c, &why);
        if (rc) {
            log_event(LOG_ERROR, "actor_not_started", LOG_T("name", c->name), LOG_T("code", err_name(rc)), LOG_S("reason", buf_str(&why)));
            child_died(r, c, rc);
        }
        buf_free(&why);
    }
}

int64_t router_restart_next(const struct router *r)
{
    int64_t next = -1;
    for (size_t i = 0; i < r->child_count; i++) {
        int64_t due = r->children[i].restart_ms;
        if (due >= 0 && (next < 0 || due < next)) next = due;
    }
    return next;
}

/* --- session threads -------------------------------------------------------------------------------------------- */

static int start_worker(struct router *r, int worker)
{
    char name[MSG_NAME_MAX + 1];
    if ((size_t)worker >= r->worker_slots) {
        size_t slots = r->worker_slots ? r->worker_slots : 8;
        while (slots <= (size_t)worker) slots *= 2;
        actor_t **grown = realloc(r->workers, slots * sizeof(actor_t *));
        if (!grown) return GW_ENOMEM;
        memset(grown + r->worker_slots, 0, (slots - r->worker_slots) * sizeof(actor_t *));
        r->workers = grown;
        r->worker_slots = slots;
    }
    struct session_options *options = calloc(1, sizeof *options);
    if (!options) return GW_ENOMEM;
    options->config = config_ref(r->config);
    router_worker_name(worker, name);
    int rc = actor_spawn(r->bus, name, 0, session_actor, options, &r->workers[worker]);
    if (rc) {
        config_unref(&options->config);
        free(options);
    }
    return rc;
}

void router_do_worker(struct router *r, const struct policy_action *a)
{
    char name[MSG_NAME_MAX + 1];
    struct msg m = { .kind = a->kind == POLICY_DO_PARK ? MSG_session_park : MSG_actor_stop };
    router_worker_name(a->worker, name);
    if (a->kind != POLICY_DO_START) {
        router_send(r, name, &m, NULL);
        return;
    }
    int rc = start_worker(r, a->worker);
    if (rc == 0) return;
    log_event(LOG_ERROR, "session_thread_not_started", LOG_T("code", err_name(rc)));
    router_later(r, (struct policy_event){ .kind = POLICY_WORKER_FAILED, .worker = a->worker });
}

/* --- the end ---------------------------------------------------------------------------------------------------- */

static bool tell_stop(struct router *r, const char *name, bool running)
{
    struct msg stop = { .kind = MSG_actor_stop };
    if (running) hub_send(r->hub, name, &stop, NULL);
    return running;
}

/* First the gateway and the reload, so that nothing new comes; then who answers the gateway and who works; the store last, when
 * nobody can write any more and nobody reads. */
void router_stop_children(struct router *r)
{
    static const enum child_kind order[] = { CHILD_RELOAD, CHILD_GATEWAY, CHILD_CRON,     CHILD_CHANNEL, CHILD_RELAY, CHILD_QUERY,
                                             CHILD_EXEC,   CHILD_WEB,     CHILD_PROVIDER, CHILD_TRACES,  CHILD_STORE };
    for (size_t stage = 0; stage < sizeof order / sizeof *order; stage++) {
        bool any = false;
        for (size_t i = 0; i < r->child_count; i++) {
            struct child *c = &r->children[i];
            if (c->kind != order[stage] || !c->actor) continue;
            any = true;
            if (c->given_up) continue; /* told already, see below */
            tell_stop(r, c->name, true);
            c->given_up = true; /* from here on it only has to end */
        }
        for (size_t w = 0; order[stage] == CHILD_PROVIDER && w < r->worker_slots; w++) {
            char name[MSG_NAME_MAX + 1];
            router_worker_name((int)w, name);
            any = tell_stop(r, name, r->workers[w] != NULL) || any;
        }
        if (any) return;
    }
    r->over = true;
}

void router_join_all(struct router *r)
{
    for (size_t i = 0; i < r->child_count; i++) actor_join(&r->children[i].actor);
    for (size_t w = 0; w < r->worker_slots; w++) actor_join(&r->workers[w]);
    free(r->children);
    r->children = NULL;
    r->child_count = 0;
}
