/* cli/cmd_sessions.c -- `openclaw sessions`: the conversations, newest first. */
#include <stdio.h>

#include "base/clock.h"
#include "cli/remote.h"
#include "cli/report.h"

enum { KEY_WIDTH = 26, KEY_HEAD = 16, KEY_TAIL = 6, LIMIT_MAX = 100000 };

/* A long key keeps its head and its tail: "agent:main:opena...c3eb15". */
static void add_key(struct buf *out, struct str key)
{
    struct buf text = { 0 };
    if (key.n > KEY_WIDTH)
        buf_printf(&text, "%.*s...%.*s", KEY_HEAD, key.p, KEY_TAIL, key.p + key.n - KEY_TAIL);
    else
        buf_add(&text, key);
    text_pad(out, buf_str(&text), KEY_WIDTH);
    buf_free(&text);
}

static void show_row(const json_t *s, int64_t now_ms)
{
    struct buf line = { 0 }, part = { 0 };
    text_pad(&line, json_str(s, "kind"), 6);
    buf_char(&line, ' ');
    add_key(&line, json_str(s, "key"));
    buf_char(&line, ' ');
    report_age(&part, json_int(s, "updatedAt", 0), now_ms);
    text_pad(&line, buf_str(&part), 9);
    buf_char(&line, ' ');
    text_pad(&line, json_str(s, "model"), 14);
    buf_char(&line, ' ');
    buf_clear(&part);
    report_session_tokens(&part, s);
    text_pad(&line, buf_str(&part), 20);
    buf_char(&line, ' ');
    buf_clear(&part);
    report_session_flags(&part, s);
    buf_add(&line, buf_str(&part));
    text_say(stdout, "%.*s", STR_ARG(buf_str(&line)));
    buf_free(&line);
    buf_free(&part);
}

static void show(const json_t *payload)
{
    const json_t *sessions = json_object_get(payload, "sessions");
    int64_t now_ms = clock_wall_ms();
    struct buf title = { 0 };
    text_say(stdout, "Session store: %.*s", STR_ARG(json_str(payload, "path")));
    printf("Sessions listed: %zu\n", json_array_size(sessions));
    if (json_array_size(sessions) == 0) {
        printf("No sessions found.\n");
        return;
    }
    buf_printf(&title, "%-6s %-26s %-9s %-14s %-20s %s\n", "Kind", "Key", "Age", "Model", "Tokens (ctx %)", "Flags");
    struct buf styled = { 0 };
    text_style(&styled, text_colour(stdout), STYLE_BOLD, str_trim(buf_str(&title)));
    printf("%s\n", buf_cstr(&styled));
    for (size_t i = 0; i < json_array_size(sessions); i++) show_row(json_array_get(sessions, i), now_ms);
    buf_free(&styled);
    buf_free(&title);
}

/* OpenClaw's `sessions --json` is not the RPC's answer: a row has its age, and no more than is known of the session
 * itself (reference: frames/cli-sessions-json.json). */
static json_t *shape(const json_t *payload, long active)
{
    static const char *const after[] = { "systemSent",     "abortedLastRun",   "thinkingLevel", "verboseLevel",
                                         "reasoningLevel", "elevatedLevel",    "inputTokens",   "outputTokens",
                                         "totalTokens",    "totalTokensFresh", "model",         "contextTokens" };
    const json_t *rows = json_object_get(payload, "sessions");
    int64_t now_ms = clock_wall_ms();
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        json_t *out = json_object();
        json_object_set(out, "key", json_object_get(row, "key"));
        json_object_set(out, "kind", json_object_get(row, "kind"));
        json_object_set(out, "updatedAt", json_object_get(row, "updatedAt"));
        json_object_set_new(out, "ageMs", json_integer(now_ms - json_int(row, "updatedAt", now_ms)));
        json_object_set(out, "sessionId", json_object_get(row, "sessionId"));
        for (size_t k = 0; k < sizeof after / sizeof after[0]; k++) {
            json_t *value = json_object_get(row, after[k]);
            if (value) json_object_set(out, after[k], value);
        }
        json_array_append_new(list, out);
    }
    return json_pack("{s:O, s:i, s:o, s:o}", "path", json_object_get(payload, "path"), "count", (int)json_array_size(list), "activeMinutes",
                     active ? json_integer(active) : json_null(), "sessions", list);
}

int cmd_sessions(int argc, char **argv)
{
    struct remote_flags flags = { 0 };
    const char *active_text = NULL, *agent = NULL, *limit_text = NULL;
    long active = 0, limit = 0;
    const struct cli_option options[] = { { "--active", "MINUTES", "those used within this time", &active_text, NULL },
                                          { "--agent", "ID", "those of one agent", &agent, NULL },
                                          { "--limit", "N", "at most so many", &limit_text, NULL },
                                          REMOTE_OPTIONS(flags),
                                          { 0 } };
    const struct cli_usage usage = { "openclaw sessions [options]", "The conversations, newest first.", options };
    json_t *payload, *params = NULL, *shaped = NULL;
    int rc = cli_begin(&usage, &argc, argv, argc && strcmp(argv[0], "list") == 0 ? 1 : 0);
    if (rc >= 0) return rc;
    rc = active_text ? cli_number("--active", active_text, 1, 10000000, &active) : CLI_OK;
    if (rc == CLI_OK && limit_text) rc = cli_number("--limit", limit_text, 1, LIMIT_MAX, &limit);
    if (rc) return rc;
    params = json_pack("{s:b, s:b}", "includeGlobal", 1, "includeUnknown", 1);
    if (active) json_object_set_new(params, "activeMinutes", json_integer(active));
    if (limit) json_object_set_new(params, "limit", json_integer(limit));
    if (agent) json_object_set_new(params, "agentId", json_string(agent));
    rc = remote_ask(&flags, "sessions.list", params, &payload);
    if (rc) return rc;
    if (flags.json)
        json_show(shaped = shape(payload, active));
    else
        show(payload);
    json_decref(shaped);
    json_decref(payload);
    return CLI_OK;
}
