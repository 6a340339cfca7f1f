#include "store/session_heads.h"
#include "store/sessions.h"
#include "tests/support/query_rig.h"

TestSuite(query_health, .init = rig_setup, .fini = rig_end, .timeout = 20);

static const char team[] =
    "{channels:{discord:{token:'fake-token-1234'}},agents:{defaults:{model:'demo/m'},list:[{id:'main',name:'Main'},{id:'alpha'}]}}";

static void session(const char *key, const char *agent, int64_t ago_ms)
{
    int64_t id;
    const struct session_new s = {
        .key = str_of(key), .uuid = STR("31379ded-b775-40b4-ab5f-c05e7258e30b"), .agent = str_of(agent), .now_ms = RIG_NOW - ago_ms
    };
    cr_assert(sessions_ensure(rig_store, &s, &id, NULL) == 0);
}

static const char *health(const char *params)
{
    return rig_ask(query_health_handlers, RPC_health, params);
}

/* The captured frame, but for what only a probed channel has. */
#define STATE "\"configured\":true,\"tokenSource\":\"none\",\"running\":false,\"lastStartAt\":null,\"lastStopAt\":null,\"lastError\":null,"
#define PROBE "\"probe\":{\"ok\":false,\"status\":null,\"error\":\"fetch failed\",\"elapsedMs\":13},\"lastProbeAt\":1795353954299,"
#define SESSIONS "\"sessions\":{\"path\":\"/data\",\"count\":41,\"recent\":[{\"key\":\"agent:main:brandnew\",\"updatedAt\":1,\"age\":614}]}"
static const char frame[] = "{\"ok\":true,\"ts\":1795353954299,\"durationMs\":13,\"channels\":{\"discord\":{" STATE PROBE
                            "\"accountId\":\"default\",\"accounts\":{\"default\":{" STATE PROBE "\"accountId\":\"default\"}}}},"
                            "\"channelOrder\":[\"discord\"],\"channelLabels\":{\"discord\":\"Discord\"},\"heartbeatSeconds\":1800,"
                            "\"defaultAgentId\":\"main\",\"agents\":[{\"agentId\":\"main\",\"name\":\"Main\",\"isDefault\":true,"
                            "\"heartbeat\":{\"enabled\":true,\"every\":\"30m\",\"everyMs\":1800000,\"prompt\":\"Read\",\"target\":\"last\","
                            "\"ackMaxChars\":300}," SESSIONS "}]," SESSIONS "}";

Test(query_health, has_the_fields_of_the_captured_frame_in_their_order)
{
    rig_config(team, NULL);
    session("agent:main:main", "main", 614);
    rig_same_shape(health("{\"probe\":true}"), frame);
    cr_assert(!strstr(health(NULL), "\"probe\""), "nothing was probed");
}

Test(query_health, counts_all_sessions_and_shows_the_newest_five)
{
    char key[64], want[128];
    rig_config(team, NULL);
    for (int i = 0; i < 7; i++) {
        snprintf(key, sizeof key, "agent:main:s%d", i);
        session(key, "main", 1000 * (i + 1));
    }
    session("agent:alpha:main", "alpha", 5);
    session("agent:gone:main", "gone", 5);
    const char *got = health(NULL);
    cr_assert(
        strstr(got,
               "\"count\":7,\"recent\":[{\"key\":\"agent:main:s0\",\"updatedAt\":1795354565000,\"age\":1000},{\"key\":\"agent:main:s1\""),
        "%s", got);
    snprintf(want, sizeof want, "\"key\":\"agent:main:s%d\"", QUERY_HEALTH_RECENT - 1);
    cr_assert(strstr(got, want) && !strstr(got, "agent:main:s5"), "%s", got);
    cr_assert(strstr(got, "\"count\":1,\"recent\":[{\"key\":\"agent:alpha:main\"") && !strstr(got, "gone"), "%s", got);
}

