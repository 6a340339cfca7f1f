#include "channels/presence.h"

#include <ctype.h>
#include <stdlib.h>
#include <uthash.h>
#include <utlist.h>

#include "base/err.h"
#include "base/json_read.h"

struct known {
    char key[PRESENCE_KEY_MAX + 1];
    json_t *fields; /* an object, in the order of the list */
    char *text;     /* the same as text, since it was last written; NULL: it has changed. */
    int64_t ts;
    struct known *prev, *next; /* newest first */
    UT_hash_handle hh;
};

struct presence {
    struct known *by_key, *newest;
};

int presence_create(presence_t **out)
{
    *out = calloc(1, sizeof **out);
    return *out ? 0 : GW_ENOMEM;
}

static void forget(presence_t *p, struct known *k)
{
    HASH_DEL(p->by_key, k);
    DL_DELETE(p->newest, k);
    free(k->text);
    json_decref(k->fields);
    free(k);
}

void presence_destroy(presence_t **presence_p)
{
    if (!*presence_p) return;
    while ((*presence_p)->newest) forget(*presence_p, (*presence_p)->newest);
    free(*presence_p);
    *presence_p = NULL;
}

static void lower_key(struct str key, char out[PRESENCE_KEY_MAX + 1])
{
    struct str cut = str_utf8_prefix(key, PRESENCE_KEY_MAX);
    for (size_t i = 0; i < cut.n; i++) out[i] = (char)tolower((unsigned char)cut.p[i]);
    out[cut.n] = '\0';
}

/* The entry of a key, now the newest. NULL: no memory. */
static struct known *touch(presence_t *p, struct str key, int64_t now_ms)
{
    char name[PRESENCE_KEY_MAX + 1] = "";
    struct known *k;
    lower_key(key, name);
    HASH_FIND_STR(p->by_key, name, k);
    if (k) {
        DL_DELETE(p->newest, k);
    } else {
        if (HASH_COUNT(p->by_key) >= PRESENCE_MAX) forget(p, p->newest->prev);
        k = calloc(1, sizeof *k);
        if (k && !(k->fields = json_object())) {
            free(k);
            k = NULL;
        }
        if (!k) return NULL;
        memcpy(k->key, name, sizeof name);
        HASH_ADD_STR(p->by_key, key, k);
    }
    k->ts = now_ms;
    free(k->text);
    k->text = NULL;
    DL_PREPEND(p->newest, k);
    return k;
}

static void set(json_t *fields, const char *name, struct str value)
{
    if (value.n) json_object_set_new(fields, name, json_stringn(value.p, value.n));
}

static void join_one(json_t *list, const json_t *value)
{
    size_t i;
    json_t *had;
    json_array_foreach(list, i, had) if (json_equal(had, value)) return;
    json_array_append(list, (json_t *)value);
}

/* Add the strings of `values` (owned) to the list under `name`. */
static void join(json_t *fields, const char *name, json_t *values)
{
    json_t *list = json_object_get(fields, name), *value;
    size_t i;
    if (json_array_size(values) && !list) {
        list = json_array();
        json_object_set_new(fields, name, list);
    }
    json_array_foreach(values, i, value) join_one(list, value);
    json_decref(values);
}

static void set_text(json_t *fields, struct str text)
{
    struct buf made = { .max = 1024 };
    if (text.n == 0) {
        const char *host = json_string_value(json_object_get(fields, "host")), *mode = json_string_value(json_object_get(fields, "mode"));
        buf_printf(&made, "Node: %s · mode %s", host ? host : "unknown", mode ? mode : "unknown");
    }
    set(fields, "text", text.n ? text : buf_str(&made));
    buf_free(&made);
}

int presence_touch(presence_t *presence, const struct presence_entry *e)
{
    struct known *k = touch(presence, e->key, e->now_ms);
    if (!k) return GW_ENOMEM;
    set(k->fields, "host", e->host);
    set(k->fields, "ip", e->ip);
    set(k->fields, "version", e->version);
    set(k->fields, "platform", e->platform);
    set(k->fields, "deviceFamily", e->device_family);
    set(k->fields, "modelIdentifier", e->model_identifier);
    set(k->fields, "mode", e->mode);
    set(k->fields, "deviceId", e->device_id);
    if (e->role.n) join(k->fields, "roles", json_pack("[s%]", e->role.p, e->role.n));
    if (e->scopes.n) join(k->fields, "scopes", json_loadb(e->scopes.p, e->scopes.n, 0, NULL));
    set(k->fields, "instanceId", e->instance_id);
    set(k->fields, "reason", e->reason);
    json_object_set_new(k->fields, "ts", json_integer(e->now_ms));
    set_text(k->fields, e->text);
    return 0;
}

void presence_tell(presence_t *presence, const json_t *fields, int64_t now_ms)
{
    static const char *const names[] = { "host", "ip",       "version",    "platform", "deviceFamily", "modelIdentifier",
                                         "mode", "deviceId", "instanceId", "reason" };
    static const char *const lists[] = { "roles", "scopes", "tags" };
    struct str key = json_str(fields, "deviceId");
    if (key.n == 0) key = json_str(fields, "instanceId");
    if (key.n == 0) key = json_str(fields, "host");
    struct known *k = key.n ? touch(presence, key, now_ms) : NULL;
    if (!k) return;
    set(k->fields, "text", str_utf8_prefix(json_str(fields, "text"), 512));
    json_object_set_new(k->fields, "ts", json_integer(now_ms));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) set(k->fields, names[i], str_utf8_prefix(json_str(fields, names[i]), 512));
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        json_t *list = json_object_get(fields, lists[i]);
        if (json_array_size(list) <= 16) join(k->fields, lists[i], json_incref(list));
    }
    const json_t *idle = json_object_get(fields, "lastInputSeconds");
    if (json_is_number(idle)) json_object_set_new(k->fields, "lastInputSeconds", json_integer((json_int_t)json_number_value(idle)));
}

void presence_write(presence_t *presence, struct str self, int64_t now_ms, struct buf *out)
{
    struct known *k;
    while (presence->newest && now_ms - presence->newest->prev->ts > PRESENCE_TTL_MS) forget(presence, presence->newest->prev);
    buf_char(out, '[');
    buf_add(out, self);
    DL_FOREACH(presence->newest, k)
    {
        if (!k->text) k->text = json_dumps(k->fields, JSON_COMPACT);
        if (!k->text) continue;
        buf_json_comma(out);
        buf_text(out, k->text);
    }
    buf_char(out, ']');
}
