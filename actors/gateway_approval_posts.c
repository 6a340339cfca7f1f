/* Approvals on chat networks: a message with buttons where the configuration says (approvals.exec, channels.discord.execApprovals),
 * which tells in the end what was decided. It is asked for at once and not kept: after a restart nobody waits for it any more.
 * Source: OpenClaw 2026.2.17's settings of these names. */
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "actors/gateway_internal.h"
#include "actors/gateway_misc.h"
#include "base/clock.h"
#include "base/json_read.h"
#include "base/log.h"
#include "base/random.h"
#include "base/utf8.h"

enum {
    POSTS_MAX = 512,     /* messages about approvals that wait; further ones are not posted */
    COMMAND_BYTES = 900, /* of the command in a question */
    SUMMARY_BYTES = 200, /* of it in the end */
    LATE_MS = 250,       /* the approval's clock and this timer's need not agree to the millisecond */
};

struct gateway_post {
    struct gateway_post *prev, *next;
    char id[APPROVALS_ID_MAX + 1]; /* of the approval */
    uint64_t corr;                 /* of what it waits for; 0: nothing */
    json_t *request;               /* waits for the session's route: what is asked; owned */
    int64_t expires_ms;
    char channel[33], account[65], place[64], message[64]; /* where it stands, once it was sent */
    char summary[SUMMARY_BYTES + 8];
    bool deletes;
    char *end; /* it was decided before it was sent: what is to be said; owned */
};

static void free_post(struct gateway *gw, struct gateway_post *p)
{
    DL_DELETE(gw->misc->posts, p);
    gw->misc->post_count--;
    json_decref(p->request);
    free(p->end);
    free(p);
}

static struct gateway_post *add_post(struct gateway *gw, const char *id, int64_t expires_ms)
{
    struct gateway_post *p = gw->misc->post_count < POSTS_MAX ? calloc(1, sizeof *p) : NULL;
    if (!p) {
        log_event(LOG_WARN, "approval_not_posted", LOG_T("id", id), LOG_T("reason", "too many wait (POSTS_MAX)"));
        return NULL;
    }
    snprintf(p->id, sizeof p->id, "%s", id);
    p->expires_ms = expires_ms;
    DL_APPEND(gw->misc->posts, p);
    gw->misc->post_count++;
    return p;
}

/* --- what is said ------------------------------------------------------------------------------------------------------- */

/* Fenced text in which no fence can end. */
static void add_fenced(struct str text, struct buf *out)
{
    buf_text(out, "```sh\n");
    for (size_t i = 0; i < text.n; i++) {
        bool fence = i + 2 < text.n && memcmp(text.p + i, "```", 3) == 0;
        buf_char(out, text.p[i]);
        if (fence) buf_char(out, ' ');
    }
    buf_text(out, "\n```\n");
}

static void write_question(const struct gateway_post *p, const json_t *request, struct buf *out)
{
    struct str command = json_str(request, "command"), cwd = json_str(request, "cwd"), agent = json_str(request, "agentId");
    int64_t left_ms = p->expires_ms - clock_wall_ms();
    buf_text(out, "🔒 **A command needs approval**\n");
    add_fenced(str_utf8_prefix(command, COMMAND_BYTES), out);
    if (command.n > COMMAND_BYTES) buf_printf(out, "… and %zu bytes more\n", command.n - COMMAND_BYTES);
    if (agent.n) buf_printf(out, "Agent: %.*s\n", STR_ARG(agent));
    if (cwd.n) buf_printf(out, "Folder: %.*s\n", STR_ARG(str_utf8_prefix(cwd, SUMMARY_BYTES)));
    buf_printf(out, "It waits for %lld s. Answer with a button, or with\n`/approve %s allow-once`, `allow-always` or `deny`",
               (long long)(left_ms > 0 ? left_ms / 1000 : 0), p->id);
}

static json_t *button(const char *id, const char *decision, const char *label, const char *style)
{
    char name[APPROVALS_ID_MAX + 40];
    snprintf(name, sizeof name, "approval:%s:%s", decision, id);
    return json_pack("{s:s, s:s, s:s}", "id", name, "label", label, "style", style);
}

