/* cli/cmd_status.c -- `openclaw status`: an overview, also of a gateway that does not run. */
#include <stdio.h>
#include <sys/utsname.h>

#include "base/clock.h"
#include "cli/audit.h"
#include "cli/remote.h"
#include "cli/report.h"
#include "cli/table.h"

#define DOT " \xc2\xb7 "

struct overview {
    struct remote *r;
    bool deep, all, reachable;
    int connect_ms;
    json_t *status, *presence, *channels, *health, *heartbeat, *audit; /* NULL: not asked, or no answer */
    struct utsname os;
};

static void ask(struct overview *o)
{
    struct remote *r = o->r;
    uname(&o->os);
    o->audit = audit_run(&r->configuration);
    o->reachable = remote_connect(r, "probe") == 0;
    if (!o->reachable) return;
    o->connect_ms = rpc_client_connect_ms(r->client);
    o->status = remote_try(r, "status", NULL);
    o->presence = remote_try(r, "system-presence", NULL);
    o->channels = remote_try(r, "channels.status", json_pack("{s:b, s:i}", "probe", 0, "timeoutMs", r->timeout_ms));
    if (!o->deep) return;
    o->health = remote_try(r, "health", json_pack("{s:b}", "probe", 1));
    o->heartbeat = remote_try(r, "last-heartbeat", NULL);
}

static void forget(struct overview *o)
{
    json_decref(o->status);
    json_decref(o->presence);
    json_decref(o->channels);
    json_decref(o->health);
    json_decref(o->heartbeat);
    json_decref(o->audit);
}

static const json_t *self(const struct overview *o)
{
    for (size_t i = 0; i < json_array_size(o->presence); i++)
        if (str_is(json_str(json_array_get(o->presence, i), "reason"), "self")) return json_array_get(o->presence, i);
    return NULL;
}

static const char *architecture(const struct overview *o)
{
    struct str machine = str_of(o->os.machine);
    if (str_is(machine, "x86_64")) return "x64";
    return str_is(machine, "aarch64") ? "arm64" : o->os.machine;
}

/* The error in one line; empty when there is none. */
static void add_error(struct buf *out, const struct remote *r)
{
    struct buf why = { 0 };
    rpc_client_error_describe(&r->error, &r->target, &why);
    struct str rest = buf_str(&why);
    buf_add(out, str_split(&rest, '\n'));
    buf_free(&why);
}

/* --- JSON --------------------------------------------------------------------------------------------------------- */

static json_t *list_agents(const config_t *cfg)
{
    json_t *list = json_array();
    for (size_t i = 0; i < config_agent_count(cfg); i++) {
        const struct config_agent *a = config_agent_at(cfg, i);
        json_array_append_new(list, json_pack("{s:s%, s:s%, s:s%}", "id", a->id.p, a->id.n, "name", a->name.p, a->name.n, "workspaceDir",
                                              a->workspace.p, a->workspace.n));
    }
    return json_pack("{s:s%, s:o}", "defaultId", config_agent_default(cfg)->id.p, config_agent_default(cfg)->id.n, "agents", list);
}

static void copy(json_t *out, const char *key, const json_t *from, json_t *otherwise)
{
    json_t *value = json_object_get(from, key);
    if (value) json_object_set(out, key, value);
    if (!value) json_object_set(out, key, otherwise);
    json_decref(otherwise);
}

static json_t *gateway_part(const struct overview *o)
{
    const struct remote *r = o->r;
    const json_t *me = self(o);
    struct buf why = { 0 };
    if (!o->reachable) add_error(&why, r);
    json_t *out = json_pack("{s:s, s:s, s:s, s:b, s:b, s:o, s:O?, s:o}", "mode", r->target.bind ? "local" : "remote", "url", r->target.text,
                            "urlSource", r->target.source, "misconfigured", 0, "reachable", o->reachable, "connectLatencyMs",
                            o->reachable ? json_integer(o->connect_ms) : json_null(), "self", me, "error",
                            why.n ? json_stringn(why.p, why.n) : json_null());
    buf_free(&why);
    return out;
}

