#include "cli/net.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/hex.h"

struct net {
    int fd;
    SSL_CTX *context; /* NULL: no TLS */
    SSL *tls;
};

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

/* --- TCP -------------------------------------------------------------------------------------------------------- */

static int try_address(const struct addrinfo *a, int64_t deadline_ms, int *out)
{
    int error = 0, fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    socklen_t n = sizeof error;
    if (fd < 0) return GW_ESYS;
    int rc = connect(fd, a->ai_addr, a->ai_addrlen) == 0 ? 0 : errno == EINPROGRESS ? wait_for(fd, POLLOUT, deadline_ms) : GW_ENOPEER;
    if (rc == 0 && (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0 || error)) rc = GW_ENOPEER;
    if (rc) {
        close(fd);
        return rc;
    }
    *out = fd;
    return 0;
}

static int connect_tcp(const struct ws_url *url, int64_t deadline_ms, int *out, struct buf *why)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
    char port[16];
    snprintf(port, sizeof port, "%d", url->port);
    int failed = getaddrinfo(url->host, port, &hints, &found), rc = GW_ENOPEER;
    if (failed) {
        buf_printf(why, "%s: %s", url->host, gai_strerror(failed));
        return GW_ENOPEER;
    }
    for (const struct addrinfo *a = found; a && rc == GW_ENOPEER; a = a->ai_next) rc = try_address(a, deadline_ms, out);
    freeaddrinfo(found);
    return rc;
}

/* --- TLS -------------------------------------------------------------------------------------------------------- */

/* Whether the certificate's SHA-256 is the wanted one, given in hex with or without colons. */
static bool has_fingerprint(SSL *tls, const char *wanted)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    char got[2 * EVP_MAX_MD_SIZE + 1] = "", want[2 * EVP_MAX_MD_SIZE + 1] = "";
    unsigned n = 0;
    size_t used = 0;
    X509 *certificate = SSL_get1_peer_certificate(tls);
    if (!certificate || X509_digest(certificate, EVP_sha256(), digest, &n) != 1) n = 0;
    X509_free(certificate);
    hex_write(digest, n, got);
    for (const char *c = wanted; *c; c++)
        if (*c != ':' && used < sizeof want - 1) want[used++] = *c;
    return n && str_ieq(str_of(got), str_of(want));
}

/* A pinned certificate vouches for itself, whatever its names; else the system's authorities and the host's name decide. */
static int set_trust(net_t *w, const struct ws_url *url, const struct ws_trust *trust)
{
    if (trust->fingerprint && trust->fingerprint[0]) return 0; /* compared after the handshake */
    SSL_set_verify(w->tls, SSL_VERIFY_PEER, NULL);
    if (trust->pem && trust->pem[0]) {
        X509_VERIFY_PARAM_set_flags(SSL_get0_param(w->tls), X509_V_FLAG_PARTIAL_CHAIN);
        return SSL_CTX_load_verify_locations(w->context, trust->pem, NULL) == 1 ? 0 : GW_EDENIED;
    }
    if (SSL_CTX_set_default_verify_paths(w->context) != 1) return GW_EDENIED;
    X509_VERIFY_PARAM *param = SSL_get0_param(w->tls);
    if (X509_VERIFY_PARAM_set1_ip_asc(param, url->host) == 1) return 0;
    return SSL_set1_host(w->tls, url->host) == 1 && SSL_set_tlsext_host_name(w->tls, url->host) == 1 ? 0 : GW_ESYS;
}

/* What a TLS call that did not succeed wants. @return 0: call it again; GW_ECLOSED; GW_ETIMEOUT; GW_EIO */
static int after(net_t *w, int result, int64_t deadline_ms)
{
    switch (SSL_get_error(w->tls, result)) {
    case SSL_ERROR_WANT_READ: return wait_for(w->fd, POLLIN, deadline_ms);
    case SSL_ERROR_WANT_WRITE: return wait_for(w->fd, POLLOUT, deadline_ms);
    case SSL_ERROR_ZERO_RETURN: return GW_ECLOSED;
    default: return GW_EIO;
    }
}

