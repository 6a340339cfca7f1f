#include "actors/gateway_hooks.h"

#include <stdlib.h>

#include "actors/gateway_heartbeat.h"
#include "actors/gateway_misc.h"
#include "actors/heartbeat.h"
#include "actors/policy.h"
#include "base/chat.h"
#include "base/clock.h"
#include "base/json_read.h"
#include "base/log.h"
#include "base/random.h"
#include "channels/channel_words.h"
#include "channels/session_key.h"
#include "msgs/chat_pack.h"

#define JSON_TYPE "application/json; charset=utf-8"
#define TEXT_TYPE "text/plain; charset=utf-8"

static size_t body_max(const config_t *config)
{
    int64_t max = config_int(config, "hooks.maxBodyBytes");
    return max < GATEWAY_BODY_MAX ? (size_t)max : GATEWAY_BODY_MAX;
}

void gateway_hook_free(struct gateway_conn *c)
{
    if (c->hook) hook_free(&c->hook->what);
    free(c->hook);
    c->hook = NULL;
}

/* --- before the body ------------------------------------------------------------------------------------------------------ */

static struct str token_of(struct gateway_conn *c, char *value, size_t size)
{
    struct str bearer = gateway_known_header(c->wsi, WSI_TOKEN_HTTP_AUTHORIZATION, value, size), scheme;
    if (bearer.n) {
        struct str rest = bearer;
        scheme = str_split(&rest, ' ');
        if (str_ieq(scheme, STR("Bearer"))) return str_trim(rest);
    }
    int n = lws_hdr_custom_copy(c->wsi, value, (int)size, "x-openclaw-token:", 17);
    return n > 0 ? str_trim((struct str){ value, (size_t)n }) : (struct str){ 0 };
}

static bool locked(struct gateway *gw, int64_t now_ms)
{
    if (now_ms - gw->misc->hook_window_ms >= GATEWAY_HOOK_WINDOW_MS) {
        gw->misc->hook_window_ms = now_ms;
        gw->misc->hook_failures = 0;
    }
    return gw->misc->hook_failures >= GATEWAY_HOOK_TRIES;
}

static bool refuse(struct gateway_conn *c, int status, const char *text, const char *extra)
{
    gateway_answer(c, status, TEXT_TYPE, str_of(text), extra);
    return true;
}

/* A right token is never locked out: only who guesses waits. */
static bool refuses_token(struct gateway_conn *c)
{
    char value[GATEWAY_HEADER_MAX];
    if (hooks_token_ok(c->gw->options->config, token_of(c, value, sizeof value))) return false;
    if (locked(c->gw, clock_mono_ms())) return refuse(c, 429, "Too Many Requests", "Retry-After: 60\r\n");
    c->gw->misc->hook_failures++;
    log_event(LOG_WARN, "hook_refused", LOG_T("address", c->peer.address));
    return refuse(c, 401, "Unauthorized", NULL);
}

static bool has_token_in_query(struct gateway_conn *c)
{
    char value[512];
    for (int i = 0; i < 64; i++) {
        int n = lws_hdr_copy_fragment(c->wsi, value, sizeof value, WSI_TOKEN_HTTP_URI_ARGS, i);
        if (n == -1) return false; /* -2: longer than this */
        if (n > 0 && str_starts((struct str){ value, (size_t)n }, STR("token="))) return true;
    }
    return false;
}

static bool refuses(struct gateway_conn *c, struct str path, enum gateway_method method)
{
    struct str name = hooks_below(c->gw->options->config, path);
    if (has_token_in_query(c))
        return refuse(
            c, 400,
            "Hook token must be provided via Authorization: Bearer <token> or X-OpenClaw-Token header (query parameters are not allowed).",
            NULL);
    if (refuses_token(c)) return true;
    if (method != GATEWAY_POST) return refuse(c, 405, "Method Not Allowed", "Allow: POST\r\n");
    if (name.n == 0 || name.n > HOOK_NAME_MAX) return refuse(c, 404, "Not Found", NULL);
    gateway_hook_free(c);
    c->hook = calloc(1, sizeof *c->hook);
    if (!c->hook) return refuse(c, 503, "Out of memory", NULL);
    str_copy(c->hook->name, sizeof c->hook->name, name);
    random_uuid(c->hook->id);
    return false;
}

/* --- with it ------------------------------------------------------------------------------------------------------------------ */

static void answer_error(struct gateway_conn *c, int status, struct str why)
{
    struct buf body = { 0 };
    buf_text(&body, "{\"ok\":false");
    buf_json_pair_str(&body, "error", why);
    buf_char(&body, '}');
    gateway_answer(c, status, JSON_TYPE, buf_str(&body), NULL);
    buf_free(&body);
}

static void wake(struct gateway_conn *c)
{
    const struct hook *h = &c->hook->what;
    if (system_events_add(&c->gw->misc->events, buf_str(&h->text), clock_wall_ms()) != 0) {
        answer_error(c, 503, STR("out of memory"));
        return;
    }
    if (h->now) gateway_heartbeat_wake(c->gw);
    gateway_answer(c, 200, JSON_TYPE, h->now ? STR("{\"ok\":true,\"mode\":\"now\"}") : STR("{\"ok\":true,\"mode\":\"next-heartbeat\"}"),
                   NULL);
}

