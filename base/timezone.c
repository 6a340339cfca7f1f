#include "base/timezone.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/timezone_rule.h"

enum { HEAD = 44, TYPE = 6 }; /* bytes of a header and of a local time type: RFC 8536 section 3.1, 3.2 */

struct timezone_file {
    struct timezone_rule rule; /* from the footer: for instants after the last transition */
    bool has_rule;
    size_t time_count, type_count, name_bytes;
    const unsigned char *times, *indexes, *types, *names; /* inside bytes */
    unsigned char bytes[];
};

struct counts {
    uint32_t utc, std, leap, time, type, name; /* in the order of the header */
};

static uint32_t be32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t be64(const unsigned char *p)
{
    return (int64_t)((uint64_t)be32(p) << 32 | be32(p + 4));
}

/* Bytes of the block that follows a header whose instants have `width` bytes. */
static uint64_t block_size(const struct counts *c, unsigned width)
{
    return (uint64_t)c->time * (width + 1) + (uint64_t)c->type * TYPE + c->name + (uint64_t)c->leap * (width + 4) + c->std + c->utc;
}

static int read_head(const unsigned char *p, size_t n, struct counts *c)
{
    if (n < HEAD || memcmp(p, "TZif", 4) != 0 || p[4] < '2') return GW_EPARSE;
    *c = (struct counts){ be32(p + 20), be32(p + 24), be32(p + 28), be32(p + 32), be32(p + 36), be32(p + 40) };
    return 0;
}

/* Every index in range, so that lookups need no checks. */
static int check(const timezone_t *z)
{
    if (z->type_count == 0 || z->name_bytes == 0 || z->names[z->name_bytes - 1] != '\0') return GW_EPARSE;
    for (size_t i = 0; i < z->time_count; i++) {
        if (z->indexes[i] >= z->type_count) return GW_EPARSE;
        if (i > 0 && be64(z->times + 8 * i) <= be64(z->times + 8 * (i - 1))) return GW_EPARSE;
    }
    for (size_t i = 0; i < z->type_count; i++) {
        const unsigned char *type = z->types + TYPE * i;
        int32_t offset = (int32_t)be32(type);
        if (offset <= -TIMEZONE_OFFSET_MAX || offset >= TIMEZONE_OFFSET_MAX || type[5] >= z->name_bytes) return GW_EPARSE;
    }
    return 0;
}

static int lay_out(timezone_t *z, size_t n)
{
    const unsigned char *p = z->bytes;
    struct counts c;
    if (read_head(p, n, &c) != 0 || block_size(&c, 4) > n - HEAD) return GW_EPARSE;
    size_t skip = HEAD + (size_t)block_size(&c, 4);
    p += skip;
    n -= skip;
    if (read_head(p, n, &c) != 0 || block_size(&c, 8) > n - HEAD) return GW_EPARSE;
    z->time_count = c.time;
    z->type_count = c.type;
    z->name_bytes = c.name;
    z->times = p + HEAD;
    z->indexes = z->times + 8 * (size_t)c.time;
    z->types = z->indexes + c.time;
    z->names = z->types + TYPE * (size_t)c.type;
    skip = HEAD + (size_t)block_size(&c, 8);
    struct str footer = { (const char *)p + skip, n - skip };
    if (footer.n < 2 || footer.p[0] != '\n') return GW_EPARSE;
    footer.p++;
    footer.n--;
    footer = str_split(&footer, '\n');
    z->has_rule = footer.n > 0;
    if (z->has_rule && timezone_rule_parse(footer, &z->rule) != 0) return GW_EPARSE;
    return check(z);
}

int timezone_parse(struct str bytes, timezone_t **out)
{
    *out = NULL;
    if (bytes.n > TIMEZONE_FILE_MAX) return GW_ELIMIT;
    timezone_t *z = calloc(1, sizeof *z + bytes.n);
    if (!z) return GW_ENOMEM;
    if (bytes.n) memcpy(z->bytes, bytes.p, bytes.n);
    int rc = lay_out(z, bytes.n);
    if (rc != 0)
        free(z);
    else
        *out = z;
    return rc;
}

