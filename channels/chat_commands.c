#include "channels/chat_commands_internal.h"

#include <ctype.h>

#include "channels/chat_events.h"

/* --- the list ----------------------------------------------------------------------------------------------------- */

enum group { GROUP_SESSION, GROUP_OPTIONS, GROUP_STATUS, GROUP_MANAGEMENT, GROUP_HIDDEN };
enum takes { TAKES_NOTHING, TAKES_WORD, TAKES_ANY };

enum { SKILL_LINE_BYTES = 120 /* shown of what a skill is for */ };

static const char *const group_names[] = { "Session", "Options", "Status", "Management" };

static const struct entry {
    const char *name, *aliases, *line;
    enum group group;
    enum takes takes;
    enum chat_command_need needs;
} commands[CHAT_COMMAND_COUNT] = {
#define COMMAND(id, name_, aliases_, group_, takes_, needs_, line_)                                                                        \
    [CHAT_COMMAND_##id] = { name_, aliases_, line_, GROUP_##group_, TAKES_##takes_, CHAT_NEEDS_##needs_ },
#include "channels/chat_commands.def"
#undef COMMAND
};

static bool is_alias(struct str name, const char *aliases)
{
    struct str rest = str_of(aliases);
    while (rest.n)
        if (str_ieq(str_split(&rest, '|'), name)) return true;
    return false;
}

static enum chat_command_id find(struct str name)
{
    for (int id = 1; id < CHAT_COMMAND_COUNT; id++)
        if (str_ieq(name, str_of(commands[id].name)) || is_alias(name, commands[id].aliases)) return (enum chat_command_id)id;
    return CHAT_COMMAND_none;
}

enum chat_command_need chat_command_needs(const config_t *config, enum chat_command_id id)
{
    if (id == CHAT_COMMAND_config && !config_bool(config, "commands.config")) return CHAT_NEEDS_NONE;
    return commands[id].needs;
}

/* --- parsing ------------------------------------------------------------------------------------------------------ */

struct str chat_word(struct str *rest)
{
    *rest = str_trim(*rest);
    size_t n = 0;
    while (n < rest->n && !isspace((unsigned char)rest->p[n])) n++;
    struct str word = { rest->p, n };
    *rest = str_trim((struct str){ rest->p + n, rest->n - n });
    return word;
}

/* A word that the queue does not know makes it a message for the model, as in OpenClaw (frame slash-cmd-queue-bad). */
static bool queue_knows(struct str word)
{
    static const char *const words[] = { "",          "steer", "followup", "collect", "steer+backlog", "steer-backlog",
                                         "interrupt", "queue", "default",  "reset",   "status" };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_ieq(word, str_of(words[i]))) return true;
    return false;
}

static bool takes(enum chat_command_id id, struct str args)
{
    struct str rest = args;
    if (commands[id].takes == TAKES_ANY) return true;
    if (commands[id].takes == TAKES_NOTHING) return args.n == 0;
    chat_word(&rest);
    return rest.n == 0 && (id != CHAT_COMMAND_queue || queue_knows(args));
}

bool chat_command_parse(struct str message, struct chat_command *out)
{
    struct str rest = str_trim(message);
    size_t n = 1;
    *out = (struct chat_command){ 0 };
    if (rest.n < 2 || rest.p[0] != '/') return false;
    while (n < rest.n && !isspace((unsigned char)rest.p[n]) && rest.p[n] != ':') n++;
    enum chat_command_id id = find((struct str){ rest.p + 1, n - 1 });
    if (n < rest.n && rest.p[n] == ':') n++; /* `/think: high` */
    struct str args = str_trim((struct str){ rest.p + n, rest.n - n });
    if (id == CHAT_COMMAND_none || !takes(id, args)) return false;
    *out = (struct chat_command){ id, args };
    return true;
}

bool chat_command_read(const config_t *config, struct str message, struct chat_command *out)
{
    const struct json5_node *triggers = config_get(config, STR("session.resetTriggers"));
    struct str rest;
    for (const struct json5_node *n = triggers ? triggers->first : NULL; n; n = n->next)
        if (chat_text_resets(message, n->string, &rest)) {
            *out = (struct chat_command){ str_ieq(n->string, STR("/reset")) ? CHAT_COMMAND_reset : CHAT_COMMAND_new, rest };
            return true;
        }
    if (!chat_command_parse(message, out)) return false;
    if (!triggers || (out->id != CHAT_COMMAND_new && out->id != CHAT_COMMAND_reset)) return true;
    *out = (struct chat_command){ 0 };
    return false;
}

