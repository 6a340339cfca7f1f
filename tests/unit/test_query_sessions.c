/* sessions.list, sessions.preview, sessions.resolve and chat.history over a real store. */
#include "session_fixture.h"

#include "actors/query_sessions.h"
#include "base/clock.h"

TestSuite(query_sessions, .init = fixture_setup, .fini = fixture_teardown, .timeout = 60);

#define TWO_AGENTS "{agents: {list: [{id: 'main'}, {id: 'ops', model: 'demo/slow'}]}}"

/* --- sessions.list ------------------------------------------------------------------------------------------------ */

Test(query_sessions, a_row_has_the_fields_of_a_recorded_one_in_their_order)
{
    struct desk d = desk_open("{}");
    desk_turn(&d, "agent:main:s1", "hello there", "hi", NOW);
    json_t *r = desk_call(&d, RPC_sessions_list, "{}");
    cr_assert_str_eq(desk_names(r), "ts path count defaults sessions ");
    cr_assert_str_eq(desk_names(desk_at(r, "defaults")), "modelProvider model contextTokens ");
    cr_assert_str_eq(desk_names(desk_at(r, "sessions.0")),
                     "key kind chatType origin updatedAt sessionId systemSent abortedLastRun inputTokens outputTokens totalTokens "
                     "totalTokensFresh modelProvider model contextTokens deliveryContext lastChannel ");
    cr_assert_str_eq(desk_text(r, "sessions.0.key"), "agent:main:s1");
    cr_assert_str_eq(desk_text(r, "sessions.0.kind"), "direct");
    cr_assert_str_eq(desk_text(r, "sessions.0.sessionId"), "uuid-of-agent:main:s1");
    cr_assert_eq(desk_int(r, "sessions.0.updatedAt"), NOW + 1000);
    cr_assert_eq(desk_int(r, "sessions.0.totalTokens"), 120);
    cr_assert(desk_int(r, "count") == 1 && desk_int(r, "ts") == NOW + 60000);
    cr_assert_str_eq(desk_text(r, "path"), store_path(d.store));
    json_decref(r);
    desk_close(&d);
}

static void listed(struct desk *d, const char *params, const char *want)
{
    struct buf keys = { 0 };
    json_t *r = desk_call(d, RPC_sessions_list, params);
    for (size_t i = 0; i < json_array_size(desk_at(r, "sessions")); i++)
        buf_printf(&keys, "%s ", json_string_value(json_object_get(json_array_get(desk_at(r, "sessions"), i), "key")));
    cr_assert_str_eq(buf_cstr(&keys), want, "%s: %s", params, buf_cstr(&keys));
    cr_assert_eq((size_t)desk_int(r, "count"), json_array_size(desk_at(r, "sessions")));
    json_decref(r);
    buf_free(&keys);
}

Test(query_sessions, each_parameter_picks)
{
    struct desk d = desk_open(TWO_AGENTS);
    desk_turn(&d, "agent:main:old", "a", "b", NOW - 3600000);
    desk_turn(&d, "agent:main:main", "a", "b", NOW);
    struct turn_new other = fixture_turn(++d.turn, "agent:ops:subagent:1", "");
    other.session.agent = STR("ops");
    other.session.parent = STR("agent:main:main");
    other.session.label = STR("Digger");
    other.session.now_ms = NOW + 1;
    cr_assert(turns_accept(d.store, &other, NULL) == 0);
    desk_turn(&d, "agent:main:cron:job:run:9", "a", "b", NOW);
    desk_turn(&d, "global", "a", "b", NOW + 3000);
    desk_turn(&d, "unknown", "a", "b", NOW + 4000);
    listed(&d, "{}", "agent:main:main agent:ops:subagent:1 agent:main:old ");
    listed(&d, "{\"includeGlobal\":true}", "global agent:main:main agent:ops:subagent:1 agent:main:old ");
    listed(&d, "{\"includeUnknown\":true,\"limit\":2}", "unknown agent:main:main ");
    listed(&d, "{\"limit\":1}", "agent:main:main ");
    listed(&d, "{\"agentId\":\"ops\"}", "agent:ops:subagent:1 ");
    listed(&d, "{\"spawnedBy\":\"agent:main:main\"}", "agent:ops:subagent:1 ");
    listed(&d, "{\"label\":\"Digger\"}", "agent:ops:subagent:1 ");
    listed(&d, "{\"label\":\"digger\"}", "");
    listed(&d, "{\"search\":\"DIGG\"}", "agent:ops:subagent:1 ");
    listed(&d, "{\"search\":\"uuid-of-agent:main:o\"}", "agent:main:old ");
    listed(&d, "{\"activeMinutes\":2}", "agent:main:main agent:ops:subagent:1 ");
    listed(&d, "{\"activeMinutes\":1}", "agent:main:main agent:ops:subagent:1 ");
    desk_close(&d);
}

