#include <sys/stat.h>

#include "tests/support/query_rig.h"

TestSuite(query_voice, .init = rig_setup, .fini = rig_end, .timeout = 20);

static const char *ask(enum rpc_id method, const char *params)
{
    return rig_ask(query_voice_handlers, method, params);
}

static const char *refused(enum rpc_id method, const char *params)
{
    return rig_refused(query_voice_handlers, method, params);
}

Test(query_voice, wake_words_are_openclaws_until_somebody_sets_others)
{
    struct stat st;
    cr_assert_str_eq(ask(RPC_voicewake_get, NULL), "{\"triggers\":[\"openclaw\",\"claude\",\"computer\"]}");
    cr_assert_str_eq(ask(RPC_voicewake_set, "{\"triggers\":[\" hey \",\"\",7]}"), "{\"triggers\":[\"hey\"]}");
    cr_assert_str_eq(ask(RPC_voicewake_get, NULL), "{\"triggers\":[\"hey\"]}");
    cr_assert(stat(rig_path("settings/voicewake.json"), &st) == 0 && (st.st_mode & 0777) == 0600);
    cr_assert_str_eq(ask(RPC_voicewake_set, "{\"triggers\":[]}"), "{\"triggers\":[\"openclaw\",\"claude\",\"computer\"]}");
    cr_assert_str_eq(refused(RPC_voicewake_set, "{}"), "INVALID_REQUEST voicewake.set requires triggers: string[]");
}

Test(query_voice, wake_words_are_bounded)
{
    struct buf params = { 0 };
    buf_text(&params, "{\"triggers\":[\"");
    for (int i = 0; i <= QUERY_TRIGGER_MAX; i++) buf_char(&params, 'a' + i % 26);
    buf_char(&params, '"');
    for (int i = 0; i < QUERY_TRIGGERS_MAX; i++) buf_printf(&params, ",\"w%d\"", i);
    buf_text(&params, "]}");
    json_t *root = json_loads(ask(RPC_voicewake_set, buf_cstr(&params)), 0, NULL), *list = json_object_get(root, "triggers");
    cr_assert_eq(json_array_size(list), QUERY_TRIGGERS_MAX);
    cr_assert_eq(json_string_length(json_array_get(list, 0)), QUERY_TRIGGER_MAX);
    cr_assert_str_eq(json_string_value(json_array_get(list, QUERY_TRIGGERS_MAX - 1)), "w30");
    json_decref(root);
    buf_free(&params);
}

Test(query_voice, talk_config_shows_settings_without_their_secrets)
{
    cr_assert_str_eq(ask(RPC_talk_config, NULL), "{\"config\":{}}");
    rig_config("{talk:{voiceId:'v',apiKey:'sk-secret-123'},session:{mainKey:'home'},ui:{seamColor:'#aabbcc'}}", NULL);
    const char *got = ask(RPC_talk_config, NULL);
    cr_assert(strstr(got, "{\"config\":{\"talk\":{\"voiceId\":\"v\"") && !strstr(got, "sk-secret"), "%s", got);
    cr_assert(strstr(got, "\"session\":{\"mainKey\":\"home\"},\"ui\":{\"seamColor\":\"#aabbcc\"}}}"), "%s", got);
}

Test(query_voice, there_is_no_speech_and_the_fields_say_so)
{
    rig_same_shape(ask(RPC_tts_status, NULL),
                   "{\"enabled\":false,\"auto\":\"off\",\"provider\":\"edge\",\"fallbackProvider\":null,\"fallbackProviders\":[],"
                   "\"prefsPath\":\"/p\",\"hasOpenAIKey\":false,\"hasElevenLabsKey\":false,\"edgeEnabled\":true}");
    cr_assert(strstr(ask(RPC_tts_status, NULL), "\"edgeEnabled\":false"));
    cr_assert_str_eq(ask(RPC_tts_providers, NULL), "{\"providers\":[],\"active\":\"\"}");
    cr_assert_str_eq(ask(RPC_tts_disable, NULL), "{\"enabled\":false}");
    cr_assert_str_eq(refused(RPC_tts_enable, NULL), "UNAVAILABLE This gateway has no text to speech.");
    cr_assert_str_eq(refused(RPC_tts_convert, "{\"text\":\" \"}"), "INVALID_REQUEST tts.convert requires text");
    cr_assert_str_eq(refused(RPC_tts_convert, "{\"text\":\"hi\"}"), "UNAVAILABLE This gateway has no text to speech.");
    cr_assert_str_eq(refused(RPC_tts_set_provider, "{\"provider\":\"zz\"}"),
                     "INVALID_REQUEST Invalid provider. Use openai, elevenlabs, or edge.");
}

/* --- cron ------------------------------------------------------------------------------------------------------------ */

Test(query_voice, a_job_that_nobody_knows_has_no_runs)
{
    cr_assert_str_eq(rig_ask(query_cron_handlers, RPC_cron_runs, "{\"id\":\"nope\"}"), "{\"entries\":[]}");
}
