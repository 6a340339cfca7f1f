#include "actors/gateway_devices.h"

#include <stdlib.h>
#include <utlist.h>

#include "actors/gateway_devices_internal.h"
#include "base/clock.h"
#include "base/env.h"
#include "base/log.h"

/* Rows that are stored together, and what follows. */
struct batch {
    int left; /* answers that are awaited */
    int rc;   /* first failure */
    struct gateway_decision decision;
    gateway_devices_fn *fn; /* NULL: nobody waits */
    void *ctx;
    struct connect_verdict *verdict;
    struct batch *prev, *next;
};

struct saving {
    uint64_t corr;
    struct device_change change;
    struct batch *batch; /* NULL: nothing hangs on it */
    bool of_request;     /* the answer goes on to the request that asked */
    int64_t deadline_ms; /* monotonic */
    UT_hash_handle hh;
};

struct closing {
    char device_id[DEVICE_ID_SIZE], role[DEVICE_WORD_SIZE];
    const char *reason;
    struct closing *next;
};

struct gateway_devices {
    devices_t *table;
    struct str bootstrap; /* of the environment; empty: none */
    bool ready;
    uint64_t load_corr; /* 0: not under way */
    int64_t load_again_ms;
    struct saving *saving;   /* by corr; owned */
    struct batch *batches;   /* owned */
    struct closing *closing; /* owned: connections that end after the answer in hand */
    int settled;             /* how the batch went whose last answer is in hand */
};

/* --- life ------------------------------------------------------------------------------------------------------------- */

static void load(struct gateway *gw)
{
    struct gateway_devices *d = gw->devices;
    struct msg m = { .kind = MSG_device_load, .corr = mailbox_corr(gw->mailbox) };
    d->load_again_ms = clock_mono_ms() + GATEWAY_DEVICES_LOAD_MS;
    d->load_corr = mailbox_send(gw->mailbox, "store", &m) == 0 ? m.corr : 0;
}

static struct str read_bootstrap(void)
{
    const struct env env = env_process();
    struct str token = env_get(&env, "OPENCLAW_BOOTSTRAP_TOKEN");
    log_secret_add(token);
    if (token.n == 0 || token.n >= CONNECT_BOOTSTRAP_MIN) return token;
    log_event(LOG_WARN, "bootstrap_token_ignored", LOG_I("least_bytes", CONNECT_BOOTSTRAP_MIN));
    return (struct str){ 0 };
}

int gateway_devices_create(struct gateway *gw)
{
    struct gateway_devices *d = gw->devices = calloc(1, sizeof *d);
    if (!d) return GW_ENOMEM;
    int rc = devices_create(&d->table);
    if (rc) {
        free(d);
        gw->devices = NULL;
        return rc;
    }
    d->bootstrap = read_bootstrap();
    load(gw);
    return 0;
}

static void free_batch(struct gateway_devices *d, struct batch *b)
{
    DL_DELETE(d->batches, b);
    buf_free(&b->decision.payload);
    free(b);
}

void gateway_devices_destroy(struct gateway *gw)
{
    struct gateway_devices *d = gw->devices;
    struct saving *s, *safe;
    if (!d) return;
    HASH_ITER(hh, d->saving, s, safe)
    {
        HASH_DEL(d->saving, s);
        free(s);
    }
    while (d->batches) free_batch(d, d->batches);
    while (d->closing) {
        struct closing *next = d->closing->next;
        free(d->closing);
        d->closing = next;
    }
    devices_destroy(&d->table);
    free(d);
    gw->devices = NULL;
}

bool gateway_devices_ready(const struct gateway *gw)
{
    return gw->devices->ready;
}

devices_t *gateway_devices_table(struct gateway *gw)
{
    return gw->devices->table;
}

void gateway_devices_facts(struct gateway *gw, struct connect_facts *f)
{
    const config_t *config = gw->options->config;
    struct str own = str_of(gw->options->token);
    *f = (struct connect_facts){
        .now_ms = clock_wall_ms(),
        .mode = own.n ? CONFIG_AUTH_TOKEN : gw->cfg->auth,
        .token = own.n ? own : gw->cfg->token,
        .password = gw->cfg->password,
        .bootstrap = gw->devices->bootstrap,
        .allowed_origins = gw->cfg->allowed_origins,
        .allowed_origin_count = gw->cfg->allowed_origin_count,
        .allow_insecure_auth = config_bool(config, "gateway.controlUi.allowInsecureAuth"),
        .disable_device_auth = config_bool(config, "gateway.controlUi.dangerouslyDisableDeviceAuth"),
    };
}