Test(query_sessions, a_group_is_named_after_its_channel)
{
    struct desk d = desk_open("{}");
    desk_turn(&d, "agent:main:discord:channel:My Room", "a", "b", NOW);
    json_t *r = desk_call(&d, RPC_sessions_list, "{\"search\":\"g-my-room\"}");
    cr_assert_str_eq(desk_text(r, "sessions.0.kind"), "group");
    cr_assert_str_eq(desk_text(r, "sessions.0.displayName"), "discord:g-my-room");
    cr_assert_str_eq(desk_text(r, "sessions.0.channel"), "discord");
    cr_assert_str_eq(desk_text(r, "sessions.0.lastChannel"), "discord");
    json_decref(r);
    desk_close(&d);
}

Test(query_sessions, titles_and_last_words_come_only_when_asked_for)
{
    struct desk d = desk_open("{}");
    desk_turn(&d, "agent:main:a", "[Sun 2026-11-22 13:10 UTC] what   is\\n the weather like on the far side of the moon these days?",
              "cold", NOW);
    desk_turn(&d, "agent:main:b", "", "", NOW - 5000);
    json_t *r = desk_call(&d, RPC_sessions_list, "{\"includeDerivedTitles\":true,\"includeLastMessage\":true}");
    cr_assert_str_eq(desk_text(r, "sessions.0.derivedTitle"), "what is the weather like on the far side of the moon these…");
    cr_assert_str_eq(desk_text(r, "sessions.0.lastMessagePreview"), "cold");
    cr_assert_str_eq(desk_text(r, "sessions.1.derivedTitle"), "uuid-of- (2025-12-31)");
    cr_assert_str_eq(desk_text(r, "sessions.1.lastMessagePreview"), "(none)");
    json_decref(r);
    r = desk_call(&d, RPC_sessions_list, "{}");
    cr_assert(desk_at(r, "sessions.0.derivedTitle") == NULL && desk_at(r, "sessions.0.lastMessagePreview") == NULL);
    json_decref(r);
    desk_close(&d);
}

Test(query_sessions, only_the_first_rows_are_looked_into)
{
    struct desk d = desk_open("{}");
    cr_assert(store_begin(d.store) == 0);
    for (int i = 0; i <= QUERY_TITLES_MAX; i++) {
        char key[64];
        snprintf(key, sizeof key, "agent:main:s%d", i);
        desk_turn(&d, key, "hello", "hi", NOW - i);
    }
    cr_assert(store_commit(d.store) == 0);
    json_t *r = desk_call(&d, RPC_sessions_list, "{\"includeDerivedTitles\":true}");
    const json_t *rows = desk_at(r, "sessions");
    cr_assert_eq(json_array_size(rows), QUERY_TITLES_MAX + 1);
    cr_assert(json_object_get(json_array_get(rows, QUERY_TITLES_MAX - 1), "derivedTitle") != NULL);
    cr_assert(json_object_get(json_array_get(rows, QUERY_TITLES_MAX), "derivedTitle") == NULL);
    json_decref(r);
    desk_close(&d);
}

