#include "channels/scopes.h"

#include "base/json_read.h"

struct str scopes_text(const struct scopes *list)
{
    return str_of(list->text);
}

struct str scopes_next(struct str *rest)
{
    return str_split(rest, ',');
}

bool scopes_has(const struct scopes *list, struct str name)
{
    struct str rest = scopes_text(list);
    while (rest.n)
        if (str_eq(scopes_next(&rest), name)) return true;
    return false;
}

bool scopes_cover(const struct scopes *have, const struct scopes *want)
{
    struct str rest = scopes_text(want);
    while (rest.n)
        if (!scopes_has(have, scopes_next(&rest))) return false;
    return true;
}

static bool is_name(struct str name)
{
    if (name.n == 0) return false;
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] <= ' ' || name.p[i] > '~' || name.p[i] == ',' || name.p[i] == '|') return false;
    return true;
}

int scopes_add(struct scopes *list, struct str name)
{
    size_t n = strlen(list->text), comma = n > 0;
    if (!is_name(name)) return GW_EINVAL;
    if (scopes_has(list, name)) return 0;
    if (name.n > SCOPE_MAX || n + comma + name.n >= SCOPES_SIZE) return GW_ELIMIT;
    if (comma) list->text[n] = ',';
    return str_copy(list->text + n + comma, SCOPES_SIZE - n - comma, name);
}

int scopes_merge(struct scopes *list, const struct scopes *more)
{
    struct scopes merged = *list;
    struct str rest = scopes_text(more);
    while (rest.n) {
        int rc = scopes_add(&merged, scopes_next(&rest));
        if (rc) return rc;
    }
    *list = merged;
    return 0;
}

void scopes_write(const struct scopes *list, struct buf *out)
{
    struct str rest = scopes_text(list);
    buf_char(out, '[');
    while (rest.n) {
        buf_json_comma(out);
        buf_json_str(out, scopes_next(&rest));
    }
    buf_char(out, ']');
}

int scopes_read(const json_t *array, struct scopes *out)
{
    *out = (struct scopes){ 0 };
    if (array && !json_is_array(array)) return GW_EINVAL;
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *name = json_array_get(array, i);
        int rc = json_is_string(name) ? scopes_add(out, json_text(name)) : GW_EINVAL;
        if (rc) return rc;
    }
    return 0;
}
