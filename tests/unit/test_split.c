/* Long answers as messages: limits, fences, and that nothing is lost. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/err.h"
#include "channels/split.h"

struct got {
    struct buf parts[64];
    size_t count;
};

static int keep(void *ctx, const struct split_part *part)
{
    struct got *g = ctx;
    if (g->count == 64) return GW_ELIMIT;
    struct buf *b = &g->parts[g->count++];
    buf_add(b, part->before);
    buf_add(b, part->body);
    buf_add(b, part->after);
    return b->err;
}

static struct got split(const char *text, size_t units, size_t lines)
{
    struct got g = { 0 };
    const struct split_limits limits = { .units = units, .lines = lines };
    cr_assert(split_text(str_of(text), &limits, keep, &g) == 0);
    return g;
}

static void is(const struct got *g, size_t i, const char *text)
{
    cr_assert(i < g->count, "there are %zu messages", g->count);
    cr_expect(str_is(buf_str(&g->parts[i]), text), "message %zu is <%.*s>, not <%s>", i, STR_ARG(buf_str(&g->parts[i])), text);
}

static void free_got(struct got *g)
{
    for (size_t i = 0; i < g->count; i++) buf_free(&g->parts[i]);
}

Test(split, a_short_text_is_one_message)
{
    struct got g = split("  hello\nworld \n\n", 2000, 17);
    cr_expect(g.count == 1);
    is(&g, 0, "hello\nworld");
    free_got(&g);
    g = split(" \n\t\n", 2000, 17);
    cr_expect(g.count == 0, "blanks are no message");
    free_got(&g);
}

Test(split, is_cut_at_paragraph_line_sentence_word_in_that_order)
{
    struct got g = split("One two three four.\n\nFive six\nseven eight nine", 30, 0);
    is(&g, 0, "One two three four.");
    is(&g, 1, "Five six\nseven eight nine");
    free_got(&g);
    g = split("aaaa bbbb cccc. dddd eeee ffff gggg", 24, 0);
    is(&g, 0, "aaaa bbbb cccc.");
    is(&g, 1, "dddd eeee ffff gggg");
    free_got(&g);
    g = split("aaaa bbbb cccc dddd eeee", 16, 0);
    is(&g, 0, "aaaa bbbb cccc");
    is(&g, 1, "dddd eeee");
    free_got(&g);
}

Test(split, a_fence_goes_on_with_its_language)
{
    struct got g = split("see\n```py\nprint(1)\nprint(2)\nprint(3)\n```\nend", 30, 0);
    cr_assert(g.count == 3, "%zu", g.count);
    is(&g, 0, "see\n```py\nprint(1)\n```");
    is(&g, 1, "```py\nprint(2)\nprint(3)\n```");
    is(&g, 2, "end");
    free_got(&g);
}

Test(split, no_message_has_more_lines_than_allowed)
{
    struct got g = split("1\n2\n3\n4\n5\n6\n7\n8\n9", 2000, 4);
    cr_assert(g.count == 3);
    is(&g, 0, "1\n2\n3\n4");
    is(&g, 2, "9");
    free_got(&g);
}

Test(split, a_character_as_people_see_it_stays_whole)
{
    /* a family of four with joiners: 11 units */
    struct got g = split("\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7\xe2\x80\x8d\xf0\x9f\x91\xa6"
                         "\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7\xe2\x80\x8d\xf0\x9f\x91\xa6",
                         16, 0);
    cr_assert(g.count == 2);
    cr_expect(g.parts[0].n == 25 && g.parts[1].n == 25);
    free_got(&g);
}

Test(split, each_paragraph_may_be_a_message)
{
    struct got g = { 0 };
    const struct split_limits limits = { .units = 2000, .paragraphs = true };
    cr_assert(split_text(STR("a\nb\n\nc\n\n```\nx\n\ny\n```"), &limits, keep, &g) == 0);
    cr_assert(g.count == 3);
    is(&g, 0, "a\nb");
    is(&g, 2, "```\nx\n\ny\n```");
    free_got(&g);
}

