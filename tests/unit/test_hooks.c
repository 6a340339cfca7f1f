/* What calls from outside mean, without a gateway. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/err.h"
#include "channels/hooks.h"
#include "support/config_fixture.h"

#define HOOKS(more)                                                                                                                        \
    "{ agents: { list: [{ id: 'main', default: true }, { id: 'ops' }] }, hooks: { enabled: true, token: 't', path: '/in/', " more " } }"

static void expect(const char *name, const char *body, int code, const char *text, const char *session)
{
    struct hook h;
    struct buf why = { 0 };
    int rc = hook_read(cfg, str_of(name), str_of(body), "ID", &h, &why);
    cr_expect_eq(rc, code, "%s %s: %s", name, body, buf_cstr(&why));
    if (rc == 0) cr_expect_str_eq(buf_cstr(&h.text), text);
    if (rc == 0) cr_expect_str_eq(buf_cstr(&h.session_key), session);
    if (rc) cr_expect(str_find(buf_str(&why), str_of(text)) >= 0, "%s", buf_cstr(&why));
    hook_free(&h);
    buf_free(&why);
}

Test(hooks, are_below_their_path, .fini = config_end)
{
    parse(HOOKS(""));
    cr_expect(str_is(hooks_below(cfg, STR("/in/agent")), "agent") && str_is(hooks_below(cfg, STR("/in/a/b/")), "a/b"));
    cr_expect(hooks_below(cfg, STR("/in")).p && hooks_below(cfg, STR("/in/")).n == 0);
    cr_expect(!hooks_below(cfg, STR("/inside")).p && !hooks_below(cfg, STR("/")).p && !hooks_below(cfg, STR("/hooks/agent")).p);
}

Test(hooks, a_token_is_the_whole_token, .fini = config_end)
{
    parse(HOOKS(""));
    cr_expect(hooks_token_ok(cfg, STR("t")) && !hooks_token_ok(cfg, STR("")) && !hooks_token_ok(cfg, STR("tt")) &&
              !hooks_token_ok(cfg, STR("T")));
}

Test(hooks, values_are_found_to_a_depth, .fini = config_end)
{
    struct buf path = { 0 }, body = { 0 }, config = { 0 };
    for (int over = 0; over < 2; over++) {
        buf_clear(&path);
        buf_clear(&body);
        buf_clear(&config);
        for (int i = 0; i < HOOK_DEPTH_MAX + over; i++) buf_text(&path, i ? ".a" : "a");
        for (int i = 0; i < HOOK_DEPTH_MAX + over; i++) buf_text(&body, "{\"a\":");
        buf_text(&body, "\"deep\"");
        for (int i = 0; i < HOOK_DEPTH_MAX + over; i++) buf_char(&body, '}');
        buf_printf(&config, HOOKS("mappings: [{ match: { path: 'm' }, messageTemplate: 'x{{%s}}' }]"), buf_cstr(&path));
        parse(buf_cstr(&config));
        expect("m", buf_cstr(&body), 0, over ? "x" : "xdeep", "agent:main:hook:ID");
        config_end();
    }
    buf_free(&path);
    buf_free(&body);
    buf_free(&config);
    parse("{}");
}

Test(hooks, templates_take_what_is_there, .fini = config_end)
{
    parse(HOOKS("mappings: [{ match: { path: 'm' }, messageTemplate: '{{a}}|{{ b[1].c "
                "}}|{{d}}|{{payload.e}}|{{[0]}}|{{b[9]}}|{{b[x]}}|{{open' }]"));
    expect("m", "{\"a\":\"1\",\"b\":[0,{\"c\":2}],\"d\":{\"x\":[true]},\"e\":null}", 0, "1|2|{\"x\":[true]}|||||{{open",
           "agent:main:hook:ID");
}

Test(hooks, a_session_and_its_agent_belong_together, .fini = config_end)
{
    parse(HOOKS("allowRequestSessionKey: true"));
    expect("agent", "{\"message\":\"m\",\"sessionKey\":\"hook:x\"}", 0, "m", "agent:main:hook:x");
    expect("agent", "{\"message\":\"m\",\"sessionKey\":\"agent:ops:hook:x\"}", 0, "m", "agent:ops:hook:x");
    expect("agent", "{\"message\":\"m\",\"sessionKey\":\"agent:ops:hook:x\",\"agentId\":\"main\"}", GW_EINVAL, "belongs to another agent",
           "");
    expect("agent", "{\"message\":\"m\",\"sessionKey\":\"agent:ghost:hook:x\"}", GW_EINVAL, "sessionKey is not valid", "");
    expect("agent", "{\"message\":\"m\",\"sessionKey\":\"global\"}", GW_EINVAL, "sessionKey is not valid", "");
    expect("agent", "{\"message\":\"m\",\"agentId\":\"ops\"}", 0, "m", "agent:ops:hook:ID");
}

Test(hooks, a_callers_agents_are_bounded_also_by_their_sessions, .fini = config_end)
{
    parse(HOOKS("allowRequestSessionKey: true, allowedAgentIds: ['main']"));
    expect("agent", "{\"message\":\"m\",\"sessionKey\":\"agent:ops:hook:x\"}", GW_EINVAL, "hooks.allowedAgentIds", "");
}
