#include "actors/gateway_heartbeat.h"

#include <stdlib.h>

#include "actors/gateway_events.h"
#include "actors/gateway_misc.h"
#include "actors/heartbeat.h"
#include "base/clock.h"
#include "base/json_read.h"
#include "base/log.h"
#include "base/random.h"
#include "channels/channel_words.h"
#include "channels/session_key.h"
#include "msgs/chat_pack.h"

enum {
    NEVER_MS = 24 * 3600 * 1000, /* the timer looks again at the latest then */
    PREVIEW_BYTES = 200,
    SOON_MS = 1000, /* a wake-up that found its agent busy is tried again then */
};

enum waits_for { WAITS_FOR_LIST, WAITS_FOR_ROUTE, WAITS_FOR_TURN };

struct beat {
    char agent[65];
    int64_t every_ms, due_ms; /* monotonic; every_ms 0: it beats only when it is woken */
    int64_t began_ms;
    uint64_t corr; /* of what it waits for; 0: nothing */
    enum waits_for waits_for;
    bool woken;  /* somebody wants it to look, whatever its list says */
    char *route; /* where what it says goes, JSON; owned; NULL: nowhere */
};

struct gateway_heartbeat {
    struct gateway *gw;
    struct beat *beats;
    size_t count;
    lws_sorted_usec_list_t timer;
};

static void on_timer(lws_sorted_usec_list_t *sul);

static void arm(struct gateway_heartbeat *h)
{
    int64_t now_ms = clock_mono_ms(), due_ms = now_ms + NEVER_MS;
    for (size_t i = 0; i < h->count; i++) {
        const struct beat *b = &h->beats[i];
        if (!b->corr && b->due_ms && b->due_ms < due_ms) due_ms = b->due_ms;
    }
    if (h->gw->lws) lws_sul_schedule(h->gw->lws, 0, &h->timer, on_timer, (due_ms > now_ms ? due_ms - now_ms : 1) * LWS_US_PER_MS);
}

/* --- the end of one ------------------------------------------------------------------------------------------------ */

static void over(struct gateway_heartbeat *h, struct beat *b)
{
    b->corr = 0;
    b->waits_for = WAITS_FOR_LIST;
    b->woken = false;
    free(b->route);
    b->route = NULL;
    b->due_ms = b->every_ms ? clock_mono_ms() + b->every_ms : 0;
    arm(h);
}

static void tell(struct gateway_heartbeat *h, struct beat *b, const char *status, const char *reason, struct str preview)
{
    struct buf json = { 0 };
    json_t *route = str_is(str_of(status), "sent") ? json_loads(b->route, 0, NULL) : NULL;
    buf_char(&json, '{');
    buf_json_pair_int(&json, "ts", clock_wall_ms());
    buf_json_pair_str(&json, "status", str_of(status));
    if (reason) buf_json_pair_str(&json, "reason", str_of(reason));
    if (preview.n) buf_json_pair_str(&json, "preview", str_utf8_prefix(preview, PREVIEW_BYTES));
    buf_json_pair_int(&json, "durationMs", clock_mono_ms() - b->began_ms);
    buf_json_pair_bool(&json, "hasMedia", false);
    if (route) buf_json_pair_str(&json, "to", json_str(route, "to"));
    if (route) buf_json_pair_str(&json, "channel", json_str(route, "channel"));
    buf_char(&json, '}');
    log_event(LOG_INFO, "heartbeat", LOG_T("agent", b->agent), LOG_T("status", status), LOG_T("reason", reason ? reason : ""));
    if (!json.err) {
        gateway_misc_keep_heartbeat(h->gw, buf_str(&json));
        gateway_broadcast(h->gw, GATEWAY_ALL, "heartbeat", buf_str(&json), true);
    }
    buf_free(&json);
    json_decref(route);
    over(h, b);
}

/* What it has to say is in the outbox since the turn ended, if there is a place for it (store_route_ended()); it stands in its session
 * in any case. */
