/* Which messages are commands, and what is answered: OpenClaw 2026.2.17's own answers (tests/data/commands/replies.json, from the
 * captured frames slash-cmd-*), and where ours differ, ours beside them. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/file.h"
#include "channels/chat_commands.h"
#include "support/config_fixture.h"

static const char CONFIG[] =
    "{agents:{defaults:{models:{'mock/m2':{},'mock/m':{alias:'small'}}},list:[{id:'beta',default:true,workspace:'/data/"
    "ws-beta',model:'mock/m2'}]},"
    "models:{providers:{mock:{baseUrl:'http://127.0.0.1:9/v1',apiKey:'k-throwaway',api:'openai-completions',models:["
    "{id:'m',name:'m',contextWindow:128000},{id:'m2',name:'m2',contextWindow:128000}]}}},"
    "tools:{exec:{host:'sandbox',security:'deny',ask:'on-miss'}}}";

static const char MODELS[] = "[{\"id\":\"m\",\"name\":\"m\",\"provider\":\"mock\"},{\"id\":\"m2\",\"name\":\"m2\",\"provider\":\"mock\"},"
                             "{\"id\":\"echo\",\"name\":\"Demo\",\"provider\":\"demo\"}]";
static const char FILES[] = "[{\"name\":\"AGENTS.md\",\"missing\":false,\"size\":7804},{\"name\":\"SOUL.md\",\"missing\":true}]";

static struct buf said;
static char asked_for[256]; /* of config.patch: raw|baseHash */
static json_t *entry, *resolved, *models, *files, *settings;
static struct chat_facts facts;

static void begin(void)
{
    parse(CONFIG);
    entry = json_pack("{s:i, s:i, s:i, s:i}", "inputTokens", 0, "outputTokens", 0, "totalTokens", 0, "contextTokens", 128000);
    resolved = json_pack("{s:s, s:s}", "modelProvider", "mock", "model", "m2");
    models = json_loads(MODELS, 0, NULL);
    files = json_loads(FILES, 0, NULL);
    cr_assert(entry && resolved && models && files);
    facts = (struct chat_facts){ .config = cfg,
                                 .session_key = STR("agent:beta:main"),
                                 .client_id = STR("openclaw-control-ui"),
                                 .version = "2026.2.17",
                                 .release = "4134875",
                                 .entry = entry,
                                 .resolved = resolved,
                                 .models = models,
                                 .files = files };
}

static void end(void)
{
    json_decref(entry);
    json_decref(resolved);
    json_decref(models);
    json_decref(files);
    buf_free(&said);
    config_end();
}

TestSuite(chat_commands, .init = begin, .fini = end);

/* What the store makes of a change: "off" is no entry for two of them, words with a z it does not know. */
static void store(const json_t *patch)
{
    const char *name;
    json_t *value;
    facts.refusal = (struct str){ 0 };
    facts.patched = false;
    json_object_foreach((json_t *)patch, name, value)
    {
        const char *word = json_string_value(value);
        bool none = !word || (strcmp(word, "off") == 0 && (strcmp(name, "reasoningLevel") == 0 || strcmp(name, "responseUsage") == 0));
        facts.patched = true;
        if (word && strchr(word, 'z')) facts.refusal = STR("invalid");
        if (none)
            json_object_del(entry, name);
        else
            json_object_set(entry, name, value);
    }
    if (facts.refusal.n) facts.patched = false;
}

/* @return the answer; NULL when the message is for the model */
static const char *say(const char *message)
{
    struct chat_command command;
    buf_clear(&said);
    if (!chat_command_parse(str_of(message), &command)) return NULL;
    if (command.id == CHAT_COMMAND_new || command.id == CHAT_COMMAND_reset) return NULL;
    json_t *patch = json_object();
    json_t *written = json_object();
    facts.patched = false;
    bool writes = chat_command_config(&command, &facts, written), any = !writes && chat_command_patch(&command, &facts, patch);
    if (writes)
        snprintf(asked_for, sizeof asked_for, "%s|%s", json_string_value(json_object_get(written, "raw")),
                 json_string_value(json_object_get(written, "baseHash")));
    json_decref(written);
    cr_expect_eq(any, json_object_size(patch) > 0, "%s", message);
    store(patch);
    json_decref(patch);
    if (writes) facts.patched = !facts.refusal.n;
    chat_command_reply(&command, &facts, &said);
    cr_assert_eq(said.err, 0);
    return buf_cstr(&said);
}