static int start_tls(net_t *w, const struct ws_url *url, const struct ws_trust *trust, int64_t deadline_ms, struct buf *why)
{
    w->context = SSL_CTX_new(TLS_client_method());
    if (w->context) SSL_CTX_set_min_proto_version(w->context, TLS1_2_VERSION);
    w->tls = w->context ? SSL_new(w->context) : NULL;
    if (!w->tls || SSL_set_fd(w->tls, w->fd) != 1) return GW_ENOMEM;
    int rc = set_trust(w, url, trust);
    for (bool done = false; rc == 0 && !done;) {
        int n = SSL_connect(w->tls);
        done = n == 1;
        if (!done) rc = after(w, n, deadline_ms);
    }
    long verdict = SSL_get_verify_result(w->tls);
    if (rc == GW_EIO && verdict != X509_V_OK) rc = GW_EDENIED;
    if (rc == GW_EDENIED) buf_printf(why, "the server's certificate is not trusted: %s", X509_verify_cert_error_string(verdict));
    if (rc == GW_EIO) buf_text(why, "no TLS there");
    if (rc == 0 && trust->fingerprint && trust->fingerprint[0] && !has_fingerprint(w->tls, trust->fingerprint)) {
        buf_text(why, "the server's certificate has another fingerprint than gateway.remote.tlsFingerprint");
        rc = GW_EDENIED;
    }
    return rc;
}

/* --- both ------------------------------------------------------------------------------------------------------- */

int net_open(const struct ws_url *url, const struct ws_trust *trust, int64_t deadline_ms, net_t **out, struct buf *why)
{
    net_t *w = calloc(1, sizeof *w);
    *out = NULL;
    if (!w) return GW_ENOMEM;
    w->fd = -1;
    int rc = connect_tcp(url, deadline_ms, &w->fd, why);
    if (rc == 0 && url->tls) rc = start_tls(w, url, trust, deadline_ms, why);
    if (rc) net_close(&w);
    *out = w;
    return rc;
}

void net_close(net_t **net_p)
{
    net_t *w = *net_p;
    *net_p = NULL;
    if (!w) return;
    SSL_free(w->tls);
    SSL_CTX_free(w->context);
    if (w->fd >= 0) close(w->fd);
    free(w);
}

static int send_plain(net_t *w, struct str bytes, int64_t deadline_ms)
{
    while (bytes.n) {
        ssize_t n = send(w->fd, bytes.p, bytes.n, MSG_NOSIGNAL);
        if (n >= 0)
            bytes = (struct str){ bytes.p + n, bytes.n - (size_t)n };
        else if (errno != EAGAIN && errno != EINTR)
            return GW_EIO;
        else if (wait_for(w->fd, POLLOUT, deadline_ms) != 0)
            return GW_ETIMEOUT;
    }
    return 0;
}

int net_send(net_t *net, struct str bytes, int64_t deadline_ms)
{
    if (!net->tls) return send_plain(net, bytes, deadline_ms);
    int rc = 0;
    while (rc == 0 && bytes.n) {
        size_t sent = 0;
        int n = SSL_write_ex(net->tls, bytes.p, bytes.n, &sent);
        if (n == 1)
            bytes = (struct str){ bytes.p + sent, bytes.n - sent };
        else
            rc = after(net, n, deadline_ms);
    }
    return rc == GW_ECLOSED ? GW_EIO : rc;
}

int net_receive(net_t *net, struct buf *to, size_t max, int64_t deadline_ms)
{
    char *at = buf_reserve(to, max);
    if (!at) return to->err;
    for (;;) {
        size_t read = 0;
        int rc = 0;
        if (net->tls) {
            int n = SSL_read_ex(net->tls, at, max, &read);
            if (n != 1) rc = after(net, n, deadline_ms);
        } else {
            ssize_t n = recv(net->fd, at, max, 0);
            if (n == 0) return GW_ECLOSED;
            if (n > 0) read = (size_t)n;
            if (n < 0) rc = errno == EAGAIN || errno == EINTR ? wait_for(net->fd, POLLIN, deadline_ms) : GW_EIO;
        }
        if (rc) return rc;
        if (read == 0) continue;
        to->n += read;
        return 0;
    }
}
