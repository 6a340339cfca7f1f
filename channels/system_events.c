#include "channels/system_events.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"

void system_events_free(struct system_events *e)
{
    for (size_t i = 0; i < e->count; i++) free(e->list[i].text);
    e->count = 0;
}

int system_events_add(struct system_events *e, struct str text, int64_t now_ms)
{
    text = str_utf8_prefix(text, SYSTEM_EVENT_BYTES);
    if (e->count && str_is(text, e->list[e->count - 1].text)) return 0;
    char *copy = str_dup(text);
    if (!copy) return GW_ENOMEM;
    for (char *c = copy; *c; c++)
        if (*c == '\n' || *c == '\r') *c = ' ';
    if (e->count == SYSTEM_EVENTS_MAX) {
        free(e->list[0].text);
        memmove(e->list, e->list + 1, --e->count * sizeof e->list[0]);
    }
    e->list[e->count].text = copy;
    e->list[e->count++].at_ms = now_ms;
    return 0;
}

size_t system_events_take(struct system_events *e, struct buf *out)
{
    size_t taken = e->count;
    for (size_t i = 0; i < taken; i++) {
        char at[CLOCK_ISO_SIZE];
        clock_iso(e->list[i].at_ms, at);
        buf_printf(out, "System: [%.10s %.8s UTC] %s\n", at, at + 11, e->list[i].text);
    }
    if (out->err) return 0;
    system_events_free(e);
    return taken;
}

void system_events_write(const struct system_events *e, struct buf *out)
{
    buf_char(out, '[');
    for (size_t i = 0; i < e->count; i++) {
        buf_json_comma(out);
        buf_json_str(out, str_of(e->list[i].text));
    }
    buf_char(out, ']');
}
