/* cli/cmd_devices.c -- `openclaw devices`: who is paired, who asks to be, and their tokens. */
#include <stdio.h>

#include "base/clock.h"
#include "cli/remote.h"
#include "cli/table.h"

/* The strings of an array, with ", " between them. */
static void join(const json_t *array, struct buf *out)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (out->n) buf_text(out, ", ");
        buf_text(out, json_string_value(json_array_get(array, i)) ? json_string_value(json_array_get(array, i)) : "");
    }
}

static void add_list(table_t *t, const json_t *array)
{
    struct buf text = { 0 };
    join(array, &text);
    table_add(t, STYLE_PLAIN, buf_str(&text));
    buf_free(&text);
}

static void add_name(table_t *t, const json_t *device)
{
    struct str name = json_str(device, "displayName");
    table_add(t, STYLE_CYAN, name.n ? name : json_str(device, "deviceId"));
}

static void show_pending(const json_t *pending, int64_t now_ms)
{
    static const struct table_column columns[] = { { "Request", 10, false }, { "Device", 16, true }, { "Role", 8, false },
                                                   { "IP", 12, false },      { "Age", 8, false },    { "Flags", 8, false } };
    char title[48];
    table_t *t;
    if (table_create(columns, 6, &t) != 0) return;
    for (size_t i = 0; i < json_array_size(pending); i++) {
        const json_t *d = json_array_get(pending, i);
        struct buf age = { 0 };
        text_ago(&age, now_ms - json_int(d, "ts", now_ms));
        table_add(t, STYLE_YELLOW, json_str(d, "requestId"));
        add_name(t, d);
        table_add(t, STYLE_PLAIN, json_str(d, "role"));
        table_add(t, STYLE_PLAIN, json_str(d, "remoteIp"));
        table_add(t, STYLE_PLAIN, buf_str(&age));
        table_add(t, STYLE_PLAIN, json_flag(d, "isRepair") ? STR("repair") : (struct str){ 0 });
        buf_free(&age);
    }
    snprintf(title, sizeof title, "Pending (%zu)", json_array_size(pending));
    table_show(t, title);
    table_destroy(&t);
}

static void add_tokens(table_t *t, const json_t *tokens)
{
    struct buf text = { 0 };
    for (size_t i = 0; i < json_array_size(tokens); i++) {
        const json_t *token = json_array_get(tokens, i);
        bool revoked = json_int(token, "revokedAtMs", 0) != 0;
        buf_printf(&text, "%s%.*s%s", text.n ? ", " : "", STR_ARG(json_str(token, "role")), revoked ? " (revoked)" : "");
    }
    table_add(t, STYLE_PLAIN, text.n ? buf_str(&text) : STR("none"));
    buf_free(&text);
}

static void show_paired(const json_t *paired)
{
    static const struct table_column columns[] = {
        { "Device", 16, true }, { "Roles", 12, false }, { "Scopes", 12, true }, { "Tokens", 12, false }, { "IP", 12, false }
    };
    char title[48];
    table_t *t;
    if (table_create(columns, 5, &t) != 0) return;
    for (size_t i = 0; i < json_array_size(paired); i++) {
        const json_t *d = json_array_get(paired, i);
        add_name(t, d);
        add_list(t, json_object_get(d, "roles"));
        add_list(t, json_object_get(d, "scopes"));
        add_tokens(t, json_object_get(d, "tokens"));
        table_add(t, STYLE_PLAIN, json_str(d, "remoteIp"));
    }
    snprintf(title, sizeof title, "Paired (%zu)", json_array_size(paired));
    table_show(t, title);
    table_destroy(&t);
}

int cmd_devices_list(int argc, char **argv)
{
    struct remote_flags flags = { 0 };
    const struct cli_option options[] = { REMOTE_OPTIONS(flags), { 0 } };
    const struct cli_usage usage = { "openclaw devices list [options]", "Devices that ask to be paired, and paired ones.", options };
    json_t *payload;
    int rc = cli_begin(&usage, &argc, argv, 0);
    if (rc >= 0) return rc;
    rc = remote_ask(&flags, "device.pair.list", NULL, &payload);
    if (rc) return rc;
    const json_t *pending = json_object_get(payload, "pending"), *paired = json_object_get(payload, "paired");
    if (flags.json) {
        json_show(payload);
    } else {
        if (json_array_size(pending)) show_pending(pending, clock_wall_ms());
        if (json_array_size(paired)) show_paired(paired);
        if (!json_array_size(pending) && !json_array_size(paired)) printf("No device pairing entries.\n");
    }
    json_decref(payload);
    return CLI_OK;
}

/* --- requests --------------------------------------------------------------------------------------------------- */

/* The request to approve when none was named: the only one, or with --latest the newest (they are listed newest first).
 * @return its id, borrowed from `list`; NULL when that is told */
static const char *choose(const json_t *list, bool latest)
{
    const json_t *pending = json_object_get(list, "pending");
    if (json_array_size(pending) == 0) {
        fprintf(stderr, "No pending device pairing requests to approve\n");
        return NULL;
    }
    if (json_array_size(pending) > 1 && !latest) {
        show_pending(pending, clock_wall_ms());
        fprintf(stderr, "Several devices ask: name the request, or pass --latest for the newest one.\n");
        return NULL;
    }
    return json_string_value(json_object_get(json_array_get(pending, 0), "requestId"));
}

