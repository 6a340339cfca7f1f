#include "msgs/msgs.h"

#include <msgpack.h>

#include "msgs/prescan.h"

enum field_kind { FIELD_str, FIELD_int, FIELD_raw };

struct field {
    const char *name; /* NULL ends the list */
    int64_t lo, hi;
    uint32_t offset;
    enum field_kind kind;
};

/* A function per message, so that `self` can name its struct inside FIELD. */
#define MSG(id, wire, doc)                                                                                                                 \
    static const struct field *fields_##id(void)                                                                                           \
    {                                                                                                                                      \
        typedef struct msg_##id self;                                                                                                      \
        static const struct field f[] = {
#define FIELD(kind, name, lo, hi, doc) { #name, lo, hi, offsetof(self, name), FIELD_##kind },
#define END                                                                                                                                \
    {                                                                                                                                      \
        NULL, 0, 0, sizeof(self), FIELD_int                                                                                                \
    }                                                                                                                                      \
    }                                                                                                                                      \
    ;                                                                                                                                      \
    return f;                                                                                                                              \
    }
/* clang-format off */
#include "msgs/msgs.def"
/* clang-format on */
#undef MSG
#undef FIELD
#undef END

static const struct kind {
    const char *wire;
    size_t wire_n;
    const struct field *(*fields)(void);
} kinds[MSG_KIND_COUNT] = {
#define MSG(id, name, text) [MSG_##id] = { name, sizeof(name) - 1, fields_##id },
#define FIELD(kind, name, lo, hi, doc)
#define END
#include "msgs/msgs.def"
#undef MSG
#undef FIELD
#undef END
};

enum { DEPTH_MAX = 3 }; /* array, map, value */

const char *msg_kind_name(enum msg_kind kind)
{
    return (unsigned)kind < MSG_KIND_COUNT && kinds[kind].wire ? kinds[kind].wire : "?";
}

/* All members of the union start at the same place. Callers with a const message only read through this. */
static void *value_of(const struct msg *m, const struct field *f)
{
    return (char *)&m->error + f->offset;
}

static bool known(enum msg_kind kind)
{
    return kind > MSG_none && (unsigned)kind < MSG_KIND_COUNT;
}

static bool in_range(const struct msg *m, const struct field *f)
{
    if (f->kind == FIELD_int) {
        int64_t v = *(const int64_t *)value_of(m, f);
        return v >= f->lo && v <= f->hi;
    }
    size_t n = ((const struct str *)value_of(m, f))->n;
    return n >= (size_t)f->lo && n <= (size_t)f->hi;
}

struct str msg_payload(const struct msg *m)
{
    if (!known(m->kind)) return (struct str){ NULL, 0 };
    for (const struct field *f = kinds[m->kind].fields(); f->name; f++)
        if (f->kind == FIELD_raw) return *(const struct str *)value_of(m, f);
    return (struct str){ NULL, 0 };
}

void msg_set_payload(struct msg *m, struct str bytes)
{
    if (!known(m->kind)) return;
    for (const struct field *f = kinds[m->kind].fields(); f->name; f++)
        if (f->kind == FIELD_raw) *(struct str *)value_of(m, f) = bytes;
}

static int write_bytes(void *data, const char *p, size_t n)
{
    struct buf *out = data;
    buf_add(out, (struct str){ p, n });
    return out->err;
}

static void pack_str(msgpack_packer *pk, struct str s)
{
    msgpack_pack_str(pk, s.n);
    msgpack_pack_str_body(pk, s.p, s.n);
}

