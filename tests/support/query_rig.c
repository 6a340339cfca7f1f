#include "tests/support/query_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"

char rig_dir[TEMPDIR_MAX];
store_t *rig_store;
static config_t *config;
static struct buf result, said;

void rig_setup(void)
{
    struct buf report = { 0 };
    tempdir_make(rig_dir);
    setenv("HOME", rig_dir, 1);
    setenv("OPENCLAW_STATE_DIR", rig_dir, 1);
    setenv("DIR", rig_dir, 1);
    unsetenv("DISCORD_BOT_TOKEN");
    unsetenv("TELEGRAM_BOT_TOKEN");
    cr_assert(store_open(str_of(rig_dir), NULL, &rig_store, &report) == 0, "%s", buf_cstr(&report));
    buf_free(&report);
    rig_config("{}", NULL);
}

void rig_end(void)
{
    store_close(&rig_store);
    config_unref(&config);
    buf_free(&result);
    buf_free(&said);
    tempdir_remove(rig_dir);
}

void rig_config(const char *text, const char *const *more)
{
    const char *pairs[64] = { "HOME", rig_dir, "OPENCLAW_STATE_DIR", rig_dir, "DIR", rig_dir };
    struct config_problems problems = { 0 };
    struct buf why = { 0 };
    for (size_t i = 0; more && more[i] && i < 50; i++) pairs[6 + i] = more[i];
    struct env env = env_list(pairs);
    config_unref(&config);
    int rc = config_parse(str_of(text), rig_path("openclaw.json"), &env, &config, &problems);
    config_problems_text(&problems, &why);
    cr_assert(rc == 0, "%s", buf_cstr(&why));
    config_problems_free(&problems);
    buf_free(&why);
}

void rig_config_file(const char *text)
{
    rig_write("openclaw.json", text);
    rig_config(text, NULL);
}

static int run(const struct rpc_handler *table, enum rpc_id method, const char *params, int flags)
{
    const struct rpc_handler *const tables[] = { table, NULL };
    json_t *root = json_loads(params ? params : "{}", 0, NULL);
    cr_assert(json_is_object(root), "%s", params);
    buf_clear(&result);
    buf_clear(&said);
    struct rpc_call call = {
        .method = method, .config = config, .store = rig_store, .params = root, .flags = flags, .now_ms = RIG_NOW, .out = &result
    };
    int rc = rpc_call_run(tables, &call);
    if (rc != 0) buf_printf(&said, "%s %.*s", call.code ? call.code : err_name(rc), STR_ARG(buf_str(&call.message)));
    buf_free(&call.message);
    buf_free(&call.details);
    config_unref(&call.written);
    json_decref(root);
    return rc;
}

static const char *succeeded(int rc)
{
    cr_assert(rc == 0, "%s", buf_cstr(&said));
    json_t *parsed = json_loadb(result.p, result.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
    cr_assert(parsed, "not JSON: %s", buf_cstr(&result));
    json_decref(parsed);
    return buf_cstr(&result);
}

const char *rig_ask(const struct rpc_handler *table, enum rpc_id method, const char *params)
{
    return succeeded(run(table, method, params, RPC_CALL_ADMIN));
}

const char *rig_ask_plain(const struct rpc_handler *table, enum rpc_id method, const char *params)
{
    return succeeded(run(table, method, params, 0));
}

const char *rig_refused(const struct rpc_handler *table, enum rpc_id method, const char *params)
{
    int rc = run(table, method, params, RPC_CALL_ADMIN);
    cr_assert(rc != 0, "not refused: %s", buf_cstr(&result));
    return buf_cstr(&said);
}

const char *rig_path(const char *name)
{
    static char paths[4][512];
    static unsigned next;
    char *out = paths[next++ % 4];
    snprintf(out, sizeof paths[0], "%s/%s", rig_dir, name);
    return out;
}

void rig_write(const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s", rig_path(name));
    for (char *slash = path + strlen(rig_dir) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = '\0';
        mkdir(path, 0700);
    }
    FILE *f = fopen(path, "w");
    cr_assert(f && fputs(text, f) >= 0 && fclose(f) == 0, "%s", path);
}

void rig_read(const char *name, char *out, size_t cap)
{
    struct buf text = { 0 };
    cr_assert(file_read(rig_path(name), cap - 1, &text) == 0, "%s", name);
    memcpy(out, text.p, text.n);
    out[text.n] = '\0';
    buf_free(&text);
}

static void same(const json_t *got, const json_t *frame, const char *at)
{
    char path[512];
    void *g = json_object_iter((json_t *)got), *f = json_object_iter((json_t *)frame);
    cr_assert(json_typeof(got) == json_typeof(frame) || (json_is_boolean(got) && json_is_boolean(frame)), "another kind at %s", at);
    for (; g && f; g = json_object_iter_next((json_t *)got, g), f = json_object_iter_next((json_t *)frame, f)) {
        const char *key = json_object_iter_key(f);
        cr_assert_str_eq(json_object_iter_key(g), key, "at %s", at);
        snprintf(path, sizeof path, "%s/%s", at, key);
        same(json_object_iter_value(g), json_object_iter_value(f), path);
    }
    cr_assert(!g && !f, "one has more at %s: %s", at, json_object_iter_key(g ? g : f));
    if (json_array_size(got) && json_array_size(frame)) same(json_array_get(got, 0), json_array_get(frame, 0), at);
}

void rig_same_shape(const char *got, const char *frame)
{
    json_t *a = json_loads(got, 0, NULL), *b = json_loads(frame, 0, NULL);
    cr_assert(a && b);
    same(a, b, "");
    json_decref(a);
    json_decref(b);
}
