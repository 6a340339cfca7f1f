#include "support/ws_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/hex.h"

enum { CONNECT_MS = 5000, HEAD_MAX = 8192, FIRST_TIMEOUT_MS = 10000 };

struct ws {
    int fd;
    struct buf in;  /* bytes read ahead */
    struct buf msg; /* fragments so far */
    bool in_message;
    int close_code;
    char close_reason[128];
    int next_id;
};

static int last_status;

int ws_status(void)
{
    return last_status;
}

int ws_fd(const ws_t *ws)
{
    return ws->fd;
}

int ws_close_code(const ws_t *ws)
{
    return ws->close_code;
}

const char *ws_close_reason(const ws_t *ws)
{
    return ws->close_reason;
}

void ws_close(ws_t **ws_p)
{
    if (!*ws_p) return;
    if ((*ws_p)->fd >= 0) close((*ws_p)->fd);
    buf_free(&(*ws_p)->in);
    buf_free(&(*ws_p)->msg);
    free(*ws_p);
    *ws_p = NULL;
}

/* --- the socket ------------------------------------------------------------------------------------------------- */

static int wait_for(int fd, short events, int64_t deadline_ms)
{
    struct pollfd p = { .fd = fd, .events = events };
    int n = poll(&p, 1, clock_left_ms(deadline_ms));
    return n > 0 ? 0 : n == 0 ? GW_ETIMEOUT : GW_EIO;
}

int ws_send_raw(ws_t *ws, struct str bytes)
{
    int64_t deadline = clock_mono_ms() + CONNECT_MS;
    while (bytes.n) {
        ssize_t n = send(ws->fd, bytes.p, bytes.n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN) return GW_EIO;
        if (n < 0 && wait_for(ws->fd, POLLOUT, deadline) != 0) return GW_ETIMEOUT;
        if (n > 0) bytes = (struct str){ bytes.p + n, bytes.n - (size_t)n };
    }
    return 0;
}

static int fill(ws_t *ws, int64_t deadline_ms)
{
    int rc = wait_for(ws->fd, POLLIN, deadline_ms);
    char *into = rc == 0 ? buf_reserve(&ws->in, 65536) : NULL;
    if (rc) return rc;
    ssize_t n = into ? recv(ws->fd, into, 65536, 0) : -1;
    if (n <= 0) return GW_EIO;
    ws->in.n += (size_t)n;
    return 0;
}

static int need(ws_t *ws, size_t n, int64_t deadline_ms)
{
    while (ws->in.n < n) {
        int rc = fill(ws, deadline_ms);
        if (rc) return rc;
    }
    return 0;
}

/* --- the upgrade ------------------------------------------------------------------------------------------------ */

static int read_head(ws_t *ws, const char *expected)
{
    int64_t deadline = clock_mono_ms() + CONNECT_MS;
    ptrdiff_t end;
    while ((end = str_find(buf_str(&ws->in), STR("\r\n\r\n"))) < 0) {
        int rc = ws->in.n > HEAD_MAX ? GW_EBADMSG : fill(ws, deadline);
        if (rc) return rc;
    }
    struct str head = { ws->in.p, (size_t)end };
    last_status = head.p && head.n > 12 ? atoi(head.p + 9) : 0;
    bool accepted = str_find(head, str_of(expected)) >= 0;
    buf_drop(&ws->in, (size_t)end + 4);
    if (last_status != 101) return GW_EDENIED;
    return accepted ? 0 : GW_EBADMSG;
}

