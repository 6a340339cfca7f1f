#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "channels/rpc_schema.h"

static struct buf why;

static void finish(void)
{
    buf_free(&why);
}

TestSuite(rpc, .fini = finish);

static json_t *parse(const char *text)
{
    json_t *json = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    cr_assert(json, "%s", text);
    return json;
}

/* What a method (or connect) says to parameters; "" when it takes them. Until the next call. */
static const char *told(const char *method, const json_t *params)
{
    buf_clear(&why);
    enum rpc_id id = rpc_find(str_of(method));
    bool connect = strcmp(method, "connect") == 0;
    cr_assert(connect || id != RPC_none, "%s", method);
    int rc = connect ? rpc_check_connect(params, &why) : rpc_check(id, params, &why);
    cr_assert_eq(rc, why.n ? GW_EINVAL : 0);
    return buf_cstr(&why);
}

static void expect(const char *method, const char *params, const char *text)
{
    json_t *json = params ? parse(params) : NULL;
    cr_expect_str_eq(told(method, json), text, "%s %s", method, params ? params : "(none)");
    json_decref(json);
}

static json_t *data(const char *name)
{
    char path[512];
    json_error_t error;
    snprintf(path, sizeof path, TEST_DATA_DIR "/rpc/%s", name);
    json_t *json = json_load_file(path, JSON_ALLOW_NUL, &error);
    cr_assert(json, "%s: %s", path, error.text);
    return json;
}

Test(rpc, finds_every_method_and_nothing_else)
{
    for (int id = 1; id < RPC_COUNT; id++) {
        const char *name = rpc_method((enum rpc_id)id)->name;
        cr_assert_eq((int)rpc_find(str_of(name)), id, "%s", name);
        cr_assert(rpc_doc((enum rpc_id)id)[0], "%s has no doc", name);
        cr_assert(rpc_find((struct str){ name, strlen(name) - 1 }) != (enum rpc_id)id);
    }
    cr_assert_eq(rpc_find(STR("")), RPC_none);
    cr_assert_eq(rpc_find(STR("connect")), RPC_none);
    cr_assert_eq(rpc_find(STR("tools.catalog")), RPC_none);
    cr_assert_eq(rpc_find(STR("healtH")), RPC_none);
    cr_assert_eq(rpc_find(STR("wake\0")), RPC_none);
}

Test(rpc, lists_the_88_methods_of_hello_ok_in_its_order)
{
    int shown = 0;
    for (int id = 1; id < RPC_COUNT; id++) shown += rpc_method((enum rpc_id)id)->shown;
    cr_assert_eq(shown, 88);
    cr_assert_str_eq(rpc_method((enum rpc_id)1)->name, "health");
    cr_assert_str_eq(rpc_method((enum rpc_id)88)->name, "chat.send");
}

/* frames.json: the requests of the reference's frames whose caller had the scope; message: null when the handler was reached. */
Test(rpc, says_to_captured_requests_what_openclaw_said)
{
    json_t *frames = data("frames.json");
    size_t refused = 0;
    for (size_t i = 0; i < json_array_size(frames); i++) {
        const json_t *frame = json_array_get(frames, i);
        const char *message = json_string_value(json_object_get(frame, "message"));
        const char *text = told(json_string_value(json_object_get(frame, "method")), json_object_get(frame, "params"));
        cr_expect_str_eq(text, message ? message : "", "%s", json_string_value(json_object_get(frame, "frame")));
        refused += message != NULL;
    }
    cr_assert(json_array_size(frames) > 150 && refused == 12);
    json_decref(frames);
}

/* ajv.json: random parameters, and what Ajv 8.20 with allErrors says to them by the same schemas. */
Test(rpc, tells_all_errors_in_the_order_of_ajv)
{
    json_t *cases = data("ajv.json");
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *of = json_array_get(cases, i);
        const char *method = json_string_value(json_object_get(of, "method"));
        bool frame = strcmp(method, "request frame") == 0, connect = strcmp(method, "connect") == 0;
        const struct rpc_shape *shape = frame     ? rpc_shape(RPC_SHAPE_request_frame)
                                        : connect ? rpc_shape(RPC_SHAPE_connect)
                                                  : rpc_params(rpc_find(str_of(method)));
        buf_clear(&why);
        cr_expect_not(rpc_shape_fits(shape, json_object_get(of, "params"), &why));
        cr_expect_str_eq(buf_cstr(&why), json_string_value(json_object_get(of, "message")), "%s, case %zu", method, i);
        cr_expect_not(rpc_shape_fits(shape, json_object_get(of, "params"), NULL));
    }
    cr_assert(json_array_size(cases) > 200);
    json_decref(cases);
}

