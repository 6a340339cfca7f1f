/* actors/gateway_judge.c -- a `connect` of right form: the facts of its connection, the verdict, what follows from it. */
#include <stdlib.h>

#include "actors/gateway_client.h"
#include "actors/gateway_devices.h"
#include "base/clock.h"
#include "base/log.h"
#include "channels/connect.h"

/* --- the facts -------------------------------------------------------------------------------------------------- */

static struct connect_place place_of(const struct gateway_client *cl)
{
    return (struct connect_place){
        .address = str_of(cl->peer.address), .host = str_of(cl->host), .forwarded = cl->peer.forwarded, .peer_trusted = cl->peer.trusted
    };
}

static void read_facts(struct gateway_client *cl, struct connect_facts *f)
{
    struct connect_place place = place_of(cl);
    struct str address = str_of(cl->peer.address);
    gateway_devices_facts(cl->gw, f);
    f->local = cl->local = connect_is_local(&place);
    f->address = address;
    f->remote_ip = cl->local || connect_address_is_loopback(address) ? (struct str){ NULL, 0 } : address;
    f->origin = str_of(cl->origin);
    f->host = str_of(cl->host);
    f->nonce = str_of(cl->nonce);
    f->vouched = cl->vouched;
    f->locked = gateway_auth_locked_ms(cl->gw->auth, &cl->peer, clock_mono_ms()) > 0;
}

static char *copy(struct str text)
{
    return text.n ? str_dup(text) : NULL;
}

static void identify(struct gateway_client *cl, const struct connect_params *p, const struct connect_verdict *v)
{
    struct gateway_identity *who = &cl->who;
    struct buf scopes = { 0 };
    scopes_write(&v->scopes, &scopes);
    *who = (struct gateway_identity){
        .client_id = copy(p->client_id),
        .mode = copy(p->client_mode),
        .version = copy(p->client_version),
        .platform = copy(p->platform),
        .display_name = copy(p->display_name),
        .device_family = copy(p->device_family),
        .model_identifier = copy(p->model_identifier),
        .instance_id = copy(p->instance_id),
        .device_id = copy(str_of(v->device_id)),
        .node = v->role == DEVICE_NODE,
        .read = scopes_has(&v->scopes, STR("operator.read")),
        .write = scopes_has(&v->scopes, STR("operator.write")),
        .admin = scopes_has(&v->scopes, STR("operator.admin")),
        .approvals = scopes_has(&v->scopes, STR("operator.approvals")),
        .pairing = scopes_has(&v->scopes, STR("operator.pairing")),
        .scopes = copy(buf_str(&scopes)),
        .tool_events = p->tool_events,
    };
    buf_free(&scopes);
}

/* --- what follows ----------------------------------------------------------------------------------------------- */

struct gateway_judging { /* a verdict that is told when what it changed is durable */
    struct connect_verdict verdict;
    struct str id; /* of the request, JSON text; in `text` */
    char text[];
};

static void let_in(struct gateway_client *cl, const struct gateway_judging *j)
{
    const struct connect_verdict *v = &j->verdict;
    struct buf scopes = { 0 };
    struct gateway_greeting greeting = { 0 };
    if (v->has_grant) {
        scopes_write(&v->grant.scopes, &scopes);
        greeting = (struct gateway_greeting){ str_of(v->grant.token), buf_str(&scopes), v->grant.issued_at_ms };
    }
    gateway_connect_greet(cl, j->id, &greeting);
    buf_free(&scopes);
}

void gateway_judging_free(struct gateway_client *cl)
{
    if (!cl->judging) return;
    gateway_devices_forget(cl->gw, cl);
    connect_verdict_free(&cl->judging->verdict);
    free(cl->judging);
    cl->judging = NULL;
}

static void tell(void *ctx)
{
    struct gateway_client *cl = ctx;
    const struct gateway_judging *j = cl->judging;
    const struct connect_verdict *v = &j->verdict;
    if (v->count == CONNECT_COUNT_FAILURE) gateway_auth_failed(cl->gw->auth, &cl->peer, clock_mono_ms());
    if (v->count == CONNECT_COUNT_SUCCESS) gateway_auth_succeeded(cl->gw->auth, &cl->peer);
    if (cl->state == CLIENT_CLOSING) {
        /* its time was over */
    } else if (v->accepted) {
        let_in(cl, j);
    } else {
        gateway_connect_refuse(cl, j->id, v->code, str_of(v->message), str_of(v->details), v->close_code, str_of(v->close_reason));
    }
    gateway_judging_free(cl);
}

void gateway_connect_judge(struct gateway_client *cl, struct str id, const json_t *params)
{
    struct connect_params p;
    struct connect_facts f;
    struct buf why = { 0 };
    struct gateway_judging *j = NULL;
    if (connect_read(params, &p, &why) != 0) {
        gateway_connect_refuse(cl, id, "INVALID_REQUEST", buf_str(&why), (struct str){ 0 }, CONNECT_CLOSE_POLICY, buf_str(&why));
    } else if (!(j = calloc(1, sizeof *j + id.n))) {
        gateway_kill(cl->conn);
    } else {
        memcpy(j->text, id.p, id.n);
        j->id = (struct str){ j->text, id.n };
        cl->judging = j;
        cl->state = CLIENT_JUDGED;
        read_facts(cl, &f);
        bool now = gateway_devices_connect(cl->gw, &p, &f, &j->verdict, tell, cl);
        if (j->verdict.accepted) identify(cl, &p, &j->verdict);
        if (now) tell(cl);
    }
    buf_free(&why);
}
