/* cli/cmd_approvals.c -- `openclaw approvals`: the rules for executing commands, of this user or of the gateway. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "base/hex.h"
#include "cli/remote.h"
#include "cli/table.h"
#include "cli/text.h"

enum { FILE_MAX = 4 * 1024 * 1024 };

#define FILE_NAME "exec-approvals.json"

/* The same shape as exec.approvals.get, from the file that the gateway reads. NULL: told */
static json_t *read_local(void)
{
    char state[CONFIGURATION_PATH_MAX], path[CONFIGURATION_PATH_MAX + 32], digest[HEX_SHA256_SIZE] = "";
    struct env env = env_process();
    struct buf text = { 0 };
    int rc = config_state_dir(&env, state, sizeof state);
    snprintf(path, sizeof path, "%s/" FILE_NAME, state);
    if (rc == 0) rc = file_read(path, FILE_MAX, &text);
    if (rc && rc != GW_ENOENT) {
        fprintf(stderr, "Error: %s: %s\n", path, err_text(rc));
        buf_free(&text);
        return NULL;
    }
    json_t *file = rc == 0 ? json_loadb(text.p ? text.p : "", text.n, 0, NULL) : NULL;
    if (rc == 0 && !json_is_object(file)) fprintf(stderr, "%s is no JSON object; shown as empty\n", path);
    if (!json_is_object(file)) {
        json_decref(file);
        file = json_pack("{s:i, s:{}, s:{}}", "version", 1, "defaults", "agents");
    }
    hex_sha256(buf_str(&text), digest);
    buf_free(&text);
    return json_pack("{s:s, s:b, s:s, s:o}", "path", path, "exists", rc == 0, "hash", digest, "file", file);
}

static void field(table_t *t, const char *name, struct str value)
{
    table_add(t, STYLE_CYAN, str_of(name));
    table_add(t, STYLE_PLAIN, value);
}

static void field_number(table_t *t, const char *name, int64_t value)
{
    table_add(t, STYLE_CYAN, str_of(name));
    table_addf(t, STYLE_PLAIN, "%lld", (long long)value);
}

/* The rows of `entries`, when given, are the allow-list's. @return how many there are */
static size_t allowlist(const json_t *agents, table_t *entries)
{
    const char *agent;
    json_t *settings;
    size_t total = 0;
    json_object_foreach((json_t *)agents, agent, settings)
    {
        const json_t *list = json_object_get(settings, "allowlist");
        total += json_array_size(list);
        for (size_t i = 0; entries && i < json_array_size(list); i++) {
            table_add(entries, STYLE_PLAIN, str_of(agent));
            table_add(entries, STYLE_PLAIN, json_str(json_array_get(list, i), "pattern"));
        }
    }
    return total;
}

static void add_defaults(struct buf *out, const json_t *defaults)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)defaults, key, value)
    {
        buf_printf(out, "%s%s=", out->n ? ", " : "", key);
        if (json_is_string(value))
            buf_text(out, json_string_value(value));
        else
            json_print(out, value);
    }
}

static void show(const json_t *got, const char *target)
{
    static const struct table_column fields[] = { { "Field", 0, false }, { "Value", 24, true } };
    static const struct table_column rules[] = { { "Agent", 10, false }, { "Pattern", 24, true } };
    const json_t *file = json_object_get(got, "file"), *agents = json_object_get(file, "agents");
    struct str socket = json_str(json_object_get(file, "socket"), "path");
    struct buf defaults = { 0 };
    size_t entries = allowlist(agents, NULL);
    table_t *t;
    add_defaults(&defaults, json_object_get(file, "defaults"));
    printf("Showing %s approvals.\n", target);
    if (table_create(fields, 2, &t) == 0) {
        field(t, "Target", str_of(target));
        field(t, "Path", json_str(got, "path"));
        field(t, "Exists", json_flag(got, "exists") ? STR("yes") : STR("no"));
        field(t, "Hash", json_str(got, "hash"));
        field_number(t, "Version", json_int(file, "version", 1));
        field(t, "Socket", socket.n ? socket : STR("default"));
        field(t, "Defaults", defaults.n ? buf_str(&defaults) : STR("none"));
        field_number(t, "Agents", (int64_t)json_object_size(agents));
        field_number(t, "Allowlist", (int64_t)entries);
        printf("\n");
        table_show(t, "Approvals");
        table_destroy(&t);
    }
    printf("\n");
    if (!entries) printf("No allowlist entries.\n");
    if (entries && table_create(rules, 2, &t) == 0) {
        allowlist(agents, t);
        table_show(t, "Allowlist");
        table_destroy(&t);
    }
    buf_free(&defaults);
}

