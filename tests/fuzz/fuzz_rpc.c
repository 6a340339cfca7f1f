/* Frames of the WebSocket protocol; the parameters of one are shown to every method and to connect. */
#include "channels/rpc_schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void insist(bool claim)
{
    if (!claim) __builtin_trap();
}

/* An answer can carry it: text in a JSON string, and of a bounded size. */
static void check_text(const struct buf *why)
{
    insist(str_utf8_valid(buf_str(why)) && why->n < (size_t)(RPC_ERRORS_MAX + 2) * 1024);
}

static void check(const struct rpc_shape *shape, const json_t *params, int rc, struct buf *why)
{
    const char *own = rpc_own_text(shape);
    insist(rc == 0 ? why->n == 0 : rc == GW_EINVAL && why->n > 0);
    if (!own || own[0]) insist(rpc_shape_fits(shape, json_is_null(params) ? NULL : params, NULL) == (rc == 0));
    check_text(why);
    buf_clear(why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rpc_frame frame;
    struct buf why = { 0 };
    if (rpc_frame_read((struct str){ (const char *)data, size }, &frame) != 0) return 0;
    insist((frame.kind == RPC_FRAME_INVALID) == (frame.why.n > 0));
    check_text(&frame.why);
    if (frame.kind != RPC_FRAME_NOT_JSON) {
        json_t *id = json_loadb(frame.id.p ? frame.id.p : "", frame.id.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        insist(json_is_string(id) || json_is_number(id));
        json_decref(id);
    }
    if (frame.kind == RPC_FRAME_REQUEST) {
        insist(frame.method.n > 0);
        rpc_find(frame.method);
        for (int of = 1; of < RPC_COUNT; of++)
            check(rpc_params((enum rpc_id)of), frame.params, rpc_check((enum rpc_id)of, frame.params, &why), &why);
        int rc = rpc_check_connect(frame.params, &why);
        if (frame.params && !json_is_null(frame.params)) check(rpc_shape(RPC_SHAPE_connect), frame.params, rc, &why);
    }
    rpc_frame_free(&frame);
    buf_free(&why);
    return 0;
}
