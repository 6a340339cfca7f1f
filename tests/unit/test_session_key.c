#include <criterion/criterion.h>

#include "channels/session_key.h"

static const struct session_key_rules plain = { .default_agent = { "ops", 3 } };
static const struct session_key_rules renamed = { .default_agent = { "ops", 3 }, .main_key = { "home", 4 } };

static void expect(const struct session_key_rules *rules, const char *key, const char *want)
{
    struct buf out = { 0 };
    int rc = session_key_canonical(rules, str_of(key), &out);
    cr_assert(rc == (want ? 0 : GW_EINVAL), "%s: %s", key, err_name(rc));
    cr_assert(str_is(buf_str(&out), want ? want : ""), "%s: %s", key, buf_cstr(&out));
    buf_free(&out);
}

Test(session_key, every_name_of_the_main_session_means_it)
{
    expect(&plain, "main", "agent:ops:main");
    expect(&plain, " main\n", "agent:ops:main");
    expect(&plain, "agent:ops:main", "agent:ops:main");
    expect(&plain, "agent:other:main", "agent:other:main");
    expect(&renamed, "main", "agent:ops:home");
    expect(&renamed, "home", "agent:ops:home");
    expect(&renamed, "agent:other:main", "agent:other:home");
    expect(&renamed, "agent:other:home", "agent:other:home");
}

Test(session_key, a_key_without_an_agent_is_the_default_agents)
{
    expect(&plain, "hook:abc", "agent:ops:hook:abc");
    expect(&plain, "agent:a:discord:channel:1", "agent:a:discord:channel:1");
    expect(&plain, "agents:a", "agent:ops:agents:a");
    expect(&plain, "home", "agent:ops:home");
}

Test(session_key, global_and_unknown_belong_to_no_agent)
{
    expect(&plain, "global", "global");
    expect(&plain, "unknown", "unknown");
}

Test(session_key, refuses_a_key_that_names_no_agent_or_no_session)
{
    expect(&plain, "", NULL);
    expect(&plain, "  ", NULL);
    expect(&plain, "agent:", NULL);
    expect(&plain, "agent::main", NULL);
    expect(&plain, "agent:ops", NULL);
    expect(&plain, "agent:ops:", NULL);
}

Test(session_key, the_bound_holds_for_the_result)
{
    char text[SESSION_KEY_BYTES + 2];
    struct buf out = { 0 };
    memset(text, 'k', sizeof text);
    size_t fits = SESSION_KEY_BYTES - strlen("agent:ops:");
    cr_assert(session_key_canonical(&plain, (struct str){ text, fits }, &out) == 0 && out.n == SESSION_KEY_BYTES);
    buf_clear(&out);
    cr_assert(session_key_canonical(&plain, (struct str){ text, fits + 1 }, &out) == GW_ELIMIT && out.n == 0);
    cr_assert(session_key_canonical(&plain, (struct str){ text, SESSION_KEY_BYTES + 1 }, &out) == GW_ELIMIT && out.n == 0);
    buf_free(&out);
}

Test(session_key, kinds_are_told_apart)
{
    cr_assert(session_key_is_main(&renamed, STR("agent:x:home")) && !session_key_is_main(&renamed, STR("agent:x:main")));
    cr_assert(session_key_is_subagent(STR("agent:x:subagent:1")) && !session_key_is_subagent(STR("agent:subagent:x")));
    cr_assert(session_key_is_cron_run(STR("agent:x:cron:job:run:1")));
    cr_assert(!session_key_is_cron_run(STR("agent:x:cron:job")) && !session_key_is_cron_run(STR("agent:x:cron:run:1")));
    cr_assert(!session_key_is_main(&plain, STR("global")));
}