Test(query_health, tells_how_often_the_default_agent_looks_after_things)
{
    rig_config("{agents:{defaults:{heartbeat:{every:'10m',prompt:'Look',target:'none',ackMaxChars:5}}}}", NULL);
    const char *got = health(NULL);
    cr_assert(strstr(got, "\"heartbeatSeconds\":600"));
    cr_assert(strstr(got, "\"heartbeat\":{\"enabled\":true,\"every\":\"10m\",\"everyMs\":600000,\"prompt\":\"Look\",\"target\":"
                          "\"none\",\"ackMaxChars\":5}"),
              "%s", got);
    rig_config("{agents:{defaults:{heartbeat:{every:'0m'}}}}", NULL);
    got = health(NULL);
    cr_assert(strstr(got, "\"heartbeatSeconds\":0") && strstr(got, "\"enabled\":false,\"every\":\"disabled\",\"everyMs\":null"), "%s", got);
}

/* --- status --------------------------------------------------------------------------------------------------------- */

Test(query_health, status_has_the_fields_of_the_captured_frame)
{
    rig_config(team, NULL);
    session("agent:main:main", "main", 614);
    const char *got = rig_ask(query_health_handlers, RPC_status, "{\"queuedSystemEvents\":[\"heldout event\"]}");
    cr_assert(strstr(got, "\"queuedSystemEvents\":[\"heldout event\"]"), "%s", got);
#define ROW                                                                                                                                \
    "{\"agentId\":\"main\",\"key\":\"k\",\"kind\":\"direct\",\"sessionId\":\"u\",\"updatedAt\":1,\"age\":1,\"inputTokens\":1,"             \
    "\"outputTokens\":2,\"totalTokens\":null,\"totalTokensFresh\":false,\"remainingTokens\":null,\"percentUsed\":null,\"model\":\"m\","    \
    "\"contextTokens\":1,\"flags\":[\"id:x\"]}"
    rig_same_shape(
        got, "{\"heartbeat\":{\"defaultAgentId\":\"main\",\"agents\":[{\"agentId\":\"main\",\"enabled\":true,\"every\":\"30m\","
             "\"everyMs\":1800000}]},"
             "\"channelSummary\":[\"Discord: configured\"],\"queuedSystemEvents\":[\"x\"],\"sessions\":{\"paths\":[\"/p\"],\"count\":1,"
             "\"defaults\":{\"model\":\"m\",\"contextTokens\":1},\"recent\":[" ROW "],\"byAgent\":[{\"agentId\":\"main\",\"path\":\"/p\","
             "\"count\":1,\"recent\":[" ROW "]}]}}");
}

Test(query_health, status_shows_who_is_no_admin_only_numbers)
{
    rig_config(team, NULL);
    session("agent:main:private", "main", 614);
    const char *got = rig_ask_plain(query_health_handlers, RPC_status, NULL);
    cr_assert(!strstr(got, "private") && !strstr(got, rig_dir), "%s", got);
    cr_assert(
        strstr(got,
               "\"sessions\":{\"paths\":[],\"count\":1,\"defaults\":{\"model\":null,\"contextTokens\":null},\"recent\":[],\"byAgent\":["
               "{\"agentId\":\"main\",\"path\":\"[redacted]\",\"count\":1,\"recent\":[]},{\"agentId\":\"alpha\",\"path\":\"[redacted]\","
               "\"count\":0,"
               "\"recent\":[]}]}"),
        "%s", got);
}

Test(query_health, status_lists_the_newest_of_all_agents_first)
{
    rig_config(team, NULL);
    session("agent:main:old", "main", 5000);
    session("agent:alpha:new", "alpha", 10);
    const char *got = rig_ask(query_health_handlers, RPC_status, NULL);
    cr_assert(strstr(got, "\"recent\":[{\"agentId\":\"alpha\",\"key\":\"agent:alpha:new\""), "%s", got);
    cr_assert(strstr(got, "\"flags\":[\"id:31379ded-b775-40b4-ab5f-c05e7258e30b\"]"), "%s", got);
}

static int count_rows(void *ctx, const struct session_head *row)
{
    (void)row;
    ++*(int *)ctx;
    return 0;
}

Test(query_health, heads_are_bounded)
{
    int rows = 0;
    cr_assert(session_heads(rig_store, 0, count_rows, &rows) == GW_ELIMIT);
    cr_assert(session_heads(rig_store, STORE_LIST_MAX + 1, count_rows, &rows) == GW_ELIMIT);
    cr_assert(session_heads(rig_store, STORE_LIST_MAX, count_rows, &rows) == 0 && rows == 0);
}
