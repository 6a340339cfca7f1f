#include "channels/rpc_schema.h"

#include <math.h>

#include "base/json_read.h"

/* Where a value stands, from the leaf to the root. */
struct place {
    const struct place *up; /* NULL: the root */
    struct str name;        /* of a property; p is NULL for an item */
    size_t index;           /* of an item */
};

/* What is wrong so far. Without `out`, only whether anything is. */
struct report {
    struct buf *out;
    struct {
        size_t at, n; /* bytes in out, so that none is told twice */
    } told[RPC_ERRORS_MAX];
    size_t count;
    bool more; /* the last one says that there are more */
};

static bool fits(const struct rpc_type *type, const json_t *value, const struct place *place, struct report *report);

/* A name of the client's, cut, as a part of a JSON pointer (RFC 6901) when `pointer`. */
static void add_name(struct buf *out, struct str name, bool pointer)
{
    struct str shown = str_utf8_prefix(name, RPC_NAME_SHOWN);
    for (size_t i = 0; i < shown.n; i++) {
        if (pointer && shown.p[i] == '~')
            buf_text(out, "~0");
        else if (pointer && shown.p[i] == '/')
            buf_text(out, "~1");
        else
            buf_char(out, shown.p[i]);
    }
    if (shown.n < name.n) buf_text(out, "...");
}

static void add_place(struct buf *out, const struct place *place)
{
    if (!place) return;
    add_place(out, place->up);
    buf_char(out, '/');
    if (place->name.p)
        add_name(out, place->name, true);
    else
        buf_int(out, (int64_t)place->index);
}

/* Where the next error begins in out. */
static size_t begin(struct report *report)
{
    if (report->count) buf_text(report->out, "; ");
    return report->out->n;
}

/* Keep what was written since begin(), unless it was told before. */
static void finish(struct report *report, size_t at)
{
    struct buf *out = report->out;
    if (out->err) return;
    for (size_t i = 0; i < report->count; i++) {
        if (report->told[i].n == out->n - at && memcmp(out->p + report->told[i].at, out->p + at, out->n - at) == 0) {
            out->n = at - 2; /* the "; ", too: there is an error before it */
            return;
        }
    }
    if (report->count == RPC_ERRORS_MAX) {
        out->n = at;
        buf_text(out, "and more");
        report->more = true;
        return;
    }
    report->told[report->count].at = at;
    report->told[report->count++].n = out->n - at;
}

static bool listening(const struct report *report)
{
    return report->out && !report->more;
}

/* @return false, so that a check can end with it */
__attribute__((format(printf, 3, 4))) static bool tell(struct report *report, const struct place *place, const char *format, ...)
{
    if (!listening(report)) return false;
    size_t at = begin(report);
    char text[200]; /* our own words and numbers: they fit */
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (place) {
        buf_text(report->out, "at ");
        add_place(report->out, place);
        buf_text(report->out, ": ");
    }
    buf_text(report->out, text);
    finish(report, at);
    return false;
}

static void tell_unexpected(struct report *report, const struct place *place, struct str name)
{
    if (!listening(report)) return;
    if (str_trim(name).n == 0) {
        tell(report, place, "must NOT have additional properties");
        return;
    }
    size_t at = begin(report);
    buf_text(report->out, "at ");
    if (place)
        add_place(report->out, place);
    else
        buf_text(report->out, "root");
    buf_text(report->out, ": unexpected property '");
    add_name(report->out, name, false);
    buf_text(report->out, "'");
    finish(report, at);
}

/* Ajv counts code points: bytes that do not continue one. */
static int64_t code_points(const json_t *text)
{
    const char *p = json_string_value(text);
    int64_t count = 0;
    for (size_t i = 0; i < json_string_length(text); i++) count += ((unsigned char)p[i] & 0xC0) != 0x80;
    return count;
}