int cmd_approvals_get(int argc, char **argv)
{
    struct remote_flags flags = { 0 };
    bool gateway = false;
    const struct cli_option options[] = { { "--gateway", NULL, "those of the running gateway", NULL, &gateway },
                                          REMOTE_OPTIONS(flags),
                                          { 0 } };
    const struct cli_usage usage = { "openclaw approvals get [options]", "The rules for executing commands.", options };
    json_t *got = NULL;
    int rc = cli_begin(&usage, &argc, argv, 0);
    if (rc >= 0) return rc;
    rc = CLI_OK;
    if (gateway)
        rc = remote_ask(&flags, "exec.approvals.get", NULL, &got);
    else if (!(got = read_local()))
        rc = CLI_FAILED;
    if (rc == CLI_OK && flags.json) json_show(got);
    if (rc == CLI_OK && !flags.json) show(got, gateway ? "gateway" : "local");
    json_decref(got);
    return rc;
}

/* --- the list ------------------------------------------------------------------------------------------------------ */

static ptrdiff_t index_of(const json_t *list, const char *pattern)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (str_is(json_str(json_array_get(list, i), "pattern"), pattern)) return (ptrdiff_t)i;
    return -1;
}

/* @return the member, made when it is not there; NULL: no memory */
static json_t *member(json_t *of, const char *name, json_t *fresh)
{
    json_t *value = json_object_get(of, name);
    if (!value) json_object_set(of, name, value = fresh);
    json_decref(fresh);
    return value;
}

/* One pattern more or less in the file of exec.approvals.get. @return false: there was nothing to do, which is told */
static bool change(json_t *file, const char *agent, const char *pattern, bool add)
{
    json_t *own = member(member(file, "agents", json_object()), agent, json_object());
    json_t *list = own ? member(own, "allowlist", json_array()) : NULL;
    ptrdiff_t at = index_of(list, pattern);
    if (add == (at >= 0)) {
        text_say(stdout, add ? "%s is in the list of %s already." : "%s is not in the list of %s.", pattern, agent);
        return false;
    }
    if (add)
        json_array_append_new(list, json_pack("{s:s}", "pattern", pattern));
    else
        json_array_remove(list, (size_t)at);
    return true;
}

static int change_list(const struct remote_flags *flags, const char *agent, const char *pattern, bool add)
{
    struct remote r;
    json_t *got = NULL, *set = NULL;
    int rc = remote_open(&r, flags);
    if (rc == CLI_OK && !(got = remote_call(&r, "exec.approvals.get", NULL))) rc = CLI_FAILED;
    json_t *file = json_object_get(got, "file");
    if (rc == CLI_OK && change(file, agent, pattern, add)) {
        json_object_del(file, "socket"); /* nobody sets that */
        set = remote_call(&r, "exec.approvals.set", json_pack("{s:O, s:O}", "file", file, "baseHash", json_object_get(got, "hash")));
        rc = set ? CLI_OK : CLI_FAILED;
    }
    if (rc == CLI_OK && flags->json) json_show(set ? set : got);
    if (set && !flags->json) show(set, "gateway");
    json_decref(set);
    json_decref(got);
    remote_close(&r);
    return rc;
}

int cmd_approvals_allowlist(int argc, char **argv)
{
    struct remote_flags flags = { 0 };
    const char *agent = "*";
    const struct cli_option options[] = { { "--agent", "ID", "for this agent alone (default: *, all)", &agent, NULL },
                                          REMOTE_OPTIONS(flags),
                                          { 0 } };
    const struct cli_usage usage = { "openclaw approvals allowlist add|remove PATTERN [options]",
                                     "Programs that agents may start without asking, by their paths: /usr/bin/git, ~/bin/*, /opt/**.",
                                     options };
    int rc = cli_begin(&usage, &argc, argv, 2);
    if (rc >= 0) return rc;
    bool add = argc && strcmp(argv[0], "add") == 0;
    if (argc < 2 || (!add && strcmp(argv[0], "remove") != 0)) {
        fprintf(stderr, "Usage: %s\n", usage.synopsis);
        return CLI_USAGE;
    }
    if (strchr(argv[1], '/')) return change_list(&flags, agent, argv[1], add);
    text_say(stderr, "%s is no path: a program can have any name. Say where it is, as in /usr/bin/%s.", argv[1], argv[1]);
    return CLI_USAGE;
}