/* Transcripts are not read for the list: with a large one behind each session it costs the same. */
Test(query_sessions, ten_thousand_sessions_are_listed_quickly, .timeout = 300)
{
    enum { SESSIONS = 10000 };
    struct desk d = desk_open("{}");
    cr_assert(store_begin(d.store) == 0);
    for (int i = 0; i < SESSIONS; i++) {
        char key[64];
        int64_t id;
        snprintf(key, sizeof key, "agent:main:s%05d", i);
        const struct session_new s = { .key = str_of(key), .uuid = STR("u"), .agent = STR("main"), .now_ms = NOW + i };
        cr_assert(sessions_ensure(d.store, &s, &id, NULL) == 0);
    }
    cr_assert(store_commit(d.store) == 0);
    int64_t start = clock_mono_ms();
    json_t *r = desk_call(&d, RPC_sessions_list, "{\"limit\":50}");
    int64_t few = clock_mono_ms() - start;
    cr_assert_str_eq(desk_text(r, "sessions.0.key"), "agent:main:s09999");
    json_decref(r);
    r = desk_call(&d, RPC_sessions_list, "{}");
    cr_assert_eq(desk_int(r, "count"), SESSIONS);
    json_decref(r);
    cr_assert(few < 5000, "%lld ms", (long long)few);
    desk_close(&d);
}

/* --- sessions.preview, sessions.resolve --------------------------------------------------------------------------- */

Test(query_sessions, a_preview_has_the_last_messages_cut)
{
    struct desk d = desk_open("{}");
    desk_turn(&d, "agent:main:main", "first", "a long answer that has to be cut", NOW);
    desk_append(&d, "agent:main:main", "assistant",
                "{\"role\":\"assistant\",\"content\":[{\"type\":\"toolCall\",\"name\":\"exec\"},{\"type\":\"toolCall\",\"name\":\"read\"},"
                "{\"type\":\"toolCall\",\"name\":\"write\"}]}",
                NOW);
    desk_append(&d, "agent:main:main", "toolResult",
                "{\"role\":\"toolResult\",\"toolName\":\"exec\",\"content\":[{\"type\":\"text\",\"text\":\"done\"}]}", NOW);
    json_t *r = desk_call(&d, RPC_sessions_preview, "{\"keys\":[\"main\",\"nope\"],\"limit\":3,\"maxChars\":20}");
    cr_assert_str_eq(desk_text(r, "previews.0.status"), "ok");
    cr_assert_str_eq(desk_text(r, "previews.0.key"), "main");
    cr_assert_eq(json_array_size(desk_at(r, "previews.0.items")), 3);
    cr_assert_str_eq(desk_text(r, "previews.0.items.0.text"), "a long answer tha...");
    cr_assert_str_eq(desk_text(r, "previews.0.items.0.role"), "assistant");
    cr_assert_str_eq(desk_text(r, "previews.0.items.1.text"), "call exec, read +1");
    cr_assert_str_eq(desk_text(r, "previews.0.items.1.role"), "tool");
    cr_assert_str_eq(desk_text(r, "previews.0.items.2.text"), "done");
    cr_assert_str_eq(desk_text(r, "previews.1.status"), "missing");
    json_decref(r);
    desk_close(&d);
}

Test(query_sessions, a_session_without_messages_has_an_empty_preview)
{
    struct desk d = desk_open("{}");
    cr_assert(fixture_accept(d.store, 1, "agent:main:main") == 0);
    json_t *r = desk_call(&d, RPC_sessions_preview, "{\"keys\":[\"main\"]}");
    cr_assert_str_eq(desk_text(r, "previews.0.status"), "empty");
    json_decref(r);
    desk_close(&d);
}

