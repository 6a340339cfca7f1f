/* Any bytes of a few HTTP connections. The first byte says how the gateway is configured (bits as enum front_kind), where the
 * clients come from (8) and whether it ends before they do (16); then follows a script (front_script.h), in which a request
 * as it stands means itself. */
#include "tests/fuzz/front_script.h"

enum { FROM_AFAR = 8, ENDS_FIRST = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    front_open(data[0]);
    front_play((struct str){ (const char *)data + 1, size - 1 }, FRONT_PLAIN, 0, data[0] & FROM_AFAR ? "192.0.2.7" : "127.0.0.1");
    front_close(data[0] & ENDS_FIRST);
    return 0;
}
