/** channels/rpc.h -- OpenClaw's WebSocket protocol v3 as values: frames, the list of methods, checks of their parameters.
 *
 *  In:     the text of a frame         Out: its parts, or the sentence that a client is told
 *  Owns:   nothing but what rpc_frame_free() frees
 *  Thread: any
 *  Source: reference gateway-protocol 1 to 3; rpc.def is the one list of methods, docs/rpc.md is made from it */
#ifndef CHANNELS_RPC_H
#define CHANNELS_RPC_H

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"

enum {
    RPC_PROTOCOL = 3,              /* the version that is served */
    RPC_FRAME_MAX = 26214400,      /* bytes of a frame; reference 1 */
    RPC_FRAME_VALUES_MAX = 262144, /* JSON values in a frame; ours, as parsed ones need 100 bytes and more */
    RPC_FRAME_DEPTH_MAX = 128,     /* objects and arrays inside each other; ours */
};

/* What a caller must be allowed (operator.<name>); operator.admin passes everything. */
enum rpc_scope {
    RPC_SCOPE_READ, /* operator.read or operator.write */
    RPC_SCOPE_WRITE,
    RPC_SCOPE_APPROVALS,
    RPC_SCOPE_PAIRING,
    RPC_SCOPE_ADMIN,
    RPC_SCOPE_NODE, /* role node, not operators */
};

/* Who answers: the gateway's own thread; the query actor (files, read-only store); the store's actor (writes); BOTH: the
 * gateway, which asks the query actor under the same method for a part of the answer. */
enum rpc_place { RPC_PLACE_GATEWAY, RPC_PLACE_QUERY, RPC_PLACE_STORE, RPC_PLACE_CRON, RPC_PLACE_BOTH };

enum rpc_id {
    RPC_none = 0,
#define METHOD(id, name, scope, place, shown, doc) RPC_##id,
#define OWN(text)
#define PARAM(name, need, type, doc)
#define END
#include "channels/rpc.def"
#undef METHOD
#undef OWN
#undef PARAM
#undef END
    RPC_COUNT
};

struct rpc_method {
    const char *name;
    enum rpc_scope scope;
    enum rpc_place place;
    bool shown; /* listed in hello-ok.features.methods */
};

/** The method of an id in 1..RPC_COUNT-1. Static. */
const struct rpc_method *rpc_method(enum rpc_id id);

/** @return RPC_none for an unknown name */
enum rpc_id rpc_find(struct str name);

/** Check a method's parameters. @param params  NULL and null stand for {}
 *  @param why  appended on failure: "invalid <method> params: at /x: must be string; ...", or the words of the method's OWN line
 *  @return 0 or GW_EINVAL */
int rpc_check(enum rpc_id id, const json_t *params, struct buf *why);

/** The same for the parameters of `connect`: "invalid connect params: ...". NULL is refused, as is null. */
int rpc_check_connect(const json_t *params, struct buf *why);

enum rpc_frame_kind {
    RPC_FRAME_NOT_JSON, /* nothing is answered */
    RPC_FRAME_INVALID,  /* JSON, but no request: `why` tells */
    RPC_FRAME_REQUEST,
};

struct rpc_frame {
    enum rpc_frame_kind kind;
    json_t *root;         /* owned; NULL when not JSON or past a bound; whole numbers are integers, also 5.0 */
    struct buf id;        /* the id as it is to be echoed, JSON text: a string, or the number that was sent; "invalid" when there is none */
    struct str method;    /* REQUEST: borrowed from root */
    const json_t *params; /* REQUEST: borrowed from root; NULL when absent */
    struct buf why;       /* INVALID: "invalid request frame: at /id: must be string; ..." */
};

/** Read a frame. Keys that come twice: the last one counts. A NUL in a string (\u0000) passes, handlers refuse it; one in a key, a
 *  lone surrogate and a number past a double are not JSON here. @return 0 or GW_ENOMEM; free in every case */
int rpc_frame_read(struct str text, struct rpc_frame *out);
void rpc_frame_free(struct rpc_frame *frame);

/** Append docs/rpc.md. */
void rpc_write_docs(struct buf *out);

/** What a method does, in a sentence. Static. */
const char *rpc_doc(enum rpc_id id);

#endif