/* --- what follows a decision ------------------------------------------------------------------------------------------ */

static void note_closing(struct gateway_devices *d, const struct gateway_decision *what)
{
    struct closing *c = calloc(1, sizeof *c);
    if (!c) return; /* its next connect is refused all the same */
    memcpy(c->device_id, what->device_id, sizeof c->device_id);
    memcpy(c->role, what->role, sizeof c->role);
    c->reason = what->reason;
    LL_PREPEND(d->closing, c);
}

static void close_due(struct gateway *gw)
{
    while (gw->devices->closing) {
        struct closing *c = gw->devices->closing;
        gw->devices->closing = c->next;
        gateway_client_close_device(gw, c->device_id, c->role[0] ? c->role : NULL, c->reason);
        free(c);
    }
}

/* Every row is stored, or will not be for now. The decision holds either way: it stands in the table. */
static void settle(struct gateway *gw, struct batch *b)
{
    struct gateway_devices *d = gw->devices;
    const struct gateway_decision *what = &b->decision;
    if (what->event && what->payload.err == 0) gateway_broadcast(gw, GATEWAY_PAIRERS, what->event, buf_str(&what->payload), false);
    if (what->close) note_closing(d, what);
    d->settled = b->rc;
    gateway_devices_fn *fn = b->fn;
    void *ctx = b->ctx;
    if (fn && b->rc) connect_verdict_fail(b->verdict, b->rc);
    free_batch(d, b);
    if (fn) fn(ctx);
}

static void finish(struct gateway *gw, struct saving *s, int rc)
{
    struct batch *b = s->batch;
    if (rc) {
        log_event(LOG_ERROR, "device_not_stored", LOG_T("id", s->change.id), LOG_T("code", err_name(rc)));
        devices_change_failed(gw->devices->table, &s->change);
    }
    HASH_DEL(gw->devices->saving, s);
    free(s);
    if (!b) return;
    if (rc && b->rc == 0) b->rc = rc;
    if (--b->left == 0) settle(gw, b);
}

/* --- storing ---------------------------------------------------------------------------------------------------------- */

/* Who stores: a request whose answer waits for the last row, or nobody (rq NULL). */
struct asker {
    struct gateway_request *rq;
    gateway_answer_fn *on_answer;
    bool asked; /* rq was asked with: it is answered when that is, or it is gone */
};

static int send_row(struct gateway *gw, struct saving *s, struct str json, struct asker *by)
{
    struct msg m = { .kind = MSG_device_save };
    m.device_save = (struct msg_device_save){ .kind = s->change.kind, .id = str_of(s->change.id), .json = json };
    s->of_request = by != NULL;
    if (by) {
        by->asked = true;
        int rc = gateway_request_ask(by->rq, "store", &m, by->on_answer);
        s->corr = rc ? 0 : by->rq->corr;
        return rc;
    }
    s->corr = m.corr = mailbox_corr(gw->mailbox);
    return mailbox_send(gw->mailbox, "store", &m);
}

/* Send one row; the batch, if any, waits for its answer. */
static int save_row(struct gateway *gw, struct batch *b, const struct device_change *change, struct str json, struct asker *by)
{
    struct saving *s = calloc(1, sizeof *s);
    if (!s) return GW_ENOMEM;
    s->change = *change;
    s->batch = change->urgent || by ? b : NULL;
    s->deadline_ms = clock_mono_ms() + GATEWAY_DEVICES_SAVE_MS;
    if (change->kind == DEVICE_ROW_PAIRED && json.n == 0) log_event(LOG_INFO, "device_forgotten", LOG_T("device", change->id));
    int rc = send_row(gw, s, json, by);
    if (rc) {
        free(s);
        return rc;
    }
    HASH_ADD(hh, gw->devices->saving, corr, sizeof s->corr, s);
    if (s->batch) s->batch->left++;
    return 0;
}

