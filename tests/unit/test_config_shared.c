/* The slot of the configuration in force: references, generations, texts. */
#include <criterion/criterion.h>

#include "base/config_shared.h"
#include "base/err.h"

static config_t *make(const char *text)
{
    struct env env = { 0 };
    struct config_problems problems = { 0 };
    config_t *cfg = NULL;
    cr_assert(config_parse(str_of(text), "test", &env, &cfg, &problems) == 0);
    config_problems_free(&problems);
    return cfg;
}

Test(config_shared, gives_the_last_one_set_and_counts)
{
    config_t *a = make("{}"), *b = make("{}"), *got;
    int64_t g1 = 0, g2 = 0;
    config_shared_set(a);
    got = config_shared_get(&g1);
    cr_assert(got == a && g1 > 0);
    config_unref(&got);
    config_shared_set(b);
    got = config_shared_get(&g2);
    cr_assert(got == b && g2 == g1 + 1);
    config_unref(&got);
    config_unref(&a);
    config_unref(&b);
}

Test(config_shared, outlives_the_setters_reference)
{
    config_t *a = make("{gateway:{port:1234}}"), *got;
    config_shared_set(a);
    config_unref(&a);
    got = config_shared_get(NULL);
    cr_assert(config_gateway(got)->port == 1234);
    config_unref(&got);
}

Test(config_shared, is_taken_once_per_generation)
{
    config_t *a = make("{}"), *b = make("{}"), *mine = config_ref(a);
    int64_t generation = 0;
    config_shared_set(a);
    cr_assert(config_shared_take(&mine, &generation) && mine == a);
    cr_assert(!config_shared_take(&mine, &generation) && mine == a);
    config_shared_set(b);
    cr_assert(config_shared_take(&mine, &generation) && mine == b);
    config_unref(&mine);
    config_unref(&a);
    config_unref(&b);
}

Test(config_shared, forgets_the_note_with_a_new_configuration)
{
    config_t *a = make("{}");
    struct buf note = { 0 }, restart = { 0 };
    int64_t before = 0, after = 0;
    config_shared_set(a);
    config_t *got = config_shared_get(&before);
    config_unref(&got);
    config_shared_set_note(STR("has errors"));
    config_shared_set_restart(STR("gateway.port"));
    got = config_shared_get(&after);
    config_unref(&got);
    cr_assert(after == before + 1);
    config_shared_texts(&note, &restart);
    cr_assert(str_is(buf_str(&note), "has errors") && str_is(buf_str(&restart), "gateway.port"));
    buf_clear(&note);
    config_shared_set(a);
    config_shared_texts(&note, NULL);
    cr_assert(note.n == 0);
    buf_free(&note);
    buf_free(&restart);
    config_unref(&a);
}

Test(config_shared, cuts_a_text_that_is_too_long_between_characters)
{
    char text[CONFIG_SHARED_TEXT_MAX + 8];
    struct buf note = { 0 };
    memset(text, 'x', sizeof text);
    memcpy(text + CONFIG_SHARED_TEXT_MAX - 1, "\xc3\xa9", 2); /* an e with an accent across the bound */
    config_shared_set_note((struct str){ text, sizeof text });
    config_shared_texts(&note, NULL);
    cr_assert(note.n == CONFIG_SHARED_TEXT_MAX - 1);
    buf_free(&note);
}