static bool text_fits(const struct rpc_type *type, const json_t *value, const struct place *place, struct report *report)
{
    if (!json_is_string(value)) return tell(report, place, "must be string");
    int64_t n = code_points(value);
    if (n < type->lo) return tell(report, place, "must NOT have fewer than %lld characters", (long long)type->lo);
    if (n > type->hi) return tell(report, place, "must NOT have more than %lld characters", (long long)type->hi);
    return true;
}

static bool whole_fits(const struct rpc_type *type, const json_t *value, const struct place *place, struct report *report)
{
    int64_t hi = type->hi > RPC_WHOLE_MAX ? RPC_WHOLE_MAX : type->hi;
    double number = json_number_value(value);
    bool ok = true;
    if (!json_is_number(value) || number != floor(number)) ok = tell(report, place, "must be integer");
    if (json_is_number(value) && number > (double)hi) ok = tell(report, place, "must be <= %lld", (long long)hi);
    if (json_is_number(value) && number < (double)type->lo) ok = tell(report, place, "must be >= %lld", (long long)type->lo);
    return ok;
}

static bool day_fits(const json_t *value, const struct place *place, struct report *report)
{
    static const char form[] = "0000-00-00";
    if (!json_is_string(value)) return tell(report, place, "must be string");
    const char *p = json_string_value(value);
    bool ok = json_string_length(value) == sizeof form - 1;
    for (size_t i = 0; ok && i < sizeof form - 1; i++) ok = form[i] == '0' ? p[i] >= '0' && p[i] <= '9' : p[i] == form[i];
    return ok || tell(report, place, "must match pattern \"^\\d{4}-\\d{2}-\\d{2}$\"");
}

static bool is_word(const json_t *value, const char *word)
{
    return json_is_string(value) && str_is(json_text(value), word);
}

/* @param alone  not a part of another anyOf */
static bool words_fit(const struct rpc_type *type, const json_t *value, const struct place *place, struct report *report, bool alone)
{
    for (const char *const *word = type->words; *word; word++)
        if (is_word(value, *word)) return true;
    if (!json_is_string(value)) tell(report, place, "must be string");
    if (type->kind == RPC_AMONG) return tell(report, place, "must be equal to one of the allowed values");
    tell(report, place, "must be equal to constant");
    if (alone && type->words[1]) tell(report, place, "must match a schema in anyOf");
    return false;
}

static bool list_fits(const struct rpc_type *type, const json_t *value, const struct place *place, struct report *report)
{
    if (!json_is_array(value)) return tell(report, place, "must be array");
    bool ok = true;
    int64_t n = (int64_t)json_array_size(value);
    if (n > type->hi) ok = tell(report, place, "must NOT have more than %lld items", (long long)type->hi);
    if (n < type->lo) ok = tell(report, place, "must NOT have fewer than %lld items", (long long)type->lo);
    for (int64_t i = 0; i < n && (ok || listening(report)); i++) {
        struct place item = { place, { NULL, 0 }, (size_t)i };
        if (!fits(type->of[0], json_array_get(value, (size_t)i), &item, report)) ok = false;
    }
    return ok;
}

static bool map_fits(const struct rpc_type *type, const json_t *value, const struct place *place, struct report *report)
{
    if (!json_is_object(value)) return tell(report, place, "must be object");
    bool ok = true;
    const char *name;
    size_t n;
    json_t *of;
    json_object_keylen_foreach((json_t *)value, name, n, of)
    {
        struct place entry = { place, { name, n }, 0 };
        if (!ok && !listening(report)) break;
        if (!fits(type->of[0], of, &entry, report)) ok = false;
    }
    return ok;
}

/* Does a property count when this one of FIRST and SECOND is chosen? */
static bool counts(const struct rpc_property *property, enum rpc_need chosen)
{
    return property->need != RPC_OWN && ((property->need != RPC_FIRST && property->need != RPC_SECOND) || property->need == chosen);
}

static bool expected(const struct rpc_shape *shape, enum rpc_need chosen, struct str name)
{
    for (const struct rpc_property *p = shape->properties; p->name; p++)
        if (counts(p, chosen) && str_is(name, p->name)) return true;
    return false;
}

