/* chat_settings.c -- commands that show or set one thing of a session: how it thinks, what it tells, what it may. */
#include "channels/chat_commands_internal.h"

#define GEAR "⚙️ "

/* Commands with one word for one member of sessions.patch; the store says which words there are. */
static const struct level {
    enum chat_command_id id;
    const char *member;
} levels[] = {
    { CHAT_COMMAND_think, "thinkingLevel" }, { CHAT_COMMAND_verbose, "verboseLevel" },       { CHAT_COMMAND_reasoning, "reasoningLevel" },
    { CHAT_COMMAND_usage, "responseUsage" }, { CHAT_COMMAND_activation, "groupActivation" }, { CHAT_COMMAND_queue, "queueMode" },
};

static bool is_group(const struct chat_facts *facts)
{
    return str_find(facts->session_key, STR(":group:")) >= 0 || str_find(facts->session_key, STR(":channel:")) >= 0;
}

/* --- what is to be changed ---------------------------------------------------------------------------------------- */

static bool set(json_t *patch, const char *member, struct str value)
{
    return json_object_set_new(patch, member, json_stringn(value.p, value.n)) == 0;
}

/* `/usage` alone goes from off to tokens to full and back. */
static struct str next_usage(const struct chat_facts *facts)
{
    struct str now = json_str(facts->entry, "responseUsage");
    return str_is(now, "tokens") ? STR("full") : str_is(now, "full") ? STR("off") : STR("tokens");
}

static bool usage_word(struct str word)
{
    return str_ieq(word, STR("off")) || str_ieq(word, STR("on")) || str_ieq(word, STR("tokens")) || str_ieq(word, STR("full"));
}

static bool patch_send(struct str word, json_t *patch)
{
    if (str_ieq(word, STR("on")) || str_ieq(word, STR("allow"))) return set(patch, "sendPolicy", STR("allow"));
    if (str_ieq(word, STR("off")) || str_ieq(word, STR("deny"))) return set(patch, "sendPolicy", STR("deny"));
    bool inherit = str_ieq(word, STR("inherit")) || str_ieq(word, STR("default"));
    return inherit && json_object_set_new(patch, "sendPolicy", json_null()) == 0;
}

static const char *const exec_options[][2] = {
    { "host", "execHost" }, { "security", "execSecurity" }, { "ask", "execAsk" }, { "node", "execNode" }
};
enum { EXEC_OPTIONS = sizeof exec_options / sizeof *exec_options };

/* @return NULL for a word that is none of host=, security=, ask=, node= */
static const char *exec_member(struct str word, struct str *value)
{
    struct str name = str_split(&word, '=');
    *value = word;
    for (size_t i = 0; i < EXEC_OPTIONS; i++)
        if (str_ieq(name, str_of(exec_options[i][0])) && word.n) return exec_options[i][1];
    return NULL;
}

static bool queue_default(struct str word)
{
    return str_ieq(word, STR("default")) || str_ieq(word, STR("reset"));
}

static bool patch_exec(struct str args, json_t *patch)
{
    struct str value;
    while (args.n) {
        const char *member = exec_member(chat_word(&args), &value);
        if (!member || !set(patch, member, value)) {
            json_object_clear(patch);
            return false;
        }
    }
    return json_object_size(patch) > 0;
}

bool chat_settings_patch(const struct chat_command *command, const struct chat_facts *facts, json_t *patch)
{
    struct str word = command->args;
    if (command->id == CHAT_COMMAND_send) return patch_send(word, patch);
    if (command->id == CHAT_COMMAND_exec) return patch_exec(word, patch);
    if (command->id == CHAT_COMMAND_usage && word.n == 0) return set(patch, "responseUsage", next_usage(facts));
    if (command->id == CHAT_COMMAND_usage && !usage_word(word)) return false;
    if (command->id == CHAT_COMMAND_activation && !is_group(facts)) return false;
    if (command->id == CHAT_COMMAND_queue && str_ieq(word, STR("status"))) return false;
    if (command->id == CHAT_COMMAND_queue && queue_default(word)) return json_object_set_new(patch, "queueMode", json_null()) == 0;
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        if (levels[i].id == command->id) return word.n && set(patch, levels[i].member, word);
    return false;
}

