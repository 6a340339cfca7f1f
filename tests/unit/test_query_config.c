/* The config.* methods, called by hand: guards, texts, what is written and what is not. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/query_config.h"
#include "base/config_view.h"
#include "base/file.h"
#include "support/tempdir.h"

struct bench {
    char dir[TEMPDIR_MAX];
    char path[TEMPDIR_MAX + 32];
    config_t *config;
    struct rpc_call call;
    struct buf out;
    json_t *params, *answer;
};

static const char *state; /* for the environment of the configuration */

static const char *variable(void *ctx, const char *name)
{
    (void)ctx;
    return strcmp(name, "OPENCLAW_STATE_DIR") == 0 ? state : strcmp(name, "HOME") == 0 ? "/nowhere" : NULL;
}

static void put(const struct bench *b, const char *text)
{
    FILE *f = fopen(b->path, "w");
    cr_assert(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

/* @param text  NULL: no file */
static void begin(struct bench *b, const char *text)
{
    struct env env = { variable, NULL };
    struct config_problems problems = { 0 };
    *b = (struct bench){ 0 };
    tempdir_make(b->dir);
    state = b->dir;
    snprintf(b->path, sizeof b->path, "%s/openclaw.json", b->dir);
    cr_assert(config_parse(STR("{}"), b->path, &env, &b->config, &problems) == 0);
    config_problems_free(&problems);
    if (text) put(b, text);
}

static void reset(struct bench *b)
{
    json_decref(b->params);
    json_decref(b->answer);
    buf_free(&b->out);
    buf_free(&b->call.message);
    buf_free(&b->call.details);
    config_unref(&b->call.written);
    b->params = b->answer = NULL;
}

static void end(struct bench *b)
{
    reset(b);
    config_unref(&b->config);
    tempdir_remove(b->dir);
}

static int call(struct bench *b, enum rpc_id method, json_t *params)
{
    static const struct rpc_handler *const tables[] = { query_config_handlers, NULL };
    reset(b);
    b->params = params;
    b->call = (struct rpc_call){ .method = method, .config = b->config, .params = params, .now_ms = 1795355095267, .out = &b->out };
    int rc = rpc_call_run(tables, &b->call);
    if (rc == 0) b->answer = json_loadb(b->out.p, b->out.n, 0, NULL);
    cr_assert(rc || b->answer, "not JSON: %s", buf_cstr(&b->out));
    return rc;
}

static json_t *with_raw(const char *raw)
{
    return json_pack("{s:s}", "raw", raw);
}

/* With the hash of the file as it is now. */
static json_t *guarded(const struct bench *b, const char *raw)
{
    char hash[CONFIG_HASH_SIZE];
    struct buf text = { 0 };
    file_read(b->path, 65536, &text);
    config_hash(buf_str(&text), hash);
    buf_free(&text);
    return json_pack("{s:s, s:s}", "raw", raw, "baseHash", hash);
}

static void expect_file(const struct bench *b, const char *text)
{
    struct buf got = { 0 };
    cr_assert(file_read(b->path, 65536, &got) == 0 && str_is(buf_str(&got), text), "got\n%s", buf_cstr(&got));
    buf_free(&got);
}

static void expect_refusal(struct bench *b, enum rpc_id method, json_t *params, const char *code, const char *message)
{
    cr_assert(call(b, method, params) != 0, "it was not refused");
    cr_assert(b->call.code && strcmp(b->call.code, code) == 0);
    cr_assert(str_starts(buf_str(&b->call.message), str_of(message)), "%s", buf_cstr(&b->call.message));
}

static const char *text_at(const struct bench *b, const char *key)
{
    const char *text = json_string_value(json_object_get(b->answer, key));
    return text ? text : "(none)";
}

static const char NEED[] = "config base hash required; re-run config.get and retry";
static const char STALE[] = "config changed since last load; re-run config.get and retry";

Test(query_config, get_tells_of_the_file)
{
    struct bench b;
    begin(&b, "{hooks: {token: 'hush'}}");
    cr_assert(call(&b, RPC_config_get, json_object()) == 0);
    cr_assert_str_eq(text_at(&b, "path"), b.path);
    cr_assert_str_eq(text_at(&b, "raw"), "{hooks: {token: \"__OPENCLAW_REDACTED__\"}}");
    end(&b);
}

Test(query_config, a_change_needs_the_hash_of_the_file_that_is_there)
{
    static const enum rpc_id methods[] = { RPC_config_set, RPC_config_patch, RPC_config_apply };
    struct bench b;
    begin(&b, "{}");
    for (size_t i = 0; i < 3; i++) {
        expect_refusal(&b, methods[i], with_raw("{}"), "INVALID_REQUEST", NEED);
        expect_refusal(&b, methods[i], json_pack("{s:s, s:s}", "raw", "{}", "baseHash", "x"), "INVALID_REQUEST", STALE);
    }
    expect_file(&b, "{}");
    end(&b);
}

Test(query_config, set_writes_the_text_with_its_comments_and_secrets)
{
    struct bench b;
    begin(&b, "{hooks: {token: 'hush'}}");
    cr_assert(call(&b, RPC_config_set, guarded(&b, "{ // mine\n  hooks: {token: \"__OPENCLAW_REDACTED__\", path: '/h'}}")) == 0, "%s",
              buf_cstr(&b.call.message));
    expect_file(&b, "{ // mine\n  hooks: {token: 'hush', path: '/h'}}\n");
    cr_assert(json_is_true(json_object_get(b.answer, "ok")) && json_object_size(b.answer) == 3);
    cr_assert_str_eq(text_at(&b, "path"), b.path);
    cr_assert(str_find(buf_str(&b.out), STR("hush")) < 0);
    end(&b);
}

Test(query_config, the_first_file_needs_no_hash)
{
    struct bench b;
    begin(&b, NULL);
    cr_assert(call(&b, RPC_config_patch, with_raw("{gateway: {port: 1234}}")) == 0, "%s", buf_cstr(&b.call.message));
    expect_file(&b, "{\n  \"gateway\": {\n    \"port\": 1234\n  }\n}\n");
    end(&b);
}

Test(query_config, what_is_wrong_is_told_and_not_written)
{
    struct bench b;
    begin(&b, "{ui: {seamColor: '#46a8ec'}}");
    expect_refusal(&b, RPC_config_set, guarded(&b, "{ui: "), "INVALID_REQUEST", "SyntaxError: JSON5: ");
    expect_refusal(&b, RPC_config_patch, guarded(&b, "{ui: "), "INVALID_REQUEST", "SyntaxError: JSON5: ");
    expect_refusal(&b, RPC_config_patch, guarded(&b, "[]"), "INVALID_REQUEST", "config.patch raw must be an object");
    expect_refusal(&b, RPC_config_apply, guarded(&b, "[]"), "INVALID_REQUEST", "invalid config");
    expect_refusal(&b, RPC_config_apply, guarded(&b, "{gateway: {port: 'x', bind: 'y'}}"), "INVALID_REQUEST", "invalid config");
    json_t *details = json_loadb(b.call.details.p, b.call.details.n, 0, NULL);
    cr_assert(json_array_size(json_object_get(details, "issues")) == 2);
    json_decref(details);
    expect_refusal(&b, RPC_config_set, guarded(&b, "{models: {providers: {p: {apiKey: '__OPENCLAW_REDACTED__'}}}}"), "INVALID_REQUEST",
                   "Sentinel value \"__OPENCLAW_REDACTED__\" in key models.providers.*.apiKey is not valid as real data");
    expect_file(&b, "{ui: {seamColor: '#46a8ec'}}");
    end(&b);
}

Test(query_config, a_broken_file_can_be_set_but_not_patched)
{
    struct bench b;
    begin(&b, "{oops");
    expect_refusal(&b, RPC_config_patch, guarded(&b, "{}"), "INVALID_REQUEST", "invalid config; fix before patching");
    cr_assert(call(&b, RPC_config_set, guarded(&b, "{}")) == 0, "%s", buf_cstr(&b.call.message));
    expect_file(&b, "{}\n");
    end(&b);
}

Test(query_config, patch_changes_only_what_it_names)
{
    struct bench b;
    begin(&b, "{\n  // two\n  agents: { list: [ { id: 'a', name: 'A' }, { id: 'b' } ] },\n  hooks: { token: 'hush' },\n}\n");
    cr_assert(
        call(&b, RPC_config_patch, guarded(&b, "{agents: {list: [{id: 'b', name: 'B'}]}, hooks: {token: '__OPENCLAW_REDACTED__'}}")) == 0,
        "%s", buf_cstr(&b.call.message));
    expect_file(
        &b,
        "{\n  // two\n  agents: { list: [ { id: 'a', name: 'A' }, { id: \"b\", \"name\": \"B\" } ] },\n  hooks: { token: 'hush' },\n}\n");
    end(&b);
}

Test(query_config, patch_and_apply_say_honestly_that_nothing_restarts)
{
    struct bench b;
    json_t *params;
    begin(&b, "{}");
    params = guarded(&b, "{ui: {}}");
    json_object_set_new(params, "note", json_string("hello"));
    json_object_set_new(params, "sessionKey", json_string("agent:main:main"));
    cr_assert(call(&b, RPC_config_apply, params) == 0, "%s", buf_cstr(&b.call.message));
    const json_t *restart = json_object_get(b.answer, "restart"), *sentinel = json_object_get(b.answer, "sentinel");
    const json_t *payload = json_object_get(sentinel, "payload");
    cr_assert_str_eq(json_string_value(json_object_get(restart, "mode")), "reload");
    cr_assert_str_eq(json_string_value(json_object_get(restart, "signal")), "SIGUSR1");
    cr_assert_str_eq(json_string_value(json_object_get(restart, "reason")), "config.apply");
    cr_assert(json_is_null(json_object_get(sentinel, "path")));
    cr_assert_str_eq(json_string_value(json_object_get(payload, "kind")), "config-apply");
    cr_assert_str_eq(json_string_value(json_object_get(payload, "message")), "hello");
    cr_assert_str_eq(json_string_value(json_object_get(json_object_get(payload, "stats"), "mode")), "config.apply");
    end(&b);
}

Test(query_config, a_read_only_file_is_named_and_stays)
{
    struct bench b;
    begin(&b, "{}");
    cr_assert(chmod(b.path, 0444) == 0);
    expect_refusal(&b, RPC_config_set, guarded(&b, "{ui: {}}"), "UNAVAILABLE", "the configuration file ");
    cr_assert(str_find(buf_str(&b.call.message), STR("read-only")) >= 0);
    expect_file(&b, "{}");
    end(&b);
}

Test(query_config, validate_writes_nothing)
{
    struct bench b;
    begin(&b, "{}");
    cr_assert(call(&b, RPC_config_validate, with_raw("{gateway: {port: 0}}")) == 0);
    cr_assert(json_is_false(json_object_get(b.answer, "valid")));
    expect_file(&b, "{}");
    end(&b);
}