static void on_answer(struct gateway_heartbeat *h, struct beat *b, const struct msg_turn_done *d)
{
    struct heartbeat_settings settings;
    const struct config_agent *agent = config_agent_find(h->gw->options->config, str_of(b->agent));
    struct str rest = { 0 };
    if (!agent || d->outcome == OUTCOME_ABORTED) {
        over(h, b);
        return;
    }
    if (d->outcome != OUTCOME_DONE) {
        tell(h, b, "failed", "turn-failed", d->error);
        return;
    }
    heartbeat_settings(h->gw->options->config, agent, &settings);
    switch (heartbeat_read_answer(d->text, settings.ack_max_chars, &rest)) {
    case HEARTBEAT_OK_EMPTY: tell(h, b, "ok-empty", NULL, (struct str){ 0 }); break;
    case HEARTBEAT_OK_TOKEN: tell(h, b, "ok-token", NULL, (struct str){ 0 }); break;
    case HEARTBEAT_SAYS: tell(h, b, b->route ? "sent" : "skipped", b->route ? NULL : "no-target", rest); break;
    }
}

/* --- the turn ------------------------------------------------------------------------------------------------------ */

static void write_message(struct gateway_heartbeat *h, const struct config_agent *agent, const struct heartbeat_settings *settings,
                          struct buf *out)
{
    if (agent->is_default && gateway_misc_take_events(h->gw, out) > 0) buf_char(out, '\n');
    buf_add(out, settings->prompt);
    buf_char(out, '\n');
    heartbeat_write_time(agent->time_zone, clock_wall_ms(), out);
}

static void session_of(const struct gateway *gw, const struct config_agent *agent, const struct heartbeat_settings *settings,
                       struct buf *key)
{
    const config_t *cfg = gw->options->config;
    const struct session_key_rules rules = { config_agent_default(cfg)->id, config_str(cfg, "session.mainKey") };
    bool main = str_is(settings->session, "main");
    if (!main && str_starts(settings->session, STR("agent:")))
        buf_add(key, settings->session);
    else if (!main)
        buf_printf(key, "agent:%.*s:%.*s", STR_ARG(agent->id), STR_ARG(settings->session));
    else
        session_key_main(&rules, agent->id, key);
}

static void run(struct gateway_heartbeat *h, struct beat *b, const struct config_agent *agent)
{
    char id[RANDOM_UUID_SIZE];
    struct gateway *gw = h->gw;
    struct heartbeat_settings settings;
    struct buf text = { 0 }, packed = { 0 }, key = { 0 };
    struct msg m = { .kind = MSG_turn_submit, .corr = mailbox_corr(gw->mailbox), .trace = random_u64() };
    heartbeat_settings(gw->options->config, agent, &settings);
    write_message(h, agent, &settings, &text);
    session_of(gw, agent, &settings, &key);
    random_uuid(id);
    struct chat_part part = { .kind = CHAT_TEXT, .text = buf_str(&text) };
    const struct chat_message message = { .role = CHAT_USER, .parts = &part, .part_count = 1, .timestamp_ms = clock_wall_ms() };
    int rc = text.err || key.err ? GW_ENOMEM : chat_pack_message(&packed, &message);
    m.turn_submit = (struct msg_turn_submit){ .run_id = str_of(id),
                                              .session_key = buf_str(&key),
                                              .agent = agent->id,
                                              .channel = STR("heartbeat"),
                                              .model = settings.model,
                                              .route = b->route ? str_of(b->route) : STR(""),
                                              .message = buf_str(&packed) };
    if (rc == 0) rc = mailbox_send(gw->mailbox, "router", &m);
    b->corr = m.corr;
    b->waits_for = WAITS_FOR_TURN;
    if (rc) tell(h, b, "failed", err_name(rc), (struct str){ 0 });
    buf_free(&text);
    buf_free(&packed);
    buf_free(&key);
}

/* --- where what it says goes ---------------------------------------------------------------------------------------- */