static bool name_ok(struct str name)
{
    if (name.n == 0 || name.n > TIMEZONE_NAME_MAX || name.p[0] == '/' || str_find(name, STR("..")) >= 0) return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && !strchr("/_+-", c)) return false;
    }
    return name.p[name.n - 1] != '/';
}

int timezone_load(const char *dir, struct str name, timezone_t **out)
{
    char path[512];
    *out = NULL;
    if (str_is(name, "UTC")) return 0;
    if (!name_ok(name)) return GW_EINVAL;
    int len = snprintf(path, sizeof path, "%s/%.*s", dir ? dir : TIMEZONE_DIR, STR_ARG(name));
    if (len < 0 || (size_t)len >= sizeof path) return GW_ELIMIT;
    struct buf bytes = { 0 };
    int rc = file_read(path, TIMEZONE_FILE_MAX, &bytes);
    if (rc == 0) rc = timezone_parse(buf_str(&bytes), out);
    buf_free(&bytes);
    return rc;
}

void timezone_destroy(timezone_t **zone_p)
{
    free(*zone_p);
    *zone_p = NULL;
}

static void set_abbreviation(struct timezone_local *out, const char *text)
{
    snprintf(out->abbreviation, sizeof out->abbreviation, "%.*s", TIMEZONE_ABBREVIATION_MAX, text);
}

/* Sets offset, dst and abbreviation. */
static void find_offset(const timezone_t *z, int64_t unix_s, struct timezone_local *out)
{
    size_t lo = 0, hi = z ? z->time_count : 0; /* the first transition after unix_s */
    out->offset_s = 0;
    out->dst = false;
    set_abbreviation(out, "UTC");
    if (!z) return;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (be64(z->times + 8 * mid) <= unix_s)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == z->time_count && z->has_rule) {
        set_abbreviation(out, timezone_rule_at(&z->rule, unix_s, &out->offset_s, &out->dst));
        return;
    }
    const unsigned char *type = z->types + TYPE * (lo > 0 ? z->indexes[lo - 1] : 0u);
    out->offset_s = (int32_t)be32(type);
    out->dst = type[4] != 0;
    set_abbreviation(out, (const char *)z->names + type[5]);
}

void timezone_local(const timezone_t *zone, int64_t unix_s, struct timezone_local *out)
{
    const int64_t first = -62167219200, last = 253402300799; /* years 0 and 9999, UTC */
    find_offset(zone, unix_s, out);
    int64_t local = unix_s < first ? first : unix_s > last ? last : unix_s + out->offset_s;
    local = local < first ? first : local > last ? last : local;
    int64_t days = (local - first) / 86400; /* since 0000-01-01 */
    int seconds = (int)((local - first) % 86400);
    out->weekday = (int)((days + 6) % 7); /* 0000-01-01 was a Saturday */
    out->hour = seconds / 3600;
    out->minute = seconds / 60 % 60;
    out->second = seconds % 60;
    timezone_date(days - 719528, &out->year, &out->month, &out->day); /* 719528 days from there to 1970 */
}

void timezone_host(char *name)
{
    char link[512];
    struct str found = str_of(getenv("TZ"));
    if (found.n > 0 && found.p[0] == ':') found = (struct str){ found.p + 1, found.n - 1 };
    if (!name_ok(found)) {
        ssize_t n = readlink("/etc/localtime", link, sizeof link);
        found = (struct str){ link, n > 0 ? (size_t)n : 0 };
        ptrdiff_t at = str_find(found, STR("/zoneinfo/"));
        found = at < 0 ? (struct str){ NULL, 0 } : (struct str){ found.p + at + 10, found.n - (size_t)at - 10 };
    }
    if (!name_ok(found)) found = STR("UTC");
    (void)str_copy(name, TIMEZONE_NAME_MAX + 1, found);
}
