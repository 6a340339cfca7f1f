/* WebSockets of a channel: libwebsockets as a client. */
#include <stdlib.h>
#include <utlist.h>

#include "actors/channel_internal.h"
#include "base/err.h"
#include "base/log.h"

enum { CLOSE_WAIT_S = 2 };

static void end(struct channel_conn *c, struct str reason)
{
    c->gone = true;
    c->wsi = NULL;
    if (!c->reason[0]) str_copy(c->reason, sizeof c->reason, str_utf8_prefix(reason, sizeof c->reason - 1));
}

static int on_piece(struct channel_conn *c, struct lws *wsi, struct str piece)
{
    struct host *h = c->host;
    c->in.max = CHANNEL_WS_MESSAGE_MAX;
    if (lws_is_first_fragment(wsi)) buf_clear(&c->in);
    c->binary = lws_frame_is_binary(wsi);
    buf_add(&c->in, piece);
    if (c->in.err) return -1;
    if (!lws_is_final_fragment(wsi) || lws_remaining_packet_payload(wsi) > 0) return 0;
    const struct channel_now now = channel_now();
    if (!c->forgotten) h->channel->received(h->state, c->account, buf_str(&c->in), c->binary, &now);
    buf_clear(&c->in);
    if (c->in.cap > 256 * 1024) buf_free(&c->in);
    return 0;
}

static int write_next(struct channel_conn *c, struct lws *wsi)
{
    uint64_t n;
    if (c->out.n == 0 && c->bye) {
        lws_close_reason(wsi, (enum lws_close_status)c->bye, NULL, 0);
        return -1;
    }
    if (c->out.n == 0) return 0;
    memcpy(&n, c->out.p, sizeof n);
    unsigned char *frame = malloc(LWS_PRE + n);
    if (!frame) return -1;
    memcpy(frame + LWS_PRE, c->out.p + sizeof n, n);
    int sent = lws_write(wsi, frame + LWS_PRE, n, LWS_WRITE_TEXT);
    free(frame);
    if (sent < (int)n) return -1;
    buf_drop(&c->out, sizeof n + n);
    if (c->out.n || c->bye) lws_callback_on_writable(wsi);
    return 0;
}

static void note_close(struct channel_conn *c, const unsigned char *in, size_t len)
{
    if (len < 2) return;
    c->code = in[0] << 8 | in[1];
    str_copy(c->reason, sizeof c->reason, str_utf8_prefix((struct str){ (const char *)in + 2, len - 2 }, sizeof c->reason - 1));
}

static int on_ws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    struct channel_conn *c = lws_get_opaque_user_data(wsi);
    (void)user;
    if (!c) return 0;
    switch (reason) {
    case LWS_CALLBACK_CLIENT_ESTABLISHED: {
        const struct channel_now now = channel_now();
        if (c->bye) lws_callback_on_writable(wsi);
        if (!c->forgotten) c->host->channel->opened(c->host->state, c->account, &now);
        return 0;
    }
    case LWS_CALLBACK_CLIENT_RECEIVE: return on_piece(c, wsi, (struct str){ in, len });
    case LWS_CALLBACK_CLIENT_WRITEABLE: return write_next(c, wsi);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE: note_close(c, in, len); return 0;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        end(c, in ? (struct str){ in, len ? len : strlen(in) } : STR("connection refused"));
        return 0;
    case LWS_CALLBACK_CLIENT_CLOSED: end(c, STR("closed")); return 0;
    default: return 0;
    }
}

/* The mailbox's and curl's descriptors are only there to wake the loop. */
static int on_wake(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    (void)wsi;
    (void)reason;
    (void)user;
    (void)in;
    (void)len;
    return 0;
}

static const struct lws_protocols protocols[] = {
    { .name = "channel-ws", .callback = on_ws, .rx_buffer_size = 16384 },
    { .name = "wake", .callback = on_wake },
    { 0 },
};

static int adopt(struct host *h, int of)
{
    int fd = dup(of);
    const lws_adopt_desc_t desc = { .vh = h->vhost, .type = LWS_ADOPT_RAW_FILE_DESC, .fd.filefd = fd, .vh_prot_name = "wake" };
    if (fd >= 0 && lws_adopt_descriptor_vhost_via_info(&desc)) return 0;
    if (fd >= 0) close(fd);
    return GW_ESYS;
}

