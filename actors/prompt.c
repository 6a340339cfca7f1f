#include "actors/prompt.h"

#include <stdio.h>

#include "actors/prompt_parts.h"

static bool date_at(struct str s)
{
    static const char shape[] = "dddd-dd-dd dd:dd";
    if (s.n < sizeof shape - 1) return false;
    for (size_t i = 0; i < sizeof shape - 1; i++) {
        bool digit = s.p[i] >= '0' && s.p[i] <= '9';
        if (shape[i] == 'd' ? !digit : s.p[i] != shape[i]) return false;
    }
    return true;
}

/* Starts with "[", with a date and time before the "]". */
static bool has_envelope(struct str text)
{
    if (text.n == 0 || text.p[0] != '[') return false;
    for (size_t i = 1; i < text.n && text.p[i] != ']' && text.p[i] != '\n'; i++)
        if (date_at((struct str){ text.p + i, text.n - i })) return true;
    return false;
}

static void add_zone(struct buf *out, const struct timezone_local *t)
{
    int minutes = (t->offset_s < 0 ? -t->offset_s : t->offset_s) / 60;
    if (t->abbreviation[0] != '+' && t->abbreviation[0] != '-') {
        buf_text(out, t->abbreviation);
        return;
    }
    buf_printf(out, "GMT%c%d", t->offset_s < 0 ? '-' : '+', minutes / 60);
    if (minutes % 60) buf_printf(out, ":%02d", minutes % 60);
}

void prompt_user_text(struct str text, const timezone_t *zone, int64_t wall_ms, struct buf *out)
{
    static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
    struct timezone_local t;
    if (str_trim(text).n > 0 && !has_envelope(text) && str_find(text, STR("Current time: ")) < 0) {
        timezone_local(zone, wall_ms / 1000 - (wall_ms % 1000 < 0), &t);
        buf_printf(out, "[%s %04d-%02d-%02d %02d:%02d ", days[t.weekday], t.year, t.month, t.day, t.hour, t.minute);
        add_zone(out, &t);
        buf_text(out, "] ");
    }
    buf_add(out, text);
}

int prompt_build(const struct prompt_input *in, struct buf *out)
{
    size_t start = out->n;
    prompt_add_head(in, out);
    prompt_add_skills(in, out);
    prompt_add_place(in, out);
    prompt_add_talk(in, out);
    prompt_add_context(in, out);
    prompt_add_files(in, out);
    prompt_add_tail(in, out);
    if (out->err == 0 && out->n > start && out->p[out->n - 1] == '\n') out->n--;
    return out->err;
}