Test(query_sessions, a_session_is_resolved_by_key_id_or_label)
{
    struct desk d = desk_open("{}");
    desk_turn(&d, "agent:main:main", "a", "b", NOW);
    cr_assert(sessions_change(d.store, STR("agent:main:main"), &(struct session_change){ .label = STR("home"), .now_ms = NOW }) == 0);
    static const char *const good[] = { "{\"key\":\"main\"}", "{\"sessionId\":\"uuid-of-agent:main:main\"}", "{\"label\":\"home\"}" };
    for (size_t i = 0; i < 3; i++) {
        json_t *r = desk_call(&d, RPC_sessions_resolve, good[i]);
        cr_assert_str_eq(desk_names(r), "ok key ");
        cr_assert_str_eq(desk_text(r, "key"), "agent:main:main");
        json_decref(r);
    }
    desk_refused(&d, RPC_sessions_resolve, "{\"key\":\"nope\"}", "INVALID_REQUEST: No session found: nope");
    desk_refused(&d, RPC_sessions_resolve, "{\"sessionId\":\"uuid-of\"}", "INVALID_REQUEST: No session found: uuid-of");
    desk_refused(&d, RPC_sessions_resolve, "{\"label\":\"zz\"}", "INVALID_REQUEST: No session found with label: zz");
    desk_refused(&d, RPC_sessions_resolve, "{}", "INVALID_REQUEST: Either key, sessionId, or label is required");
    desk_refused(&d, RPC_sessions_resolve, "{\"key\":\"a\",\"label\":\"b\"}",
                 "INVALID_REQUEST: Provide either key, sessionId, or label (not multiple)");
    desk_close(&d);
}

/* --- chat.history ------------------------------------------------------------------------------------------------- */

Test(query_sessions, history_shows_messages_as_openclaw_does)
{
    struct desk d = desk_open("{}");
    desk_turn(&d, "agent:main:main", "hello", "hi", NOW);
    json_t *r = desk_call(&d, RPC_chat_history, "{\"sessionKey\":\"main\"}");
    cr_assert_str_eq(desk_names(r), "sessionKey sessionId messages thinkingLevel ");
    cr_assert_str_eq(desk_text(r, "sessionKey"), "main");
    cr_assert_str_eq(desk_text(r, "thinkingLevel"), "off");
    cr_assert_eq(json_array_size(desk_at(r, "messages")), 2);
    cr_assert_str_eq(desk_names(desk_at(r, "messages.0")), "role content timestamp ");
    cr_assert_str_eq(desk_names(desk_at(r, "messages.1")), "role content api provider model stopReason timestamp ");
    cr_assert_str_eq(desk_names(desk_at(r, "messages.1.content.0")), "type thinking ");
    cr_assert_str_eq(desk_text(r, "messages.1.content.1.text"), "hi");
    json_decref(r);
    desk_close(&d);
}

Test(query_sessions, history_of_nobody_is_empty)
{
    struct desk d = desk_open("{agents: {defaults: {thinkingDefault: 'low'}}}");
    json_t *r = desk_call(&d, RPC_chat_history, "{\"sessionKey\":\"nope\"}");
    cr_assert_str_eq(desk_names(r), "sessionKey messages thinkingLevel ");
    cr_assert_eq(json_array_size(desk_at(r, "messages")), 0);
    json_decref(r);
    desk_close(&d);
}

Test(query_sessions, history_keeps_the_newest)
{
    struct desk d = desk_open("{}");
    for (int i = 0; i < 5; i++) {
        char text[16];
        snprintf(text, sizeof text, "m%d", i);
        desk_turn(&d, "agent:main:main", text, "ok", NOW + i * 2000);
    }
    json_t *r = desk_call(&d, RPC_chat_history, "{\"sessionKey\":\"main\",\"limit\":3}");
    cr_assert_eq(json_array_size(desk_at(r, "messages")), 3);
    cr_assert_str_eq(desk_text(r, "messages.1.content.0.text"), "m4");
    json_decref(r);
    desk_close(&d);
}

