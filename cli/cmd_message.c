/* cli/cmd_message.c -- `openclaw message send`: a message through a channel, without an agent. */
#include <stdio.h>

#include "base/random.h"
#include "cli/remote.h"
#include "cli/text.h"

int cmd_message_send(int argc, char **argv)
{
    struct remote_flags flags = { 0 };
    const char *channel = NULL, *target = NULL, *message = NULL, *account = NULL, *key = NULL;
    char fresh[RANDOM_UUID_SIZE];
    const struct cli_option options[] = { { "--target", "WHERE", "the chat: an id, channel:<id> or user:<id>", &target, NULL },
                                          { "--message", "TEXT", "what to say", &message, NULL },
                                          { "--channel", "ID", "which channel, like discord", &channel, NULL },
                                          { "--account", "ID", "which account of the channel", &account, NULL },
                                          { "--idempotency-key", "KEY", "a repeat with the same key sends nothing", &key, NULL },
                                          REMOTE_OPTIONS(flags),
                                          { 0 } };
    const struct cli_usage usage = { "openclaw message send --target WHERE --message TEXT [options]", "Sends a message through a channel.",
                                     options };
    json_t *payload;
    int rc = cli_begin(&usage, &argc, argv, 0);
    if (rc >= 0) return rc;
    if (!target || !message) {
        fprintf(stderr, "Error: %s is required\n", target ? "--message" : "--target");
        return CLI_FAILED;
    }
    random_uuid(fresh);
    json_t *params = json_pack("{s:s, s:s, s:s*, s:s*, s:s}", "to", target, "message", message, "channel", channel, "accountId", account,
                               "idempotencyKey", key ? key : fresh);
    rc = remote_ask(&flags, "send", params, &payload);
    if (rc == CLI_OK && flags.json) json_show(payload);
    if (rc == CLI_OK && !flags.json) {
        struct str id = json_str(payload, "messageId");
        text_say(stdout, "Sent via gateway (%.*s).%s%.*s", STR_ARG(json_str(payload, "channel")), id.n ? " Message ID: " : "", STR_ARG(id));
    }
    json_decref(payload);
    return rc;
}
