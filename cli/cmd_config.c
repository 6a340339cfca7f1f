/* cli/cmd_config.c -- `openclaw config validate` and `openclaw config get`. */
#include <stdio.h>

#include "base/err.h"
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

int cmd_config(int argc, char **argv)
{
    bool json = false;
    const struct cli_option options[] = { { "--json", NULL, "get: texts in quotes; everything else is JSON anyway", NULL, &json }, { 0 } };
    const struct cli_usage usage = { "openclaw config validate [FILE] | openclaw config get [PATH]",
                                     "Checks the configuration, or prints the value at a path like gateway.port or agents.list[0].model;\n"
                                     "without a path the whole configuration. Secrets are shown as ***.",
                                     options };
    int rc = cli_parse(&usage, &argc, argv);
    if (rc) return rc < 0 ? CLI_OK : rc;
    const char *verb = argc > 0 ? argv[0] : "";
    if (argc > 2) return cli_unexpected(&usage, argv[2]);
    if (strcmp(verb, "validate") == 0) return validate(argc > 1 ? argv[1] : NULL);
    if (strcmp(verb, "get") == 0) return get(argc > 1 ? argv[1] : "", json);
    return cli_unexpected(&usage, argc ? verb : "(none)");
}
