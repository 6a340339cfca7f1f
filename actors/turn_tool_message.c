/* actors/turn_tool_message.c -- message: an agent speaks up in a channel, reacts there, or reads it.
 * Source: reference agent-runtime 4; discord 4.7 (targets) */
#include <stdio.h>
#include <stdlib.h>

#include "actors/turn_internal.h"
#include "actors/turn_tools.h"
#include "base/json_read.h"
#include "base/random.h"

enum { ANSWER_MS = 60000 };

/* Where to: what the call says, else where the conversation is. @return false: nowhere */
static bool find_route(const struct turn *t, const struct tool_call *call, json_t *route)
{
    json_t *own = t->run->route.n ? json_loadb(t->run->route.p, t->run->route.n, 0, NULL) : NULL;
    struct str channel = tool_text(call, "channel", NULL), target = tool_text(call, "target", "to"),
               account = tool_text(call, "accountId", NULL);
    bool webhook = str_starts(target, STR("webhook:"));
    if (webhook) channel = STR("webhook");
    struct str own_channel = json_str(own, "channel");
    bool same = channel.n == 0 || str_eq(channel, own_channel);
    if (channel.n == 0) channel = own_channel.n ? own_channel : STR("discord");
    if (target.n == 0 && same) target = json_str(own, "to");
    if (account.n == 0 && same) account = json_str(own, "account");
    json_object_set_new(route, "channel", json_stringn(channel.p ? channel.p : "", channel.n));
    json_object_set_new(route, "to", json_stringn(target.p ? target.p : "", target.n));
    if (account.n) json_object_set_new(route, "account", json_stringn(account.p, account.n));
    struct str reply = tool_text(call, "replyTo", NULL);
    if (reply.n) json_object_set_new(route, "replyTo", json_stringn(reply.p, reply.n));
    json_decref(own);
    return target.n > 0;
}

static int take_answer(struct tool_call *call, const struct msg *answer)
{
    const struct msg_channel_ordered *o = &answer->channel_ordered;
    if (answer->kind != MSG_channel_ordered) return tool_fail(call, "The channel gave no answer.");
    if (!o->ok) return tool_fail(call, "%.*s", STR_ARG(o->json));
    json_t *said = json_loadb(o->json.p ? o->json.p : "", o->json.n, 0, NULL);
    return tool_answer_json(call, said);
}

static int ask(struct turn *t, struct tool_call *call, struct str action, json_t *route, json_t *params)
{
    char name[48], nonce[24];
    struct msg q = { .kind = MSG_channel_order }, answer;
    struct str channel = json_str(route, "channel");
    char *where = json_dumps(route, JSON_COMPACT), *text = json_dumps(params, JSON_COMPACT);
    snprintf(name, sizeof name, "channel.%.*s", (int)(channel.n > 32 ? 32 : channel.n), channel.p ? channel.p : "");
    snprintf(nonce, sizeof nonce, "m%016llx", (unsigned long long)random_u64());
    q.channel_order =
        (struct msg_channel_order){ .action = action, .route = str_of(where), .nonce = str_of(nonce), .params = str_of(text) };
    int rc = where && text ? turn_ask(t, name, &q, ANSWER_MS, &answer) : GW_ENOMEM;
    free(where);
    free(text);
    bool ends = rc == GW_EABORTED || rc == GW_ECLOSED || rc == GW_ENOMEM || t->error.n;
    if (rc && ends) return rc;
    if (rc == GW_ENOPEER) return tool_fail(call, "There is no channel \"%.*s\" here.", STR_ARG(channel));
    if (rc) return tool_fail(call, "The channel did not answer in time (%s); the message may still arrive.", err_name(rc));
    rc = take_answer(call, &answer);
    msg_clear(&answer);
    return rc;
}

int turn_tool_message(struct turn *t, struct tool_call *call)
{
    struct str action = tool_text(call, "action", NULL), text = tool_text(call, "message", NULL);
    json_t *route = json_object(), *params = json_deep_copy(call->args);
    int rc;
    if (!find_route(t, call, route))
        rc = tool_fail(call, "Action %.*s requires a target.", STR_ARG(action));
    else if (str_is(action, "send") && text.n == 0)
        rc = tool_fail(call, "send needs a message.");
    else {
        json_object_set(params, "to", json_object_get(route, "to"));
        if (json_object_get(route, "account")) json_object_set(params, "accountId", json_object_get(route, "account"));
        rc = ask(t, call, action, route, params);
    }
    json_decref(route);
    json_decref(params);
    return rc;
}