static void write_end(const struct gateway_post *p, enum approval_decision decision, struct str by, struct buf *out)
{
    static const char *const words[] = { "⌛ Nobody decided in time", "✅ Allowed once", "✅ Allowed from now on", "⛔ Denied" };
    buf_text(out, words[decision]);
    if (by.n) buf_printf(out, " by %.*s", STR_ARG(str_utf8_prefix(by, 100)));
    buf_printf(out, ": `%s`", p->summary);
}

/* --- orders to channels --------------------------------------------------------------------------------------------------- */

/* `params` is taken over. */
static int order(struct gateway *gw, const char *channel, const char *action, uint64_t corr, json_t *params, const char *route)
{
    char name[48], nonce[24];
    char *text = json_dumps(params, JSON_COMPACT);
    struct msg m = { .kind = MSG_channel_order, .corr = corr };
    snprintf(name, sizeof name, "channel.%s", channel);
    snprintf(nonce, sizeof nonce, "a%016llx", (unsigned long long)random_u64());
    m.channel_order = (struct msg_channel_order){ .action = str_of(action), .params = text ? str_of(text) : STR("{}") };
    if (route) m.channel_order.route = str_of(route);
    if (route) m.channel_order.nonce = str_of(nonce);
    int rc = mailbox_send(gw->mailbox, name, &m);
    free(text);
    json_decref(params);
    return rc;
}

static void finish(struct gateway *gw, struct gateway_post *p, const char *end)
{
    json_t *params = json_pack("{s:s, s:s, s:s, s:s}", "accountId", p->account, "to", p->place, "messageId", p->message, "message", end);
    if (params) order(gw, p->channel, p->deletes ? "delete" : "edit", 0, params, NULL);
    free_post(gw, p);
}

static void send_question(struct gateway *gw, const struct gateway_post *from, json_t *route, bool deletes)
{
    struct gateway_post *p = add_post(gw, from->id, from->expires_ms);
    struct buf text = { 0 };
    struct str command = json_str(from->request, "command");
    char *where = json_dumps(route, JSON_COMPACT);
    if (!p || !where) goto done;
    str_copy(p->channel, sizeof p->channel, json_str(route, "channel"));
    str_copy(p->account, sizeof p->account, json_str(route, "account"));
    for (size_t i = 0, n = 0; i < command.n && n < SUMMARY_BYTES && command.p[i] != '\n'; i++)
        if (command.p[i] != '`') p->summary[n++] = command.p[i];
    struct str whole = str_utf8_prefix(str_of(p->summary), SUMMARY_BYTES - 4);
    p->summary[whole.n] = '\0';
    p->deletes = deletes;
    p->corr = mailbox_corr(gw->mailbox);
    write_question(p, from->request, &text);
    json_t *buttons = json_pack("[o, o, o]", button(p->id, "allow-once", "Allow once", "success"),
                                button(p->id, "allow-always", "Always allow", "primary"), button(p->id, "deny", "Deny", "danger"));
    json_t *params = json_pack("{s:s%, s:o, s:s}", "message", text.p ? text.p : "", text.n, "buttons", buttons, "accountId", p->account);
    if (!params || order(gw, p->channel, "send", p->corr, params, where) != 0) free_post(gw, p);
done:
    buf_free(&text);
    free(where);
}

/* --- where ------------------------------------------------------------------------------------------------------------------ */

static const struct json5_node *child(const struct json5_node *object, const char *name)
{
    return object && object->kind == JSON5_OBJECT ? json5_member(object, str_of(name)) : NULL;
}

static bool is_true(const struct json5_node *object, const char *name)
{
    const struct json5_node *n = child(object, name);
    return n && n->kind == JSON5_BOOL && n->boolean;
}

static struct str word_of(const struct json5_node *object, const char *name, struct str otherwise)
{
    const struct json5_node *n = child(object, name);
    return n && n->kind == JSON5_STRING ? n->string : otherwise;
}

static bool passes(const struct json5_node *rules, const char *name, struct str text, bool whole)
{
    const struct json5_node *list = child(rules, name);
    if (!list || list->count == 0) return true;
    for (const struct json5_node *n = list->first; n; n = n->next) {
        if (n->kind != JSON5_STRING) continue;
        if (whole ? str_eq(n->string, text) : str_find(text, n->string) >= 0) return true;
    }
    return false;
}

