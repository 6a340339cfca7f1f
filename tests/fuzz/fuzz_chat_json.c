/* What is read is written as JSON that reads the same: from the second writing on nothing changes. */
#include <stdlib.h>

#include "msgs/chat_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool rewrite(struct str json, struct buf *out)
{
    struct arena arena = { 0 };
    struct chat_message message;
    bool ok = chat_json_read(json, &arena, &message) == 0;
    if (ok && chat_json_write(out, &message) != 0) abort();
    arena_free(&arena);
    return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str json = { (const char *)data, size };
    struct buf texts[3] = { { 0 }, { 0 }, { 0 } };
    struct arena arena = { .max = 1024 * 1024 };
    struct chat_message *messages;
    size_t count;
    if (rewrite(json, &texts[0])) {
        if (!rewrite(buf_str(&texts[0]), &texts[1]) || !rewrite(buf_str(&texts[1]), &texts[2])) abort();
        if (!str_eq(buf_str(&texts[1]), buf_str(&texts[2]))) abort();
    }
    (void)chat_json_read_array(json, &arena, &messages, &count);
    arena_free(&arena);
    for (int i = 0; i < 3; i++) buf_free(&texts[i]);
    return 0;
}
