#include "cli/ws_client.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/random.h"
#include "cli/net.h"

enum {
    READ_BYTES = 16384,
    HEAD_MAX = 16384, /* bytes of the server's answer to the upgrade */
    KEY_SIZE = 25,    /* 16 bytes in base64, NUL included */
    ACCEPT_SIZE = 29, /* 20 bytes in base64, NUL included */
    BYE_MS = 200,     /* for a close frame to leave */
};

struct ws_client {
    net_t *net;
    struct ws_reader reader;
    bool closed;
    int code;
    struct buf reason;
};

/* --- addresses -------------------------------------------------------------------------------------------------- */

static bool scheme(struct str *text, struct ws_url *out)
{
    static const struct {
        struct str name;
        bool tls;
    } known[] = { { STR("ws://"), false }, { STR("wss://"), true }, { STR("http://"), false }, { STR("https://"), true } };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (!str_starts(*text, known[i].name)) continue;
        *text = (struct str){ text->p + known[i].name.n, text->n - known[i].name.n };
        out->tls = known[i].tls;
        return true;
    }
    return false;
}

static bool host_valid(struct str host)
{
    if (host.n == 0) return false;
    for (size_t i = 0; i < host.n; i++) {
        char c = host.p[i];
        bool ok =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_' || c == ':';
        if (!ok) return false;
    }
    return true;
}

static bool path_valid(struct str path)
{
    for (size_t i = 0; i < path.n; i++)
        if (path.p[i] <= ' ' || path.p[i] == 0x7f) return false;
    return true;
}

int ws_url_parse(struct str text, struct ws_url *out)
{
    *out = (struct ws_url){ 0 };
    int64_t port = 0;
    if (!scheme(&text, out)) return GW_EINVAL;
    size_t end = 0;
    while (end < text.n && text.p[end] != '/' && text.p[end] != '?' && text.p[end] != '#') end++;
    struct str host = { text.p, end }, path = { text.p + end, text.n - end }, number = { 0 };
    path = str_split(&path, '#');
    if (host.n && host.p[0] == '[') {
        host = (struct str){ host.p + 1, host.n - 1 };
        number = host;
        host = str_split(&number, ']');
        if (number.n && number.p[0] != ':') return GW_EINVAL;
        if (number.n) number = (struct str){ number.p + 1, number.n - 1 };
    } else {
        number = host;
        host = str_split(&number, ':');
    }
    if (number.n && (str_to_int(number, &port) != 0 || port < 1 || port > 65535)) return GW_EINVAL;
    out->port = port ? (int)port : out->tls ? 443 : 80;
    if (!host_valid(host) || !path_valid(path) || str_copy(out->host, sizeof out->host, host) != 0) return GW_EINVAL;
    int n = snprintf(out->path, sizeof out->path, "%s%.*s", path.n && path.p[0] == '/' ? "" : "/", STR_ARG(path));
    return n > 0 && (size_t)n < sizeof out->path ? 0 : GW_EINVAL;
}

bool ws_url_is_local(const struct ws_url *url)
{
    struct str host = str_of(url->host);
    return str_ieq(host, STR("localhost")) || str_is(host, "::1") || str_starts(host, STR("127."));
}

/* --- the upgrade ------------------------------------------------------------------------------------------------ */

