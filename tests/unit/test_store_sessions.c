/* sessions.patch, reset, delete, compact and chat.inject over a real store, and what is left of a transcript in a file. */
#include "session_fixture.h"

#include "actors/session_settings.h"
#include "base/file.h"
#include "store/archive.h"

TestSuite(store_sessions, .init = fixture_setup, .fini = fixture_teardown, .timeout = 60);

#define KEY "agent:main:s1"

/* --- sessions.patch ----------------------------------------------------------------------------------------------- */

Test(store_sessions, a_patch_is_told_with_the_entry_and_the_model)
{
    struct desk d = desk_open("{}");
    desk_turn(&d, KEY, "a", "b", NOW);
    json_t *r = desk_call(&d, RPC_sessions_patch,
                          "{\"key\":\"s1\",\"label\":\"my label\",\"thinkingLevel\":\"low\",\"verboseLevel\":\"on\",\"reasoningLevel\":"
                          "\"stream\",\"responseUsage\":\"tokens\",\"sendPolicy\":\"deny\"}");
    cr_assert_str_eq(desk_names(r), "ok path key entry resolved ");
    cr_assert_str_eq(desk_text(r, "key"), KEY);
    cr_assert_str_eq(desk_names(desk_at(r, "entry")),
                     "sessionId updatedAt systemSent deliveryContext lastChannel channel modelProvider model contextTokens abortedLastRun "
                     "inputTokens outputTokens totalTokens totalTokensFresh label thinkingLevel verboseLevel reasoningLevel responseUsage "
                     "sendPolicy ");
    cr_assert_str_eq(desk_text(r, "entry.label"), "my label");
    cr_assert_str_eq(desk_names(desk_at(r, "resolved")), "modelProvider model ");
    json_decref(r);
    r = desk_call(&d, RPC_sessions_patch, "{\"key\":\"s1\",\"sendPolicy\":null,\"label\":null,\"verboseLevel\":null}");
    cr_assert(desk_at(r, "entry.sendPolicy") == NULL && desk_at(r, "entry.label") == NULL && desk_at(r, "entry.verboseLevel") == NULL);
    cr_assert_str_eq(desk_text(r, "entry.reasoningLevel"), "stream");
    json_decref(r);
    desk_close(&d);
}

Test(store_sessions, off_clears_some_settings_and_is_kept_in_others)
{
    struct desk d = desk_open("{}");
    json_t *r = desk_call(&d, RPC_sessions_patch,
                          "{\"key\":\"s1\",\"thinkingLevel\":\"OFF\",\"verboseLevel\":\"false\",\"reasoningLevel\":\"off\","
                          "\"responseUsage\":\"on\",\"elevatedLevel\":\"off\",\"execHost\":\"Node\",\"execNode\":\" n1 \"}");
    cr_assert_str_eq(desk_text(r, "entry.thinkingLevel"), "off");
    cr_assert_str_eq(desk_text(r, "entry.verboseLevel"), "off");
    cr_assert(desk_at(r, "entry.reasoningLevel") == NULL);
    cr_assert_str_eq(desk_text(r, "entry.responseUsage"), "tokens");
    cr_assert_str_eq(desk_text(r, "entry.elevatedLevel"), "off");
    cr_assert_str_eq(desk_text(r, "entry.execHost"), "node");
    cr_assert_str_eq(desk_text(r, "entry.execNode"), "n1");
    json_decref(r);
    desk_close(&d);
}