static void show_json(const struct overview *o)
{
    json_t *out = json_object();
    char label[256];
    snprintf(label, sizeof label, "linux %s (%s)", o->os.release, architecture(o));
    copy(out, "heartbeat", o->status, json_null());
    copy(out, "channelSummary", o->status, json_array());
    copy(out, "queuedSystemEvents", o->status, json_array());
    copy(out, "sessions", o->status, json_null());
    json_object_set_new(
        out, "os",
        json_pack("{s:s, s:s, s:s, s:s}", "platform", "linux", "arch", architecture(o), "release", o->os.release, "label", label));
    json_object_set_new(out, "update", json_null());
    json_object_set_new(out, "updateChannel", json_string("stable"));
    json_object_set_new(out, "memory", json_null());
    json_object_set_new(out, "memoryPlugin", json_pack("{s:b}", "enabled", 0));
    json_object_set_new(out, "gateway", gateway_part(o));
    json_object_set_new(out, "gatewayService", json_null());
    json_object_set_new(out, "nodeService", json_null());
    json_object_set_new(out, "agents", list_agents(o->r->configuration.config));
    json_object_set(out, "securityAudit", o->audit);
    if (o->deep) {
        json_object_set_new(out, "health", o->health ? json_incref(o->health) : json_null());
        json_object_set_new(out, "lastHeartbeat", o->heartbeat ? json_incref(o->heartbeat) : json_null());
    }
    json_show(out);
    json_decref(out);
}

/* --- the overview ------------------------------------------------------------------------------------------------- */

static void field(table_t *t, const char *name, struct buf *value)
{
    table_add(t, STYLE_CYAN, str_of(name));
    table_add(t, STYLE_PLAIN, buf_str(value));
    buf_clear(value);
}

static void add_gateway(const struct overview *o, struct buf *out)
{
    const struct gateway_target *t = &o->r->target;
    const json_t *me = self(o);
    struct str ip = json_str(me, "ip");
    buf_printf(out, "%s" DOT "%s (%s)" DOT, t->bind ? "local" : "remote", t->text, t->source);
    if (o->reachable) {
        buf_printf(out, "reachable %dms" DOT "auth %s", o->connect_ms, t->token.n ? "token" : t->password.n ? "password" : "none");
        if (me && !o->all)
            buf_printf(out, DOT "%.*s%s%.*s%s app %.*s %.*s", STR_ARG(json_str(me, "host")), ip.n ? " (" : "", STR_ARG(ip), ip.n ? ")" : "",
                       STR_ARG(json_str(me, "version")), STR_ARG(json_str(me, "platform")));
    } else {
        buf_text(out, "unreachable (");
        add_error(out, o->r);
        buf_char(out, ')');
    }
}

static void add_heartbeats(const json_t *status, struct buf *out)
{
    const json_t *agents = json_at(status, "heartbeat", "agents");
    for (size_t i = 0; i < json_array_size(agents); i++)
        buf_printf(out, "%s%.*s (%.*s)", i ? ", " : "", STR_ARG(json_str(json_array_get(agents, i), "every")),
                   STR_ARG(json_str(json_array_get(agents, i), "agentId")));
    if (!out->n) buf_text(out, "unknown");
}

static void add_sessions(const json_t *status, struct buf *out)
{
    const json_t *sessions = json_object_get(status, "sessions"), *defaults = json_object_get(sessions, "defaults");
    size_t stores = json_array_size(json_object_get(sessions, "paths"));
    if (!sessions) {
        buf_text(out, "unknown");
        return;
    }
    buf_printf(out, "%lld active" DOT "default %.*s (%lldk ctx)" DOT "%zu store%s", (long long)json_int(sessions, "count", 0),
               STR_ARG(json_str(defaults, "model")), (long long)((json_int(defaults, "contextTokens", 0) + 500) / 1000), stores,
               stores == 1 ? "" : "s");
}