int msg_encode(const struct msg *m, struct buf *out)
{
    if (!known(m->kind)) return GW_EBADMSG;
    const struct field *fields = kinds[m->kind].fields();
    size_t packed = 0;
    for (const struct field *f = fields; f->name; f++) {
        if (!in_range(m, f)) return GW_EBADMSG;
        if (f->kind != FIELD_raw) packed++;
    }
    msgpack_packer pk;
    msgpack_packer_init(&pk, out, write_bytes);
    msgpack_pack_array(&pk, 4);
    pack_str(&pk, (struct str){ kinds[m->kind].wire, kinds[m->kind].wire_n });
    msgpack_pack_uint64(&pk, m->corr);
    msgpack_pack_uint64(&pk, m->trace);
    msgpack_pack_map(&pk, packed);
    for (const struct field *f = fields; f->name; f++) {
        if (f->kind == FIELD_raw) continue;
        pack_str(&pk, str_of(f->name));
        if (f->kind == FIELD_int) msgpack_pack_int64(&pk, *(const int64_t *)value_of(m, f));
        if (f->kind == FIELD_str) pack_str(&pk, *(const struct str *)value_of(m, f));
    }
    return out->err;
}

static enum msg_kind kind_named(const msgpack_object *name)
{
    if (name->type != MSGPACK_OBJECT_STR) return MSG_none;
    for (unsigned k = 1; k < MSG_KIND_COUNT; k++)
        if (kinds[k].wire_n == name->via.str.size && memcmp(kinds[k].wire, name->via.str.ptr, kinds[k].wire_n) == 0)
            return (enum msg_kind)k;
    return MSG_none;
}

static int read_head(const msgpack_object *body, struct msg *out)
{
    if (body->type != MSGPACK_OBJECT_ARRAY || body->via.array.size != 4) return GW_EBADMSG;
    const msgpack_object *part = body->via.array.ptr;
    out->kind = kind_named(&part[0]);
    if (out->kind == MSG_none) return GW_EBADMSG;
    if (part[1].type != MSGPACK_OBJECT_POSITIVE_INTEGER || part[2].type != MSGPACK_OBJECT_POSITIVE_INTEGER) return GW_EBADMSG;
    out->corr = part[1].via.u64;
    out->trace = part[2].via.u64;
    return part[3].type == MSGPACK_OBJECT_MAP ? 0 : GW_EBADMSG;
}

static bool read_value(const msgpack_object *v, enum field_kind kind, void *to)
{
    if (kind == FIELD_str) {
        if (v->type != MSGPACK_OBJECT_STR) return false;
        *(struct str *)to = (struct str){ v->via.str.ptr, v->via.str.size };
        return true;
    }
    if (v->type == MSGPACK_OBJECT_NEGATIVE_INTEGER) {
        *(int64_t *)to = v->via.i64;
        return true;
    }
    if (v->type != MSGPACK_OBJECT_POSITIVE_INTEGER || v->via.u64 > INT64_MAX) return false;
    *(int64_t *)to = (int64_t)v->via.u64;
    return true;
}

/* Fields come in declared order from our own encoder: look at the next one first. */
static const msgpack_object *find(const msgpack_object_map *map, size_t expected, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < map->size; i++) {
        const msgpack_object_kv *kv = &map->ptr[(expected + i) % map->size];
        if (kv->key.type == MSGPACK_OBJECT_STR && kv->key.via.str.size == n && memcmp(kv->key.via.str.ptr, name, n) == 0) return &kv->val;
    }
    return NULL;
}

static int read_fields(const msgpack_object_map *map, struct str payload, struct msg *out)
{
    bool has_raw = false;
    size_t at = 0;
    for (const struct field *f = kinds[out->kind].fields(); f->name; f++) {
        void *to = value_of(out, f);
        if (f->kind == FIELD_raw) {
            *(struct str *)to = payload;
            has_raw = true;
        } else {
            const msgpack_object *v = find(map, at++, f->name);
            if (!v || !read_value(v, f->kind, to)) return GW_EBADMSG;
        }
        if (!in_range(out, f)) return GW_EBADMSG;
    }
    return payload.n && !has_raw ? GW_EBADMSG : 0;
}

