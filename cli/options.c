/* cli/options.c -- reads a command's options and prints its help. */
#include <stdio.h>

#include "base/err.h"
#include "cli/cli.h"

static void print_usage(const struct cli_usage *usage, FILE *to)
{
    fprintf(to, "Usage: %s\n\n%s\n\nOptions:\n", usage->synopsis, usage->about);
    for (const struct cli_option *o = usage->options; o->name; o++) {
        char left[64];
        snprintf(left, sizeof left, "%s %s", o->name, o->value ? o->value : "");
        fprintf(to, "  %-24s %s\n", left, o->doc);
    }
    fprintf(to, "  %-24s %s\n", "--help", "show this");
}

int cli_unexpected(const struct cli_usage *usage, const char *argument)
{
    fprintf(stderr, "unexpected argument: %s\n\n", argument);
    print_usage(usage, stderr);
    return CLI_USAGE;
}

static const struct cli_option *find(const struct cli_usage *usage, struct str name)
{
    for (const struct cli_option *o = usage->options; o->name; o++)
        if (str_is(name, o->name)) return o;
    return NULL;
}

static int unknown(const struct cli_usage *usage, struct str name)
{
    const char *nearest = NULL;
    size_t best = 4; /* changes; more is no resemblance */
    for (const struct cli_option *o = usage->options; o->name; o++) {
        size_t d = str_distance(name, str_of(o->name));
        if (d >= best) continue;
        best = d;
        nearest = o->name;
    }
    fprintf(stderr, "unknown option: %.*s", STR_ARG(name));
    if (nearest) fprintf(stderr, " (did you mean %s?)", nearest);
    fprintf(stderr, "\n\n");
    print_usage(usage, stderr);
    return CLI_USAGE;
}

/* One option at argv[*i]; *i ends at its last argument. */
static int read_option(const struct cli_usage *usage, int argc, char **argv, int *i)
{
    struct str rest = str_of(argv[*i]), name = str_split(&rest, '=');
    const struct cli_option *o = find(usage, name);
    if (!o) return unknown(usage, name);
    if (o->flag && !rest.p) {
        *o->flag = true;
    } else if (o->flag) {
        fprintf(stderr, "%s takes no value\n", o->name);
        return CLI_USAGE;
    } else if (rest.p) {
        *o->text = rest.p;
    } else if (*i + 1 < argc) {
        *o->text = argv[++*i];
    } else {
        fprintf(stderr, "%s needs a value: %s %s\n", o->name, o->name, o->value);
        return CLI_USAGE;
    }
    return CLI_OK;
}

int cli_parse(const struct cli_usage *usage, int *argc, char **argv)
{
    int kept = 0;
    bool options = true;
    for (int i = 0; i < *argc; i++) {
        struct str a = str_of(argv[i]);
        if (options && (str_is(a, "--help") || str_is(a, "-h"))) {
            print_usage(usage, stdout);
            return -1;
        }
        if (options && str_is(a, "--")) {
            options = false;
        } else if (options && a.n > 1 && a.p[0] == '-') {
            int rc = read_option(usage, *argc, argv, &i);
            if (rc) return rc;
        } else {
            argv[kept++] = argv[i];
        }
    }
    *argc = kept;
    return CLI_OK;
}

int cli_number(const char *option, const char *text, long lo, long hi, long *out)
{
    int64_t n;
    if (str_to_int(str_of(text), &n) == 0 && n >= lo && n <= hi) {
        *out = (long)n;
        return CLI_OK;
    }
    fprintf(stderr, "%s must be a number from %ld to %ld, not %s\n", option, lo, hi, text);
    return CLI_USAGE;
}

int cli_begin(const struct cli_usage *usage, int *argc, char **argv, int arguments)
{
    int rc = cli_parse(usage, argc, argv);
    if (rc) return rc < 0 ? CLI_OK : rc;
    return *argc > arguments ? cli_unexpected(usage, argv[arguments]) : -1;
}
