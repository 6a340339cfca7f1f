/* cli/cmd_config.c -- `openclaw config`: check the file, show a part of it, change it. */
#include <stdio.h>

#include "base/clock.h"
#include "base/config_edit.h"
#include "base/config_write.h"
#include "base/err.h"
#include "base/file.h"
#include "cli/cli.h"
#include "cli/configuration.h"

static int validate(const char *file)
{
    struct env env = env_process();
    struct config_problems problems = { 0 };
    char path[CONFIGURATION_PATH_MAX];
    config_t *config = NULL;
    int rc = file ? str_copy(path, sizeof path, str_of(file)) : config_path(&env, path, sizeof path);
    if (rc == 0) rc = config_load(path, &env, &config, &problems);
    configuration_tell(&problems);
    if (rc == 0) {
        printf("%s is valid: %zu agents", path, config_agent_count(config));
        if (problems.warnings) printf(", %zu warnings", problems.warnings);
        putchar('\n');
    } else if (problems.errors) {
        fprintf(stderr, "%s: %zu errors, %zu warnings\n", path, problems.errors, problems.warnings);
    } else {
        fprintf(stderr, "%s: %s\n", path, err_text(rc));
    }
    config_problems_free(&problems);
    config_unref(&config);
    return rc ? CLI_CONFIG : CLI_OK;
}

/* Texts are printed bare, as a shell wants them; everything else as JSON. */
static void print_value(struct str json)
{
    if (json.n > 2 && json.p[0] == '"' && json.p[json.n - 1] == '"' && !memchr(json.p, '\\', json.n))
        json = (struct str){ json.p + 1, json.n - 2 };
    printf("%.*s\n", STR_ARG(json));
}

static int get(const char *path, bool quoted)
{
    struct configuration c;
    struct buf json = { 0 };
    int rc = configuration_load(&c, false);
    if (rc == CLI_OK) {
        int found = config_print(c.config, str_of(path), 2, &json);
        if (found == 0 && quoted)
            printf("%s\n", buf_cstr(&json));
        else if (found == 0)
            print_value(buf_str(&json));
        else if (found == GW_ENOENT)
            fprintf(stderr, "Config path not found: %s\n", path);
        else
            fprintf(stderr, "%s: %s\n", path, err_text(found));
        rc = found ? CLI_FAILED : CLI_OK;
    }
    buf_free(&json);
    configuration_free(&c);
    return rc;
}

/* --- changing it ------------------------------------------------------------------------------------------------ */

/* The file and what it is to hold; `configuration` gives the places alone, the file may have errors. */
struct edit {
    struct env env;
    char path[CONFIGURATION_PATH_MAX], state[CONFIGURATION_PATH_MAX];
    bool exists;
    struct buf before, after;
};

static int open_edit(struct edit *e)
{
    *e = (struct edit){ .env = env_process() };
    int rc = config_state_dir(&e->env, e->state, sizeof e->state);
    if (rc == 0) rc = config_path(&e->env, e->path, sizeof e->path);
    if (rc == 0) rc = file_read(e->path, JSON5_TEXT_MAX, &e->before);
    e->exists = rc == 0;
    if (rc == GW_ENOENT) {
        buf_text(&e->before, "{}\n");
        rc = 0;
    }
    if (rc) fprintf(stderr, "%s: %s\n", e->path, err_text(rc));
    return rc;
}

static size_t count_errors(const struct edit *e, struct str text, bool tell)
{
    struct config_problems problems = { 0 };
    config_t *config = NULL;
    int rc = config_parse(text, e->path, &e->env, &config, &problems);
    size_t errors = problems.errors + (rc && !problems.errors);
    if (tell) configuration_tell(&problems);
    config_unref(&config);
    config_problems_free(&problems);
    return errors;
}

/* A change may leave errors that were there before, so that several can be mended one after the other. */
static int save(struct edit *e)
{
    struct buf why = { 0 };
    size_t errors = count_errors(e, buf_str(&e->after), false);
    if (errors && errors >= count_errors(e, buf_str(&e->before), false)) {
        count_errors(e, buf_str(&e->after), true);
        fprintf(stderr, "Nothing was written: the configuration would have errors.\n");
        return CLI_FAILED;
    }
    const struct config_write w = { .path = e->path,
                                    .state_dir = e->state,
                                    .before = e->exists ? buf_str(&e->before) : (struct str){ 0 },
                                    .existed = e->exists,
                                    .after = buf_str(&e->after),
                                    .now_ms = clock_wall_ms() };
    int rc = config_write(&w, &why);
    if (rc) fprintf(stderr, "%s\n", why.n ? buf_cstr(&why) : err_text(rc));
    buf_free(&why);
    return rc ? CLI_FAILED : CLI_OK;
}

