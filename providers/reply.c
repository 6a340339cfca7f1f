#include "providers/reply.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/hash.h"
#include "providers/classify.h"
#include "providers/wire.h"

static size_t count_calls(const struct model_request *request)
{
    size_t n = 0;
    for (size_t i = 0; i < request->message_count; i++)
        for (size_t k = 0; k < request->messages[i].part_count; k++) n += request->messages[i].parts[k].kind == CHAT_TOOL_CALL;
    return n;
}

int reply_init(struct reply *r, const struct model_request *request, const struct model_sink *sink)
{
    *r = (struct reply){ .sink = *sink, .salt = request->message_count };
    r->failure.retry_after_ms = -1;
    r->known_ids = malloc((count_calls(request) + PROVIDER_TOOL_CALLS_MAX) * sizeof *r->known_ids);
    if (!r->known_ids) return GW_ENOMEM;
    for (size_t i = 0; i < request->message_count; i++) {
        const struct chat_message *m = &request->messages[i];
        for (size_t k = 0; k < m->part_count; k++)
            if (m->parts[k].kind == CHAT_TOOL_CALL) r->known_ids[r->known_count++] = hash_fnv(m->parts[k].id, 0);
    }
    return 0;
}

void reply_free(struct reply *r)
{
    for (size_t i = 0; i < r->part_count; i++) {
        buf_free(&r->parts[i].text);
        buf_free(&r->parts[i].name);
        buf_free(&r->parts[i].id);
        buf_free(&r->parts[i].signature);
    }
    free(r->parts);
    free(r->known_ids);
    free(r->message_parts);
    buf_free(&r->failure_text);
    *r = (struct reply){ 0 };
}

struct reply_part *reply_find(struct reply *r, enum chat_part_kind kind, int64_t key)
{
    for (size_t i = r->part_count; i-- > 0;)
        if (r->parts[i].kind == kind && r->parts[i].key == key) return &r->parts[i];
    return NULL;
}

static void too_large(struct reply *r, size_t bound, const char *unit)
{
    char text[96];
    int n = snprintf(text, sizeof text, "reply too large: more than %zu %s", bound, unit);
    reply_fail(r, FAILURE_too_large, (struct str){ text, (size_t)n });
}

struct reply_part *reply_add(struct reply *r, enum chat_part_kind kind, int64_t key)
{
    if (reply_failed(r)) return NULL;
    if (kind == CHAT_TOOL_CALL && r->call_count == PROVIDER_TOOL_CALLS_MAX) {
        too_large(r, PROVIDER_TOOL_CALLS_MAX, "tool calls");
        return NULL;
    }
    if (r->part_count == REPLY_PARTS_MAX) {
        too_large(r, REPLY_PARTS_MAX, "parts");
        return NULL;
    }
    if (r->part_count == r->part_cap) {
        size_t cap = r->part_cap ? r->part_cap * 2 : 4;
        struct reply_part *grown = realloc(r->parts, cap * sizeof *grown);
        if (!grown) {
            reply_fail(r, FAILURE_server, STR("out of memory while reading the reply"));
            return NULL;
        }
        r->parts = grown;
        r->part_cap = cap;
    }
    r->call_count += kind == CHAT_TOOL_CALL;
    r->parts[r->part_count] = (struct reply_part){ .kind = kind, .key = key };
    return &r->parts[r->part_count++];
}

struct reply_part *reply_open(struct reply *r, enum chat_part_kind kind, int64_t key)
{
    struct reply_part *part = reply_find(r, kind, key);
    return part ? part : reply_add(r, kind, key);
}

void reply_append(struct reply *r, struct buf *field, struct str bytes)
{
    if (bytes.n == 0 || reply_failed(r)) return;
    if (bytes.n > PROVIDER_REPLY_MAX - r->bytes) {
        too_large(r, PROVIDER_REPLY_MAX, "bytes");
        return;
    }
    buf_add(field, bytes);
    if (field->err) reply_fail(r, FAILURE_server, STR("out of memory while reading the reply"));
    r->bytes += bytes.n;
}

void reply_delta(struct reply *r, enum chat_part_kind kind, int64_t key, struct str text)
{
    if (text.n == 0) return;
    struct reply_part *part = reply_open(r, kind, key);
    if (!part) return;
    reply_append(r, &part->text, text);
    if (reply_failed(r)) return;
    if (kind == CHAT_TEXT) r->visible = true;
    if (r->sink.delta) r->sink.delta(r->sink.ctx, kind, text);
}

