#include "msgs/chat_pack.h"

#include <msgpack.h>

#include "base/err.h"
#include "msgs/prescan.h"

/* Keys of a message's map. A part is an array [kind, text, name, id, signature]; empty strings at its end are left out,
 * elements behind them skipped. Usage is an array [input, output, cache_read, cache_write]. Keys never change meaning. */
#define KEY_ROLE "r"
#define KEY_PARTS "c"
#define KEY_TIME "t"
#define KEY_CALL_ID "i"
#define KEY_TOOL "n"
#define KEY_IS_ERROR "e"
#define KEY_PROVIDER "p"
#define KEY_MODEL "m"
#define KEY_STOP "s"
#define KEY_USAGE "u"
#define KEY_ERROR "x"
#define KEY_PROVENANCE "f"

enum {
    DEPTH_MAX = 16,    /* the deepest value here is request > messages > message > parts > part */
    ZONE_CHUNK = 8192, /* bytes */
};

static int write_buf(void *out, const char *bytes, size_t n)
{
    buf_add(out, (struct str){ bytes, n });
    return 0; /* the buf remembers */
}

static void pack_str(msgpack_packer *pk, struct str s)
{
    msgpack_pack_str(pk, s.n);
    msgpack_pack_str_body(pk, s.p ? s.p : "", s.n);
}

static void pack_pair_str(msgpack_packer *pk, const char *key, struct str value)
{
    if (value.n == 0) return;
    pack_str(pk, str_of(key));
    pack_str(pk, value);
}

static void pack_pair_int(msgpack_packer *pk, const char *key, int64_t value)
{
    if (value == 0) return;
    pack_str(pk, str_of(key));
    msgpack_pack_int64(pk, value);
}

static void pack_part(msgpack_packer *pk, const struct chat_part *part)
{
    const struct str fields[] = { part->text, part->name, part->id, part->signature };
    size_t n = 4;
    while (n > 0 && fields[n - 1].n == 0) n--;
    msgpack_pack_array(pk, n + 1);
    msgpack_pack_int(pk, (int)part->kind);
    for (size_t i = 0; i < n; i++) pack_str(pk, fields[i]);
}

static bool has_usage(const struct chat_usage *u)
{
    return u->input || u->output || u->cache_read || u->cache_write;
}

static void pack_usage(msgpack_packer *pk, const struct chat_usage *u)
{
    if (!has_usage(u)) return;
    pack_str(pk, STR(KEY_USAGE));
    msgpack_pack_array(pk, 4);
    msgpack_pack_int64(pk, u->input);
    msgpack_pack_int64(pk, u->output);
    msgpack_pack_int64(pk, u->cache_read);
    msgpack_pack_int64(pk, u->cache_write);
}

static int pack_message(msgpack_packer *pk, const struct chat_message *m)
{
    if (m->part_count > CHAT_PACK_PARTS_MAX) return GW_ELIMIT;
    size_t strings = (m->tool_call_id.n > 0) + (size_t)(m->tool_name.n > 0) + (m->provider.n > 0) + (m->model.n > 0) + (m->error.n > 0) +
                     (m->provenance.n > 0);
    size_t others = (m->timestamp_ms != 0) + (size_t)m->is_error + (m->stop != CHAT_STOP_NONE) + has_usage(&m->usage);
    msgpack_pack_map(pk, 2 + strings + others);
    pack_str(pk, STR(KEY_ROLE));
    msgpack_pack_int(pk, (int)m->role);
    pack_str(pk, STR(KEY_PARTS));
    msgpack_pack_array(pk, m->part_count);
    for (size_t i = 0; i < m->part_count; i++) pack_part(pk, &m->parts[i]);
    pack_pair_int(pk, KEY_TIME, m->timestamp_ms);
    pack_pair_str(pk, KEY_CALL_ID, m->tool_call_id);
    pack_pair_str(pk, KEY_TOOL, m->tool_name);
    pack_pair_int(pk, KEY_IS_ERROR, m->is_error);
    pack_pair_str(pk, KEY_PROVIDER, m->provider);
    pack_pair_str(pk, KEY_MODEL, m->model);
    pack_pair_int(pk, KEY_STOP, (int64_t)m->stop);
    pack_usage(pk, &m->usage);
    pack_pair_str(pk, KEY_ERROR, m->error);
    pack_pair_str(pk, KEY_PROVENANCE, m->provenance);
    return 0;
}

int chat_pack_message(struct buf *out, const struct chat_message *message)
{
    msgpack_packer pk;
    msgpack_packer_init(&pk, out, write_buf);
    int rc = pack_message(&pk, message);
    return rc != 0 ? rc : out->err;
}

