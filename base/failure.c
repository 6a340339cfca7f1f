#include "base/failure.h"

static const struct row {
    const char *name;
    bool falls_back;
    enum cooldown_kind cooldown;
} rows[FAILURE_COUNT] = {
    [FAILURE_none] = { "none", false, COOLDOWN_NONE },
#define FAILURE(name, failover, cooldown, doc) [FAILURE_##name] = { #name, failover, COOLDOWN_##cooldown },
#include "base/failure.def"
#undef FAILURE
};

static const struct row *row_of(enum failure f)
{
    return &rows[(unsigned)f < FAILURE_COUNT ? f : FAILURE_none];
}

const char *failure_name(enum failure f)
{
    return row_of(f)->name;
}

enum failure failure_of_name(struct str name)
{
    for (unsigned f = 0; f < FAILURE_COUNT; f++)
        if (str_is(name, rows[f].name)) return (enum failure)f;
    return FAILURE_none;
}

bool failure_falls_back(enum failure f)
{
    return row_of(f)->falls_back;
}

enum cooldown_kind failure_cooldown(enum failure f)
{
    return row_of(f)->cooldown;
}