Test(split, so_many_messages_of_one_text_and_no_more)
{
    struct split_parts parts = { 0 };
    const struct split_limits limits = { .units = 16, .paragraphs = true };
    struct buf text = { 0 };
    for (int i = 0; i < SPLIT_PARTS_MAX; i++) buf_printf(&text, "%d\n\n", i);
    cr_assert(split_into(buf_str(&text), &limits, &parts) == 0);
    cr_assert(parts.count == SPLIT_PARTS_MAX);
    cr_expect(str_is(buf_str(&parts.list[SPLIT_PARTS_MAX - 1]), "199"), "all of it fits");
    split_parts_free(&parts);
    buf_text(&text, "one more");
    cr_assert(split_into(buf_str(&text), &limits, &parts) == 0);
    cr_assert(parts.count == SPLIT_PARTS_MAX);
    cr_expect(str_starts(buf_str(&parts.list[SPLIT_PARTS_MAX - 1]), STR("[The rest of this answer is left out")), "and the last says so");
    cr_expect(str_is(buf_str(&parts.list[0]), "0"));
    split_parts_free(&parts);
    buf_free(&text);
}

/* --- 100,000 random texts ------------------------------------------------------------------------------------------- */

static uint64_t seed;

static uint32_t below(uint32_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 11) % n;
}

static void write_random(struct buf *out)
{
    static const char *const pieces[] = {
        " ",
        " ",
        "\n",
        "\n\n",
        "```\n",
        "\n```py\n",
        "\n~~~~\n",
        "~~~~\n",
        ". ",
        "word",
        "longerword",
        "x",
        "\xc3\xa4",
        "\xe1\xba\xbf",
        "e\xcc\x81",
        "\xf0\x9f\x98\x80",
        "\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa",
        "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb",
        "\xe3\x80\x82",
        "   ",
        "\t",
        "`a`",
        "\r\n",
        "- item\n",
        "# head\n",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };
    uint32_t n = 1 + below(120);
    for (uint32_t i = 0; i < n; i++) buf_text(out, pieces[below(sizeof pieces / sizeof *pieces)]);
}

struct judge {
    struct str text;
    const struct split_limits *limits;
    size_t at; /* everything before it has been seen */
    uint32_t messages;
};

static bool is_fence_line(struct str line)
{
    line = str_trim(line);
    return line.n >= 3 && (line.p[0] == '`' || line.p[0] == '~') && line.p[1] == line.p[0] && line.p[2] == line.p[0];
}

static int check_part(void *ctx, const struct split_part *p)
{
    struct judge *j = ctx;
    size_t from = (size_t)(p->body.p - j->text.p), lines = 1;
    cr_assert(p->body.n > 0 && from >= j->at && from + p->body.n <= j->text.n, "bodies are pieces of the text, in order");
    for (size_t i = j->at; i < from; i++) cr_assert(strchr(" \t\r\n", j->text.p[i]), "only blanks are left out");
    j->at = from + p->body.n;
    cr_assert(p->before.n == 0 || is_fence_line(p->before));
    cr_assert(p->after.n == 0 || (p->after.p[0] == '\n' && is_fence_line(p->after)));
    cr_assert(split_units(p->before) + split_units(p->body) + split_units(p->after) <= j->limits->units, "message %u is too long",
              j->messages);
    for (size_t i = 0; i < p->body.n; i++) lines += p->body.p[i] == '\n';
    lines += (p->before.n > 0) + (p->after.n > 0);
    cr_assert(j->limits->lines == 0 || lines <= j->limits->lines, "%zu lines", lines);
    cr_assert(str_utf8_valid(p->body));
    j->messages++;
    return 0;
}

Test(split, of_100000_random_texts_nothing_is_lost_and_no_limit_is_passed, .timeout = 100)
{
    seed = 20261126;
    for (uint32_t i = 0; i < 100000; i++) {
        struct buf text = { 0 };
        write_random(&text);
        const struct split_limits limits = { .units = 16 + below(200), .lines = below(2) ? 0 : 4 + below(14), .paragraphs = below(4) == 0 };
        struct judge j = { .text = buf_str(&text), .limits = &limits };
        cr_assert(split_text(j.text, &limits, check_part, &j) == 0);
        for (size_t k = j.at; k < text.n; k++) cr_assert(strchr(" \t\r\n", text.p[k]), "text %u: the end is missing", i);
        buf_free(&text);
    }
}