Test(store_sessions, words_that_mean_nothing_are_refused_with_openclaws_sentences)
{
    static const char *const cases[][2] = {
        { "\"thinkingLevel\":\"zzz\"", "invalid thinkingLevel (use off|minimal|low|medium|high)" },
        { "\"verboseLevel\":\"zzz\"", "invalid verboseLevel (use \"on\"|\"off\")" },
        { "\"reasoningLevel\":\"zzz\"", "invalid reasoningLevel (use \"on\"|\"off\"|\"stream\")" },
        { "\"elevatedLevel\":\"zzz\"", "invalid elevatedLevel (use \"on\"|\"off\"|\"ask\"|\"full\")" },
        { "\"execHost\":\"zzz\"", "invalid execHost (use \"sandbox\"|\"gateway\"|\"node\")" },
        { "\"execSecurity\":\"z\"", "invalid execSecurity (use \"deny\"|\"allowlist\"|\"full\")" },
        { "\"execAsk\":\"z\"", "invalid execAsk (use \"off\"|\"on-miss\"|\"always\")" },
        { "\"spawnedBy\":\"agent:main:main\"", "spawnedBy is only supported for subagent:* sessions" },
        { "\"spawnDepth\":1", "spawnDepth is only supported for subagent:* sessions" },
        { "\"thinkingLevel\":\"xhigh\"", "thinkingLevel \"xhigh\" is only supported for " SESSION_XHIGH_MODELS },
        { "\"label\":\" \"", "invalid label: empty" },
        { "\"model\":\" \"", "invalid model: empty" },
        { "\"execNode\":\" \"", "invalid execNode: empty" },
    };
    struct desk d = desk_open("{}");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char params[256], want[512];
        int64_t count;
        snprintf(params, sizeof params, "{\"key\":\"%s\",%s}", KEY, cases[i][0]);
        snprintf(want, sizeof want, "INVALID_REQUEST: %s", cases[i][1]);
        desk_refused(&d, RPC_sessions_patch, params, want);
        cr_assert(sessions_count(d.store, &count) == 0 && count == 0, "%s: nothing was written", params);
    }
    desk_close(&d);
}

Test(store_sessions, a_label_belongs_to_one_session)
{
    struct desk d = desk_open("{}");
    json_decref(desk_call(&d, RPC_sessions_patch, "{\"key\":\"a\",\"label\":\"x\"}"));
    json_decref(desk_call(&d, RPC_sessions_patch, "{\"key\":\"a\",\"label\":\"x\"}"));
    desk_refused(&d, RPC_sessions_patch, "{\"key\":\"b\",\"label\":\"x\"}", "INVALID_REQUEST: label already in use: x");
    desk_close(&d);
}

Test(store_sessions, who_spawned_a_session_is_set_once)
{
    struct desk d = desk_open("{}");
    json_t *r = desk_call(&d, RPC_sessions_patch, "{\"key\":\"subagent:1\",\"spawnedBy\":\"agent:main:main\",\"spawnDepth\":1}");
    cr_assert_str_eq(desk_text(r, "entry.spawnedBy"), "agent:main:main");
    cr_assert_eq(desk_int(r, "entry.spawnDepth"), 1);
    json_decref(r);
    desk_refused(&d, RPC_sessions_patch, "{\"key\":\"subagent:1\",\"spawnedBy\":\"agent:main:x\"}",
                 "INVALID_REQUEST: spawnedBy cannot be changed once set");
    desk_refused(&d, RPC_sessions_patch, "{\"key\":\"subagent:1\",\"spawnedBy\":null}",
                 "INVALID_REQUEST: spawnedBy cannot be cleared once set");
    desk_refused(&d, RPC_sessions_patch, "{\"key\":\"subagent:1\",\"spawnDepth\":2}",
                 "INVALID_REQUEST: spawnDepth cannot be changed once set");
    desk_close(&d);
}

