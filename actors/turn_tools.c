#include "actors/turn_tools.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/query_util.h"
#include "actors/traces.h"
#include "actors/turn_loops.h"
#include "base/clock.h"
#include "base/log.h"

static turn_tool_fn *const RUN[] = {
#define TURN_RUN_LOCAL(id) NULL
#define TURN_RUN_TURN(id) turn_tool_##id
#define TOOL(id, name, group, home, summary, description) [TOOL_##id] = TURN_RUN_##home(id),
#define FIRST(name, kind, need, lo, hi, doc)
#define PARAM(name, kind, need, lo, hi, doc)
#define FIRST_CHOICE(name, need, doc, ...)
#define CHOICE(name, need, doc, ...)
#define END
#include "tools/tools.def"
#include "tools/tools_undef.h"
};

/* --- the offer -------------------------------------------------------------------------------------------------- */

void turn_offer_tools(struct turn *t)
{
    const struct tool_asker asker = {
        .config = t->s->config,
        .agent = t->s->agent,
        .model = t->s->agent->models[0],
        .channel = t->run->channel,
        .depth = (int)t->run->depth,
        .depth_max = (int)config_limits(t->s->config)->max_spawn_depth,
    };
    t->tools = tool_policy(&asker);
}

size_t turn_list_tools(const struct turn *t, struct arena *arena, const struct chat_tool **out)
{
    struct chat_tool *list = arena_alloc(arena, TOOL_COUNT, sizeof *list);
    size_t n = 0;
    for (int i = 0; list && i < TOOL_COUNT; i++) {
        const struct tool *tool = tool_at((enum tool_id)i);
        if (!tool_in(t->tools, (enum tool_id)i)) continue;
        list[n++] = (struct chat_tool){ str_of(tool->name), str_of(tool->description), tool_schema(tool, arena) };
    }
    *out = list;
    return n;
}

/* --- what watchers hear ----------------------------------------------------------------------------------------- */

static void tell(const struct turn *t, const struct chat_part *call, enum turn_tool_phase phase, bool failed, struct str text)
{
    if (t->run->reply.n == 0 || !t->run->stream) return;
    struct msg m = { .kind = MSG_turn_tool, .corr = t->corr, .trace = t->trace };
    char reply[MSG_NAME_MAX + 1];
    str_copy(reply, sizeof reply, t->run->reply);
    m.turn_tool = (struct msg_turn_tool){
        .phase = phase,
        .name = str_utf8_prefix(call->name, 256),
        .call = str_utf8_prefix(call->id, 256),
        .failed = failed,
        .text = str_utf8_prefix(text, TOOL_RESULT_MAX),
    };
    mailbox_send(t->s->mailbox, reply, &m);
}

/* --- a result --------------------------------------------------------------------------------------------------- */

/* Keeps the whole where the model can read it; the newest TURN_RESULT_FILES of a workspace stay. @return whether that worked */
static bool keep_whole(const struct turn *t, struct str whole, char *path, size_t cap)
{
    char file[PATH_MAX];
    int error;
    snprintf(path, cap, ".openclaw/tool-results/%d.txt", (int)((t->run->turn * 8 + t->calls) % TURN_RESULT_FILES));
    int n = snprintf(file, sizeof file, "%s/%s", t->s->agent->workspace.p, path);
    return n > 0 && (size_t)n < sizeof file && query_write_file(file, whole, 0600, &error) == 0;
}

/* The head and the tail of a long result, and where the rest is. */
static void cut(const struct turn *t, struct buf *result)
{
    char path[128];
    struct str whole = buf_str(result);
    if (whole.n <= TOOL_RESULT_MAX) return;
    bool kept = keep_whole(t, whole, path, sizeof path);
    struct str head = str_utf8_prefix(whole, TOOL_RESULT_MAX * 7 / 10);
    struct str tail = str_utf8_suffix(whole, TOOL_RESULT_MAX / 5);
    struct buf text = { 0 };
    buf_add(&text, head);
    buf_printf(&text, "\n\n[... %zu bytes left out", whole.n - head.n - tail.n);
    if (kept) buf_printf(&text, "; the whole is in %s, use read with offset and limit", path);
    buf_text(&text, " ...]\n\n");
    buf_add(&text, tail);
    buf_free(result);
    *result = text;
}

static int record(struct turn *t, const struct chat_part *call, struct str text, bool failed)
{
    struct chat_part part = { .kind = CHAT_TEXT, .text = text };
    struct chat_message result = { .role = CHAT_TOOL_RESULT,
                                   .parts = &part,
                                   .part_count = 1,
                                   .timestamp_ms = clock_wall_ms(),
                                   .tool_call_id = call->id,
                                   .tool_name = call->name,
                                   .is_error = failed };
    return turn_append(t, &result, STR(""));
}

