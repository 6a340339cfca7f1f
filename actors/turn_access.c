#include "actors/turn_access.h"

#include "actors/session_view.h"
#include "actors/turn_rpc.h"
#include "base/json_read.h"

enum { KIN_MAX = 1000, KIN_LEVELS = 5 /* agents.defaults.subagents.maxSpawnDepth goes no deeper */ };

static void read_rules(const config_t *config, struct access_rules *rules)
{
    static const char *const NAMES[] = { "self", "tree", "agent", "all" };
    const struct config_limits *limits = config_limits(config);
    struct str visibility = config_str(config, "tools.sessions.visibility");
    *rules = (struct access_rules){ .visibility = ACCESS_TREE,
                                    .agent_to_agent = limits->agent_to_agent,
                                    .allow = limits->agent_to_agent_allow,
                                    .allow_count = limits->agent_to_agent_allow_count };
    for (int i = 0; i < 4; i++)
        if (str_is(visibility, NAMES[i])) rules->visibility = (enum access_visibility)i;
}

/* The children of one session. */
static int add_children(struct turn_access *a, struct str parent)
{
    struct buf why = { 0 };
    json_t *said, *row;
    size_t i;
    int rc =
        turn_rpc(a->t, "query", RPC_sessions_list, json_pack("{s:s%,s:i}", "spawnedBy", parent.p, parent.n, "limit", KIN_MAX), &said, &why);
    json_array_foreach(json_object_get(said, "sessions"), i, row)
    {
        buf_add(&a->kin, json_str(row, "key"));
        buf_char(&a->kin, '\n');
    }
    json_decref(said);
    buf_free(&why);
    return rc == GW_EINVAL ? 0 : rc;
}

static int add_descendants(struct turn_access *a)
{
    int rc = add_children(a, str_of(a->t->s->key));
    size_t from = 0;
    for (int level = 1; level < KIN_LEVELS && rc == 0 && from < a->kin.n; level++) {
        size_t end = a->kin.n;
        while (rc == 0 && from < end) {
            char key[SESSION_KEY_MAX + 1];
            struct str rest = { a->kin.p + from, end - from };
            struct str line = str_split(&rest, '\n');
            from += line.n + 1;
            if (str_copy(key, sizeof key, line) == 0) rc = add_children(a, str_of(key)); /* the buffer moves */
        }
    }
    return rc;
}

int turn_access_open(struct turn *t, struct turn_access *access)
{
    *access = (struct turn_access){ .t = t };
    read_rules(t->s->config, &access->rules);
    return access->rules.visibility == ACCESS_SELF ? 0 : add_descendants(access);
}

void turn_access_close(struct turn_access *access)
{
    buf_free(&access->kin);
}

static bool is_kin(const struct turn_access *access, struct str key)
{
    struct str rest = buf_str(&access->kin);
    while (rest.n)
        if (str_eq(str_split(&rest, '\n'), key)) return true;
    return false;
}

const char *turn_access_check(const struct turn_access *access, struct str key)
{
    struct session_key parts;
    const struct access_pair pair = {
        .asker = str_of(access->t->s->key),
        .target = key,
        .asker_agent = access->t->s->agent->id,
        .target_agent = session_key_parse(key, &parts) == 0 ? parts.agent : (struct str){ 0 },
        .descendant = is_kin(access, key),
    };
    return policy_access(&access->rules, &pair);
}

/* The main session of a configured agent may be named before anybody spoke in it. */
static bool is_main_of_somebody(const struct turn *t, struct str key)
{
    const struct session_key_rules rules = session_view_rules(t->s->config);
    struct session_key parts;
    return session_key_parse(key, &parts) == 0 && session_key_is_main(&rules, key) && config_agent_find(t->s->config, parts.agent);
}

static int resolve(struct turn *t, const char *by, struct str name, char *key, struct buf *why)
{
    json_t *said;
    int rc = turn_rpc(t, "query", RPC_sessions_resolve, json_pack("{s:s%}", by, name.p, name.n), &said, why);
    if (rc == 0) rc = str_copy(key, SESSION_KEY_MAX + 1, json_str(said, "key"));
    json_decref(said);
    return rc;
}

int turn_access_named(struct turn *t, struct str name, char *key, struct buf *why)
{
    const struct session_key_rules rules = session_view_rules(t->s->config);
    struct buf canonical = { 0 }, ignored = { 0 };
    struct turn_access access;
    name = str_trim(name);
    int rc = session_key_canonical(&rules, name, &canonical) ? GW_EINVAL : resolve(t, "key", buf_str(&canonical), key, &ignored);
    if (rc == GW_EINVAL && is_main_of_somebody(t, buf_str(&canonical))) rc = str_copy(key, SESSION_KEY_MAX + 1, buf_str(&canonical));
    if (rc == GW_EINVAL && name.n) rc = resolve(t, "sessionId", name, key, &ignored);
    if (rc == GW_EINVAL) buf_printf(why, "No session found: %.*s", STR_ARG(str_utf8_prefix(name, 200)));
    buf_free(&canonical);
    buf_free(&ignored);
    if (rc) return rc;
    rc = turn_access_open(t, &access);
    const char *refusal = rc ? NULL : turn_access_check(&access, str_of(key));
    turn_access_close(&access);
    if (refusal) buf_text(why, refusal);
    return refusal ? GW_EINVAL : rc;
}
