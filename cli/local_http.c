#include "cli/local_http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"

enum { READ_BYTES = 16384 };

/* @return 0 or GW_ETIMEOUT */
static int wait_for(int fd, short events, int64_t deadline_ms)
{
    struct pollfd p = { .fd = fd, .events = events };
    for (;;) {
        int n = poll(&p, 1, clock_left_ms(deadline_ms));
        if (n > 0) return 0;
        if (n == 0 || errno != EINTR) return GW_ETIMEOUT;
    }
}

static int open_connection(const char *host, int port, int64_t deadline_ms, int *out)
{
    struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
    bool is_v6 = inet_pton(AF_INET6, host, &v6.sin6_addr) == 1;
    if (!is_v6 && inet_pton(AF_INET, host, &v4.sin_addr) != 1) return GW_EINVAL;
    int fd = *out = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), error = 0;
    socklen_t n = sizeof error;
    if (fd < 0) return GW_ESYS;
    const struct sockaddr *address = is_v6 ? (const struct sockaddr *)&v6 : (const struct sockaddr *)&v4;
    if (connect(fd, address, is_v6 ? sizeof v6 : sizeof v4) == 0) return 0;
    if (errno != EINPROGRESS) return GW_ENOPEER;
    if (wait_for(fd, POLLOUT, deadline_ms) != 0) return GW_ETIMEOUT;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) == 0 && error == 0 ? 0 : GW_ENOPEER;
}

static int send_all(int fd, struct str bytes, int64_t deadline_ms)
{
    while (bytes.n) {
        ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);
        if (n >= 0)
            bytes = (struct str){ bytes.p + n, bytes.n - (size_t)n };
        else if (errno != EAGAIN && errno != EINTR)
            return GW_EIO;
        else if (wait_for(fd, POLLOUT, deadline_ms) != 0)
            return GW_ETIMEOUT;
    }
    return 0;
}

/* Everything up to the end of the connection. */
static int read_all(int fd, struct buf *out, int64_t deadline_ms)
{
    for (;;) {
        char *to = buf_reserve(out, READ_BYTES);
        if (!to) return out->err;
        ssize_t n = recv(fd, to, READ_BYTES, 0);
        if (n == 0) return 0;
        if (n > 0)
            out->n += (size_t)n;
        else if (errno != EAGAIN && errno != EINTR)
            return GW_EIO;
        else if (wait_for(fd, POLLIN, deadline_ms) != 0)
            return GW_ETIMEOUT;
    }
}

static int parse(struct local_reply *reply)
{
    struct str all = buf_str(&reply->bytes), rest = all, length;
    int64_t status, n;
    ptrdiff_t end = str_find(all, STR("\r\n\r\n"));
    if (end < 0 || !str_starts(all, STR("HTTP/1.1 "))) return GW_EBADMSG;
    str_split(&rest, ' ');
    if (str_to_int(str_split(&rest, ' '), &status) != 0) return GW_EBADMSG;
    reply->status = (int)status;
    reply->head = (struct str){ all.p, (size_t)end };
    reply->body = (struct str){ all.p + end + 4, all.n - (size_t)end - 4 };
    length = local_http_header(reply, "Content-Length");
    return length.n && (str_to_int(length, &n) != 0 || (uint64_t)n != reply->body.n) ? GW_EIO : 0;
}

int local_http_post(const char *host, int port, const char *path, const char *headers, struct str body, int timeout_ms,
                    struct local_reply *reply)
{
    int64_t deadline_ms = clock_mono_ms() + timeout_ms;
    struct buf head = { 0 };
    int fd = -1;
    *reply = (struct local_reply){ .bytes.max = LOCAL_HTTP_REPLY_MAX };
    buf_printf(&head,
               "POST %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n%s\r\n", path,
               host, body.n, headers);
    int rc = head.err ? head.err : open_connection(host, port, deadline_ms, &fd);
    if (rc == 0) rc = send_all(fd, buf_str(&head), deadline_ms);
    if (rc == 0) rc = send_all(fd, body, deadline_ms);
    if (rc == 0) rc = read_all(fd, &reply->bytes, deadline_ms);
    if (rc == 0) rc = parse(reply);
    if (fd >= 0) close(fd);
    buf_free(&head);
    return rc;
}

struct str local_http_header(const struct local_reply *reply, const char *name)
{
    struct str rest = reply->head;
    while (rest.n) {
        struct str line = str_split(&rest, '\n'), key = str_split(&line, ':');
        if (str_ieq(str_trim(key), str_of(name))) return str_trim(line);
    }
    return (struct str){ 0 };
}
