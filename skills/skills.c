#include "skills/skills.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/utf8.h"
#include "skills/front_matter.h"

struct skills {
    struct arena arena; /* every string and list */
    struct skill *list; /* owned; room for SKILLS_MAX while loading, count afterwards */
    size_t count;
    struct buf problems;
};

enum { LIST_FIRST = 16 }; /* a power of two */

struct load { /* on the heap: session threads have small stacks */
    skills_t *skills;
    const struct skills_options *options;
    const struct skills_folder *folder;
    char root[PATH_MAX];                 /* the folder's real path */
    char path[PATH_MAX], real[PATH_MAX]; /* of the skill in hand */
};

static void report(skills_t *s, const char *path, unsigned line, const char *text)
{
    buf_text(&s->problems, path);
    if (line > 0) buf_printf(&s->problems, ":%u", line);
    buf_printf(&s->problems, ": %s\n", text);
}

static bool in_list(const struct str *list, size_t count, struct str name)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(list[i], name)) return true;
    return false;
}

/* --- requirements ----------------------------------------------------------------------------------------------- */

static bool has_bin(const struct skills_options *o, struct str bin)
{
    char path[PATH_MAX];
    struct str rest = str_of(o->path_env ? o->path_env : getenv("PATH"));
    if (bin.n == 0 || memchr(bin.p, '/', bin.n)) return false;
    while (rest.p) {
        struct str dir = str_split(&rest, ':');
        int n = snprintf(path, sizeof path, "%.*s/%.*s", STR_ARG(dir), STR_ARG(bin));
        if (dir.n > 0 && n > 0 && (size_t)n < sizeof path && access(path, X_OK) == 0) return true;
    }
    return false;
}

static bool has_env(const struct skills_options *o, const struct skill *skill, struct str name)
{
    char key[256];
    if (o->env_set && o->env_set(o->ctx, skill, name)) return true;
    if (str_copy(key, sizeof key, name) != 0) return false;
    const char *value = getenv(key);
    return value && value[0];
}

static bool has_config(const struct skills_options *o, struct str path)
{
    return o->config_set && o->config_set(o->ctx, path);
}

bool skills_has(const struct skills_options *options, const struct skill *skill, enum skill_need need, struct str name)
{
    switch (need) {
    case SKILL_BIN: return has_bin(options, name);
    case SKILL_ENV: return has_env(options, skill, name);
    case SKILL_CONFIG: return has_config(options, name);
    case SKILL_OS: return str_is(name, "linux");
    }
    return false;
}

/* The first of `list` that is not there, or NULL. */
static const struct str *lacking(const struct skills_options *o, const struct skill *skill, enum skill_need need,
                                 const struct skill_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (!skills_has(o, skill, need, list->items[i])) return &list->items[i];
    return NULL;
}

static struct str missing_text(struct arena *arena, const char *kind, struct str name)
{
    struct buf b = { .max = 1024 };
    buf_printf(&b, "%s %.*s", kind, STR_ARG(str_utf8_prefix(name, 256)));
    struct str text = arena_str(arena, buf_str(&b));
    buf_free(&b);
    return text;
}

static void judge(const struct skills_options *o, struct arena *arena, struct skill *s)
{
    const struct skill_requires *r = &s->requires;
    const struct str *what;
    bool any = r->any_bins.count == 0;
    s->eligible = false;
    if (r->os.count > 0 && !in_list(r->os.items, r->os.count, STR("linux"))) {
        s->missing = missing_text(arena, "os", r->os.items[0]);
        return;
    }
    for (size_t i = 0; !any && i < r->any_bins.count; i++) any = has_bin(o, r->any_bins.items[i]);
    if (s->always)
        s->eligible = true;
    else if ((what = lacking(o, s, SKILL_BIN, &r->bins)))
        s->missing = missing_text(arena, "bin", *what);
    else if (!any)
        s->missing = missing_text(arena, "bin", r->any_bins.items[0]);
    else if ((what = lacking(o, s, SKILL_ENV, &r->env)))
        s->missing = missing_text(arena, "env", *what);
    else if ((what = lacking(o, s, SKILL_CONFIG, &r->config)))
        s->missing = missing_text(arena, "config", *what);
    else
        s->eligible = true;
}

/* --- one skill -------------------------------------------------------------------------------------------------- */

