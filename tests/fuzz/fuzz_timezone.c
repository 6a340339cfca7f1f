/* Any zone file is read or refused, and what was read tells the time of any instant. */
#include <stdlib.h>

#include "base/timezone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int64_t instants[] = { INT64_MIN, -62167219201, -1, 0, 1795353055, 4102444800, 253402300800, INT64_MAX };
    timezone_t *zone;
    if (timezone_parse((struct str){ (const char *)data, size }, &zone) != 0) return 0;
    for (size_t i = 0; i < sizeof instants / sizeof *instants; i++) {
        struct timezone_local t;
        timezone_local(zone, instants[i], &t);
        if (t.month < 1 || t.month > 12 || t.day < 1 || t.day > 31 || t.weekday < 0 || t.weekday > 6 || t.year < 0 || t.year > 9999)
            abort();
    }
    timezone_destroy(&zone);
    return 0;
}
