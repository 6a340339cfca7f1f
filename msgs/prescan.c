#include "msgs/prescan.h"

#include "base/err.h"

/* What one header says: how many bytes follow it at once, and how many objects after those. */
struct head {
    uint64_t payload; /* bytes */
    uint64_t items;   /* objects inside; a map has two per entry */
    bool nests;
};

struct scan {
    const unsigned char *p; /* next byte */
    size_t left;            /* bytes */
};

static int number(struct scan *s, size_t width, uint64_t *out)
{
    *out = 0;
    if (s->left < width) return GW_EBADMSG;
    for (size_t i = 0; i < width; i++) *out = *out << 8 | s->p[i];
    s->p += width;
    s->left -= width;
    return 0;
}

/* Headers 0xc0..0xdf, whose length field has `width` bytes. */
static int long_head(struct scan *s, unsigned char c, struct head *h)
{
    switch (c) {
    case 0xc0:
    case 0xc2:
    case 0xc3: return 0; /* nil, false, true */
    case 0xc4:
    case 0xc5:
    case 0xc6: return number(s, 1u << (c - 0xc4), &h->payload); /* bin */
    case 0xc7:
    case 0xc8:
    case 0xc9: /* ext: a type byte before the data */
        if (number(s, 1u << (c - 0xc7), &h->payload) != 0) return GW_EBADMSG;
        h->payload++;
        return 0;
    case 0xca: h->payload = 4; return 0; /* float */
    case 0xcb: h->payload = 8; return 0;
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf: h->payload = 1u << (c - 0xcc); return 0; /* uint */
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3: h->payload = 1u << (c - 0xd0); return 0; /* int */
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8: h->payload = 1 + (1u << (c - 0xd4)); return 0; /* fixext */
    case 0xd9:
    case 0xda:
    case 0xdb: return number(s, 1u << (c - 0xd9), &h->payload); /* str */
    case 0xdc:
    case 0xdd:
    case 0xde:
    case 0xdf: /* array, map */
        if (number(s, c & 1 ? 4 : 2, &h->items) != 0) return GW_EBADMSG;
        if (c >= 0xde) h->items *= 2;
        h->nests = true;
        return 0;
    default: return GW_EBADMSG; /* 0xc1 is never used */
    }
}

static int head(struct scan *s, struct head *h)
{
    *h = (struct head){ 0 };
    if (s->left == 0) return GW_EBADMSG;
    unsigned char c = *s->p++;
    s->left--;
    if (c < 0x80 || c >= 0xe0) return 0; /* small integers */
    if (c < 0xa0) {
        h->items = c < 0x90 ? 2u * (c & 0x0f) : c & 0x0f;
        h->nests = true;
        return 0;
    }
    if (c < 0xc0) {
        h->payload = c & 0x1f;
        return 0;
    }
    return long_head(s, c, h);
}

int msgs_prescan(struct str bytes, unsigned depth_max)
{
    struct scan s = { (const unsigned char *)bytes.p, bytes.n };
    uint64_t open[MSGS_PRESCAN_DEPTH_MAX + 1] = { 1 }; /* objects still to come at each level */
    unsigned depth = 0;
    if (depth_max > MSGS_PRESCAN_DEPTH_MAX) return GW_EINVAL;
    for (;;) {
        struct head h;
        while (open[depth] == 0) {
            if (depth == 0) return s.left == 0 ? 0 : GW_EBADMSG;
            depth--;
        }
        open[depth]--;
        if (head(&s, &h) != 0) return GW_EBADMSG;
        if (h.payload > s.left || h.items > s.left) return GW_EBADMSG; /* an object takes a byte at least */
        s.p += h.payload;
        s.left -= (size_t)h.payload;
        if (!h.nests) continue;
        if (depth == depth_max) return GW_EBADMSG;
        open[++depth] = h.items;
    }
}