int chat_pack_request(struct buf *out, const struct chat_request *r)
{
    msgpack_packer pk;
    int rc = 0;
    if (r->message_count > CHAT_PACK_MESSAGES_MAX || r->tool_count > CHAT_PACK_TOOLS_MAX) return GW_ELIMIT;
    msgpack_packer_init(&pk, out, write_buf);
    msgpack_pack_map(&pk, 2 + (size_t)(r->system.n > 0) + (r->max_tokens != 0) + (r->thinking.n > 0));
    pack_pair_str(&pk, "system", r->system);
    pack_str(&pk, STR("messages"));
    msgpack_pack_array(&pk, r->message_count);
    for (size_t i = 0; rc == 0 && i < r->message_count; i++) rc = pack_message(&pk, &r->messages[i]);
    pack_str(&pk, STR("tools"));
    msgpack_pack_array(&pk, r->tool_count);
    for (size_t i = 0; i < r->tool_count; i++) {
        msgpack_pack_array(&pk, 3);
        pack_str(&pk, r->tools[i].name);
        pack_str(&pk, r->tools[i].description);
        pack_str(&pk, r->tools[i].parameters);
    }
    pack_pair_int(&pk, "max_tokens", r->max_tokens);
    pack_pair_str(&pk, "thinking", r->thinking);
    return rc != 0 ? rc : out->err;
}

/* --- reading ------------------------------------------------------------------------------------------------ */

static int get_str(const msgpack_object *o, struct str *out)
{
    if (o->type != MSGPACK_OBJECT_STR) return GW_EBADMSG;
    *out = (struct str){ o->via.str.ptr, o->via.str.size };
    return 0;
}

static int get_int(const msgpack_object *o, int64_t lo, int64_t hi, int64_t *out)
{
    if (o->type == MSGPACK_OBJECT_NEGATIVE_INTEGER)
        *out = o->via.i64;
    else if (o->type == MSGPACK_OBJECT_POSITIVE_INTEGER && o->via.u64 <= INT64_MAX)
        *out = (int64_t)o->via.u64;
    else
        return GW_EBADMSG;
    return *out >= lo && *out <= hi ? 0 : GW_EBADMSG;
}

static int get_array(const msgpack_object *o, size_t max, const msgpack_object **items, size_t *count)
{
    if (o->type != MSGPACK_OBJECT_ARRAY) return GW_EBADMSG;
    if (o->via.array.size > max) return GW_ELIMIT;
    *items = o->via.array.ptr;
    *count = o->via.array.size;
    return 0;
}

static bool key_is(const msgpack_object_kv *kv, const char *key)
{
    struct str s;
    return get_str(&kv->key, &s) == 0 && str_is(s, key);
}

static int read_part(const msgpack_object *o, struct chat_part *out)
{
    const msgpack_object *items;
    size_t n;
    int64_t kind;
    struct str *const fields[] = { &out->text, &out->name, &out->id, &out->signature };
    if (get_array(o, UINT32_MAX, &items, &n) != 0 || n == 0) return GW_EBADMSG;
    if (get_int(&items[0], CHAT_TEXT, CHAT_TOOL_CALL, &kind) != 0) return GW_EBADMSG;
    out->kind = (enum chat_part_kind)kind;
    for (size_t i = 1; i < n && i <= 4; i++)
        if (get_str(&items[i], fields[i - 1]) != 0) return GW_EBADMSG;
    return 0;
}

static int read_parts(const msgpack_object *o, struct arena *arena, struct chat_message *out)
{
    const msgpack_object *items;
    size_t n;
    int rc = get_array(o, CHAT_PACK_PARTS_MAX, &items, &n);
    if (rc != 0) return rc;
    out->parts = arena_alloc(arena, n, sizeof *out->parts);
    if (!out->parts) return arena->err;
    out->part_count = n;
    for (size_t i = 0; rc == 0 && i < n; i++) rc = read_part(&items[i], &out->parts[i]);
    return rc;
}

static int read_usage(const msgpack_object *o, struct chat_usage *out)
{
    const msgpack_object *items;
    size_t n;
    int64_t *const fields[] = { &out->input, &out->output, &out->cache_read, &out->cache_write };
    if (get_array(o, UINT32_MAX, &items, &n) != 0) return GW_EBADMSG;
    for (size_t i = 0; i < n && i < 4; i++)
        if (get_int(&items[i], 0, INT64_MAX, fields[i]) != 0) return GW_EBADMSG;
    return 0;
}

static int read_field(const msgpack_object_kv *kv, struct arena *arena, struct chat_message *out)
{
    int64_t value = 0;
    int rc = 0;
    if (key_is(kv, KEY_PARTS)) return read_parts(&kv->val, arena, out);
    if (key_is(kv, KEY_USAGE)) return read_usage(&kv->val, &out->usage);
    if (key_is(kv, KEY_TIME)) return get_int(&kv->val, INT64_MIN, INT64_MAX, &out->timestamp_ms);
    if (key_is(kv, KEY_CALL_ID)) return get_str(&kv->val, &out->tool_call_id);
    if (key_is(kv, KEY_TOOL)) return get_str(&kv->val, &out->tool_name);
    if (key_is(kv, KEY_PROVIDER)) return get_str(&kv->val, &out->provider);
    if (key_is(kv, KEY_MODEL)) return get_str(&kv->val, &out->model);
    if (key_is(kv, KEY_ERROR)) return get_str(&kv->val, &out->error);
    if (key_is(kv, KEY_PROVENANCE)) return get_str(&kv->val, &out->provenance);
    if (key_is(kv, KEY_IS_ERROR)) {
        rc = get_int(&kv->val, 0, 1, &value);
        out->is_error = value == 1;
    } else if (key_is(kv, KEY_STOP)) {
        rc = get_int(&kv->val, CHAT_STOP_NONE, CHAT_STOP_ABORTED, &value);
        out->stop = (enum chat_stop)value;
    }
    return rc;
}

