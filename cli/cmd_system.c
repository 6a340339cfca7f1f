/* cli/cmd_system.c -- `openclaw system`: presence, events for the main session, heartbeats. */
#include <stdio.h>

#include "cli/remote.h"

int cmd_system_presence(int argc, char **argv)
{
    struct remote_flags flags = { 0 };
    const struct cli_option options[] = { REMOTE_OPTIONS(flags), { 0 } };
    const struct cli_usage usage = { "openclaw system presence [options]", "Who is connected to the gateway, as JSON.", options };
    int rc = cli_begin(&usage, &argc, argv, 0);
    return rc >= 0 ? rc : remote_show(&flags, "system-presence", NULL);
}

int cmd_system_event(int argc, char **argv)
{
    struct remote_flags flags = { 0 };
    const char *text = NULL, *mode = "next-heartbeat";
    const struct cli_option options[] = { { "--text", "TEXT", "what the main session is told", &text, NULL },
                                          { "--mode", "MODE", "now or next-heartbeat (default)", &mode, NULL },
                                          REMOTE_OPTIONS(flags),
                                          { 0 } };
    const struct cli_usage usage = { "openclaw system event --text TEXT [options]", "Tells the main session something.", options };
    json_t *payload;
    int rc = cli_begin(&usage, &argc, argv, 0);
    if (rc >= 0) return rc;
    if (!text || !text[0]) {
        fprintf(stderr, "Error: --text is required\n");
        return CLI_FAILED;
    }
    if (strcmp(mode, "now") != 0 && strcmp(mode, "next-heartbeat") != 0) {
        fprintf(stderr, "Error: --mode must be now or next-heartbeat\n");
        return CLI_FAILED;
    }
    rc = remote_ask(&flags, "wake", json_pack("{s:s, s:s}", "mode", mode, "text", text), &payload);
    if (rc == CLI_OK && flags.json) json_show(payload);
    if (rc == CLI_OK && !flags.json) printf("ok\n");
    json_decref(payload);
    return rc;
}

int cmd_system_heartbeat(int argc, char **argv)
{
    struct remote_flags flags = { 0 };
    const struct cli_option options[] = { REMOTE_OPTIONS(flags), { 0 } };
    const struct cli_usage usage = { "openclaw system heartbeat last|enable|disable [options]",
                                     "The last heartbeat, as JSON; or switches all of them.", options };
    int rc = cli_begin(&usage, &argc, argv, 1);
    if (rc >= 0) return rc;
    struct str what = argc ? str_of(argv[0]) : (struct str){ 0 };
    if (str_is(what, "last")) return remote_show(&flags, "last-heartbeat", NULL);
    if (str_is(what, "enable")) return remote_show(&flags, "set-heartbeats", json_pack("{s:b}", "enabled", 1));
    if (str_is(what, "disable")) return remote_show(&flags, "set-heartbeats", json_pack("{s:b}", "enabled", 0));
    fprintf(stderr, "Usage: %s\n", usage.synopsis);
    return CLI_USAGE;
}