static void accept_of(const char *key, char out[32])
{
    unsigned char hash[SHA_DIGEST_LENGTH];
    char text[128];
    snprintf(text, sizeof text, "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
    SHA1((unsigned char *)text, strlen(text), hash);
    EVP_EncodeBlock((unsigned char *)out, hash, sizeof hash);
}

static int upgrade(ws_t *ws, int port, const char *path, const char *headers)
{
    unsigned char nonce[16];
    char key[32], expected[32];
    struct buf head = { 0 };
    RAND_bytes(nonce, sizeof nonce);
    EVP_EncodeBlock((unsigned char *)key, nonce, sizeof nonce);
    accept_of(key, expected);
    buf_printf(&head,
               "GET %s HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n",
               path, key);
    if (!headers || str_find(str_of(headers), STR("Host: ")) < 0) buf_printf(&head, "Host: 127.0.0.1:%d\r\n", port);
    if (headers) buf_text(&head, headers);
    buf_text(&head, "\r\n");
    int rc = ws_send_raw(ws, buf_str(&head));
    buf_free(&head);
    return rc ? rc : read_head(ws, expected);
}

int ws_open(int port, const char *path, const char *headers, ws_t **out)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = { htonl(INADDR_LOOPBACK) } };
    ws_t *ws = *out = calloc(1, sizeof *ws);
    if (!ws) return GW_ENOMEM;
    ws->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    last_status = 0;
    int rc = ws->fd < 0 || connect(ws->fd, (struct sockaddr *)&to, sizeof to) != 0 ? GW_EIO : 0;
    if (rc == 0) rc = upgrade(ws, port, path, headers);
    if (rc) ws_close(out);
    return rc;
}

/* --- frames ----------------------------------------------------------------------------------------------------- */

int ws_send_part(ws_t *ws, int opcode, bool last, struct str bytes)
{
    struct buf frame = { 0 };
    unsigned char mask[4];
    RAND_bytes(mask, sizeof mask);
    buf_char(&frame, (char)((last ? 0x80 : 0) | opcode));
    if (bytes.n < 126) {
        buf_char(&frame, (char)(0x80 | bytes.n));
    } else if (bytes.n < 65536) {
        buf_char(&frame, (char)(0x80 | 126));
        for (int shift = 8; shift >= 0; shift -= 8) buf_char(&frame, (char)(bytes.n >> shift & 0xff));
    } else {
        buf_char(&frame, (char)(0x80 | 127));
        for (int shift = 56; shift >= 0; shift -= 8) buf_char(&frame, (char)((uint64_t)bytes.n >> shift & 0xff));
    }
    buf_add(&frame, (struct str){ (char *)mask, 4 });
    for (size_t i = 0; i < bytes.n; i++) buf_char(&frame, (char)((unsigned char)bytes.p[i] ^ mask[i % 4]));
    int rc = frame.err ? frame.err : ws_send_raw(ws, buf_str(&frame));
    buf_free(&frame);
    return rc;
}

int ws_send(ws_t *ws, int opcode, struct str bytes)
{
    return ws_send_part(ws, opcode, true, bytes);
}

struct frame {
    bool last;
    int opcode;
    struct str bytes; /* borrowed from ws->in until drop() */
    size_t whole;
};

static int read_frame(ws_t *ws, int64_t deadline_ms, struct frame *f)
{
    int rc = need(ws, 2, deadline_ms);
    if (rc) return rc;
    unsigned char first = (unsigned char)ws->in.p[0], second = (unsigned char)ws->in.p[1];
    size_t head = 2, extra = (second & 0x7f) == 126 ? 2 : (second & 0x7f) == 127 ? 8 : 0, n = second & 0x7f;
    if (first & 0x70 || second & 0x80) return GW_EBADMSG; /* reserved bits; a server does not mask */
    if ((rc = need(ws, head + extra, deadline_ms))) return rc;
    if (extra) n = 0;
    for (size_t i = 0; i < extra; i++) n = n << 8 | (unsigned char)ws->in.p[head + i];
    head += extra;
    if (n > 64 * 1024 * 1024) return GW_EBADMSG;
    if ((rc = need(ws, head + n, deadline_ms))) return rc;
    *f = (struct frame){ first & 0x80, first & 0x0f, { ws->in.p + head, n }, head + n };
    return f->opcode >= 8 && (n > 125 || !f->last) ? GW_EBADMSG : 0;
}

static int take_close(ws_t *ws, const struct frame *f)
{
    ws->close_code = 1005;
    if (f->bytes.n >= 2) {
        ws->close_code = (unsigned char)f->bytes.p[0] << 8 | (unsigned char)f->bytes.p[1];
        str_copy(ws->close_reason, sizeof ws->close_reason, (struct str){ f->bytes.p + 2, f->bytes.n - 2 });
    }
    ws_send(ws, WS_CLOSE, (struct str){ f->bytes.p, f->bytes.n < 2 ? 0 : 2 });
    return GW_ECLOSED;
}