/* --- a call ----------------------------------------------------------------------------------------------------- */

/* At the depth limit sessions_spawn is not offered; who calls it all the same reads why (DESIGN 9). */
static bool may_run(const struct turn *t, enum tool_id id)
{
    return tool_in(t->tools, id) || (id != TOOL_COUNT && str_is(str_of(tool_at(id)->name), "sessions_spawn") && t->run->depth > 0);
}

static int carry_out(struct turn *t, enum tool_id id, struct tool_call *call, struct str text)
{
    const struct tool *tool = tool_at(id);
    json_t *args;
    int rc = tool_read_args(tool, text, &args, call->result);
    if (rc == GW_EINVAL) call->failed = true;
    if (rc) return rc == GW_EINVAL ? 0 : rc;
    call->args = args;
    rc = tool->run ? tool->run(call) : RUN[id](t, call);
    json_decref(args);
    return rc;
}

static int answer(struct turn *t, const struct chat_part *part, struct tool_call *call)
{
    enum tool_id id = tool_find(part->name);
    if (!may_run(t, id)) {
        call->failed = true;
        buf_printf(call->result, "Tool %.*s not found", STR_ARG(str_utf8_prefix(part->name, 256)));
        return 0;
    }
    int rc = turn_loops_check(t, part, call);
    if (rc || call->failed) return rc;
    return carry_out(t, id, call, part->text);
}

/* The folders of the agent's skills: the prompt tells the model to read files there. */
static void list_readable(struct turn *t, struct arena *arena, struct tool_place *place)
{
    size_t count;
    const struct skill *skills = skills_list(session_skills(t->s), &count);
    struct str *folders = arena_alloc(arena, count, sizeof *folders);
    if (!folders) return;
    for (size_t i = 0; i < count; i++) folders[i] = arena_str(arena, skills[i].dir); /* with a NUL behind it, which `dir` has not */
    place->readable = folders;
    place->readable_count = count;
}

/* The agent's folder and its temporary one, with those above them, before its first tool looks for them. */
static void make_workspace(const struct turn *t)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/.openclaw/tmp", t->s->agent->workspace.p);
    if (n < 0 || (size_t)n >= sizeof path || access(path, F_OK) == 0) return;
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
    if (mkdir(path, 0700) != 0) log_event(LOG_WARN, "workspace_not_made", LOG_T("folder", path), LOG_T("reason", strerror(errno)));
}

int turn_skip_tool(struct turn *t, const struct chat_part *part)
{
    return record(t, part, STR("Skipped: a new message of the user came first."), true);
}

int turn_run_tool(struct turn *t, const struct chat_part *part)
{
    struct buf result = { .max = TURN_RESULT_BYTES_MAX };
    struct arena arena = { 0 };
    struct tool_place place = { .config = t->s->config,
                                .agent = t->s->agent,
                                .workspace = t->s->agent->workspace.p,
                                .session_key = str_of(t->s->key),
                                .now_ms = clock_wall_ms() };
    struct tool_call call = { .place = &place, .name = part->name, .id = part->id, .result = &result };
    int64_t began = clock_mono_ms();
    int refused = t->refused;
    make_workspace(t);
    list_readable(t, &arena, &place);
    t->calls++;
    tell(t, part, TURN_TOOL_START, false, part->text);
    int rc = answer(t, part, &call);
    if (rc == 0 && result.err) rc = tool_fail(&call, "The result was too large.");
    if (rc == 0) {
        cut(t, &result);
        if (t->refused == refused) turn_loops_note(t, part, &result);
        rc = record(t, part, buf_str(&result), call.failed);
        tell(t, part, TURN_TOOL_RESULT, call.failed, buf_str(&result));
    }
    log_event(LOG_INFO, "tool_ended", LOG_T("session", t->s->key), LOG_I("turn", t->run->turn),
              LOG_S("tool", str_utf8_prefix(part->name, 64)), LOG_I("ms", clock_mono_ms() - began), LOG_I("bytes", (int64_t)result.n),
              LOG_I("failed", call.failed));
    const struct trace_step step = { .turn = t->run->turn,
                                     .trace = t->trace,
                                     .name = "openclaw.tool",
                                     .key = "openclaw.tool",
                                     .value = str_utf8_prefix(part->name, 64),
                                     .began_ms = place.now_ms,
                                     .failed = rc != 0 || call.failed };
    if (t->run->traced) trace_step(t->s->mailbox, &step);
    buf_free(&result);
    arena_free(&arena);
    return rc;
}