/* --- levels ------------------------------------------------------------------------------------------------------- */

static void unknown(const char *what, struct str word, const char *words, struct buf *out)
{
    buf_printf(out, "Unrecognized %s level \"%.*s\". Valid levels: %s.", what, STR_ARG(str_utf8_prefix(word, 200)), words);
}

static void current(const char *what, struct str level, const char *words, struct buf *out)
{
    buf_printf(out, "Current %s level: %.*s.\nOptions: %s.", what, STR_ARG(level), words);
}

static struct str level_of(const struct chat_facts *facts, const char *member)
{
    struct str level = json_str(facts->entry, member);
    return level.n ? level : STR("off");
}

void chat_reply_think(const struct chat_command *command, const struct chat_facts *facts, struct buf *out)
{
    static const char words[] = "off, minimal, low, medium, high";
    static const char only[] = "thinkingLevel \"xhigh\" is only supported";
    struct str level = chat_thinking(facts), why = facts->refusal;
    if (command->args.n == 0)
        current("thinking", level, words, out);
    else if (str_starts(why, str_of(only)))
        buf_printf(out, "Thinking level \"xhigh\" is only supported%.*s.", (int)(why.n - sizeof only + 1), why.p + sizeof only - 1);
    else if (why.n)
        unknown("thinking", command->args, words, out);
    else if (str_is(level, "off"))
        buf_text(out, "Thinking disabled.");
    else
        buf_printf(out, "Thinking level set to %.*s.", STR_ARG(level));
}

void chat_reply_verbose(const struct chat_command *command, const struct chat_facts *facts, struct buf *out)
{
    struct str level = level_of(facts, "verboseLevel");
    if (command->args.n == 0)
        current("verbose", level, "on, full, off", out);
    else if (facts->refusal.n)
        unknown("verbose", command->args, "off, on, full", out);
    else if (str_is(level, "full"))
        buf_text(out, GEAR "Verbose logging set to full.");
    else
        buf_printf(out, GEAR "Verbose logging %s.", str_is(level, "on") ? "enabled" : "disabled");
}

void chat_reply_reasoning(const struct chat_command *command, const struct chat_facts *facts, struct buf *out)
{
    struct str level = level_of(facts, "reasoningLevel");
    if (command->args.n == 0)
        current("reasoning", level, "on, off, stream", out);
    else if (facts->refusal.n)
        unknown("reasoning", command->args, "on, off, stream", out);
    else if (str_is(level, "stream"))
        buf_text(out, GEAR "Reasoning stream enabled (Telegram only).");
    else
        buf_printf(out, GEAR "Reasoning visibility %s.", str_is(level, "on") ? "enabled" : "disabled");
}

static void usage_cost(const struct chat_facts *facts, struct buf *out)
{
    buf_printf(out, "💸 Usage\nSession: %lld tokens in, %lld out\nCost by day and model: the method usage.cost, or `openclaw status`.",
               (long long)json_int(facts->entry, "inputTokens", 0), (long long)json_int(facts->entry, "outputTokens", 0));
}

void chat_reply_usage(const struct chat_command *command, const struct chat_facts *facts, struct buf *out)
{
    if (str_ieq(command->args, STR("cost")))
        usage_cost(facts, out);
    else if (facts->refusal.n || !facts->patched)
        buf_text(out, GEAR "Usage: /usage off|tokens|full|cost");
    else
        buf_printf(out, GEAR "Usage footer: %.*s.", STR_ARG(level_of(facts, "responseUsage")));
}

