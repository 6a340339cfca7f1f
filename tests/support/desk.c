#include "support/desk.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

static const char CONFIG[] = "{ agents: { list: ["
                             "{ id: 'homelab-admin', default: true, subagents: { allowAgents: ['devops-sre', 'qa-tester'] } },"
                             "{ id: 'devops-sre', subagents: { allowAgents: ['qa-tester'] } },"
                             "{ id: 'qa-tester', subagents: { allowAgents: [] } } ],"
                             "defaults: { model: { primary: '" KIT_OPENROUTER_MODEL "' },"
                             "subagents: { maxSpawnDepth: 2, maxConcurrent: %d, maxChildrenPerAgent: 3, archiveAfterMinutes: 120 } } } }";

void desk_connect(struct desk *d)
{
    const struct ws_connect c = { .token = KIT_TOKEN, .device = &d->device };
    cr_assert_eq(ws_open(d->k.port, "/", NULL, &d->ws), 0);
    json_decref(ws_hello(d->ws, &c));
}

void desk_open(struct desk *d, int at_once)
{
    char config[sizeof CONFIG + 16];
    snprintf(config, sizeof config, CONFIG, at_once);
    const struct kit_options options = { .config_text = config };
    kit_start(&d->k, &options);
    d->k.options.config_text = NULL; /* it is written */
    cr_assert_eq(ws_device_create(&d->device), 0);
    desk_connect(d);
}

void desk_close(struct desk *d)
{
    ws_close(&d->ws);
    ws_device_free(&d->device);
    cr_expect_eq(fake_count(&d->k.openrouter, "violations"), 0);
    kit_stop(&d->k);
}

void desk_kill(struct desk *d)
{
    ws_close(&d->ws);
    cr_assert_eq(proc_signal(d->k.gateway, SIGKILL), 0);
    cr_assert_eq(proc_wait(d->k.gateway, KIT_START_MS, NULL), 0);
}

void desk_say(struct desk *d, const char *session, const char *run, const char *text)
{
    json_t *r = ws_call(d->ws, "chat.send", "{\"sessionKey\":\"%s\",\"message\":\"%s\",\"idempotencyKey\":\"%s\"}", session, text, run);
    char *dump = r ? json_dumps(r, 0) : NULL;
    cr_assert(json_is_true(json_object_get(r, "ok")), "%s", dump ? dump : "no answer");
    free(dump);
    json_decref(r);
}

bool desk_heard(struct desk *d, const char *session, const char *words)
{
    int64_t until = clock_mono_ms() + KIT_TURN_MS;
    while (clock_mono_ms() < until) {
        json_t *event = ws_event(d->ws, "chat", KIT_TURN_MS);
        const json_t *payload = json_object_get(event, "payload");
        const char *key = json_string_value(json_object_get(payload, "sessionKey"));
        const char *state = json_string_value(json_object_get(payload, "state"));
        char *dump = event ? json_dumps(payload, 0) : NULL;
        bool hit = key && state && dump && strcmp(state, "final") == 0 && strstr(key, session) && strstr(dump, words);
        bool over = !event;
        free(dump);
        json_decref(event);
        if (hit || over) return hit;
    }
    return false;
}

static int64_t count(const struct desk *d, const char *sql, va_list args) __attribute__((format(printf, 2, 0)));
static int64_t count(const struct desk *d, const char *sql, va_list args)
{
    char text[1024];
    int n = vsnprintf(text, sizeof text, sql, args);
    cr_assert(n > 0 && (size_t)n < sizeof text, "a query that is too long");
    return kit_sql(&d->k, text);
}

int64_t desk_count(const struct desk *d, const char *sql, ...)
{
    va_list args;
    va_start(args, sql);
    int64_t n = count(d, sql, args);
    va_end(args);
    return n;
}

bool desk_wait(const struct desk *d, int64_t wanted, const char *sql, ...)
{
    int64_t until = clock_mono_ms() + KIT_TURN_MS, seen;
    do {
        va_list args;
        va_start(args, sql);
        seen = count(d, sql, args);
        va_end(args);
        if (seen != wanted) pause_ms(2);
    } while (seen != wanted && clock_mono_ms() < until);
    return seen == wanted;
}

int64_t desk_results(const struct desk *d, const char *words)
{
    return desk_count(d, "SELECT count(*) FROM messages WHERE role = 'toolResult' AND instr(json, '%s') > 0", words);
}