static int read_message(const msgpack_object *o, struct arena *arena, struct chat_message *out)
{
    int64_t role = -1;
    if (o->type != MSGPACK_OBJECT_MAP) return GW_EBADMSG;
    for (uint32_t i = 0; i < o->via.map.size; i++) {
        const msgpack_object_kv *kv = &o->via.map.ptr[i];
        int rc = key_is(kv, KEY_ROLE) ? get_int(&kv->val, CHAT_USER, CHAT_TOOL_RESULT, &role) : read_field(kv, arena, out);
        if (rc != 0) return rc;
    }
    if (role < 0) return GW_EBADMSG;
    out->role = (enum chat_role)role;
    return 0;
}

static int read_messages(const msgpack_object *o, struct arena *arena, struct chat_request *out)
{
    const msgpack_object *items;
    size_t n;
    int rc = get_array(o, CHAT_PACK_MESSAGES_MAX, &items, &n);
    if (rc != 0) return rc;
    struct chat_message *messages = arena_alloc(arena, n, sizeof *messages);
    if (!messages) return arena->err;
    for (size_t i = 0; rc == 0 && i < n; i++) rc = read_message(&items[i], arena, &messages[i]);
    out->messages = messages;
    out->message_count = n;
    return rc;
}

static int read_tools(const msgpack_object *o, struct arena *arena, struct chat_request *out)
{
    const msgpack_object *items, *fields;
    size_t n, field_count;
    int rc = get_array(o, CHAT_PACK_TOOLS_MAX, &items, &n);
    if (rc != 0) return rc;
    struct chat_tool *tools = arena_alloc(arena, n, sizeof *tools);
    if (!tools) return arena->err;
    for (size_t i = 0; i < n; i++) {
        if (get_array(&items[i], UINT32_MAX, &fields, &field_count) != 0 || field_count < 3) return GW_EBADMSG;
        if (get_str(&fields[0], &tools[i].name) != 0 || get_str(&fields[1], &tools[i].description) != 0) return GW_EBADMSG;
        if (get_str(&fields[2], &tools[i].parameters) != 0) return GW_EBADMSG;
    }
    out->tools = tools;
    out->tool_count = n;
    return 0;
}

static int read_request(const msgpack_object *o, struct arena *arena, struct chat_request *out)
{
    int rc = 0;
    if (o->type != MSGPACK_OBJECT_MAP) return GW_EBADMSG;
    for (uint32_t i = 0; rc == 0 && i < o->via.map.size; i++) {
        const msgpack_object_kv *kv = &o->via.map.ptr[i];
        if (key_is(kv, "system"))
            rc = get_str(&kv->val, &out->system);
        else if (key_is(kv, "messages"))
            rc = read_messages(&kv->val, arena, out);
        else if (key_is(kv, "tools"))
            rc = read_tools(&kv->val, arena, out);
        else if (key_is(kv, "max_tokens"))
            rc = get_int(&kv->val, 0, INT64_MAX, &out->max_tokens);
        else if (key_is(kv, "thinking"))
            rc = get_str(&kv->val, &out->thinking);
    }
    return rc;
}

/* Strings of *root point into bytes; on success its arrays are in *zone until msgpack_zone_destroy(). */
static int unpack(struct str bytes, msgpack_zone *zone, msgpack_object *root)
{
    size_t at = 0;
    int rc = msgs_prescan(bytes, DEPTH_MAX);
    if (rc != 0) return rc;
    if (!msgpack_zone_init(zone, ZONE_CHUNK)) return GW_ENOMEM;
    msgpack_unpack_return got = msgpack_unpack(bytes.p, bytes.n, &at, zone, root);
    if (got == MSGPACK_UNPACK_SUCCESS) return 0;
    msgpack_zone_destroy(zone);
    return got == MSGPACK_UNPACK_NOMEM_ERROR ? GW_ENOMEM : GW_EBADMSG;
}

int chat_unpack_message(struct str bytes, struct arena *arena, struct chat_message *out)
{
    msgpack_zone zone;
    msgpack_object root;
    *out = (struct chat_message){ 0 };
    int rc = unpack(bytes, &zone, &root);
    if (rc != 0) return rc;
    rc = read_message(&root, arena, out);
    if (rc != 0) *out = (struct chat_message){ 0 };
    msgpack_zone_destroy(&zone);
    return rc;
}

int chat_unpack_request(struct str bytes, struct arena *arena, struct chat_request *out)
{
    msgpack_zone zone;
    msgpack_object root;
    *out = (struct chat_request){ 0 };
    int rc = unpack(bytes, &zone, &root);
    if (rc != 0) return rc;
    rc = read_request(&root, arena, out);
    if (rc != 0) *out = (struct chat_request){ 0 };
    msgpack_zone_destroy(&zone);
    return rc;
}