/* A long id is not to lose its last digits as a number. */
static bool is_exact(const struct json5_node *value, struct str typed)
{
    int64_t n;
    for (size_t i = 0; i < typed.n; i++)
        if (typed.p[i] < '0' || typed.p[i] > '9') return true;
    return json5_to_int(value, &n);
}

/* What was typed as JSON5: itself, or a string. @return false when `must` and it is none */
static bool read_value(const char *typed, bool must, struct buf *out)
{
    struct arena arena = { 0 };
    struct json5_node *value;
    struct json5_error error;
    bool json = json5_parse(&arena, str_of(typed), 0, &value, &error) == 0;
    if (json && (must || is_exact(value, str_of(typed))))
        buf_text(out, typed);
    else if (!must)
        buf_json_str(out, str_of(typed));
    else
        fprintf(stderr, "the value is not JSON5: %s at %u:%u\n", error.text, (unsigned)error.place.line, (unsigned)error.place.column);
    arena_free(&arena);
    return json || !must;
}

static int set(const char *path, const char *typed, bool json)
{
    struct edit e;
    struct buf value = { 0 };
    char why[CONFIG_EDIT_WHY_MAX] = "";
    int rc = read_value(typed, json, &value) ? CLI_OK : CLI_USAGE;
    if (rc == CLI_OK) {
        rc = open_edit(&e);
        if (rc == 0 && config_edit_set(buf_str(&e.before), str_of(path), buf_str(&value), &e.after, why)) {
            fprintf(stderr, "%s: %s\n", path, why);
            rc = GW_EINVAL;
        }
        rc = rc ? CLI_FAILED : save(&e);
        if (rc == CLI_OK) printf("Updated %s. A running gateway takes it by itself.\n", path);
        buf_free(&e.before);
        buf_free(&e.after);
    }
    buf_free(&value);
    return rc;
}

static int unset(const char *path)
{
    struct edit e;
    char why[CONFIG_EDIT_WHY_MAX] = "";
    int rc = open_edit(&e);
    if (rc == 0) {
        rc = config_edit_unset(buf_str(&e.before), str_of(path), &e.after, why);
        if (rc == GW_ENOENT)
            fprintf(stderr, "Config path not found: %s\n", path);
        else if (rc)
            fprintf(stderr, "%s: %s\n", path, why);
    }
    rc = rc ? CLI_FAILED : save(&e);
    if (rc == CLI_OK) printf("Removed %s. A running gateway takes it by itself.\n", path);
    buf_free(&e.before);
    buf_free(&e.after);
    return rc;
}

int cmd_config(int argc, char **argv)
{
    bool json = false;
    const struct cli_option options[] = { { "--json", NULL, "get: texts in quotes; set: the value must be JSON5", NULL, &json }, { 0 } };
    const struct cli_usage usage = {
        "openclaw config validate [FILE] | get [PATH] | set PATH VALUE | unset PATH",
        "Checks the configuration, or prints the value at a path like gateway.port or agents.list[0].model;\n"
        "without a path the whole configuration. Secrets are shown as ***. `set` takes JSON5, anything else is a\n"
        "text (`--` before a value that starts with a dash); comments stay. A change that brings errors is refused.",
        options
    };
    int rc = cli_parse(&usage, &argc, argv);
    if (rc) return rc < 0 ? CLI_OK : rc;
    const char *verb = argc > 0 ? argv[0] : "";
    int most = strcmp(verb, "set") == 0 ? 3 : 2;
    if (argc > most) return cli_unexpected(&usage, argv[most]);
    if (strcmp(verb, "validate") == 0) return validate(argc > 1 ? argv[1] : NULL);
    if (strcmp(verb, "get") == 0) return get(argc > 1 ? argv[1] : "", json);
    if (strcmp(verb, "set") == 0 && argc == 3) return set(argv[1], argv[2], json);
    if (strcmp(verb, "unset") == 0 && argc == 2) return unset(argv[1]);
    bool short_of = strcmp(verb, "set") == 0 || strcmp(verb, "unset") == 0;
    return cli_unexpected(&usage, short_of ? "(a path, or its value, is missing)" : argc ? verb : "(none)");
}
