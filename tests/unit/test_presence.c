#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/err.h"
#include "channels/presence.h"

static json_t *list_of(presence_t *p, int64_t now_ms)
{
    struct buf out = { 0 };
    presence_write(p, STR("{\"mode\":\"gateway\"}"), now_ms, &out);
    json_t *list = json_loadb(out.p, out.n, 0, NULL);
    cr_assert(json_is_array(list), "%s", buf_cstr(&out));
    buf_free(&out);
    return list;
}

static const char *text_at(const json_t *list, size_t i, const char *name)
{
    const char *text = json_string_value(json_object_get(json_array_get(list, i), name));
    return text ? text : "";
}

static void touch(presence_t *p, const char *key, const char *role, const char *scopes, int64_t now_ms)
{
    const struct presence_entry e = { .key = str_of(key),
                                      .host = STR("page"),
                                      .mode = STR("webchat"),
                                      .reason = STR("connect"),
                                      .role = str_of(role),
                                      .scopes = str_of(scopes),
                                      .now_ms = now_ms };
    cr_assert_eq(presence_touch(p, &e), 0);
}

Test(presence, the_gateway_comes_first_and_then_the_newest)
{
    presence_t *p;
    cr_assert_eq(presence_create(&p), 0);
    touch(p, "a", "operator", "[]", 1000);
    touch(p, "b", "operator", "[]", 2000);
    touch(p, "A", "operator", "[]", 3000); /* the same key */
    json_t *list = list_of(p, 3000);
    cr_expect_eq(json_array_size(list), 3);
    cr_expect_str_eq(text_at(list, 0, "mode"), "gateway");
    cr_expect_eq(json_integer_value(json_object_get(json_array_get(list, 1), "ts")), 3000);
    cr_expect_str_eq(text_at(list, 1, "text"), "Node: page · mode webchat");
    json_decref(list);
    presence_destroy(&p);
}

Test(presence, roles_and_scopes_add_up)
{
    presence_t *p;
    cr_assert_eq(presence_create(&p), 0);
    touch(p, "a", "operator", "[\"operator.read\"]", 1);
    touch(p, "a", "node", "[\"operator.read\",\"operator.write\"]", 2);
    json_t *list = list_of(p, 2), *entry = json_array_get(list, 1);
    cr_expect_eq(json_array_size(json_object_get(entry, "roles")), 2);
    cr_expect_eq(json_array_size(json_object_get(entry, "scopes")), 2);
    json_decref(list);
    presence_destroy(&p);
}

Test(presence, an_entry_lives_five_minutes)
{
    presence_t *p;
    cr_assert_eq(presence_create(&p), 0);
    touch(p, "a", "operator", "[]", 1000);
    json_t *list = list_of(p, 1000 + PRESENCE_TTL_MS);
    cr_expect_eq(json_array_size(list), 2);
    json_decref(list);
    list = list_of(p, 1001 + PRESENCE_TTL_MS);
    cr_expect_eq(json_array_size(list), 1);
    json_decref(list);
    presence_destroy(&p);
}

Test(presence, one_too_many_pushes_out_the_oldest)
{
    presence_t *p;
    char key[16];
    cr_assert_eq(presence_create(&p), 0);
    for (int i = 0; i <= PRESENCE_MAX; i++) {
        snprintf(key, sizeof key, "k%d", i);
        touch(p, key, "operator", "[]", 1000 + i);
    }
    json_t *list = list_of(p, 2000);
    cr_expect_eq(json_array_size(list), 1 + PRESENCE_MAX);
    cr_expect_eq(json_integer_value(json_object_get(json_array_get(list, PRESENCE_MAX), "ts")), 1001);
    json_decref(list);
    presence_destroy(&p);
}

Test(presence, a_client_tells_of_itself)
{
    presence_t *p;
    json_t *fields = json_pack("{s:s,s:s,s:s,s:i,s:s}", "text", "Node: x · mode y", "instanceId", "Abc", "host", "hosty",
                               "lastInputSeconds", 7, "unknown", "left out");
    cr_assert_eq(presence_create(&p), 0);
    presence_tell(p, fields, 5);
    presence_tell(p, json_object_get(fields, "none"), 6);
    json_t *list = list_of(p, 5);
    cr_assert_eq(json_array_size(list), 2);
    cr_expect_str_eq(text_at(list, 1, "host"), "hosty");
    cr_expect_str_eq(text_at(list, 1, "unknown"), "");
    cr_expect_eq(json_integer_value(json_object_get(json_array_get(list, 1), "lastInputSeconds")), 7);
    json_decref(list);
    json_decref(fields);
    presence_destroy(&p);
}
