/* Any frames of a few WebSocket clients. The first byte as in fuzz_gateway_http.c; the second says what each client does before
 * the script: 1 the upgrade, 2 a `connect` after it, from 4 on its variant (front_script.h, shifted by two). */
#include "tests/fuzz/front_script.h"

enum { FROM_AFAR = 8, ENDS_FIRST = 16, UPGRADES = 1, CONNECTS = 2, VARIANT_SHIFT = 2 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) return 0;
    enum front_opening opening = !(data[1] & UPGRADES) ? FRONT_PLAIN : data[1] & CONNECTS ? FRONT_GREETED : FRONT_UPGRADED;
    front_open(data[0]);
    front_play((struct str){ (const char *)data + 2, size - 2 }, opening, data[1] >> VARIANT_SHIFT,
               data[0] & FROM_AFAR ? "192.0.2.7" : "127.0.0.1");
    front_close(data[0] & ENDS_FIRST);
    return 0;
}
