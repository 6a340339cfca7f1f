/* actors/router_spawns.c -- sub-agents: asked for by a turn, decided by the policy, durable, told of when they have ended. */
#include <stdio.h>

#include "actors/router_internal.h"
#include "base/clock.h"

#define WATCH_CORR (UINT64_C(1) << 62) /* above every corr that a mailbox gives */

static void answer(struct router *r, const char *to, uint64_t corr, const char *reason, const struct policy_action *a)
{
    struct msg m = { .kind = MSG_session_spawned, .corr = corr };
    m.session_spawned.reason = str_of(reason);
    m.session_spawned.current = a ? a->current : 0;
    m.session_spawned.max = a ? a->max : 0;
    router_send(r, to, &m, NULL);
}

void router_spawn_answer(struct router *r, const struct turn_entry *e, const char *reason)
{
    answer(r, e->said.from, e->said.corr, reason, NULL);
}

/* The child's key is the asker's to choose, within its agent's sub-agents. */
static bool is_key_of(struct str key, struct str agent)
{
    char start[MSG_NAME_MAX + 32];
    int n = snprintf(start, sizeof start, "agent:%.*s:subagent:", STR_ARG(str_utf8_prefix(agent, MSG_NAME_MAX)));
    return n > 0 && key.n > (size_t)n && str_starts(key, (struct str){ start, (size_t)n });
}

/* The turn that asks runs in the session that sent this, and is that session's. */
static bool is_asker(struct router *r, const struct msg *in)
{
    const struct msg_session_spawn *s = &in->session_spawn;
    struct turn_entry *parent = router_turn(r, s->turn);
    char name[MSG_NAME_MAX + 1];
    if (!parent || !str_eq(router_said(&parent->said).session_key, s->parent)) return false;
    router_worker_name(policy_session_info(r->policy, s->parent).worker, name);
    return strcmp(name, in->from) == 0;
}

void router_spawn_decided(struct router *r, const struct policy_action *a)
{
    struct turn_entry *e = r->spawning;
    if (!e) return;
    if (a->kind == POLICY_DO_SPAWN_OK) {
        e->spawn = a->spawn;
        e->said.session_spawn.depth = a->depth;
        return;
    }
    answer(r, e->said.from, e->said.corr, policy_reason_name(a->reason), a);
}

static struct policy_event spawn_event(struct router *r, const struct turn_entry *e)
{
    const struct msg_session_spawn *s = &e->said.session_spawn;
    struct turn_entry *parent = router_turn(r, s->turn);
    const struct config_agent *asker = config_agent_find(r->config, router_said(&parent->said).agent);
    return (struct policy_event){ .kind = POLICY_SPAWN,
                                  .turn = s->turn,
                                  .session = s->session_key,
                                  .target = s->agent,
                                  .target_known = config_agent_find(r->config, s->agent) != NULL,
                                  .allow = asker ? asker->allow : NULL,
                                  .allow_count = !asker                                  ? 0
                                                 : asker->allow_count < POLICY_ALLOW_MAX ? asker->allow_count
                                                                                         : POLICY_ALLOW_MAX,
                                  .allow_any = asker && asker->allow_any };
}

/* The run that a sub-agent's result is to come from: the newest one, when the asker is who started it. */
static struct turn_entry *run_of(struct router *r, const struct msg_session_spawn *s)
{
    struct turn_entry *e, *safe, *found = NULL;
    HASH_ITER(hh, r->turns, e, safe)
    {
        const struct said said = router_said(&e->said);
        if (!said.spawned || !str_eq(said.session_key, s->session_key) || !str_eq(said.parent, s->parent)) continue;
        if (!found || e->turn > found->turn) found = e;
    }
    return found;
}

/* Another run in the place of the one that goes on; the policy ends that one once this one is durable. */
static void steer(struct router *r, struct msg *in)
{
    struct turn_entry *old = run_of(r, &in->session_spawn), *e = old ? router_turn_add(r, in) : NULL;
    if (!e) {
        answer(r, in->from, in->corr, old ? "store_failed" : "not_running", NULL);
        return;
    }
    const struct said was = router_said(&old->said);
    if (was.model.n) e->set_model = str_dup(was.model);
    if (was.thinking.n) e->set_thinking = str_dup(was.thinking);
    e->said.session_spawn.timeout_s = was.timeout_s;
    e->said.session_spawn.depth = was.depth;
    struct policy_event submit = router_submit_event(e, POLICY_SUBMIT);
    submit.replaces = old->turn;
    router_step(r, &submit);
}

void router_on_spawn(struct router *r, struct msg *in)
{
    const char *no = r->phase != PHASE_RUNNING                                                                ? "stopping"
                     : !is_key_of(in->session_spawn.session_key, in->session_spawn.agent) || !is_asker(r, in) ? "not_running"
                                                                                                              : NULL;
    if (!no && in->session_spawn.steers) {
        steer(r, in);
        return;
    }
    struct turn_entry *e = no ? NULL : router_turn_add(r, in);
    if (!e) {
        answer(r, in->from, in->corr, no ? no : "store_failed", NULL);
        return;
    }
    const struct policy_event spawn = spawn_event(r, e);
    r->spawning = e;
    router_step(r, &spawn);
    r->spawning = NULL;
    if (e->spawn == 0) {
        router_free_turn(r, e);
        return;
    }
    struct policy_event submit = router_submit_event(e, POLICY_SUBMIT);
    submit.spawn = e->spawn;
    router_step(r, &submit);
}

void router_on_announce(struct router *r, struct msg *in)
{
    const struct msg_store_announce *a = &in->store_announce;
    if (r->phase != PHASE_RUNNING && !(r->phase == PHASE_STARTING && r->recovered)) return; /* the next process is told again */
    if (!config_agent_find(r->config, a->agent)) return; /* the store gives it up, once it has this configuration, too */
    struct turn_entry *e = router_turn_add(r, in);
    if (!e) return;
    router_trace_announce(r, e);
    const struct policy_event submit = router_submit_event(e, POLICY_SUBMIT);
    router_step(r, &submit);
}

void router_watch(struct router *r, struct turn_entry *e)
{
    struct said s = router_said(&e->said);
    struct msg m = { .kind = MSG_turn_watch, .corr = WATCH_CORR | (uint64_t)e->turn, .trace = e->said.trace };
    if (!r->options->gateway || strcmp(e->reply, "gateway") == 0) return;
    m.turn_watch = (struct msg_turn_watch){ .turn = e->turn, .run_id = s.run_id, .session_key = s.session_key };
    if (router_send(r, "gateway", &m, NULL) != 0) return;
    e->watch_corr = m.corr;
    if (e->reply[0]) return;
    str_copy(e->reply, sizeof e->reply, STR("gateway"));
    e->said.corr = m.corr;
}
