/* cli/cmd_cron_edit.c -- `openclaw cron add` and `edit`: a job out of options. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cli/remote.h"

struct job {
    const char *name, *description, *agent, *session, *wake, *at, *every, *cron, *tz, *event, *message, *model, *thinking, *seconds,
        *channel, *to;
    bool disabled, delete_after, keep_after, announce, no_deliver, best_effort;
};

#define JOB_OPTIONS(j)                                                                                                                     \
    { "--name", "NAME", "what it is called", &(j).name, NULL }, { "--description", "TEXT", "what it is for", &(j).description, NULL },     \
        { "--at", "WHEN", "once: an ISO time, or a span like 20m", &(j).at, NULL },                                                        \
        { "--every", "SPAN", "again and again: 10m, 1h, 2d", &(j).every, NULL },                                                           \
        { "--cron", "EXPR", "by a cron expression", &(j).cron, NULL }, { "--tz", "ZONE", "time zone of the expression", &(j).tz, NULL },   \
        { "--session", "WHICH", "main or isolated", &(j).session, NULL },                                                                  \
        { "--system-event", "TEXT", "what the main session is told", &(j).event, NULL },                                                   \
        { "--message", "TEXT", "what the agent is asked", &(j).message, NULL }, { "--agent", "ID", "which agent", &(j).agent, NULL },      \
        { "--model", "REF", "its model", &(j).model, NULL }, { "--thinking", "LEVEL", "its thinking level", &(j).thinking, NULL },         \
        { "--timeout-seconds", "N", "how long its turn may take", &(j).seconds, NULL },                                                    \
        { "--wake", "MODE", "now or next-heartbeat", &(j).wake, NULL },                                                                    \
        { "--announce", NULL, "send the result to a chat", NULL, &(j).announce },                                                          \
        { "--no-deliver", NULL, "send the result nowhere", NULL, &(j).no_deliver },                                                        \
        { "--channel", "ID", "the chat's channel (default: last)", &(j).channel, NULL }, { "--to", "TARGET", "the chat", &(j).to, NULL },  \
        { "--best-effort-deliver", NULL, "a failed delivery is no failure", NULL, &(j).best_effort },                                      \
        { "--disabled", NULL, "switched off for now", NULL, &(j).disabled },                                                               \
        { "--delete-after-run", NULL, "remove it when it has run", NULL, &(j).delete_after },                                              \
    {                                                                                                                                      \
        "--keep-after-run", NULL, "keep it when it has run", NULL, &(j).keep_after                                                         \
    }

static int wrong(const char *why)
{
    fprintf(stderr, "Error: %s\n", why);
    return CLI_FAILED;
}

/* "90s", "20m", "1.5h", "2d". @return milliseconds, 0 when it is none */
static int64_t span_ms(const char *text)
{
    static const struct {
        const char *unit;
        double ms;
    } units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 } };
    char *end;
    double value = strtod(text, &end);
    if (end == text || text[0] < '0' || text[0] > '9') return 0;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(end, units[i].unit) == 0 && value > 0 && value * units[i].ms < 1e15) return (int64_t)(value * units[i].ms);
    return 0;
}

/* @return CLI_OK; *out stays NULL when no schedule was given */
static int schedule(const struct job *j, json_t **out)
{
    int given = (j->at != NULL) + (j->every != NULL) + (j->cron != NULL);
    if (given > 1) return wrong("Choose at most one schedule: --at, --every, or --cron");
    if (j->tz && !j->cron) return wrong("--tz goes with --cron");
    if (j->at) {
        char iso[CLOCK_ISO_SIZE];
        int64_t ms = span_ms(j->at);
        if (ms) clock_iso(clock_wall_ms() + ms, iso);
        *out = json_pack("{s:s, s:s}", "kind", "at", "at", ms ? iso : j->at);
    } else if (j->every) {
        int64_t ms = span_ms(j->every);
        if (!ms) return wrong("Invalid --every; use e.g. 10m, 1h, 1d");
        *out = json_pack("{s:s, s:I}", "kind", "every", "everyMs", (json_int_t)ms);
    } else if (j->cron) {
        *out = json_pack("{s:s, s:s, s:s*}", "kind", "cron", "expr", j->cron, "tz", j->tz);
    }
    return CLI_OK;
}