static void expect(const char *message, const char *want)
{
    const char *got = say(message);
    cr_expect_str_eq(got ? got : "(the model's)", want, "%s: %s", message, got ? got : "(the model's)");
}

/* Where our answer is not OpenClaw's: what it speaks of is not here, or is not so. */
static const struct {
    const char *message, *reply;
} OURS[] = {
    { "/commands", NULL }, /* a test of its own */
    { "/context",
      "🧠 /context\n\nWhat counts as context (high-level), plus a breakdown mode.\n\nTry:\n- /context list   (short breakdown)" },
    { "/context list",
      "🧠 Context breakdown\nWorkspace: /data/ws-beta\nBootstrap max/file: 20,000 chars\nBootstrap max/total: 150,000 chars\n"
      "Sandbox: mode=off sandboxed=false\n\nInjected workspace files:\n- AGENTS.md: OK | raw 7,804 bytes (~1,951 tok)\n"
      "- SOUL.md: MISSING\n\nSession tokens (cached): 0 total / ctx=128,000" },
    { "/elevated", "elevated is not available right now (runtime=direct).\nFailing gates: allowFrom (tools.elevated.allowFrom.webchat)\n"
                   "Fix-it keys:\n- tools.elevated.enabled\n- tools.elevated.allowFrom.<provider>\n- agents.list[].tools.elevated.enabled\n"
                   "- agents.list[].tools.elevated.allowFrom.<provider>" },
    { "/help", "ℹ️ Help\n\nSession\n  /new  |  /reset  |  /compact  |  /stop\n\nOptions\n  /think <level>  |  /model <id>  |  /verbose "
               "on|off\n\n"
               "Status\n  /status  |  /whoami  |  /context\n\nSkills\n  /skill <name> [input]\n\nMore: /commands for full list" },
    { "/export-session", "⚠️ /export-session is not available here yet." },
    { "/model list", "Providers:\n- mock (2)\n- demo (1)\n\nUse: /models <provider>\nSwitch: /model <provider/model>" },
    { "/models", "Providers:\n- mock (2)\n- demo (1)\n\nUse: /models <provider>\nSwitch: /model <provider/model>" },
    { "/model status", "Current: mock/m2\nDefault: mock/m2\nAgent: beta\n\n[mock] endpoint: http://127.0.0.1:9/v1 auth: api-key\n"
                       "  • mock/m\n  • mock/m2\n\n[demo] endpoint: default auth: missing\n  • demo/echo" },
    { "/queue", "Current queue settings: mode=collect, debounce=1000ms, cap=20, drop=summarize.\n"
                "Options: modes steer, followup, collect, steer+backlog, interrupt." },
    { "/status",
      "🦞 OpenClaw 2026.2.17 (4134875)\n🧠 Model: mock/m2 · 🔑 api-key\n📚 Context: 0/128k (0%) · 🧹 Compactions: 0\n"
      "🧵 Session: agent:beta:main • updated just now\n⚙️ Runtime: direct · Think: off\n🪢 Queue: collect (depth 0)" },
    { "/tts status", "📊 TTS status\nState: ❌ disabled\nThere is no speech output here yet." },
};

static bool is_ours(const char *message)
{
    for (size_t i = 0; i < sizeof OURS / sizeof *OURS; i++)
        if (strcmp(message, OURS[i].message) == 0) return true;
    return false;
}

/* A row begins with the state that the one before it left in OpenClaw's session. */
static void fresh(const char *message)
{
    json_object_del(entry, "thinkingLevel");
    if (strcmp(message, "/usage") == 0) json_object_del(entry, "responseUsage");
}

Test(chat_commands, captured_answers_are_given_word_for_word)
{
    json_t *rows = json_load_file(TEST_DATA_DIR "/commands/replies.json", 0, NULL), *row;
    size_t i, same = 0;
    json_array_foreach(rows, i, row)
    {
        const char *message = json_string_value(json_object_get(row, "message"));
        const char *reply = json_string_value(json_object_get(row, "reply"));
        if (is_ours(message) || strcmp(message, "/compact") == 0) continue; /* that is a turn: test_e2e_commands */
        fresh(message);
        const char *got = say(message);
        cr_expect_str_eq(got ? got : "(the model's)", reply ? reply : "(the model's)", "%s: %s", message, got ? got : "(the model's)");
        same++;
    }
    cr_expect_gt(same, 35, "%zu", same);
    json_decref(rows);
}

