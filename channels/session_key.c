#include "channels/session_key.h"

static struct str main_key(const struct session_key_rules *rules)
{
    struct str key = str_trim(rules->main_key);
    return key.n ? key : STR("main");
}

int session_key_parse(struct str key, struct session_key *out)
{
    struct str rest = key;
    *out = (struct session_key){ 0 };
    if (!str_is(str_split(&rest, ':'), "agent")) return GW_EINVAL;
    struct str agent = str_split(&rest, ':');
    if (agent.n == 0 || rest.n == 0) return GW_EINVAL;
    *out = (struct session_key){ agent, rest };
    return 0;
}

void session_key_main(const struct session_key_rules *rules, struct str agent, struct buf *out)
{
    buf_text(out, "agent:");
    buf_add(out, agent);
    buf_char(out, ':');
    buf_add(out, main_key(rules));
}

static bool means_main(const struct session_key_rules *rules, struct str rest)
{
    return str_is(rest, "main") || str_eq(rest, main_key(rules));
}

int session_key_canonical(const struct session_key_rules *rules, struct str key, struct buf *out)
{
    struct session_key parts;
    size_t before = out->n;
    key = str_trim(key);
    if (key.n == 0) return GW_EINVAL;
    if (key.n > SESSION_KEY_BYTES) return GW_ELIMIT;
    if (session_key_parse(key, &parts) != 0) {
        if (str_starts(key, STR("agent:"))) return GW_EINVAL;
        parts = (struct session_key){ rules->default_agent, key };
    }
    if (str_is(key, "global") || str_is(key, "unknown")) {
        buf_add(out, key);
    } else if (means_main(rules, parts.rest)) {
        session_key_main(rules, parts.agent, out);
    } else {
        buf_text(out, "agent:");
        buf_add(out, parts.agent);
        buf_char(out, ':');
        buf_add(out, parts.rest);
    }
    if (out->err) return out->err;
    if (out->n - before <= SESSION_KEY_BYTES) return 0;
    out->n = before;
    return GW_ELIMIT;
}

bool session_key_is_main(const struct session_key_rules *rules, struct str canonical)
{
    struct session_key parts;
    return session_key_parse(canonical, &parts) == 0 && str_eq(parts.rest, main_key(rules));
}

bool session_key_is_subagent(struct str canonical)
{
    struct session_key parts;
    return session_key_parse(canonical, &parts) == 0 && str_starts(parts.rest, STR("subagent:"));
}

bool session_key_is_cron_run(struct str canonical)
{
    struct session_key parts;
    if (session_key_parse(canonical, &parts) != 0 || !str_starts(parts.rest, STR("cron:"))) return false;
    struct str rest = parts.rest;
    str_split(&rest, ':');
    struct str job = str_split(&rest, ':');
    return job.n > 0 && str_starts(rest, STR("run:"));
}
