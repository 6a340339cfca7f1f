/* cli/cmd_health.c -- `openclaw health`, and `openclaw gateway health` with the same channel lines. */
#include <stdio.h>

#include "base/clock.h"
#include "cli/remote.h"
#include "cli/report.h"

static void show_agents(const json_t *health)
{
    const json_t *agents = json_object_get(health, "agents");
    struct buf names = { 0 };
    for (size_t i = 0; i < json_array_size(agents); i++) {
        const json_t *a = json_array_get(agents, i);
        buf_printf(&names, "%s%.*s%s", i ? ", " : "", STR_ARG(json_str(a, "agentId")), json_flag(a, "isDefault") ? " (default)" : "");
    }
    if (names.n) text_say(stdout, "Agents: %.*s", STR_ARG(buf_str(&names)));
    buf_free(&names);
}

/* `all`: of every agent, not of the default one alone. */
static void show_heartbeats(const json_t *health, bool all)
{
    const json_t *agents = json_object_get(health, "agents");
    struct buf line = { 0 };
    for (size_t i = 0; i < json_array_size(agents); i++) {
        const json_t *a = json_array_get(agents, i);
        if (!all && !json_flag(a, "isDefault")) continue;
        buf_printf(&line, "%s%.*s (%.*s)", line.n ? ", " : "", STR_ARG(json_str(json_object_get(a, "heartbeat"), "every")),
                   STR_ARG(json_str(a, "agentId")));
    }
    if (line.n) text_say(stdout, "Heartbeat interval: %.*s", STR_ARG(buf_str(&line)));
    buf_free(&line);
}

static void show_sessions(const json_t *agent)
{
    const json_t *sessions = json_object_get(agent, "sessions"), *recent = json_object_get(sessions, "recent");
    int64_t now_ms = clock_wall_ms();
    text_say(stdout, "Session store (%.*s): %.*s (%lld entries)", STR_ARG(json_str(agent, "agentId")), STR_ARG(json_str(sessions, "path")),
             (long long)json_int(sessions, "count", 0));
    for (size_t i = 0; i < json_array_size(recent); i++) {
        const json_t *s = json_array_get(recent, i);
        struct buf ago = { 0 };
        int64_t updated_ms = json_int(s, "updatedAt", 0);
        if (updated_ms)
            text_ago(&ago, now_ms - updated_ms);
        else
            buf_text(&ago, "no activity");
        text_say(stdout, "- %.*s (%.*s)", STR_ARG(json_str(s, "key")), STR_ARG(buf_str(&ago)));
        buf_free(&ago);
    }
}

static void show(const json_t *health, bool all)
{
    const json_t *agents = json_object_get(health, "agents");
    report_health_channels(health);
    show_agents(health);
    show_heartbeats(health, all);
    for (size_t i = 0; i < json_array_size(agents); i++)
        if (all || json_flag(json_array_get(agents, i), "isDefault")) show_sessions(json_array_get(agents, i));
}

int cmd_health(int argc, char **argv)
{
    struct remote_flags flags = { 0 };
    bool all = false, probe = false;
    const struct cli_option options[] = { { "--verbose", NULL, "every agent, not the default one alone", NULL, &all },
                                          { "--probe", NULL, "ask the channels anew", NULL, &probe },
                                          REMOTE_OPTIONS(flags),
                                          { 0 } };
    const struct cli_usage usage = { "openclaw health [options]", "The running gateway's health: channels, agents, sessions.", options };
    json_t *payload;
    int rc = cli_begin(&usage, &argc, argv, 0);
    if (rc >= 0) return rc;
    rc = remote_ask(&flags, "health", probe ? json_pack("{s:b}", "probe", 1) : NULL, &payload);
    if (rc == CLI_OK && flags.json) json_show(payload);
    if (rc == CLI_OK && !flags.json) show(payload, all);
    json_decref(payload);
    return rc;
}
