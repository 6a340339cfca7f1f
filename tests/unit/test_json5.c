#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/json5.h"

static struct arena arena;
static struct json5_error error;

static void end(void)
{
    arena_free(&arena);
}

static struct json5_node *read_text(struct str text)
{
    struct json5_node *root;
    int rc = json5_parse(&arena, text, 7, &root, &error);
    cr_assert_eq(rc, error.code);
    cr_assert((rc == 0) == (root != NULL));
    return root;
}

static struct json5_node *read(const char *text)
{
    return read_text(str_of(text));
}

static void refuses(const char *text, unsigned line, unsigned column, const char *why)
{
    cr_assert_null(read(text), "%s", text);
    cr_assert_eq(error.code, GW_EPARSE);
    cr_assert_str_eq(error.text, why);
    cr_assert(error.place.line == line && error.place.column == column, "%s: %u:%u", text, error.place.line, error.place.column);
}

Test(json5, reads_every_kind_with_its_place, .fini = end)
{
    const struct json5_node *root = read("// first\n{ a: [null, true,\r\n 0x1F], 'é': +.5, \"s\": 'x\\\n\\u00e9', }");
    cr_assert(root && root->kind == JSON5_OBJECT && root->count == 3);
    cr_assert(root->place.line == 2 && root->place.column == 1 && root->place.file == 7);
    const struct json5_node *a = json5_member(root, STR("a"));
    cr_assert(a->kind == JSON5_ARRAY && a->count == 3 && a->key_place.column == 3 && a->place.column == 6);
    cr_assert(json5_element(a, 0)->kind == JSON5_NULL && json5_element(a, 1)->boolean);
    cr_assert(json5_element(a, 2)->number == 31 && json5_element(a, 2)->place.line == 3 && json5_element(a, 2)->place.column == 2);
    cr_assert_null(json5_element(a, 3));
    cr_assert(json5_member(root, STR("\xC3\xA9"))->number == 0.5);
    cr_assert(json5_member(root, STR("s"))->key_place.column == 19); /* in characters, not bytes */
    cr_assert_str_eq(json5_member(root, STR("s"))->string.p, "x\xC3\xA9");
    cr_assert_null(json5_member(root, STR("t")));
    cr_assert_null(json5_member(NULL, STR("t")));
}

Test(json5, says_what_it_found_and_what_it_expected, .fini = end)
{
    refuses("", 1, 1, "found the end of the text, expected a value: {, [, a quoted string, a number, true, false or null");
    refuses("{\n  a = 1 }", 2, 5, "found '=', expected ':' after the name");
    refuses("{ a: 1\n  b: 2 }", 2, 3, "found 'b', expected ',' or '}'");
    refuses("[1 2]", 1, 4, "found '2', expected ',' or ']'");
    refuses("{\n a: [1,\n 2,", 3, 4, "the text ends inside the array of line 2, expected ']'");
    refuses("{ a: 'x", 1, 6, "this string is never closed, expected '");
    refuses("'x\ny'", 1, 3, "found the end of the line, expected the closing quote; a line break in a string is written \\n");
    refuses("/* x", 1, 1, "this comment is never closed, expected '*/'");
    refuses("'\\uD83D'", 1, 2, "half of a surrogate pair; write both, as in \\uD83D\\uDE00");
    refuses("1 2", 1, 3, "found '2', expected nothing after the value");
    refuses("{ \\u0030: 1 }", 1, 3, "U+0030 cannot stand in a name without quotes");
    refuses("[truth]", 1, 5, "found 't', expected 'e'");
    refuses("5e", 1, 3, "found the end of the text, expected a digit of the exponent");
}

Test(json5, names_the_byte_that_is_not_utf8, .fini = end)
{
    refuses("{\n a: '\xC3\xA9\xFF' }", 2, 7, "byte 0xFF is not UTF-8; save the file as UTF-8");
    refuses("'\xE2\x82", 1, 2, "byte 0xE2 is not UTF-8; save the file as UTF-8");
}

