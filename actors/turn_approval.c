#include "actors/turn_approval.h"

#include <stdio.h>
#include <stdlib.h>

#include "actors/turn_rpc.h"
#include "base/clock.h"
#include "base/json_read.h"
#include "base/log.h"
#include "channels/approvals.h"
#include "tools/exec_allow.h"

enum { SECURITY_DENY, SECURITY_ALLOWLIST, SECURITY_FULL };
enum { ASK_OFF, ASK_ON_MISS, ASK_ALWAYS };
enum { NAMES_MAX = 64, WRITE_TRIES = 3, GRACE_MS = 500, COMMAND_KEPT = 500 };

static const char *const SECURITY[] = { "deny", "allowlist", "full" };
static const char *const ASK[] = { "off", "on-miss", "always" };

struct rules {
    int security, ask, fallback;
    json_t *file;              /* of exec.approvals.get; owned */
    const json_t *of, *of_all; /* what it has for this agent, and for "*"; NULL: nothing */
};

/* --- the rules ---------------------------------------------------------------------------------------------------- */

static int level_of(const char *const words[3], struct str text, int otherwise)
{
    for (int i = 0; i < 3; i++)
        if (str_is(text, words[i])) return i;
    return otherwise;
}

/* A setting of the agent's own, else of all agents'. */
static struct str configured(const struct tool_place *place, const char *name, const char *path)
{
    const struct json5_node *tools = place->agent->node ? json5_member(place->agent->node, STR("tools")) : NULL;
    const struct json5_node *exec = tools && tools->kind == JSON5_OBJECT ? json5_member(tools, STR("exec")) : NULL;
    const struct json5_node *own = exec && exec->kind == JSON5_OBJECT ? json5_member(exec, str_of(name)) : NULL;
    return own && own->kind == JSON5_STRING ? own->string : config_str(place->config, path);
}

static struct str filed(const struct rules *r, const char *name)
{
    struct str text = json_str(r->of, name);
    if (!text.n) text = json_str(r->of_all, name);
    return text.n ? text : json_str(json_object_get(r->file, "defaults"), name);
}

static int strictest(int a, int b, bool low)
{
    return (a < b) == low ? a : b;
}

/* @return 0; GW_EINVAL: the call has its answer */
static int read_rules(struct turn *t, struct tool_call *call, struct rules *r)
{
    char id[65];
    struct buf why = { 0 };
    json_t *said;
    int rc = turn_rpc(t, "query", RPC_exec_approvals_get, json_object(), &said, &why);
    if (rc == GW_EINVAL) tool_fail(call, "exec denied: the rules for commands cannot be read (%s).", buf_cstr(&why));
    buf_free(&why);
    if (rc) return rc;
    r->file = json_incref(json_object_get(said, "file"));
    json_decref(said);
    str_copy(id, sizeof id, call->place->agent->id);
    r->of = json_at(r->file, "agents", id);
    r->of_all = json_at(r->file, "agents", "*");
    r->security = level_of(SECURITY, configured(call->place, "security", "tools.exec.security"), SECURITY_FULL);
    r->security = strictest(r->security, level_of(SECURITY, filed(r, "security"), SECURITY_FULL), true);
    r->security = strictest(r->security, level_of(SECURITY, tool_text(call, "security", NULL), SECURITY_FULL), true);
    r->ask = level_of(ASK, configured(call->place, "ask", "tools.exec.ask"), ASK_OFF);
    r->ask = strictest(r->ask, level_of(ASK, filed(r, "ask"), ASK_OFF), false);
    r->ask = strictest(r->ask, level_of(ASK, tool_text(call, "ask", NULL), ASK_OFF), false);
    r->fallback = level_of(SECURITY, filed(r, "askFallback"), SECURITY_DENY);
    return 0;
}

/* --- the programs ------------------------------------------------------------------------------------------------- */

static bool is_listed(const json_t *rules, const char *path)
{
    size_t i;
    const json_t *entry;
    json_array_foreach(json_object_get(rules, "allowlist"), i, entry)
    {
        if (exec_pattern_matches(json_str(entry, "pattern"), path, getenv("HOME"))) return true;
    }
    return false;
}

static size_t safe_names(const config_t *config, struct str names[NAMES_MAX])
{
    static const char *const DEFAULTS[] = { "jq", "cut", "head", "tail", "tr", "wc" };
    const struct json5_node *list = config_get(config, STR("tools.exec.safeBins"));
    size_t n = 0;
    if (list && list->kind == JSON5_ARRAY) {
        for (const struct json5_node *one = list->first; one && n < NAMES_MAX; one = one->next)
            if (one->kind == JSON5_STRING) names[n++] = one->string;
        return n;
    }
    for (; n < sizeof DEFAULTS / sizeof *DEFAULTS; n++) names[n] = str_of(DEFAULTS[n]);
    return n;
}