static bool properties_fit(const struct rpc_shape *shape, enum rpc_need chosen, const json_t *value, const struct place *place,
                           struct report *report)
{
    if (value && !json_is_object(value)) return tell(report, place, "must be object");
    bool ok = true;
    for (const struct rpc_property *p = shape->properties; p->name; p++)
        if ((p->need == RPC_MUST || p->need == chosen) && !json_object_get(value, p->name))
            ok = tell(report, place, "must have required property '%s'", p->name);
    const char *name;
    size_t n;
    json_t *ignored;
    if (!rpc_own_text(shape)) {
        json_object_keylen_foreach((json_t *)value, name, n, ignored)
        {
            if (!ok && !listening(report)) break;
            if (expected(shape, chosen, (struct str){ name, n })) continue;
            tell_unexpected(report, place, (struct str){ name, n });
            ok = false;
        }
    }
    for (const struct rpc_property *p = shape->properties; p->name; p++) {
        const json_t *of = p->need != RPC_LOOSE && counts(p, chosen) ? json_object_get(value, p->name) : NULL;
        struct place below = { place, str_of(p->name), 0 };
        if (of && !fits(p->type, of, &below, report)) ok = false;
    }
    return ok;
}

static bool object_fits(const struct rpc_shape *shape, const json_t *value, const struct place *place, struct report *report)
{
    bool choice = false;
    struct report silent = { 0 };
    for (const struct rpc_property *p = shape->properties; p->name; p++) choice = choice || p->need == RPC_FIRST;
    if (!choice) return properties_fit(shape, RPC_MUST, value, place, report);
    if (properties_fit(shape, RPC_FIRST, value, place, &silent) || properties_fit(shape, RPC_SECOND, value, place, &silent)) return true;
    properties_fit(shape, RPC_FIRST, value, place, report);
    properties_fit(shape, RPC_SECOND, value, place, report);
    return tell(report, place, "must match a schema in anyOf");
}

static bool either_fits(const struct rpc_type *type, const json_t *value, const struct place *place, struct report *report)
{
    struct report silent = { 0 };
    for (const struct rpc_type *const *of = type->of; *of; of++)
        if (fits(*of, value, place, &silent)) return true;
    for (const struct rpc_type *const *of = type->of; *of; of++) {
        if ((*of)->kind == RPC_ONE_OF)
            words_fit(*of, value, place, report, false);
        else
            fits(*of, value, place, report);
    }
    return tell(report, place, "must match a schema in anyOf");
}

static bool fits(const struct rpc_type *type, const json_t *value, const struct place *place, struct report *report)
{
    switch (type->kind) {
    case RPC_TEXT: return text_fits(type, value, place, report);
    case RPC_WHOLE: return whole_fits(type, value, place, report);
    case RPC_FLAG: return json_is_boolean(value) || tell(report, place, "must be boolean");
    case RPC_NULL: return json_is_null(value) || tell(report, place, "must be null");
    case RPC_ANY: return true;
    case RPC_DAY: return day_fits(value, place, report);
    case RPC_EXACTLY:
        if (!json_is_number(value)) tell(report, place, "must be number");
        return (json_is_number(value) && json_number_value(value) == (double)type->lo) || tell(report, place, "must be equal to constant");
    case RPC_ONE_OF:
    case RPC_AMONG: return words_fit(type, value, place, report, true);
    case RPC_LIST: return list_fits(type, value, place, report);
    case RPC_MAP: return map_fits(type, value, place, report);
    case RPC_OBJECT: return object_fits(type->shape, value, place, report);
    case RPC_EITHER: return either_fits(type, value, place, report);
    }
    return false;
}

const char *rpc_own_text(const struct rpc_shape *shape)
{
    const struct rpc_property *first = shape->properties;
    return first->name && first->need == RPC_OWN ? first->name : NULL;
}

bool rpc_shape_fits(const struct rpc_shape *shape, const json_t *value, struct buf *errors)
{
    struct report report = { .out = errors };
    return object_fits(shape, value, NULL, &report);
}