Test(chat_commands, other_answers_say_what_is_so_here)
{
    for (size_t i = 0; i < sizeof OURS / sizeof *OURS; i++)
        if (OURS[i].reply) expect(OURS[i].message, OURS[i].reply);
}

Test(chat_commands, the_list_has_every_command_that_can_do_something)
{
    static const char start[] = "ℹ️ Slash commands\n\nSession\n  /stop - Stop the current run.\n  /reset - Reset the current session.\n"
                                "  /new - Start a new session.\n  /compact - Compact the session context.\n\nOptions\n";
    const char *list = say("/commands");
    cr_expect(strncmp(list, start, sizeof start - 1) == 0, "%s", list);
    cr_expect(strstr(list, "\n\nOptions\n  /usage - Usage footer or cost summary.\n  /think (/thinking, /t) - Set thinking level.\n"
                           "  /verbose (/v) - Toggle verbose m"));
    cr_expect(strstr(list, "\n  /whoami (/id) - "));
    cr_expect_null(strstr(list, "/tts"));
    cr_expect_null(strstr(list, "/restart"));
}

Test(chat_commands, each_one_is_explained)
{
    static const char *const names[] = {
#define COMMAND(id, name, aliases, group, takes, needs, line) name,
#include "channels/chat_commands.def"
#undef COMMAND
    };
    struct buf doc = { 0 };
    cr_assert_eq(file_read(SOURCE_DIR "/docs/commands.md", 1 << 20, &doc), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char shown[64];
        snprintf(shown, sizeof shown, "`/%s", names[i]);
        cr_expect(strstr(buf_cstr(&doc), shown) != NULL, "docs/commands.md does not tell about %s", names[i]);
    }
    buf_free(&doc);
}

static bool is_command(const char *message, enum chat_command_id id, const char *args)
{
    struct chat_command c;
    return chat_command_parse(str_of(message), &c) && c.id == id && str_is(c.args, args);
}

Test(chat_commands, names_are_read_with_their_aliases_in_any_case)
{
    cr_expect(is_command("/think", CHAT_COMMAND_think, ""));
    cr_expect(is_command("  /THINK  high ", CHAT_COMMAND_think, "high"));
    cr_expect(is_command("/t low", CHAT_COMMAND_think, "low"));
    cr_expect(is_command("/thinking: low", CHAT_COMMAND_think, "low"));
    cr_expect(is_command("/id", CHAT_COMMAND_whoami, ""));
    cr_expect(is_command("/tell 1 hurry", CHAT_COMMAND_steer, "1 hurry"));
    cr_expect(is_command("/new\nlet us begin", CHAT_COMMAND_new, "let us begin"));
    cr_expect(is_command("/reset mock/m hi there", CHAT_COMMAND_reset, "mock/m hi there"));
}

Test(chat_commands, a_session_begins_anew_at_the_words_that_are_set)
{
    struct chat_command c;
    cr_expect(chat_command_read(cfg, STR("/new hi"), &c) && c.id == CHAT_COMMAND_new && str_is(c.args, "hi"));
    cr_expect(chat_command_read(cfg, STR("/Reset"), &c) && c.id == CHAT_COMMAND_reset);
    parse("{session:{resetTriggers:['/fresh','begin again','/reset']}}");
    cr_expect(chat_command_read(cfg, STR("/fresh hi"), &c) && c.id == CHAT_COMMAND_new && str_is(c.args, "hi"));
    cr_expect(chat_command_read(cfg, STR("Begin again"), &c) && c.id == CHAT_COMMAND_new && c.args.n == 0);
    cr_expect(chat_command_read(cfg, STR("/reset"), &c) && c.id == CHAT_COMMAND_reset);
    cr_expect(chat_command_read(cfg, STR("/status"), &c) && c.id == CHAT_COMMAND_status);
    cr_expect_not(chat_command_read(cfg, STR("/new hi"), &c));
    cr_expect_eq(c.id, CHAT_COMMAND_none);
}

