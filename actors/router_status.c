/* actors/router_status.c -- what people are told of the running system: turns, lanes, actors, queues, providers. It changes nothing. */
#include "actors/router_internal.h"
#include "base/clock.h"

enum {
    RUNS_TOLD_MAX = 500,             /* turns in one answer */
    ACTORS_TOLD_MAX = 256,           /* actors in one answer, the named ones first */
    TOLD_BYTES_MAX = 3 * 1024 * 1024 /* no further turn is told above this: router.told holds 4 MiB */
};

void router_write_lanes(const struct router *r, struct buf *json)
{
    buf_json_key(json, "lanes");
    buf_char(json, '{');
    for (int lane = 0; lane < LANE_COUNT; lane++) {
        struct policy_lane_info info = policy_lane_info(r->policy, (enum policy_lane)lane);
        buf_json_key(json, policy_lane_name((enum policy_lane)lane));
        buf_printf(json, "{\"used\":%d,\"cap\":%d,\"waiting\":%d}", info.used, info.cap, info.waiting);
    }
    buf_char(json, '}');
}

/* --- shared parts ----------------------------------------------------------------------------------------------- */

static void open_list(struct buf *json, const char *key)
{
    buf_json_key(json, key);
    buf_char(json, '[');
}

static void open_item(struct buf *json)
{
    buf_json_comma(json);
    buf_char(json, '{');
}

static void pair_if(struct buf *json, const char *key, struct str value)
{
    if (value.n) buf_json_pair_str(json, key, value);
}

static void pair_time(struct buf *json, const char *key, int64_t ms) /* -1: not known, left out */
{
    if (ms >= 0) buf_json_pair_int(json, key, ms);
}

static void pair_rate(struct buf *json, const char *key, double per_second)
{
    int64_t tenths = (int64_t)(per_second * 10 + 0.5);
    buf_json_key(json, key);
    buf_printf(json, "%lld.%lld", (long long)(tenths / 10), (long long)(tenths % 10));
}

/* What a running and an ended turn have in common. */
struct shown {
    int64_t turn, lane, of_turn; /* of_turn: the one it is part of; 0: none, or not known any more */
    struct str run_id, session_key, agent, channel, model;
    const struct course *course;
};

static struct shown shown_entry(const struct turn_entry *e)
{
    struct said s = router_said(&e->said);
    const struct course_try *last = course_last_try(&e->course);
    return (struct shown){ e->turn, s.lane, 0, s.run_id, s.session_key, s.agent, s.channel, str_of(last ? last->ref : ""), &e->course };
}

static struct shown shown_past(const struct past_turn *p)
{
    const struct course_try *last = course_last_try(&p->course);
    struct str model = str_of(p->model ? p->model : "");
    if (model.n == 0 && last) model = str_of(last->ref);
    return (struct shown){ p->turn,
                           p->lane,
                           0,
                           str_of(p->run_id ? p->run_id : ""),
                           str_of(p->session_key ? p->session_key : ""),
                           str_of(p->agent ? p->agent : ""),
                           str_of(p->channel ? p->channel : ""),
                           model,
                           &p->course };
}

/* --- runs.list -------------------------------------------------------------------------------------------------- */

static void write_limits(const struct router *r, struct buf *json)
{
    const struct config_limits *c = config_limits(r->config);
    buf_json_key(json, "limits");
    buf_printf(json, "{\"maxConcurrent\":%lld,\"subagents\":{\"maxConcurrent\":%lld,\"maxSpawnDepth\":%lld,\"maxChildrenPerAgent\":%lld}}",
               (long long)c->main_concurrent, (long long)c->subagent_concurrent, (long long)c->max_spawn_depth, (long long)c->max_children);
}

