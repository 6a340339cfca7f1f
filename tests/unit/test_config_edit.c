/* Changes to the text of a configuration: only what was asked for changes. */
#include <criterion/criterion.h>

#include "base/config_edit.h"
#include "base/err.h"

enum what { PATCH, SET, UNSET };

static void check(int line, enum what what, const char *text, const char *a, const char *b, const char *expected)
{
    struct buf out = { 0 };
    char why[CONFIG_EDIT_WHY_MAX] = "";
    int rc = what == PATCH ? config_edit_patch(str_of(text), str_of(a), &out, why)
             : what == SET ? config_edit_set(str_of(text), str_of(a), str_of(b), &out, why)
                           : config_edit_unset(str_of(text), str_of(a), &out, why);
    cr_assert(rc == 0, "line %d: %s %s", line, err_name(rc), why);
    cr_assert(str_is(buf_str(&out), expected), "line %d: got\n%s", line, buf_cstr(&out));
    buf_free(&out);
}

#define PATCHED(text, patch, expected) check(__LINE__, PATCH, text, patch, NULL, expected)
#define WITH(text, path, value, expected) check(__LINE__, SET, text, path, value, expected)
#define WITHOUT(text, path, expected) check(__LINE__, UNSET, text, path, NULL, expected)

Test(config_edit, sets_a_value_and_keeps_comments_and_quotes)
{
    WITH("{\n  // the door\n  gateway: { port: 1, /* why */ bind: 'lan' }, // end\n}\n", "gateway.port", "18789",
         "{\n  // the door\n  gateway: { port: 18789, /* why */ bind: 'lan' }, // end\n}\n");
}

Test(config_edit, adds_a_member_on_a_line_of_its_own)
{
    WITH("{\n    a: 1\n}\n", "b", "[1,2]", "{\n    a: 1,\n    \"b\": [\n      1,\n      2\n    ]\n}\n");
    WITH("{\n  a: 1, // one\n}\n", "b", "2", "{\n  a: 1, // one\n  \"b\": 2,\n}\n");
    WITH("{\n  a: 1 // one\n}\n", "b", "2", "{\n  a: 1, // one\n  \"b\": 2\n}\n");
    WITH("{\n  a: 1 /* one\n  more */\n}\n", "b", "2", "{\n  a: 1, /* one\n  more */\n  \"b\": 2\n}\n");
    WITH("{ a: 1 }", "b", "2", "{ a: 1, \"b\": 2 }");
    WITH("{\n\ta: 1\n}\n", "b", "2", "{\n\ta: 1,\n\t\"b\": 2\n}\n");
}

Test(config_edit, makes_the_objects_on_the_way)
{
    WITH("{}\n", "gateway.auth.mode", "'token'", "{\n  \"gateway\": {\n    \"auth\": {\n      \"mode\": \"token\"\n    }\n  }\n}\n");
    WITH("{\n  gateway: {}\n}\n", "gateway.port", "1", "{\n  gateway: {\n    \"port\": 1\n  }\n}\n");
    WITH("{ }", "a", "1", "{ \n  \"a\": 1\n}");
}

Test(config_edit, replaces_and_extends_lists_by_index)
{
    WITH("{a: [1, 2]}", "a[1]", "3", "{a: [1, 3]}");
    WITH("{a: [1, 2]}", "a[2]", "3", "{a: [1, 2, 3]}");
    WITH("{a: [{id: 'x'}]}", "a.0.id", "'y'", "{a: [{id: \"y\"}]}");
    WITH("{a: []}", "a[0]", "1", "{a: [\n  1\n]}");
}

Test(config_edit, removes_first_middle_last_and_only)
{
    WITHOUT("{\n  a: 1,\n  b: 2,\n  c: 3\n}", "a", "{\n  b: 2,\n  c: 3\n}");
    WITHOUT("{\n  a: 1,\n  b: 2,\n  c: 3\n}", "b", "{\n  a: 1,\n  c: 3\n}");
    WITHOUT("{\n  a: 1,\n  b: 2,\n  c: 3\n}", "c", "{\n  a: 1,\n  b: 2\n}");
    WITHOUT("{\n  a: 1,\n  b: 2,\n}", "b", "{\n  a: 1,\n}");
    WITHOUT("{a: 1}", "a", "{}");
    WITHOUT("{a: [1, 2, 3]}", "a[1]", "{a: [1, 3]}");
    WITHOUT("{a: {b: {c: 1}}}", "a.b", "{a: {}}");
    WITHOUT("{'x.y': 1, z: 2}", "[\"x.y\"]", "{ z: 2}");
}

