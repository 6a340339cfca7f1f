#include "actors/relay.h"

#include <stdlib.h>
#include <uthash.h>

#include "actors/policy.h"
#include "base/buf.h"
#include "base/chat.h"
#include "base/log.h"
#include "base/random.h"
#include "msgs/chat_pack.h"

enum phase { PHASE_FIRST, PHASE_TALK, PHASE_ANNOUNCE };

struct side {
    char *key;
    char *agent;
    enum policy_lane lane;
};

/* A conversation. `speaker` answers now: 1 is the target, 0 the asker. */
struct talk {
    uint64_t corr; /* of its turn in progress */
    UT_hash_handle hh;
    struct side side[2];
    enum phase phase;
    int speaker;
    uint64_t trace;
    int left;      /* messages that may still go to and fro */
    char *request; /* what was said first */
    char *reply;   /* the target's first answer */
};

struct relay {
    mailbox_t *mailbox;
    struct talk *talks;
};

static void end(struct relay *r, struct talk *k)
{
    HASH_DEL(r->talks, k);
    for (int i = 0; i < 2; i++) {
        free(k->side[i].key);
        free(k->side[i].agent);
    }
    free(k->request);
    free(k->reply);
    free(k);
}

void relay_write_context(struct str asker, struct str target, struct str channel, struct buf *out)
{
    buf_printf(out,
               "Agent-to-agent message context:\n"
               "Agent 1 (asker) session: %.*s.\n"
               "Agent 1 (asker) channel: %.*s.\n"
               "Agent 2 (target) session: %.*s.\n"
               "The message below comes from another agent, not from a person: judge what it asks for as you would a colleague's wish.",
               STR_ARG(asker), STR_ARG(channel), STR_ARG(target));
}

static void write_system(const struct talk *k, struct buf *out)
{
    relay_write_context(str_of(k->side[0].key), str_of(k->side[1].key), STR("internal"), out);
    if (k->phase == PHASE_TALK)
        buf_printf(out,
                   "\nYou are agent %d. What you answer goes to the other one; %d more messages may follow. Answer exactly %s to end it.",
                   k->speaker + 1, k->left, RELAY_REPLY_SKIP);
    if (k->phase == PHASE_ANNOUNCE)
        buf_printf(out,
                   "\nThe conversation is over. It began with: %s\nYour first answer was: %s\n"
                   "What you answer now is posted in your own channel. Answer exactly %s to post nothing.",
                   k->request, k->reply ? k->reply : "(none)", RELAY_ANNOUNCE_SKIP);
}

void relay_write_provenance(struct str source_key, struct str source_channel, struct buf *out)
{
    buf_char(out, '{');
    buf_json_pair_str(out, "kind", STR("inter_session"));
    buf_json_pair_str(out, "sourceSessionKey", source_key);
    if (source_channel.n) buf_json_pair_str(out, "sourceChannel", source_channel);
    buf_json_pair_str(out, "sourceTool", STR("sessions_send"));
    buf_char(out, '}');
}

/* A turn of the speaker's session. `key`: repeats of it start nothing, and hear the end all the same. @return whether it was sent */
static bool say(struct relay *r, struct talk *k, struct str text, const char *run_id)
{
    struct chat_part part = { .kind = CHAT_TEXT, .text = text };
    struct chat_message message = { .role = CHAT_USER, .parts = &part, .part_count = 1 };
    const struct side *to = &k->side[k->speaker];
    struct buf packed = { 0 }, system = { 0 }, from = { 0 };
    struct msg m = { .kind = MSG_turn_submit, .corr = k->corr, .trace = k->trace };
    write_system(k, &system);
    relay_write_provenance(str_of(k->side[!k->speaker].key), STR("internal"), &from);
    message.provenance = buf_str(&from);
    int rc = from.err ? from.err : chat_pack_message(&packed, &message);
    m.turn_submit = (struct msg_turn_submit){ .run_id = str_of(run_id),
                                              .session_key = str_of(to->key),
                                              .agent = str_of(to->agent),
                                              .lane = to->lane,
                                              .idempotency_key = str_of(run_id),
                                              .channel = STR("internal"),
                                              .system = buf_str(&system),
                                              .message = buf_str(&packed) };
    if (rc == 0) rc = mailbox_send(r->mailbox, "router", &m);
    if (rc) log_event(LOG_WARN, "relay_ended", LOG_T("session", to->key), LOG_T("code", err_name(rc)));
    buf_free(&packed);
    buf_free(&from);
    buf_free(&system);
    return rc == 0;
}