static bool concerns(const struct json5_node *rules, const json_t *request)
{
    return is_true(rules, "enabled") && passes(rules, "agentFilter", json_str(request, "agentId"), true) &&
           passes(rules, "sessionFilter", json_str(request, "sessionKey"), false);
}

static json_t *route_to(struct str channel, struct str account, const char *prefix, struct str to)
{
    char text[160];
    snprintf(text, sizeof text, "%s%.*s", prefix, (int)(to.n < 100 ? to.n : 100), to.p ? to.p : "");
    return json_pack("{s:s%, s:s%, s:s}", "channel", channel.p, channel.n, "account", account.p ? account.p : "", account.n, "to", text);
}

static void ask_and_drop(struct gateway *gw, const struct gateway_post *from, json_t *route, bool deletes)
{
    if (route) send_question(gw, from, route, deletes);
    json_decref(route);
}

/* Discord's own: approvers one by one, or the channel that the session is held in. */
static void ask_discord(struct gateway *gw, const struct gateway_post *from, const json_t *session_route)
{
    const struct json5_node *rules = config_get(gw->options->config, STR("channels.discord.execApprovals"));
    const struct json5_node *approvers = child(rules, "approvers");
    struct str target = word_of(rules, "target", STR("dm"));
    bool there = str_is(json_str(session_route, "channel"), "discord"), deletes = is_true(rules, "cleanupAfterResolve");
    if (!concerns(rules, from->request)) return;
    if (there && !str_is(target, "dm"))
        ask_and_drop(gw, from, route_to(STR("discord"), json_str(session_route, "account"), "", json_str(session_route, "to")), deletes);
    if (there && str_is(target, "channel")) return;
    for (const struct json5_node *n = approvers ? approvers->first : NULL; n; n = n->next) {
        char id[24];
        int64_t number;
        if (n->kind == JSON5_STRING)
            ask_and_drop(gw, from, route_to(STR("discord"), (struct str){ 0 }, "user:", n->string), deletes);
        else if (json5_to_int(n, &number) && snprintf(id, sizeof id, "%lld", (long long)number) > 0)
            ask_and_drop(gw, from, route_to(STR("discord"), (struct str){ 0 }, "user:", str_of(id)), deletes);
    }
}

static void ask_others(struct gateway *gw, const struct gateway_post *from, const json_t *session_route)
{
    const struct json5_node *rules = config_get(gw->options->config, STR("approvals.exec")), *targets = child(rules, "targets");
    struct str mode = word_of(rules, "mode", STR("session"));
    if (!concerns(rules, from->request)) return;
    if (session_route && !str_is(mode, "targets"))
        ask_and_drop(gw, from,
                     route_to(json_str(session_route, "channel"), json_str(session_route, "account"), "", json_str(session_route, "to")),
                     false);
    if (str_is(mode, "session")) return;
    for (const struct json5_node *n = targets ? targets->first : NULL; n; n = n->next)
        ask_and_drop(gw, from,
                     route_to(word_of(n, "channel", STR("")), word_of(n, "accountId", (struct str){ 0 }), "", word_of(n, "to", STR(""))),
                     false);
}

static void on_route(struct gateway *gw, struct gateway_post *p, const struct msg *in)
{
    struct str text = in->kind == MSG_route_told ? in->route_told.route : STR("");
    json_t *route = text.n ? json_loadb(text.p, text.n, 0, NULL) : NULL;
    ask_discord(gw, p, route);
    ask_others(gw, p, route);
    json_decref(route);
    free_post(gw, p);
}

/* --- the time ------------------------------------------------------------------------------------------------------------------ */

static void on_timer(lws_sorted_usec_list_t *sul);

static void arm(struct gateway *gw)
{
    int64_t due_ms = INT64_MAX, now_ms = clock_wall_ms();
    const struct gateway_post *p;
    DL_FOREACH(gw->misc->posts, p)
    {
        if (p->expires_ms < due_ms) due_ms = p->expires_ms;
    }
    if (due_ms < INT64_MAX && gw->lws)
        lws_sul_schedule(gw->lws, 0, &gw->misc->posts_timer, on_timer, ((due_ms > now_ms ? due_ms - now_ms : 0) + LATE_MS) * LWS_US_PER_MS);
}

