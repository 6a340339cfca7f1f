/* chat_status.c -- commands that tell what there is: the session, who asks, what is in the prompt. */
#include "channels/chat_commands_internal.h"

struct str chat_thinking(const struct chat_facts *facts)
{
    struct str level = json_str(facts->entry, "thinkingLevel");
    if (level.n == 0) level = chat_agent(facts)->thinking;
    return level.n ? level : STR("off");
}

/* 999, 1.2k, 128k, 1.0m: as OpenClaw shows tokens. */
static void add_tokens(struct buf *out, int64_t n)
{
    if (n >= 1000000)
        buf_printf(out, "%.1fm", (double)n / 1000000);
    else if (n >= 10000)
        buf_printf(out, "%lldk", (long long)((n + 500) / 1000));
    else if (n >= 1000)
        buf_printf(out, "%.1fk", (double)n / 1000);
    else
        buf_int(out, n);
}

/* 7804 as 7,804. */
static void add_grouped(struct buf *out, int64_t n)
{
    if (n >= 1000) {
        add_grouped(out, n / 1000);
        buf_printf(out, ",%03d", (int)(n % 1000));
    } else {
        buf_int(out, n);
    }
}

static void add_share(struct buf *out, int64_t used, int64_t window)
{
    if (window > 0) buf_printf(out, " (%d%%)", (int)(((double)used * 100) / (double)window + 0.5));
}

static void add_context(const struct chat_facts *facts, struct buf *out)
{
    bool known = json_is_integer(json_object_get(facts->entry, "totalTokens"));
    int64_t used = json_int(facts->entry, "totalTokens", 0), window = json_int(facts->entry, "contextTokens", 0);
    buf_text(out, known ? "Context: " : "Context: ?");
    if (known) add_tokens(out, used);
    buf_char(out, '/');
    add_tokens(out, window);
    if (known) add_share(out, used, window);
}

/* Of the key, that there is one: the answer becomes part of the conversation, and so of prompts. */
static void add_model(const struct chat_facts *facts, struct buf *out)
{
    struct str provider = json_str(facts->resolved, "modelProvider");
    const struct config_provider *p = config_provider_find(facts->config, provider);
    buf_printf(out, "🧠 Model: %.*s/%.*s · 🔑 %s\n", STR_ARG(provider), STR_ARG(json_str(facts->resolved, "model")),
               p && p->api_key.n ? "api-key" : "none");
}

static void add_levels(const struct chat_facts *facts, struct buf *out)
{
    struct str verbose = json_str(facts->entry, "verboseLevel"), reasoning = json_str(facts->entry, "reasoningLevel");
    buf_printf(out, "⚙️ Runtime: direct · Think: %.*s", STR_ARG(chat_thinking(facts)));
    if (str_is(verbose, "on")) buf_text(out, " · verbose");
    if (str_is(verbose, "full")) buf_text(out, " · verbose:full");
    if (reasoning.n && !str_is(reasoning, "off")) buf_printf(out, " · Reasoning: %.*s", STR_ARG(reasoning));
}

void chat_reply_status(const struct chat_command *command, const struct chat_facts *facts, struct buf *out)
{
    int64_t in = json_int(facts->entry, "inputTokens", 0), spoken = json_int(facts->entry, "outputTokens", 0);
    (void)command;
    buf_printf(out, "🦞 OpenClaw %s (%s)\n", facts->version, facts->release);
    add_model(facts, out);
    if (in || spoken) {
        buf_text(out, "🧮 Tokens: ");
        add_tokens(out, in);
        buf_text(out, " in / ");
        add_tokens(out, spoken);
        buf_text(out, " out\n");
    }
    buf_text(out, "📚 ");
    add_context(facts, out);
    buf_printf(out, " · 🧹 Compactions: %lld\n", (long long)json_int(facts->entry, "compactionCount", 0));
    buf_printf(out, "🧵 Session: %.*s • updated just now\n", STR_ARG(facts->session_key)); /* by this very command */
    add_levels(facts, out);
    buf_printf(out, "\n🪢 Queue: %.*s (depth %zu)", STR_ARG(chat_queue_mode(facts)), facts->waiting);
}

void chat_reply_whoami(const struct chat_command *command, const struct chat_facts *facts, struct buf *out)
{
    struct str id = facts->client_id.n ? str_utf8_prefix(facts->client_id, 200) : STR("unknown");
    (void)command;
    buf_printf(out, "🧭 Identity\nChannel: webchat\nUser id: %.*s\nAllowFrom: %.*s", STR_ARG(id), STR_ARG(id));
}

void chat_command_compacted(bool compacted, int64_t before, int64_t after, int64_t window, struct buf *out)
{
    buf_text(out, compacted ? "⚙️ Compacted (" : "⚙️ Not compacted: there is nothing to sum up yet");
    if (compacted) add_tokens(out, before);
    buf_text(out, compacted ? " before) • Context " : " • Context ");
    add_tokens(out, after);
    buf_char(out, '/');
    add_tokens(out, window);
    add_share(out, after, window);
}

/* --- what is in the prompt ---------------------------------------------------------------------------------------- */

static void list_files(const struct chat_facts *facts, struct buf *out)
{
    size_t i;
    json_t *file;
    buf_text(out, "\n\nInjected workspace files:");
    json_array_foreach(facts->files, i, file)
    {
        int64_t bytes = json_int(file, "size", 0);
        buf_printf(out, "\n- %.*s: ", STR_ARG(json_str(file, "name")));
        if (json_is_true(json_object_get(file, "missing"))) {
            buf_text(out, "MISSING");
            continue;
        }
        buf_text(out, "OK | raw ");
        add_grouped(out, bytes);
        buf_text(out, " bytes (~");
        add_grouped(out, (bytes + 3) / 4);
        buf_text(out, " tok)");
    }
}

static void context_breakdown(const struct chat_facts *facts, struct buf *out)
{
    const struct config_limits *limits = config_limits(facts->config);
    int64_t used = json_int(facts->entry, "totalTokens", 0);
    buf_printf(out, "🧠 Context breakdown\nWorkspace: %.*s\nBootstrap max/file: ", STR_ARG(chat_agent(facts)->workspace));
    add_grouped(out, limits->bootstrap_max_chars);
    buf_text(out, " chars\nBootstrap max/total: ");
    add_grouped(out, limits->bootstrap_total_max_chars);
    buf_text(out, " chars\nSandbox: mode=off sandboxed=false");
    list_files(facts, out);
    buf_text(out, "\n\nSession tokens (cached): ");
    add_grouped(out, used);
    buf_text(out, " total / ctx=");
    add_grouped(out, json_int(facts->entry, "contextTokens", 0));
}

void chat_reply_context(const struct chat_command *command, const struct chat_facts *facts, struct buf *out)
{
    if (str_ieq(command->args, STR("list")))
        context_breakdown(facts, out);
    else
        buf_text(
            out,
            "🧠 /context\n\nWhat counts as context (high-level), plus a breakdown mode.\n\nTry:\n- /context list   (short breakdown)");
}