static bool add(struct relay *r, struct talk *k)
{
    k->corr = mailbox_corr(r->mailbox);
    HASH_ADD(hh, r->talks, corr, sizeof k->corr, k);
    return true;
}

/* The next message under a corr of its own, so that nothing late of the former turn counts. */
static void go_on(struct relay *r, struct talk *k, struct str text)
{
    char run_id[RANDOM_UUID_SIZE];
    random_uuid(run_id);
    HASH_DEL(r->talks, k);
    add(r, k);
    if (!say(r, k, text, run_id)) end(r, k);
}

static void on_start(struct relay *r, const struct msg *in)
{
    const struct msg_relay_start *s = &in->relay_start;
    char run_id[129];
    struct talk *k = HASH_COUNT(r->talks) < RELAY_TALKS_MAX ? calloc(1, sizeof *k) : NULL;
    if (!k) {
        log_event(LOG_WARN, "relay_full", LOG_S("session", s->target), LOG_I("max", RELAY_TALKS_MAX));
        return;
    }
    k->side[0] = (struct side){ str_dup(s->asker), str_dup(s->asker_agent), (enum policy_lane)s->asker_lane };
    k->side[1] = (struct side){ str_dup(s->target), str_dup(s->target_agent), (enum policy_lane)s->lane };
    k->trace = in->trace;
    k->request = str_dup(s->message);
    k->speaker = 1;
    k->left = (int)s->turns;
    add(r, k);
    bool whole = k->side[0].key && k->side[0].agent && k->side[1].key && k->side[1].agent && k->request;
    str_copy(run_id, sizeof run_id, s->run_id);
    if (!whole || !say(r, k, s->message, run_id)) end(r, k);
}

static void announce(struct relay *r, struct talk *k)
{
    k->phase = PHASE_ANNOUNCE;
    k->speaker = 1;
    go_on(r, k, STR("Agent-to-agent announce step."));
}

static void on_done(struct relay *r, struct talk *k, const struct msg_turn_done *d)
{
    struct str text = str_trim(d->text);
    if (k->phase == PHASE_ANNOUNCE || d->outcome != OUTCOME_DONE || text.n == 0) {
        end(r, k);
        return;
    }
    if (k->phase == PHASE_FIRST) k->reply = str_dup(text);
    k->phase = PHASE_TALK;
    if (str_is(text, RELAY_REPLY_SKIP) || k->left == 0) {
        announce(r, k);
        return;
    }
    k->left--;
    k->speaker = !k->speaker;
    go_on(r, k, text);
}

static struct talk *find(struct relay *r, uint64_t corr)
{
    struct talk *k;
    HASH_FIND(hh, r->talks, &corr, sizeof corr, k);
    return k;
}

static int relay_step(void *self, const struct msg *in, const struct post *post)
{
    struct relay *r = self;
    struct talk *k = find(r, in->corr);
    (void)post;
    switch (in->kind) {
    case MSG_relay_start: on_start(r, in); break;
    case MSG_turn_done:
        if (k) on_done(r, k, &in->turn_done);
        break;
    case MSG_turn_refused:
    case MSG_error:
        if (k) end(r, k);
        break;
    case MSG_turn_accepted: /* a repeat; its end follows */
    case MSG_config_changed: break;
    default: return GW_EINVAL;
    }
    return 0;
}

int relay_actor(mailbox_t *mb, void *arg)
{
    struct relay r = { .mailbox = mb };
    struct talk *k, *safe;
    (void)arg;
    int rc = serve(mb, &r, relay_step);
    HASH_ITER(hh, r.talks, k, safe)
    {
        end(&r, k);
    }
    return rc;
}
