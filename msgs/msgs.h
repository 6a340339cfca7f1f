/** msgs/msgs.h -- the messages of the bus: one struct and one kind per line group of msgs.def.
 *
 *  In:     bytes of an envelope's body and payload        Out: struct msg, and back
 *  Owns:   nothing; strings of a decoded message are borrowed from its bytes until msg_clear()
 *  Thread: any
 *
 *  The body is msgpack `[kind, corr, trace, {field: value}]`. A raw field is not in it: it is the payload, a
 *  frame of its own. Unknown fields are skipped; a missing or out-of-range one is GW_EBADMSG. */
#ifndef MSGS_MSGS_H
#define MSGS_MSGS_H

#include "base/buf.h"
#include "base/err.h"

typedef struct str field_str;
typedef struct str field_raw;
typedef int64_t field_int;

enum msg_kind {
    MSG_none = 0,
#define MSG(id, wire, doc) MSG_##id,
#define FIELD(kind, name, lo, hi, doc)
#define END
#include "msgs/msgs.def"
#undef MSG
#undef FIELD
#undef END
    MSG_KIND_COUNT
};

#define MSG(id, wire, doc)                                                                                                                 \
    struct msg_##id {                                                                                                                      \
        char no_empty_struct_;
#define FIELD(kind, name, lo, hi, doc) field_##kind name;
#define END                                                                                                                                \
    }                                                                                                                                      \
    ;
/* clang-format off */
#include "msgs/msgs.def"
/* clang-format on */
#undef MSG
#undef FIELD
#undef END

enum { MSG_NAME_MAX = 63 }; /* bytes of a mailbox name */

enum turn_outcome { OUTCOME_DONE, OUTCOME_FAILED, OUTCOME_ABORTED, OUTCOME_DROPPED }; /* as enum policy_outcome */

struct msg {
    enum msg_kind kind;
    uint64_t corr;               /* ties an answer to its question; chosen by who asks; 0: no answer wanted */
    uint64_t trace;              /* ties all messages of one turn together, in logs and traces; 0: none */
    char from[MSG_NAME_MAX + 1]; /* received messages: the sender, written by the hub */
    void *held;                  /* received messages: what the strings borrow from; see msg_clear() */
    void (*release)(void *held);
    union {
#define MSG(id, wire, doc) struct msg_##id id;
#define FIELD(kind, name, lo, hi, doc)
#define END
#include "msgs/msgs.def"
#undef MSG
#undef FIELD
#undef END
    };
};

/** The wire name of a kind ("turn.submit"); "?" when out of range. Static. */
const char *msg_kind_name(enum msg_kind kind);

/** Append the body of `m` (without its raw field) to `out`.
 *  @return 0; GW_EBADMSG when a field is outside its range or the kind is unknown; GW_ENOMEM, GW_ELIMIT */
int msg_encode(const struct msg *m, struct buf *out);

/** Read a body and its payload. On 0 the strings of `out` borrow from `body` and `payload`.
 *  @return 0; GW_EBADMSG, and *out is zeroed */
int msg_decode(struct str body, struct str payload, struct msg *out);

/** Read only corr, trace and kind of a body, without its fields. @return 0 or GW_EBADMSG */
int msg_peek(struct str body, struct msg *out);

/** The raw field of `m`; empty when the kind has none. Borrowed from `m`. */
struct str msg_payload(const struct msg *m);

/** Set the raw field of `m`; nothing when the kind has none. Borrows `bytes`. */
void msg_set_payload(struct msg *m, struct str bytes);

/** Free what a received message borrows from, and zero it. Safe on a zeroed or sent message. */
void msg_clear(struct msg *m);

/** An `error` answer to `in` with the text of `code`. Borrows nothing. */
struct msg msg_error(const struct msg *in, int code);

/** Append a readable form to `out`: `turn.abort corr=7 turn=42 session_key="..."`; long strings are cut, raw ones only counted. */
void msg_print(const struct msg *m, struct buf *out);

/** A message of `kind` with every field at its lowest (high = false) or highest value; strings longer than
 *  `str_max` are cut to it. Strings borrow from static memory of MSG_SAMPLE_BYTES. For tests and fuzzing. */
enum { MSG_SAMPLE_BYTES = 4096 };
struct msg msg_sample(enum msg_kind kind, bool high, size_t str_max);

/** Append docs/messages.md: a table per message. */
void msg_write_docs(struct buf *out);

#endif
