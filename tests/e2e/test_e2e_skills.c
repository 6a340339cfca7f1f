/* Skills that people ask for by name, with the real gateway. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/json_read.h"
#include "support/operator.h"

static struct kit K;

static void write_skill(const char *name, const char *front)
{
    char path[256];
    snprintf(path, sizeof path, "%s/workspace", K.state);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/workspace/skills", K.state);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/workspace/skills/%s", K.state, name);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/workspace/skills/%s/SKILL.md", K.state, name);
    FILE *f = fopen(path, "w");
    cr_assert(f && fprintf(f, "---\nname: %s\ndescription: about %s\n%s---\nDo it.\n", name, name, front) > 0 && fclose(f) == 0);
}

/* What the model is asked for a message in the web chat: the last message of the request. The caller frees. */
static char *asked(ws_t *ws, const char *run, const char *text)
{
    cr_assert_eq(ws_request(ws, run, "chat.send", "{\"sessionKey\":\"main\",\"message\":\"%s\",\"idempotencyKey\":\"%s\"}", text, run), 0);
    for (;;) {
        json_t *event = ws_event(ws, "chat", KIT_TURN_MS);
        cr_assert(event);
        const json_t *payload = json_object_get(event, "payload");
        bool over = str_is(json_str(payload, "runId"), run) && str_is(json_str(payload, "state"), "final");
        json_decref(event);
        if (over) break;
    }
    json_t *stats = fake_stats(&K.openrouter), *bodies = json_object_get(stats, "bodies");
    const json_t *messages = json_object_get(json_object_get(json_array_get(bodies, json_array_size(bodies) - 1), "body"), "messages");
    char *last = json_dumps(json_object_get(json_array_get(messages, json_array_size(messages) - 1), "content"), JSON_ENCODE_ANY);
    json_decref(stats);
    return last;
}

static void expect(ws_t *ws, const char *run, const char *text, const char *words, bool there)
{
    char *got = asked(ws, run, text);
    cr_expect_eq(strstr(got, words) != NULL, there, "%s: %s", text, got);
    free(got);
}

Test(e2e_skills, a_person_asks_for_a_skill_by_its_name, .timeout = 90)
{
    struct operator_client me = { 0 };
    struct http_reply r = { 0 };
    const struct kit_options options = {
        .config_text = "{ agents: { list: [{ id: 'main', default: true, skills: ['weather-now', 'hidden', 'quiet'] }],"
                       " defaults: { model: { primary: '" KIT_OPENROUTER_MODEL "' } } } }"
    };
    kit_start(&K, &options);
    write_skill("weather-now", "");
    write_skill("hidden", "disable-model-invocation: true\n");
    write_skill("quiet", "user-invocable: false\n");
    write_skill("foreign", "");
    operator_open(&me, &K);
    fake_control(&K.openrouter,
                 "{\"next\":[{\"text\":\"1\"},{\"text\":\"2\"},{\"text\":\"3\"},{\"text\":\"4\"},{\"text\":\"5\"},{\"text\":\"6\"}]}");
    expect(me.ws, "r1", "/weather_now Hanoi", "weather-now/SKILL.md and do as it says.\\n\\nInput:\\nHanoi", true);
    expect(me.ws, "r2", "/skill Weather-Now", "Use the skill \\\"weather-now\\\"", true);
    expect(me.ws, "r3", "/hidden", "hidden/SKILL.md", true);
    expect(me.ws, "r4", "/quiet x", "SKILL.md", false);
    expect(me.ws, "r5", "/foreign x", "SKILL.md", false);
    cr_expect_eq(kit_chat(&K, "u", "/weather-now Hue", &r), 0);
    http_reply_free(&r);
    json_t *stats = fake_stats(&K.openrouter);
    char *all = json_dumps(stats, 0);
    cr_expect(strstr(all, "\"/weather-now Hue\""), "over HTTP a text is a text");
    cr_expect(strstr(all, "<name>weather-now</name>") && !strstr(all, "<name>hidden</name>"), "the list in the prompt");
    free(all);
    json_decref(stats);
    operator_close(&me);
    kit_stop(&K);
}
