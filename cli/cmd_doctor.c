/* cli/cmd_doctor.c -- `openclaw doctor`: looks for what is wrong, in boxes, a topic each. It changes nothing. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/exec.h"
#include "cli/audit.h"
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

/* --- topics ------------------------------------------------------------------------------------------------------- */

static void look_at_config(const struct configuration *c)
{
    struct box b = { 0 };
    if (!c->file_found)
        add(&b, "- No configuration at %s: the defaults are in use.", c->path);
    else if (c->note.n)
        add(&b, "- %.*s", STR_ARG(buf_str(&c->note)));
    else
        add(&b, "- %s is well formed.", c->path);
    add(&b, "- Agents: %zu, default %.*s", config_agent_count(c->config), STR_ARG(config_agent_default(c->config)->id));
    for (size_t i = 0; i < config_provider_count(c->config); i++) {
        const struct config_provider *p = config_provider_at(c->config, i);
        bool needs = p->key_env || !p->built_in;
        if (needs && !p->api_key.n)
            add(&b, "- Provider %.*s has no key%s%s.", STR_ARG(p->id), p->key_env ? ": set " : "", p->key_env ? p->key_env : "");
    }
    show(&b, "Configuration");
}

static void look_at_state(const struct configuration *c)
{
    struct box b = { 0 };
    struct stat st;
    if (stat(c->state, &st) != 0)
        add(&b, "- State directory is not there yet (%s). The gateway creates it.", c->state);
    else if (!S_ISDIR(st.st_mode))
        add(&b, "- CRITICAL: %s is no directory.", c->state);
    else if (st.st_mode & 0077)
        add(&b, "- State directory permissions are too open (%s). Recommend chmod 700.", c->state);
    else
        add(&b, "- State directory is private (%s).", c->state);
    if (stat(c->state, &st) == 0 && access(c->state, W_OK) != 0) add(&b, "- CRITICAL: this user cannot write to %s.", c->state);
    show(&b, "State integrity");
}

static void look_at_security(const struct configuration *c)
{
    struct box b = { 0 };
    json_t *audit = audit_run(c);
    const json_t *findings = json_object_get(audit, "findings");
    for (size_t i = 0; i < json_array_size(findings); i++)
        add(&b, "- %.*s: %.*s", STR_ARG(json_str(json_array_get(findings, i), "title")),
            STR_ARG(json_str(json_array_get(findings, i), "detail")));
    if (!json_array_size(findings)) add(&b, "- No security warnings detected.");
    json_decref(audit);
    show(&b, "Security");
}

/* What is not here is told, not skipped in silence. */
static void look_at_commands(void)
{
    struct box b = { 0 };
    struct exec_containment c;
    if (exec_containment(&c) != 0) return;
    if (c.landlock)
        add(&b, "- Files: Landlock, version %d. Commands write to their workspace and temporary folders alone.", c.landlock);
    else
        add(&b, "- WARNING: this kernel has no Landlock (Linux 5.13, and `landlock` among the kernel's lsm=). Commands can read and write "
                "what the gateway's user can.");
    if (c.landlock && c.landlock < 6)
        add(&b, "- Landlock before version 6 (Linux 6.12) does not keep commands from signalling the user's other processes.");
    if (c.filter)
        add(&b, "- System calls: filtered.");
    else
        add(&b, "- WARNING: libseccomp.so.2 is not here (Debian: libseccomp2). No system call is refused to commands.");
    if (!c.openat2) add(&b, "- WARNING: this kernel has no openat2 (Linux 5.6): read, write and edit refuse every file.");
    if (access("/bin/sh", X_OK) != 0) add(&b, "- WARNING: there is no /bin/sh, so no command can be run.");
    show(&b, "Commands of agents");
}

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
    for (struct str rest = buf_str(&why); rest.n;) add(b, "%.*s", STR_ARG(str_split(&rest, '\n')));
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

int cmd_doctor(int argc, char **argv)
{
    struct remote_flags flags = { 0 };
    bool quiet = false;
    const struct cli_option options[] = { { "--non-interactive", NULL, "ask nothing (it never does)", NULL, &quiet },
                                          REMOTE_PLAIN_OPTIONS(flags),
                                          { 0 } };
    const struct cli_usage usage = { "openclaw doctor [options]", "Looks for what is wrong with this installation. Changes nothing.",
                                     options };
    struct remote r;
    int rc = cli_begin(&usage, &argc, argv, 0);
    if (rc >= 0) return rc;
    rc = remote_prepare(&r, &flags);
    if (rc == CLI_OK) {
        printf("┌  OpenClaw doctor\n");
        look_at_config(&r.configuration);
        look_at_state(&r.configuration);
        look_at_security(&r.configuration);
        look_at_commands();
        look_at_gateway(&r);
        printf("│\n└  Doctor complete.\n");
    }
    remote_close(&r);
    return rc;
}