static void write_run(const struct router *r, const struct shown *s, struct str parent, int depth, const char *key, const char *value,
                      struct buf *json)
{
    const struct course *c = s->course;
    int64_t age = c->finished_ms >= 0 ? c->finished_ms : clock_mono_ms() - c->accepted_ms;
    struct str model = s->model, provider = str_split(&model, '/');
    open_item(json);
    buf_json_pair_int(json, "turn", s->turn);
    buf_json_pair_str(json, "runId", s->run_id);
    buf_json_pair_str(json, "sessionKey", s->session_key);
    buf_json_pair_str(json, "agentId", s->agent);
    pair_if(json, "parentSessionKey", parent);
    buf_json_pair_str(json, "lane", str_of(policy_lane_name((enum policy_lane)s->lane)));
    buf_json_pair_int(json, "depth", depth);
    buf_json_pair_str(json, key, str_of(value));
    if (s->of_turn) buf_json_pair_int(json, "collectedInto", s->of_turn);
    buf_json_pair_str(json, "channel", s->channel);
    buf_json_pair_int(json, "acceptedAtMs", router_wall(r, c->accepted_ms));
    if (c->granted_ms >= 0) buf_json_pair_int(json, "startedAtMs", router_wall(r, c->accepted_ms + c->granted_ms));
    if (c->finished_ms >= 0) buf_json_pair_int(json, "endedAtMs", router_wall(r, c->accepted_ms + c->finished_ms));
    buf_json_pair_int(json, "elapsedMs", c->granted_ms >= 0 ? age - c->granted_ms : 0);
    buf_json_pair_int(json, "waitedMs", c->granted_ms >= 0 ? c->granted_ms : age);
    pair_if(json, "model", model);
    pair_if(json, "provider", provider);
    buf_json_pair_int(json, "inputTokens", c->input_tokens);
    buf_json_pair_int(json, "outputTokens", c->output_tokens);
    if (c->steps) buf_json_pair_int(json, "step", c->steps);
    buf_char(json, '}');
}

static const char *state_of(const struct turn_entry *e, const struct policy_turn_info *info)
{
    if (e->dropped || e->done.kind != MSG_none || info->stopping) return "ending";
    return info->state <= POLICY_TURN_PENDING ? "storing" : info->state == POLICY_TURN_QUEUED ? "queued" : "running";
}

static void write_runs(struct router *r, struct buf *json)
{
    struct turn_entry *e, *safe;
    int told = 0, more = 0;
    open_list(json, "runs");
    HASH_ITER(hh, r->turns, e, safe)
    {
        struct policy_turn_info info = policy_turn_info(r->policy, e->turn);
        struct shown s = shown_entry(e);
        if (info.state == POLICY_TURN_UNKNOWN) continue; /* a repeat that waits for an old answer */
        if (told == RUNS_TOLD_MAX || json->n > TOLD_BYTES_MAX) {
            more++;
            continue;
        }
        told++;
        s.of_turn = info.of_turn;
        write_run(r, &s, info.parent, info.depth, "state", state_of(e, &info), json);
    }
    buf_char(json, ']');
    if (more) buf_json_pair_int(json, "more", more);
}

static void write_recent(const struct router *r, struct buf *json)
{
    const struct past_turn *p;
    open_list(json, "recent");
    for (size_t i = 0; (p = course_recent_at(&r->recent, i)) != NULL; i++) {
        struct shown s = shown_past(p);
        write_run(r, &s, str_of(p->course.parent ? p->course.parent : ""), p->course.depth, "outcome", course_outcome(p->outcome), json);
    }
    buf_char(json, ']');
}

static void tell_runs(struct router *r, struct buf *json)
{
    router_write_lanes(r, json);
    write_limits(r, json);
    write_runs(r, json);
    write_recent(r, json);
}

/* --- bus.status ------------------------------------------------------------------------------------------------- */