static int unpack(struct str body, struct str payload, bool head_only, struct msg *out)
{
    *out = (struct msg){ 0 };
    int rc = msgs_prescan(body, DEPTH_MAX);
    if (rc) return rc;
    msgpack_zone zone;
    msgpack_object object;
    size_t offset = 0;
    if (!msgpack_zone_init(&zone, 2048)) return GW_ENOMEM;
    bool ok = msgpack_unpack(body.p, body.n, &offset, &zone, &object) == MSGPACK_UNPACK_SUCCESS;
    rc = ok ? read_head(&object, out) : GW_EBADMSG;
    if (rc == 0 && !head_only) rc = read_fields(&object.via.array.ptr[3].via.map, payload, out);
    msgpack_zone_destroy(&zone);
    if (rc) *out = (struct msg){ 0 };
    return rc;
}

int msg_decode(struct str body, struct str payload, struct msg *out)
{
    return unpack(body, payload, false, out);
}

int msg_peek(struct str body, struct msg *out)
{
    return unpack(body, (struct str){ NULL, 0 }, true, out);
}

void msg_clear(struct msg *m)
{
    if (m->release) m->release(m->held);
    *m = (struct msg){ 0 };
}

struct msg msg_error(const struct msg *in, int code)
{
    struct msg no = { .kind = MSG_error, .corr = in->corr, .trace = in->trace };
    no.error.code = code < 0 ? code : GW_EINVAL;
    no.error.text = str_of(err_text(code));
    return no;
}

void msg_print(const struct msg *m, struct buf *out)
{
    buf_printf(out, "%s corr=%llu", msg_kind_name(m->kind), (unsigned long long)m->corr);
    if (!known(m->kind)) return;
    for (const struct field *f = kinds[m->kind].fields(); f->name; f++) {
        buf_printf(out, " %s=", f->name);
        if (f->kind == FIELD_int) {
            buf_int(out, *(const int64_t *)value_of(m, f));
            continue;
        }
        struct str s = *(const struct str *)value_of(m, f);
        if (f->kind == FIELD_raw) {
            buf_printf(out, "(%zu bytes)", s.n);
        } else {
            buf_json_str(out, str_utf8_prefix(s, 80));
        }
    }
}

struct msg msg_sample(enum msg_kind kind, bool high, size_t str_max)
{
    static const char filler[MSG_SAMPLE_BYTES] = { [0 ... MSG_SAMPLE_BYTES - 1] = 'x' };
    struct msg m = { .kind = kind, .corr = high ? UINT64_MAX : 0, .trace = high ? UINT64_MAX : 0 };
    if (!known(kind)) return m;
    if (str_max > MSG_SAMPLE_BYTES) str_max = MSG_SAMPLE_BYTES;
    for (const struct field *f = kinds[kind].fields(); f->name; f++) {
        void *to = value_of(&m, f);
        int64_t v = high ? f->hi : f->lo;
        if (f->kind == FIELD_int) {
            *(int64_t *)to = v;
        } else {
            *(struct str *)to = (struct str){ filler, (size_t)v > str_max ? str_max : (size_t)v };
        }
    }
    return m;
}

void msg_write_docs(struct buf *out)
{
    static const char *const kind_names[] = { "str", "int", "raw" };
    /* What they mean, in the order of the file: apart from the tables that a gateway needs, so that its binary does without. */
    static const char *const docs[] = {
#define MSG(id, wire, doc) doc,
#define FIELD(kind, name, lo, hi, doc) doc,
#define END
#include "msgs/msgs.def"
#undef MSG
#undef FIELD
#undef END
    };
    const char *const *doc = docs;
    buf_text(out, "# Messages of the bus\n\nMade from `msgs/msgs.def` by the test `test_msgs`; do not edit.\n"
                  "`str` and `raw` ranges are bytes, `int` ranges are values.\n");
    for (unsigned k = 1; k < MSG_KIND_COUNT; k++) {
        const struct field *f = kinds[k].fields();
        buf_printf(out, "\n## %s\n\n%s\n", kinds[k].wire, *doc++);
        if (f->name) buf_text(out, "\n| field | kind | range | meaning |\n| --- | --- | --- | --- |\n");
        for (; f->name; f++)
            buf_printf(out, "| %s | %s | %lld–%lld | %s |\n", f->name, kind_names[f->kind], (long long)f->lo, (long long)f->hi, *doc++);
    }
}
