#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/err.h"
#include "cli/ws_frame.h"

/* One frame as a server writes it. */
static void frame(struct buf *out, int first, struct str data)
{
    buf_char(out, (char)first);
    if (data.n < 126) {
        buf_char(out, (char)data.n);
    } else if (data.n <= 0xffff) {
        buf_char(out, 126);
        buf_char(out, (char)(data.n >> 8));
        buf_char(out, (char)(data.n & 0xff));
    } else {
        buf_char(out, 127);
        for (int i = 7; i >= 0; i--) buf_char(out, (char)((uint64_t)data.n >> (8 * i) & 0xff));
    }
    buf_add(out, data);
}

static int read_bytes(struct str bytes, struct ws_reader *r, struct ws_message *m)
{
    buf_add(&r->in, bytes);
    return ws_read(r, m);
}

static int refuse(struct str bytes)
{
    struct ws_reader r = { 0 };
    struct ws_message m;
    int rc = read_bytes(bytes, &r, &m);
    ws_reader_free(&r);
    return rc;
}

Test(ws_frame, reads_frames_of_every_length_form)
{
    static const size_t sizes[] = { 0, 1, 125, 126, 65535, 65536, 200000 };
    char *data = malloc(200000);
    memset(data, 'x', 200000);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct ws_reader r = { 0 };
        struct ws_message m;
        frame(&r.in, 0x81, (struct str){ data, sizes[i] });
        cr_assert_eq(ws_read(&r, &m), 0);
        cr_assert(m.kind == WS_TEXT && m.data.n == sizes[i]);
        cr_assert_eq(ws_read(&r, &m), GW_ENOENT);
        ws_reader_free(&r);
    }
    free(data);
}

Test(ws_frame, gives_the_same_messages_however_the_bytes_are_cut)
{
    struct buf all = { 0 };
    frame(&all, 0x01, STR("one ")); /* a message in three parts, */
    frame(&all, 0x89, STR("ping")); /* with a ping between them, */
    frame(&all, 0x00, STR("two "));
    frame(&all, 0x80, STR("three"));
    frame(&all, 0x82, STR("binary")); /* and another one */
    for (size_t cut = 0; cut <= all.n; cut++) {
        struct ws_reader r = { 0 };
        struct buf seen = { 0 };
        struct ws_message m;
        buf_add(&r.in, (struct str){ all.p, cut });
        for (int part = 0; part < 2; part++) {
            while (ws_read(&r, &m) == 0) buf_printf(&seen, "%d:%.*s;", m.kind, STR_ARG(m.data));
            if (part == 0) buf_add(&r.in, (struct str){ all.p + cut, all.n - cut });
        }
        cr_assert_str_eq(buf_cstr(&seen), "9:ping;1:one two three;2:binary;");
        buf_free(&seen);
        ws_reader_free(&r);
    }
    buf_free(&all);
}

Test(ws_frame, reads_close_codes_and_reasons)
{
    struct ws_reader r = { 0 };
    struct ws_message m;
    frame(&r.in, 0x88, STR("\x03\xf0pairing required"));
    frame(&r.in, 0x88, STR(""));
    cr_assert_eq(ws_read(&r, &m), 0);
    cr_assert(m.kind == WS_CLOSE && m.code == 1008 && str_is(m.data, "pairing required"));
    cr_assert_eq(ws_read(&r, &m), 0);
    cr_assert(m.kind == WS_CLOSE && m.code == WS_CLOSE_NO_CODE && m.data.n == 0);
    ws_reader_free(&r);
}