static void add_agents(const struct overview *o, struct buf *out)
{
    const config_t *cfg = o->r->configuration.config;
    const json_t *sessions = json_object_get(o->status, "sessions"), *recent = json_array_get(json_object_get(sessions, "recent"), 0);
    buf_printf(out, "%zu", config_agent_count(cfg));
    if (sessions) buf_printf(out, DOT "sessions %lld", (long long)json_int(sessions, "count", 0));
    buf_printf(out, DOT "default %.*s", STR_ARG(config_agent_default(cfg)->id));
    if (!recent) return;
    buf_text(out, " active ");
    report_age(out, json_int(recent, "updatedAt", 0), clock_wall_ms());
}

static void add_last_heartbeat(const json_t *heartbeat, struct buf *out)
{
    if (!json_is_object(heartbeat)) {
        buf_text(out, "none");
        return;
    }
    buf_printf(out, "%.*s" DOT, STR_ARG(json_str(heartbeat, "status")));
    report_age(out, json_int(heartbeat, "ts", 0), clock_wall_ms());
}

static void show_overview(const struct overview *o)
{
    static const struct table_column columns[] = { { "Item", 17, false }, { "Value", 40, true } };
    const struct remote *r = o->r;
    const struct config_gateway *g = config_gateway(r->configuration.config);
    struct buf v = { 0 };
    table_t *t;
    if (table_create(columns, 2, &t) != 0) return;
    if (o->all) {
        buf_text(&v, CLI_COMPATIBLE " (" GW_VERSION ")");
        field(t, "Version", &v);
        buf_text(&v, r->configuration.path);
        field(t, "Config", &v);
    }
    buf_printf(&v, "%s://127.0.0.1:%d%.*s/", g->tls ? "https" : "http", g->port, STR_ARG(g->control_ui_base));
    field(t, "Dashboard", &v);
    buf_printf(&v, "linux %s (%s)", o->os.release, architecture(o));
    field(t, "OS", &v);
    add_gateway(o, &v);
    field(t, "Gateway", &v);
    add_agents(o, &v);
    field(t, "Agents", &v);
    buf_text(&v, o->deep ? "enabled" : "skipped (use --deep)");
    field(t, "Probes", &v);
    size_t events = json_array_size(json_object_get(o->status, "queuedSystemEvents"));
    if (events)
        buf_printf(&v, "%zu queued", events);
    else
        buf_text(&v, "none");
    field(t, "Events", &v);
    add_heartbeats(o->status, &v);
    field(t, "Heartbeat", &v);
    if (o->deep) {
        add_last_heartbeat(o->heartbeat, &v);
        field(t, "Last heartbeat", &v);
    }
    add_sessions(o->status, &v);
    field(t, "Sessions", &v);
    table_show(t, "Overview");
    table_destroy(&t);
    buf_free(&v);
}

/* --- channels and sessions ---------------------------------------------------------------------------------------- */