/* Send every changed row, the last one on behalf of by->rq. @return 0; else it stopped, and what was not sent is changed still */
static int save_all(struct gateway *gw, struct batch *b, struct asker *by)
{
    devices_t *table = gw->devices->table;
    struct device_change change, next;
    struct buf json = { .max = DEVICE_ROW_MAX }, next_json = { .max = DEVICE_ROW_MAX };
    int rc = 0;
    bool more = devices_take_change(table, &change, &json);
    while (more && rc == 0) {
        more = devices_take_change(table, &next, &next_json);
        rc = json.err ? json.err : save_row(gw, b, &change, buf_str(&json), more ? NULL : by);
        if (rc) devices_change_failed(table, &change);
        if (rc && more) devices_change_failed(table, &next);
        struct buf spare = json;
        json = next_json;
        next_json = spare;
        if (more) change = next;
    }
    buf_free(&json);
    buf_free(&next_json);
    return rc;
}

static struct batch *new_batch(struct gateway_devices *d)
{
    struct batch *b = calloc(1, sizeof *b);
    if (b) DL_APPEND(d->batches, b);
    return b;
}

/* --- messages and time ------------------------------------------------------------------------------------------------- */

static void save_changes(struct gateway *gw)
{
    int rc = save_all(gw, NULL, NULL);
    if (rc) log_event(LOG_ERROR, "devices_not_stored", LOG_T("code", err_name(rc))); /* the next tick tries again */
}

static void loaded(struct gateway *gw)
{
    struct gateway_devices *d = gw->devices;
    d->load_corr = 0;
    if (d->ready) return;
    d->ready = true;
    devices_expire(d->table, clock_wall_ms());
    log_event(LOG_INFO, "devices_loaded", LOG_I("paired", (int64_t)devices_paired_count(d->table)),
              LOG_I("pending", (int64_t)devices_request_count(d->table)));
    if (d->bootstrap.n && devices_is_spent(d->table, d->bootstrap)) log_event(LOG_INFO, "bootstrap_token_spent_before");
    gateway_client_devices_ready(gw);
}

static void take_row(struct gateway_devices *d, const struct msg_device_row *row)
{
    int rc = devices_load_row(d->table, (enum device_row)row->kind, row->id, row->json);
    if (rc) log_event(LOG_ERROR, "device_row_skipped", LOG_S("id", row->id), LOG_T("code", err_name(rc)));
}

bool gateway_devices_message(struct gateway *gw, const struct msg *in)
{
    struct gateway_devices *d = gw->devices;
    struct saving *s;
    if (!d || !in->corr) return false;
    if (in->corr == d->load_corr) {
        if (in->kind == MSG_device_row) take_row(d, &in->device_row);
        if (in->kind == MSG_device_loaded) loaded(gw);
        if (in->kind == MSG_error) log_event(LOG_ERROR, "devices_not_loaded", LOG_S("reason", in->error.text));
        if (in->kind == MSG_error) d->load_corr = 0;
        return true;
    }
    HASH_FIND(hh, d->saving, &in->corr, sizeof in->corr, s);
    if (!s) return false;
    bool of_request = s->of_request;
    int failed = in->kind == MSG_error ? (int)in->error.code : GW_EINVAL;
    d->settled = in->kind == MSG_device_saved ? 0 : failed;
    finish(gw, s, d->settled);
    return !of_request;
}

void gateway_devices_tick(struct gateway *gw)
{
    struct gateway_devices *d = gw->devices;
    struct saving *s, *safe;
    int64_t now_ms = clock_mono_ms();
    if (!d) return;
    if (!d->ready && now_ms >= d->load_again_ms) load(gw); /* rows that came already are taken once more */
    HASH_ITER(hh, d->saving, s, safe)
    {
        if (s->deadline_ms <= now_ms) finish(gw, s, GW_ETIMEOUT);
    }
    if (!d->ready) return;
    devices_expire(d->table, clock_wall_ms());
    save_changes(gw);
    close_due(gw);
}

/* --- connecting --------------------------------------------------------------------------------------------------------- */