/* @return 1 when a message is whole, 0 to go on, an error */
static int take_data(ws_t *ws, const struct frame *f)
{
    if ((f->opcode == 0) != ws->in_message) return GW_EBADMSG;
    if (f->opcode > WS_BINARY) return GW_EBADMSG;
    ws->in_message = !f->last;
    buf_add(&ws->msg, f->bytes);
    return f->last;
}

int ws_read(ws_t *ws, int timeout_ms, struct buf *out)
{
    int64_t deadline = clock_mono_ms() + timeout_ms;
    if (!ws->in_message) buf_clear(&ws->msg);
    for (;;) {
        struct frame f;
        int rc = read_frame(ws, deadline, &f);
        if (rc) return rc;
        if (f.opcode == WS_CLOSE) return take_close(ws, &f);
        if (f.opcode == WS_PING) rc = ws_send(ws, WS_PONG, f.bytes);
        if (f.opcode < WS_CLOSE) rc = take_data(ws, &f);
        buf_drop(&ws->in, f.whole);
        if (rc < 0) return rc;
        if (rc == 0) continue;
        if (!str_utf8_valid(buf_str(&ws->msg))) return GW_EBADMSG;
        buf_clear(out);
        buf_add(out, buf_str(&ws->msg));
        return out->err;
    }
}

int ws_read_to_end(ws_t *ws, int timeout_ms)
{
    struct buf text = { 0 };
    int rc;
    do rc = ws_read(ws, timeout_ms, &text);
    while (rc == 0);
    buf_free(&text);
    return rc;
}

/* --- requests --------------------------------------------------------------------------------------------------- */

json_t *ws_json(ws_t *ws, int timeout_ms)
{
    struct buf text = { 0 };
    json_t *root = ws_read(ws, timeout_ms, &text) == 0 ? json_loadb(text.p, text.n, 0, NULL) : NULL;
    buf_free(&text);
    return root;
}

static bool is(const json_t *root, const char *name, const char *value)
{
    const char *text = json_string_value(json_object_get(root, name));
    return text && strcmp(text, value) == 0;
}

static json_t *next_where(ws_t *ws, const char *type, const char *name, const char *value, int timeout_ms)
{
    int64_t deadline = clock_mono_ms() + timeout_ms;
    for (;;) {
        int left = clock_left_ms(deadline);
        json_t *root = left > 0 ? ws_json(ws, left) : NULL;
        if (!root || (is(root, "type", type) && is(root, name, value))) return root;
        json_decref(root);
    }
}

json_t *ws_event(ws_t *ws, const char *event, int timeout_ms)
{
    return next_where(ws, "event", "event", event, timeout_ms);
}

json_t *ws_response(ws_t *ws, const char *id, int timeout_ms)
{
    return next_where(ws, "res", "id", id, timeout_ms);
}

__attribute__((format(printf, 4, 0))) static int request(ws_t *ws, const char *id, const char *method, const char *params, va_list args)
{
    char *text = NULL;
    struct buf frame = { 0 };
    if (params && vasprintf(&text, params, args) < 0) return GW_ENOMEM;
    buf_printf(&frame, "{\"type\":\"req\",\"id\":\"%s\",\"method\":\"%s\"", id, method);
    if (text) buf_printf(&frame, ",\"params\":%s", text);
    buf_char(&frame, '}');
    int rc = ws_send(ws, WS_TEXT, buf_str(&frame));
    buf_free(&frame);
    free(text);
    return rc;
}

int ws_request(ws_t *ws, const char *id, const char *method, const char *params, ...)
{
    va_list args;
    va_start(args, params);
    int rc = request(ws, id, method, params, args);
    va_end(args);
    return rc;
}

json_t *ws_call(ws_t *ws, const char *method, const char *params, ...)
{
    char id[32];
    va_list args;
    snprintf(id, sizeof id, "call-%d", ++ws->next_id);
    va_start(args, params);
    int rc = request(ws, id, method, params, args);
    va_end(args);
    return rc ? NULL : ws_response(ws, id, FIRST_TIMEOUT_MS);
}

/* --- devices ---------------------------------------------------------------------------------------------------- */

