#include "channels/dm_pairing.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json_read.h"

struct request {
    char id[DM_PAIRING_ID_MAX + 1], code[DM_PAIRING_CODE_SIZE], name[DM_PAIRING_ID_MAX + 1];
    int64_t created_ms, seen_ms;
};

struct dm_pairing {
    struct request requests[DM_PAIRING_PENDING_MAX]; /* oldest first */
    size_t count;
    json_t *allowed; /* a set: names of members are ids */
};

int dm_pairing_create(dm_pairing_t **out)
{
    dm_pairing_t *p = calloc(1, sizeof *p);
    if (p) p->allowed = json_object();
    *out = p;
    if (p && p->allowed) return 0;
    dm_pairing_destroy(out);
    return GW_ENOMEM;
}

void dm_pairing_destroy(dm_pairing_t **p_p)
{
    if (*p_p) json_decref((*p_p)->allowed);
    free(*p_p);
    *p_p = NULL;
}

/* --- kept ---------------------------------------------------------------------------------------------------------- */

/* "2026-11-22T13:10:55.123Z" back to ms; 0: it is none. */
static int64_t read_time(struct str iso)
{
    struct tm t = { 0 };
    int ms = 0;
    char text[40];
    if (str_copy(text, sizeof text, iso) != 0) return 0;
    if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ", &t.tm_year, &t.tm_mon, &t.tm_mday, &t.tm_hour, &t.tm_min, &t.tm_sec, &ms) != 7)
        return 0;
    t.tm_year -= 1900;
    t.tm_mon -= 1;
    return (int64_t)timegm(&t) * 1000 + ms;
}

static void load_request(dm_pairing_t *p, const json_t *j)
{
    struct request *r = &p->requests[p->count];
    bool fits = p->count < DM_PAIRING_PENDING_MAX && str_copy(r->id, sizeof r->id, json_str(j, "id")) == 0 &&
                str_copy(r->code, sizeof r->code, json_str(j, "code")) == 0 && r->id[0] && strlen(r->code) == DM_PAIRING_CODE_SIZE - 1;
    if (!fits) return;
    str_copy(r->name, sizeof r->name, str_utf8_prefix(json_str(json_object_get(j, "meta"), "name"), DM_PAIRING_ID_MAX));
    r->created_ms = read_time(json_str(j, "createdAt"));
    r->seen_ms = read_time(json_str(j, "lastSeenAt"));
    p->count++;
}

void dm_pairing_load(dm_pairing_t *p, struct str json)
{
    json_t *kept = json_loadb(json.p ? json.p : "", json.n, 0, NULL), *item;
    size_t i;
    json_array_foreach(json_object_get(kept, "requests"), i, item) load_request(p, item);
    json_array_foreach(json_object_get(kept, "allowFrom"), i, item)
    {
        struct str id = json_text(item);
        if (id.n && id.n <= DM_PAIRING_ID_MAX && json_object_size(p->allowed) < DM_PAIRING_ALLOWED_MAX)
            json_object_set_new(p->allowed, json_string_value(item), json_true());
    }
    json_decref(kept);
}

static void write_requests(const dm_pairing_t *p, struct buf *out)
{
    buf_json_key(out, "requests");
    buf_char(out, '[');
    for (size_t i = 0; i < p->count; i++) {
        const struct request *r = &p->requests[i];
        char created[CLOCK_ISO_SIZE], seen[CLOCK_ISO_SIZE];
        clock_iso(r->created_ms, created);
        clock_iso(r->seen_ms, seen);
        buf_json_comma(out);
        buf_char(out, '{');
        buf_json_pair_str(out, "id", str_of(r->id));
        buf_json_pair_str(out, "code", str_of(r->code));
        buf_json_pair_str(out, "createdAt", str_of(created));
        buf_json_pair_str(out, "lastSeenAt", str_of(seen));
        buf_text(out, ",\"meta\":{");
        buf_json_pair_str(out, "name", str_of(r->name));
        buf_text(out, "}}");
    }
    buf_char(out, ']');
}

void dm_pairing_write(const dm_pairing_t *p, struct buf *out)
{
    const char *id;
    json_t *ignored;
    buf_text(out, "{\"version\":1");
    write_requests(p, out);
    buf_json_key(out, "allowFrom");
    buf_char(out, '[');
    json_object_foreach(p->allowed, id, ignored)
    {
        buf_json_comma(out);
        buf_json_str(out, str_of(id));
    }
    buf_text(out, "]}");
}

/* --- requests -------------------------------------------------------------------------------------------------------- */

static void drop(dm_pairing_t *p, size_t i)
{
    memmove(&p->requests[i], &p->requests[i + 1], (p->count - i - 1) * sizeof *p->requests);
    p->count--;
}

static void expire(dm_pairing_t *p, int64_t now_ms)
{
    for (size_t i = p->count; i-- > 0;)
        if (now_ms - p->requests[i].created_ms >= DM_PAIRING_LIFE_MS) drop(p, i);
}

void dm_pairing_list(dm_pairing_t *p, int64_t now_ms, struct buf *out)
{
    expire(p, now_ms);
    buf_char(out, '{');
    write_requests(p, out);
    buf_char(out, '}');
}

bool dm_pairing_allowed(const dm_pairing_t *p, struct str id)
{
    char key[DM_PAIRING_ID_MAX + 1];
    return str_copy(key, sizeof key, id) == 0 && json_object_get(p->allowed, key) != NULL;
}

enum dm_pairing_asked dm_pairing_ask(dm_pairing_t *p, struct str id, struct str name, int64_t now_ms, uint64_t random,
                                     char code[DM_PAIRING_CODE_SIZE])
{
    static const char letters[] = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    struct request *r;
    expire(p, now_ms);
    code[0] = '\0';
    for (size_t i = 0; i < p->count; i++) {
        r = &p->requests[i];
        if (!str_is(id, r->id)) continue;
        r->seen_ms = now_ms;
        memcpy(code, r->code, sizeof r->code);
        return DM_PAIRING_KNOWN;
    }
    if (p->count == DM_PAIRING_PENDING_MAX) return DM_PAIRING_FULL;
    r = &p->requests[p->count];
    if (str_copy(r->id, sizeof r->id, id) != 0 || id.n == 0) return DM_PAIRING_FULL;
    str_copy(r->name, sizeof r->name, str_utf8_prefix(name, DM_PAIRING_ID_MAX));
    for (size_t i = 0; i < DM_PAIRING_CODE_SIZE - 1; i++, random >>= 5) r->code[i] = letters[random & 31];
    r->code[DM_PAIRING_CODE_SIZE - 1] = '\0';
    r->created_ms = r->seen_ms = now_ms;
    p->count++;
    memcpy(code, r->code, sizeof r->code);
    return DM_PAIRING_NEW;
}

int dm_pairing_approve(dm_pairing_t *p, struct str code, int64_t now_ms, char id[DM_PAIRING_ID_MAX + 1])
{
    expire(p, now_ms);
    for (size_t i = 0; i < p->count; i++) {
        if (!str_ieq(code, str_of(p->requests[i].code))) continue;
        if (json_object_size(p->allowed) >= DM_PAIRING_ALLOWED_MAX) return GW_ELIMIT;
        memcpy(id, p->requests[i].id, sizeof p->requests[i].id);
        if (json_object_set_new(p->allowed, id, json_true()) != 0) return GW_ENOMEM;
        drop(p, i);
        return 0;
    }
    return GW_ENOENT;
}
