/** skills/front_matter.h -- the YAML between two `---` lines at the start of a SKILL.md. For skills.c alone.
 *
 *  In:     a file's text     Out: its fields, and the text behind it
 *  Owns:   nothing: strings are copied into the caller's arena, the body borrows from the text
 *  Thread: any
 *
 *  Keys read: name, description, homepage, user-invocable, disable-model-invocation, and under metadata.openclaw: always, emoji,
 *  homepage, skillKey, primaryEnv, os, requires.{bins,anyBins,env,config}, install[].{id,kind,label,bins,os} and what is installed.
 * `metadata` may also be a string that holds YAML or JSON. Other keys are ignored. */
#ifndef SKILLS_FRONT_MATTER_H
#define SKILLS_FRONT_MATTER_H

#include "base/arena.h"
#include "skills/skills.h"

struct front_matter {
    struct str name; /* empty when missing, like all that follow */
    struct str description;
    struct str emoji;
    struct str homepage;
    struct str key;
    struct str primary_env;
    bool always;
    bool user_invocable;  /* true when missing */
    bool model_invocable; /* true when missing */
    struct skill_requires requires;
    struct skill_install *install;
    size_t install_count;
    struct str body; /* the text behind it; the whole text when there is none */
};

struct front_matter_error {
    unsigned line; /* of the file, from 1 */
    char text[128];
};

/** @param error  filled for GW_EPARSE and GW_ELIMIT
 *  @return 0, also for a text without front matter; GW_EPARSE (not YAML, no closing line, a field of the wrong kind);
 *          GW_ELIMIT (above SKILLS_FRONT_MAX, a list above SKILLS_LIST_MAX); GW_ENOMEM. On failure *out is zeroed. */
int front_matter_parse(struct str text, struct arena *arena, struct front_matter *out, struct front_matter_error *error);

#endif
