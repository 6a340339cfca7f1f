#include "actors/channel.h"

#include <stdlib.h>

#include "actors/channel_internal.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/random.h"

enum { LOAD_AGAIN_MS = 500, IDLE_MS = 60000, GOODBYE_MS = 500 };

struct channel_now channel_now(void)
{
    return (struct channel_now){ clock_mono_ms(), clock_wall_ms() };
}

/* --- what the translator may ask for ----------------------------------------------------------------------------------- */

static void do_connect(void *ctx, size_t account, struct str url)
{
    channel_ws_connect(ctx, account, url);
}

static void do_send(void *ctx, size_t account, struct str text)
{
    channel_ws_send(ctx, account, text);
}

static void do_close(void *ctx, size_t account, int code)
{
    channel_ws_close(ctx, account, code);
}

static void do_request(void *ctx, const struct channel_request *request)
{
    channel_http_request(ctx, request);
}

static void do_message(void *ctx, const struct channel_message *message)
{
    channel_on_message(ctx, message);
}

static void do_event(void *ctx, struct str session_key, struct str text)
{
    channel_note_line(ctx, session_key, text);
}

static void do_delivered(void *ctx, int64_t id, enum channel_delivered how, int64_t parts, struct str text)
{
    struct host *h = ctx;
    struct msg m = { .kind = MSG_delivery_done };
    m.delivery_done.id = id;
    m.delivery_done.how = how;
    m.delivery_done.parts = parts;
    m.delivery_done.text = how == CHANNEL_FAILED ? str_utf8_prefix(text, 1024) : STR("");
    if (how != CHANNEL_PARTLY) {
        channel_trace_parcel(h, id, how == CHANNEL_FAILED);
        channel_parcel_over(h, id);
    }
    mailbox_send(h->mailbox, "store", &m);
}

static void do_ordered(void *ctx, uint64_t tag, bool ok, struct str json)
{
    struct host *h = ctx;
    struct channel_asked *a;
    struct msg m = { .kind = MSG_channel_ordered };
    HASH_FIND(hh, h->asked, &tag, sizeof tag, a);
    if (!a) return;
    m.corr = a->corr;
    m.channel_ordered.ok = ok;
    m.channel_ordered.json = json;
    mailbox_send(h->mailbox, a->from, &m);
    HASH_DEL(h->asked, a);
    free(a);
}

static void do_decide(void *ctx, uint64_t tag, struct str id, struct str decision, struct str by)
{
    channel_decide(ctx, tag, id, decision, by);
}

static void do_keep(void *ctx, struct str key, struct str json)
{
    struct host *h = ctx;
    struct msg m = { .kind = MSG_channel_keep };
    m.channel_keep.channel = str_of(h->channel->id);
    m.channel_keep.key = key;
    m.channel_keep.json = json;
    mailbox_send(h->mailbox, "store", &m);
}

static void do_changed(void *ctx)
{
    ((struct host *)ctx)->changed = true;
}

static uint64_t do_random(void *ctx)
{
    (void)ctx;
    return random_u64();
}

/* --- the loop ------------------------------------------------------------------------------------------------------------ */

static void tell_status(struct host *h, int64_t now_ms)
{
    struct buf json = { 0 };
    struct msg m = { .kind = MSG_channel_status };
    const struct channel_now now = channel_now();
    if (!h->changed && now_ms < h->status_ms) return;
    if (now_ms >= h->status_ms) h->due = true; /* a word of the store's that got lost */
    h->changed = false;
    h->status_ms = now_ms + CHANNEL_STATUS_MS;
    h->channel->status(h->state, &now, &json);
    m.channel_status.channel = str_of(h->channel->id);
    m.channel_status.json = buf_str(&json);
    if (!json.err) mailbox_send(h->mailbox, "query", &m);
    buf_free(&json);
}

/* Ask for what was kept, until the store runs and says. */
static void load(struct host *h, int64_t now_ms)
{
    struct msg m = { .kind = MSG_channel_load };
    if (h->loaded || now_ms < h->load_ms) return;
    h->load_ms = now_ms + LOAD_AGAIN_MS;
    m.corr = mailbox_corr(h->mailbox);
    m.channel_load.channel = str_of(h->channel->id);
    mailbox_send(h->mailbox, "store", &m);
}