Test(store_sessions, a_model_is_set_cleared_and_held_to_the_allowed_ones)
{
    struct desk d = desk_open("{}");
    json_t *r = desk_call(&d, RPC_sessions_patch, "{\"key\":\"s1\",\"model\":\"mock/zzz\"}");
    cr_assert_str_eq(desk_text(r, "entry.providerOverride"), "mock");
    cr_assert_str_eq(desk_text(r, "entry.modelOverride"), "zzz");
    cr_assert_str_eq(desk_text(r, "resolved.model"), "zzz");
    json_decref(r);
    r = desk_call(&d, RPC_sessions_patch, "{\"key\":\"s1\",\"model\":\"other\"}");
    cr_assert_str_eq(desk_text(r, "entry.providerOverride"), "demo", "a bare name is one of the agent's provider");
    json_decref(r);
    r = desk_call(&d, RPC_sessions_patch, "{\"key\":\"s1\",\"model\":null}");
    cr_assert(desk_at(r, "entry.modelOverride") == NULL);
    cr_assert_str_eq(desk_text(r, "resolved.modelProvider"), "demo");
    json_decref(r);
    desk_close(&d);
    d = desk_open("{agents: {defaults: {model: 'demo/echo', models: {'demo/other': {alias: 'o'}}}}}");
    r = desk_call(&d, RPC_sessions_patch, "{\"key\":\"s1\",\"model\":\"o\"}");
    cr_assert_str_eq(desk_text(r, "entry.modelOverride"), "other");
    json_decref(r);
    desk_refused(&d, RPC_sessions_patch, "{\"key\":\"s1\",\"model\":\"mock/zzz\"}", "INVALID_REQUEST: model not allowed: mock/zzz");
    desk_close(&d);
}

/* --- archives ----------------------------------------------------------------------------------------------------- */