Test(chat_commands, anything_else_is_for_the_model)
{
    static const char *const messages[] = {
        "",           "/",       "//",          "/ think",     "think high",   "/thinkhigh",
        "/news",      "/new/a",  "hey /status", "/status now", "/help me",     "/think high please do this",
        "/model a b", "/agents", "/skill x",    "/session",    "/dock-discord"
    };
    struct chat_command c;
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
        cr_expect_not(chat_command_parse(str_of(messages[i]), &c), "%s", messages[i]);
        cr_expect_eq(c.id, CHAT_COMMAND_none);
    }
}

Test(chat_commands, levels_are_shown_and_set)
{
    expect("/verbose", "Current verbose level: off.\nOptions: on, full, off.");
    expect("/verbose full", "⚙️ Verbose logging set to full.");
    expect("/verbose zzz", "Unrecognized verbose level \"zzz\". Valid levels: off, on, full.");
    expect("/reasoning stream", "⚙️ Reasoning stream enabled (Telegram only).");
    expect("/reasoning", "Current reasoning level: stream.\nOptions: on, off, stream.");
    expect("/reasoning off", "⚙️ Reasoning visibility disabled.");
    expect("/think low", "Thinking level set to low.");
    expect("/think", "Current thinking level: low.\nOptions: off, minimal, low, medium, high.");
}

Test(chat_commands, usage_goes_round)
{
    expect("/usage", "⚙️ Usage footer: tokens.");
    expect("/usage", "⚙️ Usage footer: full.");
    expect("/usage", "⚙️ Usage footer: off.");
    expect("/usage", "⚙️ Usage footer: tokens.");
    expect("/usage everything", "⚙️ Usage: /usage off|tokens|full|cost");
    json_object_set_new(entry, "inputTokens", json_integer(1200));
    cr_expect(strstr(say("/usage cost"), "Session: 1200 tokens in, 0 out") != NULL);
}

Test(chat_commands, rights_are_set_and_told)
{
    expect("/send off", "⚙️ Send policy set to off.");
    expect("/send on", "⚙️ Send policy set to on.");
    expect("/send inherit", "⚙️ Send policy set to inherit.");
    expect("/send maybe", "⚙️ Usage: /send on|off|inherit");
    expect("/exec host=gateway ask=always", "Exec defaults set (host=gateway, security=deny, ask=always, node=(unset)).");
    cr_expect(strncmp(say("/exec nonsense"), "Unrecognized exec option.", 25) == 0);
    expect("/exec host=zzz", "⚠️ invalid");
    facts.session_key = STR("agent:beta:discord:channel:7");
    expect("/activation", "⚙️ Usage: /activation mention|always");
    expect("/activation always", "⚙️ Group activation set to always.");
}

Test(chat_commands, a_model_is_set_by_reference_alias_or_name)
{
    expect("/model mock/m", "Model set to mock/m.");
    expect("/model small", "Model set to small (mock/m).");
    expect("/model m", "Model set to m (mock/m).");
    expect("/model m2", "Model reset to default (mock/m2).");
    expect("/model mock/zzz", "Model \"mock/zzz\" is not allowed. Use /models to list providers, or /models <provider> to list models.");
    expect("/models mock", "Models (mock) — showing 1-2 of 2 (page 1/1)\n- mock/m\n- mock/m2\n\nSwitch: /model <provider/model>");
    expect("/models nosuch", "Unknown provider: nosuch\n\nAvailable providers:\n- mock\n- demo\n\nUse: /models <provider>");
}

Test(chat_commands, only_a_word_that_may_be_a_model_is_taken_for_one)
{
    cr_expect(chat_command_model_like(cfg, STR("mock/m")));
    cr_expect(chat_command_model_like(cfg, STR("small")));
    cr_expect_not(chat_command_model_like(cfg, STR("nosuch/m")));
    cr_expect_not(chat_command_model_like(cfg, STR("hello")));
    cr_expect_not(chat_command_model_like(cfg, STR("")));
}

