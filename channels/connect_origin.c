#include <arpa/inet.h>

#include "channels/connect.h"

/* host[:port] of a Host header or an Origin, in lower case. */
struct authority {
    char host[CONNECT_HOST_MAX + 1]; /* without brackets */
    char port[6];                    /* empty: none was written */
};

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static bool is_host_char(char c, bool v6)
{
    bool digit = c >= '0' && c <= '9', letter = c >= 'a' && c <= 'z';
    return digit || letter || c == '.' || (v6 ? c == ':' : c == '-' || c == '_');
}

static bool read_port(struct str port, char out[6])
{
    int64_t value;
    if (str_to_int(port, &value) != 0 || value < 1 || value > 65535) return false;
    for (size_t i = 0; i < port.n; i++)
        if (port.p[i] < '0' || port.p[i] > '9') return false;
    return str_copy(out, 6, port) == 0;
}

static bool read_authority(struct str text, struct authority *out)
{
    bool v6 = text.n && text.p[0] == '[';
    *out = (struct authority){ 0 };
    if (text.n == 0 || text.n > CONNECT_HOST_MAX) return false;
    if (v6) text = (struct str){ text.p + 1, text.n - 1 };
    struct str rest = text, host = str_split(&rest, v6 ? ']' : ':');
    if (v6 && (!rest.p || (rest.n && rest.p[0] != ':'))) return false;
    if (v6 && rest.n)
        rest = (struct str){ rest.p + 1, rest.n - 1 };
    else if (v6)
        rest.p = NULL;
    if (host.n == 0 || (rest.p && !read_port(rest, out->port))) return false;
    for (size_t i = 0; i < host.n; i++) {
        out->host[i] = lower(host.p[i]);
        if (!is_host_char(out->host[i], v6)) return false;
    }
    return true;
}

bool connect_address_is_loopback(struct str address)
{
    static const unsigned char one[16] = { [15] = 1 }, mapped[12] = { [10] = 0xff, [11] = 0xff };
    unsigned char bytes[16];
    char copy[DEVICE_ADDRESS_SIZE];
    if (str_copy(copy, sizeof copy, address) != 0) return false;
    if (inet_pton(AF_INET, copy, bytes) == 1) return bytes[0] == 127;
    if (inet_pton(AF_INET6, copy, bytes) != 1) return false;
    return memcmp(bytes, one, sizeof one) == 0 || (memcmp(bytes, mapped, sizeof mapped) == 0 && bytes[12] == 127);
}

static bool is_loopback_name(const char *host)
{
    return strcmp(host, "localhost") == 0 || connect_address_is_loopback(str_of(host));
}

bool connect_host_is_local(struct str host)
{
    struct authority a;
    return read_authority(host, &a) && (is_loopback_name(a.host) || str_ends(str_of(a.host), STR(".ts.net")));
}

bool connect_is_local(const struct connect_place *place)
{
    return connect_address_is_loopback(place->address) && connect_host_is_local(place->host) && (!place->forwarded || place->peer_trusted);
}

/* An origin is scheme://host[:port] and nothing more (RFC 6454, section 6.2); the scheme's own port is not written. */
struct origin {
    char scheme[16];
    struct authority at;
};

static bool read_origin(struct str text, struct origin *out)
{
    ptrdiff_t colon = str_find(text, STR("://"));
    *out = (struct origin){ 0 };
    if (colon <= 0 || colon >= (ptrdiff_t)sizeof out->scheme) return false;
    for (ptrdiff_t i = 0; i < colon; i++) out->scheme[i] = lower(text.p[i]);
    if (!read_authority((struct str){ text.p + colon + 3, text.n - (size_t)colon - 3 }, &out->at)) return false;
    const char *usual = strcmp(out->scheme, "https") == 0 ? "443" : strcmp(out->scheme, "http") == 0 ? "80" : "";
    if (strcmp(out->at.port, usual) == 0) out->at.port[0] = '\0';
    return true;
}

static bool same_authority(const struct authority *a, const struct authority *b)
{
    return strcmp(a->host, b->host) == 0 && strcmp(a->port, b->port) == 0;
}

static bool read_listed(struct str text, struct origin *out)
{
    if (str_ends(text, STR("/"))) text.n--; /* as people write them */
    return read_origin(text, out);
}

bool connect_origin_allowed(struct str text, struct str host_header, const struct str *allowed, size_t count)
{
    struct origin origin, listed;
    struct authority host;
    if (!read_origin(text, &origin)) return false;
    for (size_t i = 0; i < count; i++) {
        if (!read_listed(allowed[i], &listed)) continue;
        if (strcmp(origin.scheme, listed.scheme) == 0 && same_authority(&origin.at, &listed.at)) return true;
    }
    if (!read_authority(host_header, &host)) return false;
    if (is_loopback_name(origin.at.host) && is_loopback_name(host.host)) return true;
    const char *usual = strcmp(origin.scheme, "https") == 0 ? "443" : "80";
    if (strcmp(host.port, usual) == 0) host.port[0] = '\0';
    return same_authority(&origin.at, &host);
}

bool connect_host_allowed(struct str host_header, const struct str *allowed, size_t count)
{
    unsigned char ignored[16];
    struct authority host;
    struct origin listed;
    if (connect_host_is_local(host_header)) return true;
    if (!read_authority(host_header, &host)) return false;
    if (inet_pton(AF_INET, host.host, ignored) == 1 || inet_pton(AF_INET6, host.host, ignored) == 1) return true;
    for (size_t i = 0; i < count; i++)
        if (read_listed(allowed[i], &listed) && strcmp(listed.at.host, host.host) == 0) return true;
    return false;
}