bool chat_command_approval(struct str args, struct str *id, struct str *decision)
{
    static const char *const words[][2] = {
        { "allow-once", "allow-once" },     { "allow", "allow-once" }, { "once", "allow-once" }, { "always", "allow-always" },
        { "allow-always", "allow-always" }, { "deny", "deny" },        { "reject", "deny" }
    };
    struct str pair[2] = { chat_word(&args) };
    pair[1] = chat_word(&args);
    if (pair[1].n == 0 || args.n) return false;
    for (int p = 1; p >= 0; p--)
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            if (str_ieq(pair[p], str_of(words[i][0]))) {
                *decision = str_of(words[i][1]);
                *id = pair[1 - p];
                return true;
            }
    return false;
}

/* --- what answers share ------------------------------------------------------------------------------------------- */

const struct config_agent *chat_agent(const struct chat_facts *facts)
{
    struct str rest = facts->session_key;
    str_split(&rest, ':');
    const struct config_agent *agent = config_agent_find(facts->config, str_split(&rest, ':'));
    return agent ? agent : config_agent_default(facts->config);
}

/* --- lists and refusals ------------------------------------------------------------------------------------------- */

static void reply_help(struct buf *out)
{
    buf_text(out, "ℹ️ Help\n\n"
                  "Session\n  /new  |  /reset  |  /compact  |  /stop\n\n"
                  "Options\n  /think <level>  |  /model <id>  |  /verbose on|off\n\n"
                  "Status\n  /status  |  /whoami  |  /context\n\n"
                  "Skills\n  /skill <name> [input]\n\n"
                  "More: /commands for full list");
}

static void list_one(const struct entry *e, struct buf *out)
{
    struct str rest = str_of(e->aliases);
    buf_printf(out, "\n  /%s", e->name);
    for (const char *before = " ("; rest.n; before = ", ") {
        buf_text(out, before);
        buf_char(out, '/');
        buf_add(out, str_split(&rest, '|'));
    }
    if (e->aliases[0]) buf_char(out, ')');
    buf_printf(out, " - %s", e->line);
}

/* Two are hidden as long as they are switched off. */
static enum group group_of(const config_t *config, int id)
{
    bool on = (id == CHAT_COMMAND_config && config_bool(config, "commands.config")) ||
              (id == CHAT_COMMAND_restart && config_bool(config, "commands.restart"));
    return on ? GROUP_MANAGEMENT : commands[id].group;
}

/* Those of the agent that work and that people may ask for by name. */
static void list_skills(const struct chat_facts *facts, struct buf *out)
{
    bool any = false;
    size_t i;
    const json_t *skill;
    json_array_foreach(facts->skills, i, skill)
    {
        struct str name = json_str(skill, "name"), line = json_str(skill, "description");
        if (!json_is_true(json_object_get(skill, "eligible")) || json_is_false(json_object_get(skill, "userInvocable"))) continue;
        if (!any) buf_text(out, "\n\nSkills");
        any = true;
        struct str shown = str_utf8_prefix(line, SKILL_LINE_BYTES);
        buf_printf(out, "\n  /%.*s - %.*s", STR_ARG(name), STR_ARG(shown));
        if (shown.n < line.n) buf_text(out, "…");
    }
}

static void reply_commands(const struct chat_facts *facts, struct buf *out)
{
    buf_text(out, "ℹ️ Slash commands");
    for (int group = 0; group < GROUP_HIDDEN; group++) {
        buf_printf(out, "\n\n%s", group_names[group]);
        for (int id = 1; id < CHAT_COMMAND_COUNT; id++)
            if ((int)group_of(facts->config, id) == group) list_one(&commands[id], out);
    }
    list_skills(facts, out);
}

/* Switched off by default; what switching it on brings does not exist yet. */
static void reply_switched(const struct chat_command *command, const struct chat_facts *facts, struct buf *out)
{
    char setting[64];
    const char *name = commands[command->id].name;
    snprintf(setting, sizeof setting, "commands.%s", name);
    if (config_bool(facts->config, setting))
        buf_printf(out, "⚠️ /%s is not available here yet.", name);
    else if (command->id == CHAT_COMMAND_bash)
        buf_text(out,
                 "⚠️ bash is disabled. Set commands.bash=true to enable. Docs: https://docs.openclaw.ai/tools/slash-commands#config");
    else
        buf_printf(out, "⚠️ /%s is disabled. Set commands.%s=true to enable.", name, name);
}

