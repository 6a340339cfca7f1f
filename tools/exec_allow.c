#include "tools/exec_allow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- words -------------------------------------------------------------------------------------------------------- */

struct word {
    char text[EXEC_WORD_MAX];
    size_t n;
    bool any;     /* also '' is a word */
    bool changes; /* the shell makes something else of it: a variable, a pattern */
};

struct scanner {
    struct str rest;
    const char *problem;
};

static void add(struct scanner *s, struct word *w, char c)
{
    w->any = true;
    if (w->n + 1 < sizeof w->text)
        w->text[w->n++] = c;
    else
        s->problem = "a word is too long";
}

static char take(struct scanner *s)
{
    char c = s->rest.p[0];
    s->rest = (struct str){ s->rest.p + 1, s->rest.n - 1 };
    return c;
}

/* `$` and what follows: a variable changes the word, a substitution starts a program. */
static void dollar(struct scanner *s, struct word *w)
{
    if (s->rest.n && (s->rest.p[0] == '(' || s->rest.p[0] == '{' || s->rest.p[0] == '[' || s->rest.p[0] == '\''))
        s->problem = "it holds a substitution";
    w->changes = true;
    add(s, w, '$');
}

static void single_quoted(struct scanner *s, struct word *w)
{
    w->any = true;
    while (s->rest.n && s->rest.p[0] != '\'') add(s, w, take(s));
    if (s->rest.n)
        take(s);
    else
        s->problem = "a quote is not closed";
}

static void double_quoted(struct scanner *s, struct word *w)
{
    w->any = true;
    while (s->rest.n && s->rest.p[0] != '"' && !s->problem) {
        char c = take(s);
        if (c == '`') s->problem = "it holds a substitution";
        if (c == '\\' && s->rest.n && strchr("\"\\$`\n", s->rest.p[0]))
            c = take(s);
        else if (c == '$') {
            dollar(s, w);
            continue;
        }
        add(s, w, c);
    }
    if (s->rest.n)
        take(s);
    else
        s->problem = s->problem ? s->problem : "a quote is not closed";
}

static const char *problem_of(char c)
{
    switch (c) {
    case '<':
    case '>': return "it redirects";
    case '`': return "it holds a substitution";
    case '(':
    case ')': return "it holds a subshell";
    case '\n':
    case '\r': return "it has several lines";
    case '\0': return "it holds a NUL";
    default: return NULL;
    }
}

/* The next word. @return false: there is none before the segment ends, or there is a problem */
static bool next_word(struct scanner *s, struct word *w)
{
    w->n = 0;
    w->any = w->changes = false;
    while (s->rest.n && (s->rest.p[0] == ' ' || s->rest.p[0] == '\t')) take(s);
    while (s->rest.n && !s->problem && !memchr(" \t|&;", s->rest.p[0], 5)) {
        char c = take(s);
        s->problem = problem_of(c);
        if (s->problem) break;
        if (c == '\'')
            single_quoted(s, w);
        else if (c == '"')
            double_quoted(s, w);
        else if (c == '$')
            dollar(s, w);
        else if (c == '\\' && s->rest.n && s->rest.p[0] != '\n')
            add(s, w, take(s));
        else {
            if (strchr("*?[]{}~!#", c)) w->changes = true;
            add(s, w, c);
        }
    }
    w->text[w->n] = '\0';
    return w->any && !s->problem;
}

/* What joins two programs. @return false: the command is over, or there is a problem */
static bool next_segment(struct scanner *s)
{
    if (!s->rest.n || s->problem) return false;
    char c = take(s), next = s->rest.n ? s->rest.p[0] : '\0';
    if (c == '&' && next != '&') s->problem = "it puts something in the background";
    if (c == '|' && next == '&') s->problem = "it redirects";
    if (c == ';' && next == ';') s->problem = "it is not understood at `;;`";
    if (c != ';' && next == c) take(s);
    return !s->problem;
}

/* --- programs ----------------------------------------------------------------------------------------------------- */

