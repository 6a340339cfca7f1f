#include "cli/audit.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "cli/json_print.h"
#include "cli/text.h"

enum { TOKEN_SHORT = 24 }; /* characters; OpenClaw's bound */

static void found(json_t *findings, const char *id, const char *severity, const char *title, const char *detail)
{
    json_array_append_new(findings,
                          json_pack("{s:s, s:s, s:s, s:s}", "checkId", id, "severity", severity, "title", title, "detail", detail));
}

static void check_auth(const struct configuration *c, json_t *findings)
{
    const struct config_gateway *g = config_gateway(c->config);
    bool loopback = g->bind == CONFIG_BIND_LOOPBACK || g->bind == CONFIG_BIND_AUTO;
    char detail[160];
    if (g->auth == CONFIG_AUTH_NONE)
        found(findings, "gateway.auth_none", loopback ? "info" : "critical", "Gateway has no authentication",
              loopback ? "every program of this machine may use the agents; set gateway.auth.token to change that."
                       : "everybody who reaches the port may use the agents; set gateway.auth.token.");
    size_t n = g->auth == CONFIG_AUTH_TOKEN ? g->token.n : 0;
    if (n == 0 || n >= TOKEN_SHORT) return;
    snprintf(detail, sizeof detail, "gateway auth token is %zu chars; prefer a long random token.", n);
    found(findings, "gateway.token_too_short", "warn", "Gateway token looks short", detail);
}

static void check_mode(const char *path, const char *id, const char *what, mode_t bad, const char *advice, json_t *findings)
{
    char title[80], detail[CONFIGURATION_PATH_MAX + 120];
    struct stat st;
    if (stat(path, &st) != 0 || !(st.st_mode & bad)) return;
    snprintf(title, sizeof title, "%s can be read by other users", what);
    snprintf(detail, sizeof detail, "%s is mode %03o; %s.", path, (unsigned)(st.st_mode & 0777), advice);
    found(findings, id, "warn", title, detail);
}

json_t *audit_run(const struct configuration *c)
{
    json_t *findings = json_array();
    int critical = 0, warn = 0, info = 0;
    check_auth(c, findings);
    check_mode(c->state, "fs.state_dir.perms", "State directory", 0077, "recommend chmod 700", findings);
    if (c->file_found) check_mode(c->path, "fs.config.perms", "Configuration file", 0007, "recommend chmod 600", findings);
    for (size_t i = 0; i < json_array_size(findings); i++) {
        struct str severity = json_str(json_array_get(findings, i), "severity");
        critical += str_is(severity, "critical");
        warn += str_is(severity, "warn");
        info += str_is(severity, "info");
    }
    return json_pack("{s:I, s:{s:i, s:i, s:i}, s:o}", "ts", (json_int_t)clock_wall_ms(), "summary", "critical", critical, "warn", warn,
                     "info", info, "findings", findings);
}

void audit_show(const json_t *audit)
{
    const json_t *summary = json_object_get(audit, "summary"), *findings = json_object_get(audit, "findings");
    bool colour = text_colour(stdout);
    printf("Summary: %lld critical \xc2\xb7 %lld warn \xc2\xb7 %lld info\n", (long long)json_int(summary, "critical", 0),
           (long long)json_int(summary, "warn", 0), (long long)json_int(summary, "info", 0));
    for (size_t i = 0; i < json_array_size(findings); i++) {
        const json_t *f = json_array_get(findings, i);
        struct str severity = json_str(f, "severity");
        bool critical = str_is(severity, "critical"), warn = str_is(severity, "warn");
        struct buf word = { 0 };
        text_style(&word, colour,
                   critical ? STYLE_RED
                   : warn   ? STYLE_YELLOW
                            : STYLE_DIM,
                   critical ? STR("CRITICAL")
                   : warn   ? STR("WARN")
                            : STR("INFO"));
        printf("  %s ", buf_cstr(&word));
        text_say(stdout, "%.*s", STR_ARG(json_str(f, "title")));
        text_say(stdout, "    %.*s", STR_ARG(json_str(f, "detail")));
        buf_free(&word);
    }
}