int channel_ws_open(struct host *h)
{
    const struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = protocols,
        .options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_VALIDATE_UTF8,
        .gid = (gid_t)-1,
        .uid = (uid_t)-1,
        .fd_limit_per_thread = 64,
    };
    lws_set_log_level(LLL_ERR, NULL);
    h->lws = lws_create_context(&info);
    h->vhost = h->lws ? lws_create_vhost(h->lws, &info) : NULL;
    int rc = h->vhost ? adopt(h, mailbox_fd(h->mailbox)) : GW_ESYS;
    return rc ? rc : adopt(h, h->epoll);
}

static struct channel_conn *current(struct host *h, size_t account)
{
    struct channel_conn *c;
    DL_FOREACH(h->conns, c)
    {
        if (c->account == account && !c->forgotten) return c;
    }
    return NULL;
}

/* "wss://host:port/path" in its parts. @return false: it is no such address */
static bool cut_url(struct str url, bool *tls, char host[256], int *port, char path[1024])
{
    int64_t number;
    *tls = str_starts(url, STR("wss://"));
    if (!*tls && !str_starts(url, STR("ws://"))) return false;
    url = (struct str){ url.p + (*tls ? 6 : 5), url.n - (*tls ? 6 : 5) };
    const char *slash = memchr(url.p, '/', url.n);
    struct str name = { url.p, slash ? (size_t)(slash - url.p) : url.n };
    struct str rest = slash ? (struct str){ slash, url.n - name.n } : STR("/");
    const char *colon = memchr(name.p, ':', name.n);
    *port = *tls ? 443 : 80;
    if (colon) {
        struct str digits = { colon + 1, name.n - (size_t)(colon - name.p) - 1 };
        if (str_to_int(digits, &number) != 0 || number < 1 || number > 65535) return false;
        *port = (int)number;
        name.n = (size_t)(colon - name.p);
    }
    return str_copy(host, 256, name) == 0 && str_copy(path, 1024, rest) == 0 && name.n > 0;
}

void channel_ws_connect(struct host *h, size_t account, struct str url)
{
    char name[256] = "", path[1024] = "";
    bool tls = false;
    int port = 0;
    struct channel_conn *c = calloc(1, sizeof *c);
    channel_ws_close(h, account, 1000);
    if (!c) return; /* the translator's own deadline passes */
    c->host = h;
    c->account = account;
    DL_APPEND(h->conns, c);
    if (!cut_url(url, &tls, name, &port, path)) {
        end(c, STR("the gateway's address is none"));
        return;
    }
    const struct lws_client_connect_info info = { .context = h->lws,
                                                  .vhost = h->vhost,
                                                  .address = name,
                                                  .port = port,
                                                  .path = path,
                                                  .host = name,
                                                  .ssl_connection = tls ? LCCSCF_USE_SSL : 0,
                                                  .local_protocol_name = "channel-ws",
                                                  .opaque_user_data = c,
                                                  .pwsi = &c->wsi };
    if (!lws_client_connect_via_info(&info) && !c->gone) end(c, STR("no connection could be made"));
}

void channel_ws_send(struct host *h, size_t account, struct str text)
{
    struct channel_conn *c = current(h, account);
    uint64_t n = text.n;
    if (!c || !c->wsi) return;
    buf_add(&c->out, (struct str){ (const char *)&n, sizeof n });
    buf_add(&c->out, text);
    lws_callback_on_writable(c->wsi);
}

void channel_ws_close(struct host *h, size_t account, int code)
{
    struct channel_conn *c = current(h, account);
    if (!c) return;
    c->forgotten = true;
    c->bye = code;
    buf_clear(&c->out);
    if (!c->wsi) return;
    lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_OK, CLOSE_WAIT_S);
    lws_callback_on_writable(c->wsi);
}

static void free_conn(struct host *h, struct channel_conn *c)
{
    DL_DELETE(h->conns, c);
    buf_free(&c->in);
    buf_free(&c->out);
    free(c);
}

void channel_ws_sweep(struct host *h)
{
    struct channel_conn *c, *safe;
    DL_FOREACH_SAFE(h->conns, c, safe)
    {
        if (!c->gone) continue;
        const struct channel_now now = channel_now();
        bool tells = !c->forgotten;
        c->forgotten = true; /* the translator may open another */
        if (tells) h->channel->closed(h->state, c->account, c->code ? c->code : 1006, str_of(c->reason), &now);
        free_conn(h, c);
    }
}

void channel_ws_free(struct host *h)
{
    struct channel_conn *c, *safe;
    if (h->lws) lws_context_destroy(h->lws);
    DL_FOREACH_SAFE(h->conns, c, safe)
    {
        free_conn(h, c);
    }
}