/* The first program that is not allowed. @return NULL: all of them are */
static const struct exec_program *find_miss(const struct tool_place *place, const struct rules *r, const struct exec_scan *scan)
{
    struct str names[NAMES_MAX];
    size_t n = safe_names(place->config, names);
    for (size_t i = 0; i < scan->count; i++) {
        const struct exec_program *p = &scan->programs[i];
        if (!p->path[0] || !(is_listed(r->of, p->path) || is_listed(r->of_all, p->path) || exec_is_safe(p, names, n))) return p;
    }
    return NULL;
}

static struct str path_in(struct str environment)
{
    while (environment.n) {
        struct str one = str_split(&environment, '\0');
        if (str_starts(one, STR("PATH="))) return (struct str){ one.p + 5, one.n - 5 };
    }
    return (struct str){ 0 };
}

static int refuse_miss(struct tool_call *call, const struct exec_scan *scan, const struct exec_program *miss)
{
    if (scan->problem) return tool_fail(call, "exec denied: allowlist miss: the command cannot be judged, for %s.", scan->problem);
    if (!miss->path[0]) return tool_fail(call, "exec denied: allowlist miss: there is no program %s.", miss->name);
    return tool_fail(call, "exec denied: allowlist miss: %s (%s) is not in the list of exec-approvals.json.", miss->name, miss->path);
}

/* --- a person ----------------------------------------------------------------------------------------------------- */

/* @return as turn_ask(); GW_ETIMEOUT without t->error: nobody answered */
static int ask_gateway(struct turn *t, struct msg *q, struct msg *answer)
{
    int rc = turn_pause(t), resumed;
    if (rc == 0) rc = turn_ask(t, "gateway", q, (int)q->exec_approve.timeout_ms + GRACE_MS, answer);
    if (rc == GW_EABORTED || rc == GW_ETIMEOUT) {
        struct msg cancel = { .kind = MSG_exec_approve_cancel };
        cancel.exec_approve_cancel.approve = (int64_t)q->corr;
        mailbox_send(t->s->mailbox, "gateway", &cancel);
    }
    bool ends = rc == GW_EABORTED || rc == GW_ECLOSED || t->error.n;
    resumed = ends ? rc : turn_resume(t);
    if (resumed && rc == 0) msg_clear(answer);
    return resumed ? resumed : rc;
}

/* One more pattern for each program, in what exec.approvals.get said. @return its parameters for exec.approvals.set; NULL: no memory */
static json_t *with_programs(json_t *said, const char *agent, const struct exec_scan *scan, struct str command)
{
    json_t *file = json_object_get(said, "file"), *agents = json_object_get(file, "agents"), *own = json_object_get(agents, agent);
    if (!own && json_object_set_new(agents, agent, own = json_object()) != 0) return NULL;
    json_t *list = json_object_get(own, "allowlist");
    if (!list && json_object_set_new(own, "allowlist", list = json_array()) != 0) return NULL;
    for (size_t i = 0; i < scan->count; i++) {
        const char *path = scan->programs[i].path;
        struct str kept = str_utf8_prefix(command, COMMAND_KEPT);
        if (!path[0] || is_listed(own, path)) continue;
        json_array_append_new(list, json_pack("{s:s,s:I,s:s%,s:s}", "pattern", path, "lastUsedAt", (json_int_t)clock_wall_ms(),
                                              "lastUsedCommand", kept.p, kept.n, "lastResolvedPath", path));
    }
    return json_pack("{s:O,s:O}", "file", file, "baseHash", json_object_get(said, "hash"));
}

/* `Allow always`: what it started may start again. Somebody else may be writing, too. */
static int remember(struct turn *t, const struct exec_scan *scan, struct str command)
{
    char agent[65];
    struct buf why = { 0 };
    int rc = GW_EINVAL;
    str_copy(agent, sizeof agent, t->s->agent->id);
    for (int i = 0; i < WRITE_TRIES && rc == GW_EINVAL; i++) {
        json_t *said, *stored = NULL;
        buf_clear(&why);
        rc = turn_rpc(t, "query", RPC_exec_approvals_get, json_object(), &said, &why);
        json_t *params = rc == 0 ? with_programs(said, agent, scan, command) : NULL;
        if (params) rc = turn_rpc(t, "query", RPC_exec_approvals_set, params, &stored, &why);
        json_decref(stored);
        json_decref(said);
    }
    if (rc == GW_EINVAL) log_event(LOG_WARN, "approval_not_kept", LOG_T("agent", agent), LOG_S("error", buf_str(&why)));
    buf_free(&why);
    return rc == GW_EINVAL ? 0 : rc;
}

