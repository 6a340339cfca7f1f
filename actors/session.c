#include "actors/session.h"

#include <stdlib.h>

#include "actors/agent_skills.h"
#include "base/clock.h"
#include "base/config_shared.h"
#include "base/log.h"
#include "msgs/chat_json.h"

void session_forget(struct session *s)
{
    arena_free(&s->memory);
    free(s->messages);
    s->messages = NULL;
    s->count = s->capacity = 0;
    s->loaded = false;
}

int session_add(struct session *s, struct str json)
{
    if (s->count == s->capacity) {
        size_t capacity = s->capacity ? 2 * s->capacity : 4;
        struct chat_message *grown = realloc(s->messages, capacity * sizeof *grown);
        if (!grown) return GW_ENOMEM;
        s->messages = grown;
        s->capacity = capacity;
    }
    int rc = chat_json_read(json, &s->memory, &s->messages[s->count]);
    if (rc == 0) s->count++;
    return rc;
}

static void read_skills(struct session *s)
{
    struct agent_skills *of = malloc(sizeof *of); /* a session's stack stays small */
    int rc = of ? 0 : GW_ENOMEM;
    if (of) {
        agent_skills_init(of, s->config, s->agent, false);
        skills_destroy(&s->skills);
        rc = skills_load(&of->options, &s->skills);
    }
    if (rc) log_event(LOG_WARN, "skills_not_read", LOG_S("agent", s->agent->id), LOG_T("code", err_name(rc)));
    free(of);
}

const skills_t *session_skills(struct session *s)
{
    int64_t now = clock_mono_ms();
    if (s->skills_agent == s->agent && now - s->skills_read_ms < SESSION_SKILLS_MS) return s->skills;
    read_skills(s);
    s->skills_agent = s->agent;
    s->skills_read_ms = now;
    return s->skills;
}

/* Before each turn: what is in force now. Between turns none is held, so that an idle session keeps no old one alive. */
static void take_config(struct session *s)
{
    int64_t generation;
    config_t *now = config_shared_get(&generation);
    if (!now) return; /* a test's session, which has its own */
    config_unref(&s->config);
    s->config = now;
    if (generation != s->config_generation) s->skills_agent = NULL;
    s->config_generation = generation;
}

static void give_config_back(struct session *s)
{
    if (s->config_generation > 0) config_unref(&s->config);
    s->agent = NULL;
}

/* A turn of another session rebinds the thread. */
static void bind(struct session *s, const struct msg_turn_run *run)
{
    if (!str_is(run->session_key, s->key)) session_forget(s);
    str_copy(s->key, sizeof s->key, run->session_key); /* 1..512 by declaration: it fits */
    s->agent = config_agent_find(s->config, run->agent);
    if (!s->agent) s->agent = config_agent_default(s->config); /* the router refuses unknown ones; a recovered turn's agent may be gone */
}

int session_actor(mailbox_t *mb, void *arg)
{
    struct session_options *options = arg;
    struct session s = { .mailbox = mb, .config = options->config };
    struct msg in;
    int rc = 0;
    free(options);
    take_config(&s); /* a spare thread holds none either */
    give_config_back(&s);
    while (!s.stop && rc == 0) {
        rc = mailbox_recv(mb, -1, &in);
        if (rc == GW_EBADMSG) rc = 0;
        if (in.kind == MSG_turn_run) {
            take_config(&s);
            bind(&s, &in.turn_run);
            turn_run(&s, &in);
            give_config_back(&s);
        }
        if (in.kind == MSG_session_forget && str_is(in.session_forget.session_key, s.key)) session_forget(&s);
        if (in.kind == MSG_session_park) {
            session_forget(&s);
            s.key[0] = '\0';
            skills_destroy(&s.skills);
            s.skills_agent = NULL;
        }
        if (in.kind == MSG_actor_stop) s.stop = true;
        msg_clear(&in); /* a late turn.cancel or answer: its turn is over */
    }
    session_forget(&s);
    skills_destroy(&s.skills);
    config_unref(&s.config);
    return rc == GW_ECLOSED ? 0 : rc;
}
