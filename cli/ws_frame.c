#include "cli/ws_frame.h"

#include "base/err.h"

enum {
    CONTROL_MAX = 125, /* bytes that a control frame carries at most */
    FINAL = 0x80,
    RESERVED = 0x70,
    MASKED = 0x80,
};

struct frame {
    bool final;
    enum ws_opcode opcode;
    struct str data;
    size_t size; /* of the whole frame */
};

void ws_reader_free(struct ws_reader *r)
{
    buf_free(&r->in);
    buf_free(&r->message);
    *r = (struct ws_reader){ 0 };
}

static bool is_control(enum ws_opcode opcode)
{
    return opcode >= WS_CLOSE;
}

static int check_head(const unsigned char *b)
{
    int opcode = b[0] & 0x0f;
    bool known = opcode <= WS_BINARY || (opcode >= WS_CLOSE && opcode <= WS_PONG);
    if ((b[0] & RESERVED) || (b[1] & MASKED) || !known) return GW_EBADMSG;
    if (opcode >= WS_CLOSE && (!(b[0] & FINAL) || (b[1] & 0x7f) > CONTROL_MAX)) return GW_EBADMSG;
    return 0;
}

/* @return 0; GW_ENOENT when the frame is not whole; GW_EBADMSG; GW_ELIMIT, from its head alone */
static int read_frame(struct str in, struct frame *out)
{
    const unsigned char *b = (const unsigned char *)in.p;
    if (in.n < 2) return GW_ENOENT;
    int rc = check_head(b);
    if (rc) return rc;
    uint64_t length = b[1] & 0x7f;
    size_t more = length == 126 ? 2 : length == 127 ? 8 : 0;
    if (in.n < 2 + more) return GW_ENOENT;
    if (more) {
        length = 0;
        for (size_t i = 0; i < more; i++) length = length << 8 | b[2 + i];
        if (length < 126 || (more == 8 && length <= 0xffff)) return GW_EBADMSG; /* not the shortest form */
    }
    if (length > WS_MESSAGE_MAX) return GW_ELIMIT;
    out->final = (b[0] & FINAL) != 0;
    out->opcode = (enum ws_opcode)(b[0] & 0x0f);
    out->size = 2 + more + (size_t)length;
    out->data = (struct str){ in.p + 2 + more, (size_t)length };
    return in.n < out->size ? GW_ENOENT : 0;
}

static int read_control(const struct frame *f, struct ws_message *out)
{
    const unsigned char *b = (const unsigned char *)f->data.p;
    *out = (struct ws_message){ .kind = f->opcode, .data = f->data };
    if (f->opcode != WS_CLOSE) return 0;
    if (f->data.n == 1) return GW_EBADMSG;
    out->code = f->data.n ? b[0] << 8 | b[1] : WS_CLOSE_NO_CODE;
    out->data = f->data.n ? (struct str){ f->data.p + 2, f->data.n - 2 } : (struct str){ 0 };
    return str_utf8_valid(out->data) ? 0 : GW_EBADMSG;
}

/* @return 0 when *out is a whole message; GW_ENOENT when more fragments are to come */
static int read_data(struct ws_reader *r, const struct frame *f, struct ws_message *out)
{
    bool begun = r->kind != WS_CONTINUATION;
    if (begun != (f->opcode == WS_CONTINUATION)) return GW_EBADMSG;
    if (!begun && f->final) {
        *out = (struct ws_message){ .kind = f->opcode, .data = f->data };
        return 0;
    }
    if (!begun) {
        buf_clear(&r->message);
        r->kind = f->opcode;
    }
    r->message.max = WS_MESSAGE_MAX;
    buf_add(&r->message, f->data);
    if (r->message.err) return r->message.err;
    if (!f->final) return GW_ENOENT;
    *out = (struct ws_message){ .kind = r->kind, .data = buf_str(&r->message) };
    r->kind = WS_CONTINUATION;
    return 0;
}

int ws_read(struct ws_reader *r, struct ws_message *out)
{
    buf_drop(&r->in, r->used);
    r->used = 0;
    for (;;) {
        struct frame f;
        struct str rest = { r->in.p ? r->in.p + r->used : "", r->in.n - r->used };
        int rc = read_frame(rest, &f);
        if (rc) return rc;
        r->used += f.size;
        rc = is_control(f.opcode) ? read_control(&f, out) : read_data(r, &f, out);
        if (rc != GW_ENOENT) return rc;
    }
}

void ws_write(struct buf *out, enum ws_opcode kind, struct str data, const unsigned char mask[4])
{
    buf_char(out, (char)(FINAL | kind));
    if (data.n < 126) {
        buf_char(out, (char)(MASKED | data.n));
    } else {
        size_t more = data.n <= 0xffff ? 2 : 8;
        buf_char(out, (char)(MASKED | (more == 2 ? 126 : 127)));
        for (size_t i = more; i-- > 0;) buf_char(out, (char)((uint64_t)data.n >> (8 * i) & 0xff));
    }
    buf_add(out, (struct str){ (const char *)mask, 4 });
    char *to = buf_reserve(out, data.n);
    if (!to) return;
    for (size_t i = 0; i < data.n; i++) to[i] = (char)((unsigned char)data.p[i] ^ mask[i % 4]);
    out->n += data.n;
}

void ws_write_close(struct buf *out, int code, struct str reason, const unsigned char mask[4])
{
    char data[CONTROL_MAX] = { (char)(code >> 8), (char)(code & 0xff) };
    reason = str_utf8_prefix(reason, CONTROL_MAX - 2);
    if (reason.n) memcpy(data + 2, reason.p, reason.n);
    ws_write(out, WS_CLOSE, (struct str){ data, 2 + reason.n }, mask);
}