static void read_archive(const char *path, struct buf *out)
{
    struct stat st;
    cr_assert(file_read(path, 1 << 20, out) == 0, "%s", path);
    cr_assert(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
}

/* The path of the one file in the agent's folder whose name has `part`; "" when there is none. */
static const char *archive_with(const char *part)
{
    static char path[512];
    char command[512];
    snprintf(command, sizeof command, "ls %s/agents/main/sessions/* 2>/dev/null | grep -F '%s'", fixture_dir, part);
    FILE *f = popen(command, "r");
    path[0] = '\0';
    if (f && fgets(path, sizeof path, f)) path[strcspn(path, "\n")] = '\0';
    if (f) pclose(f);
    return path;
}

Test(store_sessions, a_reset_keeps_the_settings_and_leaves_the_transcript_in_a_file)
{
    struct desk d = desk_open("{}");
    struct buf text = { 0 };
    desk_turn(&d, KEY, "what was it?", "that", NOW);
    json_decref(desk_call(&d, RPC_sessions_patch,
                          "{\"key\":\"s1\",\"label\":\"l\",\"thinkingLevel\":\"low\",\"verboseLevel\":\"on\",\"elevatedLevel\":\"full\"}"));
    json_t *r = desk_call(&d, RPC_sessions_reset, "{\"key\":\"s1\",\"reason\":\"new\"}");
    cr_assert_str_eq(desk_names(r), "ok key entry ");
    cr_assert_str_eq(desk_names(desk_at(r, "entry")), "sessionId updatedAt systemSent abortedLastRun thinkingLevel verboseLevel model "
                                                      "contextTokens label lastChannel inputTokens outputTokens totalTokens "
                                                      "totalTokensFresh ");
    cr_assert(strcmp(desk_text(r, "entry.sessionId"), "uuid-of-" KEY) != 0);
    cr_assert_eq(desk_int(r, "entry.inputTokens"), 0);
    json_decref(r);
    r = desk_call(&d, RPC_chat_history, "{\"sessionKey\":\"s1\"}");
    cr_assert_eq(json_array_size(desk_at(r, "messages")), 0);
    json_decref(r);
    const char *path = archive_with("uuid-of-agent_main_s1.jsonl.reset.2026-01-01T00-01-00.000Z");
    read_archive(path, &text);
    struct str lines = buf_str(&text);
    struct str line = str_split(&lines, '\n');
    json_t *head = json_loadb(line.p, line.n, 0, NULL);
    cr_assert_str_eq(desk_names(head), "type version id timestamp cwd ");
    cr_assert_eq(desk_int(head, "version"), 3);
    line = str_split(&lines, '\n');
    json_t *first = json_loadb(line.p, line.n, 0, NULL);
    cr_assert_str_eq(desk_names(first), "type id parentId timestamp message ");
    cr_assert(json_is_null(desk_at(first, "parentId")));
    cr_assert_str_eq(desk_text(first, "message.content.0.text"), "what was it?");
    line = str_split(&lines, '\n');
    json_t *second = json_loadb(line.p, line.n, 0, NULL);
    cr_assert_str_eq(desk_text(second, "parentId"), desk_text(first, "id"));
    cr_assert(lines.n == 0);
    json_decref(head);
    json_decref(first);
    json_decref(second);
    buf_free(&text);
    desk_close(&d);
}

Test(store_sessions, an_unknown_session_is_made_by_a_reset)
{
    struct desk d = desk_open("{}");
    json_t *r = desk_call(&d, RPC_sessions_reset, "{\"key\":\"agent:main:brandnew\"}");
    cr_assert_str_eq(desk_names(desk_at(r, "entry")),
                     "sessionId updatedAt systemSent abortedLastRun inputTokens outputTokens totalTokens totalTokensFresh ");
    json_decref(r);
    cr_assert_str_eq(archive_with(".reset."), "", "there was nothing to keep");
    desk_close(&d);
}

Test(store_sessions, a_delete_takes_all_and_says_where_the_transcript_is)
{
    struct desk d = desk_open("{}");
    struct buf text = { 0 };
    int64_t count;
    desk_turn(&d, KEY, "a", "b", NOW);
    desk_turn(&d, "agent:main:other", "a", "b", NOW);
    json_t *r = desk_call(&d, RPC_sessions_delete, "{\"key\":\"s1\"}");
    cr_assert_str_eq(desk_names(r), "ok key deleted archived ");
    cr_assert(json_is_true(desk_at(r, "deleted")) && json_array_size(desk_at(r, "archived")) == 1);
    cr_assert(strstr(desk_text(r, "archived.0"), ".jsonl.deleted.2026-01-01T00-01-00.000Z") != NULL);
    read_archive(desk_text(r, "archived.0"), &text);
    json_decref(r);
    r = desk_call(&d, RPC_sessions_delete, "{\"key\":\"s1\"}");
    cr_assert(json_is_false(desk_at(r, "deleted")) && json_array_size(desk_at(r, "archived")) == 0);
    json_decref(r);
    cr_assert(messages_count(d.store, 0, &count) == 0 && count == 2, "the other session keeps its messages");
    cr_assert(store_check(d.store, &text) == 0);
    desk_refused(&d, RPC_sessions_delete, "{\"key\":\"main\"}", "INVALID_REQUEST: Cannot delete the main session (agent:main:main).");
    buf_free(&text);
    desk_close(&d);
}

Test(store_sessions, a_transcript_that_is_to_stay_keeps_its_plain_name)
{
    struct desk d = desk_open("{}");
    desk_turn(&d, KEY, "a", "b", NOW);
    json_t *r = desk_call(&d, RPC_sessions_delete, "{\"key\":\"s1\",\"deleteTranscript\":false}");
    cr_assert_eq(json_array_size(desk_at(r, "archived")), 0);
    cr_assert(str_ends(str_of(archive_with("uuid-of")), STR("uuid-of-agent_main_s1.jsonl")));
    json_decref(r);
    desk_close(&d);
}

Test(store_sessions, a_name_that_would_leave_the_folder_does_not)
{
    struct desk d = desk_open("{}");
    desk_turn(&d, "agent:../../x:main", "a", "b", NOW);
    json_t *r = desk_call(&d, RPC_sessions_delete, "{\"key\":\"agent:../../x:main\"}");
    char want[128];
    snprintf(want, sizeof want, "%s/agents/_.", fixture_dir);
    cr_assert(strstr(desk_text(r, "archived.0"), want) == desk_text(r, "archived.0"), "%s", desk_text(r, "archived.0"));
    cr_assert(strstr(desk_text(r, "archived.0") + strlen(want), "../") == NULL);
    json_decref(r);
    desk_close(&d);
}

Test(store_sessions, a_compact_keeps_the_last_lines)
{
    struct desk d = desk_open("{}");
    for (int i = 0; i < 3; i++) desk_turn(&d, KEY, "a", "b", NOW + i * 2000);
    json_t *r = desk_call(&d, RPC_sessions_compact, "{\"key\":\"s1\",\"maxLines\":3}");
    cr_assert_str_eq(desk_names(r), "ok key compacted archived kept ");
    cr_assert(strstr(desk_text(r, "archived"), ".jsonl.bak.") && desk_int(r, "kept") == 3);
    json_decref(r);
    r = desk_call(&d, RPC_sessions_compact, "{\"key\":\"s1\",\"maxLines\":3}");
    cr_assert_str_eq(desk_names(r), "ok key compacted kept ");
    cr_assert(json_is_false(desk_at(r, "compacted")));
    json_decref(r);
    r = desk_call(&d, RPC_sessions_compact, "{\"key\":\"none\"}");
    cr_assert_str_eq(desk_names(r), "ok key compacted reason ");
    cr_assert_str_eq(desk_text(r, "reason"), "no sessionId");
    json_decref(r);
    json_decref(desk_call(&d, RPC_sessions_reset, "{\"key\":\"s1\"}"));
    r = desk_call(&d, RPC_sessions_compact, "{\"key\":\"s1\"}");
    cr_assert_str_eq(desk_text(r, "reason"), "no transcript");
    json_decref(r);
    desk_close(&d);
}

static int count_row(void *ctx, const struct message_row *row)
{
    (void)row;
    ++*(int *)ctx;
    return 0;
}

Test(store_sessions, after_a_cut_the_model_sees_what_is_left)
{
    struct desk d = desk_open("{}");
    int rows = 0;
    for (int i = 0; i < 3; i++) desk_turn(&d, KEY, "a", "b", NOW + i * 2000);
    const struct message_new summary = {
        .session = desk_session(&d, KEY), .role = STR("user"), .json = STR("{\"role\":\"user\",\"content\":[]}"), .now_ms = NOW
    };
    cr_assert(messages_compact(d.store, &summary, 5, NULL) == 0);
    desk_turn(&d, KEY, "a", "b", NOW + 10000);
    cr_assert(session_cut(d.store, desk_session(&d, KEY), 4, NOW) == 0);
    cr_assert(messages_history(d.store, STR(KEY), NULL, count_row, &rows, NULL) == 0);
    cr_assert_eq(rows, 4, "the summary, the last kept one, two newer");
    rows = 0;
    cr_assert(session_cut(d.store, desk_session(&d, KEY), 2, NOW) == 0);
    cr_assert(messages_history(d.store, STR(KEY), NULL, count_row, &rows, NULL) == 0);
    cr_assert_eq(rows, 2);
    cr_assert(session_cut(d.store, desk_session(&d, KEY), 3, NOW) == GW_ENOENT);
    cr_assert(session_cut(d.store, desk_session(&d, KEY), 0, NOW) == GW_EINVAL);
    desk_close(&d);
}

Test(store_sessions, nothing_is_changed_while_a_turn_has_not_ended)
{
    struct desk d = desk_open("{}");
    cr_assert(fixture_accept(d.store, 1, KEY) == 0);
    static const enum rpc_id methods[] = { RPC_sessions_reset, RPC_sessions_delete, RPC_sessions_compact };
    for (size_t i = 0; i < 3; i++)
        desk_refused(&d, methods[i], "{\"key\":\"s1\"}", "UNAVAILABLE: Session agent:main:s1 is still active; try again in a moment.");
    desk_close(&d);
}

Test(store_sessions, a_key_is_free_again_after_a_reset_and_no_number_is_given_twice)
{
    struct desk d = desk_open("{}");
    int64_t max;
    struct turn_new turn = fixture_turn(1, KEY, "once");
    struct turn_end end = fixture_end(1, TURN_DONE);
    cr_assert(turns_accept(d.store, &turn, NULL) == 0 && turns_begin(d.store, 1, STR("{\"role\":\"user\"}"), NOW, NULL) == 0);
    cr_assert(turns_finish(d.store, &end, NULL) == 0);
    json_decref(desk_call(&d, RPC_sessions_reset, "{\"key\":\"s1\"}"));
    cr_assert(turns_max_id(d.store, &max) == 0 && max == 1);
    turn.id = 2;
    cr_assert(turns_accept(d.store, &turn, NULL) == 0, "%s", store_error(d.store));
    desk_close(&d);
}

static void make_archives(int count)
{
    char path[256];
    snprintf(path, sizeof path, "mkdir -p %s/agents/main/sessions", fixture_dir);
    cr_assert(system(path) == 0);
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/agents/main/sessions/%04d.jsonl.deleted.2020-01-01T00-00-00.%03dZ", fixture_dir, i, i);
        FILE *f = fopen(path, "w");
        cr_assert(f != NULL);
        fclose(f);
    }
}

