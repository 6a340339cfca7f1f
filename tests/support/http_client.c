#include "support/http_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "support/proc.h"

enum { READ_BYTES = 64 * 1024 };

enum framing { FRAMING_LENGTH, FRAMING_CHUNKED, FRAMING_CLOSE };

struct http_conn {
    int fd;
    struct buf in;   /* received, not yet taken */
    struct buf line; /* body bytes not yet split into events */
    enum framing framing;
    size_t left; /* bytes of the body (or of the chunk) still to come */
    bool last;   /* the body is complete */
    int comments;
};

void http_reply_free(struct http_reply *r)
{
    buf_free(&r->head);
    buf_free(&r->body);
    r->status = 0;
}

struct str http_reply_header(const struct http_reply *r, const char *name)
{
    struct str rest = buf_str(&r->head);
    str_split(&rest, '\n'); /* the status line */
    while (rest.n > 0) {
        struct str value = str_trim(str_split(&rest, '\n'));
        struct str key = str_split(&value, ':');
        if (str_ieq(key, str_of(name))) return str_trim(value);
    }
    return (struct str){ "", 0 };
}

int http_open(int port, http_conn_t **out)
{
    *out = NULL;
    http_conn_t *c = calloc(1, sizeof *c);
    if (!c) return GW_ENOMEM;
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int one = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof to) != 0) {
        if (c->fd >= 0) close(c->fd);
        free(c);
        return GW_EIO;
    }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    *out = c;
    return 0;
}

void http_close(http_conn_t **c_p)
{
    http_conn_t *c = *c_p;
    if (!c) return;
    *c_p = NULL;
    close(c->fd);
    buf_free(&c->in);
    buf_free(&c->line);
    free(c);
}