static void find_route(const struct hook *h, struct str last, struct buf *out)
{
    channel_route_find(buf_str(&h->channel), STR(""), buf_str(&h->to), last, out);
}

static void submit(struct gateway_conn *c, struct str route)
{
    char received[CLOCK_ISO_SIZE];
    const struct hook *h = &c->hook->what;
    struct buf text = { 0 }, time = { 0 }, packed = { 0 };
    struct msg m = { .kind = MSG_turn_submit, .trace = random_u64() };
    const struct config_agent *agent = config_agent_find(c->gw->options->config, buf_str(&h->agent));
    clock_iso(clock_wall_ms(), received);
    heartbeat_write_time(agent ? agent->time_zone : STR(""), clock_wall_ms(), &time);
    hook_message(h, c->hook->id, received, buf_str(&time), &text);
    struct chat_part part = { .kind = CHAT_TEXT, .text = buf_str(&text) };
    const struct chat_message message = { .role = CHAT_USER, .parts = &part, .part_count = 1, .timestamp_ms = clock_wall_ms() };
    int rc = text.err ? text.err : chat_pack_message(&packed, &message);
    m.turn_submit = (struct msg_turn_submit){ .run_id = str_of(c->hook->id),
                                              .session_key = buf_str(&h->session_key),
                                              .agent = buf_str(&h->agent),
                                              .lane = LANE_MAIN,
                                              .idempotency_key = str_of(c->hook->id),
                                              .bounded = 1,
                                              .channel = STR("hook"),
                                              .model = buf_str(&h->model),
                                              .thinking = buf_str(&h->thinking),
                                              .route = route,
                                              .ack = 1,
                                              .policy = 1,
                                              .message = buf_str(&packed) };
    if (rc == 0) rc = gateway_ask(c, "router", &m);
    if (rc) answer_error(c, 503, str_of(err_text(rc)));
    buf_free(&text);
    buf_free(&time);
    buf_free(&packed);
}

/* Its answer goes where the agent was last spoken to: the store knows. */
static void ask_route(struct gateway_conn *c)
{
    const config_t *cfg = c->gw->options->config;
    const struct session_key_rules rules = { config_agent_default(cfg)->id, config_str(cfg, "session.mainKey") };
    struct buf key = { 0 };
    struct msg m = { .kind = MSG_route_ask };
    session_key_main(&rules, buf_str(&c->hook->what.agent), &key);
    m.route_ask.session_key = buf_str(&key);
    int rc = key.err ? key.err : gateway_ask(c, "store", &m);
    if (rc) answer_error(c, 503, str_of(err_text(rc)));
    buf_free(&key);
}

static void run(struct gateway_conn *c)
{
    struct buf why = { 0 }, route = { 0 };
    struct hook *h = &c->hook->what;
    int rc = hook_read(c->gw->options->config, str_of(c->hook->name), buf_str(&c->body), c->hook->id, h, &why);
    c->deadline_ms = clock_mono_ms() + GATEWAY_HOOK_MS;
    gateway_start_tick(c->gw);
    bool named = h->channel.n && h->to.n;
    if (rc == GW_EINVAL) {
        answer_error(c, 400, buf_str(&why));
    } else if (rc) {
        answer_error(c, 503, str_of(err_text(rc)));
    } else if (h->kind == HOOK_UNKNOWN) {
        refuse(c, 404, "Not Found", NULL);
    } else if (h->kind == HOOK_WAKE) {
        wake(c);
    } else if (h->deliver && !named) {
        ask_route(c);
    } else {
        if (h->deliver) find_route(h, (struct str){ 0 }, &route);
        submit(c, buf_str(&route));
    }
    buf_free(&why);
    buf_free(&route);
}

const struct gateway_route *gateway_hook_route(const config_t *config, struct str path)
{
    static const struct gateway_route route = {
        .path = "hooks", .method = GATEWAY_POST, .body_max = body_max, .run = run, .refuses = refuses
    };
    return hooks_below(config, path).p ? &route : NULL;
}

/* --- what came of it --------------------------------------------------------------------------------------------------------------- */

void gateway_hook_answer(struct gateway_conn *c, const struct msg *in)
{
    struct buf text = { 0 };
    if (in->kind == MSG_route_told) {
        find_route(&c->hook->what, in->route_told.route, &text);
        submit(c, buf_str(&text));
    } else if (in->kind == MSG_turn_accepted) {
        buf_printf(&text, "{\"ok\":true,\"runId\":\"%s\"}", c->hook->id);
        log_event(LOG_INFO, "hook_taken", LOG_T("name", c->hook->name), LOG_T("run", c->hook->id));
        gateway_answer(c, 202, JSON_TYPE, buf_str(&text), NULL);
    } else if (in->kind == MSG_turn_refused) {
        answer_error(c, 503, in->turn_refused.text);
    } else if (in->kind == MSG_error) {
        answer_error(c, 503, STR("a part of the gateway gave no answer; try again"));
    }
    buf_free(&text);
}

void gateway_hook_late(struct gateway_conn *c)
{
    answer_error(c, 503, STR("the turn could not be taken in time; it may run"));
}