static char *long_message(size_t n)
{
    char *json = malloc(n + 256);
    int start = snprintf(json, 256, "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"");
    memset(json + start, 'x', n);
    snprintf(json + start + n, 64, "\"}],\"timestamp\":7}");
    return json;
}

Test(query_sessions, a_long_text_is_cut_and_an_image_is_told_by_its_size)
{
    struct desk d = desk_open("{}");
    desk_turn(&d, "agent:main:main", "a", "b", NOW);
    char *json = long_message(12001);
    desk_append(&d, "agent:main:main", "user", json, NOW);
    desk_append(&d, "agent:main:main", "user",
                "{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"data\":\"AAAA\",\"mimeType\":\"image/png\"}],\"details\":{\"x\":1}}",
                NOW);
    json_t *r = desk_call(&d, RPC_chat_history, "{\"sessionKey\":\"main\",\"limit\":2}");
    const json_t *cut = desk_at(r, "messages.0.content.0.text");
    cr_assert_eq(json_string_length(cut), 12000 + strlen("\n...(truncated)..."));
    cr_assert(str_ends(str_of(json_string_value(cut)), STR("x\n...(truncated)...")));
    cr_assert_str_eq(desk_names(desk_at(r, "messages.1")), "role content ");
    cr_assert_str_eq(desk_names(desk_at(r, "messages.1.content.0")), "type mimeType omitted bytes ");
    cr_assert_eq(desk_int(r, "messages.1.content.0.bytes"), 4);
    json_decref(r);
    free(json);
    desk_close(&d);
}

Test(query_sessions, a_message_that_is_too_large_is_told_as_left_out)
{
    struct desk d = desk_open("{}");
    desk_turn(&d, "agent:main:main", "a", "b", NOW);
    struct buf json = { 0 };
    buf_text(&json, "{\"role\":\"assistant\",\"content\":[");
    for (int i = 0; i < 12; i++) {
        char *text = long_message(11990);
        buf_printf(&json, "%s{\"type\":\"text\",\"text\":\"%.11990s\"}", i ? "," : "", strstr(text, "xx"));
        free(text);
    }
    buf_text(&json, "]}");
    desk_append(&d, "agent:main:main", "assistant", buf_cstr(&json), NOW);
    json_t *r = desk_call(&d, RPC_chat_history, "{\"sessionKey\":\"main\",\"limit\":1}");
    cr_assert_str_eq(desk_text(r, "messages.0.content.0.text"), "[chat.history omitted: message too large]");
    cr_assert_str_eq(desk_text(r, "messages.0.__openclaw.reason"), "oversized");
    cr_assert_str_eq(desk_text(r, "messages.0.role"), "assistant");
    json_decref(r);
    buf_free(&json);
    desk_close(&d);
}

Test(query_sessions, the_whole_history_has_a_bound_and_the_oldest_make_room)
{
    struct desk d = desk_open("{}");
    struct buf text = { 0 };
    desk_turn(&d, "agent:main:main", "a", "b", NOW);
    cr_assert(store_begin(d.store) == 0);
    for (int i = 0; i < 700; i++) {
        char *json = long_message(11000);
        desk_append(&d, "agent:main:main", "user", json, NOW);
        free(json);
    }
    cr_assert(store_commit(d.store) == 0);
    cr_assert(desk_try(&d, RPC_chat_history, "{\"sessionKey\":\"main\",\"limit\":1000}", &text) == 0);
    cr_assert(text.n > 6 * 1024 * 1024 - 20000 && text.n < 6 * 1024 * 1024 + 1000, "%zu", text.n);
    buf_free(&text);
    desk_close(&d);
}

Test(query_sessions, a_compaction_stands_at_its_place)
{
    struct desk d = desk_open("{}");
    desk_turn(&d, "agent:main:main", "a", "b", NOW);
    const struct message_new summary = { .session = desk_session(&d, "agent:main:main"),
                                         .role = STR("user"),
                                         .json = STR("{\"role\":\"user\",\"content\":[]}"),
                                         .now_ms = NOW };
    cr_assert(messages_compact(d.store, &summary, 2, NULL) == 0);
    desk_turn(&d, "agent:main:main", "c", "d", NOW + 5000);
    json_t *r = desk_call(&d, RPC_chat_history, "{\"sessionKey\":\"main\"}");
    cr_assert_eq(json_array_size(desk_at(r, "messages")), 5);
    cr_assert_str_eq(desk_text(r, "messages.2.role"), "system");
    cr_assert_str_eq(desk_text(r, "messages.2.content.0.text"), "Compaction");
    cr_assert_str_eq(desk_text(r, "messages.2.__openclaw.kind"), "compaction");
    cr_assert_str_eq(desk_text(r, "messages.2.__openclaw.id"), "00000003");
    json_decref(r);
    desk_close(&d);
}