static void write_actor(struct router *r, const char *name, const char *kind, const char *state, int64_t restarts, struct str session,
                        struct buf *json)
{
    struct hub_traffic t;
    hub_traffic(r->hub, name, &t); /* zero while it is not open */
    open_item(json);
    buf_json_pair_str(json, "name", str_of(name));
    buf_json_pair_str(json, "kind", str_of(kind));
    buf_json_pair_str(json, "state", str_of(state));
    pair_if(json, "sessionKey", session);
    buf_json_pair_int(json, "restarts", restarts);
    if (strcmp(name, HUB_NAME) != 0) buf_json_pair_int(json, "queued", (int64_t)t.queued);
    buf_json_pair_int(json, "received", (int64_t)t.received);
    buf_json_pair_int(json, "sent", (int64_t)t.sent);
    pair_rate(json, "perSecond", t.per_second);
    buf_char(json, '}');
}

static const char *child_state(const struct child *c)
{
    return c->given_up ? "down" : c->ready ? "running" : c->restart_ms >= 0 ? "restarting" : "starting";
}

static void write_actors(struct router *r, struct buf *json)
{
    static const char *const phases[] = { "starting", "running", "draining", "stopping" };
    static const char *const kinds[] = {
        [CHILD_STORE] = "store",     [CHILD_PROVIDER] = "provider", [CHILD_QUERY] = "query",   [CHILD_GATEWAY] = "gateway",
        [CHILD_RELOAD] = "reload",   [CHILD_RELAY] = "relay",       [CHILD_EXEC] = "exec",     [CHILD_WEB] = "web",
        [CHILD_CHANNEL] = "channel", [CHILD_CRON] = "cron",         [CHILD_TRACES] = "traces",
    };
    int told = 0, more = 0;
    open_list(json, "actors");
    write_actor(r, HUB_NAME, HUB_NAME, phases[r->phase], 0, STR(""), json);
    for (size_t i = 0; i < r->child_count; i++, told++) {
        const struct child *c = &r->children[i];
        write_actor(r, c->name, kinds[c->kind], child_state(c), c->restarts, STR(""), json);
    }
    for (size_t w = 0; w < r->worker_slots; w++) {
        struct policy_worker_info info = policy_worker_info(r->policy, (int)w);
        char name[MSG_NAME_MAX + 1];
        if (!info.known) continue;
        if (told >= ACTORS_TOLD_MAX) {
            more++;
            continue;
        }
        told++;
        router_worker_name((int)w, name);
        write_actor(r, name, "session", info.turn ? "busy" : info.session.n ? "idle" : "free", 0, info.session, json);
    }
    buf_char(json, ']');
    if (more) buf_json_pair_int(json, "moreActors", more);
}

static void write_providers(const struct router *r, struct buf *json)
{
    open_list(json, "providers");
    for (size_t i = 0; i < r->child_count; i++) {
        struct policy_provider_info info;
        if (r->children[i].kind != CHILD_PROVIDER || policy_provider_info(r->policy, r->children[i].provider, &info) != 0) continue;
        open_item(json);
        buf_json_pair_str(json, "id", info.name);
        buf_json_pair_int(json, "inFlight", info.open);
        if (info.until_ms) buf_json_pair_int(json, "coolingUntilMs", info.until_ms);
        buf_json_pair_int(json, "errors", info.errors);
        if (info.failure) buf_json_pair_str(json, "lastFailure", str_of(failure_name(info.failure)));
        buf_char(json, '}');
    }
    buf_char(json, ']');
}

static void write_tries(const struct course *c, struct buf *json)
{
    open_list(json, "candidates");
    for (size_t i = 0; i < c->try_count; i++) {
        const struct course_try *t = &c->tries[i];
        open_item(json);
        buf_json_pair_str(json, "ref", str_of(t->ref));
        buf_json_pair_int(json, "startedMs", t->started_ms);
        pair_time(json, "firstByteMs", t->first_ms);
        pair_time(json, "endedMs", t->ended_ms);
        if (t->failure) buf_json_pair_str(json, "failure", str_of(failure_name(t->failure)));
        buf_char(json, '}');
    }
    buf_char(json, ']');
    if (c->tries_replaced) buf_json_pair_int(json, "moreCandidates", (int64_t)c->tries_replaced);
}

