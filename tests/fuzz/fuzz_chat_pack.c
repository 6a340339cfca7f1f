/* A request or message that can be read is written and read again as the same. */
#include <stdlib.h>

#include "base/err.h"
#include "msgs/chat_pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_request(struct str bytes)
{
    struct arena arena = { .max = 1024 * 1024 };
    struct buf once = { 0 }, twice = { 0 };
    struct chat_request request;
    if (chat_unpack_request(bytes, &arena, &request) == 0) {
        if (chat_pack_request(&once, &request) != 0) abort();
        arena_free(&arena);
        if (chat_unpack_request(buf_str(&once), &arena, &request) != 0) abort();
        if (chat_pack_request(&twice, &request) != 0 || !str_eq(buf_str(&once), buf_str(&twice))) abort();
    }
    arena_free(&arena);
    buf_free(&once);
    buf_free(&twice);
}

static void check_message(struct str bytes)
{
    struct arena arena = { .max = 1024 * 1024 };
    struct buf once = { 0 };
    struct chat_message message;
    if (chat_unpack_message(bytes, &arena, &message) == 0) {
        if (chat_pack_message(&once, &message) != 0) abort();
        if (chat_unpack_message(buf_str(&once), &arena, &message) != 0 && arena.err != GW_ELIMIT) abort();
    }
    arena_free(&arena);
    buf_free(&once);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = { (const char *)data, size };
    check_request(bytes);
    check_message(bytes);
    return 0;
}
