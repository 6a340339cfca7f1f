/* cli/cmd_cron.c -- `openclaw cron`: what is scheduled, and running it. cmd_cron_edit.c adds and changes jobs. */
#include <stdio.h>

#include "base/clock.h"
#include "cli/remote.h"
#include "cli/text.h"

enum { RUN_TIMEOUT_MS = 600000, RUNS_MAX = 5000 };

/* --- list --------------------------------------------------------------------------------------------------------- */

static void add_duration(struct buf *out, int64_t ms)
{
    if (ms < 60000)
        buf_printf(out, "%llds", (long long)(ms < 1500 ? 1 : (ms + 500) / 1000));
    else
        text_span(out, ms);
}

static void add_schedule(struct buf *out, const json_t *schedule)
{
    struct str kind = json_str(schedule, "kind"), at = json_str(schedule, "at"), tz = json_str(schedule, "tz");
    if (str_is(kind, "every")) {
        buf_text(out, "every ");
        add_duration(out, json_int(schedule, "everyMs", 0));
    } else if (str_is(kind, "at")) {
        bool iso = at.n >= 16 && at.p[10] == 'T' && at.p[at.n - 1] == 'Z';
        if (iso)
            buf_printf(out, "at %.10s %.5sZ", at.p, at.p + 11);
        else
            buf_printf(out, "at %.*s", STR_ARG(at));
    } else {
        buf_printf(out, "cron %.*s%s%.*s", STR_ARG(json_str(schedule, "expr")), tz.n ? " @ " : "", STR_ARG(tz));
    }
}

static void add_moment(struct buf *out, int64_t then_ms, int64_t now_ms)
{
    if (then_ms <= 0) {
        buf_char(out, '-');
    } else if (then_ms >= now_ms) {
        buf_text(out, "in ");
        text_span(out, then_ms - now_ms);
    } else {
        text_span(out, now_ms - then_ms);
        buf_text(out, " ago");
    }
}

static struct str status_of(const json_t *job)
{
    const json_t *state = json_object_get(job, "state");
    struct str last = json_str(state, "lastStatus");
    if (!json_flag(job, "enabled")) return STR("disabled");
    if (json_int(state, "runningAtMs", 0)) return STR("running");
    return last.n ? last : STR("idle");
}

static enum style style_of(struct str status)
{
    if (str_is(status, "ok")) return STYLE_GREEN;
    if (str_is(status, "error")) return STYLE_RED;
    return str_is(status, "running") ? STYLE_CYAN : STYLE_DIM;
}

static void add_cell(struct buf *line, struct str text, size_t width, bool colour, enum style style)
{
    struct buf cell = { 0 };
    text_fit(&cell, text, width);
    size_t used = text_width(buf_str(&cell));
    text_style(line, colour, style, buf_str(&cell));
    for (size_t i = used; i < width + 1; i++) buf_char(line, ' ');
    buf_free(&cell);
}

static void show_job(const json_t *job, int64_t now_ms, bool colour)
{
    const json_t *state = json_object_get(job, "state");
    struct buf line = { 0 }, part = { 0 };
    struct str status = status_of(job), agent = json_str(job, "agentId");
    add_cell(&line, json_str(job, "id"), 36, false, STYLE_PLAIN);
    add_cell(&line, json_str(job, "name"), 24, false, STYLE_PLAIN);
    add_schedule(&part, json_object_get(job, "schedule"));
    add_cell(&line, buf_str(&part), 32, false, STYLE_PLAIN);
    buf_clear(&part);
    add_moment(&part, json_flag(job, "enabled") ? json_int(state, "nextRunAtMs", 0) : 0, now_ms);
    add_cell(&line, buf_str(&part), 10, false, STYLE_PLAIN);
    buf_clear(&part);
    add_moment(&part, json_int(state, "lastRunAtMs", 0), now_ms);
    add_cell(&line, buf_str(&part), 10, false, STYLE_PLAIN);
    add_cell(&line, status, 9, colour, style_of(status));
    add_cell(&line, json_str(job, "sessionTarget"), 9, false, STYLE_PLAIN);
    text_fit(&line, agent.n ? agent : STR("default"), 10);
    printf("%s\n", buf_cstr(&line)); /* each cell was cleaned by text_fit() */
    buf_free(&line);
    buf_free(&part);
}

static void show_jobs(const json_t *jobs)
{
    struct buf head = { 0 };
    bool colour = text_colour(stdout);
    char text[160];
    if (json_array_size(jobs) == 0) {
        printf("No cron jobs.\n");
        return;
    }
    snprintf(text, sizeof text, "%-36s %-24s %-32s %-10s %-10s %-9s %-9s %-10s", "ID", "Name", "Schedule", "Next", "Last", "Status",
             "Target", "Agent");
    text_style(&head, colour, STYLE_BOLD, str_of(text));
    printf("%s\n", buf_cstr(&head));
    for (size_t i = 0; i < json_array_size(jobs); i++) show_job(json_array_get(jobs, i), clock_wall_ms(), colour);
    buf_free(&head);
}

