/* Whatever the pre-scan lets through, msgpack-c reads whole, within the memory that the bytes back. */
#include <msgpack.h>
#include <stdlib.h>

#include "msgs/prescan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = { (const char *)data, size };
    msgpack_unpacked whole;
    size_t at = 0;
    if (msgs_prescan(bytes, 16) != 0) return 0;
    msgpack_unpacked_init(&whole);
    if (msgpack_unpack_next(&whole, bytes.p, bytes.n, &at) != MSGPACK_UNPACK_SUCCESS || at != size) abort();
    msgpack_unpacked_destroy(&whole);
    return 0;
}
