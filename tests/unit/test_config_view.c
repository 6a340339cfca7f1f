/* What config.get and config.validate tell. */
#include <criterion/criterion.h>
#include <jansson.h>

#include "base/config_view.h"
#include "base/err.h"

static const char *variables[] = {
    "HOME", "/h", "OPENCLAW_STATE_DIR", "/nowhere", "WORDS", "from-env", "MY_API_KEY", "key-from-env", NULL
};

static json_t *read_view(struct config_view view, const char *text)
{
    struct env env = env_list(variables);
    struct buf out = { 0 };
    view.path = "/nowhere/openclaw.json";
    view.exists = text != NULL;
    view.text = str_of(text);
    view.env = &env;
    cr_assert(config_view_get(&view, &out) == 0);
    cr_assert(str_find(buf_str(&out), STR("key-from-env")) < 0 && str_find(buf_str(&out), STR("hush")) < 0, "%s", buf_cstr(&out));
    json_t *root = json_loadb(out.p, out.n, 0, NULL);
    cr_assert(root != NULL, "not JSON: %s", buf_cstr(&out));
    buf_free(&out);
    return root;
}

static json_t *view_of(const char *text)
{
    return read_view((struct config_view){ 0 }, text);
}

static const char *at(const json_t *root, const char *a, const char *b, const char *c)
{
    const json_t *v = json_object_get(root, a);
    if (b) v = json_object_get(v, b);
    if (c) v = json_object_get(v, c);
    const char *text = json_string_value(v);
    return text ? text : "(none)";
}

Test(config_view, has_the_fields_of_openclaw_in_their_order)
{
    static const char *const names[] = { "path",   "exists", "raw",    "parsed",   "resolved",    "valid",
                                         "config", "hash",   "issues", "warnings", "legacyIssues" };
    json_t *root = view_of("{}"), *value;
    const char *name;
    size_t i = 0;
    json_object_foreach(root, name, value) cr_assert(i < 11 && strcmp(name, names[i++]) == 0, "%s", name);
    cr_assert(i == 11);
    cr_assert(json_is_true(json_object_get(root, "valid")) && json_is_true(json_object_get(root, "exists")));
    cr_assert_str_eq(at(root, "hash", NULL, NULL), "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"); /* sha256("{}") */
    json_decref(root);
}

Test(config_view, hides_secrets_everywhere_and_shows_the_rest)
{
    json_t *root = view_of("{ui: {assistant: {name: '${WORDS}'}}, hooks: {token: 'hush'}, channels: {x: {u: 'a-${MY_API_KEY}'}},\n"
                           " models: {providers: {p: {apiKey: '${MY_API_KEY}', baseUrl: 'http://p'}}}}");
    const json_t *parsed = json_object_get(root, "parsed"), *resolved = json_object_get(root, "resolved"),
                 *config = json_object_get(root, "config");
    cr_assert_str_eq(at(parsed, "hooks", "token", NULL), "__OPENCLAW_REDACTED__");
    cr_assert_str_eq(at(resolved, "hooks", "token", NULL), "__OPENCLAW_REDACTED__");
    cr_assert_str_eq(at(config, "hooks", "token", NULL), "__OPENCLAW_REDACTED__");
    cr_assert_str_eq(at(parsed, "ui", "assistant", "name"), "${WORDS}");
    cr_assert_str_eq(at(resolved, "ui", "assistant", "name"), "from-env");
    cr_assert_str_eq(at(json_object_get(json_object_get(parsed, "models"), "providers"), "p", "apiKey", NULL), "${MY_API_KEY}");
    cr_assert_str_eq(at(json_object_get(json_object_get(resolved, "models"), "providers"), "p", "apiKey", NULL), "__OPENCLAW_REDACTED__");
    cr_assert_str_eq(at(resolved, "channels", "x", "u"), "__OPENCLAW_REDACTED__"); /* the variable's name says so */
    json_decref(root);
}

