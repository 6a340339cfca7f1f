#include "cli/doctor.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/json_read.h"

static const char *const WORDS[] = { "ok", "info", "warn", "critical" };

json_t *doctor_say(struct doctor *d, const char *topic, const char *id, enum doctor_severity severity, const char *fix, const char *format,
                   ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct str whole = str_utf8_prefix(str_of(text), sizeof text - 1);
    json_t *finding = json_pack("{s:s, s:s, s:s, s:s%, s:s?}", "id", id, "topic", topic, "severity", WORDS[severity], "text", whole.p,
                                whole.n, "fix", fix);
    return finding && json_array_append_new(d->findings, finding) == 0 ? finding : NULL;
}

void doctor_fixed(json_t *finding, bool done)
{
    if (finding) json_object_set_new(finding, "fixed", json_boolean(done));
}

size_t doctor_count(const struct doctor *d, enum doctor_severity severity)
{
    size_t i, n = 0;
    const json_t *f;
    json_array_foreach(d->findings, i, f) n += str_is(json_str(f, "severity"), WORDS[severity]) && !json_flag(f, "fixed");
    return n;
}

json_t *doctor_report(const struct doctor *d)
{
    int critical = (int)doctor_count(d, DOCTOR_CRITICAL), warn = (int)doctor_count(d, DOCTOR_WARN),
        info = (int)doctor_count(d, DOCTOR_INFO);
    return json_pack("{s:b, s:{s:i, s:i, s:i}, s:O}", "ok", critical == 0 && warn == 0, "summary", "critical", critical, "warn", warn,
                     "info", info, "findings", d->findings);
}