static void write_waterfall(const struct router *r, const struct shown *s, struct buf *json)
{
    const struct course *c = s->course;
    open_item(json);
    buf_json_pair_int(json, "turn", s->turn);
    buf_json_pair_str(json, "runId", s->run_id);
    buf_json_pair_str(json, "sessionKey", s->session_key);
    buf_json_pair_int(json, "acceptedAtMs", router_wall(r, c->accepted_ms));
    pair_time(json, "storedMs", c->stored_ms);
    pair_time(json, "grantedMs", c->granted_ms);
    pair_time(json, "promptMs", c->prompt_ms);
    pair_time(json, "firstByteMs", c->first_ms);
    pair_time(json, "modelDoneMs", c->model_done_ms);
    buf_json_pair_int(json, "toolsMs", c->tools_ms);
    pair_time(json, "finishedMs", c->finished_ms);
    write_tries(c, json);
    buf_char(json, '}');
}

/* Those that run come first, the newest of them, then those that ended last; COURSE_RECENT_MAX in all. */
static void write_waterfalls(struct router *r, struct buf *json)
{
    const struct turn_entry *running[COURSE_RECENT_MAX];
    struct turn_entry *e, *safe;
    const struct past_turn *p;
    size_t n = 0, told = 0;
    HASH_ITER(hh, r->turns, e, safe)
    {
        if (policy_turn_state(r->policy, e->turn) != POLICY_TURN_UNKNOWN) running[n++ % COURSE_RECENT_MAX] = e;
    }
    open_list(json, "turns");
    for (; told < n && told < COURSE_RECENT_MAX; told++) {
        struct shown s = shown_entry(running[(n - 1 - told) % COURSE_RECENT_MAX]);
        write_waterfall(r, &s, json);
    }
    for (size_t i = 0; told < COURSE_RECENT_MAX && (p = course_recent_at(&r->recent, i)) != NULL; i++, told++) {
        struct shown s = shown_past(p);
        write_waterfall(r, &s, json);
    }
    buf_char(json, ']');
}

static void tell_bus(struct router *r, struct buf *json)
{
    struct bus_counts bus = bus_counts(r->bus);
    buf_json_pair_int(json, "uptimeMs", clock_mono_ms() - r->mono_base_ms);
    buf_json_pair_int(json, "forwarded", (int64_t)bus.forwarded);
    pair_rate(json, "forwardedPerSecond", hub_forward_rate(r->hub));
    buf_json_pair_int(json, "deadLetters", (int64_t)bus.dead_letters);
    buf_json_pair_int(json, "malformed", (int64_t)bus.malformed);
    buf_json_pair_int(json, "mailboxes", (int64_t)bus.mailboxes);
    write_actors(r, json);
    write_providers(r, json);
    write_waterfalls(r, json);
}

/* --- for Prometheus --------------------------------------------------------------------------------------------- */

static void meter_lanes(const struct router *r, struct buf *out)
{
    static const struct {
        const char *name, *help;
    } families[] = { { "openclaw_queue_depth", "Turns that wait for a permit, by lane." },
                     { "openclaw_lane_running", "Turns that have a permit, by lane." },
                     { "openclaw_lane_limit", "Permits there are, by lane." } };
    for (size_t f = 0; f < 3; f++) {
        prometheus_family(out, families[f].name, "gauge", families[f].help);
        for (int i = 0; i < LANE_COUNT; i++) {
            const struct prometheus_label lane = { "lane", str_of(policy_lane_name((enum policy_lane)i)) };
            struct policy_lane_info info = policy_lane_info(r->policy, (enum policy_lane)i);
            prometheus_int(out, families[f].name, &lane, 1, f == 0 ? info.waiting : f == 1 ? info.used : info.cap);
        }
    }
}

