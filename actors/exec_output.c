#include <stdlib.h>
#include <string.h>

#include "actors/exec_internal.h"

void exec_output_add(struct exec_output *o, struct str bytes)
{
    size_t room = EXEC_HEAD_BYTES - o->head.n, n = bytes.n < room ? bytes.n : room;
    buf_add(&o->head, (struct str){ bytes.p, n });
    o->total += n;
    bytes = (struct str){ bytes.p + n, bytes.n - n };
    if (bytes.n && !o->tail) o->tail = malloc(EXEC_TAIL_BYTES);
    while (bytes.n) {
        size_t at = (size_t)((o->total - EXEC_HEAD_BYTES) % EXEC_TAIL_BYTES);
        n = EXEC_TAIL_BYTES - at < bytes.n ? EXEC_TAIL_BYTES - at : bytes.n;
        if (o->tail) memcpy(o->tail + at, bytes.p, n);
        o->total += n;
        bytes = (struct str){ bytes.p + n, bytes.n - n };
    }
}

/* The first byte of the end that is kept. */
static uint64_t tail_from(const struct exec_output *o)
{
    if (o->total <= EXEC_HEAD_BYTES) return o->total;
    return o->total - EXEC_HEAD_BYTES > EXEC_TAIL_BYTES ? o->total - EXEC_TAIL_BYTES : EXEC_HEAD_BYTES;
}

static void add_tail(const struct exec_output *o, uint64_t from, struct buf *out)
{
    while (o->tail && from < o->total) {
        size_t at = (size_t)((from - EXEC_HEAD_BYTES) % EXEC_TAIL_BYTES), n = EXEC_TAIL_BYTES - at;
        if (n > o->total - from) n = (size_t)(o->total - from);
        buf_add(out, (struct str){ o->tail + at, n });
        from += n;
    }
}

static void add_from(const struct exec_output *o, uint64_t from, struct buf *out)
{
    uint64_t tail = tail_from(o);
    if (from < o->head.n) buf_add(out, (struct str){ o->head.p + from, o->head.n - (size_t)from });
    uint64_t lost_from = from > o->head.n ? from : o->head.n;
    if (lost_from < tail) buf_printf(out, "\n\n[... %llu bytes left out ...]\n\n", (unsigned long long)(tail - lost_from));
    add_tail(o, lost_from > tail ? lost_from : tail, out);
}

void exec_output_write(const struct exec_output *o, struct buf *out)
{
    add_from(o, 0, out);
}

void exec_output_news(struct exec_output *o, struct buf *out)
{
    add_from(o, o->shown, out);
    o->shown = o->total;
}

void exec_output_free(struct exec_output *o)
{
    buf_free(&o->head);
    free(o->tail);
    o->tail = NULL;
}
