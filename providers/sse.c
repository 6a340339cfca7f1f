#include "providers/sse.h"

#include "base/err.h"

void sse_free(struct sse *s)
{
    buf_free(&s->line);
    buf_free(&s->event);
    buf_free(&s->data);
    *s = (struct sse){ .max = s->max };
}

static int dispatch(struct sse *s, sse_event_fn *fn, void *ctx)
{
    if (s->has_data) fn(ctx, buf_str(&s->event), buf_str(&s->data));
    buf_clear(&s->event);
    buf_clear(&s->data);
    s->has_data = false;
    return 0;
}

static int field(struct sse *s, struct str name, struct str value)
{
    if (str_is(name, "event")) {
        buf_clear(&s->event);
        buf_add(&s->event, value);
        return s->event.err;
    }
    if (!str_is(name, "data")) return 0;
    if (value.n + s->data.n + 1 > s->max) return GW_ELIMIT;
    s->data.max = s->max;
    if (s->has_data) buf_char(&s->data, '\n');
    buf_add(&s->data, value);
    s->has_data = true;
    return s->data.err;
}

static int take_line(struct sse *s, struct str line, sse_event_fn *fn, void *ctx)
{
    if (!s->begun && str_starts(line, STR("\xEF\xBB\xBF"))) line = (struct str){ line.p + 3, line.n - 3 };
    s->begun = true;
    if (line.n == 0) return dispatch(s, fn, ctx);
    if (line.p[0] == ':') return 0;
    struct str value = line, name = str_split(&value, ':');
    if (value.n > 0 && value.p[0] == ' ') value = (struct str){ value.p + 1, value.n - 1 };
    return field(s, name, value);
}

/* The bytes up to a line end: the line is in `line` when nothing of it came before, else it is collected first. */
static int end_line(struct sse *s, struct str bytes, sse_event_fn *fn, void *ctx)
{
    if (s->line.n + bytes.n > s->max) return GW_ELIMIT;
    if (s->line.n == 0) return take_line(s, bytes, fn, ctx);
    buf_add(&s->line, bytes);
    int rc = s->line.err ? s->line.err : take_line(s, buf_str(&s->line), fn, ctx);
    buf_clear(&s->line);
    return rc;
}

/* Offset of the first CR or LF, or s.n. */
static size_t line_length(struct str s)
{
    const char *lf = memchr(s.p, '\n', s.n);
    size_t n = lf ? (size_t)(lf - s.p) : s.n;
    const char *cr = memchr(s.p, '\r', n);
    return cr ? (size_t)(cr - s.p) : n;
}

int sse_feed(struct sse *s, struct str bytes, sse_event_fn *fn, void *ctx)
{
    while (bytes.n > 0) {
        if (s->after_cr) {
            s->after_cr = false;
            if (bytes.p[0] == '\n') {
                bytes = (struct str){ bytes.p + 1, bytes.n - 1 };
                continue;
            }
        }
        size_t n = line_length(bytes);
        if (n == bytes.n) {
            if (s->line.n + n > s->max) return GW_ELIMIT;
            s->line.max = s->max;
            buf_add(&s->line, bytes);
            return s->line.err;
        }
        s->after_cr = bytes.p[n] == '\r';
        int rc = end_line(s, (struct str){ bytes.p, n }, fn, ctx);
        if (rc != 0) return rc;
        bytes = (struct str){ bytes.p + n + 1, bytes.n - n - 1 };
    }
    return 0;
}

int sse_finish(struct sse *s, sse_event_fn *fn, void *ctx)
{
    int rc = s->line.n > 0 ? end_line(s, STR(""), fn, ctx) : 0;
    return rc != 0 ? rc : dispatch(s, fn, ctx);
}