/* @param end  what is to be said; one whose message is not there yet says it then */
static void end_post(struct gateway *gw, struct gateway_post *p, enum approval_decision decision, struct str by)
{
    struct buf text = { 0 };
    write_end(p, decision, by, &text);
    if (p->request)
        free_post(gw, p);
    else if (p->corr == 0)
        finish(gw, p, buf_cstr(&text));
    else if (!p->end)
        p->end = str_dup(buf_str(&text));
    buf_free(&text);
}

static void on_timer(lws_sorted_usec_list_t *sul)
{
    struct gateway_misc *misc = lws_container_of(sul, struct gateway_misc, posts_timer);
    struct gateway *gw = misc->gw;
    struct gateway_post *p, *safe;
    int64_t now_ms = clock_wall_ms();
    DL_FOREACH_SAFE(misc->posts, p, safe)
    {
        if (now_ms < p->expires_ms) continue;
        p->expires_ms = now_ms + APPROVALS_TIMEOUT_MS; /* of one whose channel has not answered yet */
        if (p->corr && p->end)
            free_post(gw, p);
        else
            end_post(gw, p, APPROVAL_NONE, (struct str){ 0 });
    }
    arm(gw);
}

/* --- from outside ---------------------------------------------------------------------------------------------------------------- */

static void on_sent(struct gateway *gw, struct gateway_post *p, const struct msg *in)
{
    bool sent = in->kind == MSG_channel_ordered && in->channel_ordered.ok;
    json_t *said = sent ? json_loadb(in->channel_ordered.json.p, in->channel_ordered.json.n, 0, NULL) : NULL;
    struct str message = json_text(json_array_get(json_object_get(said, "messageIds"), 0)), place = json_str(said, "channelId");
    snprintf(p->place, sizeof p->place, "channel:%.*s", (int)(place.n < 40 ? place.n : 40), place.p ? place.p : "");
    p->corr = 0;
    if (!message.n || str_copy(p->message, sizeof p->message, message) != 0) {
        log_event(LOG_WARN, "approval_not_posted", LOG_T("id", p->id), LOG_T("channel", p->channel),
                  LOG_S("reason", in->kind == MSG_channel_ordered ? in->channel_ordered.json : STR("the channel does not run")));
        free_post(gw, p);
    } else if (p->end) {
        finish(gw, p, p->end);
    }
    json_decref(said);
}

bool gateway_approval_posts_message(struct gateway *gw, const struct msg *in)
{
    struct gateway_post *p;
    if (in->corr == 0) return false;
    DL_SEARCH_SCALAR(gw->misc->posts, p, corr, in->corr);
    if (!p) return false;
    if (p->request)
        on_route(gw, p, in);
    else
        on_sent(gw, p, in);
    arm(gw);
    return true;
}

void gateway_approval_post(struct gateway *gw, const struct approval *a, struct str requested)
{
    const config_t *config = gw->options->config;
    if (!config_bool(config, "channels.discord.execApprovals.enabled") && !config_bool(config, "approvals.exec.enabled")) return;
    json_t *payload = json_loadb(requested.p, requested.n, 0, NULL);
    struct gateway_post *p = payload ? add_post(gw, a->id, a->expires_ms) : NULL;
    if (p) {
        struct msg m = { .kind = MSG_route_ask, .corr = mailbox_corr(gw->mailbox) };
        p->request = json_incref(json_object_get(payload, "request"));
        p->corr = m.corr;
        m.route_ask.session_key = json_str(p->request, "sessionKey");
        const struct msg none = { .kind = MSG_error };
        if (m.route_ask.session_key.n == 0 || mailbox_send(gw->mailbox, "store", &m) != 0) on_route(gw, p, &none);
    }
    json_decref(payload);
    arm(gw);
}

void gateway_approval_posts_over(struct gateway *gw, struct str id, enum approval_decision decision, struct str by)
{
    struct gateway_post *p, *safe;
    DL_FOREACH_SAFE(gw->misc->posts, p, safe)
    {
        if (str_is(id, p->id)) end_post(gw, p, decision, by);
    }
}

void gateway_approval_posts_end(struct gateway *gw)
{
    struct gateway_post *p, *safe;
    DL_FOREACH_SAFE(gw->misc->posts, p, safe)
    {
        free_post(gw, p);
    }
}