static bool is_program(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

static void find_in_path(struct exec_program *p, const char *name, struct str path)
{
    p->from_path = true;
    while (path.n) {
        struct str folder = str_split(&path, ':');
        int n = snprintf(p->path, sizeof p->path, "%.*s/%s", STR_ARG(folder), name);
        if (folder.n && folder.p[0] == '/' && n > 0 && (size_t)n < sizeof p->path && is_program(p->path)) return;
    }
    p->path[0] = '\0';
}

static void find_program(struct exec_program *p, const char *name, const struct exec_where *where)
{
    char wanted[PATH_MAX];
    str_copy(p->name, sizeof p->name, str_of(name));
    if (!strchr(name, '/')) {
        find_in_path(p, name, where->path);
        return;
    }
    int n = snprintf(wanted, sizeof wanted, "%s%s%s", name[0] == '/' ? "" : where->folder, name[0] == '/' ? "" : "/", name);
    if (n < 0 || (size_t)n >= sizeof wanted || !realpath(wanted, p->path) || !is_program(p->path)) p->path[0] = '\0';
}

/* An argument that may name a file: it would be read, or written. */
static bool is_plain(const struct word *w, const struct exec_where *where)
{
    char path[PATH_MAX];
    if (w->changes || memchr(w->text, '/', w->n) || w->text[0] == '.') return false;
    int n = snprintf(path, sizeof path, "%s/%s", where->folder, w->text);
    return n > 0 && (size_t)n < sizeof path && (w->n == 0 || access(path, F_OK) != 0);
}

static void read_segment(struct scanner *s, const struct exec_where *where, struct exec_scan *out)
{
    struct word w;
    if (!next_word(s, &w)) {
        if (!s->problem) s->problem = "a program is missing";
        return;
    }
    if (out->count == EXEC_PROGRAMS_MAX) {
        s->problem = "it starts too many programs";
        return;
    }
    struct exec_program *p = &out->programs[out->count++];
    *p = (struct exec_program){ .plain = true };
    if (w.changes || memchr(w.text, '=', w.n)) {
        str_copy(p->name, sizeof p->name, str_of(w.text));
        s->problem = "what it starts is not written out";
        return;
    }
    find_program(p, w.text, where);
    while (next_word(s, &w)) p->plain = p->plain && is_plain(&w, where);
}

void exec_scan(struct str command, const struct exec_where *where, struct exec_scan *out)
{
    struct scanner s = { .rest = str_trim(command) };
    out->count = 0;
    do {
        read_segment(&s, where, out);
    } while (next_segment(&s) && str_trim(s.rest).n);
    out->problem = s.problem;
}

/* --- patterns ----------------------------------------------------------------------------------------------------- */

/* Each `*` or `**` is tried at each place once: the last one takes more when what follows it does not fit (no recursion, so no
 * pattern takes longer than its length times the path's). A `**` behind a `*` starts afresh; a `*` cannot give way across a slash. */
static bool glob(const char *pattern, const char *path)
{
    const char *star = NULL, *star_path = NULL, *deep = NULL, *deep_path = NULL;
    while (*path) {
        if (pattern[0] == '*' && pattern[1] == '*') {
            while (*pattern == '*') pattern++;
            deep = pattern;
            deep_path = path;
            star = NULL;
        } else if (*pattern == '*') {
            star = ++pattern;
            star_path = path;
        } else if (*pattern == *path || (*pattern == '?' && *path != '/')) {
            pattern++;
            path++;
        } else if (star && *star_path != '/') {
            pattern = star;
            path = ++star_path;
        } else if (deep) {
            pattern = deep;
            path = ++deep_path;
            star = NULL;
        } else {
            return false;
        }
    }
    while (*pattern == '*') pattern++;
    return *pattern == '\0';
}

bool exec_pattern_matches(struct str pattern, const char *path, const char *home)
{
    char text[EXEC_PATTERN_MAX + PATH_MAX];
    bool tilde = pattern.n > 1 && pattern.p[0] == '~' && pattern.p[1] == '/';
    if (!path[0] || pattern.n > EXEC_PATTERN_MAX || !memchr(pattern.p, '/', pattern.n) || (tilde && !home)) return false;
    struct str rest = tilde ? (struct str){ pattern.p + 1, pattern.n - 1 } : pattern;
    int n = snprintf(text, sizeof text, "%s%.*s", tilde ? home : "", STR_ARG(rest));
    return n > 0 && (size_t)n < sizeof text && glob(text, path);
}

bool exec_is_safe(const struct exec_program *program, const struct str *names, size_t n)
{
    static const char *const FOLDERS[] = { "/usr/bin/", "/bin/", "/usr/local/bin/" };
    bool system = false;
    for (size_t i = 0; i < sizeof FOLDERS / sizeof *FOLDERS; i++) system |= strncmp(program->path, FOLDERS[i], strlen(FOLDERS[i])) == 0;
    for (size_t i = 0; i < n && system && program->from_path && program->plain; i++)
        if (str_is(names[i], program->name)) return true;
    return false;
}
