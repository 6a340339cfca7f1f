#include "cli/text.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/utf8.h"

enum { COLUMNS_DEFAULT = 120, COLUMNS_MIN = 60, MINUTE_MS = 60000, HOUR_MS = 60 * MINUTE_MS, DAY_MS = 24 * HOUR_MS };

/* --- the terminal ----------------------------------------------------------------------------------------------- */

bool text_colour_wanted(bool terminal, const struct env *env)
{
    return terminal && env_get(env, "NO_COLOR").n == 0 && !str_is(env_get(env, "TERM"), "dumb");
}

bool text_colour(FILE *to)
{
    struct env env = env_process();
    return text_colour_wanted(isatty(fileno(to)) == 1, &env);
}

int text_columns(FILE *to)
{
    struct winsize size = { 0 };
    int columns = isatty(fileno(to)) == 1 && ioctl(fileno(to), TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : COLUMNS_DEFAULT;
    return columns - 1 < COLUMNS_MIN ? COLUMNS_MIN : columns - 1;
}

void text_style(struct buf *out, bool colour, enum style style, struct str text)
{
    static const char *const codes[] = { "", "1", "2", "31", "32", "33", "36" };
    if (!colour || style == STYLE_PLAIN) {
        buf_add(out, text);
        return;
    }
    buf_printf(out, "\033[%sm", codes[style]);
    buf_add(out, text);
    buf_text(out, "\033[0m");
}

/* --- width ------------------------------------------------------------------------------------------------------ */

static const struct utf8_range WIDE_ONES[] = {
#define WIDE(first, last) { first, last },
#define ZERO(first, last)
#include "cli/width.def"
#undef WIDE
#undef ZERO
};

static const struct utf8_range ZERO_ONES[] = {
#define WIDE(first, last)
#define ZERO(first, last) { first, last },
#include "cli/width.def"
#undef WIDE
#undef ZERO
};

static uint32_t code_point(struct str s, size_t *bytes)
{
    const unsigned char *b = (const unsigned char *)s.p;
    size_t n = b[0] < 0x80 ? 1 : b[0] >= 0xf0 ? 4 : b[0] >= 0xe0 ? 3 : b[0] >= 0xc0 ? 2 : 1;
    if (n > s.n) n = 1;
    *bytes = n;
    if (n == 1) return b[0];
    uint32_t c = b[0] & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) c = c << 6 | (b[i] & 0x3f);
    return c;
}

enum { EMOJI_STYLE = 0xfe0f }; /* makes an emoji, two columns wide, of the character before it */

size_t text_step(struct str s, size_t *bytes)
{
    uint32_t c = code_point(s, bytes);
    size_t width = utf8_within(WIDE_ONES, sizeof WIDE_ONES / sizeof WIDE_ONES[0], c) ? 2 : 1;
    if (utf8_within(ZERO_ONES, sizeof ZERO_ONES / sizeof ZERO_ONES[0], c)) width = 0;
    struct str rest = { s.p + *bytes, s.n - *bytes };
    size_t more = 0;
    if (width == 1 && c > 0x7f && rest.n && code_point(rest, &more) == EMOJI_STYLE) {
        *bytes += more;
        width = 2;
    }
    return width;
}

size_t text_width(struct str s)
{
    size_t width = 0, bytes;
    for (; s.n; s = (struct str){ s.p + bytes, s.n - bytes }) width += text_step(s, &bytes);
    return width;
}

/* --- cleaning and fitting --------------------------------------------------------------------------------------- */

static bool steers(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x2028 || c == 0x2029 || (c >= 0x202a && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069);
}

void text_clean(struct buf *out, struct str s)
{
    struct buf valid = { 0 };
    size_t bytes;
    utf8_add_valid(&valid, s);
    for (struct str rest = buf_str(&valid); rest.n; rest = (struct str){ rest.p + bytes, rest.n - bytes }) {
        bool bad = steers(code_point(rest, &bytes));
        buf_add(out, bad ? STR(" ") : (struct str){ rest.p, bytes });
    }
    buf_free(&valid);
}

void text_clean_lines(struct buf *out, struct str s)
{
    bool first = true;
    for (struct str rest = s; rest.p; first = false) {
        if (!first) buf_char(out, '\n');
        text_clean(out, str_split(&rest, '\n'));
    }
}

void text_say(FILE *to, const char *format, ...)
{
    struct buf line = { 0 };
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    if (n < 0) return;
    text_clean(&line, (struct str){ text, (size_t)n });
    buf_char(&line, '\n');
    fwrite(line.p ? line.p : "", 1, line.n, to);
    buf_free(&line);
    free(text);
}

static void spaces(struct buf *out, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) buf_char(out, ' ');
}

void text_pad(struct buf *out, struct str s, size_t width)
{
    size_t start = out->n;
    text_clean(out, s);
    if (out->err) return;
    spaces(out, text_width((struct str){ out->p + start, out->n - start }), width);
}

void text_fit(struct buf *out, struct str s, size_t width)
{
    struct buf clean = { 0 };
    size_t used = 0, bytes;
    text_clean(&clean, s);
    struct str rest = buf_str(&clean);
    bool whole = text_width(rest) <= width;
    for (; rest.n; rest = (struct str){ rest.p + bytes, rest.n - bytes }) {
        size_t step = text_step(rest, &bytes);
        if (!whole && used + step + 3 > width) break;
        buf_add(out, (struct str){ rest.p, bytes });
        used += step;
    }
    if (!whole && width >= 3) buf_text(out, "...");
    buf_free(&clean);
}

/* --- times ------------------------------------------------------------------------------------------------------ */

static int64_t divide(int64_t value, int64_t by)
{
    return (value + by / 2) / by;
}

void text_ago(struct buf *out, int64_t age_ms)
{
    int64_t minutes = divide(age_ms < 0 ? 0 : age_ms, MINUTE_MS), hours = divide(minutes, 60);
    if (minutes < 1)
        buf_text(out, "just now");
    else if (minutes < 60)
        buf_printf(out, "%lldm ago", (long long)minutes);
    else if (hours < 48)
        buf_printf(out, "%lldh ago", (long long)hours);
    else
        buf_printf(out, "%lldd ago", (long long)divide(hours, 24));
}

void text_span(struct buf *out, int64_t ms)
{
    if (ms < MINUTE_MS)
        buf_text(out, "<1m");
    else if (ms < HOUR_MS)
        buf_printf(out, "%lldm", (long long)divide(ms, MINUTE_MS));
    else if (ms < DAY_MS)
        buf_printf(out, "%lldh", (long long)divide(ms, HOUR_MS));
    else
        buf_printf(out, "%lldd", (long long)divide(ms, DAY_MS));
}
