#include "channels/split.h"

#include <unigbrk.h>

#include "base/err.h"

enum { GRAPHEME_WINDOW = 512 }; /* bytes that are looked at before a cut: no character that people write is longer */

/* A fence that is open at some place of the text. */
struct fence {
    struct str opener; /* its first line; n 0: none is open */
    char mark;         /* '`' or '~' */
    size_t count;      /* of marks */
};

struct splitter {
    struct str text;
    struct split_limits limits;
    size_t at; /* where the next message begins */
    struct fence fence;
    char before[SPLIT_OPENER_MAX + 2], after[SPLIT_OPENER_MAX + 2];
};

/* --- counting ----------------------------------------------------------------------------------------------------- */

static size_t step(struct str s, size_t *units)
{
    size_t n = str_utf8_first(s);
    *units = n == 4 ? 2 : 1;
    return n ? n : 1;
}

size_t split_units(struct str text)
{
    size_t total = 0;
    for (size_t i = 0, units; i < text.n; total += units) i += step((struct str){ text.p + i, text.n - i }, &units);
    return total;
}

/* How many bytes of `s` at most `units` units are, not cutting a code point. */
static size_t bytes_within(struct str s, size_t units)
{
    size_t i = 0;
    while (i < s.n) {
        size_t need, n = step((struct str){ s.p + i, s.n - i }, &need);
        if (need > units) break;
        units -= need;
        i += n;
    }
    return i;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_blank_line(struct str line)
{
    return str_trim(line).n == 0;
}

/* The line that begins at `from`, without its break. */
static struct str line_at(struct str text, size_t from)
{
    const char *end = from < text.n ? memchr(text.p + from, '\n', text.n - from) : NULL;
    return (struct str){ text.p + from, end ? (size_t)(end - text.p) - from : text.n - from };
}

/* --- fences: CommonMark 4.5 ---------------------------------------------------------------------------------------- */

static size_t marks(struct str line, char *mark)
{
    size_t indent = 0, n = 0;
    while (indent < line.n && indent < 4 && line.p[indent] == ' ') indent++;
    if (indent > 3 || indent == line.n) return 0;
    *mark = line.p[indent];
    if (*mark != '`' && *mark != '~') return 0;
    while (indent + n < line.n && line.p[indent + n] == *mark) n++;
    if (n < 3) return 0;
    return n;
}

/* What is open behind this line. */
static struct fence follow(struct fence f, struct str line)
{
    static const struct fence none;
    char mark = 0;
    size_t n = marks(line, &mark);
    struct str trimmed = str_trim(line);
    if (n == 0) return f;
    if (f.opener.n == 0) {
        bool inline_code = mark == '`' && memchr(trimmed.p + n, '`', trimmed.n - n);
        return inline_code ? f : (struct fence){ .opener = trimmed, .mark = mark, .count = n };
    }
    bool closes = mark == f.mark && n >= f.count && trimmed.n == n;
    return closes ? none : f;
}

static struct str closer(struct splitter *s, const struct fence *f)
{
    size_t n = f->count < SPLIT_OPENER_MAX ? f->count : SPLIT_OPENER_MAX;
    if (f->opener.n == 0) return (struct str){ 0 };
    s->after[0] = '\n';
    memset(s->after + 1, f->mark, n);
    return (struct str){ s->after, n + 1 };
}

static struct str opener(struct splitter *s, const struct fence *f)
{
    bool whole = f->opener.n <= SPLIT_OPENER_MAX && split_units(f->opener) * 4 <= s->limits.units;
    size_t n = whole ? f->opener.n : f->count < SPLIT_OPENER_MAX ? f->count : SPLIT_OPENER_MAX;
    if (f->opener.n == 0) return (struct str){ 0 };
    memcpy(s->before, f->opener.p, n);
    s->before[n] = '\n';
    return (struct str){ s->before, n + 1 };
}

/* --- where to cut inside a line -------------------------------------------------------------------------------------- */

/* The last place within the first `within` bytes that is not inside a character as people see it. u8_grapheme_next() of libunistring 1.0
 * does not know joined emoji and flags; u8_grapheme_breaks() does. */
static size_t last_grapheme(struct str s, size_t within)
{
    char breaks[GRAPHEME_WINDOW + 8];
    size_t from = within > GRAPHEME_WINDOW ? within - GRAPHEME_WINDOW : 0, units;
    while (from > 0 && ((unsigned char)s.p[from] & 0xc0) == 0x80) from--;
    size_t end = within + (within < s.n ? step((struct str){ s.p + within, s.n - within }, &units) : 0);
    u8_grapheme_breaks((const uint8_t *)s.p + from, end - from, breaks);
    for (size_t i = within; i > from; i--)
        if (i < end && breaks[i - from]) return i;
    return within;
}

static bool ends_sentence(struct str s, size_t at)
{
    static const char *const wide[] = { "\xe3\x80\x82", "\xef\xbc\x81", "\xef\xbc\x9f" }; /* U+3002, U+FF01, U+FF1F */
    if (at == 0) return false;
    char c = s.p[at - 1];
    if ((c == '.' || c == '!' || c == '?') && at < s.n && is_blank(s.p[at])) return true;
    for (size_t i = 0; i < 3; i++)
        if (at >= 3 && memcmp(s.p + at - 3, wide[i], 3) == 0) return true;
    return false;
}

/* Bytes of the line that go into this message. @param within  that would fit  @param code  inside a fence blanks are text */
static size_t cut_line(struct str line, size_t within, bool code)
{
    size_t word = 0;
    if (within >= line.n) return line.n;
    for (size_t i = within; i > within / 2; i--)
        if (!code && ends_sentence(line, i)) return i;
    for (size_t i = within; i > 0 && !word; i--)
        if (is_blank(line.p[i])) word = i;
    if (word && str_trim((struct str){ line.p, word }).n) return word;
    return last_grapheme(line, within);
}

/* --- one message ---------------------------------------------------------------------------------------------------- */

struct cut {
    size_t end;         /* of the body */
    struct fence fence; /* open there */
};

static size_t skip_break(struct str text, size_t at)
{
    return at < text.n && text.p[at] == '\n' ? at + 1 : at;
}

/* The end of the message that begins at s->at. */
static struct cut find_cut(struct splitter *s, struct str before)
{
    size_t at = s->at, units = split_units(before), lines = before.n ? 1 : 0;
    struct cut line_cut = { s->at, s->fence }, paragraph = { s->at, s->fence };
    struct fence fence = s->fence;
    while (at < s->text.n) {
        struct str line = line_at(s->text, at);
        struct fence after = follow(fence, line);
        size_t cost = split_units(line), reserve = after.opener.n ? after.count + 1 : 0; /* for closing it */
        bool tall = s->limits.lines && at > s->at && lines + 1 + (reserve ? 1 : 0) > s->limits.lines;
        if (tall || units + cost + reserve > s->limits.units) break;
        units += cost + 1;
        lines++;
        at = skip_break(s->text, at + line.n);
        bool opens = after.opener.n && !fence.opener.n; /* no message ends with an opening line alone */
        fence = after;
        if (!opens) line_cut = (struct cut){ at, fence };
        bool ends = fence.opener.n == 0 && at < s->text.n && is_blank_line(line_at(s->text, at));
        if (ends && s->limits.paragraphs) return line_cut;
        if (ends && units * 2 >= s->limits.units) paragraph = line_cut;
    }
    if (at >= s->text.n) return (struct cut){ s->text.n, fence };
    if (paragraph.end > s->at) return paragraph;
    if (line_cut.end > s->at) return line_cut;
    struct str line = line_at(s->text, at); /* it alone is too long */
    size_t room = s->limits.units - (units < s->limits.units ? units : s->limits.units - 1), reserve = fence.opener.n ? fence.count + 1 : 0;
    size_t within = bytes_within(line, room > reserve ? room - reserve : 1);
    if (within == 0) within = bytes_within(line, 2);
    return (struct cut){ at + cut_line(line, within, fence.opener.n > 0), fence };
}

static struct str body_of(struct str text, size_t from, size_t to, bool code)
{
    struct str b = { text.p + from, to - from };
    if (code) {
        if (b.n && b.p[b.n - 1] == '\n') b.n--;
        return b;
    }
    while (b.n && is_blank(b.p[b.n - 1])) b.n--;
    return b;
}

/* Blank lines before a message; behind a cut inside a line, and at the very start, blanks of the line as well. */
static size_t skip_blanks(struct str text, size_t at)
{
    bool inside = at == 0 || text.p[at - 1] != '\n';
    while (inside && at < text.n && is_blank(text.p[at])) {
        at++;
        if (text.p[at - 1] == '\n') break;
    }
    for (;;) {
        struct str line = line_at(text, at);
        if (!is_blank_line(line)) return at;
        if (at + line.n >= text.n) return text.n;
        at += line.n + 1;
    }
}

int split_text(struct str text, const struct split_limits *limits, split_part_fn *fn, void *ctx)
{
    struct splitter s = { .text = text, .limits = *limits };
    int rc = 0;
    while (text.n && is_blank(text.p[0])) text = (struct str){ text.p + 1, text.n - 1 };
    s.text = text;
    if (text.n == 0) return 0;
    if (s.limits.units < SPLIT_UNITS_MIN) s.limits.units = SPLIT_UNITS_MIN;
    if (s.limits.lines && s.limits.lines < 4) s.limits.lines = 4;
    while (rc == 0) {
        if (s.fence.opener.n == 0) s.at = skip_blanks(text, s.at);
        if (s.at >= text.n) break;
        struct str before = opener(&s, &s.fence);
        struct cut cut = find_cut(&s, before);
        struct split_part part = { before, body_of(text, s.at, cut.end, cut.fence.opener.n > 0 && cut.end < text.n), { 0 } };
        if (cut.end < text.n) part.after = closer(&s, &cut.fence);
        if (part.body.n) rc = fn(ctx, &part);
        s.at = cut.end;
        s.fence = cut.fence;
        if (s.fence.opener.n && part.body.n == 0) s.at = skip_break(text, s.at);
    }
    return rc;
}

/* --- the messages themselves ------------------------------------------------------------------------------------------ */

#define LEFT_OUT "[The rest of this answer is left out here: it is longer than a channel takes.]"

static int add_part(void *ctx, const struct split_part *part)
{
    struct split_parts *parts = ctx;
    bool full = parts->count == SPLIT_PARTS_MAX;
    struct buf *b = &parts->list[full ? SPLIT_PARTS_MAX - 1 : parts->count++];
    if (full) {
        buf_clear(b);
        buf_text(b, LEFT_OUT);
        return b->err ? b->err : GW_ELIMIT; /* enough */
    }
    buf_add(b, part->before);
    buf_add(b, part->body);
    buf_add(b, part->after);
    return b->err;
}

int split_into(struct str text, const struct split_limits *limits, struct split_parts *out)
{
    int rc = split_text(text, limits, add_part, out);
    return rc == GW_ELIMIT ? 0 : rc;
}

void split_parts_free(struct split_parts *parts)
{
    for (size_t i = 0; i < parts->count; i++) buf_free(&parts->list[i]);
    parts->count = 0;
}
