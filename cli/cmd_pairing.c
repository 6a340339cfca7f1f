/* cli/cmd_pairing.c -- `openclaw pairing`: people who wrote directly to a bot and wait to be let in. */
#include <stdio.h>

#include "cli/remote.h"
#include "cli/table.h"
#include "cli/text.h"

static void show(const json_t *list)
{
    static const struct table_column columns[] = {
        { "Code", 8, true }, { "Id", 20, true }, { "Name", 16, true }, { "Requested", 24, false }
    };
    table_t *t;
    if (!json_array_size(list)) {
        printf("No pending pairing requests.\n");
        return;
    }
    if (table_create(columns, 4, &t) != 0) return;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *r = json_array_get(list, i);
        table_add(t, STYLE_CYAN, json_str(r, "code"));
        table_add(t, STYLE_PLAIN, json_str(r, "id"));
        table_add(t, STYLE_PLAIN, json_str(json_object_get(r, "meta"), "name"));
        table_add(t, STYLE_PLAIN, json_str(r, "createdAt"));
    }
    table_show(t, "Pairing requests");
    table_destroy(&t);
}

int cmd_pairing_list(int argc, char **argv)
{
    struct remote_flags flags = { 0 };
    const char *channel = NULL;
    const struct cli_option options[] = { { "--channel", "ID", "which channel, like discord", &channel, NULL },
                                          REMOTE_OPTIONS(flags),
                                          { 0 } };
    const struct cli_usage usage = { "openclaw pairing list [channel] [options]", "Lists people who wait to be let in.", options };
    json_t *payload;
    int rc = cli_begin(&usage, &argc, argv, 1);
    if (rc >= 0) return rc;
    rc = remote_ask(&flags, "channels.pairing.list",
                    json_pack("{s:s}", "channel",
                              argc > 0  ? argv[0]
                              : channel ? channel
                                        : "discord"),
                    &payload);
    if (rc) return rc;
    if (flags.json)
        json_show(payload);
    else
        show(json_object_get(payload, "requests"));
    json_decref(payload);
    return CLI_OK;
}

int cmd_pairing_approve(int argc, char **argv)
{
    struct remote_flags flags = { 0 };
    bool notify = false;
    const char *channel = NULL;
    const struct cli_option options[] = { { "--channel", "ID", "which channel, like discord", &channel, NULL },
                                          { "--notify", NULL, "tell the person", NULL, &notify },
                                          REMOTE_OPTIONS(flags),
                                          { 0 } };
    const struct cli_usage usage = { "openclaw pairing approve [channel] CODE [options]", "Lets in the person whose code it is.", options };
    json_t *payload;
    int rc = cli_begin(&usage, &argc, argv, 2);
    if (rc >= 0) return rc;
    const char *code = argc > 1 ? argv[1] : argc > 0 ? argv[0] : NULL;
    if (argc > 1) channel = argv[0];
    if (!code) {
        fprintf(stderr, "Error: the code is missing: openclaw pairing approve discord CODE\n");
        return CLI_FAILED;
    }
    rc = remote_ask(&flags, "channels.pairing.approve",
                    json_pack("{s:s, s:s, s:b}", "channel", channel ? channel : "discord", "code", code, "notify", notify), &payload);
    if (rc) return rc;
    if (flags.json)
        json_show(payload);
    else
        text_say(stdout, "Approved discord sender %.*s.", STR_ARG(json_str(payload, "id")));
    json_decref(payload);
    return CLI_OK;
}