static int payload(const struct job *j, json_t **out)
{
    long seconds = 0;
    if (j->event && j->message) return wrong("Choose at most one payload: --system-event or --message");
    if (j->event) *out = json_pack("{s:s, s:s}", "kind", "systemEvent", "text", j->event);
    if (j->event || !(j->message || j->model || j->thinking || j->seconds)) return CLI_OK;
    int rc = j->seconds ? cli_number("--timeout-seconds", j->seconds, 1, 86400, &seconds) : CLI_OK;
    if (rc) return rc;
    *out = json_pack("{s:s, s:s*, s:s*, s:s*}", "kind", "agentTurn", "message", j->message, "model", j->model, "thinking", j->thinking);
    if (seconds) json_object_set_new(*out, "timeoutSeconds", json_integer(seconds));
    return CLI_OK;
}

static int delivery(const struct job *j, json_t **out)
{
    bool named = j->channel || j->to || j->announce || j->best_effort;
    if (j->no_deliver && named) return wrong("Choose --announce or --no-deliver");
    if (j->no_deliver) *out = json_pack("{s:s}", "mode", "none");
    if (!named) return CLI_OK;
    *out = json_pack("{s:s, s:s, s:s*}", "mode", "announce", "channel", j->channel ? j->channel : "last", "to", j->to);
    if (j->best_effort) json_object_set_new(*out, "bestEffort", json_true());
    return CLI_OK;
}

static void set(json_t *object, const char *key, const char *value)
{
    if (value) json_object_set_new(object, key, json_string(value));
}

static void set_part(json_t *object, const char *key, json_t *value)
{
    if (value) json_object_set_new(object, key, value);
}

/* What the options say, and nothing else. @return CLI_OK and *out (to be freed), or the exit code, told */
static int build(const struct job *j, json_t **out)
{
    json_t *when = NULL, *what = NULL, *where = NULL, *root = json_object();
    int rc = schedule(j, &when);
    if (rc == CLI_OK) rc = payload(j, &what);
    if (rc == CLI_OK) rc = delivery(j, &where);
    set(root, "name", j->name);
    set(root, "description", j->description);
    set(root, "agentId", j->agent);
    set_part(root, "schedule", when);
    set(root, "sessionTarget", j->session);
    set(root, "wakeMode", j->wake);
    set_part(root, "payload", what);
    set_part(root, "delivery", where);
    if (j->delete_after || j->keep_after) json_object_set_new(root, "deleteAfterRun", json_boolean(j->delete_after));
    if (rc) {
        json_decref(root);
        root = NULL;
    }
    *out = root;
    return rc;
}

int cmd_cron_add(int argc, char **argv)
{
    struct remote_flags flags = { 0 };
    struct job j = { 0 };
    const struct cli_option options[] = { JOB_OPTIONS(j), REMOTE_OPTIONS(flags), { 0 } };
    const struct cli_usage usage = {
        "openclaw cron add --name NAME (--at | --every | --cron) WHEN (--system-event | --message) TEXT [options]",
        "Adds a job and prints it.", options
    };
    json_t *job;
    int rc = cli_begin(&usage, &argc, argv, 0);
    if (rc >= 0) return rc;
    if (!j.name) return wrong("--name is required");
    if (!j.at && !j.every && !j.cron) return wrong("Choose exactly one schedule: --at, --every, or --cron");
    if (!j.event && !j.message) return wrong("Choose exactly one payload: --system-event or --message");
    if (!j.session) j.session = j.message ? "isolated" : "main";
    if (!j.wake) j.wake = "now";
    rc = build(&j, &job);
    if (rc) return rc;
    json_object_set_new(job, "enabled", json_boolean(!j.disabled));
    return remote_show(&flags, "cron.add", job);
}

int cmd_cron_edit(int argc, char **argv)
{
    struct remote_flags flags = { 0 };
    struct job j = { 0 };
    bool enable = false;
    const struct cli_option options[] = {
        { "--enable", NULL, "switch it on", NULL, &enable }, JOB_OPTIONS(j), REMOTE_OPTIONS(flags), { 0 }
    };
    const struct cli_usage usage = { "openclaw cron edit ID [options]", "Changes a job and prints it.", options };
    json_t *patch;
    int rc = cli_begin(&usage, &argc, argv, 1);
    if (rc >= 0) return rc;
    if (argc == 0) {
        fprintf(stderr, "Usage: %s\n", usage.synopsis);
        return CLI_USAGE;
    }
    rc = build(&j, &patch);
    if (rc) return rc;
    if (enable || j.disabled) json_object_set_new(patch, "enabled", json_boolean(enable));
    if (json_object_size(patch) == 0) {
        json_decref(patch);
        return wrong("nothing to change: name at least one option");
    }
    return remote_show(&flags, "cron.update", json_pack("{s:s, s:o}", "id", argv[0], "patch", patch));
}
