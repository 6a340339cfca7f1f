/* From files to one tree: $include and ${VARIABLES}. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/err.h"
#include "support/config_fixture.h"

#define DATA TEST_DATA_DIR "/config/"

static int load(const char *path)
{
    struct env env = { 0 };
    config_end();
    return config_load(path, &env, &cfg, &problems);
}

/* The problems without the folder of the test data. */
static const char *short_text(void)
{
    static struct buf out;
    struct str rest = str_of(problems_text());
    ptrdiff_t at;
    buf_clear(&out);
    while ((at = str_find(rest, STR(TEST_DATA_DIR "/"))) >= 0) {
        buf_add(&out, (struct str){ rest.p, (size_t)at });
        rest = (struct str){ rest.p + at + sizeof TEST_DATA_DIR, rest.n - (size_t)at - sizeof TEST_DATA_DIR };
    }
    buf_add(&out, rest);
    return buf_cstr(&out);
}

Test(config_include, merges_files_in_order_with_its_own_members_last, .fini = config_end)
{
    struct buf out = { 0 };
    int rc = load(DATA "include.json5");
    cr_assert(rc == 0 && problems.warnings == 0, "%s", problems_text());
    config_print(cfg, STR(""), 0, &out);
    cr_assert_str_eq(buf_cstr(&out),
                     "{\"gateway\":{\"port\":1111,\"bind\":\"lan\",\"controlUi\":{\"basePath\":\"ui/\"},\"auth\":{\"token\":\"***\"}},"
                     "\"tools\":{\"deny\":[\"browser\",\"canvas\"]},"
                     "\"agents\":{\"list\":[{\"id\":\"base\"},{\"id\":\"listed\"},{\"id\":\"own\"}]},"
                     "\"logging\":{\"level\":\"warn\",\"file\":\"/tmp/x.log\"}}");
    cr_assert_str_eq(config_gateway(cfg)->control_ui_base.p, "/ui");
    buf_free(&out);
}

Test(config_include, names_file_and_line_of_what_is_wrong, .fini = config_end)
{
    cr_assert_eq(load(DATA "include-bad.json5"), GW_ECONFIG);
    cr_assert_str_eq(
        short_text(),
        "config/parts/broken.json5:3:3: error: found 'b', expected ',' or '}'\n"
        "config/include-bad.json5:3:21: error: cron.$include: cannot read config/missing.json5: no such file\n"
        "config/include-bad.json5:4:22: error: hooks.$include: expected the name of a file\n"
        "config/include-bad.json5:5:22: error: tools: what $include names is no object, so no other names can stand beside it\n"
        "config/include-bad.json5:6:24: error: logging.$include: cannot read /dev/null: not a file that can be read\n");
}

Test(config_include, refuses_a_file_that_includes_itself, .fini = config_end)
{
    cr_assert_eq(load(DATA "cycle-a.json5"), GW_ECONFIG);
    cr_assert_str_eq(short_text(), "config/cycle-b.json5:1:21: error: cron.$include: config/cycle-a.json5 includes itself\n");
}

Test(config_include, follows_ten_files_and_refuses_one_more, .fini = config_end)
{
    cr_assert_eq(load(DATA "deep-0.json5"), 0, "%s", problems_text());
    cr_assert_str_eq(config_str(cfg, "logging.level").p, "error");
    cr_assert_eq(load(DATA "deep-over.json5"), GW_ECONFIG);
    cr_assert_str_eq(short_text(), "config/deep-9.json5:1:13: error: $include: more than 10 files include each other\n");
}

Test(config_include, reads_a_hundred_files_and_refuses_one_more, .fini = config_end)
{
    struct buf text = { 0 };
    for (int files = CONFIG_FILES_MAX; files <= CONFIG_FILES_MAX + 1; files++) { /* the text itself is one of them */
        buf_clear(&text);
        buf_text(&text, "{ logging: { $include: [");
        for (int i = 1; i < files; i++) buf_text(&text, "'" DATA "parts/logging.json5',");
        buf_text(&text, "] } }");
        cr_assert_eq(try_parse(buf_cstr(&text), NULL), files > CONFIG_FILES_MAX ? GW_ECONFIG : 0, "%s", problems_text());
    }
    cr_assert_not_null(strstr(problems_text(), "more than 100 files"));
    buf_free(&text);
}

