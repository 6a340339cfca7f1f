/* cli/cmd_gateway.c -- `openclaw gateway`: check, start, tell a newcomer how to talk to it, wait for signals. */
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "actors/system.h"
#include "base/err.h"
#include "base/log.h"
#include "base/memory.h"
#include "cli/cli.h"
#include "cli/configuration.h"

/* More would cost memory: libwebsockets keeps tables by descriptor. Mailboxes (16,384) and connections (4,096) fit. */
enum { DESCRIPTORS_MAX = 32768 };

struct start {
    const char *port_text, *bind, *token;
    bool allow_unconfigured, verbose;
    long port;
    char host[64];
};

static bool is_loopback(const char *host)
{
    return str_starts(str_of(host), STR("127.")) || strcmp(host, "::1") == 0;
}

static bool has_secret(const struct config_gateway *g, const char *token)
{
    if (token && token[0]) return true;
    return (g->auth == CONFIG_AUTH_TOKEN && g->token.n) || (g->auth == CONFIG_AUTH_PASSWORD && g->password.n);
}

static int check(const struct configuration *c, struct start *s)
{
    const struct config_gateway *g = config_gateway(c->config);
    if (!c->file_found && !s->allow_unconfigured) {
        fprintf(stderr,
                "There is no configuration at %s.\nWrite one, or start on the defaults with `openclaw gateway --allow-unconfigured`.\n",
                c->path);
        return CLI_CONFIG;
    }
    if (str_is(config_str(c->config, "gateway.mode"), "remote") && !s->allow_unconfigured) {
        fprintf(stderr,
                "gateway.mode is \"remote\": this host is meant to use another gateway.\nSet gateway.mode to \"local\" to run one here.\n");
        return CLI_CONFIG;
    }
    if (configuration_bind(c->config, s->bind, s->host) != 0) {
        fprintf(stderr, "--bind must be loopback, lan, tailnet, auto, custom (with gateway.customBindHost) or an IP address.\n");
        return CLI_USAGE;
    }
    if (!is_loopback(s->host) && !has_secret(g, s->token)) {
        fprintf(stderr,
                "Refusing to listen on %s without authentication: anybody who reaches this port could use the agents.\n"
                "Set OPENCLAW_GATEWAY_TOKEN (or gateway.auth.token, gateway.auth.password, --token), or bind to loopback.\n",
                s->host);
        return CLI_CONFIG;
    }
    s->port = g->port;
    return s->port_text ? cli_number("--port", s->port_text, 0, 65535, &s->port) : CLI_OK;
}

/* --- the banner ------------------------------------------------------------------------------------------------- */

static void print_agents(const config_t *cfg)
{
    for (size_t i = 0; i < config_agent_count(cfg); i++) {
        const struct config_agent *a = config_agent_at(cfg, i);
        printf("  %-20.*s", STR_ARG(a->id));
        for (size_t m = 0; m < a->model_count; m++) printf("%s%.*s", m ? " -> " : "", STR_ARG(a->models[m].text));
        printf("%s\n", a->is_default ? "   (default)" : "");
    }
}

/* A secret is shown only to whoever typed it on the command line. */
static void print_curl(const struct start *s, const struct config_gateway *g, const char *url)
{
    printf("Try it:\n  curl %s%s/v1/chat/completions -H 'Content-Type: application/json'", g->tls ? "-k " : "", url);
    if (s->token && s->token[0])
        printf(" -H 'Authorization: Bearer %s'", s->token);
    else if (g->auth == CONFIG_AUTH_PASSWORD && g->password.n)
        printf(" -H \"Authorization: Bearer $OPENCLAW_GATEWAY_PASSWORD\"");
    else if (has_secret(g, NULL))
        printf(" -H \"Authorization: Bearer $OPENCLAW_GATEWAY_TOKEN\"");
    printf(" -d '{\"model\":\"openclaw\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello!\"}]}'\n");
}

static void print_banner(const struct configuration *c, const struct start *s, int port)
{
    const struct config_gateway *g = config_gateway(c->config);
    const struct config_agent *agent = config_agent_default(c->config);
    bool any = strcmp(s->host, "0.0.0.0") == 0, v6 = strchr(s->host, ':') != NULL;
    char url[128];
    snprintf(url, sizeof url, "%s://%s%s%s:%d", g->tls ? "https" : "http", v6 ? "[" : "", any ? "127.0.0.1" : s->host, v6 ? "]" : "", port);
    printf("openclaw %s (for OpenClaw %s)\n", GW_VERSION, CLI_COMPATIBLE);
    if (c->note.n) printf("WARNING: %.*s\n", STR_ARG(buf_str(&c->note)));
    printf("Listening on %s%s\nAgents:\n", url, any ? " (every address of this host)" : "");
    print_agents(c->config);
    if (agent->model_count && str_is(agent->models[0].provider, "demo"))
        printf("demo provider: no key is set, so answers come from a script and not from a model.\n"
               "  Set OPENROUTER_API_KEY, ANTHROPIC_API_KEY, OPENAI_API_KEY or GEMINI_API_KEY for real ones.\n");
    print_curl(s, g, url);
    fflush(stdout);
}

/* --- running ---------------------------------------------------------------------------------------------------- */