/* What the server must answer to a key: base64 of the SHA-1 of the key and a fixed text (RFC 6455, 4.2.2). */
static void expect(const char *key, char out[ACCEPT_SIZE])
{
    static const char magic[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char digest[EVP_MAX_MD_SIZE];
    char text[KEY_SIZE + sizeof magic];
    unsigned n = 0;
    snprintf(text, sizeof text, "%s%s", key, magic);
    EVP_Digest(text, strlen(text), digest, &n, EVP_sha1(), NULL);
    EVP_EncodeBlock((unsigned char *)out, digest, (int)n);
}

static void write_request(const struct ws_url *url, const char *key, struct buf *out)
{
    bool v6 = strchr(url->host, ':') != NULL;
    buf_printf(out,
               "GET %s HTTP/1.1\r\nHost: %s%s%s:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n",
               url->path, v6 ? "[" : "", url->host, v6 ? "]" : "", url->port, key);
}

static struct str header(struct str head, const char *name)
{
    while (head.n) {
        struct str line = str_split(&head, '\n'), key = str_split(&line, ':');
        if (str_ieq(str_trim(key), str_of(name))) return str_trim(line);
    }
    return (struct str){ 0 };
}

static int read_head(ws_client_t *c, int64_t deadline_ms, size_t *size)
{
    for (;;) {
        struct str all = buf_str(&c->reader.in);
        ptrdiff_t end = str_find(all, STR("\r\n\r\n"));
        if (end >= 0 && end < HEAD_MAX) {
            *size = (size_t)end + 4;
            return 0;
        }
        if (all.n >= HEAD_MAX) return GW_EBADMSG;
        int rc = net_receive(c->net, &c->reader.in, READ_BYTES, deadline_ms);
        if (rc) return rc;
    }
}

static int upgrade(ws_client_t *c, const struct ws_url *url, int64_t deadline_ms, struct buf *why)
{
    unsigned char nonce[16];
    char key[KEY_SIZE], accept[ACCEPT_SIZE];
    struct buf request = { 0 };
    size_t size = 0;
    random_bytes(nonce, sizeof nonce);
    EVP_EncodeBlock((unsigned char *)key, nonce, sizeof nonce);
    expect(key, accept);
    write_request(url, key, &request);
    int rc = request.err ? request.err : net_send(c->net, buf_str(&request), deadline_ms);
    buf_free(&request);
    if (rc == 0) rc = read_head(c, deadline_ms, &size);
    if (rc == GW_EBADMSG) buf_text(why, "what answers there is no gateway");
    if (rc) return rc;
    struct str head = { c->reader.in.p, size }, line = str_split(&head, '\n');
    bool switched = str_starts(line, STR("HTTP/1.1 101"));
    if (!switched || !str_is(header(head, "Sec-WebSocket-Accept"), accept)) {
        buf_printf(why, "no WebSocket there: it answered \"%.*s\"", STR_ARG(str_utf8_prefix(str_trim(line), 100)));
        return GW_EBADMSG;
    }
    buf_drop(&c->reader.in, size);
    return 0;
}

int ws_client_open(const struct ws_url *url, const struct ws_trust *trust, int64_t deadline_ms, ws_client_t **out, struct buf *why)
{
    ws_client_t *c = calloc(1, sizeof *c);
    *out = NULL;
    if (!c) return GW_ENOMEM;
    c->reader.in.max = WS_MESSAGE_MAX + READ_BYTES + 16; /* a whole frame, its head, and what was read behind it */
    int rc = net_open(url, trust, deadline_ms, &c->net, why);
    if (rc == 0) rc = upgrade(c, url, deadline_ms, why);
    if (rc) {
        c->closed = true;
        ws_client_close(&c);
    }
    *out = c;
    return rc;
}

/* --- messages --------------------------------------------------------------------------------------------------- */

static void set_closed(ws_client_t *c, int code, struct str reason)
{
    c->closed = true;
    c->code = code;
    buf_clear(&c->reason);
    buf_add(&c->reason, reason);
}

static int send_frame(ws_client_t *c, enum ws_opcode kind, int code, struct str data, int64_t deadline_ms)
{
    unsigned char mask[4];
    struct buf frame = { .max = WS_MESSAGE_MAX + 16 };
    random_bytes(mask, sizeof mask);
    if (kind == WS_CLOSE)
        ws_write_close(&frame, code, data, mask);
    else
        ws_write(&frame, kind, data, mask);
    int rc = frame.err ? frame.err : net_send(c->net, buf_str(&frame), deadline_ms);
    buf_free(&frame);
    return rc;
}

void ws_client_close(ws_client_t **client_p)
{
    ws_client_t *c = *client_p;
    *client_p = NULL;
    if (!c) return;
    if (!c->closed) send_frame(c, WS_CLOSE, WS_CLOSE_NORMAL, (struct str){ 0 }, clock_mono_ms() + BYE_MS);
    net_close(&c->net);
    ws_reader_free(&c->reader);
    buf_free(&c->reason);
    free(c);
}

int ws_client_send(ws_client_t *client, struct str text, int64_t deadline_ms)
{
    if (client->closed) return GW_ECLOSED;
    int rc = send_frame(client, WS_TEXT, 0, text, deadline_ms);
    if (rc != GW_EIO && rc != GW_ECLOSED) return rc;
    return 0; /* what the server said before it closed is still to be read */
}

/* @return 0 with a text; GW_ENOENT for what needs no more; GW_ECLOSED */
static int take(ws_client_t *c, const struct ws_message *m, struct str *text, int64_t deadline_ms)
{
    switch (m->kind) {
    case WS_TEXT:
    case WS_BINARY: *text = m->data; return 0;
    case WS_CLOSE:
        set_closed(c, m->code, m->data);
        send_frame(c, WS_CLOSE, m->code == WS_CLOSE_NO_CODE ? WS_CLOSE_NORMAL : m->code, (struct str){ 0 }, clock_mono_ms() + BYE_MS);
        return GW_ECLOSED;
    case WS_PING: send_frame(c, WS_PONG, 0, m->data, deadline_ms); return GW_ENOENT;
    case WS_PONG:
    case WS_CONTINUATION: break;
    }
    return GW_ENOENT;
}

static int give_up(ws_client_t *c, int code, struct str reason)
{
    send_frame(c, WS_CLOSE, code, reason, clock_mono_ms() + BYE_MS);
    set_closed(c, code, reason);
    return GW_ECLOSED;
}

int ws_client_receive(ws_client_t *client, int64_t deadline_ms, struct str *text)
{
    while (!client->closed) {
        struct ws_message m;
        int rc = ws_read(&client->reader, &m);
        if (rc == 0) {
            rc = take(client, &m, text, deadline_ms);
            if (rc != GW_ENOENT) return rc;
            continue;
        }
        if (rc == GW_EBADMSG) return give_up(client, WS_CLOSE_PROTOCOL, STR("the gateway broke the WebSocket protocol"));
        if (rc == GW_ELIMIT) return give_up(client, WS_CLOSE_TOO_BIG, STR("a message of the gateway is over 25 MiB"));
        if (rc != GW_ENOENT) return rc;
        rc = net_receive(client->net, &client->reader.in, READ_BYTES, deadline_ms);
        if (rc == GW_ETIMEOUT || rc == GW_ENOMEM) return rc;
        if (rc) set_closed(client, WS_CLOSE_ABNORMAL, (struct str){ 0 });
    }
    return GW_ECLOSED;
}

int ws_client_closed(const ws_client_t *client, struct str *reason)
{
    *reason = buf_str(&client->reason);
    return client->code;
}