Test(store_sessions, the_oldest_archive_makes_room)
{
    struct desk d = desk_open("{}");
    make_archives(ARCHIVES_MAX - 1);
    desk_turn(&d, KEY, "a", "b", NOW);
    json_decref(desk_call(&d, RPC_sessions_reset, "{\"key\":\"s1\"}"));
    cr_assert(archive_with("0000.jsonl")[0] != '\0', "one more still fits");
    desk_turn(&d, KEY, "a", "b", NOW);
    json_decref(desk_call(&d, RPC_sessions_delete, "{\"key\":\"s1\"}"));
    cr_assert(archive_with("0000.jsonl")[0] == '\0');
    cr_assert(archive_with("0001.jsonl")[0] != '\0' && archive_with(".reset.")[0] != '\0');
    desk_close(&d);
}

Test(store_sessions, an_archive_that_cannot_be_written_leaves_the_transcript)
{
    struct desk d = desk_open("{}");
    struct buf text = { 0 };
    desk_turn(&d, KEY, "a", "b", NOW);
    FILE *f = fopen(fixture_path("agents"), "w"); /* a file where the folder has to be */
    fclose(f);
    cr_assert(desk_try(&d, RPC_sessions_reset, "{\"key\":\"s1\"}", &text) == GW_EIO);
    json_t *r = desk_call(&d, RPC_chat_history, "{\"sessionKey\":\"s1\"}");
    cr_assert_eq(json_array_size(desk_at(r, "messages")), 2);
    json_decref(r);
    buf_free(&text);
    desk_close(&d);
}

