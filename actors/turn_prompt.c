/* actors/turn_prompt.c -- what a model is asked: system prompt, conversation within the window, candidates. */
#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "actors/heartbeat.h"
#include "actors/history.h"
#include "actors/prompt.h"
#include "actors/turn_internal.h"
#include "actors/turn_tools.h"
#include "channels/session_key.h"
#include "msgs/chat_pack.h"

int64_t turn_window(const struct turn *t)
{
    const struct config_agent *agent = t->s->agent;
    if (agent->context_tokens) return agent->context_tokens;
    const struct config_provider *p = config_provider_find(t->s->config, agent->models[0].provider);
    const struct config_model *m = p ? config_provider_model(p, agent->models[0].model) : NULL;
    return m && m->context_window ? m->context_window : SESSION_WINDOW_TOKENS;
}

static struct str host_os(char *out, size_t cap)
{
    struct utsname u;
    if (uname(&u) != 0) return STR("Linux");
    struct str release = str_of(u.release);
    struct str major = str_split(&release, '.'), minor = str_split(&release, '.');
    int n =
        snprintf(out, cap, "%s %.*s.%.*s (%s)", u.sysname, STR_ARG(major), STR_ARG(minor), strcmp(u.machine, "x86_64") ? u.machine : "x64");
    return (struct str){ out, n > 0 && (size_t)n < cap ? (size_t)n : 0 };
}

/* The offered tools by name and summary. @return their number */
static size_t list_tools(const struct turn *t, struct prompt_tool list[TOOL_COUNT])
{
    size_t n = 0;
    for (int i = 0; i < TOOL_COUNT; i++) {
        const struct tool *tool = tool_at((enum tool_id)i);
        if (tool_in(t->tools, (enum tool_id)i)) list[n++] = (struct prompt_tool){ str_of(tool->name), str_of(tool->summary) };
    }
    return n;
}

static int build_system(struct turn *t, struct buf *out)
{
    struct session *s = t->s;
    const struct config_agent *agent = s->agent;
    const struct config_limits *limits = config_limits(s->config);
    char host[256] = "", os[128];
    struct prompt_tool tools[TOOL_COUNT];
    bool minimal = str_find(str_of(s->key), STR(":subagent:")) >= 0 || str_find(str_of(s->key), STR(":cron:")) >= 0;
    gethostname(host, sizeof host - 1);
    struct prompt_input in = {
        .mode = minimal ? PROMPT_MINIMAL : PROMPT_FULL,
        .agent_id = agent->id,
        .agent_name = agent->identity_name.n ? agent->identity_name : agent->name,
        .workspace = agent->workspace.p,
        .model = t->run->model.n ? t->run->model : agent->models[0].text,
        .default_model = agent->models[0].text,
        .timezone = agent->time_zone,
        .host = str_of(host),
        .os = host_os(os, sizeof os),
        .channel = t->run->channel,
        .thinking = t->run->thinking.n ? t->run->thinking : agent->thinking,
        .extra_system = t->run->system,
        .tools = tools,
        .tool_count = list_tools(t, tools),
        .depth = (unsigned)t->run->depth,
        .depth_max = (unsigned)limits->max_spawn_depth,
        .skills = session_skills(s),
        .only_skills = t->run->skills,
        .file_chars = limits->bootstrap_max_chars,
        .total_chars = limits->bootstrap_total_max_chars,
    };
    struct heartbeat_settings heartbeat;
    heartbeat_settings(s->config, agent, &heartbeat);
    if (heartbeat.enabled) in.heartbeat = heartbeat.prompt;
    return prompt_build(&in, out);
}

/* The model refs to try, one a line: the one asked for, then the agent's chain, of a sub-agent that for sub-agents. */
void turn_list_candidates(struct turn *t)
{
    const struct config_agent *agent = t->s->agent;
    bool spawned = t->run->depth > 0;
    const struct model_ref *chain = spawned ? agent->subagent_models : agent->models;
    size_t count = spawned ? agent->subagent_model_count : agent->model_count;
    buf_clear(&t->candidates);
    buf_add(&t->candidates, t->run->model);
    for (size_t i = 0; i < count; i++) {
        if (str_eq(chain[i].text, t->run->model)) continue;
        if (t->candidates.n) buf_char(&t->candidates, '\n');
        buf_add(&t->candidates, chain[i].text);
    }
}

payload_t *turn_pack(const struct chat_request *request)
{
    struct buf packed = { 0 };
    size_t n;
    int rc = chat_pack_request(&packed, request);
    char *bytes = rc ? NULL : buf_take(&packed, &n);
    buf_free(&packed);
    return bytes ? payload_take(bytes, n) : NULL;
}

static bool is_set(const struct turn *t, struct buf *path, int64_t *value)
{
    bool set = !path->err && config_get(t->s->config, buf_str(path)) != NULL;
    if (set) *value = config_int(t->s->config, buf_cstr(path));
    buf_free(path);
    return set;
}

/* How many turns of a direct chat are shown (reference discord.md, dmHistoryLimit); 0: all. The session key tells that it is
 * one: agent:<id>:[<channel>:[<account>:]]direct:<peer>. */
static int64_t direct_chat_limit(const struct turn *t)
{
    struct session_key key;
    struct buf path = { .max = SESSION_KEY_BYTES + 64 };
    int64_t limit = 0;
    if (session_key_parse(str_of(t->s->key), &key) != 0) return 0;
    struct str peer = key.rest, channel = { 0 }, part = str_split(&peer, ':');
    for (; peer.n && !str_is(part, "direct"); part = str_split(&peer, ':'))
        if (!channel.n) channel = part;
    if (!peer.n) return 0;
    if (!channel.n) channel = t->run->channel;
    buf_printf(&path, "channels.%.*s.dms[\"%.*s\"].historyLimit", STR_ARG(channel), STR_ARG(peer));
    if (is_set(t, &path, &limit)) return limit;
    buf_printf(&path, "channels.%.*s.dmHistoryLimit", STR_ARG(channel));
    return is_set(t, &path, &limit) ? limit : 0;
}

/* The whole conversation as one packed request: repaired, and no longer than the window. */
int turn_build_prompt(struct turn *t, payload_t **out)
{
    struct session *s = t->s;
    struct arena arena = { 0 };
    struct buf system = { 0 };
    struct history history;
    *out = NULL;
    int rc = build_system(t, &system);
    if (rc == 0) rc = history_repair(s->messages, s->count, &arena, &history);
    if (rc == 0) {
        int64_t budget = turn_window(t) - SESSION_RESERVE_TOKENS - (int64_t)system.n / 4;
        size_t from = history_window(history.messages, history.count, budget > 4096 ? budget : 4096);
        size_t shown = history_last_turns(history.messages, history.count, direct_chat_limit(t));
        if (shown > from) from = shown;
        const struct chat_tool *tools;
        size_t tool_count = turn_list_tools(t, &arena, &tools);
        const struct chat_request request = {
            .system = buf_str(&system),
            .messages = history.messages + from,
            .message_count = history.count - from,
            .tools = tools,
            .tool_count = tool_count,
            .thinking = t->run->thinking.n ? t->run->thinking : s->agent->thinking,
        };
        *out = turn_pack(&request);
        if (!*out) rc = GW_ENOMEM;
    }
    arena_free(&arena);
    buf_free(&system);
    if (rc) turn_fail(t, FAILURE_server, "The prompt could not be built.");
    return rc;
}