Test(config_include, refuses_a_tree_deeper_than_64_levels_in_all, .fini = config_end)
{
    struct buf text = { 0 };
    for (int lists = 59; lists <= 60; lists++) { /* around them the root, in them the four levels of base.json5 */
        buf_clear(&text);
        buf_text(&text, "{ talk: ");
        for (int i = 0; i < lists; i++) buf_char(&text, '[');
        buf_text(&text, "{ $include: '" DATA "parts/base.json5' }");
        for (int i = 0; i < lists; i++) buf_char(&text, ']');
        buf_char(&text, '}');
        cr_assert_eq(try_parse(buf_cstr(&text), NULL), lists == 59 ? 0 : GW_ECONFIG, "%s", problems_text());
    }
    cr_assert_not_null(strstr(problems_text(), "nested deeper than 64 levels"));
    buf_free(&text);
}

Test(config_env, puts_variables_into_strings, .fini = config_end)
{
    const char *const env[] = { "TOKEN", "t0k", "A_1", "one", "_X", "x", NULL };
    parse_env("{ gateway: { auth: { token: '${TOKEN}' } }, messages: { messagePrefix: 'a${A_1}b${_X}$${A_1}c$$d$${no}${a}$', "
              "responsePrefix: '${A_1' },"
              "  tools: { deny: ['${A_1}'] } }",
              env);
    cr_assert_str_eq(config_gateway(cfg)->token.p, "t0k");
    cr_assert_str_eq(config_str(cfg, "messages.messagePrefix").p, "aonebx${A_1}c$$d$${no}${a}$");
    cr_assert_str_eq(config_str(cfg, "messages.responsePrefix").p, "${A_1");
    cr_assert_str_eq(config_get(cfg, STR("tools.deny[0]"))->string.p, "one");
}

Test(config_env, does_not_look_into_what_it_puts_in, .fini = config_end)
{
    parse_env("{ messages: { messagePrefix: '${A}' } }", (const char *const[]){ "A", "${B}", NULL });
    cr_assert_str_eq(config_str(cfg, "messages.messagePrefix").p, "${B}");
}

Test(config_env, names_path_line_and_variable_that_is_missing, .fini = config_end)
{
    complains("{ gateway: {\n auth: { token: 'x${NOPE}' } },\n tools: { deny: ['a', '${ALSO}'] } }",
              "t.json:2:17: error: gateway.auth.token: the environment variable NOPE is not set (write $${NOPE} for the text itself)\n"
              "t.json:3:23: error: tools.deny[1]: the environment variable ALSO is not set (write $${ALSO} for the text itself)\n");
    cr_assert_eq(try_parse("{ messages: { messagePrefix: '${EMPTY}' } }", (const char *const[]){ "EMPTY", "", NULL }), GW_ECONFIG);
    cr_assert_eq(try_parse("{ messages: { messagePrefix: '${BAD}' } }", (const char *const[]){ "BAD", "\xFF", NULL }), GW_ECONFIG);
    cr_assert_str_eq(problems_text(), "t.json:1:30: error: messages.messagePrefix: the environment variable BAD is not UTF-8\n");
}

Test(config_env, takes_variables_of_the_file_after_those_of_the_process, .fini = config_end)
{
    const char *const env[] = { "BOTH", "process", NULL };
    parse_env("{ env: { vars: { INNER: 'in', BOTH: 'file' }, OUTER: 'out', OPENROUTER_API_KEY: 'or-key' },"
              "  messages: { messagePrefix: '${INNER}-${OUTER}-${BOTH}' } }",
              env);
    cr_assert_str_eq(config_str(cfg, "messages.messagePrefix").p, "in-out-process");
    cr_assert_str_eq(config_provider_find(cfg, STR("openrouter"))->api_key.p, "or-key");
    complains("{ env: { LOOP: '${LOOP}' } }",
              "t.json:1:16: error: env.LOOP: the environment variable LOOP is not set (write $${LOOP} for the text itself)\n");
}

Test(config_env, holds_its_bound_on_what_is_put_in, .fini = config_end)
{
    char *big = calloc(1, 1024 * 1024 + 1);
    memset(big, 'x', 1024 * 1024);
    const char *const env[] = { "BIG", big, NULL };
    parse_env("{ talk: ['${BIG}', '${BIG}', '${BIG}', '${BIG}'] }", env);
    cr_assert_eq(try_parse("{ talk: ['${BIG}', '${BIG}', '${BIG}', '${BIG}', '${BIG}'] }", env), GW_ECONFIG);
    cr_assert_str_eq(problems_text(), "t.json:1:50: error: talk[4]: environment variables add more than 4194304 bytes\n");
    free(big);
}
