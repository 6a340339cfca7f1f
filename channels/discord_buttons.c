/* Buttons below a message, and what a pressed one decides (reference discord 3.2, 4.8 execApprovals). */
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/json_read.h"
#include "channels/discord.h"

enum { CUSTOM_ID_MAX = 100 /* Discord's */, BUTTONS_MAX = 5 /* of one row */, PRESSES_MAX = 64, EPHEMERAL = 64 };

#define PREFIX "approval:"

struct discord_press {
    struct discord_press *prev, *next;
    uint64_t tag;
    char path[DISCORD_PATH_MAX]; /* of the message that it stands below */
};

static int style_of(struct str word)
{
    return str_is(word, "success") ? 3 : str_is(word, "danger") ? 4 : 1;
}

void discord_add_buttons(json_t *body, struct str buttons)
{
    json_t *list = discord_json(buttons), *row = json_array();
    const json_t *one;
    size_t i;
    json_array_foreach(list, i, one)
    {
        struct str id = json_str(one, "id"), label = json_str(one, "label");
        if (json_array_size(row) < BUTTONS_MAX && id.n && id.n <= CUSTOM_ID_MAX)
            json_array_append_new(row, json_pack("{s:i, s:i, s:s%, s:s%}", "type", 2, "style", style_of(json_str(one, "style")), "label",
                                                 label.p ? label.p : "", label.n, "custom_id", id.p, id.n));
    }
    if (json_array_size(row)) json_object_set_new(body, "components", json_pack("[{s:i, s:O}]", "type", 1, "components", row));
    json_decref(row);
    json_decref(list);
}

void discord_presses_free(struct discord_account *a)
{
    struct discord_press *p, *safe;
    DL_FOREACH_SAFE(a->presses, p, safe)
    {
        DL_DELETE(a->presses, p);
        free(p);
    }
    a->press_count = 0;
}

static struct discord_press *note(struct discord_account *a, const json_t *data)
{
    struct discord_press *p = a->press_count < PRESSES_MAX ? calloc(1, sizeof *p) : NULL;
    if (!p) return NULL;
    p->tag = ++a->d->last_tag;
    snprintf(p->path, sizeof p->path, "/webhooks/%s/%.*s/messages/@original", a->application, STR_ARG(json_str(data, "token")));
    DL_APPEND(a->presses, p);
    a->press_count++;
    return p;
}

bool discord_pressed(struct discord_account *a, const json_t *data, const json_t *user, const struct channel_now *now)
{
    struct str id = json_str(json_object_get(data, "data"), "custom_id");
    struct buf by = { 0 };
    if (!str_starts(id, STR(PREFIX))) return false;
    id = (struct str){ id.p + sizeof PREFIX - 1, id.n - (sizeof PREFIX - 1) };
    struct str decision = str_split(&id, ':');
    const struct json5_node *approvers = discord_setting(a, "execApprovals.approvers");
    if (!approvers || !discord_list_has(approvers, user)) {
        discord_acknowledge(a, data,
                            json_pack("{s:i, s:{s:s, s:i}}", "type", 4, "data", "content",
                                      "⛔ Only those in channels.discord.execApprovals.approvers may decide here.", "flags", EPHEMERAL),
                            now);
        return true;
    }
    discord_acknowledge(a, data, json_pack("{s:i}", "type", 6), now);
    struct discord_press *p = note(a, data);
    buf_text(&by, "discord:");
    discord_sender_name(user, json_object_get(data, "member"), &by);
    a->d->host.decide(a->d->host.ctx, p ? p->tag : 0, id, decision, buf_str(&by));
    buf_free(&by);
    return true;
}

static struct discord_press *find(struct channel_state *d, uint64_t tag, struct discord_account **whose)
{
    struct discord_press *p = NULL;
    for (size_t i = 0; i < d->count && !p; i++) {
        *whose = d->accounts[i];
        DL_SEARCH_SCALAR(d->accounts[i]->presses, p, tag, tag);
    }
    return p;
}

/* What counted is told by whoever asked; a question that nobody waits for any more loses its buttons. */
void discord_decided(struct channel_state *d, uint64_t tag, bool ok, const struct channel_now *now)
{
    struct discord_account *a = NULL;
    struct discord_press *p = find(d, tag, &a);
    if (!p) return;
    if (!ok) {
        struct discord_call *call = discord_call("PATCH", DISCORD_FOR_NOTHING, "%s", p->path);
        if (call) {
            discord_body(call,
                         json_pack("{s:s, s:[]}", "content", "⌛ This was decided already, or nobody waits for it any more.", "components"));
            call->own_token = true;
            call->tries_max = 3;
        }
        discord_go(a, call, now);
        discord_pump(a, now);
    }
    DL_DELETE(a->presses, p);
    a->press_count--;
    free(p);
}
