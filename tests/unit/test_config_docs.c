/* docs/settings.md says what base/config.def says. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/config_schema.h"
#include "base/file.h"

#define PAGE SOURCE_DIR "/docs/settings.md"

static void words(struct buf *out, const char *list)
{
    struct str rest = str_of(list);
    while (rest.n) {
        struct str word = str_split(&rest, '|');
        buf_printf(out, "`%.*s`%s", STR_ARG(word), rest.n ? ", " : "");
    }
}

static void kind(struct buf *out, const struct config_setting *s)
{
    static const char *const names[] = {
        [CONFIG_GROUP] = "object",
        [CONFIG_ANY] = "any",
        [CONFIG_OBJECT] = "object",
        [CONFIG_OBJECTS] = "list of objects",
        [CONFIG_BOOL] = "`true`, `false`",
        [CONFIG_INT] = "whole number",
        [CONFIG_NUMBER] = "number",
        [CONFIG_STRING] = "text",
        [CONFIG_SECRET] = "secret",
        [CONFIG_ENUM] = "",
        [CONFIG_SWITCH] = "`true`, `false`",
        [CONFIG_STRINGS] = "list of texts",
        [CONFIG_IDS] = "list of ids",
        [CONFIG_DURATION] = "duration",
        [CONFIG_SIZE] = "size",
        [CONFIG_MODEL] = "model",
        [CONFIG_ZONE] = "time zone",
    };
    buf_text(out, names[s->kind]);
    if (s->kind == CONFIG_INT || s->kind == CONFIG_NUMBER) buf_printf(out, " %.10g to %.10g", s->lo, s->hi);
    if (s->kind == CONFIG_SWITCH && s->words[0]) buf_text(out, ", ");
    if (s->kind == CONFIG_SWITCH && !s->words[0]) buf_text(out, " or text");
    if (s->words) words(out, s->words);
}

/* The first name of a path. */
static struct str section(const struct config_setting *s)
{
    struct str rest = str_of(s->path), first = str_split(&rest, '.');
    return str_ends(first, STR("[]")) ? (struct str){ first.p, first.n - 2 } : first;
}

static void page(struct buf *out)
{
    size_t n;
    const struct config_setting *s = config_settings(&n);
    struct str last = { NULL, 0 };
    buf_text(out, "# Settings\n\nMade from `base/config.def` by the test `test_config_docs`; do not edit. What a file may hold besides, "
                  "and how it is\n"
                  "read, is in [config.md](config.md).\n\n`*` stands for any name, `[]` for every element of a list. A duration is "
                  "`\"30s\"`, `\"5m\"`, `\"1h30m\"`,\n"
                  "`\"2d\"` or a number; a size `\"512kb\"`, `\"2mb\"` or a number of bytes; a model `\"provider/model\"`, an alias, or\n"
                  "`{primary, fallbacks}`. Secrets are never shown.\n");
    for (size_t i = 0; i < n; i++) {
        if (!str_eq(section(&s[i]), last)) {
            last = section(&s[i]);
            buf_printf(out, "\n## %.*s\n\n| setting | value | default | meaning |\n| --- | --- | --- | --- |\n", STR_ARG(last));
        }
        buf_printf(out, "| `%s` | ", s[i].path);
        if (s[i].same) {
            buf_printf(out, "as `%s` | ", s[i].same);
        } else {
            kind(out, &s[i]);
            buf_text(out, " | ");
        }
        if (s[i].def) buf_printf(out, "`%s` ", s[i].def);
        buf_printf(out, "| %s |\n", s[i].doc);
    }
}

Test(config_docs, list_every_setting_as_it_is)
{
    struct buf now = { 0 }, kept = { 0 };
    page(&now);
    if (getenv("UPDATE_DOCS")) {
        FILE *out = fopen(PAGE, "w");
        cr_assert_not_null(out);
        cr_assert_eq(fwrite(now.p, 1, now.n, out), now.n);
        fclose(out);
    }
    cr_assert_eq(file_read(PAGE, 1024 * 1024, &kept), 0);
    cr_assert(str_eq(buf_str(&now), buf_str(&kept)), "docs/settings.md is stale: run UPDATE_DOCS=1 test_config_docs");
    buf_free(&now);
    buf_free(&kept);
}
