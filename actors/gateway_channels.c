/* actors/gateway_channels.c -- clients and the chat networks: their state with a probe, `send`, and who may write directly. */
#include <stdio.h>
#include <stdlib.h>

#include "actors/gateway_misc.h"
#include "base/hash.h"
#include "base/json_read.h"
#include "channels/channel.h"

static void refuse(struct gateway_request *rq, const char *code, struct str text)
{
    gateway_respond_error(rq, code, text, (struct str){ 0 });
}

static bool is_there(const struct gateway *gw, struct str id)
{
    const struct channel *c = channel_find(id);
    const struct env env = env_process();
    return c && c->wanted(gw->options->config, &env);
}

static int order(struct gateway_request *rq, struct str channel, const char *action, json_t *params, struct str route, struct str nonce,
                 gateway_answer_fn *then)
{
    char name[48];
    char *text = json_dumps(params, JSON_COMPACT);
    struct msg m = { .kind = MSG_channel_order };
    snprintf(name, sizeof name, "channel.%.*s", (int)(channel.n > 32 ? 32 : channel.n), channel.p);
    m.channel_order =
        (struct msg_channel_order){ .action = str_of(action), .route = route, .nonce = nonce, .params = text ? str_of(text) : STR("{}") };
    int rc = gateway_request_ask(rq, name, &m, then);
    free(text);
    return rc;
}

/* --- channels.status -------------------------------------------------------------------------------------------------- */

struct probing {     /* rq->state */
    json_t *params;  /* owned */
    json_t *probed;  /* owned: what each network said */
    size_t next;     /* of channels_all() */
    const char *now; /* the one that is asked; static */
};

static void free_probing(struct gateway_request *rq)
{
    struct probing *p = rq->state;
    json_decref(p->params);
    json_decref(p->probed);
}

static void probe_next(struct gateway_request *rq);

static void on_probed(struct gateway_request *rq, const struct msg *in)
{
    struct probing *p = rq->state;
    bool told = in->kind == MSG_channel_ordered && in->channel_ordered.ok;
    json_t *said = told ? json_loadb(in->channel_ordered.json.p, in->channel_ordered.json.n, 0, NULL) : NULL;
    if (said) json_object_set_new(p->probed, p->now, said);
    probe_next(rq);
}

/* One network after the other. What they say goes with the question: the query actor writes the answer. */
static void probe_next(struct gateway_request *rq)
{
    struct probing *p = rq->state;
    const struct channel *const *all = channels_all();
    while (all[p->next] && !is_there(rq->gw, str_of(all[p->next]->id))) p->next++;
    if (all[p->next]) {
        p->now = all[p->next++]->id;
        order(rq, str_of(p->now), "probe", p->params, (struct str){ 0 }, (struct str){ 0 }, on_probed);
        return;
    }
    json_t *params = json_deep_copy(p->params);
    json_object_set(params, "probed", p->probed);
    gateway_request_forward(rq, "query", RPC_channels_status, params);
    json_decref(params);
}

static void channels_status(struct gateway_request *rq, const json_t *params)
{
    struct probing *p = json_flag(params, "probe") ? calloc(1, sizeof *p) : NULL;
    if (!p) {
        gateway_request_forward(rq, "query", RPC_channels_status, params);
        return;
    }
    p->params = json_deep_copy(params);
    p->probed = json_object();
    rq->state = p;
    rq->on_end = free_probing;
    probe_next(rq);
}

/* --- pairing ----------------------------------------------------------------------------------------------------------- */

static void on_ordered(struct gateway_request *rq, const struct msg *in)
{
    if (in->kind != MSG_channel_ordered)
        refuse(rq, "UNAVAILABLE", in->kind == MSG_error ? in->error.text : STR("no answer from the channel"));
    else if (!in->channel_ordered.ok)
        refuse(rq, "INVALID_REQUEST", in->channel_ordered.json);
    else
        gateway_respond(rq, in->channel_ordered.json);
}

static void ask_pairing(struct gateway_request *rq, const json_t *params, const char *action)
{
    struct str channel = json_str(params, "channel");
    struct buf text = { 0 };
    json_t *copy = json_deep_copy(params);
    buf_printf(&text, "channel %.*s is not connected: it needs a token, and its plugin must not be switched off", STR_ARG(channel));
    if (is_there(rq->gw, channel))
        order(rq, channel, action, copy, (struct str){ 0 }, (struct str){ 0 }, on_ordered);
    else
        refuse(rq, "INVALID_REQUEST", buf_str(&text));
    json_decref(copy);
    buf_free(&text);
}

static void pairing_list(struct gateway_request *rq, const json_t *params)
{
    ask_pairing(rq, params, "pairing.list");
}

static void pairing_approve(struct gateway_request *rq, const json_t *params)
{
    ask_pairing(rq, params, "pairing.approve");
}

/* --- send -------------------------------------------------------------------------------------------------------------- */

struct sending { /* rq->state */
    char channel[33];
    char key[]; /* the request's idempotency key */
};

static void on_sent(struct gateway_request *rq, const struct msg *in)
{
    if (in->kind != MSG_channel_ordered || !in->channel_ordered.ok) {
        refuse(rq, "UNAVAILABLE", in->kind == MSG_channel_ordered ? in->channel_ordered.json : STR("no answer from the channel"));
        return;
    }
    json_t *said = json_loadb(in->channel_ordered.json.p, in->channel_ordered.json.n, 0, NULL);
    struct str id = json_text(json_array_get(json_object_get(said, "messageIds"), 0));
    const struct sending *s = rq->state;
    json_t *answer = json_pack("{s:s, s:s%, s:s*, s:s}", "runId", s->key, "messageId", id.p ? id.p : "", id.n, "channelId",
                               json_string_value(json_object_get(said, "channelId")), "channel", s->channel);
    char *text = json_dumps(answer, JSON_COMPACT);
    gateway_respond(rq, text ? str_of(text) : STR("{}"));
    free(text);
    json_decref(answer);
    json_decref(said);
}

bool gateway_channel_send(struct gateway_request *rq, const json_t *params)
{
    struct str channel = json_str(params, "channel"), to = json_str(params, "to"), key = json_str(params, "idempotencyKey");
    struct buf route = { 0 }, target = { 0 };
    char nonce[24];
    struct sending *s = is_there(rq->gw, channel) ? calloc(1, sizeof *s + key.n + 1) : NULL;
    if (!s) return false;
    str_copy(s->channel, sizeof s->channel, channel);
    memcpy(s->key, key.p, key.n);
    snprintf(nonce, sizeof nonce, "k%016llx", (unsigned long long)hash_fnv(key, 0)); /* the same key, the same nonce */
    if (memchr(to.p, ':', to.n) || (to.n && to.p[0] == '<'))
        buf_add(&target, to);
    else
        buf_printf(&target, "channel:%.*s", STR_ARG(to));
    buf_char(&route, '{');
    buf_json_pair_str(&route, "channel", channel);
    buf_json_pair_str(&route, "account", json_str(params, "accountId"));
    buf_json_pair_str(&route, "to", buf_str(&target));
    buf_char(&route, '}');
    json_t *copy = json_deep_copy(params);
    rq->state = s;
    order(rq, channel, "send", copy, buf_str(&route), str_of(nonce), on_sent);
    json_decref(copy);
    buf_free(&route);
    buf_free(&target);
    return true;
}

const struct gateway_rpc_handler gateway_channel_handlers[] = {
    { RPC_channels_status, channels_status },
    { RPC_channels_pairing_list, pairing_list },
    { RPC_channels_pairing_approve, pairing_approve },
    { RPC_none, NULL },
};
