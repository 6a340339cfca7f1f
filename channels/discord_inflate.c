/* zlib-stream: one stream a connection; a payload ends where a piece ends with 00 00 FF FF (reference discord 1.1). */
#include <stdlib.h>
#include <zlib.h>

#include "base/err.h"
#include "channels/discord.h"

struct discord_inflater {
    z_stream stream;
    struct buf packed; /* of a payload that is not complete */
};

int discord_inflate_create(struct discord_inflater **out)
{
    struct discord_inflater *i = calloc(1, sizeof *i);
    *out = i;
    if (!i) return GW_ENOMEM;
    i->packed.max = DISCORD_PAYLOAD_MAX;
    if (inflateInit(&i->stream) == Z_OK) return 0;
    free(i);
    *out = NULL;
    return GW_ENOMEM;
}

void discord_inflate_destroy(struct discord_inflater **i_p)
{
    struct discord_inflater *i = *i_p;
    if (!i) return;
    inflateEnd(&i->stream);
    buf_free(&i->packed);
    free(i);
    *i_p = NULL;
}

static int inflate_all(struct discord_inflater *i, struct buf *out)
{
    enum { ROOM = 16384 };
    i->stream.next_in = (Bytef *)i->packed.p;
    i->stream.avail_in = (uInt)i->packed.n;
    out->max = DISCORD_PAYLOAD_MAX;
    do {
        char *room = buf_reserve(out, ROOM);
        if (!room) return out->err;
        i->stream.next_out = (Bytef *)room;
        i->stream.avail_out = ROOM;
        int rc = inflate(&i->stream, Z_SYNC_FLUSH);
        out->n += ROOM - i->stream.avail_out;
        if (rc == Z_BUF_ERROR && i->stream.avail_in == 0) break;
        if (rc != Z_OK) return GW_EPARSE;
    } while (i->stream.avail_in > 0 || i->stream.avail_out == 0);
    return 0;
}

int discord_inflate_feed(struct discord_inflater *i, struct str bytes, struct buf *out)
{
    buf_add(&i->packed, bytes);
    if (i->packed.err) return i->packed.err;
    if (!str_ends(buf_str(&i->packed), (struct str){ "\0\0\xff\xff", 4 })) return 0;
    int rc = inflate_all(i, out);
    buf_clear(&i->packed);
    if (i->packed.cap > 256 * 1024) buf_free(&i->packed); /* a large server came in */
    return rc ? rc : 1;
}
