/* actors/turn_tool_exec.c -- exec and process: commands, run by the exec actor.
 * Source: reference agent-runtime 4, frames tool-exec-*, tool-process-*. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/exec_env.h"
#include "actors/git_guard.h"
#include "actors/turn_approval.h"
#include "actors/turn_tools.h"

enum { ANSWER_MS = 30000 };

/* --- exec --------------------------------------------------------------------------------------------------------- */

static bool is_below(const char *root, const char *path)
{
    size_t n = strlen(root);
    return strncmp(path, root, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

/* Where it starts: the workspace, or a folder in it. @return false: the call has its answer */
static bool find_folder(struct tool_call *call, char folder[PATH_MAX])
{
    char wanted[PATH_MAX], root[PATH_MAX];
    struct str given = str_trim(tool_text(call, "workdir", NULL));
    struct stat st;
    int n = given.n && given.p[0] == '/' ? snprintf(wanted, sizeof wanted, "%.*s", STR_ARG(given))
                                         : snprintf(wanted, sizeof wanted, "%s/%.*s", call->place->workspace, STR_ARG(given));
    if (n < 0 || (size_t)n >= sizeof wanted || !realpath(call->place->workspace, root)) {
        tool_fail(call, "The workspace %s is not there.", call->place->workspace);
        return false;
    }
    if (!realpath(wanted, folder) || stat(folder, &st) != 0 || !S_ISDIR(st.st_mode)) {
        tool_fail(call, "workdir %.*s is no folder.", STR_ARG(str_utf8_prefix(given, 300)));
        return false;
    }
    if (!config_bool(call->place->config, "tools.fs.workspaceOnly") || is_below(root, folder)) return true;
    tool_fail(call, "workdir %.*s leads out of the workspace (tools.fs.workspaceOnly).", STR_ARG(str_utf8_prefix(given, 300)));
    return false;
}

static void add_note(struct buf *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add_note(struct buf *out, const char *format, ...)
{
    char text[1200];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (out->n) buf_text(out, "\n\n");
    buf_text(out, text);
}

static void show(struct tool_call *call, const struct msg_exec_state *s, const struct buf *refused)
{
    if (s->running) {
        buf_printf(call->result,
                   "Command still running (session %.*s, pid %lld). Use process (list/poll/log/write/kill/clear/remove) for follow-up.",
                   STR_ARG(s->name), (long long)s->pid);
        return;
    }
    buf_add(call->result, str_trim(s->output));
    if (s->note.n)
        add_note(call->result, "(%.*s)", STR_ARG(s->note));
    else if (s->signal)
        add_note(call->result, "(Command was ended by signal %d)", (int)s->signal);
    else if (s->status != 0)
        add_note(call->result, "(Command exited with code %d)", (int)s->status);
    if (refused->n)
        add_note(call->result, "(Not passed on: %.*s; only plain variables are, see tools.exec.env)", STR_ARG(buf_str(refused)));
    if (call->result->n == 0) buf_text(call->result, "(no output)");
    call->failed = s->note.n || s->signal || s->status != 0;
}

/* What the skills' folders add to what a command may read. */
static void list_readable(const struct tool_place *place, struct buf *out)
{
    for (size_t i = 0; i < place->readable_count; i++) {
        buf_add(out, place->readable[i]);
        buf_char(out, '\0');
    }
}

/* The hooks of an agent whose git rules are enforced, in the environment and among what may be read. @return false: the call has its answer
 */
static bool guard_git(struct tool_call *call, struct str command, struct buf *environment, struct buf *readable)
{
    char folder[PATH_MAX];
    const struct config_agent *agent = call->place->agent;
    if (!git_guard_binds(agent)) {
        git_guard_environment(NULL, environment);
        return true;
    }
    const char *bypass = git_guard_bypass(command);
    if (bypass) {
        tool_fail(
            call,
            "Refused: \"%s\" would leave out the git rules that bind %.*s. Commit and push without it; the hooks say what is missing.",
            bypass, STR_ARG(agent->id));
        return false;
    }
    int rc = git_guard_prepare(call->place->config, agent, folder);
    if (rc) {
        tool_fail(call, "The git rules that bind %.*s could not be set up (%s), so no command is run.", STR_ARG(agent->id), err_text(rc));
        return false;
    }
    git_guard_environment(folder, environment);
    buf_text(readable, folder);
    buf_char(readable, '\0');
    return true;
}

static int run(struct turn *t, struct tool_call *call, struct msg *q)
{
    struct buf environment = { 0 }, readable = { 0 }, refused = { 0 };
    struct msg answer = { 0 };
    if (!guard_git(call, q->exec_start.command, &environment, &readable)) {
        buf_free(&environment);
        buf_free(&readable);
        return 0;
    }
    list_readable(call->place, &readable);
    int rc = exec_env_readable(t->s->config, t->s->agent, &readable);
    if (rc == 0) rc = exec_env_build(t->s->config, t->s->agent, json_object_get(call->args, "env"), &environment, &refused);
    q->exec_start.environment = buf_str(&environment);
    q->exec_start.readable = readable.n <= 65536 ? buf_str(&readable) : (struct str){ 0 };
    bool allowed = false, started = false;
    if (rc == 0) rc = turn_approve_command(t, call, q->exec_start.folder.p, buf_str(&environment), &allowed);
    if (rc == 0 && allowed) {
        started = true;
        rc = turn_ask(t, "exec", q, -1, &answer);
    }
    if (started && (rc == GW_EABORTED || (rc == GW_ETIMEOUT && t->error.n))) {
        struct msg cancel = { .kind = MSG_exec_cancel };
        cancel.exec_cancel.start = (int64_t)q->corr;
        mailbox_send(t->s->mailbox, "exec", &cancel);
    }
    if (rc == 0 && allowed) show(call, &answer.exec_state, &refused);
    msg_clear(&answer);
    buf_free(&environment);
    buf_free(&readable);
    buf_free(&refused);
    return rc == GW_EBADMSG || rc == GW_ENOPEER ? tool_fail(call, "The command cannot be run here (%s).", err_text(rc)) : rc;
}

int turn_tool_exec(struct turn *t, struct tool_call *call)
{
    char folder[PATH_MAX];
    const config_t *config = call->place->config;
    struct str command = tool_text(call, "command", NULL);
    int64_t yield_ms = tool_whole(call, "yieldMs", config_int(config, "tools.exec.backgroundMs"));
    int64_t longest_s = config_int(config, "tools.exec.timeoutSec"), timeout_s = tool_whole(call, "timeout", longest_s);
    if (str_trim(command).n == 0 || memchr(command.p, '\0', command.n)) return tool_fail(call, "The command is empty, or holds a NUL.");
    if (!find_folder(call, folder)) return 0;
    struct msg q = { .kind = MSG_exec_start };
    q.exec_start = (struct msg_exec_start){ .session_key = str_of(t->s->key),
                                            .agent = t->s->agent->id,
                                            .workspace = str_of(call->place->workspace),
                                            .folder = str_of(folder),
                                            .timeout_ms = (timeout_s < longest_s ? timeout_s : longest_s) * 1000,
                                            .yield_ms = tool_flag(call, "background") ? 0 : yield_ms,
                                            .pty = tool_flag(call, "pty"),
                                            .command = command };
    return run(t, call, &q);
}

/* --- process ------------------------------------------------------------------------------------------------------ */

/* Names of keys as models write them, and what a terminal sends for them. */
static struct str key_bytes(struct str name)
{
    static const struct {
        const char *name, *bytes;
    } KEYS[] = { { "Enter", "\r" },         { "Return", "\r" },      { "Tab", "\t" },         { "Escape", "\x1b" }, { "Esc", "\x1b" },
                 { "Space", " " },          { "BSpace", "\x7f" },    { "Backspace", "\x7f" }, { "Up", "\x1b[A" },   { "Down", "\x1b[B" },
                 { "Right", "\x1b[C" },     { "Left", "\x1b[D" },    { "Home", "\x1b[H" },    { "End", "\x1b[F" },  { "PageUp", "\x1b[5~" },
                 { "PageDown", "\x1b[6~" }, { "Delete", "\x1b[3~" }, { "DC", "\x1b[3~" } };
    for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++)
        if (str_ieq(name, str_of(KEYS[i].name))) return str_of(KEYS[i].bytes);
    return (struct str){ 0 };
}

/* "C-c" is Control and c. @return whether the name means something */
static bool add_key(struct str name, struct buf *out)
{
    struct str bytes = key_bytes(name);
    if (name.n == 3 && (name.p[0] == 'C' || name.p[0] == 'c') && name.p[1] == '-') {
        buf_char(out, (char)(name.p[2] & 0x1f));
        return true;
    }
    buf_add(out, bytes.n ? bytes : name.n == 1 ? name : (struct str){ 0 });
    return bytes.n || name.n == 1;
}

static bool collect_keys(struct tool_call *call, struct buf *out)
{
    size_t i;
    json_t *key;
    json_array_foreach(json_object_get(call->args, "keys"), i, key)
    {
        struct str name = { json_string_value(key), json_string_length(key) };
        if (add_key(name, out)) continue;
        tool_fail(call, "Unknown key %.*s: use a letter, C-c, Enter, Tab, Escape, Up, Down, Left, Right, Home, End ...",
                  STR_ARG(str_utf8_prefix(name, 64)));
        return false;
    }
    buf_add(out, tool_text(call, "literal", NULL));
    return true;
}

/* What is written to the command's input. @return false: the call has its answer */
static bool collect_data(struct tool_call *call, struct str action, struct buf *out)
{
    buf_add(out, tool_text(call, "data", NULL));
    if (str_is(action, "send-keys")) return collect_keys(call, out);
    if (str_is(action, "paste")) {
        bool bracketed = tool_flag(call, "bracketed");
        if (bracketed) buf_text(out, "\x1b[200~");
        buf_add(out, tool_text(call, "text", NULL));
        if (bracketed) buf_text(out, "\x1b[201~");
    }
    if (str_is(action, "submit")) buf_char(out, '\n');
    return true;
}

int turn_tool_process(struct turn *t, struct tool_call *call)
{
    struct str action = tool_text(call, "action", NULL), name = str_trim(tool_text(call, "sessionId", NULL));
    struct buf data = { .max = 1048576 };
    struct msg q = { .kind = MSG_exec_ask }, answer = { 0 };
    if (name.n == 0 && !str_is(action, "list")) return tool_fail(call, "sessionId is required for %.*s.", STR_ARG(action));
    if (!collect_data(call, action, &data)) {
        buf_free(&data);
        return 0;
    }
    int64_t timeout_ms = tool_whole(call, "timeout", 0);
    q.exec_ask = (struct msg_exec_ask){ .session_key = str_of(t->s->key),
                                        .action = action,
                                        .name = str_utf8_prefix(name, 64),
                                        .eof = tool_flag(call, "eof"),
                                        .offset = tool_whole(call, "offset", 0),
                                        .limit = tool_whole(call, "limit", 0),
                                        .timeout_ms = timeout_ms,
                                        .data = buf_str(&data) };
    int rc = turn_ask(t, "exec", &q, (int)timeout_ms + ANSWER_MS, &answer);
    if (rc == 0) {
        buf_add(call->result, answer.exec_told.text);
        call->failed = answer.exec_told.failed;
    }
    msg_clear(&answer);
    buf_free(&data);
    return rc == GW_EBADMSG || rc == GW_ENOPEER ? tool_fail(call, "There are no commands here (%s).", err_text(rc)) : rc;
}
