/* chat_subagents.c -- /subagents and /kill: what a session started, listed and stopped. Source: agent-runtime 8 (gist), frames
 * slash-cmd-subagents*. */
#include "channels/chat_commands_internal.h"

enum { RECENT_MS = 30 * 60000, TASK_SHOWN = 80 };

static struct str name_of(const json_t *child)
{
    struct str label = json_str(child, "label");
    return label.n ? label : str_utf8_prefix(json_str(child, "task"), TASK_SHOWN);
}

/* The child that a word means: its number in the list, its label, or the beginning of its run's id. NULL: none */
static const json_t *find(const json_t *children, struct str which)
{
    size_t i;
    json_t *child;
    int64_t index;
    if (which.n && which.p[0] == '#') which = (struct str){ which.p + 1, which.n - 1 };
    if (str_to_int(which, &index) == 0) return index > 0 ? json_array_get(children, (size_t)index - 1) : NULL;
    json_array_foreach(children, i, child)
    {
        if (str_eq(json_str(child, "label"), which) || str_eq(json_str(child, "sessionKey"), which)) return child;
        if (which.n >= 4 && str_starts(json_str(child, "runId"), which)) return child;
    }
    return NULL;
}

static void unknown(struct str which, struct buf *out)
{
    int64_t index;
    struct str number = which.n && which.p[0] == '#' ? (struct str){ which.p + 1, which.n - 1 } : which;
    buf_printf(out, str_to_int(number, &index) == 0 ? "⚠️ Invalid subagent index: %.*s" : "⚠️ Unknown subagent id: %.*s",
               STR_ARG(str_utf8_prefix(number, 200)));
}

static void write_age(int64_t ms, struct buf *out)
{
    long long s = (long long)ms / 1000;
    if (s < 60)
        buf_printf(out, "%llds", s);
    else
        buf_printf(out, s < 3600 ? "%lldm" : "%lldh", s < 3600 ? s / 60 : s / 3600);
}

static void write_line(const json_t *child, size_t index, struct buf *out)
{
    struct str model = json_str(child, "model");
    if (model.n) str_split(&model, '/');
    buf_printf(out, "\n%zu. %.*s (", index, STR_ARG(name_of(child)));
    if (model.n) buf_printf(out, "%.*s, ", STR_ARG(model));
    write_age(json_int(child, "runtimeMs", 0), out);
    buf_printf(out, ") %.*s", STR_ARG(json_str(child, "status")));
    if (json_str(child, "label").n) buf_printf(out, " - %.*s", STR_ARG(str_utf8_prefix(json_str(child, "task"), TASK_SHOWN)));
}

/* The running ones with `active`, else those that ended within half an hour of the newest. */
static void write_list(const json_t *children, bool active, struct buf *out)
{
    size_t i, before = out->n;
    json_t *child;
    int64_t newest = 0;
    json_array_foreach(children, i, child) if (json_int(child, "createdAt", 0) > newest) newest = json_int(child, "createdAt", 0);
    json_array_foreach(children, i, child)
    {
        if (json_flag(child, "active") != active) continue;
        if (!active && json_int(child, "endedAt", 0) < newest - RECENT_MS) continue;
        write_line(child, i + 1, out);
    }
    if (out->n == before) buf_text(out, "\n(none)");
}

/* The word behind `kill`; p NULL: this command kills nothing. */
static struct str killed(const struct chat_command *command)
{
    struct str args = command->args;
    if (command->id == CHAT_COMMAND_subagents && !str_ieq(chat_word(&args), STR("kill"))) return (struct str){ 0 };
    if (command->id != CHAT_COMMAND_subagents && command->id != CHAT_COMMAND_kill) return (struct str){ 0 };
    struct str word = chat_word(&args);
    return word.p ? word : STR("");
}

void chat_command_kills(const struct chat_command *command, const struct chat_facts *facts, chat_kill_fn *fn, void *ctx)
{
    struct str which = killed(command);
    bool all = str_ieq(which, STR("all"));
    const json_t *one = all || which.n == 0 ? NULL : find(facts->subagents, which);
    size_t i;
    json_t *child;
    json_array_foreach(facts->subagents, i, child) if ((all || child == one) && json_flag(child, "active"))
        fn(ctx, json_str(child, "sessionKey"));
}

void chat_reply_kill(const struct chat_command *command, const struct chat_facts *facts, struct buf *out)
{
    struct str which = killed(command);
    if (which.n == 0)
        buf_text(out, "Usage: /kill <id|#|all>");
    else if (!str_ieq(which, STR("all")) && !find(facts->subagents, which))
        unknown(which, out); /* else it is done, and there is nothing to say */
}

static void write_info(const json_t *child, struct buf *out)
{
    buf_printf(out, "ℹ️ Subagent info\nStatus: %.*s\nLabel: %.*s\nTask: %.*s\nRun: %.*s\nSession: %.*s\nModel: %.*s\nRuntime: ",
               STR_ARG(json_str(child, "status")), STR_ARG(name_of(child)), STR_ARG(str_utf8_prefix(json_str(child, "task"), 500)),
               STR_ARG(json_str(child, "runId")), STR_ARG(json_str(child, "sessionKey")), STR_ARG(json_str(child, "model")));
    write_age(json_int(child, "runtimeMs", 0), out);
    buf_printf(out, "\nTokens: %lld", (long long)json_int(child, "totalTokens", 0));
}

void chat_reply_subagents(const struct chat_command *command, const struct chat_facts *facts, struct buf *out)
{
    struct str args = command->args, verb = chat_word(&args), which = chat_word(&args);
    const json_t *child = find(facts->subagents, which);
    if (verb.n == 0 || str_ieq(verb, STR("list"))) {
        buf_text(out, "active subagents:\n-----");
        write_list(facts->subagents, true, out);
        buf_text(out, "\n\nrecent subagents (last 30m):\n-----");
        write_list(facts->subagents, false, out);
    } else if (str_ieq(verb, STR("kill"))) {
        chat_reply_kill(command, facts, out);
    } else if (!str_ieq(verb, STR("info"))) {
        buf_text(out, "Usage: /subagents [list|kill <id|#|all>|info <id|#>]");
    } else if (which.n == 0) {
        buf_text(out, "Usage: /subagents info <id|#>");
    } else if (child) {
        write_info(child, out);
    } else {
        unknown(which, out);
    }
}

void chat_reply_steer(const struct chat_command *command, const struct chat_facts *facts, struct buf *out)
{
    struct str args = command->args, which = chat_word(&args);
    if (args.n == 0)
        buf_text(out, "Usage: /steer <id|#> <message>");
    else if (find(facts->subagents, which))
        buf_text(out, "⚠️ Ask the agent to steer it: people cannot yet.");
    else
        unknown(which, out);
}