/* --- what a session may ------------------------------------------------------------------------------------------- */

static void refused(const struct chat_facts *facts, struct buf *out)
{
    buf_printf(out, "⚠️ %.*s", STR_ARG(facts->refusal));
}

void chat_reply_send(const struct chat_command *command, const struct chat_facts *facts, struct buf *out)
{
    struct str policy = json_str(facts->entry, "sendPolicy");
    (void)command;
    if (facts->refusal.n)
        refused(facts, out);
    else if (!facts->patched)
        buf_text(out, GEAR "Usage: /send on|off|inherit");
    else
        buf_printf(out, GEAR "Send policy set to %s.", str_is(policy, "allow") ? "on" : str_is(policy, "deny") ? "off" : "inherit");
}

void chat_reply_activation(const struct chat_command *command, const struct chat_facts *facts, struct buf *out)
{
    (void)command;
    if (!is_group(facts))
        buf_text(out, GEAR "Group activation only applies to group chats.");
    else if (facts->refusal.n || !facts->patched)
        buf_text(out, GEAR "Usage: /activation mention|always");
    else
        buf_printf(out, GEAR "Group activation set to %.*s.", STR_ARG(json_str(facts->entry, "groupActivation")));
}

static struct str exec_value(const struct chat_facts *facts, size_t option)
{
    char path[64];
    struct str value = json_str(facts->entry, exec_options[option][1]);
    snprintf(path, sizeof path, "tools.exec.%s", exec_options[option][0]);
    if (value.n == 0) value = config_str(facts->config, path);
    return value.n ? value : STR("(unset)");
}

static void exec_line(const struct chat_facts *facts, struct buf *out)
{
    for (size_t i = 0; i < EXEC_OPTIONS; i++)
        buf_printf(out, "%s%s=%.*s", i ? ", " : "", exec_options[i][0], STR_ARG(exec_value(facts, i)));
}

void chat_reply_exec(const struct chat_command *command, const struct chat_facts *facts, struct buf *out)
{
    if (facts->refusal.n) return refused(facts, out);
    if (facts->patched)
        buf_text(out, "Exec defaults set (");
    else
        buf_text(out, command->args.n ? "Unrecognized exec option. Current exec defaults: " : "Current exec defaults: ");
    exec_line(facts, out);
    if (facts->patched)
        buf_text(out, ").");
    else
        buf_text(out, ".\nOptions: host=sandbox|gateway|node, security=deny|allowlist|full, ask=off|on-miss|always, node=<id>.");
}

/* --- the queue ---------------------------------------------------------------------------------------------------- */

struct str chat_queue_mode(const struct chat_facts *facts)
{
    struct str mode = json_str(facts->entry, "queueMode");
    if (!mode.n) mode = config_str(facts->config, "messages.queue.byChannel.webchat");
    return mode.n ? mode : config_str(facts->config, "messages.queue.mode");
}

void chat_reply_queue(const struct chat_command *command, const struct chat_facts *facts, struct buf *out)
{
    const config_t *config = facts->config;
    struct str word = command->args, mode = chat_queue_mode(facts), drop = config_str(config, "messages.queue.drop");
    if (facts->refusal.n)
        buf_printf(out, "⚠️ %.*s", STR_ARG(facts->refusal));
    else if (queue_default(word))
        buf_text(out, GEAR "Queue mode reset to default.");
    else if (word.n && !str_ieq(word, STR("status")))
        buf_printf(out, GEAR "Queue mode set to %.*s.", STR_ARG(mode));
    else
        buf_printf(out,
                   "Current queue settings: mode=%.*s, debounce=%lldms, cap=%lld, drop=%.*s.\n"
                   "Options: modes steer, followup, collect, steer+backlog, interrupt.",
                   STR_ARG(mode), (long long)config_int(config, "messages.queue.debounceMs"),
                   (long long)config_int(config, "messages.queue.cap"), STR_ARG(drop));
}
