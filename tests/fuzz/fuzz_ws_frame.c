/* Any bytes as a server's WebSocket frames: cut anywhere they give the same messages and the same end. */
#include <stdlib.h>

#include "base/err.h"
#include "cli/ws_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Pieces of `first`, then `rest` bytes; notes every message. @return what ended it */
static int run(struct str bytes, size_t first, size_t rest, struct buf *out)
{
    struct ws_reader r = { 0 };
    int rc = GW_ENOENT;
    for (size_t n = first; bytes.n > 0 && rc == GW_ENOENT; n = rest) {
        struct ws_message m;
        if (n == 0 || n > bytes.n) n = bytes.n;
        buf_add(&r.in, (struct str){ bytes.p, n });
        bytes = (struct str){ bytes.p + n, bytes.n - n };
        while ((rc = ws_read(&r, &m)) == 0) {
            buf_printf(out, "%d %d ", m.kind, m.kind == WS_CLOSE ? m.code : 0);
            buf_json_str(out, m.data);
        }
    }
    ws_reader_free(&r);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole = { 0 }, cut = { 0 };
    if (size < 2) return 0;
    struct str bytes = { (const char *)data + 2, size - 2 };
    int a = run(bytes, 0, 0, &whole), b = run(bytes, data[0], data[1], &cut);
    if (a != b || !str_eq(buf_str(&whole), buf_str(&cut))) abort();
    buf_free(&whole);
    buf_free(&cut);
    return 0;
}
