/* Where approvals are asked for on chat networks: how many questions may wait, how long they are, and what becomes of them in the end. */
#include <criterion/criterion.h>

#include "actors/gateway_internal.h"
#include "actors/gateway_misc.h"
#include "base/json_read.h"
#include "tests/support/config_fixture.h"
#include "tests/support/rig.h"

enum { POSTS_MAX = 512, COMMAND_BYTES = 900 /* of actors/gateway_approval_posts.c */, QUEUE = 2048 };

static struct {
    rig_t *rig;
    mailbox_t *channel;
    struct gateway_options options;
    struct gateway_misc misc;
    struct gateway front;
} t;

static void begin(int approvers)
{
    struct buf text = { 0 };
    buf_text(&text, "{channels:{discord:{execApprovals:{enabled:true,approvers:[");
    for (int i = 0; i < approvers; i++) buf_printf(&text, "'5000000000000%05d',", i);
    buf_text(&text, "]}}}}");
    parse(buf_cstr(&text));
    buf_free(&text);
    t.rig = rig_start();
    cr_assert(mailbox_open(rig_bus(t.rig), "channel.discord", QUEUE, &t.channel) == 0);
    t.options.config = cfg;
    t.front = (struct gateway){ .options = &t.options, .mailbox = rig_mailbox(t.rig), .misc = &t.misc };
    t.misc.gw = &t.front;
}

static void end(void)
{
    gateway_approval_posts_end(&t.front);
    cr_expect(t.misc.post_count == 0);
    mailbox_close(&t.channel);
    rig_stop(&t.rig);
    config_end();
}

static void ask(const char *id, struct str command)
{
    struct approval a = { .expires_ms = INT64_MAX / 2 };
    snprintf(a.id, sizeof a.id, "%s", id);
    json_t *json = json_pack("{s:{s:s%}}", "request", "command", command.p, command.n);
    char *text = json_dumps(json, 0);
    gateway_approval_post(&t.front, &a, str_of(text));
    free(text);
    json_decref(json);
}

/* The next order to the channel. @return false: there is none */
static bool next_order(struct msg *out)
{
    return mailbox_recv(t.channel, 200, out) == 0;
}

Test(approval_posts, so_many_questions_wait_and_no_more, .timeout = 60)
{
    struct msg m;
    int asked = 0;
    begin(POSTS_MAX);
    ask("one", STR("ls")); /* while it is asked the request has a place of its own */
    while (next_order(&m)) {
        cr_expect(str_is(m.channel_order.action, "send"));
        asked++;
        msg_clear(&m);
    }
    cr_expect(asked == POSTS_MAX - 1 && t.misc.post_count == POSTS_MAX - 1, "%d asked, %zu wait", asked, t.misc.post_count);
    gateway_approval_posts_end(&t.front);
    config_end();
    parse("{channels:{discord:{execApprovals:{enabled:true,approvers:['1','2']}}}}");
    t.options.config = cfg;
    ask("two", STR("ls"));
    cr_expect(t.misc.post_count == 2, "there is room again: %zu", t.misc.post_count);
    end();
}

Test(approval_posts, a_long_command_is_shown_to_its_bound, .timeout = 60)
{
    char command[COMMAND_BYTES + 1];
    begin(1);
    memset(command, 'x', sizeof command);
    for (size_t n = COMMAND_BYTES; n <= sizeof command; n++) {
        struct msg m;
        ask("long", (struct str){ command, n });
        cr_assert(next_order(&m));
        bool cut = str_find(m.channel_order.params, STR("1 bytes more")) >= 0;
        cr_expect(cut == (n > COMMAND_BYTES), "%zu bytes: %.*s", n, STR_ARG(m.channel_order.params));
        msg_clear(&m);
    }
    end();
}

Test(approval_posts, what_is_decided_before_it_was_posted_is_said_when_it_is, .timeout = 60)
{
    struct msg m, posted = { .kind = MSG_channel_ordered };
    begin(1);
    ask("early", STR("ls `pwd`"));
    cr_assert(next_order(&m));
    posted.corr = m.corr;
    msg_clear(&m);
    gateway_approval_posts_over(&t.front, STR("early"), APPROVAL_DENY, STR("ada"));
    cr_expect(!next_order(&m), "nothing to edit yet");
    posted.channel_ordered.ok = 1;
    posted.channel_ordered.json = STR("{\"messageIds\":[\"77\"],\"channelId\":\"88\"}");
    cr_assert(gateway_approval_posts_message(&t.front, &posted));
    cr_assert(next_order(&m));
    cr_expect(str_is(m.channel_order.action, "edit"));
    cr_expect(str_find(m.channel_order.params, STR("Denied by ada: `ls pwd`")) >= 0, "%.*s", STR_ARG(m.channel_order.params));
    cr_expect(str_find(m.channel_order.params, STR("\"to\":\"channel:88\"")) >= 0, "%.*s", STR_ARG(m.channel_order.params));
    msg_clear(&m);
    cr_expect(!gateway_approval_posts_message(&t.front, &posted), "it is over");
    end();
}