static int approve(struct remote *r, const char *id, bool latest, bool as_json)
{
    json_t *list = id ? NULL : remote_call(r, "device.pair.list", NULL);
    if (!id && !list) return CLI_FAILED;
    if (!id) id = choose(list, latest);
    json_t *payload = id ? remote_call(r, "device.pair.approve", json_pack("{s:s}", "requestId", id)) : NULL;
    if (payload && as_json) json_show(payload);
    if (payload && !as_json) {
        struct str device = json_str(json_object_get(payload, "device"), "deviceId"), request = json_str(payload, "requestId");
        text_say(stdout, "Approved %.*s (%.*s)", STR_ARG(device), STR_ARG(request));
    }
    int rc = payload ? CLI_OK : CLI_FAILED;
    json_decref(payload);
    json_decref(list);
    return rc;
}

int cmd_devices_approve(int argc, char **argv)
{
    struct remote_flags flags = { 0 };
    bool latest = false;
    const struct cli_option options[] = { { "--latest", NULL, "the newest request", NULL, &latest }, REMOTE_OPTIONS(flags), { 0 } };
    const struct cli_usage usage = { "openclaw devices approve [REQUEST] [options]",
                                     "Lets a device in that asks (`devices list` names the requests). Without a name: the only one.",
                                     options };
    struct remote r;
    int rc = cli_begin(&usage, &argc, argv, 1);
    if (rc >= 0) return rc;
    rc = remote_open(&r, &flags);
    if (rc == CLI_OK) rc = approve(&r, argc && !latest ? argv[0] : NULL, latest, flags.json);
    remote_close(&r);
    return rc;
}

/* One method with one argument, and a line about what it did. */
static int on_one(int argc, char **argv, const struct cli_usage *usage, const struct remote_flags *flags, const char *method,
                  const char *key, const char *done)
{
    json_t *payload;
    int rc = cli_begin(usage, &argc, argv, 1);
    if (rc >= 0) return rc;
    if (argc == 0) {
        fprintf(stderr, "Usage: %s\n", usage->synopsis);
        return CLI_USAGE;
    }
    rc = remote_ask(flags, method, json_pack("{s:s}", key, argv[0]), &payload);
    if (rc == CLI_OK && flags->json) json_show(payload);
    if (rc == CLI_OK && !flags->json) text_say(stdout, "%s %.*s", done, STR_ARG(json_str(payload, "deviceId")));
    json_decref(payload);
    return rc;
}

int cmd_devices_reject(int argc, char **argv)
{
    struct remote_flags flags = { 0 };
    const struct cli_option options[] = { REMOTE_OPTIONS(flags), { 0 } };
    const struct cli_usage usage = { "openclaw devices reject REQUEST [options]", "Refuses a device that asks.", options };
    return on_one(argc, argv, &usage, &flags, "device.pair.reject", "requestId", "Rejected");
}

int cmd_devices_remove(int argc, char **argv)
{
    struct remote_flags flags = { 0 };
    const struct cli_option options[] = { REMOTE_OPTIONS(flags), { 0 } };
    const struct cli_usage usage = { "openclaw devices remove DEVICE [options]", "Forgets a paired device and its tokens.", options };
    return on_one(argc, argv, &usage, &flags, "device.pair.remove", "deviceId", "Removed");
}

/* --- tokens ----------------------------------------------------------------------------------------------------- */

static json_t *split_scopes(const char *text)
{
    json_t *list = json_array();
    for (struct str rest = str_of(text); rest.n;) {
        struct str scope = str_trim(str_split(&rest, ','));
        if (scope.n) json_array_append_new(list, json_stringn(scope.p, scope.n));
    }
    return list;
}

static int on_token(int argc, char **argv, const char *method, bool with_scopes)
{
    struct remote_flags flags = { 0 };
    const char *device = NULL, *role = NULL, *scopes = NULL;
    const struct cli_option with[] = { { "--device", "ID", "the device", &device, NULL },
                                       { "--role", "ROLE", "operator or node", &role, NULL },
                                       { "--scope", "LIST", "scopes of the new token, with commas between them", &scopes, NULL },
                                       REMOTE_OPTIONS(flags),
                                       { 0 } };
    const struct cli_option without[] = { { "--device", "ID", "the device", &device, NULL },
                                          { "--role", "ROLE", "operator or node", &role, NULL },
                                          REMOTE_OPTIONS(flags),
                                          { 0 } };
    const struct cli_usage rotate = { "openclaw devices rotate --device ID --role ROLE [options]",
                                      "Gives a device a new token and prints it.", with };
    const struct cli_usage revoke = { "openclaw devices revoke --device ID --role ROLE [options]", "Makes a device's token worthless.",
                                      without };
    const struct cli_usage *usage = with_scopes ? &rotate : &revoke;
    int rc = cli_begin(usage, &argc, argv, 0);
    if (rc >= 0) return rc;
    if (!device || !role) {
        fprintf(stderr, "Usage: %s\n", usage->synopsis);
        return CLI_USAGE;
    }
    json_t *params = json_pack("{s:s, s:s}", "deviceId", device, "role", role);
    if (scopes) json_object_set_new(params, "scopes", split_scopes(scopes));
    return remote_show(&flags, method, params);
}

int cmd_devices_rotate(int argc, char **argv)
{
    return on_token(argc, argv, "device.token.rotate", true);
}

int cmd_devices_revoke(int argc, char **argv)
{
    return on_token(argc, argv, "device.token.revoke", false);
}
