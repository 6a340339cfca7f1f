#include "tests/support/query_rig.h"

TestSuite(query_channels, .init = rig_setup, .fini = rig_end, .timeout = 20);

#define DISCORD "{channels:{discord:{token:'fake-token-1234'}}}"

static const char *status(const char *params)
{
    return rig_ask(query_channels_handlers, RPC_channels_status, params);
}

Test(query_channels, discord_is_told_as_openclaw_tells_it)
{
    rig_config(DISCORD, NULL);
    cr_assert_str_eq(
        status("{\"probe\":false,\"timeoutMs\":8000}"),
        "{\"ts\":1795354566000,\"channelOrder\":[\"discord\"],\"channelLabels\":{\"discord\":\"Discord\"},"
        "\"channelDetailLabels\":{\"discord\":\"Discord Bot\"},\"channelSystemImages\":{\"discord\":\"bubble.left.and.bubble.right\"},"
        "\"channelMeta\":[{\"id\":\"discord\",\"label\":\"Discord\",\"detailLabel\":\"Discord Bot\","
        "\"systemImage\":\"bubble.left.and.bubble.right\"}],\"channels\":{\"discord\":{\"configured\":true,\"tokenSource\":\"config\","
        "\"running\":false,\"lastStartAt\":null,\"lastStopAt\":null,\"lastError\":null,\"lastProbeAt\":null}},"
        "\"channelAccounts\":{\"discord\":[{\"accountId\":\"default\",\"enabled\":true,\"configured\":true,\"tokenSource\":\"config\","
        "\"running\":false,\"lastStartAt\":null,\"lastStopAt\":null,\"lastError\":null,\"lastInboundAt\":null,\"lastOutboundAt\":null}]},"
        "\"channelDefaultAccountId\":{\"discord\":\"default\"}}");
    cr_assert(!strstr(status(NULL), "fake-token"));
}

Test(query_channels, a_probe_has_the_fields_and_says_why_it_fails)
{
    rig_config(DISCORD, NULL);
    const char *got = status("{\"probe\":true}");
    rig_same_shape(
        got, "{\"ts\":1,\"channelOrder\":[\"d\"],\"channelLabels\":{\"discord\":\"D\"},\"channelDetailLabels\":{\"discord\":\"D\"},"
             "\"channelSystemImages\":{\"discord\":\"b\"},\"channelMeta\":[{\"id\":\"d\",\"label\":\"D\",\"detailLabel\":\"D\","
             "\"systemImage\":\"b\"}],"
             "\"channels\":{\"discord\":{\"configured\":true,\"tokenSource\":\"config\",\"running\":false,\"lastStartAt\":null,"
             "\"lastStopAt\":null,"
             "\"lastError\":null,\"probe\":{\"ok\":false,\"status\":null,\"error\":\"e\",\"elapsedMs\":3},\"lastProbeAt\":1}},"
             "\"channelAccounts\":{\"discord\":[{\"accountId\":\"d\",\"enabled\":true,\"configured\":true,\"tokenSource\":\"config\","
             "\"running\":false,\"lastStartAt\":null,\"lastStopAt\":null,\"lastError\":null,\"probe\":{\"ok\":false,\"status\":null,"
             "\"error\":\"e\","
             "\"elapsedMs\":3},\"audit\":{\"ok\":false,\"checkedChannels\":1,\"unresolvedChannels\":0,\"channels\":[],\"elapsedMs\":4},"
             "\"lastInboundAt\":null,\"lastOutboundAt\":null,\"lastProbeAt\":1}]},\"channelDefaultAccountId\":{\"discord\":\"default\"}}");
    cr_assert(strstr(got, "\"error\":\"Discord is not connected by this gateway\""), "%s", got);
}

Test(query_channels, nothing_configured_is_nothing_listed)
{
    cr_assert_str_eq(status(NULL),
                     "{\"ts\":1795354566000,\"channelOrder\":[],\"channelLabels\":{},\"channelDetailLabels\":{},\"channelSystemImages\":{},"
                     "\"channelMeta\":[],\"channels\":{},\"channelAccounts\":{},\"channelDefaultAccountId\":{}}");
}

Test(query_channels, accounts_have_their_own_tokens_and_switches)
{
    rig_config("{channels:{discord:{accounts:{work:{token:'t-1234567',name:'Work'},idle:{enabled:false,token:'t-7654321'},bare:{}}}}}",
               NULL);
    const char *got = status("{\"probe\":true}");
    cr_assert(strstr(got, "{\"accountId\":\"bare\",\"enabled\":true,\"configured\":false,\"tokenSource\":\"none\""), "%s", got);
    cr_assert(strstr(got, "{\"accountId\":\"idle\",\"enabled\":false,\"configured\":true"), "%s", got);
    cr_assert(strstr(got, "{\"accountId\":\"work\",\"name\":\"Work\",\"enabled\":true,\"configured\":true"), "%s", got);
    cr_assert(strstr(got, "\"channelDefaultAccountId\":{\"discord\":\"bare\"}"), "%s", got);
}

Test(query_channels, so_many_accounts_are_listed_and_no_more)
{
    struct buf text = { 0 };
    for (int count = QUERY_ACCOUNTS_MAX - 1; count <= QUERY_ACCOUNTS_MAX; count++) { /* the default account is one of them */
        buf_clear(&text);
        buf_text(&text, "{channels:{discord:{token:'fake-token-1234',accounts:{");
        for (int i = 0; i < count; i++) buf_printf(&text, "a%d:{},", i);
        buf_text(&text, "}}}}");
        rig_config(buf_cstr(&text), NULL);
        json_t *root = json_loads(status(NULL), 0, NULL);
        cr_assert_eq(json_array_size(json_object_get(json_object_get(root, "channelAccounts"), "discord")), QUERY_ACCOUNTS_MAX);
        json_decref(root);
    }
    buf_free(&text);
}

Test(query_channels, a_token_may_come_from_the_environment)
{
    setenv("DISCORD_BOT_TOKEN", "env-token-123", 1);
    const char *got = status(NULL);
    cr_assert(strstr(got, "\"configured\":true,\"tokenSource\":\"env\"") && !strstr(got, "env-token"), "%s", got);
}

static const char *summary(void)
{
    static char text[1024];
    const char *got = rig_ask(query_health_handlers, RPC_status, NULL);
    const char *from = strstr(got, "\"channelSummary\":"), *to = strstr(got, ",\"queuedSystemEvents\"");
    cr_assert(from && to && str_copy(text, sizeof text, (struct str){ from, (size_t)(to - from) }) == 0);
    return text;
}

Test(query_channels, the_summary_of_status_says_it_in_words)
{
    cr_assert_str_eq(summary(), "\"channelSummary\":[]");
    rig_config(DISCORD, NULL);
    cr_assert_str_eq(summary(), "\"channelSummary\":[\"Discord: configured\",\"  - default (token:config)\"]");
    rig_config("{channels:{discord:{enabled:false,token:'fake-token-1234'},telegram:{}}}", NULL);
    cr_assert_str_eq(summary(),
                     "\"channelSummary\":[\"Discord: disabled\",\"  - default (disabled, token:config)\",\"Telegram: not configured\"]");
}
