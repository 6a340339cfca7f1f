#include "cli/completion.h"

#include "base/err.h"

static const struct entry {
    const char *parent; /* NULL: a command */
    const char *name, *about;
} ENTRIES[] = {
#define COMMAND(name, synopsis, about) { NULL, #name, about },
#define GROUP(name, synopsis, about) { NULL, #name, about },
#define SUBCOMMAND(command, name, synopsis, about) { #command, #name, about },
#define WORD(command, word) { #command, word, "" },
#include "cli/commands.def"
#undef COMMAND
#undef GROUP
#undef SUBCOMMAND
#undef WORD
};

enum { ENTRY_COUNT = sizeof ENTRIES / sizeof ENTRIES[0] };

/* What lists the options of a command line: reads the help, which has one a line. */
#define OPTIONS_OF "--help 2>/dev/null | sed -n 's/^  \\(--[a-z-]*\\).*/\\1/p'"

static bool below(const struct entry *e, const char *parent)
{
    return e->parent && strcmp(e->parent, parent) == 0;
}

static bool has_words(const char *parent)
{
    for (size_t i = 0; i < ENTRY_COUNT; i++)
        if (below(&ENTRIES[i], parent)) return true;
    return false;
}

static void names(struct buf *out, const char *parent)
{
    bool first = true;
    for (size_t i = 0; i < ENTRY_COUNT; i++) {
        bool wanted = parent ? below(&ENTRIES[i], parent) : !ENTRIES[i].parent;
        if (!wanted) continue;
        buf_printf(out, "%s%s", first ? "" : " ", ENTRIES[i].name);
        first = false;
    }
}

/* A text inside single quotes. */
static void quoted(struct buf *out, const char *text)
{
    buf_char(out, '\'');
    for (const char *c = text; *c; c++) {
        if (*c == '\'')
            buf_text(out, "'\\''");
        else
            buf_char(out, *c);
    }
    buf_char(out, '\'');
}

/* --- bash ---------------------------------------------------------------------------------------------------------- */

static void bash(struct buf *out)
{
    buf_text(out, "# openclaw completion for bash: eval \"$(openclaw completion bash)\"\n"
                  "_openclaw() {\n"
                  "    local cur=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]-} sub=${COMP_WORDS[2]-} words='' path\n"
                  "    COMPREPLY=()\n"
                  "    case $command in\n");
    for (size_t i = 0; i < ENTRY_COUNT; i++) {
        if (ENTRIES[i].parent || !has_words(ENTRIES[i].name)) continue;
        buf_printf(out, "    %s) words='", ENTRIES[i].name);
        names(out, ENTRIES[i].name);
        buf_text(out, "' ;;\n");
    }
    buf_text(out, "    esac\n"
                  "    if ((COMP_CWORD == 1)); then\n"
                  "        words='");
    names(out, NULL);
    buf_text(out, " --help --version'\n"
                  "    elif [[ $cur == -* ]]; then\n"
                  "        path=(\"$command\")\n"
                  "        if [[ \" $words \" == *\" $sub \"* ]]; then path+=(\"$sub\"); fi\n"
                  "        words=$(\"${COMP_WORDS[0]}\" \"${path[@]}\" " OPTIONS_OF ")\n"
                  "    elif ((COMP_CWORD > 2)); then\n"
                  "        words=''\n"
                  "    fi\n"
                  "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
                  "}\n"
                  "complete -o default -F _openclaw openclaw\n");
}

/* --- zsh ----------------------------------------------------------------------------------------------------------- */

static void zsh_items(struct buf *out, const char *parent, const char *indent)
{
    for (size_t i = 0; i < ENTRY_COUNT; i++) {
        struct buf text = { 0 };
        bool wanted = parent ? below(&ENTRIES[i], parent) : !ENTRIES[i].parent;
        if (!wanted) continue;
        buf_printf(&text, "%s%s%s", ENTRIES[i].name, ENTRIES[i].about[0] ? ":" : "", ENTRIES[i].about);
        buf_text(out, indent);
        quoted(out, buf_cstr(&text));
        buf_char(out, '\n');
        buf_free(&text);
    }
}

static void zsh(struct buf *out)
{
    buf_text(out, "#compdef openclaw\n"
                  "# openclaw completion for zsh: source <(openclaw completion zsh)\n"
                  "_openclaw() {\n"
                  "    local -a items path_\n"
                  "    if (( CURRENT == 2 )); then\n"
                  "        items=(\n");
    zsh_items(out, NULL, "            ");
    buf_text(out, "        )\n"
                  "        _describe command items\n"
                  "        return\n"
                  "    fi\n"
                  "    case $words[2] in\n");
    for (size_t i = 0; i < ENTRY_COUNT; i++) {
        if (ENTRIES[i].parent || !has_words(ENTRIES[i].name)) continue;
        buf_printf(out, "    %s)\n        items=(\n", ENTRIES[i].name);
        zsh_items(out, ENTRIES[i].name, "            ");
        buf_text(out, "        ) ;;\n");
    }
    buf_text(out, "    esac\n"
                  "    if [[ $words[CURRENT] == -* ]]; then\n"
                  "        path_=($words[2])\n"
                  "        if (( ${items[(I)$words[3](|:*)]} )); then path_+=($words[3]); fi\n"
                  "        items=(${(f)\"$($words[1] $path_ " OPTIONS_OF ")\"})\n"
                  "        compadd -- $items\n"
                  "    elif (( CURRENT == 3 && $#items )); then\n"
                  "        _describe command items\n"
                  "    else\n"
                  "        _files\n"
                  "    fi\n"
                  "}\n"
                  "if [[ $zsh_eval_context == *func* ]]; then _openclaw \"$@\"; else compdef _openclaw openclaw; fi\n");
}

/* --- fish ---------------------------------------------------------------------------------------------------------- */

static void fish_item(struct buf *out, const struct entry *e)
{
    buf_text(out, "complete -c openclaw -n ");
    if (e->parent)
        buf_printf(out, "'__openclaw_below %s'", e->parent);
    else
        buf_text(out, "__fish_use_subcommand");
    buf_printf(out, " -a %s", e->name);
    if (e->about[0]) {
        buf_text(out, " -d \"");
        buf_text(out, e->about); /* no quote, dollar or backslash in any of them: tests/unit/test_completion.c */
        buf_char(out, '"');
    }
    buf_char(out, '\n');
}

static void fish(struct buf *out)
{
    buf_text(out, "# openclaw completion for fish: openclaw completion fish | source\n"
                  "function __openclaw_below\n"
                  "    set -l words (commandline -opc)\n"
                  "    test (count $words) -eq 2; and test \"$words[2]\" = $argv[1]\n"
                  "end\n"
                  "function __openclaw_options\n"
                  "    set -l words (commandline -opc)\n"
                  "    set -l path\n"
                  "    for word in $words[2..3]\n"
                  "        string match -q -- '-*' $word; or set -a path $word\n"
                  "    end\n"
                  "    test (count $path) -gt 0; and $words[1] $path " OPTIONS_OF "\n"
                  "end\n"
                  "complete -c openclaw -f\n"
                  "complete -c openclaw -n 'string match -q -- \"-*\" (commandline -ct)' -a '(__openclaw_options)'\n");
    for (size_t i = 0; i < ENTRY_COUNT; i++) fish_item(out, &ENTRIES[i]);
}

int completion_write(struct str shell, struct buf *out)
{
    if (str_is(shell, "bash"))
        bash(out);
    else if (str_is(shell, "zsh"))
        zsh(out);
    else if (str_is(shell, "fish"))
        fish(out);
    else
        return GW_EINVAL;
    return 0;
}
