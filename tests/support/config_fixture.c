#include "support/config_fixture.h"

#include "base/err.h"

config_t *cfg;
struct config_problems problems;
static struct buf shown;

void config_end(void)
{
    config_unref(&cfg);
    config_problems_free(&problems);
    buf_free(&shown);
}

const char *problems_text(void)
{
    buf_clear(&shown);
    config_problems_text(&problems, &shown);
    return buf_cstr(&shown);
}

int try_parse(const char *text, const char *const *pairs)
{
    static const char *const none[] = { NULL };
    struct env env = env_list(pairs ? pairs : none);
    config_end();
    int rc = config_parse(str_of(text), "t.json", &env, &cfg, &problems);
    cr_assert((rc == 0) == (cfg != NULL));
    cr_assert((rc == GW_ECONFIG) == (problems.errors > 0));
    return rc;
}

void parse_env(const char *text, const char *const *pairs)
{
    int rc = try_parse(text, pairs);
    cr_assert(rc == 0 && problems.warnings == 0, "%s", problems_text());
}

void parse(const char *text)
{
    parse_env(text, NULL);
}

void complains(const char *text, const char *expected)
{
    try_parse(text, NULL);
    cr_assert_str_eq(problems_text(), expected);
}
