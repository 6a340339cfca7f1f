#include "tests/support/query_rig.h"

TestSuite(query_models, .init = rig_setup, .fini = rig_end, .timeout = 20);

static const char *models(void)
{
    return rig_ask(query_models_handlers, RPC_models_list, NULL);
}

Test(query_models, configured_models_are_told_as_configured_and_sorted)
{
    rig_config(
        "{models:{providers:{mock:{baseUrl:'http://127.0.0.1:1',models:["
        "{id:'m2',name:'Zeta',contextWindow:1000,reasoning:true,input:['text','image']},{id:'m',name:'Alpha',contextWindow:128000}]}}},"
        "agents:{defaults:{model:'mock/m'}}}",
        NULL);
    cr_assert_str_eq(models(),
                     "{\"models\":[{\"id\":\"m\",\"name\":\"Alpha\",\"provider\":\"mock\",\"contextWindow\":128000,\"reasoning\":false,"
                     "\"input\":[\"text\"]},{\"id\":\"m2\",\"name\":\"Zeta\",\"provider\":\"mock\",\"contextWindow\":1000,"
                     "\"reasoning\":true,\"input\":[\"text\",\"image\"]}]}");
}

Test(query_models, what_chains_aliases_and_sub_agents_name_is_there_once)
{
    rig_config("{agents:{defaults:{model:{primary:'openrouter/a/b:free',fallbacks:['google/gemini-2.5-flash']},"
               "models:{'openai/gpt-x':{alias:'x'}},subagents:{model:'anthropic/claude-sonnet-4-5'}},list:[{id:'main'},{id:'two'}]}}",
               NULL);
    const char *got = models(), *again;
    cr_assert(strstr(got,
                     "{\"id\":\"a/b:free\",\"name\":\"a/b:free\",\"provider\":\"openrouter\",\"contextWindow\":200000,\"reasoning\":false,"
                     "\"input\":[\"text\"]}"),
              "%s", got);
    cr_assert(strstr(got, "{\"id\":\"gemini-2.5-flash\",\"name\":\"Gemini 2.5 Flash\",\"provider\":\"google\",\"contextWindow\":1048576,"
                          "\"reasoning\":true,\"input\":[\"text\",\"image\"]}"),
              "%s", got);
    cr_assert(strstr(got, "\"id\":\"gpt-x\"") && strstr(got, "\"id\":\"claude-sonnet-4-5\""), "%s", got);
    again = strstr(got, "a/b:free\",\"name");
    cr_assert(again && !strstr(again + 1, "a/b:free\",\"name"));
}

Test(query_models, a_built_in_provider_with_a_key_shows_its_usual_models)
{
    static const char *const key[] = { "ANTHROPIC_API_KEY", "sk-test-123456", NULL };
    cr_assert(!strstr(models(), "claude-haiku-4-5"), "%s", models());
    rig_config("{}", key);
    cr_assert(
        strstr(models(), "\"id\":\"claude-haiku-4-5\",\"name\":\"Claude Haiku 4.5\",\"provider\":\"anthropic\",\"contextWindow\":200000"));
    cr_assert(!strstr(models(), "gemini"), "no key, not offered: %s", models());
}

Test(query_models, a_newcomer_has_the_demo)
{
    cr_assert_str_eq(models(), "{\"models\":[{\"id\":\"echo\",\"name\":\"Demo (no model)\",\"provider\":\"demo\",\"contextWindow\":200000,"
                               "\"reasoning\":false,\"input\":[\"text\"]}]}");
}

Test(query_models, so_many_are_listed_and_no_more)
{
    struct buf text = { 0 };
    for (int count = QUERY_MODELS_MAX; count <= QUERY_MODELS_MAX + 1; count++) {
        buf_clear(&text);
        buf_text(&text, "{agents:{defaults:{model:'mock/m0'}},models:{providers:{mock:{baseUrl:'http://127.0.0.1:1',models:[");
        for (int i = 0; i < count; i++) buf_printf(&text, "{id:'m%d'},", i);
        buf_text(&text, "]}}}}");
        rig_config(buf_cstr(&text), NULL);
        json_t *root = json_loads(models(), 0, NULL);
        cr_assert_eq(json_array_size(json_object_get(root, "models")), QUERY_MODELS_MAX);
        json_decref(root);
    }
    buf_free(&text);
}
