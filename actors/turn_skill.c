/* actors/turn_skill.c -- `/<skill> [input]` and `/skill <skill> [input]`: a person asks for a skill by name.
 *
 * What reaches the model names the skill and its file, so that also skills which are not in its list (disable-model-invocation) can be
 * used. Source: SKILL.md front matter, user-invocable; agent-runtime 8. */
#include "actors/turn_internal.h"

/* Names as people type them: case does not count, and `_` is as good as `-` (Discord has no others). */
static bool same_name(struct str a, struct str b)
{
    if (a.n != b.n) return false;
    for (size_t i = 0; i < a.n; i++) {
        char x = a.p[i] == '_' || a.p[i] == ' ' ? '-' : a.p[i], y = b.p[i] == '_' || b.p[i] == ' ' ? '-' : b.p[i];
        if (!str_ieq((struct str){ &x, 1 }, (struct str){ &y, 1 })) return false;
    }
    return true;
}

static struct str take_word(struct str *rest)
{
    size_t n = 0;
    *rest = str_trim(*rest);
    while (n < rest->n && !memchr(" \t\r\n", rest->p[n], 4)) n++;
    struct str word = { rest->p, n };
    *rest = str_trim((struct str){ rest->p + n, rest->n - n });
    return word;
}

static const struct skill *find(struct session *s, struct str name)
{
    size_t count;
    const struct skill *skills = skills_list(session_skills(s), &count);
    for (size_t i = 0; i < count; i++)
        if (skills[i].user_invocable && skills[i].eligible && same_name(name, skills[i].name)) return &skills[i];
    return NULL;
}

bool turn_skill_command(struct session *s, struct str text, struct buf *out)
{
    struct str rest = str_trim(text);
    if (rest.n < 2 || rest.p[0] != '/') return false;
    rest = (struct str){ rest.p + 1, rest.n - 1 };
    struct str name = take_word(&rest);
    if (str_ieq(name, STR("skill"))) name = take_word(&rest);
    const struct skill *skill = name.n ? find(s, name) : NULL;
    if (!skill) return false;
    buf_printf(out, "Use the skill \"%.*s\" for this: read %.*s and do as it says.", STR_ARG(skill->name), STR_ARG(skill->path));
    if (rest.n) buf_printf(out, "\n\nInput:\n%.*s", STR_ARG(rest));
    return true;
}