Test(config_view, fills_in_the_defaults_that_clients_look_for)
{
    json_t *root = view_of("{commands: {native: true}}");
    const json_t *config = json_object_get(root, "config"), *commands = json_object_get(config, "commands");
    cr_assert(json_is_true(json_object_get(commands, "native")));
    cr_assert_str_eq(json_string_value(json_object_get(commands, "nativeSkills")), "auto");
    cr_assert(json_integer_value(json_object_get(json_object_get(json_object_get(config, "agents"), "defaults"), "maxConcurrent")) == 4);
    cr_assert(json_object_get(json_object_get(root, "resolved"), "agents") == NULL);
    json_decref(root);
}

Test(config_view, a_file_with_errors_is_told_with_all_of_them_and_its_values)
{
    json_t *root = view_of("{gateway: {port: 'x', mode: 'local'}, agents: {list: 5}}");
    cr_assert(json_is_false(json_object_get(root, "valid")));
    const json_t *issues = json_object_get(root, "issues");
    cr_assert(json_array_size(issues) == 2);
    cr_assert_str_eq(json_string_value(json_object_get(json_array_get(issues, 0), "path")), "gateway.port");
    cr_assert(json_object_get(json_array_get(issues, 0), "line") == NULL);
    cr_assert_str_eq(at(root, "resolved", "gateway", "mode"), "local");
    json_decref(root);
}

Test(config_view, a_text_that_is_not_json5_is_not_shown)
{
    json_t *root = view_of("{hooks: {token: 'hush', }, oops");
    cr_assert(json_is_null(json_object_get(root, "raw")) && json_is_false(json_object_get(root, "valid")));
    cr_assert(json_object_size(json_object_get(root, "parsed")) == 0 && json_array_size(json_object_get(root, "issues")) == 1);
    json_decref(root);
}

Test(config_view, without_a_file_everything_has_its_default)
{
    json_t *root = view_of(NULL);
    cr_assert(json_is_false(json_object_get(root, "exists")) && json_is_true(json_object_get(root, "valid")));
    cr_assert(json_is_null(json_object_get(root, "raw")));
    cr_assert_str_eq(at(root, "config", "messages", "ackReactionScope"), "group-mentions");
    json_decref(root);
}

Test(config_view, what_waits_for_a_restart_is_a_warning)
{
    json_t *root = read_view((struct config_view){ .restart = STR("gateway.port\ngateway.tls") }, "{}");
    const json_t *warnings = json_object_get(root, "warnings");
    cr_assert(json_array_size(warnings) == 2);
    cr_assert_str_eq(json_string_value(json_object_get(json_array_get(warnings, 1), "path")), "gateway.tls");
    json_decref(root);
}

static json_t *validated(const char *text)
{
    struct env env = env_list(variables);
    struct buf out = { 0 };
    cr_assert(config_view_validate(str_of(text), "/nowhere/openclaw.json", &env, &out) == 0);
    json_t *root = json_loadb(out.p, out.n, 0, NULL);
    cr_assert(root != NULL);
    buf_free(&out);
    return root;
}

Test(config_view, validate_names_path_message_and_line)
{
    json_t *root = validated("{\n  gateway: {\n    port: 0,\n    prot: 1 } }");
    const json_t *issue = json_array_get(json_object_get(root, "issues"), 0);
    cr_assert(json_is_false(json_object_get(root, "valid")));
    cr_assert_str_eq(json_string_value(json_object_get(issue, "path")), "gateway.port");
    cr_assert(json_integer_value(json_object_get(issue, "line")) == 3);
    cr_assert(json_array_size(json_object_get(root, "warnings")) == 1);
    json_decref(root);
    root = validated("{}");
    cr_assert(json_is_true(json_object_get(root, "valid")) && json_array_size(json_object_get(root, "issues")) == 0);
    json_decref(root);
    root = validated("{");
    cr_assert(json_is_false(json_object_get(root, "valid")) && json_array_size(json_object_get(root, "issues")) == 1);
    json_decref(root);
}
