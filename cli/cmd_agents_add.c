/* cli/cmd_agents_add.c -- `openclaw agents add`: a new agent in the configuration, by the running gateway. */
#include <ctype.h>
#include <stdio.h>

#include "base/json_read.h"
#include "cli/remote.h"

/* As OpenClaw: beside the default agent's workspace. */
static json_t *new_agent(const struct remote *r, const char *name, const char *workspace, const char *emoji)
{
    struct buf folder = { 0 };
    if (workspace) {
        buf_text(&folder, workspace);
    } else {
        buf_printf(&folder, "%s/workspace-", r->configuration.state);
        for (const char *c = name; *c; c++) buf_char(&folder, isalnum((unsigned char)*c) ? (char)tolower((unsigned char)*c) : '-');
    }
    json_t *params = json_pack("{s:s, s:s, s:s*}", "name", name, "workspace", buf_cstr(&folder), "emoji", emoji);
    buf_free(&folder);
    return params;
}

int cmd_agents_add(int argc, char **argv)
{
    struct remote_flags flags = { 0 };
    const char *workspace = NULL, *model = NULL, *emoji = NULL;
    const struct cli_option options[] = { { "--workspace", "FOLDER", "where it works (default: <state>/workspace-<name>)", &workspace,
                                            NULL },
                                          { "--model", "REF", "provider/model (default: that of all agents)", &model, NULL },
                                          { "--emoji", "EMOJI", "its face", &emoji, NULL },
                                          REMOTE_OPTIONS(flags),
                                          { 0 } };
    const struct cli_usage usage = {
        "openclaw agents add NAME [options]",
        "Adds an agent to the configuration file, through the running gateway. A file that is read-only (a ConfigMap) is told; "
        "then it is added in Git.",
        options
    };
    struct remote r;
    int rc = cli_begin(&usage, &argc, argv, 1);
    if (rc >= 0) return rc;
    if (argc == 0) {
        fprintf(stderr, "openclaw: which name? usage: %s\n", usage.synopsis);
        return CLI_USAGE;
    }
    rc = remote_open(&r, &flags);
    json_t *said = rc == CLI_OK ? remote_call(&r, "agents.create", new_agent(&r, argv[0], workspace, emoji)) : NULL;
    const char *id = json_string_value(json_object_get(said, "agentId"));
    if (rc == CLI_OK && !said) rc = CLI_FAILED;
    if (rc == CLI_OK && model) {
        json_t *changed = remote_call(&r, "agents.update", json_pack("{s:s, s:s}", "agentId", id, "model", model));
        if (!changed) rc = CLI_FAILED;
        json_decref(changed);
    }
    if (rc == CLI_OK && flags.json)
        json_show(said);
    else if (rc == CLI_OK)
        printf("Added agent %s, workspace %s.\n", id, json_string_value(json_object_get(said, "workspace")));
    json_decref(said);
    remote_close(&r);
    return rc;
}