static void reply_elevated(const struct chat_facts *facts, struct buf *out)
{
    buf_text(out, "elevated is not available right now (runtime=direct).");
    if (config_get(facts->config, STR("tools.elevated.allowFrom.webchat"))) {
        buf_text(out, "\nThere are no tools yet that it would be for.");
        return;
    }
    buf_text(out, "\nFailing gates: allowFrom (tools.elevated.allowFrom.webchat)\nFix-it keys:\n- tools.elevated.enabled\n"
                  "- tools.elevated.allowFrom.<provider>\n- agents.list[].tools.elevated.enabled\n"
                  "- agents.list[].tools.elevated.allowFrom.<provider>");
}

/* --- all of them -------------------------------------------------------------------------------------------------- */

bool chat_command_patch(const struct chat_command *command, const struct chat_facts *facts, json_t *patch)
{
    if (command->id == CHAT_COMMAND_model) return chat_models_patch(command, facts, patch);
    return chat_settings_patch(command, facts, patch);
}

/* Those that only tell something, in the words of a table or a few lines. */
static void reply_plain(const struct chat_command *command, const struct chat_facts *facts, struct buf *out)
{
    switch (command->id) {
    case CHAT_COMMAND_help: reply_help(out); break;
    case CHAT_COMMAND_commands: reply_commands(facts, out); break;
    case CHAT_COMMAND_elevated: reply_elevated(facts, out); break;
    case CHAT_COMMAND_subagents: chat_reply_subagents(command, facts, out); break;
    case CHAT_COMMAND_kill: chat_reply_kill(command, facts, out); break;
    case CHAT_COMMAND_steer: chat_reply_steer(command, facts, out); break;
    case CHAT_COMMAND_approve: buf_text(out, "Usage: /approve <id> allow-once|allow-always|deny"); break;
    case CHAT_COMMAND_allowlist:
        if (str_find(command->args, STR("channel=")) < 0)
            buf_text(out, "⚠️ Unknown channel. Add channel=<id> to the command.");
        else
            buf_text(out, "⚠️ No channel is connected here yet, so there is no allowlist to change.");
        break;
    case CHAT_COMMAND_tts: buf_text(out, "📊 TTS status\nState: ❌ disabled\nThere is no speech output here yet."); break;
    case CHAT_COMMAND_export_session: buf_text(out, "⚠️ /export-session is not available here yet."); break;
    default: reply_switched(command, facts, out); break;
    }
}

void chat_command_reply(const struct chat_command *command, const struct chat_facts *facts, struct buf *out)
{
    static chat_reply_fn *const replies[CHAT_COMMAND_COUNT] = {
        [CHAT_COMMAND_think] = chat_reply_think,
        [CHAT_COMMAND_verbose] = chat_reply_verbose,
        [CHAT_COMMAND_reasoning] = chat_reply_reasoning,
        [CHAT_COMMAND_usage] = chat_reply_usage,
        [CHAT_COMMAND_exec] = chat_reply_exec,
        [CHAT_COMMAND_send] = chat_reply_send,
        [CHAT_COMMAND_activation] = chat_reply_activation,
        [CHAT_COMMAND_queue] = chat_reply_queue,
        [CHAT_COMMAND_model] = chat_reply_model,
        [CHAT_COMMAND_models] = chat_reply_models,
        [CHAT_COMMAND_status] = chat_reply_status,
        [CHAT_COMMAND_whoami] = chat_reply_whoami,
        [CHAT_COMMAND_context] = chat_reply_context,
        [CHAT_COMMAND_config] = chat_reply_config,
        [CHAT_COMMAND_restart] = chat_reply_restart,
    };
    if (replies[command->id])
        replies[command->id](command, facts, out);
    else
        reply_plain(command, facts, out);
}

struct str chat_command_greeting(void)
{
    return STR("A new session begins. Greet the user in your own voice, in one to three sentences, and ask what to do. Say nothing about "
               "files, tools or how you come to your words.");
}
