#include "support/gateway.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"

enum { FAKE_START_MS = 10000, CONTROL_MS = 10000, HEALTH_TRY_MS = 2000, STOP_MS = 30000 };

int fake_start(const char *program, const char *key, struct fake *out)
{
    char line[32];
    const char *argv[] = { program, "--port", "0", "--key", key, NULL };
    int rc = proc_start(argv, NULL, &out->proc);
    if (rc == 0) rc = proc_wait_line(out->proc, "port ", FAKE_START_MS, line, sizeof line);
    if (rc == 0) out->port = atoi(line);
    return rc;
}

void fake_stop(struct fake *f)
{
    int status = proc_stop(&f->proc);
    cr_expect(status == -1 || (WIFEXITED(status) && WEXITSTATUS(status) == 0), "a fake ended with status %d", status);
}

int fake_control(const struct fake *f, const char *format, ...)
{
    struct http_reply r = { 0 };
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    if (n < 0) return 0;
    struct http_call call = { .path = "/__control", .body = { text, (size_t)n } };
    http_call(f->port, &call, CONTROL_MS, &r);
    int status = r.status;
    if (status != 200) fprintf(stderr, "the fake refused %s: %s\n", text, buf_cstr(&r.body));
    http_reply_free(&r);
    free(text);
    return status;
}

json_t *fake_stats(const struct fake *f)
{
    struct http_reply r = { 0 };
    struct http_call call = { .path = "/__stats" };
    http_call(f->port, &call, CONTROL_MS, &r);
    json_t *stats = json_loadb(r.body.p ? r.body.p : "", r.body.n, 0, NULL);
    http_reply_free(&r);
    return stats;
}

int64_t fake_count(const struct fake *f, const char *name)
{
    json_t *stats = fake_stats(f), *value = json_object_get(stats, name);
    int64_t n = json_is_integer(value) ? json_integer_value(value) : -1;
    json_decref(stats);
    return n;
}

int fake_wait(const struct fake *f, const char *name, int64_t least, int timeout_ms)
{
    int64_t deadline = now_ms() + timeout_ms;
    while (fake_count(f, name) < least) {
        if (now_ms() >= deadline) return GW_ETIMEOUT;
        pause_ms(2);
    }
    return 0;
}

static void write_config(struct kit *k)
{
    const struct kit_options *o = &k->options;
    if (!o->config_text) {
        snprintf(k->config, sizeof k->config, "%s", o->config_path ? o->config_path : TEST_DATA_DIR "/homelab/openclaw.json");
        return;
    }
    snprintf(k->config, sizeof k->config, "%s/openclaw.json", k->dir);
    FILE *f = fopen(k->config, "w");
    cr_assert(f && fputs(o->config_text, f) >= 0 && fclose(f) == 0, "cannot write %s", k->config);
}

/* /health answers as soon as the port is open; turns are taken once /readyz is content. */
static bool ready(const struct kit *k)
{
    struct http_reply r = { 0 };
    struct http_call call = { .path = "/readyz" };
    bool ok = http_call(k->port, &call, HEALTH_TRY_MS, &r) == 0 && r.status == 200;
    http_reply_free(&r);
    return ok;
}

static void launch(struct kit *k)
{
    const char *env[32];
    char text[8][320];
    size_t n = 0;
    char url[160];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/api/v1", k->openrouter.port);
    if (k->options.openrouter_url) { /* a format string of the test's own, with one %d */
        const char *at = strstr(k->options.openrouter_url, "%d");
        cr_assert_not_null(at);
        snprintf(url, sizeof url, "%.*s%d%s", (int)(at - k->options.openrouter_url), k->options.openrouter_url, k->openrouter.port, at + 2);
    }
    snprintf(text[0], sizeof text[0], "OPENCLAW_CONFIG_PATH=%s", k->config);
    snprintf(text[1], sizeof text[1], "OPENCLAW_STATE_DIR=%s", k->state);
    snprintf(text[2], sizeof text[2], "OPENROUTER_BASE_URL=%s", url);
    snprintf(text[3], sizeof text[3], "GEMINI_BASE_URL=http://127.0.0.1:%d/v1beta", k->gemini.port);
    snprintf(text[4], sizeof text[4], "HOME=%s", k->dir);
    for (; n < 5; n++) env[n] = text[n];
    static const char *const fixed[] = {
        "OPENROUTER_API_KEY=" KIT_OPENROUTER_KEY,
        "GEMINI_API_KEY=" KIT_GEMINI_KEY,
        "OPENCLAW_GATEWAY_TOKEN",
        "ANTHROPIC_API_KEY",
        "OPENAI_API_KEY",
        "GOOGLE_API_KEY",
        "http_proxy",
        "DISCORD_BOT_TOKEN",
        "DISCORD_API_BASE=http://127.0.0.1:9/api/v10"
    }; /* nobody is there: no test calls Discord itself */
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) env[n++] = fixed[i];
    for (const char *const *e = k->options.env; e && *e && n + 1 < sizeof env / sizeof *env; e++) env[n++] = *e;
    env[n] = NULL;
    const char *argv[] = {
        GW_OPENCLAW, "gateway", "--port", "0", "--bind", "loopback", "--token", KIT_TOKEN, "--allow-unconfigured", NULL
    };
    cr_assert_eq(proc_start(argv, env, &k->gateway), 0);
    char port[16] = "";
    proc_wait_line(k->gateway, "Listening on http://127.0.0.1:", KIT_START_MS, port, sizeof port);
    k->port = atoi(port); /* 0 when it did not come up, which the loop below tells */
    int64_t deadline = now_ms() + KIT_START_MS;
    while (!ready(k)) {
        bool hopeless = now_ms() >= deadline || !proc_alive(k->gateway);
        char *said = hopeless ? proc_output(k->gateway) : NULL;
        cr_assert(!hopeless, "the gateway did not get ready; it said:\n%s", said);
        pause_ms(1);
    }
}

