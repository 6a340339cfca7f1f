#include "cli/report.h"

#include <ctype.h>
#include <stdio.h>

void report_channel_label(struct buf *out, struct str id)
{
    if (id.n == 0) return;
    buf_char(out, (char)toupper((unsigned char)id.p[0]));
    buf_add(out, (struct str){ id.p + 1, id.n - 1 });
}

static void label(struct buf *out, const json_t *payload, struct str id)
{
    char name[64];
    struct str known = str_copy(name, sizeof name, id) == 0 ? json_str(json_object_get(payload, "channelLabels"), name) : (struct str){ 0 };
    if (known.n)
        buf_add(out, known);
    else
        report_channel_label(out, id);
}

/* --- health ------------------------------------------------------------------------------------------------------ */

static void health_state(struct buf *out, const json_t *channel)
{
    const json_t *probe = json_object_get(channel, "probe");
    if (!json_flag(channel, "configured")) {
        buf_text(out, "not configured");
    } else if (json_is_object(probe) && json_flag(probe, "ok")) {
        struct str bot = json_str(json_object_get(probe, "bot"), "username");
        buf_printf(out, "ok%s%.*s%s (%lldms)", bot.n ? " (@" : "", STR_ARG(bot), bot.n ? ")" : "",
                   (long long)json_int(probe, "elapsedMs", 0));
    } else if (json_is_object(probe)) {
        int64_t status = json_int(probe, "status", 0);
        struct str error = json_str(probe, "error");
        buf_text(out, "failed (");
        if (status)
            buf_int(out, status);
        else
            buf_text(out, "unknown");
        buf_printf(out, ")%s%.*s", error.n ? " - " : "", STR_ARG(error));
    } else {
        buf_text(out, "configured");
    }
}

void report_health_channels(const json_t *health)
{
    const json_t *order = json_object_get(health, "channelOrder"), *channels = json_object_get(health, "channels");
    for (size_t i = 0; i < json_array_size(order); i++) {
        const char *id = json_string_value(json_array_get(order, i));
        const json_t *channel = id ? json_object_get(channels, id) : NULL;
        struct buf line = { 0 };
        if (!channel) continue;
        label(&line, health, str_of(id));
        buf_text(&line, ": ");
        health_state(&line, channel);
        text_say(stdout, "%.*s", STR_ARG(buf_str(&line)));
        buf_free(&line);
    }
}

/* --- channels.status --------------------------------------------------------------------------------------------- */

static void word(struct buf *out, const char *text)
{
    buf_text(out, out->n && out->p[out->n - 1] == ' ' ? "" : ", ");
    buf_text(out, text);
}

static void account_state(struct buf *out, const json_t *a)
{
    const json_t *probe = json_object_get(a, "probe"), *audit = json_object_get(a, "audit");
    struct str source = json_str(a, "tokenSource"), error = json_str(a, "lastError");
    word(out, json_is_false(json_object_get(a, "enabled")) ? "disabled" : "enabled");
    word(out, json_flag(a, "configured") ? "configured" : "not configured");
    if (json_is_boolean(json_object_get(a, "running"))) word(out, json_flag(a, "running") ? "running" : "stopped");
    if (json_is_boolean(json_object_get(a, "connected"))) word(out, json_flag(a, "connected") ? "connected" : "disconnected");
    struct str bot = json_str(json_object_get(probe, "bot"), "username");
    if (bot.n) buf_printf(out, ", bot:@%.*s", STR_ARG(bot));
    if (source.n && !str_is(source, "none")) buf_printf(out, ", token:%.*s", STR_ARG(source));
    if (json_is_object(probe)) word(out, json_flag(probe, "ok") ? "works" : "probe failed");
    if (json_is_object(audit)) word(out, json_flag(audit, "ok") ? "audit ok" : "audit failed");
    if (error.n) buf_printf(out, ", error:%.*s", STR_ARG(error));
}