static void drain(struct host *h)
{
    struct msg in;
    for (;;) {
        int rc = mailbox_recv(h->mailbox, 0, &in);
        if (rc == GW_EBADMSG) continue;
        if (rc == GW_ECLOSED) h->stopping = true;
        if (rc) return;
        channel_on_bus(h, &in);
        msg_clear(&in);
    }
}

/* The loop looks what is due. Without the cancel, a timer that is over when lws_service() begins would be run, and the wait be a long one.
 */
static void on_timer(lws_sorted_usec_list_t *sul)
{
    lws_cancel_service(lws_container_of(sul, struct host, timer)->lws);
}

static void round_once(struct host *h)
{
    int64_t now_ms = clock_mono_ms(), due_ms = now_ms + IDLE_MS;
    const int64_t times[] = { h->channel->next(h->state), h->curl_due_ms, h->status_ms, h->loaded ? INT64_MAX : h->load_ms };
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        if (times[i] < due_ms) due_ms = times[i];
    lws_sul_schedule(h->lws, 0, &h->timer, on_timer, (due_ms > now_ms ? due_ms - now_ms : 0) * LWS_US_PER_MS + 1);
    lws_service(h->lws, due_ms > now_ms ? 0 : -1);
    channel_http_run(h);
    channel_ws_sweep(h);
    const struct channel_now now = channel_now();
    if (h->loaded && now.mono_ms >= h->channel->next(h->state)) h->channel->tick(h->state, &now);
    load(h, now.mono_ms);
    tell_status(h, now.mono_ms);
    drain(h);
    channel_fetch_due(h);
    drain(h); /* sending may have eaten the descriptor's edge */
}

static int open_host(struct host *h, mailbox_t *mb, struct channel_actor_options *options)
{
    const struct channel_host ports = { .ctx = h,
                                        .connect = do_connect,
                                        .send = do_send,
                                        .close = do_close,
                                        .request = do_request,
                                        .message = do_message,
                                        .event = do_event,
                                        .delivered = do_delivered,
                                        .ordered = do_ordered,
                                        .decide = do_decide,
                                        .keep = do_keep,
                                        .changed = do_changed,
                                        .random = do_random };
    h->mailbox = mb;
    h->options = options;
    h->channel = channel_find(str_of(options->id));
    h->epoll = -1;
    if (!h->channel) return GW_ENOENT;
    const struct channel_options given = { .config = options->config, .env = options->env };
    int rc = channel_http_open(h);
    if (rc == 0) rc = channel_ws_open(h);
    return rc ? rc : h->channel->create(&given, &ports, &h->state);
}

/* Say goodbye, and give it a moment to go out. */
static void say_goodbye(struct host *h)
{
    const struct channel_now now = channel_now();
    int64_t until_ms = now.mono_ms + GOODBYE_MS;
    if (h->channel->stop) h->channel->stop(h->state, &now);
    while (h->conns && clock_mono_ms() < until_ms) {
        lws_sul_schedule(h->lws, 0, &h->timer, on_timer, 20 * LWS_US_PER_MS);
        lws_service(h->lws, 0);
        channel_ws_sweep(h);
    }
}

int channel_actor(mailbox_t *mb, void *arg)
{
    struct channel_actor_options *options = arg;
    struct host *h = calloc(1, sizeof *h);
    int rc = h ? open_host(h, mb, options) : GW_ENOMEM;
    log_set_actor(rc == 0 ? h->channel->id : "channel");
    while (rc == 0 && !h->stopping) round_once(h);
    if (rc == 0) say_goodbye(h);
    if (h) {
        if (h->lws) lws_sul_cancel(&h->timer);
        channel_ws_free(h);
        channel_http_free(h);
        channel_bus_free(h);
        if (h->state) h->channel->destroy(&h->state);
    }
    free(h);
    config_unref(&options->config);
    free(options);
    return rc;
}