void kit_start(struct kit *k, const struct kit_options *options)
{
    *k = (struct kit){ 0 };
    if (options) k->options = *options;
    snprintf(k->dir, sizeof k->dir, "/tmp/openclaw-test-XXXXXX");
    cr_assert_not_null(mkdtemp(k->dir));
    snprintf(k->state, sizeof k->state, "%s/state", k->dir);
    cr_assert_eq(mkdir(k->state, 0700), 0);
    write_config(k);
    cr_assert_eq(fake_start(GW_FAKE_OPENAI, KIT_OPENROUTER_KEY, &k->openrouter), 0);
    cr_assert_eq(fake_start(GW_FAKE_GEMINI, KIT_GEMINI_KEY, &k->gemini), 0);
    if (!k->options.no_start) launch(k);
}

static void end_gateway(struct kit *k)
{
    if (!k->gateway) return;
    proc_signal(k->gateway, SIGTERM);
    proc_wait(k->gateway, STOP_MS, NULL); /* what it says at its end counts, too */
    char *said = proc_output(k->gateway);
    bool report = said && (strstr(said, "Sanitizer") || strstr(said, "runtime error:"));
    cr_expect(!report, "a sanitizer reported:\n%s", said);
    free(said);
    int status = proc_stop(&k->gateway);
    cr_expect(WIFEXITED(status) || WTERMSIG(status) == SIGKILL, "the gateway ended with wait status %d", status);
}

void kit_restart(struct kit *k)
{
    end_gateway(k);
    launch(k);
}

static int drop_entry(const char *path, const struct stat *st, int flag, struct FTW *at)
{
    (void)st, (void)flag, (void)at;
    return remove(path);
}

void kit_stop(struct kit *k)
{
    end_gateway(k);
    fake_stop(&k->openrouter);
    fake_stop(&k->gemini);
    if (k->dir[0]) nftw(k->dir, drop_entry, 16, FTW_DEPTH | FTW_PHYS);
}

char *kit_chat_body(const char *agent, const char *user, const char *text, const char *extra)
{
    struct buf b = { 0 };
    buf_printf(&b, "{\"model\":\"openclaw%s%s\",\"messages\":[{\"role\":\"user\",\"content\":", agent ? ":" : "", agent ? agent : "");
    buf_json_str(&b, str_of(text));
    buf_text(&b, "}]");
    if (user) buf_json_pair_str(&b, "user", str_of(user));
    if (extra) buf_text(&b, extra);
    buf_char(&b, '}');
    buf_cstr(&b);
    return buf_take(&b, &(size_t){ 0 });
}

int kit_chat(const struct kit *k, const char *user, const char *text, struct http_reply *out)
{
    char *body = kit_chat_body(NULL, user, text, NULL);
    struct http_call call = { .path = "/v1/chat/completions", .token = KIT_TOKEN, .body = str_of(body) };
    int rc = http_call(k->port, &call, KIT_TURN_MS, out);
    free(body);
    return rc;
}

char *kit_content(const struct http_reply *r)
{
    json_t *root = json_loadb(r->body.p ? r->body.p : "", r->body.n, 0, NULL);
    json_t *message = json_object_get(json_array_get(json_object_get(root, "choices"), 0), "message");
    const char *content = json_string_value(json_object_get(message, "content"));
    char *copy = strdup(content ? content : "");
    json_decref(root);
    return copy;
}

char *kit_error(const struct http_reply *r)
{
    json_t *root = json_loadb(r->body.p ? r->body.p : "", r->body.n, 0, NULL);
    const char *text = json_string_value(json_object_get(json_object_get(root, "error"), "message"));
    char *copy = strdup(text ? text : "");
    json_decref(root);
    return copy;
}

char *kit_told(const struct kit *k)
{
    json_t *stats = fake_stats(&k->openrouter), *bodies = json_object_get(stats, "bodies");
    const json_t *messages = json_object_get(json_object_get(json_array_get(bodies, json_array_size(bodies) - 1), "body"), "messages");
    char *text = json_dumps(json_array_get(messages, json_array_size(messages) - 1), 0);
    json_decref(stats);
    return text ? text : strdup("");
}

int64_t kit_sql(const struct kit *k, const char *sql)
{
    char path[160];
    sqlite3 *db = NULL;
    sqlite3_stmt *row = NULL;
    int64_t n = -1;
    snprintf(path, sizeof path, "%s/openclaw.sqlite", k->state);
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK) {
        sqlite3_busy_timeout(db, 2000);
        if (sqlite3_prepare_v2(db, sql, -1, &row, NULL) == SQLITE_OK && sqlite3_step(row) == SQLITE_ROW) n = sqlite3_column_int64(row, 0);
    }
    sqlite3_finalize(row);
    sqlite3_close(db);
    return n;
}
