/* cli/cmd_channels.c -- `openclaw channels`: what is configured, and what the gateway says about it. */
#include <stdio.h>

#include "cli/remote.h"
#include "cli/report.h"

#define DOCS "https://docs.openclaw.ai/"

/* --- from the configuration alone -------------------------------------------------------------------------------- */

static bool is_channel(const struct json5_node *n)
{
    return n->kind == JSON5_OBJECT && !str_is(n->key, "defaults") && !str_is(n->key, "modelByChannel");
}

/* Where its token comes from: "config", "env", or "" for none that is known. */
static const char *token_source(const struct configuration *c, const struct json5_node *account)
{
    static const char *const keys[] = { "token", "botToken", "accessToken" };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const struct json5_node *token = json5_member(account, str_of(keys[i]));
        if (token && token->kind == JSON5_STRING && token->string.n) return token->from_env ? "env" : "config";
    }
    if (str_is(account->key, "discord") && env_get(&c->env, "DISCORD_BOT_TOKEN").n) return "env";
    if (str_is(account->key, "telegram") && env_get(&c->env, "TELEGRAM_BOT_TOKEN").n) return "env";
    return "";
}

static bool enabled(const struct json5_node *account)
{
    const struct json5_node *flag = json5_member(account, STR("enabled"));
    return !flag || flag->kind != JSON5_BOOL || flag->boolean;
}

/* `status`: in the words of `channels status`, else in those of `channels list`. */
static void show_account(const struct configuration *c, struct str channel, struct str name, const struct json5_node *account, bool status)
{
    const char *source = token_source(c, account), *on = enabled(account) ? "enabled" : "disabled";
    const char *configured = source[0] ? "configured" : "not configured", *separator = status ? "token:" : "token=";
    struct buf label = { 0 }, token = { 0 };
    report_channel_label(&label, channel);
    if (source[0]) buf_printf(&token, ", %s%s", separator, source);
    if (status)
        text_say(stdout, "- %.*s %.*s: %s, %s%.*s", STR_ARG(buf_str(&label)), STR_ARG(name), on, configured, STR_ARG(buf_str(&token)));
    else
        text_say(stdout, "- %.*s %.*s: %s%.*s, %s", STR_ARG(buf_str(&label)), STR_ARG(name), configured, STR_ARG(buf_str(&token)), on);
    buf_free(&label);
    buf_free(&token);
}

static size_t show_configured(const struct configuration *c, bool status)
{
    const struct json5_node *channels = config_get(c->config, STR("channels"));
    size_t shown = 0;
    for (const struct json5_node *n = channels ? channels->first : NULL; n; n = n->next) {
        if (!is_channel(n)) continue;
        const struct json5_node *accounts = json5_member(n, STR("accounts"));
        bool several = accounts && accounts->kind == JSON5_OBJECT && accounts->first;
        if (!several) show_account(c, n->key, STR("default"), n, status);
        for (const struct json5_node *a = several ? accounts->first : NULL; a; a = a->next) show_account(c, n->key, a->key, a, status);
        shown++;
    }
    return shown;
}

int cmd_channels_list(int argc, char **argv)
{
    struct configuration c;
    const struct cli_option options[] = { { 0 } };
    const struct cli_usage usage = { "openclaw channels list", "The configured channels. `channels status` asks the gateway about them.",
                                     options };
    int rc = cli_begin(&usage, &argc, argv, 0);
    if (rc >= 0) return rc;
    rc = configuration_load(&c, true);
    if (rc == CLI_OK) {
        printf("Chat channels:\n");
        if (show_configured(&c, false) == 0) printf("- none\n");
        printf("\nDocs: " DOCS "gateway/configuration\n");
    }
    configuration_free(&c);
    return rc;
}

/* --- from the gateway --------------------------------------------------------------------------------------------- */

static void show_unreachable(const struct remote *r)
{
    remote_tell(r);
    printf("Gateway not reachable; showing config-only status.\n");
    text_say(stdout, "Config: %s", r->configuration.path);
    text_say(stdout, "Mode: %.*s", STR_ARG(config_str(r->configuration.config, "gateway.mode")));
    printf("\n");
    if (show_configured(&r->configuration, true) == 0) printf("- no channel is configured\n");
}

static void show(const json_t *payload)
{
    printf("Gateway reachable.\n");
    if (json_array_size(json_object_get(payload, "channelOrder")) == 0) printf("- no channel is configured\n");
    report_channel_accounts(payload);
    printf("\nTip: " DOCS "cli#status adds gateway health probes to status output (requires a reachable gateway).\n");
}

static json_t *ask(struct remote *r, bool probe)
{
    json_t *params = json_pack("{s:b, s:i}", "probe", probe, "timeoutMs", r->timeout_ms);
    if (remote_connect(r, "cli") == 0) return remote_try(r, "channels.status", params);
    json_decref(params);
    return NULL;
}

int cmd_channels_status(int argc, char **argv)
{
    struct remote_flags flags = { 0 };
    bool probe = false;
    const struct cli_option options[] = { { "--probe", NULL, "ask the channels' own servers", NULL, &probe },
                                          REMOTE_OPTIONS(flags),
                                          { 0 } };
    const struct cli_usage usage = { "openclaw channels status [options]", "Which channels are configured, running and connected.",
                                     options };
    struct remote r;
    int rc = cli_begin(&usage, &argc, argv, 0);
    if (rc >= 0) return rc;
    rc = remote_prepare(&r, &flags);
    if (rc == CLI_OK) {
        if (!flags.json) printf("Checking channel status%s\xe2\x80\xa6\n", probe ? " (probe)" : "");
        json_t *payload = ask(&r, probe);
        if (!payload && flags.json) {
            rc = remote_tell(&r);
        } else if (!payload) {
            show_unreachable(&r);
        } else if (flags.json) {
            json_show(payload);
        } else {
            show(payload);
        }
        json_decref(payload);
    }
    remote_close(&r);
    return rc;
}