static void show_channels(const json_t *channels)
{
    static const struct table_column columns[] = {
        { "Channel", 10, false }, { "Enabled", 9, false }, { "State", 8, false }, { "Detail", 24, true }
    };
    const json_t *order = json_object_get(channels, "channelOrder");
    table_t *t;
    if (table_create(columns, 4, &t) != 0) return;
    for (size_t i = 0; i < json_array_size(order); i++) {
        const char *id = json_string_value(json_array_get(order, i));
        const json_t *account = id ? json_array_get(json_object_get(json_object_get(channels, "channelAccounts"), id), 0) : NULL;
        struct str label = json_str(json_object_get(channels, "channelLabels"), id ? id : ""), error = json_str(account, "lastError");
        bool on = !json_is_false(json_object_get(account, "enabled")), configured = json_flag(account, "configured");
        table_add(t, STYLE_PLAIN, label.n ? label : str_of(id));
        table_add(t, on ? STYLE_GREEN : STYLE_DIM, on ? STR("ON") : STR("OFF"));
        table_add(t, error.n ? STYLE_YELLOW : STYLE_PLAIN,
                  !on           ? STR("OFF")
                  : !configured ? STR("SETUP")
                  : error.n     ? STR("WARN")
                                : STR("OK"));
        table_addf(t, STYLE_PLAIN, "token %.*s" DOT "%s%s%.*s", STR_ARG(json_str(account, "tokenSource")),
                   json_flag(account, "running") ? "running" : "stopped", error.n ? DOT : "", STR_ARG(error));
    }
    printf("\n");
    if (table_rows(t))
        table_show(t, "Channels");
    else
        printf("Channels\nNo channel is configured.\n");
    table_destroy(&t);
}

static void show_sessions(const json_t *status)
{
    static const struct table_column columns[] = {
        { "Key", 20, true }, { "Kind", 8, false }, { "Age", 10, false }, { "Model", 14, true }, { "Tokens", 16, false }
    };
    const json_t *recent = json_at(status, "sessions", "recent");
    struct buf v = { 0 };
    table_t *t;
    if (!json_array_size(recent) || table_create(columns, 5, &t) != 0) return;
    for (size_t i = 0; i < json_array_size(recent); i++) {
        const json_t *s = json_array_get(recent, i);
        table_add(t, STYLE_PLAIN, json_str(s, "key"));
        table_add(t, STYLE_PLAIN, json_str(s, "kind"));
        report_age(&v, json_int(s, "updatedAt", 0), clock_wall_ms());
        table_add(t, STYLE_PLAIN, buf_str(&v));
        buf_clear(&v);
        table_add(t, STYLE_PLAIN, json_str(s, "model"));
        report_session_tokens(&v, s);
        table_add(t, STYLE_PLAIN, buf_str(&v));
        buf_clear(&v);
    }
    printf("\n");
    table_show(t, "Sessions");
    table_destroy(&t);
    buf_free(&v);
}

static void show(const struct overview *o)
{
    printf("OpenClaw status%s\n\n", o->all ? " --all" : "");
    show_overview(o);
    printf("\nSecurity audit\n");
    audit_show(o->audit);
    if (o->channels) show_channels(o->channels);
    if (json_array_size(json_object_get(o->health, "channelOrder"))) {
        printf("\nHealth\n");
        report_health_channels(o->health);
    }
    show_sessions(o->status);
    printf("\nNext steps:\n  Need to share?      openclaw status --all\n  Need to debug live? openclaw logs --follow\n");
    if (!o->reachable) printf("  Fix reachability first: openclaw gateway probe\n");
}

int cmd_status(int argc, char **argv)
{
    struct remote_flags flags = { 0 };
    struct remote r;
    struct overview o = { .r = &r };
    bool usage_flag = false;
    const struct cli_option options[] = { { "--deep", NULL, "ask the channels and for the last heartbeat, too", NULL, &o.deep },
                                          { "--all", NULL, "everything, for sharing (no secrets)", NULL, &o.all },
                                          { "--usage", NULL, "no provider tells it; for compatibility", NULL, &usage_flag },
                                          REMOTE_OPTIONS(flags),
                                          { 0 } };
    const struct cli_usage usage = { "openclaw status [options]", "An overview: gateway, agents, channels, sessions.", options };
    int rc = cli_begin(&usage, &argc, argv, 0);
    if (rc >= 0) return rc;
    rc = remote_prepare(&r, &flags);
    if (rc == CLI_OK) {
        ask(&o);
        if (flags.json)
            show_json(&o);
        else
            show(&o);
        forget(&o);
    }
    remote_close(&r);
    return rc;
}
