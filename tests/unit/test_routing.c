/* Who answers, and in which conversation. */
#include <criterion/criterion.h>

#include "channels/routing.h"
#include "support/config_fixture.h"

#define AGENTS "agents:{list:[{id:'main',default:true},{id:'tutor'},{id:'ops'},{id:'guild'},{id:'role'},{id:'work'},{id:'any'}]},"
#define BINDINGS                                                                                                                           \
    "bindings:[{agentId:'any',match:{channel:'discord',accountId:'*'}},{agentId:'guild',match:{channel:'discord',guildId:'7'}},"           \
    "{agentId:'role',match:{channel:'discord',guildId:'7',roles:['9']}},{agentId:'tutor',match:{channel:'discord',peer:{kind:'channel',"   \
    "id:'1'}}},"                                                                                                                           \
    "{agentId:'work',match:{channel:'discord',accountId:'work'}},"                                                                         \
    "{agentId:'ops',match:{channel:'discord',peer:{kind:'dm',id:'5'}}}],"

static void answers(const struct routing_from *from, const char *agent)
{
    struct str got = routing_agent(cfg, from);
    cr_expect(str_is(got, agent), "%.*s answers, not %s", STR_ARG(got), agent);
}

Test(routing, the_most_exact_binding_wins)
{
    static const struct str roles[] = { { "9", 1 } };
    parse("{" AGENTS BINDINGS "}");
    struct routing_from from = {
        .channel = "discord", .account = STR("default"), .default_account = true, .kind = "channel", .peer = STR("1"), .guild = STR("7")
    };
    answers(&from, "tutor");
    from.peer = STR("2");
    answers(&from, "guild");
    from.roles = roles;
    from.role_count = 1;
    answers(&from, "role");
    from.parent = STR("1");
    answers(&from, "tutor"); /* a thread of that channel */
    from = (struct routing_from){ .channel = "discord", .account = STR("work"), .kind = "channel", .peer = STR("1"), .guild = STR("8") };
    answers(&from, "work"); /* bindings without an account are the default account's */
    from.account = STR("other");
    answers(&from, "any");
    from = (struct routing_from){
        .channel = "discord", .account = STR("default"), .default_account = true, .kind = "direct", .peer = STR("5")
    };
    answers(&from, "ops");
    from.channel = "telegram";
    answers(&from, "main");
    config_end();
}

static void key_is(const struct routing_from *from, const char *wanted)
{
    struct buf key = { 0 };
    cr_assert(routing_session_key(cfg, STR("main"), from, &key) == 0);
    cr_expect(str_is(buf_str(&key), wanted), "%.*s", STR_ARG(buf_str(&key)));
    buf_free(&key);
}

Test(routing, keys_are_those_of_openclaw)
{
    struct routing_from from = { .channel = "discord", .account = STR("Work"), .kind = "channel", .peer = STR("123") };
    parse("{}");
    key_is(&from, "agent:main:discord:channel:123");
    from.kind = "direct";
    key_is(&from, "agent:main:main");
    config_end();
    parse("{session:{dmScope:'per-peer',identityLinks:{ann:['discord:123']}}}");
    key_is(&from, "agent:main:direct:ann");
    config_end();
    parse("{session:{dmScope:'per-channel-peer'}}");
    key_is(&from, "agent:main:discord:direct:123");
    config_end();
    parse("{session:{dmScope:'per-account-channel-peer'}}");
    key_is(&from, "agent:main:discord:work:direct:123");
    config_end();
}