Test(rpc, takes_missing_and_null_parameters_as_empty_ones)
{
    expect("chat.history", NULL, "invalid chat.history params: must have required property 'sessionKey'");
    expect("chat.history", "null", "invalid chat.history params: must have required property 'sessionKey'");
    expect("models.list", NULL, "");
    expect("models.list", "null", "");
    expect("models.list", "[]", "invalid models.list params: must be object");
    expect("connect", NULL, "invalid connect params: must be object");
    expect("connect", "null", "invalid connect params: must be object");
}

Test(rpc, appends_to_what_is_there_and_leaves_it_alone_on_success)
{
    buf_text(&why, "before ");
    cr_assert_eq(rpc_check(RPC_models_list, NULL, &why), 0);
    cr_assert_str_eq(buf_cstr(&why), "before ");
    cr_assert_eq(rpc_check(RPC_cron_remove, NULL, &why), GW_EINVAL);
    cr_assert_str_eq(buf_cstr(&why), "before invalid cron.remove params: must have required property 'id'; "
                                     "must have required property 'jobId'; must match a schema in anyOf");
}

Test(rpc, answers_with_a_methods_own_words_where_openclaw_does)
{
    expect("set-heartbeats", "{\"enabled\":1}", "invalid set-heartbeats params: enabled (boolean) required");
    expect("set-heartbeats", "{\"enabled\":false,\"other\":1}", "");
    expect("system-event", "{}", "text required");
    expect("system-event", "{\"text\":5}", "text required");
    expect("system-event", "{\"text\":\"x\",\"host\":5,\"tags\":\"no\"}", "");
    expect("voicewake.set", "{\"triggers\":\"hey\"}", "voicewake.set requires triggers: string[]");
    expect("voicewake.set", "{\"triggers\":[1]}", "");
    expect("exec.approval.waitDecision", NULL, "id is required");
    expect("sessions.usage.timeseries", NULL, "key is required for timeseries");
    expect("health", "{\"probe\":\"x\",\"other\":1}", "");
    expect("health", "\"x\"", "");
}

/* sessions.patch with a label of n times U+00E9 */
static void expect_label(int n, const char *text)
{
    struct buf params = { 0 };
    buf_text(&params, "{\"key\":\"a\",\"label\":\"");
    for (int i = 0; i < n; i++) buf_text(&params, "\xC3\xA9");
    buf_text(&params, "\"}");
    expect("sessions.patch", buf_cstr(&params), text);
    buf_free(&params);
}

Test(rpc, bounds_strings_by_code_points)
{
    expect_label(64, "");
    expect_label(65, "invalid sessions.patch params: at /label: must NOT have more than 64 characters; at /label: must be null; "
                     "at /label: must match a schema in anyOf");
    expect("agent.wait", "{\"runId\":\"\"}", "invalid agent.wait params: at /runId: must NOT have fewer than 1 characters");
    expect("agent.wait", "{\"runId\":\"\\u0000\"}", "");
}

Test(rpc, bounds_numbers_and_takes_whole_ones_with_a_point)
{
    expect("logs.tail", "{\"limit\":5000}", "");
    expect("logs.tail", "{\"limit\":5001}", "invalid logs.tail params: at /limit: must be <= 5000");
    expect("logs.tail", "{\"limit\":0.5}", "invalid logs.tail params: at /limit: must be integer; at /limit: must be >= 1");
    expect("logs.tail", "{\"limit\":5.0}", "");
    expect("logs.tail", "{\"cursor\":9007199254740991}", "");
    expect("logs.tail", "{\"cursor\":9007199254740992}", "invalid logs.tail params: at /cursor: must be <= 9007199254740991");
    expect("logs.tail", "{\"cursor\":1e300}", "invalid logs.tail params: at /cursor: must be <= 9007199254740991");
}