static void meter_providers(const struct router *r, struct buf *out)
{
    int64_t now_ms = router_now(r);
    for (int f = 0; f < 2; f++) {
        const char *name = f ? "openclaw_provider_cooling" : "openclaw_provider_in_flight";
        prometheus_family(out, name, "gauge", f ? "1 while a provider is left alone after failures." : "Requests under way at a provider.");
        for (size_t i = 0; i < r->child_count; i++) {
            struct policy_provider_info info;
            if (r->children[i].kind != CHILD_PROVIDER || policy_provider_info(r->policy, r->children[i].provider, &info) != 0) continue;
            const struct prometheus_label provider = { "provider", info.name };
            prometheus_int(out, name, &provider, 1, f ? info.until_ms > now_ms : info.open);
        }
    }
}

static void meter_actors(struct router *r, struct buf *out)
{
    static const char *const names[] = { "openclaw_actor_up", "openclaw_actor_restarts_total", "openclaw_mailbox_queued",
                                         "openclaw_mailbox_received_total" };
    static const char *const helps[] = { "1 while an actor runs.", "How often it was started again.", "Messages in its mailbox.",
                                         "Messages it has taken." };
    for (int f = 0; f < 4; f++) {
        prometheus_family(out, names[f], f == 1 || f == 3 ? "counter" : "gauge", helps[f]);
        for (size_t i = 0; i < r->child_count; i++) {
            const struct child *c = &r->children[i];
            const struct prometheus_label actor = { "actor", str_of(c->name) };
            struct hub_traffic t;
            hub_traffic(r->hub, c->name, &t);
            prometheus_int(out, names[f], &actor, 1,
                           f == 0   ? c->ready && !c->given_up
                           : f == 1 ? c->restarts
                           : f == 2 ? (int64_t)t.queued
                                    : (int64_t)t.received);
        }
    }
    int64_t busy = 0, known = 0;
    for (size_t w = 0; w < r->worker_slots; w++) {
        struct policy_worker_info info = policy_worker_info(r->policy, (int)w);
        known += info.known;
        busy += info.known && info.turn;
    }
    const struct prometheus_label of_busy = { "state", STR("busy") }, of_idle = { "state", STR("idle") };
    prometheus_family(out, "openclaw_session_workers", "gauge", "Threads of sessions.");
    prometheus_int(out, "openclaw_session_workers", &of_busy, 1, busy);
    prometheus_int(out, "openclaw_session_workers", &of_idle, 1, known - busy);
}

static void tell_metrics(struct router *r, struct buf *out)
{
    struct bus_counts bus = bus_counts(r->bus);
    metrics_write(&r->metrics, HASH_COUNT(r->turns), out);
    meter_lanes(r, out);
    meter_providers(r, out);
    meter_actors(r, out);
    prometheus_family(out, "openclaw_bus_forwarded_total", "counter", "Messages between actors.");
    prometheus_int(out, "openclaw_bus_forwarded_total", NULL, 0, (int64_t)bus.forwarded);
    prometheus_family(out, "openclaw_bus_dead_letters_total", "counter", "Messages whose addressee was gone.");
    prometheus_int(out, "openclaw_bus_dead_letters_total", NULL, 0, (int64_t)bus.dead_letters);
    prometheus_family(out, "openclaw_bus_malformed_total", "counter", "Messages that could not be read.");
    prometheus_int(out, "openclaw_bus_malformed_total", NULL, 0, (int64_t)bus.malformed);
}

static void tell_json(struct router *r, int64_t what, struct buf *json)
{
    buf_char(json, '{');
    buf_json_pair_int(json, "ts", clock_wall_ms());
    if (what == 0)
        tell_runs(r, json);
    else
        tell_bus(r, json);
    buf_char(json, '}');
}

void router_on_status(struct router *r, const struct msg *in)
{
    struct msg m = { .kind = MSG_router_told, .corr = in->corr, .trace = in->trace };
    struct buf json = { 0 };
    if (in->router_status.what == 2)
        tell_metrics(r, &json);
    else
        tell_json(r, in->router_status.what, &json);
    m.router_told.json = buf_str(&json);
    if (json.err) m = msg_error(in, json.err);
    router_send(r, in->from, &m, NULL);
    buf_free(&json);
}