/* @param last  the place that its session was last used from; empty: none */
static void with_route(struct gateway_heartbeat *h, struct beat *b, const struct config_agent *agent, struct str last)
{
    struct heartbeat_settings settings;
    struct buf route = { 0 };
    heartbeat_settings(h->gw->options->config, agent, &settings);
    struct str channel = str_is(settings.target, "last") ? STR("") : settings.target;
    bool found = !str_is(settings.target, "none") && channel_route_find(channel, settings.account, settings.to, last, &route);
    json_t *place = found ? json_loadb(route.p, route.n, 0, NULL) : NULL;
    if (place) {
        json_object_set_new(place, HEARTBEAT_ROUTE_MEMBER, json_integer(settings.ack_max_chars));
        b->route = json_dumps(place, JSON_COMPACT);
    }
    json_decref(place);
    buf_free(&route);
    run(h, b, agent);
}

static void on_route(struct gateway_heartbeat *h, struct beat *b, const struct msg *in)
{
    const struct config_agent *agent = config_agent_find(h->gw->options->config, str_of(b->agent));
    if (agent)
        with_route(h, b, agent, in->kind == MSG_route_told ? in->route_told.route : STR(""));
    else
        over(h, b);
}

static void find_route(struct gateway_heartbeat *h, struct beat *b, const struct config_agent *agent)
{
    struct heartbeat_settings settings;
    struct buf key = { 0 };
    struct msg m = { .kind = MSG_route_ask, .corr = mailbox_corr(h->gw->mailbox) };
    heartbeat_settings(h->gw->options->config, agent, &settings);
    session_of(h->gw, agent, &settings, &key);
    m.route_ask.session_key = buf_str(&key);
    b->corr = m.corr;
    b->waits_for = WAITS_FOR_ROUTE;
    if (key.err || mailbox_send(h->gw->mailbox, "store", &m) != 0) with_route(h, b, agent, STR(""));
    buf_free(&key);
}

/* --- the list ------------------------------------------------------------------------------------------------------ */

static void on_list(struct gateway_heartbeat *h, struct beat *b, const struct msg *in)
{
    const struct config_agent *agent = config_agent_find(h->gw->options->config, str_of(b->agent));
    json_t *said = NULL;
    if (in->kind == MSG_rpc_result && in->rpc_result.code.n == 0)
        said = json_loadb(in->rpc_result.payload.p, in->rpc_result.payload.n, 0, NULL);
    struct str list = json_str(json_object_get(said, "file"), "content");
    bool empty = heartbeat_list_is_empty(list);
    json_decref(said);
    if (!agent)
        over(h, b);
    else if (empty && !b->woken)
        tell(h, b, "skipped", "empty-heartbeat-file", (struct str){ 0 });
    else
        find_route(h, b, agent);
}

static void begin(struct gateway_heartbeat *h, struct beat *b)
{
    struct heartbeat_settings settings;
    const struct config_agent *agent = config_agent_find(h->gw->options->config, str_of(b->agent));
    struct buf params = { 0 };
    b->began_ms = clock_mono_ms();
    if (agent) heartbeat_settings(h->gw->options->config, agent, &settings);
    bool active = agent && heartbeat_is_active(&settings, agent->time_zone, clock_wall_ms());
    if (h->gw->draining || !h->gw->misc->heartbeats || (!active && !b->woken)) {
        over(h, b);
        return;
    }
    buf_char(&params, '{');
    buf_json_pair_str(&params, "agentId", agent ? agent->id : STR(""));
    buf_json_pair_str(&params, "name", STR("HEARTBEAT.md"));
    buf_char(&params, '}');
    struct msg m = { .kind = MSG_rpc_call, .corr = mailbox_corr(h->gw->mailbox) };
    m.rpc_call = (struct msg_rpc_call){ .method = RPC_agents_files_get, .flags = 1, .params = buf_str(&params) };
    b->corr = m.corr;
    if (params.err || mailbox_send(h->gw->mailbox, "query", &m) != 0) over(h, b);
    buf_free(&params);
}