/* Signals are read from a descriptor; every thread started later inherits the mask. @return the descriptor or -1 */
static int take_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP); /* these two: read the configuration again */
    sigaddset(&set, SIGUSR1);
    signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0) return -1;
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void prepare_process(void)
{
    struct rlimit limit;
    mallopt(M_ARENA_MAX, 2); /* one arena a thread costs memory, and gains nothing for threads that mostly wait */
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max < DESCRIPTORS_MAX ? limit.rlim_max : DESCRIPTORS_MAX;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* @return true when the process is to end at once */
static bool on_signal(system_t *system, int fd, int *stops)
{
    struct signalfd_siginfo info;
    while (read(fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGHUP || info.ssi_signo == SIGUSR1) {
            log_event(LOG_INFO, "reload_requested", LOG_I("signal", (int64_t)info.ssi_signo));
            system_reload(system);
            continue;
        }
        log_event(LOG_INFO, "signal_received", LOG_I("signal", (int64_t)info.ssi_signo), LOG_I("before", *stops));
        if (++*stops > 1 || system_drain(system, SYSTEM_DRAIN_MS) != 0) return true;
    }
    return false;
}

/* @return true when the system has ended */
static bool on_mailbox(mailbox_t *mailbox, int *exit_code)
{
    for (;;) {
        struct msg m;
        int rc = mailbox_recv(mailbox, 0, &m);
        if (rc == GW_EBADMSG) continue;
        if (rc == GW_ETIMEOUT) return false;
        if (rc) return true;
        bool failed = m.kind == MSG_system_failed, stopped = m.kind == MSG_system_stopped;
        if (failed) fprintf(stderr, "openclaw: %.*s\n", STR_ARG(m.system_failed.text));
        if (failed) *exit_code = CLI_FAILED;
        msg_clear(&m);
        if (stopped) return true;
    }
}

static int wait_for_end(system_t *system, int signals)
{
    struct pollfd fds[2] = { { .fd = signals, .events = POLLIN }, { .fd = mailbox_fd(system_mailbox(system)), .events = POLLIN } };
    struct memory_watch memory = { 0 };
    int stops = 0, exit_code = CLI_OK;
    for (bool over = on_mailbox(system_mailbox(system), &exit_code); !over;) {
        int n = poll(fds, 2, MEMORY_LOOK_MS);
        if (n < 0 && errno != EINTR) return CLI_FAILED;
        if (n == 0) memory_look(&memory);
        over = on_signal(system, signals, &stops);
        over = on_mailbox(system_mailbox(system), &exit_code) || over;
    }
    return exit_code;
}

static int run(struct configuration *c, struct start *s)
{
    struct buf why = { 0 };
    system_t *system = NULL;
    int port = 0, signals = take_signals();
    const struct system_options options = {
        .config = c->config,
        .state_dir = c->state,
        .gateway = true,
        .bind_host = s->host,
        .port = (int)s->port,
        .token = str_of(s->token),
        .config_note = buf_str(&c->note),
        .config_path = c->path,
        .env = c->env,
        .verbose = s->verbose,
    };
    prepare_process();
    if (s->token) log_secret_add(str_of(s->token));
    configuration_log_file(c);
    configuration_keep(c);
    int rc = signals < 0 ? GW_ESYS : system_start(&options, &system, &port, &why);
    if (rc) {
        fprintf(stderr, "openclaw: cannot start: %s\n", why.n ? buf_cstr(&why) : err_text(rc));
        buf_free(&why);
        return rc == GW_EBUSY ? CLI_UNAVAILABLE : CLI_FAILED;
    }
    print_banner(c, s, port);
    rc = wait_for_end(system, signals);
    system_destroy(&system);
    close(signals);
    buf_free(&why);
    return rc;
}

int cmd_gateway(int argc, char **argv)
{
    struct start s = { 0 };
    struct configuration c;
    const struct cli_option options[] = {
        { "--port", "PORT", "TCP port (default: OPENCLAW_GATEWAY_PORT, gateway.port, 18789); 0: any free one", &s.port_text, NULL },
        { "--bind", "WHERE", "loopback, lan, tailnet, auto, custom or an IP address (default: gateway.bind)", &s.bind, NULL },
        { "--token", "TOKEN", "bearer token that clients must send (default: the configuration's)", &s.token, NULL },
        { "--allow-unconfigured", NULL, "start without a configuration file, on the defaults", NULL, &s.allow_unconfigured },
        { "--verbose", NULL, "log more", NULL, &s.verbose },
        { 0 },
    };
    const struct cli_usage usage = { "openclaw gateway [run] [options]",
                                     "Runs the gateway in the foreground. SIGTERM lets running turns finish; a second one stops at once.",
                                     options };
    int rc = cli_parse(&usage, &argc, argv);
    if (rc) return rc < 0 ? CLI_OK : rc;
    if (argc > 1 || (argc == 1 && strcmp(argv[0], "run") != 0)) return cli_unexpected(&usage, argv[argc - 1]);
    if (s.token && s.token[0]) setenv("OPENCLAW_GATEWAY_TOKEN", s.token, 1); /* it is the secret that gateway.auth.mode asks for */
    rc = configuration_load(&c, true);
    if (rc == CLI_OK) configuration_log(&c, s.verbose);
    if (rc == CLI_OK) rc = check(&c, &s);
    if (rc == CLI_OK) rc = run(&c, &s);
    configuration_free(&c);
    return rc;
}
