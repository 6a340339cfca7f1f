/* A frame of a client: text to request. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json_read.h"
#include "channels/rpc_schema.h"

/* jansson needs up to 100 bytes a value and recurses for each level, so both are counted before it sees the text.
 * @return whether there is too much, which `why` then tells */
static bool too_much(struct str text, struct buf *why)
{
    size_t values = 1, depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.n && depth <= RPC_FRAME_DEPTH_MAX && values <= RPC_FRAME_VALUES_MAX; i++) {
        char c = text.p[i];
        if (in_string && c == '\\')
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == '[' || c == '{')) {
            values++;
            depth++;
        } else if (!in_string && (c == ']' || c == '}')) {
            if (depth) depth--;
        } else if (!in_string && c == ',')
            values++;
    }
    if (text.n <= RPC_FRAME_MAX && depth <= RPC_FRAME_DEPTH_MAX && values <= RPC_FRAME_VALUES_MAX) return false;
    buf_text(why, "invalid request frame: ");
    if (text.n > RPC_FRAME_MAX)
        buf_printf(why, "must NOT be larger than %d bytes", RPC_FRAME_MAX);
    else if (depth > RPC_FRAME_DEPTH_MAX)
        buf_printf(why, "must NOT be nested deeper than %d levels", RPC_FRAME_DEPTH_MAX);
    else
        buf_printf(why, "must NOT have more than %d values", RPC_FRAME_VALUES_MAX);
    return true;
}

/* JavaScript has one kind of number: 5.0 is 5, and a whole number past 2^53 is rounded. All numbers were read as reals, so
 * that none is too large to read; here the whole ones that an integer holds become integers. Recurses RPC_FRAME_DEPTH_MAX deep. */
static int mend_numbers(json_t *within);

/* @param whole  the integer that takes the place of `item`; NULL: it stays */
static int mend(json_t *item, json_t **whole)
{
    double number = json_real_value(item);
    *whole = NULL;
    if (!json_is_real(item)) return mend_numbers(item);
    if (number != floor(number) || fabs(number) > (double)RPC_WHOLE_MAX) return 0;
    *whole = json_integer((json_int_t)number);
    return *whole ? 0 : GW_ENOMEM;
}

static int mend_numbers(json_t *within)
{
    json_t *whole;
    if (json_is_object(within)) {
        for (void *at = json_object_iter(within); at; at = json_object_iter_next(within, at)) {
            int rc = mend(json_object_iter_value(at), &whole);
            if (rc) return rc;
            if (whole && json_object_iter_set_new(within, at, whole)) return GW_ENOMEM;
        }
    }
    for (size_t i = 0; i < json_array_size(within); i++) { /* 0 for what is no array */
        int rc = mend(json_array_get(within, i), &whole);
        if (rc) return rc;
        if (whole && json_array_set_new(within, i, whole)) return GW_ENOMEM;
    }
    return 0;
}

/* The shortest text that reads back as the same number, as JavaScript writes it. */
static void add_real(struct buf *out, double number)
{
    char text[40] = "";
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, number);
        if (strtod(text, NULL) == number) break;
    }
    buf_text(out, text);
}

static void read_id(const json_t *id, struct buf *out)
{
    if (json_is_string(id))
        buf_json_str(out, json_text(id));
    else if (json_is_integer(id))
        buf_int(out, json_integer_value(id));
    else if (json_is_real(id))
        add_real(out, json_real_value(id));
    else
        buf_text(out, "\"invalid\"");
}

static void judge(struct rpc_frame *out)
{
    const json_t *method = json_object_get(out->root, "method");
    out->kind = RPC_FRAME_REQUEST;
    buf_text(&out->why, "invalid request frame: ");
    if (!rpc_shape_fits(rpc_shape(RPC_SHAPE_request_frame), out->root, &out->why)) {
        out->kind = RPC_FRAME_INVALID;
        return;
    }
    buf_clear(&out->why);
    out->method = json_text(method);
    out->params = json_object_get(out->root, "params");
}

int rpc_frame_read(struct str text, struct rpc_frame *out)
{
    *out = (struct rpc_frame){ .kind = RPC_FRAME_NOT_JSON };
    if (too_much(text, &out->why)) {
        out->kind = RPC_FRAME_INVALID;
        read_id(NULL, &out->id);
        return out->id.err || out->why.err ? GW_ENOMEM : 0;
    }
    json_error_t error;
    out->root = json_loadb(text.p ? text.p : "", text.n, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);
    if (!out->root) return json_error_code(&error) == json_error_out_of_memory ? GW_ENOMEM : 0;
    int rc = mend_numbers(out->root);
    if (rc) return rc;
    read_id(json_object_get(out->root, "id"), &out->id);
    judge(out);
    return out->id.err || out->why.err ? GW_ENOMEM : 0;
}

void rpc_frame_free(struct rpc_frame *frame)
{
    json_decref(frame->root);
    buf_free(&frame->id);
    buf_free(&frame->why);
    *frame = (struct rpc_frame){ .kind = RPC_FRAME_NOT_JSON };
}