Test(config_edit, does_not_take_a_comma_of_a_comment_for_its_own)
{
    WITHOUT("{a: 1 /* , */, b: 2 // , }\n}", "a", "{ b: 2 // , }\n}");
    WITH("{a: 1 // , b\n , b: 2}", "b", "3", "{a: 1 // , b\n , b: 3}");
}

Test(config_edit, merges_a_patch_as_rfc_7396_says)
{
    PATCHED("{a: 1, b: {c: 2, d: 3}}", "{b: {c: null, e: 4}}", "{a: 1, b: { d: 3, \"e\": 4}}");
    PATCHED("{a: {b: 1}}", "{a: 5}", "{a: 5}");
    PATCHED("{a: 5}", "{a: {b: null, c: 1}}", "{a: {\n  \"c\": 1\n}}");
    PATCHED("{a: [1, 2]}", "{a: [3]}", "{a: [\n  3\n]}");
    PATCHED("{a: 1}", "{b: null}", "{a: 1}");
    PATCHED("{a: 1}", "{}", "{a: 1}");
    PATCHED("{a: 1}", "{a: 2, a: 3}", "{a: 3}");
}

Test(config_edit, merges_lists_of_objects_by_id)
{
    PATCHED("{l: [{id: 'x', v: 1}, {id: 'y', v: 2}]}", "{l: [{id: 'y', v: 3}, {id: 'z'}]}",
            "{l: [{id: 'x', v: 1}, {id: \"y\", v: 3}, {\"id\":\"z\"}]}");
    PATCHED("{l: [{id: 'x'}]}", "{l: [{v: 1}]}", "{l: [\n  {\n    \"v\": 1\n  }\n]}");
    PATCHED("{l: []}", "{l: [{id: 'x'}]}", "{l: [\n  {\n    \"id\": \"x\"\n  }\n]}");
}

static int refusal(enum what what, const char *text, const char *a, const char *b)
{
    struct buf out = { 0 };
    char why[CONFIG_EDIT_WHY_MAX] = "";
    int rc = what == PATCH ? config_edit_patch(str_of(text), str_of(a), &out, why)
             : what == SET ? config_edit_set(str_of(text), str_of(a), str_of(b), &out, why)
                           : config_edit_unset(str_of(text), str_of(a), &out, why);
    cr_assert(rc == 0 || (why[0] && out.n == 0));
    buf_free(&out);
    return rc;
}

Test(config_edit, refuses_what_cannot_be_done_and_says_why)
{
    cr_assert(refusal(SET, "{a: 1}", "a.b", "1") == GW_EINVAL);
    cr_assert(refusal(SET, "{a: [1]}", "a[2]", "1") == GW_EINVAL);
    cr_assert(refusal(SET, "{a: [1]}", "a.x", "1") == GW_EINVAL);
    cr_assert(refusal(SET, "{}", "", "1") == GW_EINVAL);
    cr_assert(refusal(SET, "{}", "a..b", "1") == GW_EINVAL);
    cr_assert(refusal(SET, "{}", "a", "{") == GW_EPARSE);
    cr_assert(refusal(SET, "[1]", "a", "1") == GW_EINVAL);
    cr_assert(refusal(SET, "{", "a", "1") == GW_EPARSE);
    cr_assert(refusal(UNSET, "{a: 1}", "b", NULL) == GW_ENOENT);
    cr_assert(refusal(UNSET, "{a: [1]}", "a[1]", NULL) == GW_ENOENT);
    cr_assert(refusal(PATCH, "{}", "[]", NULL) == GW_EINVAL);
    cr_assert(refusal(PATCH, "{}", "{a", NULL) == GW_EPARSE);
}
