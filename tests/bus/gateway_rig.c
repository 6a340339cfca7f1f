#include "bus/gateway_rig.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/failure.h"
#include "bus/hub.h"
#include "msgs/chat_pack.h"

/* --- the router ------------------------------------------------------------------------------------------------- */

struct script {
    hub_t *hub;
    const struct msg *in;
    int64_t turn;
    int64_t offset;
};

static void send(struct script *s, struct msg m)
{
    m.corr = s->in->corr;
    hub_send(s->hub, s->in->from, &m, NULL);
}

static void accept_turn(struct script *s, int64_t state)
{
    struct msg m = { .kind = MSG_turn_accepted };
    m.turn_accepted.turn = s->turn;
    m.turn_accepted.state = state;
    send(s, m);
}

static void delta(struct script *s, struct str text)
{
    struct msg m = { .kind = MSG_turn_delta };
    m.turn_delta.offset = s->offset;
    m.turn_delta.text = text;
    s->offset += (int64_t)text.n;
    send(s, m);
}

static void done(struct script *s, struct str text, enum chat_stop stop)
{
    struct msg m = { .kind = MSG_turn_done };
    m.turn_done.turn = s->turn;
    m.turn_done.model = STR("fake/model");
    m.turn_done.input_tokens = 7;
    m.turn_done.output_tokens = 3;
    m.turn_done.stop = stop;
    m.turn_done.text = text;
    send(s, m);
}

static void fail(struct script *s, struct str class)
{
    struct msg m = { .kind = MSG_turn_done };
    m.turn_done.turn = s->turn;
    m.turn_done.outcome = OUTCOME_FAILED;
    m.turn_done.failure = failure_of_name(class);
    m.turn_done.error = STR("both failed");
    send(s, m);
}

static void refuse(struct script *s, struct str reason)
{
    struct msg m = { .kind = MSG_turn_refused };
    m.turn_refused.reason = reason;
    m.turn_refused.text = STR("refused by the script");
    m.turn_refused.retry_after_ms = 2500;
    send(s, m);
}

static void say_parts(struct script *s, int64_t n)
{
    struct buf all = { 0 };
    for (int64_t i = 0; i < n; i++) {
        delta(s, STR("0123456789"));
        buf_text(&all, "0123456789");
    }
    done(s, buf_str(&all), CHAT_STOP_END);
    buf_free(&all);
}

static void say_big(struct script *s, int64_t n)
{
    char *text = malloc((size_t)n + 1);
    memset(text, 'x', (size_t)n);
    done(s, (struct str){ text, (size_t)n }, CHAT_STOP_END);
    free(text);
}

static void pour(struct script *s, int64_t n)
{
    static const char piece[64 * 1024] = { 'p' };
    for (; n > 0; n -= (int64_t)sizeof piece) delta(s, (struct str){ piece, sizeof piece });
}

static void gap(struct script *s)
{
    delta(s, STR("one "));
    s->offset += 4; /* "two " is lost */
    delta(s, STR("three"));
    done(s, STR("one two three"), CHAT_STOP_END);
}

static void play(struct script *s, struct str text)
{
    int64_t n = 0;
    struct str rest = text, word = str_split(&rest, ' ');
    str_to_int(rest, &n);
    if (str_is(word, "mute")) return;
    if (str_is(word, "refuse")) {
        refuse(s, rest);
        return;
    }
    accept_turn(s, str_is(word, "repeat") ? n : 0);
    if (str_is(word, "say"))
        delta(s, rest), done(s, rest, CHAT_STOP_END);
    else if (str_is(word, "parts"))
        say_parts(s, n);
    else if (str_is(word, "gap"))
        gap(s);
    else if (str_is(word, "stop"))
        done(s, STR("cut"), str_is(rest, "LENGTH") ? CHAT_STOP_LENGTH : CHAT_STOP_FILTER);
    else if (str_is(word, "fail"))
        fail(s, rest);
    else if (str_is(word, "latefail"))
        delta(s, STR("begun")), fail(s, STR("server"));
    else if (str_is(word, "repeat"))
        done(s, STR("first"), CHAT_STOP_END);
    else if (str_is(word, "big"))
        say_big(s, n);
    else if (str_is(word, "delta"))
        pour(s, n);
    else if (!str_is(word, "hold"))
        done(s, text, CHAT_STOP_END);
}

static void on_submit(hub_t *hub, const struct msg *in, int64_t turn)
{
    struct script s = { hub, in, turn, 0 };
    struct arena arena = { 0 };
    struct chat_message message;
    cr_assert(chat_unpack_message(in->turn_submit.message, &arena, &message) == 0);
    struct str text = message.part_count ? message.parts[0].text : STR("");
    hub_send(hub, "test", in, NULL);
    play(&s, text);
    arena_free(&arena);
}

