/** cli/ws_frame.h -- WebSocket frames as a client writes and reads them (RFC 6455, section 5).
 *
 *  In:     the server's bytes, in any pieces     Out: whole messages; frames to send, masked
 *  Owns:   struct ws_reader: bytes not yet read as frames, and the message put together from fragments
 *  Thread: any */
#ifndef CLI_WS_FRAME_H
#define CLI_WS_FRAME_H

#include "base/buf.h"

enum { WS_MESSAGE_MAX = 25 * 1024 * 1024 }; /* bytes of one message, OpenClaw's bound (reference: gateway-protocol 1) */

enum ws_opcode { WS_CONTINUATION = 0, WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };

enum { WS_CLOSE_NORMAL = 1000, WS_CLOSE_PROTOCOL = 1002, WS_CLOSE_NO_CODE = 1005, WS_CLOSE_ABNORMAL = 1006, WS_CLOSE_TOO_BIG = 1009 };

struct ws_message {
    enum ws_opcode kind; /* WS_TEXT, WS_BINARY, WS_CLOSE, WS_PING or WS_PONG */
    struct str data;     /* borrowed from the reader until its next call; for WS_CLOSE the reason */
    int code;            /* WS_CLOSE: as sent, WS_CLOSE_NO_CODE when none was */
};

/* Zero is valid. */
struct ws_reader {
    struct buf in;       /* where received bytes are appended (buf_reserve) */
    size_t used;         /* bytes of `in` that ws_read() is done with */
    struct buf message;  /* fragments so far */
    enum ws_opcode kind; /* of that message; WS_CONTINUATION: none is begun */
};

void ws_reader_free(struct ws_reader *r);

/** The next message of what was received.
 *  @return 0 and *out; GW_ENOENT: no whole message yet, read more bytes; GW_EBADMSG: the server breaks the protocol;
 *          GW_ELIMIT: a message over WS_MESSAGE_MAX; GW_ENOMEM */
int ws_read(struct ws_reader *r, struct ws_message *out);

/** Append one unfragmented frame. @param mask  four unpredictable bytes (section 5.3) */
void ws_write(struct buf *out, enum ws_opcode kind, struct str data, const unsigned char mask[4]);

/** Append a close frame. @param reason  cut to what such a frame can carry (123 bytes) */
void ws_write_close(struct buf *out, int code, struct str reason, const unsigned char mask[4]);

#endif