static void on_timer(lws_sorted_usec_list_t *sul)
{
    struct gateway_heartbeat *h = lws_container_of(sul, struct gateway_heartbeat, timer);
    int64_t now_ms = clock_mono_ms();
    for (size_t i = 0; i < h->count; i++) {
        struct beat *b = &h->beats[i];
        if (!b->corr && b->due_ms && b->due_ms <= now_ms) begin(h, b);
    }
    arm(h);
}

bool gateway_heartbeat_message(struct gateway *gw, const struct msg *in)
{
    struct gateway_heartbeat *h = gw->heartbeat;
    struct beat *b = NULL;
    for (size_t i = 0; h && i < h->count && !b; i++)
        if (h->beats[i].corr && h->beats[i].corr == in->corr) b = &h->beats[i];
    if (!b) return false;
    if (b->waits_for == WAITS_FOR_LIST)
        on_list(h, b, in);
    else if (b->waits_for == WAITS_FOR_ROUTE)
        on_route(h, b, in);
    else if (in->kind == MSG_turn_done)
        on_answer(h, b, &in->turn_done);
    else if (in->kind == MSG_turn_refused || in->kind == MSG_error)
        tell(h, b, "failed", "not-taken", in->kind == MSG_error ? in->error.text : in->turn_refused.text);
    return true; /* what comes before the end is of no interest */
}

void gateway_heartbeat_wake(struct gateway *gw)
{
    struct gateway_heartbeat *h = gw->heartbeat;
    struct str id = config_agent_default(gw->options->config)->id;
    for (size_t i = 0; i < h->count; i++) {
        struct beat *b = &h->beats[i];
        if (!str_is(id, b->agent)) continue;
        b->woken = true;
        b->due_ms = clock_mono_ms() + (b->corr ? SOON_MS : 0);
    }
    arm(h);
}

/* --- coming and going ---------------------------------------------------------------------------------------------- */

static struct beat *find(const struct gateway_heartbeat *h, struct str agent)
{
    for (size_t i = 0; i < h->count; i++)
        if (str_is(agent, h->beats[i].agent)) return &h->beats[i];
    return NULL;
}

static void free_beats(struct gateway_heartbeat *h)
{
    for (size_t i = 0; i < h->count; i++) free(h->beats[i].route);
    free(h->beats);
}

void gateway_heartbeat_take_config(struct gateway *gw)
{
    struct gateway_heartbeat *h = gw->heartbeat;
    const config_t *config = gw->options->config;
    size_t n = config_agent_count(config), count = 0;
    struct beat *beats = calloc(n, sizeof *beats);
    if (!beats) return;
    for (size_t i = 0; i < n; i++) {
        struct heartbeat_settings settings;
        const struct config_agent *agent = config_agent_at(config, i);
        heartbeat_settings(config, agent, &settings);
        if (!settings.enabled && !agent->is_default) continue; /* the default one can be woken */
        struct beat *before = find(h, agent->id);
        struct beat *b = &beats[count++];
        if (before) *b = *before;
        if (before) before->route = NULL;
        bool same = before && b->every_ms == (settings.enabled ? settings.every_ms : 0);
        b->every_ms = settings.enabled ? settings.every_ms : 0;
        if (!same) b->due_ms = b->every_ms ? clock_mono_ms() + b->every_ms : 0;
        str_copy(b->agent, sizeof b->agent, agent->id);
    }
    free_beats(h);
    h->beats = beats;
    h->count = count;
    arm(h);
}

int gateway_heartbeat_create(struct gateway *gw)
{
    gw->heartbeat = calloc(1, sizeof *gw->heartbeat);
    if (!gw->heartbeat) return GW_ENOMEM;
    gw->heartbeat->gw = gw;
    gateway_heartbeat_take_config(gw);
    return 0;
}

void gateway_heartbeat_rest(struct gateway *gw)
{
    if (gw->heartbeat) lws_sul_cancel(&gw->heartbeat->timer);
}

void gateway_heartbeat_destroy(struct gateway *gw)
{
    if (gw->heartbeat) free_beats(gw->heartbeat);
    free(gw->heartbeat);
    gw->heartbeat = NULL;
}
