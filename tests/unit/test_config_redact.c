/* Secrets are hidden by their place and come back to it. */
#include <criterion/criterion.h>

#include "base/config_redact.h"
#include "base/err.h"

static void hides(int line, const char *text, const char *expected)
{
    struct buf out = { 0 };
    int rc = config_redact_text(str_of(text), &out);
    cr_assert(rc == 0, "line %d: %s", line, err_name(rc));
    cr_assert(str_is(buf_str(&out), expected), "line %d: got\n%s", line, buf_cstr(&out));
    buf_free(&out);
}

#define HIDES(text, expected) hides(__LINE__, text, expected)

Test(config_redact, hides_by_the_rules_and_by_names)
{
    HIDES("{gateway: {auth: {token: 'abc', mode: 'token'}}}", "{gateway: {auth: {token: \"__OPENCLAW_REDACTED__\", mode: 'token'}}}");
    HIDES("{models: {providers: {p: {headers: {'X-A': \"s\"}}}}}",
          "{models: {providers: {p: {headers: {'X-A': \"__OPENCLAW_REDACTED__\"}}}}}");
    HIDES("{channels: {matrix: {accessToken: 'x', x_api_key: 'y', room: 'z'}}}",
          "{channels: {matrix: {accessToken: \"__OPENCLAW_REDACTED__\", x_api_key: \"__OPENCLAW_REDACTED__\", room: 'z'}}}");
}

Test(config_redact, a_one_letter_secret_mangles_no_other_word)
{
    HIDES("{models: {providers: {k: {apiKey: \"k\", api: \"k\"}}}} // k",
          "{models: {providers: {k: {apiKey: \"__OPENCLAW_REDACTED__\", api: \"k\"}}}} // k");
}

Test(config_redact, shows_the_name_of_a_variable_but_nothing_around_it)
{
    HIDES("{hooks: {token: '${HOOK_TOKEN}'}}", "{hooks: {token: '${HOOK_TOKEN}'}}");
    HIDES("{hooks: {token: 'x${HOOK_TOKEN}'}}", "{hooks: {token: \"__OPENCLAW_REDACTED__\"}}");
    HIDES("{hooks: {token: '${hook}'}}", "{hooks: {token: \"__OPENCLAW_REDACTED__\"}}");
    HIDES("{hooks: {token: ''}}", "{hooks: {token: ''}}");
}

Test(config_redact, shows_nothing_of_a_text_that_is_not_json5)
{
    struct buf out = { 0 };
    cr_assert(config_redact_text(STR("{hooks: {token: 'abc'"), &out) == GW_EPARSE && out.n == 0);
    buf_free(&out);
}

static const char *variables[] = {
    "HOME", "/h", "OPENCLAW_STATE_DIR", "/nowhere", "BASE", "http://base", "HOOK_TOKEN", "hook-secret", NULL
};

static int put_back(const char *fresh, const char *disk, struct buf *out, struct buf *why)
{
    struct env env = env_list(variables);
    struct config_problems problems = { 0 };
    config_t *resolved = NULL;
    if (disk[0]) config_inspect(str_of(disk), "/nowhere/openclaw.json", &env, &resolved, &problems);
    int rc = config_redact_restore(str_of(fresh), str_of(disk), resolved, out, why);
    config_unref(&resolved);
    config_problems_free(&problems);
    return rc;
}

static void restores(int line, const char *fresh, const char *disk, const char *expected)
{
    struct buf out = { 0 }, why = { 0 };
    int rc = put_back(fresh, disk, &out, &why);
    cr_assert(rc == 0, "line %d: %s %s", line, err_name(rc), buf_cstr(&why));
    cr_assert(str_is(buf_str(&out), expected), "line %d: got\n%s", line, buf_cstr(&out));
    buf_free(&out);
    buf_free(&why);
}

#define RESTORES(fresh, disk, expected) restores(__LINE__, fresh, disk, expected)

Test(config_redact, what_was_hidden_comes_back_as_it_was_written)
{
    RESTORES("{/* c */ hooks: {token: \"__OPENCLAW_REDACTED__\", path: '/x'}}", "{hooks: {token: 'a\\u0062c'}}",
             "{/* c */ hooks: {token: 'a\\u0062c', path: '/x'}}");
    RESTORES("{hooks: {token: 'new'}}", "{hooks: {token: 'old'}}", "{hooks: {token: 'new'}}");
    RESTORES("{hooks: {}}", "{hooks: {token: 'old'}}", "{hooks: {}}");
    RESTORES("{hooks: {token: '__OPENCLAW_REDACTED__'}}", "{hooks: {token: '${HOOK_TOKEN}'}}", "{hooks: {token: '${HOOK_TOKEN}'}}");
}

Test(config_redact, a_value_that_a_variable_gave_becomes_the_variable_again)
{
    RESTORES("{models: {providers: {p: {baseUrl: \"http://base\"}}}}", "{models: {providers: {p: {baseUrl: '${BASE}'}}}}",
             "{models: {providers: {p: {baseUrl: '${BASE}'}}}}");
    RESTORES("{models: {providers: {p: {baseUrl: \"http://other\"}}}}", "{models: {providers: {p: {baseUrl: '${BASE}'}}}}",
             "{models: {providers: {p: {baseUrl: \"http://other\"}}}}");
}

Test(config_redact, elements_are_known_by_their_id_not_by_their_place)
{
    RESTORES("{channels: {x: {l: [{id: 'b', token: '__OPENCLAW_REDACTED__'}]}}}",
             "{channels: {x: {l: [{id: 'a', token: 'A'}, {id: 'b', token: 'B'}]}}}", "{channels: {x: {l: [{id: 'b', token: 'B'}]}}}");
    RESTORES("{channels: {x: {l: [{token: '__OPENCLAW_REDACTED__'}]}}}", "{channels: {x: {l: [{token: 'A'}]}}}",
             "{channels: {x: {l: [{token: 'A'}]}}}");
}

static void refuses(int line, const char *fresh, const char *disk, const char *key)
{
    struct buf out = { 0 }, why = { 0 }, expected = { 0 };
    buf_printf(&expected, "Sentinel value \"__OPENCLAW_REDACTED__\" in key %s is not valid as real data", key);
    cr_assert(put_back(fresh, disk, &out, &why) == GW_EINVAL, "line %d", line);
    cr_assert(str_eq(buf_str(&why), buf_str(&expected)), "line %d: %s", line, buf_cstr(&why));
    buf_free(&out);
    buf_free(&why);
    buf_free(&expected);
}

#define REFUSES(fresh, disk, key) refuses(__LINE__, fresh, disk, key)

Test(config_redact, a_hidden_value_that_stands_for_nothing_is_refused_with_its_key)
{
    REFUSES("{models: {providers: {p: {apiKey: '__OPENCLAW_REDACTED__'}}}}", "{}", "models.providers.*.apiKey");
    REFUSES("{models: {providers: {p: {apiKey: '__OPENCLAW_REDACTED__'}}}}", "", "models.providers.*.apiKey");
    REFUSES("{channels: {x: {token: '__OPENCLAW_REDACTED__'}}}", "{}", "channels.x.token");
    REFUSES("{channels: {x: {l: [{token: '__OPENCLAW_REDACTED__'}]}}}", "{channels: {x: {l: [{token: 'A'}, {token: 'B'}]}}}",
            "channels.x.l[0].token");
    REFUSES("{ui: {assistant: {name: '__OPENCLAW_REDACTED__'}}}", "{}", "ui.assistant.name");
}