static void audit_connect(const struct connect_params *p, const struct connect_facts *f, const struct connect_verdict *v)
{
    struct str client = p->client_id, address = f->address, device = str_of(v->device_id), role = p->role;
    if (!v->accepted)
        log_event(LOG_WARN, "connect_refused", LOG_T("reason", v->message), LOG_S("client", client), LOG_S("address", address),
                  LOG_S("device", device), LOG_T("request", v->request_id));
    if (v->event == CONNECT_REQUESTED)
        log_event(LOG_INFO, "device_pairing_requested", LOG_T("request", v->request_id), LOG_S("device", device), LOG_S("role", role),
                  LOG_T("scopes", p->scopes.text), LOG_S("client", client), LOG_S("address", address));
    if (v->event == CONNECT_RESOLVED)
        log_event(LOG_INFO, "device_paired", LOG_T("by", v->proof == CONNECT_PROOF_BOOTSTRAP ? "bootstrap_token" : "local"),
                  LOG_T("request", v->request_id), LOG_S("device", device), LOG_S("role", role), LOG_T("scopes", p->scopes.text),
                  LOG_S("client", client), LOG_S("address", address));
}

static void set_event(struct connect_verdict *v, struct gateway_decision *what)
{
    if (v->event == CONNECT_NO_EVENT) return;
    what->event = v->event == CONNECT_REQUESTED ? "device.pair.requested" : "device.pair.resolved";
    what->payload = v->event_payload;
    v->event_payload = (struct buf){ 0 };
}

bool gateway_devices_connect(struct gateway *gw, const struct connect_params *p, const struct connect_facts *f, struct connect_verdict *v,
                             gateway_devices_fn *fn, void *ctx)
{
    struct gateway_devices *d = gw->devices;
    struct batch *b = new_batch(d);
    connect_judge(p, f, d->table, v);
    audit_connect(p, f, v);
    if (!b) {
        connect_verdict_fail(v, GW_ENOMEM);
        return true;
    }
    set_event(v, &b->decision);
    b->left = 1; /* this function's own hold, so that nothing settles before it is set up */
    b->rc = save_all(gw, b, NULL);
    if (b->rc) connect_verdict_fail(v, b->rc);
    bool now = b->rc != 0 || b->left == 1;
    if (!now) {
        b->fn = fn;
        b->ctx = ctx;
        b->verdict = v;
    }
    if (--b->left == 0) settle(gw, b);
    return now;
}

void gateway_devices_forget(struct gateway *gw, const void *ctx)
{
    struct batch *b;
    if (!gw->devices) return;
    DL_FOREACH(gw->devices->batches, b)
    {
        if (b->fn && b->ctx == ctx) b->fn = NULL;
    }
}

/* --- operators' decisions ------------------------------------------------------------------------------------------------ */

static void answer_unstored(struct gateway_request *rq)
{
    gateway_refuse(rq, "UNAVAILABLE", "decided, but not stored yet; it is tried again");
}

/* gateway_devices_message() has seen this answer first and knows how the rows before it went. */
static void on_saved(struct gateway_request *rq, const struct msg *in)
{
    struct gateway *gw = rq->gw;
    if (in->kind == MSG_device_saved && gw->devices->settled == 0)
        gateway_respond(rq, str_of(rq->state));
    else
        answer_unstored(rq);
    close_due(gw);
}

void gateway_devices_decide(struct gateway_request *rq, struct gateway_decision *decision, struct buf *answer)
{
    struct gateway *gw = rq->gw;
    struct batch *b = new_batch(gw->devices);
    struct asker by = { .rq = rq, .on_answer = on_saved };
    size_t n;
    rq->state = buf_take(answer, &n);
    gateway_request_until(rq, clock_mono_ms() + GATEWAY_DEVICES_SAVE_MS, answer_unstored);
    int rc = b && rq->state ? save_all(gw, b, &by) : GW_ENOMEM;
    if (!by.asked && rc == 0)
        gateway_respond(rq, str_of(rq->state)); /* nothing had to be stored */
    else if (!by.asked)
        answer_unstored(rq);
    if (b) {
        b->decision = *decision;
        if (b->rc == 0) b->rc = rc;
        if (b->left == 0) settle(gw, b); /* else with the last answer, which cannot have come yet */
    } else {
        buf_free(&decision->payload);
    }
    if (rc) close_due(gw);
}