static int route(hub_t *hub, void *arg)
{
    int64_t turn = 0;
    (void)arg;
    for (;;) {
        struct msg in, pong = { .kind = MSG_router_pong };
        int rc = hub_recv(hub, -1, &in);
        if (rc == GW_ECLOSED) return 0;
        if (rc) continue;
        pong.corr = in.corr;
        pong.router_pong.json = STR("{\"ready\":true,\"reasons\":[]}");
        if (in.kind == MSG_router_ping) hub_send(hub, in.from, &pong, NULL);
        if (in.kind == MSG_turn_submit) on_submit(hub, &in, ++turn);
        if (in.kind == MSG_turn_abort || in.kind == MSG_gateway_listening || in.kind == MSG_actor_ended) hub_send(hub, "test", &in, NULL);
        msg_clear(&in);
    }
}

/* No device is kept, and each is kept well. */
static int answer_store(void *self, const struct msg *in, const struct post *post)
{
    struct msg answer = { .corr = in->corr };
    (void)self;
    switch (in->kind) {
    case MSG_store_ping: answer.kind = MSG_store_pong; break;
    case MSG_device_load: answer.kind = MSG_device_loaded; break;
    case MSG_device_save: answer.kind = MSG_device_saved; break;
    default: return GW_EINVAL;
    }
    return post->send(post->ctx, in->from, &answer);
}

static int store(mailbox_t *mb, void *arg)
{
    return serve(mb, arg, answer_store);
}

/* --- the rig ---------------------------------------------------------------------------------------------------- */

static struct gateway_options *options_of(const struct gateway_rig_options *from)
{
    struct gateway_options *o = calloc(1, sizeof *o);
    struct config_problems problems = { 0 };
    struct env env = { 0 };
    int rc = config_parse(str_of(from->config ? from->config : "{}"), "test", &env, &o->config, &problems);
    cr_assert(rc == 0, "the test's configuration is wrong: %d problems", (int)problems.errors);
    config_problems_free(&problems);
    str_copy(o->bind_host, sizeof o->bind_host, STR("127.0.0.1"));
    if (from->token) o->token = str_dup(str_of(from->token));
    if (from->note) o->config_note = str_dup(str_of(from->note));
    o->times = from->times;
    o->bounds = from->bounds;
    return o;
}

void gateway_rig_start(struct gateway_rig *rig, const struct gateway_rig_options *options)
{
    static const struct gateway_rig_options none;
    *rig = (struct gateway_rig){ 0 };
    if (!options) options = &none;
    cr_assert(bus_create(&rig->bus) == 0 && hub_spawn(rig->bus, route, NULL, &rig->router) == 0);
    cr_assert(mailbox_open(rig->bus, "test", 0, &rig->mailbox) == 0);
    if (!options->no_store) cr_assert(actor_spawn(rig->bus, "store", 0, store, NULL, &rig->store) == 0);
    while (rig->store) { /* until it hears */
        struct msg a, q = { .kind = MSG_store_ping };
        if (mailbox_ask(rig->mailbox, "store", &q, RIG_MS, &a) != 0) continue;
        msg_clear(&a);
        break;
    }
    cr_assert(actor_spawn(rig->bus, "gateway", 16384, gateway_actor, options_of(options), &rig->gateway) == 0);
    struct msg m = gateway_rig_next(rig, MSG_gateway_listening);
    rig->port = (int)m.gateway_listening.port;
    msg_clear(&m);
}

void gateway_rig_tell(struct gateway_rig *rig, enum msg_kind kind)
{
    struct msg m = { .kind = kind };
    cr_assert(mailbox_send(rig->mailbox, "gateway", &m) == 0);
}

struct msg gateway_rig_next(struct gateway_rig *rig, enum msg_kind kind)
{
    for (;;) {
        struct msg m;
        int rc = mailbox_recv(rig->mailbox, RIG_MS, &m);
        cr_assert(rc == 0, "waiting for %s: %s", msg_kind_name(kind), err_name(rc));
        if (m.kind == kind) return m;
        msg_clear(&m);
    }
}

void gateway_rig_stop(struct gateway_rig *rig)
{
    struct msg stop = { .kind = MSG_actor_stop };
    mailbox_send(rig->mailbox, "gateway", &stop);
    if (rig->store) mailbox_send(rig->mailbox, "store", &stop);
    actor_join(&rig->gateway);
    actor_join(&rig->store);
    mailbox_close(&rig->mailbox);
    bus_shutdown(rig->bus);
    actor_join(&rig->router);
    bus_destroy(&rig->bus);
}

struct http_reply gateway_rig_chat(struct gateway_rig *rig, const char *text, const char *extra, const char *headers)
{
    struct http_reply r = { 0 };
    struct buf body = { 0 };
    buf_printf(&body, "{\"model\":\"openclaw\",\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}]%s}", text, extra ? extra : "");
    struct http_call call = { .path = "/v1/chat/completions", .body = buf_str(&body), .headers = headers };
    int rc = http_call(rig->port, &call, RIG_MS, &r);
    cr_assert(rc == 0, "chat \"%s\": %s", text, err_name(rc));
    buf_free(&body);
    return r;
}

struct http_reply gateway_rig_get(struct gateway_rig *rig, const char *method, const char *path)
{
    struct http_reply r = { 0 };
    struct http_call call = { .method = method, .path = path };
    int rc = http_call(rig->port, &call, RIG_MS, &r);
    cr_assert(rc == 0, "%s %s: %s", method, path, err_name(rc));
    return r;
}
