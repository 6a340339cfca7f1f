/* cli/cmd_backup.c -- `openclaw backup` and `openclaw restore`: the state as one file, and back. */
#include <stdio.h>
#include <stdlib.h>

#include "base/json_read.h"
#include "cli/backup.h"
#include "cli/remote.h"

enum { KEEP = 7 };

static int refuse(const struct buf *why)
{
    fprintf(stderr, "openclaw: %.*s\n", STR_ARG(why->n ? buf_str(why) : STR("it failed")));
    return CLI_FAILED;
}

int cmd_backup(int argc, char **argv)
{
    const char *keep_text = NULL;
    bool as_json = false;
    long keep = KEEP;
    const struct cli_option options[] = { { "--keep", "N", "without FILE: so many backups are kept (7)", &keep_text, NULL },
                                          { "--json", NULL, "as JSON", NULL, &as_json },
                                          { 0 } };
    const struct cli_usage usage = {
        "openclaw backup [FILE.tar.gz] [options]",
        "Writes the state (store, workspaces, skills, approvals) into one file while the gateway goes on, and reads it "
        "back. Without FILE it is <state>/backups/openclaw-<time>.tar.gz.",
        options
    };
    struct configuration c = { 0 };
    struct buf why = { 0 };
    json_t *said = NULL;
    int rc = cli_begin(&usage, &argc, argv, 1);
    if (rc >= 0) return rc;
    if (keep_text && (rc = cli_number("--keep", keep_text, 1, 1000, &keep)) != 0) return rc;
    rc = configuration_load(&c, true);
    if (rc == CLI_OK) rc = backup_create(c.state, argc ? argv[0] : NULL, (int)keep, &said, &why) ? refuse(&why) : CLI_OK;
    if (rc == CLI_OK && as_json)
        json_show(said);
    else if (rc == CLI_OK)
        printf("%s\n%lld bytes; store %lld bytes, read back and whole; %lld further entries of %s\n",
               json_string_value(json_object_get(said, "path")), (long long)json_int(said, "bytes", 0),
               (long long)json_int(json_object_get(said, "database"), "bytes", 0), (long long)json_int(said, "entries", 0), c.state);
    json_decref(said);
    buf_free(&why);
    configuration_free(&c);
    return rc;
}

int cmd_restore(int argc, char **argv)
{
    bool as_json = false, force = false;
    const struct cli_option options[] = { { "--force", NULL, "replace a state that is there; it is kept beside", NULL, &force },
                                          { "--json", NULL, "as JSON", NULL, &as_json },
                                          { 0 } };
    const struct cli_usage usage = {
        "openclaw restore FILE.tar.gz [options]",
        "Puts a backup in the place of the state. The gateway must not be running. The configuration file, when it is "
        "outside the state directory, is left as it is.",
        options
    };
    struct configuration c = { 0 };
    struct buf why = { 0 };
    json_t *said = NULL;
    int rc = cli_begin(&usage, &argc, argv, 1);
    if (rc >= 0) return rc;
    if (argc == 0) {
        fprintf(stderr, "openclaw: which backup? usage: %s\n", usage.synopsis);
        return CLI_USAGE;
    }
    rc = configuration_load(&c, true);
    if (rc == CLI_OK) rc = backup_restore(c.state, argv[0], force, &said, &why) ? refuse(&why) : CLI_OK;
    const char *before = json_string_value(json_object_get(said, "before"));
    if (rc == CLI_OK && as_json)
        json_show(said);
    else if (rc == CLI_OK)
        printf("%s is restored from %s.%s%s\n", c.state, argv[0], before ? "\nWhat was there before is in " : "", before ? before : "");
    json_decref(said);
    buf_free(&why);
    configuration_free(&c);
    return rc;
}
