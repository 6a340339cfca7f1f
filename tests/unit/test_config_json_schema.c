/* base/config.def as a JSON Schema. */
#include <criterion/criterion.h>
#include <jansson.h>

#include "base/config_json_schema.h"
#include "base/config_schema.h"
#include "base/err.h"

static json_t *schema(void)
{
    struct buf out = { 0 };
    cr_assert(config_json_schema(1795355095267, &out) == 0);
    json_t *root = json_loadb(out.p, out.n, JSON_REJECT_DUPLICATES, NULL);
    cr_assert(root != NULL, "not JSON, or a name stands twice");
    cr_assert(out.n < 1024 * 1024, "%zu bytes", out.n);
    buf_free(&out);
    return root;
}

/* The schema of a setting; steps are names, "*" and "[]". */
static const json_t *find(const json_t *root, const char *path)
{
    const json_t *s = json_object_get(root, "schema");
    struct str rest = str_of(path);
    while (s && rest.n) {
        struct str part = str_split(&rest, '.');
        bool list = str_ends(part, STR("[]"));
        if (list) part.n -= 2;
        s = str_is(part, "*") ? json_object_get(s, "additionalProperties")
                              : json_object_getn(json_object_get(s, "properties"), part.p, part.n);
        if (list) s = json_object_get(s, "items");
    }
    return s;
}

Test(config_json_schema, has_the_fields_of_openclaw)
{
    json_t *root = schema();
    cr_assert_str_eq(json_string_value(json_object_get(root, "version")), "2026.2.17");
    cr_assert_str_eq(json_string_value(json_object_get(root, "generatedAt")), "2026-11-22T13:44:55.267Z");
    const json_t *s = json_object_get(root, "schema");
    cr_assert_str_eq(json_string_value(json_object_get(s, "$schema")), "http://json-schema.org/draft-07/schema#");
    cr_assert_str_eq(json_string_value(json_object_get(s, "type")), "object");
    cr_assert_str_eq(json_string_value(json_object_get(s, "title")), "OpenClawConfig");
    const json_t *wizard = json_object_get(json_object_get(root, "uiHints"), "wizard");
    cr_assert_str_eq(json_string_value(json_object_get(wizard, "label")), "Wizard");
    cr_assert(json_integer_value(json_object_get(wizard, "order")) == 20);
    json_decref(root);
}

Test(config_json_schema, knows_every_setting_and_hints_at_it)
{
    json_t *root = schema();
    const json_t *hints = json_object_get(root, "uiHints");
    size_t count;
    const struct config_setting *settings = config_settings(&count);
    for (size_t i = 0; i < count; i++) {
        cr_assert(find(root, settings[i].path) != NULL, "%s", settings[i].path);
        cr_assert(json_object_get(hints, settings[i].path) != NULL, "%s", settings[i].path);
        if (settings[i].kind != CONFIG_SECRET) continue;
        cr_assert(json_is_true(json_object_get(json_object_get(hints, settings[i].path), "sensitive")), "%s", settings[i].path);
    }
    json_decref(root);
}

Test(config_json_schema, says_kind_range_words_and_default)
{
    json_t *root = schema();
    const json_t *port = find(root, "gateway.port"), *bind = find(root, "gateway.bind");
    cr_assert_str_eq(json_string_value(json_object_get(port, "type")), "integer");
    cr_assert(json_integer_value(json_object_get(port, "maximum")) == 65535 &&
              json_integer_value(json_object_get(port, "default")) == 18789);
    cr_assert(json_array_size(json_object_get(bind, "enum")) == 5);
    cr_assert_str_eq(json_string_value(json_object_get(bind, "default")), "loopback");
    cr_assert_str_eq(json_string_value(json_object_get(find(root, "agents.list[].id"), "type")), "string");
    cr_assert(json_array_size(json_object_get(find(root, "agents.list[].model"), "anyOf")) == 2);
    json_decref(root);
}

Test(config_json_schema, what_is_taken_as_it_is_has_a_type_all_the_same)
{
    json_t *root = schema();
    const json_t *browser = find(root, "browser"), *rules = find(root, "session.sendPolicy.rules");
    cr_assert_str_eq(json_string_value(json_object_get(browser, "type")), "object");
    cr_assert(json_is_object(json_object_get(browser, "additionalProperties")));
    cr_assert_str_eq(json_string_value(json_object_get(rules, "type")), "array");
    cr_assert_str_eq(json_string_value(json_object_get(json_object_get(rules, "items"), "type")), "object");
    json_decref(root);
}

Test(config_json_schema, rules_that_hold_elsewhere_are_written_there_once)
{
    json_t *root = schema();
    cr_assert(find(root, "channels.discord.accounts.*.token") != NULL);
    cr_assert(find(root, "channels.discord.accounts.*.accounts.*.token") == NULL);
    cr_assert(find(root, "agents.list[].tools.allow") != NULL);
    json_decref(root);
}

Test(config_json_schema, labels_are_words)
{
    json_t *root = schema();
    const json_t *hint = json_object_get(json_object_get(root, "uiHints"), "agents.defaults.maxConcurrent");
    cr_assert_str_eq(json_string_value(json_object_get(hint, "label")), "Max Concurrent");
    const json_t *discord = json_object_get(json_object_get(root, "uiHints"), "channels.discord");
    cr_assert_str_eq(json_string_value(json_object_get(discord, "label")), "Discord");
    cr_assert_null(json_object_get(json_object_get(json_object_get(root, "uiHints"), "channels.*"), "label"));
    json_decref(root);
}
