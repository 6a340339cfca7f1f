#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"

/* What the log wrote to standard error since capture(). */
static int capture(void)
{
    int ends[2];
    cr_assert(pipe(ends) == 0);
    fflush(stderr);
    cr_assert(dup2(ends[1], STDERR_FILENO) >= 0);
    close(ends[1]);
    return ends[0];
}

static struct str captured(int from, char *into, size_t cap)
{
    ssize_t n = read(from, into, cap - 1);
    cr_assert(n > 0);
    into[n] = '\0';
    return (struct str){ into, (size_t)n };
}

Test(log, writes_one_line_an_event_with_escaped_values)
{
    char line[4096];
    int from = capture();
    log_set_json(false);
    log_event(LOG_WARN, "thing_happened", LOG_I("count", -7), LOG_T("plain", "word"), LOG_T("odd", "two words\n\"quoted\""));
    captured(from, line, sizeof line);
    cr_assert(strstr(line, " level=warn actor=main event=thing_happened count=-7 plain=word odd=\"two words\\n\\\"quoted\\\"\"\n"), "%s",
              line);
    cr_assert(strchr(line, '\n') == line + strlen(line) - 1);
}

Test(log, writes_json_objects_with_numbers_as_numbers)
{
    char line[4096];
    int from = capture();
    log_set_json(true);
    log_set_actor("tester");
    log_event(LOG_INFO, "thing_happened", LOG_I("count", 42), LOG_T("text", "a\"b"));
    struct str text = captured(from, line, sizeof line);
    json_t *root = json_loadb(text.p, text.n, 0, NULL);
    cr_assert(root);
    cr_assert_str_eq(json_string_value(json_object_get(root, "actor")), "tester");
    cr_assert_eq(json_integer_value(json_object_get(root, "count")), 42);
    cr_assert_str_eq(json_string_value(json_object_get(root, "text")), "a\"b");
    json_decref(root);
}

Test(log, replaces_secrets_wherever_they_stand)
{
    char line[4096];
    int from = capture();
    log_secret_add(STR("sk-very-secret"));
    log_event(LOG_ERROR, "request_failed", LOG_T("url", "https://x/?key=sk-very-secret&again=sk-very-secret"));
    captured(from, line, sizeof line);
    cr_assert(!strstr(line, "sk-very-secret") && strstr(line, "key=**************&again=**************"), "%s", line);
}

Test(log, keeps_short_words_that_only_look_like_secrets)
{
    char line[4096];
    int from = capture();
    log_secret_add(STR("short")); /* below LOG_SECRET_MIN: replacing it would mangle lines */
    log_event(LOG_INFO, "said", LOG_T("text", "a short word"));
    captured(from, line, sizeof line);
    cr_assert(strstr(line, "a short word"), "%s", line);
}

Test(log, leaves_out_what_is_below_its_level)
{
    char line[4096];
    int from = capture();
    cr_assert(log_set_level_name(STR("warn")) && !log_set_level_name(STR("loud")));
    log_event(LOG_INFO, "unheard");
    log_event(LOG_WARN, "heard");
    captured(from, line, sizeof line);
    cr_assert(!strstr(line, "unheard") && strstr(line, "event=heard"));
}

Test(log, cuts_a_value_that_is_too_long_and_stays_one_valid_line)
{
    char line[16384], *text = malloc(10000);
    int from = capture();
    memset(text, 'x', 9999);
    text[9999] = '\0';
    log_set_json(true);
    log_event(LOG_INFO, "said", LOG_T("text", text));
    struct str got = captured(from, line, sizeof line);
    json_t *root = json_loadb(got.p, got.n, 0, NULL);
    cr_assert(root);
    cr_assert_eq(json_string_length(json_object_get(root, "text")), 2048);
    json_decref(root);
    free(text);
}

Test(log, at_its_bound_forgets_the_secret_that_was_told_longest_ago)
{
    char line[4096], secret[32];
    int from = capture();
    log_secret_add(STR("first-secret"));
    log_secret_add(STR("second-secret"));
    for (int i = 2; i < LOG_SECRETS_MAX; i++) {
        snprintf(secret, sizeof secret, "filler-%d", i);
        log_secret_add(str_of(secret));
    }
    log_secret_add(STR("first-secret")); /* told again: now the second one is the oldest */
    log_secret_add(STR("last-secret"));
    log_event(LOG_INFO, "said", LOG_T("text", "first-secret second-secret last-secret"));
    captured(from, line, sizeof line);
    cr_assert(!strstr(line, "first-secret") && strstr(line, "second-secret") && !strstr(line, "last-secret"), "%s", line);
}