Test(json5, holds_its_depth_and_refuses_one_more, .fini = end)
{
    char text[2 * JSON5_DEPTH_MAX + 3];
    for (int depth = JSON5_DEPTH_MAX; depth <= JSON5_DEPTH_MAX + 1; depth++) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        text[2 * depth] = '\0';
        cr_assert((read(text) != NULL) == (depth == JSON5_DEPTH_MAX));
    }
    cr_assert_eq(error.code, GW_ELIMIT);
    cr_assert_str_eq(error.text, "nested deeper than 64 levels");
    cr_assert_eq(error.place.column, JSON5_DEPTH_MAX + 1);
}

Test(json5, holds_its_size_and_refuses_one_byte_more, .fini = end)
{
    static char text[JSON5_TEXT_MAX + 1];
    memset(text, ' ', sizeof text);
    text[0] = '1';
    cr_assert_not_null(read_text((struct str){ text, JSON5_TEXT_MAX }));
    cr_assert_null(read_text((struct str){ text, JSON5_TEXT_MAX + 1 }));
    cr_assert_eq(error.code, GW_ELIMIT);
}

Test(json5, marks_duplicates_in_small_and_large_objects, .fini = end)
{
    struct buf text = { 0 };
    for (int extra = 0; extra <= 2 * JSON5_INDEX_MIN; extra += 2 * JSON5_INDEX_MIN) {
        buf_clear(&text);
        buf_text(&text, "{ k: 1,\n");
        for (int i = 0; i < extra; i++) buf_printf(&text, "m%d: %d,", i, i);
        buf_text(&text, "\nk: 2,\nk: 3 }");
        const struct json5_node *root = read_text(buf_str(&text));
        const struct json5_node *last = json5_member(root, STR("k"));
        cr_assert((root->index != NULL) == (extra > 0));
        cr_assert(last->number == 3 && last->duplicate_of == root->first);
        cr_assert_null(root->first->duplicate_of);
        cr_assert(!extra || json5_member(root, STR("m7"))->number == 7);
    }
    buf_free(&text);
}

Test(json5, refuses_more_values_than_its_arena_holds, .fini = end)
{
    arena.max = 4096;
    cr_assert_not_null(read("[1, 2, 3]"));
    cr_assert_null(read("[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]"));
    cr_assert_eq(error.code, GW_ELIMIT);
}

Test(json5, is_linear_in_a_text_of_one_line, .fini = end, .timeout = 20)
{
    arena.max = SIZE_MAX;
    static char text[JSON5_TEXT_MAX];
    struct buf b = { 0 };
    for (size_t i = 0; i + 2 <= sizeof text; i += 2) memcpy(text + i, "1,", 2);
    text[0] = '[';
    text[1] = ' ';
    text[sizeof text - 1] = ']';
    cr_assert_eq(read_text((struct str){ text, sizeof text })->count, JSON5_TEXT_MAX / 2 - 1);
    arena_free(&arena); /* each of the two trees fits its bound, both do not */
    buf_char(&b, '{');
    for (int i = 0; b.n < JSON5_TEXT_MAX - 20; i++) buf_printf(&b, "k%d:0,", i);
    buf_char(&b, '}');
    cr_assert_not_null(json5_member(read_text(buf_str(&b)), STR("k4711")));
    buf_free(&b);
}

Test(json5, gives_whole_numbers_only_when_they_are_exact, .fini = end)
{
    int64_t n;
    cr_assert(json5_to_int(read("9007199254740992"), &n) && n == INT64_C(9007199254740992));
    cr_assert(json5_to_int(read("-0x10"), &n) && n == -16);
    const char *const others[] = { "1.5", "1e300", "NaN", "-Infinity", "'1'", "9007199254740994" };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) cr_assert(!json5_to_int(read(others[i]), &n) && n == 0);
}

Test(json5, prints_numbers_that_read_back_the_same)
{
    static const char *const texts[] = { "0.1", "-0", "1e+21", "123456789012345680", "5e-324", "1.7976931348623157e+308", "18789" };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct buf b = { 0 };
        json5_print_number(&b, strtod(texts[i], NULL));
        double back = strtod(buf_cstr(&b), NULL), want = strtod(texts[i], NULL);
        cr_assert(back == want && signbit(back) == signbit(want), "%s", buf_cstr(&b));
        buf_free(&b);
    }
}