static bool has_control(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7F) return true;
    return false;
}

/* The first lines that are neither empty nor a heading, as one line; valid UTF-8 in the arena. */
static struct str first_paragraph(struct arena *arena, struct str body)
{
    struct buf b = { .max = 2 * SKILLS_FILE_MAX * 3 }; /* each byte may become U+FFFD */
    while (body.p) {
        struct str line = str_trim(str_split(&body, '\n'));
        if (line.n == 0 && b.n > 0) break;
        if (line.n == 0 || line.p[0] == '#') continue;
        if (b.n > 0) buf_char(&b, ' ');
        utf8_add_valid(&b, line);
    }
    struct str text = arena_str(arena, utf8_first(buf_str(&b), SKILLS_DESCRIPTION_MAX));
    buf_free(&b);
    return text;
}

/* Put it in the list: over one of the same name, else at the end. */
/* Room for one more in a list that doubles from LIST_FIRST on: most folders hold few. */
static void *make_room(void *list, size_t count, size_t size)
{
    bool full = count == 0 || (count >= LIST_FIRST && (count & (count - 1)) == 0);
    return full ? realloc(list, (count ? 2 * count : LIST_FIRST) * size) : list;
}

static int add(struct load *l, const struct skill *skill)
{
    skills_t *s = l->skills;
    if (l->options->limited && !in_list(l->options->allow, l->options->allow_count, skill->name)) return 0;
    if (l->options->wanted && !l->options->wanted(l->options->ctx, skill)) return 0;
    for (size_t i = 0; i < s->count; i++) {
        if (!str_eq(s->list[i].name, skill->name)) continue;
        s->list[i] = *skill;
        return 0;
    }
    if (s->count == SKILLS_MAX) {
        report(s, skill->path.p, 0, "left out: there are already SKILLS_MAX (512) skills");
        return 0;
    }
    struct skill *grown = make_room(s->list, s->count, sizeof *s->list);
    if (!grown) return GW_ENOMEM;
    s->list = grown;
    s->list[s->count++] = *skill;
    return 0;
}

static int read_skill(struct load *l, const char *path, struct str folder_name, struct str text)
{
    struct arena *arena = &l->skills->arena;
    struct front_matter front;
    struct front_matter_error error;
    int rc = front_matter_parse(text, arena, &front, &error);
    if (rc == GW_ENOMEM || arena->err) return arena->err ? arena->err : rc;
    if (rc != 0) {
        report(l->skills, path, error.line, error.text);
        return 0;
    }
    struct skill skill = {
        .name = front.name.n ? front.name : arena_str(arena, folder_name),
        .description = front.description.n ? utf8_first(front.description, SKILLS_DESCRIPTION_MAX) : first_paragraph(arena, front.body),
        .path = arena_str(arena, str_of(path)),
        .emoji = front.emoji,
        .homepage = front.homepage,
        .primary_env = front.primary_env,
        .source = l->folder->source,
        .always = front.always,
        .user_invocable = front.user_invocable,
        .model_invocable = front.model_invocable,
        .requires = front.requires,
        .install = front.install,
        .install_count = front.install_count,
    };
    skill.key = front.key.n ? front.key : skill.name;
    if (arena->err) return arena->err;
    skill.dir = (struct str){ skill.path.p, skill.path.n - strlen("/SKILL.md") };
    if (utf8_count(skill.name) > SKILLS_NAME_MAX || has_control(skill.name) || !str_utf8_valid(skill.name)) {
        report(l->skills, path, 1, "the name is longer than SKILLS_NAME_MAX (64 characters), or not plain text");
        return 0;
    }
    judge(l->options, arena, &skill);
    return arena->err ? arena->err : add(l, &skill);
}

