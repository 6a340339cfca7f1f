/* A tutor with decks: what is due, how it went, and that it is still known after a restart. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/json_read.h"
#include "support/gateway.h"
#include "support/proc.h"

static struct kit K;

static void put(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    cr_assert(f && fputs(text, f) >= 0 && fclose(f) == 0, "%s", path);
}

static void start(void)
{
    static char config[2048];
    char path[512];
    const struct kit_options options = { .config_text = config, .no_start = true };
    kit_start(&K, &options);
    snprintf(path, sizeof path, "%s/skills", K.dir);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/skills/deutsch-tutor", K.dir);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/skills/deutsch-tutor/SKILL.md", K.dir);
    put(path, "---\nname: deutsch-tutor\ndescription: German\n---\n# Tutor\n");
    snprintf(path, sizeof path, "%s/skills/deutsch-tutor/decks", K.dir);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/skills/deutsch-tutor/decks/a1.md", K.dir);
    put(path, "# A1\n## Articles\nQ: the table\nA: der Tisch\nQ: the lamp\nA: die Lampe\nQ: the book\nA: das Buch\n## Verbs\nCloze: Ich "
              "{{bin}} da.\n");
    snprintf(config, sizeof config,
             "{ agents: { list: [{ id: 'main', default: true }], defaults: { model: { primary: '" KIT_OPENROUTER_MODEL
             "' }, heartbeat: { every: '0m' } } }, skills: { load: { extraDirs: ['%s/skills'] } } }",
             K.dir);
    put(K.config, config);
    kit_restart(&K);
}

/* Have the model call the tool, and return its result: the caller json_decref()s. */
static json_t *call(const char *arguments)
{
    struct http_reply r = { 0 };
    cr_assert_eq(fake_control(&K.openrouter,
                              "{\"next\":[{\"tool_calls\":[{\"id\":\"c\",\"name\":\"flashcards\",\"arguments\":%s}]},{\"text\":\"ok\"}]}",
                              arguments),
                 200);
    cr_assert_eq(kit_chat(&K, "learner", "go on", &r), 0);
    cr_assert_eq(r.status, 200);
    http_reply_free(&r);
    char *told = kit_told(&K);
    json_t *message = json_loads(told, 0, NULL);
    struct str said = json_str(message, "content");
    json_t *result = json_loadb(said.p, said.n, 0, NULL);
    cr_assert(result, "%s", told);
    json_decref(message);
    free(told);
    return result;
}

static void expect_int(const json_t *result, const char *name, int64_t value)
{
    cr_expect_eq(json_int(result, name, -1), value, "%s: %lld, expected %lld", name, (long long)json_int(result, name, -1),
                 (long long)value);
}

static void rate(const char *card, const char *rating, const char *next_in)
{
    char arguments[256];
    snprintf(arguments, sizeof arguments, "{\"action\":\"review\",\"card\":\"%s\",\"rating\":\"%s\"}", card, rating);
    json_t *said = call(arguments);
    cr_expect(str_is(json_str(said, "nextIn"), next_in), "%s: %.*s", rating, STR_ARG(json_str(said, "nextIn")));
    json_decref(said);
}

Test(e2e_flashcards, a_tutor_schedules_and_remembers, .timeout = 120)
{
    char ids[4][17];
    start();
    json_t *said = call("{\"action\":\"decks\"}"), *deck = json_array_get(json_object_get(said, "decks"), 0);
    char *dump = json_dumps(said, 0);
    cr_expect(str_is(json_str(deck, "deck"), "a1"), "%s", dump);
    free(dump);
    expect_int(deck, "cards", 4);
    expect_int(deck, "new", 4);
    json_decref(said);
    said = call("{\"action\":\"due\",\"newPerDay\":3}");
    cr_assert_eq(json_array_size(json_object_get(said, "cards")), 3);
    for (size_t i = 0; i < 3; i++)
        snprintf(ids[i], sizeof ids[i], "%s",
                 json_string_value(json_object_get(json_array_get(json_object_get(said, "cards"), i), "card")));
    cr_expect(str_is(json_str(json_array_get(json_object_get(said, "cards"), 0), "back"), "der Tisch"));
    expect_int(said, "newToday", 3);
    json_decref(said);
    rate(ids[0], "easy", "16 days");
    rate(ids[1], "again", "1 minutes");
    rate(ids[2], "good", "10 minutes");
    rate(ids[2], "good", "4 days");
    said = call("{\"action\":\"due\",\"newPerDay\":3}");
    expect_int(said, "newToday", 0);
    expect_int(said, "reviewedToday", 4);
    cr_expect_eq(json_array_size(json_object_get(said, "cards")), 0, "today's new ones are used up, and nothing is due");
    json_decref(said);
    cr_assert_eq(proc_signal(K.gateway, SIGKILL), 0);
    cr_assert_eq(proc_wait(K.gateway, KIT_START_MS, NULL), 0);
    kit_restart(&K);
    said = call("{\"action\":\"stats\"}");
    expect_int(said, "cards", 4);
    expect_int(said, "new", 1);
    expect_int(said, "learning", 1);
    expect_int(said, "known", 2);
    expect_int(said, "reviewedToday", 4);
    expect_int(said, "streakDays", 1);
    json_t *weak = json_array_get(json_object_get(said, "weakAreas"), 0);
    cr_expect(str_is(json_str(weak, "section"), "Articles"));
    json_decref(said);
    said = call("{\"action\":\"review\",\"card\":\"nope\",\"rating\":\"good\"}");
    cr_expect(str_is(json_str(said, "status"), "error"));
    json_decref(said);
    cr_expect_eq(kit_sql(&K, "SELECT count(*) FROM flashcard_reviews"), 4);
    kit_stop(&K);
}
