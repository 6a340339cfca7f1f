#include "support/ws_server.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HEAD_MAX = 8192, TEXT_MAX = 65536 };

void serve_expect(bool ok, const char *what)
{
    if (ok) return;
    fprintf(stderr, "the fake gateway: not as expected: %s\n", what);
    _exit(1);
}

static int listen_anywhere(int *port)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok =
        fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0 && listen(fd, 8) == 0 && getsockname(fd, (struct sockaddr *)&a, &n) == 0;
    if (!ok) abort();
    *port = ntohs(a.sin_port);
    return fd;
}

void ws_server_start(struct ws_server *s, ws_script *script, int connections)
{
    int listener = listen_anywhere(&s->port);
    s->pid = fork();
    if (s->pid < 0) abort();
    if (s->pid > 0) {
        close(listener);
        return;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < connections; i++) {
        int fd = accept(listener, NULL, NULL);
        serve_expect(fd >= 0, "a connection");
        script(fd, i);
        close(fd);
    }
    _exit(0);
}

int ws_server_stop(struct ws_server *s)
{
    int status = 0;
    return waitpid(s->pid, &status, 0) == s->pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool read_exactly(int fd, void *to, size_t n)
{
    for (char *at = to; n;) {
        ssize_t got = recv(fd, at, n, 0);
        if (got <= 0) return false;
        at += got;
        n -= (size_t)got;
    }
    return true;
}

void serve_bytes(int fd, struct str bytes)
{
    while (bytes.n) {
        ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);
        if (n <= 0) return; /* the client has left: it will say why */
        bytes = (struct str){ bytes.p + n, bytes.n - (size_t)n };
    }
}

void serve_upgrade(int fd)
{
    char head[HEAD_MAX + 1] = "", key[128] = "", proof[256], accept_text[64], answer[512];
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_n = 0;
    size_t n = 0;
    while (!strstr(head, "\r\n\r\n")) {
        serve_expect(n < HEAD_MAX && read_exactly(fd, head + n, 1), "an upgrade request");
        head[++n] = '\0';
    }
    const char *line = strstr(head, "Sec-WebSocket-Key: ");
    serve_expect(line && sscanf(line, "Sec-WebSocket-Key: %100s", key) == 1, "a key");
    serve_expect(strstr(head, "Upgrade: websocket") && strstr(head, "Sec-WebSocket-Version: 13"), "the upgrade's headers");
    snprintf(proof, sizeof proof, "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
    EVP_Digest(proof, strlen(proof), digest, &digest_n, EVP_sha1(), NULL);
    EVP_EncodeBlock((unsigned char *)accept_text, digest, (int)digest_n);
    int size = snprintf(answer, sizeof answer,
                        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
                        accept_text);
    serve_bytes(fd, (struct str){ answer, (size_t)size });
}

void serve_frame(int fd, int first_byte, struct str data)
{
    unsigned char head[10] = { (unsigned char)first_byte };
    size_t n = 2;
    serve_expect(data.n <= 0xffff, "a frame that this server can write");
    head[1] = (unsigned char)(data.n < 126 ? data.n : 126);
    if (data.n >= 126) {
        head[2] = (unsigned char)(data.n >> 8);
        head[3] = (unsigned char)(data.n & 0xff);
        n = 4;
    }
    serve_bytes(fd, (struct str){ (char *)head, n });
    serve_bytes(fd, data);
}

void serve_text(int fd, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    serve_expect(n >= 0, "memory");
    serve_frame(fd, 0x81, (struct str){ text, (size_t)n });
    free(text);
}

void serve_close(int fd, int code, const char *reason)
{
    char data[125] = { (char)(code >> 8), (char)(code & 0xff) };
    size_t n = strlen(reason);
    serve_expect(n <= sizeof data - 2, "a reason that fits");
    memcpy(data + 2, reason, n);
    serve_frame(fd, 0x88, (struct str){ data, n + 2 });
}

int serve_read(int fd, char **data)
{
    unsigned char head[2], more[8], mask[4];
    *data = NULL;
    if (!read_exactly(fd, head, 2)) return -1;
    size_t n = head[1] & 0x7f, extra = n == 126 ? 2 : n == 127 ? 8 : 0;
    serve_expect(head[1] & 0x80, "a masked frame");
    serve_expect(read_exactly(fd, more, extra), "a whole head");
    if (extra) n = 0;
    for (size_t i = 0; i < extra; i++) n = n << 8 | more[i];
    serve_expect(n <= TEXT_MAX, "a frame of a size that tests need");
    *data = calloc(1, n + 1);
    serve_expect(*data && read_exactly(fd, mask, 4) && read_exactly(fd, *data, n), "a whole frame");
    for (size_t i = 0; i < n; i++) (*data)[i] = (char)((*data)[i] ^ mask[i % 4]);
    return head[0] & 0x0f;
}

json_t *serve_request(int fd)
{
    char *data;
    int opcode = serve_read(fd, &data);
    serve_expect(opcode == 1, "a text");
    json_t *root = json_loads(data, 0, NULL);
    free(data);
    serve_expect(json_is_object(root), "a JSON object");
    return root;
}