static void warn_of(const char *id, const json_t *account, bool *any)
{
    const json_t *channels = json_at(account, "audit", "channels");
    for (size_t i = 0; i < json_array_size(channels); i++) {
        const json_t *c = json_array_get(channels, i);
        if (json_flag(c, "ok")) continue;
        if (!*any) printf("\nWarnings:\n");
        *any = true;
        text_say(stdout,
                 "- %s %.*s: Channel %.*s permission check failed.: %.*s (matchKey=%.*s matchSource=%.*s) (Ensure the bot role can view + "
                 "send in "
                 "this channel (and that channel overrides don't deny it).)",
                 id, STR_ARG(json_str(account, "accountId")), STR_ARG(json_str(c, "channelId")), STR_ARG(json_str(c, "error")),
                 STR_ARG(json_str(c, "matchKey")), STR_ARG(json_str(c, "matchSource")));
    }
}

void report_channel_accounts(const json_t *status)
{
    const json_t *order = json_object_get(status, "channelOrder"), *accounts = json_object_get(status, "channelAccounts");
    bool warned = false;
    for (size_t i = 0; i < json_array_size(order); i++) {
        const char *id = json_string_value(json_array_get(order, i));
        const json_t *list = id ? json_object_get(accounts, id) : NULL;
        for (size_t k = 0; k < json_array_size(list); k++) {
            const json_t *a = json_array_get(list, k);
            struct buf line = { 0 };
            label(&line, status, str_of(id));
            buf_printf(&line, " %.*s: ", STR_ARG(json_str(a, "accountId")));
            account_state(&line, a);
            text_say(stdout, "- %.*s", STR_ARG(buf_str(&line)));
            buf_free(&line);
        }
    }
    for (size_t i = 0; i < json_array_size(order); i++) {
        const char *id = json_string_value(json_array_get(order, i));
        const json_t *list = id ? json_object_get(accounts, id) : NULL;
        for (size_t k = 0; k < json_array_size(list); k++) warn_of(id, json_array_get(list, k), &warned);
    }
    if (warned) printf("- Run: openclaw doctor\n");
}

/* --- sessions ---------------------------------------------------------------------------------------------------- */

void report_age(struct buf *out, int64_t then_ms, int64_t now_ms)
{
    if (then_ms > 0)
        text_ago(out, now_ms - then_ms);
    else
        buf_char(out, '-');
}

void report_tokens(struct buf *out, int64_t tokens)
{
    double thousands = (double)tokens / 1000;
    if (thousands >= 10)
        buf_printf(out, "%.0fk", thousands);
    else
        buf_printf(out, "%.1fk", thousands);
}

void report_session_tokens(struct buf *out, const json_t *session)
{
    int64_t used = json_int(session, "totalTokens", -1), room = json_int(session, "contextTokens", 0);
    if (used < 0)
        buf_text(out, "unknown");
    else
        report_tokens(out, used);
    if (room <= 0) return;
    buf_char(out, '/');
    buf_printf(out, "%lldk", (long long)((room + 500) / 1000));
    if (used >= 0)
        buf_printf(out, " (%lld%%)", (long long)(used * 100 / room));
    else
        buf_text(out, " (?%)");
}

void report_session_flags(struct buf *out, const json_t *session)
{
    static const struct {
        const char *key, *name;
    } levels[] = { { "thinkingLevel", "think" },
                   { "verboseLevel", "verbose" },
                   { "reasoningLevel", "reasoning" },
                   { "elevatedLevel", "elevated" },
                   { "groupActivation", "activation" } };
    size_t start = out->n;
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        struct str value = json_str(session, levels[i].key);
        if (value.n) buf_printf(out, "%s%s:%.*s", out->n > start ? " " : "", levels[i].name, STR_ARG(value));
    }
    if (json_flag(session, "systemSent")) buf_printf(out, "%ssystem", out->n > start ? " " : "");
    if (json_flag(session, "abortedLastRun")) buf_printf(out, "%saborted", out->n > start ? " " : "");
    struct str id = json_str(session, "sessionId");
    if (id.n) buf_printf(out, "%sid:%.*s", out->n > start ? " " : "", STR_ARG(id));
}

void report_list(const char *heading, const json_t *strings)
{
    if (!json_array_size(strings)) return;
    printf("%s\n", heading);
    for (size_t i = 0; i < json_array_size(strings); i++) {
        const char *text = json_string_value(json_array_get(strings, i));
        if (text) text_say(stdout, "- %s", text);
    }
}
