#include <criterion/criterion.h>

#include "cli/table.h"

static const struct table_column DEVICES[] = {
    { "Device", 16, true }, { "Roles", 12, false }, { "Scopes", 12, true }, { "Tokens", 12, false }, { "IP", 12, false }
};

static void row(table_t *t, const char *device, const char *scopes)
{
    table_add(t, STYLE_PLAIN, str_of(device));
    table_add(t, STYLE_PLAIN, STR("operator"));
    table_add(t, STYLE_PLAIN, str_of(scopes));
    table_add(t, STYLE_PLAIN, STR("operator"));
    table_add(t, STYLE_PLAIN, STR(""));
}

/* reference: frames/cli-devices-list.json, its first rows */
Test(cli_table, looks_as_openclaws)
{
    static const char expected[] =
        "┌────────────────────────────────────────────┬────────────┬─────────────────────────────────┬────────────┬────────────┐\n"
        "│ Device                                     │ Roles      │ Scopes                          │ Tokens     │ IP         │\n"
        "├────────────────────────────────────────────┼────────────┼─────────────────────────────────┼────────────┼────────────┤\n"
        "│ 6defb49781248e79198fab9f4179a078e3c002abbf │ operator   │ operator.admin, operator.       │ operator   │            │\n"
        "│ c3cbac98d98e3dafabaf21                     │            │ approvals, operator.pairing     │            │            │\n"
        "│ heldout device                             │ operator   │ operator.read, operator.write   │ operator   │            │\n"
        "└────────────────────────────────────────────┴────────────┴─────────────────────────────────┴────────────┴────────────┘\n";
    table_t *t;
    struct buf out = { 0 };
    cr_assert_eq(table_create(DEVICES, 5, &t), 0);
    row(t, "6defb49781248e79198fab9f4179a078e3c002abbfc3cbac98d98e3dafabaf21", "operator.admin, operator.approvals, operator.pairing");
    row(t, "heldout device", "operator.read, operator.write");
    cr_assert_eq(table_rows(t), 2);
    table_print(t, 119, false, &out);
    cr_assert_str_eq(buf_cstr(&out), expected);
    buf_free(&out);
    table_destroy(&t);
}

static void all_lines_are(struct str text, size_t width)
{
    while (text.n) {
        struct str line = str_split(&text, '\n');
        cr_expect_eq(text_width(line), width, "%.*s", STR_ARG(line));
    }
}

Test(cli_table, keeps_its_borders_in_line_whatever_the_cells_hold)
{
    static const struct table_column columns[] = { { "Skill", 10, false }, { "What", 10, true } };
    static const char *const cells[] = { "\xF0\x9F\x94\x90 1password",
                                         "\xE6\xBC\xA2\xE5\xAD\x97\xE6\xBC\xA2\xE5\xAD\x97 with no spaces at all in some places",
                                         "\xE2\x98\x81\xEF\xB8\x8F cloud",
                                         "evil \033[2J\nname",
                                         "",
                                         "averyveryveryverylongwordwithoutanyplacetobreakit" };
    for (int width = 20; width <= 90; width += 7) {
        table_t *t;
        struct buf out = { 0 };
        cr_assert_eq(table_create(columns, 2, &t), 0);
        for (size_t i = 0; i < 6; i++) table_add(t, STYLE_PLAIN, str_of(cells[i]));
        table_print(t, width, false, &out);
        struct str rest = buf_str(&out), first = str_split(&rest, '\n');
        all_lines_are(buf_str(&out), text_width(first));
        cr_expect(width < 30 || text_width(first) == (size_t)width);
        cr_expect(!memchr(out.p, '\033', out.n));
        buf_free(&out);
        table_destroy(&t);
    }
}

Test(cli_table, colours_text_and_not_its_padding)
{
    static const struct table_column columns[] = { { "A", 8, false } };
    table_t *t;
    struct buf out = { 0 };
    cr_assert_eq(table_create(columns, 1, &t), 0);
    table_add(t, STYLE_GREEN, STR("ok"));
    table_print(t, 80, true, &out);
    cr_assert(str_find(buf_str(&out), STR("│ \033[32mok\033[0m     │")) >= 0, "%s", buf_cstr(&out));
    buf_free(&out);
    table_destroy(&t);
}

Test(cli_table, says_when_there_are_more_cells_than_it_holds)
{
    static const struct table_column columns[] = { { "A", 0, false } };
    table_t *t;
    struct buf out = { 0 };
    cr_assert_eq(table_create(columns, 1, &t), 0);
    for (int i = 0; i < TABLE_CELLS_MAX; i++) table_add(t, STYLE_PLAIN, STR("x"));
    table_print(t, 80, false, &out);
    cr_assert_eq(table_rows(t), TABLE_CELLS_MAX);
    cr_assert(!str_ends(buf_str(&out), STR("(more rows than can be shown)\n")));
    for (int i = 0; i < TABLE_CELLS_MAX; i++) table_add(t, STYLE_PLAIN, STR("y"));
    buf_clear(&out);
    table_print(t, 80, false, &out);
    cr_assert(str_ends(buf_str(&out), STR("(more rows than can be shown)\n")));
    buf_free(&out);
    table_destroy(&t);
}