Test(chat_commands, many_models_come_in_pages)
{
    for (int i = 0; i < 30; i++) json_array_append_new(models, json_pack("{s:s+, s:s}", "id", "x", i < 10 ? "0" : "1", "provider", "big"));
    const char *page = say("/models big 2");
    cr_expect(strncmp(page, "Models (big) — showing 21-30 of 30 (page 2/2)", 46) == 0, "%s", page);
    cr_expect(strstr(page, "All: /models big all") != NULL);
    page = say("/models big 99");
    cr_expect(strstr(page, "(page 2/2)") != NULL, "%s", page);
    page = say("/models big all");
    cr_expect(strstr(page, "showing 1-30 of 30 (page 1/1)") != NULL, "%s", page);
}

Test(chat_commands, a_long_list_is_cut_and_counted)
{
    char id[256];
    memset(id, 'x', sizeof id - 1);
    id[sizeof id - 1] = '\0';
    for (int i = 0; i < 1000; i++) json_array_append_new(models, json_pack("{s:s, s:s}", "id", id, "provider", "big"));
    const char *text = say("/model status");
    cr_expect_lt(strlen(text), (size_t)CHAT_REPLY_MAX + 1024);
    cr_expect(strstr(text, " more") != NULL);
    cr_expect_lt(strlen(say("/models big all")), (size_t)CHAT_REPLY_MAX + 1024);
}

Test(chat_commands, what_the_configuration_allows_is_still_not_here)
{
    expect("/bash ls",
           "⚠️ bash is disabled. Set commands.bash=true to enable. Docs: https://docs.openclaw.ai/tools/slash-commands#config");
    parse("{commands:{bash:true,config:true},tools:{elevated:{allowFrom:{webchat:['me']}}}}");
    facts.config = cfg;
    expect("/bash ls", "⚠️ /bash is not available here yet.");
    expect("/elevated on", "elevated is not available right now (runtime=direct).\nThere are no tools yet that it would be for.");
}

Test(chat_commands, there_are_no_sub_agents)
{
    expect("/subagents info 99", "⚠️ Invalid subagent index: 99");
    expect("/subagents kill all", "");
    expect("/kill #1", "⚠️ Invalid subagent index: 1");
    expect("/kill someone", "⚠️ Unknown subagent id: someone");
    expect("/steer 1 faster", "⚠️ Invalid subagent index: 1");
    expect("/subagents spawn beta x", "Usage: /subagents [list|kill <id|#|all>|info <id|#>]");
}

static void note_kill(void *ctx, struct str key)
{
    buf_printf(ctx, "%.*s ", STR_ARG(key));
}

static void expect_kills(const char *message, const char *keys)
{
    struct chat_command command;
    struct buf killed = { 0 };
    cr_assert(chat_command_parse(str_of(message), &command));
    chat_command_kills(&command, &facts, note_kill, &killed);
    cr_expect_str_eq(buf_cstr(&killed), keys, "%s", message);
    buf_free(&killed);
}

Test(chat_commands, sub_agents_are_listed_and_killed)
{
    json_t *rows = json_loads(
        "[{\"runId\":\"aaaa1\",\"sessionKey\":\"k1\",\"label\":\"kid\",\"task\":\"count\",\"status\":\"running\",\"active\":true,"
        "\"model\":\"mock/m\",\"createdAt\":5000000,\"runtimeMs\":61000},"
        "{\"runId\":\"bbbb2\",\"sessionKey\":\"k2\",\"label\":\"\",\"task\":\"sum\",\"status\":\"done\",\"active\":false,"
        "\"model\":\"mock/m\",\"createdAt\":4000000,\"endedAt\":4500000,\"runtimeMs\":2000}]",
        0, NULL);
    facts.subagents = rows;
    expect("/subagents",
           "active subagents:\n-----\n1. kid (m, 1m) running - count\n\nrecent subagents (last 30m):\n-----\n2. sum (m, 2s) done");
    expect("/subagents kill 1", "");
    expect("/kill kid", "");
    expect("/kill 3", "⚠️ Invalid subagent index: 3");
    expect_kills("/subagents kill #1", "k1 ");
    expect_kills("/kill all", "k1 ");
    expect_kills("/kill aaaa", "k1 ");
    expect_kills("/kill 2", ""); /* it has ended */
    expect_kills("/subagents list", "");
    expect_kills("/kill", "");
    facts.subagents = NULL;
    json_decref(rows);
}