void http_reset(http_conn_t **c_p)
{
    struct linger now = { .l_onoff = 1, .l_linger = 0 };
    if (*c_p) setsockopt((*c_p)->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    http_close(c_p);
}

int http_half_close(http_conn_t *c)
{
    return shutdown(c->fd, SHUT_WR) == 0 ? 0 : GW_EIO;
}

static int wait_for(int fd, short events, int64_t deadline)
{
    for (;;) {
        int64_t left = deadline - now_ms();
        struct pollfd p = { fd, events, 0 };
        int n = poll(&p, 1, left < 0 ? 0 : (int)left);
        if (n > 0) return 0;
        if (n == 0) return GW_ETIMEOUT;
        if (errno != EINTR) return GW_EIO;
    }
}

/* @param until_answered  stop as soon as the peer says something: it may refuse a body without reading it */
static int send_all(http_conn_t *c, struct str bytes, int timeout_ms, bool until_answered)
{
    int64_t deadline = now_ms() + timeout_ms;
    while (bytes.n > 0) {
        if (until_answered && wait_for(c->fd, POLLIN, 0) == 0) return 0;
        size_t part = until_answered && bytes.n > READ_BYTES ? READ_BYTES : bytes.n;
        ssize_t n = send(c->fd, bytes.p, part, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            int rc = wait_for(c->fd, until_answered ? POLLOUT | POLLIN : POLLOUT, deadline);
            if (rc != 0) return rc;
            continue;
        }
        if (n < 0) return GW_EIO;
        bytes = (struct str){ bytes.p + n, bytes.n - (size_t)n };
    }
    return 0;
}

int http_send_bytes(http_conn_t *c, struct str bytes, int timeout_ms)
{
    return send_all(c, bytes, timeout_ms, false);
}

int http_send(http_conn_t *c, const struct http_call *call, int timeout_ms)
{
    struct buf b = { 0 };
    const char *method = call->method ? call->method : call->body.p ? "POST" : "GET";
    buf_printf(&b, "%s %s HTTP/1.1\r\n", method, call->path);
    if (!call->headers || !strstr(call->headers, "Host: ")) buf_text(&b, "Host: 127.0.0.1\r\n");
    if (call->token) buf_printf(&b, "Authorization: Bearer %s\r\n", call->token);
    if (call->headers) buf_text(&b, call->headers);
    if (call->body.p) {
        buf_printf(&b, "Content-Type: %s\r\n", call->content_type ? call->content_type : "application/json");
        buf_printf(&b, "Content-Length: %zu\r\n", call->body.n);
    }
    buf_text(&b, "\r\n");
    buf_add(&b, call->body);
    int rc = b.err ? b.err : send_all(c, buf_str(&b), timeout_ms, true);
    buf_free(&b);
    return rc;
}

/* Receive once. 0: bytes came, GW_ENOENT: the peer has closed. */
static int receive(http_conn_t *c, int64_t deadline)
{
    int rc = wait_for(c->fd, POLLIN, deadline);
    if (rc != 0) return rc;
    char *to = buf_reserve(&c->in, READ_BYTES);
    if (!to) return c->in.err;
    ssize_t n = recv(c->fd, to, READ_BYTES, 0);
    if (n < 0) return GW_EIO;
    if (n == 0) return GW_ENOENT;
    c->in.n += (size_t)n;
    return 0;
}

/* Take a line with its LF off the input into `out`, or wait for it. */
static int take_until(http_conn_t *c, struct str mark, int64_t deadline, struct buf *out)
{
    ptrdiff_t at;
    while ((at = str_find(buf_str(&c->in), mark)) < 0) {
        int rc = receive(c, deadline);
        if (rc != 0) return rc == GW_ENOENT ? GW_EIO : rc;
    }
    buf_add(out, (struct str){ c->in.p, (size_t)at + mark.n });
    buf_drop(&c->in, (size_t)at + mark.n);
    return out->err;
}

int http_read_head(http_conn_t *c, int timeout_ms, struct http_reply *out)
{
    int64_t deadline = now_ms() + timeout_ms;
    struct str head;
    do {
        http_reply_free(out);
        int rc = take_until(c, STR("\r\n\r\n"), deadline, &out->head);
        if (rc != 0) return rc;
        head = buf_str(&out->head);
        if (!str_starts(head, STR("HTTP/1.1 ")) || head.n < 12) return GW_EBADMSG;
        out->status = atoi(head.p + 9);
    } while (out->status == 100);
    struct str length = http_reply_header(out, "content-length");
    int64_t n = 0;
    c->last = out->status == 204 || out->status == 304;
    c->left = 0;
    if (str_ieq(http_reply_header(out, "transfer-encoding"), STR("chunked"))) {
        c->framing = FRAMING_CHUNKED;
    } else if (length.n > 0) {
        if (str_to_int(length, &n) != 0 || n < 0) return GW_EBADMSG;
        c->framing = FRAMING_LENGTH;
        c->left = (size_t)n;
        if (n == 0) c->last = true;
    } else {
        c->framing = FRAMING_CLOSE;
    }
    return 0;
}

/* The head of the next chunk; its last one ends the body. */
static int next_chunk(http_conn_t *c, int64_t deadline)
{
    struct buf line = { 0 };
    int rc = take_until(c, STR("\r\n"), deadline, &line);
    char *end = NULL;
    if (rc == 0) c->left = strtoul(buf_cstr(&line), &end, 16);
    if (rc == 0 && (end == line.p || (*end != '\r' && *end != ';'))) rc = GW_EBADMSG;
    if (rc == 0 && c->left == 0) {
        buf_clear(&line);
        rc = take_until(c, STR("\r\n"), deadline, &line);
        c->last = true;
    }
    buf_free(&line);
    return rc;
}

/* Move the body bytes that have come to `out`, waiting for the first. 0, or GW_ENOENT at the body's end. */
static int take_body(http_conn_t *c, int64_t deadline, struct buf *out)
{
    while (!c->last) {
        if (c->framing == FRAMING_CHUNKED && c->left == 0) {
            int rc = next_chunk(c, deadline);
            if (rc != 0) return rc;
            continue;
        }
        if (c->in.n == 0) {
            int rc = receive(c, deadline);
            if (rc == GW_ENOENT && c->framing == FRAMING_CLOSE)
                c->last = true;
            else if (rc != 0)
                return rc == GW_ENOENT ? GW_EIO : rc;
            continue;
        }
        size_t n = c->framing == FRAMING_CLOSE || c->in.n < c->left ? c->in.n : c->left;
        buf_add(out, (struct str){ c->in.p, n });
        buf_drop(&c->in, n);
        if (c->framing == FRAMING_CLOSE) return out->err;
        c->left -= n;
        if (c->left == 0 && c->framing == FRAMING_LENGTH) c->last = true;
        if (c->left == 0 && c->framing == FRAMING_CHUNKED) {
            struct buf crlf = { 0 };
            int rc = take_until(c, STR("\r\n"), deadline, &crlf);
            bool bare = crlf.n == 2;
            buf_free(&crlf);
            if (rc != 0 || !bare) return rc ? rc : GW_EBADMSG;
        }
        return out->err;
    }
    return GW_ENOENT;
}

int http_read_body(http_conn_t *c, int timeout_ms, struct http_reply *out)
{
    int64_t deadline = now_ms() + timeout_ms;
    int rc;
    while ((rc = take_body(c, deadline, &out->body)) == 0) continue;
    buf_cstr(&out->body);
    return rc == GW_ENOENT ? 0 : rc;
}

/* Cut one event (up to an empty line) off c->line. False: it is not complete yet. */
static bool cut_event(http_conn_t *c, struct buf *data, bool *found)
{
    struct str all = buf_str(&c->line), rest = all;
    *found = false;
    buf_clear(data);
    while (rest.n > 0 && memchr(rest.p, '\n', rest.n)) {
        struct str line = str_split(&rest, '\n');
        if (line.n > 0 && line.p[line.n - 1] == '\r') line.n--;
        if (line.n == 0) {
            buf_drop(&c->line, rest.p ? (size_t)(rest.p - all.p) : all.n);
            return true;
        }
        if (line.p[0] == ':') c->comments++;
        if (!str_starts(line, STR("data:"))) continue;
        struct str value = { line.p + 5, line.n - 5 };
        if (value.n > 0 && value.p[0] == ' ') value = (struct str){ value.p + 1, value.n - 1 };
        if (*found) buf_char(data, '\n');
        buf_add(data, value);
        *found = true;
    }
    return false;
}

int http_read_event(http_conn_t *c, int timeout_ms, struct buf *data)
{
    int64_t deadline = now_ms() + timeout_ms;
    for (;;) {
        bool found;
        int before = c->comments;
        bool whole = cut_event(c, data, &found);
        if (whole && found) return data->err;
        if (whole) continue;
        c->comments = before; /* counted again once the event is whole */
        int rc = take_body(c, deadline, &c->line);
        if (rc != 0) return rc;
    }
}

int http_comments(const http_conn_t *c)
{
    return c->comments;
}

bool http_closed_by_peer(http_conn_t *c, int timeout_ms)
{
    int64_t deadline = now_ms() + timeout_ms;
    for (;;) {
        int rc = receive(c, deadline);
        if (rc == GW_ENOENT || rc == GW_EIO) return true;
        if (rc != 0) return false;
        buf_clear(&c->in);
    }
}

int http_call(int port, const struct http_call *call, int timeout_ms, struct http_reply *out)
{
    http_conn_t *c;
    http_reply_free(out);
    int64_t deadline = now_ms() + timeout_ms;
    int rc = http_open(port, &c);
    if (rc != 0) return rc;
    int sent = http_send(c, call, timeout_ms); /* a server may answer and close before it has read all: read on */
    rc = http_read_head(c, (int)(deadline - now_ms()), out);
    if (rc == 0 && str_is(str_of(call->method), "HEAD")) c->last = true;
    if (rc == 0) rc = http_read_body(c, (int)(deadline - now_ms()), out);
    if (rc != 0 && sent != 0 && out->status == 0) rc = sent;
    http_close(&c);
    return rc;
}

int free_port(void)
{
    struct sockaddr_in a = { .sin_family = AF_INET };
    socklen_t n = sizeof a;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && bind(fd, (struct sockaddr *)&a, n) == 0 && getsockname(fd, (struct sockaddr *)&a, &n) == 0;
    if (fd >= 0) close(fd);
    return ok ? ntohs(a.sin_port) : -1;
}
