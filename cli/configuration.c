#include "cli/configuration.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/config_good.h"
#include "base/config_schema.h"
#include "base/err.h"
#include "base/log.h"
#include "cli/cli.h"

void configuration_tell(const struct config_problems *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        const struct config_problem *p = &problems->items[i];
        fprintf(stderr, "%s%.*s%s%.*s", p->severity == CONFIG_WARNING ? "warning: " : "", STR_ARG(p->path), p->path.n ? ": " : "",
                STR_ARG(p->message));
        if (p->file.n && p->line)
            fprintf(stderr, " (%.*s:%u)", STR_ARG(p->file), (unsigned)p->line);
        else if (p->file.n)
            fprintf(stderr, " (%.*s)", STR_ARG(p->file));
        fputc('\n', stderr);
    }
    size_t left = problems->errors + problems->warnings - problems->count;
    if (left) fprintf(stderr, "... and %zu more problems\n", left);
}

static int load_last_good(struct configuration *c)
{
    char path[CONFIG_GOOD_PATH_MAX];
    struct config_problems problems = { 0 };
    int rc = config_good_load(c->path, c->state, &c->env, &c->config, &problems);
    if (rc == 0 && config_good_path(c->state, path) == 0) {
        fprintf(stderr, "THE CONFIGURATION HAS ERRORS (above). Starting on the last good one: %s\n", path);
        buf_printf(&c->note, "the configuration %s has errors; the last good one is in use", c->path);
    }
    config_problems_free(&problems);
    return rc;
}

static int explain(const struct configuration *c, int rc, const struct config_problems *problems)
{
    if (problems->errors == 0) fprintf(stderr, "%s: %s\n", c->path, err_text(rc));
    return rc == GW_ENOMEM ? CLI_FAILED : CLI_CONFIG;
}

int configuration_load(struct configuration *c, bool last_good)
{
    struct config_problems problems = { 0 };
    *c = (struct configuration){ .env = env_process() };
    int rc = config_state_dir(&c->env, c->state, sizeof c->state);
    if (rc == 0) rc = config_path(&c->env, c->path, sizeof c->path);
    if (rc) {
        fprintf(stderr, "OPENCLAW_STATE_DIR or OPENCLAW_CONFIG_PATH is longer than %d bytes\n", CONFIGURATION_PATH_MAX);
        return CLI_CONFIG;
    }
    rc = config_load(c->path, &c->env, &c->config, &problems);
    c->file_found = rc != GW_ENOENT;
    if (rc == GW_ENOENT) { /* not a problem here: the defaults serve, where the command allows it */
        config_problems_free(&problems);
        problems = (struct config_problems){ 0 };
        rc = config_default(&c->env, &c->config, &problems);
    }
    configuration_tell(&problems);
    if (rc == GW_ECONFIG && last_good && load_last_good(c) == 0) rc = 0;
    rc = rc ? explain(c, rc, &problems) : CLI_OK;
    config_problems_free(&problems);
    return rc;
}

void configuration_free(struct configuration *c)
{
    config_unref(&c->config);
    buf_free(&c->note);
}

void configuration_keep(const struct configuration *c)
{
    if (c->file_found && !c->note.n) config_good_keep(c->path, c->state);
}

void configuration_log(const struct configuration *c, bool verbose)
{
    config_good_log(c->config, &c->env, verbose);
}

void configuration_log_file(const struct configuration *c)
{
    struct log_place place;
    enum log_level level = LOG_INFO;
    struct str wanted = env_get(&c->env, "OPENCLAW_LOG_LEVEL"), size = config_str(c->config, "logging.maxFileBytes");
    struct str home = env_get(&c->env, "HOME");
    int64_t max = config_int(c->config, "logging.maxFileBytes");
    if (size.n) config_size_parse(size, &max);
    log_level_parse(config_str(c->config, "logging.level"), &level);
    log_level_parse(wanted, &level);
    mkdir(c->state, 0700);
    int rc = log_place_find(config_str(c->config, "logging.file"), str_of(c->state), home.n ? home.p : NULL, &place);
    if (rc == 0) rc = log_open_file(&place, level, max);
    if (rc) log_event(LOG_WARN, "log_file_not_opened", LOG_T("place", place.path), LOG_T("code", err_name(rc)));
}

/* This host's address in a tailnet (100.64.0.0/10, RFC 6598); loopback when it has none. */
static void find_tailnet(char out[64])
{
    struct ifaddrs *all = NULL;
    str_copy(out, 64, STR("127.0.0.1"));
    if (getifaddrs(&all) != 0) return;
    for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
        if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET) continue;
        const struct sockaddr_in *a = (const struct sockaddr_in *)(const void *)i->ifa_addr;
        if ((ntohl(a->sin_addr.s_addr) & 0xffc00000u) == 0x64400000u) inet_ntop(AF_INET, &a->sin_addr, out, 64);
    }
    freeifaddrs(all);
}

static int copy_address(struct str host, char out[64])
{
    unsigned char bytes[16];
    if (str_copy(out, 64, host) != 0) return GW_EINVAL;
    return inet_pton(AF_INET, out, bytes) == 1 || inet_pton(AF_INET6, out, bytes) == 1 ? 0 : GW_EINVAL;
}

int configuration_bind(const config_t *cfg, const char *flag, char out[64])
{
    const struct config_gateway *g = config_gateway(cfg);
    enum config_bind bind = g->bind;
    if (flag && config_bind_parse(str_of(flag), &bind) != 0) return copy_address(str_of(flag), out);
    switch (bind) {
    case CONFIG_BIND_LAN: return str_copy(out, 64, STR("0.0.0.0"));
    case CONFIG_BIND_TAILNET: find_tailnet(out); return 0;
    case CONFIG_BIND_CUSTOM: return copy_address(g->bind_host, out);
    case CONFIG_BIND_LOOPBACK:
    case CONFIG_BIND_AUTO: break;
    }
    return str_copy(out, 64, STR("127.0.0.1"));
}