Test(ws_frame, refuses_what_the_protocol_forbids)
{
    cr_expect_eq(refuse(STR("\xc1\x00")), GW_EBADMSG, "a reserved bit");
    cr_expect_eq(refuse(STR("\x83\x00")), GW_EBADMSG, "an unknown opcode");
    cr_expect_eq(refuse(STR("\x81\x80zzzz")), GW_EBADMSG, "a masked frame of a server");
    cr_expect_eq(refuse(STR("\x09\x00")), GW_EBADMSG, "a ping in parts");
    cr_expect_eq(refuse(STR("\x89\x7e\x00\x7e")), GW_EBADMSG, "a ping of 126 bytes");
    cr_expect_eq(refuse(STR("\x81\x7e\x00\x05hello")), GW_EBADMSG, "a length in too long a form");
    cr_expect_eq(refuse(STR("\x81\x7f\0\0\0\0\0\0\xff\xff")), GW_EBADMSG, "the same in eight bytes");
    cr_expect_eq(refuse(STR("\x80\x00")), GW_EBADMSG, "a part of nothing");
    cr_expect_eq(refuse(STR("\x01\x00\x81\x00")), GW_EBADMSG, "a message inside a message");
    cr_expect_eq(refuse(STR("\x88\x01\x03")), GW_EBADMSG, "half a close code");
    cr_expect_eq(refuse(STR("\x88\x03\x03\xe8\xff")), GW_EBADMSG, "a close reason that is no UTF-8");
}

Test(ws_frame, takes_a_message_of_25_MiB_and_refuses_one_byte_more)
{
    struct ws_reader r = { 0 };
    struct ws_message m;
    cr_assert_eq(refuse(STR("\x81\x7f\0\0\0\0\x01\x90\x00\x01")), GW_ELIMIT); /* known from its head */
    r.in.max = WS_MESSAGE_MAX + 16;
    buf_add(&r.in, STR("\x81\x7f\0\0\0\0\x01\x90\x00\x00"));
    char *to = buf_reserve(&r.in, WS_MESSAGE_MAX);
    cr_assert(to);
    memset(to, 'x', WS_MESSAGE_MAX);
    r.in.n += WS_MESSAGE_MAX;
    cr_assert_eq(ws_read(&r, &m), 0);
    cr_assert_eq(m.data.n, WS_MESSAGE_MAX);
    ws_reader_free(&r);
}

Test(ws_frame, refuses_fragments_that_are_too_much_together)
{
    struct ws_reader r = { .in.max = 2 * WS_MESSAGE_MAX };
    struct ws_message m;
    enum { PART = WS_MESSAGE_MAX / 2 };
    char *part = calloc(1, PART);
    cr_assert(part);
    frame(&r.in, 0x01, (struct str){ part, PART });
    frame(&r.in, 0x00, (struct str){ part, PART });
    cr_assert_eq(ws_read(&r, &m), GW_ENOENT);
    frame(&r.in, 0x80, STR("x"));
    cr_assert_eq(ws_read(&r, &m), GW_ELIMIT);
    free(part);
    ws_reader_free(&r);
}

Test(ws_frame, writes_masked_frames)
{
    static const unsigned char mask[4] = { 1, 2, 3, 4 };
    static const size_t sizes[] = { 5, 125, 126, 65535, 65536 };
    char *data = malloc(65536);
    memset(data, 'a', 65536);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct buf out = { 0 };
        ws_write(&out, WS_TEXT, (struct str){ data, sizes[i] }, mask);
        size_t head = sizes[i] < 126 ? 2 : sizes[i] <= 0xffff ? 4 : 10;
        cr_assert_eq(out.n, head + 4 + sizes[i]);
        cr_assert_eq((unsigned char)out.p[0], 0x81);
        cr_assert((unsigned char)out.p[1] & 0x80);
        for (size_t k = 0; k < sizes[i]; k++) cr_assert_eq(out.p[head + 4 + k] ^ mask[k % 4], 'a');
        buf_free(&out);
    }
    free(data);
}

Test(ws_frame, cuts_a_close_reason_to_what_a_frame_can_carry)
{
    static const unsigned char mask[4] = { 0 };
    char reason[200];
    struct buf out = { 0 };
    memset(reason, 'r', sizeof reason);
    ws_write_close(&out, 1009, (struct str){ reason, sizeof reason }, mask);
    cr_assert_eq(out.n, 2 + 4 + 125);
    cr_assert((unsigned char)out.p[6] == 1009 >> 8 && (unsigned char)out.p[7] == (1009 & 0xff));
    buf_free(&out);
}
