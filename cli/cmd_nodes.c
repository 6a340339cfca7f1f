/* cli/cmd_nodes.c -- `openclaw nodes`: paired ones, and whether they are connected. */
#include <stdio.h>

#include "base/clock.h"
#include "cli/remote.h"
#include "cli/report.h"
#include "cli/table.h"

static struct str name_of(const json_t *node)
{
    struct str name = json_str(node, "displayName");
    return name.n ? name : json_str(node, "nodeId");
}

static void add_age(table_t *t, int64_t then_ms)
{
    struct buf text = { 0 };
    report_age(&text, then_ms, clock_wall_ms());
    table_add(t, STYLE_PLAIN, buf_str(&text));
    buf_free(&text);
}

static void show_pairs(const json_t *list, const char *title, const char *when)
{
    static const struct table_column columns[] = { { "Node", 16, true }, { "Id", 16, true }, { "IP", 12, false }, { "Age", 8, false } };
    table_t *t;
    if (!json_array_size(list) || table_create(columns, 4, &t) != 0) return;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *n = json_array_get(list, i);
        table_add(t, STYLE_CYAN, name_of(n));
        table_add(t, STYLE_PLAIN, json_str(n, json_str(n, "requestId").n ? "requestId" : "nodeId"));
        table_add(t, STYLE_PLAIN, json_str(n, "remoteIp"));
        add_age(t, json_int(n, when, 0));
    }
    printf("\n");
    table_show(t, title);
    table_destroy(&t);
}

int cmd_nodes_list(int argc, char **argv)
{
    struct remote_flags flags = { 0 };
    const struct cli_option options[] = { REMOTE_OPTIONS(flags), { 0 } };
    const struct cli_usage usage = { "openclaw nodes list [options]", "Nodes that ask to be paired, and paired ones.", options };
    json_t *payload;
    int rc = cli_begin(&usage, &argc, argv, 0);
    if (rc >= 0) return rc;
    rc = remote_ask(&flags, "node.pair.list", NULL, &payload);
    if (rc) return rc;
    const json_t *pending = json_object_get(payload, "pending"), *paired = json_object_get(payload, "paired");
    if (flags.json) {
        json_show(payload);
    } else {
        printf("Pending: %zu \xc2\xb7 Paired: %zu\n", json_array_size(pending), json_array_size(paired));
        show_pairs(pending, "Pending", "ts");
        show_pairs(paired, "Paired", "approvedAtMs");
    }
    json_decref(payload);
    return CLI_OK;
}

static void show_known(const json_t *nodes)
{
    static const struct table_column columns[] = {
        { "Node", 16, true }, { "Id", 16, true }, { "Platform", 10, false }, { "IP", 12, false }, { "State", 12, false }
    };
    table_t *t;
    if (!json_array_size(nodes) || table_create(columns, 5, &t) != 0) return;
    for (size_t i = 0; i < json_array_size(nodes); i++) {
        const json_t *n = json_array_get(nodes, i);
        bool connected = json_flag(n, "connected");
        table_add(t, STYLE_CYAN, name_of(n));
        table_add(t, STYLE_PLAIN, json_str(n, "nodeId"));
        table_add(t, STYLE_PLAIN, json_str(n, "platform"));
        table_add(t, STYLE_PLAIN, json_str(n, "remoteIp"));
        table_add(t, connected ? STYLE_GREEN : STYLE_DIM,
                  connected                ? STR("connected")
                  : json_flag(n, "paired") ? STR("paired")
                                           : STR("unpaired"));
    }
    printf("\n");
    table_show(t, NULL);
    table_destroy(&t);
}

int cmd_nodes_status(int argc, char **argv)
{
    struct remote_flags flags = { 0 };
    const struct cli_option options[] = { REMOTE_OPTIONS(flags), { 0 } };
    const struct cli_usage usage = { "openclaw nodes status [options]", "Known nodes, and whether they are connected.", options };
    json_t *payload;
    size_t paired = 0, connected = 0;
    int rc = cli_begin(&usage, &argc, argv, 0);
    if (rc >= 0) return rc;
    rc = remote_ask(&flags, "node.list", NULL, &payload);
    if (rc) return rc;
    const json_t *nodes = json_object_get(payload, "nodes");
    for (size_t i = 0; i < json_array_size(nodes); i++) {
        paired += json_flag(json_array_get(nodes, i), "paired");
        connected += json_flag(json_array_get(nodes, i), "connected");
    }
    if (flags.json) {
        json_show(payload);
    } else {
        printf("Known: %zu \xc2\xb7 Paired: %zu \xc2\xb7 Connected: %zu\n", json_array_size(nodes), paired, connected);
        show_known(nodes);
    }
    json_decref(payload);
    return CLI_OK;
}
