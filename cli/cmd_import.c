/* cli/cmd_import.c -- `openclaw import`: what OpenClaw left in its state directory. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/json_read.h"
#include "cli/import.h"
#include "cli/remote.h"

enum { SHOWN = 50 };

static void show(const json_t *report)
{
    const json_t *taken = json_object_get(report, "taken"), *skipped = json_object_get(report, "skipped"), *s;
    size_t i;
    bool dry = json_is_true(json_object_get(report, "dryRun"));
    printf("%s: %lld devices, %lld sessions with %lld messages, %lld jobs, %lld people, %lld list of programs\n",
           dry ? "Would take" : "Taken", (long long)json_int(taken, "devices", 0), (long long)json_int(taken, "sessions", 0),
           (long long)json_int(taken, "messages", 0), (long long)json_int(taken, "jobs", 0), (long long)json_int(taken, "people", 0),
           (long long)json_int(taken, "approvals", 0));
    json_array_foreach(skipped, i, s)
    {
        if (i == SHOWN) {
            printf("  ... and %zu more; --json has them all\n", json_array_size(skipped) - i);
            break;
        }
        printf("  skipped %.*s: %.*s\n", STR_ARG(json_str(s, "what")), STR_ARG(json_str(s, "why")));
    }
}

static int take(const struct configuration *c, const char *from, bool dry, bool as_json)
{
    struct buf report = { 0 };
    const struct store_options options = { .now_ms = clock_wall_ms() };
    struct import in = { .from = from, .state = c->state, .dry = dry };
    int rc = store_open(str_of(c->state), &options, &in.store, &report);
    if (report.n) fprintf(stderr, "openclaw: %s\n", buf_cstr(&report));
    buf_free(&report);
    if (rc) return CLI_FAILED;
    json_t *said = import_run(&in);
    store_close(&in.store);
    if (!said) return CLI_FAILED;
    if (as_json)
        json_show(said);
    else
        show(said);
    json_decref(said);
    return CLI_OK;
}

int cmd_import(int argc, char **argv)
{
    bool as_json = false, dry = false;
    const struct cli_option options[] = { { "--dry-run", NULL, "only tell what would be taken", NULL, &dry },
                                          { "--json", NULL, "as JSON: {taken, skipped}", NULL, &as_json },
                                          { 0 } };
    const struct cli_usage usage = {
        "openclaw import DIRECTORY [options]",
        "Takes over what OpenClaw left in its state directory: paired devices, sessions and transcripts, jobs, people who may "
        "write to a bot, the list of programs. The gateway must not be running. It can be repeated.",
        options
    };
    struct configuration c = { 0 };
    struct stat st;
    int rc = cli_begin(&usage, &argc, argv, 1);
    if (rc >= 0) return rc;
    if (argc == 0) {
        fprintf(stderr, "openclaw: which directory? usage: %s\n", usage.synopsis);
        return CLI_USAGE;
    }
    if (stat(argv[0], &st) != 0 || !S_ISDIR(st.st_mode)) {
        fprintf(stderr, "openclaw: %s is no directory\n", argv[0]);
        return CLI_FAILED;
    }
    rc = configuration_load(&c, true);
    if (rc == CLI_OK) rc = take(&c, argv[0], dry, as_json);
    configuration_free(&c);
    return rc;
}
