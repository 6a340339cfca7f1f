#include <criterion/criterion.h>
#include <msgpack.h>
#include <stdio.h>

#include "msgs/msgs.h"

enum { STR_MAX = 700 };

static void same(const struct msg *a, const struct msg *b)
{
    struct buf x = { 0 }, y = { 0 };
    msg_print(a, &x);
    msg_print(b, &y);
    cr_assert(str_eq(buf_str(&x), buf_str(&y)), "%s / %s", buf_cstr(&x), buf_cstr(&y));
    cr_assert(str_eq(msg_payload(a), msg_payload(b)));
    cr_assert(a->trace == b->trace);
    buf_free(&x);
    buf_free(&y);
}

/* With long strings cut to STR_MAX a field may fall below its lowest length; none does today. */
Test(msgs, every_message_survives_the_wire_at_both_limits)
{
    for (int kind = 1; kind < MSG_KIND_COUNT; kind++) {
        for (int high = 0; high <= 1; high++) {
            struct msg m = msg_sample((enum msg_kind)kind, high, STR_MAX), back;
            struct buf body = { 0 };
            cr_assert(msg_encode(&m, &body) == 0, "%s", msg_kind_name(m.kind));
            cr_assert(msg_decode(buf_str(&body), msg_payload(&m), &back) == 0, "%s", msg_kind_name(m.kind));
            same(&m, &back);
            buf_free(&body);
        }
    }
}

Test(msgs, a_body_cut_anywhere_is_refused)
{
    struct msg m = msg_sample(MSG_turn_submit, true, 30), back;
    struct buf body = { 0 };
    cr_assert(msg_encode(&m, &body) == 0);
    for (size_t n = 0; n < body.n; n++) {
        char *exact = malloc(n + 1); /* so that a read past the end is seen by ASan */
        memcpy(exact, body.p, n);
        cr_assert(msg_decode((struct str){ exact, n }, msg_payload(&m), &back) == GW_EBADMSG);
        free(exact);
    }
    buf_free(&body);
}

Test(msgs, refuses_one_past_each_end_of_a_range)
{
    struct buf body = { 0 };
    struct msg m = msg_sample(MSG_turn_submit, false, STR_MAX);
    m.turn_submit.lane = 3;
    cr_assert(msg_encode(&m, &body) == GW_EBADMSG);
    m.turn_submit.lane = -1;
    cr_assert(msg_encode(&m, &body) == GW_EBADMSG);
    m = msg_sample(MSG_turn_submit, false, STR_MAX);
    m.turn_submit.session_key = STR("");
    cr_assert(msg_encode(&m, &body) == GW_EBADMSG);
    m = msg_sample(MSG_turn_submit, true, STR_MAX);
    m.turn_submit.session_key.n = 513;
    cr_assert(msg_encode(&m, &body) == GW_EBADMSG);
    cr_assert(body.n == 0);
    buf_free(&body);
}

static struct buf craft(const char *kind, const char *extra_key, bool leave_out)
{
    msgpack_sbuffer out;
    msgpack_packer pk;
    msgpack_sbuffer_init(&out);
    msgpack_packer_init(&pk, &out, msgpack_sbuffer_write);
    msgpack_pack_array(&pk, 4);
    msgpack_pack_str_with_body(&pk, kind, strlen(kind));
    msgpack_pack_uint64(&pk, 9);
    msgpack_pack_uint64(&pk, 0);
    msgpack_pack_map(&pk, (extra_key ? 1 : 0) + (leave_out ? 0 : 1));
    if (extra_key) {
        msgpack_pack_str_with_body(&pk, extra_key, strlen(extra_key));
        msgpack_pack_int64(&pk, 1);
    }
    if (!leave_out) {
        msgpack_pack_str_with_body(&pk, "turn", 4);
        msgpack_pack_int64(&pk, 5);
    }
    struct buf body = { 0 };
    buf_add(&body, (struct str){ out.data, out.size });
    msgpack_sbuffer_destroy(&out);
    return body;
}

Test(msgs, skips_unknown_fields_and_misses_required_ones)
{
    struct msg m;
    const struct str none = { NULL, 0 };
    struct buf extra = craft("store.answer", "colour", false), missing = craft("store.answer", "colour", true);
    struct buf unknown = craft("no.such", NULL, false);
    cr_assert(msg_decode(buf_str(&extra), none, &m) == 0 && m.store_answer.turn == 5 && m.corr == 9);
    cr_assert(msg_decode(buf_str(&missing), none, &m) == GW_EBADMSG && m.kind == MSG_none);
    cr_assert(msg_decode(buf_str(&unknown), none, &m) == GW_EBADMSG);
    cr_assert(msg_decode(buf_str(&extra), STR("surplus payload"), &m) == GW_EBADMSG);
    buf_free(&extra);
    buf_free(&missing);
    buf_free(&unknown);
}

Test(msgs, peeks_at_the_head_only)
{
    struct msg m = msg_sample(MSG_turn_abort, true, 20), head;
    struct buf body = { 0 };
    cr_assert(msg_encode(&m, &body) == 0);
    cr_assert(msg_peek(buf_str(&body), &head) == 0);
    cr_assert(head.kind == MSG_turn_abort && head.corr == UINT64_MAX && head.trace == UINT64_MAX);
    buf_free(&body);
}

Test(msgs, have_at_most_one_raw_field_and_unique_names)
{
    static const struct {
        int kind;
        int raw;
    } fields[] = {
#define MSG(id, wire, doc)
#define FIELD(kind, name, lo, hi, doc) { __LINE__, #kind[0] == 'r' },
#define END { 0, 0 },
#include "msgs/msgs.def"
#undef MSG
#undef FIELD
#undef END
    };
    int raws = 0;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        raws = fields[i].kind ? raws + fields[i].raw : 0;
        cr_assert(raws <= 1, "msgs.def:%d", fields[i].kind);
    }
    for (int a = 1; a < MSG_KIND_COUNT; a++)
        for (int b = a + 1; b < MSG_KIND_COUNT; b++) cr_assert_str_neq(msg_kind_name((enum msg_kind)a), msg_kind_name((enum msg_kind)b));
}

/* `UPDATE_DOCS=1 test_msgs` rewrites the page. */
Test(msgs, documentation_matches_the_declarations)
{
    struct buf now = { 0 }, kept = { 0 };
    msg_write_docs(&now);
    if (getenv("UPDATE_DOCS")) {
        FILE *out = fopen(SOURCE_DIR "/docs/messages.md", "w");
        cr_assert(out && fwrite(now.p, 1, now.n, out) == now.n && fclose(out) == 0);
    }
    FILE *in = fopen(SOURCE_DIR "/docs/messages.md", "r");
    cr_assert(in);
    char *at = buf_reserve(&kept, 1 << 20);
    kept.n += fread(at, 1, 1 << 20, in);
    fclose(in);
    cr_assert(str_eq(buf_str(&now), buf_str(&kept)), "docs/messages.md is stale: run UPDATE_DOCS=1 test_msgs");
    buf_free(&now);
    buf_free(&kept);
}
