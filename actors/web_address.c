#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "actors/web.h"

static bool within(uint32_t address, uint32_t net, int bits)
{
    return bits == 0 || (address ^ net) >> (32 - bits) == 0;
}

static bool is_private_4(uint32_t a)
{
    static const struct {
        uint32_t net;
        int bits;
    } NETS[] = { { 0x00000000, 8 },  { 0x0A000000, 8 },  { 0x64400000, 10 }, { 0x7F000000, 8 },  { 0xA9FE0000, 16 },
                 { 0xAC100000, 12 }, { 0xC0000000, 24 }, { 0xC0000200, 24 }, { 0xC0586300, 24 }, { 0xC0A80000, 16 },
                 { 0xC6120000, 15 }, { 0xC6336400, 24 }, { 0xCB007100, 24 }, { 0xE0000000, 3 } };
    for (size_t i = 0; i < sizeof NETS / sizeof *NETS; i++)
        if (within(a, NETS[i].net, NETS[i].bits)) return true;
    return false;
}

static uint32_t four(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool is_private_6(const uint8_t a[16])
{
    static const uint8_t MAPPED[12] = { [10] = 0xff, [11] = 0xff }, NAT64[12] = { 0x00, 0x64, 0xff, 0x9b }, NONE[12] = { 0 };
    if (memcmp(a, MAPPED, 12) == 0 || memcmp(a, NAT64, 12) == 0) return is_private_4(four(a + 12));
    if (memcmp(a, NONE, 12) == 0) return true;                                     /* ::, ::1, IPv4-compatible */
    if (a[0] == 0x20 && a[1] == 0x02) return is_private_4(four(a + 2));            /* 6to4 */
    if (a[0] == 0x20 && a[1] == 0x01 && a[2] == 0 && a[3] == 0) return true;       /* Teredo */
    if (a[0] == 0x20 && a[1] == 0x01 && a[2] == 0x0d && a[3] == 0xb8) return true; /* documentation */
    if (a[0] == 0x00 && a[1] == 0x64 && a[2] == 0xff && a[3] == 0x9b) return true; /* local NAT64 */
    return (a[0] & 0xe0) != 0x20; /* all that is not 2000::/3: fc00::/7, fe80::/10, ff00::/8 ... */
}

bool web_address_is_private(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) return is_private_4(ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr));
    if (address->sa_family == AF_INET6) return is_private_6(((const struct sockaddr_in6 *)address)->sin6_addr.s6_addr);
    return true;
}