/* --- chat.inject -------------------------------------------------------------------------------------------------- */

Test(store_sessions, a_note_is_put_in_as_a_message_of_the_assistant)
{
    struct desk d = desk_open("{}");
    desk_turn(&d, "agent:main:main", "a", "b", NOW);
    json_t *r = desk_call(&d, RPC_chat_inject, "{\"sessionKey\":\"main\",\"message\":\"injected note\",\"label\":\"note\"}");
    cr_assert_str_eq(desk_names(desk_at(r, "message")), "role content timestamp stopReason usage api provider model ");
    cr_assert_str_eq(desk_text(r, "message.content.0.text"), "[note]\n\ninjected note");
    cr_assert_str_eq(desk_text(r, "messageId"), "00000003");
    json_decref(r);
    r = desk_call(&d, RPC_chat_history, "{\"sessionKey\":\"main\",\"limit\":1}");
    cr_assert_str_eq(desk_text(r, "messages.0.model"), "gateway-injected");
    cr_assert_str_eq(desk_text(r, "messages.0.api"), "openai-responses");
    json_decref(r);
    desk_refused(&d, RPC_chat_inject, "{\"sessionKey\":\"nope\",\"message\":\"x\"}", "INVALID_REQUEST: session not found");
    desk_close(&d);
}