/* Nobody answered, or nobody could be asked. */
static int fall_back(struct tool_call *call, const struct rules *r, bool satisfied, const char *why, bool *allowed)
{
    *allowed = r->fallback == SECURITY_FULL || (r->fallback == SECURITY_ALLOWLIST && satisfied);
    return *allowed ? 0 : tool_fail(call, "exec denied: it needs a person's approval, and %s.", why);
}

static int ask_person(struct turn *t, struct tool_call *call, const struct rules *r, const char *folder, const struct exec_scan *scan,
                      bool satisfied, bool *allowed)
{
    char why[400];
    struct str command = tool_text(call, "command", NULL);
    struct msg q = { .kind = MSG_exec_approve }, answer;
    int64_t timeout_ms = config_int(call->place->config, "tools.exec.approvalTimeoutMs");
    q.exec_approve = (struct msg_exec_approve){ .session_key = str_of(t->s->key),
                                                .agent = t->s->agent->id,
                                                .folder = str_of(folder),
                                                .security = str_of(SECURITY[r->security]),
                                                .ask = str_of(ASK[r->ask]),
                                                .path = str_of(scan->count ? scan->programs[0].path : ""),
                                                .timeout_ms = timeout_ms,
                                                .command = command };
    int rc = ask_gateway(t, &q, &answer);
    if (rc == GW_EABORTED || rc == GW_ECLOSED || rc == GW_ENOMEM || t->error.n) return rc;
    if (rc) {
        snprintf(why, sizeof why, rc == GW_ETIMEOUT ? "nobody answered within %lld s" : "nobody can be asked here",
                 (long long)timeout_ms / 1000);
        return fall_back(call, r, satisfied, why, allowed);
    }
    const struct msg_exec_approved *a = &answer.exec_approved;
    *allowed = a->decision == APPROVAL_ALLOW_ONCE || a->decision == APPROVAL_ALLOW_ALWAYS;
    if (a->decision == APPROVAL_ALLOW_ALWAYS && r->security == SECURITY_ALLOWLIST && !scan->problem) rc = remember(t, scan, command);
    if (a->decision == APPROVAL_DENY) {
        tool_fail(call, "exec denied: %.*s refused this command. Do not try it again; ask what is wanted instead.",
                  STR_ARG(a->by.n ? a->by : STR("a person")));
    } else if (!*allowed) {
        snprintf(why, sizeof why, "it could not be asked for (%.*s)", STR_ARG(a->problem));
        rc = fall_back(call, r, satisfied, why, allowed);
    }
    msg_clear(&answer);
    return rc;
}

/* --- the judgement ------------------------------------------------------------------------------------------------ */

static int judge(struct turn *t, struct tool_call *call, const struct rules *r, const char *folder, struct str path, bool *allowed)
{
    const struct exec_where where = { folder, path, getenv("HOME") };
    struct exec_scan *scan = malloc(sizeof *scan);
    if (!scan) return GW_ENOMEM;
    exec_scan(tool_text(call, "command", NULL), &where, scan);
    const struct exec_program *miss = scan->problem ? NULL : find_miss(call->place, r, scan);
    bool satisfied = r->security == SECURITY_FULL || (!scan->problem && !miss);
    int rc = 0;
    *allowed = satisfied && r->ask != ASK_ALWAYS;
    if (r->ask == ASK_ALWAYS || (r->ask == ASK_ON_MISS && !satisfied))
        rc = ask_person(t, call, r, folder, scan, satisfied, allowed);
    else if (!satisfied)
        rc = refuse_miss(call, scan, miss);
    free(scan);
    return rc;
}

int turn_approve_command(struct turn *t, struct tool_call *call, const char *folder, struct str environment, bool *allowed)
{
    struct rules r = { 0 };
    *allowed = false;
    int rc = read_rules(t, call, &r);
    if (rc == 0 && r.security == SECURITY_DENY)
        tool_fail(call, "exec denied: host=gateway security=deny");
    else if (rc == 0 && r.security == SECURITY_FULL && r.ask != ASK_ALWAYS)
        *allowed = true;
    else if (rc == 0)
        rc = judge(t, call, &r, folder, path_in(environment), allowed);
    json_decref(r.file);
    return rc == GW_EINVAL ? 0 : rc;
}