/* Read root/name/SKILL.md when there is one. @return 0 also when it cannot be used */
static int try_folder(struct load *l, struct str name)
{
    char *path = l->path, *real = l->real;
    size_t root = strlen(l->root);
    struct buf text = { 0 };
    int n = snprintf(path, PATH_MAX, "%s/%.*s/SKILL.md", l->folder->path, STR_ARG(name));
    if (n < 0 || n >= PATH_MAX) {
        report(l->skills, l->folder->path, 0, "a skill's path is longer than PATH_MAX");
        return 0;
    }
    if (!realpath(path, real)) {
        if (errno != ENOENT && errno != ENOTDIR) report(l->skills, path, 0, "cannot be reached");
        return 0;
    }
    if (strncmp(real, l->root, root) != 0 || (real[root] != '/' && root > 1)) {
        report(l->skills, path, 0, "is a link that leaves its skills folder: refused");
        return 0;
    }
    int rc = file_read(real, SKILLS_FILE_MAX, &text);
    if (rc == GW_ELIMIT)
        report(l->skills, path, 0, "is larger than SKILLS_FILE_MAX (262144 bytes)");
    else if (rc != 0)
        report(l->skills, path, 0, err_text(rc));
    else
        rc = read_skill(l, path, name, buf_str(&text));
    buf_free(&text);
    return rc == GW_ENOMEM || l->skills->arena.err ? rc : 0;
}

/* --- one source, all sources ------------------------------------------------------------------------------------ */

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct str *)a)->p, ((const struct str *)b)->p);
}

/* The names in an open folder, sorted, so that the result does not depend on the file system. */
static int list_names(struct load *l, DIR *dir, struct str **names, size_t *count)
{
    const struct dirent *entry;
    *count = 0;
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] == '.' || entry->d_type == DT_REG) continue;
        if (*count == SKILLS_FOLDERS_MAX) {
            report(l->skills, l->folder->path, 0, "has more than SKILLS_FOLDERS_MAX (4096) entries: the rest is not read");
            break;
        }
        struct str *grown = make_room(*names, *count, sizeof **names);
        if (!grown) return GW_ENOMEM;
        *names = grown;
        (*names)[*count] = arena_str(&l->skills->arena, str_of(entry->d_name));
        if (!(*names)[*count].p) return l->skills->arena.err;
        (*count)++;
    }
    if (*count) qsort(*names, *count, sizeof **names, compare_names);
    return 0;
}

static int load_folder(struct load *l)
{
    struct str *names = NULL;
    size_t count = 0;
    DIR *dir = opendir(l->folder->path);
    if (!dir || !realpath(l->folder->path, l->root)) {
        if (errno != ENOENT) report(l->skills, l->folder->path, 0, "this skills folder cannot be read");
        if (dir) closedir(dir);
        return 0;
    }
    int rc = list_names(l, dir, &names, &count);
    for (size_t i = 0; rc == 0 && i < count; i++) rc = try_folder(l, names[i]);
    free(names);
    closedir(dir);
    return rc;
}

static int compare_skills(const void *a, const void *b)
{
    struct str x = ((const struct skill *)a)->name, y = ((const struct skill *)b)->name;
    int order = memcmp(x.p, y.p, x.n < y.n ? x.n : y.n);
    return order ? order : x.n < y.n ? -1 : x.n > y.n;
}

static int load_all(struct load *l)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < l->options->folder_count; i++) {
        l->folder = &l->options->folders[i];
        rc = load_folder(l);
    }
    if (rc == 0 && l->skills->count) qsort(l->skills->list, l->skills->count, sizeof *l->skills->list, compare_skills);
    return rc;
}

int skills_load(const struct skills_options *options, skills_t **out)
{
    *out = NULL;
    if (options->folder_count > SKILLS_SOURCES_MAX) return GW_EINVAL;
    struct load *l = calloc(1, sizeof *l);
    skills_t *s = calloc(1, sizeof *s);
    int rc = l && s ? 0 : GW_ENOMEM;
    if (rc == 0) {
        l->options = options;
        l->skills = s;
        s->problems.max = SKILLS_PROBLEMS_MAX;
        rc = load_all(l);
    }
    free(l);
    if (rc) skills_destroy(&s);
    *out = s;
    return rc;
}

void skills_destroy(skills_t **skills_p)
{
    skills_t *s = *skills_p;
    *skills_p = NULL;
    if (!s) return;
    arena_free(&s->arena);
    buf_free(&s->problems);
    free(s->list);
    free(s);
}

const struct skill *skills_list(const skills_t *skills, size_t *count)
{
    *count = skills ? skills->count : 0;
    return skills ? skills->list : NULL;
}

struct str skills_problems(const skills_t *skills)
{
    return skills ? buf_str(&skills->problems) : (struct str){ NULL, 0 };
}