Test(chat_commands, an_approval_is_named_in_either_order)
{
    struct str id, decision;
    cr_assert(chat_command_approval(STR("abc allow"), &id, &decision));
    cr_expect(str_is(id, "abc") && str_is(decision, "allow-once"));
    cr_assert(chat_command_approval(STR("always abc"), &id, &decision));
    cr_expect(str_is(id, "abc") && str_is(decision, "allow-always"));
    cr_expect_not(chat_command_approval(STR("abc"), &id, &decision));
    cr_expect_not(chat_command_approval(STR("abc maybe"), &id, &decision));
    cr_expect_not(chat_command_approval(STR("abc deny now"), &id, &decision));
}

Test(chat_commands, status_counts_what_was_used)
{
    json_object_set_new(entry, "inputTokens", json_integer(1234));
    json_object_set_new(entry, "outputTokens", json_integer(56));
    json_object_set_new(entry, "totalTokens", json_integer(64000));
    json_object_set_new(entry, "compactionCount", json_integer(2));
    json_object_set_new(entry, "verboseLevel", json_string("on"));
    facts.waiting = 3;
    const char *text = say("/status");
    cr_expect(strstr(text, "🧮 Tokens: 1.2k in / 56 out\n📚 Context: 64k/128k (50%) · 🧹 Compactions: 2\n") != NULL, "%s", text);
    cr_expect(strstr(text, "Think: off · verbose\n🪢 Queue: collect (depth 3)") != NULL, "%s", text);
    json_object_del(entry, "totalTokens");
    cr_expect(strstr(say("/status"), "📚 Context: ?/128k · ") != NULL);
}

/* --- the configuration ---------------------------------------------------------------------------------------------- */

static void with_settings(const char *config_text)
{
    config_end();
    parse(config_text);
    facts.config = cfg;
    facts.owner = true;
    settings =
        json_loads("{\"hash\":\"h1\",\"config\":{\"messages\":{\"queue\":{\"cap\":20}},\"agents\":{\"list\":[{\"id\":\"a\"}]}}}", 0, NULL);
    cr_assert(settings);
    facts.settings = settings;
    asked_for[0] = '\0';
}

Test(chat_commands, an_owner_reads_and_changes_the_configuration)
{
    with_settings("{commands:{config:true,restart:true}}");
    expect("/config show messages.queue", "⚙️ Config messages.queue:\n```json\n{\n  \"cap\": 20\n}\n```");
    expect("/config get agents.list.0.id", "⚙️ Config agents.list.0.id:\n```json\n\"a\"\n```");
    expect("/config show messages.nosuch", "⚙️ Config messages.nosuch: not set.");
    cr_expect_str_empty(asked_for);
    expect("/config set messages.queue.cap=7", "⚙️ Config updated: messages.queue.cap");
    cr_expect_str_eq(asked_for, "{\"messages\":{\"queue\":{\"cap\":7}}}|h1");
    expect("/config set messages.queue.mode = steer", "⚙️ Config updated: messages.queue.mode");
    cr_expect_str_eq(asked_for, "{\"messages\":{\"queue\":{\"mode\":\"steer\"}}}|h1");
    expect("/config unset messages.queue", "⚙️ Config removed: messages.queue");
    cr_expect_str_eq(asked_for, "{\"messages\":{\"queue\":null}}|h1");
    json_decref(settings);
}

Test(chat_commands, what_cannot_be_changed_is_told)
{
    static const char *const unclear[] = { "/config set a", "/config set =1",     "/config unset",
                                           "/config frob",  "/config set a..b=1", "/config show a b" };
    with_settings("{commands:{config:true,restart:true}}");
    for (size_t i = 0; i < sizeof unclear / sizeof *unclear; i++)
        expect(unclear[i], "⚙️ Usage: /config show [path]|set <path>=<value>|unset <path>");
    expect("/config set agents.list.0.id=b", "⚠️ agents.list is a list: set it as a whole, as JSON.");
    cr_expect_str_empty(asked_for);
    facts.refusal = STR("the file is read-only");
    struct chat_command command;
    buf_clear(&said);
    cr_assert(chat_command_parse(STR("/config set a.b=1"), &command));
    chat_command_reply(&command, &facts, &said);
    cr_expect_str_eq(buf_cstr(&said), "⚠️ The configuration was not changed: the file is read-only");
    json_decref(settings);
}