int ws_device_create(struct ws_device *out)
{
    unsigned char raw[32], hash[SHA256_DIGEST_LENGTH];
    size_t n = sizeof raw;
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    *out = (struct ws_device){ .key = key };
    if (!key || EVP_PKEY_get_raw_public_key(key, raw, &n) != 1) return GW_ESYS;
    SHA256(raw, n, hash);
    hex_write(hash, sizeof hash, out->id);
    base64url_write(raw, n, out->public_key);
    return 0;
}

void ws_device_free(struct ws_device *device)
{
    EVP_PKEY_free(device->key);
    device->key = NULL;
}

static void sign(const struct ws_device *device, const char *text, char out[96])
{
    unsigned char signature[64];
    size_t n = sizeof signature;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_DigestSignInit(ctx, NULL, NULL, NULL, device->key);
    EVP_DigestSign(ctx, signature, &n, (const unsigned char *)text, strlen(text));
    EVP_MD_CTX_free(ctx);
    base64url_write(signature, n, out);
}

static const char *or_else(const char *text, const char *otherwise)
{
    return text ? text : otherwise;
}

static void add_device(struct buf *out, const struct ws_connect *c, const char *nonce)
{
    const char *scopes = or_else(c->scopes, "[\"operator.admin\",\"operator.approvals\",\"operator.pairing\"]");
    long long at = (long long)(c->signed_at_ms ? c->signed_at_ms : clock_wall_ms());
    struct buf joined = { 0 }, text = { 0 };
    char signature[96];
    json_t *list = json_loads(scopes, 0, NULL), *one;
    size_t i;
    json_array_foreach(list, i, one) buf_printf(&joined, "%s%s", i ? "," : "", json_string_value(one));
    json_decref(list);
    buf_printf(&text, "%s|%s|%s|%s|%s|%s|%lld|%s", nonce[0] ? "v2" : "v1", c->device->id, or_else(c->client_id, "cli"),
               or_else(c->mode, "cli"), or_else(c->role, "operator"), buf_cstr(&joined), at, or_else(c->token, ""));
    if (nonce[0]) buf_printf(&text, "|%s", nonce);
    if (c->bad_signature) buf_text(&text, "x");
    sign(c->device, buf_cstr(&text), signature);
    buf_printf(out, ",\"device\":{\"id\":\"%s\",\"publicKey\":\"%s\",\"signature\":\"%s\",\"signedAt\":%lld", c->device->id,
               c->device->public_key, signature, at);
    if (nonce[0]) buf_printf(out, ",\"nonce\":\"%s\"", nonce);
    buf_char(out, '}');
    buf_free(&joined);
    buf_free(&text);
}

char *ws_connect_params(const struct ws_connect *c, const char *nonce)
{
    struct buf out = { 0 };
    size_t n;
    buf_printf(
        &out,
        "{\"minProtocol\":3,\"maxProtocol\":3,\"client\":{\"id\":\"%s\",\"version\":\"dev\",\"platform\":\"linux\",\"mode\":\"%s\"%s},"
        "\"role\":\"%s\",\"scopes\":%s,\"caps\":%s",
        or_else(c->client_id, "cli"), or_else(c->mode, "cli"), or_else(c->client_extra, ""), or_else(c->role, "operator"),
        or_else(c->scopes, "[\"operator.admin\",\"operator.approvals\",\"operator.pairing\"]"), or_else(c->caps, "[]"));
    if (c->token) buf_printf(&out, ",\"auth\":{\"token\":\"%s\"}", c->token);
    if (c->password) buf_printf(&out, ",\"auth\":{\"password\":\"%s\"}", c->password);
    if (c->device) add_device(&out, c, c->nonce ? c->nonce : nonce);
    if (c->extra) buf_text(&out, c->extra);
    buf_text(&out, "}");
    buf_char(&out, '\0');
    return buf_take(&out, &n);
}

json_t *ws_hello(ws_t *ws, const struct ws_connect *c)
{
    json_t *challenge = ws_event(ws, "connect.challenge", FIRST_TIMEOUT_MS);
    const char *nonce = json_string_value(json_object_get(json_object_get(challenge, "payload"), "nonce"));
    char *params = nonce ? ws_connect_params(c, nonce) : NULL;
    int rc = params ? ws_request(ws, "hello", "connect", "%s", params) : GW_EIO;
    free(params);
    json_decref(challenge);
    return rc ? NULL : ws_response(ws, "hello", FIRST_TIMEOUT_MS);
}