void reply_fail(struct reply *r, enum failure failure_class, struct str text)
{
    if (reply_failed(r)) return;
    r->failure.class = failure_class;
    buf_add(&r->failure_text, text);
}

void reply_fail_json(struct reply *r, const json_t *root)
{
    if (reply_failed(r)) return;
    classify_json(root, 200, &r->failure, &r->failure_text);
}

static bool known(const struct reply *r, uint64_t id)
{
    for (size_t i = 0; i < r->known_count; i++)
        if (r->known_ids[i] == id) return true;
    return false;
}

/* A call keeps its id unless it has none or the conversation has it already. */
static void settle_id(struct reply *r, struct reply_part *part)
{
    for (size_t n = 0; part->id.n == 0 || known(r, hash_fnv(buf_str(&part->id), 0)); n++) {
        buf_clear(&part->id);
        buf_printf(&part->id, "call_%zu_%zu", r->salt, n);
        if (part->id.err) return;
    }
    r->known_ids[r->known_count++] = hash_fnv(buf_str(&part->id), 0);
}

/* Arguments become the text of a JSON object; a JSON text inside a JSON string is taken out. */
static void settle_arguments(struct reply_part *part)
{
    struct buf settled = { 0 };
    struct str text = str_trim(buf_str(&part->text));
    if (wire_is_object(text)) return;
    json_t *value = wire_parse(text);
    json_t *inner = json_is_string(value) ? wire_parse(json_text(value)) : NULL;
    if (json_is_null(value)) {
        buf_text(&settled, "{}");
    } else if (json_is_object(inner) || json_is_object(value)) {
        char *dump = json_dumps(json_is_object(inner) ? inner : value, JSON_COMPACT);
        if (dump) buf_text(&settled, dump);
        if (!dump) settled.err = GW_ENOMEM;
        free(dump);
    } else {
        wire_arguments(&settled, text);
    }
    json_decref(inner);
    json_decref(value);
    buf_free(&part->text);
    part->text = settled;
}

static void settle_stop(struct reply *r, size_t kept)
{
    if (r->stop == CHAT_STOP_NONE) r->stop = CHAT_STOP_END;
    if (r->stop == CHAT_STOP_END && r->call_count > 0) r->stop = CHAT_STOP_TOOL_USE;
    if (r->stop == CHAT_STOP_TOOL_USE && r->call_count == 0) r->stop = CHAT_STOP_END;
    if (r->stop != CHAT_STOP_FILTER || kept > 0 || reply_failed(r)) return;
    reply_fail(r, FAILURE_bad_request, STR("the provider's filter stopped the reply"));
    if (r->stop_text.n > 0) buf_text(&r->failure_text, ": ");
    buf_add(&r->failure_text, r->stop_text);
}

static bool keep(const struct reply *r, const struct reply_part *part)
{
    if (part->kind == CHAT_TOOL_CALL) return !reply_failed(r);
    return part->text.n > 0 || part->signature.n > 0;
}

int reply_message(struct reply *r, struct chat_message *out)
{
    size_t n = 0;
    int err = 0;
    *out = (struct chat_message){ .role = CHAT_ASSISTANT, .usage = r->usage };
    free(r->message_parts);
    r->message_parts = calloc(r->part_count ? r->part_count : 1, sizeof *r->message_parts);
    if (!r->message_parts) return GW_ENOMEM;
    for (size_t i = 0; i < r->part_count; i++) {
        struct reply_part *part = &r->parts[i];
        if (!keep(r, part)) continue;
        if (part->kind == CHAT_TOOL_CALL) {
            settle_id(r, part);
            settle_arguments(part);
        }
        if (part->text.err || part->id.err) err = GW_ENOMEM;
        r->message_parts[n++] = (struct chat_part){ .kind = part->kind,
                                                    .text = buf_str(&part->text),
                                                    .name = buf_str(&part->name),
                                                    .id = buf_str(&part->id),
                                                    .signature = buf_str(&part->signature) };
    }
    settle_stop(r, n);
    out->parts = r->message_parts;
    out->part_count = n;
    out->stop = r->stop;
    return err;
}
