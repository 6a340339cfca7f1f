#include "base/env.h"

#include <stdlib.h>

static const char *from_process(void *ctx, const char *name)
{
    (void)ctx;
    return getenv(name);
}

struct env env_process(void)
{
    return (struct env){ from_process, NULL };
}

static const char *from_list(void *ctx, const char *name)
{
    for (const char *const *pair = ctx; pair[0]; pair += 2)
        if (strcmp(pair[0], name) == 0) return pair[1];
    return NULL;
}

struct env env_list(const char *const *pairs)
{
    return (struct env){ from_list, (void *)pairs };
}

struct str env_get(const struct env *env, const char *name)
{
    return str_of(env && env->get ? env->get(env->ctx, name) : NULL);
}
