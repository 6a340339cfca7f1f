/* cli/cmd_dashboard.c -- `openclaw dashboard`: the Control UI's address, with the secret that it asks for. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/configuration.h"

#define DOCS "https://docs.openclaw.ai/"

static void percent_encoded(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("-_.~", c));
        if (plain)
            buf_char(out, (char)c);
        else
            buf_printf(out, "%%%02X", c);
    }
}

/* Everything behind the host: port, path, and the token in the fragment, which a browser sends to nobody. */
static void add_rest(struct buf *out, const struct config_gateway *g, bool with_token)
{
    buf_printf(out, ":%d%.*s/", g->port, STR_ARG(g->control_ui_base));
    if (!with_token || g->auth != CONFIG_AUTH_TOKEN || !g->token.n) return;
    buf_text(out, "#token=");
    percent_encoded(out, g->token);
}

/* @return whether a browser was started */
static bool open_browser(const struct env *env, const char *url)
{
    int status = 0;
    if (!env_get(env, "DISPLAY").n && !env_get(env, "WAYLAND_DISPLAY").n) return false;
    pid_t child = fork();
    if (child == 0) {
        if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr)) _exit(127);
        execlp("xdg-open", "xdg-open", url, (char *)NULL);
        _exit(127);
    }
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void show_tunnel(const struct config_gateway *g, const char *scheme)
{
    struct buf plain = { 0 }, full = { 0 };
    add_rest(&plain, g, false);
    add_rest(&full, g, true);
    printf("No GUI detected. Open from your computer:\nssh -N -L %d:127.0.0.1:%d user@<host>\nThen open:\n%s://localhost%s\n", g->port,
           g->port, scheme, buf_cstr(&plain));
    if (full.n != plain.n) printf("%s://localhost%s\n", scheme, buf_cstr(&full));
    printf("Docs:\n" DOCS "gateway/remote\n" DOCS "web/control-ui\n");
    buf_free(&plain);
    buf_free(&full);
}

static void show(const struct configuration *c, bool no_open, bool as_json)
{
    const struct config_gateway *g = config_gateway(c->config);
    const char *scheme = g->tls ? "https" : "http";
    struct buf url = { 0 }, text = { 0 };
    buf_printf(&url, "%s://127.0.0.1", scheme);
    add_rest(&url, g, true);
    if (as_json) {
        buf_char(&text, '{');
        buf_json_pair_str(&text, "url", buf_str(&url));
        printf("%s}\n", buf_cstr(&text));
    } else {
        printf("Dashboard URL: %s\nCopy to clipboard unavailable.\n", buf_cstr(&url));
        if (!no_open && open_browser(&c->env, buf_cstr(&url)))
            printf("Opened in your browser. Keep that tab to control OpenClaw.\n");
        else
            show_tunnel(g, scheme);
    }
    buf_free(&url);
    buf_free(&text);
}

int cmd_dashboard(int argc, char **argv)
{
    struct configuration c;
    bool no_open = false, as_json = false;
    const struct cli_option options[] = { { "--no-open", NULL, "start no browser", NULL, &no_open },
                                          { "--json", NULL, "print the address as JSON", NULL, &as_json },
                                          { 0 } };
    const struct cli_usage usage = { "openclaw dashboard [options]", "Prints the Control UI's address, with its token, and opens it.",
                                     options };
    int rc = cli_begin(&usage, &argc, argv, 0);
    if (rc >= 0) return rc;
    rc = configuration_load(&c, true);
    if (rc == CLI_OK) show(&c, no_open, as_json);
    configuration_free(&c);
    return rc;
}
