/* cli/cmd_skills.c -- `openclaw skills`: which are ready, and what the others lack. */
#include <stdio.h>

#include "cli/remote.h"
#include "cli/table.h"

#define TIP "\nTip: use `npx clawhub` to search, install, and sync skills.\n"

enum state { READY, DISABLED, BLOCKED, MISSING, STATES };

static enum state state(const json_t *skill)
{
    if (json_flag(skill, "disabled")) return DISABLED;
    if (json_flag(skill, "blockedByAllowlist")) return BLOCKED;
    return json_flag(skill, "eligible") ? READY : MISSING;
}

static struct str emoji(const json_t *skill)
{
    struct str own = json_str(skill, "emoji");
    return own.n ? own : STR("\xf0\x9f\x93\xa6");
}

static void count(const json_t *skills, size_t counts[STATES])
{
    for (size_t i = 0; i < json_array_size(skills); i++) counts[state(json_array_get(skills, i))]++;
}

static int fetch(const struct remote_flags *flags, const char *agent, json_t **payload)
{
    json_t *params = json_object();
    if (agent) json_object_set_new(params, "agentId", json_string(agent));
    return remote_ask(flags, "skills.status", params, payload);
}

/* --- list --------------------------------------------------------------------------------------------------------- */

static void show_list(const json_t *skills, bool eligible_only)
{
    static const struct table_column columns[] = {
        { "Status", 11, false }, { "Skill", 18, false }, { "Description", 24, true }, { "Source", 10, false }
    };
    static const struct {
        const char *text;
        enum style style;
    } words[STATES] = { { "\xe2\x9c\x93 ready", STYLE_GREEN },
                        { "\xe2\x8f\xb8 disabled", STYLE_DIM },
                        { "\xf0\x9f\x9a\xab blocked", STYLE_YELLOW },
                        { "\xe2\x9c\x97 missing", STYLE_RED } };
    size_t counts[STATES] = { 0 };
    table_t *t;
    count(skills, counts);
    if (json_array_size(skills) == 0) {
        printf("No skills found.\n" TIP);
        return;
    }
    text_say(stdout, "Skills (%zu/%zu ready)", counts[READY], json_array_size(skills));
    if (table_create(columns, 4, &t) != 0) return;
    for (size_t i = 0; i < json_array_size(skills); i++) {
        const json_t *s = json_array_get(skills, i);
        if (eligible_only && state(s) != READY) continue;
        table_add(t, words[state(s)].style, str_of(words[state(s)].text));
        table_addf(t, STYLE_PLAIN, "%.*s %.*s", STR_ARG(emoji(s)), STR_ARG(json_str(s, "name")));
        table_add(t, STYLE_PLAIN, json_str(s, "description"));
        table_add(t, STYLE_PLAIN, json_str(s, "source"));
    }
    table_show(t, NULL);
    table_destroy(&t);
    printf(TIP);
}

int cmd_skills_list(int argc, char **argv)
{
    struct remote_flags flags = { 0 };
    const char *agent = NULL;
    bool eligible = false;
    const struct cli_option options[] = { { "--agent", "ID", "of this agent (default: the default one)", &agent, NULL },
                                          { "--eligible", NULL, "the ready ones only", NULL, &eligible },
                                          REMOTE_OPTIONS(flags),
                                          { 0 } };
    const struct cli_usage usage = { "openclaw skills list [options]", "All skills that an agent can find.", options };
    json_t *payload;
    int rc = cli_begin(&usage, &argc, argv, 0);
    if (rc >= 0) return rc;
    rc = fetch(&flags, agent, &payload);
    if (rc == CLI_OK && flags.json) json_show(payload);
    if (rc == CLI_OK && !flags.json) show_list(json_object_get(payload, "skills"), eligible);
    json_decref(payload);
    return rc;
}

/* --- check -------------------------------------------------------------------------------------------------------- */

static void add_missing(struct buf *out, const json_t *missing)
{
    static const char *const kinds[] = { "bins", "anyBins", "env", "config", "os" };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const json_t *list = json_object_get(missing, kinds[i]);
        for (size_t k = 0; k < json_array_size(list); k++) {
            const char *text = json_string_value(json_array_get(list, k));
            if (k == 0) buf_printf(out, "%s%s: ", out->n ? "; " : "", kinds[i]);
            buf_printf(out, "%s%s", k ? ", " : "", text ? text : "");
        }
    }
}

static void show_those(const json_t *skills, enum state wanted, const char *heading)
{
    bool any = false;
    for (size_t i = 0; i < json_array_size(skills); i++) {
        const json_t *s = json_array_get(skills, i);
        struct buf why = { 0 };
        if (state(s) != wanted) continue;
        if (!any) printf("\n%s\n", heading);
        any = true;
        if (wanted == MISSING) add_missing(&why, json_object_get(s, "missing"));
        text_say(stdout, "  %.*s %.*s%s%.*s%s", STR_ARG(emoji(s)), STR_ARG(json_str(s, "name")), why.n ? " (" : "", STR_ARG(buf_str(&why)),
                 why.n ? ")" : "");
        buf_free(&why);
    }
}

static void show_check(const json_t *skills)
{
    size_t counts[STATES] = { 0 };
    count(skills, counts);
    printf("Skills Status Check\n\nTotal: %zu\n", json_array_size(skills));
    printf("\xe2\x9c\x93 Eligible: %zu\n\xe2\x8f\xb8 Disabled: %zu\n\xf0\x9f\x9a\xab Blocked by allowlist: %zu\n\xe2\x9c\x97 Missing "
           "requirements: %zu\n",
           counts[READY], counts[DISABLED], counts[BLOCKED], counts[MISSING]);
    show_those(skills, READY, "Ready to use:");
    show_those(skills, MISSING, "Missing requirements:");
    printf(TIP);
}

int cmd_skills_check(int argc, char **argv)
{
    struct remote_flags flags = { 0 };
    const char *agent = NULL;
    const struct cli_option options[] = { { "--agent", "ID", "of this agent (default: the default one)", &agent, NULL },
                                          REMOTE_OPTIONS(flags),
                                          { 0 } };
    const struct cli_usage usage = { "openclaw skills check [options]", "Which skills are ready, and what the others lack.", options };
    json_t *payload;
    int rc = cli_begin(&usage, &argc, argv, 0);
    if (rc >= 0) return rc;
    rc = fetch(&flags, agent, &payload);
    if (rc == CLI_OK && flags.json) json_show(payload);
    if (rc == CLI_OK && !flags.json) show_check(json_object_get(payload, "skills"));
    json_decref(payload);
    return rc;
}