int cmd_cron_list(int argc, char **argv)
{
    struct remote_flags flags = { 0 };
    bool all = false;
    const struct cli_option options[] = { { "--all", NULL, "also those that are switched off", NULL, &all }, REMOTE_OPTIONS(flags), { 0 } };
    const struct cli_usage usage = { "openclaw cron list [options]", "The scheduled jobs.", options };
    json_t *payload;
    int rc = cli_begin(&usage, &argc, argv, 0);
    if (rc >= 0) return rc;
    rc = remote_ask(&flags, "cron.list", json_pack("{s:b}", "includeDisabled", all), &payload);
    if (rc == CLI_OK && flags.json) json_show(payload);
    if (rc == CLI_OK && !flags.json) show_jobs(json_object_get(payload, "jobs"));
    json_decref(payload);
    return rc;
}

/* --- the rest ------------------------------------------------------------------------------------------------------ */

int cmd_cron_status(int argc, char **argv)
{
    struct remote_flags flags = { 0 };
    const struct cli_option options[] = { REMOTE_OPTIONS(flags), { 0 } };
    const struct cli_usage usage = { "openclaw cron status [options]", "Whether the scheduler runs, and when it wakes next.", options };
    int rc = cli_begin(&usage, &argc, argv, 0);
    return rc >= 0 ? rc : remote_show(&flags, "cron.status", NULL);
}

static int needs_id(const struct cli_usage *usage)
{
    fprintf(stderr, "Usage: %s\n", usage->synopsis);
    return CLI_USAGE;
}

static int set_enabled(int argc, char **argv, bool enabled)
{
    struct remote_flags flags = { 0 };
    const struct cli_option options[] = { REMOTE_OPTIONS(flags), { 0 } };
    const struct cli_usage usage = { enabled ? "openclaw cron enable ID [options]" : "openclaw cron disable ID [options]",
                                     enabled ? "Switches a job on." : "Switches a job off.", options };
    int rc = cli_begin(&usage, &argc, argv, 1);
    if (rc >= 0) return rc;
    if (argc == 0) return needs_id(&usage);
    return remote_show(&flags, "cron.update", json_pack("{s:s, s:{s:b}}", "id", argv[0], "patch", "enabled", enabled));
}

int cmd_cron_enable(int argc, char **argv)
{
    return set_enabled(argc, argv, true);
}

int cmd_cron_disable(int argc, char **argv)
{
    return set_enabled(argc, argv, false);
}

int cmd_cron_rm(int argc, char **argv)
{
    struct remote_flags flags = { 0 };
    const struct cli_option options[] = { REMOTE_OPTIONS(flags), { 0 } };
    const struct cli_usage usage = { "openclaw cron rm ID [options]", "Removes a job.", options };
    int rc = cli_begin(&usage, &argc, argv, 1);
    if (rc >= 0) return rc;
    return argc == 0 ? needs_id(&usage) : remote_show(&flags, "cron.remove", json_pack("{s:s}", "id", argv[0]));
}

int cmd_cron_run(int argc, char **argv)
{
    struct remote_flags flags = { 0 };
    bool due = false;
    char patience[16];
    const struct cli_option options[] = { { "--due", NULL, "only when its time has come", NULL, &due }, REMOTE_OPTIONS(flags), { 0 } };
    const struct cli_usage usage = { "openclaw cron run ID [options]", "Runs a job now and waits for its end.", options };
    int rc = cli_begin(&usage, &argc, argv, 1);
    if (rc >= 0) return rc;
    if (argc == 0) return needs_id(&usage);
    snprintf(patience, sizeof patience, "%d", RUN_TIMEOUT_MS);
    if (!flags.timeout_text) flags.timeout_text = patience;
    return remote_show(&flags, "cron.run", json_pack("{s:s, s:s}", "id", argv[0], "mode", due ? "due" : "force"));
}

int cmd_cron_runs(int argc, char **argv)
{
    struct remote_flags flags = { 0 };
    const char *id = NULL, *limit_text = NULL;
    long limit = 50;
    const struct cli_option options[] = { { "--id", "ID", "the job", &id, NULL },
                                          { "--limit", "N", "at most so many (default: 50)", &limit_text, NULL },
                                          REMOTE_OPTIONS(flags),
                                          { 0 } };
    const struct cli_usage usage = { "openclaw cron runs --id ID [options]", "What a job has done.", options };
    int rc = cli_begin(&usage, &argc, argv, 1);
    if (rc >= 0) return rc;
    if (!id && argc) id = argv[0];
    if (!id) return needs_id(&usage);
    rc = limit_text ? cli_number("--limit", limit_text, 1, RUNS_MAX, &limit) : CLI_OK;
    return rc ? rc : remote_show(&flags, "cron.runs", json_pack("{s:s, s:I}", "id", id, "limit", (json_int_t)limit));
}
