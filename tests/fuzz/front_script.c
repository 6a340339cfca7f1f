#include "tests/fuzz/front_script.h"

#include <stdlib.h>

enum { STEP = 0xFF, PAD_BYTES = 256, FRAME_UNMASKED = 1, FRAME_16 = 2, FRAME_64 = 4, FRAME_LIES = 8 };

struct script {
    enum front_opening opening;
    unsigned variant;
    const char *address;
    size_t client;
    struct buf out;  /* bytes to send */
    size_t last;     /* where its last part begins */
    struct buf part; /* what is being written */
    enum { PART_RAW, PART_FRAME, PART_REQUEST } kind;
    unsigned head, form; /* of a frame */
    bool greeted[FRONT_CLIENTS_MAX];
};

/* --- frames ----------------------------------------------------------------------------------------------------------- */

static void write_frame(struct buf *out, unsigned head, unsigned form, struct str payload)
{
    static const unsigned char mask[4] = { 0x11, 0x22, 0x33, 0x44 };
    uint64_t announced = payload.n + (form & FRAME_LIES ? 1 : 0);
    unsigned masked = form & FRAME_UNMASKED ? 0 : 0x80;
    int bytes = form & FRAME_64 || announced > 0xFFFF ? 8 : form & FRAME_16 || announced > 125 ? 2 : 0;
    if ((form & FRAME_64) && (form & FRAME_16)) announced |= 1ULL << 63;
    buf_char(out, (char)head);
    buf_char(out, (char)(masked | (bytes == 8 ? 127 : bytes == 2 ? 126 : (unsigned)announced)));
    for (int i = bytes - 1; i >= 0; i--) buf_char(out, (char)(announced >> 8 * i));
    if (masked) buf_add(out, (struct str){ (const char *)mask, sizeof mask });
    char *into = buf_reserve(out, payload.n);
    if (!into) return;
    for (size_t i = 0; i < payload.n; i++) into[i] = (char)(payload.p[i] ^ (masked ? mask[i % 4] : 0));
    out->n += payload.n;
}

static void write_request(struct buf *out, struct str text)
{
    struct buf json = { 0 };
    struct str params = text, method = str_split(&params, ' ');
    buf_char(&json, '{');
    buf_json_pair_str(&json, "type", STR("req"));
    buf_json_pair_str(&json, "id", STR("r"));
    buf_json_pair_str(&json, "method", method);
    if (params.n) buf_json_key(&json, "params");
    buf_add(&json, params);
    buf_char(&json, '}');
    write_frame(out, 0x81, 0, buf_str(&json));
    buf_free(&json);
}

static void end_part(struct script *s)
{
    s->last = s->out.n;
    switch (s->kind) {
    case PART_RAW: buf_add(&s->out, buf_str(&s->part)); break;
    case PART_FRAME: write_frame(&s->out, s->head, s->form, buf_str(&s->part)); break;
    case PART_REQUEST: write_request(&s->out, buf_str(&s->part)); break;
    }
    buf_clear(&s->part);
    s->kind = PART_RAW;
}

static void begin_part(struct script *s, int kind, unsigned head, unsigned form)
{
    s->kind = kind;
    s->head = head;
    s->form = form;
}

/* --- steps ------------------------------------------------------------------------------------------------------------ */

static void write_upgrade(struct buf *out)
{
    buf_text(out, "GET / HTTP/1.1\r\nHost: localhost:18789\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
}

static void greet(struct script *s)
{
    struct buf text = { 0 }, json = { 0 };
    s->greeted[s->client] = true;
    if (s->opening >= FRONT_UPGRADED) {
        write_upgrade(&text);
        front_send(s->client, buf_str(&text));
        front_rounds();
    }
    if (s->opening == FRONT_GREETED) {
        buf_clear(&text);
        front_write_connect(&json, s->variant);
        write_frame(&text, 0x81, 0, buf_str(&json));
        front_send(s->client, buf_str(&text));
        front_rounds();
    }
    buf_free(&json);
    buf_free(&text);
}

static void send_out(struct script *s, bool until_quiet)
{
    end_part(s);
    front_connect(s->client, s->address);
    if (!s->greeted[s->client]) greet(s);
    if (s->out.n) front_send(s->client, buf_str(&s->out));
    buf_clear(&s->out);
    if (until_quiet)
        front_rounds();
    else
        front_round();
}

static void pad(struct script *s, unsigned n)
{
    char last = s->part.n ? s->part.p[s->part.n - 1] : ' ';
    char *into = buf_reserve(&s->part, (size_t)n * PAD_BYTES);
    if (!into) return;
    memset(into, last, (size_t)n * PAD_BYTES);
    s->part.n += (size_t)n * PAD_BYTES;
}

static void repeat(struct script *s, unsigned n)
{
    struct buf part = { 0 };
    end_part(s);
    buf_add(&part, (struct str){ s->out.p + s->last, s->out.n - s->last });
    while (n--) buf_add(&s->out, buf_str(&part));
    buf_free(&part);
}

static unsigned next(struct str *rest)
{
    if (rest->n == 0) return 0;
    unsigned byte = (unsigned char)rest->p[0];
    *rest = (struct str){ rest->p + 1, rest->n - 1 };
    return byte;
}

static void write_connect(struct script *s, unsigned variant)
{
    struct buf json = { 0 };
    end_part(s);
    front_write_connect(&json, variant);
    write_frame(&s->out, 0x81, 0, buf_str(&json));
    buf_free(&json);
}

/* Steps that send what is there first. */
static void act(struct script *s, unsigned step)
{
    send_out(s, step != 'o');
    switch (step) {
    case 'h': front_half_close(s->client); break;
    case 'x':
        front_drop(s->client);
        s->greeted[s->client] = false;
        break;
    case 'z': front_read(s->client, false); break;
    case 'r': front_read(s->client, true); break;
    case 't': front_late(); break;
    case 'd': front_tell(MSG_system_drain); break;
    case 's': front_tell(MSG_actor_stop); break;
    default: return; /* c, o, and what means nothing */
    }
    front_rounds();
}

static void step(struct script *s, struct str *rest)
{
    unsigned what = next(rest);
    switch (what) {
    case STEP: buf_char(&s->part, (char)STEP); return;
    case 'p': pad(s, next(rest)); return;
    case 'R': repeat(s, next(rest)); return;
    case 'u':
        end_part(s);
        write_upgrade(&s->out);
        return;
    case 'C': write_connect(s, next(rest)); return;
    case 'f':
        end_part(s);
        begin_part(s, PART_FRAME, next(rest), 0);
        s->form = next(rest);
        return;
    case 'm':
        end_part(s);
        begin_part(s, PART_FRAME, 0x81, 0);
        return;
    case 'q':
        end_part(s);
        begin_part(s, PART_REQUEST, 0, 0);
        return;
    case '0':
    case '1':
    case '2':
    case '3':
        send_out(s, true);
        s->client = what - '0';
        return;
    default: act(s, what); return;
    }
}

void front_play(struct str script, enum front_opening opening, unsigned variant, const char *address)
{
    struct script s = { .opening = opening, .variant = variant, .address = address };
    s.out.max = s.part.max = FRONT_SEND_MAX;
    while (script.n) {
        unsigned byte = next(&script);
        if (byte == STEP)
            step(&s, &script);
        else
            buf_char(&s.part, (char)byte);
    }
    send_out(&s, true);
    buf_free(&s.out);
    buf_free(&s.part);
}