Test(chat_commands, the_configuration_is_for_owners)
{
    with_settings("{commands:{config:true,restart:true}}");
    facts.owner = false;
    expect("/config", CHAT_NOT_AUTHORIZED);
    expect("/config set a=1", CHAT_NOT_AUTHORIZED);
    expect("/restart", CHAT_NOT_AUTHORIZED);
    cr_expect_str_empty(asked_for);
    cr_expect(chat_is_owner(cfg, STR("discord"), STR("1")), "nobody is named");
    json_decref(settings);
    with_settings("{commands:{ownerAllowFrom:['discord:12',34,'telegram:5']}}");
    cr_expect(chat_is_owner(cfg, STR("discord"), STR("12")) && chat_is_owner(cfg, STR("discord"), STR("34")));
    cr_expect_not(chat_is_owner(cfg, STR("discord"), STR("5")) || chat_is_owner(cfg, STR("telegram"), STR("12")));
    cr_expect_not(chat_is_owner(cfg, STR("discord"), STR("")));
    json_decref(settings);
}

Test(chat_commands, the_list_has_what_is_switched_on_and_the_agents_skills)
{
    json_t *skills = json_loads("[{\"name\":\"weather\",\"description\":\"Forecasts.\",\"eligible\":true},"
                                "{\"name\":\"broken\",\"description\":\"x\",\"eligible\":false},"
                                "{\"name\":\"hidden\",\"description\":\"x\",\"eligible\":true,\"userInvocable\":false}]",
                                0, NULL);
    with_settings("{commands:{config:true,restart:true}}");
    facts.skills = skills;
    const char *list = say("/commands");
    cr_expect(strstr(list, "\n  /config - Show or set config values.\n  /restart - "), "%s", list);
    cr_expect(strstr(list, "\n\nSkills\n  /weather - Forecasts.") && !strstr(list, "broken") && !strstr(list, "hidden"), "%s", list);
    json_decref(skills);
    json_decref(settings);
}

/* `what` n times, with `between` between them, behind `start` and before `end`. */
static const char *repeated(const char *start, const char *what, size_t n, const char *between, const char *end)
{
    static struct buf text;
    buf_clear(&text);
    buf_text(&text, start);
    for (size_t i = 0; i < n; i++) buf_printf(&text, "%s%s", i ? between : "", what);
    buf_text(&text, end);
    return buf_cstr(&text);
}

Test(chat_commands, paths_and_values_of_the_configuration_have_bounds)
{
    with_settings("{commands:{config:true}}");
    cr_expect(strstr(say(repeated("/config set ", "a", 32, ".", "=1")), "Config updated"), "32 names");
    cr_expect(strstr(say(repeated("/config set ", "a", 33, ".", "=1")), "Usage"), "33");
    cr_expect(strstr(say(repeated("/config set ", "a", 128, "", "=1")), "Config updated"), "a name of 128 bytes");
    cr_expect(strstr(say(repeated("/config set ", "a", 129, "", "=1")), "Usage"), "129");
    json_t *config = json_object_get(settings, "config");
    json_object_set_new(config, "at", json_string(repeated("", "x", 5998, "", ""))); /* and two quotes */
    json_object_set_new(config, "past", json_string(repeated("", "x", 5999, "", "")));
    cr_expect_null(strstr(say("/config show at"), "Cut;"));
    cr_expect(strstr(say("/config show past"), "Cut;"));
    json_decref(settings);
}

Test(chat_commands, a_skills_line_has_a_bound)
{
    json_t *skills = json_pack("[{s:s,s:s,s:b},{s:s,s:s,s:b}]", "name", "at", "description", repeated("", "y", 120, "", ""), "eligible", 1,
                               "name", "past", "description", "z", "eligible", 1);
    json_object_set_new(json_array_get(skills, 1), "description", json_string(repeated("", "z", 121, "", "")));
    with_settings("{}");
    facts.skills = skills;
    const char *list = say("/commands");
    cr_expect(strstr(list, "y\n  /past - zzz") && strstr(list, "z…") && !strstr(list, "y…"), "%s", list);
    json_decref(skills);
    json_decref(settings);
}