Test(rpc, bounds_lists)
{
    expect("sessions.preview", "{\"keys\":[]}", "invalid sessions.preview params: at /keys: must NOT have fewer than 1 items");
    expect("sessions.preview", "{\"keys\":[\"a\",\"\",5]}",
           "invalid sessions.preview params: at /keys/1: must NOT have fewer than 1 characters; at /keys/2: must be string");
    expect("poll",
           "{\"to\":\"x\",\"question\":\"q\",\"idempotencyKey\":\"k\",\"options\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\","
           "\"a\",\"b\",\"c\",\"d\"]}",
           "invalid poll params: at /options: must NOT have more than 12 items");
}

Test(rpc, takes_either_name_of_a_job_and_not_both)
{
    expect("cron.run", "{\"id\":\"a\"}", "");
    expect("cron.run", "{\"jobId\":\"a\",\"mode\":\"due\"}", "");
    expect(
        "cron.run", "{\"id\":\"a\",\"jobId\":\"a\"}",
        "invalid cron.run params: at root: unexpected property 'jobId'; at root: unexpected property 'id'; must match a schema in anyOf");
}

Test(rpc, shows_names_as_json_pointers_and_cuts_long_ones)
{
    char params[200], text[400];
    expect("skills.update", "{\"skillKey\":\"k\",\"env\":{\"a/b~c\":1}}", "invalid skills.update params: at /env/a~1b~0c: must be string");
    expect("models.list", "{\" \":1}", "invalid models.list params: must NOT have additional properties");
    snprintf(params, sizeof params, "{\"%0*d\":1}", RPC_NAME_SHOWN, 0);
    snprintf(text, sizeof text, "invalid models.list params: at root: unexpected property '%0*d'", RPC_NAME_SHOWN, 0);
    expect("models.list", params, text);
    snprintf(params, sizeof params, "{\"%0*d\":1}", RPC_NAME_SHOWN + 1, 0);
    snprintf(text, sizeof text, "invalid models.list params: at root: unexpected property '%0*d...'", RPC_NAME_SHOWN, 0);
    expect("models.list", params, text);
}

/* n unknown names. @return how many errors are told */
static size_t count_errors(int n, bool *more)
{
    json_t *params = json_object();
    char name[16];
    for (int i = 0; i < n; i++) {
        snprintf(name, sizeof name, "n%d", i);
        json_object_set_new(params, name, json_null());
    }
    const char *text = told("models.list", params);
    size_t count = 1;
    *more = strlen(text) > 8 && strcmp(text + strlen(text) - 8, "and more") == 0;
    for (; *text; text++) count += *text == ';';
    json_decref(params);
    return count;
}

Test(rpc, tells_so_many_errors_and_that_there_are_more)
{
    bool more;
    cr_assert_eq(count_errors(RPC_ERRORS_MAX, &more), RPC_ERRORS_MAX);
    cr_assert_not(more);
    cr_assert_eq(count_errors(RPC_ERRORS_MAX + 1, &more), RPC_ERRORS_MAX + 1);
    cr_assert(more);
    cr_assert_eq(count_errors(10 * RPC_ERRORS_MAX, &more), RPC_ERRORS_MAX + 1);
    cr_assert(more);
}

/* `UPDATE_DOCS=1 test_rpc` rewrites the page. */
Test(rpc, documentation_matches_the_declarations)
{
    struct buf now = { 0 }, kept = { 0 };
    rpc_write_docs(&now);
    if (getenv("UPDATE_DOCS")) {
        FILE *out = fopen(SOURCE_DIR "/docs/rpc.md", "w");
        cr_assert(out && fwrite(now.p, 1, now.n, out) == now.n && fclose(out) == 0);
    }
    FILE *in = fopen(SOURCE_DIR "/docs/rpc.md", "r");
    cr_assert(in);
    char *at = buf_reserve(&kept, 1 << 20);
    kept.n += fread(at, 1, 1 << 20, in);
    fclose(in);
    cr_assert(str_eq(buf_str(&now), buf_str(&kept)), "docs/rpc.md is stale: run UPDATE_DOCS=1 test_rpc");
    buf_free(&now);
    buf_free(&kept);
}
