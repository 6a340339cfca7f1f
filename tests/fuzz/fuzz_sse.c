/* Any bytes as an event stream: cut anywhere they give the same events, and no bound is passed. */
#include <stdlib.h>

#include "base/err.h"
#include "providers/sse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { EVENT_MAX = 256 };

static void note(void *ctx, struct str event, struct str data)
{
    struct buf *out = ctx;
    if (data.n > EVENT_MAX) abort();
    buf_json_str(out, event);
    buf_json_str(out, data);
}

/* Pieces of `first`, then `rest` bytes. */
static int run(struct str bytes, size_t first, size_t rest, struct buf *out)
{
    struct sse s = { .max = EVENT_MAX };
    int rc = 0;
    for (size_t n = first; bytes.n > 0 && rc == 0; n = rest) {
        if (n == 0 || n > bytes.n) n = bytes.n;
        rc = sse_feed(&s, (struct str){ bytes.p, n }, note, out);
        bytes = (struct str){ bytes.p + n, bytes.n - n };
    }
    if (rc == 0) rc = sse_finish(&s, note, out);
    sse_free(&s);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole = { 0 }, cut = { 0 };
    if (size < 2) return 0;
    struct str bytes = { (const char *)data + 2, size - 2 };
    int a = run(bytes, 0, 0, &whole);
    int b = run(bytes, data[0], data[1], &cut);
    if (a != b || !str_eq(buf_str(&whole), buf_str(&cut))) abort();
    buf_free(&whole);
    buf_free(&cut);
    return 0;
}
