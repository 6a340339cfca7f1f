/** skills/skills.h -- finds and reads skills: folders with a SKILL.md that tells a model how to do something.
 *
 *  In:     folders, in order of precedence     Out: a list, sorted by name, and what was wrong
 *  Owns:   everything in skills_t; immutable once loaded
 *  Thread: one loads; any number read
 *  Source: reference agent-runtime 3 ("Skills block"); docs of SKILL.md (AgentSkills front matter)
 *
 *  A source's folder holds one folder per skill. A skill of a later source replaces one of the same name. */
#ifndef SKILLS_SKILLS_H
#define SKILLS_SKILLS_H

#include "base/str.h"

enum {
    SKILLS_MAX = 512,               /* skills in one list; further ones are reported and left out */
    SKILLS_FOLDERS_MAX = 4096,      /* names read in one source */
    SKILLS_SOURCES_MAX = 64,        /* sources in one load */
    SKILLS_FILE_MAX = 256 * 1024,   /* bytes of a SKILL.md */
    SKILLS_FRONT_MAX = 16 * 1024,   /* bytes of its front matter */
    SKILLS_NAME_MAX = 64,           /* characters (code points) of a name */
    SKILLS_DESCRIPTION_MAX = 1024,  /* characters of a description; longer ones are cut */
    SKILLS_LIST_MAX = 64,           /* entries of a `requires` list */
    SKILLS_INSTALL_MAX = 16,        /* ways to install what a skill needs; further ones are left out */
    SKILLS_PROBLEMS_MAX = 64 * 1024 /* bytes of reports */
};

enum skill_source { SKILL_EXTRA, SKILL_BUNDLED, SKILL_MANAGED, SKILL_WORKSPACE }; /* lowest precedence first */

struct skills_folder {
    enum skill_source source;
    const char *path; /* may be absent: then it holds no skills */
};

struct skill_list {
    struct str *items;
    size_t count;
};

struct skill_requires {
    struct skill_list bins;     /* all of them in PATH */
    struct skill_list any_bins; /* one of them */
    struct skill_list env;      /* environment variables that are set */
    struct skill_list config;   /* config paths that are true */
    struct skill_list os;       /* "linux", "darwin", "win32"; empty: any */
};

/* How somebody could install what is missing; only told, never done. */
struct skill_install {
    struct str id;   /* "brew", or its kind and place */
    struct str kind; /* "brew", "node", "go", "uv", "download" */
    struct str label;
    struct skill_list bins;
    struct skill_list os; /* empty: any */
};

struct skill {
    struct str name;
    struct str description;
    struct str dir;  /* absolute, as found under its source */
    struct str path; /* dir/SKILL.md; NUL-terminated */
    struct str emoji;
    struct str homepage;
    struct str key;         /* under skills.entries: the name unless it says another */
    struct str primary_env; /* the variable that skills.entries.<key>.apiKey stands for; may be empty */
    enum skill_source source;
    bool always;          /* needs nothing but its os */
    bool user_invocable;  /* offered as a slash command */
    bool model_invocable; /* listed in the prompt */
    struct skill_requires requires;
    const struct skill_install *install;
    size_t install_count;
    bool eligible;      /* the requirements are met */
    struct str missing; /* not eligible: the first that is not ("bin gh", "env FOO", "config a.b", "os darwin") */
};

struct skills_options {
    const struct skills_folder *folders; /* in order of precedence: later wins */
    size_t folder_count;
    bool limited;            /* only the names in allow: an empty list then means none */
    const struct str *allow; /* the agent's `skills` */
    size_t allow_count;
    const char *path_env;                           /* where bins are looked for; NULL: PATH of the process */
    bool (*config_set)(void *ctx, struct str path); /* NULL: config requirements are unmet */
    /* A variable that skills.entries gives this skill; NULL: those of the process alone count. */
    bool (*env_set)(void *ctx, const struct skill *skill, struct str name);
    bool (*wanted)(void *ctx, const struct skill *skill); /* false: left out; NULL: all are wanted */
    void *ctx;
};

typedef struct skills skills_t;

/** Read all sources. A folder, file or skill that cannot be used is reported and left out, never an error.
 *  @return 0; GW_EINVAL above SKILLS_SOURCES_MAX; GW_ENOMEM, GW_ELIMIT (64 MiB of memory); *out is NULL then */
int skills_load(const struct skills_options *options, skills_t **out);
void skills_destroy(skills_t **skills_p);

/** The list, sorted by name; NULL skills are none. Borrowed. */
const struct skill *skills_list(const skills_t *skills, size_t *count);

enum skill_need { SKILL_BIN, SKILL_ENV, SKILL_CONFIG, SKILL_OS };

/** True when `name`, which `skill` needs, is there. */
bool skills_has(const struct skills_options *options, const struct skill *skill, enum skill_need need, struct str name);

/** What was wrong, one "path:line: text\n" each (path alone where no line applies). Borrowed; empty: nothing. */
struct str skills_problems(const skills_t *skills);

#endif
