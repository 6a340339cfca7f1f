/* cli/cmd_doctor.c -- `openclaw doctor`: looks for what is wrong, in boxes, a topic each, and what to do about it. */
#include <stdio.h>
#include <unistd.h>

#include "cli/doctor.h"
#include "cli/remote.h"
#include "cli/text.h"

enum { LINE_WIDTH = 76 }; /* columns of a box's text */

struct box {
    struct buf lines; /* each ending in LF */
};

static void add(struct box *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A line of a box; a long one goes on below, indented like a list's item. */
static void add(struct box *b, const char *format, ...)
{
    struct buf text = { 0 }, clean = { 0 };
    char line[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    buf_add(&text, str_utf8_prefix(str_of(line), sizeof line - 1));
    text_clean(&clean, buf_str(&text));
    size_t used = 0;
    for (struct str rest = buf_str(&clean); rest.n;) {
        struct str word = str_split(&rest, ' ');
        size_t width = text_width(word);
        if (used && used + 1 + width > LINE_WIDTH) {
            buf_text(&b->lines, "\n ");
            used = 1;
        }
        if (used) buf_char(&b->lines, ' ');
        buf_add(&b->lines, word);
        used += width + (used > 0);
    }
    buf_char(&b->lines, '\n');
    buf_free(&text);
    buf_free(&clean);
}

static void repeat(const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++) fputs(text, stdout);
}

static void row(struct str text, size_t width)
{
    printf("│  %.*s", STR_ARG(text));
    repeat(" ", width - text_width(text));
    printf("  │\n");
}

/* Print it and forget its lines. */
static void show(struct box *b, const char *title)
{
    size_t width = strlen(title) + 1;
    for (struct str rest = buf_str(&b->lines); rest.n;) {
        size_t w = text_width(str_split(&rest, '\n'));
        if (w > width) width = w;
    }
    printf("│\n◇  %s ", title);
    repeat("─", width + 1 - strlen(title));
    printf("╮\n");
    row((struct str){ 0 }, width);
    for (struct str rest = buf_str(&b->lines); rest.n;) row(str_split(&rest, '\n'), width);
    row((struct str){ 0 }, width);
    printf("├");
    repeat("─", width + 4);
    printf("╯\n");
    buf_free(&b->lines);
}

/* --- findings ----------------------------------------------------------------------------------------------------- */

static void add_finding(struct box *b, const json_t *f)
{
    struct str severity = json_str(f, "severity"), fix = json_str(f, "fix");
    const char *mark = str_is(severity, "critical") ? "CRITICAL: " : str_is(severity, "warn") ? "WARNING: " : "";
    if (json_flag(f, "fixed"))
        add(b, "- MENDED: %.*s", STR_ARG(json_str(f, "text")));
    else if (fix.n && !str_is(severity, "ok"))
        add(b, "- %s%.*s Fix: %.*s.", mark, STR_ARG(json_str(f, "text")), STR_ARG(fix));
    else
        add(b, "- %s%.*s", mark, STR_ARG(json_str(f, "text")));
}

/* Findings of one topic in one box, in the order of their topics' first. */
static void show_findings(const json_t *findings)
{
    size_t i, k, n = json_array_size(findings);
    for (i = 0; i < n; i++) {
        struct box b = { 0 };
        struct str topic = json_str(json_array_get(findings, i), "topic");
        for (k = 0; k < i && !str_eq(json_str(json_array_get(findings, k), "topic"), topic);) k++;
        if (k < i) continue;
        for (k = i; k < n; k++)
            if (str_eq(json_str(json_array_get(findings, k), "topic"), topic)) add_finding(&b, json_array_get(findings, k));
        show(&b, topic.p);
    }
}

/* --- the gateway -------------------------------------------------------------------------------------------------- */

static void add_channels(struct box *b, const json_t *status)
{
    const json_t *order = json_object_get(status, "channelOrder");
    for (size_t i = 0; i < json_array_size(order); i++) {
        const char *id = json_string_value(json_array_get(order, i));
        const json_t *channel = id ? json_object_get(json_object_get(status, "channels"), id) : NULL;
        struct str error = json_str(channel, "lastError");
        if (!channel) continue;
        add(b, "- %s: %s, %s%s%.*s", id, json_flag(channel, "configured") ? "configured" : "not configured",
            json_flag(channel, "running") ? "running" : "stopped", error.n ? ", error: " : "", STR_ARG(error));
    }
    if (!json_array_size(order)) add(b, "- No channel is configured.");
}

static void add_error(struct box *b, const struct remote *r)
{
    struct buf why = { 0 };
    rpc_client_error_describe(&r->error, &r->target, &why);
    for (struct str rest = buf_str(&why); rest.n;) {
        struct str line = str_split(&rest, '\n');
        add(b, "%.*s", STR_ARG(line));
    }
    buf_free(&why);
}

static void look_at_gateway(struct remote *r)
{
    struct box b = { 0 };
    json_t *channels = NULL;
    bool up = remote_connect(r, "cli") == 0;
    json_t *health = up ? remote_try(r, "health", NULL) : NULL;
    if (health) {
        add(&b, "- %s answers, %s.", r->target.text, json_is_false(json_object_get(health, "ok")) ? "and is not well" : "and is well");
        channels = remote_try(r, "channels.status", json_pack("{s:b, s:i}", "probe", 0, "timeoutMs", r->timeout_ms));
    } else {
        add(&b, "Gateway not running or not reachable.");
        add_error(&b, r);
    }
    show(&b, "Gateway");
    if (channels) {
        add_channels(&b, channels);
        show(&b, "Channels");
    }
    json_decref(channels);
    json_decref(health);
}

/* Devices that wait to be let in. */
static void look_at_pairing(struct remote *r)
{
    struct box b = { 0 };
    json_t *list = remote_try(r, "device.pair.list", NULL);
    const json_t *pending = json_object_get(list, "pending");
    for (size_t i = 0; i < json_array_size(pending); i++)
        add(&b, "- Device %.*s waits. Fix: openclaw devices approve %.*s.", 12, json_str(json_array_get(pending, i), "deviceId").p,
            STR_ARG(json_str(json_array_get(pending, i), "requestId")));
    if (json_array_size(pending)) show(&b, "Pairing");
    json_decref(list);
}

static void look_at_setup(struct doctor *d)
{
    doctor_look_at_config(d);
    doctor_look_at_state(d);
    if (d->c->config) doctor_look_at_agents(d);
    if (d->c->config) doctor_look_at_channels(d);
    doctor_look_at_machine(d);
    if (d->c->config && d->probe) doctor_look_outside(d);
}

/* Without a configuration there is no gateway to ask. */
static int examine(struct doctor *d, const struct remote_flags *flags, bool as_json)
{
    struct remote r = { 0 };
    d->findings = json_array();
    look_at_setup(d);
    if (as_json) {
        json_t *report = doctor_report(d);
        json_show(report);
        json_decref(report);
    } else {
        printf("┌  OpenClaw doctor\n");
        show_findings(d->findings);
        if (d->c->config && remote_prepare(&r, flags) == CLI_OK) {
            look_at_gateway(&r);
            if (r.client) look_at_pairing(&r);
        }
        remote_close(&r);
        printf("│\n└  Doctor complete.\n");
    }
    json_decref(d->findings);
    return CLI_OK;
}

int cmd_doctor(int argc, char **argv)
{
    struct remote_flags flags = { 0 };
    struct configuration c = { 0 };
    struct doctor d = { .c = &c };
    bool quiet = false, as_json = false;
    const struct cli_option options[] = { { "--fix", NULL, "mend what needs no decision: permissions, missing folders, leftovers", NULL,
                                            &d.fix },
                                          { "--probe", NULL, "ask model providers and Discord with the keys that are set", NULL, &d.probe },
                                          { "--json", NULL, "findings as JSON: {ok, summary, findings}", NULL, &as_json },
                                          { "--non-interactive", NULL, "ask nothing (it never does)", NULL, &quiet },
                                          REMOTE_PLAIN_OPTIONS(flags),
                                          { 0 } };
    const struct cli_usage usage = {
        "openclaw doctor [options]",
        "Looks for what is wrong with this installation, and says what to do. Without --fix it changes nothing.", options
    };
    int rc = cli_begin(&usage, &argc, argv, 0);
    if (rc >= 0) return rc;
    configuration_load(&c, true);
    rc = examine(&d, &flags, as_json);
    configuration_free(&c);
    return rc;
}
