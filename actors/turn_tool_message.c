/* actors/turn_tool_message.c -- message: an agent speaks up in a channel, reacts there, or reads it.
 * Source: reference agent-runtime 4; discord 4.7 (targets) */
#include <stdio.h>
#include <stdlib.h>

#include "actors/turn_internal.h"
#include "actors/turn_tools.h"
#include "base/base64.h"
#include "base/json_read.h"
#include "base/random.h"
#include "channels/channel.h"
#include "tools/beneath.h"

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

/* What the channel is told: these arguments and nothing else that a model may write. */
static json_t *params_of(const struct tool_call *call, const json_t *route)
{
    static const char *const told[] = { "message", "messageId", "emoji", "remove", "limit" };
    json_t *params = json_object();
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        if (json_object_get(call->args, told[i])) json_object_set(params, told[i], json_object_get(call->args, told[i]));
    json_object_set(params, "to", json_object_get(route, "to"));
    if (json_object_get(route, "account")) json_object_set(params, "accountId", json_object_get(route, "account"));
    return params;
}

/* A file of the workspace goes along: read here, as the tool `read` may. @return false: it may not, or is too large; the call has failed */
static bool add_file(struct tool_call *call, json_t *params)
{
    struct str path = tool_text(call, "media", NULL), name = path;
    struct buf bytes = { .max = CHANNEL_FILE_MAX }, text = { 0 }, why = { 0 };
    if (path.n == 0) return true;
    int rc = beneath_read(call->place, path, &bytes, &why);
    if (rc == 0) base64_write(buf_str(&bytes), &text);
    if (rc == 0) rc = text.err ? text.err : bytes.n ? 0 : GW_EINVAL;
    for (size_t i = 0; i < path.n; i++)
        if (path.p[i] == '/') name = (struct str){ path.p + i + 1, path.n - i - 1 };
    if (rc == 0)
        json_object_set_new(params, "file", json_pack("{s:s%, s:s%}", "name", name.p, name.n, "data", text.p, text.n));
    else
        tool_fail(call, "%s", why.n ? buf_cstr(&why) : "The file is empty, or larger than a channel takes (8 MiB).");
    buf_free(&bytes);
    buf_free(&text);
    buf_free(&why);
    return rc == 0;
}

int turn_tool_message(struct turn *t, struct tool_call *call)
{
    struct str action = tool_text(call, "action", NULL), text = tool_text(call, "message", NULL), media = tool_text(call, "media", NULL);
    json_t *route = json_object();
    bool there = find_route(t, call, route), says = !str_is(action, "send") || text.n || media.n;
    json_t *params = params_of(call, route);
    int rc = 0;
    if (!there)
        rc = tool_fail(call, "Action %.*s requires a target.", STR_ARG(action));
    else if (!says)
        rc = tool_fail(call, "send needs a message.");
    else if (add_file(call, params))
        rc = ask(t, call, action, route, params);
    json_decref(route);
    json_decref(params);
    return rc;
}
